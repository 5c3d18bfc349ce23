#ifndef BOT_CORE_H
#define BOT_CORE_H
/*
 * The core: owns the store and the rules, never waits for the network (docs/DESIGN.md §2). One short
 * loop: take what waits, run it in one transaction, commit, hand out replies and effects.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "config/config.h"
#include "incident/request.h"

struct core;

/* Called by the core's thread after the commit; both take over. */
struct core_hooks {
	void (*answer)(void *ctx, struct answer *take);
	void (*perform)(void *ctx, struct effect *take);
	void (*handed_out)(void *ctx); /* once after a batch's answers and effects */
	void (*room)(void *ctx);       /* the queue was full and has room again */
	void *ctx;
};

/* Opens and migrates the store, recovers what was under way. Holds config. For tests and benchmarks: the bot takes the two steps. */
int core_create(struct core **out, struct config *config, struct clock *clock,
	const struct core_hooks *hooks, struct error *err);
/* The same in two steps. After the first, requests may be submitted, and wait; *older as for store_claim. The second one is
 * the thread's that will call core_run; once it is done it does nothing. It must not fail before core_run or core_turn. */
int core_claim(struct core **out, struct config *config, struct clock *clock,
	const struct core_hooks *hooks, bool *older, struct error *err);
int core_open(struct core *c, struct error *err);
/* The loop must have ended. Closes the store; requests still queued are destroyed. */
void core_destroy(struct core *c);

/* Any thread. False: full (or ending), the request stays the caller's. */
bool core_submit(struct core *c, struct request *take);
bool core_idle(struct core *c); /* opened, nothing queued, nothing being worked on */
uint64_t core_turns(const struct core *c); /* any thread: how many have ended; a core that works moves on */
/* A new configuration, held by the core from its next batch on. */
void core_reconfigure(struct core *c, struct config *take);

/* One turn without sleeping; how long the core may sleep now, ms. For tests and for core_run. */
int64_t core_turn(struct core *c);
void core_run(struct core *c); /* until core_end, and then until the queue is empty */
void core_end(struct core *c);

struct store *core_store(struct core *c); /* for tests that look at the record */

#endif
