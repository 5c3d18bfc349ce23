/*
 * The nth allocation fails, for every n, once or from then on. Whoever has no memory either says so and does
 * nothing, or ends (base/arena.h): each n runs in a process of its own, which may end by abort() and by
 * nothing else. What it acknowledged before stands, what it refused does not, the record is sound, and the next process goes on.
 * What ran to its end came to the same as with memory: nothing is left out in silence.
 *
 * SITREP_FAULT_STRIDE: every so many-th n only (1: each; `make test-long`); SITREP_FAULT_FIRST: from which on.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "adapters/jira/flavour.h"
#include "adapters/jira/read.h"
#include "adapters/slack/envelope.h"
#include "adapters/slack/render.h"
#include "base/arena.h"
#include "memory_faults.h"
#include "store/audit.h"
#include "store/store.h"
#include "support_bot.h"

#define ROUNDS	   12 /* of each kind, unless SITREP_FAULT_STRIDE says how far apart */
#define SAID_MAX   65536
#define STORM_MAX  64
#define EFFECT_MAX 512
#define COUNT(a)   (sizeof(a) / sizeof(*(a)))

enum fate { SILENT, DONE, REFUSED };

/* What the process that runs out of memory leaves to the one that looks at it. */
static struct shared {
	size_t len;
	char said[SAID_MAX]; /* what it came to */
	long asked;	     /* allocations; 0: it did not get to its end */
	long nth;
	bool lasting;
	enum fate fate[STORM_MAX];
	int count;
} *shared;

static pid_t first;
static int errors; /* a file for what a process of one round complains of */

static void say(const char *text)
{
	size_t n = strlen(text);

	assert_true(shared->len + n + 2 < SAID_MAX);
	memcpy(shared->said + shared->len, text, n);
	shared->len += n;
	shared->said[shared->len++] = '\n';
	shared->said[shared->len] = '\0';
}

static void *shared_room(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

/* An assertion that fails in a process of one round must not go on with the tests. */
static int begin(void **state)
{
	(void)state;
	if (getpid() != first)
		_exit(99);
	return 0;
}

static void limp(void (*deed)(void), long nth, bool lasting)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS };

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
	for (size_t i = 0; i < COUNT(signals); i++) /* cmocka makes failures of these */
		signal(signals[i], SIG_DFL);
	if (nth && dup2(errors, STDERR_FILENO) < 0)
		_exit(98);
	shared->nth = nth;
	shared->lasting = lasting;
	memory_arm(nth, lasting);
	deed();
	shared->asked = memory_lift();
	_exit(0);
}

/* True when it ran to its end. */
static bool in_a_process(void (*deed)(void), long nth, bool lasting)
{
	int status;
	pid_t pid;

	memset(shared, 0, sizeof *shared);
	fflush(NULL);
	assert_int_equal(ftruncate(errors, 0), 0);
	assert_int_equal(lseek(errors, 0, SEEK_SET), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		limp(deed, nth, lasting);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
		return false;
	fail_msg("allocation %ld%s: ended with status %#x", nth, lasting ? " and all after it" : "", (unsigned)status);
	return false;
}

static bool complained(void)
{
	char text[4096] = "";
	ssize_t n = pread(errors, text, sizeof text - 1, 0);

	return n > 0 && strstr(text, "level=error");
}

static long from(void)
{
	const char *said = getenv("SITREP_FAULT_FIRST");

	return said && atoi(said) > 0 ? atoi(said) : 1;
}

static long stride(long all)
{
	const char *said = getenv("SITREP_FAULT_STRIDE");

	if (said && atoi(said) > 0)
		return atoi(said);
	return all / ROUNDS + 1;
}

/* ---- what is read and made ------------------------------------------------------------------ */

static void say_json(const json_t *value)
{
	char *text = value ? json_text_new(value) : NULL;

	say(text ? text : "nothing");
	free(text);
}

static void read_frame(const char *text)
{
	struct envelope e;

	envelope_read(text, strlen(text), 1000, &e);
	say(e.kind == ENVELOPE_REQUEST ? "request" : e.why);
	say(e.envelope_id);
	if (e.request) {
		const struct slack_handle *h = e.request->handle;

		say(e.request->words ? e.request->words : e.request->operation);
		say(e.request->actor.person);
		for (size_t i = 0; i < e.request->key_count; i++)
			say(e.request->keys[i]);
		say(h->response_url ? h->response_url : "");
		say_json(e.request->args);
	}
	request_destroy(e.request);
}

static void read_frames(void)
{
	read_frame("{\"envelope_id\":\"e-1\",\"type\":\"slash_commands\",\"payload\":{\"user_id\":\"U0ALICE\","
		   "\"user_name\":\"alice\",\"channel_id\":\"C0GENERAL\",\"command\":\"/inc\",\"text\":\"declare sev2 caf\\u00e9\","
		   "\"response_url\":\"https://hooks.example/1\",\"trigger_id\":\"1.2.abc\"}}");
	read_frame("{\"envelope_id\":\"e-2\",\"type\":\"interactive\",\"payload\":{\"type\":\"block_actions\",\"user\":"
		   "{\"id\":\"U0BOB\",\"username\":\"bob\"},\"trigger_id\":\"7.8\",\"channel\":{\"id\":\"C1\"},"
		   "\"response_url\":\"https://hooks.example/2\",\"actions\":[{\"action_id\":\"update:1\",\"block_id\":\"b\","
		   "\"value\":\"{\\\"op\\\":\\\"update\\\",\\\"inc\\\":1,\\\"args\\\":{\\\"next\\\":\\\"30m\\\"}}\"}]}}");
	read_frame("{\"envelope_id\":\"e-3\",\"type\":\"events_api\",\"retry_attempt\":1,\"payload\":{\"event_id\":\"Ev1\",\"event\":"
		   "{\"type\":\"reaction_added\",\"user\":\"U0CAROL\",\"reaction\":\"pushpin\",\"item\":{\"type\":\"message\","
		   "\"channel\":\"C1\",\"ts\":\"1700000000.000100\"}}}}");
}

static void read_issues(void)
{
	static const char text[] =
		"{\"id\":\"10001\",\"key\":\"PAY-1\",\"fields\":{\"summary\":\"checkout is failing\",\"updated\":"
		"\"2026-03-02T14:00:00.000+0000\",\"status\":{\"id\":\"3\",\"name\":\"In Progress\",\"statusCategory\":{\"key\":"
		"\"indeterminate\"}},\"priority\":{\"id\":\"2\",\"name\":\"High\"},\"assignee\":{\"accountId\":\"a-1\",\"displayName\":"
		"\"Alice\"},\"labels\":[\"sitrep\",\"sev2\"]},\"changelog\":{\"histories\":[{\"id\":\"1\",\"created\":"
		"\"2026-03-02T14:00:00.000+0000\",\"author\":{\"accountId\":\"a-2\",\"displayName\":\"Bob\"},\"items\":[{\"field\":"
		"\"summary\",\"fieldId\":\"summary\",\"fromString\":\"x\",\"toString\":\"checkout is failing\"}]}]}}";
	struct arena *a = arena_create(1u << 20);
	struct read_context c = { .arena = a, .flavour = flavour_of(0), .url = "http://jira.example/" };
	json_t *body = NULL, *read;
	struct error err = { 0 };

	say(json_parse(text, strlen(text), 1u << 20, &body, &err) < 0 ? err.text : "read");
	read = read_issue(&c, body);
	say_json(read);
	json_decref(read);
	json_decref(body);
	arena_destroy(a);
}

static void make_messages(void)
{
	static const char text[] =
		"{\"text\":\"INC-1\",\"blocks\":[{\"t\":\"header\",\"text\":\"INC-1 checkout\"},{\"t\":\"text\",\"text\":\"a < b & c\"},"
		"{\"t\":\"fields\",\"items\":[[\"Level\",\"SEV2\"],[\"Commander\",\"alice\"]]},"
		"{\"t\":\"buttons\",\"items\":[{\"op\":\"update\",\"label\":\"Update\",\"inc\":1,\"args\":{\"next\":\"30m\"}}]}]}";
	json_t *doc = NULL;
	struct render_pages pages;
	struct error err = { 0 };

	say(json_parse(text, strlen(text), 1u << 20, &doc, &err) < 0 ? err.text : "read");
	render_messages(doc, 1000, &pages);
	say(pages.page[0].members.p);
	render_pages_finish(&pages);
	json_decref(doc);
}

static void read_config(void)
{
	struct config *c = NULL;
	struct str report;

	str_init(&report, 65536);
	if (config_load(&c, SITREP_SOURCE_DIR "/config", NULL, 0, true, &report) < 0) {
		say("refused");
		say(report.p);
	} else {
		say(c->slack.api_url);
		say(c->timezone);
		for (size_t i = 0; i < c->roles.count; i++)
			say(c->roles.role[i].purpose);
		for (int i = SEVERITY_WORST; i <= SEVERITY_LEAST; i++)
			say(c->severity.level[i].criteria);
	}
	config_release(c);
	str_finish(&report);
}

/* From where they differ: a message of a test is short. */
static void fail_without(long n, long all, const char *wanted)
{
	const char *p = shared->said;

	for (; *p && *p == *wanted; wanted++)
		p++;
	fail_msg("without allocation %ld of %ld: …%.300s\nwith it: …%.300s", n, all, p, wanted);
}

/* Either it ends, or it comes to what it came to with memory, or it is refused in words. */
static void at_every_allocation(void (*deed)(void), const char *refusal)
{
	static char wanted[SAID_MAX];
	long all, ended = 0, ran = 0;

	assert_true(in_a_process(deed, 0, false));
	all = shared->asked;
	memcpy(wanted, shared->said, SAID_MAX);
	assert_true(all > 5 && shared->len > 20);
	for (int lasting = 0; lasting < 2; lasting++)
		for (long n = from(); n <= all; n += stride(all), ran++) {
			if (!in_a_process(deed, n, lasting)) {
				ended++;
				continue;
			}
			if (refusal && !strncmp(shared->said, refusal, strlen(refusal)) && shared->len > strlen(refusal) + 2)
				continue;
			if (strcmp(shared->said, wanted))
				fail_without(n, all, wanted);
		}
	printf("%ld of %ld ended, %ld allocations\n", ended, ran, all);
	assert_true(ended > 0);
}

static void envelopes(void **state)
{
	(void)state;
	at_every_allocation(read_frames, NULL);
}

static void answers_of_jira(void **state)
{
	(void)state;
	at_every_allocation(read_issues, NULL);
}

static void messages(void **state)
{
	(void)state;
	at_every_allocation(make_messages, NULL);
}

static void policies(void **state)
{
	(void)state;
	at_every_allocation(read_config, "refused");
}

/* ---- a storm of commands -------------------------------------------------------------------- */

static struct test_bot *bot; /* shared too: what it did can be seen when it is gone, its pointers lead nowhere */
static char left[EFFECT_MAX][32]; /* effects that went out, by their ids */
static size_t left_count;
static char as_new[160], path[160];

/* Several lines of one array are one batch. %d: a number of its own, by which it is found again. */
static const char *const batches[][4] = {
	{ "declare sev2 case token%02d." },
	{ "#1 note token%02d.", "#1 update token%02d. in 20m", "declare sev3 case token%02d." },
	{ "#1 identified token%02d.", "#2 note token%02d." },
	{ "#1 followup look at token%02d. in 2 weeks" },
	{ "#1 resolve token%02d. --signal \"99.9 %%\" --health \"at baseline\"" },
	{ "#2 note token%02d." },
};

static void on_answered(void *ctx, const struct answer *a)
{
	const char *token = a->request->words ? strstr(a->request->words, "token") : NULL;
	int number = token ? atoi(token + strlen("token")) : 0;
	const char *text = json_get_str(a->reply.doc, "text");
	bool changed = a->reply.kind != REPLY_REFUSAL && !(text && strstr(text, "nothing was changed"));

	(void)ctx;
	assert_true(number > 0 && number <= shared->count);
	assert_int_equal(shared->fate[number - 1], SILENT);
	shared->fate[number - 1] = changed ? DONE : REFUSED;
}

static void blow(void)
{
	for (size_t b = 0; b < COUNT(batches); b++) {
		for (int i = 0; i < 4 && batches[b][i]; i++) {
			char words[256];

			assert_true(shared->count < STORM_MAX);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(words, sizeof words, batches[b][i], ++shared->count);
#pragma GCC diagnostic pop
			assert_true(core_submit(bot->core, bot_request(bot, words)));
		}
		bot_settle(bot);
		}
}

static void storm(void)
{
	memory_lift(); /* for the start see a_start */
	bot_restart(bot, 0);
	memory_arm(shared->nth, shared->lasting);
	blow();
	for (int i = 0; i < 3; i++)
		bot_pass(bot, MINUTE_MS);
	for (size_t i = 0; i < bot->performed_count; i++)
		say(bot->performed[i].text);
	for (int i = 0; i < shared->count; i++)
		say(shared->fate[i] == DONE ? "done" : "refused");
}

static void nobody_answers(void *ctx, struct answer *take)
{
	(void)ctx;
	answer_destroy(take);
}

static void nobody_performs(void *ctx, struct effect *take)
{
	(void)ctx;
	effect_destroy(take);
}

static void nobody_hears(void *ctx)
{
	(void)ctx;
}

static void start(void)
{
	static const struct core_hooks hooks = { .answer = nobody_answers, .perform = nobody_performs,
		.handed_out = nobody_hears, .room = nobody_hears };
	struct core *core = NULL;
	struct error err = { 0 };

	if (core_create(&core, bot->config, &bot->clock, &hooks, &err) < 0) {
		say("refused");
		say(err.text);
		return;
	}
	say("it started, and what is due is done");
	core_turn(core);
	core_destroy(core);
}

static void copy(const char *from, const char *to)
{
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	char piece[65536];
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(piece, 1, sizeof piece, in)) > 0)
		assert_int_equal(fwrite(piece, 1, n, out), n);
	fclose(in);
	fclose(out);
}

static void forget_record(void)
{
	char wal[192], shm[192];

	snprintf(wal, sizeof wal, "%s-wal", path);
	snprintf(shm, sizeof shm, "%s-shm", path);
	unlink(wal);
	unlink(shm);
	copy(as_new, path);
}

static int64_t ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static void check_record(long nth)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (int i = 0; i < shared->count; i++) {
		char sql[128];

		snprintf(sql, sizeof sql, "SELECT count(*) FROM timeline WHERE text LIKE '%%token%02d.%%'", i + 1);
		int64_t found = ask(db, sql);

		if (found > 1 || (shared->fate[i] == DONE && !found) || (shared->fate[i] == REFUSED && found))
			fail_msg("allocation %ld: number %d was %s and stands %lld times", nth, i + 1,
				shared->fate[i] == DONE		   ? "done" :
					shared->fate[i] == REFUSED ? "refused" :
								     "not answered",
				(long long)found);
	}
	assert_int_equal(ask(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
	sqlite3_close(db);
}

/* The process is gone, and what it had on its heap. */
static void bury(void)
{
	assert_true(bot->performed_count < EFFECT_MAX);
	for (left_count = 0; left_count < bot->performed_count; left_count++)
		strcpy(left[left_count], bot->performed[left_count].op_id);
	memset(bot->performed, 0, bot->performed_count * sizeof bot->performed[0]);
	bot->performed_count = bot->outcome_count = 0;
	bot->core = NULL;
	bot->answer = bot->answer_full = NULL;
}

static bool left_before(const char *op_id)
{
	for (size_t i = 0; i < left_count; i++)
		if (!strcmp(left[i], op_id))
			return true;
	return false;
}

/* The next process, with memory. */
static void goes_on(long nth)
{
	struct error err = { 0 };
	int64_t entries;

	bot_restart(bot, MINUTE_MS);
	blow();
	for (int i = 0; i < 3; i++)
		bot_pass(bot, MINUTE_MS);
	assert_int_equal(shared->fate[shared->count - 1], DONE);
	assert_int_equal(bot_number(bot, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
	assert_int_equal(bot_number(bot, "SELECT count(*) FROM effect WHERE state = 'failed'"), 0);
	for (size_t i = 0; i < bot->performed_count; i++)
		if (left_before(bot->performed[i].op_id))
			assert_true(bot->performed[i].verify);
	if (audit_verify(core_store(bot->core), &entries, &err) < 0)
		fail_msg("allocation %ld: audit: %s", nth, err.text);
	core_destroy(bot->core);
	free(bot->answer);
	free(bot->answer_full);
	bot_forget(bot);
	bury();
	check_record(nth);
}

static bool all_done(void)
{
	for (int i = 0; i < shared->count; i++)
		if (shared->fate[i] != DONE)
			return false;
	return true;
}

static void a_storm_of_commands(void **state)
{
	static char wanted[SAID_MAX];
	long all, ended = 0, refused = 0, ran = 0;
	int64_t at;

	(void)state;
	forget_record();
	at = bot->clock.manual_ms;
	assert_true(in_a_process(storm, 0, false));
	assert_true(all_done());
	bury();
	all = shared->asked;
	memcpy(wanted, shared->said, SAID_MAX);
	for (int lasting = 0; lasting < 2; lasting++)
		for (long n = from(); n <= all; n += stride(all), ran++) {
			forget_record();
			bot->clock.manual_ms = at;
			bot->next_key = 0;
			if (!in_a_process(storm, n, lasting))
				ended++;
			else if (!all_done() || complained()) /* what was recorded later went out in another order */
				refused++;
			else if (strcmp(shared->said, wanted))
				fail_without(n, all, wanted);
			check_record(n);
			bury();
			bot->next_key = 1000;
			goes_on(n);
		}
	printf("%ld of %ld ended, in %ld something was refused, %ld allocations\n", ended, ran, refused, all);
	assert_true(ended > 0);
}

static void a_start(void **state)
{
	(void)state;
	at_every_allocation(start, "refused");
	memset(shared, 0, sizeof *shared);
	bury();
	goes_on(0);
}

static int storm_begin(void **state)
{
	begin(state);
	bot = shared_room(sizeof *bot);
	bot_setup(bot);
	bot->answered = on_answered;
	core_destroy(bot->core);
	bot->core = NULL;
	snprintf(path, sizeof path, "%s/record.db", bot->folder);
	snprintf(as_new, sizeof as_new, "%s/as-new.db", bot->folder);
	copy(path, as_new);
	return 0;
}

static int storm_end(void **state)
{
	(void)state;
	unlink(as_new);
	bot_teardown(bot);
	munmap(bot, sizeof *bot);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(envelopes, begin),
		cmocka_unit_test_setup(answers_of_jira, begin),
		cmocka_unit_test_setup(messages, begin),
		cmocka_unit_test_setup(policies, begin),
		cmocka_unit_test_setup_teardown(a_start, storm_begin, storm_end),
		cmocka_unit_test_setup_teardown(a_storm_of_commands, storm_begin, storm_end),
	};

	first = getpid();
	shared = shared_room(sizeof *shared);
	errors = memfd_create("errors", MFD_CLOEXEC);
	assert_true(errors >= 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
