/* Every statement of every record, as SQLite means to run it: by an index, unless it is listed here
 * with a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/record.h"
#include "support_store.h"

/* Scans that are meant: what is in the plan, and why. */
static const struct {
	const char *record, *plan, *why;
} meant[] = {
	{ "audit", "SCAN audit", "verification reads all of it" },
	{ "incident_find", "SCAN incident", "newest first by row id, ends at the limit" },
	{ "effect", "SCAN effect USING INDEX effect_lane",
		"unfinished ones only: at start, for sync" },
	{ "effect", "SCAN effect USING INDEX effect_open",
		"unfinished ones only: at start, for sync" },
	{ "effect", "SCAN effect USING INDEX effect_failed", "failed ones only, for sync" },
	{ "effect", "SCAN effect USING INDEX effect_ended", "ended ones, ends at the limit" },
	{ "inbox", "SCAN inbox", "once, for the keys in memory; or ends at the limit" },
	{ "learning", "SCAN followup USING INDEX followup_open", "open ones only" },
	{ "learning", "SCAN followup", "all of them: for lists of what is done, and counts" },
	{ "learning", "SCAN incident", "names of services have no index; ends at the first" },
	{ "terms", "SCAN incident", "once, for the words in memory" },
	{ "terms", "SCAN role", "once, for the people in memory" },
	{ "inbox", "SCAN oldest", "of what the limit let through" },
};

static bool is_meant(const char *record, const char *plan)
{
	for (size_t i = 0; i < sizeof(meant) / sizeof(meant[0]); i++)
		if (strcmp(meant[i].record, record) == 0 && strstr(plan, meant[i].plan))
			return true;
	return false;
}

/* The plan in one string; parameters are unbound, which EXPLAIN does not mind. */
static void plan_of(struct scratch *x, const char *sql, char *out, size_t size)
{
	char explain[4096];

	snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", sql);
	struct stmt *st = db_prepare(store_db(x->store), explain, &x->err);
	if (!st)
		fail_msg("%s", x->err.text);
	out[0] = '\0';
	while (db_step(st, &x->err) == DB_ROW) {
		size_t n = strlen(out);
		snprintf(out + n, size - n, "%s; ", db_text(st, 3));
	}
}

static void nothing_scans_unmeant(void **state)
{
	struct scratch *x = *state;
	int statements = 0;

	for (int r = 0; r < RECORD_COUNT; r++)
		for (size_t i = 0; i < record_sql[r]->count; i++, statements++) {
			char plan[2048], *scan;
			plan_of(x, record_sql[r]->sql[i], plan, sizeof(plan));
			scan = strstr(plan, "SCAN");
			if (scan && !strstr(scan, "SCAN CONSTANT ROW") &&
				!is_meant(record_sql[r]->name, scan))
				fail_msg("%s\n\truns as: %s", record_sql[r]->sql[i], plan);
		}
	assert_true(statements > 60);
}

/* The hot ones by name: which index, and no sorting. */
static const struct {
	const struct record_sql *record;
	const char *begins, *plan;
} hot[] = {
	{ &effect_sql,
		"SELECT id, op_id, incident, system, lane, kind, state, target, slot, thread_slot, "
		"payload, due_at, created_at, started_at, ended_at, attempts, verify, error, "
		"revision "
		"FROM effect WHERE state = 'ready'",
		"SEARCH effect USING INDEX effect_ready (kind=? AND due_at<?); " },
	{ &effect_sql, "SELECT min(due_at) FROM effect",
		"SEARCH effect USING INDEX effect_ready (kind=?); " },
	{ &effect_sql, "SELECT 1 FROM effect WHERE lane",
		"SEARCH effect USING COVERING INDEX effect_lane (lane=? AND ended_at=?); " },
	{ &effect_sql, "SELECT id FROM effect WHERE incident = $1",
		"SEARCH effect USING INDEX effect_open (incident=? AND kind=? AND <expr>=?); " },
	{ &timer_sql, "SELECT min(due_at)", "SEARCH timer USING COVERING INDEX timer_due; " },
	{ &timer_sql,
		"SELECT due_at, name, incident, subject, operation, args FROM timer WHERE "
		"due_at",
		"SEARCH timer USING INDEX timer_due (due_at<?); " },
	{ &inbox_sql, "SELECT keys", "SEARCH inbox USING INTEGER PRIMARY KEY (rowid=?); " },
	/* The next ordinary number, and declaring with it. */
	{ &incident_sql, "SELECT max(id) FROM incident",
		"SEARCH incident USING INTEGER PRIMARY KEY (rowid<?); " },
	{ &response_sql, "SELECT id, incident, at",
		"SEARCH checkpoint USING INDEX checkpoint_incident (incident=?); " },
	{ &response_sql, "SELECT id, incident, outgoing",
		"SEARCH handover USING INDEX handover_offered (incident=?); " },
	{ &relation_sql, "SELECT 1 FROM access",
		"SEARCH access USING PRIMARY KEY (incident=? AND person=?); " },
	/* Figures: the window by its index, and one seek each into what belongs to an incident. */
	{ &metric_sql, "SELECT id, severity, state, drill",
		"SEARCH incident USING INDEX incident_declared (declared_at>? AND declared_at<?); "
		"CORRELATED SCALAR SUBQUERY 1; SEARCH cause USING INTEGER PRIMARY KEY (rowid=?); "
		"CORRELATED SCALAR SUBQUERY 2; "
		"SEARCH promise USING PRIMARY KEY (incident=? AND kind=?); "
		"CORRELATED SCALAR SUBQUERY 3; "
		"SEARCH followup USING INDEX followup_incident (incident=?); " },
	{ &promise_sql,
		"SELECT incident, kind, n, state, made_at, due_at, quiet_until, said, kept_at, "
		"missed_at FROM promise WHERE incident = $1 AND kind",
		"SEARCH promise USING PRIMARY KEY (incident=? AND kind=? AND n=?); " },
};

static void hot_statements_seek(void **state)
{
	struct scratch *x = *state;

	for (size_t h = 0; h < sizeof(hot) / sizeof(hot[0]); h++) {
		const char *sql = NULL;
		char plan[2048];

		for (size_t i = 0; i < hot[h].record->count && !sql; i++)
			if (strncmp(hot[h].record->sql[i], hot[h].begins, strlen(hot[h].begins)) ==
				0)
				sql = hot[h].record->sql[i];
		if (!sql)
			fail_msg("no statement begins with: %s", hot[h].begins);
		plan_of(x, sql, plan, sizeof(plan));
		assert_string_equal(plan, hot[h].plan);
	}
}

/* Counting reads indexes only, unless there are protected ones. */
static void counting_reads_no_rows(void **state)
{
	struct scratch *x = *state;
	char plan[2048] = "";

	for (size_t i = 0; i < incident_sql.count; i++)
		if (strncmp(incident_sql.sql[i], "SELECT (SELECT count(*)", 23) == 0)
			plan_of(x, incident_sql.sql[i], plan, sizeof(plan));
	if (!strstr(plan, "SEARCH incident USING COVERING INDEX incident_state (state=?)") ||
		!strstr(plan, "SEARCH incident USING INDEX incident_private (state=?)"))
		fail_msg("%s", plan);
}

/* Finding goes by the index of what is asked for. */
static void finding_is_led_by_an_index(void **state)
{
	static const char *const indexes[] = { "incident_state (state=?)",
		"incident_state (state=? AND declared_at>? AND declared_at<?)",
		"incident_declared (declared_at>? AND declared_at<?)", "incident_severity (severity=?)" };
	struct scratch *x = *state;

	for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
		char plan[2048], want[128];
		plan_of(x, find_sql.sql[i], plan, sizeof(plan));
		snprintf(want, sizeof(want), "SEARCH incident USING INDEX %s", indexes[i]);
		if (strncmp(plan, want, strlen(want)) != 0)
			fail_msg("%s", plan);
		/* Open ones are few, of all severities; the others come in the order of their index. */
		if (i > 0 && strstr(plan, "TEMP B-TREE"))
			fail_msg("%s", plan);
	}
}

/* An IN list of more than two constants in a CHECK costs a temporary table at each insert. */
static void inserts_build_no_temporary_tables(void **state)
{
	struct scratch *x = *state;

	for (int r = 0; r < RECORD_COUNT; r++)
		for (size_t i = 0; i < record_sql[r]->count; i++) {
			char explain[4096];
			if (strncmp(record_sql[r]->sql[i], "INSERT", 6) != 0 ||
				strstr(record_sql[r]->sql[i], "SELECT"))
				continue;
			snprintf(explain, sizeof(explain), "EXPLAIN %s", record_sql[r]->sql[i]);
			struct stmt *st = db_prepare(store_db(x->store), explain, &x->err);
			assert_non_null(st);
			while (db_step(st, &x->err) == DB_ROW)
				if (strncmp(db_text(st, 1), "OpenEphemeral", 13) == 0)
					fail_msg(
						"a temporary table for: %s", record_sql[r]->sql[i]);
		}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nothing_scans_unmeant),
		CASE(hot_statements_seek),
		CASE(counting_reads_no_rows),
		CASE(finding_is_led_by_an_index),
		CASE(inserts_build_no_temporary_tables),
	};

	return cmocka_run_group_tests_name("store: plans", tests, NULL, NULL);
}
