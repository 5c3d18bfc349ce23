#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "incident/promise.h"

#define MADE  INT64_C(1000000000)
#define DUE   (MADE + 30 * MINUTE_MS)
#define AT(m) (DUE + (m) * MINUTE_MS) /* minutes from due */

/* The shipped ladder: 5 min before, at the time, 5, 10 and 15 min over. */
static const struct ladder ladder = {
	.step = {
		{ -5 * MINUTE_MS, AUDIENCE_OWNER },
		{ 0, AUDIENCE_OWNER_OPEN },
		{ 5 * MINUTE_MS, AUDIENCE_RESPONDERS },
		{ 10 * MINUTE_MS, AUDIENCE_CHANNEL },
		{ 15 * MINUTE_MS, AUDIENCE_TIER },
	},
	.count = 5,
};

static struct promise promise(void)
{
	return (struct promise){ .state = PROMISE_OPEN, .made_at = MADE, .due_at = DUE };
}

static void expect(struct promise *p, int64_t now, int say, int said, bool missed, int64_t next)
{
	struct ladder_verdict v = ladder_judge(&ladder, p, now);

	assert_int_equal(v.say, say);
	assert_int_equal(v.said, said);
	assert_int_equal(v.missed, missed);
	assert_int_equal(v.next_ms, next);
	p->said = v.said;
	if (v.missed)
		p->missed_at = now;
}

static void test_step_by_step(void **state)
{
	struct promise p = promise();

	(void)state;
	assert_int_equal(ladder_first(&ladder, &p, MADE), AT(-5));
	expect(&p, MADE, -1, 0, false, AT(-5));
	expect(&p, AT(-5) - 1, -1, 0, false, AT(-5));
	expect(&p, AT(-5), 0, 1, false, AT(0));
	expect(&p, AT(-5) + 1, -1, 1, false, AT(0)); /* each step once */
	expect(&p, AT(0), 1, 2, true, AT(5));
	expect(&p, AT(0) + 1, -1, 2, false, AT(5)); /* missed once */
	expect(&p, AT(5), 2, 3, false, AT(10));
	expect(&p, AT(10), 3, 4, false, AT(15));
	expect(&p, AT(15), 4, 5, false, 0);
	expect(&p, AT(10000), -1, 5, false, 0);
	assert_int_equal(ladder_first(&ladder, &p, AT(10000)), 0);
}

static void test_after_downtime_only_the_last_is_said(void **state)
{
	struct promise p = promise();

	(void)state;
	expect(&p, AT(12), 3, 4, true, AT(15));
	p = promise();
	expect(&p, AT(47), 4, 5, true, 0);
	p = promise();
	expect(&p, AT(0) + 1, 1, 2, true, AT(5)); /* the heads-up came due too, and is not said */
	p = promise();
	expect(&p, AT(-1), 0, 1, false, AT(0)); /* a late heads-up is still one */
	p = promise();
	p.said = 2;
	p.missed_at = AT(0);
	expect(&p, AT(11), 3, 4, false, AT(15));
}

static void test_clock_steps(void **state)
{
	struct promise p = promise();

	(void)state;
	expect(&p, AT(5), 2, 3, true, AT(10));
	expect(&p, AT(-20), -1, 3, false, AT(10)); /* set back an hour or so: nothing twice */
	expect(&p, AT(5), -1, 3, false, AT(10));
	expect(&p, AT(10), 3, 4, false, AT(15));
	p = promise();
	expect(&p, MADE - 365 * DAY_MS, -1, 0, false, AT(-5));
	expect(&p, DUE + 365 * DAY_MS, 4, 5, true, 0);
}

static void test_snoozed_before_it_was_due(void **state)
{
	struct promise p = promise();

	(void)state;
	expect(&p, AT(-5), 0, 1, false, AT(0));
	p.quiet_until = AT(6);
	p.said = ladder_rewind(&ladder);
	assert_int_equal(p.said, 1);
	assert_int_equal(ladder_first(&ladder, &p, AT(-4)), AT(0)); /* for the miss */
	expect(&p, AT(-4), -1, 1, false, AT(0));
	expect(&p, AT(0), -1, 1, true, AT(6)); /* recorded, though nothing is said */
	expect(&p, AT(6), 1, 2, false, AT(11));
	expect(&p, AT(11), 2, 3, false, AT(16));
}

static void test_snoozed_when_overdue(void **state)
{
	struct promise p = promise();

	(void)state;
	expect(&p, AT(5), 2, 3, true, AT(10));
	p.quiet_until = AT(15);
	p.said = ladder_rewind(&ladder);
	expect(&p, AT(14), -1, 1, false, AT(15));
	expect(&p, AT(15), 1, 2, false, AT(20));
	expect(&p, AT(40), 4, 5, false, 0); /* and downtime on top */
}

static void test_quiet_that_ends_before_due(void **state)
{
	struct promise p = promise();

	(void)state;
	p.quiet_until = AT(-3);
	expect(&p, AT(-5), -1, 0, false, AT(-3)); /* the heads-up waits */
	expect(&p, AT(-3), 0, 1, false, AT(0));
	expect(&p, AT(0), 1, 2, true, AT(5));
}

static void test_a_snooze_skips_the_heads_up_that_would_come_after_due(void **state)
{
	struct promise p = promise();

	(void)state;
	p.quiet_until = AT(30);
	assert_int_equal(ladder_first(&ladder, &p, MADE), AT(0));
	expect(&p, MADE, -1, 1, false, AT(0));
	expect(&p, AT(25), -1, 1, true, AT(30));
	expect(&p, AT(30), 1, 2, false, AT(35));
}

static void test_a_short_promise_has_no_heads_up(void **state)
{
	struct promise p = promise();

	(void)state;
	p.made_at = AT(-3);
	assert_int_equal(ladder_first(&ladder, &p, AT(-3)), AT(0));
	expect(&p, AT(-3), -1, 1, false, AT(0));
	p.said = 0;
	p.made_at = AT(-5); /* "in 5m" itself would be answered by its reminder */
	expect(&p, AT(-5), -1, 1, false, AT(0));
	p.said = 0;
	p.made_at = AT(-6);
	expect(&p, AT(-6), -1, 0, false, AT(-5));
}

static void test_kept_and_withdrawn_say_nothing(void **state)
{
	struct promise p = promise();

	(void)state;
	p.state = PROMISE_KEPT;
	expect(&p, AT(20), -1, 0, false, 0);
	assert_int_equal(ladder_first(&ladder, &p, MADE), 0);
	p.state = PROMISE_WITHDRAWN;
	expect(&p, AT(20), -1, 0, false, 0);
}

static void test_odd_ladders(void **state)
{
	static const struct ladder none = { .count = 0 };
	static const struct ladder ahead = { .step = { { -MINUTE_MS, AUDIENCE_OWNER } },
		.count = 1 };
	struct promise p = promise();
	struct ladder_verdict v = ladder_judge(&none, &p, MADE);

	(void)state;
	assert_int_equal(v.say, -1);
	assert_int_equal(v.next_ms, DUE); /* for the miss */
	v = ladder_judge(&none, &p, DUE);
	assert_true(v.missed);
	assert_int_equal(v.next_ms, 0);
	v = ladder_judge(&ahead, &p, DUE); /* too late for a heads-up, and nothing else to say */
	assert_int_equal(v.say, -1);
	assert_int_equal(v.said, 1);
	assert_int_equal(ladder_rewind(&none), 0);
	assert_int_equal(ladder_rewind(&ahead), 1);

	p.said = 99; /* a ladder that got shorter by a new policy */
	v = ladder_judge(&ahead, &p, MADE);
	assert_int_equal(v.say, -1);
	assert_int_equal(v.next_ms, DUE);
	p.said = -3;
	v = ladder_judge(&ahead, &p, DUE - MINUTE_MS);
	assert_int_equal(v.say, 0);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < PROMISE_KIND_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(promise_kind_name((enum promise_kind)i),
				promise_kind_name((enum promise_kind)j));
	for (int i = PROMISE_OPEN; i <= PROMISE_WITHDRAWN; i++)
		for (int j = PROMISE_OPEN; j < i; j++)
			assert_string_not_equal(promise_state_name((enum promise_state)i),
				promise_state_name((enum promise_state)j));
	for (int i = 0; i < AUDIENCE_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(
				audience_name((enum audience)i), audience_name((enum audience)j));
	assert_string_equal(promise_kind_name((enum promise_kind)PROMISE_KIND_COUNT), "unknown");
	assert_string_equal(audience_name((enum audience)AUDIENCE_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_step_by_step),
		cmocka_unit_test(test_after_downtime_only_the_last_is_said),
		cmocka_unit_test(test_clock_steps),
		cmocka_unit_test(test_snoozed_before_it_was_due),
		cmocka_unit_test(test_snoozed_when_overdue),
		cmocka_unit_test(test_quiet_that_ends_before_due),
		cmocka_unit_test(test_a_snooze_skips_the_heads_up_that_would_come_after_due),
		cmocka_unit_test(test_a_short_promise_has_no_heads_up),
		cmocka_unit_test(test_kept_and_withdrawn_say_nothing),
		cmocka_unit_test(test_odd_ladders),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
