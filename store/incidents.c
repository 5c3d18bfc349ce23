#include "store/incidents.h"

#include <errno.h>

#include "store/incident_row.h"
#include "store/incident_terms.h"
#include "store/record.h"

enum { NEXT, INSERT, SAVE, REVISION, LOAD, COUNT_OPEN, ROLE_ASSIGN, ROLE_RELEASE, ROLE_LIST, COUNT };

static const char *const sql[COUNT] = {
	/* One seek to the end of the ordinary numbers. */
	[NEXT] = "SELECT max(id) FROM incident WHERE id < $1",
	[INSERT] =
		"INSERT INTO incident (" INCIDENT_FIELDS ", id, revision) VALUES ($1, $2, $3, $4,"
		" $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,"
		" $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, 1)",
	[SAVE] = "UPDATE incident SET title = $1, severity = $2, state = $3, services = $4,"
		 " environment = $5, source = $6, reporter = $7, customer_reported = $8,"
		 " is_private = $9, drill = $10, impact = $11, tags = $12, signal = $13,"
		 " health = $14, not_verified = $15, declared_at = $16, impact_at = $17,"
		 " detected_at = $18, acknowledged_at = $19, mitigated_at = $20, resolved_at = $21,"
		 " closed_at = $22, state_at = $23, cadence_ms = $24, updated_at = $25,"
		 " updated_by = $26, update_text = $27, merged_into = $28, facts = $29,"
		 " size_when_set = $30, severity_at = $31, overruled = $32, engage_said = $33,"
		 " revision = revision + 1 WHERE id = $34 AND revision = $35",
	[REVISION] = "SELECT revision FROM incident WHERE id = $1",
	[LOAD] = "SELECT " INCIDENT_COLUMNS " FROM incident WHERE id = $1",
	/* All by one index, less the protected ones that are hidden by another: no row is read
	 * while there are none. */
	[COUNT_OPEN] = "SELECT (SELECT count(*) FROM incident WHERE " INCIDENT_ACTIVE ")"
		       " - (CASE WHEN $1 = 1 THEN 0 ELSE (SELECT count(*) FROM incident"
		       " INDEXED BY incident_private WHERE is_private = 1 AND " INCIDENT_ACTIVE
		       " AND NOT coalesce(" INCIDENT_VISIBLE("$2") ", 0)) END)",
	[ROLE_ASSIGN] = "INSERT INTO role (incident, role, person, since) VALUES ($1, $2, $3, $4)"
			" ON CONFLICT (incident, role) DO UPDATE SET person = excluded.person,"
			" since = excluded.since",
	[ROLE_RELEASE] = "DELETE FROM role WHERE incident = $1 AND role = $2",
	[ROLE_LIST] = "SELECT role, person, since FROM role WHERE incident = $1 ORDER BY role",
};
const struct record_sql incident_sql = { "incident", sql, COUNT };

#define FIELD_LETTERS "tittttt" "bbb" "ttttt" "izzzzzzzz" "ztt" "z" "ttzzz"
#define FIELD_VALUES(inc)                                                                         \
	(inc)->title, (int64_t)(inc)->severity, state_name((inc)->state), (inc)->services,        \
	(inc)->environment, (inc)->source, (inc)->reporter, (int)(inc)->customer_reported,        \
	(int)(inc)->is_private, (int)(inc)->drill, (inc)->impact, (inc)->tags, (inc)->signal,     \
	(inc)->health, (inc)->not_verified, (inc)->declared_at, (inc)->impact_at,                 \
	(inc)->detected_at, (inc)->acknowledged_at, (inc)->mitigated_at, (inc)->resolved_at,      \
	(inc)->closed_at, (inc)->state_at, (inc)->cadence_ms, (inc)->updated_at,                  \
	(inc)->updated_by, (inc)->update_text, (inc)->merged_into, (inc)->facts,                  \
	(inc)->size_when_set, (inc)->severity_at, (inc)->overruled, (inc)->engage_said

static struct stmt *stmt_of(struct store *s, int n)
{
	return store_stmt(s, RECORD_INCIDENT, n);
}

static int no_incident(int64_t id, struct error *err)
{
	return error_set(err, -ENOENT, "there is no INC-%lld", (long long)id);
}

static int next_ordinary(struct store *s, int64_t *id, struct error *err)
{
	struct stmt *st = stmt_of(s, NEXT);

	db_bind(st, "i", (int64_t)INCIDENT_PROTECTED_FIRST);
	int rc = int_read(st, id, err);
	if (rc == 0 && ++*id == INCIDENT_PROTECTED_FIRST)
		rc = error_set(err, -ERANGE, "INC-%lld was the last number there is",
			(long long)*id - 1);
	return rc;
}

int incident_insert(struct store *s, struct incident *inc, struct error *err)
{
	int64_t id = inc->id;
	int rc = 0;

	if (id < 0 || id > INCIDENT_PROTECTED_LAST)
		return error_set(err, -EINVAL, "there can be no INC-%lld", (long long)id);
	if (id == 0)
		rc = next_ordinary(s, &id, err);
	if (rc == 0)
		rc = db_insert(stmt_of(s, INSERT), &id, err, FIELD_LETTERS "i", FIELD_VALUES(inc),
			id);
	if (rc)
		return rc;
	inc->id = id;
	inc->revision = 1;
	incident_terms_put(s, inc);
	return 0;
}

/* Nothing was changed: is it gone, or was it changed under our copy of it? */
static int save_refused(struct store *s, const struct incident *inc, struct error *err)
{
	struct stmt *st = stmt_of(s, REVISION);
	int64_t revision;

	db_bind(st, "i", inc->id);
	int rc = int_read(st, &revision, err);
	if (rc)
		return rc;
	if (revision == 0)
		return no_incident(inc->id, err);
	return error_set(err, -ESTALE, "INC-%lld was changed meanwhile (revision %lld, not %lld)",
		(long long)inc->id, (long long)revision, (long long)inc->revision);
}

int incident_save(struct store *s, struct incident *inc, struct error *err)
{
	int rc = db_run(stmt_of(s, SAVE), err, FIELD_LETTERS "ii", FIELD_VALUES(inc), inc->id,
		inc->revision);

	if (rc)
		return rc;
	if (db_changes(s->db) == 0)
		return save_refused(s, inc, err);
	inc->revision++;
	incident_terms_put(s, inc);
	return 0;
}

static const char *name_of_state(int n)
{
	return state_name((enum incident_state)n);
}

int incident_row(struct reader *r, void *row, struct error *err)
{
	struct incident *inc = row;
	bool bad = false;
	int c = 0;

	*inc = (struct incident){ 0 };
	inc->id = read_int(r, c++);
	inc->title = read_text(r, c++);
	inc->severity = (int)read_int(r, c++);
	inc->state = (enum incident_state)read_name(r, c++, name_of_state, STATE_COUNT, &bad);
	inc->services = read_text(r, c++);
	inc->environment = read_text(r, c++);
	inc->source = read_text(r, c++);
	inc->reporter = read_text(r, c++);
	inc->customer_reported = read_bool(r, c++);
	inc->is_private = read_bool(r, c++);
	inc->drill = read_bool(r, c++);
	inc->impact = read_text(r, c++);
	inc->tags = read_text(r, c++);
	inc->signal = read_text(r, c++);
	inc->health = read_text(r, c++);
	inc->not_verified = read_text(r, c++);
	inc->declared_at = read_int(r, c++);
	inc->impact_at = read_int(r, c++);
	inc->detected_at = read_int(r, c++);
	inc->acknowledged_at = read_int(r, c++);
	inc->mitigated_at = read_int(r, c++);
	inc->resolved_at = read_int(r, c++);
	inc->closed_at = read_int(r, c++);
	inc->state_at = read_int(r, c++);
	inc->cadence_ms = read_int(r, c++);
	inc->updated_at = read_int(r, c++);
	inc->updated_by = read_text(r, c++);
	inc->update_text = read_text(r, c++);
	inc->merged_into = read_int(r, c++);
	inc->facts = read_text(r, c++);
	inc->size_when_set = read_text(r, c++);
	inc->severity_at = read_int(r, c++);
	inc->overruled = read_int(r, c++);
	inc->engage_said = read_int(r, c++);
	inc->revision = read_int(r, c);
	if (bad)
		return error_set(err, -EUCLEAN, "INC-%lld has a state that nobody knows",
			(long long)inc->id);
	return 0;
}

int incident_load(struct store *s, struct arena *a, int64_t id, struct incident *out,
	struct error *err)
{
	struct stmt *st = stmt_of(s, LOAD);

	db_bind(st, "i", id);
	int rc = row_read(st, a, incident_row, out, err);
	return rc == -ENOENT ? no_incident(id, err) : rc;
}

int incident_count_open(struct store *s, const char *viewer, bool sees_all, int64_t *count,
	struct error *err)
{
	struct stmt *st = stmt_of(s, COUNT_OPEN);

	db_bind(st, "bt", (int)sees_all, viewer);
	return int_read(st, count, err);
}

/* ---- roles ------------------------------------------------------------------------------ */

int role_assign(struct store *s, int64_t incident, const char *role, const char *person,
	int64_t now, struct error *err)
{
	int rc = db_run(stmt_of(s, ROLE_ASSIGN), err, "itti", incident, role, person, now);

	if (rc == 0)
		incident_terms_person(s, incident, person);
	return rc;
}

int role_release(struct store *s, int64_t incident, const char *role, struct error *err)
{
	int rc = db_run(stmt_of(s, ROLE_RELEASE), err, "it", incident, role);

	if (rc == 0 && db_changes(s->db) == 0)
		rc = error_set(err, -ENOENT, "nobody holds the role %s on INC-%lld", role,
			(long long)incident);
	return rc;
}

static int role_row(struct reader *r, void *row, struct error *err)
{
	struct role_holder *h = row;

	(void)err;
	h->role = read_text(r, 0);
	h->person = read_text(r, 1);
	h->since = read_int(r, 2);
	return 0;
}

int role_list(struct store *s, struct arena *a, int64_t incident, struct role_set *out,
	struct error *err)
{
	struct stmt *st = stmt_of(s, ROLE_LIST);
	void *rows;

	db_bind(st, "i", incident);
	int rc = rows_read(st, a, sizeof(struct role_holder), role_row, &rows, &out->count, err);
	out->holder = rows;
	return rc;
}
