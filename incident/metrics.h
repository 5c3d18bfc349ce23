#ifndef INCIDENT_METRICS_H
#define INCIDENT_METRICS_H
/*
 * Figures over incidents (FEATURES P1), as docs/metrics.md defines them: what starts and stops each clock, what is excluded (drills, cancelled, merged).
 * Pure; computed here and nowhere else.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "incident/lifecycle.h"

struct metric_row {               /* one incident, as the store gives it (store/metrics.h) */
	int64_t id;
	int severity;
	enum incident_state state;
	const char *services;     /* comma-separated; NULL */
	bool drill, merged, repeat;
	int64_t impact_at, detected_at, declared_at, acknowledged_at, mitigated_at, resolved_at; /* ms; 0 */
	int64_t updates_due, updates_kept; /* promised status updates whose time has passed; of these posted on time */
	int64_t respond_target_ms, resolve_target_ms; /* of its level; 0 = none */
	int64_t followups_due, followups_on_time;
};

enum metric_clock {
	METRIC_DETECT,  /* impact → detected (or declared) */
	METRIC_RESPOND, /* declared → acknowledged */
	METRIC_MITIGATE, /* declared → mitigated (or resolved) */
	METRIC_RESOLVE, /* declared → resolved */
};
#define METRIC_CLOCK_COUNT 4
const char *metric_clock_name(enum metric_clock c); /* "time to detect" */

struct metric_times {
	int64_t count;          /* incidents where both ends are known */
	int64_t median_ms, p90_ms, mean_ms; /* nearest-rank percentiles; 0 when count is 0 */
};
#define METRIC_WEEKS_MAX 54 /* 366 days touch at most so many */
struct metric_week {
	int64_t begins_at;      /* ms: Monday 00:00 in the zone asked for */
	int64_t by_severity[5]; /* [1]–[4] */
	int64_t resolve_median_ms; /* of those declared in that week; 0 */
};
struct metric_share { int64_t of, part; }; /* of 0: nothing to tell */
struct metrics {
	int64_t incidents, excluded;
	struct metric_times clock[METRIC_CLOCK_COUNT];
	struct metric_share auto_resolved, repeat, cadence, followups, respond_missed, resolve_missed;
	struct metric_week week[METRIC_WEEKS_MAX];
	size_t weeks;
};
/* rows: declared within [since, until), any order; sorted in place, those that count first. zone: IANA, for weeks; NULL: no weeks. */
void metrics_compute(struct metric_row *rows, size_t count, int64_t since, int64_t until, const char *zone, int64_t now, struct metrics *out);

struct str;
/* One character a value of "▁▂▃▄▅▆▇█", "·" for zero; scaled to the largest. */
void metrics_sparkline(struct str *out, const int64_t *values, size_t count);
/* A standalone SVG: incidents by severity a week as stacked columns, the median time to resolve as a line. title is escaped. */
void metrics_svg(struct str *out, const struct metrics *m, const char *title, const char *zone);

#endif
