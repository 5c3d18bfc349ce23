/* diagnosis, diagnoses, attach, promote (FEATURES B7), and incidents declared out of a message (A5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/relations.h"
#include "support_core.h"

static int setup(void **state)
{
	int rc = talk_setup(state);

	if (rc == 0) {
		talk_say(*state, "declare sev2 checkout is failing --service shop");
		talk_deliver(*state);
		((struct talk *)*state)->clock.manual_ms = TALK_START + MINUTE_MS;
	}
	return rc;
}

static void test_attached(void **state)
{
	struct talk *x = *state;

	x->channel = "slack:CINC1";
	talk_say(x, "diagnosis pod checkout-7f: OOMKilled 12 times --tool kube-doctor --evidence "
		    "\"last state: 137\" --link https://tools.example.com/d/1");
	assert_answered(x, "D1 is on the timeline of INC-1: pod checkout-7f");
	struct timeline_entry e = talk_entry(x, 1, 0);
	assert_int_equal(e.kind, ENTRY_FACT);
	assert_string_equal(e.text,
		"D1 by kube-doctor: pod checkout-7f: OOMKilled 12 times; evidence: last state: 137 "
		"https://tools.example.com/d/1");
	assert_has(e.meta, "https://tools.example.com/d/1");
	talk_say(x, "diagnoses");
	assert_has(x->text, "Diagnoses on INC-1: 1 · attached to nothing yet: 0");
	assert_has(x->text, "OOMKilled 12 times");
	talk_say(x, "attach D1");
	assert_refused(x, "conflict", "D1 is attached to INC-1 already");
	talk_say(x, "promote D1");
	assert_refused(x, "conflict", "D1 is attached to INC-1 already");
}

static void test_kept_then_attached(void **state)
{
	struct talk *x = *state;
	size_t before = talk_entries(x, 1);

	talk_say(x, "diagnosis host db-1 disk is full");
	assert_answered(x, "D1 is kept, attached to no incident yet: host db-1");
	assert_non_null(talk_button(x, "attach"));
	assert_non_null(talk_button(x, "promote"));
	assert_int_equal(talk_entries(x, 1), before);
	talk_say(x, "diagnoses");
	assert_has(x->text, "attached to nothing yet: 1");

	talk_say(x, "attach D1");
	assert_refused(x, "usage", "name the incident");
	talk_say(x, "attach D1 #9");
	assert_refused(x, "not_found", "There is no INC-9");
	talk_say(x, "attach D9 #1");
	assert_refused(x, "not_found", "There is no diagnosis D9");
	talk_say(x, "attach disk #1");
	assert_refused(x, "not_found", "There is no diagnosis disk");
	talk_say(x, "attach D1 #1");
	assert_answered(x, "D1 is on the timeline of INC-1");
	assert_has(talk_entry(x, 1, 0).text, "D1 by @alice: host db-1: disk is full");
	talk_say(x, "diagnoses");
	assert_has(x->text, "attached to nothing yet: 0");
}

static void test_forms(void **state)
{
	struct talk *x = *state;

	talk_say(x, "diagnosis host db-1 disk is full");
	x->forms = true;
	talk_press(x, BOB, "attach", 0, json_pack("{s:s}", "diagnosis", "D1"));
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_has(json_get_str(x->reply.form, "intro"), "disk is full");
	talk_submit(x, BOB, "attach", 0, json_pack("{s:s, s:s}", "diagnosis", "D1", "to", "#1"));
	assert_answered(x, "D1 is on the timeline of INC-1");
	x->channel = "slack:CINC1";
	talk_say(x, "diagnosis host db-2 disk is full --unattached");
	assert_answered(x, "D2 is kept");
	talk_press(x, BOB, "attach", 0, json_pack("{s:s}", "diagnosis", "D2"));
	assert_answered(x, "D2 is on the timeline of INC-1");
}

static void test_promote(void **state)
{
	struct talk *x = *state;
	struct incident inc;

	talk_say(x, "diagnosis queue orders: 40000 messages wait --link https://q.example.com/");
	talk_say(x, "promote D1 sev1");
	assert_answered(x, "INC-2 is open, SEV1");
	inc = talk_incident(x, 2);
	assert_string_equal(inc.title, "orders: 40000 messages wait");
	assert_string_equal(inc.services, "orders");
	assert_int_equal(inc.severity, 1);
	assert_true(talk_promise(x, 2, PROMISE_UPDATE).due_at > 0);
	bool found = false;
	for (size_t i = 0; i < talk_entries(x, 2); i++)
		found |= strstr(talk_entry(x, 2, i).text, "40000 messages wait https://q.example.com/") != NULL;
	assert_true(found);
	talk_say(x, "promote D1");
	assert_refused(x, "conflict", "D1 is attached to INC-2 already");
	talk_say(x, "promote D7");
	assert_refused(x, "not_found", "no diagnosis D7");
	talk_say(x, "diagnosis pod a-1: dead");
	talk_say(x, "promote D2 sev3 the cart is slow");
	assert_string_equal(talk_incident(x, 3).title, "the cart is slow");
	/* Nobody named a level: the answer says which one it got. */
	talk_say(x, "diagnosis pod a-2: dead");
	talk_say(x, "promote D3");
	assert_has(x->text, "No severity was named");
}

static void test_refuses(void **state)
{
	struct talk *x = *state;
	static const char *const bad[] = { "javascript:alert(1)", "ftp://h/x", "https://", "http:///x",
		"https://h/\"onclick", "//h/x", "https://h|x" };
	char line[4000], big[2500];

	talk_say(x, "diagnosis pod");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	assert_has(x->text, "Nothing was kept: say kind, name and what was found");
	talk_say(x, "diagnosis pod a");
	assert_has(x->text, "Nothing was kept");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		talk_press(x, ALICE, "diagnosis", 0,
			json_pack("{s:s, s:s, s:s, s:s}", "kind", "pod", "name", "a", "summary", "dead",
				"link", bad[i]));
		assert_int_equal(x->reply.kind, REPLY_REFUSAL);
		assert_has(x->text, "a link begins with https://");
	}
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	static const char *const fields[] = { "kind", "name", "summary", "evidence", "link", "tool" };
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		json_t *args = json_pack("{s:s, s:s, s:s}", "kind", "pod", "name", "a", "summary", "dead");

		json_object_set_new(args, fields[i], json_string(big));
		talk_press(x, ALICE, "diagnosis", 0, args);
		assert_refused(x, "usage", "at most");
	}
	snprintf(line, sizeof(line), "diagnosis pod a: %.1100s", big);
	talk_say(x, line);
	assert_refused(x, "usage", "at most");
	talk_say(x, "diagnoses");
	assert_has(x->text, "attached to nothing yet: 0");
}

/* What goes to a protected one leaves no trace outside, not even a gap. */
static void test_protected(void **state)
{
	struct talk *x = *state;
	const char *p;
	int64_t id;
	char line[200];

	talk_say(x, "declare sev1 a key leaked --security");
	p = strstr(x->text, "INC-");
	assert_non_null(p);
	id = strtoll(p + 4, NULL, 10);
	talk_say(x, "diagnosis host db-1: odd logins --unattached");
	snprintf(line, sizeof(line), "attach D1 #%lld", (long long)id);
	talk_say_as(x, BOB, line);
	assert_refused(x, "not_found", "There is no INC-");
	talk_say(x, line);
	assert_answered(x, "is on the timeline of");
	snprintf(line, sizeof(line), "#%lld diagnosis host db-2: more of them", (long long)id);
	talk_say(x, line);
	talk_say_as(x, BOB, "diagnosis host db-3: disk is full --unattached");
	assert_answered(x, "D2 is kept");
	talk_say_as(x, BOB, "diagnoses");
	assert_has(x->text, "D1 host db-1");
	assert_has_not(x->text, "db-2");
	talk_say_as(x, BOB, "attach D1000000000001 #1");
	assert_refused(x, "not_found", "There is no diagnosis");
	talk_say_as(x, BOB, "promote D1000000000001");
	assert_refused(x, "not_found", "There is no diagnosis");
	talk_say_as(x, BOB, "declare out of it --diagnosis D1000000000001");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	assert_has(x->text, "there is no diagnosis");
}

static void test_merged(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 another");
	talk_say(x, "merge #2 into #1");
	talk_say(x, "diagnosis pod a: dead --unattached");
	talk_say(x, "attach D1 #2");
	assert_refused(x, "conflict", "INC-2 is merged into INC-1");
	talk_say(x, "#2 diagnosis pod a: dead");
	assert_refused(x, "conflict", "INC-2 is merged into INC-1");
}

/* ---- out of a message ---- */

static void test_declare_out_of_a_message(void **state)
{
	struct talk *x = *state;
	json_t *args = json_pack("{s:s, s:s, s:s}", "title", "the cart is empty", "quote",
		"the cart is empty\nsince this morning", "link",
		"https://team.slack.com/archives/C1/p1700000000000100");

	x->forms = true;
	talk_press(x, BOB, "declare", 0, json_deep_copy(args));
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_string_equal(json_get_str(json_at(x->reply.form, "fields.0"), "value"), "the cart is empty");
	assert_has(json_get_str(json_get_obj(x->reply.form, "args"), "quote"), "since this morning");
	talk_submit(x, BOB, "declare", 0, args);
	assert_answered(x, "INC-2 is open");
	assert_string_equal(talk_incident(x, 2).reporter, BOB);
	bool found = false;
	for (size_t i = 0; i < talk_entries(x, 2); i++) {
		struct timeline_entry e = talk_entry(x, 2, i);

		if (!e.source)
			continue;
		found = true;
		assert_string_equal(e.source, "https://team.slack.com/archives/C1/p1700000000000100");
		assert_has(e.text, "since this morning");
	}
	assert_true(found);
	talk_say(x, "declare sev3 a thing --link javascript:alert(1)");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_attached),
		TEST(test_kept_then_attached),
		TEST(test_forms),
		TEST(test_promote),
		TEST(test_refuses),
		TEST(test_protected),
		TEST(test_merged),
		TEST(test_declare_out_of_a_message),
	};

	return cmocka_run_group_tests_name("verbs: diagnoses", tests, NULL, NULL);
}
