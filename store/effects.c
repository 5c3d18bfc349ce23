#include "store/effects.h"

#include <errno.h>
#include <string.h>

#include "base/ulid.h"
#include "store/record.h"

enum {
	LANE_BUSY, INSERT, PENDING, PENDING_NONE, UNDER_WAY, DUE, LOAD, START, MARKS, END, RETRY, REVIVE,
	ATTEMPT, PROMOTE, HASTEN, SET_BACK, RECOVER_ATTEMPTS, RECOVER, NEXT_DUE, OPEN_ALL, OPEN_OF,
	OPEN_COUNT_ALL, OPEN_COUNT_OF, FAILED_ALL, FAILED_OF, PRUNE_ATTEMPTS, PRUNE, LEFT, COUNT,
};

#define COLUMNS                                                                                    \
	"id, op_id, incident, system, lane, kind, state, target, slot, thread_slot, payload,"      \
	" due_at, created_at, started_at, ended_at, attempts, verify, error, revision"
#define NOT_STARTED "ended_at IS NULL AND state <> 'started'"
/* The newest one stays, so that no id is ever given twice; and what was said of a protected incident,
 * to whom and when, is evidence (FEATURES G3). */
#define FORGOTTEN                                                                                  \
	"ended_at IS NOT NULL AND ended_at < $1 AND id < (SELECT max(id) FROM effect)"             \
	" AND NOT EXISTS (SELECT 1 FROM incident WHERE incident.id = effect.incident"              \
	"  AND incident.is_private = 1)"
#define PRUNABLE "SELECT id FROM effect WHERE " FORGOTTEN " ORDER BY ended_at, id LIMIT $2"

/* "+id": sorting the few is cheaper than walking all rows in their order, which SQLite would do. */
static const char *const sql[COUNT] = {
	[LANE_BUSY] = "SELECT 1 FROM effect WHERE lane = $1 AND ended_at IS NULL LIMIT 1",
	[INSERT] = "INSERT INTO effect (op_id, incident, system, lane, kind, state, target, slot,"
		   " thread_slot, payload, due_at, created_at, attempts, verify, revision)"
		   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, $14)",
	[PENDING] = "SELECT id FROM effect WHERE incident = $1 AND kind = $2"
		    " AND coalesce(slot, '') = $3 AND " NOT_STARTED " ORDER BY id LIMIT 1",
	[PENDING_NONE] = "SELECT id FROM effect WHERE incident IS NULL AND kind = $1"
			 " AND coalesce(slot, '') = $2 AND " NOT_STARTED " ORDER BY id LIMIT 1",
	[UNDER_WAY] = "SELECT id FROM effect WHERE incident = $1 AND kind = $2"
		      " AND coalesce(slot, '') = $3 AND ended_at IS NULL AND state = 'started' LIMIT 1",
	[DUE] = "SELECT " COLUMNS
		" FROM effect WHERE state = 'ready' AND kind = $1 AND due_at <= $2"
		" ORDER BY due_at, id LIMIT $3",
	[LOAD] = "SELECT " COLUMNS " FROM effect WHERE id = $1",
	[START] = "UPDATE effect SET state = 'started', started_at = $1, attempts = attempts + 1"
		  " WHERE id = $2 AND state = 'ready'",
	[MARKS] = "SELECT lane, state, attempts, started_at FROM effect WHERE id = $1",
	[END] = "UPDATE effect SET state = $1, ended_at = $2, error = $3 WHERE id = $4",
	[RETRY] = "UPDATE effect SET state = 'ready', due_at = $1, verify = $2, error = $3"
		  " WHERE id = $4",
	[REVIVE] = "UPDATE effect SET state = $1, due_at = $2, ended_at = NULL"
		   " WHERE id = $3 AND state = 'failed'",
	[ATTEMPT] = "INSERT INTO attempt (effect, n, started_at, ended_at, outcome, error)"
		    " VALUES ($1, $2, $3, $4, $5, $6)",
	[PROMOTE] = "UPDATE effect SET state = 'ready' WHERE state = 'waiting' AND id ="
		    " (SELECT min(id) FROM effect WHERE lane = $1 AND ended_at IS NULL)",
	[HASTEN] = "UPDATE effect SET due_at = min(due_at, CASE verify WHEN 1 THEN $1 ELSE $2 END)"
		   " WHERE lane = $3 AND due_at > $2 AND " NOT_STARTED,
	[SET_BACK] = "UPDATE effect SET due_at = due_at - $1 WHERE due_at > $2 AND " NOT_STARTED,
	[RECOVER_ATTEMPTS] = "INSERT INTO attempt (effect, n, started_at, ended_at, outcome, error)"
			     " SELECT id, attempts, started_at, $1, 'unknown',"
			     " 'sitrep ended before the outcome was known'"
			     " FROM effect WHERE ended_at IS NULL AND state = 'started'",
	[RECOVER] = "UPDATE effect SET state = 'ready', verify = 1, due_at = $1,"
		    " error = 'sitrep ended before the outcome was known'"
		    " WHERE ended_at IS NULL AND state = 'started'",
	[NEXT_DUE] = "SELECT min(due_at) FROM effect WHERE state = 'ready' AND kind = $1",
	[OPEN_ALL] = "SELECT " COLUMNS " FROM effect WHERE ended_at IS NULL"
		     " ORDER BY +id LIMIT $1",
	[OPEN_OF] = "SELECT " COLUMNS " FROM effect WHERE incident = $1 AND ended_at IS NULL"
		    " ORDER BY id LIMIT $2",
	[OPEN_COUNT_ALL] = "SELECT count(*), min(created_at) FROM effect WHERE ended_at IS NULL",
	[OPEN_COUNT_OF] = "SELECT count(*), min(created_at) FROM effect"
			  " WHERE incident = $1 AND ended_at IS NULL",
	[FAILED_ALL] = "SELECT " COLUMNS " FROM effect WHERE state = 'failed'"
		       " ORDER BY +id DESC LIMIT $1",
	[FAILED_OF] = "SELECT " COLUMNS " FROM effect WHERE incident = $1 AND state = 'failed'"
		      " ORDER BY id DESC LIMIT $2",
	[PRUNE_ATTEMPTS] = "DELETE FROM attempt WHERE effect IN (" PRUNABLE ")",
	[PRUNE] = "DELETE FROM effect WHERE id IN (" PRUNABLE ")",
	[LEFT] = "SELECT 1 FROM effect WHERE " FORGOTTEN " LIMIT 1",
};
const struct record_sql effect_sql = { "effect", sql, COUNT };

static struct stmt *stmt_of(struct store *s, int n)
{
	return store_stmt(s, RECORD_EFFECT, n);
}

/* ---- rows ------------------------------------------------------------------------------- */

static const char *name_of_kind(int n)
{
	return effect_kind_name((enum effect_kind)n);
}

static const char *name_of_state(int n)
{
	return effect_state_name((enum effect_state)n);
}

static int effect_row_read(struct reader *r, void *row, struct error *err)
{
	struct effect_row *e = row;
	bool bad = false;
	int c = 0;

	*e = (struct effect_row){ 0 };
	e->id = read_int(r, c++);
	e->op_id = read_text(r, c++);
	e->incident = read_int(r, c++);
	e->system = read_text(r, c++);
	e->lane = read_text(r, c++);
	e->kind = (enum effect_kind)read_name(r, c++, name_of_kind, EFFECT_KIND_COUNT, &bad);
	e->state = (enum effect_state)read_name(r, c++, name_of_state, EFFECT_STATE_COUNT, &bad);
	e->to = read_text(r, c++);
	e->slot = read_text(r, c++);
	e->thread_slot = read_text(r, c++);
	e->payload = read_text(r, c++);
	e->due_at = read_int(r, c++);
	e->created_at = read_int(r, c++);
	e->started_at = read_int(r, c++);
	e->ended_at = read_int(r, c++);
	e->attempts = (int)read_int(r, c++);
	e->verify = read_bool(r, c++);
	e->error = read_text(r, c++);
	e->revision = read_int(r, c);
	if (bad)
		return error_set(err, -EUCLEAN, "effect %lld has a kind or state that nobody knows",
			(long long)e->id);
	return 0;
}

static int list_read(struct stmt *st, struct arena *a, struct effect_row **out, size_t *count,
	struct error *err)
{
	void *rows;
	int rc = rows_read(st, a, sizeof(struct effect_row), effect_row_read, &rows, count, err);

	*out = rows;
	return rc;
}

static int no_effect(int64_t id, struct error *err)
{
	return error_set(err, -ENOENT, "there is no effect %lld", (long long)id);
}

/* ---- making ----------------------------------------------------------------------------- */

int effect_insert(struct store *s, struct arena *a, struct effect_row *row, struct error *err)
{
	struct stmt *st = stmt_of(s, LANE_BUSY);
	int64_t busy;

	db_bind(st, "t", row->lane);
	int rc = int_read(st, &busy, err);
	if (rc)
		return rc;
	row->state = busy ? EFFECT_WAITING : EFFECT_READY;
	if (!row->op_id) {
		char id[ULID_SIZE];
		ulid_make(id, row->created_at);
		row->op_id = arena_strdup(a, id);
	}
	if (row->due_at == 0)
		row->due_at = row->created_at;
	return db_insert(stmt_of(s, INSERT), &row->id, err, "tzttttttttiibi", row->op_id,
		row->incident, row->system, row->lane, effect_kind_name(row->kind),
		effect_state_name(row->state), row->to, row->slot, row->thread_slot, row->payload,
		row->due_at, row->created_at, (int)row->verify, row->revision);
}

int effect_pending(struct store *s, int64_t incident, enum effect_kind kind, const char *slot,
	int64_t *id, struct error *err)
{
	struct stmt *st = stmt_of(s, incident ? PENDING : PENDING_NONE);

	if (incident)
		db_bind(st, "itt", incident, effect_kind_name(kind), slot ? slot : "");
	else
		db_bind(st, "tt", effect_kind_name(kind), slot ? slot : "");
	return int_read(st, id, err);
}

int effect_under_way(struct store *s, int64_t incident, enum effect_kind kind, const char *slot, int64_t *id,
	struct error *err)
{
	struct stmt *st = stmt_of(s, UNDER_WAY);

	db_bind(st, "itt", incident, effect_kind_name(kind), slot ? slot : "");
	return int_read(st, id, err);
}

/* ---- going out -------------------------------------------------------------------------- */

int effect_due(struct store *s, struct arena *a, enum effect_kind kind, int64_t now, int max,
	struct effect_row **out, size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, DUE);

	db_bind(st, "tii", effect_kind_name(kind), now, (int64_t)max);
	return list_read(st, a, out, count, err);
}

int effect_load(struct store *s, struct arena *a, int64_t id, struct effect_row *out,
	struct error *err)
{
	struct stmt *st = stmt_of(s, LOAD);

	db_bind(st, "i", id);
	int rc = row_read(st, a, effect_row_read, out, err);
	return rc == -ENOENT ? no_effect(id, err) : rc;
}

/* What ending and retrying need to know of a row. */
struct marks {
	char lane[256];
	bool waiting, started, ended;
	int64_t attempts, started_at;
};

static int marks_read(struct store *s, int64_t id, struct marks *m, struct error *err)
{
	struct stmt *st = stmt_of(s, MARKS);

	db_bind(st, "i", id);
	int rc = db_step(st, err);
	if (rc == 0)
		return no_effect(id, err);
	if (rc != DB_ROW)
		return rc;
	const char *state = db_text(st, 1);
	size_t n = db_bytes(st, 0);
	rc = 0;
	if (n >= sizeof(m->lane))
		rc = error_set(err, -EUCLEAN, "effect %lld has a lane too long", (long long)id);
	else
		memcpy(m->lane, db_text(st, 0), n + 1);
	m->waiting = strcmp(state, effect_state_name(EFFECT_WAITING)) == 0;
	m->started = strcmp(state, effect_state_name(EFFECT_STARTED)) == 0;
	m->ended = !m->waiting && !m->started &&
		strcmp(state, effect_state_name(EFFECT_READY)) != 0;
	m->attempts = db_int(st, 2);
	m->started_at = db_int(st, 3);
	db_reset(st);
	return rc;
}

int effect_start(struct store *s, int64_t id, int64_t now, struct error *err)
{
	struct marks m;
	int rc = db_run(stmt_of(s, START), err, "ii", now, id);

	if (rc || db_changes(s->db))
		return rc;
	rc = marks_read(s, id, &m, err);
	return rc ? rc : error_set(err, -EINVAL, "effect %lld is not ready", (long long)id);
}

static int attempt_add(struct store *s, int64_t id, const struct marks *m, const char *outcome,
	const char *error, int64_t now, struct error *err)
{
	return db_run(stmt_of(s, ATTEMPT), err, "iizitt", id, m->attempts, m->started_at, now,
		outcome, error);
}

static const char *outcome_of(enum effect_state state)
{
	switch (state) {
	case EFFECT_DELIVERED:
		return "delivered";
	case EFFECT_FAILED:
		return "refused";
	case EFFECT_DROPPED:
		return "dropped";
	case EFFECT_WAITING:
	case EFFECT_READY:
	case EFFECT_STARTED:
		break;
	}
	return NULL;
}

int effect_end(struct store *s, int64_t id, enum effect_state state, const char *error, int64_t now,
	struct error *err)
{
	const char *outcome = outcome_of(state);
	struct marks m;

	if (!outcome)
		return error_set(
			err, -EINVAL, "an effect cannot end as %s", effect_state_name(state));
	int rc = marks_read(s, id, &m, err);
	if (rc)
		return rc;
	if (m.ended)
		return error_set(err, -EALREADY, "effect %lld has ended already", (long long)id);
	rc = db_run(stmt_of(s, END), err, "titi", effect_state_name(state), now, error, id);
	if (rc == 0 && m.started)
		rc = attempt_add(s, id, &m, outcome, error, now, err);
	/* Ending one that waited makes nobody ready: another of its lane is, or is under way. */
	return rc || m.waiting ? rc : db_run(stmt_of(s, PROMOTE), err, "t", m.lane);
}

int effect_retry(struct store *s, int64_t id, int64_t due_at, bool verify, const char *error,
	int64_t now, struct error *err)
{
	struct marks m;
	int rc = marks_read(s, id, &m, err);

	if (rc)
		return rc;
	if (!m.started)
		return error_set(err, -EINVAL, "effect %lld is not started", (long long)id);
	rc = attempt_add(s, id, &m, verify ? "unknown" : "retry", error, now, err);
	return rc ? rc : db_run(stmt_of(s, RETRY), err, "ibti", due_at, (int)verify, error, id);
}

int effect_revive(struct store *s, int64_t id, int64_t now, struct error *err)
{
	struct stmt *st = stmt_of(s, LANE_BUSY);
	struct marks m;
	int64_t busy = 0;
	int rc = marks_read(s, id, &m, err);

	if (rc)
		return rc;
	db_bind(st, "t", m.lane);
	rc = int_read(st, &busy, err);
	if (rc == 0)
		rc = db_run(stmt_of(s, REVIVE), err, "tii",
			effect_state_name(busy ? EFFECT_WAITING : EFFECT_READY), now, id);
	if (rc || db_changes(s->db))
		return rc;
	return error_set(err, -EINVAL, "effect %lld has not failed", (long long)id);
}

int effect_hasten(struct store *s, const char *lane, int64_t now, int64_t verify_at, struct error *err)
{
	return db_run(stmt_of(s, HASTEN), err, "iit", verify_at, now, lane);
}

int effect_recover(struct store *s, int64_t now, int64_t due_at, int64_t *count, struct error *err)
{
	int rc = db_run(stmt_of(s, RECOVER_ATTEMPTS), err, "i", now);

	if (rc == 0)
		rc = db_run(stmt_of(s, RECOVER), err, "i", due_at);
	*count = rc ? 0 : db_changes(s->db);
	return rc;
}

int effect_set_back(struct store *s, int64_t by_ms, int64_t now, struct error *err)
{
	return db_run(stmt_of(s, SET_BACK), err, "ii", by_ms, now);
}

int effect_next_due_of(struct store *s, enum effect_kind kind, int64_t *due_at, struct error *err)
{
	struct stmt *st = stmt_of(s, NEXT_DUE);

	db_bind(st, "t", effect_kind_name(kind));
	return int_read(st, due_at, err);
}

/* ---- looking ---------------------------------------------------------------------------- */

int effect_open_list(struct store *s, struct arena *a, int64_t incident, int limit,
	struct effect_row **out, size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, incident ? OPEN_OF : OPEN_ALL);

	if (incident)
		db_bind(st, "ii", incident, (int64_t)limit);
	else
		db_bind(st, "i", (int64_t)limit);
	return list_read(st, a, out, count, err);
}

int effect_open_count(struct store *s, int64_t incident, int64_t *count, int64_t *oldest_ms,
	struct error *err)
{
	struct stmt *st = stmt_of(s, incident ? OPEN_COUNT_OF : OPEN_COUNT_ALL);

	*count = *oldest_ms = 0;
	if (incident)
		db_bind(st, "i", incident);
	else
		db_bind(st, "");
	int rc = db_step(st, err);
	if (rc != DB_ROW)
		return rc;
	*count = db_int(st, 0);
	*oldest_ms = db_int(st, 1);
	db_reset(st);
	return 0;
}

int effect_failed_list(struct store *s, struct arena *a, int64_t incident, int limit,
	struct effect_row **out, size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, incident ? FAILED_OF : FAILED_ALL);

	if (incident)
		db_bind(st, "ii", incident, (int64_t)limit);
	else
		db_bind(st, "i", (int64_t)limit);
	return list_read(st, a, out, count, err);
}

int effect_prune(struct store *s, int64_t before, int max, bool *left, struct error *err)
{
	struct stmt *st = stmt_of(s, LEFT);
	int64_t more = 0;

	*left = false;
	int rc = db_run(stmt_of(s, PRUNE_ATTEMPTS), err, "ii", before, (int64_t)max);
	if (rc == 0)
		rc = db_run(stmt_of(s, PRUNE), err, "ii", before, (int64_t)max);
	if (rc)
		return rc;
	db_bind(st, "i", before);
	rc = int_read(st, &more, err);
	*left = more != 0;
	return rc;
}
