/*
 * Thousands of random steps: what people type and press, deliveries that fail in every way, crashes,
 * clocks that jump. After each step the record must be in order:
 *
 * - an active incident has promised its next update; one that is over owes nothing;
 * - a timer is armed for exactly the open promises whose ladder has a step left;
 * - the timeline and the audit only grow, and the audit chain is whole;
 * - nothing was sent that is not in the record, and nothing was done twice.
 *
 * SITREP_SEED=n runs that one sequence, SITREP_STEPS=n makes it longer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "incident/promise.h"
#include "store/audit.h"
#include "store/promises.h"
#include "store/store.h"
#include "support_bot.h"

#define SEEDS      6
#define STEPS      500
#define CHECK_EVERY 25 /* steps between looks at the whole audit chain */

struct dice {
	uint64_t state;
};

static uint32_t roll(struct dice *d, uint32_t sides)
{
	d->state ^= d->state << 13;
	d->state ^= d->state >> 7;
	d->state ^= d->state << 17;
	return (uint32_t)(d->state >> 32) % sides;
}

static const char *const people[] = { "slack:UALICE", "slack:UBOB", "slack:UCAROL", "unix:1000" };
static const char *const mentions[] = { "me", "<@UALICE>", "<@UBOB>", "<@UCAROL>" };

/* %I an incident, %P a person, %N a number. */
static const char *const lines[] = {
	"declare sev%S number %N is failing", "declare sev1 --customer everything is down %N",
	"declare sev2 --security somebody is in %N", "declare what is wrong %N",
	"#%I update known: thing %N; doing: rollback", "#%I update still looking %N. in 20m",
	"#%I update in 3 days", "#%I sev %S because %N", "#%I sev %S", "#%I identified cause %N",
	"#%I investigating", "#%I mitigating by %N", "#%I monitoring", "#%I triage",
	"#%I resolve done --signal ok --health ok", "#%I resolve --not-verified no access",
	"#%I reopen it is back %N", "#%I cancel false alarm", "#%I close", "#%I close --without-review nobody is here",
	"#%I ic %P", "#%I take comms", "#%I drop comms", "#%I drop ic", "#%I comms %P", "#%I take scribe", "#%I solo",
	"#%I note 10:05 saw %N", "#%I hypothesis it is %N", "#%I decision we do %N", "#%I note",
	"#%I cadence 20m why not", "#%I cadence 10d", "#%I snooze 10m waiting", "#%I snooze",
	"#%I impact 25% of users since 10:00", "#%I impact 60% of users", "#%I impact data loss, 1200 users",
	"#%I scope group tenant %N", "#%I scope dependency unknown", "#%I classify widespread high",
	"#%I checkpoint state: going on; hypothesis: %N; impact: some; in flight: rollback; decision: fail over; next decision: in 20m",
	"#%I handover %P", "#%I accept", "#%I decline", "#%I handover --withdraw", "#%I strategy mitigate",
	"#%I escalate cross-team it is theirs too", "#%I escalate", "#%I ack", "#%I customer we are on it",
	"#%I protect it is a breach", "#%I grant %P", "#%I revoke %P", "#%I access",
	"#%I subscribe", "subscribe --all", "unsubscribe --all", "#%I merge #%I", "#%I link #%I", "#%I unlink #%I",
	"#%I check", "#%I export md", "#%I show", "#%I timeline", "list", "mine", "whoami", "help", "sync", "nonsense %N", "",
};

static const char *const presses[] = {
	"update", "snooze", "role", "timeline", "resolve", "reopen", "close", "severity", "show", "accept", "decline",
	"acknowledge", "strategy", "sync", "promise.due", "effect.outcome", "no.such",
};

static void expand(struct test_bot *b, struct dice *d, const char *line, char out[512])
{
	size_t n = 0;
	int64_t last = bot_number(b, "SELECT coalesce(max(id), 0) FROM incident WHERE id < 1000000");

	for (; *line && n < 480; line++) {
		if (*line != '%' || !strchr("IPNS", line[1])) {
			out[n++] = *line;
			continue;
		}
		line++;
		if (*line == 'I')
			n += (size_t)snprintf(out + n, 20, "%u", 1 + roll(d, (uint32_t)last + 1));
		else if (*line == 'P')
			n += (size_t)snprintf(out + n, 20, "%s", mentions[roll(d, 4)]);
		else if (*line == 'S')
			n += (size_t)snprintf(out + n, 20, "%u", 1 + roll(d, 4));
		else
			n += (size_t)snprintf(out + n, 20, "%u", roll(d, 1000));
	}
	out[n] = '\0';
}

static void step_type(struct test_bot *b, struct dice *d)
{
	char line[512];
	size_t answers = b->answers;

	expand(b, d, lines[roll(d, sizeof lines / sizeof lines[0])], line);
	struct request *r = bot_request(b, line);

	r->actor.person = people[roll(d, 4)];
	r->actor.name = NULL;
	r->can_open_form = roll(d, 2);
	assert_true(core_submit(b->core, r));
	bot_settle(b);
	assert_int_equal(b->answers, answers + 1);
}

static void step_press(struct test_bot *b, struct dice *d)
{
	size_t answers = b->answers;
	struct request *r = bot_request(b, "");

	r->words = NULL;
	r->operation = presses[roll(d, sizeof presses / sizeof presses[0])];
	r->incident = roll(d, 6);
	r->actor.person = people[roll(d, 4)];
	r->actor.name = NULL;
	r->can_open_form = true;
	r->from_form = roll(d, 3) == 0;
	if (roll(d, 2))
		r->args = json_pack("{s:s, s:s}", "do", "take", "role", roll(d, 2) ? "commander" : "scribe");
	assert_true(core_submit(b->core, r));
	bot_settle(b);
	assert_int_equal(b->answers, answers + 1);
}

/* A delivery of the outside that comes again, at once or much later. */
static void step_repeat(struct test_bot *b, struct dice *d)
{
	char line[512], key[32];
	int64_t before;

	expand(b, d, "#%I note repeated %N", line);
	snprintf(key, sizeof key, "again-%u", roll(d, 1u << 30));
	for (int i = 0; i < 3; i++) {
		struct request *r = bot_request(b, line);

		r->key_count = 0;
		request_add_key(r, "test:", key);
		assert_true(core_submit(b->core, r));
		bot_settle(b);
		if (i == 0)
			before = bot_number(b, "SELECT count(*) FROM timeline WHERE text LIKE 'repeated%'");
		else
			assert_int_equal(before, bot_number(b, "SELECT count(*) FROM timeline WHERE text LIKE 'repeated%'"));
		if (i == 1 && roll(d, 4) == 0)
			bot_pass(b, HOUR_MS);
	}
}

static void step_outside(struct test_bot *b, struct dice *d)
{
	static const enum outcome all[] = { OUTCOME_DELIVERED, OUTCOME_RETRY, OUTCOME_UNKNOWN, OUTCOME_DELIVERED, OUTCOME_REFUSED };

	b->outcome = all[roll(d, 5)];
	b->silent = roll(d, 12) == 0;
}

static void step(struct test_bot *b, struct dice *d)
{
	uint32_t what = roll(d, 100);

	if (what < 55)
		step_type(b, d);
	else if (what < 65)
		step_press(b, d);
	else if (what < 68)
		step_repeat(b, d);
	else if (what < 76)
		step_outside(b, d);
	else if (what < 92)
		bot_pass(b, (int64_t)(1 + roll(d, 40)) * MINUTE_MS);
	else if (what < 94)
		bot_pass(b, (int64_t)(1 + roll(d, 8)) * HOUR_MS);
	else if (what < 96)
		b->clock.manual_ms -= (int64_t)roll(d, 30) * MINUTE_MS; /* set back */
	else
		bot_restart(b, (int64_t)roll(d, 90) * MINUTE_MS);
}

/* ---- what must hold ---- */

#define COUNT_ZERO(b, sql)                                                                         \
	do {                                                                                       \
		if (bot_number(b, "SELECT count(*) FROM " sql) != 0)                               \
			fail_msg("not empty: %s", sql);                                            \
	} while (0)

#define ACTIVE "('triage', 'investigating', 'identified', 'mitigating', 'monitoring')"

static void check_promises(struct test_bot *b)
{
	COUNT_ZERO(b, "incident i WHERE state IN " ACTIVE " AND NOT EXISTS (SELECT 1 FROM promise p"
		" WHERE p.incident = i.id AND p.kind = 'update' AND p.state = 'open')");
	COUNT_ZERO(b, "incident i JOIN promise p ON p.incident = i.id WHERE p.state = 'open'"
		" AND i.state NOT IN " ACTIVE);
	COUNT_ZERO(b, "timer t WHERE t.name = 'promise' AND NOT EXISTS (SELECT 1 FROM promise p"
		" WHERE p.id = t.subject AND p.incident = t.incident AND p.state = 'open')");
	COUNT_ZERO(b, "promise WHERE state = 'kept' AND kept_at IS NULL");
	COUNT_ZERO(b, "promise WHERE state = 'kept' AND kept_at > due_at AND missed_at IS NULL");
}

/* The other half: an open promise with something left to say, or a miss to record, has a timer. */
static void check_timers(struct test_bot *b)
{
	struct error err = { 0 };
	struct arena *a = arena_create(1 << 20);
	int64_t last = bot_number(b, "SELECT coalesce(max(id), 0) FROM incident WHERE id < 1000000");

	for (int64_t id = 1; id <= last; id++) {
		struct promise *p;
		size_t n;

		assert_int_equal(promise_list(core_store(b->core), a, id, &p, &n, &err), 0);
		for (size_t i = 0; i < n; i++) {
			char sql[200];

			if (p[i].state != PROMISE_OPEN)
				continue;
			bool left = ladder_first(&b->config->ladder[p[i].kind], &p[i], clock_now(&b->clock)) != 0;

			snprintf(sql, sizeof sql, "SELECT count(*) FROM timer WHERE name = 'promise' AND subject = %lld",
				(long long)p[i].id);
			if (bot_number(b, sql) != left)
				fail_msg("INC-%lld, promise %s (said %d): timer %s", (long long)id,
					promise_kind_name(p[i].kind), p[i].said, left ? "missing" : "left over");
		}
	}
	arena_destroy(a);
}

struct grown {
	int64_t timeline, audit, effects, incidents;
};

static void check_growth(struct test_bot *b, struct grown *g)
{
	struct grown now = {
		bot_number(b, "SELECT count(*) FROM timeline"),
		bot_number(b, "SELECT count(*) FROM audit"),
		bot_number(b, "SELECT coalesce(max(id), 0) FROM effect"),
		bot_number(b, "SELECT count(*) FROM incident"),
	};

	assert_true(now.timeline >= g->timeline);
	assert_true(now.audit >= g->audit);
	assert_true(now.effects >= g->effects);
	assert_true(now.incidents >= g->incidents);
	*g = now;
}

static void check_effects(struct test_bot *b)
{
	COUNT_ZERO(b, "effect WHERE incident IS NOT NULL AND incident NOT IN (SELECT id FROM incident)");
	/* One lane, one that may go. */
	COUNT_ZERO(b, "(SELECT lane FROM effect WHERE state IN ('ready', 'started') GROUP BY lane HAVING count(*) > 1)");
	COUNT_ZERO(b, "(SELECT lane FROM effect WHERE ended_at IS NULL GROUP BY lane"
		" HAVING sum(state IN ('ready', 'started')) = 0)");
	COUNT_ZERO(b, "role r JOIN incident i ON i.id = r.incident WHERE r.person = ''");
}

/* What was handed to the chat is in the record, and was delivered at most once. */
static void check_sent(struct test_bot *b)
{
	for (size_t i = 0; i < b->performed_count; i++) {
		char sql[160];

		snprintf(sql, sizeof sql, "SELECT count(*) FROM effect WHERE op_id = '%s'", b->performed[i].op_id);
		assert_int_equal(bot_number(b, sql), 1);
	}
	COUNT_ZERO(b, "(SELECT effect FROM attempt WHERE outcome = 'delivered' GROUP BY effect HAVING count(*) > 1)");
}

static void check_audit(struct test_bot *b)
{
	struct error err = { 0 };
	int64_t entries;

	if (audit_verify(core_store(b->core), &entries, &err) < 0)
		fail_msg("%s", err.text);
	if (store_check(core_store(b->core), &err) < 0)
		fail_msg("%s", err.text);
}

static long number_from(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtol(text, NULL, 10) : otherwise;
}

static void run_sequence(uint64_t seed, long steps)
{
	struct test_bot *b = malloc(sizeof *b);
	struct dice d = { seed * UINT64_C(0x9E3779B97F4A7C15) + 1 };
	struct grown g = { 0 };

	if (!b)
		abort();
	bot_setup(b);
	for (long i = 0; i < steps; i++) {
		step(b, &d);
		check_promises(b);
		check_timers(b);
		check_growth(b, &g);
		check_effects(b);
		if (i % CHECK_EVERY == 0)
			check_audit(b);
		/* The list of what was sent is bounded; what was looked at can go. */
		if (b->performed_count > PERFORMED_MAX / 2) {
			check_sent(b);
			bot_forget(b);
		}
	}
	/* Peace: everything that can be delivered is, and nothing hangs. */
	b->outcome = OUTCOME_DELIVERED;
	b->silent = false;
	bot_restart(b, 0);
	bot_pass(b, 30 * MINUTE_MS);
	COUNT_ZERO(b, "effect WHERE state = 'started'");
	COUNT_ZERO(b, "effect WHERE ended_at IS NULL AND created_at < (SELECT max(created_at) FROM effect) - 1800000");
	check_sent(b);
	check_audit(b);
	bot_teardown(b);
	free(b);
}

static void random_sequences_keep_the_record_in_order(void **state)
{
	long one = number_from("SITREP_SEED", 0), steps = number_from("SITREP_STEPS", STEPS);

	(void)state;
	for (long seed = one ? one : 1; seed <= (one ? one : SEEDS); seed++) {
		printf("seed %ld, %ld steps\n", seed, steps);
		fflush(stdout);
		run_sequence((uint64_t)seed, steps);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_sequences_keep_the_record_in_order) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
