/*
 * How an effect toward the tracker ended. What was read is merged with the record as it is now, field by field: what only we changed is sent
 * by another sync, what only they changed is followed, and where both changed people decide.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "commands/dispatch.h"
#include "commands/issues_parts.h"
#include "commands/messages.h"
#include "commands/say.h"
#include "store/people.h"

#define COMMENTS_MAX   200  /* of one outcome */
#define COMMENT_SHOWN  400  /* bytes in the channel */
#define COMMENT_KEPT   8000 /* bytes on the timeline */
#define QUIET_AGE_MS   MINUTE_MS
#define REASON_MAX     500
#define HINTS_MAX      5000
#define SAME_SECOND_MS (2 * SECOND_MS)

static const struct issue_policy *policy(const struct call *c)
{
	return &c->config->issue;
}

/* ---- what was read ---- */

/* Numbers stand as text or as numbers. */
static int64_t number_of(const json_t *obj, const char *key)
{
	const char *text = json_get_str(obj, key);

	return text ? strtoll(text, NULL, 10) : json_get_int(obj, key, 0);
}

static const char *text_of(struct call *c, const json_t *obj, const char *key)
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
		.account = text_of(c, by, "account"),
		.name = name ? text_clean(c->arena, name, strlen(name), 80, false) : NULL,
		.at = json_get_int(by, "at_ms", 0),
	};
}

/* ---- one field ---- */

struct merging {
	const struct effect_row *row;
	const json_t *read, *written, *trouble;
	struct issue *issue;
	bool again;          /* something of ours is to be sent still */
	const char *reason;  /* a new trouble; NULL */
	enum issue_field reason_of;
};

/* What this attempt was to write: remembered when it started. NULL: nothing. */
static const char *attempted(const struct merging *m, enum issue_field f)
{
	const struct issue_memory *mem = &m->issue->rec.field[f];

	for (size_t k = mem->sent_count; k-- > 0;)
		if (mem->sent[k].at == m->row->started_at)
			return mem->sent[k].value;
	return NULL;
}

/* Nothing of this attempt can still appear. An earlier one that began in the same millisecond still can. */
static void attempt_over(const struct effect_row *row, struct issue *i)
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
static void creation_over(const struct effect_row *row, struct issue *i)
{
	for (int f = 0; f < ISSUE_FIELD_COUNT && row->kind == EFFECT_ISSUE_CREATE; f++)
		i->rec.field[f].sent_count = 0;
}

/* The first time that both sides are seen. Of one that we have just made, ours is what it was made with, and whoever changed it since has
 * changed theirs. Where the tracker did not take it, and on one that was linked, the record is the truth; titles and people stay as they are. */
static void first_meeting(struct call *c, const struct merging *m, enum issue_field f, const char *ours,
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

static void set_trouble(struct merging *m, enum issue_field f, const char *ours, const char *theirs,
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
static void take_written(struct call *c, struct merging *m, enum issue_field f, const char *theirs)
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

static int ended_by(struct call *c, struct merging *m, enum issue_field f, enum merge_verdict verdict,
	const char *theirs)
{
	const char *shown = *theirs ? message_short(c, theirs, 200) : "nobody";

	return issue_conflict_ended(c, m->issue, f,
		verdict == MERGE_SEND ?
			arena_printf(c->arena, "Jira is back at %s, so ours goes there", shown) :
			verdict == MERGE_APPLY ?
			arena_printf(c->arena, "ours is back where it was, so Jira's %s is followed", shown) :
			arena_printf(c->arena, "both say the same now, %s", shown));
}

/* *name: who it was, where no account was told as well. */
static int follow_theirs(
	struct call *c, struct merging *m, enum issue_field f, const char *ours, const char *theirs)
{
	struct issue_change by = change_of(c, m->read, f);
	struct issue_follower who = { PERSON_SELF, by.name, REQUEST_EVENT };
	enum issue_followed how;
	const char *person, *why;
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
static int withhold_title(struct call *c, struct merging *m, const char *theirs)
{
	struct issue_memory *mem = &m->issue->rec.field[ISSUE_TITLE];
	bool shown = mem->conflict.open;

	issue_settled(mem, theirs, theirs);
	m->again = true;
	return shown ? issue_conflict_ended(c, m->issue, ISSUE_TITLE, "the incident is protected, so its title is withheld") : 0;
}

static int merge_field(struct call *c, struct merging *m, enum issue_field f)
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

/* ---- comments ---- */

static bool is_ours(struct call *c, const char *id)
{
	struct reference ref;

	return reference_by_key(c->store, c->arena,
		       arena_printf(c->arena, ISSUE_SYSTEM ":comment/%s", id), &ref, NULL) == 0;
}

static int take_comment(struct call *c, struct issue *i, const json_t *comment)
{
	const char *id = text_of(c, comment, "id"), *text = json_get_str(comment, "text");
	const char *name = text_of(c, comment, "name"), *person;
	int64_t n = number_of(comment, "id");
	int rc;

	if (!id || n <= 0 || is_ours(c, id))
		return 0;
	text = text_clean(c->arena, text ? text : "", text ? strlen(text) : 0, COMMENT_KEPT, true);
	if (!*text)
		return 0;
	rc = issue_person(c, text_of(c, comment, "author"), name, &person);
	if (rc == 0)
		rc = record_entry(c, &(struct record_entry){
					     .kind = ENTRY_NOTE,
					     .action = "issue.comment",
					     .text = arena_printf(c->arena, "in %s: %s",
						     i->rec.name ? i->rec.name : "Jira", text),
					     .author = person ? person : ISSUE_SYSTEM ":somebody",
					     .source = arena_printf(c->arena, ISSUE_SYSTEM ":comment/%s", id),
				     });
	if (rc < 0)
		return rc == -EEXIST ? 0 : rc;
	return issue_say(c,
		message_line(c, "%s in %s: %s", person ? words_name(c, person) : "Somebody",
			issue_name(c, i), message_short(c, text, COMMENT_SHOWN)),
		NULL, true);
}

/* Oldest first. What stood there before the issue was linked is not told again. *more: not all were taken. */
static int take_comments(
	struct call *c, struct issue *i, const json_t *result, bool linked, bool *more)
{
	const json_t *list = json_get_arr(result, "comments");
	bool tell = policy(c)->comments && !linked;
	int64_t before = i->rec.comment;
	size_t n = json_array_size(list), most = tell && n > COMMENTS_MAX ? COMMENTS_MAX : n;
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < most; k++) {
		const json_t *comment = json_array_get(list, k);

		if (number_of(comment, "id") <= before)
			continue;
		if (tell)
			rc = take_comment(c, i, comment);
		/* Ours count as read too. */
		if (number_of(comment, "id") > i->rec.comment)
			i->rec.comment = number_of(comment, "id");
	}
	*more |= most < n;
	return rc;
}

/* ---- the issue itself ---- */

static int say_gone(struct call *c, struct issue *i)
{
	json_t *doc = message_line(c,
		"%s is gone: deleted in Jira, or not to be seen by us any more. Nothing of %s is sent "
		"there until somebody decides.",
		i->rec.name ? i->rec.name : "Its issue", words_id(c, c->incident.id));

	doc_button(doc, "Create a new one", "link", c->incident.id, json_pack("{s:s}", "to", "new"), NULL);
	doc_button(doc, "Unlink", "unlink", c->incident.id, json_pack("{s:s}", "from", ISSUE_SYSTEM), NULL);
	return issue_say(c, doc, SLOT_GONE, false);
}

static int on_gone(struct call *c, struct issue *i)
{
	bool known = i->rec.gone;
	int rc;

	i->rec.gone = true;
	i->ref.synced_at = c->now;
	rc = issue_save(c, i);
	if (rc < 0 || known)
		return rc;
	rc = record_event(c, ENTRY_NOTE, "issue.gone", "%s is gone in Jira: deleted, or not visible any more",
		i->rec.name ? i->rec.name : "the issue");
	if (rc == 0)
		rc = say_gone(c, i);
	return rc < 0 ? rc : say_refresh(c, false);
}

static int on_back(struct call *c, struct issue *i)
{
	i->rec.gone = false;
	return issue_edit(c, message_line(c, "%s is there again.", issue_name(c, i)), SLOT_GONE);
}

static int on_name(struct call *c, struct issue *i, const char *name)
{
	const char *old = i->rec.name;
	int rc;

	i->rec.name = name;
	rc = issue_name_keep(c, i);
	if (rc < 0 || !old || !i->ref.key || !strcmp(old, name))
		return rc;
	return record_event(c, ENTRY_NOTE, "issue.moved", "%s was moved in Jira and is %s now", old, name);
}

static int on_twin(struct call *c, struct issue *i)
{
	int rc;

	if (i->rec.twin)
		return 0;
	i->rec.twin = true;
	rc = record_event(c, ENTRY_NOTE, "issue.twin", "a second issue with our label was seen in Jira; %s is kept",
		i->rec.name ? i->rec.name : "the older one");
	return rc < 0 ? rc : issue_say(c,
		message_line(c, "Jira has a second issue that looks like ours; %s is kept, and the other "
				"one can be deleted there.", issue_name(c, i)),
		NULL, true);
}

/* 1: it belongs to another incident. */
static int belongs_elsewhere(struct call *c, const char *key)
{
	struct reference ref;
	int rc = reference_by_key(c->store, c->arena, key, &ref, &c->err);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	return ref.incident != c->incident.id;
}

/* Two names that lead to one issue (it was moved). */
static int refuse_shared(struct call *c, struct issue *i)
{
	const char *name = i->rec.name ? i->rec.name : "the issue";
	int rc;

	i->ref.error = arena_printf(c->arena, "%s belongs to another incident", name);
	rc = issue_save(c, i);
	if (rc == 0)
		rc = record_event(c, ENTRY_NOTE, "issue.refused", "not linked: %s", i->ref.error);
	return rc < 0 ? rc : issue_say(c, message_line(c, "Not linked: %s. Unlink it here: %s", i->ref.error,
		message_usage(c, "/inc unlink #%lld jira", (long long)c->incident.id)), NULL, true);
}

/*
 * Some trackers know times by the second only: what changed in the same second after we had read looks as old as what was read. Read
 * once more when that second is over, it can hide nothing; then a hint with this very time is old news, too.
 */
static void take_updated(struct call *c, struct issue *i, int64_t updated)
{
	if (updated > i->rec.updated_ms)
		i->rec.updated_ms = updated;
	else if (updated && updated == i->rec.updated_ms && c->now - i->ref.synced_at >= SAME_SECOND_MS)
		i->rec.updated_ms = updated + 1;
}

/* Name, address, times. 1: the first time that it is seen. */
static int take_identity(struct call *c, struct issue *i, const json_t *read)
{
	const char *id = text_of(c, read, "id"), *url = json_get_str(read, "url");
	const char *key = arena_printf(c->arena, ISSUE_SYSTEM ":%s", id ? id : "");
	const char *name = text_of(c, read, "name");
	bool first = !i->ref.key;
	int rc = 0;

	if (!id || !*id || (!first && strcmp(i->ref.key, key) != 0))
		return error_set(&c->err, -EBADMSG, "the tracker told of issue %s instead of %s",
			id ? id : "(none)", first ? "a new one" : i->ref.key);
	if (name)
		rc = on_name(c, i, text_clean(c->arena, name, strlen(name), 60, false));
	if (rc < 0)
		return rc;
	i->ref.key = key;
	if (url)
		i->ref.url = arena_strdup(c->arena, url);
	i->ref.error = NULL;
	take_updated(c, i, json_get_int(read, "updated_ms", 0));
	i->ref.synced_at = c->now;
	if (number_of(read, "change") > i->rec.change)
		i->rec.change = number_of(read, "change");
	return first;
}

static int on_first(struct call *c, struct issue *i, const struct effect_row *row)
{
	const char *what = row->kind == EFFECT_ISSUE_CREATE ? "created" : "linked";
	int rc = record_event(c, ENTRY_NOTE, row->kind == EFFECT_ISSUE_CREATE ? "issue.created" : "issue.found",
		"%s %s in Jira", i->rec.name ? i->rec.name : "the issue", what);

	if (rc == 0)
		rc = issue_say(c, message_line(c, "%s is %s in Jira.", issue_name(c, i), what), NULL, true);
	return rc < 0 ? rc : issue_mark(c);
}

static int say_trouble(struct call *c, const struct merging *m)
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

static int merge_all(struct call *c, struct merging *m)
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

/* The card tells how it stands with the issue; what has waited stood there too. shown: before; NULL: nothing changed. */
static int show_again(struct call *c, const struct effect_row *row, const char *shown)
{
	const char *now = shown ? issue_words(c) : NULL;
	bool waited = row->attempts > 1 || c->now - row->created_at >= QUIET_AGE_MS;

	return waited || (now && strcmp(now, shown) != 0) ? say_refresh(c, false) : 0;
}

static int on_read(struct call *c, const struct effect_row *row, struct issue *i, const json_t *result)
{
	const json_t *read = json_get_obj(result, "read");
	struct merging m = {
		.row = row,
		.read = read,
		.written = json_get_obj(result, "written"),
		.trouble = json_get_obj(result, "trouble"),
		.issue = i,
	};
	bool was_gone = i->rec.gone;
	const char *shown = issue_words(c);
	int first, rc;

	if (!i->ref.key && (rc = belongs_elsewhere(c, arena_printf(c->arena, ISSUE_SYSTEM ":%s",
				    text_of(c, read, "id")))) != 0)
		return rc < 0 ? rc : refuse_shared(c, i);
	first = take_identity(c, i, read);
	if (first == -EBADMSG) {
		log_line(LOG_ERROR, "issue", row->incident, "%s: %s", effect_kind_name(row->kind), c->err.text);
		return 0;
	}
	rc = first < 0 ? first : issue_save(c, i);
	if (rc == 0 && was_gone)
		rc = on_back(c, i);
	if (rc == 0 && first)
		rc = on_first(c, i, row);
	if (rc == 0 && json_object_get(read, "twin") && !json_is_false(json_object_get(read, "twin")))
		rc = on_twin(c, i);
	if (rc == 0)
		rc = merge_all(c, &m);
	if (rc == 0)
		rc = take_comments(c, i, result, first && row->kind == EFFECT_ISSUE_SYNC, &m.again);
	attempt_over(row, i);
	creation_over(row, i);
	if (rc == 0)
		rc = issue_save(c, i);
	if (rc == 0 && m.again)
		rc = issue_sync(c);
	return rc < 0 ? rc : show_again(c, row, shown);
}

/* It was made while nobody wanted it any more: not ours to delete, but to be told. */
static int on_orphan(struct call *c, const json_t *read)
{
	const char *name = json_get_str(read, "name");

	log_line(LOG_WARN, "issue", c->incident.id, "an issue was created after it was unlinked: %s",
		name ? name : "?");
	return record_event(c, ENTRY_NOTE, "issue.orphan",
		"%s was created in Jira after it had been unlinked here", name ? name : "an issue");
}

/* Made, and hidden from us before we could read it: it is ours all the same, as it was made; by which attempt is seen when it is back. Where
 * its workflow began is not known. */
static int keep_unseen(struct call *c, const struct effect_row *row, struct issue *i, const json_t *read)
{
	const char *id = text_of(c, read, "id"), *key;
	int rc;

	if (row->kind != EFFECT_ISSUE_CREATE || i->ref.key || !id || !*id)
		return 0;
	key = arena_printf(c->arena, ISSUE_SYSTEM ":%s", id);
	rc = belongs_elsewhere(c, key);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	i->ref.key = key;
	for (int f = 0; f < ISSUE_FIELD_COUNT; f++) {
		struct issue_memory *mem = &i->rec.field[f];

		if (f == ISSUE_STATUS)
			mem->sent_count = 0;
		else if (mem->sent_count)
			issue_settled(mem, mem->sent[0].value, mem->sent[0].value);
	}
	return 0;
}

static int on_issue(struct call *c, const struct effect_row *row, const json_t *result)
{
	const json_t *read = json_get_obj(result, "read");
	struct issue i;
	int rc = issue_load(c, &i);

	if (rc == -ENOENT)
		return row->kind == EFFECT_ISSUE_CREATE && read ? on_orphan(c, read) : 0;
	if (rc < 0)
		return rc;
	/* Asked for one that was unlinked since. */
	if (row->created_at < i.ref.created_at)
		return row->kind == EFFECT_ISSUE_CREATE && read ? on_orphan(c, read) : 0;
	if (!read) {
		log_line(LOG_ERROR, "issue", row->incident, "%s came back without what was read",
			effect_kind_name(row->kind));
		return 0;
	}
	if (json_get_bool(read, "gone", false)) {
		rc = keep_unseen(c, row, &i, read);
		if (row->kind != EFFECT_ISSUE_CREATE)
			attempt_over(row, &i);
		return rc < 0 ? rc : on_gone(c, &i);
	}
	return on_read(c, row, &i, result);
}

/* ---- comments and polls that went out ---- */

static int on_comment(struct call *c, const json_t *result)
{
	const char *id = text_of(c, result, "comment");

	if (!id || !*id)
		return 0;
	return reference_put(c->store,
		&(struct reference){
			.incident = c->incident.id,
			.system = ISSUE_SYSTEM,
			.slot = arena_printf(c->arena, SLOT_COMMENT "%s", id),
			.key = arena_printf(c->arena, ISSUE_SYSTEM ":comment/%s", id),
			.state = "synced",
			.created_at = c->now,
			.synced_at = c->now,
		},
		&c->err);
}

/* All was asked for up to the moment when it was asked. */
static int on_poll(struct call *c, const struct effect_row *row, const json_t *result)
{
	const json_t *list = json_get_arr(result, "issues");
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < json_array_size(list) && k < HINTS_MAX; k++) {
		const struct arena_mark before = arena_mark(c->arena);

		rc = issue_hint(c, json_array_get(list, k));
		arena_rewind(c->arena, &before);
	}
	if (rc < 0 || !json_get_bool(result, "complete", false) || json_array_size(list) > HINTS_MAX)
		return rc;
	return cursor_put(c->store, CURSOR_POLL,
		arena_printf(c->arena, "%lld", (long long)row->started_at), &c->err);
}

int issue_delivered(struct call *c, const struct effect_row *row, const json_t *result)
{
	if (row->kind == EFFECT_ISSUE_POLL)
		return on_poll(c, row, result);
	if (!c->has_incident)
		return 0;
	if (mirror_owns(row))
		return mirror_delivered(c, row, result);
	if (row->kind == EFFECT_ISSUE_COMMENT && on_comment(c, result) < 0)
		return c->err.code;
	if (row->kind == EFFECT_ISSUE_COMMENT || row->kind == EFFECT_ISSUE_MARK)
		return show_again(c, row, NULL);
	return on_issue(c, row, result);
}

/* ---- what did not go ---- */

static int say_not_created(struct call *c, const char *error)
{
	json_t *doc = message_line(c,
		"No issue was created for %s. Whoever keeps jira.yml can mend that (sitrep doctor says "
		"what is missing); then try again. The reason: %s",
		words_id(c, c->incident.id), message_short(c, error, REASON_MAX));

	doc_button(doc, "Try again", "sync", c->incident.id, json_pack("{s:b}", "retry", 1), NULL);
	return issue_say(c, doc, NULL, true);
}

int issue_refused(struct call *c, const struct effect_row *row, const char *error)
{
	struct issue i;
	bool told;
	int rc;

	if (row->kind == EFFECT_ISSUE_POLL || !c->has_incident)
		return 0;
	if (mirror_owns(row))
		return mirror_refused(c, row, error);
	rc = issue_load(c, &i);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	/* It may be gone: reading it tells. */
	if (row->kind == EFFECT_ISSUE_COMMENT || row->kind == EFFECT_ISSUE_MARK)
		return i.ref.key ? issue_sync(c) : 0;
	attempt_over(row, &i);
	told = i.ref.error && !strcmp(i.ref.error, error);
	i.ref.error = error;
	rc = issue_save(c, &i);
	if (rc == 0 && !told)
		rc = record_event(c, ENTRY_NOTE, "issue.refused", "Jira refused: %s", error);
	if (rc == 0 && !told)
		rc = row->kind == EFFECT_ISSUE_CREATE ? say_not_created(c, error) :
			issue_say(c,
				message_line(c, "%s could not be %s: %s", issue_name(c, &i),
					i.ref.key ? "brought into step" : "linked",
					message_short(c, error, REASON_MAX)),
				NULL, true);
	return rc < 0 ? rc : say_refresh(c, false);
}

int issue_waits(struct call *c, const struct effect_row *row, const char *error, bool unknown)
{
	struct issue i;
	bool other = error && (!row->error || strcmp(row->error, error) != 0);
	int rc;

	if (row->kind == EFFECT_ISSUE_POLL || !c->has_incident)
		return 0;
	if (mirror_owns(row))
		return mirror_waits(c, row, unknown);
	rc = issue_load(c, &i);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (!unknown) {
		attempt_over(row, &i);
		rc = issue_save(c, &i);
	}
	/* The card tells of what has waited for a while. */
	if (rc == 0 && c->now - row->created_at >= QUIET_AGE_MS && (other || row->attempts <= 6))
		rc = say_refresh(c, false);
	return rc;
}
