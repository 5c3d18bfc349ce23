#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "adapters/slack/socket_mode.h"
#include "adapters/slack/unescape.h"
#include "adapters/slack/web.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* How an answer came, and what follows for a write and for a read. */
static const struct {
	enum http_result result;
	int status;
	const char *body;
	enum web_class write, read;
} answers[] = {
	{ HTTP_ANSWERED, 200, "{\"ok\":true,\"ts\":\"1.2\"}", WEB_OK, WEB_OK },
	{ HTTP_NOT_SENT, 0, "", WEB_RETRY, WEB_RETRY },
	{ HTTP_UNKNOWN, 0, "", WEB_UNKNOWN, WEB_RETRY },
	{ HTTP_UNKNOWN, 200, "{\"ok\":true", WEB_UNKNOWN, WEB_RETRY },
	{ HTTP_ANSWERED, 429, "", WEB_RETRY, WEB_RETRY },
	{ HTTP_ANSWERED, 500, "oops", WEB_UNKNOWN, WEB_RETRY },
	{ HTTP_ANSWERED, 503, "", WEB_UNKNOWN, WEB_RETRY },
	{ HTTP_ANSWERED, 302, "", WEB_RETRY, WEB_RETRY },
	{ HTTP_ANSWERED, 404, "<html>", WEB_RETRY, WEB_RETRY },
	{ HTTP_ANSWERED, 407, "", WEB_RETRY, WEB_RETRY },
	{ HTTP_ANSWERED, 413, "", WEB_REFUSED, WEB_REFUSED },
	{ HTTP_ANSWERED, 200, "", WEB_UNKNOWN, WEB_RETRY },
	{ HTTP_ANSWERED, 200, "<html>", WEB_UNKNOWN, WEB_RETRY },
	{ HTTP_ANSWERED, 200, "[]", WEB_UNKNOWN, WEB_RETRY },
	{ HTTP_ANSWERED, 200, "{}", WEB_UNKNOWN, WEB_RETRY },
	{ HTTP_ANSWERED, 200, "{\"ok\":\"true\"}", WEB_UNKNOWN, WEB_RETRY },
	{ HTTP_ANSWERED, 200, "{\"ok\":false}", WEB_UNKNOWN, WEB_RETRY },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":7}", WEB_UNKNOWN, WEB_RETRY },
	{ HTTP_ANSWERED, 200, "{\"ok\":true,\"ok\":false,\"error\":\"x\"}", WEB_UNKNOWN,
		WEB_RETRY },
	{ HTTP_ANSWERED, 200, "{\"ok\":true,\"x\":\"\xff\"}", WEB_UNKNOWN, WEB_RETRY },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"not_in_channel\"}", WEB_REFUSED,
		WEB_REFUSED },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"never_heard_of\"}", WEB_REFUSED,
		WEB_REFUSED },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"fatal_error\"}", WEB_UNKNOWN, WEB_RETRY },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"internal_error\"}", WEB_UNKNOWN,
		WEB_RETRY },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"ratelimited\"}", WEB_RETRY, WEB_RETRY },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"rate_limited\"}", WEB_RETRY, WEB_RETRY },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"already_pinned\"}", WEB_ALREADY,
		WEB_ALREADY },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"already_in_channel\"}", WEB_ALREADY,
		WEB_ALREADY },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"already_archived\"}", WEB_ALREADY,
		WEB_ALREADY },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"already_reacted\"}", WEB_ALREADY,
		WEB_ALREADY },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"cant_invite_self\"}", WEB_ALREADY,
		WEB_ALREADY },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"missing_scope\"}", WEB_LACKING,
		WEB_LACKING },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"unknown_method\"}", WEB_LACKING,
		WEB_LACKING },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"not_authed\"}", WEB_TOKEN, WEB_TOKEN },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"invalid_auth\"}", WEB_TOKEN, WEB_TOKEN },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"account_inactive\"}", WEB_TOKEN,
		WEB_TOKEN },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"user_removed_from_team\"}", WEB_TOKEN,
		WEB_TOKEN },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"team_disabled\"}", WEB_TOKEN, WEB_TOKEN },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"token_revoked\"}", WEB_TOKEN, WEB_TOKEN },
	{ HTTP_ANSWERED, 200, "{\"ok\":false,\"error\":\"access_denied\"}", WEB_TOKEN, WEB_TOKEN },
};

static void test_what_answers_mean(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		for (int reads = 0; reads < 2; reads++) {
			struct web_reading r;

			web_read(reads, answers[i].result, answers[i].status, "why",
				answers[i].body, strlen(answers[i].body), &r);
			if (r.class != (reads ? answers[i].read : answers[i].write))
				fail_msg("%d %d %s: %s is class %d (%s)", answers[i].result,
					answers[i].status, answers[i].body,
					reads ? "a read" : "a write", r.class, r.text);
			assert_true(r.class == WEB_OK || *r.text);
			json_decref(r.body);
		}
	}
}

static void read_body(const char *body, struct web_reading *r)
{
	web_read(false, HTTP_ANSWERED, 200, "", body, strlen(body), r);
	json_decref(r->body);
	r->body = NULL;
}

static void test_the_words_of_a_refusal(void **state)
{
	struct web_reading r;

	(void)state;
	read_body("{\"ok\":false,\"error\":\"invalid_blocks\",\"response_metadata\":"
		  "{\"messages\":[\"[ERROR] too long\",7,\"[ERROR] too short\"]}}",
		&r);
	assert_string_equal(r.error, "invalid_blocks");
	assert_non_null(strstr(r.text, "too long"));
	assert_non_null(strstr(r.text, "too short"));
	read_body("{\"ok\":false,\"error\":\"missing_scope\",\"needed\":\"pins:write\"}", &r);
	assert_non_null(strstr(r.text, "pins:write"));
}

static void test_a_deep_or_giant_answer_is_unsure(void **state)
{
	struct web_reading r;
	struct str s;

	(void)state;
	str_init(&s, 8u << 20);
	str_add(&s, "{\"ok\":true,\"x\":");
	for (int i = 0; i < 100000; i++)
		str_addc(&s, '[');
	web_read(false, HTTP_ANSWERED, 200, "", s.p, s.len, &r);
	assert_int_equal(r.class, WEB_UNKNOWN);
	str_reset(&s);
	str_add(&s, "{\"ok\":true,\"x\":\"");
	while (s.len < (5u << 20))
		str_add(&s, "0123456789012345678901234567890123456789");
	str_add(&s, "\"}");
	web_read(false, HTTP_ANSWERED, 200, "", s.p, s.len, &r);
	assert_int_equal(r.class, WEB_UNKNOWN);
	str_finish(&s);
}

static void test_form_encoding(void **state)
{
	json_t *args = json_pack("{s:s, s:i, s:b, s:n, s:{}}", "a b", "x&y=z/ü", "limit", 5, "yes",
		1, "nothing", "object");
	struct str s;

	(void)state;
	str_init(&s, 1000);
	web_args_form(&s, args);
	assert_string_equal(s.p, "a%20b=x%26y%3Dz%2F%C3%BC&limit=5&yes=true");
	str_finish(&s);
	json_decref(args);
}

static void test_methods(void **state)
{
	(void)state;
	assert_null(web_method_find("chat.destroyEverything"));
	assert_true(web_method_find("apps.connections.open")->app_token);
	assert_true(web_method_find("conversations.history")->reads);
	assert_false(web_method_find("chat.postMessage")->reads);
	assert_true(web_method_find("chat.postMessage")->paced_by_channel);
	assert_int_equal(web_method_find("conversations.create")->per_minute, 20);
}

static void test_backoff(void **state)
{
	(void)state;
	/* A dropped line is tried again at once; at last every half minute. */
	assert_true(socket_mode_backoff(FAILURE_NETWORK, 1) <= 500);
	for (int i = 1; i < 30; i++)
		assert_true(socket_mode_backoff(FAILURE_NETWORK, i + 1) >=
			    socket_mode_backoff(FAILURE_NETWORK, i));
	assert_int_equal(socket_mode_backoff(FAILURE_NETWORK, 1000), 30000);
	assert_int_equal(socket_mode_backoff(FAILURE_SAID, 3), 30000);
	assert_int_equal(socket_mode_backoff(FAILURE_FATAL, 1), 300000);
	assert_true(socket_mode_backoff(FAILURE_CROWDED, 1) >= 30000);
}

static void test_unescape(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "plain", "plain" },
		{ "a &amp; b &lt;c&gt;", "a & b <c>" },
		{ "&amp;lt;", "&lt;" },
		{ "&copy; &", "&copy; &" },
		{ "<@U1|bob> and <@U2>", "@bob and @U2" },
		{ "<#C1|general> <#C2|> <#C3>", "#general #C2 #C3" },
		{ "<!channel> <!subteam^S1|@oncall> <!date^1^{time}|12:00>",
			"@channel @oncall 12:00" },
		{ "<https://a.example/?x=1&amp;y=2>", "https://a.example/?x=1&y=2" },
		{ "<https://a.example|our &lt;page&gt;>", "our <page> (https://a.example)" },
		{ "<", "<" },
		{ "<>", "<>" },
		{ "<@U1", "<@U1" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str s;

		str_init(&s, 1000);
		slack_unescape(&s, cases[i].from);
		assert_string_equal(s.p, cases[i].to);
		str_finish(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_answers_mean),
		cmocka_unit_test(test_the_words_of_a_refusal),
		cmocka_unit_test(test_a_deep_or_giant_answer_is_unsure),
		cmocka_unit_test(test_form_encoding),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_unescape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
