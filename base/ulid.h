#ifndef BASE_ULID_H
#define BASE_ULID_H
/* ULID: 48 bits of time, 80 of getrandom, Crockford base 32. Sorts by time. */
#include <stdint.h>

#define ULID_SIZE 27 /* 26 characters and NUL */

void ulid_make(char out[ULID_SIZE], int64_t now_ms);

#endif
