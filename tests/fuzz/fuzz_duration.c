/* Durations and times: bounded results, prefixes inside of the text, and what is shown can be
 * typed. */
#include "base/clock.h"
#include "base/duration.h"
#include "base/str.h"
#include "tests/fuzz/fuzz.h"

#define NOW INT64_C(1772375700000)

static void check_duration(const char *text)
{
	int64_t ms = 0, again = 0;
	size_t n = duration_prefix(text, &ms);

	MUST(n <= strlen(text));
	MUST(n == 0 || (ms > 0 && ms <= 366 * DAY_MS));
	if (!duration_parse(text, &ms))
		return;
	MUST(ms > 0 && ms <= 366 * DAY_MS);

	STR_CLEANUP struct str shown;

	str_init(&shown, 64);
	duration_format(&shown, ms);
	MUST(!shown.cut);
	if (ms >= SECOND_MS)
		MUST(duration_parse(shown.p, &again));
}

static void check_time(const char *text, const char *zone, bool past)
{
	int64_t ms = 0, again = 0;
	size_t n = time_prefix(text, zone, NOW, past, &ms);

	MUST(n <= strlen(text));
	if (!time_parse(text, zone, NOW, past, &ms))
		return;
	MUST(ms > -2 * DAY_MS && ms < INT64_C(32535216000000)); /* 1970 to 3000 */

	STR_CLEANUP struct str iso, shown;

	str_init(&iso, 64);
	str_init(&shown, 64);
	time_format(&shown, ms, NOW, zone, true);
	MUST(!shown.cut && shown.len >= 9);
	time_format_iso(&iso, ms);
	if (ms >= 0 && ms < INT64_C(32503680000000)) {
		MUST(time_parse(iso.p, zone, NOW, past, &again));
		MUST(again == ms - ms % 1000);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);

	check_duration(text);
	check_time(text, "UTC", false);
	check_time(text, "Europe/Berlin", true);
	check_time(text, "America/New_York", false);
	free(text);
	return 0;
}
