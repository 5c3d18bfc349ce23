#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/migrations.h"
#include "store/record.h"
#include "store/schema.h"
#include "store/seen.h"
#include "store/terms.h"

#define APPLICATION_ID 1397314642 /* "SITR", see the first migration */

/* ---- the file and its folder ------------------------------------------------------------ */

/* A new name is durable only when the folder that holds it is. Where that cannot be done, the file
 * system does not need it. */
static void folder_sync(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

void store_parent_sync(const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	folder_sync(dirname(copy));
}

static int folder_make(char *folder, struct error *err)
{
	for (char *p = folder + 1;; p++) {
		char c = *p;
		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(folder, 0750) == 0)
			store_parent_sync(folder);
		else if (errno != EEXIST) {
			int code = -errno;
			return error_set(err, code, "the folder %s cannot be made: %s", folder,
				strerror(-code));
		}
		*p = c;
		if (c == '\0')
			return 0;
	}
}

/* SQLite would open a file that it may not write for reading only; say it before it comes to that.
 */
static int may_write(const char *path, bool folder, struct error *err)
{
	if (faccessat(AT_FDCWD, path, folder ? W_OK | X_OK : R_OK | W_OK, AT_EACCESS) == 0)
		return 0;
	int code = -errno;
	if (code == -EROFS)
		return error_set(
			err, code, "%s is on a read-only file system: mount it writable", path);
	return error_set(err, code, "%s%s cannot be written (%s): give this user the right to write %s",
		folder ? "the folder " : "", path, strerror(-code), folder ? "there" : "it");
}

static int file_make(const char *path, bool *made, struct error *err)
{
	/* O_EXCL: a second descriptor of a database in use must never be closed, that drops its
	 * locks. */
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	if (fd >= 0) {
		close(fd);
		*made = true;
	} else if (errno != EEXIST) {
		int code = -errno;
		return error_set(err, code, "%s cannot be made: %s", path, strerror(-code));
	}
	return 0;
}

static int path_ready(const struct store_options *o, bool *made, struct error *err)
{
	char copy[PATH_MAX], folder[PATH_MAX];
	struct stat st;
	int rc;

	if (!o->path || !*o->path || strlen(o->path) >= sizeof(copy))
		return error_set(err, -EINVAL, "the path of the database is empty or too long");
	bool there = stat(o->path, &st) == 0;
	if (!there && errno != ENOENT) {
		rc = -errno;
		return error_set(err, rc, "%s cannot be opened: %s", o->path, strerror(-rc));
	}
	if (there && S_ISDIR(st.st_mode))
		return error_set(err, -EISDIR, "%s is a folder: name a file in it", o->path);
	if (there && !S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "%s is no regular file", o->path);
	if (!there && (!o->create || o->read_only))
		return error_set(err, -ENOENT, "there is no database at %s", o->path);
	if (o->read_only)
		return 0;
	memcpy(copy, o->path, strlen(o->path) + 1);
	/* For a bare name dirname() answers with a constant ".", and folder_make() writes. */
	snprintf(folder, sizeof(folder), "%s", dirname(copy));
	if (!there && (rc = folder_make(folder, err)) != 0)
		return rc;
	if ((rc = may_write(folder, true, err)) != 0)
		return rc;
	return there ? may_write(o->path, false, err) : file_make(o->path, made, err);
}

/* As it wrote there; 0: it has not. */
static long lock_holder(int lock)
{
	char pid[32] = "";
	ssize_t n = pread(lock, pid, sizeof(pid) - 1, 0);

	return n > 0 ? strtol(pid, NULL, 10) : 0;
}

/* One daemon a database. A file of its own carries the lock: SQLite's are of another kind, and
 * closing any descriptor of the database itself would drop them. It stays behind, empty of meaning.
 */
int store_lock(int *lock, const char *real, const char *path, struct error *err)
{
	char name[PATH_MAX + 8], pid[32];

	snprintf(name, sizeof(name), "%s.lock", real);
	*lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*lock < 0) {
		int code = -errno;
		return error_set(
			err, code, "the lock file %s cannot be opened: %s", name, strerror(-code));
	}
	if (flock(*lock, LOCK_EX | LOCK_NB) < 0) {
		int code = -errno;
		if (code == -EWOULDBLOCK)
			return error_set(err, -EBUSY, "another sitrep (process %ld) is running on %s: "
				"stop it first, or name another database", lock_holder(*lock), path);
		return error_set(err, code, "%s cannot be locked: %s; put the database on a local disk, "
			"for nothing would keep a second sitrep from it", name, strerror(-code));
	}
	/* The number is for the message above only: not being able to write it is no failure. */
	int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(*lock, 0) == 0 && pwrite(*lock, pid, (size_t)n, 0) < 0)
		errno = 0;
	return 0;
}

static int lock_take(struct store *s, const char *path, struct error *err)
{
	char real[PATH_MAX];

	if (!realpath(path, real))
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	return store_lock(&s->lock, real, path, err);
}

/* ---- opening ---------------------------------------------------------------------------- */

static int ask_int(struct db *db, const char *sql, int64_t *out, struct error *err)
{
	struct stmt *st = db_prepare(db, sql, err);

	return st ? int_read(st, out, err) : err->code;
}

/* Somebody else's database must not get our tables. */
int store_owner_check(struct db *db, struct error *err)
{
	int64_t id = 0, tables = 0;
	int rc = ask_int(db, "PRAGMA application_id", &id, err);

	if (rc == 0)
		rc = ask_int(db, "SELECT count(*) FROM sqlite_schema", &tables, err);
	if (rc == 0 && id != APPLICATION_ID && (id || tables))
		rc = error_set(err, -EINVAL,
			"%s is a database of another program: name another file", db_path(db));
	return rc;
}

/* Looked at before it is opened for writing, which alone would leave marks in a stranger's file. One that was killed
 * in the middle of a change cannot be looked at, only undone: it is judged once it is open. */
static int owner_look(const char *path, bool *older, struct error *err)
{
	struct db_options options = { .read_only = true };
	struct db *db = NULL;
	int64_t version = 0;
	int rc = db_open(&db, path, &options, err);

	if (rc == 0)
		rc = store_owner_check(db, err);
	if (rc == 0)
		version = db_user_version(db);
	*older = version > 0 && version < (int64_t)store_migration_count;
	if (version > (int64_t)store_migration_count)
		rc = migrations_check(db, store_migration_count, err);
	db_close(db);
	return rc == -EAGAIN ? 0 : rc;
}

static int prepare_record(struct store *s, int r, struct error *err)
{
	const struct record_sql *record = record_sql[r];

	s->stmt[r] = calloc(record->count, sizeof(struct stmt *));
	if (!s->stmt[r])
		abort();
	for (size_t i = 0; i < record->count; i++) {
		s->stmt[r][i] = db_prepare(s->db, record->sql[i], err);
		if (!s->stmt[r][i])
			return err->code;
	}
	return 0;
}

static int prepare_all(struct store *s, struct error *err)
{
	int rc = 0;

	for (int r = 0; r < RECORD_COUNT && rc == 0; r++)
		rc = prepare_record(s, r, err);
	return rc;
}

/* The audit is as it was in the first schema, and must stay readable in every later one. */
static int open_older(struct store *s, struct error *err)
{
	if (db_user_version(s->db) < 1)
		return error_set(err, -EINVAL, "%s has no record in it", db_path(s->db));
	return prepare_record(s, RECORD_AUDIT, err);
}

static int bring_up(struct db *db, struct error *err)
{
	int64_t tables = 0;
	int rc = ask_int(db, "SELECT count(*) FROM sqlite_schema", &tables, err);

	if (rc == 0 && tables == 0 && db_user_version(db) == 0)
		rc = schema_create(db, err);
	return rc ? rc : migrations_run(db, store_migrations, store_migration_count, err);
}

int store_ready(struct store *s, struct error *err)
{
	struct error local = { 0 };
	struct db_options options = { .read_only = s->read_only };
	int rc;

	if (!err)
		err = &local;
	s->hasher = audit_hasher_create();
	if (s->made)
		store_parent_sync(s->path);
	rc = db_open(&s->db, s->path, &options, err);
	if (rc == 0)
		rc = store_owner_check(s->db, err);
	if (rc == 0 && s->any_schema && db_user_version(s->db) < (int64_t)store_migration_count)
		return open_older(s, err);
	if (rc == 0)
		rc = s->read_only
			     ? migrations_check(s->db, store_migration_count, err)
			     : bring_up(s->db, err);
	if (rc == 0)
		rc = db_script(s->db, "PRAGMA foreign_keys = ON", err);
	return rc ? rc : prepare_all(s, err);
}

int store_claim(struct store **out, const struct store_options *o, bool *older, struct error *err)
{
	struct error local = { 0 };
	struct store *s = calloc(1, sizeof(*s));
	bool memory = o->path && strcmp(o->path, ":memory:") == 0;
	int rc = 0;

	*out = NULL;
	*older = false;
	if (!s)
		abort();
	if (!err)
		err = &local;
	s->lock = -1;
	s->read_only = o->read_only;
	s->any_schema = o->any_schema;
	s->path = strdup(o->path ? o->path : "");
	if (!s->path)
		abort();
	if (!memory)
		rc = path_ready(o, &s->made, err);
	if (rc == 0 && !memory && !o->read_only)
		rc = lock_take(s, o->path, err);
	if (rc == 0 && !memory && !o->read_only)
		rc = owner_look(o->path, older, err);
	if (rc) {
		store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

int store_open(struct store **out, const struct store_options *o, struct error *err)
{
	bool older;
	int rc = store_claim(out, o, &older, err);

	if (rc == 0)
		rc = store_ready(*out, err);
	if (rc) {
		store_close(*out);
		*out = NULL;
	}
	return rc;
}

int store_write_back(struct store *s, struct error *err)
{
	return db_write_back(s->db, err);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	db_close(s->db); /* the last one out checkpoints */
	if (s->lock >= 0)
		close(s->lock);
	for (int r = 0; r < RECORD_COUNT; r++)
		free(s->stmt[r]);
	audit_hasher_destroy(s->hasher);
	seen_destroy(s->seen);
	terms_destroy(s->terms);
	free(s->path);
	free(s);
}

struct db *store_db(struct store *s)
{
	return s->db;
}

/* ---- transactions ----------------------------------------------------------------------- */

static int begin(struct store *s, bool together, struct error *err)
{
	s->savepoints = 0;
	s->together = together;
	s->spoiled = false;
	s->changes_begin = db_changes_ever(s->db);
	s->terms_unsure = false;
	return db_begin(s->db, err);
}

int store_begin(struct store *s, struct error *err)
{
	return begin(s, false, err);
}

int store_begin_together(struct store *s, struct error *err)
{
	return begin(s, true, err);
}

bool store_spoiled(const struct store *s)
{
	return s->spoiled;
}

int store_commit(struct store *s, struct error *err)
{
	int rc = s->spoiled ? error_set(err, -ERESTART, "a request of the batch was to be undone") :
		audit_seal(s, err);

	if (rc) {
		store_rollback(s);
		return rc;
	}
	rc = db_commit(s->db, err);
	if (rc) {
		s->head = (struct audit_head){ 0 };
		incident_terms_undone(s);
	} else
		inbox_committed(s);
	s->pruned = 0;
	return rc;
}

void store_rollback(struct store *s)
{
	db_rollback(s->db);
	incident_terms_undone(s);
	s->head = (struct audit_head){ 0 };
	s->pruned = 0;
}

int store_savepoint(struct store *s, struct error *err)
{
	if (s->savepoints == STORE_SAVEPOINTS_MAX)
		return error_set(err, -ELOOP, "savepoints are %d deep", s->savepoints);
	int rc = s->together ? 0 : db_savepoint(s->db, err);
	if (rc)
		return rc;
	s->changes_mark[s->savepoints] = db_changes_ever(s->db);
	s->head_mark[s->savepoints++] = s->head;
	return 0;
}

int store_release(struct store *s, struct error *err)
{
	if (s->savepoints > 0)
		s->savepoints--;
	return s->together ? 0 : db_release(s->db, err);
}

void store_undo(struct store *s)
{
	if (!s->together)
		db_rollback_to(s->db);
	incident_terms_undone(s);
	if (s->savepoints > 0)
		s->head = s->head_mark[--s->savepoints];
	if (s->together && db_changes_ever(s->db) != s->changes_mark[s->savepoints])
		s->spoiled = true;
	s->pruned = 0; /* or more than that: what was pruned stays in memory till the next time */
}

bool store_broken(int code)
{
	static const int codes[] = { -ENOSPC, -EIO, -EROFS, -EUCLEAN, -EBUSY, -ENOMEM };

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (code == codes[i])
			return true;
	return false;
}

static int check_with(struct store *s, const char *integrity, struct error *err)
{
	const struct {
		const char *sql, *fine;
	} checks[] = {
		{ integrity, "ok" },
		{ "PRAGMA foreign_key_check", NULL },
	};
	struct error local = { 0 };

	if (!err)
		err = &local;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct stmt *st = db_prepare(s->db, checks[i].sql, err);
		if (!st)
			return err->code;
		int rc = db_step(st, err);
		if (rc < 0)
			return rc;
		const char *found = rc == DB_ROW ? db_text(st, 0) : NULL;
		if (found && (!checks[i].fine || strcmp(found, checks[i].fine) != 0))
			rc = error_set(err, -EUCLEAN, "%s is damaged: %s%s; restore a backup",
				db_path(s->db), checks[i].fine ? "" : "a dangling row in ", found);
		db_reset(st);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int store_check(struct store *s, struct error *err)
{
	return check_with(s, "PRAGMA quick_check(1)", err);
}

int store_check_all(struct store *s, struct error *err)
{
	return check_with(s, "PRAGMA integrity_check(1)", err);
}
