/*
 * The end of the impact (FEATURES B4): with evidence that it is over, seen by users and by systems,
 * or with the plain word that this was not verified, and why.
 */
#include <errno.h>

#include "commands/messages.h"
#include "commands/obligations.h"
#include "commands/reviewing.h"
#include "commands/stakeholders.h"
#include "commands/verbs.h"
#include "incident/promise.h"
#include "store/learning.h"

static bool said(const struct call *c, const char *arg)
{
	const char *text = call_text(c, arg);

	return text && *text;
}

static struct done resolve_refuse_state(struct call *c)
{
	const char *id = words_id(c, c->incident.id);
	struct str legal;

	if (c->incident.state == STATE_RESOLVED || c->incident.state == STATE_AUTO_RESOLVED)
		return call_refuse(c, "conflict",
			"%s is %s already, since %s; nothing was changed.", id,
			state_name(c->incident.state), words_time(c, c->incident.state_at));
	str_init_arena(&legal, c->arena, 400);
	state_list_legal(c->incident.state, &legal);
	return call_refuse(c, "conflict",
		"%s is %s and cannot be resolved. From here it can become: %s.", id,
		state_name(c->incident.state), legal.p);
}

/* Asks for what is missing: by the form where there is one, else with the line to type. */
static struct done resolve_ask(struct call *c)
{
	const char *missing = said(c, "signal") ? "health" : "signal";

	if (message_may_ask(c))
		return message_form(c, "Say what shows that it is over, for users and for the "
				       "systems; or why nobody could look.");
	return call_refuse_arg(c, missing,
		"%s is not resolved yet: say what shows that it is over, %s: %s — or that it was "
		"not checked: %s",
		words_id(c, c->incident.id),
		said(c, "signal")   ? "for the systems too"
		: said(c, "health") ? "for users too"
				    : "for users and for the systems",
		message_usage(c,
			"/inc resolve #%lld rolled back --signal \"checkout success 99.9 %% for 15 "
			"min\" --health \"5xx at baseline\"",
			(long long)c->incident.id),
		message_usage(c,
			"/inc resolve #%lld rolled back --not-verified \"no traffic until 6:00\"",
			(long long)c->incident.id));
}

static char *copy(struct call *c, const char *arg)
{
	return said(c, arg) ? arena_strdup(c->arena, call_text(c, arg)) : NULL;
}

static void resolve_record(struct call *c)
{
	struct incident *inc = &c->incident;

	inc->state = STATE_RESOLVED;
	inc->state_at = c->now;
	inc->resolved_at = c->now;
	if (!inc->mitigated_at)
		inc->mitigated_at = c->now;
	inc->signal = copy(c, "signal");
	inc->health = copy(c, "health");
	inc->not_verified = copy(c, "not-verified");
	call_touch_announce(c);
}

/* The resolution is the update that was owed, and the response at the latest. */
static int resolve_promises(struct call *c)
{
	int rc = promise_keep(c, PROMISE_RESOLVE);

	if (rc == 0)
		rc = promise_keep(c, PROMISE_UPDATE);
	if (rc == 0)
		rc = obligation_acknowledge(c);
	if (rc == 0)
		rc = promise_withdraw_all(c);
	return rc < 0 ? rc : reviewing_ended(c);
}

/* In the channel, where whoever owes it reads it. */
static int resolve_publish(struct call *c, const char *text)
{
	json_t *channel = message_resolution(c, text);

	reviewing_offer(c, channel);
	return message_publish(c, channel, message_resolution(c, text));
}

static struct done resolve_answer(struct call *c, const char *verdict)
{
	struct cause cause;
	json_t *doc = message_line(c, "%s is resolved%s · no more reminders of updates · if it comes back: %s",
		words_id(c, c->incident.id), verdict,
		message_usage(c, "/inc reopen #%lld why", (long long)c->incident.id));

	/* While it is fresh in mind; whether it has happened before shows then. */
	if (cause_get(c->store, c->arena, c->incident.id, &cause, &c->err) == -ENOENT)
		doc_button(doc, "Cause", "cause", c->incident.id, NULL, NULL);
	doc_button(doc, "Follow-up", "followup", c->incident.id, NULL, NULL);
	reviewing_offer(c, doc);
	return call_reply(c, doc);
}

static int resolve_entry(struct call *c, enum incident_state from)
{
	const struct incident *inc = &c->incident;
	JSON_CLEANUP json_t *meta = json_pack("{s:s*, s:s*, s:s*}", "signal", inc->signal, "health",
		inc->health, "not_verified", inc->not_verified);
	struct str s;

	str_init_arena(&s, c->arena, 20000);
	str_addf(&s, "resolved%s%s",
		state_skips(from, STATE_RESOLVED) ? " (states between were skipped)" : "",
		message_because(c, call_text(c, "text")));
	if (inc->signal)
		str_addf(&s, "; users: %s", inc->signal);
	if (inc->health)
		str_addf(&s, "; systems: %s", inc->health);
	if (inc->not_verified)
		str_addf(&s, "; not verified because %s", inc->not_verified);
	return record_entry(c, &(struct record_entry){
				       .kind = ENTRY_RESOLUTION,
				       .action = "incident.resolved",
				       .text = s.p,
				       .meta = json_text(c->arena, meta),
			       });
}

static struct done resolve_run(struct call *c)
{
	enum incident_state from = c->incident.state;
	const char *text = call_text(c, "text");
	int64_t due = promise_due_at(c, PROMISE_RESOLVE, NULL);
	const char *verdict = !due	      ? ""
			      : c->now <= due ? " · within the target"
					      : " · after the target";

	if (!state_active(from) || !state_legal(from, STATE_RESOLVED))
		return resolve_refuse_state(c);
	if (!said(c, "not-verified") && !(said(c, "signal") && said(c, "health")))
		return resolve_ask(c);
	resolve_record(c);
	if (resolve_promises(c) < 0 || resolve_entry(c, from) < 0 ||
		resolve_publish(c, text) < 0 ||
		stakeholders_tell(c, message_resolution(c, text)) < 0)
		return call_fail(c);
	return resolve_answer(c, verdict);
}

static const struct op_alias aliases[] = {
	{ "resolved", NULL, NULL },
	{ "fixed", NULL, NULL },
	{ "done", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "text",
		.type = ARG_REST,
		.flags = ARG_LONG,
		.label = "what was done",
		.help = "What ended it" },
	{ .name = "signal",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "what users see",
		.help = "Evidence that it works again for users: checkout success 99.9 % for 15 "
			"min",
		.synonyms = "users" },
	{ .name = "health",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "what the systems say",
		.help = "Evidence from inside: 5xx at baseline",
		.synonyms = "systems" },
	{ .name = "not-verified",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "not verified because",
		.help = "Instead of evidence: why nobody could look",
		.synonyms = "unverified" },
	{ .name = NULL },
};

const struct operation op_resolve = {
	.name = "resolve",
	.aliases = aliases,
	.summary = "The impact is over, with the evidence for it",
	.example = "/inc resolve rolled back --signal \"checkout success 99.9 % for 15 min\" "
		   "--health \"5xx at baseline\"",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = resolve_run,
};
