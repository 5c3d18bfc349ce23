#include "adapters/jira/read.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/jira/room.h"
#include "adapters/jira/text.h"
#include "base/arena.h"
#include "base/duration.h"
#include "base/text.h"

#define VALUE_MAX   1024 /* bytes of a name or title */
#define HISTORY_MAX 500	 /* entries of a changelog that are looked at */
#define ID_MAX	    18

static const struct {
	const char *name;   /* in fields, and in the changelog */
	const char *member; /* of its object; NULL: a text */
} fields[ISSUE_FIELD_COUNT] = {
	[ISSUE_TITLE] = { "summary", NULL },
	[ISSUE_PRIORITY] = { "priority", "name" },
	[ISSUE_STATUS] = { "status", "name" },
	[ISSUE_ASSIGNEE] = { "assignee", NULL },
};

const char *read_field_name(enum issue_field f)
{
	return fields[f].name;
}

static const char *clean(struct arena *a, const char *text)
{
	return text ? text_clean(a, text, strlen(text), VALUE_MAX, false) : NULL;
}

static bool is_decimal(const char *s)
{
	return s && *s && strlen(s) <= ID_MAX && strspn(s, "0123456789") == strlen(s);
}

/* Old servers write ids as numbers. */
static int64_t id_of(const json_t *object)
{
	const json_t *id = json_object_get(object, "id");

	if (json_is_integer(id))
		return json_integer_value(id) > 0 ? json_integer_value(id) : 0;
	return is_decimal(json_string_value(id)) ? strtoll(json_string_value(id), NULL, 10) : 0;
}

const char *read_id(const json_t *object)
{
	const char *id = json_get_str(object, "id");

	return is_decimal(id) ? id : NULL;
}

bool read_key_valid(const char *key)
{
	size_t project = key ? strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") : 0;

	return project && project <= 64 && key[0] >= 'A' && key[0] <= 'Z' && key[project] == '-' &&
	       is_decimal(key + project + 1);
}

/* ---- an issue ---------------------------------------------------------------------------- */

int64_t read_time(const json_t *object, const char *key)
{
	const char *text = json_get_str(object, key);
	int64_t ms = 0;

	return text && time_stamp_parse(text, &ms) ? ms : 0;
}

void read_person(
	const struct read_context *c, const json_t *person, const char **key, const char **name)
{
	const char *id = json_get_str(person, c->flavour->person);

	if ((!id || !*id) && c->flavour->person_else)
		id = json_get_str(person, c->flavour->person_else);
	*key = id && *id ? clean(c->arena, id) : NULL;
	*name = clean(c->arena, json_get_str(person, "displayName"));
	if (!*name || !**name)
		*name = *key;
}

const char *read_value(const struct read_context *c, const json_t *body, enum issue_field f)
{
	json_t *all = json_get_obj(body, "fields"), *v = json_object_get(all, fields[f].name);
	const char *text, *name;

	if (f == ISSUE_ASSIGNEE) {
		if (json_is_null(v))
			return "";
		read_person(c, v, &text, &name);
		return text;
	}
	text = fields[f].member ? json_get_str(v, fields[f].member) : json_string_value(v);
	text = clean(c->arena, text);
	return text && *text ? text : NULL;
}

static bool item_names(const json_t *item, const char *field)
{
	const char *name = json_get_str(item, "fieldId");

	if (!name)
		name = json_get_str(item, "field");
	return name && text_equal_fold(name, field);
}

/* Who changed a field last, by the newest entry that names it. */
static void note_history(
	const struct read_context *c, json_t *by, int64_t newest[], json_t *history)
{
	int64_t id = id_of(history);
	const char *key, *name;
	json_t *item;
	size_t at;

	read_person(c, json_get_obj(history, "author"), &key, &name);
	json_array_foreach(json_get_arr(history, "items"), at, item)
	{
		for (enum issue_field f = 0; f < ISSUE_FIELD_COUNT; f++) {
			if (!item_names(item, fields[f].name) || id < newest[f])
				continue;
			newest[f] = id;
			json_object_set_new(by, issue_field_name(f),
				json_pack("{s:s, s:I, s:s*}", "name", name ? name : "somebody",
					"at_ms", (json_int_t)read_time(history, "created"),
					"account", key));
		}
	}
}

static int64_t read_changelog(const struct read_context *c, const json_t *body, json_t *by)
{
	json_t *histories = json_get_arr(json_get_obj(body, "changelog"), "histories"), *history;
	int64_t newest[ISSUE_FIELD_COUNT] = { 0 }, change = 0;
	size_t at;

	json_array_foreach(histories, at, history)
	{
		if (at >= HISTORY_MAX)
			break;
		note_history(c, by, newest, history);
		change = id_of(history) > change ? id_of(history) : change;
	}
	return change;
}

/* The latest change of the field before the one with the id `before`; NULL: none. */
static json_t *change_before(
	json_t *histories, enum issue_field f, int64_t *before, json_t **history)
{
	json_t *one, *item, *found = NULL;
	int64_t best = 0;
	size_t at, k;

	json_array_foreach(histories, at, one)
	{
		if (at >= HISTORY_MAX || id_of(one) >= *before || id_of(one) <= best)
			continue;
		json_array_foreach(json_get_arr(one, "items"), k, item)
		{
			if (!item_names(item, fields[f].name))
				continue;
			found = item;
			*history = one;
			best = id_of(one);
		}
	}
	*before = best;
	return found;
}

bool read_moved_by(const struct read_context *c, const json_t *body, enum issue_field f,
	const char *account, const char *from)
{
	json_t *histories = json_get_arr(json_get_obj(body, "changelog"), "histories"), *history,
	       *item;
	const char *key, *name, *was;
	int64_t before = INT64_MAX;

	while ((item = change_before(histories, f, &before, &history))) {
		read_person(c, json_get_obj(history, "author"), &key, &name);
		was = json_get_str(item, "fromString");
		if (!key || strcmp(key, account) != 0 || !was)
			return false;
		if (issue_value_same(f, was, from))
			return true;
	}
	return false;
}

json_t *read_issue(const struct read_context *c, const json_t *body)
{
	const char *key = json_get_str(body, "key");
	json_t *values = json_object(), *by = json_object(), *out;
	int64_t id = id_of(body), change;

	if (!id) {
		json_decref(values);
		json_decref(by);
		return NULL;
	}
	for (enum issue_field f = 0; f < ISSUE_FIELD_COUNT; f++) {
		const char *value = read_value(c, body, f);

		if (value)
			json_object_set_new(values, issue_field_name(f), json_string(value));
	}
	change = read_changelog(c, body, by);
	key = read_key_valid(key) ? key : arena_printf(c->arena, "%lld", (long long)id);
	out = json_pack("{s:o, s:s, s:o, s:I, s:I, s:o, s:o}", "id",
		json_sprintf("%lld", (long long)id), "name", key, "url",
		json_sprintf("%sbrowse/%s", c->url, key), "updated_ms",
		(json_int_t)read_time(json_get_obj(body, "fields"), "updated"), "change",
		(json_int_t)change, "values", values, "by", by);
	return out;
}

json_t *read_gone(const char *id)
{
	return json_pack("{s:s, s:b}", "id", id ? id : "", "gone", 1);
}

/* ---- comments ---------------------------------------------------------------------------- */

const json_t *read_property(const json_t *properties)
{
	json_t *p;
	size_t at;

	if (json_is_object(properties))
		return json_object_get(properties, JIRA_PROPERTY);
	json_array_foreach(properties, at, p)
	{
		const char *key = json_get_str(p, "key");

		if (key && strcmp(key, JIRA_PROPERTY) == 0)
			return json_object_get(p, "value");
	}
	return NULL;
}

/* A comment for some eyes only is not for the channel's. */
static const char *comment_text(const struct read_context *c, const json_t *comment)
{
	const char *who = json_get_str(json_get_obj(comment, "visibility"), "value");

	if (who)
		return arena_printf(c->arena, "(a comment that only %s may read: see it in Jira)",
			clean(c->arena, who));
	if (!json_get_bool(comment, "jsdPublic", true))
		return "(an internal comment: see it in Jira)";
	return text_from_jira(c->arena, json_object_get(comment, "body"));
}

json_t *read_comment(const struct read_context *c, const json_t *comment, const json_t **property)
{
	json_t *who = json_get_obj(comment, "author");
	int64_t id = id_of(comment);
	const char *key, *name;

	*property = read_property(json_object_get(comment, "properties"));
	if (!id)
		return NULL;
	read_person(c, who ? who : json_get_obj(comment, "updateAuthor"), &key, &name);
	return json_pack("{s:o, s:s*, s:s*, s:I, s:s}", "id", json_sprintf("%lld", (long long)id),
		"author", key, "name", name, "at_ms", (json_int_t)read_time(comment, "created"),
		"text", comment_text(c, comment));
}
