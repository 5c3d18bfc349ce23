/* Figures as an answer in chat: short lines, readable on a phone. */
#include "commands/messages.h"
#include "commands/metrics.h"

#include "base/str.h"

#define LINES_MAX 15 /* groups that are shown; all of them stand in the CSV */
#define BARS_MAX  27 /* of a sparkline: as many as fit a phone's line */
#define NOTHING	  "nothing to tell"

static struct str line_begin(struct call *c)
{
	struct str s;

	str_init_arena(&s, c->arena, 2000);
	return s;
}

/* ---- the parts ---- */

static void add_clocks(struct call *c, json_t *doc, const struct metrics *m)
{
	for (int i = 0; i < METRIC_CLOCK_COUNT; i++) {
		const struct metric_times *t = &m->clock[i];
		struct str s = line_begin(c);
		const char *name = metric_clock_name((enum metric_clock)i);

		str_addf(&s, "%c%s: ", *name - 'a' + 'A', name + 1);
		if (t->count)
			str_addf(&s, "%s · %s · %s (%lld)", words_for(c, t->median_ms),
				words_for(c, t->p90_ms), words_for(c, t->mean_ms),
				(long long)t->count);
		else
			str_add(&s, NOTHING);
		doc_list_item(doc, s.p);
	}
}

static const char *share_words(struct call *c, const struct metric_share *s)
{
	if (!s->of)
		return NOTHING;
	return arena_printf(c->arena, "%d %% (%lld of %lld)", metrics_percent(s),
		(long long)s->part, (long long)s->of);
}

static void add_rates(struct call *c, json_t *doc, const struct metrics *m)
{
	for (size_t i = 0; i < METRICS_RATES; i++)
		doc_list_item(doc, arena_printf(c->arena, "%s: %s", metrics_rate[i].label,
					   share_words(c, metrics_share(m, i))));
}

static size_t weeks_a_bar(const struct metrics *m)
{
	return m->weeks > BARS_MAX ? 2 : 1;
}

/* The newest bar is whole: of an odd number of weeks the oldest stands alone. */
static size_t bars_of(const struct metrics *m, int level, int64_t bars[METRIC_WEEKS_MAX])
{
	size_t each = weeks_a_bar(m), count = (m->weeks + each - 1) / each;
	size_t first = m->weeks % each;

	for (size_t i = 0; i < count; i++)
		bars[i] = 0;
	for (size_t i = 0; i < m->weeks; i++)
		bars[(i + (first ? each - first : 0)) / each] += m->week[i].by_severity[level];
	return count;
}

static void add_levels(struct call *c, json_t *doc, const struct metrics_answer *a)
{
	for (int level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++) {
		int64_t bars[METRIC_WEEKS_MAX], total = 0;
		size_t n = bars_of(&a->all, level, bars);
		struct str s = line_begin(c);

		if (a->q.severity && a->q.severity != level)
			continue;
		for (size_t i = 0; i < n; i++)
			total += bars[i];
		str_addf(&s, "%s ", words_severity(c, level));
		metrics_sparkline(&s, bars, n);
		str_addf(&s, " %lld", (long long)total);
		doc_list_item(doc, s.p);
	}
}

/* ---- a line each ---- */

static void add_median(
	struct call *c, struct str *s, const char *what, const struct metric_times *t)
{
	if (t->count)
		str_addf(s, " · %s %s", what, words_for(c, t->median_ms));
}

static void add_group(struct call *c, json_t *doc, const struct metrics_group *g)
{
	const struct metrics *m = &g->m;
	struct str s = line_begin(c);

	mark_bold(&s, g->name ? message_short(c, g->name, 60) : "(no service)");
	str_addf(&s, " %lld", (long long)m->incidents);
	add_median(c, &s, "respond", &m->clock[METRIC_RESPOND]);
	add_median(c, &s, "resolve", &m->clock[METRIC_RESOLVE]);
	if (m->repeat.part)
		str_addf(&s, " · %lld %s", (long long)m->repeat.part,
			m->repeat.part == 1 ? "repeat" : "repeats");
	if (m->resolve_missed.part)
		str_addf(&s, " · %lld over target", (long long)m->resolve_missed.part);
	doc_list_item(doc, s.p);
}

static void add_groups(struct call *c, json_t *doc, const struct metrics_answer *a)
{
	size_t shown = a->groups < LINES_MAX ? a->groups : LINES_MAX;
	size_t more = a->groups - shown + a->groups_left_out;

	for (size_t i = 0; i < shown; i++)
		add_group(c, doc, &a->group[i]);
	if (more)
		doc_context(doc,
			arena_printf(c->arena,
				"And %zu more, with fewer incidents; a file has them: %s", more,
				message_usage(c, "/inc metrics %s --by service --format csv",
					metrics_windows[a->q.window])));
}

static void add_week(
	struct call *c, json_t *doc, const struct metrics_answer *a, const struct metric_week *w)
{
	struct str s = line_begin(c);
	int64_t total = 0;

	for (int level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++)
		total += w->by_severity[level];
	mark_bold(&s, metrics_day(c, a->q.zone, w->begins_at));
	str_addf(&s, " %lld", (long long)total);
	for (int level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++)
		if (w->by_severity[level])
			str_addf(&s, " · %s %lld", words_severity(c, level),
				(long long)w->by_severity[level]);
	if (w->resolve_median_ms)
		str_addf(&s, " · resolve %s", words_for(c, w->resolve_median_ms));
	doc_list_item(doc, s.p);
}

/* ---- the whole ---- */

static void add_what(struct call *c, json_t *doc, const struct metrics_answer *a)
{
	switch (a->q.by) {
	case BY_NOTHING:
		doc_context(doc, "median · p90 · mean (of how many)");
		add_clocks(c, doc, &a->all);
		doc_divider(doc);
		add_levels(c, doc, a);
		doc_divider(doc);
		add_rates(c, doc, &a->all);
		break;
	case BY_SERVICE:
	case BY_SEVERITY:
		doc_context(doc, "incidents · medians");
		add_groups(c, doc, a);
		break;
	case BY_WEEK:
		doc_context(doc, "week from · incidents · median to resolve");
		for (size_t i = 0; i < a->all.weeks; i++)
			add_week(c, doc, a, &a->all.week[i]);
		break;
	}
}

/* The same question otherwise. */
static void add_button(struct call *c, json_t *doc, const struct metrics_query *q,
	const char *label, const char *key, json_t *value_take)
{
	json_t *args = json_pack("{s:s, s:s*, s:s*, s:s*}", "window", metrics_windows[q->window],
		"service", q->service, "severity",
		q->severity ? severity_name(&c->config->severity, q->severity) : NULL, "env",
		q->environment);

	json_object_set_new(args, key, value_take);
	doc_button(doc, label, "metrics", 0, args, NULL);
}

json_t *metrics_doc(struct call *c, const struct metrics_answer *a)
{
	const struct metrics_query *q = &a->q;
	json_t *doc = message_line(c,
		"Incidents, %s: %lld counted; left out (drills, cancelled, merged): %lld.",
		metrics_title(c, q), (long long)a->all.incidents, (long long)a->all.excluded);

	if (a->all.incidents)
		add_what(c, doc, a);
	else
		doc_context(doc, "Nothing to tell.");
	doc_context(doc, arena_printf(c->arena, "%s to %s. Weeks begin on Monday, %s%s.",
				 metrics_day(c, q->zone, q->since),
				 metrics_day(c, q->zone, q->until), q->zone,
				 q->by == BY_NOTHING && weeks_a_bar(&a->all) == 2
					 ? "; a bar is two weeks, the newest last"
				 : q->by == BY_NOTHING ? "; a bar is a week, the newest last"
						       : ""));
	add_button(c, doc, q, "Chart", "chart", json_true());
	if (q->by != BY_SERVICE)
		add_button(c, doc, q, "By service", "by", json_string("service"));
	if (q->window != WINDOW_90D)
		add_button(c, doc, q, "90 days", "window", json_string("90d"));
	return doc;
}
