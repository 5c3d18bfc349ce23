/* Structured arguments (buttons, forms, ctl) and what lines share with them: finding, taking,
 * completeness. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "commands/reading.h"

#define VALUE_BYTES_MAX 65536 /* of one structured value */

size_t arg_count(const struct operation *op)
{
	size_t n = 0;

	while (op->args && op->args[n].name)
		n++;
	return n;
}

static bool is_word(const char *name, const char *p, size_t len)
{
	return strlen(name) == len && strncasecmp(name, p, len) == 0;
}

static bool is_synonym(const struct arg_def *d, const char *p, size_t len)
{
	for (const char *s = d->synonyms; s && *s;) {
		size_t n = strcspn(s, " ");

		if (n == len && strncasecmp(s, p, len) == 0)
			return true;
		s += n + (s[n] == ' ');
	}
	return false;
}

/* Exact name, synonym, "no-" before a flag, else the unique beginning of a name. */
const struct arg_def *arg_find(
	const struct operation *op, const char *name, size_t len, size_t *index)
{
	const struct arg_def *prefix = NULL;
	size_t several = 0;

	for (const struct arg_def *d = op->args; d && d->name; d++) {
		bool no = d->type == ARG_FLAG && len > 3 && !strncasecmp(name, "no-", 3);

		if (is_word(d->name, name, len) || is_synonym(d, name, len) ||
			(no && (is_word(d->name, name + 3, len - 3) ||
				       is_synonym(d, name + 3, len - 3)))) {
			*index = (size_t)(d - op->args);
			return d;
		}
		if (len >= 2 && len < strlen(d->name) && strncasecmp(name, d->name, len) == 0) {
			prefix = d;
			several++;
		}
	}
	if (several != 1)
		return NULL;
	*index = (size_t)(prefix - op->args);
	return prefix;
}

void call_understood(struct call *c, const char *fmt, ...)
{
	va_list ap;
	const char *more;

	va_start(ap, fmt);
	more = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	c->understood =
		c->understood ? arena_printf(c->arena, "%s · %s", c->understood, more) : more;
}

static void refuse_value(struct call *c, const struct arg_def *d, const char *why)
{
	/* At its field the reason is enough; elsewhere it also says that nothing happened. */
	if (c->request->from_form)
		call_refuse_arg(c, d->name, "%s", why);
	else
		call_refuse_arg(c, d->name, "%s; nothing was done", why);
}

/* One more of several: the limit holds for all of them together. */
static int take_more(struct call *c, const struct arg_def *d, struct arg_value *v, const char *text)
{
	struct arg_value all = { 0 };
	const char *why = value_read(c, d, arena_printf(c->arena, "%s,%s", v->text, text), &all);

	if (why) {
		refuse_value(c, d, why);
		return -EINVAL;
	}
	*v = all;
	return 0;
}

int arg_take(struct call *c, size_t index, const char *text)
{
	const struct arg_def *d = &c->op->args[index];
	struct arg_value *v = &c->value[index], read = { 0 };
	const char *why = value_read(c, d, text, &read);

	if (why) {
		refuse_value(c, d, why);
		return -EINVAL;
	}
	if (!v->given || d->type == ARG_FLAG) {
		*v = read;
		return 0;
	}
	if (d->flags & ARG_MANY)
		return take_more(c, d, v, read.text);
	if (v->number == read.number && strcmp(v->text, read.text) == 0)
		return 0;
	call_refuse_arg(c, d->name, "%s is said twice, as \"%s\" and as \"%s\"; nothing was done",
		arg_label(c->arena, d), v->text, read.text);
	return -EINVAL;
}

/* A JSON value as the text that a person would have typed; NULL: cannot be one. "": nothing. */
static const char *json_as_text(struct call *c, const json_t *v)
{
	struct str s;
	size_t i;
	json_t *item;

	switch (json_typeof(v)) {
	case JSON_STRING:
		return text_clean(c->arena, json_string_value(v), json_string_length(v),
			VALUE_BYTES_MAX, true);
	case JSON_INTEGER:
		return arena_printf(c->arena, "%lld", (long long)json_integer_value(v));
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NULL:
		return "";
	case JSON_ARRAY:
		str_init_arena(&s, c->arena, VALUE_BYTES_MAX);
		json_array_foreach(v, i, item) {
			if (!json_is_string(item))
				return NULL;
			str_addf(&s, "%s%s", i ? "," : "", json_string_value(item));
		}
		return text_clean(c->arena, s.p ? s.p : "", s.len, VALUE_BYTES_MAX, true);
	case JSON_OBJECT:
	case JSON_REAL:
		break;
	}
	return NULL;
}

static int take_json(struct call *c, const char *key, const json_t *value)
{
	bool internal = c->op->flags & OP_INTERNAL;
	const char *text = json_as_text(c, value);
	size_t index = 0;
	const struct arg_def *d = arg_find(c->op, key, strlen(key), &index);

	if (!d || strlen(d->name) > strlen(key)) {
		if (internal)
			return 0; /* the operation reads its own structures */
		call_refuse(c, "usage", "%s takes nothing called \"%.*s\"; nothing was done",
			c->op->name, 40, key);
		return -EINVAL;
	}
	if (!text) {
		refuse_value(c, d,
			arena_printf(c->arena, "“%s” must be a text", arg_label(c->arena, d)));
		return -EINVAL;
	}
	return *text ? arg_take(c, index, text) : 0;
}

int args_from_json(struct call *c, const json_t *args)
{
	const char *key;
	json_t *value;
	int rc = 0;

	/* jansson's iteration takes the object without const, and does not change it. */
	json_object_foreach((json_t *)(uintptr_t)args, key, value) {
		rc = take_json(c, key, value);
		if (rc < 0)
			break;
	}
	return rc;
}

static void refuse_missing(struct call *c, const struct arg_def *d)
{
	struct str usage;

	if (c->request->from_form) {
		call_refuse_arg(c, d->name, "Please say this: %s",
			d->help ? d->help : arg_label(c->arena, d));
		return;
	}
	str_init_arena(&usage, c->arena, 3000);
	usage_short(&usage, c->op);
	if (c->op->example)
		str_addf(&usage, "\nFor example: %s", c->op->example);
	call_refuse_arg(c, d->name, "%s needs “%s”; nothing was done. Usage: %s", c->op->name,
		arg_label(c->arena, d), usage.p);
}

int args_complete(struct call *c)
{
	for (size_t i = 0; i < arg_count(c->op); i++) {
		if (!(c->op->args[i].flags & ARG_REQUIRED) || c->value[i].given)
			continue;
		refuse_missing(c, &c->op->args[i]);
		return -EINVAL;
	}
	return 0;
}
