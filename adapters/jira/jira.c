#include "adapters/jira/jira.h"

#include <stdlib.h>

#include "adapters/jira/room.h"
#include "adapters/jira/workflow.h"

void *jira_alloc(size_t n)
{
	void *p = calloc(1, n);

	if (!p)
		abort();
	return p;
}

int64_t jira_now(struct jira *j)
{
	return clock_now(j->adapter.host->clock);
}

bool jira_submit(struct jira *j, struct request *take)
{
	take->adapter = j->adapter.index;
	if (!take->received_at)
		take->received_at = jira_now(j);
	return backlog_submit(&j->backlog, take);
}

static int jira_start(struct adapter *a, struct error *err)
{
	struct jira *j = jira_of(a);
	struct rest_options rest = {
		.url = j->policy->url,
		.flavour = j->flavour,
		.user = j->policy->user,
		.token = j->policy->token,
		.ca_file = j->policy->ca_file,
		.pacing = j->policy->pacing,
	};

	j->rest = rest_create(a->host->io, &rest);
	return jira_hooks_start(j, err);
}

static void jira_stop(struct adapter *a)
{
	struct jira *j = jira_of(a);

	if (j->stopping || !j->rest)
		return;
	j->stopping = true;
	jira_hooks_stop(j);
	jira_perform_stop(j);
	rest_stop(j->rest);
}

static void jira_answer(struct adapter *a, struct answer *take)
{
	jira_hooks_answer(jira_of(a), take);
}

static void jira_resume(struct adapter *a)
{
	struct jira *j = jira_of(a);

	if (j->stopping)
		return;
	if (!backlog_waiting(&j->backlog) || backlog_flush(&j->backlog))
		jira_hooks_resume(j);
}

static void jira_destroy(struct adapter *a)
{
	struct jira *j = jira_of(a);

	jira_hooks_destroy(j);
	jira_perform_stop(j);
	rest_destroy(j->rest);
	workflows_destroy(j->workflows);
	free(j->account);
	backlog_finish(&j->backlog);
	config_release(j->config);
	free(j);
}

struct adapter *jira_create(
	struct config *config, const struct adapter_host *host, struct http_server *server)
{
	struct jira *j = jira_alloc(sizeof(*j));

	j->adapter = (struct adapter){
		.name = "jira",
		.host = host,
		.start = jira_start,
		.stop = jira_stop,
		.answer = jira_answer,
		.perform = jira_perform,
		.resume = jira_resume,
		.destroy = jira_destroy,
	};
	j->config = config_hold(config);
	j->policy = &config->issue;
	j->flavour = flavour_of(config->issue.flavour);
	j->server = server;
	j->workflows = workflows_create();
	backlog_init(&j->backlog, host);
	jira_hooks_create(j);
	return &j->adapter;
}
