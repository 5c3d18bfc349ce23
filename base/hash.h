#ifndef BASE_HASH_H
#define BASE_HASH_H
/* For tables in memory only: the same bytes have another hash in another process. */
#include <stddef.h>
#include <stdint.h>

uint64_t hash_seed(void); /* random, so that nobody outside can choose what collides */
uint64_t hash_bytes(uint64_t seed, const void *p, size_t n); /* its low bits serve as well as all of it */

#endif
