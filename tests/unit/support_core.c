#include "support_core.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "incident/doc.h"
#include "store/people.h"
#include "store/promises.h"
#include "store/timelines.h"
#include "store/timers.h"

static void people_know(struct talk *x)
{
	const struct person people[] = {
		{ .key = ALICE, .name = "alice", .zone = "UTC", .seen_at = TALK_START },
		{ .key = BOB, .name = "bob", .zone = "Europe/Berlin", .seen_at = TALK_START },
		{ .key = CAROL, .name = "carol", .zone = "UTC", .seen_at = TALK_START },
	};

	assert_int_equal(store_begin(x->store, &x->err), 0);
	for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++)
		assert_int_equal(person_put(x->store, &people[i], &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
}

int talk_setup(void **state)
{
	struct talk *x = calloc(1, sizeof(*x));
	char path[96];
	struct str report;

	if (!x)
		return -1;
	strcpy(x->folder, "/tmp/sitrep-core-XXXXXX");
	if (!mkdtemp(x->folder))
		return -1;
	snprintf(path, sizeof(path), "%s/sitrep.db", x->folder);
	str_init(&report, 1u << 20);
	if (config_load(&x->config, SITREP_SOURCE_DIR "/config", NULL, 0, true, &report) < 0 ||
		store_open(&x->store, &(struct store_options){ .path = path, .create = true },
			&x->err) < 0) {
		fprintf(stderr, "%s%s\n", report.p, x->err.text);
		return -1;
	}
	str_finish(&report);
	x->tiers = x->config->escalation;
	for (size_t i = 0; i < TIER_MAX; i++)
		x->config->escalation.tier[i].rule_count = 0;
	x->config->review.within_ms = 0; /* what ended owes nothing; tests/unit/test_verbs_postmortem.c asks for it */
	x->arena = arena_create(64u << 20);
	clock_init_manual(&x->clock, TALK_START);
	x->desk = (struct desk){ .store = x->store, .config = x->config, .clock = &x->clock };
	x->text = "";
	people_know(x);
	*state = x;
	return 0;
}

void talk_tiers(struct talk *x)
{
	x->config->escalation = x->tiers;
}

int talk_teardown(void **state)
{
	struct talk *x = *state;
	char name[512];
	DIR *folder = opendir(x->folder);

	reply_finish(&x->reply);
	store_close(x->store);
	config_release(x->config);
	arena_destroy(x->arena);
	for (struct dirent *e; folder && (e = readdir(folder));) {
		snprintf(name, sizeof(name), "%s/%s", x->folder, e->d_name);
		if (e->d_name[0] != '.')
			unlink(name);
	}
	if (folder)
		closedir(folder);
	rmdir(x->folder);
	free(x);
	return 0;
}

/* ---- requests ------------------------------------------------------------------------------ */

static const char *name_of(void *ctx, const char *person)
{
	struct talk *x = ctx;
	struct person p;

	return person_get(x->store, x->arena, person, &p, NULL) == 0 ? p.name : NULL;
}

static const char *plain(struct talk *x, const json_t *doc)
{
	struct str s;

	str_init_arena(&s, x->arena, 60000);
	doc_plain(&s, doc, "UTC", clock_now(&x->clock), name_of, x);
	return s.p;
}

/* Runs it as the core does: one transaction; destroys the request. */
static const char *run(struct talk *x, struct request *r)
{
	reply_finish(&x->reply);
	memset(&x->reply, 0, sizeof(x->reply));
	assert_int_equal(store_begin(x->store, &x->err), 0);
	if (dispatch(&x->desk, r, &x->reply, &x->err) < 0)
		fail_msg("dispatch: %s", x->err.text);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	x->reply.code = arena_strdup(x->arena, x->reply.code);
	x->text = x->reply.doc ? plain(x, x->reply.doc) : "";
	request_destroy(r);
	return x->text;
}

static struct request *chat_request(struct talk *x, const char *person)
{
	struct request *r = request_create(REQUEST_CHAT);

	r->actor.person = arena_strdup(r->arena, person);
	r->place.channel = arena_strdup(r->arena, x->channel);
	r->can_open_form = x->forms;
	r->received_at = clock_now(&x->clock);
	return r;
}

const char *talk_say_as(struct talk *x, const char *person, const char *words)
{
	struct request *r = chat_request(x, person);

	r->words = arena_strdup(r->arena, words);
	return run(x, r);
}

const char *talk_say(struct talk *x, const char *words)
{
	return talk_say_as(x, ALICE, words);
}

const char *talk_press(
	struct talk *x, const char *person, const char *op, int64_t incident, json_t *args_take)
{
	struct request *r = chat_request(x, person);

	r->operation = arena_strdup(r->arena, op);
	r->incident = incident;
	r->args = args_take;
	return run(x, r);
}

const char *talk_submit(
	struct talk *x, const char *person, const char *op, int64_t incident, json_t *args_take)
{
	struct request *r = chat_request(x, person);

	r->operation = arena_strdup(r->arena, op);
	r->incident = incident;
	r->args = args_take;
	r->from_form = true;
	return run(x, r);
}

const char *talk_event(struct talk *x, const char *person, const char *op)
{
	struct request *r = chat_request(x, person);

	r->source = REQUEST_EVENT;
	r->operation = arena_strdup(r->arena, op);
	return run(x, r);
}

/* ---- time ---------------------------------------------------------------------------------- */

static void fire(struct talk *x, const struct timer *t)
{
	struct request *r = request_create(REQUEST_TIMER);

	r->actor.person = PERSON_SELF;
	r->operation = arena_strdup(r->arena, t->operation);
	r->incident = t->incident;
	r->due_at = t->due_at;
	r->received_at = clock_now(&x->clock);
	if (t->args)
		assert_int_equal(json_parse(t->args, strlen(t->args), 65536, &r->args, &x->err), 0);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(timer_disarm(x->store, t->name, t->incident, t->subject, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	run(x, r);
}

void talk_pass(struct talk *x, int64_t ms)
{
	int64_t end = clock_now(&x->clock) + ms, next;
	struct timer *due;
	size_t n;

	for (;;) {
		assert_int_equal(timer_next(x->store, &next, &x->err), 0);
		if (!next || next > end)
			break;
		if (next > x->clock.manual_ms)
			x->clock.manual_ms = next;
		assert_int_equal(
			timer_due(x->store, x->arena, x->clock.manual_ms, 1, &due, &n, &x->err), 0);
		assert_int_equal(n, 1);
		fire(x, &due[0]);
	}
	x->clock.manual_ms = end;
}

/* ---- a chat that is not there --------------------------------------------------------------- */

static json_t *result_of(struct talk *x, const struct effect *e)
{
	const char *key;

	switch (e->kind) {
	case EFFECT_CHANNEL_OPEN:
		key = arena_printf(x->arena, "slack:CINC%lld", (long long)e->incident);
		return json_pack(
			"{s:s, s:s}", "channel", key, "name", json_get_str(e->payload, "name"));
	case EFFECT_MESSAGE_POST:
	case EFFECT_MESSAGE_PRIVATE:
		key = arena_printf(x->arena, "%s/%lld.0001",
			e->channel && strncmp(e->channel, "slack:", 6) == 0 ? e->channel :
									      "slack:C1",
			(long long)++x->delivered);
		return json_pack("{s:s, s:s}", "message", key, "url", "https://chat.example/m");
	case EFFECT_PERSON_FETCH:
		return json_pack("{s:s, s:s}", "name", "dave", "zone", "UTC");
	case EFFECT_CHANNEL_INVITE:
	case EFFECT_CHANNEL_REMOVE:
	case EFFECT_CHANNEL_RENAME:
	case EFFECT_CHANNEL_TOPIC:
	case EFFECT_CHANNEL_BOOKMARK:
	case EFFECT_MESSAGE_EDIT:
	case EFFECT_MESSAGE_PIN:
	case EFFECT_MESSAGE_FETCH:
	case EFFECT_HOME_SHOW:
	case EFFECT_FILE_SHARE:
	case EFFECT_ISSUE_CREATE:
	case EFFECT_ISSUE_SYNC:
	case EFFECT_ISSUE_COMMENT:
	case EFFECT_ISSUE_MARK:
	case EFFECT_ISSUE_POLL:
		break;
	}
	return NULL;
}

size_t talk_begin(struct talk *x, struct effect *out[64])
{
	size_t n;

	deliver_expect_any(&x->desk);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	if (deliver_start(&x->desk, out, 64, &n, &x->err) < 0)
		fail_msg("deliver: %s", x->err.text);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	return n;
}

void talk_end(struct talk *x, struct effect *take, enum outcome outcome, json_t *result_take,
	const char *code)
{
	run(x, outcome_request(take, outcome, result_take, code, 0));
	effect_destroy(take);
}

void talk_deliver(struct talk *x)
{
	struct effect *out[64];
	size_t n;

	do {
		x->clock.manual_ms += 2000; /* an announcement waits a moment for its channel */
		n = talk_begin(x, out);
		for (size_t i = 0; i < n; i++)
			talk_end(x, out[i], OUTCOME_DELIVERED, result_of(x, out[i]), NULL);
	} while (n);
}

void talk_forget(struct talk *x)
{
	struct effect_row *row;
	size_t n;

	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(effect_open_list(x->store, x->arena, 0, 500, &row, &n, &x->err), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(effect_end(x->store, row[i].id, EFFECT_DROPPED, NULL,
					 clock_now(&x->clock), &x->err),
			0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
}

/* ---- looking -------------------------------------------------------------------------------- */

struct incident talk_incident(struct talk *x, int64_t id)
{
	struct incident inc;

	if (incident_load(x->store, x->arena, id, &inc, &x->err) < 0)
		fail_msg("%s", x->err.text);
	return inc;
}

struct promise talk_promise(struct talk *x, int64_t incident, enum promise_kind kind)
{
	struct promise p = { 0 };
	int rc = promise_open_of(x->store, incident, kind, &p, &x->err);

	if (rc == -ENOENT)
		return (struct promise){ 0 };
	assert_int_equal(rc, 0);
	return p;
}

struct promise talk_promise_last(struct talk *x, int64_t incident, enum promise_kind kind)
{
	struct promise *p, last = { 0 };
	size_t n;

	assert_int_equal(promise_list(x->store, x->arena, incident, &p, &n, &x->err), 0);
	for (size_t i = 0; i < n; i++)
		if (p[i].kind == kind)
			last = p[i];
	return last;
}

struct promise talk_promise_ended(struct talk *x, int64_t incident, enum promise_kind kind)
{
	struct promise *p, last = { 0 };
	size_t n;

	assert_int_equal(promise_list(x->store, x->arena, incident, &p, &n, &x->err), 0);
	for (size_t i = 0; i < n; i++)
		if (p[i].kind == kind && p[i].state != PROMISE_OPEN)
			last = p[i];
	return last;
}

size_t talk_timers(struct talk *x, int64_t incident)
{
	struct timer *t;
	size_t n;

	assert_int_equal(timer_list(x->store, x->arena, incident, &t, &n, &x->err), 0);
	return n;
}

size_t talk_timers_named(struct talk *x, int64_t incident, const char *name)
{
	struct timer *t;
	size_t n, found = 0;

	assert_int_equal(timer_list(x->store, x->arena, incident, &t, &n, &x->err), 0);
	for (size_t i = 0; i < n; i++)
		found += strcmp(t[i].name, name) == 0;
	return found;
}

static struct timeline_entry *entries(struct talk *x, int64_t incident, size_t *n)
{
	struct timeline_entry *e;

	assert_int_equal(timeline_list(x->store, x->arena, incident, 0, 500, &e, n, &x->err), 0);
	return e;
}

struct timeline_entry talk_entry(struct talk *x, int64_t incident, size_t from_end)
{
	size_t n;
	struct timeline_entry *e = entries(x, incident, &n);

	assert_true(from_end < n);
	return e[n - 1 - from_end];
}

size_t talk_entries(struct talk *x, int64_t incident)
{
	size_t n;

	entries(x, incident, &n);
	return n;
}

const char *talk_role(struct talk *x, int64_t incident, const char *role)
{
	struct role_set set;

	assert_int_equal(role_list(x->store, x->arena, incident, &set, &x->err), 0);
	return role_person(&set, role);
}

size_t talk_effects(struct talk *x, enum effect_kind kind, const char *to, struct effect_row **out)
{
	struct effect_row *row;
	size_t n, kept = 0;

	assert_int_equal(effect_open_list(x->store, x->arena, 0, 500, &row, &n, &x->err), 0);
	for (size_t i = 0; i < n; i++)
		if (row[i].kind == kind && (!to || (row[i].to && strcmp(row[i].to, to) == 0)))
			row[kept++] = row[i];
	if (out)
		*out = row;
	return kept;
}

const char *talk_said(struct talk *x, enum effect_kind kind, const char *to)
{
	JSON_CLEANUP json_t *payload = NULL;
	struct effect_row *row;
	size_t n = talk_effects(x, kind, to, &row);

	if (!n)
		fail_msg("nothing of kind %s for %s", effect_kind_name(kind), to ? to : "anybody");
	assert_non_null(row[n - 1].payload);
	assert_int_equal(json_parse(row[n - 1].payload, strlen(row[n - 1].payload), 1 << 20,
				 &payload, &x->err),
		0);
	return plain(x, json_get_obj(payload, "doc"));
}

struct effect *talk_file(struct talk *x)
{
	struct effect *out[64], *file = NULL;
	size_t n = talk_begin(x, out);

	for (size_t i = 0; i < n; i++) {
		if (out[i]->kind == EFFECT_FILE_SHARE)
			file = out[i];
		else
			effect_destroy(out[i]);
	}
	assert_non_null(file);
	return file;
}

const char *talk_button(struct talk *x, const char *op)
{
	json_t *block, *item;
	size_t i, k;

	json_array_foreach(json_get_arr(x->reply.doc, "blocks"), i, block)
	{
		if (strcmp(json_get_str(block, "t"), "buttons") != 0)
			continue;
		json_array_foreach(json_get_arr(block, "items"), k,
			item) if (strcmp(json_get_str(item, "op"), op) ==
				  0) return json_get_str(item, "label");
	}
	return NULL;
}

void assert_has(const char *text, const char *words)
{
	if (!text || !strstr(text, words))
		fail_msg("\"%s\" does not say \"%s\"", text ? text : "(nothing)", words);
}

void assert_has_not(const char *text, const char *words)
{
	if (text && strstr(text, words))
		fail_msg("\"%s\" says \"%s\"", text, words);
}

void assert_refused(struct talk *x, const char *code, const char *words)
{
	if (x->reply.kind != REPLY_REFUSAL)
		fail_msg("not refused: \"%s\"", x->text);
	assert_string_equal(x->reply.code, code);
	assert_has(x->text, words);
}

void assert_answered(struct talk *x, const char *words)
{
	if (x->reply.kind != REPLY_MESSAGE)
		fail_msg("no answer but \"%s\"", x->text);
	assert_has(x->text, words);
}
