#ifndef STORE_TERMS_H
#define STORE_TERMS_H
/*
 * Which incidents have a word, in memory, so that not every row need be read to find a rare one.
 *
 * A hint only: a row confirms what it says, so a word that an incident has no more, or that of one
 * which was undone, does no harm. A word must never be missing.
 *
 * Words lie between blanks and commas, in titles and in what is looked for; so what is looked for
 * lies within one word or nowhere. Each word is kept once, with the incidents that have it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TERM_BLANKS " \t\n,"

/* Kinds of terms, apart from each other. Words have no case (ASCII), the others are taken as they are. */
enum term_kind { TERM_WORD, TERM_PERSON, TERM_ENVIRONMENT, TERM_SOURCE };

struct terms;

struct terms *terms_create(void);
void terms_destroy(struct terms *t); /* accepts NULL */

/* Is it the first time that this incident comes with texts of this hash? id > 0. */
bool terms_news(struct terms *t, int64_t id, uint64_t hash);
void terms_add(struct terms *t, int64_t id, enum term_kind kind, const char *text); /* NULL: nothing */
void terms_add_words(struct terms *t, int64_t id, const char *text); /* each word of it */
void terms_add_any(struct terms *t, int64_t id); /* whatever is asked for, this one may have it */

/* Those that may have everything asked for. */
struct terms_query;
struct terms_query *terms_ask(const struct terms *t); /* all of them */
void terms_ask_term(struct terms_query *q, enum term_kind kind, const char *text, size_t n);
void terms_ask_part(struct terms_query *q, const char *text, size_t n); /* of a word; n > 0, no blanks in it */
/* How many, and up to max of them in any order. */
size_t terms_answer(const struct terms_query *q, int64_t *ids, size_t max);
void terms_query_destroy(struct terms_query *q); /* accepts NULL */

#endif
