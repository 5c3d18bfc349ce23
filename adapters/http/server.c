#include "adapters/http/server.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "adapters/http/room.h"
#include "adapters/io_private.h"

#define SWEEP_MOST_MS 250
#define SWEEP_STEPS   8   /* looks a deadline */
#define LOG_TEXT_MAX  400

static struct http_server *server_of(struct adapter *a)
{
	return (struct http_server *)a;
}

/* ---- running ------------------------------------------------------------------------------ */

static void server_run(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;

	s->again = false;
	MHD_run(s->daemon);
	/* With as many connections as may be it does not watch for new ones, and takes that up only in the run after
	 * the one that closed some; no event and no time-out of its own would bring that about. */
	if (s->again)
		io_timer_start(s->run, 0);
	else if (MHD_get_timeout(s->daemon, &ms) != MHD_YES)
		io_timer_stop(s->run);
	else
		io_timer_start(s->run, ms > INT32_MAX ? INT32_MAX : (int64_t)ms);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status, (void)events;
	server_run(poll->data);
}

static void on_run(void *ctx)
{
	server_run(ctx);
}

void http_server_soon(struct http_server *s)
{
	if (!s->stopping)
		io_timer_start(s->run, 0);
}

static void on_sweep(void *ctx)
{
	struct http_server *s = ctx;
	int64_t now = io_now(s->adapter.host->io);
	struct http_connection *c, *next;

	DL_FOREACH_SAFE(s->connections, c, next)
		if (now >= c->until)
			connection_expire(c);
	if (s->connections)
		io_timer_start(s->sweep, s->sweep_ms);
}

/* ---- start -------------------------------------------------------------------------------- */

/* What the library has to say is about peers and what they send: nothing a person must read. */
static void __attribute__((format(printf, 2, 0))) on_log(void *ctx, const char *fmt, va_list ap)
{
	STR_CLEANUP struct str s = { 0 };

	(void)ctx;
	str_init(&s, LOG_TEXT_MAX);
	str_vaddf(&s, fmt, ap);
	log_debug("http", "libmicrohttpd: %s", s.p);
}

static struct MHD_Daemon *daemon_start(struct http_server *s, int fd, bool six)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (six ? MHD_USE_IPv6 : 0);
	/* Only a second line: our own deadlines are shorter. */
	unsigned idle_s = (unsigned)(s->deadline_ms / 1000 + 2);

	/* The log comes first, or the other options are complained about on standard error. */
	return MHD_start_daemon(flags, 0, NULL, NULL, request_access, s,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, s->connections_max,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, s->per_ip,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, idle_s,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_NOTIFY_CONNECTION, connection_notify, s,
		MHD_OPTION_NOTIFY_COMPLETED, request_completed, s,
		MHD_OPTION_URI_LOG_CALLBACK, connection_line, s,
		MHD_OPTION_END);
}

static int poll_start(struct http_server *s, struct error *err)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int rc = info ? uv_poll_init(io_loop(s->adapter.host->io), &s->poll, info->epoll_fd) : UV_EBADF;

	if (rc)
		return error_set(err, rc, "cannot watch the HTTP server: %s", uv_strerror(rc));
	s->poll.data = s;
	uv_poll_start(&s->poll, UV_READABLE, on_poll);
	return 0;
}

static int server_start(struct adapter *a, struct error *err)
{
	struct http_server *s = server_of(a);
	bool six;
	int fd = http_listen(s->listen, &s->port, &six, err), rc;

	if (fd < 0)
		return fd;
	s->daemon = daemon_start(s, fd, six);
	if (!s->daemon) {
		close(fd);
		return error_set(err, -ENOMEM, "the HTTP server does not start: %s", strerror(errno));
	}
	rc = poll_start(s, err);
	if (rc) {
		MHD_stop_daemon(s->daemon);
		s->daemon = NULL;
		return rc;
	}
	s->run = io_timer_create(a->host->io, on_run, s);
	s->sweep = io_timer_create(a->host->io, on_sweep, s);
	s->sweep_ms = s->deadline_ms / SWEEP_STEPS < SWEEP_MOST_MS ? s->deadline_ms / SWEEP_STEPS : SWEEP_MOST_MS;
	server_run(s);
	log_info("http", "listening on %.*s:%d", (int)(strrchr(s->listen, ':') - s->listen), s->listen, s->port);
	return 0;
}

/* ---- stop --------------------------------------------------------------------------------- */

/* Whoever waits is told to come again. Nothing may be left suspended when the library ends. */
static void connections_refuse(struct http_server *s)
{
	static const char why[] = "sitrep is stopping; try again.";
	struct http_connection *c;

	DL_FOREACH(s->connections, c) {
		if (c->phase == CONN_WAITING)
			request_answer_for(c->request, MHD_HTTP_SERVICE_UNAVAILABLE, why);
		else if (c->phase == CONN_READING && c->line)
			connection_refuse(c, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, why);
	}
}

static void server_stop(struct adapter *a)
{
	struct http_server *s = server_of(a);
	int fd = MHD_quiesce_daemon(s->daemon);

	s->stopping = true;
	if (fd >= 0)
		close(fd);
	connections_refuse(s);
	/* Once to take up what was resumed, once to write. Answers are small: what does not go out at once is for
	 * a peer that does not read. */
	MHD_run(s->daemon);
	MHD_run(s->daemon);
	uv_close((uv_handle_t *)&s->poll, NULL);
	MHD_stop_daemon(s->daemon);
	s->daemon = NULL;
	io_timer_destroy(s->run);
	io_timer_destroy(s->sweep);
}

static void server_answer(struct adapter *a, struct answer *take)
{
	(void)a;
	answer_destroy(take); /* it asks nothing */
}

static void server_destroy(struct adapter *a)
{
	struct http_server *s = server_of(a);
	struct http_request *r, *next;

	/* Of routes that never answered, as the core had ended before. */
	DL_FOREACH_SAFE(s->requests, r, next)
		http_request_destroy(r);
	free(s->listen);
	free(s);
}

/* ---- for the bot -------------------------------------------------------------------------- */

struct http_server *http_server_create(const struct config *config, const struct adapter_host *host)
{
	struct http_server *s;

	if (!config->http.listen)
		return NULL;
	s = adapters_alloc(sizeof(*s));
	s->adapter = (struct adapter){
		.name = "http",
		.host = host,
		.start = server_start,
		.stop = server_stop,
		.answer = server_answer,
		.destroy = server_destroy,
	};
	s->listen = strdup(config->http.listen);
	if (!s->listen)
		abort();
	s->body_max = (size_t)config->http.body_max;
	s->connections_max = (unsigned)config->http.connections;
	s->per_ip = (unsigned)config->http.connections_per_ip;
	s->deadline_ms = config->http.deadline_ms;
	s->answer_ms = ANSWER_MS;
	return s;
}

struct adapter *http_server_adapter(struct http_server *s)
{
	return &s->adapter;
}

void http_server_route(struct http_server *s, const char *method, const char *path, http_handler *run, void *ctx)
{
	assert(s->routes < HTTP_ROUTES_MAX && !s->daemon);
	s->route[s->routes++] = (struct http_route){ .method = method, .path = path, .run = run, .ctx = ctx };
}

int http_server_port(const struct http_server *s)
{
	return s->port;
}
