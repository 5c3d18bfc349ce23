#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "adapters/io.h"
#include "adapters/jira/hook.h"
#include "adapters/jira/jira.h"
#include "base/str.h"
#include "tests/unit/support_peer.h"

/*
 * The inbound half of the adapter as the bot has it: the HTTP server and the relay on one loop, and
 * a core that is this test: it keeps what was submitted, and answers when it likes.
 */

#define SECRET	   "It's a Secret to Everybody"
#define CORE_MAX   600
#define REPLY_SIZE 1000

enum core_mood { CORE_COMMITS, CORE_FAILS, CORE_REFUSES, CORE_HOLDS, CORE_FULL };

struct fixture {
	struct io *io;
	struct clock clock;
	struct config config;
	struct adapter_host host;
	struct http_server *server;
	struct adapter *jira;
	struct peer *relay;
	enum core_mood mood;
	struct request *held[CORE_MAX];
	size_t held_count, submitted;
	char last_args[300], last_key[100];
	struct io_timer *limit, *turn;
	struct io_wake wake;
	struct io_hook hook;
	pthread_t client;
	void (*at_turn)(void); /* every few ms, on the I/O thread */
};

static struct fixture F;

/* ---- the core ---------------------------------------------------------------------------- */

static void core_answer(struct request *r, enum core_mood mood)
{
	struct answer *a = answer_create(r);

	if (mood == CORE_FAILS || mood == CORE_REFUSES)
		a->reply = (struct reply){ .kind = REPLY_REFUSAL,
			.code = mood == CORE_FAILS ? "internal" : "not_found" };
	F.jira->answer(F.jira, a);
}

static bool on_submit(void *ctx, struct request *take)
{
	char *args;

	(void)ctx;
	if (F.mood == CORE_FULL)
		return false;
	assert_int_equal(take->source, REQUEST_EVENT);
	assert_int_equal(take->adapter, 7);
	assert_in_range(F.held_count, 0, CORE_MAX - 1);
	args = json_dumps(take->args, JSON_COMPACT | JSON_SORT_KEYS);
	snprintf(F.last_args, sizeof(F.last_args), "%s", args);
	snprintf(F.last_key, sizeof(F.last_key), "%s", take->key_count ? take->keys[0] : "");
	free(args);
	F.submitted++;
	F.held[F.held_count++] = take;
	return true;
}

/* Between the loop's callbacks, as answers come from the core's thread. */
static void core_turn(void)
{
	if (F.mood == CORE_HOLDS || F.mood == CORE_FULL)
		return;
	for (size_t i = 0; i < F.held_count; i++)
		core_answer(F.held[i], F.mood);
	F.held_count = 0;
}

static void on_turn(void *ctx)
{
	(void)ctx;
	core_turn();
	if (F.at_turn)
		F.at_turn();
	if (!io_stopping(F.io))
		io_timer_start(F.turn, 5);
}

/* ---- the bot ----------------------------------------------------------------------------- */

static void stop_now(void *ctx)
{
	(void)ctx;
	io_stop(F.io);
}

static void on_stop(void *ctx)
{
	(void)ctx;
	io_timer_destroy(F.limit);
	io_timer_destroy(F.turn);
}

static void begin(const char *secret, void (*serve)(struct peer *, int, int, void *))
{
	struct error err;

	memset(&F, 0, sizeof(F));
	F.io = io_create(NULL);
	assert_non_null(F.io);
	clock_init_manual(&F.clock, INT64_C(1772375700000));
	F.config.references = 2; /* never freed by a release */
	F.config.http.listen = "127.0.0.1:0";
	F.config.http.body_max = 2 << 20;
	F.config.http.connections = 400;
	F.config.http.connections_per_ip = 400;
	F.config.http.deadline_ms = 10000;
	F.config.issue.url = "http://127.0.0.1:1/";
	F.config.issue.token = "token";
	F.config.issue.webhook_secret = secret;
	if (serve) {
		F.relay = peer_start(serve, NULL);
		F.config.issue.relay_url = peer_url(F.relay, "ws", "/");
		F.config.issue.relay_token = "relay-token";
	}
	F.host = (struct adapter_host){ .submit = on_submit, .io = F.io, .clock = &F.clock };
	F.server = http_server_create(&F.config, &F.host);
	F.jira = jira_create(&F.config, &F.host, F.server);
	F.jira->index = 7;
	F.limit = io_timer_create(F.io, stop_now, NULL);
	F.turn = io_timer_create(F.io, on_turn, NULL);
	F.hook = (struct io_hook){ .stop = on_stop };
	io_on_stop(F.io, &F.hook);
	io_wake_init(F.io, &F.wake, stop_now, NULL);
	io_timer_start(F.limit, 8000);
	io_timer_start(F.turn, 0);
	assert_int_equal(adapter_start(http_server_adapter(F.server), &err), 0);
	assert_int_equal(adapter_start(F.jira, &err), 0);
}

static void end(void)
{
	/* Answers may come after the stop. */
	for (size_t i = 0; i < F.held_count; i++)
		core_answer(F.held[i], CORE_COMMITS);
	F.jira->destroy(F.jira);
	http_server_adapter(F.server)->destroy(http_server_adapter(F.server));
	if (F.relay)
		peer_stop(F.relay);
	assert_true(io_destroy(F.io));
	/* What the adapter held it has given back. */
	assert_int_equal(F.config.references, 2);
}

/* ---- a client of the HTTP server, on a thread of its own ---------------------------------- */

static int client_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)http_server_port(F.server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = 8 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -1;
	return fd;
}

static bool client_post(int fd, const char *headers, const char *body, size_t n)
{
	return peer_print(fd,
		       "POST /webhooks/jira HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n", n,
		       headers) &&
	       peer_write(fd, body, n);
}

/* The status, or -1. Closes. */
static int client_status(int fd)
{
	char head[REPLY_SIZE];
	size_t at = 0;
	int status = -1;

	while (at < sizeof(head) - 1) {
		ssize_t n = recv(fd, head + at, sizeof(head) - 1 - at, 0);

		if (n <= 0)
			break;
		at += (size_t)n;
		head[at] = '\0';
		if (sscanf(head, "HTTP/1.1 %d", &status) == 1)
			break;
	}
	close(fd);
	return status;
}

static int client_ask(const char *headers, const char *body, size_t n)
{
	int fd = client_connect();

	if (fd < 0)
		return -1;
	client_post(fd, headers, body, n);
	return client_status(fd);
}

static void client_sign(const char *body, size_t n, const char *identifier, char out[300])
{
	unsigned char mac[32];
	size_t len = 0;
	int at = snprintf(out, 300, "X-Atlassian-Webhook-Identifier: %s\r\nx-hub-signature: sha256=",
		identifier);

	EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, SECRET, strlen(SECRET),
		(const unsigned char *)body, n, mac, sizeof(mac), &len);
	for (size_t i = 0; i < len; i++)
		at += snprintf(out + at, (size_t)(300 - at), "%02x", mac[i]);
	snprintf(out + at, (size_t)(300 - at), "\r\n");
}

static const char issue[] = "{\"issue\":{\"id\":\"10042\",\"key\":\"PAY-7\"}}";

static int client_deliver(const char *body, size_t n)
{
	char headers[300];

	client_sign(body, n, "4f1c", headers);
	return client_ask(headers, body, n);
}

static void *client_run(void *ctx)
{
	void (*story)(void) = *(void (**)(void))ctx;

	story();
	io_wake_send(&F.wake);
	return NULL;
}

static void run_with(void (*story)(void))
{
	assert_int_equal(pthread_create(&F.client, NULL, client_run, &story), 0);
	io_run(F.io);
	pthread_join(F.client, NULL);
}

/* ---- by HTTP ----------------------------------------------------------------------------- */

static int got[8];

static void story_statuses(void)
{
	char *huge = calloc(1, HOOK_BODY_MAX + 1);
	char headers[300];

	if (!huge)
		return;
	memset(huge, ' ', HOOK_BODY_MAX + 1);
	got[0] = client_deliver(issue, sizeof(issue) - 1);
	got[1] = client_ask("", issue, sizeof(issue) - 1);
	client_sign(issue, sizeof(issue) - 1, "x", headers);
	got[2] = client_ask(headers, issue, sizeof(issue) - 2);
	got[3] = client_deliver("Hello World!", 12);
	got[4] = client_deliver("{}", 2);
	got[5] = client_deliver(huge, HOOK_BODY_MAX + 1);
	got[6] = client_deliver("", 0);
	free(huge);
}

static void test_statuses(void **state)
{
	static const int wanted[] = { 200, 401, 401, 400, 200, 413, 400 };

	(void)state;
	begin(SECRET, NULL);
	run_with(story_statuses);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		assert_int_equal(got[i], wanted[i]);
	assert_int_equal(F.submitted, 1);
	assert_string_equal(F.last_args, "{\"issue\":\"10042\",\"name\":\"PAY-7\"}");
	assert_string_equal(F.last_key, "jira:hook:4f1c");
	end();
}

static void story_one(void)
{
	got[0] = client_deliver(issue, sizeof(issue) - 1);
}

static void test_without_secret(void **state)
{
	(void)state;
	begin(NULL, NULL);
	run_with(story_one);
	assert_int_equal(got[0], 404);
	assert_int_equal(F.submitted, 0);
	end();
}

static void test_not_recorded(void **state)
{
	(void)state;
	begin(SECRET, NULL);
	F.mood = CORE_FAILS;
	run_with(story_one);
	assert_int_equal(got[0], 503);
	assert_int_equal(F.submitted, 1);
	end();
	/* An issue that is none of ours is no reason to send it again. */
	begin(SECRET, NULL);
	F.mood = CORE_REFUSES;
	run_with(story_one);
	assert_int_equal(got[0], 200);
	end();
}

/* Nothing is said before the commit; at the stop it is "again", and the commit that comes later
 * tells nobody. */
static void stop_when_held(void)
{
	if (F.held_count)
		io_stop(F.io);
}

static void test_stop(void **state)
{
	(void)state;
	begin(SECRET, NULL);
	F.mood = CORE_HOLDS;
	F.at_turn = stop_when_held;
	run_with(story_one);
	assert_int_equal(got[0], 503);
	assert_int_equal(F.held_count, 1);
	end();
}

/* The queue is full: some wait, the rest is told at once; when there is room all that waited are
 * answered. */
enum { CROWD = 150 };
static int crowd[CROWD];
static atomic_int crowd_told;

static void story_crowd(void)
{
	struct pollfd fds[CROWD];
	char headers[300];

	client_sign(issue, sizeof(issue) - 1, "c", headers);
	for (int i = 0; i < CROWD; i++) {
		fds[i] = (struct pollfd){ .fd = client_connect(), .events = POLLIN };
		client_post(fds[i].fd, headers, issue, sizeof(issue) - 1);
	}
	while (crowd_told < CROWD && poll(fds, CROWD, 8000) > 0) {
		for (int i = 0; i < CROWD; i++) {
			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			crowd[i] = client_status(fds[i].fd);
			fds[i].fd = -1;
			crowd_told++;
		}
	}
}

static int crowd_of(int status)
{
	int n = 0;

	for (int i = 0; i < CROWD; i++)
		n += crowd[i] == status;
	return n;
}

static int room_for;
static void room_when_the_rest_is_told(void)
{
	if (F.mood == CORE_COMMITS || crowd_told < CROWD - room_for)
		return;
	F.mood = CORE_COMMITS;
	F.jira->resume(F.jira);
}

static void come_all(enum core_mood mood, int room)
{
	begin(SECRET, NULL);
	memset(crowd, 0, sizeof(crowd));
	crowd_told = 0;
	room_for = room;
	F.mood = mood;
	F.at_turn = room_when_the_rest_is_told;
	run_with(story_crowd);
	assert_int_equal(crowd_of(200), room);
	assert_int_equal(crowd_of(503), CROWD - room);
	assert_int_equal(F.submitted, room);
	end();
}

static void test_full_queue(void **state)
{
	(void)state;
	come_all(CORE_FULL, 64);
}

static void test_slow_core(void **state)
{
	(void)state;
	come_all(CORE_HOLDS, 128);
}

/* ---- by the relay ------------------------------------------------------------------------ */

enum { EVENTS = 100 };
static atomic_int relay_statuses[EVENTS], relay_answers;
static size_t turns;
static atomic_bool relay_signs, relay_leaves, relay_dawdles;
static atomic_int relay_brings;

static bool relay_event(int fd, int i)
{
	STR_CLEANUP struct str s;
	char text[100], body[200], signature[300] = "";
	int n = snprintf(text, sizeof(text), "{\"issue\":{\"id\":\"%d\"}}", i + 1);
	const char *at;

	EVP_EncodeBlock((unsigned char *)body, (const unsigned char *)text, n);
	client_sign(text, (size_t)n, "x", signature);
	at = strstr(signature, "sha256=");
	str_init(&s, 1000);
	str_addf(&s,
		"{\"type\":\"event\",\"version\":1,\"data\":{\"id\":\"%d\",\"method\":\"POST\","
		"\"headers\":{\"X-HUB-Signature\":\"%.71s\",\"x-atlassian-webhook-identifier\":"
		"\"w%d\"},\"body\":\"%s\"}}",
		i, relay_signs ? at : "", i, body);
	return peer_frame(fd, i % 2 + 1, true, s.p, s.len);
}

static void relay_read_answers(int fd)
{
	char buf[1000];
	size_t n;
	int opcode, id, status;

	while ((opcode = peer_read_frame(fd, buf, sizeof(buf) - 1, &n)) >= 0 && opcode != 8) {
		buf[n] = '\0';
		if (opcode == 9)
			peer_frame(fd, 10, true, buf, n);
		if (opcode != 2 || sscanf(buf,
					   "{\"type\":\"event\",\"version\":1,\"data\":{\"id\":\"%d\","
					   "\"status\":%d",
					   &id, &status) != 2)
			continue;
		relay_statuses[id] = status;
		relay_answers++;
	}
}

static void serve_events(struct peer *peer, int fd, int nth, void *ctx)
{
	static const char start[] = "{\"type\":\"start\",\"version\":1,\"data\":{}}";
	char buf[1000];
	size_t n;

	(void)peer, (void)ctx;
	if (!peer_upgrade(fd) || peer_read_frame(fd, buf, sizeof(buf), &n) != 2)
		return;
	peer_frame(fd, 1, true, start, sizeof(start) - 1);
	for (int i = 0; i < relay_brings; i++)
		relay_event(fd, i);
	if (relay_leaves && nth == 0) {
		peer_sleep(200);
		return;
	}
	if (relay_dawdles)
		peer_sleep(300);
	relay_read_answers(fd);
}

static void stop_when_answered(void)
{
	if (relay_answers == EVENTS)
		io_stop(F.io);
}

static void relay_begin(const char *secret, bool is_signed)
{
	memset(relay_statuses, 0, sizeof(relay_statuses));
	relay_answers = 0;
	relay_signs = is_signed;
	relay_leaves = relay_dawdles = false;
	relay_brings = EVENTS;
	turns = 0;
	begin(secret, serve_events);
}

static void relay_all(int status)
{
	assert_int_equal(relay_answers, EVENTS);
	for (int i = 0; i < EVENTS; i++)
		assert_int_equal(relay_statuses[i], status);
}

/* By its token the relay vouches for what it brings; with a secret it has to be signed as well. */
static void test_relay(void **state)
{
	static const struct {
		const char *secret;
		bool is_signed;
		enum core_mood mood;
		int status;
	} cases[] = {
		{ NULL, false, CORE_COMMITS, 200 },
		{ SECRET, true, CORE_COMMITS, 200 },
		{ SECRET, false, CORE_COMMITS, 401 },
		{ SECRET, true, CORE_FAILS, 503 },
		{ NULL, false, CORE_REFUSES, 200 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		relay_begin(cases[i].secret, cases[i].is_signed);
		F.mood = cases[i].mood;
		F.at_turn = stop_when_answered;
		io_run(F.io);
		relay_all(cases[i].status);
		assert_int_equal(F.submitted, cases[i].status == 401 ? 0 : EVENTS);
		end();
	}
}

/* No more than 64 are read before their answers, and none is lost. */
static void slow_core(void)
{
	if (++turns == 60) {
		assert_int_equal(F.submitted, 64);
		F.mood = CORE_COMMITS;
	}
	stop_when_answered();
}

static void test_relay_slow_core(void **state)
{
	(void)state;
	relay_begin(SECRET, true);
	F.mood = CORE_HOLDS;
	F.at_turn = slow_core;
	io_run(F.io);
	relay_all(200);
	assert_int_equal(F.submitted, EVENTS);
	end();
}

/* The queue is full: the first waits, no other is read; then all of them come. */
static void full_queue(void)
{
	if (++turns == 60) {
		F.mood = CORE_COMMITS;
		F.jira->resume(F.jira);
	}
	stop_when_answered();
}

static void test_relay_full_queue(void **state)
{
	(void)state;
	relay_begin(NULL, false);
	F.mood = CORE_FULL;
	F.at_turn = full_queue;
	io_run(F.io);
	relay_all(200);
	assert_int_equal(F.submitted, EVENTS);
	end();
}

/* The relay goes away with 64 unanswered and comes back with all of them: the old answers go
 * nowhere, the new ones all arrive. */
static void commit_after_leaving(void)
{
	if (++turns == 60) {
		assert_int_equal(F.held_count, 64);
		F.mood = CORE_COMMITS;
	}
	stop_when_answered();
}

static void test_relay_comes_back(void **state)
{
	(void)state;
	relay_begin(NULL, false);
	relay_leaves = true;
	F.mood = CORE_HOLDS;
	F.at_turn = commit_after_leaving;
	io_run(F.io);
	relay_all(200);
	assert_int_equal(peer_connections(F.relay), 2);
	assert_true(F.submitted >= 64 + EVENTS);
	end();
}

/* Whoever is held at the stop is told, by a relay that is in no hurry too, and while it brings what
 * is not read any more: that stays unanswered, and comes again. */
static size_t stop_at;
static void stop_when_all_are_held(void)
{
	if (F.held_count == stop_at)
		io_stop(F.io);
}

static void stop_holding(int brings, int holds)
{
	relay_begin(NULL, false);
	relay_brings = brings;
	relay_dawdles = true;
	stop_at = (size_t)holds;
	F.mood = CORE_HOLDS;
	F.at_turn = stop_when_all_are_held;
	io_run(F.io);
	end();
	assert_int_equal(relay_answers, holds);
	for (int i = 0; i < brings; i++)
		assert_int_equal(relay_statuses[i], i < holds ? 503 : 0);
}

static void test_relay_stop(void **state)
{
	(void)state;
	stop_holding(40, 40);
}

static void test_relay_stop_with_more_to_read(void **state)
{
	(void)state;
	stop_holding(EVENTS, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_without_secret),
		cmocka_unit_test(test_not_recorded),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_full_queue),
		cmocka_unit_test(test_slow_core),
		cmocka_unit_test(test_relay),
		cmocka_unit_test(test_relay_slow_core),
		cmocka_unit_test(test_relay_full_queue),
		cmocka_unit_test(test_relay_comes_back),
		cmocka_unit_test(test_relay_stop),
		cmocka_unit_test(test_relay_stop_with_more_to_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
