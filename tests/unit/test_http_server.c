/*
 * The HTTP server, by raw sockets: each test is a plain blocking story on a thread of its own, the loop is the test's.
 * What a story finds is judged after the loop has ended, as cmocka's assertions work on the test's thread alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/config.h"
#include "adapters/http/room.h"
#include "adapters/http/server.h"
#include "adapters/io.h"
#include "tests/unit/support_peer.h"

#define BODY_MAX    20000
#define DEADLINE_MS 3000 /* where it is not what is tested: a busy machine must not matter */
#define SHORT_MS    400
#define STORY_MS    8000 /* no read waits longer */

static struct {
	struct io *io;
	struct clock clock;
	struct adapter_host host;
	struct config config;
	struct http_server *server;
	struct io_wake done;
	void (*story)(void);
	pthread_t thread;
	/* What the routes saw. */
	size_t body_len;
	int calls;
	char body[BODY_MAX + 1], header[64], query[64], flag[64], absent[64], peer[64];
	/* Requests that a route kept. */
	struct http_request *kept[300];
	int kept_count;
	struct io_timer *later;
	int later_ms;
	atomic_int arrived;
} F;

/* ---- routes ------------------------------------------------------------------------------- */

static void copy(char *out, const char *value)
{
	snprintf(out, 64, "%s", value ? value : "(null)");
}

static void on_echo(void *ctx, struct http_request *r)
{
	const char *body = http_request_body(r, &F.body_len);

	assert_ptr_equal(ctx, &F);
	assert_true(F.body_len <= BODY_MAX);
	assert_int_equal(body[F.body_len], 0);
	memcpy(F.body, body, F.body_len + 1);
	copy(F.header, http_request_header(r, "x-HOOK-identifier"));
	copy(F.query, http_request_query(r, "name"));
	copy(F.flag, http_request_query(r, "flag"));
	copy(F.absent, http_request_query(r, "absent"));
	copy(F.peer, http_request_peer(r));
	F.calls++;
	http_answer_header(r, "X-More", "yes");
	if (strcmp(F.query, "(null)") != 0)
		http_answer_header(r, "X-Split", "a\r\nSet-Cookie: b");
	http_answer(r, 200, "application/json", "{\"ok\":true}");
}

static void on_later(void *ctx)
{
	(void)ctx;
	for (int i = 0; i < F.kept_count; i++)
		http_answer(F.kept[i], 202, NULL, "later");
	F.kept_count = 0;
}

static void on_keep(void *ctx, struct http_request *r)
{
	(void)ctx;
	F.kept[F.kept_count++] = r;
	F.arrived++;
	if (F.later_ms >= 0)
		io_timer_start(F.later, F.later_ms);
}

static void on_no(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_answer(r, 401, NULL, "no");
}

static void on_nothing(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_answer(r, 204, NULL, NULL);
}

/* ---- the stage ---------------------------------------------------------------------------- */

static void *story_run(void *ctx)
{
	(void)ctx;
	F.story();
	io_wake_send(&F.done);
	return NULL;
}

static void on_done(void *ctx)
{
	(void)ctx;
	io_stop(F.io);
}

static void on_stop(void *ctx)
{
	(void)ctx;
	io_timer_destroy(F.later);
}
static struct io_hook hook = { .stop = on_stop };

static void prepare(void)
{
	memset(&F, 0, sizeof(F));
	clock_init_system(&F.clock);
	F.io = io_create(NULL);
	F.host = (struct adapter_host){ .io = F.io, .clock = &F.clock };
	F.later = io_timer_create(F.io, on_later, NULL);
	io_on_stop(F.io, &hook);
	io_wake_init(F.io, &F.done, on_done, NULL);
	F.config.http.listen = "127.0.0.1:0";
	F.config.http.body_max = BODY_MAX;
	F.config.http.connections = 300;
	F.config.http.connections_per_ip = 300;
	F.config.http.deadline_ms = DEADLINE_MS;
}

static void open_server(void)
{
	struct error err = { 0 };

	F.server = http_server_create(&F.config, &F.host);
	assert_non_null(F.server);
	http_server_route(F.server, "POST", "/echo", on_echo, &F);
	http_server_route(F.server, "GET", "/echo", on_echo, &F);
	http_server_route(F.server, "POST", "/keep", on_keep, NULL);
	http_server_route(F.server, "GET", "/no", on_no, NULL);
	http_server_route(F.server, "PUT", "/nothing", on_nothing, NULL);
	if (adapter_start(http_server_adapter(F.server), &err))
		fail_msg("%s", err.text);
	assert_true(http_server_port(F.server) > 0);
}

static void finish(void)
{
	struct adapter *a = http_server_adapter(F.server);

	a->destroy(a);
	assert_true(io_destroy(F.io));
}

static void play(void (*story)(void))
{
	if (!F.server)
		open_server();
	F.story = story;
	assert_int_equal(pthread_create(&F.thread, NULL, story_run, NULL), 0);
	io_run(F.io);
	pthread_join(F.thread, NULL);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int client(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(F.server)) };
	struct timeval wait = { .tv_sec = STORY_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What comes until the peer closes. False: it did not. */
static bool read_all(int fd, char *out, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, out + n, size - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	return got == 0 || (got < 0 && errno == ECONNRESET);
}

/* One answer with Content-Length. */
static bool read_one(int fd, char *out, size_t size)
{
	size_t n = 0, want = 0;
	ssize_t got;

	while (n < size - 1 && (got = read(fd, out + n, 1)) == 1) {
		out[++n] = '\0';
		if (want && n == want)
			return true;
		if (!want && n > 4 && !strcmp(out + n - 4, "\r\n\r\n")) {
			const char *length = strcasestr(out, "\r\nContent-Length:");
			want = n + (length ? (size_t)atoi(length + 17) : 0);
			if (want == n)
				return true;
		}
	}
	return false;
}

static bool closed(int fd)
{
	char rest[512];

	return read_all(fd, rest, sizeof(rest)) && !rest[0];
}

static char answers[64][4096];
static bool ended[64];
static int64_t took[64];

/* Sends the text on a connection of its own and reads until the server closes it. */
static void ask_n(int nth, const char *request, size_t n)
{
	int fd = client();
	int64_t begin = now_ms();

	peer_write(fd, request, n);
	ended[nth] = read_all(fd, answers[nth], sizeof(answers[nth]));
	took[nth] = now_ms() - begin;
	close(fd);
}

static void ask(int nth, const char *request)
{
	ask_n(nth, request, strlen(request));
}

static void answer_is(int nth, int status)
{
	char start[32];

	snprintf(start, sizeof(start), "HTTP/1.1 %d ", status);
	if (strncmp(answers[nth], start, strlen(start)) != 0)
		fail_msg("answer %d: %d expected, not\n%s", nth, status, answers[nth]);
}

static void answer_has(int nth, const char *text)
{
	if (!strcasestr(answers[nth], text))
		fail_msg("answer %d: no \"%s\" in\n%s", nth, text, answers[nth]);
}

/* Our own refusals: whole, and the connection closed. */
static void refusal_is(int nth, int status)
{
	answer_is(nth, status);
	answer_has(nth, "\r\nConnection: close\r\n");
	answer_has(nth, "\r\nX-Content-Type-Options: nosniff\r\n");
	answer_has(nth, "\r\nCache-Control: no-store\r\n");
	assert_true(ended[nth]);
}

#define HOST "Host: x\r\n"

/* ---- what works --------------------------------------------------------------------------- */

static void story_keep_alive(void)
{
	int fd = client();

	for (int i = 0; i < 3; i++) {
		peer_print(fd, "POST /echo?name=a%%20b+c&flag&x=1 HTTP/1.1\r\n" HOST
			"X-Hook-Identifier: %d\r\nContent-Length: 4\r\n\r\nab%dd", i, i);
		ended[i] = read_one(fd, answers[i], sizeof(answers[i]));
	}
	close(fd);
}

static void test_keep_alive(void **state)
{
	(void)state;
	prepare();
	play(story_keep_alive);
	for (int i = 0; i < 3; i++) {
		assert_true(ended[i]);
		answer_is(i, 200);
		answer_has(i, "\r\nContent-Type: application/json\r\n");
		answer_has(i, "\r\nX-Content-Type-Options: nosniff\r\n");
		answer_has(i, "\r\nCache-Control: no-store\r\n");
		answer_has(i, "\r\nX-More: yes\r\n");
		assert_null(strstr(answers[i], "Set-Cookie"));
		assert_null(strcasestr(answers[i], "Connection: close"));
		answer_has(i, "\r\n\r\n{\"ok\":true}");
	}
	assert_int_equal(F.calls, 3);
	assert_string_equal(F.body, "ab2d");
	assert_string_equal(F.header, "2");
	assert_string_equal(F.query, "a b c");
	assert_string_equal(F.flag, "");
	assert_string_equal(F.absent, "(null)");
	assert_string_equal(F.peer, "127.0.0.1");
	finish();
}

static void story_pipeline(void)
{
	int fd = client();

	peer_print(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\none"
		"POST /keep HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"
		"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nth\r\n3\r\nree\r\n0\r\n\r\n"
		"GET /no HTTP/1.1\r\n" HOST "\r\n");
	for (int i = 0; i < 3; i++)
		ended[i] = read_one(fd, answers[i], sizeof(answers[i]));
	ended[3] = read_all(fd, answers[3], sizeof(answers[3]));
	close(fd);
}

static void test_pipeline(void **state)
{
	(void)state;
	prepare();
	F.later_ms = 100;
	play(story_pipeline);
	answer_is(0, 200);
	answer_is(1, 202);
	answer_is(2, 200);
	refusal_is(3, 401);
	assert_int_equal(F.calls, 2);
	assert_string_equal(F.body, "three");
	finish();
}

static void story_pieces(void)
{
	static const char head[] = "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 40\r\nConnection: close\r\n\r\n";
	int fd = client();

	for (size_t i = 0; i < sizeof(head) - 1; i++)
		peer_write(fd, head + i, 1);
	for (int i = 0; i < 40; i++) {
		peer_write(fd, i == 20 ? "\0" : "x", 1);
		peer_sleep(2);
	}
	ended[0] = read_all(fd, answers[0], sizeof(answers[0]));
	close(fd);
}

static void test_pieces(void **state)
{
	(void)state;
	prepare();
	play(story_pieces);
	answer_is(0, 200);
	assert_true(ended[0]);
	assert_int_equal(F.body_len, 40);
	assert_memory_equal(F.body, "xxxxxxxxxxxxxxxxxxxx\0xxxxxxxxxxxxxxxxxxx", 40);
	finish();
}

static void story_head(void)
{
	int fd = client();

	peer_print(fd, "HEAD /echo HTTP/1.1\r\n" HOST "\r\n");
	peer_sleep(100);
	ssize_t n = recv(fd, answers[0], sizeof(answers[0]) - 1, 0);
	answers[0][n > 0 ? n : 0] = '\0';
	peer_print(fd, "PUT /nothing HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	ended[1] = read_one(fd, answers[1], sizeof(answers[1]));
	close(fd);
	ask(2, "HEAD /nowhere HTTP/1.1\r\n" HOST "\r\n");
	ask(3, "GET /echo HTTP/1.0\r\n\r\n");
}

static void test_head(void **state)
{
	(void)state;
	prepare();
	play(story_head);
	answer_is(0, 200);
	answer_has(0, "\r\nContent-Length: 11\r\n");
	assert_null(strstr(answers[0], "{\"ok\""));
	answer_is(1, 204);
	refusal_is(2, 404);
	assert_string_equal(strstr(answers[2], "\r\n\r\n"), "\r\n\r\n");
	assert_true(ended[3]);
	assert_non_null(strstr(answers[3], " 200 OK\r\n"));
	finish();
}

static void story_expect(void)
{
	int fd = client();

	peer_print(fd, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	ended[0] = read_one(fd, answers[0], sizeof(answers[0]));
	peer_print(fd, "hi");
	ended[1] = read_one(fd, answers[1], sizeof(answers[1]));
	close(fd);
	ask(2, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 20001\r\n\r\n");
}

static void test_expect(void **state)
{
	(void)state;
	prepare();
	play(story_expect);
	answer_is(0, 100);
	answer_is(1, 200);
	refusal_is(2, 413);
	assert_string_equal(F.body, "hi");
	finish();
}

/* ---- what is refused ---------------------------------------------------------------------- */

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
		ask((int)i, bad[i].request);
}

static void test_bad(void **state)
{
	(void)state;
	prepare();
	play(story_bad);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		refusal_is((int)i, bad[i].status);
		answer_has((int)i, bad[i].has);
		/* One answer, and nothing of what came behind was taken for a request. */
		assert_null(strstr(answers[i] + 1, "HTTP/1.1"));
		assert_true(took[i] < LINGER_MS); /* the end is said at once, not when we are done throwing away */
	}
	assert_int_equal(F.calls, 0);
	finish();
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
		ask((int)i, garbage[i]);
}

static void test_garbage(void **state)
{
	(void)state;
	prepare();
	F.config.http.deadline_ms = SHORT_MS;
	play(story_garbage);
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		if (strstr(answers[i], "HTTP/1.1 2"))
			fail_msg("garbage %zu was answered\n%s", i, answers[i]);
		assert_true(ended[i]);
	}
	assert_int_equal(F.calls, 0);
	finish();
}

static void story_large_head(void)
{
	static char request[40000];
	int n = snprintf(request, sizeof(request), "GET /echo HTTP/1.1\r\n" HOST);

	while (n < 30000)
		n += snprintf(request + n, sizeof(request) - (size_t)n, "X-Filler-%d: abcdefghijklmnopqrstuvwxyz\r\n", n);
	snprintf(request + n, sizeof(request) - (size_t)n, "\r\n");
	ask(0, request);
}

static void test_large_head(void **state)
{
	(void)state;
	prepare();
	play(story_large_head);
	assert_true(ended[0]);
	assert_null(strstr(answers[0], " 200 "));
	assert_int_equal(F.calls, 0);
	finish();
}

/* The peer goes on sending after the refusal, and still gets to read it. */
static void story_too_large_while_it_streams(void)
{
	static char block[1000];
	int fd = client();

	memset(block, 'a', sizeof(block));
	peer_print(fd, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 200; i++) {
		if (!peer_print(fd, "3e8\r\n") || !peer_write(fd, block, sizeof(block)) || !peer_print(fd, "\r\n"))
			break;
		if (i % 20 == 0)
			peer_sleep(5);
	}
	peer_print(fd, "0\r\n\r\n");
	ended[0] = read_all(fd, answers[0], sizeof(answers[0]));
	close(fd);
	/* As long as is allowed. */
	fd = client();
	peer_print(fd, "POST /echo HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: 20000\r\n\r\n");
	for (int i = 0; i < 20; i++)
		peer_write(fd, block, sizeof(block));
	ended[1] = read_all(fd, answers[1], sizeof(answers[1]));
	close(fd);
}

static void test_too_large_while_it_streams(void **state)
{
	(void)state;
	prepare();
	play(story_too_large_while_it_streams);
	refusal_is(0, 413);
	answer_is(1, 200);
	assert_int_equal(F.calls, 1);
	assert_int_equal(F.body_len, 20000);
	finish();
}

/* Announced as too large and sent nevertheless: answered at once, and the answer is not lost to the bytes on the way. */
static void story_too_large_announced(void)
{
	static char block[1000];
	int fd = client();

	peer_print(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 200000\r\n\r\n");
	for (int i = 0; i < 200 && peer_write(fd, block, sizeof(block)); i++)
		if (i % 20 == 0)
			peer_sleep(5);
	ended[0] = read_all(fd, answers[0], sizeof(answers[0]));
	close(fd);
}

static void test_too_large_announced(void **state)
{
	(void)state;
	prepare();
	play(story_too_large_announced);
	refusal_is(0, 413);
	assert_int_equal(F.calls, 0);
	finish();
}

/* ---- time --------------------------------------------------------------------------------- */

/* A byte each 40 ms: never idle, never done. */
static void drip(int nth, const char *begin)
{
	int fd = client();
	int64_t at = now_ms();

	if (begin)
		peer_print(fd, "%s", begin);
	for (int i = 0; i < 100; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, 40) || !peer_write(fd, "a", 1))
			break;
	}
	ended[nth] = read_all(fd, answers[nth], sizeof(answers[nth]));
	took[nth] = now_ms() - at;
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
	int fd = client();
	int64_t at = now_ms();
	ended[5] = closed(fd);
	took[5] = now_ms() - at;
	close(fd);
	/* Nothing more after an answer. */
	fd = client();
	peer_print(fd, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	read_one(fd, answers[6], sizeof(answers[6]));
	at = now_ms();
	ended[6] = closed(fd);
	took[6] = now_ms() - at;
	close(fd);
}

static void test_drip(void **state)
{
	(void)state;
	prepare();
	F.config.http.deadline_ms = SHORT_MS;
	play(story_drip);
	refusal_is(0, 408);
	refusal_is(1, 408);
	assert_string_equal(answers[2], "");
	refusal_is(3, 408);
	for (int i = 0; i < 7; i++) {
		assert_true(ended[i]);
		assert_true(took[i] >= SHORT_MS * 3 / 4);
		assert_true(took[i] < 3000);
	}
	assert_non_null(strstr(answers[4], "HTTP/1.1 408 "));
	answer_is(6, 200);
	assert_int_equal(F.calls, 2);
	finish();
}

static void story_late(void)
{
	int fd = client();
	int64_t at = now_ms();

	peer_print(fd, "POST /keep HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na");
	ended[0] = read_one(fd, answers[0], sizeof(answers[0]));
	took[0] = now_ms() - at;
	peer_print(fd, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	ended[1] = read_one(fd, answers[1], sizeof(answers[1]));
	close(fd);
}

/* Longer than the deadline, which is for the request. */
static void test_late_answer(void **state)
{
	(void)state;
	prepare();
	F.config.http.deadline_ms = SHORT_MS;
	F.later_ms = 1000;
	play(story_late);
	answer_is(0, 202);
	answer_has(0, "\r\n\r\nlater");
	answer_has(0, "\r\nContent-Type: text/plain; charset=utf-8\r\n");
	assert_true(took[0] >= 990 && took[0] < 1500);
	answer_is(1, 200);
	finish();
}

static void story_silence(void)
{
	int fd = client();

	peer_print(fd, "POST /keep HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	ended[0] = read_all(fd, answers[0], sizeof(answers[0]));
	close(fd);
	/* The route comes round to it when all is over for the peer. */
	peer_sleep(300);
	ask(1, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
}

static void test_no_answer(void **state)
{
	(void)state;
	prepare();
	F.later_ms = 800;
	open_server();
	F.server->answer_ms = 300;
	F.server->sweep_ms = 20;
	play(story_silence);
	refusal_is(0, 503);
	answer_has(0, "No answer in time");
	answer_is(1, 200);
	finish();
}

static bool shut_out;

/* Asks and asks, and reads nothing: its connection is closed, others are not disturbed. How soon is the kernel's affair,
 * which keeps megabytes of answers for it. */
static void story_reads_nothing(void)
{
	static const char get[] = "GET /echo HTTP/1.1\r\n" HOST "\r\n";
	int fd = client(), small = 1024;
	int64_t at = now_ms();

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	while (!shut_out && now_ms() - at < 60000) {
		ssize_t n = send(fd, get, sizeof(get) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);

		shut_out = n < 0 && errno != EAGAIN;
		if (n < 0)
			peer_sleep(10);
	}
	close(fd);
	ask(1, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
}

static void test_peer_that_reads_nothing(void **state)
{
	(void)state;
	prepare();
	F.config.http.deadline_ms = SHORT_MS;
	shut_out = false;
	play(story_reads_nothing);
	assert_true(shut_out);
	answer_is(1, 200);
	finish();
}

static void story_gone(void)
{
	for (int i = 0; i < 20; i++) {
		int fd = client();

		peer_print(fd, "POST /keep HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na");
		while (F.arrived <= i)
			peer_sleep(1);
		if (i % 2) {
			struct linger reset = { .l_onoff = 1 };

			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		}
		close(fd);
	}
	/* Goes away with half a request said. */
	int fd = client();
	peer_print(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\na");
	close(fd);
	peer_sleep(400);
	ask(0, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
}

static void test_peer_gone_before_the_answer(void **state)
{
	(void)state;
	prepare();
	F.later_ms = 200;
	play(story_gone);
	assert_int_equal(F.kept_count, 0);
	answer_is(0, 200);
	assert_int_equal(F.calls, 1);
	finish();
}

/* ---- the end ------------------------------------------------------------------------------ */

static int pending[4];

static void story_pending(void)
{
	pending[0] = client();
	peer_print(pending[0], "POST /keep HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	pending[1] = client();
	peer_print(pending[1], "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nhalf");
	pending[2] = client();
	pending[3] = client();
	peer_print(pending[3], "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	read_one(pending[3], answers[5], sizeof(answers[5]));
	while (!F.arrived)
		peer_sleep(1);
	peer_sleep(100);
}

static void test_stop(void **state)
{
	(void)state;
	prepare();
	F.later_ms = -1;
	play(story_pending);
	for (int i = 0; i < 4; i++) {
		ended[i] = read_all(pending[i], answers[i], sizeof(answers[i]));
		close(pending[i]);
	}
	refusal_is(0, 503);
	answer_has(0, "try again");
	refusal_is(1, 503);
	assert_string_equal(answers[2], "");
	assert_string_equal(answers[3], "");
	for (int i = 0; i < 4; i++)
		assert_true(ended[i]);
	/* Nobody listens any more. */
	assert_int_equal(client(), -1);
	/* The route answers after all, and asks what is gone: nothing happens. */
	size_t n;
	assert_int_equal(F.kept_count, 1);
	assert_null(http_request_header(F.kept[0], "Host"));
	assert_non_null(http_request_body(F.kept[0], &n));
	assert_string_equal(http_request_peer(F.kept[0]), "");
	http_answer_header(F.kept[0], "X-Late", "yes");
	http_answer(F.kept[0], 200, NULL, "too late");
	finish();
}

static void test_stop_with_routes_that_never_answer(void **state)
{
	(void)state;
	prepare();
	F.later_ms = -1;
	play(story_pending);
	for (int i = 0; i < 4; i++)
		close(pending[i]);
	assert_int_equal(F.kept_count, 1);
	finish(); /* takes the request along: address sanitizer would tell */
}

static void story_nothing(void)
{
}

static void test_port_in_use(void **state)
{
	struct error err = { 0 };
	char listen[32];

	(void)state;
	prepare();
	open_server();
	snprintf(listen, sizeof(listen), "127.0.0.1:%d", http_server_port(F.server));
	F.config.http.listen = listen;
	struct http_server *second = http_server_create(&F.config, &F.host);
	struct adapter *a = http_server_adapter(second);
	assert_int_equal(adapter_start(a, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, listen));
	assert_non_null(strstr(err.text, "another program has this port"));
	a->destroy(a);
	/* An address that is not this machine's. */
	F.config.http.listen = "192.0.2.1:80";
	second = http_server_create(&F.config, &F.host);
	a = http_server_adapter(second);
	assert_int_equal(adapter_start(a, &err), -EADDRNOTAVAIL);
	a->destroy(a);
	F.config.http.listen = NULL;
	assert_null(http_server_create(&F.config, &F.host));
	play(story_nothing);
	finish();
}

/* ---- many --------------------------------------------------------------------------------- */

static int refused_of_many;

static void story_per_ip(void)
{
	int fd[8];

	for (int i = 0; i < 8; i++) {
		fd[i] = client();
		peer_sleep(10);
	}
	for (int i = 0; i < 8; i++) {
		peer_print(fd[i], "GET /echo HTTP/1.1\r\n" HOST "\r\n");
		if (!read_one(fd[i], answers[i], sizeof(answers[i])))
			refused_of_many++;
	}
	for (int i = 0; i < 8; i++)
		close(fd[i]);
	peer_sleep(50);
	ask(8, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
}

static void test_per_ip(void **state)
{
	(void)state;
	prepare();
	F.config.http.connections_per_ip = 5;
	refused_of_many = 0;
	play(story_per_ip);
	assert_int_equal(refused_of_many, 3);
	assert_int_equal(F.calls, 6);
	answer_is(8, 200);
	finish();
}

#define MANY 150
static int served;

/* All at once, each with a request that waits; with room for a few only, the others wait to be accepted. */
static void story_many(void)
{
	static int fd[MANY];
	static char answer[4096];

	for (int i = 0; i < MANY; i++)
		fd[i] = client();
	for (int i = 0; i < MANY; i++)
		peer_print(fd[i], "POST /keep HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: 3\r\n\r\nabc");
	for (int i = 0; i < MANY; i++) {
		if (read_all(fd[i], answer, sizeof(answer)) && strstr(answer, " 202 ") && strstr(answer, "later"))
			served++;
		close(fd[i]);
	}
}

static void many(int room)
{
	prepare();
	F.config.http.connections = room;
	F.later_ms = 30;
	served = 0;
	play(story_many);
	assert_int_equal(served, MANY);
	assert_int_equal(F.arrived, MANY);
	finish();
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
		int fd = client();
		size_t n = (size_t)rand_r(&seed) % sizeof(whole);

		if (rand_r(&seed) % 3 == 0)
			peer_print(fd, "POST /keep HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
		peer_write(fd, whole, n);
		if (rand_r(&seed) % 4 == 0)
			shutdown(fd, SHUT_WR);
		if (n == sizeof(whole) - 1 && rand_r(&seed) % 2)
			read_one(fd, answer, sizeof(answer));
		close(fd);
	}
	return NULL;
}

/* Until the routes have been asked nothing new for a while: longer than on_later takes. */
static void quiet(void)
{
	for (int before = -1; before != F.arrived;) {
		before = F.arrived;
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
	ask(0, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	quiet();
}

static void test_storm(void **state)
{
	(void)state;
	prepare();
	F.later_ms = 3;
	play(story_storm);
	answer_is(0, 200);
	assert_int_equal(F.kept_count, 0);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_expect),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_large_head),
		cmocka_unit_test(test_too_large_while_it_streams),
		cmocka_unit_test(test_too_large_announced),
		cmocka_unit_test(test_drip),
		cmocka_unit_test(test_late_answer),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_peer_that_reads_nothing),
		cmocka_unit_test(test_peer_gone_before_the_answer),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_with_routes_that_never_answer),
		cmocka_unit_test(test_port_in_use),
		cmocka_unit_test(test_per_ip),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
