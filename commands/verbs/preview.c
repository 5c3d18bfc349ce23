/* How the messages of the templates (messages.yml) would read for this incident now (FEATURES E6). Nothing is sent. */
#include <string.h>

#include "commands/messages.h"
#include "commands/verbs.h"
#include "incident/promise.h"

static const char *const kinds[] = { "first", "update", "resolution", NULL };

static json_t *preview_doc(struct call *c, const char *kind)
{
	struct status_update u = {
		.known = c->incident.update_text ? c->incident.update_text : arena_strdup(c->arena, "what is known"),
		.unknown = arena_strdup(c->arena, "what is not known yet"),
		.impact = c->incident.impact,
		.doing = arena_strdup(c->arena, "what is being done"),
		.next = arena_strdup(c->arena, "what comes next"),
	};
	int64_t next_at = promise_due_at(c, PROMISE_UPDATE, NULL);

	if (strcmp(kind, "resolution") == 0) {
		/* Only as this call sees it: it is not touched, so nothing of it is saved. */
		if (!c->incident.resolved_at)
			c->incident.resolved_at = c->now;
		return message_resolution(c, "what was done");
	}
	return message_update(c, strcmp(kind, "first") == 0 ? TEMPLATE_FIRST : TEMPLATE_UPDATE, &u,
		next_at ? next_at : c->now + call_cadence(c));
}

static struct done preview_run(struct call *c)
{
	const char *kind = call_given(c, "message") ? call_text(c, "message") : "update";
	json_t *doc = preview_doc(c, kind);

	doc_context(doc, arena_printf(c->arena,
		"A preview of “%s” for you alone: nothing was sent. Its words stand in messages.yml.", kind));
	return call_reply(c, doc);
}

static const struct arg_def args[] = {
	{ .name = "message",
		.type = ARG_CHOICE,
		.flags = ARG_LEADING,
		.label = "message",
		.help = "Which one: first, update or resolution",
		.choices = kinds },
	{ .name = NULL },
};

const struct operation op_preview = {
	.name = "preview",
	.summary = "How the next update or the resolution would read, without sending it",
	.example = "/inc preview resolution",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_READS,
	.right = "incident.read",
	.run = preview_run,
};
