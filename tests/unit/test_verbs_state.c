/* severity, state, resolve, reopen, cancel, close: the way of an incident (FEATURES B2, B4, C1,
 * C4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "support_core.h"

static int setup(void **state)
{
	int rc = talk_setup(state);

	if (rc == 0) {
		talk_say(*state, "declare sev2 checkout is failing --service shop");
		talk_deliver(*state);
		((struct talk *)*state)->channel = "slack:CINC1";
		((struct talk *)*state)->clock.manual_ms = TALK_START + MINUTE_MS;
	}
	return rc;
}

/* What everybody sees of a change: posted in the channel, card and announcement edited. */
static void assert_shown(struct talk *x, const char *words)
{
	struct effect_row *row;
	size_t n = talk_effects(x, EFFECT_MESSAGE_EDIT, NULL, &row);

	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), words);
	assert_int_equal(n, 2);
	assert_string_equal(row[0].slot, "card");
	assert_string_equal(row[1].slot, "announcement");
}

/* ---- severity ---- */

static void test_severity_raised(void **state)
{
	struct talk *x = *state;

	talk_say(x, "assign ic @bob");
	talk_forget(x);
	talk_say(x, "sev 1 error rate doubled");
	assert_answered(x, "INC-1 is SEV1 now · next update promised for 14:11");
	assert_int_equal(talk_incident(x, 1).severity, 1);
	assert_shown(x, "INC-1 is SEV1 now, was SEV2: error rate doubled");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "@bob");
	/* Nothing was told yet, so the first notification of level 1 counts. */
	assert_int_equal(talk_promise(x, 1, PROMISE_UPDATE).due_at, TALK_START + 11 * MINUTE_MS);
	assert_int_equal(talk_promise(x, 1, PROMISE_RESOLVE).due_at, TALK_START + 61 * MINUTE_MS);
	struct timeline_entry e = talk_entry(x, 1, 0);
	assert_int_equal(e.kind, ENTRY_TRIAGE);
	assert_string_equal(e.text, "severity SEV2 → SEV1: error rate doubled");
}

/* Whoever says it need not be called. */
static void test_severity_calls_only_others(void **state)
{
	struct talk *x = *state;
	struct effect_row *row;

	talk_say(x, "assign ic @bob");
	talk_say(x, "assign comms @bob");
	talk_forget(x);
	talk_say_as(x, BOB, "sev 1 doubled");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "incident", &row), 1);
	assert_has_not(row[0].payload, "@slack:UBOB");
	talk_forget(x);
	talk_say(x, "sev 2 halved");
	talk_forget(x);
	talk_say(x, "sev 1 doubled again");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "incident", &row), 1);
	const char *first = strstr(row[0].payload, "{\"t\":\"text\"");
	assert_non_null(first);
	first = strstr(first, "@slack:UBOB");
	assert_non_null(first);
	/* Both roles, one call. */
	assert_null(strstr(first + 1, "@slack:UBOB"));
}

static void test_severity_stricter_promise_stands(void **state)
{
	struct talk *x = *state;

	talk_say(x, "update looking. in 5m");
	struct promise before = talk_promise(x, 1, PROMISE_UPDATE);
	x->clock.manual_ms += SECOND_MS;
	talk_say(x, "sev 1");
	assert_answered(x, "SEV1");
	struct promise after = talk_promise(x, 1, PROMISE_UPDATE);
	assert_int_equal(after.made_at, before.made_at);
	assert_int_equal(after.due_at, TALK_START + 6 * MINUTE_MS);
	talk_say(x, "sev 3 a workaround is in place");
	assert_int_equal(talk_promise(x, 1, PROMISE_UPDATE).due_at, TALK_START + 6 * MINUTE_MS);
}

static void test_severity_lowered(void **state)
{
	struct talk *x = *state;

	talk_say(x, "sev 3");
	assert_refused(x, "usage", "INC-1 stays SEV2: lowering the severity needs a reason");
	assert_has(x->text, "/inc sev #1 sev3 a workaround is in place");
	assert_int_equal(talk_incident(x, 1).severity, 2);
	talk_say(x, "severity moderate a workaround is in place");
	assert_answered(x, "INC-1 is SEV3 now");
	/* Counted from the declaration, as if it had been level 3 all along; no roles are asked for
	 * there. */
	assert_int_equal(talk_promise(x, 1, PROMISE_RESPOND).due_at, TALK_START + HOUR_MS);
	assert_int_equal(talk_promise(x, 1, PROMISE_RESOLVE).due_at, TALK_START + DAY_MS);
	assert_int_equal(talk_promise(x, 1, PROMISE_ROLES).due_at, 0);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_ROLES).state, PROMISE_WITHDRAWN);
	/* … but the update was promised. */
	assert_int_equal(talk_promise(x, 1, PROMISE_UPDATE).due_at, TALK_START + 30 * MINUTE_MS);
	talk_say(x, "sev 4 only cosmetic");
	assert_int_equal(talk_promise(x, 1, PROMISE_RESOLVE).due_at, 0);
	talk_say(x, "sev 2 it is back");
	assert_int_equal(talk_promise(x, 1, PROMISE_ROLES).due_at, TALK_START + 6 * MINUTE_MS);
	assert_int_equal(
		talk_promise(x, 1, PROMISE_RESOLVE).due_at, TALK_START + MINUTE_MS + 4 * HOUR_MS);
}

static void test_severity_same(void **state)
{
	struct talk *x = *state;
	size_t before = talk_entries(x, 1);
	int64_t revision = talk_incident(x, 1).revision;

	talk_say(x, "sev p1 again");
	assert_answered(x, "INC-1 is SEV2 already; nothing was changed");
	assert_int_equal(talk_entries(x, 1), before);
	assert_int_equal(talk_incident(x, 1).revision, revision);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, NULL, NULL), 0);
}

static void test_severity_drops_slower_rhythm(void **state)
{
	struct talk *x = *state;

	talk_say(x, "cadence 45m the vendor is slow");
	talk_say(x, "sev 1 doubled");
	assert_int_equal(talk_incident(x, 1).cadence_ms, 0);
	talk_say(x, "cadence 5m the board asks");
	talk_say(x, "sev 2 halved");
	assert_int_equal(talk_incident(x, 1).cadence_ms, 5 * MINUTE_MS);
}

static void test_severity_refuses(void **state)
{
	struct talk *x = *state;

	talk_say(x, "sev 9 doubled");
	assert_refused(x, "usage", "is no severity");
	talk_say(x, "sev");
	assert_refused(x, "usage", "/inc severity");
	talk_say(x, "resolve --not-verified \"no traffic\"");
	talk_say(x, "sev 1 doubled");
	assert_refused(x, "conflict", "INC-1 is resolved");
	assert_has(x->text, "/inc reopen #1 why");
}

/* ---- state ---- */

static void test_state_moves(void **state)
{
	struct talk *x = *state;
	struct effect_row *row;

	talk_say(x, "investigating");
	assert_answered(x, "INC-1 is investigating now");
	assert_has_not(x->text, "skipped");
	struct incident inc = talk_incident(x, 1);
	assert_int_equal(inc.state, STATE_INVESTIGATING);
	assert_int_equal(inc.state_at, TALK_START + MINUTE_MS);
	assert_int_equal(inc.acknowledged_at, TALK_START + MINUTE_MS);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_RESPOND).state, PROMISE_KEPT);
	assert_shown(x, "INC-1 is investigating now, was triage");
	talk_forget(x);

	talk_say(x, "identified bad config in v2.31");
	assert_shown(x, "INC-1 is identified now, was investigating: bad config in v2.31 — @alice");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "incident", &row), 1);
	assert_has(row[0].payload, "\"quiet\":true");
	struct timeline_entry e = talk_entry(x, 1, 0);
	assert_int_equal(e.kind, ENTRY_FACT);
	assert_string_equal(e.text, "investigating → identified: bad config in v2.31");

	talk_pass(x, MINUTE_MS);
	talk_say(x, "state monitoring");
	assert_answered(x, "the states between were skipped");
	assert_has(
		talk_entry(x, 1, 0).text, "identified → monitoring (states between were skipped)");
	assert_int_equal(talk_incident(x, 1).mitigated_at, TALK_START + 2 * MINUTE_MS);
	talk_pass(x, MINUTE_MS);
	talk_say(x, "mitigating it came back in one zone");
	assert_answered(x, "INC-1 is mitigating now");
	talk_say(x, "monitoring");
	assert_int_equal(talk_incident(x, 1).mitigated_at, TALK_START + 2 * MINUTE_MS);
}

static void test_state_same(void **state)
{
	struct talk *x = *state;

	talk_say(x, "identified bad config");
	size_t before = talk_entries(x, 1);
	talk_say(x, "identified");
	assert_answered(x, "INC-1 is identified already; nothing was changed");
	assert_int_equal(talk_entries(x, 1), before);
	talk_say(x, "identified also a stale cache");
	assert_answered(x, "what you wrote is on its timeline");
	assert_string_equal(talk_entry(x, 1, 0).text, "also a stale cache");
}

static void test_state_refuses(void **state)
{
	struct talk *x = *state;

	talk_say(x, "state flying");
	assert_refused(x, "usage", "monitoring");
	talk_say(x, "resolve --not-verified \"no traffic\"");
	talk_say(x, "identified bad config");
	assert_refused(
		x, "conflict", "INC-1 is resolved; only an open incident can become identified");
	assert_has(x->text, "/inc reopen #1 why");
	talk_say(x, "investigating");
	assert_refused(x, "conflict", "Reopen it first");
	assert_int_equal(talk_incident(x, 1).state, STATE_RESOLVED);
}

/* ---- resolve ---- */

static void test_resolve_with_evidence(void **state)
{
	struct talk *x = *state;

	talk_say(x, "impact 25 % of EU checkouts since 13:40");
	talk_say(x, "ic me");
	talk_forget(x);
	talk_say(x, "resolve rolled back --signal \"checkout success 99.9 % for 15 min\" --health "
		    "\"5xx at baseline\"");
	assert_answered(x, "INC-1 is resolved · within the target");
	struct incident inc = talk_incident(x, 1);
	assert_int_equal(inc.state, STATE_RESOLVED);
	assert_int_equal(inc.resolved_at, TALK_START + MINUTE_MS);
	assert_int_equal(inc.mitigated_at, TALK_START + MINUTE_MS);
	assert_string_equal(inc.signal, "checkout success 99.9 % for 15 min");
	assert_string_equal(inc.health, "5xx at baseline");
	assert_null(inc.not_verified);

	assert_int_equal(talk_promise_last(x, 1, PROMISE_RESOLVE).state, PROMISE_KEPT);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_UPDATE).state, PROMISE_KEPT);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_RESPOND).state, PROMISE_KEPT);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_ROLES).state, PROMISE_WITHDRAWN);
	assert_int_equal(talk_timers(x, 1), 0);

	assert_shown(x, "SEV2 RESOLVED · shop — checkout is failing");
	const char *said = talk_said(x, EFFECT_MESSAGE_POST, "announce");
	assert_has(said, "Duration: 21 min");
	assert_has(said, "Impact: 25 % of EU checkouts");
	assert_has(said, "What was done: rolled back");
	assert_has(said, "Users see: checkout success 99.9 % for 15 min");
	assert_has(said, "Systems say: 5xx at baseline");
	assert_has(said, "a review is due");
	struct timeline_entry e = talk_entry(x, 1, 0);
	assert_int_equal(e.kind, ENTRY_RESOLUTION);
	assert_has(e.text,
		"resolved (states between were skipped): rolled back; users: checkout success");
	assert_has(e.meta, "\"health\":\"5xx at baseline\"");
}

static void test_resolve_late(void **state)
{
	struct talk *x = *state;

	talk_pass(x, 5 * HOUR_MS);
	talk_say(x, "resolve --not-verified \"no traffic at night\"");
	assert_answered(x, "after the target");
	struct promise p = talk_promise_last(x, 1, PROMISE_RESOLVE);
	assert_int_equal(p.state, PROMISE_KEPT);
	assert_int_equal(p.missed_at, TALK_START + 4 * HOUR_MS);
	assert_string_equal(talk_incident(x, 1).not_verified, "no traffic at night");
	assert_has(
		talk_said(x, EFFECT_MESSAGE_POST, "announce"), "Not verified: no traffic at night");
}

static void test_resolve_asks_for_evidence(void **state)
{
	struct talk *x = *state;

	talk_say(x, "resolve rolled back");
	assert_refused(x, "usage",
		"INC-1 is not resolved yet: say what shows that it is over, for users and for the "
		"systems");
	assert_has(x->text, "--not-verified");
	talk_say(x, "fixed rolled back --signal \"checkout works\"");
	assert_refused(x, "usage", "for the systems too");
	talk_say(x, "resolve rolled back --health \"5xx at baseline\"");
	assert_refused(x, "usage", "for users too");
	assert_int_equal(talk_incident(x, 1).state, STATE_TRIAGE);
	assert_int_equal(talk_timers_named(x, 1, "promise"), 1);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, NULL, NULL), 0);

	x->forms = true;
	talk_say(x, "resolve rolled back --signal \"checkout works\"");
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_string_equal(
		json_get_str(json_at(x->reply.form, "fields.0"), "value"), "rolled back");
	assert_string_equal(
		json_get_str(json_at(x->reply.form, "fields.1"), "value"), "checkout works");
	talk_submit(x, ALICE, "resolve", 1,
		json_pack("{s:s, s:s}", "text", "rolled back", "signal", "checkout works"));
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	assert_non_null(json_get_str(x->reply.fields, "health"));
	talk_submit(x, ALICE, "resolve", 1,
		json_pack("{s:s, s:s, s:s}", "text", "rolled back", "signal", "checkout works",
			"health", "green"));
	assert_answered(x, "INC-1 is resolved");
	talk_press(x, ALICE, "resolve", 1, NULL);
	talk_submit(x, ALICE, "resolve", 1, json_pack("{s:s}", "not-verified", "twice"));
	assert_refused(x, "conflict", "INC-1 is resolved already");
}

static void test_resolve_cancelled(void **state)
{
	struct talk *x = *state;

	talk_say(x, "cancel the probe was broken");
	talk_say(x, "resolve --not-verified \"no traffic\"");
	assert_refused(x, "conflict", "INC-1 is cancelled and cannot be resolved");
}

/* ---- reopen, cancel, close ---- */

static void test_reopen(void **state)
{
	struct talk *x = *state;

	talk_say(x, "reopen it never was gone");
	assert_refused(x, "conflict", "INC-1 is open already");
	talk_say(x, "ic @bob");
	talk_say(x, "resolve --signal \"works\" --health \"green\"");
	talk_forget(x);
	talk_pass(x, 10 * MINUTE_MS);
	talk_say(x, "reopen");
	assert_refused(x, "usage", "/inc reopen");
	talk_say(x, "reopen errors are back");
	assert_answered(x, "INC-1 is open again, investigating · next update promised for 14:41");
	struct incident inc = talk_incident(x, 1);
	assert_int_equal(inc.state, STATE_INVESTIGATING);
	assert_int_equal(inc.resolved_at, 0);
	assert_null(inc.signal);
	assert_null(inc.health);
	assert_int_equal(talk_promise(x, 1, PROMISE_UPDATE).due_at, TALK_START + 41 * MINUTE_MS);
	assert_int_equal(talk_promise(x, 1, PROMISE_RESOLVE).due_at, TALK_START + 4 * HOUR_MS);
	/* Somebody responded already. */
	assert_int_equal(talk_promise(x, 1, PROMISE_RESPOND).due_at, 0);
	assert_shown(x, "INC-1 is open again, was resolved: errors are back");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "@bob");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "announce"), "open again");
	assert_int_equal(talk_entry(x, 1, 0).kind, ENTRY_RECURRENCE);
}

static void test_cancel(void **state)
{
	struct talk *x = *state;

	talk_say(x, "cancel");
	assert_refused(x, "usage", "/inc cancel");
	talk_say(x, "false alarm the probe was broken");
	assert_answered(x, "INC-1 is cancelled · no more reminders");
	assert_int_equal(talk_incident(x, 1).state, STATE_CANCELLED);
	assert_int_equal(talk_timers(x, 1), 0);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_UPDATE).state, PROMISE_WITHDRAWN);
	assert_shown(x, "INC-1 is cancelled, a false alarm: the probe was broken");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "announce"), "a false alarm");
	talk_say(x, "cancel again");
	assert_refused(x, "conflict", "only an open incident can be cancelled");
	talk_say(x, "reopen it was real");
	assert_answered(x, "open again");
}

static void test_close(void **state)
{
	struct talk *x = *state;

	talk_say(x, "close");
	assert_refused(x, "conflict", "INC-1 is triage and was not closed. Resolve it first");
	talk_say(x, "resolve --not-verified \"no traffic\"");
	talk_forget(x);
	talk_say(x, "close");
	assert_refused(x, "policy", "a SEV2 incident needs a finished postmortem first");
	assert_has(x->text, "--without-review");
	assert_int_equal(talk_incident(x, 1).state, STATE_RESOLVED);
	talk_say(x, "close all done --without-review \"same cause as INC-40\"");
	assert_answered(x, "INC-1 is closed without a review, which is recorded");
	struct incident inc = talk_incident(x, 1);
	assert_int_equal(inc.state, STATE_CLOSED);
	assert_int_equal(inc.closed_at, TALK_START + MINUTE_MS);
	assert_string_equal(talk_entry(x, 1, 0).text, "closed: all done");
	assert_int_equal(talk_entry(x, 1, 1).kind, ENTRY_DECISION);
	assert_string_equal(
		talk_entry(x, 1, 1).text, "closed without review by @alice: same cause as INC-40");
	assert_shown(x, "INC-1 is closed by @alice, without a review: same cause as INC-40");
	talk_say(x, "close");
	assert_refused(x, "conflict", "INC-1 is closed already");
}

static void test_close_form(void **state)
{
	struct talk *x = *state;

	talk_say(x, "resolve --not-verified \"no traffic\"");
	x->forms = true;
	talk_press(x, BOB, "close", 1, NULL);
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_has(json_get_str(x->reply.form, "intro"), "needs a finished postmortem");
	talk_submit(x, BOB, "close", 1, json_pack("{s:s}", "text", "done"));
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	assert_non_null(json_get_str(x->reply.fields, "without-review"));
	assert_int_equal(talk_incident(x, 1).state, STATE_RESOLVED);
	talk_submit(x, BOB, "close", 1, json_pack("{s:s}", "without-review", "known cause"));
	assert_answered(x, "INC-1 is closed");
}

static void test_close_without_duty(void **state)
{
	struct talk *x = *state;

	talk_say(x, "sev 3 a workaround");
	talk_say(x, "resolve --not-verified \"no traffic\"");
	talk_say(x, "close");
	assert_answered(x, "INC-1 is closed");
	assert_has_not(x->text, "review");
	talk_say(x, "declare sev2 the probe");
	x->channel = NULL;
	talk_say(x, "#2 cancel false");
	talk_say(x, "close #2");
	assert_refused(x, "conflict", "INC-2 is cancelled; there is nothing to close");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_severity_raised),
		TEST(test_severity_calls_only_others),
		TEST(test_severity_stricter_promise_stands),
		TEST(test_severity_lowered),
		TEST(test_severity_same),
		TEST(test_severity_drops_slower_rhythm),
		TEST(test_severity_refuses),
		TEST(test_state_moves),
		TEST(test_state_same),
		TEST(test_state_refuses),
		TEST(test_resolve_with_evidence),
		TEST(test_resolve_late),
		TEST(test_resolve_asks_for_evidence),
		TEST(test_resolve_cancelled),
		TEST(test_reopen),
		TEST(test_cancel),
		TEST(test_close),
		TEST(test_close_form),
		TEST(test_close_without_duty),
	};

	return cmocka_run_group_tests_name(
		"verbs: severity, state, resolve and after", tests, NULL, NULL);
}
