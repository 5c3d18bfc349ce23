/*
 * Who is what on this incident (FEATURES D1, D3): take, drop, assign, list. A role that somebody
 * holds is not taken away silently: assigning it says from whom.
 */
#include <string.h>

#include "commands/assignment.h"
#include "commands/messages.h"
#include "commands/verbs.h"

static void add_free_buttons(struct call *c, json_t *doc)
{
	for (size_t i = 0; i < c->config->roles.count; i++)
		if (!role_person(&c->roles, c->config->roles.role[i].key))
			message_take_button(c, doc, c->config->roles.role[i].key);
}

static json_t *role_table_doc(struct call *c)
{
	json_t *doc = message_line(c, "Roles on %s, %s", words_id(c, c->incident.id),
		message_short(c, c->incident.title, 80));

	for (size_t i = 0; i < c->config->roles.count; i++) {
		const struct role_policy *p = &c->config->roles.role[i];
		const char *person = role_person(&c->roles, p->key);

		doc_field(doc, message_role_title(c, p->key),
			person ? words_name(c, person) : "nobody");
	}
	add_free_buttons(c, doc);
	return doc;
}

/* "Bob is commander since 14:05: …" for one role. */
static struct done role_tell(struct call *c, const char *role)
{
	const struct role_policy *p = role_find(&c->config->roles, role);
	const char *person = role_person(&c->roles, role);
	json_t *doc = message_line(c, "%s of %s: %s%s%s", message_role_title(c, role),
		words_id(c, c->incident.id), person ? words_name(c, person) : "nobody yet",
		p && p->purpose ? ". " : "", p && p->purpose ? p->purpose : "");

	if (!person)
		message_take_button(c, doc, role);
	return call_reply(c, doc);
}

static struct done role_assign_run(struct call *c, const struct role_policy *p, const char *person)
{
	const char *before = role_person(&c->roles, p->key);
	const char *title = message_role_title(c, p->key);
	const char *id = words_id(c, c->incident.id);

	if (before && strcmp(before, person) == 0)
		return call_replyf(c, "%s is %s of %s already; nothing was changed.",
			words_name(c, person), title, id);
	if (assignment_make(c, p, person, before) < 0)
		return call_fail(c);
	if (strcmp(person, c->actor) == 0)
		return call_replyf(c, "You are %s of %s%s%s. %s", title, id,
			before ? ", from " : "", before ? words_name(c, before) : "",
			p->purpose ? p->purpose : "");
	return call_replyf(c, "%s is %s of %s%s%s and is being told what it is for.",
		words_name(c, person), title, id, before ? ", from " : "",
		before ? words_name(c, before) : "");
}

static struct done role_take_run(struct call *c, const struct role_policy *p)
{
	const char *holder = role_person(&c->roles, p->key);

	if (holder && strcmp(holder, c->actor) != 0)
		return call_refuse(c, "conflict",
			"%s is %s of %s; nothing was changed. If it shall be you, say so: %s",
			words_name(c, holder), message_role_title(c, p->key),
			words_id(c, c->incident.id),
			message_usage(
				c, "/inc assign #%lld %s me", (long long)c->incident.id, p->key));
	return role_assign_run(c, p, c->actor);
}

static struct done role_drop_run(struct call *c, const struct role_policy *p)
{
	const char *holder = role_person(&c->roles, p->key);
	const char *title = message_role_title(c, p->key);
	const char *id = words_id(c, c->incident.id);

	if (!holder)
		return call_replyf(c, "Nobody is %s of %s; nothing was changed.", title, id);
	if (assignment_end(c, p, holder) < 0)
		return call_fail(c);
	return call_replyf(c, "Nobody is %s of %s now.", title, id);
}

/* Which role? With buttons for those that are free. */
static struct done role_ask(struct call *c)
{
	json_t *doc;

	if (c->request->from_form)
		return call_refuse_arg(c, "role", "Which role?");
	doc = role_table_doc(c);
	doc_text(doc, arena_printf(c->arena, "Nothing was changed: name the role, as in %s",
			      message_usage(c, "/inc take %s", ROLE_COMMANDER)));
	return call_refuse_doc(c, "usage", doc);
}

static struct done role_run(struct call *c)
{
	const char *what = call_text(c, "do");
	const char *person = call_text(c, "person");
	const struct role_policy *p =
		call_given(c, "role") ? role_find(&c->config->roles, call_text(c, "role")) : NULL;

	if (!what)
		what = person ? "assign" : "list";
	if (strcmp(what, "list") == 0)
		return p ? role_tell(c, p->key) : call_reply(c, role_table_doc(c));
	if (!p)
		return role_ask(c);
	if (strcmp(what, "drop") == 0)
		return role_drop_run(c, p);
	if (strcmp(what, "take") == 0 && (!person || strcmp(person, c->actor) == 0))
		return role_take_run(c, p);
	if (!person)
		return call_refuse_arg(c, "person", "Nothing was changed: whom? As in %s",
			message_usage(c, "/inc assign %s @bob", p->key));
	return role_assign_run(c, p, person);
}

static const char *const deeds[] = { "take", "drop", "assign", "list", NULL };

/* The policy's role names are words of the language too: "ic @bob". */
static const struct op_alias aliases[] = {
	{ "take", "do", "take" },
	{ "claim", "do", "take" },
	{ "drop", "do", "drop" },
	{ "release", "do", "drop" },
	{ "assign", "do", "assign" },
	{ "roles", "do", "list" },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "do",
		.type = ARG_CHOICE,
		.flags = ARG_LEADING,
		.label = "what",
		.help = "Take it, drop it, assign it to somebody, or list all",
		.choices = deeds },
	{ .name = "role",
		.type = ARG_ROLE,
		.flags = ARG_ANYWHERE,
		.label = "role",
		.help = "commander (ic), operations (ops), communications (comms), scribe" },
	{ .name = "person",
		.type = ARG_PERSON,
		.flags = ARG_ANYWHERE,
		.label = "person",
		.help = "Whom to assign it to" },
	{ .name = NULL },
};

const struct operation op_role = {
	.name = "role",
	.aliases = aliases,
	.summary = "Take, drop or assign a role, or see who has which",
	.example = "/inc ic @bob",
	.args = args,
	.need = NEED_INCIDENT,
	.right = "incident.write",
	.run = role_run,
};
