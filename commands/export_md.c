/* The export as Markdown: headings and lists, readable as it is. */
#include <string.h>

#include "base/text.h"
#include "commands/export.h"

/* "severity_since" → "Severity since" */
static void label(struct str *out, const char *key)
{
	for (const char *p = key; *p; p++)
		str_addc(out, p == key && *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A')
					: *p == '_' || *p == '-'  ? ' '
								 : *p);
}

static void value(struct str *out, const json_t *v)
{
	if (json_is_string(v))
		text_markdown(out, json_string_value(v));
	else if (json_is_integer(v))
		str_addf(out, "%lld", (long long)json_integer_value(v));
	else
		str_add(out, json_is_true(v) ? "yes" : json_is_false(v) ? "no" : "—");
}

static void pairs(struct str *out, json_t *o)
{
	const char *key;
	json_t *v;

	json_object_foreach(o, key, v)
	{
		str_add(out, "- ");
		label(out, key);
		str_add(out, ": ");
		value(out, v);
		str_addc(out, '\n');
	}
}

/* One line an object: what is known of it. */
static void row(struct str *out, json_t *o)
{
	const char *key, *between = "- ";
	json_t *v;

	json_object_foreach(o, key, v)
	{
		if (json_is_null(v))
			continue;
		str_add(out, between);
		label(out, key);
		str_add(out, ": ");
		value(out, v);
		between = "; ";
	}
	str_addc(out, '\n');
}

static void section(struct str *out, const char *title, json_t *list)
{
	json_t *o;
	size_t i;

	str_addf(out, "\n## %s\n\n", title);
	if (json_array_size(list) == 0)
		str_add(out, "None on record.\n");
	json_array_foreach(list, i, o) row(out, o);
}

static void entry(struct str *out, json_t *e)
{
	str_addf(out, "- %s **%s** ", json_get_str(e, "happened_at"), json_get_str(e, "kind"));
	text_markdown(out, json_get_str(e, "text"));
	str_add(out, " — ");
	value(out, json_object_get(e, "author"));
	str_addf(out, " (entry %lld, recorded %s", (long long)json_get_int(e, "entry", 0),
		json_get_str(e, "recorded_at"));
	if (json_get_int(e, "corrects", 0))
		str_addf(out, ", corrects entry %lld", (long long)json_get_int(e, "corrects", 0));
	if (json_get_str(e, "source")) {
		str_add(out, ", from ");
		text_markdown(out, json_get_str(e, "source"));
	}
	str_add(out, ")\n");
}

/* kind NULL: all. */
static void entries(struct str *out, const char *title, json_t *list, const char *kind)
{
	json_t *e;
	size_t i, n = 0;

	str_addf(out, "\n## %s\n\n", title);
	json_array_foreach(list, i, e)
	{
		if (kind && strcmp(json_get_str(e, "kind"), kind) != 0)
			continue;
		entry(out, e);
		n++;
	}
	if (n == 0)
		str_add(out, "None on record.\n");
}

void export_markdown(struct str *out, json_t *record)
{
	json_t *incident = json_get_obj(record, "incident");
	json_t *list = json_get_arr(record, "timeline");
	int64_t left_out = json_get_int(record, "timeline_left_out", 0);

	str_add(out, "# ");
	value(out, json_object_get(incident, "id"));
	str_add(out, ": ");
	value(out, json_object_get(incident, "title"));
	str_add(out, "\n\n");
	pairs(out, incident);
	str_add(out, "\n## Impact in figures\n\n");
	pairs(out, json_get_obj(record, "figures"));
	section(out, "Roles", json_get_arr(record, "roles"));
	section(out, "Promises", json_get_arr(record, "promises"));
	section(out, "Scope", json_get_arr(record, "scope"));
	section(out, "Checkpoints", json_get_arr(record, "checkpoints"));
	entries(out, "Updates and other communication", list, "communication");
	entries(out, "Timeline", list, NULL);
	if (left_out)
		str_addf(out, "\n%lld older entries did not fit into this file.\n",
			(long long)left_out);
}
