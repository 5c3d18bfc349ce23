#include "store/schema.h"

#include <errno.h>

#include "store/db.h"

/*
 * What the first 8 migrations make, as SQLite itself keeps it: SELECT sql FROM sqlite_schema ORDER BY rowid.
 * What comes after them is done by the migrations. Written anew now and then, when these have become many.
 */
#define VERSION "8"

static const char *const schema[] = {
	"PRAGMA application_id = 1397314642;",
	"CREATE TABLE incident ( id INTEGER PRIMARY KEY, title TEXT NOT NULL CHECK (title "
	"<> ''), severity INTEGER NOT NULL CHECK (severity BETWEEN 1 AND 4), state TEXT "
	"NOT NULL CHECK (state = 'triage' OR state = 'investigating' OR state = "
	"'identified' OR state = 'mitigating' OR state = 'monitoring' OR state = "
	"'resolved' OR state = 'closed' OR state = 'cancelled' OR state = "
	"'auto_resolved'), services TEXT, environment TEXT, source TEXT, reporter TEXT, "
	"customer_reported INTEGER NOT NULL CHECK (customer_reported IN (0, 1)), "
	"is_private INTEGER NOT NULL CHECK (is_private IN (0, 1)), drill INTEGER NOT NULL "
	"CHECK (drill IN (0, 1)), impact TEXT, tags TEXT, signal TEXT, health TEXT, "
	"not_verified TEXT, declared_at INTEGER NOT NULL, impact_at INTEGER, detected_at "
	"INTEGER, acknowledged_at INTEGER, mitigated_at INTEGER, resolved_at INTEGER, "
	"closed_at INTEGER, state_at INTEGER, cadence_ms INTEGER, updated_at INTEGER, "
	"updated_by TEXT, update_text TEXT, merged_into INTEGER REFERENCES incident (id) "
	"CHECK (merged_into <> id), revision INTEGER NOT NULL, facts TEXT, size_when_set "
	"TEXT, severity_at INTEGER, overruled INTEGER, engage_said INTEGER) STRICT"
	";",
	"CREATE INDEX incident_severity ON incident (severity)"
	";",
	"CREATE INDEX incident_declared ON incident (declared_at)"
	";",
	"CREATE TABLE role ( incident INTEGER NOT NULL REFERENCES incident (id), role TEXT "
	"NOT NULL CHECK (role <> ''), person TEXT NOT NULL CHECK (person <> ''), since "
	"INTEGER NOT NULL, PRIMARY KEY (incident, role)) STRICT, WITHOUT ROWID"
	";",
	"CREATE TABLE timeline ( id INTEGER PRIMARY KEY, incident INTEGER NOT NULL "
	"REFERENCES incident (id), happened_at INTEGER NOT NULL, recorded_at INTEGER NOT "
	"NULL, kind TEXT NOT NULL CHECK (kind = 'detection' OR kind = 'triage' OR kind = "
	"'fact' OR kind = 'hypothesis' OR kind = 'decision' OR kind = 'action' OR kind = "
	"'mitigation' OR kind = 'communication' OR kind = 'responsibility' OR kind = "
	"'resolution' OR kind = 'recurrence' OR kind = 'note'), author TEXT, text TEXT NOT "
	"NULL, source TEXT, meta TEXT, corrects INTEGER REFERENCES timeline (id)) STRICT"
	";",
	"CREATE INDEX timeline_incident ON timeline (incident, happened_at)"
	";",
	"CREATE UNIQUE INDEX timeline_source ON timeline (incident, source) WHERE source "
	"IS NOT NULL"
	";",
	"CREATE TRIGGER timeline_keeps BEFORE DELETE ON timeline BEGIN SELECT RAISE(ABORT, "
	"'the timeline is append-only'); END"
	";",
	"CREATE TRIGGER timeline_stays BEFORE UPDATE ON timeline BEGIN SELECT RAISE(ABORT, "
	"'the timeline is append-only'); END"
	";",
	"CREATE TABLE effect ( id INTEGER PRIMARY KEY, op_id TEXT NOT NULL, incident "
	"INTEGER REFERENCES incident (id), system TEXT NOT NULL CHECK (system <> ''), lane "
	"TEXT NOT NULL CHECK (lane <> ''), kind TEXT NOT NULL CHECK (kind <> ''), state "
	"TEXT NOT NULL, target TEXT, slot TEXT, thread_slot TEXT, due_at INTEGER NOT NULL, "
	"created_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER, attempts "
	"INTEGER NOT NULL CHECK (attempts >= 0), verify INTEGER NOT NULL CHECK (verify IN "
	"(0, 1)), revision INTEGER NOT NULL, error TEXT, payload TEXT, CHECK (CASE WHEN "
	"ended_at IS NULL  THEN state = 'waiting' OR state = 'ready' OR state = 'started'  "
	"ELSE state = 'delivered' OR state = 'failed' OR state = 'dropped' END)) STRICT"
	";",
	"CREATE INDEX effect_ready ON effect (kind, due_at) WHERE state = 'ready'"
	";",
	"CREATE INDEX effect_lane ON effect (lane, ended_at) WHERE ended_at IS NULL"
	";",
	"CREATE INDEX effect_failed ON effect (incident) WHERE state = 'failed'"
	";",
	"CREATE INDEX effect_ended ON effect (ended_at) WHERE ended_at IS NOT NULL"
	";",
	"CREATE TABLE attempt ( effect INTEGER NOT NULL REFERENCES effect (id), n INTEGER "
	"NOT NULL CHECK (n > 0), started_at INTEGER, ended_at INTEGER NOT NULL, outcome "
	"TEXT NOT NULL CHECK (outcome = 'delivered' OR outcome = 'retry' OR outcome = "
	"'unknown' OR outcome = 'refused' OR outcome = 'dropped'), error TEXT, PRIMARY KEY "
	"(effect, n)) STRICT, WITHOUT ROWID"
	";",
	"CREATE TABLE reference ( id INTEGER PRIMARY KEY, incident INTEGER NOT NULL "
	"REFERENCES incident (id), system TEXT NOT NULL CHECK (system <> ''), slot TEXT "
	"NOT NULL CHECK (slot <> ''), key TEXT, url TEXT, state TEXT NOT NULL CHECK (state "
	"= 'pending' OR state = 'synced' OR state = 'conflict' OR state = 'failed'), error "
	"TEXT, synced TEXT, created_at INTEGER NOT NULL, synced_at INTEGER) STRICT"
	";",
	"CREATE UNIQUE INDEX reference_slot ON reference (incident, system, slot)"
	";",
	"CREATE INDEX reference_key ON reference (key)"
	";",
	"CREATE TABLE audit ( id INTEGER PRIMARY KEY, at INTEGER NOT NULL, entity TEXT NOT "
	"NULL, entity_id INTEGER NOT NULL, level TEXT NOT NULL CHECK (level = 'info' OR "
	"level = 'warn' OR level = 'error'), action TEXT NOT NULL, actor TEXT NOT NULL, "
	"meta TEXT, hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT"
	";",
	"CREATE INDEX audit_incident ON audit (entity_id) WHERE entity = 'incident'"
	";",
	"CREATE TRIGGER audit_keeps BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the "
	"audit is append-only'); END"
	";",
	"CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the "
	"audit is append-only'); END"
	";",
	"CREATE TABLE cursor (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, "
	"WITHOUT ROWID"
	";",
	"CREATE TABLE person ( key TEXT NOT NULL PRIMARY KEY CHECK (key <> ''), name TEXT, "
	"zone TEXT, email TEXT, seen_at INTEGER) STRICT, WITHOUT ROWID"
	";",
	"CREATE INDEX person_name ON person (lower(name))"
	";",
	"CREATE INDEX incident_private ON incident (state) WHERE is_private = 1"
	";",
	"CREATE TABLE checkpoint ( id INTEGER PRIMARY KEY, incident INTEGER NOT NULL "
	"REFERENCES incident (id), at INTEGER NOT NULL, author TEXT, situation TEXT, "
	"hypothesis TEXT, impact TEXT, in_flight TEXT, decision TEXT, cadence TEXT, "
	"next_decision_at INTEGER) STRICT"
	";",
	"CREATE INDEX checkpoint_incident ON checkpoint (incident, at)"
	";",
	"CREATE TABLE handover ( id INTEGER PRIMARY KEY, incident INTEGER NOT NULL "
	"REFERENCES incident (id), outgoing TEXT NOT NULL CHECK (outgoing <> ''), incoming "
	"TEXT NOT NULL CHECK (incoming <> ''), state TEXT NOT NULL, offered_at INTEGER NOT "
	"NULL, ended_at INTEGER, checkpoint INTEGER REFERENCES checkpoint (id), CHECK "
	"(CASE WHEN ended_at IS NULL THEN state = 'offered'  ELSE state = 'accepted' OR "
	"state = 'declined' OR state = 'withdrawn'  OR state = 'expired' END)) STRICT"
	";",
	"CREATE UNIQUE INDEX handover_offered ON handover (incident) WHERE ended_at IS NULL"
	";",
	"CREATE TABLE impact_scope ( id INTEGER PRIMARY KEY, incident INTEGER NOT NULL "
	"REFERENCES incident (id), kind TEXT NOT NULL CHECK (kind = 'group' OR kind = "
	"'fault-domain' OR kind = 'dependency' OR kind = 'change'), folded TEXT NOT NULL "
	"CHECK (folded <> ''), value TEXT NOT NULL, affected TEXT NOT NULL CHECK (affected "
	"= 'unknown' OR affected = 'no' OR affected = 'yes'), note TEXT, author TEXT, at "
	"INTEGER NOT NULL) STRICT"
	";",
	"CREATE UNIQUE INDEX impact_scope_value ON impact_scope (incident, kind, folded)"
	";",
	"CREATE TABLE engagement ( id INTEGER PRIMARY KEY, incident INTEGER NOT NULL "
	"REFERENCES incident (id), tier TEXT NOT NULL CHECK (tier <> ''), reason TEXT NOT "
	"NULL CHECK (reason <> ''), why TEXT, author TEXT, at INTEGER NOT NULL, "
	"acknowledged_by TEXT, acknowledged_at INTEGER, CHECK ((acknowledged_by IS NULL) = "
	"(acknowledged_at IS NULL))) STRICT"
	";",
	"CREATE UNIQUE INDEX engagement_tier ON engagement (incident, tier, reason)"
	";",
	"CREATE TABLE customer_note ( id INTEGER PRIMARY KEY, incident INTEGER NOT NULL "
	"REFERENCES incident (id), text TEXT NOT NULL CHECK (text <> ''), author TEXT, at "
	"INTEGER NOT NULL, confirmed_by TEXT, ended_at INTEGER, CHECK (confirmed_by IS "
	"NULL OR ended_at IS NOT NULL)) STRICT"
	";",
	"CREATE TABLE access ( incident INTEGER NOT NULL REFERENCES incident (id), person "
	"TEXT NOT NULL CHECK (person <> ''), author TEXT, at INTEGER NOT NULL, PRIMARY KEY "
	"(incident, person)) STRICT, WITHOUT ROWID"
	";",
	"CREATE TABLE subscription ( topic TEXT NOT NULL CHECK (topic <> ''), person TEXT "
	"NOT NULL CHECK (person <> ''), at INTEGER NOT NULL, PRIMARY KEY (topic, person)) "
	"STRICT, WITHOUT ROWID"
	";",
	"CREATE INDEX subscription_person ON subscription (person)"
	";",
	"CREATE TABLE incident_link ( low INTEGER NOT NULL REFERENCES incident (id), high "
	"INTEGER NOT NULL REFERENCES incident (id), turned INTEGER NOT NULL CHECK (turned "
	"IN (0, 1)), kind TEXT NOT NULL CHECK (kind = 'related' OR kind = 'duplicate'), "
	"author TEXT, at INTEGER NOT NULL, PRIMARY KEY (low, high), CHECK (low < high)) "
	"STRICT, WITHOUT ROWID"
	";",
	"CREATE INDEX incident_link_high ON incident_link (high)"
	";",
	"CREATE TABLE diagnosis ( id INTEGER PRIMARY KEY, incident INTEGER REFERENCES "
	"incident (id), tool TEXT, kind TEXT, name TEXT, summary TEXT NOT NULL CHECK "
	"(summary <> ''), evidence TEXT, url TEXT, author TEXT, at INTEGER NOT NULL) STRICT"
	";",
	"CREATE INDEX diagnosis_incident ON diagnosis (incident)"
	";",
	"CREATE TABLE inbox ( id INTEGER PRIMARY KEY, at INTEGER NOT NULL, keys TEXT NOT "
	"NULL CHECK (keys <> ''), reply TEXT) STRICT"
	";",
	"CREATE TABLE review ( incident INTEGER NOT NULL REFERENCES incident (id), version "
	"INTEGER NOT NULL CHECK (version > 0), state TEXT NOT NULL CHECK (state = 'draft' "
	"OR state = 'review' OR state = 'final'), light INTEGER NOT NULL CHECK (light IN "
	"(0, 1)), author TEXT, at INTEGER NOT NULL, waiver TEXT, body TEXT NOT NULL, "
	"PRIMARY KEY (incident, version)) STRICT, WITHOUT ROWID"
	";",
	"CREATE TRIGGER review_keeps BEFORE DELETE ON review BEGIN SELECT RAISE(ABORT, "
	"'versions of a postmortem are append-only'); END"
	";",
	"CREATE TRIGGER review_stays BEFORE UPDATE ON review BEGIN SELECT RAISE(ABORT, "
	"'versions of a postmortem are append-only'); END"
	";",
	"CREATE TABLE followup ( id INTEGER PRIMARY KEY, incident INTEGER NOT NULL "
	"REFERENCES incident (id), title TEXT NOT NULL CHECK (title <> ''), owner TEXT, "
	"priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3), due_at INTEGER, state "
	"TEXT NOT NULL CHECK (state = 'open' OR state = 'done' OR state = 'cancelled'), "
	"class TEXT NOT NULL, standard TEXT NOT NULL, signal TEXT, shown TEXT, links TEXT, "
	"author TEXT, created_at INTEGER NOT NULL, ended_at INTEGER, said INTEGER NOT NULL "
	"CHECK (said >= 0), CHECK ((state = 'open') = (ended_at IS NULL))) STRICT"
	";",
	"CREATE INDEX followup_open ON followup (due_at) WHERE state = 'open'"
	";",
	"CREATE INDEX followup_incident ON followup (incident)"
	";",
	"CREATE TABLE cause ( incident INTEGER PRIMARY KEY REFERENCES incident (id), class "
	"TEXT NOT NULL CHECK (class <> ''), fingerprint TEXT, again INTEGER REFERENCES "
	"incident (id) CHECK (again <> incident), author TEXT, at INTEGER NOT NULL) STRICT"
	";",
	"CREATE INDEX cause_class ON cause (class, at)"
	";",
	"CREATE INDEX cause_fingerprint ON cause (fingerprint, at) WHERE fingerprint IS "
	"NOT NULL"
	";",
	"CREATE TABLE promise ( incident INTEGER NOT NULL REFERENCES incident (id), kind "
	"TEXT NOT NULL CHECK (kind <> ''), n INTEGER NOT NULL CHECK (n >= 0), state TEXT "
	"NOT NULL CHECK (CASE WHEN n = 0 THEN state = 'open'  ELSE state = 'kept' OR state "
	"= 'withdrawn' END), made_at INTEGER NOT NULL, due_at INTEGER NOT NULL, "
	"quiet_until INTEGER, said INTEGER NOT NULL CHECK (said >= 0), kept_at INTEGER, "
	"missed_at INTEGER, PRIMARY KEY (incident, kind, n)) STRICT, WITHOUT ROWID"
	";",
	"CREATE TABLE timer ( incident INTEGER NOT NULL, subject INTEGER NOT NULL, name "
	"TEXT NOT NULL CHECK (name <> ''), due_at INTEGER NOT NULL, operation TEXT NOT "
	"NULL CHECK (operation <> ''), args TEXT, PRIMARY KEY (incident, subject, name)) "
	"STRICT, WITHOUT ROWID"
	";",
	"CREATE INDEX timer_due ON timer (due_at)"
	";",
	"CREATE INDEX effect_open ON effect (incident, kind, coalesce(slot, '')) WHERE "
	"ended_at IS NULL"
	";",
	"CREATE INDEX incident_state ON incident (state, declared_at)"
	";",
	"PRAGMA user_version = " VERSION,
};

int schema_create(struct db *db, struct error *err)
{
	int rc = db_begin(db, err);

	if (rc)
		return rc;
	/* Asked again inside: another program may have been faster. */
	if (db_user_version(db) != 0)
		rc = error_set(err, -EBUSY, "%s is being changed by another program", db_path(db));
	for (size_t i = 0; i < sizeof(schema) / sizeof(schema[0]) && rc == 0; i++)
		rc = db_script(db, schema[i], err);
	if (rc == 0)
		return db_commit(db, err);
	db_rollback(db);
	return error_prefix(err, "making the tables failed, nothing was changed");
}
