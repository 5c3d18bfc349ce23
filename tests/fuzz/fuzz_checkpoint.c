/* checkpoint_parse: nothing is said that was not typed, and the next decision lies within what can
 * be typed. */
#include "base/arena.h"
#include "base/clock.h"
#include "incident/checkpoint.h"
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
	STR_CLEANUP struct str missing;
	struct checkpoint c;

	checkpoint_parse(a, text, "Europe/Berlin", NOW, &c);
	MUST(length(c.situation) + length(c.hypothesis) + length(c.impact) + length(c.in_flight) +
			length(c.decision) + length(c.cadence) <=
		2 * strlen(text));
	MUST(c.next_decision_at >= -DAY_MS && c.next_decision_at < INT64_C(32535216000000));
	str_init(&missing, 200);
	checkpoint_missing(&c, &missing);
	MUST(!missing.cut);
	arena_destroy(a);
	free(text);
	return 0;
}
