#ifndef INCIDENT_ESCALATION_H
#define INCIDENT_ESCALATION_H
/* The chain of tiers (FEATURES L1): who is told when a promise stays broken. */
#include <stddef.h>

#define TIER_MAX        8
#define TIER_PEOPLE_MAX 16

struct tier {
	const char *name;                   /* "coordination" */
	const char *people[TIER_PEOPLE_MAX]; /* person keys */
	size_t count;
};
struct escalation_chain {
	struct tier tier[TIER_MAX];
	size_t count;
};

#endif
