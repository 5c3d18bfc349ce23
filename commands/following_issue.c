/* Follow-ups in the tracker. */
#include "commands/following.h"

int following_mirror(struct call *c, const struct followup *f)
{
	(void)c;
	(void)f;
	return 0;
}

const char *following_issue_words(struct call *c, const struct followup *f)
{
	(void)c;
	(void)f;
	return NULL;
}
