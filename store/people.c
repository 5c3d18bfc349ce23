#include "store/people.h"

#include <errno.h>

#include "store/record.h"

enum { GET, PUT, BY_NAME, CURSOR_GET, CURSOR_PUT, COUNT };

#define COLUMNS "key, name, zone, email, seen_at"

static const char *const sql[COUNT] = {
	[GET] = "SELECT " COLUMNS " FROM person WHERE key = $1",
	[PUT] = "INSERT INTO person (key, name, zone, email, seen_at) VALUES ($1, $2, $3, $4, $5)"
		" ON CONFLICT (key) DO UPDATE SET name = coalesce(excluded.name, person.name),"
		" zone = coalesce(excluded.zone, person.zone),"
		" email = coalesce(excluded.email, person.email),"
		" seen_at = coalesce(excluded.seen_at, person.seen_at)",
	/* Two of one name: the one seen last, so that who left long ago is not meant. */
	[BY_NAME] = ("SELECT " COLUMNS " FROM person WHERE lower(name) = lower($1)"
		" ORDER BY coalesce(seen_at, 0) DESC, key LIMIT 1"),
	[CURSOR_GET] = "SELECT value FROM cursor WHERE name = $1",
	[CURSOR_PUT] = "INSERT INTO cursor (name, value) VALUES ($1, $2)"
		" ON CONFLICT (name) DO UPDATE SET value = excluded.value",
};
const struct record_sql people_sql = { "people", sql, COUNT };

static struct stmt *stmt_of(struct store *s, int n)
{
	return store_stmt(s, RECORD_PEOPLE, n);
}

static int person_row(struct reader *r, void *row, struct error *err)
{
	struct person *p = row;

	(void)err;
	p->key = read_text(r, 0);
	p->name = read_text(r, 1);
	p->zone = read_text(r, 2);
	p->email = read_text(r, 3);
	p->seen_at = read_int(r, 4);
	return 0;
}

int person_get(struct store *s, struct arena *a, const char *key, struct person *out,
	struct error *err)
{
	struct stmt *st = stmt_of(s, GET);

	db_bind(st, "t", key);
	int rc = row_read(st, a, person_row, out, err);
	return rc == -ENOENT ? error_set(err, rc, "nobody is known as %s", key) : rc;
}

int person_put(struct store *s, const struct person *p, struct error *err)
{
	return db_run(
		stmt_of(s, PUT), err, "ttttz", p->key, p->name, p->zone, p->email, p->seen_at);
}

int person_by_name(struct store *s, struct arena *a, const char *name, struct person *out,
	struct error *err)
{
	struct stmt *st = stmt_of(s, BY_NAME);

	db_bind(st, "t", name);
	int rc = row_read(st, a, person_row, out, err);
	return rc == -ENOENT ? error_set(err, rc, "nobody is known as %s", name) : rc;
}

static int value_row(struct reader *r, void *row, struct error *err)
{
	char **value = row;

	(void)err;
	*value = read_text(r, 0);
	return 0;
}

int cursor_get(struct store *s, struct arena *a, const char *name, char **value, struct error *err)
{
	struct stmt *st = stmt_of(s, CURSOR_GET);

	db_bind(st, "t", name);
	int rc = row_read(st, a, value_row, value, err);
	return rc == -ENOENT ? error_set(err, rc, "there is no mark %s", name) : rc;
}

int cursor_put(struct store *s, const char *name, const char *value, struct error *err)
{
	return db_run(stmt_of(s, CURSOR_PUT), err, "tt", name, value);
}
