#include "adapters/slack/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/log.h"

#define UPLOAD_TIMEOUT_MS (60 * SECOND_MS)
#define TOKEN_WAIT_MS (60 * SECOND_MS) /* until the operator has had a look */

static void (*const kinds[EFFECT_KIND_COUNT])(struct job *j) = {
	[EFFECT_CHANNEL_OPEN] = effect_channel_open,
	[EFFECT_CHANNEL_INVITE] = effect_channel_invite,
	[EFFECT_CHANNEL_REMOVE] = effect_channel_remove,
	[EFFECT_CHANNEL_TOPIC] = effect_channel_topic,
	[EFFECT_CHANNEL_BOOKMARK] = effect_channel_bookmark,
	[EFFECT_MESSAGE_POST] = effect_message_post,
	[EFFECT_MESSAGE_EDIT] = effect_message_edit,
	[EFFECT_MESSAGE_PIN] = effect_message_pin,
	[EFFECT_MESSAGE_PRIVATE] = effect_message_private,
	[EFFECT_MESSAGE_FETCH] = effect_message_fetch,
	[EFFECT_PERSON_FETCH] = effect_person_fetch,
	[EFFECT_HOME_SHOW] = effect_home_show,
	[EFFECT_CHANNEL_RENAME] = effect_channel_rename,
	[EFFECT_FILE_SHARE] = effect_file_share,
};

void slack_perform(struct adapter *a, struct effect *take)
{
	struct slack *s = slack_of(a);
	struct job *j;

	if (s->stopping) {
		effect_destroy(take);
		return;
	}
	j = slack_alloc(sizeof(*j));
	j->s = s;
	j->e = take;
	j->next = s->jobs;
	if (s->jobs)
		s->jobs->prev = j;
	s->jobs = j;
	kinds[take->kind](j);
}

static void job_destroy(struct job *j)
{
	*(j->prev ? &j->prev->next : &j->s->jobs) = j->next;
	if (j->next)
		j->next->prev = j->prev;
	web_call_finish(&j->call);
	render_pages_finish(&j->parts);
	json_decref(j->read);
	effect_destroy(j->e);
	free(j);
}

void slack_perform_stop(struct slack *s)
{
	for (struct job *j = s->jobs, *next; j; j = next) {
		next = j->next;
		if (!j->call.web)
			job_destroy(j);
	}
}

void slack_job_end(struct job *j, enum outcome o, json_t *result_take, const char *error,
	int64_t retry_after_ms)
{
	struct request *r = outcome_request(j->e, o, result_take, error, retry_after_ms);

	CRASH_POINT("before-outcome");
	r->received_at = slack_now(j->s);
	r->adapter = j->s->adapter.index;
	/* Outcomes are never refused: what the queue does not take waits in the backlog, and
	 * reading stops. */
	if (!backlog_submit(&j->s->backlog, r))
		socket_mode_pause(j->s->sockets);
	job_destroy(j);
}

void slack_job_done(struct job *j, json_t *result_take)
{
	slack_job_end(j, OUTCOME_DELIVERED, result_take ? result_take : json_object(), NULL, 0);
}

void slack_job_failed(struct job *j, const struct web_answer *answer)
{
	bool gone = strcmp(answer->error, JOB_ERROR_GONE) == 0;
	const char *text = gone || !*answer->text ? answer->error : answer->text;
	enum outcome o = OUTCOME_REFUSED;
	int64_t wait = answer->retry_after_ms;

	switch (answer->class) {
	case WEB_RETRY:
		o = OUTCOME_RETRY;
		break;
	case WEB_TOKEN:
		o = OUTCOME_RETRY;
		wait = wait > TOKEN_WAIT_MS ? wait : TOKEN_WAIT_MS;
		break;
	case WEB_UNKNOWN:
	case WEB_OK: /* but without what it should say */
	case WEB_ALREADY:
		o = OUTCOME_UNKNOWN;
		break;
	case WEB_REFUSED:
	case WEB_LACKING:
		break;
	}
	slack_job_end(j, o, NULL, *text ? text : "Slack's answer makes no sense", wait);
}

static void on_job_answer(struct web_call *call, const struct web_answer *answer)
{
	struct job *j = call->ctx;

	call->web = NULL;
	if (j->s->stopping)
		job_destroy(j);
	else
		j->step(j, answer);
}

static void job_go(struct job *j)
{
	struct error err;
	int rc = web_start(j->s->web, &j->call, &err);

	if (!rc)
		return;
	j->call.web = NULL;
	slack_job_end(j, OUTCOME_RETRY, NULL, err.text, rc == -EACCES ? TOKEN_WAIT_MS : 0);
}

void slack_job_call(struct job *j, const char *method, json_t *args_take, job_step step)
{
	j->step = step;
	j->call = (struct web_call){
		.method = method,
		.args = args_take,
		.channel = j->channel,
		.on_done = on_job_answer,
		.ctx = j,
	};
	job_go(j);
}

void slack_job_send(struct job *j, const char *method, struct str *body_take, job_step step)
{
	j->step = step;
	j->call = (struct web_call){
		.method = method,
		.body = str_take(body_take),
		.channel = j->channel,
		.on_done = on_job_answer,
		.ctx = j,
	};
	job_go(j);
}

void slack_job_upload(struct job *j, const char *url, const char *bytes, size_t n, job_step step)
{
	j->step = step;
	j->call = (struct web_call){
		.url = url,
		.raw = bytes,
		.raw_len = n,
		.timeout_ms = UPLOAD_TIMEOUT_MS,
		.on_done = on_job_answer,
		.ctx = j,
	};
	job_go(j);
}

bool slack_job_blocks_refused(const struct web_answer *answer)
{
	static const char *const errors[] = { "invalid_blocks", "invalid_blocks_format",
		"msg_blocks_too_long", "msg_too_long" };

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		if (strcmp(answer->error, errors[i]) == 0)
			return true;
	}
	return false;
}

const char *slack_job_next_cursor(struct job *j, const struct web_answer *answer)
{
	const char *cursor =
		json_get_str(json_get_obj(answer->body, "response_metadata"), "next_cursor");

	return cursor && *cursor && ++j->pages < JOB_PAGES_MAX ? cursor : NULL;
}

/* When it was asked for is a time of our clock as it was then. What is in the future by now was noted before the clock was set
 * back, and tells nothing. */
int64_t slack_job_since(const struct job *j)
{
	int64_t ahead = web_ahead_ms(j->s->web), at = j->e->created_at - CLOCK_WRONG_MS;

	if (j->e->created_at > slack_now(j->s))
		return 0;
	at -= ahead > 0 ? ahead : 0;
	return at > 0 ? at / 1000 : 0;
}

const char *key_channel(struct arena *a, const char *key, const char **ts)
{
	const char *slash;

	if (ts)
		*ts = NULL;
	if (!key || strncmp(key, SLACK_PREFIX, strlen(SLACK_PREFIX)) != 0)
		return NULL;
	key += strlen(SLACK_PREFIX);
	slash = strchr(key, '/');
	if (!slash)
		return arena_strdup(a, key);
	if (ts)
		*ts = arena_strdup(a, slash + 1);
	return arena_strndup(a, key, (size_t)(slash - key));
}

const char *key_person(const char *key)
{
	if (!key || strncmp(key, SLACK_PREFIX, strlen(SLACK_PREFIX)) != 0)
		return NULL;
	return key + strlen(SLACK_PREFIX);
}
