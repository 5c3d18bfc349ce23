/*
 * Deliveries on their way to the core and back: by HTTP (POST /webhooks/jira) or by the relay.
 *
 * The happy path of one is: hook_read → "issue.hint" to the core → committed → its answer comes
 * back → 200. When it could not be recorded, when too many wait already, and when we are stopping
 * it is 503, which Jira and relays bring again. Each delivery is answered exactly once, and only
 * the ticket in its request says who waits for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/jira/hook.h"
#include "adapters/jira/relay.h"
#include "adapters/jira/room.h"
#include "base/arena.h"
#include "base/log.h"

#define HOOKS_PATH	  "/webhooks/jira"
#define HOOKS_HTTP_MAX	  128 /* deliveries by HTTP that wait for the core */
#define HOOKS_RELAY_MAX	  64  /* by the relay: more are not read before */
#define HOOKS_BACKLOG_MAX 64  /* the core's queue is full, and so many of ours wait behind it */

struct delivery {
	int64_t ticket;
	struct http_request *http; /* NULL: it came by the relay: */
	int64_t generation;
	char *id;
	struct delivery *next; /* jira_hooks.waiting */
};

/* In the request, where the core has it for us. */
struct hook_handle {
	int64_t ticket;
};

struct jira_hooks {
	struct jira *jira;
	const char *secret;  /* the policy's; NULL */
	struct relay *relay; /* NULL: none */
	struct delivery *waiting;
	size_t by_http, by_relay;
	int64_t tickets;
	uint64_t refused;
};

/* ---- the answer -------------------------------------------------------------------------- */

static const struct {
	int status;
	const char *words;
} statuses[] = {
	{ 200, "ok" },
	{ 400, "not a delivery of Jira" },
	{ 401, "the signature is missing or wrong" },
	{ 413, "too long" },
	{ 503, "not recorded, please send it again" },
};

static const char *status_words(int status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].words;
	return "";
}

/* Refusals are logged the 1st, 2nd, 4th, 8th … time: anybody may send them. */
static void say_refused(struct jira_hooks *h, int status, const char *from)
{
	uint64_t n;

	if (status == 200 || status == 503)
		return;
	n = ++h->refused;
	if (!(n & (n - 1)))
		log_warn(JIRA_AREA, "a webhook delivery from %s was refused: %s (%llu so far)",
			from, status_words(status), (unsigned long long)n);
}

static void http_say(struct http_request *r, int status)
{
	http_answer(r, status, NULL, status_words(status));
}

static void delivery_answer(struct jira_hooks *h, const struct delivery *d, int status)
{
	if (d->http)
		http_say(d->http, status);
	else if (relay_answer(h->relay, d->generation, d->id, status) < 0)
		log_debug(JIRA_AREA,
			"an event's connection is gone; the relay will deliver it again");
}

/* ---- who waits --------------------------------------------------------------------------- */

static void hooks_flow(struct jira_hooks *h)
{
	if (!h->relay)
		return;
	if (h->by_relay >= HOOKS_RELAY_MAX || backlog_waiting(&h->jira->backlog))
		relay_pause(h->relay);
	else
		relay_resume(h->relay);
}

static size_t *delivery_count(struct jira_hooks *h, const struct delivery *d)
{
	return d->http ? &h->by_http : &h->by_relay;
}

static void delivery_submit(struct jira_hooks *h, const struct delivery *from, struct request *take)
{
	struct delivery *d = jira_alloc(sizeof(*d));
	struct hook_handle *handle = arena_alloc(take->arena, sizeof(*handle));

	*d = *from;
	d->ticket = handle->ticket = ++h->tickets;
	d->next = h->waiting;
	h->waiting = d;
	++*delivery_count(h, d);
	take->handle = handle;
	jira_submit(h->jira, take);
	hooks_flow(h);
}

/* Out of the list; NULL: nobody waits any more. */
static struct delivery *delivery_take(struct jira_hooks *h, int64_t ticket)
{
	for (struct delivery **p = &h->waiting; *p; p = &(*p)->next) {
		struct delivery *d = *p;

		if (d->ticket != ticket)
			continue;
		*p = d->next;
		--*delivery_count(h, d);
		return d;
	}
	return NULL;
}

static void delivery_destroy(struct delivery *d)
{
	free(d->id);
	free(d);
}

/* ---- both ways in ------------------------------------------------------------------------ */

static bool hooks_full(const struct jira_hooks *h)
{
	return h->jira->stopping || h->by_http >= HOOKS_HTTP_MAX ||
	       h->jira->backlog.count >= HOOKS_BACKLOG_MAX;
}

/* A status to answer with, or 0 with *out to be submitted. */
static int hooks_read(
	struct jira_hooks *h, const struct hook *hook, const char *from, struct request **out)
{
	int status = hook_read(hook, h->secret, jira_now(h->jira), out);

	if (status == 0 && hooks_full(h)) {
		request_destroy(*out);
		status = 503;
	}
	if (status)
		say_refused(h, status, from);
	return status;
}

static void on_http(void *ctx, struct http_request *r)
{
	struct jira_hooks *h = ctx;
	struct delivery d = { .http = r };
	struct request *request;
	struct hook hook = {
		.identifier = http_request_header(r, "X-Atlassian-Webhook-Identifier"),
		.signature = http_request_header(r, "X-Hub-Signature"),
	};
	int status;

	hook.body = http_request_body(r, &hook.len);
	status = hooks_read(h, &hook, http_request_peer(r), &request);
	if (status)
		http_say(r, status);
	else
		delivery_submit(h, &d, request);
}

static void on_relay_event(void *ctx, int64_t generation, const char *id, const struct hook *hook)
{
	struct jira_hooks *h = ctx;
	struct delivery d = { .generation = generation };
	struct request *request;
	int status = hooks_read(h, hook, "the relay", &request);

	if (status) {
		relay_answer(h->relay, generation, id, status);
		return;
	}
	d.id = jira_alloc(strlen(id) + 1);
	memcpy(d.id, id, strlen(id) + 1);
	delivery_submit(h, &d, request);
}

/* ---- the adapter's ----------------------------------------------------------------------- */

void jira_hooks_create(struct jira *j)
{
	struct jira_hooks *h = jira_alloc(sizeof(*h));

	j->hooks = h;
	h->jira = j;
	h->secret = j->policy->webhook_secret;
	if (h->secret && j->server)
		http_server_route(j->server, "POST", HOOKS_PATH, on_http, h);
}

int jira_hooks_start(struct jira *j, struct error *err)
{
	struct jira_hooks *h = j->hooks;
	struct relay_options options = {
		.io = j->adapter.host->io,
		.url = j->policy->relay_url,
		.token = j->policy->relay_token,
		.ca_file = j->policy->ca_file,
		.on_event = on_relay_event,
		.ctx = h,
	};

	(void)err; /* a relay out of reach is no reason not to start: polling finds the changes */
	if (options.url && options.token) {
		h->relay = relay_create(&options);
		relay_start(h->relay);
	} else if (h->secret && !j->server) {
		log_info(JIRA_AREA, "no webhooks are taken: http.listen is not set");
	}
	return 0;
}

/* What the core has will be recorded or not; nobody can be told any more, so all are told to come
 * again, and the inbox knows them then. */
void jira_hooks_stop(struct jira *j)
{
	struct jira_hooks *h = j->hooks;

	while (h->waiting) {
		struct delivery *d = delivery_take(h, h->waiting->ticket);

		delivery_answer(h, d, 503);
		delivery_destroy(d);
	}
	if (h->relay)
		relay_stop(h->relay);
}

static bool not_recorded(const struct reply *reply)
{
	return reply->kind == REPLY_REFUSAL && reply->code && strcmp(reply->code, "internal") == 0;
}

void jira_hooks_answer(struct jira *j, struct answer *take)
{
	struct jira_hooks *h = j->hooks;
	const struct hook_handle *handle = take->request->handle;
	struct delivery *d = handle ? delivery_take(h, handle->ticket) : NULL;

	if (d) {
		delivery_answer(h, d, not_recorded(&take->reply) ? 503 : 200);
		delivery_destroy(d);
		hooks_flow(h);
	}
	answer_destroy(take);
}

void jira_hooks_resume(struct jira *j)
{
	hooks_flow(j->hooks);
}

void jira_hooks_destroy(struct jira *j)
{
	if (!j->hooks)
		return;
	relay_destroy(j->hooks->relay);
	while (j->hooks->waiting)
		delivery_destroy(delivery_take(j->hooks, j->hooks->waiting->ticket));
	free(j->hooks);
	j->hooks = NULL;
}
