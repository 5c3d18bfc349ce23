#ifndef ADAPTERS_HTTP_ROOM_H
#define ADAPTERS_HTTP_ROOM_H
/*
 * What the files of this room know of one another. Not for others.
 *
 *   server.c       the library on the loop: start, run, deadlines, stop
 *   connection.c   what a connection is doing, and until when it may
 *   request.c      one request: framing, route, body, answer
 *   listen.c       the socket
 */
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdint.h>

#include "base/str.h"
#include "adapters/http/server.h"

#define HEAD_MEMORY      16384 /* the library's, a connection: request line, headers, head of the answer */
#define LINGER_MS        1000  /* after a refusal in the middle of a request: the peer may still be sending */
#define ANSWER_MS        30000 /* http_server.answer_ms */
#define ANSWER_HEADERS   8

struct http_route {
	const char *method, *path;
	http_handler *run;
	void *ctx;
};

/*
 *            ┌───────────────── kept alive ─────────────────┐
 *            ▼                                              │
 *   IDLE ─► READING ─► WAITING (the route has it) ─► ANSWERING ─► closed
 *               └────► LINGERING (refused; what still comes is thrown away) ─► closed
 *
 * Each has its time; when it is over the socket is shut, and the library notices and closes.
 */
enum connection_phase { CONN_IDLE, CONN_READING, CONN_WAITING, CONN_ANSWERING, CONN_LINGERING, CONN_SHUT };

struct http_connection {
	struct http_server *server;
	int fd; /* the library's */
	char peer[INET6_ADDRSTRLEN];
	enum connection_phase phase;
	int64_t until;  /* io_now */
	bool line;      /* of the request being read, the first line is there */
	bool bad_path;  /* … and has a NUL in it */
	struct http_request *request;
	struct http_connection *prev, *next; /* server.connections */
};

struct http_request {
	struct http_server *server;
	struct http_connection *connection;  /* NULL: gone, or answered by the server itself */
	struct MHD_Connection *mhd;
	const struct http_route *route;
	struct str body;
	bool head;       /* HEAD: the answer has no body */
	bool suspended;
	bool handed;     /* the route has it and has not answered yet */
	int status;      /* of the answer; 0: none yet */
	struct MHD_Response *response;
	size_t headers;
	struct {
		char *name, *value;
	} header[ANSWER_HEADERS];
	struct http_request *prev, *next; /* server.requests */
};

struct http_server {
	struct adapter adapter;
	struct http_route route[HTTP_ROUTES_MAX];
	size_t routes;
	char *listen;
	size_t body_max;
	unsigned connections_max, per_ip;
	int64_t deadline_ms;
	int64_t answer_ms; /* a route that does not answer within it is answered for: 503 */
	int port;
	bool stopping;
	bool again;   /* a connection was closed: see server_run */
	struct MHD_Daemon *daemon;
	uv_poll_t poll;
	struct io_timer *run;   /* the library wants to run */
	struct io_timer *sweep; /* looks for connections whose time is over */
	int64_t sweep_ms;
	struct http_connection *connections;
	struct http_request *requests;
};

int http_listen(const char *address, int *port, bool *six, struct error *err); /* the socket, or a negative errno */

void http_server_soon(struct http_server *s); /* has the library run from the top of the loop */

/* connection.c: callbacks of the library, and what the sweep does. */
void connection_notify(void *ctx, struct MHD_Connection *mhd, void **slot, enum MHD_ConnectionNotificationCode what);
void *connection_line(void *ctx, const char *uri, struct MHD_Connection *mhd);
struct http_connection *connection_of(struct MHD_Connection *mhd);
void connection_phase(struct http_connection *c, enum connection_phase phase);
void connection_expire(struct http_connection *c);
/* Answers over the library's head, which cannot in the middle of a request, and reads no further. more: header
 * lines; NULL. */
void connection_refuse(struct http_connection *c, int status, const char *more, const char *why);

/* request.c */
enum MHD_Result request_access(void *ctx, struct MHD_Connection *mhd, const char *url, const char *method,
	const char *version, const char *data, size_t *size, void **slot);
void request_completed(void *ctx, struct MHD_Connection *mhd, void **slot, enum MHD_RequestTerminationCode how);
/* For the route, which may still answer: that is dropped then. */
void request_answer_for(struct http_request *r, int status, const char *why);
void http_request_destroy(struct http_request *r);

#endif
