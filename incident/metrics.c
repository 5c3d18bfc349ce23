/*
 * What counts: every incident declared in the window, but for drills, cancelled ones and those merged into
 * another. A clock counts where both of its ends are known and in order; a time that nobody recorded is left
 * out, never taken as zero.
 */
#include "incident/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"

static const char *const clock_names[METRIC_CLOCK_COUNT] = {
	[METRIC_DETECT] = "time to detect",
	[METRIC_RESPOND] = "time to respond",
	[METRIC_MITIGATE] = "time to mitigate",
	[METRIC_RESOLVE] = "time to resolve",
};

const char *metric_clock_name(enum metric_clock c)
{
	return (unsigned)c < METRIC_CLOCK_COUNT ? clock_names[c] : "unknown";
}

static bool counts(const struct metric_row *r, int64_t since, int64_t until)
{
	return !r->drill && !r->merged && r->state != STATE_CANCELLED && r->declared_at >= since &&
		r->declared_at < until;
}

/* -1: one of its ends is not known, or they are the wrong way round. */
static int64_t clock_of(const struct metric_row *r, enum metric_clock c)
{
	int64_t from = r->declared_at, to = 0;

	switch (c) {
	case METRIC_DETECT:
		from = r->impact_at;
		to = r->detected_at ? r->detected_at : r->declared_at;
		break;
	case METRIC_RESPOND:
		to = r->acknowledged_at;
		break;
	case METRIC_MITIGATE:
		to = r->mitigated_at ? r->mitigated_at : r->resolved_at;
		break;
	case METRIC_RESOLVE:
		to = r->resolved_at;
		break;
	}
	return from && to && to >= from ? to - from : -1;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Nearest rank: the smallest value that at least so many of a hundred do not exceed. */
static int64_t percentile(const int64_t *sorted, size_t n, unsigned percent)
{
	return n ? sorted[(n * percent + 99) / 100 - 1] : 0;
}

static struct metric_times times_of(int64_t *values, size_t n)
{
	struct metric_times t = { .count = (int64_t)n };
	int64_t sum = 0;

	if (!n)
		return t;
	qsort(values, n, sizeof *values, by_size);
	for (size_t i = 0; i < n; i++)
		sum += values[i];
	t.median_ms = percentile(values, n, 50);
	t.p90_ms = percentile(values, n, 90);
	t.mean_ms = sum / (int64_t)n;
	return t;
}

static void clocks_compute(const struct metric_row *rows, size_t n, int64_t *values, struct metrics *out)
{
	for (int c = 0; c < METRIC_CLOCK_COUNT; c++) {
		size_t known = 0;

		for (size_t i = 0; i < n; i++) {
			int64_t v = clock_of(&rows[i], (enum metric_clock)c);

			if (v >= 0)
				values[known++] = v;
		}
		out->clock[c] = times_of(values, known);
	}
}

static bool ended(const struct metric_row *r)
{
	return r->state == STATE_RESOLVED || r->state == STATE_CLOSED || r->state == STATE_AUTO_RESOLVED;
}

/* A target is missed when it was not reached in time, whether it was reached later or not at all yet. */
static void target_count(struct metric_share *s, int64_t target_ms, int64_t from, int64_t reached, int64_t now)
{
	if (!target_ms || (!reached && now - from <= target_ms))
		return;
	s->of++;
	s->part += !reached || reached - from > target_ms;
}

static void shares_compute(const struct metric_row *rows, size_t n, int64_t now, struct metrics *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct metric_row *r = &rows[i];

		out->auto_resolved.of += ended(r);
		out->auto_resolved.part += r->state == STATE_AUTO_RESOLVED;
		out->repeat.of++;
		out->repeat.part += r->repeat;
		out->cadence.of += r->updates_due;
		out->cadence.part += r->updates_kept;
		out->followups.of += r->followups_due;
		out->followups.part += r->followups_on_time;
		/* One that ended before anybody took it on had nothing left to respond to. */
		target_count(&out->respond_missed, r->respond_target_ms, r->declared_at,
			r->acknowledged_at ? r->acknowledged_at : r->resolved_at, now);
		target_count(&out->resolve_missed, r->resolve_target_ms, r->declared_at, r->resolved_at, now);
	}
}

static int64_t week_begin(const char *zone, int64_t ms)
{
	struct civil day;

	zone_civil(zone, ms, &day);
	day.day -= (day.weekday + 6) % 7; /* back to Monday; the zone's own calendar takes days before the first */
	day.hour = day.minute = day.second = 0;
	return zone_ms(zone, &day);
}

/* Seven days on in the calendar: a week in which the clocks change is an hour shorter or longer. */
static int64_t week_next(const char *zone, int64_t begin)
{
	return week_begin(zone, begin + 7 * DAY_MS + 12 * HOUR_MS);
}

static int by_declared(const void *a, const void *b)
{
	const struct metric_row *x = a, *y = b;

	if (x->declared_at != y->declared_at)
		return x->declared_at < y->declared_at ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static size_t week_fill(struct metric_week *w, const struct metric_row *rows, size_t n, int64_t end, int64_t *values)
{
	size_t i = 0, known = 0;

	for (; i < n && rows[i].declared_at < end; i++) {
		int64_t v = clock_of(&rows[i], METRIC_RESOLVE);

		if (rows[i].severity >= 1 && rows[i].severity <= 4)
			w->by_severity[rows[i].severity]++;
		if (v >= 0)
			values[known++] = v;
	}
	w->resolve_median_ms = times_of(values, known).median_ms;
	return i;
}

/* The newest weeks when there are more than fit. rows: by declared_at. */
static void weeks_compute(const struct metric_row *rows, size_t n, int64_t since, int64_t until, const char *zone,
	int64_t *values, struct metrics *out)
{
	int64_t begin = week_begin(zone, since);

	while (begin + METRIC_WEEKS_MAX * 7 * DAY_MS < until)
		begin = week_next(zone, begin);
	for (; n && rows->declared_at < begin; rows++)
		n--;
	for (; begin < until && out->weeks < METRIC_WEEKS_MAX; out->weeks++) {
		struct metric_week *w = &out->week[out->weeks];
		int64_t end = week_next(zone, begin);
		size_t taken;

		w->begins_at = begin;
		taken = week_fill(w, rows, n, end, values);
		rows += taken;
		n -= taken;
		begin = end;
	}
}

void metrics_compute(struct metric_row *rows, size_t count, int64_t since, int64_t until, const char *zone,
	int64_t now, struct metrics *out)
{
	int64_t *values = malloc((count ? count : 1) * sizeof *values);
	size_t n = 0;

	if (!values)
		abort();
	*out = (struct metrics){ 0 };
	for (size_t i = 0; i < count; i++) {
		struct metric_row row = rows[i];

		if (counts(&row, since, until)) {
			rows[i] = rows[n];
			rows[n++] = row;
		}
	}
	out->incidents = (int64_t)n;
	out->excluded = (int64_t)(count - n);
	if (n)
		qsort(rows, n, sizeof *rows, by_declared);
	clocks_compute(rows, n, values, out);
	shares_compute(rows, n, now, out);
	if (zone)
		weeks_compute(rows, n, since, until, zone, values, out);
	free(values);
}
