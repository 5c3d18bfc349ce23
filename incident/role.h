#ifndef INCIDENT_ROLE_H
#define INCIDENT_ROLE_H
/* Roles of responders (FEATURES D1). Which there are is policy; these four are shipped. */
#include <stddef.h>
#include <stdint.h>

#define ROLE_MAX        12
#define ROLE_NAMES_MAX  6
#define ROLE_COMMANDER  "commander"
#define ROLE_COMMS      "communications"
#define ROLE_OPERATIONS "operations"
#define ROLE_SCRIBE     "scribe"

struct role_policy {
	const char *key;                    /* "commander" */
	const char *title;                  /* "Incident commander" */
	const char *names[ROLE_NAMES_MAX];  /* synonyms people type: ic, commander, … */
	const char *purpose;                /* what the new holder is told */
};

struct role_table {
	struct role_policy role[ROLE_MAX];
	size_t count;
};

/* By key, title or synonym, any case; NULL when none. */
const struct role_policy *role_find(const struct role_table *t, const char *word);

/* Who holds what on one incident now. */
struct role_holder {
	const char *role;   /* key */
	const char *person;
	int64_t since;      /* ms */
};
struct role_set {
	struct role_holder *holder;
	size_t count;
};
const char *role_person(const struct role_set *set, const char *role); /* NULL when unclaimed */

#endif
