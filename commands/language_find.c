/* Operations by what people type: exact words, unique prefixes, and what may have been meant
 * (FEATURES A3, A4). */
#include <string.h>

#include "base/text.h"
#include "commands/reading.h"

#define CANDIDATES_MAX 6
#define WORD_SHOWN_MAX 40

struct candidate {
	const struct operation *op;
	const struct op_alias *alias; /* NULL: the name itself */
	unsigned distance;
};
struct candidates {
	struct candidate at[CANDIDATES_MAX];
	size_t count;
};

static bool offered(const struct operation *op)
{
	return !(op->flags & OP_INTERNAL);
}

/* Several words that end in the same thing are one candidate. */
static bool same_meaning(
	const struct candidate *c, const struct operation *op, const struct op_alias *alias)
{
	const char *a = c->alias ? c->alias->value : NULL, *b = alias ? alias->value : NULL;
	const char *x = c->alias ? c->alias->arg : NULL, *y = alias ? alias->arg : NULL;

	if (c->op != op || !a != !b || !x != !y)
		return false;
	return (!a || !strcmp(a, b)) && (!x || !strcmp(x, y));
}

/* Keeps the nearest, each meaning once. */
static void candidate_add(struct candidates *c, const struct operation *op,
	const struct op_alias *alias, unsigned distance)
{
	size_t i, at;

	for (i = 0; i < c->count; i++) {
		if (!same_meaning(&c->at[i], op, alias))
			continue;
		if (c->at[i].distance <= distance)
			return;
		memmove(&c->at[i], &c->at[i + 1], (c->count - i - 1) * sizeof(c->at[0]));
		c->count--;
		break;
	}
	for (at = 0; at < c->count && c->at[at].distance <= distance; at++)
		;
	if (at == CANDIDATES_MAX)
		return;
	if (c->count == CANDIDATES_MAX)
		c->count--;
	memmove(&c->at[at + 1], &c->at[at], (c->count - at) * sizeof(c->at[0]));
	c->at[at] = (struct candidate){ op, alias, distance };
	c->count++;
}

/* Every word of every operation that is offered: judge gives its distance, negative for "not at
 * all". */
static void candidates_collect(struct candidates *c, const char *word,
	int (*judge)(const char *word, const char *name))
{
	int d;

	for (size_t i = 0; operations[i]; i++) {
		const struct operation *op = operations[i];

		if (!offered(op))
			continue;
		d = judge(word, op->name);
		if (d >= 0)
			candidate_add(c, op, NULL, (unsigned)d);
		for (const struct op_alias *al = op->aliases; al && al->name; al++) {
			d = judge(word, al->name);
			if (d >= 0)
				candidate_add(c, op, al, (unsigned)d);
		}
	}
}

static int judge_prefix(const char *word, const char *name)
{
	return text_prefix_fold(word, name) ? 0 : -1;
}

static int judge_near(const char *word, const char *name)
{
	size_t n = strlen(word);
	unsigned most = n < 3 ? 0 : n < 5 ? 1 : n < 9 ? 2 : 3;
	unsigned d = text_distance(word, name);

	if (n >= 3 && text_prefix_fold(name, word))
		return 1; /* "updates", "declaring": the word and something more */
	return d <= most ? (int)d : -1;
}

/* No word stands for two operations, so the first is the one. */
bool operation_find_exact(const char *word, struct found *out)
{
	for (size_t i = 0; operations[i]; i++) {
		const struct operation *op = operations[i];
		const struct op_alias *al = op->aliases;

		if (!offered(op))
			continue;
		*out = (struct found){ .op = op, .exact = true };
		if (text_equal_fold(word, op->name))
			return true;
		for (; al && al->name; al++) {
			out->alias = al;
			if (text_equal_fold(word, al->name))
				return true;
		}
	}
	return false;
}

bool operation_find(const char *word, struct found *out)
{
	struct candidates c = { .count = 0 };

	if (operation_find_exact(word, out))
		return true;
	candidates_collect(&c, word, judge_prefix);
	if (c.count != 1 || !*word)
		return false;
	*out = (struct found){ .op = c.at[0].op, .alias = c.at[0].alias };
	return true;
}

bool operation_makes(const struct operation *op)
{
	if (op->need != NEED_NOTHING)
		return false;
	for (const struct arg_def *d = op->args; d && d->name; d++)
		if (d->flags & ARG_REQUIRED)
			return true;
	return false;
}

/* Usage under the name that was nearly typed: "/inc card … (show)". */
static void candidate_usage(struct str *s, const struct candidate *c)
{
	if (c->alias)
		str_addf(s, "/inc %s … (%s)", c->alias->name, c->op->name);
	else
		usage_short(s, c->op);
}

static json_t *unknown_none(struct arena *a, const char *shown)
{
	return doc_new(arena_printf(a,
		"No operation \"%s\" (nothing was done). /inc help lists what there is; to open an "
		"incident: /inc declare sev2 what is wrong",
		shown));
}

static const char *word_shown(struct arena *a, const char *word)
{
	size_t n = text_cut(word, WORD_SHOWN_MAX);

	return word[n] ? arena_printf(a, "%.*s…", (int)n, word) : word;
}

json_t *line_unknown(struct arena *a, const struct line *line)
{
	struct candidates c = { .count = 0 };
	const char *word = line->word ? line->word : "", *shown = word_shown(a, word);
	const char *how = "Did you mean";
	struct str s;
	json_t *doc;

	if (line->too_long)
		return doc_new(arena_printf(a,
			"This line is %zu bytes long; at most %zu can be read (nothing was done). "
			"Say the essence, and put the rest into notes: /inc note what happened",
			line->too_long, (size_t)LINE_BYTES_MAX));
	candidates_collect(&c, word, judge_prefix);
	if (c.count > 0 && *word)
		how = "It could be";
	else
		candidates_collect(&c, word, judge_near);
	if (c.count == 0)
		return unknown_none(a, shown);
	str_init_arena(&s, a, 8000);
	if (c.count == 1) {
		str_addf(&s, "No operation \"%s\". %s: ", shown, how);
		candidate_usage(&s, &c.at[0]);
		str_add(&s, " ? (nothing was done)");
		return doc_new(s.p);
	}
	str_addf(&s, "No operation \"%s\" (nothing was done). %s:", shown, how);
	doc = doc_new(s.p);
	doc_text(doc, s.p);
	for (size_t i = 0; i < c.count; i++) {
		str_reset(&s);
		candidate_usage(&s, &c.at[i]);
		doc_list_item(doc, s.p);
	}
	return doc;
}
