/* json_parse and jansson's own parser are of one mind: the same is refused, the same is read. But for the
 * depth, and NUL bytes, which jansson skips behind a number or a word. */
#include "base/json.h"
#include "tests/fuzz/fuzz.h"

/* Deeper than json_parse goes: jansson goes on. Only brackets outside of strings count. */
static int depth_of(const json_t *v)
{
	int most = 0, depth;
	json_t *item;
	size_t i;

	json_array_foreach(v, i, item) {
		depth = depth_of(item);
		most = depth > most ? depth : most;
	}
	if (json_is_object(v))
		for (void *at = json_object_iter((json_t *)(uintptr_t)v); at;
			at = json_object_iter_next((json_t *)(uintptr_t)v, at)) {
			depth = depth_of(json_object_iter_value(at));
			most = depth > most ? depth : most;
		}
	return json_is_object(v) || json_is_array(v) ? most + 1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = size ? malloc(size) : NULL;
	struct error err = { 0 };
	json_error_t why;
	json_t *ours, *theirs;
	int rc;

	if (!size)
		return 0;
	if (!exact)
		abort();
	memcpy(exact, data, size);
	rc = json_parse(exact, size, SIZE_MAX, &ours, &err);
	theirs = json_loadb(exact, size, JSON_REJECT_DUPLICATES, &why);
	MUST((rc == 0) == (ours != NULL));
	MUST(!ours || theirs);
	MUST(!theirs || ours || depth_of(theirs) > JSON_DEPTH_MAX || memchr(exact, '\0', size));
	if (ours) {
		/* the order of names too */
		char *a = json_text_new(ours), *b = json_text_new(theirs);

		MUST(json_equal(ours, theirs));
		MUST(strcmp(a, b) == 0);
		MUST(depth_of(ours) <= JSON_DEPTH_MAX);
		free(a);
		free(b);
	}
	json_decref(ours);
	json_decref(theirs);
	free(exact);
	return 0;
}
