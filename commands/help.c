/* Help and the command reference, made from the operation table and never written twice (FEATURES
 * A4). */
#include <string.h>

#include "commands/reading.h"

#define HELP_MAX 16000

/* In the order of help; what no group names stands under the last one. */
static const struct group {
	const char *title;
	const char *names[10];
} groups[] = {
	{ "Begin", { "declare" } },
	{ "Tell", { "update", "customer", "subscribe", "unsubscribe", "note", "impact" } },
	{ "Steer", { "severity", "state", "role", "escalate", "acknowledge" } },
	{ "Pace", { "cadence", "snooze" } },
	{ "End", { "resolve", "close", "reopen", "cancel" } },
	{ "Confide", { "protect", "grant", "revoke", "access" } },
	{ "Look", { "show", "list", "timeline", "sync", "whoami", "help" } },
};
#define GROUPS (sizeof(groups) / sizeof(*groups))

static bool visible(const struct operation *op)
{
	return !(op->flags & (OP_INTERNAL | OP_HIDDEN));
}

static size_t group_of(const struct operation *op)
{
	for (size_t i = 0; i < GROUPS; i++)
		for (size_t k = 0; k < 10 && groups[i].names[k]; k++)
			if (!strcmp(groups[i].names[k], op->name))
				return i;
	return GROUPS - 1;
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

static void short_group(struct arena *a, json_t *doc, size_t group)
{
	struct str s;
	bool any = false;

	str_init_arena(&s, a, HELP_MAX);
	mark_bold(&s, groups[group].title);
	for (size_t i = 0; operations[i]; i++) {
		if (!visible(operations[i]) || group_of(operations[i]) != group)
			continue;
		str_addc(&s, '\n');
		mark_code(&s, operations[i]->name);
		str_addf(&s, " %s", operations[i]->summary);
		any = true;
	}
	if (any)
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

	for (size_t i = 0; i < GROUPS; i++)
		short_group(a, doc, i);
	doc_context(doc,
		"In an incident's channel it is the one that is meant; from elsewhere put its "
		"number first: "
		"/inc #42 update … · Words may be shortened · More about one: /inc help update");
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
