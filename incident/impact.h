#ifndef INCIDENT_IMPACT_H
#define INCIDENT_IMPACT_H
/*
 * Impact in figures and the scope table (FEATURES F3, F4). What is not known is said so: a negative
 * number, NULL, or TRI_UNKNOWN, never a zero that looks like knowledge. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

struct arena;

enum tri { TRI_UNKNOWN, TRI_NO, TRI_YES };
const char *tri_name(enum tri t); /* "unknown", "no", "yes" */
bool tri_parse(const char *text, enum tri *out); /* yes/y/true/confirmed …, no …, unknown/? */

struct impact_facts {
	int64_t users;           /* affected users; -1 unknown */
	int share_permille;      /* affected share; -1 unknown */
	char *journeys;          /* what they cannot do; NULL */
	int64_t began_at, ended_at; /* ms; 0 unknown */
	enum tri data_loss, data_corruption;
	char *critical_period;   /* business-critical period it falls into; NULL */
	char *revenue;           /* as people say it, with currency; NULL */
	int budget_permille;     /* error budget spent; -1 unknown */
	int64_t tickets;         /* support tickets; -1 unknown */
	bool paying_customer;    /* reported by a paying customer */
};
void impact_init(struct impact_facts *f); /* everything unknown */
/* As kept in the record, and back; an absent key is unknown. */
json_t *impact_json(const struct impact_facts *f);
int impact_read(struct arena *a, const char *text, struct impact_facts *out);
/* Takes what a sentence says out of it: "25% of checkouts, 1200 users since 14:02, no data loss". What is not said stays. */
void impact_from_text(struct arena *a, const char *text, const char *zone, int64_t now_ms,
	struct impact_facts *inout);

/* Does the text speak of data as lost or corrupted, for sure or as a suspicion ("possible data
 * loss", "data loss is not ruled out")? That is a concern (FEATURES C3), though no fact yet. */
bool impact_data_concern(const char *text);

enum scope_kind { SCOPE_GROUP, SCOPE_FAULT_DOMAIN, SCOPE_DEPENDENCY, SCOPE_CHANGE };
#define SCOPE_KIND_COUNT 4
const char *scope_kind_name(enum scope_kind k); /* "group", "fault-domain", "dependency", "change" */
bool scope_kind_parse(const char *name, enum scope_kind *out); /* synonyms: tenant, users; zone, region; dep; deploy, flag */

struct scope_entry {
	int64_t id, incident;
	enum scope_kind kind;
	enum tri affected;
	char *value;             /* "EU tenants"; "unknown" is a value */
	char *note;              /* NULL */
	char *by;                /* person */
	int64_t at;              /* ms */
};

#endif
