/*
 * Any bytes as a line typed in chat, run for real against a record with two open incidents and
 * rolled back: always an answer, never a mark of the user's making in what would be kept. A first
 * byte of '{' makes it the arguments of a button, one of '[' a button or form of any operation: [op, incident, args, form].
 */
#include <unistd.h>

#include "base/text.h"
#include "commands/dispatch.h"
#include "commands/reading.h"
#include "tests/fuzz/fuzz.h"

#define ALICE "slack:UALICE"

static char dir[] = "/tmp/sitrep-fuzz-XXXXXX", path[64];
static struct store *store;
static struct config *config;
static struct clock clock_at;
static struct desk desk;

static void clean(void)
{
	static const char *const tails[] = { "", "-wal", "-shm", ".lock", "-lock" };
	char name[96];

	store_close(store);
	config_release(config);
	for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
		snprintf(name, sizeof(name), "%s%s", path, tails[i]);
		unlink(name);
	}
	rmdir(dir);
}

static struct request *request_of(const char *words)
{
	struct request *r = request_create(REQUEST_CHAT);

	r->actor = (struct actor){ .person = ALICE, .name = "alice" };
	r->words = arena_strdup(r->arena, words);
	return r;
}

static void run(struct request *r, bool keep)
{
	struct reply reply;
	struct error err;

	MUST(store_begin(store, &err) == 0);
	MUST(dispatch(&desk, r, &reply, &err) == 0);
	MUST(reply.kind != REPLY_NONE);
	MUST(reply.kind != REPLY_REFUSAL || (reply.code && strcmp(reply.code, "internal")));
	MUST((reply.form != NULL) == (reply.kind == REPLY_FORM));
	MUST(reply.form || (json_get_str(reply.doc, "text") && *json_get_str(reply.doc, "text")));
	reply_finish(&reply);
	if (keep)
		MUST(store_commit(store, &err) == 0);
	else
		store_rollback(store);
	request_destroy(r);
}

static void prepare(void)
{
	struct str report;
	struct error err;

	str_init(&report, 1u << 16);
	MUST(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x.db", dir);
	/* No files in it: the shipped defaults. */
	MUST(config_load(&config, dir, NULL, 0, true, &report) == 0);
	MUST(store_open(&store, &(struct store_options){ .path = path, .create = true }, &err) ==
		0);
	atexit(clean);
	str_finish(&report);
	clock_init_manual(&clock_at, INT64_C(1772460000000));
	desk = (struct desk){ .store = store, .config = config, .clock = &clock_at };
	run(request_of("declare sev2 checkout"), true);
	run(request_of("declare sev3 search"), true);
}

static bool has_mark(const char *text)
{
	return text && (strchr(text, MARK_BEGIN) || strchr(text, MARK_END));
}

/* The same line without the record behind it: what its arguments are. */
static void read_only(const char *words)
{
	struct request *r = request_of(words);
	struct reply reply = { 0 };
	struct line line;
	struct call c = {
		.desk = &desk, .arena = r->arena, .store = store, .config = config, .request = r,
		.reply = &reply, .now = clock_now(&clock_at), .actor = ALICE, .zone = "UTC",
	};

	line_read(r->arena, words, config, &line);
	MUST(line.incident >= 0 && line.rest && line.word);
	MUST(!has_mark(line.word) && strlen(line.rest) <= 3 * strlen(words) + 8);
	c.op = line.op;
	if (line.op && args_from_line(&c, &line) == 0) {
		for (size_t i = 0; i < arg_count(c.op); i++)
			MUST(!c.value[i].given || (c.value[i].text && !has_mark(c.value[i].text) &&
				text_valid(c.value[i].text, strlen(c.value[i].text))));
	} else if (line.op) {
		MUST(reply.kind == REPLY_REFUSAL && reply.doc);
	}
	reply_finish(&reply);
	request_destroy(r);
}

static void press(const char *text)
{
	static const char *const ops[] = { "declare", "severity", "role", "note", "snooze",
		"update", "list" };
	struct request *r = request_of(NULL);
	struct error err;

	if (json_parse(text, strlen(text), 65536, &r->args, &err) < 0) {
		request_destroy(r);
		return;
	}
	r->operation = ops[strlen(text) % (sizeof(ops) / sizeof(*ops))];
	r->incident = 1;
	r->from_form = strlen(text) & 1;
	r->can_open_form = true;
	run(r, false);
}

/* Whatever is named, also what only the system may run. */
static void press_any(const char *text)
{
	struct request *r = request_of(NULL);
	JSON_CLEANUP json_t *all = NULL;
	const char *op;
	struct error err;

	if (json_parse(text, strlen(text), 65536, &all, &err) < 0 || !(op = json_string_value(json_array_get(all, 0)))) {
		request_destroy(r);
		return;
	}
	r->operation = arena_strdup(r->arena, op);
	r->incident = json_integer_value(json_array_get(all, 1));
	r->args = json_incref(json_array_get(all, 2));
	if (!json_is_object(r->args)) {
		json_decref(r->args);
		r->args = NULL;
	}
	r->from_form = json_is_true(json_array_get(all, 3));
	r->can_open_form = !r->from_form;
	run(r, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);

	if (!store)
		prepare();
	if (*text == '{')
		press(text);
	if (*text == '[')
		press_any(text);
	read_only(text);
	run(request_of(text), false);
	free(text);
	return 0;
}
