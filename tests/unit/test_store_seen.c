/* The index of the inbox's keys: no entry is ever missing, whatever the size and the rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "store/seen.h"

static size_t key_of(char *key, size_t size, int64_t row)
{
	return (size_t)snprintf(key, size, "slack:envelope:%08x-%lld", (unsigned)row * 2654435761u,
		(long long)row);
}

static void add(struct seen *s, int64_t row)
{
	char key[64];
	size_t n = key_of(key, sizeof(key), row);

	seen_add(s, key, n, row);
}

static int has(const struct seen *s, int64_t row)
{
	char key[64];
	size_t n = key_of(key, sizeof(key), row), at = 0;
	int64_t found;

	while ((found = seen_next(s, key, n, &at)))
		if (found == row)
			return 1;
	return 0;
}

static void check_from(int64_t first)
{
	struct seen *s = seen_create();
	const int64_t count = 100000, kept = 30000;

	assert_false(has(s, first));
	for (int64_t row = first; row < first + count; row++)
		add(s, row);
	for (int64_t row = first; row < first + count; row++)
		assert_true(has(s, row));
	assert_false(has(s, first + count));
	seen_drop(s, first + count - kept - 1);
	for (int64_t row = first; row < first + count; row++)
		assert_int_equal(has(s, row), row >= first + count - kept);
	seen_drop(s, INT64_MAX);
	assert_false(has(s, first + count - 1));
	seen_destroy(s);
}

static void test_all_are_found(void **state)
{
	(void)state;
	check_from(1);
}

/* Rows whose halves begin anew in between. */
static void test_rows_beyond_32_bits(void **state)
{
	(void)state;
	check_from((INT64_C(1) << 32) - 50000);
	check_from((INT64_C(5) << 32) - 1);
	check_from(INT64_MAX - 200000);
}

/* A row that was undone is given again, below what is the newest. */
static void test_an_undone_row_comes_again(void **state)
{
	struct seen *s = seen_create();

	(void)state;
	add(s, 10);
	add(s, 12);
	add(s, 11);
	seen_add(s, "another", 7, 12);
	assert_true(has(s, 10) && has(s, 11) && has(s, 12));
	seen_drop(s, 11);
	assert_false(has(s, 10) || has(s, 11));
	assert_true(has(s, 12));
	seen_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_found),
		cmocka_unit_test(test_rows_beyond_32_bits),
		cmocka_unit_test(test_an_undone_row_comes_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
