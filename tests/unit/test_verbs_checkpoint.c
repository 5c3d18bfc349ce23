/* checkpoint, strategy, solo: what the response owes itself (FEATURES D2, D4, E8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "store/response.h"
#include "store/timers.h"
#include "support_core.h"

#define EVERY	 HOUR_MS
#define STRATEGY (2 * HOUR_MS)

static int setup(void **state)
{
	int rc = talk_setup(state);
	struct talk *x = *state;

	if (rc < 0)
		return rc;
	x->config->severity.level[1].checkpoint_every_ms = EVERY;
	x->config->severity.level[2].checkpoint_every_ms = EVERY;
	x->config->severity.level[3].checkpoint_every_ms = 0;
	x->config->severity.level[1].strategy_after_ms = 30 * MINUTE_MS;
	x->config->severity.level[2].strategy_after_ms = STRATEGY;
	x->config->severity.level[3].strategy_after_ms = 0;
	x->config->ladder[PROMISE_CHECKPOINT] =
		(struct ladder){ .step = { { 0, AUDIENCE_OWNER_OPEN } }, .count = 1 };
	x->config->ladder[PROMISE_STRATEGY] = x->config->ladder[PROMISE_CHECKPOINT];
	x->config->chair_max_ms = 0;
	x->config->escalation.count = 0;
	talk_say(x, "declare sev2 checkout is failing");
	talk_deliver(x);
	x->channel = "slack:CINC1";
	x->clock.manual_ms = TALK_START + MINUTE_MS;
	return 0;
}

static struct checkpoint latest(struct talk *x)
{
	struct checkpoint p = { 0 };

	if (checkpoint_latest(x->store, x->arena, 1, &p, &x->err) < 0)
		return (struct checkpoint){ 0 };
	return p;
}

static const char *field_value(struct talk *x, const char *arg)
{
	json_t *field;
	size_t i;

	assert_int_equal(x->reply.kind, REPLY_FORM);
	json_array_foreach(json_get_arr(x->reply.form, "fields"), i,
		field) if (strcmp(json_get_str(field, "arg"), arg) == 0) return json_get_str(field,
		"value");
	fail_msg("no field %s", arg);
	return NULL;
}

/* Of the promises: one for all of them. */
static size_t timers(struct talk *x)
{
	struct timer *t;
	size_t n, found = 0;

	assert_int_equal(timer_list(x->store, x->arena, 1, &t, &n, &x->err), 0);
	for (size_t i = 0; i < n; i++)
		found += strcmp(t[i].name, "promise") == 0;
	return found;
}

/* Open ones. */
static size_t promises(struct talk *x)
{
	size_t n = 0;

	for (int k = 0; k < PROMISE_KIND_COUNT; k++)
		n += talk_promise(x, 1, (enum promise_kind)k).due_at != 0;
	return n;
}

/* ---- checkpoint ---- */

static void test_checkpoint_is_kept(void **state)
{
	struct talk *x = *state;

	talk_say(x, "checkpoint rolling back; hypothesis: bad config; impact: EU checkout; in "
		    "flight: rollback by @bob; decision: fail over?; next decision: 15:00");
	assert_answered(x, "Kept as a checkpoint of INC-1 · the next one is due 15:01");
	assert_has_not(x->text, "not said");

	struct checkpoint p = latest(x);
	assert_int_equal(p.at, TALK_START + MINUTE_MS);
	assert_string_equal(p.by, ALICE);
	assert_string_equal(p.situation, "rolling back");
	assert_string_equal(p.hypothesis, "bad config");
	assert_string_equal(p.impact, "EU checkout");
	assert_string_equal(p.in_flight, "rollback by @bob");
	assert_string_equal(p.decision, "fail over?");
	assert_string_equal(p.cadence, "an update every 30 min, the next one by 14:30 UTC");
	assert_int_equal(p.next_decision_at, TALK_START + HOUR_MS);
	/* The card is always true. */
	assert_string_equal(talk_incident(x, 1).impact, "EU checkout");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_EDIT, "incident", NULL), 1);

	const char *said = talk_said(x, EFFECT_MESSAGE_POST, "incident");
	assert_has(said, "Checkpoint of INC-1 by @alice");
	assert_has(said, "State: rolling back");
	assert_has(said, "To decide: fail over?");
	assert_has(said, "Next decision: 15:00");
	struct timeline_entry e = talk_entry(x, 1, 0);
	assert_int_equal(e.kind, ENTRY_COMMUNICATION);
	assert_has(e.text, "checkpoint: rolling back; hypothesis: bad config");
	assert_has(e.text, "next decision: 15:00 UTC");
	assert_has(e.meta, "\"checkpoint\":1");
	assert_has(e.meta, "\"hypothesis\":\"bad config\"");
}

/* What the bot knows is filled in; what nobody said is named. */
static void test_checkpoint_is_completed(void **state)
{
	struct talk *x = *state;

	talk_say(x, "impact 25% of checkouts");
	talk_say(x, "action bob restarts the cache");
	talk_say(x, "action carol calls the vendor");
	talk_forget(x);
	talk_say(x, "packet looking at the cache");
	assert_answered(x, "not said: hypothesis, decision, next decision");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"),
		"Not said: hypothesis, decision, next decision");
	struct checkpoint p = latest(x);
	assert_string_equal(p.impact, talk_incident(x, 1).impact);
	assert_string_equal(p.in_flight, "bob restarts the cache; carol calls the vendor");
	/* Those are said; the next packet lists only what was begun since. */
	x->clock.manual_ms += MINUTE_MS;
	talk_say(x, "action dave reverts v2.31");
	talk_say(x, "checkpoint still looking");
	assert_string_equal(latest(x).in_flight, "dave reverts v2.31");
}

static void test_checkpoint_shows_the_latest(void **state)
{
	struct talk *x = *state;

	talk_say(x, "checkpoint");
	assert_answered(x, "There is no checkpoint of INC-1 yet");
	assert_has(x->text, "/inc checkpoint #1 state:");
	talk_say(x, "checkpoint rolling back; decision: fail over?");
	talk_forget(x);
	x->clock.manual_ms += 12 * MINUTE_MS;
	talk_say_as(x, BOB, "checkpoint");
	assert_answered(x, "Checkpoint of INC-1 by @alice, 14:01 UTC, 12 min ago");
	assert_has(x->text, "State: rolling back");
	assert_has(x->text, "Not said: hypothesis, impact, in flight, next decision");
	assert_has(x->text, "The next one is due 15:01");
	assert_string_equal(talk_button(x, "checkpoint"), "New checkpoint");
	assert_string_equal(talk_button(x, "handover"), "Hand over");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, NULL, NULL), 0);
	/* Afterwards too, without an offer to make another. */
	talk_say(x, "resolve --not-verified \"no traffic\"");
	talk_say(x, "checkpoint");
	assert_answered(x, "State: rolling back");
	assert_null(talk_button(x, "checkpoint"));
}

static void test_checkpoint_form(void **state)
{
	struct talk *x = *state;

	x->forms = true;
	talk_say(x, "checkpoint");
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_null(field_value(x, "state"));
	x->forms = false;
	talk_say(x, "checkpoint rolling back; hypothesis: bad config; decision: fail over?; "
		    "impact: EU; next decision: in 40m");
	x->forms = true;
	x->clock.manual_ms += 10 * MINUTE_MS;
	talk_say(x, "action bob drains the queue");
	talk_press(x, BOB, "checkpoint", 1, json_pack("{s:s}", "do", "new"));
	assert_string_equal(field_value(x, "state"), "rolling back");
	assert_string_equal(field_value(x, "hypothesis"), "bad config");
	assert_string_equal(field_value(x, "impact"), "EU");
	assert_string_equal(field_value(x, "in-flight"), "bob drains the queue");
	assert_string_equal(field_value(x, "decision"), "fail over?");
	assert_string_equal(field_value(x, "next-decision"), "in 30 min");
	/* An update that came later says better where it stands. */
	talk_say(x, "update the rollback is through. in 20m");
	talk_press(x, BOB, "checkpoint", 1, json_pack("{s:s}", "do", "new"));
	assert_has(field_value(x, "state"), "the rollback is through");
	talk_submit(x, BOB, "checkpoint", 1,
		json_pack("{s:s, s:s, s:s}", "state", "rolled back", "decision", "reopen the gate?",
			"next-decision", "in 30 min"));
	assert_answered(x, "Kept as a checkpoint");
	assert_string_equal(latest(x).situation, "rolled back");
	assert_string_equal(latest(x).by, BOB);
	assert_null(latest(x).hypothesis);
	talk_submit(x, BOB, "checkpoint", 1, json_pack("{s:s}", "state", ""));
	assert_refused(x, "usage", "Nothing was kept: say at least where it stands");
	assert_non_null(json_get_str(x->reply.fields, "state"));
}

static void test_checkpoint_refuses(void **state)
{
	struct talk *x = *state;

	talk_press(x, ALICE, "checkpoint", 1, json_pack("{s:s}", "do", "new"));
	assert_refused(x, "usage", "Nothing was kept");
	talk_say(x, "checkpoint rolling back --next-decision \"2026-03-02 13:00\"");
	assert_refused(x, "usage", "which is over");
	talk_say(x, "resolve --not-verified \"no traffic\"");
	talk_say(x, "checkpoint rolling back");
	assert_refused(x, "conflict", "INC-1 is resolved");
	assert_int_equal(latest(x).id, 0);
}

/* Prompted as often as the level says, kept by a packet, with one timer each. */
static void test_checkpoint_promise(void **state)
{
	struct talk *x = *state;

	assert_int_equal(talk_promise(x, 1, PROMISE_CHECKPOINT).due_at, TALK_START + EVERY);
	assert_int_equal(timers(x), promises(x) != 0);
	talk_say(x, "take ic");
	talk_say(x, "comms @bob");
	talk_forget(x);
	talk_pass(x, HOUR_MS);
	const char *said = talk_said(x, EFFECT_MESSAGE_POST, "incident");
	/* The commander's, not the communications lead's. */
	assert_has(said, "@alice A checkpoint of INC-1 is due");
	assert_has_not(said, "@bob");
	assert_has(said, "Checkpoint");
	struct promise missed = talk_promise(x, 1, PROMISE_CHECKPOINT);
	assert_int_equal(missed.missed_at, TALK_START + EVERY);

	talk_say(x, "checkpoint rolling back");
	struct promise kept = talk_promise_last(x, 1, PROMISE_CHECKPOINT);
	assert_int_not_equal(kept.made_at, missed.made_at);
	assert_int_equal(kept.due_at, clock_now(&x->clock) + EVERY);
	assert_int_equal(timers(x), 1);

	talk_say(x, "resolve --not-verified \"no traffic\"");
	assert_int_equal(talk_promise(x, 1, PROMISE_CHECKPOINT).due_at, 0);
	assert_int_equal(talk_timers(x, 1), 0);
	talk_say(x, "reopen it is back");
	assert_int_equal(
		talk_promise(x, 1, PROMISE_CHECKPOINT).due_at, clock_now(&x->clock) + EVERY);
}

static void test_checkpoint_by_level(void **state)
{
	struct talk *x = *state;
	int64_t due = talk_promise(x, 1, PROMISE_CHECKPOINT).due_at;

	/* The stricter of what was promised and what the level asks. */
	talk_say(x, "sev 1 doubled");
	assert_int_equal(talk_promise(x, 1, PROMISE_CHECKPOINT).due_at, due);
	x->config->severity.level[1].checkpoint_every_ms = 20 * MINUTE_MS;
	talk_say(x, "sev 2 halved again");
	talk_say(x, "sev 1 doubled again");
	assert_int_equal(talk_promise(x, 1, PROMISE_CHECKPOINT).due_at,
		TALK_START + 21 * MINUTE_MS);
	talk_say(x, "sev 3 a workaround");
	assert_int_equal(talk_promise(x, 1, PROMISE_CHECKPOINT).due_at, 0);
	assert_int_equal(talk_promise(x, 1, PROMISE_STRATEGY).due_at, 0);
	assert_int_equal(timers(x), promises(x) != 0);
}

/* ---- strategy ---- */

static void test_strategy_is_asked_for(void **state)
{
	struct talk *x = *state;

	assert_int_equal(talk_promise(x, 1, PROMISE_STRATEGY).due_at, TALK_START + STRATEGY);
	talk_say(x, "ic @bob");
	talk_say(x, "comms @carol");
	for (int k = 0; k < PROMISE_KIND_COUNT; k++)
		if (k != PROMISE_STRATEGY)
			x->config->ladder[k].count = 0;
	talk_forget(x);
	talk_pass(x, STRATEGY);
	const char *said = talk_said(x, EFFECT_MESSAGE_POST, "incident");
	assert_has(said, "@bob Nothing is identified on INC-1, and the approach has not changed "
			 "for 2 h");
	assert_has(said, "Ask for help");
	assert_has(said, "Escalate");
	assert_has(said, "Narrow the diagnosis");
	assert_has(said, "Mitigate now");
	assert_has_not(said, "@carol");
}

static void test_strategy_answers(void **state)
{
	static const struct {
		const char *what, *recorded, *hint;
	} answer[] = {
		{ "narrow", "strategy: narrow the diagnosis", "/inc hypothesis #1" },
		{ "mitigate", "strategy: the safest mitigation now", "/inc mitigating #1" },
		{ "escalate", "strategy: escalate", "/inc escalate #1" },
		{ "help", "strategy: ask for help", "/inc update #1" },
	};
	struct talk *x = *state;

	for (size_t i = 0; i < sizeof(answer) / sizeof(answer[0]); i++) {
		talk_forget(x);
		x->clock.manual_ms += 10 * MINUTE_MS;
		talk_press(x, ALICE, "strategy", 1, json_pack("{s:s}", "do", answer[i].what));
		assert_answered(x, "Recorded as a decision on INC-1");
		assert_has(x->text, answer[i].hint);
		assert_int_equal(talk_entry(x, 1, 0).kind, ENTRY_DECISION);
		assert_has(talk_entry(x, 1, 0).text, answer[i].recorded);
		assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "Strategy of INC-1: ");
		/* Answered, and the time begins anew. */
		assert_int_equal(
			talk_promise_last(x, 1, PROMISE_STRATEGY).made_at, clock_now(&x->clock));
		assert_int_equal(talk_promise(x, 1, PROMISE_STRATEGY).due_at,
			clock_now(&x->clock) + STRATEGY);
	}
	/* Only help is asked for outside. */
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "announce", NULL), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "announce"), "INC-1 asks for help");
	talk_say(x, "strategy narrow to the payment service");
	assert_string_equal(talk_entry(x, 1, 0).text,
		"strategy: narrow the diagnosis: to the payment service");
	talk_say(x, "strategy we stop guessing and bisect");
	assert_string_equal(talk_entry(x, 1, 0).text, "strategy: we stop guessing and bisect");
	talk_say(x, "strategy");
	assert_refused(x, "usage", "say how it goes on");
	assert_string_equal(talk_button(x, "strategy"), "Ask for help");
	x->forms = true;
	talk_say(x, "strategy");
	assert_int_equal(x->reply.kind, REPLY_FORM);
}

/* What changes the approach, or shows that something was learnt, renews it; what does not, does
 * not; once something is identified nothing is asked any more. */
static void test_strategy_is_renewed(void **state)
{
	static const struct {
		const char *words;
		bool renews;
	} said[] = {
		{ "note the vendor is awake", false },
		{ "fact 5xx since 14:02", false },
		{ "update still looking. in 20m", false },
		{ "hypothesis the cache is stale", true },
		{ "decision we fail over at 15:00", true },
		{ "investigating", true },
		{ "checkpoint looking at the cache", true },
	};
	struct talk *x = *state;

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		int64_t before = talk_promise(x, 1, PROMISE_STRATEGY).made_at;

		x->clock.manual_ms += MINUTE_MS;
		talk_say(x, said[i].words);
		assert_int_equal(x->reply.kind, REPLY_MESSAGE);
		if ((talk_promise(x, 1, PROMISE_STRATEGY).made_at != before) != said[i].renews)
			fail_msg("%s", said[i].words);
	}
	talk_say(x, "identified bad config");
	assert_int_equal(talk_promise(x, 1, PROMISE_STRATEGY).due_at, 0);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_STRATEGY).state, PROMISE_KEPT);
	talk_say(x, "hypothesis it is worse");
	talk_say(x, "sev 1 doubled");
	talk_say(x, "checkpoint rolling back");
	assert_int_equal(talk_promise(x, 1, PROMISE_STRATEGY).due_at, 0);
	assert_int_equal(timers(x), promises(x) != 0);
	talk_say(x, "resolve --not-verified \"no traffic\"");
	talk_say(x, "reopen it is back");
	assert_int_not_equal(talk_promise(x, 1, PROMISE_STRATEGY).due_at, 0);
}

/* ---- solo ---- */

static void test_solo(void **state)
{
	static const char *const role[] = {
		ROLE_COMMANDER,
		ROLE_OPERATIONS,
		ROLE_COMMS,
		ROLE_SCRIBE,
	};
	struct talk *x = *state;
	size_t before = talk_entries(x, 1);

	talk_say_as(x, BOB, "solo");
	assert_answered(x, "On INC-1 you are: Incident commander, Operations lead, Communications "
			   "lead, Scribe");
	assert_has(x->text, "You lead the response and decide");
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(talk_role(x, 1, role[i]), BOB);
	/* Each is named on the record, and once in the channel. */
	assert_int_equal(talk_entries(x, 1), before + 4);
	assert_string_equal(talk_entry(x, 1, 0).text, "Scribe: @bob");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "incident", NULL), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"),
		"@bob takes every free role of INC-1: Incident commander, Operations lead");
	assert_int_equal(talk_promise_last(x, 1, PROMISE_ROLES).state, PROMISE_KEPT);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_RESPOND).state, PROMISE_KEPT);
	talk_say_as(x, BOB, "solo");
	assert_answered(x, "taken already, all by you; nothing was changed");
	talk_say(x, "solo");
	assert_answered(x, "Incident commander with @bob");
}

static void test_solo_leaves_what_is_held(void **state)
{
	struct talk *x = *state;

	talk_say(x, "ops @carol");
	talk_forget(x);
	talk_say(x, "solo");
	assert_answered(x, "you are: Incident commander, Communications lead, Scribe · Operations "
			   "lead with @carol");
	assert_string_equal(talk_role(x, 1, ROLE_OPERATIONS), CAROL);
	talk_say(x, "resolve --not-verified \"no traffic\"");
	talk_say(x, "solo");
	assert_refused(x, "conflict", "INC-1 is resolved");
}

static size_t posts(struct talk *x)
{
	return talk_effects(x, EFFECT_MESSAGE_POST, "incident", NULL);
}

/* One person with four roles is called once as the owner; the step of the responders stays silent,
 * the channel's comes at its own time. */
static void test_solo_is_called_once(void **state)
{
	struct talk *x = *state;

	talk_say(x, "solo");
	talk_say(x, "update looking. in 20m");
	x->config->ladder[PROMISE_CHECKPOINT].count = 0;
	x->config->ladder[PROMISE_STRATEGY].count = 0;
	talk_forget(x);
	talk_pass(x, 20 * MINUTE_MS);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, ALICE, NULL), 1);
	assert_int_equal(posts(x), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "@alice Update on INC-1 is due");
	talk_pass(x, 9 * MINUTE_MS);
	assert_int_equal(posts(x), 1);
	talk_pass(x, MINUTE_MS);
	assert_int_equal(posts(x), 2);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "10 min overdue");
}

/* With a second person there the responders' step is theirs. */
static void test_two_are_called(void **state)
{
	struct talk *x = *state;

	talk_say(x, "solo");
	talk_say(x, "ops @bob");
	talk_say(x, "update looking. in 20m");
	talk_forget(x);
	talk_pass(x, 25 * MINUTE_MS);
	const char *said = talk_said(x, EFFECT_MESSAGE_POST, "incident");
	assert_has(said, "@alice @bob Update on INC-1 is 5 min overdue");
}

/* A downtime swallowed the owner's step: the responders' step calls the one there is. */
static void test_solo_after_downtime(void **state)
{
	struct talk *x = *state;

	talk_say(x, "solo");
	talk_say(x, "update looking. in 20m");
	talk_forget(x);
	x->clock.manual_ms += 27 * MINUTE_MS;
	talk_pass(x, 0);
	assert_int_equal(posts(x), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "@alice Update on INC-1 is 7 min");
	talk_pass(x, 2 * MINUTE_MS);
	assert_int_equal(posts(x), 1);
}

/* After a snooze the ladder begins again, and so does the call of the owner. */
static void test_solo_after_snooze(void **state)
{
	struct talk *x = *state;

	talk_say(x, "solo");
	talk_say(x, "update looking. in 20m");
	talk_pass(x, 20 * MINUTE_MS);
	talk_say(x, "snooze 10m waiting for the vendor");
	talk_forget(x);
	talk_pass(x, 16 * MINUTE_MS);
	assert_int_equal(posts(x), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "@alice Update on INC-1 is 10 min");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_checkpoint_is_kept),
		TEST(test_checkpoint_is_completed),
		TEST(test_checkpoint_shows_the_latest),
		TEST(test_checkpoint_form),
		TEST(test_checkpoint_refuses),
		TEST(test_checkpoint_promise),
		TEST(test_checkpoint_by_level),
		TEST(test_strategy_is_asked_for),
		TEST(test_strategy_answers),
		TEST(test_strategy_is_renewed),
		TEST(test_solo),
		TEST(test_solo_leaves_what_is_held),
		TEST(test_solo_is_called_once),
		TEST(test_two_are_called),
		TEST(test_solo_after_downtime),
		TEST(test_solo_after_snooze),
	};

	return cmocka_run_group_tests_name("verbs: checkpoint", tests, NULL, NULL);
}
