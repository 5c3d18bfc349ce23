/*
 * How we hear that an issue has changed, and when it is read for it: hints by webhook, and the poll
 * that finds what those have missed. With a tracker that is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/people.h"
#include "support_issue.h"

static void test_poll(void **state)
{
	struct talk *x = *state;
	struct effect *e;
	char *cursor, *again;

	declared_with_issue(x);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(issue_poll_arm(x->store, x->config, clock_now(&x->clock), &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	there_change(ISSUE_PRIORITY, "Highest", "dave");
	talk_pass(x, 31000);
	e = outbox_next(x);
	assert_int_equal(e->kind, EFFECT_ISSUE_POLL);
	assert_string_equal(json_string_value(json_at(e->payload, "projects.0")), "PAY");
	outbox_end(x, e, OUTCOME_RETRY, NULL, "HTTP 503");
	talk_pass(x, 120000); /* one question at a time */
	assert_int_equal(talk_effects(x, EFFECT_ISSUE_POLL, NULL, NULL), 1);
	outbox_settle(x);
	assert_int_equal(there.polled, 1);
	assert_int_equal(talk_incident(x, 1).severity, 1);
	assert_int_equal(cursor_get(x->store, x->arena, CURSOR_POLL, &cursor, &x->err), 0);
	talk_pass(x, 60000);
	e = outbox_next(x);
	assert_int_equal(json_get_int(e->payload, "elapsed_ms", 0),
		clock_now(&x->clock) - strtoll(cursor, NULL, 10) + 5 * 60000);
	/* One that was not answered whole is asked again from the same moment. */
	outbox_end(
		x, e, OUTCOME_DELIVERED, json_pack("{s:[], s:b}", "issues", "complete", 0), NULL);
	assert_int_equal(cursor_get(x->store, x->arena, CURSOR_POLL, &again, &x->err), 0);
	assert_string_equal(again, cursor);
	talk_pass(x, 60000);
	e = outbox_next(x);
	assert_true(json_get_int(e->payload, "elapsed_ms", 0) >= 2 * 60000 + 5 * 60000);
	outbox_end(x, e, OUTCOME_REFUSED, NULL, "HTTP 400");
	/* What was read twice, with time between, is not read for the overlap's sake again. */
	talk_pass(x, 60000);
	outbox_settle(x);
	assert_int_equal(talk_effects(x, EFFECT_ISSUE_SYNC, NULL, NULL), 0);
	talk_pass(x, 60000);
	there.polled = 0;
	assert_int_equal(outbox_settle(x), 1); /* the question alone */
	assert_int_equal(there.polled, 1);
	x->config->issue.url = NULL; /* it ends with the tracker */
	talk_pass(x, 120000);
	assert_null(outbox_next(x));
}

/* A poll's hint, which knows a time only. */
static void polled_hint(struct talk *x)
{
	int64_t change = there.change;

	there.change = 0;
	there_hint(x);
	there.change = change;
}

/* The second read began with the first and was answered late: what came after both in the same
 * moment is read all the same. */
static void test_same_moment(void **state)
{
	struct talk *x = *state;
	struct effect *e;
	json_t *result;

	declared_with_issue(x);
	there_change(ISSUE_PRIORITY, "Highest", "dave");
	there_hint(x);
	e = outbox_next(x);
	result = there_perform(x, e);
	outbox_end(x, e, OUTCOME_DELIVERED, result, NULL);
	polled_hint(x);
	e = outbox_next(x);
	assert_int_equal(e->kind, EFFECT_ISSUE_SYNC);
	result = there_perform(x, e);
	there.value[ISSUE_TITLE] = "card payments fail"; /* the same time there */
	there.by[ISSUE_TITLE] = "dave";
	outbox_wait(x, 10000);
	outbox_end(x, e, OUTCOME_DELIVERED, result, NULL);
	polled_hint(x);
	outbox_settle(x);
	assert_string_equal(talk_incident(x, 1).title, "card payments fail");
	outbox_wait(x,
		10000); /* it was read with time between: the overlap of polls brings nothing new */
	polled_hint(x);
	outbox_settle(x);
	polled_hint(x);
	assert_null(outbox_next(x));
}

static void test_bad_hints(void **state)
{
	static const char *const hints[] = { "{}", "{\"issue\":\"\"}", "{\"issue\":\"99999\"}",
		"{\"issue\":17}", "{\"issue\":[1]}",
		"{\"issue\":\"10001\",\"change\":\"x\",\"updated_ms\":-1}",
		"{\"issue\":\"comment/501\"}", "{\"issue\":\"name:PAY-123\"}",
		"{\"name\":\"PAY-9\"}", "{\"name\":7}" };
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing");
	talk_say(x, "#1 update known: rolling back");
	outbox_settle(x);
	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
		json_t *args;

		assert_int_equal(json_parse(hints[i], strlen(hints[i]), 1000, &args, &x->err), 0);
		there_hint_of(x, args);
	}
	/* Only the one that names ours, and could be new. */
	assert_int_equal(outbox_settle(x), 1);
	/* People cannot hint. */
	talk_press(x, ALICE, "issue.hint", 0, json_pack("{s:s}", "issue", "10001"));
	assert_refused(x, "unknown", "issue.hint");
}

/* Some deliveries name an issue by its key alone. */
static void test_hint_by_name(void **state)
{
	struct talk *x = *state;

	declared_with_issue(x);
	there_change(ISSUE_PRIORITY, "Highest", "dave");
	there_hint_of(x, json_pack("{s:s}", "name", "PAY-123"));
	outbox_settle(x);
	assert_int_equal(talk_incident(x, 1).severity, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_poll),
		TEST(test_same_moment),
		TEST(test_bad_hints),
		TEST(test_hint_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
