#include "store/references.h"

#include <errno.h>

#include "store/record.h"

enum { PUT, GET, BY_KEY, LIST, DELETE, COUNT };

#define COLUMNS                                                                                    \
	"id, incident, system, slot, key, url, state, error, synced, created_at, synced_at"

static const char *const sql[COUNT] = {
	[PUT] = "INSERT INTO reference (incident, system, slot, key, url, state, error, synced,"
		" created_at, synced_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
		" ON CONFLICT (incident, system, slot) DO UPDATE SET key = excluded.key,"
		" url = excluded.url, state = excluded.state, error = excluded.error,"
		" synced = excluded.synced, synced_at = excluded.synced_at",
	[GET] = "SELECT " COLUMNS
		" FROM reference WHERE incident = $1 AND system = $2 AND slot = $3",
	[BY_KEY] = "SELECT " COLUMNS " FROM reference WHERE key = $1 ORDER BY id DESC LIMIT 1",
	[LIST] = "SELECT " COLUMNS " FROM reference WHERE incident = $1 ORDER BY system, slot",
	[DELETE] = "DELETE FROM reference WHERE id = $1",
};
const struct record_sql reference_sql = { "reference", sql, COUNT };

static struct stmt *stmt_of(struct store *s, int n)
{
	return store_stmt(s, RECORD_REFERENCE, n);
}

int reference_put(struct store *s, const struct reference *r, struct error *err)
{
	return db_run(stmt_of(s, PUT), err, "itttttttiz", r->incident, r->system, r->slot, r->key,
		r->url, r->state, r->error, r->synced, r->created_at, r->synced_at);
}

static int reference_row(struct reader *r, void *row, struct error *err)
{
	struct reference *ref = row;

	(void)err;
	ref->id = read_int(r, 0);
	ref->incident = read_int(r, 1);
	ref->system = read_text(r, 2);
	ref->slot = read_text(r, 3);
	ref->key = read_text(r, 4);
	ref->url = read_text(r, 5);
	ref->state = read_text(r, 6);
	ref->error = read_text(r, 7);
	ref->synced = read_text(r, 8);
	ref->created_at = read_int(r, 9);
	ref->synced_at = read_int(r, 10);
	return 0;
}

int reference_get(struct store *s, struct arena *a, int64_t incident, const char *system,
	const char *slot, struct reference *out, struct error *err)
{
	struct stmt *st = stmt_of(s, GET);

	db_bind(st, "itt", incident, system, slot);
	int rc = row_read(st, a, reference_row, out, err);
	if (rc == -ENOENT)
		return error_set(
			err, rc, "INC-%lld has no %s in %s", (long long)incident, slot, system);
	return rc;
}

int reference_by_key(struct store *s, struct arena *a, const char *key, struct reference *out,
	struct error *err)
{
	struct stmt *st = stmt_of(s, BY_KEY);

	db_bind(st, "t", key);
	int rc = row_read(st, a, reference_row, out, err);
	return rc == -ENOENT ? error_set(err, rc, "%s belongs to no incident", key) : rc;
}

int reference_list(struct store *s, struct arena *a, int64_t incident, struct reference **out,
	size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, LIST);
	void *rows;

	db_bind(st, "i", incident);
	int rc = rows_read(st, a, sizeof(struct reference), reference_row, &rows, count, err);
	*out = rows;
	return rc;
}

int reference_delete(struct store *s, int64_t id, struct error *err)
{
	return db_run(stmt_of(s, DELETE), err, "i", id);
}
