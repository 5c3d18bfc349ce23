#ifndef INCIDENT_WORDS_H
#define INCIDENT_WORDS_H
/*
 * Free text as words and sentences, for rules that look for phrases in it. Nothing is copied: words
 * point into the text. Any bytes are taken. Pure.
 */
#include <stdbool.h>
#include <stddef.h>

/* What stands between two words; the later, the more it parts them. */
enum word_edge {
	EDGE_NONE,     /* blanks, hyphens, quotes, what is no punctuation */
	EDGE_COLON,    /* : = – */
	EDGE_CLAUSE,   /* , ( ) and "but" */
	EDGE_SENTENCE, /* . ; ! ? a new line, the end */
};

/* "don't", "1,200", "14:02", "@bob's" and "%" are each one word. */
struct word {
	const char *p;
	size_t len;
	enum word_edge before, after;
	bool asked; /* a question mark follows */
};

/* The words of the next sentence at *p, at most max; *p moves behind it. A longer one comes in
 * pieces. 0 at the end of the text. */
size_t words_sentence(const char **p, struct word *w, size_t max);
#define WORDS_SENTENCE_MAX 200

/* One of "a|b|c", ASCII case ignored, ’ as good as '. */
bool word_is(const struct word *w, const char *alternatives);
/* A mention of one person: "@bob", but not "@channel". possessive: "@bob's", else without. */
bool word_is_mention(const struct word *w, bool possessive);
/* Do the words from w on, of n, match "a|b c d|e", with nothing but blanks between them? How many
 * were matched, 0 when not. */
size_t words_match(const struct word *w, size_t n, const char *pattern);

/* The part of the sentence around word i without commas in it: [*from, *to). */
void words_clause(const struct word *w, size_t n, size_t i, size_t *from, size_t *to);
/* Is one of the alternatives among the words [from, to)? */
bool words_have(const struct word *w, size_t from, size_t to, const char *alternatives);

#endif
