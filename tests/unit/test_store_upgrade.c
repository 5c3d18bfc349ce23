/* Databases of earlier schemas come up to date with everything that was in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/audit.h"
#include "store/inbox.h"
#include "store/migrations.h"
#include "store/promises.h"
#include "store/record.h"
#include "store/references.h"
#include "store/relations.h"
#include "support_store.h"

#define FIXTURES SITREP_SOURCE_DIR "/tests/unit/fixture/"
#define DECLARED INT64_C(1767000000000) /* of INC-1 in schema-1.sql; the others an hour later each */

/* The scratch database replaced by one made from a file of SQL, not opened yet. */
static void made_of(struct scratch *x, const char *name)
{
	static char text[1u << 16];
	char path[512];

	store_close(x->store);
	x->store = NULL;
	assert_int_equal(unlink(x->path), 0);
	snprintf(path, sizeof(path), FIXTURES "%s", name);
	FILE *f = fopen(path, "r");
	if (!f)
		fail_msg("%s is missing", path);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	assert_true(feof(f));
	fclose(f);
	scratch_sql(x, text);
}

static void schema_1_keeps_its_rows(void **state)
{
	static const char *const tables[] = { "incident", "role", "timeline", "promise", "timer",
		"effect", "reference", "audit", "inbox" };
	struct scratch *x = *state;
	struct incident inc;
	struct role_set roles;
	struct reference ref;
	struct promise promise;
	int64_t entries;

	made_of(x, "schema-1.sql");
	assert_int_equal(scratch_ask(x, "PRAGMA user_version"), 1);
	scratch_reopen(x);
	assert_int_equal(scratch_ask(x, "PRAGMA user_version"), store_migration_count);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char ask[64];
		snprintf(ask, sizeof(ask), "SELECT count(*) FROM %s", tables[i]);
		if (scratch_ask(x, ask) != 3)
			fail_msg("rows of %s were lost", tables[i]);
	}
	for (int64_t id = 1; id <= 3; id++) {
		assert_int_equal(incident_load(x->store, x->arena, id, &inc, &x->err), 0);
		assert_int_equal(inc.severity, id);
		assert_int_equal(inc.declared_at, DECLARED + (id - 1) * 3600000);
		assert_int_equal(inc.severity_at, inc.declared_at);
		assert_null(inc.facts);
		assert_int_equal(inc.overruled, 0);
		assert_int_equal(inc.engage_said, 0);
		assert_int_equal(inc.revision, 1);
		assert_int_equal(role_list(x->store, x->arena, id, &roles, &x->err), 0);
		assert_string_equal(roles.holder[0].person, "slack:U2");
		assert_int_equal(promise_open_of(x->store, id, PROMISE_UPDATE, &promise, &x->err), 0);
		assert_int_equal(promise.due_at, inc.declared_at + 1800000);
	}
	for (size_t i = 0; i < 4; i++) {
		const char *key = (const char *const[]){ "k0", "e0", "k1", "k2" }[i];
		char *reply;
		assert_int_equal(inbox_find(x->store, x->arena, &key, 1, &reply, &x->err), 0);
		assert_string_equal(reply, "{}");
	}
	assert_string_equal(inc.title, "payroll is readable by everybody");
	assert_true(inc.is_private);
	bool sees;
	assert_int_equal(access_has(x->store, 3, "slack:U1", &sees, &x->err), 0);
	assert_true(sees); /* who declared it */
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM access"), 1);
	assert_int_equal(reference_by_key(x->store, x->arena, "slack:C2", &ref, &x->err), 0);
	assert_int_equal(ref.incident, 2);
	assert_int_equal(audit_verify(x->store, &entries, &x->err), 0);
	assert_int_equal(entries, 3);
	assert_int_equal(store_check(x->store, &x->err), 0);
}

/* And goes on from there. */
static void schema_1_is_worked_on(void **state)
{
	struct scratch *x = *state;
	struct incident inc;

	made_of(x, "schema-1.sql");
	scratch_reopen(x);
	assert_int_equal(incident_load(x->store, x->arena, 1, &inc, &x->err), 0);
	inc.facts = arena_strdup(x->arena, "{}");
	STORED(x, incident_save(x->store, &inc, &x->err));
	STORED(x, scratch_incident(x, "the next one") == 4 ? 0 : -1);
	scratch_reopen(x); /* nothing to be done the second time */
	assert_int_equal(incident_load(x->store, x->arena, 1, &inc, &x->err), 0);
	assert_string_equal(inc.facts, "{}");
	assert_int_equal(inc.revision, 2);
}

/* The schema of an upgraded database and of a new one are the same, word for word. */
static void both_ways_lead_to_one_schema(void **state)
{
	struct scratch *x = *state;
	char ask[512];

	store_close(x->store);
	x->store = NULL;
	snprintf(ask, sizeof(ask), "%s.new", x->path);
	assert_int_equal(rename(x->path, ask), 0);
	scratch_sql(x, "CREATE TABLE t (a)"); /* for made_of to remove */
	made_of(x, "schema-1.sql");
	scratch_reopen(x);
	snprintf(ask, sizeof(ask),
		"ATTACH '%s.new' AS new; CREATE TEMP TABLE a AS SELECT count(*) AS n FROM"
		" (SELECT name, replace(sql, char(10), '') FROM main.sqlite_schema"
		" EXCEPT SELECT name, replace(sql, char(10), '') FROM new.sqlite_schema);"
		" CREATE TABLE found AS SELECT n FROM a", x->path);
	scratch_sql(x, ask);
	assert_int_equal(scratch_ask(x, "SELECT n FROM found"), 0);
	assert_true(scratch_ask(x, "SELECT count(*) FROM sqlite_schema") > 40);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(schema_1_keeps_its_rows),
		CASE(schema_1_is_worked_on),
		CASE(both_ways_lead_to_one_schema),
	};

	return cmocka_run_group_tests_name("store: upgrade", tests, NULL, NULL);
}
