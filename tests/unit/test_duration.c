#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/str.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "30m", 30 * MINUTE_MS },
		{ "30", 30 * MINUTE_MS },
		{ " 30 ", 30 * MINUTE_MS },
		{ "1.5", 90 * SECOND_MS },
		{ "30M", 30 * MINUTE_MS },
		{ "45s", 45 * SECOND_MS },
		{ "45 secs", 45 * SECOND_MS },
		{ "90 min", 90 * MINUTE_MS },
		{ "90 minutes", 90 * MINUTE_MS },
		{ "1h30", 90 * MINUTE_MS },
		{ "1h 30m", 90 * MINUTE_MS },
		{ "1h30m", 90 * MINUTE_MS },
		{ "1H30M", 90 * MINUTE_MS },
		{ "1 h 05", 65 * MINUTE_MS },
		{ "1h 5m 10s", 65 * MINUTE_MS + 10 * SECOND_MS },
		{ "1 hour and 30 minutes", 90 * MINUTE_MS },
		{ "1 hr, 30 mins", 90 * MINUTE_MS },
		{ "5m30", 5 * MINUTE_MS + 30 * SECOND_MS },
		{ "1.5h", 90 * MINUTE_MS },
		{ "1,5 h", 90 * MINUTE_MS },
		{ "0.25 hours", 15 * MINUTE_MS },
		{ "2 days", 2 * DAY_MS },
		{ "2 d 3 h", 2 * DAY_MS + 3 * HOUR_MS },
		{ "2d3", 2 * DAY_MS + 3 * HOUR_MS },
		{ "1w", 7 * DAY_MS },
		{ "an hour", HOUR_MS },
		{ "An Hour", HOUR_MS },
		{ "a minute", MINUTE_MS },
		{ "half an hour", 30 * MINUTE_MS },
		{ "half a day", 12 * HOUR_MS },
		{ "two hours", 2 * HOUR_MS },
		{ "ten minutes", 10 * MINUTE_MS },
		{ "30\u00A0min", 30 * MINUTE_MS }, /* no-break space */
		{ "366d", 366 * DAY_MS },
		{ "0.001s", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t ms = -1;

		if (!duration_parse(cases[i].text, &ms))
			fail_msg("not understood: %s", cases[i].text);
		if (ms != cases[i].ms)
			fail_msg("%s is %lld", cases[i].text, (long long)ms);
	}
}

static void test_refused(void **state)
{
	static const char *const texts[] = { "", " ", "0", "0m", "-5m", "+5m", "m", "5x",
		"5 months", "30m 1h", "1h 1h", "1h90", "30mm", "367d", "366d 1s", "999999999d",
		"999999999999999999999m", "1.2345h", "1.h", ".5h", "5m ago", "in 5m", "1h30x", "an",
		"a", "half", "half hour", "and", "1:30", "17:00", "5pm", "5m,", "5m and",
		"1h 30 people", "30m\xFF", "é", "1é", "5mé", "0x10m", "1e3m", "1h -5m", "NaN",
		"1.5h 30m" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		int64_t ms = -77;

		if (duration_parse(texts[i], &ms))
			fail_msg("%s was taken as %lld", texts[i], (long long)ms);
		assert_int_equal(ms, -77);
	}
}

static void test_prefix(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		int64_t ms;
	} cases[] = {
		{ "10m waiting for the vendor", 3, 10 * MINUTE_MS },
		{ "10 min waiting", 6, 10 * MINUTE_MS },
		{ "1h30 waiting", 4, 90 * MINUTE_MS },
		{ "1h 30 people wait", 2, HOUR_MS },
		{ "1 h 05. Then", 6, 65 * MINUTE_MS },
		{ "1 h 05", 6, 65 * MINUTE_MS },
		{ "an hour or so", 7, HOUR_MS },
		{ "1 hour and a bit", 6, HOUR_MS },
		{ "1h, then 5m", 2, HOUR_MS },
		{ "5m, 3 users", 2, 5 * MINUTE_MS },
		{ "1h 30m 5 times", 6, 90 * MINUTE_MS },
		{ "30", 0, 0 },          /* bare numbers are not found in prose */
		{ "30 people", 0, 0 },
		{ "5 months", 0, 0 },
		{ "a deploy", 0, 0 },
		{ "5mb", 0, 0 },
		{ "5m/s", 2, 5 * MINUTE_MS },
		{ "", 0, 0 },
		{ " 5m", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t ms = 0;
		size_t len = duration_prefix(cases[i].text, &ms);

		if (len != cases[i].len || ms != cases[i].ms)
			fail_msg("%s: %zu bytes, %lld", cases[i].text, len, (long long)ms);
	}
}

static void test_format(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ -1, "0 s" },
		{ INT64_MIN, "0 s" },
		{ 0, "0 s" },
		{ 499, "0 s" },
		{ 45 * SECOND_MS, "45 s" },
		{ 59 * SECOND_MS + 499, "59 s" },
		{ 59 * SECOND_MS + 500, "1 min" },
		{ 12 * MINUTE_MS, "12 min" },
		{ 30 * MINUTE_MS - 200, "30 min" }, /* a moment after "in 30 min" was said */
		{ 59 * MINUTE_MS + 30 * SECOND_MS, "1 h" },
		{ HOUR_MS, "1 h" },
		{ 65 * MINUTE_MS, "1 h 05" },
		{ 23 * HOUR_MS + 59 * MINUTE_MS, "23 h 59" },
		{ 24 * HOUR_MS - 1, "1 d" },
		{ DAY_MS, "1 d" },
		{ 2 * DAY_MS + 3 * HOUR_MS, "2 d 3 h" },
		{ 2 * DAY_MS + 3 * HOUR_MS + 29 * MINUTE_MS, "2 d 3 h" },
		{ 2 * DAY_MS + 23 * HOUR_MS + 30 * MINUTE_MS, "3 d" },
		{ 400 * DAY_MS, "400 d" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		STR_CLEANUP struct str s;

		str_init(&s, 40);
		duration_format(&s, cases[i].ms);
		assert_string_equal(s.p, cases[i].text);
	}
}

/* What is shown can be typed in again. */
static void test_round_trip(void **state)
{
	(void)state;
	for (int64_t ms = SECOND_MS; ms < 366 * DAY_MS; ms = ms * 21 / 20 + 777) {
		STR_CLEANUP struct str once, twice;
		int64_t back = 0;

		str_init(&once, 40);
		str_init(&twice, 40);
		duration_format(&once, ms);
		if (!duration_parse(once.p, &back))
			fail_msg("%s", once.p);
		duration_format(&twice, back);
		assert_string_equal(once.p, twice.p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
