/* What comes into the core and what goes out: a delivery counts once, an effect goes once, in
 * order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "commands/dispatch.h"
#include "support_bot.h"

static void declaring_opens_everything_once(void **state)
{
	struct test_bot *b = *state;
	const char *answer = bot_type(b, "declare sev2 checkout is failing");

	assert_non_null(strstr(answer, "INC-1"));
	bot_pass(b, 5 * SECOND_MS);
	assert_int_equal(bot_kinds(b, EFFECT_CHANNEL_OPEN), 1);
	assert_int_equal(bot_kinds(b, EFFECT_MESSAGE_PIN), 1);
	assert_int_equal(bot_kinds(b, EFFECT_CHANNEL_TOPIC), 1);
	assert_int_equal(bot_kinds(b, EFFECT_MESSAGE_POST), 2); /* card, announcement */
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 1);
}

static void a_repeated_delivery_gets_the_same_answer_and_changes_nothing(void **state)
{
	struct test_bot *b = *state;
	char *first;

	for (int i = 0; i < 3; i++) {
		bot_deliver(b, "declare sev3 disk is full", "test:", "the same");
		bot_settle(b);
		if (i == 0)
			first = strdup(b->answer);
		assert_string_equal(b->answer, first);
	}
	free(first);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 1);
	/* And after a restart too. */
	bot_restart(b, HOUR_MS);
	bot_deliver(b, "declare sev3 disk is full", "test:", "the same");
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
		bot_deliver(b, "declare sev3 disk is full",
			i ? "slack:trigger:" : "slack:envelope:", second_delivery[i]);
		bot_settle(b);
	}
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 1);
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

	bot_submit(b, "declare sev3 first");
	bot_submit(b, "no such thing at all");
	bot_submit(b, "resolve #99 --signal a --health b");
	bot_submit(b, "declare sev3 second");
	bot_settle(b);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident"), 2);
	assert_int_equal(b->answers, 4);
}

static void what_was_started_is_looked_up_after_a_crash(void **state)
{
	struct test_bot *b = *state;
	size_t from;

	b->silent = true;
	bot_type(b, "declare sev2 checkout is failing");
	assert_int_equal(bot_kinds(b, EFFECT_CHANNEL_OPEN), 1);
	assert_false(b->performed[0].verify);
	from = b->performed_count;
	b->silent = false;
	bot_restart(b, 2 * SECOND_MS);
	/* What was sent at the last moment may still be on its way. */
	bot_pass(b, VERIFY_AFTER_MS - 1);
	assert_int_equal(bot_kinds(b, EFFECT_CHANNEL_OPEN), 1);
	bot_pass(b, 5 * SECOND_MS);
	const struct performed *again = NULL;

	for (size_t i = from; i < b->performed_count; i++)
		if (b->performed[i].kind == EFFECT_CHANNEL_OPEN)
			again = &b->performed[i];
	assert_non_null(again);
	assert_true(again->verify);
	assert_int_equal(again->attempt, 2);
	assert_string_equal(again->op_id, b->performed[0].op_id);
	assert_int_equal(bot_kinds(b, EFFECT_CHANNEL_OPEN), 2);
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

/* The outside is down for a day: all waits in order, nothing is lost, retries become rare, and then
 * all goes. */
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
		assert_int_equal(
			bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
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
	assert_int_equal(bot_kinds(b, EFFECT_CHANNEL_OPEN), 1);
	bot_pass(b, 89 * SECOND_MS);
	assert_int_equal(bot_kinds(b, EFFECT_CHANNEL_OPEN), 1);
	bot_pass(b, 2 * SECOND_MS);
	assert_int_equal(bot_kinds(b, EFFECT_CHANNEL_OPEN), 2);
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
			(b->performed[i].kind == EFFECT_MESSAGE_POST ||
				b->performed[i].kind == EFFECT_MESSAGE_EDIT))
			last = &b->performed[i];
	assert_non_null(last);
	assert_non_null(strstr(last->text, "SEV2"));
}

static void a_refused_channel_leaves_the_incident_speaking_under_its_announcement(void **state)
{
	struct test_bot *b = *state;
	size_t from;

	b->outcome = OUTCOME_REFUSED;
	bot_submit(b, "declare sev3 reports are slow");
	core_turn(b->core);
	assert_int_equal(b->outcome_count, 1 + 1); /* channel, and who alice is */
	b->outcome = OUTCOME_DELIVERED;
	bot_pass(b, 5 * SECOND_MS);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM reference WHERE slot = 'card'"), 1);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM audit WHERE action = 'effect.refused'"), 2);
	from = b->performed_count;
	bot_type(b, "update we are looking");
	bot_pass(b, SECOND_MS);
	assert_non_null(bot_find(b, from, "we are looking"));
	assert_true(
		bot_number(b, "SELECT count(*) FROM effect WHERE state = 4 OR state = 'failed'") >=
		1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, bot_begin, bot_end)
	const struct CMUnitTest tests[] = {
		T(declaring_opens_everything_once),
		T(a_repeated_delivery_gets_the_same_answer_and_changes_nothing),
		T(two_keys_of_one_delivery_are_each_enough),
		T(a_full_queue_says_so_and_tells_when_there_is_room),
		T(one_bad_request_does_not_spoil_its_batch),
		T(what_was_started_is_looked_up_after_a_crash),
		T(an_unknown_outcome_is_looked_up_before_it_is_repeated),
		T(a_day_of_outage),
		T(retry_after_is_honoured),
		T(the_card_says_changes_that_came_while_it_was_posted),
		T(a_refused_channel_leaves_the_incident_speaking_under_its_announcement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
