#include "adapters/slack/socket_mode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "adapters/io.h"
#include "adapters/websocket.h"
#include "base/log.h"

#define AREA "slack"

#define HELLO_MS     10000
#define LEAVING_MS   60000 /* after the successor's hello */
#define CLOSING_MS   5000  /* after a disconnect that is final */
#define LASTING_MS   60000 /* a connection that held so long was a good one */
#define SETTLE_MS    60000 /* Slack counts connections that are long dead */
#define HOLD_MS      500   /* a second after its close frame Slack ends TCP */
#define QUEUE_MAX    (4u << 20)
#define CROWDED	     (256u << 10) /* bytes of acks that Slack has not taken: nothing more is read */
#define CROWDED_MS   15000	  /* so long; then there is nobody */
#define CROWD_LOOK_MS 50
#define CLOSE_NORMAL 1000

enum phase { SOCKET_ASKING, SOCKET_CONNECTING, SOCKET_GREETING, SOCKET_READY, SOCKET_LEAVING };

struct socket {
	struct socket_mode *sm;
	int64_t generation;
	enum phase phase;
	bool greeted;
	int64_t ready_at; /* io_now */
	struct web_call call;
	struct websocket *ws;
	struct io_timer *timer; /* hello; later: leaving */
	/* The library answers a close frame at once, and then no ack goes out any more. So while one
	 * may come, nothing is read before what was read is answered: see socket_flow. */
	int unanswered;
	bool held, hold_spent;
	struct io_timer *hold; /* bounds it */
	bool crowded;
	int64_t crowded_at;	/* io_now */
	struct io_timer *crowd; /* looks whether it still is */
	struct socket *next;	/* socket_mode.sockets */
};

struct socket_mode {
	struct socket_mode_options options;
	struct socket *sockets;
	struct io_timer *backoff;
	int64_t generations;
	int64_t closed_at; /* io_now of the last one that went */
	int failures;
	enum socket_failure backoff_kind; /* of the wait that is running */
	bool started, stopping, paused;
	bool shared_said;
	char fatal_said[80];
	uint64_t bad_frames;
};

int64_t socket_mode_backoff(enum socket_failure kind, int failures)
{
	static const int64_t network[] = { 300, 1000, 2000, 4000, 8000, 16000, 30000 };
	static const int64_t said[] = { 3000, 10000, 30000 };
	size_t at = failures < 1 ? 0 : (size_t)failures - 1;

	switch (kind) {
	case FAILURE_NETWORK:
		return network[at < 7 ? at : 6];
	case FAILURE_SAID:
		return said[at < 3 ? at : 2];
	case FAILURE_CROWDED:
		return 60000;
	case FAILURE_FATAL:
		break;
	}
	return 300000;
}

/* Up to a quarter more or less, so that many bots do not come back at the same moment. */
static int64_t jittered(int64_t ms)
{
	uint16_t dice = 0;

	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) < 0)
		return ms;
	return ms * 3 / 4 + ms / 2 * dice / 65536;
}

static void socket_mode_maintain(struct socket_mode *sm);
static bool socket_open(struct socket_mode *sm);

static void on_backoff(void *ctx)
{
	socket_mode_maintain(ctx);
}

struct socket_mode *socket_mode_create(const struct socket_mode_options *options)
{
	struct socket_mode *sm = calloc(1, sizeof(*sm));

	if (!sm)
		abort();
	sm->options = *options;
	sm->closed_at = -SETTLE_MS;
	sm->backoff = io_timer_create(options->io, on_backoff, sm);
	return sm;
}

static void socket_mode_wait(struct socket_mode *sm, enum socket_failure kind, int64_t at_least)
{
	int64_t ms;

	if (sm->stopping)
		return;
	sm->failures++;
	sm->backoff_kind = kind;
	ms = jittered(socket_mode_backoff(kind, sm->failures));
	io_timer_start(sm->backoff, ms > at_least ? ms : at_least);
}

/* One place where a socket ends; every end has a reason. */
static void socket_gone(struct socket *s)
{
	struct socket_mode *sm = s->sm;

	for (struct socket **p = &sm->sockets; *p; p = &(*p)->next) {
		if (*p != s)
			continue;
		*p = s->next;
		break;
	}
	io_timer_destroy(s->timer);
	io_timer_destroy(s->hold);
	io_timer_destroy(s->crowd);
	web_call_finish(&s->call);
	free(s);
}

static size_t sockets_in(const struct socket_mode *sm, bool (*is)(const struct socket *s))
{
	size_t n = 0;

	for (const struct socket *s = sm->sockets; s; s = s->next)
		n += is(s);
	return n;
}

static bool is_any(const struct socket *s)
{
	return s != NULL;
}

static bool is_live(const struct socket *s)
{
	return s->phase != SOCKET_LEAVING;
}

/* Slack may count it already, though its hello has not come yet. */
static bool is_counted(const struct socket *s)
{
	return s->phase != SOCKET_ASKING;
}

static bool is_serving(const struct socket *s)
{
	return s->greeted && s->ws && websocket_is_open(s->ws);
}

bool socket_mode_ready(const struct socket_mode *sm)
{
	return sockets_in(sm, is_serving) != 0;
}

/* ---- reading or not ---- */

static bool should_hold(const struct socket *s)
{
	return s->phase == SOCKET_LEAVING && s->unanswered > 0 && !s->hold_spent &&
	       !s->sm->stopping;
}

/* Three things stop the reading: the core's queue is full, an announced close would overtake an
 * ack, or acks are not taken: each command more would be one more answer to keep. */
static void socket_flow(struct socket *s)
{
	bool hold = should_hold(s);

	if (hold && !s->held)
		io_timer_start(s->hold, HOLD_MS);
	else if (!hold && s->held)
		io_timer_stop(s->hold);
	s->held = hold;
	if (!s->ws)
		return;
	if (hold || s->crowded || (s->sm->paused && s->greeted))
		websocket_pause(s->ws);
	else
		websocket_resume(s->ws);
}

/* The core is slow or forgot one: from here on this connection is read as any other. */
static void on_hold_over(void *ctx)
{
	struct socket *s = ctx;

	s->hold_spent = true;
	socket_flow(s);
}

static void on_crowd(void *ctx)
{
	struct socket *s = ctx;
	struct socket_mode *sm = s->sm;

	if (!s->ws)
		return;
	if (websocket_queued(s->ws) <= CROWDED / 4) {
		s->crowded = false;
		socket_flow(s);
	} else if (io_now(sm->options.io) - s->crowded_at >= CROWDED_MS) {
		log_warn(AREA, "connection %lld: %zu bytes of answers were not taken for %d s",
			(long long)s->generation, websocket_queued(s->ws), CROWDED_MS / 1000);
		websocket_close(s->ws, CLOSE_NORMAL);
	} else {
		io_timer_start(s->crowd, CROWD_LOOK_MS);
	}
}

static void socket_watch_crowd(struct socket *s)
{
	if (s->crowded || s->sm->stopping || websocket_queued(s->ws) < CROWDED)
		return;
	s->crowded = true;
	s->crowded_at = io_now(s->sm->options.io);
	io_timer_start(s->crowd, CROWD_LOOK_MS);
	socket_flow(s);
}

/* ---- what a connection says ---- */

static void on_socket_timer(void *ctx)
{
	struct socket *s = ctx;

	if (s->phase == SOCKET_GREETING)
		log_warn(AREA, "connection %lld: no hello within %d s", (long long)s->generation,
			HELLO_MS / 1000);
	if (s->ws)
		websocket_close(s->ws, CLOSE_NORMAL);
}

/* Those whose successor is there have served. */
static void dismiss_leaving(struct socket_mode *sm)
{
	for (struct socket *s = sm->sockets; s; s = s->next) {
		if (s->phase == SOCKET_LEAVING && !io_timer_running(s->timer))
			io_timer_start(s->timer, LEAVING_MS);
	}
}

static void warn_if_shared(struct socket_mode *sm, int64_t theirs)
{
	int64_t ours = (int64_t)sockets_in(sm, is_counted);

	if (theirs <= ours || sm->shared_said || io_now(sm->options.io) - sm->closed_at < SETTLE_MS)
		return;
	sm->shared_said = true;
	log_warn(AREA,
		"Slack counts %lld connections of this app, %lld of them ours: something else uses "
		"the same app token and takes part of the commands",
		(long long)theirs, (long long)ours);
}

static void on_hello(struct socket *s, const struct envelope *e)
{
	struct socket_mode *sm = s->sm;

	if (s->phase != SOCKET_GREETING)
		return;
	io_timer_stop(s->timer);
	s->phase = SOCKET_READY;
	s->greeted = true;
	s->ready_at = io_now(sm->options.io);
	sm->failures = 0;
	sm->fatal_said[0] = '\0';
	log_info(AREA, "connection %lld: connected%s", (long long)s->generation,
		sm->paused ? ", and waiting for the queue" : "");
	socket_flow(s);
	dismiss_leaving(sm);
	warn_if_shared(sm, e->num_connections);
}

static void say_fatal(struct socket_mode *sm, const char *error, const char *text)
{
	if (strcmp(sm->fatal_said, error) == 0)
		return;
	snprintf(sm->fatal_said, sizeof(sm->fatal_said), "%s", error);
	log_error(AREA,
		"no connection to Slack: %s. Tried again every five minutes; `sitrep doctor` tells "
		"more",
		text);
}

/* A good connection that is about to go gets its successor at once: another one that failed to open
 * is no reason for a gap. Only what the operator must mend is. */
static void socket_replace(struct socket_mode *sm)
{
	if (io_timer_running(sm->backoff) && sm->backoff_kind != FAILURE_FATAL &&
		sockets_in(sm, is_any) < SOCKETS_MAX)
		socket_open(sm);
	else
		socket_mode_maintain(sm);
}

static void on_disconnect(struct socket *s, const struct envelope *e)
{
	struct socket_mode *sm = s->sm;

	log_info(AREA, "connection %lld: Slack says disconnect (%s)", (long long)s->generation,
		e->why);
	if (s->phase == SOCKET_LEAVING)
		return;
	s->phase = SOCKET_LEAVING;
	socket_flow(s);
	switch (e->reason) {
	case DISCONNECT_WARNING:
	case DISCONNECT_REFRESH:
	case DISCONNECT_OTHER:
		break;
	case DISCONNECT_LINK_DISABLED:
		say_fatal(sm, "link_disabled", "Socket Mode is switched off for this app");
		io_timer_start(s->timer, CLOSING_MS);
		socket_mode_wait(sm, FAILURE_FATAL, 0);
		return;
	case DISCONNECT_TOO_MANY:
		log_warn(AREA,
			"Slack allows an app %d connections, and they are all taken: something "
			"else uses the same app token",
			SOCKETS_MAX);
		io_timer_start(s->timer, CLOSING_MS);
		socket_mode_wait(sm, FAILURE_CROWDED, 0);
		return;
	}
	socket_replace(sm);
}

static void on_message(void *ctx, const char *p, size_t n, bool binary)
{
	struct socket *s = ctx;
	struct socket_mode *sm = s->sm;
	struct envelope e;

	(void)binary; /* Slack sends text; what is in the bytes decides */
	if (sm->stopping)
		return;
	envelope_read(p, n, sm->options.now(sm->options.ctx), &e);
	switch (e.kind) {
	case ENVELOPE_HELLO:
		on_hello(s, &e);
		break;
	case ENVELOPE_DISCONNECT:
		on_disconnect(s, &e);
		break;
	case ENVELOPE_REQUEST:
		s->unanswered++;
		socket_flow(s);
		sm->options.on_envelope(sm->options.ctx, s->generation, &e);
		break;
	case ENVELOPE_OPTIONS:
	case ENVELOPE_IGNORED:
	case ENVELOPE_UNKNOWN:
	case ENVELOPE_BAD:
		sm->options.on_envelope(sm->options.ctx, s->generation, &e);
		break;
	}
}

static void on_bad_message(void *ctx, const char *why)
{
	struct socket *s = ctx;
	uint64_t n = ++s->sm->bad_frames;

	if (!(n & (n - 1))) /* the 1st, 2nd, 4th, 8th …: a log is no place for a flood */
		log_warn(AREA, "connection %lld: a frame was dropped: %s (%llu so far)",
			(long long)s->generation, why, (unsigned long long)n);
}

/* ---- coming and going ---- */

static void on_open(void *ctx)
{
	struct socket *s = ctx;

	s->phase = SOCKET_GREETING;
	if (!s->sm->stopping)
		io_timer_start(s->timer, HELLO_MS);
}

/* May the wait begin anew? Not while it runs, unless the last good connection is gone and it was
 * for a lesser one. */
static bool may_hurry(const struct socket_mode *sm, enum phase lost)
{
	if (!io_timer_running(sm->backoff))
		return true;
	return lost == SOCKET_READY && !socket_mode_ready(sm) && sm->backoff_kind != FAILURE_FATAL;
}

static void on_close(void *ctx, int code, const char *reason, bool opened)
{
	struct socket *s = ctx;
	struct socket_mode *sm = s->sm;
	enum phase phase = s->phase;
	int64_t now = io_now(sm->options.io);
	bool lasted = s->greeted && now - s->ready_at >= LASTING_MS;

	(void)opened;
	if (!sm->stopping && phase == SOCKET_LEAVING)
		log_info(AREA, "connection %lld: closed as announced", (long long)s->generation);
	else if (!sm->stopping)
		log_warn(AREA, "connection %lld: closed (%d, %s)", (long long)s->generation, code,
			reason);
	if (s->greeted)
		sm->closed_at = now;
	s->ws = NULL;
	socket_gone(s);
	if (sm->stopping)
		return;
	if (lasted)
		sm->failures = 0;
	if (phase != SOCKET_LEAVING && may_hurry(sm, phase))
		socket_mode_wait(sm, FAILURE_NETWORK, 0);
	socket_mode_maintain(sm);
}

/* Errors that no patience mends: somebody has to change the app or the token. */
static bool open_is_fatal(const struct web_answer *answer)
{
	return answer->class == WEB_TOKEN || answer->class == WEB_LACKING;
}

static void open_failed(struct socket_mode *sm, const struct web_answer *answer)
{
	enum socket_failure kind = open_is_fatal(answer) ? FAILURE_FATAL
				   : *answer->error	 ? FAILURE_SAID
							 : FAILURE_NETWORK;

	if (sm->stopping)
		return;
	if (kind == FAILURE_FATAL)
		say_fatal(sm, answer->error, answer->text);
	else
		log_warn(AREA, "no connection yet: %s", answer->text);
	/* One wait for all: several that were opening fail for the same reason. */
	if (!io_timer_running(sm->backoff))
		socket_mode_wait(sm, kind, answer->retry_after_ms);
}

static void socket_connect(struct socket *s, const char *url)
{
	struct socket_mode *sm = s->sm;
	struct error err;
	struct websocket_options options = {
		.url = url,
		.ca_file = sm->options.ca_file,
		.message_max = ENVELOPE_MAX,
		.queue_max = QUEUE_MAX,
	};
	struct websocket_events events = {
		.on_open = on_open,
		.on_message = on_message,
		.on_bad_message = on_bad_message,
		.on_close = on_close,
		.ctx = s,
	};

	s->phase = SOCKET_CONNECTING;
	s->ws = websocket_open(sm->options.io, &options, &events, &err);
	if (s->ws)
		return;
	log_warn(AREA, "no connection yet: %s", err.text);
	socket_gone(s);
	if (!sm->stopping && !io_timer_running(sm->backoff))
		socket_mode_wait(sm, FAILURE_SAID, 0);
}

static void on_url(struct web_call *call, const struct web_answer *answer)
{
	struct socket *s = call->ctx;
	struct socket_mode *sm = s->sm;
	const char *url = answer->class == WEB_OK ? json_get_str(answer->body, "url") : NULL;
	struct web_answer without_url = {
		.class = WEB_RETRY, .error = "no_url", .text = "Slack's answer has no URL in it"
	};

	if (url && !sm->stopping) {
		socket_connect(s, url);
		return;
	}
	socket_gone(s);
	open_failed(sm, answer->class == WEB_OK ? &without_url : answer);
}

static bool socket_open(struct socket_mode *sm)
{
	struct socket *s = calloc(1, sizeof(*s));
	struct error err;

	if (!s)
		abort();
	s->sm = sm;
	s->generation = ++sm->generations;
	s->timer = io_timer_create(sm->options.io, on_socket_timer, s);
	s->hold = io_timer_create(sm->options.io, on_hold_over, s);
	s->crowd = io_timer_create(sm->options.io, on_crowd, s);
	s->next = sm->sockets;
	sm->sockets = s;
	s->call.method = "apps.connections.open";
	s->call.urgent = true;
	s->call.on_done = on_url;
	s->call.ctx = s;
	if (web_start(sm->options.web, &s->call, &err) == 0)
		return true;
	struct web_answer answer = { .class = err.code == -EACCES ? WEB_TOKEN : WEB_RETRY,
		.error = "not_started",
		.text = err.text };

	socket_gone(s);
	open_failed(sm, &answer);
	return false;
}

static void socket_mode_maintain(struct socket_mode *sm)
{
	while (sm->started && !sm->stopping && !io_timer_running(sm->backoff) &&
		sockets_in(sm, is_live) < (size_t)sm->options.connections &&
		sockets_in(sm, is_any) < SOCKETS_MAX) {
		if (!socket_open(sm))
			return;
	}
}

void socket_mode_start(struct socket_mode *sm)
{
	sm->started = true;
	socket_mode_maintain(sm);
}

void socket_mode_stop(struct socket_mode *sm)
{
	sm->stopping = true;
	io_timer_destroy(sm->backoff);
	sm->backoff = NULL;
	/* Calls and connections are ended by io: on_url and on_close take the sockets away. */
	for (struct socket *s = sm->sockets; s; s = s->next) {
		io_timer_destroy(s->timer);
		io_timer_destroy(s->hold);
		io_timer_destroy(s->crowd);
		s->timer = s->hold = s->crowd = NULL;
		s->held = false;
	}
}

void socket_mode_destroy(struct socket_mode *sm)
{
	if (!sm)
		return;
	while (sm->sockets)
		socket_gone(sm->sockets);
	io_timer_destroy(sm->backoff);
	free(sm);
}

static struct socket *socket_find(struct socket_mode *sm, int64_t generation)
{
	struct socket *s = sm->sockets;

	while (s && s->generation != generation)
		s = s->next;
	return s;
}

int socket_mode_send(struct socket_mode *sm, int64_t generation, const char *p, size_t n)
{
	struct socket *s = socket_find(sm, generation);

	int rc = s && s->ws ? websocket_send(s->ws, p, n, false) : -ENOTCONN;

	if (rc == 0)
		socket_watch_crowd(s);
	return rc;
}

void socket_mode_answered(struct socket_mode *sm, int64_t generation)
{
	struct socket *s = socket_find(sm, generation);

	if (!s || !s->unanswered)
		return;
	s->unanswered--;
	socket_flow(s);
}

void socket_mode_pause(struct socket_mode *sm)
{
	sm->paused = true;
	for (struct socket *s = sm->sockets; s; s = s->next)
		socket_flow(s);
}

void socket_mode_resume(struct socket_mode *sm)
{
	sm->paused = false;
	for (struct socket *s = sm->sockets; s; s = s->next)
		socket_flow(s);
}
