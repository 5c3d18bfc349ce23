/* A comment, once: our effect's id is in its property, and is looked for when an earlier attempt's
 * outcome is unknown. */
#include <string.h>

#include "adapters/jira/job.h"
#include "adapters/jira/text.h"
#include "base/log.h"

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

static bool look_at(struct job *j, const json_t *comment)
{
	const char *op = json_get_str(read_property(json_object_get(comment, "properties")), "op");
	const char *id = read_id(comment);

	if (!op || !id || !j->e->op_id || strcmp(op, j->e->op_id) != 0)
		return true;
	j->own = arena_strdup(j->e->arena, id);
	return false;
}

static void looked(struct job *j, const struct rest_answer *failed)
{
	if (failed && failed->class == REST_GONE) {
		job_end(j, OUTCOME_REFUSED, NULL, "the issue is not there any more", 0);
	} else if (failed) { /* without knowing, it is not said again */
		job_end(j, OUTCOME_UNKNOWN, NULL,
			*failed->text ? failed->text : "Jira's answer makes no sense",
			failed->retry_after_ms);
	} else if (j->own) {
		log_line(LOG_INFO, JIRA_AREA, j->e->incident,
			"a comment whose answer was lost is there: %s", (const char *)j->own);
		job_done(j, json_pack("{s:s}", "comment", (const char *)j->own));
	} else {
		post(j);
	}
}

void effect_issue_comment(struct job *j)
{
	if (!job_issue(j))
		return;
	if (j->e->verify)
		comments_walk(j, 0, look_at, looked);
	else
		post(j);
}
