#ifndef ADAPTERS_SLACK_SCOPES_H
#define ADAPTERS_SLACK_SCOPES_H
/* What the app is allowed to do, in one table for the manifest and for doctor. */
#include <stdbool.h>
#include <stddef.h>

struct slack_scope {
	const char *name;
	bool needed;	  /* without it there is nothing left to run */
	const char *cost; /* what is lost without it */
};
extern const struct slack_scope slack_scopes[];
extern const size_t slack_scope_count;

#endif
