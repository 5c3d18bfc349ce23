/* Where the work stands: triage … monitoring (FEATURES B2). Ends and reopening are verbs of their
 * own. */
#include <string.h>

#include "commands/messages.h"
#include "commands/obligations.h"
#include "commands/verbs.h"

static enum timeline_kind state_entry_kind(enum incident_state to)
{
	switch (to) {
	case STATE_IDENTIFIED:
		return ENTRY_FACT;
	case STATE_MITIGATING:
	case STATE_MONITORING:
		return ENTRY_MITIGATION;
	case STATE_TRIAGE:
	case STATE_INVESTIGATING:
	case STATE_RESOLVED:
	case STATE_CLOSED:
	case STATE_CANCELLED:
	case STATE_AUTO_RESOLVED:
		break;
	}
	return ENTRY_TRIAGE;
}

/* "mitigating" said twice is no move, but what was said with it is not lost. */
static struct done state_same(struct call *c, const char *text)
{
	const char *id = words_id(c, c->incident.id);
	const char *state = state_name(c->incident.state);

	if (!text || !*text)
		return call_replyf(c, "%s is %s already; nothing was changed.", id, state);
	if (record_event(c, state_entry_kind(c->incident.state), "timeline.noted", "%s", text) < 0)
		return call_fail(c);
	return call_replyf(c, "%s is %s already; what you wrote is on its timeline.", id, state);
}

static struct done state_refuse(struct call *c, enum incident_state to)
{
	enum incident_state from = c->incident.state;
	const char *id = words_id(c, c->incident.id);
	struct str legal;

	if (!state_active(from))
		return call_refuse(c, "conflict",
			"%s is %s; only an open incident can become %s. Reopen it first: %s", id,
			state_name(from), state_name(to),
			message_usage(c, "/inc reopen #%lld why", (long long)c->incident.id));
	str_init_arena(&legal, c->arena, 400);
	state_list_legal(from, &legal);
	return call_refuse(c, "conflict",
		"%s is %s and cannot become %s. From here it can become: %s.", id, state_name(from),
		state_name(to), legal.p);
}

static int state_move(struct call *c, enum incident_state to, const char *text)
{
	struct incident *inc = &c->incident;
	enum incident_state from = inc->state;
	const char *skipped = state_skips(from, to) ? " (states between were skipped)" : "";
	int rc;

	inc->state = to;
	inc->state_at = c->now;
	if (to == STATE_MONITORING && !inc->mitigated_at)
		inc->mitigated_at = c->now;
	call_touch_announce(c);
	rc = to == STATE_TRIAGE ? 0 : obligation_acknowledge(c);
	if (rc == 0)
		rc = obligation_strategy(c);
	if (rc == 0)
		rc = record_event(c, state_entry_kind(to), "incident.state", "%s → %s%s%s",
			state_name(from), state_name(to), skipped, message_because(c, text));
	return rc;
}

/* Nobody is called by it: the line stays without a notification. */
static int state_say(struct call *c, enum incident_state from, const char *text)
{
	json_t *doc = message_line(c, "%s is %s now, was %s%s — %s", words_id(c, c->incident.id),
		state_name(c->incident.state), state_name(from), message_because(c, text),
		words_name(c, c->actor));

	json_object_set_new(doc, "quiet", json_true());
	return say_channel(c, doc, NULL);
}

static struct done state_run(struct call *c)
{
	const char *text = call_text(c, "text");
	enum incident_state from = c->incident.state, to;

	if (!state_parse(call_text(c, "to"), &to))
		return call_refuse_arg(c, "to", "There is no state “%s”.", call_text(c, "to"));
	if (to == from)
		return state_same(c, text);
	if (!state_active(from) || !state_active(to) || !state_legal(from, to))
		return state_refuse(c, to);
	if (state_move(c, to, text) < 0 || state_say(c, from, text) < 0)
		return call_fail(c);
	return call_replyf(c, "%s is %s now%s", words_id(c, c->incident.id), state_name(to),
		state_skips(from, to) ? " · the states between were skipped, which is recorded"
				      : "");
}

static const char *const states[] = {
	"triage",
	"investigating",
	"identified",
	"mitigating",
	"monitoring",
	NULL,
};

static const struct op_alias aliases[] = {
	{ "triage", "to", "triage" },
	{ "investigating", "to", "investigating" },
	{ "identified", "to", "identified" },
	{ "mitigating", "to", "mitigating" },
	{ "monitoring", "to", "monitoring" },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "to",
		.type = ARG_CHOICE,
		.flags = ARG_REQUIRED | ARG_LEADING,
		.label = "state",
		.help = "How far the work is",
		.choices = states },
	{ .name = "text",
		.type = ARG_REST,
		.flags = ARG_LONG,
		.label = "what was found or done",
		.help = "Goes on the timeline with it" },
	{ .name = NULL },
};

const struct operation op_state = {
	.name = "state",
	.aliases = aliases,
	.summary = "Say how far the work is: investigating, identified, mitigating, monitoring",
	.example = "/inc identified bad config in v2.31",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = state_run,
};
