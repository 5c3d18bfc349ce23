#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/io.h"
#include "adapters/jira/client.h"
#include "base/clock.h"
#include "tests/unit/support_peer.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* ---- what answers mean ------------------------------------------------------------------- */

#define NO "{\"errorMessages\":[\"no\"],\"errors\":{}}"

static const struct {
	enum http_result result;
	int status;
	const char *body;
	enum rest_class write, read;
} answers[] = {
	{ HTTP_ANSWERED, 200, "{}", REST_OK, REST_OK },
	{ HTTP_ANSWERED, 200, "[]", REST_OK, REST_OK },
	{ HTTP_ANSWERED, 201, "{\"id\":\"1\"}", REST_OK, REST_OK },
	{ HTTP_ANSWERED, 204, "", REST_OK, REST_RETRY },
	{ HTTP_ANSWERED, 200, "<html>", REST_UNKNOWN, REST_RETRY },
	{ HTTP_ANSWERED, 201, "{\"id\":", REST_UNKNOWN, REST_RETRY },
	{ HTTP_ANSWERED, 200, "{\"a\":1,\"a\":2}", REST_UNKNOWN, REST_RETRY },
	{ HTTP_ANSWERED, 200, "{\"a\":\"\xff\"}", REST_UNKNOWN, REST_RETRY },
	{ HTTP_NOT_SENT, 0, "", REST_RETRY, REST_RETRY },
	{ HTTP_UNKNOWN, 0, "", REST_UNKNOWN, REST_RETRY },
	{ HTTP_UNKNOWN, 201, "{\"id\":\"1\"}", REST_UNKNOWN, REST_RETRY },
	{ HTTP_ANSWERED, 301, "", REST_RETRY, REST_RETRY },
	{ HTTP_ANSWERED, 400, NO, REST_REFUSED, REST_REFUSED },
	{ HTTP_ANSWERED, 400, "", REST_REFUSED, REST_REFUSED },
	{ HTTP_ANSWERED, 400, "<html>", REST_RETRY, REST_RETRY },
	{ HTTP_ANSWERED, 401, "", REST_TOKEN, REST_TOKEN },
	{ HTTP_ANSWERED, 401, NO, REST_TOKEN, REST_TOKEN },
	{ HTTP_ANSWERED, 403, NO, REST_FORBIDDEN, REST_FORBIDDEN },
	{ HTTP_ANSWERED, 403, "<html>blocked", REST_RETRY, REST_RETRY },
	{ HTTP_ANSWERED, 404, NO, REST_GONE, REST_GONE },
	{ HTTP_ANSWERED, 404, "", REST_RETRY, REST_RETRY },
	{ HTTP_ANSWERED, 404, "{\"message\":\"null for uri\"}", REST_RETRY, REST_RETRY },
	{ HTTP_ANSWERED, 405, NO, REST_REFUSED, REST_REFUSED },
	{ HTTP_ANSWERED, 408, "", REST_UNKNOWN, REST_RETRY },
	{ HTTP_ANSWERED, 409, "", REST_CONFLICT, REST_CONFLICT },
	{ HTTP_ANSWERED, 413, "<html>", REST_REFUSED, REST_REFUSED },
	{ HTTP_ANSWERED, 425, "", REST_RETRY, REST_RETRY },
	{ HTTP_ANSWERED, 429, NO, REST_RETRY, REST_RETRY },
	{ HTTP_ANSWERED, 500, NO, REST_UNKNOWN, REST_RETRY },
	{ HTTP_ANSWERED, 503, "", REST_UNKNOWN, REST_RETRY },
	{ HTTP_ANSWERED, 999, "", REST_UNKNOWN, REST_RETRY },
};

static void test_what_answers_mean(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		for (int reads = 0; reads < 2; reads++) {
			struct rest_reading r;

			rest_read(reads, answers[i].result, answers[i].status, false, "why", answers[i].body,
				strlen(answers[i].body), &r);
			if (r.class != (reads ? answers[i].read : answers[i].write))
				fail_msg("%d %d %s: %s is class %d (%s)", answers[i].result, answers[i].status,
					answers[i].body, reads ? "a read" : "a write", r.class, r.text);
			assert_true(r.class == REST_OK || *r.text);
			json_decref(r.body);
		}
	}
}

static void words(const char *body, const char *expected)
{
	struct rest_reading r;

	rest_read(false, HTTP_ANSWERED, 400, false, "", body, strlen(body), &r);
	assert_string_equal(r.text, expected);
	json_decref(r.body);
}

static void test_the_words_of_a_refusal(void **state)
{
	struct rest_reading r;

	(void)state;
	words(NO, "Jira says: no");
	words("{\"errorMessages\":[\"a.\",7,\"b.\"],\"errors\":{\"priority\":\"Priority is wrong.\",\"team\":\"required\"}}",
		"Jira says: a. b. Priority is wrong. team: required");
	words("{\"errorMessages\":[],\"errors\":{}}", "Jira answered 400");
	/* A login that failed makes us a stranger, for whom nothing is there. */
	rest_read(true, HTTP_ANSWERED, 404, true, "", NO, strlen(NO), &r);
	assert_int_equal(r.class, REST_TOKEN);
	json_decref(r.body);
	rest_read(true, HTTP_ANSWERED, 200, true, "", "{}", 2, &r);
	assert_int_equal(r.class, REST_OK);
	json_decref(r.body);
}

static void test_encodings(void **state)
{
	static const char *const pairs[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "a@b.example:\xff~", "YUBiLmV4YW1wbGU6/34=" } };
	struct str s;

	(void)state;
	str_init(&s, 1000);
	for (size_t i = 0; i < COUNT(pairs); i++) {
		str_reset(&s);
		rest_base64(&s, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(s.p, pairs[i][1]);
	}
	str_reset(&s);
	rest_escape(&s, "a b/../?x=1&y#ü-_.~");
	assert_string_equal(s.p, "a%20b%2F..%2F%3Fx%3D1%26y%23%C3%BC-_.~");
	str_finish(&s);
}

/* ---- calls ------------------------------------------------------------------------------- */

#define CALLS 40
#define LIMIT 8000

struct try {
	struct rest_call call;
	enum rest_class class;
	int64_t wait, at;
	int times;
};

static struct {
	struct io *io;
	struct rest *rest;
	struct peer *peer;
	struct io_timer *limit, *later;
	struct try tries[CALLS];
	int count, left;
	int64_t began;
	bool timed_out;
	atomic_int requests;
	void (*then)(void);
	/* the story */
	int status[4]; /* of the first answers; 0: 200 */
	const char *header;
	const char *bad; /* a path that gets status[0], for ever */
	char seen[10000];
} T;

static void serve(struct peer *peer, int fd, int nth, void *ctx)
{
	static _Thread_local char request[10000];

	(void)peer, (void)nth, (void)ctx;
	while (peer_read_request(fd, request, sizeof(request))) {
		int n = T.requests++, status = n < 4 && !T.bad ? T.status[n] : 0;

		if (!n)
			snprintf(T.seen, sizeof(T.seen), "%s", request);
		if (T.bad && strstr(request, T.bad))
			status = T.status[0];
		peer_print(fd, "HTTP/1.1 %d X\r\n%sContent-Length: 2\r\n\r\n{}", status ? status : 200,
			status && T.header ? T.header : "");
	}
}

static void on_limit(void *ctx)
{
	(void)ctx;
	T.timed_out = true;
	io_stop(T.io);
}

static void on_later(void *ctx)
{
	(void)ctx;
	T.then();
}

static void stop(void *ctx)
{
	(void)ctx;
	io_timer_destroy(T.limit);
	io_timer_destroy(T.later);
	rest_stop(T.rest);
}

static void on_done(struct rest_call *call, const struct rest_answer *answer)
{
	struct try *t = call->ctx;

	assert_false(rest_call_running(call));
	t->class = answer->class;
	t->wait = answer->retry_after_ms;
	t->at = io_now(T.io) - T.began;
	t->times++;
	if (--T.left == 0 && !T.then)
		io_stop(T.io);
}

static struct try *call(const char *method, const char *path, const char *issue)
{
	struct try *t = &T.tries[T.count++];
	struct error err = { 0 };

	t->call = (struct rest_call){ .method = method, .path = path, .issue = issue, .on_done = on_done, .ctx = t };
	if (strcmp(method, "GET") != 0)
		t->call.body = json_object();
	T.left++;
	assert_int_equal(rest_start(T.rest, &t->call, &err), 0);
	return t;
}

static void begin(const char *url, bool pacing)
{
	struct rest_options o = { .flavour = flavour_of(ISSUE_CLOUD), .user = "u@example.com", .token = "topsecret",
		.pacing = pacing };
	static struct io_hook hook;

	T.io = io_create(NULL);
	T.peer = peer_start(serve, NULL);
	o.url = url ? url : peer_url(T.peer, "http", "/base/");
	T.rest = rest_create(T.io, &o);
	hook = (struct io_hook){ .stop = stop };
	T.limit = io_timer_create(T.io, on_limit, NULL);
	T.later = io_timer_create(T.io, on_later, NULL);
	io_timer_start(T.limit, LIMIT);
	io_on_stop(T.io, &hook);
	T.began = io_now(T.io);
}

static void end(void)
{
	io_run(T.io);
	rest_destroy(T.rest);
	io_destroy(T.io);
	peer_stop(T.peer);
	assert_false(T.timed_out);
	for (int i = 0; i < T.count; i++)
		assert_int_equal(T.tries[i].times, 1);
}

static int fresh(void **state)
{
	(void)state;
	memset(&T, 0, sizeof(T));
	return 0;
}

static void test_a_call(void **state)
{
	(void)state;
	begin(NULL, false);
	call("PUT", "issue/1?x=%20", "1");
	end();
	assert_int_equal(T.tries[0].class, REST_OK);
	assert_non_null(strstr(T.seen, "PUT /base/rest/api/3/issue/1?x=%20 HTTP/1.1\r\n"));
	assert_non_null(strstr(T.seen, "Authorization: Basic dUBleGFtcGxlLmNvbTp0b3BzZWNyZXQ=\r\n"));
	assert_non_null(strstr(T.seen, "Accept: application/json\r\n"));
	assert_non_null(strstr(T.seen, "Content-Type: application/json\r\n"));
}

static void test_writes_to_one_issue_are_paced_alone(void **state)
{
	(void)state;
	begin(NULL, true);
	for (int i = 0; i < 22; i++)
		call("POST", "issue/1/comment", "1");
	call("POST", "issue/2/comment", "2");
	call("GET", "issue/1", "1");
	end();
	for (int i = 0; i < 24; i++)
		assert_int_equal(T.tries[i].class, REST_OK);
	assert_true(T.tries[19].at < 1500);
	assert_true(T.tries[20].at >= 1990);
	assert_true(T.tries[22].at < 1500);
	assert_true(T.tries[23].at < 1500);
}

static struct try *other;

static void after_slow_down(void)
{
	T.then = NULL;
	call("POST", "issue/1/comment", "1");
	other = call("POST", "issue/2/comment", "2");
	call("GET", "issue/1", "1");
}

static void test_slow_down_is_for_one_issue(void **state)
{
	(void)state;
	T.status[0] = 429;
	T.bad = "issue/1/comment";
	T.header = "Retry-After: 60\r\n";
	T.then = after_slow_down;
	begin(NULL, false);
	call("POST", "issue/1/comment", "1");
	io_timer_start(T.later, 200);
	end();
	assert_int_equal(T.tries[0].class, REST_RETRY);
	assert_int_equal(T.tries[0].wait, 60000);
	assert_int_equal(T.tries[1].class, REST_RETRY);
	assert_true(T.tries[1].wait > 55000);
	assert_int_equal(other->class, REST_OK);
	assert_int_equal(T.tries[3].class, REST_OK);
	assert_int_equal(T.requests, 3);
}

static void test_slow_down_is_for_all_when_jira_says_so(void **state)
{
	(void)state;
	T.status[0] = 429;
	T.bad = "issue/1/comment";
	T.header = "Retry-After: 60\r\nRateLimit-Reason: jira-burst-based\r\n";
	T.then = after_slow_down;
	begin(NULL, false);
	call("POST", "issue/1/comment", "1");
	io_timer_start(T.later, 200);
	end();
	assert_int_equal(other->class, REST_RETRY);
	assert_int_equal(T.requests, 1);
}

static void test_slow_down_at_a_read_is_for_all(void **state)
{
	(void)state;
	T.status[0] = 429;
	T.bad = "issue/1 ";
	T.header = "Retry-After: 60\r\n";
	T.then = after_slow_down;
	begin(NULL, false);
	call("GET", "issue/1", "1");
	io_timer_start(T.later, 200);
	end();
	assert_int_equal(other->class, REST_RETRY);
	assert_int_equal(T.requests, 1);
}

/* ---- the circuit ------------------------------------------------------------------------- */

static void when_it_is_back(void)
{
	T.then = NULL;
	for (int i = 0; i < 5; i++)
		call("GET", "issue/1", NULL);
}

static void while_it_is_down(void)
{
	T.then = when_it_is_back;
	for (int i = 0; i < 20; i++)
		call("GET", "issue/1", NULL);
	io_timer_start(T.later, 700);
}

static void test_one_finds_out_for_all(void **state)
{
	(void)state;
	T.status[0] = 503;
	T.then = while_it_is_down;
	begin(NULL, false);
	call("GET", "issue/1", NULL);
	io_timer_start(T.later, 100);
	end();
	for (int i = 0; i < 21; i++)
		assert_int_equal(T.tries[i].class, REST_RETRY);
	assert_true(T.tries[5].wait >= 100);
	assert_true(T.tries[20].at < 500); /* at once: nothing was asked */
	/* One as a probe; those that came with it are given back, too. */
	assert_int_equal(T.tries[21].class, REST_OK);
	assert_int_equal(T.tries[22].class, REST_RETRY);
	assert_int_equal(T.requests, 2);
}

static void test_a_token_that_is_refused_is_not_tried_again_at_once(void **state)
{
	(void)state;
	T.status[0] = 401;
	T.then = while_it_is_down;
	begin(NULL, false);
	call("POST", "issue", NULL);
	io_timer_start(T.later, 100);
	end();
	assert_int_equal(T.tries[0].class, REST_TOKEN);
	assert_int_equal(T.tries[0].wait, 60000);
	for (int i = 1; i < T.count; i++) {
		assert_int_equal(T.tries[i].class, REST_RETRY);
		assert_true(T.tries[i].wait > 50000);
	}
	assert_int_equal(T.requests, 1);
}

static void test_nobody_listens(void **state)
{
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer_free_port());
	begin(url, false);
	for (int i = 0; i < CALLS; i++)
		call("POST", "issue", NULL);
	end();
	for (int i = 0; i < CALLS; i++)
		assert_int_equal(T.tries[i].class, REST_RETRY);
}

static void when_it_stops(void)
{
	for (int i = 0; i < 30; i++)
		call("POST", "issue/1/comment", "1");
	io_stop(T.io);
}

static void test_the_stop_ends_all(void **state)
{
	(void)state;
	T.then = when_it_stops;
	begin(NULL, true);
	call("GET", "issue/1", NULL);
	io_timer_start(T.later, 50);
	end();
	assert_int_equal(T.left, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_answers_mean),
		cmocka_unit_test(test_the_words_of_a_refusal),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test_setup(test_a_call, fresh),
		cmocka_unit_test_setup(test_writes_to_one_issue_are_paced_alone, fresh),
		cmocka_unit_test_setup(test_slow_down_is_for_one_issue, fresh),
		cmocka_unit_test_setup(test_slow_down_is_for_all_when_jira_says_so, fresh),
		cmocka_unit_test_setup(test_slow_down_at_a_read_is_for_all, fresh),
		cmocka_unit_test_setup(test_one_finds_out_for_all, fresh),
		cmocka_unit_test_setup(test_a_token_that_is_refused_is_not_tried_again_at_once, fresh),
		cmocka_unit_test_setup(test_nobody_listens, fresh),
		cmocka_unit_test_setup(test_the_stop_ends_all, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
