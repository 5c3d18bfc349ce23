#include "adapters/jira/workflow.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "adapters/jira/room.h"
#include "base/arena.h"
#include "base/str.h"
#include "base/text.h"
#include "incident/issue.h"

#define KINDS_MAX    64
#define STATUSES_MAX 48

/* What was seen of one workflow: statuses by number, and which leads to which. */
struct workflow {
	char *kind;
	struct {
		char *name;
		bool done;
		bool leads[STATUSES_MAX];
	} status[STATUSES_MAX];
	size_t count;
	UT_hash_handle hh;
};

struct workflows {
	struct workflow *all;
};

static bool same(const char *a, const char *b)
{
	return issue_value_same(ISSUE_STATUS, a, b);
}

/* ---- what Jira offers -------------------------------------------------------------------- */

static const char *clean(struct arena *a, const char *s)
{
	return s ? text_clean(a, s, strlen(s), 255, false) : NULL;
}

/* Of the resolutions that are allowed the one that says least; else the first. */
static const char *pick_resolution(const json_t *allowed)
{
	static const char *const good[] = { "Done", "Fixed", "Resolved", "Complete", "Completed" };
	const char *first = NULL, *name;
	size_t best = sizeof(good) / sizeof(*good), at;
	json_t *value;

	json_array_foreach(allowed, at, value)
	{
		name = json_get_str(value, "name");
		if (!name)
			continue;
		for (size_t i = 0; i < best; i++) {
			if (!text_equal_fold(name, good[i]))
				continue;
			best = i;
			first = name;
		}
		first = first ? first : name;
	}
	return first;
}

static void read_fields(struct transition *t, struct arena *a, const json_t *fields)
{
	const char *key, *name;
	struct str lacks;
	json_t *field;

	str_init_arena(&lacks, a, 300);
	json_object_foreach((json_t *)(uintptr_t)fields, key, field)
	{
		if (!json_get_bool(field, "required", false) ||
			json_get_bool(field, "hasDefaultValue", false))
			continue;
		if (strcmp(key, "resolution") == 0) {
			t->resolution =
				clean(a, pick_resolution(json_get_arr(field, "allowedValues")));
			if (t->resolution)
				continue;
		}
		name = json_get_str(field, "name");
		str_addf(&lacks, "%s%s", lacks.len ? ", " : "", name ? name : key);
	}
	t->lacks = lacks.len ? clean(a, lacks.p) : NULL;
}

void walk_read(struct walk *w, struct arena *a, const json_t *body)
{
	json_t *list = json_get_arr(body, "transitions"), *one;
	size_t at;

	w->option_count = 0;
	json_array_foreach(list, at, one)
	{
		struct transition *t = &w->options[w->option_count];
		json_t *to = json_get_obj(one, "to");
		const char *category = json_get_str(json_get_obj(to, "statusCategory"), "key");
		const char *id = json_get_str(one, "id");

		if (w->option_count == TRANSITIONS_MAX)
			break;
		*t = (struct transition){
			.id = id ? arena_strdup(a, id) : NULL,
			.name = clean(a, json_get_str(one, "name")),
			.to = clean(a, json_get_str(to, "name")),
			.done = category && strcmp(category, "done") == 0,
			.progress = category && strcmp(category, "indeterminate") == 0,
		};
		if (!t->id || !t->to || !json_get_bool(one, "isAvailable", true))
			continue;
		read_fields(t, a, json_get_obj(one, "fields"));
		w->option_count++;
	}
}

/* ---- what is remembered ------------------------------------------------------------------ */

static char *copy(const char *s)
{
	char *out = strdup(s);

	if (!out)
		abort();
	return out;
}

struct workflows *workflows_create(void)
{
	return jira_alloc(sizeof(struct workflows));
}

static void workflow_forget(struct workflows *w, struct workflow *one)
{
	HASH_DEL(w->all, one);
	for (size_t i = 0; i < one->count; i++)
		free(one->status[i].name);
	free(one->kind);
	free(one);
}

void workflows_destroy(struct workflows *w)
{
	if (!w)
		return;
	while (w->all)
		workflow_forget(w, w->all);
	free(w);
}

static struct workflow *workflow_of(struct workflows *w, const char *kind, bool make)
{
	struct workflow *one = NULL;

	HASH_FIND_STR(w->all, kind, one);
	if (one || !make)
		return one;
	if (HASH_COUNT(w->all) >= KINDS_MAX)
		workflow_forget(w, w->all);
	one = jira_alloc(sizeof(*one));
	one->kind = copy(kind);
	HASH_ADD_KEYPTR(hh, w->all, one->kind, strlen(one->kind), one);
	return one;
}

/* Its number; STATUSES_MAX when it is not known and cannot be added. */
static size_t status_of(struct workflow *one, const char *name, bool make)
{
	for (size_t i = 0; i < one->count; i++) {
		if (same(one->status[i].name, name))
			return i;
	}
	if (!make || one->count == STATUSES_MAX)
		return STATUSES_MAX;
	one->status[one->count].name = copy(name);
	return one->count++;
}

static const char *walk_now(const struct walk *w)
{
	return w->count ? w->been[w->count - 1] : "";
}

void workflow_learn(struct workflows *w, const char *kind, const struct walk *walk)
{
	struct workflow *one = workflow_of(w, kind, true);
	size_t from = status_of(one, walk_now(walk), true);

	if (from == STATUSES_MAX)
		return;
	/* A workflow can be changed: what is offered now is all that leads on from here. */
	memset(one->status[from].leads, 0, sizeof(one->status[from].leads));
	for (size_t i = 0; i < walk->option_count; i++) {
		size_t to = status_of(one, walk->options[i].to, true);

		if (to == STATUSES_MAX || walk->options[i].lacks || walk->options[i].refused)
			continue;
		one->status[to].done = walk->options[i].done;
		one->status[from].leads[to] = true;
	}
}

/* ---- where to go ------------------------------------------------------------------------- */

static bool walk_has_been(const struct walk *w, const char *status)
{
	for (size_t i = 0; i < w->count; i++) {
		if (same(w->been[i], status))
			return true;
	}
	return false;
}

static bool option_usable(const struct walk *w, const struct transition *t)
{
	return !t->lacks && !t->refused && !walk_has_been(w, t->to);
}

static struct transition *option_to(struct walk *w, const char *status)
{
	for (size_t i = 0; i < w->option_count; i++) {
		if (option_usable(w, &w->options[i]) && same(w->options[i].to, status))
			return &w->options[i];
	}
	return NULL;
}

/* The steps from status i to the goal, by what was seen; SIZE_MAX: none. Breadth first from the
 * goal back. */
static void distances(const struct workflow *one, const struct walk *w, size_t goal, bool past_done,
	size_t distance[])
{
	size_t queue[STATUSES_MAX], first = 0, last = 0;

	for (size_t i = 0; i < STATUSES_MAX; i++)
		distance[i] = SIZE_MAX;
	distance[goal] = 0;
	queue[last++] = goal;
	while (first < last) {
		size_t to = queue[first++];

		for (size_t from = 0; from < one->count; from++) {
			if (!one->status[from].leads[to] || distance[from] != SIZE_MAX ||
				(one->status[from].done && !past_done) ||
				walk_has_been(w, one->status[from].name))
				continue;
			distance[from] = distance[to] + 1;
			queue[last++] = from;
		}
	}
}

static struct transition *step_by_memory(struct workflow *one, struct walk *w, bool past_done)
{
	size_t distance[STATUSES_MAX], nearest = SIZE_MAX, goal, at;
	struct transition *best = NULL;

	goal = one ? status_of(one, w->target, false) : STATUSES_MAX;
	if (goal == STATUSES_MAX)
		return NULL;
	distances(one, w, goal, past_done, distance);
	for (size_t i = 0; i < w->option_count; i++) {
		if (!option_usable(w, &w->options[i]))
			continue;
		at = status_of(one, w->options[i].to, false);
		if (at == STATUSES_MAX || distance[at] >= nearest ||
			w->count + distance[at] > WALK_HOPS_MAX)
			continue;
		nearest = distance[at];
		best = &w->options[i];
	}
	return best;
}

/* A mapped status that lies between in the order of the lifecycle; of several the one nearest to
 * the goal. */
static struct transition *step_by_policy(const struct issue_policy *policy, struct walk *w)
{
	enum incident_state now, goal, at;
	struct transition *best = NULL;
	int nearest = STATE_COUNT, distance;

	if (!issue_policy_state(policy, walk_now(w), &now) ||
		!issue_policy_state(policy, w->target, &goal))
		return NULL;
	for (size_t i = 0; i < w->option_count; i++) {
		if (!option_usable(w, &w->options[i]) ||
			!issue_policy_state(policy, w->options[i].to, &at))
			continue;
		if (now < goal ? at <= now || at >= goal : at >= now || at <= goal)
			continue;
		distance = abs((int)goal - (int)at);
		if (distance >= nearest)
			continue;
		nearest = distance;
		best = &w->options[i];
	}
	return best;
}

/* Where several lead on, a person would have to know what they mean; where one does, it is the way. */
static struct transition *step_by_being_only(const struct issue_policy *policy, struct walk *w)
{
	struct transition *only = NULL;
	enum incident_state goal;

	if (!issue_policy_state(policy, w->target, &goal) || state_active(goal))
		return NULL;
	for (size_t i = 0; i < w->option_count; i++) {
		if (!option_usable(w, &w->options[i]) || !w->options[i].progress)
			continue;
		if (only)
			return NULL;
		only = &w->options[i];
	}
	return only;
}

struct transition *workflow_next(
	struct workflows *w, const char *kind, const struct issue_policy *policy, struct walk *walk)
{
	struct workflow *one = workflow_of(w, kind, false);
	struct transition *t;

	if (walk->count > WALK_HOPS_MAX)
		return NULL;
	t = option_to(walk, walk->target);
	if (!t)
		t = step_by_memory(one, walk, false);
	if (!t)
		t = step_by_memory(one, walk, true);
	if (!t)
		t = step_by_policy(policy, walk);
	return t ? t : step_by_being_only(policy, walk);
}

const char *walk_trouble(struct arena *a, const struct walk *w)
{
	const struct transition *lacking = NULL;
	struct str s;

	str_init_arena(&s, a, 600);
	str_addf(&s, "no path from %s to %s", walk_now(w), w->target);
	for (size_t i = 0; i < w->option_count; i++) {
		if (same(w->options[i].to, w->target) && w->options[i].lacks)
			lacking = &w->options[i];
	}
	if (lacking) {
		str_addf(&s, lacking->refused ? ": %s: %s" : ": %s requires %s",
			lacking->name ? lacking->name : "the transition", lacking->lacks);
		return s.p;
	}
	str_addf(&s,
		w->option_count ? "; from %s one can go to " : "; from %s no transition leads on",
		walk_now(w));
	for (size_t i = 0; i < w->option_count; i++)
		str_addf(&s, "%s%s", i ? ", " : "", w->options[i].to);
	return s.p;
}
