/* A line of the ctl socket: words, or an operation with its arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/ctl/line.h"

static struct request *parse(const char *line, struct error *err)
{
	*err = (struct error){ 0 };
	return ctl_line_parse(line, strlen(line), 1000, "alice", err);
}

static void test_operation(void **state)
{
	struct error err;
	struct request *r = parse("{\"operation\":\"postmortem\",\"incident\":42,\"args\":{\"do\":\"import\",\"file\":\"## Summary\\n\"},\"id\":\"a\"}", &err);

	(void)state;
	assert_non_null(r);
	assert_string_equal(r->operation, "postmortem");
	assert_int_equal(r->incident, 42);
	assert_string_equal(json_get_str(r->args, "file"), "## Summary\n");
	assert_null(r->words);
	assert_string_equal(r->actor.person, "unix:1000");
	assert_int_equal(r->source, REQUEST_SHELL);
	assert_int_equal(r->key_count, 1);
	request_destroy(r);
	r = parse("{\"operation\":\"list\"}", &err);
	assert_non_null(r);
	assert_int_equal(r->incident, 0);
	assert_null(r->args);
	request_destroy(r);
	/* Words are no operation: incident and args beside them mean nothing. */
	r = parse("{\"words\":\"list\",\"incident\":42,\"args\":{}}", &err);
	assert_non_null(r);
	assert_null(r->operation);
	assert_int_equal(r->incident, 0);
	assert_null(r->args);
	request_destroy(r);
}

/* Whoever guesses another's id gets no answer of theirs. */
static void test_an_id_is_its_users_own(void **state)
{
	static const char line[] = "{\"words\":\"show\",\"id\":\"a\"}";
	struct error err = { 0 };
	struct request *alice = ctl_line_parse(line, strlen(line), 1000, "alice", &err);
	struct request *bob = ctl_line_parse(line, strlen(line), 1001, "bob", &err);

	(void)state;
	assert_non_null(alice);
	assert_non_null(bob);
	assert_int_equal(alice->key_count, 1);
	assert_int_equal(bob->key_count, 1);
	assert_string_not_equal(alice->keys[0], bob->keys[0]);
	request_destroy(alice);
	request_destroy(bob);
}

static void test_refused(void **state)
{
	static const struct {
		const char *line, *why;
	} bad[] = {
		{ "{\"operation\":7}", "no string" },
		{ "{\"operation\":\"list\",\"words\":\"list\"}", "two ways" },
		{ "{\"operation\":\"list\",\"incident\":\"42\"}", "above 0" },
		{ "{\"operation\":\"list\",\"incident\":-1}", "above 0" },
		{ "{\"operation\":\"list\",\"args\":[1]}", "an object" },
		{ "{\"operation\":\"list\",\"json\":1}", "true or false" },
		{ "{}", "\"words\" is missing" },
		{ "[]", "one JSON object" },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_null(parse(bad[i].line, &err));
		if (!strstr(err.text, bad[i].why))
			fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].line, err.text, bad[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operation),
		cmocka_unit_test(test_an_id_is_its_users_own),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
