/* The core's promises over time: months in milliseconds, restarts, a clock that is set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support_bot.h"

/* Nobody does anything for a month: each step of each ladder is said once, and then there is
 * silence. */
static void a_month_of_silence_says_each_step_once(void **state)
{
	struct test_bot *b = *state;
	size_t turns;

	bot_type(b, "declare sev1 everything is down");
	/* A second one: alone, whoever declared would be called at the due time and not again 5 min
	 * later. */
	bot_type(b, "#1 scribe <@UBOB>");
	turns = bot_pass(b, 30 * DAY_MS);
	assert_int_equal(bot_count(b, 0, "Update on INC-1 is promised for"), 1);
	assert_int_equal(bot_count(b, 0, "is due now"), 1);
	assert_int_equal(bot_count(b, 0, "is 5 min overdue"), 1);
	assert_int_equal(bot_count(b, 0, "10 min overdue"), 1);
	assert_int_equal(bot_count(b, 0, "15 min overdue"), 1);
	assert_int_equal(
		bot_number(b, "SELECT count(*) FROM promise WHERE missed_at IS NOT NULL"), 6);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM timer WHERE name = 'promise'"), 0);
	/* A minute's heartbeat and the hourly housekeeping, nothing that runs hot. */
	assert_true(turns < 30 * 24 * 60 * 2);
}

/* An update before each promised time for a month: every promise kept, no miss, no ladder beyond
 * the heads-up. */
static void a_month_of_kept_promises(void **state)
{
	struct test_bot *b = *state;
	int updates = 0;

	bot_type(b, "declare sev2 checkout is failing");
	bot_type(b, "ic me");
	bot_type(b, "take comms");
	while (clock_now(&b->clock) < BOT_START + 30 * DAY_MS) {
		bot_pass(b, 28 * MINUTE_MS);
		assert_non_null(strstr(
			bot_type(b, "update still rolling back, step %d", ++updates), "Posted"));
	}
	assert_int_equal(
		bot_number(
			b, "SELECT count(*) FROM promise WHERE kind = 'update' AND state = 'kept'"),
		updates);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM promise WHERE kind = 'update' AND "
				       "missed_at IS NOT NULL"),
		0);
	assert_int_equal(bot_count(b, 0, "overdue"), 0);
	assert_int_equal(bot_count(b, 0, "is due now"), 0);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM timer WHERE name = 'promise'"), 1);
}

static void a_reminder_is_on_time_to_the_millisecond_of_the_clock(void **state)
{
	struct test_bot *b = *state;

	bot_type(b, "declare sev2 checkout is failing");
	bot_pass(b, 31 * MINUTE_MS);
	const struct performed *due = bot_find(b, 0, "is due now");

	assert_non_null(due);
	assert_int_equal(due->at, BOT_START + 30 * MINUTE_MS);
}

static void after_downtime_the_ladder_says_one_thing_and_where_it_was(void **state)
{
	struct test_bot *b = *state;
	size_t from;

	bot_type(b, "declare sev2 checkout is failing");
	bot_pass(b, 10 * MINUTE_MS);
	from = b->performed_count;
	bot_restart(b, 47 * MINUTE_MS); /* the update was promised for 10:30; it is 10:57 now */
	bot_settle(b);
	assert_int_equal(bot_count(b, from, "27 min overdue"), 1);
	assert_int_equal(bot_count(b, from, "is due now"), 0);
	const struct performed *said = bot_find(b, from, "27 min overdue");

	assert_non_null(strstr(said->text, "I was away from"));
	/* Nothing of the ladder is left, nothing is said again. */
	from = b->performed_count;
	bot_pass(b, DAY_MS);
	assert_int_equal(bot_count(b, from, "overdue"), 0);
}

static void a_short_restart_is_not_told(void **state)
{
	struct test_bot *b = *state;

	bot_type(b, "declare sev2 checkout is failing");
	bot_pass(b, 29 * MINUTE_MS + 59 * SECOND_MS);
	bot_restart(b, 5 * SECOND_MS);
	assert_int_equal(bot_count(b, 0, "is 4 s overdue"), 1);
	assert_int_equal(bot_count(b, 0, "I was away"), 0);
}

static void a_clock_set_back_says_nothing_twice(void **state)
{
	struct test_bot *b = *state;

	bot_type(b, "declare sev2 checkout is failing");
	bot_pass(b, 31 * MINUTE_MS);
	assert_int_equal(bot_count(b, 0, "is due now"), 1);
	b->clock.manual_ms -= 20 * MINUTE_MS;
	bot_pass(b, 22 * MINUTE_MS);
	assert_int_equal(bot_count(b, 0, "is due now"), 1);
}

/* Pauses go on from where they were: nothing waits for the time that the clock showed before. */
static void a_clock_set_back_holds_up_no_retry(void **state)
{
	struct test_bot *b = *state;

	b->clock.manual_ms += 365 * DAY_MS;
	b->outcome = OUTCOME_RETRY;
	bot_type(b, "declare sev2 checkout is failing");
	bot_pass(b, 10 * MINUTE_MS);
	b->clock.manual_ms -= 365 * DAY_MS;
	b->outcome = OUTCOME_DELIVERED;
	bot_pass(b, 15 * MINUTE_MS);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM timer WHERE name = 'housekeeping'"), 1);
	assert_true(bot_number(b, "SELECT due_at FROM timer WHERE name = 'housekeeping'") <=
		    clock_now(&b->clock) + HOUR_MS);
}

static void a_clock_set_back_while_it_was_away_holds_up_no_retry(void **state)
{
	struct test_bot *b = *state;

	b->clock.manual_ms += 365 * DAY_MS;
	b->outcome = OUTCOME_RETRY;
	bot_type(b, "declare sev2 checkout is failing");
	bot_pass(b, 10 * MINUTE_MS);
	b->outcome = OUTCOME_DELIVERED;
	bot_restart(b, -365 * DAY_MS);
	bot_pass(b, 15 * MINUTE_MS);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
}

static void resolving_disarms_and_reopening_arms_again(void **state)
{
	struct test_bot *b = *state;

	bot_type(b, "declare sev2 checkout is failing");
	bot_type(
		b, "resolve rolled back --signal \"success 99.9 %%\" --health \"5xx at baseline\"");
	/* Only the postmortem is owed, in days. */
	assert_int_equal(
		bot_number(b,
			"SELECT count(*) FROM promise WHERE state = 'open' AND kind <> 'review'"),
		0);
	bot_pass(b, DAY_MS);
	assert_int_equal(bot_count(b, 0, "is due now"), 0);
	bot_type(b, "reopen #1 it came back");
	assert_true(bot_number(b, "SELECT count(*) FROM timer WHERE name = 'promise'") >= 1);
	bot_pass(b, 31 * MINUTE_MS);
	assert_int_equal(bot_count(b, 0, "is due now"), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, bot_begin, bot_end)
	const struct CMUnitTest tests[] = {
		T(a_month_of_silence_says_each_step_once),
		T(a_month_of_kept_promises),
		T(a_reminder_is_on_time_to_the_millisecond_of_the_clock),
		T(after_downtime_the_ladder_says_one_thing_and_where_it_was),
		T(a_short_restart_is_not_told),
		T(a_clock_set_back_says_nothing_twice),
		T(a_clock_set_back_holds_up_no_retry),
		T(a_clock_set_back_while_it_was_away_holds_up_no_retry),
		T(resolving_disarms_and_reopening_arms_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
