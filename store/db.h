#ifndef STORE_DB_H
#define STORE_DB_H
/*
 * The database behind the records: prepare, bind, step. SQLite is the driver of today; a second one
 * must be able to come without touching a record file: SQL in the subset that PostgreSQL also
 * speaks ($1 parameters, RETURNING, ON CONFLICT, integers for time).
 * Core thread only. Every failure is a negative errno with words in err:
 * -EROFS read-only, -EAGAIN opened for reading, but only who may write can undo what is half done, -ENOSPC disk full, -EBUSY locked, -EIO, -EUCLEAN corrupt, -EEXIST unique constraint,
 * -ENOENT foreign key, -EINVAL check or not-null constraint.
 *
 * A full disk, an I/O error or damage found inside a transaction undoes all of it: from then on every
 * step fails with that first error until db_rollback, so that nothing can run outside by accident.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct db;
struct stmt;

struct db_options {
	bool read_only;
	int busy_ms;     /* how long to wait for a lock, default 2000 */
};

int db_open(struct db **out, const char *path, const struct db_options *o, struct error *err);
void db_close(struct db *db); /* finalizes all statements; accepts NULL */
/* From now until db_close the log is written back into the file by a thread of its own, instead of by
 * the commits. For a file that was opened for writing. */
int db_write_back(struct db *db, struct error *err);
int db_script(struct db *db, const char *sql, struct error *err); /* several statements, no results */

int db_begin(struct db *db, struct error *err);    /* BEGIN IMMEDIATE */
int db_commit(struct db *db, struct error *err);   /* a failure leaves no transaction open */
void db_rollback(struct db *db);
int db_savepoint(struct db *db, struct error *err); /* one within another: release and rollback_to are about the innermost */
int db_release(struct db *db, struct error *err);
void db_rollback_to(struct db *db);                /* undoes to the savepoint and drops it */

struct stmt *db_prepare(struct db *db, const char *sql, struct error *err); /* owned by db; NULL on error */
/* Binds by letters and starts over: i int64_t, t const char * (NULL allowed), T ptr+len (const char *, size_t), b bool (int), n NULL.
 * z int64_t where 0 is stored as NULL ("not yet", "none"), B ptr+len (const void *, size_t) as bytes.
 * Texts must stay until db_step is done. A statement names its parameters $1, $2, … in the order of first use. */
void db_bind(struct stmt *st, const char *letters, ...);
#define DB_ROW 1
/* DB_ROW, 0 when done (the statement is reset then), or a negative errno (reset too). */
int db_step(struct stmt *st, struct error *err);
void db_reset(struct stmt *st);
/* Bind, step to the end, expecting no row. 0 or a negative errno. */
int db_run(struct stmt *st, struct error *err, const char *letters, ...);
/* The same for an INSERT into a table with an `id`: *id is what the row got. (RETURNING costs SQLite a temporary table, so the driver decides how.) */
int db_insert(struct stmt *st, int64_t *id, struct error *err, const char *letters, ...);
int64_t db_int(struct stmt *st, int column);
const char *db_text(struct stmt *st, int column);  /* borrowed until the next step; NULL for NULL */
const void *db_blob(struct stmt *st, int column);  /* the same for bytes; length by db_bytes */
size_t db_bytes(struct stmt *st, int column);
int64_t db_changes(struct db *db);                 /* rows of the last statement */
int64_t db_changes_ever(struct db *db);            /* rows changed since it was opened, whatever became of them */
int64_t db_user_version(struct db *db);
bool db_in_transaction(struct db *db);
const char *db_path(struct db *db);
/* All of it as of one moment into the empty file at `path`, which is one self-contained file then; whoever
 * writes goes on meanwhile. The file is left to the caller, synced by nobody, also after a failure. */
int db_copy(struct db *db, const char *path, struct error *err);

#endif
