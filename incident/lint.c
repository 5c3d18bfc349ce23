/* What a review may not say, sentence by sentence (FEATURES I3). */
#include "incident/lint.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "incident/lint_room.h"

static const char write_it[] =
	"write it, or take it out: \"nobody lost data; 1,200 checkouts failed\"";

static void finding_set(struct lint_finding *out, enum lint_rule rule, const char *p, size_t len,
	const char *instead)
{
	size_t cut = len < sizeof(out->quote) ? len : text_edge(p, sizeof(out->quote) - 1);

	memset(out, 0, sizeof(*out));
	out->rule = rule;
	memcpy(out->quote, p, cut);
	snprintf(out->instead, sizeof(out->instead), "%s", instead);
}

/* ---- lines without a word ------------------------------------------------------------------- */

/* A line of nothing but dots, question marks or a lone dash says that somebody meant to write. A
 * ruler, the edge of a table or of a code block is none. */
static bool is_gap_filler(const char *p, size_t len)
{
	static const char *const fillers[] = { "...", "….", "…", "?", "??", "???", "-", "–", "—",
		"*", "- …", "- ...", "- ?", "….", "_…_", "_..._", "[…]", "[...]", "…….", "....",
		"-…" };

	for (size_t i = 0; i < sizeof(fillers) / sizeof(*fillers); i++)
		if (strlen(fillers[i]) == len && memcmp(fillers[i], p, len) == 0)
			return true;
	return false;
}

/* The first such line that begins in [from, to) of text. */
static bool filler_find(const char *text, size_t from, size_t to, size_t *at, size_t *len)
{
	while (from < to) {
		size_t end, k;

		if (from > 0 && text[from - 1] != '\n') {
			const char *next = memchr(text + from, '\n', to - from);

			if (!next)
				return false;
			from = (size_t)(next - text) + 1;
			continue;
		}
		end = from + strcspn(text + from, "\n");
		if (end > to)
			return false; /* a word stands in it */
		k = end;
		*at = from + strspn(text + from, " \t");
		while (k > *at && strchr(" \t\r", text[k - 1]))
			k--;
		*len = k - *at;
		if (*at < k && is_gap_filler(text + *at, *len))
			return true;
		from = end + 1;
	}
	return false;
}

/* From the beginning of a line over such without a letter; true at a filler, which *from is put
 * behind. Only saves time: filler_find alone would look at a long gap anew for each filler in it.
 */
static bool filler_here(const char *text, size_t *from, size_t *at, size_t *len)
{
	static const char signs[] = " \t\r!\"#$&'()*+,-./:;<=>?[\\]^_`{|}~";

	while (text[*from] && (*from == 0 || text[*from - 1] == '\n')) {
		size_t line = strcspn(text + *from, "\n"),
		       next = *from + line + (text[*from + line] == '\n');

		if (filler_find(text, *from, *from + line + 1, at, len)) {
			*from = next;
			return true;
		}
		if (strspn(text + *from, signs) < line)
			return false;
		*from = next;
	}
	return false;
}

/* ---- sentences ------------------------------------------------------------------------------ */

struct sentence {
	struct word w[WORDS_SENTENCE_MAX];
	size_t n;
};

static bool sentence_next(const char *text, size_t *from, struct sentence *s)
{
	const char *p = text + *from;

	s->n = words_sentence(&p, s->w, WORDS_SENTENCE_MAX);
	if (s->n > 0)
		p = s->w[s->n - 1].p + s->w[s->n - 1].len;
	*from = (size_t)(p - text);
	return s->n > 0;
}

/* "Improve monitoring. Page when the lag is over 30 s." on one line is said. */
static bool goes_on(const char *text, size_t from)
{
	const char *end = text + from;
	struct sentence s;

	return sentence_next(text, &from, &s) && !memchr(end, '\n', (size_t)(s.w[0].p - end)) &&
	       lint_concrete(s.w, s.n);
}

static bool sentence_lint(const char *text, size_t from, const struct sentence *s, bool action,
	struct lint_finding *out)
{
	enum lint_rule rule;
	struct lint_hit hit;

	if (lint_blame_in(s->w, s->n, &hit))
		rule = LINT_BLAME;
	else if (lint_placeholder_in(s->w, s->n, &hit))
		rule = LINT_PLACEHOLDER;
	else if (action && lint_empty_in(s->w, s->n, &hit) && !goes_on(text, from))
		rule = LINT_EMPTY;
	else
		return false;
	const struct word *first = &s->w[hit.at], *last = &s->w[hit.at + hit.len - 1];
	finding_set(out, rule, first->p, (size_t)(last->p - first->p) + last->len,
		rule == LINT_PLACEHOLDER ? write_it : hit.instead);
	return true;
}

bool lint_next(const char *text, bool action, size_t *from, struct lint_finding *out)
{
	while (text) {
		size_t begin, first, at, len;
		struct sentence s;
		bool more;

		if (filler_here(text, from, &at, &len)) {
			finding_set(out, LINT_PLACEHOLDER, text + at, len, write_it);
			return true;
		}
		begin = *from;
		more = sentence_next(text, from, &s);
		first = more ? (size_t)(s.w[0].p - text) : *from;
		if (filler_find(text, begin, first, &at, &len)) {
			finding_set(out, LINT_PLACEHOLDER, text + at, len, write_it);
			*from = at + len + strspn(text + at + len, " \t\r");
			*from += text[*from] == '\n';
			return true;
		}
		if (!more)
			return false;
		if (sentence_lint(text, *from, &s, action, out))
			return true;
	}
	return false;
}

bool lint_blames(const char *text, struct lint_finding *out)
{
	struct sentence s;
	struct lint_hit hit;
	size_t from = 0;

	while (text && sentence_next(text, &from, &s)) {
		const struct word *last;

		if (!lint_blame_in(s.w, s.n, &hit))
			continue;
		last = &s.w[hit.at + hit.len - 1];
		if (out)
			finding_set(out, LINT_BLAME, s.w[hit.at].p,
				(size_t)(last->p - s.w[hit.at].p) + last->len, hit.instead);
		return true;
	}
	return false;
}
