#ifndef STORE_STORE_H
#define STORE_STORE_H
/* The record: one database, its migrations and prepared statements. One file per kind of record beside this one. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct store;
struct db;
struct stmt;

struct store_options {
	const char *path;  /* ":memory:" keeps it in memory, for tests */
	bool read_only;  /* audit verify, list while the daemon runs */
	bool create;     /* make folder and file if absent */
	bool any_schema; /* with read_only: an older schema will do; then only store_check and audit_verify may be asked */
};

/* Opens, migrates, prepares everything. Refuses a newer database (-ENOTSUP), a corrupt one (-EUCLEAN), one that another process
 * is running on for writing (-EBUSY), a read-only file or folder (-EROFS, -EACCES), each with what to do. */
int store_open(struct store **out, const struct store_options *o, struct error *err);
/* The same in two steps, the second of which may be another thread's: after store_claim the file is there and ours, and nothing in it
 * is changed yet. It refuses what store_open does, short of damage and of a disk that does not take what store_ready
 * writes. *older: store_ready will bring an earlier schema up to date, which may take its time. */
int store_claim(struct store **out, const struct store_options *o, bool *older, struct error *err);
int store_ready(struct store *s, struct error *err);
/* Long commits no longer write the log back into the file as well: a thread of its own does, until store_close. */
int store_write_back(struct store *s, struct error *err);
void store_close(struct store *s); /* checkpoints; accepts NULL */
struct db *store_db(struct store *s);

/* The core's: one transaction a batch, one savepoint a request; a request that runs another one has one more within. */
int store_begin(struct store *s, struct error *err);
/* The same for a batch that is likely to go through: a savepoint costs nothing, since there is none. Undoing
 * what did change something spoils the transaction; it can only be rolled back then (store_commit: -ERESTART),
 * for its requests to run again after store_begin. */
int store_begin_together(struct store *s, struct error *err);
bool store_spoiled(const struct store *s);
int store_commit(struct store *s, struct error *err);
void store_rollback(struct store *s);
int store_savepoint(struct store *s, struct error *err);
int store_release(struct store *s, struct error *err);
void store_undo(struct store *s); /* rolls back to the savepoint */
/* Is this an error after which the transaction itself is not to be trusted? */
bool store_broken(int code);

/* Integrity check for doctor: 0 or -EUCLEAN with the first finding. */
int store_check(struct store *s, struct error *err);
/* The same, and that every index says what its table says; takes longer. */
int store_check_all(struct store *s, struct error *err);

#endif
