/*
 * The happy path of one request is: the token is one of ours → the body is read → to the core → committed → its answer
 * comes back → status and body. Each HTTP request is answered exactly once, and only the ticket in the core's request says
 * who waits for it: whoever does not wait any more has gone, or was told 503 when we stopped.
 */
#include "adapters/http/api.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adapters/backlog.h"
#include "adapters/http/api_room.h"
#include "adapters/io_private.h"
#include "base/arena.h"
#include "base/log.h"

#define AREA	      "api"
#define WAITING_MAX   256 /* requests without an answer yet */
#define BACKLOG_MAX   64  /* the core's queue is full, and so many wait behind it */
#define ANSWER_MAX    (8u << 20)
#define RETRY_AFTER_S "5"
#define HASH_BYTES    32
#define BEARER	      "Bearer"

struct api_wait {
	int64_t ticket;
	struct http_request *http;
	const struct api_route *route;
	struct api_wait *next; /* api.waiting */
};

/* In the request, where the core has it for us. */
struct api_handle {
	int64_t ticket;
};

struct api_token {
	char *name;
	unsigned char hash[HASH_BYTES];
};

/* The server hands a route its context, which must say which of the table it is. */
struct api_door {
	struct api *api;
	const struct api_route *route;
};

struct api {
	struct adapter adapter; /* first */
	struct config *config;
	struct backlog backlog;
	struct api_token token[ACCESS_TOKENS_MAX];
	size_t tokens;
	struct api_door door[HTTP_ROUTES_MAX];
	struct api_wait *waiting;
	size_t count;
	int64_t tickets;
	uint64_t refused;
	bool stopping;
};

static struct api *api_of(struct adapter *a)
{
	return (struct api *)a;
}

/* ---- who asks ---------------------------------------------------------------------------- */

static bool hash(const char *p, size_t n, unsigned char out[HASH_BYTES])
{
	return EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL) == 1;
}

static void tokens_finish(struct api *api)
{
	while (api->tokens)
		free(api->token[--api->tokens].name);
}

static void tokens_read(struct api *api)
{
	const struct access_policy *p = &api->config->access;

	tokens_finish(api);
	for (size_t i = 0; i < p->token_count; i++) {
		const struct access_token *from = &p->token[i];
		struct api_token *t = &api->token[api->tokens];

		if (!from->secret || !hash(from->secret, strlen(from->secret), t->hash))
			continue;
		t->name = adapters_alloc(strlen(from->name) + 1);
		memcpy(t->name, from->name, strlen(from->name) + 1);
		api->tokens++;
	}
}

/* The name of the token, or NULL. All are compared, whichever fits, and as hashes: how long it takes tells nothing. */
static const char *token_find(const struct api *api, const char *header)
{
	const char *found = NULL;
	unsigned char said[HASH_BYTES];
	size_t n = strlen(BEARER);

	if (!header || strncasecmp(header, BEARER, n) != 0 || header[n] != ' ')
		return NULL;
	header += n + strspn(header + n, " ");
	if (!hash(header, strlen(header), said))
		return NULL;
	for (size_t i = 0; i < api->tokens; i++)
		if (CRYPTO_memcmp(said, api->token[i].hash, HASH_BYTES) == 0)
			found = api->token[i].name;
	return found;
}

/* ---- answers ----------------------------------------------------------------------------- */

static void say(struct http_request *r, const struct api_problem *p)
{
	struct str body STR_CLEANUP = { 0 };

	str_init(&body, ANSWER_MAX);
	api_problem_text(&body, p, NULL);
	if (p->status == 503)
		http_answer_header(r, "Retry-After", RETRY_AFTER_S);
	if (p->status == 401)
		http_answer_header(r, "WWW-Authenticate", "Bearer realm=\"sitrep\"");
	http_answer(r, p->status, API_PROBLEM, body.p);
}

/* Logged the 1st, 2nd, 4th, 8th … time: anybody may try. */
static void say_closed(struct api *api, struct http_request *r)
{
	static const struct api_problem closed = {
		.status = 401,
		.code = "token",
		.detail = "A token is needed: Authorization: Bearer …",
	};
	uint64_t n = ++api->refused;

	if (!(n & (n - 1)))
		log_warn(AREA, "a request from %s came without a token that is known (%llu so far)", http_request_peer(r),
			(unsigned long long)n);
	say(r, &closed);
}

static void say_later(struct http_request *r)
{
	static const struct api_problem later = {
		.status = 503,
		.code = "busy",
		.detail = "Nothing was recorded. Please send it again.",
	};

	say(r, &later);
}

/* An answer that does not fit is none; what was asked for is done all the same, so it is not to be sent again. */
static void say_too_long(struct http_request *r)
{
	static const struct api_problem too_long = {
		.status = 500,
		.code = "answer",
		.detail = "It was done, but the answer is too long.",
	};

	say(r, &too_long);
}

static void answer_send(struct api *api, const struct api_wait *w, const struct reply *reply)
{
	struct str body STR_CLEANUP = { 0 };
	const char *type;
	int status;

	str_init(&body, ANSWER_MAX);
	status = api_answer(reply, w->route, api->config->timezone, clock_now(api->adapter.host->clock), &body, &type);
	if (body.cut) {
		say_too_long(w->http);
		return;
	}
	if (status == 503)
		http_answer_header(w->http, "Retry-After", RETRY_AFTER_S);
	http_answer(w->http, status, type, body.p);
}

/* ---- who waits --------------------------------------------------------------------------- */

static void wait_submit(struct api *api, struct http_request *http, const struct api_route *route, struct request *take)
{
	struct api_wait *w = adapters_alloc(sizeof(*w));
	struct api_handle *handle = arena_alloc(take->arena, sizeof(*handle));

	w->ticket = handle->ticket = ++api->tickets;
	w->http = http;
	w->route = route;
	w->next = api->waiting;
	api->waiting = w;
	api->count++;
	take->handle = handle;
	take->adapter = api->adapter.index;
	take->received_at = clock_now(api->adapter.host->clock);
	backlog_submit(&api->backlog, take);
}

/* Out of the list; NULL: nobody waits any more. */
static struct api_wait *wait_take(struct api *api, int64_t ticket)
{
	for (struct api_wait **p = &api->waiting; *p; p = &(*p)->next) {
		struct api_wait *w = *p;

		if (w->ticket != ticket)
			continue;
		*p = w->next;
		api->count--;
		return w;
	}
	return NULL;
}

/* ---- the routes' ------------------------------------------------------------------------- */

static void on_request(void *ctx, struct http_request *r)
{
	const struct api_door *door = ctx;
	struct api *api = door->api;
	struct api_problem p = { 0 };
	struct request *request = NULL;
	struct api_ask ask = {
		.token = token_find(api, http_request_header(r, "Authorization")),
		.content_type = http_request_header(r, "Content-Type"),
		.key = http_request_header(r, "Idempotency-Key"),
	};

	if (!ask.token) {
		say_closed(api, r);
		return;
	}
	ask.body = http_request_body(r, &ask.len);
	if (api_read(door->route, &ask, &request, &p)) {
		say(r, &p);
		return;
	}
	if (api->stopping || api->count >= WAITING_MAX || api->backlog.count >= BACKLOG_MAX) {
		request_destroy(request);
		say_later(r);
		return;
	}
	wait_submit(api, r, door->route, request);
}

/* ---- the adapter's ----------------------------------------------------------------------- */

static int api_start(struct adapter *a, struct error *err)
{
	(void)a, (void)err;
	return 0;
}

/* What the core has will be recorded or not; nobody can be told any more. With an Idempotency-Key it is the same when it
 * comes again. */
static void api_stop(struct adapter *a)
{
	struct api *api = api_of(a);

	api->stopping = true;
	while (api->waiting) {
		struct api_wait *w = wait_take(api, api->waiting->ticket);
		struct api_problem p = { 503, "stopping", "It is not known whether this was recorded: the bot is stopping." };

		say(w->http, &p);
		free(w);
	}
}

static void api_take_answer(struct adapter *a, struct answer *take)
{
	struct api *api = api_of(a);
	const struct api_handle *handle = take->request->handle;
	struct api_wait *w = handle ? wait_take(api, handle->ticket) : NULL;

	if (w) {
		answer_send(api, w, &take->reply);
		free(w);
	}
	answer_destroy(take);
}

static void api_resume(struct adapter *a)
{
	struct api *api = api_of(a);

	if (!api->stopping && backlog_waiting(&api->backlog))
		backlog_flush(&api->backlog);
}

static void api_destroy(struct adapter *a)
{
	struct api *api = api_of(a);

	while (api->waiting)
		free(wait_take(api, api->waiting->ticket));
	backlog_finish(&api->backlog);
	tokens_finish(api);
	config_release(api->config);
	free(api);
}

struct adapter *api_create(struct config *config, const struct adapter_host *host, struct http_server *server)
{
	struct api *api = adapters_alloc(sizeof(*api));

	api->adapter = (struct adapter){
		.name = "api",
		.host = host,
		.start = api_start,
		.stop = api_stop,
		.answer = api_take_answer,
		.resume = api_resume,
		.destroy = api_destroy,
	};
	api->config = config_hold(config);
	backlog_init(&api->backlog, host);
	tokens_read(api);
	for (size_t i = 0; api_routes[i].path; i++) {
		api->door[i] = (struct api_door){ api, &api_routes[i] };
		http_server_route(server, api_routes[i].method, api_routes[i].path, on_request, &api->door[i]);
	}
	return &api->adapter;
}

void api_reconfigure(struct adapter *a, struct config *config)
{
	struct api *api = api_of(a);

	config_hold(config);
	config_release(api->config);
	api->config = config;
	tokens_read(api);
}
