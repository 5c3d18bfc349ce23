#include "commands/metrics.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "commands/protected.h"
#include "store/metrics.h"

#define ROWS_ARENA_MAX (96u << 20) /* some 200,000 incidents, with room to grow */

const char *const metrics_windows[] = { "7d", "30d", "90d", "year", NULL };
const char *const metrics_bys[] = { "nothing", "service", "severity", "week", NULL };
const char *const metrics_formats[] = { "md", "csv", "json", "svg", NULL };

static const int64_t days[] = { 7, 30, 90, 365 };

const struct metrics_rate metrics_rate[METRICS_RATES] = {
	{ "auto_resolved", "Resolved by itself", offsetof(struct metrics, auto_resolved) },
	{ "repeat", "Repeats of an earlier one", offsetof(struct metrics, repeat) },
	{ "cadence_kept", "Updates on time", offsetof(struct metrics, cadence) },
	{ "followups_on_time", "Follow-ups on time", offsetof(struct metrics, followups) },
	{ "respond_target_missed", "Target to respond missed",
		offsetof(struct metrics, respond_missed) },
	{ "resolve_target_missed", "Target to resolve missed",
		offsetof(struct metrics, resolve_missed) },
};

const struct metric_share *metrics_share(const struct metrics *m, size_t rate)
{
	return (const struct metric_share *)((const char *)m + metrics_rate[rate].offset);
}

int metrics_percent(const struct metric_share *s)
{
	return s->of ? (int)((s->part * 200 + s->of) / (2 * s->of)) : -1;
}

void metrics_query_init(
	struct metrics_query *q, enum metrics_window w, int64_t now, const char *zone)
{
	*q = (struct metrics_query){
		.window = w, .since = now - days[w] * DAY_MS, .until = now, .zone = zone
	};
}

const char *metrics_day(struct call *c, const char *zone, int64_t ms)
{
	struct civil day;

	zone_civil(zone, ms, &day);
	return arena_printf(c->arena, "%04d-%02d-%02d", day.year, day.month, day.day);
}

/* ---- groups ---- */

/* The pure rules reorder their rows, so each group gets a copy. */
static void group_compute(const struct metrics_query *q, const struct metric_row *rows,
	const size_t *of, size_t n, struct metric_row *scratch, struct metrics *out)
{
	for (size_t i = 0; i < n; i++)
		scratch[i] = rows[of[i]];
	metrics_compute(scratch, n, q->since, q->until, NULL, q->until, out);
}

struct named {
	const char *service; /* not terminated */
	size_t len;
	size_t row;
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int rc = memcmp(x->service, y->service, x->len < y->len ? x->len : y->len);

	if (rc == 0)
		rc = (x->len > y->len) - (x->len < y->len);
	return rc ? rc : (x->row > y->row) - (x->row < y->row);
}

static bool same_name(const struct named *x, const struct named *y)
{
	return x->len == y->len && memcmp(x->service, y->service, x->len) == 0;
}

/* One entry a service of a row, one without a name where it has none. out NULL: only counted. */
static size_t names_of(const struct metric_row *r, size_t row, struct named *out)
{
	const char *p = r->services ? r->services : "";
	size_t n = 0;

	for (;;) {
		size_t len;

		p += strspn(p, ", ");
		len = strcspn(p, ",");
		while (len && p[len - 1] == ' ')
			len--;
		if (!len && (*p || n))
			break;
		if (out)
			out[n] = (struct named){ p, len, row };
		n++;
		if (!len)
			break;
		p += len;
	}
	return n;
}

struct span {
	const struct named *from;
	size_t n;
};

static int most_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return by_name(x->from, y->from);
}

/* named, sorted, into spans of one service each; a row counts once for a service. */
static size_t spans_of(struct named *named, size_t n, struct span *spans)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct span *last = count ? &spans[count - 1] : NULL;

		if (!last || !same_name(last->from, &named[i]))
			spans[count++] = (struct span){ &named[i], 1 };
		else
			last->n++;
	}
	return count;
}

/* A service that an incident names twice is one. */
static size_t unique(struct named *named, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!kept || named[kept - 1].row != named[i].row ||
			!same_name(&named[kept - 1], &named[i]))
			named[kept++] = named[i];
	return kept;
}

static int refuse_memory(struct call *c)
{
	return error_set(&c->err, -E2BIG, "these are more incidents than can be counted at once");
}

static int group_by_service(struct call *c, struct arena *scratch, const struct metric_row *rows,
	size_t n, struct metrics_answer *a)
{
	size_t names = 0, spans, at = 0;

	for (size_t i = 0; i < n; i++)
		names += names_of(&rows[i], i, NULL);

	struct named *named = arena_try_alloc(scratch, (names + 1) * sizeof(*named));
	struct span *span = arena_try_alloc(scratch, (names + 1) * sizeof(*span));
	struct metric_row *copy = arena_try_alloc(scratch, (n + 1) * sizeof(*copy));
	size_t *of = arena_try_alloc(scratch, (n + 1) * sizeof(*of));

	if (!named || !span || !copy || !of)
		return refuse_memory(c);
	for (size_t i = 0; i < n; i++)
		at += names_of(&rows[i], i, named + at);
	qsort(named, names, sizeof(*named), by_name);
	spans = spans_of(named, unique(named, names), span);
	qsort(span, spans, sizeof(*span), most_first);
	a->groups = spans < METRICS_GROUPS_MAX ? spans : METRICS_GROUPS_MAX;
	a->groups_left_out = spans - a->groups;
	a->group = arena_alloc(c->arena, (a->groups + 1) * sizeof(*a->group));
	for (size_t i = 0; i < a->groups; i++) {
		const struct named *from = span[i].from;

		for (size_t k = 0; k < span[i].n; k++)
			of[k] = from[k].row;
		a->group[i].name =
			from->len ? arena_strndup(c->arena, from->service, from->len) : NULL;
		group_compute(&a->q, rows, of, span[i].n, copy, &a->group[i].m);
	}
	return 0;
}

static int group_by_severity(struct call *c, struct arena *scratch, const struct metric_row *rows,
	size_t n, struct metrics_answer *a)
{
	struct metric_row *copy = arena_try_alloc(scratch, (n + 1) * sizeof(*copy));
	size_t *of = arena_try_alloc(scratch, (n + 1) * sizeof(*of));

	if (!copy || !of)
		return refuse_memory(c);
	a->group = arena_alloc(c->arena, SEVERITY_COUNT * sizeof(*a->group));
	for (int level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++) {
		struct metrics_group *g = &a->group[a->groups];
		size_t count = 0;

		if (a->q.severity && a->q.severity != level)
			continue;
		for (size_t i = 0; i < n; i++)
			if (rows[i].severity == level)
				of[count++] = i;
		g->name = words_severity(c, level);
		group_compute(&a->q, rows, of, count, copy, &g->m);
		a->groups++;
	}
	return 0;
}

/* ---- the answer ---- */

static void targets_set(const struct call *c, struct metric_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int level = rows[i].severity;
		const struct severity_policy *p;

		if (level < SEVERITY_WORST || level > SEVERITY_LEAST)
			continue;
		p = &c->config->severity.level[level];
		rows[i].respond_target_ms = p->respond_ms;
		rows[i].resolve_target_ms = p->resolve_ms;
	}
}

int metrics_answer(struct call *c, const struct metrics_query *q, const char *reader,
	struct metrics_answer **out)
{
	struct metric_filter f = {
		.since = q->since,
		.until = q->until,
		.service = q->service,
		.environment = q->environment,
		.now = q->until,
		.severity = q->severity,
		.sees_all = protected_sees_all(c, reader),
	};
	struct arena *scratch = arena_create(ROWS_ARENA_MAX);
	struct metrics_answer *a = arena_alloc(c->arena, sizeof(*a));
	struct metric_row *rows;
	size_t n;
	int rc = metric_rows(c->store, scratch, &f, &rows, &n, &c->err);

	a->q = *q;
	if (rc == 0) {
		targets_set(c, rows, n);
		metrics_compute(
			rows, n, q->since, q->until, q->zone ? q->zone : "UTC", q->until, &a->all);
		n = (size_t)a->all.incidents; /* those that count stand first */
		if (q->by == BY_SERVICE)
			rc = group_by_service(c, scratch, rows, n, a);
		else if (q->by == BY_SEVERITY)
			rc = group_by_severity(c, scratch, rows, n, a);
	}
	arena_destroy(scratch);
	*out = a;
	return rc == -E2BIG ? -EMSGSIZE : rc;
}

/* ---- as a file ---- */

json_t *metrics_args(const struct metrics_query *q, enum metrics_format f)
{
	return json_pack("{s:s, s:I, s:I, s:s*, s:s*, s:i, s:s, s:s, s:s}", "window",
		metrics_windows[q->window], "since", (json_int_t)q->since, "until",
		(json_int_t)q->until, "service", q->service, "environment", q->environment,
		"severity", q->severity, "by", metrics_bys[q->by], "zone",
		q->zone ? q->zone : "UTC", "format", metrics_formats[f]);
}

static int word_of(const char *const *words, const char *word)
{
	for (int i = 0; word && words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return 0;
}

static enum metrics_format args_read(json_t *args, struct metrics_query *q)
{
	*q = (struct metrics_query){
		.window =
			(enum metrics_window)word_of(metrics_windows, json_get_str(args, "window")),
		.since = json_get_int(args, "since", 0),
		.until = json_get_int(args, "until", 0),
		.service = json_get_str(args, "service"),
		.environment = json_get_str(args, "environment"),
		.severity = (int)json_get_int(args, "severity", 0),
		.by = (enum metrics_by)word_of(metrics_bys, json_get_str(args, "by")),
		.zone = json_get_str(args, "zone"),
	};
	return (enum metrics_format)word_of(metrics_formats, json_get_str(args, "format"));
}

int metrics_file(struct call *c, json_t *args, const char *reader, struct str *out)
{
	struct metrics_query q;
	enum metrics_format f = args_read(args, &q);
	struct metrics_answer *a;
	int rc = metrics_answer(c, &q, reader ? reader : "", &a);

	if (rc < 0)
		return rc;
	metrics_write(c, a, f, out);
	return out->cut ? -EMSGSIZE : 0;
}

const char *metrics_command(struct call *c, json_t *args)
{
	struct metrics_query q;
	enum metrics_format f = args_read(args, &q);
	struct str s;

	str_init_arena(&s, c->arena, 1000);
	str_addf(&s, "metrics %s", metrics_windows[q.window]);
	if (q.service)
		str_addf(&s, " --service %s", q.service);
	if (q.severity)
		str_addf(&s, " --severity %s", severity_name(&c->config->severity, q.severity));
	if (q.environment)
		str_addf(&s, " --env %s", q.environment);
	if (q.by)
		str_addf(&s, " --by %s", metrics_bys[q.by]);
	if (f == METRICS_SVG)
		str_add(&s, " --chart");
	else
		str_addf(&s, " --format %s", metrics_formats[f]);
	return s.p;
}
