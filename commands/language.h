#ifndef COMMANDS_LANGUAGE_H
#define COMMANDS_LANGUAGE_H
/*
 * The language of one line (FEATURES A1–A4): finds the operation, the incident and the arguments in
 * text as people type it. Works for words as for structured arguments of buttons, forms and ctl:
 * both end in the same typed values, checked by the same code.
 */
#include "commands/call.h"

#define LINE_BYTES_MAX 65536 /* bytes of one line; longer ones are refused */

/* What the dispatcher needs to know before it loads anything. */
struct line {
	const struct operation *op;     /* NULL: not found; `unknown` says what to answer */
	const struct op_alias *alias;   /* through which it was found; NULL */
	int64_t incident;               /* named by #42 / INC-42; 0 */
	const char *rest;               /* cleaned text after operation and incident */
	const char *word;               /* the first word as typed */
	bool bare;                      /* nothing but the operation (and the incident) was typed */
	bool prefix;                    /* the operation was found by the beginning of its name */
	size_t too_long;                /* its bytes, when more than LINE_BYTES_MAX: not read; else 0 */
};

/* Cleans (smart quotes, escaped mentions, control characters), unescapes, cuts off "/inc"
 * itself. An empty line is help. Never fails: an unknown operation has op NULL. roles: a policy's
 * role names are words too ("ic @bob"). */
void line_read(struct arena *a, const char *words, const struct config *config, struct line *out);
/* "No operation "updte". Did you mean: /inc update … ? (nothing was done)" as a refusal
 * document. */
json_t *line_unknown(struct arena *a, const struct line *line);

/* Types the arguments of c->op from line (words) into c->value. 0, or -EINVAL with the refusal set
 * by call_refuse_arg or call_refuse (usage line included). */
int args_from_line(struct call *c, const struct line *line);
/* The same from structured arguments (strings are read by the same rules). */
int args_from_json(struct call *c, const json_t *args);

/* The form of an operation, prefilled from c->value and the record. */
json_t *form_of(struct call *c);
/* "/inc severity [#42] <level> [<why>]": all of it, for help. */
void usage_line(struct str *out, const struct operation *op);
/* The same without the options ("…" stands for them), for answers that a phone shows. */
void usage_short(struct str *out, const struct operation *op);
/* Help in short (all operations) or of one, as a document. */
json_t *help_short(struct arena *a);
json_t *help_operation(struct arena *a, const struct operation *op);
/* Markdown command reference for docs/commands.md. */
void help_reference(struct str *out);

#endif
