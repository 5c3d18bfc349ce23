#include "commands/issues.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "commands/dispatch.h"
#include "commands/issues_parts.h"
#include "commands/messages.h"
#include "commands/say.h"
#include "store/people.h"
#include "store/timers.h"

#define LANE_LOOK_MAX     500

bool issue_allowed(const struct call *c)
{
	return !c->incident.is_private || issue_rules(c)->protected == ISSUE_PROTECTED_BARE;
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

	if (!issue_rules(c)->assign || c->incident.is_private)
		return NULL;
	return person ? issue_policy_account(issue_rules(c), person) : "";
}

const char *issue_ours(struct call *c, enum issue_field f)
{
	if (f != ISSUE_TITLE && !issue_allowed(c))
		return NULL;
	switch (f) {
	case ISSUE_TITLE:
		return ours_title(c);
	case ISSUE_PRIORITY:
		return issue_rules(c)->priority[c->incident.severity];
	case ISSUE_STATUS:
		return issue_rules(c)->status[c->incident.state];
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

int issue_slot_drop(struct call *c, const char *slot)
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

	return issue_rules(c)->url && inc->severity <= issue_rules(c)->create_level && !inc->merged_into &&
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

	if (!issue_rules(c)->url)
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

/* ---- marks ---- */

int issue_mark(struct call *c)
{
	struct issue i;
	int rc;

	if (!issue_rules(c)->url || c->incident.is_private)
		return 0;
	rc = issue_load(c, &i);
	if (rc < 0 || !i.ref.key || i.rec.gone)
		return rc == -ENOENT ? 0 : rc;
	return issue_ask(c, EFFECT_ISSUE_MARK, NULL);
}

/* ---- what waits in the lane ---- */

/* What is not under way need not be sent any more. *started: something is. */
int issue_lane_drop(struct call *c, const char *why, bool *started)
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
int issue_creating(struct call *c, bool *out)
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
int issue_unmark(struct call *c, const struct issue *i)
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
	if (!issue_rules(c)->url)
		return 0;
	rc = mirror_protect(c);
	if (rc == 0)
		rc = issue_load(c, &i);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = issue_creating(c, &under_way);
	if (rc == 0 && !i.ref.key && !under_way && !issue_allowed(c)) {
		rc = issue_lane_drop(c, "the incident is protected now", &under_way);
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
	return rc < 0 ? rc : issue_unmark(c, &i);
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
	struct effect_row *open = NULL, *failed = NULL;
	size_t n = 0, m = 0, found = 0;
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

	if (!issue_rules(c)->url || !c->has_incident)
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

#define HINT_NAME_MAX 256 /* bytes of a key that is looked for */

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
	int64_t change = issue_number(hint, "change"), comment = issue_number(hint, "comment"),
		updated = issue_number(hint, "updated_ms");

	if (json_get_bool(hint, "deleted", false) || rec->gone)
		return false;
	if (change > 0)
		return rec->change && change <= rec->change;
	if (comment > 0)
		return rec->comment && comment <= rec->comment;
	return updated > 0 && rec->updated_ms && updated < rec->updated_ms;
}

/* What is ours of it: by its id; a delivery without one names it by its key. -ENOENT: nothing. */
static int hinted(struct call *c, const json_t *hint, struct reference *ref)
{
	const char *id = id_of(c, hint), *name = json_get_str(hint, "name");
	int rc;

	if (id)
		return reference_by_key(
			c->store, c->arena, arena_printf(c->arena, ISSUE_SYSTEM ":%s", id), ref, &c->err);
	if (!name || strlen(name) >= HINT_NAME_MAX)
		return -ENOENT;
	rc = reference_by_key(c->store, c->arena, issue_name_key(c, name), ref, &c->err);
	return rc < 0 ? rc : reference_get(c->store, c->arena, ref->incident, ISSUE_SYSTEM, SLOT_ISSUE, ref, &c->err);
}

int issue_hint(struct call *c, const json_t *hint)
{
	struct incident before = c->incident;
	bool had = c->has_incident;
	struct reference ref;
	struct issue_record rec;
	bool mirror;
	int rc;

	if (!issue_rules(c)->url)
		return 0;
	rc = hinted(c, hint, &ref);
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

