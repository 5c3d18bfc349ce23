#include "frame.h"

#include <stdint.h>

#include <openssl/evp.h>

#define KEY_LEN 24

static size_t head_put(unsigned char head[10], int opcode, size_t n)
{
	size_t wide = n > UINT16_MAX ? 8 : n > 125 ? 2 : 0;

	head[0] = (unsigned char)(0x80 | opcode);
	head[1] = (unsigned char)(wide == 8 ? 127 : wide == 2 ? 126 : n);
	for (size_t i = 0; i < wide; i++)
		head[2 + i] = (unsigned char)((uint64_t)n >> (8 * (wide - 1 - i)));
	return 2 + wide;
}

void frame_put(struct bytes *out, int opcode, const char *p, size_t n)
{
	unsigned char head[10];

	bytes_add(out, head, head_put(head, opcode, n));
	bytes_add(out, p, n);
}

/* Eight bytes at a time: acks are most of what the generator reads. */
static void unmask(char *p, size_t n, const unsigned char mask[4])
{
	uint64_t wide, eight;
	size_t i = 0;

	memcpy(&wide, mask, 4);
	wide |= wide << 32;
	for (; i + 8 <= n; i += 8) {
		memcpy(&eight, p + i, 8);
		eight ^= wide;
		memcpy(p + i, &eight, 8);
	}
	for (; i < n; i++)
		p[i] = (char)((unsigned char)p[i] ^ mask[i & 3]);
}

int frame_get(char *p, size_t n, struct frame *f, size_t *used)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t wide, head;
	uint64_t len = 0;

	if (n < 2)
		return 0;
	if (!(u[1] & 0x80) || (u[0] & 0x70))
		return -1;
	wide = (u[1] & 0x7f) == 127 ? 8 : (u[1] & 0x7f) == 126 ? 2 : 0;
	head = 2 + wide + 4;
	if (n < head)
		return 0;
	for (size_t i = 0; i < wide; i++)
		len = len << 8 | u[2 + i];
	if (!wide)
		len = u[1] & 0x7f;
	if (len > FRAME_MAX)
		return -1;
	if (n - head < len)
		return 0;
	*f = (struct frame){
		.opcode = u[0] & 0xf, .last = u[0] & 0x80, .p = p + head, .n = (size_t)len
	};
	unmask(f->p, f->n, u + head - 4);
	*used = head + f->n;
	return 1;
}

bool frame_accept_key(const char *key, size_t n, char out[32])
{
	static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char text[KEY_LEN + sizeof(magic)], digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (n != KEY_LEN)
		return false;
	memcpy(text, key, KEY_LEN);
	memcpy(text + KEY_LEN, magic, sizeof(magic) - 1);
	if (!EVP_Digest(text, KEY_LEN + sizeof(magic) - 1, digest, &len, EVP_sha1(), NULL))
		return false;
	EVP_EncodeBlock((unsigned char *)out, digest, (int)len);
	return true;
}
