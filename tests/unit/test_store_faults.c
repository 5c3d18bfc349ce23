/*
 * The disk fails at the nth operation, for every n that a small storm of commands has: what was acknowledged
 * stands, what was refused does not, and when the disk is sound again all goes on. Each is looked at
 * three times: at once, after a restart, and as it would be found had the process died.
 *
 * SITREP_FAULT_STRIDE: every so many-th n only (1: each; `make test-long`).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/audit.h"
#include "store/db.h"
#include "store/store.h"
#include "support_bot.h"
#include "support_vfs.h"

#define STRIDE    53
#define STORM_MAX 64
#define N_MAX     100000

/* The core leaves a store in trouble alone for a second of the machine's own time: here it passes at once. */
static int64_t skipped_ms;

int clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, id, t);

	if (rc == 0 && id == CLOCK_MONOTONIC)
		t->tv_sec += skipped_ms / 1000;
	return rc;
}

enum fate { SILENT, DONE, REFUSED };

struct storm {
	struct test_bot bot;
	enum fate fate[STORM_MAX];
	int count;
};

/* Several lines of one array are one batch. %d: a number of its own, by which it is found again. */
static const char *const batches[][4] = {
	{ "declare sev2 case token%02d." },
	{ "#1 note token%02d.", "#1 update token%02d. in 20m", "declare sev3 case token%02d." },
	{ "#1 sev 1 token%02d." },
	{ "#1 identified token%02d.", "#2 note token%02d." },
	{ "#1 followup look at token%02d. in 2 weeks" },
	{ "#1 note token%02d.", "#1 sev 1 token%02d.", "#1 note token%02d." },
	{ "#1 resolve token%02d. --signal \"99.9 %%\" --health \"at baseline\"" },
	{ "#2 note token%02d." },
};

static const char found_sql[] = "SELECT count(*) FROM timeline WHERE text LIKE '%%token%02d.%%'";

static void on_answered(void *ctx, const struct answer *a)
{
	struct storm *s = ctx;
	const char *token = a->request->words ? strstr(a->request->words, "token") : NULL;
	int number = token ? atoi(token + strlen("token")) : 0;
	const char *said = json_get_str(a->reply.doc, "text");
	bool changed = a->reply.kind != REPLY_REFUSAL && !(said && strstr(said, "nothing was changed"));

	assert_true(number > 0 && number <= s->count);
	assert_int_equal(s->fate[number - 1], SILENT);
	s->fate[number - 1] = changed ? DONE : REFUSED;
}

/* As time passes: what the core keeps for later is taken up again. */
static void rest(struct storm *s)
{
	for (int i = 0; i < 4; i++) {
		skipped_ms += 2000;
		bot_pass(&s->bot, 2 * SECOND_MS);
	}
}

static void blow(struct storm *s)
{
	for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++) {
		for (int i = 0; i < 4 && batches[b][i]; i++) {
			char words[256];

			assert_true(s->count < STORM_MAX);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(words, sizeof words, batches[b][i], ++s->count);
#pragma GCC diagnostic pop
			assert_true(core_submit(s->bot.core, bot_request(&s->bot, words)));
		}
		skipped_ms += 2000;
		bot_settle(&s->bot);
	}
}

/* What stands of each, as any program sees it that opens the file. */
static void check(struct storm *s, const char *path, const char *when, bool may_stand)
{
	sqlite3 *db;
	sqlite3_stmt *st;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (int i = 0; i < s->count; i++) {
		char *sql = sqlite3_mprintf(found_sql, i + 1);
		int found;

		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		found = sqlite3_column_int(st, 0);
		sqlite3_finalize(st);
		sqlite3_free(sql);
		if (s->fate[i] == SILENT)
			fail_msg("%s: number %d was not answered", when, i + 1);
		if (found > 1 || (s->fate[i] == DONE && !found) || (s->fate[i] == REFUSED && found && !may_stand))
			fail_msg("%s: number %d was %s and stands %d times", when, i + 1,
				s->fate[i] == DONE ? "done" : "refused", found);
	}
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_string_equal(sqlite3_column_text(st, 0), "ok");
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void copy(const char *from, const char *to)
{
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	char piece[65536];
	size_t n;

	assert_non_null(out);
	while (in && (n = fread(piece, 1, sizeof piece, in)) > 0)
		assert_int_equal(fwrite(piece, 1, n, out), n);
	if (in)
		fclose(in);
	fclose(out);
}

/* As found after a crash at this moment: the files as they are, without the index of the journal. */
static void check_as_after_a_crash(struct storm *s, bool may_stand)
{
	char from[160], to[160];

	snprintf(from, sizeof from, "%s/record.db", s->bot.folder);
	snprintf(to, sizeof to, "%s/found.db", s->bot.folder);
	copy(from, to);
	strcat(from, "-wal");
	strcat(to, "-wal");
	copy(from, to);
	to[strlen(to) - strlen("-wal")] = '\0';
	check(s, to, "after a crash", may_stand);
	unlink(to);
}

static void check_audit(struct storm *s)
{
	struct error err = { 0 };
	int64_t entries;

	if (audit_verify(core_store(s->bot.core), &entries, &err) < 0)
		fail_msg("audit: %s", err.text);
	assert_true(entries > 0);
}

/* What did not go through can be said again, and all that was to go out went. */
static void goes_on(struct storm *s)
{
	blow(s);
	rest(s);
	assert_int_equal(s->fate[s->count - 1], DONE);
	assert_int_equal(bot_number(&s->bot, "SELECT count(*) FROM effect WHERE ended_at IS NULL"), 0);
	for (size_t i = 0; i < s->bot.performed_count; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(s->bot.performed[i].op_id, s->bot.performed[k].op_id))
				assert_true(s->bot.performed[i].verify);
}

/* From now on what is read is read from the disk, since hardly a page is kept. */
static void forget_pages(struct storm *s)
{
	struct error err = { 0 };

	if (db_script(store_db(core_store(s->bot.core)), "PRAGMA cache_size = 10; PRAGMA shrink_memory;", &err) < 0)
		fail_msg("%s", err.text);
}

/* How many operations failed. */
static int one_fault(const struct vfs_fault *f, int nth)
{
	struct storm *s = calloc(1, sizeof *s);
	char path[160];
	int failed;

	assert_non_null(s);
	bot_setup(&s->bot);
	s->bot.answered = on_answered;
	s->bot.answered_ctx = s;
	snprintf(path, sizeof path, "%s/record.db", s->bot.folder);
	if (f->operations & VFS_READ)
		forget_pages(s);
	vfs_arm(f, nth);
	blow(s);
	failed = vfs_lift();
	check(s, path, "at once", false);
	/* Of a commit whose fsync failed nobody knows whether it would be found again. */
	check_as_after_a_crash(s, failed && f->operations & VFS_SYNC);
	rest(s);
	bot_restart(&s->bot, MINUTE_MS);
	check(s, path, "after a restart", false);
	goes_on(s);
	check(s, path, "in the end", false);
	check_audit(s);
	bot_teardown(&s->bot);
	free(s);
	return failed;
}

/* Commits are few: of their syncs each one. */
static int stride(const struct vfs_fault *f)
{
	const char *said = getenv("SITREP_FAULT_STRIDE");

	if (said && atoi(said) > 0)
		return atoi(said);
	return f->operations == VFS_SYNC ? 1 : STRIDE;
}

static void at_every_operation(const struct vfs_fault *f)
{
	int n = 1, ran = 0;

	while (one_fault(f, n)) {
		n += stride(f);
		ran++;
		assert_true(n < N_MAX);
	}
	printf("%s: %d faults, the last before operation %d\n", f->name, ran, n);
	assert_true(ran > 0);
}

#define FAULT(test, set, what, is_torn, lasts)                                                     \
	static void test(void **state)                                                             \
	{                                                                                          \
		static const struct vfs_fault f = {                                                \
			.name = #test, .operations = set, .code = what, .torn = is_torn, .lasting = lasts }; \
                                                                                                   \
		(void)state;                                                                       \
		at_every_operation(&f);                                                            \
	}

FAULT(a_write_fails, VFS_WRITE, SQLITE_IOERR_WRITE, false, false)
FAULT(a_write_is_torn, VFS_WRITE, SQLITE_IOERR_WRITE, true, false)
FAULT(the_disk_is_full, VFS_WRITE, SQLITE_FULL, true, true)
FAULT(the_disk_became_read_only, VFS_WRITE | VFS_SYNC | VFS_TRUNCATE, SQLITE_IOERR_WRITE, false, true)
FAULT(a_sync_fails, VFS_SYNC, SQLITE_IOERR_FSYNC, false, false)
FAULT(no_sync_works, VFS_SYNC, SQLITE_IOERR_FSYNC, false, true)
FAULT(a_read_fails, VFS_READ, SQLITE_IOERR_READ, false, false)
FAULT(no_read_works, VFS_READ, SQLITE_IOERR_READ, false, true)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_fails),
		cmocka_unit_test(a_write_is_torn),
		cmocka_unit_test(the_disk_is_full),
		cmocka_unit_test(the_disk_became_read_only),
		cmocka_unit_test(a_sync_fails),
		cmocka_unit_test(no_sync_works),
		cmocka_unit_test(a_read_fails),
		cmocka_unit_test(no_read_works),
	};

	vfs_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
