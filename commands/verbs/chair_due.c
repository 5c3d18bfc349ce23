/* Somebody has been commander for long (FEATURES D5): a handover is proposed, once and to them
 * alone. */
#include <errno.h>

#include "commands/messages.h"
#include "commands/offer.h"
#include "commands/verbs.h"

static struct done run(struct call *c)
{
	const char *commander = role_person(&c->roles, ROLE_COMMANDER);
	int64_t since = call_number(c, "since", c->now);
	struct handover h;
	json_t *doc;
	int rc = offer_current(c, &h);

	if (rc < 0 && rc != -ENOENT)
		return call_fail(c);
	/* One is offered already: nothing is left to propose. */
	if (!commander || !state_active(c->incident.state) || rc == 0)
		return call_nothing(c);
	doc = message_line(c,
		"You have been commander of %s for %s. A fresh head decides better: hand over?",
		words_id(c, c->incident.id), words_for(c, c->now - since));
	doc_button(doc, "Hand over", "handover", c->incident.id, NULL, "primary");
	if (say_person(c, commander, doc) < 0)
		return call_fail(c);
	return call_nothing(c);
}

static const struct arg_def args[] = {
	{ .name = "since", .type = ARG_INTEGER, .flags = ARG_REQUIRED, .label = "since" },
	{ .name = NULL },
};

const struct operation op_chair_due = {
	.name = "chair.due",
	.summary = "Somebody has been commander for long: propose a handover",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_INTERNAL,
	.run = run,
};
