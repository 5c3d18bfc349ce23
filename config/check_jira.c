/* Rules of jira.yml over several keys. Without a url nothing of it counts, and nothing is asked
 * for. */
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/loader.h"

static const struct node *part(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n ? n : map;
}

/* ---- the connection ----------------------------------------------------------------------- */

/* Of a reference that is not the default's, it has been said already that it leads nowhere. */
static void check_token(struct loader *l, const struct node *at)
{
	bool usual = at->kind == NODE_SCALAR && strcmp(at->text, "env:JIRA_TOKEN") == 0;

	if (at->kind == NODE_SCALAR && !node_empty(at) && !usual)
		return;
	if (usual && l->check_only) /* the secrets may be elsewhere */
		report_warn(l->report, at,
			"jira.token: there is a jira.url, and JIRA_TOKEN is not set; a start needs "
			"it");
	else
		report_error(l->report, at,
			"jira.token: there is a jira.url, but no token; make one in Jira and set "
			"JIRA_TOKEN, or empty jira.url");
}

static void check_connection(
	struct loader *l, const struct node *jira, const struct issue_policy *p)
{
	bool bare_cloud = p->flavour == ISSUE_CLOUD && !p->user &&
			  strstr(p->url, ".atlassian.net/") && !strstr(p->url, "//api.");

	if (!p->token)
		check_token(l, part(jira, "token"));
	if (bare_cloud)
		report_error(l->report, part(jira, "user"),
			"jira.user: Jira Cloud takes an API token only with the e-mail of its "
			"account");
	if (!p->project)
		report_error(l->report, part(jira, "project"),
			"jira.project: there is a jira.url, but no project; the key of the project "
			"for issues is needed, as in project: OPS");
	if (!p->poll_ms && !p->relay_url && !p->webhook_secret)
		report_warn(l->report, part(jira, "poll"),
			"jira.poll: with no poll, no webhook_secret and no relay_url, changes made "
			"in Jira are never seen");
	if (!p->webhook_secret && p->relay_url)
		report_error(l->report, part(jira, "webhook_secret"),
			"jira.webhook_secret: what the relay brings is checked by its signature; "
			"without the webhook's secret nothing of it is accepted");
}

/* ---- words -------------------------------------------------------------------------------- */

static const char *status_of(const struct issue_policy *p, enum incident_state s)
{
	return p->status[s] ? p->status[s] : "";
}

/*
 * A state whose status means another state here would become that one by itself, as soon as the
 * issue is touched there. Several states may share one status, as long as it means one of them.
 */
static void check_meaning(struct loader *l, const struct node *at, const struct issue_policy *p,
	const struct issue_status *said)
{
	if (text_equal_fold(status_of(p, said->state), said->status))
		return;
	for (size_t s = 0; s < STATE_COUNT; s++)
		if (text_equal_fold(status_of(p, (enum incident_state)s), said->status)) {
			report_error(l->report, at,
				"jira.statuses: \"%s\" cannot mean %s: jira.status sends %s there, "
				"and %s to \"%s\"",
				said->status, state_name(said->state),
				state_name((enum incident_state)s), state_name(said->state),
				status_of(p, said->state));
			return;
		}
}

static void check_statuses(struct loader *l, const struct node *jira, const struct issue_policy *p)
{
	const struct node *map = part(jira, "statuses");

	for (size_t i = 0; i < p->status_count; i++) {
		const struct issue_status *said = &p->statuses[i];
		if (!said->status)
			continue;
		const struct node *at = part(map, said->status);
		for (size_t k = 0; k < i; k++)
			if (p->statuses[k].status &&
				text_equal_fold(p->statuses[k].status, said->status)) {
				report_error(l->report, at,
					"jira.statuses: \"%s\" is here twice: Jira's names are the "
					"same in capitals",
					said->status);
				return;
			}
		check_meaning(l, at, p, said);
	}
}

static void check_services(struct loader *l, const struct node *jira, const struct issue_policy *p)
{
	const struct node *map = part(jira, "projects");

	for (size_t i = 0; i < p->project_count; i++) {
		const char *service = p->projects[i].service;
		if (!service)
			continue;
		if (strchr(service, ','))
			report_error(l->report, part(map, service),
				"jira.projects: \"%s\" is not one service; they are separated by "
				"commas",
				service);
		for (size_t k = 0; k < i; k++)
			if (p->projects[k].service &&
				text_equal_fold(p->projects[k].service, service)) {
				report_error(l->report, part(map, service),
					"jira.projects: \"%s\" is here twice", service);
				break;
			}
	}
}

/* ---- people, fields ----------------------------------------------------------------------- */

static bool same_system(const char *a, const char *b)
{
	size_t n = strcspn(a, ":");

	return strcspn(b, ":") == n && strncmp(a, b, n) == 0;
}

/* One account may be a person of the chat and one of the shell, but not two of the chat. */
static void check_people(struct loader *l, const struct node *jira, const struct issue_policy *p)
{
	const struct node *map = part(jira, "people");

	for (size_t i = 0; i < p->people_count; i++) {
		if (p->people[i].person && strncmp(p->people[i].person, "jira:", 5) == 0)
			report_error(l->report, part(map, p->people[i].person),
				"jira.people: \"%s\" is somebody of Jira; here stands who that is "
				"in the chat, slack:…",
				p->people[i].person);
		for (size_t k = 0; k < i; k++) {
			const struct issue_person *a = &p->people[k], *b = &p->people[i];
			if (!a->person || !b->person || !a->account || !b->account ||
				strcmp(a->account, b->account) != 0 ||
				!same_system(a->person, b->person))
				continue;
			report_error(l->report, part(map, b->person),
				"jira.people: \"%s\" is the account of %s already",
				report_quote(l->report, b->account, strlen(b->account)), a->person);
			break;
		}
	}
}

static void check_fields(struct loader *l, const struct node *jira, const struct issue_policy *p)
{
	static const struct {
		const char *field, *instead;
	} ours[] = {
		{ "project", "jira.project" },
		{ "issuetype", "jira.type" },
		{ "summary", NULL },
		{ "description", NULL },
		{ "priority", "jira.priority" },
		{ "status", "jira.status" },
		{ "assignee", "jira.people" },
		{ "labels", NULL },
	};
	const struct node *map = part(jira, "fields");

	for (size_t i = 0; i < p->extra_count; i++)
		for (size_t k = 0; k < sizeof(ours) / sizeof(ours[0]); k++)
			if (p->extra[i].field && strcmp(p->extra[i].field, ours[k].field) == 0)
				report_error(l->report, part(map, ours[k].field),
					ours[k].instead
						? "jira.fields: \"%s\" is said by %s"
						: "jira.fields: \"%s\" is written by sitrep",
					ours[k].field, ours[k].instead);
}

void loader_check_jira(struct loader *l, const struct node *jira, const struct config *c)
{
	check_statuses(l, jira, &c->issue);
	check_services(l, jira, &c->issue);
	check_people(l, jira, &c->issue);
	check_fields(l, jira, &c->issue);
	if (c->issue.url)
		check_connection(l, jira, &c->issue);
}
