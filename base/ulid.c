#include "base/ulid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define NOISE 10 /* bytes */
#define STOCK (25 * NOISE)

static const char ulid_digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Taken from the kernel for several ids at once. */
static void noise_take(unsigned char out[NOISE])
{
	static _Thread_local unsigned char stock[STOCK];
	static _Thread_local size_t left;
	ssize_t n;

	while (left == 0) {
		n = getrandom(stock, sizeof(stock), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof(stock))
			abort(); /* up to 256 bytes come whole, or the kernel has no random numbers */
		left = sizeof(stock);
	}
	left -= NOISE;
	memcpy(out, stock + left, NOISE);
}

void ulid_make(char out[ULID_SIZE], int64_t now_ms)
{
	uint64_t time = now_ms < 0 ? 0 : (uint64_t)now_ms & ((UINT64_C(1) << 48) - 1);
	unsigned char noise[NOISE];

	noise_take(noise);
	for (int i = 9; i >= 0; i--, time >>= 5)
		out[i] = ulid_digits[time & 31];
	for (int half = 0; half < 2; half++) {
		uint64_t bits = 0;

		for (int i = 0; i < 5; i++)
			bits = bits << 8 | noise[half * 5 + i];
		for (int i = 7; i >= 0; i--, bits >>= 5)
			out[10 + half * 8 + i] = ulid_digits[bits & 31];
	}
	out[ULID_SIZE - 1] = '\0';
}
