/* Somebody opened the Home tab: it is made anew (FEATURES A8). */
#include "commands/say.h"
#include "commands/verbs.h"

static struct done home_run(struct call *c)
{
	return say_home(c, c->actor) < 0 ? call_fail(c) : call_nothing(c);
}

const struct operation op_home_opened = {
	.name = "home.opened",
	.summary = "The Home tab was opened",
	.need = NEED_NOTHING,
	.flags = OP_INTERNAL | OP_READS,
	.right = "incident.read",
	.run = home_run,
};
