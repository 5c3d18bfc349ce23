#include "incident/request.h"

#include <string.h>

#include "base/arena.h"

struct request *request_create(enum request_source source)
{
	struct arena *a = arena_create(REQUEST_ARENA_MAX);
	struct request *r = arena_alloc(a, sizeof(*r));

	r->arena = a;
	r->source = source;
	return r;
}

void request_destroy(struct request *r)
{
	if (!r)
		return;
	json_decref(r->args);
	arena_destroy(r->arena);
}

void request_add_key(struct request *r, const char *prefix, const char *value)
{
	if (!value || !*value || r->key_count == REQUEST_KEYS_MAX)
		return;
	char *key = arena_printf(r->arena, "%s%s", prefix, value);

	for (char *p = key; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = '?';
	r->keys[r->key_count++] = key;
}

void answer_destroy(struct answer *a)
{
	struct request *request;

	if (!a)
		return;
	request = a->request;
	reply_finish(&a->reply);
	request_destroy(request); /* and with its arena the answer itself */
}

struct answer *answer_create(struct request *take)
{
	struct answer *a = arena_alloc(take->arena, sizeof(*a));

	a->request = take;
	return a;
}
