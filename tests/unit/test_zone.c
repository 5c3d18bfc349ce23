#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/ulid.h"
#include "base/zone.h"

/* a third of a name that is longer than any zone's */
#define LONG     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static int64_t local(const char *zone, int y, int mo, int d, int h, int mi)
{
	struct civil c = { .year = y, .month = mo, .day = d, .hour = h, .minute = mi };

	return zone_ms(zone, &c);
}

static void test_known(void **state)
{
	static const char *const unknown[] = { "Mars/Olympus", "../../etc/passwd", "/etc/localtime",
		"Europe/../Europe/Berlin", "Europe//Berlin", "utc;rm", "Europe/Berlin ", "é",
		LONG LONG LONG };

	(void)state;
	assert_true(zone_known("UTC"));
	assert_true(zone_known(""));
	assert_true(zone_known("Europe/Berlin"));
	assert_true(zone_known("America/Argentina/Buenos_Aires"));
	assert_true(zone_known("Europe/Berlin"));
	assert_false(zone_known(NULL));
	for (size_t i = 0; i < COUNT(unknown); i++)
		assert_false(zone_known(unknown[i]));
}

static void test_more_names_than_the_cache_holds(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		char name[32] = "No/Such_000";

		name[8] = (char)('0' + i / 100);
		name[9] = (char)('0' + i / 10 % 10);
		name[10] = (char)('0' + i % 10);
		assert_false(zone_known(name));
	}
	assert_true(zone_known("Europe/Berlin"));
	assert_int_equal(zone_offset("Europe/Berlin", INT64_C(1767225600000)), 3600);
}

static void test_civil(void **state)
{
	static const struct {
		int64_t ms;
		struct civil c;
	} cases[] = {
		{ 0, { 1970, 1, 1, 0, 0, 0, 4 } },
		{ -1, { 1969, 12, 31, 23, 59, 59, 3 } },
		{ INT64_C(951782400000), { 2000, 2, 29, 0, 0, 0, 2 } },
		{ INT64_C(1772375645999), { 2026, 3, 1, 14, 34, 5, 0 } },
		{ INT64_C(4102444800000), { 2100, 1, 1, 0, 0, 0, 5 } },
		{ INT64_C(4107542400000), { 2100, 3, 1, 0, 0, 0, 1 } }, /* no 29 February */
	};
	struct civil c;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		zone_civil("UTC", cases[i].ms, &c);
		assert_memory_equal(&c, &cases[i].c, sizeof(c));
	}
	zone_civil("Europe/Berlin", INT64_C(1767225600000), &c); /* 2026-01-01T00:00Z */
	assert_int_equal(c.hour, 1);
	zone_civil("Nowhere/Land", 0, &c);
	assert_int_equal(c.hour, 0);
	zone_civil(NULL, 0, &c);
	assert_int_equal(c.hour, 0);
}

static void test_round_trip(void **state)
{
	static const char *const zones[] = { "UTC", "Europe/Berlin", "America/New_York",
		"Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham" };

	(void)state;
	for (size_t z = 0; z < COUNT(zones); z++) {
		for (int64_t ms = INT64_C(1767225600000); ms < INT64_C(1798761600000);
			ms += 7 * HOUR_MS) {
			struct civil c;

			zone_civil(zones[z], ms, &c);

			int64_t back = zone_ms(zones[z], &c);

			/* in an hour that comes twice it may be the first for the second */
			assert_true(back == ms || (back < ms && ms - back <= HOUR_MS));
		}
	}
}

static void test_gap_and_overlap(void **state)
{
	struct civil c;
	int64_t first;

	(void)state;
	/* Berlin 2026-03-29: 02:00 becomes 03:00 */
	zone_civil("Europe/Berlin", local("Europe/Berlin", 2026, 3, 29, 2, 30), &c);
	assert_int_equal(c.hour, 3);
	assert_int_equal(c.minute, 30);
	assert_int_equal(local("Europe/Berlin", 2026, 3, 29, 3, 0),
		local("Europe/Berlin", 2026, 3, 29, 1, 59) + MINUTE_MS);
	/* Berlin 2026-10-25: 03:00 becomes 02:00; the first 02:30 is in summer time */
	first = local("Europe/Berlin", 2026, 10, 25, 2, 30);
	assert_int_equal(zone_offset("Europe/Berlin", first), 7200);
	assert_int_equal(zone_offset("Europe/Berlin", first + HOUR_MS), 3600);
	assert_int_equal(
		local("Europe/Berlin", 2026, 10, 25, 3, 0), first + HOUR_MS + 30 * MINUTE_MS);
	/* half an hour only */
	first = local("Australia/Lord_Howe", 2026, 4, 5, 1, 45);
	assert_int_equal(zone_offset("Australia/Lord_Howe", first), 39600);
	/* west of Greenwich */
	zone_civil("America/New_York", local("America/New_York", 2026, 3, 8, 2, 15), &c);
	assert_int_equal(c.hour, 3);
	assert_int_equal(
		zone_offset("America/New_York", local("America/New_York", 2026, 11, 1, 1, 30)),
		-14400);
}

static void test_days_past_the_month(void **state)
{
	(void)state;
	assert_int_equal(local("UTC", 2026, 2, 29, 9, 0), local("UTC", 2026, 3, 1, 9, 0));
	assert_int_equal(local("UTC", 2026, 12, 32, 9, 0), local("UTC", 2027, 1, 1, 9, 0));
	assert_int_equal(local("UTC", 2026, 3, 0, 9, 0), local("UTC", 2026, 2, 28, 9, 0));
	assert_int_equal(local("UTC", 2026, 13, 1, 9, 0), local("UTC", 2027, 1, 1, 9, 0));
}

static void test_far_years_do_not_hang(void **state)
{
	struct civil c;

	(void)state;
	zone_civil("Europe/Berlin", INT64_C(253402300799000), &c); /* the end of 9999 */
	assert_int_equal(c.year, 10000);
	zone_civil("Europe/Berlin", -INT64_C(62135596800000), &c);
	assert_in_range(c.year, 0, 1);
}

static void test_clocks(void **state)
{
	struct clock clock;
	int64_t before, now;

	(void)state;
	clock_init_manual(&clock, 42);
	assert_int_equal(clock_now(&clock), 42);
	clock.manual_ms += DAY_MS;
	assert_int_equal(clock_now(&clock), 42 + DAY_MS);
	clock_init_system(&clock);
	assert_true(clock_now(&clock) > INT64_C(1700000000000));
	before = clock_monotonic_ms();
	now = clock_monotonic_ms();
	assert_true(now >= before && now - before < MINUTE_MS);
}

static void test_ulid(void **state)
{
	char a[ULID_SIZE], b[ULID_SIZE];

	(void)state;
	ulid_make(a, 0);
	assert_int_equal(strlen(a), 26);
	assert_memory_equal(a, "0000000000", 10);
	assert_int_equal(strspn(a, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 26);
	ulid_make(a, INT64_C(1469918176385)); /* the example of the specification */
	assert_memory_equal(a, "01ARYZ6S41", 10);
	ulid_make(a, (INT64_C(1) << 48) - 1);
	assert_memory_equal(a, "7ZZZZZZZZZ", 10);
	ulid_make(a, -5);
	assert_memory_equal(a, "0000000000", 10);
	for (int place = 10; place < 26;
		place++) { /* every place of the random part varies fully */
		char seen[33] = "";

		for (int i = 0; i < 2000; i++) {
			ulid_make(a, 0);
			if (!strchr(seen, a[place]))
				seen[strlen(seen)] = a[place];
		}
		assert_int_equal(strlen(seen), 32);
	}
	for (int i = 0; i < 1000; i++) {
		ulid_make(a, 1000 + i);
		ulid_make(b, 1001 + i);
		assert_true(strcmp(a, b) < 0);
		ulid_make(b, 1000 + i);
		assert_string_not_equal(a, b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_more_names_than_the_cache_holds),
		cmocka_unit_test(test_civil),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_gap_and_overlap),
		cmocka_unit_test(test_days_past_the_month),
		cmocka_unit_test(test_far_years_do_not_hang),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_ulid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
