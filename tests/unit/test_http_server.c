/* The HTTP server as it is meant to be used: requests and their answers, its beginning and its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/support_http.h"
#include "tests/unit/support_peer.h"

/* ---- what works --------------------------------------------------------------------------- */

static void story_keep_alive(void)
{
	int fd = http_dial();

	for (int i = 0; i < 3; i++) {
		peer_print(fd, "POST /echo?name=a%%20b+c&flag&x=1 HTTP/1.1\r\n" HOST
			"X-Hook-Identifier: %d\r\nContent-Length: 4\r\n\r\nab%dd", i, i);
		http_hear_one(fd, i);
	}
	close(fd);
}

static void test_keep_alive(void **state)
{
	(void)state;
	http_prepare();
	http_play(story_keep_alive);
	for (int i = 0; i < 3; i++) {
		assert_true(http_stage.heard[i].ended);
		http_heard_is(i, 200);
		http_heard_has(i, "\r\nContent-Type: application/json\r\n");
		http_heard_has(i, "\r\nX-Content-Type-Options: nosniff\r\n");
		http_heard_has(i, "\r\nCache-Control: no-store\r\n");
		http_heard_has(i, "\r\nX-More: yes\r\n");
		assert_null(strstr(http_stage.heard[i].text, "Set-Cookie"));
		assert_null(strcasestr(http_stage.heard[i].text, "Connection: close"));
		http_heard_has(i, "\r\n\r\n{\"ok\":true}");
	}
	assert_int_equal(http_stage.calls, 3);
	assert_string_equal(http_stage.body, "ab2d");
	assert_string_equal(http_stage.header, "2");
	assert_string_equal(http_stage.absent, "(null)");
	assert_string_equal(http_stage.peer, "127.0.0.1");
	http_finish();
}

static void story_pipeline(void)
{
	int fd = http_dial();

	peer_print(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\none"
		"POST /keep HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"
		"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nth\r\n3\r\nree\r\n0\r\n\r\n"
		"GET /no HTTP/1.1\r\n" HOST "\r\n");
	for (int i = 0; i < 3; i++)
		http_hear_one(fd, i);
	http_hear_all(fd, 3);
	close(fd);
}

static void test_pipeline(void **state)
{
	(void)state;
	http_prepare();
	http_stage.later_ms = 100;
	http_play(story_pipeline);
	http_heard_is(0, 200);
	http_heard_is(1, 202);
	http_heard_is(2, 200);
	http_refusal_is(3, 401);
	assert_int_equal(http_stage.calls, 2);
	assert_string_equal(http_stage.body, "three");
	http_finish();
}

static void story_pieces(void)
{
	static const char head[] = "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 40\r\nConnection: close\r\n\r\n";
	int fd = http_dial();

	for (size_t i = 0; i < sizeof(head) - 1; i++)
		peer_write(fd, head + i, 1);
	for (int i = 0; i < 40; i++) {
		peer_write(fd, i == 20 ? "\0" : "x", 1);
		peer_sleep(2);
	}
	http_hear_all(fd, 0);
	close(fd);
}

static void test_pieces(void **state)
{
	(void)state;
	http_prepare();
	http_play(story_pieces);
	http_heard_is(0, 200);
	assert_true(http_stage.heard[0].ended);
	assert_int_equal(http_stage.body_len, 40);
	assert_memory_equal(http_stage.body, "xxxxxxxxxxxxxxxxxxxx\0xxxxxxxxxxxxxxxxxxx", 40);
	http_finish();
}

static void story_head(void)
{
	int fd = http_dial();

	peer_print(fd, "HEAD /echo HTTP/1.1\r\n" HOST "\r\n");
	peer_sleep(100);
	ssize_t n = recv(fd, http_stage.heard[0].text, sizeof(http_stage.heard[0].text) - 1, 0);
	http_stage.heard[0].text[n > 0 ? n : 0] = '\0';
	peer_print(fd, "PUT /nothing HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	http_hear_one(fd, 1);
	close(fd);
	http_ask(2, "HEAD /nowhere HTTP/1.1\r\n" HOST "\r\n");
	http_ask(3, "GET /echo HTTP/1.0\r\n\r\n");
}

static void test_head(void **state)
{
	(void)state;
	http_prepare();
	http_play(story_head);
	http_heard_is(0, 200);
	http_heard_has(0, "\r\nContent-Length: 11\r\n");
	assert_null(strstr(http_stage.heard[0].text, "{\"ok\""));
	http_heard_is(1, 204);
	http_refusal_is(2, 404);
	assert_string_equal(strstr(http_stage.heard[2].text, "\r\n\r\n"), "\r\n\r\n");
	assert_true(http_stage.heard[3].ended);
	assert_non_null(strstr(http_stage.heard[3].text, " 200 OK\r\n"));
	http_finish();
}

static void story_expect(void)
{
	int fd = http_dial();

	peer_print(fd, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	http_hear_one(fd, 0);
	peer_print(fd, "hi");
	http_hear_one(fd, 1);
	close(fd);
	http_ask(2, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 20001\r\n\r\n");
}

static void test_expect(void **state)
{
	(void)state;
	http_prepare();
	http_play(story_expect);
	http_heard_is(0, 100);
	http_heard_is(1, 200);
	http_refusal_is(2, 413);
	assert_string_equal(http_stage.body, "hi");
	http_finish();
}

/* ---- the end ------------------------------------------------------------------------------ */

static int pending[4];

static void story_pending(void)
{
	pending[0] = http_dial();
	peer_print(pending[0], "POST /keep HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	pending[1] = http_dial();
	peer_print(pending[1], "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nhalf");
	pending[2] = http_dial();
	pending[3] = http_dial();
	peer_print(pending[3], "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	http_hear_one(pending[3], 5);
	while (!http_stage.arrived)
		peer_sleep(1);
	peer_sleep(100);
}

static void test_stop(void **state)
{
	(void)state;
	http_prepare();
	http_stage.later_ms = -1;
	http_play(story_pending);
	for (int i = 0; i < 4; i++) {
		http_hear_all(pending[i], i);
		close(pending[i]);
	}
	http_refusal_is(0, 503);
	http_heard_has(0, "try again");
	http_refusal_is(1, 503);
	assert_string_equal(http_stage.heard[2].text, "");
	assert_string_equal(http_stage.heard[3].text, "");
	for (int i = 0; i < 4; i++)
		assert_true(http_stage.heard[i].ended);
	/* Nobody listens any more. */
	assert_int_equal(http_dial(), -1);
	/* The route answers after all, and asks what is gone: nothing happens. */
	size_t n;
	assert_int_equal(http_stage.kept_count, 1);
	assert_null(http_request_header(http_stage.kept[0], "Host"));
	assert_non_null(http_request_body(http_stage.kept[0], &n));
	assert_string_equal(http_request_peer(http_stage.kept[0]), "");
	http_answer_header(http_stage.kept[0], "X-Late", "yes");
	http_answer(http_stage.kept[0], 200, NULL, "too late");
	http_finish();
}

static void test_stop_with_routes_that_never_answer(void **state)
{
	(void)state;
	http_prepare();
	http_stage.later_ms = -1;
	http_play(story_pending);
	for (int i = 0; i < 4; i++)
		close(pending[i]);
	assert_int_equal(http_stage.kept_count, 1);
	http_finish(); /* takes the request along: address sanitizer would tell */
}

static void story_nothing(void)
{
}

static void test_port_in_use(void **state)
{
	struct error err = { 0 };
	char listen[32];

	(void)state;
	http_prepare();
	http_open();
	snprintf(listen, sizeof(listen), "127.0.0.1:%d", http_server_port(http_stage.server));
	http_stage.config.http.listen = listen;
	struct http_server *second = http_server_create(&http_stage.config, &http_stage.host);
	struct adapter *a = http_server_adapter(second);
	assert_int_equal(adapter_start(a, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, listen));
	assert_non_null(strstr(err.text, "another program has this port"));
	a->destroy(a);
	/* An address that is not this machine's. */
	http_stage.config.http.listen = "192.0.2.1:80";
	second = http_server_create(&http_stage.config, &http_stage.host);
	a = http_server_adapter(second);
	assert_int_equal(adapter_start(a, &err), -EADDRNOTAVAIL);
	a->destroy(a);
	http_stage.config.http.listen = NULL;
	assert_null(http_server_create(&http_stage.config, &http_stage.host));
	http_play(story_nothing);
	http_finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_expect),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_with_routes_that_never_answer),
		cmocka_unit_test(test_port_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
