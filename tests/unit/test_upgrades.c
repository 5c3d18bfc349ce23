/* Upgrades by rule, through the verbs (FEATURES C3): announced, recorded, undone with a reason, never
 * by the same fact again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "incident/upgrade.h"
#include "store/audit.h"
#include "support_core.h"

static void declare(struct talk *x, const char *words)
{
	x->channel = NULL;
	talk_say(x, words);
	talk_deliver(x);
	x->channel = "slack:CINC1";
	talk_pass(x, SECOND_MS);
	talk_forget(x);
}

static int severity(struct talk *x)
{
	return talk_incident(x, 1).severity;
}

/* How often a rule has raised it. */
static size_t upgrades(struct talk *x, const char *rule)
{
	struct audit_entry *e;
	size_t n, count = 0;

	assert_int_equal(audit_list(x->store, x->arena, 1, 500, &e, &n, &x->err), 0);
	for (size_t i = 0; i < n; i++)
		count += strcmp(e[i].action, "severity.upgraded") == 0 &&
			 (!rule || strstr(e[i].meta, rule));
	return count;
}

static void test_data(void **state)
{
	struct talk *x = *state;

	declare(x, "declare sev3 orders are slow");
	talk_say_as(x, BOB, "take ic");
	talk_forget(x);
	talk_say(x, "impact possible data loss in orders");
	assert_answered(x, "It is SEV1 now, by rule: data may be lost or corrupted");
	assert_int_equal(severity(x), 1);
	assert_int_equal(upgrades(x, "data-integrity"), 1);
	/* Announced where all read it, with the rule and the way back. */
	bool told = false;
	struct effect_row *row;
	size_t n = talk_effects(x, EFFECT_MESSAGE_POST, "incident", &row);
	for (size_t i = 0; i < n; i++)
		told |= strstr(row[i].payload, "data-integrity") &&
			strstr(row[i].payload, "/inc sev #1 sev3 why");
	assert_true(told);
	/* A decision of nobody's, on the timeline. */
	bool decided = false;
	for (size_t i = 0; i < 5 && i < talk_entries(x, 1); i++)
		decided |= talk_entry(x, 1, i).kind == ENTRY_DECISION &&
			   strcmp(talk_entry(x, 1, i).author, PERSON_SELF) == 0 &&
			   strstr(talk_entry(x, 1, i).text, "SEV3 → SEV1 by rule data-integrity");
	assert_true(decided);
	/* What is promised follows: level 1's rhythm. */
	assert_true(talk_promise(x, 1, PROMISE_UPDATE).due_at <=
		    clock_now(&x->clock) + 15 * MINUTE_MS);
	assert_int_equal(talk_incident(x, 1).severity_at, clock_now(&x->clock));
	/* The same fact said again changes nothing. */
	talk_say(x, "impact possible data loss in orders and invoices");
	assert_int_equal(upgrades(x, NULL), 1);
}

static void test_overruled(void **state)
{
	struct talk *x = *state;

	declare(x, "declare sev3 orders are slow");
	talk_say(x, "impact --data-loss yes");
	assert_int_equal(severity(x), 1);
	/* Back only with a reason. */
	talk_say(x, "sev 3");
	assert_refused(x, "usage", "needs a reason");
	assert_int_equal(severity(x), 1);
	talk_say(x, "sev 3 only a test tenant, restored from backup");
	assert_int_equal(severity(x), 3);
	talk_say(x, "impact test tenant, data lost");
	talk_say(x, "impact --data-loss yes");
	talk_say(x, "scope group test tenant");
	assert_int_equal(severity(x), 3);
	assert_int_equal(upgrades(x, NULL), 1);
	/* Another fact does. */
	talk_say(x, "impact --paying");
	assert_int_equal(severity(x), 2);
	assert_int_equal(upgrades(x, "paying-customer"), 1);
	talk_say(x, "sev 3 they use the workaround");
	/* Withdrawn, then found again: new. */
	talk_say(x, "impact nobody loses anything --data-loss no --corruption no");
	assert_int_equal(severity(x), 3);
	talk_say(x, "impact --data-loss yes");
	assert_int_equal(severity(x), 1);
	assert_int_equal(upgrades(x, "data-integrity"), 2);
}

/* The button beside the announcement asks for the reason where it can. */
static void test_button_asks(void **state)
{
	struct talk *x = *state;

	declare(x, "declare sev3 orders are slow");
	talk_say(x, "impact --data-loss yes");
	x->forms = true;
	talk_press(x, ALICE, "severity", 1, json_pack("{s:s}", "level", "sev3"));
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_has(json_get_str(x->reply.form, "intro"), "needs a reason");
	talk_submit(x, ALICE, "severity", 1,
		json_pack("{s:s, s:s}", "level", "sev3", "why", "restored"));
	assert_int_equal(severity(x), 3);
}

static void test_scope_doubles(void **state)
{
	struct talk *x = *state;

	declare(x, "declare sev4 a few cannot log in");
	/* What becomes known is no growth. */
	talk_say(x, "impact --users 100");
	assert_int_equal(severity(x), 4);
	talk_say(x, "impact --users 199");
	assert_int_equal(severity(x), 4);
	talk_say(x, "impact --users 200");
	assert_int_equal(severity(x), 3);
	assert_int_equal(upgrades(x, "scope-doubled"), 1);
	/* Counted from there, not from the first figure. */
	talk_say(x, "impact --users 399");
	assert_int_equal(severity(x), 3);
	talk_say(x, "sev 4 most of them are robots");
	talk_say(x, "impact --users 399");
	talk_say(x, "impact --users 100");
	talk_say(x, "impact --users 399");
	assert_int_equal(severity(x), 4);
	talk_say(x, "impact --users 800");
	assert_int_equal(severity(x), 3);
	assert_int_equal(upgrades(x, NULL), 2);
}

static void test_groups_double(void **state)
{
	struct talk *x = *state;

	declare(x, "declare sev4 a few cannot log in");
	talk_say(x, "scope group a");
	talk_say(x, "scope group b");
	talk_say(x, "scope group c --not");
	talk_say(x, "scope group d unknown");
	talk_say(x, "scope dependency e");
	assert_int_equal(severity(x), 4);
	talk_say(x, "scope group f");
	assert_int_equal(severity(x), 4);
	talk_say(x, "scope group g");
	assert_int_equal(severity(x), 3);
}

static void test_declared(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev4 --paying the export button is grey");
	assert_answered(x, "raised to SEV2 by rule: a paying customer reported it");
	assert_has(x->text, "INC-1 is open, SEV2");
	assert_int_equal(severity(x), 2);
	assert_true(talk_incident(x, 1).customer_reported);
	assert_int_equal(upgrades(x, "paying-customer"), 1);
	talk_say(x, "declare sev3 --impact \"200 users\" login is slow");
	assert_has(talk_incident(x, 2).size_when_set, "\"users\":200");
	assert_int_equal(talk_incident(x, 2).severity_at, TALK_START);
	talk_say(x, "#2 impact --users 400");
	assert_int_equal(talk_incident(x, 2).severity, 2);
}

/* An update's impact is the record's. */
static void test_by_update(void **state)
{
	struct talk *x = *state;

	declare(x, "declare sev3 orders are slow");
	talk_say(x, "update known: a bad migration; impact: 40 users, data corruption confirmed");
	assert_answered(x, "It is SEV1 now");
	assert_int_equal(severity(x), 1);
	assert_true(talk_promise(x, 1, PROMISE_UPDATE).due_at <=
		    clock_now(&x->clock) + 15 * MINUTE_MS);
	assert_has(talk_incident(x, 1).facts, "\"users\":40");
}

/* A checkpoint and an offered handover say the impact too. */
static void test_by_checkpoint(void **state)
{
	struct talk *x = *state;

	declare(x, "declare sev3 orders are slow");
	talk_say(x, "checkpoint state: looking; hypothesis: the index");
	assert_int_equal(severity(x), 3);
	talk_say(x, "checkpoint state: looking; impact: 1200 users, possible data loss");
	assert_answered(x, "Kept as a checkpoint");
	assert_int_equal(severity(x), 1);
	assert_int_equal(upgrades(x, "data-integrity"), 1);
	assert_has(talk_incident(x, 1).facts, "1200");
	talk_say(x, "sev 3 the loss is ruled out by the backup");
	talk_say(x, "impact --users 900");
	talk_say(x, "checkpoint state: looking; impact: 1200 users, possible data loss");
	assert_int_equal(severity(x), 3);
	assert_int_equal(upgrades(x, NULL), 1);
	/* The same words again, as a form brings them back, undo no newer figure. */
	assert_has(talk_incident(x, 1).facts, "900");
}

/* What has ended is not raised, but what is known is kept. */
static void test_ended(void **state)
{
	struct talk *x = *state;

	declare(x, "declare sev3 orders are slow");
	talk_say(x, "cancel false alarm");
	talk_say(x, "impact --data-loss yes");
	assert_int_equal(severity(x), 3);
	assert_int_equal(upgrades(x, NULL), 0);
	assert_has(talk_incident(x, 1).facts, "data_loss");
	/* It counts when the incident is there again. */
	talk_say(x, "reopen orders are missing");
	assert_answered(x, "It is SEV1 now, by rule");
	assert_int_equal(severity(x), 1);
}

/* Thousands of facts and levels by chance: only a person lowers it. */
static void test_never_oscillates(void **state)
{
	static const char *const said[] = {
		"impact --users 10", "impact --users 5000", "impact --data-loss yes",
		"impact --data-loss no --corruption no", "impact --paying", "impact --no-paying",
		"scope group a", "scope group b", "scope group c", "scope group a --not",
		"impact --share 3%", "impact --share 90%", "impact --users unknown",
	};
	struct talk *x = *state;
	unsigned seed = 7;
	int before;

	declare(x, "declare sev4 something is odd");
	before = severity(x);
	for (int i = 0; i < 300; i++) {
		seed = seed * 1103515245u + 12345u;
		if ((seed >> 16) % 7 == 0) {
			talk_say(x, "sev 4 we know better");
			before = 4;
			continue;
		}
		talk_say(x, said[(seed >> 16) % (sizeof(said) / sizeof(said[0]))]);
		assert_true(severity(x) <= before);
		before = severity(x);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, talk_setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_data),
		TEST(test_overruled),
		TEST(test_button_asks),
		TEST(test_scope_doubles),
		TEST(test_groups_double),
		TEST(test_declared),
		TEST(test_by_update),
		TEST(test_by_checkpoint),
		TEST(test_ended),
		TEST(test_never_oscillates),
	};

	return cmocka_run_group_tests_name("upgrades by rule", tests, NULL, NULL);
}
