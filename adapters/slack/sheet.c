#include "adapters/slack/sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define ACTION_ID_OP_MAX 64
#define SHEET_EXPECTED	 1024 /* bytes that most documents need */

void sheet_init(struct sheet *s, int64_t now_ms)
{
	*s = (struct sheet){ .now_ms = now_ms };
	str_init(&s->json, SIZE_MAX / 4);
	str_init(&s->text, RENDER_STR_MAX);
	str_expect(&s->json, SHEET_EXPECTED);
	str_expect(&s->text, SHEET_EXPECTED);
}

void sheet_finish(struct sheet *s)
{
	str_finish(&s->json);
	str_finish(&s->text);
	free(s->blocks);
}

/* ---- one block --------------------------------------------------------------------------- */

static void block_begin(struct sheet *s, const char *type)
{
	if (s->count == s->room) {
		s->room = s->room ? s->room * 2 : 16;
		s->blocks = realloc(s->blocks, s->room * sizeof(*s->blocks));
		if (!s->blocks)
			abort();
	}
	json_put_begin(&s->json, '{');
	s->blocks[s->count] = (struct sheet_block){ .from = s->json.len - 1 };
	json_put_member(&s->json, "type", type);
}

static void block_end(struct sheet *s)
{
	json_put_end(&s->json, '}');
	s->blocks[s->count++].end = s->json.len;
}

static void count_text(struct sheet_block *b, const char *p, size_t n)
{
	b->units += render_length(p, n);
	b->lines++;
	for (const char *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		b->lines++;
}

static void put_text_object(struct sheet *s, const char *type, const char *p, size_t n)
{
	json_put_begin(&s->json, '{');
	json_put_member(&s->json, "type", type);
	json_put_name(&s->json, "text");
	json_put_stringn(&s->json, p, n);
	json_put_end(&s->json, '}');
	count_text(&s->blocks[s->count], p, n);
}

/* ---- text -------------------------------------------------------------------------------- */

typedef void (*piece_add)(struct sheet *s, const char *mrkdwn, size_t n);

static void add_section(struct sheet *s, const char *mrkdwn, size_t n)
{
	block_begin(s, "section");
	json_put_name(&s->json, "text");
	put_text_object(s, "mrkdwn", mrkdwn, n);
	block_end(s);
}

static void add_context(struct sheet *s, const char *mrkdwn, size_t n)
{
	block_begin(s, "context");
	json_put_name(&s->json, "elements");
	json_put_begin(&s->json, '[');
	put_text_object(s, "mrkdwn", mrkdwn, n);
	json_put_end(&s->json, ']');
	block_end(s);
}

/* mrkdwn as one block, or several when it is too long for one. */
static void add_pieces(struct sheet *s, const char *mrkdwn, size_t max, piece_add add)
{
	while (*(mrkdwn += strspn(mrkdwn, " \t\n"))) {
		size_t n = render_split(mrkdwn, max), end = n;

		while (end && strchr(" \t\n", mrkdwn[end - 1]))
			end--;
		add(s, mrkdwn, end);
		mrkdwn += n;
	}
}

static void add_markup(struct sheet *s, const char *markup, size_t max, piece_add add)
{
	str_reset(&s->text);
	render_mrkdwn(&s->text, markup, s->now_ms);
	add_pieces(s, s->text.p, max, add);
}

void sheet_add_text(struct sheet *s, const char *markup)
{
	add_markup(s, markup, RENDER_SECTION_MAX, add_section);
}

static void on_text(struct sheet *s, const json_t *block)
{
	sheet_add_text(s, json_get_str(block, "text"));
}

static void on_context(struct sheet *s, const json_t *block)
{
	add_markup(s, json_get_str(block, "text"), RENDER_CONTEXT_MAX, add_context);
}

/* A header block is short plain text; what is longer or has marks in it becomes a section. */
static void on_header(struct sheet *s, const json_t *block)
{
	const char *text = json_get_str(block, "text");

	if (!text)
		return;
	if (render_has_marks(text) || !render_fits(text, strlen(text), RENDER_HEADER_MAX)) {
		on_text(s, block);
		return;
	}
	str_reset(&s->text);
	render_plain(&s->text, text, RENDER_HEADER_MAX, s->now_ms);
	if (render_is_blank(s->text.p))
		return;
	block_begin(s, "header");
	json_put_name(&s->json, "text");
	put_text_object(s, "plain_text", s->text.p, s->text.len);
	block_end(s);
}

static void on_divider(struct sheet *s, const json_t *block)
{
	(void)block;
	block_begin(s, "divider");
	block_end(s);
}

static void on_list(struct sheet *s, const json_t *block)
{
	json_t *item;
	size_t at;

	str_reset(&s->text);
	json_array_foreach(json_get_arr(block, "items"), at, item)
	{
		const char *markup = json_string_value(item);

		if (!markup)
			continue;
		str_add(&s->text, s->text.len ? "\n• " : "• ");
		render_mrkdwn(&s->text, markup, s->now_ms);
	}
	add_pieces(s, s->text.p, RENDER_SECTION_MAX, add_section);
}

/* ---- fields ------------------------------------------------------------------------------ */

/* *count: fields of the section that is open; 0 when none is. */
static void fields_end(struct sheet *s, size_t *count)
{
	if (!*count)
		return;
	json_put_end(&s->json, ']');
	block_end(s);
	*count = 0;
}

static void field_add(struct sheet *s, size_t *count)
{
	if (!*count) {
		block_begin(s, "section");
		json_put_name(&s->json, "fields");
		json_put_begin(&s->json, '[');
	}
	put_text_object(s, "mrkdwn", s->text.p, s->text.len);
	if (++*count == RENDER_FIELDS_MAX)
		fields_end(s, count);
}

static void on_fields(struct sheet *s, const json_t *block)
{
	size_t at, count = 0;
	json_t *item;

	json_array_foreach(json_get_arr(block, "items"), at, item)
	{
		const char *name = json_string_value(json_array_get(item, 0));
		const char *value = json_string_value(json_array_get(item, 1));

		str_reset(&s->text);
		if (name && *name) {
			str_addc(&s->text, '*');
			render_escape(&s->text, name, strlen(name));
			str_add(&s->text, "*\n");
		}
		render_mrkdwn(&s->text, value && *value ? value : "—", s->now_ms);
		if (render_fits(s->text.p, s->text.len, RENDER_FIELD_MAX)) {
			field_add(s, &count);
			continue;
		}
		fields_end(s, &count);
		add_pieces(s, s->text.p, RENDER_SECTION_MAX, add_section);
	}
	fields_end(s, &count);
}

/* ---- buttons ----------------------------------------------------------------------------- */

/* {"op","incident"?,"args"?} as compact JSON: what envelope.c reads back. False when too long. */
static bool button_value(struct str *out, const json_t *button)
{
	static const char *const kept[] = { "op", "incident", "args" };

	json_put_begin(out, '{');
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		json_t *part = json_object_get(button, kept[i]);

		if (!part)
			continue;
		json_put_name(out, kept[i]);
		json_put_value(out, part);
	}
	json_put_end(out, '}');
	return render_fits(out->p, out->len, RENDER_VALUE_MAX);
}

static bool button_label(struct str *out, const json_t *button, int64_t now_ms)
{
	render_plain(out, json_get_str(button, "label"), RENDER_LABEL_MAX, now_ms);
	if (!render_is_blank(out->p))
		return true;
	str_reset(out);
	render_plain(out, json_get_str(button, "op"), RENDER_LABEL_MAX, now_ms);
	return !render_is_blank(out->p);
}

/* The elements of a block to come: what cannot be one of them is said before it. */
struct buttons {
	struct str json;
	struct sheet_block counted;
	size_t count;
};

static bool button_add(
	struct buttons *b, const json_t *button, const char *op, size_t at, int64_t now_ms)
{
	struct str STR_CLEANUP label = { 0 };
	struct str STR_CLEANUP value = { 0 };
	const char *style = json_get_str(button, "style");
	char id[ACTION_ID_OP_MAX + 32];

	str_init(&label, RENDER_STR_MAX);
	str_init(&value, SIZE_MAX / 4);
	if (!button_label(&label, button, now_ms) || !button_value(&value, button))
		return false;
	json_put_begin(&b->json, '{');
	json_put_member(&b->json, "type", "button");
	json_put_name(&b->json, "text");
	render_put_plain(&b->json, label.p);
	json_put_member(&b->json, "value", value.p);
	snprintf(id, sizeof(id), "%.*s:%zu", (int)text_cut(op, ACTION_ID_OP_MAX), op, at);
	json_put_member(&b->json, "action_id", id);
	if (style && (strcmp(style, "primary") == 0 || strcmp(style, "danger") == 0))
		json_put_member(&b->json, "style", style);
	json_put_end(&b->json, '}');
	count_text(&b->counted, label.p, label.len);
	b->count++;
	return true;
}

static void buttons_flush(struct sheet *s, struct buttons *b)
{
	struct sheet_block *block;

	if (!b->count)
		return;
	block_begin(s, "actions");
	json_put_name(&s->json, "elements");
	json_put_begin(&s->json, '[');
	str_addn(&s->json, b->json.p, b->json.len);
	json_put_end(&s->json, ']');
	block = &s->blocks[s->count];
	block->units = b->counted.units;
	block->lines = b->counted.lines;
	block->actions = true;
	block_end(s);
	str_reset(&b->json);
	b->counted = (struct sheet_block){ 0 };
	b->count = 0;
}

static void note_too_long(struct sheet *s, const char *op)
{
	str_reset(&s->text);
	str_add(&s->text, "(too long for a button: /inc ");
	render_escape(&s->text, op, strlen(op));
	str_addc(&s->text, ')');
	add_pieces(s, s->text.p, RENDER_CONTEXT_MAX, add_context);
}

static void on_buttons(struct sheet *s, const json_t *block)
{
	struct buttons b = { 0 };
	json_t *item;
	size_t at;

	str_init(&b.json, SIZE_MAX / 4);
	json_array_foreach(json_get_arr(block, "items"), at, item)
	{
		const char *op = json_get_str(item, "op");

		if (op && !button_add(&b, item, op, at, s->now_ms))
			note_too_long(s, op);
		if (b.count == RENDER_BUTTONS_MAX)
			buttons_flush(s, &b);
	}
	buttons_flush(s, &b);
	str_finish(&b.json);
}

/* ------------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	void (*add)(struct sheet *s, const json_t *block);
} block_kinds[] = {
	{ "header", on_header },
	{ "text", on_text },
	{ "fields", on_fields },
	{ "buttons", on_buttons },
	{ "context", on_context },
	{ "divider", on_divider },
	{ "list", on_list },
};

void sheet_add_blocks(struct sheet *s, const json_t *doc)
{
	json_t *block;
	size_t at;

	json_array_foreach(json_get_arr(doc, "blocks"), at, block)
	{
		const char *kind = json_get_str(block, "t");

		for (size_t i = 0; kind && i < sizeof(block_kinds) / sizeof(*block_kinds); i++) {
			if (strcmp(kind, block_kinds[i].name) == 0)
				block_kinds[i].add(s, block);
		}
	}
}
