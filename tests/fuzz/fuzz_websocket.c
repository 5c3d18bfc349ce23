/* The reader of frames: bytes that come one by one say what they say at once, and nothing is read behind them.
 * The answer to the upgrade: any head is taken or refused in words. */
#include "adapters/websocket_frame.h"
#include "tests/fuzz/fuzz.h"

/* What was read, messages put together again; rc of the end. */
static int read_all(const char *p, size_t n, size_t step, struct str *said)
{
	struct websocket_reader r = { 0 };
	struct websocket_piece piece;
	const char *why = NULL;
	int rc = 0;

	for (size_t at = 0; at < n && rc >= 0; at += step) {
		const char *from = p + at, *end = p + (n - at < step ? n : at + step);

		while ((rc = websocket_reader_next(&r, &from, end, &piece, &why)) > 0) {
			MUST(piece.n <= n && from <= end);
			if (piece.opcode >= WEBSOCKET_CLOSE)
				MUST(piece.final && piece.n <= WEBSOCKET_CONTROL_MAX);
			str_addf(said, "%d:", (int)piece.opcode);
			for (size_t i = 0; i < piece.n; i++)
				str_addf(said, "%02x", (unsigned char)piece.p[i]);
			str_add(said, piece.final ? ".\n" : "\n");
		}
		MUST(rc < 0 || from == end);
	}
	MUST(rc == 0 || why);
	return rc;
}

static void frames(const uint8_t *data, size_t size)
{
	struct str STR_CLEANUP whole = { 0 };
	struct str STR_CLEANUP steps = { 0 };
	char *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	memcpy(exact, data, size);
	str_init(&whole, 1u << 20);
	str_init(&steps, 1u << 20);
	MUST(read_all(exact, size, size ? size : 1, &whole) == read_all(exact, size, 1, &steps));
	/* only messages come in other pieces */
	MUST(whole.len <= steps.len);
	free(exact);
}

static void upgrade(const uint8_t *data, size_t size)
{
	struct str STR_CLEANUP why = { 0 };
	char *head = fuzz_string(data, size);

	str_init(&why, 200);
	MUST(websocket_upgrade_accepted(&why, head, "dGhlIHNhbXBsZSBub25jZQ==") == (why.len == 0));
	free(head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static fuzz_part *const part[] = { frames, upgrade };

	fuzz_choose("fu", part, data, size);
	return 0;
}
