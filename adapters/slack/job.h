#ifndef ADAPTERS_SLACK_JOB_H
#define ADAPTERS_SLACK_JOB_H
/*
 * One effect being carried out: a chain of calls, then exactly one outcome. Each step gets the
 * answer of the call before it, and starts the next or ends the job. Strings live on the effect's
 * arena.
 *
 * The happy path is: slack_perform → the kind's start → slack_job_call → step → … → slack_job_done. It fails by
 * slack_job_failed (an answer that says no) or slack_job_end (anything else). At stop a job dies without an
 * outcome: the effect stays marked as started, and is looked up at the next start.
 */
#include "adapters/slack/render.h"
#include "adapters/slack/room.h"
#include "base/arena.h"

#define JOB_PAGES_MAX	20
#define CLOCK_WRONG_MS	DAY_MS /* our clock may have been wrong by so much; a mark of ours tells for sure what is found */
#define EVENT_TYPE	"sitrep_effect" /* of the metadata by which a post is found again */
#define JOB_ERROR_GONE	"message_not_found"

typedef void (*job_step)(struct job *j, const struct web_answer *answer);

struct job {
	struct slack *s;
	struct effect *e;
	struct web_call call;
	job_step step;
	const char *channel; /* raw id, once known */
	int pages;	     /* asked for so far */
	enum {
		FIND_NOTHING,
		FIND_ASKS,
		FIND_WAITS
	} find;			      /* channel_find: it asks, or another does */
	void (*found)(struct job *j); /* its continuation */
	const char *wanted;	      /* the name it looks for */
	bool public_only;	      /* the app may not list private channels */
	void *own;		      /* the kind's own state, on the arena */
	struct render_pages parts;    /* posts: what is to be posted */
	json_t *read;		      /* fetches: what was read; owned */
	struct job *prev, *next;      /* slack.jobs */
};

void slack_job_call(struct job *j, const char *method, json_t *args_take, job_step step);
/* The same with the arguments as JSON text. */
void slack_job_send(struct job *j, const char *method, struct str *body_take, job_step step);
/* Bytes to an address that Slack gave; borrowed until the step. */
void slack_job_upload(struct job *j, const char *url, const char *bytes, size_t n, job_step step);
/* The same again with another cursor or after a remedy is simply another slack_job_call. */
void slack_job_end(struct job *j, enum outcome o, json_t *result_take, const char *error,
	int64_t retry_after_ms);
void slack_job_done(struct job *j, json_t *result_take);
void slack_job_failed(struct job *j, const struct web_answer *answer);
static inline bool slack_job_ok(const struct web_answer *a)
{
	return a->class == WEB_OK || a->class == WEB_ALREADY;
}
/* Slack takes the text but not the blocks: a limit that is not where we think it is. */
bool slack_job_blocks_refused(const struct web_answer *answer);
/* The cursor of the next page; NULL when this was the last one, or enough were asked for. */
const char *slack_job_next_cursor(struct job *j, const struct web_answer *answer);

/* The Slack time (s) before which nothing of this effect can be there; 0: that is not known. */
int64_t slack_job_since(const struct job *j);

/* "slack:C1" → "C1"; "slack:C1/17.1" → "C1", and "17.1" in *ts. NULL when it is none of ours. */
const char *key_channel(struct arena *a, const char *key, const char **ts);
const char *key_person(const char *key);

/* Sets j->channel from the effect's channel or message; a configured name is looked up (and kept).
 * Then found(j); a channel that is not there ends the job with words for the operator. */
void channel_find(struct job *j, void (*found)(struct job *j));

/* The id that was kept for this effect's place does not exist any more: true when there was one,
 * and it may be tried anew. */
bool channel_forget(struct job *j);

/* The kinds. */
void effect_channel_open(struct job *j);
void effect_channel_invite(struct job *j);
void effect_channel_remove(struct job *j);
void effect_channel_rename(struct job *j);
void effect_channel_topic(struct job *j);
void effect_channel_bookmark(struct job *j);
void effect_message_post(struct job *j);
void effect_message_private(struct job *j);
void effect_message_edit(struct job *j);
void effect_message_pin(struct job *j);
void effect_message_fetch(struct job *j);
void effect_person_fetch(struct job *j);
void effect_home_show(struct job *j);
void effect_file_share(struct job *j);

#endif
