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
		arena_printf(c->arena, "Make %s %s", words_id(c, inc->id), words_severity(c, level)),
		"severity", inc->id, json_pack("{s:s, s:s}", "level", name, "why", why), "primary");
}

static struct done classify_run(struct call *c)
{
	enum severity_radius radius =
		(enum severity_radius)index_of(radii, call_text(c, "radius"));
	enum severity_urgency urgency =
		(enum severity_urgency)index_of(urgencies, call_text(c, "urgency"));
	const char *why;
	int level = severity_classify(radius, urgency, &why);
	const struct severity_policy *p = &c->config->severity.level[level];
	json_t *doc = message_line(c, "%s: %s.", words_severity(c, level), why);
	const char *reason = arena_printf(c->arena, "classified as radius %s, urgency %s: %s",
		radii[radius], urgencies[urgency], why);

	if (p->criteria)
		doc_text(doc, arena_printf(c->arena, "%s is for: %s", words_severity(c, level),
				      p->criteria));
	if (c->has_incident)
		add_incident(c, doc, level, reason);
	else
		doc_button(doc, arena_printf(c->arena, "Declare %s …", words_severity(c, level)),
			"declare", 0,
			json_pack("{s:s}", "severity", severity_name(&c->config->severity, level)),
			"primary");
	return call_reply(c, doc);
}

static const struct arg_def args[] = {
	{ .name = "radius",
		.type = ARG_CHOICE,
		.flags = ARG_REQUIRED | ARG_ANYWHERE,
		.label = "radius",
		.help = "Who is affected: widespread, bounded (a known group), limited (few), none",
		.choices = radii },
	{ .name = "urgency",
		.type = ARG_CHOICE,
		.flags = ARG_REQUIRED | ARG_ANYWHERE,
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
