#ifndef INCIDENT_PROMISE_H
#define INCIDENT_PROMISE_H
/*
 * Promises: a time by which something will have happened, with a ladder of reminders (FEATURES C4,
 * E1–E5). The promise row is the one truth for every reminder; one timer an incident wakes for all of them.
 *
 *   open ──kept in time──► kept          (kept_at ≤ due_at)
 *     │ due passes ──► missed_at set, still open; kept later: both stand
 *     └─ resolved, cancelled, replaced ──► withdrawn
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum promise_kind {
	PROMISE_UPDATE,  /* the next status update (the first one too: policy first_update_ms) */
	PROMISE_RESPOND, /* somebody acknowledges: commander named or first update */
	PROMISE_RESOLVE, /* time to resolve */
	PROMISE_ROLES,   /* commander and the other roles are claimed */
	PROMISE_CHECKPOINT, /* the next checkpoint packet */
	PROMISE_STRATEGY,   /* something identified, or the approach changed */
	PROMISE_HANDOVER,   /* the offered handover is answered */
	PROMISE_REVIEW,     /* the postmortem is final; owed from the end of the incident on */
};
#define PROMISE_KIND_COUNT 8

enum promise_state { PROMISE_OPEN, PROMISE_KEPT, PROMISE_WITHDRAWN };

struct promise {
	int64_t incident;
	enum promise_kind kind;
	int64_t n;                /* of its kind: 0 the open one, those that ended from 1 */
	enum promise_state state;
	int64_t made_at, due_at;  /* ms */
	int64_t quiet_until;      /* snoozed: reminders count from here if later than due_at; 0 */
	int said;                 /* how many steps of the ladder were said (skipped ones count) */
	int64_t kept_at, missed_at; /* ms; 0 */
};

enum audience {
	AUDIENCE_OWNER,      /* communications lead, else commander: privately */
	AUDIENCE_OWNER_OPEN, /* the same by name, in the channel */
	AUDIENCE_RESPONDERS, /* everybody with a role, in the channel */
	AUDIENCE_CHANNEL,    /* the whole channel */
	AUDIENCE_TIER,       /* the next tier of the escalation chain */
};
#define AUDIENCE_COUNT 5

struct ladder_step {
	int64_t offset_ms;   /* from due; negative = before */
	enum audience audience;
};
#define LADDER_MAX 12
struct ladder {
	struct ladder_step step[LADDER_MAX]; /* by offset, ascending */
	size_t count;
};

struct ladder_verdict {
	int say;          /* index of the one step to say now, -1 for none */
	int said;         /* what p->said becomes */
	bool missed;      /* due has passed for the first time: record the miss */
	int64_t next_ms;  /* when to look again; 0 = never */
};

/* What is due at `now`. Of several steps that came due together (downtime) only the last is said. A heads-up after the due time is skipped. Pure. */
struct ladder_verdict ladder_judge(const struct ladder *l, const struct promise *p, int64_t now);
/* When the first step that was not yet said is due; 0 = none left and no miss to record. */
int64_t ladder_first(const struct ladder *l, const struct promise *p, int64_t now);
/* What p->said becomes when a promise is snoozed, so that after quiet_until the ladder begins again at the due step. */
int ladder_rewind(const struct ladder *l);

const char *promise_kind_name(enum promise_kind k); /* "update" */
const char *promise_state_name(enum promise_state s);
const char *audience_name(enum audience a);

#endif
