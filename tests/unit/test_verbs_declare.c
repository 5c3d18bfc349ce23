/* declare, show, list, the Home tab: an incident is opened and found again (FEATURES A8, B1, B3, B6). */
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
	struct core *x = *state;

	core_say(x, "declare sev2 checkout is failing for EU customers");
	assert_answered(x, "INC-1 is open, SEV2 → #inc-1-checkout-is-failing-for-eu-customers");
	assert_has(x->text, "first update promised for 14:30");
	assert_has(x->text, "nobody is commander yet");
	assert_has_not(x->text, "No severity was named");
	assert_string_equal(core_button(x, "role"), "Take command");

	struct incident inc = core_incident(x, 1);
	assert_string_equal(inc.title, "checkout is failing for EU customers");
	assert_int_equal(inc.severity, 2);
	assert_int_equal(inc.state, STATE_TRIAGE);
	assert_string_equal(inc.reporter, ALICE);
	assert_string_equal(inc.source, "chat");
	assert_int_equal(inc.declared_at, CORE_START);
	assert_int_equal(inc.detected_at, CORE_START);
	assert_int_equal(inc.state_at, CORE_START);
	assert_int_equal(inc.impact_at, 0);
	assert_int_equal(inc.acknowledged_at, 0);
	assert_false(inc.customer_reported);
}

static void test_declare_owes(void **state)
{
	struct core *x = *state;

	core_say(x, "declare sev2 checkout is failing");
	assert_int_equal(core_promise(x, 1, PROMISE_UPDATE).due_at, CORE_START + 30 * MINUTE_MS);
	assert_int_equal(core_promise(x, 1, PROMISE_RESPOND).due_at, CORE_START + 15 * MINUTE_MS);
	assert_int_equal(core_promise(x, 1, PROMISE_RESOLVE).due_at, CORE_START + 4 * HOUR_MS);
	assert_int_equal(core_promise(x, 1, PROMISE_ROLES).due_at, CORE_START + 5 * MINUTE_MS);
	assert_int_equal(core_timers(x, 1), 4);

	core_say(x, "declare sev1 everything is down");
	assert_int_equal(core_promise(x, 2, PROMISE_UPDATE).due_at, CORE_START + 10 * MINUTE_MS);

	core_say(x, "declare sev4 a typo on the imprint");
	assert_int_equal(core_promise(x, 3, PROMISE_RESOLVE).due_at, 0);
	assert_int_equal(core_promise(x, 3, PROMISE_ROLES).due_at, 0);
}

static void test_declare_is_seen(void **state)
{
	struct core *x = *state;
	struct effect_row *row;

	core_say(x, "declare sev2 checkout is failing");
	assert_int_equal(core_effects(x, EFFECT_CHANNEL_OPEN, NULL, &row), 1);
	assert_has(row[0].payload, "\"inc-1-checkout-is-failing\"");
	assert_int_equal(core_effects(x, EFFECT_MESSAGE_POST, "announce", &row), 1);
	assert_string_equal(row[0].slot, "announcement");
	core_deliver(x);
	assert_int_equal(core_effects(x, EFFECT_MESSAGE_POST, NULL, NULL), 0);
	/* The card was posted and lives in the channel: a change edits it. */
	x->channel = "slack:CINC1";
	core_say(x, "impact half of EU");
	assert_int_equal(core_effects(x, EFFECT_MESSAGE_EDIT, "incident", NULL), 1);
	assert_int_equal(core_effects(x, EFFECT_MESSAGE_EDIT, "announce", NULL), 0);
}

static void test_declare_records(void **state)
{
	struct core *x = *state;

	core_say(x, "declare p1 --service Payments --env PROD --customer --since 13:35 payments API answers 5xx "
		"--impact \"all card payments\"");
	assert_answered(x, "INC-1");
	struct incident inc = core_incident(x, 1);
	assert_string_equal(inc.title, "payments API answers 5xx");
	assert_string_equal(inc.services, "payments");
	assert_string_equal(inc.environment, "prod");
	assert_string_equal(inc.impact, "all card payments");
	assert_true(inc.customer_reported);
	assert_int_equal(inc.impact_at, CORE_START - 25 * MINUTE_MS);

	assert_int_equal(core_entries(x, 1), 2);
	struct timeline_entry detection = core_entry(x, 1, 1), triage = core_entry(x, 1, 0);
	assert_int_equal(detection.kind, ENTRY_DETECTION);
	assert_int_equal(detection.happened_at, CORE_START - 25 * MINUTE_MS);
	assert_int_equal(detection.recorded_at, CORE_START);
	assert_string_equal(detection.text, "payments API answers 5xx (reported by a customer)");
	assert_int_equal(triage.kind, ENTRY_TRIAGE);
	assert_string_equal(triage.text, "declared SEV2 by @alice");
}

static void test_declare_without_severity(void **state)
{
	struct core *x = *state;

	core_say(x, "declare the search page is slow");
	assert_answered(x, "No severity was named, so it is SEV3");
	assert_has(x->text, "/inc sev #1 <level> why");
	assert_non_null(core_button(x, "severity"));
	assert_int_equal(core_incident(x, 1).severity, 3);

	core_say(x, "declare --customer the invoice is wrong");
	assert_answered(x, "so it is SEV2, as a customer reported it");
	assert_int_equal(core_incident(x, 2).severity, 2);
}

static void test_declare_refuses(void **state)
{
	struct core *x = *state;

	core_say(x, "declare");
	assert_refused(x, "usage", "/inc declare");
	core_say(x, "declare sev2");
	assert_refused(x, "usage", "nothing was done");
	core_say(x, "declare sev2 checkout --since \"2026-03-02 15:00\"");
	assert_refused(x, "usage", "has not come yet");
	core_say(x, "declare sev2 --since yesterdayish checkout");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	core_say(x, "declare sev2 --nonsense x checkout");
	assert_refused(x, "usage", "--nonsense");
	int64_t open;
	assert_int_equal(incident_count_open(x->store, &open, &x->err), 0);
	assert_int_equal(open, 0);
	assert_int_equal(core_effects(x, EFFECT_CHANNEL_OPEN, NULL, NULL), 0);
}

static void test_declare_hostile_title(void **state)
{
	struct core *x = *state;
	char words[1200];

	core_say(x, "declare sev3 <!channel> @here \x01" "b look\x02 <@UBOB|bob> & <script>");
	assert_answered(x, "INC-1 is open");
	const char *title = core_incident(x, 1).title;
	assert_null(strchr(title, '\x01'));
	assert_null(strstr(title, "<!channel>"));
	assert_has(title, "@channel");
	assert_has(title, "@bob");
	assert_has(title, "<script>");

	/* Longer than a title may be: shortened there, whole on the timeline. */
	strcpy(words, "declare sev3 ");
	for (int i = 0; i < 200; i++)
		strcat(words, "wörd ");
	core_say(x, words);
	assert_answered(x, "INC-2 is open");
	assert_true(strlen(core_incident(x, 2).title) <= INCIDENT_TITLE_MAX);
	assert_has(core_incident(x, 2).title, "…");
	assert_true(strlen(core_entry(x, 2, 1).text) > 1000);
}

static void test_declare_form(void **state)
{
	struct core *x = *state;

	x->forms = true;
	core_say(x, "declare");
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_string_equal(json_get_str(x->reply.form, "op"), "declare");
	assert_string_equal(json_get_str(json_at(x->reply.form, "fields.0"), "arg"), "title");
	assert_string_equal(json_get_str(json_at(x->reply.form, "fields.1"), "value"), "sev3");
	core_submit(x, BOB, "declare", 0, json_pack("{s:s, s:s, s:s}", "title", "db is down", "severity", "sev1",
		"since", "14:50"));
	assert_answered(x, "INC-1 is open, SEV1");
	/* Bob is in Berlin, an hour ahead: 14:50 there is 13:50 here. */
	assert_int_equal(core_incident(x, 1).impact_at, CORE_START - 10 * MINUTE_MS);
	core_submit(x, BOB, "declare", 0, json_pack("{s:s, s:s}", "title", "x", "since", "2027-01-01 00:00"));
	assert_refused(x, "usage", "has not come yet");
	assert_non_null(json_get_str(x->reply.fields, "since"));
}

static void test_show(void **state)
{
	struct core *x = *state;

	core_say(x, "show");
	assert_refused(x, "not_found", "No incident is open");
	core_say(x, "declare sev2 checkout is failing --service shop");
	core_deliver(x);
	core_say(x, "ic @bob");
	core_say(x, "impact 25 % of EU checkouts since 13:50");
	core_say(x, "update rolling back v2.31. in 20m");
	core_say(x, "show #1");
	assert_answered(x, "INC-1  checkout is failing");
	assert_has(x->text, "SEV2 · triage");
	assert_has(x->text, "25 % of EU checkouts, since 13:50");
	assert_has(x->text, "@bob");
	assert_has(x->text, "rolling back v2.31");
	assert_has(x->text, "Next update promised for 14:20");
	assert_has(x->text, "Channel");
	assert_string_equal(core_button(x, "update"), "Update");
	assert_string_equal(core_button(x, "resolve"), "Resolve");
	assert_string_equal(core_button(x, "role"), "Take operations");
	assert_has_not(x->text, "wait");
	core_say(x, "show #7");
	assert_refused(x, "not_found", "There is no INC-7");
}

static void test_card_tells_what_waits(void **state)
{
	struct core *x = *state;

	core_say(x, "declare sev3 checkout is failing");
	core_say(x, "show #1");
	assert_has_not(x->text, "wait for Slack");
	core_pass(x, 2 * MINUTE_MS);
	core_say(x, "show #1");
	assert_has(x->text, "2 changes wait for Slack since 14:00");
}

static void test_list(void **state)
{
	struct core *x = *state;

	core_say(x, "list");
	assert_answered(x, "No open incident");
	core_say(x, "declare sev3 search is slow --service search --env prod");
	core_say_as(x, BOB, "declare sev1 payments are down --service payments --env prod");
	core_say(x, "declare sev2 payments lose events --service payments --env staging");
	core_say(x, "#3 cancel it was the probe");
	core_say(x, "list");
	assert_answered(x, "2 open incidents");
	assert_has(x->text, "INC-2 SEV1");
	assert_true(strstr(x->text, "INC-2") < strstr(x->text, "INC-1"));
	assert_has_not(x->text, "INC-3");
	core_say(x, "list sev1 service:payments");
	assert_answered(x, "1 open incident");
	assert_has(x->text, "INC-2");
	core_say(x, "list env:PROD all");
	assert_answered(x, "2 incidents");
	core_say(x, "list cancelled");
	assert_answered(x, "1 incident");
	assert_has(x->text, "INC-3");
	core_say(x, "list lose");
	assert_answered(x, "No open incident fits");
	core_say(x, "find LOSE payments");
	assert_answered(x, "INC-3");
	core_say(x, "mine");
	assert_answered(x, "1 open incident of yours");
	assert_has(x->text, "INC-1");
	core_say_as(x, CAROL, "mine");
	assert_answered(x, "No open incident of yours");
}

static void test_list_pages(void **state)
{
	struct core *x = *state;

	for (int i = 0; i < 23; i++)
		core_say(x, "declare sev3 one of many");
	core_say(x, "list many");
	assert_answered(x, "23 open incidents");
	assert_has(x->text, "INC-23 ");
	assert_has(x->text, "INC-14 ");
	assert_has_not(x->text, "INC-13 ");
	assert_string_equal(core_button(x, "list"), "13 more");
	core_press(x, ALICE, "list", 0, json_pack("{s:s, s:s}", "page", "2", "text", "many"));
	assert_answered(x, "INC-3 ");
	assert_has_not(x->text, "INC-4 ");
	assert_null(core_button(x, "list"));
	core_press(x, ALICE, "list", 0, json_pack("{s:s}", "page", "99999999"));
	assert_int_equal(x->reply.kind, REPLY_MESSAGE);
	core_press(x, ALICE, "list", 0, json_pack("{s:s}", "page", "-4"));
	assert_answered(x, "INC-23");
}

static void test_home(void **state)
{
	struct core *x = *state;

	core_event(x, BOB, "home.opened");
	assert_has(core_said(x, EFFECT_HOME_SHOW, BOB), "no part in an open incident");
	core_forget(x);
	core_say(x, "declare sev2 checkout is failing");
	core_say(x, "take comms");
	core_say(x, "assign ops @bob");
	core_event(x, BOB, "home.opened");
	const char *home = core_said(x, EFFECT_HOME_SHOW, BOB);
	assert_has(home, "INC-1 SEV2 checkout is failing");
	assert_has(home, "you are operations");
	assert_has(home, "next update 14:30");
	core_event(x, ALICE, "home.opened");
	assert_has(core_said(x, EFFECT_HOME_SHOW, ALICE), "you are communications");
	core_pass(x, 40 * MINUTE_MS);
	core_event(x, BOB, "home.opened");
	assert_has(core_said(x, EFFECT_HOME_SHOW, BOB), "update overdue since 14:30");
	core_press(x, BOB, "home.opened", 0, NULL);
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_declare_opens), TEST(test_declare_owes), TEST(test_declare_is_seen),
		TEST(test_declare_records), TEST(test_declare_without_severity), TEST(test_declare_refuses),
		TEST(test_declare_hostile_title), TEST(test_declare_form), TEST(test_show),
		TEST(test_card_tells_what_waits), TEST(test_list), TEST(test_list_pages), TEST(test_home),
	};

	return cmocka_run_group_tests_name("verbs: declare, show, list", tests, NULL, NULL);
}
