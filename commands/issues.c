#include "commands/issues.h"

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
#include "store/timers.h"

#define COMMENT_BYTES_MAX 16000
#define LANE_LOOK_MAX     500

static const struct issue_policy *policy(const struct call *c)
{
	return &c->config->issue;
}

bool issue_allowed(const struct call *c)
{
	return !c->incident.is_private || policy(c)->protected == ISSUE_PROTECTED_BARE;
}

/* ---- the reference ---- */

int issue_load(struct call *c, struct issue *out)
{
	int rc = reference_get(c->store, c->arena, c->incident.id, ISSUE_SYSTEM, SLOT_ISSUE, &out->ref,
		&c->err);

	if (rc < 0)
		return rc;
	/* Nothing remembered is worse than a sync more, but it must not hold up the incident. */
	rc = issue_record_parse(c->arena, out->ref.synced, &out->rec, &c->err);
	if (rc < 0) {
		log_line(LOG_ERROR, "issue", c->incident.id, "what is remembered of the issue cannot be read: %s",
			c->err.text);
		out->rec = (struct issue_record){ 0 };
	}
	return 0;
}

int issue_get(struct call *c, struct reference *ref, struct issue_record *record)
{
	struct issue i = { 0 };
	int rc = issue_load(c, &i);

	*ref = i.ref;
	*record = i.rec;
	return rc;
}

static const char *state_of(const struct issue *i)
{
	if (i->rec.gone || i->ref.error)
		return "failed";
	if (issue_record_conflict(&i->rec))
		return "conflict";
	return i->ref.key ? "synced" : "pending";
}

int issue_save(struct call *c, struct issue *i)
{
	i->ref.state = state_of(i);
	i->ref.synced = issue_record_text(c->arena, &i->rec);
	return reference_put(c->store, &i->ref, &c->err);
}

const char *issue_name_key(struct call *c, const char *name)
{
	return arena_printf(c->arena, ISSUE_SYSTEM ":name:%s", name);
}

int issue_name_keep(struct call *c, const struct issue *i)
{
	return !i->rec.name ? 0 : reference_put(c->store,
		&(struct reference){
			.incident = c->incident.id,
			.system = ISSUE_SYSTEM,
			.slot = SLOT_NAME,
			.key = issue_name_key(c, i->rec.name),
			.state = "synced",
			.created_at = c->now,
		},
		&c->err);
}

const char *issue_id(const struct issue *i)
{
	return i->ref.key ? i->ref.key + strlen(ISSUE_SYSTEM ":") : NULL;
}

/* ---- our values ---- */

static const char *ours_title(struct call *c)
{
	const char *title;
	size_t bytes;

	if (c->incident.is_private)
		return arena_printf(c->arena, "Protected incident %s", words_id(c, c->incident.id));
	title = message_short(c, c->incident.title, INCIDENT_TITLE_MAX);
	if (text_chars(title) <= ISSUE_TITLE_CHARS)
		return title;
	bytes = strlen(title);
	while (text_chars(arena_strndup(c->arena, title, bytes)) > ISSUE_TITLE_CHARS - 1)
		bytes = text_cut(title, bytes - 1);
	return arena_printf(c->arena, "%.*s…", (int)bytes, title);
}

static const char *ours_assignee(struct call *c)
{
	const char *person = role_person(&c->roles, ROLE_COMMANDER);

	if (!policy(c)->assign || c->incident.is_private)
		return NULL;
	return person ? issue_policy_account(policy(c), person) : "";
}

const char *issue_ours(struct call *c, enum issue_field f)
{
	if (f != ISSUE_TITLE && !issue_allowed(c))
		return NULL;
	switch (f) {
	case ISSUE_TITLE:
		return ours_title(c);
	case ISSUE_PRIORITY:
		return policy(c)->priority[c->incident.severity];
	case ISSUE_STATUS:
		return policy(c)->status[c->incident.state];
	case ISSUE_ASSIGNEE:
		return ours_assignee(c);
	}
	return NULL;
}

/* ---- asking ---- */

const char *issue_lane(struct call *c)
{
	return arena_printf(c->arena, ISSUE_SYSTEM "/%lld", (long long)c->incident.id);
}

int issue_ask(struct call *c, enum effect_kind kind, const char *payload)
{
	int64_t waiting = 0;
	int rc = payload || c->fresh ?
		0 : effect_pending(c->store, c->incident.id, kind, NULL, &waiting, &c->err);

	if (rc < 0 || waiting)
		return rc;
	return say_effect(c, &(struct effect_row){
				     .system = ISSUE_SYSTEM,
				     .lane = issue_lane(c),
				     .kind = kind,
				     .payload = payload,
			     });
}

int issue_sync(struct call *c)
{
	return issue_ask(c, EFFECT_ISSUE_SYNC, NULL);
}

/* 1, 0 or a negative errno. */
static int has_slot(struct call *c, const char *slot)
{
	struct reference ref;
	int rc = reference_get(c->store, c->arena, c->incident.id, ISSUE_SYSTEM, slot, &ref, &c->err);

	return rc == -ENOENT ? 0 : rc < 0 ? rc : 1;
}

static int drop_slot(struct call *c, const char *slot)
{
	struct reference ref;
	int rc = reference_get(c->store, c->arena, c->incident.id, ISSUE_SYSTEM, slot, &ref, &c->err);

	if (rc == 0)
		rc = reference_delete(c->store, ref.id, &c->err);
	return rc == -ENOENT ? 0 : rc;
}

int issue_make(struct call *c)
{
	int rc = reference_put(c->store,
		&(struct reference){
			.incident = c->incident.id,
			.system = ISSUE_SYSTEM,
			.slot = SLOT_ISSUE,
			.state = "pending",
			.created_at = c->now,
		},
		&c->err);

	return rc < 0 ? rc : issue_ask(c, EFFECT_ISSUE_CREATE, NULL);
}

static bool wants_one(const struct call *c)
{
	const struct incident *inc = &c->incident;

	return policy(c)->url && inc->severity <= policy(c)->create_level && !inc->merged_into &&
		state_active(inc->state) && issue_allowed(c);
}

int issue_wanted(struct call *c)
{
	int rc = 0;

	if (!wants_one(c))
		return 0;
	if (!c->fresh)
		rc = has_slot(c, SLOT_UNWANTED);
	if (rc == 0)
		rc = has_slot(c, SLOT_ISSUE);
	if (rc == 0)
		return issue_make(c);
	return rc < 0 ? rc : 0;
}

/* What is shown in an open conflict is known to differ. */
static bool differs(struct call *c, const struct issue *i, enum issue_field f)
{
	const struct issue_memory *m = &i->rec.field[f];
	const char *ours = m->known ? issue_ours(c, f) : NULL;

	return ours && !issue_value_same(f, ours, m->conflict.open ? m->conflict.ours : m->ours);
}

int issue_refresh(struct call *c)
{
	struct issue i;
	int rc;

	if (!policy(c)->url)
		return 0;
	rc = issue_load(c, &i);
	if (rc == -ENOENT)
		return issue_wanted(c);
	if (rc < 0 || !i.ref.key || i.rec.gone)
		return rc;
	for (int f = 0; f < ISSUE_FIELD_COUNT; f++)
		if (differs(c, &i, (enum issue_field)f))
			return issue_sync(c);
	return 0;
}

/* ---- comments ---- */

static const char *name_of(void *ctx, const char *person)
{
	struct call *c = ctx;
	const char *name = words_name(c, person);

	return *name == '@' ? name + 1 : name;
}

const char *issue_plain(struct call *c, const json_t *doc)
{
	struct str s;

	str_init_arena(&s, c->arena, COMMENT_BYTES_MAX);
	doc_plain(&s, doc, c->config->timezone, c->now, name_of, c);
	return s.p ? s.p : "";
}

int issue_comment(struct call *c, const json_t *doc)
{
	JSON_CLEANUP json_t *payload = NULL;
	struct issue i;
	int rc;

	/* What was done there is known there. */
	if (!policy(c)->url || !policy(c)->comments || c->incident.is_private ||
		c->request->source == REQUEST_EVENT)
		return 0;
	rc = issue_load(c, &i);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	/* Of one that is not there the next creation tells where things stand. */
	if (i.rec.gone || (!i.ref.key && i.ref.error))
		return 0;
	payload = json_pack("{s:s}", "text", issue_plain(c, doc));
	return issue_ask(c, EFFECT_ISSUE_COMMENT, json_text(c->arena, payload));
}

/* ---- marks ---- */

int issue_mark(struct call *c)
{
	struct issue i;
	int rc;

	if (!policy(c)->url || c->incident.is_private)
		return 0;
	rc = issue_load(c, &i);
	if (rc < 0 || !i.ref.key || i.rec.gone)
		return rc == -ENOENT ? 0 : rc;
	return issue_ask(c, EFFECT_ISSUE_MARK, NULL);
}

/* ---- what waits in the lane ---- */

/* What is not under way need not be sent any more. *started: something is. */
static int lane_drop(struct call *c, const char *why, bool *started)
{
	struct effect_row *row;
	size_t n;
	int rc = effect_open_list(c->store, c->arena, c->incident.id, LANE_LOOK_MAX, &row, &n, &c->err);

	*started = false;
	/* From the end: ending the first would make the next one ready for nothing. */
	for (size_t k = n; rc == 0 && k-- > 0;) {
		/* Follow-ups have issues of their own. */
		if (strcmp(row[k].system, ISSUE_SYSTEM) != 0 || row[k].slot)
			continue;
		if (row[k].state == EFFECT_STARTED)
			*started = true;
		else
			rc = effect_end(c->store, row[k].id, EFFECT_DROPPED, why, c->now, &c->err);
	}
	return rc;
}

/* Is a creation under way, or was one that nobody knows the end of? */
static int creating(struct call *c, bool *out)
{
	struct effect_row *row;
	size_t n;
	int rc = effect_open_list(c->store, c->arena, c->incident.id, LANE_LOOK_MAX, &row, &n, &c->err);

	*out = false;
	for (size_t k = 0; rc == 0 && k < n; k++)
		if (row[k].kind == EFFECT_ISSUE_CREATE && !row[k].slot &&
			(row[k].state == EFFECT_STARTED || row[k].verify))
			*out = true;
	return rc;
}

/* ---- protected ---- */

/* What takes our marks away. */
static int ask_unmark(struct call *c, const struct issue *i)
{
	JSON_CLEANUP json_t *payload = NULL;
	struct reference label;
	int rc = reference_get(
		c->store, c->arena, c->incident.id, ISSUE_SYSTEM, SLOT_LABEL, &label, &c->err);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	payload = json_pack("{s:s, s:b, s:s*, s:s}", "issue", issue_id(i), "on", 0, "label",
		rc == 0 ? label.key : NULL, "common_label", ISSUE_LABEL);
	return issue_ask(c, EFFECT_ISSUE_MARK, json_text(c->arena, payload));
}

int issue_protect(struct call *c, const char **words)
{
	struct issue i;
	bool under_way = false;
	int rc;

	*words = "";
	if (!policy(c)->url)
		return 0;
	rc = mirror_protect(c);
	if (rc == 0)
		rc = issue_load(c, &i);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = creating(c, &under_way);
	if (rc == 0 && !i.ref.key && !under_way && !issue_allowed(c)) {
		rc = lane_drop(c, "the incident is protected now", &under_way);
		return rc < 0 ? rc : reference_delete(c->store, i.ref.id, &c->err);
	}
	if (rc < 0 || i.rec.gone)
		return rc;
	*words = arena_printf(c->arena,
		" Its issue %s is given a title that says nothing; its description, comments and "
		"history cannot be taken back from here, so whoever keeps the tracker should look.",
		i.ref.key ? issue_name(c, &i) : "in Jira");
	if (!i.ref.key)
		return 0;
	rc = issue_sync(c);
	return rc < 0 ? rc : ask_unmark(c, &i);
}

/* ---- trying again ---- */

/* Forgets that it could not be written, so that ours counts as changed. */
static size_t trouble_forget(struct issue *i)
{
	size_t n = 0;

	for (int f = 0; f < ISSUE_FIELD_COUNT; f++) {
		struct issue_memory *m = &i->rec.field[f];

		if (!m->trouble)
			continue;
		m->trouble = NULL;
		m->ours = m->theirs;
		n++;
	}
	return n;
}

/* Is there a creation that waits, or failed and is revived as an effect? 1, 0 or a negative errno. */
static int creation_listed(struct call *c)
{
	struct effect_row *open, *failed;
	size_t n, m, found = 0;
	int rc = effect_open_list(c->store, c->arena, c->incident.id, LANE_LOOK_MAX, &open, &n, &c->err);

	if (rc == 0)
		rc = effect_failed_list(c->store, c->arena, c->incident.id, LANE_LOOK_MAX, &failed, &m, &c->err);
	if (rc < 0)
		return rc;
	for (size_t k = 0; k < n; k++)
		found += open[k].kind == EFFECT_ISSUE_CREATE && !open[k].slot;
	for (size_t k = 0; k < m; k++)
		found += failed[k].kind == EFFECT_ISSUE_CREATE && !failed[k].slot;
	return found > 0;
}

static int retry_creation(struct call *c, struct issue *i, size_t *count)
{
	int rc = creation_listed(c);

	if (rc < 0)
		return rc;
	*count += rc == 0;
	if (rc == 0 && issue_ask(c, EFFECT_ISSUE_CREATE, NULL) < 0)
		return c->err.code;
	i->ref.error = NULL;
	return issue_save(c, i);
}

int issue_retry(struct call *c, size_t *count)
{
	struct issue i;
	size_t n;
	int rc;

	if (!policy(c)->url || !c->has_incident)
		return 0;
	rc = issue_load(c, &i);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (!i.ref.key && !i.rec.name)
		return retry_creation(c, &i, count);
	n = trouble_forget(&i) + (i.ref.error != NULL) + i.rec.gone;
	*count += n;
	i.ref.error = NULL;
	rc = issue_save(c, &i);
	return rc < 0 || !n ? rc : issue_sync(c);
}

/* ---- hints ---- */

static int64_t number_of(const json_t *obj, const char *key)
{
	const char *text = json_get_str(obj, key);

	return text ? strtoll(text, NULL, 10) : json_get_int(obj, key, 0);
}

static const char *id_of(struct call *c, const json_t *hint)
{
	const char *text = json_get_str(hint, "issue");
	int64_t n = json_get_int(hint, "issue", 0);

	if (!text)
		text = json_get_str(hint, "id");
	if (!text && n > 0)
		text = arena_printf(c->arena, "%lld", (long long)n);
	return text && *text && strlen(text) < 64 ? text : NULL;
}

/* Certainly nothing that was not read already. Times and numbers are the tracker's own, on both sides. */
static bool is_old(const struct issue_record *rec, const json_t *hint)
{
	int64_t change = number_of(hint, "change"), comment = number_of(hint, "comment"),
		updated = number_of(hint, "updated_ms");

	if (json_get_bool(hint, "deleted", false) || rec->gone)
		return false;
	if (change > 0)
		return rec->change && change <= rec->change;
	if (comment > 0)
		return rec->comment && comment <= rec->comment;
	return updated > 0 && rec->updated_ms && updated < rec->updated_ms;
}

int issue_hint(struct call *c, const json_t *hint)
{
	const char *id = id_of(c, hint);
	struct incident before = c->incident;
	bool had = c->has_incident;
	struct reference ref;
	struct issue_record rec;
	bool mirror;
	int rc;

	if (!policy(c)->url || !id)
		return 0;
	rc = reference_by_key(
		c->store, c->arena, arena_printf(c->arena, ISSUE_SYSTEM ":%s", id), &ref, &c->err);
	mirror = rc == 0 && !strncmp(ref.slot, SLOT_FOLLOWUP, strlen(SLOT_FOLLOWUP));
	if (rc == 0 && !mirror && strcmp(ref.slot, SLOT_ISSUE) != 0)
		rc = -ENOENT;
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (issue_record_parse(c->arena, ref.synced, &rec, &c->err) == 0 && is_old(&rec, hint))
		return 0;
	c->incident = (struct incident){ .id = ref.incident };
	c->has_incident = true;
	rc = mirror ? mirror_sync(c, ref.slot) : issue_sync(c);
	c->incident = before;
	c->has_incident = had;
	return rc;
}

int issue_poll_arm(struct store *s, const struct config *config, int64_t now, struct error *err)
{
	if (!config->issue.url || !config->issue.poll_ms)
		return 0;
	return timer_arm(s,
		&(struct timer){
			.due_at = now + config->issue.poll_ms,
			.name = "issue.poll",
			.operation = "issue.poll",
		},
		err);
}

/* ---- by hand ---- */

/* "PAY-123", any case: letters, digits and _ behind a letter, a dash, a number. On the arena. */
static const char *key_of(struct call *c, const char *text, size_t n)
{
	size_t k = 0;
	char *name;

	if (n < 3 || n > 60)
		return NULL;
	name = arena_strndup(c->arena, text, n);
	for (char *p = name; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	while ((name[k] >= 'A' && name[k] <= 'Z') || (k && ((name[k] >= '0' && name[k] <= '9') || name[k] == '_')))
		k++;
	if (k < 1 || name[k] != '-' || name[k + 1] == '0')
		return NULL;
	n = strspn(name + k + 1, "0123456789");
	return n > 0 && n < 16 && !name[k + 1 + n] ? name : NULL;
}

bool issue_named(struct call *c, const char *text, const char **name)
{
	const char *url = policy(c)->url;
	size_t n = url ? strlen(url) : 0;

	*name = NULL;
	if (!text)
		return false;
	if (url && text_prefix_fold(url, text)) {
		text += n;
		if (!text_prefix_fold("browse/", text))
			return false;
		text += strlen("browse/");
		*name = key_of(c, text, strcspn(text, "/?#"));
	} else {
		*name = key_of(c, text, strlen(text));
	}
	return *name != NULL;
}

static struct done refuse_unconfigured(struct call *c)
{
	return call_refuse(c, "conflict",
		"No tracker is configured, so there is nothing to link to; nothing was done. Whoever "
		"keeps the configuration can set one up in jira.yml.");
}

static struct done refuse_protected(struct call *c)
{
	return call_refuse(c, "policy",
		"%s is protected, and by jira.yml nothing of a protected incident goes to the tracker; "
		"nothing was done.",
		words_id(c, c->incident.id));
}

/* Which incident has the issue of this name? -ENOENT: none. */
static int holder_of(struct call *c, const char *name, int64_t *incident)
{
	struct reference ref;
	int rc = reference_by_key(c->store, c->arena,
		issue_name_key(c, name), &ref, &c->err);

	*incident = rc == 0 ? ref.incident : 0;
	return rc == -ENOENT ? 0 : rc;
}

static int link_begin(struct call *c, const char *name)
{
	struct issue i = {
		.ref = {
			.incident = c->incident.id,
			.system = ISSUE_SYSTEM,
			.slot = SLOT_ISSUE,
			.created_at = c->now,
		},
		.rec = { .name = name },
	};
	int rc = drop_slot(c, SLOT_UNWANTED);

	if (rc == 0)
		rc = issue_save(c, &i);
	if (rc == 0)
		rc = issue_name_keep(c, &i);
	return rc < 0 ? rc : issue_sync(c);
}

static struct done link_new(struct call *c)
{
	if (drop_slot(c, SLOT_UNWANTED) < 0 || issue_make(c) < 0)
		return call_fail(c);
	call_touch(c);
	if (record_event(c, ENTRY_ACTION, "issue.asked", "an issue was asked for") < 0)
		return call_fail(c);
	return call_replyf(c, "An issue for %s is being created.", words_id(c, c->incident.id));
}

struct done issue_link(struct call *c, const char *name)
{
	const char *id = words_id(c, c->incident.id);
	bool new = text_equal_fold(name, "new");
	struct issue i;
	int64_t other = 0;
	int rc;

	if (!policy(c)->url)
		return refuse_unconfigured(c);
	if (text_equal_fold(name, ISSUE_SYSTEM))
		return call_refuse_arg(c, "to", "Name the issue as PAY-123, or say “new”; nothing was done.");
	if (!issue_allowed(c))
		return refuse_protected(c);
	rc = issue_load(c, &i);
	/* What takes the place of one that is gone, or never came, begins from nothing. */
	if (rc == 0 && !i.rec.gone && (i.ref.key || !i.ref.error))
		return call_refuse(c, "conflict", "%s has %s already; nothing was done. Unlink it first: %s",
			id, i.rec.name ? issue_name(c, &i) : "an issue that is being created",
			message_usage(c, "/inc unlink #%lld %s", (long long)c->incident.id,
				i.rec.name ? i.rec.name : ISSUE_SYSTEM));
	if (rc == 0)
		rc = reference_delete(c->store, i.ref.id, &c->err);
	if ((rc < 0 && rc != -ENOENT) || drop_slot(c, SLOT_NAME) < 0 || drop_slot(c, SLOT_LABEL) < 0)
		return call_fail(c);
	if (new)
		return link_new(c);
	if (holder_of(c, name, &other) < 0)
		return call_fail(c);
	if (other)
		return call_refuse(c, "conflict",
			"%s belongs to another incident already; nothing was done.", name);
	call_touch(c);
	if (link_begin(c, name) < 0 ||
		record_event(c, ENTRY_ACTION, "issue.linked", "linked to %s", name) < 0)
		return call_fail(c);
	return call_replyf(c,
		"%s is being linked to %s: it is read now, then its status and priority follow %s.", id,
		name, id);
}

struct done issue_unlink(struct call *c, const char *name)
{
	const char *id = words_id(c, c->incident.id);
	struct issue i;
	bool under_way = false;
	int rc;

	if (!policy(c)->url)
		return refuse_unconfigured(c);
	rc = issue_load(c, &i);
	if (rc == -ENOENT)
		return call_refuse(c, "conflict", "%s has no issue; nothing was done.", id);
	if (rc == 0 && !text_equal_fold(name, ISSUE_SYSTEM) &&
		!(i.rec.name && text_equal_fold(name, i.rec.name)))
		return call_refuse(c, "conflict", "%s is not linked to %s but to %s; nothing was done.", id,
			name, i.rec.name ? i.rec.name : "an issue that is not created yet");
	if (rc == 0)
		rc = creating(c, &under_way);
	if (rc < 0)
		return call_fail(c);
	if (under_way)
		return call_refuse(c, "conflict",
			"The issue of %s is being created, and it is not known yet whether it is there; "
			"nothing was done. Try again in a moment: %s",
			id, message_usage(c, "/inc sync #%lld", (long long)c->incident.id));
	call_touch(c);
	if (lane_drop(c, "the issue was unlinked", &under_way) < 0 ||
		(i.ref.key && !i.rec.gone && ask_unmark(c, &i) < 0) ||
		reference_delete(c->store, i.ref.id, &c->err) < 0 || drop_slot(c, SLOT_LABEL) < 0 ||
		drop_slot(c, SLOT_NAME) < 0 ||
		reference_put(c->store,
			&(struct reference){
				.incident = c->incident.id,
				.system = ISSUE_SYSTEM,
				.slot = SLOT_UNWANTED,
				.state = "synced",
				.created_at = c->now,
			},
			&c->err) < 0 ||
		record_event(c, ENTRY_ACTION, "issue.unlinked", "unlinked from %s",
			i.rec.name ? i.rec.name : "its issue, which was not created yet") < 0)
		return call_fail(c);
	return call_replyf(c, "%s and %s go their own ways from now on. A new one: %s", id,
		i.rec.name ? issue_name(c, &i) : "its issue",
		message_usage(c, "/inc link #%lld new", (long long)c->incident.id));
}
