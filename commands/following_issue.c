/*
 * Follow-ups in the tracker (FEATURES H2, K1): each has an issue of its own, if jira.yml says so.
 * What changes here goes there: the title, and the status when it ends or is opened again. What
 * changes there stays there, except that somebody closed it: then the owner is asked what the
 * signal showed, since that is what makes it done here.
 *
 * The effects are those of incidents' issues, in the same lane, so that a sub-task comes after its
 * parent; their slot, followup/12, says which they are about, and is that of the reference.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/log.h"
#include "base/text.h"
#include "commands/following.h"
#include "commands/issues_parts.h"
#include "commands/messages.h"
#include "commands/protected.h"
#include "commands/say.h"
#include "store/learning.h"

#define TEXT_MAX    8000
#define REASON_MAX  500
#define TITLE_BYTES 250 /* a summary has at most 255 characters */

static const enum issue_field kept[] = { ISSUE_TITLE, ISSUE_STATUS };
#define KEPT (sizeof(kept) / sizeof(*kept))

static const struct issue_policy *policy(const struct call *c)
{
	return &c->config->issue;
}

bool mirror_owns(const struct effect_row *row)
{
	return row->slot && !strncmp(row->slot, SLOT_FOLLOWUP, strlen(SLOT_FOLLOWUP));
}

static const char *slot_of(struct call *c, const struct followup *f)
{
	return arena_printf(c->arena, SLOT_FOLLOWUP "%lld", (long long)f->id);
}

/* The reference in the slot, and what is remembered. -ENOENT */
static int mirror_load(struct call *c, const char *slot, struct issue *out)
{
	int rc = reference_get(
		c->store, c->arena, c->incident.id, ISSUE_SYSTEM, slot, &out->ref, &c->err);

	if (rc == 0 && issue_record_parse(c->arena, out->ref.synced, &out->rec, &c->err) < 0) {
		log_line(LOG_ERROR, "issue", c->incident.id,
			"what is remembered of %s cannot be read: %s", slot, c->err.text);
		out->rec = (struct issue_record){ 0 };
	}
	return rc;
}

static int mirror_save(struct call *c, struct issue *i)
{
	i->ref.state = i->rec.gone || i->ref.error ? "failed" : i->ref.key ? "synced" : "pending";
	i->ref.synced = issue_record_text(c->arena, &i->rec);
	return reference_put(c->store, &i->ref, &c->err);
}

/* What ought to stand there; NULL: whatever does. */
static const char *ours(struct call *c, const struct followup *f, enum issue_field field)
{
	if (field == ISSUE_TITLE)
		return c->incident.is_private
			       ? arena_printf(c->arena, "Follow-up %s", following_name(c, f))
			       : message_short(c, f->title, TITLE_BYTES);
	if (c->incident.is_private)
		return NULL;
	return f->state == FOLLOWUP_OPEN ? policy(c)->followup_open : policy(c)->followup_done;
}

/* Has ours changed since both were in step? Also to what stood there when we looked last: they may have
 * gone on since, so it is looked at again. */
static bool differs(
	struct call *c, const struct followup *f, const struct issue *i, enum issue_field field)
{
	const struct issue_memory *m = &i->rec.field[field];
	const char *value = ours(c, f, field);

	return value && m->known && m->theirs && !issue_value_same(field, value, m->ours);
}

/* ---- asking ---- */

static int ask(struct call *c, enum effect_kind kind, const char *slot)
{
	int64_t waiting = 0;
	int rc = effect_pending(c->store, c->incident.id, kind, slot, &waiting, &c->err);

	if (rc < 0 || waiting)
		return rc;
	return say_effect(c, &(struct effect_row){
				     .system = ISSUE_SYSTEM,
				     .lane = issue_lane(c),
				     .kind = kind,
				     .slot = slot,
			     });
}

int mirror_sync(struct call *c, const char *slot)
{
	return ask(c, EFFECT_ISSUE_SYNC, slot);
}

static int mirror_make(struct call *c, const char *slot)
{
	int rc = reference_put(c->store,
		&(struct reference){
			.incident = c->incident.id,
			.system = ISSUE_SYSTEM,
			.slot = slot,
			.state = "pending",
			.created_at = c->now,
		},
		&c->err);

	return rc < 0 ? rc : ask(c, EFFECT_ISSUE_CREATE, slot);
}

int following_mirror(struct call *c, const struct followup *f)
{
	const char *slot = slot_of(c, f);
	struct issue i = { 0 };
	int rc;

	if (!policy(c)->url || policy(c)->followups == ISSUE_FOLLOWUPS_NONE)
		return 0;
	rc = mirror_load(c, slot, &i);
	if (rc == -ENOENT)
		return f->state == FOLLOWUP_OPEN && !c->incident.is_private ? mirror_make(c, slot)
									    : 0;
	/* One that is being created is told when it is there. */
	if (rc < 0 || !i.ref.key || i.rec.gone)
		return rc;
	for (size_t k = 0; k < KEPT; k++)
		if (differs(c, f, &i, kept[k]))
			return mirror_sync(c, slot);
	return 0;
}

int mirror_protect(struct call *c)
{
	struct reference *ref;
	size_t n;
	int rc = reference_list(c->store, c->arena, c->incident.id, &ref, &n, &c->err);

	for (size_t k = 0; rc == 0 && k < n; k++)
		if (!strcmp(ref[k].system, ISSUE_SYSTEM) && ref[k].key &&
			!strncmp(ref[k].slot, SLOT_FOLLOWUP, strlen(SLOT_FOLLOWUP)))
			rc = mirror_sync(c, ref[k].slot);
	return rc;
}

/* ---- what is sent ---- */

static const char *description(struct call *c, const struct followup *f)
{
	struct str s;

	str_init_arena(&s, c->arena, TEXT_MAX);
	str_addf(&s, "Follow-up %s of %s (%s): %s\n\n%s\n\n", following_name(c, f),
		words_id(c, f->incident), words_severity(c, c->incident.severity),
		c->incident.title, f->title);
	str_addf(&s, "Priority: P%d\n%s%s\n", f->priority, f->due_at ? "Due: " : "",
		following_date(c, f));
	if (f->owner)
		str_addf(&s, "Owner: %s\n", words_name(c, f->owner));
	if (f->signal)
		str_addf(&s, "Done when: %s\n", f->signal);
	if (f->links)
		str_addf(&s, "Links: %s\n", f->links);
	str_add(&s, "\nIt is done when somebody says in the chat what its signal showed; this "
		    "issue follows then.");
	return s.p;
}

static json_t *create_values(struct call *c, const struct followup *f)
{
	const char *account =
		f->owner && policy(c)->assign ? issue_policy_account(policy(c), f->owner) : NULL;

	return json_pack("{s:s, s:s*}", issue_field_name(ISSUE_TITLE), ours(c, f, ISSUE_TITLE),
		issue_field_name(ISSUE_ASSIGNEE), account);
}

/* The issue of the incident, for sub-tasks: 0 and the id, or NULL. */
static int parent_of(struct call *c, const char **parent)
{
	struct issue i = { 0 };
	int rc = policy(c)->followups == ISSUE_FOLLOWUPS_SUBTASK ? issue_load(c, &i) : -ENOENT;

	*parent = rc == 0 && !i.rec.gone ? issue_id(&i) : NULL;
	return rc == -ENOENT ? 0 : rc;
}

static int payload_create(struct call *c, const struct effect_row *row, const struct followup *f,
	struct issue *i, json_t **out, const char **impossible)
{
	const char *project = issue_policy_project(policy(c), c->incident.services), *parent;
	int rc = parent_of(c, &parent);

	if (rc < 0)
		return rc;
	if (i->ref.key)
		*impossible = "there is an issue already";
	else if (c->incident.is_private && !row->verify)
		*impossible = "the incident is protected now";
	else if (policy(c)->followups == ISSUE_FOLLOWUPS_SUBTASK && !parent)
		*impossible = i->ref.error =
			"the incident has no issue that it could be a sub-task of";
	if (*impossible)
		return i->ref.error ? mirror_save(c, i) : 0;
	*out = json_pack("{s:s, s:s, s:s*, s:o, s:s, s:[s], s:s, s:{s:s, s:I, s:s}, s:{}}",
		"project", project ? project : "", "type",
		policy(c)->followup_type ? policy(c)->followup_type : "", "parent", parent,
		"values", create_values(c, f), "text", description(c, f), "labels", ISSUE_LABEL,
		"label",
		arena_printf(c->arena, ISSUE_LABEL "-%s", text_lower(c->arena, row->op_id)),
		"property", "incident", words_id(c, f->incident), "id", (json_int_t)f->incident,
		"followup", following_name(c, f), "fields");
	return 0;
}

static int payload_sync(struct call *c, const struct followup *f, struct issue *i, json_t **out,
	const char **impossible)
{
	json_t *send, *theirs;

	if (!i->ref.key) {
		*impossible = "the issue was not created";
		return 0;
	}
	send = json_object();
	theirs = json_object();
	for (size_t k = 0; k < KEPT; k++) {
		struct issue_memory *m = &i->rec.field[kept[k]];
		const char *value = ours(c, f, kept[k]);

		if (i->rec.gone || !differs(c, f, i, kept[k]) || !m->theirs)
			continue;
		json_object_set_new(send, issue_field_name(kept[k]), json_string(value));
		json_object_set_new(theirs, issue_field_name(kept[k]), json_string(m->theirs));
		issue_sending(kept[k], m, value, c->now);
	}
	*out = json_pack("{s:s, s:o, s:o}", "issue", issue_id(i), "send", send, "theirs", theirs);
	return mirror_save(c, i);
}

/* The follow-up that the effect is about, with what is remembered of its issue. */
static int about(struct call *c, const struct effect_row *row, struct followup *f, struct issue *i)
{
	int rc = followup_load(c->store, c->arena,
		strtoll(row->slot + strlen(SLOT_FOLLOWUP), NULL, 10), f, &c->err);

	*i = (struct issue){ 0 };
	return rc < 0 ? rc : mirror_load(c, row->slot, i);
}

int mirror_payload(
	struct call *c, const struct effect_row *row, json_t **payload, const char **impossible)
{
	struct followup f;
	struct issue i;
	int rc = about(c, row, &f, &i);

	if (rc == -ENOENT) {
		*impossible = "the follow-up has no issue any more";
		return 0;
	}
	if (rc < 0)
		return rc;
	return row->kind == EFFECT_ISSUE_CREATE
		       ? payload_create(c, row, &f, &i, payload, impossible)
		       : payload_sync(c, &f, &i, payload, impossible);
}

/* ---- what came of it ---- */

static const char *cleaned(struct call *c, const json_t *obj, const char *key, size_t max)
{
	const char *text = json_get_str(obj, key);

	return text ? text_clean(c->arena, text, strlen(text), max, false) : NULL;
}

static int64_t number(const json_t *obj, const char *key)
{
	const char *text = json_get_str(obj, key);

	return text ? strtoll(text, NULL, 10) : json_get_int(obj, key, 0);
}

/* What this attempt was to write, and is not under way any more. NULL: nothing. */
static const char *attempted(
	const struct effect_row *row, enum issue_field field, struct issue_memory *m)
{
	for (size_t k = m->sent_count; k-- > 0;)
		if (m->sent[k].at == row->started_at) {
			const char *value = m->sent[k].value;

			issue_not_sent(field, m, value);
			return value;
		}
	return NULL;
}

static bool means_done(const struct call *c, const char *status)
{
	enum incident_state state;

	if (!status)
		return false;
	if (policy(c)->followup_done &&
		issue_value_same(ISSUE_STATUS, status, policy(c)->followup_done))
		return true;
	return issue_policy_state(policy(c), status, &state) && !state_active(state);
}

/* One field after an attempt. *closed: somebody there has closed it. */
static void take_field(struct call *c, const struct effect_row *row, const struct followup *f,
	struct issue *i, const json_t *result, enum issue_field field, bool *closed)
{
	struct issue_memory *m = &i->rec.field[field];
	const char *name = issue_field_name(field), *tried = attempted(row, field, m),
		   *before = m->theirs;
	const char *theirs = cleaned(
		c, json_get_obj(json_get_obj(result, "read"), "values"), name, ISSUE_VALUE_MAX);
	const char *written = cleaned(c, json_get_obj(result, "written"), name, ISSUE_VALUE_MAX);
	const char *trouble = cleaned(c, json_get_obj(result, "trouble"), name, REASON_MAX);

	if (!theirs)
		theirs = before;
	if (!m->known) {
		/* Where its workflow begins is where an open one is. What it was made with was the
		 * title of then. */
		issue_settled(m, field == ISSUE_STATUS ? policy(c)->followup_open : theirs, theirs);
		m->known = true;
		return;
	}
	if (written) {
		issue_settled(m, written, theirs);
		return;
	}
	if (field == ISSUE_STATUS && f->state == FOLLOWUP_OPEN && means_done(c, theirs) &&
		!means_done(c, before))
		*closed = true;
	if (!trouble && tried && theirs && before && issue_value_same(field, theirs, before) &&
		!issue_value_same(field, theirs, tried))
		trouble = "it was not written, and no reason was given";
	/* What cannot be written is not tried again before it changes. */
	if (trouble) {
		i->ref.error = arena_printf(c->arena, "%s: %s", name, trouble);
		issue_settled(m, tried ? tried : ours(c, f, field), theirs);
		return;
	}
	issue_settled(m, tried && issue_value_same(field, tried, theirs) ? tried : m->ours, theirs);
}

static const char *name_words(struct call *c, const struct issue *i)
{
	struct str s;

	if (!i->rec.name)
		return "its issue";
	if (!i->ref.url)
		return i->rec.name;
	str_init_arena(&s, c->arena, 1000);
	mark_link(&s, i->ref.url, i->rec.name);
	return s.p;
}

/* Closed there, open here: what is missing is what the signal showed. */
static int ask_owner(struct call *c, const struct followup *f, const struct issue *i)
{
	const char *commander = role_person(&c->roles, ROLE_COMMANDER);
	const char *person = f->owner ? f->owner : commander ? commander : c->incident.reporter;
	bool sees = false;
	json_t *doc;
	int rc = record_event(c, ENTRY_NOTE, "followup.closed_there",
		"%s, the issue of follow-up %s, was closed in Jira; here it "
		"is open until somebody says what its signal showed",
		i->rec.name ? i->rec.name : "it", following_name(c, f));

	if (rc == 0 && person)
		rc = protected_sees(c, &c->incident, &c->roles, person, &sees);
	if (rc < 0 || !sees)
		return rc;
	doc = message_line(c,
		"%s was closed in Jira. %s of %s is done when you say what its signal showed: %s",
		name_words(c, i), following_name(c, f), words_id(c, f->incident),
		f->signal ? f->signal : f->title);
	following_buttons(doc, f);
	return say_person(c, person, doc);
}

static int on_gone(struct call *c, const struct followup *f, struct issue *i)
{
	bool known = i->rec.gone;
	int rc;

	i->rec.gone = true;
	rc = mirror_save(c, i);
	return rc < 0 || known ? rc
			       : record_event(c, ENTRY_NOTE, "followup.issue_gone",
					 "%s, the issue of follow-up %s, is gone in Jira: deleted, "
					 "or not visible any more",
					 i->rec.name ? i->rec.name : "it", following_name(c, f));
}

static int take_identity(
	struct call *c, const struct followup *f, struct issue *i, const json_t *read)
{
	const char *url = cleaned(c, read, "url", 2000), *name = cleaned(c, read, "name", 60);
	const char *id = arena_printf(c->arena, "%lld", (long long)number(read, "id"));
	const char *key = arena_printf(c->arena, ISSUE_SYSTEM ":%s", id);
	bool first = !i->ref.key;

	if (number(read, "id") <= 0 || (!first && strcmp(i->ref.key, key) != 0))
		return error_set(&c->err, -EBADMSG, "the tracker told of issue %s instead of %s",
			id, first ? "a new one" : i->ref.key);
	i->ref.key = key;
	i->ref.error = NULL;
	i->ref.synced_at = c->now;
	i->rec.gone = false;
	if (url)
		i->ref.url = url;
	if (name)
		i->rec.name = name;
	if (number(read, "change") > i->rec.change)
		i->rec.change = number(read, "change");
	if (json_get_int(read, "updated_ms", 0) > i->rec.updated_ms)
		i->rec.updated_ms = json_get_int(read, "updated_ms", 0);
	return !first ? 0
		      : record_event(c, ENTRY_NOTE, "followup.issue",
				"%s was created for follow-up %s",
				i->rec.name ? i->rec.name : "an issue", following_name(c, f));
}

int mirror_delivered(struct call *c, const struct effect_row *row, const json_t *result)
{
	const json_t *read = json_get_obj(result, "read");
	bool closed = false;
	struct followup f;
	struct issue i;
	int rc = about(c, row, &f, &i);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (!read) {
		log_line(LOG_ERROR, "issue", row->incident, "%s came back without what was read",
			effect_kind_name(row->kind));
		return 0;
	}
	if (json_get_bool(read, "gone", false))
		return on_gone(c, &f, &i);
	rc = take_identity(c, &f, &i, read);
	for (size_t k = 0; rc == 0 && k < KEPT; k++)
		take_field(c, row, &f, &i, result, kept[k], &closed);
	if (rc == 0)
		rc = mirror_save(c, &i);
	if (rc == 0 && closed)
		rc = ask_owner(c, &f, &i);
	return rc < 0 ? rc : following_mirror(c, &f);
}

int mirror_refused(struct call *c, const struct effect_row *row, const char *error)
{
	struct followup f;
	struct issue i;
	bool told;
	int rc = about(c, row, &f, &i);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	for (size_t k = 0; k < KEPT; k++)
		attempted(row, kept[k], &i.rec.field[kept[k]]);
	told = i.ref.error && !strcmp(i.ref.error, error);
	i.ref.error = error;
	rc = mirror_save(c, &i);
	if (rc < 0 || told)
		return rc;
	rc = record_event(c, ENTRY_NOTE, "followup.issue_refused",
		"Jira refused the issue of follow-up %s: %s", following_name(c, &f), error);
	return rc < 0 ? rc
		      : issue_say(c,
				message_line(c,
					"%s has no issue in step with it: %s. To try again: %s",
					following_name(c, &f), message_short(c, error, REASON_MAX),
					message_usage(c, "/inc sync #%lld --retry",
						(long long)c->incident.id)),
				NULL, true);
}

int mirror_waits(struct call *c, const struct effect_row *row, bool unknown)
{
	struct followup f;
	struct issue i;
	int rc = unknown ? -ENOENT : about(c, row, &f, &i);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	for (size_t k = 0; k < KEPT; k++)
		attempted(row, kept[k], &i.rec.field[kept[k]]);
	return mirror_save(c, &i);
}

/* ---- words ---- */

const char *following_issue_words(struct call *c, const struct followup *f)
{
	struct issue i = { 0 };

	if (!policy(c)->url || mirror_load(c, slot_of(c, f), &i) < 0)
		return NULL;
	if (i.rec.gone)
		return "its Jira issue is gone";
	if (i.ref.error)
		return arena_printf(
			c->arena, "Jira %s: %s", i.rec.name ? name_words(c, &i) : "", i.ref.error);
	return i.ref.key ? arena_printf(c->arena, "Jira %s ✓", name_words(c, &i))
			 : "Jira issue on its way";
}
