#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H
/*
 * A short cut for a new, empty file: to run all migrations takes longer than the rest of the start, since each ALTER
 * TABLE reads the whole schema again. It ends where some of the first migrations end; the others follow.
 */
#include "base/error.h"

struct db;

int schema_create(struct db *db, struct error *err);

#endif
