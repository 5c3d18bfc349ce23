#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/io.h"
#include "adapters/slack/room.h"
#include "base/arena.h"
#include "tests/unit/support_peer.h"

/* One effect, and a Web API that answers by a script: what is called, and what the core is told. */

#define NOW   INT64_C(1772375700000)
#define LIMIT 30000 /* ms: a test that hangs ends here and fails; far from what a busy machine takes */
#define OP_ID "01OPOPOPOPOPOPOPOPOPOPOPOP"

/* Each answers once; a call that no line is left for is answered with an error, and counted. */
struct line {
	const char *method;
	int status; /* 0: 200 */
	const char *answer;
	bool used;
};

static struct {
	struct peer *api;
	struct io *io;
	struct adapter_host host;
	struct adapter *slack;
	struct clock clock;
	struct io_timer *limit, *look;
	bool timed_out;
	/* the effect */
	enum effect_kind kind;
	bool verify;
	const char *channel, *message, *payload;
	/* the story */
	pthread_mutex_t lock;
	struct line *script;
	size_t lines;
	char log[65536]; /* "> method body" a call, but for those of the start */
	int unanswered;
	/* what the core is told */
	char outcome[32], error[256];
	json_t *result;
} T;

static struct line *line_for(const char *method)
{
	for (size_t i = 0; i < T.lines; i++) {
		struct line *l = &T.script[i];

		if (l->used || strcmp(l->method, method) != 0)
			continue;
		l->used = true;
		return l;
	}
	T.unanswered++;
	return NULL;
}

static struct line *note(const char *request, const char *method)
{
	const char *body = strstr(request, "\r\n\r\n");
	size_t n = strlen(T.log);
	struct line *l;

	pthread_mutex_lock(&T.lock);
	snprintf(T.log + n, sizeof(T.log) - n, "> %s %s\n", method, body ? body + 4 : "");
	l = line_for(method);
	pthread_mutex_unlock(&T.lock);
	return l;
}

static void serve_api(struct peer *peer, int fd, int nth, void *ctx)
{
	static const char who[] = "{\"ok\":true,\"user_id\":\"U0SITREP\",\"url\":\"https://a.slack.com/\"}";
	static const char no[] = "{\"ok\":false,\"error\":\"internal_error\"}";
	static _Thread_local char request[100000];
	char method[64];

	(void)peer, (void)nth, (void)ctx;
	while (peer_read_request(fd, request, sizeof(request))) {
		struct line *l = NULL;
		const char *answer = no;

		if (sscanf(request, "POST /api/%63[^ ]", method) != 1)
			return;
		if (strcmp(method, "auth.test") == 0)
			answer = who;
		else if (strcmp(method, "apps.connections.open") != 0)
			l = note(request, method);
		if (l)
			answer = l->answer;
		if (!peer_print(fd, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s",
			    l && l->status ? l->status : 200, strlen(answer), answer))
			return;
	}
}

static void perform(void)
{
	struct arena *a = arena_create(1u << 20);
	struct effect *e = arena_alloc(a, sizeof(*e));
	struct error err = { 0 };

	e->arena = a;
	e->id = 7;
	e->op_id = OP_ID;
	e->incident = 1;
	e->system = "slack";
	e->kind = T.kind;
	e->attempt = 1;
	e->verify = T.verify;
	e->created_at = NOW - MINUTE_MS;
	e->channel = T.channel;
	e->message = T.message;
	if (json_parse(T.payload, strlen(T.payload), 1u << 20, &e->payload, &err))
		fail_msg("payload: %s", err.text);
	T.slack->perform(T.slack, e);
}

static bool host_submit(void *ctx, struct request *take)
{
	const char *error = json_get_str(take->args, "error");

	(void)ctx;
	assert_int_equal(take->source, REQUEST_OUTCOME);
	assert_string_equal(T.outcome, "");
	snprintf(T.outcome, sizeof(T.outcome), "%s", json_get_str(take->args, "outcome"));
	snprintf(T.error, sizeof(T.error), "%s", error ? error : "");
	T.result = json_incref(json_object_get(take->args, "result"));
	request_destroy(take);
	io_stop(T.io);
	return true;
}

/* Not before it knows who it is: much depends on that. */
static void on_look(void *ctx)
{
	(void)ctx;
	if (slack_of(T.slack)->self.user_id) {
		perform();
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

static void run(struct line *script, size_t lines)
{
	struct config config = { 0 };
	struct error err = { 0 };
	struct io_hook hook = { .stop = stop_timers };
	char api[200];

	T.script = script;
	T.lines = lines;
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
	if (T.timed_out)
		fail_msg("no outcome; calls so far:\n%s", T.log);
	if (T.unanswered)
		fail_msg("calls that nobody expected:\n%s", T.log);
	for (size_t i = 0; i < lines; i++)
		if (!script[i].used)
			fail_msg("no call of %s:\n%s", script[i].method, T.log);
}

/* Its outcome. */
static const char *performed(enum effect_kind kind, bool verify, const char *payload, struct line *script, size_t lines)
{
	T.kind = kind;
	T.verify = verify;
	T.payload = payload;
	run(script, lines);
	return T.outcome;
}

#define PERFORMED(kind, verify, payload, script)                                                   \
	performed(kind, verify, payload, script, sizeof(script) / sizeof(*(script)))

static int setup(void **state)
{
	(void)state;
	memset(&T, 0, sizeof(T));
	pthread_mutex_init(&T.lock, NULL);
	clock_init_manual(&T.clock, NOW);
	T.channel = "slack:C0INCIDENT";
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(T.result);
	pthread_mutex_destroy(&T.lock);
	return 0;
}

static bool called_with(const char *text)
{
	return strstr(T.log, text) != NULL;
}

/* ---- bookmarks --------------------------------------------------------------------------- */

#define BOOKMARK "{\"title\":\"PAY-12\",\"url\":\"https://jira.example.com/browse/PAY-12\"}"

static void test_whether_a_bookmark_is_there_is_not_guessed(void **state)
{
	struct line script[] = { { "bookmarks.list", 503, "down", false } };

	(void)state;
	assert_string_equal(PERFORMED(EFFECT_CHANNEL_BOOKMARK, true, BOOKMARK, script), "retry");
}

static void test_a_bookmark_that_is_there_is_not_made_again(void **state)
{
	struct line script[] = { { "bookmarks.list", 0,
		"{\"ok\":true,\"bookmarks\":[{\"id\":\"Bk1\",\"link\":\"https://other.example.com/\"},"
		"{\"id\":\"Bk2\",\"link\":\"https://jira.example.com/browse/PAY-12\"}]}", false } };

	(void)state;
	assert_string_equal(PERFORMED(EFFECT_CHANNEL_BOOKMARK, true, BOOKMARK, script), "delivered");
	assert_string_equal(json_get_str(T.result, "id"), "Bk2");
}

static void test_without_the_right_to_look_a_bookmark_is_made(void **state)
{
	struct line script[] = {
		{ "bookmarks.list", 0, "{\"ok\":false,\"error\":\"missing_scope\"}", false },
		{ "bookmarks.add", 0, "{\"ok\":true,\"bookmark\":{\"id\":\"Bk3\"}}", false },
	};

	(void)state;
	assert_string_equal(PERFORMED(EFFECT_CHANNEL_BOOKMARK, true, BOOKMARK, script), "delivered");
	assert_string_equal(json_get_str(T.result, "id"), "Bk3");
}

/* ---- files ------------------------------------------------------------------------------- */

#define EXPORT "{\"name\":\"inc-1-20260301-143400.csv\",\"title\":\"INC-1\",\"text\":\"a,b\\n\"}"

static void test_a_file_is_looked_for_a_day_back_and_adopted(void **state)
{
	struct line script[] = { { "conversations.history", 0,
		"{\"ok\":true,\"messages\":["
		"{\"user\":\"U0ALICE\",\"files\":[{\"id\":\"F0ALICE\",\"name\":\"inc-1-20260301-143400.csv\"}]},"
		"{\"user\":\"U0SITREP\",\"files\":[{\"id\":\"F0OURS\",\"name\":\"inc-1-20260301-143400.csv\"}]}]}",
		false } };
	char oldest[64];

	(void)state;
	assert_string_equal(PERFORMED(EFFECT_FILE_SHARE, true, EXPORT, script), "delivered");
	assert_string_equal(json_get_str(T.result, "file"), "F0OURS");
	/* Our clock may have been wrong when it was sent: what has Slack's time is older then. */
	snprintf(oldest, sizeof(oldest), "oldest=%lld.", (long long)((NOW - MINUTE_MS - DAY_MS) / 1000));
	assert_true(called_with(oldest));
}

/* ---- posts ------------------------------------------------------------------------------- */

#define DOC "{\"doc\":{\"text\":\"rolled back\",\"blocks\":[{\"t\":\"text\",\"text\":\"rolled back\"}]}}"
#define MARKED(user, ts, op)                                                                       \
	"{\"user\":\"" user "\",\"ts\":\"" ts "\",\"metadata\":{\"event_type\":\"sitrep_effect\","      \
	"\"event_payload\":{\"op_id\":\"" op "\",\"part\":0}}}"

static void test_another_apps_mark_is_no_post_of_ours(void **state)
{
	struct line script[] = {
		{ "conversations.history", 0,
			"{\"ok\":true,\"messages\":[" MARKED("U0OTHER", "1772375650.000100", OP_ID) ","
			MARKED("U0SITREP", "1772375651.000100", "01OTHEROTHEROTHEROTHEROTHE") "]}", false },
		{ "chat.postMessage", 0, "{\"ok\":true,\"channel\":\"C0INCIDENT\",\"ts\":\"1772375700.000100\"}",
			false },
	};

	(void)state;
	assert_string_equal(PERFORMED(EFFECT_MESSAGE_POST, true, DOC, script), "delivered");
	assert_string_equal(json_get_str(T.result, "message"), "slack:C0INCIDENT/1772375700.000100");
}

static void test_a_post_that_is_there_is_adopted(void **state)
{
	struct line script[] = { { "conversations.history", 0,
		"{\"ok\":true,\"messages\":[" MARKED("U0SITREP", "1772375651.000100", OP_ID) "]}", false } };

	(void)state;
	assert_string_equal(PERFORMED(EFFECT_MESSAGE_POST, true, DOC, script), "delivered");
	assert_string_equal(json_get_str(T.result, "message"), "slack:C0INCIDENT/1772375651.000100");
}

static void test_whether_a_post_is_there_is_not_guessed(void **state)
{
	struct line script[] = { { "conversations.history", 503, "down", false } };

	(void)state;
	assert_string_equal(PERFORMED(EFFECT_MESSAGE_POST, true, DOC, script), "retry");
}

/* "Certainly not done" would post its first part once more. */
static void test_half_a_long_post_is_looked_for(void **state)
{
	struct line script[] = {
		{ "chat.postMessage", 0, "{\"ok\":true,\"channel\":\"C0INCIDENT\",\"ts\":\"1772375700.000100\"}",
			false },
		{ "chat.postMessage", 429, "", false },
	};
	struct str payload;

	(void)state;
	str_init(&payload, 100000);
	str_add(&payload, "{\"doc\":{\"text\":\"long\",\"blocks\":[");
	for (int i = 0; i < 10; i++) {
		str_addf(&payload, "%s{\"t\":\"text\",\"text\":\"", i ? "," : "");
		for (int k = 0; k < 250; k++)
			str_add(&payload, "a line ");
		str_add(&payload, "\"}");
	}
	str_add(&payload, "]}}");
	assert_string_equal(PERFORMED(EFFECT_MESSAGE_POST, false, payload.p, script), "unknown");
	str_finish(&payload);
}

/* ---- edits ------------------------------------------------------------------------------- */

static void test_blocks_that_an_edit_may_not_have_are_left_out(void **state)
{
	struct line script[] = {
		{ "chat.update", 0, "{\"ok\":false,\"error\":\"invalid_blocks\"}", false },
		{ "chat.update", 0, "{\"ok\":true}", false },
	};

	(void)state;
	T.message = "slack:C0INCIDENT/1772375651.000100";
	assert_string_equal(PERFORMED(EFFECT_MESSAGE_EDIT, false, DOC, script), "delivered");
	assert_true(called_with("\"blocks\":[]"));
}

/* ---- channels ---------------------------------------------------------------------------- */

#define OPEN "{\"name\":\"inc-1-checkout\",\"people\":[]}"
#define CHANNEL(id, creator)                                                                       \
	"{\"ok\":true,\"channels\":[{\"id\":\"" id "\",\"name\":\"inc-1-checkout\","                \
	"\"created\":1772375650,\"creator\":\"" creator "\"}]}"

static void test_a_channel_that_others_made_is_not_adopted(void **state)
{
	struct line script[] = {
		{ "conversations.create", 0, "{\"ok\":false,\"error\":\"name_taken\"}", false },
		{ "conversations.list", 0, CHANNEL("C0OTHERS", "U0OTHER"), false },
		{ "conversations.create", 0,
			"{\"ok\":true,\"channel\":{\"id\":\"C0OURS\",\"name\":\"inc-1-checkout-2\"}}", false },
	};

	(void)state;
	assert_string_equal(PERFORMED(EFFECT_CHANNEL_OPEN, true, OPEN, script), "delivered");
	assert_string_equal(json_get_str(T.result, "channel"), "slack:C0OURS");
}

static void test_a_channel_of_ours_is_adopted(void **state)
{
	struct line script[] = {
		{ "conversations.create", 0, "{\"ok\":false,\"error\":\"name_taken\"}", false },
		{ "conversations.list", 0, CHANNEL("C0OURS", "U0SITREP"), false },
	};

	(void)state;
	assert_string_equal(PERFORMED(EFFECT_CHANNEL_OPEN, true, OPEN, script), "delivered");
	assert_string_equal(json_get_str(T.result, "channel"), "slack:C0OURS");
}

static void test_one_who_cannot_be_removed_holds_up_nobody_and_is_said(void **state)
{
	struct line script[] = {
		{ "conversations.kick", 0, "{\"ok\":false,\"error\":\"cant_kick_from_general\"}", false },
		{ "conversations.kick", 0, "{\"ok\":false,\"error\":\"not_in_channel\"}", false },
		{ "conversations.kick", 0, "{\"ok\":true}", false },
	};

	(void)state;
	assert_string_equal(PERFORMED(EFFECT_CHANNEL_REMOVE, false,
		"{\"people\":[\"slack:U0OWNER\",\"slack:U0GONE\",\"slack:U0BOB\"]}", script), "refused");
	assert_string_equal(T.error, "cant_kick_from_general");
	assert_true(called_with("U0BOB"));
}

#define STORY(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(test_whether_a_bookmark_is_there_is_not_guessed),
		STORY(test_a_bookmark_that_is_there_is_not_made_again),
		STORY(test_without_the_right_to_look_a_bookmark_is_made),
		STORY(test_a_file_is_looked_for_a_day_back_and_adopted),
		STORY(test_another_apps_mark_is_no_post_of_ours),
		STORY(test_a_post_that_is_there_is_adopted),
		STORY(test_whether_a_post_is_there_is_not_guessed),
		STORY(test_half_a_long_post_is_looked_for),
		STORY(test_blocks_that_an_edit_may_not_have_are_left_out),
		STORY(test_a_channel_that_others_made_is_not_adopted),
		STORY(test_a_channel_of_ours_is_adopted),
		STORY(test_one_who_cannot_be_removed_holds_up_nobody_and_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
