/* The record copied away and put back: whole, all at once, and nothing lost on the way. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/audit.h"
#include "store/backup.h"
#include "store/effects.h"
#include "store/migrations.h"
#include "support_store.h"

#define NOW INT64_C(1767300000000) /* 2026-01-01T20:40:00Z */

struct names {
	char copy[128], other[128];
};

static struct names names_of(const struct scratch *x)
{
	struct names n;

	snprintf(n.copy, sizeof(n.copy), "%s/copy", x->folder);
	snprintf(n.other, sizeof(n.other), "%s/other", x->folder);
	return n;
}

static int said(struct scratch *x, const char *action)
{
	struct audit_entry e = { .at = 5000, .entity = "incident", .entity_id = 1, .level = "info", .action = action,
		.actor = "slack:U1" };

	return audit_append(x->store, &e, &x->err);
}

static void declare(struct scratch *x, const char *title)
{
	STORED(x, scratch_incident(x, title) > 0 ? said(x, "incident.declared") : -1);
}

static void closed(struct scratch *x)
{
	store_close(x->store);
	x->store = NULL;
}

/* Files of the folder whose names contain the words. */
static int files(const struct scratch *x, const char *words)
{
	DIR *folder = opendir(x->folder);
	int n = 0;

	assert_non_null(folder);
	for (struct dirent *e; (e = readdir(folder));)
		n += e->d_name[0] != '.' && strstr(e->d_name, words) != NULL;
	closedir(folder);
	return n;
}

static void write_at(const char *path, off_t at, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
	close(fd);
}

/* Where the text stands in the file. */
static off_t place_of(const char *path, const char *text)
{
	static char all[1u << 20];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	size_t n = fread(all, 1, sizeof(all), f);
	fclose(f);
	char *found = memmem(all, n, text, strlen(text));
	assert_non_null(found);
	return found - all;
}

static int64_t ask_file(struct scratch *x, const char *path, const char *sql)
{
	struct scratch other = *x;

	snprintf(other.path, sizeof(other.path), "%.95s", path);
	return scratch_ask(&other, sql);
}

static void backed_up(struct scratch *x, const char *file, struct backup_report *r)
{
	if (backup_write(x->path, file, false, r, &x->err))
		fail_msg("%s", x->err.text);
}

/* ---- what is on the disk ----------------------------------------------------------------- */

static struct {
	const char *path; /* watched: the name that it is to get; NULL = nothing is */
	struct stat of[64]; /* the files written to the disk, as they were then */
	int n;
	ino_t named; /* what had the name when the folder was last written to the disk */
} disk;

/* Instead of the C library's. */
int fsync(int fd)
{
	struct stat st, at;

	if (disk.path && fstat(fd, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			disk.named = stat(disk.path, &at) == 0 ? at.st_ino : 0;
		else if (disk.n < 64)
			disk.of[disk.n++] = st;
	}
	return (int)syscall(SYS_fsync, fd);
}

static void watch(const char *path)
{
	memset(&disk, 0, sizeof(disk));
	disk.path = path;
}

/* All of it before its name, and its name: a power cut leaves the old one or the new one. */
static void assert_on_disk(void)
{
	struct stat st;
	bool whole = false;

	assert_int_equal(stat(disk.path, &st), 0);
	for (int i = 0; i < disk.n; i++)
		whole = whole || (disk.of[i].st_ino == st.st_ino && disk.of[i].st_size == st.st_size &&
					 memcmp(&disk.of[i].st_mtim, &st.st_mtim, sizeof(st.st_mtim)) == 0);
	assert_true(whole);
	assert_int_equal(disk.named, st.st_ino);
	disk.path = NULL;
}

/* The bot runs: what is committed is in it, what is not is not, and it is not disturbed. */
static void copies_what_is_committed(void **state)
{
	struct scratch *x = *state;
	struct names n = names_of(x);
	struct backup_report r;
	struct stat st;

	declare(x, "one");
	declare(x, "two");
	assert_int_equal(store_begin(x->store, &x->err), 0);
	scratch_incident(x, "not yet");
	backed_up(x, n.copy, &r);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	assert_int_equal(r.incidents, 2);
	assert_int_equal(r.entries, 2);
	assert_int_equal(r.last_at, 5000);
	assert_int_equal(r.schema, store_migration_count);
	assert_int_equal(stat(n.copy, &st), 0);
	assert_int_equal(r.bytes, st.st_size);
	assert_int_equal(st.st_mode & 0777, 0600); /* it says what the record says */
	assert_int_equal(ask_file(x, n.copy, "SELECT count(*) FROM incident"), 2);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM incident"), 3);
	assert_int_equal(files(x, "copy"), 1); /* one file, and no parts of it */
}

static void replaces_only_when_told(void **state)
{
	struct scratch *x = *state;
	struct names n = names_of(x);
	struct backup_report r;

	declare(x, "one");
	backed_up(x, n.copy, &r);
	declare(x, "two");
	assert_int_equal(backup_write(x->path, n.copy, false, &r, &x->err), -EEXIST);
	assert_says(&x->err, "--force");
	assert_int_equal(ask_file(x, n.copy, "SELECT count(*) FROM incident"), 1);
	assert_int_equal(backup_write(x->path, n.copy, true, &r, &x->err), 0);
	assert_int_equal(ask_file(x, n.copy, "SELECT count(*) FROM incident"), 2);
	assert_int_equal(files(x, "copy"), 1);
}

static void never_writes_over_the_record(void **state)
{
	static const char *const own[] = { "", "-wal", "-shm", ".lock" };
	struct scratch *x = *state;
	struct backup_report r;
	char name[256];

	declare(x, "one");
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s%s", x->path, own[i]);
		assert_int_equal(backup_write(x->path, name, true, &r, &x->err), -EINVAL);
		assert_says(&x->err, "belongs to the record itself");
	}
	snprintf(name, sizeof(name), "%s/link", x->folder);
	assert_int_equal(symlink(x->path, name), 0);
	assert_int_equal(backup_write(x->path, name, true, &r, &x->err), -EINVAL);
	declare(x, "two");
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM incident"), 2);
}

static void says_why_it_cannot(void **state)
{
	struct scratch *x = *state;
	struct names n = names_of(x);
	struct backup_report r;
	char name[256];

	assert_int_equal(backup_write(n.other, n.copy, false, &r, &x->err), -ENOENT);
	assert_says(&x->err, "there is no database at");
	assert_int_equal(backup_write(x->path, x->folder, true, &r, &x->err), -EISDIR);
	assert_int_equal(backup_write(x->path, "/dev/null", true, &r, &x->err), -EINVAL);
	snprintf(name, sizeof(name), "%s/no/copy", x->folder);
	assert_int_equal(backup_write(x->path, name, false, &r, &x->err), -ENOENT);
	assert_says(&x->err, "/no: ");
	write_at(n.other, 0, "something else altogether, and long enough to be looked at as a database");
	assert_int_equal(backup_write(n.other, n.copy, false, &r, &x->err), -EUCLEAN);
	scratch_sql(x, "PRAGMA user_version = 999");
	assert_int_equal(backup_write(x->path, n.copy, false, &r, &x->err), -ENOTSUP);
	assert_says(&x->err, "newer sitrep");
	assert_int_equal(files(x, "copy"), 0);
}

/* A limit on the size of files is what a full disk is to SQLite. file: what is to be written, or restored from. */
static void without_room(struct scratch *x, const char *file, bool restore)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct rlimit limit = { 40000, 40000 };
		struct error err = { 0 };
		struct backup_report r;
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		int rc = restore ? backup_restore(x->path, file, NOW, &r, &err)
				 : backup_write(x->path, file, false, &r, &err);
		_exit(rc == -ENOSPC && strstr(err.text, "full") && strstr(err.text, restore ? x->path : file) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(files(x, "part"), 0);
}

static void no_room_leaves_nothing(void **state)
{
	struct scratch *x = *state;
	struct names n = names_of(x);
	struct backup_report r;

	declare(x, "one");
	without_room(x, n.copy, false);
	assert_int_equal(files(x, "copy"), 0);
	backed_up(x, n.copy, &r);
	declare(x, "two");
	closed(x);
	without_room(x, n.copy, true);
	assert_int_equal(files(x, "before-restore"), 0);
	scratch_reopen(x);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM incident"), 2);
}

/* Ended anywhere in the middle, there is the whole copy or none. */
static void killed_in_the_middle_it_is_whole_or_not_there(void **state)
{
	struct scratch *x = *state;
	struct names n = names_of(x);
	struct backup_report r;

	assert_int_equal(store_begin(x->store, &x->err), 0);
	for (int i = 0; i < 400; i++)
		assert_int_equal(scratch_incident(x, "one of many") > 0 ? said(x, "incident.declared") : -1, 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	closed(x);
	for (useconds_t us = 0; us < 8000; us += 100) {
		pid_t child = fork();
		if (child == 0) {
			backup_write(x->path, n.copy, true, &r, NULL);
			_exit(0);
		}
		usleep(us);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		if (access(n.copy, F_OK) == 0)
			assert_int_equal(backup_verify(n.copy, &r, &x->err), 0);
	}
	backed_up(x, n.other, &r);
	assert_int_equal(r.incidents, 400);
}

/* What was changed in the record is in the copy too, and is not passed off as sound. */
static void a_broken_chain_is_not_backed_up(void **state)
{
	struct scratch *x = *state;
	struct names n = names_of(x);
	struct backup_report r;

	declare(x, "one");
	backed_up(x, n.copy, &r);
	scratch_sql(x, "DROP TRIGGER audit_stays; UPDATE audit SET actor = 'slack:U9'");
	assert_int_equal(backup_write(x->path, n.copy, true, &r, &x->err), -EBADMSG);
	assert_says(&x->err, "thrown away");
	assert_int_equal(backup_verify(n.copy, &r, &x->err), 0); /* the earlier one stays */
	assert_int_equal(files(x, "copy"), 1);
}

static void comes_back_and_goes_on(void **state)
{
	struct scratch *x = *state;
	struct names n = names_of(x);
	struct effect_row e = { .system = "slack", .lane = "slack/1", .kind = EFFECT_MESSAGE_POST, .to = "announce",
		.payload = "{}", .created_at = 100 }, sent = e, back;
	struct backup_report r;
	int64_t entries;

	sent.lane = "slack/2";
	declare(x, "one");
	STORED(x, effect_insert(x->store, x->arena, &e, &x->err));
	STORED(x, effect_insert(x->store, x->arena, &sent, &x->err));
	STORED(x, effect_start(x->store, sent.id, 110, &x->err));
	STORED(x, effect_end(x->store, sent.id, EFFECT_DELIVERED, NULL, 120, &x->err));
	backed_up(x, n.copy, &r);
	assert_int_equal(r.unfinished, 1);
	declare(x, "two");
	closed(x);
	if (backup_restore(x->path, n.copy, NOW, &r, &x->err))
		fail_msg("%s", x->err.text);
	assert_int_equal(r.incidents, 1);
	assert_non_null(strstr(r.aside, ".before-restore-20260101T204000Z"));
	assert_int_equal(ask_file(x, r.aside, "SELECT count(*) FROM incident"), 2);
	assert_int_equal(files(x, "part"), 0);
	assert_int_equal(files(x, "-wal"), 0);
	scratch_reopen(x);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM incident"), 1);
	assert_int_equal(effect_load(x->store, x->arena, e.id, &back, &x->err), 0);
	assert_true(back.verify); /* it may have been sent since */
	assert_int_equal(effect_load(x->store, x->arena, sent.id, &back, &x->err), 0);
	assert_false(back.verify);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM audit WHERE action = 'record.restored'"), 1);
	declare(x, "three");
	assert_int_equal(audit_verify(x->store, &entries, &x->err), 0);
	assert_int_equal(entries, 3);
	assert_int_equal(store_check_all(x->store, &x->err), 0);
}

static void not_while_a_bot_runs(void **state)
{
	struct scratch *x = *state;
	struct names n = names_of(x);
	struct backup_report r;

	declare(x, "one");
	backed_up(x, n.copy, &r);
	declare(x, "two");
	assert_int_equal(backup_restore(x->path, n.copy, NOW, &r, &x->err), -EBUSY);
	assert_says(&x->err, "stop it first");
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM incident"), 2);
	assert_int_equal(files(x, "before-restore"), 0);
	declare(x, "three");
	/* Nor while somebody else has it open, whose log would go away under him. */
	closed(x);
	struct store_options o = { .path = x->path, .read_only = true };
	assert_int_equal(store_open(&x->store, &o, &x->err), 0);
	assert_int_equal(backup_restore(x->path, n.copy, NOW, &r, &x->err), -EBUSY);
	assert_says(&x->err, "another program");
	assert_int_equal(files(x, "before-restore"), 0);
	closed(x);
	assert_int_equal(backup_restore(x->path, n.copy, NOW, &r, &x->err), 0);
}

/* Whatever is wrong with the file, the record stays as it is. */
static void refuses_what_is_not_sound(void **state)
{
	struct scratch *x = *state;
	struct names n = names_of(x);
	struct backup_report r;

	declare(x, "one");
	backed_up(x, n.copy, &r);
	closed(x);
	assert_int_equal(backup_restore(x->path, n.other, NOW, &r, &x->err), -ENOENT);
	assert_int_equal(backup_restore(x->path, x->path, NOW, &r, &x->err), -EINVAL);
	write_at(n.other, 0, "no database at all, but some text that goes on for more than a hundred bytes, "
		"as a file that somebody took for another would");
	assert_int_equal(backup_restore(x->path, n.other, NOW, &r, &x->err), -EUCLEAN);
	unlink(n.other);
	write_at(n.other, 0, "");
	assert_int_equal(backup_restore(x->path, n.other, NOW, &r, &x->err), -EINVAL);
	assert_says(&x->err, "no record in it");
	write_at(n.copy, place_of(n.copy, "incident.declared"), "incident.d!clared");
	assert_int_equal(backup_restore(x->path, n.copy, NOW, &r, &x->err), -EBADMSG);
	assert_int_equal(truncate(n.copy, 30000), 0);
	assert_int_equal(backup_restore(x->path, n.copy, NOW, &r, &x->err), -EUCLEAN);
	assert_int_equal(files(x, "before-restore"), 0);
	assert_int_equal(files(x, "part"), 0);
	scratch_reopen(x);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM incident"), 1);
	unlink(n.other);
	backed_up(x, n.other, &r);
	closed(x);
	struct scratch newer = *x;
	snprintf(newer.path, sizeof(newer.path), "%.95s", n.other);
	scratch_sql(&newer, "PRAGMA user_version = 999");
	assert_int_equal(backup_restore(x->path, n.other, NOW, &r, &x->err), -ENOTSUP);
}

/* The reason why one is restored, most of the time. */
static void takes_the_place_of_what_is_lost_or_damaged(void **state)
{
	struct scratch *x = *state;
	struct names n = names_of(x);
	struct backup_report r;
	char name[256];

	declare(x, "one");
	backed_up(x, n.copy, &r);
	closed(x);
	assert_int_equal(unlink(x->path), 0);
	assert_int_equal(backup_restore(x->path, n.copy, NOW, &r, &x->err), 0);
	assert_string_equal(r.aside, "");
	/* Damaged, with a log beside it that must not be taken for the new one's. */
	write_at(x->path, 0, "no database any more");
	snprintf(name, sizeof(name), "%s-wal", x->path);
	write_at(name, 0, "the log of another database");
	assert_int_equal(backup_restore(x->path, n.copy, NOW, &r, &x->err), 0);
	assert_int_equal(access(name, F_OK), -1);
	snprintf(name, sizeof(name), "%.240s-wal", r.aside);
	assert_int_equal(access(name, F_OK), 0);
	scratch_reopen(x);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM incident"), 1);
}

/* Killed, so that the last commits are in the log only: they go aside with the record. */
static void what_is_put_aside_is_all_there_was(void **state)
{
	struct scratch *x = *state;
	struct names n = names_of(x);
	struct backup_report r, aside;

	declare(x, "one");
	backed_up(x, n.copy, &r);
	closed(x);
	pid_t child = fork();
	if (child == 0) {
		scratch_reopen(x);
		declare(x, "two");
		_exit(0); /* as kill -9 would */
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(files(x, "-wal") > 0);
	assert_int_equal(backup_restore(x->path, n.copy, NOW, &r, &x->err), 0);
	assert_int_equal(ask_file(x, r.aside, "SELECT count(*) FROM incident"), 2);
	assert_int_equal(backup_verify(r.aside, &aside, &x->err), 0);
	assert_int_equal(aside.entries, 2);
	scratch_reopen(x);
}

/* Half of what is there is aside already when the rest cannot go: it comes back. */
static void what_cannot_all_go_aside_comes_back(void **state)
{
	struct scratch *x = *state;
	struct names n = names_of(x);
	struct backup_report r;
	char log[256], index[256], blocked[256], theirs[8] = "";
	FILE *f;

	declare(x, "one");
	backed_up(x, n.copy, &r);
	closed(x);
	write_at(x->path, 0, "no database any more");
	snprintf(log, sizeof(log), "%s-wal", x->path);
	snprintf(index, sizeof(index), "%s-shm", x->path);
	snprintf(blocked, sizeof(blocked), "%s.before-restore-20260101T204000Z-shm", x->path);
	write_at(log, 0, "the log");
	write_at(index, 0, "its index");
	assert_int_equal(mkdir(blocked, 0700), 0);
	assert_int_equal(backup_restore(x->path, n.copy, NOW, &r, &x->err), -EISDIR);
	assert_says(&x->err, "nothing was changed");
	f = fopen(log, "r");
	assert_non_null(f);
	assert_int_equal(fread(theirs, 1, 7, f), 7);
	fclose(f);
	assert_string_equal(theirs, "the log");
	assert_int_equal(access(index, F_OK), 0);
	assert_int_equal(place_of(x->path, "no database any more"), 0);
	assert_int_equal(rmdir(blocked), 0);
	assert_int_equal(files(x, "before-restore"), 0);
	assert_int_equal(backup_restore(x->path, n.copy, NOW, &r, &x->err), 0);
	scratch_reopen(x);
}

static void it_is_on_the_disk_before_it_is_said_to_be_there(void **state)
{
	struct scratch *x = *state;
	struct names n = names_of(x);
	struct backup_report r;

	declare(x, "one");
	watch(n.copy);
	backed_up(x, n.copy, &r);
	assert_on_disk();
	declare(x, "two");
	watch(n.copy);
	assert_int_equal(backup_write(x->path, n.copy, true, &r, &x->err), 0);
	assert_on_disk();
	closed(x);
	watch(x->path);
	assert_int_equal(backup_restore(x->path, n.copy, NOW, &r, &x->err), 0);
	assert_on_disk();
	scratch_reopen(x);
}

static void somebody_elses_database_stays(void **state)
{
	struct scratch *x = *state;
	struct names n = names_of(x);
	struct backup_report r;
	struct scratch other = *x;

	declare(x, "one");
	backed_up(x, n.copy, &r);
	snprintf(other.path, sizeof(other.path), "%.95s", n.other);
	scratch_sql(&other, "CREATE TABLE theirs (a)");
	assert_int_equal(backup_restore(n.other, n.copy, NOW, &r, &x->err), -EINVAL);
	assert_says(&x->err, "another program");
	assert_int_equal(backup_write(n.other, n.copy, true, &r, &x->err), -EINVAL);
	assert_int_equal(scratch_ask(&other, "SELECT count(*) FROM theirs"), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(copies_what_is_committed),
		CASE(replaces_only_when_told),
		CASE(never_writes_over_the_record),
		CASE(says_why_it_cannot),
		CASE(no_room_leaves_nothing),
		CASE(killed_in_the_middle_it_is_whole_or_not_there),
		CASE(a_broken_chain_is_not_backed_up),
		CASE(comes_back_and_goes_on),
		CASE(not_while_a_bot_runs),
		CASE(refuses_what_is_not_sound),
		CASE(takes_the_place_of_what_is_lost_or_damaged),
		CASE(what_is_put_aside_is_all_there_was),
		CASE(what_cannot_all_go_aside_comes_back),
		CASE(it_is_on_the_disk_before_it_is_said_to_be_there),
		CASE(somebody_elses_database_stays),
	};

	return cmocka_run_group_tests_name("store: backup", tests, NULL, NULL);
}
