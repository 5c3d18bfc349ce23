#ifndef STORE_LEARNING_H
#define STORE_LEARNING_H
/* What is learned: versions of postmortems, follow-ups, causes. */
#include "incident/followup.h"
#include "incident/recurrence.h"
#include "incident/review.h"
#include "store/store.h"

/* Versions are only added. Sets r->version. */
int review_insert(struct store *s, struct review *r, struct error *err);
int review_latest(struct store *s, struct arena *a, int64_t incident, struct review *out, struct error *err); /* -ENOENT */
int review_load(struct store *s, struct arena *a, int64_t incident, int64_t version, struct review *out, struct error *err); /* -ENOENT */
struct review_version { int64_t version; enum review_state state; const char *author; int64_t at; };
int review_versions(struct store *s, struct arena *a, int64_t incident, struct review_version **out, size_t *count, struct error *err); /* newest first */

int followup_insert(struct store *s, struct followup *f, struct error *err); /* sets id */
int followup_save(struct store *s, const struct followup *f, struct error *err); /* -ENOENT */
int followup_load(struct store *s, struct arena *a, int64_t id, struct followup *out, struct error *err); /* -ENOENT */
struct followup_filter {
	int64_t incident;        /* 0 = any */
	const char *owner;       /* NULL = any */
	const char *service;     /* of its incident; NULL = any */
	const char *environment; /* NULL = any */
	int state;               /* -1 = any */
	int64_t due_before;      /* 0 = any: only those with a due date before */
	int64_t since;           /* created; 0 = any */
	const char *viewer;      /* as incident_filter: of private incidents only what they may see; */
	bool sees_all;
	int limit;               /* 1–1000 */
};
void followup_filter_init(struct followup_filter *f); /* open ones, limit 100 */
/* By due date (none last), priority, id. */
int followup_find(struct store *s, struct arena *a, const struct followup_filter *f, struct followup **out, size_t *count, struct error *err);
int followup_count(struct store *s, const struct followup_filter *f, int64_t *count, struct error *err);

int cause_put(struct store *s, const struct cause *c, const char *by, struct error *err); /* upsert by incident; services and at come from the incident */
int cause_get(struct store *s, struct arena *a, int64_t incident, struct cause *out, struct error *err); /* -ENOENT */
/* Earlier incidents (declared in [since, before)) that may be the same again: same class or same fingerprint; never private ones, drills, cancelled or merged. */
int cause_alike(struct store *s, struct arena *a, const struct cause *c, int64_t since, int64_t before, int limit, struct cause **out, size_t *count, struct error *err);

/* Is the service named by any incident? (the gate: an unknown one is an error) */
int service_known(struct store *s, const char *service, bool *known, struct error *err);

#endif
