#ifndef ADAPTERS_SLACK_SOCKET_MODE_H
#define ADAPTERS_SLACK_SOCKET_MODE_H
/*
 * The WebSockets with Slack. Each has a generation, a number that is never used again: whoever
 * speaks of a connection names its generation, so that a late word about an old one cannot touch a
 * new one.
 *
 *   ASKING ──url──► CONNECTING ──upgrade──► GREETING ──hello──► READY ──disconnect──► LEAVING
 *     └────────────────┴────────────────────────┴─────────────────┴──────closed──────────┴──► gone
 *
 * The happy path of a refresh is: disconnect(warning or refresh_requested) → the old one is
 * LEAVING: still read and acked on, one envelope at a time, so that no ack comes after the close; a
 * new one is opened at once; the old one goes when Slack closes it, or LEAVING_MS after the new
 * hello. What fails is tried again, soon at first, then every 30 s;
 * what only the operator can mend is said once and tried every five minutes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/slack/envelope.h"
#include "adapters/slack/web.h"

#define SOCKETS_MAX 10 /* that Slack allows an app */

struct io;
struct socket_mode;

struct socket_mode_options {
	struct io *io;
	struct web *web; /* must outlast it */
	const char *ca_file;
	int connections;	   /* to hold, 1–4 */
	int64_t (*now)(void *ctx); /* wall, ms: received_at */
	/* An envelope that is neither hello nor disconnect; its request is the taker's, and asks
	 * for one socket_mode_answered. */
	void (*on_envelope)(void *ctx, int64_t generation, struct envelope *e);
	void *ctx;
};

struct socket_mode *socket_mode_create(const struct socket_mode_options *options);
void socket_mode_start(struct socket_mode *sm);
void socket_mode_stop(struct socket_mode *sm);	  /* from the adapter's stop */
void socket_mode_destroy(struct socket_mode *sm); /* after io_run; accepts NULL */

/* One text frame on the connection of that generation; -ENOTCONN when it is gone. */
int socket_mode_send(struct socket_mode *sm, int64_t generation, const char *p, size_t n);
/* A request of that generation is answered, its ack sent if it gets one. */
void socket_mode_answered(struct socket_mode *sm, int64_t generation);
void socket_mode_pause(struct socket_mode *sm);
void socket_mode_resume(struct socket_mode *sm);
/* Some connection had its hello and is open. */
bool socket_mode_ready(const struct socket_mode *sm);

/* How long to wait before try number `failures` (1 = the first after a failure), without jitter,
 * ms. */
enum socket_failure { FAILURE_NETWORK, FAILURE_SAID, FAILURE_CROWDED, FAILURE_FATAL };
int64_t socket_mode_backoff(enum socket_failure kind, int failures);

#endif
