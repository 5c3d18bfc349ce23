#include "tests/unit/support_jira.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/io.h"
#include "adapters/jira/jira.h"
#include "base/arena.h"
#include "tests/unit/support_peer.h"

#define NOW   INT64_C(1772375700000)
#define LIMIT 8000

static struct {
	struct effect_run *r;
	struct peer *peer;
	struct io *io;
	struct adapter_host host;
	struct adapter *jira;
	struct clock clock;
	struct io_timer *limit;
	pthread_mutex_t lock;
	int left;
	bool timed_out;
} T;

static struct line *line_for(const char *request)
{
	for (size_t i = 0; i < T.r->lines; i++) {
		struct line *l = &T.r->script[i];

		if (l->used < (l->times ? l->times : 1) &&
			strncmp(request, l->call, strlen(l->call)) == 0) {
			l->used++;
			return l;
		}
	}
	T.r->unanswered++;
	return NULL;
}

static struct line *note(const char *request)
{
	size_t n = strlen(T.r->log);
	const char *body = strstr(request, "\r\n\r\n");
	struct line *l;

	pthread_mutex_lock(&T.lock);
	T.r->calls++;
	snprintf(T.r->log + n, sizeof(T.r->log) - n, "> %.*s %s\n", (int)strcspn(request, "\r"), request,
		body ? body + 4 : "");
	l = line_for(request);
	pthread_mutex_unlock(&T.lock);
	return l;
}

static void serve(struct peer *peer, int fd, int nth, void *ctx)
{
	static _Thread_local char request[100000];

	(void)peer, (void)nth, (void)ctx;
	while (peer_read_request(fd, request, sizeof(request))) {
		struct line *l = note(request);
		const char *body = l && l->body ? l->body : "";

		if (!strstr(request, "\r\nAuthorization: B") || (l && l->status == ANSWER_LOST))
			return;
		if (l && l->status == ANSWER_CUT) {
			peer_print(fd, "HTTP/1.1 201 X\r\nContent-Length: %zu\r\n\r\n%.*s", strlen(body),
				(int)strlen(body) / 2, body);
			return;
		}
		if (!peer_print(fd, "HTTP/1.1 %d X\r\n%s%sContent-Length: %zu\r\n\r\n%s",
			    l ? l->status : 404, l && l->header ? l->header : "",
			    l && l->header ? "\r\n" : "", strlen(body), body))
			return;
	}
}

static void perform(void)
{
	struct arena *a = arena_create(16u << 20);
	struct effect *e = arena_alloc(a, sizeof(*e));
	struct error err = { 0 };

	e->arena = a;
	e->id = 7;
	e->op_id = "01OPOPOPOPOPOPOPOPOPOPOPOP";
	e->incident = 1;
	e->system = "jira";
	e->kind = (enum effect_kind)T.r->kind;
	e->attempt = T.r->attempt ? T.r->attempt : 1;
	e->verify = T.r->verify;
	e->created_at = NOW - 60000;
	if (json_parse(T.r->payload, strlen(T.r->payload), 1u << 20, &e->payload, &err))
		fail_msg("payload: %s", err.text);
	T.jira->perform(T.jira, e);
}

static void take_outcome(struct request *q)
{
	struct effect_run *r = T.r;
	const char *error = json_get_str(q->args, "error");

	snprintf(r->outcome, sizeof(r->outcome), "%s", json_get_str(q->args, "outcome"));
	snprintf(r->error, sizeof(r->error), "%s", error ? error : "");
	json_decref(r->result);
	r->result = json_incref(json_object_get(q->args, "result"));
	r->retry_after_ms = json_get_int(q->args, "retry_after_ms", 0);
}

static void on_next(void *ctx)
{
	(void)ctx;
	perform();
}

static struct io_timer *next;

static bool host_submit(void *ctx, struct request *take)
{
	(void)ctx;
	if (take->source == REQUEST_OUTCOME) {
		take_outcome(take);
		if (--T.left)
			io_timer_start(next, 0);
		else
			io_stop(T.io);
	}
	request_destroy(take);
	return true;
}

static void on_limit(void *ctx)
{
	(void)ctx;
	T.timed_out = !T.r->stop_after_ms;
	io_stop(T.io);
}

static void stop_timers(void *ctx)
{
	(void)ctx;
	io_timer_destroy(T.limit);
	io_timer_destroy(next);
}

static void configure(struct config *c, const char *url)
{
	struct issue_policy *p = &c->issue;

	c->references = 1;
	p->url = url;
	p->flavour = T.r->flavour;
	p->user = T.r->flavour == ISSUE_CLOUD ? "bot@example.com" : NULL;
	p->token = "a-secret-token";
	p->pacing = T.r->pacing;
	p->search_lag_ms = T.r->search_lag_ms;
	p->project = "PAY";
	p->type = "Bug";
	p->status[STATE_TRIAGE] = "To Do";
	p->status[STATE_INVESTIGATING] = "In Progress";
	p->status[STATE_MONITORING] = "In Review";
	p->status[STATE_RESOLVED] = "Done";
	if (T.r->policy)
		T.r->policy(p);
}

void run_effect(struct effect_run *r)
{
	struct config config = { 0 };
	struct io_hook hook = { .stop = stop_timers };
	struct error err = { 0 };
	char url[100];

	T.r = r;
	T.timed_out = false;
	T.left = r->attempts ? r->attempts : 1;
	r->log[0] = '\0';
	pthread_mutex_init(&T.lock, NULL);
	clock_init_manual(&T.clock, NOW);
	T.peer = peer_start(serve, NULL);
	snprintf(url, sizeof(url), "%s", peer_url(T.peer, "http", "/"));
	configure(&config, url);
	T.io = io_create(&err);
	assert_non_null(T.io);
	T.host = (struct adapter_host){ .submit = host_submit, .io = T.io, .clock = &T.clock };
	T.jira = jira_create(&config, &T.host, NULL);
	assert_int_equal(adapter_start(T.jira, &err), 0);
	next = io_timer_create(T.io, on_next, NULL);
	T.limit = io_timer_create(T.io, on_limit, NULL);
	io_on_stop(T.io, &hook);
	io_timer_start(T.limit, r->stop_after_ms ? r->stop_after_ms : LIMIT);
	r->took_ms = clock_monotonic_ms();
	io_timer_start(next, 0);
	io_run(T.io);
	r->took_ms = clock_monotonic_ms() - r->took_ms;
	T.jira->destroy(T.jira);
	io_destroy(T.io);
	peer_stop(T.peer);
	pthread_mutex_destroy(&T.lock);
	if (T.timed_out)
		fail_msg("no outcome; calls so far:\n%s", r->log);
}

void run_finish(struct effect_run *r)
{
	json_decref(r->result);
	r->result = NULL;
}

int run_count(const struct effect_run *r, const char *text)
{
	int n = 0;

	for (const char *p = strstr(r->log, text); p; p = strstr(p + 1, text))
		n++;
	return n;
}

const char *run_text(const struct effect_run *r, const char *path)
{
	const char *s = json_string_value(json_at(r->result, path));

	return s ? s : "";
}
