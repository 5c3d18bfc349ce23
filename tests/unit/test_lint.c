/* The linter on language: sentences of ours, some of them held out, with precision and recall. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "incident/lint.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define DATA	 SITREP_SOURCE_DIR "/tests/data/lint/"

/* ---- the corpus: lines "! refused" and "= passes" -------------------------------------------- */

struct score {
	size_t good, bad;     /* sentences that should pass, be refused */
	size_t refused_right; /* bad ones that are */
	size_t refused_wrong; /* good ones that are */
};

typedef bool judge_fn(const char *sentence);

static bool finds(const char *sentence, enum lint_rule rule)
{
	struct lint_finding f;
	size_t from = 0;

	while (lint_next(sentence, true, &from, &f))
		if (f.rule == rule)
			return true;
	return false;
}

static bool judge_blame(const char *sentence)
{
	return lint_blames(sentence, NULL);
}

static bool judge_empty(const char *sentence)
{
	return finds(sentence, LINT_EMPTY);
}

static bool judge_placeholder(const char *sentence)
{
	return finds(sentence, LINT_PLACEHOLDER);
}

static bool judge_signal(const char *sentence)
{
	return !lint_signal_observable(sentence);
}

static void score_read(const char *file, judge_fn *judge, struct score *s)
{
	/* To see what a change of the rules does: SITREP_LINT_SHOW=1. */
	bool show = getenv("SITREP_LINT_SHOW");
	char line[1000], path[500];
	FILE *f;

	snprintf(path, sizeof(path), DATA "%s", file);
	f = fopen(path, "r");
	assert_non_null(f);
	memset(s, 0, sizeof(*s));
	while (fgets(line, sizeof(line), f)) {
		bool refused;

		line[strcspn(line, "\n")] = '\0';
		if (*line == '#' || !*line)
			continue;
		assert_true((*line == '!' || *line == '=') && line[1] == ' ');
		refused = judge(line + 2);
		*(*line == '!' ? &s->bad : &s->good) += 1;
		s->refused_right += *line == '!' && refused;
		s->refused_wrong += *line == '=' && refused;
		if (show && refused != (*line == '!'))
			print_message("%s: %s\n", file, line);
	}
	fclose(f);
}

static double precision(const struct score *s)
{
	return (double)s->refused_right / (double)(s->refused_right + s->refused_wrong);
}

static double recall(const struct score *s)
{
	return (double)s->refused_right / (double)s->bad;
}

/* The floors lie below what was reached when the rules were written. */
static const struct {
	const char *file;
	judge_fn *judge;
	double precision, recall;
} corpora[] = {
	{ "blame-tuning.txt", judge_blame, 0.97, 0.97 },
	{ "blame-heldout.txt", judge_blame, 0.90, 0.80 },
	{ "empty-tuning.txt", judge_empty, 0.97, 0.95 },
	{ "empty-heldout.txt", judge_empty, 0.90, 0.80 },
	{ "placeholder-tuning.txt", judge_placeholder, 0.97, 0.95 },
	{ "placeholder-heldout.txt", judge_placeholder, 0.90, 0.80 },
	{ "signal-tuning.txt", judge_signal, 0.95, 0.95 },
	{ "signal-heldout.txt", judge_signal, 0.85, 0.80 },
};

static void test_corpus(void **state)
{
	size_t sentences = 0;
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(corpora); i++) {
		struct score s;

		score_read(corpora[i].file, corpora[i].judge, &s);
		sentences += s.good + s.bad;
		print_message("%-24s %3zu refused, %3zu fine: precision %.3f recall %.3f\n",
			corpora[i].file, s.bad, s.good, precision(&s), recall(&s));
		if (precision(&s) >= corpora[i].precision && recall(&s) >= corpora[i].recall)
			continue;
		print_error("%s: below %.2f, %.2f\n", corpora[i].file, corpora[i].precision,
			corpora[i].recall);
		wrong++;
	}
	assert_int_equal(wrong, 0);
	assert_true(sentences >= 400);
}

/* ---- findings -------------------------------------------------------------------------------- */

static void expect(
	const char *text, bool action, size_t *from, enum lint_rule rule, const char *quote)
{
	struct lint_finding f;

	if (!lint_next(text, action, from, &f))
		fail_msg("nothing at %zu of: %s", *from, text);
	assert_int_equal(f.rule, rule);
	assert_string_equal(f.quote, quote);
	assert_string_equal(f.where, "");
	assert_true(strlen(f.instead) > 40);
}

static void test_one_after_the_other(void **state)
{
	static const char text[] = "Summary: TBD\n"
				   "- The disk was full. It was caused by @bob, sadly.\n"
				   "- …\n"
				   "- be more careful!\n"
				   "---\n"
				   "Human\terror again";
	struct lint_finding f;
	size_t from = 0;

	(void)state;
	expect(text, true, &from, LINT_PLACEHOLDER, "TBD");
	expect(text, true, &from, LINT_BLAME, "caused by @bob");
	expect(text, true, &from, LINT_PLACEHOLDER, "- …");
	expect(text, true, &from, LINT_EMPTY, "be more careful");
	expect(text, true, &from, LINT_BLAME, "Human\terror");
	assert_false(lint_next(text, true, &from, &f));
	assert_false(lint_next(text, true, &from, &f));
	/* emptiness counts in actions and lessons alone */
	from = 0;
	expect(text, false, &from, LINT_PLACEHOLDER, "TBD");
	expect(text, false, &from, LINT_BLAME, "caused by @bob");
	expect(text, false, &from, LINT_PLACEHOLDER, "- …");
	expect(text, false, &from, LINT_BLAME, "Human\terror");
	assert_false(lint_next(text, false, &from, &f));
}

static void test_it_says_what_to_write(void **state)
{
	static const struct {
		const char *text, *instead;
	} cases[] = {
		{ "caused by @bob", "what made it possible, or easy?" },
		{ "human error", "what made it easy to slip" },
		{ "@bob should have known", "what could they see at that time" },
		{ "@bob was careless", "which guard was missing" },
		{ "be more careful", "what would make it hard to get wrong?" },
		{ "improve monitoring", "how will anybody see it?" },
		{ "train the team", "by which exercise or tool, by when?" },
		{ "avoid this in future", "what will be built or changed?" },
		{ "TODO", "write it, or take it out" },
	};
	struct lint_finding f;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t from = 0;

		assert_true(lint_next(cases[i].text, true, &from, &f));
		if (!strstr(f.instead, cases[i].instead))
			fail_msg("%s: %s", cases[i].text, f.instead);
		assert_true(strchr(f.instead, '"')); /* an example */
		assert_true(strlen(f.instead) + 1 < sizeof(f.instead));
	}
}

static void test_where_it_applies(void **state)
{
	struct lint_finding f;

	(void)state;
	assert_true(lint_blames("all well. Human\tErrors, again", &f));
	assert_string_equal(f.quote, "Human\tErrors");
	assert_int_equal(f.rule, LINT_BLAME);
	assert_true(lint_blames("it was caused by our new engineer", NULL));
	assert_false(lint_blames(NULL, &f));
	assert_false(lint_blames("", &f));
	assert_false(lint_blames("@", &f));
	/* a placeholder or an empty action blames nobody */
	assert_false(lint_blames("TODO. Be more careful.", &f));
	/* what the next sentence says counts on the same line only */
	assert_false(judge_empty("Improve monitoring. Page when the lag is over 30 s."));
	assert_true(judge_empty("Improve monitoring.\nPage when the lag is over 30 s."));
	assert_true(judge_empty("Improve monitoring. Improve alerting."));
	/* a question asks, "why" knows already */
	assert_false(lint_blames("Was it caused by @bob?", NULL));
	assert_true(lint_blames("Why was it caused by @bob?", NULL));
	assert_false(lint_signal_observable(NULL));
	assert_false(lint_signal_observable(""));
}

static void test_marks_of_markdown(void **state)
{
	static const char text[] =
		"| Action | Due |\n|---|---|\n| F1 | — |\n\n---\n***\n```\nls -l\n```\n"
		"1. Why did it stop? Because the disk was full.\n";
	struct lint_finding f;
	size_t from = 0;

	(void)state;
	assert_false(lint_next(text, true, &from, &f));
	from = 0;
	expect("Summary\n\n _Nothing yet: what cost time._\n", false, &from, LINT_PLACEHOLDER,
		"Nothing yet");
}

/* The quote is cut at a character's edge. */
static void test_long_quote(void **state)
{
	static char text[1000];
	struct lint_finding f;
	size_t n = (size_t)snprintf(text, sizeof(text), "x caused by @");

	(void)state;
	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "ü");
	assert_true(lint_blames(text, &f));
	assert_true(strlen(f.quote) > 150 && strlen(f.quote) < sizeof(f.quote));
	assert_int_equal((unsigned char)f.quote[strlen(f.quote) - 1], 0xBC);
}

static void fill(char *text, size_t size, const char *part)
{
	size_t n = 0, len = strlen(part);

	for (; n + len < size; n += len)
		memcpy(text + n, part, len);
	text[n] = '\0';
}

/* Time grows with the length alone, whatever is found. */
static void test_long_text(void **state)
{
	static const char *const parts[] = { "no ", "be more careful. ", "todo\n", "the the ",
		"prevent if had improve the ", "…\n", "Anna Anna ", "@bob " };
	static char text[100000];
	struct lint_finding f;

	(void)state;
	for (size_t i = 0; i < COUNT(parts); i++) {
		size_t from = 0, found = 0;

		fill(text, sizeof(text) - 100, parts[i]);
		strcat(text, ". human error");
		while (lint_next(text, true, &from, &f))
			found++;
		assert_true(found > 0 && f.rule == LINT_BLAME);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_one_after_the_other),
		cmocka_unit_test(test_it_says_what_to_write),
		cmocka_unit_test(test_where_it_applies),
		cmocka_unit_test(test_marks_of_markdown),
		cmocka_unit_test(test_long_quote),
		cmocka_unit_test(test_long_text),
	};

	return cmocka_run_group_tests_name("lint", tests, NULL, NULL);
}
