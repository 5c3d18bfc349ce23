/* How a link ends: the peer's word, its silence, ours, and the stop of the loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "tests/unit/support_websocket.h"

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
	ws_begin(serve_goodbye);
	int64_t before = io_now(ws.io);
	ws_connect((struct websocket_options){ 0 });
	ws_run();
	assert_int_equal(ws.code, 4000);
	assert_non_null(strstr(ws.reason, "4000 come? back"));
	assert_in_range(io_now(ws.io) - before, 0, 2500);
	ws_end();
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
	ws_begin(serve_drop);
	ws_connect((struct websocket_options){ 0 });
	ws_run();
	assert_int_equal(ws.messages, 0);
	assert_int_equal(ws.code, WEBSOCKET_NO_CODE);
	ws_end();
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
	ws_begin(serve_half_dead);
	int64_t before = io_now(ws.io);
	ws_connect((struct websocket_options){ .ping_ms = 100, .dead_ms = 350 });
	ws_run();
	assert_int_equal(ws.messages, 1);
	assert_non_null(strstr(ws.reason, "no pong"));
	assert_in_range(io_now(ws.io) - before, 340, 1500);
	ws_end();
}

static void test_close_by_force(void **state)
{
	(void)state;
	ws_begin(ws_serve_never_closes);
	ws.at_open = ws_close_now;
	int64_t before = io_now(ws.io);
	ws_connect((struct websocket_options){ 0 });
	ws_run();
	assert_int_equal(ws.code, 1000);
	assert_in_range(io_now(ws.io) - before, 900, 2500);
	ws_end();
}

enum { PONGS = 24, PING_MS = 50 };
static void enough_pongs(void)
{
	if (ws.pongs == PONGS)
		websocket_close(ws.link, 1000);
}

static void test_pongs_keep_it_alive(void **state)
{
	(void)state;
	ws_begin(ws_serve_echo);
	ws.at_pong = enough_pongs;
	ws_connect((struct websocket_options){ .ping_ms = PING_MS, .dead_ms = 500 });
	uint64_t before = uv_hrtime();
	ws_run();
	assert_string_equal(ws.reason, "closed by us");
	/* Twice as long as it lives without one. A busy machine may take its time, but no ping
	 * comes early. */
	assert_in_range((uv_hrtime() - before) / 1000000, PONGS * PING_MS - 20, 4000);
	ws_end();
}

static void close_later(void *ctx)
{
	(void)ctx;
	websocket_close(ws.link, 1000);
}

static void test_close_while_connecting(void **state)
{
	(void)state;
	ws_begin(ws_serve_silence);
	ws_connect((struct websocket_options){ 0 });
	ws_timer(close_later);
	io_timer_start(ws.timer, 100);
	ws_run();
	assert_non_null(strstr(ws.reason, "before it was open"));
	ws_end();
}

static void test_close_at_once(void **state)
{
	(void)state;
	ws_begin(ws_serve_silence);
	ws_connect((struct websocket_options){ 0 });
	websocket_close(ws.link, 1000);
	assert_int_equal(ws.closes, 0);
	ws_run();
	ws_end();
}

static void test_close_while_resolving(void **state)
{
	(void)state;
	ws_begin(NULL);
	ws_connect_url((struct websocket_options){ 0 }, "ws://nonexistent.invalid/");
	websocket_close(ws.link, 1000);
	ws_run();
	assert_non_null(strstr(ws.reason, "before it was open"));
	ws_end();
}

static void stop_now(void)
{
	io_stop(ws.io);
}

static void test_stop_while_open(void **state)
{
	(void)state;
	ws_begin(ws_serve_echo);
	ws.at_open = stop_now;
	ws_connect((struct websocket_options){ 0 });
	ws_run();
	assert_string_equal(ws.reason, "shutting down");
	ws_end();
	assert_int_equal(ws.peer_code, 1001);
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
		ws.peer_saw++;
	if (opcode == 8)
		ws.peer_code = (unsigned char)buf[0] << 8 | (unsigned char)buf[1];
}

static void send_and_stop(void)
{
	static char block[BLOCK_SIZE];
	for (int i = 0; i < BLOCKS; i++)
		assert_int_equal(websocket_send(ws.link, block, sizeof(block), true), 0);
	assert_true(websocket_queued(ws.link) > 0);
	io_stop(ws.io);
}

static void test_stop_after_what_is_queued(void **state)
{
	(void)state;
	ws_begin(serve_late_reader);
	ws.at_open = send_and_stop;
	ws_connect((struct websocket_options){ .queue_max = (size_t)BLOCKS * BLOCK_SIZE });
	ws_run();
	ws_end();
	assert_int_equal(ws.peer_saw, BLOCKS);
	assert_int_equal(ws.peer_code, 1001);
}

static void overfill_and_stop(void)
{
	ws_overfill();
	io_stop(ws.io);
}

static void test_stop_with_a_deaf_peer(void **state)
{
	(void)state;
	ws_begin(ws_serve_deaf);
	ws.at_open = overfill_and_stop;
	ws_connect((struct websocket_options){ .queue_max = 200000 });
	uint64_t before = uv_hrtime();
	ws_run(); /* what cannot go out is lost, in the time that is said */
	assert_in_range((uv_hrtime() - before) / 1000000, 900, IO_DRAIN_MS + 1000);
	ws_end();
}

static void stop_later(void *ctx)
{
	(void)ctx;
	io_stop(ws.io);
}

static void test_stop_while_connecting(void **state)
{
	(void)state;
	ws_begin(ws_serve_silence);
	ws_connect((struct websocket_options){ 0 });
	ws_timer(stop_later);
	io_timer_start(ws.timer, 50);
	uint64_t before = uv_hrtime();
	ws_run();
	assert_string_equal(ws.reason, "shutting down");
	assert_in_range(
		(uv_hrtime() - before) / 1000000, 0, 900); /* there is nothing to wait for */
	struct error err;
	struct websocket_options options = { .url = "ws://127.0.0.1/" };
	assert_null(websocket_open(ws.io, &options, &ws_events, &err));
	assert_int_equal(err.code, -ESHUTDOWN);
	ws_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
