#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/ulid.h"
#include "base/zone.h"
#include "base/zone_file.h"

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

/* Every zone there is, at random moments till 2200, against the C library's reading of the same files. */
static void test_every_zone_as_the_system_has_it(void **state)
{
	FILE *list = fopen("/usr/share/zoneinfo/tzdata.zi", "r");
	char line[512];
	int zones = 0, offsets = 0;

	(void)state;
	assert_non_null(list);
	srandom(20261121);
	while (fgets(line, sizeof(line), list)) {
		char a[80], b[80], name[80];
		bool link = line[0] == 'L';

		if (sscanf(line, link ? "L %79s %79s" : "Z %79s", a, b) != (link ? 2 : 1))
			continue;
		snprintf(name, sizeof(name), "%s", link ? b : a);
		assert_true(zone_known(name));
		zones++;
		snprintf(line, sizeof(line), ":%s", name);
		setenv("TZ", line, 1);
		tzset();
		for (int i = 0; i < 400; i++) {
			/* 1901 to 2200; every other one at an hour at which clocks change */
			time_t t = (time_t)((int64_t)random() * 439 / 100 - INT64_C(2177452800));
			struct tm tm;

			if (i & 1)
				t -= t % 3600;
			assert_non_null(localtime_r(&t, &tm));
			if (zone_offset(name, (int64_t)t * 1000) != tm.tm_gmtoff)
				fail_msg("%s at %lld: %d, not %ld", name, (long long)t,
					zone_offset(name, (int64_t)t * 1000), tm.tm_gmtoff);
			offsets += tm.tm_gmtoff != 0;
		}
	}
	fclose(list);
	unsetenv("TZ");
	tzset();
	assert_true(zones > 300 && offsets > 10000);
}

/* The moments themselves, and the ones before them. */
static void test_changes_to_the_second(void **state)
{
	static const char *const zones[] = { "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
		"Europe/Dublin", "America/Nuuk", "Africa/Casablanca", "Asia/Tehran", "Pacific/Apia" };

	(void)state;
	for (size_t z = 0; z < COUNT(zones); z++) {
		int changes = 0;

		setenv("TZ", zones[z], 1);
		tzset();
		for (time_t t = 1577836800; t < INT64_C(2556144000); t += 1800) { /* 2020 to 2050 */
			struct tm before, after;
			time_t earlier = t - 1;

			localtime_r(&earlier, &before);
			localtime_r(&t, &after);
			if (before.tm_gmtoff == after.tm_gmtoff)
				continue;
			changes++;
			assert_int_equal(zone_offset(zones[z], (int64_t)t * 1000 - 1), before.tm_gmtoff);
			assert_int_equal(zone_offset(zones[z], (int64_t)t * 1000), after.tm_gmtoff);
		}
		assert_true(changes >= 2);
	}
	unsetenv("TZ");
	tzset();
}

/* ---- files of our own ---- */

struct made {
	unsigned char bytes[1024];
	size_t n;
};

static void made_number(struct made *m, int64_t n, size_t size)
{
	for (size_t i = 0; i < size; i++)
		m->bytes[m->n++] = (unsigned char)((uint64_t)n >> (8 * (size - 1 - i)));
}

/* counts: UT marks, standard marks, leap seconds, times, types, characters */
static void made_header(struct made *m, char version, const int counts[6])
{
	memcpy(m->bytes + m->n, "TZif", 4);
	m->bytes[m->n + 4] = (unsigned char)version;
	memset(m->bytes + m->n + 5, 0, 15);
	m->n += 20;
	for (int i = 0; i < 6; i++)
		made_number(m, counts[i], 4);
}

/* One change, at 1000 s, from no offset to an hour; then `tail`. */
static void made_zone(struct made *m, const char *tail)
{
	static const int none[6] = { 0, 0, 0, 0, 1, 1 }, two[6] = { 0, 0, 0, 1, 2, 4 };

	m->n = 0;
	made_header(m, '2', none);
	made_number(m, 0, 7);
	made_header(m, '2', two);
	made_number(m, 1000, 8);
	made_number(m, 1, 1);
	made_number(m, 0, 6);
	made_number(m, 3600, 4);
	made_number(m, 0, 2);
	memcpy(m->bytes + m->n, "ONE", 4);
	m->n += 4;
	m->n += (size_t)snprintf((char *)m->bytes + m->n, sizeof(m->bytes) - m->n, "\n%s\n", tail);
}

static struct zone_file *made_read(const struct made *m)
{
	char name[] = "/tmp/sitrep-test-zone-XXXXXX";
	int fd = mkstemp(name);
	struct zone_file *z;

	assert_int_equal(write(fd, m->bytes, m->n), m->n);
	close(fd);
	z = zone_file_read(name);
	unlink(name);
	return z;
}

#define SECOND_HEADER 51 /* bytes of the first block */

/* What a byte says that is not so, each time in a whole file. */
static void test_files_that_say_what_cannot_be(void **state)
{
	struct made m;
	char tail[300];

	(void)state;
	made_zone(&m, "ONE-1");
	m.bytes[SECOND_HEADER + 44 + 8] = 2; /* to a type that is not there */
	assert_null(made_read(&m));
	/* One leap second, and the bytes for it. */
	made_zone(&m, "ONE-1");
	m.bytes[SECOND_HEADER + 20 + 11] = 1;
	memmove(m.bytes + SECOND_HEADER + 44 + 25 + 12, m.bytes + SECOND_HEADER + 44 + 25, m.n - (SECOND_HEADER + 44 + 25));
	memset(m.bytes + SECOND_HEADER + 44 + 25, 0, 12);
	m.n += 12;
	assert_null(made_read(&m));
	/* A rule that is longer than any; the name is all of it. */
	memset(tail, 'A', sizeof(tail) - 3);
	strcpy(tail + sizeof(tail) - 3, "-1");
	made_zone(&m, tail);
	assert_null(made_read(&m));
}

static void test_files_that_are_no_zones(void **state)
{
	struct made whole, m;
	struct zone_file *z;

	(void)state;
	made_zone(&whole, "ONE-1");
	z = made_read(&whole);
	assert_non_null(z);
	assert_int_equal(zone_file_offset(z, 999), 0);
	assert_int_equal(zone_file_offset(z, 1000), 3600);
	zone_file_destroy(z);
	/* Cut off anywhere. */
	for (size_t n = 0; n < whole.n; n++) {
		m = whole;
		m.n = n;
		assert_null(made_read(&m));
	}
	/* Any byte of the two headers, or of the times and types, may be anything. */
	for (size_t i = 0; i < whole.n; i++)
		for (int value = 0; value < 256; value += 51) {
			m = whole;
			m.bytes[i] = (unsigned char)value;
			z = made_read(&m);
			if (z)
				assert_in_range(zone_file_offset(z, INT64_C(4000000000)) + 200000, 0, 400000);
			zone_file_destroy(z);
		}
	/* The least number there is has no amount; the offset after the change. */
	m = whole;
	memcpy(m.bytes + 44 + 7 + 44 + 8 + 1 + 6, "\x80\0\0", 4);
	assert_null(made_read(&m));
	assert_null(zone_file_read("/usr/share/zoneinfo"));
	assert_null(zone_file_read("/usr/share/zoneinfo/zone.tab"));
	assert_null(zone_file_read("/dev/zero"));
}

static void test_rules_for_the_future(void **state)
{
	static const char *const bad[] = { "X", "XX1", "<AB1", "XXX", "XXX168", "XXX1:60", "XXX1YYY", "XXX1YYY,M3.5.0",
		"XXX1YYY,M13.5.0,M10.5.0", "XXX1YYY,M3.6.0,M10.5.0", "XXX1YYY,M3.5.7,M10.5.0", "XXX1YYY,M3.5,M10.5.0",
		"XXX1YYY,M3.5.0,M10.5.0x", "XXX1YYY,J366,J3", "XXX1YYY,M3.5.0/,M10.5.0", "XXX1YYY;M3.5.0,M10.5.0", "XXX-" };
	static const struct {
		const char *tail;
		int64_t at;
		int offset;
	} good[] = {
		{ "ONE-1", 4102444800, 3600 },                        /* 2100-01-01 */
		{ "<+0530>-5:30", 4102444800, 19800 },
		{ "AAA5BBB,J60,J300", 4107567600 - 1, -18000 },      /* 2100-03-01, no leap year: 02:00 there */
		{ "AAA5BBB,J60,J300", 4107567600, -14400 },
		{ "AAA0BBB,59,300/0", 4107542400 + 7200, 3600 },      /* the 60th day: 2100-03-01 02:00 */
		{ "AAA0BBB-3,M1.1.0/-24,M12.5.6/25", 4118083200, 10800 },
		{ "", 4102444800, 3600 },                             /* none: as at last */
	};
	struct made m;
	struct zone_file *z;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		made_zone(&m, bad[i]);
		z = made_read(&m);
		if (z)
			fail_msg("\"%s\" was taken", bad[i]);
	}
	for (size_t i = 0; i < COUNT(good); i++) {
		made_zone(&m, good[i].tail);
		z = made_read(&m);
		if (!z || zone_file_offset(z, good[i].at) != good[i].offset)
			fail_msg("\"%s\": %d", good[i].tail, z ? zone_file_offset(z, good[i].at) : -1);
		zone_file_destroy(z);
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
		cmocka_unit_test(test_every_zone_as_the_system_has_it),
		cmocka_unit_test(test_changes_to_the_second),
		cmocka_unit_test(test_files_that_are_no_zones),
		cmocka_unit_test(test_files_that_say_what_cannot_be),
		cmocka_unit_test(test_rules_for_the_future),
		cmocka_unit_test(test_gap_and_overlap),
		cmocka_unit_test(test_days_past_the_month),
		cmocka_unit_test(test_far_years_do_not_hang),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_ulid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
