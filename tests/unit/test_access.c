/* Who may do what: exact names, patterns, bindings that add up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "incident/access.h"
#include "incident/request.h"

static const struct access_policy policy = {
	.role = {
		{ .name = "viewer", .entitlement = { "incident.read" }, .count = 1 },
		{ .name = "responder", .entitlement = { "incident.read", "incident.write" },
			.count = 2 },
		{ .name = "oncall", .entitlement = { "tools.oncall.*" }, .count = 1 },
		{ .name = "admin", .entitlement = { "*" }, .count = 1 },
	},
	.role_count = 4,
	.binding = {
		{ "viewer", "*" },
		{ "responder", "slack:*" },
		{ "oncall", "slack:U1" },
		{ "admin", "slack:U2" },
		{ "ghost", "slack:U3" },
	},
	.binding_count = 5,
	.token = {
		{ .name = "deploy", .role = "responder" },
		{ .name = "watch", .role = "oncall" },
	},
	.token_count = 2,
};

static const struct {
	const char *person, *right;
	bool allowed;
} cases[] = {
	{ "slack:U9", "incident.read", true },
	{ "slack:U9", "incident.write", true },
	{ "slack:U9", "incident.admin", false },
	{ "slack:U9", "tools.oncall.read", false },
	{ "slack:U1", "tools.oncall.write", true },
	{ "slack:U1", "incident.write", true },
	{ "slack:U1", "tools.other", false },
	{ "slack:U1", "tools.oncall", false },
	{ "slack:U1", "tools.oncall.", false },
	{ "slack:U11", "tools.oncall.read", false },
	{ "slack:U2", "incident.execute", true },
	{ "slack:U3", "incident.admin", false },
	{ "slackers:U9", "incident.write", false },
	{ "slack", "incident.write", false },
	{ "slack:", "incident.write", false },
	{ "unix:0", "incident.read", true },
	{ "unix:0", "incident.write", false },
	{ ACCESS_TOKEN "deploy", "incident.write", true },
	{ ACCESS_TOKEN "deploy", "tools.oncall.read", false },
	{ ACCESS_TOKEN "watch", "tools.oncall.read", true },
	{ ACCESS_TOKEN "watch", "incident.write", false },
	{ ACCESS_TOKEN "nobody", "incident.write", false },
	{ ACCESS_TOKEN "", "incident.write", false },
	{ "unix:deploy", "incident.write", false },
	{ PERSON_SELF, "incident.admin", true },
	{ "sitrep:1", "incident.admin", false },
	{ "", "incident.read", false },
	{ NULL, "incident.read", false },
	{ "slack:U2", "", false },
	{ "slack:U2", NULL, false },
};

static void test_allows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (access_allows(&policy, cases[i].person, cases[i].right) != cases[i].allowed)
			fail_msg("%s %s: not %d", cases[i].person, cases[i].right, cases[i].allowed);
}

static void test_nobody(void **state)
{
	static const struct access_policy empty;

	(void)state;
	assert_false(access_allows(&empty, "slack:U1", "incident.read"));
	assert_true(access_allows(&empty, PERSON_SELF, "incident.read"));
}

static void test_known(void **state)
{
	(void)state;
	for (size_t i = 0; access_right(i); i++)
		assert_true(access_known(access_right(i)));
	assert_null(access_right(1000));
	assert_true(access_known("*"));
	assert_true(access_known("incident.*"));
	assert_true(access_known("tools.oncall.*"));
	assert_false(access_known("incident"));
	assert_false(access_known("incident*"));
	assert_false(access_known("incidents.*"));
	assert_false(access_known("incident.wirte"));
	assert_false(access_known(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allows),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
