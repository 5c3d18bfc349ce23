#ifndef SUPPORT_HTTP_H
#define SUPPORT_HTTP_H
/*
 * The HTTP server on a stage, with routes to ask, by raw sockets: each story is plain and blocking, on a thread of its own;
 * the loop is the test's. What a story finds is judged after the loop has ended, as cmocka's assertions work on the test's
 * thread alone.
 *
 * The routes: POST and GET /echo answer at once, and note what they saw; POST /keep answers after later_ms; GET /no is 401,
 * PUT /nothing 204.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/adapter.h"
#include "adapters/http/server.h"
#include "base/clock.h"
#include "config/config.h"

#define HTTP_BODY_MAX	 20000
#define HTTP_DEADLINE_MS 3000 /* where it is not what is tested: a busy machine must not matter */
#define HTTP_SHORT_MS	 400

#define HOST "Host: x\r\n"

struct http_stage {
	struct adapter_host host;
	struct config config;
	struct http_server *server; /* NULL until it is opened */
	/* What the routes saw. */
	size_t body_len;
	int calls;
	char body[HTTP_BODY_MAX + 1], header[64], absent[64], peer[64];
	/* Requests that a route kept. */
	struct http_request *kept[300];
	int kept_count;
	int later_ms; /* when they are answered; < 0: never */
	atomic_int arrived;
	/* What the peers got, by the number of the question. */
	struct {
		char text[4096];
		bool ended; /* whole, and if it is all: the connection closed */
		int64_t took_ms;
	} heard[64];
};
extern struct http_stage http_stage;

void http_prepare(void); /* all is forgotten; the config may be changed until the server is opened */
void http_open(void);
void http_play(void (*story)(void)); /* opens when that was not done; the server has stopped afterwards */
void http_finish(void);

/* ---- for stories: nothing read is waited for longer than 8 s ---- */

int http_dial(void); /* -1: nobody listens */
/* What comes until the peer closes. False: it did not. */
bool http_read_all(int fd, char *out, size_t size);
/* One answer, as long as its Content-Length says. */
bool http_read_one(int fd, char *out, size_t size);
/* The same as the nth answer. */
void http_hear_all(int fd, int nth);
void http_hear_one(int fd, int nth);
/* Sends the text on a connection of its own and hears until the server closes it. */
void http_ask(int nth, const char *request);

/* ---- for afterwards ---- */

void http_heard_is(int nth, int status);
void http_heard_has(int nth, const char *text);
/* The server's own refusal: whole, and the connection closed. */
void http_refusal_is(int nth, int status);

#endif
