#include "base/zone.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/zone_file.h"

#define ZONE_NAME_MAX 63
#define ZONE_CACHE    64
#define ZONE_FOLDER   "/usr/share/zoneinfo"

/* Known and unknown names that were asked for; a new one takes the place of the oldest. One
 * for each thread, so that asking takes no lock. */
static _Thread_local struct zone_entry {
	char name[ZONE_NAME_MAX + 1];
	const struct zone_file *zone; /* NULL: unknown */
} cache[ZONE_CACHE];
static _Thread_local size_t cache_count, cache_next;

/* What was read is kept for the life of the process: there are some hundred zones, of which a few are in use. */
static struct zone_kept {
	char name[ZONE_NAME_MAX + 1];
	struct zone_file *zone;
	struct zone_kept *next;
} *kept;
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;

/* The name may come from outside, and becomes part of a path. */
static bool zone_name_sane(const char *name)
{
	size_t n = strnlen(name, ZONE_NAME_MAX + 1);

	return n <= ZONE_NAME_MAX && name[0] != '/' && !strstr(name, "//") &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-") ==
		       n;
}

static const struct zone_file *zone_read(const char *name)
{
	char path[sizeof(ZONE_FOLDER) + ZONE_NAME_MAX + 1];
	struct zone_kept *k = calloc(1, sizeof(*k));

	if (!k)
		abort();
	memcpy(k->name, name, strlen(name) + 1);
	snprintf(path, sizeof(path), ZONE_FOLDER "/%s", name);
	k->zone = zone_file_read(path);
	if (!k->zone) {
		free(k);
		return NULL;
	}
	k->next = kept;
	kept = k;
	return k->zone;
}

static const struct zone_file *zone_load(const char *name)
{
	const struct zone_file *zone;
	const struct zone_kept *k;

	pthread_mutex_lock(&kept_lock);
	for (k = kept; k && strcmp(k->name, name) != 0; k = k->next)
		;
	zone = k ? k->zone : zone_read(name);
	pthread_mutex_unlock(&kept_lock);
	return zone;
}

static const struct zone_file *zone_find(const char *name)
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
	e->zone = zone_load(name);
	return e->zone;
}

bool zone_known(const char *name)
{
	return name && (!*name || strcmp(name, "UTC") == 0 || zone_find(name));
}

/* Howard Hinnant's days_from_civil and civil_from_days (public domain): the proleptic Gregorian
 * calendar in eras of 400 years that begin on 1 March. */
int64_t zone_days(int64_t y, int64_t m, int64_t d)
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

void zone_split(int64_t seconds, struct civil *out)
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

static int zone_offset_at(const struct zone_file *zone, int64_t seconds)
{
	return zone ? zone_file_offset(zone, seconds) : 0;
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
	const struct zone_file *zone = zone_find(name);
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
