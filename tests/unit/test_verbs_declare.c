/* declare, show, list, the Home tab: an incident is opened and found again (FEATURES A8, B1, B3,
 * B6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "support_core.h"

static void test_declare_opens(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing for EU customers");
	assert_answered(x, "INC-1 is open, SEV2 → #inc-1-checkout-is-failing-for-eu-customers");
	assert_has(x->text, "first update promised for 14:30");
	assert_has(x->text, "nobody is commander yet");
	assert_has_not(x->text, "No severity was named");
	assert_string_equal(talk_button(x, "role"), "Take command");

	struct incident inc = talk_incident(x, 1);
	assert_string_equal(inc.title, "checkout is failing for EU customers");
	assert_int_equal(inc.severity, 2);
	assert_int_equal(inc.state, STATE_TRIAGE);
	assert_string_equal(inc.reporter, ALICE);
	assert_string_equal(inc.source, "chat");
	assert_int_equal(inc.declared_at, TALK_START);
	assert_int_equal(inc.detected_at, TALK_START);
	assert_int_equal(inc.state_at, TALK_START);
	assert_int_equal(inc.impact_at, 0);
	assert_int_equal(inc.acknowledged_at, 0);
	assert_false(inc.customer_reported);
}

static void test_declare_owes(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing");
	assert_int_equal(talk_promise(x, 1, PROMISE_UPDATE).due_at, TALK_START + 30 * MINUTE_MS);
	assert_int_equal(talk_promise(x, 1, PROMISE_RESPOND).due_at, TALK_START + 15 * MINUTE_MS);
	assert_int_equal(talk_promise(x, 1, PROMISE_RESOLVE).due_at, TALK_START + 4 * HOUR_MS);
	assert_int_equal(talk_promise(x, 1, PROMISE_ROLES).due_at, TALK_START + 5 * MINUTE_MS);
	assert_int_equal(talk_promise(x, 1, PROMISE_CHECKPOINT).due_at, TALK_START + HOUR_MS);
	assert_int_equal(talk_promise(x, 1, PROMISE_STRATEGY).due_at, TALK_START + 2 * HOUR_MS);
	assert_int_equal(talk_timers_named(x, 1, "promise"), 1); /* for all six */

	talk_say(x, "declare sev1 everything is down");
	assert_int_equal(talk_promise(x, 2, PROMISE_UPDATE).due_at, TALK_START + 10 * MINUTE_MS);

	talk_say(x, "declare sev4 a typo on the imprint");
	assert_int_equal(talk_promise(x, 3, PROMISE_RESOLVE).due_at, 0);
	assert_int_equal(talk_promise(x, 3, PROMISE_ROLES).due_at, 0);
	assert_int_equal(talk_promise(x, 3, PROMISE_CHECKPOINT).due_at, 0);
	assert_int_equal(talk_promise(x, 3, PROMISE_STRATEGY).due_at, 0);
}

static void test_declare_is_seen(void **state)
{
	struct talk *x = *state;
	struct effect_row *row;

	talk_say(x, "declare sev2 checkout is failing");
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_OPEN, NULL, &row), 1);
	assert_has(row[0].payload, "\"inc-1-checkout-is-failing\"");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "announce", &row), 1);
	assert_string_equal(row[0].slot, "announcement");
	talk_deliver(x);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, NULL, NULL), 0);
	/* The card was posted and lives in the channel: a change edits it. */
	x->channel = "slack:CINC1";
	talk_say(x, "impact half of EU");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_EDIT, "incident", NULL), 1);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_EDIT, "announce", NULL), 0);
}

static void test_declare_records(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare p1 --service Payments --env PROD --customer --since 13:35 payments "
		    "API answers 5xx --impact \"all card payments\"");
	assert_answered(x, "INC-1");
	struct incident inc = talk_incident(x, 1);
	assert_string_equal(inc.title, "payments API answers 5xx");
	assert_string_equal(inc.services, "payments");
	assert_string_equal(inc.environment, "prod");
	assert_string_equal(inc.impact, "all card payments");
	assert_true(inc.customer_reported);
	assert_int_equal(inc.impact_at, TALK_START - 25 * MINUTE_MS);

	assert_int_equal(talk_entries(x, 1), 2);
	struct timeline_entry detection = talk_entry(x, 1, 1), triage = talk_entry(x, 1, 0);
	assert_int_equal(detection.kind, ENTRY_DETECTION);
	assert_int_equal(detection.happened_at, TALK_START - 25 * MINUTE_MS);
	assert_int_equal(detection.recorded_at, TALK_START);
	assert_string_equal(detection.text, "payments API answers 5xx (reported by a customer)");
	assert_int_equal(triage.kind, ENTRY_TRIAGE);
	assert_string_equal(triage.text, "declared SEV2 by @alice");
}

static void test_declare_without_severity(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare the search page is slow");
	assert_answered(x, "No severity was named, so it is SEV3");
	assert_has(x->text, "/inc sev #1 <level> why");
	assert_non_null(talk_button(x, "severity"));
	assert_int_equal(talk_incident(x, 1).severity, 3);

	talk_say(x, "declare --customer the invoice is wrong");
	assert_answered(x, "so it is SEV2, as a customer reported it");
	assert_int_equal(talk_incident(x, 2).severity, 2);
}

static void test_declare_refuses(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare");
	assert_refused(x, "usage", "/inc declare");
	talk_say(x, "declare sev2");
	assert_refused(x, "usage", "nothing was done");
	talk_say(x, "declare sev2 checkout --since \"2026-03-02 15:00\"");
	assert_refused(x, "usage", "has not come yet");
	talk_say(x, "declare sev2 --since yesterdayish checkout");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	talk_say(x, "declare sev2 --nonsense x checkout");
	assert_refused(x, "usage", "--nonsense");
	int64_t open;
	assert_int_equal(incident_count_open(x->store, NULL, true, &open, &x->err), 0);
	assert_int_equal(open, 0);
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_OPEN, NULL, NULL), 0);
}

static void test_declare_hostile_title(void **state)
{
	struct talk *x = *state;
	char words[1500];

	talk_say(x, "declare sev3 <!channel> @here \001b look\002 <@UBOB|bob> & <script>");
	assert_answered(x, "INC-1 is open");
	const char *title = talk_incident(x, 1).title;
	assert_null(strchr(title, '\001'));
	assert_null(strstr(title, "<!channel>"));
	assert_has(title, "@channel");
	assert_has(title, "@bob");
	assert_has(title, "<script>");

	/* Longer than a title may be: shortened there, whole on the timeline. */
	strcpy(words, "declare sev3 ");
	for (int i = 0; i < 200; i++)
		strcat(words, "wörd ");
	talk_say(x, words);
	assert_answered(x, "INC-2 is open");
	assert_true(strlen(talk_incident(x, 2).title) <= INCIDENT_TITLE_MAX);
	assert_has(talk_incident(x, 2).title, "…");
	assert_true(strlen(talk_entry(x, 2, 1).text) > 1000);
}

static void test_declare_form(void **state)
{
	struct talk *x = *state;

	x->forms = true;
	talk_say(x, "declare");
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_string_equal(json_get_str(x->reply.form, "op"), "declare");
	assert_string_equal(json_get_str(json_at(x->reply.form, "fields.0"), "arg"), "title");
	assert_string_equal(json_get_str(json_at(x->reply.form, "fields.1"), "value"), "sev3");
	talk_submit(x, BOB, "declare", 0,
		json_pack("{s:s, s:s, s:s}", "title", "db is down", "severity", "sev1", "since",
			"14:50"));
	assert_answered(x, "INC-1 is open, SEV1");
	/* Bob is in Berlin, an hour ahead: 14:50 there is 13:50 here. */
	assert_int_equal(talk_incident(x, 1).impact_at, TALK_START - 10 * MINUTE_MS);
	talk_submit(x, BOB, "declare", 0,
		json_pack("{s:s, s:s}", "title", "x", "since", "2027-01-01 00:00"));
	assert_refused(x, "usage", "has not come yet");
	assert_non_null(json_get_str(x->reply.fields, "since"));
}

static void test_show(void **state)
{
	struct talk *x = *state;

	talk_say(x, "show");
	assert_refused(x, "not_found", "No incident is open");
	talk_say(x, "declare sev2 checkout is failing --service shop");
	talk_deliver(x);
	talk_say(x, "ic @bob");
	talk_say(x, "impact 25 % of EU checkouts since 13:50");
	talk_say(x, "update rolling back v2.31. in 20m");
	talk_say(x, "show #1");
	assert_answered(x, "INC-1  checkout is failing");
	assert_has(x->text, "SEV2 · triage");
	assert_has(x->text, "25 % of EU checkouts, since 13:50");
	assert_has(x->text, "@bob");
	assert_has(x->text, "rolling back v2.31");
	assert_has(x->text, "Next update promised for 14:20");
	assert_has(x->text, "Channel");
	assert_string_equal(talk_button(x, "update"), "Update");
	assert_string_equal(talk_button(x, "resolve"), "Resolve");
	assert_string_equal(talk_button(x, "role"), "Take operations");
	assert_has_not(x->text, "wait");
	talk_say(x, "show #7");
	assert_refused(x, "not_found", "There is no INC-7");
}

static void test_card_tells_what_waits(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 checkout is failing");
	talk_say(x, "show #1");
	assert_has_not(x->text, "wait for Slack");
	talk_pass(x, 2 * MINUTE_MS);
	talk_say(x, "show #1");
	assert_has(x->text, "2 changes wait for Slack since 14:00");
}

static void test_list(void **state)
{
	struct talk *x = *state;

	talk_say(x, "list");
	assert_answered(x, "No open incident");
	talk_say(x, "declare sev3 search is slow --service search --env prod");
	talk_say_as(x, BOB, "declare sev1 payments are down --service payments --env prod");
	talk_say(x, "declare sev2 payments lose events --service payments --env staging");
	talk_say(x, "#3 cancel it was the probe");
	talk_say(x, "list");
	assert_answered(x, "2 open incidents");
	assert_has(x->text, "INC-2 SEV1");
	assert_true(strstr(x->text, "INC-2") < strstr(x->text, "INC-1"));
	assert_has_not(x->text, "INC-3");
	talk_say(x, "list sev1 service:payments");
	assert_answered(x, "1 open incident");
	assert_has(x->text, "INC-2");
	talk_say(x, "list env:PROD all");
	assert_answered(x, "2 incidents");
	talk_say(x, "list cancelled");
	assert_answered(x, "1 incident");
	assert_has(x->text, "INC-3");
	talk_say(x, "list lose");
	assert_answered(x, "No open incident fits");
	talk_say(x, "find LOSE payments");
	assert_answered(x, "INC-3");
	talk_say(x, "mine");
	assert_answered(x, "1 open incident of yours");
	assert_has(x->text, "INC-1");
	talk_say_as(x, CAROL, "mine");
	assert_answered(x, "No open incident of yours");
}

static void test_list_by_owner_source_time(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 search is slow");
	talk_pass(x, 2 * HOUR_MS);
	talk_say_as(x, BOB, "declare sev3 payments are slow");
	talk_say(x, "#1 scribe @carol");
	talk_say(x, "list --owner @bob");
	assert_answered(x, "1 open incident");
	assert_has(x->text, "INC-2");
	talk_say(x, "list --owner @carol");
	assert_answered(x, "INC-1");
	assert_has_not(x->text, "INC-2");
	talk_say(x, "list source:chat");
	assert_answered(x, "2 open incidents");
	talk_say(x, "list --source alert");
	assert_answered(x, "No open incident fits");
	talk_say(x, "list --since 15:00");
	assert_answered(x, "1 open incident");
	assert_has(x->text, "INC-2");
	talk_say(x, "list --until 15:00");
	assert_answered(x, "INC-1");
	assert_has_not(x->text, "INC-2");
}

static void test_list_pages(void **state)
{
	struct talk *x = *state;

	for (int i = 0; i < 23; i++)
		talk_say(x, "declare sev3 one of many");
	talk_say(x, "list many");
	assert_answered(x, "23 open incidents");
	assert_has(x->text, "INC-23 ");
	assert_has(x->text, "INC-14 ");
	assert_has_not(x->text, "INC-13 ");
	assert_string_equal(talk_button(x, "list"), "13 more");
	talk_press(x, ALICE, "list", 0, json_pack("{s:s, s:s}", "page", "2", "text", "many"));
	assert_answered(x, "INC-3 ");
	assert_has_not(x->text, "INC-4 ");
	assert_null(talk_button(x, "list"));
	talk_press(x, ALICE, "list", 0, json_pack("{s:s}", "page", "99999999"));
	assert_int_equal(x->reply.kind, REPLY_MESSAGE);
	talk_press(x, ALICE, "list", 0, json_pack("{s:s}", "page", "-4"));
	assert_answered(x, "INC-23");
}

static void test_home(void **state)
{
	struct talk *x = *state;

	talk_event(x, BOB, "home.opened");
	assert_has(talk_said(x, EFFECT_HOME_SHOW, BOB), "no part in an open incident");
	talk_forget(x);
	talk_say(x, "declare sev2 checkout is failing");
	talk_say(x, "take comms");
	talk_say(x, "assign ops @bob");
	talk_event(x, BOB, "home.opened");
	const char *home = talk_said(x, EFFECT_HOME_SHOW, BOB);
	assert_has(home, "INC-1 SEV2 checkout is failing");
	assert_has(home, "you are operations");
	assert_has(home, "next update 14:30");
	talk_event(x, ALICE, "home.opened");
	assert_has(talk_said(x, EFFECT_HOME_SHOW, ALICE), "you are communications");
	talk_pass(x, 40 * MINUTE_MS);
	talk_event(x, BOB, "home.opened");
	assert_has(talk_said(x, EFFECT_HOME_SHOW, BOB), "update overdue since 14:30");
	talk_press(x, BOB, "home.opened", 0, NULL);
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, talk_setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_declare_opens),
		TEST(test_declare_owes),
		TEST(test_declare_is_seen),
		TEST(test_declare_records),
		TEST(test_declare_without_severity),
		TEST(test_declare_refuses),
		TEST(test_declare_hostile_title),
		TEST(test_declare_form),
		TEST(test_show),
		TEST(test_card_tells_what_waits),
		TEST(test_list),
		TEST(test_list_by_owner_source_time),
		TEST(test_list_pages),
		TEST(test_home),
	};

	return cmocka_run_group_tests_name("verbs: declare, show, list", tests, NULL, NULL);
}
