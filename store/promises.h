#ifndef STORE_PROMISES_H
#define STORE_PROMISES_H
#include "incident/promise.h"
#include "store/store.h"

/* An open one; at most one of a kind is, on an incident (-EEXIST). */
int promise_insert(struct store *s, struct promise *p, struct error *err);
/* The one of its incident, kind and number; ended, it gets another number. */
int promise_save(struct store *s, const struct promise *p, struct error *err);
/* The open one of the kind; -ENOENT when there is none. */
int promise_open_of(struct store *s, int64_t incident, enum promise_kind kind, struct promise *out, struct error *err);
/* All of an incident, oldest first. */
int promise_list(struct store *s, struct arena *a, int64_t incident, struct promise **out, size_t *count, struct error *err);

#endif
