#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void test_memory_is_zeroed_and_aligned(void **state)
{
	struct arena *a = arena_create(1u << 20);

	(void)state;
	for (size_t size = 0; size < 300; size++) {
		unsigned char *p = size & 1 ? arena_alloc(a, size) : arena_try_alloc(a, size);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xFF, size);
	}
	assert_true(arena_used(a) >= 300 * 299 / 2);
	arena_destroy(a);
}

static void test_allocations_do_not_overlap(void **state)
{
	struct arena *a = arena_create(1u << 20);
	unsigned char *p[200];

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		p[i] = arena_alloc(a, 1 + i * 7);
		memset(p[i], (int)i, 1 + i * 7);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t j = 0; j < 1 + i * 7; j++)
			assert_int_equal(p[i][j], i);
	arena_destroy(a);
}

static void test_the_maximum_holds(void **state)
{
	struct arena *a = arena_create(10000);
	size_t got = 0;

	(void)state;
	assert_null(arena_try_alloc(a, 10001));
	assert_null(arena_try_alloc(a, SIZE_MAX));
	assert_null(arena_try_alloc(a, SIZE_MAX - 8));
	while (arena_try_alloc(a, 100))
		got++;
	assert_in_range(got, 60, 100); /* most of it was given, and no more */
	assert_true(arena_used(a) <= 10000);
	arena_destroy(a);
}

static void test_a_large_one_leaves_the_small_ones_their_block(void **state)
{
	struct arena *a = arena_create(1u << 20);
	char *before = arena_alloc(a, 16), *after;

	(void)state;
	assert_non_null(arena_try_alloc(a, 100000));
	after = arena_alloc(a, 16);
	assert_ptr_equal(after, before + 16);
	arena_destroy(a);
}

static void test_extend(void **state)
{
	struct arena *a = arena_create(1u << 20);
	char *p = arena_alloc(a, 10);

	(void)state;
	memset(p, 'x', 10);
	assert_true(arena_extend(a, p, 10, 500));
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(p[i], i < 10 ? 'x' : 0);
	assert_false(arena_extend(a, p, 500, 100000)); /* the block has no such room */
	assert_non_null(arena_alloc(a, 1));
	assert_false(arena_extend(a, p, 500, 600)); /* not the latest any more */
	arena_destroy(a);
}

/* Bytes that malloc has handed out; 0 where another one is in its place. */
static size_t memory_held(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* A hundred times what fits once; small, large and whole blocks; what was there before stays. */
static void test_rewind(void **state)
{
	struct arena *a = arena_create(256u << 10);
	char *kept = arena_strdup(a, "kept");
	struct arena_mark before;
	size_t used, held;

	(void)state;
	assert_non_null(arena_try_alloc(a, 20000)); /* a large neighbour, older than the mark */
	used = arena_used(a);
	held = memory_held();
	before = arena_mark(a);
	for (int i = 0; i < 100; i++) {
		char *first = arena_alloc(a, 16);

		assert_ptr_equal(first, kept + 16);
		assert_non_null(arena_try_alloc(a, 60000));
		for (int k = 0; k < 100; k++)
			memset(arena_alloc(a, 1000), 'x', 1000);
		arena_rewind(a, &before);
		assert_int_equal(arena_used(a), used);
	}
	assert_true(memory_held() <= held + (64u << 10)); /* large ones were given back as well */
	assert_string_equal(kept, "kept");
	assert_int_equal(*(char *)arena_alloc(a, 1), 0);
	arena_destroy(a);
}

static void test_strings(void **state)
{
	struct arena *a = arena_create(1u << 20);
	char long_text[2000];

	(void)state;
	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_null(arena_strdup(a, NULL));
	assert_null(arena_strndup(a, NULL, 3));
	assert_string_equal(arena_strdup(a, ""), "");
	assert_string_equal(arena_strdup(a, "incident"), "incident");
	assert_string_equal(arena_strndup(a, "incident", 3), "inc");
	assert_string_equal(arena_strndup(a, "inc", 300), "inc");
	assert_string_equal(arena_printf(a, "INC-%d %s", 42, "open"), "INC-42 open");
	assert_string_equal(arena_printf(a, "%s", long_text), long_text);
	arena_destroy(a);
	arena_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_zeroed_and_aligned),
		cmocka_unit_test(test_allocations_do_not_overlap),
		cmocka_unit_test(test_the_maximum_holds),
		cmocka_unit_test(test_a_large_one_leaves_the_small_ones_their_block),
		cmocka_unit_test(test_extend),
		cmocka_unit_test(test_rewind),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
