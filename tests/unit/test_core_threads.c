/* The two threads and the doors between them, for the thread sanitizer: commands from one side, answers,
 * effects and outcomes from the other, a reload of the configuration in the middle. And what only the loop
 * on a thread of its own does: waiting. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/queue.h"
#include "bot/core.h"
#include "store/db.h"
#include "store/store.h"

#define COMMANDS 600
#define OUT_MAX  4096

struct side {
	struct core *core;
	struct queue *answers, *effects;
};

static void on_answer(void *ctx, struct answer *take)
{
	struct side *s = ctx;

	if (!queue_put(s->answers, take))
		abort();
}

static void on_perform(void *ctx, struct effect *take)
{
	struct side *s = ctx;

	if (!queue_put(s->effects, take))
		abort();
}

static void on_nothing(void *ctx)
{
	(void)ctx;
}

static void *core_main(void *ctx)
{
	core_run(ctx);
	return NULL;
}

static struct config *load(const char *path)
{
	struct config_override set[] = { { "store.path", path } };
	struct config *config = NULL;
	struct str report;

	str_init(&report, 65536);
	if (config_load(&config, SITREP_SOURCE_DIR "/config", set, 1, true, &report) < 0)
		fail_msg("config: %s", report.p);
	str_finish(&report);
	return config;
}

static struct request *command(int n)
{
	struct request *r = request_create(REQUEST_CHAT);
	char key[32];

	snprintf(key, sizeof key, "%d", n);
	r->actor = (struct actor){ .person = "slack:UALICE", .name = "alice" };
	r->place.channel = "slack:CGENERAL";
	/* Some are undone after they changed something, and their batches run again. */
	r->words = arena_printf(r->arena, n % 7 ? "declare sev3 number %d is failing" :
		"declare sev3 explodes at %d", n);
	r->received_at = 1;
	request_add_key(r, "test:", key);
	return r;
}

/* The I/O side's part: answers are counted, effects reported as delivered. */
static size_t serve(struct side *s)
{
	size_t answered = 0;
	void *item;

	while (queue_take(s->answers, &item, 1)) {
		answer_destroy(item);
		answered++;
	}
	while (queue_take(s->effects, &item, 1)) {
		struct effect *e = item;
		char key[64];

		snprintf(key, sizeof key, "slack:C%lld", (long long)e->id);
		struct request *outcome = outcome_request(e, OUTCOME_DELIVERED,
			json_pack("{s:s, s:s}", "channel", key, "message", key), NULL, 0);
		effect_destroy(e);
		if (!core_submit(s->core, outcome))
			request_destroy(outcome);
	}
	return answered;
}

static void commands_and_outcomes_cross(void **state)
{
	char folder[] = "/tmp/sitrep-test-XXXXXX", path[128];
	struct clock clock;
	struct side s = { 0 };
	struct error err = { 0 };
	pthread_t thread;
	size_t answered = 0;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/record.db", folder);
	clock_init_system(&clock);
	struct config *config = load(path);
	struct core_hooks hooks = { on_answer, on_perform, on_nothing, on_nothing, &s };

	s.answers = queue_create(OUT_MAX, NULL);
	s.effects = queue_create(OUT_MAX, NULL);
	if (core_create(&s.core, config, &clock, &hooks, &err) < 0)
		fail_msg("%s", err.text);
	if (db_script(store_db(core_store(s.core)),
		    "CREATE TEMP TRIGGER no BEFORE INSERT ON main.timeline WHEN NEW.text LIKE "
		    "'explodes%' BEGIN SELECT RAISE(ABORT, 'not this one'); END", &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(pthread_create(&thread, NULL, core_main, s.core), 0);
	for (int i = 0; i < COMMANDS; i++) {
		struct request *r = command(i);

		while (!core_submit(s.core, r))
			answered += serve(&s);
		if (i % 50 == 0)
			answered += serve(&s);
		if (i == COMMANDS / 2)
			core_reconfigure(s.core, load(path));
	}
	for (int i = 0; i < 60000 && answered < COMMANDS; i++) {
		answered += serve(&s);
		usleep(1000);
	}
	assert_int_equal(answered, COMMANDS);
	core_end(s.core);
	pthread_join(thread, NULL);
	serve(&s);
	/* Each of the others once: what was rolled back with them ran again. */
	struct stmt *st = db_prepare(store_db(core_store(s.core)), "SELECT count(*) FROM incident", &err);

	assert_non_null(st);
	assert_int_equal(db_step(st, &err), DB_ROW);
	assert_int_equal(db_int(st, 0), COMMANDS - (COMMANDS + 6) / 7);
	db_reset(st);
	core_destroy(s.core);
	config_release(config);
	queue_destroy(s.answers);
	queue_destroy(s.effects);
	static const char *const files[] = { "", "-wal", "-shm", ".lock" };

	for (size_t i = 0; i < 4; i++) {
		char file[160];

		snprintf(file, sizeof file, "%s%s", path, files[i]);
		unlink(file);
	}
	rmdir(folder);
}

/* ---- outcomes alone ------------------------------------------------------------------------- */

#define QUIET_MS       15   /* the core has gone to sleep by then */
#define PATIENCE_US    1500 /* a little less than an outcome waits for a command to come along */
#define DECLARED       5
#define OUTCOMES_LEAST 8

/* Each turn begins by looking at the clock. */
struct lone {
	struct side side;
	struct clock clock;
	atomic_llong woken_at; /* us; 0: not since it was asked last */
	atomic_int handed_out;
};

static long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static int64_t lone_clock(struct clock *clock)
{
	struct lone *x = (struct lone *)((char *)clock - offsetof(struct lone, clock));
	long long never = 0;

	atomic_compare_exchange_strong(&x->woken_at, &never, now_us());
	return 1772359200000;
}

static void lone_answer(void *ctx, struct answer *take)
{
	on_answer(&((struct lone *)ctx)->side, take);
}

static void lone_perform(void *ctx, struct effect *take)
{
	on_perform(&((struct lone *)ctx)->side, take);
}

static void lone_handed_out(void *ctx)
{
	struct lone *x = ctx;

	atomic_fetch_add(&x->handed_out, 1);
}

/* How long it lay until the core woke up, us; returns once it is done. */
static long long time_of(struct lone *x, struct request *take)
{
	long long from;
	int before;

	usleep(QUIET_MS * 1000);
	before = atomic_load(&x->handed_out);
	atomic_store(&x->woken_at, 0);
	from = now_us();
	assert_true(core_submit(x->side.core, take));
	for (int i = 0; i < 100000 && atomic_load(&x->handed_out) == before; i++)
		usleep(100);
	assert_true(atomic_load(&x->handed_out) > before);
	return atomic_load(&x->woken_at) - from;
}

/* A commit is a wait for the disk. An outcome that comes alone leaves whoever types next the chance to go with it, and
 * does not make them wait for two. */
static void an_outcome_waits_for_company(void **state)
{
	struct lone x = { 0 };
	struct core_hooks hooks = { lone_answer, lone_perform, lone_handed_out, on_nothing, &x };
	struct config *config = load(":memory:");
	struct error err = { 0 };
	pthread_t thread;
	size_t outcomes = 0, early = 0;
	void *item;

	(void)state;
	x.clock.now = lone_clock;
	x.side.answers = queue_create(OUT_MAX, NULL);
	x.side.effects = queue_create(OUT_MAX, NULL);
	if (core_create(&x.side.core, config, &x.clock, &hooks, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(pthread_create(&thread, NULL, core_main, x.side.core), 0);
	for (int i = 1; i <= DECLARED; i++)
		time_of(&x, command(i));
	while (queue_take(x.side.effects, &item, 1)) {
		struct effect *e = item;

		early += time_of(&x, outcome_request(e, OUTCOME_REFUSED, NULL, "not now", 0)) < PATIENCE_US;
		effect_destroy(e);
		outcomes++;
	}
	core_end(x.side.core);
	pthread_join(thread, NULL);
	assert_true(outcomes >= OUTCOMES_LEAST);
	/* One or the other may meet the core at something else that was due. */
	assert_true(early <= outcomes / 4);
	assert_int_equal(serve(&x.side), DECLARED);
	core_destroy(x.side.core);
	config_release(config);
	queue_destroy(x.side.answers);
	queue_destroy(x.side.effects);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_and_outcomes_cross),
		cmocka_unit_test(an_outcome_waits_for_company),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
