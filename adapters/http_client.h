#ifndef ADAPTERS_HTTP_CLIENT_H
#define ADAPTERS_HTTP_CLIENT_H
/*
 * Outbound HTTP. I/O thread only.
 *
 * The caller owns the struct http_call: zero it, fill in the first part, http_start. on_done runs
 * exactly once, from the loop, also after http_cancel and at io_stop; if http_start fails it does
 * not run. The struct and all that it points to must last until then; http_call_finish releases the
 * answer.
 *
 * Redirects are not followed: the status says so. Connections are kept and used again, at most
 * HTTP_CONNECTIONS_PER_HOST at a time. A request with a body is never sent twice behind the
 * caller's back, not even when a kept connection turns out to be dead.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct io;

#define HTTP_CONNECTIONS_PER_HOST 6
#define HTTP_HEADERS_MAX          8
#define HTTP_HEAD_MAX             16384 /* bytes of answer headers that are kept */

enum http_result {
	HTTP_ANSWERED, /* the whole answer is here; see status */
	HTTP_NOT_SENT, /* certainly no byte of the request reached the server */
	HTTP_UNKNOWN,  /* it may have been done: the answer is lost, incomplete or too large */
};

struct http_call {
	/* ---- filled in by the caller, borrowed until on_done ---- */
	const char *method;       /* NULL: POST with a body, GET without */
	const char *url;          /* http or https */
	const char *bearer;       /* token for Authorization; never logged; NULL: none */
	const char *content_type; /* of body; NULL: none */
	struct {
		const char *name, *value;
	} headers[HTTP_HEADERS_MAX]; /* further ones, up to the first NULL name */
	const char *body;            /* NULL: none */
	size_t body_len;
	const char *ca_file;        /* PEM, trusted besides the system's; NULL: those alone */
	int64_t connect_timeout_ms; /* name, TCP and TLS; 0: 5 s */
	int64_t total_timeout_ms;   /* 0: 15 s; includes waiting for a free connection */
	size_t response_max;        /* bytes; 0: 4 MiB */
	void (*on_done)(struct http_call *call);
	void *ctx;

	/* ---- the answer, valid from on_done to http_call_finish ---- */
	enum http_result result;
	int error; /* 0 when answered, else negative errno: -ETIMEDOUT, -ECANCELED, -EMSGSIZE,
		    * -ENOENT (no such name), -ECONNREFUSED, -EPROTO (TLS or nonsense), -ECONNRESET
		    * (lost), -EIO */
	char error_text[256];   /* for people, without secrets; "" when answered */
	int status;             /* 0 when none came */
	struct str response;    /* body; p is NUL-terminated and never NULL in on_done */
	/* Retry-After in seconds or as a date; 0 when absent or past, at most an hour. */
	int64_t retry_after_ms;

	/* ---- private ---- */
	struct io *io;
	void *easy;
	struct curl_slist *list;
	struct str head;
	size_t body_at; /* bytes of body that curl took */
	bool too_large;
	int state;                     /* idle, running, ended */
	struct http_call *prev, *next; /* client.running or client.ended */
	char curl_error[256];
};

/* 0, or negative errno and on_done will not run: -EINVAL (URL, header), -ESHUTDOWN (io is
 * stopping). */
int http_start(struct io *io, struct http_call *call, struct error *err);
/* on_done follows from the loop, with -ECANCELED. Only between http_start and on_done. */
void http_cancel(struct http_call *call);
void http_call_finish(struct http_call *call); /* not while running; accepts a zeroed struct */

/* A header of the answer, ASCII case ignored; the last of several. False when absent. Cut to
 * size. */
bool http_call_header(const struct http_call *call, const char *name, char *out, size_t size);

#endif
