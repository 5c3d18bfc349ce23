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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests_name("lint", tests, NULL, NULL);
}
