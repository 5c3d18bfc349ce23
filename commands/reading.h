#ifndef COMMANDS_READING_H
#define COMMANDS_READING_H
/*
 * What the rooms of the language share (language*.c, tokens.c, args*.c): cleaned text, its tokens,
 * and the reading of one value. Nothing here is for verbs.
 */
#include "commands/language.h"

/* ---- cleaning (language_clean.c) ---- */
/*
 * Text as typed → text to read: no control characters, straight quotes, the chat's escapes undone.
 * A mention of a person becomes MARK_BEGIN '@' key ['|' label] MARK_END, which nothing a user types
 * can be; every other escape becomes the plain text that it shows ("@channel", "#general", the
 * URL).
 */
char *line_clean(struct arena *a, const char *words);
/* Typed text for the record: mentions become "@bob". blanks: line breaks become blanks. At most len
 * bytes. */
char *line_plain(struct call *c, const char *text, size_t len, bool blanks);
/* The same without a store: "@label", else "@id". */
char *line_plain_label(struct arena *a, const char *text, size_t len);
/* A mention at p: its length, and the person's key on the arena; 0 when there is none. */
size_t line_mention(struct arena *a, const char *p, const char **person);
/* "system:id" as keys of people are. */
bool person_key_valid(const char *key);

/* ---- tokens (tokens.c) ---- */
struct token {
	const char *p;  /* where it stands in the text */
	size_t len;     /* with its quotes */
	bool quoted;    /* wholly in quotes: text, never an option or a level */
	bool used;      /* an argument took it */
};
struct tokens {
	struct token *at;
	size_t count;
	const char *text; /* all of them stand in */
};
void tokens_read(struct arena *a, const char *text, struct tokens *out);
/* Without quotes, and unless quoted without the punctuation around it; false when longer than
 * fits. */
#define TOKEN_WORD_MAX 64
bool token_word(const struct token *t, char out[TOKEN_WORD_MAX]);
/* From where on no quote closes any more, as far as is known: searching for an end again and again
 * would be slow. */
struct open_quotes {
	const char *once, *twice; /* ' and "; NULL: not known */
};
/* The value at p, which stands at the beginning of a token: its end; *value and *len without
 * quotes. open may be NULL. */
const char *token_value(const char *p, struct open_quotes *open, const char **value, size_t *len);
bool token_blank(char c);

/* ---- one value (args.c) ---- */
/* Reads text as d asks for. NULL, or why not, for people (on the arena; ends without a full
 * stop). */
const char *value_read(
	struct call *c, const struct arg_def *d, const char *text, struct arg_value *out);
/* The same for a shape in a sentence: no reason is made, and what could be prose is left alone. */
bool value_try(struct call *c, const struct arg_def *d, const char *text, bool certain,
	struct arg_value *out);
/* Length of the duration or time that text starts with ("in 20m", "14:05", "20m ago"), 0 when none.
 * due: it stands where the value must be, so that a bare "20m" is a time too. */
size_t value_moment(
	struct call *c, const struct arg_def *d, const char *text, bool due, struct arg_value *out);
/* Puts a value read from text at its place; refuses when it is none or said twice. 0 or -EINVAL. */
int arg_take(struct call *c, size_t index, const char *text);
size_t arg_count(const struct operation *op);
const struct arg_def *arg_find(
	const struct operation *op, const char *name, size_t len, size_t *index);
/* Refuses when a required argument is missing. */
int args_complete(struct call *c);
/* The name people see: its label in lower case, else its name. */
const char *arg_label(struct arena *a, const struct arg_def *d);
/* Adds to what the answer says about how the line was understood. */
void call_understood(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- operations by what people type (language_find.c) ---- */
struct found {
	const struct operation *op;
	const struct op_alias *alias;
	bool exact;     /* not through a prefix */
};
/* Exact name or alias, else a unique prefix of one. False when none or several. */
bool operation_find(const char *word, struct found *out);
/* Only exact. */
bool operation_find_exact(const char *word, struct found *out);
/* "#42", "INC-42", "inc42", "#inc-42-checkout" (its channel) at p: its length with the comma or colon
 * behind it, 0 when it is none. digits: a lone number too (language.c). */
size_t line_incident(const char *p, bool digits, int64_t *id);
/* Does it make a new incident, rather than work on or show one that is? */
bool operation_makes(const struct operation *op);

#endif
