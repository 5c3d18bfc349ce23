#include "incident/checkpoint.h"

#include <string.h>

#include "base/arena.h"
#include "base/duration.h"
#include "base/text.h"

enum section {
	SECTION_SITUATION,
	SECTION_HYPOTHESIS,
	SECTION_IMPACT,
	SECTION_IN_FLIGHT,
	SECTION_DECISION,
	SECTION_CADENCE,
	SECTION_NEXT,
};
#define SECTION_COUNT 7

/* What people call them. Longer words before those they begin with. */
static const struct {
	const char *word;
	enum section section;
} section_words[] = {
	{ "state", SECTION_SITUATION },
	{ "status", SECTION_SITUATION },
	{ "situation", SECTION_SITUATION },
	{ "current hypothesis", SECTION_HYPOTHESIS },
	{ "hypothesis", SECTION_HYPOTHESIS },
	{ "theory", SECTION_HYPOTHESIS },
	{ "customer impact", SECTION_IMPACT },
	{ "impact", SECTION_IMPACT },
	{ "actions in flight", SECTION_IN_FLIGHT },
	{ "in flight", SECTION_IN_FLIGHT },
	{ "in-flight", SECTION_IN_FLIGHT },
	{ "actions", SECTION_IN_FLIGHT },
	{ "doing", SECTION_IN_FLIGHT },
	{ "next decision point", SECTION_NEXT },
	{ "next decision", SECTION_NEXT },
	{ "next", SECTION_NEXT },
	{ "decide by", SECTION_NEXT },
	{ "decision point", SECTION_DECISION },
	{ "decision", SECTION_DECISION },
	{ "comms cadence", SECTION_CADENCE },
	{ "cadence", SECTION_CADENCE },
	{ "comms", SECTION_CADENCE },
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* Blanks, and what is left over at the ends of a section: emphasis and bullets too. */
static const char *const blanks[] = { " ", "\t", "\n", "\r", "\xC2\xA0", "\xE2\x80\xAF" };
static const char *const leftovers[] = { ";", ",", "*", "_", "|", "-", "–", "—", "•", "·", "；",
	"，" };
/* Behind which a section may begin. */
static const char *const separators[] = { ";", ",", ".", "|", "*", "_", "-", "!", "?", ")", "…",
	"–", "—", "•", "·", "；", "，", "。" };
static const char *const colons[] = { ":", "：" };
static const char *const emphasis[] = { "*", "_" };

static const char *skip_blanks(const char *p)
{
	return text_skip(p, TEXT_SET(blanks));
}

/* Does a part begin at p: at the start, on a new line, or behind a separator and a blank or the
 * separator alone? "well-state:" is one word. */
static bool part_begins(const char *start, const char *p)
{
	const char *q = text_skip_back(start, p, TEXT_SET(blanks));
	size_t n;

	if (q == start || memchr(q, '\n', (size_t)(p - q)))
		return true;
	n = text_sign_before(start, q, TEXT_SET(separators));
	if (n == 0)
		return false;
	return q != p || !strchr("-.", q[-1]) || q - 1 == start ||
	       text_sign_before(start, q - 1, TEXT_SET(blanks)) > 0;
}

/* A section word with its colon at p: the length of both, else 0. */
static size_t section_at(const char *p, enum section *out)
{
	for (size_t i = 0; i < COUNT(section_words); i++) {
		const char *q = p + strlen(section_words[i].word);
		size_t n;

		if (!text_prefix_fold(section_words[i].word, p))
			continue;
		q = skip_blanks(text_skip(q, TEXT_SET(emphasis)));
		n = text_sign_at(q, TEXT_SET(colons));
		if (n == 0)
			continue;
		*out = section_words[i].section;
		return (size_t)(text_skip(q + n, TEXT_SET(emphasis)) - p);
	}
	return 0;
}

/* Adds what lies between from and to, without its leftovers. */
static void part_add(struct str *s, const char *from, const char *to)
{
	const char *q;

	for (q = NULL; q != from; from = text_skip(skip_blanks(from), TEXT_SET(leftovers)))
		q = from;
	if (from >= to)
		return;
	for (q = NULL; q != to; to = text_skip_back(from, text_skip_back(from, to, TEXT_SET(blanks)),
					TEXT_SET(leftovers)))
		q = to;
	if (to == from)
		return;
	if (s->len > 0)
		str_add(s, "; ");
	str_addn(s, from, (size_t)(to - from));
}

static void parts_split(const char *text, struct str part[SECTION_COUNT])
{
	enum section section = SECTION_SITUATION, found = section;
	const char *from = text, *p = text;

	while (*p) {
		size_t n = section_at(p, &found);

		if (n > 0 && !part_begins(text, p))
			n = 0;
		if (n == 0) {
			p++;
			continue;
		}
		part_add(&part[section], from, p);
		section = found;
		from = p += n;
	}
	part_add(&part[section], from, p);
}

/* "15:00", "at 15:00", "in 20m", "20m", and what else was said: that is the decision itself. 0 when
 * it begins with no time; then all of it is. */
static int64_t next_time(const char *text, const char *zone, int64_t now_ms, const char **rest)
{
	static const char *const words[] = { "at", "by", "in", "until" };
	const char *p = skip_blanks(text);
	int64_t at = 0;
	size_t n;

	*rest = text;
	for (size_t i = 0; i < COUNT(words); i++) {
		const char *q = p + strlen(words[i]);

		if (text_prefix_fold(words[i], p) && text_sign_at(q, TEXT_SET(blanks))) {
			p = skip_blanks(q);
			break;
		}
	}
	n = duration_prefix(p, &at);
	if (n > 0)
		at += now_ms;
	else
		n = time_prefix(p, zone, now_ms, false, &at);
	if (n == 0)
		return 0;
	*rest = p + n;
	return at;
}

static char *text_or_null(const struct str *s)
{
	return s->len > 0 ? s->p : NULL;
}

void checkpoint_parse(
	struct arena *a, const char *text, const char *zone, int64_t now_ms, struct checkpoint *out)
{
	struct str part[SECTION_COUNT];
	const char *rest;

	*out = (struct checkpoint){ 0 };
	if (!text)
		return;
	for (size_t i = 0; i < COUNT(part); i++)
		str_init_arena(&part[i], a, strlen(text) * 2 + 2);
	parts_split(text, part);
	out->next_decision_at = next_time(part[SECTION_NEXT].p, zone, now_ms, &rest);
	part_add(&part[SECTION_DECISION], rest, rest + strlen(rest));
	out->situation = text_or_null(&part[SECTION_SITUATION]);
	out->hypothesis = text_or_null(&part[SECTION_HYPOTHESIS]);
	out->impact = text_or_null(&part[SECTION_IMPACT]);
	out->in_flight = text_or_null(&part[SECTION_IN_FLIGHT]);
	out->decision = text_or_null(&part[SECTION_DECISION]);
	out->cadence = text_or_null(&part[SECTION_CADENCE]);
}

static void missing_add(struct str *out, bool said, const char *name)
{
	if (said)
		return;
	if (out->len > 0)
		str_add(out, ", ");
	str_add(out, name);
}

static bool is_said(const char *text)
{
	return text && *text;
}

void checkpoint_missing(const struct checkpoint *c, struct str *out)
{
	missing_add(out, is_said(c->situation), "state");
	missing_add(out, is_said(c->hypothesis), "hypothesis");
	missing_add(out, is_said(c->impact), "impact");
	missing_add(out, is_said(c->in_flight), "in flight");
	missing_add(out, is_said(c->decision), "decision");
	missing_add(out, c->next_decision_at != 0, "next decision");
}

bool checkpoint_fresh(const struct checkpoint *c, int64_t now_ms, int64_t max_age_ms)
{
	return c && c->at > 0 && now_ms - c->at < max_age_ms;
}
