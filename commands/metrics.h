#ifndef COMMANDS_METRICS_H
#define COMMANDS_METRICS_H
/*
 * Figures over incidents (FEATURES P1; docs/metrics.md): what is asked for, the answer, and the forms
 * it takes. What they mean is incident/metrics.h's business.
 */
#include "base/str.h"
#include "commands/call.h"
#include "incident/metrics.h"

enum metrics_window { WINDOW_7D, WINDOW_30D, WINDOW_90D, WINDOW_YEAR };
enum metrics_by { BY_NOTHING, BY_SERVICE, BY_SEVERITY, BY_WEEK };
enum metrics_format { METRICS_MD, METRICS_CSV, METRICS_JSON, METRICS_SVG };
#define METRICS_GROUPS_MAX 200 /* services that are told apart: those with the most incidents */

struct metrics_query {
	enum metrics_window window;
	int64_t since, until;    /* ms, [since, until); until is when it was asked */
	const char *service;     /* NULL: any */
	const char *environment; /* NULL: any */
	int severity;            /* 0: any */
	enum metrics_by by;
	const char *zone;        /* of the weeks: the asker's */
};

struct metrics_group {
	const char *name;        /* "checkout", "SEV1"; NULL: incidents that name no service */
	struct metrics m;        /* without weeks */
};

struct metrics_answer {
	struct metrics_query q;
	struct metrics all;
	struct metrics_group *group; /* by service: most incidents first; by severity: worst first */
	size_t groups;
	size_t groups_left_out;
};

/* The words of windows, groupings and formats ("30d", "service", "csv"), each ending with NULL. */
extern const char *const metrics_windows[], *const metrics_bys[], *const metrics_formats[];
void metrics_query_init(struct metrics_query *q, enum metrics_window w, int64_t now, const char *zone);

/* Protected ones count only where reader sees all. The answer is on the call's arena. -EMSGSIZE: more
 * incidents than can be counted at once; else -errno in c->err. */
int metrics_answer(struct call *c, const struct metrics_query *q, const char *reader,
	struct metrics_answer **out);

/* The forms (commands/metrics_write.c, metrics_show.c). */
json_t *metrics_doc(struct call *c, const struct metrics_answer *a);
json_t *metrics_json(struct call *c, const struct metrics_answer *a);
void metrics_write(struct call *c, const struct metrics_answer *a, enum metrics_format f, struct str *out);
const char *metrics_title(struct call *c, const struct metrics_query *q); /* "last 30 days · checkout" */
const char *metrics_day(struct call *c, const char *zone, int64_t ms);    /* "2026-03-02" */
/* Rounded to the nearest; -1: there is nothing to tell. */
int metrics_percent(const struct metric_share *s);

/* The rates, in the order they are told. */
struct metrics_rate {
	const char *key;   /* "respond_target_missed" */
	const char *label; /* "Time to respond missed" */
	size_t offset;     /* of the struct metric_share in struct metrics */
};
#define METRICS_RATES 6
extern const struct metrics_rate metrics_rate[METRICS_RATES];
const struct metric_share *metrics_share(const struct metrics *m, size_t rate);

/* As a file that is sent (commands/files.h). */
json_t *metrics_args(const struct metrics_query *q, enum metrics_format f);
int metrics_file(struct call *c, json_t *args, const char *reader, struct str *out);
const char *metrics_command(struct call *c, json_t *args);

#endif
