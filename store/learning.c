#include "store/learning.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "store/incident_row.h"
#include "store/record.h"

enum {
	REVIEW, REVIEW_LATEST, REVIEW_LOAD, REVIEWS, FOLLOWUP, FOLLOWUP_SAVE, FOLLOWUP_LOAD,
	FOLLOWUPS_DUE, FOLLOWUPS_OF, FOLLOWUPS_ALL, FOLLOWUPS_COUNT, CAUSE, CAUSE_GET, CAUSE_ALIKE,
	SERVICE, COUNT,
};

#define REVIEW_FIELDS   "incident, version, state, light, author, at, waiver, body"
#define FOLLOWUP_FIELDS "incident, title, owner, priority, due_at, state, class, standard, signal," \
			" shown, links, author, created_at, ended_at, said"
#define FOLLOWUP_OF     "followup.id, followup.incident, followup.title, followup.owner,"             \
			" followup.priority, followup.due_at, followup.state, followup.class,"        \
			" followup.standard, followup.signal, followup.shown, followup.links,"        \
			" followup.author, followup.created_at, followup.ended_at, followup.said"

/* $1 incident, $2 owner, $3 service as a pattern, $4 environment, $5 state, $6 due before, $7 created
 * since, $8 sees all, $9 viewer. */
#define FOLLOWUP_WHERE                                                                                \
	" FROM followup JOIN incident ON incident.id = followup.incident"                             \
	" WHERE ($1 = 0 OR followup.incident = $1) AND ($2 IS NULL OR followup.owner = $2)"           \
	" AND ($3 IS NULL OR " INCIDENT_SERVICES " LIKE $3 ESCAPE '\\')" \
	" AND ($4 IS NULL OR incident.environment = $4)"                                              \
	" AND ($5 IS NULL OR followup.state = $5)"                                                    \
	" AND ($6 = 0 OR followup.due_at < $6) AND ($7 = 0 OR followup.created_at >= $7)"             \
	" AND ($8 = 1 OR " INCIDENT_VISIBLE("$9") ")"
#define FOLLOWUP_ORDER                                                                                \
	" ORDER BY followup.due_at IS NULL, followup.due_at, followup.priority, followup.id LIMIT $10"
#define CAUSE_OF                                                                                      \
	"SELECT cause.incident, cause.class, cause.fingerprint, incident.services,"                   \
	" incident.declared_at, cause.again"                                                          \
	" FROM cause JOIN incident ON incident.id = cause.incident"

/* People see these numbers: those of protected incidents are counted apart, so that no gap among the others tells of them. */
#define APART "1000000000000"

static const char *const sql[COUNT] = {
	[REVIEW] = "INSERT INTO review (" REVIEW_FIELDS ") VALUES ($1,"
		" (SELECT coalesce(max(version), 0) + 1 FROM review WHERE incident = $1),"
		" $2, $3, $4, $5, $6, $7)",
	[REVIEW_LATEST] = "SELECT " REVIEW_FIELDS " FROM review WHERE incident = $1"
		" ORDER BY version DESC LIMIT 1",
	[REVIEW_LOAD] = "SELECT " REVIEW_FIELDS " FROM review WHERE incident = $1 AND version = $2",
	[REVIEWS] = "SELECT version, state, author, at FROM review WHERE incident = $1"
		" ORDER BY version DESC",

	[FOLLOWUP] = "INSERT INTO followup (id, " FOLLOWUP_FIELDS ") VALUES ("
		"CASE (SELECT is_private FROM incident WHERE id = $1) WHEN 1"
		" THEN coalesce((SELECT max(id) FROM followup WHERE id > " APART "), " APART ")"
		" ELSE coalesce((SELECT max(id) FROM followup WHERE id <= " APART "), 0) END + 1,"
		" $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
	[FOLLOWUP_SAVE] = "UPDATE followup SET title = $1, owner = $2, priority = $3, due_at = $4,"
		" state = $5, class = $6, standard = $7, signal = $8, shown = $9, links = $10,"
		" ended_at = $11, said = $12 WHERE id = $13",
	[FOLLOWUP_LOAD] = "SELECT id, " FOLLOWUP_FIELDS " FROM followup WHERE id = $1",
	/* One statement for each index that can lead, as for incidents. */
	[FOLLOWUPS_DUE] = "SELECT " FOLLOWUP_OF FOLLOWUP_WHERE " AND followup.state = 'open'" FOLLOWUP_ORDER,
	[FOLLOWUPS_OF] = "SELECT " FOLLOWUP_OF FOLLOWUP_WHERE " AND followup.incident = $1" FOLLOWUP_ORDER,
	[FOLLOWUPS_ALL] = "SELECT " FOLLOWUP_OF FOLLOWUP_WHERE FOLLOWUP_ORDER,
	[FOLLOWUPS_COUNT] = "SELECT count(*)" FOLLOWUP_WHERE,

	[CAUSE] = "INSERT INTO cause (incident, class, fingerprint, again, author, at)"
		" SELECT $1, $2, $3, $4, $5, declared_at FROM incident WHERE id = $1"
		" ON CONFLICT (incident) DO UPDATE SET class = excluded.class,"
		" fingerprint = excluded.fingerprint, again = excluded.again, author = excluded.author",
	[CAUSE_GET] = CAUSE_OF " WHERE cause.incident = $1",
	[CAUSE_ALIKE] = CAUSE_OF " WHERE (cause.class = $1 OR cause.fingerprint = $2)"
		" AND cause.at >= $3 AND cause.at < $4 AND cause.incident <> $5 AND incident.is_private = 0"
		" AND incident.drill = 0 AND incident.merged_into IS NULL AND incident.state <> 'cancelled'"
		" ORDER BY cause.at DESC, cause.incident DESC LIMIT $6",
	[SERVICE] = "SELECT EXISTS (SELECT 1 FROM incident WHERE services IS NOT NULL AND is_private = 0"
		" AND " INCIDENT_SERVICES " LIKE $1 ESCAPE '\\')",
};
const struct record_sql learning_sql = { "learning", sql, COUNT };

static struct stmt *stmt_of(struct store *s, int n)
{
	return store_stmt(s, RECORD_LEARNING, n);
}

/* ---- reviews ---------------------------------------------------------------------------- */

#define BODY_MAX (1u << 20) /* bytes */

static const char *body_text(struct arena *a, const struct review *r)
{
	json_t *body = json_object();
	const char *text;

	for (int i = 0; i < REVIEW_SECTION_COUNT; i++)
		if (r->section[i] && *r->section[i])
			json_object_set_new(body, review_section_name((enum review_section)i),
				json_string(r->section[i]));
	text = json_text(a, body);
	json_decref(body);
	return text;
}

int review_insert(struct store *s, struct review *r, struct error *err)
{
	struct arena *a = arena_create(4 * BODY_MAX);
	struct review back;
	int rc = db_run(stmt_of(s, REVIEW), err, "itbtitt", r->incident, review_state_name(r->state),
		(int)r->light, r->author, r->at, r->waiver, body_text(a, r));

	if (rc == 0)
		rc = review_latest(s, a, r->incident, &back, err);
	if (rc == 0)
		r->version = back.version;
	arena_destroy(a);
	return rc;
}

static int body_read(struct reader *r, int column, struct review *out)
{
	JSON_CLEANUP json_t *body = NULL;
	const char *text = db_text(r->st, column);
	int rc = json_parse(text ? text : "", db_bytes(r->st, column), BODY_MAX, &body, NULL);

	for (int i = 0; rc == 0 && i < REVIEW_SECTION_COUNT; i++) {
		const char *section = json_get_str(body, review_section_name((enum review_section)i));

		if (!section)
			continue;
		out->section[i] = arena_try_alloc(r->arena, strlen(section) + 1);
		if (!out->section[i])
			r->full = true;
		else
			memcpy(out->section[i], section, strlen(section) + 1);
	}
	return rc;
}

static int review_row(struct reader *r, void *row, struct error *err)
{
	struct review *v = row;

	*v = (struct review){ .incident = read_int(r, 0), .version = read_int(r, 1) };
	if (!review_state_parse(db_text(r->st, 2), &v->state))
		return error_set(err, -EUCLEAN, "the postmortem of INC-%lld has a state that nobody knows",
			(long long)v->incident);
	v->light = read_bool(r, 3);
	v->author = read_text(r, 4);
	v->at = read_int(r, 5);
	v->waiver = read_text(r, 6);
	if (body_read(r, 7, v) < 0)
		return error_set(err, -EUCLEAN, "the postmortem of INC-%lld cannot be read",
			(long long)v->incident);
	return 0;
}

int review_latest(struct store *s, struct arena *a, int64_t incident, struct review *out, struct error *err)
{
	struct stmt *st = stmt_of(s, REVIEW_LATEST);

	db_bind(st, "i", incident);
	int rc = row_read(st, a, review_row, out, err);
	if (rc == -ENOENT)
		return error_set(err, rc, "INC-%lld has no postmortem", (long long)incident);
	return rc;
}

int review_load(struct store *s, struct arena *a, int64_t incident, int64_t version, struct review *out,
	struct error *err)
{
	struct stmt *st = stmt_of(s, REVIEW_LOAD);

	db_bind(st, "ii", incident, version);
	int rc = row_read(st, a, review_row, out, err);
	if (rc == -ENOENT)
		return error_set(err, rc, "the postmortem of INC-%lld has no version %lld",
			(long long)incident, (long long)version);
	return rc;
}

static int version_row(struct reader *r, void *row, struct error *err)
{
	struct review_version *v = row;

	v->version = read_int(r, 0);
	if (!review_state_parse(db_text(r->st, 1), &v->state))
		return error_set(err, -EUCLEAN, "a postmortem has a state that nobody knows");
	v->author = read_text(r, 2);
	v->at = read_int(r, 3);
	return 0;
}

int review_versions(struct store *s, struct arena *a, int64_t incident, struct review_version **out,
	size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, REVIEWS);
	void *rows;

	db_bind(st, "i", incident);
	int rc = rows_read(st, a, sizeof(struct review_version), version_row, &rows, count, err);
	*out = rows;
	return rc;
}

/* ---- follow-ups ------------------------------------------------------------------------- */

int followup_insert(struct store *s, struct followup *f, struct error *err)
{
	return db_insert(stmt_of(s, FOLLOWUP), &f->id, err, "itt" "iz" "ttttttt" "izi", f->incident, f->title,
		f->owner, (int64_t)f->priority, f->due_at, followup_state_name(f->state),
		followup_class_name(f->class), followup_standard_name(f->standard), f->signal, f->shown,
		f->links, f->by, f->created_at, f->ended_at, (int64_t)f->said);
}

static int no_followup(int64_t id, struct error *err)
{
	return error_set(err, -ENOENT, "there is no follow-up F%lld", (long long)id);
}

int followup_save(struct store *s, const struct followup *f, struct error *err)
{
	int rc = db_run(stmt_of(s, FOLLOWUP_SAVE), err, "tt" "iz" "tttttt" "zii", f->title, f->owner,
		(int64_t)f->priority, f->due_at, followup_state_name(f->state),
		followup_class_name(f->class), followup_standard_name(f->standard), f->signal, f->shown,
		f->links, f->ended_at, (int64_t)f->said, f->id);

	return rc == 0 && db_changes(s->db) == 0 ? no_followup(f->id, err) : rc;
}

static int followup_row(struct reader *r, void *row, struct error *err)
{
	struct followup *f = row;
	const char *class = db_text(r->st, 7), *standard = db_text(r->st, 8);

	*f = (struct followup){ .id = read_int(r, 0), .incident = read_int(r, 1) };
	f->title = read_text(r, 2);
	f->owner = read_text(r, 3);
	f->priority = (int)read_int(r, 4);
	f->due_at = read_int(r, 5);
	if (!followup_state_parse(db_text(r->st, 6), &f->state) ||
		(class && *class && !followup_class_parse(class, &f->class)) ||
		(standard && *standard && !followup_standard_parse(standard, &f->standard)))
		return error_set(err, -EUCLEAN, "follow-up F%lld has a state or class that nobody knows",
			(long long)f->id);
	f->signal = read_text(r, 9);
	f->shown = read_text(r, 10);
	f->links = read_text(r, 11);
	f->by = read_text(r, 12);
	f->created_at = read_int(r, 13);
	f->ended_at = read_int(r, 14);
	f->said = (int)read_int(r, 15);
	return 0;
}

int followup_load(struct store *s, struct arena *a, int64_t id, struct followup *out, struct error *err)
{
	struct stmt *st = stmt_of(s, FOLLOWUP_LOAD);

	db_bind(st, "i", id);
	int rc = row_read(st, a, followup_row, out, err);
	return rc == -ENOENT ? no_followup(id, err) : rc;
}

#define FOLLOWUP_LIMIT_MAX 1000

void followup_filter_init(struct followup_filter *f)
{
	*f = (struct followup_filter){ .state = FOLLOWUP_OPEN, .limit = 100 };
}

static void followup_bind(struct stmt *st, struct arena *a, const struct followup_filter *f, bool limited)
{
	const char *state = f->state < 0 ? NULL : followup_state_name((enum followup_state)f->state);

	db_bind(st, limited ? "itttt" "ii" "bti" : "itttt" "ii" "bt", f->incident, f->owner,
		service_pattern(a, f->service), f->environment, state, f->due_before, f->since,
		(int)f->sees_all, f->viewer, (int64_t)f->limit);
}

int followup_find(struct store *s, struct arena *a, const struct followup_filter *f, struct followup **out,
	size_t *count, struct error *err)
{
	int n = f->incident ? FOLLOWUPS_OF : f->state == FOLLOWUP_OPEN ? FOLLOWUPS_DUE : FOLLOWUPS_ALL;
	struct stmt *st = stmt_of(s, n);
	void *rows;

	if (f->limit < 1 || f->limit > FOLLOWUP_LIMIT_MAX)
		return error_set(err, -EINVAL, "a list has 1 to %d follow-ups", FOLLOWUP_LIMIT_MAX);
	followup_bind(st, a, f, true);
	int rc = rows_read(st, a, sizeof(struct followup), followup_row, &rows, count, err);
	*out = rows;
	return rc;
}

int followup_count(struct store *s, const struct followup_filter *f, int64_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, FOLLOWUPS_COUNT);
	struct arena *a = arena_create(4096);

	followup_bind(st, a, f, false);
	int rc = int_read(st, count, err);
	arena_destroy(a);
	return rc;
}

/* ---- causes ----------------------------------------------------------------------------- */

int cause_put(struct store *s, const struct cause *c, const char *by, struct error *err)
{
	const char *fingerprint = c->fingerprint && *c->fingerprint ? c->fingerprint : NULL;
	int rc = db_run(stmt_of(s, CAUSE), err, "ittzt", c->incident, cause_class_name(c->class), fingerprint,
		c->again, by);

	if (rc == 0 && db_changes(s->db) == 0)
		rc = error_set(err, -ENOENT, "there is no INC-%lld", (long long)c->incident);
	return rc;
}

static int cause_row(struct reader *r, void *row, struct error *err)
{
	struct cause *c = row;

	*c = (struct cause){ .incident = read_int(r, 0) };
	if (!cause_class_parse(db_text(r->st, 1), &c->class))
		return error_set(err, -EUCLEAN, "INC-%lld has a class of cause that nobody knows",
			(long long)c->incident);
	c->fingerprint = read_text(r, 2);
	c->services = read_text(r, 3);
	c->at = read_int(r, 4);
	c->again = read_int(r, 5);
	return 0;
}

int cause_get(struct store *s, struct arena *a, int64_t incident, struct cause *out, struct error *err)
{
	struct stmt *st = stmt_of(s, CAUSE_GET);

	db_bind(st, "i", incident);
	int rc = row_read(st, a, cause_row, out, err);
	if (rc == -ENOENT)
		return error_set(err, rc, "no cause of INC-%lld is said", (long long)incident);
	return rc;
}

int cause_alike(struct store *s, struct arena *a, const struct cause *c, int64_t since, int64_t before, int limit,
	struct cause **out, size_t *count, struct error *err)
{
	const char *class = c->class == CAUSE_UNKNOWN ? NULL : cause_class_name(c->class);
	const char *fingerprint = c->fingerprint && *c->fingerprint ? c->fingerprint : NULL;
	struct stmt *st = stmt_of(s, CAUSE_ALIKE);
	void *rows;

	db_bind(st, "tt" "iiii", class, fingerprint, since, before, c->incident, (int64_t)limit);
	int rc = rows_read(st, a, sizeof(struct cause), cause_row, &rows, count, err);
	*out = rows;
	return rc;
}

int service_known(struct store *s, const char *service, bool *known, struct error *err)
{
	struct stmt *st = stmt_of(s, SERVICE);
	struct arena *a = arena_create(4096);
	int64_t there = 0;

	db_bind(st, "t", service_pattern(a, service));
	int rc = int_read(st, &there, err);
	*known = there != 0;
	arena_destroy(a);
	return rc;
}
