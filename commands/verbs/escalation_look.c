/* The time has come at which a rule may engage a tier (FEATURES L1). */
#include "commands/escalation.h"
#include "commands/verbs.h"

static struct done run(struct call *c)
{
	return escalation_look(c) < 0 ? call_fail(c) : call_nothing(c);
}

const struct operation op_escalation_look = {
	.name = "escalation.look",
	.summary = "Look whether the rules call in a tier now",
	.need = NEED_INCIDENT,
	.flags = OP_INTERNAL,
	.run = run,
};
