#include "adapters/ctl/ctl.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/backlog.h"
#include "adapters/ctl/line.h"
#include "adapters/ctl/listen.h"
#include "adapters/io_private.h"
#include "base/crash.h"
#include "base/log.h"

#define CONNECTIONS_MAX 32u
#define IDLE_MS         60000
#define ASKING_MAX      16u               /* requests of one connection without an answer yet */
#define UNREAD_MAX      ((size_t)8 << 20) /* bytes of answers that a client does not read */
#define SWEEP_MS        500
/* How long the rest of an oversized line is swallowed, so that its answer can be read. */
#define DISCARD_MS 3000
/* A request without any answer: given up, whoever asked may ask again. */
#define ASK_LIMIT_MS (10 * MINUTE_MS)

/*
 * The happy path of a connection is: on_connection → on_read → connection_work (a line → request →
 * backlog) … ctl_answer → connection_write → the client closes → connection_close.
 * A half-closed client still gets its answers. Reading rests while the core's queue is full, and
 * while ASKING_MAX requests of this connection are open.
 */
struct ctl_connection {
	uv_pipe_t pipe;
	struct ctl *ctl;
	unsigned slot;
	uint64_t number;
	uid_t uid;
	char name[64];
	unsigned asking;
	bool reading, eof, discarding, closing;
	int64_t busy_at; /* of io_now: last whole line or answer */
	size_t len;
	char buf[CTL_LINE_MAX + 1];
};

struct ctl {
	struct adapter adapter; /* first */
	char *path, *zone;
	unsigned max;
	int64_t idle_ms;
	struct ctl_listener listener;
	uv_pipe_t server;
	bool listening, stopped;
	struct io_timer *sweep;
	struct ctl_connection **connections; /* max slots */
	uint64_t numbers;
	struct backlog backlog;
};

struct ctl_write {
	uv_write_t req;
	struct ctl_connection *connection;
	char *p;
};

static struct ctl *ctl_of(struct adapter *a)
{
	return (struct ctl *)a;
}

static struct io *ctl_io(struct ctl *ctl)
{
	return ctl->adapter.host->io;
}

/* ---- one connection --------------------------------------------------------------------- */

static void on_connection_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void connection_close(struct ctl_connection *c)
{
	if (c->closing)
		return;
	c->closing = true;
	c->ctl->connections[c->slot] = NULL;
	uv_close((uv_handle_t *)&c->pipe, on_connection_closed);
}

static void connection_close_if_done(struct ctl_connection *c)
{
	size_t unread = uv_stream_get_write_queue_size((uv_stream_t *)&c->pipe);
	if (c->eof && !c->len && !c->asking && !unread)
		connection_close(c);
}

static void on_written(uv_write_t *req, int status)
{
	struct ctl_write *w = req->data;
	struct ctl_connection *c = w->connection;
	free(w->p);
	free(w);
	if (c->closing)
		return;
	if (status)
		connection_close(c);
	else
		connection_close_if_done(c);
}

/* Takes the text over. */
static void connection_write(struct ctl_connection *c, struct str *line)
{
	uv_stream_t *stream = (uv_stream_t *)&c->pipe;
	size_t n = line->len;
	if (uv_stream_get_write_queue_size(stream) + n > UNREAD_MAX) {
		log_info("ctl", "a client of uid %lu does not read its answers; closed",
			(unsigned long)c->uid);
		connection_close(c);
		return;
	}
	struct ctl_write *w = adapters_alloc(sizeof(*w));
	w->connection = c;
	w->p = str_take(line);
	w->req.data = w;
	uv_buf_t buf = uv_buf_init(w->p, (unsigned)n);
	if (uv_write(&w->req, stream, &buf, 1, on_written)) {
		free(w->p);
		free(w);
		connection_close(c);
	}
}

static void connection_error(struct ctl_connection *c, const char *code, const char *text)
{
	struct str line STR_CLEANUP = { 0 };
	str_init(&line, CTL_ANSWER_MAX);
	ctl_line_error(&line, code, text);
	connection_write(c, &line);
}

static void connection_ask(struct ctl_connection *c, const char *p, size_t n)
{
	struct error err = { 0 };
	struct ctl *ctl = c->ctl;
	struct request *r = ctl_line_parse(p, n, c->uid, c->name[0] ? c->name : NULL, &err);
	c->busy_at = io_now(ctl_io(ctl));
	if (!r) {
		connection_error(c, "usage", err.text);
		return;
	}
	struct ctl_asker *asker = r->handle;
	asker->slot = c->slot;
	asker->connection = c->number;
	r->adapter = ctl->adapter.index;
	r->received_at = clock_now(ctl->adapter.host->clock);
	c->asking++;
	backlog_submit(&ctl->backlog, r);
}

static bool connection_may_ask(const struct ctl_connection *c)
{
	return !c->closing && !c->discarding && c->asking < ASKING_MAX &&
	       !backlog_waiting(&c->ctl->backlog);
}

static void connection_too_long(struct ctl_connection *c)
{
	c->discarding = true;
	c->len = 0;
	c->busy_at = io_now(ctl_io(c->ctl));
	connection_error(c, "usage", "a line is longer than 65536 bytes; the connection is closed");
}

static bool blank(const char *p, size_t n)
{
	while (n && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++, n--;
	return n == 0;
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf);
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void connection_read_or_rest(struct ctl_connection *c)
{
	bool want = !c->closing && !c->eof && (c->discarding || connection_may_ask(c));
	if (want == c->reading)
		return;
	c->reading = want;
	if (want)
		uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
	else if (!c->closing)
		uv_read_stop((uv_stream_t *)&c->pipe);
}

static void connection_work(struct ctl_connection *c)
{
	size_t at = 0;
	while (connection_may_ask(c) && at < c->len) {
		const char *line = c->buf + at, *end = memchr(line, '\n', c->len - at);
		if (!end && !c->eof)
			break;
		/* The last line may lack its newline. */
		size_t n = end ? (size_t)(end - line) : c->len - at;
		at += n + (end ? 1 : 0);
		if (!blank(line, n))
			connection_ask(c, line, n);
	}
	if (c->closing)
		return;
	c->len -= at;
	if (at)
		memmove(c->buf, c->buf + at, c->len);
	if (c->len == sizeof(c->buf) && !memchr(c->buf, '\n', c->len))
		connection_too_long(c);
	if (!c->closing)
		connection_read_or_rest(c);
	if (!c->closing)
		connection_close_if_done(c);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	(void)size;
	struct ctl_connection *c = handle->data;
	if (c->discarding)
		c->len = 0;
	*buf = uv_buf_init(c->buf + c->len, (unsigned)(sizeof(c->buf) - c->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	(void)buf;
	struct ctl_connection *c = stream->data;
	if (n == UV_ENOBUFS) { /* the buffer is full of whole lines that wait for their turn */
		connection_work(c);
		return;
	}
	if (n < 0 && n != UV_EOF) {
		connection_close(c);
		return;
	}
	if (n == UV_EOF) {
		uv_read_stop(stream);
		c->eof = true;
		c->reading = false;
	} else {
		c->len += (size_t)n;
	}
	if (c->discarding)
		c->len = 0;
	connection_work(c);
}

/* ---- accepting -------------------------------------------------------------------------- */

static int slot_free(const struct ctl *ctl)
{
	for (unsigned i = 0; i < ctl->max; i++)
		if (!ctl->connections[i])
			return (int)i;
	return -1;
}

static void connection_identify(struct ctl_connection *c)
{
	int fd;
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(cred);
	char buf[2048];
	struct passwd pw, *found = NULL;
	if (uv_fileno((uv_handle_t *)&c->pipe, &fd) ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size)) {
		connection_close(c);
		return;
	}
	c->uid = cred.uid;
	if (getpwuid_r(cred.uid, &pw, buf, sizeof(buf), &found) == 0 && found)
		snprintf(c->name, sizeof(c->name), "%s", pw.pw_name);
}

static void on_sweep(void *ctx);

static void on_connection(uv_stream_t *server, int status)
{
	struct ctl *ctl = server->data;
	if (status) {
		log_warn("ctl", "cannot accept: %s", uv_strerror(status));
		return;
	}
	struct ctl_connection *c = adapters_alloc(sizeof(*c));
	c->ctl = ctl;
	c->pipe.data = c;
	uv_pipe_init(io_loop(ctl_io(ctl)), &c->pipe, 0);
	int slot = slot_free(ctl);
	if (uv_accept(server, (uv_stream_t *)&c->pipe) || slot < 0) {
		static const char busy[] = "{\"ok\":false,\"code\":\"busy\",\"text\":\"too many "
					   "connections; try again\"}\n";
		uv_buf_t buf = { .base = (char *)(uintptr_t)busy, .len = sizeof(busy) - 1 };
		if (slot < 0)
			uv_try_write((uv_stream_t *)&c->pipe, &buf, 1);
		uv_close((uv_handle_t *)&c->pipe, on_connection_closed);
		return;
	}
	c->slot = (unsigned)slot;
	c->number = ++ctl->numbers;
	c->busy_at = io_now(ctl_io(ctl));
	ctl->connections[slot] = c;
	connection_identify(c);
	connection_read_or_rest(c);
	if (!io_timer_running(ctl->sweep))
		io_timer_start(ctl->sweep, SWEEP_MS);
}

/* Only whole lines and answers count as life, so that a drip of bytes does not hold a slot. */
static bool connection_overdue(const struct ctl_connection *c, int64_t now)
{
	int64_t limit = c->discarding ? DISCARD_MS : c->asking ? ASK_LIMIT_MS : c->ctl->idle_ms;
	return now - c->busy_at >= limit;
}

static void on_sweep(void *ctx)
{
	struct ctl *ctl = ctx;
	int64_t now = io_now(ctl_io(ctl));
	bool any = false;
	for (unsigned i = 0; i < ctl->max; i++) {
		struct ctl_connection *c = ctl->connections[i];
		if (c && connection_overdue(c, now))
			connection_close(c);
		any |= ctl->connections[i] != NULL;
	}
	if (any)
		io_timer_start(ctl->sweep, SWEEP_MS);
}

/* ---- the adapter ------------------------------------------------------------------------ */

static int ctl_start(struct adapter *a, struct error *err)
{
	struct ctl *ctl = ctl_of(a);
	int rc = ctl_listen(&ctl->listener, ctl->path, err);
	if (rc)
		return rc;
	uv_pipe_init(io_loop(ctl_io(ctl)), &ctl->server, 0);
	ctl->server.data = ctl;
	rc = uv_pipe_open(&ctl->server, ctl->listener.fd);
	if (!rc)
		rc = uv_listen((uv_stream_t *)&ctl->server, 64, on_connection);
	if (rc) {
		ctl_listen_unlink(&ctl->listener, ctl->path);
		uv_close((uv_handle_t *)&ctl->server, NULL);
		return error_set(err, rc, "cannot listen on %s: %s", ctl->path, uv_strerror(rc));
	}
	ctl->listening = true;
	ctl->sweep = io_timer_create(ctl_io(ctl), on_sweep, ctl);
	log_info("ctl", "listening on %s", ctl->path);
	return 0;
}

static void ctl_stop(struct adapter *a)
{
	static const char text[] = "{\"ok\":false,\"code\":\"stopping\",\"text\":\"sitrep is "
				   "shutting down; look whether it was done\"}\n";
	struct ctl *ctl = ctl_of(a);
	ctl->stopped = true;
	if (!ctl->listening)
		return;
	ctl->listening = false;
	ctl_listen_unlink(&ctl->listener, ctl->path);
	uv_close((uv_handle_t *)&ctl->server, NULL);
	io_timer_destroy(ctl->sweep);
	ctl->sweep = NULL;
	for (unsigned i = 0; i < ctl->max; i++) {
		struct ctl_connection *c = ctl->connections[i];
		uv_buf_t buf = { .base = (char *)(uintptr_t)text, .len = sizeof(text) - 1 };
		if (!c)
			continue;
		if (c->asking)
			uv_try_write((uv_stream_t *)&c->pipe, &buf, 1);
		connection_close(c);
	}
}

static struct ctl_connection *ctl_find(struct ctl *ctl, const struct ctl_asker *asker)
{
	struct ctl_connection *c = asker->slot < ctl->max ? ctl->connections[asker->slot] : NULL;
	return c && c->number == asker->connection ? c : NULL;
}

static void ctl_answer(struct adapter *a, struct answer *take)
{
	struct ctl *ctl = ctl_of(a);
	const struct ctl_asker *asker = take->request->handle;
	struct ctl_connection *c = ctl_find(ctl, asker);
	CRASH_POINT("before-answer");
	if (c) {
		struct str line STR_CLEANUP = { 0 };
		str_init(&line, CTL_ANSWER_MAX);
		ctl_line_answer(&line, &take->reply, asker, ctl->zone, clock_now(a->host->clock));
		c->asking--;
		c->busy_at = io_now(ctl_io(ctl));
		connection_write(c, &line);
		if (!c->closing)
			connection_work(c);
	}
	answer_destroy(take);
}

static void ctl_resume(struct adapter *a)
{
	struct ctl *ctl = ctl_of(a);
	if (ctl->stopped || !backlog_flush(&ctl->backlog))
		return;
	for (unsigned i = 0; i < ctl->max; i++)
		if (ctl->connections[i])
			connection_work(ctl->connections[i]);
}

static void ctl_destroy(struct adapter *a)
{
	struct ctl *ctl = ctl_of(a);
	backlog_finish(&ctl->backlog);
	free(ctl->connections);
	free(ctl->path);
	free(ctl->zone);
	free(ctl);
}

struct adapter *ctl_create(const struct adapter_host *host, const struct ctl_options *options)
{
	struct ctl *ctl = adapters_alloc(sizeof(*ctl));
	ctl->adapter = (struct adapter){
		.name = "ctl",
		.host = host,
		.start = ctl_start,
		.stop = ctl_stop,
		.answer = ctl_answer,
		.resume = ctl_resume,
		.destroy = ctl_destroy,
	};
	ctl->path = strdup(options->path);
	ctl->zone = strdup(options->zone ? options->zone : "UTC");
	ctl->max = options->connections_max ? options->connections_max : CONNECTIONS_MAX;
	ctl->idle_ms = options->idle_ms > 0 ? options->idle_ms : IDLE_MS;
	ctl->connections = calloc(ctl->max, sizeof(struct ctl_connection *));
	if (!ctl->path || !ctl->zone || !ctl->connections)
		abort();
	backlog_init(&ctl->backlog, host);
	return &ctl->adapter;
}
