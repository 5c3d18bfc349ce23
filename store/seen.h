#ifndef STORE_SEEN_H
#define STORE_SEEN_H
/*
 * Which row of the inbox has a key, in memory, so that a new key costs no search and no tree of keys
 * is written at random places. A hint only: what it names is confirmed by the row, so an entry whose
 * row was undone, or is another's by now, does no harm. An entry must never be missing.
 */
#include <stddef.h>
#include <stdint.h>

struct seen;

struct seen *seen_create(void);
void seen_destroy(struct seen *s); /* accepts NULL */
void seen_add(struct seen *s, const char *key, size_t n, int64_t row); /* row > 0 */
/* The next row that may have the key, 0 when there is none; *at = 0 begins. */
int64_t seen_next(const struct seen *s, const char *key, size_t n, size_t *at);
void seen_drop(struct seen *s, int64_t last); /* all of the rows up to this one */

#endif
