#ifndef ADAPTERS_SLACK_ROOM_H
#define ADAPTERS_SLACK_ROOM_H
/* Private to the room: its one struct, and what its files share. I/O thread only. */
#include "adapters/backlog.h"
#include "adapters/slack/envelope.h"
#include "adapters/slack/slack.h"
#include "adapters/slack/socket_mode.h"
#include "adapters/slack/web.h"

#define SLACK_AREA    "slack"
#define SLACK_PREFIX  "slack:"
#define ACK_BYTES_MAX 19900 /* answers of 20 KB and more vanish */
#define UNKNOWN_TYPES 8

struct courier; /* answer.c */
struct job;	/* job.c */
struct slack_names;

struct slack {
	struct adapter adapter; /* first */
	struct web *web;
	struct socket_mode *sockets;
	struct backlog backlog;
	char *api_url, *app_token, *bot_token, *ca_file;
	int connections;
	bool pacing, stopping;
	/* Who we are, once auth.test has said; NULL before. */
	struct {
		char *user_id, *team_url;
		struct web_call call;
		struct io_timer *again;
	} self;
	struct courier *couriers;
	size_t courier_count;
	uint64_t given_up; /* answers for which there was no courier */
	struct job *jobs;
	struct slack_names *channels; /* names → ids */
	char *missing; /* a name that was not among them, until missing_until (ms of the loop) */
	int64_t missing_until;
	struct slack_names *directs; /* users → ids of their direct messages */
	char unknown_said[UNKNOWN_TYPES][64];
	uint64_t bad_envelopes;
};

static inline struct slack *slack_of(struct adapter *a)
{
	return (struct slack *)(void *)a;
}

int64_t slack_now(struct slack *s); /* wall, ms */
void *slack_alloc(size_t n);	    /* zeroed; aborts without memory */
char *slack_strdup(const char *s);  /* NULL stays NULL */

/* One ack on the socket that delivered it; payload: JSON text, may be NULL. -EMSGSIZE: too large
 * for an ack; -ENOTCONN: that socket is gone. Nothing was sent then. */
int slack_ack(
	struct slack *s, int64_t generation, const char *envelope_id, const struct str *payload);

void slack_answer(struct adapter *a, struct answer *take);
void slack_answer_stop(struct slack *s);

void slack_perform(struct adapter *a, struct effect *take);
void slack_perform_stop(struct slack *s);

/* A small map of strings that came from Slack; forgets the oldest when full. */
struct slack_names *slack_names_create(void);
const char *slack_names_get(struct slack_names *n, const char *key); /* NULL: not known */
void slack_names_put(struct slack_names *n, const char *key, const char *value);
bool slack_names_drop(struct slack_names *n, const char *key); /* false: was not known */
void slack_names_destroy(struct slack_names *n);	       /* accepts NULL */

#endif
