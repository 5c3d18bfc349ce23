/* Made from the operation table, never written twice (FEATURES A4). */
#include "commands/language.h"
#include "commands/verbs.h"

static struct done help_run(struct call *c)
{
	const struct operation *op = NULL;

	if (call_given(c, "operation"))
		op = operation_by_name(call_text(c, "operation"));
	return call_reply(c, op ? help_operation(c->arena, op) : help_short(c->arena));
}

static const struct op_alias aliases[] = {
	{ "?", NULL, NULL },
	{ "usage", NULL, NULL },
	{ "commands", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "operation",
		.type = ARG_OPERATION,
		.flags = ARG_LEADING,
		.label = "operation",
		.help = "The one to explain" },
	{ .name = NULL },
};

const struct operation op_help = {
	.name = "help",
	.aliases = aliases,
	.summary = "What there is to type, or one operation explained",
	.example = "/inc help update",
	.args = args,
	.need = NEED_NOTHING,
	.flags = OP_READS,
	.right = NULL, /* whoever is refused everything else may still ask */
	.run = help_run,
};
