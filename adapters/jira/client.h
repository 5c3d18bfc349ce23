#ifndef ADAPTERS_JIRA_CLIENT_H
#define ADAPTERS_JIRA_CLIENT_H
/*
 * Jira's REST API: one call, and what its answer means. I/O thread only. (PROTOCOLS: limits of Jira
 * Cloud; Data Center has the same statuses.)
 *
 * The caller owns the struct rest_call: zero it, fill in the first part, rest_start. on_done runs
 * exactly once, from the loop, also when io stops; if rest_start fails it does not run. Addresses
 * are made of the configured base and a path that the caller escaped (rest_escape); nothing that
 * stands in an answer is ever fetched.
 *
 * Pacing: all calls together keep to Jira's rate; writes to one issue to its own (20 in 2 s, 100 in
 * 30 s), which pauses that issue alone. A call that would have to wait longer than REST_PATIENCE_MS
 * is given back at once as REST_RETRY with the time to wait. 429 is kept even without pacing.
 *
 * The circuit: when Jira cannot be reached, is being restarted (503) or does not take the token, calls
 * are given back unsent for a while, the longer the more often; then one call goes as a probe, and
 * the others follow when it was answered.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/http_client.h"
#include "adapters/jira/flavour.h"
#include "base/error.h"
#include "base/json.h"

#define REST_PATIENCE_MS  5000
#define REST_RESPONSE_MAX (4u << 20)

enum rest_class {
	REST_OK,
	REST_RETRY,    /* certainly not done; may work later */
	REST_UNKNOWN,  /* may have been done (writes only) */
	REST_TOKEN,    /* not done: the token is no good; the operator must act, then it may work */
	REST_REFUSED,  /* 400 and the like: Jira says no, and will say so again */
	REST_FORBIDDEN, /* 403: the same, for want of a permission */
	REST_GONE,     /* 404 by Jira itself: no such thing, or not for us to see */
	REST_CONFLICT, /* 409: two at once; not done */
};

struct rest_answer {
	enum rest_class class;
	int status;		/* 0: none came */
	const char *text;	/* one sentence for people, with Jira's words; "" when OK */
	int64_t retry_after_ms; /* 0 = not said */
	json_t *body;		/* borrowed; NULL when there is no usable one */
};

/* What an answer means. Pure. denied: the login was refused although the status does not say so (Jira
 * then goes on as for a stranger). text: the sentence; body: new reference or NULL. */
struct rest_reading {
	enum rest_class class;
	char text[480];
	json_t *body;
};
void rest_read(bool reads, enum http_result result, int status, bool denied, const char *error_text,
	const char *p, size_t n, struct rest_reading *out);

/* Percent-encodes s for one part of a path or one value of a query. */
void rest_escape(struct str *out, const char *s);
void rest_base64(struct str *out, const char *p, size_t n);

struct rest;
struct rest_options {
	const char *url; /* ends with '/' */
	const struct flavour *flavour;
	const char *user; /* NULL: the token is sent as Bearer */
	const char *token;
	const char *ca_file;
	bool pacing;
};
/* Options are copied. */
struct rest *rest_create(struct io *io, const struct rest_options *options);
/* From the adapter's stop: what waits here is ended from rest_stop itself; what is under way by io. */
void rest_stop(struct rest *r);
void rest_destroy(struct rest *r); /* after io_run; accepts NULL */

struct rest_call {
	/* ---- by the caller ---- */
	const char *method; /* static; NULL: GET */
	const char *path;   /* behind the API's root, escaped: "issue/10001"; borrowed until on_done */
	json_t *body;	    /* owned by the call from rest_start on (also when it fails); NULL: none */
	const char *issue;  /* id, for the pacing of writes; borrowed until on_done; NULL */
	/* answer lasts until it returns. */
	void (*on_done)(struct rest_call *call, const struct rest_answer *answer);
	void *ctx;

	/* ---- private ---- */
	struct rest *rest;
	struct http_call http;
	char *sent_url, *sent_body;
	bool waiting, probe;
	int64_t queued_at;
	struct rest_call *prev, *next; /* rest.waiting or rest.running */
};

/* 0, or negative errno and on_done will not run: -ESHUTDOWN, -EINVAL, -EMSGSIZE. */
int rest_start(struct rest *r, struct rest_call *call, struct error *err);
static inline bool rest_call_running(const struct rest_call *call)
{
	return call->rest != NULL; /* until on_done begins */
}

#endif
