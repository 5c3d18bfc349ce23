#ifndef STORE_PROMISES_H
#define STORE_PROMISES_H
#include "incident/promise.h"
#include "store/store.h"

/* At most one open promise of a kind on an incident (-EEXIST). Sets p->id. */
int promise_insert(struct store *s, struct promise *p, struct error *err);
int promise_save(struct store *s, const struct promise *p, struct error *err);
int promise_load(struct store *s, int64_t id, struct promise *out, struct error *err);
/* The open one of the kind; -ENOENT when there is none. */
int promise_open_of(struct store *s, int64_t incident, enum promise_kind kind, struct promise *out, struct error *err);
/* All of an incident, oldest first. */
int promise_list(struct store *s, struct arena *a, int64_t incident, struct promise **out, size_t *count, struct error *err);

#endif
