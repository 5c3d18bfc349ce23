/* The export as CSV (RFC 4180), one table: what it is, when, its name, its value, who, and the rest.
 */
#include <string.h>

#include "commands/export.h"

/* A spreadsheet runs what begins like a formula: an apostrophe in front makes it text. */
static bool is_formula(const char *text)
{
	static const char *const wide[] = { "＝", "＋", "－", "＠" };

	if (strchr("\t\r\n", *text) && *text)
		return true;
	text += strspn(text, " \t\r\n");
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (strncmp(text, wide[i], strlen(wide[i])) == 0)
			return true;
	return *text && strchr("=+-@|%", *text);
}

void export_csv_cell(struct str *out, const char *text)
{
	str_addc(out, '"');
	if (is_formula(text))
		str_addc(out, '\'');
	for (const char *p = text; *p; p++) {
		if (*p == '"')
			str_addc(out, '"');
		str_addc(out, *p);
	}
	str_addc(out, '"');
}

static const char *plain(const json_t *v, char number[32])
{
	if (json_is_string(v))
		return json_string_value(v);
	if (json_is_integer(v)) {
		struct str s STR_CLEANUP;

		str_init(&s, 31);
		str_addf(&s, "%lld", (long long)json_integer_value(v));
		memcpy(number, s.p, s.len + 1);
		return number;
	}
	return json_is_true(v) ? "yes" : json_is_false(v) ? "no" : "";
}

static void cell(struct str *out, const json_t *v, const char *end)
{
	char number[32];

	export_csv_cell(out, plain(v, number));
	str_add(out, end);
}

/* What has no column of its own: "due_at=…; missed_at=…". */
static void rest(struct str *out, json_t *o, const char *const *columns)
{
	struct str s STR_CLEANUP;
	const char *key;
	json_t *v;
	char number[32];

	str_init(&s, EXPORT_MAX);
	json_object_foreach(o, key, v)
	{
		bool shown = json_is_null(v);

		for (size_t i = 0; i < 4 && !shown; i++)
			shown = columns[i] && strcmp(columns[i], key) == 0;
		if (!shown)
			str_addf(&s, "%s%s=%s", s.len ? "; " : "", key, plain(v, number));
	}
	export_csv_cell(out, s.p);
	str_add(out, "\r\n");
}

/* columns: the keys of time, name, value and who; NULL: empty. */
static void table(struct str *out, const char *section, json_t *list, const char *const columns[4])
{
	json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		export_csv_cell(out, section);
		str_addc(out, ',');
		for (size_t k = 0; k < 4; k++)
			cell(out, columns[k] ? json_object_get(o, columns[k]) : NULL, ",");
		rest(out, o, columns);
	}
}

static void pairs(struct str *out, const char *section, json_t *o)
{
	const char *key;
	json_t *v;

	json_object_foreach(o, key, v)
	{
		export_csv_cell(out, section);
		str_add(out, ",\"\",");
		export_csv_cell(out, key);
		str_addc(out, ',');
		cell(out, v, ",\"\",\"\"\r\n");
	}
}

void export_csv(struct str *out, json_t *record)
{
	static const struct {
		const char *section, *list, *columns[4];
	} tables[] = {
		{ "role", "roles", { NULL, "role", "person", NULL } },
		{ "promise", "promises", { "due_at", "kind", "state", NULL } },
		{ "scope", "scope", { "at", "kind", "value", "by" } },
		{ "checkpoint", "checkpoints", { "at", NULL, "state", "by" } },
		{ "timeline", "timeline", { "happened_at", "kind", "text", "author" } },
	};
	int64_t left_out = json_get_int(record, "timeline_left_out", 0);

	str_add(out, "\"section\",\"time\",\"name\",\"value\",\"who\",\"more\"\r\n");
	pairs(out, "incident", json_get_obj(record, "incident"));
	pairs(out, "figure", json_get_obj(record, "figures"));
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		table(out, tables[i].section, json_get_arr(record, tables[i].list),
			tables[i].columns);
	if (left_out)
		str_addf(out,
			"\"timeline\",\"\",\"left out\",\"%lld older entries did not fit\",\"\","
			"\"\"\r\n",
			(long long)left_out);
}
