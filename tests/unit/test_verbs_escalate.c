/* Tiers that are called in: each once for a reason, whatever happens in between; who is on it is on
 * record (FEATURES L1, E3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/response.h"
#include "store/timers.h"
#include "support_core.h"

#define DAVE "slack:UDAVE"
#define ERIN "slack:UERIN"
#define INC1 "slack:CINC1"

static struct tier *tier_of(struct talk *x, const char *name)
{
	for (size_t i = 0; i < x->config->escalation.count; i++)
		if (!strcmp(x->config->escalation.tier[i].name, name))
			return &x->config->escalation.tier[i];
	fail_msg("no tier %s", name);
	return NULL;
}

static void tier_people(struct talk *x, const char *name, const char *one, const char *two)
{
	struct tier *t = tier_of(x, name);

	t->count = 0;
	if (one)
		t->people[t->count++] = one;
	if (two)
		t->people[t->count++] = two;
}

/* Dave in triage, Erin in coordination, both in executive. */
static int setup(void **state)
{
	struct talk *x;
	int rc = talk_setup(state);

	if (rc < 0)
		return rc;
	x = *state;
	talk_tiers(x);
	tier_people(x, "triage", DAVE, NULL);
	tier_people(x, "coordination", ERIN, NULL);
	tier_people(x, "executive", DAVE, ERIN);
	return 0;
}

static void opened(struct talk *x, const char *words)
{
	talk_say(x, words);
	talk_deliver(x);
	x->channel = INC1;
}

static void restart(struct talk *x)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/sitrep.db", x->folder);
	store_close(x->store);
	assert_int_equal(
		store_open(&x->store, &(struct store_options){ .path = path }, &x->err), 0);
	x->desk.store = x->store;
}

static size_t engagements(struct talk *x, struct engagement **out)
{
	struct engagement *list;
	size_t n;

	assert_int_equal(engagement_list(x->store, x->arena, 1, &list, &n, &x->err), 0);
	if (out)
		*out = list;
	return n;
}

static size_t engaged(struct talk *x, const char *tier, enum engage_reason reason)
{
	struct engagement *list;
	size_t n = engagements(x, &list), found = 0;

	for (size_t i = 0; i < n; i++)
		found += !strcmp(list[i].tier, tier) && list[i].reason == reason;
	return found;
}

/* When rules are looked at again; 0. */
static int64_t look_at(struct talk *x)
{
	struct timer *t;
	size_t n;

	assert_int_equal(timer_list(x->store, x->arena, 1, &t, &n, &x->err), 0);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(t[i].name, "escalation"))
			return t[i].due_at;
	return 0;
}

static size_t entries_saying(struct talk *x, const char *words)
{
	size_t n = talk_entries(x, 1), found = 0;

	for (size_t i = 0; i < n; i++)
		found += strstr(talk_entry(x, 1, i).text, words) != NULL;
	return found;
}

/* ---- by rules ---- */

static void test_the_level_calls(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing");
	assert_int_equal(engagements(x, NULL), 1);
	assert_int_equal(engaged(x, "triage", ENGAGE_SEVERITY), 1);
	const char *told = talk_said(x, EFFECT_MESSAGE_PRIVATE, DAVE);
	assert_has(told, "You are called to INC-1 SEV2 checkout is failing as triage");
	assert_has(told, "the level asks for it");
	assert_has(told, "On it");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"),
		"Escalated to triage: @UDAVE — the level asks for it");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, ERIN, NULL), 0);
	assert_has(talk_entry(x, 1, 0).text, "escalated to triage: the level asks for it");
	assert_int_equal(talk_entry(x, 1, 0).kind, ENTRY_RESPONSIBILITY);
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_INVITE, NULL, NULL), 1);
	assert_int_equal(look_at(x), TALK_START + 10 * MINUTE_MS);
	talk_pass(x, 10 * MINUTE_MS - 1);
	assert_int_equal(engagements(x, NULL), 1);
	talk_pass(x, 1);
	assert_int_equal(engaged(x, "coordination", ENGAGE_SEVERITY), 1);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, ERIN, NULL), 1);
}

/* One person in two tiers is told once, with all there is to take on. */
static void test_one_message_a_person(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev1 everything is down");
	assert_int_equal(engagements(x, NULL), 3);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, DAVE, NULL), 1);
	const char *told = talk_said(x, EFFECT_MESSAGE_PRIVATE, DAVE);
	assert_has(told, "as triage, executive: the level asks for it");
	assert_has(told, "On it: triage");
	assert_has(told, "On it: executive");
	assert_null(strstr(strstr(told, "the level") + 1, "the level"));
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, ERIN, NULL), 1);
}

/* Over days, with stops in between: each tier once for each reason. */
static void test_once_a_reason_over_days(void **state)
{
	struct talk *x = *state;
	struct engagement *list;
	size_t n;

	opened(x, "declare sev2 checkout is failing");
	for (int i = 0; i < 48; i++) {
		talk_pass(x, HOUR_MS);
		restart(x);
		if (i % 6 == 0)
			talk_say(x, i % 12 ? "sev 2 worse" : "sev 1 worse");
		if (i % 9 == 0)
			talk_say(x, "escalate cross-team they own the gateway");
		talk_say(x, "update still looking. in 20m");
	}
	n = engagements(x, &list);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(engaged(x, list[i].tier, list[i].reason), 1);
	assert_int_equal(engaged(x, "triage", ENGAGE_SEVERITY), 1);
	assert_int_equal(engaged(x, "coordination", ENGAGE_SEVERITY), 1);
	assert_int_equal(engaged(x, "coordination", ENGAGE_CROSS_TEAM), 1);
	assert_int_equal(engaged(x, "coordination", ENGAGE_NOT_IDENTIFIED), 1);
	assert_int_equal(engaged(x, "coordination", ENGAGE_OPEN_LONG), 1);
	assert_int_equal(engaged(x, "executive", ENGAGE_SEVERITY), 1);
	assert_int_equal(engaged(x, "executive", ENGAGE_OPEN_LONG), 1);
	assert_int_equal(entries_saying(x, "escalated to coordination: the level asks for it"), 1);
	/* Nothing is left that time alone could bring. */
	assert_int_equal(look_at(x), 0);
}

static void test_timer_follows_the_state(void **state)
{
	struct talk *x = *state;

	opened(x, "declare sev2 checkout is failing");
	assert_true(look_at(x) > 0);
	talk_say(x, "identified bad config");
	talk_pass(x, 11 * MINUTE_MS);
	assert_int_equal(look_at(x), TALK_START + 2 * HOUR_MS);
	talk_say(x, "resolve rolled back --not-verified \"no traffic\"");
	assert_int_equal(look_at(x), 0);
	talk_pass(x, 72 * HOUR_MS);
	assert_int_equal(engaged(x, "coordination", ENGAGE_NOT_IDENTIFIED), 0);
	assert_int_equal(engaged(x, "coordination", ENGAGE_OPEN_LONG), 0);
	/* Open again: what ran before does not count. */
	talk_say(x, "reopen it is back");
	assert_int_equal(engaged(x, "coordination", ENGAGE_OPEN_LONG), 0);
	assert_int_equal(look_at(x), x->clock.manual_ms + 2 * HOUR_MS);
	talk_pass(x, 2 * HOUR_MS);
	assert_int_equal(engaged(x, "coordination", ENGAGE_OPEN_LONG), 1);
	assert_int_equal(engaged(x, "coordination", ENGAGE_NOT_IDENTIFIED), 1);
	talk_say(x, "cancel it was the probe");
	assert_int_equal(look_at(x), 0);
}

static void test_a_lower_level_calls_nobody(void **state)
{
	struct talk *x = *state;

	opened(x, "declare sev4 a typo on the help page");
	assert_int_equal(engagements(x, NULL), 0);
	talk_pass(x, 6 * HOUR_MS);
	assert_int_equal(engagements(x, NULL), 0);
	talk_say(x, "sev 2 it is worse");
	assert_int_equal(engaged(x, "triage", ENGAGE_SEVERITY), 1);
	/* The delay counts from the level, what is open for long from the declaration. */
	assert_int_equal(engaged(x, "coordination", ENGAGE_SEVERITY), 0);
	assert_int_equal(engaged(x, "executive", ENGAGE_OPEN_LONG), 1);
}

/* ---- nobody is named ---- */

static void test_nobody_is_named(void **state)
{
	struct talk *x = *state;
	struct effect_row *row;
	const char *said;

	tier_people(x, "triage", NULL, NULL);
	tier_people(x, "coordination", NULL, NULL);
	tier_people(x, "executive", NULL, NULL);
	opened(x, "declare sev4 a typo");
	talk_forget(x);
	/* The policy's rules pass over them: a line at every incident would call nobody. */
	talk_say(x, "sev 1 it is everywhere");
	talk_pass(x, 5 * HOUR_MS);
	for (size_t i = 0, n = talk_effects(x, EFFECT_MESSAGE_POST, "announce", &row); i < n; i++)
		assert_has_not(row[i].payload, "INC-1 needs");
	assert_int_equal(engaged(x, "executive", ENGAGE_OPEN_LONG), 0);
	/* Who asks is told to everybody under the announcement: somebody there can call them. */
	talk_forget(x);
	talk_say(x, "escalate customer-data addresses leaked");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "announce", &row), 1);
	assert_string_equal(row[0].thread_slot, "announcement");
	said = talk_said(x, EFFECT_MESSAGE_POST, "announce");
	assert_has(said, "INC-1 needs executive");
	assert_has(said, "Nobody is named");
	assert_has(said, "On it");
	assert_int_equal(entries_saying(x, "escalated to executive (nobody is named)"), 1);
	talk_say_as(x, CAROL, "on-it executive");
	assert_answered(x, "You are on INC-1 for executive");
	/* Without a place for announcements, the channel hears it. */
	x->config->slack.announce_channel = NULL;
	talk_forget(x);
	talk_say(x, "escalate cost");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "INC-1 needs executive");
}

/* ---- by people ---- */

static void test_a_reason_is_said(void **state)
{
	struct talk *x = *state;
	struct engagement *list;

	opened(x, "declare sev3 checkout is slow");
	talk_say(x, "escalate cross-team the gateway is theirs");
	assert_answered(x, "coordination was called to INC-1: @UERIN");
	assert_int_equal(engagements(x, &list), 1);
	assert_string_equal(list[0].why, "the gateway is theirs");
	assert_string_equal(list[0].by, ALICE);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, ERIN), "it crosses teams: the gateway is theirs");
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, ERIN), "Asked for by @alice");
	talk_forget(x);
	talk_say_as(x, BOB, "escalate cross-team again");
	assert_answered(x, "coordination was called for this already, 14:00 UTC by @alice");
	assert_has(x->text, "nobody is on it yet. Nobody was called again");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, NULL, NULL), 0);
	assert_int_equal(entries_saying(x, "escalated to coordination"), 1);
	/* A tier and a reason, in either order. */
	talk_say(x, "escalate coordination: cost we need twice the fleet");
	assert_answered(x, "coordination was called to INC-1");
	assert_has(x->text, "executive was called to INC-1");
	assert_int_equal(engaged(x, "coordination", ENGAGE_COST), 1);
	assert_int_equal(engaged(x, "executive", ENGAGE_COST), 1);
}

static void test_by_name_or_words(void **state)
{
	struct talk *x = *state;

	opened(x, "declare sev3 checkout is slow");
	talk_say(x, "escalate executive the vendor does not answer");
	assert_answered(x, "executive was called to INC-1: @UDAVE, @UERIN");
	assert_int_equal(engaged(x, "executive", ENGAGE_ASKED), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, DAVE), "as executive: the vendor does not answer");
	/* Plain words: the next one that was not called. */
	talk_say(x, "escalate we need more hands");
	assert_answered(x, "triage was called");
	talk_say(x, "escalate and more");
	assert_answered(x, "coordination was called");
	talk_say(x, "escalate and more");
	assert_refused(x, "conflict", "Every tier was called");
	talk_say(x, "escalate triage where are you");
	assert_answered(x, "triage was called for this already");
	assert_int_equal(engagements(x, NULL), 3);
	talk_say(x, "escalate coordination");
	assert_refused(x, "usage", "say what they are needed for");
	talk_say(x, "escalate --tier nobody help");
	assert_refused(x, "usage", "There is no tier “nobody”");
	assert_has(x->text, "triage, coordination, executive");
}

static void test_a_reason_without_a_rule(void **state)
{
	struct talk *x = *state;

	tier_of(x, "executive")->rule_count = 0;
	opened(x, "declare sev3 checkout is slow");
	talk_say(x, "escalate cost");
	assert_answered(x, "no rule calls anybody for that");
	assert_string_equal(talk_button(x, "escalate"), "Call triage");
	assert_int_equal(engagements(x, NULL), 0);
	assert_true(talk_incident(x, 1).engage_said & 1 << ENGAGE_COST);
	talk_press(x, ALICE, "escalate", 1,
		json_pack("{s:s, s:s}", "tier", "executive", "reason", "cost"));
	assert_answered(x, "executive was called");
	assert_int_equal(engaged(x, "executive", ENGAGE_COST), 1);
}

static void test_looking(void **state)
{
	struct talk *x = *state;

	opened(x, "declare sev2 checkout is failing");
	talk_say(x, "escalate");
	assert_answered(x, "Who was called to INC-1");
	assert_has(x->text, "triage @UDAVE · called 14:00");
	assert_has(x->text, "nobody is on it yet");
	assert_has(x->text, "coordination @UERIN · will be called at 14:10");
	assert_has(x->text, "when somebody says cross-team, needs-change");
	assert_has(x->text, "at 16:00 UTC, if nothing is identified");
	assert_has(x->text,
		"will be called at SEV1; at 18:00 UTC, if it is still open; when somebody says "
		"customer-data, cost, decision");
	assert_has_not(x->text, "by @alice");
	assert_string_equal(talk_button(x, "escalate"), "Call coordination");
	talk_say_as(x, DAVE, "ack");
	talk_say(x, "escalate");
	assert_has(x->text, "on it: @UDAVE since 14:0");
	talk_say(x, "resolve --not-verified \"no traffic\"");
	talk_say(x, "escalate");
	assert_answered(x, "called 14:00");
	assert_has_not(x->text, "will be called");
	talk_say(x, "escalate cost too much");
	assert_refused(x, "conflict", "nobody was called. Reopen it first");
}

/* ---- who is on it ---- */

static void viewers_only(struct talk *x)
{
	struct access_policy *p = &x->config->access;

	for (size_t i = 0; i < p->binding_count; i++)
		if (!strcmp(p->binding[i].person, "slack:*"))
			p->binding[i].role = "viewer";
}

static void test_acknowledged(void **state)
{
	struct talk *x = *state;
	struct engagement *list;

	opened(x, "declare sev2 checkout is failing");
	talk_forget(x);
	viewers_only(x);
	/* Not asked, and none of the responders. */
	talk_press(x, ERIN, "acknowledge", 1, json_pack("{s:s}", "tier", "triage"));
	assert_refused(x, "forbidden", "was not asked of you");
	/* Asked, whatever else they may do. */
	talk_press(x, DAVE, "acknowledge", 1, json_pack("{s:s}", "tier", "triage"));
	assert_answered(x, "You are on INC-1 for triage");
	engagements(x, &list);
	assert_string_equal(list[0].acknowledged_by, DAVE);
	assert_int_equal(list[0].acknowledged_at, x->clock.manual_ms);
	assert_has(talk_entry(x, 1, 0).text, "@UDAVE is on it for triage, called at 14:00");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "@UDAVE is on it for triage");
	talk_forget(x);
	talk_press(x, DAVE, "acknowledge", 1, json_pack("{s:s}", "tier", "triage"));
	assert_answered(x, "@UDAVE is on it for triage already");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, NULL, NULL), 0);
	assert_int_equal(entries_saying(x, "is on it for triage"), 1);
	talk_say_as(x, DAVE, "on-it");
	assert_refused(x, "conflict", "Nobody who was called to INC-1 is waited for");
	talk_say_as(x, DAVE, "on-it executive");
	assert_refused(x, "conflict", "“executive” was not called");
}

static void test_which_is_meant(void **state)
{
	struct talk *x = *state;

	opened(x, "declare sev1 everything is down");
	talk_say(x, "on-it");
	assert_refused(x, "conflict", "Several tiers were called");
	assert_string_equal(talk_button(x, "acknowledge"), "On it: triage");
	/* One of them is theirs alone. */
	tier_people(x, "executive", DAVE, NULL);
	talk_say_as(x, ERIN, "on-it");
	assert_answered(x, "You are on INC-1 for coordination");
	talk_say(x, "on-it triage");
	assert_answered(x, "for triage");
}

/* Whoever was taken out of a tier is not asked any more; tiers that are gone stay on record. */
static void test_people_and_tiers_removed(void **state)
{
	struct talk *x = *state;

	opened(x, "declare sev2 checkout is failing");
	tier_people(x, "triage", ERIN, NULL);
	viewers_only(x);
	talk_press(x, DAVE, "acknowledge", 1, json_pack("{s:s}", "tier", "triage"));
	assert_refused(x, "forbidden", "was not asked of you");
	talk_forget(x);
	restart(x);
	/* The new one was not called for it: once a reason is once. */
	talk_pass(x, 5 * MINUTE_MS);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, ERIN, NULL), 0);
	tier_of(x, "triage")->name = "first";
	talk_say(x, "escalate");
	assert_refused(x, "forbidden", "incident.write");
	x->config->access.binding[0].role = "responder";
	x->config->access.binding[1].role = "responder";
	talk_say(x, "escalate");
	assert_answered(x, "triage (no tier any more) · called 14:00");
	talk_say(x, "on-it triage");
	assert_answered(x, "You are on INC-1 for triage");
}

/* ---- reminders ---- */

static void test_overdue_updates_call_the_next(void **state)
{
	struct talk *x = *state;

	opened(x, "declare sev3 checkout is slow");
	talk_forget(x);
	talk_pass(x, 2 * HOUR_MS + 20 * MINUTE_MS);
	assert_int_equal(engagements(x, NULL), 1);
	assert_int_equal(engaged(x, "triage", ENGAGE_UPDATE_OVERDUE), 1);
	const char *told = talk_said(x, EFFECT_MESSAGE_PRIVATE, DAVE);
	assert_has(told, "as triage: Update on INC-1 is 15 min overdue (promised 16:00");
	assert_has(told, "Post update");
	assert_has(told, "On it");
	assert_has(talk_entry(x, 1, 0).text,
		"escalated to triage: the promised status update was not posted by 16:00 UTC");
	/* The next promise that is missed goes to the next one. */
	talk_say(x, "update still slow");
	talk_pass(x, 3 * HOUR_MS);
	assert_int_equal(engaged(x, "coordination", ENGAGE_UPDATE_OVERDUE), 1);
	talk_say(x, "update still slow");
	talk_pass(x, 3 * HOUR_MS);
	assert_int_equal(engaged(x, "executive", ENGAGE_UPDATE_OVERDUE), 1);
	talk_forget(x);
	talk_say(x, "update still slow");
	talk_forget(x);
	talk_pass(x, 3 * HOUR_MS);
	/* Nobody is left to be called by name. */
	assert_int_equal(engagements(x, NULL), 3);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "announce"), "Update on INC-1 is 15 min overdue");
}

static void test_a_rule_for_overdue_updates_comes_first(void **state)
{
	struct talk *x = *state;
	struct tier *t = tier_of(x, "executive");

	t->rule[t->rule_count++] = (struct tier_rule){ .reason = ENGAGE_UPDATE_OVERDUE };
	opened(x, "declare sev3 checkout is slow");
	talk_pass(x, 3 * HOUR_MS);
	assert_int_equal(engagements(x, NULL), 1);
	assert_int_equal(engaged(x, "executive", ENGAGE_UPDATE_OVERDUE), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_level_calls),
		TEST(test_one_message_a_person),
		TEST(test_once_a_reason_over_days),
		TEST(test_timer_follows_the_state),
		TEST(test_a_lower_level_calls_nobody),
		TEST(test_nobody_is_named),
		TEST(test_a_reason_is_said),
		TEST(test_by_name_or_words),
		TEST(test_a_reason_without_a_rule),
		TEST(test_looking),
		TEST(test_acknowledged),
		TEST(test_which_is_meant),
		TEST(test_people_and_tiers_removed),
		TEST(test_overdue_updates_call_the_next),
		TEST(test_a_rule_for_overdue_updates_comes_first),
	};

	return cmocka_run_group_tests_name("verbs: escalate, acknowledge", tests, NULL, NULL);
}
