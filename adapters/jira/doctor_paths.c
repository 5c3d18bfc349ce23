/*
 * Can an issue move between the statuses of the policy? Jira shows the ways out of a status only on
 * an issue that is there. So one issue of ours is looked at for each status in which there is any;
 * the rest of the workflow stays unseen, and nothing is said about ways that may lead through it.
 */
#include <string.h>

#include "adapters/jira/doctor.h"
#include "base/str.h"
#include "base/text.h"

#define STATUSES_MAX 64 /* bits of ways */
#define LOOKED_MAX   50 /* issues of ours */

struct map {
	const char *name[STATUSES_MAX];
	uint64_t ways[STATUSES_MAX]; /* bit: one can go there at once */
	bool seen[STATUSES_MAX];     /* the ways out are known */
	size_t count;
};

static int map_find(const struct map *m, const char *name)
{
	for (size_t i = 0; name && i < m->count; i++)
		if (text_equal_fold(m->name[i], name))
			return (int)i;
	return -1;
}

static void map_read(struct map *m, const json_t *statuses)
{
	json_t *v;
	size_t at;

	json_array_foreach(statuses, at, v)
	{
		if (json_get_str(v, "name") && m->count < STATUSES_MAX)
			m->name[m->count++] = json_get_str(v, "name");
	}
}

static void map_learn(struct doctor *d, struct map *m, int from, const char *id)
{
	DIAGNOSIS_CLEANUP struct diagnosis x = { 0 };
	const json_t *list;
	json_t *v;
	size_t at;

	doctor_ask(d, &x, "issue/%s/transitions", doctor_escape(d, id));
	list = json_get_arr(x.body, "transitions");
	if (x.class != REST_OK || !list)
		return;
	m->seen[from] = true;
	json_array_foreach(list, at, v)
	{
		int to = map_find(m, json_get_str(json_get_obj(v, "to"), "name"));

		if (to >= 0)
			m->ways[from] |= UINT64_C(1) << to;
	}
}

/* What can be reached; *unseen: the ways end at a status whose own are not known. */
static uint64_t map_reach(const struct map *m, int from, bool *unseen)
{
	uint64_t reached = UINT64_C(1) << from, before = 0;

	*unseen = false;
	while (reached != before) {
		before = reached;
		for (size_t i = 0; i < m->count; i++) {
			if (!(reached >> i & 1))
				continue;
			*unseen = *unseen || !m->seen[i];
			reached |= m->ways[i];
		}
	}
	return reached;
}

static uint64_t wanted(const struct doctor *d, const struct map *m)
{
	uint64_t out = 0;

	for (size_t s = 0; s < STATE_COUNT; s++) {
		int at = map_find(m, d->policy->status[s]);
		if (at >= 0)
			out |= UINT64_C(1) << at;
	}
	return out;
}

static const char *names_of(struct doctor *d, const struct map *m, uint64_t set)
{
	struct str out;

	str_init_arena(&out, d->arena, 1000);
	for (size_t i = 0; i < m->count; i++)
		if (set >> i & 1)
			str_addf(&out, "%s\"%s\"", out.len ? ", " : "", m->name[i]);
	return out.p;
}

static void judge(struct doctor *d, const char *project, const struct map *m)
{
	uint64_t want = wanted(d, m), dark = 0, sure = 0;

	for (size_t i = 0; i < m->count; i++) {
		uint64_t bit = UINT64_C(1) << i;
		bool unseen;

		if (!(want & bit))
			continue;
		uint64_t missing = want & ~map_reach(m, (int)i, &unseen);
		if (!missing)
			sure |= bit;
		else if (unseen)
			dark |= bit;
		else
			doctor_say(d, VERDICT_BAD,
				"Jira %s: no %s in \"%s\" can be moved to %s: the workflow has "
				"no path that the account may take",
				project, d->policy->type, m->name[i], names_of(d, m, missing));
	}
	if (sure)
		doctor_say(d, VERDICT_GOOD, "Jira %s: paths lead to every status from %s", project,
			names_of(d, m, sure));
	if (dark)
		doctor_say(d, VERDICT_NOTE,
			"Jira %s: whether paths lead to every status from %s cannot be seen: Jira "
			"shows them only on an issue of ours that is there or on the way",
			project, names_of(d, m, dark));
}

static const char *jql_text(struct doctor *d, const char *s)
{
	struct str out;

	str_init_arena(&out, d->arena, 2 * strlen(s) + 3);
	str_addc(&out, '"');
	for (; *s; s++)
		str_addf(&out, "%s%c", *s == '"' || *s == '\\' ? "\\" : "", *s);
	str_addc(&out, '"');
	return out.p;
}

void doctor_paths(struct doctor *d, const char *project, const json_t *statuses)
{
	DIAGNOSIS_CLEANUP struct diagnosis x = { 0 };
	struct map m = { 0 };
	const char *jql;
	json_t *issue;
	size_t at;

	map_read(&m, statuses);
	jql = arena_printf(d->arena,
		"project = %s AND labels = " ISSUE_LABEL
		" AND issuetype = %s ORDER BY updated DESC",
		jql_text(d, project), jql_text(d, d->policy->type));
	doctor_ask(d, &x, "%s?jql=%s&fields=status&maxResults=%d", d->flavour->search,
		doctor_escape(d, jql), LOOKED_MAX);
	if (x.class != REST_OK) {
		doctor_say(
			d, VERDICT_NOTE, "Jira %s: issues cannot be searched: %s", project, x.text);
		return;
	}
	json_array_foreach(json_get_arr(x.body, "issues"), at, issue)
	{
		int from = map_find(
			&m, json_get_str(
				    json_get_obj(json_get_obj(issue, "fields"), "status"), "name"));
		const char *id = json_get_str(issue, "id");

		if (id && from >= 0 && !m.seen[from])
			map_learn(d, &m, from, id);
	}
	judge(d, project, &m);
}
