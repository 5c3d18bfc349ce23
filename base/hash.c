#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

uint64_t hash_seed(void)
{
	uint64_t seed;

	while (getrandom(&seed, sizeof(seed), 0) < 0)
		if (errno != EINTR)
			abort();
	return seed;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hash_bytes(uint64_t seed, const void *p, size_t n)
{
	const char *bytes = p;
	uint64_t hash = seed ^ n;

	for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
		uint64_t word = 0;

		memcpy(&word, bytes + i, n - i < sizeof(word) ? n - i : sizeof(word));
		hash = mix(hash ^ word, UINT64_C(0x9e3779b97f4a7c15));
	}
	return hash ^ hash >> 32;
}
