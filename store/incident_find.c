#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "base/str.h"
#include "store/incident_row.h"
#include "store/incidents.h"

/*
 * One statement for each index that can lead, all with the same conditions behind; what is not
 * asked for is a parameter that lets everything pass. Text is matched row by row: there is no index
 * for it.
 */
enum { BY_OPEN, BY_STATE, BY_WINDOW, BY_SEVERITY, BY_ID, COUNT };

#define WORDS_MAX      4
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

#define FIND(after, driver, order)                                                                 \
	"SELECT " INCIDENT_COLUMNS " FROM incident WHERE ($1 = 0 OR severity = $1)"                \
	" AND ($2 IS NULL OR state = $2)"                                                          \
	" AND ($3 = 0 OR declared_at >= $3) AND ($4 = 0 OR declared_at <= $4)"                     \
	" AND ($5 = 0 OR " after ") AND " KNOWN                                                    \
	" AND ($8 IS NULL OR environment = $8) AND ($9 IS NULL OR source = $9)"                    \
	" AND ($10 IS NULL OR " INCIDENT_SERVICES " LIKE $10 ESCAPE '\\')"    \
	" AND ($11 IS NULL OR reporter = $11 OR EXISTS (SELECT 1 FROM role"                        \
	"  WHERE role.incident = incident.id AND role.person = $11))"                              \
	HAS_WORD("$12") HAS_WORD("$13") HAS_WORD("$14") HAS_WORD("$15")                            \
	driver " ORDER BY " order " LIMIT $16"

static const char *const sql[COUNT] = {
	[BY_OPEN] = FIND(AFTER_SEVERITY, " AND " INCIDENT_ACTIVE, "severity, id DESC"),
	[BY_STATE] = FIND(AFTER_ID, " AND state = $2", "id DESC"),
	[BY_WINDOW] = FIND(AFTER_DECLARED, " AND declared_at >= $3 AND declared_at <= $4",
		"declared_at DESC, id DESC"),
	[BY_SEVERITY] = FIND(AFTER_ID, " AND severity = $1", "id DESC"),
	[BY_ID] = FIND(AFTER_ID, "", "id DESC"),
};
const struct record_sql find_sql = { "incident_find", sql, COUNT };

void incident_filter_init(struct incident_filter *f)
{
	*f = (struct incident_filter){ .state = -1, .limit = 20 };
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

/* More words, or longer ones, than are looked for: the rest is not asked for. */
static void words_split(struct arena *a, const char *text, const char *words[WORDS_MAX])
{
	const char *blank = " \t\n,";

	for (int i = 0; text && i < WORDS_MAX; i++) {
		text += strspn(text, blank);
		size_t n = strcspn(text, blank);
		if (n == 0)
			return;
		size_t used = n <= WORD_MAX ? n : text_cut(text, WORD_MAX);
		words[i] = like_pattern(a, "%", text, used, "%");
		text += n;
	}
}

int incident_find(struct store *s, struct arena *a, const struct incident_filter *f,
	struct incident **out, size_t *count, struct error *err)
{
	struct stmt *st = store_stmt(s, RECORD_FIND, driver_of(f));
	const char *words[WORDS_MAX] = { NULL };
	int64_t until = f->until;
	void *rows;

	if (f->limit < 1 || f->limit > FIND_LIMIT_MAX)
		return error_set(err, -EINVAL, "a list has 1 to %d incidents", FIND_LIMIT_MAX);
	words_split(a, f->text, words);
	if (until == 0)
		until = INT64_MAX;
	db_bind(st, "itiiibt" "tttttttt" "i", (int64_t)f->severity,
		f->state >= 0 ? state_name((enum incident_state)f->state) : NULL, f->since, until,
		f->before_id, (int)f->sees_all, f->viewer, f->environment, f->source,
		service_pattern(a, f->service),
		f->person, words[0], words[1], words[2], words[3], (int64_t)f->limit);
	int rc = rows_read(st, a, sizeof(struct incident), incident_row, &rows, count, err);
	*out = rows;
	return rc;
}
