#ifndef STORE_RESPONSE_H
#define STORE_RESPONSE_H
/* What a response leaves besides the incident row: packets, handovers, scope, engagements of tiers, confirmed wording. */
#include "incident/checkpoint.h"
#include "incident/escalation.h"
#include "incident/handover.h"
#include "incident/impact.h"
#include "store/store.h"

int checkpoint_insert(struct store *s, struct checkpoint *c, struct error *err);         /* sets id */
int checkpoint_latest(struct store *s, struct arena *a, int64_t incident, struct checkpoint *out, struct error *err); /* -ENOENT */
/* The newest `limit`, newest first. */
int checkpoint_list(struct store *s, struct arena *a, int64_t incident, int limit, struct checkpoint **out, size_t *count, struct error *err);

/* At most one offered handover an incident (-EEXIST). */
int handover_insert(struct store *s, struct handover *h, struct error *err);
/* -ENOENT: it is not there, or has ended already. */
int handover_end(struct store *s, int64_t id, enum handover_state state, int64_t now, struct error *err);
int handover_offered(struct store *s, struct arena *a, int64_t incident, struct handover *out, struct error *err); /* -ENOENT */
int handover_load(struct store *s, struct arena *a, int64_t id, struct handover *out, struct error *err);

/* Upsert by (incident, kind, value, any ASCII case). Sets id. A NULL note keeps the one that is there. */
int scope_put(struct store *s, struct scope_entry *e, struct error *err);
int scope_list(struct store *s, struct arena *a, int64_t incident, struct scope_entry **out, size_t *count, struct error *err);

struct engagement {
	int64_t id, incident;
	const char *tier;         /* name */
	enum engage_reason reason;
	const char *why;          /* words; NULL */
	const char *by;           /* person, PERSON_SELF for rules */
	int64_t at;
	const char *acknowledged_by; /* NULL */
	int64_t acknowledged_at;
};
int engagement_insert(struct store *s, struct engagement *e, struct error *err); /* -EEXIST: same tier and reason already */
int engagement_acknowledge(struct store *s, int64_t incident, const char *tier, const char *person, int64_t now, struct error *err); /* -ENOENT: nothing open */
int engagement_list(struct store *s, struct arena *a, int64_t incident, struct engagement **out, size_t *count, struct error *err);

/* Wording for customers: goes out only when the communications lead confirms it (E7). */
struct customer_note {
	int64_t id, incident;
	const char *text, *by;
	int64_t at;
	const char *confirmed_by; /* NULL */
	int64_t confirmed_at;
	bool dropped;
};
int customer_note_insert(struct store *s, struct customer_note *n, struct error *err);
int customer_note_load(struct store *s, struct arena *a, int64_t id, struct customer_note *out, struct error *err);
/* confirmed_by NULL: dropped. -ENOENT: it is not there, or was decided already. */
int customer_note_end(struct store *s, int64_t id, const char *confirmed_by, int64_t now, struct error *err);

#endif
