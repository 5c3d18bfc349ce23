/*
 * An issue, once. The happy path is: POST issue with a label that no other has → it is read →
 * "read" is the result. When an earlier attempt's outcome is unknown, it is looked for first, again
 * and again until a search can no longer lag behind: what carries the label is adopted (of two the
 * lower id), and only when there is none it is made.
 *
 * Fields that Jira does not take and that we can do without (not on the screen, no such priority)
 * are left out, once each, and named in result.trouble; so are extra fields whose names Jira does
 * not know. Without the label (not on the screen either) a lost create is found by our property on
 * the issues that we made meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "adapters/jira/job.h"
#include "adapters/jira/text.h"
#include "base/log.h"
#include "base/text.h"

#define LOOK_FIRST_MS 500
#define LOOK_GROWTH   2
#define ROUNDS_MAX    8	 /* creates with fields left out */
#define CANDIDATES    50 /* issues of ours whose property is looked at */

enum { BODY, TROUBLE, FIELDS, RESULT }; /* j->kept */

struct create {
	int64_t began, delay; /* of the look: io time */
	int rounds;
	bool twin;
	const char *candidates[CANDIDATES];
	size_t candidate_count, candidate;
	const char *error; /* Jira's words to a refusal, while its fields are named */
};

static void post(struct job *j);

/* ---- reading it -------------------------------------------------------------------------- */

static void finish(struct job *j, json_t *read_take)
{
	struct create *c = j->own;
	json_t *result = json_object();

	if (c->twin)
		json_object_set_new(read_take, "twin", json_true());
	json_object_set_new(result, "read", read_take);
	if (json_object_size(j->kept[TROUBLE]))
		json_object_set(result, "trouble", j->kept[TROUBLE]);
	job_done(j, result);
}

static void on_read(struct job *j, const struct rest_answer *answer)
{
	struct read_context c = job_reading(j);
	json_t *read = answer->class == REST_OK ? read_issue(&c, answer->body) : NULL;

	/* It stands; what it looks like can be read at the next sync. */
	if (!read && answer->class == REST_GONE)
		read = read_gone(j->issue);
	else if (!read)
		read = json_incref(j->kept[RESULT]);
	finish(j, read);
}

static void read_it(struct job *j, const char *id, const char *key)
{
	const char *name = read_key_valid(key) ? key : id;

	j->issue = arena_strdup(j->e->arena, id);
	json_decref(j->kept[RESULT]);
	j->kept[RESULT] = json_pack("{s:s, s:s, s:o}", "id", id, "name", name, "url",
		json_sprintf("%sbrowse/%s", j->jira->policy->url, name));
	job_call(j, NULL, job_path(j, "?" READ_QUERY), NULL, on_read);
}

/* ---- making it --------------------------------------------------------------------------- */

static bool is_custom(const char *key)
{
	return strncmp(key, "customfield_", 12) == 0;
}

/* Names of custom fields, for people: "customfield_10042" → "Team". */
static const char *named(struct job *j, const json_t *list, const char *words)
{
	struct str out;
	json_t *field;
	size_t at;

	str_init_arena(&out, j->e->arena, 800);
	while (*words) {
		size_t skip = 1;

		json_array_foreach(list, at, field)
		{
			const char *id = json_get_str(field, "id"),
				   *name = json_get_str(field, "name");
			size_t n = id ? strlen(id) : 0;

			if (!name || n < 8 || strncmp(words, id, n) != 0 ||
				(words[n] >= '0' && words[n] <= '9'))
				continue;
			str_add(&out, name);
			skip = n;
			break;
		}
		if (skip == 1)
			str_addc(&out, *words);
		words += skip;
	}
	return out.p;
}

static const char *name_of(const json_t *list, const char *key)
{
	json_t *field;
	size_t at;

	json_array_foreach(list, at, field)
	{
		const char *id = json_get_str(field, "id");

		if (id && strcmp(id, key) == 0)
			return json_get_str(field, "name");
	}
	return NULL;
}

/* Which fields it is about, where Jira's words do not say so. */
static void on_names(struct job *j, const struct rest_answer *answer)
{
	const json_t *list = answer->class == REST_OK ? answer->body : NULL;
	struct create *c = j->own;
	const char *key, *name;
	struct str words;
	json_t *v;

	str_init_arena(&words, j->e->arena, 900);
	str_add(&words, named(j, list, c->error));
	json_object_foreach(j->kept[RESULT], key, v)
	{
		name = name_of(list, key);
		if (is_custom(key) && !strstr(words.p, name ? name : key))
			str_addf(&words, " (%s)", name ? name : key);
	}
	job_end(j, OUTCOME_REFUSED, NULL, words.p, 0);
}

/* Jira's words, with what they are about by name. */
static void refuse(struct job *j, const struct rest_answer *answer)
{
	struct create *c = j->own;
	json_t *errors = json_get_obj(answer->body, "errors"),
	       *fields = json_get_obj(j->kept[BODY], "fields");
	const char *key;
	bool custom = false;
	json_t *v;

	c->error = arena_strdup(j->e->arena, answer->text);
	if (json_object_get(errors, "project") || json_object_get(errors, "issuetype") ||
		json_object_get(errors, "pid"))
		c->error = arena_printf(j->e->arena, "%s (project %s, type %s)", answer->text,
			json_string_value(json_at(fields, "project.key")),
			json_string_value(json_at(fields, "issuetype.name")));
	json_object_foreach(errors, key, v) custom = custom || is_custom(key);
	json_decref(j->kept[RESULT]);
	j->kept[RESULT] = json_incref(errors);
	if (custom)
		job_call(j, NULL, "field", NULL, on_names);
	else
		job_end(j, OUTCOME_REFUSED, NULL, c->error, 0);
}

static bool can_do_without(struct job *j, const char *field)
{
	static const char *const optional[] = { "priority", "labels", "assignee", "description",
		"parent" };

	for (size_t i = 0; i < sizeof(optional) / sizeof(*optional); i++) {
		if (strcmp(field, optional[i]) == 0)
			return strcmp(field, "parent") != 0 ||
			       !json_get_str(j->e->payload, "parent");
	}
	return json_object_get(json_get_obj(j->e->payload, "fields"), field) != NULL;
}

/* "priority" → as the record calls it, where it does. */
static const char *our_name(const char *field)
{
	for (enum issue_field f = 0; f < ISSUE_FIELD_COUNT; f++) {
		if (strcmp(field, read_field_name(f)) == 0)
			return issue_field_name(f);
	}
	return field;
}

/* Leaves out what Jira complains about and we can do without. False: there is no such. */
static bool leave_out(struct job *j, const json_t *errors)
{
	json_t *fields = json_get_obj(j->kept[BODY], "fields"), *words;
	const char *field;
	bool left = false;

	json_object_foreach((json_t *)(uintptr_t)errors, field, words)
	{
		if (!json_object_get(fields, field) || !can_do_without(j, field))
			continue;
		json_object_set_new(j->kept[TROUBLE], our_name(field),
			json_string(json_string_value(words) ? json_string_value(words)
							     : "Jira does not take it"));
		json_object_del(fields, field);
		left = true;
		log_line(LOG_WARN, JIRA_AREA, j->e->incident, "an issue is made without %s: %s",
			field,
			json_string_value(words) ? json_string_value(words)
						 : "Jira does not take it");
	}
	return left;
}

static void on_posted(struct job *j, const struct rest_answer *answer)
{
	struct create *c = j->own;
	const char *id = read_id(answer->body);

	if (answer->class == REST_OK && id) {
		j->wrote = true;
		read_it(j, id, json_get_str(answer->body, "key"));
	} else if (answer->class == REST_OK) {
		job_end(j, OUTCOME_UNKNOWN, NULL, "Jira's answer does not name the issue", 0);
	} else if (answer->class == REST_REFUSED && ++c->rounds < ROUNDS_MAX &&
		   leave_out(j, json_get_obj(answer->body, "errors"))) {
		post(j);
	} else if (job_said_no(answer)) {
		refuse(j, answer);
	} else {
		job_failed(j, answer);
	}
}

static void post(struct job *j)
{
	job_call(j, "POST", "issue", json_deep_copy(j->kept[BODY]), on_posted);
}

static json_t *labels_of(const json_t *payload)
{
	json_t *labels = json_copy(json_get_arr(payload, "labels")), *v;
	const char *label = json_get_str(payload, "label");
	size_t at;

	labels = labels ? labels : json_array();
	json_array_foreach(labels, at, v)
	{
		if (label && json_string_value(v) && strcmp(json_string_value(v), label) == 0)
			return labels;
	}
	if (label)
		json_array_append_new(labels, json_string(label));
	return labels;
}

/* By which a comment or an issue of ours is known again: whatever the record wants to say there,
 * and the effect. */
static json_t *property_of(struct job *j)
{
	json_t *value = json_copy(json_get_obj(j->e->payload, "property"));

	value = value ? value : json_object();
	json_object_set_new(value, "op", json_string(j->e->op_id ? j->e->op_id : ""));
	return value;
}

static json_t *create_body(struct job *j)
{
	const json_t *payload = j->e->payload;
	const struct flavour *flavour = j->jira->flavour;
	json_t *values = json_get_obj(payload, "values");
	const char *priority = json_get_str(values, issue_field_name(ISSUE_PRIORITY));
	const char *assignee = json_get_str(values, issue_field_name(ISSUE_ASSIGNEE));
	const char *parent = json_get_str(payload, "parent"),
		   *project = json_get_str(payload, "project");
	json_t *fields = json_pack("{s:{s:s}, s:{s:s}, s:s, s:o, s:o}", "project", "key",
		project ? project : "", "issuetype", "name",
		json_get_str(payload, "type") ? json_get_str(payload, "type") : "", "summary",
		text_title(j->e->arena, json_get_str(values, issue_field_name(ISSUE_TITLE))),
		"labels", labels_of(payload), "description",
		text_to_jira(flavour, json_get_str(payload, "text")));

	if (priority && *priority)
		json_object_set_new(fields, "priority", json_pack("{s:s}", "name", priority));
	if (assignee && *assignee)
		json_object_set_new(
			fields, "assignee", json_pack("{s:s}", flavour->person, assignee));
	if (parent && *parent)
		json_object_set_new(fields, "parent",
			json_pack("{s:s}",
				strspn(parent, "0123456789") == strlen(parent) ? "id" : "key",
				parent));
	json_object_update_missing(fields, json_get_obj(payload, "fields"));
	return json_pack("{s:o, s:[{s:s, s:o}]}", "fields", fields, "properties", "key",
		JIRA_PROPERTY, "value", property_of(j));
}

/* ---- extra fields by their names --------------------------------------------------------- */

static void begin(struct job *j);

/* "customfield_10010", "duedate", "fixVersions": no blanks, no capital in front. */
static bool is_field_id(const char *name)
{
	return *name >= 'a' && *name <= 'z' && !strchr(name, ' ');
}

static const char *field_id(const json_t *list, const char *name)
{
	json_t *field;
	size_t at;

	json_array_foreach(list, at, field)
	{
		const char *theirs = json_get_str(field, "name");

		if (theirs && text_equal_fold(theirs, name))
			return json_get_str(field, "id");
	}
	return NULL;
}

static void on_fields(struct job *j, const struct rest_answer *answer)
{
	json_t *extra = json_get_obj(j->e->payload, "fields"), *by_id = json_object(), *v;
	const char *name, *id;

	if (answer->class != REST_OK && !job_said_no(answer)) {
		json_decref(by_id);
		job_failed(j, answer);
		return;
	}
	json_object_foreach(extra, name, v)
	{
		id = is_field_id(name) ? name : field_id(answer->body, name);
		if (id)
			json_object_set(by_id, id, v);
		else
			json_object_set_new(j->kept[TROUBLE], name,
				json_string("Jira has no field of that name"));
	}
	json_object_set_new(j->e->payload, "fields", by_id);
	begin(j);
}

static bool has_names(const json_t *extra)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)extra, name, v)
	{
		if (!is_field_id(name))
			return true;
	}
	return false;
}

/* ---- looking first ----------------------------------------------------------------------- */

static void look(struct job *j);
static void look_at_candidate(struct job *j);

/* Without knowing, it is not made again. */
static void look_failed(struct job *j, const struct rest_answer *answer)
{
	job_end(j, OUTCOME_UNKNOWN, NULL,
		*answer->text ? answer->text : "Jira's answer makes no sense",
		answer->retry_after_ms);
}

static void on_candidate(struct job *j, const struct rest_answer *answer)
{
	struct create *c = j->own;
	const char *op = json_get_str(json_get_obj(answer->body, "value"), "op");

	if (answer->class != REST_OK && !job_said_no(answer)) {
		look_failed(j, answer);
	} else if (op && j->e->op_id && strcmp(op, j->e->op_id) == 0) {
		const char *id = c->candidates[c->candidate];

		log_line(LOG_INFO, JIRA_AREA, j->e->incident,
			"an issue whose answer was lost is there, by its property: %s", id);
		read_it(j, id, NULL);
	} else {
		c->candidate++;
		look_at_candidate(j);
	}
}

static void look_at_candidate(struct job *j)
{
	struct create *c = j->own;

	if (c->candidate < c->candidate_count)
		job_call(j, NULL,
			arena_printf(j->e->arena, "issue/%s/properties/" JIRA_PROPERTY,
				c->candidates[c->candidate]),
			NULL, on_candidate);
	else
		post(j);
}

static void on_own(struct job *j, const struct rest_answer *answer)
{
	struct create *c = j->own;
	json_t *issue;
	size_t at;

	/* A project that is not there has none. */
	if (answer->class != REST_OK && !job_said_no(answer)) {
		look_failed(j, answer);
		return;
	}
	json_array_foreach(json_get_arr(answer->body, "issues"), at, issue)
	{
		const char *id = read_id(issue);

		if (id && c->candidate_count < CANDIDATES)
			c->candidates[c->candidate_count++] = arena_strdup(j->e->arena, id);
	}
	look_at_candidate(j);
}

/* The label may not have been on the screen: what we made since then, and has no label of ours. */
static void look_at_own(struct job *j)
{
	const char *project = json_get_str(j->e->payload, "project");
	int64_t ago = jira_now(j->jira) - j->e->created_at;
	/* A time of our clock as it was then: it may have run ahead and been set right since, so a day
	 * is added. That finds more issues than are asked for, but only one has our property. */
	int64_t minutes = ((ago < 0 ? 0 : ago) + DAY_MS) / MINUTE_MS + 2;
	struct str jql;

	str_init_arena(&jql, j->e->arena, 2000);
	str_addf(&jql,
		"project = %s AND reporter = currentUser() AND created >= \"-%lldm\" AND labels is "
		"EMPTY "
		"ORDER BY created DESC",
		job_quoted(j, project ? project : ""), (long long)minutes);
	job_call(j, NULL, job_search(j, jql.p, "created", CANDIDATES, NULL), NULL, on_own);
}

static void adopt(struct job *j, json_t *issues)
{
	struct create *c = j->own;
	const char *best = NULL, *key = NULL;
	json_t *issue;
	size_t at;

	json_array_foreach(issues, at, issue)
	{
		const char *id = read_id(issue);

		c->twin = c->twin || (id && best);
		if (!id || (best && strtoll(id, NULL, 10) > strtoll(best, NULL, 10)))
			continue;
		best = id;
		key = json_get_str(issue, "key");
	}
	if (!best) {
		job_end(j, OUTCOME_UNKNOWN, NULL, "Jira found an issue that has no id", 0);
		return;
	}
	log_line(LOG_INFO, JIRA_AREA, j->e->incident,
		"an issue whose answer was lost is there: %s%s", best,
		c->twin ? " (and a second one)" : "");
	read_it(j, best, key);
}

static void on_looked(struct job *j, const struct rest_answer *answer)
{
	struct create *c = j->own;
	json_t *issues = json_get_arr(answer->body, "issues");
	int64_t left =
		c->began + j->jira->policy->search_lag_ms - io_now(j->jira->adapter.host->io);

	if (answer->class != REST_OK || !issues) {
		look_failed(j, answer);
	} else if (json_array_size(issues)) {
		adopt(j, issues);
	} else if (left > 0) {
		job_wait(j, c->delay < left ? c->delay : left, look);
		c->delay *= LOOK_GROWTH;
	} else {
		look_at_own(j);
	}
}

static void look(struct job *j)
{
	const char *label = json_get_str(j->e->payload, "label");
	const char *jql =
		arena_printf(j->e->arena, "labels = %s ORDER BY created ASC", job_quoted(j, label));

	job_call(j, NULL, job_search(j, jql, "created", 2, NULL), NULL, on_looked);
}

static void begin(struct job *j)
{
	j->kept[BODY] = create_body(j);
	if (!j->kept[BODY])
		job_end(j, OUTCOME_REFUSED, NULL, "it cannot be said in JSON", 0);
	else if (j->e->verify && json_get_str(j->e->payload, "label"))
		look(j);
	else
		post(j);
}

void effect_issue_create(struct job *j)
{
	struct create *c = arena_alloc(j->e->arena, sizeof(*c));

	j->own = c;
	j->kept[TROUBLE] = json_object();
	c->began = io_now(j->jira->adapter.host->io);
	c->delay = LOOK_FIRST_MS;
	if (has_names(json_get_obj(j->e->payload, "fields")))
		job_call(j, NULL, "field", NULL, on_fields);
	else
		begin(j);
}
