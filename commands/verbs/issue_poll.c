/* Asks the tracker what has changed since it was asked last, and arms itself again. One question at a time: while one waits for a tracker that
 * is away, no further one is needed. */
#include "commands/issues.h"
#include "commands/say.h"
#include "commands/verbs.h"

static struct done run(struct call *c)
{
	int64_t waiting = 0;
	int rc = issue_poll_arm(c->store, c->config, c->now, &c->err);

	if (!c->config->issue.url || !c->config->issue.poll_ms)
		return call_nothing(c);
	if (rc == 0)
		rc = effect_pending(c->store, 0, EFFECT_ISSUE_POLL, NULL, &waiting, &c->err);
	if (rc == 0 && !waiting)
		rc = say_effect(c, &(struct effect_row){
					   .system = ISSUE_SYSTEM,
					   .lane = ISSUE_SYSTEM "/poll",
					   .kind = EFFECT_ISSUE_POLL,
				   });
	return rc < 0 ? call_fail(c) : call_nothing(c);
}

const struct operation op_issue_poll = {
	.name = "issue.poll",
	.summary = "The tracker is asked what has changed",
	.need = NEED_NOTHING,
	.flags = OP_INTERNAL | OP_READS,
	.run = run,
};
