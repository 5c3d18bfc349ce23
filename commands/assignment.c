#include "commands/assignment.h"

#include <errno.h>
#include <string.h>

#include "commands/messages.h"
#include "commands/obligations.h"
#include "store/incidents.h"
#include "store/people.h"

static bool is_commander(const char *role)
{
	return strcmp(role, ROLE_COMMANDER) == 0;
}

/* The card shows every role; the announcement only the commander. */
static int assignment_settle(struct call *c, const char *role)
{
	int rc = call_load_roles(c);

	if (is_commander(role))
		call_touch_announce(c);
	else
		call_touch(c);
	if (rc == 0 && is_commander(role) && role_person(&c->roles, role) &&
		state_active(c->incident.state))
		rc = obligation_acknowledge(c);
	if (rc == 0 && is_commander(role))
		rc = obligation_commander(c);
	return rc < 0 ? rc : obligation_roles(c);
}

/* What the role is for, to its new holder alone. */
static int assignment_brief(struct call *c, const struct role_policy *p, const char *person)
{
	json_t *doc = message_line(c, "You are %s of %s, %s (%s). %s",
		message_role_title(c, p->key), words_id(c, c->incident.id), c->incident.title,
		words_severity(c, c->incident.severity), p->purpose ? p->purpose : "");

	doc_button(doc, "Show", "show", c->incident.id, NULL, "primary");
	doc_button(doc, "Give it up", "role", c->incident.id,
		json_pack("{s:s, s:s}", "do", "drop", "role", p->key), NULL);
	return say_person(c, person, doc);
}

int assignment_record(
	struct call *c, const struct role_policy *p, const char *person, const char *before)
{
	bool self = strcmp(person, c->actor) == 0;
	int rc = role_assign(c->store, c->incident.id, p->key, person, c->now, &c->err);

	if (rc == 0)
		rc = assignment_settle(c, p->key);
	if (rc < 0)
		return rc;
	return record_event(c, ENTRY_RESPONSIBILITY, "incident.role_assigned", "%s: %s%s%s%s%s",
		message_role_title(c, p->key), words_name(c, person), before ? ", from " : "",
		before ? words_name(c, before) : "", self ? "" : ", assigned by ",
		self ? "" : words_name(c, c->actor));
}

int assignment_meet(struct call *c, const char *person)
{
	struct person known;
	int rc = person_get(c->store, c->arena, person, &known, &c->err);

	if (rc == -ENOENT)
		rc = say_fetch_person(c, person);
	return rc < 0 ? rc : say_people_invite(c, &person, 1);
}

int assignment_make(
	struct call *c, const struct role_policy *p, const char *person, const char *before)
{
	bool self = strcmp(person, c->actor) == 0;
	const char *from = before ? arena_printf(c->arena, ", from %s", words_name(c, before)) : "";
	const char *title = message_role_title(c, p->key);
	int rc = assignment_record(c, p, person, before);

	if (rc == 0)
		rc = assignment_meet(c, person);
	if (rc == 0)
		rc = say_channel(c,
			message_line(c, "%s of %s is %s now%s", title, words_id(c, c->incident.id),
				self ? words_name(c, person) : words_mention(c, person), from),
			NULL);
	return rc < 0 || self ? rc : assignment_brief(c, p, person);
}

int assignment_end(struct call *c, const struct role_policy *p, const char *holder)
{
	const char *title = message_role_title(c, p->key);
	const char *by =
		strcmp(holder, c->actor) == 0
			? ""
			: arena_printf(c->arena, " (taken off by %s)", words_name(c, c->actor));
	json_t *doc;
	int rc = role_release(c->store, c->incident.id, p->key, &c->err);

	if (rc == 0)
		rc = assignment_settle(c, p->key);
	if (rc == 0)
		rc = record_event(c, ENTRY_RESPONSIBILITY, "incident.role_released",
			"%s: %s gave it up%s, nobody now", title, words_name(c, holder), by);
	if (rc < 0)
		return rc;
	doc = message_line(c, "%s gave up %s of %s%s; nobody holds it now", words_name(c, holder),
		title, words_id(c, c->incident.id), by);
	message_take_button(c, doc, p->key);
	return say_channel(c, doc, NULL);
}
