/* Bodies into requests. What is wrong is said before anything is asked of the core. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "adapters/http/api_room.h"
#include "base/arena.h"

static const struct api_field release_fields[] = {
	{ "service", "service", true },
	{ "environment", "env", false },
	{ "mode", "mode", false },
	{ NULL, NULL, false },
};

static const struct api_tool oncall_tools[] = {
	{ "incident_append_event", "incident_append_event", false },
	{ "incident_followups_summary", "incident_followups_summary", true },
	{ NULL, NULL, false },
};

const struct api_route api_routes[] = {
	{ "POST", "/api/release-check", "release-check", release_fields, NULL, true },
	{ "POST", "/api/tools/oncall", NULL, NULL, oncall_tools, false },
	{ NULL, NULL, NULL, NULL, NULL, false },
};

static int problem(struct api_problem *p, int status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static int problem(struct api_problem *p, int status, const char *code, const char *fmt, ...)
{
	va_list ap;

	p->status = status;
	p->code = code;
	va_start(ap, fmt);
	error_vformat(p->detail, sizeof(p->detail), fmt, ap);
	va_end(ap);
	return status;
}

/* "application/json", with or without parameters. */
static bool is_json(const char *type)
{
	size_t n = strlen(API_JSON);

	if (!type || strncasecmp(type, API_JSON, n) != 0)
		return false;
	type += n + strspn(type + n, " \t");
	return !*type || *type == ';';
}

static bool key_valid(const char *key)
{
	size_t n = strlen(key);

	if (n == 0 || n > API_KEY_MAX)
		return false;
	for (const char *p = key; *p; p++)
		if (*p < '!' || *p > '~')
			return false;
	return true;
}

static int body_read(const struct api_ask *ask, json_t **out, struct api_problem *p)
{
	struct error err = { 0 };

	if (!is_json(ask->content_type))
		return problem(p, 415, "content-type", "The body must be application/json.");
	if (ask->len > API_BODY_MAX)
		return problem(p, 413, "too-large", "The body has more than %d bytes.", API_BODY_MAX);
	if (json_parse(ask->body, ask->len, API_BODY_MAX, out, &err) < 0)
		return problem(p, 400, "json", "The body is not JSON: %s", err.text);
	if (!json_is_object(*out))
		return problem(p, 400, "json", "The body must be an object.");
	if (ask->key && !key_valid(ask->key))
		return problem(p, 400, "idempotency-key",
			"Idempotency-Key must be 1 to %d visible ASCII characters.", API_KEY_MAX);
	return 0;
}

static const struct api_field *field_find(const struct api_field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

/* Members to arguments. Texts and nothing else: what they mean is for the operation to say. */
static int fields_read(const struct api_route *route, const json_t *body, json_t *args, struct api_problem *p)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)body, name, value) {
		const struct api_field *f = field_find(route->fields, name);

		if (!f)
			return problem(p, 422, "usage", "There is no \"%.60s\" here.", name);
		if (json_is_null(value))
			continue;
		if (!json_is_string(value))
			return problem(p, 422, "usage", "\"%s\" must be a text.", name);
		json_object_set(args, f->arg, value);
	}
	for (const struct api_field *f = route->fields; f->name; f++)
		if (f->required && !json_object_get(args, f->arg))
			return problem(p, 422, "usage", "\"%s\" is missing.", f->name);
	return 0;
}

static const struct api_tool *tool_find(const struct api_tool *tools, const char *name)
{
	for (; tools->name; tools++)
		if (strcmp(tools->name, name) == 0)
			return tools;
	return NULL;
}

static int tool_read(const struct api_route *route, json_t *body, const struct api_tool **tool, json_t **args,
	struct api_problem *p)
{
	const char *name = json_get_str(body, "tool");
	json_t *given = json_object_get(body, "arguments");

	if (!name)
		return problem(p, 422, "usage", "\"tool\" is missing, or is no text.");
	*tool = tool_find(route->tools, name);
	if (!*tool)
		return problem(p, 404, "unknown", "There is no tool \"%.60s\".", name);
	if (given && !json_is_object(given))
		return problem(p, 422, "usage", "\"arguments\" must be an object.");
	*args = given ? json_incref(given) : json_object();
	return 0;
}

/* With the route, so that one key on two of them is two requests. */
static void key_add(struct request *r, const struct api_route *route, const struct api_ask *ask)
{
	request_add_key(r, arena_printf(r->arena, "api:%s:%s:", ask->token, route->path), ask->key);
}

int api_read(const struct api_route *route, const struct api_ask *ask, struct request **out, struct api_problem *p)
{
	JSON_CLEANUP json_t *body = NULL;
	JSON_CLEANUP json_t *args = NULL;
	const struct api_tool *tool = NULL;
	struct request *r;
	int status = body_read(ask, &body, p);

	*out = NULL;
	if (status == 0 && route->tools) {
		status = tool_read(route, body, &tool, &args, p);
	} else if (status == 0) {
		args = json_object();
		status = fields_read(route, body, args, p);
	}
	if (status)
		return status;
	r = request_create(REQUEST_API);
	r->actor.person = arena_printf(r->arena, ACCESS_TOKEN "%s", ask->token);
	r->actor.name = arena_strdup(r->arena, ask->token);
	r->operation = tool ? tool->operation : route->operation;
	r->args = json_incref(args);
	/* What only reads must say how things are now, not how they were when the key came first. */
	if (!(tool ? tool->reads : route->reads))
		key_add(r, route, ask);
	*out = r;
	return 0;
}
