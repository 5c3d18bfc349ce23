#include "support_bot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "incident/doc.h"
#include "store/db.h"
#include "store/store.h"

static char *doc_words(const json_t *doc, int64_t now)
{
	struct str s;

	str_init(&s, 65536);
	markup_plain(&s, json_get_str(doc, "text"), "UTC", now, NULL, NULL);
	return str_take(&s);
}

static char *effect_words(const struct effect *e, int64_t now)
{
	const json_t *doc = json_get_obj(e->payload, "doc");

	return doc ? doc_words(doc, now) : json_dumps(e->payload, JSON_COMPACT);
}

static json_t *effect_result(const struct effect *e)
{
	char key[64];

	switch (e->kind) {
	case EFFECT_CHANNEL_OPEN:
		snprintf(key, sizeof key, "slack:%c%lld",
			json_get_bool(e->payload, "private", false) ? 'P' : 'C', (long long)e->incident);
		return json_pack("{s:s}", "channel", key);
	case EFFECT_MESSAGE_POST:
	case EFFECT_MESSAGE_PRIVATE:
		snprintf(key, sizeof key, "%s/%lld.1",
			e->channel && strncmp(e->channel, "slack:", 6) == 0 ? e->channel : "slack:CALL",
			(long long)e->id);
		return json_pack("{s:s}", "message", key);
	case EFFECT_PERSON_FETCH:
		return json_pack("{s:s, s:s}", "name", "alice", "zone", "Europe/Berlin");
	case EFFECT_MESSAGE_FETCH:
		return json_pack("{s:s, s:s}", "text", "the pinned words", "author", "slack:UBOB");
	case EFFECT_CHANNEL_INVITE:
	case EFFECT_CHANNEL_REMOVE:
	case EFFECT_CHANNEL_RENAME:
	case EFFECT_CHANNEL_TOPIC:
	case EFFECT_CHANNEL_BOOKMARK:
	case EFFECT_MESSAGE_EDIT:
	case EFFECT_MESSAGE_PIN:
	case EFFECT_HOME_SHOW:
	case EFFECT_FILE_SHARE:
	case EFFECT_ISSUE_CREATE:
	case EFFECT_ISSUE_SYNC:
	case EFFECT_ISSUE_COMMENT:
	case EFFECT_ISSUE_MARK:
	case EFFECT_ISSUE_POLL:
		return json_object();
	}
	return NULL;
}

static char *reply_full(const struct reply *r)
{
	json_t *all = json_pack("{s:O?, s:O?, s:O?}", "doc", r->doc, "form", r->form, "fields", r->fields);
	char *text = json_dumps(all, JSON_COMPACT);

	json_decref(all);
	return text;
}

static void effect_where(const struct effect *e, char *out, size_t size)
{
	const char *key = e->message ? e->message : e->channel ? e->channel : "";

	snprintf(out, size, "%.*s", (int)strcspn(key, "/"), key);
}

static void on_answer(void *ctx, struct answer *take)
{
	struct test_bot *b = ctx;

	free(b->answer);
	free(b->answer_full);
	b->answer_full = reply_full(&take->reply);
	b->answer = take->reply.doc ? doc_words(take->reply.doc, clock_now(&b->clock)) : strdup("");
	b->answer_kind = take->reply.kind;
	snprintf(b->answer_code, sizeof b->answer_code, "%s", take->reply.code ? take->reply.code : "");
	b->answers++;
	if (b->answered)
		b->answered(b->answered_ctx, take);
	if (arena_used(take->request->arena) > b->answer_room)
		b->answer_room = arena_used(take->request->arena);
	answer_destroy(take);
}

static void on_perform(void *ctx, struct effect *take)
{
	struct test_bot *b = ctx;
	struct performed *p;

	if (b->elsewhere && strcmp(take->system, "slack") != 0) {
		b->elsewhere(b->elsewhere_ctx, take);
		return;
	}
	p = &b->performed[b->performed_count++];
	assert_true(b->performed_count < PERFORMED_MAX);
	*p = (struct performed){
		.at = clock_now(&b->clock),
		.incident = take->incident,
		.kind = take->kind,
		.attempt = take->attempt,
		.verify = take->verify,
		.text = effect_words(take, clock_now(&b->clock)),
		.full = json_dumps(take->payload, JSON_COMPACT),
	};
	effect_where(take, p->where, sizeof p->where);
	snprintf(p->op_id, sizeof p->op_id, "%s", take->op_id);
	if (!b->silent)
		b->outcomes[b->outcome_count++] = outcome_request(take, b->outcome,
			b->outcome == OUTCOME_DELIVERED ? effect_result(take) : NULL,
			b->outcome == OUTCOME_DELIVERED ? NULL : "HTTP 503", b->retry_after_ms);
	effect_destroy(take);
}

static void on_handed_out(void *ctx)
{
	(void)ctx;
}

static void on_room(void *ctx)
{
	struct test_bot *b = ctx;

	b->rooms++;
}

static void bot_open(struct test_bot *b)
{
	struct core_hooks hooks = {
		.answer = on_answer,
		.perform = on_perform,
		.handed_out = on_handed_out,
		.room = on_room,
		.ctx = b,
	};
	struct error err = { 0 };

	if (core_create(&b->core, b->config, &b->clock, &hooks, &err) < 0)
		fail_msg("core_create: %s", err.text);
}

void bot_setup(struct test_bot *b)
{
	char path[128];
	struct config_override set[] = { { "store.path", path } };
	struct str report;

	memset(b, 0, sizeof *b);
	/* In memory where there is such a place: months of commits are many. */
	snprintf(b->folder, sizeof b->folder, "%s/sitrep-test-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(b->folder));
	snprintf(path, sizeof path, "%s/record.db", b->folder);
	clock_init_manual(&b->clock, BOT_START);
	str_init(&report, 65536);
	if (config_load(&b->config, SITREP_SOURCE_DIR "/config", set, 1, true, &report) < 0)
		fail_msg("config: %s", report.p);
	str_finish(&report);
	bot_open(b);
}

static void drop_outcomes(struct test_bot *b)
{
	for (size_t i = 0; i < b->outcome_count; i++)
		request_destroy(b->outcomes[i]);
	b->outcome_count = 0;
}

void bot_teardown(struct test_bot *b)
{
	char path[160];
	static const char *const files[] = { "record.db", "record.db-wal", "record.db-shm", "record.db.lock" };

	core_destroy(b->core);
	config_release(b->config);
	drop_outcomes(b);
	bot_forget(b);
	free(b->answer);
	free(b->answer_full);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", b->folder, files[i]);
		unlink(path);
	}
	rmdir(b->folder);
}

int bot_begin(void **state)
{
	struct test_bot *b = malloc(sizeof *b);

	if (!b)
		abort();
	bot_setup(b);
	*state = b;
	return 0;
}

int bot_end(void **state)
{
	bot_teardown(*state);
	free(*state);
	return 0;
}

void bot_restart(struct test_bot *b, int64_t away_ms)
{
	core_destroy(b->core);
	drop_outcomes(b);
	b->clock.manual_ms += away_ms;
	bot_open(b);
	bot_settle(b);
}

struct request *bot_request(struct test_bot *b, const char *words)
{
	struct request *r = request_create(REQUEST_CHAT);
	char key[32];

	snprintf(key, sizeof key, "%d", ++b->next_key);
	r->actor = (struct actor){ .person = "slack:UALICE", .name = "alice" };
	r->place.channel = "slack:CGENERAL";
	r->words = arena_strdup(r->arena, words);
	r->received_at = clock_now(&b->clock);
	request_add_key(r, "test:", key);
	return r;
}

void bot_deliver(struct test_bot *b, const char *words, const char *prefix, const char *key)
{
	struct request *r = bot_request(b, words);

	r->key_count = 0;
	request_add_key(r, prefix, key);
	assert_true(core_submit(b->core, r));
}

void bot_submit(struct test_bot *b, const char *words)
{
	assert_true(core_submit(b->core, bot_request(b, words)));
}

void bot_submit_outcomes(struct test_bot *b)
{
	for (size_t i = 0; i < b->outcome_count; i++)
		assert_true(core_submit(b->core, b->outcomes[i]));
	b->outcome_count = 0;
}

void bot_settle(struct test_bot *b)
{
	for (int i = 0; i < 10000; i++) {
		int64_t sleep;

		bot_submit_outcomes(b);
		sleep = core_turn(b->core);
		if (sleep > 0 && b->outcome_count == 0)
			return;
	}
	fail_msg("the core never came to rest");
}

const char *bot_type(struct test_bot *b, const char *fmt, ...)
{
	char line[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	bot_submit(b, line);
	bot_settle(b);
	return b->answer;
}

size_t bot_pass(struct test_bot *b, int64_t ms)
{
	int64_t end = b->clock.manual_ms + ms;
	size_t turns = 0;

	bot_settle(b);
	while (b->clock.manual_ms < end) {
		int64_t sleep = core_turn(b->core);

		if (sleep > end - b->clock.manual_ms)
			sleep = end - b->clock.manual_ms;
		b->clock.manual_ms += sleep;
		bot_settle(b);
		turns++;
	}
	return turns;
}

size_t bot_count(const struct test_bot *b, size_t from, const char *text)
{
	size_t n = 0;

	for (size_t i = from; i < b->performed_count; i++)
		n += strstr(b->performed[i].text, text) != NULL;
	return n;
}

const struct performed *bot_find(const struct test_bot *b, size_t from, const char *text)
{
	for (size_t i = from; i < b->performed_count; i++)
		if (strstr(b->performed[i].text, text))
			return &b->performed[i];
	return NULL;
}

size_t bot_kinds(const struct test_bot *b, enum effect_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < b->performed_count; i++)
		n += b->performed[i].kind == kind;
	return n;
}

void bot_forget(struct test_bot *b)
{
	for (size_t i = 0; i < b->performed_count; i++) {
		free(b->performed[i].text);
		free(b->performed[i].full);
	}
	b->performed_count = 0;
}

int64_t bot_number(struct test_bot *b, const char *sql)
{
	struct error err = { 0 };
	struct stmt *st = db_prepare(store_db(core_store(b->core)), sql, &err);
	int64_t n;

	if (!st)
		fail_msg("%s: %s", sql, err.text);
	db_bind(st, "");
	assert_int_equal(db_step(st, &err), DB_ROW);
	n = db_int(st, 0);
	db_reset(st);
	return n;
}

char *bot_text(struct test_bot *b, const char *sql)
{
	struct error err = { 0 };
	struct stmt *st = db_prepare(store_db(core_store(b->core)), sql, &err);
	char *text;

	if (!st)
		fail_msg("%s: %s", sql, err.text);
	db_bind(st, "");
	assert_int_equal(db_step(st, &err), DB_ROW);
	text = strdup(db_text(st, 0) ? db_text(st, 0) : "");
	db_reset(st);
	return text;
}
