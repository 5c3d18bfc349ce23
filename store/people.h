#ifndef STORE_PEOPLE_H
#define STORE_PEOPLE_H
/* People as far as we know them: display name and zone, fetched once from the chat and refreshed. */
#include "store/store.h"

struct person {
	const char *key;   /* "slack:U123" */
	const char *name;  /* "bob"; NULL */
	const char *zone;  /* IANA; NULL */
	const char *email; /* NULL */
	int64_t seen_at;   /* ms, last fetched; 0 = never */
};

int person_get(struct store *s, struct arena *a, const char *key, struct person *out, struct error *err); /* -ENOENT */
int person_put(struct store *s, const struct person *p, struct error *err); /* NULL fields keep what is there */
int person_by_name(struct store *s, struct arena *a, const char *name, struct person *out, struct error *err); /* any case; -ENOENT */

/* Small durable marks: "alive" (last sign of life), poll cursors. */
int cursor_get(struct store *s, struct arena *a, const char *name, char **value, struct error *err); /* -ENOENT */
int cursor_put(struct store *s, const char *name, const char *value, struct error *err);

#endif
