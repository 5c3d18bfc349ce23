/* Forgets delivery keys and finished effects that are older than anybody needs; in small portions, so
 * that no command waits for it. Arms itself again. */
#include "base/clock.h"
#include "commands/say.h"
#include "store/effects.h"
#include "store/inbox.h"
#include "store/timers.h"

#define PORTION        500
#define SOON_MS        (2 * SECOND_MS)
#define KEEP_EFFECTS_MS (30 * DAY_MS)

static struct done run(struct call *c)
{
	bool more_keys = false, more_effects = false;
	int rc = inbox_prune(c->store, c->now - c->config->store.keep_inbox_ms, PORTION, &more_keys, &c->err);

	if (rc == 0)
		rc = effect_prune(c->store, c->now - KEEP_EFFECTS_MS, PORTION, &more_effects, &c->err);
	if (rc == 0)
		rc = timer_arm(c->store, &(struct timer){
			.due_at = c->now + (more_keys || more_effects ? SOON_MS : HOUR_MS),
			.name = "housekeeping",
			.operation = "housekeeping",
		}, &c->err);
	return rc < 0 ? call_fail(c) : call_nothing(c);
}

const struct operation op_housekeeping = {
	.name = "housekeeping",
	.summary = "Old delivery keys and effects are forgotten",
	.need = NEED_NOTHING,
	.flags = OP_INTERNAL | OP_READS,
	.run = run,
};
