#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H
/* What a fuzz target needs. A broken promise of the code under test ends the process, in every kind
 * of build. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/* The input as a string of its exact size, so that the sanitizer sees a read behind it. */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);

	if (!s)
		abort();
	if (size)
		memcpy(s, data, size);
	s[size] = '\0';
	return s;
}

/* A target of several parts: the first byte of the input chooses, by its letter where it is one of these. */
typedef void fuzz_part(const uint8_t *data, size_t size);
static inline void fuzz_choose(const char *letters, fuzz_part *const part[], const uint8_t *data, size_t size)
{
	const char *at;

	if (!size)
		return;
	at = *data ? strchr(letters, *data) : NULL;
	part[at ? (size_t)(at - letters) : *data % strlen(letters)](data + 1, size - 1);
}

#endif
