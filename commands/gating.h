#ifndef COMMANDS_GATING_H
#define COMMANDS_GATING_H
/*
 * The release gate (FEATURES K2, K3): the facts of a service out of the record, judged by incident/gate.h. One way for all
 * doors: chat, the HTTP API, `sitrep release-check`. It needs a store and no call, since the last has none: the store may
 * be open read-only, with the daemon running or not.
 *
 * An incident that names no environment counts for every environment: nobody has said that it is not this one.
 */
#include "base/arena.h"
#include "base/json.h"
#include "config/config.h"
#include "incident/gate.h"
#include "store/store.h"

#define GATING_SERVICE_MAX 100 /* bytes of a name that is asked for */

struct gating_ask {
	const char *service;
	const char *environment; /* NULL: as the policy says; "any": all */
	int mode;                /* enum gate_mode; −1: as the policy says */
	const char *viewer;      /* who asks; NULL: nobody, who sees what is public */
	bool sees_all;
	int64_t now;
};

struct gating_followup {
	struct followup followup;         /* owner is a name for people: "@bob" */
	const struct incident *incident;
};

struct gating {                           /* on the arena */
	const char *service, *environment; /* as they are kept, lower case; environment NULL: all */
	enum gate_mode mode;
	enum gate_verdict verdict;
	char why[200];                    /* GATE_UNKNOWN, or nothing was looked at; "" */
	struct gate_reason *reason;       /* blocking ones first */
	size_t count;
	const struct incident *open;      /* worst first; no drills, no merged ones */
	size_t open_count;
	const struct gating_followup *overdue;
	size_t overdue_count;
	int64_t open_followups;
	int64_t now;
};

/* NULL, or what is wrong with the name of a service, for people. */
const char *gating_service_wrong(const char *service);
/* 0 with a verdict, or a negative errno: the record could not be read, and nobody may take that for a pass. */
int gating_judge(struct store *s, const struct config *config, struct arena *a, const struct gating_ask *ask,
	struct gating *out, struct error *err);

const char *gating_verdict_name(enum gate_verdict v); /* "pass", "blocked", "unknown" */
int gating_exit_status(enum gate_verdict v);         /* 0, 1, 2 */
/* "checkout in production may go out", "… is held back by 2 of 3 findings", "It could not be told whether …" */
void gating_headline(const struct gating *g, struct str *out);

/* {verdict, exit_status, service, environment, mode, why?, reasons [{kind, blocks, id, incident_id, followup_id?, text, url?}], summary}. */
json_t *gating_json(const struct gating *g);
/* When there is no verdict at all: the same with verdict "unknown", exit_status 2 and why. */
json_t *gating_json_unknown(const char *service, const char *environment, const char *why);
/* K2: {open_incidents [{id, severity, status, started_at, title}], overdue_followups [{incident_id, id, title, due_date,
 * priority, owner}], stats {open_incidents, overdue, total_open_followups}} */
json_t *gating_summary_json(const struct gating *g);

#endif
