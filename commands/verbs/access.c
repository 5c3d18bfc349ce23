/* Who may know of a protected incident (FEATURES G2): grant and revoke by name, and who has looked.
 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "commands/assignment.h"
#include "commands/messages.h"
#include "commands/offer.h"
#include "commands/protected.h"
#include "commands/say.h"
#include "commands/verbs.h"
#include "incident/access.h"
#include "store/audit.h"
#include "store/relations.h"
#include "store/response.h"

#define AUDIT_MAX 500 /* entries looked through */
#define LOOKS_MAX 20  /* people who are named */

/* Commander, whoever declared it, an admin: each of them sees it. */
static bool may_decide(const struct call *c)
{
	const char *commander = role_person(&c->roles, ROLE_COMMANDER);

	return (commander && !strcmp(commander, c->actor)) ||
	       (c->incident.reporter && !strcmp(c->incident.reporter, c->actor)) ||
	       access_allows(&c->config->access, c->actor, "incident.admin");
}

static struct done refuse_public(struct call *c)
{
	return call_refuse(c, "conflict",
		"%s is not protected: everybody who may read incidents sees it, so nothing was "
		"done. "
		"Protect it first: %s",
		words_id(c, c->incident.id),
		message_usage(c, "/inc protect #%lld why", (long long)c->incident.id));
}

static struct done refuse_decision(struct call *c)
{
	return call_refuse(c, "forbidden",
		"Only the commander, whoever declared it or an admin decides who has access to %s; "
		"nothing was done.",
		words_id(c, c->incident.id));
}

static int record_access(struct call *c, const char *action, const char *verb, const char *person)
{
	const char *why = call_text(c, "why");
	json_t *meta = json_pack("{s:s, s:s*}", "person", person, "why", why);
	int rc = record_audit(
		c, "incident", c->incident.id, "info", action, json_text(c->arena, meta));

	json_decref(meta);
	if (rc < 0)
		return rc;
	return record_event(c, ENTRY_RESPONSIBILITY, NULL, "access %s %s by %s%s%s", verb,
		words_name(c, person), words_name(c, c->actor), why ? ": " : "", why ? why : "");
}

/* ---- grant ---- */

static int grant_tell(struct call *c, const char *person)
{
	json_t *doc = message_line(c,
		"You have access to %s, %s (%s), granted by %s. It is protected: speak of it only "
		"in "
		"its channel.",
		words_id(c, c->incident.id), c->incident.title,
		words_severity(c, c->incident.severity), words_name(c, c->actor));
	int rc;

	doc_button(doc, "Show", "show", c->incident.id, NULL, "primary");
	rc = say_person(c, person, doc);
	if (rc == 0)
		rc = assignment_meet(c, person);
	if (rc == 0)
		rc = say_channel(c,
			message_line(c, "%s has access to %s now, granted by %s",
				words_name(c, person), words_id(c, c->incident.id),
				words_name(c, c->actor)),
			NULL);
	return rc;
}

static struct done grant_run(struct call *c)
{
	const char *person = call_text(c, "person");
	const char *id = words_id(c, c->incident.id);
	int rc;

	if (!c->incident.is_private)
		return refuse_public(c);
	if (!may_decide(c))
		return refuse_decision(c);
	rc = access_grant(c->store, c->incident.id, person, c->actor, c->now, &c->err);
	if (rc == -EEXIST)
		return call_replyf(c, "%s has access to %s already; nothing was changed.",
			words_name(c, person), id);
	if (rc == 0)
		rc = record_access(c, "incident.access_granted", "granted to", person);
	if (rc == 0)
		rc = grant_tell(c, person);
	if (rc < 0)
		return call_fail(c);
	return call_replyf(
		c, "%s has access to %s now and is told.", words_name(c, person), id);
}

/* ---- revoke ---- */

/* Roles show the record too: whoever loses access gives them up. */
static int revoke_roles(struct call *c, const char *person, size_t *count)
{
	const struct role_set held = c->roles;
	int rc = 0;

	*count = 0;
	for (size_t i = 0; rc == 0 && i < held.count; i++) {
		const struct role_policy *p;

		if (strcmp(held.holder[i].person, person) != 0)
			continue;
		(*count)++;
		p = role_find(&c->config->roles, held.holder[i].role);
		rc = p ? assignment_end(c, p, person)
		       : role_release(c->store, c->incident.id, held.holder[i].role, &c->err);
	}
	return rc < 0 ? rc : call_load_roles(c);
}

/* Whoever may not see it cannot take command of it: an offer to them would only hang. */
static int revoke_offer(struct call *c, const char *person)
{
	struct handover h;
	int rc = offer_current(c, &h);

	if (rc == -ENOENT || (rc == 0 && strcmp(h.to, person) != 0))
		return 0;
	if (rc == 0)
		rc = offer_end(c, &h, HANDOVER_WITHDRAWN);
	return rc < 0 ? rc :
		record_event(c, ENTRY_RESPONSIBILITY, "handover.withdrawn",
			"handover to %s is off: they have no access any more",
			words_name(c, person));
}

static int revoke_tell(struct call *c, const char *person)
{
	int rc = say_people_remove(c, &person, 1);

	if (rc == 0)
		rc = protected_withdraw_from(c, person);
	if (rc == 0)
		rc = say_channel(c,
			message_line(c, "%s has no access to %s any more, revoked by %s",
				words_name(c, person), words_id(c, c->incident.id),
				words_name(c, c->actor)),
			NULL);
	return rc < 0 ? rc : say_home(c, person);
}

static struct done revoke_run(struct call *c)
{
	const char *person = call_text(c, "person");
	const char *id = words_id(c, c->incident.id);
	size_t roles;
	bool still = access_allows(&c->config->access, person, "incident.admin");
	int rc, had;

	if (!c->incident.is_private)
		return refuse_public(c);
	if (!may_decide(c))
		return refuse_decision(c);
	had = access_revoke(c->store, c->incident.id, person, &c->err);
	rc = had == -ENOENT ? 0 : had;
	if (rc == 0)
		rc = revoke_roles(c, person, &roles);
	if (rc == 0)
		rc = revoke_offer(c, person);
	if (rc < 0)
		return call_fail(c);
	if (had == -ENOENT && !roles)
		return call_refuse(c, "not_found",
			"%s has not been granted access to %s%s; nothing was changed.",
			words_name(c, person), id,
			still ? ", but sees it as an admin by rbac.yml" : "");
	if (record_access(c, "incident.access_revoked", "revoked from", person) < 0 ||
		revoke_tell(c, person) < 0)
		return call_fail(c);
	return call_replyf(c, "%s has no access to %s any more%s and leaves its channel.%s",
		words_name(c, person), id, roles ? ", holds no role on it" : "",
		still ? " As an admin by rbac.yml they can still look; every look is on record."
		      : "");
}

/* ---- access ---- */

static const char *grant_line(struct call *c, const struct grant *g)
{
	struct str s;

	str_init_arena(&s, c->arena, 1000);
	str_addf(&s, "%s, since %s", words_name(c, g->person), words_time(c, g->at));
	if (strcmp(g->by, g->person) != 0)
		str_addf(&s, ", by %s", words_name(c, g->by));
	for (size_t i = 0; i < c->roles.count; i++)
		if (!strcmp(c->roles.holder[i].person, g->person))
			str_addf(&s, " · %s", c->roles.holder[i].role);
	if (c->incident.reporter && !strcmp(c->incident.reporter, g->person))
		str_add(&s, " · declared it");
	return s.p;
}

struct look {
	const char *person;
	int64_t last;
	int count;
};

/* Newest first, each person once. */
static int looks_read(struct call *c, struct look looks[LOOKS_MAX], size_t *n)
{
	struct audit_entry *e;
	size_t count;
	int rc = audit_list(c->store, c->arena, c->incident.id, AUDIT_MAX, &e, &count, &c->err);

	*n = 0;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		size_t k = 0;

		if (strcmp(e[i].action, "incident.viewed") != 0)
			continue;
		while (k < *n && strcmp(looks[k].person, e[i].actor) != 0)
			k++;
		if (k == LOOKS_MAX)
			continue;
		if (k == *n)
			looks[(*n)++] = (struct look){ .person = e[i].actor, .last = e[i].at };
		looks[k].count++;
	}
	return rc;
}

static struct done access_run(struct call *c)
{
	struct look looks[LOOKS_MAX];
	struct grant *grant;
	size_t n, seen;
	json_t *doc;

	if (!c->incident.is_private)
		return refuse_public(c);
	if (access_list(c->store, c->arena, c->incident.id, &grant, &n, &c->err) < 0 ||
		looks_read(c, looks, &seen) < 0)
		return call_fail(c);
	doc = message_line(c, "Access to %s, %s: %zu %s", words_id(c, c->incident.id),
		message_short(c, c->incident.title, 80), n, n == 1 ? "person" : "people");
	for (size_t i = 0; i < n; i++)
		doc_list_item(doc, grant_line(c, &grant[i]));
	doc_text(doc, seen ? "Who has looked, by command or button:" : "Nobody has looked yet.");
	for (size_t i = 0; i < seen; i++)
		doc_list_item(doc,
			arena_printf(c->arena, "%s, %d %s, last %s", words_name(c, looks[i].person),
				looks[i].count, looks[i].count == 1 ? "time" : "times",
				words_time(c, looks[i].last)));
	doc_context(doc, "Admins by rbac.yml can look too; reading in its channel is not counted.");
	return call_reply(c, doc);
}

/* ---- entries ---- */

static const struct arg_def person_args[] = {
	{ .name = "person",
		.type = ARG_PERSON,
		.flags = ARG_REQUIRED | ARG_ANYWHERE,
		.label = "person",
		.help = "Whose access it is" },
	{ .name = "why", .type = ARG_REST, .label = "why", .help = "For the record" },
	{ .name = NULL },
};

static const struct op_alias grant_aliases[] = {
	{ "allow", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct op_alias revoke_aliases[] = {
	{ "deny", NULL, NULL },
	{ NULL, NULL, NULL },
};

const struct operation op_grant = {
	.name = "grant",
	.aliases = grant_aliases,
	.summary = "Let somebody know of a protected incident",
	.example = "/inc grant @bob",
	.args = person_args,
	.need = NEED_INCIDENT,
	.flags = OP_MERGED,
	.right = "incident.write",
	.run = grant_run,
};

const struct operation op_revoke = {
	.name = "revoke",
	.aliases = revoke_aliases,
	.summary = "Take somebody's access to a protected incident, and their roles on it",
	.example = "/inc revoke @bob",
	.args = person_args,
	.need = NEED_INCIDENT,
	.flags = OP_MERGED,
	.right = "incident.write",
	.run = revoke_run,
};

const struct operation op_access = {
	.name = "access",
	.summary = "Who may know of a protected incident, and who has looked",
	.example = "/inc access",
	.need = NEED_INCIDENT,
	.flags = OP_READS,
	.right = "incident.read",
	.run = access_run,
};
