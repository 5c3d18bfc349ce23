#include "adapters/websocket_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- noise: by the page, not by the frame ------------------------------------------------ */

static void noise_fill(void *p, size_t n)
{
	if (getrandom(p, n, 0) != (ssize_t)n)
		abort(); /* up to 256 bytes always come */
}

static uint32_t mask_next(struct websocket *ws)
{
	size_t count = sizeof(ws->noise) / sizeof(*ws->noise);

	if (ws->noise_used == 0 || ws->noise_used == count) {
		noise_fill(ws->noise, sizeof(ws->noise));
		ws->noise_used = 0;
	}
	return ws->noise[ws->noise_used++];
}

unsigned char *websocket_wire_frame(
	struct websocket *ws, enum websocket_opcode op, unsigned char *p, size_t n)
{
	unsigned char head[WEBSOCKET_HEAD_MAX];
	uint32_t mask = mask_next(ws);
	size_t size = websocket_frame_head(head, op, n, mask);

	websocket_frame_mask(p, n, mask);
	memcpy(p - size, head, size);
	return p - size;
}

/* ---- the upgrade ------------------------------------------------------------------------- */

int websocket_wire_upgrade(struct websocket *ws)
{
	struct str STR_CLEANUP request = { 0 };
	unsigned char noise[16];

	noise_fill(noise, sizeof(noise));
	websocket_upgrade_key(noise, ws->key);
	str_init(&request, SIZE_MAX / 4);
	websocket_upgrade_request(&request, ws->authority, ws->path, ws->key);
	return websocket_link_write(ws, (const unsigned char *)request.p, request.len);
}

/* Bytes of p that belong to the head, as far as its empty line. */
static size_t head_bytes(const struct str *head, const char *p, size_t n)
{
	static const char end[] = "\r\n\r\n";
	size_t seen = 0;

	/* how much of the end the head has already */
	for (seen = head->len < 3 ? head->len : 3; seen; seen--)
		if (memcmp(head->p + head->len - seen, end, seen) == 0)
			break;
	for (size_t i = 0; i < n; i++) {
		seen = p[i] == end[seen] ? seen + 1 : p[i] == '\r' ? 1 : 0;
		if (seen == 4)
			return i + 1;
	}
	return n;
}

static bool head_complete(const struct str *head)
{
	return head->len >= 4 && memcmp(head->p + head->len - 4, "\r\n\r\n", 4) == 0;
}

/* How many of the bytes were the head's; 0: it is none. */
static size_t take_head(struct websocket *ws, const char *p, size_t n)
{
	struct str STR_CLEANUP why = { 0 };
	size_t taken = head_bytes(&ws->head, p, n);

	str_addn(&ws->head, p, taken);
	if (ws->head.cut || memchr(p, '\0', taken)) {
		websocket_explain(ws, "what answered the upgrade does not speak HTTP");
		return 0;
	}
	if (!head_complete(&ws->head))
		return taken;
	str_init(&why, 200);
	if (!websocket_upgrade_accepted(&why, ws->head.p, ws->key)) {
		websocket_explain(ws, "cannot connect: %s", why.p);
		return 0;
	}
	ws->upgraded = true;
	str_finish(&ws->head);
	websocket_on_established(ws);
	return taken;
}

/* ---- frames ------------------------------------------------------------------------------ */

/* False: the close frame needs no answer. */
static bool take_piece(struct websocket *ws, const struct websocket_piece *piece)
{
	switch (piece->opcode) {
	case WEBSOCKET_CONTINUATION: /* never: they are told as what they continue */
	case WEBSOCKET_TEXT:
	case WEBSOCKET_BINARY:
		websocket_on_fragment(
			ws, piece->p, piece->n, piece->final, piece->opcode == WEBSOCKET_BINARY);
		return true;
	case WEBSOCKET_PING:
		websocket_on_ping(ws, piece->p, piece->n);
		return true;
	case WEBSOCKET_PONG:
		websocket_on_pong(ws);
		return true;
	case WEBSOCKET_CLOSE:
		return !websocket_on_peer_close(ws, (const unsigned char *)piece->p, piece->n);
	}
	return true;
}

/* As far as may be read now. */
static bool take_frames(struct websocket *ws, const char **p, const char *end)
{
	struct websocket_piece piece;
	const char *why;
	int rc;

	while (!ws->paused) {
		rc = websocket_reader_next(&ws->reader, p, end, &piece, &why);
		if (rc < 0)
			websocket_explain(ws, "the server broke the protocol: %s", why);
		if (rc <= 0)
			return rc == 0;
		if (!take_piece(ws, &piece))
			return false;
	}
	return true;
}

bool websocket_wire_bytes(struct websocket *ws, const char *p, size_t n)
{
	const char *end = p + n;

	if (!ws->upgraded) {
		size_t taken = take_head(ws, p, n);

		if (!taken)
			return false;
		p += taken;
	}
	if (!ws->upgraded)
		return true;
	if (ws->rest.len) { /* those before it are not read yet */
		str_addn(&ws->rest, p, (size_t)(end - p));
		return websocket_wire_rest(ws);
	}
	if (!take_frames(ws, &p, end))
		return false;
	str_addn(&ws->rest, p, (size_t)(end - p));
	return true;
}

bool websocket_wire_rest(struct websocket *ws)
{
	struct str rest = ws->rest;
	const char *p = rest.p;
	bool fine;

	if (!rest.len || ws->paused || !ws->upgraded)
		return true;
	str_init(&ws->rest, SIZE_MAX / 4);
	fine = take_frames(ws, &p, rest.p + rest.len);
	if (fine)
		str_addn(&ws->rest, p, (size_t)(rest.p + rest.len - p));
	str_finish(&rest);
	return fine;
}
