#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "incident/request.h"
#include "tests/unit/support_jira.h"

#define API	"/rest/api/3/"
#define CREATED "{\"id\":\"10001\",\"key\":\"PAY-1\",\"self\":\"http://elsewhere.example/x\"}"
#define ISSUE(title, priority, status)                                                                 \
	"{\"id\":\"10001\",\"key\":\"PAY-1\",\"fields\":{\"summary\":\"" title                          \
	"\",\"priority\":{\"name\":\"" priority "\"},\"status\":{\"name\":\"" status                    \
	"\"},\"assignee\":null,\"updated\":\"2026-03-01T14:35:00.000+0000\",\"project\":{\"key\":"      \
	"\"PAY\"},\"issuetype\":{\"name\":\"Bug\"}},\"changelog\":{\"histories\":[{\"id\":\"77\"}]}}"
#define PLAIN_ISSUE ISSUE("checkout fails", "High", "To Do")
#define CREATE                                                                                         \
	"{\"project\":\"PAY\",\"type\":\"Bug\",\"values\":{\"title\":\"checkout fails\",\"priority\":"  \
	"\"High\"},\"text\":\"all of it\",\"labels\":[\"sitrep\"],\"label\":\"sitrep-x1\","             \
	"\"property\":{\"incident\":1},\"fields\":{\"customfield_10010\":\"blue\"}}"
#define SCRIPT(r, lines_) ((r)->script = (lines_), (r)->lines = sizeof(lines_) / sizeof(*(lines_)))

static struct effect_run R;

static int fresh(void **state)
{
	(void)state;
	memset(&R, 0, sizeof(R));
	return 0;
}

static int done(void **state)
{
	(void)state;
	run_finish(&R);
	return 0;
}

static void run(int kind, const char *payload, const char *outcome)
{
	R.kind = kind;
	R.payload = payload;
	run_effect(&R);
	if (strcmp(R.outcome, outcome) != 0)
		fail_msg("%s (%s), not %s; calls:\n%s", R.outcome, R.error, outcome, R.log);
}

static void assert_sent(const char *text)
{
	if (!run_count(&R, text))
		fail_msg("%s was not sent:\n%s", text, R.log);
}

/* ---- create ------------------------------------------------------------------------------ */

static void test_an_issue_is_made_and_read(void **state)
{
	struct line script[] = {
		{ .call = "POST " API "issue ", .status = 201, .body = CREATED },
		{ .call = "GET " API "issue/10001?", .status = 200, .body = PLAIN_ISSUE },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_CREATE, CREATE, "delivered");
	assert_string_equal(run_text(&R, "read.id"), "10001");
	assert_string_equal(run_text(&R, "read.name"), "PAY-1");
	assert_string_equal(run_text(&R, "read.values.priority"), "High");
	assert_non_null(strstr(run_text(&R, "read.url"), "/browse/PAY-1"));
	assert_sent("\"labels\":[\"sitrep\",\"sitrep-x1\"]");
	assert_sent("\"op\":\"01OPOPOPOPOPOPOPOPOPOPOPOP\"");
	assert_sent("\"customfield_10010\":\"blue\"");
	assert_sent("\"type\":\"doc\"");
	assert_int_equal(R.calls, 2);
}

#define FOUND(first, second)                                                                           \
	"{\"issues\":[{\"id\":\"" first "\",\"key\":\"PAY-9\"},{\"id\":\"" second "\",\"key\":\"PAY-1\"}]}"

static void test_a_lost_create_is_looked_for_until_the_search_cannot_lag(void **state)
{
	static const char *const found[] = { FOUND("10009", "10001"), FOUND("10001", "10009") };

	for (size_t i = 0; i < 2; i++) {
		struct line script[] = {
			{ .call = "GET " API "search/jql", .status = 200, .body = "{\"issues\":[]}", .times = 2 },
			{ .call = "GET " API "search/jql", .status = 200, .body = found[i] },
			{ .call = "GET " API "issue/10001?", .status = 200, .body = PLAIN_ISSUE },
		};

		fresh(state);
		SCRIPT(&R, script);
		R.verify = true;
		R.search_lag_ms = 1000;
		run(EFFECT_ISSUE_CREATE, CREATE, "delivered");
		assert_string_equal(run_text(&R, "read.id"), "10001");
		assert_true(json_is_true(json_at(R.result, "read.twin")));
		assert_int_equal(run_count(&R, "POST "), 0);
		assert_true(R.took_ms >= 990);
		assert_sent("maxResults=2");
		done(state);
	}
}

static void test_what_is_not_found_is_made(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "search/jql", .status = 200, .body = "{\"issues\":[]}",
			.times = SCRIPT_FOR_EVER },
		{ .call = "POST " API "issue ", .status = 201, .body = CREATED },
		{ .call = "GET " API "issue/10001?", .status = 200, .body = PLAIN_ISSUE },
	};

	(void)state;
	SCRIPT(&R, script);
	R.verify = true;
	R.search_lag_ms = 300;
	run(EFFECT_ISSUE_CREATE, CREATE, "delivered");
	assert_int_equal(run_count(&R, "POST "), 1);
	assert_true(run_count(&R, "labels%20%3D") >= 2);
}

static void test_without_knowing_nothing_is_made(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "search/jql", .status = 500, .body = "oops", .times = SCRIPT_FOR_EVER },
	};

	(void)state;
	SCRIPT(&R, script);
	R.verify = true;
	run(EFFECT_ISSUE_CREATE, CREATE, "unknown");
	assert_int_equal(run_count(&R, "POST "), 0);
}

static void test_the_stop_ends_a_look_without_an_outcome(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "search/jql", .status = 200, .body = "{\"issues\":[]}",
			.times = SCRIPT_FOR_EVER },
	};

	(void)state;
	SCRIPT(&R, script);
	R.verify = true;
	R.search_lag_ms = 60000;
	R.stop_after_ms = 200;
	run(EFFECT_ISSUE_CREATE, CREATE, "");
	assert_int_equal(R.calls, 1);
	assert_true(R.took_ms < 2000);
}

static void test_a_lost_create_without_its_label_is_found_by_its_property(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "search/jql?maxResults=2&", .status = 200, .body = "{\"issues\":[]}" },
		{ .call = "GET " API "search/jql", .status = 200,
			.body = "{\"issues\":[{\"id\":\"10003\"},{\"id\":\"10001\"}]}" },
		{ .call = "GET " API "issue/10003/properties/sitrep", .status = 404,
			.body = "{\"errorMessages\":[\"no property\"]}" },
		{ .call = "GET " API "issue/10001/properties/sitrep", .status = 200,
			.body = "{\"key\":\"sitrep\",\"value\":{\"op\":\"01OPOPOPOPOPOPOPOPOPOPOPOP\"}}" },
		{ .call = "GET " API "issue/10001?", .status = 200, .body = PLAIN_ISSUE },
	};

	(void)state;
	SCRIPT(&R, script);
	R.verify = true;
	run(EFFECT_ISSUE_CREATE, CREATE, "delivered");
	assert_int_equal(run_count(&R, "POST "), 0);
	assert_string_equal(run_text(&R, "read.id"), "10001");
}

/* When it was asked for is a time of our clock as it was then: it may have run ahead. What is found is ours by its property, so
 * looking back for long does no harm. */
static void test_a_lost_create_is_looked_for_a_day_back(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "search/jql?maxResults=2&", .status = 200, .body = "{\"issues\":[]}" },
		{ .call = "GET " API "search/jql", .status = 200, .body = "{\"issues\":[]}" },
		{ .call = "POST " API "issue ", .status = 201, .body = CREATED },
		{ .call = "GET " API "issue/10001?", .status = 200, .body = PLAIN_ISSUE },
	};
	const char *since;

	(void)state;
	SCRIPT(&R, script);
	R.verify = true;
	run(EFFECT_ISSUE_CREATE, CREATE, "delivered");
	since = strstr(R.log, "created%20%3E%3D%20%22-");
	assert_non_null(since);
	assert_in_range(strtoll(since + strlen("created%20%3E%3D%20%22-"), NULL, 10), 24 * 60 + 1, 24 * 60 + 5);
}

static void test_fields_that_are_not_on_the_screen_are_left_out(void **state)
{
	struct line script[] = {
		{ .call = "POST " API "issue ", .status = 400,
			.body = "{\"errorMessages\":[],\"errors\":{\"priority\":\"Field 'priority' cannot be "
				"set.\",\"customfield_10010\":\"not on the screen\"}}" },
		{ .call = "POST " API "issue ", .status = 201, .body = CREATED },
		{ .call = "GET " API "issue/10001?", .status = 200, .body = PLAIN_ISSUE },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_CREATE, CREATE, "delivered");
	assert_int_equal(run_count(&R, "POST "), 2);
	assert_int_equal(run_count(&R, "\"priority\":{"), 1);
	assert_string_equal(run_text(&R, "trouble.priority"), "Field 'priority' cannot be set.");
	assert_string_equal(run_text(&R, "trouble.customfield_10010"), "not on the screen");
}

static void test_a_required_field_is_named_in_the_refusal(void **state)
{
	struct line script[] = {
		{ .call = "POST " API "issue ", .status = 400,
			.body = "{\"errorMessages\":[],\"errors\":{\"customfield_10042\":\"required\"}}" },
		{ .call = "GET " API "field ", .status = 200,
			.body = "[{\"id\":\"customfield_100\",\"name\":\"Wrong\"},{\"id\":\"customfield_10042\",\"name\":\"Team\"}]" },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_CREATE, CREATE, "refused");
	assert_non_null(strstr(R.error, "Team: required"));
	assert_null(strstr(R.error, "customfield"));
}

static void test_extra_fields_by_their_names(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "field ", .status = 200,
			.body = "[{\"id\":\"customfield_10042\",\"name\":\"Customer impact\"}]" },
		{ .call = "POST " API "issue ", .status = 201, .body = CREATED },
		{ .call = "GET " API "issue/10001?", .status = 200, .body = PLAIN_ISSUE },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_CREATE,
		"{\"project\":\"PAY\",\"type\":\"Bug\",\"values\":{\"title\":\"x\"},\"fields\":{\"customer Impact\":7,"
		"\"Never heard\":1,\"duedate\":\"2026-01-01\",\"summary\":\"not this\"}}",
		"delivered");
	assert_sent("\"customfield_10042\":7");
	assert_sent("\"duedate\":");
	assert_sent("\"summary\":\"x\"");
	assert_string_equal(run_text(&R, "trouble.Never heard"), "Jira has no field of that name");
}

static void test_how_a_create_fails(void **state)
{
	static const struct {
		int status;
		const char *body, *header, *outcome;
		int64_t at_least_ms;
	} cases[] = {
		{ ANSWER_LOST, NULL, NULL, "unknown", 0 },
		{ ANSWER_CUT, CREATED, NULL, "unknown", 0 },
		{ 201, "", NULL, "unknown", 0 },
		{ 201, "{\"id\":7}", NULL, "unknown", 0 },
		{ 201, "<html>", NULL, "unknown", 0 },
		{ 500, "{}", NULL, "unknown", 0 },
		{ 503, "", "Retry-After: 3", "unknown", 3000 },
		{ 429, "", "Retry-After: 2", "retry", 2000 },
		{ 401, "", NULL, "retry", 60000 },
		{ 403, "{\"errorMessages\":[]}", "X-Seraph-LoginReason: AUTHENTICATION_DENIED", "retry", 60000 },
		{ 403, "{\"errorMessages\":[\"may not\"]}", NULL, "refused", 0 },
		{ 404, "<html>", NULL, "retry", 0 },
		{ 400, "{\"errorMessages\":[],\"errors\":{\"project\":\"valid project is required\"}}", NULL, "refused", 0 },
		{ 302, "", "Location: http://127.0.0.1:1/login", "retry", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct line script[] = { { .call = "POST " API "issue ", .status = cases[i].status,
			.body = cases[i].body, .header = cases[i].header } };

		fresh(state);
		SCRIPT(&R, script);
		run(EFFECT_ISSUE_CREATE, CREATE, cases[i].outcome);
		assert_true(*R.error);
		if (cases[i].status == 400)
			assert_non_null(strstr(R.error, "(project PAY, type Bug)"));
		assert_null(strstr(R.error, "a-secret-token"));
		if (R.retry_after_ms < cases[i].at_least_ms)
			fail_msg("case %zu: wait %lld", i, (long long)R.retry_after_ms);
		assert_int_equal(R.calls, 1);
		done(state);
	}
}

/* ---- sync -------------------------------------------------------------------------------- */

#define TO(id, name, status) "{\"id\":\"" id "\",\"name\":\"" name "\",\"to\":{\"name\":\"" status "\"}}"

static void test_only_what_they_left_alone_is_written(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "issue/10001?fields=summary", .status = 200,
			.body = ISSUE("theirs now", "High", "To Do") },
		{ .call = "PUT " API "issue/10001 ", .status = 204 },
		{ .call = "GET " API "issue/10001?fields=summary", .status = 200,
			.body = ISSUE("theirs now", "Highest", "To Do") },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_SYNC,
		"{\"issue\":\"10001\",\"send\":{\"title\":\"ours\",\"priority\":\"Highest\",\"status\":\"to do\"},"
		"\"theirs\":{\"title\":\"checkout fails\",\"priority\":\"high\",\"status\":\"Done\"},\"comment_after\":-1}",
		"delivered");
	assert_sent("PUT /rest/api/3/issue/10001 HTTP/1.1 {\"fields\":{\"priority\":{\"name\":\"Highest\"}}}");
	assert_string_equal(run_text(&R, "written.priority"), "Highest");
	assert_string_equal(run_text(&R, "written.status"), "to do");
	assert_string_equal(run_text(&R, "written.title"), "");
	assert_string_equal(run_text(&R, "read.values.title"), "theirs now");
	assert_int_equal(json_integer_value(json_at(R.result, "read.change")), 77);
}

#define SEND_DONE                                                                                      \
	"{\"issue\":\"10001\",\"send\":{\"status\":\"Done\"},\"theirs\":{\"status\":\"To Do\"},"        \
	"\"comment_after\":-1}"

static void test_a_status_over_several_steps(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "issue/10001?fields=summary", .status = 200, .body = PLAIN_ISSUE },
		{ .call = "GET " API "issue/10001/transitions", .status = 200,
			.body = "{\"transitions\":[" TO("9", "Drop", "Cancelled") "," TO("11", "Start", "In Progress") "]}" },
		{ .call = "POST " API "issue/10001/transitions", .status = 204 },
		{ .call = "GET " API "issue/10001?fields=status", .status = 200,
			.body = ISSUE("x", "High", "In Progress") },
		{ .call = "GET " API "issue/10001/transitions", .status = 200,
			.body = "{\"transitions\":[{\"id\":\"21\",\"name\":\"Finish\",\"to\":{\"name\":\"Done\"},"
				"\"fields\":{\"resolution\":{\"required\":true,\"allowedValues\":[{\"name\":\"Won't Do\"},"
				"{\"name\":\"Done\"}]}}}]}" },
		{ .call = "POST " API "issue/10001/transitions", .status = 204 },
		{ .call = "GET " API "issue/10001?fields=status", .status = 200, .body = ISSUE("x", "High", "Done") },
		{ .call = "GET " API "issue/10001?fields=summary", .status = 200, .body = ISSUE("x", "High", "Done") },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_SYNC, SEND_DONE, "delivered");
	assert_sent("{\"transition\":{\"id\":\"11\"}}");
	assert_sent("{\"transition\":{\"id\":\"21\"},\"fields\":{\"resolution\":{\"name\":\"Done\"}}}");
	assert_string_equal(run_text(&R, "written.status"), "Done");
	assert_string_equal(run_text(&R, "read.values.status"), "Done");
}

#define MOVED_BY(account, status)                                                                       \
	"{\"id\":\"10001\",\"key\":\"PAY-1\",\"fields\":{\"status\":{\"name\":\"" status                  \
	"\"}},\"changelog\":{\"histories\":[{\"id\":\"9\",\"author\":{\"accountId\":\"" account             \
	"\"},\"items\":[{\"fieldId\":\"status\",\"fromString\":\"In Progress\",\"toString\":\"In Review\"}]}," \
	"{\"id\":\"8\",\"author\":{\"accountId\":\"me\"},\"items\":[{\"fieldId\":\"status\","           \
	"\"fromString\":\"To Do\",\"toString\":\"In Progress\"}]}]}}"

static void midway(const char *who, const char *outcome, int posts)
{
	char body[2000];
	struct line script[] = {
		{ .call = "GET " API "myself ", .status = 200, .body = "{\"accountId\":\"me\"}" },
		{ .call = "GET " API "issue/10001?fields=summary", .status = 200, .body = body, .times = 2 },
		{ .call = "GET " API "issue/10001/transitions", .status = 200,
			.body = "{\"transitions\":[" TO("9", "Finish", "Done") "]}" },
		{ .call = "POST " API "issue/10001/transitions", .status = 204 },
		{ .call = "GET " API "issue/10001?fields=status", .status = 200, .body = ISSUE("x", "High", "Done") },
	};

	strcpy(body, strcmp(who, "me") ? MOVED_BY("other", "In Review") : MOVED_BY("me", "In Review"));
	SCRIPT(&R, script);
	R.verify = true;
	run(EFFECT_ISSUE_SYNC, SEND_DONE, outcome);
	assert_int_equal(run_count(&R, "POST "), posts);
}

static void test_a_walk_goes_on_where_it_was_lost(void **state)
{
	(void)state;
	midway("me", "delivered", 1);
	assert_string_equal(run_text(&R, "written.status"), "Done");
}

static void test_where_somebody_else_moved_it_no_walk_goes_on(void **state)
{
	(void)state;
	midway("other", "delivered", 0);
	assert_string_equal(run_text(&R, "written.status"), "");
}

static void test_a_step_whose_answer_is_lost_is_looked_at(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "issue/10001?fields=summary", .status = 200, .body = PLAIN_ISSUE, .times = 9 },
		{ .call = "GET " API "issue/10001/transitions", .status = 200,
			.body = "{\"transitions\":[" TO("9", "Finish", "Done") "]}", .times = 9 },
		{ .call = "POST " API "issue/10001/transitions", .status = ANSWER_LOST, .times = 2 },
		{ .call = "GET " API "issue/10001?fields=status", .status = 200, .body = ISSUE("x", "High", "Done") },
		{ .call = "GET " API "issue/10001?fields=status", .status = 200, .body = PLAIN_ISSUE },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_SYNC, SEND_DONE, "delivered");
	assert_string_equal(run_text(&R, "written.status"), "Done");
	done(state);
	run(EFFECT_ISSUE_SYNC, SEND_DONE, "unknown");
}

static void test_no_path(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "issue/10001?fields=summary", .status = 200, .body = PLAIN_ISSUE },
		{ .call = "GET " API "issue/10001/transitions", .status = 200,
			.body = "{\"transitions\":[" TO("9", "Drop", "Cancelled") "," TO("8", "Wait", "Waiting") "]}" },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_SYNC, SEND_DONE, "delivered");
	assert_string_equal(run_text(&R, "trouble.status"),
		"no path from To Do to Done; from To Do one can go to Cancelled, Waiting");
	assert_int_equal(run_count(&R, "POST "), 0);
	assert_string_equal(run_text(&R, "read.values.status"), "To Do");
}

static void test_an_issue_that_is_gone(void **state)
{
	struct line script[] = { { .call = "GET " API "issue/10001?", .status = 404,
		.body = "{\"errorMessages\":[\"Issue does not exist\"],\"errors\":{}}" } };

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_SYNC, SEND_DONE, "delivered");
	assert_true(json_is_true(json_at(R.result, "read.gone")));
	assert_string_equal(run_text(&R, "read.id"), "10001");
}

static void test_what_was_written_is_not_certainly_undone(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "issue/10001?fields=summary", .status = 200, .body = PLAIN_ISSUE },
		{ .call = "PUT " API "issue/10001 ", .status = 204 },
		{ .call = "GET " API "issue/10001/transitions", .status = 429, .header = "Retry-After: 1" },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_SYNC,
		"{\"issue\":\"10001\",\"send\":{\"title\":\"ours\",\"status\":\"Done\"},\"theirs\":{\"title\":"
		"\"checkout fails\",\"status\":\"To Do\"}}",
		"unknown");
}

static void test_two_at_once(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "issue/10001?fields=summary", .status = 200, .body = PLAIN_ISSUE, .times = 9 },
		{ .call = "GET " API "issue/10001/transitions", .status = 200,
			.body = "{\"transitions\":[" TO("9", "Finish", "Done") "]}", .times = 9 },
		{ .call = "POST " API "issue/10001/transitions", .status = 409,
			.body = "{\"errorMessages\":[\"conflict\"]}", .times = 9 },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_SYNC, SEND_DONE, "retry");
	assert_int_equal(run_count(&R, "POST "), 2);
}

static void test_a_field_that_is_refused_costs_itself(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "issue/10001?fields=summary", .status = 200, .body = PLAIN_ISSUE, .times = 2 },
		{ .call = "PUT " API "issue/10001 ", .status = 400,
			.body = "{\"errorMessages\":[],\"errors\":{\"assignee\":\"User cannot be assigned\"}}" },
		{ .call = "PUT " API "issue/10001 ", .status = 204 },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_SYNC,
		"{\"issue\":\"10001\",\"send\":{\"title\":\"ours\",\"assignee\":\"abc\"},\"theirs\":{\"title\":"
		"\"checkout fails\",\"assignee\":\"\"}}",
		"delivered");
	assert_string_equal(run_text(&R, "trouble.assignee"), "User cannot be assigned");
	assert_string_equal(run_text(&R, "written.title"), "ours");
	assert_int_equal(run_count(&R, "\"accountId\":\"abc\""), 1);
}

static void test_comments_of_others(void **state)
{
	struct line script[] = {
		{ .call = "GET /rest/api/2/issue/PAY-1?fields=summary", .status = 200, .body = PLAIN_ISSUE },
		{ .call = "GET /rest/api/2/issue/10001/comment?", .status = 200,
			.body = "{\"total\":4,\"comments\":["
				"{\"id\":\"33\",\"author\":{\"name\":\"bob\",\"displayName\":\"Bob B\"},\"created\":"
				"\"2026-03-01T14:00:00.000+0000\",\"body\":\"{code}x{code} [~alice]\"},"
				"{\"id\":\"32\",\"body\":\"ours\",\"properties\":[{\"key\":\"sitrep\",\"value\":{\"op\":\"z\"}}]},"
				"{\"id\":\"31\"},{\"id\":\"30\",\"body\":\"old\"}]}" },
		{ .call = "GET /rest/api/2/comment/33/properties/sitrep", .status = 404, .body = "{\"errorMessages\":[]}" },
	};

	(void)state;
	SCRIPT(&R, script);
	R.flavour = ISSUE_DATA_CENTER;
	run(EFFECT_ISSUE_SYNC, "{\"name\":\"PAY-1\",\"send\":{},\"theirs\":{},\"comment_after\":30}", "delivered");
	assert_int_equal(json_array_size(json_at(R.result, "comments")), 2);
	assert_string_equal(run_text(&R, "comments.0.id"), "31");
	assert_string_equal(run_text(&R, "comments.1.text"), "x @alice");
	assert_string_equal(run_text(&R, "comments.1.author"), "bob");
	assert_string_equal(run_text(&R, "comments.1.name"), "Bob B");
}

/* They come newest first: told of those alone, the record would take the older ones for read. They are read again soon; not for
 * ever, and not when Jira says no: the fields and what waits behind them must not wait for what may never come. */
static void test_comments_of_which_a_page_is_missing_wait(void **state)
{
	static const struct {
		int status, attempt;
		const char *body, *outcome;
	} cases[] = {
		{ 500, 1, "{}", "retry" },
		{ 200, 1, "<html>", "retry" },
		{ 500, 7, "{}", "retry" },
		{ 500, 8, "{}", "delivered" },
		{ 403, 1, "{\"errorMessages\":[\"may not\"]}", "delivered" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct line script[] = {
			{ .call = "GET " API "issue/10001?fields=summary", .status = 200, .body = PLAIN_ISSUE },
			{ .call = "GET " API "issue/10001/comment?", .status = 200,
				.body = "{\"total\":3,\"comments\":[{\"id\":\"33\",\"properties\":[]},{\"id\":\"32\",\"properties\":[]}]}" },
			{ .call = "GET " API "issue/10001/comment?", .status = cases[i].status, .body = cases[i].body },
		};

		fresh(state);
		SCRIPT(&R, script);
		R.attempt = cases[i].attempt;
		run(EFFECT_ISSUE_SYNC, "{\"issue\":\"10001\",\"send\":{},\"theirs\":{},\"comment_after\":30}",
			cases[i].outcome);
		assert_int_equal(R.unanswered, 0);
		assert_int_equal(R.calls, 3);
		assert_int_equal(json_array_size(json_at(R.result, "comments")), 0);
		done(state);
	}
}

static void test_comments_whose_properties_are_not_told(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "issue/10001?fields=summary", .status = 200, .body = PLAIN_ISSUE },
		{ .call = "GET " API "issue/10001/comment?", .status = 200,
			.body = "{\"total\":3,\"comments\":[{\"id\":\"33\"},{\"id\":\"32\"},{\"id\":\"31\"}]}" },
		{ .call = "GET " API "comment/33/properties/sitrep", .status = 200,
			.body = "{\"key\":\"sitrep\",\"value\":{\"op\":\"z\"}}" },
		{ .call = "GET " API "comment/32/properties/sitrep", .status = 404, .body = "{\"errorMessages\":[]}" },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_SYNC, "{\"issue\":\"10001\",\"send\":{},\"theirs\":{},\"comment_after\":31}", "delivered");
	assert_int_equal(json_array_size(json_at(R.result, "comments")), 1);
	assert_string_equal(run_text(&R, "comments.0.id"), "32");
	assert_int_equal(R.calls, 4);
}

/* A page of comments, newest first: those from..to by their ids, each between the two texts. */
static const char *page_of(char *out, size_t size, int total, int from, int to, const char *behind)
{
	size_t n = (size_t)snprintf(out, size, "{\"total\":%d,\"comments\":[", total);

	for (int id = from; id >= to; id--)
		n += (size_t)snprintf(out + n, size - n, "%s{\"id\":\"%d\",\"body\":\"word %d\"%s}",
			id == from ? "" : ",", id, id, behind);
	snprintf(out + n, size - n, "]}");
	return out;
}

/* However many there are, none is passed over: the oldest are told now, and it is said that there are more. */
static void test_more_comments_than_are_told_at_once(void **state)
{
	static char pages[24][5000], call[24][120];
	struct line script[25] = {
		{ .call = "GET " API "issue/10001?fields=summary", .status = 200, .body = PLAIN_ISSUE },
	};

	(void)state;
	for (int i = 0; i < 24; i++) {
		snprintf(call[i], sizeof(call[i]),
			"GET " API "issue/10001/comment?orderBy=-created&expand=properties&maxResults=50&startAt=%d ",
			i * 50);
		script[i + 1] = (struct line){ .call = call[i], .status = 200,
			.body = page_of(pages[i], sizeof(pages[i]), 1200, 1230 - 50 * i, 1181 - 50 * i,
				",\"properties\":[]") };
	}
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_SYNC, "{\"issue\":\"10001\",\"send\":{},\"theirs\":{},\"comment_after\":30}", "delivered");
	assert_int_equal(R.unanswered, 0);
	assert_int_equal(json_array_size(json_at(R.result, "comments")), 100);
	assert_string_equal(run_text(&R, "comments.0.id"), "31");
	assert_string_equal(run_text(&R, "comments.99.text"), "word 130");
	assert_null(json_at(R.result, "comments.0.properties"));
	assert_int_equal(json_get_int(json_at(R.result, "comments_left"), "upto", 0), 130);
	assert_int_equal(json_get_int(json_at(R.result, "comments_left"), "newest", 0), 1230);
}

/* Ours are known however many there are, and only what would be told is asked for. */
static void test_many_comments_whose_properties_are_not_told(void **state)
{
	static char pages[3][5000], call[3][120];
	struct line script[] = {
		{ .call = "GET " API "issue/10001?fields=summary", .status = 200, .body = PLAIN_ISSUE },
		{ .call = call[0], .status = 200, .body = pages[0] },
		{ .call = call[1], .status = 200, .body = pages[1] },
		{ .call = call[2], .status = 200, .body = pages[2] },
		{ .call = "GET " API "comment/31/properties/sitrep", .status = 200,
			.body = "{\"key\":\"sitrep\",\"value\":{\"op\":\"z\"}}" },
		{ .call = "GET " API "comment/", .status = 404, .body = "{\"errorMessages\":[]}",
			.times = SCRIPT_FOR_EVER },
	};

	(void)state;
	for (int i = 0; i < 3; i++) {
		snprintf(call[i], sizeof(call[i]),
			"GET " API "issue/10001/comment?orderBy=-created&expand=properties&maxResults=50&startAt=%d ",
			i * 50);
		page_of(pages[i], sizeof(pages[i]), 150, 180 - 50 * i, 131 - 50 * i, "");
	}
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_SYNC, "{\"issue\":\"10001\",\"send\":{},\"theirs\":{},\"comment_after\":30}", "delivered");
	assert_int_equal(json_array_size(json_at(R.result, "comments")), 99);
	assert_string_equal(run_text(&R, "comments.0.id"), "32");
	assert_int_equal(R.calls, 4 + 100);
	assert_int_equal(json_get_int(json_at(R.result, "comments_left"), "upto", 0), 130);
}

/* ---- the others -------------------------------------------------------------------------- */

/* A row that somebody spoiled: refused, and the job that is gone by then is not looked at (the sanitizer sees to that). */
static void test_it_names_no_issue(void **state)
{
	static const char *const payloads[] = { "{}", "{\"issue\":\"\"}", "{\"issue\":\"10 01\"}", "{\"name\":\"no key\"}" };

	struct line script[] = { { .call = "GET " API "issue/never", .status = 404, .body = "{}" } };

	SCRIPT(&R, script);
	for (size_t i = 0; i < sizeof(payloads) / sizeof(*payloads); i++) {
		run(EFFECT_ISSUE_COMMENT, payloads[i], "refused");
		done(state);
	}
}

static void test_a_comment_is_said_once(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "issue/10001/comment", .status = 200,
			.body = "{\"total\":1,\"comments\":[{\"id\":\"44\",\"properties\":[{\"key\":\"sitrep\",\"value\":"
				"{\"op\":\"01OPOPOPOPOPOPOPOPOPOPOPOP\"}}]}]}" },
		{ .call = "POST " API "issue/10001/comment", .status = 201, .body = "{\"id\":\"45\"}" },
	};

	(void)state;
	SCRIPT(&R, script);
	R.verify = true;
	run(EFFECT_ISSUE_COMMENT, "{\"issue\":\"10001\",\"text\":\"news\"}", "delivered");
	assert_string_equal(run_text(&R, "comment"), "44");
	assert_int_equal(run_count(&R, "POST "), 0);
	/* One of another effect is not this one. */
	done(state);
	script[0].used = 0;
	script[0].body = "{\"total\":1,\"comments\":[{\"id\":\"44\",\"properties\":[{\"key\":\"sitrep\",\"value\":"
			 "{\"op\":\"other\"}}]}]}";
	run(EFFECT_ISSUE_COMMENT, "{\"issue\":\"10001\",\"text\":\"news\"}", "delivered");
	assert_string_equal(run_text(&R, "comment"), "45");
	done(state);
	script[1].used = 0;
	R.verify = false;
	run(EFFECT_ISSUE_COMMENT, "{\"issue\":\"10001\",\"text\":\"news\"}", "delivered");
	assert_string_equal(run_text(&R, "comment"), "45");
	assert_sent("\"properties\":[{\"key\":\"sitrep\",\"value\":{\"op\":\"01OP");
}

#define MARK(on)                                                                                       \
	"{\"issue\":\"10001\",\"on\":" on ",\"label\":\"sitrep-x1\",\"common_label\":\"sitrep\","       \
	"\"property\":{\"incident\":1},\"links\":[{\"id\":\"sitrep:1\",\"url\":\"http://a.example/\",\"title\":\"chan\"}]}"

static void test_marks_are_niceties(void **state)
{
	struct line script[] = {
		{ .call = "PUT " API "issue/10001 ", .status = 400,
			.body = "{\"errorMessages\":[],\"errors\":{\"labels\":\"not on the screen\"}}" },
		{ .call = "PUT " API "issue/10001/properties/sitrep", .status = 201 },
		{ .call = "POST " API "issue/10001/remotelink", .status = 403,
			.body = "{\"errorMessages\":[\"no permission\"]}" },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_MARK, MARK("true"), "delivered");
	assert_int_equal(R.calls, 3);
	assert_sent("{\"update\":{\"labels\":[{\"add\":\"sitrep-x1\"},{\"add\":\"sitrep\"}]}}");
	assert_sent("\"globalId\":\"sitrep:1\"");
}

static void test_marks_are_taken_away(void **state)
{
	struct line script[] = {
		{ .call = "PUT " API "issue/10001 ", .status = 204 },
		{ .call = "DELETE " API "issue/10001/properties/sitrep", .status = 404,
			.body = "{\"errorMessages\":[\"none\"]}" },
		{ .call = "DELETE " API "issue/10001/remotelink?globalId=sitrep%3A1", .status = 204 },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_MARK, MARK("false"), "delivered");
	assert_int_equal(R.unanswered, 0);
	assert_sent("{\"remove\":\"sitrep-x1\"}");
}

static void test_of_what_is_gone_nothing_need_be_taken_away(void **state)
{
#define NONE "{\"errorMessages\":[\"Issue does not exist\"]}"
	struct line script[] = {
		{ .call = "PUT " API "issue/10001 ", .status = 404, .body = NONE, .times = 2 },
		{ .call = "DELETE " API "issue/10001/properties/sitrep", .status = 404, .body = NONE },
		{ .call = "DELETE " API "issue/10001/remotelink", .status = 404, .body = NONE },
		{ .call = "PUT " API "issue/10001/properties/sitrep", .status = 404, .body = NONE },
		{ .call = "POST " API "issue/10001/remotelink", .status = 404, .body = NONE },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_MARK, MARK("false"), "delivered");
	run(EFFECT_ISSUE_MARK, MARK("true"), "refused");
	assert_non_null(strstr(R.error, "Issue does not exist"));
}

static void test_links_that_nobody_names_are_known_by_who_made_them(void **state)
{
	struct line script[] = {
		{ .call = "PUT " API "issue/10001 ", .status = 204 },
		{ .call = "DELETE " API "issue/10001/properties/sitrep", .status = 204 },
		{ .call = "GET " API "issue/10001/remotelink ", .status = 200,
			.body = "[{\"globalId\":\"other\"},{\"globalId\":\"sitrep-1\",\"application\":{\"type\":\"sitrep\"}}]" },
		{ .call = "DELETE " API "issue/10001/remotelink?globalId=sitrep-1", .status = 204 },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_MARK, "{\"issue\":\"10001\",\"on\":false,\"common_label\":\"sitrep\"}", "delivered");
	assert_int_equal(R.calls, 4);
	assert_int_equal(R.unanswered, 0);
}

#define POLL "{\"elapsed_ms\":61000,\"label\":\"sitrep\",\"projects\":[\"PAY\",\"O\\\"PS\"]}"

static void test_a_poll_in_pages(void **state)
{
	struct line script[] = {
		{ .call = "GET " API "search/jql?", .status = 200,
			.body = "{\"issues\":[{\"id\":\"1\",\"key\":\"PAY-1\",\"fields\":{\"updated\":"
				"\"1970-01-02T00:00:00.000+0000\"}}],\"nextPageToken\":\"a b\"}" },
		{ .call = "GET " API "search/jql?", .status = 200, .body = "{\"issues\":[{\"id\":\"2\"}],\"isLast\":true}" },
	};

	(void)state;
	SCRIPT(&R, script);
	run(EFFECT_ISSUE_POLL, POLL, "delivered");
	assert_int_equal(json_array_size(json_at(R.result, "issues")), 2);
	assert_int_equal(json_integer_value(json_at(R.result, "issues.0.updated_ms")), 86400000);
	assert_true(json_is_true(json_at(R.result, "complete")));
	assert_sent("nextPageToken=a%20b");
	assert_sent("project%20in%20%28%22PAY%22%2C%20%22O%5C%22PS%22%29%20AND%20labels%20%3D%20%22sitrep%22%20AND%20"
		    "updated%20%3E%3D%20%22-3m%22");
}

static void test_a_poll_without_a_project_that_is_gone(void **state)
{
	struct line script[] = {
		{ .call = "GET /rest/api/2/search?", .status = 400, .body = "{\"errorMessages\":[\"no such project\"]}" },
		{ .call = "GET /rest/api/2/search?", .status = 200, .body = "{\"total\":2,\"issues\":[{\"id\":\"1\"}]}" },
		{ .call = "GET /rest/api/2/search?", .status = 200, .body = "{\"total\":2,\"issues\":[{\"id\":\"2\"}]}" },
	};

	(void)state;
	SCRIPT(&R, script);
	R.flavour = ISSUE_DATA_CENTER;
	run(EFFECT_ISSUE_POLL, POLL, "delivered");
	assert_int_equal(json_array_size(json_at(R.result, "issues")), 2);
	assert_sent("startAt=1");
}

/* "Complete" would move the point from which the next one looks, past what was not read. */
static void test_a_poll_that_ends_early_says_so(void **state)
{
	struct line script[] = {
		{ .call = "GET /rest/api/2/search?", .status = 200, .body = "{\"total\":1000,\"issues\":[{\"id\":\"1\"}]}",
			.times = SCRIPT_FOR_EVER },
	};

	(void)state;
	SCRIPT(&R, script);
	R.flavour = ISSUE_DATA_CENTER;
	run(EFFECT_ISSUE_POLL, POLL, "delivered");
	assert_true(json_is_false(json_at(R.result, "complete")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_issue_is_made_and_read, fresh, done),
		cmocka_unit_test(test_a_lost_create_is_looked_for_until_the_search_cannot_lag),
		cmocka_unit_test_setup_teardown(test_what_is_not_found_is_made, fresh, done),
		cmocka_unit_test_setup_teardown(test_without_knowing_nothing_is_made, fresh, done),
		cmocka_unit_test_setup_teardown(test_the_stop_ends_a_look_without_an_outcome, fresh, done),
		cmocka_unit_test_setup_teardown(test_a_lost_create_without_its_label_is_found_by_its_property, fresh, done),
		cmocka_unit_test_setup_teardown(test_a_lost_create_is_looked_for_a_day_back, fresh, done),
		cmocka_unit_test_setup_teardown(test_fields_that_are_not_on_the_screen_are_left_out, fresh, done),
		cmocka_unit_test_setup_teardown(test_a_required_field_is_named_in_the_refusal, fresh, done),
		cmocka_unit_test_setup_teardown(test_extra_fields_by_their_names, fresh, done),
		cmocka_unit_test(test_how_a_create_fails),
		cmocka_unit_test_setup_teardown(test_only_what_they_left_alone_is_written, fresh, done),
		cmocka_unit_test_setup_teardown(test_a_status_over_several_steps, fresh, done),
		cmocka_unit_test_setup_teardown(test_a_walk_goes_on_where_it_was_lost, fresh, done),
		cmocka_unit_test_setup_teardown(test_where_somebody_else_moved_it_no_walk_goes_on, fresh, done),
		cmocka_unit_test_setup_teardown(test_a_step_whose_answer_is_lost_is_looked_at, fresh, done),
		cmocka_unit_test_setup_teardown(test_no_path, fresh, done),
		cmocka_unit_test_setup_teardown(test_an_issue_that_is_gone, fresh, done),
		cmocka_unit_test_setup_teardown(test_what_was_written_is_not_certainly_undone, fresh, done),
		cmocka_unit_test_setup_teardown(test_two_at_once, fresh, done),
		cmocka_unit_test_setup_teardown(test_a_field_that_is_refused_costs_itself, fresh, done),
		cmocka_unit_test_setup_teardown(test_comments_of_others, fresh, done),
		cmocka_unit_test_setup_teardown(test_comments_of_which_a_page_is_missing_wait, fresh, done),
		cmocka_unit_test_setup_teardown(test_comments_whose_properties_are_not_told, fresh, done),
		cmocka_unit_test_setup_teardown(test_more_comments_than_are_told_at_once, fresh, done),
		cmocka_unit_test_setup_teardown(test_many_comments_whose_properties_are_not_told, fresh, done),
		cmocka_unit_test_setup_teardown(test_it_names_no_issue, fresh, done),
		cmocka_unit_test_setup_teardown(test_a_comment_is_said_once, fresh, done),
		cmocka_unit_test_setup_teardown(test_marks_are_niceties, fresh, done),
		cmocka_unit_test_setup_teardown(test_marks_are_taken_away, fresh, done),
		cmocka_unit_test_setup_teardown(test_of_what_is_gone_nothing_need_be_taken_away, fresh, done),
		cmocka_unit_test_setup_teardown(test_links_that_nobody_names_are_known_by_who_made_them, fresh, done),
		cmocka_unit_test_setup_teardown(test_a_poll_in_pages, fresh, done),
		cmocka_unit_test_setup_teardown(test_a_poll_that_ends_early_says_so, fresh, done),
		cmocka_unit_test_setup_teardown(test_a_poll_without_a_project_that_is_gone, fresh, done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
