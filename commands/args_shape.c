/* What a line shows by its shape: a level, a person, a time, where they may stand. */
#include <string.h>

#include "base/duration.h"
#include "base/text.h"
#include "commands/args_line.h"

#define SCAN_MAX     512 /* tokens that are looked at: no text may have more words */
#define TRAILING_MAX 6   /* words of the longest "next update in 1 h 30" */

static bool all_digits(const char *p)
{
	return p[strspn(p, "0123456789")] == '\0';
}

/* "sev 2" is one word to whoever says it. */
static size_t pair_severity(struct reading *r, size_t i, const char *word, struct arg_value *v)
{
	char second[TOKEN_WORD_MAX];
	size_t next = i + 1;

	if (!text_equal_fold(word, "sev") && !text_equal_fold(word, "severity"))
		return 0;
	if (next >= r->t.count || r->t.at[next].used || !token_word(&r->t.at[next], second) ||
		second[1])
		return 0;
	return value_try(r->c, &(struct arg_def){ .type = ARG_SEVERITY }, second, true, v) ? 2 : 0;
}

/* Two words first: "incident commander". */
static size_t shape_role(
	struct reading *r, size_t arg, size_t i, const char *word, struct arg_value *v)
{
	char second[TOKEN_WORD_MAX];
	size_t next = i + 1;

	if (next < r->t.count && !r->t.at[next].used && token_word(&r->t.at[next], second) &&
		value_try(r->c, reading_def(r, arg),
			arena_printf(r->c->arena, "%s %s", word, second), true, v))
		return 2;
	return value_try(r->c, reading_def(r, arg), word, true, v) ? 1 : 0;
}

/* A word of a level at the beginning; a lone number there counts things, unless a level is due. */
static size_t shape_severity(struct reading *r, size_t arg, size_t i, const char *word, bool first,
	struct arg_value *v)
{
	bool due = !(reading_def(r, arg)->flags & ARG_ANYWHERE) ||
		   (reading_def(r, arg)->flags & ARG_LEADING);
	size_t n = pair_severity(r, i, word, v);

	if (n > 0)
		return n;
	if (all_digits(word) && !(first && due))
		return 0;
	if (!value_try(r->c, reading_def(r, arg), word, first, v))
		return 0;
	if (first && !due && !word[strcspn(word, "0123456789")])
		call_understood(r->c, "“%s” was read as the severity", word);
	return 1;
}

static size_t shape_moment(
	struct reading *r, size_t arg, size_t i, const char *word, struct arg_value *v)
{
	const char *p = r->t.at[i].p;
	size_t n = r->t.at[i].quoted ? 0 : value_moment(r->c, reading_def(r, arg), p, false, v),
	       tokens = 0;

	if (n == 0) {
		/* "cadence 15": minutes. */
		if (reading_def(r, arg)->type != ARG_DURATION || !duration_parse(word, &v->number))
			return 0;
		v->text = arena_strdup(r->c->arena, word);
		n = r->t.at[i].len;
	}
	while (i + tokens < r->t.count && r->t.at[i + tokens].p < p + n)
		if (r->t.at[i + tokens++].used)
			return 0;
	v->given = true;
	return tokens;
}

/* How many tokens from i on are the argument; 0: it is none. */
static size_t shape_at(struct reading *r, size_t arg, size_t i, bool first, struct arg_value *v)
{
	const struct arg_def *d = reading_def(r, arg);
	const struct token *t = &r->t.at[i];
	bool due = first && (d->flags & ARG_REQUIRED || reading_due(r, d) ||
		!(d->flags & (ARG_LEADING | ARG_ANYWHERE)));
	char word[TOKEN_WORD_MAX];

	*v = (struct arg_value){ 0 };
	if (*t->p == MARK_BEGIN || ((d->type == ARG_WORD || d->flags & ARG_ISSUE) && first && t->len >= TOKEN_WORD_MAX))
		return value_try(r->c, d, arena_strndup(r->c->arena, t->p, t->len), due, v) ? 1 : 0;
	if (!token_word(t, word))
		return 0;
	if (d->type == ARG_SEVERITY)
		return shape_severity(r, arg, i, word, first, v);
	if (d->type == ARG_ROLE)
		return shape_role(r, arg, i, word, v);
	if (d->type == ARG_TIME || d->type == ARG_DURATION)
		return shape_moment(r, arg, i, word, v);
	return value_try(r->c, d, word, due, v) ? 1 : 0;
}

static bool take_shape(struct reading *r, size_t arg, size_t i, bool first)
{
	struct arg_value v;
	size_t n = shape_at(r, arg, i, first, &v);

	for (size_t k = 0; k < n; k++)
		r->t.at[i + k].used = true;
	if (n > 0)
		r->c->value[arg] = v;
	r->head = reading_unused(r, r->head);
	return n > 0;
}

/* May this argument be the first of what is left? */
static bool leads(const struct arg_def *d)
{
	if (d->flags & ARG_OPTION || d->type == ARG_REST || d->type == ARG_FLAG)
		return false;
	return d->flags & (ARG_LEADING | ARG_ANYWHERE) || !(d->flags & ARG_TRAILING);
}

static bool follows(const struct reading *r, size_t arg)
{
	return !(reading_def(r, arg)->flags & ARG_AFTER) || (arg > 0 && reading_given(r, arg - 1));
}

static void take_leading(struct reading *r, size_t args)
{
	for (bool more = true; more && !r->text;) {
		more = false;
		for (size_t i = 0; i < args && r->head < r->t.count && !r->text; i++)
			if (!reading_given(r, i) && leads(reading_def(r, i)) && follows(r, i) &&
				take_shape(r, i, r->head, true)) {
				more = true;
				r->text = reading_def(r, i)->flags & ARG_AFTER;
			}
	}
}

static void take_anywhere(struct reading *r, size_t args)
{
	size_t end = r->t.count < SCAN_MAX ? r->t.count : SCAN_MAX;

	for (size_t i = 0; i < args; i++) {
		if (!(reading_def(r, i)->flags & ARG_ANYWHERE))
			continue;
		for (size_t k = r->head; k < end && !reading_given(r, i); k++)
			if (!r->t.at[k].used && !r->t.at[k].quoted)
				take_shape(r, i, k, false);
	}
}

/* "in 20m", "until 17:00" at the end. */
static size_t trailing_at(
	struct reading *r, size_t arg, size_t i, const char *end, struct arg_value *v)
{
	static const char *const intro[] = { "for ", "until ", "till ", "at " };
	const char *p = r->t.at[i].p;
	size_t skip = 0, n;

	for (size_t k = 0; k < sizeof(intro) / sizeof(*intro) && !skip; k++)
		if (text_prefix_fold(intro[k], p))
			skip = strlen(intro[k]);
	n = value_moment(r->c, reading_def(r, arg), p + skip, skip > 0, v);
	while (n > 0 && p[skip + n] && strchr(".!,", p[skip + n]))
		n++;
	return n > 0 && p + skip + n == end ? skip + n : 0;
}

static void take_trailing(struct reading *r, size_t arg)
{
	size_t last = r->t.count, first, words = 0;
	struct arg_value v = { 0 };
	const char *end;

	while (last > 0 && r->t.at[last - 1].used)
		last--;
	for (first = last; first > r->head && !r->t.at[first - 1].used && words < TRAILING_MAX;
		words++)
		first--;
	if (first == last)
		return;
	end = r->t.at[last - 1].p + r->t.at[last - 1].len;
	for (size_t i = first; i < last; i++) {
		if (!trailing_at(r, arg, i, end, &v))
			continue;
		reading_use(r, i, end);
		v.given = true;
		r->c->value[arg] = v;
		break;
	}
	r->head = reading_unused(r, r->head);
}

void shapes_take(struct reading *r, size_t args)
{
	r->head = reading_unused(r, 0);
	take_leading(r, args);
	if (r->text)
		return;
	take_anywhere(r, args);
	for (size_t i = 0; i < args; i++)
		if ((reading_def(r, i)->flags & ARG_TRAILING) && !reading_given(r, i))
			take_trailing(r, i);
}
