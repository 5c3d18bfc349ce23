#include "adapters/websocket_frame.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

/* ---- reading ----------------------------------------------------------------------------- */

static int broken(const char **why, const char *text)
{
	*why = text;
	return -EPROTO;
}

/* Bytes of the head, as far as it can be told from those that are there. */
static size_t head_size(const struct websocket_reader *r)
{
	unsigned length;

	if (r->head_len < 2)
		return 2;
	length = r->head[1] & 0x7fu;
	return length == 127 ? 10 : length == 126 ? 4 : 2;
}

static bool head_fill(struct websocket_reader *r, const char **p, const char *end)
{
	while (r->head_len < head_size(r) && *p < end)
		r->head[r->head_len++] = (unsigned char)*(*p)++;
	return r->head_len == head_size(r);
}

static uint64_t head_length(const struct websocket_reader *r)
{
	uint64_t n = 0;

	if (r->head_len == 2)
		return r->head[1] & 0x7fu;
	for (size_t i = 2; i < r->head_len; i++)
		n = n << 8 | r->head[i];
	return n;
}

static int begin_control(struct websocket_reader *r, const char **why)
{
	if (!r->final || r->left > WEBSOCKET_CONTROL_MAX)
		return broken(why, "a control frame that is long or in pieces");
	r->control_len = 0;
	return 0;
}

static int begin_data(struct websocket_reader *r, const char **why)
{
	if (r->opcode == WEBSOCKET_CONTINUATION)
		return r->in_message ? 0 : broken(why, "the continuation of nothing");
	if (r->in_message)
		return broken(why, "a message within another");
	r->in_message = true;
	r->binary = r->opcode == WEBSOCKET_BINARY;
	return 0;
}

static int frame_begin(struct websocket_reader *r, const char **why)
{
	r->in_payload = true;
	r->final = r->head[0] & 0x80;
	r->opcode = (enum websocket_opcode)(r->head[0] & 0x0f);
	r->left = head_length(r);
	if (r->head[0] & 0x70)
		return broken(why, "a frame with bits that nobody agreed on");
	if (r->head[1] & 0x80)
		return broken(why, "a masked frame from a server");
	if (r->left >> 63)
		return broken(why, "a frame longer than any");
	switch (r->opcode) {
	case WEBSOCKET_CONTINUATION:
	case WEBSOCKET_TEXT:
	case WEBSOCKET_BINARY:
		return begin_data(r, why);
	case WEBSOCKET_CLOSE:
	case WEBSOCKET_PING:
	case WEBSOCKET_PONG:
		return begin_control(r, why);
	}
	return broken(why, "a frame of an unknown kind");
}

static void frame_end(struct websocket_reader *r)
{
	r->in_payload = false;
	r->head_len = 0;
}

static int take_control(struct websocket_reader *r, const char *p, size_t n, struct websocket_piece *out)
{
	memcpy(r->control + r->control_len, p, n);
	r->control_len += n;
	if (r->left)
		return 0;
	*out = (struct websocket_piece){ r->opcode, (const char *)r->control, r->control_len, true };
	frame_end(r);
	return 1;
}

static int take_data(struct websocket_reader *r, const char *p, size_t n, struct websocket_piece *out)
{
	*out = (struct websocket_piece){ r->binary ? WEBSOCKET_BINARY : WEBSOCKET_TEXT, p, n,
		r->final && !r->left };
	if (!r->left)
		frame_end(r);
	r->in_message = !out->final;
	return 1;
}

int websocket_reader_next(struct websocket_reader *r, const char **p, const char *end,
	struct websocket_piece *out, const char **why)
{
	const char *from;
	uint64_t n;
	int rc;

	if (!r->in_payload) {
		if (!head_fill(r, p, end))
			return 0;
		rc = frame_begin(r, why);
		if (rc)
			return rc;
	}
	if (r->left && *p == end)
		return 0;
	from = *p;
	n = (uint64_t)(end - from);
	n = n < r->left ? n : r->left;
	r->left -= n;
	*p += n;
	return r->opcode >= WEBSOCKET_CLOSE ? take_control(r, from, (size_t)n, out)
					    : take_data(r, from, (size_t)n, out);
}

/* ---- writing ----------------------------------------------------------------------------- */

size_t websocket_frame_head(
	unsigned char out[WEBSOCKET_HEAD_MAX], enum websocket_opcode opcode, size_t n, uint32_t mask)
{
	size_t bytes = n < 126 ? 0 : n < 65536 ? 2 : 8, at = 2;

	out[0] = (unsigned char)(0x80 | opcode);
	out[1] = (unsigned char)(0x80 | (bytes == 0 ? n : bytes == 2 ? 126 : 127));
	for (size_t i = bytes; i-- > 0;)
		out[at++] = (unsigned char)((uint64_t)n >> (8 * i));
	memcpy(out + at, &mask, sizeof(mask));
	return at + sizeof(mask);
}

void websocket_frame_mask(unsigned char *p, size_t n, uint32_t mask)
{
	uint64_t twice = (uint64_t)mask << 32 | mask, x;
	unsigned char bytes[sizeof(mask)];

	for (; n >= sizeof(x); p += sizeof(x), n -= sizeof(x)) {
		memcpy(&x, p, sizeof(x));
		x ^= twice;
		memcpy(p, &x, sizeof(x));
	}
	memcpy(bytes, &mask, sizeof(mask));
	for (size_t i = 0; i < n; i++)
		p[i] ^= bytes[i % sizeof(mask)];
}

/* ---- the upgrade ------------------------------------------------------------------------- */

void websocket_upgrade_key(const unsigned char noise[16], char key[WEBSOCKET_KEY_MAX])
{
	EVP_EncodeBlock((unsigned char *)key, noise, 16);
}

void websocket_upgrade_request(
	struct str *out, const char *authority, const char *path, const char *key)
{
	str_addf(out,
		"GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
		path, authority, key);
}

/* The value of the first line of that name, without blanks around it; n = 0 when there is none. */
static const char *header_find(const char *head, const char *name, size_t *n)
{
	size_t length = strlen(name);

	*n = 0;
	for (const char *p = strstr(head, "\r\n"); p && p[2] != '\r'; p = strstr(p + 2, "\r\n")) {
		const char *value = p + 2 + length + 1;

		if (strncasecmp(p + 2, name, length) != 0 || p[2 + length] != ':')
			continue;
		value += strspn(value, " \t");
		*n = strcspn(value, "\r\n");
		while (*n && (value[*n - 1] == ' ' || value[*n - 1] == '\t'))
			--*n;
		return value;
	}
	return NULL;
}

static bool header_is(const char *head, const char *name, const char *wanted, bool any_case)
{
	size_t n;
	const char *value = header_find(head, name, &n);

	if (!value || n != strlen(wanted))
		return false;
	return (any_case ? strncasecmp(value, wanted, n) : strncmp(value, wanted, n)) == 0;
}

/* What a server proves that it has read our key with: RFC 6455 §4.2.2. */
static bool accept_of(const char *key, char out[64])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char hash[EVP_MAX_MD_SIZE];
	char text[WEBSOCKET_KEY_MAX + sizeof(guid)];
	size_t size = 0, n = strnlen(key, WEBSOCKET_KEY_MAX - 1);

	memcpy(text, key, n);
	memcpy(text + n, guid, sizeof(guid));
	if (!EVP_Q_digest(NULL, "SHA1", NULL, text, n + sizeof(guid) - 1, hash, &size) || size > 40)
		return false;
	EVP_EncodeBlock((unsigned char *)out, hash, (int)size);
	return true;
}

bool websocket_upgrade_accepted(struct str *why, const char *head, const char *key)
{
	char accept[64];
	size_t n;

	if (strncmp(head, "HTTP/1.1 ", 9) != 0) {
		str_add(why, "what answered the upgrade does not speak HTTP");
		return false;
	}
	if (strncmp(head + 9, "101", 3) != 0) {
		str_addf(why, "the server answered the upgrade with %.3s", head + 9);
		return false;
	}
	if (!header_is(head, "Upgrade", "websocket", true) ||
		!header_is(head, "Connection", "upgrade", true) || !accept_of(key, accept) ||
		!header_is(head, "Sec-WebSocket-Accept", accept, false)) {
		str_add(why, "the server's answer to the upgrade is not one to ours");
		return false;
	}
	if (header_find(head, "Sec-WebSocket-Extensions", &n) ||
		header_find(head, "Sec-WebSocket-Protocol", &n)) {
		str_add(why, "the server wants an extension that nobody asked for");
		return false;
	}
	return true;
}
