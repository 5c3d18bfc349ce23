#ifndef ADAPTERS_WEBSOCKET_FRAME_H
#define ADAPTERS_WEBSOCKET_FRAME_H
/*
 * Frames and the upgrade of RFC 6455, from the client's side. Pure: bytes in, pieces out, and back.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define WEBSOCKET_CONTROL_MAX 125 /* bytes of a ping, pong or close: RFC 6455 §5.5 */
#define WEBSOCKET_HEAD_MAX    14  /* bytes before a frame's payload */

enum websocket_opcode {
	WEBSOCKET_CONTINUATION = 0,
	WEBSOCKET_TEXT = 1,
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PING = 9,
	WEBSOCKET_PONG = 10,
};

/* ---- reading: what the server sent ---- */

struct websocket_reader { /* zero it */
	unsigned char head[WEBSOCKET_HEAD_MAX];
	size_t head_len;
	bool in_payload;
	uint64_t left; /* of the payload */
	bool final;
	enum websocket_opcode opcode;
	bool in_message, binary;
	unsigned char control[WEBSOCKET_CONTROL_MAX];
	size_t control_len;
};

/* A control frame comes as a whole, a message in as many pieces as its bytes arrive in. */
struct websocket_piece {
	enum websocket_opcode opcode; /* of a message: TEXT or BINARY */
	const char *p;		      /* lasts as long as what was read, and until the next piece */
	size_t n;
	bool final; /* the message ends here */
};

/* 1: a piece; 0: more bytes are needed; -EPROTO: a broken protocol, *why says how. *p moves on. */
int websocket_reader_next(struct websocket_reader *r, const char **p, const char *end,
	struct websocket_piece *out, const char **why);

/* ---- writing ---- */

/* The frame's head into out; returns its length. */
size_t websocket_frame_head(
	unsigned char out[WEBSOCKET_HEAD_MAX], enum websocket_opcode opcode, size_t n, uint32_t mask);
void websocket_frame_mask(unsigned char *p, size_t n, uint32_t mask);

/* ---- the upgrade ---- */

#define WEBSOCKET_KEY_MAX 25 /* base 64 of 16 bytes, and NUL */

void websocket_upgrade_key(const unsigned char noise[16], char key[WEBSOCKET_KEY_MAX]);
void websocket_upgrade_request(
	struct str *out, const char *authority, const char *path, const char *key);
/* head: the answer's, with its empty line. False: *why says what is wrong with it. */
bool websocket_upgrade_accepted(struct str *why, const char *head, const char *key);

#endif
