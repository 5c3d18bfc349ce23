#include "store/incident_terms.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "store/record.h"

#define LONG_FROM      2000  /* incidents: fewer are read sooner than one knows their words */
#define CANDIDATES_MAX 16384 /* of more, a list is full before many rows are read */

enum { NEWEST, CHANGED, INCIDENTS, ROLES, DECLARED, COUNT };

static const char *const sql[COUNT] = {
	[NEWEST] = "SELECT max(id) FROM incident WHERE id < $1",
	/* Another number whenever another connection has changed something. */
	[CHANGED] = "PRAGMA data_version",
	[INCIDENTS] = "SELECT id, title, impact, services, environment, source, reporter FROM incident ORDER BY id",
	[ROLES] = "SELECT incident, person FROM role",
	[DECLARED] = "SELECT declared_at FROM incident WHERE id = $1",
};
const struct record_sql terms_sql = { "terms", sql, COUNT };

static struct stmt *stmt_of(struct store *s, int n)
{
	return store_stmt(s, RECORD_TERMS, n);
}

/* ---- keeping them --------------------------------------------------------------------------------- */

/* In the order of INCIDENTS; in the first of them words are looked for. */
enum { TITLE, IMPACT, SERVICES, WORDS, ENVIRONMENT = WORDS, SOURCE, REPORTER, TEXTS };

/* Of a text that is not well-formed, SQLite's LIKE may find more than its bytes say. */
static bool well_formed(const char *const texts[TEXTS])
{
	for (int i = 0; i < WORDS; i++)
		if (texts[i] && !text_valid(texts[i], strlen(texts[i])))
			return false;
	return true;
}

static uint64_t texts_hash(const char *const texts[TEXTS])
{
	uint64_t hash = 1;

	for (int i = 0; i < TEXTS; i++)
		hash = texts[i] ? hash_bytes(hash, texts[i], strlen(texts[i])) : hash_bytes(hash, "", 1);
	return hash;
}

static void texts_put(struct terms *t, int64_t id, const char *const texts[TEXTS])
{
	if (!terms_news(t, id, texts_hash(texts)))
		return;
	if (!well_formed(texts))
		terms_add_any(t, id);
	for (int i = 0; i < WORDS; i++)
		terms_add_words(t, id, texts[i]);
	terms_add(t, id, TERM_ENVIRONMENT, texts[ENVIRONMENT]);
	terms_add(t, id, TERM_SOURCE, texts[SOURCE]);
	terms_add(t, id, TERM_PERSON, texts[REPORTER]);
}

void incident_terms_put(struct store *s, const struct incident *inc)
{
	const char *const texts[TEXTS] = { inc->title, inc->impact, inc->services, inc->environment,
		inc->source, inc->reporter };

	if (s->terms)
		texts_put(s->terms, inc->id, texts);
}

void incident_terms_person(struct store *s, int64_t incident, const char *person)
{
	if (s->terms)
		terms_add(s->terms, incident, TERM_PERSON, person);
}

static void forget(struct store *s)
{
	terms_destroy(s->terms);
	s->terms = NULL;
	s->terms_unsure = false;
}

/* What was added since they were read may stay. But what they were read from may have stood where
 * something else stands again. */
void incident_terms_undone(struct store *s)
{
	if (s->terms_unsure)
		forget(s);
}

/* ---- reading them --------------------------------------------------------------------------------- */

static void row_put(struct terms *t, struct stmt *st)
{
	const char *texts[TEXTS];

	for (int i = 0; i < TEXTS; i++)
		texts[i] = db_text(st, i + 1);
	texts_put(t, db_int(st, 0), texts);
}

static int terms_read(struct store *s, struct error *err)
{
	struct stmt *st = stmt_of(s, INCIDENTS);
	int rc;

	s->terms = terms_create();
	db_bind(st, "");
	while ((rc = db_step(st, err)) == DB_ROW)
		row_put(s->terms, st);
	if (rc == 0) {
		st = stmt_of(s, ROLES);
		db_bind(st, "");
		while ((rc = db_step(st, err)) == DB_ROW)
			incident_terms_person(s, db_int(st, 0), db_text(st, 1));
	}
	s->terms_unsure = db_in_transaction(s->db) && db_changes_ever(s->db) != s->changes_begin;
	if (rc)
		forget(s);
	return rc;
}

/* Is the record so long that knowing the words pays? */
static int is_long(struct store *s, bool *yes, struct error *err)
{
	int64_t newest;

	db_bind(stmt_of(s, NEWEST), "i", (int64_t)INCIDENT_PROTECTED_FIRST);
	int rc = int_read(stmt_of(s, NEWEST), &newest, err);
	*yes = rc == 0 && newest >= LONG_FROM;
	return rc;
}

/* s->terms as the record is now, or NULL where it does without. */
static int terms_ready(struct store *s, struct error *err)
{
	int64_t version;
	bool yes;

	if (s->read_only)
		return 0;
	db_bind(stmt_of(s, CHANGED), "");
	int rc = int_read(stmt_of(s, CHANGED), &version, err);
	if (rc)
		return rc;
	if (s->terms && s->terms_version != version)
		forget(s);
	if (s->terms)
		return 0;
	rc = is_long(s, &yes, err);
	if (rc || !yes)
		return rc;
	s->terms_version = version;
	return terms_read(s, err);
}

/* ---- asking --------------------------------------------------------------------------------------- */

/* Are the bytes all that SQLite compares? What it reads as U+FFFD is equal to all that is not well-formed. */
static bool is_exact(const char *p, size_t n)
{
	if (!text_valid(p, n))
		return false;
	for (size_t i = 0; i + 2 < n; i++)
		if (memcmp(p + i, "\xef\xbf", 2) == 0 && (unsigned char)p[i + 2] >= 0xbd)
			return false;
	return true;
}

/* One letter stands in most words. */
static bool can_narrow(const char *p, size_t n)
{
	return n > 1 && is_exact(p, n);
}

static bool asks_terms(const struct incident_filter *f, const struct term_words *words)
{
	bool any = f->service || f->environment || f->source || f->person;

	for (size_t i = 0; i < words->count; i++)
		any |= can_narrow(words->word[i].p, words->word[i].n);
	return any;
}

/* The names of services are words of theirs; what is matched is cut as service_pattern() does. */
static void ask_service(struct terms_query *q, const char *service)
{
	const char *end = service + (strlen(service) <= LIKE_MAX ? strlen(service) : text_cut(service, LIKE_MAX));

	for (const char *p = service; p < end;) {
		size_t n = strcspn(p, TERM_BLANKS);

		n = n < (size_t)(end - p) ? n : (size_t)(end - p);
		if (n)
			terms_ask_term(q, TERM_WORD, p, n);
		p += n + 1;
	}
}

static void ask_name(struct terms_query *q, enum term_kind kind, const char *name)
{
	if (name)
		terms_ask_term(q, kind, name, strlen(name));
}

static struct terms_query *ask(const struct terms *t, const struct incident_filter *f,
	const struct term_words *words)
{
	struct terms_query *q = terms_ask(t);

	if (f->service && is_exact(f->service, strlen(f->service)))
		ask_service(q, f->service);
	ask_name(q, TERM_ENVIRONMENT, f->environment);
	ask_name(q, TERM_SOURCE, f->source);
	ask_name(q, TERM_PERSON, f->person);
	for (size_t i = 0; i < words->count; i++)
		if (can_narrow(words->word[i].p, words->word[i].n))
			terms_ask_part(q, words->word[i].p, words->word[i].n);
	return q;
}

static int64_t *ids_create(size_t count)
{
	int64_t *ids = calloc(count + 1, sizeof(*ids));

	if (!ids)
		abort();
	return ids;
}

static int newest_first(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x < y) - (x > y);
}

struct declared {
	int64_t at, id;
};

static int latest_first(const void *a, const void *b)
{
	const struct declared *x = a, *y = b;

	return x->at != y->at ? (x->at < y->at) - (x->at > y->at) : newest_first(&x->id, &y->id);
}

/* One that is gone is as good as any: it is not found afterwards. */
static int sort_by_time(struct store *s, struct candidates *c, struct error *err)
{
	struct declared *d = calloc(c->count + 1, sizeof(*d));
	int rc = 0;

	if (!d)
		abort();
	for (size_t i = 0; i < c->count && rc == 0; i++) {
		d[i].id = c->ids[i];
		db_bind(stmt_of(s, DECLARED), "i", d[i].id);
		rc = int_read(stmt_of(s, DECLARED), &d[i].at, err);
	}
	qsort(d, c->count, sizeof(*d), latest_first);
	for (size_t i = 0; i < c->count; i++)
		c->ids[i] = d[i].id;
	free(d);
	return rc;
}

/* By time, more than a few would have to be looked up for their order. */
static int by_terms(struct store *s, const struct incident_filter *f, const struct term_words *words,
	bool by_time, struct candidates *c, struct error *err)
{
	int rc = terms_ready(s, err);

	if (rc || !s->terms)
		return rc;
	struct terms_query *q = ask(s->terms, f, words);
	c->count = terms_answer(q, NULL, 0);
	c->narrow = c->count <= (by_time ? CANDIDATES_FEW : CANDIDATES_MAX);
	if (c->narrow) {
		c->ids = ids_create(c->count);
		terms_answer(q, c->ids, c->count);
		qsort(c->ids, c->count, sizeof(*c->ids), newest_first);
	}
	terms_query_destroy(q);
	return c->narrow && by_time ? sort_by_time(s, c, err) : 0;
}

int incident_candidates(struct store *s, const struct incident_filter *f, const struct term_words *words,
	bool by_time, struct candidates *c, struct error *err)
{
	*c = (struct candidates){ 0 };
	return asks_terms(f, words) ? by_terms(s, f, words, by_time, c, err) : 0;
}
