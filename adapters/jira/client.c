#include "adapters/jira/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "adapters/io.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/text.h"

#define AREA "jira"

#define RUNNING_MAX	 5
#define BODY_MAX	 (1u << 20)
#define URL_MAX		 16384
#define ISSUES_KEPT	 512
#define CLOSED_UNSAID_MS 5000 /* a 429 that does not say how long */
#define TOKEN_WAIT_MS	 60000
#define OPEN_FIRST_MS	 500
#define OPEN_LONGEST_MS	 30000
#define OPEN_AFTER	 3 /* lost or failed answers in a row; refused connections and 503 open at once \
			    */
#define PROBE_WAIT_MS 1000 /* while another finds out */

/* Published limits: so many in a time. A little below, for other programs use the account too. */
struct rate {
	double most, per_ms, left;
	int64_t filled_at;
};

#define SHORT_MS   2000
#define SHORT_MOST 20
#define LONG_MS	   30000
#define LONG_MOST  100

struct issue_pace {
	char *issue;
	int64_t at[LONG_MOST]; /* the latest writes, a ring: at[(next - 1) % LONG_MOST] the last */
	size_t next, count;
	int64_t closed_until;
	UT_hash_handle hh;
};

struct call_list {
	struct rest_call *first, *last;
	size_t count;
};

struct rest {
	struct io *io;
	char *url, *authorization, *bearer, *ca_file;
	const struct flavour *flavour;
	bool pacing, stopping;
	struct rate many, few; /* GET and POST; PUT and DELETE */
	struct issue_pace *issues;
	int64_t closed_until; /* io_now: a 429 to all */
	struct {
		int failures;  /* in a row */
		int64_t until; /* io_now; 0: closed, calls go */
		bool probing;  /* one is finding out */
		bool token;    /* it is the token that is not taken */
		char why[200];
	} circuit;
	struct call_list waiting, running;
	struct io_timer *timer;
};

static void *rest_alloc(size_t n)
{
	void *p = calloc(1, n);

	if (!p)
		abort();
	return p;
}

static char *copy(const char *s)
{
	char *out = s ? strdup(s) : NULL;

	if (s && !out)
		abort();
	return out;
}

static void list_add(struct call_list *l, struct rest_call *c)
{
	c->next = NULL;
	c->prev = l->last;
	*(l->last ? &l->last->next : &l->first) = c;
	l->last = c;
	l->count++;
}

static void list_remove(struct call_list *l, struct rest_call *c)
{
	*(c->prev ? &c->prev->next : &l->first) = c->next;
	*(c->next ? &c->next->prev : &l->last) = c->prev;
	c->prev = c->next = NULL;
	l->count--;
}

static bool call_reads(const struct rest_call *c)
{
	return !c->method || strcmp(c->method, "GET") == 0;
}

/* ---- when a call may go ------------------------------------------------------------------ */

/* ms until there is one to take; 0 = now. */
static int64_t rate_wait(struct rate *r, int64_t now)
{
	r->left += (double)(now - r->filled_at) * r->per_ms;
	r->filled_at = now;
	if (r->left > r->most)
		r->left = r->most;
	return r->left >= 1 ? 0 : (int64_t)((1 - r->left) / r->per_ms) + 1;
}

static void issue_forget(struct rest *r, struct issue_pace *i)
{
	HASH_DEL(r->issues, i);
	free(i->issue);
	free(i);
}

static struct issue_pace *issue_pace(struct rest *r, const char *issue)
{
	struct issue_pace *i = NULL;

	HASH_FIND_STR(r->issues, issue, i);
	if (i)
		return i;
	/* The oldest goes first: uthash keeps the order of adding. */
	if (HASH_COUNT(r->issues) >= ISSUES_KEPT)
		issue_forget(r, r->issues);
	i = rest_alloc(sizeof(*i));
	i->issue = copy(issue);
	HASH_ADD_KEYPTR(hh, r->issues, i->issue, strlen(i->issue), i);
	return i;
}

/* Until the nth write before now is older than the window. */
static int64_t issue_window(const struct issue_pace *i, size_t most, int64_t window, int64_t now)
{
	if (i->count < most)
		return 0;
	return i->at[(i->next + LONG_MOST - most) % LONG_MOST] + window - now;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void issue_note(struct issue_pace *i, int64_t now)
{
	i->at[i->next] = now;
	i->next = (i->next + 1) % LONG_MOST;
	if (i->count < LONG_MOST)
		i->count++;
}

/* How long this call has to wait for its turn; takes its turn when that is 0. */
static int64_t call_turn(struct rest *r, struct rest_call *c)
{
	int64_t now = io_now(r->io), wait = later(0, r->closed_until - now);
	bool few = c->method && (!strcmp(c->method, "PUT") || !strcmp(c->method, "DELETE"));
	struct rate *rate = few ? &r->few : &r->many;
	struct issue_pace *issue = c->issue && !call_reads(c) ? issue_pace(r, c->issue) : NULL;

	if (issue)
		wait = later(wait, issue->closed_until - now);
	if (r->pacing) {
		wait = later(wait, rate_wait(rate, now));
		if (issue) {
			wait = later(wait, issue_window(issue, SHORT_MOST, SHORT_MS, now));
			wait = later(wait, issue_window(issue, LONG_MOST, LONG_MS, now));
		}
	}
	if (wait)
		return wait;
	rate->left -= 1;
	if (issue)
		issue_note(issue, now);
	return 0;
}

/* ---- the circuit ------------------------------------------------------------------------- */

static bool circuit_open(const struct rest *r)
{
	return r->circuit.until != 0;
}

/* An open circuit lets one through when its time has come. */
static bool circuit_lets(const struct rest *r, int64_t *wait)
{
	int64_t now = io_now(r->io);

	if (!circuit_open(r) || (!r->circuit.probing && now >= r->circuit.until))
		return true;
	*wait = later(r->circuit.until - now, PROBE_WAIT_MS);
	return false;
}

static void circuit_trip(struct rest *r, int64_t ms, bool token, const char *why)
{
	bool was = circuit_open(r), was_token = r->circuit.token;

	r->circuit.until = io_now(r->io) + ms;
	r->circuit.token = token;
	snprintf(r->circuit.why, sizeof(r->circuit.why), "%.*s", (int)text_cut(why, 199), why);
	if (token && !was_token)
		log_error(AREA, "%s: nothing goes there until that is mended", why);
	else if (!was)
		log_warn(AREA, "%s; what is to be sent waits", why);
}

static int64_t circuit_delay(const struct rest *r)
{
	int64_t ms = OPEN_FIRST_MS;

	for (int i = 1; i < r->circuit.failures && ms < OPEN_LONGEST_MS; i++)
		ms *= 2;
	return ms < OPEN_LONGEST_MS ? ms : OPEN_LONGEST_MS;
}

static void circuit_close(struct rest *r)
{
	if (circuit_open(r))
		log_info(AREA, "Jira answers again");
	r->circuit.failures = 0;
	r->circuit.until = 0;
	r->circuit.token = false;
}

/* Was it Jira that answered, or is it not there? */
static void circuit_note(
	struct rest *r, const struct http_call *http, const struct rest_reading *reading)
{
	bool down = http->result == HTTP_NOT_SENT ||
		    (http->result == HTTP_ANSWERED && http->status == 503);
	bool ill = http->result == HTTP_UNKNOWN || http->status == 502 || http->status == 504;

	if (reading->class == REST_TOKEN) {
		circuit_trip(r, TOKEN_WAIT_MS, true, reading->text);
	} else if (down || ill) {
		r->circuit.failures++;
		if (down || r->circuit.failures >= OPEN_AFTER || circuit_open(r))
			circuit_trip(r, later(circuit_delay(r), http->retry_after_ms), false,
				reading->text);
	} else {
		circuit_close(r);
	}
}

/* ---- calls ------------------------------------------------------------------------------- */

static void rest_pump(struct rest *r);

static void on_timer(void *ctx)
{
	rest_pump(ctx);
}

/* Who we are, as a header; known to the log as a secret like the token itself. */
static char *authorization(const struct rest_options *o)
{
	struct str STR_CLEANUP pair = { 0 };
	struct str header;

	str_init(&pair, 4096);
	str_init(&header, 8192);
	str_addf(&pair, "%s:%s", o->user, o->token ? o->token : "");
	str_add(&header, "Basic ");
	rest_base64(&header, pair.p, pair.len);
	log_secret(header.p + strlen("Basic "));
	return str_take(&header);
}

struct rest *rest_create(struct io *io, const struct rest_options *o)
{
	struct rest *r = rest_alloc(sizeof(*r));

	r->io = io;
	r->url = copy(o->url);
	r->ca_file = copy(o->ca_file);
	r->flavour = o->flavour;
	r->pacing = o->pacing;
	if (o->token)
		log_secret(o->token);
	if (o->user)
		r->authorization = authorization(o);
	else
		r->bearer = copy(o->token);
	r->many = (struct rate){ 50, 0.09, 50, io_now(io) };
	r->few = (struct rate){ 25, 0.045, 25, io_now(io) };
	r->timer = io_timer_create(io, on_timer, r);
	return r;
}

static void call_release(struct rest_call *c)
{
	free(c->sent_url);
	free(c->sent_body);
	c->sent_url = c->sent_body = NULL;
	json_decref(c->body);
	c->body = NULL;
}

static void call_end(struct rest_call *c, const struct rest_answer *answer)
{
	call_release(c);
	c->rest = NULL;
	c->on_done(c, answer);
}

static void call_give_back(
	struct rest_call *c, enum rest_class class, const char *why, int64_t retry_after_ms)
{
	struct rest_answer answer = {
		.class = class,
		.text = why,
		.retry_after_ms = retry_after_ms,
	};

	call_end(c, &answer);
}

/* Jira can refuse a login and then serve the call as a stranger's, for whom much is "not found". */
static bool login_denied(const struct http_call *http)
{
	static const char *const headers[] = { "X-Seraph-LoginReason",
		"X-Authentication-Denied-Reason" };
	char value[200];

	for (size_t i = 0; i < 2; i++) {
		if (http_call_header(http, headers[i], value, sizeof(value)) &&
			(strstr(value, "FAILED") || strstr(value, "DENIED") ||
				strstr(value, "CAPTCHA")))
			return true;
	}
	return false;
}

/* 429 closes the issue alone when it was a write to one, unless Jira says that it means all. */
static int64_t slow_down(struct rest *r, const struct rest_call *c, const struct http_call *http)
{
	int64_t wait = http->retry_after_ms ? http->retry_after_ms : CLOSED_UNSAID_MS;
	int64_t until = io_now(r->io) + wait;
	char reason[100];
	bool said = http_call_header(http, "RateLimit-Reason", reason, sizeof(reason));

	if (c->issue && !call_reads(c) && (!said || strstr(reason, "per-issue")))
		issue_pace(r, c->issue)->closed_until = until;
	else
		r->closed_until = until;
	return wait;
}

static void on_http_done(struct http_call *http)
{
	struct rest_call *c = http->ctx;
	struct rest *r = c->rest;
	struct rest_reading reading;
	struct rest_answer answer;
	int64_t retry_after = http->retry_after_ms;

	if (!call_reads(c))
		CRASH_POINT("after-issue-call");
	list_remove(&r->running, c);
	rest_read(call_reads(c), http->result, http->status, login_denied(http), http->error_text,
		http->response.p, http->response.len, &reading);
	if (c->probe)
		r->circuit.probing = c->probe = false;
	if (!r->stopping)
		circuit_note(r, http, &reading);
	if (http->result == HTTP_ANSWERED && http->status == 429)
		retry_after = slow_down(r, c, http);
	answer = (struct rest_answer){
		.class = reading.class,
		.status = http->result == HTTP_ANSWERED ? http->status : 0,
		.text = reading.text,
		.retry_after_ms = reading.class == REST_TOKEN ? TOKEN_WAIT_MS : retry_after,
		.body = reading.body,
	};
	http_call_finish(http);
	call_end(c, &answer);
	json_decref(reading.body);
	if (!r->stopping)
		rest_pump(r);
}

static int call_encode(struct rest *r, struct rest_call *c)
{
	struct str url;
	char *body = c->body ? json_dumps(c->body, JSON_COMPACT) : NULL;
	bool cut;

	str_init(&url, URL_MAX);
	str_addf(&url, "%s%s%s", r->url, r->flavour->api, c->path);
	cut = url.cut;
	c->sent_url = str_take(&url);
	c->sent_body = body;
	c->http.body_len = body ? strlen(body) : 0;
	return cut || c->http.body_len > BODY_MAX ? -EMSGSIZE : c->body && !body ? -EINVAL : 0;
}

static void call_head(struct rest *r, struct rest_call *c)
{
	size_t n = 0;

	c->http.headers[n].name = "Accept";
	c->http.headers[n++].value = "application/json";
	/* Data Center: a write that names itself a browser's would be refused otherwise. */
	c->http.headers[n].name = "X-Atlassian-Token";
	c->http.headers[n++].value = "no-check";
	if (r->authorization) {
		c->http.headers[n].name = "Authorization";
		c->http.headers[n].value = r->authorization;
	}
	c->http.bearer = r->bearer;
}

/* 0, or on_done will not run. */
static int call_send(struct rest *r, struct rest_call *c, struct error *err)
{
	int rc;

	c->http = (struct http_call){ 0 };
	rc = call_encode(r, c);
	if (rc)
		return error_set(err, rc, "a call that is too large or no JSON");
	call_head(r, c);
	c->http.method = c->method ? c->method : "GET";
	c->http.url = c->sent_url;
	c->http.body = c->sent_body;
	c->http.content_type = c->sent_body ? "application/json" : NULL;
	c->http.ca_file = r->ca_file;
	c->http.response_max = REST_RESPONSE_MAX;
	c->http.on_done = on_http_done;
	c->http.ctx = c;
	if (!call_reads(c))
		CRASH_POINT("before-issue-call");
	rc = http_start(r->io, &c->http, err);
	if (rc)
		return rc;
	list_add(&r->running, c);
	return 0;
}

/* From the queue to the wire. */
static void call_go(struct rest *r, struct rest_call *c)
{
	struct error err;
	int rc;

	r->circuit.probing = c->probe = circuit_open(r);
	rc = call_send(r, c, &err);
	if (!rc)
		return;
	if (c->probe)
		r->circuit.probing = c->probe = false;
	call_give_back(c, rc == -ESHUTDOWN ? REST_RETRY : REST_REFUSED, err.text, 0);
}

enum pump_verdict { PUMP_NOTHING, PUMP_GO, PUMP_BACK, PUMP_DOWN };

/* The next call that goes, or is given back. Callbacks may start calls, so each round begins anew.
 */
static enum pump_verdict pump_next(
	struct rest *r, struct rest_call **out, int64_t *soonest, int64_t *wait)
{
	int64_t now = io_now(r->io);

	*soonest = -1;
	for (struct rest_call *c = r->waiting.first; c; c = c->next) {
		*out = c;
		if (!circuit_lets(r, wait))
			return PUMP_DOWN;
		if (r->running.count >= RUNNING_MAX)
			return PUMP_NOTHING; /* the next answer pumps again */
		*wait = call_turn(r, c);
		if (!*wait)
			return PUMP_GO;
		if (now + *wait > c->queued_at + REST_PATIENCE_MS)
			return PUMP_BACK;
		*soonest = *soonest < 0 || *wait < *soonest ? *wait : *soonest;
	}
	return PUMP_NOTHING;
}

static void rest_pump(struct rest *r)
{
	struct rest_call *c = NULL;
	enum pump_verdict verdict;
	int64_t soonest = -1, wait = 0;

	while (!r->stopping && (verdict = pump_next(r, &c, &soonest, &wait)) != PUMP_NOTHING) {
		list_remove(&r->waiting, c);
		c->waiting = false;
		if (verdict == PUMP_GO)
			call_go(r, c);
		else
			call_give_back(c, REST_RETRY,
				verdict == PUMP_DOWN ? r->circuit.why : "Jira says to slow down",
				wait);
	}
	if (!r->stopping && soonest >= 0)
		io_timer_start(r->timer, soonest);
}

int rest_start(struct rest *r, struct rest_call *c, struct error *err)
{
	if (r->stopping) {
		call_release(c);
		return error_set(err, -ESHUTDOWN, "the program is ending");
	}
	c->rest = r;
	c->waiting = true;
	c->queued_at = io_now(r->io);
	list_add(&r->waiting, c);
	io_timer_start(r->timer, 0);
	return 0;
}

void rest_stop(struct rest *r)
{
	r->stopping = true;
	io_timer_destroy(r->timer);
	r->timer = NULL;
	while (r->waiting.first) {
		struct rest_call *c = r->waiting.first;

		list_remove(&r->waiting, c);
		c->waiting = false;
		call_give_back(c, REST_RETRY, "the program is ending", 0);
	}
}

void rest_destroy(struct rest *r)
{
	if (!r)
		return;
	while (r->issues)
		issue_forget(r, r->issues);
	io_timer_destroy(r->timer);
	free(r->url);
	free(r->authorization);
	free(r->bearer);
	free(r->ca_file);
	free(r);
}
