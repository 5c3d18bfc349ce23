#include "store/metrics.h"

#include <errno.h>

#include "base/str.h"
#include "store/incident_row.h"
#include "store/record.h"

enum { ROWS, COUNT };

/* Two counts in one number, of one pass over what belongs to the incident: how many, and above 2^32 how
 * many of these were in time. */
#define BOTH    INT64_C(4294967296)
#define EITHER(all, in_time) "sum(CASE WHEN " in_time " THEN 4294967297 WHEN " all " THEN 1 ELSE 0 END)"
/* A status update counts once its time has passed: kept, or missed. */
#define UPDATES                                                                                        \
	"(SELECT " EITHER("promise.state = 'kept' OR promise.missed_at IS NOT NULL",                   \
		"promise.missed_at IS NULL AND promise.state = 'kept'")                                \
	" FROM promise WHERE promise.incident = incident.id AND promise.kind = 'update')"
#define FOLLOWUPS                                                                                      \
	"(SELECT " EITHER("followup.due_at < $1 OR followup.state = 'done'",                           \
		"followup.ended_at <= followup.due_at AND followup.state = 'done'")                    \
	" FROM followup WHERE followup.incident = incident.id"                                         \
	" AND followup.state <> 'cancelled' AND followup.due_at IS NOT NULL)"

static const char *const sql[COUNT] = {
	[ROWS] = "SELECT id, severity, state, drill, merged_into, impact_at, detected_at, declared_at,"
		" acknowledged_at, mitigated_at, resolved_at,"
		" (SELECT again FROM cause WHERE cause.incident = incident.id), "
		UPDATES ", " FOLLOWUPS ", services"
		" FROM incident WHERE declared_at >= $2 AND declared_at < $3"
		" AND ($4 = 0 OR severity = $4) AND ($5 = 1 OR is_private = 0)"
		" AND ($6 IS NULL OR " INCIDENT_SERVICES " LIKE $6 ESCAPE '\\')"
		" AND ($7 IS NULL OR environment = $7)",
};
const struct record_sql metric_sql = { "metrics", sql, COUNT };

static void pair_read(struct reader *r, int column, int64_t *all, int64_t *in_time)
{
	int64_t both = read_int(r, column);

	*all = both % BOTH;
	*in_time = both / BOTH;
}

static int row_of(struct reader *r, void *row, struct error *err)
{
	struct metric_row *m = row;

	*m = (struct metric_row){ .id = read_int(r, 0), .severity = (int)read_int(r, 1) };
	if (!state_parse(db_text(r->st, 2), &m->state))
		return error_set(err, -EUCLEAN, "INC-%lld has a state that nobody knows", (long long)m->id);
	m->drill = read_bool(r, 3);
	m->merged = read_int(r, 4) != 0;
	m->impact_at = read_int(r, 5);
	m->detected_at = read_int(r, 6);
	m->declared_at = read_int(r, 7);
	m->acknowledged_at = read_int(r, 8);
	m->mitigated_at = read_int(r, 9);
	m->resolved_at = read_int(r, 10);
	m->repeat = read_int(r, 11) != 0;
	pair_read(r, 12, &m->updates_due, &m->updates_kept);
	pair_read(r, 13, &m->followups_due, &m->followups_on_time);
	m->services = read_text(r, 14);
	return 0;
}

int metric_rows(struct store *s, struct arena *a, const struct metric_filter *f, struct metric_row **out,
	size_t *count, struct error *err)
{
	struct stmt *st = store_stmt(s, RECORD_METRIC, ROWS);
	void *rows;

	db_bind(st, "iiii" "btt", f->now, f->since, f->until, (int64_t)f->severity, (int)f->sees_all,
		service_pattern(a, f->service), f->environment);
	int rc = rows_read(st, a, sizeof(struct metric_row), row_of, &rows, count, err);
	*out = rows;
	return rc;
}
