#ifndef COMMANDS_ENDS_H
#define COMMANDS_ENDS_H
/* How a call ended, for the dispatcher: struct done carries it, only commands/call.c makes one. */
#include "commands/operation.h"

enum end {
	END_FORGOTTEN, /* of a struct that nobody filled: a mistake in a verb */
	END_DONE,      /* keep what was done */
	END_FORM,      /* a form is shown; nothing was done yet */
	END_REFUSED,   /* undo; remember the refusal */
	END_FAILED,    /* undo; forget that it was asked, so that it can be asked again */
};

struct done call_refused(struct call *c); /* the refusal is set already */

#endif
