#ifndef ADAPTERS_JIRA_JIRA_H
#define ADAPTERS_JIRA_JIRA_H
/*
 * Jira, Cloud and Data Center. What the bot wires.
 *
 *   client.h    REST calls: authentication, pacing, Retry-After, what an answer means
 *   flavour.h   the small table of what differs between Cloud (v3) and Data Center (v2)
 *   text.h      markup → ADF or wiki, and back to plain text
 *   read.h      an issue as the API gives it → "read" of incident/request.h
 *   workflow.h  how a status is reached
 *   job.h       one effect under way; effect_*.c: one file an effect → exactly one outcome
 *   hook.h      a webhook delivery (raw body and headers) → "issue.hint" requests
 *   relay.h     the event stream: the same deliveries over a WebSocket
 *
 * Hints: REQUEST_EVENT, operation "issue.hint", args {issue?, name?, updated_ms?, change?, deleted?, comment?}, key "jira:hook:<identifier>" when the
 * delivery has one. They say only that it is worth looking; the issue is read again by EFFECT_ISSUE_SYNC.
 */
#include "adapters/adapter.h"
#include "adapters/http/server.h"
#include "adapters/verdict.h"
#include "config/config.h"

/* config->issue.url is set. Copies what it needs of config, which is held. server NULL: no webhooks. Never NULL. */
struct adapter *jira_create(struct config *config, const struct adapter_host *host, struct http_server *server);

/* As for Slack (adapters/slack/slack.h): asks the tracker whether all is there that the policy names; blocks, at most about a minute. One line() a finding; how many were bad. */
int jira_doctor(const struct config *config, void (*line)(void *ctx, enum verdict verdict, const char *text), void *ctx);

#endif
