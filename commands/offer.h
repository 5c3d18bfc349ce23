#ifndef COMMANDS_OFFER_H
#define COMMANDS_OFFER_H
/*
 * A handover that is offered and not yet answered (FEATURES D5, incident/handover.h). Until it is
 * accepted it changes nothing: the outgoing commander holds the role everywhere. The row is the
 * truth; a promise reminds both, and a timer ends it. 0 or a negative errno with the reason in
 * c->err.
 */
#include "commands/call.h"
#include "incident/handover.h"

/* The hanging one; -ENOENT when there is none. */
int offer_current(struct call *c, struct handover *out);
/* Stores it, reminds of it, lets it expire. Sets id. */
int offer_make(struct call *c, struct handover *h);
/* It is over: the row, the timer, the promise (kept by an answer, else dropped). */
int offer_end(struct call *c, struct handover *h, enum handover_state how);
/* … because the commander changed or the incident ended: on record, and the incoming person is
 * told. Nothing happens when none hangs. */
int offer_void(struct call *c);
/* [Accept command] [Not me] */
void offer_buttons(json_t *doc, const struct handover *h);
/* [Take it back] */
void offer_back_button(json_t *doc, const struct handover *h);
/* When it expires if nobody answers, ms. */
int64_t offer_expires_at(const struct call *c, const struct handover *h);

/* After chair_max_ms with one commander a handover is proposed, once: (re)started when the commander
 * changes and when it is opened again, ended with the incident. */
int chair_watch(struct call *c);

#endif
