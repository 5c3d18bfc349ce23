/*
 * What was committed is there after kill -9. A child commits batches and tells each one on a pipe
 * after its commit; the parent kills it at a moment of its own and looks. (This shows the order of
 * commit and telling; what the disk itself loses without power no test of this kind can show.)
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/audit.h"
#include "store/timelines.h"
#include "support_store.h"

#define ROUNDS  12
#define PER_SET 3 /* entries of a batch: all of them or none */

/* Never returns: ends by the parent's kill, or with what went wrong. */
static void child_commits(struct scratch *x, int told)
{
	struct store_options o = { .path = x->path };

	if (store_open(&x->store, &o, &x->err))
		_exit(2);
	for (;;) {
		char text[] = "entry";
		int64_t last = 0;
		if (store_begin(x->store, &x->err))
			_exit(3);
		for (int i = 0; i < PER_SET; i++) {
			struct timeline_entry e = {
				.incident = 1, .happened_at = 1, .kind = ENTRY_NOTE, .text = text
			};
			struct audit_entry a = { .entity = "incident",
				.entity_id = 1,
				.level = "info",
				.action = "incident.note",
				.actor = "slack:U1" };
			if (timeline_append(x->store, &e, &x->err) ||
				audit_append(x->store, &a, &x->err))
				_exit(4);
			last = e.id;
		}
		if (store_commit(x->store, &x->err))
			_exit(5);
		if (write(told, &last, sizeof(last)) != sizeof(last))
			_exit(6);
	}
}

static void sleep_ms(int ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

/* Kills it after that time; the last id it told of. */
static int64_t run_and_kill(struct scratch *x, int ms)
{
	int64_t id, last = 0;
	int pipes[2], status;

	assert_int_equal(pipe(pipes), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(pipes[0]);
		child_commits(x, pipes[1]);
	}
	close(pipes[1]);
	/* The first one told: it is at work. */
	assert_int_equal(read(pipes[0], &last, sizeof(last)), sizeof(last));
	sleep_ms(ms);
	assert_int_equal(kill(child, SIGKILL), 0);
	while (read(pipes[0], &id, sizeof(id)) == sizeof(id))
		last = id;
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status)); /* not ended by an error of its own */
	return last;
}

static void what_was_told_is_there(void **state)
{
	struct scratch *x = *state;
	int64_t rows, entries;

	STORED(x, scratch_incident(x, "a") > 0 ? 0 : -1);
	for (int round = 0; round < ROUNDS; round++) {
		store_close(x->store);
		x->store = NULL;
		int64_t last = run_and_kill(x, round * 3);
		struct store_options o = { .path = x->path };
		if (store_open(&x->store, &o, &x->err))
			fail_msg("%s", x->err.text);
		assert_int_equal(timeline_count(x->store, 1, &rows, &x->err), 0);
		assert_true(rows >= last);
		assert_int_equal(rows % PER_SET, 0);
		if (audit_verify(x->store, &entries, &x->err))
			fail_msg("%s", x->err.text);
		assert_int_equal(entries, rows);
		assert_int_equal(store_check(x->store, &x->err), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_told_is_there, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests_name("store: durability", tests, NULL, NULL);
}
