/* note, timeline, impact, sync, whoami, help, and who may do what (FEATURES F1–F3, H1, H8, A4, U1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "commands/operation.h"
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

/* ---- note ---- */

static void test_note(void **state)
{
	struct talk *x = *state;

	talk_say(x, "note 13:42 deploy of v2.31 started");
	assert_answered(x, "On the timeline of INC-1 as a note, 13:42");
	struct timeline_entry e = talk_entry(x, 1, talk_entries(x, 1) - 1);
	assert_string_equal(e.text, "deploy of v2.31 started");
	assert_int_equal(e.kind, ENTRY_NOTE);
	assert_int_equal(e.happened_at, TALK_START - 18 * MINUTE_MS);
	assert_int_equal(e.recorded_at, TALK_START + MINUTE_MS);
	assert_string_equal(e.author, ALICE);

	talk_say(x, "hypothesis the cache is stale");
	assert_answered(x, "as a hypothesis");
	assert_int_equal(talk_entry(x, 1, 0).kind, ENTRY_HYPOTHESIS);
	talk_say(x, "decision 13:59 we roll back");
	assert_int_equal(talk_entry(x, 1, 0).kind == ENTRY_DECISION ||
				 talk_entry(x, 1, 1).kind == ENTRY_DECISION ||
				 talk_entry(x, 1, 2).kind == ENTRY_DECISION ||
				 talk_entry(x, 1, 3).kind == ENTRY_DECISION,
		1);
	talk_say(x, "note --kind mitigation traffic moved");
	assert_int_equal(talk_entry(x, 1, 0).kind, ENTRY_MITIGATION);
	/* Nobody is told: it is on the timeline. */
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, NULL, NULL), 0);
}

static void test_note_corrects(void **state)
{
	struct talk *x = *state;
	char words[100];

	talk_say(x, "fact the deploy began at noon");
	struct timeline_entry wrong = talk_entry(x, 1, 0);
	snprintf(words, sizeof(words), "fact --correct %lld the deploy began at 13:42",
		(long long)wrong.id);
	talk_say(x, words);
	assert_answered(x, "correcting entry");
	assert_int_equal(talk_entry(x, 1, 0).corrects, wrong.id);
	assert_string_equal(talk_entry(x, 1, 1).text, "the deploy began at noon");
	talk_say(x, "fact --correct 999 nothing");
	assert_refused(x, "usage", "INC-1 has no entry 999");
	x->channel = NULL;
	talk_say(x, "declare sev3 another");
	snprintf(words, sizeof(words), "#2 note --correct %lld not mine", (long long)wrong.id);
	talk_say(x, words);
	assert_refused(x, "usage", "INC-2 has no entry");
}

static void test_note_refuses(void **state)
{
	struct talk *x = *state;
	size_t before = talk_entries(x, 1);

	talk_say(x, "note");
	assert_refused(x, "usage", "/inc note");
	talk_say(x, "note 14:12");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	talk_press(x, ALICE, "note", 1,
		json_pack("{s:s, s:s}", "at", "2026-03-02 15:00", "text", "from the future"));
	assert_refused(x, "usage", "has not come yet");
	talk_say(x, "note --kind rumour it is DNS");
	assert_refused(x, "usage", "rumour");
	assert_int_equal(talk_entries(x, 1), before);
}

/* ---- timeline ---- */

static void test_timeline_pages(void **state)
{
	struct talk *x = *state;
	char words[700];

	for (int i = 0; i < 30; i++) {
		talk_pass(x, SECOND_MS);
		snprintf(words, sizeof(words), "note step %02d", i);
		talk_say(x, words);
	}
	talk_say(x, "timeline");
	assert_answered(x, "Timeline of INC-1, checkout is failing: 32 entries");
	assert_has(x->text, "step 29");
	assert_has(x->text, "step 15");
	assert_has_not(x->text, "step 14");
	assert_true(strstr(x->text, "step 15") < strstr(x->text, "step 29"));
	assert_string_equal(talk_button(x, "timeline"), "Older");

	/* The button carries from where on. */
	json_t *block, *args = NULL;
	size_t i;

	json_array_foreach(json_get_arr(x->reply.doc, "blocks"), i,
		block) if (strcmp(json_get_str(block, "t"), "buttons") == 0) args =
		json_deep_copy(json_at(block, "items.0.args"));
	assert_non_null(args);
	talk_press(x, ALICE, "timeline", 1, args);
	assert_answered(x, "step 14");
	assert_has(x->text, "step 00");
	assert_has_not(x->text, "step 15");
	assert_non_null(talk_button(x, "timeline"));
	talk_say(x, "timeline --before 1");
	assert_answered(x, "nothing older");
}

static void test_timeline_shortens(void **state)
{
	struct talk *x = *state;
	char words[700] = "note begin ";
	char ask[60];

	for (int i = 0; i < 100; i++)
		strcat(words, "läng ");
	strcat(words, "theend");
	talk_say(x, words);
	talk_say(x, "log");
	assert_answered(x, "begin läng");
	assert_has_not(x->text, "theend");
	snprintf(ask, sizeof(ask), "/inc timeline #1 --entry %lld",
		(long long)talk_entry(x, 1, 0).id);
	assert_has(x->text, ask);
	talk_say(x, ask);
	assert_answered(x, "theend");
	assert_has(x->text, "recorded");
	talk_say(x, "timeline --entry 4711");
	assert_refused(x, "usage", "INC-1 has no entry 4711");
}

/* ---- impact ---- */

static void test_impact(void **state)
{
	struct talk *x = *state;

	talk_say(x, "impact 25% of checkouts, since 13:42");
	assert_answered(x, "Impact of INC-1: 25% of checkouts, since 13:42");
	struct incident inc = talk_incident(x, 1);
	assert_string_equal(inc.impact, "25% of checkouts");
	assert_int_equal(inc.impact_at, TALK_START - 18 * MINUTE_MS);
	struct timeline_entry e = talk_entry(x, 1, 0);
	assert_int_equal(e.kind, ENTRY_FACT);
	assert_string_equal(e.text, "impact: 25% of checkouts, since 13:42 UTC");
	assert_has(e.meta, "\"share_percent\":25.0");
	/* The card shows it; it is not posted as well. */
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_EDIT, "incident", NULL), 1);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, NULL, NULL), 0);

	talk_say(x, "impact all of EU since the deploy");
	assert_string_equal(talk_incident(x, 1).impact, "all of EU since the deploy");
	assert_int_equal(talk_incident(x, 1).impact_at, TALK_START - 18 * MINUTE_MS);
	talk_say(x, "impact --since 13:30");
	assert_string_equal(talk_incident(x, 1).impact, "all of EU since the deploy");
	assert_int_equal(talk_incident(x, 1).impact_at, TALK_START - 30 * MINUTE_MS);
	talk_press(x, ALICE, "impact", 1, json_pack("{s:s}", "since", "2026-03-02 18:00"));
	assert_refused(x, "usage", "has not come yet");
	talk_say(x, "impact 140% load, v2.31 hosts");
	assert_has_not(talk_entry(x, 1, 0).meta, "share_percent");
}

/* ---- sync ---- */

static void fail_post(struct talk *x)
{
	struct effect *out[8];
	size_t n;

	deliver_expect_any(&x->desk);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(deliver_start(&x->desk, out, 8, &n, &x->err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(effect_end(x->store, out[0]->id, EFFECT_FAILED, "is_archived",
				 clock_now(&x->clock), &x->err),
		0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	effect_destroy(out[0]);
}

static void test_sync(void **state)
{
	struct talk *x = *state;
	struct effect_row *row;
	size_t n;

	talk_say(x, "sync");
	assert_answered(x, "Of INC-1 nothing waits to be sent, and nothing was refused.");
	talk_say(x, "investigating");
	talk_forget(x);
	talk_say(x, "cancel false");
	assert_true(talk_effects(x, EFFECT_MESSAGE_POST, NULL, NULL) >= 2);
	talk_say(x, "sync");
	assert_answered(x, "Slack");
	assert_has(x->text, "wait since 14:01");
	assert_has(x->text, "first: post a message");
	assert_string_equal(talk_button(x, "sync"), "Try now");
	x->channel = NULL;
	talk_say(x, "sync");
	assert_answered(x, "Outside, everything");
	talk_say(x, "sync #1");
	assert_answered(x, "Outside, INC-1");
	talk_forget(x);
	talk_say(x, "sync #1 --retry");
	assert_answered(x, "nothing to try again");

	x->channel = "slack:CINC1";
	talk_say(x, "reopen it was real");
	talk_forget(x);
	talk_say(x, "role drop ic");
	talk_say(x, "take ops");
	talk_forget(x);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(effect_insert(x->store, x->arena,
				 &(struct effect_row){ .incident = 1,
					 .system = "slack",
					 .lane = "slack/1",
					 .kind = EFFECT_MESSAGE_POST,
					 .to = "incident",
					 .created_at = clock_now(&x->clock),
					 .payload = "{\"doc\":{\"text\":\"x\"}}" },
				 &x->err),
		0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	fail_post(x);
	talk_say(x, "sync");
	assert_answered(x, "Not done: post a message, 14:01");
	assert_has(x->text, "is_archived");
	assert_string_equal(talk_button(x, "sync"), "Retry");
	talk_press(x, ALICE, "sync", 1, json_pack("{s:b}", "retry", 1));
	assert_answered(x, "1 that were refused");
	assert_int_equal(effect_failed_list(x->store, x->arena, 1, 10, &row, &n, &x->err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "incident", &row), 1);
	assert_int_equal(row[0].state, EFFECT_READY);
	talk_deliver(x);
	talk_say(x, "sync");
	assert_answered(x, "nothing waits");
}

/* ---- whoami, help, rights ---- */

static void test_whoami(void **state)
{
	struct talk *x = *state;

	talk_say_as(x, BOB, "whoami");
	assert_answered(x, "You are @bob (slack:UBOB), times are read in Europe/Berlin");
	assert_has(x->text, "incident.write");
	assert_has_not(x->text, "incident.admin");
	assert_has(x->text, "Roles now: none");
	talk_say(x, "ops @bob");
	talk_say_as(x, BOB, "whoami");
	assert_has(x->text, "operations of INC-1");
}

static void test_help(void **state)
{
	struct talk *x = *state;

	talk_say(x, "help");
	assert_answered(x, "declare");
	talk_say(x, "help sev");
	assert_answered(x, "/inc sev 1 error rate doubled");
	talk_say(x, "help nonsense");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
}

/* Whoever has no rights is told so, and may still ask who they are. */
static void test_strangers(void **state)
{
	struct talk *x = *state;
	int64_t revision = talk_incident(x, 1).revision;

	talk_say_as(x, "teams:U1", "note hello");
	assert_refused(x, "forbidden", "incident.write");
	talk_say_as(x, "teams:U1", "list");
	assert_refused(x, "forbidden", "incident.read");
	talk_say_as(x, "teams:U1", "whoami");
	assert_answered(x, "none; ask whoever keeps rbac.yml");
	talk_say_as(x, "teams:U1", "help");
	assert_answered(x, "declare");
	assert_int_equal(talk_incident(x, 1).revision, revision);
}

/* Each verb that offers itself can say how it is used, and its example is understood. */
static void test_examples_work(void **state)
{
	struct talk *x = *state;

	for (size_t i = 0; operations[i]; i++) {
		const struct operation *op = operations[i];

		if (op->flags & OP_INTERNAL)
			continue;
		assert_non_null(op->summary);
		assert_non_null(op->example);
		x->channel = strstr(op->example, "#42") ? NULL : "slack:CINC1";
		talk_say(x, op->example);
		if (x->reply.kind == REPLY_REFUSAL && strcmp(x->reply.code, "usage") == 0)
			fail_msg("the example \"%s\" is refused: %s", op->example, x->text);
		if (x->reply.kind == REPLY_REFUSAL && strcmp(x->reply.code, "internal") == 0)
			fail_msg("the example \"%s\" fails: %s", op->example, x->text);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_note),
		TEST(test_note_corrects),
		TEST(test_note_refuses),
		TEST(test_timeline_pages),
		TEST(test_timeline_shortens),
		TEST(test_impact),
		TEST(test_sync),
		TEST(test_whoami),
		TEST(test_help),
		TEST(test_strangers),
		TEST(test_examples_work),
	};

	return cmocka_run_group_tests_name(
		"verbs: note, timeline, impact, sync, whoami, help", tests, NULL, NULL);
}
