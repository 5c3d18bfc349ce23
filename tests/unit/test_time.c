#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/str.h"
#include "base/zone.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static int64_t utc(int y, int mo, int d, int h, int mi, int s)
{
	struct civil c = { y, mo, d, h, mi, s, 0 };

	return zone_ms("UTC", &c);
}

static void show(char out[40], int64_t ms)
{
	struct str s;

	str_init(&s, 39);
	time_format_iso(&s, ms);
	memcpy(out, s.p, s.len + 1);
	str_finish(&s);
}

struct time_case {
	const char *text;
	bool past;
	const char *iso; /* NULL: not a time */
};

static void check(const struct time_case *cases, size_t count, const char *zone, int64_t now)
{
	for (size_t i = 0; i < count; i++) {
		int64_t ms = -77;
		char got[40];

		if (!time_parse(cases[i].text, zone, now, cases[i].past, &ms)) {
			if (cases[i].iso)
				fail_msg("not understood: %s", cases[i].text);
			assert_int_equal(ms, -77);
			continue;
		}
		show(got, ms);
		if (!cases[i].iso)
			fail_msg("%s was taken as %s", cases[i].text, got);
		if (strcmp(got, cases[i].iso) != 0)
			fail_msg("%s (%s): %s, not %s", cases[i].text,
				cases[i].past ? "past" : "next", got, cases[i].iso);
	}
}

static void test_in_utc(void **state)
{
	/* a Sunday, 14:35:00 */
	static const struct time_case cases[] = {
		{ "17:00", false, "2026-03-01T17:00:00Z" },
		{ "17:00", true, "2026-02-28T17:00:00Z" },
		{ "14:05", true, "2026-03-01T14:05:00Z" },
		{ "14:05", false, "2026-03-02T14:05:00Z" },
		{ "14:35", false, "2026-03-02T14:35:00Z" }, /* after now */
		{ "14:35", true, "2026-03-01T14:35:00Z" },  /* not after now */
		{ " 17:00 ", false, "2026-03-01T17:00:00Z" },
		{ "at 17:00", false, "2026-03-01T17:00:00Z" },
		{ "17.30", false, "2026-03-01T17:30:00Z" },
		{ "9.05", false, "2026-03-02T09:05:00Z" },
		{ "9:05", false, "2026-03-02T09:05:00Z" },
		{ "0:00", false, "2026-03-02T00:00:00Z" },
		{ "5pm", false, "2026-03-01T17:00:00Z" },
		{ "5 PM", false, "2026-03-01T17:00:00Z" },
		{ "5:30pm", false, "2026-03-01T17:30:00Z" },
		{ "5 p.m.", false, "2026-03-01T17:00:00Z" },
		{ "5\u202Fpm", false, "2026-03-01T17:00:00Z" },
		{ "12am", false, "2026-03-02T00:00:00Z" },
		{ "12pm", true, "2026-03-01T12:00:00Z" },
		{ "noon", true, "2026-03-01T12:00:00Z" },
		{ "midnight", false, "2026-03-02T00:00:00Z" },
		{ "now", false, "2026-03-01T14:35:00Z" },
		{ "14:05:09 UTC", true, "2026-03-01T14:05:09Z" },
		{ "14:05:09Z", true, "2026-03-01T14:05:09Z" },
		{ "tomorrow 9:00", false, "2026-03-02T09:00:00Z" },
		{ "Tomorrow at 9am", false, "2026-03-02T09:00:00Z" },
		{ "9:00 tomorrow", false, "2026-03-02T09:00:00Z" },
		{ "yesterday 23:59", true, "2026-02-28T23:59:00Z" },
		{ "today 9:00", false,
			"2026-03-01T09:00:00Z" }, /* said is said, even if it is over */
		{ "mon 9:00", false, "2026-03-02T09:00:00Z" },
		{ "Monday 9am", false, "2026-03-02T09:00:00Z" },
		{ "mon 9:00", true, "2026-02-23T09:00:00Z" },
		{ "sun 15:00", false, "2026-03-01T15:00:00Z" },
		{ "sun 14:00", false, "2026-03-08T14:00:00Z" },
		{ "sun 14:00", true, "2026-03-01T14:00:00Z" },
		{ "sat 14:00", false, "2026-03-07T14:00:00Z" },
		{ "tues 9:00", false, "2026-03-03T09:00:00Z" },
		{ "thurs 9:00", false, "2026-03-05T09:00:00Z" },
		{ "9:00 mon", false, "2026-03-02T09:00:00Z" },
		{ "2026-03-01 14:00", false, "2026-03-01T14:00:00Z" },
		{ "2026-03-01T14:00", false, "2026-03-01T14:00:00Z" },
		{ "2026-03-01 at 14:00", false, "2026-03-01T14:00:00Z" },
		{ "2026-03-01T14:00:05.250Z", false, "2026-03-01T14:00:05Z" },
		{ "2026-03-01T14:00:00+02:00", false, "2026-03-01T12:00:00Z" },
		{ "2026-03-01T14:00:00-0330", false, "2026-03-01T17:30:00Z" },
		{ "2026-03-01 14:00 +02", false, "2026-03-01T12:00:00Z" },
		{ "2024-02-29 12:00", false, "2024-02-29T12:00:00Z" },
	};

	(void)state;
	check(cases, COUNT(cases), "UTC", utc(2026, 3, 1, 14, 35, 0));
}

static void test_refused(void **state)
{
	static const struct time_case cases[] = {
		{ "", false, NULL },
		{ " ", false, NULL },
		{ "17", false, NULL },
		{ "24:00", false, NULL },
		{ "17:60", false, NULL },
		{ "17:00:60", false, NULL },
		{ "17:0", false, NULL },
		{ "17:000", false, NULL },
		{ "017:00", false, NULL },
		{ "-1:00", false, NULL },
		{ "13pm", false, NULL },
		{ "0am", false, NULL },
		{ "13:00pm", false, NULL },
		{ "5pmish", false, NULL },
		{ "5 pm people", false, NULL },
		{ "17:00 people", false, NULL },
		{ "17:00 CET", false, NULL },
		{ "10.20.30.40", false, NULL },
		{ "14:05-14:20", false, NULL },
		{ "14:05 +02:00", false, NULL },
		{ "tomorrow", false, NULL },
		{ "mon", false, NULL },
		{ "mondays 9:00", false, NULL },
		{ "mo 9:00", false, NULL },
		{ "2026-02-29 12:00", false, NULL },
		{ "2026-13-01 12:00", false, NULL },
		{ "2026-00-01 12:00", false, NULL },
		{ "2026-01-00 12:00", false, NULL },
		{ "2026-04-31 12:00", false, NULL },
		{ "1969-12-31 12:00", false, NULL },
		{ "3000-01-01 12:00", false, NULL },
		{ "2026-3-1 12:00", false, NULL },
		{ "2026-03-01", false, NULL },
		{ "2026-03-0112:00", false, NULL },
		{ "2026-03-01T", false, NULL },
		{ "2026-03-01T12:00+15:00", false, NULL },
		{ "2026-03-01T12:00+02:60", false, NULL },
		{ "2026-03-01T12:00+2", false, NULL },
		{ "2026-03-01 12:00 tomorrow", false, NULL },
		{ "tomorrow 9:00 tomorrow", false, NULL },
		{ "99999999999999999999:00", false, NULL },
		{ "\xFF", false, NULL },
		{ "nowish", false, NULL },
		{ "30m", false, NULL },
	};

	(void)state;
	check(cases, COUNT(cases), "UTC", utc(2026, 3, 1, 14, 35, 0));
}

static void test_in_a_zone(void **state)
{
	/* New York, 2026-03-01 20:35, a Sunday; in UTC it is Monday already */
	static const struct time_case cases[] = {
		{ "21:00", false, "2026-03-02T02:00:00Z" },
		{ "20:00", true, "2026-03-02T01:00:00Z" },
		{ "tomorrow 9:00", false, "2026-03-02T14:00:00Z" },
		{ "mon 9:00", false, "2026-03-02T14:00:00Z" },
		{ "sun 9:00", true, "2026-03-01T14:00:00Z" },
		{ "2026-07-01 9:00", false, "2026-07-01T13:00:00Z" }, /* summer time by then */
		{ "2026-03-02T02:00Z", false, "2026-03-02T02:00:00Z" },
		{ "02:00 UTC", false, "2026-03-02T02:00:00Z" },
		{ "01:00 UTC", false, "2026-03-03T01:00:00Z" },
		{ "01:00 UTC", true, "2026-03-02T01:00:00Z" },
	};

	(void)state;
	check(cases, COUNT(cases), "America/New_York", utc(2026, 3, 2, 1, 35, 0));
}

static void test_clocks_go_forward(void **state)
{
	/* Berlin, 2026-03-29 01:50 local; at 02:00 it becomes 03:00 */
	static const struct time_case cases[] = {
		{ "02:30", false, "2026-03-29T01:30:00Z" }, /* does not exist: an hour on, 03:30 */
		{ "03:30", false, "2026-03-29T01:30:00Z" },
		{ "tomorrow 9:00", false, "2026-03-30T07:00:00Z" },
		{ "01:45", true, "2026-03-29T00:45:00Z" },
		{ "yesterday 9:00", true, "2026-03-28T08:00:00Z" },
	};

	(void)state;
	check(cases, COUNT(cases), "Europe/Berlin", utc(2026, 3, 29, 0, 50, 0));
}

static void test_clocks_go_back(void **state)
{
	/* Berlin, 2026-10-25: at 03:00 it becomes 02:00; 02:10 for the second time */
	static const struct time_case second[] = {
		{ "02:30", false, "2026-10-25T01:30:00Z" }, /* twenty minutes on, not a day */
		{ "02:30", true, "2026-10-25T00:30:00Z" },  /* the first one, 40 min ago */
		{ "02:05", true, "2026-10-25T01:05:00Z" },  /* the second one, 5 min ago */
		{ "02:05", false, "2026-10-26T01:05:00Z" },
		{ "03:30", false, "2026-10-25T02:30:00Z" },
	};
	/* and 02:10 for the first time */
	static const struct time_case first[] = {
		{ "02:30", false, "2026-10-25T00:30:00Z" },
		{ "02:05", false, "2026-10-25T01:05:00Z" },
		{ "02:05", true, "2026-10-25T00:05:00Z" },
		{ "02:30", true, "2026-10-24T00:30:00Z" },
		{ "today 02:30", false, "2026-10-25T00:30:00Z" },
	};

	(void)state;
	check(second, COUNT(second), "Europe/Berlin", utc(2026, 10, 25, 1, 10, 0));
	check(first, COUNT(first), "Europe/Berlin", utc(2026, 10, 25, 0, 10, 0));
}

static void test_prefix(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
		{ "14:05 deploy started", 5 },
		{ "14:05: deploy started", 5 },
		{ "14:05, deploy", 5 },
		{ "14:05 – deploy", 5 },
		{ "14:05— deploy", 5 },
		{ "14:05 UTC deploy", 9 },
		{ "2pm deploy", 3 },
		{ "2 pm deploy", 4 },
		{ "yesterday 14:05 deploy", 15 },
		{ "14:05 yesterday deploy", 15 },
		{ "14:05 monday deploy", 5 }, /* may well be "the Monday deploy" */
		{ "mon 14:05 deploy", 9 },
		{ "2026-03-01 14:05 deploy", 16 },
		{ "2026-03-01T14:05:00Z deploy", 20 },
		{ "now deploy", 3 },
		{ "14.05 deploy", 5 },
		{ "2.31 rolled back", 0 }, /* a version */
		{ "10.20.30.40 is down", 0 },
		{ "12:30% of users", 0 },
		{ "14:05-14:20 outage", 0 },
		{ "14:05:99 x", 0 },
		{ "deploy at 14:05", 0 },
		{ "5 people", 0 },
		{ "nowhere", 0 },
		{ "", 0 },
		{ " 14:05", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t ms = 0;
		size_t len =
			time_prefix(cases[i].text, "UTC", utc(2026, 3, 1, 14, 35, 0), true, &ms);

		if (len != cases[i].len)
			fail_msg("%s: %zu bytes", cases[i].text, len);
		assert_int_equal(len > 0, ms > 0);
	}
}

static void test_format(void **state)
{
	static const struct {
		const char *zone;
		int days, minutes;
		const char *plain, *zoned;
	} cases[] = {
		{ "UTC", 0, 0, "14:35", "14:35 UTC" },
		{ "UTC", 0, -30, "14:05", "14:05 UTC" },
		{ "UTC", 2, 0, "Tue 14:35", "Tue 14:35 UTC" },
		{ "UTC", -1, 0, "Sat 14:35", "Sat 14:35 UTC" },
		{ "UTC", 6, 0, "Sat 14:35", "Sat 14:35 UTC" },
		{ "UTC", -6, 0, "Mon 14:35", "Mon 14:35 UTC" },
		{ "UTC", 7, 0, "2026-03-08 14:35", "2026-03-08 14:35 UTC" },
		{ "UTC", -7, 0, "2026-02-22 14:35", "2026-02-22 14:35 UTC" },
		{ "Europe/Berlin", 0, 0, "15:35", "15:35 +01:00" },
		{ "Europe/Berlin", 0, 600, "Mon 01:35", "Mon 01:35 +01:00" },
		{ "America/St_Johns", 0, 0, "11:05", "11:05 -03:30" },
		{ "Nowhere/Land", 0, 0, "14:35", "14:35 UTC" },
		{ NULL, 0, 0, "14:35", "14:35 UTC" },
	};
	int64_t now = utc(2026, 3, 1, 14, 35, 0);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		STR_CLEANUP struct str plain, zoned;
		int64_t at = now + cases[i].days * DAY_MS + cases[i].minutes * MINUTE_MS;

		str_init(&plain, 60);
		str_init(&zoned, 60);
		time_format(&plain, at, now, cases[i].zone, false);
		time_format(&zoned, at, now, cases[i].zone, true);
		assert_string_equal(plain.p, cases[i].plain);
		assert_string_equal(zoned.p, cases[i].zoned);
	}
}

static void test_stamp(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* 0: refused */
	} cases[] = {
		{ "2019-02-15T19:11:18.321-0800", INT64_C(1550286678321) },
		{ "2019-02-16T03:11:18.321+0000", INT64_C(1550286678321) },
		{ "2019-02-16T03:11:18.321Z", INT64_C(1550286678321) },
		{ "2019-02-16T08:41:18.3217+05:30", INT64_C(1550286678321) },
		{ "2019-02-16T03:11:18Z", INT64_C(1550286678000) },
		{ "2019-02-16T03:11:18.321", 0 },
		{ "2019-02-16 03:11:18.321Z", 0 },
		{ "2019-02-30T03:11:18.321Z", 0 },
		{ "2019-02-16T25:11:18.321Z", 0 },
		{ "2019-02-16T03:11:18.321Z ", 0 },
		{ "2019-02-16", 0 },
		{ "yesterday 9:00 UTC", 0 },
		{ "9:00", 0 },
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t ms = 0;

		if (time_stamp_parse(cases[i].text, &ms) != (cases[i].ms != 0) ||
			ms != cases[i].ms)
			fail_msg("\"%s\": %lld", cases[i].text, (long long)ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_utc),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_in_a_zone),
		cmocka_unit_test(test_clocks_go_forward),
		cmocka_unit_test(test_clocks_go_back),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_stamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
