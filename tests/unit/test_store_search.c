/*
 * Searching a long record with the words in memory finds what reading every row finds, in its order: the
 * same filters are asked of a second store, which only reads and so keeps nothing in memory. Random
 * incidents, changes, roles, transactions undone in every way, restarts, and changes by another program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/db.h"
#include "store/record.h"
#include "store/terms.h"
#include "support_store.h"

#define STEPS 400 /* SITREP_SEARCHES: another number of them; SITREP_SEED: another beginning */
#define FIRST 5000 /* numbers begin where a record is long enough to be kept in memory */

struct dice {
	uint64_t state;
};

static unsigned roll(struct dice *d, unsigned below)
{
	d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(d->state >> 33) % below;
}

static void arena_renew(struct scratch *x)
{
	arena_destroy(x->arena);
	x->arena = arena_create(16u << 20);
}

#define ANY(d, list) (list)[roll(d, sizeof(list) / sizeof(*(list)))]

/* Pieces that words are put together of: case, several bytes, patterns' own signs, what is not well-formed. */
static const char *const pieces[] = { "a", "B", "pay", "PAY", "ment", "db", "eu", "_", "%", "\\", "é", "É", "ü",
	"日本", "ß", "ſ", "K", "0", "42", "-", ".", "'", "\"", "\x01", "\xef\xbf\xbd", "\xef\xbf\xbe", "\xff", "\xc3",
	"\xe0\x83\xa9", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz" };
static const char *const blanks[] = { " ", ", ", ",", "\t", "\n", "  " };
static const char *const people[] = { "slack:U1", "slack:u1", "slack:U2", "unix:0", "pay" };
static const char *const places[] = { "production", "Production", "staging", "pay" };
static const char *const sources[] = { "chat", "alert", "production" };

static char *words_random(struct scratch *x, struct dice *d, unsigned most)
{
	char text[2048] = "";

	for (unsigned i = roll(d, most + 1); i > 0; i--) {
		for (unsigned k = 1 + roll(d, 3); k > 0; k--)
			strcat(text, ANY(d, pieces));
		strcat(text, i > 1 || roll(d, 8) == 0 ? ANY(d, blanks) : "");
	}
	return arena_strdup(x->arena, text);
}

static char *maybe(struct scratch *x, struct dice *d, const char *text)
{
	return roll(d, 4) ? arena_strdup(x->arena, text) : NULL;
}

static void texts_random(struct scratch *x, struct dice *d, struct incident *inc)
{
	inc->title = words_random(x, d, 5);
	if (!*inc->title)
		inc->title = arena_strdup(x->arena, "untitled");
	inc->impact = roll(d, 2) ? words_random(x, d, 6) : NULL;
	inc->services = roll(d, 2) ? words_random(x, d, 3) : NULL;
	inc->environment = maybe(x, d, ANY(d, places));
	inc->source = maybe(x, d, ANY(d, sources));
	inc->reporter = maybe(x, d, ANY(d, people));
}

/* ---- asking both -------------------------------------------------------------------------- */

static struct incident_filter filter_random(struct scratch *x, struct dice *d)
{
	struct incident_filter f;

	incident_filter_init(&f);
	f.limit = roll(d, 3) ? 500 : 1 + (int)roll(d, 20);
	f.sees_all = roll(d, 2);
	f.viewer = roll(d, 2) ? ANY(d, people) : NULL;
	if (roll(d, 3))
		f.text = words_random(x, d, 2);
	if (roll(d, 5) == 0)
		f.service = roll(d, 2) ? ANY(d, pieces) : words_random(x, d, 2);
	if (roll(d, 5) == 0)
		f.environment = ANY(d, places);
	if (roll(d, 5) == 0)
		f.source = ANY(d, sources);
	if (roll(d, 5) == 0)
		f.person = ANY(d, people);
	if (roll(d, 5) == 0)
		f.severity = 1 + (int)roll(d, 4);
	if (roll(d, 5) == 0)
		f.state = (int)roll(d, STATE_COUNT);
	f.open_only = roll(d, 10) == 0;
	if (roll(d, 5) == 0)
		f.since = 1 + roll(d, 1000);
	if (roll(d, 5) == 0)
		f.until = 1 + roll(d, 1000);
	if (roll(d, 5) == 0)
		f.before_id = FIRST + roll(d, 400);
	return f;
}

static bool in_window(const struct incident_filter *f, const struct incident *inc)
{
	return inc->declared_at >= f->since && (!f->until || inc->declared_at <= f->until);
}

/* By reading every row. A window beside a state is a range of an index, in a store that only reads, too: it is
 * left to us. No record here is longer than a list may be. */
static void rows_read_all(struct scratch *x, struct store *reader, const struct incident_filter *f,
	struct incident **out, size_t *count)
{
	struct incident_filter wide = *f;
	bool ours = f->state >= 0 && !f->open_only;
	size_t n = 0;

	if (ours) {
		wide.since = wide.until = 0;
		wide.limit = 500;
	}
	assert_int_equal(incident_find(reader, x->arena, &wide, out, count, &x->err), 0);
	for (size_t i = 0; ours && i < *count; i++)
		if (n < (size_t)f->limit && in_window(f, &(*out)[i]))
			(*out)[n++] = (*out)[i];
	*count = ours ? n : *count;
}

static size_t same(struct scratch *x, struct store *reader, const struct incident_filter *f)
{
	struct incident *got, *want;
	size_t n, m;

	if (incident_find(x->store, x->arena, f, &got, &n, &x->err))
		fail_msg("%s", x->err.text);
	rows_read_all(x, reader, f, &want, &m);
	for (size_t i = 0; i < n || i < m; i++)
		if (i >= n || i >= m || got[i].id != want[i].id)
			fail_msg("text %s, service %s, person %s, state %d, severity %d, window %lld %lld: "
				 "%zu and %zu found, unlike from %zu on: %lld, %lld",
				f->text ? f->text : "-", f->service ? f->service : "-",
				f->person ? f->person : "-", f->state, f->severity, (long long)f->since,
				(long long)f->until, n, m, i, i < n ? (long long)got[i].id : 0,
				i < m ? (long long)want[i].id : 0);
	return n;
}

static struct store *reader_open(struct scratch *x)
{
	struct store_options o = { .path = x->path, .read_only = true };
	struct store *reader;

	if (store_open(&reader, &o, &x->err))
		fail_msg("%s", x->err.text);
	return reader;
}

/* ---- random changes ----------------------------------------------------------------------- */

struct world {
	struct scratch *x;
	struct dice *d;
	unsigned count; /* of incidents, numbered from FIRST; protected ones beside */
	unsigned finds, found;
};

static int64_t some_id(struct world *w)
{
	return w->count ? FIRST + roll(w->d, w->count) : FIRST;
}

static void do_insert(struct world *w)
{
	struct incident inc = { .id = FIRST + w->count, .severity = 1 + (int)roll(w->d, 4),
		.state = (enum incident_state)roll(w->d, STATE_COUNT), .declared_at = 1 + roll(w->d, 1000),
		.is_private = roll(w->d, 4) == 0 };

	if (w->count >= 350)
		return;
	if (inc.is_private && roll(w->d, 2))
		inc.id = INCIDENT_PROTECTED_FIRST + roll(w->d, 1u << 29);
	texts_random(w->x, w->d, &inc);
	if (incident_insert(w->x->store, &inc, &w->x->err))
		fail_msg("%s", w->x->err.text);
	w->count += inc.id < INCIDENT_PROTECTED_FIRST;
}

static void do_save(struct world *w)
{
	struct incident inc;

	if (incident_load(w->x->store, w->x->arena, some_id(w), &inc, &w->x->err))
		return;
	if (roll(w->d, 3))
		texts_random(w->x, w->d, &inc);
	inc.state = (enum incident_state)roll(w->d, STATE_COUNT);
	if (incident_save(w->x->store, &inc, &w->x->err))
		fail_msg("%s", w->x->err.text);
}

static void do_role(struct world *w)
{
	int64_t id = some_id(w);

	if (roll(w->d, 4) == 0)
		role_release(w->x->store, id, "scribe", NULL);
	else if (w->count)
		assert_int_equal(role_assign(w->x->store, id, "scribe", ANY(w->d, people), 5, &w->x->err), 0);
}

/* What is seen within a transaction counts for nothing; but it is where words may come to be read. */
static void do_find(struct world *w)
{
	struct incident_filter f = filter_random(w->x, w->d);
	struct incident *rows;
	size_t n;

	assert_int_equal(incident_find(w->x->store, w->x->arena, &f, &rows, &n, &w->x->err), 0);
}

static void (*const steps[])(struct world *w) = { do_insert, do_insert, do_save, do_save, do_role, do_find };

/* A request within a batch: sometimes undone. */
static void request(struct world *w)
{
	unsigned count = w->count;

	assert_int_equal(store_savepoint(w->x->store, &w->x->err), 0);
	for (unsigned i = 1 + roll(w->d, 4); i > 0; i--)
		ANY(w->d, steps)(w);
	if (roll(w->d, 4)) {
		assert_int_equal(store_release(w->x->store, &w->x->err), 0);
		return;
	}
	store_undo(w->x->store);
	w->count = count;
}

static void batch(struct world *w)
{
	bool together = roll(w->d, 2);
	unsigned count = w->count;
	int rc = together ? store_begin_together(w->x->store, &w->x->err) : store_begin(w->x->store, &w->x->err);

	assert_int_equal(rc, 0);
	for (unsigned i = 1 + roll(w->d, 5); i > 0 && !store_spoiled(w->x->store); i--)
		request(w);
	if (store_spoiled(w->x->store) || roll(w->d, 5) == 0) {
		store_rollback(w->x->store);
		w->count = count;
	} else if (store_commit(w->x->store, &w->x->err)) {
		fail_msg("%s", w->x->err.text);
	}
}

static void by_another_program(struct world *w)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "UPDATE incident SET title = 'db PAYment %u, again', reporter = '%s' WHERE id = %lld",
		roll(w->d, 100), ANY(w->d, people), (long long)some_id(w));
	scratch_sql(w->x, sql);
}

static void check(struct world *w, struct store *reader)
{
	for (int i = 0; i < 8; i++) {
		struct incident_filter f = filter_random(w->x, w->d);

		w->finds++;
		w->found += same(w->x, reader, &f) > 0;
	}
}

static void run(struct scratch *x, struct dice *d, unsigned batches)
{
	struct world w = { .x = x, .d = d };
	struct store *reader = reader_open(x);
	unsigned in_memory = 0;

	for (unsigned i = 0; i < batches; i++) {
		batch(&w);
		if (roll(d, 50) == 0)
			by_another_program(&w);
		if (roll(d, 40) == 0)
			scratch_reopen(x);
		check(&w, reader);
		in_memory += x->store->terms != NULL;
		arena_renew(x);
	}
	store_close(reader);
	/* Otherwise nothing was compared. */
	assert_true(w.count > 200 && in_memory > batches / 2);
	assert_true(w.found > w.finds / 10 && w.found < w.finds);
}

static void random_searches_find_what_every_row_says(void **state)
{
	const char *one = getenv("SITREP_SEED"), *many = getenv("SITREP_SEARCHES");
	struct dice d = { one ? strtoull(one, NULL, 10) : 1 };

	run(*state, &d, many ? (unsigned)strtoul(many, NULL, 10) : STEPS);
}

/* ---- by name ------------------------------------------------------------------------------ */

static int64_t put(struct scratch *x, int64_t id, const char *title)
{
	struct incident inc = { .id = id, .title = arena_strdup(x->arena, title), .severity = 2,
		.state = STATE_CLOSED, .declared_at = 1 };

	if (incident_insert(x->store, &inc, &x->err))
		fail_msg("%s", x->err.text);
	return inc.id;
}

static size_t finds(struct scratch *x, const char *text)
{
	struct incident_filter f;
	struct incident *rows;
	size_t n;

	incident_filter_init(&f);
	f.text = text;
	assert_int_equal(incident_find(x->store, x->arena, &f, &rows, &n, &x->err), 0);
	return n;
}

/* Words read in the middle of a transaction that is undone are those of a record that never was. */
static void words_of_what_was_undone_are_read_again(void **state)
{
	struct scratch *x = *state;
	struct incident inc;

	STORED(x, put(x, FIRST, "the first title") > 0 ? 0 : -1);
	STORED(x, role_assign(x->store, FIRST, "scribe", "slack:U1", 5, &x->err));
	for (int way = 0; way < 4; way++) {
		scratch_reopen(x);
		assert_int_equal(way == 2 ? store_begin_together(x->store, &x->err) : store_begin(x->store, &x->err), 0);
		assert_int_equal(store_savepoint(x->store, &x->err), 0);
		assert_int_equal(incident_load(x->store, x->arena, FIRST, &inc, &x->err), 0);
		inc.title = arena_strdup(x->arena, "another one");
		assert_int_equal(incident_save(x->store, &inc, &x->err), 0);
		assert_int_equal(finds(x, "another"), 1);
		assert_int_equal(finds(x, "first"), 0);
		if (way == 3) /* the commit itself is refused */
			assert_int_equal(db_script(store_db(x->store), "PRAGMA defer_foreign_keys = 1;"
				" UPDATE role SET incident = 1", &x->err), 0);
		else if (way)
			store_undo(x->store);
		if (way == 1)
			assert_int_equal(store_commit(x->store, &x->err), 0);
		else if (way == 3)
			assert_int_not_equal(store_commit(x->store, &x->err), 0);
		else
			store_rollback(x->store);
		assert_int_equal(finds(x, "first"), 1);
		assert_int_equal(finds(x, "another"), 0);
	}
}

static void a_short_record_keeps_no_words(void **state)
{
	struct scratch *x = *state;
	struct store *reader;

	STORED(x, put(x, 0, "checkout is failing") > 0 ? 0 : -1);
	assert_int_equal(finds(x, "checkout"), 1);
	assert_null(x->store->terms);
	STORED(x, put(x, FIRST, "a late one") > 0 ? 0 : -1);
	assert_int_equal(finds(x, "checkout"), 1);
	assert_non_null(x->store->terms);
	reader = reader_open(x);
	struct incident_filter f;
	incident_filter_init(&f);
	f.text = "checkout";
	assert_int_equal(same(x, reader, &f), 1);
	assert_null(reader->terms);
	store_close(reader);
}

/* A service is found by its whole name, of any case, blanks and all; only so much of a long name is looked at. */
static void services_with_odd_names(void **state)
{
	static const struct {
		const char *services, *ask;
		size_t found;
	} cases[] = {
		{ "Pay ments, shop", "pay ments", 1 },
		{ "Pay ments, shop", "pay", 0 },
		{ "Pay ments, shop", "ments", 0 },
		{ "a,b,c", "a,b", 1 },
		{ "a, b", "a, b", 0 }, /* between two of them no blank counts */
		{ "shop", "SHOP", 1 },
		{ "shop ", "shop", 0 },
		{ "shop-2", "shop", 0 },
		{ "n123456789012345678901234567890123456789012345678901234567890123",
			"n123456789012345678901234567890123456789012345678901234567890123-and-more", 1 },
		{ "", "", 1 },
		{ "shop,", "", 1 },
	};
	struct scratch *x = *state;
	struct store *reader = reader_open(x);
	struct incident_filter f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct incident inc = { .id = FIRST, .title = arena_strdup(x->arena, "shop, pay ments"), .severity = 1,
			.declared_at = 1, .services = arena_strdup(x->arena, cases[i].services) };

		scratch_sql(x, "DELETE FROM incident");
		STORED(x, incident_insert(x->store, &inc, &x->err));
		incident_filter_init(&f);
		f.service = cases[i].ask;
		if (same(x, reader, &f) != cases[i].found)
			fail_msg("%s of %s", cases[i].ask, cases[i].services);
	}
	store_close(reader);
}

/* Many that have the word, few that fit otherwise: tried one by one up to a point, the rest is read. And
 * lists longer than any that is looked at one by one. */
static void a_long_record(void **state)
{
	static const char *const texts[] = { "rare", "often", "common", "number", "often 7", "777", "often rare", "x" };
	struct scratch *x = *state;
	struct store *reader = reader_open(x);
	struct incident_filter f;
	size_t found = 0;

	scratch_sql(x, "INSERT INTO incident (id, title, severity, state, services, environment, customer_reported,"
		       " is_private, drill, declared_at, revision) WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT"
		       " i + 1 FROM c WHERE i < 18000) SELECT i, CASE WHEN i % 6000 = 7 THEN 'rare' WHEN i % 3 = 0 THEN"
		       " 'often' ELSE 'seldom' END || ' common number ' || i, 1 + (i > 17500), CASE WHEN i % 1000 = 0"
		       " THEN 'cancelled' ELSE 'closed' END, 'shop-' || (i % 9), NULL, 0, 0, 0, i * 7919 % 18000, 1 FROM c");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (int way = 0; way < 32; way++) {
			incident_filter_init(&f);
			f.text = texts[i];
			f.limit = 500;
			f.severity = way & 1 ? 1 : 0;
			f.state = way & 2 ? STATE_CANCELLED : -1;
			f.before_id = way & 4 ? 17000 : 0;
			f.since = way & 8 && f.state < 0 ? 9000 : 0;
			f.service = way & 16 ? "shop-3" : NULL;
			found += same(x, reader, &f) > 0;
			arena_renew(x);
		}
	assert_true(found > 60);
	/* The newest fit, and then as many do not that the rest is read: nothing is found twice. */
	incident_filter_init(&f);
	f.text = "often";
	f.severity = 2;
	f.limit = 500;
	assert_int_equal(same(x, reader, &f), 167);
	/* A narrow window beside a state, and one with more in it than is looked at one by one. */
	incident_filter_init(&f);
	f.state = STATE_CANCELLED;
	f.limit = 500;
	f.since = 17000;
	assert_true(same(x, reader, &f) > 0);
	f.since = 9000;
	assert_true(same(x, reader, &f) > 0);
	f.since = 18001;
	assert_int_equal(same(x, reader, &f), 0);
	store_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_searches_find_what_every_row_says, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(words_of_what_was_undone_are_read_again, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(a_short_record_keeps_no_words, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(services_with_odd_names, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(a_long_record, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
