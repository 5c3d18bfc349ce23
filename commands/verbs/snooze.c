/*
 * Reminders of the next update are quiet for a while (FEATURES E4). The promise itself stands: what
 * was promised for 14:51 is late after 14:51.
 */
#include <string.h>

#include "base/duration.h"
#include "base/text.h"
#include "commands/messages.h"
#include "commands/verbs.h"
#include "incident/promise.h"

/* "until 15:10 waiting for the vendor": the time is cut off the reason. */
static int64_t until_cut(struct call *c, const char **why)
{
	static const char word[] = "until ";
	int64_t until = 0;
	size_t n;

	if (!*why || !text_prefix_fold(word, *why))
		return 0;
	n = time_prefix(*why + strlen(word), c->zone, c->now, false, &until);
	if (!n)
		return 0;
	*why += strlen(word) + n;
	*why += strspn(*why, " ,;:");
	return until;
}

static int64_t snooze_until(struct call *c, const char **why)
{
	int64_t until = call_number(c, "until", 0);

	if (!until && !call_given(c, "for"))
		until = until_cut(c, why);
	return until ? until : c->now + call_number(c, "for", c->config->snooze_ms);
}

static struct done snooze_ask_why(struct call *c)
{
	if (message_may_ask(c))
		return message_form(c, "At %s a snooze needs a reason.",
			words_severity(c, c->incident.severity));
	return call_refuse_arg(c, "why", "Reminders go on: at %s a snooze needs a reason, as in %s",
		words_severity(c, c->incident.severity),
		message_usage(c, "/inc snooze #%lld 10m waiting for the vendor",
			(long long)c->incident.id));
}

static struct done snooze_run(struct call *c)
{
	const char *why = call_text(c, "why");
	int64_t until = snooze_until(c, &why);
	int64_t due = promise_due_at(c, PROMISE_UPDATE, NULL);

	if (!due)
		return call_refuse(c, "conflict",
			"%s owes no update, so there is nothing to snooze.",
			words_id(c, c->incident.id));
	if (until <= c->now)
		return call_refuse_arg(
			c, "until", "Reminders go on: %s is over already.", words_time(c, until));
	if (until - c->now > c->config->snooze_max_ms)
		return call_refuse_arg(c, call_given(c, "until") ? "until" : "for",
			"Reminders go on: a snooze is at most %s, this would be %s.",
			words_for(c, c->config->snooze_max_ms), words_for(c, until - c->now));
	if ((!why || !*why) && c->config->severity.level[c->incident.severity].reason_to_snooze)
		return snooze_ask_why(c);
	call_touch(c);
	if (promise_quiet(c, PROMISE_UPDATE, until) < 0 ||
		record_event(c, ENTRY_COMMUNICATION, "promise.snoozed",
			"reminders quiet until %s%s", message_plain_time(c, until),
			message_because(c, why)) < 0)
		return call_fail(c);
	return call_replyf(c,
		"Reminders for %s are quiet until %s · the update stays promised for %s",
		words_id(c, c->incident.id), words_time(c, until), words_time(c, due));
}

static const struct arg_def args[] = {
	{ .name = "for",
		.type = ARG_DURATION,
		.flags = ARG_LEADING,
		.label = "how long",
		.help = "How long: 10m" },
	{ .name = "why", .type = ARG_REST, .label = "why", .help = "Needed at the severe levels" },
	{ .name = "until",
		.type = ARG_TIME,
		.flags = ARG_TRAILING,
		.label = "until",
		.help = "Instead of a duration: 15:10" },
	{ .name = NULL },
};

static const struct op_alias aliases[] = {
	{ "quiet", NULL, NULL },
	{ NULL, NULL, NULL },
};

const struct operation op_snooze = {
	.name = "snooze",
	.aliases = aliases,
	.summary = "Keep the reminders quiet for a while",
	.example = "/inc snooze 10m waiting for the vendor",
	.args = args,
	.need = NEED_OPEN,
	.right = "incident.write",
	.run = snooze_run,
};
