/*
 * Kept databases: of every schema that ever was there is one in tests/data/schema, with rows in every table. Each comes up
 * to date with every row it had, and is worked on. CONTRIBUTING.md says how the next one gets there.
 */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/audit.h"
#include "store/backup.h"
#include "store/effects.h"
#include "store/inbox.h"
#include "store/migrations.h"
#include "store/promises.h"
#include "store/references.h"
#include "store/relations.h"
#include "store/timelines.h"
#include "support_store.h"

#define KEPT     SITREP_SOURCE_DIR "/tests/data/schema/schema-%zu.sql"
#define TEXT_MAX (1u << 17)
#define NAME_MAX_KEPT 600

/* What a step changed on purpose: in databases of an earlier schema than `since` … */
static const struct {
	size_t since;
	const char *table;
	const char *where; /* … only these rows must stay; NULL: the table went, its content is checked below */
} changed[] = {
	{ 3, "timer", "name <> 'promise'" },
	{ 4, "delivery", NULL },
};

static const char *kept_where(size_t version, const char *table, bool *gone)
{
	*gone = false;
	for (size_t i = 0; i < sizeof(changed) / sizeof(*changed); i++)
		if (version < changed[i].since && !strcmp(table, changed[i].table)) {
			*gone = !changed[i].where;
			return changed[i].where;
		}
	return "1";
}

/* ---- SQL beside the store ---- */

static void run(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why))
		fail_msg("%.200s: %s", sql, why);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL))
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	return st;
}

static int64_t number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = prepare(db, sql);

	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static void made_of(const char *path, size_t version)
{
	static char text[TEXT_MAX];
	char name[NAME_MAX_KEPT];
	sqlite3 *db;

	snprintf(name, sizeof(name), KEPT, version);
	FILE *f = fopen(name, "r");
	if (!f)
		fail_msg("%s is missing: see CONTRIBUTING.md, \"Kept databases\"", name);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	assert_true(feof(f));
	fclose(f);
	unlink(path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	run(db, text);
	assert_int_equal(number(db, "PRAGMA user_version"), version);
	sqlite3_close(db);
}

/* The scratch database is of that schema, closed; a second one stays as it was kept. */
static void begin(struct scratch *x, size_t version, char *as_it_was, size_t size)
{
	store_close(x->store);
	x->store = NULL;
	made_of(x->path, version);
	snprintf(as_it_was, size, "%s/kept.db", x->folder);
	made_of(as_it_was, version);
}

/* ---- every row is still there ---- */

/* The columns that a table has before and after, "a, b, c"; NULL: none. */
static char *columns_of(sqlite3 *db, const char *table)
{
	char *ask = sqlite3_mprintf("SELECT group_concat('\"' || name || '\"') FROM pragma_table_info(%Q, 'kept')"
		" WHERE name IN (SELECT name FROM pragma_table_info(%Q, 'main'))", table, table);
	sqlite3_stmt *st = prepare(db, ask);
	char *out = NULL;

	if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_text(st, 0))
		out = sqlite3_mprintf("%s", sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_free(ask);
	return out;
}

static void same_rows(sqlite3 *db, size_t version, const char *table)
{
	bool gone;
	const char *where = kept_where(version, table, &gone);
	char *columns = columns_of(db, table), *ask;

	ask = sqlite3_mprintf("SELECT count(*) FROM kept.\"%w\"", table);
	if (number(db, ask) == 0)
		fail_msg("the kept database of schema %zu has no row in %s", version, table);
	sqlite3_free(ask);
	if (gone)
		return;
	/* All of its columns went: see what_was_answered_is_known. */
	if (!columns && version < 4 && !strcmp(table, "inbox"))
		return;
	if (!columns)
		fail_msg("schema %zu: nothing is left of %s", version, table);
	ask = sqlite3_mprintf("SELECT count(*) FROM (SELECT %s FROM kept.\"%w\" WHERE %s EXCEPT SELECT %s FROM main.\"%w\")",
		columns, table, where, columns, table);
	if (number(db, ask) != 0)
		fail_msg("schema %zu: rows of %s were lost or changed", version, table);
	sqlite3_free(ask);
	ask = sqlite3_mprintf("SELECT (SELECT count(*) FROM kept.\"%w\" WHERE %s) - (SELECT count(*) FROM main.\"%w\" WHERE %s)",
		table, where, table, where);
	if (number(db, ask) != 0)
		fail_msg("schema %zu: %s has more or fewer rows than before", version, table);
	sqlite3_free(ask);
	sqlite3_free(columns);
}

static void all_rows(const char *path, const char *as_it_was, size_t version)
{
	sqlite3 *db;
	int tables = 0;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	char *attach = sqlite3_mprintf("ATTACH %Q AS kept", as_it_was);
	run(db, attach);
	sqlite3_free(attach);
	sqlite3_stmt *st = prepare(db, "SELECT name FROM kept.sqlite_schema WHERE type = 'table'");
	for (; sqlite3_step(st) == SQLITE_ROW; tables++)
		same_rows(db, version, (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	assert_true(tables >= 13);
	sqlite3_close(db);
}

/* Word for word what a new database gets. */
static void same_schema(const char *path, const char *fresh)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	char *attach = sqlite3_mprintf("ATTACH %Q AS fresh", fresh);
	run(db, attach);
	sqlite3_free(attach);
	assert_int_equal(number(db, "SELECT count(*) FROM (SELECT type, name, sql FROM main.sqlite_schema"
		" EXCEPT SELECT type, name, sql FROM fresh.sqlite_schema)"), 0);
	assert_int_equal(number(db, "SELECT (SELECT count(*) FROM main.sqlite_schema) -"
		" (SELECT count(*) FROM fresh.sqlite_schema)"), 0);
	sqlite3_close(db);
}

/* ---- and means what it meant ---- */

static void what_was_answered_is_known(struct scratch *x)
{
	static const struct {
		const char *key, *reply;
	} answered[] = { { "k0", "{\"text\":\"declared\"}" }, { "e0", "{\"text\":\"declared\"}" }, { "k1", "{}" } };

	for (size_t i = 0; i < 3; i++) {
		char *reply;
		assert_int_equal(inbox_find(x->store, x->arena, &answered[i].key, 1, &reply, &x->err), 0);
		assert_string_equal(reply, answered[i].reply);
	}
}

static void what_was_promised_is_due(struct scratch *x)
{
	struct promise p;

	assert_int_equal(promise_open_of(x->store, 1, PROMISE_UPDATE, &p, &x->err), 0);
	assert_int_equal(p.due_at, INT64_C(1767000000000) + 3 * 3600000);
	assert_int_equal(promise_open_of(x->store, 3, PROMISE_UPDATE, &p, &x->err), 0);
	assert_int_equal(p.said, 3);
	/* And somebody wakes for them, once an incident. */
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM timer WHERE name = 'promise'"), 2);
}

static void what_was_to_be_sent_waits(struct scratch *x)
{
	int64_t open, oldest;

	assert_int_equal(effect_open_count(x->store, 0, &open, &oldest, &x->err), 0);
	assert_int_equal(open, 3);
	STORED(x, effect_recover(x->store, 1, 1, &open, &x->err));
	assert_int_equal(open, 1);
}

static void means_what_it_meant(struct scratch *x)
{
	struct incident inc;
	struct reference ref;
	int64_t entries;
	bool sees;

	for (int64_t id = 1; id <= 4; id++) {
		assert_int_equal(incident_load(x->store, x->arena, id, &inc, &x->err), 0);
		assert_int_equal(inc.severity, id);
	}
	assert_int_equal(inc.merged_into, 1);
	assert_int_equal(reference_by_key(x->store, x->arena, "jira:PAY-1", &ref, &x->err), 0);
	assert_int_equal(ref.incident, 1);
	assert_int_equal(access_has(x->store, 3, "slack:U1", &sees, &x->err), 0);
	assert_true(sees); /* who declared it */
	what_was_answered_is_known(x);
	what_was_promised_is_due(x);
	what_was_to_be_sent_waits(x);
	assert_int_equal(audit_verify(x->store, &entries, &x->err), 0);
	assert_int_equal(entries, 5);
	if (store_check_all(x->store, &x->err))
		fail_msg("%s", x->err.text);
}

static void goes_on(struct scratch *x)
{
	struct audit_entry e = { .at = 1, .entity = "incident", .entity_id = 5, .level = "info", .action = "incident.declared",
		.actor = "slack:U1" };
	struct incident inc;
	int64_t entries;

	STORED(x, scratch_incident(x, "the next one") == 5 ? audit_append(x->store, &e, &x->err) : -1);
	assert_int_equal(incident_load(x->store, x->arena, 1, &inc, &x->err), 0);
	STORED(x, incident_save(x->store, &inc, &x->err));
	scratch_reopen(x); /* nothing to be done the second time */
	assert_int_equal(audit_verify(x->store, &entries, &x->err), 0);
	assert_int_equal(entries, 6);
}

static void comes_up_to_date(struct scratch *x, size_t version)
{
	char as_it_was[160], fresh[160];
	struct backup_report r;

	/* What the scratch was made with is a new database. */
	snprintf(fresh, sizeof(fresh), "%s/fresh.db", x->folder);
	if (access(fresh, F_OK)) {
		store_close(x->store);
		x->store = NULL;
		assert_int_equal(rename(x->path, fresh), 0);
	}
	begin(x, version, as_it_was, sizeof(as_it_was));
	/* As it is, it can be backed up and read, before anything is done to it. */
	assert_int_equal(backup_verify(as_it_was, &r, &x->err), 0);
	assert_int_equal(r.schema, version);
	assert_int_equal(r.incidents, 4);
	assert_int_equal(r.entries, 5);
	scratch_reopen(x);
	assert_int_equal(scratch_ask(x, "PRAGMA user_version"), store_migration_count);
	all_rows(x->path, as_it_was, version);
	same_schema(x->path, fresh);
	means_what_it_meant(x);
	goes_on(x);
}

static void every_schema_comes_up_to_date(void **state)
{
	struct scratch *x = *state;

	for (size_t version = 1; version <= store_migration_count; version++)
		comes_up_to_date(x, version);
}

/* A backup of any age is brought up to date while it is put back. */
static void every_schema_can_be_restored(void **state)
{
	struct scratch *x = *state;
	char copy[160];
	struct backup_report r;

	for (size_t version = 1; version <= store_migration_count; version++) {
		begin(x, version, copy, sizeof(copy));
		if (backup_restore(x->path, copy, INT64_C(1767300000000), &r, &x->err))
			fail_msg("schema %zu: %s", version, x->err.text);
		scratch_reopen(x);
		assert_int_equal(scratch_ask(x, "SELECT count(*) FROM incident"), 4);
		assert_int_equal(scratch_ask(x, "SELECT count(*) FROM effect WHERE ended_at IS NULL AND verify = 0"), 0);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_schema_comes_up_to_date),
		CASE(every_schema_can_be_restored),
	};

	return cmocka_run_group_tests_name("store: kept databases", tests, NULL, NULL);
}
