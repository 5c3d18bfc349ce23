/* note, timeline, impact, sync, whoami, help, and who may do what (FEATURES F1–F3, H1, H8, A4, U1). */
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
	int rc = core_setup(state);

	if (rc == 0) {
		core_say(*state, "declare sev2 checkout is failing");
		core_deliver(*state);
		((struct core *)*state)->channel = "slack:CINC1";
		((struct core *)*state)->clock.manual_ms = CORE_START + MINUTE_MS;
	}
	return rc;
}

/* ---- note ---- */

static void test_note(void **state)
{
	struct core *x = *state;

	core_say(x, "note 13:42 deploy of v2.31 started");
	assert_answered(x, "On the timeline of INC-1 as a note, 13:42");
	struct timeline_entry e = core_entry(x, 1, core_entries(x, 1) - 1);
	assert_string_equal(e.text, "deploy of v2.31 started");
	assert_int_equal(e.kind, ENTRY_NOTE);
	assert_int_equal(e.happened_at, CORE_START - 18 * MINUTE_MS);
	assert_int_equal(e.recorded_at, CORE_START + MINUTE_MS);
	assert_string_equal(e.author, ALICE);

	core_say(x, "hypothesis the cache is stale");
	assert_answered(x, "as a hypothesis");
	assert_int_equal(core_entry(x, 1, 0).kind, ENTRY_HYPOTHESIS);
	core_say(x, "decision 13:59 we roll back");
	assert_int_equal(core_entry(x, 1, 0).kind == ENTRY_DECISION || core_entry(x, 1, 1).kind == ENTRY_DECISION ||
		core_entry(x, 1, 2).kind == ENTRY_DECISION || core_entry(x, 1, 3).kind == ENTRY_DECISION, 1);
	core_say(x, "note --kind mitigation traffic moved");
	assert_int_equal(core_entry(x, 1, 0).kind, ENTRY_MITIGATION);
	/* Nobody is told: it is on the timeline. */
	assert_int_equal(core_effects(x, EFFECT_MESSAGE_POST, NULL, NULL), 0);
}

static void test_note_corrects(void **state)
{
	struct core *x = *state;
	char words[100];

	core_say(x, "fact the deploy began at noon");
	struct timeline_entry wrong = core_entry(x, 1, 0);
	snprintf(words, sizeof(words), "fact --correct %lld the deploy began at 13:42", (long long)wrong.id);
	core_say(x, words);
	assert_answered(x, "correcting entry");
	assert_int_equal(core_entry(x, 1, 0).corrects, wrong.id);
	assert_string_equal(core_entry(x, 1, 1).text, "the deploy began at noon");
	core_say(x, "fact --correct 999 nothing");
	assert_refused(x, "usage", "INC-1 has no entry 999");
	x->channel = NULL;
	core_say(x, "declare sev3 another");
	snprintf(words, sizeof(words), "#2 note --correct %lld not mine", (long long)wrong.id);
	core_say(x, words);
	assert_refused(x, "usage", "INC-2 has no entry");
}

static void test_note_refuses(void **state)
{
	struct core *x = *state;
	size_t before = core_entries(x, 1);

	core_say(x, "note");
	assert_refused(x, "usage", "/inc note");
	core_say(x, "note 14:12");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	core_press(x, ALICE, "note", 1, json_pack("{s:s, s:s}", "at", "2026-03-02 15:00", "text", "from the future"));
	assert_refused(x, "usage", "has not come yet");
	core_say(x, "note --kind rumour it is DNS");
	assert_refused(x, "usage", "rumour");
	assert_int_equal(core_entries(x, 1), before);
}

/* ---- timeline ---- */

static void test_timeline_pages(void **state)
{
	struct core *x = *state;
	char words[700];

	for (int i = 0; i < 30; i++) {
		core_pass(x, SECOND_MS);
		snprintf(words, sizeof(words), "note step %02d", i);
		core_say(x, words);
	}
	core_say(x, "timeline");
	assert_answered(x, "Timeline of INC-1, checkout is failing: 32 entries");
	assert_has(x->text, "step 29");
	assert_has(x->text, "step 15");
	assert_has_not(x->text, "step 14");
	assert_true(strstr(x->text, "step 15") < strstr(x->text, "step 29"));
	assert_string_equal(core_button(x, "timeline"), "Older");

	/* The button carries from where on. */
	json_t *block, *args = NULL;
	size_t i;

	json_array_foreach(json_get_arr(x->reply.doc, "blocks"), i, block)
		if (strcmp(json_get_str(block, "t"), "buttons") == 0)
			args = json_deep_copy(json_at(block, "items.0.args"));
	assert_non_null(args);
	core_press(x, ALICE, "timeline", 1, args);
	assert_answered(x, "step 14");
	assert_has(x->text, "step 00");
	assert_has_not(x->text, "step 15");
	assert_non_null(core_button(x, "timeline"));
	core_say(x, "timeline --before 1");
	assert_answered(x, "nothing older");
}

static void test_timeline_shortens(void **state)
{
	struct core *x = *state;
	char words[700] = "note begin ";
	char ask[60];

	for (int i = 0; i < 100; i++)
		strcat(words, "läng ");
	strcat(words, "theend");
	core_say(x, words);
	core_say(x, "log");
	assert_answered(x, "begin läng");
	assert_has_not(x->text, "theend");
	snprintf(ask, sizeof(ask), "/inc timeline #1 --entry %lld", (long long)core_entry(x, 1, 0).id);
	assert_has(x->text, ask);
	core_say(x, ask);
	assert_answered(x, "theend");
	assert_has(x->text, "recorded");
	core_say(x, "timeline --entry 4711");
	assert_refused(x, "usage", "INC-1 has no entry 4711");
}

/* ---- impact ---- */

static void test_impact(void **state)
{
	struct core *x = *state;

	core_say(x, "impact 25% of checkouts, since 13:42");
	assert_answered(x, "Impact of INC-1: 25% of checkouts, since 13:42");
	struct incident inc = core_incident(x, 1);
	assert_string_equal(inc.impact, "25% of checkouts");
	assert_int_equal(inc.impact_at, CORE_START - 18 * MINUTE_MS);
	struct timeline_entry e = core_entry(x, 1, 0);
	assert_int_equal(e.kind, ENTRY_FACT);
	assert_string_equal(e.text, "impact: 25% of checkouts, since 13:42 UTC");
	assert_has(e.meta, "\"share_percent\":25.0");
	/* The card shows it; it is not posted as well. */
	assert_int_equal(core_effects(x, EFFECT_MESSAGE_EDIT, "incident", NULL), 1);
	assert_int_equal(core_effects(x, EFFECT_MESSAGE_POST, NULL, NULL), 0);

	core_say(x, "impact all of EU since the deploy");
	assert_string_equal(core_incident(x, 1).impact, "all of EU since the deploy");
	assert_int_equal(core_incident(x, 1).impact_at, CORE_START - 18 * MINUTE_MS);
	core_say(x, "impact --since 13:30");
	assert_string_equal(core_incident(x, 1).impact, "all of EU since the deploy");
	assert_int_equal(core_incident(x, 1).impact_at, CORE_START - 30 * MINUTE_MS);
	core_press(x, ALICE, "impact", 1, json_pack("{s:s}", "since", "2026-03-02 18:00"));
	assert_refused(x, "usage", "has not come yet");
	core_say(x, "impact 140% load, v2.31 hosts");
	assert_has_not(core_entry(x, 1, 0).meta, "share_percent");
}

/* ---- sync ---- */

static void fail_post(struct core *x)
{
	struct effect *out[8];
	size_t n;

	deliver_expect_any(&x->desk);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(deliver_start(&x->desk, out, 8, &n, &x->err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(effect_end(x->store, out[0]->id, EFFECT_FAILED, "is_archived", clock_now(&x->clock),
		&x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	effect_destroy(out[0]);
}

static void test_sync(void **state)
{
	struct core *x = *state;
	struct effect_row *row;
	size_t n;

	core_say(x, "sync");
	assert_answered(x, "All of INC-1 is outside as the record has it");
	core_say(x, "investigating");
	core_forget(x);
	core_say(x, "cancel false");
	assert_true(core_effects(x, EFFECT_MESSAGE_POST, NULL, NULL) >= 2);
	core_say(x, "sync");
	assert_answered(x, "Slack");
	assert_has(x->text, "wait since 14:01");
	assert_has(x->text, "first: post a message");
	assert_string_equal(core_button(x, "sync"), "Try now");
	x->channel = NULL;
	core_say(x, "sync");
	assert_answered(x, "Outside, everything");
	core_say(x, "sync #1");
	assert_answered(x, "Outside, INC-1");
	core_forget(x);
	core_say(x, "sync #1 --retry");
	assert_answered(x, "nothing to try again");

	x->channel = "slack:CINC1";
	core_say(x, "reopen it was real");
	core_forget(x);
	core_say(x, "role drop ic");
	core_say(x, "take ops");
	core_forget(x);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(effect_insert(x->store, x->arena, &(struct effect_row){ .incident = 1, .system = "slack",
		.lane = "slack/1", .kind = EFFECT_MESSAGE_POST, .to = "incident", .created_at = clock_now(&x->clock),
		.payload = "{\"doc\":{\"text\":\"x\"}}" }, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	fail_post(x);
	core_say(x, "sync");
	assert_answered(x, "Not done: post a message, 14:01");
	assert_has(x->text, "is_archived");
	assert_string_equal(core_button(x, "sync"), "Retry");
	core_press(x, ALICE, "sync", 1, json_pack("{s:b}", "retry", 1));
	assert_answered(x, "1 that were refused");
	assert_int_equal(effect_failed_list(x->store, x->arena, 1, 10, &row, &n, &x->err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(core_effects(x, EFFECT_MESSAGE_POST, "incident", &row), 1);
	assert_int_equal(row[0].state, EFFECT_READY);
	core_deliver(x);
	core_say(x, "sync");
	assert_answered(x, "nothing waits");
}

/* ---- whoami, help, rights ---- */

static void test_whoami(void **state)
{
	struct core *x = *state;

	core_say_as(x, BOB, "whoami");
	assert_answered(x, "You are @bob (slack:UBOB), times are read in Europe/Berlin");
	assert_has(x->text, "incident.write");
	assert_has_not(x->text, "incident.admin");
	assert_has(x->text, "Roles now: none");
	core_say(x, "ops @bob");
	core_say_as(x, BOB, "whoami");
	assert_has(x->text, "operations of INC-1");
}

static void test_help(void **state)
{
	struct core *x = *state;

	core_say(x, "help");
	assert_answered(x, "declare");
	core_say(x, "help sev");
	assert_answered(x, "/inc sev 1 error rate doubled");
	core_say(x, "help nonsense");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
}

/* Whoever has no rights is told so, and may still ask who they are. */
static void test_strangers(void **state)
{
	struct core *x = *state;
	int64_t revision = core_incident(x, 1).revision;

	core_say_as(x, "teams:U1", "note hello");
	assert_refused(x, "forbidden", "incident.write");
	core_say_as(x, "teams:U1", "list");
	assert_refused(x, "forbidden", "incident.read");
	core_say_as(x, "teams:U1", "whoami");
	assert_answered(x, "none; ask whoever keeps rbac.yml");
	core_say_as(x, "teams:U1", "help");
	assert_answered(x, "declare");
	assert_int_equal(core_incident(x, 1).revision, revision);
}

/* Each verb that offers itself can say how it is used, and its example is understood. */
static void test_examples_work(void **state)
{
	struct core *x = *state;

	for (size_t i = 0; operations[i]; i++) {
		const struct operation *op = operations[i];

		if (op->flags & OP_INTERNAL)
			continue;
		assert_non_null(op->summary);
		assert_non_null(op->example);
		x->channel = strstr(op->example, "#42") ? NULL : "slack:CINC1";
		core_say(x, op->example);
		if (x->reply.kind == REPLY_REFUSAL && strcmp(x->reply.code, "usage") == 0)
			fail_msg("the example \"%s\" is refused: %s", op->example, x->text);
		if (x->reply.kind == REPLY_REFUSAL && strcmp(x->reply.code, "internal") == 0)
			fail_msg("the example \"%s\" fails: %s", op->example, x->text);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_note), TEST(test_note_corrects), TEST(test_note_refuses), TEST(test_timeline_pages),
		TEST(test_timeline_shortens), TEST(test_impact), TEST(test_sync), TEST(test_whoami), TEST(test_help),
		TEST(test_strangers), TEST(test_examples_work),
	};

	return cmocka_run_group_tests_name("verbs: note, timeline, impact, sync, whoami, help", tests, NULL, NULL);
}
