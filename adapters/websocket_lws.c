#include "adapters/websocket_private.h"

#include <libwebsockets.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

_Static_assert(WEBSOCKET_HEADROOM >= LWS_PRE, "room for the library's frame header");

#define FD_LIMIT      256 /* files one context may watch: the library's tables are sized by it */
#define HEAD_MAX      16384
#define LIBRARY_LIMIT 120 /* seconds; only a net under our own, shorter time-outs */

/* A vhost carries the certificates, so there is one for every CA file in use: in practice one. */
struct trust {
	char *ca_file; /* NULL: the system's, or no TLS at all */
	struct lws_vhost *vhost;
	struct trust *next; /* room.trusts */
};

/* Starting TLS costs time and memory, so the context that can do it is made with the first
 * wss://. */
struct room {
	struct lws_context *context; /* the library sets it to NULL when it is gone */
	struct trust *trusts;
};

/* What the library holds on to: it may outlive the websocket, and the other way round. */
struct websocket_link {
	struct lws *wsi;
	struct websockets *owner;
	struct websocket *ws;               /* NULL: forgotten */
	struct websocket_link *prev, *next; /* websockets.links */
};

struct websockets {
	struct io *io;
	struct websocket_link *links;
	struct room plain, tls;
	struct websocket *all;
	char last_error[200]; /* of the library's log: the only place that tells why TLS failed */
};

/* The log callback takes no context. */
static _Thread_local struct websockets *logging;

static void on_log(int level, const char *line)
{
	size_t n = strcspn(line, "\n");
	log_line(level == LLL_ERR ? LOG_INFO : LOG_DEBUG, "websocket", 0, "%.*s", (int)n, line);
	if (logging && level == LLL_ERR)
		snprintf(logging->last_error, sizeof(logging->last_error), "%.*s", (int)n, line);
}

/* ---- links ------------------------------------------------------------------------------ */

static struct websocket_link *link_create(struct websockets *w, struct websocket *ws)
{
	struct websocket_link *link = adapters_alloc(sizeof(*link));
	link->owner = w;
	link->ws = ws;
	link->next = w->links;
	if (w->links)
		w->links->prev = link;
	w->links = link;
	ws->link = link;
	return link;
}

/* The connection is gone: takes the news to the websocket, if one still wants to know. */
static void link_destroy(struct websocket_link *link)
{
	struct websocket *ws = link->ws;
	struct websockets *w = link->owner;
	if (link->prev)
		link->prev->next = link->next;
	else
		w->links = link->next;
	if (link->next)
		link->next->prev = link->prev;
	free(link);
	if (ws) {
		ws->link = NULL;
		websocket_on_gone(ws);
	}
}

void websocket_lws_forget(struct websocket *ws)
{
	if (ws->link)
		ws->link->ws = NULL;
	ws->link = NULL;
}

/* ---- callbacks -------------------------------------------------------------------------- */

/* "SSL error: hostname mismatch (preverify_ok=0;err=62;depth=0)", as the library logs it; what is
 * wrong, and n bytes of it, or NULL. */
static const char *certificate_trouble(const char *log, int *n)
{
	static const char start[] = "SSL error: ";
	const char *p = strstr(log, start), *end = p ? strstr(p, " (preverify_ok=0") : NULL;

	if (!end)
		return NULL;
	p += sizeof(start) - 1;
	*n = (int)(end - p);
	return p;
}

static void on_connect_error(struct websocket *ws, const char *p, size_t n)
{
	const char *more = ws->io->websockets->last_error, *trouble;
	int length = 0;

	if (ws->tls && (trouble = certificate_trouble(more, &length))) {
		websocket_explain(ws, "the server's certificate is not trusted: %.*s", length, trouble);
		return;
	}
	websocket_explain(ws, "cannot connect: %.*s%s%s", (int)n, p ? p : "",
		ws->tls && *more ? "; " : "", ws->tls ? more : "");
}

static int on_event(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void)user;
	struct websocket_link *link = lws_get_opaque_user_data(wsi);
	if (!link)
		return 0;
	if (reason == LWS_CALLBACK_WSI_DESTROY) { /* the one that always comes, and last */
		lws_set_opaque_user_data(wsi, NULL);
		link_destroy(link);
		return 0;
	}
	struct websocket *ws = link->ws;
	if (!ws)
		return -1;
	switch ((int)reason) {
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		websocket_on_established(ws);
		return 0;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		on_connect_error(ws, in, in ? len : 0);
		return 0;
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
		websocket_explain(ws, "the server closed without answering the upgrade");
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		websocket_on_fragment(
			ws, in, len, lws_is_final_fragment(wsi), lws_frame_is_binary(wsi));
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		websocket_on_pong(ws);
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		websocket_on_writable(ws);
		return 0;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		return websocket_on_peer_close(ws, in, len) ? -1 : 0;
	}
	return 0;
}

static const struct lws_protocols protocols[] = {
	{ .name = "sitrep", .callback = on_event, .rx_buffer_size = WEBSOCKET_READ_SIZE },
	{ .name = NULL },
};

/* Zero: the library's own pings are off; it would ping every 300 s and stop retrying silently. */
static const lws_retry_bo_t no_retry;

/* ---- contexts --------------------------------------------------------------------------- */

static struct websockets *websockets_of(struct io *io)
{
	if (!io->websockets) {
		io->websockets = adapters_alloc(sizeof(*io->websockets));
		io->websockets->io = io;
	}
	return io->websockets;
}

static bool room_open(struct room *room, struct io *io, bool tls)
{
	if (room->context)
		return true;
	void *loops[1] = { &io->loop };
	struct lws_context_creation_info info = { 0 };
	info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
	if (tls)
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	info.foreign_loops = loops;
	info.pcontext = &room->context;
	info.uid = info.gid = -1;
	info.fd_limit_per_thread = FD_LIMIT;
	info.max_http_header_data = HEAD_MAX;
	info.pt_serv_buf_size = WEBSOCKET_READ_SIZE;
	lws_set_log_level(LLL_ERR | LLL_WARN, on_log);
	room->context = lws_create_context(&info);
	return room->context;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct trust *room_trust(struct room *room, const char *ca_file, bool tls)
{
	for (struct trust *t = room->trusts; t; t = t->next)
		if (same_text(t->ca_file, ca_file))
			return t;
	struct lws_context_creation_info info = { 0 };
	info.vhost_name = ca_file ? ca_file : "system";
	info.port = CONTEXT_PORT_NO_LISTEN;
	info.protocols = protocols;
	info.connect_timeout_secs = LIBRARY_LIMIT;
	info.timeout_secs = LIBRARY_LIMIT;
	if (tls) {
		info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.client_ssl_ca_filepath = ca_file; /* besides the system's */
	}
	struct lws_vhost *vhost = lws_create_vhost(room->context, &info);
	if (!vhost)
		return NULL;
	/* No proxy: the library took http_proxy from the environment, and would use it for TLS and
	 * loopback too. */
	lws_set_proxy(vhost, ":0");
	struct trust *t = adapters_alloc(sizeof(*t));
	t->ca_file = ca_file ? strdup(ca_file) : NULL;
	t->vhost = vhost;
	t->next = room->trusts;
	room->trusts = t;
	return t;
}

/* ---- one connection --------------------------------------------------------------------- */

bool websocket_lws_dial(struct websocket *ws, const char *ip)
{
	struct websockets *all = websockets_of(ws->io);
	struct room *room = ws->tls ? &all->tls : &all->plain;
	logging = all;
	all->last_error[0] = '\0';
	struct trust *trust = NULL;
	/* The library only logs that it cannot read the file, and goes on without any trust. */
	if (ws->tls && ws->ca_file && access(ws->ca_file, R_OK)) {
		websocket_explain(
			ws, "cannot read the CA file %s: %s", ws->ca_file, strerror(errno));
		return false;
	}
	if (room_open(room, ws->io, ws->tls))
		trust = room_trust(room, ws->tls ? ws->ca_file : NULL, ws->tls);
	if (!trust) {
		websocket_explain(ws, "cannot set up %s: %s", ws->tls ? "TLS" : "WebSockets",
			all->last_error[0] ? all->last_error
					   : "is libwebsockets-evlib-uv installed?");
		return false;
	}
	struct lws_client_connect_info info = { 0 };
	info.context = room->context;
	info.vhost = trust->vhost;
	info.address = ip;
	info.port = ws->port;
	info.path = ws->path;
	info.host = ws->authority; /* also for SNI and the certificate's name */
	info.ssl_connection = ws->tls ? LCCSCF_USE_SSL : 0;
	info.local_protocol_name = protocols[0].name;
	info.alpn = "http/1.1";
	struct websocket_link *link = link_create(all, ws);
	info.pwsi = &link->wsi;
	info.retry_and_idle_policy = &no_retry;
	info.opaque_user_data = link;
	if (!lws_client_connect_via_info(&info)) {
		/* Sometimes the callbacks have come already, sometimes they come late, mostly none
		 * ever will: then the link stays until the end. */
		if (!ws->link)
			return true;
		websocket_explain(ws, "cannot connect");
		websocket_lws_forget(ws);
		return false;
	}
	lws_cancel_service(room->context); /* its timers are armed from its own callbacks only */
	return true;
}

void websocket_lws_kill(struct websocket *ws)
{
	if (ws->link)
		lws_set_timeout(ws->link->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_SYNC);
}

bool websocket_lws_ready(struct websocket *ws)
{
	return ws->link && !lws_partial_buffered(ws->link->wsi);
}

void websocket_lws_want_write(struct websocket *ws)
{
	if (ws->link)
		lws_callback_on_writable(ws->link->wsi);
}

void websocket_lws_flow(struct websocket *ws, bool on)
{
	if (!ws->link)
		return;
	lws_rx_flow_control(ws->link->wsi, on);
	if (on)
		lws_cancel_service(lws_get_context(
			ws->link->wsi)); /* what it had read already is waiting inside it */
}

int websocket_lws_write(struct websocket *ws, enum websocket_opcode op, unsigned char *p, size_t n)
{
	static const enum lws_write_protocol kinds[] = {
		[WEBSOCKET_TEXT] = LWS_WRITE_TEXT,
		[WEBSOCKET_BINARY] = LWS_WRITE_BINARY,
		[WEBSOCKET_PING] = LWS_WRITE_PING,
		[WEBSOCKET_CLOSE] =
			(enum lws_write_protocol)4, /* its number inside the library; the official
						     * way (lws_close_reason) sends nothing on
						     * libuv */
	};
	int written = lws_write(ws->link->wsi, p, n, kinds[op]);
	return written < (int)n ? -EPIPE : 0;
}

/* ---- all of them ------------------------------------------------------------------------ */

void websockets_add(struct websocket *ws)
{
	struct websockets *w = websockets_of(ws->io);
	ws->next = w->all;
	if (w->all)
		w->all->prev = ws;
	w->all = ws;
	ws->listed = true;
}

void websockets_remove(struct websocket *ws)
{
	struct websockets *w = ws->io->websockets;
	if (ws->prev)
		ws->prev->next = ws->next;
	else
		w->all = ws->next;
	if (ws->next)
		ws->next->prev = ws->prev;
}

static void room_close(struct room *room)
{
	if (room->context)
		lws_context_destroy(room->context);
}

void websockets_stop(struct websockets *w)
{
	if (!w)
		return;
	for (struct websocket *ws = w->all; ws; ws = ws->next)
		websocket_shut_down(ws);
}

void websockets_cut(struct websockets *w)
{
	if (!w)
		return;
	room_close(&w->plain);
	room_close(&w->tls);
}

bool websockets_idle(const struct websockets *w)
{
	return !w || !w->all;
}

void websockets_finish(struct websockets *w)
{
	if (!w)
		return;
	room_close(&w->plain);
	room_close(&w->tls);
}

static void room_finish(struct room *room)
{
	while (room->trusts) {
		struct trust *t = room->trusts;
		room->trusts = t->next;
		free(t->ca_file);
		free(t);
	}
}

void websockets_destroy(struct websockets *w)
{
	if (!w)
		return;
	if (logging == w)
		logging = NULL;
	room_finish(&w->plain);
	room_finish(&w->tls);
	while (w->links) {
		struct websocket_link *link = w->links;
		w->links = link->next;
		free(link);
	}
	free(w);
}
