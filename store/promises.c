#include "store/promises.h"

#include <errno.h>

#include "store/record.h"

enum { INSERT, SAVE, OPEN_OF, LIST, COUNT };

#define COLUMNS                                                                                    \
	"incident, kind, n, state, made_at, due_at, quiet_until, said, kept_at, missed_at"

static const char *const sql[COUNT] = {
	[INSERT] = "INSERT INTO promise (" COLUMNS ") VALUES ($1, $2, 0, 'open', $3, $4, $5, $6,"
		   " $7, $8)",
	/* What ends gets the next number of its kind. */
	[SAVE] = "UPDATE promise SET state = $1, made_at = $2, due_at = $3, quiet_until = $4,"
		 " said = $5, kept_at = $6, missed_at = $7,"
		 " n = CASE WHEN $1 = 'open' THEN 0 WHEN n > 0 THEN n ELSE 1 + (SELECT max(o.n)"
		 "  FROM promise AS o WHERE o.incident = $8 AND o.kind = $9) END"
		 " WHERE incident = $8 AND kind = $9 AND n = $10",
	[OPEN_OF] = "SELECT " COLUMNS " FROM promise WHERE incident = $1 AND kind = $2 AND n = 0",
	[LIST] = "SELECT " COLUMNS " FROM promise WHERE incident = $1"
		 " ORDER BY made_at, CASE WHEN n = 0 THEN 1 ELSE 0 END, n, kind",
};
const struct record_sql promise_sql = { "promise", sql, COUNT };

static struct stmt *stmt_of(struct store *s, int n)
{
	return store_stmt(s, RECORD_PROMISE, n);
}

static const char *name_of_kind(int n)
{
	return promise_kind_name((enum promise_kind)n);
}

static const char *name_of_state(int n)
{
	return promise_state_name((enum promise_state)n);
}

int promise_insert(struct store *s, struct promise *p, struct error *err)
{
	p->n = 0;
	p->state = PROMISE_OPEN;
	return db_run(stmt_of(s, INSERT), err, "itiizizz", p->incident, promise_kind_name(p->kind),
		p->made_at, p->due_at, p->quiet_until, (int64_t)p->said, p->kept_at, p->missed_at);
}

int promise_save(struct store *s, const struct promise *p, struct error *err)
{
	int rc = db_run(stmt_of(s, SAVE), err, "tiizizziti", promise_state_name(p->state),
		p->made_at, p->due_at, p->quiet_until, (int64_t)p->said, p->kept_at, p->missed_at,
		p->incident, promise_kind_name(p->kind), p->n);

	if (rc == 0 && db_changes(s->db) == 0)
		return error_set(err, -ENOENT, "INC-%lld has no promise \"%s\" number %lld",
			(long long)p->incident, promise_kind_name(p->kind), (long long)p->n);
	return rc;
}

static int promise_row(struct reader *r, void *row, struct error *err)
{
	struct promise *p = row;
	bool bad = false;

	p->incident = read_int(r, 0);
	p->kind = (enum promise_kind)read_name(r, 1, name_of_kind, PROMISE_KIND_COUNT, &bad);
	p->n = read_int(r, 2);
	p->state = (enum promise_state)read_name(r, 3, name_of_state, PROMISE_WITHDRAWN + 1, &bad);
	p->made_at = read_int(r, 4);
	p->due_at = read_int(r, 5);
	p->quiet_until = read_int(r, 6);
	p->said = (int)read_int(r, 7);
	p->kept_at = read_int(r, 8);
	p->missed_at = read_int(r, 9);
	if (bad)
		return error_set(err, -EUCLEAN,
			"a promise of INC-%lld has a kind or state that nobody knows",
			(long long)p->incident);
	return 0;
}

int promise_open_of(struct store *s, int64_t incident, enum promise_kind kind, struct promise *out,
	struct error *err)
{
	struct stmt *st = stmt_of(s, OPEN_OF);

	db_bind(st, "it", incident, promise_kind_name(kind));
	int rc = row_read(st, NULL, promise_row, out, err);
	if (rc == -ENOENT)
		return error_set(err, rc, "INC-%lld has no open promise \"%s\"",
			(long long)incident, promise_kind_name(kind));
	return rc;
}

int promise_list(struct store *s, struct arena *a, int64_t incident, struct promise **out,
	size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, LIST);
	void *rows;

	db_bind(st, "i", incident);
	int rc = rows_read(st, a, sizeof(struct promise), promise_row, &rows, count, err);
	*out = rows;
	return rc;
}
