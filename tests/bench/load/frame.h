#ifndef BENCH_LOAD_FRAME_H
#define BENCH_LOAD_FRAME_H
/* WebSocket frames as a server sends and receives them (RFC 6455 §5). */
#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

#define FRAME_MAX    (4u << 20) /* of one message of the bot */
#define FRAME_TEXT   0x1
#define FRAME_BINARY 0x2
#define FRAME_CLOSE  0x8
#define FRAME_PING   0x9
#define FRAME_PONG   0xa

struct frame {
	int opcode;
	bool last;
	char *p; /* unmasked in place */
	size_t n;
};

void frame_put(struct bytes *out, int opcode, const char *p, size_t n);
/* 1: a frame, *used bytes long; 0: more has to come; -1: that is no frame a client may send. */
int frame_get(char *p, size_t n, struct frame *f, size_t *used);
/* The value of Sec-WebSocket-Accept; false when the key is no key. */
bool frame_accept_key(const char *key, size_t n, char out[32]);

#endif
