#ifndef STORE_REFERENCES_H
#define STORE_REFERENCES_H
/* What the record is called outside (FEATURES H1): channel, card, announcement, bookmarks; later issues. */
#include "store/store.h"

struct reference {
	int64_t id;
	int64_t incident;
	const char *system;   /* "slack" */
	const char *slot;     /* "channel", "card", "announcement", "bookmark:…", unique within incident and system */
	const char *key;      /* outside key: "slack:C123", "slack:C123/1700.1" */
	const char *url;      /* NULL */
	const char *state;    /* "pending", "synced", "conflict", "failed" */
	const char *error;    /* last; NULL */
	const char *synced;   /* JSON text of last synced values; NULL */
	int64_t created_at, synced_at; /* ms */
};

int reference_put(struct store *s, const struct reference *r, struct error *err); /* upsert by (incident, system, slot) */
int reference_get(struct store *s, struct arena *a, int64_t incident, const char *system, const char *slot,
	struct reference *out, struct error *err); /* -ENOENT */
int reference_by_key(struct store *s, struct arena *a, const char *key, struct reference *out, struct error *err); /* -ENOENT */
int reference_list(struct store *s, struct arena *a, int64_t incident, struct reference **out, size_t *count, struct error *err);
int reference_delete(struct store *s, int64_t id, struct error *err);

#endif
