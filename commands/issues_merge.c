/*
 * What was read of an issue is merged with the record as it is now, field by field: what only we changed is sent by another sync, what only
 * they changed is followed, and where both changed people decide.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "commands/issues_parts.h"
#include "commands/messages.h"

#define REASON_MAX 500

/* ---- what was read ---- */

/* Numbers stand as text or as numbers. */
int64_t issue_number(const json_t *obj, const char *key)
{
	const char *text = json_get_str(obj, key);

	return text ? strtoll(text, NULL, 10) : json_get_int(obj, key, 0);
}

const char *issue_text(struct call *c, const json_t *obj, const char *key)
{
	const char *text = json_get_str(obj, key);
	const json_t *n = json_object_get(obj, key);

	if (!text && json_is_integer(n))
		return arena_printf(c->arena, "%lld", (long long)json_integer_value(n));
	return arena_strdup(c->arena, text);
}

/* A value of theirs, cleaned as everything that comes from outside. NULL: not told. */
static const char *value_of(struct call *c, const json_t *values, enum issue_field f)
{
	const char *text = json_get_str(values, issue_field_name(f));

	return text ? text_clean(c->arena, text, strlen(text), ISSUE_VALUE_MAX, false) : NULL;
}

static struct issue_change change_of(struct call *c, const json_t *read, enum issue_field f)
{
	const json_t *by = json_get_obj(json_get_obj(read, "by"), issue_field_name(f));
	const char *name = json_get_str(by, "name");

	return (struct issue_change){
		.account = issue_text(c, by, "account"),
		.name = name ? text_clean(c->arena, name, strlen(name), 80, false) : NULL,
		.at = json_get_int(by, "at_ms", 0),
	};
}

/* ---- attempts ---- */

/* Nothing of this attempt can still appear. An earlier one that began in the same millisecond still can. */
void issue_attempt_over(const struct effect_row *row, struct issue *i)
{
	for (int f = 0; f < ISSUE_FIELD_COUNT; f++) {
		struct issue_memory *mem = &i->rec.field[f];
		size_t k = mem->sent_count;

		while (k > 0 && mem->sent[k - 1].at != row->started_at)
			k--;
		if (k > 0)
			issue_not_sent((enum issue_field)f, mem, mem->sent[k - 1].value);
	}
}

/* The issue is there: whatever else was tried to create it can only have made another one. */
void issue_creation_over(const struct effect_row *row, struct issue *i)
{
	for (int f = 0; f < ISSUE_FIELD_COUNT && row->kind == EFFECT_ISSUE_CREATE; f++)
		i->rec.field[f].sent_count = 0;
}

/* ---- one field ---- */

/* What this attempt was to write: remembered when it started. NULL: nothing. */
static const char *attempted(const struct issue_merging *m, enum issue_field f)
{
	const struct issue_memory *mem = &m->issue->rec.field[f];

	for (size_t k = mem->sent_count; k-- > 0;)
		if (mem->sent[k].at == m->row->started_at)
			return mem->sent[k].value;
	return NULL;
}

/* The first time that both sides are seen. Of one that we have just made, ours is what it was made with, and whoever changed it since has
 * changed theirs. Where the tracker did not take it, and on one that was linked, the record is the truth; titles and people stay as they are. */
static void first_meeting(struct call *c, const struct issue_merging *m, enum issue_field f, const char *ours,
	const char *theirs)
{
	struct issue_memory *mem = &m->issue->rec.field[f];
	bool made = m->row->kind == EFFECT_ISSUE_CREATE;
	struct issue_change by = change_of(c, m->read, f);
	/* Of several attempts it was the one that stands there; the status is sent by none of them. */
	const char *with = mem->sent_count ? mem->sent[0].value : ours;

	for (size_t k = 0; k < mem->sent_count && f != ISSUE_STATUS; k++)
		if (issue_value_same(f, mem->sent[k].value, theirs))
			with = mem->sent[k].value;
	if (issue_value_same(f, ours, theirs))
		issue_settled(mem, ours, theirs);
	else if (made && (issue_value_same(f, with, theirs) || by.name || by.account))
		issue_settled(mem, with, with);
	else if (f == ISSUE_ASSIGNEE || (f == ISSUE_TITLE && !made && !c->incident.is_private))
		issue_settled(mem, made ? with : ours, theirs);
	else
		issue_settled(mem, theirs, theirs);
}

static void set_trouble(struct issue_merging *m, enum issue_field f, const char *ours, const char *theirs,
	const char *reason)
{
	struct issue_memory *mem = &m->issue->rec.field[f];
	const char *old = mem->trouble;

	issue_settled(mem, ours, theirs);
	mem->trouble = reason;
	if (!old || strcmp(old, reason) != 0) {
		m->reason = reason;
		m->reason_of = f;
	}
}

/* What became of what this attempt was to write. */
static void take_written(struct call *c, struct issue_merging *m, enum issue_field f, const char *theirs)
{
	struct issue_memory *mem = &m->issue->rec.field[f];
	const char *tried = attempted(m, f);
	const char *written = value_of(c, m->written, f);
	const char *reason = json_get_str(m->trouble, issue_field_name(f));

	if (written) {
		issue_settled(mem, written, written);
	} else if (reason && mem->known) {
		set_trouble(m, f, tried ? tried : issue_ours(c, f), theirs ? theirs : mem->theirs,
			text_clean(c->arena, reason, strlen(reason), REASON_MAX, false));
	} else if (tried && mem->known && theirs && m->row->kind == EFFECT_ISSUE_SYNC &&
		issue_value_same(f, theirs, mem->theirs) && !issue_value_same(f, theirs, tried)) {
		/* An attempt that says neither would be made for ever. */
		set_trouble(m, f, tried, theirs, "it was not written, and no reason was given");
	}
}

static int ended_by(struct call *c, struct issue_merging *m, enum issue_field f, enum merge_verdict verdict,
	const char *theirs)
{
	const char *shown = issue_their_words(c, f, theirs);

	return issue_conflict_ended(c, m->issue, f,
		verdict == MERGE_SEND ?
			arena_printf(c->arena, "Jira is back at %s, so ours goes there", shown) :
			verdict == MERGE_APPLY ?
			arena_printf(c->arena, "ours is back where it was, so Jira's %s is followed", shown) :
			arena_printf(c->arena, "both say the same now, %s", shown));
}

/* *name: who it was, where no account was told as well. */
static int follow_theirs(
	struct call *c, struct issue_merging *m, enum issue_field f, const char *ours, const char *theirs)
{
	struct issue_change by = change_of(c, m->read, f);
	struct issue_follower who = { PERSON_SELF, by.name, REQUEST_EVENT };
	enum issue_followed how = FOLLOWED_DONE;
	const char *person = NULL, *why = "";
	int rc = issue_person(c, by.account, by.name, &person);

	/* Without a name it is somebody of the tracker all the same, with the rights of those. */
	who.person = person ? person : ISSUE_SYSTEM ":somebody";
	if (rc == 0)
		rc = issue_follow(c, m->issue, f, theirs, &who, &how, &why);
	if (rc < 0 || how == FOLLOWED_DONE)
		return rc;
	return issue_conflict(c, m->issue, f, ours, theirs, &by, why);
}

/* The title of a protected incident is not argued about: whatever stands there, it says nothing from now on. */
static int withhold_title(struct call *c, struct issue_merging *m, const char *theirs)
{
	struct issue_memory *mem = &m->issue->rec.field[ISSUE_TITLE];
	bool shown = mem->conflict.open;

	issue_settled(mem, theirs, theirs);
	m->again = true;
	return shown ? issue_conflict_ended(c, m->issue, ISSUE_TITLE, "the incident is protected, so its title is withheld") : 0;
}

static int merge_field(struct call *c, struct issue_merging *m, enum issue_field f)
{
	struct issue_memory *mem = &m->issue->rec.field[f];
	const char *theirs = value_of(c, json_get_obj(m->read, "values"), f);
	const char *ours = issue_ours(c, f);
	struct issue_conflict before;
	struct issue_change by;
	enum merge_verdict verdict;
	int rc = 0;

	take_written(c, m, f, theirs);
	if (!ours || !theirs)
		return 0;
	if (!mem->known)
		first_meeting(c, m, f, ours, theirs);
	before = mem->conflict;
	verdict = issue_merge(f, mem, ours, theirs, c->now);
	if (before.open && !mem->conflict.open)
		rc = ended_by(c, m, f, verdict, theirs);
	if (rc < 0)
		return rc;
	switch (verdict) {
	case MERGE_NOTHING:
		return 0;
	case MERGE_SEND:
		m->again = true;
		return 0;
	case MERGE_APPLY:
		return follow_theirs(c, m, f, ours, theirs);
	case MERGE_CONFLICT:
		if (c->incident.is_private && f == ISSUE_TITLE)
			return withhold_title(c, m, theirs);
		by = change_of(c, m->read, f);
		return issue_conflict(c, m->issue, f, ours, theirs, &by, NULL);
	}
	return 0;
}

/* ---- all of them ---- */

static int say_trouble(struct call *c, const struct issue_merging *m)
{
	int rc;

	if (!m->reason)
		return 0;
	rc = record_event(c, ENTRY_NOTE, "issue.trouble", "the %s could not be written to Jira: %s",
		issue_field_name(m->reason_of), m->reason);
	return rc < 0 ? rc : issue_say(c,
		message_line(c, "The %s of %s could not be written: %s. It is left as it is there until "
				"either side changes, or: %s", issue_field_name(m->reason_of),
			issue_name(c, m->issue), m->reason,
			message_usage(c, "/inc sync #%lld --retry", (long long)c->incident.id)),
		NULL, true);
}

int issue_merge_all(struct call *c, struct issue_merging *m)
{
	int rc = 0;

	for (int f = 0; rc == 0 && f < ISSUE_FIELD_COUNT; f++) {
		rc = merge_field(c, m, (enum issue_field)f);
		/* The next one may be followed by an operation that looks at this. */
		if (rc == 0)
			rc = issue_save(c, m->issue);
		if (rc == 0)
			rc = say_trouble(c, m);
		m->reason = NULL;
	}
	return rc;
}
