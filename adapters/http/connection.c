#include <arpa/inet.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utlist.h>

#include "base/log.h"
#include "adapters/http/room.h"
#include "adapters/io_private.h"

#define REFUSAL_MAX 1024

static int64_t now_of(const struct http_connection *c)
{
	return io_now(c->server->adapter.host->io);
}

static int64_t phase_ms(const struct http_connection *c, enum connection_phase phase)
{
	switch (phase) {
	case CONN_IDLE:
	case CONN_READING:
	case CONN_ANSWERING:
		return c->server->deadline_ms;
	case CONN_WAITING:
		return c->server->answer_ms;
	case CONN_LINGERING:
		return LINGER_MS;
	case CONN_SHUT:
		break;
	}
	return INT32_MAX; /* the library has been told; nothing is left to wait for */
}

void connection_phase(struct http_connection *c, enum connection_phase phase)
{
	c->phase = phase;
	c->until = now_of(c) + phase_ms(c, phase);
}

static void peer_name(struct http_connection *c, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (info && info->client_addr && info->client_addr->sa_family == AF_INET) {
		memcpy(&in, info->client_addr, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, c->peer, sizeof(c->peer));
	} else if (info && info->client_addr && info->client_addr->sa_family == AF_INET6) {
		memcpy(&in6, info->client_addr, sizeof(in6));
		inet_ntop(AF_INET6, &in6.sin6_addr, c->peer, sizeof(c->peer));
	}
}

static void connection_open(struct http_server *s, struct MHD_Connection *mhd, void **slot)
{
	const union MHD_ConnectionInfo *fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http_connection *c = adapters_alloc(sizeof(*c));

	c->server = s;
	c->fd = fd ? fd->connect_fd : -1;
	peer_name(c, mhd);
	/* The first request must come at once: its time is counted from here. */
	connection_phase(c, CONN_READING);
	DL_APPEND(s->connections, c);
	*slot = c;
	if (!io_timer_running(s->sweep))
		io_timer_start(s->sweep, s->sweep_ms);
}

void connection_notify(void *ctx, struct MHD_Connection *mhd, void **slot, enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = ctx;
	struct http_connection *c = *slot;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		connection_open(s, mhd, slot);
	} else if (c) {
		DL_DELETE(s->connections, c);
		free(c);
		*slot = NULL;
		s->again = true;
	}
}

struct http_connection *connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* The first line of a request. Its path reaches us unescaped later, and would end at a NUL. */
void *connection_line(void *ctx, const char *uri, struct MHD_Connection *mhd)
{
	struct http_connection *c = connection_of(mhd);

	(void)ctx;
	if (!c)
		return NULL;
	if (c->phase == CONN_IDLE)
		connection_phase(c, CONN_READING);
	c->line = true;
	c->bad_path = strstr(uri, "%00") != NULL;
	return NULL;
}

/* ---- ending one --------------------------------------------------------------------------- */

/* What a peer does not take goes with the connection: the kernel would keep megabytes of it for minutes after our
 * close. */
static void connection_shut(struct http_connection *c)
{
	struct linger none = { .l_onoff = 1 };
	int left = 0;

	if (!ioctl(c->fd, SIOCOUTQ, &left) && left > 0)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	shutdown(c->fd, SHUT_RDWR);
	connection_phase(c, CONN_SHUT);
}

/* The library answers a request before its body or after it, and closes a socket with the peer's bytes unread, which
 * makes the answer vanish on its way. So the bytes of a refusal are written here, the way out is closed, and the rest
 * of the request thrown away for a while. The library has nothing of its own in the socket at this time: answers on a
 * connection go one after another. */
void connection_refuse(struct http_connection *c, int status, const char *more, const char *why)
{
	struct str s;
	bool head = c->request && c->request->head;

	str_init(&s, REFUSAL_MAX);
	str_addf(&s, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
		"X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nContent-Length: %zu\r\n",
		status, MHD_get_reason_phrase_for((unsigned)status), strlen(why) + 1);
	str_add(&s, more);
	str_add(&s, "\r\n");
	if (!head)
		str_addf(&s, "%s\n", why);
	/* A few hundred bytes into an empty buffer: all of it, or the peer is gone. */
	if (send(c->fd, s.p, s.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("http", "%s is gone", c->peer);
	shutdown(c->fd, SHUT_WR);
	log_debug("http", "%s: refused, %d: %s", c->peer, status, why);
	str_finish(&s);
	connection_phase(c, CONN_LINGERING);
}

/* Its time is over. */
void connection_expire(struct http_connection *c)
{
	switch (c->phase) {
	case CONN_READING:
		if (c->line)
			connection_refuse(c, MHD_HTTP_REQUEST_TIMEOUT, NULL, "The request did not arrive in time.");
		else
			connection_shut(c);
		break;
	case CONN_WAITING:
		log_warn("http", "%s %s: no answer within %lld ms; the peer is told 503",
			c->request->route->method, c->request->route->path,
			(long long)c->server->answer_ms);
		request_answer_for(c->request, MHD_HTTP_SERVICE_UNAVAILABLE, "No answer in time; try again.\n");
		break;
	case CONN_IDLE:
	case CONN_ANSWERING:
	case CONN_LINGERING:
	case CONN_SHUT:
		connection_shut(c);
		break;
	}
}
