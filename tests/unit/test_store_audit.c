#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/audit.h"
#include "store/db.h"
#include "support_store.h"

#define OPEN_TABLE "DROP TRIGGER audit_stays; DROP TRIGGER audit_keeps; "

static int append(struct scratch *x, const char *action)
{
	struct audit_entry e = { .at = 1000, .entity = "incident", .entity_id = 42, .level = "info",
		.action = action, .actor = "slack:U1", .meta = "{\"n\":1}" };

	if (strcmp(action, "incident.step4") == 0)
		e.meta = NULL;
	return audit_append(x->store, &e, &x->err);
}

static void fill(struct scratch *x, int count)
{
	char action[32];

	assert_int_equal(store_begin(x->store, &x->err), 0);
	for (int i = 1; i <= count; i++) {
		snprintf(action, sizeof(action), "incident.step%d", i);
		if (append(x, action))
			fail_msg("%s", x->err.text);
	}
	assert_int_equal(store_commit(x->store, &x->err), 0);
}

static int64_t verified(struct scratch *x)
{
	int64_t entries = -1;

	if (audit_verify(x->store, &entries, &x->err))
		fail_msg("%s", x->err.text);
	return entries;
}

static void a_chain_verifies(void **state)
{
	struct scratch *x = *state;
	struct audit_entry *e;
	size_t count;

	assert_int_equal(verified(x), 0);
	fill(x, 5);
	assert_int_equal(verified(x), 5);
	scratch_reopen(x);
	fill(x, 5);
	assert_int_equal(verified(x), 10);
	assert_int_equal(audit_list(x->store, x->arena, 42, 3, &e, &count, &x->err), 0);
	assert_int_equal(count, 3);
	assert_int_equal(e[0].id, 10);
	assert_string_equal(e[0].action, "incident.step5");
	assert_string_equal(e[0].actor, "slack:U1");
	assert_string_equal(e[0].meta, "{\"n\":1}");
	assert_int_equal(audit_list(x->store, x->arena, 43, 3, &e, &count, &x->err), 0);
	assert_int_equal(count, 0);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(append(x, "incident.more"), 0);
	assert_int_equal(verified(x), 11); /* inside of a batch too */
	store_rollback(x->store);
	assert_int_equal(append(x, "incident.alone"), -EINVAL);
}

/* A request that runs another one: each is undone to its own beginning. */
static void undone_within_another(void **state)
{
	struct scratch *x = *state;

	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(append(x, "incident.before"), 0);
	assert_int_equal(store_savepoint(x->store, &x->err), 0);
	assert_int_equal(append(x, "incident.outer"), 0);
	assert_int_equal(store_savepoint(x->store, &x->err), 0);
	assert_int_equal(append(x, "incident.inner"), 0);
	store_undo(x->store);
	assert_int_equal(append(x, "incident.outer"), 0);
	assert_int_equal(store_savepoint(x->store, &x->err), 0);
	assert_int_equal(append(x, "incident.inner"), 0);
	assert_int_equal(store_release(x->store, &x->err), 0);
	assert_int_equal(verified(x), 4);
	store_undo(x->store);
	assert_int_equal(append(x, "incident.after"), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	assert_int_equal(verified(x), 2);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	while (store_savepoint(x->store, &x->err) == 0)
		;
	assert_int_equal(x->err.code, -ELOOP);
	store_rollback(x->store);
}

/* The chain is of what was committed: neither a request undone nor a batch lost leaves a gap. */
static void undoing_leaves_no_gap(void **state)
{
	struct scratch *x = *state;

	fill(x, 2);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(append(x, "a"), 0);
	assert_int_equal(store_savepoint(x->store, &x->err), 0);
	assert_int_equal(append(x, "undone"), 0);
	assert_int_equal(append(x, "undone"), 0);
	store_undo(x->store);
	assert_int_equal(store_savepoint(x->store, &x->err), 0);
	assert_int_equal(append(x, "b"), 0);
	assert_int_equal(store_release(x->store, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	assert_int_equal(verified(x), 4);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(append(x, "lost"), 0);
	store_rollback(x->store);
	fill(x, 1);
	assert_int_equal(verified(x), 5);
	/* The first savepoint of a process is undone before anything else was appended. */
	scratch_reopen(x);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(store_savepoint(x->store, &x->err), 0);
	assert_int_equal(append(x, "undone"), 0);
	store_undo(x->store);
	assert_int_equal(append(x, "c"), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	assert_int_equal(verified(x), 6);
}

static const struct tampering {
	const char *sql, *finding;
} tamperings[] = {
	{ "UPDATE audit SET action = 'incident.nothing' WHERE id = 3", "audit entry 3" },
	{ "UPDATE audit SET actor = 'slack:U9' WHERE id = 5", "audit entry 5" },
	{ "UPDATE audit SET at = at + 1 WHERE id = 1", "audit entry 1" },
	{ "UPDATE audit SET meta = NULL WHERE id = 2", "audit entry 2" },
	{ "UPDATE audit SET meta = '' WHERE id = 2", "audit entry 2" },
	{ "UPDATE audit SET meta = '' WHERE id = 4", "audit entry 4" }, /* it was NULL */
	{ "UPDATE audit SET entity_id = 43 WHERE id = 4", "audit entry 4" },
	{ "UPDATE audit SET level = 'warn' WHERE id = 4", "audit entry 4" },
	/* The same letters, moved from one field to the next. */
	{ "UPDATE audit SET action = 'incident.step2s', actor = 'lack:U1' WHERE id = 2",
		"audit entry 2" },
	{ "UPDATE audit SET hash = randomblob(32) WHERE id = 5", "audit entry 5" },
	{ "DELETE FROM audit WHERE id = 1", "audit entry 1 is missing" },
	{ "DELETE FROM audit WHERE id = 3", "audit entry 3 is missing" },
	{ "DELETE FROM audit WHERE id = 3; UPDATE audit SET id = id - 1 WHERE id > 3",
		"audit entry 3" },
	{ "DELETE FROM audit WHERE id = 5", "ends at entry 4, but 5 were written" },
	{ "DELETE FROM audit", "ends at entry 0, but 5 were written" },
	{ "UPDATE audit SET id = 100 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3;"
	  "UPDATE audit SET id = 3 WHERE id = 100", "audit entry 2" },
	{ "INSERT INTO audit SELECT 6, at, entity, entity_id, level, action, actor, meta, hash"
	  " FROM audit WHERE id = 5", "audit entry 6" },
	{ "UPDATE audit SET id = id + 100 WHERE id > 2; INSERT INTO audit SELECT 3, at, entity,"
	  " entity_id, level, 'forged', actor, meta, hash FROM audit WHERE id = 2;"
	  "UPDATE audit SET id = id - 99 WHERE id > 100", "audit entry 3" },
	{ "DELETE FROM cursor WHERE name = 'audit.head'", "added to the audit after 0" },
	{ "UPDATE cursor SET value = 'nonsense' WHERE name = 'audit.head'", "unreadable" },
	{ "DELETE FROM audit WHERE id = 5; UPDATE cursor SET value = '4 ' || substr(value, 3)"
	  " WHERE name = 'audit.head'", "its end was replaced" },
};

static void tampering_is_found(void **state)
{
	for (size_t i = 0; i < sizeof(tamperings) / sizeof(tamperings[0]); i++) {
		int64_t entries;
		char sql[600];

		assert_int_equal(scratch_setup(state), 0);
		struct scratch *x = *state;
		fill(x, 5);
		snprintf(sql, sizeof(sql), OPEN_TABLE "%s", tamperings[i].sql);
		scratch_sql(x, sql);
		if (audit_verify(x->store, &entries, &x->err) != -EBADMSG)
			fail_msg("not found: %s", tamperings[i].sql);
		assert_says(&x->err, tamperings[i].finding);
		scratch_teardown(state);
	}
}

/* A whole entry with the hash that it would have had: what comes behind does not fit to it. */
static void a_forged_entry_breaks_the_chain(void **state)
{
	struct scratch *x = *state;
	void *other = NULL;
	int64_t entries;
	char sql[400];

	fill(x, 5);
	assert_int_equal(scratch_setup(&other), 0);
	struct scratch *y = other;
	fill(y, 2);
	assert_int_equal(store_begin(y->store, &y->err), 0);
	assert_int_equal(append(y, "incident.forged"), 0);
	assert_int_equal(store_commit(y->store, &y->err), 0);
	snprintf(sql, sizeof(sql), OPEN_TABLE "ATTACH '%s' AS y; UPDATE audit SET action ="
		" 'incident.forged', hash = (SELECT hash FROM y.audit WHERE id = 3) WHERE id = 3",
		y->path);
	scratch_sql(x, sql);
	assert_int_equal(audit_verify(x->store, &entries, &x->err), -EBADMSG);
	assert_says(&x->err, "audit entry 4");
	scratch_teardown(&other);
}

/* The daemon went on after the end was cut away: that does not mend the chain. */
static void a_cut_stays_visible(void **state)
{
	struct scratch *x = *state;
	int64_t entries;

	fill(x, 5);
	scratch_sql(x, OPEN_TABLE "DELETE FROM audit WHERE id > 3");
	scratch_reopen(x);
	fill(x, 2);
	assert_int_equal(audit_verify(x->store, &entries, &x->err), -EBADMSG);
	assert_says(&x->err, "audit entry 4 is missing: after 3 comes 6");
}

static void the_table_is_append_only(void **state)
{
	struct scratch *x = *state;

	fill(x, 1);
	assert_int_not_equal(db_script(store_db(x->store), "UPDATE audit SET at = 1", &x->err), 0);
	assert_says(&x->err, "append-only");
	assert_int_not_equal(db_script(store_db(x->store), "DELETE FROM audit", &x->err), 0);
	assert_int_equal(verified(x), 1);
}

/* `sitrep audit verify` reads while the daemon writes. */
static void a_reader_beside_the_daemon(void **state)
{
	struct scratch *x = *state;
	struct store_options o = { .path = x->path, .read_only = true };
	struct store *reader;
	int64_t entries;

	fill(x, 3);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(append(x, "not committed yet"), 0);
	assert_int_equal(store_open(&reader, &o, &x->err), 0);
	assert_int_equal(audit_verify(reader, &entries, &x->err), 0);
	assert_int_equal(entries, 3);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	assert_int_equal(audit_verify(reader, &entries, &x->err), 0);
	assert_int_equal(entries, 4);
	store_close(reader);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_chain_verifies),
		CASE(undoing_leaves_no_gap),
		CASE(undone_within_another),
		cmocka_unit_test(tampering_is_found),
		CASE(a_forged_entry_breaks_the_chain),
		CASE(a_cut_stays_visible),
		CASE(the_table_is_append_only),
		CASE(a_reader_beside_the_daemon),
	};

	return cmocka_run_group_tests_name("store: audit", tests, NULL, NULL);
}
