#include "base/base64.h"

#include <stdint.h>

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* The first `count` characters of a group, as bits; the others count as zeros. */
static bool base64_group(const char *p, size_t count, uint32_t *bits)
{
	*bits = 0;
	for (size_t i = 0; i < 4; i++) {
		int value = i < count ? base64_value(p[i]) : 0;

		if (value < 0)
			return false;
		*bits = *bits << 6 | (uint32_t)value;
	}
	return true;
}

bool base64_decode(const char *p, size_t n, unsigned char *out, size_t *len)
{
	size_t pads = 0, at = 0;
	uint32_t bits;

	*len = 0;
	if (n % 4 != 0)
		return false;
	if (n && p[n - 1] == '=')
		pads = p[n - 2] == '=' ? 2 : 1;
	for (size_t i = 0; i < n; i += 4) {
		size_t left = i + 4 == n ? pads : 0;

		if (!base64_group(p + i, 4 - left, &bits) || (bits & ((1u << 8 * left) - 1)))
			return false;
		for (size_t b = 0; b < 3 - left; b++)
			out[at++] = (unsigned char)(bits >> (16 - 8 * b));
	}
	*len = at;
	return true;
}
