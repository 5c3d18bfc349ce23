/* How often this incident promises an update (FEATURES E4). The policy stays as it is; the reason
 * is on the timeline. */
#include "base/clock.h"
#include "commands/messages.h"
#include "commands/obligations.h"
#include "commands/verbs.h"
#include "incident/promise.h"

static int64_t policy_cadence(const struct call *c)
{
	return c->config->severity.level[c->incident.severity].cadence_ms;
}

static struct done cadence_tell(struct call *c)
{
	int64_t own = c->incident.cadence_ms;

	return call_replyf(c, "Updates on %s come every %s, %s. Change it: %s",
		words_id(c, c->incident.id), words_for(c, call_cadence(c)),
		own ? arena_printf(c->arena, "its own rhythm (the policy says %s)",
			      words_for(c, policy_cadence(c)))
		    : "as the policy says",
		message_usage(c, "/inc cadence #%lld 20m why", (long long)c->incident.id));
}

static int cadence_set(struct call *c, int64_t every, const char *why)
{
	int64_t old = call_cadence(c);
	int rc;

	c->incident.cadence_ms = every == policy_cadence(c) ? 0 : every;
	call_touch(c);
	rc = record_event(c, ENTRY_COMMUNICATION, "incident.cadence", "update cadence %s → %s%s",
		words_for(c, old), words_for(c, call_cadence(c)), message_because(c, why));
	return rc < 0 ? rc : obligation_cadence(c);
}

static struct done cadence_run(struct call *c)
{
	bool reset = call_flag(c, "reset");
	int64_t every = reset ? policy_cadence(c) : call_number(c, "every", 0);
	const char *why = call_text(c, "why");
	int64_t limit;

	if (!every && why)
		return call_refuse_arg(c, "every",
			"The cadence stays %s: begin with how often, as in %s",
			words_for(c, call_cadence(c)),
			message_usage(c, "/inc cadence #%lld 20m why", (long long)c->incident.id));
	if (!every)
		return cadence_tell(c);
	if (every == call_cadence(c))
		return call_replyf(c, "Updates on %s come every %s already; nothing was changed.",
			words_id(c, c->incident.id), words_for(c, every));
	if (!reset && every < MINUTE_MS)
		return call_refuse_arg(c, "every",
			"The cadence stays %s: less than a minute is no rhythm.",
			words_for(c, call_cadence(c)));
	if (!reset && (!why || !*why) &&
		c->config->severity.level[c->incident.severity].reason_to_snooze)
		return call_refuse_arg(c, "why",
			"The cadence stays %s: at %s a change needs a reason, as in %s",
			words_for(c, call_cadence(c)), words_severity(c, c->incident.severity),
			message_usage(c, "/inc cadence #%lld %s waiting for the vendor",
				(long long)c->incident.id, call_text(c, "every")));
	limit = obligation_update_limit(c);
	if (every > limit)
		return call_refuse_arg(c, "every",
			"The cadence stays %s: at %s an update is promised at least every %s.",
			words_for(c, call_cadence(c)), words_severity(c, c->incident.severity),
			words_for(c, limit));
	if (cadence_set(c, every, why) < 0)
		return call_fail(c);
	return call_replyf(c, "Updates on %s come every %s now · next one promised for %s",
		words_id(c, c->incident.id), words_for(c, call_cadence(c)),
		words_time(c, promise_due_at(c, PROMISE_UPDATE, NULL)));
}

static const struct arg_def args[] = {
	{ .name = "every",
		.type = ARG_DURATION,
		.flags = ARG_LEADING,
		.label = "every",
		.help = "How often: 20m" },
	{ .name = "why", .type = ARG_REST, .label = "why", .help = "Needed at the severe levels" },
	{ .name = "reset",
		.type = ARG_FLAG,
		.flags = ARG_OPTION,
		.label = "as the policy says",
		.help = "Back to the policy's cadence",
		.synonyms = "policy" },
	{ .name = NULL },
};

const struct operation op_cadence = {
	.name = "cadence",
	.summary = "Change how often updates are promised",
	.example = "/inc cadence 20m waiting for the vendor",
	.args = args,
	.need = NEED_OPEN,
	.right = "incident.write",
	.run = cadence_run,
};
