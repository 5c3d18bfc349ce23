/* impact in figures, scope, classify (FEATURES F3, F4, C2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "commands/figures.h"
#include "store/response.h"
#include "support_core.h"

static int setup(void **state)
{
	int rc = talk_setup(state);
	struct talk *x = *state;

	if (rc == 0) {
		talk_say(x, "declare sev2 checkout is failing");
		talk_deliver(x);
		x->channel = "slack:CINC1";
		talk_pass(x, MINUTE_MS);
		talk_forget(x);
	}
	return rc;
}

static struct impact_facts facts(struct talk *x)
{
	struct impact_facts f;
	struct incident inc = talk_incident(x, 1);

	assert_int_equal(impact_read(x->arena, inc.facts, &f), 0);
	return f;
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		int64_t value; /* -1: refused */
	} counts[] = {
		{ "0", 0 }, { "1200", 1200 }, { "1,200", 1200 }, { "1.2k", 1200 }, { "3 k", 3000 },
		{ "2m", 2000000 }, { "1'200'000", 1200000 }, { "-1", -1 }, { "1.5", -1 }, { "", -1 },
		{ "12x", -1 }, { "999999999999999999999", -1 }, { "99999999999m", -1 }, { "k", -1 },
	};
	static const struct {
		const char *text;
		int value;
	} shares[] = {
		{ "25", 250 }, { "25%", 250 }, { "12.5 %", 125 }, { "0,1%", 1 }, { "100", 1000 },
		{ "100.1", -1 }, { "101", -1 }, { "-5%", -1 }, { "5%%", -1 }, { "", -1 },
		{ "1000000000000", -1 }, { "25 % of all", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		int64_t value = -1;

		if (figures_count(counts[i].text, &value) != (counts[i].value >= 0) ||
			value != counts[i].value)
			fail_msg("\"%s\" is %lld", counts[i].text, (long long)value);
	}
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		int value = -1;

		if (figures_permille(shares[i].text, &value) != (shares[i].value >= 0) ||
			value != shares[i].value)
			fail_msg("\"%s\" is %d", shares[i].text, value);
	}
}

static void test_out_of_the_words(void **state)
{
	struct talk *x = *state;

	talk_say(x, "impact 25% of checkouts, 1200 users since 13:42, no data loss");
	assert_answered(x, "Impact of INC-1: ");
	struct impact_facts f = facts(x);
	assert_int_equal(f.users, 1200);
	assert_int_equal(f.share_permille, 250);
	assert_int_equal(f.data_loss, TRI_NO);
	assert_int_equal(f.data_corruption, TRI_UNKNOWN);
	assert_int_equal(talk_incident(x, 1).impact_at, TALK_START - 18 * MINUTE_MS);
	assert_string_equal(
		talk_incident(x, 1).impact, "25% of checkouts, 1200 users, no data loss");
	/* Unknown is said so, not left out. */
	assert_has(x->text, "Unknown: journeys, until, corruption");
	assert_has(x->text, "1200");
	talk_say(x, "impact since 13:40, half of EU");
	assert_string_equal(talk_incident(x, 1).impact, "half of EU");
	talk_say(x, "impact --since 13:42");
	/* What is not said again stays. */
	talk_say(x, "impact all of EU");
	assert_int_equal(facts(x).users, 1200);
	talk_say(x, "show");
	assert_has(x->text, "all of EU, since 13:42");
	assert_has(x->text, "1200 users · 25 % · no data loss");
	/* Not kept as words: on the card they would be wrong a minute later. */
	talk_say(x, "impact all of EU since 20m ago");
	assert_has_not(x->text, "20m");
	assert_string_equal(talk_incident(x, 1).impact, "all of EU");
	assert_in_range(talk_incident(x, 1).impact_at, TALK_START - 20 * MINUTE_MS,
		TALK_START - 18 * MINUTE_MS - 1);
}

static void test_options(void **state)
{
	struct talk *x = *state;

	talk_say(x, "impact --users 1.2k --share 12.5% --journeys \"login, checkout\" --data-loss no "
		    "--corruption no --critical \"month-end closing\" --revenue \"EUR 12k\" "
		    "--budget 40% --tickets 17 --since 13:30 --until 13:50");
	assert_answered(x, "not described");
	struct impact_facts f = facts(x);
	assert_int_equal(f.users, 1200);
	assert_int_equal(f.share_permille, 125);
	assert_string_equal(f.journeys, "login, checkout");
	assert_int_equal(f.data_loss, TRI_NO);
	assert_int_equal(f.data_corruption, TRI_NO);
	assert_string_equal(f.critical_period, "month-end closing");
	assert_string_equal(f.revenue, "EUR 12k");
	assert_int_equal(f.budget_permille, 400);
	assert_int_equal(f.tickets, 17);
	assert_int_equal(f.ended_at, TALK_START - 10 * MINUTE_MS);
	assert_has(talk_entry(x, 1, 0).text, "users: 1200");
	assert_has(talk_entry(x, 1, 0).text, "revenue: EUR 12k");
	talk_say(x, "impact --users unknown --revenue unknown --data-loss unknown");
	f = facts(x);
	assert_int_equal(f.users, -1);
	assert_null(f.revenue);
	assert_int_equal(f.data_loss, TRI_UNKNOWN);
	assert_int_equal(f.share_permille, 125);
	assert_has(talk_entry(x, 1, 0).text, "users: unknown");
}

static void test_refuses(void **state)
{
	static const char *const bad[] = {
		"impact --users many", "impact --users -3", "impact --share 250%",
		"impact --share nan", "impact --budget 1e9", "impact --tickets 3.5",
		"impact --users 99999999999999999999", "impact --data-loss perhaps",
		"impact --since 13:30 --until 13:10", "impact EU --users \"<b>\"",
	};
	struct talk *x = *state;
	size_t before = talk_entries(x, 1);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		talk_say(x, bad[i]);
		if (x->reply.kind != REPLY_REFUSAL)
			fail_msg("%s: %s", bad[i], x->text);
	}
	assert_int_equal(talk_entries(x, 1), before);
	assert_null(talk_incident(x, 1).facts);
	assert_null(talk_incident(x, 1).impact);
}

/* The words are shown as they are, whatever is in them. */
static void test_hostile_words(void **state)
{
	struct talk *x = *state;

	talk_say(x, "impact <!channel> %s%n `rm` \xe2\x80\xae 5 % | =1+1");
	assert_int_equal(x->reply.kind, REPLY_MESSAGE);
	assert_has(talk_incident(x, 1).impact, "%s%n");
	assert_null(strstr(talk_incident(x, 1).impact, "\xe2\x80\xae"));
	talk_say(x, "show");
	assert_has(x->text, "%s%n");
}

static void test_form(void **state)
{
	struct talk *x = *state;

	x->forms = true;
	talk_say(x, "impact --users 40");
	talk_say(x, "impact");
	assert_int_equal(x->reply.kind, REPLY_FORM);
	json_t *fields = json_get_arr(x->reply.form, "fields"), *field;
	bool users = false, revenue = false;
	size_t i;

	json_array_foreach(fields, i, field)
	{
		const char *arg = json_get_str(field, "arg");

		if (strcmp(arg, "users") == 0)
			users = strcmp(json_get_str(field, "value"), "40") == 0;
		revenue |= strcmp(arg, "revenue") == 0;
	}
	assert_true(users);
	assert_false(revenue);
	talk_submit(x, ALICE, "impact", 1,
		json_pack("{s:s, s:s, s:s}", "text", "EU", "users", "many", "data-loss", "no"));
	assert_non_null(json_get_str(x->reply.fields, "users"));
	talk_submit(x, ALICE, "impact", 1,
		json_pack("{s:s, s:s, s:s}", "text", "EU", "users", "41", "data-loss", "no"));
	assert_int_equal(facts(x).users, 41);
}

/* ---- scope ---- */

static struct scope_entry *scope(struct talk *x, size_t *n)
{
	struct scope_entry *e;

	assert_int_equal(scope_list(x->store, x->arena, 1, &e, n, &x->err), 0);
	return e;
}

static void test_scope(void **state)
{
	struct talk *x = *state;
	struct scope_entry *e;
	size_t n;

	talk_say(x, "scope");
	assert_answered(x, "Scope of INC-1");
	assert_has(x->text, "Dependencies: unknown");
	talk_say(x, "scope group EU tenants");
	assert_answered(x, "group EU tenants is affected");
	assert_string_equal(talk_entry(x, 1, 0).text, "scope: group EU tenants is affected");
	assert_int_equal(talk_entry(x, 1, 0).kind, ENTRY_FACT);
	talk_say(x, "scope dependency payments-db unknown");
	assert_answered(x, "dependency payments-db is unknown whether affected");
	talk_say(x, "scope fault domain eu-west-1 --not --note \"no errors there\"");
	assert_answered(x, "fault-domain eu-west-1 is not affected");
	talk_say(x, "scope deploy v2.31");
	talk_say(x, "scope zone unknown");
	e = scope(x, &n);
	assert_int_equal(n, 5);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(e[i].value, "EU tenants") == 0)
			assert_true(e[i].kind == SCOPE_GROUP && e[i].affected == TRI_YES);
		if (strcmp(e[i].value, "payments-db") == 0)
			assert_true(e[i].kind == SCOPE_DEPENDENCY &&
				    e[i].affected == TRI_UNKNOWN);
		if (strcmp(e[i].value, "eu-west-1") == 0)
			assert_string_equal(e[i].note, "no errors there");
		if (strcmp(e[i].value, "unknown") == 0)
			assert_true(e[i].kind == SCOPE_FAULT_DOMAIN &&
				    e[i].affected == TRI_UNKNOWN);
	}
	/* Said again, it is the same entry. */
	talk_say(x, "scope group eu TENANTS --not");
	scope(x, &n);
	assert_int_equal(n, 5);
	talk_say(x, "scope");
	assert_has(x->text, "eu TENANTS — not affected");
	assert_has(x->text, "eu-west-1 — not affected: no errors there");
}

static void test_scope_refuses(void **state)
{
	struct talk *x = *state;
	char words[600] = "scope group ";
	size_t n;

	talk_say(x, "scope EU tenants");
	assert_refused(x, "usage", "does not begin with a kind");
	talk_say(x, "scope group");
	assert_refused(x, "usage", "which one is missing");
	for (int i = 0; i < 210; i++)
		strcat(words, "x");
	talk_say(x, words);
	assert_refused(x, "usage", "longer than 200 bytes");
	scope(x, &n);
	assert_int_equal(n, 0);
	for (int i = 0; i < 200; i++) {
		snprintf(words, sizeof(words), "scope change deploy %d", i);
		talk_say(x, words);
	}
	scope(x, &n);
	assert_int_equal(n, 200);
	talk_say(x, "scope change one more");
	assert_refused(x, "conflict", "as many as it takes");
	talk_say(x, "scope change deploy 7 --not");
	assert_answered(x, "is not affected");
	talk_say(x, "scope");
	assert_has(x->text, "more: /inc export");
}

/* ---- classify ---- */

static void test_classify(void **state)
{
	struct talk *x = *state;
	const char *label;

	talk_say(x, "classify high widespread");
	assert_answered(x, "SEV1: it is widespread and cannot wait");
	label = talk_button(x, "severity");
	assert_non_null(label);
	assert_string_equal(label, "Make INC-1 SEV1");
	assert_int_equal(talk_incident(x, 1).severity, 2); /* only suggested */
	talk_say(x, "classify bounded high");
	assert_answered(x, "That is what INC-1 is");
	assert_null(talk_button(x, "severity"));
	x->channel = NULL;
	talk_say(x, "classify limited low");
	assert_string_equal(talk_button(x, "declare"), "Declare SEV4 …");
	talk_say(x, "classify widespread");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	talk_say(x, "classify huge high");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
}

/* The button lowers as well: the reason is the classification. */
static void test_classify_button(void **state)
{
	struct talk *x = *state;
	json_t *block, *args = NULL;
	size_t i;

	talk_say(x, "classify limited low");
	json_array_foreach(json_get_arr(x->reply.doc, "blocks"), i, block)
	{
		if (strcmp(json_get_str(block, "t"), "buttons") == 0)
			args = json_deep_copy(json_at(block, "items.0.args"));
	}
	talk_press(x, ALICE, "severity", 1, args);
	assert_answered(x, "SEV4");
	assert_int_equal(talk_incident(x, 1).severity, 4);
	assert_has(talk_entry(x, 1, 0).text, "radius limited, urgency low");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		TEST(test_out_of_the_words),
		TEST(test_options),
		TEST(test_refuses),
		TEST(test_hostile_words),
		TEST(test_form),
		TEST(test_scope),
		TEST(test_scope_refuses),
		TEST(test_classify),
		TEST(test_classify_button),
	};

	return cmocka_run_group_tests_name("verbs: impact, scope, classify", tests, NULL, NULL);
}
