/* It came back, or it was never gone (FEATURES B2): everything is owed again. */
#include "commands/messages.h"
#include "commands/obligations.h"
#include "commands/relate.h"
#include "commands/reviewing.h"
#include "commands/stakeholders.h"
#include "commands/upgrades.h"
#include "commands/verbs.h"
#include "incident/promise.h"

static void reopen_record(struct call *c)
{
	struct incident *inc = &c->incident;

	inc->state = STATE_INVESTIGATING;
	inc->state_at = c->now;
	inc->resolved_at = 0;
	inc->closed_at = 0;
	/* The evidence of the first end stays on the timeline; it proves nothing about the next. */
	inc->signal = NULL;
	inc->health = NULL;
	inc->not_verified = NULL;
	call_touch_announce(c);
}

static int reopen_say(struct call *c, enum incident_state from, const char *why)
{
	static const char *const deciders[] = { ROLE_COMMANDER, ROLE_COMMS };
	const char *call_on = message_call_on(c, deciders, 2);
	const char *id = words_id(c, c->incident.id);
	const char *next = words_time(c, promise_due_at(c, PROMISE_UPDATE, NULL));
	int rc;
	json_t *doc = message_line(c,
		"%s%s%s is open again, was %s: %s — %s. Next update promised for %s.", call_on,
		*call_on ? " " : "", id, state_name(from), why, words_name(c, c->actor), next);

	rc = message_publish(c, doc,
		message_line(c, "%s is open again, was %s: %s. Next update promised for %s.", id,
			state_name(from), why, next));
	if (rc < 0)
		return rc;
	return stakeholders_tell(c,
		message_line(c, "%s is open again, was %s: %s. Next update promised for %s.", id,
			state_name(from), why, next));
}

static struct done reopen_run(struct call *c)
{
	enum incident_state from = c->incident.state;
	const char *why = call_text(c, "why");
	const char *id = words_id(c, c->incident.id);
	struct upgrade_verdict v;
	int again;

	if (state_active(from))
		return call_refuse(c, "conflict", "%s is open already (%s); nothing was changed.",
			id, state_name(from));
	if (c->incident.merged_into)
		return merging_apart(c, why, true);
	if (!state_legal(from, STATE_INVESTIGATING))
		return call_refuse(
			c, "conflict", "%s is %s and cannot be reopened.", id, state_name(from));
	reopen_record(c);
	if (record_event(c, ENTRY_RECURRENCE, "incident.reopened", "reopened, was %s: %s",
		    state_name(from), why) < 0 ||
		(again = reviewing_reopened(c)) < 0 || promise_make_all(c, false) < 0 || obligation_roles(c) < 0 ||
		reopen_say(c, from, why) < 0 ||
		upgrades_apply(c, &v) < 0) /* what was learnt while it was over */
		return call_fail(c);
	return call_replyf(c, "%s is open again, investigating · next update promised for %s%s%s%s", id,
		words_time(c, promise_due_at(c, PROMISE_UPDATE, NULL)),
		again ? " · its postmortem is a draft again" : "", v.fires ? "." : "",
		upgrades_words(c, &v));
}

static const struct arg_def args[] = {
	{ .name = "why",
		.type = ARG_REST,
		.flags = ARG_REQUIRED | ARG_LONG,
		.label = "why",
		.help = "What came back" },
	{ .name = NULL },
};

const struct operation op_reopen = {
	.name = "reopen",
	.summary = "Open a resolved, closed or cancelled incident again",
	.example = "/inc reopen #42 errors are back after the cache expired",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM | OP_MERGED,
	.right = "incident.write",
	.run = reopen_run,
};
