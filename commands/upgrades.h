#ifndef COMMANDS_UPGRADES_H
#define COMMANDS_UPGRADES_H
/*
 * Upgrades by rule (FEATURES C3, incident/upgrade.h): the facts of the judge out of the record, and
 * what follows when a rule fires. 0 or a negative errno with the reason in c->err.
 */
#include "commands/call.h"
#include "incident/upgrade.h"

/* Facts changed (impact, scope, customer, data): when a rule fires, the level rises in this call,
 * is announced and recorded, and what is promised follows. Nothing happens on an incident that has
 * ended. *out (may be NULL) says whether one fired. */
int upgrades_apply(struct call *c, struct upgrade_verdict *out);
/* The level was set, by declaring, by a person or by a rule: how large it is from here counts. Call
 * it once c->incident.severity is the new one. */
int upgrades_level_set(struct call *c);
/* A person lowered it and said why: what is known now does not raise it again. */
int upgrades_overruled(struct call *c);
/* " It is SEV1 now, by rule: data may be lost or corrupted." or "". */
const char *upgrades_words(struct call *c, const struct upgrade_verdict *v);

#endif
