#ifndef ADAPTERS_CTL_CTL_H
#define ADAPTERS_CTL_CTL_H
/*
 * The shell's door: a Unix stream socket, mode 0600. The peer's uid (SO_PEERCRED) is the actor,
 * "unix:<uid>".
 *
 * One JSON object a line, at most CTL_LINE_MAX bytes, several per connection, answered in any
 * order:
 *	→ {"words": "declare sev2 checkout is failing", "json"?: bool, "id"?: "…"}
 *	→ {"operation": "postmortem", "incident"?: 42, "args"?: {"do": "import", "file": "…"}, "json"?, "id"?}
 *	← {"ok": true|false, "id"?, "code"?, "text", "doc"?, "fields"?}
 *
 * The second form is that of buttons: nothing of it is read as words.
 *
 * "id" names this delivery for this uid: sent again within the inbox's memory, it gets the same
 * answer and nothing is done twice. "doc" comes when "json" was true. A line that is no such
 * object gets ok=false, code "usage"; a line that is too long too, and then the connection is
 * closed. Codes of the socket itself: "busy" (too many connections), "stopping" (we are shutting
 * down and this request's answer will not come).
 */
#include <stddef.h>
#include <stdint.h>

#include "adapters/adapter.h"

#define CTL_LINE_MAX 65536

struct ctl_options {
	const char *path;         /* of the socket; at most 107 bytes */
	const char *zone;         /* IANA zone of times in texts; NULL: UTC */
	unsigned connections_max; /* 0: 32; one more is told so and closed */
	/* A connection with neither an open request nor a whole line for so long is closed;
	 * 0: 60 s. */
	int64_t idle_ms;
};

/* Copies the options. host must last as long as the adapter. */
struct adapter *ctl_create(const struct adapter_host *host, const struct ctl_options *options);

#endif
