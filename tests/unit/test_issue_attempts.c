/*
 * Attempts to reach a tracker that is not there, which end in every way: refused, in part, with an
 * answer that is lost, late, nonsense or about something else; and what is asked again afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support_issue.h"

static void test_outage(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	declared_with_issue(x);
	talk_say(x, "#1 investigating");
	talk_say(x, "#1 update known: rolling back");
	talk_say(x, "#1 update known: rolled back");
	for (int n = 0; n < 6; n++) {
		while ((e = outbox_next(x)) != NULL)
			outbox_end(x, e, OUTCOME_RETRY, NULL, "HTTP 503");
		outbox_wait(x, 60000);
	}
	assert_int_equal(there.commented, 0);
	talk_say(x, "show #1");
	assert_has(x->text, "changes wait for Jira since 14:0");
	assert_has(x->text, "(HTTP 503); they will be sent in order");
	assert_has(x->text, "3 pending to Jira");
	talk_say(x, "#1 sev 1 worse"); /* serves with what waits */
	assert_int_equal(talk_effects(x, EFFECT_ISSUE_SYNC, NULL, NULL), 1);
	outbox_wait(x, 3600000);
	outbox_settle(x);
	assert_int_equal(there.commented, 2);
	assert_has(there.text, "rolled back");
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
	assert_string_equal(there.value[ISSUE_PRIORITY], "Highest");
	assert_int_equal(there.wrote, 2);
	talk_say(x, "show #1");
	assert_has(x->text, "✓");
	assert_has_not(x->text, "wait for Jira");
}

/* ---- creations ---- */

static void test_create_lost(void **state)
{
	struct talk *x = *state;
	struct effect *e;
	const char *label;

	talk_say(x, "declare sev2 checkout is failing");
	e = outbox_next(x);
	assert_int_equal(e->kind, EFFECT_ISSUE_CREATE);
	label = arena_strdup(x->arena, json_get_str(e->payload, "label"));
	assert_int_equal(strncmp(label, "sitrep-", 7), 0);
	json_decref(there_create(x, e)); /* it was made, and nobody heard of it */
	outbox_end(x, e, OUTCOME_UNKNOWN, NULL, "the connection broke");
	talk_say(x, "#1 title card payments fail");
	outbox_wait(x, 60000);
	e = outbox_next(x);
	assert_int_equal(e->kind, EFFECT_ISSUE_CREATE);
	assert_true(e->verify);
	assert_string_equal(json_get_str(e->payload, "label"), label);
	outbox_end(x, e, OUTCOME_DELIVERED, json_pack("{s:o}", "read", there_read()), NULL);
	assert_string_equal(ref_of(x, 1).key, "jira:10001");
	assert_string_equal(talk_incident(x, 1).title, "card payments fail");
	outbox_settle(x);
	assert_string_equal(
		there.value[ISSUE_TITLE], "card payments fail"); /* ours has changed, not theirs */
	assert_int_equal(there.created, 1);
	assert_string_equal(ref_of(x, 1).state, "synced");
}

/* Between the making and our hearing of it somebody has changed it there. */
static void test_create_changed(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	e = outbox_next(x);
	json_decref(there_create(x, e));
	there_change(ISSUE_PRIORITY, "Highest", "dave");
	outbox_end(x, e, OUTCOME_DELIVERED, json_pack("{s:o}", "read", there_read()), NULL);
	outbox_settle(x);
	assert_int_equal(talk_incident(x, 1).severity, 1);
	assert_int_equal(there.wrote, 0);
}

/* The same, while ours moved on: neither has seen the other, so people are asked; what is resolved
 * is not opened again by a word from before. */
static void test_create_both_moved(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	e = outbox_next(x);
	json_decref(there_create(x, e));
	outbox_end(x, e, OUTCOME_UNKNOWN, NULL, "the connection broke");
	there_change(ISSUE_STATUS, "In Progress", "dave");
	talk_say(x, "#1 resolve rolled back --signal ok --health ok");
	assert_int_equal(talk_incident(x, 1).state, STATE_RESOLVED);
	outbox_wait(x, 60000);
	e = outbox_next(x);
	assert_true(e->verify);
	outbox_end(x, e, OUTCOME_DELIVERED, json_pack("{s:o}", "read", there_read()), NULL);
	outbox_settle(x);
	assert_int_equal(talk_incident(x, 1).state, STATE_RESOLVED);
	assert_true(record_of(x, 1).field[ISSUE_STATUS].conflict.open);
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
}

/* What the tracker did not take at creation is sent again, and is nobody's change. */
static void test_create_partly(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	e = outbox_next(x);
	json_decref(there_create(x, e));
	there.value[ISSUE_PRIORITY] = "Medium";
	outbox_end(x, e, OUTCOME_DELIVERED, json_pack("{s:o}", "read", there_read()), NULL);
	outbox_settle(x);
	assert_int_equal(talk_incident(x, 1).severity, 2);
	assert_string_equal(there.value[ISSUE_PRIORITY], "High");
}

static void test_create_refused(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	e = outbox_next(x);
	outbox_end(x, e, OUTCOME_REFUSED, NULL, "the field “Team” is required");
	outbox_next(x); /* the chat hears of it */
	assert_string_equal(ref_of(x, 1).state, "failed");
	assert_said(x, "the field “Team” is required");
	assert_said(x, "jira.yml");
	assert_said(x, "Try again");
	talk_say(x, "show #1");
	assert_has(x->text, "not created: the field “Team” is required");
	talk_say(x, "#1 update known: nothing yet"); /* needs no comment: the creation tells where
							things stand */
	assert_int_equal(outbox_settle(x), 0);
	talk_press(x, ALICE, "sync", 1, json_pack("{s:b}", "retry", 1));
	outbox_settle(x);
	assert_int_equal(there.created, 1);
	assert_has(there.text, "nothing yet");
	assert_string_equal(ref_of(x, 1).state, "synced");
	talk_say(x, "#1 sync");
	assert_has(x->text, "PAY-123");
	assert_has(x->text, "priority: High");
}

/* ---- writes ---- */

/* A crash, and the next attempt within the same millisecond, since the clock was set back by as much as it
 * waited: it certainly wrote nothing, the one before it may have. */
static void test_two_attempts_at_once(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	declared_with_issue(x);
	talk_say(x, "#1 title card payments fail");
	e = outbox_next(x);
	assert_int_equal(e->kind, EFFECT_ISSUE_SYNC);
	effect_destroy(e);
	assert_int_equal(deliver_recover(&x->desk, &x->err), 0);
	talk_say(x, "#1 sync --retry"); /* in a hurry, but not so much */
	assert_null(outbox_next(x));
	assert_int_equal(effect_set_back(x->store, VERIFY_AFTER_MS, x->clock.manual_ms, &x->err), 0);
	e = outbox_next(x);
	assert_true(e->verify);
	outbox_end(x, e, OUTCOME_RETRY, NULL, "HTTP 503");
	assert_int_equal(record_of(x, 1).field[ISSUE_TITLE].sent_count, 1);
}

/* The write happened, its answer is lost. */
static void test_sync_lost(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	declared_with_issue(x);
	talk_say(x, "#1 mitigating");
	e = outbox_next(x);
	json_decref(there_sync(x, e));
	outbox_end(x, e, OUTCOME_UNKNOWN, NULL, "the connection broke");
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
	talk_say(x, "#1 cancel the probe was broken"); /* ours goes on meanwhile */
	outbox_wait(x, 60000);
	outbox_settle(x);
	assert_string_equal(
		ref_of(x, 1).state, "synced"); /* our own write is no change of theirs */
	assert_int_equal(talk_incident(x, 1).state, STATE_CANCELLED);
	assert_string_equal(there.value[ISSUE_STATUS], "Cancelled");
}

/* A value that was ours once, and arrived, is theirs when somebody there chooses it. */
static void test_arrived_is_over(void **state)
{
	struct talk *x = *state;

	declared_with_issue(x);
	talk_say(x, "#1 investigating");
	outbox_settle(x);
	talk_say(x, "#1 resolve done --signal ok --health ok");
	outbox_settle(x);
	assert_string_equal(there.value[ISSUE_STATUS], "Done");
	there_change(ISSUE_STATUS, "In Progress", "dave");
	there_hint(x);
	outbox_settle(x);
	assert_int_equal(talk_incident(x, 1).state, STATE_INVESTIGATING);
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
}

/* The answer comes when the issue is another one. */
static void test_late_answer(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	declared_with_issue(x);
	talk_say(x, "#1 investigating");
	e = outbox_next(x);
	assert_int_equal(e->kind, EFFECT_ISSUE_SYNC);
	talk_say(x, "#1 unlink jira");
	outbox_wait(x, 1000);
	talk_say(x, "#1 link PAY-200");
	outbox_end(x, e, OUTCOME_DELIVERED, json_pack("{s:o}", "read", there_read()), NULL);
	assert_null(ref_of(x, 1).key);
	there.id = 10200;
	there.name = "PAY-200";
	outbox_settle(x);
	assert_string_equal(ref_of(x, 1).key, "jira:10200");
}

static void test_trouble(void **state)
{
	struct talk *x = *state;
	size_t entries;

	declared_with_issue(x);
	there.refuse[ISSUE_PRIORITY] = "the field is not on the screen";
	talk_say(x, "#1 sev 1 worse");
	outbox_settle(x);
	assert_string_equal(there.value[ISSUE_PRIORITY], "High");
	assert_int_equal(talk_incident(x, 1).severity, 1);
	assert_said(x, "the field is not on the screen");
	talk_say(x, "show #1");
	assert_has(x->text, "the field is not on the screen");
	assert_has_not(x->text, "✓");
	/* Said once, and not tried again by itself. */
	entries = talk_entries(x, 1);
	there.change++;
	there_hint(x);
	outbox_settle(x);
	assert_int_equal(talk_entries(x, 1), entries);
	talk_say(x, "#1 sync");
	assert_has(x->text, "priority could not be written there");
	there.refuse[ISSUE_PRIORITY] = NULL;
	talk_say(x, "#1 sync --retry");
	assert_answered(x, "Trying again");
	outbox_settle(x);
	assert_string_equal(there.value[ISSUE_PRIORITY], "Highest");
	talk_say(x, "show #1");
	assert_has(x->text, "✓");
}

/* An adapter that writes nothing and says nothing must not be asked for ever. */
static void test_silent_adapter(void **state)
{
	struct talk *x = *state;
	struct effect *e;
	int n = 0;

	declared_with_issue(x);
	talk_say(x, "#1 sev 1 worse");
	while ((e = outbox_next(x)) != NULL && ++n < 20)
		outbox_end(x, e, OUTCOME_DELIVERED, json_pack("{s:o}", "read", there_read()), NULL);
	assert_true(n < 4);
	assert_non_null(issue_record_trouble(
		&(struct issue_record){ .field[0] = record_of(x, 1).field[ISSUE_PRIORITY] }));
}

static void test_bad_outcomes(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	declared_with_issue(x);
	for (int n = 0; n < 5; n++) {
		json_t *result = n == 0	  ? NULL
				 : n == 1 ? json_pack("{s:s}", "read", "nonsense")
				 : n == 2 ? json_pack("{s:{s:s, s:s}}", "read", "id", "777", "name",
						    "ALIEN-1")
				 : n == 3 ? json_pack("{s:{s:s, s:n, s:[]}}", "read", "id", "10001",
						    "values", "by")
					  : json_pack("{s:{s:s, s:{s:i, s:s}}, s:{s:i}, s:[n, {}, "
						      "{s:s}, {s:i, s:s}]}",
						    "read", "id", "10001", "values", "status", 7,
						    "title", "\x01", "written", "priority", 3,
						    "comments", "id", "x", "id", -4, "text", "no");

		there.change++;
		there_hint(x);
		e = outbox_next(x);
		assert_non_null(e);
		outbox_end(x, e, OUTCOME_DELIVERED, result, NULL);
	}
	outbox_settle(x);
	assert_string_equal(ref_of(x, 1).key, "jira:10001");
	assert_string_equal(talk_incident(x, 1).title, "checkout is failing");
	assert_int_equal(talk_incident(x, 1).severity, 2);
}

/* ---- back from worse ---- */

/* The tracker is taken out of the configuration, by mistake maybe: what waits goes on waiting. */
static void test_unconfigured(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing");
	talk_say(x, "#1 update known: rolling back");
	x->config->issue.url = NULL;
	assert_null(outbox_next(x));
	outbox_wait(x, 600000);
	assert_null(outbox_next(x));
	talk_say(x, "show #1");
	assert_has(x->text, "2 changes wait for Jira");
	x->config->issue.url = BASE;
	outbox_wait(x, 600000);
	outbox_settle(x);
	assert_int_equal(there.created, 1);
	assert_int_equal(there.commented, 1);
	assert_string_equal(ref_of(x, 1).state, "synced");
}

/* A creation that was lost altogether, and memory that cannot be read. */
static void test_repaired(void **state)
{
	struct talk *x = *state;
	struct reference ref;

	talk_say(x, "declare sev2 checkout is failing");
	talk_forget(x);
	assert_int_equal(outbox_settle(x), 0);
	talk_say(x, "#1 sync --retry");
	assert_answered(x, "Trying again");
	outbox_settle(x);
	assert_int_equal(there.created, 1);
	talk_say(x, "#1 sync --retry");
	assert_answered(x, "nothing to try again");
	ref = ref_of(x, 1);
	ref.synced = "{\"field\":[";
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(reference_put(x->store, &ref, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	talk_say(x, "#1 sev 1 worse");
	assert_int_equal(talk_incident(x, 1).severity, 1);
	there.change++;
	there_hint(x);
	outbox_settle(x);
	assert_string_equal(there.value[ISSUE_PRIORITY], "Highest");
	assert_string_equal(ref_of(x, 1).state, "synced");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_outage),
		TEST(test_create_lost),
		TEST(test_create_changed),
		TEST(test_create_both_moved),
		TEST(test_create_partly),
		TEST(test_create_refused),
		TEST(test_two_attempts_at_once),
		TEST(test_sync_lost),
		TEST(test_arrived_is_over),
		TEST(test_late_answer),
		TEST(test_trouble),
		TEST(test_silent_adapter),
		TEST(test_bad_outcomes),
		TEST(test_unconfigured),
		TEST(test_repaired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
