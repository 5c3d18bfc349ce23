#ifndef ADAPTERS_JIRA_JOB_H
#define ADAPTERS_JIRA_JOB_H
/*
 * One effect being carried out: a chain of calls, then exactly one outcome. Each step gets the answer
 * of the call before it, and starts the next or ends the job. Strings live on the effect's arena.
 *
 * The happy path is: jira_perform → the kind's start → job_call → step → … → job_done. It fails by
 * job_failed (an answer that says no) or job_end (anything else). Once something was written
 * (job.wrote), the whole is no longer "certainly not done": what would be "retry" is "unknown" then. At
 * stop a job dies without an outcome: the effect stays marked as started, and is looked up at the
 * next start.
 */
#include "adapters/jira/read.h"
#include "adapters/jira/room.h"
#include "base/arena.h"

#define JOB_PATH_MAX  16000
#define JOB_PAGES_MAX 20

typedef void (*job_step)(struct job *j, const struct rest_answer *answer);

struct job {
	struct jira *jira;
	struct effect *e;
	struct rest_call call;
	job_step step;
	struct io_timer *timer; /* waits; NULL until the first job_wait */
	void (*later)(struct job *j);
	const char *issue; /* id or key, once known */
	bool wrote;
	int pages;	    /* asked for so far */
	void *own;	    /* the kind's own state, on the arena */
	json_t *kept[4];    /* the kind's own JSON, released with the job */
	struct {	    /* comments_walk, comments_ask */
		bool (*each)(struct job *j, const json_t *comment);
		void (*done)(struct job *j, const struct rest_answer *failed);
		json_t *list; /* asked for, owned */
		size_t at;
		int64_t total, seen;
		int pages;
	} comments;
	struct job *prev, *next; /* jira.jobs */
};

/* method is static, path escaped and on the arena. body is taken over; NULL: none. */
void job_call(struct job *j, const char *method, const char *path, json_t *body_take, job_step step);
/* "issue/<the job's issue>" and what follows it, NULL: nothing; fmt's arguments must be escaped. */
const char *job_path(struct job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* s percent-encoded, on the arena. */
const char *job_escaped(struct job *j, const char *s);
/* then(j) after ms, unless the program ends before. */
void job_wait(struct job *j, int64_t ms, void (*then)(struct job *j));
void job_end(struct job *j, enum outcome o, json_t *result_take, const char *error, int64_t retry_after_ms);
void job_done(struct job *j, json_t *result_take);
void job_failed(struct job *j, const struct rest_answer *answer);

/* Is it a "no" to this call (and not a bad moment), so that the rest may go on without it? */
bool job_said_no(const struct rest_answer *answer);
/* The address part of the issue that the payload names: sets j->issue. False: the job was ended. */
bool job_issue(struct job *j);
struct read_context job_reading(struct job *j);
/* "x" as JQL wants a text: in quotes, escaped. */
const char *job_quoted(struct job *j, const char *s);
/* The address of a search, fields separated by commas; page: the token (Cloud) or number (Data Center) of the page, NULL: the first. */
const char *job_search(struct job *j, const char *jql, const char *fields, int most, const char *page);
/* What to ask the next page of a search with; NULL: this was the last. seen: how many issues came so far. */
const char *job_next_page(struct job *j, const json_t *body, size_t seen);

/* The kinds. */
void effect_issue_create(struct job *j);
void effect_issue_sync(struct job *j);
void effect_issue_comment(struct job *j);
void effect_issue_mark(struct job *j);
void effect_issue_poll(struct job *j);

/* comments.c: the comments of the job's issue, newest first where Jira sorts them, page by page; each() sees
 * them, and the page after is asked for unless it says false to one. Then done(j, NULL) or, when Jira does
 * not tell, done(j, answer). */
void comments_walk(struct job *j, bool (*each)(struct job *j, const json_t *comment),
	void (*done)(struct job *j, const struct rest_answer *failed));
/* Where the server did not tell "properties" of those in the list ({id, …}), ours is asked for and set there, one call
 * each. done as above. */
void comments_ask(struct job *j, json_t *list,
	void (*done)(struct job *j, const struct rest_answer *failed));

#endif
