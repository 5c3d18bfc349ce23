#ifndef INCIDENT_GATE_H
#define INCIDENT_GATE_H
/* The release gate (FEATURES K2, K3): may a release of this service go out? Pure: facts and policy in, verdict with every reason out. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "incident/followup.h"
#include "incident/incident.h"

enum gate_mode { GATE_OFF, GATE_WARN, GATE_STRICT };
const char *gate_mode_name(enum gate_mode m);

#define GATE_SERVICES_MAX 256
struct gate_policy {              /* release_gate_policy.yml */
	int mode;                 /* enum gate_mode: followup_watch */
	bool run;                 /* run_followup_watch */
	int64_t window_ms;        /* followup_watch_window_days: an overdue follow-up made and due before it is named, and blocks nothing; 0: whatever its age */
	const char *environment;  /* followup_watch_env; "any" */
	unsigned fail_on;         /* 1 << severity level − 1: open incidents that block; P0 → level 1, P1 → level 2 … */
	bool fail_on_overdue;
	const char *services[GATE_SERVICES_MAX]; /* the known ones; empty: any that an incident ever named */
	size_t service_count;
};

enum gate_reason_kind { GATE_INCIDENT, GATE_OVERDUE };
struct gate_reason {
	enum gate_reason_kind kind;
	bool blocks;              /* false: a recommendation */
	int64_t incident, followup;
	char text[320];           /* "INC-42 (SEV1, mitigating for 3 h) is open: checkout is failing" */
	const char *url;          /* borrowed; NULL */
};
enum gate_verdict { GATE_PASS, GATE_BLOCK, GATE_UNKNOWN }; /* exit status 0, 1, 2 */

struct gate_incident { const struct incident *incident; const char *url; };
struct gate_followup { const struct followup *followup; const char *url; };
struct gate_facts {               /* of the service and environment, within the window (open ones whatever their age), that the asker may see */
	const char *service, *environment;
	bool service_known;
	const struct gate_incident *incident; /* open */
	size_t incident_count;
	const struct gate_followup *followup; /* open */
	size_t followup_count;
	int64_t now;
};
/* reasons: all that apply, blocking ones first, at most max. GATE_UNKNOWN: *why says what could not be told (unknown service). Never GATE_PASS when unsure. */
enum gate_verdict gate_judge(const struct gate_policy *p, const struct gate_facts *f, struct gate_reason *out, size_t max, size_t *count, char why[200]);

#endif
