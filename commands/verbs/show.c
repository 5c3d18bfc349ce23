/* The live card, for the asker alone. */
#include "commands/messages.h"
#include "commands/verbs.h"

static struct done show_run(struct call *c)
{
	json_t *doc = view_card(c);
	const char *channel = message_channel_mark(c);

	if (channel)
		doc_context(doc, arena_printf(c->arena, "Channel %s", channel));
	return call_reply(c, doc);
}

static const struct op_alias aliases[] = {
	{ "status", NULL, NULL },
	{ "card", NULL, NULL },
	{ NULL, NULL, NULL },
};

const struct operation op_show = {
	.name = "show",
	.aliases = aliases,
	.summary = "Show an incident as it is now",
	.example = "/inc show #42",
	.need = NEED_INCIDENT,
	.flags = OP_READS,
	.right = "incident.read",
	.run = show_run,
};
