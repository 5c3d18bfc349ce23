#ifndef INCIDENT_CHECKS_H
#define INCIDENT_CHECKS_H
/*
 * The seven checks of an incident (FEATURES I4): impact, scope, roles, timeline, checkpoint, blameless,
 * actions. Each passed, missing (with what), or not needed yet. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "incident/checkpoint.h"
#include "incident/impact.h"
#include "incident/followup.h"
#include "incident/incident.h"
#include "incident/review.h"
#include "incident/role.h"
#include "incident/timeline.h"

enum check_kind {
	CHECK_IMPACT, CHECK_SCOPE, CHECK_ROLES, CHECK_TIMELINE, CHECK_CHECKPOINT, CHECK_BLAMELESS, CHECK_ACTIONS,
};
#define CHECK_COUNT 7
enum check_result { CHECK_PASSED, CHECK_MISSING, CHECK_NOT_YET };

struct check_facts {
	const struct incident *incident;
	const struct impact_facts *impact;
	const struct scope_entry *scope;
	size_t scope_count;
	const struct role_set *roles;
	const struct role_table *role_table;
	const struct timeline_entry *timeline;
	size_t timeline_count;
	const struct checkpoint *checkpoint; /* latest; NULL */
	int64_t checkpoint_every_ms;         /* policy of the level; 0 = not asked for */
	int64_t actions_open;                /* entries of kind action without a result; shown */
	const struct followup *followup;
	size_t followup_count;
	const struct review *review;         /* the latest version of the postmortem; NULL */
	int64_t now;
};
struct check {
	enum check_result result;
	char text[400];  /* what is there, what is missing and how to say it ("/inc scope group EU tenants") */
};
void checks_run(const struct check_facts *f, struct check out[CHECK_COUNT]);
const char *check_name(enum check_kind k);
const char *check_result_name(enum check_result r); /* "passed", "missing", "not needed yet" */

#endif
