/* Any answer of Jira: first byte: flavour, what is read of it, and whether the call wrote; second: HTTP status; the
 * rest is the body, and, as text, what somebody typed. */
#include "adapters/jira/client.h"
#include "adapters/jira/read.h"
#include "adapters/jira/text.h"
#include "adapters/jira/workflow.h"
#include "base/arena.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

static const int statuses[] = { 200, 200, 201, 204, 302, 400, 401, 403, 404, 409, 429, 500, 503 };

static void must_be_clean(const char *text)
{
	MUST(text_valid(text, strlen(text)));
	for (const char *p = text; *p; p++)
		MUST((unsigned char)*p >= ' ' || *p == '\n');
}

static void read_as_issue(const struct read_context *c, const json_t *body)
{
	json_t *read = read_issue(c, body), *value;
	const char *name;

	if (!read)
		return;
	MUST(read_id(read));
	json_object_foreach(json_get_obj(read, "values"), name, value) must_be_clean(json_string_value(value));
	json_decref(read);
}

static void read_as_comment(const struct read_context *c, const json_t *body)
{
	const json_t *property;
	json_t *read = read_comment(c, body, &property);

	if (!read)
		return;
	MUST(read_id(read));
	MUST(strlen(json_get_str(read, "text")) <= TEXT_READ_MAX + 3);
	must_be_clean(json_get_str(read, "text"));
	json_decref(read);
}

static void read_as_transitions(struct arena *a, const json_t *body)
{
	struct walk *walk = arena_alloc(a, sizeof(*walk));
	struct workflows *w = workflows_create();
	struct issue_policy policy = { .status = { "To Do", "Done" } };
	struct transition *t;

	*walk = (struct walk){ .target = "Done", .been = { "To Do" }, .count = 1 };
	walk_read(walk, a, body);
	MUST(walk->option_count <= TRANSITIONS_MAX);
	workflow_learn(w, "k", walk);
	t = workflow_next(w, "k", &policy, walk);
	MUST(!t || (t->id && !t->lacks && !issue_value_same(ISSUE_STATUS, t->to, "To Do")));
	must_be_clean(walk_trouble(a, walk));
	workflows_destroy(w);
}

/* What was typed stands there as it was typed: no sign of markup without its escape. */
static void written(struct arena *a, const char *text)
{
	struct str STR_CLEANUP wiki = { 0 };
	const char *clean = text_clean(a, text, strlen(text), 100000, true);
	json_t *adf;

	str_init(&wiki, TEXT_WIKI_MAX);
	text_to_wiki(&wiki, clean);
	must_be_clean(wiki.p);
	/* A backslash that was typed is written otherwise, so each of these is an escape of ours. */
	for (size_t i = 0; i < wiki.len; i++)
		MUST(!strchr("{}*!^|", wiki.p[i]) || (i && wiki.p[i - 1] == '\\'));
	adf = text_to_adf(text);
	MUST(adf && json_array_size(json_get_arr(adf, "content")) >= 1);
	json_decref(adf);
	MUST(*text_title(a, text) && text_chars(text_title(a, text)) <= TEXT_TITLE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rest_reading r;

	if (size < 2 || size > 200000)
		return 0;
	char *text = fuzz_string(data + 2, size - 2);
	struct arena *a = arena_create(64u << 20);
	struct read_context c = { .arena = a, .flavour = flavour_of(data[0] & 1), .url = "http://jira.example/" };
	bool reads = data[0] & 2;

	rest_read(reads, HTTP_ANSWERED, statuses[data[1] % 13], data[0] & 4, "why", text, size - 2, &r);
	MUST(strlen(r.text) < sizeof(r.text));
	MUST(r.class == REST_OK || *r.text);
	MUST(!reads || r.class != REST_UNKNOWN);
	/* Only what Jira itself says is gone or refused for good. */
	MUST(r.class != REST_GONE || r.body);
	if (r.body) {
		read_as_issue(&c, r.body);
		read_as_comment(&c, r.body);
		read_as_transitions(a, r.body);
		text_from_jira(a, r.body);
		read_value(&c, r.body, ISSUE_ASSIGNEE);
	}
	json_decref(r.body);
	written(a, text);
	arena_destroy(a);
	free(text);
	return 0;
}
