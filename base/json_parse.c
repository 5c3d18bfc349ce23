/*
 * Text → jansson's values. jansson's own parser takes ten times as long, byte by byte through a
 * callback; this one refuses what that one refuses (tests/fuzz/fuzz_json.c), what is deeper
 * than JSON_DEPTH_MAX, and NUL bytes between the words.
 */
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_lex.h"

static json_t *parse_value(struct json_lex *l, int depth);

static void *fail(struct json_lex *l, const char *fault)
{
	json_lex_fail(l, fault);
	return NULL;
}

static json_t *must(json_t *made)
{
	if (!made)
		abort();
	return made;
}

/* A name with escapes in it would be overwritten by the strings of its value. */
static char *name_keep(struct json_lex_string *name)
{
	char *own;

	if (!name->escaped)
		return NULL;
	own = malloc(name->n + 1);
	if (!own)
		abort();
	memcpy(own, name->p, name->n);
	name->p = own;
	return own;
}

static bool parse_member(struct json_lex *l, json_t *object, int depth)
{
	size_t before = json_object_size(object);
	struct json_lex_string name;
	const char *at;
	json_t *value;
	char *own;

	json_lex_blanks(l);
	at = l->p;
	if (!json_lex_string(l, &name))
		return false;
	own = name_keep(&name);
	value = json_lex_sign(l, ':') ? parse_value(l, depth) : fail(l, "':' is missing");
	if (value && json_object_setn_new_nocheck(object, name.p, name.n, value))
		abort();
	free(own);
	if (!value)
		return false;
	if (json_object_size(object) > before)
		return true;
	l->p = at;
	return json_lex_fail(l, "a name that was there already");
}

static json_t *parse_object(struct json_lex *l, int depth)
{
	json_t *object = must(json_object());

	if (json_lex_sign(l, '}'))
		return object;
	do {
		if (!parse_member(l, object, depth)) {
			json_decref(object);
			return NULL;
		}
	} while (json_lex_sign(l, ','));
	if (json_lex_sign(l, '}'))
		return object;
	json_decref(object);
	return fail(l, "',' or '}' is missing");
}

static json_t *parse_array(struct json_lex *l, int depth)
{
	json_t *array = must(json_array());

	if (json_lex_sign(l, ']'))
		return array;
	do {
		json_t *item = parse_value(l, depth);

		if (!item) {
			json_decref(array);
			return NULL;
		}
		if (json_array_append_new(array, item))
			abort();
	} while (json_lex_sign(l, ','));
	if (json_lex_sign(l, ']'))
		return array;
	json_decref(array);
	return fail(l, "',' or ']' is missing");
}

static json_t *parse_string(struct json_lex *l)
{
	struct json_lex_string s;

	return json_lex_string(l, &s) ? must(json_stringn_nocheck(s.p, s.n)) : NULL;
}

static json_t *parse_number(struct json_lex *l)
{
	struct json_lex_number n;
	json_t *real;

	if (!json_lex_number(l, &n))
		return NULL;
	if (n.integer)
		return must(json_integer(n.value));
	/* Seldom, and not to be had simply: rounding, and what is too large. */
	real = json_loadb(n.p, n.n, JSON_DECODE_ANY, NULL);
	return real ? real : fail(l, "a number that is too large");
}

static json_t *parse_nested(struct json_lex *l, int depth)
{
	if (depth == JSON_DEPTH_MAX)
		return fail(l, "nested too deep");
	return *l->p++ == '{' ? parse_object(l, depth + 1) : parse_array(l, depth + 1);
}

static json_t *parse_value(struct json_lex *l, int depth)
{
	json_lex_blanks(l);
	switch (l->p < l->end ? *l->p : '\0') {
	case '{':
	case '[':
		return parse_nested(l, depth);
	case '"':
		return parse_string(l);
	case 't':
		return json_lex_word(l, "true", 4) ? json_true() : NULL;
	case 'f':
		return json_lex_word(l, "false", 5) ? json_false() : NULL;
	case 'n':
		return json_lex_word(l, "null", 4) ? json_null() : NULL;
	default:
		return parse_number(l);
	}
}

static json_t *parse_document(struct json_lex *l)
{
	json_t *value;

	json_lex_blanks(l);
	if (l->p == l->end || (*l->p != '{' && *l->p != '['))
		return fail(l, "'{' or '[' is missing");
	value = parse_value(l, 0);
	if (!value)
		return NULL;
	json_lex_blanks(l);
	if (l->p == l->end)
		return value;
	json_decref(value);
	return fail(l, "something behind the end");
}

static int parse_refuse(const struct json_lex *l, struct error *err)
{
	int line, column;

	json_lex_place(l, &line, &column);
	return error_set(err, -EINVAL, "line %d column %d: %s", line, column, l->fault);
}

int json_parse(const char *p, size_t n, size_t max_bytes, json_t **out, struct error *err)
{
	struct json_lex l;
	int rc = 0;

	*out = NULL;
	if (n > max_bytes)
		return error_set(err, -EMSGSIZE, "%zu bytes of JSON, at most %zu are taken", n,
			max_bytes);
	json_lex_init(&l, n ? p : "", n);
	*out = parse_document(&l);
	if (!*out)
		rc = parse_refuse(&l, err);
	json_lex_finish(&l);
	return rc;
}
