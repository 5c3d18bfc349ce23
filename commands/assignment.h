#ifndef COMMANDS_ASSIGNMENT_H
#define COMMANDS_ASSIGNMENT_H
/*
 * A role changes hands (FEATURES D1): the record, what is owed, who is told. 0 or a negative errno
 * with the reason in c->err.
 */
#include "commands/call.h"

/* before: who held it until now; NULL. The new holder is invited, and told what it is for unless
 * they took it themselves. */
int assignment_make(
	struct call *c, const struct role_policy *p, const char *person, const char *before);
/* Only the record and what is owed: for whoever tells it together with other things. */
int assignment_record(
	struct call *c, const struct role_policy *p, const char *person, const char *before);
/* Into the channel; the name is asked for when it is not known. */
int assignment_meet(struct call *c, const char *person);
/* holder gives it up, or the actor takes it off them. */
int assignment_end(struct call *c, const struct role_policy *p, const char *holder);

#endif
