#ifndef ADAPTERS_IO_H
#define ADAPTERS_IO_H
/*
 * The I/O thread's one libuv loop, and what lives on it: WebSocket clients (adapters/websocket.h),
 * outbound HTTP (adapters/http_client.h), the adapters' own handles (io_loop).
 *
 * Everything here is for the I/O thread alone, except io_wake_send.
 *
 *	io_create → adapters start → io_run … io_stop (from the loop) … io_run returns
 *	        → the core thread is told to end and joined → io_destroy
 *
 * io_stop ends things in the order the libraries need: the hooks (each adapter stops accepting and
 * closes its own handles), outstanding HTTP calls (their callbacks run, cancelled), WebSockets
 * (what is queued goes out, on_close runs), the libraries. io_run returns when all of it is closed,
 * at the latest after IO_DRAIN_MS. Wakes may be sent until io_destroy, so the core thread may
 * outlive io_run.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

struct io;

#define IO_DRAIN_MS 1200

struct io *io_create(struct error *err); /* NULL: err says why */
void io_run(struct io *io);
void io_stop(struct io *io); /* I/O thread, from a callback; again: nothing happens */
bool io_stopping(const struct io *io);
/* After io_run, or without it; accepts NULL. False: a name is still being looked up by a thread of
 * the system that cannot be called back; exit() would wait for it, so leave by _exit once the
 * record is closed. */
bool io_destroy(struct io *io);

uv_loop_t *io_loop(struct io *io);
int64_t io_now(struct io *io); /* monotonic ms of the loop: for time-outs and pacing */

/* Called once from io_stop, last registered first. The hook closes its handles and timers; its
 * memory must last until io_run has returned. The struct is the caller's, and must last as long as
 * io. */
struct io_hook {
	void (*stop)(void *ctx);
	void *ctx;
	struct io_hook *next; /* io.hooks */
};
void io_on_stop(struct io *io, struct io_hook *hook);

/* From any thread (and from signal handlers): have run(ctx) called soon on the I/O thread. Several
 * sends before it runs become one. The struct is the caller's, and must last as long as io. */
struct io_wake {
	void (*run)(void *ctx);
	void *ctx;
	struct io *io;
	atomic_bool pending;
	struct io_wake *next; /* io.wakes */
};
void io_wake_init(struct io *io, struct io_wake *wake, void (*run)(void *ctx), void *ctx);
void io_wake_send(struct io_wake *wake);

/* A timer that can be destroyed at any time, also from its own callback. One shot: start it again
 * in the callback to repeat. Owners destroy it at the latest in their stop hook. */
struct io_timer;
struct io_timer *io_timer_create(struct io *io, void (*run)(void *ctx), void *ctx);
/* From now; < 0 counts as 0; again: moves it. */
void io_timer_start(struct io_timer *t, int64_t ms);
void io_timer_stop(struct io_timer *t);
bool io_timer_running(const struct io_timer *t);
void io_timer_destroy(struct io_timer *t); /* accepts NULL */

#endif
