#ifndef COMMANDS_SECTIONS_H
#define COMMANDS_SECTIONS_H
/* The sections of a status update (FEATURES E1) between arguments, timeline and form. Texts on the
 * call's arena. */
#include "commands/call.h"
#include "incident/status_update.h"

/* Out of the free text, and the options that say a section alone; next_at 0: not said. */
struct status_update sections_from_args(struct call *c);
bool sections_empty(const struct status_update *u);
/* "bad config; unknown: why canary passed; …", for the timeline. */
const char *sections_flat(struct call *c, const struct status_update *u);
/* All of it as JSON, for the entry's meta. */
const char *sections_meta(struct call *c, const struct status_update *u);
/* What the last update said in the section, so that a form starts from it; NULL. */
const char *sections_last(struct call *c, const char *name);

#endif
