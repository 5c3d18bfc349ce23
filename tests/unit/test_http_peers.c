/* The HTTP server among peers that take their time, go away, or come all at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/http/room.h"
#include "tests/unit/support_http.h"
#include "tests/unit/support_peer.h"

/* ---- time --------------------------------------------------------------------------------- */

static bool closed(int fd)
{
	char rest[512];

	return http_read_all(fd, rest, sizeof(rest)) && !rest[0];
}

/* A byte each 40 ms: never idle, never done. */
static void drip(int nth, const char *begin)
{
	int fd = http_dial();
	int64_t at = clock_monotonic_ms();

	if (begin)
		peer_print(fd, "%s", begin);
	for (int i = 0; i < 100; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, 40) || !peer_write(fd, "a", 1))
			break;
	}
	http_hear_all(fd, nth);
	http_stage.heard[nth].took_ms = clock_monotonic_ms() - at;
	close(fd);
}

static void story_drip(void)
{
	drip(0, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n"); /* the body */
	drip(1, "GET /echo HTTP/1.1\r\n" HOST "X-Long: ");                     /* the head */
	drip(2, NULL);                                                        /* the first line */
	drip(3, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfff\r\n");
	/* The second request of a connection. */
	drip(4, "GET /echo HTTP/1.1\r\n" HOST "\r\nPOST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
	/* Nothing at all. */
	int fd = http_dial();
	int64_t at = clock_monotonic_ms();
	http_stage.heard[5].ended = closed(fd);
	http_stage.heard[5].took_ms = clock_monotonic_ms() - at;
	close(fd);
	/* Nothing more after an answer. */
	fd = http_dial();
	peer_print(fd, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	http_hear_one(fd, 6);
	at = clock_monotonic_ms();
	http_stage.heard[6].ended = closed(fd);
	http_stage.heard[6].took_ms = clock_monotonic_ms() - at;
	close(fd);
}

static void test_drip(void **state)
{
	(void)state;
	http_prepare();
	http_stage.config.http.deadline_ms = HTTP_SHORT_MS;
	http_play(story_drip);
	http_refusal_is(0, 408);
	http_refusal_is(1, 408);
	assert_string_equal(http_stage.heard[2].text, "");
	http_refusal_is(3, 408);
	for (int i = 0; i < 7; i++) {
		assert_true(http_stage.heard[i].ended);
		assert_true(http_stage.heard[i].took_ms >= HTTP_SHORT_MS * 3 / 4);
		assert_true(http_stage.heard[i].took_ms < 3000);
	}
	assert_non_null(strstr(http_stage.heard[4].text, "HTTP/1.1 408 "));
	http_heard_is(6, 200);
	assert_int_equal(http_stage.calls, 2);
	http_finish();
}

static void story_late(void)
{
	int fd = http_dial();
	int64_t at = clock_monotonic_ms();

	peer_print(fd, "POST /keep HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na");
	http_hear_one(fd, 0);
	http_stage.heard[0].took_ms = clock_monotonic_ms() - at;
	peer_print(fd, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	http_hear_one(fd, 1);
	close(fd);
}

/* Longer than the deadline, which is for the request. */
static void test_late_answer(void **state)
{
	(void)state;
	http_prepare();
	http_stage.config.http.deadline_ms = HTTP_SHORT_MS;
	http_stage.later_ms = 1000;
	http_play(story_late);
	http_heard_is(0, 202);
	http_heard_has(0, "\r\n\r\nlater");
	http_heard_has(0, "\r\nContent-Type: text/plain; charset=utf-8\r\n");
	assert_true(http_stage.heard[0].took_ms >= 990 && http_stage.heard[0].took_ms < 1500);
	http_heard_is(1, 200);
	http_finish();
}

static void story_silence(void)
{
	int fd = http_dial();

	peer_print(fd, "POST /keep HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	http_hear_all(fd, 0);
	close(fd);
	/* The route comes round to it when all is over for the peer. */
	peer_sleep(300);
	http_ask(1, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
}

static void test_no_answer(void **state)
{
	(void)state;
	http_prepare();
	http_stage.later_ms = 800;
	http_open();
	http_stage.server->answer_ms = 300;
	http_stage.server->sweep_ms = 20;
	http_play(story_silence);
	http_refusal_is(0, 503);
	http_heard_has(0, "No answer in time");
	http_heard_is(1, 200);
	http_finish();
}

static bool shut_out;

/* Asks and asks, and reads nothing: its connection is closed, others are not disturbed. How soon is the kernel's affair,
 * which keeps megabytes of answers for it. */
static void story_reads_nothing(void)
{
	static const char get[] = "GET /echo HTTP/1.1\r\n" HOST "\r\n";
	int fd = http_dial(), small = 1024;
	int64_t at = clock_monotonic_ms();

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	while (!shut_out && clock_monotonic_ms() - at < 60000) {
		ssize_t n = send(fd, get, sizeof(get) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);

		shut_out = n < 0 && errno != EAGAIN;
		if (n < 0)
			peer_sleep(10);
	}
	close(fd);
	http_ask(1, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
}

static void test_peer_that_reads_nothing(void **state)
{
	(void)state;
	http_prepare();
	http_stage.config.http.deadline_ms = HTTP_SHORT_MS;
	shut_out = false;
	http_play(story_reads_nothing);
	assert_true(shut_out);
	http_heard_is(1, 200);
	http_finish();
}

static void story_gone(void)
{
	for (int i = 0; i < 20; i++) {
		int fd = http_dial();

		peer_print(fd, "POST /keep HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na");
		while (http_stage.arrived <= i)
			peer_sleep(1);
		if (i % 2) {
			struct linger reset = { .l_onoff = 1 };

			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		}
		close(fd);
	}
	/* Goes away with half a request said. */
	int fd = http_dial();
	peer_print(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\na");
	close(fd);
	peer_sleep(400);
	http_ask(0, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
}

static void test_peer_gone_before_the_answer(void **state)
{
	(void)state;
	http_prepare();
	http_stage.later_ms = 200;
	http_play(story_gone);
	assert_int_equal(http_stage.kept_count, 0);
	http_heard_is(0, 200);
	assert_int_equal(http_stage.calls, 1);
	http_finish();
}

/* ---- many --------------------------------------------------------------------------------- */

static int refused_of_many;

static void story_per_ip(void)
{
	int fd[8];

	for (int i = 0; i < 8; i++) {
		fd[i] = http_dial();
		peer_sleep(10);
	}
	for (int i = 0; i < 8; i++) {
		peer_print(fd[i], "GET /echo HTTP/1.1\r\n" HOST "\r\n");
		if (!http_read_one(fd[i], http_stage.heard[i].text, sizeof(http_stage.heard[i].text)))
			refused_of_many++;
	}
	for (int i = 0; i < 8; i++)
		close(fd[i]);
	peer_sleep(50);
	http_ask(8, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
}

static void test_per_ip(void **state)
{
	(void)state;
	http_prepare();
	http_stage.config.http.connections_per_ip = 5;
	refused_of_many = 0;
	http_play(story_per_ip);
	assert_int_equal(refused_of_many, 3);
	assert_int_equal(http_stage.calls, 6);
	http_heard_is(8, 200);
	http_finish();
}

#define MANY 150
static int served;

/* All at once, each with a request that waits; with room for a few only, the others wait to be accepted. */
static void story_many(void)
{
	static int fd[MANY];
	static char answer[4096];

	for (int i = 0; i < MANY; i++)
		fd[i] = http_dial();
	for (int i = 0; i < MANY; i++)
		peer_print(fd[i], "POST /keep HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: 3\r\n\r\nabc");
	for (int i = 0; i < MANY; i++) {
		if (http_read_all(fd[i], answer, sizeof(answer)) && strstr(answer, " 202 ") && strstr(answer, "later"))
			served++;
		close(fd[i]);
	}
}

static void many(int room)
{
	http_prepare();
	http_stage.config.http.connections = room;
	http_stage.later_ms = 30;
	served = 0;
	http_play(story_many);
	assert_int_equal(served, MANY);
	assert_int_equal(http_stage.arrived, MANY);
	http_finish();
}

static void test_many(void **state)
{
	(void)state;
	many(MANY);
	many(60);
}

/* Requests and answers in every order, with peers that come and go. */
static void *storm(void *ctx)
{
	unsigned seed = (unsigned)(uintptr_t)ctx;
	static const char whole[] = "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcde";
	static _Thread_local char answer[4096];

	for (int i = 0; i < 150; i++) {
		int fd = http_dial();
		size_t n = (size_t)rand_r(&seed) % sizeof(whole);

		if (rand_r(&seed) % 3 == 0)
			peer_print(fd, "POST /keep HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
		peer_write(fd, whole, n);
		if (rand_r(&seed) % 4 == 0)
			shutdown(fd, SHUT_WR);
		if (n == sizeof(whole) - 1 && rand_r(&seed) % 2)
			http_read_one(fd, answer, sizeof(answer));
		close(fd);
	}
	return NULL;
}

/* Until the routes have been asked nothing new for a while: longer than on_later takes. */
static void quiet(void)
{
	for (int before = -1; before != http_stage.arrived;) {
		before = http_stage.arrived;
		peer_sleep(300);
	}
}

static void story_storm(void)
{
	pthread_t thread[4];

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, storm, (void *)(i + 1));
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	/* What they left behind is accepted first. */
	http_ask(0, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	quiet();
}

static void test_storm(void **state)
{
	(void)state;
	http_prepare();
	http_stage.later_ms = 3;
	http_play(story_storm);
	http_heard_is(0, 200);
	assert_int_equal(http_stage.kept_count, 0);
	http_finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drip),
		cmocka_unit_test(test_late_answer),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_peer_that_reads_nothing),
		cmocka_unit_test(test_peer_gone_before_the_answer),
		cmocka_unit_test(test_per_ip),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
