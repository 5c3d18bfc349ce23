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
/* holder gives it up, or the actor takes it off them. */
int assignment_end(struct call *c, const struct role_policy *p, const char *holder);

#endif
