#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>

#include "adapters/io.h"
#include "adapters/websocket.h"
#include "tests/unit/support_peer.h"

/* One websocket to a peer that tells one story; the loop ends with on_close. */
struct fixture {
	struct io *io;
	struct peer *peer;
	struct websocket *ws;
	int opens, messages, bad, pongs, closes, code;
	bool opened;
	char reason[256], last[256], why[256];
	size_t last_len, bytes;
	bool last_binary;
	void (*at_open)(void);
	void (*at_message)(void);
	struct io_timer *timer;
};

static struct fixture F;
static atomic_int peer_saw;    /* what the peer counts */
static int enough_pongs;       /* then it is closed; 0: never */
static char peer_text[300000]; /* last text frame the peer got; read after end() */
static size_t peer_text_len;
static int peer_code; /* of the close frame it got */

static void on_open(void *ctx)
{
	(void)ctx;
	F.opens++;
	assert_true(websocket_is_open(F.ws));
	if (F.at_open)
		F.at_open();
}

static void on_message(void *ctx, const char *p, size_t n, bool binary)
{
	(void)ctx;
	assert_int_equal(F.closes, 0);
	assert_int_equal(p[n], '\0');
	F.messages++;
	F.bytes += n;
	F.last_len = n;
	F.last_binary = binary;
	snprintf(F.last, sizeof(F.last), "%s", p);
	if (F.at_message)
		F.at_message();
}

static void on_bad_message(void *ctx, const char *why)
{
	(void)ctx;
	F.bad++;
	snprintf(F.why, sizeof(F.why), "%s", why);
}

static void on_pong(void *ctx, int64_t round_trip_ms)
{
	(void)ctx;
	assert_in_range(round_trip_ms, 0, 5000);
	if (++F.pongs == enough_pongs)
		websocket_close(F.ws, 1000);
}

static void on_close(void *ctx, int code, const char *reason, bool opened)
{
	(void)ctx;
	F.closes++;
	F.code = code;
	F.opened = opened;
	snprintf(F.reason, sizeof(F.reason), "%s", reason);
	F.ws = NULL;
	io_stop(F.io);
}

static const struct websocket_events events = { on_open, on_message, on_bad_message, on_pong,
	on_close, NULL };

static void begin(void (*serve)(struct peer *, int, int, void *))
{
	memset(&F, 0, sizeof(F));
	peer_saw = 0;
	peer_code = 0;
	peer_text_len = 0;
	F.io = io_create(NULL);
	assert_non_null(F.io);
	if (serve)
		F.peer = peer_start(serve, NULL);
}

static void connect_with(struct websocket_options options, const char *url)
{
	struct error err = { 0 };
	options.url = url;
	F.ws = websocket_open(F.io, &options, &events, &err);
	if (!F.ws)
		fail_msg("websocket_open: %s", err.text);
	assert_int_equal(F.closes, 0);
}

static void connect_peer(struct websocket_options options)
{
	connect_with(options, peer_url(F.peer, "ws", "/link?ticket=t"));
}

/* Runs to the end; on_close came once, and nothing after it. */
static void run(void)
{
	io_run(F.io);
	assert_int_equal(F.closes, 1);
	assert_true(F.reason[0]);
	assert_int_equal(F.opened, F.opens == 1);
}

static void end(void)
{
	if (F.peer)
		peer_stop(F.peer);
	assert_true(io_destroy(F.io));
	assert_int_equal(F.closes, 1);
}

static void close_now(void)
{
	websocket_close(F.ws, 1000);
	assert_int_equal(F.closes, 0);
	assert_false(websocket_is_open(F.ws));
	assert_int_equal(websocket_send(F.ws, "x", 1, false), -ENOTCONN);
	websocket_close(F.ws, 1001);
}

/* ---- talking ---------------------------------------------------------------------------- */

/* Sends back every message, until the close frame, which it answers. */
static void serve_echo(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	static char buf[300000];
	size_t n;
	int opcode;
	if (!peer_upgrade(fd))
		return;
	while ((opcode = peer_read_frame(fd, buf, sizeof(buf), &n)) >= 0) {
		if (opcode == 9)
			peer_frame(fd, 10, true, buf, n);
		else if (opcode == 8) {
			peer_code =
				n >= 2 ? (unsigned char)buf[0] << 8 | (unsigned char)buf[1] : 1005;
			peer_frame(fd, 8, true, buf, n);
			peer_until_closed(fd);
			return;
		} else {
			peer_saw++;
			memcpy(peer_text, buf, n);
			peer_text_len = n;
			peer_frame(fd, opcode, true, buf, n);
		}
	}
}

static void say_hello(void)
{
	assert_int_equal(websocket_send(F.ws, "hello \xe2\x82\xac", 9, false), 0);
}

static void test_echo(void **state)
{
	(void)state;
	begin(serve_echo);
	F.at_open = say_hello;
	F.at_message = close_now;
	connect_peer((struct websocket_options){ 0 });
	assert_false(websocket_is_open(F.ws));
	assert_int_equal(websocket_send(F.ws, "early", 5, false), -ENOTCONN);
	run();
	assert_int_equal(F.opens, 1);
	assert_int_equal(F.messages, 1);
	assert_string_equal(F.last, "hello \xe2\x82\xac");
	assert_false(F.last_binary);
	assert_int_equal(F.code, 1000);
	assert_string_equal(F.reason, "closed by us");
	end();
	assert_int_equal(peer_code, 1000);
}

static void test_localhost_by_name(void **state)
{
	(void)state;
	char url[64];
	begin(serve_echo);
	F.at_open = say_hello;
	F.at_message = close_now;
	/* The name stands for ::1 as well, where nobody listens. */
	snprintf(url, sizeof(url), "ws://localhost:%d/", peer_port(F.peer));
	connect_with((struct websocket_options){ 0 }, url);
	run();
	assert_int_equal(F.messages, 1);
	end();
}

enum { MANY = 500 };
static void send_many(void)
{
	char text[64];
	for (int i = 0; i < MANY; i++) {
		int n = snprintf(text, sizeof(text), "message %d", i);
		assert_int_equal(websocket_send(F.ws, text, (size_t)n, i % 2), 0);
	}
	/* One that no socket buffer takes at once, and something behind it. */
	static char large[250000];
	memset(large, 'L', sizeof(large));
	assert_int_equal(websocket_send(F.ws, large, sizeof(large), false), 0);
	assert_int_equal(websocket_send(F.ws, "", 0, false), 0);
	assert_int_equal(websocket_send(F.ws, "last", 4, true), 0);
}

static void close_at_last(void)
{
	if (strcmp(F.last, "last") == 0)
		websocket_close(F.ws, 1000);
}

static void test_many_in_order(void **state)
{
	(void)state;
	begin(serve_echo);
	F.at_open = send_many;
	F.at_message = close_at_last;
	connect_peer((struct websocket_options){ 0 });
	run();
	assert_int_equal(F.messages, MANY + 3);
	assert_true(F.last_binary);
	assert_int_equal(F.bad, 0);
	end();
	assert_int_equal(peer_saw, MANY + 3);
	assert_int_equal(peer_text_len, 4);
}

static void send_and_close(void)
{
	send_many();
	websocket_close(F.ws, 1000);
}

static void test_close_comes_after_what_is_queued(void **state)
{
	(void)state;
	begin(serve_echo);
	F.at_open = send_and_close;
	connect_peer((struct websocket_options){ 0 });
	run();
	assert_int_equal(F.messages, 0);
	end();
	assert_int_equal(peer_saw, MANY + 3);
	assert_int_equal(peer_code, 1000);
}

static void serve_deaf(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (peer_upgrade(fd))
		peer_sleep(1500);
}

static void overfill(void)
{
	static char block[100000];
	int rc = 0, sent = 0;
	assert_int_equal(websocket_send(F.ws, block, sizeof(block) * 5, true), -EMSGSIZE);
	while (!rc && sent < 1000) {
		rc = websocket_send(F.ws, block, sizeof(block), true);
		sent++;
	}
	assert_int_equal(rc, -ENOBUFS);
	assert_in_range(websocket_queued(F.ws), 1, 200000);
	websocket_close(F.ws, 1000);
}

static void test_queue_is_bounded(void **state)
{
	(void)state;
	begin(serve_deaf);
	F.at_open = overfill;
	connect_peer((struct websocket_options){ .queue_max = 200000 });
	run(); /* the close frame cannot go out: ended by force */
	end();
}

/* ---- hostile messages ------------------------------------------------------------------- */

static void serve_pieces(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	static char large[200000];
	memset(large, 'x', sizeof(large));
	if (!peer_upgrade(fd))
		return;
	/* In fragments, with a ping in between. */
	peer_frame(fd, 1, false, "one ", 4);
	peer_frame(fd, 9, true, "p", 1);
	peer_frame(fd, 0, false, "two \xe2\x82", 6);
	peer_frame(fd, 0, true, "\xac", 1);
	/* Too long, once in one frame and once in pieces. */
	peer_frame(fd, 1, true, large, sizeof(large));
	for (int i = 0; i < 20; i++)
		peer_frame(fd, i ? 0 : 1, false, large, 10000);
	peer_frame(fd, 0, true, "", 0);
	/* Not UTF-8; a NUL in it; empty. */
	peer_frame(fd, 1, true, "\xff\xfe", 2);
	peer_frame(fd, 1, true, "a\0b", 3);
	peer_frame(fd, 2, true, "\xff\0\xfe", 3);
	peer_frame(fd, 1, true, "", 0);
	/* Exactly the maximum. */
	peer_frame(fd, 1, true, large, 100000);
	peer_frame(fd, 1, true, "done", 4);
	char buf[256];
	size_t n;
	while (peer_read_frame(fd, buf, sizeof(buf), &n) >= 0)
		;
}

static int step;
static void check_step(void)
{
	static const struct {
		const char *text;
		size_t n;
	} steps[] = { { "one two \xe2\x82\xac", 11 }, { NULL, 3 }, { "", 0 }, { NULL, 100000 },
		{ "done", 4 } };
	assert_in_range(step, 0, 4);
	assert_int_equal(F.last_len, steps[step].n);
	if (steps[step].text)
		assert_string_equal(F.last, steps[step].text);
	assert_int_equal(F.last_binary, step == 1);
	if (++step == 5)
		websocket_close(F.ws, 1000);
}

static void test_bad_messages_cost_only_themselves(void **state)
{
	(void)state;
	begin(serve_pieces);
	step = 0;
	F.at_message = check_step;
	connect_peer((struct websocket_options){ .message_max = 100000 });
	run();
	assert_int_equal(step, 5);
	assert_int_equal(F.bad, 4);
	assert_string_equal(F.why, "a text message is not UTF-8");
	end();
}

static void serve_broken_frames(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (!peer_upgrade(fd))
		return;
	peer_frame(fd, 1, true, "fine", 4);
	peer_frame(fd, 0xb, true, "no such opcode", 14);
	peer_until_closed(fd);
}

static void test_protocol_error(void **state)
{
	(void)state;
	begin(serve_broken_frames);
	connect_peer((struct websocket_options){ .dead_ms = 2000 });
	run();
	assert_int_equal(F.messages, 1);
	end();
}

/* ---- not getting through ---------------------------------------------------------------- */

static void test_refused(void **state)
{
	(void)state;
	char url[64];
	snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", peer_free_port());
	begin(NULL);
	connect_with((struct websocket_options){ .connect_timeout_ms = 3000 }, url);
	run();
	assert_int_equal(F.code, WEBSOCKET_NO_CODE);
	assert_non_null(strstr(F.reason, "connect"));
	end();
}

static void test_no_such_name(void **state)
{
	(void)state;
	begin(NULL);
	connect_with((struct websocket_options){ .connect_timeout_ms = 5000 },
		"wss://nonexistent.invalid/x?secret");
	run();
	assert_non_null(strstr(F.reason, "nonexistent.invalid"));
	assert_null(strstr(F.reason, "secret"));
	peer_sleep(0);
	end();
}

static void serve_silence(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	peer_until_closed(fd);
}

static void test_slow_upgrade(void **state)
{
	(void)state;
	begin(serve_silence);
	int64_t before = io_now(F.io);
	connect_peer((struct websocket_options){ .connect_timeout_ms = 300 });
	run();
	assert_in_range(io_now(F.io) - before, 290, 1200);
	assert_non_null(strstr(F.reason, "in time"));
	end();
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
	begin(serve_close);
	connect_peer((struct websocket_options){ .connect_timeout_ms = 3000 });
	run();
	end();
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
	begin(serve_forbidden);
	connect_peer((struct websocket_options){ .connect_timeout_ms = 3000 });
	run();
	end();
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
	begin(serve_garbage);
	connect_peer((struct websocket_options){ .connect_timeout_ms = 2000 });
	run();
	end();
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
	begin(serve_drip);
	connect_peer((struct websocket_options){ .connect_timeout_ms = 400 });
	run();
	assert_non_null(strstr(F.reason, "in time"));
	end();
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
	begin(serve_no_tls);
	connect_with((struct websocket_options){ .connect_timeout_ms = 3000 },
		peer_url(F.peer, "wss", "/"));
	run();
	end();
}

static void test_tls_silent(void **state)
{
	(void)state;
	begin(serve_silence);
	connect_with((struct websocket_options){ .connect_timeout_ms = 300 },
		peer_url(F.peer, "wss", "/"));
	run();
	assert_non_null(strstr(F.reason, "in time"));
	end();
}

static void test_ca_file_missing(void **state)
{
	(void)state;
	begin(serve_silence);
	connect_with((struct websocket_options){ .ca_file = "/nonexistent/ca.pem",
			     .connect_timeout_ms = 3000 },
		peer_url(F.peer, "wss", "/"));
	run();
	assert_non_null(strstr(F.reason, "/nonexistent/ca.pem"));
	end();
}

static void test_bad_urls(void **state)
{
	(void)state;
	static const char *const bad[] = { NULL, "", "nonsense", "http://127.0.0.1/", "ws://",
		"ws://:80/", "ws://user:secret@127.0.0.1/", "ws://127.0.0.1:99999/" };
	struct error err;
	begin(NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct websocket_options options = { .url = bad[i] };
		if (websocket_open(F.io, &options, &events, &err))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(err.code, -EINVAL);
		assert_null(strstr(err.text, "secret"));
	}
	assert_true(io_destroy(F.io));
	assert_int_equal(F.closes, 0);
}

/* ---- TLS -------------------------------------------------------------------------------- */

static void tls_try(const char *host, bool trusted)
{
	char url[64];
	begin(NULL);
	F.peer = peer_start_tls(serve_echo, NULL);
	F.at_open = send_many;
	F.at_message = close_at_last;
	snprintf(url, sizeof(url), "wss://%s:%d/link?ticket=t", host, peer_port(F.peer));
	connect_with((struct websocket_options){ .ca_file = trusted ? peer_ca_file(F.peer) : NULL,
			     .connect_timeout_ms = 5000 },
		url);
	run();
	end();
}

static void test_tls(void **state)
{
	(void)state;
	tls_try("localhost", true);
	assert_int_equal(F.messages, MANY + 3);
	assert_string_equal(F.reason, "closed by us");
}

static void test_tls_for_another_name(void **state)
{
	(void)state;
	tls_try("127.0.0.1", true);
	assert_int_equal(F.opens, 0);
	assert_string_equal(F.reason, "the server's certificate is not trusted: IP address mismatch");
}

static void test_tls_untrusted(void **state)
{
	(void)state;
	tls_try("localhost", false);
	assert_int_equal(F.opens, 0);
	assert_non_null(strstr(F.reason, "the server's certificate is not trusted: "));
}

/* ---- ends ------------------------------------------------------------------------------- */

static void serve_goodbye(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	char buf[256];
	size_t n;
	if (!peer_upgrade(fd))
		return;
	peer_frame(fd, 8, true,
		"\x0f\xa0"
		"come\x1b back",
		12);
	/* A half-dead peer: it never closes its side. */
	while (peer_read_frame(fd, buf, sizeof(buf), &n) >= 0)
		;
	peer_until_closed(fd);
}

static void test_peer_closes(void **state)
{
	(void)state;
	begin(serve_goodbye);
	int64_t before = io_now(F.io);
	connect_peer((struct websocket_options){ 0 });
	run();
	assert_int_equal(F.code, 4000);
	assert_non_null(strstr(F.reason, "4000 come? back"));
	assert_in_range(io_now(F.io) - before, 0, 2500);
	end();
}

static void serve_drop(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (peer_upgrade(fd))
		peer_frame(fd, 1, false, "half a mess", 11);
}

static void test_connection_lost(void **state)
{
	(void)state;
	begin(serve_drop);
	connect_peer((struct websocket_options){ 0 });
	run();
	assert_int_equal(F.messages, 0);
	assert_int_equal(F.code, WEBSOCKET_NO_CODE);
	end();
}

static void serve_half_dead(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (!peer_upgrade(fd))
		return;
	peer_frame(fd, 1, true, "still talking", 13);
	peer_until_closed(fd); /* … but never a pong */
}

static void test_half_dead(void **state)
{
	(void)state;
	begin(serve_half_dead);
	int64_t before = io_now(F.io);
	connect_peer((struct websocket_options){ .ping_ms = 100, .dead_ms = 350 });
	run();
	assert_int_equal(F.messages, 1);
	assert_non_null(strstr(F.reason, "no pong"));
	assert_in_range(io_now(F.io) - before, 340, 1500);
	end();
}

static void serve_never_closes(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (peer_upgrade(fd))
		peer_until_closed(fd);
}

static void test_close_by_force(void **state)
{
	(void)state;
	begin(serve_never_closes);
	F.at_open = close_now;
	int64_t before = io_now(F.io);
	connect_peer((struct websocket_options){ 0 });
	run();
	assert_int_equal(F.code, 1000);
	assert_in_range(io_now(F.io) - before, 900, 2500);
	end();
}

static void enough(void *ctx)
{
	(void)ctx;
	websocket_close(F.ws, 1000);
}

static void test_pongs_keep_it_alive(void **state)
{
	(void)state;
	begin(serve_echo);
	enough_pongs = 24;
	connect_peer((struct websocket_options){ .ping_ms = 50, .dead_ms = 500 });
	uint64_t before = uv_hrtime();
	run();
	enough_pongs = 0;
	assert_string_equal(F.reason, "closed by us");
	/* Twice as long as it lives without one. A busy machine may take its time, but no ping
	 * comes early. */
	assert_in_range((uv_hrtime() - before) / 1000000, 24 * 50 - 20, 4000);
	end();
}

static void test_close_while_connecting(void **state)
{
	(void)state;
	begin(serve_silence);
	connect_peer((struct websocket_options){ 0 });
	F.timer = io_timer_create(F.io, enough, NULL);
	io_timer_start(F.timer, 100);
	run();
	assert_non_null(strstr(F.reason, "before it was open"));
	io_timer_destroy(F.timer);
	end();
}

static void test_close_at_once(void **state)
{
	(void)state;
	begin(serve_silence);
	connect_peer((struct websocket_options){ 0 });
	websocket_close(F.ws, 1000);
	assert_int_equal(F.closes, 0);
	run();
	end();
}

static void test_close_while_resolving(void **state)
{
	(void)state;
	begin(NULL);
	connect_with((struct websocket_options){ 0 }, "ws://nonexistent.invalid/");
	websocket_close(F.ws, 1000);
	run();
	assert_non_null(strstr(F.reason, "before it was open"));
	end();
}

static void stop_now(void)
{
	io_stop(F.io);
}

static void test_stop_while_open(void **state)
{
	(void)state;
	begin(serve_echo);
	F.at_open = stop_now;
	connect_peer((struct websocket_options){ 0 });
	run();
	assert_string_equal(F.reason, "shutting down");
	end();
	assert_int_equal(peer_code, 1001);
}

/* More than the system takes at once, to a peer that begins to read when all is over here, were it
 * not waited for. */
enum { BLOCKS = 60, BLOCK_SIZE = 100000 };
static void serve_late_reader(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	static char buf[BLOCK_SIZE + 1];
	size_t n;
	int opcode;
	if (!peer_upgrade(fd))
		return;
	peer_sleep(200);
	while ((opcode = peer_read_frame(fd, buf, sizeof(buf), &n)) == 2)
		peer_saw++;
	if (opcode == 8)
		peer_code = (unsigned char)buf[0] << 8 | (unsigned char)buf[1];
}

static void send_and_stop(void)
{
	static char block[BLOCK_SIZE];
	for (int i = 0; i < BLOCKS; i++)
		assert_int_equal(websocket_send(F.ws, block, sizeof(block), true), 0);
	assert_true(websocket_queued(F.ws) > 0);
	io_stop(F.io);
}

static void test_stop_after_what_is_queued(void **state)
{
	(void)state;
	begin(serve_late_reader);
	F.at_open = send_and_stop;
	connect_peer((struct websocket_options){ .queue_max = (size_t)BLOCKS * BLOCK_SIZE });
	run();
	end();
	assert_int_equal(peer_saw, BLOCKS);
	assert_int_equal(peer_code, 1001);
}

static void overfill_and_stop(void)
{
	overfill();
	io_stop(F.io);
}

static void test_stop_with_a_deaf_peer(void **state)
{
	(void)state;
	begin(serve_deaf);
	F.at_open = overfill_and_stop;
	connect_peer((struct websocket_options){ .queue_max = 200000 });
	uint64_t before = uv_hrtime();
	run(); /* what cannot go out is lost, in the time that is said */
	assert_in_range((uv_hrtime() - before) / 1000000, 900, IO_DRAIN_MS + 1000);
	end();
}

static void stop_later(void *ctx)
{
	(void)ctx;
	io_stop(F.io);
}

static void test_stop_while_connecting(void **state)
{
	(void)state;
	begin(serve_silence);
	connect_peer((struct websocket_options){ 0 });
	F.timer = io_timer_create(F.io, stop_later, NULL);
	io_timer_start(F.timer, 50);
	uint64_t before = uv_hrtime();
	run();
	assert_string_equal(F.reason, "shutting down");
	assert_in_range((uv_hrtime() - before) / 1000000, 0, 900); /* there is nothing to wait for */
	struct error err;
	struct websocket_options options = { .url = "ws://127.0.0.1/" };
	assert_null(websocket_open(F.io, &options, &events, &err));
	assert_int_equal(err.code, -ESHUTDOWN);
	io_timer_destroy(F.timer);
	end();
}

/* ---- back-pressure ---------------------------------------------------------------------- */

enum { BURST = 20000, BURST_SIZE = 1500 };
static void serve_burst(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	char text[BURST_SIZE];
	char buf[256];
	size_t n;
	if (!peer_upgrade(fd))
		return;
	memset(text, 'b', sizeof(text));
	for (int i = 0; i < BURST && peer_frame(fd, 1, true, text, sizeof(text)); i++)
		peer_saw = i + 1;
	while (peer_read_frame(fd, buf, sizeof(buf), &n) >= 0)
		;
}

static int paused_at;
static void pause_sometimes(void)
{
	assert_int_equal(paused_at, 0); /* nothing comes while it is paused */
	if (F.messages == 10 || F.messages == 11 || F.messages == 5000) {
		websocket_pause(F.ws);
		paused_at = F.messages;
		io_timer_start(F.timer, 200);
	}
	if (F.messages == BURST)
		websocket_close(F.ws, 1000);
}

static void resume_now(void *ctx)
{
	(void)ctx;
	assert_int_equal(F.messages, paused_at);
	assert_true(peer_saw < BURST); /* the peer is left waiting */
	paused_at = 0;
	websocket_resume(F.ws);
}

static void test_pause(void **state)
{
	(void)state;
	begin(serve_burst);
	paused_at = 0;
	F.at_message = pause_sometimes;
	F.timer = io_timer_create(F.io, resume_now, NULL);
	connect_peer((struct websocket_options){ .dead_ms = 60000 });
	run();
	assert_int_equal(F.messages, BURST);
	assert_int_equal(F.bytes, BURST * BURST_SIZE);
	assert_string_equal(F.reason, "closed by us");
	io_timer_destroy(F.timer);
	end();
}

static void serve_three(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (!peer_upgrade(fd))
		return;
	/* In one piece, so that the client reads all of it at once, and nothing more ever comes. */
	peer_write(fd, "\x81\x03one\x81\x03two\x81\x05three", 17);
	peer_until_closed(fd);
}

static void pause_at_each(void)
{
	assert_int_equal(paused_at, 0);
	if (F.messages == 3) {
		websocket_close(F.ws, 1000);
		return;
	}
	websocket_pause(F.ws);
	paused_at = F.messages;
	io_timer_start(F.timer, 50);
}

static void resume_each(void *ctx)
{
	(void)ctx;
	assert_int_equal(F.messages, paused_at);
	paused_at = 0;
	websocket_resume(F.ws);
}

static void pause_and_close(void)
{
	websocket_pause(F.ws);
	websocket_close(F.ws, 1000);
	websocket_pause(F.ws); /* its owner may not have noticed yet */
}

/* Paused, it would wait in vain for the answer to its close frame. */
static void test_close_while_paused(void **state)
{
	(void)state;
	begin(serve_echo);
	F.at_open = pause_and_close;
	connect_peer((struct websocket_options){ 0 });
	uint64_t before = uv_hrtime();
	run();
	assert_in_range((uv_hrtime() - before) / 1000000, 0, 900);
	end();
	assert_int_equal(peer_code, 1000);
}

static void test_resume_gives_what_was_read_already(void **state)
{
	(void)state;
	begin(serve_three);
	paused_at = 0;
	F.at_message = pause_at_each;
	F.timer = io_timer_create(F.io, resume_each, NULL);
	/* Pings would wake the library up by chance. */
	connect_peer((struct websocket_options){ .ping_ms = 1500, .dead_ms = 3000 });
	run();
	assert_int_equal(F.messages, 3);
	assert_string_equal(F.last, "three");
	io_timer_destroy(F.timer);
	end();
}

static void pause_it(void)
{
	websocket_pause(F.ws);
	io_timer_start(F.timer, 500);
}

static void resume_it(void *ctx)
{
	(void)ctx;
	assert_true(websocket_is_open(F.ws));
	websocket_resume(F.ws);
}

static void test_watch_rests_while_paused(void **state)
{
	(void)state;
	begin(serve_never_closes);
	F.at_open = pause_it;
	F.timer = io_timer_create(F.io, resume_it, NULL);
	int64_t before = io_now(F.io);
	connect_peer((struct websocket_options){ .ping_ms = 50, .dead_ms = 200 });
	run();
	assert_non_null(strstr(F.reason, "no pong"));
	assert_in_range(io_now(F.io) - before, 690, 2000);
	io_timer_destroy(F.timer);
	end();
}

int main(void)
{
	/* Must not matter: nobody is there. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_localhost_by_name),
		cmocka_unit_test(test_many_in_order),
		cmocka_unit_test(test_close_comes_after_what_is_queued),
		cmocka_unit_test(test_queue_is_bounded),
		cmocka_unit_test(test_bad_messages_cost_only_themselves),
		cmocka_unit_test(test_protocol_error),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_such_name),
		cmocka_unit_test(test_slow_upgrade),
		cmocka_unit_test(test_closed_without_answer),
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_drip),
		cmocka_unit_test(test_no_tls),
		cmocka_unit_test(test_tls_silent),
		cmocka_unit_test(test_ca_file_missing),
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_for_another_name),
		cmocka_unit_test(test_tls_untrusted),
		cmocka_unit_test(test_peer_closes),
		cmocka_unit_test(test_connection_lost),
		cmocka_unit_test(test_half_dead),
		cmocka_unit_test(test_close_by_force),
		cmocka_unit_test(test_pongs_keep_it_alive),
		cmocka_unit_test(test_close_while_connecting),
		cmocka_unit_test(test_close_at_once),
		cmocka_unit_test(test_close_while_resolving),
		cmocka_unit_test(test_stop_while_open),
		cmocka_unit_test(test_stop_after_what_is_queued),
		cmocka_unit_test(test_stop_with_a_deaf_peer),
		cmocka_unit_test(test_stop_while_connecting),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_close_while_paused),
		cmocka_unit_test(test_resume_gives_what_was_read_already),
		cmocka_unit_test(test_watch_rests_while_paused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
