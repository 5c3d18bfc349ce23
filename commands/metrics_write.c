/* Figures for programs, spreadsheets and documents. What there is nothing to tell about is null in
 * JSON, an empty cell, a dash in a table: never zero. */
#include "commands/export.h"
#include "commands/messages.h"
#include "commands/metrics.h"

#include <string.h>

#include "base/clock.h"
#include "base/duration.h"

const char *metrics_title(struct call *c, const struct metrics_query *q)
{
	static const char *const window[] = { "last 7 days", "last 30 days", "last 90 days",
		"last 365 days" };
	struct str s;

	str_init_arena(&s, c->arena, 1000);
	str_add(&s, window[q->window]);
	if (q->service)
		str_addf(&s, " · %s", q->service);
	if (q->severity)
		str_addf(&s, " · %s", words_severity(c, q->severity));
	if (q->environment)
		str_addf(&s, " · %s", q->environment);
	return s.p;
}

/* "time to detect" → "time_to_detect" */
static const char *clock_key(struct call *c, int clock)
{
	char *key = arena_strdup(c->arena, metric_clock_name((enum metric_clock)clock));

	for (char *p = key; *p; p++)
		if (*p == ' ')
			*p = '_';
	return key;
}

static int64_t week_total(const struct metric_week *w)
{
	return w->by_severity[1] + w->by_severity[2] + w->by_severity[3] + w->by_severity[4];
}

/* ---- JSON ---- */

static json_t *iso(int64_t ms)
{
	struct str s STR_CLEANUP;
	json_t *out;

	str_init(&s, 64);
	time_format_iso(&s, ms);
	out = json_string(s.p);
	return out;
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *known(bool is, int64_t value)
{
	return is ? json_integer(value) : json_null();
}

static json_t *clocks_json(struct call *c, const struct metrics *m)
{
	json_t *o = json_object();

	for (int i = 0; i < METRIC_CLOCK_COUNT; i++) {
		const struct metric_times *t = &m->clock[i];

		json_object_set_new(o, clock_key(c, i),
			json_pack("{s:I, s:o, s:o, s:o}", "count", (json_int_t)t->count,
				"median_ms", known(t->count, t->median_ms), "p90_ms",
				known(t->count, t->p90_ms), "mean_ms",
				known(t->count, t->mean_ms)));
	}
	return o;
}

static json_t *rates_json(const struct metrics *m)
{
	json_t *o = json_object();

	for (size_t i = 0; i < METRICS_RATES; i++) {
		const struct metric_share *s = metrics_share(m, i);

		json_object_set_new(o, metrics_rate[i].key,
			json_pack("{s:I, s:I, s:o}", "part", (json_int_t)s->part, "of",
				(json_int_t)s->of, "percent", known(s->of, metrics_percent(s))));
	}
	return o;
}

static json_t *weeks_json(struct call *c, const struct metrics_answer *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->all.weeks; i++) {
		const struct metric_week *w = &a->all.week[i];
		json_t *o = json_pack("{s:s, s:o, s:I}", "begins",
			metrics_day(c, a->q.zone, w->begins_at), "begins_at", iso(w->begins_at),
			"incidents", (json_int_t)week_total(w));

		for (int level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++)
			json_object_set_new(o, arena_printf(c->arena, "sev%d", level),
				json_integer(w->by_severity[level]));
		json_object_set_new(o, "resolve_median_ms",
			known(w->resolve_median_ms > 0, w->resolve_median_ms));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *groups_json(struct call *c, const struct metrics_answer *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->groups; i++)
		json_array_append_new(list,
			json_pack("{s:o, s:I, s:o, s:o}", "name", text_or_null(a->group[i].name),
				"incidents", (json_int_t)a->group[i].m.incidents, "clocks",
				clocks_json(c, &a->group[i].m), "rates",
				rates_json(&a->group[i].m)));
	return list;
}

json_t *metrics_json(struct call *c, const struct metrics_answer *a)
{
	const struct metrics_query *q = &a->q;
	json_t *o = json_pack("{s:s, s:o, s:o, s:s}", "window", metrics_windows[q->window], "since",
		iso(q->since), "until", iso(q->until), "zone", q->zone);

	json_object_set_new(o, "service", text_or_null(q->service));
	json_object_set_new(o, "environment", text_or_null(q->environment));
	json_object_set_new(o, "severity", known(q->severity, q->severity));
	json_object_set_new(o, "incidents", json_integer(a->all.incidents));
	json_object_set_new(o, "excluded", json_integer(a->all.excluded));
	json_object_set_new(o, "clocks", clocks_json(c, &a->all));
	json_object_set_new(o, "rates", rates_json(&a->all));
	json_object_set_new(o, "weeks", weeks_json(c, a));
	if (q->by == BY_SERVICE || q->by == BY_SEVERITY) {
		json_object_set_new(o, "by", json_string(metrics_bys[q->by]));
		json_object_set_new(o, "groups", groups_json(c, a));
		json_object_set_new(
			o, "groups_left_out", json_integer((json_int_t)a->groups_left_out));
	}
	return o;
}

/* ---- CSV: one table, numbers bare, so that a spreadsheet can filter by its first columns ---- */

#define CSV_HEAD                                                                                   \
	"\"group\",\"row\",\"name\",\"week "                                                       \
	"begins\",\"incidents\",\"sev1\",\"sev2\",\"sev3\",\"sev4\",\"median min\","               \
	"\"p90 min\",\"mean min\",\"part\",\"of\",\"percent\"\r\n"

static void csv_names(
	struct str *out, const char *group, const char *row, const char *name, const char *week)
{
	const char *const cells[] = { group, row, name, week };

	for (size_t i = 0; i < 4; i++) {
		export_csv_cell(out, cells[i]);
		str_addc(out, ',');
	}
}

static void csv_minutes(struct str *out, int64_t ms)
{
	int64_t tenths = (ms + 3 * SECOND_MS) / (6 * SECOND_MS);

	str_addf(out, "%lld.%lld", (long long)(tenths / 10), (long long)(tenths % 10));
}

static void csv_clock(struct str *out, const struct metric_times *t)
{
	const int64_t values[] = { t->median_ms, t->p90_ms, t->mean_ms };

	str_addf(out, "%lld,,,,,", (long long)t->count);
	for (size_t i = 0; i < 3; i++) {
		if (t->count)
			csv_minutes(out, values[i]);
		str_addc(out, ',');
	}
	str_add(out, ",,\r\n");
}

static void csv_rate(struct str *out, const struct metric_share *s)
{
	str_addf(out, ",,,,,,,,%lld,%lld,", (long long)s->part, (long long)s->of);
	if (s->of)
		str_addf(out, "%d", metrics_percent(s));
	str_add(out, "\r\n");
}

static void csv_week(struct str *out, const struct metric_week *w)
{
	str_addf(out, "%lld", (long long)week_total(w));
	for (int level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++)
		str_addf(out, ",%lld", (long long)w->by_severity[level]);
	str_addc(out, ',');
	if (w->resolve_median_ms)
		csv_minutes(out, w->resolve_median_ms);
	str_add(out, ",,,,,\r\n");
}

static void csv_figures(struct str *out, const char *group, const struct metrics *m)
{
	csv_names(out, group, "count", "incidents", "");
	str_addf(out, "%lld,,,,,,,,,,\r\n", (long long)m->incidents);
	for (int i = 0; i < METRIC_CLOCK_COUNT; i++) {
		csv_names(out, group, "clock", metric_clock_name((enum metric_clock)i), "");
		csv_clock(out, &m->clock[i]);
	}
	for (size_t i = 0; i < METRICS_RATES; i++) {
		csv_names(out, group, "rate", metrics_rate[i].key, "");
		csv_rate(out, metrics_share(m, i));
	}
}

static const char *group_name(const struct metrics_group *g)
{
	return g->name ? g->name : "(no service)";
}

static void write_csv(struct call *c, const struct metrics_answer *a, struct str *out)
{
	str_add(out, CSV_HEAD);
	csv_figures(out, "all", &a->all);
	csv_names(out, "all", "count", "left out", "");
	str_addf(out, "%lld,,,,,,,,,,\r\n", (long long)a->all.excluded);
	for (size_t i = 0; i < a->all.weeks; i++) {
		csv_names(out, "all", "week", "time to resolve",
			metrics_day(c, a->q.zone, a->all.week[i].begins_at));
		csv_week(out, &a->all.week[i]);
	}
	for (size_t i = 0; i < a->groups; i++)
		csv_figures(out, group_name(&a->group[i]), &a->group[i].m);
}

/* ---- Markdown ---- */

static void md_cell(struct call *c, struct str *out, bool is, int64_t ms)
{
	str_addf(out, " %s |", is ? words_for(c, ms) : "–");
}

/* A service in a table: nothing in it ends the cell. */
static void md_name(struct str *out, const char *name)
{
	str_add(out, "| ");
	for (; *name; name++) {
		if (strchr("\\|`*_<>[]", *name))
			str_addc(out, '\\');
		str_addc(out, *name);
	}
	str_add(out, " |");
}

static void md_figures(struct call *c, const struct metrics *m, struct str *out)
{
	str_add(out, "| Clock | Incidents | Median | p90 | Mean |\n|---|--:|--:|--:|--:|\n");
	for (int i = 0; i < METRIC_CLOCK_COUNT; i++) {
		const struct metric_times *t = &m->clock[i];

		str_addf(out, "| %s | %lld |", metric_clock_name((enum metric_clock)i),
			(long long)t->count);
		md_cell(c, out, t->count, t->median_ms);
		md_cell(c, out, t->count, t->p90_ms);
		md_cell(c, out, t->count, t->mean_ms);
		str_addc(out, '\n');
	}
	str_add(out, "\n| Rate | Share | Part | Of |\n|---|--:|--:|--:|\n");
	for (size_t i = 0; i < METRICS_RATES; i++) {
		const struct metric_share *s = metrics_share(m, i);

		if (s->of)
			str_addf(out, "| %s | %d %% | %lld | %lld |\n", metrics_rate[i].label,
				metrics_percent(s), (long long)s->part, (long long)s->of);
		else
			str_addf(out, "| %s | – | – | – |\n", metrics_rate[i].label);
	}
}

static void md_weeks(struct call *c, const struct metrics_answer *a, struct str *out)
{
	str_add(out,
		"\n| Week from | Incidents | SEV1 | SEV2 | SEV3 | SEV4 | Median time to resolve |\n"
		"|---|--:|--:|--:|--:|--:|--:|\n");
	for (size_t i = 0; i < a->all.weeks; i++) {
		const struct metric_week *w = &a->all.week[i];

		str_addf(out, "| %s | %lld |", metrics_day(c, a->q.zone, w->begins_at),
			(long long)week_total(w));
		for (int level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++)
			str_addf(out, " %lld |", (long long)w->by_severity[level]);
		md_cell(c, out, w->resolve_median_ms, w->resolve_median_ms);
		str_addc(out, '\n');
	}
}

static void md_groups(struct call *c, const struct metrics_answer *a, struct str *out)
{
	str_addf(out,
		"\n| %s | Incidents | Median to respond | Median to resolve | Repeats "
		"|\n|---|--:|--:|--:|--:|\n",
		a->q.by == BY_SERVICE ? "Service" : "Severity");
	for (size_t i = 0; i < a->groups; i++) {
		const struct metrics *m = &a->group[i].m;

		md_name(out, group_name(&a->group[i]));
		str_addf(out, " %lld |", (long long)m->incidents);
		md_cell(c, out, m->clock[METRIC_RESPOND].count, m->clock[METRIC_RESPOND].median_ms);
		md_cell(c, out, m->clock[METRIC_RESOLVE].count, m->clock[METRIC_RESOLVE].median_ms);
		str_addf(out, " %lld |\n", (long long)m->repeat.part);
	}
	if (a->groups_left_out)
		str_addf(out, "\n%zu more are left out.\n", a->groups_left_out);
}

static void write_md(struct call *c, const struct metrics_answer *a, struct str *out)
{
	const struct metrics_query *q = &a->q;

	str_addf(out,
		"# Incidents, %s\n\n%s to %s. %lld counted; left out (drills, cancelled, merged): "
		"%lld. ",
		metrics_title(c, q), metrics_day(c, q->zone, q->since),
		metrics_day(c, q->zone, q->until), (long long)a->all.incidents,
		(long long)a->all.excluded);
	str_addf(out, "Weeks begin on Monday, %s. – means that there is nothing to tell.\n\n",
		q->zone);
	md_figures(c, &a->all, out);
	md_weeks(c, a, out);
	if (a->groups)
		md_groups(c, a, out);
}

/* ---- */

static int add_text(const char *p, size_t n, void *out)
{
	str_addn(out, p, n);
	return 0;
}

void metrics_write(
	struct call *c, const struct metrics_answer *a, enum metrics_format f, struct str *out)
{
	JSON_CLEANUP json_t *o = NULL;

	switch (f) {
	case METRICS_MD:
		write_md(c, a, out);
		break;
	case METRICS_CSV:
		write_csv(c, a, out);
		break;
	case METRICS_JSON:
		o = metrics_json(c, a);
		json_dump_callback(o, add_text, out, JSON_INDENT(2));
		str_addc(out, '\n');
		break;
	case METRICS_SVG:
		metrics_svg(out, &a->all,
			arena_printf(c->arena, "Incidents, %s, until %s", metrics_title(c, &a->q),
				metrics_day(c, a->q.zone, a->q.until)),
			a->q.zone);
		break;
	}
}
