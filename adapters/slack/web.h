#ifndef ADAPTERS_SLACK_WEB_H
#define ADAPTERS_SLACK_WEB_H
/*
 * Slack's Web API: what a call's answer means, and calls kept to the published pace.
 *
 * The caller owns the struct web_call: zero it, fill in the first part, web_start. on_done runs
 * exactly once, from the loop, also after web_cancel and when io stops; if web_start fails it does
 * not run.
 *
 * Pacing: each method has its rate a minute; posts also one a second in a channel, with a small
 * burst. 429 closes the method until Retry-After has passed; a call that would have to wait longer
 * than WEB_PATIENCE_MS is given back at once as WEB_RETRY with the time to wait.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/http_client.h"
#include "base/error.h"
#include "base/json.h"

#define WEB_PATIENCE_MS	 5000
#define WEB_RESPONSE_MAX (4u << 20)

enum web_class {
	WEB_OK,
	WEB_ALREADY, /* ok:false, but it is as it should be: already_pinned … */
	WEB_RETRY,   /* certainly not done; may work later */
	WEB_UNKNOWN, /* may have been done */
	WEB_REFUSED, /* certainly not done and never will be */
	WEB_LACKING, /* the same: the workspace or the app lacks the method or the scope */
	WEB_TOKEN,   /* not done: the token is no good; the operator must act, then it may work */
};

struct web_answer {
	enum web_class class;
	const char *error;	/* Slack's name of it ("not_in_channel"), "" when there was none */
	const char *text;	/* one sentence for people; "" when OK */
	int64_t retry_after_ms; /* 0 = not said */
	json_t *body;		/* borrowed; NULL when there is no usable one */
};

struct web_method {
	const char *name;
	bool reads;	/* form encoded; a lost answer is no harm */
	bool app_token; /* xapp-, not xoxb- */
	int per_minute; /* 0: not paced */
	bool paced_by_channel;
};
const struct web_method *web_method_find(const char *name); /* NULL: no such */

/* What an answer means. Pure. text: for the sentence; body: new reference or NULL. */
struct web_reading {
	enum web_class class;
	char error[80];
	char text[400];
	json_t *body;
};
void web_read(bool reads, enum http_result result, int status, const char *error_text,
	const char *p, size_t n, struct web_reading *out);
enum web_class web_error_class(const char *error, bool reads);

struct web;
struct web_call;

struct web_options {
	const char *api_url; /* ends with '/' */
	const char *app_token, *bot_token, *ca_file;
	bool pacing;
};
/* Options are copied. */
struct web *web_create(struct io *io, const struct web_options *options);
/* From the adapter's stop: what waits here is ended (WEB_RETRY) from web_stop itself; what is under
 * way is ended by io. */
void web_stop(struct web *w);
void web_destroy(struct web *w); /* after io_run; accepts NULL */
/* So far our clock was ahead of Slack's at its last answer (0 until there was one), ms; exact to a second or two. */
int64_t web_ahead_ms(const struct web *w);

struct web_call {
	/* ---- by the caller ---- */
	const char *method; /* static; one of the table */
	json_t *args;	 /* owned by the call from web_start on (also when it fails); may be NULL */
	char *body;	 /* JSON text instead of args, on the heap; owned likewise */
	const char *url; /* instead of method: args go there as JSON, without a token; borrowed */
	/* With url: these bytes instead of args, as they are; borrowed until on_done. */
	const char *raw;
	size_t raw_len;
	const char *channel; /* for pacing; borrowed until on_done; NULL */
	bool urgent;	     /* not paced: somebody waits three seconds at most */
	int64_t timeout_ms;  /* 0: 15 s */
	/* answer lasts until it returns. */
	void (*on_done)(struct web_call *call, const struct web_answer *answer);
	void *ctx;

	/* ---- private ---- */
	struct web *web;
	const struct web_method *about;
	struct http_call http;
	char *sent_url, *sent_body;
	bool waiting;
	int64_t queued_at;
	struct web_call *prev, *next; /* web.waiting or web.running */
};

int web_start(struct web *w, struct web_call *call, struct error *err);
/* on_done follows, or ran from here when the call was only waiting. */
void web_cancel(struct web_call *call);
void web_call_finish(struct web_call *call);	   /* not while running; accepts a zeroed struct */
void web_args_form(struct str *out, json_t *args); /* form encoding, as sent */

#endif
