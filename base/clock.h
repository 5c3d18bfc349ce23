#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
/*
 * One clock, injected. All times in the record are wall-clock milliseconds since the epoch (UTC).
 * Tests turn a manual clock; nothing else in the house asks the system for the time.
 */
#include <stdint.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

struct clock {
	int64_t (*now)(struct clock *clock); /* wall, ms */
	int64_t manual_ms;                   /* of a manual clock */
};

void clock_init_system(struct clock *clock);
void clock_init_manual(struct clock *clock, int64_t now_ms);
static inline int64_t clock_now(struct clock *clock)
{
	return clock->now(clock);
}
int64_t clock_monotonic_ms(void); /* for time-outs and pacing only, never stored */

#endif
