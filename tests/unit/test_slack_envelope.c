#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "adapters/slack/envelope.h"
#include "base/str.h"

#define NOW	 INT64_C(1772375700000)
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

#define COMMAND(more)                                                                              \
	"{\"envelope_id\":\"e-1\",\"type\":\"slash_commands\",\"payload\":{\"user_id\":"           \
	"\"U0ALICE\","                                                                             \
	"\"user_name\":\"alice\",\"channel_id\":\"C0GENERAL\",\"command\":\"/inc\"," more          \
	"\"response_url\":\"https://hooks.example/1\",\"trigger_id\":\"1.2.abc\"}}"
#define INTERACTIVE(type, more)                                                                    \
	"{\"envelope_id\":\"e-2\",\"type\":\"interactive\",\"payload\":{\"type\":\"" type "\","    \
	"\"user\":{\"id\":\"U0BOB\",\"username\":\"bob\"},\"trigger_id\":\"7.8\"" more "}}"
#define EVENT(event)                                                                               \
	"{\"envelope_id\":\"e-3\",\"type\":\"events_api\",\"retry_attempt\":1,\"payload\":"        \
	"{\"event_id\":\"Ev1\",\"event\":" event "}}"

static struct envelope read(const char *text)
{
	struct envelope e;

	envelope_read(text, strlen(text), NOW, &e);
	return e;
}

static struct request *read_request(const char *text)
{
	struct envelope e = read(text);

	if (e.kind != ENVELOPE_REQUEST)
		print_error("%s: %s\n", text, e.why);
	assert_int_equal(e.kind, ENVELOPE_REQUEST);
	assert_non_null(e.request);
	return e.request;
}

static const struct slack_handle *handle(const struct request *r)
{
	return r->handle;
}

static bool has_key(const struct request *r, const char *key)
{
	for (size_t i = 0; i < r->key_count; i++) {
		if (strcmp(r->keys[i], key) == 0)
			return true;
	}
	return false;
}

static void test_command(void **state)
{
	struct request *r = read_request(COMMAND("\"text\":\"ic <@U0BOB|bob> &amp; go\","));

	(void)state;
	assert_int_equal(r->source, REQUEST_CHAT);
	assert_int_equal(handle(r)->shape, SHAPE_COMMAND);
	assert_string_equal(r->words, "ic <@U0BOB|bob> &amp; go");
	assert_string_equal(r->actor.person, "slack:U0ALICE");
	assert_string_equal(r->actor.name, "alice");
	assert_string_equal(r->place.channel, "slack:C0GENERAL");
	assert_string_equal(handle(r)->response_url, "https://hooks.example/1");
	assert_true(r->can_open_form);
	assert_false(r->from_form);
	assert_int_equal(r->received_at, NOW);
	assert_int_equal(r->key_count, 2);
	assert_true(has_key(r, "slack:trigger:1.2.abc"));
	assert_true(has_key(r, "slack:envelope:e-1"));
	request_destroy(r);
}

static void test_command_without_text_is_empty_words(void **state)
{
	struct request *r = read_request(COMMAND(""));

	(void)state;
	assert_string_equal(r->words, "");
	request_destroy(r);
}

static void test_command_of_forty_thousand_characters(void **state)
{
	struct str s;

	(void)state;
	str_init(&s, 100000);
	str_add(&s, "{\"envelope_id\":\"e-1\",\"type\":\"slash_commands\",\"payload\":{\"user_id\":"
		    "\"U0ALICE\",\"text\":\"");
	for (int i = 0; i < 40000; i++)
		str_addc(&s, 'x');
	str_add(&s, "\"}}");
	struct request *r = read_request(s.p);

	assert_int_equal(strlen(r->words), 40000);
	assert_false(r->can_open_form);
	assert_null(r->place.channel);
	request_destroy(r);
	str_finish(&s);
}

static void test_oversized_parts_are_left_out(void **state)
{
	struct str s;

	(void)state;
	str_init(&s, 100000);
	str_add(&s, "{\"envelope_id\":\"e-1\",\"type\":\"slash_commands\",\"payload\":"
		    "{\"user_id\":\"U0ALICE\",\"text\":\"list\",\"user_name\":\"");
	for (int i = 0; i < 300; i++)
		str_add(&s, "ü");
	str_add(&s, "\",\"channel_id\":\"C0 is no id\",\"trigger_id\":\"");
	for (int i = 0; i < 300; i++)
		str_add(&s, "t");
	str_add(&s, "\"}}");
	struct request *r = read_request(s.p);

	assert_int_equal(r->key_count, 1);
	assert_int_equal(strlen(r->actor.name), 200);
	assert_null(r->place.channel);
	request_destroy(r);
	str_finish(&s);
}

static void test_button(void **state)
{
	struct request *r = read_request(INTERACTIVE("block_actions",
		",\"container\":{\"message_ts\":\"17.1\",\"channel_id\":\"C0INC\"},"
		"\"message\":{\"thread_ts\":\"16.1\"},\"response_url\":\"https://hooks.example/2\","
		"\"actions\":[{\"type\":\"button\",\"value\":\"{\\\"op\\\":\\\"role\\\","
		"\\\"incident\\\":42,"
		"\\\"args\\\":{\\\"do\\\":\\\"take\\\"}}\"}]"));

	(void)state;
	assert_int_equal(handle(r)->shape, SHAPE_BUTTON);
	assert_string_equal(r->operation, "role");
	assert_null(r->words);
	assert_int_equal(r->incident, 42);
	assert_string_equal(json_get_str(r->args, "do"), "take");
	assert_string_equal(r->place.channel, "slack:C0INC");
	assert_string_equal(r->place.message, "slack:C0INC/17.1");
	assert_string_equal(r->place.thread, "slack:C0INC/16.1");
	assert_string_equal(handle(r)->thread_ts, "16.1");
	request_destroy(r);
}

static void test_menu(void **state)
{
	struct request *r = read_request(INTERACTIVE("block_actions",
		",\"actions\":[{\"type\":\"static_select\",\"selected_option\":"
		"{\"value\":\"{\\\"op\\\":\\\"severity\\\"}\"}}]"));

	(void)state;
	assert_string_equal(r->operation, "severity");
	request_destroy(r);
}

static void test_form(void **state)
{
	struct request *r = read_request(INTERACTIVE("view_submission",
		",\"view\":{\"private_metadata\":\"{\\\"op\\\":\\\"declare\\\",\\\"incident\\\":7,"
		"\\\"args\\\":{\\\"kept\\\":\\\"k\\\"},\\\"channel\\\":\\\"C0RANDOM\\\"}\","
		"\"state\":{\"values\":{"
		"\"title\":{\"v\":{\"type\":\"plain_text_input\",\"value\":\"it is down\"}},"
		"\"empty\":{\"v\":{\"type\":\"plain_text_input\",\"value\":null}},"
		"\"severity\":{\"v\":{\"selected_option\":{\"value\":\"sev2\"}}},"
		"\"none\":{\"v\":{\"type\":\"static_select\",\"selected_option\":null}},"
		"\"who\":{\"v\":{\"selected_user\":\"U0BOB\"}},"
		"\"all\":{\"v\":{\"selected_users\":[\"U0BOB\",\"U0CAROL\",7,\"no id\"]}},"
		"\"yes\":{\"v\":{\"selected_options\":[{\"value\":\"true\"}]}},"
		"\"no\":{\"v\":{\"selected_options\":[]}}}}}"));

	(void)state;
	assert_int_equal(handle(r)->shape, SHAPE_FORM);
	assert_true(r->from_form);
	assert_string_equal(r->operation, "declare");
	assert_int_equal(r->incident, 7);
	assert_string_equal(r->place.channel, "slack:C0RANDOM");
	assert_string_equal(json_get_str(r->args, "kept"), "k");
	assert_string_equal(json_get_str(r->args, "title"), "it is down");
	assert_null(json_object_get(r->args, "empty"));
	assert_null(json_object_get(r->args, "none"));
	assert_string_equal(json_get_str(r->args, "severity"), "sev2");
	assert_string_equal(json_get_str(r->args, "who"), "slack:U0BOB");
	assert_int_equal(json_array_size(json_get_arr(r->args, "all")), 2);
	assert_true(json_get_bool(r->args, "yes", false));
	assert_false(json_get_bool(r->args, "no", true));
	assert_int_equal(handle(r)->field_count, 8);
	assert_string_equal(handle(r)->fields[0], "title");
	request_destroy(r);
}

static void test_shortcuts(void **state)
{
	struct request *r = read_request(INTERACTIVE("shortcut", ",\"callback_id\":\"declare\""));

	(void)state;
	assert_int_equal(handle(r)->shape, SHAPE_SHORTCUT);
	assert_string_equal(r->operation, "declare");
	assert_true(r->can_open_form);
	assert_null(r->place.channel);
	request_destroy(r);

	r = read_request(
		INTERACTIVE("message_action", ",\"callback_id\":\"timeline_add\",\"channel\":{"
					      "\"id\":\"C0INC\"},\"message\":{\"ts\":\"17.1\"}"));
	assert_string_equal(r->operation, "reaction.added");
	assert_string_equal(json_get_str(r->args, "message"), "slack:C0INC/17.1");
	assert_string_equal(json_get_str(r->args, "reaction"), PIN_REACTION);
	request_destroy(r);
}

static void test_declare_shortcut(void **state)
{
	struct request *r = read_request(INTERACTIVE("message_action",
		",\"callback_id\":\"declare_message\",\"team\":{\"domain\":\"acme\"},"
		"\"channel\":{\"id\":\"C0GEN\"},\"message\":{\"ts\":\"1700000000.000100\","
		"\"text\":\"\\n carts are &lt;empty&gt;\\nask <@U1|bob>\"}"));

	(void)state;
	assert_int_equal(r->source, REQUEST_CHAT);
	assert_string_equal(r->operation, "declare");
	assert_true(r->can_open_form);
	assert_string_equal(json_get_str(r->args, "title"), "carts are <empty>");
	assert_string_equal(json_get_str(r->args, "quote"), "carts are <empty>\nask @bob");
	assert_string_equal(json_get_str(r->args, "link"),
		"https://acme.slack.com/archives/C0GEN/p1700000000000100");
	request_destroy(r);

	/* A name that is none becomes no part of a link; a message may have no text. */
	r = read_request(INTERACTIVE("message_action",
		",\"callback_id\":\"declare_message\",\"team\":{\"domain\":\"a/b?\"},"
		"\"channel\":{\"id\":\"C0GEN\"},\"message\":{\"ts\":\"17.1\"}"));
	assert_null(json_get_str(r->args, "link"));
	assert_null(json_get_str(r->args, "title"));
	assert_string_equal(json_get_str(r->args, "quote"), "(a message without text)");
	request_destroy(r);
}

static void test_reaction(void **state)
{
	struct request *r =
		read_request(EVENT("{\"type\":\"reaction_added\",\"user\":\"U0BOB\","
				   "\"reaction\":\"pushpin\",\"item\":{\"type\":\"message\","
				   "\"channel\":\"C0INC\",\"ts\":\"17.1\"}}"));

	(void)state;
	assert_int_equal(r->source, REQUEST_EVENT);
	assert_int_equal(handle(r)->shape, SHAPE_EVENT);
	assert_string_equal(r->operation, "reaction.added");
	assert_string_equal(r->place.message, "slack:C0INC/17.1");
	assert_string_equal(json_get_str(r->args, "channel"), "slack:C0INC");
	assert_true(has_key(r, "slack:event:Ev1"));
	assert_true(has_key(r, "slack:envelope:e-3"));
	assert_false(r->can_open_form);
	request_destroy(r);
}

static void test_home(void **state)
{
	struct request *r = read_request(
		EVENT("{\"type\":\"app_home_opened\",\"user\":\"U0BOB\",\"tab\":\"home\"}"));

	(void)state;
	assert_string_equal(r->operation, "home.opened");
	assert_string_equal(r->actor.person, "slack:U0BOB");
	request_destroy(r);
}

/* What is understood but means nothing, what is unknown, and what is broken: all with the id to
 * ack. */
static void test_others(void **state)
{
	static const struct {
		const char *text;
		enum envelope_kind kind;
		const char *id;
		bool words;
	} cases[] = {
		{ EVENT("{\"type\":\"reaction_added\",\"user\":\"U0BOB\",\"reaction\":\"eyes\","
			"\"item\":{\"type\":\"message\"}}"),
			ENVELOPE_IGNORED, "e-3", false },
		{ EVENT("{\"type\":\"reaction_added\",\"user\":\"U0BOB\",\"reaction\":\"pushpin\","
			"\"item\":{\"type\":\"file\"}}"),
			ENVELOPE_IGNORED, "e-3", false },
		{ EVENT("{\"type\":\"reaction_added\",\"user\":\"U0BOB\",\"reaction\":\"pushpin\","
			"\"item\":"
			"{\"type\":\"message\",\"channel\":\"C0/../x\",\"ts\":\"17.1\"}}"),
			ENVELOPE_BAD, "e-3", false },
		{ EVENT("{\"type\":\"message\",\"text\":\"hello\"}"), ENVELOPE_IGNORED, "e-3",
			false },
		{ EVENT("{\"type\":\"app_home_opened\",\"user\":\"U0BOB\",\"tab\":\"messages\"}"),
			ENVELOPE_IGNORED, "e-3", false },
		{ EVENT("[]"), ENVELOPE_BAD, "e-3", false },
		{ INTERACTIVE("view_closed", ""), ENVELOPE_IGNORED, "e-2", false },
		{ INTERACTIVE("block_suggestion", ""), ENVELOPE_OPTIONS, "e-2", false },
		{ INTERACTIVE("tomorrow", ""), ENVELOPE_UNKNOWN, "e-2", false },
		{ INTERACTIVE("block_actions", ",\"actions\":[]"), ENVELOPE_BAD, "e-2", true },
		{ INTERACTIVE("block_actions",
			  ",\"actions\":[{\"type\":\"button\",\"url\":\"https://x\"}]"),
			ENVELOPE_IGNORED, "e-2", false },
		{ INTERACTIVE("block_actions", ",\"actions\":[{\"value\":\"{\\\"op\\\":7}\"}]"),
			ENVELOPE_IGNORED, "e-2", false },
		{ INTERACTIVE("view_submission", ",\"view\":{\"private_metadata\":\"no JSON\"}"),
			ENVELOPE_BAD, "e-2", true },
		{ INTERACTIVE("message_action", ",\"channel\":{\"id\":\"C0INC\"}"), ENVELOPE_BAD,
			"e-2", true },
		{ INTERACTIVE("shortcut", ""), ENVELOPE_BAD, "e-2", true },
		{ INTERACTIVE("message_action", ",\"callback_id\":\"reopen\",\"channel\":{\"id\":"
						"\"C0INC\"},\"message\":{\"ts\":\"17.1\"}"),
			ENVELOPE_BAD, "e-2", true },
		{ "{\"envelope_id\":\"e\",\"type\":\"interactive\",\"payload\":{\"type\":"
		  "\"shortcut\"}}",
			ENVELOPE_BAD, "e", true },
		{ COMMAND("\"text\":[],"), ENVELOPE_BAD, "e-1", true },
		{ "{\"envelope_id\":\"e\",\"type\":\"slash_commands\",\"payload\":{\"user_id\":"
		  "\"u0 bob\",\"text\":\"\"}}",
			ENVELOPE_BAD, "e", true },
		{ "{\"envelope_id\":\"e\",\"type\":\"slash_commands\",\"payload\":\"x\"}",
			ENVELOPE_BAD, "e", true },
		{ "{\"envelope_id\":\"e\",\"type\":\"slash_commands\",\"payload\":null}",
			ENVELOPE_BAD, "e", true },
		{ "{\"envelope_id\":\"e\",\"type\":\"events_api\"}", ENVELOPE_BAD, "e", false },
		{ "{\"envelope_id\":7,\"type\":\"slash_commands\",\"payload\":{\"user_id\":"
		  "\"U0ALICE\"}}",
			ENVELOPE_BAD, "", true },
		{ "{\"envelope_id\":\"e\",\"type\":\"later\",\"payload\":{}}", ENVELOPE_UNKNOWN,
			"e", false },
		{ "{\"envelope_id\":\"e\",\"type\":7,\"payload\":{}}", ENVELOPE_BAD, "e", false },
		{ "{\"envelope_id\":\"e\"}", ENVELOPE_BAD, "e", false },
		{ "{\"envelope_id\":\"e\",\"envelope_id\":\"f\",\"type\":\"events_api\","
		  "\"payload\":{}}",
			ENVELOPE_BAD, "e", false },
		{ "{\"envelope_id\":\"e\",\"type\":\"slash_commands\",\"payl", ENVELOPE_BAD, "e",
			false },
		{ "[\"envelope_id\",\"e\"]", ENVELOPE_BAD, "", false },
		{ "", ENVELOPE_BAD, "", false },
		{ "nonsense", ENVELOPE_BAD, "", false },
		{ "null", ENVELOPE_BAD, "", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct envelope e = read(cases[i].text);

		if (e.kind != cases[i].kind || strcmp(e.envelope_id, cases[i].id) != 0 ||
			e.wants_words != cases[i].words)
			fail_msg("%s\nis read as kind %d, id \"%s\", words %d (%s)", cases[i].text,
				e.kind, e.envelope_id, e.wants_words, e.why);
		assert_null(e.request);
	}
}

static void test_hello_and_disconnect(void **state)
{
	static const struct {
		const char *reason;
		enum disconnect_reason means;
	} reasons[] = {
		{ "\"warning\"", DISCONNECT_WARNING },
		{ "\"refresh_requested\"", DISCONNECT_REFRESH },
		{ "\"link_disabled\"", DISCONNECT_LINK_DISABLED },
		{ "\"too_many_websockets\"", DISCONNECT_TOO_MANY },
		{ "\"tea time\"", DISCONNECT_OTHER },
		{ "7", DISCONNECT_OTHER },
	};
	struct envelope e = read(
		"{\"type\":\"hello\",\"num_connections\":3,\"debug_info\":"
		"{\"approximate_connection_time\":18060},\"envelope_id\":\"odd\",\"payload\":{}}");

	(void)state;
	assert_int_equal(e.kind, ENVELOPE_HELLO);
	assert_int_equal(e.num_connections, 3);
	assert_int_equal(e.session_s, 18060);
	e = read("{\"type\":\"hello\",\"num_connections\":\"many\"}");
	assert_int_equal(e.kind, ENVELOPE_HELLO);
	assert_int_equal(e.num_connections, 0);
	for (size_t i = 0; i < COUNT(reasons); i++) {
		char text[200];

		snprintf(text, sizeof(text), "{\"type\":\"disconnect\",\"reason\":%s}",
			reasons[i].reason);
		e = read(text);
		assert_int_equal(e.kind, ENVELOPE_DISCONNECT);
		assert_int_equal(e.reason, reasons[i].means);
	}
}

static void test_scan(void **state)
{
	static const struct {
		const char *text, *id;
	} cases[] = {
		{ "{\"envelope_id\":\"a\"", "a" },
		{ "{ \"x\" : 1 , \"envelope_id\" \n:\t\"a\" ,", "a" },
		{ "{\"payload\":{\"envelope_id\":\"inner\"},\"envelope_id\":\"outer\"", "outer" },
		{ "{\"text\":\"\\\"envelope_id\\\":\\\"said\\\"\",\"envelope_id\":\"real\"",
			"real" },
		{ "{\"text\":\"envelope_id\",\"envelope_id\":\"real\"", "real" },
		{ "{\"envelope_id\":\"a\\u0041\"", "" },
		{ "{\"envelope_id\":\"\"", "" },
		{ "{\"envelope_id\":\"cut", "" },
		{ "{\"envelope_id\":", "" },
		{ "{\"envelope_id", "" },
		{ "{\"envelope_id\":7", "" },
		{ "\"envelope_id\":\"outside\"", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char id[ENVELOPE_ID_MAX + 1];
		bool found = envelope_scan_id(cases[i].text, strlen(cases[i].text), id);

		if (found != !!*cases[i].id || strcmp(id, cases[i].id) != 0)
			fail_msg("%s: \"%s\"", cases[i].text, id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_command_without_text_is_empty_words),
		cmocka_unit_test(test_command_of_forty_thousand_characters),
		cmocka_unit_test(test_oversized_parts_are_left_out),
		cmocka_unit_test(test_button),
		cmocka_unit_test(test_menu),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_shortcuts),
		cmocka_unit_test(test_declare_shortcut),
		cmocka_unit_test(test_reaction),
		cmocka_unit_test(test_home),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_hello_and_disconnect),
		cmocka_unit_test(test_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
