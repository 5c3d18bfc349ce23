#ifndef INCIDENT_CHECKPOINT_H
#define INCIDENT_CHECKPOINT_H
/*
 * The checkpoint packet (FEATURES D4): what the next commander must know. One line:
 *	state: rolling back; hypothesis: bad config; impact: EU checkout 25 %; in flight: rollback by @bob;
 *	decision: fail over at 15:00?; next decision: 15:00
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct arena;

struct checkpoint {
	int64_t id, incident;
	int64_t at;               /* ms */
	char *by;                 /* person */
	char *situation;          /* "state": where it stands */
	char *hypothesis;
	char *impact;             /* customer impact */
	char *in_flight;          /* actions in flight */
	char *decision;           /* decision point of the user */
	char *cadence;            /* comms cadence */
	int64_t next_decision_at; /* ms; 0 = not said */
};

/* Sections in any order and case; text before the first is the situation. */
void checkpoint_parse(struct arena *a, const char *text, const char *zone, int64_t now_ms,
	struct checkpoint *out);
/* Names of the sections that are still empty, comma-separated ("hypothesis, next decision"); "" when complete. Cadence is filled by the bot. */
void checkpoint_missing(const struct checkpoint *c, struct str *out);
/* Is it young enough for a handover? */
bool checkpoint_fresh(const struct checkpoint *c, int64_t now_ms, int64_t max_age_ms);

#endif
