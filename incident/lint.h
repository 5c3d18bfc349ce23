#ifndef INCIDENT_LINT_H
#define INCIDENT_LINT_H
/*
 * What a review may not say, and what it may not leave out (FEATURES I3). Works on language: sentences, words, negation. Pure.
 *
 * A fact names who did what ("restarted by @bob"); blame makes a person the cause ("caused by @bob", "human error"). "Human error was ruled out" is
 * neither. Each finding says what to write instead.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lint_rule {
	LINT_BLAME,       /* a person, or human error, as the cause */
	LINT_EMPTY,       /* says nothing that could be done or checked: "be more careful", "monitor better", "improve tests" */
	LINT_PLACEHOLDER, /* "TODO", "tbd", "n/a", "…", a section of our template that nobody touched */
	LINT_TIME,        /* a timeline without times */
	LINT_OWNER,       /* an action without an owner … */
	LINT_DUE,         /* … a due date … */
	LINT_SIGNAL,      /* … a completion signal that somebody can observe … */
	LINT_CLASS,       /* … a class (prevent, detect, mitigate, learn) */
	LINT_FACTORS,     /* fewer than three contributing factors */
	LINT_LAYERS,      /* over fewer than two layers */
	LINT_ROOT_CAUSE,  /* a lone root cause */
	LINT_MISSING,     /* a section that must say something is empty */
};

struct lint_finding {
	enum lint_rule rule;
	char where[64];    /* "contributing factors, line 2"; "" when it is the whole text */
	char quote[160];   /* the words it is about, as they stand there; "" */
	char instead[320]; /* what to write, with an example */
};

/* The first sentence-level finding (LINT_BLAME, LINT_EMPTY, LINT_PLACEHOLDER) at or after *from in text; *from moves behind it.
 * action: the text is an action or a lesson, where emptiness counts; elsewhere only blame and placeholders do. False: nothing more. */
bool lint_next(const char *text, bool action, size_t *from, struct lint_finding *out);
/* Only blame, anywhere in text; out may be NULL. */
bool lint_blames(const char *text, struct lint_finding *out);
/* Is a completion signal observable: a number, a state, a named thing that can be looked at ("p99 < 300 ms for 7 days", "alert fires in the
 * game day", "runbook merged")? "works better", "done", "tests improved" are none. */
bool lint_signal_observable(const char *text);

#endif
