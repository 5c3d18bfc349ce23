#ifndef ADAPTERS_SLACK_INTERACTION_H
#define ADAPTERS_SLACK_INTERACTION_H
/* Private to the envelope: what its parts share, and the shapes of "interactive". */
#include "adapters/slack/envelope.h"

/* Borrowed from the payload; any may be NULL. Raw ids. */
struct envelope_facts {
	enum request_source source;
	enum slack_shape shape;
	int64_t received_at;
	const char *user, *user_name, *channel;
	const char *message_ts, *thread_ts;
	const char *response_url, *trigger_id, *event_id;
};

/* user must be a valid id; what else is no valid id is left out. Makes e a REQUEST. */
struct request *envelope_request(struct envelope *e, const struct envelope_facts *facts);
void envelope_reaction(struct request *r, const char *reaction);
void envelope_say(struct envelope *e, enum envelope_kind kind, const char *why);
void on_interaction(struct envelope *e, json_t *payload, int64_t received_at);

#endif
