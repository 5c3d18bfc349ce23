/* What the core has no room for waits its turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/backlog.h"

static int room;
static char order[64];
static bool small_submit(void *ctx, struct request *take)
{
	(void)ctx;
	if (room == 0)
		return false;
	room--;
	strcat(order, take->words);
	request_destroy(take);
	return true;
}

static struct request *request_of(const char *words)
{
	struct request *r = request_create(REQUEST_OUTCOME);
	r->words = words;
	return r;
}

static void test_backlog_keeps_order(void **state)
{
	(void)state;
	struct adapter_host host = { .submit = small_submit };
	struct backlog b;
	backlog_init(&b, &host);
	order[0] = '\0';
	room = 1;
	assert_true(backlog_submit(&b, request_of("a")));
	assert_false(backlog_submit(&b, request_of("b")));
	room = 1; /* room, but not out of turn */
	assert_false(backlog_submit(&b, request_of("c")));
	assert_true(backlog_waiting(&b));
	assert_false(backlog_flush(&b));
	assert_string_equal(order, "ab");
	assert_false(backlog_submit(&b, request_of("d")));
	room = 5;
	assert_true(backlog_flush(&b));
	assert_false(backlog_waiting(&b));
	assert_true(backlog_submit(&b, request_of("e")));
	assert_string_equal(order, "abcde");
	room = 0;
	assert_false(backlog_submit(&b, request_of("f")));
	backlog_finish(&b);
	assert_string_equal(order, "abcde");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backlog_keeps_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
