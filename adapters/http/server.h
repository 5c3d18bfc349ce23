#ifndef ADAPTERS_HTTP_SERVER_H
#define ADAPTERS_HTTP_SERVER_H
/*
 * The HTTP server (libmicrohttpd, its epoll descriptor on the I/O thread's loop): closed unless http.listen is set, loopback unless somebody says otherwise.
 * Limits: connections, per address, head, body (http.body_max), and a deadline for the whole request that a slow drip cannot stretch.
 * Ambiguous lengths (Content-Length with Transfer-Encoding, two lengths) are refused.
 *
 * Other adapters bring routes; a route is asked when the whole body is there, and answers now or later, exactly once.
 */
#include <stdbool.h>
#include <stddef.h>

#include "adapters/adapter.h"
#include "config/config.h"

struct http_server;
struct http_request;

#define HTTP_ROUTES_MAX 32

/* path: whole, without the query. The handler must call http_answer once, from here or later on the I/O thread. */
typedef void http_handler(void *ctx, struct http_request *r);

/* Takes no effects and makes no requests of its own: an adapter for its life only. NULL when http.listen is not set. */
struct http_server *http_server_create(const struct config *config, const struct adapter_host *host);
struct adapter *http_server_adapter(struct http_server *s);
/* Before adapter_start. method and path are static. */
void http_server_route(struct http_server *s, const char *method, const char *path, http_handler *run, void *ctx);
int http_server_port(const struct http_server *s); /* after start: the port it has, for tests with port 0; 0 */

/* Of a request, until it is answered: */
const char *http_request_header(const struct http_request *r, const char *name); /* case ignored; NULL */
const char *http_request_body(const struct http_request *r, size_t *len);        /* raw bytes, NUL after them */
const char *http_request_peer(const struct http_request *r);                     /* "127.0.0.1" */
/* status with a body (copied; NULL: none). type NULL: text/plain. The peer may be gone: then it is dropped. */
void http_answer(struct http_request *r, int status, const char *type, const char *body);
void http_answer_header(struct http_request *r, const char *name, const char *value); /* before http_answer; copied */

#endif
