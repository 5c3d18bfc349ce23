#ifndef ADAPTERS_WEBSOCKET_PRIVATE_H
#define ADAPTERS_WEBSOCKET_PRIVATE_H
/*
 * The parts of the WebSocket client: websocket.c has the life of a connection; websocket_tcp.c has
 * its socket and TLS; websocket_wire.c makes messages of the bytes and bytes of the messages.
 */
#include <netinet/in.h>

#include "adapters/io_private.h"
#include "adapters/websocket.h"
#include "adapters/websocket_frame.h"
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

	/* While set, there is a socket, and websocket_on_gone will come. */
	struct websocket_link *link;
	/* What must not happen inside a callback or a caller's function. */
	struct io_timer *soon;
	struct io_timer *limit; /* connecting, or closing, took too long */
	struct io_timer *beat;  /* ping and its watch */
	int64_t ping_ms, dead_ms, pinged_at, alive_at;
	bool ping_due;

	/* in */
	char key[WEBSOCKET_KEY_MAX];
	bool upgraded;
	struct str head; /* of the answer to the upgrade, until it is complete */
	struct websocket_reader reader;
	struct str rest; /* bytes that came and may not be looked at while paused */
	struct str rx;
	bool rx_inside, rx_binary; /* a message has begun */
	bool paused;

	/* out */
	struct websocket_frame *tx, *tx_last;
	size_t queued, queue_max;
	bool close_due; /* the close frame goes out after tx */
	bool flush_due; /* tx goes out at the end of the loop's round */
	bool pong_due;
	unsigned char pong[WEBSOCKET_CONTROL_MAX];
	size_t pong_len;
	uint32_t noise[64]; /* for masks; those before noise_used are spent */
	size_t noise_used;

	bool listed;    /* in websockets.all */
	bool giving_up; /* no further address */
	bool kill_due, killed;
	bool opened;
	int code;         /* 0: none yet */
	char reason[256]; /* the first one counts; each address begins anew */
};

/* ---- websocket_tcp.c ---- */

/* Begins to connect. False: it failed at once, with the reason set, and nothing will come;
 * otherwise websocket_on_gone comes in any case. */
bool websocket_link_dial(struct websocket *ws, const struct sockaddr *address);
void websocket_link_kill(struct websocket *ws); /* websocket_on_gone follows, from the loop */
/* No on_* will come from this connection any more. */
void websocket_link_forget(struct websocket *ws);
bool websocket_link_ready(struct websocket *ws); /* nothing that was written waits for the kernel */
void websocket_link_want_write(struct websocket *ws); /* websocket_on_writable when that is so */
void websocket_link_flow(struct websocket *ws, bool on);
int websocket_link_write(struct websocket *ws, const unsigned char *p, size_t n); /* copied */

void websockets_add(struct websocket *ws);
void websockets_remove(struct websocket *ws);

/* ---- websocket_wire.c ---- */

int websocket_wire_upgrade(struct websocket *ws); /* asks for it */
/* What came. False: the connection is of no use any more. */
bool websocket_wire_bytes(struct websocket *ws, const char *p, size_t n);
bool websocket_wire_rest(struct websocket *ws); /* what was left while paused */
/* Makes a frame of n bytes at p, with WEBSOCKET_HEAD_MAX writable bytes in front; where it begins. */
unsigned char *websocket_wire_frame(
	struct websocket *ws, enum websocket_opcode op, unsigned char *p, size_t n);

/* ---- websocket.c: what came over the wire ---- */

void websocket_on_connected(struct websocket *ws);
void websocket_on_established(struct websocket *ws);
void websocket_on_fragment(struct websocket *ws, const char *p, size_t n, bool final, bool binary);
void websocket_on_ping(struct websocket *ws, const char *p, size_t n);
void websocket_on_pong(struct websocket *ws);
void websocket_on_writable(struct websocket *ws);
/* p: status code and text, as they came. True: no need to answer the close frame, end it now. */
bool websocket_on_peer_close(struct websocket *ws, const unsigned char *p, size_t n);
void websocket_on_gone(struct websocket *ws);
void websocket_explain(struct websocket *ws, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void websocket_shut_down(struct websocket *ws); /* the loop is ending */

#endif
