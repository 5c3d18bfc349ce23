#ifndef COMMANDS_TARGET_H
#define COMMANDS_TARGET_H
/* Which incident a call is about, and whether its actor may know that it exists (FEATURES A2,
 * docs/DESIGN.md §9). */
#include "commands/language.h"

enum target {
	TARGET_FOUND,   /* c->incident and c->roles are loaded, or the operation needs none */
	TARGET_REFUSED, /* the refusal is set */
	TARGET_SEVERAL, /* open ones; ask with target_ask() once the arguments are typed */
	TARGET_FAILED,  /* c->err says why */
};

/* named: by the line, the button or the form; 0. */
enum target target_find(struct call *c, int64_t named);
/* The refusal that lists the open incidents as buttons which carry the same operation and
 * arguments. */
struct done target_ask(struct call *c);

#endif
