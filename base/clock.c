#include "base/clock.h"

#include <time.h>

static int64_t clock_read(clockid_t id)
{
	struct timespec ts = { 0 };

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t clock_system_now(struct clock *clock)
{
	(void)clock;
	return clock_read(CLOCK_REALTIME);
}

static int64_t clock_manual_now(struct clock *clock)
{
	return __atomic_load_n(&clock->manual_ms, __ATOMIC_RELAXED);
}

void clock_init_system(struct clock *clock)
{
	*clock = (struct clock){ .now = clock_system_now };
}

void clock_init_manual(struct clock *clock, int64_t now_ms)
{
	*clock = (struct clock){ .now = clock_manual_now, .manual_ms = now_ms };
}

int64_t clock_monotonic_ms(void)
{
	return clock_read(CLOCK_MONOTONIC);
}
