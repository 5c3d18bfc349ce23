/* Something may have changed in the tracker: a webhook, the event stream. The issue is read again if that can be new. */
#include "commands/issues.h"
#include "commands/verbs.h"

static struct done run(struct call *c)
{
	return issue_hint(c, c->request->args) < 0 ? call_fail(c) : call_nothing(c);
}

const struct operation op_issue_hint = {
	.name = "issue.hint",
	.summary = "An issue may have changed",
	.need = NEED_NOTHING,
	.flags = OP_INTERNAL,
	.run = run,
};
