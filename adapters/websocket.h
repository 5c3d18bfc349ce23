#ifndef ADAPTERS_WEBSOCKET_H
#define ADAPTERS_WEBSOCKET_H
/*
 * A WebSocket client. I/O thread only.
 *
 * The happy path is: websocket_open → on_open → on_message … → websocket_close or the peer closes
 * → on_close. Whatever else happens (no such name, refused, no upgrade, TLS refused, no pong,
 * protocol error, io_stop), exactly one on_close comes, always last and always from the loop, never
 * from inside a function called here. The websocket belongs to this module: after on_close returned
 * the pointer is dead. It does not reconnect; whoever owns the connection decides when and whether
 * to open another.
 *
 * It connects directly, whatever http_proxy in the environment says.
 *
 * Pings go out every ping_ms; without any pong for dead_ms the connection is given up. A message
 * that is too long, or text that is no UTF-8, costs that message (on_bad_message), not the
 * connection.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct io;
struct websocket;

struct websocket_options {
	const char *url;     /* ws:// or wss://, may carry a secret: never logged beyond its host */
	const char *ca_file; /* PEM, trusted besides the system's; NULL: those alone */
	int64_t connect_timeout_ms; /* name, every address, TLS and upgrade together; 0: 10 s */
	int64_t ping_ms;            /* 0: 5 s */
	int64_t dead_ms;            /* no pong for so long; 0: 15 s */
	size_t message_max;         /* of one message received, bytes; 0: 1 MiB */
	size_t queue_max;           /* bytes waiting to be sent; 0: 1 MiB */
};

/* No codes on the wire, told by on_close. */
#define WEBSOCKET_NO_CODE 1006

/* NULL members are left out. All may call any function here on the same websocket. */
struct websocket_events {
	void (*on_open)(void *ctx);
	/* p[n] is NUL; gone after the call. */
	void (*on_message)(void *ctx, const char *p, size_t n, bool binary);
	void (*on_bad_message)(void *ctx, const char *why);
	void (*on_pong)(void *ctx, int64_t round_trip_ms);
	/* code: what the peer sent (RFC 6455 §7.4), or what websocket_close was called with, else
	 * WEBSOCKET_NO_CODE. reason: for people and the log, never empty. opened: on_open had
	 * run. */
	void (*on_close)(void *ctx, int code, const char *reason, bool opened);
	void *ctx;
};

/* Options and events are copied. NULL: a bad URL, or io is stopping; then nothing is called
 * back. */
struct websocket *websocket_open(struct io *io, const struct websocket_options *options,
	const struct websocket_events *events, struct error *err);

/* One message, copied, sent as one unfragmented frame; straight away when nothing is waiting.
 * -ENOTCONN: not open (any more), -ENOBUFS: queue_max would be passed, -EMSGSIZE: beyond queue_max
 * by itself. A 0 says that it was queued, not that it arrived. */
int websocket_send(struct websocket *ws, const char *p, size_t n, bool binary);

/* Sends a close frame with code and lets the peer answer, for a second at most. Before on_open:
 * gives up connecting. What is still queued goes out before the close frame if it can. Again:
 * nothing happens. */
void websocket_close(struct websocket *ws, int code);

/* Back-pressure: after pause no on_message comes until resume, and the peer is left waiting. While
 * paused, pongs are not read either, so the watch for them rests. */
void websocket_pause(struct websocket *ws);
void websocket_resume(struct websocket *ws);

bool websocket_is_open(const struct websocket *ws);
size_t websocket_queued(const struct websocket *ws); /* bytes */

#endif
