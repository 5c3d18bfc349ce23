#ifndef ADAPTERS_HTTP_API_ROOM_H
#define ADAPTERS_HTTP_API_ROOM_H
/*
 * What the files of the API know of one another. Not for others.
 *
 *   api.c         the adapter: who asks, who waits, what is answered
 *   api_routes.c  the table of routes, and bodies into requests; pure
 *   api_answer.c  replies into statuses and bodies; pure
 */
#include "base/str.h"
#include "config/config.h"
#include "incident/request.h"

#define API_BODY_MAX   65536
#define API_KEY_MAX    200 /* bytes of an Idempotency-Key */
#define API_FIELDS_MAX 8
#define API_PROBLEM    "application/problem+json"
#define API_JSON       "application/json"

/* A member of the body, and what the operation calls it. */
struct api_field {
	const char *name, *arg; /* NULL ends the list */
	bool required;
};

/* A route whose body names what is to be done. */
struct api_tool {
	const char *name;
	const char *operation; /* of the table; NULL ends the list */
	bool reads;
};

struct api_route {
	const char *method, *path; /* NULL ends the table */
	const char *operation;     /* NULL: `tools` says it: {"tool": …, "arguments": {…}} */
	const struct api_field *fields;
	const struct api_tool *tools;
	bool reads; /* changes nothing: always done anew, whatever key comes with it */
};
extern const struct api_route api_routes[];

/* What came, as far as it matters. */
struct api_ask {
	const char *token;        /* its name */
	const char *content_type; /* NULL: none was said */
	const char *key;          /* Idempotency-Key; NULL */
	const char *body;
	size_t len;
};

struct api_problem {
	int status;
	const char *code; /* the last word of its type */
	char detail[400];
};

/* 0 with *out to be submitted, or the status, which p explains. */
int api_read(const struct api_route *route, const struct api_ask *ask, struct request **out, struct api_problem *p);

const char *api_title(int status); /* "Not Found" */
void api_problem_text(struct str *out, const struct api_problem *p, json_t *fields_take);
/* What the operation answered: the status, with the body in out and its type. fields: of the route, NULL: none. */
int api_answer(const struct reply *reply, const struct api_route *route, const char *zone, int64_t now, struct str *out,
	const char **type);

#endif
