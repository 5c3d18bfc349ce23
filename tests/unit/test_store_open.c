/* Databases as they go wrong: each gets words that say what to do, and nothing is changed in it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/audit.h"
#include "store/db.h"
#include "store/people.h"
#include "support_store.h"

static int flock_fails; /* an errno */

/* The system's, in front of it. */
int flock(int fd, int operation)
{
	if (!flock_fails)
		return (int)syscall(SYS_flock, fd, operation);
	errno = flock_fails;
	return -1;
}

static void closed(struct scratch *x)
{
	store_close(x->store);
	x->store = NULL;
}

static int reopen(struct scratch *x)
{
	struct store_options o = { .path = x->path };

	return store_open(&x->store, &o, &x->err);
}

static void refuses(struct scratch *x, int code, const char *words)
{
	assert_int_equal(reopen(x), code);
	assert_int_equal(x->err.code, code);
	assert_null(x->store);
	assert_says(&x->err, words);
	assert_says(&x->err, x->path);
}

static void overwrite(struct scratch *x, off_t at, const void *p, size_t n)
{
	int fd = open(x->path, O_WRONLY);

	assert_int_equal(pwrite(fd, p, n, at), n);
	close(fd);
}

static void opens_again_and_again(void **state)
{
	struct scratch *x = *state;

	for (int i = 0; i < 3; i++) {
		STORED(x, scratch_incident(x, "a") > 0 ? 0 : -1);
		scratch_reopen(x);
	}
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM incident"), 3);
	assert_int_equal(store_check(x->store, &x->err), 0);
	closed(x);
	/* Closed properly, it is one file, and only its owner may read it. */
	char wal[128];
	struct stat st;
	snprintf(wal, sizeof(wal), "%s-wal", x->path);
	assert_int_equal(access(wal, F_OK), -1);
	assert_int_equal(stat(x->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void folders_are_made_when_asked_for(void **state)
{
	struct scratch *x = *state;
	char deep[220], name[200];
	struct store_options o = { .path = name, .create = true };
	struct store *s;

	snprintf(name, sizeof(name), "%s/a/b/sitrep.db", x->folder);
	o.create = false;
	assert_int_equal(store_open(&s, &o, &x->err), -ENOENT);
	assert_says(&x->err, "there is no database at");
	o.create = true;
	assert_int_equal(store_open(&s, &o, &x->err), 0);
	store_close(s);
	unlink(name);
	snprintf(deep, sizeof(deep), "%s.lock", name);
	unlink(deep);
	snprintf(deep, sizeof(deep), "%s/a/b", x->folder);
	rmdir(deep);
	snprintf(deep, sizeof(deep), "%s/a", x->folder);
	assert_int_equal(rmdir(deep), 0);
	/* A file where a folder should be. */
	snprintf(name, sizeof(name), "%s/b/sitrep.db", x->path);
	assert_int_equal(store_open(&s, &o, &x->err), -ENOTDIR);
}

/* A name without a folder is a file where the program was started. */
static void a_bare_name_will_do(void **state)
{
	struct scratch *x = *state;
	struct store_options o = { .path = "bare.db", .create = true };
	struct store *s;
	char was[4096];

	assert_non_null(getcwd(was, sizeof(was)));
	assert_int_equal(chdir(x->folder), 0);
	int rc = store_open(&s, &o, &x->err);
	assert_int_equal(chdir(was), 0);
	assert_int_equal(rc, 0);
	store_close(s);
}

static void a_folder_is_no_database(void **state)
{
	struct scratch *x = *state;
	struct store_options o = { .path = x->folder, .create = true };
	struct store *s;

	assert_int_equal(store_open(&s, &o, &x->err), -EISDIR);
	assert_says(&x->err, "is a folder: name a file in it");
	o.path = "/dev/null";
	assert_int_equal(store_open(&s, &o, &x->err), -EINVAL);
	o.path = "";
	assert_int_equal(store_open(&s, &o, &x->err), -EINVAL);
}

static void a_second_daemon_is_refused(void **state)
{
	struct scratch *x = *state;
	struct store_options o = { .path = x->path };
	struct store *second;
	char words[64], link_name[128];

	assert_int_equal(store_open(&second, &o, &x->err), -EBUSY);
	snprintf(
		words, sizeof(words), "another sitrep (process %ld) is running on", (long)getpid());
	assert_says(&x->err, words);
	/* By another name too. */
	snprintf(link_name, sizeof(link_name), "%s/other.db", x->folder);
	assert_int_equal(symlink(x->path, link_name), 0);
	o.path = link_name;
	assert_int_equal(store_open(&second, &o, &x->err), -EBUSY);
	/* Readers may. */
	o.path = x->path;
	o.read_only = true;
	assert_int_equal(store_open(&second, &o, &x->err), 0);
	assert_int_equal(cursor_put(second, "a", "b", &x->err), -EROFS);
	store_close(second);
	/* A reader leaving does not take the lock along. */
	o.read_only = false;
	assert_int_equal(store_open(&second, &o, &x->err), -EBUSY);
	closed(x);
	assert_int_equal(store_open(&second, &o, &x->err), 0);
	store_close(second);
}

/* A network file system may have no locks: that is not somebody else's holding it. */
static void what_cannot_be_locked_is_not_taken_for_locked(void **state)
{
	static const int failures[] = { ENOLCK, EOPNOTSUPP, EIO };
	struct scratch *x = *state;
	struct store_options o = { .path = x->path };
	struct store *s;

	closed(x);
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		flock_fails = failures[i];
		int rc = store_open(&s, &o, &x->err);
		flock_fails = 0;
		assert_int_equal(rc, -failures[i]);
		assert_says(&x->err, ".lock cannot be locked: ");
		assert_says(&x->err, strerror(failures[i]));
		assert_says(&x->err, "put the database on a local disk");
		assert_null(strstr(x->err.text, "another sitrep"));
	}
	assert_int_equal(store_open(&x->store, &o, &x->err), 0);
}

static void a_newer_one(void **state)
{
	struct scratch *x = *state;
	struct store_options o = { .path = x->path, .read_only = true };

	closed(x);
	scratch_sql(x, "PRAGMA user_version = 9");
	refuses(x, -ENOTSUP, "was made by a newer sitrep (schema 9, this one knows 8): "
		"upgrade sitrep or restore a backup");
	assert_int_equal(store_open(&x->store, &o, &x->err), -ENOTSUP);
	assert_int_equal(scratch_ask(x, "PRAGMA user_version"), 9);
}

static int claim(struct scratch *x, bool *older)
{
	struct store_options o = { .path = x->path };

	return store_claim(&x->store, &o, older, &x->err);
}

/* What can be known of it is known at once, and nothing is changed by looking. */
static void in_two_steps(void **state)
{
	struct scratch *x = *state;
	struct store_options o = { .path = x->path };
	struct store *second;
	bool older = true;

	closed(x);
	scratch_sql(x, "PRAGMA user_version = 9");
	assert_int_equal(claim(x, &older), -ENOTSUP);
	assert_null(x->store);
	/* It would fail at the tables that are there already: the claim has not run it. */
	scratch_sql(x, "PRAGMA user_version = 7");
	assert_int_equal(claim(x, &older), 0);
	assert_true(older);
	assert_int_equal(store_open(&second, &o, &x->err), -EBUSY);
	closed(x);
	assert_int_equal(scratch_ask(x, "PRAGMA user_version"), 7);
	scratch_sql(x, "PRAGMA user_version = 8");
	assert_int_equal(claim(x, &older), 0);
	assert_false(older);
	assert_int_equal(store_ready(x->store, &x->err), 0);
	STORED(x, scratch_incident(x, "a") > 0 ? 0 : -1);
}

static void an_older_one_for_reading(void **state)
{
	struct scratch *x = *state;
	struct store_options o = { .path = x->path, .read_only = true };

	closed(x);
	scratch_sql(x, "PRAGMA user_version = 0");
	assert_int_equal(store_open(&x->store, &o, &x->err), -ENOTSUP);
	assert_says(&x->err, "is of an older sitrep");
}

static void a_corrupt_header(void **state)
{
	struct scratch *x = *state;

	closed(x);
	overwrite(x, 0, "This is not the header you look for", 35);
	refuses(x, -EUCLEAN, "is not a database: name another file, or restore a backup");
}

static void something_else_entirely(void **state)
{
	struct scratch *x = *state;
	FILE *f;

	closed(x);
	f = fopen(x->path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("a note about breakfast\n", f);
	fclose(f);
	refuses(x, -EUCLEAN, "is not a database");
	assert_int_equal(truncate(x->path, 10), 0);
	refuses(x, -EUCLEAN, "is not a database");
}

static void somebody_elses_database(void **state)
{
	struct scratch *x = *state;

	closed(x);
	unlink(x->path);
	scratch_sql(x, "CREATE TABLE bookmarks (url TEXT)");
	refuses(x, -EINVAL, "is a database of another program");
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM sqlite_schema"), 1);
}

static void a_truncated_one(void **state)
{
	struct scratch *x = *state;
	struct stat st;

	STORED(x, scratch_incident(x, "a") > 0 ? 0 : -1);
	closed(x);
	assert_int_equal(stat(x->path, &st), 0);
	assert_int_equal(truncate(x->path, st.st_size / 2), 0);
	refuses(x, -EUCLEAN, "is damaged: restore a backup");
}

static void damage_inside_is_found_by_the_check(void **state)
{
	struct scratch *x = *state;
	char rubbish[65536];
	int64_t root, page;

	assert_int_equal(store_begin(x->store, &x->err), 0);
	for (int i = 0; i < 50; i++)
		scratch_incident(x, "an incident with a title of some length");
	assert_int_equal(store_commit(x->store, &x->err), 0);
	closed(x);
	root = scratch_ask(x, "SELECT rootpage FROM sqlite_schema WHERE name = 'incident'");
	page = scratch_ask(x, "PRAGMA page_size");
	memset(rubbish, 0xa5, sizeof(rubbish));
	overwrite(x, (off_t)((root - 1) * page), rubbish, (size_t)page);
	assert_int_equal(reopen(x), 0);
	assert_int_equal(store_check(x->store, &x->err), -EUCLEAN);
	assert_says(&x->err, "is damaged");
	struct incident inc;
	assert_int_equal(incident_load(x->store, x->arena, 1, &inc, &x->err), -EUCLEAN);
}

static void dangling_rows_are_found_by_the_check(void **state)
{
	struct scratch *x = *state;

	scratch_sql(x, "INSERT INTO role VALUES (77, 'commander', 'slack:U1', 1)");
	assert_int_equal(store_check(x->store, &x->err), -EUCLEAN);
	assert_says(&x->err, "a dangling row in role");
}

/* A sqlite3 shell that sits in a transaction. */
static void locked_by_another_program(void **state)
{
	struct scratch *x = *state;
	struct db_options o = { .busy_ms = 1 };
	struct db *other;

	assert_int_equal(db_open(&other, x->path, &o, &x->err), 0);
	assert_int_equal(db_begin(other, &x->err), 0);
	int begun = store_begin(x->store, &x->err);
	assert_int_equal(begun, -EBUSY);
	assert_says(&x->err, "is locked by another program");
	db_rollback(other);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(db_begin(other, &x->err), -EBUSY);
	store_rollback(x->store);
	db_close(other);
}

/* Runs it in a child, for what would change this process; its exit status says which check failed.
 */
static void in_child(struct scratch *x, int (*run)(struct scratch *x))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(run(x));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Nobody in particular: for the superuser nothing is read-only. */
static int step_down(void)
{
	return geteuid() == 0 ? setresuid(65534, 65534, 65534) : 0;
}

static int open_file_read_only(struct scratch *x)
{
	if (step_down())
		return 1;
	if (reopen(x) != -EACCES)
		return 2;
	return strstr(x->err.text, "cannot be written (Permission denied): give this user") ? 0 : 3;
}

static int open_folder_read_only(struct scratch *x)
{
	if (step_down())
		return 1;
	if (reopen(x) != -EACCES)
		return 2;
	return strstr(x->err.text, "the folder") ? 0 : 3;
}

static void read_only_file_or_folder(void **state)
{
	struct scratch *x = *state;

	closed(x);
	if (geteuid() == 0)
		assert_int_equal(chown(x->folder, 65534, 65534), 0);
	assert_int_equal(chmod(x->path, 0444), 0);
	in_child(x, open_file_read_only);
	assert_int_equal(chmod(x->path, 0644), 0);
	assert_int_equal(chmod(x->folder, 0555), 0);
	in_child(x, open_folder_read_only);
	assert_int_equal(chmod(x->folder, 0755), 0);
}

/* ---- a full disk ------------------------------------------------------------------------ */

static int put_much(struct scratch *x, int count)
{
	char *value = malloc(20001);
	int rc = 0;

	memset(value, 'x', 20000);
	value[20000] = '\0';
	for (int i = 0; i < count && rc == 0; i++) {
		char name[32];
		snprintf(name, sizeof(name), "n%d", i);
		rc = cursor_put(x->store, name, value, &x->err);
	}
	free(value);
	return rc;
}

/* The database may not grow: the batch is lost as a whole, the one before it stands, and what fits
 * goes on. */
static void a_full_database(void **state)
{
	struct scratch *x = *state;
	char *value;

	STORED(x, cursor_put(x->store, "before", "1", &x->err));
	assert_int_equal(db_script(store_db(x->store), "PRAGMA max_page_count = 60", &x->err), 0);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(cursor_put(x->store, "same batch", "1", &x->err), 0);
	assert_int_equal(store_savepoint(x->store, &x->err), 0);
	assert_int_equal(put_much(x, 50), -ENOSPC);
	assert_says(&x->err, "is full: make room");
	store_undo(x->store);
	/* Nothing can slip out of the lost transaction and be committed by itself. */
	assert_int_equal(cursor_put(x->store, "stray", "1", &x->err), -ENOSPC);
	assert_int_equal(store_savepoint(x->store, &x->err), -ENOSPC);
	assert_int_equal(store_commit(x->store, &x->err), -ENOSPC);
	assert_int_equal(cursor_get(x->store, x->arena, "before", &value, &x->err), 0);
	assert_int_equal(cursor_get(x->store, x->arena, "same batch", &value, &x->err), -ENOENT);
	assert_int_equal(cursor_get(x->store, x->arena, "stray", &value, &x->err), -ENOENT);
	STORED(x, cursor_put(x->store, "after", "1", &x->err));
	assert_int_equal(store_check(x->store, &x->err), 0);
}

/* The file system refuses to write: noticed by the commit at the latest. */
static int write_past_the_limit(struct scratch *x)
{
	struct rlimit limit = { 200000, 200000 };
	struct audit_entry e = { .entity = "x", .level = "info", .action = "x", .actor = "x" };
	char *value;
	int rc;

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit))
		return 1;
	if (reopen(x) || store_begin(x->store, &x->err) || audit_append(x->store, &e, &x->err))
		return 2;
	rc = put_much(x, 20);
	if (rc == 0)
		rc = store_commit(x->store, &x->err);
	else
		store_rollback(x->store);
	if (rc != -ENOSPC || !strstr(x->err.text, "is full"))
		return 3;
	if (cursor_get(x->store, x->arena, "n0", &value, &x->err) != -ENOENT)
		return 4;
	/* What fits goes on, and the audit has no gap. */
	int64_t entries;
	if (store_begin(x->store, &x->err) || audit_append(x->store, &e, &x->err) ||
		store_commit(x->store, &x->err))
		return 5;
	if (audit_verify(x->store, &entries, &x->err) || entries != 1)
		return 6;
	store_close(x->store);
	return 0;
}

static void a_full_disk(void **state)
{
	struct scratch *x = *state;

	closed(x);
	in_child(x, write_past_the_limit);
	assert_int_equal(reopen(x), 0);
	assert_int_equal(store_check(x->store, &x->err), 0);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM audit"), 1);
}

static void copy_file(const char *from, const char *to)
{
	char bytes[8192];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t)n), n);
	close(in);
	close(out);
}

/* The file as it is on disk while somebody, killed a moment later, makes its first tables. The first bytes of a journal
 * are written last, when the rest is on disk: then it counts (sqlite.org/fileformat2.html "The Rollback Journal"). */
static void leave_half_made(struct scratch *x, const char *id)
{
	static const char counts[12] = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";
	char other[128], journal[160], to[128];
	struct db *db;
	int fd;

	snprintf(other, sizeof(other), "%s/half", x->folder);
	snprintf(journal, sizeof(journal), "%s-journal", other);
	snprintf(to, sizeof(to), "%s-journal", x->path);
	assert_int_equal(db_open(&db, other, NULL, &x->err), 0);
	assert_int_equal(db_script(db, "PRAGMA journal_mode = DELETE", &x->err), 0);
	assert_int_equal(db_script(db, id, &x->err), 0);
	assert_int_equal(db_script(db, "BEGIN; CREATE TABLE t (a)", &x->err), 0);
	copy_file(other, x->path);
	copy_file(journal, to);
	fd = open(to, O_WRONLY);
	assert_int_equal(pwrite(fd, counts, sizeof(counts), 0), sizeof(counts));
	close(fd);
	assert_int_equal(db_script(db, "ROLLBACK", &x->err), 0);
	db_close(db);
	unlink(other);
}

static void killed_while_it_was_made(void **state)
{
	struct scratch *x = *state;
	struct store_options reading = { .path = x->path, .read_only = true };

	closed(x);
	leave_half_made(x, "PRAGMA application_id = 0");
	assert_int_equal(store_open(&x->store, &reading, &x->err), -EAGAIN);
	assert_says(&x->err, "in the middle of a change");
	assert_int_equal(reopen(x), 0);
	STORED(x, scratch_incident(x, "a") > 0 ? 0 : -1);
	closed(x);
	/* Somebody else's is not taken over for that. */
	leave_half_made(x, "PRAGMA application_id = 7");
	refuses(x, -EINVAL, "another program");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(opens_again_and_again),
		CASE(killed_while_it_was_made),
		CASE(folders_are_made_when_asked_for),
		CASE(a_bare_name_will_do),
		CASE(a_folder_is_no_database),
		CASE(a_second_daemon_is_refused),
		CASE(what_cannot_be_locked_is_not_taken_for_locked),
		CASE(a_newer_one),
		CASE(in_two_steps),
		CASE(an_older_one_for_reading),
		CASE(a_corrupt_header),
		CASE(something_else_entirely),
		CASE(somebody_elses_database),
		CASE(a_truncated_one),
		CASE(damage_inside_is_found_by_the_check),
		CASE(dangling_rows_are_found_by_the_check),
		CASE(locked_by_another_program),
		CASE(read_only_file_or_folder),
		CASE(a_full_database),
		CASE(a_full_disk),
	};

	return cmocka_run_group_tests_name("store: opening", tests, NULL, NULL);
}
