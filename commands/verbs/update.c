/*
 * A status update (FEATURES E1, E2, E7): what is known goes to the channel and under the
 * announcement, and the next time is promised. While the incident is active there is no update
 * without a next time: what is not asked for comes from the cadence.
 */
#include <string.h>

#include "commands/figures.h"
#include "commands/messages.h"
#include "commands/obligations.h"
#include "commands/sections.h"
#include "commands/stakeholders.h"
#include "commands/upgrades.h"
#include "commands/verbs.h"
#include "incident/promise.h"

/* Posted, recorded, shown on the card. */
static int update_publish(struct call *c, const struct status_update *u)
{
	struct incident *inc = &c->incident;
	const char *flat = sections_flat(c, u);
	struct record_entry entry = {
		.kind = ENTRY_COMMUNICATION,
		.action = "incident.updated",
		.text = u->next_at ? arena_printf(c->arena, "update: %s (next %s)", flat,
					     message_plain_time(c, u->next_at))
				   : arena_printf(c->arena, "update: %s", flat),
		.meta = sections_meta(c, u),
	};
	enum template_kind kind = inc->updated_at ? TEMPLATE_UPDATE : TEMPLATE_FIRST;
	int rc;

	inc->updated_at = c->now;
	inc->updated_by = arena_strdup(c->arena, c->actor);
	inc->update_text = arena_strdup(c->arena, u->known ? u->known : flat);
	if (u->impact)
		figures_say(c, u->impact);
	call_touch(c);
	rc = record_entry(c, &entry);
	if (rc < 0)
		return rc;
	rc = message_publish(
		c, message_update(c, kind, u, u->next_at), message_update(c, kind, u, u->next_at));
	return rc < 0 ? rc : stakeholders_tell(c, message_update(c, kind, u, u->next_at));
}

static int update_promise(struct call *c, int64_t next_at)
{
	int rc = promise_keep(c, PROMISE_UPDATE);

	if (rc == 0)
		rc = obligation_acknowledge(c);
	if (rc == 0)
		rc = promise_make(c, PROMISE_UPDATE, next_at);
	return rc;
}

/* After the end: still worth telling, but nothing is owed any more. */
static struct done update_afterwards(struct call *c, struct status_update *u)
{
	const struct incident *inc = &c->incident;

	if (inc->state != STATE_RESOLVED && inc->state != STATE_AUTO_RESOLVED)
		return call_refuse(c, "conflict",
			"%s is %s; nothing was posted. Put it on the timeline with %s, or reopen "
			"it: %s",
			words_id(c, inc->id), state_name(inc->state),
			message_usage(c, "/inc note #%lld …", (long long)inc->id),
			message_usage(c, "/inc reopen #%lld why", (long long)inc->id));
	if (u->next_at)
		return call_refuse(c, "conflict",
			"%s is %s, so no next update can be promised; nothing was posted. Leave "
			"out the time, or reopen it: %s",
			words_id(c, inc->id), state_name(inc->state),
			message_usage(c, "/inc reopen #%lld why", (long long)inc->id));
	if (update_publish(c, u) < 0)
		return call_fail(c);
	return call_replyf(c, "Posted. %s is %s, so no next update is promised.",
		words_id(c, inc->id), state_name(inc->state));
}

static const char *time_argument(const struct call *c)
{
	return call_given(c, "at") || !call_given(c, "text") ? "at" : "text";
}

static struct done update_run(struct call *c)
{
	struct status_update u = sections_from_args(c);
	bool by_cadence = !u.next_at;
	int64_t limit = obligation_update_limit(c);
	struct upgrade_verdict v = { 0 };

	if (sections_empty(&u))
		return call_refuse_arg(c, call_given(c, "text") ? "text" : "known",
			"Nothing was posted: say at least what is known, as in %s",
			message_usage(
				c, "/inc update rolling back v2.31, cause not known yet. in 20m"));
	if (!state_active(c->incident.state))
		return update_afterwards(c, &u);
	if (by_cadence)
		u.next_at = c->now + call_cadence(c);
	if (u.next_at <= c->now)
		return call_refuse_arg(c, time_argument(c),
			"Nothing was posted: the next update was asked for %s, which is over. Name "
			"a time to come, or leave it out: then it is %s from now.",
			words_time(c, u.next_at), words_for(c, call_cadence(c)));
	if (u.next_at - c->now > limit)
		return call_refuse_arg(c, time_argument(c),
			"Nothing was posted: the next update was asked for %s, %s from now; at %s "
			"it is promised within %s.",
			words_time(c, u.next_at), words_for(c, u.next_at - c->now),
			words_severity(c, c->incident.severity), words_for(c, limit));
	if (update_publish(c, &u) < 0 || update_promise(c, u.next_at) < 0 ||
		(u.impact && upgrades_apply(c, &v) < 0))
		return call_fail(c);
	return call_replyf(c, "Posted on %s · next update promised for %s%s%s%s",
		words_id(c, c->incident.id),
		words_time(c, promise_due_at(c, PROMISE_UPDATE, NULL)),
		by_cadence ? " (the cadence; name another with “in 20m”)" : "",
		v.fires ? "." : "", upgrades_words(c, &v));
}

static void update_prefill(struct call *c, const char *arg, char **value)
{
	static const char *const carried[] = { "unknown", "doing", "next" };

	if (*value)
		return;
	if (strcmp(arg, "impact") == 0)
		*value = c->incident.impact;
	if (strcmp(arg, "at") == 0 && state_active(c->incident.state))
		*value = arena_printf(c->arena, "in %s", words_for(c, call_cadence(c)));
	for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++)
		if (strcmp(arg, carried[i]) == 0)
			*value = arena_strdup(c->arena, sections_last(c, arg));
}

static const struct op_alias aliases[] = {
	{ "post", NULL, NULL },
	{ "status-update", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "text",
		.type = ARG_REST,
		.flags = ARG_NO_FORM,
		.label = "what is known",
		.help = "Free text, or sections: known: …; unknown: …; impact: …; doing: …; next: "
			"…; and at the end “in 20m” or “at 14:50”" },
	{ .name = "known",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_LONG,
		.label = "known",
		.help = "What is known now" },
	{ .name = "unknown",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_LONG,
		.label = "not known",
		.help = "What is not known yet" },
	{ .name = "impact",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_LONG,
		.label = "impact",
		.help = "Who is affected, and how" },
	{ .name = "doing",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_LONG,
		.label = "doing",
		.help = "What is being done about it",
		.synonyms = "mitigation" },
	{ .name = "next",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_LONG,
		.label = "next",
		.help = "What comes next",
		.synonyms = "next-steps" },
	{ .name = "at",
		.type = ARG_TIME,
		.flags = ARG_OPTION,
		.label = "next update",
		.help = "When the next update comes: 14:50, or in 20m",
		.synonyms = "in next-at" },
	{ .name = NULL },
};

const struct operation op_update = {
	.name = "update",
	.aliases = aliases,
	.summary = "Post a status update and promise the next one",
	.example = "/inc update rolling back v2.31, cause not known yet. in 20m",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = update_run,
	.prefill = update_prefill,
};
