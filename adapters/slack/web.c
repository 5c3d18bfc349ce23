#include "adapters/slack/web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <curl/curl.h>
#include <uthash.h>

#include "adapters/io.h"
#include "base/crash.h"
#include "base/log.h"

#define AREA "slack"

#define RUNNING_MAX 4 /* of the connections to one host; the others are for those who cannot wait  \
		       */
#define BODY_MAX	 (1u << 20)
#define CHANNEL_BURST	 3
#define CHANNEL_RATE_MS	 1000
#define CHANNELS_KEPT	 512
#define CLOSED_UNSAID_MS 10000 /* a 429 that does not say how long */
#define MINUTE		 60000.0

struct bucket {
	double left;
	int64_t filled_at;
};

struct method_state {
	const struct web_method *about;
	struct bucket bucket;
	int64_t closed_until; /* io_now: a 429 */
	bool said;	      /* that it is lacking */
	UT_hash_handle hh;
};

struct channel_state {
	char *channel;
	struct bucket bucket;
	UT_hash_handle hh;
};

struct call_list {
	struct web_call *first, *last;
	size_t count;
};

struct web {
	struct io *io;
	char *api_url, *app_token, *bot_token, *ca_file;
	bool pacing, stopping;
	bool token_bad; /* said so */
	struct method_state *methods;
	struct channel_state *channels;
	struct call_list waiting, running;
	struct io_timer *timer;
	int64_t ahead_ms;
};

static void *web_alloc(size_t n)
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

static void list_add(struct call_list *l, struct web_call *c)
{
	c->next = NULL;
	c->prev = l->last;
	*(l->last ? &l->last->next : &l->first) = c;
	l->last = c;
	l->count++;
}

static void list_remove(struct call_list *l, struct web_call *c)
{
	*(c->prev ? &c->prev->next : &l->first) = c->next;
	*(c->next ? &c->next->prev : &l->last) = c->prev;
	c->prev = c->next = NULL;
	l->count--;
}

static void web_pump(struct web *w);

static void web_on_timer(void *ctx)
{
	web_pump(ctx);
}

struct web *web_create(struct io *io, const struct web_options *options)
{
	struct web *w = web_alloc(sizeof(*w));

	w->io = io;
	w->api_url = copy(options->api_url);
	w->app_token = copy(options->app_token);
	w->bot_token = copy(options->bot_token);
	w->ca_file = copy(options->ca_file);
	w->pacing = options->pacing;
	w->timer = io_timer_create(io, web_on_timer, w);
	return w;
}

static struct method_state *method_state(struct web *w, const struct web_method *about)
{
	struct method_state *m = NULL;

	HASH_FIND_PTR(w->methods, &about, m);
	if (m)
		return m;
	m = web_alloc(sizeof(*m));
	m->about = about;
	m->bucket = (struct bucket){ about->per_minute / 2.0, io_now(w->io) };
	HASH_ADD_PTR(w->methods, about, m);
	return m;
}

static void channel_forget(struct web *w, struct channel_state *c)
{
	HASH_DEL(w->channels, c);
	free(c->channel);
	free(c);
}

static struct channel_state *channel_state(struct web *w, const char *channel)
{
	struct channel_state *c = NULL;

	HASH_FIND_STR(w->channels, channel, c);
	if (c)
		return c;
	/* The oldest goes first: uthash keeps the order of adding. */
	if (HASH_COUNT(w->channels) >= CHANNELS_KEPT)
		channel_forget(w, w->channels);
	c = web_alloc(sizeof(*c));
	c->channel = copy(channel);
	c->bucket = (struct bucket){ CHANNEL_BURST, io_now(w->io) };
	HASH_ADD_KEYPTR(hh, w->channels, c->channel, strlen(c->channel), c);
	return c;
}

/* ms until there is one to take; 0 = now. */
static int64_t bucket_wait(struct bucket *b, double most, double per_ms, int64_t now)
{
	b->left += (double)(now - b->filled_at) * per_ms;
	b->filled_at = now;
	if (b->left > most)
		b->left = most;
	return b->left >= 1 ? 0 : (int64_t)((1 - b->left) / per_ms) + 1;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* How long this call has to wait for its turn; takes its turn when that is 0. */
static int64_t call_turn(struct web *w, struct web_call *c)
{
	struct method_state *m;
	struct channel_state *ch = NULL;
	int64_t now = io_now(w->io), wait;

	if (!c->about)
		return 0;
	m = method_state(w, c->about);
	wait = later(0, m->closed_until - now);
	if (!w->pacing || c->urgent)
		return wait;
	if (c->about->per_minute)
		wait = later(wait, bucket_wait(&m->bucket, c->about->per_minute / 2.0,
					   c->about->per_minute / MINUTE, now));
	if (c->about->paced_by_channel && c->channel) {
		ch = channel_state(w, c->channel);
		wait = later(
			wait, bucket_wait(&ch->bucket, CHANNEL_BURST, 1.0 / CHANNEL_RATE_MS, now));
	}
	if (wait)
		return wait;
	m->bucket.left -= c->about->per_minute ? 1 : 0;
	if (ch)
		ch->bucket.left -= 1;
	return 0;
}

static void call_release(struct web_call *c)
{
	free(c->sent_url);
	free(c->sent_body);
	free(c->body);
	c->sent_url = c->sent_body = c->body = NULL;
	json_decref(c->args);
	c->args = NULL;
}

static void call_give_back(struct web_call *c, const char *why, int64_t retry_after_ms)
{
	struct web_answer answer = {
		.class = WEB_RETRY,
		.error = "",
		.text = why,
		.retry_after_ms = retry_after_ms,
	};

	call_release(c);
	c->on_done(c, &answer);
}

/* What the operator should know, each once. */
static void web_remark(struct web *w, struct web_call *c, const struct web_reading *r)
{
	struct method_state *m = c->about ? method_state(w, c->about) : NULL;

	if (m && r->class == WEB_LACKING && !m->said) {
		m->said = true;
		log_warn(AREA,
			"%s is not available to the app: %s. That is left out; `sitrep doctor` "
			"tells more",
			c->about->name, r->text);
	} else if (r->class == WEB_TOKEN && !w->token_bad) {
		w->token_bad = true;
		log_error(AREA, "Slack does not accept the token: %s", r->text);
	} else if (m && r->class == WEB_OK) {
		w->token_bad = false;
	}
}

static void look_at_clocks(struct web *w, const struct http_call *http)
{
	char date[64];
	time_t theirs = http_call_header(http, "Date", date, sizeof(date)) ? curl_getdate(date, NULL) : (time_t)-1;

	if (theirs != (time_t)-1)
		w->ahead_ms = ((int64_t)time(NULL) - (int64_t)theirs) * 1000;
}

int64_t web_ahead_ms(const struct web *w)
{
	return w->ahead_ms;
}

static void on_http_done(struct http_call *http)
{
	struct web_call *c = http->ctx;
	struct web *w = c->web;
	struct web_reading r;
	bool reads = c->about && c->about->reads;
	int64_t retry_after = http->retry_after_ms;

	if (!reads)
		CRASH_POINT("after-call");
	list_remove(&w->running, c);
	look_at_clocks(w, http);
	if (c->about) {
		web_read(reads, http->result, http->status, http->error_text, http->response.p,
			http->response.len, &r);
	} else { /* a response URL says "ok" in its own ways */
		web_read(false, http->result, http->status, http->error_text, "{\"ok\":true}", 11,
			&r);
		if (http->result == HTTP_ANSWERED && http->status >= 400 && http->status < 500 &&
			http->status != 429)
			r.class = WEB_REFUSED;
	}
	if (c->about && (!strcmp(r.error, "ratelimited") || !strcmp(r.error, "rate_limited"))) {
		retry_after = retry_after ? retry_after : CLOSED_UNSAID_MS;
		method_state(w, c->about)->closed_until = io_now(w->io) + retry_after;
	}
	web_remark(w, c, &r);
	struct web_answer answer = {
		.class = r.class,
		.error = r.error,
		.text = r.text,
		.retry_after_ms = retry_after,
		.body = r.body,
	};

	http_call_finish(http);
	call_release(c);
	c->on_done(c, &answer);
	json_decref(r.body);
	if (!w->stopping)
		web_pump(w);
}

static int call_encode(struct web *w, struct web_call *c)
{
	struct str url, body;
	bool reads = c->about && c->about->reads;

	str_init(&url, 4096);
	str_init(&body, BODY_MAX);
	if (c->url)
		str_add(&url, c->url);
	else
		str_addf(&url, "%s%s", w->api_url, c->method);
	if (c->raw || c->body) {
		/* goes out as it is */
	} else if (reads) {
		web_args_form(&body, c->args);
	} else if (c->args) {
		json_add(&body, c->args);
	} else {
		str_add(&body, "{}");
	}
	c->http.body_len = c->body ? strlen(c->body) : body.len;
	bool cut = url.cut || body.cut || c->http.body_len > BODY_MAX;

	c->sent_url = str_take(&url);
	c->sent_body = str_take(&body);
	return cut ? -EMSGSIZE : 0;
}

/* 0, or on_done will not run. */
static int call_send(struct web *w, struct web_call *c, struct error *err)
{
	bool reads = c->about && c->about->reads;
	int rc;

	c->http = (struct http_call){ 0 };
	rc = call_encode(w, c);
	if (rc)
		return error_set(err, rc, "a call that is too large");
	c->http.method = "POST";
	c->http.url = c->sent_url;
	c->http.body = c->body ? c->body : c->sent_body;
	if (c->raw) {
		c->http.body = c->raw;
		c->http.body_len = c->raw_len;
	}
	c->http.content_type =
		c->raw ? "application/octet-stream" :
		reads ? "application/x-www-form-urlencoded" : "application/json; charset=utf-8";
	if (c->about)
		c->http.bearer = c->about->app_token ? w->app_token : w->bot_token;
	c->http.ca_file = w->ca_file;
	c->http.total_timeout_ms = c->timeout_ms;
	c->http.response_max = WEB_RESPONSE_MAX;
	c->http.on_done = on_http_done;
	c->http.ctx = c;
	if (!reads)
		CRASH_POINT("before-call");
	rc = http_start(w->io, &c->http, err);
	if (rc)
		return rc;
	list_add(&w->running, c);
	return 0;
}

/* From the queue to the wire. A call that cannot even be started comes back as refused or for
 * later. */
static void call_go(struct web *w, struct web_call *c)
{
	struct error err;
	int rc = call_send(w, c, &err);
	struct web_answer answer = {
		.class = rc == -ESHUTDOWN ? WEB_RETRY : WEB_REFUSED,
		.error = "",
		.text = err.text,
	};

	if (!rc)
		return;
	call_release(c);
	c->on_done(c, &answer);
}

/* Lets go what may go. Callbacks may start and cancel calls, so each round begins anew. */
static struct web_call *pump_next(struct web *w, int64_t *soonest, int64_t *given_up)
{
	int64_t now = io_now(w->io);

	*soonest = -1;
	for (struct web_call *c = w->waiting.first; c; c = c->next) {
		int64_t wait;

		if (!c->urgent && w->running.count >= RUNNING_MAX)
			continue;
		wait = call_turn(w, c);
		*given_up = wait;
		if (!wait || now + wait > c->queued_at + WEB_PATIENCE_MS)
			return c;
		*soonest = *soonest < 0 || wait < *soonest ? wait : *soonest;
	}
	return NULL;
}

static void web_pump(struct web *w)
{
	int64_t soonest, wait;
	struct web_call *c;

	while (!w->stopping && (c = pump_next(w, &soonest, &wait))) {
		list_remove(&w->waiting, c);
		c->waiting = false;
		if (wait)
			call_give_back(c, "Slack asks to slow down", wait);
		else
			call_go(w, c);
	}
	if (!w->stopping && soonest >= 0)
		io_timer_start(w->timer, soonest);
}

int web_start(struct web *w, struct web_call *c, struct error *err)
{
	int rc = 0;

	c->web = w;
	c->about = c->url ? NULL : web_method_find(c->method);
	if (w->stopping)
		rc = error_set(err, -ESHUTDOWN, "the program is ending");
	else if (!c->url && !c->about)
		rc = error_set(err, -EINVAL, "no method %s", c->method);
	else if (c->about && !(c->about->app_token ? w->app_token : w->bot_token))
		rc = error_set(
			err, -EACCES, "there is no %s token", c->about->app_token ? "app" : "bot");
	if (!rc && c->urgent && !call_turn(w, c)) {
		rc = call_send(w, c, err);
	} else if (!rc) {
		c->waiting = true;
		c->queued_at = io_now(w->io);
		list_add(&w->waiting, c);
		io_timer_start(w->timer, 0);
	}
	if (rc)
		call_release(c);
	return rc;
}

void web_cancel(struct web_call *c)
{
	if (!c->waiting) {
		http_cancel(&c->http);
		return;
	}
	c->waiting = false;
	list_remove(&c->web->waiting, c);
	call_give_back(c, "cancelled", 0);
}

void web_call_finish(struct web_call *c)
{
	call_release(c);
}

void web_stop(struct web *w)
{
	w->stopping = true;
	io_timer_destroy(w->timer);
	w->timer = NULL;
	while (w->waiting.first)
		web_cancel(w->waiting.first);
}

void web_destroy(struct web *w)
{
	struct method_state *m, *next;

	if (!w)
		return;
	HASH_ITER(hh, w->methods, m, next)
	{
		HASH_DEL(w->methods, m);
		free(m);
	}
	while (w->channels)
		channel_forget(w, w->channels);
	io_timer_destroy(w->timer);
	free(w->api_url);
	free(w->app_token);
	free(w->bot_token);
	free(w->ca_file);
	free(w);
}
