#ifndef TESTS_UNIT_SUPPORT_WEBSOCKET_H
#define TESTS_UNIT_SUPPORT_WEBSOCKET_H
/*
 * One websocket to a peer that tells one story, and all that it reported: what the tests of
 * websockets look at. The loop ends with on_close. One story at a time.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "adapters/io.h"
#include "adapters/websocket.h"
#include "tests/unit/support_peer.h"

struct ws_story {
	struct io *io;
	struct peer *peer;
	struct websocket *link; /* NULL once it is closed */
	struct io_timer *timer; /* of ws_timer */
	/* Called when it happened; NULL: nobody is. */
	void (*at_open)(void);
	void (*at_message)(void);
	void (*at_pong)(void);
	int opens, messages, bad, pongs, closes;
	size_t bytes; /* of all messages */
	/* Of the last message, the last bad one and the close. */
	char last[256], why[256], reason[256];
	size_t last_len;
	bool last_binary;
	int code;
	bool opened;
	/* What the peer notes; but for the first, to be read after ws_end. */
	atomic_int peer_saw;  /* messages */
	size_t peer_last_len; /* bytes of the last of them */
	int peer_code;	      /* of the close frame it got */
};

extern struct ws_story ws;
extern const struct websocket_events ws_events;

void ws_begin(void (*serve)(struct peer *, int, int, void *)); /* NULL: no peer */
/* websocket_open of the url, which must be accepted; resp. of the peer. */
void ws_connect_url(struct websocket_options options, const char *url);
void ws_connect(struct websocket_options options);
/* The timer of this story: ws_end destroys it. Not started. */
void ws_timer(void (*fn)(void *ctx));
/* Runs to the end; on_close came once, and nothing after it. */
void ws_run(void);
void ws_end(void);

/* Closes, and sees that nothing can be done with it any more; for at_open and the like. */
void ws_close_now(void);
/* Many messages, a large one among them; and closes when the last of them has come. */
enum { WS_MANY = 503 };
void ws_send_many(void);
void ws_close_at_last(void);
/* Fills the queue to its bound of 200000 bytes, then closes. */
void ws_overfill(void);

/* Sends back every message, until the close frame, which it answers. */
void ws_serve_echo(struct peer *peer, int fd, int nth, void *ctx);
void ws_serve_silence(struct peer *peer, int fd, int nth, void *ctx); /* no upgrade, nothing */
void ws_serve_deaf(struct peer *peer, int fd, int nth, void *ctx);    /* upgrades, reads nothing */
/* Reads, but answers nothing, not even a close frame. */
void ws_serve_never_closes(struct peer *peer, int fd, int nth, void *ctx);

#endif
