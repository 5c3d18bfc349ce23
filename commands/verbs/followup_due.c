/* The time for a reminder of a follow-up has come (FEATURES K1). */
#include <errno.h>

#include "commands/following.h"
#include "commands/verbs.h"

static struct done run(struct call *c)
{
	struct followup f;
	int rc = following_load(c, json_get_int(c->request->args, "followup", 0), &f);

	/* Of one that is gone nothing is to be said. */
	if (rc == -ENOENT)
		return call_nothing(c);
	if (rc == 0)
		rc = following_chase(c, &f);
	return rc < 0 ? call_fail(c) : call_nothing(c);
}

const struct operation op_followup_due = {
	.name = FOLLOWUP_TIMER,
	.summary = "A follow-up is to be reminded of",
	.need = NEED_NOTHING,
	.flags = OP_INTERNAL,
	.run = run,
};
