#ifndef ADAPTERS_JIRA_RELAY_H
#define ADAPTERS_JIRA_RELAY_H
/*
 * The connection with a webhook relay: deliveries come by it as they would by HTTP (relay_frame.h),
 * so that no port has to be open.
 *
 *   WAITING ──► CONNECTING ──upgrade──► STARTING ──its "start"──► SERVING
 *      ▲            │                       │                        │
 *      └────────────┴────────closed─────────┴────────────────────────┘
 *
 * Each connection has a generation, a number that is never used again. An event is answered on the
 * connection that brought it or not at all: the relay delivers again what was not answered. Nothing
 * is remembered of events here; one that comes twice is handed on twice, and its webhook identifier
 * makes the core give the same answer again. (The relay's own ids are no keys: they may begin anew
 * when it restarts.)
 *
 * The relay vouches for what it brings, since it knew our token; with a webhook secret an event must
 * be signed as well (hook.h).
 *
 * What fails is tried again, soon at first, then every 30 s. What only the operator can mend (the
 * token is refused or used by somebody else, another version) is said once and tried every five
 * minutes.
 */
#include <stdbool.h>
#include <stdint.h>

#include "adapters/jira/hook.h"

struct io;
struct relay;

struct relay_options {
	struct io *io;
	const char *url;     /* ws:// or wss:// */
	const char *token;
	const char *ca_file; /* NULL: the system's */
	int64_t ping_ms, dead_ms, start_ms; /* 0: 15 s, 40 s, 10 s */
	/* hook and id last until it returns. Wants one relay_answer, from here or later. */
	void (*on_event)(void *ctx, int64_t generation, const char *id, const struct hook *hook);
	void *ctx;
};

/* Options are copied. Never NULL. */
struct relay *relay_create(const struct relay_options *options);
void relay_start(struct relay *r);
/* From the adapter's stop: no on_event any more; what is answered just before still goes out. */
void relay_stop(struct relay *r);
void relay_destroy(struct relay *r); /* after io_run; accepts NULL */

/* status: as of HTTP. -ENOTCONN: that connection is gone, and the relay will deliver again. When the
 * relay does not take answers any more (-ENOBUFS) the connection is given up for the same end. */
int relay_answer(struct relay *r, int64_t generation, const char *id, int status);

/* Back-pressure: the relay is left waiting. Holds across connections. */
void relay_pause(struct relay *r);
void relay_resume(struct relay *r);

bool relay_serving(const struct relay *r);

/* How long to wait before try number `failures` (1 = the first after a failure), without jitter,
 * ms. */
int64_t relay_backoff(bool fatal, int failures);

#endif
