#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/arena.h"
#include "incident/doc.h"
#include "incident/request.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void test_keys(void **state)
{
	struct request *r = request_create(REQUEST_CHAT);

	(void)state;
	assert_int_equal(r->source, REQUEST_CHAT);
	request_add_key(r, "slack:envelope:", NULL);
	request_add_key(r, "slack:envelope:", "");
	assert_int_equal(r->key_count, 0);
	request_add_key(r, "slack:envelope:", "abc");
	assert_string_equal(r->keys[0], "slack:envelope:abc");
	/* Keys are kept one to a line: none must look like two. */
	request_add_key(r, "k:", "a\nslack:envelope:b\x1f");
	assert_string_equal(r->keys[1], "k:a?slack:envelope:b?");
	for (int i = 0; i < 10; i++)
		request_add_key(r, "k:", "v");
	assert_int_equal(r->key_count, REQUEST_KEYS_MAX);
	r->args = json_object();
	request_destroy(r);
	request_destroy(NULL);
}

static void round_trip(struct reply *in)
{
	struct arena *a = arena_create(1u << 20);
	struct reply out;
	char *text = reply_text(a, in);

	assert_int_equal(reply_parse(text, &out, a), 0);
	assert_int_equal(out.kind, in->kind);
	assert_int_equal(out.code != NULL, in->code != NULL);
	if (in->code)
		assert_string_equal(out.code, in->code);
	assert_true(json_equal(out.doc, in->doc) || (!out.doc && !in->doc));
	assert_true(json_equal(out.form, in->form) || (!out.form && !in->form));
	assert_true(json_equal(out.fields, in->fields) || (!out.fields && !in->fields));
	assert_string_equal(reply_text(a, &out), text);
	reply_finish(&out);
	reply_finish(&out);
	reply_finish(in);
	arena_destroy(a);
}

static void test_replies_come_back_from_their_text(void **state)
{
	struct reply none = { .kind = REPLY_NONE };
	struct reply message = { .kind = REPLY_MESSAGE,
		.doc = doc_new("INC-42 is “open” \x01@slack:U1\x02 \n😀") };
	struct reply form = { .kind = REPLY_FORM,
		.form = form_new("Declare", "declare", 0, "Open") };
	struct reply refusal = { .kind = REPLY_REFUSAL, .code = "usage", .doc = doc_new("no"),
		.fields = json_pack("{s:s}", "severity", "there is no sev9") };

	(void)state;
	doc_button(message.doc, "Take", "role.claim", 42, json_pack("{s:s}", "role", "commander"),
		NULL);
	form_field(form.form, "title", "What is wrong?", "text", NULL, NULL, false, NULL);
	round_trip(&none);
	round_trip(&message);
	round_trip(&form);
	round_trip(&refusal);
}

static void test_a_broken_stored_reply_is_refused(void **state)
{
	static const char *const broken[] = { "", "{}", "[]", "{", "{\"kind\":\"song\"}",
		"{\"kind\":1}", "{\"kind\":\"none\",\"kind\":\"none\"}", "null" };
	struct arena *a = arena_create(1u << 16);
	struct reply out;

	(void)state;
	for (size_t i = 0; i < COUNT(broken); i++)
		assert_int_equal(reply_parse(broken[i], &out, a), -EINVAL);
	assert_int_equal(reply_parse(NULL, &out, a), -EINVAL);
	/* wrong types are as good as absent */
	assert_int_equal(
		reply_parse("{\"kind\":\"message\",\"doc\":[],\"code\":{}}", &out, a),
		0);
	assert_null(out.doc);
	assert_null(out.code);
	reply_finish(&out);
	reply_finish(NULL);
	arena_destroy(a);
}

static void test_answers_own_their_request(void **state)
{
	struct answer *a = answer_create(request_create(REQUEST_SHELL));

	(void)state;
	a->request->args = json_object();
	a->reply = (struct reply){ .kind = REPLY_MESSAGE, .doc = doc_new("done") };
	answer_destroy(a); /* the sanitizer says whether all is gone */
	answer_destroy(NULL);
}

static void test_outcomes(void **state)
{
	struct arena *arena = arena_create(1u << 16);
	struct effect *e = arena_alloc(arena, sizeof(*e));
	struct request *r;

	(void)state;
	*e = (struct effect){ .arena = arena, .id = 7, .incident = 42, .payload = json_object() };
	r = outcome_request(e, OUTCOME_RETRY, json_pack("{s:s}", "message", "slack:C1/1.2"),
		"rate limited\x1b[31m \xFF", 30000);
	effect_destroy(e); /* the request does not depend on it */
	assert_int_equal(r->source, REQUEST_OUTCOME);
	assert_string_equal(r->actor.person, PERSON_SELF);
	assert_string_equal(r->operation, "effect.outcome");
	assert_int_equal(r->effect, 7);
	assert_int_equal(r->incident, 42);
	assert_int_equal(r->key_count, 0);
	assert_string_equal(json_get_str(r->args, "outcome"), "retry");
	assert_string_equal(json_get_str(r->args, "error"), "rate limited[31m \uFFFD");
	assert_int_equal(json_get_int(r->args, "retry_after_ms", 0), 30000);
	assert_string_equal(json_string_value(json_at(r->args, "result.message")), "slack:C1/1.2");
	request_destroy(r);

	struct effect plain = { .id = 1 };

	r = outcome_request(&plain, OUTCOME_DELIVERED, NULL, NULL, 0);
	assert_int_equal(json_object_size(r->args), 1);
	request_destroy(r);
	effect_destroy(NULL);
}

static void test_names(void **state)
{
	enum outcome o;

	(void)state;
	for (int i = 0; i < EFFECT_KIND_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(effect_kind_name((enum effect_kind)i),
				effect_kind_name((enum effect_kind)j));
	for (int i = OUTCOME_DELIVERED; i <= OUTCOME_REFUSED; i++) {
		assert_true(outcome_parse(outcome_name((enum outcome)i), &o));
		assert_int_equal(o, i);
	}
	for (int i = 0; i < EFFECT_STATE_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(effect_state_name((enum effect_state)i),
				effect_state_name((enum effect_state)j));
	assert_false(outcome_parse("", &o));
	assert_string_equal(effect_kind_name((enum effect_kind)99), "unknown");
	assert_string_equal(effect_state_name((enum effect_state)99), "unknown");
	assert_string_equal(outcome_name((enum outcome)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_replies_come_back_from_their_text),
		cmocka_unit_test(test_a_broken_stored_reply_is_refused),
		cmocka_unit_test(test_answers_own_their_request),
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
