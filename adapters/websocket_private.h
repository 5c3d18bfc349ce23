#ifndef ADAPTERS_WEBSOCKET_PRIVATE_H
#define ADAPTERS_WEBSOCKET_PRIVATE_H
/*
 * The two halves of the WebSocket client: websocket.c has the life of a connection and knows
 * nothing of the library, websocket_lws.c has the library's contexts and turns its callbacks into
 * the on_* below.
 */
#include <netinet/in.h>

#include "adapters/io_private.h"
#include "adapters/websocket.h"
#include "base/str.h"

#define WEBSOCKET_ADDRESSES_MAX 8
#define WEBSOCKET_READ_SIZE     65536

struct websocket_link;
struct websocket_lookup;

/*
 *  RESOLVING → CONNECTING → OPEN → CLOSING → ENDED
 *      └───────────┴──────────┴──────────────↗
 * ENDED: on_close is due, or has just run.
 */
enum websocket_state {
	WEBSOCKET_RESOLVING,
	WEBSOCKET_CONNECTING, /* one address after the other */
	WEBSOCKET_OPEN,
	WEBSOCKET_CLOSING, /* a close frame was sent or received */
	WEBSOCKET_ENDED,
};

struct websocket_frame;

struct websocket {
	struct io *io;
	struct websocket_events events;
	enum websocket_state state;
	struct websocket *prev, *next; /* websockets.all */

	/* where to */
	bool tls;
	char *host;      /* as certificates name it: no brackets */
	char *authority; /* host[:port] as the Host header has it */
	char *path;      /* with the query: may be secret */
	char *ca_file;
	uint16_t port;
	struct sockaddr_storage addresses[WEBSOCKET_ADDRESSES_MAX];
	size_t address_count, address_next;
	struct websocket_lookup *lookup;
	int64_t connect_deadline; /* of io_now */

	/* While set, the library has the connection, and websocket_on_gone will come. */
	struct websocket_link *link;
	/* What must not happen inside a library's callback or a caller's function. */
	struct io_timer *soon;
	struct io_timer *limit; /* connecting, or closing, took too long */
	struct io_timer *beat;  /* ping and its watch */
	int64_t ping_ms, dead_ms, pinged_at, alive_at;
	bool ping_due;

	/* in */
	struct str rx;
	bool rx_inside, rx_binary; /* a message has begun */
	bool paused;

	/* out */
	struct websocket_frame *tx, *tx_last;
	size_t queued, queue_max;
	bool close_due; /* the close frame goes out after tx */

	bool listed;    /* in websockets.all */
	bool giving_up; /* no further address */
	bool kill_due, killed;
	bool opened;
	int code;         /* 0: none yet */
	char reason[256]; /* the first one counts; each address begins anew */
};

/* ---- websocket_lws.c ---- */

/* Begins to connect. False: it failed at once, with the reason set, and nothing will come;
 * otherwise websocket_on_gone comes in any case. */
bool websocket_lws_dial(struct websocket *ws, const char *ip);
/* Not from inside one of the library's callbacks. websocket_on_gone follows. */
void websocket_lws_kill(struct websocket *ws);
/* No on_* will come from this connection any more. */
void websocket_lws_forget(struct websocket *ws);
/* Nothing is half written: a frame may be written now. */
bool websocket_lws_ready(struct websocket *ws);
void websocket_lws_want_write(struct websocket *ws);
void websocket_lws_flow(struct websocket *ws, bool on);

enum websocket_opcode { WEBSOCKET_TEXT, WEBSOCKET_BINARY, WEBSOCKET_PING, WEBSOCKET_CLOSE };
/* p: n bytes that will be overwritten, with WEBSOCKET_HEADROOM writable bytes in front. */
int websocket_lws_write(struct websocket *ws, enum websocket_opcode op, unsigned char *p, size_t n);
#define WEBSOCKET_HEADROOM 32

void websockets_add(struct websocket *ws);
void websockets_remove(struct websocket *ws);

/* ---- websocket.c: what the library saw ---- */

void websocket_on_established(struct websocket *ws);
void websocket_on_fragment(struct websocket *ws, const char *p, size_t n, bool final, bool binary);
void websocket_on_pong(struct websocket *ws);
void websocket_on_writable(struct websocket *ws);
/* p: status code and text, as they came. True: no need to answer the close frame, end it now. */
bool websocket_on_peer_close(struct websocket *ws, const unsigned char *p, size_t n);
void websocket_on_gone(struct websocket *ws);
void websocket_explain(struct websocket *ws, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The loop is ending. From the top of it only. */
void websocket_shut_down(struct websocket *ws);

#endif
