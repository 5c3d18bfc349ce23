/*
 * The arguments of a typed line, in this order: what the alias says already, --options and
 * key:value wherever they stand, what is known by its shape (first words, anywhere, last words),
 * and the free text that is left.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "commands/args_line.h"

const struct arg_def *reading_def(const struct reading *r, size_t arg)
{
	return &r->c->op->args[arg];
}

bool reading_given(const struct reading *r, size_t arg)
{
	return r->c->value[arg].given;
}

size_t reading_unused(const struct reading *r, size_t i)
{
	while (i < r->t.count && r->t.at[i].used)
		i++;
	return i;
}

void reading_use(struct reading *r, size_t i, const char *end)
{
	for (; i < r->t.count && r->t.at[i].p < end; i++)
		r->t.at[i].used = true;
	if (i < r->t.count && r->t.at[i].p == end && r->t.at[i].len == 1 && strchr(",;", *end))
		r->t.at[i].used = true;
}

static bool takes_free_text(const struct operation *op)
{
	for (const struct arg_def *d = op->args; d && d->name; d++)
		if (d->type == ARG_REST && !(d->flags & ARG_OPTION))
			return true;
	return false;
}

bool reading_due(const struct reading *r, const struct arg_def *d)
{
	return (d->type == ARG_PERSON || d->type == ARG_ROLE) && !(d->flags & ARG_OPTION) &&
		!takes_free_text(r->c->op);
}

/* ---- what is left ---- */

/* Unused text with the blanks as typed; a text that is wholly one quotation loses its quotes. */
static char *left_over(struct reading *r)
{
	size_t first = reading_unused(r, 0), n = strlen(r->t.text), len;
	const char *value;
	char *out, *end;

	if (first < r->t.count && r->t.at[first].quoted &&
		reading_unused(r, first + 1) == r->t.count) {
		token_value(r->t.at[first].p, NULL, &value, &len);
		return arena_strndup(r->c->arena, value, len);
	}
	out = end = arena_alloc(r->c->arena, n + 1);
	for (size_t i = 0; i < r->t.count; i++) {
		const struct token *t = &r->t.at[i];
		const char *gap = i ? r->t.at[i - 1].p + r->t.at[i - 1].len : t->p;

		if (t->used)
			continue;
		if (end > out && i && r->t.at[i - 1].used)
			*end++ = ' ';
		else if (end > out)
			end = mempcpy(end, gap, (size_t)(t->p - gap));
		end = mempcpy(end, t->p, t->len);
	}
	return out;
}

/* Is this word an attempt at the argument? */
static bool attempts(const struct reading *r, const struct arg_def *d, const struct token *t)
{
	bool at = *t->p == '@' || *t->p == MARK_BEGIN;

	if (d->flags & (ARG_OPTION | ARG_TRAILING) || d->type == ARG_REST || d->type == ARG_FLAG)
		return false;
	if (d->type == ARG_PERSON)
		return at || d->flags & ARG_REQUIRED || reading_due(r, d);
	if (reading_due(r, d))
		return !at;
	return d->flags & ARG_REQUIRED && !(d->flags & ARG_ANYWHERE);
}

/* A value stood where it was due, but is none: say why, rather than that it is missing. */
static int refuse_wrong(struct reading *r, size_t args)
{
	size_t first = reading_unused(r, 0);
	const struct token *t = &r->t.at[first];
	char word[TOKEN_WORD_MAX];
	struct str usage;

	for (size_t i = 0; i < args && first < r->t.count; i++) {
		const struct arg_def *d = reading_def(r, i);
		struct arg_value v = { 0 };
		const char *why;

		if (reading_given(r, i) || !attempts(r, d, t))
			continue;
		why = value_read(r->c, d,
			token_word(t, word) ? word : arena_strndup(r->c->arena, t->p, t->len), &v);
		if (!why)
			continue;
		str_init_arena(&usage, r->c->arena, 2000);
		usage_short(&usage, r->c->op);
		call_refuse_arg(r->c, d->name, "%s; nothing was done. Usage: %s", why, usage.p);
		return -EINVAL;
	}
	return 0;
}

static int refuse_left(struct reading *r, const char *text)
{
	const char *p = line_plain_label(r->c->arena, text, strlen(text));
	size_t n = text_cut(p, 40);
	struct str usage;

	str_init_arena(&usage, r->c->arena, 2000);
	usage_short(&usage, r->c->op);
	call_refuse(r->c, "usage",
		"%s cannot do anything with \"%.*s%s\"; nothing was done. Usage: %s",
		r->c->op->name, (int)n, p, p[n] ? "…" : "", usage.p);
	return -EINVAL;
}

static int take_rest(struct reading *r, size_t args)
{
	const char *text;

	if (reading_unused(r, 0) == r->t.count)
		return 0;
	text = left_over(r);
	for (size_t i = 0; i < args; i++)
		if (reading_def(r, i)->type == ARG_REST &&
			!(reading_def(r, i)->flags & ARG_OPTION) && !reading_given(r, i))
			return *text ? arg_take(r->c, i, text) : 0;
	return *text ? refuse_left(r, text) : 0;
}

static int take_alias(struct call *c, const struct op_alias *alias)
{
	size_t index = 0;

	if (!alias || !alias->arg || !arg_find(c->op, alias->arg, strlen(alias->arg), &index))
		return 0;
	return arg_take(c, index, alias->value);
}

int args_from_line(struct call *c, const struct line *line)
{
	struct reading r = { .c = c };
	size_t args = arg_count(c->op);
	int rc = take_alias(c, line->alias);

	if (line->prefix)
		call_understood(c, "“%s” was read as %s", line->word, c->op->name);
	if (rc < 0)
		return rc;
	tokens_read(c->arena, line->rest, &r.t);
	rc = options_take(&r);
	if (rc < 0)
		return rc;
	shapes_take(&r, args);
	rc = refuse_wrong(&r, args);
	return rc < 0 ? rc : take_rest(&r, args);
}
