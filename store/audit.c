#include "store/audit.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/record.h"

enum { APPEND, LIST, ALL, HEAD_GET, HEAD_PUT, COUNT };

#define COLUMNS   "id, at, entity, entity_id, level, action, actor, meta"
#define HEAD_NAME "audit.head" /* in cursor: "<count> <hash in hex>" */
#define HEX_SIZE  (2 * AUDIT_HASH_SIZE + 1)

static const char *const sql[COUNT] = {
	[APPEND] =
		"INSERT INTO audit (" COLUMNS ", hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	[LIST] = "SELECT " COLUMNS " FROM audit WHERE entity = 'incident' AND entity_id = $1"
		 " ORDER BY id DESC LIMIT $2",
	[ALL] = "SELECT " COLUMNS ", hash FROM audit ORDER BY id",
	[HEAD_GET] = "SELECT value FROM cursor WHERE name = '" HEAD_NAME "'",
	[HEAD_PUT] = "INSERT INTO cursor (name, value) VALUES ('" HEAD_NAME "', $1)"
		     " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
};
const struct record_sql audit_sql = { "audit", sql, COUNT };

static struct stmt *stmt_of(struct store *s, int n)
{
	return store_stmt(s, RECORD_AUDIT, n);
}

/* ---- the hash --------------------------------------------------------------------------- */

struct audit_hasher {
	EVP_MD *sha256;
	EVP_MD_CTX *context;
	unsigned char pending[1024]; /* many small pieces are hashed as one */
	size_t count;
};

struct audit_hasher *audit_hasher_create(void)
{
	struct audit_hasher *h = calloc(1, sizeof(*h));

	if (!h || !(h->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL)) ||
		!(h->context = EVP_MD_CTX_new()))
		abort();
	return h;
}

void audit_hasher_destroy(struct audit_hasher *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->context);
	EVP_MD_free(h->sha256);
	free(h);
}

static void put_number(unsigned char out[8], uint64_t n)
{
	for (int i = 7; i >= 0; i--, n >>= 8)
		out[i] = (unsigned char)n;
}

static bool hash_flush(struct audit_hasher *h)
{
	size_t n = h->count;

	h->count = 0;
	return EVP_DigestUpdate(h->context, h->pending, n);
}

static bool hash_add(struct audit_hasher *h, const void *p, size_t n)
{
	if (n > sizeof(h->pending) - h->count && !hash_flush(h))
		return false;
	if (n > sizeof(h->pending))
		return EVP_DigestUpdate(h->context, p, n);
	memcpy(h->pending + h->count, p, n);
	h->count += n;
	return true;
}

static bool hash_bytes(struct audit_hasher *h, const void *p, uint64_t n)
{
	unsigned char length[8];

	put_number(length, n);
	return hash_add(h, length, sizeof(length)) && (!p || hash_add(h, p, n));
}

static bool hash_number(struct audit_hasher *h, int64_t n)
{
	unsigned char bytes[8];

	put_number(bytes, (uint64_t)n);
	return hash_bytes(h, bytes, sizeof(bytes));
}

/* NULL has a length that no text has. */
static bool hash_text(struct audit_hasher *h, const char *text)
{
	return text ? hash_bytes(h, text, strlen(text)) : hash_bytes(h, NULL, UINT64_MAX);
}

/* hash: in, that of the entry before; out, that of this one. */
static int hash_entry(struct audit_hasher *h, const struct audit_entry *e,
	unsigned char hash[AUDIT_HASH_SIZE], struct error *err)
{
	h->count = 0;
	if (EVP_DigestInit_ex2(h->context, h->sha256, NULL) &&
		hash_bytes(h, hash, AUDIT_HASH_SIZE) && hash_number(h, e->id) &&
		hash_number(h, e->at) && hash_text(h, e->entity) && hash_number(h, e->entity_id) &&
		hash_text(h, e->level) && hash_text(h, e->action) && hash_text(h, e->actor) &&
		hash_text(h, e->meta) && hash_flush(h) && EVP_DigestFinal_ex(h->context, hash, NULL))
		return 0;
	return error_set(err, -EIO, "SHA-256 cannot be computed");
}

/* ---- the end of the chain --------------------------------------------------------------- */

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool head_parse(const char *text, struct audit_head *head)
{
	char *end;

	errno = 0;
	head->count = strtoll(text, &end, 10);
	if (errno || head->count < 1 || *end != ' ' || strlen(end + 1) != HEX_SIZE - 1)
		return false;
	for (size_t i = 0; i < AUDIT_HASH_SIZE; i++) {
		int high = nibble(end[1 + 2 * i]), low = nibble(end[2 + 2 * i]);
		if (high < 0 || low < 0)
			return false;
		head->hash[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* The mark counts, not the last row: after a cut the chain goes on from where it was, so that the
 * gap stays to be seen. */
static int head_read(struct store *s, struct audit_head *head, struct error *err)
{
	struct stmt *st = stmt_of(s, HEAD_GET);

	*head = (struct audit_head){ .known = true };
	db_bind(st, "");
	int rc = db_step(st, err);
	if (rc != DB_ROW)
		return rc;
	bool fine = head_parse(db_text(st, 0), head);
	db_reset(st);
	return fine ? 0
		    : error_set(err, -EBADMSG, "the mark of the audit chain's end is unreadable");
}

static int head_load(struct store *s, struct error *err)
{
	return s->head.known ? 0 : head_read(s, &s->head, err);
}

int audit_seal(struct store *s, struct error *err)
{
	char text[32 + HEX_SIZE];
	int n;

	if (!s->head.dirty)
		return 0;
	n = snprintf(text, sizeof(text), "%lld ", (long long)s->head.count);
	for (size_t i = 0; i < AUDIT_HASH_SIZE; i++)
		n += snprintf(text + n, 3, "%02x", s->head.hash[i]);
	int rc = db_run(stmt_of(s, HEAD_PUT), err, "T", text, (size_t)n);
	if (rc == 0)
		s->head.dirty = false;
	return rc;
}

/* ---- entries ---------------------------------------------------------------------------- */

int audit_append(struct store *s, struct audit_entry *e, struct error *err)
{
	struct audit_head next;
	int rc;

	if (!db_in_transaction(s->db))
		return error_set(err, -EINVAL, "an audit entry outside of a transaction");
	rc = head_load(s, err);
	if (rc)
		return rc;
	next = s->head;
	next.dirty = true;
	e->id = ++next.count;
	rc = hash_entry(s->hasher, e, next.hash, err);
	if (rc == 0)
		rc = db_run(stmt_of(s, APPEND), err, "iitittttB", e->id, e->at, e->entity,
			e->entity_id, e->level, e->action, e->actor, e->meta, next.hash,
			(size_t)AUDIT_HASH_SIZE);
	if (rc == 0)
		s->head = next;
	return rc;
}

static int entry_row(struct reader *r, void *row, struct error *err)
{
	struct audit_entry *e = row;

	(void)err;
	e->id = read_int(r, 0);
	e->at = read_int(r, 1);
	e->entity = read_text(r, 2);
	e->entity_id = read_int(r, 3);
	e->level = read_text(r, 4);
	e->action = read_text(r, 5);
	e->actor = read_text(r, 6);
	e->meta = read_text(r, 7);
	return 0;
}

int audit_list(struct store *s, struct arena *a, int64_t incident, int limit,
	struct audit_entry **out, size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, LIST);
	void *rows;

	db_bind(st, "ii", incident, (int64_t)limit);
	int rc = rows_read(st, a, sizeof(struct audit_entry), entry_row, &rows, count, err);
	*out = rows;
	return rc;
}

/* Checks the row at hand against what came before it. */
static int verify_row(struct store *s, struct stmt *st, struct audit_head *seen, struct error *err)
{
	struct audit_entry e = {
		.id = db_int(st, 0), .at = db_int(st, 1), .entity = db_text(st, 2),
		.entity_id = db_int(st, 3), .level = db_text(st, 4), .action = db_text(st, 5),
		.actor = db_text(st, 6), .meta = db_text(st, 7),
	};

	if (e.id != seen->count + 1)
		return error_set(err, -EBADMSG,
			"audit entry %lld is missing: after %lld comes %lld",
			(long long)seen->count + 1, (long long)seen->count, (long long)e.id);
	int rc = hash_entry(s->hasher, &e, seen->hash, err);
	if (rc)
		return rc;
	if (db_bytes(st, 8) != AUDIT_HASH_SIZE ||
		memcmp(db_blob(st, 8), seen->hash, AUDIT_HASH_SIZE))
		return error_set(err, -EBADMSG,
			"audit entry %lld (%s) is not what was written: it, or one before it, was "
			"changed",
			(long long)e.id, e.action);
	seen->count++;
	return 0;
}

static int verify_end(struct store *s, const struct audit_head *seen, struct error *err)
{
	struct audit_head head = s->head;

	if (!head.dirty) { /* else this transaction is ahead of its mark */
		int rc = head_read(s, &head, err);
		if (rc)
			return rc;
	}
	if (head.count > seen->count)
		return error_set(err, -EBADMSG,
			"the audit ends at entry %lld, but %lld were written",
			(long long)seen->count, (long long)head.count);
	if (head.count < seen->count || memcmp(head.hash, seen->hash, AUDIT_HASH_SIZE) != 0)
		return error_set(err, -EBADMSG, "entries were added to the audit after %lld, "
			"or its end was replaced, not by sitrep", (long long)head.count);
	return 0;
}

static int verify_all(struct store *s, struct audit_head *seen, struct error *err)
{
	struct stmt *st = stmt_of(s, ALL);
	int rc;

	db_bind(st, "");
	while ((rc = db_step(st, err)) == DB_ROW) {
		rc = verify_row(s, st, seen, err);
		if (rc) {
			db_reset(st);
			return rc;
		}
	}
	return rc ? rc : verify_end(s, seen, err);
}

int audit_verify(struct store *s, int64_t *entries, struct error *err)
{
	struct audit_head seen = { 0 };
	bool own = !db_in_transaction(s->db); /* rows and mark must be of one moment */
	int rc = own ? db_begin(s->db, err) : 0;

	if (rc)
		return rc;
	rc = verify_all(s, &seen, err);
	if (own)
		db_rollback(s->db);
	*entries = rc ? 0 : seen.count;
	return rc;
}
