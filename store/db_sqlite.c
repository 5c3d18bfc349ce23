#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "store/log_file.h"
#include "store/write_back.h"

#define BUSY_MS_DEFAULT 2000

struct stmt {
	sqlite3_stmt *handle;
	struct db *db;
	int params;
	struct stmt *next; /* db.statements */
};

enum control { BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, ROLLBACK_TO, CONTROL_COUNT };

struct db {
	sqlite3 *handle;
	char *path;
	struct stmt *statements;
	sqlite3_stmt *control[CONTROL_COUNT];
	struct write_back *write_back; /* NULL: commits do it */
	bool begun;          /* the caller has a transaction open */
	struct error undone; /* code != 0: why it was undone, which the caller does not know yet */
};

/* ---- errors ----------------------------------------------------------------------------- */

/* What SQLite says, for people who can mend it. %s is the path. Codes are tried in full first. */
static const struct {
	int sqlite;
	int code;
	const char *words;
} failures[] = {
	{ SQLITE_FULL, -ENOSPC, "the disk of %s is full: make room, nothing was stored" },
	{ SQLITE_READONLY_DIRECTORY, -EROFS,
		"the folder of %s is read-only: give this user the right to write there" },
	{ SQLITE_READONLY_ROLLBACK, -EAGAIN,
		"%s was left in the middle of a change: whoever opens it for writing undoes that, so start sitrep" },
	{ SQLITE_READONLY, -EROFS, "%s is read-only: give this user the right to write it" },
	{ SQLITE_BUSY, -EBUSY,
		"%s is locked by another program: end that (a sqlite3 shell, a copy being made)" },
	{ SQLITE_LOCKED, -EBUSY, "%s is locked by another statement" },
	{ SQLITE_CORRUPT, -EUCLEAN, "%s is damaged: restore a backup, or try sqlite3's .recover" },
	{ SQLITE_NOTADB, -EUCLEAN, "%s is not a database: name another file, or restore a backup" },
	{ SQLITE_CANTOPEN, -EACCES,
		"%s cannot be opened: look at the rights of the file and its folder" },
	{ SQLITE_PERM, -EACCES, "%s: permission denied" },
	{ SQLITE_AUTH, -EACCES, "%s: not allowed" },
	{ SQLITE_NOMEM, -ENOMEM, "%s: out of memory" },
	{ SQLITE_TOOBIG, -E2BIG, "%s: a text is too long to be stored" },
	{ SQLITE_NOLFS, -EFBIG, "%s is too large for this file system" },
	{ SQLITE_CONSTRAINT_UNIQUE, -EEXIST, "%s: it is there already" },
	{ SQLITE_CONSTRAINT_PRIMARYKEY, -EEXIST, "%s: it is there already" },
	{ SQLITE_CONSTRAINT_ROWID, -EEXIST, "%s: it is there already" },
	{ SQLITE_CONSTRAINT_FOREIGNKEY, -ENOENT, "%s: what it refers to is not there" },
	{ SQLITE_CONSTRAINT, -EINVAL, "%s: a value is not allowed" },
	{ SQLITE_IOERR, -EIO, "%s cannot be read or written: look at the disk" },
};

/* May the file grow? SQLite knows ENOSPC only; a quota or a limit on file size is an I/O error to
 * it, and errno is gone by then. */
static bool is_full(const char *path)
{
	struct rlimit limit;
	struct statvfs fs;

	if (statvfs(path, &fs) == 0 && fs.f_bavail == 0)
		return true;
	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

/* The code to look up: SQLite's, unless the system's reason says more. */
static int code_of(struct db *db, int rc)
{
	if (rc == SQLITE_IOERR_WRITE || rc == SQLITE_IOERR_SHMSIZE)
		return is_full(db->path) ? SQLITE_FULL : rc;
	if ((rc & 0xff) == SQLITE_CANTOPEN && sqlite3_system_errno(db->handle) == EROFS)
		return SQLITE_READONLY;
	return rc;
}

static size_t failure_of(int rc)
{
	size_t count = sizeof(failures) / sizeof(failures[0]);

	for (size_t i = 0; i < count; i++)
		if (failures[i].sqlite == rc)
			return i;
	for (size_t i = 0; i < count; i++)
		if (failures[i].sqlite == (rc & 0xff))
			return i;
	return count;
}

static int error_words(struct db *db, int rc, struct error *err)
{
	size_t i = failure_of(code_of(db, rc));
	char first[256];

	if (i == sizeof(failures) / sizeof(failures[0]))
		return error_set(err, -EIO, "%s: %s", db->path, sqlite3_errmsg(db->handle));
	sqlite3_snprintf((int)sizeof(first), first, failures[i].words, db->path);
	return error_set(err, failures[i].code, "%s (%s)", first, sqlite3_errmsg(db->handle));
}

static void control_reset(struct db *db, enum control c)
{
	sqlite3_reset(db->control[c]);
}

/* After these SQLite may or may not have undone the transaction: make sure that it has. */
static bool is_fatal(int rc)
{
	int primary = rc & 0xff;

	return primary == SQLITE_FULL || primary == SQLITE_IOERR || primary == SQLITE_NOMEM ||
		primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

static int db_fail(struct db *db, int rc, struct error *err)
{
	struct error words = { 0 };
	int code = error_words(db, rc, &words);

	if (db->begun && !db->undone.code) {
		if (is_fatal(rc) && !sqlite3_get_autocommit(db->handle)) {
			sqlite3_step(db->control[ROLLBACK]);
			control_reset(db, ROLLBACK);
		}
		if (sqlite3_get_autocommit(db->handle))
			db->undone = words;
	}
	if (err)
		*err = words;
	return code;
}

/* ---- opening ---------------------------------------------------------------------------- */

static int configure(struct db *db, bool read_only, struct error *err)
{
	static const struct {
		int option, value;
	} options[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (sqlite3_db_config(db->handle, options[i].option, options[i].value, NULL))
			return db_fail(db, sqlite3_errcode(db->handle), err);
	/* The page cache is bounded to 4 MB. The journal of a savepoint stays in memory: where it
	 * may spill to a file, every savepoint of the batch is slow from then on, and SQLite 3.40
	 * takes a spill of more than 128 kB for a full disk. */
	if (db_script(db, "PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;"
			  "PRAGMA automatic_index = OFF;", err))
		return err->code;
	if (read_only)
		return db_script(db, "PRAGMA query_only = ON;", err);
	/* Of a new file. A command touches some forty pages in one row or two each: half the size is
	 * two fifths less to write, and 2 MB less memory. */
	return db_script(db, "PRAGMA page_size = 2048; PRAGMA journal_mode = WAL;"
			     "PRAGMA synchronous = FULL;", err);
}

/* For the whole process, before SQLite's first use: without memory statistics, for which each
 * allocation takes a mutex. */
static void configure_process(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int prepare_control(struct db *db, bool read_only, struct error *err)
{
	const char *const sql[CONTROL_COUNT] = {
		[BEGIN] = read_only ? "BEGIN" : "BEGIN IMMEDIATE",
		[COMMIT] = "COMMIT",
		[ROLLBACK] = "ROLLBACK",
		[SAVEPOINT] = "SAVEPOINT request",
		[RELEASE] = "RELEASE request",
		[ROLLBACK_TO] = "ROLLBACK TO request",
	};

	for (int i = 0; i < CONTROL_COUNT; i++) {
		int rc = sqlite3_prepare_v3(db->handle, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
			&db->control[i], NULL);
		if (rc)
			return db_fail(db, rc, err);
	}
	return 0;
}

int db_open(struct db **out, const char *path, const struct db_options *o, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct error local = { 0 };
	bool read_only = o && o->read_only;
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
		(read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	struct db *db = calloc(1, sizeof(*db));

	*out = NULL;
	if (!err)
		err = &local;
	pthread_once(&once, configure_process);
	if (!db || !(db->path = strdup(path)))
		abort();
	int rc = sqlite3_open_v2(path, &db->handle, flags, read_only ? NULL : log_file_vfs());
	if (rc) {
		db_fail(db, rc, err);
		goto fail;
	}
	sqlite3_busy_timeout(db->handle, o && o->busy_ms ? o->busy_ms : BUSY_MS_DEFAULT);
	if (!read_only && sqlite3_db_readonly(db->handle, "main") == 1) {
		error_set(
			err, -EROFS, "%s is read-only: give this user the right to write it", path);
		goto fail;
	}
	if (configure(db, read_only, err) || prepare_control(db, read_only, err))
		goto fail;
	*out = db;
	return 0;
fail:
	db_close(db);
	return err->code;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	write_back_stop(db->write_back);
	while (db->statements) {
		struct stmt *st = db->statements;
		db->statements = st->next;
		sqlite3_finalize(st->handle);
		free(st);
	}
	for (int i = 0; i < CONTROL_COUNT; i++)
		sqlite3_finalize(db->control[i]);
	sqlite3_close(db->handle);
	free(db->path);
	free(db);
}

int db_write_back(struct db *db, struct error *err)
{
	return db->write_back ? 0 : write_back_start(&db->write_back, db->handle, db->path, err);
}

int db_script(struct db *db, const char *sql, struct error *err)
{
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return rc ? db_fail(db, rc, err) : 0;
}

int64_t db_user_version(struct db *db)
{
	sqlite3_stmt *st = NULL;
	int64_t version = -1;

	if (sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return version;
}

const char *db_path(struct db *db)
{
	return db->path;
}

/* ---- copying ---------------------------------------------------------------------------- */

/* Whose failure it is: reading fails for the database, anything else for the copy. */
static bool is_of_source(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB ||
		rc == SQLITE_IOERR_READ || rc == SQLITE_IOERR_SHORT_READ || rc == SQLITE_IOERR_SHMMAP;
}

/* In one step: the reading transaction is as long as the copying, and with a write-ahead log nobody
 * waits for it. In several steps every commit between two of them would start it over. */
static int copy_pages(struct db *db, struct db *copy, struct error *err)
{
	sqlite3_backup *b = sqlite3_backup_init(copy->handle, "main", db->handle, "main");

	if (!b)
		return db_fail(copy, sqlite3_errcode(copy->handle), err);
	int rc = sqlite3_backup_step(b, -1);
	sqlite3_backup_finish(b);
	return rc == SQLITE_DONE ? 0 : db_fail(is_of_source(rc) ? db : copy, rc, err);
}

int db_copy(struct db *db, const char *path, struct error *err)
{
	struct db copy = { 0 };
	struct error local = { 0 };
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READWRITE;

	if (!err)
		err = &local;
	if (!(copy.path = strdup(path)))
		abort();
	int rc = sqlite3_open_v2(path, &copy.handle, flags, NULL);
	rc = rc ? db_fail(&copy, rc, err) : 0;
	/* Half a copy is thrown away, so nothing need be able to undo it. */
	if (rc == 0)
		rc = db_script(&copy, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;", err);
	if (rc == 0)
		rc = copy_pages(db, &copy, err);
	/* The log's mark came with the first page: without it the file can be read where nothing may
	 * be written beside it. */
	if (rc == 0)
		rc = db_script(&copy, "PRAGMA journal_mode = DELETE;", err);
	sqlite3_close(copy.handle);
	free(copy.path);
	return rc;
}

/* ---- transactions ----------------------------------------------------------------------- */

static int undone_error(struct db *db, struct error *err)
{
	return error_set(err, db->undone.code, "%s", db->undone.text);
}

static int control_run(struct db *db, enum control c, struct error *err)
{
	if (db->undone.code)
		return undone_error(db, err);
	int rc = sqlite3_step(db->control[c]);
	control_reset(db, c);
	return rc == SQLITE_DONE ? 0 : db_fail(db, rc, err);
}

int db_begin(struct db *db, struct error *err)
{
	assert(!db->begun);
	int code = control_run(db, BEGIN, err);
	db->begun = code == 0;
	return code;
}

int db_commit(struct db *db, struct error *err)
{
	assert(db->begun);
	int code = control_run(db, COMMIT, err);
	if (code)
		db_rollback(db);
	db->begun = false;
	return code;
}

void db_rollback(struct db *db)
{
	if (!sqlite3_get_autocommit(db->handle)) {
		sqlite3_step(db->control[ROLLBACK]);
		control_reset(db, ROLLBACK);
	}
	db->begun = false;
	db->undone.code = 0;
}

int db_savepoint(struct db *db, struct error *err)
{
	return control_run(db, SAVEPOINT, err);
}

int db_release(struct db *db, struct error *err)
{
	return control_run(db, RELEASE, err);
}

void db_rollback_to(struct db *db)
{
	struct error ignored = { 0 };

	/* Of an undone transaction the savepoint is gone too. */
	if (control_run(db, ROLLBACK_TO, &ignored) == 0)
		(void)control_run(db, RELEASE, &ignored);
}

bool db_in_transaction(struct db *db)
{
	return db->begun;
}

/* ---- statements ------------------------------------------------------------------------- */

/* "$1" is a name to SQLite, numbered by first use; another driver takes it at its word. */
static int check_parameters(struct stmt *st, struct error *err)
{
	st->params = sqlite3_bind_parameter_count(st->handle);
	for (int i = 1; i <= st->params; i++) {
		const char *name = sqlite3_bind_parameter_name(st->handle, i);
		if (!name || name[0] != '$' || strtol(name + 1, NULL, 10) != i)
			return error_set(err, -EINVAL, "parameter %d is named %s in: %s", i,
				name ? name : "?", sqlite3_sql(st->handle));
	}
	return 0;
}

struct stmt *db_prepare(struct db *db, const char *sql, struct error *err)
{
	struct stmt *st = calloc(1, sizeof(*st));

	if (!st)
		abort();
	st->db = db;
	int rc = sqlite3_prepare_v3(
		db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &st->handle, NULL);
	if (rc == SQLITE_ERROR)
		error_set(err, -EINVAL, "%s: %s in: %s", db->path, sqlite3_errmsg(db->handle), sql);
	else if (rc)
		db_fail(db, rc, err);
	if (rc || check_parameters(st, err)) {
		sqlite3_finalize(st->handle);
		free(st);
		return NULL;
	}
	st->next = db->statements;
	db->statements = st;
	return st;
}

static int bind_text(sqlite3_stmt *h, int i, const char *text)
{
	return text ? sqlite3_bind_text(h, i, text, -1, SQLITE_STATIC) : sqlite3_bind_null(h, i);
}

static void bind_all(struct stmt *st, const char *letters, va_list ap)
{
	sqlite3_stmt *h = st->handle;
	int rc = SQLITE_OK, i = 1;

	sqlite3_reset(h);
	for (; *letters; letters++, i++) {
		const void *p;
		int64_t n;

		switch (*letters) {
		case 'i':
			rc = sqlite3_bind_int64(h, i, va_arg(ap, int64_t));
			break;
		case 'z':
			n = va_arg(ap, int64_t);
			rc = n ? sqlite3_bind_int64(h, i, n) : sqlite3_bind_null(h, i);
			break;
		case 'b':
			rc = sqlite3_bind_int(h, i, va_arg(ap, int) != 0);
			break;
		case 't':
			rc = bind_text(h, i, va_arg(ap, const char *));
			break;
		case 'T':
			p = va_arg(ap, const char *);
			rc = sqlite3_bind_text64(
				h, i, p, va_arg(ap, size_t), SQLITE_STATIC, SQLITE_UTF8);
			break;
		case 'B':
			p = va_arg(ap, const void *);
			rc = sqlite3_bind_blob64(h, i, p, va_arg(ap, size_t), SQLITE_STATIC);
			break;
		case 'n':
			rc = sqlite3_bind_null(h, i);
			break;
		default:
			assert(0 && "unknown letter");
		}
		/* A text above SQLite's limit (1 GB) cannot come here: all input is capped. */
		assert(rc == SQLITE_OK);
	}
	assert(i - 1 == st->params);
	(void)rc;
}

void db_bind(struct stmt *st, const char *letters, ...)
{
	va_list ap;

	va_start(ap, letters);
	bind_all(st, letters, ap);
	va_end(ap);
}

int db_step(struct stmt *st, struct error *err)
{
	struct db *db = st->db;

	if (db->undone.code)
		return undone_error(db, err);
	int rc = sqlite3_step(st->handle);
	if (rc == SQLITE_ROW)
		return DB_ROW;
	int code = rc == SQLITE_DONE ? 0 : db_fail(db, rc, err);
	sqlite3_reset(st->handle);
	return code;
}

void db_reset(struct stmt *st)
{
	sqlite3_reset(st->handle);
}

static int run_bound(struct stmt *st, struct error *err)
{
	int code = db_step(st, err);

	if (code == DB_ROW) {
		db_reset(st);
		return error_set(err, -EINVAL, "rows where none were expected: %s",
			sqlite3_sql(st->handle));
	}
	return code;
}

int db_run(struct stmt *st, struct error *err, const char *letters, ...)
{
	va_list ap;

	va_start(ap, letters);
	bind_all(st, letters, ap);
	va_end(ap);
	return run_bound(st, err);
}

int db_insert(struct stmt *st, int64_t *id, struct error *err, const char *letters, ...)
{
	va_list ap;

	va_start(ap, letters);
	bind_all(st, letters, ap);
	va_end(ap);
	int code = run_bound(st, err);
	if (code == 0)
		*id = sqlite3_last_insert_rowid(st->db->handle);
	return code;
}

int64_t db_int(struct stmt *st, int column)
{
	return sqlite3_column_int64(st->handle, column);
}

const char *db_text(struct stmt *st, int column)
{
	return (const char *)sqlite3_column_text(st->handle, column);
}

const void *db_blob(struct stmt *st, int column)
{
	return sqlite3_column_blob(st->handle, column);
}

size_t db_bytes(struct stmt *st, int column)
{
	return (size_t)sqlite3_column_bytes(st->handle, column);
}

int64_t db_changes(struct db *db)
{
	return sqlite3_changes64(db->handle);
}

int64_t db_changes_ever(struct db *db)
{
	return sqlite3_total_changes64(db->handle);
}
