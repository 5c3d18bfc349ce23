/* Any body at each route, by its first byte: refused with a problem that is JSON, or a request of the table's, with the
 * token as actor and nothing in it that the route does not have. */
#include "adapters/http/api_room.h"
#include "tests/fuzz/fuzz.h"

static void check_request(const struct api_route *route, const struct request *r)
{
	const struct api_tool *t = route->tools;

	MUST(r->source == REQUEST_API && strcmp(r->actor.person, "token:ci") == 0 && !r->words);
	MUST(json_is_object(r->args));
	if (!t) {
		MUST(strcmp(r->operation, route->operation) == 0 && r->key_count == 0);
		MUST(json_get_str(r->args, "service") && json_object_size(r->args) <= 3);
		return;
	}
	while (t->name && strcmp(t->operation, r->operation) != 0)
		t++;
	MUST(t->name && r->key_count == (t->reads ? 0 : 1));
}

static void check_problem(const struct api_problem *p)
{
	struct str text STR_CLEANUP = { 0 };
	struct error err;
	json_t *o = NULL;

	str_init(&text, 1u << 16);
	api_problem_text(&text, p, NULL);
	MUST(json_parse(text.p, text.len, 1u << 16, &o, &err) == 0);
	MUST(json_get_int(o, "status", 0) == p->status && *json_get_str(o, "detail"));
	json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct api_route *route = &api_routes[size ? data[0] % 2 : 0];
	char *body = fuzz_string(size ? data + 1 : data, size ? size - 1 : 0);
	struct api_ask ask = { .token = "ci", .content_type = "application/json; charset=utf-8", .key = "k", .body = body,
		.len = size ? size - 1 : 0 };
	struct api_problem p = { 0 };
	struct request *r = NULL;
	int status = api_read(route, &ask, &r, &p);

	MUST(status == 0 || status == 400 || status == 404 || status == 413 || status == 422);
	MUST((status == 0) == (r != NULL));
	if (r)
		check_request(route, r);
	else
		check_problem(&p);
	request_destroy(r);
	r = NULL;
	/* As any other header. */
	ask.content_type = ask.key = body;
	status = api_read(route, &ask, &r, &p);
	MUST(status == 415 || status == 400 || status == 0);
	request_destroy(r);
	free(body);
	return 0;
}
