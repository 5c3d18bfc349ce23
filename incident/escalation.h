#ifndef INCIDENT_ESCALATION_H
#define INCIDENT_ESCALATION_H
/*
 * The chain of tiers (FEATURES L1): who is brought in, and by which rule. A tier is engaged once per
 * reason; whoever acknowledges is on record.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIER_MAX        8
#define TIER_PEOPLE_MAX 16

enum engage_reason {
	ENGAGE_SEVERITY,       /* the level asks for it */
	ENGAGE_CROSS_TEAM,     /* said by a person, as the next three */
	ENGAGE_NEEDS_CHANGE,
	ENGAGE_CUSTOMER_DATA,
	ENGAGE_COST,
	ENGAGE_DECISION,       /* a decision is needed */
	ENGAGE_OPEN_LONG,      /* open longer than the rule's time */
	ENGAGE_NOT_IDENTIFIED, /* nothing identified in time */
	ENGAGE_UPDATE_OVERDUE, /* the ladder of a promise has come to the tiers */
	ENGAGE_ASKED,          /* somebody asked for this tier */
};
#define ENGAGE_REASON_COUNT 10
const char *engage_reason_name(enum engage_reason r);   /* "cross-team" */
bool engage_reason_parse(const char *name, enum engage_reason *out);
const char *engage_reason_words(enum engage_reason r);  /* "it crosses teams" */

struct tier_rule {
	enum engage_reason reason;
	int severity;        /* this level or worse; 0 = any */
	int64_t after_ms;    /* ENGAGE_OPEN_LONG, ENGAGE_NOT_IDENTIFIED: since declaration; ENGAGE_SEVERITY: delay; else 0 */
};
#define TIER_RULE_MAX 12

struct tier {
	const char *name;                    /* "coordination" */
	const char *people[TIER_PEOPLE_MAX]; /* person keys */
	size_t count;
	struct tier_rule rule[TIER_RULE_MAX];
	size_t rule_count;
};
struct escalation_chain {
	struct tier tier[TIER_MAX];
	size_t count;
};

/* What is known when rules are looked at. */
struct engage_facts {
	int severity;
	bool identified;       /* identified or further */
	bool active;
	int64_t declared_at, severity_at; /* ms */
	unsigned said;         /* 1 << reason: what people have said */
	/* Engaged already: [tier] has a bit per reason. */
	unsigned engaged[TIER_MAX];
};
struct engage_verdict {
	int tier;              /* -1: nobody now */
	enum engage_reason reason;
	int64_t next_ms;       /* when time alone may engage one; 0 = never */
};
/* The first tier of the chain that a rule asks for now and that was not engaged for that reason. Pure; call again until tier is -1. */
struct engage_verdict engage_judge(const struct escalation_chain *chain, const struct engage_facts *f, int64_t now);

#endif
