#ifndef STORE_RELATIONS_H
#define STORE_RELATIONS_H
/* Who may see a protected incident, who follows which, what belongs together, what tools have found. */
#include "store/store.h"

/* Need to know (FEATURES G2): granted and revoked by name. */
struct grant {
	const char *person, *by;
	int64_t at;
};
int access_grant(struct store *s, int64_t incident, const char *person, const char *by, int64_t now, struct error *err); /* -EEXIST */
int access_revoke(struct store *s, int64_t incident, const char *person, struct error *err); /* -ENOENT */
int access_has(struct store *s, int64_t incident, const char *person, bool *has, struct error *err);
int access_list(struct store *s, struct arena *a, int64_t incident, struct grant **out, size_t *count, struct error *err);

/* Stakeholders (E7): topic is "incident/42", "service/checkout" or "all". */
int subscription_add(struct store *s, const char *person, const char *topic, int64_t now, struct error *err); /* -EEXIST */
int subscription_remove(struct store *s, const char *person, const char *topic, struct error *err); /* -ENOENT */
/* Everybody who follows the incident by any topic, each once, by key; of a private incident only those who may see
 * it. services: comma-separated. */
int subscription_people(struct store *s, struct arena *a, int64_t incident, const char *services,
	const char ***people, size_t *count, struct error *err);
int subscription_topics(struct store *s, struct arena *a, const char *person, const char ***topics, size_t *count, struct error *err);

/* B5: related, or duplicate (from merged into to). */
enum link_kind { LINK_RELATED, LINK_DUPLICATE };
struct incident_link {
	int64_t from, to;
	enum link_kind kind;
	const char *by;
	int64_t at;
};
int link_put(struct store *s, const struct incident_link *l, struct error *err);        /* upsert by the pair, whichever way it pointed */
int link_remove(struct store *s, int64_t a, int64_t b, struct error *err);              /* either direction; -ENOENT */
int link_list(struct store *s, struct arena *a, int64_t incident, struct incident_link **out, size_t *count, struct error *err); /* both directions */

/* B7: an outside tool's finding about one resource. */
struct diagnosis {
	int64_t id;
	int64_t incident;    /* 0 = not attached yet */
	const char *tool, *kind, *name, *summary, *evidence, *url, *by;
	int64_t at;
};
int diagnosis_insert(struct store *s, struct diagnosis *d, struct error *err);
int diagnosis_attach(struct store *s, int64_t id, int64_t incident, struct error *err);
int diagnosis_load(struct store *s, struct arena *a, int64_t id, struct diagnosis *out, struct error *err); /* -ENOENT */
/* Newest first; limit 1–500. */
int diagnosis_list(struct store *s, struct arena *a, int64_t incident, int limit, struct diagnosis **out, size_t *count, struct error *err); /* incident 0: not attached */

#endif
