#ifndef STORE_MIGRATIONS_H
#define STORE_MIGRATIONS_H
/*
 * The schema as a list of steps that only grows: step n brings a database from user_version n to n
 * + 1, in a transaction of its own. A released step is never edited; what was wrong in it is mended
 * by the next.
 */
#include <stddef.h>

#include "base/error.h"

struct db;

struct migration {
	const char *what;         /* for people: "the first tables" */
	const char *const *sql;   /* scripts, NULL-terminated */
};

extern const struct migration store_migrations[];
extern const size_t store_migration_count;

/* Foreign keys are off while it runs (tables may be rebuilt) and checked before each commit.
 * -ENOTSUP: the database is newer than the list. A step that fails leaves the database at the one
 * before. */
int migrations_run(struct db *db, const struct migration *list, size_t count, struct error *err);
/* The same check without changing anything: -ENOTSUP when newer or older. */
int migrations_check(struct db *db, size_t count, struct error *err);

#endif
