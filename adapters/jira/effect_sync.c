/*
 * One issue, read, brought to what only we have changed, and read again (incident/request.h,
 * EFFECT_ISSUE_SYNC). The happy path is:
 *
 *   read → PUT what differs of title, priority, assignee → walk to the status (workflow.h)
 *        → read again, if anything was written → comments → done
 *
 * A field is written only while theirs is still what the record saw; what is there already counts
 * as written. What Jira does not take is left out and named in result.trouble with Jira's words;
 * the rest is written. The status is read before each further step of a walk: when somebody else
 * moved it, the walk ends, and the merge decides. Two at once (409): read again, and once more from
 * the start.
 */
#include <stdlib.h>
#include <string.h>

#include "adapters/jira/job.h"
#include "adapters/jira/text.h"
#include "adapters/jira/workflow.h"
#include "base/log.h"

#define COMMENTS_MAX  100 /* of one outcome */
#define COMMENTS_KEPT 400 /* while they are read */
#define COMMENTS_TRIES 8  /* of the effect; by then a bad moment has lasted for a quarter of an hour */

enum { READ, WRITTEN, TROUBLE, COMMENTS }; /* j->kept */

struct sync {
	bool send[ISSUE_FIELD_COUNT]; /* still to be written */
	const char *kind;	      /* project and type, for what is known of workflows */
	bool again;		      /* a conflict: once */
	struct walk walk;
	struct transition *step; /* under way */
	bool lost;		 /* the answer to it */
	int64_t comment_after, comment_newest;
	int64_t comment_upto; /* the last one told; 0: all are */
};

static void read_first(struct job *j);
static void edit(struct job *j);
static void walk_look(struct job *j);
static void read_last(struct job *j);

static const char *wanted(struct job *j, enum issue_field f)
{
	return json_get_str(json_get_obj(j->e->payload, "send"), issue_field_name(f));
}

/* As it will stand there. */
static const char *fitted(struct job *j, enum issue_field f)
{
	const char *value = wanted(j, f);

	return f == ISSUE_TITLE && value ? text_title(j->e->arena, value) : value;
}

static void trouble(struct job *j, enum issue_field f, const char *why)
{
	struct sync *s = j->own;

	s->send[f] = false;
	json_object_set_new(j->kept[TROUBLE], issue_field_name(f), json_string(why));
}

static void written(struct job *j, enum issue_field f)
{
	struct sync *s = j->own;

	s->send[f] = false;
	json_object_set_new(j->kept[WRITTEN], issue_field_name(f), json_string(wanted(j, f)));
}

/* ---- the end ----------------------------------------------------------------------------- */

static void finish(struct job *j)
{
	struct sync *s = j->own;
	json_t *result = json_pack("{s:O}", "read", j->kept[READ]);

	json_object_set(result, "written", j->kept[WRITTEN]);
	json_object_set(result, "trouble", j->kept[TROUBLE]);
	json_object_set(result, "comments", j->kept[COMMENTS]);
	if (s->comment_upto)
		json_object_set_new(result, "comments_left",
			json_pack("{s:I, s:I}", "upto", (json_int_t)s->comment_upto, "newest",
				(json_int_t)s->comment_newest));
	job_done(j, result);
}

static void gone(struct job *j)
{
	job_done(j, json_pack("{s:o}", "read", read_gone(j->issue)));
}

/* The id as it is known now: an issue linked by hand was named by its key. */
static void keep_read(struct job *j, json_t *read_take)
{
	json_decref(j->kept[READ]);
	j->kept[READ] = read_take;
	j->issue = arena_strdup(j->e->arena, json_get_str(read_take, "id"));
}

/* ---- comments ---------------------------------------------------------------------------- */

static int64_t comment_id(const json_t *comment)
{
	return strtoll(json_get_str(comment, "id"), NULL, 10);
}

static int comment_compare(const void *a, const void *b)
{
	int64_t x = comment_id(*(json_t *const *)a), y = comment_id(*(json_t *const *)b);

	return x < y ? -1 : x > y;
}

/* Oldest first, and of very many the oldest: the rest is newer than what is told now, and so comes
 * next time. */
static void sort_comments(struct job *j)
{
	struct sync *s = j->own;
	size_t n = json_array_size(j->kept[COMMENTS]), at;
	const struct arena_mark before = arena_mark(j->e->arena);
	json_t **list = arena_alloc(j->e->arena, (n + 1) * sizeof(json_t *)),
	       *sorted = json_array(), *v;

	json_array_foreach(j->kept[COMMENTS], at, v) list[at] = v;
	qsort(list, n, sizeof(json_t *), comment_compare);
	for (size_t i = 0; i < n && i < COMMENTS_MAX; i++)
		json_array_append(sorted, list[i]);
	if (n > COMMENTS_MAX)
		s->comment_upto = comment_id(list[COMMENTS_MAX - 1]);
	json_decref(j->kept[COMMENTS]);
	j->kept[COMMENTS] = sorted;
	arena_rewind(j->e->arena, &before);
}

/* A bad moment: all of it again, as anything else; what was written is found written then. Where Jira says no, or it
 * goes on, the fields and what waits behind them in the lane do not wait for it for ever. None is told: those that
 * were read are the newest, and the older ones would count as told. */
static void comments_failed(struct job *j, const struct rest_answer *failed)
{
	struct sync *s = j->own;

	if (!job_said_no(failed) && j->e->attempt < COMMENTS_TRIES) {
		job_failed(j, failed);
		return;
	}
	log_line(LOG_WARN, JIRA_AREA, j->e->incident, "comments of issue %s cannot be read: %s",
		j->issue, failed->text);
	json_array_clear(j->kept[COMMENTS]);
	s->comment_upto = 0;
	finish(j);
}

static bool take_comment(struct job *j, const json_t *comment)
{
	struct sync *s = j->own;
	const struct arena_mark before = arena_mark(j->e->arena);
	struct read_context c = job_reading(j);
	json_t *told = json_object_get(comment, "properties");
	const json_t *property;
	json_t *read = read_comment(&c, comment, &property);
	int64_t id = read ? comment_id(read) : 0;
	bool newer = id > s->comment_after;

	if (newer && id > s->comment_newest)
		s->comment_newest = id;
	if (newer && !property) {
		if (told)
			json_object_set(read, "properties", told);
		json_array_append(j->kept[COMMENTS], read);
		if (json_array_size(j->kept[COMMENTS]) > COMMENTS_KEPT)
			sort_comments(j);
	}
	json_decref(read);
	arena_rewind(j->e->arena, &before);
	return newer;
}

/* Those that are people's. */
static void comments_asked(struct job *j, const struct rest_answer *failed)
{
	json_t *comment;

	if (failed) {
		comments_failed(j, failed);
		return;
	}
	for (size_t at = json_array_size(j->kept[COMMENTS]); at-- > 0;) {
		comment = json_array_get(j->kept[COMMENTS], at);
		if (read_property(json_object_get(comment, "properties")))
			json_array_remove(j->kept[COMMENTS], at);
		else
			json_object_del(comment, "properties");
	}
	finish(j);
}

static void comments_walked(struct job *j, const struct rest_answer *failed)
{
	if (failed) {
		comments_failed(j, failed);
		return;
	}
	sort_comments(j);
	comments_ask(j, j->kept[COMMENTS], comments_asked);
}

static void comments(struct job *j)
{
	struct sync *s = j->own;

	s->comment_after = json_get_int(j->e->payload, "comment_after", -1);
	if (s->comment_after >= 0)
		comments_walk(j, take_comment, comments_walked);
	else
		finish(j);
}

/* ---- the status -------------------------------------------------------------------------- */

static void walk_here(struct job *j);

static void walk_over(struct job *j, const char *why)
{
	if (why)
		trouble(j, ISSUE_STATUS, why);
	((struct sync *)j->own)->send[ISSUE_STATUS] = false;
	read_last(j);
}

/* Where is it, between two steps? */
static void on_status(struct job *j, const struct rest_answer *answer)
{
	struct sync *s = j->own;
	struct read_context c = job_reading(j);
	const char *now =
		answer->class == REST_OK ? read_value(&c, answer->body, ISSUE_STATUS) : NULL;

	if (answer->class != REST_OK) {
		job_failed(j, answer);
	} else if (now && issue_value_same(ISSUE_STATUS, now, s->walk.target)) {
		written(j, ISSUE_STATUS);
		walk_over(j, NULL);
	} else if (s->lost && now &&
		   issue_value_same(ISSUE_STATUS, now, s->walk.been[s->walk.count - 1])) {
		job_end(j, OUTCOME_UNKNOWN, NULL, "Jira's answer to a transition was lost", 0);
	} else if (!now || !issue_value_same(ISSUE_STATUS, now, s->step->to)) {
		walk_over(j, NULL); /* somebody else moves it too */
	} else {
		s->walk.been[s->walk.count++] = now;
		walk_here(j);
	}
}

static void conflict(struct job *j)
{
	struct sync *s = j->own;

	/* In the middle of a walk the next attempt knows better where it was (left_midway). */
	if (s->again || s->walk.count > 1) {
		job_end(j, OUTCOME_RETRY, NULL, "somebody else is changing the issue", 0);
		return;
	}
	s->again = true;
	read_first(j);
}

static void on_moved(struct job *j, const struct rest_answer *answer)
{
	struct sync *s = j->own;

	if (answer->class == REST_OK || answer->class == REST_UNKNOWN) {
		j->wrote = true;
		s->lost = answer->class == REST_UNKNOWN;
		job_call(j, NULL, job_path(j, "?fields=status"), NULL, on_status);
	} else if (answer->class == REST_CONFLICT) {
		conflict(j);
	} else if (answer->class ==
		   REST_REFUSED) { /* a rule of the workflow: perhaps there is another way */
		s->step->refused = true;
		s->step->lacks = arena_strdup(j->e->arena, answer->text);
		walk_look(j);
	} else if (job_said_no(answer)) {
		walk_over(j, answer->text);
	} else {
		job_failed(j, answer);
	}
}

static void walk_look(struct job *j)
{
	struct sync *s = j->own;
	json_t *body;

	s->step = workflow_next(j->jira->workflows, s->kind, j->jira->policy, &s->walk);
	if (!s->step) {
		walk_over(j, walk_trouble(j->e->arena, &s->walk));
		return;
	}
	body = json_pack("{s:{s:s}}", "transition", "id", s->step->id);
	if (s->step->resolution)
		json_object_set_new(body, "fields",
			json_pack("{s:{s:s}}", "resolution", "name", s->step->resolution));
	job_call(j, "POST", job_path(j, "/transitions"), body, on_moved);
}

static void on_transitions(struct job *j, const struct rest_answer *answer)
{
	struct sync *s = j->own;

	if (answer->class != REST_OK && job_said_no(answer)) {
		walk_over(j, answer->text);
		return;
	}
	if (answer->class != REST_OK) {
		job_failed(j, answer);
		return;
	}
	walk_read(&s->walk, j->e->arena, answer->body);
	workflow_learn(j->jira->workflows, s->kind, &s->walk);
	walk_look(j);
}

static void walk_here(struct job *j)
{
	job_call(j, NULL, job_path(j, "/transitions?expand=transitions.fields"), NULL,
		on_transitions);
}

static void walk(struct job *j)
{
	struct sync *s = j->own;
	const char *now =
		json_get_str(json_get_obj(j->kept[READ], "values"), issue_field_name(ISSUE_STATUS));

	if (!s->send[ISSUE_STATUS]) {
		read_last(j);
		return;
	}
	s->walk = (struct walk){ .target = wanted(j, ISSUE_STATUS), .been = { now }, .count = 1 };
	walk_here(j);
}

/* ---- title, priority, assignee ----------------------------------------------------------- */

/* Gives up what Jira complains about; all of it when it does not say what. */
static void edit_refused(struct job *j, const struct rest_answer *answer)
{
	struct sync *s = j->own;
	json_t *errors = json_get_obj(answer->body, "errors");
	bool named = false;

	for (enum issue_field f = 0; f < ISSUE_FIELD_COUNT; f++) {
		const char *why = json_get_str(errors, read_field_name(f));

		if (f == ISSUE_STATUS || !s->send[f] || !why)
			continue;
		trouble(j, f, why);
		named = true;
	}
	for (enum issue_field f = 0; f < ISSUE_FIELD_COUNT && !named; f++) {
		if (f != ISSUE_STATUS && s->send[f])
			trouble(j, f, answer->text);
	}
	edit(j);
}

static void on_edited(struct job *j, const struct rest_answer *answer)
{
	struct sync *s = j->own;

	if (answer->class == REST_OK) {
		j->wrote = true;
		for (enum issue_field f = 0; f < ISSUE_FIELD_COUNT; f++) {
			if (f != ISSUE_STATUS && s->send[f])
				written(j, f);
		}
		walk(j);
	} else if (answer->class == REST_CONFLICT) {
		conflict(j);
	} else if (answer->class == REST_GONE) {
		gone(j);
	} else if (job_said_no(answer)) {
		edit_refused(j, answer);
	} else {
		job_failed(j, answer);
	}
}

static json_t *edit_value(struct job *j, enum issue_field f)
{
	const char *value = fitted(j, f);

	if (f == ISSUE_TITLE)
		return json_string(value);
	if (f == ISSUE_PRIORITY)
		return json_pack("{s:s}", "name", value);
	return *value ? json_pack("{s:s}", j->jira->flavour->person, value) : json_null();
}

static void edit(struct job *j)
{
	struct sync *s = j->own;
	json_t *fields = json_object();

	for (enum issue_field f = 0; f < ISSUE_FIELD_COUNT; f++) {
		if (f != ISSUE_STATUS && s->send[f])
			json_object_set_new(fields, read_field_name(f), edit_value(j, f));
	}
	if (json_object_size(fields)) {
		job_call(j, "PUT", job_path(j, NULL), json_pack("{s:o}", "fields", fields),
			on_edited);
		return;
	}
	json_decref(fields);
	walk(j);
}

/* ---- reading ----------------------------------------------------------------------------- */

/* Is it where an attempt of ours that nobody knows the end of left it? */
static bool left_midway(struct job *j, const json_t *body, const char *was)
{
	struct read_context c = job_reading(j);

	return j->e->verify && j->jira->account && was &&
	       read_moved_by(&c, body, ISSUE_STATUS, j->jira->account, was);
}

/* What of `send` is not there yet, where theirs is still what it was. */
static void compare(struct job *j, const json_t *body)
{
	struct sync *s = j->own;
	json_t *values = json_get_obj(j->kept[READ], "values"),
	       *theirs = json_get_obj(j->e->payload, "theirs");

	for (enum issue_field f = 0; f < ISSUE_FIELD_COUNT; f++) {
		const char *send = fitted(j, f), *now = json_get_str(values, issue_field_name(f));
		const char *was = json_get_str(theirs, issue_field_name(f));

		s->send[f] = false;
		if (!send || !now || json_object_get(j->kept[TROUBLE], issue_field_name(f)))
			continue;
		if (issue_value_same(f, now, send))
			written(j, f);
		else
			s->send[f] = issue_value_same(f, now, was) ||
				     (f == ISSUE_STATUS && left_midway(j, body, was));
	}
}

static void on_read(struct job *j, const struct rest_answer *answer)
{
	struct sync *s = j->own;
	struct read_context c = job_reading(j);
	json_t *fields = json_get_obj(answer->body, "fields");
	json_t *read = answer->class == REST_OK ? read_issue(&c, answer->body) : NULL;
	const char *project, *type;

	if (answer->class == REST_GONE || answer->class == REST_FORBIDDEN) {
		gone(j);
		return;
	}
	if (!read) {
		job_failed(j, answer);
		return;
	}
	keep_read(j, read);
	project = json_get_str(json_get_obj(fields, "project"), "key");
	type = json_get_str(json_get_obj(fields, "issuetype"), "name");
	s->kind =
		arena_printf(j->e->arena, "%.80s/%.80s", project ? project : "", type ? type : "");
	compare(j, answer->body);
	edit(j);
}

static void read_first(struct job *j)
{
	job_call(j, NULL, job_path(j, "?" READ_QUERY), NULL, on_read);
}

static void on_read_again(struct job *j, const struct rest_answer *answer)
{
	struct read_context c = job_reading(j);
	json_t *read = answer->class == REST_OK ? read_issue(&c, answer->body) : NULL;

	if (answer->class == REST_GONE || answer->class == REST_FORBIDDEN) {
		gone(j);
	} else if (!read) {
		job_failed(j, answer);
	} else {
		keep_read(j, read);
		comments(j);
	}
}

static void read_last(struct job *j)
{
	if (j->wrote)
		job_call(j, NULL, job_path(j, "?" READ_QUERY), NULL, on_read_again);
	else
		comments(j);
}

static void on_myself(struct job *j, const struct rest_answer *answer)
{
	struct read_context c = job_reading(j);
	const char *key = NULL, *name;

	if (answer->class != REST_OK && !job_said_no(answer)) {
		job_failed(j, answer);
		return;
	}
	read_person(&c, answer->body, &key, &name);
	if (key && !j->jira->account)
		j->jira->account = strdup(key);
	read_first(j);
}

void effect_issue_sync(struct job *j)
{
	if (!job_issue(j))
		return;
	j->own = arena_alloc(j->e->arena, sizeof(struct sync));
	j->kept[WRITTEN] = json_object();
	j->kept[TROUBLE] = json_object();
	j->kept[COMMENTS] = json_array();
	if (j->e->verify && !j->jira->account && wanted(j, ISSUE_STATUS))
		job_call(j, NULL, "myself", NULL, on_myself);
	else
		read_first(j);
}
