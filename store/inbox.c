#include "store/inbox.h"

#include <errno.h>
#include <string.h>

#include "store/record.h"

enum { FIND, ADD_DELIVERY, ADD_KEY, PRUNE_UP_TO, PRUNE_KEYS, PRUNE_DELIVERIES, LEFT, COUNT };

static const char *const sql[COUNT] = {
	[FIND] = "SELECT coalesce(delivery.reply, '') FROM inbox"
		 " JOIN delivery ON delivery.id = inbox.delivery WHERE inbox.key = $1",
	[ADD_DELIVERY] = "INSERT INTO delivery (at, reply) VALUES ($1, $2)",
	[ADD_KEY] = "INSERT INTO inbox (key, delivery) VALUES ($1, $2)",
	/* Deliveries are numbered as time goes; where a clock was set back, some stay a little
	   longer. */
	[PRUNE_UP_TO] =
		"SELECT max(id) FROM (SELECT id, at FROM delivery ORDER BY id LIMIT $1) AS oldest"
		" WHERE at < $2",
	[PRUNE_KEYS] = "DELETE FROM inbox WHERE delivery <= $1",
	[PRUNE_DELIVERIES] = "DELETE FROM delivery WHERE id <= $1",
	[LEFT] = "SELECT at < $1 FROM delivery ORDER BY id LIMIT 1",
};
const struct record_sql inbox_sql = { "inbox", sql, COUNT };

static struct stmt *stmt_of(struct store *s, int n)
{
	return store_stmt(s, RECORD_INBOX, n);
}

static int reply_row(struct reader *r, void *row, struct error *err)
{
	char **reply = row;

	(void)err;
	*reply = read_text(r, 0);
	return 0;
}

int inbox_find(struct store *s, struct arena *a, const char *const *keys, size_t n, char **reply,
	struct error *err)
{
	struct stmt *st = stmt_of(s, FIND);
	int rc = -ENOENT;

	for (size_t i = 0; i < n && rc == -ENOENT; i++) {
		db_bind(st, "t", keys[i]);
		rc = row_read(st, a, reply_row, reply, err);
	}
	return rc;
}

/* The same key twice in one delivery is one key. */
static bool is_repeated(const char *const *keys, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(keys[k], keys[i]) == 0)
			return true;
	return false;
}

int inbox_add(struct store *s, const char *const *keys, size_t n, const char *reply, int64_t now,
	struct error *err)
{
	int64_t delivery;
	int rc = 0;

	if (n == 0)
		return 0;
	rc = db_insert(stmt_of(s, ADD_DELIVERY), &delivery, err, "it", now, reply);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (!is_repeated(keys, i))
			rc = db_run(stmt_of(s, ADD_KEY), err, "ti", keys[i], delivery);
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
	rc = db_run(stmt_of(s, PRUNE_KEYS), err, "i", last);
	if (rc == 0)
		rc = db_run(stmt_of(s, PRUNE_DELIVERIES), err, "i", last);
	if (rc)
		return rc;
	db_bind(stmt_of(s, LEFT), "i", before);
	rc = int_read(stmt_of(s, LEFT), &more, err);
	*left = more != 0;
	return rc;
}
