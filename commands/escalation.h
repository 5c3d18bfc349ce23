#ifndef COMMANDS_ESCALATION_H
#define COMMANDS_ESCALATION_H
/*
 * Tiers that are called in (FEATURES L1): the rules are pure (incident/escalation.h); here they meet
 * the record. A tier is engaged once for a reason, and whoever is called is told why. All return 0 or
 * a negative errno with the reason in c->err, unless said otherwise.
 */
#include "commands/call.h"
#include "incident/escalation.h"
#include "store/response.h"

/* Why a tier is engaged now; the rules fill in the reason alone. */
struct engage_cause {
	enum engage_reason reason;
	const char *why;  /* plain words for the record; NULL */
	const char *said; /* the same as markup for messages; NULL: as why */
};

/* What the record knows of it. */
struct escalation {
	struct engage_facts facts;
	struct engagement *engagement; /* oldest first; tiers that the policy no longer has as well */
	size_t count;
};
int escalation_load(struct call *c, struct escalation *out);
/* By name, any case; -1. */
int escalation_tier(const struct call *c, const char *name);
/* The next tier of the chain that can be called for the reason: one that was not called at all before
 * one that was, for something else. empty: tiers that name nobody count as well. -1: none is left. */
int escalation_next(const struct call *c, const struct escalation *e, enum engage_reason reason,
	bool empty);

/* Engages what the rules ask for now, and arms the timer for what time alone will engage; disarms it
 * when the incident is not open. Every change that rules look at ends here: obligations set c->engage,
 * and the dispatcher calls it when the operation has said its own words. */
int escalation_look(struct call *c);
/* Somebody has said the reason, or the reminders have: kept for the rules, which are asked at once.
 * engaged: 1 << tier for each that was called by it. */
int escalation_reason(struct call *c, const struct engage_cause *cause, unsigned *engaged);
/* One tier for this cause, whatever the rules say; nothing when it was called for the reason before. */
int escalation_engage(struct call *c, int tier, const struct engage_cause *cause);
/* A promise's reminders have come to the tiers: those whose rules name it, else the next one with
 * people. 1 when somebody was called, 0 when nobody is left to be called by name. */
int escalation_overdue(struct call *c, const struct engage_cause *cause);

/* "triage: on it @dave; executive: nobody yet": for the card; NULL when no tier was called. */
const char *escalation_summary(struct call *c);

/* ---- words (commands/escalation_say.c) ---- */

/* Tiers that one look engages, with the reasons of each. */
struct escalation_round {
	unsigned reasons[TIER_MAX]; /* 1 << reason */
	bool before[TIER_MAX];      /* it was called already, for something else */
	const struct engage_cause *cause; /* what is known beyond the reason's name; NULL */
};
int escalation_tell(struct call *c, const struct escalation_round *r);
/* "it crosses teams; a decision is needed: which region first" */
const char *escalation_why(struct call *c, const struct escalation_round *r, int tier, bool plain);
void escalation_button(struct call *c, json_t *doc, const char *label, const char *tier);

#endif
