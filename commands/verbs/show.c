/* The live card, for the asker alone. */
#include <errno.h>

#include "commands/messages.h"
#include "commands/relate.h"
#include "commands/verbs.h"

static int show_line(struct call *c, void *ctx)
{
	const struct incident *inc = &c->incident;
	const char *channel = message_channel_mark(c);

	doc_text(ctx, arena_printf(c->arena, "It goes on there: %s %s %s · %s%s%s",
			      words_id(c, inc->id), words_severity(c, inc->severity), inc->title,
			      state_name(inc->state), channel ? " · " : "",
			      channel ? channel : ""));
	return 0;
}

/* Of a merged one the other one is shown as well, if the asker may see it. */
static int show_kept(struct call *c, json_t *doc)
{
	struct beside kept;
	int rc;

	if (!c->incident.merged_into)
		return 0;
	rc = beside_kept(c, c->incident.merged_into, &kept);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	doc_divider(doc);
	return beside_run(c, &kept, show_line, doc);
}

static struct done show_run(struct call *c)
{
	json_t *doc = view_card(c);
	const char *channel = message_channel_mark(c);

	if (channel)
		doc_context(doc, arena_printf(c->arena, "Channel %s", channel));
	if (show_kept(c, doc) < 0) {
		json_decref(doc);
		return call_fail(c);
	}
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
