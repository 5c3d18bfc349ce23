#ifndef ADAPTERS_SLACK_UNESCAPE_H
#define ADAPTERS_SLACK_UNESCAPE_H
/* Text as Slack writes it (<@U1|bob>, <url|label>, &amp;) → as a person reads it: "@bob", "label
 * (url)", "&". Pure. */
#include "base/str.h"

void slack_unescape(struct str *out, const char *text);

#endif
