#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>

#include "adapters/http_client.h"
#include "adapters/io.h"
#include "tests/unit/support_peer.h"

/* One call to a peer that tells one story; the loop ends with the last expected answer. */
struct fixture {
	struct io *io;
	struct peer *peer;
	int left, calls;
	struct io_timer *timer;
	struct http_call *to_cancel;
};

static struct fixture F;
static char seen[65536]; /* the request, as the peer saw it; read after peer_stop */

static void on_done(struct http_call *call)
{
	(void)call;
	F.calls++;
	if (--F.left == 0)
		io_stop(F.io);
}

static void begin(void (*serve)(struct peer *, int, int, void *))
{
	memset(&F, 0, sizeof(F));
	seen[0] = '\0';
	F.io = io_create(NULL);
	assert_non_null(F.io);
	if (serve)
		F.peer = peer_start(serve, NULL);
}

static void end(void)
{
	if (F.peer)
		peer_stop(F.peer);
	assert_true(io_destroy(F.io));
}

static void start(struct http_call *call)
{
	struct error err = { 0 };
	call->on_done = on_done;
	F.left++;
	if (http_start(F.io, call, &err))
		fail_msg("http_start: %s", err.text);
}

/* Runs one call to its end and checks that on_done ran once. */
static void run_one(struct http_call *call)
{
	start(call);
	io_run(F.io);
	assert_int_equal(F.calls, 1);
}

/* ---- stories ---------------------------------------------------------------------------- */

static void serve_ok(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)ctx;
	char request[4096];
	while (peer_read_request(fd, request, sizeof(request))) {
		if (nth == 0)
			snprintf(seen, sizeof(seen), "%s", request);
		peer_print(fd, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-OAuth-Scopes: "
			       "chat:write,pins:write\r\n"
			       "Retry-After: 7\r\n\r\n{\"ok\":true}");
	}
}

static void test_post(void **state)
{
	(void)state;
	begin(serve_ok);
	struct http_call call = { .url = peer_url(F.peer, "http", "/api/x?y=1"),
		.bearer = "xoxb-1",
		.content_type = "application/json",
		.body = "{\"a\":1}",
		.body_len = 7,
		.headers = { { "X-More", "yes" }, { "X-Empty", "" } } };
	char scopes[64];
	run_one(&call);
	assert_int_equal(call.result, HTTP_ANSWERED);
	assert_int_equal(call.error, 0);
	assert_int_equal(call.status, 200);
	assert_string_equal(call.response.p, "{\"ok\":true}");
	assert_int_equal(call.retry_after_ms, 7000);
	assert_true(http_call_header(&call, "x-oauth-scopes", scopes, sizeof(scopes)));
	assert_string_equal(scopes, "chat:write,pins:write");
	assert_false(http_call_header(&call, "x-oauth", scopes, sizeof(scopes)));
	assert_true(http_call_header(&call, "X-OAuth-Scopes", scopes, 5));
	assert_string_equal(scopes, "chat");
	end();
	assert_non_null(strstr(seen, "POST /api/x?y=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(seen, "\r\nAuthorization: Bearer xoxb-1\r\n"));
	assert_non_null(strstr(seen, "\r\nX-More: yes\r\n"));
	assert_non_null(strstr(seen, "\r\nX-Empty:\r\n"));
	assert_non_null(strstr(seen, "\r\n\r\n{\"a\":1}"));
	assert_null(strcasestr(seen, "\r\nExpect"));
	http_call_finish(&call);
}

static void serve_date(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	peer_read_request(fd, seen, sizeof(seen));
	peer_print(fd, "HTTP/1.1 103 Early Hints\r\nX-Early: 3\r\n\r\n"
		       "HTTP/1.1 429 Slow down\r\nContent-Length: 0\r\n"
		       "Date: Sun, 06 Nov 1994 08:49:30 GMT\r\nRetry-After: Sun, 06 Nov 1994 "
		       "08:49:37 GMT\r\n\r\n");
}

static void serve_a_day(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	peer_read_request(fd, seen, sizeof(seen));
	peer_print(fd, "HTTP/1.1 429 Slow down\r\nContent-Length: 0\r\nRetry-After: 86400\r\n\r\n");
}

/* Nobody outside keeps us quiet for a day. */
static void test_retry_after_is_an_hour_at_most(void **state)
{
	(void)state;
	begin(serve_a_day);
	struct http_call call = { .url = peer_url(F.peer, "http", "/") };
	run_one(&call);
	assert_int_equal(call.retry_after_ms, 3600000);
	http_call_finish(&call);
	end();
}

static void test_retry_after_date(void **state)
{
	(void)state;
	begin(serve_date);
	struct http_call call = { .url = peer_url(F.peer, "http", "/") };
	run_one(&call);
	char early[8];
	assert_int_equal(call.status, 429);
	assert_false(http_call_header(&call, "X-Early", early, sizeof(early)));
	assert_int_equal(call.retry_after_ms, 7000);
	assert_string_equal(call.response.p, "");
	end();
	http_call_finish(&call);
}

static void serve_upload(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	static char request[3 << 20];
	if (peer_read_request(fd, request, sizeof(request)))
		peer_print(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void test_large_body_does_not_wait_to_be_asked_for(void **state)
{
	(void)state;
	static char body[2 << 20];
	begin(serve_upload);
	memset(body, 'u', sizeof(body));
	struct http_call call = { .url = peer_url(F.peer, "http", "/"),
		.body = body,
		.body_len = sizeof(body),
		.total_timeout_ms = 900 };
	run_one(&call);
	assert_int_equal(call.result, HTTP_ANSWERED);
	assert_int_equal(call.status, 200);
	end();
	http_call_finish(&call);
}

static void serve_redirect(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)nth, (void)ctx;
	char request[4096];
	while (peer_read_request(fd, request, sizeof(request))) {
		strcat(seen, request);
		peer_print(fd,
			"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/else\r\n"
			"Content-Length: 0\r\nRetry-After: later\r\n\r\n",
			peer_port(peer));
	}
}

static void test_redirect_is_not_followed(void **state)
{
	(void)state;
	begin(serve_redirect);
	struct http_call call = {
		.url = peer_url(F.peer, "http", "/"), .body = "x", .body_len = 1
	};
	run_one(&call);
	assert_int_equal(call.status, 302);
	assert_int_equal(call.retry_after_ms, 0);
	assert_int_equal(peer_connections(F.peer), 1);
	end();
	assert_null(strstr(seen, "/else"));
	http_call_finish(&call);
}

static void test_refused(void **state)
{
	(void)state;
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer_free_port());
	begin(NULL);
	struct http_call call = { .url = url, .body = "x", .body_len = 1 };
	run_one(&call);
	assert_int_equal(call.result, HTTP_NOT_SENT);
	assert_int_equal(call.error, -ECONNREFUSED);
	assert_int_equal(call.status, 0);
	assert_true(call.error_text[0]);
	assert_non_null(call.response.p);
	end();
	http_call_finish(&call);
}

static void test_no_such_name(void **state)
{
	(void)state;
	begin(NULL);
	struct http_call call = { .url = "http://nonexistent.invalid/", .total_timeout_ms = 8000 };
	run_one(&call);
	assert_int_equal(call.result, HTTP_NOT_SENT);
	/* A machine without any name service may only notice by the clock. */
	assert_true(call.error == -ENOENT || call.error == -ETIMEDOUT);
	end();
	http_call_finish(&call);
}

static void serve_close(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	peer_read_request(fd, seen, sizeof(seen));
}

static void test_closed_without_answer(void **state)
{
	(void)state;
	begin(serve_close);
	struct http_call call = {
		.url = peer_url(F.peer, "http", "/"), .body = "x", .body_len = 1
	};
	run_one(&call);
	assert_int_equal(call.result, HTTP_UNKNOWN);
	assert_int_equal(call.error, -ECONNRESET);
	end();
	http_call_finish(&call);
}

/* The classic: the connection is kept, the next request goes out on it, and the server closes it
 * without a word. Was it done? curl would simply send it again. */
static atomic_int second_posts;
static void serve_once_then_close(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	char request[4096];
	if (!peer_read_request(fd, request, sizeof(request)))
		return;
	if (strstr(request, "/second"))
		second_posts++;
	peer_print(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	if (peer_read_request(fd, request, sizeof(request)) && strstr(request, "/second"))
		second_posts++;
}

static struct http_call second_call;
static char second_url[128];
static void on_first_done(struct http_call *call)
{
	assert_int_equal(call->result, HTTP_ANSWERED);
	second_call = (struct http_call){ .url = second_url, .body = "post me", .body_len = 7 };
	start(&second_call);
	F.left--;
}

static void test_post_is_never_sent_twice(void **state)
{
	(void)state;
	second_posts = 0;
	begin(serve_once_then_close);
	snprintf(second_url, sizeof(second_url), "%s", peer_url(F.peer, "http", "/second"));
	struct http_call call = {
		.url = peer_url(F.peer, "http", "/first"), .body = "x", .body_len = 1
	};
	call.on_done = on_first_done;
	F.left = 1;
	assert_int_equal(http_start(F.io, &call, NULL), 0);
	io_run(F.io);
	assert_int_equal(second_call.result, HTTP_UNKNOWN);
	assert_int_equal(second_call.error, -ECONNRESET);
	end();
	assert_int_equal(second_posts, 1);
	http_call_finish(&call);
	http_call_finish(&second_call);
}

static void serve_silence(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	peer_until_closed(fd);
}

static void test_no_answer_in_time(void **state)
{
	(void)state;
	begin(serve_silence);
	struct http_call call = { .url = peer_url(F.peer, "http", "/"), .total_timeout_ms = 150 };
	run_one(&call);
	assert_int_equal(call.result, HTTP_UNKNOWN);
	assert_int_equal(call.error, -ETIMEDOUT);
	end();
	http_call_finish(&call);
}

static void test_tls_that_never_answers_was_not_sent(void **state)
{
	(void)state;
	begin(serve_silence);
	struct http_call call = { .url = peer_url(F.peer, "https", "/"),
		.connect_timeout_ms = 200,
		.body = "x",
		.body_len = 1 };
	run_one(&call);
	assert_int_equal(call.result, HTTP_NOT_SENT);
	assert_int_equal(call.error, -ETIMEDOUT);
	end();
	http_call_finish(&call);
}

static void tls_try(struct http_call *call, const char *host, bool trusted)
{
	static char url[64];
	begin(NULL);
	F.peer = peer_start_tls(serve_ok, NULL);
	snprintf(url, sizeof(url), "https://%s:%d/", host, peer_port(F.peer));
	*call = (struct http_call){ .url = url,
		.ca_file = trusted ? peer_ca_file(F.peer) : NULL,
		.bearer = "xoxb-secret",
		.body = "x",
		.body_len = 1 };
	run_one(call);
	end();
}

static void test_tls(void **state)
{
	(void)state;
	struct http_call call;
	tls_try(&call, "localhost", true);
	assert_int_equal(call.result, HTTP_ANSWERED);
	assert_string_equal(call.response.p, "{\"ok\":true}");
	http_call_finish(&call);
}

/* A CA file of the company's does not make the rest of the world unknown. */
static void test_tls_ca_file_is_besides_the_systems(void **state)
{
	(void)state;
	char url[64];
	struct peer *company = peer_start_tls(serve_ok, NULL);
	begin(NULL);
	F.peer = peer_start_tls(serve_ok, NULL);
	snprintf(url, sizeof(url), "https://localhost:%d/", peer_port(F.peer));
	setenv("SSL_CERT_FILE", peer_ca_file(F.peer), 1);
	struct http_call call = { .url = url, .ca_file = peer_ca_file(company) };
	run_one(&call);
	unsetenv("SSL_CERT_FILE");
	assert_int_equal(call.result, HTTP_ANSWERED);
	end();
	peer_stop(company);
	http_call_finish(&call);
}

static void test_tls_not_trusted_gets_no_token(void **state)
{
	(void)state;
	struct http_call call;
	for (int other_name = 0; other_name < 2; other_name++) {
		tls_try(&call, other_name ? "127.0.0.1" : "localhost", other_name);
		assert_int_equal(call.result, HTTP_NOT_SENT);
		assert_int_equal(call.error, -EPROTO);
		assert_string_equal(seen, "");
		http_call_finish(&call);
	}
}

static void serve_plain_on_tls(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	peer_print(fd, "I speak no TLS\r\n\r\n");
	peer_until_closed(fd);
}

static void test_no_tls(void **state)
{
	(void)state;
	begin(serve_plain_on_tls);
	struct http_call call = { .url = peer_url(F.peer, "https", "/") };
	run_one(&call);
	assert_int_equal(call.result, HTTP_NOT_SENT);
	assert_int_equal(call.error, -EPROTO);
	end();
	http_call_finish(&call);
}

static void serve_drip(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	peer_read_request(fd, seen, sizeof(seen));
	peer_print(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
	while (peer_write(fd, "x", 1))
		peer_sleep(20);
}

static void test_drip(void **state)
{
	(void)state;
	begin(serve_drip);
	struct http_call call = { .url = peer_url(F.peer, "http", "/"), .total_timeout_ms = 300 };
	run_one(&call);
	assert_int_equal(call.result, HTTP_UNKNOWN);
	assert_int_equal(call.error, -ETIMEDOUT);
	assert_int_equal(call.status, 200);
	end();
	http_call_finish(&call);
}

static void serve_large(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	char block[1024];
	memset(block, 'a', sizeof(block));
	peer_read_request(fd, seen, sizeof(seen));
	peer_print(fd, "HTTP/1.1 200 OK\r\n\r\n");
	while (peer_write(fd, block, sizeof(block)))
		;
}

static void test_too_large(void **state)
{
	(void)state;
	begin(serve_large);
	struct http_call call = { .url = peer_url(F.peer, "http", "/"), .response_max = 5000 };
	run_one(&call);
	assert_int_equal(call.result, HTTP_UNKNOWN);
	assert_int_equal(call.error, -EMSGSIZE);
	assert_int_equal(call.response.len, 5000);
	assert_non_null(strstr(call.error_text, "5000"));
	end();
	http_call_finish(&call);
}

static void serve_half(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	peer_read_request(fd, seen, sizeof(seen));
	peer_print(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
}

static void test_incomplete(void **state)
{
	(void)state;
	begin(serve_half);
	struct http_call call = { .url = peer_url(F.peer, "http", "/") };
	run_one(&call);
	assert_int_equal(call.result, HTTP_UNKNOWN);
	assert_int_equal(call.error, -ECONNRESET);
	end();
	http_call_finish(&call);
}

static void serve_garbage(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	peer_read_request(fd, seen, sizeof(seen));
	peer_write(fd, "\x00\xff\xfe garbage\n\n\n", 14);
}

static void test_garbage(void **state)
{
	(void)state;
	begin(serve_garbage);
	struct http_call call = { .url = peer_url(F.peer, "http", "/") };
	run_one(&call);
	assert_int_equal(call.result, HTTP_UNKNOWN);
	assert_int_equal(call.error, -EPROTO);
	end();
	http_call_finish(&call);
}

/* ---- cancelling and stopping ------------------------------------------------------------ */

static void cancel_now(void *ctx)
{
	(void)ctx;
	http_cancel(F.to_cancel);
	assert_int_equal(F.calls, 0); /* never from inside */
	http_cancel(F.to_cancel);
	io_timer_destroy(F.timer);
}

static void test_cancelled(void **state)
{
	(void)state;
	begin(serve_silence);
	struct http_call call = {
		.url = peer_url(F.peer, "http", "/"), .body = "x", .body_len = 1
	};
	F.to_cancel = &call;
	F.timer = io_timer_create(F.io, cancel_now, NULL);
	io_timer_start(F.timer, 100);
	run_one(&call);
	assert_int_equal(call.error, -ECANCELED);
	assert_int_equal(call.result, HTTP_UNKNOWN);
	end();
	http_call_finish(&call);
}

static void test_cancelled_before_anything(void **state)
{
	(void)state;
	begin(serve_silence);
	struct http_call call = { .url = peer_url(F.peer, "http", "/") };
	start(&call);
	http_cancel(&call);
	io_run(F.io);
	assert_int_equal(F.calls, 1);
	assert_int_equal(call.error, -ECANCELED);
	assert_int_equal(call.result, HTTP_NOT_SENT);
	end();
	http_call_finish(&call);
}

static void stop_now(void *ctx)
{
	(void)ctx;
	io_stop(F.io);
	io_timer_destroy(F.timer);
}

static void test_stopping_ends_every_call(void **state)
{
	(void)state;
	enum { N = 20 };
	static struct http_call calls[N];
	memset(calls, 0, sizeof(calls));
	begin(serve_silence);
	char url[128];
	snprintf(url, sizeof(url), "%s", peer_url(F.peer, "http", "/"));
	for (int i = 0; i < N; i++) {
		calls[i].url = url;
		start(&calls[i]);
	}
	F.timer = io_timer_create(F.io, stop_now, NULL);
	io_timer_start(F.timer, 100);
	io_run(F.io);
	assert_int_equal(F.calls, N);
	int unsent = 0;
	for (int i = 0; i < N; i++) {
		assert_int_equal(calls[i].error, -ECANCELED);
		unsent += calls[i].result == HTTP_NOT_SENT;
	}
	/* The others were still waiting for a connection. */
	assert_int_equal(unsent, N - HTTP_CONNECTIONS_PER_HOST);
	assert_int_equal(peer_connections(F.peer), HTTP_CONNECTIONS_PER_HOST);
	struct error err;
	struct http_call late = { .url = url, .on_done = on_done };
	assert_int_equal(http_start(F.io, &late, &err), -ESHUTDOWN);
	end();
	for (int i = 0; i < N; i++)
		http_call_finish(&calls[i]);
}

static void test_many_use_few_connections(void **state)
{
	(void)state;
	enum { N = 40 };
	static struct http_call calls[N];
	memset(calls, 0, sizeof(calls));
	begin(serve_ok);
	char url[128];
	snprintf(url, sizeof(url), "%s", peer_url(F.peer, "http", "/"));
	for (int i = 0; i < N; i++) {
		calls[i].url = url;
		start(&calls[i]);
	}
	io_run(F.io);
	assert_int_equal(F.calls, N);
	for (int i = 0; i < N; i++) {
		assert_int_equal(calls[i].status, 200);
		http_call_finish(&calls[i]);
	}
	assert_in_range(peer_connections(F.peer), 1, HTTP_CONNECTIONS_PER_HOST);
	end();
}

static void test_start_fails(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "nonsense", "ftp://127.0.0.1/", "file:///etc/passwd",
		"http://user:secret@127.0.0.1/", "http://", "http://127.0.0.1:99999/" };
	begin(NULL);
	struct error err;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct http_call call = { .url = bad[i], .on_done = on_done };
		assert_int_equal(http_start(F.io, &call, &err), -EINVAL);
		assert_null(strstr(err.text, "secret"));
	}
	struct http_call call = {
		.url = "http://127.0.0.1/", .bearer = "a\r\nX: y", .on_done = on_done
	};
	assert_int_equal(http_start(F.io, &call, &err), -EINVAL);
	assert_null(strstr(err.text, "X: y"));
	io_stop(F.io);
	io_run(F.io);
	assert_int_equal(F.calls, 0);
	end();
}

int main(void)
{
	/* A proxy of the surroundings must not get into loopback's way. */
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_retry_after_date),
		cmocka_unit_test(test_retry_after_is_an_hour_at_most),
		cmocka_unit_test(test_large_body_does_not_wait_to_be_asked_for),
		cmocka_unit_test(test_redirect_is_not_followed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_such_name),
		cmocka_unit_test(test_closed_without_answer),
		cmocka_unit_test(test_post_is_never_sent_twice),
		cmocka_unit_test(test_no_answer_in_time),
		cmocka_unit_test(test_tls_that_never_answers_was_not_sent),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_ca_file_is_besides_the_systems),
		cmocka_unit_test(test_tls_not_trusted_gets_no_token),
		cmocka_unit_test(test_no_tls),
		cmocka_unit_test(test_drip),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_cancelled_before_anything),
		cmocka_unit_test(test_stopping_ends_every_call),
		cmocka_unit_test(test_many_use_few_connections),
		cmocka_unit_test(test_start_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
