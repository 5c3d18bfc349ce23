/* Factors of a postmortem, and the first draft of one: what the record can tell by itself. */
#include "incident/review.h"

#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/text.h"

#define DRAFT_MAX 4000 /* bytes of a section */

/* ---- factors ---- */

/* Behind "- ", "* ", "1. ", "2) " and blanks. */
static const char *skip_bullet(const char *p)
{
	const char *start;

	p += strspn(p, " \t");
	if (strchr("-*+", *p) && *p && p[1] == ' ')
		return p + 1 + strspn(p + 1, " \t");
	start = p;
	p += strspn(p, "0123456789");
	if (p > start && (*p == '.' || *p == ')') && p[1] == ' ')
		return p + 1 + strspn(p + 1, " \t");
	return start;
}

/* "[change] the rollout …": the layer, and the text behind it. */
static const char *take_layer(struct arena *a, const char *p, const char *end, enum review_layer *layer)
{
	const char *close = *p == '[' ? memchr(p, ']', (size_t)(end - p)) : NULL;
	enum review_layer found;

	*layer = LAYER_TECHNICAL;
	if (!close || !review_layer_parse(arena_strndup(a, p + 1, (size_t)(close - p - 1)), &found))
		return p;
	*layer = found;
	for (p = close + 1; p < end && strchr(" \t:", *p); p++)
		;
	return p;
}

/* "Root cause: …", "The root cause was …": what comes behind. */
static const char *root_cause(const char *p)
{
	static const char *const begins[] = { "the root cause was ", "the root cause is ", "root cause was ",
		"root cause is ", "root cause:", "the root cause:", "root cause -" };

	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (text_prefix_fold(begins[i], p)) {
			p += strlen(begins[i]);
			return p + strspn(p, " \t");
		}
	return NULL;
}

size_t review_factors(struct arena *a, const char *text, struct review_factor *out, size_t max, bool *lone)
{
	size_t n = 0, roots = 0;

	while (text && *text && n < max) {
		const char *end = text + strcspn(text, "\n");
		const char *p = skip_bullet(text), *root;
		enum review_layer layer;

		p = p < end ? take_layer(a, p, end, &layer) : end;
		root = p < end ? root_cause(p) : NULL;
		if (root && root < end) {
			p = root;
			roots++;
		}
		if (p < end)
			out[n++] = (struct review_factor){ layer, arena_strndup(a, p, (size_t)(end - p)) };
		text = *end ? end + 1 : end;
	}
	if (lone)
		*lone = n == 1 && roots == 1;
	return n;
}

/* ---- the first draft ---- */

static const char *name_of(const struct review_record *rec, const char *person)
{
	const char *name = person && rec->name ? rec->name(rec->ctx, person) : NULL;

	return name ? name : "somebody";
}

static void add_time(struct str *s, const struct review_record *rec, int64_t ms)
{
	/* Counted from a far day, so that the date is always said. */
	time_format(s, ms, ms - 400 * DAY_MS, rec->zone, true);
}

static void add_span(struct str *s, const char *before, int64_t from, int64_t to)
{
	if (!from || !to || to < from)
		return;
	str_add(s, before);
	duration_format(s, to - from);
}

static void draft_summary(struct str *s, const struct review_record *rec)
{
	const struct incident *inc = rec->incident;

	text_markdown(s, inc->title ? inc->title : "");
	str_addf(s, " (%s", rec->severity);
	if (inc->services && *inc->services) {
		str_add(s, ", ");
		text_markdown(s, inc->services);
	}
	str_add(s, "). Declared ");
	add_time(s, rec, inc->declared_at);
	add_span(s, ", acknowledged after ", inc->declared_at, inc->acknowledged_at);
	add_span(s, ", mitigated after ", inc->declared_at, inc->mitigated_at);
	add_span(s, ", resolved after ", inc->declared_at, inc->resolved_at);
	str_addc(s, '.');
	if (inc->resolved_at && inc->update_text && *inc->update_text) {
		str_add(s, "\n\nHow it ended: ");
		text_markdown(s, inc->update_text);
	}
}

static void draft_impact(struct str *s, const struct review_record *rec)
{
	const struct incident *inc = rec->incident;

	if (inc->impact && *inc->impact)
		text_markdown(s, inc->impact);
	if (inc->impact_at) {
		str_add(s, s->len ? "\n\nIt began " : "It began ");
		add_time(s, rec, inc->impact_at);
		add_span(s, " and lasted ", inc->impact_at, inc->mitigated_at ? inc->mitigated_at : inc->resolved_at);
		str_addc(s, '.');
	}
}

static void draft_detection(struct str *s, const struct review_record *rec)
{
	const struct incident *inc = rec->incident;
	int64_t detected = inc->detected_at ? inc->detected_at : inc->declared_at;

	str_add(s, "Declared by ");
	text_markdown(s, name_of(rec, inc->reporter));
	if (inc->source && *inc->source) {
		str_add(s, ", source: ");
		text_markdown(s, inc->source);
	}
	add_span(s, "; detected after ", inc->impact_at, detected);
	if (inc->impact_at && detected >= inc->impact_at)
		str_add(s, " of impact");
	str_addc(s, '.');
	if (inc->customer_reported)
		str_add(s, " A customer noticed before any alert did.");
}

void review_draft(struct arena *a, const struct review_record *rec, struct review *out)
{
	static const struct {
		enum review_section section;
		void (*draft)(struct str *s, const struct review_record *rec);
	} drafts[] = {
		{ REVIEW_SUMMARY, draft_summary },
		{ REVIEW_IMPACT, draft_impact },
		{ REVIEW_DETECTION, draft_detection },
	};

	for (size_t i = 0; i < sizeof(drafts) / sizeof(*drafts); i++) {
		struct str s;

		str_init_arena(&s, a, DRAFT_MAX);
		drafts[i].draft(&s, rec);
		out->section[drafts[i].section] = s.len ? s.p : NULL;
	}
}
