/*
 * The happy path of a batch is: take → begin → each request → due timers → effects that may go are
 * marked started → commit → answers and effects are handed out. Only when one of the requests has to be
 * undone after it changed something, all is rolled back and the batch runs again with a savepoint for each:
 * these cost a tenth of a declaration, and are needed rarely.
 *
 * The ways it fails:
 * - a request is refused or fails: its own changes are undone, it is answered, the others stand;
 * - the store fails, or the commit: nothing of the batch stands. People are told that nothing was
 *   recorded; events are not acknowledged and come again; outcomes of deliveries exist nowhere else,
 *   so they are kept until something else could be recorded, and then run again, one at a time;
 *   timers are still in the store.
 */
#include "bot/core.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/queue.h"
#include "commands/dispatch.h"
#include "commands/issues.h"
#include "incident/doc.h"
#include "store/people.h"
#include "store/timers.h"

#define BATCH_LIMIT      1024
#define TIMERS_A_BATCH   64
#define EFFECTS_A_BATCH  64
#define IN_FLIGHT_LIMIT  128
#define SLEEP_MAX_MS     (60 * SECOND_MS) /* so that a step of the clock is noticed */
#define ALIVE_EVERY_MS   MINUTE_MS
#define AWAY_MIN_MS      (2 * MINUTE_MS) /* a restart shorter than that is nothing to tell */
#define TROUBLE_PAUSE_MS SECOND_MS
#define OUTCOME_TRIES    20
#define SET_BACK_MIN_MS  (5 * SECOND_MS) /* less than that is not worth a look */
#define TIMER_RETRY_MS   (30 * SECOND_MS)
/* An outcome of a delivery waits so long for a command to share its commit with: who types during a commit
 * waits for the disk twice. */
#define OUTCOME_WAIT_MS  2

struct in_flight {
	int64_t effect;
	enum effect_kind kind;
};

struct batch {
	struct request *request[BATCH_LIMIT];
	struct answer *answer[BATCH_LIMIT];
	struct arena_mark mark[BATCH_LIMIT]; /* of the request's arena, before it ran */
	size_t count;
	bool kept; /* it is one of core.again */
	struct effect *effect[EFFECTS_A_BATCH];
	size_t effects;
};

struct core {
	struct desk desk;
	struct queue *in;
	struct core_hooks hooks;
	struct clock *clock;
	struct config *config;
	_Atomic(struct config *) next_config;
	struct in_flight in_flight[IN_FLIGHT_LIMIT];
	size_t in_flight_count;
	struct request *again[IN_FLIGHT_LIMIT]; /* outcomes that could not be recorded */
	size_t again_count;
	int again_faults;   /* of the last of them, while the store took other things */
	int64_t again_at;   /* monotonic ms: not before */
	bool store_suspect; /* nothing was committed since the last failure */
	int64_t trouble_until; /* monotonic ms: the store failed, do not hammer it */
	int64_t alive_at;
	int64_t wall_seen, monotonic_seen; /* together, at the last turn */
	int64_t set_back_ms; /* by so much the wall clock was set back, and what waits does not know yet */
	int64_t timer_at;      /* earliest armed timer, 0 = none; as of the last commit */
	bool opened;
	atomic_bool working;
	atomic_uint_least64_t turns;
	struct batch batch;
};

/* ---- start and end ------------------------------------------------------------------------ */

static int read_alive(struct core *c, struct error *err)
{
	struct arena *a = arena_create(65536);
	char *value = NULL;
	int64_t now = clock_now(c->clock);
	int rc = cursor_get(c->desk.store, a, "alive", &value, err);

	if (rc == 0 && value) {
		int64_t last = strtoll(value, NULL, 10);

		if (last - now >= SET_BACK_MIN_MS)
			c->set_back_ms = last - now;
		if (last > 0 && now - last >= AWAY_MIN_MS) {
			c->desk.away_from = last;
			c->desk.away_to = now;
		}
	}
	arena_destroy(a);
	return rc == -ENOENT ? 0 : rc;
}

static int write_alive(struct core *c, int64_t now, struct error *err)
{
	char text[32];

	snprintf(text, sizeof text, "%lld", (long long)now);
	return cursor_put(c->desk.store, "alive", text, err);
}

/* Pauses are kept as times of the wall clock, since they outlive the process. */
static int follow_clock(struct core *c, int64_t now, struct error *err)
{
	int rc = effect_set_back(c->desk.store, c->set_back_ms, now, err);

	if (rc == 0)
		rc = timer_set_back(c->desk.store, c->set_back_ms, now, err);
	deliver_expect_any(&c->desk);
	return rc;
}

static int recover(struct core *c, struct error *err)
{
	int64_t now = clock_now(c->clock);
	int rc = read_alive(c, err);

	if (rc < 0)
		return rc;
	rc = store_begin(c->desk.store, err);
	if (rc < 0)
		return rc;
	rc = c->set_back_ms ? follow_clock(c, now, err) : 0;
	if (rc == 0)
		rc = deliver_recover(&c->desk, err);
	if (rc == 0)
		rc = write_alive(c, now, err);
	if (rc == 0)
		rc = timer_arm(c->desk.store, &(struct timer){
			.due_at = now + MINUTE_MS, .name = "housekeeping", .operation = "housekeeping" }, err);
	if (rc == 0)
		rc = issue_poll_arm(c->desk.store, c->config, now, err);
	if (rc == 0)
		rc = store_commit(c->desk.store, err);
	else
		store_rollback(c->desk.store);
	c->alive_at = now;
	c->set_back_ms = 0;
	return rc < 0 ? rc : timer_next(c->desk.store, &c->timer_at, err);
}

int core_claim(struct core **out, struct config *config, struct clock *clock,
	const struct core_hooks *hooks, bool *older, struct error *err)
{
	struct core *c = calloc(1, sizeof *c);
	struct store_options options = { .path = config->store.path, .create = true };
	struct queue_hooks queue_hooks = { .room = hooks->room, .context = hooks->ctx };
	int rc;

	*out = NULL;
	if (!c)
		abort();
	c->hooks = *hooks;
	c->clock = clock;
	c->config = config_hold(config);
	c->desk.config = c->config;
	c->desk.clock = clock;
	c->in = queue_create((size_t)config->queue_max, &queue_hooks);
	atomic_store(&c->working, true);
	rc = store_claim(&c->desk.store, &options, older, err);
	if (rc < 0) {
		core_destroy(c);
		return rc;
	}
	*out = c;
	return 0;
}

int core_open(struct core *c, struct error *err)
{
	int rc;

	if (c->opened)
		return 0;
	rc = store_ready(c->desk.store, err);
	if (rc == 0)
		rc = recover(c, err);
	c->opened = rc == 0;
	atomic_store(&c->working, false);
	return rc;
}

int core_create(struct core **out, struct config *config, struct clock *clock,
	const struct core_hooks *hooks, struct error *err)
{
	bool older;
	int rc = core_claim(out, config, clock, hooks, &older, err);

	if (rc == 0)
		rc = core_open(*out, err);
	if (rc < 0) {
		core_destroy(*out);
		*out = NULL;
	}
	return rc;
}

void core_destroy(struct core *c)
{
	void *item;

	if (!c)
		return;
	while (queue_take(c->in, &item, 1))
		request_destroy(item);
	for (size_t i = 0; i < c->again_count; i++)
		request_destroy(c->again[i]);
	queue_destroy(c->in);
	store_close(c->desk.store);
	config_release(c->config);
	config_release(atomic_exchange(&c->next_config, NULL));
	free(c);
}

bool core_submit(struct core *c, struct request *take)
{
	return take->source == REQUEST_OUTCOME ? queue_put_patient(c->in, take, OUTCOME_WAIT_MS) :
		queue_put(c->in, take);
}

bool core_idle(struct core *c)
{
	return queue_length(c->in) == 0 && !atomic_load(&c->working);
}

uint64_t core_turns(const struct core *c)
{
	return atomic_load_explicit(&c->turns, memory_order_relaxed);
}

void core_reconfigure(struct core *c, struct config *take)
{
	config_release(atomic_exchange(&c->next_config, take));
	queue_poke(c->in);
}

void core_end(struct core *c)
{
	queue_close(c->in);
}

struct store *core_store(struct core *c)
{
	return c->desk.store;
}

/* ---- one batch ---------------------------------------------------------------------------- */

static bool wants_answer(const struct request *r)
{
	return r->source != REQUEST_TIMER && r->source != REQUEST_OUTCOME;
}

static bool is_internal(const struct reply *reply)
{
	return reply->kind == REPLY_REFUSAL && reply->code && !strcmp(reply->code, "internal");
}

static int run_request(struct core *c, size_t i, struct error *err)
{
	struct request *r = c->batch.request[i];
	struct answer *a = answer_create(r);

	c->batch.answer[i] = a;
	return dispatch(&c->desk, r, &a->reply, err);
}

static struct request *timer_request(const struct timer *t)
{
	struct request *r = request_create(REQUEST_TIMER);

	r->actor.person = PERSON_SELF;
	r->operation = arena_strdup(r->arena, t->operation);
	r->incident = t->incident;
	r->due_at = t->due_at;
	if (t->args && json_parse(t->args, strlen(t->args), 65536, &r->args, NULL) < 0)
		log_error("core", "timer %s has arguments that cannot be read", t->name);
	return r;
}

/* The timer goes before its operation runs, which may arm it again. One that fails for an internal
 * reason must not be lost: it comes again. */
static int run_timer(struct core *c, const struct timer *t, int64_t now, struct error *err)
{
	struct request *r = timer_request(t);
	struct reply reply = { 0 };
	int rc = timer_disarm(c->desk.store, t->name, t->incident, t->subject, err);

	r->received_at = now;
	if (rc == 0)
		rc = dispatch(&c->desk, r, &reply, err);
	if (rc == 0 && is_internal(&reply)) {
		struct timer again = *t;

		again.due_at = now + TIMER_RETRY_MS;
		rc = timer_arm(c->desk.store, &again, err);
	}
	reply_finish(&reply);
	request_destroy(r);
	return rc;
}

static int run_timers(struct core *c, int64_t now, struct error *err)
{
	struct arena *a;
	struct timer *due;
	size_t n = 0;
	int rc;

	if (!c->timer_at || c->timer_at > now)
		return 0;
	a = arena_create(1 << 20);
	rc = timer_due(c->desk.store, a, now, TIMERS_A_BATCH, &due, &n, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = run_timer(c, &due[i], now, err);
	arena_destroy(a);
	return rc;
}

/* Requests and due timers; -ERESTART when one of them must be undone alone. */
static int run_all(struct core *c, int64_t now, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->batch.count && !store_spoiled(c->desk.store); i++)
		rc = run_request(c, i, err);
	if (rc == 0 && !store_spoiled(c->desk.store))
		rc = run_timers(c, now, err);
	return store_spoiled(c->desk.store) ? -ERESTART : rc;
}

/* As if it had not run: its answer, and what it took of its arena. */
static void forget_run(struct batch *b, size_t i)
{
	if (!b->answer[i])
		return;
	reply_finish(&b->answer[i]->reply);
	b->answer[i] = NULL;
	arena_rewind(b->request[i]->arena, &b->mark[i]);
}

/* Nothing of the first time is left. */
static int run_all_again(struct core *c, int64_t now, struct error *err)
{
	int rc;

	store_rollback(c->desk.store);
	for (size_t i = 0; i < c->batch.count; i++)
		forget_run(&c->batch, i);
	rc = store_begin(c->desk.store, err);
	return rc < 0 ? rc : run_all(c, now, err);
}

static int run_batch(struct core *c, struct error *err)
{
	int64_t now = clock_now(c->clock);
	/* After trouble it also shows that the store takes anything at all. */
	bool alive_due = c->store_suspect || c->set_back_ms || now - c->alive_at >= ALIVE_EVERY_MS;
	int64_t timer_at = c->timer_at;
	int rc = store_begin_together(c->desk.store, err);

	if (rc < 0)
		return rc;
	CRASH_POINT("after-begin");
	rc = run_all(c, now, err);
	if (rc == -ERESTART)
		rc = run_all_again(c, now, err);
	CRASH_POINT("after-dispatch");
	if (rc == 0 && c->set_back_ms)
		rc = follow_clock(c, now, err);
	if (rc == 0 && alive_due)
		rc = write_alive(c, now, err);
	if (rc == 0)
		rc = deliver_start(&c->desk, c->batch.effect, EFFECTS_A_BATCH, &c->batch.effects, err);
	if (rc == 0)
		rc = timer_next(c->desk.store, &c->timer_at, err);
	CRASH_POINT("before-commit");
	if (rc < 0)
		store_rollback(c->desk.store);
	else
		rc = store_commit(c->desk.store, err);
	CRASH_POINT("after-commit");
	/* Of a batch that did not stand, the timers are due as before. */
	if (rc < 0)
		c->timer_at = timer_at;
	else if (alive_due)
		c->alive_at = now;
	if (rc == 0)
		c->set_back_ms = 0;
	return rc;
}

/* ---- after it ----------------------------------------------------------------------------- */

static void in_flight_add(struct core *c, const struct effect *e)
{
	c->in_flight[c->in_flight_count++] = (struct in_flight){ .effect = e->id, .kind = e->kind };
	c->desk.in_flight[e->kind]++;
}

static void in_flight_remove(struct core *c, int64_t effect)
{
	for (size_t i = 0; i < c->in_flight_count; i++) {
		if (c->in_flight[i].effect != effect)
			continue;
		c->desk.in_flight[c->in_flight[i].kind]--;
		c->in_flight[i] = c->in_flight[--c->in_flight_count];
		return;
	}
}

static void outcome_give_up(struct core *c, struct request *take)
{
	log_error("core", "the outcome of delivery %lld cannot be recorded; it is looked up at the next start",
		(long long)take->effect);
	in_flight_remove(c, take->effect);
	deliver_expect_any(&c->desk);
	request_destroy(take);
}

/* It exists nowhere else. Takes the request, which may run many times before it is recorded. */
static void outcome_keep(struct core *c, size_t i)
{
	struct request *r = c->batch.request[i];

	forget_run(&c->batch, i);
	c->again_at = clock_monotonic_ms() + TROUBLE_PAUSE_MS;
	if (c->batch.kept && ++c->again_faults >= OUTCOME_TRIES) {
		c->again_faults = 0;
		outcome_give_up(c, r);
	} else if (c->again_count == IN_FLIGHT_LIMIT) { /* more than were under way: not ours */
		outcome_give_up(c, r);
	} else {
		c->again[c->again_count++] = r;
	}
}

static void hand_out_outcome(struct core *c, size_t i)
{
	struct answer *a = c->batch.answer[i];

	if (is_internal(&a->reply)) {
		outcome_keep(c, i);
		return;
	}
	if (c->batch.kept)
		c->again_faults = 0;
	in_flight_remove(c, a->request->effect);
	answer_destroy(a);
}

static void hand_out(struct core *c)
{
	struct batch *b = &c->batch;

	c->store_suspect = false;
	for (size_t i = 0; i < b->count; i++) {
		struct request *r = b->request[i];

		if (wants_answer(r))
			c->hooks.answer(c->hooks.ctx, b->answer[i]);
		else if (r->source == REQUEST_OUTCOME)
			hand_out_outcome(c, i);
		else
			answer_destroy(b->answer[i]);
	}
	CRASH_POINT("after-answers");
	for (size_t i = 0; i < b->effects; i++) {
		in_flight_add(c, b->effect[i]);
		c->hooks.perform(c->hooks.ctx, b->effect[i]);
	}
	CRASH_POINT("after-effects");
	if (b->count || b->effects)
		c->hooks.handed_out(c->hooks.ctx);
}

static void answer_not_recorded(struct core *c, struct answer *a, const struct error *err)
{
	const char *text = arena_printf(a->request->arena,
		"Nothing was recorded, so nothing was done: %s. Try again; if it stays so, tell whoever runs this bot.",
		err->text);

	a->reply.kind = REPLY_REFUSAL;
	a->reply.code = "internal";
	a->reply.doc = doc_new(text);
	doc_text(a->reply.doc, text);
	c->hooks.answer(c->hooks.ctx, a);
}

static void fail_batch(struct core *c, const struct error *err)
{
	struct batch *b = &c->batch;

	log_error("core", "a batch of %zu could not be recorded: %s", b->count, err->text);
	c->trouble_until = clock_monotonic_ms() + TROUBLE_PAUSE_MS;
	c->store_suspect = true;
	for (size_t i = 0; i < b->effects; i++)
		effect_destroy(b->effect[i]);
	deliver_expect_any(&c->desk);
	for (size_t i = 0; i < b->count; i++) {
		struct request *r = b->request[i];

		if (r->source == REQUEST_OUTCOME) {
			outcome_keep(c, i);
			continue;
		}
		forget_run(b, i);
		if (wants_answer(r))
			answer_not_recorded(c, answer_create(r), err);
		else
			request_destroy(r);
	}
	if (b->count)
		c->hooks.handed_out(c->hooks.ctx);
}

static bool again_due(const struct core *c)
{
	return c->again_count && c->again_at <= clock_monotonic_ms();
}

static struct request *again_take(struct core *c)
{
	struct request *r = c->again[0];

	c->again_count--;
	memmove(c->again, c->again + 1, c->again_count * sizeof(c->again[0]));
	return r;
}

/* Kept outcomes run alone and in turn, so that one that cannot be recorded does not hold up the rest. They wait
 * until something else was recorded: a full disk is not their fault, and whoever types meanwhile is
 * to be told. */
static void take_batch(struct core *c)
{
	struct batch *b = &c->batch;
	size_t max = (size_t)c->config->batch_max < BATCH_LIMIT ? (size_t)c->config->batch_max : BATCH_LIMIT;

	b->count = b->effects = 0;
	b->kept = again_due(c) && !c->store_suspect;
	if (b->kept)
		b->request[b->count++] = again_take(c);
	else
		b->count = queue_take(c->in, (void **)b->request, max);
	for (size_t i = 0; i < b->count; i++) {
		b->answer[i] = NULL;
		b->mark[i] = arena_mark(b->request[i]->arena);
	}
}

static int64_t until(int64_t at, int64_t now)
{
	return at > now ? at - now : 0;
}

static int64_t may_sleep(struct core *c)
{
	int64_t now = clock_now(c->clock), sleep = SLEEP_MAX_MS, effects = deliver_next(&c->desk);

	if (c->timer_at && until(c->timer_at, now) < sleep)
		sleep = until(c->timer_at, now);
	if (effects && until(effects, now) < sleep)
		sleep = until(effects, now);
	if (until(c->alive_at + ALIVE_EVERY_MS, now) < sleep)
		sleep = until(c->alive_at + ALIVE_EVERY_MS, now);
	if (c->again_count && until(c->again_at, clock_monotonic_ms()) < sleep)
		sleep = until(c->again_at, clock_monotonic_ms());
	if (c->trouble_until > clock_monotonic_ms())
		sleep = c->trouble_until - clock_monotonic_ms();
	else if (queue_length(c->in) || c->set_back_ms)
		sleep = 0;
	return sleep;
}

/* A tracker that was not configured before is asked from now on. What fails is tried again at the next start. */
static void arm_poll(struct core *c)
{
	struct error err = { 0 };
	int rc = store_begin(c->desk.store, &err);

	if (rc == 0) {
		rc = issue_poll_arm(c->desk.store, c->config, clock_now(c->clock), &err);
		if (rc == 0)
			rc = store_commit(c->desk.store, &err);
		else
			store_rollback(c->desk.store);
	}
	if (rc == 0)
		rc = timer_next(c->desk.store, &c->timer_at, &err);
	if (rc < 0)
		log_error("core", "the tracker is not polled: %s", err.text);
}

static void take_config(struct core *c)
{
	struct config *next = atomic_exchange(&c->next_config, NULL);

	if (!next)
		return;
	config_release(c->config);
	c->config = next;
	c->desk.config = next;
	arm_poll(c);
}

/* The wall clock against the other one, which nobody sets. */
static void look_at_clock(struct core *c)
{
	int64_t wall = clock_now(c->clock), monotonic = clock_monotonic_ms();
	int64_t step = wall - c->wall_seen - (monotonic - c->monotonic_seen);

	if (c->wall_seen && step <= -SET_BACK_MIN_MS) {
		log_warn("core", "the clock was set back by %lld s", (long long)(-step / 1000));
		c->set_back_ms -= step;
	}
	c->wall_seen = wall;
	c->monotonic_seen = monotonic;
	/* The next sign of life is due from now on. */
	if (c->alive_at > wall)
		c->alive_at = wall;
}

int64_t core_turn(struct core *c)
{
	struct error err = { 0 };

	atomic_store(&c->working, true);
	take_config(c);
	look_at_clock(c);
	if (may_sleep(c) == 0) {
		take_batch(c);
		if (run_batch(c, &err) == 0)
			hand_out(c);
		else
			fail_batch(c, &err);
	}
	atomic_store(&c->working, false);
	atomic_fetch_add_explicit(&c->turns, 1, memory_order_relaxed);
	return may_sleep(c);
}

/* While the store is in trouble the queue is not looked at, however full it is. */
static void core_sleep(struct core *c, int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	if (c->trouble_until > clock_monotonic_ms())
		nanosleep(&t, NULL);
	else
		queue_wait(c->in, ms);
}

void core_run(struct core *c)
{
	struct error err = { 0 };

	if (store_write_back(c->desk.store, &err) < 0)
		log_warn("core", "each long commit takes its time, since its log is written back by itself: %s", err.text);
	for (;;) {
		int64_t sleep = core_turn(c);

		if (queue_closed(c->in) &&
			(queue_length(c->in) == 0 || c->trouble_until > clock_monotonic_ms()))
			return;
		if (sleep > 0 || queue_patient(c->in))
			core_sleep(c, sleep > 0 ? sleep : OUTCOME_WAIT_MS);
	}
}
