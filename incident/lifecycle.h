#ifndef INCIDENT_LIFECYCLE_H
#define INCIDENT_LIFECYCLE_H
/*
 * States of an incident and the one transition table (FEATURES B2).
 *
 *   triage → investigating → identified → mitigating → monitoring → resolved → closed
 *      └──────────── any of the active ones ────────────→ cancelled, auto_resolved
 *   resolved, closed, cancelled, auto_resolved → investigating (reopened)
 *
 * Skipping forward is allowed and recorded; going back among the active states is allowed (a wrong
 * diagnosis is no shame) and recorded too.
 */
#include <stdbool.h>

enum incident_state {
	STATE_TRIAGE,
	STATE_INVESTIGATING,
	STATE_IDENTIFIED,
	STATE_MITIGATING,
	STATE_MONITORING,
	STATE_RESOLVED,
	STATE_CLOSED,
	STATE_CANCELLED,
	STATE_AUTO_RESOLVED,
};
#define STATE_COUNT 9

const char *state_name(enum incident_state s); /* "auto_resolved" */
bool state_parse(const char *name, enum incident_state *out);
bool state_active(enum incident_state s);      /* triage … monitoring: promises run */
bool state_legal(enum incident_state from, enum incident_state to);
/* Does the move leave out states between? (recorded) */
bool state_skips(enum incident_state from, enum incident_state to);

struct str;
void state_list_legal(enum incident_state from, struct str *out); /* "identified, mitigating, …" */

#endif
