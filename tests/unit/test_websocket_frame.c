#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "adapters/websocket_frame.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* The pieces as text: "T[hel]T[lo]!" is a message in two pieces, ! its end; P, p, C: ping, pong, close. */
static int read_all(const char *p, size_t n, size_t step, struct str *out, const char **why)
{
	struct websocket_reader r = { 0 };

	for (size_t at = 0; at < n; at += step) {
		const char *from = p + at, *end = p + (at + step < n ? at + step : n);
		struct websocket_piece piece;
		int rc;

		while ((rc = websocket_reader_next(&r, &from, end, &piece, why)) > 0) {
			char kind = "?TB?????CPp"[piece.opcode];

			str_addf(out, "%c[%.*s]%s", kind, (int)piece.n, piece.p,
				kind != 'T' && kind != 'B' ? "" : piece.final ? "!" : "");
		}
		if (rc < 0)
			return rc;
		assert_ptr_equal(from, end);
	}
	return 0;
}

static void test_reading(void **state)
{
	static const char bytes[] = "\x81\x05hello" "\x01\x03one" "\x89\x01x" "\x00\x00" "\x80\x03two"
				    "\x82\x01" "b" "\x81\x00" "\x8a\x00" "\x88\x04\x03\xe8" "by";
	static const char whole[] = "T[hello]!T[one]P[x]T[]T[two]!B[b]!T[]!p[]C[\x03\xe8" "by]";
	struct str STR_CLEANUP out = { 0 };
	const char *why;

	(void)state;
	str_init(&out, 10000);
	assert_int_equal(read_all(bytes, sizeof(bytes) - 1, sizeof(bytes), &out, &why), 0);
	assert_string_equal(out.p, whole);
	str_reset(&out);
	assert_int_equal(read_all(bytes, sizeof(bytes) - 1, 1, &out, &why), 0);
	assert_non_null(strstr(out.p, "T[h]T[e]T[l]T[l]T[o]!"));
	assert_non_null(strstr(out.p, "P[x]"));
	assert_non_null(strstr(out.p, "C[\x03\xe8" "by]"));
}

static void test_broken(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} cases[] = {
		{ "\x83\x00", 2 },	       /* unknown kinds */
		{ "\x8b\x00", 2 },
		{ "\xc1\x00", 2 },	       /* reserved bits */
		{ "\x81\x81" "abcdx", 7 },     /* masked */
		{ "\x80\x00", 2 },	       /* continues nothing */
		{ "\x01\x01" "a\x81\x01" "b", 6 }, /* begins another */
		{ "\x09\x00", 2 },	       /* a ping in pieces */
		{ "\x89\x7e\x00\x7e", 4 },     /* a long ping */
		{ "\x81\x7f\xff\0\0\0\0\0\0\0", 10 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t step = 1; step <= cases[i].n; step++) {
			struct str STR_CLEANUP out = { 0 };
			const char *why = NULL;

			str_init(&out, 1000);
			assert_int_equal(read_all(cases[i].bytes, cases[i].n, step, &out, &why), -EPROTO);
			assert_non_null(why);
		}
}

static void test_writing(void **state)
{
	static const struct {
		size_t n, head;
	} cases[] = { { 0, 6 }, { 125, 6 }, { 126, 8 }, { 65535, 8 }, { 65536, 14 } };
	unsigned char head[WEBSOCKET_HEAD_MAX], text[] = "a text of some length", *p = text;
	uint32_t mask;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(websocket_frame_head(head, WEBSOCKET_TEXT, cases[i].n, 7), cases[i].head);
	assert_memory_equal(head, "\x81\xff\0\0\0\0\0\1\0\0", 10);
	memcpy(&mask, "\x37\xfa\x21\x3d", 4); /* RFC 6455 §5.7 */
	assert_int_equal(websocket_frame_head(head, WEBSOCKET_TEXT, 5, mask), 6);
	memcpy(text, "Hello", 5);
	websocket_frame_mask(text, 5, mask);
	assert_memory_equal(head, "\x81\x85\x37\xfa\x21\x3d", 6);
	assert_memory_equal(text, "\x7f\x9f\x4d\x51\x58", 5);
	for (size_t n = 0; n < sizeof(text); n++) {
		unsigned char copy[sizeof(text)];

		memcpy(copy, text, sizeof(text));
		websocket_frame_mask(p, n, mask);
		for (size_t i = 0; i < sizeof(text); i++)
			assert_int_equal(p[i], i < n ? (copy[i] ^ (unsigned char)"\x37\xfa\x21\x3d"[i % 4]) : copy[i]);
		memcpy(text, copy, sizeof(text));
	}
}

static void test_upgrade(void **state)
{
	static const char key[] = "dGhlIHNhbXBsZSBub25jZQ=="; /* RFC 6455 §1.3 */
	static const struct {
		const char *head;
		bool fine;
	} cases[] = {
		{ "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nCONNECTION:Upgrade \r\n"
		  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", true },
		{ "HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", false },
		{ "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		  "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", false },
		{ "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", false },
		{ "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
		  "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", false },
		{ "SSH-2.0\r\n\r\n", false },
		{ "HTTP/1.1 101\r\n\r\n", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str STR_CLEANUP why = { 0 };

		str_init(&why, 200);
		assert_int_equal(websocket_upgrade_accepted(&why, cases[i].head, key), cases[i].fine);
		assert_int_equal(why.len == 0, cases[i].fine);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_writing),
		cmocka_unit_test(test_upgrade),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
