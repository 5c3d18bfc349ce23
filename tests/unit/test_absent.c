/* Effects of a system that is not configured any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "bot/absent.h"

static int room;
static int64_t came[8];
static size_t count;

static bool small_submit(void *ctx, struct request *take)
{
	(void)ctx;
	if (room == 0)
		return false;
	room--;
	assert_int_equal(take->source, REQUEST_OUTCOME);
	assert_string_equal(json_get_str(take->args, "outcome"), "retry");
	assert_string_equal(json_get_str(take->args, "error"), "not configured");
	came[count++] = take->effect;
	request_destroy(take);
	return true;
}

static struct effect *effect_of(int64_t id)
{
	struct arena *arena = arena_create(4096);
	struct effect *e = arena_alloc(arena, sizeof(*e));

	*e = (struct effect){ .arena = arena, .id = id, .system = "jira" };
	return e;
}

/* Else the place it takes among those under way would not be free again. */
static void a_full_queue_loses_no_outcome(void **state)
{
	struct adapter_host host = { .submit = small_submit };
	struct adapter *a = absent_create(&host);

	(void)state;
	count = 0;
	room = 1;
	for (int64_t id = 1; id <= 3; id++)
		a->perform(a, effect_of(id));
	assert_int_equal(count, 1);
	room = 1;
	a->resume(a);
	assert_int_equal(count, 2);
	room = 8;
	a->resume(a);
	a->resume(a);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(came[i], i + 1);
	room = 0;
	a->perform(a, effect_of(4)); /* left at the end: it stays marked as started */
	a->destroy(a);
	assert_int_equal(count, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_queue_loses_no_outcome),
	};

	return cmocka_run_group_tests_name("absent", tests, NULL, NULL);
}
