/*
 * Effects on their way out: which may go now, with their targets looked up and, where the record is the
 * content (card, announcement, topic), their documents made at this moment, so that what is sent is
 * never older than the record.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "commands/dispatch.h"
#include "commands/files.h"
#include "commands/issues.h"
#include "commands/protected.h"
#include "commands/say.h"
#include "store/incidents.h"
#include "store/references.h"

#define POSTPONE_MS (5 * MINUTE_MS)

/* How many of a kind may be with the adapters at once. Small, so that a platform's pacing of one kind
 * holds back only that kind, and a crash leaves few outcomes unknown. */
static const int in_flight_max[EFFECT_KIND_COUNT] = {
	[EFFECT_CHANNEL_OPEN] = 2,
	[EFFECT_CHANNEL_INVITE] = 4,
	[EFFECT_CHANNEL_REMOVE] = 4,
	[EFFECT_CHANNEL_TOPIC] = 4,
	[EFFECT_CHANNEL_BOOKMARK] = 2,
	[EFFECT_MESSAGE_POST] = 16,
	[EFFECT_MESSAGE_EDIT] = 8,
	[EFFECT_MESSAGE_PIN] = 4,
	[EFFECT_MESSAGE_PRIVATE] = 8,
	[EFFECT_MESSAGE_FETCH] = 4,
	[EFFECT_PERSON_FETCH] = 2,
	[EFFECT_HOME_SHOW] = 4,
	[EFFECT_CHANNEL_RENAME] = 1,
	[EFFECT_FILE_SHARE] = 1, /* each is large */
	[EFFECT_ISSUE_CREATE] = 4,
	[EFFECT_ISSUE_SYNC] = 8,
	[EFFECT_ISSUE_COMMENT] = 4,
	[EFFECT_ISSUE_MARK] = 4,
	[EFFECT_ISSUE_POLL] = 1,
};

void deliver_expect(struct desk *desk, enum effect_kind kind, int64_t due_at)
{
	if (due_at < desk->look_at[kind])
		desk->look_at[kind] = due_at;
}

void deliver_expect_any(struct desk *desk)
{
	memset(desk->look_at, 0, sizeof desk->look_at);
}

int deliver_recover(struct desk *desk, struct error *err)
{
	int64_t count = 0;
	int64_t now = clock_now(desk->clock);
	int rc = effect_recover(desk->store, now, now + VERIFY_AFTER_MS, &count, err);

	if (rc == 0 && count)
		log_info("effect", "%lld deliveries were under way at the last stop; each is looked up before it is repeated",
			(long long)count);
	deliver_expect_any(desk);
	return rc;
}

/* ---- resolving one effect ---------------------------------------------------------------- */

struct resolution {
	struct desk *desk;
	const struct effect_row *row;
	struct effect *out;
	struct call call;    /* for views; on the effect's arena */
	const char *impossible; /* why it need not be sent at all */
	const char *later;      /* why it must wait */
	struct error *err;
};

static int resolve_reference(struct resolution *r, const char *slot, const char **key)
{
	struct reference ref;
	int rc = reference_get(r->desk->store, r->out->arena, r->row->incident, r->row->system, slot, &ref,
		r->err);

	*key = NULL;
	if (rc == 0)
		*key = ref.key;
	return rc == -ENOENT ? 0 : rc;
}

/* Until the incident has a channel of its own, it speaks under its announcement; a protected one is
 * silent. */
static int resolve_incident_channel(struct resolution *r)
{
	int rc = resolve_reference(r, SLOT_CHANNEL, &r->out->channel);

	if (rc < 0 || r->out->channel || r->call.incident.is_private)
		return rc;
	r->out->channel = arena_strdup(r->out->arena, r->desk->config->slack.announce_channel);
	return resolve_reference(r, SLOT_ANNOUNCEMENT, &r->out->thread);
}

/* "slack:C1/1700.1" lies in "slack:C1". */
static const char *message_channel(struct arena *a, const char *message)
{
	const char *slash = strchr(message, '/');

	return slash ? arena_strndup(a, message, (size_t)(slash - message)) : NULL;
}

static int resolve_message(struct resolution *r)
{
	int rc = resolve_reference(r, r->row->slot, &r->out->message);

	if (rc == 0 && !r->out->message)
		r->impossible = "the message it is about does not exist";
	if (r->out->message)
		r->out->channel = message_channel(r->out->arena, r->out->message);
	return rc;
}

static bool is_issue(const struct effect_row *row)
{
	return row->kind >= EFFECT_ISSUE_CREATE && row->kind <= EFFECT_ISSUE_POLL;
}

static int resolve_place(struct resolution *r)
{
	const struct effect_row *row = r->row;
	const char *thread = NULL;
	int rc = 0;

	/* A tracker is no place in the chat. */
	if (row->kind == EFFECT_CHANNEL_OPEN || is_issue(row))
		return 0;
	if (row->kind == EFFECT_MESSAGE_FETCH) {
		r->out->message = arena_strdup(r->out->arena, row->to);
		r->out->channel = message_channel(r->out->arena, row->to);
		return 0;
	}
	if (row->kind == EFFECT_MESSAGE_EDIT || row->kind == EFFECT_MESSAGE_PIN)
		return resolve_message(r);
	if (!strcmp(row->to, TO_INCIDENT))
		rc = resolve_incident_channel(r);
	else if (!strcmp(row->to, TO_ANNOUNCE))
		r->out->channel = arena_strdup(r->out->arena, r->desk->config->slack.announce_channel);
	else
		r->out->channel = arena_strdup(r->out->arena, row->to);
	if (rc == 0 && row->thread_slot)
		rc = resolve_reference(r, row->thread_slot, &thread);
	if (thread) {
		r->out->thread = thread;
		r->out->channel = message_channel(r->out->arena, thread);
	}
	if (rc == 0 && !r->out->channel)
		r->impossible = "there is no channel for it";
	if (row->kind != EFFECT_MESSAGE_POST && row->kind != EFFECT_MESSAGE_PRIVATE && r->out->thread &&
		!strcmp(row->to, TO_INCIDENT))
		r->impossible = "the incident has no channel of its own";
	return rc;
}

static int resolve_incident(struct resolution *r)
{
	struct call *c = &r->call;
	int rc;

	if (!r->row->incident)
		return 0;
	rc = incident_load(r->desk->store, c->arena, r->row->incident, &c->incident, r->err);
	if (rc == 0)
		rc = role_list(r->desk->store, c->arena, r->row->incident, &c->roles, r->err);
	c->has_incident = rc == 0;
	return rc;
}

static int resolve_view(struct resolution *r)
{
	struct call *c = &r->call;
	const struct effect_row *row = r->row;
	json_t *doc = NULL;

	if (!c->has_incident)
		return error_set(r->err, -EINVAL, "effect %lld shows no incident", (long long)row->id);
	if (row->kind == EFFECT_CHANNEL_TOPIC) {
		r->out->payload = json_pack("{s:s}", "text", view_topic(c));
		return 0;
	}
	if (row->kind == EFFECT_MESSAGE_PIN) {
		r->out->payload = json_object();
		return 0;
	}
	if (!row->slot)
		return error_set(r->err, -EINVAL, "effect %lld has neither content nor a view", (long long)row->id);
	doc = !strcmp(row->slot, SLOT_CARD) ? view_card(c) : view_announcement(c);
	r->out->payload = json_pack("{s:o}", "doc", doc);
	return 0;
}

/* A file is as large as the record, so the row only says which; its text is made here. */
static int resolve_file(struct resolution *r)
{
	struct call *c = &r->call;
	struct str text STR_CLEANUP = { 0 };
	json_t *args;
	const struct file_kind *kind = file_kind_of(r->out->payload, &args);
	int rc;

	if (!kind || (!kind->of_none && !c->has_incident)) {
		r->impossible = "it is a file that nobody knows to make";
		return 0;
	}
	str_init(&text, FILES_TEXT_MAX);
	rc = kind->make(c, args, json_get_str(r->out->payload, "person"), &text);
	if (rc == -EMSGSIZE) {
		r->impossible = "it has become too large for one file";
		return 0;
	}
	if (rc < 0)
		return error_set(r->err, rc, "%s", c->err.text);
	json_object_set_new(r->out->payload, "text", json_string(text.p));
	return 0;
}

static int resolve_payload(struct resolution *r)
{
	int rc;

	if (is_issue(r->row)) {
		rc = issue_payload(&r->call, r->row, &r->out->payload, &r->impossible);
		if (rc == -EAGAIN)
			r->later = r->call.err.text;
		return rc < 0 && rc != -EAGAIN ? error_set(r->err, rc, "%s", r->call.err.text) : 0;
	}
	if (!r->row->payload)
		return resolve_view(r);
	rc = json_parse(r->row->payload, strlen(r->row->payload), 4 << 20, &r->out->payload, r->err);
	return rc == 0 && r->row->kind == EFFECT_FILE_SHARE ? resolve_file(r) : rc;
}

/* ---- a protected incident speaks in its own channel, and to people who may see it ---------- */

static bool sees(struct resolution *r, const char *person, int *rc)
{
	struct call *c = &r->call;
	bool may = false;

	if (*rc == 0 && person)
		*rc = protected_sees(c, &c->incident, &c->roles, person, &may);
	if (*rc < 0)
		*r->err = c->err;
	return may;
}

static int guard_person(struct resolution *r)
{
	int rc = 0;

	if (!sees(r, json_get_str(r->out->payload, "person"), &rc) && rc == 0)
		r->impossible = "its reader has no access to the incident";
	return rc;
}

static int guard_invited(struct resolution *r)
{
	json_t *people = json_get_arr(r->out->payload, "people");
	int rc = 0;

	for (size_t i = json_array_size(people); rc == 0 && i-- > 0;)
		if (!sees(r, json_string_value(json_array_get(people, i)), &rc))
			json_array_remove(people, i);
	if (rc == 0 && json_array_size(people) == 0)
		r->impossible = "nobody of them has access to the incident";
	return rc;
}

/* Beyond its channel only what is withdrawn is touched. */
static int guard_place(struct resolution *r)
{
	const char *own;
	int rc = resolve_reference(r, SLOT_CHANNEL, &own);
	bool old = r->row->slot && strncmp(r->row->slot, SLOT_OLD, strlen(SLOT_OLD)) == 0;

	if (rc == 0 && !(old && r->row->payload) &&
		(!own || !r->out->channel || strcmp(own, r->out->channel) != 0))
		r->impossible = "it is not for that place";
	return rc;
}

static int guard(struct resolution *r)
{
	int rc;

	if (!r->call.incident.is_private)
		return 0;
	switch (r->row->kind) {
	case EFFECT_CHANNEL_OPEN:
		if (!json_get_bool(r->out->payload, "private", false))
			r->impossible = "the incident is protected now";
		return 0;
	case EFFECT_CHANNEL_INVITE:
		rc = guard_invited(r);
		return rc < 0 ? rc : guard_place(r);
	case EFFECT_MESSAGE_PRIVATE:
		return guard_person(r);
	case EFFECT_FILE_SHARE:
		return json_get_str(r->out->payload, "person") ? guard_person(r) : guard_place(r);
	case EFFECT_CHANNEL_REMOVE:
	case EFFECT_CHANNEL_RENAME:
	case EFFECT_CHANNEL_TOPIC:
	case EFFECT_CHANNEL_BOOKMARK:
	case EFFECT_MESSAGE_POST:
	case EFFECT_MESSAGE_EDIT:
	case EFFECT_MESSAGE_PIN:
		return guard_place(r);
	case EFFECT_MESSAGE_FETCH:
	case EFFECT_PERSON_FETCH:
	case EFFECT_HOME_SHOW:
	case EFFECT_ISSUE_CREATE:
	case EFFECT_ISSUE_SYNC:
	case EFFECT_ISSUE_COMMENT:
	case EFFECT_ISSUE_MARK:
	case EFFECT_ISSUE_POLL:
		return 0;
	}
	return 0;
}

static struct effect *effect_from_row(const struct effect_row *row)
{
	struct arena *a = arena_create(REQUEST_ARENA_MAX);
	struct effect *e = arena_alloc(a, sizeof *e);

	e->arena = a;
	e->id = row->id;
	e->op_id = arena_strdup(a, row->op_id);
	e->incident = row->incident;
	e->system = arena_strdup(a, row->system);
	e->kind = row->kind;
	e->attempt = row->attempts + 1;
	e->verify = row->verify;
	e->created_at = row->created_at;
	return e;
}

static int drop(struct resolution *r)
{
	int rc;

	log_line(LOG_INFO, "effect", r->row->incident, "%s is dropped: %s",
		effect_kind_name(r->row->kind), r->impossible);
	rc = effect_end(r->desk->store, r->row->id, EFFECT_DROPPED, r->impossible,
		clock_now(r->desk->clock), r->err);
	deliver_expect_any(r->desk);
	effect_destroy(r->out);
	return rc;
}

/* One that cannot be made is at fault itself: all the others, and whoever types, would wait for it for good. */
static int give_up(struct resolution *r)
{
	struct call *c = &r->call;
	const char *kind = effect_kind_name(r->row->kind), *why = arena_strdup(c->arena, r->err->text);
	json_t *meta = json_pack("{s:s, s:s}", "kind", kind, "error", why);
	int rc = effect_end(c->store, r->row->id, EFFECT_FAILED, why, c->now, r->err);

	log_line(LOG_ERROR, "effect", r->row->incident, "%s cannot be made, and is given up: %s", kind, why);
	if (rc == 0 && record_audit(c, "effect", r->row->id, "warn", "effect.refused", json_text(c->arena, meta)) < 0)
		rc = error_set(r->err, c->err.code, "%s", c->err.text);
	json_decref(meta);
	deliver_expect_any(r->desk);
	effect_destroy(r->out);
	return rc;
}

/* Counts as an attempt that certainly did nothing. */
static int postpone(struct resolution *r)
{
	int64_t now = clock_now(r->desk->clock);
	int rc = effect_start(r->desk->store, r->row->id, now, r->err);

	if (rc == 0)
		rc = effect_retry(r->desk->store, r->row->id, now + POSTPONE_MS, r->row->verify, r->later,
			now, r->err);
	deliver_expect_any(r->desk);
	effect_destroy(r->out);
	return rc;
}

/* The effect ready to be performed; NULL with 0 when there is nothing to do for it (dropped). */
static int resolve(struct desk *desk, const struct effect_row *row, struct effect **out, struct error *err)
{
	struct effect *e = effect_from_row(row);
	int64_t now = clock_now(desk->clock);
	struct resolution r = {
		.desk = desk,
		.row = row,
		.out = e,
		.call = {
			.desk = desk,
			.arena = e->arena,
			.store = desk->store,
			.config = desk->config,
			.now = now,
			.actor = PERSON_SELF,
			.zone = desk->config->timezone,
		},
		.err = err,
	};
	int rc = resolve_incident(&r);

	*out = NULL;
	if (rc == 0)
		rc = resolve_place(&r);
	if (rc == 0 && !r.impossible)
		rc = resolve_payload(&r);
	if (rc == 0 && r.later)
		return postpone(&r);
	if (rc == 0 && !r.impossible)
		rc = guard(&r);
	if (rc < 0 && !store_broken(rc))
		return give_up(&r);
	if (rc == 0 && r.impossible)
		return drop(&r);
	if (rc == 0)
		rc = effect_start(desk->store, row->id, now, err);
	if (rc < 0)
		effect_destroy(e);
	else
		*out = e;
	return rc;
}

/* ---- choosing ----------------------------------------------------------------------------- */

static int start_kind(struct desk *desk, struct arena *a, enum effect_kind kind, int room, struct effect **out,
	size_t *count, struct error *err)
{
	struct effect_row *rows;
	size_t n = 0;
	int64_t now = clock_now(desk->clock);
	int rc = effect_due(desk->store, a, kind, now, room, &rows, &n, err);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct effect *e;

		rc = resolve(desk, &rows[i], &e, err);
		if (rc == 0 && e)
			out[(*count)++] = e;
	}
	/* Fewer than there was room for: nothing more is due before the next of this kind. */
	if (rc == 0 && n < (size_t)room) {
		int64_t next = 0;

		rc = effect_next_due_of(desk->store, kind, &next, err);
		desk->look_at[kind] = next ? next : INT64_MAX;
	}
	return rc;
}

int deliver_start(struct desk *desk, struct effect **out, size_t max, size_t *count, struct error *err)
{
	int64_t now = clock_now(desk->clock);
	struct arena *a = NULL;
	int rc = 0;

	*count = 0;
	for (int kind = 0; rc == 0 && kind < EFFECT_KIND_COUNT; kind++) {
		int room = in_flight_max[kind] - desk->in_flight[kind];

		if (room > (int)(max - *count))
			room = (int)(max - *count);
		if (room <= 0 || desk->look_at[kind] > now)
			continue;
		if (!a)
			a = arena_create(REQUEST_ARENA_MAX);
		rc = start_kind(desk, a, (enum effect_kind)kind, room, out, count, err);
	}
	arena_destroy(a);
	if (rc < 0) {
		for (size_t i = 0; i < *count; i++)
			effect_destroy(out[i]);
		*count = 0;
		deliver_expect_any(desk);
	}
	return rc;
}

int64_t deliver_next(const struct desk *desk)
{
	int64_t next = 0;

	for (int kind = 0; kind < EFFECT_KIND_COUNT; kind++) {
		if (desk->in_flight[kind] >= in_flight_max[kind] || desk->look_at[kind] == INT64_MAX)
			continue;
		if (!next || desk->look_at[kind] < next)
			next = desk->look_at[kind] ? desk->look_at[kind] : 1;
	}
	return next;
}
