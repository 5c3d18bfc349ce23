#ifndef ADAPTERS_BACKLOG_H
#define ADAPTERS_BACKLOG_H
/*
 * Requests on their way to the core, in order; keeps those for which the queue has no room. Each
 * adapter has one. Outcomes are always accepted, for they must not be lost, and there are no more
 * of them than effects in flight. For what comes from outside: stop reading the source while
 * backlog_waiting().
 */
#include <stdbool.h>
#include <stddef.h>

#include "adapters/adapter.h"

struct backlog_item;
struct backlog {
	const struct adapter_host *host;
	struct backlog_item *first, *last;
	size_t count;
};

void backlog_init(struct backlog *b, const struct adapter_host *host);
void backlog_finish(struct backlog *b); /* destroys what is left; accepts a zeroed struct */

/* False: kept here for now; stop reading until backlog_flush says true. */
bool backlog_submit(struct backlog *b, struct request *take);
/* From resume(): true when nothing is left and reading may go on. */
bool backlog_flush(struct backlog *b);
static inline bool backlog_waiting(const struct backlog *b)
{
	return b->count != 0;
}

#endif
