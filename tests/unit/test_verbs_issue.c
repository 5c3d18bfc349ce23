/* The verbs link, unlink, settle and title, with a tracker that is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support_issue.h"

static void test_link(void **state)
{
	struct talk *x = *state;

	there.value[ISSUE_TITLE] = "Payments are slow";
	there.value[ISSUE_PRIORITY] = "Low";
	there.value[ISSUE_STATUS] = "To Do";
	there_comment(900, "dave", "from before");
	talk_say(x, "declare sev3 checkout is failing");
	talk_say(x, "#1 investigating");
	assert_false(has_ref(x, 1));
	talk_say(x, "#1 link https://elsewhere.example/browse/PAY-123");
	assert_refused(x, "usage", "no issue of the tracker");
	talk_say(x, "#1 link PAY-");
	assert_refused(x, "usage", "PAY-123");
	talk_say(x, "#1 link " BASE "browse/pay-123?focusedId=1234567890123456789");
	assert_answered(x, "is being linked to PAY-123");
	talk_say(x, "#1 link PAY-5");
	assert_refused(x, "conflict", "already");
	outbox_settle(x);
	assert_string_equal(ref_of(x, 1).key, "jira:10001");
	/* Both titles stay; status and priority follow the record. */
	assert_string_equal(there.value[ISSUE_TITLE], "Payments are slow");
	assert_string_equal(talk_incident(x, 1).title, "checkout is failing");
	assert_string_equal(there.value[ISSUE_PRIORITY], "Medium");
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
	assert_int_equal(there.created, 0);
	assert_true(there.marked > 0);
	assert_false(was_said(x, "from before"));
	talk_say(x, "declare sev3 something else");
	talk_say(x, "#2 link PAY-123");
	assert_refused(x, "conflict", "another incident");
	/* Under another name it is the same issue still. */
	talk_say(x, "#2 link OLD-1");
	outbox_settle(x);
	assert_string_equal(ref_of(x, 2).state, "failed");
	assert_null(ref_of(x, 2).key);
	assert_string_equal(ref_of(x, 1).key, "jira:10001");
	talk_say(x, "#2 unlink PAY-123");
	assert_refused(x, "conflict", "OLD-1");
	talk_say(x, "#2 unlink OLD-1");
	assert_answered(x, "go their own ways");
	/* Incidents are linked as ever. */
	talk_say(x, "#1 link #2 same cause");
	assert_answered(x, "name each other");
	talk_say(x, "#1 unlink #2");
	assert_answered(x, "name each other no more");
}

static void test_unlink(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	e = outbox_next(x);
	talk_say(x, "#1 unlink jira");
	assert_refused(x, "conflict", "is being created");
	outbox_end(x, e, OUTCOME_DELIVERED, there_create(x, e), NULL);
	outbox_settle(x);
	there.marked = 0;
	talk_say(x, "#1 update known: waits in the lane");
	talk_say(x, "#1 unlink pay-123");
	assert_answered(x, "go their own ways");
	assert_false(has_ref(x, 1));
	outbox_settle(x);
	assert_int_equal(there.marked, -1);
	assert_int_equal(there.commented, 0);
	talk_say(x, "#1 sev 1 worse"); /* nobody wants one */
	there_change(ISSUE_STATUS, "Cancelled", "dave");
	there_hint(x);
	assert_int_equal(outbox_settle(x), 0);
	assert_false(has_ref(x, 1));
	talk_say(x, "#1 unlink jira");
	assert_refused(x, "conflict", "has no issue");
	talk_say(x, "#1 link new");
	outbox_settle(x);
	assert_int_equal(there.created, 2);
}

static void test_settle_refuses(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 a little thing");
	talk_say(x, "#1 settle status ours");
	assert_refused(x, "conflict", "has no issue");
	talk_say(x, "#1 settle colour ours");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	talk_say(x, "#1 settle status");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	x->config->issue.url = NULL;
	talk_say(x, "#1 settle status ours");
	assert_refused(x, "conflict", "has no issue");
	talk_say(x, "#1 link PAY-1");
	assert_refused(x, "usage", "name one as #12");
}

static void test_form(void **state)
{
	struct talk *x = *state;
	char *form;

	declared_with_issue(x);
	talk_say(x, "declare sev3 something else");
	x->forms = true;
	talk_say(x, "#2 link");
	assert_int_equal(x->reply.kind, REPLY_FORM);
	form = json_text(x->arena, x->reply.form);
	assert_has(form, "a new issue in Jira");
	talk_say(x, "#1 unlink");
	form = json_text(x->arena, x->reply.form);
	assert_has(form, "PAY-123");
	talk_submit(x, ALICE, "unlink", 1, json_pack("{s:s}", "from", "jira"));
	assert_answered(x, "go their own ways");
}

static void test_title(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 checkout is failing");
	talk_say(x, "#1 title checkout is failing");
	assert_answered(x, "already");
	talk_say(x, "#1 rename card payments of one bank fail");
	assert_answered(x, "card payments of one bank fail");
	assert_string_equal(talk_incident(x, 1).title, "card payments of one bank fail");
	assert_has(talk_entry(x, 1, 0).text, "checkout is failing");
	talk_say(x, "#1 title");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	talk_press(x, ALICE, "title", 1, json_pack("{s:s}", "title", " \n "));
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	assert_string_equal(talk_incident(x, 1).title, "card payments of one bank fail");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_link),
		TEST(test_unlink),
		TEST(test_settle_refuses),
		TEST(test_form),
		TEST(test_title),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
