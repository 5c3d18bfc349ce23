/* The driver and the transactions over it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/db.h"
#include "store/migrations.h"
#include "store/schema.h"
#include "store/people.h"
#include "store/timelines.h"
#include "support_store.h"

#define OK(call)                                                                                   \
	do {                                                                                       \
		if ((call) != 0)                                                                   \
			fail_msg("%s: %s", #call, x->err.text);                                    \
	} while (0)

static struct db *db_of(struct scratch *x)
{
	return store_db(x->store);
}

static struct stmt *prepared(struct scratch *x, const char *sql)
{
	struct stmt *st = db_prepare(db_of(x), sql, &x->err);

	if (!st)
		fail_msg("%s", x->err.text);
	return st;
}

static void every_letter_binds(void **state)
{
	struct scratch *x = *state;
	struct stmt *put, *get;
	int64_t id;
	static const unsigned char bytes[] = { 0, 255, 0 };

	OK(db_script(db_of(x),
		"CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, t TEXT, part TEXT,"
		" b INTEGER, n TEXT, z INTEGER, y INTEGER, bytes BLOB) STRICT",
		&x->err));
	put = prepared(x, "INSERT INTO t (i, t, part, b, n, z, y, bytes)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
	get = prepared(x, "SELECT i, t, part, b, n, z, y, bytes FROM t WHERE id = $1");
	OK(db_insert(put, &id, &x->err, "itTbnzzB", INT64_MIN, "text", "partial", (size_t)4, 7,
		(int64_t)0, INT64_MAX, (const void *)bytes, sizeof(bytes)));
	assert_int_equal(id, 1);
	assert_int_equal(db_changes(db_of(x)), 1);
	db_bind(get, "i", id);
	assert_int_equal(db_step(get, &x->err), DB_ROW);
	assert_true(db_int(get, 0) == INT64_MIN);
	assert_string_equal(db_text(get, 1), "text");
	assert_string_equal(db_text(get, 2), "part");
	assert_int_equal(db_int(get, 3), 1);
	assert_null(db_text(get, 4));
	assert_null(db_text(get, 5));
	assert_true(db_int(get, 6) == INT64_MAX);
	assert_int_equal(db_bytes(get, 7), 3);
	assert_memory_equal(db_blob(get, 7), bytes, 3);
	assert_int_equal(db_step(get, &x->err), 0);
	db_bind(get, "i", (int64_t)99);
	assert_int_equal(db_step(get, &x->err), 0);
}

static void wrong_sql_is_said(void **state)
{
	struct scratch *x = *state;

	assert_null(db_prepare(db_of(x), "SELECT id FROM nowhere", &x->err));
	assert_int_equal(x->err.code, -EINVAL);
	assert_says(&x->err, "no such table: nowhere");
	/* What another database would number differently. */
	assert_null(db_prepare(db_of(x), "SELECT $2, $1", &x->err));
	assert_says(&x->err, "parameter 1 is named $2");
	assert_null(db_prepare(db_of(x), "SELECT ?", &x->err));
	/* "text" is a name here, never a string. */
	assert_null(db_prepare(db_of(x), "SELECT \"text\"", &x->err));
	assert_int_equal(db_run(prepared(x, "SELECT 1"), &x->err, ""), -EINVAL);
}

static void settings_are_what_they_should_be(void **state)
{
	static const struct {
		const char *pragma;
		int64_t value;
	} settings[] = {
		{ "PRAGMA synchronous", 2 },
		{ "PRAGMA foreign_keys", 1 },
		{ "PRAGMA trusted_schema", 0 },
		{ "PRAGMA cache_size", -4096 },
		{ "PRAGMA wal_autocheckpoint", 1000 },
	};
	struct scratch *x = *state;

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		struct stmt *st = prepared(x, settings[i].pragma);
		assert_int_equal(db_step(st, &x->err), DB_ROW);
		assert_int_equal(db_int(st, 0), settings[i].value);
		db_reset(st);
	}
	struct stmt *st = prepared(x, "PRAGMA journal_mode");
	assert_int_equal(db_step(st, &x->err), DB_ROW);
	assert_string_equal(db_text(st, 0), "wal");
	db_reset(st);
	/* Defensive: no writing into the schema by hand. */
	OK(db_script(db_of(x), "PRAGMA writable_schema = ON", &x->err));
	assert_int_not_equal(
		db_script(db_of(x), "UPDATE sqlite_schema SET name = 'x'", &x->err), 0);
}

static bool is_there(struct scratch *x, const char *name)
{
	char *value;

	return cursor_get(x->store, x->arena, name, &value, &x->err) == 0;
}

static void a_request_undone_leaves_the_others(void **state)
{
	struct scratch *x = *state;

	OK(store_begin(x->store, &x->err));
	for (int i = 0; i < 3; i++) {
		char name[] = { 'a', (char)('0' + i), '\0' };
		OK(store_savepoint(x->store, &x->err));
		OK(cursor_put(x->store, name, "1", &x->err));
		if (i == 1)
			store_undo(x->store);
		else
			OK(store_release(x->store, &x->err));
	}
	OK(store_commit(x->store, &x->err));
	assert_true(is_there(x, "a0"));
	assert_false(is_there(x, "a1"));
	assert_true(is_there(x, "a2"));
	OK(store_begin(x->store, &x->err));
	OK(cursor_put(x->store, "b", "1", &x->err));
	store_rollback(x->store);
	assert_false(is_there(x, "b"));
	store_rollback(x->store); /* of nothing: nothing */
}

/* A refused row undoes that row alone. */
static void a_constraint_keeps_the_transaction(void **state)
{
	struct scratch *x = *state;

	OK(store_begin(x->store, &x->err));
	OK(cursor_put(x->store, "a", "1", &x->err));
	assert_int_equal(role_assign(x->store, 77, "commander", "slack:U1", 1, &x->err), -ENOENT);
	OK(cursor_put(x->store, "b", "1", &x->err));
	OK(store_commit(x->store, &x->err));
	assert_true(is_there(x, "a"));
	assert_true(is_there(x, "b"));
}

/* A request larger than the memory kept for undoing it. */
static void a_large_request_can_be_undone(void **state)
{
	struct scratch *x = *state;
	char name[32], value[3001];

	memset(value, 'x', 3000);
	value[3000] = '\0';
	OK(store_begin(x->store, &x->err));
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		OK(cursor_put(x->store, name, value, &x->err));
	}
	OK(store_savepoint(x->store, &x->err));
	OK(db_script(db_of(x), "UPDATE cursor SET value = 'gone'", &x->err));
	store_undo(x->store);
	OK(store_commit(x->store, &x->err));
	assert_int_equal(
		scratch_ask(x, "SELECT count(*) FROM cursor WHERE length(value) = 3000"), 600);
	assert_int_equal(store_check(x->store, &x->err), 0);
}

static void in_memory(void **state)
{
	struct store_options o = { .path = ":memory:", .create = true };
	struct error err = { 0 };
	struct store *s;

	(void)state;
	assert_int_equal(store_open(&s, &o, &err), 0);
	assert_int_equal(store_begin(s, &err), 0);
	assert_int_equal(cursor_put(s, "a", "1", &err), 0);
	assert_int_equal(store_commit(s, &err), 0);
	store_close(s);
	store_close(NULL);
	db_close(NULL);
	assert_int_equal(access(":memory:", 0), -1);
}

/* ---- migrations ------------------------------------------------------------------------- */

static const char *const one[] = { "CREATE TABLE a (id INTEGER PRIMARY KEY);",
	"INSERT INTO a VALUES (1);", NULL };
static const char *const two[] = { "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a "
				   "(id)); INSERT INTO b VALUES (1, 1);",
	NULL };
/* Rebuilds a table that another points to, as widening a check does. */
static const char *const three[] = { "CREATE TABLE c (id INTEGER PRIMARY KEY, more TEXT);"
	"INSERT INTO c (id) SELECT id FROM a; DROP TABLE a; ALTER TABLE c RENAME TO a;", NULL };
static const char *const broken[] = { "CREATE TABLE d (id INTEGER); INSERT INTO d VALUES (1);",
	"INSERT INTO nowhere VALUES (1);", NULL };
static const char *const dangling[] = { "DELETE FROM a;", NULL };
static const struct migration good[] = { { "one", one }, { "two", two }, { "three", three } };
static const struct migration bad[] = { { "one", one }, { "two", two }, { "broken", broken } };
static const struct migration unsound[] = { { "one", one }, { "two", two },
	{ "dangling", dangling } };

static struct db *bare(struct scratch *x, const char *name)
{
	char path[160];
	struct db *db;

	snprintf(path, sizeof(path), "%s/%s", x->folder, name);
	if (db_open(&db, path, NULL, &x->err))
		fail_msg("%s", x->err.text);
	return db;
}

static int64_t ask(struct scratch *x, struct db *db, const char *sql)
{
	struct stmt *st = db_prepare(db, sql, &x->err);

	if (!st || db_step(st, &x->err) != DB_ROW)
		fail_msg("%s: %s", sql, x->err.text);
	int64_t value = db_int(st, 0);
	db_reset(st);
	return value;
}

static void from_every_earlier_version(void **state)
{
	struct scratch *x = *state;

	for (size_t from = 0; from <= 3; from++) {
		char name[] = { 'v', (char)('0' + from), '\0' };
		struct db *db = bare(x, name);
		OK(migrations_run(db, good, from, &x->err));
		assert_int_equal(db_user_version(db), from);
		OK(migrations_run(db, good, 3, &x->err));
		assert_int_equal(db_user_version(db), 3);
		assert_int_equal(ask(x, db, "SELECT count(*) FROM a WHERE more IS NULL"), 1);
		assert_int_equal(ask(x, db, "SELECT count(*) FROM b"), 1);
		OK(migrations_run(db, good, 3, &x->err)); /* nothing to do */
		OK(migrations_check(db, 3, &x->err));
		assert_int_equal(migrations_run(db, good, 2, &x->err), -ENOTSUP);
		db_close(db);
	}
}

static void a_failed_step_leaves_the_one_before(void **state)
{
	struct scratch *x = *state;
	struct db *db = bare(x, "broken");

	assert_int_not_equal(migrations_run(db, bad, 3, &x->err), 0);
	assert_says(
		&x->err, "bringing the database to schema 3 (broken) failed, nothing was changed");
	assert_says(&x->err, "no such table");
	assert_int_equal(db_user_version(db), 2);
	assert_int_equal(ask(x, db, "SELECT count(*) FROM sqlite_schema WHERE name = 'd'"), 0);
	assert_int_equal(migrations_run(db, unsound, 3, &x->err), -EUCLEAN);
	assert_says(&x->err, "a row of b would refer to a missing a");
	assert_int_equal(db_user_version(db), 2);
	assert_int_equal(ask(x, db, "SELECT count(*) FROM a"), 1);
	OK(migrations_run(db, good, 3, &x->err));
	db_close(db);
}

static void same_answer(struct scratch *x, struct db *a, struct db *b, const char *sql)
{
	struct stmt *st[2] = { db_prepare(a, sql, &x->err), db_prepare(b, sql, &x->err) };

	assert_true(st[0] && st[1]);
	for (int row = 0;; row++) {
		int rc = db_step(st[0], &x->err);
		assert_int_equal(db_step(st[1], &x->err), rc);
		if (rc != DB_ROW)
			break;
		assert_string_equal(db_text(st[0], 0), db_text(st[1], 0));
	}
	db_reset(st[0]);
	db_reset(st[1]);
}

/* The short cut ends exactly where the migrations end. */
static void a_new_file_is_as_if_migrated(void **state)
{
	struct scratch *x = *state;
	struct db *db = bare(x, "migrated"), *cut = bare(x, "cut");

	OK(migrations_run(db, store_migrations, store_migration_count, &x->err));
	OK(schema_create(cut, &x->err));
	assert_in_range(db_user_version(cut), 1, (int64_t)store_migration_count);
	assert_int_equal(schema_create(cut, &x->err), -EBUSY);
	OK(migrations_run(cut, store_migrations, store_migration_count, &x->err));
	for (int i = 0; i < 2; i++) {
		struct db *other = i ? db_of(x) : cut;
		same_answer(x, db, other,
			"SELECT type || ' ' || name || ' ' || tbl_name || ': ' || coalesce(sql, '')"
			" FROM sqlite_schema ORDER BY 1");
		assert_int_equal(db_user_version(other), db_user_version(db));
		assert_int_equal(ask(x, other, "PRAGMA application_id"), ask(x, db, "PRAGMA application_id"));
	}
	db_close(db);
	db_close(cut);
}

/* Every released schema, upgraded, must end where a fresh one starts. */
static void the_shipped_list(void **state)
{
	struct scratch *x = *state;

	assert_int_equal(db_user_version(db_of(x)), store_migration_count);
	for (size_t from = 1; from <= store_migration_count; from++) {
		char name[32];
		snprintf(name, sizeof(name), "shipped%zu", from);
		struct db *db = bare(x, name);
		OK(migrations_run(db, store_migrations, from, &x->err));
		OK(migrations_run(db, store_migrations, store_migration_count, &x->err));
		assert_int_equal(ask(x, db, "SELECT count(*) FROM sqlite_schema"),
			ask(x, db_of(x), "SELECT count(*) FROM sqlite_schema"));
		db_close(db);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_letter_binds),
		CASE(wrong_sql_is_said),
		CASE(settings_are_what_they_should_be),
		CASE(a_request_undone_leaves_the_others),
		CASE(a_constraint_keeps_the_transaction),
		CASE(a_large_request_can_be_undone),
		cmocka_unit_test(in_memory),
		CASE(from_every_earlier_version),
		CASE(a_failed_step_leaves_the_one_before),
		CASE(a_new_file_is_as_if_migrated),
		CASE(the_shipped_list),
	};

	return cmocka_run_group_tests_name("store: driver", tests, NULL, NULL);
}
