/* Another title: what is wrong is better known by now. The channel keeps its name, people have it in their lists. */
#include <string.h>

#include "commands/messages.h"
#include "commands/verbs.h"

static struct done title_run(struct call *c)
{
	struct incident *inc = &c->incident;
	const char *old = inc->title, *id = words_id(c, inc->id);
	const char *title = message_short(c, call_text(c, "title"), INCIDENT_TITLE_MAX - strlen("…"));
	json_t *doc;

	if (!*title)
		return call_refuse_arg(c, "title", "%s keeps its title: say in a few words what is wrong.", id);
	if (!strcmp(title, old))
		return call_replyf(c, "%s is called that already; nothing was changed.", id);
	inc->title = arena_strdup(c->arena, title);
	call_touch_announce(c);
	doc = message_line(c, "%s is called “%s” now, was “%s” — %s", id, title, old,
		words_name(c, c->actor));
	json_object_set_new(doc, "quiet", json_true());
	if (record_event(c, ENTRY_FACT, "incident.titled", "title “%s” → “%s”", old, title) < 0 ||
		say_channel(c, doc, NULL) < 0)
		return call_fail(c);
	return call_replyf(c, "%s is called “%s” now", id, title);
}

static void title_prefill(struct call *c, const char *arg, char **value)
{
	if (!strcmp(arg, "title") && !*value)
		*value = c->incident.title;
}

static const struct op_alias aliases[] = {
	{ "rename", NULL, NULL },
	{ "retitle", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "title",
		.type = ARG_REST,
		.flags = ARG_REQUIRED,
		.label = "what is wrong",
		.help = "The new title, in a few words" },
	{ .name = NULL },
};

const struct operation op_title = {
	.name = "title",
	.aliases = aliases,
	.summary = "Give the incident another title",
	.example = "/inc title checkout fails for cards of one bank",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = title_run,
	.prefill = title_prefill,
};
