/* Which side holds where both have changed (FEATURES H5). The buttons of the message say what they were shown with, so that nothing is
 * overwritten that nobody saw. */
#include "commands/issues.h"
#include "commands/verbs.h"

static struct done settle_run(struct call *c)
{
	enum issue_field f;

	if (!issue_field_parse(call_text(c, "field"), &f))
		return call_refuse_arg(c, "field", "There is no field “%s”.", call_text(c, "field"));
	return issue_settle(c, f, call_text(c, "side")[0] == 'o', call_text(c, "theirs"));
}

static const char *const fields[] = { "title", "priority", "status", "assignee", NULL };
static const char *const sides[] = { "ours", "jira", NULL };

static const struct arg_def args[] = {
	{ .name = "field",
		.type = ARG_CHOICE,
		.flags = ARG_REQUIRED | ARG_LEADING,
		.label = "field",
		.help = "What differs: title, priority, status or assignee",
		.choices = fields },
	{ .name = "side",
		.type = ARG_CHOICE,
		.flags = ARG_REQUIRED | ARG_LEADING,
		.label = "side",
		.help = "Which one holds: ours, or jira",
		.choices = sides },
	{ .name = "theirs",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "as shown",
		.help = "Jira's value as it was shown: when it is another one by now, nothing is done" },
	{ .name = NULL },
};

const struct operation op_settle = {
	.name = "settle",
	.summary = "Ours and Jira's differ: say which one holds",
	.example = "/inc settle status ours",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = settle_run,
};
