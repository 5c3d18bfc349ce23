/* json_parse: what it takes is within the caps, and says the same when written and read again. */
#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

static void check(const json_t *v, int depth)
{
	const char *key;
	json_t *item;
	size_t i;

	MUST(depth <= JSON_DEPTH_MAX);
	if (json_is_string(v))
		MUST(text_valid(json_string_value(v), json_string_length(v)));
	json_array_foreach(v, i, item)
		check(item, depth + 1);
	if (!json_is_object(v))
		return;
	/* jansson wants a mutable object to iterate over it */
	for (void *at = json_object_iter((json_t *)(uintptr_t)v); at;
		at = json_object_iter_next((json_t *)(uintptr_t)v, at)) {
		key = json_object_iter_key(at);
		MUST(text_valid(key, strlen(key)));
		check(json_object_iter_value(at), depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { 0 }, again = { 0 };
	json_t *v = NULL, *back = NULL;
	char *exact = size ? malloc(size) : NULL;

	if (size && !exact)
		abort();
	if (size)
		memcpy(exact, data, size);
	if (json_parse(exact, size, 1 << 16, &v, &err) < 0) {
		MUST(!v && err.code < 0 && err.text[0]);
		MUST(text_valid(err.text, strlen(err.text)));
		free(exact);
		return 0;
	}
	check(v, 0);
	json_at(v, "a.0.b");

	struct arena *a = arena_create(8u << 20);
	const char *text = json_text(a, v);

	MUST(json_parse(text, strlen(text), SIZE_MAX, &back, &again) == 0);
	MUST(json_equal(v, back));
	json_decref(back);
	json_decref(v);
	arena_destroy(a);
	free(exact);
	return 0;
}
