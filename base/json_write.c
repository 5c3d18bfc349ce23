/* Writing. jansson's own formats an address for each object and array, to find loops. */
#include "base/json_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static void json_add_string(struct str *s, const char *p, size_t n)
{
	static const char short_for[32] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't' };
	const char *end = p + n, *plain = p;

	str_addc(s, '"');
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		str_addn(s, plain, (size_t)(p - plain));
		plain = p + 1;
		if (c >= ' ')
			str_addn(s, (char[]){ '\\', (char)c }, 2);
		else if (short_for[c])
			str_addn(s, (char[]){ '\\', short_for[c] }, 2);
		else
			str_addf(s, "\\u%04X", c);
	}
	str_addn(s, plain, (size_t)(p - plain));
	str_addc(s, '"');
}

static void json_add_object(struct str *s, const json_t *value)
{
	json_t *object = (json_t *)(uintptr_t)value; /* it is only read; jansson does not say so */
	bool more = false;

	str_addc(s, '{');
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		const char *key = json_object_iter_key(i);

		if (more)
			str_addc(s, ',');
		more = true;
		json_add_string(s, key, strlen(key));
		str_addc(s, ':');
		json_add(s, json_object_iter_value(i));
	}
	str_addc(s, '}');
}

static void json_add_array(struct str *s, const json_t *array)
{
	str_addc(s, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i)
			str_addc(s, ',');
		json_add(s, json_array_get(array, i));
	}
	str_addc(s, ']');
}

static void json_add_integer(struct str *s, json_int_t value)
{
	unsigned long long left = value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value;
	char digits[24], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + left % 10);
	while ((left /= 10));
	if (value < 0)
		*--p = '-';
	str_addn(s, p, (size_t)(digits + sizeof(digits) - p));
}

static void json_add_real(struct str *s, const json_t *real)
{
	char text[64];
	size_t n = json_dumpb(real, text, sizeof(text), JSON_ENCODE_ANY);

	str_addn(s, text, n < sizeof(text) ? n : sizeof(text));
}

void json_add(struct str *s, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		json_add_object(s, value);
		break;
	case JSON_ARRAY:
		json_add_array(s, value);
		break;
	case JSON_STRING:
		json_add_string(s, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		json_add_integer(s, json_integer_value(value));
		break;
	case JSON_REAL:
		json_add_real(s, value);
		break;
	case JSON_TRUE:
		str_add(s, "true");
		break;
	case JSON_FALSE:
		str_add(s, "false");
		break;
	case JSON_NULL:
		str_add(s, "null");
		break;
	}
}

char *json_text(struct arena *a, const json_t *value)
{
	struct str s;

	str_init_arena(&s, a, SIZE_MAX / 4);
	json_add(&s, value);
	if (s.cut)
		abort();
	return s.p;
}

char *json_text_new(const json_t *value)
{
	struct str s;

	str_init(&s, SIZE_MAX / 4);
	json_add(&s, value);
	return str_take(&s);
}

/* ---- without values ---------------------------------------------------------------------- */

/* What was put before was either opened, or named, or is complete and wants a comma behind it. */
static void json_next(struct str *s)
{
	char last = s->len ? s->p[s->len - 1] : '[';

	if (last != '[' && last != '{' && last != ':')
		str_addc(s, ',');
}

void json_put_begin(struct str *s, char bracket)
{
	json_next(s);
	str_addc(s, bracket);
}

void json_put_end(struct str *s, char bracket)
{
	str_addc(s, bracket);
}

void json_put_name(struct str *s, const char *name)
{
	json_next(s);
	str_addc(s, '"');
	str_add(s, name);
	str_addn(s, "\":", 2);
}

void json_put_stringn(struct str *s, const char *p, size_t n)
{
	json_next(s);
	json_add_string(s, p, n);
}

void json_put_string(struct str *s, const char *text)
{
	json_put_stringn(s, text, strlen(text));
}

void json_put_integer(struct str *s, int64_t value)
{
	json_next(s);
	json_add_integer(s, value);
}

void json_put_bool(struct str *s, bool value)
{
	json_next(s);
	str_add(s, value ? "true" : "false");
}

void json_put_value(struct str *s, const json_t *value)
{
	json_next(s);
	json_add(s, value);
}

void json_put_member(struct str *s, const char *name, const char *text)
{
	json_put_name(s, name);
	json_put_string(s, text);
}
