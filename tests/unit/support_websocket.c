#include "tests/unit/support_websocket.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct ws_story ws;

static void on_open(void *ctx)
{
	(void)ctx;
	ws.opens++;
	assert_true(websocket_is_open(ws.link));
	if (ws.at_open)
		ws.at_open();
}

static void on_message(void *ctx, const char *p, size_t n, bool binary)
{
	(void)ctx;
	assert_int_equal(ws.closes, 0);
	assert_int_equal(p[n], '\0');
	ws.messages++;
	ws.bytes += n;
	ws.last_len = n;
	ws.last_binary = binary;
	snprintf(ws.last, sizeof(ws.last), "%s", p);
	if (ws.at_message)
		ws.at_message();
}

static void on_bad_message(void *ctx, const char *why)
{
	(void)ctx;
	ws.bad++;
	snprintf(ws.why, sizeof(ws.why), "%s", why);
}

static void on_pong(void *ctx, int64_t round_trip_ms)
{
	(void)ctx;
	assert_in_range(round_trip_ms, 0, 5000);
	ws.pongs++;
	if (ws.at_pong)
		ws.at_pong();
}

static void on_close(void *ctx, int code, const char *reason, bool opened)
{
	(void)ctx;
	ws.closes++;
	ws.code = code;
	ws.opened = opened;
	snprintf(ws.reason, sizeof(ws.reason), "%s", reason);
	ws.link = NULL;
	io_stop(ws.io);
}

const struct websocket_events ws_events = { on_open, on_message, on_bad_message, on_pong, on_close,
	NULL };

void ws_begin(void (*serve)(struct peer *, int, int, void *))
{
	/* Must not matter: nobody is there. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	memset(&ws, 0, sizeof(ws));
	ws.io = io_create(NULL);
	assert_non_null(ws.io);
	if (serve)
		ws.peer = peer_start(serve, NULL);
}

void ws_connect_url(struct websocket_options options, const char *url)
{
	struct error err = { 0 };
	options.url = url;
	ws.link = websocket_open(ws.io, &options, &ws_events, &err);
	if (!ws.link)
		fail_msg("websocket_open: %s", err.text);
	assert_int_equal(ws.closes, 0);
}

void ws_connect(struct websocket_options options)
{
	ws_connect_url(options, peer_url(ws.peer, "ws", "/link?ticket=t"));
}

void ws_timer(void (*fn)(void *ctx))
{
	ws.timer = io_timer_create(ws.io, fn, NULL);
}

void ws_run(void)
{
	io_run(ws.io);
	assert_int_equal(ws.closes, 1);
	assert_true(ws.reason[0]);
	assert_int_equal(ws.opened, ws.opens == 1);
}

void ws_end(void)
{
	if (ws.timer)
		io_timer_destroy(ws.timer);
	if (ws.peer)
		peer_stop(ws.peer);
	assert_true(io_destroy(ws.io));
	assert_int_equal(ws.closes, 1);
}

void ws_close_now(void)
{
	websocket_close(ws.link, 1000);
	assert_int_equal(ws.closes, 0);
	assert_false(websocket_is_open(ws.link));
	assert_int_equal(websocket_send(ws.link, "x", 1, false), -ENOTCONN);
	websocket_close(ws.link, 1001);
}

void ws_send_many(void)
{
	char text[64];
	for (int i = 0; i < WS_MANY - 3; i++) {
		int n = snprintf(text, sizeof(text), "message %d", i);
		assert_int_equal(websocket_send(ws.link, text, (size_t)n, i % 2), 0);
	}
	/* One that no socket buffer takes at once, and something behind it. */
	static char large[250000];
	memset(large, 'L', sizeof(large));
	assert_int_equal(websocket_send(ws.link, large, sizeof(large), false), 0);
	assert_int_equal(websocket_send(ws.link, "", 0, false), 0);
	assert_int_equal(websocket_send(ws.link, "last", 4, true), 0);
}

void ws_close_at_last(void)
{
	if (strcmp(ws.last, "last") == 0)
		websocket_close(ws.link, 1000);
}

void ws_overfill(void)
{
	static char block[100000];
	int rc = 0, sent = 0;
	assert_int_equal(websocket_send(ws.link, block, sizeof(block) * 5, true), -EMSGSIZE);
	while (!rc && sent < 1000) {
		rc = websocket_send(ws.link, block, sizeof(block), true);
		sent++;
	}
	assert_int_equal(rc, -ENOBUFS);
	assert_in_range(websocket_queued(ws.link), 1, 200000);
	websocket_close(ws.link, 1000);
}

void ws_serve_echo(struct peer *peer, int fd, int nth, void *ctx)
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
			ws.peer_code =
				n >= 2 ? (unsigned char)buf[0] << 8 | (unsigned char)buf[1] : 1005;
			peer_frame(fd, 8, true, buf, n);
			peer_until_closed(fd);
			return;
		} else {
			ws.peer_saw++;
			ws.peer_last_len = n;
			peer_frame(fd, opcode, true, buf, n);
		}
	}
}

void ws_serve_silence(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	peer_until_closed(fd);
}

void ws_serve_deaf(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (peer_upgrade(fd))
		peer_sleep(1500);
}

void ws_serve_never_closes(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (peer_upgrade(fd))
		peer_until_closed(fd);
}
