#ifndef BASE_LOG_H
#define BASE_LOG_H
/*
 * Structured log on stderr, one line an event, safe from both threads:
 *   time=2026-03-01T14:02:11.123Z level=info area=slack incident=42 msg="…"
 * Control characters are escaped; registered secrets are replaced by "[secret]".
 */
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);               /* default LOG_INFO */
/* Copied; shorter than 6 bytes are ignored. The last 256 that were named are known, which is more than a configuration has:
 * tokens that were replaced long ago are forgotten first. */
void log_secret(const char *secret);
/* incident: 0 when none. */
void log_line(enum log_level level, const char *area, int64_t incident, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#define log_error(area, ...) log_line(LOG_ERROR, area, 0, __VA_ARGS__)
#define log_warn(area, ...)  log_line(LOG_WARN, area, 0, __VA_ARGS__)
#define log_info(area, ...)  log_line(LOG_INFO, area, 0, __VA_ARGS__)
#define log_debug(area, ...) log_line(LOG_DEBUG, area, 0, __VA_ARGS__)

#endif
