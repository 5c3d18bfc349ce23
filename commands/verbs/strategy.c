/*
 * Another approach (FEATURES E8): asked of the commander when nothing is identified for long, or
 * said at any time. The answer is a decision on the record, and the time begins anew.
 */
#include <string.h>

#include "commands/messages.h"
#include "commands/obligations.h"
#include "commands/verbs.h"
#include "incident/promise.h"

struct approach {
	const char *name, *label; /* as chosen; on its button */
	const char *words;        /* as told */
	const char *hint;         /* to whoever chose it: what comes next */
	const char *verb, *words_after; /* how to say that */
};

static const struct approach approaches[] = {
	{ "help", "Ask for help", "ask for help", "Say what is needed, and who could know:",
		"update", "unknown: …; next: we need somebody who knows …" },
	{ "escalate", "Escalate", "escalate", "Call in the next tier:", "escalate", "why" },
	{ "narrow", "Narrow the diagnosis", "narrow the diagnosis",
		"Say what is looked at now:", "hypothesis", "it is only …" },
	{ "mitigate", "Mitigate now", "the safest mitigation now, the cause later",
		"When it is under way:", "mitigating", "failing over" },
};

static const struct approach *approach_find(const char *name)
{
	for (size_t i = 0; name && i < sizeof(approaches) / sizeof(approaches[0]); i++)
		if (strcmp(approaches[i].name, name) == 0)
			return &approaches[i];
	return NULL;
}

void message_strategy_buttons(json_t *doc, int64_t incident)
{
	for (size_t i = 0; i < sizeof(approaches) / sizeof(approaches[0]); i++)
		doc_button(doc, approaches[i].label, "strategy", incident,
			json_pack("{s:s}", "do", approaches[i].name), NULL);
}

static struct done strategy_ask(struct call *c)
{
	json_t *doc;

	if (message_may_ask(c))
		return message_form(c, "How does it go on?");
	if (c->request->from_form)
		return call_refuse_arg(c, "do", "Choose one, or say it in words.");
	doc = message_line(c, "Nothing was decided: say how it goes on, as in %s",
		message_usage(c, "/inc strategy #%lld narrow to the payment service",
			(long long)c->incident.id));
	message_strategy_buttons(doc, c->incident.id);
	return call_refuse_doc(c, "usage", doc);
}

/* Help is asked for where others than those in the channel can read it. */
static int strategy_say(struct call *c, const struct approach *a, const char *decision)
{
	const char *id = words_id(c, c->incident.id);
	int rc = say_channel(c,
		message_line(c, "Strategy of %s: %s — %s", id, decision,
			words_name(c, c->actor)),
		NULL);

	if (rc < 0 || !a || strcmp(a->name, "help") != 0)
		return rc;
	return say_announce_thread(c,
		message_line(c, "%s asks for help%s — %s", id, message_because(c, call_text(c, "text")),
			words_name(c, c->actor)));
}

/* "Say what is looked at now: /inc hypothesis #42 it is only …" */
static const char *hint_words(struct call *c, const struct approach *a)
{
	if (!a)
		return "";
	return arena_printf(c->arena, ". %s %s", a->hint,
		message_usage(c, "/inc %s #%lld %s", a->verb, (long long)c->incident.id,
			a->words_after));
}

static struct done strategy_answer(struct call *c, const struct approach *a)
{
	int64_t due = promise_due_at(c, PROMISE_STRATEGY, NULL);
	json_t *doc = message_line(c, "Recorded as a decision on %s%s%s%s",
		words_id(c, c->incident.id), due ? " · the next such question is due at " : "",
		due ? words_time(c, due) : "", hint_words(c, a));

	if (a && strcmp(a->name, "escalate") == 0 && operation_by_name(a->name))
		doc_button(doc, "Escalate", "escalate", c->incident.id, NULL, "primary");
	return call_reply(c, doc);
}

static struct done strategy_run(struct call *c)
{
	const struct approach *a = approach_find(call_text(c, "do"));
	const char *text = call_text(c, "text");
	const char *decision;

	if (!a && (!text || !*text))
		return strategy_ask(c);
	decision = a ? arena_printf(c->arena, "%s%s", a->words, message_because(c, text)) : text;
	if (record_event(c, ENTRY_DECISION, "incident.strategy", "strategy: %s", decision) < 0 ||
		obligation_strategy(c) < 0 || strategy_say(c, a, decision) < 0)
		return call_fail(c);
	return strategy_answer(c, a);
}

static const char *const deeds[] = { "help", "escalate", "narrow", "mitigate", NULL };

static const struct arg_def args[] = {
	{ .name = "do",
		.type = ARG_CHOICE,
		.flags = ARG_LEADING,
		.label = "approach",
		.help = "Ask for help, escalate, narrow the diagnosis, or the safest mitigation "
			"now",
		.choices = deeds },
	{ .name = "text",
		.type = ARG_REST,
		.flags = ARG_LONG,
		.label = "in words",
		.help = "What exactly changes" },
	{ .name = NULL },
};

const struct operation op_strategy = {
	.name = "strategy",
	.summary = "Change the approach: ask for help, escalate, narrow the diagnosis, mitigate",
	.example = "/inc strategy narrow to the payment service",
	.args = args,
	.need = NEED_OPEN,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = strategy_run,
};
