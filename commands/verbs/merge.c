/* Two that are one (FEATURES B5), and one that was two after all. */
#include "commands/relate.h"
#include "commands/verbs.h"

static struct done merge_run(struct call *c)
{
	return merging_into(c, call_number(c, "into", 0), call_text(c, "why"));
}

static const struct op_alias merge_aliases[] = {
	{ "duplicate", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def merge_args[] = {
	{ .name = "into",
		.type = ARG_INCIDENT,
		.flags = ARG_REQUIRED,
		.label = "the one that is kept",
		.help = "The incident that goes on: #42" },
	{ .name = "why",
		.type = ARG_REST,
		.flags = ARG_LONG,
		.label = "why",
		.help = "What shows that both are the same" },
	{ .name = NULL },
};

const struct operation op_merge = {
	.name = "merge",
	.aliases = merge_aliases,
	.summary = "The same as another incident: it goes on there",
	.example = "/inc merge #43 into #42 same gateway",
	.args = merge_args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM | OP_MERGED,
	.right = "incident.write",
	.run = merge_run,
};

/* ---- unmerge ---- */

static struct done unmerge_run(struct call *c)
{
	return merging_apart(c, call_text(c, "why"), false);
}

static const struct op_alias unmerge_aliases[] = {
	{ "tell-apart", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def unmerge_args[] = {
	{ .name = "why",
		.type = ARG_REST,
		.flags = ARG_REQUIRED | ARG_LONG,
		.label = "why",
		.help = "What shows that they are two" },
	{ .name = NULL },
};

const struct operation op_unmerge = {
	.name = "unmerge",
	.aliases = unmerge_aliases,
	.summary = "A merged incident is one of its own after all",
	.example = "/inc unmerge #43 another gateway, another cause",
	.args = unmerge_args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM | OP_MERGED,
	.right = "incident.write",
	.run = unmerge_run,
};
