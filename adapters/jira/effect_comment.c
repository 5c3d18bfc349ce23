/* A comment, once: our effect's id is in its property, and is looked for when an earlier attempt's
 * outcome is unknown. */
#include <string.h>

#include "adapters/jira/job.h"
#include "adapters/jira/text.h"
#include "base/log.h"

#define LOOK_MOST 1000 /* comments that are looked at */
#define ASK_MOST  50   /* of those, whose property is asked for, each */

enum { UNTOLD }; /* j->kept: [{id}] of comments whose properties the server does not tell */

static void on_posted(struct job *j, const struct rest_answer *answer)
{
	const char *id = read_id(answer->body);

	if (answer->class == REST_OK && id)
		job_done(j, json_pack("{s:s}", "comment", id));
	else if (answer->class == REST_GONE)
		job_end(j, OUTCOME_REFUSED, NULL, "the issue is not there any more", 0);
	else
		job_failed(j, answer);
}

static void post(struct job *j)
{
	json_t *body = json_pack("{s:o, s:[{s:s, s:{s:s}}]}", "body",
		text_to_jira(j->jira->flavour, json_get_str(j->e->payload, "text")), "properties",
		"key", JIRA_PROPERTY, "value", "op", j->e->op_id ? j->e->op_id : "");

	job_call(j, "POST", job_path(j, "/comment"), body, on_posted);
}

static bool is_it(struct job *j, const json_t *comment)
{
	const char *op = json_get_str(read_property(json_object_get(comment, "properties")), "op");
	const char *id = read_id(comment);

	if (!op || !id || !j->e->op_id || strcmp(op, j->e->op_id) != 0)
		return false;
	j->own = arena_strdup(j->e->arena, id);
	return true;
}

static bool look_at(struct job *j, const json_t *comment)
{
	if (is_it(j, comment))
		return false;
	if (!json_object_get(comment, "properties") && json_array_size(j->kept[UNTOLD]) < ASK_MOST)
		json_array_append_new(j->kept[UNTOLD],
			json_pack("{s:O*}", "id", json_object_get(comment, "id")));
	return j->comments.seen < LOOK_MOST;
}

static void look_failed(struct job *j, const struct rest_answer *failed)
{
	if (failed->class == REST_GONE)
		job_end(j, OUTCOME_REFUSED, NULL, "the issue is not there any more", 0);
	else /* without knowing, it is not said again */
		job_end(j, OUTCOME_UNKNOWN, NULL,
			*failed->text ? failed->text : "Jira's answer makes no sense",
			failed->retry_after_ms);
}

static void asked(struct job *j, const struct rest_answer *failed)
{
	json_t *comment;
	size_t at;

	if (failed) {
		look_failed(j, failed);
		return;
	}
	json_array_foreach(j->kept[UNTOLD], at, comment)
	{
		if (!j->own)
			is_it(j, comment);
	}
	if (!j->own) {
		post(j);
		return;
	}
	log_line(LOG_INFO, JIRA_AREA, j->e->incident,
		"a comment whose answer was lost is there: %s", (const char *)j->own);
	job_done(j, json_pack("{s:s}", "comment", (const char *)j->own));
}

static void looked(struct job *j, const struct rest_answer *failed)
{
	if (failed)
		look_failed(j, failed);
	else if (j->own)
		asked(j, NULL);
	else
		comments_ask(j, j->kept[UNTOLD], asked);
}

void effect_issue_comment(struct job *j)
{
	if (!job_issue(j))
		return;
	j->kept[UNTOLD] = json_array();
	if (j->e->verify)
		comments_walk(j, look_at, looked);
	else
		post(j);
}
