#ifndef ADAPTERS_IO_PRIVATE_H
#define ADAPTERS_IO_PRIVATE_H
/* What the loop and the two clients on it know of one another. Not for adapters. */
#include "adapters/io.h"

struct http_client; /* http_client.c, made with the first call */
struct websockets;  /* websocket.c, made with the first websocket */

struct io {
	uv_loop_t loop;
	uv_async_t async;
	/* io_stop does its work from the top of the loop, not inside a library's callback. */
	uv_timer_t stop_timer;
	uv_timer_t tick;       /* keeps the drain from sleeping past its deadline */
	struct io_wake *wakes;
	struct io_hook *hooks;
	struct http_client *http;
	struct websockets *websockets;
	size_t lookups; /* names being resolved by the thread pool */
	bool stopping;  /* io_stop was called */
	bool stopped;   /* … and has done its work */
	bool closed;    /* io_run is over: only async is left */
};

/* Each accepts NULL. stop: cancel and close what is open, the callbacks follow from the loop.
 * idle: all of these callbacks have run. finish: release the library; its handles close in the
 * loop. destroy: the memory; after the loop has run dry. */
void http_client_stop(struct http_client *client);
bool http_client_idle(const struct http_client *client);
void http_client_finish(struct http_client *client);
void http_client_destroy(struct http_client *client);

void websockets_stop(struct websockets *w);
/* Begins to close the library: a connection that is left ends here, whatever it has queued, and
 * still tells of its end. */
void websockets_cut(struct websockets *w);
bool websockets_idle(const struct websockets *w);
void websockets_finish(struct websockets *w); /* when none of its handles is left in the loop */
void websockets_destroy(struct websockets *w);

void *adapters_alloc(size_t size); /* zeroed; aborts without memory */

#endif
