#ifndef ADAPTERS_ADAPTER_H
#define ADAPTERS_ADAPTER_H
/*
 * What the bot wires: one struct adapter an outside system, made by its room (slack_create,
 * ctl_create, …), embedded as the first member of the room's own struct. All functions run on the
 * I/O thread.
 *
 * Requests go in by host->submit (better: through adapters/backlog.h, which keeps what the full
 * queue refuses), with request.adapter = index and request.handle the adapter's own. The core
 * answers every request from REQUEST_CHAT, REQUEST_SHELL and REQUEST_API exactly once through answer(), after
 * the commit.
 */
#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"
#include "incident/request.h"

#include "adapters/io.h"

struct adapter_host {
	/* False: the core's queue is full and the request still the caller's. Stop reading the
	 * source, keep the request, and go on when resume() is called. */
	bool (*submit)(void *ctx, struct request *take);
	void *ctx;
	struct io *io;
	struct clock *clock; /* for received_at */
};

struct adapter {
	const char *name; /* "slack", "ctl": static */
	int index;        /* its place in the bot's table, set by the bot before start */
	const struct adapter_host *host;

	int (*start)(struct adapter *a, struct error *err);
	/* From io_stop: stop reading, close every handle, cancel calls. No submit afterwards.
	 * Effects whose outcome is not known yet are destroyed without one: they stay marked as
	 * started. */
	void (*stop)(struct adapter *a);
	/* The reply to a request of this adapter, after the commit; destroys take. The asker may be
	 * long gone. May come after stop. */
	void (*answer)(struct adapter *a, struct answer *take);
	/* Do it, then submit exactly one outcome_request (through a backlog), then destroy take.
	 * NULL: the adapter takes no effects. */
	void (*perform)(struct adapter *a, struct effect *take);
	/* The core's queue has room again. */
	void (*resume)(struct adapter *a);
	/* After io_run returned. Releases everything including a itself. */
	void (*destroy)(struct adapter *a);

	struct io_hook hook; /* adapter_start's */
};

/* Starts it, and has io_stop call its stop. */
int adapter_start(struct adapter *a, struct error *err);

#endif
