#include "config/issue_policy.h"

#include <string.h>

#include "base/text.h"

bool issue_policy_state(const struct issue_policy *p, const char *status, enum incident_state *out)
{
	if (!status || !*status)
		return false;
	for (size_t i = 0; i < p->status_count; i++)
		if (text_equal_fold(p->statuses[i].status, status)) {
			*out = p->statuses[i].state;
			return true;
		}
	for (size_t s = 0; s < STATE_COUNT; s++)
		if (p->status[s] && text_equal_fold(p->status[s], status)) {
			*out = (enum incident_state)s;
			return true;
		}
	return false;
}

int issue_policy_level(const struct issue_policy *p, const char *priority)
{
	for (int level = SEVERITY_WORST; priority && level <= SEVERITY_LEAST; level++)
		if (p->priority[level] && text_equal_fold(p->priority[level], priority))
			return level;
	return 0;
}

static const char *project_of(const struct issue_policy *p, const char *service, size_t n)
{
	for (size_t i = 0; i < p->project_count; i++)
		if (strlen(p->projects[i].service) == n &&
			text_prefix_fold(p->projects[i].service, service))
			return p->projects[i].project;
	return NULL;
}

/* Of several services, the first that has a project of its own decides. */
const char *issue_policy_project(const struct issue_policy *p, const char *services)
{
	static const char blank[] = " \t";

	while (services && *services) {
		size_t n = strcspn(services, ",");
		const char *name = services + strspn(services, blank);
		size_t len = name < services + n ? (size_t)(services + n - name) : 0;
		while (len && strchr(blank, name[len - 1]))
			len--;
		const char *project = project_of(p, name, len);
		if (project)
			return project;
		services += n + (services[n] == ',');
	}
	return p->project;
}

const char *issue_policy_account(const struct issue_policy *p, const char *person)
{
	for (size_t i = 0; person && i < p->people_count; i++)
		if (strcmp(p->people[i].person, person) == 0)
			return p->people[i].account;
	return NULL;
}

const char *issue_policy_person(const struct issue_policy *p, const char *account)
{
	for (size_t i = 0; account && i < p->people_count; i++)
		if (strcmp(p->people[i].account, account) == 0)
			return p->people[i].person;
	return NULL;
}
