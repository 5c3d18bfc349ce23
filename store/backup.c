#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "store/audit.h"
#include "store/record.h"

#define SUFFIX_MAX 64

struct path {
	char p[PATH_MAX + SUFFIX_MAX];
};

static struct path with(const char *path, const char *suffix)
{
	struct path out;

	/* Too long to be there: no other file is touched in its place. */
	if (snprintf(out.p, sizeof(out.p), "%s%s", path, suffix) >= (int)sizeof(out.p))
		out.p[0] = '\0';
	return out;
}

/* ---- looking ---------------------------------------------------------------------------- */

static int ask(struct db *db, const char *sql, int64_t *out, struct error *err)
{
	struct stmt *st = db_prepare(db, sql, err);

	return st ? int_read(st, out, err) : err->code;
}

static int count_all(struct store *s, struct backup_report *out, struct error *err)
{
	struct db *db = store_db(s);
	int rc = ask(db, "SELECT count(*) FROM incident", &out->incidents, err);

	if (rc == 0)
		rc = ask(db, "SELECT max(at) FROM audit", &out->last_at, err);
	if (rc == 0)
		rc = ask(db, "SELECT count(*) FROM effect WHERE ended_at IS NULL", &out->unfinished, err);
	out->schema = db_user_version(db);
	return rc;
}

/* An index that was written over may say anything: the pages first, then what is in them. */
static int look(struct store *s, struct backup_report *out, struct error *err)
{
	int rc = store_check_all(s, err);

	if (rc == 0)
		rc = audit_verify(s, &out->entries, err);
	return rc ? rc : count_all(s, out, err);
}

int backup_verify(const char *file, struct backup_report *out, struct error *err)
{
	struct store_options o = { .path = file, .read_only = true, .any_schema = true };
	struct error local = { 0 };
	struct store *s = NULL;
	struct stat st;

	if (!err)
		err = &local;
	*out = (struct backup_report){ 0 };
	int rc = store_open(&s, &o, err);
	if (rc == 0)
		rc = look(s, out, err);
	store_close(s);
	if (rc == 0 && stat(file, &st) == 0)
		out->bytes = st.st_size;
	return rc;
}

/* ---- files ------------------------------------------------------------------------------ */

static int file_sync(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), code = 0;

	if (fd < 0 || fsync(fd) < 0)
		code = -errno;
	if (fd >= 0)
		close(fd);
	return code ? error_set(err, code, "%s cannot be written to the disk: %s", path, strerror(-code)) : 0;
}

/* An empty file beside `path` that only its owner may read. The same file system, so that it can take its place. */
static int file_beside(const char *path, struct path *out, struct error *err)
{
	struct path folder = with(path, "");

	if (strlen(path) >= PATH_MAX)
		return error_set(err, -ENAMETOOLONG, "the path is too long");
	*out = with(path, ".part-XXXXXX");
	int fd = mkostemp(out->p, O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	int code = -errno;
	out->p[0] = '\0';
	return error_set(err, code, "nothing can be written in %s: %s", dirname(folder.p), strerror(-code));
}

/* A database, and what SQLite may have left beside it. */
static void file_forget(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal", ".lock" };

	for (size_t i = 0; *path && i < sizeof(suffixes) / sizeof(*suffixes); i++)
		unlink(with(path, suffixes[i]).p);
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* ---- backup ----------------------------------------------------------------------------- */

static int file_may_be(const char *store, const char *file, bool force, struct error *err)
{
	static const char *const own[] = { "", "-wal", "-shm", ".lock" };
	struct stat st;

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (same_file(with(store, own[i]).p, file))
			return error_set(err, -EINVAL, "%s belongs to the record itself: name another file", file);
	if (lstat(file, &st) < 0) {
		int code = -errno;
		return code == -ENOENT ? 0 : error_set(err, code, "%s: %s", file, strerror(-code));
	}
	if (S_ISDIR(st.st_mode))
		return error_set(err, -EISDIR, "%s is a folder: name a file in it", file);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "%s is no regular file", file);
	return force ? 0 : error_set(err, -EEXIST,
		"%s is there already: name another file, or replace it with --force", file);
}

static int appear(const char *part, const char *file, bool force, struct error *err)
{
	int rc = renameat2(AT_FDCWD, part, AT_FDCWD, file, force ? 0 : RENAME_NOREPLACE);

	/* Not every file system can refuse by itself. */
	if (rc < 0 && errno == EINVAL && !force)
		rc = access(file, F_OK) == 0 ? (errno = EEXIST, -1) : rename(part, file);
	if (rc == 0) {
		store_parent_sync(file);
		return 0;
	}
	rc = -errno;
	return error_set(err, rc, "%s cannot be put in place: %s", file, strerror(-rc));
}

static int copy_out(struct store *s, const char *part, struct backup_report *out, struct error *err)
{
	int rc = db_copy(store_db(s), part, err);

	if (rc == 0)
		rc = file_sync(part, err);
	if (rc == 0) {
		rc = backup_verify(part, out, err);
		if (rc)
			error_prefix(err, "the copy is not sound, and was thrown away");
	}
	return rc;
}

int backup_write(const char *store, const char *file, bool force, struct backup_report *out, struct error *err)
{
	struct store_options o = { .path = store, .read_only = true, .any_schema = true };
	struct error local = { 0 };
	struct path part = { "" };
	struct store *s = NULL;

	if (!err)
		err = &local;
	*out = (struct backup_report){ 0 };
	int rc = store_open(&s, &o, err);
	if (rc == 0)
		rc = file_may_be(store, file, force, err);
	if (rc == 0)
		rc = file_beside(file, &part, err);
	if (rc == 0)
		rc = copy_out(s, part.p, out, err);
	store_close(s);
	if (rc == 0)
		rc = appear(part.p, file, force, err);
	if (rc)
		file_forget(part.p);
	return rc;
}

/* ---- restore ---------------------------------------------------------------------------- */

struct restore {
	struct path real; /* of the record, links resolved: the file itself is replaced, not a link to it */
	bool there;       /* a record, or what is left of one */
	bool damaged;     /* its log cannot be folded into it */
	int lock;
	struct path part;
	const char *file;
	int64_t now;
	struct backup_report *out;
};

static int real_of(struct restore *r, const char *store, struct error *err)
{
	char folder[PATH_MAX], name[PATH_MAX], real[PATH_MAX];
	size_t size = strlen(store) + 1;

	if (size > sizeof(folder) || size == 1)
		return error_set(err, -EINVAL, "the path of the database is empty or too long");
	r->there = realpath(store, real) != NULL;
	if (r->there) {
		r->real = with(real, "");
		return 0;
	}
	memcpy(folder, store, size);
	memcpy(name, store, size);
	if (errno != ENOENT || !realpath(dirname(folder), real)) {
		int code = -errno;
		return error_set(err, code, "the folder of %s cannot be used: %s", store, strerror(-code));
	}
	snprintf(r->real.p, sizeof(r->real.p), "%s/%s", real, basename(name));
	return 0;
}

/* Folds the log into the record that is there, so that it is one file. Where that fails the record is damaged, which may be
 * why another is wanted. */
static int settle(struct restore *r, struct error *err)
{
	struct error why = { 0 };
	struct db *db = NULL;
	int rc;

	if (!r->there)
		return 0;
	rc = db_open(&db, r->real.p, &(struct db_options){ .read_only = true }, &why);
	if (rc == 0)
		rc = store_owner_check(db, &why);
	db_close(db);
	if (rc == -EINVAL)
		return error_set(err, rc, "%s", why.text);
	db = NULL;
	if (rc == 0)
		rc = db_open(&db, r->real.p, NULL, &why);
	if (rc == 0)
		rc = store_owner_check(db, &why); /* reads, and so opens the log */
	db_close(db);
	if (rc == -EBUSY || (rc == 0 && access(with(r->real.p, "-wal").p, F_OK) == 0))
		return error_set(err, -EBUSY,
			"%s is open in another program (a backup, an sqlite3 shell): end that first", r->real.p);
	r->damaged = rc == -EUCLEAN || rc == -EIO;
	return rc && !r->damaged ? error_set(err, rc, "%s", why.text) : 0;
}

static int audit_it(struct store *s, struct restore *r, struct error *err)
{
	json_t *meta = json_pack("{s:s, s:I, s:I}", "file", r->file, "entries", (json_int_t)r->out->entries,
		"last_at", (json_int_t)r->out->last_at);
	char *text = json_text_new(meta);
	struct audit_entry e = { .at = r->now, .entity = "record", .level = "warn", .action = "record.restored",
		.actor = "system", .meta = text };
	int rc = audit_append(s, &e, err);

	json_decref(meta);
	free(text);
	return rc;
}

/* Anything unfinished may have been delivered after the backup was made: all of it is looked for first. */
static int mark(struct store *s, struct restore *r, struct error *err)
{
	int rc = store_begin(s, err);

	if (rc)
		return rc;
	rc = db_script(store_db(s), "UPDATE effect SET verify = 1 WHERE ended_at IS NULL", err);
	if (rc == 0)
		rc = audit_it(s, r, err);
	if (rc == 0)
		return store_commit(s, err);
	store_rollback(s);
	return rc;
}

static int copy_in(struct restore *r, struct error *err)
{
	struct db *db = NULL;
	int rc = db_open(&db, r->file, &(struct db_options){ .read_only = true }, err);

	if (rc == 0)
		rc = db_copy(db, r->part.p, err);
	db_close(db);
	return rc;
}

/* The record to be, whole and of this schema, before anything happens to the one that is there. */
static int prepare(struct restore *r, struct error *err)
{
	struct store_options o = { .path = r->part.p };
	struct backup_report again;
	struct store *s = NULL;
	int rc = copy_in(r, err);

	if (rc == 0)
		rc = store_open(&s, &o, err);
	if (rc == 0)
		rc = mark(s, r, err);
	if (rc == 0)
		rc = look(s, &again, err);
	store_close(s); /* folds its log into it */
	if (rc == 0)
		rc = file_sync(r->part.p, err);
	if (rc == 0)
		unlink(with(r->part.p, ".lock").p);
	return rc;
}

/* By root for the user that the bot runs as: the owner stays who it was, or becomes the folder's. */
static void give(struct restore *r)
{
	struct path folder = with(r->real.p, "");
	struct stat st;

	if (geteuid() != 0 || stat(r->there ? r->real.p : dirname(folder.p), &st) < 0)
		return;
	/* The system's own check would refuse at the next start, with words for it. */
	if (chown(r->part.p, st.st_uid, st.st_gid) < 0 || fchown(r->lock, st.st_uid, st.st_gid) < 0)
		errno = 0;
}

static int aside_name(struct restore *r, struct error *err)
{
	time_t seconds = (time_t)(r->now / 1000);
	struct tm tm;
	char stamp[24];

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	for (int n = 1; n < 100; n++) {
		char more[8] = "";
		if (n > 1)
			snprintf(more, sizeof(more), "-%d", n);
		snprintf(r->out->aside, sizeof(r->out->aside), "%.*s.before-restore-%s%s", PATH_MAX - 1,
			r->real.p, stamp, more);
		if (access(r->out->aside, F_OK) < 0)
			return 0;
	}
	return error_set(err, -EEXIST, "too many records were put aside in this second");
}

/* A log without its database, or of a damaged one, would be taken for the new one's. */
static int log_move(const char *from, const char *to)
{
	static const char *const log[] = { "-wal", "-shm" };

	for (size_t i = 0; i < sizeof(log) / sizeof(*log); i++)
		if (rename(with(from, log[i]).p, with(to, log[i]).p) < 0 && errno != ENOENT)
			return -errno;
	return 0;
}

/* A second name for the record that is there: its place is never empty. Where there are no second names it is moved. */
static int put_aside(const char *real, bool there, const char *aside)
{
	int rc = log_move(real, aside);

	if (rc == 0 && there && link(real, aside) < 0 && rename(real, aside) < 0)
		rc = -errno;
	return rc;
}

/* Of two names for one file rename() takes none away. */
static void put_back(const char *real, const char *aside)
{
	if (rename(aside, real) == 0 && same_file(aside, real))
		unlink(aside);
	log_move(aside, real);
}

static int swap(struct restore *r, struct error *err)
{
	int rc = aside_name(r, err);

	if (rc)
		return rc;
	give(r);
	rc = put_aside(r->real.p, r->there, r->out->aside);
	if (rc == 0 && rename(r->part.p, r->real.p) < 0)
		rc = -errno;
	if (rc) {
		put_back(r->real.p, r->out->aside);
		return error_set(err, rc, "nothing was changed: %s cannot be put aside as %s: %s", r->real.p,
			r->out->aside, strerror(-rc));
	}
	store_parent_sync(r->real.p);
	if (!r->there)
		r->out->aside[0] = '\0';
	return 0;
}

static int restore_locked(struct restore *r, struct error *err)
{
	int rc = settle(r, err);

	if (rc == 0)
		rc = file_beside(r->real.p, &r->part, err);
	if (rc == 0) {
		rc = prepare(r, err);
		if (rc)
			error_prefix(err, "nothing was changed");
	}
	return rc ? rc : swap(r, err);
}

int backup_restore(const char *store, const char *file, int64_t now, struct backup_report *out, struct error *err)
{
	struct restore r = { .lock = -1, .file = file, .now = now, .out = out };
	struct error local = { 0 };

	if (!err)
		err = &local;
	*out = (struct backup_report){ 0 };
	int rc = real_of(&r, store, err);
	if (rc == 0 && same_file(r.real.p, file))
		rc = error_set(err, -EINVAL, "%s is the record itself", file);
	if (rc == 0)
		rc = store_lock(&r.lock, r.real.p, store, err);
	if (rc == 0)
		rc = backup_verify(file, out, err);
	if (rc == 0)
		rc = restore_locked(&r, err);
	if (rc)
		file_forget(r.part.p);
	if (r.lock >= 0)
		close(r.lock);
	return rc;
}
