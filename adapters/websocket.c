#include "adapters/websocket_private.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define CONNECT_TIMEOUT_MS 10000
#define PING_MS            5000
#define DEAD_MS            15000
#define MESSAGE_MAX        ((size_t)1 << 20)
#define QUEUE_MAX          ((size_t)1 << 20)
#define CLOSE_LIMIT_MS     1000 /* half-dead peers answer a close frame and leave TCP open */

struct websocket_frame {
	struct websocket_frame *next; /* websocket.tx */
	size_t n;
	bool binary;
	unsigned char data[]; /* headroom, then n bytes */
};

/* Outlives its websocket: a lookup cannot always be called back. */
struct websocket_lookup {
	uv_getaddrinfo_t req;
	struct io *io;
	struct websocket *ws; /* NULL: nobody waits any more */
};

/* ---- reasons and the end ---------------------------------------------------------------- */

void websocket_explain(struct websocket *ws, const char *fmt, ...)
{
	if (ws->reason[0])
		return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(ws->reason, sizeof(ws->reason), fmt, ap);
	va_end(ap);
	ws->reason[text_cut(ws->reason, sizeof(ws->reason) - 1)] = '\0';
}

static void websocket_drop_frames(struct websocket *ws)
{
	while (ws->tx) {
		struct websocket_frame *frame = ws->tx;
		ws->tx = frame->next;
		free(frame);
	}
	ws->tx_last = NULL;
	ws->queued = 0;
}

static void websocket_free(struct websocket *ws)
{
	if (ws->listed)
		websockets_remove(ws);
	io_timer_destroy(ws->soon);
	io_timer_destroy(ws->limit);
	io_timer_destroy(ws->beat);
	str_finish(&ws->rx);
	websocket_drop_frames(ws);
	free(ws->host);
	free(ws->authority);
	free(ws->path);
	free(ws->ca_file);
	free(ws);
}

/* on_close will come from the loop, whoever calls this. */
static void websocket_end(struct websocket *ws)
{
	if (ws->lookup) {
		ws->lookup->ws = NULL;
		uv_cancel((uv_req_t *)&ws->lookup->req);
		ws->lookup = NULL;
	}
	ws->state = WEBSOCKET_ENDED;
	io_timer_stop(ws->limit);
	io_timer_stop(ws->beat);
	io_timer_start(ws->soon, 0);
}

/* From the top of the loop only. */
static void websocket_kill(struct websocket *ws)
{
	ws->kill_due = false;
	if (!ws->link) {
		websocket_end(ws);
		return;
	}
	ws->killed = true;
	io_timer_start(ws->limit, CLOSE_LIMIT_MS); /* a net: should the library not let go, we do */
	websocket_lws_kill(ws);
}

static void websocket_kill_soon(struct websocket *ws)
{
	ws->kill_due = true;
	io_timer_start(ws->soon, 0);
}

static void websocket_try_next(struct websocket *ws);

static void on_soon(void *ctx)
{
	struct websocket *ws = ctx;
	if (ws->state == WEBSOCKET_ENDED) {
		if (ws->events.on_close)
			ws->events.on_close(ws->events.ctx, ws->code ? ws->code : WEBSOCKET_NO_CODE,
				ws->reason[0] ? ws->reason : "the connection was lost", ws->opened);
		websocket_free(ws);
	} else if (ws->kill_due) {
		websocket_kill(ws);
	} else if (ws->state == WEBSOCKET_CONNECTING && !ws->link) {
		websocket_try_next(ws);
	}
}

void websocket_on_gone(struct websocket *ws)
{
	ws->killed = false;
	if (ws->state == WEBSOCKET_CONNECTING && !ws->giving_up)
		io_timer_start(ws->soon, 0);
	else if (ws->state != WEBSOCKET_ENDED)
		websocket_end(ws);
}

static void on_limit(void *ctx)
{
	struct websocket *ws = ctx;
	if (ws->killed) {
		websocket_lws_forget(ws);
		websocket_on_gone(ws);
		return;
	}
	if (ws->state == WEBSOCKET_RESOLVING)
		websocket_explain(ws, "cannot look up %s: no answer in time", ws->host);
	else if (ws->state == WEBSOCKET_CONNECTING)
		websocket_explain(ws, "no answer from %s in time", ws->host);
	websocket_kill(ws);
}

void websocket_shut_down(struct websocket *ws)
{
	ws->giving_up = true;
	if (ws->state == WEBSOCKET_OPEN)
		websocket_close(ws, 1001); /* going away */
	websocket_explain(ws, "shutting down");
	if (ws->state < WEBSOCKET_OPEN && !ws->killed)
		websocket_kill(ws);
}

/* ---- connecting ------------------------------------------------------------------------- */

static void websocket_try_next(struct websocket *ws)
{
	int64_t left = ws->connect_deadline - io_now(ws->io);
	if (ws->giving_up || ws->address_next == ws->address_count || left <= 0) {
		websocket_end(ws);
		return;
	}
	/* One address that swallows packets must leave time for the others. */
	io_timer_start(ws->limit, left / (int64_t)(ws->address_count - ws->address_next));
	char ip[64] = "";
	uv_ip_name((const struct sockaddr *)&ws->addresses[ws->address_next++], ip, sizeof(ip));
	ws->reason[0] = '\0';
	if (!websocket_lws_dial(ws, ip))
		websocket_on_gone(ws);
}

static void websocket_add_address(struct websocket *ws, const struct sockaddr *address)
{
	size_t size = address->sa_family == AF_INET ? sizeof(struct sockaddr_in)
						    : sizeof(struct sockaddr_in6);
	if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
		return;
	if (ws->address_count < WEBSOCKET_ADDRESSES_MAX)
		memcpy(&ws->addresses[ws->address_count++], address, size);
}

static void websocket_connect(struct websocket *ws)
{
	ws->state = WEBSOCKET_CONNECTING;
	io_timer_start(ws->soon, 0);
}

static void on_lookup(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
	struct websocket_lookup *lookup = req->data;
	struct websocket *ws = lookup->ws;
	lookup->io->lookups--;
	free(lookup);
	if (ws) {
		ws->lookup = NULL;
		for (struct addrinfo *a = found; a; a = a->ai_next)
			websocket_add_address(ws, a->ai_addr);
		if (status || !ws->address_count) {
			websocket_explain(ws, "cannot look up %s: %s", ws->host,
				status ? uv_strerror(status) : "it has no address");
			websocket_end(ws);
		} else {
			websocket_connect(ws);
		}
	}
	uv_freeaddrinfo(found);
}

static int websocket_look_up(struct websocket *ws, struct error *err)
{
	struct sockaddr_storage literal;
	if (uv_ip4_addr(ws->host, ws->port, (struct sockaddr_in *)&literal) == 0 ||
		uv_ip6_addr(ws->host, ws->port, (struct sockaddr_in6 *)&literal) == 0) {
		websocket_add_address(ws, (struct sockaddr *)&literal);
		websocket_connect(ws);
		return 0;
	}
	struct websocket_lookup *lookup = adapters_alloc(sizeof(*lookup));
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	lookup->req.data = lookup;
	lookup->io = ws->io;
	lookup->ws = ws;
	/* This machine, whether or not a file or a server of names says so; curl does the same. Source: RFC 6761, 6.3 */
	bool here = text_equal_fold(ws->host, "localhost");
	int rc = uv_getaddrinfo(&ws->io->loop, &lookup->req, on_lookup, here ? NULL : ws->host, here ? "0" : NULL,
		&hints);
	if (rc) {
		free(lookup);
		return error_set(err, rc, "cannot look up %s: %s", ws->host, uv_strerror(rc));
	}
	ws->io->lookups++;
	ws->lookup = lookup;
	io_timer_start(ws->limit, ws->connect_deadline - io_now(ws->io));
	return 0;
}

static char *url_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	if (curl_url_get(url, part, &text, 0))
		return NULL;
	char *copy = strdup(text);
	curl_free(text);
	if (!copy)
		abort();
	return copy;
}

static char *text_join(const char *a, const char *between, const char *b)
{
	size_t size = strlen(a) + strlen(between) + strlen(b) + 1;
	char *text = adapters_alloc(size);
	snprintf(text, size, "%s%s%s", a, between, b);
	return text;
}

static int websocket_set_url(struct websocket *ws, CURLU *url, struct error *err)
{
	char *scheme = url_part(url, CURLUPART_SCHEME), *host = url_part(url, CURLUPART_HOST);
	char *port = url_part(url, CURLUPART_PORT), *path = url_part(url, CURLUPART_PATH);
	char *query = url_part(url, CURLUPART_QUERY);
	int rc = 0;
	ws->tls = scheme && strcmp(scheme, "wss") == 0;
	if (!scheme || !host || !*host || (!ws->tls && strcmp(scheme, "ws") != 0)) {
		rc = error_set(err, -EINVAL, "not a usable URL: only ws:// and wss:// are");
		goto out;
	}
	ws->port = port ? (uint16_t)strtoul(port, NULL, 10) : ws->tls ? 443 : 80;
	ws->authority = text_join(host, port ? ":" : "", port ? port : "");
	ws->path = text_join(path ? path : "/", query ? "?" : "", query ? query : "");
	if (*host == '[') {
		host[strlen(host) - 1] = '\0';
		ws->host = text_join("", "", host + 1);
	} else {
		ws->host = text_join("", "", host);
	}
out:
	free(scheme);
	free(host);
	free(port);
	free(path);
	free(query);
	return rc;
}

/* The URL may carry a ticket, so it is not repeated in errors. */
static int websocket_parse(struct websocket *ws, const char *text, struct error *err)
{
	CURLU *url = curl_url();
	if (!url)
		abort();
	CURLUcode bad = text ? curl_url_set(url, CURLUPART_URL, text,
				       CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER)
			     : CURLUE_MALFORMED_INPUT;
	int rc = bad ? error_set(err, -EINVAL, "not a usable URL: %s", curl_url_strerror(bad))
		     : websocket_set_url(ws, url, err);
	curl_url_cleanup(url);
	return rc;
}

static void on_beat(void *ctx);

struct websocket *websocket_open(struct io *io, const struct websocket_options *options,
	const struct websocket_events *events, struct error *err)
{
	if (io->stopping) {
		error_set(err, -ESHUTDOWN, "shutting down");
		return NULL;
	}
	struct websocket *ws = adapters_alloc(sizeof(*ws));
	ws->io = io;
	ws->events = *events;
	ws->soon = io_timer_create(io, on_soon, ws);
	ws->limit = io_timer_create(io, on_limit, ws);
	ws->beat = io_timer_create(io, on_beat, ws);
	ws->ca_file = options->ca_file ? text_join("", "", options->ca_file) : NULL;
	ws->ping_ms = options->ping_ms > 0 ? options->ping_ms : PING_MS;
	ws->dead_ms = options->dead_ms > 0 ? options->dead_ms : DEAD_MS;
	ws->queue_max = options->queue_max ? options->queue_max : QUEUE_MAX;
	str_init(&ws->rx, options->message_max ? options->message_max : MESSAGE_MAX);
	int64_t limit =
		options->connect_timeout_ms > 0 ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS;
	uv_update_time(&io->loop);
	ws->connect_deadline = io_now(io) + limit;
	if (websocket_parse(ws, options->url, err) || websocket_look_up(ws, err)) {
		websocket_free(ws);
		return NULL;
	}
	websockets_add(ws);
	return ws;
}

/* ---- writing ---------------------------------------------------------------------------- */

static int websocket_write(
	struct websocket *ws, enum websocket_opcode op, unsigned char *p, size_t n)
{
	int rc = websocket_lws_write(ws, op, p, n);
	if (rc) {
		websocket_explain(ws, "the connection broke while writing");
		websocket_kill_soon(ws);
	}
	return rc;
}

static int websocket_write_first(struct websocket *ws)
{
	struct websocket_frame *frame = ws->tx;
	int rc = websocket_write(ws, frame->binary ? WEBSOCKET_BINARY : WEBSOCKET_TEXT,
		frame->data + WEBSOCKET_HEADROOM, frame->n);
	ws->tx = frame->next;
	if (!ws->tx)
		ws->tx_last = NULL;
	ws->queued -= frame->n;
	free(frame);
	return rc;
}

static int websocket_write_ping(struct websocket *ws)
{
	unsigned char ping[WEBSOCKET_HEADROOM + 8] = { 0 };
	ws->ping_due = false;
	ws->pinged_at = io_now(ws->io);
	return websocket_write(ws, WEBSOCKET_PING, ping + WEBSOCKET_HEADROOM, 4);
}

static int websocket_write_close(struct websocket *ws)
{
	unsigned char frame[WEBSOCKET_HEADROOM + 8] = { 0 };
	frame[WEBSOCKET_HEADROOM] = (unsigned char)(ws->code >> 8);
	frame[WEBSOCKET_HEADROOM + 1] = (unsigned char)(ws->code & 0xff);
	ws->close_due = false;
	return websocket_write(ws, WEBSOCKET_CLOSE, frame + WEBSOCKET_HEADROOM, 2);
}

/* Writing while the library still holds half of a frame would corrupt the stream. */
static void websocket_flush(struct websocket *ws)
{
	if ((ws->state != WEBSOCKET_OPEN && ws->state != WEBSOCKET_CLOSING) || ws->kill_due)
		return;
	while (ws->tx || ws->ping_due || ws->close_due) {
		if (!websocket_lws_ready(ws)) {
			websocket_lws_want_write(ws);
			return;
		}
		if (ws->ping_due ? websocket_write_ping(ws)
			: ws->tx ? websocket_write_first(ws)
				 : websocket_write_close(ws))
			return;
	}
}

void websocket_on_writable(struct websocket *ws)
{
	websocket_flush(ws);
}

int websocket_send(struct websocket *ws, const char *p, size_t n, bool binary)
{
	if (ws->state != WEBSOCKET_OPEN || ws->kill_due)
		return -ENOTCONN;
	if (n > ws->queue_max)
		return -EMSGSIZE;
	if (n > ws->queue_max - ws->queued)
		return -ENOBUFS;
	struct websocket_frame *frame = adapters_alloc(sizeof(*frame) + WEBSOCKET_HEADROOM + n);
	frame->n = n;
	frame->binary = binary;
	if (n)
		memcpy(frame->data + WEBSOCKET_HEADROOM, p, n);
	if (ws->tx_last)
		ws->tx_last->next = frame;
	else
		ws->tx = frame;
	ws->tx_last = frame;
	ws->queued += n;
	websocket_flush(ws);
	return 0;
}

void websocket_close(struct websocket *ws, int code)
{
	switch (ws->state) {
	case WEBSOCKET_RESOLVING:
	case WEBSOCKET_CONNECTING:
		if (ws->giving_up)
			return;
		ws->giving_up = true;
		ws->code = code;
		ws->reason[0] = '\0';
		websocket_explain(ws, "closed by us before it was open");
		if (ws->link)
			websocket_kill_soon(ws);
		else
			websocket_end(ws);
		return;
	case WEBSOCKET_OPEN:
		ws->state = WEBSOCKET_CLOSING;
		ws->code = code;
		websocket_explain(ws, ws->io->stopping ? "shutting down" : "closed by us");
		ws->close_due = true;
		ws->ping_due = false;
		io_timer_stop(ws->beat);
		io_timer_start(ws->limit, CLOSE_LIMIT_MS);
		/* What is left unread would hide the peer's answer, and have the system reset the
		 * connection at its end, with what the peer has not read yet. */
		websocket_resume(ws);
		websocket_flush(ws);
		return;
	case WEBSOCKET_CLOSING:
	case WEBSOCKET_ENDED:
		return;
	}
}

bool websocket_is_open(const struct websocket *ws)
{
	return ws->state == WEBSOCKET_OPEN && !ws->kill_due;
}

size_t websocket_queued(const struct websocket *ws)
{
	return ws->queued;
}

/* ---- reading ---------------------------------------------------------------------------- */

void websocket_on_established(struct websocket *ws)
{
	if (ws->state != WEBSOCKET_CONNECTING || ws->giving_up || ws->killed)
		return;
	ws->state = WEBSOCKET_OPEN;
	ws->opened = true;
	ws->reason[0] = '\0';
	io_timer_stop(ws->limit);
	ws->alive_at = io_now(ws->io);
	ws->pinged_at = ws->alive_at;
	io_timer_start(ws->beat, ws->ping_ms < ws->dead_ms ? ws->ping_ms : ws->dead_ms);
	if (ws->events.on_open)
		ws->events.on_open(ws->events.ctx);
}

static const char *message_fault(const struct websocket *ws, char *text, size_t size)
{
	if (ws->rx.cut) {
		snprintf(text, size, "a message is longer than %zu bytes", ws->rx.max);
		return text;
	}
	if (!ws->rx_binary && !text_valid(ws->rx.p, ws->rx.len))
		return "a text message is not UTF-8";
	return NULL;
}

static void websocket_on_message(struct websocket *ws)
{
	char text[80];
	const char *fault = message_fault(ws, text, sizeof(text));
	if (fault) {
		if (ws->events.on_bad_message)
			ws->events.on_bad_message(ws->events.ctx, fault);
	} else if (ws->events.on_message) {
		ws->events.on_message(ws->events.ctx, ws->rx.p, ws->rx.len, ws->rx_binary);
	}
}

void websocket_on_fragment(struct websocket *ws, const char *p, size_t n, bool final, bool binary)
{
	if (!ws->rx_inside) {
		str_reset(&ws->rx);
		ws->rx_binary = binary;
		ws->rx_inside = true;
	}
	/* Past the maximum the rest is read and forgotten. */
	if (!ws->rx.cut)
		str_addn(&ws->rx, p, n);
	if (!final)
		return;
	ws->rx_inside = false;
	/* After our close there is nobody to answer any more; the peer will send it again
	 * elsewhere. */
	if (ws->state == WEBSOCKET_OPEN && !ws->kill_due)
		websocket_on_message(ws);
	if (ws->rx.cap > WEBSOCKET_READ_SIZE)
		str_finish(&ws->rx);
}

static void reason_add(char *out, size_t size, const unsigned char *p, size_t n)
{
	size_t len = 0;
	for (size_t i = 0; i < n && len + 1 < size; i++)
		out[len++] = p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '?';
	out[len] = '\0';
}

bool websocket_on_peer_close(struct websocket *ws, const unsigned char *p, size_t n)
{
	bool answered = ws->state == WEBSOCKET_CLOSING && !ws->close_due;
	if (answered || (ws->state != WEBSOCKET_OPEN && ws->state != WEBSOCKET_CLOSING))
		return true;
	int code = n >= 2 ? p[0] << 8 | p[1] : 1005;
	char text[128];
	reason_add(text, sizeof(text), n > 2 ? p + 2 : p, n > 2 ? n - 2 : 0);
	if (ws->state == WEBSOCKET_OPEN) {
		ws->code = code;
		websocket_explain(ws, "the server closed the connection (%d%s%s)", code,
			*text ? " " : "", text);
	}
	ws->state = WEBSOCKET_CLOSING;
	ws->close_due = ws->ping_due = false;
	websocket_drop_frames(ws);
	io_timer_stop(ws->beat);
	io_timer_start(ws->limit, CLOSE_LIMIT_MS);
	return false;
}

/* ---- signs of life ---------------------------------------------------------------------- */

void websocket_on_pong(struct websocket *ws)
{
	if (ws->state != WEBSOCKET_OPEN)
		return;
	ws->alive_at = io_now(ws->io);
	if (ws->events.on_pong)
		ws->events.on_pong(ws->events.ctx, ws->alive_at - ws->pinged_at);
}

static void on_beat(void *ctx)
{
	struct websocket *ws = ctx;
	int64_t now = io_now(ws->io);
	if (ws->paused)
		ws->alive_at = now;
	int64_t left = ws->alive_at + ws->dead_ms - now;
	if (left <= 0) {
		websocket_explain(ws, "no pong for %.1f s", (double)(now - ws->alive_at) / 1000);
		websocket_kill(ws);
		return;
	}
	if (now - ws->pinged_at >= ws->ping_ms) {
		ws->ping_due = true;
		websocket_flush(ws);
	}
	int64_t next = ws->pinged_at + ws->ping_ms - now;
	if (next <= 0)
		next = ws->ping_ms; /* the ping is still waiting to be written */
	io_timer_start(ws->beat, next < left ? next : left);
}

void websocket_pause(struct websocket *ws)
{
	if (ws->paused || ws->state > WEBSOCKET_OPEN)
		return;
	ws->paused = true;
	websocket_lws_flow(ws, false);
}

void websocket_resume(struct websocket *ws)
{
	if (!ws->paused)
		return;
	ws->paused = false;
	ws->alive_at = io_now(ws->io);
	websocket_lws_flow(ws, true);
}
