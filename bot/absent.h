#ifndef BOT_ABSENT_H
#define BOT_ABSENT_H
/*
 * The adapter for what no other is there for: effects of systems that are not configured any more. They wait, as for a
 * system that is down.
 */
#include "adapters/adapter.h"

struct adapter *absent_create(const struct adapter_host *host); /* never NULL */

#endif
