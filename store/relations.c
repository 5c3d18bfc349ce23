#include "store/relations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/incident_row.h"
#include "store/record.h"

enum {
	GRANT, REVOKE, HAS, GRANTS, FOLLOW, UNFOLLOW, FOLLOWERS, TOPICS, LINK, UNLINK, LINKS,
	DIAGNOSE, ATTACH, DIAGNOSIS, DIAGNOSES, COUNT,
};

/* People see these numbers: those of protected incidents are counted apart, so that no gap among the
 * others tells that something was found. */
#define APART "1000000000000"

#define DIAGNOSIS_COLUMNS "id, incident, tool, kind, name, summary, evidence, url, author, at"
#define LINK_COLUMNS      "low, high, turned, kind, author, at"

static const char *const sql[COUNT] = {
	[GRANT] = "INSERT INTO access (incident, person, author, at) VALUES ($1, $2, $3, $4)",
	[REVOKE] = "DELETE FROM access WHERE incident = $1 AND person = $2",
	[HAS] = "SELECT 1 FROM access WHERE incident = $1 AND person = $2",
	[GRANTS] = "SELECT person, author, at FROM access WHERE incident = $1 ORDER BY person",

	[FOLLOW] = "INSERT INTO subscription (topic, person, at) VALUES ($1, $2, $3)",
	[UNFOLLOW] = "DELETE FROM subscription WHERE topic = $1 AND person = $2",
	/* Of a protected incident only those hear who may see it. */
	[FOLLOWERS] = "SELECT person FROM subscription WHERE topic = $1 AND EXISTS ("
		      "SELECT 1 FROM incident WHERE id = $2 AND "
		      INCIDENT_VISIBLE("subscription.person") ")",
	[TOPICS] = "SELECT topic FROM subscription WHERE person = $1 ORDER BY topic",

	[LINK] = "INSERT INTO incident_link (" LINK_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6)"
		 " ON CONFLICT (low, high) DO UPDATE SET turned = excluded.turned,"
		 " kind = excluded.kind, author = excluded.author, at = excluded.at",
	[UNLINK] = "DELETE FROM incident_link WHERE low = $1 AND high = $2",
	[LINKS] = "SELECT " LINK_COLUMNS " FROM incident_link WHERE low = $1 UNION ALL"
		  " SELECT " LINK_COLUMNS " FROM incident_link WHERE high = $1 ORDER BY at, low, high",

	[DIAGNOSE] = "INSERT INTO diagnosis (id, incident, tool, kind, name, summary, evidence, url,"
		     " author, at) VALUES ("
		     "CASE (SELECT is_private FROM incident WHERE id = $1) WHEN 1"
		     " THEN coalesce((SELECT max(id) FROM diagnosis WHERE id > " APART "), " APART ")"
		     " ELSE coalesce((SELECT max(id) FROM diagnosis WHERE id <= " APART "), 0) END + 1,"
		     " $1, $2, $3, $4, $5, $6, $7, $8, $9)",
	[ATTACH] = "UPDATE diagnosis SET incident = $1 WHERE id = $2",
	[DIAGNOSIS] = "SELECT " DIAGNOSIS_COLUMNS " FROM diagnosis WHERE id = $1",
	[DIAGNOSES] = "SELECT " DIAGNOSIS_COLUMNS " FROM diagnosis WHERE incident IS $1"
		      " ORDER BY id DESC LIMIT $2",
};
const struct record_sql relation_sql = { "relation", sql, COUNT };

static struct stmt *stmt_of(struct store *s, int n)
{
	return store_stmt(s, RECORD_RELATION, n);
}

/* ---- access ----------------------------------------------------------------------------- */

int access_grant(struct store *s, int64_t incident, const char *person, const char *by,
	int64_t now, struct error *err)
{
	int rc = db_run(stmt_of(s, GRANT), err, "itti", incident, person, by, now);

	if (rc == -EEXIST)
		rc = error_set(err, rc, "%s has access to INC-%lld already", person,
			(long long)incident);
	return rc;
}

int access_revoke(struct store *s, int64_t incident, const char *person, struct error *err)
{
	int rc = db_run(stmt_of(s, REVOKE), err, "it", incident, person);

	if (rc == 0 && db_changes(s->db) == 0)
		rc = error_set(err, -ENOENT, "%s was not given access to INC-%lld", person,
			(long long)incident);
	return rc;
}

int access_has(struct store *s, int64_t incident, const char *person, bool *has, struct error *err)
{
	struct stmt *st = stmt_of(s, HAS);
	int64_t one;

	db_bind(st, "it", incident, person);
	int rc = int_read(st, &one, err);
	*has = rc == 0 && one == 1;
	return rc;
}

static int grant_row(struct reader *r, void *row, struct error *err)
{
	struct grant *g = row;

	(void)err;
	g->person = read_text(r, 0);
	g->by = read_text(r, 1);
	g->at = read_int(r, 2);
	return 0;
}

int access_list(struct store *s, struct arena *a, int64_t incident, struct grant **out,
	size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, GRANTS);
	void *rows;

	db_bind(st, "i", incident);
	int rc = rows_read(st, a, sizeof(struct grant), grant_row, &rows, count, err);
	*out = rows;
	return rc;
}

/* ---- subscriptions ---------------------------------------------------------------------- */

int subscription_add(struct store *s, const char *person, const char *topic, int64_t now,
	struct error *err)
{
	int rc = db_run(stmt_of(s, FOLLOW), err, "tti", topic, person, now);

	if (rc == -EEXIST)
		rc = error_set(err, rc, "%s follows %s already", person, topic);
	return rc;
}

int subscription_remove(struct store *s, const char *person, const char *topic, struct error *err)
{
	int rc = db_run(stmt_of(s, UNFOLLOW), err, "tt", topic, person);

	if (rc == 0 && db_changes(s->db) == 0)
		rc = error_set(err, -ENOENT, "%s does not follow %s", person, topic);
	return rc;
}

static int name_row(struct reader *r, void *row, struct error *err)
{
	(void)err;
	*(const char **)row = read_text(r, 0);
	return 0;
}

/* Adds those who follow one topic. */
static int followers_add(struct store *s, struct arena *a, const char *topic, int64_t incident,
	struct rows *all, struct error *err)
{
	struct stmt *st = stmt_of(s, FOLLOWERS);
	void *rows;
	size_t n;

	db_bind(st, "ti", topic, incident);
	int rc = rows_read(st, a, sizeof(const char *), name_row, &rows, &n, err);
	for (size_t i = 0; i < n; i++) {
		const char **p = rows_add(all, a);
		if (!p)
			return error_set(err, -E2BIG, "%s has too many followers", topic);
		*p = ((const char **)rows)[i];
	}
	return rc;
}

static int followers_of_services(struct store *s, struct arena *a, const char *services,
	int64_t incident, struct rows *all, struct error *err)
{
	const char *blank = ", \t\n";
	int rc = 0;

	for (const char *p = services; p && rc == 0;) {
		p += strspn(p, blank);
		size_t n = strcspn(p, ",");
		size_t used = n;
		if (n == 0)
			break;
		while (used && strchr(blank, p[used - 1]))
			used--;
		rc = followers_add(s, a,
			text_lower(a, arena_printf(a, "service/%.*s", (int)used, p)), incident,
			all, err);
		p += n;
	}
	return rc;
}

static int name_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int subscription_people(struct store *s, struct arena *a, int64_t incident, const char *services,
	const char ***people, size_t *count, struct error *err)
{
	struct rows all = { .size = sizeof(const char *) };
	size_t n = 0;

	*people = NULL;
	*count = 0;
	int rc = followers_add(s, a, "all", incident, &all, err);
	if (rc == 0)
		rc = followers_add(s, a, arena_printf(a, "incident/%lld", (long long)incident),
			incident, &all, err);
	if (rc == 0)
		rc = followers_of_services(s, a, services, incident, &all, err);
	if (rc || all.count == 0)
		return rc;
	const char **name = all.p;
	qsort(name, all.count, sizeof(*name), name_order);
	for (size_t i = 0; i < all.count; i++)
		if (n == 0 || strcmp(name[n - 1], name[i]) != 0)
			name[n++] = name[i];
	*people = name;
	*count = n;
	return 0;
}

int subscription_topics(struct store *s, struct arena *a, const char *person, const char ***topics,
	size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, TOPICS);
	void *rows;

	db_bind(st, "t", person);
	int rc = rows_read(st, a, sizeof(const char *), name_row, &rows, count, err);
	*topics = rows;
	return rc;
}

/* ---- links ------------------------------------------------------------------------------ */

#define LINK_KIND_COUNT 2

static const char *name_of_link(int n)
{
	static const char *const names[LINK_KIND_COUNT] = {
		[LINK_RELATED] = "related", [LINK_DUPLICATE] = "duplicate",
	};

	return names[n];
}

int link_put(struct store *s, const struct incident_link *l, struct error *err)
{
	bool turned = l->from > l->to;

	if (l->from == l->to)
		return error_set(err, -EINVAL, "INC-%lld cannot be linked to itself",
			(long long)l->from);
	return db_run(stmt_of(s, LINK), err, "iibtti", turned ? l->to : l->from,
		turned ? l->from : l->to, (int)turned, name_of_link((int)l->kind), l->by, l->at);
}

int link_remove(struct store *s, int64_t a, int64_t b, struct error *err)
{
	int rc = db_run(stmt_of(s, UNLINK), err, "ii", a < b ? a : b, a < b ? b : a);

	if (rc == 0 && db_changes(s->db) == 0)
		rc = error_set(err, -ENOENT, "INC-%lld and INC-%lld are not linked", (long long)a,
			(long long)b);
	return rc;
}

static int link_row(struct reader *r, void *row, struct error *err)
{
	struct incident_link *l = row;
	bool turned = read_bool(r, 2), bad = false;

	l->from = read_int(r, turned ? 1 : 0);
	l->to = read_int(r, turned ? 0 : 1);
	l->kind = (enum link_kind)read_name(r, 3, name_of_link, LINK_KIND_COUNT, &bad);
	l->by = read_text(r, 4);
	l->at = read_int(r, 5);
	return bad ? error_set(err, -EUCLEAN, "a link of a kind that nobody knows") : 0;
}

int link_list(struct store *s, struct arena *a, int64_t incident, struct incident_link **out,
	size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, LINKS);
	void *rows;

	db_bind(st, "i", incident);
	int rc = rows_read(st, a, sizeof(struct incident_link), link_row, &rows, count, err);
	*out = rows;
	return rc;
}

/* ---- diagnoses -------------------------------------------------------------------------- */

#define DIAGNOSES_MAX 500

static int no_diagnosis(int64_t id, struct error *err)
{
	return error_set(err, -ENOENT, "there is no diagnosis %lld", (long long)id);
}

int diagnosis_insert(struct store *s, struct diagnosis *d, struct error *err)
{
	return db_insert(stmt_of(s, DIAGNOSE), &d->id, err, "ztttttt" "ti", d->incident, d->tool,
		d->kind, d->name, d->summary, d->evidence, d->url, d->by, d->at);
}

int diagnosis_attach(struct store *s, int64_t id, int64_t incident, struct error *err)
{
	int rc = db_run(stmt_of(s, ATTACH), err, "zi", incident, id);

	return rc == 0 && db_changes(s->db) == 0 ? no_diagnosis(id, err) : rc;
}

static int diagnosis_row(struct reader *r, void *row, struct error *err)
{
	struct diagnosis *d = row;

	(void)err;
	d->id = read_int(r, 0);
	d->incident = read_int(r, 1);
	d->tool = read_text(r, 2);
	d->kind = read_text(r, 3);
	d->name = read_text(r, 4);
	d->summary = read_text(r, 5);
	d->evidence = read_text(r, 6);
	d->url = read_text(r, 7);
	d->by = read_text(r, 8);
	d->at = read_int(r, 9);
	return 0;
}

int diagnosis_load(struct store *s, struct arena *a, int64_t id, struct diagnosis *out,
	struct error *err)
{
	struct stmt *st = stmt_of(s, DIAGNOSIS);

	db_bind(st, "i", id);
	int rc = row_read(st, a, diagnosis_row, out, err);
	return rc == -ENOENT ? no_diagnosis(id, err) : rc;
}

int diagnosis_list(struct store *s, struct arena *a, int64_t incident, int limit,
	struct diagnosis **out, size_t *count, struct error *err)
{
	struct stmt *st = stmt_of(s, DIAGNOSES);
	void *rows;

	if (limit < 1 || limit > DIAGNOSES_MAX)
		return error_set(err, -EINVAL, "a list has 1 to %d diagnoses", DIAGNOSES_MAX);
	db_bind(st, "zi", incident, (int64_t)limit);
	int rc = rows_read(st, a, sizeof(struct diagnosis), diagnosis_row, &rows, count, err);
	*out = rows;
	return rc;
}
