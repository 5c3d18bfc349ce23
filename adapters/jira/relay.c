#include "adapters/jira/relay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "adapters/io.h"
#include "adapters/jira/relay_frame.h"
#include "adapters/websocket.h"
#include "base/log.h"

#define AREA "jira"

#define START_MS      10000
#define PING_MS	      15000
#define DEAD_MS	      40000
#define LASTING_MS    30000 /* a connection that held so long was a good one */
#define QUEUE_MAX     (1u << 20)
#define CLOSE_NORMAL  1000
#define CLOSE_LEAVING 1001

enum phase { RELAY_WAITING, RELAY_CONNECTING, RELAY_STARTING, RELAY_SERVING };

struct relay {
	struct relay_options options; /* its strings are our copies below */
	char *url, *token, *ca_file;
	struct websocket *ws; /* CONNECTING and later */
	enum phase phase;
	int64_t generation;
	int64_t serving_at; /* io_now */
	struct io_timer *again, *start;
	int failures;
	bool stopping, paused;
	bool refused;		/* of this connection: only the operator can mend it */
	char refused_said[200]; /* until it works again */
	uint64_t bad_frames;
};

int64_t relay_backoff(bool fatal, int failures)
{
	static const int64_t waits[] = { 500, 1000, 2000, 4000, 8000, 16000, 30000 };
	size_t at = failures < 1 ? 0 : (size_t)failures - 1;

	return fatal ? 300000 : waits[at < 7 ? at : 6];
}

/* Up to a quarter more or less: a relay that restarts has many clients. */
static int64_t jittered(int64_t ms)
{
	uint16_t dice = 0;

	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) < 0)
		return ms;
	return ms * 3 / 4 + ms / 2 * dice / 65536;
}

bool relay_serving(const struct relay *r)
{
	return r->phase == RELAY_SERVING && r->ws && websocket_is_open(r->ws);
}

static void relay_wait(struct relay *r)
{
	r->phase = RELAY_WAITING;
	r->failures++;
	io_timer_start(r->again, jittered(relay_backoff(r->refused, r->failures)));
}

/* ---- what ends a connection -------------------------------------------------------------- */

/* Only the operator can mend it. The same words are said once. */
static void relay_refused(struct relay *r, const char *why)
{
	r->refused = true;
	if (strcmp(r->refused_said, why) == 0)
		return;
	snprintf(r->refused_said, sizeof(r->refused_said), "%s", why);
	log_error(AREA,
		"the webhook relay does not take us: %s. Tried again every five minutes; until "
		"then changes come by webhooks and polling",
		r->refused_said);
}

static const struct {
	int code;
	const char *words;
} refusals[] = {
	{ 1008, "the token is refused, or somebody else uses it" },
	{ 4001, "the token is refused" },
	{ 4003, "the token is refused" },
	{ 4401, "the token is refused" },
	{ 4403, "the token is refused" },
};

static const char *refusal_find(int code)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (refusals[i].code == code)
			return refusals[i].words;
	return NULL;
}

static void on_close(void *ctx, int code, const char *reason, bool opened)
{
	struct relay *r = ctx;
	const char *refusal = opened ? refusal_find(code) : NULL;
	bool lasted =
		r->phase == RELAY_SERVING && io_now(r->options.io) - r->serving_at >= LASTING_MS;

	r->ws = NULL;
	if (r->stopping)
		return;
	io_timer_stop(r->start);
	if (lasted)
		r->failures = 0;
	if (refusal)
		relay_refused(r, refusal);
	else if (!r->refused)
		log_warn(AREA, "webhook relay, connection %lld: closed (%d, %s)",
			(long long)r->generation, code, reason);
	relay_wait(r);
}

static void on_start_timer(void *ctx)
{
	struct relay *r = ctx;

	log_warn(AREA, "webhook relay, connection %lld: no start", (long long)r->generation);
	websocket_close(r->ws, CLOSE_NORMAL);
}

/* ---- what the relay says ----------------------------------------------------------------- */

static void on_relay_start(struct relay *r, const struct relay_frame *f)
{
	char why[80];

	if (r->phase != RELAY_STARTING || !websocket_is_open(r->ws))
		return;
	if (f->version != RELAY_VERSION) {
		snprintf(why, sizeof(why), "it speaks version %lld of the format",
			(long long)f->version);
		relay_refused(r, why);
		websocket_close(r->ws, CLOSE_NORMAL);
		return;
	}
	io_timer_stop(r->start);
	r->phase = RELAY_SERVING;
	r->serving_at = io_now(r->options.io);
	r->refused_said[0] = '\0';
	log_info(AREA, "webhook relay, connection %lld: connected", (long long)r->generation);
	if (r->paused)
		websocket_pause(r->ws);
}

static void on_relay_event(struct relay *r, const struct relay_frame *f)
{
	/* Not started yet: left unanswered, so it will come again. */
	if (r->phase != RELAY_SERVING) {
		log_debug(AREA, "webhook relay: an event before the start");
		return;
	}
	if (f->refuse) {
		log_warn(AREA, "webhook relay: an event was refused: %s",
			f->refuse == 405 ? "its method is not POST" : "its body is no base64");
		relay_answer(r, r->generation, f->id, f->refuse);
		return;
	}
	r->options.on_event(r->options.ctx, r->generation, f->id, &f->hook);
}

static void on_relay_error(struct relay *r, const struct relay_frame *f)
{
	if (r->phase == RELAY_STARTING && websocket_is_open(r->ws)) {
		relay_refused(r, f->why);
		websocket_close(r->ws, CLOSE_NORMAL);
	} else {
		log_warn(AREA, "webhook relay: says: %s", f->why);
	}
}

/* The 1st, 2nd, 4th, 8th …: a log is no place for a flood. */
static void say_bad(struct relay *r, const char *why)
{
	uint64_t n = ++r->bad_frames;

	if (!(n & (n - 1)))
		log_warn(AREA, "webhook relay: a frame was dropped: %s (%llu so far)", why,
			(unsigned long long)n);
}

static void on_message(void *ctx, const char *p, size_t n, bool binary)
{
	struct relay *r = ctx;
	struct relay_frame f;

	(void)binary; /* relays differ; what is in the bytes decides */
	if (r->stopping)
		return;
	relay_frame_read(p, n, &f);
	switch (f.kind) {
	case RELAY_START:
		on_relay_start(r, &f);
		break;
	case RELAY_EVENT:
		on_relay_event(r, &f);
		break;
	case RELAY_ERROR:
		on_relay_error(r, &f);
		break;
	case RELAY_UNKNOWN:
		log_debug(AREA, "webhook relay: a frame of type %s means nothing here", f.why);
		break;
	case RELAY_BAD:
		say_bad(r, f.why);
		break;
	}
	relay_frame_finish(&f);
}

static void on_bad_message(void *ctx, const char *why)
{
	say_bad(ctx, why);
}

/* ---- coming and going -------------------------------------------------------------------- */

static void on_open(void *ctx)
{
	struct relay *r = ctx;
	char *text;

	if (r->stopping)
		return;
	text = relay_frame_start(r->token);
	r->phase = RELAY_STARTING;
	io_timer_start(r->start, r->options.start_ms ? r->options.start_ms : START_MS);
	if (websocket_send(r->ws, text, strlen(text), true) < 0)
		websocket_close(r->ws, CLOSE_NORMAL);
	free(text);
}

static void relay_connect(void *ctx)
{
	struct relay *r = ctx;
	struct websocket_options options = {
		.url = r->url,
		.ca_file = r->ca_file,
		.ping_ms = r->options.ping_ms ? r->options.ping_ms : PING_MS,
		.dead_ms = r->options.dead_ms ? r->options.dead_ms : DEAD_MS,
		.message_max = RELAY_FRAME_MAX,
		.queue_max = QUEUE_MAX,
	};
	struct websocket_events events = {
		.on_open = on_open,
		.on_message = on_message,
		.on_bad_message = on_bad_message,
		.on_close = on_close,
		.ctx = r,
	};
	struct error err;

	r->refused = false;
	r->generation++;
	r->phase = RELAY_CONNECTING;
	r->ws = websocket_open(r->options.io, &options, &events, &err);
	if (r->ws)
		return;
	log_warn(AREA, "no connection to the webhook relay yet: %s", err.text);
	relay_wait(r);
}

static char *copy(const char *s)
{
	char *p = s ? strdup(s) : NULL;

	if (s && !p)
		abort();
	return p;
}

struct relay *relay_create(const struct relay_options *options)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->options = *options;
	r->url = copy(options->url);
	r->token = copy(options->token);
	r->ca_file = copy(options->ca_file);
	r->again = io_timer_create(options->io, relay_connect, r);
	r->start = io_timer_create(options->io, on_start_timer, r);
	return r;
}

void relay_start(struct relay *r)
{
	relay_connect(r);
}

void relay_stop(struct relay *r)
{
	r->stopping = true;
	io_timer_destroy(r->again);
	io_timer_destroy(r->start);
	r->again = r->start = NULL;
	if (r->ws)
		websocket_close(r->ws, CLOSE_LEAVING);
}

void relay_destroy(struct relay *r)
{
	if (!r)
		return;
	io_timer_destroy(r->again);
	io_timer_destroy(r->start);
	free(r->url);
	free(r->token);
	free(r->ca_file);
	free(r);
}

int relay_answer(struct relay *r, int64_t generation, const char *id, int status)
{
	char *text;
	int rc;

	if (generation != r->generation || !relay_serving(r))
		return -ENOTCONN;
	text = relay_frame_answer(id, status);
	rc = websocket_send(r->ws, text, strlen(text), true);
	free(text);
	if (rc == -ENOBUFS || rc == -EMSGSIZE)
		websocket_close(r->ws, CLOSE_NORMAL);
	return rc;
}

void relay_pause(struct relay *r)
{
	r->paused = true;
	if (r->phase == RELAY_SERVING && r->ws)
		websocket_pause(r->ws);
}

void relay_resume(struct relay *r)
{
	r->paused = false;
	if (r->phase == RELAY_SERVING && r->ws)
		websocket_resume(r->ws);
}
