/* A false alarm: nothing is owed any more, and the record says why. */
#include "commands/messages.h"
#include "commands/stakeholders.h"
#include "commands/verbs.h"

static struct done cancel_run(struct call *c)
{
	enum incident_state from = c->incident.state;
	const char *why = call_text(c, "why");
	const char *id = words_id(c, c->incident.id);

	if (!state_legal(from, STATE_CANCELLED))
		return call_refuse(c, "conflict",
			"%s is %s; only an open incident can be cancelled. Nothing was changed.",
			id, state_name(from));
	c->incident.state = STATE_CANCELLED;
	c->incident.state_at = c->now;
	call_touch_announce(c);
	if (record_event(c, ENTRY_RESOLUTION, "incident.cancelled", "cancelled, was %s: %s",
		    state_name(from), why) < 0 ||
		promise_withdraw_all(c) < 0 ||
		message_publish(c,
			message_line(c, "%s is cancelled, a false alarm: %s — %s", id, why,
				words_name(c, c->actor)),
			message_line(c, "%s is cancelled, a false alarm: %s", id, why)) < 0 ||
		stakeholders_tell(c, message_line(c, "%s is cancelled, a false alarm: %s", id, why)) < 0)
		return call_fail(c);
	return call_replyf(c, "%s is cancelled · no more reminders · if it was real after all: %s",
		id, message_usage(c, "/inc reopen #%lld why", (long long)c->incident.id));
}

static const struct op_alias aliases[] = {
	{ "false-alarm", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "why",
		.type = ARG_REST,
		.flags = ARG_REQUIRED | ARG_LONG,
		.label = "why",
		.help = "Why it is no incident" },
	{ .name = NULL },
};

const struct operation op_cancel = {
	.name = "cancel",
	.aliases = aliases,
	.summary = "It was a false alarm",
	.example = "/inc cancel the probe itself was broken",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = cancel_run,
};
