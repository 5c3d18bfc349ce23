#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"

/* jansson without memory takes what is sound for malformed, and leaves members out of what it makes: a command would be
 * thrown away, a message go out empty. So it ends, as arenas do: what was acknowledged is on disk. */
static void *json_alloc(size_t size)
{
	void *p = malloc(size);

	if (!p && size) {
		fputs("sitrep: out of memory\n", stderr);
		abort();
	}
	return p;
}

/* Before the first value is made, in every program that this is part of. */
__attribute__((constructor)) static void json_memory(void)
{
	json_set_alloc_funcs(json_alloc, free);
}

const char *json_get_str(const json_t *obj, const char *key)
{
	return json_string_value(json_object_get(obj, key));
}

json_t *json_get_obj(const json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);

	return json_is_object(v) ? v : NULL;
}

json_t *json_get_arr(const json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);

	return json_is_array(v) ? v : NULL;
}

int64_t json_get_int(const json_t *obj, const char *key, int64_t otherwise)
{
	json_t *v = json_object_get(obj, key);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

bool json_get_bool(const json_t *obj, const char *key, bool otherwise)
{
	json_t *v = json_object_get(obj, key);

	return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

static json_t *json_step(json_t *v, const char *name)
{
	if (json_is_object(v))
		return json_object_get(v, name);
	if (!json_is_array(v) || !*name || strspn(name, "0123456789") != strlen(name) ||
		strlen(name) > 9)
		return NULL;
	return json_array_get(v, strtoul(name, NULL, 10));
}

json_t *json_at(json_t *root, const char *path)
{
	json_t *v = root;

	for (const char *p = path; v;) {
		char name[128];
		size_t n = strcspn(p, ".");

		if (n >= sizeof(name))
			return NULL;
		memcpy(name, p, n);
		name[n] = '\0';
		v = json_step(v, name);
		if (!p[n])
			break;
		p += n + 1;
	}
	return v;
}

/* ---- writing: jansson's own formats an address for each object and array, to find loops --- */

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

void json_cleanup(json_t **value)
{
	json_decref(*value);
	*value = NULL;
}
