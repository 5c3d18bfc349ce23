/* People who follow from outside, and wording for customers, which goes out only when it was
 * confirmed (FEATURES E7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/audit.h"
#include "support_core.h"

#define DAVE "slack:UDAVE"
#define ERIN "slack:UERIN"

static void opened(struct talk *x, const char *words)
{
	talk_say(x, words);
	talk_deliver(x);
}

static size_t told(struct talk *x, const char *person)
{
	return talk_effects(x, EFFECT_MESSAGE_PRIVATE, person, NULL);
}

/* ---- subscriptions ---- */

static void test_follow_one(void **state)
{
	struct talk *x = *state;

	opened(x, "declare sev2 checkout is failing");
	talk_say_as(x, DAVE, "subscribe");
	assert_answered(x, "You follow nothing");
	talk_say_as(x, DAVE, "subscribe #1");
	assert_answered(x, "You follow INC-1 now");
	assert_has(x->text, "/inc unsubscribe #1");
	talk_say_as(x, DAVE, "subscribe #1");
	assert_answered(x, "You follow INC-1 already");
	talk_forget(x);
	talk_say(x, "#1 update rolling back v2.31. in 20m");
	assert_int_equal(told(x, NULL), 1);
	const char *said = talk_said(x, EFFECT_MESSAGE_PRIVATE, DAVE);
	assert_has(said, "Known: rolling back v2.31");
	assert_has(said, "You follow INC-1. To stop: /inc unsubscribe #1");
	assert_has(said, "Unsubscribe");
	talk_forget(x);
	talk_say(x, "#1 sev 1 it spreads");
	assert_int_equal(told(x, DAVE), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, DAVE),
		"INC-1 checkout is failing is SEV1 now, was SEV2: it spreads");
	talk_forget(x);
	/* Nobody is told what they have written. */
	talk_say_as(x, DAVE, "#1 update looking myself");
	assert_int_equal(told(x, DAVE), 0);
	talk_say(x, "#1 note a detail");
	talk_say(x, "#1 identified bad config");
	assert_int_equal(told(x, DAVE), 0);
	talk_say(x, "#1 resolve rolled back --signal works --health green");
	assert_int_equal(told(x, DAVE), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, DAVE), "works");
	talk_forget(x);
	talk_say(x, "#1 reopen it is back");
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, DAVE), "INC-1 is open again");
	talk_forget(x);
	talk_say_as(x, DAVE, "unsubscribe #1");
	assert_answered(x, "You do not follow INC-1 any more");
	talk_say_as(x, DAVE, "unsubscribe #1");
	assert_refused(x, "conflict", "You do not follow INC-1; nothing was changed");
	talk_say(x, "#1 update still there");
	assert_int_equal(told(x, NULL), 0);
}

static void test_each_once_by_any_topic(void **state)
{
	struct talk *x = *state;

	talk_say_as(x, DAVE, "subscribe --service Checkout");
	assert_answered(x, "You follow service checkout now");
	talk_say_as(x, DAVE, "subscribe --all");
	talk_say_as(x, ERIN, "follow service:checkout");
	opened(x, "declare sev2 checkout is failing --service Checkout,payments");
	talk_say_as(x, DAVE, "subscribe #1");
	talk_forget(x);
	talk_say(x, "#1 update on it");
	assert_int_equal(told(x, DAVE), 1);
	assert_int_equal(told(x, ERIN), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, DAVE),
		"You follow every incident. To stop: /inc unsubscribe --all");
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, ERIN),
		"You follow service checkout. To stop: /inc unsubscribe --service checkout");
	talk_say_as(x, DAVE, "subscribe");
	assert_has(x->text, "every incident");
	assert_has(x->text, "service checkout");
	assert_has(x->text, "INC-1");
	/* The buttons of the list carry what they end. */
	talk_press(x, DAVE, "unsubscribe", 0, json_pack("{s:b}", "all", 1));
	talk_press(x, DAVE, "unsubscribe", 0, json_pack("{s:s}", "service", "checkout"));
	talk_press(x, DAVE, "unsubscribe", 1, NULL);
	talk_say_as(x, DAVE, "subscriptions");
	assert_answered(x, "You follow nothing");
	/* Another service is none of theirs. */
	talk_forget(x);
	opened(x, "declare sev2 search is slow --service search");
	talk_say(x, "#2 update on it");
	assert_int_equal(told(x, NULL), 0);
}

static void test_in_its_channel(void **state)
{
	struct talk *x = *state;

	opened(x, "declare sev2 checkout is failing");
	x->channel = "slack:CINC1";
	talk_say_as(x, DAVE, "subscribe");
	assert_answered(x, "You follow INC-1 now");
	talk_say_as(x, DAVE, "unsubscribe");
	assert_answered(x, "You do not follow INC-1 any more");
	talk_say_as(x, DAVE, "subscribe #99");
	assert_refused(x, "not_found", "There is no INC-99");
}

static void test_a_protected_one_tells_nobody_outside(void **state)
{
	struct talk *x = *state;
	const char *number;

	talk_say_as(x, DAVE, "subscribe --all");
	talk_say_as(x, BOB, "subscribe --all");
	opened(x, "declare sev3 a leak");
	talk_say_as(x, DAVE, "subscribe #1");
	talk_say(x, "#1 protect it holds customer data");
	talk_say(x, "#1 grant @bob");
	talk_deliver(x);
	talk_forget(x);
	talk_say(x, "#1 update closing the hole");
	assert_int_equal(told(x, BOB), 1);
	assert_int_equal(told(x, DAVE), 0);
	talk_say(x, "#1 sev 1 worse");
	assert_int_equal(told(x, DAVE), 0);
	talk_say_as(x, DAVE, "subscribe");
	assert_has_not(x->text, "INC-1");
	talk_say_as(x, DAVE, "unsubscribe #1");
	number = arena_strdup(x->arena, x->text);
	talk_say_as(x, DAVE, "unsubscribe #9");
	/* As one that does not exist, but for its number. */
	assert_int_equal(strlen(number), strlen(x->text));
	assert_has(number, "There is no INC-1");
	talk_say(x, "#1 customer all is well");
	assert_refused(x, "policy", "protected");
}

/* ---- customers ---- */

static void staffed(struct talk *x)
{
	opened(x, "declare sev2 checkout is failing");
	x->channel = "slack:CINC1";
	talk_say(x, "assign ic @bob");
	talk_say(x, "assign comms @carol");
	talk_deliver(x);
	talk_forget(x);
}

static const char *press(struct talk *x, const char *who, const char *what, int64_t note)
{
	return talk_press(x, who, "customer", 1, json_pack("{s:I}", what, (json_int_t)note));
}

static size_t announced(struct talk *x)
{
	return talk_effects(x, EFFECT_MESSAGE_POST, "announce", NULL);
}

static void test_only_the_lead_confirms(void **state)
{
	struct talk *x = *state;
	size_t before;

	staffed(x);
	before = talk_entries(x, 1);
	talk_say(x, "customer Some payments fail. We are on it.");
	assert_answered(x, "Nothing was sent yet: @carol confirms it first");
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, CAROL), "Some payments fail. We are on it.");
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, CAROL), "[Confirm and send] [Drop]");
	/* Never by itself. */
	talk_pass(x, 20 * MINUTE_MS);
	assert_int_equal(talk_entries(x, 1), before);
	talk_forget(x);
	press(x, ALICE, "confirm", 1);
	assert_refused(x, "forbidden", "confirmed by @carol, who is communications lead");
	/* The commander neither, while there is somebody for communications. */
	press(x, BOB, "confirm", 1);
	assert_refused(x, "forbidden", "confirmed by @carol");
	press(x, ALICE, "drop", 1);
	assert_refused(x, "forbidden", "Nothing was sent");
	assert_int_equal(announced(x), 0);
	press(x, CAROL, "confirm", 1);
	assert_answered(x, "Confirmed; it goes under the announcement");
	assert_int_equal(announced(x), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "announce"), "For customers");
	assert_has_not(talk_said(x, EFFECT_MESSAGE_POST, "announce"), "INC-1");
	assert_int_equal(talk_entry(x, 1, 0).kind, ENTRY_COMMUNICATION);
	assert_string_equal(talk_entry(x, 1, 0).text,
		"told to customers, drafted by @alice, confirmed by @carol: Some payments fail. We "
		"are on it.");
	press(x, CAROL, "confirm", 1);
	assert_refused(x, "conflict", "was confirmed by @carol");
	press(x, CAROL, "drop", 1);
	assert_refused(x, "conflict", "nothing was sent again");
	assert_int_equal(announced(x), 1);
}

static void test_dropped(void **state)
{
	struct talk *x = *state;

	staffed(x);
	talk_say(x, "customer We are all doomed");
	talk_forget(x);
	press(x, CAROL, "drop", 1);
	assert_answered(x, "Dropped; nothing was sent");
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, ALICE), "@carol dropped your wording");
	press(x, CAROL, "confirm", 1);
	assert_refused(x, "conflict", "was dropped; nothing was sent");
	press(x, CAROL, "confirm", 7);
	assert_refused(x, "not_found", "no wording 7");
	assert_int_equal(announced(x), 0);
	assert_has(talk_entry(x, 1, 0).text, "wording for customers by @alice was dropped");
}

/* One incident's lead does not decide for another. */
static void test_of_another_incident(void **state)
{
	struct talk *x = *state;

	staffed(x);
	talk_say(x, "customer Some payments fail");
	x->channel = NULL;
	opened(x, "declare sev3 search is slow");
	talk_say(x, "#2 take comms");
	talk_forget(x);
	talk_press(x, ALICE, "customer", 2, json_pack("{s:i}", "confirm", 1));
	assert_refused(x, "not_found", "INC-2 has no wording 1");
	assert_int_equal(announced(x), 0);
}

static void test_nobody_leads(void **state)
{
	struct talk *x = *state;

	opened(x, "declare sev2 checkout is failing");
	x->channel = "slack:CINC1";
	talk_forget(x);
	talk_say(x, "customer Some payments fail");
	assert_answered(x, "whoever takes communications or command");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "nobody is communications lead");
	press(x, ALICE, "confirm", 1);
	assert_refused(x, "forbidden", "nobody is communications lead yet");
	/* The commander where nobody else is; their own draft needs no message. */
	talk_say(x, "take ic");
	talk_forget(x);
	talk_say(x, "customer Some card payments fail");
	assert_answered(x, "Some card payments fail");
	assert_string_equal(talk_button(x, "customer"), "Confirm and send");
	assert_int_equal(told(x, NULL), 0);
	press(x, ALICE, "confirm", 2);
	assert_answered(x, "Confirmed");
	assert_has(talk_entry(x, 1, 0).text, "drafted by @alice, confirmed by @alice");
}

static void test_a_channel_of_their_own(void **state)
{
	struct talk *x = *state;

	staffed(x);
	x->config->slack.customer_channel = "#status";
	talk_say(x, "customer \"<@UBOB> found it in INC-1\"");
	talk_forget(x);
	press(x, CAROL, "confirm", 1);
	assert_answered(x, "to the channel for customers");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "#status", NULL), 1);
	assert_int_equal(announced(x), 0);
	struct effect_row *row;
	talk_effects(x, EFFECT_MESSAGE_POST, "#status", &row);
	/* No mark that would call somebody; the rest as it was written. */
	assert_null(strstr(row[0].payload, "\\u0001"));
	assert_has(row[0].payload, "found it in INC-1");
	assert_has_not(row[0].payload, "For customers");
	assert_has_not(row[0].payload, "UBOB");
}

static void test_admins_may(void **state)
{
	struct talk *x = *state;
	struct access_policy *p = &x->config->access;

	staffed(x);
	talk_say(x, "customer Some payments fail");
	p->binding[p->binding_count++] = (struct access_binding){ .role = "admin", .person = ERIN };
	press(x, ERIN, "confirm", 1);
	assert_answered(x, "Confirmed");
	talk_say(x, "customer");
	assert_refused(x, "usage", "say what customers should read");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, talk_setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_follow_one),
		TEST(test_each_once_by_any_topic),
		TEST(test_in_its_channel),
		TEST(test_a_protected_one_tells_nobody_outside),
		TEST(test_only_the_lead_confirms),
		TEST(test_dropped),
		TEST(test_of_another_incident),
		TEST(test_nobody_leads),
		TEST(test_a_channel_of_their_own),
		TEST(test_admins_may),
	};

	return cmocka_run_group_tests_name("verbs: subscribe, customer", tests, NULL, NULL);
}
