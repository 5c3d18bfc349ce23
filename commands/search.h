#ifndef COMMANDS_SEARCH_H
#define COMMANDS_SEARCH_H
/*
 * What is looked for (FEATURES B6), out of the arguments of `list`: options, and in its free text
 * words that are filters
 * ("sev1 service:payments resolved mine all") next to words to be found.
 */
#include "commands/call.h"
#include "store/incidents.h"

#define SEARCH_MAX 500 /* incidents looked at */

struct search {
	struct incident_filter filter;
	struct str text; /* words that are no filter */
	bool all, mine;
};

void search_from_args(struct call *c, struct search *s);

#endif
