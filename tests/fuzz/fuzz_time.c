/* Durations, times and zones. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/str.h"
#include "base/zone.h"
#include "base/zone_file.h"
#include "tests/fuzz/fuzz.h"

#define NOW INT64_C(1772375700000)

/* ---- as people write them ---------------------------------------------------------------- */

/* Bounded results, prefixes inside of the text, and what is shown can be typed. */
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

static void typed(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);

	check_duration(text);
	check_time(text, "UTC", false);
	check_time(text, "Europe/Berlin", true);
	check_time(text, "America/New_York", false);
	free(text);
}

/* ---- in any zone ------------------------------------------------------------------------- */

/* A moment is the same moment after a look at the wall clock there, but in the hour that comes twice. */
static void check_round(const char *zone, int64_t ms)
{
	struct civil at;
	int64_t back;

	zone_civil(zone, ms, &at);
	MUST(at.month >= 1 && at.month <= 12 && at.day >= 1 && at.day <= 31 && at.weekday >= 0 && at.weekday <= 6);
	MUST(at.hour >= 0 && at.hour <= 23 && at.minute >= 0 && at.minute <= 59 && at.second >= 0 && at.second <= 60);
	MUST(abs(zone_offset(zone, ms)) <= 26 * 3600);
	back = zone_ms(zone, &at);
	MUST(back <= ms && ms - back < DAY_MS + SECOND_MS);
	MUST(zone_offset(zone, back) != zone_offset(zone, ms) || back == ms - ms % 1000);
}

/* "14:32 Europe/Berlin": a time, and behind its last blank the zone. */
static void zoned(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size), *zone = strrchr(text, ' ');
	int64_t ms;

	if (zone) {
		*zone++ = '\0';
		check_time(text, zone, true);
		check_time(text, zone, false);
		if (zone_known(zone) && time_parse(text, zone, NOW, true, &ms) && ms >= 0)
			check_round(zone, ms);
	}
	free(text);
}

/* ---- as machines write them -------------------------------------------------------------- */

static void stamp(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	STR_CLEANUP struct str iso;
	int64_t ms, again;

	str_init(&iso, 64);
	if (time_stamp_parse(text, &ms)) {
		time_format_iso(&iso, ms);
		MUST(time_stamp_parse(iso.p, &again) && again == ms - ms % 1000);
	}
	free(text);
}

/* ---- zones of the system ----------------------------------------------------------------- */

/* Any file: no zone, or one that knows an offset for every moment. */
static void zone_file(const uint8_t *data, size_t size)
{
	static const int64_t moments[] = { INT64_C(-62135596800), -1, 0, 1772375700, INT64_C(4102444800), INT64_C(32535216000) };
	int fd = memfd_create("zone", MFD_CLOEXEC);
	struct zone_file *z;
	char path[64];

	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	z = zone_file_read(path);
	close(fd);
	for (size_t i = 0; z && i < sizeof(moments) / sizeof(*moments); i++) {
		int offset = zone_file_offset(z, moments[i]);

		MUST(offset >= -168 * 3600 && offset <= 168 * 3600);
	}
	zone_file_destroy(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static fuzz_part *const part[] = { typed, zoned, stamp, zone_file };

	fuzz_choose("dzsf", part, data, size);
	return 0;
}
