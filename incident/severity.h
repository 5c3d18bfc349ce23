#ifndef INCIDENT_SEVERITY_H
#define INCIDENT_SEVERITY_H
/* Severity levels 1 (worst) to 4, their policy, and classification (FEATURES C1, C2). Pure. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEVERITY_WORST 1
#define SEVERITY_LEAST 4
#define SEVERITY_COUNT 4
#define SEVERITY_NAMES_MAX 8

struct severity_policy {
	int level;
	const char *names[SEVERITY_NAMES_MAX]; /* first one is how it is shown ("sev1"); NULL-terminated unless full */
	const char *criteria;
	int64_t respond_ms;      /* time to respond; 0 = no target */
	int64_t resolve_ms;      /* time to resolve; 0 = no target ("next window") */
	int64_t cadence_ms;      /* status update cadence */
	int64_t first_update_ms; /* first notification promised within; 0 = the cadence */
	int64_t role_nag_ms;     /* unclaimed roles are nagged for after; 0 = never */
	bool reason_to_snooze;   /* snooze and cadence changes need a reason */
	bool review_required;    /* close needs a finished postmortem */
	int64_t checkpoint_every_ms; /* a checkpoint packet is asked for; 0 = never */
	int64_t strategy_after_ms;   /* nothing identified and no change of approach for so long: the commander is asked; 0 = never */
	const char *escalate_to; /* words for people: "executives at once" */
};

struct severity_table {
	struct severity_policy level[SEVERITY_COUNT + 1]; /* by level, [0] unused */
};

/* "sev2", "SEV-2", "p1", "major", "2": the level, or 0. bare: also a lone digit and the plain words
 * ("critical"); without it only what can hardly be prose (sev2, p1). */
int severity_parse(const struct severity_table *t, const char *word, bool bare);
const char *severity_name(const struct severity_table *t, int level);       /* "sev2" */
void severity_label(const struct severity_table *t, int level, char out[16]); /* "SEV2" */

enum severity_radius { RADIUS_NONE, RADIUS_LIMITED, RADIUS_BOUNDED, RADIUS_WIDESPREAD };
enum severity_urgency { URGENCY_LOW, URGENCY_MEDIUM, URGENCY_HIGH };
/* Suggested level, and why as one sentence (static text). */
int severity_classify(enum severity_radius radius, enum severity_urgency urgency, const char **why);

#endif
