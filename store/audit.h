#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H
/*
 * The audit chain (FEATURES O1): every change is an entry, hash = SHA-256 over the previous hash and
 * the entry's fields, each with its length in front (8 bytes, big-endian; numbers are 8 bytes; NULL has the length 2^64 - 1).
 * Verification finds any edit, gap or cut: the end of the chain (count, hash) is marked in `cursor` by every commit, and
 * the chain goes on from that mark, so that a cut stays visible as a gap. Whoever can write the file, knows all
 * this and recomputes every hash and the mark after it cannot be found out from the file alone: that takes a
 * copy of the mark kept elsewhere.
 */
#include "base/str.h"
#include "store/store.h"

struct audit_entry {
	int64_t id;           /* consecutive from 1 */
	int64_t at;           /* ms */
	const char *entity;   /* "incident", "effect", "config" … */
	int64_t entity_id;
	const char *level;    /* "info", "warn", "error" */
	const char *action;   /* "incident.declared" */
	const char *actor;    /* person */
	const char *meta;     /* JSON text; NULL */
};

/* Within store_begin … store_commit only. */
int audit_append(struct store *s, struct audit_entry *e, struct error *err); /* sets e->id */
int audit_list(struct store *s, struct arena *a, int64_t incident, int limit, struct audit_entry **out, size_t *count, struct error *err);
/* 0 and the number of entries, or -EBADMSG with what was found where. */
int audit_verify(struct store *s, int64_t *entries, struct error *err);

#endif
