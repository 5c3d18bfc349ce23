#ifndef BASE_DURATION_H
#define BASE_DURATION_H
/* Durations and times of day as people write them (FEATURES A3). Pure. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str;

/* "30m", "1h30", "1h 30m", "90 min", "2 days", "45s", "1.5h", "an hour"; bare "30" means minutes. Whole text must match. False: not a duration, or
 * not within 0 < d ≤ 366 days. */
bool duration_parse(const char *text, int64_t *ms);
/* Length in bytes of the duration that text starts with, 0 when none: for finding one inside a sentence. */
size_t duration_prefix(const char *text, int64_t *ms);
/* "45 s", "12 min", "1 h 05", "2 d 3 h": never more than two units. */
void duration_format(struct str *out, int64_t ms);
/* "17:00", "5pm", "17.30", "tomorrow 9:00", "mon 9:00", "2026-03-01 14:00", ISO 8601 with or without offset, "14:05:09 UTC".
 * Without an offset it is meant in zone. `past`: a bare time of day is the latest one not after now; otherwise the next one after now. Whole text must match. */
bool time_parse(const char *text, const char *zone, int64_t now_ms, bool past, int64_t *ms);
/* Length of the time that text starts with, 0 when none ("14:05 deploy started" → 5). */
size_t time_prefix(const char *text, const char *zone, int64_t now_ms, bool past, int64_t *ms);
/* A time as machines write it: ISO 8601 with date, time and offset ("2019-02-15T19:11:18.321-0800"), and nothing else. */
bool time_stamp_parse(const char *text, int64_t *ms);
/* "14:35" on the same day in zone as now, else "Tue 14:35" within 6 days, else "2026-03-01 14:35"; with " UTC" or the zone's offset added if with_zone. */
void time_format(struct str *out, int64_t ms, int64_t now_ms, const char *zone, bool with_zone);
void time_format_iso(struct str *out, int64_t ms); /* 2026-03-01T14:35:00Z */

#endif
