#include "adapters/slack/envelope.h"

#include <stdio.h>
#include <string.h>

#include "adapters/slack/interaction.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "base/text.h"

#define KEY_ENVELOPE   "slack:envelope:"
#define KEY_TRIGGER    "slack:trigger:"
#define NAME_BYTES_MAX 200
#define KEY_EVENT      "slack:event:"

struct envelope_type {
	const char *name;
	bool from_person; /* somebody waits for an answer */
	void (*read)(struct envelope *e, json_t *payload, int64_t received_at);
};

static bool envelope_copy(char *out, size_t size, const char *s)
{
	size_t n = s ? strlen(s) : 0;

	if (!n || n >= size)
		return false;
	memcpy(out, s, n + 1);
	return true;
}

void envelope_say(struct envelope *e, enum envelope_kind kind, const char *why)
{
	e->kind = kind;
	snprintf(e->why, sizeof(e->why), "%.*s", (int)sizeof(e->why) - 1, why);
}

/* Ids of Slack are capital letters and digits; what is not is no id, and never becomes part of a
 * key. */
bool slack_id_valid(const char *id)
{
	size_t n = 0;

	if (!id)
		return false;
	for (; id[n]; n++) {
		bool fine = (id[n] >= 'A' && id[n] <= 'Z') || (id[n] >= '0' && id[n] <= '9');

		if (!fine || n > 30)
			return false;
	}
	return n > 1;
}

bool slack_ts_valid(const char *ts)
{
	size_t dots = 0, n = 0;

	if (!ts)
		return false;
	for (; ts[n]; n++) {
		dots += ts[n] == '.';
		if ((ts[n] != '.' && (ts[n] < '0' || ts[n] > '9')) || n > 30)
			return false;
	}
	return n > 2 && dots == 1;
}

static char *envelope_id_copy(struct arena *a, const char *id)
{
	return slack_id_valid(id) ? arena_strdup(a, id) : NULL;
}

/* Keys are stored for days; what is longer than any id of Slack's is none. */
static void envelope_key(struct request *r, const char *prefix, const char *value)
{
	if (value && strlen(value) <= ENVELOPE_ID_MAX)
		request_add_key(r, prefix, value);
}

struct request *envelope_request(struct envelope *e, const struct envelope_facts *facts)
{
	struct request *r = request_create(facts->source);
	struct slack_handle *h = arena_alloc(r->arena, sizeof(*h));
	const char *name = facts->user_name;

	h->shape = facts->shape;
	h->envelope_id = arena_strdup(r->arena, e->envelope_id);
	h->user = arena_strdup(r->arena, facts->user);
	h->channel = envelope_id_copy(r->arena, facts->channel);
	h->response_url = arena_strdup(r->arena, facts->response_url);
	h->trigger_id = arena_strdup(r->arena, facts->trigger_id);
	r->handle = h;
	r->received_at = facts->received_at;
	r->actor.person = arena_printf(r->arena, "slack:%s", facts->user);
	if (name && *name)
		r->actor.name = arena_strndup(r->arena, name, text_cut(name, NAME_BYTES_MAX));
	if (h->channel)
		r->place.channel = arena_printf(r->arena, "slack:%s", h->channel);
	if (h->channel && slack_ts_valid(facts->message_ts))
		r->place.message =
			arena_printf(r->arena, "slack:%s/%s", h->channel, facts->message_ts);
	if (h->channel && slack_ts_valid(facts->thread_ts)) {
		h->thread_ts = arena_strdup(r->arena, facts->thread_ts);
		r->place.thread =
			arena_printf(r->arena, "slack:%s/%s", h->channel, facts->thread_ts);
	}
	r->can_open_form = facts->trigger_id && *facts->trigger_id;
	envelope_key(r, KEY_EVENT, facts->event_id);
	envelope_key(r, KEY_TRIGGER, facts->trigger_id);
	envelope_key(r, KEY_ENVELOPE, e->envelope_id);
	e->kind = ENVELOPE_REQUEST;
	e->request = r;
	return r;
}

static void on_slash_command(struct envelope *e, json_t *payload, int64_t received_at)
{
	const char *text = json_get_str(payload, "text");
	struct envelope_facts facts = {
		.source = REQUEST_CHAT,
		.shape = SHAPE_COMMAND,
		.received_at = received_at,
		.user = json_get_str(payload, "user_id"),
		.user_name = json_get_str(payload, "user_name"),
		.channel = json_get_str(payload, "channel_id"),
		.response_url = json_get_str(payload, "response_url"),
		.trigger_id = json_get_str(payload, "trigger_id"),
	};

	if (!slack_id_valid(facts.user)) {
		envelope_say(e, ENVELOPE_BAD, "a command without a user_id");
		return;
	}
	if (!text && json_object_get(payload, "text")) {
		envelope_say(e, ENVELOPE_BAD, "a command whose text is no string");
		return;
	}
	struct request *r = envelope_request(e, &facts);

	/* Slack's escapes stay in it: the language knows mentions and entities. */
	r->words = arena_strdup(r->arena, text ? text : "");
}

static void on_reaction(struct envelope *e, json_t *event, struct envelope_facts *facts)
{
	const char *reaction = json_get_str(event, "reaction");
	json_t *item = json_get_obj(event, "item");
	const char *kind = json_get_str(item, "type");

	facts->user = json_get_str(event, "user");
	facts->channel = json_get_str(item, "channel");
	facts->message_ts = json_get_str(item, "ts");
	if (!reaction || strcmp(reaction, PIN_REACTION) != 0 || !kind ||
		strcmp(kind, "message") != 0) {
		envelope_say(e, ENVELOPE_IGNORED, "a reaction that means nothing here");
		return;
	}
	if (!slack_id_valid(facts->user) || !slack_id_valid(facts->channel) ||
		!slack_ts_valid(facts->message_ts)) {
		envelope_say(e, ENVELOPE_BAD, "a reaction without user, channel or ts");
		return;
	}
	envelope_reaction(envelope_request(e, facts), reaction);
}

void envelope_reaction(struct request *r, const char *reaction)
{
	r->operation = "reaction.added";
	r->args = json_object();
	json_object_set_new(r->args, "reaction", json_string(reaction));
	json_object_set_new(r->args, "channel", json_string(r->place.channel));
	json_object_set_new(r->args, "message", json_string(r->place.message));
}

static void on_home_opened(struct envelope *e, json_t *event, struct envelope_facts *facts)
{
	const char *tab = json_get_str(event, "tab");

	facts->user = json_get_str(event, "user");
	if (tab && strcmp(tab, "home") != 0) {
		envelope_say(e, ENVELOPE_IGNORED, "another tab of the app was opened");
		return;
	}
	if (!slack_id_valid(facts->user)) {
		envelope_say(e, ENVELOPE_BAD, "app_home_opened without a user");
		return;
	}
	envelope_request(e, facts)->operation = "home.opened";
}

static const struct event_type {
	const char *name;
	void (*read)(struct envelope *e, json_t *event, struct envelope_facts *facts);
} event_types[] = {
	{ "reaction_added", on_reaction },
	{ "app_home_opened", on_home_opened },
};

static void on_event(struct envelope *e, json_t *payload, int64_t received_at)
{
	json_t *event = json_get_obj(payload, "event");
	const char *type = json_get_str(event, "type");
	struct envelope_facts facts = {
		.source = REQUEST_EVENT,
		.shape = SHAPE_EVENT,
		.received_at = received_at,
		.event_id = json_get_str(payload, "event_id"),
	};

	if (!type) {
		envelope_say(e, ENVELOPE_BAD, "an event without a type");
		return;
	}
	for (size_t i = 0; i < sizeof(event_types) / sizeof(*event_types); i++) {
		if (strcmp(type, event_types[i].name) != 0)
			continue;
		event_types[i].read(e, event, &facts);
		return;
	}
	envelope_say(e, ENVELOPE_IGNORED, "an event that means nothing here");
}

static const struct envelope_type envelope_types[] = {
	{ "slash_commands", true, on_slash_command },
	{ "interactive", true, on_interaction },
	{ "events_api", false, on_event },
};

static const struct envelope_type *envelope_type_find(const char *name)
{
	for (size_t i = 0; name && i < sizeof(envelope_types) / sizeof(*envelope_types); i++) {
		if (strcmp(name, envelope_types[i].name) == 0)
			return &envelope_types[i];
	}
	return NULL;
}

static const struct {
	const char *name;
	enum disconnect_reason reason;
} disconnect_reasons[] = {
	{ "warning", DISCONNECT_WARNING },
	{ "refresh_requested", DISCONNECT_REFRESH },
	{ "link_disabled", DISCONNECT_LINK_DISABLED },
	{ "too_many_websockets", DISCONNECT_TOO_MANY },
};

static void on_disconnect(struct envelope *e, const json_t *root)
{
	const char *reason = json_get_str(root, "reason");

	e->reason = DISCONNECT_OTHER;
	for (size_t i = 0; reason && i < sizeof(disconnect_reasons) / sizeof(*disconnect_reasons);
		i++) {
		if (strcmp(reason, disconnect_reasons[i].name) == 0)
			e->reason = disconnect_reasons[i].reason;
	}
	envelope_say(e, ENVELOPE_DISCONNECT, reason ? reason : "no reason given");
}

static void on_hello(struct envelope *e, json_t *root)
{
	json_t *debug = json_get_obj(root, "debug_info");

	e->kind = ENVELOPE_HELLO;
	e->num_connections = json_get_int(root, "num_connections", 0);
	e->session_s = json_get_int(debug, "approximate_connection_time", 0);
}

/* Nothing below trusts that fields of one type of message are absent from another: `type` decides.
 */
static void envelope_sort(struct envelope *e, json_t *root, int64_t received_at)
{
	const char *type = json_get_str(root, "type");
	const struct envelope_type *known = envelope_type_find(type);

	envelope_copy(e->envelope_id, sizeof(e->envelope_id), json_get_str(root, "envelope_id"));
	if (!type || !envelope_copy(e->type, sizeof(e->type), type)) {
		envelope_say(e, ENVELOPE_BAD, "no type");
	} else if (strcmp(type, "hello") == 0) {
		on_hello(e, root);
	} else if (strcmp(type, "disconnect") == 0) {
		on_disconnect(e, root);
	} else if (!known) {
		envelope_say(e, ENVELOPE_UNKNOWN, "unknown type");
	} else if (!*e->envelope_id) {
		envelope_say(e, ENVELOPE_BAD, "no envelope_id");
	} else if (!json_get_obj(root, "payload")) {
		envelope_say(e, ENVELOPE_BAD, "the payload is no object");
	} else {
		known->read(e, json_get_obj(root, "payload"), received_at);
	}
	e->wants_words = e->kind == ENVELOPE_BAD && known && known->from_person;
}

void envelope_read(const char *p, size_t n, int64_t received_at, struct envelope *out)
{
	JSON_CLEANUP json_t *root = NULL;
	struct error err;

	*out = (struct envelope){ 0 };
	if (json_parse(p, n, ENVELOPE_MAX, &root, &err) == 0 && json_is_object(root)) {
		envelope_sort(out, root, received_at);
		return;
	}
	envelope_say(out, ENVELOPE_BAD, root ? "no object" : err.text);
	envelope_scan_id(p, n, out->envelope_id);
}

/* The end of the string that begins behind the quote at p, on its closing quote; NULL when cut off.
 */
static const char *scan_string(const char *p, const char *end)
{
	for (; p < end && *p != '"'; p++) {
		if (*p == '\\')
			p++;
	}
	return p < end ? p : NULL;
}

static const char *scan_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* Plain ids only: what would have to be escaped is none. */
static bool scan_take(const char *from, const char *to, char id[ENVELOPE_ID_MAX + 1])
{
	size_t n = (size_t)(to - from);

	if (!n || n > ENVELOPE_ID_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (from[i] < 0x21 || from[i] > 0x7e || from[i] == '\\')
			return false;
	}
	memcpy(id, from, n);
	id[n] = '\0';
	return true;
}

bool envelope_scan_id(const char *p, size_t n, char id[ENVELOPE_ID_MAX + 1])
{
	static const char key[] = "envelope_id";
	const char *end = p + n;
	int depth = 0;

	id[0] = '\0';
	for (; p < end; p++) {
		depth += *p == '{' || *p == '[';
		depth -= *p == '}' || *p == ']';
		if (*p != '"')
			continue;
		const char *from = p + 1;

		p = scan_string(from, end);
		if (!p)
			return false;
		if (depth != 1 || (size_t)(p - from) != sizeof(key) - 1 ||
			memcmp(from, key, sizeof(key) - 1) != 0)
			continue;
		const char *value = scan_blanks(p + 1, end);

		if (value == end || *value != ':')
			continue;
		value = scan_blanks(value + 1, end);
		if (value == end || *value != '"')
			return false;
		p = scan_string(value + 1, end);
		return p && scan_take(value + 1, p, id);
	}
	return false;
}
