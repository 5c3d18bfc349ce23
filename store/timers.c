#include "store/timers.h"

#include "store/record.h"

enum { ARM, DISARM, SET_BACK, DUE, NEXT, LIST, COUNT };

#define COLUMNS "due_at, name, incident, subject, operation, args"

static const char *const sql[COUNT] = {
	[ARM] = "INSERT INTO timer (due_at, name, incident, subject, operation, args)"
		" VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (incident, subject, name) DO UPDATE"
		" SET due_at = excluded.due_at, operation = excluded.operation, args = "
		"excluded.args",
	[DISARM] = "DELETE FROM timer WHERE incident = $1 AND subject = $2 AND name = $3",
	[SET_BACK] = "UPDATE timer SET due_at = due_at - $1 WHERE incident = 0 AND due_at > $2",
	[DUE] = "SELECT " COLUMNS " FROM timer WHERE due_at <= $1"
		" ORDER BY due_at, incident, subject, name LIMIT $2",
	[NEXT] = "SELECT min(due_at) FROM timer",
	[LIST] = "SELECT " COLUMNS " FROM timer WHERE incident = $1 ORDER BY due_at, subject, name",
};
const struct record_sql timer_sql = { "timer", sql, COUNT };

static struct stmt *stmt_of(struct store *s, int n)
{
	return store_stmt(s, RECORD_TIMER, n);
}

int timer_arm(struct store *s, const struct timer *t, struct error *err)
{
	return db_run(stmt_of(s, ARM), err, "itiitt", t->due_at, t->name, t->incident, t->subject,
		t->operation, t->args);
}

int timer_disarm(struct store *s, const char *name, int64_t incident, int64_t subject,
	struct error *err)
{
	return db_run(stmt_of(s, DISARM), err, "iit", incident, subject, name);
}

int timer_set_back(struct store *s, int64_t by_ms, int64_t now, struct error *err)
{
	return db_run(stmt_of(s, SET_BACK), err, "ii", by_ms, now);
}

static int timer_row(struct reader *r, void *row, struct error *err)
{
	struct timer *t = row;

	(void)err;
	t->due_at = read_int(r, 0);
	t->name = read_text(r, 1);
	t->incident = read_int(r, 2);
	t->subject = read_int(r, 3);
	t->operation = read_text(r, 4);
	t->args = read_text(r, 5);
	return 0;
}

int timer_due(struct store *s, struct arena *a, int64_t now, int max, struct timer **out,
	size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, DUE);
	void *rows;

	db_bind(st, "ii", now, (int64_t)max);
	int rc = rows_read(st, a, sizeof(struct timer), timer_row, &rows, count, err);
	*out = rows;
	return rc;
}

int timer_next(struct store *s, int64_t *due_at, struct error *err)
{
	struct stmt *st = stmt_of(s, NEXT);

	db_bind(st, "");
	return int_read(st, due_at, err);
}

int timer_list(struct store *s, struct arena *a, int64_t incident, struct timer **out,
	size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, LIST);
	void *rows;

	db_bind(st, "i", incident);
	int rc = rows_read(st, a, sizeof(struct timer), timer_row, &rows, count, err);
	*out = rows;
	return rc;
}
