/* Another level (FEATURES C1, C4): what is promised becomes stricter at once, never looser
 * silently. */
#include <string.h>

#include "commands/messages.h"
#include "commands/obligations.h"
#include "commands/stakeholders.h"
#include "commands/upgrades.h"
#include "commands/verbs.h"
#include "incident/promise.h"

static int severity_say(struct call *c, int old, const char *why)
{
	static const char *const deciders[] = { ROLE_COMMANDER, ROLE_COMMS };
	const struct severity_policy *p = &c->config->severity.level[c->incident.severity];
	bool raised = c->incident.severity < old;
	int rc;
	const char *call_on = raised ? message_call_on(c, deciders, 2) : "";
	json_t *doc = message_line(c, "%s%s%s is %s now, was %s%s", call_on, *call_on ? " " : "",
		words_id(c, c->incident.id), words_severity(c, c->incident.severity),
		words_severity(c, old), message_because(c, why));

	doc_context(
		doc, arena_printf(c->arena, "%s by %s · updates every %s, the next one by %s%s%s",
			     raised ? "Raised" : "Lowered", words_name(c, c->actor),
			     words_for(c, call_cadence(c)),
			     words_time(c, promise_due_at(c, PROMISE_UPDATE, NULL)),
			     p->escalate_to && raised ? " · escalation: " : "",
			     p->escalate_to && raised ? p->escalate_to : ""));
	rc = say_channel(c, doc, NULL);
	return rc < 0 ? rc : stakeholders_tell_level(c, old, why);
}

static struct done severity_run(struct call *c)
{
	struct incident *inc = &c->incident;
	int old = inc->severity;
	int level = (int)call_number(c, "level", old);
	const char *why = call_text(c, "why");

	if (level == old)
		return call_replyf(c, "%s is %s already; nothing was changed.",
			words_id(c, inc->id), words_severity(c, old));
	if (level > old && (!why || !*why) && message_may_ask(c))
		return message_form(c, "%s is %s. Lowering it needs a reason.",
			words_id(c, inc->id), words_severity(c, old));
	if (level > old && (!why || !*why))
		return call_refuse_arg(c, "why",
			"%s stays %s: lowering the severity needs a reason, as in %s",
			words_id(c, inc->id), words_severity(c, old),
			message_usage(c, "/inc sev #%lld %s a workaround is in place",
				(long long)inc->id, severity_name(&c->config->severity, level)));
	inc->severity = level;
	call_touch_announce(c);
	if ((level > old && upgrades_overruled(c) < 0) || upgrades_level_set(c) < 0 ||
		record_event(c, ENTRY_TRIAGE, "incident.severity", "severity %s → %s%s",
		    words_severity(c, old), words_severity(c, level),
		    message_because(c, why)) < 0 ||
		obligation_level(c, old) < 0 || severity_say(c, old, why) < 0)
		return call_fail(c);
	return call_replyf(c, "%s is %s now · next update promised for %s", words_id(c, inc->id),
		words_severity(c, level), words_time(c, promise_due_at(c, PROMISE_UPDATE, NULL)));
}

static void severity_prefill(struct call *c, const char *arg, char **value)
{
	if (strcmp(arg, "level") == 0 && !*value)
		*value = arena_strdup(
			c->arena, severity_name(&c->config->severity, c->incident.severity));
}

static const struct op_alias aliases[] = {
	{ "sev", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "level",
		.type = ARG_SEVERITY,
		.flags = ARG_REQUIRED | ARG_LEADING,
		.label = "level",
		.help = "1 to 4, sev1, p0, critical …" },
	{ .name = "why",
		.type = ARG_REST,
		.label = "why",
		.help = "What changed; needed to lower it" },
	{ .name = NULL },
};

const struct operation op_severity = {
	.name = "severity",
	.aliases = aliases,
	.summary = "Raise or lower the severity",
	.example = "/inc sev 1 error rate doubled",
	.args = args,
	.need = NEED_OPEN,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = severity_run,
	.prefill = severity_prefill,
};
