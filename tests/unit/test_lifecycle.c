#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "incident/lifecycle.h"
#include "incident/role.h"
#include "incident/timeline.h"

/* Rows from, columns to, in the order of enum incident_state: '+' legal, 's' legal and skipping. */
static const char *const legal[STATE_COUNT] = {
	/*                     t i i m m r c x a */
	[STATE_TRIAGE] =        ".+sssS.++",
	[STATE_INVESTIGATING] = "+.+ssS.++",
	[STATE_IDENTIFIED] =    "++.+sS.++",
	[STATE_MITIGATING] =    "+++.+S.++",
	[STATE_MONITORING] =    "++++.+.++",
	[STATE_RESOLVED] =      ".+....+..",
	[STATE_CLOSED] =        ".+.......",
	[STATE_CANCELLED] =     ".+.......",
	[STATE_AUTO_RESOLVED] = ".+....+..",
};

static void test_transitions(void **state)
{
	(void)state;
	for (int from = 0; from < STATE_COUNT; from++) {
		for (int to = 0; to < STATE_COUNT; to++) {
			enum incident_state a = (enum incident_state)from,
					    b = (enum incident_state)to;
			char c = legal[from][to];

			if (state_legal(a, b) != (c != '.'))
				fail_msg("%s to %s", state_name(a), state_name(b));
			if (state_skips(a, b) != (c == 's' || c == 'S'))
				fail_msg("%s to %s: skipping", state_name(a), state_name(b));
		}
	}
	assert_false(state_legal((enum incident_state)99, STATE_TRIAGE));
	assert_false(state_legal(STATE_TRIAGE, (enum incident_state)99));
	assert_false(state_legal(STATE_TRIAGE, (enum incident_state)-1));
}

static void test_names(void **state)
{
	enum incident_state s = STATE_TRIAGE;

	(void)state;
	for (int i = 0; i < STATE_COUNT; i++) {
		assert_true(state_parse(state_name((enum incident_state)i), &s));
		assert_int_equal(s, i);
		assert_int_equal(state_active((enum incident_state)i), i <= STATE_MONITORING);
	}
	assert_true(state_parse("Investigating", &s));
	assert_false(state_parse("investigat", &s));
	assert_false(state_parse("", &s));
	assert_false(state_parse(NULL, &s));
	assert_false(state_active((enum incident_state)99));
	assert_string_equal(state_name((enum incident_state)99), "unknown");
}

static void test_what_is_legal_is_listed(void **state)
{
	STR_CLEANUP struct str s;

	(void)state;
	str_init(&s, 200);
	state_list_legal(STATE_RESOLVED, &s);
	assert_string_equal(s.p, "investigating, closed");
	str_reset(&s);
	state_list_legal(STATE_MONITORING, &s);
	assert_string_equal(s.p, "triage, investigating, identified, mitigating, resolved, "
				 "cancelled, auto_resolved");
}

static void test_timeline_kinds(void **state)
{
	enum timeline_kind k = ENTRY_NOTE;

	(void)state;
	for (int i = 0; i < ENTRY_KIND_COUNT; i++) {
		assert_true(timeline_kind_parse(timeline_kind_name((enum timeline_kind)i), &k));
		assert_int_equal(k, i);
	}
	assert_true(timeline_kind_parse("HYPOTHESIS", &k));
	assert_int_equal(k, ENTRY_HYPOTHESIS);
	assert_false(timeline_kind_parse("", &k));
	assert_false(timeline_kind_parse("notes", &k));
	assert_false(timeline_kind_parse(NULL, &k));
	assert_string_equal(timeline_kind_name((enum timeline_kind)99), "unknown");
}

static void test_roles(void **state)
{
	static const struct role_table t = {
		.role = {
			{ "commander", "Incident commander", { "ic", "command" }, NULL },
			{ "scribe", NULL, { "a", "b", "c", "d", "e", "sixth" }, NULL },
		},
		.count = 2,
	};
	struct role_holder holders[] = { { "commander", "slack:U1", 1 },
		{ "scribe", "slack:U2", 2 } };
	struct role_set set = { holders, 2 }, nobody = { NULL, 0 };

	(void)state;
	assert_ptr_equal(role_find(&t, "IC"), &t.role[0]);
	assert_ptr_equal(role_find(&t, "Commander"), &t.role[0]);
	assert_ptr_equal(role_find(&t, "incident COMMANDER"), &t.role[0]);
	assert_ptr_equal(role_find(&t, "sixth"), &t.role[1]);
	assert_null(role_find(&t, "comm"));
	assert_null(role_find(&t, ""));
	assert_null(role_find(&t, NULL));
	assert_string_equal(role_person(&set, "scribe"), "slack:U2");
	assert_null(role_person(&set, "operations"));
	assert_null(role_person(&nobody, "scribe"));
	assert_null(role_person(NULL, "scribe"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transitions),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_what_is_legal_is_listed),
		cmocka_unit_test(test_timeline_kinds),
		cmocka_unit_test(test_roles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
