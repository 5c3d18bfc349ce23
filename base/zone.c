#include "base/zone.h"

#include <libical/ical.h>
#include <string.h>

#include "base/clock.h"

#define ZONE_NAME_MAX 63
#define ZONE_CACHE    64

/* Known and unknown names that were asked for; a new one takes the place of the oldest. libical
 * keeps the zones themselves for the life of the process. One for each thread: the config is loaded
 * again on the one that takes signals. */
static _Thread_local struct zone_entry {
	char name[ZONE_NAME_MAX + 1];
	icaltimezone *zone; /* NULL: unknown */
} cache[ZONE_CACHE];
static _Thread_local size_t cache_count, cache_next;

/* The name may come from outside, and libical makes a path of it. */
static bool zone_name_sane(const char *name)
{
	size_t n = strnlen(name, ZONE_NAME_MAX + 1);

	return n <= ZONE_NAME_MAX && name[0] != '/' && !strstr(name, "//") &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-") ==
		       n;
}

static icaltimezone *zone_find(const char *name)
{
	static _Thread_local size_t last;

	if (!name || !*name || strcmp(name, "UTC") == 0)
		return NULL;
	if (last < cache_count && strcmp(cache[last].name, name) == 0)
		return cache[last].zone;
	for (size_t i = 0; i < cache_count; i++) {
		if (strcmp(cache[i].name, name) != 0)
			continue;
		last = i;
		return cache[i].zone;
	}
	if (!zone_name_sane(name))
		return NULL;

	struct zone_entry *e = &cache[cache_next];

	last = cache_next;
	cache_next = (cache_next + 1) % ZONE_CACHE;
	if (cache_count < ZONE_CACHE)
		cache_count++;
	memcpy(e->name, name, strlen(name) + 1);
	e->zone = icaltimezone_get_builtin_timezone(name);
	return e->zone;
}

bool zone_known(const char *name)
{
	return name && (!*name || strcmp(name, "UTC") == 0 || zone_find(name));
}

/* Howard Hinnant's days_from_civil and civil_from_days (public domain): the proleptic Gregorian
 * calendar in eras of 400 years that begin on 1 March. */
static int64_t zone_days(int64_t y, int64_t m, int64_t d)
{
	y += (m - 1) / 12;
	m = (m - 1) % 12 + 1;
	if (m < 1) {
		m += 12;
		y--;
	}
	if (m <= 2)
		y--;

	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468 + (d - 1);
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static void zone_split(int64_t seconds, struct civil *out)
{
	int64_t days = floor_div(seconds, 86400);
	int64_t rest = seconds - days * 86400;
	int64_t z = days + 719468;
	int64_t era = floor_div(z, 146097);
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	out->day = (int)(doy - (153 * mp + 2) / 5 + 1);
	out->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	out->year = (int)(yoe + era * 400 + (out->month <= 2));
	out->hour = (int)(rest / 3600);
	out->minute = (int)(rest / 60 % 60);
	out->second = (int)(rest % 60);
	out->weekday = (int)(days - floor_div(days + 4, 7) * 7 + 4);
}

/* Rules of zones are asked for within these years only; libical would expand them year by year. */
#define ZONE_YEAR_FIRST 1970
#define ZONE_YEAR_LAST  2100

static int zone_offset_at(icaltimezone *zone, int64_t seconds)
{
	struct civil c;
	struct icaltimetype t = icaltime_null_time();

	if (!zone)
		return 0;
	zone_split(seconds, &c);
	t.year = c.year < ZONE_YEAR_FIRST ? ZONE_YEAR_FIRST :
		c.year > ZONE_YEAR_LAST ? ZONE_YEAR_LAST :
					  c.year;
	t.month = c.month;
	t.day = c.day;
	t.hour = c.hour;
	t.minute = c.minute;
	t.second = c.second;
	t.zone = icaltimezone_get_utc_timezone();
	return icaltimezone_get_utc_offset_of_utc_time(zone, &t, NULL);
}

int zone_offset(const char *zone, int64_t ms)
{
	return zone_offset_at(zone_find(zone), floor_div(ms, 1000));
}

void zone_civil(const char *zone, int64_t ms, struct civil *out)
{
	int64_t seconds = floor_div(ms, 1000);

	zone_split(seconds + zone_offset_at(zone_find(zone), seconds), out);
}

int64_t zone_ms(const char *name, const struct civil *local)
{
	icaltimezone *zone = zone_find(name);
	int64_t seconds = zone_days(local->year, local->month, local->day) * 86400 +
		(int64_t)local->hour * 3600 + (int64_t)local->minute * 60 + local->second;
	int before = zone_offset_at(zone, seconds - 86400);
	int after = zone_offset_at(zone, seconds + 86400);

	/* With the offset from before the change: the first of two, and forward over a gap. */
	if (before != after && zone_offset_at(zone, seconds - before) != before &&
		zone_offset_at(zone, seconds - after) == after)
		return (seconds - after) * 1000;
	return (seconds - before) * 1000;
}
