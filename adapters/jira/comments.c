/* Walking through an issue's comments, page by page. */
#include "adapters/jira/job.h"

#define PAGE 50

static void comments_page(struct job *j);

static void on_comments(struct job *j, const struct rest_answer *answer)
{
	json_t *list = json_get_arr(answer->body, "comments"), *comment;
	bool more = true;
	size_t at;

	if (answer->class != REST_OK || !list) {
		j->comments.done(j, answer);
		return;
	}
	json_array_foreach(list, at, comment) more = j->comments.each(j, comment) && more;
	j->comments.seen += (int64_t)json_array_size(list);
	if (more && json_array_size(list) && ++j->comments.pages < JOB_PAGES_MAX &&
		j->comments.seen < json_get_int(answer->body, "total", 0))
		comments_page(j);
	else
		j->comments.done(j, NULL);
}

static void comments_page(struct job *j)
{
	job_call(j, NULL,
		job_path(j, "/comment?orderBy=-created&expand=properties&maxResults=%d&startAt=%lld", PAGE,
			(long long)j->comments.seen),
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
