/* Jira's → plain text: the inbound half of text.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adapters/jira/text.h"
#include "base/arena.h"
#include "base/text.h"

/* ---- ADF --------------------------------------------------------------------------------- */

static void adf_node(struct str *out, json_t *node, int depth);

static void adf_children(struct str *out, json_t *node, int depth)
{
	json_t *child;
	size_t at;

	json_array_foreach(json_get_arr(node, "content"), at, child)
	{
		if (out->cut)
			return;
		adf_node(out, child, depth + 1);
	}
}

static void adf_line(struct str *out)
{
	if (out->len && out->p[out->len - 1] != '\n')
		str_addc(out, '\n');
}

static void adf_block(struct str *out, json_t *node, int depth)
{
	adf_line(out);
	adf_children(out, node, depth);
	adf_line(out);
}

static void adf_item(struct str *out, json_t *node, int depth)
{
	adf_line(out);
	str_add(out, "• ");
	/* Its paragraph would begin a line of its own. */
	json_t *first = json_array_get(json_get_arr(node, "content"), 0), *child;
	size_t at;

	adf_children(out, first, depth + 1);
	adf_line(out);
	json_array_foreach(json_get_arr(node, "content"), at, child)
	{
		if (at)
			adf_node(out, child, depth + 1);
	}
}

static void adf_text(struct str *out, json_t *node, int depth)
{
	const char *text = json_get_str(node, "text"), *href;
	json_t *mark;
	size_t at;

	(void)depth;
	str_add(out, text);
	json_array_foreach(json_get_arr(node, "marks"), at, mark)
	{
		href = json_get_str(json_get_obj(mark, "attrs"), "href");
		if (href && (!text || strcmp(text, href) != 0))
			str_addf(out, " (%s)", href);
	}
}

static void adf_break(struct str *out, json_t *node, int depth)
{
	(void)node;
	(void)depth;
	str_addc(out, '\n');
}

static void adf_cell(struct str *out, json_t *node, int depth)
{
	json_t *child;
	size_t at;

	json_array_foreach(json_get_arr(node, "content"), at, child)
		adf_children(out, child, depth + 1);
	str_add(out, " | ");
}

/* What is no text has its words in its attributes. */
static void adf_attrs(struct str *out, json_t *node, int depth)
{
	static const char *const names[] = { "text", "shortName", "url", "alt", "title" };
	json_t *attrs = json_get_obj(node, "attrs");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *words = json_get_str(attrs, names[i]);

		if (!words || !*words)
			continue;
		str_add(out, words);
		return;
	}
	adf_children(out, node, depth);
}

static void adf_media(struct str *out, json_t *node, int depth)
{
	(void)node;
	(void)depth;
	adf_line(out);
	str_add(out, "(attachment)\n");
}

static const struct {
	const char *type;
	void (*add)(struct str *out, json_t *node, int depth);
} adf_types[] = {
	{ "text", adf_text },
	{ "paragraph", adf_block },
	{ "hardBreak", adf_break },
	{ "heading", adf_block },
	{ "codeBlock", adf_block },
	{ "blockquote", adf_block },
	{ "panel", adf_block },
	{ "listItem", adf_item },
	{ "taskItem", adf_block },
	{ "tableRow", adf_block },
	{ "tableCell", adf_cell },
	{ "tableHeader", adf_cell },
	{ "rule", adf_break },
	{ "media", adf_media },
	{ "mediaInline", adf_media },
};

static void adf_node(struct str *out, json_t *node, int depth)
{
	const char *type = json_get_str(node, "type");

	if (depth > TEXT_DEPTH_MAX || out->cut)
		return;
	for (size_t i = 0; type && i < sizeof(adf_types) / sizeof(*adf_types); i++) {
		if (strcmp(type, adf_types[i].type) != 0)
			continue;
		adf_types[i].add(out, node, depth);
		return;
	}
	adf_attrs(out, node, depth);
}

/* ---- wiki markup ------------------------------------------------------------------------- */

/* {code:java}, {quote}, {color:red}: macros without content of their own. */
static size_t wiki_macro(const char *p)
{
	static const char *const macros[] = { "code", "noformat", "quote", "color", "panel", "*",
		"_", "-", "+" };
	size_t n = strcspn(p, "}\n");

	if (*p != '{' || p[n] != '}')
		return 0;
	for (size_t i = 0; i < sizeof(macros) / sizeof(*macros); i++) {
		size_t len = strlen(macros[i]);

		if (strncasecmp(p + 1, macros[i], len) == 0 &&
			(p[1 + len] == '}' || p[1 + len] == ':'))
			return n + 1;
	}
	return 0;
}

/* [label|url], [url], [~name] */
static size_t wiki_link(struct str *out, const char *p)
{
	size_t n = 1, bar = 0;

	for (; p[n] && p[n] != ']' && p[n] != '\n'; n++) {
		if (p[n] == '\\' && p[n + 1] && p[n + 1] != '\n')
			n++;
		else if (p[n] == '|' && !bar)
			bar = n;
	}
	if (p[n] != ']' || n == 1 || n > 2000)
		return 0;
	if (p[1] == '~') {
		str_addc(out, '@');
		str_addn(out, p + 2, n - 2);
	} else if (bar) {
		for (size_t i = 1; i < bar; i++) {
			if (p[i] != '\\')
				str_addc(out, p[i]);
		}
		str_add(out, " (");
		str_addn(out, p + bar + 1, n - bar - 1);
		str_addc(out, ')');
	} else {
		str_addn(out, p + 1, n - 1);
	}
	return n + 1;
}

static size_t wiki_entity(struct str *out, const char *p)
{
	char *end;
	long c;

	if (p[0] != '&' || p[1] != '#' || !isdigit((unsigned char)p[2]))
		return 0;
	c = strtol(p + 2, &end, 10);
	if (*end != ';' || c < 32 || c > 126)
		return 0;
	str_addc(out, (char)c);
	return (size_t)(end - p) + 1;
}

/* "h1. " and "bq. " at the start of a line. */
static size_t wiki_heading(const char *p)
{
	if (((p[0] == 'h' && p[1] >= '1' && p[1] <= '6') || (p[0] == 'b' && p[1] == 'q')) &&
		p[2] == '.' && p[3] == ' ')
		return 4;
	return 0;
}

static size_t wiki_piece(struct str *out, const char *p, bool line_start)
{
	size_t n = line_start ? wiki_heading(p) : 0;

	if (!n && *p == '{')
		n = strncmp(p, "{{", 2) == 0 ? 2 : wiki_macro(p);
	if (!n && strncmp(p, "}}", 2) == 0)
		n = 2;
	if (!n && *p == '[')
		n = wiki_link(out, p);
	if (!n && *p == '&')
		n = wiki_entity(out, p);
	if (n)
		return n;
	if (*p == '\\' && ispunct((unsigned char)p[1])) {
		str_addc(out, p[1] == '\\' ? '\n' : p[1]);
		return 2;
	}
	str_addc(out, *p);
	return 1;
}

void text_from_wiki(struct str *out, const char *wiki)
{
	bool line_start = true;

	while (*wiki && !out->cut) {
		size_t n = wiki_piece(out, wiki, line_start);

		line_start = wiki[n - 1] == '\n';
		wiki += n;
	}
}

const char *text_from_jira(struct arena *a, const json_t *value)
{
	struct str STR_CLEANUP s = { 0 };
	json_t *node = json_incref((json_t *)(uintptr_t)value);
	size_t n;

	str_init(&s, TEXT_READ_MAX);
	if (json_is_string(value))
		text_from_wiki(&s, json_string_value(value));
	else if (json_is_object(value))
		adf_node(&s, node, 0);
	json_decref(node);
	n = text_edge(s.p, s.len);
	const char *clean = text_clean(a, s.p, n, TEXT_READ_MAX, true);

	return s.cut ? arena_printf(a, "%s…", clean) : clean;
}
