/* Help and the command reference, made from the operation table and never written twice (FEATURES
 * A4). */
#include <string.h>

#include "commands/reading.h"

#define HELP_MAX  16000
#define GROUP_MAX 10

/* In the order of help. Every operation that people see stands in one of them; a test looks. */
static const struct group {
	const char *title;
	const char *names[GROUP_MAX];
} groups[] = {
	{ "Begin", { "declare", "classify", "solo" } },
	{ "Tell", { "update", "customer", "subscribe", "unsubscribe" } },
	{ "Record", { "note", "impact", "scope", "strategy", "checkpoint", "check" } },
	{ "Steer", { "severity", "state", "title", "role", "escalate", "acknowledge" } },
	{ "Hand over", { "handover", "accept", "decline" } },
	{ "Pace", { "cadence", "snooze" } },
	{ "End", { "resolve", "close", "reopen", "cancel" } },
	{ "Join", { "merge", "unmerge", "link", "unlink", "settle" } },
	{ "Diagnose", { "diagnosis", "diagnoses", "attach", "promote" } },
	{ "Learn", { "postmortem", "followup", "followups", "release-check", "cause", "metrics" } },
	{ "Confide", { "protect", "grant", "revoke", "access" } },
	{ "Look", { "show", "list", "timeline", "export", "preview", "sync", "whoami", "help" } },
};
#define GROUPS (sizeof(groups) / sizeof(*groups))

/* What one incident needs, in the order in which it does: the others are named only. */
static const char *const everyday[] = { "declare", "role", "update", "impact", "severity", "state",
	"note", "handover", "show", "resolve" };
#define EVERYDAY (sizeof(everyday) / sizeof(*everyday))

static bool visible(const struct operation *op)
{
	return !(op->flags & (OP_INTERNAL | OP_HIDDEN));
}

static size_t group_of(const struct operation *op)
{
	for (size_t i = 0; i < GROUPS; i++)
		for (size_t k = 0; k < GROUP_MAX && groups[i].names[k]; k++)
			if (!strcmp(groups[i].names[k], op->name))
				return i;
	return GROUPS;
}

/* ---- usage ---- */

static void usage_choices(struct str *s, const struct arg_def *d)
{
	for (size_t i = 0; d->choices[i]; i++)
		str_addf(s, "%s%s", i ? "|" : "", d->choices[i]);
}

static size_t choices(const struct arg_def *d)
{
	size_t n = 0;

	while (d->choices && d->choices[n])
		n++;
	return n;
}

static void usage_label(struct str *s, const struct arg_def *d)
{
	const char *label = d->label ? d->label : d->name;

	if (d->type == ARG_CHOICE && choices(d) <= 6)
		usage_choices(s, d);
	else
		str_add(s, label);
}

static void usage_arg(struct str *s, const struct arg_def *d)
{
	bool required = d->flags & ARG_REQUIRED;

	str_add(s, required ? " " : " [");
	if (d->flags & ARG_OPTION || d->type == ARG_FLAG)
		str_addf(s, "--%s", d->name);
	if (d->type != ARG_FLAG) {
		if (d->flags & ARG_OPTION)
			str_addc(s, ' ');
		else if (d->flags & ARG_TRAILING)
			str_add(s, d->type == ARG_DURATION ? "in " : "");
		str_addc(s, '<');
		usage_label(s, d);
		str_addc(s, '>');
	}
	str_add(s, required ? "" : "]");
}

static bool is_option(const struct arg_def *d)
{
	return d->flags & ARG_OPTION || d->type == ARG_FLAG;
}

/* True when there is something beyond. */
static bool usage_begin(struct str *out, const struct operation *op)
{
	bool options = false;

	str_addf(out, "/inc %s", op->name);
	if (op->need != NEED_NOTHING)
		str_add(out, " [#42]");
	for (const struct arg_def *d = op->args; d && d->name; d++)
		if (!is_option(d) && d->type != ARG_REST)
			usage_arg(out, d);
	for (const struct arg_def *d = op->args; d && d->name; d++) {
		if (!is_option(d) && d->type == ARG_REST)
			usage_arg(out, d);
		options |= is_option(d);
	}
	return options;
}

void usage_short(struct str *out, const struct operation *op)
{
	if (usage_begin(out, op))
		str_add(out, " …");
}

void usage_line(struct str *out, const struct operation *op)
{
	usage_begin(out, op);
	for (const struct arg_def *d = op->args; d && d->name; d++)
		if (is_option(d))
			usage_arg(out, d);
}

/* ---- help ---- */

static const char *usage_of(struct arena *a, const struct operation *op)
{
	struct str s;

	str_init_arena(&s, a, HELP_MAX);
	usage_line(&s, op);
	return s.p;
}

static bool is_everyday(const char *name)
{
	for (size_t i = 0; i < EVERYDAY; i++)
		if (!strcmp(everyday[i], name))
			return true;
	return false;
}

static void short_everyday(struct arena *a, json_t *doc)
{
	struct str s;

	str_init_arena(&s, a, HELP_MAX);
	for (size_t i = 0; i < EVERYDAY; i++) {
		const struct operation *op = operation_by_name(everyday[i]);

		if (i)
			str_addc(&s, '\n');
		mark_code(&s, op->name);
		str_addf(&s, " %s", op->summary);
	}
	doc_text(doc, s.p);
}

/* "Pace: cadence, snooze": one line for each group, without what is explained above. */
static void short_others(struct arena *a, json_t *doc)
{
	struct str s;

	str_init_arena(&s, a, HELP_MAX);
	for (size_t g = 0; g < GROUPS; g++) {
		bool any = false;

		for (size_t k = 0; k < GROUP_MAX && groups[g].names[k]; k++) {
			if (is_everyday(groups[g].names[k]))
				continue;
			if (!any && s.len)
				str_addc(&s, '\n');
			if (!any)
				mark_bold(&s, groups[g].title);
			str_add(&s, any ? ", " : " ");
			str_add(&s, groups[g].names[k]);
			any = true;
		}
	}
	doc_text(doc, s.p);
}

static const char *short_plain(struct arena *a)
{
	struct str s;
	bool any = false;

	str_init_arena(&s, a, HELP_MAX);
	str_add(&s, "What /inc can do: ");
	for (size_t i = 0; operations[i]; i++) {
		if (!visible(operations[i]))
			continue;
		str_addf(&s, "%s%s", any ? ", " : "", operations[i]->name);
		any = true;
	}
	str_add(&s, ". More about one: /inc help update");
	return s.p;
}

json_t *help_short(struct arena *a)
{
	json_t *doc = doc_new(short_plain(a));

	short_everyday(a, doc);
	short_others(a, doc);
	doc_context(doc,
		"More about one: /inc help update · In an incident's channel it is the one that is "
		"meant; from elsewhere its number comes first: /inc #42 update … · Words may be "
		"shortened");
	return doc;
}

static void arg_synonyms(struct str *s, const struct arg_def *d)
{
	const char *p = d->synonyms;

	if (!p || !*p)
		return;
	str_add(s, " (also");
	while (*p) {
		size_t n = strcspn(p, " ");

		str_add(s, " --");
		str_addn(s, p, n);
		p += n + strspn(p + n, " ");
	}
	str_addc(s, ')');
}

/* One argument in words: "severity: sev1 to sev4 …". */
static void arg_words(struct str *s, const struct arg_def *d)
{
	if (is_option(d))
		str_addf(s, "--%s", d->name);
	else
		str_add(s, d->label ? d->label : d->name);
	arg_synonyms(s, d);
	if (d->flags & ARG_REQUIRED)
		str_add(s, ", required");
	if (d->help)
		str_addf(s, ": %s", d->help);
	if (d->type == ARG_CHOICE) {
		str_add(s, d->help ? " — " : ": ");
		for (size_t i = 0; d->choices && d->choices[i]; i++)
			str_addf(s, "%s%s", i ? ", " : "", d->choices[i]);
	}
	if (d->flags & ARG_MANY)
		str_add(s, " (may be said several times)");
}

static void alias_words(struct str *s, const struct operation *op)
{
	bool any = false;

	for (const struct op_alias *al = op->aliases; al && al->name; al++) {
		str_addf(s, "%s%s", any ? ", " : "", al->name);
		if (al->arg && al->value && strcmp(al->name, al->value))
			str_addf(s, " (%s %s)", al->arg, al->value);
		any = true;
	}
}

json_t *help_operation(struct arena *a, const struct operation *op)
{
	const char *usage = usage_of(a, op);
	json_t *doc = doc_new(arena_printf(a, "%s: %s", usage, op->summary));
	struct str s;

	str_init_arena(&s, a, HELP_MAX);
	mark_code(&s, usage);
	str_addf(&s, "\n%s", op->summary);
	doc_text(doc, s.p);
	for (const struct arg_def *d = op->args; d && d->name; d++) {
		str_reset(&s);
		arg_words(&s, d);
		doc_list_item(doc, s.p);
	}
	if (op->aliases && op->aliases[0].name) {
		str_reset(&s);
		str_add(&s, "Also: ");
		alias_words(&s, op);
		doc_text(doc, s.p);
	}
	if (op->example) {
		str_reset(&s);
		str_add(&s, "For example: ");
		mark_code(&s, op->example);
		doc_text(doc, s.p);
	}
	return doc;
}

/* ---- the reference ---- */

static const char *need_words(const struct operation *op)
{
	switch (op->need) {
	case NEED_NOTHING:
		return "no incident";
	case NEED_INCIDENT:
		return "an incident";
	case NEED_OPEN:
		return "an open incident";
	}
	return "";
}

static void reference_operation(struct str *out, const struct operation *op)
{
	str_addf(out, "### %s\n\n%s.\n\n", op->name, op->summary);
	str_add(out, "    ");
	usage_line(out, op);
	str_addf(out, "\n\nFor example: `%s`\n\n", op->example ? op->example : "");
	for (const struct arg_def *d = op->args; d && d->name; d++) {
		str_add(out, "- ");
		arg_words(out, d);
		str_addc(out, '\n');
	}
	if (op->args && op->args[0].name)
		str_addc(out, '\n');
	if (op->aliases && op->aliases[0].name) {
		str_add(out, "Also: ");
		alias_words(out, op);
		str_add(out, ".\n\n");
	}
	str_addf(out, "Needs %s", need_words(op));
	if (op->right)
		str_addf(out, " and the right `%s`", op->right);
	str_addf(out, ".%s\n\n", op->flags & OP_READS ? " Changes nothing." : "");
}

/* What holds for every operation. */
static const char reading[] =
	"# Commands\n"
	"\n"
	"Made from the operation table (`commands/table.c`); a test keeps the two the\n"
	"same.\n"
	"\n"
	"Every line begins with `/inc` (or `/incident`); from a shell the same words\n"
	"follow `sitrep ctl`.\n"
	"\n"
	"## How a line is read\n"
	"\n"
	"- **Operation**: in any letter case, shortened as long as it stays unique, or\n"
	"  by another name of it. A word that is none does nothing, and the answer says\n"
	"  what was probably meant.\n"
	"- **Incident**: in its channel it is meant by itself. From elsewhere `#42` or\n"
	"  `INC-42` comes first (`/inc #42 update …`), behind the operation, or\n"
	"  anywhere as `--incident 42`. When exactly one is open, it is meant; the\n"
	"  answer says so.\n"
	"- **Text** needs no quotes. Quotes keep words together where one word is due,\n"
	"  and what stands in quotes is text whatever it looks like.\n"
	"- **Options** stand anywhere: `--service payments`, `--service=payments`,\n"
	"  `service:payments`; the long dash that phones make of two is fine. `--no-`\n"
	"  in front turns a flag off.\n"
	"- **Severity** is found anywhere when it is written as `sev2` or `p1`; a plain\n"
	"  word (`major`) only in the first place.\n"
	"- **Times**: `17:00`, `tomorrow 9:00`, `in 20m`, `20m ago`, `2026-03-01\n"
	"  14:00`, ISO 8601, in your own time zone. **Durations**: `30m`, `1h30`, `2\n"
	"  days`; a lone number is minutes.\n"
	"- **People**: a mention, `@name` of somebody the bot has met, or `me`.\n"
	"  **Roles** by any of their names.\n"
	"- Nothing is cut: what is too long is refused, with its length and the limit.\n"
	"\n";

void help_reference(struct str *out)
{
	str_add(out, reading);
	for (size_t g = 0; g < GROUPS; g++) {
		str_addf(out, "## %s\n\n", groups[g].title);
		for (size_t i = 0; operations[i]; i++)
			if (visible(operations[i]) && group_of(operations[i]) == g)
				reference_operation(out, operations[i]);
	}
}
