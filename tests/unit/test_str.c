#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "base/text.h"

static void test_add(void **state)
{
	STR_CLEANUP struct str s;

	(void)state;
	str_init(&s, 100);
	assert_string_equal(s.p, "");
	str_add(&s, NULL);
	str_add(&s, "INC");
	str_addc(&s, '-');
	str_addf(&s, "%d", 42);
	str_addn(&s, "!!!", 1);
	assert_string_equal(s.p, "INC-42!");
	assert_int_equal(s.len, 7);
	assert_false(s.cut);
	str_reset(&s);
	assert_string_equal(s.p, "");
	str_addf(&s, "%s", "again");
	assert_string_equal(s.p, "again");
}

static void test_cut_at_a_character(void **state)
{
	/* "aé€😀": 1, 2, 3 and 4 bytes; what fits of them in each maximum */
	static const size_t kept[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10 };

	(void)state;
	for (size_t max = 0; max <= 10; max++) {
		STR_CLEANUP struct str added, formatted;

		str_init(&added, max);
		str_init(&formatted, max);
		str_add(&added, "aé€😀");
		str_addf(&formatted, "%s", "aé€😀");
		assert_int_equal(added.len, kept[max]);
		assert_int_equal(formatted.len, kept[max]);
		assert_int_equal(added.cut, max < 10);
		assert_int_equal(formatted.cut, max < 10);
		assert_true(text_valid(added.p, added.len));
		assert_string_equal(added.p, formatted.p);
	}
}

static void test_nothing_is_added_after_a_cut(void **state)
{
	STR_CLEANUP struct str s;

	(void)state;
	str_init(&s, 5);
	str_add(&s, "abc€");
	assert_true(s.cut);
	str_add(&s, "d");
	str_addc(&s, 'd');
	str_addf(&s, "%d", 1);
	assert_string_equal(s.p, "abc");
}

static void test_growth_keeps_the_text(void **state)
{
	struct arena *a = arena_create(1u << 20);
	STR_CLEANUP struct str heap;
	struct str kept;

	(void)state;
	str_init(&heap, 50000);
	str_init_arena(&kept, a, 50000);
	for (int i = 0; i < 5000; i++) {
		str_addf(&heap, "%d,", i);
		str_addf(&kept, "%d,", i);
		if (i % 100 == 0)
			assert_non_null(
				arena_alloc(a, 8)); /* so that it cannot always grow in place */
	}
	assert_string_equal(heap.p, kept.p);
	assert_memory_equal(heap.p, "0,1,2,3,", 8);
	assert_int_equal(heap.len, strlen(heap.p));
	arena_destroy(a);
}

static void test_a_full_arena_is_a_cut(void **state)
{
	struct arena *a = arena_create(4096);
	struct str s;

	(void)state;
	str_init_arena(&s, a, 1u << 20);
	for (int i = 0; i < 100000; i++)
		str_addc(&s, 'x');
	assert_true(s.cut);
	assert_true(s.len > 0 && s.len < 4096);
	assert_int_equal(strlen(s.p), s.len);
	arena_destroy(a);
}

static void test_take_and_finish(void **state)
{
	struct str s, zero = { 0 };
	char *p;

	(void)state;
	str_finish(&zero);
	str_init(&s, 10);
	p = str_take(&s);
	assert_string_equal(p, "");
	free(p);
	str_add(&s, "abc");
	p = str_take(&s);
	assert_string_equal(p, "abc");
	free(p);
	assert_string_equal(s.p, "");
	str_finish(&s);
	str_finish(&s);
}

static void test_errors(void **state)
{
	struct error err = { 0 };
	char text[1000];

	(void)state;
	assert_int_equal(error_set(&err, -22, "a %s incident", "closed"), -22);
	assert_int_equal(err.code, -22);
	assert_string_equal(err.text, "a closed incident");
	assert_int_equal(error_prefix(&err, "line %d", 7), -22);
	assert_string_equal(err.text, "line 7: a closed incident");
	assert_int_equal(error_set(NULL, -5, "x"), -5);
	error_set(&err, -1, "near '%s'", "\xC3\xA9 \xFF \xE2\x82");
	assert_string_equal(err.text, "near 'é ? ?" "?'");

	for (size_t shift = 0; shift < 3;
		shift++) { /* a three-byte character across the end, each way */
		memset(text, 'x', shift);
		for (size_t i = shift; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "€", 4);
		error_set(&err, -1, "%s", text);
		assert_in_range(strlen(err.text), sizeof(err.text) - 4, sizeof(err.text) - 1);
		assert_true(text_valid(err.text, strlen(err.text)));
		error_prefix(&err, "%s", text);
		assert_true(text_valid(err.text, strlen(err.text)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_cut_at_a_character),
		cmocka_unit_test(test_nothing_is_added_after_a_cut),
		cmocka_unit_test(test_growth_keeps_the_text),
		cmocka_unit_test(test_a_full_arena_is_a_cut),
		cmocka_unit_test(test_take_and_finish),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
