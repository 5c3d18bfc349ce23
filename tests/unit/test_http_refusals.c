/* What the HTTP server refuses: requests that are wrong, ambiguous or too large, and that no route is asked of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/http/room.h"
#include "tests/unit/support_http.h"
#include "tests/unit/support_peer.h"

static const struct {
	const char *request;
	int status;
	const char *has;
} bad[] = {
	{ "GET / HTTP/1.1\r\n" HOST "\r\n", 404, "There is nothing here.\n" },
	{ "GET /echo/ HTTP/1.1\r\n" HOST "\r\n", 404, "" },
	{ "GET /ech HTTP/1.1\r\n" HOST "\r\n", 404, "" },
	{ "GET //echo HTTP/1.1\r\n" HOST "\r\n", 404, "" },
	{ "GET /echo%00 HTTP/1.1\r\n" HOST "\r\n", 400, "NUL" },
	{ "DELETE /echo HTTP/1.1\r\n" HOST "\r\n", 405, "\r\nAllow: POST, GET, HEAD\r\n" },
	{ "HEAD /keep HTTP/1.1\r\n" HOST "\r\n", 405, "\r\nAllow: POST\r\n" },
	{ "post /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 405, "" },
	{ "POST /no HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nabcdef", 405, "\r\nAllow: GET, HEAD\r\n" },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /no",
		400, "exclude" },
	{ "POST /echo HTTP/1.1\r\n" HOST "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n", 400,
		"exclude" },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, "twice" },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, "twice" },
	{ "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, "chunked" },
	{ "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\nabc", 400, "chunked" },
	{ "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
		"chunked" },
	{ "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "HTTP/1.0" },
	{ "POST /echo HTTP/1.1\r\n" HOST HOST "Content-Length: 0\r\n\r\n", 400, "Host" },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 20001\r\n\r\nabc", 413, "too large" },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551615\r\n\r\nabc", 413, "too large" },
};

static void story_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		http_ask((int)i, bad[i].request);
}

static void test_bad(void **state)
{
	(void)state;
	http_prepare();
	http_play(story_bad);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		http_refusal_is((int)i, bad[i].status);
		http_heard_has((int)i, bad[i].has);
		/* One answer, and nothing of what came behind was taken for a request. */
		assert_null(strstr(http_stage.heard[i].text + 1, "HTTP/1.1"));
		/* The end is said at once, not when we are done throwing away. */
		assert_true(http_stage.heard[i].took_ms < LINGER_MS);
	}
	assert_int_equal(http_stage.calls, 0);
	http_finish();
}

/* These the library refuses, or closes on: no route is asked. */
static const char *const garbage[] = {
	"nonsense\r\n\r\n",
	"GET\r\n\r\n",
	"GET /echo\r\n\r\n",
	"GET /echo HTTP/9.9\r\n" HOST "\r\n",
	"GET /echo HTTP/1.1\r\n\r\n",
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
	"POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n",
	"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc",
	"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc",
	"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\nabc",
	"POST /echo HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n",
	"POST /echo HTTP/1.1\r\n" HOST "Content-Length : 3\r\n\r\nabc",
	"POST /echo HTTP/1.1\r\n" HOST "no colon\r\nContent-Length: 0\r\n\r\n",
	"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
	"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
	"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n",
};

static void story_garbage(void)
{
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
		http_ask((int)i, garbage[i]);
}

static void test_garbage(void **state)
{
	(void)state;
	http_prepare();
	http_stage.config.http.deadline_ms = HTTP_SHORT_MS;
	http_play(story_garbage);
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		if (strstr(http_stage.heard[i].text, "HTTP/1.1 2"))
			fail_msg("garbage %zu was answered\n%s", i, http_stage.heard[i].text);
		assert_true(http_stage.heard[i].ended);
	}
	assert_int_equal(http_stage.calls, 0);
	http_finish();
}

static void story_large_head(void)
{
	static char request[40000];
	int n = snprintf(request, sizeof(request), "GET /echo HTTP/1.1\r\n" HOST);

	while (n < 30000)
		n += snprintf(request + n, sizeof(request) - (size_t)n, "X-Filler-%d: abcdefghijklmnopqrstuvwxyz\r\n", n);
	snprintf(request + n, sizeof(request) - (size_t)n, "\r\n");
	http_ask(0, request);
}

static void test_large_head(void **state)
{
	(void)state;
	http_prepare();
	http_play(story_large_head);
	assert_true(http_stage.heard[0].ended);
	assert_null(strstr(http_stage.heard[0].text, " 200 "));
	assert_int_equal(http_stage.calls, 0);
	http_finish();
}

/* The peer goes on sending after the refusal, and still gets to read it. */
static void story_too_large_while_it_streams(void)
{
	static char block[1000];
	int fd = http_dial();

	memset(block, 'a', sizeof(block));
	peer_print(fd, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 200; i++) {
		if (!peer_print(fd, "3e8\r\n") || !peer_write(fd, block, sizeof(block)) || !peer_print(fd, "\r\n"))
			break;
		if (i % 20 == 0)
			peer_sleep(5);
	}
	peer_print(fd, "0\r\n\r\n");
	http_hear_all(fd, 0);
	close(fd);
	/* As long as is allowed. */
	fd = http_dial();
	peer_print(fd, "POST /echo HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: 20000\r\n\r\n");
	for (int i = 0; i < 20; i++)
		peer_write(fd, block, sizeof(block));
	http_hear_all(fd, 1);
	close(fd);
}

static void test_too_large_while_it_streams(void **state)
{
	(void)state;
	http_prepare();
	http_play(story_too_large_while_it_streams);
	http_refusal_is(0, 413);
	http_heard_is(1, 200);
	assert_int_equal(http_stage.calls, 1);
	assert_int_equal(http_stage.body_len, 20000);
	http_finish();
}

/* Announced as too large and sent nevertheless: answered at once, and the answer is not lost to the bytes on the way. */
static void story_too_large_announced(void)
{
	static char block[1000];
	int fd = http_dial();

	peer_print(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 200000\r\n\r\n");
	for (int i = 0; i < 200 && peer_write(fd, block, sizeof(block)); i++)
		if (i % 20 == 0)
			peer_sleep(5);
	http_hear_all(fd, 0);
	close(fd);
}

static void test_too_large_announced(void **state)
{
	(void)state;
	http_prepare();
	http_play(story_too_large_announced);
	http_refusal_is(0, 413);
	assert_int_equal(http_stage.calls, 0);
	http_finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_large_head),
		cmocka_unit_test(test_too_large_while_it_streams),
		cmocka_unit_test(test_too_large_announced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
