/* status_update_parse: nothing is said that was not typed, and the promise lies within what can be
 * typed. */
#include "base/arena.h"
#include "base/clock.h"
#include "incident/status_update.h"
#include "tests/fuzz/fuzz.h"

#define NOW INT64_C(1772375700000)

static size_t length(const char *s)
{
	MUST(!s || *s);
	return s ? strlen(s) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	struct arena *a = arena_create(8u << 20);
	struct status_update u;

	status_update_parse(a, text, "Europe/Berlin", NOW, &u);
	MUST(length(u.known) + length(u.unknown) + length(u.impact) + length(u.doing) +
			length(u.next) <=
		2 * strlen(text));
	MUST(u.next_at >= 0 - DAY_MS && u.next_at < INT64_C(32535216000000));
	arena_destroy(a);
	free(text);
	return 0;
}
