#include "tests/unit/support_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/io.h"
#include "tests/unit/support_peer.h"

#define STORY_MS 8000 /* no read waits longer */

struct http_stage http_stage;

static struct {
	struct io *io;
	struct clock clock;
	struct io_wake done;
	struct io_timer *later;
	void (*story)(void);
	pthread_t thread;
} T;

/* ---- routes ------------------------------------------------------------------------------- */

static void copy(char *out, const char *value)
{
	snprintf(out, 64, "%s", value ? value : "(null)");
}

static void on_echo(void *ctx, struct http_request *r)
{
	const char *body = http_request_body(r, &http_stage.body_len);

	assert_ptr_equal(ctx, &http_stage);
	assert_true(http_stage.body_len <= HTTP_BODY_MAX);
	assert_int_equal(body[http_stage.body_len], 0);
	memcpy(http_stage.body, body, http_stage.body_len + 1);
	copy(http_stage.header, http_request_header(r, "x-HOOK-identifier"));
	copy(http_stage.absent, http_request_header(r, "x-absent"));
	copy(http_stage.peer, http_request_peer(r));
	http_stage.calls++;
	http_answer_header(r, "X-More", "yes");
	http_answer_header(r, "X-Split", "a\r\nSet-Cookie: b");
	http_answer(r, 200, "application/json", "{\"ok\":true}");
}

static void on_later(void *ctx)
{
	(void)ctx;
	for (int i = 0; i < http_stage.kept_count; i++)
		http_answer(http_stage.kept[i], 202, NULL, "later");
	http_stage.kept_count = 0;
}

static void on_keep(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_stage.kept[http_stage.kept_count++] = r;
	http_stage.arrived++;
	if (http_stage.later_ms >= 0)
		io_timer_start(T.later, http_stage.later_ms);
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
	T.story();
	io_wake_send(&T.done);
	return NULL;
}

static void on_done(void *ctx)
{
	(void)ctx;
	io_stop(T.io);
}

static void on_stop(void *ctx)
{
	(void)ctx;
	io_timer_destroy(T.later);
}
static struct io_hook hook = { .stop = on_stop };

void http_prepare(void)
{
	memset(&T, 0, sizeof(T));
	memset(&http_stage, 0, sizeof(http_stage));
	clock_init_system(&T.clock);
	T.io = io_create(NULL);
	http_stage.host = (struct adapter_host){ .io = T.io, .clock = &T.clock };
	T.later = io_timer_create(T.io, on_later, NULL);
	io_on_stop(T.io, &hook);
	io_wake_init(T.io, &T.done, on_done, NULL);
	http_stage.config.http.listen = "127.0.0.1:0";
	http_stage.config.http.body_max = HTTP_BODY_MAX;
	http_stage.config.http.connections = 300;
	http_stage.config.http.connections_per_ip = 300;
	http_stage.config.http.deadline_ms = HTTP_DEADLINE_MS;
}

void http_open(void)
{
	struct error err = { 0 };

	http_stage.server = http_server_create(&http_stage.config, &http_stage.host);
	assert_non_null(http_stage.server);
	http_server_route(http_stage.server, "POST", "/echo", on_echo, &http_stage);
	http_server_route(http_stage.server, "GET", "/echo", on_echo, &http_stage);
	http_server_route(http_stage.server, "POST", "/keep", on_keep, NULL);
	http_server_route(http_stage.server, "GET", "/no", on_no, NULL);
	http_server_route(http_stage.server, "PUT", "/nothing", on_nothing, NULL);
	if (adapter_start(http_server_adapter(http_stage.server), &err))
		fail_msg("%s", err.text);
	assert_true(http_server_port(http_stage.server) > 0);
}

void http_finish(void)
{
	struct adapter *a = http_server_adapter(http_stage.server);

	a->destroy(a);
	assert_true(io_destroy(T.io));
}

void http_play(void (*story)(void))
{
	if (!http_stage.server)
		http_open();
	T.story = story;
	assert_int_equal(pthread_create(&T.thread, NULL, story_run, NULL), 0);
	io_run(T.io);
	pthread_join(T.thread, NULL);
}

int http_dial(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(http_stage.server)) };
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

bool http_read_all(int fd, char *out, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, out + n, size - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	return got == 0 || (got < 0 && errno == ECONNRESET);
}

bool http_read_one(int fd, char *out, size_t size)
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

void http_hear_all(int fd, int nth)
{
	http_stage.heard[nth].ended =
		http_read_all(fd, http_stage.heard[nth].text, sizeof(http_stage.heard[nth].text));
}

void http_hear_one(int fd, int nth)
{
	http_stage.heard[nth].ended =
		http_read_one(fd, http_stage.heard[nth].text, sizeof(http_stage.heard[nth].text));
}

void http_ask(int nth, const char *request)
{
	int fd = http_dial();
	int64_t begin = clock_monotonic_ms();

	peer_write(fd, request, strlen(request));
	http_hear_all(fd, nth);
	http_stage.heard[nth].took_ms = clock_monotonic_ms() - begin;
	close(fd);
}

void http_heard_is(int nth, int status)
{
	char start[32];

	snprintf(start, sizeof(start), "HTTP/1.1 %d ", status);
	if (strncmp(http_stage.heard[nth].text, start, strlen(start)) != 0)
		fail_msg("answer %d: %d expected, not\n%s", nth, status, http_stage.heard[nth].text);
}

void http_heard_has(int nth, const char *text)
{
	if (!strcasestr(http_stage.heard[nth].text, text))
		fail_msg("answer %d: no \"%s\" in\n%s", nth, text, http_stage.heard[nth].text);
}

void http_refusal_is(int nth, int status)
{
	http_heard_is(nth, status);
	http_heard_has(nth, "\r\nConnection: close\r\n");
	http_heard_has(nth, "\r\nX-Content-Type-Options: nosniff\r\n");
	http_heard_has(nth, "\r\nCache-Control: no-store\r\n");
	assert_true(http_stage.heard[nth].ended);
}
