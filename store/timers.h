#ifndef STORE_TIMERS_H
#define STORE_TIMERS_H
/* A timer is a request that waits: an operation with arguments and a due time, stored and indexed. */
#include "store/store.h"

struct timer {
	int64_t due_at;        /* ms */
	const char *name;      /* unique with `incident` and `subject`: arming again moves it */
	int64_t incident;      /* 0 = none */
	int64_t subject;       /* what it is about, where one incident has several; 0 */
	const char *operation; /* internal operation that runs */
	const char *args;      /* JSON object text; NULL */
};

int timer_arm(struct store *s, const struct timer *t, struct error *err); /* upsert by (name, incident, subject) */
int timer_disarm(struct store *s, const char *name, int64_t incident, int64_t subject, struct error *err); /* absent is fine */
/* The clock was set back: what comes every so often (it is of no incident) comes as soon as it would have. What was
 * promised to people for a time stays at that time. */
int timer_set_back(struct store *s, int64_t by_ms, int64_t now, struct error *err);
/* Due at `now`, earliest first, at most max. Strings on the arena. */
int timer_due(struct store *s, struct arena *a, int64_t now, int max, struct timer **out, size_t *count, struct error *err);
int timer_next(struct store *s, int64_t *due_at, struct error *err); /* 0 when none is armed */
/* What is armed for one incident (0: for none). For tests. */
int timer_list(struct store *s, struct arena *a, int64_t incident, struct timer **out, size_t *count, struct error *err);

#endif
