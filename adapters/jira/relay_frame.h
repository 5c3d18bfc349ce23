#ifndef ADAPTERS_JIRA_RELAY_FRAME_H
#define ADAPTERS_JIRA_RELAY_FRAME_H
/*
 * The open relay format, one frame at a time (PROTOCOLS §4, "Event stream over WebSocket"). Pure.
 *
 *   us → relay   {"type":"start","version":1,"data":{"token"}}
 *   relay → us   {"type":"start","version":1,"data":{…}}
 *   relay → us   {"type":"event","version":1,"data":{"id","method","headers":{},"body":"<base64>"}}
 *   us → relay   {"type":"event","version":1,"data":{"id","status","headers":{},"body":"<base64>"}}
 *
 * Ours are JSON in binary frames; theirs may be text or binary. What else has a type is for others.
 */
#include <stddef.h>
#include <stdint.h>

#include "adapters/jira/hook.h"
#include "base/json.h"

#define RELAY_VERSION   1
#define RELAY_ID_MAX    256
#define RELAY_FRAME_MAX (2u << 20) /* a body of HOOK_BODY_MAX in base 64, and its headers */

enum relay_kind {
	RELAY_START,
	RELAY_EVENT,
	RELAY_ERROR,   /* why: the relay's words */
	RELAY_UNKNOWN, /* why: its type */
	RELAY_BAD,     /* why: what is wrong; nobody to answer to */
};

struct relay_frame {
	enum relay_kind kind;
	int64_t version; /* of a start */
	char why[160];	 /* printable ASCII */

	/* Of an event: */
	const char *id;	  /* at most RELAY_ID_MAX bytes */
	int refuse;	  /* 0, or the only status it can get: its method, or its body that is no base 64 */
	struct hook hook; /* refuse is 0 */

	/* Private: what the pointers lead to. */
	json_t *root;
	unsigned char *body;
};

/* Always to be finished. */
void relay_frame_read(const char *p, size_t n, struct relay_frame *out);
void relay_frame_finish(struct relay_frame *f);

/* Ours, on the heap: the caller frees. */
char *relay_frame_start(const char *token);
char *relay_frame_answer(const char *id, int status);

#endif
