/* What keeps a postmortem from being final (FEATURES I2, I3). */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/text.h"
#include "incident/review.h"

#define FACTORS_MAX  64
#define FACTORS_MIN  3
#define LAYERS_MIN   2
#define ENTRIES_MIN  3
#define ARENA_MAX    (1u << 20)

struct linting {
	const struct review *review;
	const struct review_record *rec;
	struct lint_finding *out;
	size_t max, count;
};

static struct lint_finding *add(struct linting *l, enum lint_rule rule, const char *where, const char *quote)
{
	struct lint_finding *f;

	if (l->count == l->max)
		return NULL;
	f = &l->out[l->count++];
	*f = (struct lint_finding){ .rule = rule };
	snprintf(f->where, sizeof f->where, "%.*s", (int)text_cut(where, sizeof f->where - 1), where);
	snprintf(f->quote, sizeof f->quote, "%.*s", (int)text_cut(quote, sizeof f->quote - 1), quote);
	return f;
}

static void say(struct linting *l, enum lint_rule rule, const char *where, const char *quote, const char *instead)
{
	struct lint_finding *f = add(l, rule, where, quote);

	if (f)
		snprintf(f->instead, sizeof f->instead, "%s", instead);
}

/* Sentence by sentence. */
static void lint_text(struct linting *l, const char *where, const char *text, bool action)
{
	struct lint_finding f;
	size_t from = 0;

	while (text && lint_next(text, action, &from, &f)) {
		struct lint_finding *kept = add(l, f.rule, where, f.quote);

		if (kept)
			memcpy(kept->instead, f.instead, sizeof kept->instead);
	}
}

/* ---- sections ---- */

static bool needed(const struct review *r, enum review_section s)
{
	static const bool light[REVIEW_SECTION_COUNT] = {
		[REVIEW_SUMMARY] = true, [REVIEW_IMPACT] = true, [REVIEW_LESSONS] = true,
	};

	/* Factors are counted, timeline and actions are looked at in the record. */
	if (!review_section_written(s) || s == REVIEW_FACTORS)
		return false;
	return !r->light || light[s];
}

static void lint_sections(struct linting *l)
{
	for (int i = 0; i < REVIEW_SECTION_COUNT; i++) {
		enum review_section s = (enum review_section)i;
		const char *text = l->review->section[s];
		char instead[200];

		if (text && *text) {
			lint_text(l, review_section_title(s), text, s == REVIEW_LESSONS);
			continue;
		}
		if (!needed(l->review, s))
			continue;
		snprintf(instead, sizeof instead, "it is empty: /inc postmortem edit %s", review_section_name(s));
		say(l, LINT_MISSING, review_section_title(s), "", instead);
	}
}

static void lint_factors(struct linting *l)
{
	struct arena *a = arena_create(ARENA_MAX);
	struct review_factor factor[FACTORS_MAX];
	bool lone;
	size_t n = review_factors(a, l->review->section[REVIEW_FACTORS], factor, FACTORS_MAX, &lone);
	const char *where = review_section_title(REVIEW_FACTORS);
	size_t layers = 0;
	unsigned seen = 0;
	char text[300];

	for (size_t i = 0; i < n; i++) {
		layers += !(seen & (1u << factor[i].layer));
		seen |= 1u << factor[i].layer;
	}
	if (lone) {
		snprintf(text, sizeof text,
			"one cause is a technical trigger, kept as such; what else let it through? Operational, detection, "
			"change, responsibility, organisational: \"- [detection] no alert on …\"");
		say(l, LINT_ROOT_CAUSE, where, factor[0].text, text);
	}
	if (n < (l->review->light ? 1 : FACTORS_MIN)) {
		snprintf(text, sizeof text, "%zu of at least %d: one a line with its layer, \"- [change] the rollout went to all "
			"regions at once\"", n, l->review->light ? 1 : FACTORS_MIN);
		say(l, LINT_FACTORS, where, "", text);
	} else if (!l->review->light && layers < LAYERS_MIN) {
		snprintf(text, sizeof text, "all of them are %s; at least two layers take part in an incident: technical, "
			"operational, detection, change, responsibility, organisational", review_layer_name(factor[0].layer));
		say(l, LINT_LAYERS, where, "", text);
	}
	arena_destroy(a);
}

/* ---- the record ---- */

static void lint_timeline(struct linting *l)
{
	size_t n = l->rec->timeline_count;

	if (n < ENTRIES_MIN)
		say(l, LINT_TIME, review_section_title(REVIEW_TIMELINE), "",
			"it has hardly any times: when did impact begin, when was it noticed, what helped? /inc note 14:02 errors "
			"rise after the rollout");
	for (size_t i = 0; i < n; i++) {
		const struct timeline_entry *e = &l->rec->timeline[i];
		struct lint_finding f, *kept;
		struct str where STR_CLEANUP = { 0 };
		bool mended = false;

		for (size_t k = i + 1; k < n && !mended; k++)
			mended = l->rec->timeline[k].corrects == e->id;
		if (mended || !e->text || !lint_blames(e->text, &f))
			continue;
		str_init(&where, 60);
		str_add(&where, "Timeline, ");
		time_format(&where, e->happened_at, e->happened_at - 400 * DAY_MS, l->rec->zone, true);
		kept = add(l, LINT_BLAME, where.p, f.quote);
		if (kept)
			memcpy(kept->instead, f.instead, sizeof kept->instead);
	}
}

static void lint_action(struct linting *l, const struct followup *f)
{
	char where[32], example[320];

	if (f->state == FOLLOWUP_CANCELLED)
		return;
	snprintf(where, sizeof where, "Action F%lld", (long long)f->id);
	lint_text(l, where, f->title, true);
	snprintf(example, sizeof example, "who will do it? /inc followup F%lld --owner @name", (long long)f->id);
	if (!f->owner || !*f->owner)
		say(l, LINT_OWNER, where, f->title, example);
	snprintf(example, sizeof example, "by when? /inc followup F%lld --due \"2 weeks\"", (long long)f->id);
	if (!f->due_at)
		say(l, LINT_DUE, where, f->title, example);
	snprintf(example, sizeof example,
		"what will be seen when it is done? A number, an alert, a document: /inc followup F%lld --signal \"the alert fires "
		"in the game day\"", (long long)f->id);
	if (!f->signal || !lint_signal_observable(f->signal))
		say(l, LINT_SIGNAL, where, f->signal ? f->signal : f->title, example);
	snprintf(example, sizeof example, "what does it do? /inc followup F%lld --class prevent (or detect, mitigate, learn)",
		(long long)f->id);
	if (f->class == FOLLOWUP_NO_CLASS)
		say(l, LINT_CLASS, where, f->title, example);
}

static void lint_actions(struct linting *l)
{
	size_t alive = 0;

	for (size_t i = 0; i < l->rec->followup_count; i++) {
		alive += l->rec->followup[i].state != FOLLOWUP_CANCELLED;
		lint_action(l, &l->rec->followup[i]);
	}
	if (!alive && !l->review->light)
		say(l, LINT_MISSING, review_section_title(REVIEW_ACTIONS), "",
			"nothing would change: /inc followup add \"alert on retries\" --owner @name --due \"2 weeks\" --class detect "
			"--signal \"the alert fires in the game day\"");
}

size_t review_lint(const struct review *r, const struct review_record *rec, struct lint_finding *out, size_t max)
{
	struct linting l = { .review = r, .rec = rec, .out = out, .max = max };

	lint_sections(&l);
	lint_factors(&l);
	lint_timeline(&l);
	lint_actions(&l);
	return l.count;
}
