#ifndef ADAPTERS_SLACK_SLACK_H
#define ADAPTERS_SLACK_SLACK_H
/*
 * Slack: Socket Mode in, Web API out. What the bot wires.
 *
 * socket_mode.h  WebSockets with Slack: open, hello, refresh without a gap, back-off
 * envelope.h     one frame → one request
 * answer.c       reply → ack on its socket, response URL, form
 * effects.c      effect → calls → exactly one outcome
 * web.h          Web API client: pacing, Retry-After, what an answer means
 * render.h       neutral documents → Block Kit, inside its limits
 */
#include <stdbool.h>

#include "adapters/adapter.h"
#include "adapters/verdict.h"
#include "base/str.h"
#include "config/config.h"

/* Copies what it needs of config. host must last as long as the adapter. Never NULL. */
struct adapter *slack_create(const struct config *config, const struct adapter_host *host);

/* Is there a connection on which Slack delivers (its hello came)? For tests. */
bool slack_connected(const struct adapter *a);

/* Asks Slack whether everything that the bot needs is there; blocks, at most about a minute. One
 * line() per finding. Returns how many were VERDICT_BAD. */
int slack_doctor(const struct config *config,
	void (*line)(void *ctx, enum verdict verdict, const char *text), void *ctx);

/* The app's manifest, YAML, to paste where Slack apps are made. */
void slack_manifest(struct str *out);

#endif
