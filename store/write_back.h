#ifndef STORE_WRITE_BACK_H
#define STORE_WRITE_BACK_H
/*
 * Writes SQLite's log back into the database file by a thread and a connection of its own, while
 * commits go on. Without it the commit that makes the log long does that too, which is two more syncs
 * and some thousand pages that whoever waits for it waits for. Durability is not its business: a commit
 * is on disk by the log alone. Source: sqlite.org/wal.html "Checkpointing"
 */
#include <sqlite3.h>

#include "base/error.h"

struct write_back;

/* Takes over the hook of db's commits. The database must be in WAL mode. 0 or negative errno; then SQLite goes on as it
 * does by itself. */
int write_back_start(struct write_back **out, sqlite3 *db, const char *path, struct error *err);
/* Waits for what is being written. Before db is closed; accepts NULL. */
void write_back_stop(struct write_back *w);

#endif
