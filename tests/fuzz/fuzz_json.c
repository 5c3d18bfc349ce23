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

/* ---- both --------------------------------------------------------------------------------- */

/* Deeper than json_parse goes: jansson goes on. Only brackets outside of strings count. */
static int depth_of(const json_t *v)
{
	int most = 0, depth;
	json_t *item;
	size_t i;

	json_array_foreach(v, i, item) {
		depth = depth_of(item);
		most = depth > most ? depth : most;
	}
	if (json_is_object(v))
		for (void *at = json_object_iter((json_t *)(uintptr_t)v); at;
			at = json_object_iter_next((json_t *)(uintptr_t)v, at)) {
			depth = depth_of(json_object_iter_value(at));
			most = depth > most ? depth : most;
		}
	return json_is_object(v) || json_is_array(v) ? most + 1 : 0;
}

/* json_parse and jansson's own parser are of one mind: the same is refused, the same is read. But for the depth, and NUL
 * bytes, which jansson skips behind a number or a word. */
static void both(const uint8_t *data, size_t size)
{
	char *exact = size ? malloc(size) : NULL;
	struct error err = { 0 };
	json_error_t why;
	json_t *ours, *theirs;
	int rc;

	if (!size)
		return;
	if (!exact)
		abort();
	memcpy(exact, data, size);
	rc = json_parse(exact, size, SIZE_MAX, &ours, &err);
	theirs = json_loadb(exact, size, JSON_REJECT_DUPLICATES, &why);
	MUST((rc == 0) == (ours != NULL));
	MUST(!ours || theirs);
	MUST(!theirs || ours || depth_of(theirs) > JSON_DEPTH_MAX || memchr(exact, '\0', size));
	if (ours) {
		/* the order of names too */
		char *a = json_text_new(ours), *b = json_text_new(theirs);

		MUST(json_equal(ours, theirs));
		MUST(strcmp(a, b) == 0);
		MUST(depth_of(ours) <= JSON_DEPTH_MAX);
		free(a);
		free(b);
	}
	json_decref(ours);
	json_decref(theirs);
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
	static fuzz_part *const part[] = { any, both, ctl_line };

	fuzz_choose("jpl", part, data, size);
	return 0;
}
