/* What a line names: --options and key:value pairs. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "commands/args_line.h"

#define KEY_MAX 24 /* bytes of a key in front of its colon */

/* "--name", or the one dash that a phone makes of two: what follows the dashes; sure: only an
 * option looks so. */
static const char *option_name(const struct token *t, bool *sure)
{
	static const char *const dashes[] = { "--", "\xE2\x80\x94", "\xE2\x80\x93",
		"\xE2\x80\x95" };

	if (t->quoted)
		return NULL;
	for (size_t i = 0; i < sizeof(dashes) / sizeof(*dashes); i++) {
		size_t n = strlen(dashes[i]);
		char next;

		if (t->len <= n || strncmp(t->p, dashes[i], n) != 0)
			continue;
		next = t->p[n];
		*sure = i == 0;
		return (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') ? t->p + n
										    : NULL;
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

	/* One that names an incident was cut out of the line long before. */
	if (text_equal_fold(typed, "incident")) {
		call_refuse(r->c, "usage",
			"--incident needs a number, as in --incident 42; nothing was done");
		return -EINVAL;
	}
	str_init_arena(&s, r->c->arena, 4000);
	for (const struct arg_def *d = r->c->op->args; d && d->name && !near; d++) {
		str_addf(&s, "%s--%s", any ? ", " : "; it has ", d->name);
		any = true;
	}
	if (near)
		str_addf(&s, ". Did you mean --%s?", near);
	call_refuse(r->c, "usage", "%s has no option --%s%s (nothing was done)", r->c->op->name,
		typed, s.len ? s.p : "");
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
static const char *option_value(struct reading *r, size_t token, const char *p,
	const struct arg_def *d, const char **value, size_t *len)
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
	bool no = len > 3 && text_prefix_fold("no-", name) &&
		  !text_prefix_fold("no-", reading_def(r, arg)->name);

	r->t.at[token].used = true;
	if (name[len] == '=')
		return take_text(r, arg, name + len + 1,
			r->t.at[token].len - (size_t)(name + len + 1 - r->t.at[token].p));
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
	reading_use(r, token, end);
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
	if (!d || strlen(d->name) > (size_t)(colon - t->p) || d->type == ARG_REST ||
		(d->flags & ARG_LONG))
		return 0;
	if (!(d->flags & ARG_OPTION) && !(r->c->op->flags & OP_READS))
		return 0;
	t->used = true;
	token_value(colon + 1, &r->open, &value, &len);
	if (len > (size_t)(t->p + t->len - value))
		len = (size_t)(t->p + t->len - value);
	return take_text(r, arg, value, len);
}

int options_take(struct reading *r)
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
