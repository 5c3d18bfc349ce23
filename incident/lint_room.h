#ifndef INCIDENT_LINT_ROOM_H
#define INCIDENT_LINT_ROOM_H
/* Inside of the linter: one file a rule, each looks at one sentence. */
#include <stdbool.h>
#include <stddef.h>

#include "incident/words.h"

/* The words [at, at + len) of the sentence, and what to write instead of them. */
struct lint_hit {
	size_t at, len;
	const char *instead;
};

bool lint_blame_in(const struct word *w, size_t n, struct lint_hit *out);
bool lint_empty_in(const struct word *w, size_t n, struct lint_hit *out);
bool lint_placeholder_in(const struct word *w, size_t n, struct lint_hit *out);
/* Does it say something that can be done or looked at? Then an empty sentence before it is but its
 * beginning. */
bool lint_concrete(const struct word *w, size_t n);

/*
 * Phrases. A pattern is made of tokens with a blank between them, each for one word unless said:
 *   a|b|c   one of these
 *   @       a person, several words ("@bob", "the new engineer", "the database team")
 *   @'s     what is a person's ("@bob's", "the engineer's")
 *   ^ ^'s   a capitalised name, perhaps of a system: only before what none but people do
 *   +       a past participle ("checked", "known")
 *   *       up to five words
 *   :       no word: a colon, "=" or dash stands between its neighbours
 *   .       no word: nothing follows before the next comma, colon or full stop
 * How many of the n words at w[i] are matched; 0 when not.
 */
size_t lint_match(const struct word *w, size_t n, size_t i, const char *pattern);
bool lint_joined(const struct word *w, size_t n, size_t i); /* w[i] follows with a blank between */

#endif
