#ifndef BASE_BASE64_H
#define BASE_BASE64_H
/* Base 64 as RFC 4648 §4 has it, taken strictly: the standard alphabet, padded, no blanks, no bits
 * that say nothing. */
#include <stdbool.h>
#include <stddef.h>

#define BASE64_BYTES_MAX(n) ((n) / 4 * 3) /* that n characters can stand for */

/* out: BASE64_BYTES_MAX(n) bytes. False: it is no base 64; what is in out then means nothing. */
bool base64_decode(const char *p, size_t n, unsigned char *out, size_t *len);

#endif
