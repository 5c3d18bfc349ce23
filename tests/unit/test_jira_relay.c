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

#include "adapters/io.h"
#include "adapters/jira/relay.h"
#include "adapters/jira/relay_frame.h"
#include "base/str.h"
#include "tests/unit/support_peer.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define TOKEN	 "c_relay-token"

/* ---- frames ------------------------------------------------------------------------------ */

static struct relay_frame read_frame(const char *text)
{
	struct relay_frame f;

	relay_frame_read(text, strlen(text), &f);
	return f;
}

static void test_event_frame(void **state)
{
	struct relay_frame f = read_frame(
		"{\"type\":\"event\",\"version\":1,\"data\":{\"id\":\"ev_1\",\"method\":\"POST\","
		"\"headers\":{\"x-hub-signature\":\"sha256=00\",\"X-ATLASSIAN-Webhook-Identifier\":"
		"[\"4f1c\",\"x\"],\"host\":7},\"body\":\"SGVsbG8AV29ybGQh\"}}");

	(void)state;
	assert_int_equal(f.kind, RELAY_EVENT);
	assert_int_equal(f.refuse, 0);
	assert_string_equal(f.id, "ev_1");
	assert_string_equal(f.hook.signature, "sha256=00");
	assert_string_equal(f.hook.identifier, "4f1c");
	assert_int_equal(f.hook.len, 12);
	assert_memory_equal(f.hook.body, "Hello\0World!", 12);
	relay_frame_finish(&f);
	relay_frame_finish(&f);
}

static void test_odd_frames(void **state)
{
#define EVENT(data) "{\"type\":\"event\",\"version\":1,\"data\":{" data "}}"
	static const struct {
		const char *text;
		enum relay_kind kind;
		int refuse;
		const char *why;
	} cases[] = {
		{ "{\"type\":\"start\",\"version\":1,\"data\":{\"token\":\"t\"}}", RELAY_START, 0, "" },
		{ "{\"type\":\"start\"}", RELAY_START, 0, "" },
		{ "{\"type\":\"error\",\"data\":{\"message\":\"no such token\\n\"}}", RELAY_ERROR, 0,
			"no such token?" },
		{ "{\"type\":\"error\",\"data\":\"go away\"}", RELAY_ERROR, 0, "go away" },
		{ "{\"type\":\"error\",\"error\":\"go away\"}", RELAY_ERROR, 0, "go away" },
		{ "{\"type\":\"error\"}", RELAY_ERROR, 0, "no reason given" },
		{ "{\"type\":\"notice\",\"version\":1}", RELAY_UNKNOWN, 0, "notice" },
		{ "{\"type\":\"event\",\"version\":2,\"data\":{\"id\":\"a\"}}", RELAY_UNKNOWN, 0,
			"event" },
		{ "{}", RELAY_BAD, 0, "a frame without a type" },
		{ "{\"type\":7}", RELAY_BAD, 0, "a frame without a type" },
		{ "[]", RELAY_BAD, 0, "a frame without a type" },
		{ "\"event\"", RELAY_BAD, 0, NULL },
		{ "", RELAY_BAD, 0, NULL },
		{ "{\"type\":\"event\"", RELAY_BAD, 0, NULL },
		{ "{\"type\":\"event\"}", RELAY_BAD, 0, "an event without a usable id" },
		{ EVENT("\"id\":\"\""), RELAY_BAD, 0, "an event without a usable id" },
		{ EVENT("\"id\":5"), RELAY_BAD, 0, "an event without a usable id" },
		{ EVENT("\"id\":\"a\""), RELAY_EVENT, 405, "" },
		{ EVENT("\"id\":\"a\",\"method\":\"GET\",\"body\":\"\""), RELAY_EVENT, 405, "" },
		{ EVENT("\"id\":\"a\",\"method\":\"post\",\"body\":\"\""), RELAY_EVENT, 0, "" },
		{ EVENT("\"id\":\"a\",\"method\":\"POST\""), RELAY_EVENT, 400, "" },
		{ EVENT("\"id\":\"a\",\"method\":\"POST\",\"body\":{}"), RELAY_EVENT, 400, "" },
		{ EVENT("\"id\":\"a\",\"method\":\"POST\",\"body\":\"Zg\""), RELAY_EVENT, 400, "" },
		{ EVENT("\"id\":\"a\",\"method\":\"POST\",\"body\":\"{}\""), RELAY_EVENT, 400, "" },
		{ EVENT("\"id\":\"a\",\"method\":\"POST\",\"headers\":[],\"body\":\"Zg==\""),
			RELAY_EVENT, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct relay_frame f = read_frame(cases[i].text);

		if (f.kind != cases[i].kind || f.refuse != cases[i].refuse)
			fail_msg("%s: %d %d", cases[i].text, f.kind, f.refuse);
		if (cases[i].why)
			assert_string_equal(f.why, cases[i].why);
		relay_frame_finish(&f);
	}
}

/* Two readers of it could take the one or the other. */
static void test_header_twice(void **state)
{
	struct relay_frame f = read_frame(EVENT(
		"\"id\":\"a\",\"method\":\"POST\",\"headers\":{\"X-Hub-Signature\":\"a\","
		"\"x-hub-signature\":\"b\"},\"body\":\"Zg==\""));

	(void)state;
	assert_null(f.hook.signature);
	relay_frame_finish(&f);
}

static void test_long_id(void **state)
{
	for (size_t n = RELAY_ID_MAX; n <= RELAY_ID_MAX + 1; n++) {
		STR_CLEANUP struct str s;
		struct relay_frame f;

		str_init(&s, 1000);
		str_add(&s, "{\"type\":\"event\",\"data\":{\"method\":\"POST\",\"body\":\"\",\"id\":\"");
		for (size_t i = 0; i < n; i++)
			str_addc(&s, 'a');
		str_add(&s, "\"}}");
		f = read_frame(s.p);
		assert_int_equal(f.kind, n > RELAY_ID_MAX ? RELAY_BAD : RELAY_EVENT);
		relay_frame_finish(&f);
	}
	(void)state;
}

static void test_our_frames(void **state)
{
	char *start = relay_frame_start("to\"ken"), *answer = relay_frame_answer("ev\\1", 503);

	(void)state;
	assert_string_equal(
		start, "{\"type\":\"start\",\"version\":1,\"data\":{\"token\":\"to\\\"ken\"}}");
	assert_string_equal(answer,
		"{\"type\":\"event\",\"version\":1,\"data\":{\"id\":\"ev\\\\1\",\"status\":503,"
		"\"headers\":{},\"body\":\"\"}}");
	free(start);
	free(answer);
}

static void test_backoff(void **state)
{
	int64_t last = 0;

	(void)state;
	for (int i = 1; i < 40; i++) {
		int64_t ms = relay_backoff(false, i);

		assert_in_range(ms, last, 30000);
		last = ms;
	}
	assert_int_equal(relay_backoff(false, 1), 500);
	assert_int_equal(last, 30000);
	assert_int_equal(relay_backoff(true, 1), 300000);
	assert_int_equal(relay_backoff(true, 9), 300000);
}

/* ---- a relay that tells stories ---------------------------------------------------------- */

#define EVENTS_MAX 32

struct fixture {
	struct io *io;
	struct peer *peer;
	struct relay *relay;
	struct io_timer *limit, *later;
	int events;
	int64_t generation[EVENTS_MAX];
	char id[EVENTS_MAX][64], body[EVENTS_MAX][64];
	int answered[EVENTS_MAX]; /* what relay_answer said */
	void (*at_event)(void);
	int64_t ran_ms;
};

static struct fixture F;

/* What the peer saw, in order; read after end(). */
static char seen[16][200];
static atomic_int seen_count, start_opcode, answer_opcode;
static char start_seen[200];

static void answer_last(int status)
{
	int i = F.events - 1;

	F.answered[i] = relay_answer(F.relay, F.generation[i], F.id[i], status);
}

static void on_event(void *ctx, int64_t generation, const char *id, const struct hook *hook)
{
	(void)ctx;
	assert_in_range(F.events, 0, EVENTS_MAX - 1);
	F.generation[F.events] = generation;
	snprintf(F.id[F.events], sizeof(F.id[0]), "%s", id);
	snprintf(F.body[F.events], sizeof(F.body[0]), "%.*s", (int)hook->len, hook->body);
	F.events++;
	if (F.at_event)
		F.at_event();
}

static void stop_now(void *ctx)
{
	(void)ctx;
	io_stop(F.io);
}

static struct io_hook stop_hook;
static void on_stop(void *ctx)
{
	(void)ctx;
	io_timer_destroy(F.limit);
	io_timer_destroy(F.later);
	relay_stop(F.relay);
}

static void later_run(void *ctx);
static void (*later_what)(void);

/* Runs the story for at most ms. */
static void play(void (*serve)(struct peer *, int, int, void *), void (*at_event)(void),
	struct relay_options options, int64_t ms)
{
	memset(&F, 0, sizeof(F));
	memset(seen, 0, sizeof(seen));
	start_seen[0] = '\0';
	seen_count = start_opcode = answer_opcode = 0;
	F.at_event = at_event;
	F.io = io_create(NULL);
	assert_non_null(F.io);
	F.peer = peer_start(serve, NULL);
	options.io = F.io;
	options.url = peer_url(F.peer, "ws", "/api/v1/listen/");
	options.token = TOKEN;
	options.on_event = on_event;
	F.relay = relay_create(&options);
	F.limit = io_timer_create(F.io, stop_now, NULL);
	F.later = io_timer_create(F.io, later_run, NULL);
	stop_hook = (struct io_hook){ .stop = on_stop };
	io_on_stop(F.io, &stop_hook);
	io_timer_start(F.limit, ms);
	relay_start(F.relay);
	F.ran_ms = io_now(F.io);
	io_run(F.io);
	F.ran_ms = io_now(F.io) - F.ran_ms;
}

static void end(void)
{
	relay_destroy(F.relay);
	peer_stop(F.peer);
	assert_true(io_destroy(F.io));
}

static void later_run(void *ctx)
{
	(void)ctx;
	later_what();
}

static void later(int64_t ms, void (*what)(void))
{
	later_what = what;
	io_timer_start(F.later, ms);
}

/* The next frame that is no ping; -1 at the end, also after a close frame, which is answered. */
static int next_frame(int fd, char *buf, size_t size, size_t *n)
{
	int opcode;

	while ((opcode = peer_read_frame(fd, buf, size - 1, n)) == 9)
		peer_frame(fd, 10, true, buf, *n);
	if (opcode == 8) {
		peer_frame(fd, 8, true, buf, *n);
		peer_until_closed(fd);
		return -1;
	}
	if (opcode >= 0)
		buf[*n] = '\0';
	return opcode;
}

/* Upgrade and the client's start. */
static bool peer_greet(int fd)
{
	char buf[1000];
	size_t n;

	if (!peer_upgrade(fd))
		return false;
	start_opcode = next_frame(fd, buf, sizeof(buf), &n);
	if (start_opcode < 0)
		return false;
	snprintf(start_seen, sizeof(start_seen), "%.199s", buf);
	return true;
}

static bool peer_say(int fd, const char *text)
{
	return peer_frame(fd, 1, true, text, strlen(text));
}

static bool peer_open(int fd)
{
	return peer_greet(fd) &&
	       peer_say(fd, "{\"type\":\"start\",\"version\":1,\"data\":{\"token\":\"t\"}}");
}

static bool peer_event(int fd, int opcode, const char *id)
{
	char text[300];
	int n = snprintf(text, sizeof(text),
		EVENT("\"id\":\"%s\",\"method\":\"POST\",\"headers\":{},\"body\":\"Zm9v\""), id);

	return peer_frame(fd, opcode, true, text, (size_t)n);
}

static void peer_close(int fd, int code)
{
	char bytes[2] = { (char)(code >> 8), (char)code };

	peer_frame(fd, 8, true, bytes, 2);
	peer_until_closed(fd);
}

static void peer_note_answers(int fd)
{
	char buf[1000];
	size_t n;
	int opcode;

	while ((opcode = next_frame(fd, buf, sizeof(buf), &n)) >= 0) {
		answer_opcode = opcode;
		if (seen_count < 16)
			snprintf(seen[seen_count++], sizeof(seen[0]), "%.199s", buf);
	}
}

#define ANSWER(id, status)                                                                     \
	"{\"type\":\"event\",\"version\":1,\"data\":{\"id\":\"" id "\",\"status\":" status         \
	",\"headers\":{},\"body\":\"\"}}"

/* ---- stories ----------------------------------------------------------------------------- */

static void serve_two(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (!peer_open(fd))
		return;
	peer_event(fd, 1, "ev_1");
	peer_event(fd, 2, "ev_2");
	peer_note_answers(fd);
}

static void end_story(void)
{
	io_stop(F.io);
}

static void answer_both(void)
{
	assert_int_equal(relay_answer(F.relay, F.generation[1], "ev_2", 503), 0);
	assert_int_equal(relay_answer(F.relay, F.generation[0], "ev_1", 200), 0);
	later(100, end_story);
}

/* Nothing is said before the commit; then in whatever order commits come. */
static void wait_for_commit(void)
{
	if (F.events == 2)
		later(100, answer_both);
}

static void test_served(void **state)
{
	(void)state;
	play(serve_two, wait_for_commit, (struct relay_options){ 0 }, 5000);
	assert_int_equal(F.events, 2);
	assert_string_equal(F.body[0], "foo");
	end();
	assert_int_equal(start_opcode, 2);
	assert_string_equal(
		start_seen, "{\"type\":\"start\",\"version\":1,\"data\":{\"token\":\"" TOKEN "\"}}");
	assert_int_equal(answer_opcode, 2);
	assert_int_equal(seen_count, 2);
	assert_string_equal(seen[0], ANSWER("ev_2", "503"));
	assert_string_equal(seen[1], ANSWER("ev_1", "200"));
}

/* An answer to an event of a connection that is gone goes nowhere; the relay brings it again. */
static void serve_gone(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)ctx;
	if (!peer_open(fd))
		return;
	peer_event(fd, 1, "ev_1");
	if (nth == 0)
		return;
	peer_note_answers(fd);
}

static void answer_late(void)
{
	if (F.events < 2)
		return;
	assert_true(F.generation[1] > F.generation[0]);
	assert_int_equal(relay_answer(F.relay, F.generation[0], "ev_1", 503), -ENOTCONN);
	answer_last(200);
	later(100, end_story);
}

static void test_old_connection(void **state)
{
	(void)state;
	play(serve_gone, answer_late, (struct relay_options){ 0 }, 5000);
	assert_int_equal(F.events, 2);
	assert_int_equal(F.answered[1], 0);
	end();
	assert_int_equal(seen_count, 1);
	assert_string_equal(seen[0], ANSWER("ev_1", "200"));
}

/* What nobody understands costs nothing; what can only be refused is refused here. */
static void serve_odd(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (!peer_greet(fd))
		return;
	peer_event(fd, 1, "early");
	peer_say(fd, "{\"type\":\"start\",\"version\":1,\"data\":{}}");
	peer_say(fd, "{\"type\":\"notice\",\"version\":1,\"data\":{}}");
	peer_say(fd, "{\"type\":\"start\",\"version\":9}");
	peer_say(fd, "no JSON");
	peer_say(fd, "{\"type\":\"error\",\"data\":\"slow down\"}");
	peer_say(fd, EVENT("\"method\":\"POST\",\"body\":\"\""));
	peer_frame(fd, 1, true, "\xff\xfe", 2);
	peer_say(fd, EVENT("\"id\":\"get\",\"method\":\"GET\",\"body\":\"\""));
	peer_say(fd, EVENT("\"id\":\"b64\",\"method\":\"POST\",\"body\":\"*\""));
	peer_event(fd, 1, "good");
	peer_note_answers(fd);
}

static void answer_and_end(void)
{
	answer_last(200);
	later(100, end_story);
}

static void test_odd_peer(void **state)
{
	(void)state;
	play(serve_odd, answer_and_end, (struct relay_options){ 0 }, 5000);
	assert_int_equal(F.events, 1);
	assert_string_equal(F.id[0], "good");
	end();
	assert_int_equal(seen_count, 3);
	assert_string_equal(seen[0], ANSWER("get", "405"));
	assert_string_equal(seen[1], ANSWER("b64", "400"));
	assert_string_equal(seen[2], ANSWER("good", "200"));
}

/* ---- coming back ------------------------------------------------------------------------- */

static void serve_close(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (peer_open(fd))
		peer_close(fd, 1012);
}

/* Waits of about 0.5, 1 and 2 s: four connections at most in three seconds, and more than one. */
static void test_comes_back(void **state)
{
	(void)state;
	play(serve_close, NULL, (struct relay_options){ 0 }, 2800);
	assert_in_range(peer_connections(F.peer), 2, 4);
	assert_false(relay_serving(F.relay));
	end();
}

static void serve_refuse_code(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (peer_greet(fd))
		peer_close(fd, 1008);
}

static void serve_refuse_private(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (peer_greet(fd))
		peer_close(fd, 4401);
}

static void serve_refuse_frame(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (!peer_greet(fd))
		return;
	peer_say(fd, "{\"type\":\"error\",\"version\":1,\"data\":{\"message\":\"bad token\"}}");
	peer_say(fd, "{\"type\":\"start\",\"version\":1}");
	peer_event(fd, 1, "ev_1");
	peer_note_answers(fd);
}

static void serve_other_version(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)nth, (void)ctx;
	if (!peer_greet(fd))
		return;
	peer_say(fd, "{\"type\":\"start\",\"version\":2}");
	peer_event(fd, 1, "ev_1");
	peer_note_answers(fd);
}

/* Nothing that patience mends: not hammered. (Else there would be two connections at the least.) */
static void test_refused(void **state)
{
	static void (*const stories[])(struct peer *, int, int, void *) = {
		serve_refuse_code,
		serve_refuse_private,
		serve_refuse_frame,
		serve_other_version,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(stories); i++) {
		play(stories[i], NULL, (struct relay_options){ 0 }, 1500);
		assert_int_equal(peer_connections(F.peer), 1);
		assert_int_equal(F.events, 0);
		assert_false(relay_serving(F.relay));
		end();
	}
}

static void serve_silent_start(struct peer *peer, int fd, int nth, void *ctx)
{
	(void)peer, (void)ctx;
	if (nth > 0) {
		serve_two(peer, fd, nth, ctx);
		return;
	}
	if (peer_greet(fd))
		peer_note_answers(fd);
}

static void end_at_two(void)
{
	answer_last(200);
	if (F.events == 2)
		later(50, end_story);
}

static void test_no_start(void **state)
{
	(void)state;
	play(serve_silent_start, end_at_two, (struct relay_options){ .start_ms = 100 }, 5000);
	assert_int_equal(F.events, 2);
	assert_int_equal(peer_connections(F.peer), 2);
	end();
}

/* Takes no part any more, and nobody says so: only the missing pong tells. */
static void serve_half_dead(struct peer *peer, int fd, int nth, void *ctx)
{
	if (nth > 0) {
		serve_two(peer, fd, nth, ctx);
		return;
	}
	if (peer_open(fd))
		peer_until_closed(fd);
}

static void test_half_dead(void **state)
{
	(void)state;
	play(serve_half_dead, end_at_two, (struct relay_options){ .ping_ms = 50, .dead_ms = 200 },
		5000);
	assert_int_equal(F.events, 2);
	assert_int_equal(peer_connections(F.peer), 2);
	end();
}

static void test_nobody_there(void **state)
{
	struct relay_options options = { .token = TOKEN, .on_event = on_event };
	char url[64];

	(void)state;
	memset(&F, 0, sizeof(F));
	F.io = options.io = io_create(NULL);
	snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", peer_free_port());
	options.url = url;
	F.relay = relay_create(&options);
	F.limit = io_timer_create(F.io, stop_now, NULL);
	stop_hook = (struct io_hook){ .stop = on_stop };
	io_on_stop(F.io, &stop_hook);
	io_timer_start(F.limit, 1200);
	relay_start(F.relay);
	io_run(F.io);
	assert_false(relay_serving(F.relay));
	relay_destroy(F.relay);
	assert_true(io_destroy(F.io));
}

/* ---- back-pressure and the end ----------------------------------------------------------- */

static void go_on(void)
{
	assert_int_equal(F.events, 1);
	answer_last(200);
	relay_resume(F.relay);
	later(100, end_story);
}

static void pause_at_one(void)
{
	if (F.events > 1) {
		answer_last(200);
		return;
	}
	relay_pause(F.relay);
	later(200, go_on);
}

static void test_pause(void **state)
{
	(void)state;
	play(serve_two, pause_at_one, (struct relay_options){ 0 }, 5000);
	assert_int_equal(F.events, 2);
	end();
	assert_int_equal(seen_count, 2);
}

static void busy_and_stop(void)
{
	if (F.events < 2)
		return;
	assert_int_equal(relay_answer(F.relay, F.generation[0], "ev_1", 503), 0);
	assert_int_equal(relay_answer(F.relay, F.generation[1], "ev_2", 503), 0);
	io_stop(F.io);
}

static void test_stop(void **state)
{
	(void)state;
	play(serve_two, busy_and_stop, (struct relay_options){ 0 }, 5000);
	assert_int_equal(relay_answer(F.relay, F.generation[1], "ev_2", 200), -ENOTCONN);
	end();
	assert_int_equal(seen_count, 2);
	assert_string_equal(seen[1], ANSWER("ev_2", "503"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_frame),
		cmocka_unit_test(test_odd_frames),
		cmocka_unit_test(test_header_twice),
		cmocka_unit_test(test_long_id),
		cmocka_unit_test(test_our_frames),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_served),
		cmocka_unit_test(test_old_connection),
		cmocka_unit_test(test_odd_peer),
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_start),
		cmocka_unit_test(test_half_dead),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
