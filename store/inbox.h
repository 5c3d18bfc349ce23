#ifndef STORE_INBOX_H
#define STORE_INBOX_H
/* Delivery keys seen, each with the reply it got (DESIGN §1: a repeated delivery gets the stored reply again). */
#include "store/store.h"

/* The stored reply of the first of keys that was seen, on the arena; -ENOENT when all are new. A reply stored as NULL gives "". */
int inbox_find(struct store *s, struct arena *a, const char *const *keys, size_t n, char **reply, struct error *err);
/* Stores this reply under all of the keys, each one line and new (-EINVAL, -EEXIST). */
int inbox_add(struct store *s, const char *const *keys, size_t n, const char *reply, int64_t now, struct error *err);
/* Forgets what is older than `before`, at most `max` deliveries with all their keys; *left tells whether more is there. */
int inbox_prune(struct store *s, int64_t before, int max, bool *left, struct error *err);

#endif
