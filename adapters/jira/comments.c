/*
 * Walking through an issue's comments, page by page; and asking for our property, comment by comment, on
 * servers that do not tell the properties of comments in a list. Whether they do is remembered once one did.
 */
#include <stdlib.h>

#include "adapters/jira/job.h"
#include "base/log.h"

#define PAGE	  50
#define PAGES_MAX 200 /* twice what an issue of the Cloud can have */

static void comments_page(struct job *j);

/* ---- the pages --------------------------------------------------------------------------- */

static void page_take(struct job *j, const json_t *list)
{
	bool more = json_array_size(list) > 0;
	json_t *comment;
	size_t at;

	json_array_foreach(list, at, comment)
	{
		if (json_object_get(comment, "properties"))
			j->jira->comments_tell = true;
		more = j->comments.each(j, comment) && more;
	}
	j->comments.seen += (int64_t)json_array_size(list);
	j->comments.pages++;
	if (!more || j->comments.seen >= j->comments.total) {
		j->comments.done(j, NULL);
	} else if (j->comments.pages < PAGES_MAX) {
		comments_page(j);
	} else {
		log_line(LOG_WARN, JIRA_AREA, j->e->incident,
			"issue %s has %lld comments: the oldest %lld are passed over", j->issue,
			(long long)j->comments.total,
			(long long)(j->comments.total - j->comments.seen));
		j->comments.done(j, NULL);
	}
}

static void on_comments(struct job *j, const struct rest_answer *answer)
{
	json_t *list = json_get_arr(answer->body, "comments");

	if (answer->class != REST_OK || !list) {
		j->comments.done(j, answer);
		return;
	}
	j->comments.total = json_get_int(answer->body, "total", 0);
	page_take(j, list);
}

static void comments_page(struct job *j)
{
	job_call(j, NULL,
		job_path(j,
			"/comment?orderBy=-created&expand=properties&maxResults=%d&startAt=%lld",
			PAGE, (long long)j->comments.seen),
		NULL, on_comments);
}

void comments_walk(struct job *j, bool (*each)(struct job *j, const json_t *comment),
	void (*done)(struct job *j, const struct rest_answer *failed))
{
	j->comments.each = each;
	j->comments.done = done;
	j->comments.seen = 0;
	j->comments.pages = 0;
	comments_page(j);
}

/* ---- their properties -------------------------------------------------------------------- */

static void ask_next(struct job *j);

static void on_property(struct job *j, const struct rest_answer *answer)
{
	json_t *value = json_object_get(answer->body, "value"), *list;

	if (answer->class != REST_OK && !job_said_no(answer)) {
		j->comments.done(j, answer);
		return;
	}
	list = json_array();
	if (answer->class == REST_OK && value)
		json_array_append_new(
			list, json_pack("{s:s, s:O}", "key", JIRA_PROPERTY, "value", value));
	json_object_set_new(json_array_get(j->comments.list, j->comments.at++), "properties", list);
	ask_next(j);
}

static void ask_next(struct job *j)
{
	json_t *comment;

	while (!j->jira->comments_tell && (comment = json_array_get(j->comments.list, j->comments.at))) {
		if (!json_object_get(comment, "properties") && read_id(comment)) {
			job_call(j, NULL,
				arena_printf(j->e->arena, "comment/%s/properties/" JIRA_PROPERTY,
					read_id(comment)),
				NULL, on_property);
			return;
		}
		j->comments.at++;
	}
	j->comments.done(j, NULL);
}

void comments_ask(struct job *j, json_t *list,
	void (*done)(struct job *j, const struct rest_answer *failed))
{
	json_decref(j->comments.list);
	j->comments.list = json_incref(list);
	j->comments.at = 0;
	j->comments.done = done;
	ask_next(j);
}
