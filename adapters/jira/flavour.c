#include "adapters/jira/flavour.h"

static const struct flavour flavours[] = {
	[ISSUE_CLOUD] = {
		.api = "rest/api/3/",
		.search = "search/jql",
		.person = "accountId",
		.adf = true,
		.page_token = true,
	},
	[ISSUE_DATA_CENTER] = {
		.api = "rest/api/2/",
		.search = "search",
		.person = "name",
		.person_else = "key",
	},
};

const struct flavour *flavour_of(int flavour)
{
	return &flavours[flavour == ISSUE_DATA_CENTER ? ISSUE_DATA_CENTER : ISSUE_CLOUD];
}
