/*
 * Both sides changed, or a rule of ours is against theirs (FEATURES H5): said in the incident's channel once a field, with a button for each
 * side. Nothing is overwritten meanwhile. However it ends, the message then says how.
 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "commands/ends.h"
#include "commands/issues_parts.h"
#include "commands/messages.h"
#include "commands/say.h"
#include "store/audit.h"

#define AUDIT_LOOK 200 /* entries of the incident that are searched for who changed ours */
#define VALUE_MAX  200 /* bytes of a value in a line */

/* ---- the message in a slot ---- */

int issue_say(struct call *c, json_t *doc_take, const char *slot, bool quiet)
{
	if (quiet)
		json_object_set_new(doc_take, "quiet", json_true());
	return say_channel(c, doc_take, slot);
}

int issue_edit(struct call *c, json_t *doc_take, const char *slot)
{
	JSON_CLEANUP json_t *payload = json_pack("{s:o}", "doc", doc_take);

	return say_effect(c, &(struct effect_row){
				     .lane = arena_printf(c->arena, CHAT_SYSTEM "/%lld",
					     (long long)c->incident.id),
				     .kind = EFFECT_MESSAGE_EDIT,
				     .to = TO_INCIDENT,
				     .slot = slot,
				     .payload = json_text(c->arena, payload),
			     });
}

static const char *slot_of(struct call *c, enum issue_field f)
{
	return arena_printf(c->arena, SLOT_CONFLICT "%s", issue_field_name(f));
}

/* ---- words ---- */

static const char *title_of(enum issue_field f)
{
	static const char *const titles[ISSUE_FIELD_COUNT] = { "Title", "Priority", "Status", "Assignee" };

	return titles[f];
}

/* Ours in our own terms. */
static const char *our_words(struct call *c, enum issue_field f)
{
	const char *commander = role_person(&c->roles, ROLE_COMMANDER);

	switch (f) {
	case ISSUE_TITLE:
		return arena_printf(c->arena, "“%s”", message_short(c, c->incident.title, VALUE_MAX));
	case ISSUE_PRIORITY:
		return words_severity(c, c->incident.severity);
	case ISSUE_STATUS:
		return state_name(c->incident.state);
	case ISSUE_ASSIGNEE:
		return commander ? words_name(c, commander) : "nobody";
	}
	return "";
}

/* Which entries of the audit tell of a change of ours. */
static bool is_about(enum issue_field f, const char *action)
{
	static const char *const actions[ISSUE_FIELD_COUNT][10] = {
		[ISSUE_TITLE] = { "incident.titled", "incident.declared" },
		[ISSUE_PRIORITY] = { "incident.severity", "incident.declared" },
		[ISSUE_STATUS] = { "incident.state", "incident.resolved", "incident.reopened",
			"incident.closed", "incident.cancelled", "incident.merged",
			"incident.unmerged", "incident.declared" },
		[ISSUE_ASSIGNEE] = { "incident.role_assigned", "incident.role_released", "incident.declared" },
	};

	for (size_t k = 0; k < 10 && actions[f][k]; k++)
		if (!strcmp(actions[f][k], action))
			return true;
	return false;
}

/* " (by @bob, 15:01)" or "" */
static const char *our_author(struct call *c, enum issue_field f)
{
	struct audit_entry *e;
	size_t n;

	if (audit_list(c->store, c->arena, c->incident.id, AUDIT_LOOK, &e, &n, &c->err) < 0)
		return "";
	for (size_t k = 0; k < n; k++)
		if (is_about(f, e[k].action))
			return arena_printf(c->arena, " (by %s, %s)", words_name(c, e[k].actor),
				words_time(c, e[k].at));
	return "";
}

static const char *their_author(struct call *c, const struct issue_conflict *k)
{
	if (!k->by)
		return k->by_at ? arena_printf(c->arena, " (%s)", words_time(c, k->by_at)) : "";
	return arena_printf(c->arena, " (by @%s%s%s)", k->by, k->by_at ? ", " : "",
		k->by_at ? words_time(c, k->by_at) : "");
}

/* ---- what is shown ---- */

static json_t *button_args(enum issue_field f, const char *side, const char *theirs)
{
	return json_pack("{s:s, s:s, s:s}", "field", issue_field_name(f), "side", side, "theirs", theirs);
}

/* What an end needs beyond a status is asked for by its own form. */
static void add_ending(struct call *c, json_t *doc, const char *theirs)
{
	enum incident_state to;

	if (!issue_policy_state(&c->config->issue, theirs, &to))
		return;
	if (to == STATE_RESOLVED)
		doc_button(doc, "Resolve", "resolve", c->incident.id, NULL, "primary");
	else if (to == STATE_CLOSED && c->incident.state == STATE_RESOLVED)
		doc_button(doc, "Close", "close", c->incident.id, NULL, "primary");
}

static json_t *conflict_doc(struct call *c, const struct issue *i, enum issue_field f)
{
	const struct issue_conflict *k = &i->rec.field[f].conflict;
	const char *theirs = issue_their_words(c, f, k->theirs);
	json_t *doc = message_line(c, "Jira says %s%s, we say %s%s.%s%s", theirs, their_author(c, k),
		our_words(c, f), k->why ? "" : our_author(c, f),
		k->why ? " It was not followed: " : "", k->why ? k->why : "");

	doc_context(doc, arena_printf(c->arena, "%s of %s · nothing is overwritten until somebody decides",
		title_of(f), issue_name(c, i)));
	if (f == ISSUE_STATUS && k->why)
		add_ending(c, doc, k->theirs);
	doc_button(doc, "Keep ours", "settle", c->incident.id, button_args(f, "ours", k->theirs), NULL);
	doc_button(doc, "Take Jira's", "settle", c->incident.id, button_args(f, "jira", k->theirs), NULL);
	return doc;
}

/* The same is shown already. */
static bool is_shown(enum issue_field f, const struct issue_conflict *k, const char *ours,
	const char *theirs, const char *why)
{
	return k->open && issue_value_same(f, k->ours, ours) && issue_value_same(f, k->theirs, theirs) &&
		!k->why == !why;
}

int issue_conflict(struct call *c, struct issue *i, enum issue_field f, const char *ours,
	const char *theirs, const struct issue_change *by, const char *why)
{
	struct issue_memory *m = &i->rec.field[f];
	bool again = m->conflict.open;
	int rc;

	if (is_shown(f, &m->conflict, ours, theirs, why))
		return 0;
	/* One that is shown with its reason keeps it while theirs stays. */
	if (again && !why && issue_value_same(f, m->conflict.theirs, theirs))
		why = m->conflict.why;
	issue_conflict_open(m, ours, theirs, by->name, by->at, why);
	rc = record_event(c, ENTRY_FACT, "issue.conflict", "conflict about the %s: Jira says %s%s%s, we say %s%s%s",
		issue_field_name(f), issue_their_words(c, f, theirs), by->name ? ", by " : "",
		by->name ? by->name : "", our_words(c, f), why ? "; not followed: " : "", why ? why : "");
	if (rc < 0)
		return rc;
	return again ? issue_edit(c, conflict_doc(c, i, f), slot_of(c, f)) :
		issue_say(c, conflict_doc(c, i, f), slot_of(c, f), false);
}

int issue_conflict_ended(struct call *c, struct issue *i, enum issue_field f, const char *how)
{
	int rc = record_event(c, ENTRY_DECISION, "issue.settled", "conflict about the %s ended: %s",
		issue_field_name(f), how);

	return rc < 0 ? rc : issue_edit(c, message_line(c, "%s of %s: %s — %s", title_of(f),
					     issue_name(c, i), how, words_time(c, c->now)),
				     slot_of(c, f));
}

/* ---- settling ---- */

static struct done refuse_moved(struct call *c, const struct issue *i, enum issue_field f)
{
	json_t *doc = conflict_doc(c, i, f);

	doc_context(doc, "Jira has moved on since that was shown; nothing was done. This is how it stands now.");
	return call_refuse_doc(c, "conflict", doc);
}

static struct done keep_ours(struct call *c, struct issue *i, enum issue_field f)
{
	const char *theirs = issue_their_words(c, f, i->rec.field[f].conflict.theirs);

	issue_keep_ours(&i->rec.field[f]);
	if (issue_save(c, i) < 0 || issue_sync(c) < 0 ||
		issue_conflict_ended(c, i, f,
			arena_printf(c->arena, "%s keeps ours, %s, not %s",
				words_name(c, c->actor), our_words(c, f), theirs)) < 0)
		return call_fail(c);
	call_touch(c);
	return call_replyf(c, "Ours is kept: %s. Jira is told.", our_words(c, f));
}

static struct done take_theirs(struct call *c, struct issue *i, enum issue_field f)
{
	struct issue_follower who = { c->actor, c->actor_name, c->request->source };
	const char *theirs = i->rec.field[f].conflict.theirs, *why;
	enum issue_followed how;

	if (issue_follow(c, i, f, theirs, &who, &how, &why) < 0)
		return call_fail(c);
	if (how == FOLLOWED_REFUSED)
		return call_refuse(c, "policy", "%s", why);
	if (issue_save(c, i) < 0 ||
		issue_conflict_ended(c, i, f,
			arena_printf(c->arena, "%s takes Jira's, %s", words_name(c, c->actor),
				issue_their_words(c, f, theirs))) < 0)
		return call_fail(c);
	call_touch(c);
	return call_replyf(c, "Jira's is taken: the %s of %s is %s.", issue_field_name(f),
		words_id(c, c->incident.id), our_words(c, f));
}

struct done issue_settle(struct call *c, enum issue_field f, bool ours, const char *theirs)
{
	const char *id = words_id(c, c->incident.id);
	struct issue i;
	int rc = c->config->issue.url ? issue_load(c, &i) : -ENOENT;

	if (rc == -ENOENT)
		return call_refuse(c, "conflict", "%s has no issue; nothing was done.", id);
	if (rc < 0)
		return call_fail(c);
	if (!i.rec.field[f].conflict.open)
		return call_refuse(c, "conflict",
			"There is no conflict about the %s of %s any more; nothing was done.",
			issue_field_name(f), id);
	if (theirs && !issue_value_same(f, theirs, i.rec.field[f].conflict.theirs))
		return refuse_moved(c, &i, f);
	return ours ? keep_ours(c, &i, f) : take_theirs(c, &i, f);
}
