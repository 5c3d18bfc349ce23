#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

#include "base/log.h"
#include "adapters/http/room.h"
#include "adapters/io_private.h"

#define PLAIN     "text/plain; charset=utf-8"
#define ALLOW_MAX 256

/* ---- its head ----------------------------------------------------------------------------- */

/* What decides where a request ends. Two readers must never disagree on that: the one in front of us could take for
 * a body what we take for the next request. */
struct framing {
	size_t lengths, encodings, hosts;
	const char *length;
	bool chunked;
	bool odd; /* a name that is no name: "Content-Length ", say */
};

static enum MHD_Result framing_look(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct framing *f = ctx;

	(void)kind;
	if (!strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH)) {
		f->lengths++;
		f->length = value;
	} else if (!strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
		f->encodings++;
		f->chunked = value && !strcasecmp(value, "chunked");
	} else if (!strcasecmp(name, MHD_HTTP_HEADER_HOST)) {
		f->hosts++;
	} else if (!*name || strpbrk(name, " \t\r\n\"(),/:;<=>?@[\\]{}")) {
		f->odd = true;
	}
	return MHD_YES;
}

/* NULL: clear. */
static const char *framing_wrong(const struct framing *f, const char *version)
{
	if (f->odd)
		return "A header has no proper name.";
	if (f->lengths && f->encodings)
		return "Content-Length and Transfer-Encoding exclude each other.";
	if (f->lengths > 1)
		return "Content-Length is there twice.";
	if (f->hosts > 1)
		return "Host is there twice.";
	if (f->length && (!*f->length || f->length[strspn(f->length, "0123456789")]))
		return "Content-Length is no number.";
	if (f->encodings > 1 || (f->encodings && !f->chunked))
		return "Of transfer encodings only chunked is understood.";
	if (f->encodings && strcmp(version, MHD_HTTP_VERSION_1_1) != 0)
		return "There are no transfer encodings in HTTP/1.0.";
	return NULL;
}

static bool length_over(const char *length, size_t max)
{
	char *end;

	return length && strtoull(length, &end, 10) > max; /* past the range it is the largest number */
}

static const struct http_route *route_find(const struct http_server *s, const char *method, const char *path,
	struct str *allow)
{
	bool head = !strcmp(method, MHD_HTTP_METHOD_HEAD);

	for (size_t i = 0; i < s->routes; i++) {
		const struct http_route *r = &s->route[i];
		bool get = !strcmp(r->method, MHD_HTTP_METHOD_GET);

		if (strcmp(r->path, path) != 0)
			continue;
		if (!strcmp(r->method, method) || (head && get))
			return r;
		str_addf(allow, "%s%s%s", allow->len ? ", " : "", r->method, get ? ", HEAD" : "");
	}
	return NULL;
}

/* The head is here. Whether the rest is to be read. */
static bool request_head(struct http_request *r, const char *url, const char *method, const char *version)
{
	struct http_connection *c = r->connection;
	struct framing f = { 0 };
	STR_CLEANUP struct str allow = { 0 };
	const char *wrong;

	r->head = !strcmp(method, MHD_HTTP_METHOD_HEAD);
	MHD_get_connection_values(r->mhd, MHD_HEADER_KIND, framing_look, &f);
	wrong = framing_wrong(&f, version);
	if (!wrong && c->bad_path)
		wrong = "A path has no NUL in it.";
	if (wrong) {
		connection_refuse(c, MHD_HTTP_BAD_REQUEST, NULL, wrong);
		return false;
	}
	str_init(&allow, ALLOW_MAX);
	str_add(&allow, "");
	r->route = route_find(r->server, method, url, &allow);
	if (!r->route && !allow.len) {
		connection_refuse(c, MHD_HTTP_NOT_FOUND, NULL, "There is nothing here.");
		return false;
	}
	if (!r->route) {
		STR_CLEANUP struct str line = { 0 };

		str_init(&line, ALLOW_MAX + 16);
		str_addf(&line, "Allow: %s\r\n", allow.p);
		connection_refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, line.p, "Not this way.");
		return false;
	}
	if (length_over(f.length, r->server->body_max)) {
		connection_refuse(c, MHD_HTTP_CONTENT_TOO_LARGE, NULL, "The body is too large.");
		return false;
	}
	return true;
}

static struct http_request *http_request_create(struct http_server *s, struct http_connection *c, struct MHD_Connection *mhd)
{
	struct http_request *r = adapters_alloc(sizeof(*r));

	r->server = s;
	r->connection = c;
	r->mhd = mhd;
	str_init(&r->body, s->body_max);
	c->request = r;
	DL_APPEND(s->requests, r);
	return r;
}

void http_request_destroy(struct http_request *r)
{
	DL_DELETE(r->server->requests, r);
	str_finish(&r->body);
	if (r->response)
		MHD_destroy_response(r->response);
	for (size_t i = 0; i < r->headers; i++) {
		free(r->header[i].name);
		free(r->header[i].value);
	}
	free(r);
}

/* ---- its answer --------------------------------------------------------------------------- */

static void response_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (MHD_add_response_header(response, name, value) != MHD_YES)
		log_error("http", "the header %s of an answer is not fit to be sent; it is left out", name);
}

static struct MHD_Response *response_create(const struct http_request *r, int status, const char *type,
	const char *body)
{
	size_t n = body ? strlen(body) : 0;
	char *copy = n ? memcpy(adapters_alloc(n), body, n) : NULL;
	struct MHD_Response *response = MHD_create_response_from_buffer(n, copy, n ? MHD_RESPMEM_MUST_FREE
										  : MHD_RESPMEM_PERSISTENT);

	if (!response)
		abort();
	response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type ? type : PLAIN);
	response_header(response, "X-Content-Type-Options", "nosniff");
	response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status >= MHD_HTTP_BAD_REQUEST || r->server->stopping)
		response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	for (size_t i = 0; i < r->headers; i++)
		response_header(response, r->header[i].name, r->header[i].value);
	return response;
}

/* The answer is there: from within the route it goes out when the route returns, else the library asks again. */
static void request_settle(struct http_request *r, int status, const char *type, const char *body)
{
	r->status = status;
	r->response = response_create(r, status, type, body);
	/* Out of the hands of the sweep and of the stop. */
	connection_phase(r->connection, CONN_ANSWERING);
	if (r->suspended) {
		r->suspended = false;
		MHD_resume_connection(r->mhd);
		http_server_soon(r->server);
	}
}

void request_answer_for(struct http_request *r, int status, const char *why)
{
	assert(r->connection && !r->status);
	request_settle(r, status, NULL, why);
}

void http_answer(struct http_request *r, int status, const char *type, const char *body)
{
	assert(r->handed);
	r->handed = false;
	if (!r->connection)
		http_request_destroy(r); /* nobody is left to hear it */
	else if (!r->status)
		request_settle(r, status, type, body);
}

void http_answer_header(struct http_request *r, const char *name, const char *value)
{
	assert(r->handed && r->headers < ANSWER_HEADERS);
	r->header[r->headers].name = strdup(name);
	r->header[r->headers].value = strdup(value);
	if (!r->header[r->headers].name || !r->header[r->headers].value)
		abort();
	r->headers++;
}

/* ---- what the library calls --------------------------------------------------------------- */

static enum MHD_Result request_send(struct http_request *r)
{
	connection_phase(r->connection, CONN_ANSWERING);
	log_debug("http", "%s %s %s: %d", r->connection->peer, r->route->method, r->route->path, r->status);
	return MHD_queue_response(r->mhd, (unsigned)r->status, r->response);
}

static enum MHD_Result request_run(struct http_request *r)
{
	connection_phase(r->connection, CONN_WAITING);
	r->handed = true;
	r->route->run(r->route->ctx, r);
	if (r->status)
		return request_send(r);
	MHD_suspend_connection(r->mhd);
	r->suspended = true;
	return MHD_YES;
}

static void request_body(struct http_request *r, const char *data, size_t n)
{
	if (n > r->server->body_max - r->body.len)
		connection_refuse(r->connection, MHD_HTTP_CONTENT_TOO_LARGE, NULL, "The body is too large.");
	else
		str_addn(&r->body, data, n);
}

/* Called with the head; with each piece of the body; with its end; and again after each resume. */
enum MHD_Result request_access(void *ctx, struct MHD_Connection *mhd, const char *url, const char *method,
	const char *version, const char *data, size_t *size, void **slot)
{
	struct http_server *s = ctx;
	struct http_connection *c = connection_of(mhd);
	struct http_request *r = *slot;

	if (!c || c->phase == CONN_SHUT)
		return MHD_NO;
	if (!r) {
		if (c->phase == CONN_LINGERING) /* refused while its head was coming */
			return MHD_NO;
		r = *slot = http_request_create(s, c, mhd);
		request_head(r, url, method, version);
		return MHD_YES;
	}
	if (*size) {
		if (c->phase != CONN_LINGERING)
			request_body(r, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (c->phase == CONN_LINGERING)
		return MHD_NO;
	return r->status ? request_send(r) : request_run(r);
}

void request_completed(void *ctx, struct MHD_Connection *mhd, void **slot, enum MHD_RequestTerminationCode how)
{
	struct http_connection *c = connection_of(mhd);
	struct http_request *r = *slot;

	(void)ctx, (void)how;
	*slot = NULL;
	if (c) {
		c->request = NULL;
		c->line = false;
		if (c->phase != CONN_SHUT && c->phase != CONN_LINGERING)
			connection_phase(c, CONN_IDLE);
	}
	if (!r)
		return;
	r->connection = NULL;
	r->mhd = NULL;
	r->suspended = false;
	if (!r->handed)
		http_request_destroy(r);
}

/* ---- what routes ask ---------------------------------------------------------------------- */

const char *http_request_header(const struct http_request *r, const char *name)
{
	const char *value = NULL;

	if (!r->mhd || MHD_lookup_connection_value_n(r->mhd, MHD_HEADER_KIND, name, strlen(name), &value, NULL) != MHD_YES)
		return NULL;
	return value ? value : "";
}

const char *http_request_body(const struct http_request *r, size_t *len)
{
	*len = r->body.len;
	return r->body.p;
}

const char *http_request_peer(const struct http_request *r)
{
	return r->connection ? r->connection->peer : "";
}
