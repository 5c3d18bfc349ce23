#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static json_t *parse(const char *text)
{
	struct error err = { 0 };
	json_t *v = NULL;

	if (json_parse(text, strlen(text), 1 << 20, &v, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return v;
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		const char *where; /* in the error */
	} cases[] = {
		{ "", "line 1 column 1" },
		{ " ", "line 1" },
		{ "{", "line 1" },
		{ "{\"a\":1,\n\"a\":2}", "line 2" }, /* duplicate */
		{ "{\"a\":1}x", "line 1 column 8" },
		{ "{\"a\":1}{}", "line 1" },
		{ "{\"a\":\"\xFF\"}", "line 1" },
		{ "{\"a\":\"\xED\xA0\x80\"}", "line 1" },
		{ "{\"a\":\"\\u0000\"}", "line 1" },
		{ "{\"\\u0000\":1}", "line 1" },
		{ "{\"a\":\"\\ud800\"}", "line 1" },
		{ "{\"a\":\"\\udc00\"}", "line 1" },
		{ "{\"a\":\"\\ud800\\udbff\"}", "line 1" },
		{ "{\"a\":\"\\ud800\\ue000\"}", "line 1" },
		{ "{\"a\":\"x\ny\"}", "line 1" },
		{ "[1,]", "line 1" },
		{ "[01]", "line 1" },
		{ "[99999999999999999999]", "line 1" },
		{ "[1e999]", "line 1" },
		{ "[NaN]", "line 1" },
		{ "\"alone\"", "line 1" },
		{ "nul", "line 1" },
		{ "'a'", "line 1" },
		{ "]", "line 1" },
		{ "\"\\", "line 1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct error err = { 0 };
		json_t *v = (json_t *)1;
		int rc = json_parse(cases[i].text, strlen(cases[i].text), 1000, &v, &err);

		assert_int_equal(rc, -EINVAL);
		assert_null(v);
		assert_int_equal(err.code, -EINVAL);
		if (!strstr(err.text, cases[i].where))
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_int_equal(json_parse(cases[i].text, strlen(cases[i].text), 1000, &v, NULL),
			-EINVAL);
	}
	/* a NUL byte in the middle does not end the document */
	json_t *v;

	assert_int_equal(json_parse("{}\0x", 4, 1000, &v, NULL), -EINVAL);
	assert_int_equal(json_parse("[1\0]", 4, 1000, &v, NULL), -EINVAL);
}

static void test_size(void **state)
{
	struct error err;
	json_t *v;

	(void)state;
	assert_int_equal(json_parse("[1,2,3]", 7, 6, &v, &err), -EMSGSIZE);
	assert_int_equal(json_parse("[1,2,3]", 7, 7, &v, &err), 0);
	json_decref(v);
}

static int parse_nested(size_t depth, const char *open, const char *close, struct error *err)
{
	size_t no = strlen(open), nc = strlen(close), n = 0;
	char *text = malloc(depth * (no + nc) + 8);
	json_t *v = NULL;
	int rc;

	assert_non_null(text);
	for (size_t i = 0; i < depth; i++, n += no)
		memcpy(text + n, open, no);
	memcpy(text + n, "[]", 2);
	n += 2;
	for (size_t i = 0; i < depth; i++, n += nc)
		memcpy(text + n, close, nc);
	rc = json_parse(text, n, 1 << 24, &v, err);
	json_decref(v);
	free(text);
	return rc;
}

static void test_depth(void **state)
{
	struct error err;
	json_t *v;

	(void)state;
	assert_int_equal(parse_nested(JSON_DEPTH_MAX - 1, "[", "]", &err), 0);
	assert_int_equal(parse_nested(JSON_DEPTH_MAX, "[", "]", &err), -EINVAL);
	assert_non_null(strstr(err.text, "line 1 column 65"));
	assert_int_equal(parse_nested(JSON_DEPTH_MAX - 1, "{\"a\":", "}", &err), 0);
	assert_int_equal(parse_nested(JSON_DEPTH_MAX, "{\"a\":", "}", &err), -EINVAL);
	assert_int_equal(parse_nested(1000000, "[", "]", &err), -EINVAL);
	assert_int_equal(parse_nested(JSON_DEPTH_MAX, "[\n", "]", &err), -EINVAL);
	assert_non_null(strstr(err.text, "line 65 column 1"));

	/* brackets inside of strings do not count */
	char text[600] = "[\"\\\"";

	memset(text + 4, '[', 500);
	memcpy(text + 504, "\"]", 3);
	assert_int_equal(json_parse(text, strlen(text), 1000, &v, &err), 0);
	json_decref(v);
}

static void test_getters(void **state)
{
	JSON_CLEANUP json_t *o =
		parse("{\"s\":\"x\",\"i\":42,\"t\":true,\"f\":false,\"r\":1.5,\"n\":null,"
		      "\"o\":{\"k\":[{\"v\":\"deep\"}]},\"a\":[1,2]}");

	(void)state;
	assert_string_equal(json_get_str(o, "s"), "x");
	assert_null(json_get_str(o, "i"));
	assert_null(json_get_str(o, "absent"));
	assert_null(json_get_str(NULL, "s"));
	assert_null(json_get_str(json_get_arr(o, "a"), "s"));
	assert_int_equal(json_get_int(o, "i", 7), 42);
	assert_int_equal(json_get_int(o, "s", 7), 7);
	assert_int_equal(json_get_int(o, "r", 7), 7);
	assert_int_equal(json_get_int(NULL, "i", 7), 7);
	assert_true(json_get_bool(o, "t", false));
	assert_false(json_get_bool(o, "f", true));
	assert_true(json_get_bool(o, "n", true));
	assert_true(json_get_bool(o, "i", true));
	assert_non_null(json_get_obj(o, "o"));
	assert_null(json_get_obj(o, "a"));
	assert_non_null(json_get_arr(o, "a"));
	assert_null(json_get_arr(o, "o"));
}

static void test_at(void **state)
{
	JSON_CLEANUP json_t *o = parse("{\"o\":{\"k\":[{\"v\":\"deep\"},7]},\"\":1}");

	(void)state;
	assert_string_equal(json_string_value(json_at(o, "o.k.0.v")), "deep");
	assert_int_equal(json_integer_value(json_at(o, "o.k.1")), 7);
	assert_int_equal(json_integer_value(json_at(o, "")), 1);
	assert_null(json_at(o, "o.k.2"));
	assert_null(json_at(o, "o.k.-1"));
	assert_null(json_at(o, "o.k.x"));
	assert_null(json_at(o, "o.k."));
	assert_null(json_at(o, "o.k.99999999999999999999"));
	assert_null(json_at(o, "o.k.0.v.w"));
	assert_null(json_at(o, "absent.k"));
	assert_null(json_at(NULL, "o"));
}

static void test_text(void **state)
{
	struct arena *a = arena_create(1u << 20);
	JSON_CLEANUP json_t *o = parse("{ \"a\" : [ 1, \"\\u00e9\\n\\u0001\" ], \"b\" : null }");
	JSON_CLEANUP json_t *s = json_string("alone");
	JSON_CLEANUP json_t *big = json_array();

	(void)state;
	assert_string_equal(json_text(a, o), "{\"a\":[1,\"é\\n\\u0001\"],\"b\":null}");
	assert_string_equal(json_text(a, s), "\"alone\"");
	JSON_CLEANUP json_t *all = parse("{\"\\\"k\\\\\":[true,false,null,-9007199254740993,0.1,1e300,{},[],"
					 "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u001f\\u007f\",[[{\"\":\"\"}]]]}");
	char *theirs = json_dumps(all, JSON_COMPACT), *ours = json_text_new(all);

	assert_string_equal(ours, theirs);
	free(ours);
	free(theirs);
	struct str small STR_CLEANUP = { 0 };
	str_init(&small, 5);
	json_add(&small, o);
	assert_true(small.cut);
	assert_string_equal(small.p, "{\"a\":");
	for (int i = 0; i < 10000; i++)
		json_array_append_new(big, json_integer(i));

	char *text = json_text(a, big);
	JSON_CLEANUP json_t *back = parse(text);

	assert_true(json_equal(big, back));
	json_cleanup(&back);
	assert_null(back);
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_getters),
		cmocka_unit_test(test_at),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
