#ifndef COMMANDS_ARGS_LINE_H
#define COMMANDS_ARGS_LINE_H
/*
 * One line on its way to arguments: its tokens, of which each is used once (args_line.c has the
 * order, args_options.c what is named, args_shape.c what is known by its shape).
 */
#include "commands/reading.h"

struct reading {
	struct call *c;
	struct tokens t;
	size_t head; /* no unused token before it */
	bool text;   /* what is left is text, whatever it looks like (ARG_AFTER) */
	struct open_quotes open;
};

const struct arg_def *reading_def(const struct reading *r, size_t arg);
bool reading_given(const struct reading *r, size_t arg);
/* The next unused token at or after i; the count when there is none. */
size_t reading_unused(const struct reading *r, size_t i);
/* Everything from token i on that begins before end was taken, with a comma that hangs on it. */
void reading_use(struct reading *r, size_t i, const char *end);
/* A word that would be left over anyway can only be this role or person: "assign ops bob". */
bool reading_due(const struct reading *r, const struct arg_def *d);

/* --options and key:value pairs, wherever they stand. 0, or -EINVAL with the refusal set. */
int options_take(struct reading *r);
/* First words, then what may stand anywhere, then last words. */
void shapes_take(struct reading *r, size_t args);

#endif
