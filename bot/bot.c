/*
 * The I/O thread is the main thread: the loop, the adapters, signals. The core runs on a thread of its
 * own. Requests go in through the core's queue; answers and effects come out through two queues that
 * one wake empties.
 *
 * The start: what speaks against the record (another process on it, a stranger's file, a newer schema) ends it before anything
 * is asked of the outside. Then the core's thread makes the record ready while this one connects; what comes in meanwhile
 * waits in the queue. Should the record not get ready, nothing of that was acknowledged, and the process ends. An earlier schema
 * is brought up to date first: it may take longer than a chat waits for its answers.
 *
 * The end: on SIGTERM nothing more is taken in; what is queued is committed and answered, for at most
 * DRAIN_MS; then the loop stops, the core is joined, the store closed.
 */
#include "bot/bot.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/adapter.h"
#include "adapters/ctl/ctl.h"
#include "adapters/http/api.h"
#include "adapters/http/server.h"
#include "adapters/io.h"
#include "adapters/jira/jira.h"
#include "adapters/slack/slack.h"
#include "base/log.h"
#include "base/queue.h"
#include "bot/absent.h"
#include "bot/core.h"
#include "bot/memory.h"
#include "bot/notify.h"

#define ADAPTERS_MAX 8
#define DRAIN_MS     700
#define DRAIN_LOOK_MS 5
#define OUT_MAX      65536 /* answers; never more than requests queued and in one batch */
#define REPORT_MAX   65536
#define SETTLED_MS   100 /* then the start is over, and what only it needed may go */
/* A disk may stall for minutes, and another process would find it no faster. A turn that takes longer will not end. */
#define CORE_PATIENCE_MS (5 * 60 * 1000)

struct bot {
	const struct bot_options *options;
	struct config *config;
	struct clock clock;
	struct io *io;
	struct core *core;
	pthread_t core_thread;
	bool core_runs;          /* there is such a thread */
	bool core_failed;        /* set by it before its wake: the record did not get ready, */
	struct error core_error; /* and why */
	struct adapter *adapter[ADAPTERS_MAX];
	int adapter_count;
	struct adapter *api; /* among them; NULL */
	struct adapter *absent; /* among them */
	struct adapter_host host;
	struct queue *answers, *effects; /* core → I/O */
	struct io_wake out, room, opened;
	uv_signal_t signals[3];
	struct io_timer *drain, *settled;
	struct io_timer *beat; /* of the watchdog */
	uint64_t turns;        /* of the core, when it was last seen to move on, */
	int64_t moved_at;      /* and when that was, ms of the loop */
	int64_t drain_until;
	bool ending;
	struct io_hook hook;
};

/* ---- the door in -------------------------------------------------------------------------- */

static bool host_submit(void *ctx, struct request *take)
{
	struct bot *b = ctx;

	return !b->ending && core_submit(b->core, take);
}

/* ---- the door out: called by the core's thread --------------------------------------------- */

static void core_answer(void *ctx, struct answer *take)
{
	struct bot *b = ctx;

	if (!queue_put(b->answers, take))
		answer_destroy(take);
}

static void core_perform(void *ctx, struct effect *take)
{
	struct bot *b = ctx;

	/* Not handed out: it stays marked as started and is looked up at the next start. */
	if (!queue_put(b->effects, take))
		effect_destroy(take);
}

static void core_handed_out(void *ctx)
{
	struct bot *b = ctx;

	io_wake_send(&b->out);
}

static void core_room(void *ctx)
{
	struct bot *b = ctx;

	io_wake_send(&b->room);
}

/* ---- the door out: the I/O thread's side ---------------------------------------------------- */

/* The adapter of the system it is for; there may be none any more. */
static void perform(struct bot *b, struct effect *take)
{
	for (int i = 0; i < b->adapter_count; i++)
		if (b->adapter[i]->perform && !strcmp(b->adapter[i]->name, take->system)) {
			b->adapter[i]->perform(b->adapter[i], take);
			return;
		}
	b->absent->perform(b->absent, take);
}

static void on_out(void *ctx)
{
	struct bot *b = ctx;
	void *item;

	while (queue_take(b->answers, &item, 1)) {
		struct answer *a = item;

		b->adapter[a->request->adapter]->answer(b->adapter[a->request->adapter], a);
	}
	while (queue_take(b->effects, &item, 1)) {
		if (io_stopping(b->io))
			effect_destroy(item);
		else
			perform(b, item);
	}
}

static void on_room(void *ctx)
{
	struct bot *b = ctx;

	for (int i = 0; i < b->adapter_count && !b->ending; i++)
		if (b->adapter[i]->resume)
			b->adapter[i]->resume(b->adapter[i]);
}

/* ---- the service manager ------------------------------------------------------------------ */

/* The loop turns, or this would not run; the core turns, or has nothing to do. */
static void on_beat(void *ctx)
{
	struct bot *b = ctx;
	uint64_t turns = core_turns(b->core);

	if (turns != b->turns || core_idle(b->core)) {
		b->turns = turns;
		b->moved_at = io_now(b->io);
	}
	if (io_now(b->io) - b->moved_at < CORE_PATIENCE_MS)
		notify_say("WATCHDOG=1");
	else
		log_error("bot", "one turn of the core has taken more than %d s; the watchdog is not told any more", CORE_PATIENCE_MS / 1000);
	io_timer_start(b->beat, notify_watchdog_ms());
}

static void ready(struct bot *b)
{
	int rc = notify_say("READY=1");

	if (rc < 0)
		log_warn("bot", "the service manager could not be told that it runs: %s", strerror(-rc));
	b->moved_at = io_now(b->io);
	b->beat = io_timer_create(b->io, on_beat, b);
	if (notify_watchdog_ms())
		io_timer_start(b->beat, notify_watchdog_ms());
}

static void on_settled(void *ctx)
{
	(void)ctx;
	memory_started();
}

static void on_opened(void *ctx)
{
	struct bot *b = ctx;

	if (io_stopping(b->io))
		return;
	if (b->core_failed) {
		b->ending = true;
		io_stop(b->io);
	} else if (!b->ending) {
		log_info("bot", "sitrep %s runs; record in %s", SITREP_VERSION, b->config->store.path);
		ready(b);
		io_timer_start(b->settled, SETTLED_MS);
	}
}

/* ---- signals ------------------------------------------------------------------------------ */

static void on_drain(void *ctx)
{
	struct bot *b = ctx;
	/* Asked first: what it had handed out by then is brought before the loop stops. */
	bool idle = core_idle(b->core);

	on_out(b);
	if (idle || io_now(b->io) >= b->drain_until)
		io_stop(b->io);
	else
		io_timer_start(b->drain, DRAIN_LOOK_MS);
}

static void on_end(uv_signal_t *handle, int signum)
{
	struct bot *b = handle->data;

	if (b->ending)
		return;
	log_info("bot", "signal %d: ending", signum);
	notify_say("STOPPING=1");
	b->ending = true;
	b->drain_until = io_now(b->io) + DRAIN_MS;
	io_timer_start(b->drain, 0);
}

static void on_reload(uv_signal_t *handle, int signum)
{
	struct bot *b = handle->data;
	struct config *fresh = NULL;
	struct str report;

	(void)signum;
	str_init(&report, REPORT_MAX);
	if (config_load(&fresh, b->options->config_dir, b->options->set, b->options->sets, false, &report) < 0) {
		log_error("config", "the new configuration has errors, the old one stays in force:\n%s", report.p);
	} else {
		log_set_level(fresh->log.level);
		if (b->api)
			api_reconfigure(b->api, fresh);
		core_reconfigure(b->core, fresh);
		log_info("config", "reloaded; slack.*, store.*, ctl.*, http.* and where Jira is are taken up at the next start");
	}
	str_finish(&report);
}

static void signals_close(void *ctx)
{
	struct bot *b = ctx;

	for (size_t i = 0; i < 3; i++)
		uv_close((uv_handle_t *)&b->signals[i], NULL);
	io_timer_destroy(b->drain);
	io_timer_destroy(b->beat);
	io_timer_destroy(b->settled);
	b->drain = b->beat = b->settled = NULL;
}

static void signals_open(struct bot *b)
{
	static const struct {
		int signum;
		uv_signal_cb run;
	} wanted[3] = { { SIGTERM, on_end }, { SIGINT, on_end }, { SIGHUP, on_reload } };

	for (size_t i = 0; i < 3; i++) {
		uv_signal_init(io_loop(b->io), &b->signals[i]);
		b->signals[i].data = b;
		uv_signal_start(&b->signals[i], wanted[i].run, wanted[i].signum);
	}
	b->drain = io_timer_create(b->io, on_drain, b);
	b->settled = io_timer_create(b->io, on_settled, b);
	b->hook = (struct io_hook){ .stop = signals_close, .ctx = b };
	io_on_stop(b->io, &b->hook);
}

/* ---- wiring ------------------------------------------------------------------------------- */

static void adapter_add(struct bot *b, struct adapter *a)
{
	a->index = b->adapter_count;
	b->adapter[b->adapter_count++] = a;
}

/* Says only that the loop turns: whoever restarts what does not answer must not do so because the chat is down. */
static void on_healthz(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_answer(r, 200, NULL, "ok\n");
}

static int adapters_start(struct bot *b, struct error *err)
{
	struct http_server *http = http_server_create(b->config, &b->host);

	if (b->config->ctl.socket) {
		struct ctl_options o = { .path = b->config->ctl.socket, .zone = b->config->timezone };

		adapter_add(b, ctl_create(&b->host, &o));
	}
	b->absent = absent_create(&b->host);
	adapter_add(b, b->absent);
	adapter_add(b, slack_create(b->config, &b->host));
	if (b->config->issue.url)
		adapter_add(b, jira_create(b->config, &b->host, http));
	if (http) {
		b->api = api_create(b->config, &b->host, http);
		adapter_add(b, b->api);
	}
	/* Last: by then the others have brought their routes, and it is the first to be stopped. */
	if (http) {
		http_server_route(http, "GET", "/healthz", on_healthz, NULL);
		adapter_add(b, http_server_adapter(http));
	}
	for (int i = 0; i < b->adapter_count; i++) {
		int rc = adapter_start(b->adapter[i], err);

		if (rc < 0)
			return error_prefix(err, "%s", b->adapter[i]->name);
	}
	return 0;
}

static void *core_main(void *ctx)
{
	struct bot *b = ctx;

	b->core_failed = core_open(b->core, &b->core_error) < 0;
	io_wake_send(&b->opened);
	if (!b->core_failed)
		core_run(b->core);
	return NULL;
}

static int core_start(struct bot *b, struct error *err)
{
	if (pthread_create(&b->core_thread, NULL, core_main, b))
		return error_set(err, -1, "the core's thread could not be started");
	b->core_runs = true;
	return 0;
}

static void core_join(struct bot *b)
{
	if (!b->core_runs)
		return;
	core_end(b->core);
	pthread_join(b->core_thread, NULL);
	b->core_runs = false;
}

static void drain_out(struct bot *b)
{
	void *item;

	while (b->answers && queue_take(b->answers, &item, 1))
		answer_destroy(item);
	while (b->effects && queue_take(b->effects, &item, 1))
		effect_destroy(item);
}

static int bot_open(struct bot *b, struct error *err)
{
	struct core_hooks hooks = {
		.answer = core_answer,
		.perform = core_perform,
		.handed_out = core_handed_out,
		.room = core_room,
		.ctx = b,
	};
	bool older = false;
	int rc;

	clock_init_system(&b->clock);
	b->io = io_create(err);
	if (!b->io)
		return -1;
	b->answers = queue_create(OUT_MAX, NULL);
	b->effects = queue_create(OUT_MAX, NULL);
	io_wake_init(b->io, &b->out, on_out, b);
	io_wake_init(b->io, &b->room, on_room, b);
	io_wake_init(b->io, &b->opened, on_opened, b);
	rc = core_claim(&b->core, b->config, &b->clock, &hooks, &older, err);
	if (rc == 0 && older)
		rc = core_open(b->core, err);
	if (rc < 0)
		return rc;
	b->host = (struct adapter_host){ .submit = host_submit, .ctx = b, .io = b->io, .clock = &b->clock };
	signals_open(b);
	rc = core_start(b, err);
	return rc < 0 ? rc : adapters_start(b, err);
}

static bool bot_close(struct bot *b)
{
	bool clean = true;

	core_destroy(b->core);
	drain_out(b);
	for (int i = 0; i < b->adapter_count; i++)
		b->adapter[i]->destroy(b->adapter[i]);
	if (b->io)
		clean = io_destroy(b->io);
	queue_destroy(b->answers);
	queue_destroy(b->effects);
	config_release(b->config);
	return clean;
}

static int bot_loop(struct bot *b, struct error *err)
{
	io_run(b->io);
	core_join(b);
	if (b->core_failed)
		*err = b->core_error;
	return b->core_failed ? err->code : 0;
}

int bot_run(const struct bot_options *o)
{
	struct bot b = { .options = o };
	struct error err = { 0 };
	struct str report;
	int rc;

	memory_configure();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit on file size then reads as a full disk; the record may be at it already */
	str_init(&report, REPORT_MAX);
	rc = config_load(&b.config, o->config_dir, o->set, o->sets, false, &report);
	if (report.len)
		fprintf(stderr, "%s", report.p);
	str_finish(&report);
	if (rc < 0)
		return 1;
	log_set_level(b.config->log.level);
	rc = bot_open(&b, &err);
	if (rc == 0)
		rc = bot_loop(&b, &err);
	else if (b.io) {
		/* Closes what was opened: the loop must run once for it. */
		io_stop(b.io);
		io_run(b.io);
		core_join(&b);
	}
	if (rc < 0)
		fprintf(stderr, "sitrep: %s\n", err.text);
	if (!bot_close(&b))
		_exit(rc < 0 ? 1 : 0);
	return rc < 0 ? 1 : 0;
}
