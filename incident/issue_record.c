/* What is remembered of an issue, as text: only what is known has a key. */
#include "incident/issue.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

/* Each field keeps at most a dozen values, and JSON makes at most six bytes of one. */
#define RECORD_BYTES_MAX (1u << 20)

/* ---- text ---------------------------------------------------------------------------------- */

static void put_text(json_t *obj, const char *key, const char *value)
{
	if (value)
		json_object_set_new(
			obj, key, json_stringn(value, text_cut(value, ISSUE_VALUE_MAX)));
}

static void put_number(json_t *obj, const char *key, int64_t value)
{
	if (value)
		json_object_set_new(obj, key, json_integer(value));
}

static void put_flag(json_t *obj, const char *key, bool value)
{
	if (value)
		json_object_set_new(obj, key, json_true());
}

static json_t *sent_json(const struct issue_memory *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->sent_count; i++) {
		json_t *one = json_object();

		put_text(one, "value", m->sent[i].value);
		put_number(one, "at", m->sent[i].at);
		put_flag(one, "looked", m->sent[i].looked);
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *conflict_json(const struct issue_conflict *c)
{
	json_t *obj = json_object();

	put_text(obj, "ours", c->ours);
	put_text(obj, "theirs", c->theirs);
	put_text(obj, "by", c->by);
	put_number(obj, "by_at", c->by_at);
	put_text(obj, "why", c->why);
	return obj;
}

static json_t *memory_json(const struct issue_memory *m)
{
	json_t *obj = json_object();

	put_flag(obj, "known", m->known);
	put_text(obj, "ours", m->ours);
	put_text(obj, "theirs", m->theirs);
	if (m->sent_count)
		json_object_set_new(obj, "sent", sent_json(m));
	if (m->conflict.open)
		json_object_set_new(obj, "conflict", conflict_json(&m->conflict));
	put_text(obj, "trouble", m->trouble);
	return obj;
}

const char *issue_record_text(struct arena *a, const struct issue_record *r)
{
	JSON_CLEANUP json_t *obj = json_object();
	json_t *fields = json_object();

	put_text(obj, "name", r->name);
	put_number(obj, "change", r->change);
	put_number(obj, "updated_ms", r->updated_ms);
	put_number(obj, "comment", r->comment);
	put_flag(obj, "gone", r->gone);
	put_flag(obj, "twin", r->twin);
	for (size_t f = 0; f < ISSUE_FIELD_COUNT; f++)
		json_object_set_new(
			fields, issue_field_name((enum issue_field)f), memory_json(&r->field[f]));
	json_object_set_new(obj, "fields", fields);
	return json_text(a, obj);
}

/* ---- and back ------------------------------------------------------------------------------ */

/* Gathers the first thing that is not what it should be. */
struct reading {
	struct arena *arena;
	struct error *err;
	int rc;
};

static void reading_fail(struct reading *r, const char *key, const char *wanted)
{
	if (r->rc == 0)
		r->rc = error_set(
			r->err, -EINVAL, "the memory of an issue: %s is no %s", key, wanted);
}

static const char *get_text(struct reading *r, const json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);

	if (v && !json_is_string(v))
		reading_fail(r, key, "text");
	return arena_strdup(r->arena, json_string_value(v));
}

static int64_t get_number(struct reading *r, const json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);

	if (v && !json_is_integer(v))
		reading_fail(r, key, "number");
	return json_integer_value(v);
}

static bool get_flag(struct reading *r, const json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);

	if (v && !json_is_boolean(v))
		reading_fail(r, key, "yes or no");
	return json_is_true(v);
}

static json_t *get_object(struct reading *r, const json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);

	if (v && !json_is_object(v))
		reading_fail(r, key, "object");
	return v;
}

static void sent_read(struct reading *r, const json_t *obj, struct issue_memory *m)
{
	json_t *list = json_object_get(obj, "sent"), *one;
	size_t i;

	if (list && (!json_is_array(list) || json_array_size(list) > ISSUE_SENT_MAX)) {
		reading_fail(r, "sent", "short list");
		return;
	}
	json_array_foreach(list, i, one)
	{
		struct issue_sent *s = &m->sent[m->sent_count++];

		s->value = get_text(r, one, "value");
		s->at = get_number(r, one, "at");
		s->looked = get_flag(r, one, "looked");
		if (!s->value)
			reading_fail(r, "value", "text");
	}
}

static void conflict_read(struct reading *r, const json_t *obj, struct issue_conflict *c)
{
	c->open = true;
	c->ours = get_text(r, obj, "ours");
	c->theirs = get_text(r, obj, "theirs");
	c->by = get_text(r, obj, "by");
	c->by_at = get_number(r, obj, "by_at");
	c->why = get_text(r, obj, "why");
}

static void memory_read(struct reading *r, const json_t *obj, struct issue_memory *m)
{
	const json_t *conflict = get_object(r, obj, "conflict");

	m->known = get_flag(r, obj, "known");
	m->ours = get_text(r, obj, "ours");
	m->theirs = get_text(r, obj, "theirs");
	sent_read(r, obj, m);
	if (conflict)
		conflict_read(r, conflict, &m->conflict);
	m->trouble = get_text(r, obj, "trouble");
}

int issue_record_parse(
	struct arena *a, const char *text, struct issue_record *out, struct error *err)
{
	struct reading r = { .arena = a, .err = err };
	JSON_CLEANUP json_t *obj = NULL;
	const json_t *fields, *field;
	int rc;

	*out = (struct issue_record){ .name = NULL };
	if (!text || !*text)
		return 0;
	rc = json_parse(text, strlen(text), RECORD_BYTES_MAX, &obj, err);
	if (rc < 0) {
		error_prefix(err, "the memory of an issue");
		return rc;
	}
	if (!json_is_object(obj))
		return error_set(err, -EINVAL, "the memory of an issue is no object");
	out->name = get_text(&r, obj, "name");
	out->change = get_number(&r, obj, "change");
	out->updated_ms = get_number(&r, obj, "updated_ms");
	out->comment = get_number(&r, obj, "comment");
	out->gone = get_flag(&r, obj, "gone");
	out->twin = get_flag(&r, obj, "twin");
	fields = get_object(&r, obj, "fields");
	for (size_t f = 0; f < ISSUE_FIELD_COUNT; f++) {
		field = get_object(&r, fields, issue_field_name((enum issue_field)f));
		if (field)
			memory_read(&r, field, &out->field[f]);
	}
	return r.rc;
}

bool issue_record_conflict(const struct issue_record *r)
{
	for (size_t f = 0; f < ISSUE_FIELD_COUNT; f++)
		if (r->field[f].conflict.open)
			return true;
	return false;
}

const char *issue_record_trouble(const struct issue_record *r)
{
	for (size_t f = 0; f < ISSUE_FIELD_COUNT; f++)
		if (r->field[f].trouble)
			return r->field[f].trouble;
	return NULL;
}
