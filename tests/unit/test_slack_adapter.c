#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "adapters/io.h"
#include "adapters/slack/room.h"
#include "incident/doc.h"
#include "tests/unit/support_peer.h"

/* The whole adapter between a Slack that tells one story and a core that the test plays. */

#define NOW   INT64_C(1772375700000)
#define LIMIT 30000 /* ms: a test that hangs ends here and fails; far from what a busy machine takes */
#define TEXTS 16
#define COMMAND                                                                                    \
	"{\"envelope_id\":\"e-%d\",\"type\":\"slash_commands\",\"payload\":{\"user_id\":"          \
	"\"U0ALICE\",\"channel_id\":\"C0GENERAL\",\"text\":\"list\",\"trigger_id\":\"t-%d\","      \
	"\"response_url\":\"%s\"}}"
#define PIN                                                                                        \
	"{\"envelope_id\":\"e-%d\",\"type\":\"events_api\",\"payload\":{\"event_id\":\"Ev%d\","    \
	"\"event\":{\"type\":\"reaction_added\",\"user\":\"U0ALICE\",\"reaction\":\"pushpin\","    \
	"\"item\":{\"type\":\"message\",\"channel\":\"C0GENERAL\",\"ts\":\"17.1\"}}}}"

#define FORM                                                                                       \
	"{\"envelope_id\":\"e-%d\",\"type\":\"interactive\",\"payload\":{\"type\":"              \
	"\"view_submission\",\"user\":{\"id\":\"U0ALICE\"},\"view\":{\"id\":\"V%d\","           \
	"\"private_metadata\":\"{\\\"op\\\":\\\"sev\\\",\\\"channel\\\":\\\"C0GENERAL\\\"}\"," \
	"\"state\":{\"values\":{}}}}}"

struct texts {
	char *text[TEXTS];
	int count;
};

static struct {
	struct peer *api, *socket;
	struct io *io;
	struct adapter_host host;
	struct adapter *slack;
	struct clock clock;
	struct io_timer *limit, *look;
	struct request *kept[TEXTS];
	int submitted, accepted, room;
	int submitted_deaf; /* before the other side began to listen */
	bool timed_out;
	void (*on_submit)(struct request *take);
	bool (*enough)(void);
	/* What the peers saw, and the story they tell. */
	pthread_mutex_t lock;
	struct texts acks, hooks, posts;
	int envelopes;
	size_t padding;
	atomic_int sent;
	bool event, form, close_after_sending;
	bool announce; /* … and say so first, and read on until the client answers the close */
	atomic_int hook_status;
	bool deaf;	/* nothing is read from the socket, resp. answered by the API, … */
	bool slow_hook; /* … */
	atomic_bool hears; /* … before this */
	atomic_int acked, hooked, posted; /* posted: chat.postEphemeral and postMessage */
} T;

static void note(struct texts *t, const char *s)
{
	pthread_mutex_lock(&T.lock);
	if (t->count < TEXTS)
		t->text[t->count++] = strdup(s);
	pthread_mutex_unlock(&T.lock);
}

static int noted(struct texts *t)
{
	pthread_mutex_lock(&T.lock);
	int n = t->count;

	pthread_mutex_unlock(&T.lock);
	return n;
}

static void serve_api(struct peer *peer, int fd, int nth, void *ctx)
{
	static const char other[] = "{\"ok\":true,\"user_id\":\"U0SITREP\"}";
	static _Thread_local char request[200000];
	char url[200];

	(void)peer;
	(void)nth;
	(void)ctx;
	while (peer_read_request(fd, request, sizeof(request))) {
		const char *body = strstr(request, "\r\n\r\n");
		bool hook = strncmp(request, "POST /hook", 10) == 0;
		bool open = strstr(request, "apps.connections.open") != NULL;

		pthread_mutex_lock(&T.lock);
		snprintf(url, sizeof(url), "{\"ok\":true,\"url\":\"%s\"}",
			peer_url(T.socket, "ws", "/link"));
		pthread_mutex_unlock(&T.lock);
		while (hook && T.slow_hook && !T.hears)
			peer_sleep(5);
		T.hooked += hook;
		if (strncmp(request, "POST /api/chat.post", 19) == 0) {
			note(&T.posts, body ? body + 4 : "");
			T.posted++;
		}
		if (hook)
			note(&T.hooks, body ? body + 4 : "");
		const char *answer = hook ? "ok" : open ? url : other;

		peer_print(fd, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s",
			hook ? T.hook_status : 200, strlen(answer), answer);
	}
}

/* One envelope, with blanks behind it that make it as long as the story wants. */
static bool send_envelope(int fd, int i, const char *hook)
{
	size_t size = 1000 + T.padding;
	char *frame = malloc(size);
	int n = T.event ? snprintf(frame, size, PIN, i, i)
		: T.form ? snprintf(frame, size, FORM, i, i)
			: snprintf(frame, size, COMMAND, i, i, hook);
	bool sent;

	assert_non_null(frame);
	memset(frame + n, ' ', T.padding);
	sent = peer_frame(fd, 1, true, frame, (size_t)n + T.padding);
	free(frame);
	T.sent += sent;
	return sent;
}

static void serve_socket(struct peer *peer, int fd, int nth, void *ctx)
{
	static const char hello[] = "{\"type\":\"hello\",\"num_connections\":1}";
	static const char goodbye[] =
		"{\"type\":\"disconnect\",\"reason\":\"refresh_requested\"}";
	char hook[200];
	static _Thread_local char got[100000];
	size_t n;
	int little = 65536;

	(void)peer;
	(void)ctx;
	if (T.deaf)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	if (!peer_upgrade(fd) || !peer_frame(fd, 1, true, hello, strlen(hello)))
		return;
	pthread_mutex_lock(&T.lock);
	snprintf(hook, sizeof(hook), "%s", peer_url(T.api, "http", "/hook"));
	pthread_mutex_unlock(&T.lock);
	if (T.announce && !nth && !peer_frame(fd, 1, true, goodbye, strlen(goodbye)))
		return;
	for (int i = 0; i < T.envelopes && !nth; i++) {
		if (!send_envelope(fd, i, hook))
			return;
	}
	if (T.close_after_sending && !nth) {
		peer_frame(fd, 8, true, "\x03\xe8", 2);
		if (!T.announce) {
			peer_until_closed(fd);
			return;
		}
	}
	while (T.deaf && !T.hears)
		peer_sleep(5);
	for (int op; (op = peer_read_frame(fd, got, sizeof(got) - 1, &n)) >= 0;) {
		got[n] = '\0';
		T.acked += op == 1;
		if (op == 1)
			note(&T.acks, got);
		else if (op == 9)
			peer_frame(fd, 10, true, got, n);
		else if (op == 8)
			return;
	}
}

static bool host_submit(void *ctx, struct request *take)
{
	(void)ctx;
	T.submitted++;
	if (T.accepted == T.room)
		return false;
	T.accepted++;
	T.on_submit(take);
	return true;
}

static void on_look(void *ctx)
{
	(void)ctx;
	if (T.enough()) {
		io_stop(T.io);
		return;
	}
	io_timer_start(T.look, 5);
}

static void on_limit(void *ctx)
{
	(void)ctx;
	T.timed_out = true;
	io_stop(T.io);
}

static void stop_timers(void *ctx)
{
	(void)ctx;
	io_timer_destroy(T.look);
	io_timer_destroy(T.limit);
}

static int setup(void **state)
{
	(void)state;
	memset(&T, 0, sizeof(T));
	pthread_mutex_init(&T.lock, NULL);
	T.hook_status = 200;
	T.room = TEXTS;
	T.envelopes = 1;
	clock_init_manual(&T.clock, NOW);
	return 0;
}

/* Tells the story until enough() is so. */
static void run(void)
{
	struct config config = { 0 };
	struct error err = { 0 };
	char api[200];
	struct io_hook hook = { .stop = stop_timers };

	T.socket = peer_start(serve_socket, NULL);
	T.api = peer_start(serve_api, NULL);
	snprintf(api, sizeof(api), "%s", peer_url(T.api, "http", "/api/"));
	config.slack.api_url = api;
	config.slack.app_token = "xapp-1-test";
	config.slack.bot_token = "xoxb-1-test";
	config.slack.connections = 1;
	T.io = io_create(&err);
	assert_non_null(T.io);
	T.host = (struct adapter_host){ .submit = host_submit, .io = T.io, .clock = &T.clock };
	T.slack = slack_create(&config, &T.host);
	assert_int_equal(adapter_start(T.slack, &err), 0);
	T.look = io_timer_create(T.io, on_look, NULL);
	T.limit = io_timer_create(T.io, on_limit, NULL);
	io_on_stop(T.io, &hook);
	io_timer_start(T.look, 5);
	io_timer_start(T.limit, LIMIT);
	io_run(T.io);
	T.slack->destroy(T.slack);
	io_destroy(T.io);
	peer_stop(T.api);
	peer_stop(T.socket);
	assert_false(T.timed_out);
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < T.acks.count; i++)
		free(T.acks.text[i]);
	for (int i = 0; i < T.hooks.count; i++)
		free(T.hooks.text[i]);
	for (int i = 0; i < T.posts.count; i++)
		free(T.posts.text[i]);
	pthread_mutex_destroy(&T.lock);
	return 0;
}

static json_t *document_of(int blocks)
{
	json_t *doc = doc_new("a large answer");
	struct str s;

	str_init(&s, 100000);
	for (int i = 0; i < blocks; i++) {
		str_reset(&s);
		str_addf(&s, "needle %d ", i);
		for (int k = 0; k < 250; k++)
			str_add(&s, "ü");
		doc_text(doc, s.p);
	}
	str_finish(&s);
	return doc;
}

static void reply_doc(struct request *take, enum reply_kind kind, json_t *doc_take)
{
	struct answer *a = answer_create(take);

	a->reply.kind = kind;
	a->reply.doc = doc_take;
	T.slack->answer(T.slack, a);
}

static void reply_large(struct request *take)
{
	reply_doc(take, REPLY_MESSAGE, document_of(100));
}

static bool three_hooks(void)
{
	return noted(&T.hooks) >= 3;
}

static void test_an_answer_too_large_for_an_ack_goes_by_the_response_url(void **state)
{
	char needle[32];

	(void)state;
	T.on_submit = reply_large;
	T.enough = three_hooks;
	run();
	assert_int_equal(T.acks.count, 1);
	assert_string_equal(T.acks.text[0], "{\"envelope_id\":\"e-0\"}");
	assert_int_equal(T.hooks.count, 3);
	for (int i = 0; i < 100; i++) {
		bool found = false;

		snprintf(needle, sizeof(needle), "needle %d ", i);
		for (int k = 0; k < T.hooks.count; k++)
			found = found || strstr(T.hooks.text[k], needle);
		assert_true(found);
	}
}

static void reply_huge(struct request *take)
{
	reply_doc(take, REPLY_MESSAGE, document_of(250));
}

static bool one_posted(void)
{
	return T.posted >= 1;
}

/* Slack takes five; what comes after them would be lost. */
static void test_what_a_response_url_does_not_take_any_more_goes_to_the_channel(void **state)
{
	(void)state;
	T.on_submit = reply_huge;
	T.enough = one_posted;
	run();
	assert_int_equal(T.hooks.count, 5);
}

static void reply_small(struct request *take)
{
	reply_doc(take, REPLY_MESSAGE, doc_new("a small answer"));
}

static bool an_ack(void)
{
	return noted(&T.acks) >= T.envelopes;
}

static void test_a_small_answer_rides_on_the_ack(void **state)
{
	(void)state;
	T.on_submit = reply_small;
	T.enough = an_ack;
	run();
	assert_non_null(strstr(T.acks.text[0], "\"text\":\"a small answer\""));
	assert_non_null(strstr(T.acks.text[0], "ephemeral"));
	assert_int_equal(T.hooks.count, 0);
}

static void reply_late(struct request *take)
{
	T.clock.manual_ms += 2900;
	reply_small(take);
}

static bool a_hook(void)
{
	return noted(&T.hooks) >= 1;
}

static void test_a_late_answer_does_not_ride_on_an_ack_that_nobody_reads(void **state)
{
	(void)state;
	T.on_submit = reply_late;
	T.enough = a_hook;
	run();
	assert_string_equal(T.acks.text[0], "{\"envelope_id\":\"e-0\"}");
	assert_non_null(strstr(T.hooks.text[0], "a small answer"));
}

static struct request *waiting;

static void keep(struct request *take)
{
	waiting = take;
}

/* When the socket is gone for good, which a second connection's being there shows. */
static bool answered_after_the_close(void)
{
	if (waiting && peer_connections(T.socket) == 2 && slack_connected(T.slack)) {
		reply_small(waiting);
		waiting = NULL;
	}
	return a_hook();
}

static void test_an_answer_whose_socket_is_gone_goes_by_the_response_url(void **state)
{
	(void)state;
	T.on_submit = keep;
	T.close_after_sending = true;
	T.enough = answered_after_the_close;
	run();
	assert_int_equal(T.acks.count, 0); /* never on the new socket: it did not deliver this */
	assert_non_null(strstr(T.hooks.text[0], "a small answer"));
}

/* A core that takes 50 ms for each. */
static bool answered_slowly(void)
{
	static int looks;

	if (waiting && ++looks % 10 == 0) {
		struct request *r = waiting;

		waiting = NULL;
		reply_small(r);
	}
	return noted(&T.acks) + noted(&T.hooks) == T.envelopes;
}

static void test_an_announced_close_does_not_overtake_an_ack(void **state)
{
	(void)state;
	T.on_submit = keep;
	T.envelopes = 3;
	T.announce = T.close_after_sending = true;
	T.enough = answered_slowly;
	run();
	assert_int_equal(T.acks.count, 3);
	assert_int_equal(T.hooks.count, 0);
}

static int looks_without_answer;

static bool answered_much_too_late(void)
{
	if (waiting && peer_connections(T.socket) == 2 && ++looks_without_answer > 140) {
		reply_small(waiting);
		waiting = NULL;
	}
	return a_hook();
}

static void test_a_core_that_does_not_answer_does_not_hold_a_connection_for_long(void **state)
{
	(void)state;
	T.on_submit = keep;
	T.announce = T.close_after_sending = true;
	T.enough = answered_much_too_late;
	run();
	assert_int_equal(T.acks.count, 0); /* let go after half a second, answered another way */
}

static bool filled_then_resumed(void)
{
	static int looks;

	if (T.room < TEXTS && T.accepted == T.room && ++looks > 20) {
		/* All this time one was tried and refused, and nothing more was read. */
		assert_int_equal(T.submitted, T.room + 1);
		T.room = TEXTS;
		T.slack->resume(T.slack);
	}
	return an_ack();
}

static void test_a_full_queue_stops_the_reading(void **state)
{
	(void)state;
	T.on_submit = reply_small;
	T.envelopes = 6;
	T.room = 2;
	T.enough = filled_then_resumed;
	run();
	assert_int_equal(T.accepted, 6);
	for (int i = 0; i < 6; i++) {
		char id[16];

		snprintf(id, sizeof(id), "\"e-%d\"", i);
		assert_non_null(strstr(T.acks.text[i], id)); /* in order */
	}
}

/* 40 MB of commands for a core that takes none: they stay on Slack's side of the line. How fast the
 * kernel's buffers fill depends on what else the machine does; that they stay full does not. */
static int sent_by_then;
static bool nothing_more_was_read(void)
{
	static int still;

	still = T.submitted && T.sent == sent_by_then ? still + 1 : 0;
	sent_by_then = T.sent;
	return still >= 200; /* a second */
}

static void test_what_is_not_read_stays_outside(void **state)
{
	(void)state;
	T.on_submit = reply_small;
	T.envelopes = 400;
	T.padding = 100000;
	T.room = 0;
	T.enough = nothing_more_was_read;
	sent_by_then = -1;
	run(); /* after its close frame it reads on, and forgets */
	assert_true(sent_by_then < T.envelopes);
}

/* Of a size that just fits an ack. */
static void reply_long(struct request *take)
{
	static char words[2501];
	json_t *doc = doc_new("a long answer");

	memset(words, 'w', sizeof(words) - 1);
	for (int i = 0; i < 3; i++)
		doc_text(doc, words);
	reply_doc(take, REPLY_MESSAGE, doc);
}

/* Once nothing more is read for a while, the other side begins to listen. */
static bool heard_at_last(void)
{
	static int submitted, still;

	still = submitted == T.submitted ? still + 1 : 0;
	submitted = T.submitted;
	if (!T.hears && still > 60) {
		T.submitted_deaf = T.submitted;
		T.hears = true;
	}
	return T.acked + T.hooked >= T.envelopes;
}

/* 12 MB of answers, and nobody who keeps them. */
static void test_answers_that_are_not_taken_stop_the_reading(void **state)
{
	(void)state;
	T.on_submit = reply_long;
	T.envelopes = T.room = 1600;
	T.deaf = true;
	T.enough = heard_at_last;
	run();
	assert_true(T.submitted_deaf < T.envelopes);
	assert_int_equal(T.acked, T.envelopes);
	assert_int_equal(T.hooked, 0);
}

static bool all_hooked(void)
{
	static int hooked, still;

	T.hears = T.acked == T.envelopes;
	still = hooked == T.hooked ? still + 1 : 0;
	hooked = T.hooked;
	return T.hears && T.hooked && still > 60;
}

static void test_answers_that_go_by_the_response_url_are_bounded(void **state)
{
	(void)state;
	T.on_submit = reply_late;
	T.envelopes = T.room = 600;
	T.slow_hook = true;
	T.enough = all_hooked;
	run();
	assert_int_equal(T.acked, 600);
	assert_int_equal(T.hooked, 512);
}

static void refuse_first(struct request *take)
{
	struct answer *a = answer_create(take);
	bool first = T.accepted == 1;

	a->reply.kind = REPLY_REFUSAL;
	a->reply.code = first ? "internal" : "not_found";
	a->reply.doc = doc_new("it was not recorded");
	T.slack->answer(T.slack, a);
}

static bool one_ack(void)
{
	return noted(&T.acks) >= 1;
}

static void test_an_event_that_was_not_recorded_is_not_acknowledged(void **state)
{
	(void)state;
	T.event = true;
	T.envelopes = 2;
	T.on_submit = refuse_first;
	T.enough = one_ack;
	run();
	assert_int_equal(T.acks.count, 1);
	assert_string_equal(T.acks.text[0], "{\"envelope_id\":\"e-1\"}");
	assert_int_equal(T.hooks.count, 0);
}

static bool two_hooks(void)
{
	if (noted(&T.hooks) >= 1)
		T.hook_status = 200;
	return noted(&T.hooks) >= 2;
}

static void test_a_response_url_that_fails_is_tried_again(void **state)
{
	(void)state;
	T.on_submit = reply_late;
	T.hook_status = 503;
	T.enough = two_hooks;
	run();
	assert_string_equal(T.hooks.text[0], T.hooks.text[1]);
}

/* A dialog of Slack has a hundred blocks. */
static void reply_form_of_many(struct request *take)
{
	struct answer *a = answer_create(take);
	json_t *fields = json_array();

	for (int i = 0; i < 101; i++)
		json_array_append_new(fields, json_pack("{s:o, s:s, s:s}", "arg", json_sprintf("a%d", i),
			"type", "text", "label", "one of many"));
	a->reply.kind = REPLY_FORM;
	a->reply.form = json_pack("{s:s, s:s, s:o}", "op", "sev", "title", "Many", "fields", fields);
	T.slack->answer(T.slack, a);
}

static bool acked_and_posted(void)
{
	return noted(&T.acks) >= 1 && T.posted >= 1;
}

/* The dialog closes; who has filled it in is told why, and what to do instead. */
static void test_a_next_form_that_is_too_large_is_said(void **state)
{
	(void)state;
	T.form = true;
	T.on_submit = reply_form_of_many;
	T.enough = acked_and_posted;
	run();
	assert_non_null(strstr(T.acks.text[0], "\"response_action\":\"clear\""));
	assert_non_null(strstr(T.posts.text[0], "C0GENERAL"));
	assert_non_null(strstr(T.posts.text[0], "The form could not be opened (it is too large)"));
	assert_non_null(strstr(T.posts.text[0], "/inc sev"));
}

#define STORY(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(test_a_small_answer_rides_on_the_ack),
		STORY(test_an_answer_too_large_for_an_ack_goes_by_the_response_url),
		STORY(test_what_a_response_url_does_not_take_any_more_goes_to_the_channel),
		STORY(test_a_late_answer_does_not_ride_on_an_ack_that_nobody_reads),
		STORY(test_an_answer_whose_socket_is_gone_goes_by_the_response_url),
		STORY(test_a_full_queue_stops_the_reading),
		STORY(test_what_is_not_read_stays_outside),
		STORY(test_answers_that_are_not_taken_stop_the_reading),
		STORY(test_answers_that_go_by_the_response_url_are_bounded),
		STORY(test_an_announced_close_does_not_overtake_an_ack),
		STORY(test_a_core_that_does_not_answer_does_not_hold_a_connection_for_long),
		STORY(test_an_event_that_was_not_recorded_is_not_acknowledged),
		STORY(test_a_response_url_that_fails_is_tried_again),
		STORY(test_a_next_form_that_is_too_large_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
