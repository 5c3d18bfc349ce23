#ifndef STORE_INCIDENTS_H
#define STORE_INCIDENTS_H
#include "incident/incident.h"
#include "incident/role.h"
#include "store/store.h"

/* Numbers from here on are those of protected incidents: drawn at random by the caller, up to
 * INCIDENT_PROTECTED_LAST, so that nobody can count or guess them. */
#define INCIDENT_PROTECTED_FIRST 1000000
#define INCIDENT_PROTECTED_LAST  999999999
/* Sets inc->id and revision. An id that is set is used as it is (-EEXIST when it is taken); with 0 it
 * is the next after the highest ordinary one, whatever protected ones there are. */
int incident_insert(struct store *s, struct incident *inc, struct error *err);
/* Everything but id. revision grows by one. -ENOENT when it is not there, -ESTALE when it was saved by
 * another copy since this one was loaded (nothing is changed then). */
int incident_save(struct store *s, struct incident *inc, struct error *err);
/* Strings on the arena. -ENOENT (err says "there is no INC-7"). */
int incident_load(struct store *s, struct arena *a, int64_t id, struct incident *out, struct error *err);

struct incident_filter {
	bool open_only;          /* active states */
	int severity;            /* 0 = any */
	int state;               /* -1 = any; an enum incident_state otherwise */
	const char *service;     /* NULL = any */
	const char *environment;
	const char *source;
	const char *person;      /* holds a role on it, or reported it */
	const char *text;        /* every word of it (the first 4) in title, impact or services, any ASCII case */
	int64_t since, until;    /* declared_at; 0 = open-ended */
	int64_t before_id;       /* paging: only what comes behind it in the list; 0 = from the start */
	int limit;               /* 1–500 */
	/* Private ones are found only if the viewer holds a role on it or has access. */
	const char *viewer;      /* person; NULL: nobody, no private ones */
	bool sees_all;           /* private ones whoever looks */
};
void incident_filter_init(struct incident_filter *f); /* any state, limit 20 */
/* Newest first (by declared_at with since or until, else by id); by severity, then newest, when open_only. *out is on the arena. */
int incident_find(struct store *s, struct arena *a, const struct incident_filter *f,
	struct incident **out, size_t *count, struct error *err);
/* As many as incident_find would find for this viewer. */
int incident_count_open(struct store *s, const char *viewer, bool sees_all, int64_t *count, struct error *err);

/* Roles: one holder per role; history stays in the audit and timeline. */
int role_assign(struct store *s, int64_t incident, const char *role, const char *person, int64_t now, struct error *err);
int role_release(struct store *s, int64_t incident, const char *role, struct error *err); /* -ENOENT when unclaimed */
int role_list(struct store *s, struct arena *a, int64_t incident, struct role_set *out, struct error *err);

#endif
