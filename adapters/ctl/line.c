#include "adapters/ctl/line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/ctl/ctl.h"
#include "base/arena.h"
#include "base/json.h"
#include "incident/doc.h"

static int operation_check(const json_t *line, struct error *err)
{
	const json_t *incident = json_object_get(line, "incident"), *args = json_object_get(line, "args");
	if (!json_get_str(line, "operation"))
		return error_set(err, -EINVAL, "\"operation\" is no string");
	if (json_object_get(line, "words"))
		return error_set(err, -EINVAL, "\"words\" and \"operation\" are two ways to say one thing");
	if (incident && (!json_is_integer(incident) || json_integer_value(incident) <= 0))
		return error_set(err, -EINVAL, "\"incident\" must be a number above 0");
	if (args && !json_is_object(args))
		return error_set(err, -EINVAL, "\"args\" must be an object");
	return 0;
}

static int line_check(const json_t *line, struct error *err)
{
	const json_t *id = json_object_get(line, "id"), *json = json_object_get(line, "json");
	if (!json_is_object(line))
		return error_set(err, -EINVAL, "a request is one JSON object a line");
	if (json_object_get(line, "operation")) {
		if (operation_check(line, err))
			return err->code;
	} else if (!json_get_str(line, "words")) {
		return error_set(err, -EINVAL, "\"words\" is missing or no string");
	}
	if (json && !json_is_boolean(json))
		return error_set(err, -EINVAL, "\"json\" must be true or false");
	if (id && (!json_is_string(id) || json_string_length(id) == 0 ||
			  json_string_length(id) > CTL_ID_MAX))
		return error_set(
			err, -EINVAL, "\"id\" must be a string of 1 to %d bytes", CTL_ID_MAX);
	return 0;
}

struct request *ctl_line_parse(
	const char *p, size_t n, uid_t uid, const char *name, struct error *err)
{
	json_t *line JSON_CLEANUP = NULL;
	if (json_parse(p, n, CTL_LINE_MAX, &line, err)) {
		error_prefix(err, "not a request");
		return NULL;
	}
	if (line_check(line, err))
		return NULL;
	struct request *r = request_create(REQUEST_SHELL);
	struct ctl_asker *asker = arena_alloc(r->arena, sizeof(*asker));
	asker->json = json_get_bool(line, "json", false);
	asker->id = arena_strdup(r->arena, json_get_str(line, "id"));
	r->handle = asker;
	r->words = arena_strdup(r->arena, json_get_str(line, "words"));
	r->operation = arena_strdup(r->arena, json_get_str(line, "operation"));
	if (r->operation) {
		r->incident = json_get_int(line, "incident", 0);
		r->args = json_incref(json_get_obj(line, "args"));
	}
	r->actor.person = arena_printf(r->arena, "unix:%lu", (unsigned long)uid);
	r->actor.name = arena_strdup(r->arena, name);
	if (asker->id) {
		/* With the uid, so that nobody can fetch another's answer by guessing. */
		char prefix[48];
		snprintf(prefix, sizeof(prefix), "ctl:%lu:", (unsigned long)uid);
		request_add_key(r, prefix, asker->id);
	}
	return r;
}

/* ---- answers ---------------------------------------------------------------------------- */

static void line_finish(struct str *out, json_t *line)
{
	json_add(out, line);
	str_addc(out, '\n');
	json_decref(line);
}

void ctl_line_error(struct str *out, const char *code, const char *text)
{
	json_t *line = json_object();
	json_object_set_new(line, "ok", json_false());
	json_object_set_new(line, "code", json_string(code));
	json_object_set_new(line, "text", json_string(text));
	line_finish(out, line);
}

static const char *reply_say(
	const struct reply *reply, struct str *text, const char *zone, int64_t now_ms)
{
	switch (reply->kind) {
	case REPLY_NONE:
		return "received";
	case REPLY_FORM:
		return "this needs its arguments in the line; see help";
	case REPLY_MESSAGE:
	case REPLY_REFUSAL:
		if (reply->doc)
			doc_plain(text, reply->doc, zone, now_ms, NULL, NULL);
		return text->p;
	}
	return "";
}

static const char *reply_code(const struct reply *reply)
{
	if (reply->kind == REPLY_FORM)
		return "usage";
	return reply->kind == REPLY_REFUSAL ? reply->code ? reply->code : "refused" : NULL;
}

void ctl_line_answer(struct str *out, const struct reply *reply, const struct ctl_asker *asker,
	const char *zone, int64_t now_ms)
{
	struct str text STR_CLEANUP = { 0 };
	str_init(&text, CTL_ANSWER_MAX / 2); /* an export is 1 MiB, and quoting makes it longer */
	const char *code = reply_code(reply);
	json_t *line = json_object();
	json_object_set_new(line, "ok", json_boolean(!code));
	if (asker->id)
		json_object_set_new(line, "id", json_string(asker->id));
	if (code)
		json_object_set_new(line, "code", json_string(code));
	json_object_set_new(line, "text", json_string(reply_say(reply, &text, zone, now_ms)));
	if (asker->json && reply->doc)
		json_object_set(line, "doc", reply->doc);
	if (reply->fields)
		json_object_set(line, "fields", reply->fields);
	line_finish(out, line);
	if (!out->cut)
		return;
	/* Half a line is no JSON. */
	str_reset(out);
	ctl_line_error(out, "internal", "it was done, but the answer is too long for this socket");
}
