#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "adapters/jira/read.h"
#include "adapters/jira/workflow.h"
#include "base/arena.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct arena *A;
static json_t *body, *out;

static int begin(void **state)
{
	(void)state;
	A = arena_create(4u << 20);
	body = out = NULL;
	return 0;
}

static int end(void **state)
{
	(void)state;
	json_decref(body);
	json_decref(out);
	arena_destroy(A);
	return 0;
}

static void parse(const char *text)
{
	json_decref(body);
	body = json_loads(text, JSON_DECODE_ANY, NULL);
	assert_non_null(body);
}

static json_t *read_it(int flavour, const char *text)
{
	struct read_context c = { .arena = A, .flavour = flavour_of(flavour), .url = "http://jira.example/" };

	parse(text);
	json_decref(out);
	out = read_issue(&c, body);
	return out;
}

static const char *text_at(const char *path)
{
	const char *s = json_string_value(json_at(out, path));

	return s ? s : "(none)";
}

static void test_an_issue(void **state)
{
	(void)state;
	assert_non_null(read_it(ISSUE_CLOUD,
		"{\"id\":\"10001\",\"key\":\"PAY-7\",\"fields\":{\"summary\":\"a\\u0001 title\",\"priority\":{\"name\":\"High\"},"
		"\"status\":{\"name\":\"In Progress\",\"id\":\"3\"},\"assignee\":{\"accountId\":\"5b:1\",\"displayName\":\"Bob\"},"
		"\"updated\":\"2019-02-15T19:11:18.321-0800\"},\"changelog\":{\"histories\":["
		"{\"id\":\"10\",\"author\":{\"accountId\":\"y\",\"displayName\":\"New\"},\"created\":\"2019-02-16T03:11:19Z\","
		"\"items\":[{\"field\":\"Status\"},{\"field\":\"labels\"}]},"
		"{\"id\":\"9\",\"author\":{\"accountId\":\"x\",\"displayName\":\"Old\"},\"created\":\"2019-02-15T19:11:18.321-0800\","
		"\"items\":[{\"field\":\"status\",\"fieldId\":\"status\"}]},"
		"{\"id\":\"8\",\"items\":[{\"field\":\"summary\"}]}]}}"));
	assert_string_equal(text_at("id"), "10001");
	assert_string_equal(text_at("name"), "PAY-7");
	assert_string_equal(text_at("url"), "http://jira.example/browse/PAY-7");
	assert_string_equal(text_at("values.title"), "a title");
	assert_string_equal(text_at("values.priority"), "High");
	assert_string_equal(text_at("values.status"), "In Progress");
	assert_string_equal(text_at("values.assignee"), "5b:1");
	assert_true(json_integer_value(json_at(out, "updated_ms")) == INT64_C(1550286678321));
	assert_int_equal(json_integer_value(json_at(out, "change")), 10);
	assert_string_equal(text_at("by.status.name"), "New");
	assert_true(json_integer_value(json_at(out, "by.status.at_ms")) == INT64_C(1550286679000));
	assert_string_equal(text_at("by.title.name"), "somebody");
}

static void test_who_is_assigned(void **state)
{
	static const struct {
		int flavour;
		const char *assignee, *value;
	} cases[] = {
		{ ISSUE_CLOUD, "null", "" },
		{ ISSUE_CLOUD, "{\"accountId\":\"5b\",\"name\":\"old\"}", "5b" },
		{ ISSUE_CLOUD, "{\"name\":\"bob\"}", "(none)" },
		{ ISSUE_CLOUD, "{}", "(none)" },
		{ ISSUE_CLOUD, "\"bob\"", "(none)" },
		{ ISSUE_DATA_CENTER, "null", "" },
		{ ISSUE_DATA_CENTER, "{\"name\":\"bob\",\"key\":\"JIRAUSER1\"}", "bob" },
		{ ISSUE_DATA_CENTER, "{\"name\":\"\",\"key\":\"JIRAUSER1\"}", "JIRAUSER1" },
		{ ISSUE_DATA_CENTER, "{\"accountId\":\"5b\"}", "(none)" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *text = arena_printf(A, "{\"id\":\"1\",\"fields\":{\"assignee\":%s}}", cases[i].assignee);

		assert_non_null(read_it(cases[i].flavour, text));
		assert_string_equal(text_at("values.assignee"), cases[i].value);
	}
	/* Not on the screen is not nobody. */
	assert_non_null(read_it(ISSUE_CLOUD, "{\"id\":\"1\",\"fields\":{}}"));
	assert_string_equal(text_at("values.assignee"), "(none)");
}

static void test_odd_issues(void **state)
{
	static const char *const none[] = { "null", "[]", "7", "{}", "{\"id\":null}", "{\"id\":\"\"}", "{\"id\":\"x1\"}",
		"{\"id\":\"../admin\"}", "{\"id\":-1}", "{\"id\":\"99999999999999999999\"}", "{\"key\":\"PAY-1\"}" };
	static const char *const some[] = { "{\"id\":\"1\"}", "{\"id\":1}", "{\"id\":\"1\",\"key\":7,\"fields\":null}",
		"{\"id\":\"1\",\"fields\":[],\"changelog\":null}",
		"{\"id\":\"1\",\"fields\":{\"summary\":null,\"priority\":null,\"status\":{},\"updated\":\"yesterday\"}}",
		"{\"id\":\"1\",\"fields\":{\"summary\":7,\"priority\":\"High\",\"status\":\"x\",\"updated\":7}}",
		"{\"id\":\"1\",\"changelog\":{\"histories\":[null,7,{},{\"id\":\"x\",\"items\":[null,{\"field\":7}]}]}}",
		"{\"id\":\"1\",\"changelog\":{\"histories\":{}}}" };

	(void)state;
	for (size_t i = 0; i < COUNT(none); i++) {
		if (read_it(ISSUE_CLOUD, none[i]))
			fail_msg("%s was read", none[i]);
	}
	for (size_t i = 0; i < COUNT(some); i++) {
		assert_non_null(read_it(ISSUE_CLOUD, some[i]));
		assert_string_equal(text_at("id"), "1");
		assert_string_equal(text_at("name"), "1");
		assert_int_equal(json_object_size(json_at(out, "values")), 0);
		assert_int_equal(json_integer_value(json_at(out, "updated_ms")), 0);
	}
}

static void test_keys(void **state)
{
	static const char *const good[] = { "PAY-1", "A1_B-123" };
	static const char *const bad[] = { "", "PAY", "PAY-", "-1", "pay-1", "1PAY-1", "PAY-1x", "PAY-1/..", "PAY 1", "../PAY-1" };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(read_key_valid(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(read_key_valid(bad[i]));
	assert_false(read_key_valid(NULL));
}

static void test_comments(void **state)
{
	struct read_context c = { .arena = A, .flavour = flavour_of(ISSUE_DATA_CENTER), .url = "http://jira.example/" };
	const json_t *property;

	(void)state;
	parse("{\"id\":\"5\",\"updateAuthor\":{\"name\":\"bob\"},\"body\":\"secret\",\"visibility\":{\"type\":\"role\",\"value\":\"Admins\"}}");
	out = read_comment(&c, body, &property);
	assert_null(property);
	assert_string_equal(text_at("author"), "bob");
	assert_null(strstr(text_at("text"), "secret"));
	assert_non_null(strstr(text_at("text"), "Admins"));
	json_decref(out);
	parse("{\"id\":\"5\",\"body\":\"secret\",\"jsdPublic\":false,\"properties\":[{\"key\":\"other\",\"value\":1}]}");
	out = read_comment(&c, body, &property);
	assert_null(property);
	assert_null(strstr(text_at("text"), "secret"));
	json_decref(out);
	parse("{\"id\":\"5\",\"properties\":[null,{\"key\":\"sitrep\",\"value\":{\"op\":\"x\"}}]}");
	out = read_comment(&c, body, &property);
	assert_string_equal(json_get_str(property, "op"), "x");
	assert_string_equal(text_at("text"), "");
	json_decref(out);
	parse("{\"body\":\"no id\"}");
	out = read_comment(&c, body, &property);
	assert_null(out);
}

/* ---- workflows --------------------------------------------------------------------------- */

static struct workflows *W;
static struct issue_policy P;
static struct walk walk;

/* "To Do" with what leads on from there, as status names. */
static struct transition *step(const char *now, const char *target, const char *const *options, size_t n)
{
	json_t *list = json_array(), *answer;

	if (strcmp(now, "") != 0)
		walk.been[walk.count++] = now;
	walk.target = target;
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:o, s:s, s:{s:s, s:{s:s}}}", "id", json_sprintf("%zu", i + 1),
						    "name", "go", "to", "name", options[i], "statusCategory", "key",
						    strcmp(options[i], "Done") && strcmp(options[i], "Dropped") ? "new" : "done"));
	answer = json_pack("{s:o}", "transitions", list);
	walk_read(&walk, A, answer);
	json_decref(answer);
	workflow_learn(W, "PAY/Bug", &walk);
	return workflow_next(W, "PAY/Bug", &P, &walk);
}

#define STEP(now, target, ...)                                                                         \
	step(now, target, (const char *const[]){ __VA_ARGS__ },                                       \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static int walk_begin(void **state)
{
	begin(state);
	W = workflows_create();
	P = (struct issue_policy){ 0 };
	P.status[STATE_TRIAGE] = "To Do";
	P.status[STATE_INVESTIGATING] = "In Progress";
	P.status[STATE_MONITORING] = "In Review";
	P.status[STATE_RESOLVED] = "Done";
	memset(&walk, 0, sizeof(walk));
	return 0;
}

static int walk_end(void **state)
{
	workflows_destroy(W);
	return end(state);
}

static void test_straight_is_shortest(void **state)
{
	(void)state;
	assert_string_equal(STEP("To Do", "done", "In Progress", "Done")->to, "Done");
}

static void test_between_in_the_policy(void **state)
{
	(void)state;
	assert_string_equal(STEP("To Do", "Done", "Waiting", "In Progress", "In Review")->to, "In Review");
	memset(&walk, 0, sizeof(walk));
	assert_string_equal(STEP("Done", "To Do", "In Progress")->to, "In Progress");
	memset(&walk, 0, sizeof(walk));
	/* Never beyond, never back; of To Do nothing is known now. */
	workflows_destroy(W);
	W = workflows_create();
	assert_null(STEP("In Progress", "In Review", "Done", "To Do", "Waiting"));
	assert_non_null(strstr(walk_trouble(A, &walk), "from In Progress one can go to Done, To Do, Waiting"));
}

static void test_what_was_seen_is_known(void **state)
{
	(void)state;
	STEP("Waiting", "Done", "Checking", "To Do");
	memset(&walk, 0, sizeof(walk));
	STEP("Checking", "Done", "Done");
	memset(&walk, 0, sizeof(walk));
	assert_string_equal(STEP("To Do", "Done", "Elsewhere", "Waiting")->to, "Waiting");
	assert_string_equal(STEP("Waiting", "Done", "Checking", "To Do")->to, "Checking");
	assert_string_equal(STEP("Checking", "Done", "Done")->to, "Done");
	/* Of another project nothing is known. */
	assert_null(workflow_next(W, "OPS/Bug", &P, &(struct walk){ .target = "Done", .been = { "To Do" }, .count = 1 }));
}

static void test_rather_not_over_what_is_done(void **state)
{
	(void)state;
	STEP("Dropped", "In Review", "In Review");
	memset(&walk, 0, sizeof(walk));
	STEP("Long", "In Review", "Longer");
	memset(&walk, 0, sizeof(walk));
	STEP("Longer", "In Review", "In Review");
	memset(&walk, 0, sizeof(walk));
	assert_string_equal(STEP("X", "In Review", "Dropped", "Long")->to, "Long");
	memset(&walk, 0, sizeof(walk));
	assert_string_equal(STEP("X", "In Review", "Dropped")->to, "Dropped");
}

static void test_no_status_twice_and_an_end(void **state)
{
	static const char *const names[] = { "S0", "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10" };

	(void)state;
	STEP("A", "Done", "B");
	memset(&walk, 0, sizeof(walk));
	STEP("B", "Done", "A");
	memset(&walk, 0, sizeof(walk));
	assert_null(STEP("A", "Done", "B"));
	/* A known path that is longer than a walk may be is none. */
	for (size_t i = 0; i + 1 < COUNT(names); i++) {
		memset(&walk, 0, sizeof(walk));
		STEP(names[i], "S10", names[i + 1]);
	}
	memset(&walk, 0, sizeof(walk));
	assert_null(STEP("S0", "S10", "S1"));
	memset(&walk, 0, sizeof(walk));
	assert_string_equal(STEP("S2", "S10", "S3")->to, "S3");
}

#define LEADS(id, to, category) \
	"{\"id\":\"" id "\",\"to\":{\"name\":\"" to "\",\"statusCategory\":{\"key\":\"" category "\"}}}"

static struct transition *next_of(const char *target, const char *now, const char *options)
{
	memset(&walk, 0, sizeof(walk));
	walk.been[walk.count++] = now;
	walk.target = target;
	parse(options);
	walk_read(&walk, A, body);
	return workflow_next(W, "PAY/Chain", &P, &walk);
}

/* A chain of statuses that nobody mapped is walked; where several lead on, nobody guesses. */
static void test_the_only_way_on(void **state)
{
	(void)state;
	assert_string_equal(next_of("Done", "In Progress",
		"{\"transitions\":[" LEADS("1", "To Do", "new") "," LEADS("2", "Checking", "indeterminate") "]}")->to, "Checking");
	assert_null(next_of("Done", "In Progress",
		"{\"transitions\":[" LEADS("1", "Waiting", "indeterminate") "," LEADS("2", "Checking", "indeterminate") "]}"));
	assert_null(next_of("Done", "In Progress", "{\"transitions\":[" LEADS("1", "To Do", "new") "]}"));
	assert_null(next_of("Done", "In Progress", "{\"transitions\":[" LEADS("1", "Dropped", "done") "]}"));
	/* Only on the way to an end: nobody is led about for a status in between. */
	assert_null(next_of("In Progress", "Done", "{\"transitions\":[" LEADS("1", "Checking", "indeterminate") "]}"));
}

static void test_required_fields_of_a_transition(void **state)
{
	(void)state;
	walk.been[walk.count++] = "To Do";
	walk.target = "Done";
	parse("{\"transitions\":[null,{\"id\":\"1\"},{\"id\":\"2\",\"to\":{\"name\":\"Gone\"},\"isAvailable\":false},"
	      "{\"id\":\"3\",\"name\":\"Finish\",\"to\":{\"name\":\"Done\"},\"fields\":{\"resolution\":{\"required\":true,"
	      "\"allowedValues\":[]},\"customfield_1\":{\"required\":true,\"name\":\"Cause\"},\"x\":{\"required\":true,"
	      "\"hasDefaultValue\":true}}}]}");
	walk_read(&walk, A, body);
	assert_int_equal(walk.option_count, 1);
	workflow_learn(W, "PAY/Bug", &walk);
	assert_null(workflow_next(W, "PAY/Bug", &P, &walk));
	assert_string_equal(walk_trouble(A, &walk), "no path from To Do to Done: Finish requires resolution, Cause");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_issue, begin, end),
		cmocka_unit_test_setup_teardown(test_who_is_assigned, begin, end),
		cmocka_unit_test_setup_teardown(test_odd_issues, begin, end),
		cmocka_unit_test(test_keys),
		cmocka_unit_test_setup_teardown(test_comments, begin, end),
		cmocka_unit_test_setup_teardown(test_straight_is_shortest, walk_begin, walk_end),
		cmocka_unit_test_setup_teardown(test_between_in_the_policy, walk_begin, walk_end),
		cmocka_unit_test_setup_teardown(test_what_was_seen_is_known, walk_begin, walk_end),
		cmocka_unit_test_setup_teardown(test_rather_not_over_what_is_done, walk_begin, walk_end),
		cmocka_unit_test_setup_teardown(test_no_status_twice_and_an_end, walk_begin, walk_end),
		cmocka_unit_test_setup_teardown(test_the_only_way_on, walk_begin, walk_end),
		cmocka_unit_test_setup_teardown(test_required_fields_of_a_transition, walk_begin, walk_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
