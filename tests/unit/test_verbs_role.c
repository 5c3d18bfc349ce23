/* role: take, drop, assign, list; and what is owed while nobody is there (FEATURES D1, D3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "store/people.h"
#include "support_core.h"

static int setup(void **state)
{
	int rc = talk_setup(state);

	if (rc == 0) {
		talk_say(*state, "declare sev2 checkout is failing");
		talk_deliver(*state);
		((struct talk *)*state)->channel = "slack:CINC1";
		((struct talk *)*state)->clock.manual_ms = TALK_START + MINUTE_MS;
	}
	return rc;
}

static void test_take_command(void **state)
{
	struct talk *x = *state;

	talk_press(x, BOB, "role", 1, json_pack("{s:s, s:s}", "do", "take", "role", "commander"));
	assert_answered(x, "You are Incident commander of INC-1");
	assert_has(x->text, "You lead the response and decide");
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), BOB);
	assert_int_equal(talk_incident(x, 1).acknowledged_at, TALK_START + MINUTE_MS);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_RESPOND).state, PROMISE_KEPT);
	/* Communications is still free: the roles stay owed. */
	assert_int_equal(talk_promise(x, 1, PROMISE_ROLES).due_at, TALK_START + 5 * MINUTE_MS);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"),
		"Incident commander of INC-1 is @bob now");
	/* Told in the answer, so not a second time; the announcement shows the commander. */
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, NULL, NULL), 0);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_EDIT, "announce", NULL), 1);
	struct timeline_entry e = talk_entry(x, 1, 0);
	assert_int_equal(e.kind, ENTRY_RESPONSIBILITY);
	assert_string_equal(e.text, "Incident commander: @bob");
}

static void test_roles_promise_is_kept(void **state)
{
	struct talk *x = *state;

	talk_say(x, "take ic");
	talk_say(x, "take comms");
	assert_int_equal(talk_promise(x, 1, PROMISE_ROLES).due_at, 0);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_ROLES).state, PROMISE_KEPT);
	talk_say(x, "drop comms");
	assert_int_equal(talk_promise(x, 1, PROMISE_ROLES).due_at, TALK_START + 6 * MINUTE_MS);
}

/* A policy without a communications lead: the commander is enough. */
static void test_roles_of_policy(void **state)
{
	struct talk *x = *state;

	assert_string_equal(x->config->roles.role[0].key, ROLE_COMMANDER);
	x->config->roles.count = 1;
	talk_say(x, "take ic");
	assert_int_equal(talk_promise_last(x, 1, PROMISE_ROLES).state, PROMISE_KEPT);
	talk_say(x, "show");
	assert_null(talk_button(x, "role"));
}

static void test_roles_are_asked_for(void **state)
{
	struct talk *x = *state;

	talk_say(x, "take ic");
	talk_forget(x);
	talk_pass(x, 5 * MINUTE_MS);
	const char *said = talk_said(x, EFFECT_MESSAGE_POST, "incident");
	assert_has(said, "Nobody has these roles on INC-1 yet: operations, communications, scribe");
}

static void test_assign(void **state)
{
	struct talk *x = *state;
	struct effect_row *row;

	talk_say(x, "ops @bob");
	assert_answered(x, "@bob is Operations lead of INC-1 and is being told what it is for");
	assert_string_equal(talk_role(x, 1, ROLE_OPERATIONS), BOB);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, BOB, &row), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, BOB),
		"You are Operations lead of INC-1, checkout is failing (SEV2)");
	assert_has(
		talk_said(x, EFFECT_MESSAGE_PRIVATE, BOB), "You find the fault and undo the harm");
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_INVITE, NULL, &row), 1);
	assert_has(row[0].payload, BOB);
	/* Only the commander stands in the announcement. */
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_EDIT, "announce", NULL), 0);
	assert_string_equal(talk_entry(x, 1, 0).text, "Operations lead: @bob, assigned by @alice");
	talk_forget(x);

	talk_say(x, "assign ops @carol");
	assert_answered(x, "@carol is Operations lead of INC-1, from @bob");
	assert_string_equal(talk_role(x, 1, ROLE_OPERATIONS), CAROL);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "is @carol now, from @bob");
	talk_say(x, "assign ops @carol");
	assert_answered(x, "already; nothing was changed");
	talk_say(x, "role assign scribe <@UDAVE>");
	assert_answered(x, "is Scribe of INC-1");
	assert_int_equal(talk_effects(x, EFFECT_PERSON_FETCH, NULL, NULL), 1);
}

/* Whom the chat names is called so at once; whom it does not name, as soon as they were looked up. */
static void test_strangers(void **state)
{
	struct talk *x = *state;
	struct effect_row *row;
	struct person erin = { .key = "slack:U0ERIN", .name = "erin" };

	talk_forget(x);
	talk_say(x, "assign ops <@U0DAVE|dave>");
	assert_answered(x, "@dave is Operations lead of INC-1");
	assert_string_equal(talk_entry(x, 1, 0).text, "Operations lead: @dave, assigned by @alice");
	assert_int_equal(talk_effects(x, EFFECT_PERSON_FETCH, NULL, &row), 1);
	assert_string_equal(row[0].to, "slack:U0DAVE");
	/* A label is no way to rename somebody, and nobody is asked for twice. */
	talk_say(x, "assign scribe <@U0DAVE|mallory>");
	assert_answered(x, "@dave is Scribe of INC-1");
	assert_int_equal(talk_effects(x, EFFECT_PERSON_FETCH, NULL, NULL), 1);

	talk_say(x, "assign comms <@U0ERIN>");
	assert_int_equal(talk_effects(x, EFFECT_PERSON_FETCH, NULL, NULL), 2);
	assert_has(talk_entry(x, 1, 0).text, "Communications lead: @U0ERIN");
	assert_int_equal(person_put(x->store, &erin, &x->err), 0);
	talk_say(x, "timeline");
	assert_answered(x, "Communications lead: @erin, assigned by @alice");
	assert_has_not(x->text, "U0ERIN");
	talk_say(x, "note mail to ops@U0ERIN.example, @U0NOBODY and @U0ERINx");
	talk_say(x, "timeline");
	assert_answered(x, "mail to ops@U0ERIN.example, @U0NOBODY and @U0ERINx");
}

static void test_taken_is_not_taken_away(void **state)
{
	struct talk *x = *state;

	talk_say(x, "take ops");
	talk_forget(x);
	talk_say_as(x, BOB, "take ops");
	assert_refused(x, "conflict", "@alice is Operations lead of INC-1; nothing was changed");
	assert_has(x->text, "/inc assign #1 operations me");
	assert_string_equal(talk_role(x, 1, ROLE_OPERATIONS), ALICE);
	talk_say_as(x, BOB, "assign #1 operations me");
	assert_answered(x, "You are Operations lead of INC-1, from @alice");
	talk_say_as(x, BOB, "take ops");
	assert_answered(x, "already; nothing was changed");
}

static void test_drop(void **state)
{
	struct talk *x = *state;

	talk_say(x, "ic me");
	talk_forget(x);
	talk_say(x, "drop ic");
	assert_answered(x, "Nobody is Incident commander of INC-1 now");
	assert_null(talk_role(x, 1, ROLE_COMMANDER));
	const char *said = talk_said(x, EFFECT_MESSAGE_POST, "incident");
	assert_has(said, "@alice gave up Incident commander of INC-1; nobody holds it now");
	assert_string_equal(
		talk_entry(x, 1, 0).text, "Incident commander: @alice gave it up, nobody now");
	talk_say(x, "release ic");
	assert_answered(x, "Nobody is Incident commander of INC-1; nothing was changed");
	talk_say(x, "ic @bob");
	talk_say(x, "drop ic");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "(taken off by @alice)");
}

static void test_list_and_ask(void **state)
{
	struct talk *x = *state;

	talk_say(x, "scribe @bob");
	talk_say(x, "roles");
	assert_answered(x, "Roles on INC-1, checkout is failing");
	assert_has(x->text, "Scribe: @bob");
	assert_has(x->text, "Incident commander: nobody");
	assert_string_equal(talk_button(x, "role"), "Take command");
	talk_say(x, "ic");
	assert_answered(x, "Incident commander of INC-1: nobody yet. You lead the response");
	assert_null(talk_role(x, 1, ROLE_COMMANDER));
	talk_say(x, "take");
	assert_refused(x, "usage", "name the role");
	talk_say(x, "assign ops");
	assert_refused(x, "usage", "whom?");
	talk_say(x, "assign @bob");
	assert_refused(x, "usage", "name the role");
	talk_say(x, "ic @nobody-knows");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	talk_say(x, "take juggler");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, NULL, NULL), 1);
}

static void test_after_reopening(void **state)
{
	struct talk *x = *state;

	talk_say(x, "take ic");
	talk_say(x, "take comms");
	talk_say(x, "resolve --not-verified \"no traffic\"");
	talk_say(x, "reopen it is back");
	/* Both are still there: nobody is asked for. */
	assert_int_equal(talk_promise(x, 1, PROMISE_ROLES).due_at, 0);
	talk_say(x, "drop ic");
	assert_int_not_equal(talk_promise(x, 1, PROMISE_ROLES).due_at, 0);
}

static void test_after_the_end(void **state)
{
	struct talk *x = *state;

	talk_say(x, "resolve --not-verified \"no traffic\"");
	talk_say(x, "take comms");
	assert_answered(x, "You are Communications lead");
	assert_int_equal(talk_timers(x, 1), 0);
	talk_say(x, "drop comms");
	assert_int_equal(talk_timers(x, 1), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_take_command),
		TEST(test_roles_promise_is_kept),
		TEST(test_roles_of_policy),
		TEST(test_roles_are_asked_for),
		TEST(test_assign),
		TEST(test_strangers),
		TEST(test_taken_is_not_taken_away),
		TEST(test_drop),
		TEST(test_list_and_ask),
		TEST(test_after_reopening),
		TEST(test_after_the_end),
	};

	return cmocka_run_group_tests_name("verbs: role", tests, NULL, NULL);
}
