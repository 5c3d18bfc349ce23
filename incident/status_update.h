#ifndef INCIDENT_STATUS_UPDATE_H
#define INCIDENT_STATUS_UPDATE_H
/*
 * A status update (FEATURES E1) out of one line of text:
 *   "rolling back v2.31, cause not known yet. in 20m"
 *   "known: bad config; unknown: why canary passed; impact: EU checkout; doing: rollback; next: verify; in 20m"
 * Section words: known, unknown, impact, doing|mitigation|action(s), next|next steps. Text before the first section is `known`.
 * A last "in 20m", "next in 20m", "next update 14:50", "next update in 20m" is the promise. Pure.
 */
#include <stdint.h>

struct arena;

struct status_update {
	char *known, *unknown, *impact, *doing, *next; /* NULL when not said */
	int64_t next_at; /* ms; 0 = not said: the cadence decides */
};

void status_update_parse(struct arena *a, const char *text, const char *zone, int64_t now_ms,
	struct status_update *out);

#endif
