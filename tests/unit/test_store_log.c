/* The log is written in one piece a commit, and reads as if it had been written at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "store/db.h"
#include "support_vfs.h"

struct logged {
	char dir[64], path[96];
	struct db *db;
	struct stmt *put;
	struct error err;
};

/* Fails nothing, and so counts. */
static const struct vfs_fault writes = { "count", VFS_WRITE, SQLITE_OK, .lasting = true };
static const struct vfs_fault syncs_of_file = { "count", VFS_SYNC_FILE, SQLITE_OK, .lasting = true };

static int open_log(void **state)
{
	struct logged *x = calloc(1, sizeof(*x));

	vfs_install();
	snprintf(x->dir, sizeof(x->dir), "/tmp/sitrep-log-XXXXXX");
	assert_non_null(mkdtemp(x->dir));
	snprintf(x->path, sizeof(x->path), "%s/record.db", x->dir);
	assert_int_equal(db_open(&x->db, x->path, NULL, &x->err), 0);
	assert_int_equal(db_script(x->db, "CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)", &x->err), 0);
	x->put = db_prepare(x->db, "INSERT INTO t (v) VALUES (zeroblob($1))", &x->err);
	assert_non_null(x->put);
	*state = x;
	return 0;
}

static int close_log(void **state)
{
	static const char *const own[] = { "", "-wal", "-shm" }; /* these stay when a failed test left a reader open */
	struct logged *x = *state;
	char path[128];

	vfs_lift();
	db_close(x->db);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		snprintf(path, sizeof(path), "%s%s", x->path, own[i]);
		unlink(path);
	}
	int rc = rmdir(x->dir);
	free(x);
	return rc;
}

static void put_rows(struct logged *x, int rows, int64_t bytes)
{
	for (int i = 0; i < rows; i++)
		assert_int_equal(db_run(x->put, &x->err, "i", bytes), 0);
}

static int64_t count_by(struct db *db, struct error *err)
{
	struct stmt *st = db_prepare(db, "SELECT count(*) FROM t WHERE length(v) > 0", err);
	int64_t n;

	assert_non_null(st);
	db_bind(st, "");
	assert_int_equal(db_step(st, err), DB_ROW);
	n = db_int(st, 0);
	assert_int_equal(db_step(st, err), 0);
	return n;
}

/* As another process sees it. */
static int64_t count_from_outside(struct logged *x)
{
	const struct db_options o = { .read_only = true };
	struct db *other;
	int64_t n;

	assert_int_equal(db_open(&other, x->path, &o, &x->err), 0);
	n = count_by(other, &x->err);
	db_close(other);
	return n;
}

static void a_commit_is_one_write(void **state)
{
	struct logged *x = *state;

	for (int round = 0; round < 3; round++) {
		assert_int_equal(db_begin(x->db, &x->err), 0);
		put_rows(x, 50, 1500);
		vfs_arm(&writes, 1);
		assert_int_equal(db_commit(x->db, &x->err), 0);
		assert_int_equal(vfs_lift(), 1);
		assert_int_equal(count_from_outside(x), 50 * (round + 1));
	}
}

/* More than the page cache holds and than is gathered at most: written before the end, read back in the same transaction. */
static void a_large_commit_is_whole(void **state)
{
	struct logged *x = *state;

	assert_int_equal(db_begin(x->db, &x->err), 0);
	put_rows(x, 6000, 1500);
	assert_int_equal(count_by(x->db, &x->err), 6000);
	assert_int_equal(count_from_outside(x), 0);
	put_rows(x, 10, 100);
	assert_int_equal(db_commit(x->db, &x->err), 0);
	assert_int_equal(count_by(x->db, &x->err), 6010);
	assert_int_equal(count_from_outside(x), 6010);
}

/* What one commit could not write must not come out with the next. */
static void what_failed_is_gone(void **state)
{
	static const struct vfs_fault fails = { "write fails", VFS_WRITE, SQLITE_IOERR_WRITE, .lasting = false };
	struct logged *x = *state;

	assert_int_equal(db_begin(x->db, &x->err), 0);
	put_rows(x, 20, 1500);
	vfs_arm(&fails, 1);
	assert_int_not_equal(db_commit(x->db, &x->err), 0);
	assert_int_equal(vfs_lift(), 1);
	assert_int_equal(count_by(x->db, &x->err), 0);
	assert_int_equal(db_begin(x->db, &x->err), 0);
	put_rows(x, 3, 1500);
	assert_int_equal(db_commit(x->db, &x->err), 0);
	assert_int_equal(count_from_outside(x), 3);
	assert_int_equal(db_script(x->db, "PRAGMA wal_checkpoint(TRUNCATE)", &x->err), 0);
	assert_int_equal(count_from_outside(x), 3);
}

static int64_t size_of(struct logged *x, const char *suffix)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", x->path, suffix);
	return stat(path, &st) ? 0 : st.st_size;
}

static void commit_rows(struct logged *x, int commits, int rows)
{
	for (int i = 0; i < commits; i++) {
		assert_int_equal(db_begin(x->db, &x->err), 0);
		put_rows(x, rows, 1500);
		assert_int_equal(db_commit(x->db, &x->err), 0);
	}
}

/* No commit syncs anything but the log: the file gets its pages by the thread. */
static void the_log_is_written_back_beside(void **state)
{
	struct logged *x = *state;

	assert_int_equal(db_write_back(x->db, &x->err), 0);
	assert_int_equal(db_write_back(x->db, &x->err), 0); /* again: nothing */
	commit_rows(x, 40, 50);
	for (int i = 0; i < 1000 && size_of(x, "") < 1000 * 2048; i++)
		usleep(5000);
	assert_true(size_of(x, "") >= 1000 * 2048);
	assert_int_equal(count_from_outside(x), 2000);
}

/* The log starts over once the file has all of it, which must be on the disk by then. No commit syncs the file: the log
 * does not get that long here. */
static void what_is_written_back_is_synced(void **state)
{
	struct logged *x = *state;

	vfs_arm(&syncs_of_file, 1);
	assert_int_equal(db_write_back(x->db, &x->err), 0);
	for (int i = 0; i < 120 && !vfs_failed(); i++) {
		commit_rows(x, 1, 50);
		usleep(5000); /* a pass that nothing comes after ends with nothing left */
	}
	assert_true(vfs_lift() > 0);
	assert_in_range(size_of(x, "-wal"), 1, 7500 * (2048 + 24));
}

/* Without a pause between two commits: it starts over all the same. */
static void a_log_that_is_never_left_alone_stays_bounded(void **state)
{
	struct logged *x = *state;

	assert_int_equal(db_write_back(x->db, &x->err), 0);
	commit_rows(x, 400, 150);
	assert_in_range(size_of(x, "-wal"), 1, 34000 * (2048 + 24));
	assert_int_equal(count_from_outside(x), 60000);
}

/* Somebody reads for long: the log cannot start over. No commit but now and then one waits for that. */
static void a_long_reader_makes_nobody_wait_each_time(void **state)
{
	const struct db_options o = { .read_only = true };
	struct logged *x = *state;
	struct db *reader;

	assert_int_equal(db_write_back(x->db, &x->err), 0);
	commit_rows(x, 1, 10);
	assert_int_equal(db_open(&reader, x->path, &o, &x->err), 0);
	assert_int_equal(db_begin(reader, &x->err), 0);
	assert_int_equal(count_by(reader, &x->err), 10);
	commit_rows(x, 1, 33000);
	assert_true(size_of(x, "-wal") > 33000 * 2048);
	int64_t begin = clock_monotonic_ms();
	commit_rows(x, 5, 1);
	assert_true(clock_monotonic_ms() - begin < 4000);
	assert_int_equal(count_by(reader, &x->err), 10);
	db_close(reader);
	/* Once it is gone, the log is as short as it was. */
	for (int i = 0; i < 20; i++)
		commit_rows(x, 1, 1000);
	assert_in_range(size_of(x, "-wal"), 1, 45000 * (2048 + 24));
	assert_int_equal(count_from_outside(x), 53015);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_commit_is_one_write, open_log, close_log),
		cmocka_unit_test_setup_teardown(a_large_commit_is_whole, open_log, close_log),
		cmocka_unit_test_setup_teardown(what_failed_is_gone, open_log, close_log),
		cmocka_unit_test_setup_teardown(the_log_is_written_back_beside, open_log, close_log),
		cmocka_unit_test_setup_teardown(what_is_written_back_is_synced, open_log, close_log),
		cmocka_unit_test_setup_teardown(
			a_log_that_is_never_left_alone_stays_bounded, open_log, close_log),
		cmocka_unit_test_setup_teardown(
			a_long_reader_makes_nobody_wait_each_time, open_log, close_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
