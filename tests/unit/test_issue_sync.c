/*
 * The issue of an incident is made, and each side follows the other (FEATURES H1–H5, H8–H10),
 * with a tracker that is not there: what goes out, what comes in, and what is kept from it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support_issue.h"

/* ---- out ---- */

static void test_created(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing --service shop");
	assert_string_equal(ref_of(x, 1).state, "pending");
	talk_say(x, "show #1");
	assert_has(x->text, "not created yet");
	outbox_settle(x);
	assert_int_equal(there.created, 1);
	assert_string_equal(there.value[ISSUE_TITLE], "checkout is failing");
	assert_string_equal(there.value[ISSUE_PRIORITY], "High");
	assert_string_equal(there.value[ISSUE_STATUS], "To Do");
	assert_has(there.text, "Service: shop");
	assert_string_equal(ref_of(x, 1).key, "jira:10001");
	assert_string_equal(ref_of(x, 1).url, BASE "browse/PAY-123");
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_int_equal(there.wrote, 0); /* all was in step with the creation */
	assert_int_equal(there.marked > 0, 1);
	talk_say(x, "show #1");
	assert_has(x->text, "PAY-123");
	assert_has(x->text, "✓");
}

static void test_not_wanted(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 a little thing");
	assert_false(has_ref(x, 1));
	talk_say(x, "#1 sev 2 it grows");
	assert_true(has_ref(x, 1));
	outbox_settle(x);
	assert_int_equal(there.created, 1);
	talk_say(x, "#1 sev 1 it grows");
	outbox_settle(x);
	assert_int_equal(there.created, 1);
	assert_string_equal(there.value[ISSUE_PRIORITY], "Highest");
	x->config->issue.url = NULL;
	talk_say(x, "declare sev1 all is down");
	assert_false(has_ref(x, 2));
}

static void test_ours_goes_out(void **state)
{
	struct talk *x = *state;

	declared_with_issue(x);
	talk_say(x, "#1 mitigating rolling back");
	talk_say(x, "#1 sev 1 worse");
	assert_int_equal(talk_effects(x, EFFECT_ISSUE_SYNC, NULL, NULL), 1); /* one serves both */
	outbox_settle(x);
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
	assert_string_equal(there.value[ISSUE_PRIORITY], "Highest");
	assert_int_equal(there.wrote, 2);
	/* Another of our states with the same status, and back: nothing to send. */
	talk_say(x, "#1 monitoring");
	talk_say(x, "#1 ic @bob");
	outbox_settle(x);
	assert_string_equal(there.value[ISSUE_ASSIGNEE], "acc-bob");
	assert_int_equal(there.wrote, 3);
	there_hint(x);
	outbox_settle(x);
	assert_int_equal(there.wrote, 3);
	talk_say(x, "#1 title card payments of one bank fail");
	assert_answered(x, "card payments");
	outbox_settle(x);
	assert_string_equal(there.value[ISSUE_TITLE], "card payments of one bank fail");
}

/* ---- in ---- */

static void test_theirs_comes_in(void **state)
{
	struct talk *x = *state;
	int wrote;

	declared_with_issue(x);
	wrote = there.wrote;
	there_change(ISSUE_PRIORITY, "Highest", "dave");
	there_change(ISSUE_STATUS, "In Progress", "dave");
	there_hint(x);
	assert_int_equal(outbox_settle(x), 1); /* what is followed need not be told */
	assert_int_equal(talk_incident(x, 1).severity, 1);
	assert_int_equal(talk_incident(x, 1).state, STATE_INVESTIGATING);
	assert_string_equal(talk_entry(x, 1, 0).author, "jira:dave");
	assert_int_equal(there.wrote, wrote); /* no echo */
	there_change(ISSUE_TITLE, "card payments fail", "acc-bob");
	there_hint(x);
	outbox_settle(x);
	assert_string_equal(talk_incident(x, 1).title, "card payments fail");
	assert_string_equal(talk_entry(x, 1, 0).author, BOB); /* the mapped person */
	assert_int_equal(there.wrote, wrote);
	assert_string_equal(ref_of(x, 1).state, "synced");
	/* What is not newer is not even read. */
	there_hint(x);
	assert_int_equal(talk_effects(x, EFFECT_ISSUE_SYNC, NULL, NULL), 0);
}

static void test_no_meaning(void **state)
{
	struct talk *x = *state;
	size_t entries;

	declared_with_issue(x);
	there_change(ISSUE_STATUS, "Waiting for vendor", "dave");
	there_hint(x);
	outbox_settle(x);
	assert_int_equal(talk_incident(x, 1).state, STATE_TRIAGE);
	assert_has(talk_entry(x, 1, 0).text, "Waiting for vendor");
	entries = talk_entries(x, 1);
	there_change(ISSUE_STATUS, "Waiting for vendor", "dave");
	there_hint(x);
	outbox_settle(x);
	assert_int_equal(talk_entries(x, 1), entries); /* once */
	assert_int_equal(there.wrote, 0);
	talk_say(x, "#1 investigating");
	outbox_settle(x);
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
}

static void test_no_right(void **state)
{
	struct talk *x = *state;

	for (size_t i = 0; i < x->config->access.binding_count; i++)
		if (!strcmp(x->config->access.binding[i].person, "jira:*"))
			x->config->access.binding[i].role = "viewer";
	declared_with_issue(x);
	there_change(ISSUE_PRIORITY, "Low", "dave");
	there_hint(x);
	outbox_settle(x);
	assert_int_equal(talk_incident(x, 1).severity, 2);
	assert_said(x, "needs the right incident.write");
	talk_say(x, "#1 settle priority jira");
	assert_answered(x, "SEV4");
	assert_int_equal(talk_incident(x, 1).severity, 4);
}

static void test_assignee(void **state)
{
	struct talk *x = *state;

	declared_with_issue(x);
	there_change(ISSUE_ASSIGNEE, "acc-stranger", "dave");
	there_hint(x);
	outbox_settle(x);
	assert_null(talk_role(x, 1, "commander"));
	assert_has(talk_entry(x, 1, 0).text, "not known here");
	there_change(ISSUE_TITLE, "an evening in the ditch",
		"acc-stranger"); /* known by name from now on */
	there.name_of_stranger = "Dana";
	there_hint(x);
	outbox_settle(x);
	talk_say(x, "sync #1");
	assert_has(x->text, "assignee: @Dana");
	assert_has(x->text, "title: “an evening in the ditch”");
	there_change(ISSUE_ASSIGNEE, "acc-bob", "dave");
	there_hint(x);
	outbox_settle(x);
	assert_string_equal(talk_role(x, 1, "commander"), BOB);
	there_change(ISSUE_ASSIGNEE, "", "dave");
	there_hint(x);
	outbox_settle(x);
	assert_string_equal(talk_role(x, 1, "commander"), BOB);
	assert_int_equal(there.wrote, 0);
	talk_say(x, "#1 ic @carol"); /* without an account: no opinion */
	outbox_settle(x);
	assert_string_equal(there.value[ISSUE_ASSIGNEE], "");
}

/* ---- comments ---- */

static void test_comments(void **state)
{
	struct talk *x = *state;
	size_t entries;

	talk_say(x, "declare sev2 checkout is failing");
	talk_say(x, "#1 update known: rolling back"); /* waits for the creation */
	outbox_settle(x);
	assert_int_equal(there.commented, 1);
	assert_has(there.text, "rolling back");
	entries = talk_entries(x, 1);
	there_comment(501, "sitrep", "rolling back"); /* ours, as it comes back */
	there_comment(777, "dave", "the vendor is \x07 on it");
	there_comment(778, "dave", "");
	there_hint(x);
	outbox_settle(x);
	assert_int_equal(talk_entries(x, 1), entries + 1);
	assert_string_equal(talk_entry(x, 1, 0).text, "in PAY-123: the vendor is  on it");
	assert_string_equal(talk_entry(x, 1, 0).author, "jira:dave");
	assert_said(x, "@dave in ");
	/* Read again, they are not told again. */
	there.change++;
	there_hint(x);
	outbox_settle(x);
	assert_int_equal(talk_entries(x, 1), entries + 1);
	assert_int_equal(there.commented, 1);
	talk_say(x, "#1 resolve done --signal ok --health ok");
	outbox_settle(x);
	assert_int_equal(there.commented, 2);
	assert_string_equal(there.value[ISSUE_STATUS], "Done");
	/* Reopened there: the comment would be an echo. */
	there_change(ISSUE_STATUS, "In Progress", "dave");
	there_hint(x);
	outbox_settle(x);
	assert_int_equal(talk_incident(x, 1).state, STATE_INVESTIGATING);
	assert_int_equal(there.commented, 2);
}

/* {read, comments [one], comments_left}: ours or theirs, it was read up to 600, and 700 is the newest. */
static json_t *many_comments(int id)
{
	return json_pack("{s:o, s:[{s:o, s:s, s:s, s:s}], s:{s:i, s:i}}", "read", there_read(), "comments", "id",
		json_sprintf("%d", id), "author", "dave", "name", "dave", "text", "one of many", "comments_left", "upto",
		600, "newest", 700);
}

/* More than one outcome tells: the rest is asked for at once, and not for ever where it does not go on. */
static void test_many_comments(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	declared_with_issue(x);
	there.change++;
	there_hint(x);
	e = outbox_next(x);
	assert_non_null(e);
	outbox_end(x, e, OUTCOME_DELIVERED, many_comments(501), NULL);
	assert_int_equal(record_of(x, 1).comment, 600);
	e = outbox_next(x);
	assert_non_null(e);
	assert_int_equal(e->kind, EFFECT_ISSUE_SYNC);
	assert_int_equal(json_get_int(e->payload, "comment_after", 0), 600);
	outbox_end(x, e, OUTCOME_DELIVERED, many_comments(502), NULL);
	assert_null(outbox_next(x));
	assert_int_equal(record_of(x, 1).comment, 600);
}

/* What stood there before is not told, however much it is. */
static void test_many_comments_of_one_that_is_linked(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	declared_with_issue(x);
	talk_say(x, "#1 unlink jira");
	outbox_settle(x);
	outbox_wait(x, 1000);
	there.id = 10200;
	there.name = "PAY-200";
	talk_say(x, "#1 link PAY-200");
	e = outbox_next(x);
	assert_non_null(e);
	assert_int_equal(e->kind, EFFECT_ISSUE_SYNC);
	outbox_end(x, e, OUTCOME_DELIVERED, many_comments(501), NULL);
	assert_string_equal(ref_of(x, 1).key, "jira:10200");
	assert_int_equal(record_of(x, 1).comment, 700);
	assert_false(was_said(x, "one of many"));
}

/* ---- gone, moved, twice ---- */

static void test_gone(void **state)
{
	struct talk *x = *state;

	declared_with_issue(x);
	there.gone = true;
	there_hint(x);
	there_change(ISSUE_STATUS, "To Do", NULL);
	there_hint(x);
	outbox_settle(x);
	assert_string_equal(ref_of(x, 1).state, "failed");
	assert_said(x, "PAY-123 is gone");
	assert_said(x, "Create a new one");
	talk_say(x, "#1 investigating");
	talk_say(x, "#1 update known: it goes on");
	assert_int_equal(outbox_settle(x), 0); /* nothing is sent until somebody decides */
	talk_say(x, "show #1");
	assert_has(x->text, "is gone there");
	there.gone = false;
	there.id = 10002;
	there.name = "PAY-124";
	there.value[ISSUE_STATUS] = "To Do";
	talk_press(x, ALICE, "link", 1, json_pack("{s:s}", "to", "new"));
	assert_answered(x, "is being created");
	outbox_settle(x);
	assert_int_equal(there.created, 2);
	assert_string_equal(ref_of(x, 1).key, "jira:10002");
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
}

static void test_moved_and_twin(void **state)
{
	struct talk *x = *state;

	declared_with_issue(x);
	there.name = "SHOP-9";
	there.twin = true;
	there.change++;
	there_hint(x);
	outbox_settle(x);
	assert_string_equal(record_of(x, 1).name, "SHOP-9");
	assert_string_equal(ref_of(x, 1).url, BASE "browse/SHOP-9");
	assert_string_equal(ref_of(x, 1).key, "jira:10001");
	assert_has(talk_entry(x, 1, 1).text, "PAY-123 was moved in Jira and is SHOP-9 now");
	assert_has(talk_entry(x, 1, 0).text, "a second issue");
	there.change++;
	there_hint(x);
	outbox_settle(x);
	assert_has(talk_entry(x, 1, 0).text, "a second issue"); /* once */
	assert_int_equal(talk_effects(x, EFFECT_ISSUE_SYNC, NULL, NULL), 0);
}

/* ---- protected, merged ---- */

static void test_protected(void **state)
{
	struct talk *x = *state;
	int64_t id;

	talk_say(x, "declare sev2 keys of the bank leaked");
	outbox_settle(x);
	there.marked = 0;
	talk_say(x, "#1 update known: waits in the lane");
	talk_say(x, "#1 protect it is a breach");
	assert_answered(x, "cannot be taken back");
	talk_say(x, "#1 mitigating");
	talk_say(x, "#1 update known: the vault is closed");
	outbox_settle(x);
	assert_string_equal(there.value[ISSUE_TITLE], "Protected incident INC-1");
	assert_string_equal(there.value[ISSUE_STATUS], "To Do");
	assert_int_equal(there.commented, 0);
	assert_int_equal(there.marked, -1);
	/* Theirs is noted, not followed: it is run here only. */
	there_change(ISSUE_TITLE, "what happened to the keys?", "dave");
	there_hint(x);
	outbox_settle(x);
	assert_string_equal(talk_incident(x, 1).title, "keys of the bank leaked");
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_has(talk_entry(x, 1, 0).text, "run here only");
	talk_say(x, "declare sev1 --security somebody is in");
	id = strtoll(strstr(x->text, "INC-") + 4, NULL, 10);
	assert_false(has_ref(x, id));
	talk_say(x, arena_printf(x->arena, "#%lld link new", (long long)id));
	assert_refused(x, "policy", "protected");
}

static void test_protected_bare(void **state)
{
	struct talk *x = *state;

	x->config->issue.protected = ISSUE_PROTECTED_BARE;
	talk_say(x, "declare sev1 --security somebody is in --service vault");
	outbox_settle(x);
	assert_int_equal(there.created, 1);
	assert_has(there.value[ISSUE_TITLE], "Protected incident INC-");
	assert_has_not(there.text, "somebody");
	assert_has_not(there.text, "vault");
	assert_string_equal(there.value[ISSUE_PRIORITY], "Highest");
	assert_int_equal(there.marked, 0);
}

static void test_protected_before_creation(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 keys of the bank leaked");
	talk_say(x, "#1 protect it is a breach");
	outbox_settle(x);
	assert_int_equal(there.created, 0);
	assert_false(has_ref(x, 1));
}

static void test_merged(void **state)
{
	struct talk *x = *state;

	declared_with_issue(x);
	talk_say(x, "declare sev3 the shop is slow");
	talk_say(x, "#1 merge #2");
	outbox_settle(x);
	assert_int_equal(there.commented, 1);
	assert_has(there.text, "merged into INC-2");
	assert_string_equal(there.value[ISSUE_STATUS], "Cancelled");
	there.gone = false;
	there_change(ISSUE_STATUS, "In Progress", "dave");
	there_hint(x);
	outbox_settle(x);
	assert_int_equal(talk_incident(x, 1).state, STATE_CANCELLED);
	assert_has(talk_entry(x, 1, 0).text, "goes on as INC-2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_created),
		TEST(test_not_wanted),
		TEST(test_ours_goes_out),
		TEST(test_theirs_comes_in),
		TEST(test_no_meaning),
		TEST(test_no_right),
		TEST(test_assignee),
		TEST(test_comments),
		TEST(test_many_comments),
		TEST(test_many_comments_of_one_that_is_linked),
		TEST(test_gone),
		TEST(test_moved_and_twin),
		TEST(test_protected),
		TEST(test_protected_bare),
		TEST(test_protected_before_creation),
		TEST(test_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
