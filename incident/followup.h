#ifndef INCIDENT_FOLLOWUP_H
#define INCIDENT_FOLLOWUP_H
/* Follow-ups: what somebody will have done by a date, and how anybody can tell (FEATURES K1). Pure. */
#include <stdbool.h>
#include <stdint.h>

#include "incident/promise.h"

enum followup_state { FOLLOWUP_OPEN, FOLLOWUP_DONE, FOLLOWUP_CANCELLED };
enum followup_class { FOLLOWUP_NO_CLASS, FOLLOWUP_PREVENT, FOLLOWUP_DETECT, FOLLOWUP_MITIGATE, FOLLOWUP_LEARN };
/* A repeated cause proposes a follow-up to a standard (I6). */
enum followup_standard {
	STANDARD_NONE, STANDARD_SLO, STANDARD_OBSERVABILITY, STANDARD_SAFE_CHANGE, STANDARD_AVAILABILITY, STANDARD_DEPENDENCY, STANDARD_PLATFORM,
};
#define FOLLOWUP_TITLE_MAX  300 /* bytes */
#define FOLLOWUP_PRIORITIES 4   /* P0–P3 */

struct followup {
	int64_t id;          /* F12 */
	int64_t incident;
	char *title;
	char *owner;         /* person; NULL: nobody yet */
	int priority;        /* 0–3 */
	int64_t due_at;      /* ms, the end of that day in the zone it was said in; 0 = none */
	enum followup_state state;
	enum followup_class class;
	enum followup_standard standard;
	char *signal;        /* completion signal: what will be seen when it is done; NULL */
	char *shown;         /* what it showed when it was closed; NULL */
	char *links;         /* blank-separated URLs; NULL */
	char *by;            /* person who made it */
	int64_t created_at, ended_at; /* ms */
	int said;            /* steps of the ladder that were said */
};

const char *followup_state_name(enum followup_state s);
bool followup_state_parse(const char *name, enum followup_state *out);
const char *followup_class_name(enum followup_class c); /* "prevent"; "" for none */
bool followup_class_parse(const char *name, enum followup_class *out);
const char *followup_standard_name(enum followup_standard s); /* "safe-change" */
bool followup_standard_parse(const char *name, enum followup_standard *out);
bool followup_overdue(const struct followup *f, int64_t now);
/* What of followups.yml is policy (config/schema.c). */
struct followup_policy {
	int priority[5];     /* by severity level 1–4: what a follow-up has unless somebody says otherwise */
	int64_t due_ms[FOLLOWUP_PRIORITIES]; /* likewise, from when it was made; 0: no due date */
	struct ladder remind; /* counted from the due time */
	int64_t again_ms;    /* after its last step, so often while it is overdue; 0: not any more */
	const char *tier;    /* of the escalation chain: who is told by steps for the tier; NULL: nobody */
	int64_t repeat_ms;   /* how far back a cause is looked for that comes back (I6) */
};

/* Reminders by the same ladders as promises (incident/promise.h): as a promise due at f->due_at. */
struct ladder_verdict followup_judge(const struct ladder *l, const struct followup *f, int64_t now);
/* The same, and after the last step again and again: `say` is then the count of the ladder. Of what came due together
 * only the last is said. */
struct ladder_verdict followup_chase(const struct followup_policy *p, const struct followup *f, int64_t now);
/* What f->said becomes when the due time is set: what lies in the past is not said. */
int followup_said_already(const struct ladder *l, const struct followup *f, int64_t now);

#endif
