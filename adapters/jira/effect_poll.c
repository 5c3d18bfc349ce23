/* What changed lately among our issues. Times are Jira's: it is asked for the last so many minutes,
 * since its dates are to the minute and in the zone of the account. */
#include <string.h>

#include "adapters/jira/job.h"
#include "base/log.h"

#define PAGE	   100
#define ISSUES_MAX 1000

enum { ISSUES }; /* j->kept */

struct poll {
	const char *jql, *page;
	bool anywhere; /* without the projects: one of them is not there */
};

static void ask(struct job *j);

static void finish(struct job *j, bool complete)
{
	if (!complete)
		log_warn(JIRA_AREA,
			"more than %d issues changed: the rest is looked at by the next poll",
			ISSUES_MAX);
	job_done(j, json_pack("{s:O, s:b}", "issues", j->kept[ISSUES], "complete", complete));
}

static void take(struct job *j, const json_t *issue)
{
	const char *id = read_id(issue), *key = json_get_str(issue, "key");

	if (id)
		json_array_append_new(j->kept[ISSUES],
			json_pack("{s:s, s:s, s:I}", "id", id, "name",
				read_key_valid(key) ? key : id, "updated_ms",
				(json_int_t)read_time(json_get_obj(issue, "fields"), "updated")));
}

static void jql(struct job *j, bool anywhere);

static void on_page(struct job *j, const struct rest_answer *answer)
{
	struct poll *p = j->own;
	json_t *list = json_get_arr(answer->body, "issues"), *issue;
	const char *before = p->page;
	size_t at;

	if (answer->class == REST_REFUSED && !p->anywhere) {
		log_warn(JIRA_AREA, "looking for changes in all projects, since: %s", answer->text);
		jql(j, true);
		ask(j);
		return;
	}
	if (answer->class != REST_OK || !list) {
		job_failed(j, answer);
		return;
	}
	json_array_foreach(list, at, issue) take(j, issue);
	p->page = job_next_page(j, answer->body, json_array_size(j->kept[ISSUES]));
	if (!p->page)
		finish(j, j->pages < JOB_PAGES_MAX);
	else if (json_array_size(j->kept[ISSUES]) >= ISSUES_MAX ||
		 (before && !strcmp(before, p->page)))
		finish(j, false);
	else
		ask(j);
}

static void ask(struct job *j)
{
	struct poll *p = j->own;

	job_call(j, NULL, job_search(j, p->jql, "updated", PAGE, p->page), NULL, on_page);
}

static void jql(struct job *j, bool anywhere)
{
	struct poll *p = j->own;
	json_t *projects = json_get_arr(j->e->payload, "projects"), *v;
	const char *label = json_get_str(j->e->payload, "label");
	int64_t minutes = (json_get_int(j->e->payload, "elapsed_ms", 0) + 59999) / 60000 + 1;
	struct str s;
	size_t at, count = 0;

	str_init_arena(&s, j->e->arena, 8000);
	json_array_foreach(anywhere ? NULL : projects, at, v)
	{
		if (json_string_value(v) && *json_string_value(v))
			str_addf(&s, "%s%s", count++ ? ", " : "project in (",
				job_quoted(j, json_string_value(v)));
	}
	p->anywhere = !count;
	str_addf(&s, "%slabels = %s AND updated >= \"-%lldm\" ORDER BY updated ASC",
		count ? ") AND " : "", job_quoted(j, label && *label ? label : ISSUE_LABEL),
		(long long)minutes);
	p->jql = s.p;
	p->page = NULL;
	j->pages = 0;
}

void effect_issue_poll(struct job *j)
{
	j->own = arena_alloc(j->e->arena, sizeof(struct poll));
	j->kept[ISSUES] = json_array();
	jql(j, false);
	ask(j);
}
