#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <pthread.h>

#include "adapters/adapter.h"
#include "adapters/io.h"

static struct io *io;
static char said[64];
static struct io_timer *timer;
static int count;

static void say(const char *what)
{
	strncat(said, what, sizeof(said) - strlen(said) - 1);
}

static int begin(void **state)
{
	(void)state;
	said[0] = '\0';
	count = 0;
	timer = NULL;
	io = io_create(NULL);
	return io ? 0 : -1;
}

/* ---- wakes ------------------------------------------------------------------------------ */

static struct io_wake wakes[2];
static atomic_int sent;
static bool thread_done;

static void *send_many(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10000; i++) {
		atomic_fetch_add(&sent, 1);
		io_wake_send(&wakes[0]);
	}
	io_wake_send(&wakes[1]);
	return NULL;
}

static int seen_at_last_wake;
static void on_wake(void *ctx)
{
	assert_ptr_equal(ctx, &wakes[0]);
	seen_at_last_wake = atomic_load(&sent);
	count++;
}

static void on_last_wake(void *ctx)
{
	(void)ctx;
	thread_done = true;
	io_stop(io);
}

static void test_wake_is_never_lost(void **state)
{
	(void)state;
	pthread_t thread;
	io_wake_init(io, &wakes[0], on_wake, &wakes[0]);
	io_wake_init(io, &wakes[1], on_last_wake, NULL);
	assert_int_equal(pthread_create(&thread, NULL, send_many, NULL), 0);
	io_run(io);
	pthread_join(thread, NULL);
	/* Many become few, but the last one came after the last send. */
	assert_in_range(count, 1, 10000);
	assert_int_equal(seen_at_last_wake, 10000);
	io_wake_send(&wakes[0]); /* the core may outlive io_run */
	assert_true(io_destroy(io));
}

/* ---- stopping --------------------------------------------------------------------------- */

static void stop_a(void *ctx)
{
	(void)ctx;
	say("a");
	assert_true(io_stopping(io));
}

static void stop_b(void *ctx)
{
	(void)ctx;
	say("b");
	io_stop(io); /* again: nothing */
	io_timer_destroy(timer);
}

static void stop_now(void *ctx)
{
	(void)ctx;
	io_stop(io);
	say("s"); /* not from inside */
}

static void test_hooks_run_last_first(void **state)
{
	(void)state;
	struct io_hook a = { stop_a, NULL, NULL }, b = { stop_b, NULL, NULL };
	io_on_stop(io, &a);
	io_on_stop(io, &b);
	timer = io_timer_create(io, stop_now, NULL);
	io_timer_start(timer, 0);
	io_run(io);
	assert_string_equal(said, "sba");
	assert_true(io_destroy(io));
}

static void test_stop_before_run(void **state)
{
	(void)state;
	struct io_hook a = { stop_a, NULL, NULL };
	io_on_stop(io, &a);
	io_stop(io);
	assert_string_equal(said, "");
	io_run(io);
	assert_string_equal(said, "a");
	assert_true(io_destroy(io));
}

static void test_destroy_without_run(void **state)
{
	(void)state;
	struct io_hook a = { stop_a, NULL, NULL };
	io_on_stop(io, &a);
	assert_true(io_destroy(io));
	assert_string_equal(said, "a");
	assert_true(io_destroy(NULL));
}

/* A handle that nobody closes must not keep the process from ending. */
static uv_timer_t forgotten;
static void on_forgotten(uv_timer_t *t)
{
	(void)t;
}

static void test_forgotten_handle_is_bounded(void **state)
{
	(void)state;
	uv_timer_init(io_loop(io), &forgotten);
	uv_timer_start(&forgotten, on_forgotten, 10, 10);
	uint64_t before = uv_hrtime();
	io_stop(io);
	io_run(io);
	assert_in_range((uv_hrtime() - before) / 1000000, IO_DRAIN_MS - 100, IO_DRAIN_MS + 1000);
	uv_close((uv_handle_t *)&forgotten, NULL);
	assert_true(io_destroy(io));
}

/* ---- timers ----------------------------------------------------------------------------- */

static void on_third(void *ctx)
{
	(void)ctx;
	if (++count < 3) {
		io_timer_start(timer, 5);
		assert_true(io_timer_running(timer));
		return;
	}
	assert_false(io_timer_running(timer));
	io_timer_destroy(timer);
	io_stop(io);
}

static void test_timer_restarts_and_ends_itself(void **state)
{
	(void)state;
	timer = io_timer_create(io, on_third, NULL);
	assert_false(io_timer_running(timer));
	io_timer_start(timer, -7);
	io_run(io);
	assert_int_equal(count, 3);
	assert_true(io_destroy(io));
	io_timer_destroy(NULL);
}

/* ---- adapters --------------------------------------------------------------------------- */

static int start_badly(struct adapter *a, struct error *err)
{
	(void)a;
	return error_set(err, -5, "no");
}

static int start_well(struct adapter *a, struct error *err)
{
	(void)err;
	say(a->name);
	return 0;
}

static void stop_adapter(struct adapter *a)
{
	say("-");
	say(a->name);
}

static void test_only_what_started_is_stopped(void **state)
{
	(void)state;
	struct adapter_host host = { .io = io };
	struct adapter x = {
		.name = "x", .host = &host, .start = start_well, .stop = stop_adapter
	};
	struct adapter y = {
		.name = "y", .host = &host, .start = start_badly, .stop = stop_adapter
	};
	struct adapter z = {
		.name = "z", .host = &host, .start = start_well, .stop = stop_adapter
	};
	struct error err;
	assert_int_equal(adapter_start(&x, &err), 0);
	assert_int_equal(adapter_start(&y, &err), -5);
	assert_int_equal(adapter_start(&z, &err), 0);
	io_stop(io);
	io_run(io);
	assert_string_equal(said, "xz-z-x");
	assert_true(io_destroy(io));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_wake_is_never_lost, begin),
		cmocka_unit_test_setup(test_hooks_run_last_first, begin),
		cmocka_unit_test_setup(test_stop_before_run, begin),
		cmocka_unit_test_setup(test_destroy_without_run, begin),
		cmocka_unit_test_setup(test_forgotten_handle_is_bounded, begin),
		cmocka_unit_test_setup(test_timer_restarts_and_ends_itself, begin),
		cmocka_unit_test_setup(test_only_what_started_is_stopped, begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
