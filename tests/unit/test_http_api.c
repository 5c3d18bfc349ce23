/*
 * The HTTP API: who gets in, what becomes of bodies and of replies. The server and the adapter are the real ones, on a loop
 * of the test's; the core is the test. A story runs on a thread of its own, and what it got is judged when the loop has
 * ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/http/api.h"
#include "adapters/http/api_room.h"
#include "adapters/io.h"
#include "base/arena.h"
#include "incident/doc.h"

#define TOKEN	 "0123456789abcdef-of-the-pipeline"
#define OTHER	 "fedcba9876543210-of-somebody-else"
#define CALLS	 8
#define STORY_MS 8000
#define CHECKOUT "{\"service\":\"checkout\"}"

enum mood { ANSWERS, REFUSES, HOLDS, FULL };

static struct {
	struct io *io;
	struct clock clock;
	struct adapter_host host;
	struct config config, fresh;
	struct http_server *server;
	struct adapter *api;
	struct io_wake done;
	struct io_timer *turn;
	pthread_t thread;
	void (*story)(void);
	enum mood mood;
	const char *code; /* of refusals */
	struct request *held[CALLS];
	size_t held_count, submitted;
	char person[64], operation[64], args[300], key[128];
	size_t keys;
	char answer[CALLS][4000];
	bool reload;
} F;

/* ---- the core ---------------------------------------------------------------------------- */

static bool on_submit(void *ctx, struct request *take)
{
	char *args;

	(void)ctx;
	if (F.mood == FULL)
		return false;
	assert_int_equal(take->source, REQUEST_API);
	assert_int_equal(take->adapter, 3);
	args = json_dumps(take->args, JSON_COMPACT | JSON_SORT_KEYS);
	snprintf(F.args, sizeof(F.args), "%s", args);
	free(args);
	snprintf(F.person, sizeof(F.person), "%s", take->actor.person);
	snprintf(F.operation, sizeof(F.operation), "%s", take->operation);
	snprintf(F.key, sizeof(F.key), "%s", take->key_count ? take->keys[0] : "");
	F.keys = take->key_count;
	F.submitted++;
	F.held[F.held_count++] = take;
	return true;
}

static struct reply reply_of(void)
{
	struct reply r = { .kind = F.mood == REFUSES ? REPLY_REFUSAL : REPLY_MESSAGE };

	r.doc = doc_new(F.mood == REFUSES ? "It may not be." : "So it is.");
	if (F.mood == REFUSES) {
		r.code = F.code;
		r.fields = json_pack("{s:s}", "env", "no such place");
	} else {
		json_object_set_new(r.doc, "data", json_pack("{s:s}", "verdict", "pass"));
	}
	return r;
}

/* Between the loop's callbacks, as answers come from the core's thread. */
static void on_turn(void *ctx)
{
	(void)ctx;
	if (F.reload) {
		F.reload = false;
		api_reconfigure(F.api, &F.fresh);
	}
	for (size_t i = 0; F.mood != HOLDS && i < F.held_count; i++) {
		struct answer *a = answer_create(F.held[i]);

		a->reply = reply_of();
		F.api->answer(F.api, a);
	}
	if (F.mood != HOLDS)
		F.held_count = 0;
	if (!io_stopping(F.io))
		io_timer_start(F.turn, 5);
}

/* ---- the stage --------------------------------------------------------------------------- */

static void on_done(void *ctx)
{
	(void)ctx;
	io_stop(F.io);
}

static void on_stop(void *ctx)
{
	(void)ctx;
	io_timer_destroy(F.turn);
}
static struct io_hook hook = { .stop = on_stop };

static void token_add(struct config *c, const char *name, const char *secret)
{
	c->access.token[c->access.token_count++] =
		(struct access_token){ .name = name, .role = "viewer", .secret = secret };
}

static int stage(void **state)
{
	(void)state;
	memset(&F, 0, sizeof(F));
	clock_init_manual(&F.clock, INT64_C(1772375700000));
	F.io = io_create(NULL);
	F.host = (struct adapter_host){ .io = F.io, .clock = &F.clock, .submit = on_submit };
	F.turn = io_timer_create(F.io, on_turn, NULL);
	io_on_stop(F.io, &hook);
	io_wake_init(F.io, &F.done, on_done, NULL);
	F.config.references = F.fresh.references = 4; /* never freed by a release */
	F.config.http.listen = "127.0.0.1:0";
	F.config.http.body_max = 1 << 20;
	F.config.http.connections = F.config.http.connections_per_ip = 300;
	F.config.http.deadline_ms = STORY_MS;
	F.config.timezone = F.fresh.timezone = "UTC";
	token_add(&F.config, "web", OTHER);
	token_add(&F.config, "ci", TOKEN);
	return 0;
}

static void *story_run(void *ctx)
{
	(void)ctx;
	F.story();
	io_wake_send(&F.done);
	return NULL;
}

static void play(void (*story)(void))
{
	struct error err = { 0 };
	struct adapter *server;

	F.server = http_server_create(&F.config, &F.host);
	F.api = api_create(&F.config, &F.host, F.server);
	F.api->index = 3;
	assert_int_equal(adapter_start(F.api, &err), 0);
	server = http_server_adapter(F.server);
	if (adapter_start(server, &err))
		fail_msg("%s", err.text);
	io_timer_start(F.turn, 5);
	F.story = story;
	assert_int_equal(pthread_create(&F.thread, NULL, story_run, NULL), 0);
	io_run(F.io);
	pthread_join(F.thread, NULL);
	for (size_t i = 0; i < F.held_count; i++)
		F.api->answer(F.api, answer_create(F.held[i])); /* those that come after the end */
	F.api->destroy(F.api);
	server->destroy(server);
	assert_true(io_destroy(F.io));
}

/* ---- the client -------------------------------------------------------------------------- */

static int dial(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(F.server)) };
	struct timeval wait = { .tv_sec = STORY_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		perror("connect");
	return fd;
}

static void send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		p += sent;
		n -= (size_t)sent;
	}
}

static int ask_open(const char *path, const char *headers, const char *body, size_t len)
{
	char head[1000];
	int fd = dial();

	snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n",
		path, headers, len);
	send_all(fd, head, strlen(head));
	send_all(fd, body, len);
	return fd;
}

static void ask_end(int nth, int fd)
{
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(F.answer[0]) - 1 &&
		(got = recv(fd, F.answer[nth] + n, sizeof(F.answer[0]) - 1 - n, 0)) > 0)
		n += (size_t)got;
	F.answer[nth][n] = '\0';
	close(fd);
}

static void ask(int nth, const char *path, const char *headers, const char *body)
{
	ask_end(nth, ask_open(path, headers, body, strlen(body)));
}

#define JSON_TYPE "Content-Type: application/json\r\n"
#define WITH(token) "Authorization: Bearer " token "\r\n" JSON_TYPE

static int status_of(int nth)
{
	return strncmp(F.answer[nth], "HTTP/1.1 ", 9) ? 0 : atoi(F.answer[nth] + 9);
}

static json_t *body_of(int nth)
{
	const char *body = strstr(F.answer[nth], "\r\n\r\n");
	json_t *o = body ? json_loads(body + 4, 0, NULL) : NULL;

	if (!o)
		fail_msg("no JSON in: %s", F.answer[nth]);
	return o;
}

static void has(int nth, const char *text)
{
	if (!strstr(F.answer[nth], text))
		fail_msg("\"%s\" is not in: %s", text, F.answer[nth]);
}

/* A problem with all of its members. */
static void problem_is(int nth, int status, const char *code)
{
	json_t *o = body_of(nth);
	char type[64];

	snprintf(type, sizeof(type), "urn:sitrep:problem:%s", code);
	assert_int_equal(status_of(nth), status);
	has(nth, "Content-Type: application/problem+json");
	assert_string_equal(json_get_str(o, "type"), type);
	assert_int_equal(json_get_int(o, "status", 0), status);
	assert_string_equal(json_get_str(o, "title"), api_title(status));
	assert_true(*json_get_str(o, "detail"));
	json_decref(o);
}

/* ---- who gets in ------------------------------------------------------------------------- */

static void story_tokens(void)
{
	ask(0, "/api/release-check", WITH(TOKEN), CHECKOUT);
	ask(1, "/api/release-check", JSON_TYPE, CHECKOUT);
	ask(2, "/api/release-check", WITH("0123456789abcdef-of-the-pipelinE"), CHECKOUT);
	ask(3, "/api/release-check", "Authorization: Basic " TOKEN "\r\n" JSON_TYPE, CHECKOUT);
	ask(4, "/api/release-check", WITH(TOKEN "x"), CHECKOUT);
	ask(5, "/api/release-check", "Authorization: bearer  " TOKEN "\r\n" JSON_TYPE, CHECKOUT);
	ask(6, "/api/tools/oncall", "Authorization: Bearer\r\n" JSON_TYPE, "{}");
	ask(7, "/api/release-check", "Authorization: Bearer \r\n", "no JSON");
}

static void test_tokens(void **state)
{
	(void)state;
	play(story_tokens);
	assert_int_equal(status_of(0), 200);
	has(0, "Content-Type: application/json");
	has(0, "{\"verdict\":\"pass\"}");
	assert_int_equal(status_of(5), 200);
	for (int i = 1; i < CALLS; i++) {
		if (i == 5)
			continue;
		problem_is(i, 401, "token");
		has(i, "WWW-Authenticate: Bearer");
	}
	assert_int_equal(F.submitted, 2);
	assert_string_equal(F.person, "token:ci");
	assert_string_equal(F.operation, "release-check");
	assert_string_equal(F.args, CHECKOUT);
}

static void story_closed(void)
{
	ask(0, "/api/release-check", WITH(""), CHECKOUT);
	ask(1, "/api/release-check", WITH(TOKEN), CHECKOUT);
}

static void test_closed_without_tokens(void **state)
{
	(void)state;
	F.config.access.token[0].secret = NULL;
	F.config.access.token_count = 1;
	play(story_closed);
	problem_is(0, 401, "token");
	problem_is(1, 401, "token");
	assert_int_equal(F.submitted, 0);
}

static void story_reload(void)
{
	ask(0, "/api/release-check", WITH(TOKEN), CHECKOUT);
	F.reload = true;
	while (*(volatile bool *)&F.reload)
		usleep(2000);
	ask(1, "/api/release-check", WITH(TOKEN), CHECKOUT);
	ask(2, "/api/release-check", WITH("another-token-from-today-on"), CHECKOUT);
}

static void test_reload(void **state)
{
	(void)state;
	token_add(&F.fresh, "ci", "another-token-from-today-on");
	play(story_reload);
	assert_int_equal(status_of(0), 200);
	problem_is(1, 401, "token");
	assert_int_equal(status_of(2), 200);
}

/* ---- bodies ------------------------------------------------------------------------------ */

static void story_bodies(void)
{
	static char large[API_BODY_MAX + 1];

	memset(large, ' ', sizeof(large));
	ask(0, "/api/release-check", WITH(TOKEN), "{\"service\":");
	ask(1, "/api/release-check", WITH(TOKEN), "[\"checkout\"]");
	ask(2, "/api/release-check", "Authorization: Bearer " TOKEN "\r\nContent-Type: text/plain\r\n", CHECKOUT);
	ask(3, "/api/release-check", "Authorization: Bearer " TOKEN "\r\n", CHECKOUT);
	ask_end(4, ask_open("/api/release-check", WITH(TOKEN), large, sizeof(large)));
	ask(5, "/api/release-check", WITH(TOKEN), "{\"service\":5}");
	ask(6, "/api/release-check", WITH(TOKEN), "{\"environment\":\"production\"}");
	ask(7, "/api/release-check", WITH(TOKEN), "{\"service\":\"checkout\",\"enviroment\":\"production\"}");
}

static void test_bodies(void **state)
{
	(void)state;
	play(story_bodies);
	problem_is(0, 400, "json");
	problem_is(1, 400, "json");
	problem_is(2, 415, "content-type");
	problem_is(3, 415, "content-type");
	problem_is(4, 413, "too-large");
	problem_is(5, 422, "usage");
	problem_is(6, 422, "usage");
	has(6, "\\\"service\\\" is missing");
	/* A misspelt member would otherwise ask about another environment. */
	problem_is(7, 422, "usage");
	assert_int_equal(F.submitted, 0);
}

/* What is quoted is cut after 60 bytes, here in the middle of a character. */
static void story_quoted(void)
{
	ask(0, "/api/release-check", WITH(TOKEN), "{\"aääääääääääääääääääääääääääääääääääääää\":\"x\"}");
}

static void test_quoted(void **state)
{
	(void)state;
	play(story_quoted);
	problem_is(0, 422, "usage");
	has(0, "\"detail\":\"There is no \\\"aäää");
}

static void story_fields(void)
{
	ask(0, "/api/release-check", "Authorization: Bearer " TOKEN "\r\nContent-Type: application/JSON; charset=utf-8\r\n",
		"{\"service\":\"checkout\",\"environment\":\"production\",\"mode\":null}");
}

static void test_fields(void **state)
{
	(void)state;
	play(story_fields);
	assert_int_equal(status_of(0), 200);
	assert_string_equal(F.args, "{\"env\":\"production\",\"service\":\"checkout\"}");
}

/* ---- tools ------------------------------------------------------------------------------- */

static void story_tools(void)
{
	ask(0, "/api/tools/oncall", WITH(TOKEN), "{\"tool\":\"housekeeping\",\"arguments\":{}}");
	ask(1, "/api/tools/oncall", WITH(TOKEN), "{\"tool\":\"declare\"}");
	ask(2, "/api/tools/oncall", WITH(TOKEN), "{\"arguments\":{}}");
	ask(3, "/api/tools/oncall", WITH(TOKEN), "{\"tool\":\"incident_append_event\",\"arguments\":[]}");
	ask(4, "/api/tools/oncall", WITH(TOKEN) "Idempotency-Key: a b\r\n", "{\"tool\":\"incident_append_event\"}");
	ask(5, "/api/tools/oncall", WITH(TOKEN) "Idempotency-Key: build-17\r\n",
		"{\"tool\":\"incident_append_event\",\"arguments\":{\"incident_id\":\"INC-1\",\"meta\":{\"title\":\"x\"}}}");
}

static void test_tools(void **state)
{
	(void)state;
	play(story_tools);
	problem_is(0, 404, "unknown");
	problem_is(1, 404, "unknown");
	problem_is(2, 422, "usage");
	problem_is(3, 422, "usage");
	problem_is(4, 400, "idempotency-key");
	assert_int_equal(status_of(5), 200);
	assert_int_equal(F.submitted, 1);
	assert_string_equal(F.operation, "incident_append_event");
	assert_string_equal(F.args, "{\"incident_id\":\"INC-1\",\"meta\":{\"title\":\"x\"}}");
	assert_string_equal(F.key, "api:ci:/api/tools/oncall:build-17");
}

static void story_reads(void)
{
	ask(0, "/api/tools/oncall", WITH(TOKEN) "Idempotency-Key: k\r\n", "{\"tool\":\"incident_followups_summary\"}");
	ask(1, "/api/release-check", WITH(TOKEN) "Idempotency-Key: k\r\n", CHECKOUT);
}

/* A verdict of this morning must not be given again. */
static void test_reads_are_done_anew(void **state)
{
	(void)state;
	play(story_reads);
	assert_int_equal(F.submitted, 2);
	assert_int_equal(F.keys, 0);
}

/* ---- replies ----------------------------------------------------------------------------- */

static void story_refusal(void)
{
	static const char *const codes[] = { "usage", "unknown", "forbidden", "not_found", "conflict", "policy", "internal",
		"of another time" };

	for (int i = 0; i < CALLS; i++) {
		F.code = codes[i];
		ask(i, "/api/release-check", WITH(TOKEN), CHECKOUT);
	}
}

static void test_refusals(void **state)
{
	static const int status[] = { 422, 404, 403, 404, 409, 409, 503, 500 };
	json_t *o;

	(void)state;
	F.mood = REFUSES;
	play(story_refusal);
	for (int i = 0; i < CALLS; i++)
		assert_int_equal(status_of(i), status[i]);
	problem_is(2, 403, "forbidden");
	has(6, "Retry-After: ");
	assert_null(strstr(F.answer[5], "Retry-After"));
	o = body_of(0);
	assert_string_equal(json_get_str(o, "detail"), "It may not be.");
	/* By the name that the body has for it. */
	assert_string_equal(json_get_str(json_get_obj(o, "errors"), "environment"), "no such place");
	json_decref(o);
}

static void story_full(void)
{
	int fd[70];

	for (size_t i = 0; i < sizeof(fd) / sizeof(*fd); i++)
		fd[i] = ask_open("/api/release-check", WITH(TOKEN), CHECKOUT, strlen(CHECKOUT));
	ask(0, "/api/release-check", WITH(TOKEN), CHECKOUT);
	for (size_t i = 0; i < sizeof(fd) / sizeof(*fd); i++)
		close(fd[i]);
}

static void test_full(void **state)
{
	(void)state;
	F.mood = FULL;
	play(story_full);
	problem_is(0, 503, "busy");
	has(0, "Retry-After: ");
}

static int open_while_stopping;

static void story_stop(void)
{
	open_while_stopping = ask_open("/api/release-check", WITH(TOKEN), CHECKOUT, strlen(CHECKOUT));
	for (int i = 0; i < 1000 && !*(volatile size_t *)&F.submitted; i++)
		usleep(2000);
}

static void test_stopping(void **state)
{
	(void)state;
	F.mood = HOLDS;
	play(story_stop);
	ask_end(0, open_while_stopping);
	assert_int_equal(F.submitted, 1);
	assert_int_equal(status_of(0), 503);
}

/* ---- answers without data ---------------------------------------------------------------- */

static void test_an_answer_in_words(void **state)
{
	struct reply r = { .kind = REPLY_MESSAGE, .doc = doc_new("So it is.") };
	struct str out STR_CLEANUP = { 0 };
	const char *type;

	(void)state;
	str_init(&out, 1000);
	assert_int_equal(api_answer(&r, &api_routes[0], "UTC", 0, &out, &type), 200);
	assert_string_equal(out.p, "{\"text\":\"So it is.\"}");
	reply_finish(&r);
	r = (struct reply){ .kind = REPLY_FORM };
	str_reset(&out);
	assert_int_equal(api_answer(&r, &api_routes[0], "UTC", 0, &out, &type), 422);
	assert_string_equal(type, API_PROBLEM);
	reply_finish(&r);
}

#define STORY(f) cmocka_unit_test_setup(f, stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(test_tokens),
		STORY(test_closed_without_tokens),
		STORY(test_reload),
		STORY(test_bodies),
		STORY(test_quoted),
		STORY(test_fields),
		STORY(test_tools),
		STORY(test_reads_are_done_anew),
		STORY(test_refusals),
		STORY(test_full),
		STORY(test_stopping),
		cmocka_unit_test(test_an_answer_in_words),
	};

	return cmocka_run_group_tests_name("http api", tests, NULL, NULL);
}
