/* How the tracker's words map to ours and back (config/issue_policy.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "config/issue_policy.h"

static struct issue_policy policy(void)
{
	return (struct issue_policy){
		.url = "https://jira.example.com/",
		.project = "OPS",
		.projects = { { "payments", "PAY" }, { "Check Out", "SHOP" } },
		.project_count = 2,
		.priority = { [1] = "Highest", [2] = "High", [3] = "high", [4] = NULL },
		.status = {
			[STATE_TRIAGE] = "To Do",
			[STATE_INVESTIGATING] = "In Progress",
			[STATE_IDENTIFIED] = "In Progress",
			[STATE_MONITORING] = "In Review",
			[STATE_RESOLVED] = "Done",
			[STATE_CLOSED] = "Done",
		},
		.statuses = { { "done", STATE_CLOSED }, { "Won't Do", STATE_CANCELLED } },
		.status_count = 2,
		.people = { { "slack:U1", "acc-1" }, { "unix:1000", "acc-1" }, { "slack:U2", "acc-2" } },
		.people_count = 3,
	};
}

static void test_status(void **state)
{
	static const struct {
		const char *status;
		int state; /* -1: means nothing */
	} cases[] = {
		{ "To Do", STATE_TRIAGE },
		{ "TO DO", STATE_TRIAGE },
		{ "In Progress", STATE_INVESTIGATING }, /* of two, the first */
		{ "In Review", STATE_MONITORING },
		{ "Done", STATE_CLOSED },               /* what is said outright comes first */
		{ "won't do", STATE_CANCELLED },
		{ "Blocked", -1 },
		{ "", -1 },
		{ NULL, -1 },
	};
	struct issue_policy p = policy();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum incident_state got = STATE_AUTO_RESOLVED;
		bool known = issue_policy_state(&p, cases[i].status, &got);
		assert_int_equal(known, cases[i].state >= 0);
		assert_int_equal(got, known ? cases[i].state : STATE_AUTO_RESOLVED);
	}
}

static void test_level(void **state)
{
	struct issue_policy p = policy();

	(void)state;
	assert_int_equal(issue_policy_level(&p, "Highest"), 1);
	assert_int_equal(issue_policy_level(&p, "HIGH"), 2); /* of two, the worse */
	assert_int_equal(issue_policy_level(&p, "Low"), 0);
	assert_int_equal(issue_policy_level(&p, ""), 0);
	assert_int_equal(issue_policy_level(&p, NULL), 0);
}

static void test_project(void **state)
{
	static const struct {
		const char *services, *project;
	} cases[] = {
		{ NULL, "OPS" },
		{ "", "OPS" },
		{ ",, ,", "OPS" },
		{ "payments", "PAY" },
		{ "PAYMENTS", "PAY" },
		{ "search, payments ,check out", "PAY" }, /* the first that has one */
		{ " check out", "SHOP" },
		{ "check", "OPS" },
		{ "payments-eu", "OPS" },
		{ "pay", "OPS" },
		{ "search", "OPS" },
	};
	struct issue_policy p = policy();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(issue_policy_project(&p, cases[i].services), cases[i].project);
}

static void test_people(void **state)
{
	struct issue_policy p = policy();

	(void)state;
	assert_string_equal(issue_policy_account(&p, "slack:U1"), "acc-1");
	assert_string_equal(issue_policy_account(&p, "unix:1000"), "acc-1");
	assert_null(issue_policy_account(&p, "slack:U3"));
	assert_null(issue_policy_account(&p, NULL));
	assert_string_equal(issue_policy_person(&p, "acc-1"), "slack:U1");
	assert_string_equal(issue_policy_person(&p, "acc-2"), "slack:U2");
	assert_null(issue_policy_person(&p, "ACC-2"));
	assert_null(issue_policy_person(&p, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_project),
		cmocka_unit_test(test_people),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
