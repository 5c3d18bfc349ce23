#include "adapters/jira/relay_frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/io_private.h"
#include "base/base64.h"
#include "base/text.h"

#define HEADER_IDENTIFIER "X-Atlassian-Webhook-Identifier"
#define HEADER_SIGNATURE  "X-Hub-Signature"

static void frame_say(struct relay_frame *f, enum relay_kind kind, const char *why)
{
	size_t n = 0;

	f->kind = kind;
	for (; why[n] && n + 1 < sizeof(f->why); n++)
		f->why[n] = why[n] >= ' ' && why[n] <= '~' ? why[n] : '?';
	f->why[n] = '\0';
}

/* A value may be a list, since a header may come more than once: the first counts. */
static const char *header_value(json_t *value)
{
	return json_string_value(json_is_array(value) ? json_array_get(value, 0) : value);
}

/* One that comes in two spellings is taken for none: whoever made it so wants the two readers of it
 * to differ. */
static const char *header_find(json_t *headers, const char *name)
{
	const char *key, *found = NULL;
	json_t *value;
	size_t count = 0;

	json_object_foreach (headers, key, value) {
		if (!text_equal_fold(key, name))
			continue;
		found = header_value(value);
		count++;
	}
	return count == 1 ? found : NULL;
}

static void read_start(struct relay_frame *f, json_t *data)
{
	(void)data; /* where the relay takes deliveries: the operator knows */
	frame_say(f, RELAY_START, "");
}

/* Not in the format, yet what relays say when they do not like the token. */
static void read_error(struct relay_frame *f, json_t *data)
{
	static const char *const names[] = { "message", "error", "reason", "code" };
	const char *words = json_string_value(data);

	for (size_t i = 0; !words && i < sizeof(names) / sizeof(*names); i++)
		words = json_get_str(data, names[i]);
	for (size_t i = 0; !words && i < sizeof(names) / sizeof(*names); i++)
		words = json_get_str(f->root, names[i]);
	frame_say(f, RELAY_ERROR, words && *words ? words : "no reason given");
}

static void read_body(struct relay_frame *f, const json_t *body)
{
	const char *text = json_string_value(body);
	size_t n = json_string_length(body), len = 0;

	if (!text) {
		f->refuse = 400;
		return;
	}
	f->body = adapters_alloc(BASE64_BYTES_MAX(n) + 1);
	if (!base64_decode(text, n, f->body, &len)) {
		f->refuse = 400;
		return;
	}
	f->hook.body = (const char *)f->body;
	f->hook.len = len;
}

static void read_event(struct relay_frame *f, json_t *data)
{
	const char *id = json_get_str(data, "id"), *method = json_get_str(data, "method");
	json_t *headers = json_get_obj(data, "headers");

	if (!id || !*id || strlen(id) > RELAY_ID_MAX) {
		frame_say(f, RELAY_BAD, "an event without a usable id");
		return;
	}
	frame_say(f, RELAY_EVENT, "");
	f->id = id;
	if (!method || !text_equal_fold(method, "POST")) {
		f->refuse = 405;
		return;
	}
	f->hook.identifier = header_find(headers, HEADER_IDENTIFIER);
	f->hook.signature = header_find(headers, HEADER_SIGNATURE);
	read_body(f, json_object_get(data, "body"));
}

static const struct frame_type {
	const char *name;
	bool any_version; /* the reader looks itself, or it does not matter */
	void (*read)(struct relay_frame *f, json_t *data);
} frame_types[] = {
	{ "start", true, read_start },
	{ "event", false, read_event },
	{ "error", true, read_error },
};

static const struct frame_type *frame_type_find(const char *name)
{
	for (size_t i = 0; i < sizeof(frame_types) / sizeof(*frame_types); i++)
		if (strcmp(frame_types[i].name, name) == 0)
			return &frame_types[i];
	return NULL;
}

void relay_frame_read(const char *p, size_t n, struct relay_frame *out)
{
	const struct frame_type *type;
	const char *name;
	struct error err;

	*out = (struct relay_frame){ 0 };
	if (json_parse(p, n, RELAY_FRAME_MAX, &out->root, &err) < 0) {
		frame_say(out, RELAY_BAD, err.text);
		return;
	}
	name = json_get_str(out->root, "type");
	if (!name) {
		frame_say(out, RELAY_BAD, "a frame without a type");
		return;
	}
	out->version = json_get_int(out->root, "version", RELAY_VERSION);
	type = frame_type_find(name);
	if (!type || (!type->any_version && out->version != RELAY_VERSION))
		frame_say(out, RELAY_UNKNOWN, name);
	else
		type->read(out, json_object_get(out->root, "data"));
}

void relay_frame_finish(struct relay_frame *f)
{
	json_decref(f->root);
	free(f->body);
	*f = (struct relay_frame){ 0 };
}

static char *frame_text(const char *type, json_t *data_take)
{
	json_t *frame = json_pack(
		"{s:s, s:i, s:o}", "type", type, "version", RELAY_VERSION, "data", data_take);
	char *text = frame ? json_dumps(frame, JSON_COMPACT) : NULL;

	if (!text)
		abort(); /* all of it was JSON before */
	json_decref(frame);
	return text;
}

char *relay_frame_start(const char *token)
{
	return frame_text("start", json_pack("{s:s}", "token", token));
}

char *relay_frame_answer(const char *id, int status)
{
	return frame_text("event", json_pack("{s:s, s:i, s:{}, s:s}", "id", id, "status", status,
					   "headers", "body", ""));
}
