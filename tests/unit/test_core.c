/* The core's batches, effects and promises over time: months in milliseconds, restarts, a store in trouble. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/audit.h"
#include "store/db.h"
#include "store/store.h"
#include "support_bot.h"

static int setup(void **state)
{
	struct test_bot *b = malloc(sizeof *b);

	if (!b)
		abort();
	bot_setup(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bot_teardown(*state);
	free(*state);
	return 0;
}

static size_t kind_count(const struct test_bot *b, enum effect_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < b->performed_count; i++)
		n += b->performed[i].kind == kind;
	return n;
}

static void declaring_opens_everything_once(void **state)
{
	struct test_bot *b = *state;
	const char *answer = bot_type(b, "declare sev2 checkout is failing");

	assert_non_null(strstr(answer, "INC-1"));
	bot_pass(b, 5 * SECOND_MS);
	assert_int_equal(kind_count(b, EFFECT_CHANNEL_OPEN), 1);
	assert_int_equal(kind_count(b, EFFECT_MESSAGE_PIN), 1);
	assert_int_equal(kind_count(b, EFFECT_CHANNEL_TOPIC), 1);
	assert_int_equal(kind_count(b, EFFECT_MESSAGE_POST), 2); /* card, announcement */
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 1);
}

static void a_repeated_delivery_gets_the_same_answer_and_changes_nothing(void **state)
{
	struct test_bot *b = *state;
	char *first;

	for (int i = 0; i < 3; i++) {
		struct request *r = bot_request(b, "declare sev3 disk is full");

		r->key_count = 0;
		request_add_key(r, "test:", "the same");
		assert_true(core_submit(b->core, r));
		bot_settle(b);
		if (i == 0)
			first = strdup(b->answer);
		assert_string_equal(b->answer, first);
	}
	free(first);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 1);
	/* And after a restart too. */
	bot_restart(b, HOUR_MS);
	struct request *r = bot_request(b, "declare sev3 disk is full");

	r->key_count = 0;
	request_add_key(r, "test:", "the same");
	assert_true(core_submit(b->core, r));
	bot_settle(b);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 1);
}

static void two_keys_of_one_delivery_are_each_enough(void **state)
{
	struct test_bot *b = *state;
	static const char *const second_delivery[] = { "envelope-1", "trigger-1" };

	struct request *r = bot_request(b, "declare sev3 disk is full");

	request_add_key(r, "slack:envelope:", "envelope-1");
	request_add_key(r, "slack:trigger:", "trigger-1");
	assert_true(core_submit(b->core, r));
	bot_settle(b);
	for (size_t i = 0; i < 2; i++) {
		r = bot_request(b, "declare sev3 disk is full");
		r->key_count = 0;
		request_add_key(r, i ? "slack:trigger:" : "slack:envelope:", second_delivery[i]);
		assert_true(core_submit(b->core, r));
		bot_settle(b);
	}
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 1);
}

/* Nobody does anything for a month: each step of each ladder is said once, and then there is silence. */
static void a_month_of_silence_says_each_step_once(void **state)
{
	struct test_bot *b = *state;
	size_t turns;

	bot_type(b, "declare sev1 everything is down");
	/* A second one: alone, whoever declared would be called at the due time and not again 5 min later. */
	bot_type(b, "#1 scribe <@UBOB>");
	turns = bot_pass(b, 30 * DAY_MS);
	assert_int_equal(bot_count(b, 0, "Update on INC-1 is promised for"), 1);
	assert_int_equal(bot_count(b, 0, "is due now"), 1);
	assert_int_equal(bot_count(b, 0, "is 5 min overdue"), 1);
	assert_int_equal(bot_count(b, 0, "10 min overdue"), 1);
	assert_int_equal(bot_count(b, 0, "15 min overdue"), 1);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM promise WHERE missed_at IS NOT NULL"), 6);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM timer WHERE name = 'promise'"), 0);
	/* A minute's heartbeat and the hourly housekeeping, nothing that runs hot. */
	assert_true(turns < 30 * 24 * 60 * 2);
}

/* An update before each promised time for a month: every promise kept, no miss, no ladder beyond the heads-up. */
static void a_month_of_kept_promises(void **state)
{
	struct test_bot *b = *state;
	int updates = 0;

	bot_type(b, "declare sev2 checkout is failing");
	bot_type(b, "ic me");
	bot_type(b, "take comms");
	while (clock_now(&b->clock) < BOT_START + 30 * DAY_MS) {
		bot_pass(b, 28 * MINUTE_MS);
		assert_non_null(strstr(bot_type(b, "update still rolling back, step %d", ++updates), "Posted"));
	}
	assert_int_equal(bot_number(b, "SELECT count(*) FROM promise WHERE kind = 'update' AND state = 'kept'"), updates);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM promise WHERE kind = 'update' AND missed_at IS NOT NULL"), 0);
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

static void what_was_started_is_looked_up_after_a_crash(void **state)
{
	struct test_bot *b = *state;
	size_t from;

	b->silent = true;
	bot_type(b, "declare sev2 checkout is failing");
	assert_int_equal(kind_count(b, EFFECT_CHANNEL_OPEN), 1);
	assert_false(b->performed[0].verify);
	from = b->performed_count;
	b->silent = false;
	bot_restart(b, 2 * SECOND_MS);
	bot_pass(b, 5 * SECOND_MS);
	const struct performed *again = NULL;

	for (size_t i = from; i < b->performed_count; i++)
		if (b->performed[i].kind == EFFECT_CHANNEL_OPEN)
			again = &b->performed[i];
	assert_non_null(again);
	assert_true(again->verify);
	assert_int_equal(again->attempt, 2);
	assert_string_equal(again->op_id, b->performed[0].op_id);
	assert_int_equal(kind_count(b, EFFECT_CHANNEL_OPEN), 2);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
}

static void an_unknown_outcome_is_looked_up_before_it_is_repeated(void **state)
{
	struct test_bot *b = *state;

	b->outcome = OUTCOME_UNKNOWN;
	bot_type(b, "declare sev2 checkout is failing");
	b->outcome = OUTCOME_DELIVERED;
	bot_pass(b, MINUTE_MS);
	size_t opens = 0;

	for (size_t i = 0; i < b->performed_count; i++)
		if (b->performed[i].kind == EFFECT_CHANNEL_OPEN)
			assert_int_equal(b->performed[i].verify, opens++ > 0);
	assert_int_equal(opens, 2);
}

/* The outside is down for a day: all waits in order, nothing is lost, retries become rare, and then all goes. */
static void a_day_of_outage(void **state)
{
	struct test_bot *b = *state;
	size_t during;

	bot_type(b, "declare sev3 reports are slow");
	bot_pass(b, 10 * SECOND_MS);
	b->outcome = OUTCOME_RETRY;
	for (int i = 0; i < 20; i++)
		bot_type(b, "note observation %02d", i);
	for (int i = 0; i < 5; i++)
		bot_type(b, "update outage update %02d", i);
	during = b->performed_count;
	bot_pass(b, DAY_MS);
	assert_true(b->performed_count - during < 1000);
	b->outcome = OUTCOME_DELIVERED;
	during = b->performed_count;
	bot_pass(b, 15 * MINUTE_MS);
	/* Each update once in the channel and once under the announcement, in order. */
	int last = -1;

	for (int i = 0; i < 5; i++) {
		char text[32];

		snprintf(text, sizeof text, "outage update %02d", i);
		assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
		const struct performed *p = bot_find(b, during, text);

		assert_non_null(p);
		assert_true((int)(p - b->performed) > last);
		last = (int)(p - b->performed);
	}
}

static void retry_after_is_honoured(void **state)
{
	struct test_bot *b = *state;

	b->outcome = OUTCOME_RETRY;
	b->retry_after_ms = 90 * SECOND_MS;
	bot_type(b, "declare sev3 reports are slow");
	assert_int_equal(kind_count(b, EFFECT_CHANNEL_OPEN), 1);
	bot_pass(b, 89 * SECOND_MS);
	assert_int_equal(kind_count(b, EFFECT_CHANNEL_OPEN), 1);
	bot_pass(b, 2 * SECOND_MS);
	assert_int_equal(kind_count(b, EFFECT_CHANNEL_OPEN), 2);
}

static void the_card_says_changes_that_came_while_it_was_posted(void **state)
{
	struct test_bot *b = *state;

	b->silent = true; /* the channel is being opened, then the card posted, for a while */
	bot_type(b, "declare sev3 reports are slow");
	b->silent = false;
	bot_restart(b, SECOND_MS);
	bot_type(b, "sev 2 more users see it");
	bot_pass(b, 10 * SECOND_MS);
	const struct performed *last = NULL;

	for (size_t i = 0; i < b->performed_count; i++)
		if (strstr(b->performed[i].text, "reports are slow") &&
			(b->performed[i].kind == EFFECT_MESSAGE_POST || b->performed[i].kind == EFFECT_MESSAGE_EDIT))
			last = &b->performed[i];
	assert_non_null(last);
	assert_non_null(strstr(last->text, "SEV2"));
}

static void a_refused_channel_leaves_the_incident_speaking_under_its_announcement(void **state)
{
	struct test_bot *b = *state;
	size_t from;

	b->outcome = OUTCOME_REFUSED;
	assert_true(core_submit(b->core, bot_request(b, "declare sev3 reports are slow")));
	core_turn(b->core);
	assert_int_equal(b->outcome_count, 1 + 1); /* channel, and who alice is */
	b->outcome = OUTCOME_DELIVERED;
	bot_pass(b, 5 * SECOND_MS);
	from = b->performed_count;
	bot_type(b, "update we are looking");
	bot_pass(b, SECOND_MS);
	assert_non_null(bot_find(b, from, "we are looking"));
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE state = 4 OR state = 'failed'") >= 1, 1);
}

static void a_full_disk_answers_and_loses_nothing(void **state)
{
	struct test_bot *b = *state;
	struct error err = { 0 };
	int64_t before;

	bot_type(b, "declare sev3 reports are slow");
	bot_pass(b, 5 * SECOND_MS);
	before = bot_number(b, "SELECT count(*) FROM timeline");
	assert_int_equal(db_script(store_db(core_store(b->core)), "PRAGMA max_page_count = 1", &err), 0);
	for (int i = 0; i < 2000 && b->answer_kind != REPLY_REFUSAL; i++) {
		assert_true(core_submit(b->core, bot_request(b, "note filling the disk with a long line of text "
			"that takes its room, again and again, until there is none left for it any more")));
		core_turn(b->core);
	}
	assert_int_equal(b->answer_kind, REPLY_REFUSAL);
	assert_string_equal(b->answer_code, "internal");
	assert_non_null(strstr(b->answer, "Nothing was recorded"));
	assert_int_equal(db_script(store_db(core_store(b->core)), "PRAGMA max_page_count = 1000000", &err), 0);
	usleep(1100000); /* the core leaves a store in trouble alone for a second */
	assert_non_null(strstr(bot_type(b, "note the disk has room again"), "INC-1"));
	assert_true(bot_number(b, "SELECT count(*) FROM timeline") > before);
}

static void read_only(struct test_bot *b, bool on)
{
	struct error err = { 0 };

	assert_int_equal(db_script(store_db(core_store(b->core)),
		on ? "PRAGMA query_only = 1" : "PRAGMA query_only = 0", &err), 0);
}

static void submit_outcomes(struct test_bot *b)
{
	for (size_t i = 0; i < b->outcome_count; i++)
		assert_true(core_submit(b->core, b->outcomes[i]));
	b->outcome_count = 0;
}

/* The core leaves a store in trouble alone for a second. */
static void turn_after_the_pause(struct test_bot *b)
{
	usleep(1050000);
	core_turn(b->core);
}

static void outcomes_wait_for_the_store_and_nobody_waits_for_them(void **state)
{
	struct test_bot *b = *state;
	size_t before = b->answers;

	assert_true(core_submit(b->core, bot_request(b, "declare sev3 reports are slow")));
	core_turn(b->core);
	assert_true(b->outcome_count > 0);
	read_only(b, true);
	submit_outcomes(b);
	core_turn(b->core); /* they are kept */
	for (size_t i = 0; i < 3; i++) {
		before = b->answers;
		assert_true(core_submit(b->core, bot_request(b, "#1 note is anybody there?")));
		turn_after_the_pause(b);
		assert_int_equal(b->answers, before + 1);
		assert_non_null(strstr(b->answer, "Nothing was recorded"));
	}
	read_only(b, false);
	turn_after_the_pause(b);
	bot_pass(b, MINUTE_MS);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
	assert_int_equal(kind_count(b, EFFECT_CHANNEL_OPEN), 1);
}

/* Its own fault: the record refuses just this one. It is tried again, alone, and is not lost. */
static void an_outcome_that_fails_by_itself_is_run_again(void **state)
{
	struct test_bot *b = *state;
	struct error err = { 0 };

	assert_true(core_submit(b->core, bot_request(b, "declare sev3 reports are slow")));
	core_turn(b->core);
	assert_int_equal(db_script(store_db(core_store(b->core)),
		"CREATE TEMP TRIGGER no BEFORE UPDATE ON effect WHEN NEW.ended_at IS NOT NULL "
		"BEGIN SELECT RAISE(ABORT, 'not this one'); END", &err), 0);
	submit_outcomes(b);
	core_turn(b->core);
	assert_non_null(strstr(bot_type(b, "#1 note meanwhile"), "INC-1"));
	assert_true(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL") > 0);
	assert_int_equal(db_script(store_db(core_store(b->core)), "DROP TRIGGER no", &err), 0);
	turn_after_the_pause(b);
	bot_pass(b, MINUTE_MS);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
	assert_int_equal(kind_count(b, EFFECT_CHANNEL_OPEN), 1);
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
	assert_int_equal(db_script(store_db(core_store(b->core)),
		"CREATE TEMP TRIGGER no BEFORE INSERT ON main.timeline WHEN NEW.text LIKE "
		"'explodes%' BEGIN SELECT RAISE(ABORT, 'not this one'); END", &err), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_true(core_submit(b->core, bot_request(b, lines[i])));
	core_turn(b->core);
	assert_int_equal(b->answers, answers + 4);
	assert_int_equal(b->answer_kind, REPLY_MESSAGE);
	assert_int_equal(db_script(store_db(core_store(b->core)), "DROP TRIGGER no", &err), 0);
	bot_settle(b);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 2);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident WHERE id = 2 AND title = 'third'"), 1);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM timeline WHERE incident = 2 AND kind = 'note'"), 1);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM inbox WHERE reply LIKE '%explodes%'"), 0);
	assert_int_equal(audit_verify(core_store(b->core), &entries, &err), 0);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE kind = 'channel.open'"), 2);
	assert_null(bot_find(b, performed, "explodes"));
	assert_non_null(bot_find(b, performed, "third"));
}

/* What runs again has as much room as the first time. */
static void what_runs_twice_takes_its_room_once(void **state)
{
	struct test_bot *b = *state;
	struct error err = { 0 };
	size_t room;

	bot_type(b, "whoami");
	b->answer_room = 0;
	assert_true(core_submit(b->core, bot_request(b, "declare sev3 number one")));
	core_turn(b->core);
	room = b->answer_room;
	b->answer_room = 0;
	assert_int_equal(db_script(store_db(core_store(b->core)),
		"CREATE TEMP TRIGGER no BEFORE INSERT ON main.timeline WHEN NEW.text LIKE "
		"'explodes%' BEGIN SELECT RAISE(ABORT, 'not this one'); END", &err), 0);
	assert_true(core_submit(b->core, bot_request(b, "declare sev3 number two")));
	assert_true(core_submit(b->core, bot_request(b, "declare sev3 explodes")));
	assert_true(core_submit(b->core, bot_request(b, "declare sev3 number six")));
	core_turn(b->core);
	assert_int_equal(b->answer_kind, REPLY_MESSAGE);
	assert_in_range(b->answer_room, room - room / 16, room + room / 16);
	assert_int_equal(db_script(store_db(core_store(b->core)), "DROP TRIGGER no", &err), 0);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 3);
}

/* Outcomes that the record refuses run many times, each in its turn, and do not fill their arenas by that. */
static void an_outcome_that_runs_again_takes_the_room_of_one(void **state)
{
	struct test_bot *b = *state;
	struct error err = { 0 };
	size_t room[8], count, turns = 0;
	struct request *r[8];

	assert_true(core_submit(b->core, bot_request(b, "declare sev3 reports are slow")));
	core_turn(b->core);
	count = b->outcome_count;
	assert_in_range(count, 1, 8);
	memcpy(r, b->outcomes, count * sizeof(*r));
	assert_int_equal(db_script(store_db(core_store(b->core)),
		"CREATE TEMP TRIGGER no BEFORE UPDATE ON effect WHEN NEW.ended_at IS NOT NULL "
		"BEGIN SELECT RAISE(ABORT, 'not this one'); END", &err), 0);
	for (size_t i = 0; i < count; i++)
		room[i] = arena_used(r[i]->arena);
	submit_outcomes(b);
	core_turn(b->core);
	for (; turns < count; turns++)
		turn_after_the_pause(b);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(arena_used(r[i]->arena), room[i]);
	assert_int_equal(db_script(store_db(core_store(b->core)), "DROP TRIGGER no", &err), 0);
	turn_after_the_pause(b);
	bot_pass(b, MINUTE_MS);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
}

/* One that is refused again and again does not hold up those behind it. */
static void a_bad_outcome_does_not_hold_up_the_others(void **state)
{
	struct test_bot *b = *state;
	struct error err = { 0 };

	assert_true(core_submit(b->core, bot_request(b, "declare sev3 reports are slow")));
	core_turn(b->core);
	assert_true(b->outcome_count >= 2);
	assert_int_equal(db_script(store_db(core_store(b->core)),
		"CREATE TEMP TRIGGER no BEFORE UPDATE ON effect WHEN NEW.ended_at IS NOT NULL "
		"BEGIN SELECT RAISE(ABORT, 'not this one'); END", &err), 0);
	submit_outcomes(b);
	core_turn(b->core); /* all are kept */
	assert_int_equal(db_script(store_db(core_store(b->core)),
		"DROP TRIGGER no; CREATE TEMP TRIGGER no BEFORE UPDATE ON effect WHEN NEW.ended_at "
		"IS NOT NULL AND OLD.kind = 'person.fetch' "
		"BEGIN SELECT RAISE(ABORT, 'not this one'); END", &err), 0);
	turn_after_the_pause(b);
	turn_after_the_pause(b);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE state = 'started' AND kind = 'channel.open'"), 0);
	assert_int_equal(db_script(store_db(core_store(b->core)), "DROP TRIGGER no", &err), 0);
	turn_after_the_pause(b);
	bot_pass(b, MINUTE_MS);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
}

/* A reminder that came due in a batch whose commit failed comes as soon as the store is well. */
static void a_timer_of_a_lost_batch_is_due_at_once(void **state)
{
	struct test_bot *b = *state;
	struct error err = { 0 };

	bot_type(b, "declare sev2 checkout is failing");
	bot_pass(b, 5 * SECOND_MS);
	int64_t due = bot_number(b, "SELECT min(due_at) FROM timer WHERE name = 'promise'");
	size_t from = b->performed_count;

	/* Nothing else is due with it. */
	b->clock.manual_ms = due - SECOND_MS;
	bot_settle(b);
	b->clock.manual_ms = due;
	assert_int_equal(db_script(store_db(core_store(b->core)),
		"CREATE TEMP TRIGGER no BEFORE UPDATE ON main.cursor WHEN NEW.name = 'audit.head' "
		"BEGIN SELECT RAISE(ABORT, 'not sealed'); END", &err), 0);
	core_turn(b->core);
	assert_int_equal(b->performed_count, from);
	assert_int_equal(db_script(store_db(core_store(b->core)), "DROP TRIGGER no", &err), 0);
	turn_after_the_pause(b);
	bot_settle(b);
	assert_true(b->performed_count > from);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM timer WHERE name = 'promise' AND due_at <= "
		"(SELECT max(started_at) FROM effect)"), 0);
}

/* Every kind of request in one batch, and the last of them has to be undone: all stand as if each had come alone, and a
 * delivery that comes again gets the answer that counted. */
static void a_mixed_batch_runs_again_whole(void **state)
{
	struct test_bot *b = *state;
	struct error err = { 0 };
	struct request *one, *again;
	int64_t entries;
	char *answer;

	bot_type(b, "declare sev2 checkout is failing");
	bot_pass(b, 5 * SECOND_MS);
	assert_true(core_submit(b->core, bot_request(b, "#1 sev 1 worse")));
	core_turn(b->core); /* its outcomes wait in b->outcomes */
	assert_true(b->outcome_count > 0);
	b->clock.manual_ms = bot_number(b, "SELECT min(due_at) FROM timer WHERE name = 'promise'");
	assert_int_equal(db_script(store_db(core_store(b->core)),
		"CREATE TEMP TRIGGER no BEFORE INSERT ON main.timeline WHEN NEW.text LIKE "
		"'explodes%' BEGIN SELECT RAISE(ABORT, 'not this one'); END", &err), 0);
	one = bot_request(b, "#1 note said once");
	one->key_count = 0;
	request_add_key(one, "test:", "the very same");
	assert_true(core_submit(b->core, one));
	submit_outcomes(b);
	again = bot_request(b, "#1 note said once");
	again->key_count = 0;
	request_add_key(again, "test:", "the very same");
	assert_true(core_submit(b->core, again));
	assert_true(core_submit(b->core, bot_request(b, "#1 reopen is not asked for")));
	assert_true(core_submit(b->core, bot_request(b, "declare sev3 explodes")));
	size_t from = b->performed_count, answers = b->answers;

	core_turn(b->core);
	assert_int_equal(b->answers, answers + 4);
	assert_int_equal(db_script(store_db(core_store(b->core)), "DROP TRIGGER no", &err), 0);
	bot_settle(b);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM timeline WHERE text = 'said once'"), 1);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM inbox WHERE keys LIKE '%the very same%'"), 1);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 1);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
	assert_true(b->performed_count > from);
	/* Nothing was sent twice: each has an id of its own. */
	for (size_t i = from; i < b->performed_count; i++)
		for (size_t k = i + 1; k < b->performed_count; k++)
			assert_string_not_equal(b->performed[i].op_id, b->performed[k].op_id);
	assert_int_equal(audit_verify(core_store(b->core), &entries, &err), 0);
	/* What is in memory of the inbox is what the rows say. */
	again = bot_request(b, "#1 note said once");
	again->key_count = 0;
	request_add_key(again, "test:", "the very same");
	assert_true(core_submit(b->core, again));
	bot_settle(b);
	answer = strdup(b->answer);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM timeline WHERE text = 'said once'"), 1);
	assert_non_null(strstr(answer, "INC-1"));
	free(answer);
}

/* The rows of an undone batch leave their places in memory to others: neither is taken for the other. */
static void the_inbox_does_not_remember_what_was_undone(void **state)
{
	struct test_bot *b = *state;
	struct error err = { 0 };
	struct db *db = store_db(core_store(b->core));
	struct request *r;

	bot_type(b, "declare sev2 checkout is failing");
	bot_pass(b, 5 * SECOND_MS);
	for (int round = 0; round < 2; round++) {
		if (round == 0)
			assert_int_equal(db_script(db, "CREATE TEMP TRIGGER no BEFORE UPDATE ON main.cursor WHEN NEW.name = 'audit.head' "
				"BEGIN SELECT RAISE(ABORT, 'not sealed'); END", &err), 0);
		else
			assert_int_equal(db_script(db, "DROP TRIGGER no", &err), 0);
		/* In another order, so that their rows are exchanged. */
		for (int i = 0; i < 2; i++) {
			bool first = (i == 0) == (round == 0);

			r = bot_request(b, first ? "#1 note the first" : "#1 note the second");
			r->key_count = 0;
			request_add_key(r, "test:", first ? "key one" : "key two");
			assert_true(core_submit(b->core, r));
		}
		if (round == 0)
			core_turn(b->core);
		else
			turn_after_the_pause(b);
		assert_int_equal(bot_number(b, "SELECT count(*) FROM timeline WHERE text LIKE 'the %'"),
			round == 0 ? 0 : 2);
	}
	bot_settle(b);
}

static void a_full_queue_says_so_and_tells_when_there_is_room(void **state)
{
	struct test_bot *b = *state;
	size_t n = 0;
	struct request *r;

	for (;;) {
		r = bot_request(b, "whoami");
		if (!core_submit(b->core, r))
			break;
		n++;
	}
	assert_int_equal(n, (size_t)b->config->queue_max);
	assert_int_equal(b->rooms, 0);
	bot_settle(b);
	assert_int_equal(b->rooms, 1);
	assert_int_equal(b->answers, n);
	assert_true(core_submit(b->core, r));
	bot_settle(b);
}

static void one_bad_request_does_not_spoil_its_batch(void **state)
{
	struct test_bot *b = *state;

	assert_true(core_submit(b->core, bot_request(b, "declare sev3 first")));
	assert_true(core_submit(b->core, bot_request(b, "no such thing at all")));
	assert_true(core_submit(b->core, bot_request(b, "resolve #99 --signal a --health b")));
	assert_true(core_submit(b->core, bot_request(b, "declare sev3 second")));
	bot_settle(b);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 2);
	assert_int_equal(b->answers, 4);
}

static void resolving_disarms_and_reopening_arms_again(void **state)
{
	struct test_bot *b = *state;

	bot_type(b, "declare sev2 checkout is failing");
	bot_type(b, "resolve rolled back --signal \"success 99.9 %%\" --health \"5xx at baseline\"");
	/* Only the postmortem is owed, in days. */
	assert_int_equal(bot_number(b, "SELECT count(*) FROM promise WHERE state = 'open' AND kind <> 'review'"), 0);
	bot_pass(b, DAY_MS);
	assert_int_equal(bot_count(b, 0, "is due now"), 0);
	bot_type(b, "reopen #1 it came back");
	assert_true(bot_number(b, "SELECT count(*) FROM timer WHERE name = 'promise'") >= 1);
	bot_pass(b, 31 * MINUTE_MS);
	assert_int_equal(bot_count(b, 0, "is due now"), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(declaring_opens_everything_once),
		T(a_repeated_delivery_gets_the_same_answer_and_changes_nothing),
		T(two_keys_of_one_delivery_are_each_enough),
		T(a_month_of_silence_says_each_step_once),
		T(a_month_of_kept_promises),
		T(a_reminder_is_on_time_to_the_millisecond_of_the_clock),
		T(after_downtime_the_ladder_says_one_thing_and_where_it_was),
		T(a_short_restart_is_not_told),
		T(a_clock_set_back_says_nothing_twice),
		T(a_clock_set_back_holds_up_no_retry),
		T(a_clock_set_back_while_it_was_away_holds_up_no_retry),
		T(what_was_started_is_looked_up_after_a_crash),
		T(an_unknown_outcome_is_looked_up_before_it_is_repeated),
		T(a_day_of_outage),
		T(retry_after_is_honoured),
		T(the_card_says_changes_that_came_while_it_was_posted),
		T(a_refused_channel_leaves_the_incident_speaking_under_its_announcement),
		T(a_full_disk_answers_and_loses_nothing),
		T(outcomes_wait_for_the_store_and_nobody_waits_for_them),
		T(an_outcome_that_fails_by_itself_is_run_again),
		T(one_of_a_batch_is_undone_alone),
		T(what_runs_twice_takes_its_room_once),
		T(an_outcome_that_runs_again_takes_the_room_of_one),
		T(a_bad_outcome_does_not_hold_up_the_others),
		T(a_timer_of_a_lost_batch_is_due_at_once),
		T(a_mixed_batch_runs_again_whole),
		T(the_inbox_does_not_remember_what_was_undone),
		T(a_full_queue_says_so_and_tells_when_there_is_room),
		T(one_bad_request_does_not_spoil_its_batch),
		T(resolving_disarms_and_reopening_arms_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
