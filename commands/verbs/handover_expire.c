/* Nobody answered an offered handover in time (FEATURES D5): nothing changes, and both are told. */
#include <errno.h>

#include "commands/messages.h"
#include "commands/offer.h"
#include "commands/verbs.h"
#include "store/response.h"

static int expire_say(struct call *c, const struct handover *h)
{
	const char *id = words_id(c, c->incident.id);
	json_t *doc = message_line(c,
		"%s The handover of %s to %s has expired, nobody answered for %s. You stay "
		"commander.",
		words_mention(c, h->from), id, words_name(c, h->to),
		words_for(c, c->now - h->offered_at));
	int rc;

	doc_button(doc, "Hand over", "handover", c->incident.id, NULL, NULL);
	rc = say_channel(c, doc, NULL);
	if (rc < 0)
		return rc;
	return say_person(c, h->to,
		message_line(c, "The offer to take command of %s has expired; %s stays commander.",
			id, words_name(c, h->from)));
}

static struct done run(struct call *c)
{
	struct handover h;
	int rc = handover_load(
		c->store, c->arena, call_number(c, "offer", 0), &h, &c->err);

	if (rc == -ENOENT || (rc == 0 && h.state != HANDOVER_OFFERED))
		return call_nothing(c);
	if (rc == 0)
		rc = offer_end(c, &h, HANDOVER_EXPIRED);
	if (rc == 0)
		rc = record_event(c, ENTRY_RESPONSIBILITY, "handover.expired",
			"handover to %s expired unanswered; %s stays commander",
			words_name(c, h.to), words_name(c, h.from));
	if (rc == 0)
		rc = expire_say(c, &h);
	call_touch(c);
	return rc < 0 ? call_fail(c) : call_nothing(c);
}

static const struct arg_def args[] = {
	{ .name = "offer", .type = ARG_INTEGER, .flags = ARG_REQUIRED, .label = "offer" },
	{ .name = NULL },
};

const struct operation op_handover_expire = {
	.name = "handover.expire",
	.summary = "An offered handover was not answered: it is off",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_INTERNAL,
	.run = run,
};
