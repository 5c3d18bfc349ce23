/* The reference of every key, out of the table that loads them. */
#include <string.h>

#include "config/loader.h"
#include "config/schema_parts.h"
#include "incident/template.h"

static void add_cell(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			str_addc(out, '\\');
		str_addc(out, *text);
	}
}

static bool structured(const struct key *k)
{
	return k->type == KEY_MAP || ((k->type == KEY_LIST || k->type == KEY_NAMED) &&
					     k->entry->type == KEY_MAP);
}

static void add_type(struct str *out, const struct key *k)
{
	str_add(out, value_type_name(k));
	if ((k->type == KEY_LIST || k->type == KEY_NAMED) && k->entry->type != KEY_MAP) {
		str_add(out, " of ");
		add_type(out, k->entry);
	}
}

/* A key, and what it stands in. */
struct place {
	const struct key *key;
	const struct key *map;    /* NULL at the top of a file */
	const struct key *before; /* the key in front of it in the map; NULL: it is the first */
	const char *prefix;       /* of its path */
	const char *file;
};

/* The shipped files say what the larger defaults are, and a test holds them to it. */
static void add_default(struct str *out, const struct place *at)
{
	const struct key *k = at->key;
	bool large = k->otherwise && strlen(k->otherwise) > 60;

	if (k->required)
		str_add(out, "must be said");
	else if (k->type == KEY_MAP || large || (at->map && at->map->otherwise))
		str_addf(out, "as in config/%s", at->file);
	else if (k->otherwise)
		str_addf(out, "`%s`", k->otherwise);
	else
		str_add(out, "none");
}

static void add_row(struct str *out, const struct place *at, const char *path)
{
	const struct key *k = at->key;
	struct str range;

	str_init(&range, 300);
	value_range(k, &range);
	str_addf(out, "| `%s` | ", path);
	add_type(out, k);
	str_add(out, " | ");
	add_cell(out, range.p);
	str_add(out, " | ");
	add_default(out, at);
	str_add(out, " | ");
	add_cell(out, k->help ? k->help : "");
	str_add(out, " |\n");
	str_finish(&range);
}

static void add_rows(struct str *out, const struct place *at)
{
	const struct key *k = at->key, *map = k;
	struct str path;

	str_init(&path, LOADER_PATH_MAX);
	str_addf(&path, "%s%s%s", at->prefix, *at->prefix ? "." : "", k->name);
	if (k->type != KEY_MAP || k->keys[0].type == KEY_MAP)
		add_row(out, at, path.p);
	if (k->type == KEY_LIST)
		str_add(&path, "[]");
	else if (k->type == KEY_NAMED)
		str_add(&path, ".NAME");
	/* Of lists of the same, only the first tells what is in them. */
	if (k->type != KEY_MAP)
		map = structured(k) && !(at->before && at->before->entry == k->entry) ? k->entry : NULL;
	if (map && map->keys[0].keys && map->keys[0].keys == map->keys[1].keys) {
		str_add(&path, ".LEVEL"); /* they are alike: the first stands for all */
		map = &map->keys[0];
	}
	const struct key *before = NULL;
	for (const struct key *child = map ? map->keys : NULL; child && child->name; child++) {
		struct place below = { child, map, before, path.p, at->file };
		add_rows(out, &below);
		before = child;
	}
	str_finish(&path);
}

static void add_variables(struct str *out)
{
	str_add(out, "\n| Variable | What stands for it |\n|---|---|\n");
	for (int i = 0; i < TEMPLATE_VARIABLE_COUNT; i++) {
		enum template_variable v = (enum template_variable)i;

		str_addf(out, "| `{{%s}}` | %s |\n", template_variable_name(v), template_variable_help(v));
	}
}

static const char intro[] =
	"# Configuration\n\n"
	"<!-- Made from the table in config/schema.c: `sitrep reference configuration > docs/configuration.md` -->\n\n"
	"The config is a folder of YAML files. Each file may be left out: what is not said is as in the\n"
	"files shipped in config/. A map (such as one severity level) is completed by its defaults key by key;\n"
	"a list, and a map of names (such as the roles), replaces the default whole.\n\n"
	"- `sitrep check --config DIR` names everything that is wrong, in all files at once, with place and reason.\n"
	"- `sitrep run --config DIR --set KEY=VALUE` overrides a key by the path given here; lists are\n"
	"  written as in YAML: `--set 'delivery.retry=[0s, 5s]'`.\n"
	"- SIGHUP reads the folder again; when anything is wrong the old config stays.\n"
	"- **Secrets** are references: `env:NAME` (an environment variable) or `file:PATH` (the text of a\n"
	"  file, ends trimmed). A secret written into a file or after `--set` is refused. An empty value means none.\n"
	"- Any other single value may be `env:NAME` as well: when the variable is not set or empty, the default counts.\n"
	"- **Durations** have a unit: `90s`, `15m`, `1h30`, `2 days`; `none` or `0` where zero is in the range.\n"
	"- **People** are written with their system: `slack:U0123ABCD`, `unix:1000`.\n"
	"- Relative paths count from the folder the program was started in.\n";

void config_reference(struct str *out)
{
	const char *file = "";

	str_add(out, intro);
	for (const struct key *s = schema.keys; s->name; s++) {
		bool top = strcmp(s->file, "sitrep.yml") == 0;
		if (strcmp(file, s->file) != 0) {
			file = s->file;
			str_addf(out, "\n## %s\n", file);
			if (!top)
				str_addf(out, "\n%s With `--set`, `%s.` comes in front of the key.\n",
					s->help, s->name);
			str_add(out, "\n| Key | Type | Range | Default | Meaning |\n"
				     "|---|---|---|---|---|\n");
		}
		struct place at = { .key = s, .prefix = "", .file = file };
		if (top) {
			add_rows(out, &at);
			continue;
		}
		for (at.key = s->keys; at.key->name; at.key++)
			add_rows(out, &at);
		if (s->keys == messages_keys)
			add_variables(out);
	}
}
