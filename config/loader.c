#include "config/loader.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

/* ---- the path of the key at hand --------------------------------------------------------- */

static size_t path_push(struct loader *l, const char *name)
{
	size_t was = l->path.len;

	if (was)
		str_addc(&l->path, '.');
	str_add(&l->path, name);
	return was;
}

static void path_pop(struct loader *l, size_t was)
{
	l->path.len = was;
	l->path.p[was] = 0;
	l->path.cut = false;
}

/* ---- keys -------------------------------------------------------------------------------- */

static const struct key *key_find(const struct key *keys, const struct node *name)
{
	for (; keys->name; keys++)
		if (node_is(name, keys->name))
			return keys;
	return NULL;
}

/* file: of the top sections only those that stand in it; NULL: all. */
static const char *key_list(struct loader *l, const struct key *keys, const char *file)
{
	struct str s;

	str_init_arena(&s, l->scratch, 300);
	for (const struct key *k = keys; k->name; k++)
		if (!file || !k->file || strcmp(k->file, file) == 0)
			str_addf(&s, "%s%s", k == keys ? "" : ", ", k->name);
	return s.p;
}

static const struct key *key_nearest(const struct key *keys, const char *word)
{
	struct nearest n;

	nearest_init(&n, word);
	for (const struct key *k = keys; k->name; k++)
		nearest_try(&n, k->name);
	while (keys->name && keys->name != n.best)
		keys++;
	return keys->name ? keys : NULL;
}

static void key_unknown(struct loader *l, const struct key *keys, const struct node *name)
{
	if (l->report->count >= REPORT_ISSUES_MAX) {
		report_error(l->report, name, "unknown key"); /* only counted by now */
		return;
	}
	const char *word = report_quote(l->report, name->text, name->len);
	const struct key *near = key_nearest(keys, word);

	/* Behind a misspelt key of a secret stands a secret. */
	if (near)
		report_secret(l->report, name, near->type == KEY_SECRET ? name->len : REPORT_ALL,
			"unknown key \"%s\"; did you mean \"%s\"?", word, near->name);
	else
		report_error(l->report, name, "unknown key \"%s\"; %s%s knows %s", word,
			l->path.len ? "" : "this file", l->path.p, key_list(l, keys, name->source->name));
}

static bool node_same(const struct node *a, const struct node *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* Is the key at i of the map there before, too? Only asked for as many keys as a table can take. */
static bool key_repeated(struct loader *l, const struct node *map, size_t i)
{
	const struct node *name = map->item[i];

	for (size_t k = 0; k < i; k += 2) {
		const struct node *other = map->item[k];
		if (other->kind != NODE_SCALAR || !node_same(other, name))
			continue;
		report_error(l->report, name, "\"%s\" is here twice; the first is in line %zu",
			report_quote(l->report, name->text, name->len), other->line);
		return true;
	}
	return false;
}

/* ---- maps -------------------------------------------------------------------------------- */

/* Reports what the map says that the table does not know. */
static void map_judge(struct loader *l, const struct key *key, const struct node *map)
{
	for (size_t i = 0; i + 1 < map->count; i += 2) {
		const struct node *name = map->item[i];
		if (name->kind != NODE_SCALAR)
			report_error(l->report, name, "a key must be text, not %s",
				node_kind_name(name));
		else if (!key_find(key->keys, name))
			key_unknown(l, key->keys, name);
		else if (key_repeated(l, map, i))
			continue;
	}
}

static struct node *shipped_value(struct loader *l, const char *text)
{
	struct source *s = arena_alloc(l->scratch, sizeof(*s));
	struct node *n = NULL;

	*s = l->shipped;
	s->text = text;
	s->len = strlen(text);
	int rc = node_parse(l->scratch, s, l->report, &n);
	assert(rc == 0);
	(void)rc;
	return n;
}

static struct node *map_decode(struct loader *l, const struct key *key, struct node *given,
	struct node *fallback, char *base)
{
	struct node *out = node_new(l->scratch, given ? given->source : &l->shipped, NODE_MAP);

	if (given && given->kind != NODE_MAP) {
		if (!node_empty(given))
			report_error(l->report, given, "%s needs a map of keys, not %s", l->path.p,
				node_kind_name(given));
		given = NULL;
	}
	if (given) {
		out->line = given->line;
		out->column = given->column;
		map_judge(l, key, given);
	}
	if (!fallback && key->otherwise)
		fallback = shipped_value(l, key->otherwise);
	for (const struct key *k = key->keys; k->name; k++) {
		struct node *value = given ? node_get(given, k->name) : NULL;
		struct node *instead = fallback ? node_get(fallback, k->name) : NULL;
		size_t was = path_push(l, k->name);
		if (!value && !instead && k->required)
			report_error(l->report, out, "%s is missing", l->path.p);
		value = loader_decode(l, k, value, instead, base + key->offset);
		path_pop(l, was);
		if (!value)
			continue;
		node_append(l->scratch, out, node_scalar(l->scratch, out->source, k->name));
		node_append(l->scratch, out, value);
	}
	return out;
}

/* ---- lists ------------------------------------------------------------------------------- */

static void count_set(const struct key *key, char *base, size_t count)
{
	if (key->count_offset != NO_COUNT)
		memcpy(base + key->count_offset, &count, sizeof(count));
}

static bool list_fits(struct loader *l, const struct key *key, const struct node *given,
	size_t count)
{
	if (count < (size_t)key->min)
		report_error(l->report, given, "%s needs at least %lld", l->path.p,
			(long long)key->min);
	if (count > (size_t)key->max)
		report_error(l->report, given, "%s has %zu entries; at most %lld", l->path.p, count,
			(long long)key->max);
	return count <= (size_t)key->max;
}

static struct node *list_decode(struct loader *l, const struct key *key, struct node *given,
	char *base)
{
	struct node *out = node_new(l->scratch, given->source, NODE_LIST);

	out->line = given->line;
	out->column = given->column;
	if (node_empty(given))
		given = out;
	if (given->kind != NODE_LIST) {
		report_error(l->report, given, "%s needs a list, not %s", l->path.p,
			node_kind_name(given));
		return out;
	}
	if (!list_fits(l, key, given, given->count))
		return out;
	for (size_t i = 0; i < given->count; i++) {
		char name[24];
		snprintf(name, sizeof(name), "%zu", i + 1);
		size_t was = path_push(l, name);
		struct node *n = loader_decode(l, key->entry, given->item[i], NULL,
			base + key->offset + i * key->stride);
		path_pop(l, was);
		node_append(l->scratch, out, n ? n : given->item[i]);
		for (size_t k = 0; k < i; k++) {
			const struct node *a = given->item[k], *b = given->item[i];
			if (a->kind != NODE_SCALAR || b->kind != NODE_SCALAR || !node_same(a, b))
				continue;
			report_error(l->report, b, "%s: \"%s\" is here twice", l->path.p,
				report_quote(l->report, b->text, b->len));
			break;
		}
	}
	count_set(key, base, given->count);
	return out;
}

static struct node *named_decode(struct loader *l, const struct key *key, struct node *given,
	char *base)
{
	struct node *out = node_new(l->scratch, given->source, NODE_MAP);
	/* Names are words like those of a file, unless the table says what else. */
	static const struct key word = { .name = "name", .type = KEY_WORD, .min = 1, .max = 32 };
	const struct key *name_key = key->name_key ? key->name_key : &word;

	out->line = given->line;
	out->column = given->column;
	if (node_empty(given))
		given = out;
	if (given->kind != NODE_MAP) {
		report_error(l->report, given, "%s needs a map of names, not %s", l->path.p,
			node_kind_name(given));
		return out;
	}
	if (!list_fits(l, key, given, given->count / 2))
		return out;
	for (size_t i = 0; i + 1 < given->count; i += 2) {
		struct node *name = given->item[i];
		char *at = base + key->offset + i / 2 * key->stride;
		if (name->kind != NODE_SCALAR) {
			report_error(l->report, name, "a name must be text, not %s",
				node_kind_name(name));
			continue;
		}
		if (key_repeated(l, given, i))
			continue;
		size_t was = path_push(l, report_quote(l->report, name->text, name->len));
		value_decode(l, name_key, name, at + key->name_offset);
		struct node *value = loader_decode(l, key->entry, given->item[i + 1], NULL, at);
		path_pop(l, was);
		node_append(l->scratch, out, name);
		node_append(l->scratch, out, value ? value : given->item[i + 1]);
	}
	count_set(key, base, given->count / 2);
	return out;
}

/* ---- any --------------------------------------------------------------------------------- */

struct node *loader_decode(struct loader *l, const struct key *key, struct node *given,
	struct node *fallback, char *base)
{
	if (key->type == KEY_MAP)
		return map_decode(l, key, given, fallback, base);
	if (!given)
		given = fallback;
	if (!given && key->otherwise)
		given = shipped_value(l, key->otherwise);
	if (!given)
		return NULL;
	if (key->type == KEY_LIST)
		return list_decode(l, key, given, base);
	if (key->type == KEY_NAMED)
		return named_decode(l, key, given, base);
	if (key->type == KEY_JSON) {
		value_json(l, given, base + key->offset);
		return given;
	}
	if (given->kind != NODE_SCALAR) {
		report_secret(l->report, given, key->type == KEY_SECRET ? 0 : REPORT_ALL,
			"%s needs %s, not %s", l->path.p, value_type_name(key),
			node_kind_name(given));
		return given;
	}
	value_decode(l, key, given, base + key->offset);
	return given;
}

/* ---- overrides --------------------------------------------------------------------------- */

#define SET_DEPTH 8

struct steps {
	const struct key *key[SET_DEPTH];
	size_t count;
};

/* Finds the keys of a dotted path. What is misspelt is mended in `meant`; false when anything was, or
 * was not found at all. */
static bool steps_find(struct loader *l, const char *path, struct steps *steps, struct str *meant)
{
	const struct key *at = &schema;
	bool exact = true;
	const char *p = path;

	*steps = (struct steps){ 0 };
	while (*p) {
		size_t n = strcspn(p, ".");
		char *word = arena_strndup(l->scratch, p, n);
		if (at->type != KEY_MAP || steps->count == SET_DEPTH)
			return false;
		const struct key *k = at->keys;
		while (k->name && strcmp(k->name, word) != 0)
			k++;
		if (!k->name) {
			exact = false;
			k = key_nearest(at->keys, word);
			if (!k) {
				str_reset(meant);
				return false;
			}
		}
		str_addf(meant, "%s%s", meant->len ? "." : "", k->name);
		steps->key[steps->count++] = k;
		at = k;
		p += n + (p[n] == '.');
	}
	return exact && steps->count;
}

static void set_refuse(struct loader *l, const struct source *source, const struct steps *steps,
	const struct str *meant)
{
	const struct key *last = steps->count ? steps->key[steps->count - 1] : &schema;

	if (last->type == KEY_LIST || last->type == KEY_NAMED)
		report_at(l->report, source, 0, 0,
			"unknown key; \"%s\" is a list and can only be set whole", meant->p);
	else if (meant->len)
		report_at(l->report, source, 0, 0, "unknown key; did you mean \"%s\"?", meant->p);
	else
		report_at(l->report, source, 0, 0, "unknown key; %s knows %s",
			steps->count ? last->name : "the config",
			key_list(l, last->type == KEY_MAP ? last->keys : schema.keys, NULL));
}

/* Text for a scalar, YAML for anything else. NULL when it is no YAML. */
static struct node *set_value(struct loader *l, const struct source *source, const struct key *key)
{
	bool structured = key->type == KEY_LIST || key->type == KEY_NAMED || key->type == KEY_MAP ||
		key->type == KEY_JSON;
	struct node *n = NULL;

	if (!structured) {
		n = node_scalar(l->scratch, source, source->text);
	} else {
		if (node_parse(l->scratch, source, l->report, &n))
			return NULL;
		if (!n)
			n = node_scalar(l->scratch, source, "");
	}
	return n;
}

static void map_put(struct loader *l, struct node *map, const char *name, struct node *value)
{
	for (size_t i = 0; i + 1 < map->count; i += 2)
		if (node_is(map->item[i], name)) {
			map->item[i + 1] = value;
			return;
		}
	node_append(l->scratch, map, node_scalar(l->scratch, value->source, name));
	node_append(l->scratch, map, value);
}

static void set_one(struct loader *l, struct node *given, const struct config_override *set,
	int order)
{
	struct source *source = arena_alloc(l->scratch, sizeof(*source));
	struct steps steps;
	struct str meant;

	/* The value may be a secret: the source is named without it. */
	*source = (struct source){ .order = order, .text = set->value, .len = strlen(set->value) };
	source->name = arena_printf(l->scratch, "--set %s=…",
		report_quote(l->report, set->key, strlen(set->key)));
	str_init_arena(&meant, l->scratch, LOADER_PATH_MAX);
	if (!text_valid(set->value, source->len) || source->len > NODE_BYTES_MAX) {
		report_at(l->report, source, 0, 0, "the value is not UTF-8 text, or too long");
		return;
	}
	if (!steps_find(l, set->key, &steps, &meant)) {
		set_refuse(l, source, &steps, &meant);
		return;
	}
	struct node *value = set_value(l, source, steps.key[steps.count - 1]);
	if (!value)
		return;
	struct node *map = given;
	for (size_t i = 0; i + 1 < steps.count; i++) {
		struct node *next = node_get(map, steps.key[i]->name);
		if (!next || next->kind != NODE_MAP) {
			if (next && !node_empty(next))
				return; /* wrong in its file already, and reported there */
			next = node_new(l->scratch, source, NODE_MAP);
			map_put(l, map, steps.key[i]->name, next);
		}
		map = next;
	}
	map_put(l, map, steps.key[steps.count - 1]->name, value);
}

void loader_override(struct loader *l, struct node *given, const struct config_override *set,
	size_t sets)
{
	for (size_t i = 0; i < sets; i++)
		set_one(l, given, &set[i], 1000 + (int)i);
}
