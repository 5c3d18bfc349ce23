/* A pushpin on a message of an incident's channel puts it on the timeline, once (FEATURES A5). The
 * message is read first: the effect's outcome makes the entry. */
#include <errno.h>
#include <string.h>

#include "commands/protected.h"
#include "commands/say.h"
#include "store/incidents.h"
#include "store/references.h"

static struct done run(struct call *c)
{
	struct reference ref;
	const struct place *place = &c->request->place;
	int rc;

	if (!place->channel || !place->message || strcmp(call_text(c, "reaction"), "pushpin"))
		return call_nothing(c);
	rc = reference_by_key(c->store, c->arena, place->channel, &ref, &c->err);
	if (rc == -ENOENT || (rc == 0 && strcmp(ref.slot, SLOT_CHANNEL)))
		return call_nothing(c);
	if (rc == 0)
		rc = protected_load(c, ref.incident, &c->incident, &c->roles);
	if (rc == -ENOENT)
		return call_nothing(c); /* still in the channel, but access is gone */
	if (rc < 0)
		return call_fail(c);
	c->has_incident = true;
	return say_fetch_message(c, place->message, place->thread) < 0 ? call_fail(c) : call_nothing(c);
}

static const struct arg_def args[] = {
	{ .name = "reaction", .type = ARG_WORD, .flags = ARG_REQUIRED, .label = "reaction" },
	{ .name = NULL },
};

const struct operation op_reaction_added = {
	.name = "reaction.added",
	.summary = "A reaction was added to a message",
	.args = args,
	.need = NEED_NOTHING,
	.flags = OP_INTERNAL,
	.right = "incident.write",
	.run = run,
};
