#ifndef BASE_JSON_LEX_H
#define BASE_JSON_LEX_H
/*
 * The words of a JSON text, one after the other, for whoever builds values of them. Strict: RFC 8259
 * with valid UTF-8, no NUL in strings, integers of 64 bits.
 *
 * Each function reads what stands at `p` and leaves `p` behind it; when that is not what it should
 * be, it sets `fault` (words for people, static) and leaves `p` where the fault is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct json_lex {
	const char *start, *p, *end;
	const char *fault;
	struct str unescaped; /* the latest string that had escapes in it */
};

void json_lex_init(struct json_lex *l, const char *p, size_t n);
void json_lex_finish(struct json_lex *l);
bool json_lex_fail(struct json_lex *l, const char *fault); /* false */

void json_lex_blanks(struct json_lex *l);
/* Skips blanks and, if it comes then, the sign: true. */
bool json_lex_sign(struct json_lex *l, char sign);
/* "true", "false", "null" as a whole. */
bool json_lex_word(struct json_lex *l, const char *word, size_t n);

/* Valid UTF-8 without NUL; lasts until the next string, or as long as the text. Not terminated. */
struct json_lex_string {
	const char *p;
	size_t n;
	bool escaped; /* lies in `unescaped` */
};
bool json_lex_string(struct json_lex *l, struct json_lex_string *out);

/* A number that is no integer is told as its text. */
struct json_lex_number {
	bool integer;
	int64_t value;
	const char *p;
	size_t n;
};
bool json_lex_number(struct json_lex *l, struct json_lex_number *out);

/* Of p: both count from 1, columns in characters. */
void json_lex_place(const struct json_lex *l, int *line, int *column);

#endif
