/* The core and a store in trouble: full, read only, or one that refuses one thing of a batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "store/audit.h"
#include "store/db.h"
#include "store/store.h"
#include "support_bot.h"

static void script(struct test_bot *b, const char *sql)
{
	struct error err = { 0 };

	if (db_script(store_db(core_store(b->core)), sql, &err) != 0)
		fail_msg("%s: %s", sql, err.text);
}

#define OUTCOME	  "UPDATE ON main.effect WHEN NEW.ended_at IS NOT NULL"
#define EXPLOSION "INSERT ON main.timeline WHEN NEW.text LIKE 'explodes%'"
#define SEAL	  "UPDATE ON main.cursor WHEN NEW.name = 'audit.head'"

/* From now on the record takes no such change, though it takes the rest of the batch. */
static void refuse(struct test_bot *b, const char *change)
{
	char sql[256];

	snprintf(sql, sizeof sql,
		"CREATE TEMP TRIGGER no BEFORE %s BEGIN SELECT RAISE(ABORT, 'not this one'); END",
		change);
	script(b, sql);
}

static void take_again(struct test_bot *b)
{
	script(b, "DROP TRIGGER no");
}

static void read_only(struct test_bot *b, bool on)
{
	script(b, on ? "PRAGMA query_only = 1" : "PRAGMA query_only = 0");
}

static int64_t ahead_ms;

/* Instead of the C library's: pauses of the core are waited for without waiting. */
int clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, id, t);

	if (rc == 0 && id == CLOCK_MONOTONIC)
		t->tv_sec += ahead_ms / 1000;
	return rc;
}

/* The core leaves a store in trouble alone for a second. */
static void turn_after_the_pause(struct test_bot *b)
{
	ahead_ms += 2 * SECOND_MS;
	core_turn(b->core);
}

static void a_full_disk_answers_and_loses_nothing(void **state)
{
	struct test_bot *b = *state;
	int64_t before;

	bot_type(b, "declare sev3 reports are slow");
	bot_pass(b, 5 * SECOND_MS);
	before = bot_number(b, "SELECT count(*) FROM timeline");
	script(b, "PRAGMA max_page_count = 1");
	for (int i = 0; i < 2000 && b->answer_kind != REPLY_REFUSAL; i++) {
		bot_submit(b, "note filling the disk with a long line of text "
			      "that takes its room, again and again, until there is none left for "
			      "it any more");
		core_turn(b->core);
	}
	assert_int_equal(b->answer_kind, REPLY_REFUSAL);
	assert_string_equal(b->answer_code, "internal");
	assert_non_null(strstr(b->answer, "Nothing was recorded"));
	script(b, "PRAGMA max_page_count = 1000000");
	turn_after_the_pause(b);
	assert_non_null(strstr(bot_type(b, "note the disk has room again"), "INC-1"));
	assert_true(bot_number(b, "SELECT count(*) FROM timeline") > before);
}

static void outcomes_wait_for_the_store_and_nobody_waits_for_them(void **state)
{
	struct test_bot *b = *state;
	size_t before = b->answers;

	bot_submit(b, "declare sev3 reports are slow");
	core_turn(b->core);
	assert_true(b->outcome_count > 0);
	read_only(b, true);
	bot_submit_outcomes(b);
	core_turn(b->core); /* they are kept */
	for (size_t i = 0; i < 3; i++) {
		before = b->answers;
		bot_submit(b, "#1 note is anybody there?");
		turn_after_the_pause(b);
		assert_int_equal(b->answers, before + 1);
		assert_non_null(strstr(b->answer, "Nothing was recorded"));
	}
	read_only(b, false);
	turn_after_the_pause(b);
	bot_pass(b, MINUTE_MS);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
	assert_int_equal(bot_kinds(b, EFFECT_CHANNEL_OPEN), 1);
}

/* Its own fault: the record refuses just this one. It is tried again, alone, and is not lost. */
static void an_outcome_that_fails_by_itself_is_run_again(void **state)
{
	struct test_bot *b = *state;

	bot_submit(b, "declare sev3 reports are slow");
	core_turn(b->core);
	refuse(b, OUTCOME);
	bot_submit_outcomes(b);
	core_turn(b->core);
	assert_non_null(strstr(bot_type(b, "#1 note meanwhile"), "INC-1"));
	assert_true(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL") > 0);
	take_again(b);
	turn_after_the_pause(b);
	bot_pass(b, MINUTE_MS);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
	assert_int_equal(bot_kinds(b, EFFECT_CHANNEL_OPEN), 1);
}

/* One request that fails after it changed something leaves the others of its batch as they are, and
 * nothing of itself. */
static void one_of_a_batch_is_undone_alone(void **state)
{
	struct test_bot *b = *state;
	const char *const lines[] = { "declare sev3 first", "declare sev3 explodes",
		"declare sev3 third", "#2 note it follows the second" };
	struct error err = { 0 };
	int64_t entries;

	bot_type(b, "whoami");
	size_t answers = b->answers, performed = b->performed_count;
	refuse(b, EXPLOSION);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		bot_submit(b, lines[i]);
	core_turn(b->core);
	assert_int_equal(b->answers, answers + 4);
	assert_int_equal(b->answer_kind, REPLY_MESSAGE);
	take_again(b);
	bot_settle(b);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 2);
	assert_int_equal(
		bot_number(b, "SELECT count(*) FROM incident WHERE id = 2 AND title = 'third'"), 1);
	assert_int_equal(
		bot_number(b, "SELECT count(*) FROM timeline WHERE incident = 2 AND kind = 'note'"),
		1);
	assert_int_equal(
		bot_number(b, "SELECT count(*) FROM inbox WHERE reply LIKE '%explodes%'"), 0);
	assert_int_equal(audit_verify(core_store(b->core), &entries, &err), 0);
	assert_int_equal(
		bot_number(b, "SELECT count(*) FROM effect WHERE kind = 'channel.open'"), 2);
	assert_null(bot_find(b, performed, "explodes"));
	assert_non_null(bot_find(b, performed, "third"));
}

/* What runs again has as much room as the first time. */
static void what_runs_twice_takes_its_room_once(void **state)
{
	struct test_bot *b = *state;
	size_t room;

	bot_type(b, "whoami");
	b->answer_room = 0;
	bot_submit(b, "declare sev3 number one");
	core_turn(b->core);
	room = b->answer_room;
	b->answer_room = 0;
	refuse(b, EXPLOSION);
	bot_submit(b, "declare sev3 number two");
	bot_submit(b, "declare sev3 explodes");
	bot_submit(b, "declare sev3 number six");
	core_turn(b->core);
	assert_int_equal(b->answer_kind, REPLY_MESSAGE);
	assert_in_range(b->answer_room, room - room / 16, room + room / 16);
	take_again(b);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 3);
}

/* Outcomes that the record refuses run many times, each in its turn, and do not fill their arenas
 * by that. */
static void an_outcome_that_runs_again_takes_the_room_of_one(void **state)
{
	struct test_bot *b = *state;
	size_t room[8], count, turns = 0;
	struct request *r[8];

	bot_submit(b, "declare sev3 reports are slow");
	core_turn(b->core);
	count = b->outcome_count;
	assert_in_range(count, 1, 8);
	memcpy(r, b->outcomes, count * sizeof(*r));
	refuse(b, OUTCOME);
	for (size_t i = 0; i < count; i++)
		room[i] = arena_used(r[i]->arena);
	bot_submit_outcomes(b);
	core_turn(b->core);
	for (; turns < count; turns++)
		turn_after_the_pause(b);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(arena_used(r[i]->arena), room[i]);
	take_again(b);
	turn_after_the_pause(b);
	bot_pass(b, MINUTE_MS);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
}

/* One that is refused again and again does not hold up those behind it. */
static void a_bad_outcome_does_not_hold_up_the_others(void **state)
{
	struct test_bot *b = *state;

	bot_submit(b, "declare sev3 reports are slow");
	core_turn(b->core);
	assert_true(b->outcome_count >= 2);
	refuse(b, OUTCOME);
	bot_submit_outcomes(b);
	core_turn(b->core); /* all are kept */
	take_again(b);
	refuse(b, OUTCOME " AND OLD.kind = 'person.fetch'");
	turn_after_the_pause(b);
	turn_after_the_pause(b);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE state = 'started' AND "
				       "kind = 'channel.open'"),
		0);
	take_again(b);
	turn_after_the_pause(b);
	bot_pass(b, MINUTE_MS);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
}

/* One that the record never takes is left to the next start; what comes after it is not held back, though
 * only so many of a kind may be under way. */
static void an_outcome_that_is_never_taken_frees_its_place(void **state)
{
	struct test_bot *b = *state;

	refuse(b, OUTCOME " AND OLD.kind = 'channel.open'");
	bot_type(b, "declare sev3 first");
	bot_type(b, "declare sev3 second");
	bot_pass(b, 5 * SECOND_MS);
	bot_type(b, "declare sev3 third");
	bot_pass(b, 5 * SECOND_MS);
	assert_int_equal(bot_kinds(b, EFFECT_CHANNEL_OPEN), 2); /* the third waits for its turn */
	for (int i = 0; i < 42; i++)
		turn_after_the_pause(b);
	assert_int_equal(bot_kinds(b, EFFECT_CHANNEL_OPEN), 3);
	take_again(b);
	bot_restart(b, SECOND_MS);
	bot_pass(b, MINUTE_MS);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
}

/* A full disk is not asked as often as the core can turn. */
static void a_store_in_trouble_is_left_alone_for_a_while(void **state)
{
	struct test_bot *b = *state;
	size_t answers;
	int64_t sleep;

	bot_type(b, "declare sev3 reports are slow");
	read_only(b, true);
	answers = b->answers;
	bot_submit(b, "#1 note is anybody there?");
	sleep = core_turn(b->core);
	assert_int_equal(b->answers, answers + 1);
	assert_in_range(sleep, 1, SECOND_MS);
	bot_submit(b, "#1 note and now?");
	assert_in_range(core_turn(b->core), 1, SECOND_MS);
	assert_int_equal(b->answers, answers + 1);
	turn_after_the_pause(b);
	assert_int_equal(b->answers, answers + 2);
	read_only(b, false);
}

/* A reminder that came due in a batch whose commit failed comes as soon as the store is well. */
static void a_timer_of_a_lost_batch_is_due_at_once(void **state)
{
	struct test_bot *b = *state;

	bot_type(b, "declare sev2 checkout is failing");
	bot_pass(b, 5 * SECOND_MS);
	int64_t due = bot_number(b, "SELECT min(due_at) FROM timer WHERE name = 'promise'");
	size_t from = b->performed_count;

	/* Nothing else is due with it. */
	b->clock.manual_ms = due - SECOND_MS;
	bot_settle(b);
	b->clock.manual_ms = due;
	refuse(b, SEAL);
	core_turn(b->core);
	assert_int_equal(b->performed_count, from);
	take_again(b);
	turn_after_the_pause(b);
	bot_settle(b);
	assert_true(b->performed_count > from);
	assert_int_equal(
		bot_number(b, "SELECT count(*) FROM timer WHERE name = 'promise' AND due_at <= "
			      "(SELECT max(started_at) FROM effect)"),
		0);
}

/* Every kind of request in one batch, and the last of them has to be undone: all stand as if each
 * had come alone, and a delivery that comes again gets the answer that counted. */
static void a_mixed_batch_runs_again_whole(void **state)
{
	struct test_bot *b = *state;
	struct error err = { 0 };
	int64_t entries;
	char *answer;

	bot_type(b, "declare sev2 checkout is failing");
	bot_pass(b, 5 * SECOND_MS);
	bot_submit(b, "#1 sev 1 worse");
	core_turn(b->core); /* its outcomes wait in b->outcomes */
	assert_true(b->outcome_count > 0);
	b->clock.manual_ms = bot_number(b, "SELECT min(due_at) FROM timer WHERE name = 'promise'");
	refuse(b, EXPLOSION);
	bot_deliver(b, "#1 note said once", "test:", "the very same");
	bot_submit_outcomes(b);
	bot_deliver(b, "#1 note said once", "test:", "the very same");
	bot_submit(b, "#1 reopen is not asked for");
	bot_submit(b, "declare sev3 explodes");
	size_t from = b->performed_count, answers = b->answers;

	core_turn(b->core);
	assert_int_equal(b->answers, answers + 4);
	take_again(b);
	bot_settle(b);
	assert_int_equal(
		bot_number(b, "SELECT count(*) FROM timeline WHERE text = 'said once'"), 1);
	assert_int_equal(
		bot_number(b, "SELECT count(*) FROM inbox WHERE keys LIKE '%the very same%'"), 1);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 1);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
	assert_true(b->performed_count > from);
	/* Nothing was sent twice: each has an id of its own. */
	for (size_t i = from; i < b->performed_count; i++)
		for (size_t k = i + 1; k < b->performed_count; k++)
			assert_string_not_equal(b->performed[i].op_id, b->performed[k].op_id);
	assert_int_equal(audit_verify(core_store(b->core), &entries, &err), 0);
	/* What is in memory of the inbox is what the rows say. */
	bot_deliver(b, "#1 note said once", "test:", "the very same");
	bot_settle(b);
	answer = strdup(b->answer);
	assert_int_equal(
		bot_number(b, "SELECT count(*) FROM timeline WHERE text = 'said once'"), 1);
	assert_non_null(strstr(answer, "INC-1"));
	free(answer);
}

/* The rows of an undone batch leave their places in memory to others: neither is taken for the
 * other. */
static void the_inbox_does_not_remember_what_was_undone(void **state)
{
	struct test_bot *b = *state;

	bot_type(b, "declare sev2 checkout is failing");
	bot_pass(b, 5 * SECOND_MS);
	for (int round = 0; round < 2; round++) {
		if (round == 0)
			refuse(b, SEAL);
		else
			take_again(b);
		/* In another order, so that their rows are exchanged. */
		for (int i = 0; i < 2; i++) {
			bool first = (i == 0) == (round == 0);

			bot_deliver(b, first ? "#1 note the first" : "#1 note the second",
				"test:", first ? "key one" : "key two");
		}
		if (round == 0)
			core_turn(b->core);
		else
			turn_after_the_pause(b);
		assert_int_equal(
			bot_number(b, "SELECT count(*) FROM timeline WHERE text LIKE 'the %'"),
			round == 0 ? 0 : 2);
	}
	bot_settle(b);
}

/* Its own fault: a reminder that the record refuses is not lost, and comes when the record takes it. */
static void a_timer_that_fails_by_itself_comes_again(void **state)
{
	struct test_bot *b = *state;

	bot_type(b, "declare sev2 checkout is failing");
	bot_pass(b, 26 * MINUTE_MS);
	refuse(b, "UPDATE ON main.promise");
	bot_pass(b, 5 * MINUTE_MS);
	assert_int_equal(bot_count(b, 0, "is due now"), 0);
	take_again(b);
	bot_pass(b, MINUTE_MS);
	assert_int_equal(bot_count(b, 0, "is due now") + bot_count(b, 0, "overdue"), 1);
}

/* What waits is to learn of it all the same. */
static void a_clock_set_back_in_a_lost_batch_is_not_forgotten(void **state)
{
	struct test_bot *b = *state;

	b->clock.manual_ms += 365 * DAY_MS;
	b->outcome = OUTCOME_RETRY;
	bot_type(b, "declare sev2 checkout is failing");
	bot_pass(b, 10 * MINUTE_MS);
	refuse(b, "UPDATE ON main.effect");
	b->clock.manual_ms -= 365 * DAY_MS;
	core_turn(b->core);
	take_again(b);
	b->outcome = OUTCOME_DELIVERED;
	turn_after_the_pause(b);
	bot_pass(b, 15 * MINUTE_MS);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
}

/* They were due, and were to go with it: nothing new has to come for them to go with the next one. */
static void deliveries_of_a_lost_batch_go_with_the_next(void **state)
{
	struct test_bot *b = *state;

	b->outcome = OUTCOME_RETRY;
	bot_type(b, "declare sev3 reports are slow");
	bot_pass(b, 10 * SECOND_MS);
	b->outcome = OUTCOME_DELIVERED;
	b->clock.manual_ms = bot_number(b, "SELECT max(due_at) FROM effect WHERE state = 'ready'");
	size_t opened = bot_kinds(b, EFFECT_CHANNEL_OPEN);

	refuse(b, SEAL);
	bot_submit(b, "#1 note it is lost");
	core_turn(b->core);
	assert_int_equal(bot_kinds(b, EFFECT_CHANNEL_OPEN), opened);
	take_again(b);
	turn_after_the_pause(b);
	bot_pass(b, MINUTE_MS);
	assert_int_equal(bot_kinds(b, EFFECT_CHANNEL_OPEN), opened + 1);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
}

/* A row that a bug or a person spoiled: it is given up, and nobody else has to wait for it, nor for those behind it. */
static void an_effect_that_cannot_be_made_holds_up_nothing(void **state)
{
	struct test_bot *b = *state;
	size_t from;

	bot_type(b, "declare sev3 reports are slow");
	bot_pass(b, 5 * SECOND_MS);
	b->outcome = OUTCOME_RETRY;
	bot_type(b, "#1 update first");
	bot_type(b, "#1 update second");
	script(b, "UPDATE effect SET payload = '{' WHERE payload LIKE '%first%' AND ended_at IS NULL");
	b->outcome = OUTCOME_DELIVERED;
	from = b->performed_count;
	bot_pass(b, MINUTE_MS);
	assert_non_null(strstr(bot_type(b, "#1 note is anybody there?"), "INC-1"));
	assert_null(bot_find(b, from, "first"));
	assert_non_null(bot_find(b, from, "second"));
	assert_true(bot_number(b, "SELECT count(*) FROM effect WHERE state = 'failed' AND error LIKE 'line 1 column 2%'") >= 1);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
	assert_true(bot_number(b, "SELECT count(*) FROM audit WHERE action = 'effect.refused'") >= 1);
}

/* More than goes into one batch was taken in before the end: all of it is answered. */
static void the_end_waits_for_all_that_was_taken_in(void **state)
{
	struct test_bot *b = *state;
	size_t answers = b->answers;

	for (int i = 0; i < 600; i++)
		bot_submit(b, "whoami");
	core_end(b->core);
	core_run(b->core);
	assert_int_equal(b->answers, answers + 600);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, bot_begin, bot_end)
	const struct CMUnitTest tests[] = {
		T(a_full_disk_answers_and_loses_nothing),
		T(outcomes_wait_for_the_store_and_nobody_waits_for_them),
		T(an_outcome_that_fails_by_itself_is_run_again),
		T(one_of_a_batch_is_undone_alone),
		T(what_runs_twice_takes_its_room_once),
		T(an_outcome_that_runs_again_takes_the_room_of_one),
		T(a_bad_outcome_does_not_hold_up_the_others),
		T(an_outcome_that_is_never_taken_frees_its_place),
		T(a_store_in_trouble_is_left_alone_for_a_while),
		T(a_timer_of_a_lost_batch_is_due_at_once),
		T(a_mixed_batch_runs_again_whole),
		T(the_inbox_does_not_remember_what_was_undone),
		T(a_timer_that_fails_by_itself_comes_again),
		T(a_clock_set_back_in_a_lost_batch_is_not_forgotten),
		T(deliveries_of_a_lost_batch_go_with_the_next),
		T(an_effect_that_cannot_be_made_holds_up_nothing),
		T(the_end_waits_for_all_that_was_taken_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
