#ifndef STORE_RECORD_H
#define STORE_RECORD_H
/* Inside of store/ only: what the record files share. Each brings a table of SQL text; all of it is
 * prepared at open. */
#include "store/db.h"
#include "store/store.h"

enum record {
	RECORD_INCIDENT, RECORD_FIND, RECORD_TIMELINE, RECORD_PROMISE, RECORD_TIMER, RECORD_INBOX,
	RECORD_EFFECT, RECORD_REFERENCE, RECORD_PEOPLE, RECORD_AUDIT, RECORD_RESPONSE,
	RECORD_RELATION, RECORD_LEARNING, RECORD_METRIC, RECORD_TERMS,
};
#define RECORD_COUNT 15

struct record_sql {
	const char *name;
	const char *const *sql; /* indexed by the file's own enum */
	size_t count;
};
extern const struct record_sql incident_sql, find_sql, timeline_sql, promise_sql, timer_sql,
	inbox_sql, effect_sql, reference_sql, people_sql, audit_sql, response_sql, relation_sql,
	learning_sql, metric_sql, terms_sql;
extern const struct record_sql *const record_sql[RECORD_COUNT];

#define AUDIT_HASH_SIZE 32

/* The end of the audit chain as this transaction sees it. */
struct audit_head {
	bool known;  /* false: to be read from the database first */
	bool dirty;  /* the database's mark of it is to be written before the commit */
	int64_t count;
	unsigned char hash[AUDIT_HASH_SIZE];
};

#define STORE_SAVEPOINTS_MAX 8

struct audit_hasher;
struct seen;
struct terms;

struct store {
	struct db *db; /* NULL until store_ready */
	char *path;
	bool read_only, any_schema;
	bool made; /* the file is new, and its name not durable yet */
	int lock; /* descriptor of the lock file; -1 = none */
	struct stmt **stmt[RECORD_COUNT];
	struct audit_head head;
	struct audit_head head_mark[STORE_SAVEPOINTS_MAX]; /* as of each savepoint, outermost first */
	int64_t changes_mark[STORE_SAVEPOINTS_MAX];
	bool together; /* this transaction has no savepoints of the database */
	bool spoiled;  /* what was to be undone in it could not be */
	int savepoints;
	int64_t changes_begin; /* db_changes_ever() as of the transaction's begin */
	struct audit_hasher *hasher;
	struct seen *seen; /* NULL until the inbox is first asked */
	int64_t pruned;    /* of the inbox, by this transaction: up to this row */
	struct terms *terms;   /* NULL until a long record is first searched */
	int64_t terms_version; /* the database's, as of when they were read */
	bool terms_unsure;     /* they were read from rows that may be undone */
};

static inline struct stmt *store_stmt(struct store *s, enum record r, int n)
{
	return s->stmt[r][n];
}

/* What store_open does, for a record that is put back. real: the path with links resolved, of a file that need not be there;
 * path: for the message. *lock stays open, -EBUSY when another process has it. */
int store_lock(int *lock, const char *real, const char *path, struct error *err);
/* -EINVAL: it is another program's. */
int store_owner_check(struct db *db, struct error *err);
/* A name is durable only when the folder that holds it is. */
void store_parent_sync(const char *path);

struct audit_hasher *audit_hasher_create(void);
void audit_hasher_destroy(struct audit_hasher *h); /* accepts NULL */
/* Writes the mark of the chain's end; part of store_commit. */
int audit_seal(struct store *s, struct error *err);
/* The inbox forgets in memory what was pruned; part of store_commit. */
void inbox_committed(struct store *s);

/* The words of incidents in memory go where they were read from what is undone; part of store_rollback and store_undo. */
void incident_terms_undone(struct store *s);

/* Reading rows onto an arena. What does not fit any more sets `full`; reader_end then says so. */
struct reader {
	struct stmt *st;
	struct arena *arena;
	bool full;
};
char *read_text(struct reader *r, int column); /* a copy; NULL for NULL, and when full */
int64_t read_int(struct reader *r, int column);
bool read_bool(struct reader *r, int column);
/* Which of `count` names (by `name`) the text is; an unknown one is damage: sets *bad. */
int read_name(struct reader *r, int column, const char *(*name)(int), int count, bool *bad);

#define LIKE_MAX 64 /* bytes of a word that are looked at */
/* before + word + after for LIKE … ESCAPE '\\': what it would take as a pattern is escaped; lower case. */
const char *like_pattern(struct arena *a, const char *before, const char *word, size_t n, const char *after);
/* "%,shop,%", for a list of services; NULL for NULL. */
const char *service_pattern(struct arena *a, const char *service);

/* A growing array on an arena. */
struct rows {
	void *p;
	size_t size, count, capacity;
};
/* Room for one more, zeroed; NULL when the arena is full. */
void *rows_add(struct rows *rows, struct arena *a);

/* Steps a bound statement to its end, one `row` a row. 0, or a negative errno; the statement is
 * reset. */
typedef int (*row_fn)(struct reader *r, void *row, struct error *err);
int rows_read(struct stmt *st, struct arena *a, size_t size, row_fn row, void **out, size_t *count,
	struct error *err);
/* The same, behind those that are there; rows->size is set. */
int rows_append(struct stmt *st, struct arena *a, struct rows *rows, row_fn row, struct error *err);
/* The one row of a bound statement into *out; -ENOENT when there is none (err is left to the
 * caller). */
int row_read(struct stmt *st, struct arena *a, row_fn row, void *out, struct error *err);
/* The first column of the one row; 0 when there is none or it is NULL. */
int int_read(struct stmt *st, int64_t *out, struct error *err);

#endif
