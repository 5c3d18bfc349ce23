/* Which level would it be? (FEATURES C2) Suggests and says why; nothing is changed until the button
 * is pressed. */
#include <string.h>

#include "base/text.h"
#include "commands/messages.h"
#include "commands/verbs.h"

static const char *const radii[] = { "none", "limited", "bounded", "widespread", NULL };
static const char *const urgencies[] = { "low", "medium", "high", NULL };

static int index_of(const char *const *list, const char *word)
{
	for (int i = 0; list[i]; i++)
		if (strcmp(list[i], word) == 0)
			return i;
	return 0;
}

static void add_incident(struct call *c, json_t *doc, int level, const char *why)
{
	const struct incident *inc = &c->incident;
	const char *name = severity_name(&c->config->severity, level);

	if (inc->severity == level) {
		doc_context(doc,
			arena_printf(c->arena, "That is what %s is.", words_id(c, inc->id)));
		return;
	}
	if (!state_active(inc->state))
		return;
	doc_context(doc, arena_printf(c->arena, "%s is %s.", words_id(c, inc->id),
				 words_severity(c, inc->severity)));
	doc_button(doc,
		arena_printf(c->arena, "Make %s %s", words_id(c, inc->id),
			words_severity(c, level)),
		"severity", inc->id, json_pack("{s:s, s:s}", "level", name, "why", why), "primary");
}

static struct done classify_answer(
	struct call *c, enum severity_radius radius, enum severity_urgency urgency)
{
	const char *why;
	int level = severity_classify(radius, urgency, &why);
	const struct severity_policy *p = &c->config->severity.level[level];
	json_t *doc = message_line(c, "%s: %s.", words_severity(c, level), why);

	if (p->criteria)
		doc_text(doc, arena_printf(c->arena, "%s is for: %s", words_severity(c, level),
				      p->criteria));
	if (c->has_incident)
		add_incident(c, doc, level,
			arena_printf(c->arena, "classified as radius %s, urgency %s: %s",
				radii[radius], urgencies[urgency], why));
	else
		doc_button(doc, arena_printf(c->arena, "Declare %s …", words_severity(c, level)),
			"declare", 0,
			json_pack("{s:s}", "severity", severity_name(&c->config->severity, level)),
			"primary");
	return call_reply(c, doc);
}

static struct done classify_run(struct call *c)
{
	const char *radius = call_text(c, "radius"), *urgency = call_text(c, "urgency");

	if (radius && urgency)
		return classify_answer(c, (enum severity_radius)index_of(radii, radius),
			(enum severity_urgency)index_of(urgencies, urgency));
	if (message_may_ask(c))
		return message_form(c, "How far does it reach, and can it wait?");
	return call_refuse_arg(c, radius ? "urgency" : "radius",
		"Nothing was suggested: %s is missing. It takes how far it reaches (widespread, "
		"bounded, limited, none) and how urgent it is (high, medium, low), as in %s",
		radius ? "the urgency" : "the radius",
		message_usage(c, "/inc classify widespread high"));
}

static const struct arg_def args[] = {
	{ .name = "radius",
		.type = ARG_CHOICE,
		.label = "radius",
		.help = "Who is affected: widespread, bounded (a known group), limited (few), none",
		.choices = radii },
	{ .name = "urgency",
		.type = ARG_CHOICE,
		.label = "urgency",
		.help = "Can it wait: high, medium, low",
		.choices = urgencies },
	{ .name = NULL },
};

const struct operation op_classify = {
	.name = "classify",
	.summary = "Suggest a severity from how far it reaches and how urgent it is",
	.example = "/inc classify widespread high",
	.args = args,
	.need = NEED_NOTHING,
	.flags = OP_READS | OP_BARE_FORM,
	.right = "incident.read",
	.run = classify_run,
};
