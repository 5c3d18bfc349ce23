#ifndef BENCH_LOAD_WIRE_H
#define BENCH_LOAD_WIRE_H
/*
 * The server side of a chat on loopback: HTTP/1.1 for the Web API and the upgrade to a WebSocket on
 * the same port. One thread, one epoll, nothing but what a generator of load needs, so that the
 * machine is the bot's. What is written is collected and goes out once a turn.
 *
 * A link is a WebSocket that was upgraded. It begins fresh; wire_renew tells it to go, and closes it
 * later; what comes on it is read until the very end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECOND_NS INT64_C(1000000000)

struct wire;
struct link;

struct wire_events {
	/* One call of the Web API, or of any other path. The answer is JSON, written to out. */
	size_t (*on_call)(void *ctx, const char *path, const char *body, char *out, size_t size);
	/* A link stands: what it returns is the first thing sent on it. */
	const char *(*on_link)(void *ctx);
	void (*on_message)(void *ctx, char *p, size_t n);
	/* announced: wire_renew had told it to go. */
	void (*on_gone)(void *ctx, bool announced);
	void *ctx;
};

struct wire_options {
	int receive_buffer;    /* bytes of each socket; 0: the system's */
	int64_t answer_after;  /* ns until a call of the Web API is answered */
};

struct wire_counts {
	uint64_t links;     /* that ever stood */
	uint64_t malformed; /* frames and requests that break their protocol */
	uint64_t pings;     /* the bot's */
	uint64_t read;      /* bytes of messages */
};

struct wire *wire_create(const struct wire_options *options, const struct wire_events *events);
void wire_destroy(struct wire *w); /* accepts NULL */
int wire_port(const struct wire *w);
const struct wire_counts *wire_counts(const struct wire *w);
size_t wire_links(const struct wire *w); /* that stand now, announced ones too */

/* Fresh links in turn; announced ones when there is no other; NULL. */
struct link *wire_next_link(struct wire *w);
void wire_send(struct link *l, const char *p, size_t n); /* one text message */
void wire_ping(struct wire *w);
/* Sends the text on every fresh link and closes these so much later. */
void wire_renew(struct wire *w, const char *text, int64_t close_after);
void wire_deaf(struct wire *w, bool deaf); /* reads nothing from links meanwhile */

/* Sends what is waiting, waits until then (wire_now) at most, and reads what has come. */
void wire_turn(struct wire *w, int64_t until);
int64_t wire_now(void); /* monotonic, ns */

#endif
