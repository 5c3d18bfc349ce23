/* Getting through: servers that do not let us, and whether it is them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "adapters/websocket_private.h"
#include "tests/unit/support_websocket.h"

/* ---- not getting through ------------------------------------------------------------------ */

static void test_refused(void **state)
{
	(void)state;
	char url[64];
	snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", peer_free_port());
	ws_begin(NULL);
	ws_connect_url((struct websocket_options){ .connect_timeout_ms = 3000 }, url);
	ws_run();
	assert_int_equal(ws.code, WEBSOCKET_NO_CODE);
	assert_non_null(strstr(ws.reason, "connect"));
	ws_end();
}

static void test_no_such_name(void **state)
{
	(void)state;
	ws_begin(NULL);
	ws_connect_url((struct websocket_options){ .connect_timeout_ms = 5000 },
		"wss://nonexistent.invalid/x?secret");
	ws_run();
	assert_non_null(strstr(ws.reason, "nonexistent.invalid"));
	assert_null(strstr(ws.reason, "secret"));
	peer_sleep(0);
	ws_end();
}

static void test_slow_upgrade(void **state)
{
	(void)state;
	ws_begin(ws_serve_silence);
	int64_t before = io_now(ws.io);
	ws_connect((struct websocket_options){ .connect_timeout_ms = 300 });
	ws_run();
	assert_in_range(io_now(ws.io) - before, 290, 1200);
	assert_non_null(strstr(ws.reason, "in time"));
	ws_end();
}

static void serve_first_silence(struct peer *peer, int fd, int nth, void *ctx)
{
	if (nth == 0)
		ws_serve_silence(peer, fd, nth, ctx);
	else
		ws_serve_echo(peer, fd, nth, ctx);
}

/* A name with two addresses, of which the first swallows what it gets: the second has its half of the time. */
static void test_a_silent_address_leaves_time_for_the_next(void **state)
{
	(void)state;
	ws_begin(serve_first_silence);
	ws.at_open = ws_close_now;
	ws_connect((struct websocket_options){ .connect_timeout_ms = 4000 });
	assert_int_equal(ws.link->address_count, 1);
	ws.link->addresses[ws.link->address_count++] = ws.link->addresses[0];
	int64_t before = io_now(ws.io);
	ws_run();
	assert_int_equal(ws.opens, 1);
	assert_in_range(io_now(ws.io) - before, 1990, 3990);
	ws_end();
}

static void serve_close(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	char request[4096];
	peer_read_request(fd, request, sizeof(request));
}

static void test_closed_without_answer(void **state)
{
	(void)state;
	ws_begin(serve_close);
	ws_connect((struct websocket_options){ .connect_timeout_ms = 3000 });
	ws_run();
	ws_end();
}

static void serve_forbidden(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	char request[4096];
	peer_read_request(fd, request, sizeof(request));
	peer_print(fd, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
	peer_until_closed(fd);
}

static void test_forbidden(void **state)
{
	(void)state;
	ws_begin(serve_forbidden);
	ws_connect((struct websocket_options){ .connect_timeout_ms = 3000 });
	ws_run();
	ws_end();
}

static void serve_garbage(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	char request[4096];
	peer_read_request(fd, request, sizeof(request));
	peer_write(fd, "\xff\x00\x01 garbage \r\n\r\n\r\n", 17);
	peer_until_closed(fd);
}

static void test_garbage(void **state)
{
	(void)state;
	ws_begin(serve_garbage);
	ws_connect((struct websocket_options){ .connect_timeout_ms = 4000 });
	ws_run();
	ws_end();
}

static void serve_drip(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	char request[4096];
	peer_read_request(fd, request, sizeof(request));
	peer_print(fd, "HTTP/1.1 101 Switching Protocols\r\nX: ");
	while (peer_write(fd, "x", 1))
		peer_sleep(20);
}

static void test_drip(void **state)
{
	(void)state;
	ws_begin(serve_drip);
	ws_connect((struct websocket_options){ .connect_timeout_ms = 400 });
	ws_run();
	assert_non_null(strstr(ws.reason, "in time"));
	ws_end();
}

static void serve_no_tls(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	peer_print(fd, "I speak no TLS\r\n\r\n");
	peer_until_closed(fd);
}

static void test_no_tls(void **state)
{
	(void)state;
	ws_begin(serve_no_tls);
	ws_connect_url((struct websocket_options){ .connect_timeout_ms = 3000 },
		peer_url(ws.peer, "wss", "/"));
	ws_run();
	ws_end();
}

static void test_tls_silent(void **state)
{
	(void)state;
	ws_begin(ws_serve_silence);
	ws_connect_url((struct websocket_options){ .connect_timeout_ms = 300 },
		peer_url(ws.peer, "wss", "/"));
	ws_run();
	assert_non_null(strstr(ws.reason, "in time"));
	ws_end();
}

static void test_ca_file_missing(void **state)
{
	(void)state;
	ws_begin(ws_serve_silence);
	ws_connect_url((struct websocket_options){ .ca_file = "/nonexistent/ca.pem",
			       .connect_timeout_ms = 3000 },
		peer_url(ws.peer, "wss", "/"));
	ws_run();
	assert_non_null(strstr(ws.reason, "/nonexistent/ca.pem"));
	ws_end();
}

static void test_bad_urls(void **state)
{
	(void)state;
	static const char *const bad[] = { NULL, "", "nonsense", "http://127.0.0.1/", "ws://",
		"ws://:80/", "ws://user:secret@127.0.0.1/", "ws://127.0.0.1:99999/" };
	struct error err;
	ws_begin(NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct websocket_options options = { .url = bad[i] };
		if (websocket_open(ws.io, &options, &ws_events, &err))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(err.code, -EINVAL);
		assert_null(strstr(err.text, "secret"));
	}
	assert_true(io_destroy(ws.io));
	assert_int_equal(ws.closes, 0);
}

/* ---- TLS ---------------------------------------------------------------------------------- */

static void tls_try(const char *host, bool trusted)
{
	char url[64];
	ws_begin(NULL);
	ws.peer = peer_start_tls(ws_serve_echo, NULL);
	ws.at_open = ws_send_many;
	ws.at_message = ws_close_at_last;
	snprintf(url, sizeof(url), "wss://%s:%d/link?ticket=t", host, peer_port(ws.peer));
	ws_connect_url(
		(struct websocket_options){ .ca_file = trusted ? peer_ca_file(ws.peer) : NULL,
			.connect_timeout_ms = 5000 },
		url);
	ws_run();
	ws_end();
}

static void test_tls(void **state)
{
	(void)state;
	tls_try("localhost", true);
	assert_int_equal(ws.messages, WS_MANY);
	assert_string_equal(ws.reason, "closed by us");
}

/* A CA file of the company's does not make the rest of the world unknown. */
static void test_tls_ca_file_is_besides_the_systems(void **state)
{
	struct peer *company = peer_start_tls(ws_serve_echo, NULL);
	char url[64];

	(void)state;
	ws_begin(NULL);
	ws.peer = peer_start_tls(ws_serve_echo, NULL);
	ws.at_open = ws_send_many;
	ws.at_message = ws_close_at_last;
	snprintf(url, sizeof(url), "wss://localhost:%d/link", peer_port(ws.peer));
	setenv("SSL_CERT_FILE", peer_ca_file(ws.peer), 1);
	ws_connect_url((struct websocket_options){ .ca_file = peer_ca_file(company),
			       .connect_timeout_ms = 5000 },
		url);
	ws_run();
	unsetenv("SSL_CERT_FILE");
	ws_end();
	peer_stop(company);
	assert_int_equal(ws.messages, WS_MANY);
}

static void test_tls_for_another_name(void **state)
{
	(void)state;
	tls_try("127.0.0.1", true);
	assert_int_equal(ws.opens, 0);
	assert_string_equal(
		ws.reason, "the server's certificate is not trusted: IP address mismatch");
}

static void test_tls_untrusted(void **state)
{
	(void)state;
	tls_try("localhost", false);
	assert_int_equal(ws.opens, 0);
	assert_non_null(strstr(ws.reason, "the server's certificate is not trusted: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_such_name),
		cmocka_unit_test(test_slow_upgrade),
		cmocka_unit_test(test_a_silent_address_leaves_time_for_the_next),
		cmocka_unit_test(test_closed_without_answer),
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_drip),
		cmocka_unit_test(test_no_tls),
		cmocka_unit_test(test_tls_silent),
		cmocka_unit_test(test_ca_file_missing),
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_ca_file_is_besides_the_systems),
		cmocka_unit_test(test_tls_for_another_name),
		cmocka_unit_test(test_tls_untrusted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
