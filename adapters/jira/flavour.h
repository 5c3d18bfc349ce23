#ifndef ADAPTERS_JIRA_FLAVOUR_H
#define ADAPTERS_JIRA_FLAVOUR_H
/* What differs between Jira Cloud (REST v3) and Data Center (REST v2), as one table. Everything else
 * is the same. */
#include <stdbool.h>

#include "config/issue_policy.h"

struct flavour {
	const char *api;	 /* behind the base URL */
	const char *search;	 /* behind api */
	const char *person;	 /* the member by which people are named */
	const char *person_else; /* what old servers have instead; NULL */
	bool adf;		 /* text is a document (ADF), else wiki markup */
	bool page_token;	 /* a search is paged by nextPageToken, else by startAt */
};

/* enum issue_flavour. */
const struct flavour *flavour_of(int flavour);

#endif
