/* Figures as pictures: a line of block characters, and a standalone SVG. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/text.h"
#include "base/zone.h"
#include "incident/metrics.h"

/* ---- sparkline ---- */

void metrics_sparkline(struct str *out, const int64_t *values, size_t count)
{
	static const char *const bars[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	int64_t top = 0;

	for (size_t i = 0; i < count; i++)
		top = values[i] > top ? values[i] : top;
	for (size_t i = 0; i < count; i++)
		str_add(out, values[i] <= 0 ? "·" : bars[(values[i] * 8 - 1) / top]);
}

/* ---- SVG: columns of incidents a week, a line of the median time to resolve ---- */

#define WIDTH   960
#define HEIGHT  360
#define LEFT    56
#define RIGHT   64
#define TOP     56
#define BOTTOM  56
#define PLOT_W  (WIDTH - LEFT - RIGHT)
#define PLOT_H  (HEIGHT - TOP - BOTTOM)
#define LABELS  8 /* dates below the axis, at most */

/* The darker the worse; told apart without colour by their order, worst at the bottom. */
static const char *const colour[] = { "", "#8b1e3f", "#d1495b", "#edae49", "#9fb8ad" };

static int64_t week_total(const struct metric_week *w)
{
	return w->by_severity[1] + w->by_severity[2] + w->by_severity[3] + w->by_severity[4];
}

struct scale {
	const struct metrics *m;
	int64_t columns_top; /* incidents at the upper edge */
	int64_t hours_top;   /* hours at the upper edge */
	int64_t step;        /* px × 100 a week */
};

static struct scale scale_of(const struct metrics *m)
{
	struct scale s = { .m = m, .columns_top = 4, .hours_top = 1 };

	for (size_t i = 0; i < m->weeks; i++) {
		int64_t n = week_total(&m->week[i]);
		int64_t hours = (m->week[i].resolve_median_ms + HOUR_MS - 1) / HOUR_MS;

		s.columns_top = n > s.columns_top ? n : s.columns_top;
		s.hours_top = hours > s.hours_top ? hours : s.hours_top;
	}
	s.step = m->weeks ? PLOT_W * 100 / (int64_t)m->weeks : PLOT_W * 100;
	return s;
}

static void add_column(struct str *out, const struct scale *s, size_t i)
{
	const struct metric_week *w = &s->m->week[i];
	int64_t x = LEFT + ((int64_t)i * s->step + s->step / 8) / 100, width = s->step * 3 / 400;
	int64_t below = 0;

	for (int level = 1; level <= 4; level++) {
		int64_t from = below * PLOT_H / s->columns_top;
		int64_t to = (below + w->by_severity[level]) * PLOT_H / s->columns_top;

		if (to > from)
			str_addf(out,
				"<rect x=\"%lld\" y=\"%lld\" width=\"%lld\" height=\"%lld\" fill=\"%s\"><title>SEV%d: "
				"%lld</title></rect>\n",
				(long long)x, (long long)(TOP + PLOT_H - to), (long long)(width ? width : 1),
				(long long)(to - from), colour[level], level, (long long)w->by_severity[level]);
		below += w->by_severity[level];
	}
}

static int64_t point_x(const struct scale *s, size_t i)
{
	return LEFT + ((int64_t)i * s->step + s->step / 2) / 100;
}

static int64_t point_y(const struct scale *s, size_t i)
{
	return TOP + PLOT_H - s->m->week[i].resolve_median_ms * PLOT_H / (s->hours_top * HOUR_MS);
}

/* A week in which nothing was resolved breaks the line: it is not zero. */
static void add_line(struct str *out, const struct scale *s)
{
	bool drawing = false;

	str_add(out, "<path fill=\"none\" stroke=\"#1d3557\" stroke-width=\"2\" d=\"");
	for (size_t i = 0; i < s->m->weeks; i++) {
		bool known = s->m->week[i].resolve_median_ms > 0;

		if (known)
			str_addf(out, "%c%lld %lld ", drawing ? 'L' : 'M', (long long)point_x(s, i),
				(long long)point_y(s, i));
		drawing = known;
	}
	str_add(out, "\"/>\n");
	for (size_t i = 0; i < s->m->weeks; i++)
		if (s->m->week[i].resolve_median_ms > 0)
			str_addf(out, "<circle cx=\"%lld\" cy=\"%lld\" r=\"3\" fill=\"#1d3557\"/>\n",
				(long long)point_x(s, i), (long long)point_y(s, i));
}

static void add_axes(struct str *out, const struct scale *s, const char *zone)
{
	size_t every = s->m->weeks / LABELS + 1;

	str_addf(out, "<path stroke=\"#888\" d=\"M%d %dH%dM%d %dV%dM%d %dV%d\"/>\n", LEFT, TOP + PLOT_H, WIDTH - RIGHT,
		LEFT, TOP, TOP + PLOT_H, WIDTH - RIGHT, TOP, TOP + PLOT_H);
	str_addf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%lld</text>\n", LEFT - 6, TOP + 4,
		(long long)s->columns_top);
	str_addf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>\n", LEFT - 6, TOP + PLOT_H + 4);
	str_addf(out, "<text x=\"%d\" y=\"%d\" fill=\"#1d3557\">%lld h</text>\n", WIDTH - RIGHT + 6, TOP + 4,
		(long long)s->hours_top);
	for (size_t i = 0; i < s->m->weeks; i += every) {
		struct civil day;

		zone_civil(zone, s->m->week[i].begins_at, &day);
		str_addf(out, "<text x=\"%lld\" y=\"%d\" text-anchor=\"middle\">%04d-%02d-%02d</text>\n",
			(long long)point_x(s, i), TOP + PLOT_H + 18, day.year, day.month, day.day);
	}
}

static void add_legend(struct str *out, const struct metrics *m)
{
	int x = LEFT;

	for (int level = 1; level <= 4; level++) {
		int64_t n = 0;

		for (size_t i = 0; i < m->weeks; i++)
			n += m->week[i].by_severity[level];
		str_addf(out,
			"<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">SEV%d: "
			"%lld</text>\n",
			x, HEIGHT - 22, colour[level], x + 18, HEIGHT - 12, level, (long long)n);
		x += 110;
	}
	str_addf(out,
		"<circle cx=\"%d\" cy=\"%d\" r=\"4\" fill=\"#1d3557\"/><text x=\"%d\" y=\"%d\">median time to "
		"resolve</text>\n",
		x + 6, HEIGHT - 16, x + 18, HEIGHT - 12);
}

void metrics_svg(struct str *out, const struct metrics *m, const char *title, const char *zone)
{
	struct scale s = scale_of(m);

	str_addf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
		"font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT);
	str_addf(out, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n<text x=\"%d\" y=\"28\" font-size=\"18\">", WIDTH,
		HEIGHT, LEFT);
	text_html(out, title, strlen(title));
	str_addf(out, "</text>\n<text x=\"%d\" y=\"46\" fill=\"#666\">incidents a week by severity; weeks begin on Monday, ",
		LEFT);
	zone = zone && *zone ? zone : "UTC";
	text_html(out, zone, strlen(zone));
	str_add(out, "</text>\n");
	for (size_t i = 0; i < m->weeks; i++)
		add_column(out, &s, i);
	add_line(out, &s);
	add_axes(out, &s, zone);
	add_legend(out, m);
	str_add(out, "</svg>\n");
}
