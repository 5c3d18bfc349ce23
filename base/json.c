#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void json_cleanup(json_t **value)
{
	json_decref(*value);
	*value = NULL;
}
