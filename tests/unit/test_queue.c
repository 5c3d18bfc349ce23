#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/queue.h"

struct count {
	int wakes, rooms;
};

static void on_wake(void *context)
{
	struct count *c = context;

	c->wakes++;
}

static void on_room(void *context)
{
	struct count *c = context;

	c->rooms++;
}

static int numbers[1000];

static void test_in_order_and_bounded(void **state)
{
	struct queue *q = queue_create(3, NULL);
	void *out[8];

	(void)state;
	assert_int_equal(queue_take(q, out, 8), 0);
	for (int round = 0; round < 10; round++) { /* round and round the ring */
		assert_true(queue_put(q, &numbers[0]));
		assert_true(queue_put(q, &numbers[1]));
		assert_true(queue_put(q, &numbers[2]));
		assert_false(queue_put(q, &numbers[3]));
		assert_int_equal(queue_take(q, out, 2), 2);
		assert_ptr_equal(out[0], &numbers[0]);
		assert_ptr_equal(out[1], &numbers[1]);
		assert_int_equal(queue_length(q), 1);
		assert_int_equal(queue_take(q, out, 8), 1);
		assert_ptr_equal(out[0], &numbers[2]);
	}
	queue_destroy(q);
	queue_destroy(NULL);
}

static void test_wakes_only_when_it_was_empty(void **state)
{
	struct count c = { 0 };
	struct queue *q = queue_create(10, &(struct queue_hooks){ on_wake, on_room, &c });
	void *out[10];

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_true(queue_put(q, &numbers[i]));
	assert_int_equal(c.wakes, 1);
	assert_int_equal(queue_take(q, out, 3), 3);
	assert_true(queue_put(q, &numbers[0]));
	assert_int_equal(c.wakes, 1); /* two were left */
	assert_int_equal(queue_take(q, out, 10), 3);
	assert_true(queue_put(q, &numbers[0]));
	assert_int_equal(c.wakes, 2);
	assert_int_equal(c.rooms, 0); /* it was never full */
	queue_destroy(q);
}

static void test_room_is_told_once_at_half(void **state)
{
	struct count c = { 0 };
	struct queue *q = queue_create(4, &(struct queue_hooks){ on_wake, on_room, &c });
	void *out[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_true(queue_put(q, &numbers[i]));
	assert_false(queue_put(q, &numbers[4]));
	assert_int_equal(queue_take(q, out, 1), 1);
	assert_int_equal(c.rooms, 0);
	assert_int_equal(queue_take(q, out, 1), 1);
	assert_int_equal(c.rooms, 1);
	assert_int_equal(queue_take(q, out, 2), 2);
	assert_int_equal(queue_take(q, out, 2), 0);
	assert_int_equal(c.rooms, 1);
	queue_destroy(q);
}

static void test_closing(void **state)
{
	struct queue *q = queue_create(4, NULL);
	void *out[4];

	(void)state;
	assert_true(queue_put(q, &numbers[0]));
	assert_false(queue_closed(q));
	queue_close(q);
	assert_true(queue_closed(q));
	assert_false(queue_put(q, &numbers[1]));
	queue_wait(q, -1); /* does not sleep */
	assert_int_equal(queue_take(q, out, 4), 1);
	queue_wait(q, -1);
	queue_destroy(q);
}

static void test_waiting(void **state)
{
	struct queue *q = queue_create(4, NULL);
	int64_t begin = clock_monotonic_ms();

	(void)state;
	queue_wait(q, 0);
	queue_wait(q, 30);
	assert_in_range(clock_monotonic_ms() - begin, 29, 5000);
	queue_poke(q);
	queue_wait(q, -1); /* a poke before the sleep is not lost */
	queue_poke(q);
	queue_wait(q, INT64_MAX);
	begin = clock_monotonic_ms();
	queue_wait(q, 20); /* and a poke wakes once */
	assert_true(clock_monotonic_ms() - begin >= 19);
	assert_true(queue_put(q, &numbers[0]));
	queue_wait(q, -1);
	queue_destroy(q);
}

struct late {
	struct queue *q;
	bool patient;
};

static void *put_late(void *context)
{
	struct late *l = context;

	usleep(20000);
	if (l->patient)
		queue_put_patient(l->q, &numbers[1], 30);
	else
		queue_put(l->q, &numbers[1]);
	return NULL;
}

/* How long queue_wait(limit_ms) sleeps while another thread puts something 20 ms later. */
static int64_t slept(struct queue *q, bool patient, int64_t limit_ms)
{
	struct late l = { q, patient };
	int64_t begin = clock_monotonic_ms();
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, put_late, &l), 0);
	queue_wait(q, limit_ms);
	begin = clock_monotonic_ms() - begin;
	pthread_join(thread, NULL);
	return begin;
}

static void test_patience(void **state)
{
	struct queue *q = queue_create(8, NULL);
	int64_t begin = clock_monotonic_ms();
	void *out[8];

	(void)state;
	assert_false(queue_patient(q));
	/* Its patience is waited for, and no longer. */
	assert_true(queue_put_patient(q, &numbers[0], 30));
	assert_true(queue_patient(q));
	queue_wait(q, -1);
	assert_in_range(clock_monotonic_ms() - begin, 29, 5000);
	/* The first one's counts, and a shorter limit does too. */
	assert_true(queue_put_patient(q, &numbers[0], 60000));
	begin = clock_monotonic_ms();
	queue_wait(q, -1);
	assert_true(clock_monotonic_ms() - begin < 5000);
	assert_int_equal(queue_take(q, out, 8), 2);
	assert_true(queue_put_patient(q, &numbers[0], 60000));
	queue_wait(q, 20);
	/* What is not patient ends it at once, before or while it sleeps. */
	assert_in_range(slept(q, false, 60000), 19, 5000);
	assert_false(queue_patient(q));
	queue_wait(q, -1);
	assert_int_equal(queue_take(q, out, 1), 1);
	queue_wait(q, -1);
	assert_int_equal(queue_take(q, out, 8), 1);
	/* One that comes while it sleeps without a limit wakes it in time. */
	assert_in_range(slept(q, true, -1), 49, 5000);
	assert_int_equal(queue_take(q, out, 8), 1);
	queue_destroy(q);
}

#define MANY 200000

static void *putter(void *context)
{
	struct queue *q = context;

	for (uintptr_t i = 0; i < MANY;) {
		if (queue_put(q, &numbers[i % 1000]))
			i++;
	}
	queue_close(q);
	return NULL;
}

static void test_two_threads(void **state)
{
	struct queue *q = queue_create(64, NULL);
	pthread_t thread;
	void *out[16];
	size_t got = 0;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, putter, q), 0);
	for (;;) {
		size_t n;

		queue_wait(q, -1);
		while ((n = queue_take(q, out, 16)) > 0)
			for (size_t i = 0; i < n; i++, got++)
				assert_ptr_equal(out[i], &numbers[got % 1000]);
		if (queue_closed(q) && queue_length(q) == 0)
			break;
	}
	assert_int_equal(got, MANY);
	pthread_join(thread, NULL);
	queue_destroy(q);
}

static void *poker(void *context)
{
	struct timespec ts = { .tv_nsec = 20000000 };

	nanosleep(&ts, NULL);
	queue_poke(context);
	return NULL;
}

static void test_a_poke_wakes_a_sleeper(void **state)
{
	struct queue *q = queue_create(4, NULL);
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, poker, q), 0);
	queue_wait(q, -1);
	pthread_join(thread, NULL);
	queue_destroy(q);
}

static void *closer(void *context)
{
	usleep(20000);
	queue_close(context);
	return NULL;
}

/* The core sleeps for a minute; the end of the bot does not wait for that. */
static void test_closing_wakes_a_sleeper(void **state)
{
	struct queue *q = queue_create(4, NULL);
	int64_t begin = clock_monotonic_ms();
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, closer, q), 0);
	queue_wait(q, MINUTE_MS);
	assert_true(clock_monotonic_ms() - begin < MINUTE_MS / 2);
	pthread_join(thread, NULL);
	queue_destroy(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order_and_bounded),
		cmocka_unit_test(test_wakes_only_when_it_was_empty),
		cmocka_unit_test(test_room_is_told_once_at_half),
		cmocka_unit_test(test_closing),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_patience),
		cmocka_unit_test(test_two_threads),
		cmocka_unit_test(test_a_poke_wakes_a_sleeper),
		cmocka_unit_test(test_closing_wakes_a_sleeper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
