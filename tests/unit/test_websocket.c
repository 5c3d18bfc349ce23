/* What goes over an open link, both ways: messages, hostile ones, more than one side can take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "tests/unit/support_websocket.h"

/* ---- talking ------------------------------------------------------------------------------ */

static void say_hello(void)
{
	assert_int_equal(websocket_send(ws.link, "hello \xe2\x82\xac", 9, false), 0);
}

static void test_echo(void **state)
{
	(void)state;
	ws_begin(ws_serve_echo);
	ws.at_open = say_hello;
	ws.at_message = ws_close_now;
	ws_connect((struct websocket_options){ 0 });
	assert_false(websocket_is_open(ws.link));
	assert_int_equal(websocket_send(ws.link, "early", 5, false), -ENOTCONN);
	ws_run();
	assert_int_equal(ws.opens, 1);
	assert_int_equal(ws.messages, 1);
	assert_string_equal(ws.last, "hello \xe2\x82\xac");
	assert_false(ws.last_binary);
	assert_int_equal(ws.code, 1000);
	assert_string_equal(ws.reason, "closed by us");
	ws_end();
	assert_int_equal(ws.peer_code, 1000);
}

static void test_localhost_by_name(void **state)
{
	(void)state;
	char url[64];
	ws_begin(ws_serve_echo);
	ws.at_open = say_hello;
	ws.at_message = ws_close_now;
	/* The name stands for ::1 as well, where nobody listens. */
	snprintf(url, sizeof(url), "ws://localhost:%d/", peer_port(ws.peer));
	ws_connect_url((struct websocket_options){ 0 }, url);
	ws_run();
	assert_int_equal(ws.messages, 1);
	ws_end();
}

static void test_many_in_order(void **state)
{
	(void)state;
	ws_begin(ws_serve_echo);
	ws.at_open = ws_send_many;
	ws.at_message = ws_close_at_last;
	ws_connect((struct websocket_options){ 0 });
	ws_run();
	assert_int_equal(ws.messages, WS_MANY);
	assert_true(ws.last_binary);
	assert_int_equal(ws.bad, 0);
	ws_end();
	assert_int_equal(ws.peer_saw, WS_MANY);
	assert_int_equal(ws.peer_last_len, 4);
}

static void send_and_close(void)
{
	ws_send_many();
	websocket_close(ws.link, 1000);
}

static void test_close_comes_after_what_is_queued(void **state)
{
	(void)state;
	ws_begin(ws_serve_echo);
	ws.at_open = send_and_close;
	ws_connect((struct websocket_options){ 0 });
	ws_run();
	assert_int_equal(ws.messages, 0);
	ws_end();
	assert_int_equal(ws.peer_saw, WS_MANY);
	assert_int_equal(ws.peer_code, 1000);
}

static void test_queue_is_bounded(void **state)
{
	(void)state;
	ws_begin(ws_serve_deaf);
	ws.at_open = ws_overfill;
	ws_connect((struct websocket_options){ .queue_max = 200000 });
	ws_run(); /* the close frame cannot go out: ended by force */
	ws_end();
}

/* ---- hostile messages --------------------------------------------------------------------- */

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
	assert_int_equal(ws.last_len, steps[step].n);
	if (steps[step].text)
		assert_string_equal(ws.last, steps[step].text);
	assert_int_equal(ws.last_binary, step == 1);
	if (++step == 5)
		websocket_close(ws.link, 1000);
}

static void test_bad_messages_cost_only_themselves(void **state)
{
	(void)state;
	ws_begin(serve_pieces);
	step = 0;
	ws.at_message = check_step;
	ws_connect((struct websocket_options){ .message_max = 100000 });
	ws_run();
	assert_int_equal(step, 5);
	assert_int_equal(ws.bad, 4);
	assert_string_equal(ws.why, "a text message is not UTF-8");
	ws_end();
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
	ws_begin(serve_broken_frames);
	ws_connect((struct websocket_options){ .dead_ms = 2000 });
	ws_run();
	assert_int_equal(ws.messages, 1);
	ws_end();
}

/* ---- back-pressure ------------------------------------------------------------------------ */

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
		ws.peer_saw = i + 1;
	while (peer_read_frame(fd, buf, sizeof(buf), &n) >= 0)
		;
}

static int paused_at;
static void pause_sometimes(void)
{
	assert_int_equal(paused_at, 0); /* nothing comes while it is paused */
	if (ws.messages == 10 || ws.messages == 11 || ws.messages == 5000) {
		websocket_pause(ws.link);
		paused_at = ws.messages;
		io_timer_start(ws.timer, 200);
	}
	if (ws.messages == BURST)
		websocket_close(ws.link, 1000);
}

static void resume_now(void *ctx)
{
	(void)ctx;
	assert_int_equal(ws.messages, paused_at);
	assert_true(ws.peer_saw < BURST); /* the peer is left waiting */
	paused_at = 0;
	websocket_resume(ws.link);
}

static void test_pause(void **state)
{
	(void)state;
	ws_begin(serve_burst);
	paused_at = 0;
	ws.at_message = pause_sometimes;
	ws_timer(resume_now);
	ws_connect((struct websocket_options){ .dead_ms = 60000 });
	ws_run();
	assert_int_equal(ws.messages, BURST);
	assert_int_equal(ws.bytes, BURST * BURST_SIZE);
	assert_string_equal(ws.reason, "closed by us");
	ws_end();
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
	if (ws.messages == 3) {
		websocket_close(ws.link, 1000);
		return;
	}
	websocket_pause(ws.link);
	paused_at = ws.messages;
	io_timer_start(ws.timer, 50);
}

static void resume_each(void *ctx)
{
	(void)ctx;
	assert_int_equal(ws.messages, paused_at);
	paused_at = 0;
	websocket_resume(ws.link);
}

static void pause_and_close(void)
{
	websocket_pause(ws.link);
	websocket_close(ws.link, 1000);
	websocket_pause(ws.link); /* its owner may not have noticed yet */
}

/* Paused, it would wait in vain for the answer to its close frame. */
static void test_close_while_paused(void **state)
{
	(void)state;
	ws_begin(ws_serve_echo);
	ws.at_open = pause_and_close;
	ws_connect((struct websocket_options){ 0 });
	uint64_t before = uv_hrtime();
	ws_run();
	assert_in_range((uv_hrtime() - before) / 1000000, 0, 900);
	ws_end();
	assert_int_equal(ws.peer_code, 1000);
}

static void test_resume_gives_what_was_read_already(void **state)
{
	(void)state;
	ws_begin(serve_three);
	paused_at = 0;
	ws.at_message = pause_at_each;
	ws_timer(resume_each);
	/* Pings would wake the library up by chance. */
	ws_connect((struct websocket_options){ .ping_ms = 1500, .dead_ms = 3000 });
	ws_run();
	assert_int_equal(ws.messages, 3);
	assert_string_equal(ws.last, "three");
	ws_end();
}

static void pause_it(void)
{
	websocket_pause(ws.link);
	io_timer_start(ws.timer, 500);
}

static void resume_it(void *ctx)
{
	(void)ctx;
	assert_int_equal(ws.closes, 0);
	assert_true(websocket_is_open(ws.link));
	websocket_resume(ws.link);
}

static void test_watch_rests_while_paused(void **state)
{
	(void)state;
	ws_begin(ws_serve_never_closes);
	ws.at_open = pause_it;
	ws_timer(resume_it);
	int64_t before = io_now(ws.io);
	ws_connect((struct websocket_options){ .ping_ms = 50, .dead_ms = 200 });
	ws_run();
	assert_non_null(strstr(ws.reason, "no pong"));
	assert_in_range(io_now(ws.io) - before, 690, 2000);
	ws_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_localhost_by_name),
		cmocka_unit_test(test_many_in_order),
		cmocka_unit_test(test_close_comes_after_what_is_queued),
		cmocka_unit_test(test_queue_is_bounded),
		cmocka_unit_test(test_bad_messages_cost_only_themselves),
		cmocka_unit_test(test_protocol_error),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_close_while_paused),
		cmocka_unit_test(test_resume_gives_what_was_read_already),
		cmocka_unit_test(test_watch_rests_while_paused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
