/*
 * The file is put away (FEATURES B4). Where the policy wants a review, closing waits for the
 * finished postmortem, or for somebody who says by name why there is none.
 */
#include "commands/messages.h"
#include "commands/reviewing.h"
#include "commands/verbs.h"

static struct done close_refuse_state(struct call *c)
{
	const struct incident *inc = &c->incident;
	const char *id = words_id(c, inc->id);

	if (inc->state == STATE_CLOSED)
		return call_refuse(c, "conflict",
			"%s is closed already, since %s; nothing was changed.", id,
			words_time(c, inc->closed_at));
	if (inc->state == STATE_CANCELLED)
		return call_refuse(
			c, "conflict", "%s is cancelled; there is nothing to close.", id);
	return call_refuse(c, "conflict", "%s is %s and was not closed. Resolve it first: %s", id,
		state_name(inc->state),
		message_usage(c, "/inc resolve #%lld …", (long long)inc->id));
}

static struct done close_refuse_review(struct call *c)
{
	const char *id = words_id(c, c->incident.id);
	const char *level = words_severity(c, c->incident.severity);

	if (message_may_ask(c))
		return message_form(c,
			"A %s incident needs a finished postmortem before it is closed. To close "
			"it without one, say why; it is recorded with your name.",
			level);
	if (c->request->from_form)
		return call_refuse_arg(c, "without-review",
			"%s was not closed: say why there is no postmortem.", id);
	return call_refuse(c, "policy",
		"%s was not closed: a %s incident needs a finished postmortem first: %s. To close it "
		"without one, say why; it is recorded with your name: %s",
		id, level, message_usage(c, "/inc postmortem #%lld", (long long)c->incident.id),
		message_usage(c,
			"/inc close #%lld --without-review \"same cause as INC-40, reviewed "
			"there\"",
			(long long)c->incident.id));
}

static int close_record(struct call *c, const char *waiver)
{
	int rc = 0;

	c->incident.state = STATE_CLOSED;
	c->incident.state_at = c->now;
	c->incident.closed_at = c->now;
	call_touch_announce(c);
	if (waiver)
		rc = record_event(c, ENTRY_DECISION, "incident.review_waived",
			"closed without review by %s: %s", words_name(c, c->actor), waiver);
	if (rc == 0)
		rc = record_event(c, ENTRY_NOTE, "incident.closed", "closed%s",
			message_because(c, call_text(c, "text")));
	return rc < 0 ? rc : promise_withdraw_all(c);
}

static struct done close_run(struct call *c)
{
	const char *waiver = call_text(c, "without-review");
	bool review = c->config->severity.level[c->incident.severity].review_required;
	const char *id = words_id(c, c->incident.id);
	bool final;

	if (waiver && !*waiver)
		waiver = NULL;
	if (!state_legal(c->incident.state, STATE_CLOSED))
		return close_refuse_state(c);
	if (reviewing_is_final(c, &final) < 0)
		return call_fail(c);
	review = review && !final;
	if (review && !waiver)
		return close_refuse_review(c);
	if (close_record(c, review ? waiver : NULL) < 0 ||
		say_channel(c,
			message_line(c, "%s is closed by %s%s", id, words_name(c, c->actor),
				review ? arena_printf(c->arena, ", without a review: %s", waiver)
				       : ""),
			NULL) < 0)
		return call_fail(c);
	return call_replyf(
		c, "%s is closed%s", id, review ? " without a review, which is recorded" : "");
}

static const struct arg_def args[] = {
	{ .name = "text",
		.type = ARG_REST,
		.label = "remark",
		.help = "Goes on the timeline with it" },
	{ .name = "without-review",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "without a review because",
		.help = "Why there is no postmortem, where one is needed",
		.synonyms = "no-review" },
	{ .name = NULL },
};

static const struct op_alias aliases[] = {
	{ "closed", NULL, NULL },
	{ NULL, NULL, NULL },
};

const struct operation op_close = {
	.name = "close",
	.aliases = aliases,
	.summary = "Put a resolved incident away",
	.example = "/inc close #42",
	.args = args,
	.need = NEED_INCIDENT,
	.right = "incident.write",
	.run = close_run,
};
