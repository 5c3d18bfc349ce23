#ifndef ADAPTERS_SLACK_ENVELOPE_H
#define ADAPTERS_SLACK_ENVELOPE_H
/*
 * One Socket Mode frame → what it wants. Pure: bytes in, a struct out. Whatever is missing or of
 * the wrong type costs this frame only; where its envelope_id can still be read, it can be acked,
 * so that it is not delivered again to fail again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "incident/request.h"

#define ENVELOPE_MAX	  (1u << 20) /* bytes of a frame that are looked at */
#define ENVELOPE_ID_MAX	  255
#define ENVELOPE_ARGS_MAX 64 /* fields of a form */
#define PIN_REACTION	  "pushpin"

enum envelope_kind {
	ENVELOPE_HELLO,
	ENVELOPE_DISCONNECT,
	ENVELOPE_REQUEST,
	ENVELOPE_OPTIONS, /* block_suggestion: wants an empty list */
	ENVELOPE_IGNORED, /* understood, and nothing to do: ack it */
	ENVELOPE_UNKNOWN, /* a type that we do not know: ack it */
	ENVELOPE_BAD,	  /* `why`; ack it if there is an envelope_id */
};

enum disconnect_reason {
	DISCONNECT_WARNING,
	DISCONNECT_REFRESH,
	DISCONNECT_LINK_DISABLED,
	DISCONNECT_TOO_MANY,
	DISCONNECT_OTHER,
};

/* How the asker asked, which says how the answer may travel. */
enum slack_shape {
	SHAPE_COMMAND,	/* slash command: the ack carries a message */
	SHAPE_BUTTON,	/* block_actions: response URL */
	SHAPE_FORM,	/* view_submission: the ack carries a response_action */
	SHAPE_SHORTCUT, /* no channel, no response URL */
	SHAPE_MESSAGE_SHORTCUT,
	SHAPE_EVENT, /* nothing can be answered but the ack */
};

/* request.handle of this adapter, on the request's arena. Strings may be NULL. */
struct slack_handle {
	int64_t generation; /* of the socket that delivered it; set by who received it */
	enum slack_shape shape;
	char *envelope_id; /* never NULL */
	char *user;	   /* raw id */
	char *channel;	   /* raw id */
	char *thread_ts;   /* a button in a thread: answers belong there */
	char *response_url;
	char *trigger_id;
	char *const *fields; /* SHAPE_FORM: block ids of the form, so that errors find theirs */
	size_t field_count;
};

struct envelope {
	enum envelope_kind kind;
	char envelope_id[ENVELOPE_ID_MAX + 1]; /* "" = none: nothing to ack */
	char type[64];			       /* as Slack wrote it, for the log */
	char why[200];			       /* BAD, IGNORED */
	bool wants_words;	 /* BAD: a person waits and should read that nothing was done */
	struct request *request; /* REQUEST: the caller's now */
	enum disconnect_reason reason; /* DISCONNECT */
	int64_t num_connections;       /* HELLO; 0 = not said */
	int64_t session_s; /* HELLO: how long this connection is to last; 0 = not said */
};

void envelope_read(const char *p, size_t n, int64_t received_at, struct envelope *out);

/* The envelope_id of a frame that is no JSON we take (duplicate keys, too deep, cut off): the first
 * one at the top level. False when there is none. */
bool envelope_scan_id(const char *p, size_t n, char id[ENVELOPE_ID_MAX + 1]);

/* "U02AB", "1700000000.000100": checked before they become part of a key. NULL is not valid. */
bool slack_id_valid(const char *id);
bool slack_ts_valid(const char *ts);

#endif
