#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/str.h"
#include "store/incident_row.h"
#include "store/incident_terms.h"
#include "store/incidents.h"

/*
 * One statement for each index that can lead, all with the same conditions behind; what is not
 * asked for is a parameter that lets everything pass. The database has no index for words, services,
 * people: where few incidents may have them (store/incident_terms.h), those are looked at one by one,
 * by the last two.
 */
enum { BY_OPEN, BY_STATE, BY_WINDOW, BY_SEVERITY, BY_ID, ONE_BY_TIME, ONE_BY_ID, COUNT };

#define WORD_MAX       LIKE_MAX
#define FIND_LIMIT_MAX 500

#define HAS_WORD(n)                                                                                \
	" AND (" n " IS NULL OR lower(title) LIKE " n " ESCAPE '\\'"                               \
	" OR lower(impact) LIKE " n " ESCAPE '\\' OR lower(services) LIKE " n " ESCAPE '\\')"

/* Does the viewer know of it? */
#define KNOWN "($6 = 1 OR " INCIDENT_VISIBLE("$7") ")"

/* Those that come behind incident $5 in the order of the list. One that the viewer does not know of
 * marks no place, as one that is not there. */
#define AFTER_ID       "id < $5"
#define AFTER_DECLARED                                                                             \
	"(declared_at, id) < (SELECT declared_at, id FROM incident WHERE id = $5 AND " KNOWN ")"
#define AFTER_SEVERITY                                                                             \
	"(severity, -id) > (SELECT severity, -id FROM incident WHERE id = $5 AND " KNOWN ")"

#define FIND(after, driver, end)                                                                   \
	"SELECT " INCIDENT_COLUMNS " FROM incident WHERE ($1 = 0 OR severity = $1)"                \
	" AND ($2 IS NULL OR state = $2)"                                                          \
	" AND ($3 = 0 OR declared_at >= $3) AND ($4 = 0 OR declared_at <= $4)"                     \
	" AND ($5 = 0 OR " after ") AND " KNOWN                                                    \
	" AND ($8 IS NULL OR environment = $8) AND ($9 IS NULL OR source = $9)"                    \
	" AND ($10 IS NULL OR " INCIDENT_SERVICES " LIKE $10 ESCAPE '\\')"    \
	" AND ($11 IS NULL OR reporter = $11 OR EXISTS (SELECT 1 FROM role"                        \
	"  WHERE role.incident = incident.id AND role.person = $11))"                              \
	HAS_WORD("$12") HAS_WORD("$13") HAS_WORD("$14") HAS_WORD("$15")                            \
	driver " " end
#define ORDER(order) "ORDER BY " order " LIMIT $16"

static const char *const sql[COUNT] = {
	[BY_OPEN] = FIND(AFTER_SEVERITY, " AND " INCIDENT_ACTIVE, ORDER("severity, id DESC")),
	[BY_STATE] = FIND(AFTER_DECLARED, " AND state = $2 AND declared_at >= $3 AND declared_at <= $4",
		ORDER("declared_at DESC, id DESC")),
	[BY_WINDOW] = FIND(AFTER_DECLARED, " AND declared_at >= $3 AND declared_at <= $4",
		ORDER("declared_at DESC, id DESC")),
	[BY_SEVERITY] = FIND(AFTER_ID, " AND severity = $1", ORDER("id DESC")),
	[BY_ID] = FIND(AFTER_ID, "", ORDER("id DESC")),
	[ONE_BY_TIME] = FIND(AFTER_DECLARED, "", "AND id = $16"),
	[ONE_BY_ID] = FIND(AFTER_ID, "", "AND id = $16"),
};
const struct record_sql find_sql = { "incident_find", sql, COUNT };

void incident_filter_init(struct incident_filter *f)
{
	*f = (struct incident_filter){ .state = -1, .limit = 20 };
}

static bool by_time(int driver)
{
	return driver == BY_STATE || driver == BY_WINDOW;
}

static int driver_of(const struct incident_filter *f)
{
	if (f->open_only)
		return BY_OPEN;
	if (f->state >= 0)
		return BY_STATE;
	if (f->since || f->until)
		return BY_WINDOW;
	return f->severity ? BY_SEVERITY : BY_ID;
}

/* What all statements are bound with. */
struct find {
	struct store *store;
	struct arena *arena;
	const struct incident_filter *filter;
	const char *state, *service, *words[TERM_WORDS_MAX];
	int64_t until;
	struct rows rows;
};

/* More words, or longer ones, than are looked for: the rest is not asked for. */
static void words_split(const char *text, struct term_words *out)
{
	out->count = 0;
	for (; text && out->count < TERM_WORDS_MAX; out->count++) {
		text += strspn(text, TERM_BLANKS);
		size_t n = strcspn(text, TERM_BLANKS);
		if (n == 0)
			return;
		out->word[out->count].p = text;
		out->word[out->count].n = n <= WORD_MAX ? n : text_cut(text, WORD_MAX);
		text += n;
	}
}

/* last: the limit, or the one to look at. */
static struct stmt *find_bind(const struct find *x, int n, int64_t before_id, int64_t last)
{
	struct stmt *st = store_stmt(x->store, RECORD_FIND, n);
	const struct incident_filter *f = x->filter;

	db_bind(st, "itiiibt" "tttttttt" "i", (int64_t)f->severity, x->state, f->since, x->until,
		before_id, (int)f->sees_all, f->viewer, f->environment, f->source, x->service,
		f->person, x->words[0], x->words[1], x->words[2], x->words[3], last);
	return st;
}

static int find_rows(struct find *x, int driver, int64_t before_id, struct error *err)
{
	int64_t limit = x->filter->limit - (int64_t)x->rows.count;

	return rows_append(find_bind(x, driver, before_id, limit), x->arena, &x->rows, incident_row, err);
}

/*
 * The candidates one by one, in the order of the list. Where other conditions refuse most of many, the
 * rest is read as if there were none: those behind the last one that was looked at. (Only a list by number comes to that.)
 */
static int find_among(struct find *x, int driver, const struct candidates *c, struct error *err)
{
	int64_t before = x->filter->before_id;
	int one = by_time(driver) ? ONE_BY_TIME : ONE_BY_ID, rc = 0;

	for (size_t i = 0, tries = 0; i < c->count && rc == 0; i++) {
		if (x->rows.count == (size_t)x->filter->limit)
			return 0;
		if (one == ONE_BY_ID && before && c->ids[i] >= before)
			continue;
		if (tries++ == CANDIDATES_FEW)
			return find_rows(x, driver, c->ids[i - 1], err);
		rc = rows_append(find_bind(x, one, before, c->ids[i]), x->arena, &x->rows, incident_row, err);
	}
	return rc;
}

int incident_find(struct store *s, struct arena *a, const struct incident_filter *f,
	struct incident **out, size_t *count, struct error *err)
{
	struct find x = { .store = s, .arena = a, .filter = f, .rows.size = sizeof(struct incident) };
	struct candidates c = { 0 };
	int driver = driver_of(f);
	struct term_words words;

	*out = NULL;
	*count = 0;
	if (f->limit < 1 || f->limit > FIND_LIMIT_MAX)
		return error_set(err, -EINVAL, "a list has 1 to %d incidents", FIND_LIMIT_MAX);
	words_split(f->text, &words);
	for (size_t i = 0; i < words.count; i++)
		x.words[i] = like_pattern(a, "%", words.word[i].p, words.word[i].n, "%");
	x.state = f->state >= 0 ? state_name((enum incident_state)f->state) : NULL;
	x.service = service_pattern(a, f->service);
	x.until = f->until ? f->until : INT64_MAX;
	int rc = driver == BY_OPEN ? 0 : incident_candidates(s, f, &words, by_time(driver), &c, err);
	if (rc == 0)
		rc = c.narrow ? find_among(&x, driver, &c, err) : find_rows(&x, driver, f->before_id, err);
	free(c.ids);
	if (rc)
		return rc;
	*out = x.rows.p;
	*count = x.rows.count;
	return 0;
}
