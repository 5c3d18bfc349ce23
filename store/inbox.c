#include "store/inbox.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "store/record.h"
#include "store/seen.h"

#define KEYS_MAX (64u << 10)

enum { FIND, ADD, ALL, PRUNE_UP_TO, PRUNE, LEFT, COUNT };

/* The newest stays, so that no id is ever given twice. */
#define OLD " WHERE id < (SELECT max(id) FROM inbox) ORDER BY id"

static const char *const sql[COUNT] = {
	[FIND] = "SELECT keys, coalesce(reply, '') FROM inbox WHERE id = $1",
	[ADD] = "INSERT INTO inbox (at, keys, reply) VALUES ($1, $2, $3)",
	[ALL] = "SELECT id, keys FROM inbox",
	/* Deliveries are numbered as time goes; where a clock was set back, some stay a little
	   longer. */
	[PRUNE_UP_TO] =
		"SELECT max(id) FROM (SELECT id, at FROM inbox" OLD " LIMIT $1) AS oldest"
		" WHERE at < $2",
	[PRUNE] = "DELETE FROM inbox WHERE id <= $1",
	[LEFT] = "SELECT at < $1 FROM inbox" OLD " LIMIT 1",
};
const struct record_sql inbox_sql = { "inbox", sql, COUNT };

static struct stmt *stmt_of(struct store *s, int n)
{
	return store_stmt(s, RECORD_INBOX, n);
}

/* ---- the keys of a row, one a line -------------------------------------------------------- */

static void keys_remember(struct store *s, const char *keys, int64_t row)
{
	for (const char *p = keys; *p;) {
		size_t n = strcspn(p, "\n");

		seen_add(s->seen, p, n, row);
		p += p[n] ? n + 1 : n;
	}
}

static bool keys_have(const char *keys, const char *key, size_t size)
{
	for (const char *p = keys; *p;) {
		size_t n = strcspn(p, "\n");

		if (n == size && memcmp(p, key, n) == 0)
			return true;
		p += p[n] ? n + 1 : n;
	}
	return false;
}

/* The same key twice in one delivery is one key. */
static int keys_join(struct str *out, const char *const *keys, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(keys[i]);

		if (n == 0 || strchr(keys[i], '\n'))
			return error_set(err, -EINVAL, "a delivery key is one line, not empty");
		if (keys_have(out->p, keys[i], n))
			continue;
		if (out->len)
			str_addc(out, '\n');
		str_addn(out, keys[i], n);
	}
	return out->cut ? error_set(err, -E2BIG, "the delivery keys are too long") : 0;
}

/* ---- finding ------------------------------------------------------------------------------ */

/* At the first use: a program that only reads other records does without. */
static int keys_load(struct store *s, struct error *err)
{
	struct stmt *st = stmt_of(s, ALL);
	int rc;

	if (s->seen)
		return 0;
	s->seen = seen_create();
	db_bind(st, "");
	while ((rc = db_step(st, err)) == DB_ROW)
		keys_remember(s, db_text(st, 1), db_int(st, 0));
	if (rc < 0) {
		seen_destroy(s->seen);
		s->seen = NULL;
	}
	return rc;
}

struct find {
	const char *key;
	size_t size;
	bool found;
	char *reply;
};

static int find_row(struct reader *r, void *row, struct error *err)
{
	struct find *f = row;

	(void)err;
	f->found = keys_have(db_text(r->st, 0), f->key, f->size);
	if (f->found && r->arena)
		f->reply = read_text(r, 1);
	return 0;
}

/* Without an arena the reply is not read. */
static int find_key(
	struct store *s, struct arena *a, const char *key, char **reply, struct error *err)
{
	struct find f = { .key = key, .size = strlen(key) };
	struct stmt *st = stmt_of(s, FIND);
	size_t at = 0;

	for (int64_t row; !f.found && (row = seen_next(s->seen, key, f.size, &at));) {
		db_bind(st, "i", row);
		int rc = row_read(st, a, find_row, &f, err);
		if (rc < 0 && rc != -ENOENT)
			return rc;
	}
	*reply = f.reply;
	return f.found ? 0 : -ENOENT;
}

int inbox_find(struct store *s, struct arena *a, const char *const *keys, size_t n, char **reply,
	struct error *err)
{
	int rc = keys_load(s, err);

	if (rc == 0)
		rc = -ENOENT;
	for (size_t i = 0; i < n && rc == -ENOENT; i++)
		rc = find_key(s, a, keys[i], reply, err);
	return rc;
}

/* ---- adding and forgetting ---------------------------------------------------------------- */

int inbox_add(struct store *s, const char *const *keys, size_t n, const char *reply, int64_t now,
	struct error *err)
{
	struct str lines STR_CLEANUP = { 0 };
	char *other;
	int64_t row;
	int rc;

	if (n == 0)
		return 0;
	rc = inbox_find(s, NULL, keys, n, &other, err);
	if (rc != -ENOENT)
		return rc < 0 ? rc : error_set(err, -EEXIST, "that delivery was seen before");
	str_init(&lines, KEYS_MAX);
	rc = keys_join(&lines, keys, n, err);
	if (rc == 0)
		rc = db_insert(stmt_of(s, ADD), &row, err, "iTt", now, lines.p, lines.len, reply);
	if (rc == 0)
		keys_remember(s, lines.p, row);
	return rc;
}

int inbox_prune(struct store *s, int64_t before, int max, bool *left, struct error *err)
{
	struct stmt *st = stmt_of(s, PRUNE_UP_TO);
	int64_t last, more = 0;

	*left = false;
	db_bind(st, "ii", (int64_t)max, before);
	int rc = int_read(st, &last, err);
	if (rc || last == 0)
		return rc;
	rc = db_run(stmt_of(s, PRUNE), err, "i", last);
	if (rc)
		return rc;
	s->pruned = last;
	db_bind(stmt_of(s, LEFT), "i", before);
	rc = int_read(stmt_of(s, LEFT), &more, err);
	*left = more != 0;
	return rc;
}

/* Until then the rows may come back. */
void inbox_committed(struct store *s)
{
	if (s->pruned && s->seen)
		seen_drop(s->seen, s->pruned);
}
