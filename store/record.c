#include "store/record.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/text.h"

const struct record_sql *const record_sql[RECORD_COUNT] = {
	[RECORD_INCIDENT] = &incident_sql,
	[RECORD_FIND] = &find_sql,
	[RECORD_TIMELINE] = &timeline_sql,
	[RECORD_PROMISE] = &promise_sql,
	[RECORD_TIMER] = &timer_sql,
	[RECORD_INBOX] = &inbox_sql,
	[RECORD_EFFECT] = &effect_sql,
	[RECORD_REFERENCE] = &reference_sql,
	[RECORD_PEOPLE] = &people_sql,
	[RECORD_AUDIT] = &audit_sql,
	[RECORD_RESPONSE] = &response_sql,
	[RECORD_RELATION] = &relation_sql,
	[RECORD_LEARNING] = &learning_sql,
	[RECORD_METRIC] = &metric_sql,
	[RECORD_TERMS] = &terms_sql,
};

char *read_text(struct reader *r, int column)
{
	const char *text = db_text(r->st, column);

	if (!text)
		return NULL;
	size_t n = db_bytes(r->st, column);
	char *copy = arena_try_alloc(r->arena, n + 1);
	if (!copy) {
		r->full = true;
		return NULL;
	}
	memcpy(copy, text, n + 1);
	return copy;
}

int64_t read_int(struct reader *r, int column)
{
	return db_int(r->st, column);
}

bool read_bool(struct reader *r, int column)
{
	return db_int(r->st, column) != 0;
}

int read_name(struct reader *r, int column, const char *(*name)(int), int count, bool *bad)
{
	const char *text = db_text(r->st, column);

	for (int i = 0; text && i < count; i++)
		if (strcmp(text, name(i)) == 0)
			return i;
	*bad = true;
	return 0;
}

void *rows_add(struct rows *rows, struct arena *a)
{
	if (rows->count == rows->capacity) {
		size_t capacity = rows->capacity ? rows->capacity * 2 : 8;
		void *p = arena_try_alloc(a, capacity * rows->size);
		if (!p)
			return NULL;
		if (rows->count)
			memcpy(p, rows->p, rows->count * rows->size);
		rows->p = p;
		rows->capacity = capacity;
	}
	return (char *)rows->p + rows->count++ * rows->size;
}

static int too_much(struct error *err)
{
	return error_set(err, -E2BIG, "that is more than can be read at once: ask for less");
}

int rows_append(struct stmt *st, struct arena *a, struct rows *rows, row_fn row, struct error *err)
{
	struct reader r = { .st = st, .arena = a };
	int rc;

	while ((rc = db_step(st, err)) == DB_ROW) {
		void *p = rows_add(rows, a);
		rc = p ? row(&r, p, err) : 0;
		if (!p || r.full)
			rc = too_much(err);
		if (rc) {
			db_reset(st);
			return rc;
		}
	}
	return rc;
}

int rows_read(struct stmt *st, struct arena *a, size_t size, row_fn row, void **out, size_t *count,
	struct error *err)
{
	struct rows rows = { .size = size };
	int rc = rows_append(st, a, &rows, row, err);

	*out = rc ? NULL : rows.p;
	*count = rc ? 0 : rows.count;
	return rc;
}

int row_read(struct stmt *st, struct arena *a, row_fn row, void *out, struct error *err)
{
	struct reader r = { .st = st, .arena = a };
	int rc = db_step(st, err);

	if (rc == 0)
		return -ENOENT;
	if (rc != DB_ROW)
		return rc;
	rc = row(&r, out, err);
	db_reset(st);
	return r.full ? too_much(err) : rc;
}

int int_read(struct stmt *st, int64_t *out, struct error *err)
{
	int rc = db_step(st, err);

	*out = 0;
	if (rc != DB_ROW)
		return rc;
	*out = db_int(st, 0);
	db_reset(st);
	return 0;
}

const char *like_pattern(struct arena *a, const char *before, const char *word, size_t n, const char *after)
{
	struct str out;

	str_init_arena(&out, a, 2 * LIKE_MAX + 8);
	str_add(&out, before);
	for (size_t i = 0; i < n; i++) {
		if (strchr("%_\\", word[i]))
			str_addc(&out, '\\');
		str_addc(&out, word[i]);
	}
	str_add(&out, after);
	return text_lower(a, out.p);
}

const char *service_pattern(struct arena *a, const char *service)
{
	return service ? like_pattern(a, "%,", service, text_cut(service, LIKE_MAX), ",%") : NULL;
}
