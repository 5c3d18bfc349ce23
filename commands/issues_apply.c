/* How an effect toward the tracker ended: what it says of the issue itself is kept here, its fields and comments are merged. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "commands/dispatch.h"
#include "commands/issues_parts.h"
#include "commands/messages.h"
#include "commands/say.h"
#include "store/people.h"

#define QUIET_AGE_MS   MINUTE_MS
#define REASON_MAX     500
#define HINTS_MAX      5000
#define SAME_SECOND_MS (2 * SECOND_MS)

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
 * once more when that second is over, it can hide nothing; then a hint with this very time is old news, too. When exactly was read is not
 * known: not before the attempt began.
 */
static void take_updated(struct issue *i, const struct effect_row *row, int64_t updated)
{
	if (updated > i->rec.updated_ms)
		i->rec.updated_ms = updated;
	else if (updated && updated == i->rec.updated_ms &&
		row->started_at - i->ref.synced_at >= SAME_SECOND_MS)
		i->rec.updated_ms = updated + 1;
}

/* Name, address, times. 1: the first time that it is seen. */
static int take_identity(struct call *c, struct issue *i, const struct effect_row *row, const json_t *read)
{
	const char *id = issue_text(c, read, "id"), *url = json_get_str(read, "url");
	const char *key = arena_printf(c->arena, ISSUE_SYSTEM ":%s", id ? id : "");
	const char *name = issue_text(c, read, "name");
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
	take_updated(i, row, json_get_int(read, "updated_ms", 0));
	i->ref.synced_at = c->now;
	if (issue_number(read, "change") > i->rec.change)
		i->rec.change = issue_number(read, "change");
	return first;
}

static int on_first(struct call *c, struct issue *i, const struct effect_row *row)
{
	const char *what = row->kind == EFFECT_ISSUE_CREATE ? "created" : "linked";
	int rc = record_event(c, ENTRY_NOTE, row->kind == EFFECT_ISSUE_CREATE ? "issue.created" : "issue.found",
		"%s %s in Jira", i->rec.name ? i->rec.name : "the issue", what);

	if (rc == 0)
		rc = issue_say(c, message_line(c, "%s in Jira is %s %s.", issue_name(c, i),
			row->kind == EFFECT_ISSUE_CREATE ? "created for" : "linked to",
			words_id(c, c->incident.id)), NULL, true);
	return rc < 0 ? rc : issue_mark(c);
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
	struct issue_merging m = {
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
				    issue_text(c, read, "id")))) != 0)
		return rc < 0 ? rc : refuse_shared(c, i);
	first = take_identity(c, i, row, read);
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
		rc = issue_merge_all(c, &m);
	if (rc == 0)
		rc = issue_comments_take(c, i, result, first && row->kind == EFFECT_ISSUE_SYNC, &m.again);
	issue_attempt_over(row, i);
	issue_creation_over(row, i);
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
	const char *id = issue_text(c, read, "id"), *key;
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
			issue_attempt_over(row, &i);
		return rc < 0 ? rc : on_gone(c, &i);
	}
	return on_read(c, row, &i, result);
}

/* ---- comments and polls that went out ---- */

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
	if (row->kind == EFFECT_ISSUE_COMMENT && issue_comment_made(c, result) < 0)
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
	issue_attempt_over(row, &i);
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
		issue_attempt_over(row, &i);
		rc = issue_save(c, &i);
	}
	/* The card tells of what has waited for a while. */
	if (rc == 0 && c->now - row->created_at >= QUIET_AGE_MS && (other || row->attempts <= 6))
		rc = say_refresh(c, false);
	return rc;
}
