#ifndef BENCH_LOAD_SLACK_H
#define BENCH_LOAD_SLACK_H
/* What Slack says: answers of its Web API, the envelope of a slash command, and how an ack is read. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLACK_HELLO                                                                                \
	"{\"type\":\"hello\",\"num_connections\":1,\"connection_info\":{\"app_id\":\"A0LOAD\"},"   \
	"\"debug_info\":{\"host\":\"link-load\",\"approximate_connection_time\":18060}}"
#define SLACK_REFRESH                                                                              \
	"{\"type\":\"disconnect\",\"reason\":\"refresh_requested\","                               \
	"\"debug_info\":{\"host\":\"link-load\"}}"
#define SLACK_URL_PATH "/answers/" /* of response URLs; the number of the command follows */

struct slack_command {
	const char *command; /* "/inc" */
	const char *text;    /* {n}: the number of the command; {m}: of ten in turn, from 1 */
	int port;	     /* for the response URL */
	uint32_t nonce;	     /* of this run: an ack of another one is unknown */
};

#define SLACK_ENVELOPE_MAX 4096

/* The n-th envelope; its length, 0 when the text is too long. */
size_t slack_envelope(const struct slack_command *c, uint64_t number, char out[SLACK_ENVELOPE_MAX]);

enum ack { ACK_FINE, ACK_UNKNOWN, ACK_MALFORMED };
/* with_payload: it carries an answer. */
enum ack slack_ack(const char *p, size_t n, uint32_t nonce, uint64_t *number, bool *with_payload);

/* The answer to a call of the Web API; "ok" alone where nobody reads more. */
size_t slack_answer(const char *method, const char *body, int port, uint64_t serial, char *out, size_t size);

#endif
