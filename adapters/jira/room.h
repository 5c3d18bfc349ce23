#ifndef ADAPTERS_JIRA_ROOM_H
#define ADAPTERS_JIRA_ROOM_H
/* Private to the room: its one struct, and what its files share. I/O thread only. */
#include "adapters/backlog.h"
#include "adapters/jira/client.h"
#include "adapters/jira/flavour.h"
#include "adapters/jira/jira.h"

#define JIRA_AREA     "jira"
#define JIRA_PROPERTY "sitrep" /* of issues and comments of ours: its value names the effect */

struct job;	   /* job.h */
struct workflows;  /* workflow.h */
struct jira_hooks; /* hooks.c */

struct jira {
	struct adapter adapter; /* first */
	struct config *config;	/* held */
	const struct issue_policy *policy; /* config->issue */
	const struct flavour *flavour;
	struct http_server *server; /* NULL: no webhooks */
	struct rest *rest;	    /* from start on */
	struct backlog backlog;
	bool stopping;
	struct job *jobs;
	struct workflows *workflows;
	char *account; /* ours there, once it was asked for; NULL */
	bool comments_tell; /* lists of comments tell their properties (comments.c) */
	struct jira_hooks *hooks; /* hooks.c's own; NULL */
};

static inline struct jira *jira_of(struct adapter *a)
{
	return (struct jira *)(void *)a;
}

int64_t jira_now(struct jira *j); /* wall, ms */
void *jira_alloc(size_t n);	  /* zeroed; aborts without memory */
/* To the core, with the adapter's index and the time. False: it waits in the backlog, and sources
 * should not be read until jira_hooks_resume. */
bool jira_submit(struct jira *j, struct request *take);

/* The outbound half: job.c. */
void jira_perform(struct adapter *a, struct effect *take);
void jira_perform_stop(struct jira *j);

/*
 * The inbound half: hooks.c. Webhooks and the relay, both by way of hook.h.
 * create: from jira_create, when routes may still be added to j->server. start, stop: the adapter's.
 * answer: every answer that comes to the adapter is to a request of theirs. resume: the core's queue
 * has room again, and the backlog is empty. destroy: after io_run; accepts that start never ran.
 */
void jira_hooks_create(struct jira *j);
int jira_hooks_start(struct jira *j, struct error *err);
void jira_hooks_stop(struct jira *j);
void jira_hooks_answer(struct jira *j, struct answer *take);
void jira_hooks_resume(struct jira *j);
void jira_hooks_destroy(struct jira *j);

#endif
