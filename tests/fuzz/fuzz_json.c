/* JSON from outside, and the lines of the shell's socket. */
#include "adapters/ctl/ctl.h"
#include "adapters/ctl/line.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "incident/doc.h"
#include "tests/fuzz/fuzz.h"

/* ---- any ------------------------------------------------------------------------------------- */

/* json_parse: what it takes is within the caps, and says the same when written and read again. */
static void check(const json_t *v, int depth)
{
	const char *key;
	json_t *item;
	size_t i;

	MUST(depth <= JSON_DEPTH_MAX);
	if (json_is_string(v))
		MUST(text_valid(json_string_value(v), json_string_length(v)));
	json_array_foreach(v, i, item)
		check(item, depth + 1);
	if (!json_is_object(v))
		return;
	/* jansson wants a mutable object to iterate over it */
	for (void *at = json_object_iter((json_t *)(uintptr_t)v); at;
		at = json_object_iter_next((json_t *)(uintptr_t)v, at)) {
		key = json_object_iter_key(at);
		MUST(text_valid(key, strlen(key)));
		check(json_object_iter_value(at), depth + 1);
	}
}

static void any(const uint8_t *data, size_t size)
{
	struct error err = { 0 }, again = { 0 };
	json_t *v = NULL, *back = NULL;
	char *exact = size ? malloc(size) : NULL;

	if (size && !exact)
		abort();
	if (size)
		memcpy(exact, data, size);
	if (json_parse(exact, size, 1 << 16, &v, &err) < 0) {
		MUST(!v && err.code < 0 && err.text[0]);
		MUST(text_valid(err.text, strlen(err.text)));
		free(exact);
		return;
	}
	check(v, 0);
	json_at(v, "a.0.b");

	struct arena *a = arena_create(8u << 20);
	const char *text = json_text(a, v);

	MUST(json_parse(text, strlen(text), SIZE_MAX, &back, &again) == 0);
	MUST(json_equal(v, back));
	json_decref(back);
	json_decref(v);
	arena_destroy(a);
	free(exact);
}

/* ---- ctl_line -------------------------------------------------------------------------------- */

/* ctl_line_parse: any line becomes a request with an actor and words, or an error in words; and whatever the
 * core would say to it becomes one line of JSON. */
static void answer(const struct request *r)
{
	struct str line STR_CLEANUP = { 0 };
	struct reply reply = { .kind = REPLY_MESSAGE, .doc = doc_new(r->words) };
	json_t *back = NULL;
	struct error err;

	doc_text(reply.doc, r->words);
	str_init(&line, CTL_ANSWER_MAX);
	ctl_line_answer(&line, &reply, r->handle, "UTC", 1700000000000);
	MUST(line.len && line.p[line.len - 1] == '\n' && !memchr(line.p, '\n', line.len - 1));
	MUST(json_parse(line.p, line.len, CTL_ANSWER_MAX, &back, &err) == 0);
	MUST(json_get_bool(back, "ok", false) && json_get_str(back, "text"));
	json_decref(back);
	reply_finish(&reply);
}

static void ctl_line(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	struct request *r = ctl_line_parse((const char *)data, size, 1000, "alice", &err);

	if (!r) {
		MUST(err.code < 0 && err.text[0] && text_valid(err.text, strlen(err.text)));
		return;
	}
	MUST(size <= CTL_LINE_MAX && r->source == REQUEST_SHELL && r->words && r->handle);
	MUST(strcmp(r->actor.person, "unix:1000") == 0);
	MUST(r->key_count == (((const struct ctl_asker *)r->handle)->id != NULL));
	answer(r);
	request_destroy(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static fuzz_part *const part[] = { any, ctl_line };

	fuzz_choose("jl", part, data, size);
	return 0;
}
