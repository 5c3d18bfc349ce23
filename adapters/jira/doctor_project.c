/* What must be there in a project: permissions, the issue type, its fields, its statuses. */
#include <string.h>

#include "adapters/jira/doctor.h"
#include "base/str.h"
#include "base/text.h"

struct permission {
	const char *key, *name, *cost;
	enum verdict verdict;
	bool (*needed)(const struct issue_policy *p); /* NULL: always */
};

/* ---- permissions -------------------------------------------------------------------------- */

static bool needs_comments(const struct issue_policy *p)
{
	return p->comments;
}

static bool needs_assigning(const struct issue_policy *p)
{
	return p->assign && p->people_count;
}

static const struct permission permissions[] = {
	{ "BROWSE_PROJECTS", "Browse projects", "issues cannot be seen", VERDICT_BAD, NULL },
	{ "CREATE_ISSUES", "Create issues", "no issue can be made", VERDICT_BAD, NULL },
	{ "EDIT_ISSUES", "Edit issues", "titles and priorities stay as they are in Jira",
		VERDICT_BAD, NULL },
	{ "TRANSITION_ISSUES", "Transition issues", "no issue can be moved", VERDICT_BAD, NULL },
	{ "ADD_COMMENTS", "Add comments", "updates do not get there", VERDICT_BAD, needs_comments },
	{ "ASSIGN_ISSUES", "Assign issues", "the commander does not become the assignee",
		VERDICT_BAD, needs_assigning },
	{ "LINK_ISSUES", "Link issues", "issues have no link back to the incident", VERDICT_NOTE,
		NULL },
};
#define PERMISSION_COUNT (sizeof(permissions) / sizeof(permissions[0]))

static void examine_permissions(struct doctor *d, const char *project)
{
	DIAGNOSIS_CLEANUP struct diagnosis x = { 0 };
	struct str keys;
	int missing = 0;

	str_init_arena(&keys, d->arena, 300);
	for (size_t i = 0; i < PERMISSION_COUNT; i++)
		str_addf(&keys, "%s%s", i ? "," : "", permissions[i].key);
	doctor_ask(d, &x, "mypermissions?projectKey=%s&permissions=%s", doctor_escape(d, project),
		keys.p);
	if (x.class != REST_OK) {
		doctor_say(d, VERDICT_NOTE, "Jira %s: permissions cannot be looked at: %s", project,
			x.text);
		return;
	}
	for (size_t i = 0; i < PERMISSION_COUNT; i++) {
		const struct permission *p = &permissions[i];
		const json_t *theirs = json_get_obj(json_get_obj(x.body, "permissions"), p->key);

		if ((p->needed && !p->needed(d->policy)) ||
			json_get_bool(theirs, "havePermission", false))
			continue;
		missing++;
		doctor_say(d, p->verdict, "Jira %s: the account lacks the permission \"%s\": %s",
			project, p->name, p->cost);
	}
	if (!missing)
		doctor_say(d, VERDICT_GOOD, "Jira %s: the account has all permissions", project);
}

/* ---- fields ------------------------------------------------------------------------------- */

static const char *field_id(const json_t *field)
{
	const char *id = json_get_str(field, "fieldId");

	return id ? id : json_get_str(field, "key");
}

static const json_t *field_find(const json_t *fields, const char *id)
{
	json_t *v;
	size_t at;

	json_array_foreach(fields, at, v)
	{
		if (field_id(v) && strcmp(field_id(v), id) == 0)
			return v;
	}
	return NULL;
}

static bool policy_gives(const struct issue_policy *p, const char *id)
{
	static const char *const always[] = { "project", "issuetype", "summary", "description",
		"labels" };

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (strcmp(id, always[i]) == 0)
			return true;
	for (size_t i = 0; i < p->extra_count; i++)
		if (strcmp(id, p->extra[i].field) == 0)
			return true;
	/* Only if every level that may get one has a priority. */
	for (int level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++)
		if (!p->priority[level])
			return false;
	return strcmp(id, "priority") == 0;
}

static void examine_required(struct doctor *d, const char *project, const json_t *fields)
{
	json_t *field;
	size_t at;
	int missing = 0;

	json_array_foreach(fields, at, field)
	{
		const char *id = field_id(field), *name = json_get_str(field, "name");

		if (!id || !json_get_bool(field, "required", false) ||
			json_get_bool(field, "hasDefaultValue", false) ||
			policy_gives(d->policy, id))
			continue;
		missing++;
		doctor_say(d, VERDICT_BAD,
			"Jira %s: a new %s must have \"%s\" (%s); say it in jira.fields, or make "
			"it optional there",
			project, d->policy->type, name ? name : id, id);
	}
	if (!missing)
		doctor_say(d, VERDICT_GOOD, "Jira %s: every required field of a new %s is given",
			project, d->policy->type);
}

static void examine_screen(struct doctor *d, const char *project, const json_t *fields)
{
	static const struct {
		const char *id, *name, *cost;
	} ours[] = {
		{ "labels", "Labels",
			"an issue whose creation was not answered is harder to find again" },
		{ "priority", "Priority", "levels are not kept in step" },
		{ "description", "Description", "the issue does not say what it is about" },
	};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (!field_find(fields, ours[i].id))
			doctor_say(d, VERDICT_NOTE,
				"Jira %s: \"%s\" is not on the screen for a new %s: %s", project,
				ours[i].name, d->policy->type, ours[i].cost);
	for (size_t i = 0; i < d->policy->extra_count; i++)
		if (!field_find(fields, d->policy->extra[i].field))
			doctor_say(d, VERDICT_BAD,
				"jira.fields.%s: it is not on the screen for a new %s in %s, or "
				"does not exist",
				d->policy->extra[i].field, d->policy->type, project);
}

/* Data Center before 8.4 tells all at once, by id; here it becomes the list that the others have.
 */
static json_t *fields_of_old(struct doctor *d, const char *project)
{
	DIAGNOSIS_CLEANUP struct diagnosis x = { 0 };
	json_t *fields, *field, *out;
	const char *id;

	doctor_ask(d, &x,
		"issue/"
		"createmeta?projectKeys=%s&issuetypeNames=%s&expand=projects.issuetypes.fields",
		doctor_escape(d, project), doctor_escape(d, d->policy->type));
	fields = json_at(x.body, "projects.0.issuetypes.0.fields");
	if (!json_is_object(fields))
		return NULL;
	out = json_array();
	json_object_foreach(fields, id, field)
	{
		json_object_set_new(field, "fieldId", json_string(id));
		json_array_append(out, field);
	}
	return out;
}

static json_t *fields_of(struct doctor *d, const char *project, const char *type)
{
	DIAGNOSIS_CLEANUP struct diagnosis x = { 0 };
	json_t *list;

	doctor_ask(d, &x, "issue/createmeta/%s/issuetypes/%s?maxResults=200",
		doctor_escape(d, project), doctor_escape(d, type));
	list = json_get_arr(x.body, "fields");
	list = list ? list : json_get_arr(x.body, "values");
	return x.class == REST_OK && list ? json_incref(list) : fields_of_old(d, project);
}

static void examine_fields(struct doctor *d, const char *project, const char *type)
{
	JSON_CLEANUP json_t *fields = fields_of(d, project, type);

	if (!fields) {
		doctor_say(d, VERDICT_NOTE,
			"Jira %s: which fields a new %s must have cannot be looked at (\"Create "
			"issues\" is needed for "
			"it)",
			project, d->policy->type);
		return;
	}
	examine_required(d, project, fields);
	examine_screen(d, project, fields);
}

/* ---- statuses ----------------------------------------------------------------------------- */

static void say_status(struct doctor *d, const char *project, const char *key, const char *status,
	const json_t *there)
{
	doctor_say(d, VERDICT_BAD, "jira.%s: in %s no %s can have the status \"%s\"; there are %s",
		key, project, d->policy->type, status, doctor_names(d, there));
}

static void examine_statuses(struct doctor *d, const char *project, const json_t *there)
{
	const struct issue_policy *p = d->policy;
	int before = d->bad;

	for (size_t s = 0; s < STATE_COUNT; s++)
		if (p->status[s] && !doctor_named(there, p->status[s]))
			say_status(d, project,
				arena_printf(
					d->arena, "status.%s", state_name((enum incident_state)s)),
				p->status[s], there);
	/* A status that is nowhere only means nothing: another project may have it. */
	for (size_t i = 0; i < p->status_count; i++)
		if (!doctor_named(there, p->statuses[i].status))
			doctor_say(d, VERDICT_NOTE,
				"jira.statuses: in %s no %s can have the status \"%s\"", project,
				p->type, p->statuses[i].status);
	if (d->bad == before)
		doctor_say(
			d, VERDICT_GOOD, "Jira %s: every status of the states is there", project);
}

static void examine_workflow(struct doctor *d, const char *project)
{
	DIAGNOSIS_CLEANUP struct diagnosis x = { 0 };
	const json_t *type, *there;

	doctor_ask(d, &x, "project/%s/statuses", doctor_escape(d, project));
	type = doctor_named(x.body, d->policy->type);
	there = json_get_arr(type, "statuses");
	if (!there) {
		doctor_say(d, VERDICT_NOTE,
			"Jira %s: the statuses of type %s cannot be looked at: %s", project,
			d->policy->type, *x.text ? x.text : "they are not told");
		return;
	}
	examine_statuses(d, project, there);
	doctor_paths(d, project, there);
}

/* ---- all ---------------------------------------------------------------------------------- */

/* The id of the policy's type, NULL (and said) when there is none. */
static const char *type_id(struct doctor *d, const char *project, const json_t *body)
{
	const json_t *types = json_get_arr(body, "issueTypes");
	const json_t *type = doctor_named(types, d->policy->type);
	const char *id = json_get_str(type, "id");

	if (!types)
		doctor_say(
			d, VERDICT_NOTE, "Jira %s: its issue types cannot be looked at", project);
	else if (!type)
		doctor_say(d, VERDICT_BAD,
			"jira.type: there is no issue type \"%s\" in %s; there are %s",
			d->policy->type, project, doctor_names(d, types));
	else if (json_get_bool(type, "subtask", false))
		doctor_say(d, VERDICT_BAD,
			"jira.type: \"%s\" is a type of sub-tasks; an incident's issue stands "
			"alone",
			d->policy->type);
	else
		return id ? arena_strdup(d->arena, id) : NULL;
	return NULL;
}

void doctor_project(struct doctor *d, const char *project)
{
	DIAGNOSIS_CLEANUP struct diagnosis x = { 0 };
	const char *type, *name;

	doctor_ask(d, &x, "project/%s", doctor_escape(d, project));
	if (x.class == REST_GONE || x.class == REST_FORBIDDEN) {
		doctor_say(d, VERDICT_BAD,
			"Jira %s: there is no such project that the account can see; give it "
			"\"Browse projects\", or mend jira.project and jira.projects",
			project);
		return;
	}
	if (x.class != REST_OK) {
		doctor_say(d, VERDICT_BAD, "Jira %s: cannot be looked at: %s", project, x.text);
		return;
	}
	name = json_get_str(x.body, "name");
	doctor_say(d, VERDICT_GOOD, "Jira %s: the project \"%s\"", project, name ? name : "?");
	examine_permissions(d, project);
	type = type_id(d, project, x.body);
	if (!type)
		return;
	examine_fields(d, project, type);
	examine_workflow(d, project);
}
