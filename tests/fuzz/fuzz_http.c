/*
 * HTTP from outside. Bodies: each route of the API by itself. Raw: all that a peer may write on a connection, to the real
 * server and its routes over a pair of sockets; every request that is plainly one is answered, once and in order.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/http/api.h"
#include "adapters/http/api_room.h"
#include "adapters/http/room.h"
#include "adapters/io.h"
#include "incident/doc.h"
#include "tests/fuzz/fuzz.h"

/* ---- bodies ------------------------------------------------------------------------------ */

/* Any body at each route, by its next byte: refused with a problem that is JSON, or a request of the table's, with the
 * token as actor and nothing in it that the route does not have. */
static void check_request(const struct api_route *route, const struct request *r)
{
	const struct api_tool *t = route->tools;

	MUST(r->source == REQUEST_API && strcmp(r->actor.person, "token:ci") == 0 && !r->words);
	MUST(json_is_object(r->args));
	if (!t) {
		MUST(strcmp(r->operation, route->operation) == 0 && r->key_count == 0);
		MUST(json_get_str(r->args, "service") && json_object_size(r->args) <= 3);
		return;
	}
	while (t->name && strcmp(t->operation, r->operation) != 0)
		t++;
	MUST(t->name && r->key_count == (t->reads ? 0 : 1));
}

static void check_problem(const struct api_problem *p)
{
	struct str text STR_CLEANUP = { 0 };
	struct error err;
	json_t *o = NULL;

	str_init(&text, 1u << 16);
	api_problem_text(&text, p, NULL);
	MUST(json_parse(text.p, text.len, 1u << 16, &o, &err) == 0);
	MUST(json_get_int(o, "status", 0) == p->status && *json_get_str(o, "detail"));
	json_decref(o);
}

static void body(const uint8_t *data, size_t size)
{
	const struct api_route *route = &api_routes[size ? data[0] % 2 : 0];
	char *text = fuzz_string(size ? data + 1 : data, size ? size - 1 : 0);
	struct api_ask ask = { .token = "ci", .content_type = "application/json; charset=utf-8", .key = "k", .body = text,
		.len = size ? size - 1 : 0 };
	struct api_problem p = { 0 };
	struct request *r = NULL;
	int status = api_read(route, &ask, &r, &p);

	MUST(status == 0 || status == 400 || status == 404 || status == 413 || status == 422);
	MUST((status == 0) == (r != NULL));
	if (r)
		check_request(route, r);
	else
		check_problem(&p);
	request_destroy(r);
	r = NULL;
	/* As any other header. */
	ask.content_type = ask.key = text;
	status = api_read(route, &ask, &r, &p);
	MUST(status == 415 || status == 400 || status == 0);
	request_destroy(r);
	free(text);
}

/* libmicrohttpd 0.9.75 puts a header that goes over several lines together by a memcpy onto itself, a few bytes to the
 * front: that is none of ours to find. */
const char *__asan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__asan_default_suppressions(void)
{
	return "interceptor_via_lib:libmicrohttpd";
}

/* ---- raw: the stage ---------------------------------------------------------------------- */

#define RAW_MAX	    60000
#define BODY_MAX    20000
#define ANSWERS_MAX (8u << 20)
#define TURNS	    5000 /* of the loop, until the connection is closed; nothing here waits */
#define CALLED	    "It was called.\n"
#define SECRET	    "s3cret"

static struct {
	struct io *io;
	struct clock clock;
	struct config config;
	struct adapter_host host;
	struct http_server *server;
	struct adapter *api;
	struct request *asked; /* of the API; answered from the top of the loop */
	struct http_request *kept;
	size_t calls, lengths;
} H;

static bool on_submit(void *ctx, struct request *take)
{
	(void)ctx;
	MUST(!H.asked && strcmp(take->actor.person, "token:ci") == 0);
	H.asked = take;
	return true;
}

static void on_call(void *ctx, struct http_request *r)
{
	const char *p = http_request_body(r, &H.lengths);

	MUST(H.lengths <= BODY_MAX && p[H.lengths] == '\0');
	http_request_header(r, "X-Any");
	MUST(strcmp(http_request_peer(r), "127.0.0.1") == 0);
	H.calls++;
	if (ctx)
		H.kept = r;
	else
		http_answer(r, 200, NULL, CALLED);
}

static void prepare(void)
{
	struct error err = { 0 };

	clock_init_manual(&H.clock, INT64_C(1772375700000));
	H.io = io_create(&err);
	MUST(H.io);
	H.host = (struct adapter_host){ .io = H.io, .clock = &H.clock, .submit = on_submit };
	H.config.references = 4; /* never freed */
	H.config.http.listen = "127.0.0.1:0";
	H.config.http.body_max = BODY_MAX;
	H.config.http.connections = H.config.http.connections_per_ip = 10;
	H.config.http.deadline_ms = 3600 * 1000;
	H.config.timezone = "UTC";
	H.config.access.token[0] = (struct access_token){ .name = "ci", .role = "viewer", .secret = SECRET };
	H.config.access.token_count = 1;
	H.server = http_server_create(&H.config, &H.host);
	H.api = api_create(&H.config, &H.host, H.server);
	http_server_route(H.server, "GET", "/a", on_call, NULL);
	http_server_route(H.server, "POST", "/a", on_call, NULL);
	http_server_route(H.server, "POST", "/later", on_call, &H);
	MUST(adapter_start(http_server_adapter(H.server), &err) == 0);
}

/* As if it had been accepted; the other end. */
static int connection(void)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int pair[2], size = 1 << 20;

	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	MUST(MHD_add_connection(H.server->daemon, pair[1], (struct sockaddr *)&from, sizeof(from)) == MHD_YES);
	return pair[0];
}

static void others_answer(void)
{
	struct http_request *kept = H.kept;
	struct answer *a;

	H.kept = NULL;
	if (kept)
		http_answer(kept, 200, NULL, CALLED);
	if (!H.asked)
		return;
	a = answer_create(H.asked);
	H.asked = NULL;
	a->reply = (struct reply){ .kind = REPLY_MESSAGE, .doc = doc_new("So it is.") };
	json_object_set_new(a->reply.doc, "data", json_pack("{s:s}", "verdict", "pass"));
	H.api->answer(H.api, a);
}

/* What has come. False: more may. */
static bool take(int fd, struct str *out)
{
	char piece[16384];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0)
		str_addn(out, piece, (size_t)n);
	return n == 0 || errno != EAGAIN;
}

/* The end is said when the server has read all: the library takes an end that comes with the last bytes for none until
 * the deadline. */
static void serve(int fd, struct str *out)
{
	bool closed = false, ended = false;

	for (int i = 0, unread; i < TURNS && !closed; i++) {
		uv_run(io_loop(H.io), UV_RUN_NOWAIT);
		others_answer();
		if (!ended && ioctl(fd, SIOCOUTQ, &unread) == 0 && unread == 0)
			ended = shutdown(fd, SHUT_WR) == 0;
		closed = take(fd, out);
	}
	MUST(closed);
}

/* ---- raw: what a strict reader sees ------------------------------------------------------ */

/* Where the line ends that p is at the beginning of; NULL: none that is plain. */
static const char *line_end(const char *p, const char *end)
{
	for (; p < end && *p != '\r'; p++)
		if (*p < ' ' || *p > '~')
			return NULL;
	return end - p >= 2 && p[1] == '\n' ? p : NULL;
}

static bool starts(const char *p, const char *end, const char *with)
{
	return (size_t)(end - p) >= strlen(with) && !strncasecmp(p, with, strlen(with));
}

/* One request for a route of ours, plain in every respect. Where the next one begins; NULL: it is none. */
static const char *plain_request(const char *p, const char *end)
{
	static const char *const firsts[] = { "GET /a HTTP/1.1", "POST /a HTTP/1.1", "POST /later HTTP/1.1" };
	static const char host[] = "Host: x", length[] = "Content-Length: ";
	const char *eol = line_end(p, end), *from = p;
	size_t lengths = 0, hosts = 0, n = 0, i = 0;

	while (eol && i < 3 && ((size_t)(eol - p) != strlen(firsts[i]) || memcmp(p, firsts[i], strlen(firsts[i])) != 0))
		i++;
	if (!eol || i == 3)
		return NULL;
	for (p = eol + 2; (eol = line_end(p, end)) != NULL && eol != p; p = eol + 2) {
		if (starts(p, eol, length) && eol - p > 16 && eol - p < 16 + 6) {
			lengths++;
			for (const char *d = p + strlen(length); d < eol; d++) {
				if (!isdigit((unsigned char)*d))
					return NULL;
				n = 10 * n + (size_t)(*d - '0');
			}
		} else if (starts(p, eol, host) && (size_t)(eol - p) == strlen(host)) {
			hosts++;
		} else if (!starts(p, eol, "X-Any: ")) {
			return NULL;
		}
	}
	if (!eol || eol - from > HEAD_MEMORY / 4 || hosts != 1 || lengths > 1 || n > BODY_MAX || (size_t)(end - eol - 2) < n)
		return NULL;
	return eol + 2 + n;
}

/* ---- raw: the answers -------------------------------------------------------------------- */

static bool status_known(int status)
{
	static const int known[] = { 100, 200, 400, 401, 404, 405, 413, 414, 415, 422, 431, 501, 505 };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i] == status)
			return true;
	fprintf(stderr, "status %d\n", status);
	return false;
}

/* Behind the answer at p; what it says is looked at. */
static const char *answer_check(const char *p, bool *refused)
{
	const char *body = strstr(p, "\r\n\r\n"), *length = strstr(p, "\r\nContent-Length: ");
	int status = atoi(p + strlen("HTTP/1.1 "));
	size_t n;

	MUST(!strncmp(p, "HTTP/1.", 7) && body && status_known(status));
	/* A refusal is the end; to some the library says its own behind ours. */
	MUST(!*refused || status >= 400);
	*refused = status >= 400;
	MUST(!*refused || strcasestr(p, "\r\nConnection: close\r\n"));
	body += 4;
	n = length && length < body ? strtoul(length + 18, NULL, 10) : 0;
	if (!strncmp(body, "HTTP/1.", 7) || !*body) /* to HEAD */
		return body;
	MUST(strlen(body) >= n);
	return body + n;
}

/* How many of them are our routes'. */
static size_t check_answers(const char *text)
{
	bool refused = false;
	size_t said = 0;

	for (const char *p = text; *p;) {
		const char *next = answer_check(p, &refused);

		said += (size_t)(next - p) > strlen(CALLED) && !strncmp(next - strlen(CALLED), CALLED, strlen(CALLED));
		p = next;
	}
	return said;
}

static void raw(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct str out STR_CLEANUP = { 0 };
	size_t plain = 0, said;
	int fd;

	if (size > RAW_MAX)
		return;
	if (!H.io)
		prepare();
	H.calls = 0;
	for (const char *p = text; (p = plain_request(p, text + size)) != NULL;)
		plain++;
	str_init(&out, ANSWERS_MAX);
	str_add(&out, "");
	fd = connection();
	MUST(write(fd, text, size) == (ssize_t)size);
	serve(fd, &out);
	close(fd);
	for (int i = 0; i < 5; i++)
		uv_run(io_loop(H.io), UV_RUN_NOWAIT);
	MUST(!H.server->connections && !H.server->requests && !H.asked && !H.kept);
	MUST(!out.cut && strlen(out.p) == out.len);
	said = check_answers(out.p);
	MUST(said >= plain && said <= H.calls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static fuzz_part *const part[] = { body, raw };

	fuzz_choose("br", part, data, size);
	return 0;
}
