#include "adapters/io_private.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define DRAIN_STEP_MS   5
#define LOOKUP_DRAIN_MS 200
#define CUT_MS          100 /* of IO_DRAIN_MS, for the end of what did not end by itself */

struct io_timer {
	uv_timer_t handle;
	void (*run)(void *ctx);
	void *ctx;
};

void *adapters_alloc(size_t size)
{
	void *p = calloc(1, size);
	if (!p)
		abort();
	return p;
}

static void on_async(uv_async_t *async)
{
	struct io *io = async->data;
	struct io_wake *next;
	for (struct io_wake *wake = io->wakes; wake; wake = next) {
		next = wake->next;
		if (atomic_exchange(&wake->pending, false))
			wake->run(wake->ctx);
	}
}

struct io *io_create(struct error *err)
{
	struct io *io = adapters_alloc(sizeof(*io));
	int rc = uv_loop_init(&io->loop);
	if (rc) {
		free(io);
		error_set(err, rc, "cannot make the event loop: %s", uv_strerror(rc));
		return NULL;
	}
	rc = uv_async_init(&io->loop, &io->async, on_async);
	if (rc) {
		uv_loop_close(&io->loop);
		free(io);
		error_set(err, rc, "cannot make the event loop's wake-up: %s", uv_strerror(rc));
		return NULL;
	}
	io->async.data = io;
	uv_timer_init(&io->loop, &io->stop_timer);
	uv_timer_init(&io->loop, &io->tick);
	io->stop_timer.data = io;
	/* A peer that closes while we write is an error of that write, not the end of the
	 * process. */
	signal(SIGPIPE, SIG_IGN);
	return io;
}

uv_loop_t *io_loop(struct io *io)
{
	return &io->loop;
}

int64_t io_now(struct io *io)
{
	return (int64_t)uv_now(&io->loop);
}

bool io_stopping(const struct io *io)
{
	return io->stopping;
}

/* ---- stopping ---------------------------------------------------------------------------- */

void io_on_stop(struct io *io, struct io_hook *hook)
{
	hook->next = io->hooks;
	io->hooks = hook;
}

static void on_stop(uv_timer_t *timer)
{
	struct io *io = timer->data;
	while (io->hooks) {
		struct io_hook *hook = io->hooks;
		io->hooks = hook->next;
		hook->stop(hook->ctx);
	}
	http_client_stop(io->http);
	websockets_stop(io->websockets);
	io->stopped = true;
	uv_stop(&io->loop); /* or it would go on to sleep */
}

void io_stop(struct io *io)
{
	if (io->stopping)
		return;
	io->stopping = true;
	uv_timer_start(&io->stop_timer, on_stop, 0, 0);
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

static void io_step(struct io *io)
{
	uv_timer_start(&io->tick, on_tick, DRAIN_STEP_MS, 0);
	uv_run(&io->loop, UV_RUN_ONCE);
	uv_timer_stop(&io->tick);
}

static bool io_late(struct io *io, uint64_t deadline)
{
	uv_update_time(&io->loop);
	return uv_now(&io->loop) >= deadline;
}

static void log_handle(uv_handle_t *handle, void *ctx)
{
	const struct io *io = ctx;
	if (handle != (const uv_handle_t *)&io->async)
		log_warn("io", "still open at the end: %s%s", uv_handle_type_name(handle->type),
			uv_is_closing(handle) ? " (closing)" : "");
}

static void io_run_dry(struct io *io, uint64_t deadline)
{
	while (uv_run(&io->loop, UV_RUN_NOWAIT) && !io_late(io, deadline))
		uv_sleep(1);
}

/* Callbacks first, then the libraries, then whatever they close in the loop. The WebSocket library
 * unloads its own loop code in the second step of its end, so none of its handles may be left by
 * then. */
static void io_drain(struct io *io)
{
	uint64_t deadline = uv_now(&io->loop) + IO_DRAIN_MS;
	/* A WebSocket writes what it has queued, and its peer reads it, before the close frame is
	 * answered. The library's end waits for nobody. */
	while (!websockets_idle(io->websockets) && !io_late(io, deadline - CUT_MS))
		io_step(io);
	websockets_cut(io->websockets);
	while (!(http_client_idle(io->http) && websockets_idle(io->websockets)) &&
		!io_late(io, deadline))
		io_step(io);
	http_client_finish(io->http);
	if (io->lookups) /* nothing makes the system's resolver hurry */
		deadline = uv_now(&io->loop) + LOOKUP_DRAIN_MS;
	uv_close((uv_handle_t *)&io->stop_timer, NULL);
	uv_close((uv_handle_t *)&io->tick, NULL);
	uv_unref((uv_handle_t *)&io->async);
	io_run_dry(io, deadline);
	if (uv_loop_alive(&io->loop))
		uv_walk(&io->loop, log_handle, io);
	else
		websockets_finish(io->websockets);
	io_run_dry(io, deadline);
	io->closed = true;
}

void io_run(struct io *io)
{
	while (!io->stopped)
		uv_run(&io->loop, UV_RUN_ONCE);
	io_drain(io);
}

bool io_destroy(struct io *io)
{
	if (!io)
		return true;
	if (!io->closed) {
		io_stop(io);
		io_run(io);
	}
	uv_close((uv_handle_t *)&io->async, NULL);
	uv_run(&io->loop, UV_RUN_NOWAIT);
	/* With a handle or a lookup still open the memory must stay: somebody will write to it. */
	if (uv_loop_close(&io->loop)) {
		log_warn("io", "the loop ends with something still open");
		return io->lookups == 0;
	}
	http_client_destroy(io->http);
	websockets_destroy(io->websockets);
	free(io);
	return true;
}

/* ---- wakes and timers -------------------------------------------------------------------- */

void io_wake_init(struct io *io, struct io_wake *wake, void (*run)(void *ctx), void *ctx)
{
	wake->run = run;
	wake->ctx = ctx;
	wake->io = io;
	atomic_init(&wake->pending, false);
	wake->next = io->wakes;
	io->wakes = wake;
}

void io_wake_send(struct io_wake *wake)
{
	if (!atomic_exchange(&wake->pending, true))
		uv_async_send(&wake->io->async);
}

struct io_timer *io_timer_create(struct io *io, void (*run)(void *ctx), void *ctx)
{
	struct io_timer *t = adapters_alloc(sizeof(*t));
	uv_timer_init(&io->loop, &t->handle);
	t->handle.data = t;
	t->run = run;
	t->ctx = ctx;
	return t;
}

static void on_timer(uv_timer_t *handle)
{
	struct io_timer *t = handle->data;
	t->run(t->ctx);
}

void io_timer_start(struct io_timer *t, int64_t ms)
{
	/* The loop's idea of now is as old as its last round; a long callback must not eat the
	 * delay. */
	uv_update_time(t->handle.loop);
	uv_timer_start(&t->handle, on_timer, ms > 0 ? (uint64_t)ms : 0, 0);
}

void io_timer_stop(struct io_timer *t)
{
	uv_timer_stop(&t->handle);
}

bool io_timer_running(const struct io_timer *t)
{
	return uv_is_active((const uv_handle_t *)&t->handle);
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void io_timer_destroy(struct io_timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->handle, on_timer_closed);
}
