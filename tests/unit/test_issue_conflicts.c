/*
 * Both sides changed the same field, or a rule forbids to follow: people are asked, once, and
 * nothing is overwritten until they have answered. With a tracker that is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/audit.h"
#include "support_issue.h"

/* Ours is mitigating, by bob; theirs Cancelled, by dave. */
static void make_conflict(struct talk *x)
{
	declared_with_issue(x);
	talk_say_as(x, BOB, "#1 mitigating");
	there_change(ISSUE_STATUS, "Cancelled", "dave");
	there_hint(x);
	outbox_settle(x);
}

static void test_conflict_keep(void **state)
{
	struct talk *x = *state;

	make_conflict(x);
	assert_string_equal(ref_of(x, 1).state, "conflict");
	assert_string_equal(there.value[ISSUE_STATUS], "Cancelled"); /* nothing is overwritten */
	assert_int_equal(talk_incident(x, 1).state, STATE_MITIGATING);
	assert_said(x, "Jira says Cancelled (by @dave");
	assert_said(x, "we say mitigating (by @bob");
	assert_true(record_of(x, 1).field[ISSUE_STATUS].conflict.open);
	talk_say(x, "show #1");
	assert_has(x->text, "conflict: status");
	/* It is said once. */
	talk_say(x, "#1 sev 1 worse");
	outbox_settle(x);
	assert_string_equal(there.value[ISSUE_STATUS], "Cancelled");
	assert_string_equal(there.value[ISSUE_PRIORITY], "Highest");
	talk_press(x, ALICE, "settle", 1,
		json_pack("{s:s, s:s, s:s}", "field", "status", "side", "ours", "theirs",
			"Cancelled"));
	assert_answered(x, "Ours is kept");
	outbox_settle(x);
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_said(x, "keeps ours");
	talk_say(x, "#1 settle status ours");
	assert_refused(x, "conflict", "no conflict");
}

static void test_conflict_take(void **state)
{
	struct talk *x = *state;
	int wrote;

	make_conflict(x);
	wrote = there.wrote;
	/* Jira has moved on since the button was made. */
	talk_press(x, ALICE, "settle", 1,
		json_pack("{s:s, s:s, s:s}", "field", "status", "side", "jira", "theirs", "Done"));
	assert_refused(x, "conflict", "moved on");
	talk_say(x, "#1 settle status jira");
	assert_answered(x, "cancelled");
	assert_int_equal(talk_incident(x, 1).state, STATE_CANCELLED);
	outbox_settle(x);
	assert_int_equal(there.wrote, wrote);
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_said(x, "takes Jira's");
}

static void test_conflict_ends_there(void **state)
{
	struct talk *x = *state;

	make_conflict(x);
	there_change(ISSUE_STATUS, "To Do", "dave"); /* as it was */
	there_hint(x);
	outbox_settle(x);
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_said(x, "Jira is back at To Do");
}

static void test_conflict_ends_here(void **state)
{
	struct talk *x = *state;

	make_conflict(x);
	talk_say(x, "#1 cancel it was the probe");
	outbox_settle(x);
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_said(x, "both say the same now");
}

/* Resolving needs evidence, whoever does it. */
static void test_rule_refuses(void **state)
{
	struct talk *x = *state;
	int64_t count;
	int wrote;

	declared_with_issue(x);
	wrote = there.wrote;
	there_change(ISSUE_STATUS, "Done", "dave");
	there_hint(x);
	outbox_settle(x);
	assert_int_equal(talk_incident(x, 1).state, STATE_TRIAGE);
	assert_string_equal(ref_of(x, 1).state, "conflict");
	assert_said(x, "It was not followed");
	assert_said(x, "\"label\":\"Resolve\"");
	there.change++; /* of something else */
	there_hint(x);
	outbox_settle(x);
	assert_string_equal(there.value[ISSUE_STATUS], "Done");
	assert_string_equal(ref_of(x, 1).state, "conflict");
	talk_say(x, "#1 settle status jira");
	assert_refused(x, "policy", "--signal");
	/* What was undone within left no mark in the chain of the audit. */
	assert_int_equal(audit_verify(x->store, &count, &x->err), 0);
	assert_true(count > 0);
	talk_say(x, "#1 resolve rolled back --signal ok --health ok");
	outbox_settle(x);
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_int_equal(there.wrote, wrote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_conflict_keep),
		TEST(test_conflict_take),
		TEST(test_conflict_ends_there),
		TEST(test_conflict_ends_here),
		TEST(test_rule_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
