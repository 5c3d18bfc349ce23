#include "adapters/jira/job.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static void (*const kinds[EFFECT_KIND_COUNT])(struct job *j) = {
	[EFFECT_ISSUE_CREATE] = effect_issue_create,
	[EFFECT_ISSUE_SYNC] = effect_issue_sync,
	[EFFECT_ISSUE_COMMENT] = effect_issue_comment,
	[EFFECT_ISSUE_MARK] = effect_issue_mark,
	[EFFECT_ISSUE_POLL] = effect_issue_poll,
};

void jira_perform(struct adapter *a, struct effect *take)
{
	struct jira *jira = jira_of(a);
	struct job *j;

	if (jira->stopping) {
		effect_destroy(take);
		return;
	}
	j = jira_alloc(sizeof(*j));
	j->jira = jira;
	j->e = take;
	j->next = jira->jobs;
	if (jira->jobs)
		jira->jobs->prev = j;
	jira->jobs = j;
	if ((unsigned)take->kind < EFFECT_KIND_COUNT && kinds[take->kind])
		kinds[take->kind](j);
	else
		job_end(j, OUTCOME_REFUSED, NULL, "Jira has no such thing", 0);
}

static void job_destroy(struct job *j)
{
	*(j->prev ? &j->prev->next : &j->jira->jobs) = j->next;
	if (j->next)
		j->next->prev = j->prev;
	io_timer_destroy(j->timer);
	for (size_t i = 0; i < sizeof(j->kept) / sizeof(*j->kept); i++)
		json_decref(j->kept[i]);
	json_decref(j->comments.list);
	effect_destroy(j->e);
	free(j);
}

/* Those that wait for an answer die when it comes, cancelled. */
void jira_perform_stop(struct jira *jira)
{
	for (struct job *j = jira->jobs, *next; j; j = next) {
		next = j->next;
		if (!rest_call_running(&j->call))
			job_destroy(j);
	}
}

void job_end(struct job *j, enum outcome o, json_t *result_take, const char *error,
	int64_t retry_after_ms)
{
	/* It goes to the other thread, while parts of it belong to the job and to the answer that
	 * is being read still: nothing may be shared. */
	json_t *own = result_take ? json_deep_copy(result_take) : NULL;
	struct request *r;

	if (result_take && !own)
		abort();
	json_decref(result_take);
	if (o == OUTCOME_RETRY && j->wrote)
		o = OUTCOME_UNKNOWN;
	r = outcome_request(j->e, o, own, error, retry_after_ms);
	jira_submit(j->jira, r);
	job_destroy(j);
}

void job_done(struct job *j, json_t *result_take)
{
	job_end(j, OUTCOME_DELIVERED, result_take ? result_take : json_object(), NULL, 0);
}

void job_failed(struct job *j, const struct rest_answer *answer)
{
	enum outcome o = OUTCOME_REFUSED;

	switch (answer->class) {
	case REST_RETRY:
	case REST_TOKEN:
	case REST_CONFLICT:
		o = OUTCOME_RETRY;
		break;
	case REST_UNKNOWN:
	case REST_OK: /* but without what it should say */
		o = OUTCOME_UNKNOWN;
		break;
	case REST_REFUSED:
	case REST_FORBIDDEN:
	case REST_GONE:
		break;
	}
	job_end(j, o, NULL, *answer->text ? answer->text : "Jira's answer makes no sense",
		answer->retry_after_ms);
}

bool job_said_no(const struct rest_answer *answer)
{
	return answer->class == REST_REFUSED || answer->class == REST_FORBIDDEN ||
	       answer->class == REST_GONE;
}

static void on_job_answer(struct rest_call *call, const struct rest_answer *answer)
{
	struct job *j = call->ctx;

	if (j->jira->stopping)
		job_destroy(j);
	else
		j->step(j, answer);
}

void job_call(struct job *j, const char *method, const char *path, json_t *body_take, job_step step)
{
	struct error err;

	j->step = step;
	j->call = (struct rest_call){
		.method = method,
		.path = path,
		.body = body_take,
		.issue = j->issue,
		.on_done = on_job_answer,
		.ctx = j,
	};
	if (rest_start(j->jira->rest, &j->call, &err))
		job_end(j, OUTCOME_RETRY, NULL, err.text, 0);
}

static void on_job_timer(void *ctx)
{
	struct job *j = ctx;

	j->later(j);
}

void job_wait(struct job *j, int64_t ms, void (*then)(struct job *j))
{
	if (!j->timer)
		j->timer = io_timer_create(j->jira->adapter.host->io, on_job_timer, j);
	j->later = then;
	io_timer_start(j->timer, ms);
}

/* ---- addresses --------------------------------------------------------------------------- */

const char *job_escaped(struct job *j, const char *s)
{
	struct str out;

	str_init_arena(&out, j->e->arena, JOB_PATH_MAX);
	rest_escape(&out, s);
	return out.p;
}

const char *job_path(struct job *j, const char *fmt, ...)
{
	struct str out;
	va_list ap;

	str_init_arena(&out, j->e->arena, JOB_PATH_MAX);
	str_addf(&out, "issue/%s", job_escaped(j, j->issue));
	va_start(ap, fmt);
	if (fmt)
		str_vaddf(&out, fmt, ap);
	va_end(ap);
	return out.p;
}

/* An id, or the key under which somebody linked it by hand. */
bool job_issue(struct job *j)
{
	const char *id = json_get_str(j->e->payload, "issue"),
		   *name = json_get_str(j->e->payload, "name");

	if (id && *id && strspn(id, "0123456789") == strlen(id))
		j->issue = id;
	else if (read_key_valid(name))
		j->issue = name;
	if (j->issue)
		return true;
	/* The job is gone with it. */
	job_end(j, OUTCOME_REFUSED, NULL, "it names no issue of Jira", 0);
	return false;
}

struct read_context job_reading(struct job *j)
{
	return (struct read_context){
		.arena = j->e->arena,
		.flavour = j->jira->flavour,
		.url = j->jira->policy->url,
	};
}

/* ---- searches ---------------------------------------------------------------------------- */

const char *job_quoted(struct job *j, const char *s)
{
	struct str out;

	str_init_arena(&out, j->e->arena, 2000);
	str_addc(&out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			str_addc(&out, '\\');
		str_addc(&out, *s);
	}
	str_addc(&out, '"');
	return out.p;
}

const char *job_search(
	struct job *j, const char *jql, const char *fields, int most, const char *page)
{
	const struct flavour *f = j->jira->flavour;
	struct str out;

	str_init_arena(&out, j->e->arena, JOB_PATH_MAX);
	str_addf(&out, "%s?maxResults=%d&fields=%s&jql=", f->search, most, fields);
	rest_escape(&out, jql);
	if (page) {
		str_add(&out, f->page_token ? "&nextPageToken=" : "&startAt=");
		rest_escape(&out, page);
	}
	return out.p;
}

const char *job_next_page(struct job *j, const json_t *body, size_t seen)
{
	const char *token = json_get_str(body, "nextPageToken");

	if (++j->pages >= JOB_PAGES_MAX)
		return NULL;
	if (!j->jira->flavour->page_token)
		return json_array_size(json_get_arr(body, "issues")) &&
				       (int64_t)seen < json_get_int(body, "total", 0)
			       ? arena_printf(j->e->arena, "%zu", seen)
			       : NULL;
	if (json_get_bool(body, "isLast", false) || !token || !*token)
		return NULL;
	return arena_strdup(j->e->arena, token);
}
