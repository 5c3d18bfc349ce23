#ifndef ADAPTERS_VISIT_H
#define ADAPTERS_VISIT_H
/* One HTTP call that blocks, for what runs instead of the bot (`sitrep doctor`), never inside it.
 * Redirects are not followed; at most 10 s. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/http_client.h"

#define VISIT_HEAD_MAX 16384

struct visit {
	/* ---- filled in by the caller, borrowed ---- */
	const char *url;
	const char *authorization; /* the whole value of the header; NULL: none */
	const char *form;	   /* sent by POST; NULL: GET */
	const char *ca_file;	   /* PEM; NULL: the system's */
	size_t response_max;	   /* bytes */

	/* ---- the answer, until visit_finish ---- */
	enum http_result result;
	char error[256]; /* for people; "" when answered */
	int status;
	struct str body; /* p is never NULL */
	int64_t date;	 /* the server's clock, s; 0: not said */
	struct str head; /* header lines */
};

void visit_make(struct visit *v);
/* A header of the answer, ASCII case ignored. False when absent. Cut to size. */
bool visit_header(const struct visit *v, const char *name, char *out, size_t size);
void visit_finish(struct visit *v);

/* Only connects, with TLS for https and wss. False with why. */
bool visit_connect(const char *url, const char *ca_file, char *why, size_t size);

#endif
