#include "slack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_MAX    1024
#define PEOPLE	    50
#define ID_LEN	    36
#define ARGUMENT_MAX   80

/* ---- envelopes ---- */

/* The text as the inside of a JSON string; 0 when it does not fit. */
static size_t text_put(const char *text, uint64_t number, char out[TEXT_MAX])
{
	size_t n = 0;

	while (*text && n < TEXT_MAX - 32) {
		bool counts = strncmp(text, "{n}", 3) == 0, turns = strncmp(text, "{m}", 3) == 0;

		if (counts || turns) {
			n += (size_t)sprintf(out + n, "%" PRIu64, counts ? number : number % 10 + 1);
			text += 3;
			continue;
		}
		if (*text == '"' || *text == '\\')
			out[n++] = '\\';
		out[n++] = *text++;
	}
	out[n] = '\0';
	return *text ? 0 : n;
}

size_t slack_envelope(const struct slack_command *c, uint64_t number, char out[SLACK_ENVELOPE_MAX])
{
	char text[TEXT_MAX];
	unsigned person = (unsigned)(number % PEOPLE);
	int n;

	if (!text_put(c->text, number, text))
		return 0;
	n = snprintf(out, SLACK_ENVELOPE_MAX,
		"{\"envelope_id\":\"%08" PRIx32 "-7a5c-4e21-9b04-%012" PRIx64 "\",\"type\":\"slash_commands\","
		"\"accepts_response_payload\":true,\"payload\":{\"token\":\"n0s3cr3tn0s3cr3tn0s3cr3t\","
		"\"team_id\":\"T0LOAD\",\"team_domain\":\"load\",\"channel_id\":\"C0GENERAL\","
		"\"channel_name\":\"general\",\"user_id\":\"U0PERSON%02u\",\"user_name\":\"person%02u\","
		"\"command\":\"%s\",\"text\":\"%s\",\"api_app_id\":\"A0LOAD\","
		"\"is_enterprise_install\":\"false\","
		"\"response_url\":\"http:\\/\\/127.0.0.1:%d\\/answers\\/%" PRIu64 "\\/%08" PRIx32 "\","
		"\"trigger_id\":\"%" PRIu64 ".%" PRIu32 ".d41d8cd98f00b204e9800998ecf8427e\"}}",
		c->nonce, number, person, person, c->command, text, c->port, number, c->nonce,
		UINT64_C(7000000000000) + number, c->nonce);
	return n > 0 && n < SLACK_ENVELOPE_MAX ? (size_t)n : 0;
}

/* ---- acks ---- */

/* The closing quote of the string that begins at p, behind its opening one; NULL when there is none. */
static const char *string_end(const char *p, const char *end)
{
	while ((p = memchr(p, '"', (size_t)(end - p)))) {
		const char *back = p;

		while (back[-1] == '\\')
			back--;
		if ((p - back) % 2 == 0)
			return p;
		p++;
	}
	return NULL;
}

struct ack_reading {
	const char *id;
	size_t id_len;
	bool payload;
};

static bool is_name(const char *p, size_t n, const char *name)
{
	return n == strlen(name) && memcmp(p, name, n) == 0;
}

/* Walks the text by its strings and brackets. A member of the outer object is a string that a colon
 * follows; everything deeper belongs to the payload, the only member that may have any. */
static bool ack_walk(const char *p, const char *end, struct ack_reading *r)
{
	const char *name = NULL;
	size_t name_len = 0;
	bool value = false;
	int depth = 0;

	for (; p < end; p++) {
		if (*p == '"') {
			const char *from = p + 1;

			p = string_end(from, end);
			if (!p || !depth)
				return false;
			if (depth > 1 || (value && is_name(name, name_len, "payload"))) {
				r->payload |= is_name(name, name_len, "payload");
			} else if (!value) {
				name = from;
				name_len = (size_t)(p - from);
			} else if (is_name(name, name_len, "envelope_id")) {
				r->id = from;
				r->id_len = (size_t)(p - from);
			}
			continue;
		}
		depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
		if (depth == 1)
			value = (value || *p == ':') && *p != ',';
		if (depth < 0 || (depth == 0 && p + 1 != end))
			return false;
	}
	return depth == 0 && r->id;
}

enum ack slack_ack(const char *p, size_t n, uint32_t nonce, uint64_t *number, bool *with_payload)
{
	struct ack_reading r = { 0 };
	char head[9] = "", tail[13] = "", *stop;

	if (n < 2 || *p != '{' || !ack_walk(p, p + n, &r))
		return ACK_MALFORMED;
	*with_payload = r.payload;
	if (r.id_len != ID_LEN)
		return ACK_UNKNOWN;
	memcpy(head, r.id, 8);
	memcpy(tail, r.id + ID_LEN - 12, 12);
	*number = strtoull(tail, &stop, 16);
	return *stop || strtoul(head, NULL, 16) != nonce ? ACK_UNKNOWN : ACK_FINE;
}

/* ---- the Web API ---- */

/* The value of a string argument, of a form or of JSON, as far as an id or a name goes. */
static void argument(const char *body, const char *name, const char *otherwise, char out[ARGUMENT_MAX])
{
	char form[32], json[32];
	const char *p;
	size_t n;

	snprintf(form, sizeof(form), "%s=", name);
	snprintf(json, sizeof(json), "\"%s\":\"", name);
	if ((p = strstr(body, json)))
		p += strlen(json);
	else if ((p = strstr(body, form)) && (p == body || p[-1] == '&'))
		p += strlen(form);
	else
		p = otherwise;
	n = strcspn(p, "\"&\\%");
	snprintf(out, ARGUMENT_MAX, "%.*s", (int)(n < ARGUMENT_MAX ? n : 0), n ? p : otherwise);
}

struct call {
	const char *body;
	int port;
	uint64_t serial;
	char *out;
	size_t size;
};

static int say_open(const struct call *c)
{
	return snprintf(c->out, c->size, "{\"ok\":true,\"url\":\"ws://127.0.0.1:%d/link/%" PRIu64 "\"}", c->port,
		c->serial);
}

static int say_self(const struct call *c)
{
	return snprintf(c->out, c->size,
		"{\"ok\":true,\"url\":\"https://load.example/\",\"team\":\"load\",\"user\":\"bot\","
		"\"team_id\":\"T0LOAD\",\"user_id\":\"U0BOT\",\"bot_id\":\"B0BOT\",\"app_id\":\"A0LOAD\"}");
}

static int say_message(const struct call *c)
{
	char channel[ARGUMENT_MAX];

	argument(c->body, "channel", "C0GENERAL", channel);
	if (*channel == '#')
		strcpy(channel, "C0INCIDENTS");
	return snprintf(c->out, c->size,
		"{\"ok\":true,\"channel\":\"%s\",\"ts\":\"1700000000.%06" PRIu64 "\","
		"\"message_ts\":\"1700000000.%06" PRIu64 "\",\"message\":{\"type\":\"message\",\"user\":\"U0BOT\"}}",
		channel, c->serial % 1000000, c->serial % 1000000);
}

static int say_channel(const struct call *c)
{
	char name[ARGUMENT_MAX];

	argument(c->body, "name", "general", name);
	return snprintf(c->out, c->size,
		"{\"ok\":true,\"channel\":{\"id\":\"C1%08" PRIX64 "\",\"name\":\"%s\",\"created\":%lld,"
		"\"creator\":\"U0BOT\",\"is_channel\":true,\"is_member\":true}}",
		c->serial, name, (long long)time(NULL));
}

static int say_channels(const struct call *c)
{
	return snprintf(c->out, c->size,
		"{\"ok\":true,\"channels\":[{\"id\":\"C0GENERAL\",\"name\":\"general\",\"is_member\":true},"
		"{\"id\":\"C0INCIDENTS\",\"name\":\"incidents\",\"is_member\":true}],"
		"\"response_metadata\":{\"next_cursor\":\"\"}}");
}

static int say_person(const struct call *c)
{
	char user[ARGUMENT_MAX];

	argument(c->body, "user", "U0PERSON00", user);
	return snprintf(c->out, c->size,
		"{\"ok\":true,\"user\":{\"id\":\"%s\",\"name\":\"%s\",\"real_name\":\"%s\",\"tz\":\"UTC\","
		"\"tz_offset\":0,\"profile\":{\"display_name\":\"%s\"}}}",
		user, user, user, user);
}

static int say_permalink(const struct call *c)
{
	return snprintf(c->out, c->size,
		"{\"ok\":true,\"channel\":\"C0GENERAL\",\"permalink\":\"https://load.example/archives/p%" PRIu64 "\"}",
		c->serial);
}

static int say_nothing_there(const struct call *c)
{
	return snprintf(c->out, c->size,
		"{\"ok\":true,\"messages\":[],\"bookmarks\":[],\"has_more\":false,"
		"\"response_metadata\":{\"next_cursor\":\"\"}}");
}

static int say_thing(const struct call *c)
{
	return snprintf(c->out, c->size,
		"{\"ok\":true,\"bookmark\":{\"id\":\"Bk%" PRIu64 "\"},\"view\":{\"id\":\"V%" PRIu64 "\"},"
		"\"file_id\":\"F%" PRIu64 "\",\"upload_url\":\"http://127.0.0.1:%d/upload/%" PRIu64 "\"}",
		c->serial, c->serial, c->serial, c->port, c->serial);
}

static const struct {
	const char *method;
	int (*say)(const struct call *c);
} says[] = {
	{ "apps.connections.open", say_open },
	{ "auth.test", say_self },
	{ "bookmarks.list", say_nothing_there },
	{ "chat.getPermalink", say_permalink },
	{ "chat.postEphemeral", say_message },
	{ "chat.postMessage", say_message },
	{ "chat.update", say_message },
	{ "conversations.create", say_channel },
	{ "conversations.history", say_nothing_there },
	{ "conversations.info", say_channel },
	{ "conversations.list", say_channels },
	{ "conversations.open", say_channel },
	{ "conversations.replies", say_nothing_there },
	{ "users.info", say_person },
};

size_t slack_answer(const char *method, const char *body, int port, uint64_t serial, char *out, size_t size)
{
	struct call c = { .body = body, .port = port, .serial = serial, .out = out, .size = size };
	int (*say)(const struct call *) = say_thing;
	int n;

	for (size_t i = 0; i < sizeof(says) / sizeof(*says); i++) {
		if (strcmp(says[i].method, method) == 0)
			say = says[i].say;
	}
	n = say(&c);
	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}
