#ifndef ADAPTERS_JIRA_HOOK_H
#define ADAPTERS_JIRA_HOOK_H
/*
 * A delivery of Jira's webhooks, however it came: by HTTP or through a relay. Pure. (PROTOCOLS §4,
 * "Webhooks".)
 *
 * What is read are only names: which issue, perhaps which change. No word that a person wrote in
 * Jira leaves this room by this way.
 */
#include "incident/request.h"

#define HOOK_BODY_MAX (1u << 20)
/* Whoever changed it: the same for all, so that a repeated delivery is known by its key. */
#define HOOK_ACTOR    "jira:webhook"

struct hook {
	const char *identifier; /* X-Atlassian-Webhook-Identifier; NULL */
	const char *signature;  /* X-Hub-Signature; NULL */
	const char *body;
	size_t len;
};

/* The status to answer with at once, or 0 with *out to be submitted (its reply decides: committed
 * 200, not committed 503).
 *
 *   401   signature missing or wrong; in constant time, before anything is parsed
 *   413   too long
 *   400   it can never be valid (Jira never sends it again)
 *   200   valid, but nothing that concerns an issue
 *
 * The request is "issue.hint" with {issue: its id as text, name: "PAY-7", updated_ms, change and
 * comment: numbers, deleted: true}, each only if it was said, and issue or name always.
 *
 * secret NULL: whoever brought it has vouched for it already (a relay, which knows our token); the
 * HTTP route must not exist then. */
int hook_read(const struct hook *h, const char *secret, int64_t now, struct request **out);

#endif
