#ifndef BASE_ZONE_H
#define BASE_ZONE_H
/* Local time in an IANA zone of the system's tzdata. */
#include <stdbool.h>
#include <stdint.h>

struct civil {
	int year, month, day;     /* month 1–12 */
	int hour, minute, second;
	int weekday;              /* 0 = Sunday */
};

bool zone_known(const char *name);                           /* "UTC" and "" are always known */
/* An unknown or NULL zone is UTC. */
void zone_civil(const char *zone, int64_t ms, struct civil *out);
int64_t zone_ms(const char *zone, const struct civil *local); /* a time in a DST gap moves forward; in an overlap the first */
/* Seconds east of UTC at that moment. */
int zone_offset(const char *zone, int64_t ms);

/* The calendar alone, before and after 1970. Days since 1970-01-01; m and d may lie outside of the year and the month. */
int64_t zone_days(int64_t y, int64_t m, int64_t d);
void zone_split(int64_t seconds, struct civil *out);

#endif
