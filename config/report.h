#ifndef CONFIG_REPORT_H
#define CONFIG_REPORT_H
/*
 * Everything that is wrong with the config, collected, then written in the order of the files:
 * place, reason, the line and a caret. No secret is ever written: a line is cut where one begins.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/node.h"

#define REPORT_ISSUES_MAX 100

struct str;
struct issue;

struct report {
	struct arena *arena;
	struct issue *first; /* in order */
	size_t count, errors;
};

void report_init(struct report *r, struct arena *a);
/* Errors. A node of a default has no lines: only the text is written. */
void report_error(struct report *r, const struct node *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* At a secret: of its line nothing is shown beyond `shown` bytes from there on (REPORT_ALL: no
 * limit). */
#define REPORT_ALL (SIZE_MAX / 2)
void report_secret(struct report *r, const struct node *at, size_t shown, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void report_warn(struct report *r, const struct node *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* line 0: about the whole source. */
void report_at(struct report *r, const struct source *source, size_t line, size_t column,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void report_offset(struct report *r, const struct source *source, size_t offset, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
void report_write(const struct report *r, struct str *out);

/* Text from outside, fit to be quoted in a message: cut, no control characters, no token. */
const char *report_quote(struct report *r, const char *text, size_t n);
/* The byte at a place, 0 past the end. */
char report_char(const struct source *source, size_t line, size_t column);

/* The candidate nearest to word, NULL when none is near enough to be meant. */
struct nearest {
	const char *word;
	const char *best;
	unsigned distance;
};
void nearest_init(struct nearest *n, const char *word);
void nearest_try(struct nearest *n, const char *candidate);

#endif
