#ifndef TESTS_UNIT_SUPPORT_JIRA_H
#define TESTS_UNIT_SUPPORT_JIRA_H
/*
 * The adapter between a Jira that answers by a script and a core that the test plays. A script is a list
 * of lines: a call of this method whose address begins so is answered with this, once; the first line
 * that fits and is unused is taken. What no line answers is a 404 that is not Jira's, and is counted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "config/config.h"

#define SCRIPT_FOR_EVER 1000
#define ANSWER_LOST	-1 /* status: the connection is closed instead of an answer */
#define ANSWER_CUT	-2 /* in the middle of the body */

struct line {
	const char *call;   /* "POST /rest/api/3/issue": how the request line begins */
	int status;
	const char *body;   /* of the answer; NULL: none */
	const char *header; /* a further one, "Retry-After: 2"; NULL */
	int times;	    /* 0: once */
	int used;
};

struct effect_run {
	/* by the test */
	int flavour;	 /* enum issue_flavour */
	bool pacing, verify;
	int64_t search_lag_ms;
	int kind;	 /* enum effect_kind */
	const char *payload;
	struct line *script;
	size_t lines;
	int attempts;	 /* effects to run one after the other; 0: one */
	int attempt;	 /* which one of the effect it is; 0: the first */
	int stop_after_ms; /* the program ends meanwhile: no outcome is expected; 0: it does not */
	void (*policy)(struct issue_policy *p);
	/* what came of it */
	char outcome[16], error[1100];
	json_t *result; /* of the last; NULL */
	int64_t retry_after_ms;
	int calls, unanswered;
	char log[200000]; /* all request lines and bodies, "> " before each */
	int64_t took_ms;
};

/* Runs it to its outcome; fails the test when there is none within 8 s. */
void run_effect(struct effect_run *r);
void run_finish(struct effect_run *r);
/* How often the text is in the log. */
int run_count(const struct effect_run *r, const char *text);
/* Of the result, by path; "" when there is none of that kind. */
const char *run_text(const struct effect_run *r, const char *path);

#endif
