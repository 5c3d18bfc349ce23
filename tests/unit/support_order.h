#ifndef SUPPORT_ORDER_H
#define SUPPORT_ORDER_H
/*
 * What must hold of the record after every step, whatever it was:
 *
 * - an active incident has promised its next update; one that is over owes nothing;
 * - a timer is armed for exactly the open promises whose ladder has a step left;
 * - the timeline and the audit only grow, and the audit chain is whole;
 * - nothing was sent that is not in the record, and nothing was done twice;
 * - the commander changes only by what says so, never while a handover is merely offered; an offer
 *   stands on an active incident only, with the timer that ends it;
 * - a level that a person has lowered with a reason is not raised again by the same rule and fact;
 * - what was merged owes nothing, and the chain of merged ones has an end;
 * - whoever has no access to a protected incident is told nothing of it, and what is sent because
 *   of it goes to its own channel or to people with access.
 *
 * Titles are told apart by a word of their own, such as "u17u".
 */
#include "commands/operation.h"
#include "support_bot.h"

#define ROOT "unix:1000" /* may see everything by rbac.yml */

/* What was asked last, for the checks and for whoever reads a failure. */
struct asked {
	const struct operation *op; /* NULL: none, or none that is known */
	const char *person;	    /* NULL: nobody asked */
	char words[700];
};

struct order_level {
	int64_t id;
	int severity;
	int64_t overruled;
};

struct order_grown {
	int64_t timeline, audit, effects, incidents;
};

/* The record before a step; begin with { 0 }. */
struct order {
	char *commanders;
	struct order_level *level;
	size_t count;
	int64_t audit;
	size_t performed;
	struct order_grown grown; /* by the step before */
};

/* Around each step; what the first has read, the second frees. */
void order_before(struct test_bot *b, struct order *o);
void order_after(struct test_bot *b, struct order *o, const struct asked *asked);

/* What takes longer. All that was handed to the chat, since it was forgotten: */
void order_check_sent(struct test_bot *b);
/* The whole audit chain, and the database's own check: */
void order_check_chain(struct test_bot *b);
/* Both, when everything could be delivered and nothing may hang: */
void order_check_peace(struct test_bot *b);

#endif
