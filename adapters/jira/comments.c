/*
 * Walking through an issue's comments, page by page. Servers that do not tell the properties of
 * comments in a list are asked for ours, comment by comment; whether they do is remembered once one
 * did.
 */
#include <stdlib.h>

#include "adapters/jira/job.h"

#define PAGE	 50
#define ASK_MOST 50 /* comments whose property is asked for, each */

static void comments_page(struct job *j);
static void comments_next(struct job *j);

static json_t *comment_now(struct job *j)
{
	return json_array_get(j->comments.list, j->comments.at);
}

static void comment_take(struct job *j)
{
	j->comments.more = j->comments.each(j, comment_now(j)) && j->comments.more;
	j->comments.at++;
}

static void on_property(struct job *j, const struct rest_answer *answer)
{
	json_t *value = json_object_get(answer->body, "value"), *list = json_array();

	if (answer->class != REST_OK && !job_said_no(answer)) {
		json_decref(list);
		j->comments.done(j, answer);
		return;
	}
	if (answer->class == REST_OK && value)
		json_array_append_new(
			list, json_pack("{s:s, s:O}", "key", JIRA_PROPERTY, "value", value));
	json_object_set_new(comment_now(j), "properties", list);
	comment_take(j);
	comments_next(j);
}

/* Must its property be asked for? */
static bool comment_untold(struct job *j, json_t *comment)
{
	if (json_object_get(comment, "properties"))
		j->jira->comments_tell = true;
	else if (!j->jira->comments_tell && read_id(comment) && j->comments.asked < ASK_MOST)
		return strtoll(read_id(comment), NULL, 10) > j->comments.after;
	return false;
}

static void comments_next(struct job *j)
{
	json_t *comment;

	while ((comment = comment_now(j))) {
		if (comment_untold(j, comment)) {
			j->comments.asked++;
			job_call(j, NULL,
				arena_printf(j->e->arena, "comment/%s/properties/" JIRA_PROPERTY,
					read_id(comment)),
				NULL, on_property);
			return;
		}
		comment_take(j);
	}
	j->comments.seen += (int64_t)j->comments.at;
	if (j->comments.more && j->comments.at && ++j->comments.pages < JOB_PAGES_MAX &&
		j->comments.seen < j->comments.total)
		comments_page(j);
	else
		j->comments.done(j, NULL);
}

static void on_comments(struct job *j, const struct rest_answer *answer)
{
	json_t *list = json_get_arr(answer->body, "comments");

	if (answer->class != REST_OK || !list) {
		j->comments.done(j, answer);
		return;
	}
	json_decref(j->comments.list);
	j->comments.list = json_incref(list);
	j->comments.at = 0;
	j->comments.more = true;
	j->comments.total = json_get_int(answer->body, "total", 0);
	comments_next(j);
}

static void comments_page(struct job *j)
{
	job_call(j, NULL,
		job_path(j,
			"/comment?orderBy=-created&expand=properties&maxResults=%d&startAt=%lld",
			PAGE, (long long)j->comments.seen),
		NULL, on_comments);
}

void comments_walk(struct job *j, int64_t after, bool (*each)(struct job *j, const json_t *comment),
	void (*done)(struct job *j, const struct rest_answer *failed))
{
	j->comments.each = each;
	j->comments.done = done;
	j->comments.after = after;
	j->comments.seen = 0;
	j->comments.pages = 0;
	comments_page(j);
}
