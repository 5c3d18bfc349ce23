#ifndef COMMANDS_OBLIGATIONS_H
#define COMMANDS_OBLIGATIONS_H
/*
 * What an incident owes after a change: which promises are kept by it, made anew or dropped
 * (FEATURES C4, D3, E1–E5). All return 0 or a negative errno with the reason in c->err.
 */
#include "commands/call.h"

/* Somebody is on it: the time is kept, the promise to respond too. Only the first time counts. */
int obligation_acknowledge(struct call *c);
/* After the level changed from `old`: each promise by the new policy, the update by the stricter of
 * both. */
int obligation_level(struct call *c, int old);
/* After the cadence changed: what is promised already stands, unless the new rhythm is faster. */
int obligation_cadence(struct call *c);
/* After roles changed. The promise is kept when commander and communications are claimed: one who
 * decides, one who keeps people told; the other roles may follow when there are hands. Owed again
 * when one of the two is given up. */
int obligation_roles(struct call *c);
/* Declared or opened again: packets, the question for another strategy, the watch over the chair. */
int obligation_begin(struct call *c);
/* A packet was made: the next one is owed, and the approach was thought over. */
int obligation_checkpoint(struct call *c);
/* Something was learnt or decided, or the state changed: the time until the commander is asked for
 * another strategy begins anew; not any more once something is identified. */
int obligation_strategy(struct call *c);
/* There is another commander, or none: a hanging offer is off, the time in the chair begins anew. */
int obligation_commander(struct call *c);
/* How far ahead the next update may be promised at most, ms (FEATURES C1: 30 min at level 1, 1 h at
 * level 2). */
int64_t obligation_update_limit(const struct call *c);

#endif
