#ifndef CONFIG_ISSUE_POLICY_H
#define CONFIG_ISSUE_POLICY_H
/* jira.yml (FEATURES H7): where the tracker is, which incidents get an issue, and how its words map to ours. Connection data is the adapter's, the rest is the
 * commands'. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "incident/lifecycle.h"
#include "incident/severity.h"

#define ISSUE_PROJECTS_MAX 64
#define ISSUE_STATUSES_MAX 64
#define ISSUE_PEOPLE_MAX   512
#define ISSUE_EXTRA_MAX    16
#define ISSUE_LABEL        "sitrep" /* every issue of ours has it; and "sitrep-" with the effect's id, by which a create is found again */

enum issue_flavour { ISSUE_CLOUD, ISSUE_DATA_CENTER };
enum issue_protected {
	ISSUE_PROTECTED_NONE, /* a protected incident has no issue */
	ISSUE_PROTECTED_BARE, /* one that says nothing but that there is an incident, its level and state */
};

enum issue_followups {
	ISSUE_FOLLOWUPS_NONE,    /* follow-ups stay here */
	ISSUE_FOLLOWUPS_ISSUE,   /* each has an issue of its own */
	ISSUE_FOLLOWUPS_SUBTASK, /* … under the incident's issue */
};

struct issue_project { const char *service, *project; };             /* incidents of the service go to this project */
struct issue_status { const char *status; enum incident_state state; }; /* what a status means here */
struct issue_person { const char *person, *account; };                /* "slack:U1" ↔ accountId (cloud), name (data center) */
struct issue_extra { const char *field, *value; };                    /* a further field at creation: its value as JSON text of any kind ("\"Production\"", "{\"id\":\"1\"}", "5") */

struct issue_policy {
	/* The connection. url NULL: no tracker; nothing of the rest counts then. */
	const char *url;            /* ends with '/' */
	int flavour;                /* enum issue_flavour */
	const char *user;           /* email (cloud) or name; NULL: token is sent as Bearer */
	const char *token;          /* resolved secret */
	const char *webhook_secret; /* resolved; NULL: no webhook is accepted */
	const char *relay_url;      /* ws:// or wss://; NULL: none */
	const char *relay_token;    /* resolved */
	const char *ca_file;
	int64_t poll_ms;            /* 0: no polling */
	int64_t search_lag_ms;      /* a search may lag this much behind a write: so long a lost create is looked for */
	bool pacing;

	/* What goes there. */
	int create_level;           /* incidents of this level or worse get an issue; 0: only by hand (/inc link) */
	const char *project;        /* unless the service says otherwise */
	const char *type;           /* issue type, by name */
	struct issue_project projects[ISSUE_PROJECTS_MAX];
	size_t project_count;
	struct issue_extra extra[ISSUE_EXTRA_MAX];
	size_t extra_count;
	bool comments;              /* status updates become comments; their comments come to the timeline */
	int protected;              /* enum issue_protected */

	int followups;              /* enum issue_followups */
	const char *followup_type;  /* issue type, by name */
	const char *followup_open, *followup_done; /* where its issue goes when it is opened again, and when it has ended; NULL: it stays */

	/* How words map. */
	const char *priority[SEVERITY_COUNT + 1]; /* by level 1–4; NULL: the priority is not kept in step at this level */
	const char *status[STATE_COUNT];          /* where the issue goes for a state; NULL: it stays where it is */
	struct issue_status statuses[ISSUE_STATUSES_MAX]; /* what a status means here, where `status` says it not unambiguously */
	size_t status_count;
	bool assign;                /* the commander is the assignee */
	struct issue_person people[ISSUE_PEOPLE_MAX];
	size_t people_count;
};

/* The state that a status stands for: what `statuses` says; else the one state whose `status` it is; of several the first in the lifecycle. False: it means nothing here. */
bool issue_policy_state(const struct issue_policy *p, const char *status, enum incident_state *out);
/* The level of a priority; of several the worse. 0: none. */
int issue_policy_level(const struct issue_policy *p, const char *priority);
const char *issue_policy_project(const struct issue_policy *p, const char *services); /* comma-separated; never NULL while url is set */
const char *issue_policy_account(const struct issue_policy *p, const char *person); /* NULL */
const char *issue_policy_person(const struct issue_policy *p, const char *account); /* NULL */

#endif
