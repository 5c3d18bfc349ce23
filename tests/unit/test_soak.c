/*
 * Days of incidents in fast time: the clock is turned, and every timer runs at its time. Memory has to be
 * where it was, and the file may only have grown by what is kept for ever.
 * SITREP_SOAK_DAYS: how many days (5); from 60 on the 30 days that effects are kept are over for long enough.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <malloc.h>

#include "base/clock.h"
#include "store/db.h"
#include "store/store.h"
#include "support_bot.h"

#define DAYS	      5
#define A_DAY	      4 /* incidents; an hour apart, from ten on */
#define KEEP_INBOX    DAY_MS
#define KEEP_EFFECTS  (30 * DAY_MS)
#define WARM	      2 /* days: those that keys are kept, and the one under way */
#define HEAP_SLACK    (64 * 1024)
#define CACHE_PAGES   "50"	  /* so few that SQLite's cache is full from the first day on */
#define WAL_MAX	      (16 << 20)
#define INCIDENT_MAX  (24 * 1024) /* bytes of file, with all its rows, for ever */
#define EFFECTS_MAX   (8 * 1024) /* … and while its effects are kept */

/* With the address sanitizer malloc's own figures are empty. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t heap(void)
{
	struct mallinfo2 m;

	if (__sanitizer_get_current_allocated_bytes)
		return __sanitizer_get_current_allocated_bytes();
	m = mallinfo2();
	return m.uordblks + m.hblkhd;
}

static int64_t days(void)
{
	const char *said = getenv("SITREP_SOAK_DAYS");
	long n = said ? strtol(said, NULL, 10) : 0;

	return n > WARM ? n : DAYS;
}

static int setup(void **state)
{
	struct test_bot *b;

	bot_begin(state);
	b = *state;
	b->config->store.keep_inbox_ms = KEEP_INBOX;
	assert_int_equal(db_script(store_db(core_store(b->core)), "PRAGMA cache_size = " CACHE_PAGES, NULL), 0);
	return 0;
}

/* One incident with what people do about it, until an hour is over; the one before gets its postmortem. */
static void an_hour(struct test_bot *b, int64_t n)
{
	bot_type(b, "declare sev%d case %lld", (int)(n % 3) + 1, (long long)n);
	bot_type(b, "#%lld ic me", (long long)n);
	bot_type(b, "#%lld take comms", (long long)n);
	for (int i = 0; i < 3; i++) {
		bot_type(b, "#%lld note seen at %d", (long long)n, i);
		bot_type(b, "#%lld update step %d", (long long)n, i);
		bot_pass(b, 10 * MINUTE_MS);
	}
	bot_type(b, "#%lld state mitigating rolled back", (long long)n);
	bot_type(b, "#%lld followup look into it @alice in 1 week", (long long)n);
	bot_pass(b, 10 * MINUTE_MS);
	bot_type(b, "#%lld resolve done --signal \"99.9 %%\" --health \"at baseline\"", (long long)n);
	bot_pass(b, 20 * MINUTE_MS);
	if (n > 1)
		bot_type(b, "F%lld done it was the cache", (long long)n - 1);
}

static int64_t a_day(struct test_bot *b, int64_t n)
{
	int64_t end = clock_now(&b->clock) + DAY_MS;

	for (int i = 0; i < A_DAY; i++)
		an_hour(b, ++n);
	bot_pass(b, end - clock_now(&b->clock));
	bot_forget(b);
	return n;
}

static int64_t file_bytes(struct test_bot *b, const char *name)
{
	char path[160];
	struct stat s = { 0 };

	snprintf(path, sizeof(path), "%s/%s", b->folder, name);
	return stat(path, &s) ? 0 : (int64_t)s.st_size;
}

static int64_t rows_before(struct test_bot *b, const char *table, const char *column, int64_t keep)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s WHERE %s < %lld", table, column,
		(long long)(clock_now(&b->clock) - keep - 2 * HOUR_MS));
	return bot_number(b, sql);
}

/* What has a time after which it is forgotten is forgotten; nothing waits. */
static void nothing_is_left_over(struct test_bot *b)
{
	assert_int_equal(rows_before(b, "inbox", "at", KEEP_INBOX), 0);
	assert_int_equal(rows_before(b, "effect", "ended_at", KEEP_EFFECTS), 0);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM attempt WHERE effect NOT IN (SELECT id FROM effect)"), 0);
}

static void days_of_incidents_leave_memory_where_it_was(void **state)
{
	struct test_bot *b = *state;
	int64_t n = 0, half = days() / 2 < WARM ? WARM : days() / 2;
	size_t warm = 0;

	for (int64_t day = 0; day < days(); day++) {
		n = a_day(b, n);
		if (day == half)
			warm = heap();
		assert_true(file_bytes(b, "record.db-wal") <= WAL_MAX);
	}
	print_message("%lld incidents: heap %zu, then %zu bytes; file %lld, log %lld\n", (long long)n, warm,
		heap(), (long long)file_bytes(b, "record.db"),
		(long long)file_bytes(b, "record.db-wal"));
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident WHERE state = 'resolved'"), n);
	assert_true(heap() <= warm + HEAP_SLACK);
	nothing_is_left_over(b);
	assert_true(file_bytes(b, "record.db") <= n * INCIDENT_MAX + (n < 30 * A_DAY ? n : 30 * A_DAY) * EFFECTS_MAX);
	assert_int_equal(bot_number(b, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(days_of_incidents_leave_memory_where_it_was, setup, bot_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
