/* One person for everything (FEATURES D2): all roles that nobody holds, each of them by name, so that
 * they can be given away one by one as people come. */
#include <string.h>

#include "commands/assignment.h"
#include "commands/messages.h"
#include "commands/verbs.h"

/* "Operations lead with @bob" for what stays with others; "" when nothing does. */
static const char *others(struct call *c)
{
	struct str s;

	str_init_arena(&s, c->arena, 1000);
	for (size_t i = 0; i < c->config->roles.count; i++) {
		const char *role = c->config->roles.role[i].key;
		const char *person = role_person(&c->roles, role);

		if (person && strcmp(person, c->actor) != 0)
			str_addf(&s, "%s%s with %s", s.len ? ", " : "",
				message_role_title(c, role), words_name(c, person));
	}
	return s.p;
}

struct roles_taken {
	const struct role_policy *role[ROLE_MAX];
	size_t count;
};

static int solo_take(struct call *c, struct roles_taken *taken)
{
	const struct role_table *t = &c->config->roles;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->count; i++) {
		if (role_person(&c->roles, t->role[i].key))
			continue;
		rc = assignment_record(c, &t->role[i], c->actor, NULL);
		taken->role[taken->count++] = &t->role[i];
	}
	return rc;
}

/* "Incident commander, Scribe" */
static const char *titles(struct call *c, const struct roles_taken *taken)
{
	struct str s;

	str_init_arena(&s, c->arena, 1000);
	for (size_t i = 0; i < taken->count; i++)
		str_addf(&s, "%s%s", i ? ", " : "", message_role_title(c, taken->role[i]->key));
	return s.p;
}

static struct done solo_answer(struct call *c, const struct roles_taken *taken, const char *rest)
{
	json_t *doc = message_line(c, "On %s you are: %s%s%s", words_id(c, c->incident.id),
		titles(c, taken), *rest ? " · " : "", rest);

	for (size_t i = 0; i < taken->count; i++)
		if (taken->role[i]->purpose)
			doc_field(doc, message_role_title(c, taken->role[i]->key),
				taken->role[i]->purpose);
	doc_context(doc, arena_printf(c->arena, "Give them away as people come: %s",
				 message_usage(c, "/inc ops #%lld @bob", (long long)c->incident.id)));
	return call_reply(c, doc);
}

static struct done solo_run(struct call *c)
{
	const char *id = words_id(c, c->incident.id), *rest = others(c);
	struct roles_taken taken = { .count = 0 };

	if (solo_take(c, &taken) < 0)
		return call_fail(c);
	if (taken.count == 0)
		return call_replyf(c, "Every role of %s is taken already, %s; nothing was changed.",
			id, *rest ? rest : "all by you");
	if (assignment_meet(c, c->actor) < 0 ||
		say_channel(c,
			message_line(c, "%s takes every free role of %s: %s%s%s",
				words_name(c, c->actor), id, titles(c, &taken),
				*rest ? " · " : "", rest),
			NULL) < 0)
		return call_fail(c);
	return solo_answer(c, &taken, rest);
}

const struct operation op_solo = {
	.name = "solo",
	.summary = "Take every role that nobody holds",
	.example = "/inc solo",
	.need = NEED_OPEN,
	.right = "incident.write",
	.run = solo_run,
};
