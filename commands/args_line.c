/*
 * The arguments of a typed line, in this order: what the alias says already, --options and key:value wherever they
 * stand, what is known by its shape (first words, anywhere, last words), and the free text that is left.
 */
#include <errno.h>
#include <string.h>

#include "base/duration.h"
#include "base/text.h"
#include "commands/reading.h"

#define SCAN_MAX     512 /* tokens that are looked at for a shape: no text may have more words */
#define KEY_MAX      24
#define TRAILING_MAX 6   /* words of the longest "next update in 1 h 30" */

struct reading {
	struct call *c;
	struct tokens t;
	size_t head; /* no unused token before it */
	struct open_quotes open;
};

static const struct arg_def *def(const struct reading *r, size_t i)
{
	return &r->c->op->args[i];
}

static bool given(const struct reading *r, size_t i)
{
	return r->c->value[i].given;
}

/* The next unused token at or after i; count when there is none. */
static size_t unused(const struct reading *r, size_t i)
{
	while (i < r->t.count && r->t.at[i].used)
		i++;
	return i;
}

/* Everything from token i on that begins before end was taken, with a comma that hangs on it. */
static void use_until(struct reading *r, size_t i, const char *end)
{
	for (; i < r->t.count && r->t.at[i].p < end; i++)
		r->t.at[i].used = true;
	if (i < r->t.count && r->t.at[i].p == end && r->t.at[i].len == 1 && strchr(",;", *end))
		r->t.at[i].used = true;
}

/* ---- options ---- */

/* "--name", or the one dash that a phone makes of two: what follows the dashes; sure: only an option looks so. */
static const char *option_name(const struct token *t, bool *sure)
{
	static const char *const dashes[] = { "--", "\xE2\x80\x94", "\xE2\x80\x93", "\xE2\x80\x95" };

	if (t->quoted)
		return NULL;
	for (size_t i = 0; i < sizeof(dashes) / sizeof(*dashes); i++) {
		size_t n = strlen(dashes[i]);
		char next;

		if (t->len <= n || strncmp(t->p, dashes[i], n) != 0)
			continue;
		next = t->p[n];
		*sure = i == 0;
		return (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') ? t->p + n : NULL;
	}
	return NULL;
}

static bool is_option(struct reading *r, size_t i)
{
	bool sure = false;
	const char *name = option_name(&r->t.at[i], &sure);
	size_t n, at;

	if (!name || sure)
		return name != NULL;
	n = strcspn(name, "= \n\t");
	return arg_find(r->c->op, name, n, &at) != NULL;
}

/* The option that this was probably meant to be; NULL. */
static const char *nearest_option(const struct reading *r, const char *name)
{
	const char *best = NULL;
	unsigned least = 3;

	for (const struct arg_def *d = r->c->op->args; d && d->name; d++) {
		unsigned far = text_distance(name, d->name);

		if (far < least || (!best && text_prefix_fold(d->name, name))) {
			least = far;
			best = d->name;
		}
	}
	return best;
}

static int refuse_option(struct reading *r, const char *name, size_t len)
{
	const char *typed = arena_strndup(r->c->arena, name, len > 40 ? text_cut(name, 40) : len);
	const char *near = nearest_option(r, typed);
	struct str s;
	bool any = false;

	str_init_arena(&s, r->c->arena, 4000);
	for (const struct arg_def *d = r->c->op->args; d && d->name && !near; d++) {
		str_addf(&s, "%s--%s", any ? ", " : "; it has ", d->name);
		any = true;
	}
	if (near)
		str_addf(&s, ". Did you mean --%s?", near);
	call_refuse(r->c, "usage", "%s has no option --%s%s (nothing was done)", r->c->op->name, typed,
		s.len ? s.p : "");
	return -EINVAL;
}

/* Text up to the next option, for a free text that is given as one. */
static const char *option_text(struct reading *r, size_t i, const char **value, size_t *len)
{
	size_t end = i;

	while (end < r->t.count && (end == i || !is_option(r, end)))
		end++;
	*value = r->t.at[i].p;
	*len = (size_t)(r->t.at[end - 1].p + r->t.at[end - 1].len - *value);
	return *value + *len;
}

/* Where the value that begins at p ends in the text. */
static const char *option_value(struct reading *r, size_t token, const char *p, const struct arg_def *d,
	const char **value, size_t *len)
{
	struct arg_value moment = { 0 };
	const char *end;

	*value = p;
	if (*p != '"' && *p != '\'') {
		if (d->type == ARG_TIME || d->type == ARG_DURATION) {
			*len = value_moment(r->c, d, p, true, &moment);
			if (*len > 0)
				return p + *len;
		}
		if (d->type == ARG_REST && token < r->t.count && r->t.at[token].p == p)
			return option_text(r, token, value, len);
	}
	end = token_value(p, &r->open, value, len);
	if (*value == p)
		while (*len > 1 && strchr(",;", p[*len - 1]))
			(*len)--;
	return end;
}

static int take_text(struct reading *r, size_t arg, const char *p, size_t len)
{
	return arg_take(r->c, arg, arena_strndup(r->c->arena, p, len));
}

static int take_flag(struct reading *r, size_t token, const char *name, size_t len, size_t arg)
{
	bool no = len > 3 && text_prefix_fold("no-", name) && !text_prefix_fold("no-", def(r, arg)->name);

	r->t.at[token].used = true;
	if (name[len] == '=')
		return take_text(r, arg, name + len + 1, r->t.at[token].len - (size_t)(name + len + 1 - r->t.at[token].p));
	return arg_take(r->c, arg, no ? "no" : "yes");
}

static int take_option(struct reading *r, size_t token)
{
	struct token *t = &r->t.at[token];
	bool sure = false;
	const char *name = option_name(t, &sure), *p, *value, *end;
	size_t len, arg = 0, n;
	const struct arg_def *d;

	if (!name)
		return 0;
	len = strcspn(name, "= \n\t\x01");
	if (len > t->len)
		len = t->len - (size_t)(name - t->p);
	d = arg_find(r->c->op, name, len, &arg);
	if (!d)
		return sure ? refuse_option(r, name, len) : 0;
	if (d->type == ARG_FLAG)
		return take_flag(r, token, name, len, arg);
	t->used = true;
	if (name[len] == '=') {
		p = name + len + 1;
		token++;
	} else {
		token++;
		p = token < r->t.count && !is_option(r, token) ? r->t.at[token].p : "";
	}
	if (*p && *p != MARK_BEGIN && token_blank(*p))
		p = "";
	if (!*p) {
		call_refuse_arg(r->c, d->name, "--%s needs a value: %s; nothing was done", d->name,
			d->help ? d->help : arg_label(r->c->arena, d));
		return -EINVAL;
	}
	if (*p == MARK_BEGIN && (n = line_mention(r->c->arena, p, NULL)) > 0) {
		value = p;
		end = p + (len = n);
	} else {
		end = option_value(r, token, p, d, &value, &len);
	}
	use_until(r, token, end);
	return take_text(r, arg, value, len);
}

/* "service:payments": where an option would do, in one word. */
static int take_pair(struct reading *r, struct token *t)
{
	const char *colon = memchr(t->p, ':', t->len < KEY_MAX ? t->len : KEY_MAX), *value;
	const struct arg_def *d;
	size_t arg = 0, len;

	if (!colon || t->quoted || colon == t->p || colon + 1 == t->p + t->len || colon[1] == '/')
		return 0;
	d = arg_find(r->c->op, t->p, (size_t)(colon - t->p), &arg);
	if (!d || strlen(d->name) > (size_t)(colon - t->p) || d->type == ARG_REST || (d->flags & ARG_LONG))
		return 0;
	if (!(d->flags & ARG_OPTION) && !(r->c->op->flags & OP_READS))
		return 0;
	t->used = true;
	token_value(colon + 1, &r->open, &value, &len);
	if (len > (size_t)(t->p + t->len - value))
		len = (size_t)(t->p + t->len - value);
	return take_text(r, arg, value, len);
}

static int take_options(struct reading *r)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->t.count; i++)
		if (!r->t.at[i].used && (r->t.at[i].p[0] == '-' || r->t.at[i].p[0] == '\xE2'))
			rc = take_option(r, i);
	for (size_t i = 0; rc == 0 && i < r->t.count; i++)
		if (!r->t.at[i].used)
			rc = take_pair(r, &r->t.at[i]);
	return rc;
}

/* ---- shapes ---- */

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
	if (next >= r->t.count || r->t.at[next].used || !token_word(&r->t.at[next], second) || second[1])
		return 0;
	return value_try(r->c, &(struct arg_def){ .type = ARG_SEVERITY }, second, true, v) ? 2 : 0;
}

/* Two words first: "incident commander". */
static size_t shape_role(struct reading *r, size_t arg, size_t i, const char *word, struct arg_value *v)
{
	char second[TOKEN_WORD_MAX];
	size_t next = i + 1;

	if (next < r->t.count && !r->t.at[next].used && token_word(&r->t.at[next], second) &&
		value_try(r->c, def(r, arg), arena_printf(r->c->arena, "%s %s", word, second), true, v))
		return 2;
	return value_try(r->c, def(r, arg), word, true, v) ? 1 : 0;
}

/* A word of a level at the beginning; a lone number there counts things, unless a level is due. */
static size_t shape_severity(struct reading *r, size_t arg, size_t i, const char *word, bool first,
	struct arg_value *v)
{
	bool due = !(def(r, arg)->flags & ARG_ANYWHERE) || (def(r, arg)->flags & ARG_LEADING);
	size_t n = pair_severity(r, i, word, v);

	if (n > 0)
		return n;
	if (all_digits(word) && !(first && due))
		return 0;
	if (!value_try(r->c, def(r, arg), word, first, v))
		return 0;
	if (first && !due && !word[strcspn(word, "0123456789")])
		call_understood(r->c, "“%s” was read as the severity", word);
	return 1;
}

static size_t shape_moment(struct reading *r, size_t arg, size_t i, const char *word, struct arg_value *v)
{
	const char *p = r->t.at[i].p;
	size_t n = r->t.at[i].quoted ? 0 : value_moment(r->c, def(r, arg), p, false, v), tokens = 0;

	if (n == 0) {
		/* "cadence 15": minutes. */
		if (def(r, arg)->type != ARG_DURATION || !duration_parse(word, &v->number))
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

/* A word that would be left over anyway can only be a role or a person: "assign ops bob". */
static bool takes_free_text(const struct operation *op)
{
	for (const struct arg_def *d = op->args; d && d->name; d++)
		if (d->type == ARG_REST && !(d->flags & ARG_OPTION))
			return true;
	return false;
}

static bool due_without_text(const struct reading *r, const struct arg_def *d)
{
	return (d->type == ARG_PERSON || d->type == ARG_ROLE) && !(d->flags & ARG_OPTION) &&
		!takes_free_text(r->c->op);
}

/* How many tokens from i on are the argument; 0: it is none. */
static size_t shape_at(struct reading *r, size_t arg, size_t i, bool first, struct arg_value *v)
{
	const struct arg_def *d = def(r, arg);
	const struct token *t = &r->t.at[i];
	bool due = first && (d->flags & ARG_REQUIRED || due_without_text(r, d) ||
		!(d->flags & (ARG_LEADING | ARG_ANYWHERE)));
	char word[TOKEN_WORD_MAX];

	*v = (struct arg_value){ 0 };
	if (*t->p == MARK_BEGIN || (d->type == ARG_WORD && first && t->len >= TOKEN_WORD_MAX))
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
	r->head = unused(r, r->head);
	return n > 0;
}

/* May this argument be the first of what is left? */
static bool leads(const struct arg_def *d)
{
	if (d->flags & ARG_OPTION || d->type == ARG_REST || d->type == ARG_FLAG)
		return false;
	return d->flags & (ARG_LEADING | ARG_ANYWHERE) || !(d->flags & ARG_TRAILING);
}

static void take_leading(struct reading *r, size_t args)
{
	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < args && r->head < r->t.count; i++)
			if (!given(r, i) && leads(def(r, i)) && take_shape(r, i, r->head, true))
				more = true;
	}
}

static void take_anywhere(struct reading *r, size_t args)
{
	size_t end = r->t.count < SCAN_MAX ? r->t.count : SCAN_MAX;

	for (size_t i = 0; i < args; i++) {
		if (!(def(r, i)->flags & ARG_ANYWHERE))
			continue;
		for (size_t k = r->head; k < end && !given(r, i); k++)
			if (!r->t.at[k].used && !r->t.at[k].quoted)
				take_shape(r, i, k, false);
	}
}

/* "in 20m", "until 17:00" at the end. */
static size_t trailing_at(struct reading *r, size_t arg, size_t i, const char *end, struct arg_value *v)
{
	static const char *const intro[] = { "for ", "until ", "till ", "at " };
	const char *p = r->t.at[i].p;
	size_t skip = 0, n;

	for (size_t k = 0; k < sizeof(intro) / sizeof(*intro) && !skip; k++)
		if (text_prefix_fold(intro[k], p))
			skip = strlen(intro[k]);
	n = value_moment(r->c, def(r, arg), p + skip, skip > 0, v);
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
	for (first = last; first > r->head && !r->t.at[first - 1].used && words < TRAILING_MAX; words++)
		first--;
	if (first == last)
		return;
	end = r->t.at[last - 1].p + r->t.at[last - 1].len;
	for (size_t i = first; i < last; i++) {
		if (!trailing_at(r, arg, i, end, &v))
			continue;
		use_until(r, i, end);
		v.given = true;
		r->c->value[arg] = v;
		break;
	}
	r->head = unused(r, r->head);
}

/* ---- what is left ---- */

/* Unused text with the blanks as typed; a text that is wholly one quotation loses its quotes. */
static char *left_over(struct reading *r)
{
	size_t first = unused(r, 0), n = strlen(r->t.text), len;
	const char *value;
	char *out, *end;

	if (first < r->t.count && r->t.at[first].quoted && unused(r, first + 1) == r->t.count) {
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
		return at || d->flags & ARG_REQUIRED || due_without_text(r, d);
	if (due_without_text(r, d))
		return !at;
	return d->flags & ARG_REQUIRED && !(d->flags & ARG_ANYWHERE);
}

/* A value stood where it was due, but is none: say why, rather than that it is missing. */
static int refuse_wrong(struct reading *r, size_t args)
{
	size_t first = unused(r, 0);
	const struct token *t = &r->t.at[first];
	char word[TOKEN_WORD_MAX];
	struct str usage;

	for (size_t i = 0; i < args && first < r->t.count; i++) {
		const struct arg_def *d = def(r, i);
		struct arg_value v = { 0 };
		const char *why;

		if (given(r, i) || !attempts(r, d, t))
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
	call_refuse(r->c, "usage", "%s cannot do anything with \"%.*s%s\"; nothing was done. Usage: %s",
		r->c->op->name, (int)n, p, p[n] ? "…" : "", usage.p);
	return -EINVAL;
}

static int take_rest(struct reading *r, size_t args)
{
	const char *text;

	if (unused(r, 0) == r->t.count)
		return 0;
	text = left_over(r);
	for (size_t i = 0; i < args; i++)
		if (def(r, i)->type == ARG_REST && !(def(r, i)->flags & ARG_OPTION) && !given(r, i))
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
	rc = take_options(&r);
	if (rc < 0)
		return rc;
	r.head = unused(&r, 0);
	take_leading(&r, args);
	take_anywhere(&r, args);
	for (size_t i = 0; i < args; i++)
		if ((def(&r, i)->flags & ARG_TRAILING) && !given(&r, i))
			take_trailing(&r, i);
	rc = refuse_wrong(&r, args);
	return rc < 0 ? rc : take_rest(&r, args);
}
