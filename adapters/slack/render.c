#include "adapters/slack/render.h"

#include <string.h>

#include "adapters/slack/render_text.h"

/* Room for "continued" and "more" in every message, whatever else is in it. */
#define PACK_BLOCKS	 (RENDER_BLOCKS_MAX - 2)
#define PACK_TOTAL	 (RENDER_TOTAL_MAX - 300)
#define ACTION_ID_OP_MAX 64

/* The blocks of a document, one after the other, before they are packed into messages. */
struct sheet {
	json_t *blocks;
	int64_t now_ms;
};

static json_t *mrkdwn_object(const char *text, size_t n)
{
	return json_pack("{s:s, s:s%}", "type", "mrkdwn", "text", text, n);
}

static void sheet_add(struct sheet *s, json_t *block_take)
{
	json_array_append_new(s->blocks, block_take);
}

typedef json_t *(*piece_block)(json_t *text_take);

static json_t *section_of(json_t *text_take)
{
	return json_pack("{s:s, s:o}", "type", "section", "text", text_take);
}

static json_t *context_of(json_t *text_take)
{
	return json_pack("{s:s, s:[o]}", "type", "context", "elements", text_take);
}

/* mrkdwn as one block, or several when it is too long for one. */
static void sheet_add_pieces(struct sheet *s, const char *mrkdwn, size_t max, piece_block make)
{
	while (*(mrkdwn += strspn(mrkdwn, " \t\n"))) {
		size_t n = render_split(mrkdwn, max), end = n;

		while (end && strchr(" \t\n", mrkdwn[end - 1]))
			end--;
		sheet_add(s, make(mrkdwn_object(mrkdwn, end)));
		mrkdwn += n;
	}
}

static void sheet_add_markup(struct sheet *s, const char *markup, size_t max, piece_block make)
{
	struct str STR_CLEANUP text = { 0 };

	str_init(&text, RENDER_STR_MAX);
	render_mrkdwn(&text, markup, s->now_ms);
	sheet_add_pieces(s, text.p, max, make);
}

static void on_text(struct sheet *s, const json_t *block)
{
	sheet_add_markup(s, json_get_str(block, "text"), RENDER_SECTION_MAX, section_of);
}

static void on_context(struct sheet *s, const json_t *block)
{
	sheet_add_markup(s, json_get_str(block, "text"), RENDER_CONTEXT_MAX, context_of);
}

/* A header block is short plain text; what is longer or has marks in it becomes a section. */
static void on_header(struct sheet *s, const json_t *block)
{
	const char *text = json_get_str(block, "text");

	if (!text)
		return;
	if (render_has_marks(text) || render_length(text, strlen(text)) > RENDER_HEADER_MAX) {
		on_text(s, block);
		return;
	}
	json_t *plain = render_plain_object(text, RENDER_HEADER_MAX, s->now_ms);

	if (plain)
		sheet_add(s, json_pack("{s:s, s:o}", "type", "header", "text", plain));
}

static void on_divider(struct sheet *s, const json_t *block)
{
	(void)block;
	sheet_add(s, json_pack("{s:s}", "type", "divider"));
}

static void on_list(struct sheet *s, const json_t *block)
{
	struct str STR_CLEANUP text = { 0 };
	json_t *item;
	size_t at;

	str_init(&text, RENDER_STR_MAX);
	json_array_foreach(json_get_arr(block, "items"), at, item)
	{
		const char *markup = json_string_value(item);

		if (!markup)
			continue;
		str_add(&text, text.len ? "\n• " : "• ");
		render_mrkdwn(&text, markup, s->now_ms);
	}
	sheet_add_pieces(s, text.p, RENDER_SECTION_MAX, section_of);
}

static void flush_fields(struct sheet *s, json_t **fields)
{
	if (json_array_size(*fields))
		sheet_add(s, json_pack("{s:s, s:o}", "type", "section", "fields", *fields));
	else
		json_decref(*fields);
	*fields = json_array();
}

static void on_fields(struct sheet *s, const json_t *block)
{
	json_t *fields = json_array(), *item;
	size_t at;

	json_array_foreach(json_get_arr(block, "items"), at, item)
	{
		const char *name = json_string_value(json_array_get(item, 0));
		const char *value = json_string_value(json_array_get(item, 1));
		struct str STR_CLEANUP text = { 0 };

		str_init(&text, RENDER_STR_MAX);
		if (name && *name) {
			str_addc(&text, '*');
			render_escape(&text, name, strlen(name));
			str_add(&text, "*\n");
		}
		render_mrkdwn(&text, value && *value ? value : "—", s->now_ms);
		if (render_length(text.p, text.len) > RENDER_FIELD_MAX) {
			flush_fields(s, &fields);
			sheet_add_pieces(s, text.p, RENDER_SECTION_MAX, section_of);
			continue;
		}
		json_array_append_new(fields, mrkdwn_object(text.p, text.len));
		if (json_array_size(fields) == RENDER_FIELDS_MAX)
			flush_fields(s, &fields);
	}
	flush_fields(s, &fields);
	json_decref(fields);
}

/* {"op","incident"?,"args"?} as compact JSON: what envelope.c reads back. NULL when too long. */
static char *button_value(const json_t *button)
{
	static const char *const kept[] = { "op", "incident", "args" };
	JSON_CLEANUP json_t *value = json_object();
	char *text;

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		json_t *part = json_object_get(button, kept[i]);

		if (part)
			json_object_set(value, kept[i], part);
	}
	text = json_text_new(value);
	if (render_length(text, strlen(text)) <= RENDER_VALUE_MAX)
		return text;
	free(text);
	return NULL;
}

static json_t *button_block(const json_t *button, size_t at, int64_t now_ms)
{
	const char *op = json_get_str(button, "op");
	const char *style = json_get_str(button, "style");
	json_t *label =
		render_plain_object(json_get_str(button, "label"), RENDER_LABEL_MAX, now_ms);
	char *value = button_value(button);
	json_t *out = NULL;

	if (!label)
		label = render_plain_object(op, RENDER_LABEL_MAX, now_ms);
	if (label && value) {
		out = json_pack("{s:s, s:O, s:s}", "type", "button", "text", label, "value", value);
		json_object_set_new(
			out, "action_id", json_sprintf("%.*s:%zu", ACTION_ID_OP_MAX, op, at));
		if (style && (strcmp(style, "primary") == 0 || strcmp(style, "danger") == 0))
			json_object_set_new(out, "style", json_string(style));
	}
	json_decref(label);
	free(value);
	return out;
}

static void flush_buttons(struct sheet *s, json_t **elements)
{
	if (json_array_size(*elements))
		sheet_add(s, json_pack("{s:s, s:o}", "type", "actions", "elements", *elements));
	else
		json_decref(*elements);
	*elements = json_array();
}

static void on_buttons(struct sheet *s, const json_t *block)
{
	json_t *elements = json_array(), *item;
	size_t at;

	json_array_foreach(json_get_arr(block, "items"), at, item)
	{
		const char *op = json_get_str(item, "op");
		json_t *button = op ? button_block(item, at, s->now_ms) : NULL;

		if (button) {
			json_array_append_new(elements, button);
		} else if (op) {
			struct str STR_CLEANUP note = { 0 };

			str_init(&note, RENDER_STR_MAX);
			str_add(&note, "(too long for a button: /inc ");
			render_escape(&note, op, strlen(op));
			str_addc(&note, ')');
			sheet_add_pieces(s, note.p, RENDER_CONTEXT_MAX, context_of);
		}
		if (json_array_size(elements) == RENDER_BUTTONS_MAX)
			flush_buttons(s, &elements);
	}
	flush_buttons(s, &elements);
	json_decref(elements);
}

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

static json_t *blocks_of(const json_t *doc, int64_t now_ms)
{
	struct sheet s = { .blocks = json_array(), .now_ms = now_ms };
	json_t *block;
	size_t at;

	json_array_foreach(json_get_arr(doc, "blocks"), at, block)
	{
		const char *kind = json_get_str(block, "t");

		for (size_t i = 0; kind && i < sizeof(block_kinds) / sizeof(*block_kinds); i++) {
			if (strcmp(kind, block_kinds[i].name) == 0)
				block_kinds[i].add(&s, block);
		}
	}
	return s.blocks;
}

/* Only a text, and too long for one: blocks can be split. */
static json_t *blocks_of_text(const json_t *doc, int64_t now_ms)
{
	struct sheet s = { .blocks = json_array(), .now_ms = now_ms };

	on_text(&s, doc);
	return s.blocks;
}

/* Units of all texts in it, and how many lines they are. */
static void block_measure(json_t *value, size_t *units, size_t *lines)
{
	const char *key;
	json_t *item;
	size_t at;

	if (json_is_array(value)) {
		json_array_foreach(value, at, item) block_measure(item, units, lines);
		return;
	}
	json_object_foreach(value, key, item)
	{
		const char *text = json_string_value(item);

		if (!text) {
			block_measure(item, units, lines);
		} else if (strcmp(key, "text") == 0) {
			*units += render_length(text, strlen(text));
			*lines += 1;
			for (; *text; text++)
				*lines += *text == '\n';
		}
	}
}

static size_t block_units(json_t *block)
{
	size_t units = 0, lines = 0;

	block_measure(block, &units, &lines);
	return units;
}

static bool block_is_actions(const json_t *block)
{
	const char *type = json_get_str(block, "type");

	return type && strcmp(type, "actions") == 0;
}

static json_t *more_note(size_t lines)
{
	return context_of(json_pack("{s:s, s:o}", "type", "mrkdwn", "text",
		json_sprintf("_(%zu more %s; /inc show and /inc timeline have all of it)_", lines,
			lines == 1 ? "line" : "lines")));
}

/* As many of the blocks as fit into one message, its buttons last and always, and a note about the
 * rest. */
static json_t *pack_one(const json_t *blocks, size_t blocks_max, size_t total_max)
{
	json_t *out = json_array(), *block;
	json_t *actions = json_array();
	size_t at, units = 0, lines = 0, left = 0;
	bool full = false;

	json_array_foreach(blocks, at, block)
	{
		if (!block_is_actions(block) || json_array_size(actions) == 4)
			continue;
		json_array_append(actions, block);
		units += block_units(block);
	}
	json_array_foreach(blocks, at, block)
	{
		size_t mine = 0;

		if (block_is_actions(block))
			continue;
		lines = 0;
		block_measure(block, &mine, &lines);
		full = full || units + mine > total_max ||
		       json_array_size(out) + json_array_size(actions) >= blocks_max;
		if (full) {
			left += lines;
		} else {
			json_array_append(out, block);
			units += mine;
		}
	}
	if (left)
		json_array_append_new(out, more_note(left));
	json_array_extend(out, actions);
	json_decref(actions);
	return out;
}

static bool fits_one(json_t *blocks, size_t blocks_max, size_t total_max)
{
	return json_array_size(blocks) <= blocks_max && block_units(blocks) <= total_max;
}

/* Array of arrays of blocks, each fit for one message. */
static json_t *pack_many(const json_t *blocks)
{
	json_t *out = json_array(), *part = json_array(), *block;
	size_t at, units = 0;

	json_array_foreach(blocks, at, block)
	{
		size_t mine = block_units(block);

		if (json_array_size(part) &&
			(json_array_size(part) >= PACK_BLOCKS || units + mine > PACK_TOTAL)) {
			json_array_append_new(out, part);
			part = json_array();
			units = 0;
			if (json_array_size(out) == RENDER_MESSAGES_MAX - 1)
				break;
		}
		json_array_append(part, block);
		units += mine;
	}
	if (!json_array_size(part) && at < json_array_size(blocks)) {
		JSON_CLEANUP json_t *rest = json_array();

		for (; at < json_array_size(blocks); at++)
			json_array_append(rest, json_array_get(blocks, at));
		json_decref(part);
		part = pack_one(rest, PACK_BLOCKS, PACK_TOTAL);
	}
	json_array_append_new(out, part);
	return out;
}

static json_t *message_text(const json_t *doc, size_t max, int64_t now_ms)
{
	json_t *text = render_string(json_get_str(doc, "text"), max, now_ms);

	return text ? text : json_string("(no text)");
}

static json_t *continued_block(size_t at, size_t count)
{
	return context_of(json_pack("{s:s, s:o}", "type", "mrkdwn", "text",
		json_sprintf("_… continued (%zu of %zu)_", at + 1, count)));
}

static json_t *continued_text(const json_t *doc, size_t at, size_t count, int64_t now_ms)
{
	JSON_CLEANUP json_t *start = message_text(doc, 200, now_ms);

	return json_sprintf("%s (continued, %zu of %zu)", json_string_value(start), at + 1, count);
}

json_t *render_messages(const json_t *doc, int64_t now_ms)
{
	JSON_CLEANUP json_t *blocks = blocks_of(doc, now_ms);
	JSON_CLEANUP json_t *parts = NULL;
	json_t *text = message_text(doc, RENDER_STR_MAX, now_ms);
	const char *s = json_string_value(text);
	json_t *out = json_array(), *part;
	size_t at;

	if (!json_array_size(blocks)) {
		if (render_length(s, strlen(s)) <= RENDER_TEXT_MAX) {
			json_array_append_new(out, json_pack("{s:o}", "text", text));
			return out;
		}
		json_decref(blocks);
		blocks = blocks_of_text(doc, now_ms);
	}
	json_decref(text);
	parts = pack_many(blocks);
	json_array_foreach(parts, at, part)
	{
		size_t count = json_array_size(parts);

		if (at)
			json_array_insert_new(part, 0, continued_block(at, count));
		json_array_append_new(out, json_pack("{s:o, s:O}", "text",
						   at ? continued_text(doc, at, count, now_ms)
						      : message_text(doc, RENDER_TEXT_MAX, now_ms),
						   "blocks", part));
	}
	return out;
}

json_t *render_edit(const json_t *doc, int64_t now_ms)
{
	JSON_CLEANUP json_t *blocks = blocks_of(doc, now_ms);
	json_t *text = message_text(doc, RENDER_STR_MAX, now_ms);
	const char *s = json_string_value(text);

	if (!json_array_size(blocks) && render_length(s, strlen(s)) > RENDER_TEXT_MAX) {
		json_decref(blocks);
		blocks = blocks_of_text(doc, now_ms);
	}
	json_decref(text);
	text = message_text(doc, RENDER_TEXT_MAX, now_ms);
	if (!fits_one(blocks, PACK_BLOCKS, PACK_TOTAL)) {
		json_t *packed = pack_one(blocks, PACK_BLOCKS, PACK_TOTAL);

		json_decref(blocks);
		blocks = packed;
	}
	/* Always with blocks, be they none: an edit without them would keep the old ones. */
	return json_pack("{s:o, s:O}", "text", text, "blocks", blocks);
}

static json_t *view_blocks(const json_t *doc, int64_t now_ms)
{
	json_t *blocks = blocks_of(doc, now_ms);
	json_t *packed;

	if (!json_array_size(blocks)) {
		json_decref(blocks);
		blocks = blocks_of_text(doc, now_ms);
	}
	if (json_array_size(blocks) <= RENDER_VIEW_BLOCKS_MAX - 2)
		return blocks;
	packed = pack_one(blocks, RENDER_VIEW_BLOCKS_MAX - 2, SIZE_MAX);
	json_decref(blocks);
	return packed;
}

json_t *render_home(const json_t *doc, int64_t now_ms)
{
	return json_pack("{s:s, s:o}", "type", "home", "blocks", view_blocks(doc, now_ms));
}

json_t *render_notice(const char *title, const json_t *doc, int64_t now_ms)
{
	return json_pack("{s:s, s:o, s:{s:s, s:s}, s:o}", "type", "modal", "title",
		render_plain_object(title, RENDER_TITLE_MAX, now_ms), "close", "type", "plain_text",
		"text", "Close", "blocks", view_blocks(doc, now_ms));
}
