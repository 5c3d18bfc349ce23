#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/text.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void test_valid(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {
		{ "", true },
		{ "plain", true },
		{ "é", true },
		{ "\xC2\x80", true },
		{ "\xDF\xBF", true },
		{ "\xE0\xA0\x80", true },
		{ "\xED\x9F\xBF", true },
		{ "\xEE\x80\x80", true },
		{ "\xF0\x90\x80\x80", true },
		{ "\xF4\x8F\xBF\xBF", true },
		{ "\x80", false },             /* a tail alone */
		{ "\xC0\x80", false },         /* overlong NUL */
		{ "\xC1\xBF", false },         /* overlong */
		{ "\xE0\x9F\xBF", false },     /* overlong */
		{ "\xF0\x8F\xBF\xBF", false }, /* overlong */
		{ "\xED\xA0\x80", false },     /* surrogate */
		{ "\xED\xBF\xBF", false },     /* surrogate */
		{ "\xF4\x90\x80\x80", false }, /* past U+10FFFF */
		{ "\xF5\x80\x80\x80", false },
		{ "\xFF", false },
		{ "a\xE2\x82", false }, /* torn off */
		{ "\xE2\x82z", false },
		{ "\xF0\x9F\x98", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(text_valid(cases[i].text, strlen(cases[i].text)), cases[i].valid);
	assert_false(text_valid("a\0b", 3));
}

static void test_cut_and_edge(void **state)
{
	static const size_t cut[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10, 10 };

	(void)state;
	for (size_t i = 0; i < COUNT(cut); i++)
		assert_int_equal(text_cut("aé€😀", i), cut[i]);
	for (size_t i = 0; i <= 10; i++)
		assert_int_equal(text_edge("aé€😀", i), cut[i]);
	assert_int_equal(text_edge("\x80\x80\x80\x80\x80\x80", 6), 6); /* no lead byte in reach */
	assert_int_equal(text_chars("aé€😀"), 4);
	assert_int_equal(text_chars(""), 0);
}

static void test_clean(void **state)
{
	static const struct {
		const char *in, *line, *lines;
	} cases[] = {
		{ "", "", "" },
		{ "  plain  text ", "plain  text", "plain  text" },
		{ "a\tb", "a b", "a b" },
		{ "a\r\nb\rc\nd", "a b c d", "a\nb\nc\nd" },
		{ "a\xE2\x80\xA8"
		  "b\xC2\x85"
		  "c",
			"a b c", "a\nb\nc" },
		{ "\n\n a \n\n", "a", "a" },
		{ "bell\x07 esc\x1b[31m del\x7f c1\xC2\x9B", "bell esc[31m del c1",
			"bell esc[31m del c1" },
		{ "marks \x01"
		  "b\x02",
			"marks b", "marks b" },
		{ "zero\xE2\x80\x8Bwidth\xEF\xBB\xBF", "zerowidth", "zerowidth" },
		{ "\xE2\x80\xAE"
		  "evil\xE2\x81\xA9",
			"evil", "evil" },
		{ "\xF3\xA0\x81\x81tag", "tag", "tag" },
		{ "soft\xC2\xADhyphen", "softhyphen", "softhyphen" },
		{ "bad\xFF\xC0\xAFutf8", "bad\uFFFD\uFFFD\uFFFDutf8", "bad\uFFFD\uFFFD\uFFFDutf8" },
		{ "torn\xE2\x82", "torn\uFFFD\uFFFD", "torn\uFFFD\uFFFD" },
		{ "\xC2\xA0nbsp\xC2\xA0", "nbsp", "nbsp" },
		{ "“smart” – it’s ok 😀", "“smart” – it’s ok 😀", "“smart” – it’s ok 😀" },
		{ "\x01\x02\x03", "", "" },
	};
	struct arena *a = arena_create(1u << 20);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = strlen(cases[i].in);

		assert_string_equal(text_clean(a, cases[i].in, n, 1000, false), cases[i].line);
		assert_string_equal(text_clean(a, cases[i].in, n, 1000, true), cases[i].lines);
	}
	assert_string_equal(text_clean(a, "a\0b", 3, 10, false), "ab");
	assert_string_equal(text_clean(a, NULL, 0, 10, false), "");
	arena_destroy(a);
}

static void test_clean_is_capped_at_a_character(void **state)
{
	struct arena *a = arena_create(1u << 20);

	(void)state;
	assert_string_equal(text_clean(a, "ab€", 5, 4, false), "ab");
	assert_string_equal(text_clean(a, "ab cd", 5, 3, false), "ab");
	assert_string_equal(text_clean(a, "\xFF\xFF", 2, 4, false), "\uFFFD");
	assert_string_equal(text_clean(a, "abc", 3, 0, false), "");
	arena_destroy(a);
}

/* Whatever comes in, what comes out is valid, capped, clean, and cleaning it again changes nothing.
 */
static void test_clean_of_noise(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct arena *a = arena_create(1u << 16);
		char noise[64];

		for (size_t i = 0; i < sizeof(noise); i++) {
			seed = seed * 1664525 + 1013904223;
			noise[i] = (char)(seed >> 24);
		}

		char *once = text_clean(a, noise, sizeof(noise), 50, round & 1);

		assert_true(strlen(once) <= 50);
		assert_true(text_valid(once, strlen(once)));
		assert_string_equal(text_clean(a, once, strlen(once), 50, round & 1), once);
		for (char *p = once; *p; p++)
			assert_true((unsigned char)*p >= 0x20 || (*p == '\n' && (round & 1)));
		arena_destroy(a);
	}
}

static void test_fold(void **state)
{
	struct arena *a = arena_create(4096);
	const char *haystack = "Payments API";

	(void)state;
	assert_true(text_equal_fold("SEV2", "sev2"));
	assert_false(text_equal_fold("sev2", "sev22"));
	assert_false(text_equal_fold("sev22", "sev2"));
	assert_true(text_equal_fold("", ""));
	assert_false(text_equal_fold("É", "é")); /* ASCII only */
	assert_false(text_equal_fold("[", "{"));
	assert_true(text_prefix_fold("DEC", "declare"));
	assert_true(text_prefix_fold("", "x"));
	assert_false(text_prefix_fold("declares", "declare"));
	assert_string_equal(text_lower(a, "SEV-É"), "sev-É");
	assert_null(text_lower(a, NULL));
	assert_ptr_equal(text_find_fold(haystack, "api"), haystack + 9);
	assert_ptr_equal(text_find_fold(haystack, ""), haystack);
	assert_null(text_find_fold(haystack, "apis"));
	assert_null(text_find_fold("", "a"));
	arena_destroy(a);
}

static void test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned edits;
	} cases[] = {
		{ "", "", 0 },
		{ "update", "update", 0 },
		{ "UPDATE", "update", 0 },
		{ "updte", "update", 1 },
		{ "updaate", "update", 1 },
		{ "updaze", "update", 1 },
		{ "udpate", "update", 1 }, /* a swap is one edit */
		{ "", "abc", 3 },
		{ "abc", "", 3 },
		{ "kitten", "sitting", 3 },
		{ "abcd", "badc", 2 },
	};
	char x[200], y[200];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(text_distance(cases[i].a, cases[i].b), cases[i].edits);
		assert_int_equal(text_distance(cases[i].b, cases[i].a), cases[i].edits);
	}
	memset(x, 'x', sizeof(x));
	memset(y, 'y', sizeof(y));
	x[199] = y[199] = '\0';
	assert_int_equal(text_distance(x, y), 64);
}

static void test_slug(void **state)
{
	static const struct {
		const char *in;
		size_t max;
		const char *slug;
	} cases[] = {
		{ "Checkout is failing!", 80, "checkout-is-failing" },
		{ "  --Hello,   World--  ", 80, "hello-world" },
		{ "can't can’t", 80, "cant-cant" },
		{ "Zürich Straße Ørsted Łódź", 80, "zurich-strase-orsted-lodz" },
		{ "日本 outage 😀", 80, "outage" },
		{ "!!!", 80, "" },
		{ "", 80, "" },
		{ "abc def", 4, "abc" }, /* no dash at the end */
		{ "abc def", 5, "abc-d" },
		{ "abc", 0, "" },
		{ "a\xFF" "b", 80, "a-b" },
		{ "<!channel> @here", 80, "channel-here" },
		{ "ſ ž À", 80, "s-z-a" }, /* both ends of the table */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		STR_CLEANUP struct str s;

		str_init(&s, 200);
		text_slug(&s, cases[i].in, cases[i].max);
		assert_string_equal(s.p, cases[i].slug);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_cut_and_edge),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_clean_is_capped_at_a_character),
		cmocka_unit_test(test_clean_of_noise),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_slug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
