#ifndef ADAPTERS_JIRA_WORKFLOW_H
#define ADAPTERS_JIRA_WORKFLOW_H
/*
 * Workflows as they show themselves. Jira tells which transitions an issue has from where it is now,
 * never the whole workflow (but to administrators). What was seen is remembered, for each project and
 * issue type, in memory and bounded; a restart learns anew.
 *
 * How a status is reached (workflow_next): straight, if a transition leads there; else by the first
 * step of the shortest path that has been seen, rather one without a status of the category "done" on
 * the way; else by a status that the policy places between where the issue is and where it goes (To
 * Do → In Progress → Done): a step that a person would take too; else, on the way to a status that is not
 * in sight, by the only status of the category "in progress" that is (In Progress → In Review → Done).
 * Never anywhere else, never where the walk has been, at most WALK_HOPS_MAX steps.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "config/issue_policy.h"

struct arena;
struct workflows;

#define WALK_HOPS_MAX	8
#define TRANSITIONS_MAX 64

struct transition {
	const char *id, *name;
	const char *to;	    /* the name of the status it leads to */
	bool done;	    /* that is of the category "done" */
	bool progress;	    /* … of the category "in progress" */
	const char *lacks;  /* fields that it requires and we cannot give, as text; NULL: none */
	const char *resolution; /* to be given with it; NULL */
	bool refused;	    /* tried in vain on this walk; lacks: Jira's words */
};

struct walk {
	const char *target;
	const char *been[WALK_HOPS_MAX + 1]; /* statuses, the present one last */
	size_t count;
	struct transition options[TRANSITIONS_MAX]; /* from the present one */
	size_t option_count;
};

/* An answer to "transitions?expand=transitions.fields" → the walk's options; texts on a. */
void walk_read(struct walk *w, struct arena *a, const json_t *body);

struct workflows *workflows_create(void);
void workflows_destroy(struct workflows *w); /* accepts NULL */
/* Remembers where the options of the walk lead. kind: project and issue type. */
void workflow_learn(struct workflows *w, const char *kind, const struct walk *walk);
/* The transition to take next, or NULL: there is none. */
struct transition *workflow_next(
	struct workflows *w, const char *kind, const struct issue_policy *policy, struct walk *walk);
/* Why there is none: "no path from X to Y; from X one can go to A, B". On a. */
const char *walk_trouble(struct arena *a, const struct walk *w);

#endif
