/* Replies into statuses and bodies. */
#include <stdio.h>
#include <string.h>

#include "adapters/http/api_room.h"
#include "base/text.h"
#include "incident/doc.h"

#define TEXT_MAX (64u << 10) /* bytes of a document as text */

/* Which refusal is which status. */
static const struct {
	const char *code;
	int status;
} statuses[] = {
	{ "usage", 422 },	/* it was understood as JSON, and says nothing that can be done */
	{ "unknown", 404 },
	{ "not_found", 404 },
	{ "forbidden", 403 },
	{ "conflict", 409 },
	{ "policy", 409 },
	{ "internal", 503 },	/* nothing was recorded: the same may work later */
};

static const struct {
	int status;
	const char *title;
} titles[] = {
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
};

const char *api_title(int status)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

static int status_of(const char *code)
{
	for (size_t i = 0; code && i < sizeof(statuses) / sizeof(*statuses); i++)
		if (strcmp(statuses[i].code, code) == 0)
			return statuses[i].status;
	return 500;
}

static void problem_write(struct str *out, int status, const char *code, const char *detail, json_t *fields_take)
{
	json_t *o = json_pack("{s:o, s:s, s:i}", "type", json_sprintf("urn:sitrep:problem:%s", code), "title",
		api_title(status), "status", status);

	/* Part of a character may be at the end of what was cut. */
	json_object_set_new(o, "detail", json_stringn(detail, text_edge(detail, strlen(detail))));
	if (fields_take)
		json_object_set_new(o, "errors", fields_take);
	json_add(out, o);
	json_decref(o);
}

void api_problem_text(struct str *out, const struct api_problem *p, json_t *fields_take)
{
	problem_write(out, p->status, p->code, p->detail, fields_take);
}

static const char *field_name(const struct api_route *route, const char *arg)
{
	for (const struct api_field *f = route->fields; f && f->name; f++)
		if (strcmp(f->arg, arg) == 0)
			return f->name;
	return arg;
}

/* {argument: message} by the names that the body has. */
static json_t *errors_of(const struct reply *reply, const struct api_route *route)
{
	json_t *out = json_object_size(reply->fields) ? json_object() : NULL;
	const char *arg;
	json_t *why;

	json_object_foreach(reply->fields, arg, why)
		json_object_set(out, field_name(route, arg), why);
	return out;
}

static void words(const struct reply *reply, const char *zone, int64_t now, struct str *out)
{
	str_init(out, TEXT_MAX);
	str_add(out, "");
	if (reply->doc)
		doc_plain(out, reply->doc, zone, now, NULL, NULL);
	while (out->len && out->p[out->len - 1] == '\n')
		out->p[--out->len] = '\0';
}

int api_answer(const struct reply *reply, const struct api_route *route, const char *zone, int64_t now, struct str *out,
	const char **type)
{
	struct str text STR_CLEANUP = { 0 };
	JSON_CLEANUP json_t *said = NULL;
	json_t *data;
	const char *code = reply->kind == REPLY_FORM ? "usage" : reply->code;
	int status = 200;

	words(reply, zone, now, &text);
	switch (reply->kind) {
	case REPLY_NONE:
	case REPLY_MESSAGE:
		data = json_get_obj(reply->doc, "data");
		said = data ? json_incref(data) : json_pack("{s:s}", "text", text.p);
		*type = API_JSON;
		json_add(out, said);
		return status;
	case REPLY_FORM:
	case REPLY_REFUSAL:
		break;
	}
	status = status_of(code);
	*type = API_PROBLEM;
	problem_write(out, status, code ? code : "refused", reply->kind == REPLY_FORM ? "Something is missing." : text.p,
		errors_of(reply, route));
	return status;
}
