#include "store/response.h"

#include <errno.h>

#include "store/record.h"

enum {
	CHECKPOINT, CHECKPOINT_LATEST, CHECKPOINTS, OFFER, OFFER_END, OFFERED, HANDOVER,
	SCOPE, SCOPE_ID, SCOPES, ENGAGE, ACKNOWLEDGE, ENGAGEMENTS, NOTE, NOTE_END, NOTE_LOAD, COUNT,
};

#define CHECKPOINT_FIELDS                                                                          \
	"incident, at, author, situation, hypothesis, impact, in_flight, decision, cadence,"       \
	" next_decision_at"
#define HANDOVER_FIELDS   "incident, outgoing, incoming, state, offered_at, ended_at, checkpoint"
#define SCOPE_FIELDS      "incident, kind, value, affected, note, author, at"
#define ENGAGEMENT_FIELDS "incident, tier, reason, why, author, at, acknowledged_by, acknowledged_at"
#define NOTE_FIELDS       "incident, text, author, at, confirmed_by, ended_at"

static const char *const sql[COUNT] = {
	[CHECKPOINT] = "INSERT INTO checkpoint (" CHECKPOINT_FIELDS
		       ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
	[CHECKPOINT_LATEST] = "SELECT id, " CHECKPOINT_FIELDS " FROM checkpoint"
			      " WHERE incident = $1 ORDER BY at DESC, id DESC LIMIT 1",
	[CHECKPOINTS] = "SELECT id, " CHECKPOINT_FIELDS " FROM checkpoint"
		" WHERE incident = $1 ORDER BY id DESC LIMIT $2",

	[OFFER] = "INSERT INTO handover (" HANDOVER_FIELDS ") VALUES ($1, $2, $3, $4, $5, $6, $7)",
	[OFFER_END] = "UPDATE handover SET state = $1, ended_at = $2"
		      " WHERE id = $3 AND ended_at IS NULL",
	[OFFERED] = "SELECT id, " HANDOVER_FIELDS
		    " FROM handover WHERE incident = $1 AND ended_at IS NULL",
	[HANDOVER] = "SELECT id, " HANDOVER_FIELDS " FROM handover WHERE id = $1",

	/* A note that is not said stays. */
	[SCOPE] = "INSERT INTO impact_scope (" SCOPE_FIELDS ", folded)"
		  " VALUES ($1, $2, $3, $4, $5, $6, $7, lower($3))"
		  " ON CONFLICT (incident, kind, folded) DO UPDATE SET value = excluded.value,"
		  " affected = excluded.affected, note = coalesce(excluded.note, note),"
		  " author = excluded.author, at = excluded.at",
	[SCOPE_ID] = "SELECT id FROM impact_scope"
		     " WHERE incident = $1 AND kind = $2 AND folded = lower($3)",
	[SCOPES] = "SELECT id, " SCOPE_FIELDS " FROM impact_scope WHERE incident = $1 ORDER BY id",

	[ENGAGE] = "INSERT INTO engagement (" ENGAGEMENT_FIELDS
		   ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	[ACKNOWLEDGE] = "UPDATE engagement SET acknowledged_by = $1, acknowledged_at = $2"
			" WHERE incident = $3 AND tier = $4 AND acknowledged_at IS NULL",
	[ENGAGEMENTS] = "SELECT id, " ENGAGEMENT_FIELDS
			" FROM engagement WHERE incident = $1 ORDER BY id",

	[NOTE] = "INSERT INTO customer_note (" NOTE_FIELDS ") VALUES ($1, $2, $3, $4, $5, $6)",
	[NOTE_END] = "UPDATE customer_note SET confirmed_by = $1, ended_at = $2"
		     " WHERE id = $3 AND ended_at IS NULL",
	[NOTE_LOAD] = "SELECT id, " NOTE_FIELDS " FROM customer_note WHERE id = $1",
};
const struct record_sql response_sql = { "response", sql, COUNT };

static struct stmt *stmt_of(struct store *s, int n)
{
	return store_stmt(s, RECORD_RESPONSE, n);
}

/* The one row of a statement that asks by one number; -ENOENT is left to the caller to word. */
static int one(struct store *s, int n, struct arena *a, int64_t key, row_fn row, void *out,
	struct error *err)
{
	struct stmt *st = stmt_of(s, n);

	db_bind(st, "i", key);
	return row_read(st, a, row, out, err);
}

/* ---- checkpoints ------------------------------------------------------------------------ */

int checkpoint_insert(struct store *s, struct checkpoint *c, struct error *err)
{
	return db_insert(stmt_of(s, CHECKPOINT), &c->id, err, "ii" "ttttttt" "z", c->incident, c->at,
		c->by, c->situation, c->hypothesis, c->impact, c->in_flight, c->decision,
		c->cadence, c->next_decision_at);
}

static int checkpoint_row(struct reader *r, void *row, struct error *err)
{
	struct checkpoint *c = row;

	(void)err;
	c->id = read_int(r, 0);
	c->incident = read_int(r, 1);
	c->at = read_int(r, 2);
	c->by = read_text(r, 3);
	c->situation = read_text(r, 4);
	c->hypothesis = read_text(r, 5);
	c->impact = read_text(r, 6);
	c->in_flight = read_text(r, 7);
	c->decision = read_text(r, 8);
	c->cadence = read_text(r, 9);
	c->next_decision_at = read_int(r, 10);
	return 0;
}

int checkpoint_latest(struct store *s, struct arena *a, int64_t incident, struct checkpoint *out,
	struct error *err)
{
	int rc = one(s, CHECKPOINT_LATEST, a, incident, checkpoint_row, out, err);

	if (rc == -ENOENT)
		return error_set(err, rc, "INC-%lld has no checkpoint", (long long)incident);
	return rc;
}

int checkpoint_list(struct store *s, struct arena *a, int64_t incident, int limit,
	struct checkpoint **out, size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, CHECKPOINTS);
	void *rows;

	db_bind(st, "ii", incident, (int64_t)limit);
	int rc = rows_read(st, a, sizeof(struct checkpoint), checkpoint_row, &rows, count, err);
	*out = rows;
	return rc;
}

/* ---- handovers -------------------------------------------------------------------------- */

int handover_insert(struct store *s, struct handover *h, struct error *err)
{
	int rc = db_insert(stmt_of(s, OFFER), &h->id, err, "ittt" "izz", h->incident, h->from, h->to,
		handover_state_name(h->state), h->offered_at, h->ended_at, h->checkpoint);

	if (rc == -EEXIST)
		rc = error_set(err, rc, "a handover of INC-%lld is offered already",
			(long long)h->incident);
	return rc;
}

static const char *name_of_handover(int n)
{
	return handover_state_name((enum handover_state)n);
}

static int handover_row(struct reader *r, void *row, struct error *err)
{
	struct handover *h = row;
	bool bad = false;

	h->id = read_int(r, 0);
	h->incident = read_int(r, 1);
	h->from = read_text(r, 2);
	h->to = read_text(r, 3);
	h->state = (enum handover_state)read_name(r, 4, name_of_handover, HANDOVER_STATE_COUNT,
		&bad);
	h->offered_at = read_int(r, 5);
	h->ended_at = read_int(r, 6);
	h->checkpoint = read_int(r, 7);
	if (bad)
		return error_set(err, -EUCLEAN, "handover %lld has a state that nobody knows",
			(long long)h->id);
	return 0;
}

int handover_load(struct store *s, struct arena *a, int64_t id, struct handover *out,
	struct error *err)
{
	int rc = one(s, HANDOVER, a, id, handover_row, out, err);

	if (rc == -ENOENT)
		return error_set(err, rc, "there is no handover %lld", (long long)id);
	return rc;
}

int handover_end(struct store *s, int64_t id, enum handover_state state, int64_t now,
	struct error *err)
{
	int rc = db_run(stmt_of(s, OFFER_END), err, "tii", handover_state_name(state), now, id);

	if (rc == 0 && db_changes(s->db) == 0)
		rc = error_set(err, -ENOENT, "handover %lld is not offered any more", (long long)id);
	return rc;
}

int handover_offered(struct store *s, struct arena *a, int64_t incident, struct handover *out,
	struct error *err)
{
	int rc = one(s, OFFERED, a, incident, handover_row, out, err);

	if (rc == -ENOENT)
		return error_set(err, rc, "no handover of INC-%lld is offered", (long long)incident);
	return rc;
}

/* ---- scope ------------------------------------------------------------------------------ */

int scope_put(struct store *s, struct scope_entry *e, struct error *err)
{
	struct stmt *st = stmt_of(s, SCOPE_ID);
	const char *kind = scope_kind_name(e->kind);
	int rc = db_run(stmt_of(s, SCOPE), err, "ittttti", e->incident, kind, e->value,
		tri_name(e->affected), e->note, e->by, e->at);

	if (rc)
		return rc;
	db_bind(st, "itt", e->incident, kind, e->value);
	return int_read(st, &e->id, err);
}

static const char *name_of_scope(int n)
{
	return scope_kind_name((enum scope_kind)n);
}

static const char *name_of_tri(int n)
{
	return tri_name((enum tri)n);
}

static int scope_row(struct reader *r, void *row, struct error *err)
{
	struct scope_entry *e = row;
	bool bad = false;

	e->id = read_int(r, 0);
	e->incident = read_int(r, 1);
	e->kind = (enum scope_kind)read_name(r, 2, name_of_scope, SCOPE_KIND_COUNT, &bad);
	e->value = read_text(r, 3);
	e->affected = (enum tri)read_name(r, 4, name_of_tri, TRI_YES + 1, &bad);
	e->note = read_text(r, 5);
	e->by = read_text(r, 6);
	e->at = read_int(r, 7);
	return bad ? error_set(err, -EUCLEAN, "a scope entry of a kind that nobody knows") : 0;
}

int scope_list(struct store *s, struct arena *a, int64_t incident, struct scope_entry **out,
	size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, SCOPES);
	void *rows;

	db_bind(st, "i", incident);
	int rc = rows_read(st, a, sizeof(struct scope_entry), scope_row, &rows, count, err);
	*out = rows;
	return rc;
}

/* ---- engagements ------------------------------------------------------------------------ */

int engagement_insert(struct store *s, struct engagement *e, struct error *err)
{
	int rc = db_insert(stmt_of(s, ENGAGE), &e->id, err, "itttt" "itz", e->incident, e->tier,
		engage_reason_name(e->reason), e->why, e->by, e->at, e->acknowledged_by,
		e->acknowledged_at);

	if (rc == -EEXIST)
		rc = error_set(err, rc, "%s was engaged for INC-%lld already: %s", e->tier,
			(long long)e->incident, engage_reason_words(e->reason));
	return rc;
}

int engagement_acknowledge(struct store *s, int64_t incident, const char *tier, const char *person,
	int64_t now, struct error *err)
{
	int rc = db_run(stmt_of(s, ACKNOWLEDGE), err, "tiit", person, now, incident, tier);

	if (rc == 0 && db_changes(s->db) == 0)
		rc = error_set(err, -ENOENT, "nothing waits for %s to acknowledge on INC-%lld", tier,
			(long long)incident);
	return rc;
}

static const char *name_of_reason(int n)
{
	return engage_reason_name((enum engage_reason)n);
}

static int engagement_row(struct reader *r, void *row, struct error *err)
{
	struct engagement *e = row;
	bool bad = false;

	e->id = read_int(r, 0);
	e->incident = read_int(r, 1);
	e->tier = read_text(r, 2);
	e->reason = (enum engage_reason)read_name(r, 3, name_of_reason, ENGAGE_REASON_COUNT, &bad);
	e->why = read_text(r, 4);
	e->by = read_text(r, 5);
	e->at = read_int(r, 6);
	e->acknowledged_by = read_text(r, 7);
	e->acknowledged_at = read_int(r, 8);
	return bad ? error_set(err, -EUCLEAN, "a tier was engaged for a reason nobody knows") : 0;
}

int engagement_list(struct store *s, struct arena *a, int64_t incident, struct engagement **out,
	size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, ENGAGEMENTS);
	void *rows;

	db_bind(st, "i", incident);
	int rc = rows_read(st, a, sizeof(struct engagement), engagement_row, &rows, count, err);
	*out = rows;
	return rc;
}

/* ---- wording for customers -------------------------------------------------------------- */

/* It begins undecided, whatever the caller's struct says. */
int customer_note_insert(struct store *s, struct customer_note *n, struct error *err)
{
	return db_insert(stmt_of(s, NOTE), &n->id, err, "ittinn", n->incident, n->text, n->by, n->at);
}

static int note_row(struct reader *r, void *row, struct error *err)
{
	struct customer_note *n = row;
	int64_t ended_at = read_int(r, 6);

	(void)err;
	n->id = read_int(r, 0);
	n->incident = read_int(r, 1);
	n->text = read_text(r, 2);
	n->by = read_text(r, 3);
	n->at = read_int(r, 4);
	n->confirmed_by = read_text(r, 5);
	n->confirmed_at = n->confirmed_by ? ended_at : 0;
	n->dropped = ended_at && !n->confirmed_by;
	return 0;
}

int customer_note_load(struct store *s, struct arena *a, int64_t id, struct customer_note *out,
	struct error *err)
{
	int rc = one(s, NOTE_LOAD, a, id, note_row, out, err);

	if (rc == -ENOENT)
		return error_set(err, rc, "there is no wording %lld", (long long)id);
	return rc;
}

int customer_note_end(struct store *s, int64_t id, const char *confirmed_by, int64_t now,
	struct error *err)
{
	int rc = db_run(stmt_of(s, NOTE_END), err, "tii", confirmed_by, now, id);

	if (rc == 0 && db_changes(s->db) == 0)
		rc = error_set(err, -ENOENT, "wording %lld is not waiting any more", (long long)id);
	return rc;
}
