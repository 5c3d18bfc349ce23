#include "store/migrations.h"

#include <errno.h>
#include <stdio.h>

#include "store/db.h"

/*
 * Conventions of the schema
 * - Times are wall-clock milliseconds; "not yet" and "none" are NULL. A timer belongs to no
 *   incident by 0, since NULLs would not be unique.
 * - Closed sets (states, severities, entry kinds) are stored as their names and checked here. Sets
 *   that grow with every adapter (kinds of effect, of promise, operations) are names too, but
 *   unchecked: widening a check means rebuilding the table.
 * - Checks are chains of OR: for an IN of more than two values SQLite builds a temporary table at
 *   every single insert.
 * - The index of ready effects holds only what is ready, so names instead of numbers for kind and
 *   state cost nothing that could be measured.
 * - "ended_at IS NULL" stands for "unfinished" in partial indexes: short, and the same in any SQL.
 */

static const char *const first_tables[] = {
	/* "SITR", so that the file says whose it is. */
	"PRAGMA application_id = 1397314642;",

	"CREATE TABLE incident ("
	" id INTEGER PRIMARY KEY,"
	" title TEXT NOT NULL CHECK (title <> ''),"
	" severity INTEGER NOT NULL CHECK (severity BETWEEN 1 AND 4),"
	" state TEXT NOT NULL CHECK ("
	"state = 'triage' OR state = 'investigating' OR state = 'identified'"
	" OR state = 'mitigating' OR state = 'monitoring' OR state = 'resolved'"
	" OR state = 'closed' OR state = 'cancelled' OR state = 'auto_resolved'"
	"),"
	" services TEXT, environment TEXT, source TEXT, reporter TEXT,"
	" customer_reported INTEGER NOT NULL CHECK (customer_reported IN (0, 1)),"
	" is_private INTEGER NOT NULL CHECK (is_private IN (0, 1)),"
	" drill INTEGER NOT NULL CHECK (drill IN (0, 1)),"
	" impact TEXT, tags TEXT, signal TEXT, health TEXT, not_verified TEXT,"
	" declared_at INTEGER NOT NULL,"
	" impact_at INTEGER, detected_at INTEGER, acknowledged_at INTEGER, mitigated_at INTEGER,"
	" resolved_at INTEGER, closed_at INTEGER, state_at INTEGER, cadence_ms INTEGER,"
	" updated_at INTEGER, updated_by TEXT, update_text TEXT,"
	" merged_into INTEGER REFERENCES incident (id) CHECK (merged_into <> id),"
	" revision INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX incident_state ON incident (state);"
	"CREATE INDEX incident_severity ON incident (severity);"
	"CREATE INDEX incident_declared ON incident (declared_at);",

	"CREATE TABLE role ("
	" incident INTEGER NOT NULL REFERENCES incident (id),"
	" role TEXT NOT NULL CHECK (role <> ''),"
	" person TEXT NOT NULL CHECK (person <> ''),"
	" since INTEGER NOT NULL,"
	" PRIMARY KEY (incident, role)"
	") STRICT, WITHOUT ROWID;",

	"CREATE TABLE timeline ("
	" id INTEGER PRIMARY KEY,"
	" incident INTEGER NOT NULL REFERENCES incident (id),"
	" happened_at INTEGER NOT NULL,"
	" recorded_at INTEGER NOT NULL,"
	" kind TEXT NOT NULL CHECK ("
	"kind = 'detection' OR kind = 'triage' OR kind = 'fact'"
	" OR kind = 'hypothesis' OR kind = 'decision' OR kind = 'action'"
	" OR kind = 'mitigation' OR kind = 'communication'"
	" OR kind = 'responsibility' OR kind = 'resolution' OR kind = 'recurrence'"
	" OR kind = 'note'"
	"),"
	" author TEXT, text TEXT NOT NULL, source TEXT, meta TEXT,"
	" corrects INTEGER REFERENCES timeline (id)"
	") STRICT;"
	"CREATE INDEX timeline_incident ON timeline (incident, happened_at);"
	"CREATE UNIQUE INDEX timeline_source ON timeline (incident, source)"
	" WHERE source IS NOT NULL;"
	"CREATE TRIGGER timeline_keeps BEFORE DELETE ON timeline"
	" BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END;"
	"CREATE TRIGGER timeline_stays BEFORE UPDATE ON timeline"
	" BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END;",

	"CREATE TABLE promise ("
	" id INTEGER PRIMARY KEY,"
	" incident INTEGER NOT NULL REFERENCES incident (id),"
	" kind TEXT NOT NULL CHECK (kind <> ''),"
	" state TEXT NOT NULL CHECK (state = 'open' OR state = 'kept' OR state = 'withdrawn'),"
	" made_at INTEGER NOT NULL,"
	" due_at INTEGER NOT NULL,"
	" quiet_until INTEGER,"
	" said INTEGER NOT NULL CHECK (said >= 0),"
	" kept_at INTEGER, missed_at INTEGER"
	") STRICT;"
	/* One open promise of a kind, any number of others; the same index finds them all. */
	"CREATE UNIQUE INDEX promise_open ON promise"
	" (incident, kind, (CASE WHEN state = 'open' THEN 0 ELSE id END));",

	"CREATE TABLE timer ("
	" id INTEGER PRIMARY KEY,"
	" due_at INTEGER NOT NULL,"
	" name TEXT NOT NULL CHECK (name <> ''),"
	" incident INTEGER NOT NULL,"
	" subject INTEGER NOT NULL,"
	" operation TEXT NOT NULL CHECK (operation <> ''),"
	" args TEXT"
	") STRICT;"
	"CREATE UNIQUE INDEX timer_name ON timer (incident, subject, name);"
	"CREATE INDEX timer_due ON timer (due_at);",

	/* The reply is kept apart: the tree of keys, written at random places, stays small. The two
	 * are pruned together, and have no foreign key since nothing is written more often. */
	"CREATE TABLE delivery ("
	" id INTEGER PRIMARY KEY,"
	" at INTEGER NOT NULL,"
	" reply TEXT"
	") STRICT;"
	"CREATE TABLE inbox ("
	" key TEXT NOT NULL PRIMARY KEY CHECK (key <> ''),"
	" delivery INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX inbox_delivery ON inbox (delivery);",

	"CREATE TABLE effect ("
	" id INTEGER PRIMARY KEY,"
	" op_id TEXT NOT NULL,"
	" incident INTEGER REFERENCES incident (id),"
	" system TEXT NOT NULL CHECK (system <> ''),"
	" lane TEXT NOT NULL CHECK (lane <> ''),"
	" kind TEXT NOT NULL CHECK (kind <> ''),"
	" state TEXT NOT NULL,"
	" target TEXT, slot TEXT, thread_slot TEXT,"
	" due_at INTEGER NOT NULL,"
	" created_at INTEGER NOT NULL,"
	" started_at INTEGER, ended_at INTEGER,"
	" attempts INTEGER NOT NULL CHECK (attempts >= 0),"
	" verify INTEGER NOT NULL CHECK (verify IN (0, 1)),"
	" revision INTEGER NOT NULL,"
	" error TEXT,"
	" payload TEXT," /* last: it may be long, and the others are read more often */
	" CHECK (CASE WHEN ended_at IS NULL"
	"  THEN state = 'waiting' OR state = 'ready' OR state = 'started'"
	"  ELSE state = 'delivered' OR state = 'failed' OR state = 'dropped' END)"
	") STRICT;"
	"CREATE INDEX effect_ready ON effect (kind, due_at) WHERE state = 'ready';"
	"CREATE INDEX effect_lane ON effect (lane, ended_at) WHERE ended_at IS NULL;"
	"CREATE INDEX effect_incident ON effect (incident) WHERE ended_at IS NULL;"
	"CREATE INDEX effect_failed ON effect (incident) WHERE state = 'failed';"
	"CREATE INDEX effect_ended ON effect (ended_at) WHERE ended_at IS NOT NULL;",

	"CREATE TABLE attempt ("
	" effect INTEGER NOT NULL REFERENCES effect (id),"
	" n INTEGER NOT NULL CHECK (n > 0),"
	" started_at INTEGER, ended_at INTEGER NOT NULL,"
	" outcome TEXT NOT NULL CHECK ("
	"outcome = 'delivered' OR outcome = 'retry' OR outcome = 'unknown'"
	" OR outcome = 'refused' OR outcome = 'dropped'"
	"),"
	" error TEXT,"
	" PRIMARY KEY (effect, n)"
	") STRICT, WITHOUT ROWID;",

	"CREATE TABLE reference ("
	" id INTEGER PRIMARY KEY,"
	" incident INTEGER NOT NULL REFERENCES incident (id),"
	" system TEXT NOT NULL CHECK (system <> ''),"
	" slot TEXT NOT NULL CHECK (slot <> ''),"
	" key TEXT, url TEXT,"
	" state TEXT NOT NULL CHECK ("
	"state = 'pending' OR state = 'synced' OR state = 'conflict'"
	" OR state = 'failed'"
	"),"
	" error TEXT, synced TEXT,"
	" created_at INTEGER NOT NULL, synced_at INTEGER"
	") STRICT;"
	"CREATE UNIQUE INDEX reference_slot ON reference (incident, system, slot);"
	"CREATE INDEX reference_key ON reference (key);",

	"CREATE TABLE audit ("
	" id INTEGER PRIMARY KEY,"
	" at INTEGER NOT NULL,"
	" entity TEXT NOT NULL,"
	" entity_id INTEGER NOT NULL,"
	" level TEXT NOT NULL CHECK (level = 'info' OR level = 'warn' OR level = 'error'),"
	" action TEXT NOT NULL,"
	" actor TEXT NOT NULL,"
	" meta TEXT,"
	" hash BLOB NOT NULL CHECK (length(hash) = 32)"
	") STRICT;"
	"CREATE INDEX audit_incident ON audit (entity_id) WHERE entity = 'incident';"
	"CREATE TRIGGER audit_keeps BEFORE DELETE ON audit"
	" BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;"
	"CREATE TRIGGER audit_stays BEFORE UPDATE ON audit"
	" BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;",

	"CREATE TABLE cursor (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE person ("
	" key TEXT NOT NULL PRIMARY KEY CHECK (key <> ''),"
	" name TEXT, zone TEXT, email TEXT, seen_at INTEGER"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX person_name ON person (lower(name));",
	NULL,
};

/*
 * What a response leaves besides the incident itself. Nothing here is written by a declaration, and
 * the new index of incidents holds protected ones only, so that declaring costs what it did.
 */
static const char *const response_tables[] = {
	"ALTER TABLE incident ADD COLUMN facts TEXT;"
	"ALTER TABLE incident ADD COLUMN size_when_set TEXT;"
	"ALTER TABLE incident ADD COLUMN severity_at INTEGER;"
	"ALTER TABLE incident ADD COLUMN overruled INTEGER;"
	"ALTER TABLE incident ADD COLUMN engage_said INTEGER;"
	/* When the level was last set was not kept; it has been so since the declaration at most. */
	"UPDATE incident SET severity_at = declared_at;"
	"CREATE INDEX incident_private ON incident (state) WHERE is_private = 1;",

	"CREATE TABLE checkpoint ("
	" id INTEGER PRIMARY KEY,"
	" incident INTEGER NOT NULL REFERENCES incident (id),"
	" at INTEGER NOT NULL,"
	" author TEXT, situation TEXT, hypothesis TEXT, impact TEXT, in_flight TEXT,"
	" decision TEXT, cadence TEXT, next_decision_at INTEGER"
	") STRICT;"
	"CREATE INDEX checkpoint_incident ON checkpoint (incident, at);",

	"CREATE TABLE handover ("
	" id INTEGER PRIMARY KEY,"
	" incident INTEGER NOT NULL REFERENCES incident (id),"
	" outgoing TEXT NOT NULL CHECK (outgoing <> ''),"
	" incoming TEXT NOT NULL CHECK (incoming <> ''),"
	" state TEXT NOT NULL,"
	" offered_at INTEGER NOT NULL,"
	" ended_at INTEGER,"
	" checkpoint INTEGER REFERENCES checkpoint (id),"
	" CHECK (CASE WHEN ended_at IS NULL THEN state = 'offered'"
	"  ELSE state = 'accepted' OR state = 'declined' OR state = 'withdrawn'"
	"  OR state = 'expired' END)"
	") STRICT;"
	"CREATE UNIQUE INDEX handover_offered ON handover (incident) WHERE ended_at IS NULL;",

	/* folded: the value in lower case, so that "EU Tenants" and "eu tenants" are one. */
	"CREATE TABLE impact_scope ("
	" id INTEGER PRIMARY KEY,"
	" incident INTEGER NOT NULL REFERENCES incident (id),"
	" kind TEXT NOT NULL CHECK (kind = 'group' OR kind = 'fault-domain'"
	" OR kind = 'dependency' OR kind = 'change'),"
	" folded TEXT NOT NULL CHECK (folded <> ''),"
	" value TEXT NOT NULL,"
	" affected TEXT NOT NULL CHECK (affected = 'unknown' OR affected = 'no'"
	" OR affected = 'yes'),"
	" note TEXT, author TEXT, at INTEGER NOT NULL"
	") STRICT;"
	"CREATE UNIQUE INDEX impact_scope_value ON impact_scope (incident, kind, folded);",

	"CREATE TABLE engagement ("
	" id INTEGER PRIMARY KEY,"
	" incident INTEGER NOT NULL REFERENCES incident (id),"
	" tier TEXT NOT NULL CHECK (tier <> ''),"
	" reason TEXT NOT NULL CHECK (reason <> ''),"
	" why TEXT, author TEXT, at INTEGER NOT NULL,"
	" acknowledged_by TEXT, acknowledged_at INTEGER,"
	" CHECK ((acknowledged_by IS NULL) = (acknowledged_at IS NULL))"
	") STRICT;"
	"CREATE UNIQUE INDEX engagement_tier ON engagement (incident, tier, reason);",

	/* Ended by nobody's confirmation: it was dropped. */
	"CREATE TABLE customer_note ("
	" id INTEGER PRIMARY KEY,"
	" incident INTEGER NOT NULL REFERENCES incident (id),"
	" text TEXT NOT NULL CHECK (text <> ''),"
	" author TEXT, at INTEGER NOT NULL,"
	" confirmed_by TEXT, ended_at INTEGER,"
	" CHECK (confirmed_by IS NULL OR ended_at IS NOT NULL)"
	") STRICT;",

	"CREATE TABLE access ("
	" incident INTEGER NOT NULL REFERENCES incident (id),"
	" person TEXT NOT NULL CHECK (person <> ''),"
	" author TEXT, at INTEGER NOT NULL,"
	" PRIMARY KEY (incident, person)"
	") STRICT, WITHOUT ROWID;"
	/* Whoever declared a private incident saw it so far. */
	"INSERT INTO access (incident, person, author, at)"
	" SELECT id, reporter, reporter, declared_at FROM incident"
	" WHERE is_private = 1 AND reporter <> '';",

	"CREATE TABLE subscription ("
	" topic TEXT NOT NULL CHECK (topic <> ''),"
	" person TEXT NOT NULL CHECK (person <> ''),"
	" at INTEGER NOT NULL,"
	" PRIMARY KEY (topic, person)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX subscription_person ON subscription (person);",

	/* A pair is one row, the lower number first, whichever way it points; turned: from high to
	 * low. */
	"CREATE TABLE incident_link ("
	" low INTEGER NOT NULL REFERENCES incident (id),"
	" high INTEGER NOT NULL REFERENCES incident (id),"
	" turned INTEGER NOT NULL CHECK (turned IN (0, 1)),"
	" kind TEXT NOT NULL CHECK (kind = 'related' OR kind = 'duplicate'),"
	" author TEXT, at INTEGER NOT NULL,"
	" PRIMARY KEY (low, high),"
	" CHECK (low < high)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX incident_link_high ON incident_link (high);",

	"CREATE TABLE diagnosis ("
	" id INTEGER PRIMARY KEY,"
	" incident INTEGER REFERENCES incident (id),"
	" tool TEXT, kind TEXT, name TEXT,"
	" summary TEXT NOT NULL CHECK (summary <> ''),"
	" evidence TEXT, url TEXT, author TEXT,"
	" at INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX diagnosis_incident ON diagnosis (incident);",
	NULL,
};

/* One timer an incident wakes for all its promises; before, each had its own. It wakes at the next
 * start at the latest, and then knows when to wake again. */
static const char *const promise_timers[] = {
	"DELETE FROM timer WHERE name = 'promise';"
	"INSERT INTO timer (due_at, name, incident, subject, operation)"
	" SELECT min(made_at), 'promise', incident, 0, 'promise.due' FROM promise"
	" WHERE state = 'open' GROUP BY incident;",
	NULL,
};

/* A delivery is one row with its keys, one a line; which row has a key is known in memory. A tree of
 * keys was written at random places, two pages a command. */
static const char *const inbox_rows[] = {
	"ALTER TABLE inbox RENAME TO inbox_key;"
	"CREATE TABLE inbox ("
	" id INTEGER PRIMARY KEY,"
	" at INTEGER NOT NULL,"
	" keys TEXT NOT NULL CHECK (keys <> ''),"
	" reply TEXT"
	") STRICT;"
	"INSERT INTO inbox (id, at, keys, reply)"
	" SELECT delivery.id, at, group_concat(key, char(10)), reply"
	" FROM delivery JOIN inbox_key ON inbox_key.delivery = delivery.id GROUP BY delivery.id;"
	"DROP TABLE inbox_key;"
	"DROP TABLE delivery;",
	NULL,
};

static const char *const learning_tables[] = {
	/* Every version of a postmortem stays. body: its sections as JSON. */
	"CREATE TABLE review ("
	" incident INTEGER NOT NULL REFERENCES incident (id),"
	" version INTEGER NOT NULL CHECK (version > 0),"
	" state TEXT NOT NULL CHECK (state = 'draft' OR state = 'review' OR state = 'final'),"
	" light INTEGER NOT NULL CHECK (light IN (0, 1)),"
	" author TEXT, at INTEGER NOT NULL, waiver TEXT, body TEXT NOT NULL,"
	" PRIMARY KEY (incident, version)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TRIGGER review_keeps BEFORE DELETE ON review"
	" BEGIN SELECT RAISE(ABORT, 'versions of a postmortem are append-only'); END;"
	"CREATE TRIGGER review_stays BEFORE UPDATE ON review"
	" BEGIN SELECT RAISE(ABORT, 'versions of a postmortem are append-only'); END;",

	"CREATE TABLE followup ("
	" id INTEGER PRIMARY KEY,"
	" incident INTEGER NOT NULL REFERENCES incident (id),"
	" title TEXT NOT NULL CHECK (title <> ''),"
	" owner TEXT,"
	" priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),"
	" due_at INTEGER,"
	" state TEXT NOT NULL CHECK (state = 'open' OR state = 'done' OR state = 'cancelled'),"
	" class TEXT NOT NULL, standard TEXT NOT NULL,"
	" signal TEXT, shown TEXT, links TEXT, author TEXT,"
	" created_at INTEGER NOT NULL, ended_at INTEGER,"
	" said INTEGER NOT NULL CHECK (said >= 0),"
	" CHECK ((state = 'open') = (ended_at IS NULL))"
	") STRICT;"
	"CREATE INDEX followup_open ON followup (due_at) WHERE state = 'open';"
	"CREATE INDEX followup_incident ON followup (incident);",

	/* again: the earlier incident that it repeats. at: when the incident was declared. */
	"CREATE TABLE cause ("
	" incident INTEGER PRIMARY KEY REFERENCES incident (id),"
	" class TEXT NOT NULL CHECK (class <> ''),"
	" fingerprint TEXT,"
	" again INTEGER REFERENCES incident (id) CHECK (again <> incident),"
	" author TEXT, at INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX cause_class ON cause (class, at);"
	"CREATE INDEX cause_fingerprint ON cause (fingerprint, at) WHERE fingerprint IS NOT NULL;",
	NULL,
};

/* A promise and a timer are found by what they belong to alone, so their rows lie in that order, and
 * there is no second tree of numbers. Of a kind the open promise has number 0. */
static const char *const rows_by_owner[] = {
	"ALTER TABLE promise RENAME TO promise_by_id;"
	"CREATE TABLE promise ("
	" incident INTEGER NOT NULL REFERENCES incident (id),"
	" kind TEXT NOT NULL CHECK (kind <> ''),"
	" n INTEGER NOT NULL CHECK (n >= 0),"
	" state TEXT NOT NULL CHECK (CASE WHEN n = 0 THEN state = 'open'"
	"  ELSE state = 'kept' OR state = 'withdrawn' END),"
	" made_at INTEGER NOT NULL,"
	" due_at INTEGER NOT NULL,"
	" quiet_until INTEGER,"
	" said INTEGER NOT NULL CHECK (said >= 0),"
	" kept_at INTEGER, missed_at INTEGER,"
	" PRIMARY KEY (incident, kind, n)"
	") STRICT, WITHOUT ROWID;"
	"INSERT INTO promise SELECT incident, kind, CASE WHEN state = 'open' THEN 0 ELSE"
	" row_number() OVER (PARTITION BY incident, kind, state = 'open' ORDER BY id) END,"
	" state, made_at, due_at, quiet_until, said, kept_at, missed_at FROM promise_by_id;"
	"DROP TABLE promise_by_id;",

	"ALTER TABLE timer RENAME TO timer_by_id;"
	"CREATE TABLE timer ("
	" incident INTEGER NOT NULL,"
	" subject INTEGER NOT NULL,"
	" name TEXT NOT NULL CHECK (name <> ''),"
	" due_at INTEGER NOT NULL,"
	" operation TEXT NOT NULL CHECK (operation <> ''),"
	" args TEXT,"
	" PRIMARY KEY (incident, subject, name)"
	") STRICT, WITHOUT ROWID;"
	"INSERT INTO timer SELECT incident, subject, name, due_at, operation, args FROM timer_by_id;"
	"DROP TABLE timer_by_id;"
	"CREATE INDEX timer_due ON timer (due_at);",
	NULL,
};

/* An incident may have thousands of deliveries that wait for the chat's pace, and each change looks for one
 * of its kind and place among them. */
static const char *const waiting_by_kind[] = {
	"DROP INDEX effect_incident;"
	"CREATE INDEX effect_open ON effect (incident, kind, coalesce(slot, ''))"
	" WHERE ended_at IS NULL;",
	NULL,
};

/* A state and a window of time are one range. */
static const char *const state_by_time[] = {
	"DROP INDEX incident_state;"
	"CREATE INDEX incident_state ON incident (state, declared_at);",
	NULL,
};

const struct migration store_migrations[] = {
	{ "the first tables", first_tables },
	{ "what a response leaves", response_tables },
	{ "one timer for all promises of an incident", promise_timers },
	{ "one row a delivery", inbox_rows },
	{ "what is learned", learning_tables },
	{ "promises and timers by what they belong to", rows_by_owner },
	{ "what waits by kind and place", waiting_by_kind },
	{ "states in the order of time", state_by_time },
};
const size_t store_migration_count = sizeof(store_migrations) / sizeof(store_migrations[0]);

static int newer(struct db *db, int64_t version, size_t count, struct error *err)
{
	return error_set(err, -ENOTSUP,
		"%s was made by a newer sitrep (schema %lld, this one knows %zu): "
		"upgrade sitrep or restore a backup", db_path(db), (long long)version, count);
}

/* Nothing may be left pointing nowhere: the step is not committed otherwise. */
static int check_foreign_keys(struct db *db, struct error *err)
{
	struct stmt *st = db_prepare(db, "PRAGMA foreign_key_check", err);

	if (!st)
		return err->code;
	int rc = db_step(st, err);
	if (rc == DB_ROW) {
		rc = error_set(err, -EUCLEAN, "a row of %s would refer to a missing %s",
			db_text(st, 0), db_text(st, 2));
		db_reset(st);
	}
	return rc;
}

static int step_run(struct db *db, const struct migration *step, size_t version, struct error *err)
{
	char done[64];
	int rc = 0;

	for (const char *const *sql = step->sql; *sql && rc == 0; sql++)
		rc = db_script(db, *sql, err);
	if (rc == 0)
		rc = check_foreign_keys(db, err);
	if (rc)
		return rc;
	snprintf(done, sizeof(done), "PRAGMA user_version = %zu", version + 1);
	return db_script(db, done, err);
}

static int step_commit(struct db *db, const struct migration *list, size_t version,
	struct error *err)
{
	int rc = db_begin(db, err);

	if (rc)
		return rc;
	/* Asked again inside: another program may have been faster. */
	if (db_user_version(db) != (int64_t)version)
		rc = error_set(err, -EBUSY, "%s is being changed by another program", db_path(db));
	else
		rc = step_run(db, &list[version], version, err);
	if (rc == 0)
		return db_commit(db, err);
	db_rollback(db);
	error_prefix(err, "bringing the database to schema %zu (%s) failed, nothing was changed",
		version + 1, list[version].what);
	return rc;
}

int migrations_run(struct db *db, const struct migration *list, size_t count, struct error *err)
{
	struct error local = { 0 };
	int rc;

	if (!err)
		err = &local;
	int64_t version = db_user_version(db);
	if (version < 0)
		return db_script(db, "PRAGMA schema_version", err) ? err->code :
			error_set(err, -EIO, "%s: its schema could not be read; try again", db_path(db));
	if (version > (int64_t)count)
		return newer(db, version, count, err);
	if (version == (int64_t)count)
		return 0;
	rc = db_script(db, "PRAGMA foreign_keys = OFF", err);
	for (size_t v = (size_t)version; v < count && rc == 0; v++)
		rc = step_commit(db, list, v, err);
	return rc;
}

int migrations_check(struct db *db, size_t count, struct error *err)
{
	int64_t version = db_user_version(db);

	if (version > (int64_t)count)
		return newer(db, version, count, err);
	if (version < (int64_t)count)
		return error_set(err, -ENOTSUP,
			"%s is of an older sitrep (schema %lld, this one knows %zu): "
			"start `sitrep run` once to bring it up to date",
			db_path(db), (long long)version, count);
	return 0;
}
