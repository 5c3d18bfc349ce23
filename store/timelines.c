#include "store/timelines.h"

#include <errno.h>

#include "store/record.h"

enum { APPEND, NEWEST, BEFORE, LEGAL, HOW_MANY, LOAD, COUNT };

#define COLUMNS                                                                                    \
	"id, incident, happened_at, recorded_at, kind, author, text, source, meta, corrects"

/*
 * People see these numbers. Each protected incident counts for itself, in 100,000 numbers of its own, so
 * that no gap among those of others tells that something was noted. Up to APART they are public; an
 * incident that became protected later has a small number, and so a place above all others.
 */
#define APART "100000000000"
#define OWN   "(CASE WHEN $1 < 1000000 THEN $1 + 1000000000 ELSE $1 END * 100000)"
#define FACTS "coalesce(meta, '') <> '" TIMELINE_LEGAL "'"

static const char *const sql[COUNT] = {
	[APPEND] = "INSERT INTO timeline (id, incident, happened_at, recorded_at, kind, author,"
		" text, source, meta, corrects) VALUES ("
		"CASE (SELECT is_private FROM incident WHERE id = $1)"
		" WHEN 1 THEN coalesce((SELECT max(id) FROM timeline WHERE id > " OWN
		" AND id < " OWN " + 100000), " OWN ")"
		" ELSE coalesce((SELECT max(id) FROM timeline WHERE id <= " APART "), 0) END + 1,"
		" $1, $2, $3, $4, $5, $6, $7, $8, $9)",
	[NEWEST] = "SELECT " COLUMNS " FROM timeline WHERE incident = $1 AND " FACTS
		" ORDER BY happened_at DESC, id DESC LIMIT $2",
	/* The number of another incident's entry marks no place here. */
	[BEFORE] = "SELECT " COLUMNS " FROM timeline WHERE incident = $1 AND (happened_at, id) <"
		" (SELECT happened_at, id FROM timeline WHERE id = $2 AND incident = $1)"
		" AND " FACTS " ORDER BY happened_at DESC, id DESC LIMIT $3",
	[LEGAL] = "SELECT " COLUMNS " FROM timeline WHERE incident = $1"
		" AND meta = '" TIMELINE_LEGAL "' ORDER BY happened_at DESC, id DESC LIMIT $2",
	[HOW_MANY] = "SELECT count(*) FROM timeline WHERE incident = $1 AND " FACTS,
	[LOAD] = "SELECT " COLUMNS " FROM timeline WHERE id = $1",
};
const struct record_sql timeline_sql = { "timeline", sql, COUNT };

static struct stmt *stmt_of(struct store *s, int n)
{
	return store_stmt(s, RECORD_TIMELINE, n);
}

static const char *name_of_kind(int n)
{
	return timeline_kind_name((enum timeline_kind)n);
}

int timeline_append(struct store *s, struct timeline_entry *e, struct error *err)
{
	return db_insert(stmt_of(s, APPEND), &e->id, err, "iiitttttz", e->incident,
		e->happened_at, e->recorded_at, timeline_kind_name(e->kind), e->author, e->text,
		e->source, e->meta, e->corrects);
}

static int entry_row(struct reader *r, void *row, struct error *err)
{
	struct timeline_entry *e = row;
	bool bad = false;

	e->id = read_int(r, 0);
	e->incident = read_int(r, 1);
	e->happened_at = read_int(r, 2);
	e->recorded_at = read_int(r, 3);
	e->kind = (enum timeline_kind)read_name(r, 4, name_of_kind, ENTRY_KIND_COUNT, &bad);
	e->author = read_text(r, 5);
	e->text = read_text(r, 6);
	e->source = read_text(r, 7);
	e->meta = read_text(r, 8);
	e->corrects = read_int(r, 9);
	if (bad)
		return error_set(err, -EUCLEAN,
			"timeline entry %lld is of a kind that nobody knows", (long long)e->id);
	return 0;
}

int timeline_load(struct store *s, struct arena *a, int64_t id, struct timeline_entry *out,
	struct error *err)
{
	struct stmt *st = stmt_of(s, LOAD);

	db_bind(st, "i", id);
	int rc = row_read(st, a, entry_row, out, err);
	if (rc == -ENOENT)
		rc = error_set(err, rc, "there is no timeline entry %lld", (long long)id);
	return rc;
}

static void reverse(struct timeline_entry *e, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct timeline_entry other = e[i];
		e[i] = e[count - 1 - i];
		e[count - 1 - i] = other;
	}
}

int timeline_list(struct store *s, struct arena *a, int64_t incident, int64_t before_id, int limit,
	struct timeline_entry **out, size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, before_id ? BEFORE : NEWEST);
	void *rows;

	if (before_id)
		db_bind(st, "iii", incident, before_id, (int64_t)limit);
	else
		db_bind(st, "ii", incident, (int64_t)limit);
	int rc = rows_read(st, a, sizeof(struct timeline_entry), entry_row, &rows, count, err);
	*out = rows;
	if (rc == 0)
		reverse(*out, *count);
	return rc;
}

int timeline_legal_list(struct store *s, struct arena *a, int64_t incident, int limit,
	struct timeline_entry **out, size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, LEGAL);
	void *rows;

	db_bind(st, "ii", incident, (int64_t)limit);
	int rc = rows_read(st, a, sizeof(struct timeline_entry), entry_row, &rows, count, err);
	*out = rows;
	if (rc == 0)
		reverse(*out, *count);
	return rc;
}

int timeline_count(struct store *s, int64_t incident, int64_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, HOW_MANY);

	db_bind(st, "i", incident);
	return int_read(st, count, err);
}
