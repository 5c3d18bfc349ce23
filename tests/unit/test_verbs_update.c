/* update, cadence, snooze: what is promised about the next update (FEATURES E1, E2, E4, E7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "store/promises.h"
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

static void test_update_posts(void **state)
{
	struct talk *x = *state;
	struct effect_row *row;

	talk_say(x, "update rolling back v2.31, cause not known yet. in 20m");
	assert_answered(x, "next update promised for 14:21");
	assert_has_not(x->text, "cadence");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "incident", &row), 1);
	const char *said = talk_said(x, EFFECT_MESSAGE_POST, "incident");
	/* The first one is the first notification. */
	assert_has(said, "[SEV2] checkout is failing");
	assert_has(said, "Status: triage");
	assert_has(said, "Known: rolling back v2.31, cause not known yet");
	assert_has(said, "Next update 14:21");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "announce", &row), 1);
	assert_string_equal(row[0].thread_slot, "announcement");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "announce"), "rolling back");

	struct incident inc = talk_incident(x, 1);
	assert_int_equal(inc.updated_at, TALK_START + MINUTE_MS);
	assert_string_equal(inc.updated_by, ALICE);
	assert_string_equal(inc.update_text, "rolling back v2.31, cause not known yet.");
	assert_int_equal(inc.acknowledged_at, TALK_START + MINUTE_MS);

	struct promise p = talk_promise(x, 1, PROMISE_UPDATE);
	assert_int_equal(p.due_at, TALK_START + 21 * MINUTE_MS);
	assert_int_equal(talk_promise(x, 1, PROMISE_RESPOND).due_at, 0);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_RESPOND).state, PROMISE_KEPT);

	struct timeline_entry e = talk_entry(x, 1, 0);
	assert_int_equal(e.kind, ENTRY_COMMUNICATION);
	assert_has(e.text, "update: rolling back v2.31");
	assert_has(e.meta, "\"known\":\"rolling back v2.31, cause not known yet.\"");
}

static void test_update_sections(void **state)
{
	struct talk *x = *state;

	talk_say(x, "update known: bad config in v2.31; unknown: why canary passed; impact: EU "
		    "checkout; doing: rollback; next: verify; in 25m");
	assert_answered(x, "promised for 14:26");
	const char *said = talk_said(x, EFFECT_MESSAGE_POST, "incident");
	assert_has(said, "Known: bad config in v2.31");
	assert_has(said, "Not known: why canary passed");
	assert_has(said, "Impact: EU checkout");
	assert_has(said, "Doing: rollback");
	assert_has(said, "Next: verify");
	assert_string_equal(talk_incident(x, 1).impact, "EU checkout");
	talk_say(x, "update --known \"it is the cache\" --doing \"flushing\" --at 14:11");
	assert_answered(x, "promised for 14:11");
	said = talk_said(x, EFFECT_MESSAGE_POST, "incident");
	assert_has(said, "SEV2 UPDATE · checkout is failing · triage");
	assert_has(said, "Known: it is the cache");
	assert_has_not(said, "Not known");
	/* The impact stands in each: nobody has to look for it. */
	assert_has(said, "Impact: EU checkout");
	/* What it did not say stays as it was. */
	assert_string_equal(talk_incident(x, 1).impact, "EU checkout");
}

static void test_update_by_cadence(void **state)
{
	struct talk *x = *state;

	talk_say(x, "update looking into it");
	assert_answered(x, "next update promised for 14:31 UTC (the cadence");
	assert_int_equal(talk_promise(x, 1, PROMISE_UPDATE).due_at, TALK_START + 31 * MINUTE_MS);
	assert_int_equal(talk_timers_named(x, 1, "promise"), 1);
}

static void test_update_kept_late(void **state)
{
	struct talk *x = *state;

	talk_pass(x, 33 * MINUTE_MS);
	talk_say(x, "update still looking");
	assert_answered(x, "promised for 15:04");
	assert_int_equal(talk_promise(x, 1, PROMISE_UPDATE).due_at, TALK_START + 64 * MINUTE_MS);
	/* Both stand: that it was missed, and that it came. */
	struct promise first = talk_promise_ended(x, 1, PROMISE_UPDATE);
	assert_int_equal(first.state, PROMISE_KEPT);
	assert_int_equal(first.missed_at, TALK_START + 30 * MINUTE_MS);
	assert_int_equal(first.kept_at, TALK_START + 34 * MINUTE_MS);
}

static void test_update_refuses(void **state)
{
	struct talk *x = *state;
	size_t before = talk_entries(x, 1);
	int64_t due = talk_promise(x, 1, PROMISE_UPDATE).due_at;

	talk_say(x, "update");
	assert_refused(x, "usage", "/inc update");
	talk_say(x, "update in 20m");
	assert_refused(x, "usage", "say at least what is known");
	talk_say(x, "update we know nothing --at \"2026-03-02 13:00\"");
	assert_refused(x, "usage", "which is over");
	talk_say(x, "update all is well. in 3h");
	assert_refused(x, "usage", "at SEV2 it is promised within 1 h");
	talk_say(x, "update all is well --in 90m");
	assert_refused(x, "usage", "at SEV2 it is promised within 1 h");
	assert_int_equal(talk_entries(x, 1), before);
	assert_int_equal(talk_promise(x, 1, PROMISE_UPDATE).due_at, due);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, NULL, NULL), 0);
	assert_int_equal(talk_incident(x, 1).updated_at, 0);

	talk_say(x, "sev 1 doubled");
	talk_say(x, "update all is well. in 40m");
	assert_refused(x, "usage", "at SEV1 it is promised within 30 min");
	talk_say(x, "sev 3 workaround found");
	talk_say(x, "update all is well. in 20h");
	assert_answered(x, "next update promised for");
}

static void test_update_after_the_end(void **state)
{
	struct talk *x = *state;

	talk_say(x, "resolve done --not-verified \"no traffic\"");
	talk_forget(x);
	talk_say(x, "update the vendor confirms the fix. in 20m");
	assert_refused(x, "conflict", "no next update can be promised");
	talk_say(x, "update the vendor confirms the fix");
	assert_answered(x, "Posted");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "no further update is promised");
	assert_int_equal(talk_promise(x, 1, PROMISE_UPDATE).due_at, 0);
	assert_int_equal(talk_timers(x, 1), 0);
	talk_say(x, "close --without-review \"a test\"");
	talk_say(x, "update one more thing");
	assert_refused(x, "conflict", "INC-1 is closed; nothing was posted");
	assert_has(x->text, "/inc reopen #1 why");
}

static const char *field_value(struct talk *x, const char *arg)
{
	json_t *field;
	size_t i;

	json_array_foreach(json_get_arr(x->reply.form, "fields"), i,
		field) if (strcmp(json_get_str(field, "arg"), arg) == 0) return json_get_str(field,
		"value");
	fail_msg("no field %s", arg);
	return NULL;
}

static void test_update_form(void **state)
{
	struct talk *x = *state;

	x->forms = true;
	talk_say(x,
		"update known: a; unknown: why canary passed; doing: rollback; impact: EU; in 20m");
	talk_say(x, "update still rolling back");
	talk_press(x, ALICE, "update", 1, NULL);
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_null(field_value(x, "known"));
	assert_string_equal(field_value(x, "impact"), "EU");
	assert_string_equal(field_value(x, "at"), "in 30 min");
	assert_null(field_value(x, "doing"));
	talk_submit(x, BOB, "update", 1,
		json_pack("{s:s, s:s, s:s}", "known", "found it", "doing", "fixing", "at",
			"in 30 min"));
	assert_answered(x, "promised for 14:31");
	assert_string_equal(talk_incident(x, 1).updated_by, BOB);
	talk_press(x, ALICE, "update", 1, NULL);
	assert_string_equal(field_value(x, "doing"), "fixing");
	talk_submit(x, BOB, "update", 1, json_pack("{s:s}", "at", "in 30 min"));
	assert_refused(x, "usage", "what is known");
	assert_non_null(json_get_str(x->reply.fields, "known"));
	talk_submit(x, BOB, "update", 1, json_pack("{s:s, s:s}", "known", "x", "at", "in 5h"));
	assert_non_null(json_get_str(x->reply.fields, "at"));
}

static void test_cadence(void **state)
{
	struct talk *x = *state;

	talk_say(x, "cadence");
	assert_answered(x, "come every 30 min, as the policy says");
	talk_say(x, "cadence often please");
	assert_refused(x, "usage", "begin with how often");
	talk_say(x, "cadence 15m");
	assert_refused(x, "usage", "at SEV2 a change needs a reason");
	assert_has(x->text, "/inc cadence #1 15m waiting for the vendor");
	talk_say(x, "cadence 15m the board is watching");
	assert_answered(x, "come every 15 min now · next one promised for 14:16");
	assert_int_equal(talk_incident(x, 1).cadence_ms, 15 * MINUTE_MS);
	assert_int_equal(talk_promise(x, 1, PROMISE_UPDATE).due_at, TALK_START + 16 * MINUTE_MS);
	assert_string_equal(
		talk_entry(x, 1, 0).text, "update cadence 30 min → 15 min: the board is watching");
	assert_int_equal(x->config->severity.level[2].cadence_ms, 30 * MINUTE_MS);
	talk_say(x, "cadence 15m again");
	assert_answered(x, "already");
	/* Slower: what was promised stands. */
	talk_say(x, "cadence 45m nothing moves");
	assert_answered(x, "every 45 min now · next one promised for 14:16");
	talk_say(x, "update nothing moves");
	assert_answered(x, "promised for 14:46");
	talk_say(x, "cadence 2h nothing moves");
	assert_refused(x, "usage", "at least every 1 h");
	talk_say(x, "cadence 10s hurry");
	assert_refused(x, "usage", "less than a minute");
	talk_say(x, "cadence --reset");
	assert_answered(x, "come every 30 min now");
	assert_int_equal(talk_incident(x, 1).cadence_ms, 0);
	talk_say(x, "sev 3 a workaround");
	talk_say(x, "cadence 1h");
	assert_answered(x, "come every 1 h now");
}

static void test_snooze(void **state)
{
	struct talk *x = *state;

	talk_say(x, "snooze 10m");
	assert_refused(x, "usage", "at SEV2 a snooze needs a reason");
	assert_has(x->text, "/inc snooze #1 10m waiting for the vendor");
	talk_say(x, "snooze 40m waiting for the vendor");
	assert_answered(x, "quiet until 14:41 UTC · the update stays promised for 14:30");
	struct promise p = talk_promise(x, 1, PROMISE_UPDATE);
	assert_int_equal(p.due_at, TALK_START + 30 * MINUTE_MS);
	assert_int_equal(p.quiet_until, TALK_START + 41 * MINUTE_MS);
	assert_has(talk_entry(x, 1, 0).text, "reminders quiet until 14:41");
	assert_has(talk_entry(x, 1, 0).text, ": waiting for the vendor");
	talk_forget(x);
	talk_say(x, "take comms");
	talk_forget(x);
	talk_pass(x, 38 * MINUTE_MS); /* 14:39: late, but quiet */
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, NULL, NULL), 0);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_UPDATE).state, PROMISE_OPEN);
	talk_say(x, "snooze 5h the vendor sleeps");
	assert_refused(x, "usage", "at most 4 h");
	talk_say(x, "snooze --until \"2026-03-02 12:00\" because");
	assert_refused(x, "usage", "is over already");
	talk_say(x, "snooze the vendor answers soon");
	assert_answered(x, "quiet until 14:49");
	talk_say(x, "snooze until 15:10 the vendor has lunch");
	assert_answered(x, "quiet until 15:10");
	assert_has(talk_entry(x, 1, 0).text, "until 15:10 UTC: the vendor has lunch");
	talk_say(x, "snooze until 15:20");
	assert_refused(x, "usage", "needs a reason");
	talk_say(x, "snooze the vendor has dinner until 15:20");
	assert_answered(x, "quiet until 15:20");
	talk_say(x, "snooze 20m until somebody answers");
	assert_answered(x, "quiet until 14:59");
	talk_say(x, "sev 3 a workaround");
	talk_say(x, "snooze");
	assert_answered(x, "quiet until");
}

static void test_snooze_button_asks(void **state)
{
	struct talk *x = *state;

	x->forms = true;
	talk_press(x, ALICE, "snooze", 1, json_pack("{s:s}", "for", "10m"));
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_string_equal(field_value(x, "for"), "10m");
	talk_submit(x, ALICE, "snooze", 1, json_pack("{s:s}", "for", "10m"));
	assert_refused(x, "usage", "needs a reason");
	assert_non_null(json_get_str(x->reply.fields, "why"));
	talk_submit(x, ALICE, "snooze", 1,
		json_pack("{s:s, s:s}", "for", "10m", "why", "on the phone"));
	assert_answered(x, "quiet until 14:11");
}

/* A chat that opens no channel: the incident lives under its announcement, and nothing stands there
 * twice. */
static void test_without_channel(void **state)
{
	struct talk *x = *state;
	struct effect *out[8];
	size_t n;

	x->channel = NULL;
	talk_say(x, "declare sev2 another");
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_OPEN, NULL, NULL), 1);
	talk_say(x, "#2 update looking");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "incident", NULL), 1);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "announce", NULL), 2);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(deliver_start(&x->desk, out, 1, &n, &x->err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(out[0]->kind, EFFECT_CHANNEL_OPEN);
	assert_int_equal(effect_end(x->store, out[0]->id, EFFECT_FAILED, "missing_scope",
				 x->clock.manual_ms, &x->err),
		0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	effect_destroy(out[0]);
	talk_forget(x);
	talk_say(x, "#2 update still looking");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "incident", NULL), 1);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "announce", NULL), 0);
}

/* The words of the templates, for the asker alone: nothing is posted, promised or resolved by looking. */
static void test_preview(void **state)
{
	struct talk *x = *state;
	int64_t promised;

	promised = talk_promise(x, 1, PROMISE_UPDATE).due_at;
	talk_forget(x);
	talk_say(x, "preview");
	assert_answered(x, "SEV2 UPDATE");
	assert_answered(x, "what is being done");
	talk_say(x, "preview first");
	assert_answered(x, "[SEV2] checkout is failing");
	talk_say(x, "preview resolution");
	assert_answered(x, "RESOLVED");
	assert_answered(x, "nothing was sent");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, NULL, NULL), 0);
	assert_int_equal(talk_incident(x, 1).resolved_at, 0);
	assert_int_equal(talk_incident(x, 1).state, STATE_TRIAGE);
	assert_int_equal(talk_promise(x, 1, PROMISE_UPDATE).due_at, promised);
	talk_say(x, "preview poem");
	assert_refused(x, "usage", "resolution");
}

static void test_closed_to_all(void **state)
{
	struct talk *x = *state;

	talk_say(x, "resolve --not-verified \"no traffic\"");
	talk_say(x, "cadence 10m why");
	assert_refused(x, "conflict", "resolved");
	talk_say(x, "snooze 10m why");
	assert_refused(x, "conflict", "resolved");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_update_posts),
		TEST(test_update_sections),
		TEST(test_update_by_cadence),
		TEST(test_update_kept_late),
		TEST(test_update_refuses),
		TEST(test_update_after_the_end),
		TEST(test_update_form),
		TEST(test_cadence),
		TEST(test_snooze),
		TEST(test_snooze_button_asks),
		TEST(test_without_channel),
		TEST(test_closed_to_all),
		TEST(test_preview),
	};

	return cmocka_run_group_tests_name("verbs: update, cadence, snooze", tests, NULL, NULL);
}
