/* Figures on cases computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/zone.h"
#include "incident/metrics.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define MIN(n)   ((n) * MINUTE_MS)
/* Monday 2026-03-02 00:00 UTC */
#define MONDAY INT64_C(1772409600000)

static struct metric_row row(int64_t id, int64_t declared, int64_t resolve_min)
{
	return (struct metric_row){
		.id = id, .severity = 2, .state = STATE_RESOLVED, .declared_at = declared,
		.resolved_at = resolve_min < 0 ? 0 : declared + MIN(resolve_min),
	};
}

static void compute(struct metric_row *rows, size_t n, struct metrics *m)
{
	metrics_compute(rows, n, MONDAY, MONDAY + 28 * DAY_MS, "UTC", MONDAY + 40 * DAY_MS, m);
}

static void test_percentiles(void **state)
{
	struct metric_row rows[10];
	struct metrics m;

	(void)state;
	/* 10, 20 … 100 minutes, in no order: median by nearest rank is the 5th, p90 the 9th. */
	for (int i = 0; i < 10; i++)
		rows[i] = row(i + 1, MONDAY + MIN(i), ((i * 7) % 10 + 1) * 10);
	compute(rows, 10, &m);
	assert_int_equal(m.incidents, 10);
	assert_int_equal(m.clock[METRIC_RESOLVE].count, 10);
	assert_int_equal(m.clock[METRIC_RESOLVE].median_ms, MIN(50));
	assert_int_equal(m.clock[METRIC_RESOLVE].p90_ms, MIN(90));
	assert_int_equal(m.clock[METRIC_RESOLVE].mean_ms, MIN(55));
	/* Nobody mitigated before resolving: the same clock. */
	assert_int_equal(m.clock[METRIC_MITIGATE].median_ms, MIN(50));
	assert_int_equal(m.clock[METRIC_RESPOND].count, 0);
	assert_int_equal(m.clock[METRIC_RESPOND].median_ms, 0);
}

static void test_one_and_two(void **state)
{
	struct metric_row rows[2] = { row(1, MONDAY, 30), row(2, MONDAY, 10) };
	struct metrics m;

	(void)state;
	compute(rows, 1, &m);
	assert_int_equal(m.clock[METRIC_RESOLVE].median_ms, MIN(30));
	assert_int_equal(m.clock[METRIC_RESOLVE].p90_ms, MIN(30));
	compute(rows, 2, &m);
	assert_int_equal(m.clock[METRIC_RESOLVE].median_ms, MIN(10));
	assert_int_equal(m.clock[METRIC_RESOLVE].p90_ms, MIN(30));
	compute(rows, 0, &m);
	assert_int_equal(m.incidents, 0);
	assert_int_equal(m.weeks, 4);
}

static void test_clocks(void **state)
{
	struct metric_row rows[3] = { row(1, MONDAY + HOUR_MS, 60), row(2, MONDAY + HOUR_MS, -1), row(3, MONDAY + HOUR_MS, 5) };
	struct metrics m;

	(void)state;
	rows[0].impact_at = MONDAY + HOUR_MS - MIN(12);
	rows[0].detected_at = MONDAY + HOUR_MS - MIN(4);
	rows[0].acknowledged_at = MONDAY + HOUR_MS + MIN(3);
	rows[0].mitigated_at = MONDAY + HOUR_MS + MIN(40);
	/* Detected by the declaration itself; still open. */
	rows[1].impact_at = MONDAY + HOUR_MS - MIN(20);
	rows[1].state = STATE_MITIGATING;
	/* Impact said to begin after it was declared: no time to detect. */
	rows[2].impact_at = MONDAY + HOUR_MS + MIN(1);
	compute(rows, 3, &m);
	assert_int_equal(m.clock[METRIC_DETECT].count, 2);
	assert_int_equal(m.clock[METRIC_DETECT].median_ms, MIN(8));
	assert_int_equal(m.clock[METRIC_DETECT].p90_ms, MIN(20));
	assert_int_equal(m.clock[METRIC_RESPOND].median_ms, MIN(3));
	assert_int_equal(m.clock[METRIC_MITIGATE].p90_ms, MIN(40));
	assert_int_equal(m.clock[METRIC_RESOLVE].count, 2);
}

static void test_excluded(void **state)
{
	struct metric_row rows[6];
	struct metrics m;

	(void)state;
	for (int i = 0; i < 6; i++)
		rows[i] = row(i + 1, MONDAY + MIN(i), 10);
	rows[1].drill = true;
	rows[2].merged = true;
	rows[3].state = STATE_CANCELLED;
	rows[4].state = STATE_AUTO_RESOLVED;
	rows[5].repeat = true;
	compute(rows, 6, &m);
	assert_int_equal(m.incidents, 3);
	assert_int_equal(m.excluded, 3);
	assert_int_equal(m.auto_resolved.of, 3);
	assert_int_equal(m.auto_resolved.part, 1);
	assert_int_equal(m.repeat.of, 3);
	assert_int_equal(m.repeat.part, 1);
}

static void test_shares(void **state)
{
	struct metric_row rows[4];
	struct metrics m;

	(void)state;
	for (int i = 0; i < 4; i++) {
		rows[i] = row(i + 1, MONDAY, 10);
		rows[i].respond_target_ms = MIN(5);
		rows[i].resolve_target_ms = MIN(10);
		rows[i].updates_due = 4;
		rows[i].updates_kept = i;
	}
	rows[0].acknowledged_at = MONDAY + MIN(5);                       /* just in time */
	rows[1].acknowledged_at = MONDAY + MIN(5) + 1;                   /* just missed */
	rows[2].acknowledged_at = 0;                                     /* never: missed */
	rows[3].respond_target_ms = 0;                                   /* no target */
	rows[3].resolved_at = MONDAY + MIN(10) + 1;
	rows[3].followups_due = 3;
	rows[3].followups_on_time = 2;
	compute(rows, 4, &m);
	assert_int_equal(m.respond_missed.of, 3);
	assert_int_equal(m.respond_missed.part, 2);
	assert_int_equal(m.resolve_missed.of, 4);
	assert_int_equal(m.resolve_missed.part, 1);
	assert_int_equal(m.cadence.of, 16);
	assert_int_equal(m.cadence.part, 6);
	assert_int_equal(m.followups.of, 3);
	assert_int_equal(m.followups.part, 2);
}

/* What is open and still within its target says nothing yet. */
static void test_target_to_come(void **state)
{
	struct metric_row rows[1] = { row(1, MONDAY, -1) };
	struct metrics m;

	(void)state;
	rows[0].state = STATE_TRIAGE;
	rows[0].resolve_target_ms = HOUR_MS;
	metrics_compute(rows, 1, MONDAY, MONDAY + DAY_MS, "UTC", MONDAY + HOUR_MS, &m);
	assert_int_equal(m.resolve_missed.of, 0);
	metrics_compute(rows, 1, MONDAY, MONDAY + DAY_MS, "UTC", MONDAY + HOUR_MS + 1, &m);
	assert_int_equal(m.resolve_missed.part, 1);
}

static void test_weeks(void **state)
{
	/* The last second of one week and the first of the next, in Berlin (UTC+1 in March). */
	struct metric_row rows[3] = { row(1, MONDAY + 7 * DAY_MS - HOUR_MS - 1000, 30), row(2, MONDAY + 7 * DAY_MS - HOUR_MS, 50),
		row(3, MONDAY, 10) };
	struct metrics m;

	(void)state;
	rows[0].severity = 1;
	metrics_compute(rows, 3, MONDAY, MONDAY + 14 * DAY_MS, "Europe/Berlin", MONDAY + 40 * DAY_MS, &m);
	/* Monday 00:00 UTC is 01:00 in Berlin: the window touches three of its weeks. */
	assert_int_equal(m.weeks, 3);
	assert_int_equal(m.week[0].begins_at, MONDAY - HOUR_MS);
	assert_int_equal(m.week[0].by_severity[1], 1);
	assert_int_equal(m.week[0].by_severity[2], 1);
	assert_int_equal(m.week[0].resolve_median_ms, MIN(10));
	assert_int_equal(m.week[1].by_severity[2], 1);
	assert_int_equal(m.week[1].resolve_median_ms, MIN(50));
	assert_int_equal(m.week[2].by_severity[2], 0);
}

/* The clocks went forward on Sunday 2026-03-29: that week has 167 hours. */
static void test_week_of_summer_time(void **state)
{
	struct metrics m;
	int64_t begin = MONDAY + 21 * DAY_MS;

	(void)state;
	metrics_compute(NULL, 0, begin, begin + 14 * DAY_MS, "Europe/Berlin", begin, &m);
	assert_int_equal(m.week[1].begins_at - m.week[0].begins_at, 167 * HOUR_MS);
	assert_int_equal(m.week[2].begins_at - m.week[1].begins_at, 168 * HOUR_MS);
}

/* More weeks than there is room for: the newest stay. */
static void test_many_weeks(void **state)
{
	static struct metric_row rows[100];
	struct metrics m;
	int64_t total = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		rows[i] = row(i + 1, MONDAY + i * 7 * DAY_MS, 10);
	metrics_compute(rows, 100, MONDAY, MONDAY + 700 * DAY_MS, "UTC", MONDAY + 800 * DAY_MS, &m);
	assert_int_equal(m.weeks, METRIC_WEEKS_MAX);
	assert_int_equal(m.week[METRIC_WEEKS_MAX - 1].begins_at, MONDAY + 99 * 7 * DAY_MS);
	for (size_t i = 0; i < m.weeks; i++)
		total += m.week[i].by_severity[2];
	assert_int_equal(total, METRIC_WEEKS_MAX);
	assert_int_equal(m.incidents, 100);
}

static void test_sparkline(void **state)
{
	static const int64_t values[] = { 0, 1, 4, 8 };
	struct str s STR_CLEANUP = { 0 };

	(void)state;
	str_init(&s, 100);
	metrics_sparkline(&s, values, COUNT(values));
	assert_string_equal(s.p, "·▁▄█");
	str_reset(&s);
	metrics_sparkline(&s, values, 1);
	assert_string_equal(s.p, "·");
	str_reset(&s);
	metrics_sparkline(&s, values, 0);
	assert_string_equal(s.p, "");
}

static void test_svg(void **state)
{
	struct metric_row rows[3] = { row(1, MONDAY, 90), row(2, MONDAY, 30), row(3, MONDAY + 14 * DAY_MS, 30) };
	struct str s STR_CLEANUP = { 0 };
	struct metrics m;

	(void)state;
	rows[0].severity = 1;
	compute(rows, 3, &m);
	str_init(&s, 100000);
	metrics_svg(&s, &m, "<b>shop & \"more\"</b>", "UTC");
	assert_false(s.cut);
	assert_non_null(strstr(s.p, "&lt;b&gt;shop &amp; &quot;more&quot;&lt;/b&gt;"));
	assert_null(strstr(s.p, "<b>"));
	assert_non_null(strstr(s.p, "2026-03-02"));
	assert_non_null(strstr(s.p, "<title>SEV1: 1</title>"));
	assert_non_null(strstr(s.p, "SEV2: 2"));
	/* The second week has nothing resolved: the line begins anew behind it. */
	assert_non_null(strstr(s.p, " M"));
	str_reset(&s);
	metrics_compute(NULL, 0, MONDAY, MONDAY, "UTC", MONDAY, &m);
	metrics_svg(&s, &m, "nothing", NULL);
	assert_non_null(strstr(s.p, "</svg>"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_one_and_two),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_excluded),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_target_to_come),
		cmocka_unit_test(test_weeks),
		cmocka_unit_test(test_week_of_summer_time),
		cmocka_unit_test(test_many_weeks),
		cmocka_unit_test(test_sparkline),
		cmocka_unit_test(test_svg),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
