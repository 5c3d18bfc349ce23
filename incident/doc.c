/* Documents and forms: the second half of doc.h. */
#include "incident/doc.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* A JSON string of any bytes: what is no UTF-8 becomes "?", since a message with a flaw is better
 * than none. */
static json_t *doc_string(const char *text)
{
	json_t *value = json_string(text ? text : "");
	STR_CLEANUP struct str fixed = { 0 };
	size_t n;

	if (value || !text)
		return value;
	n = strlen(text);
	str_init(&fixed, n);
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t c = 0;

		len = text_decode(text + i, n - i, &c);
		if (len == 0) {
			str_addc(&fixed, '?');
			len = 1;
		} else {
			str_addn(&fixed, text + i, len);
		}
	}
	value = json_string(fixed.p);
	if (!value)
		abort(); /* no memory */
	return value;
}

json_t *doc_new(const char *text)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "text", doc_string(text));
	json_object_set_new(doc, "blocks", json_array());
	return doc;
}

static json_t *doc_blocks(json_t *doc)
{
	json_t *blocks = json_get_arr(doc, "blocks");

	if (!blocks) {
		blocks = json_array();
		json_object_set_new(doc, "blocks", blocks);
	}
	return blocks;
}

static json_t *doc_block(json_t *doc, const char *type)
{
	json_t *block = json_object();

	json_object_set_new(block, "t", json_string(type));
	json_array_append_new(doc_blocks(doc), block);
	return block;
}

static void doc_text_block(json_t *doc, const char *type, const char *text)
{
	if (text && *text)
		json_object_set_new(doc_block(doc, type), "text", doc_string(text));
}

void doc_header(json_t *doc, const char *text)
{
	doc_text_block(doc, "header", text);
}

void doc_text(json_t *doc, const char *text)
{
	doc_text_block(doc, "text", text);
}

void doc_context(json_t *doc, const char *text)
{
	doc_text_block(doc, "context", text);
}

void doc_divider(json_t *doc)
{
	doc_block(doc, "divider");
}

/* The items of the last block if it is of this type, else of a new one. */
static json_t *doc_items(json_t *doc, const char *type)
{
	json_t *blocks = doc_blocks(doc);
	size_t n = json_array_size(blocks);
	json_t *block = n ? json_array_get(blocks, n - 1) : NULL;
	const char *t = json_get_str(block, "t");
	json_t *items;

	if (t && strcmp(t, type) == 0 && (items = json_get_arr(block, "items")) != NULL)
		return items;
	items = json_array();
	json_object_set_new(doc_block(doc, type), "items", items);
	return items;
}

void doc_list_item(json_t *doc, const char *text)
{
	json_array_append_new(doc_items(doc, "list"), doc_string(text));
}

void doc_field(json_t *doc, const char *name, const char *text)
{
	json_t *pair = json_array();

	json_array_append_new(pair, doc_string(name));
	json_array_append_new(pair, doc_string(text));
	json_array_append_new(doc_items(doc, "fields"), pair);
}

void doc_button(json_t *doc, const char *label, const char *op, int64_t incident, json_t *args_take,
	const char *style)
{
	json_t *button = json_object();

	json_object_set_new(button, "label", doc_string(label));
	json_object_set_new(button, "op", doc_string(op));
	if (incident)
		json_object_set_new(button, "incident", json_integer(incident));
	if (args_take)
		json_object_set_new(button, "args", args_take);
	if (style)
		json_object_set_new(button, "style", doc_string(style));
	json_array_append_new(doc_items(doc, "buttons"), button);
}

struct plain_doc {
	struct str *out;
	const char *zone;
	int64_t now_ms;
	const char *(*name)(void *ctx, const char *person);
	void *ctx;
};

static void plain_line(const struct plain_doc *d, const char *front, const char *text)
{
	str_add(d->out, front);
	markup_plain(d->out, text, d->zone, d->now_ms, d->name, d->ctx);
	str_addc(d->out, '\n');
}

static void plain_text_block(const struct plain_doc *d, const json_t *block)
{
	plain_line(d, "", json_get_str(block, "text"));
}

static void plain_fields(const struct plain_doc *d, const json_t *block)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_get_arr(block, "items"), i, item) {
		const char *name = json_string_value(json_array_get(item, 0));

		markup_plain(d->out, name, d->zone, d->now_ms, d->name, d->ctx);
		plain_line(d, ": ", json_string_value(json_array_get(item, 1)));
	}
}

static void plain_list(const struct plain_doc *d, const json_t *block)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_get_arr(block, "items"), i, item)
		plain_line(d, "- ", json_string_value(item));
}

static void plain_buttons(const struct plain_doc *d, const json_t *block)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_get_arr(block, "items"), i, item) {
		str_add(d->out, i ? " [" : "[");
		markup_plain(
			d->out, json_get_str(item, "label"), d->zone, d->now_ms, d->name, d->ctx);
		str_addc(d->out, ']');
	}
	str_addc(d->out, '\n');
}

static void plain_divider(const struct plain_doc *d, const json_t *block)
{
	(void)block;
	str_add(d->out, "---\n");
}

static const struct block_type {
	const char *name;
	void (*plain)(const struct plain_doc *d, const json_t *block);
	bool says; /* carries what the fallback text would say */
} block_types[] = {
	{ "header", plain_text_block, true },    { "text", plain_text_block, true },
	{ "fields", plain_fields, true },        { "list", plain_list, true },
	{ "context", plain_text_block, false },  { "buttons", plain_buttons, false },
	{ "divider", plain_divider, false },
};

static const struct block_type *block_type(const json_t *block)
{
	const char *t = json_get_str(block, "t");

	for (size_t i = 0; t && i < sizeof(block_types) / sizeof(*block_types); i++)
		if (strcmp(t, block_types[i].name) == 0)
			return &block_types[i];
	return NULL;
}

static bool doc_blocks_say(const json_t *blocks)
{
	json_t *block;
	size_t i;

	json_array_foreach(blocks, i, block) {
		const struct block_type *type = block_type(block);

		if (type && type->says)
			return true;
	}
	return false;
}

void doc_plain(struct str *out, const json_t *doc, const char *zone, int64_t now_ms,
	const char *(*name)(void *ctx, const char *person), void *ctx)
{
	struct plain_doc d = { out, zone, now_ms, name, ctx };
	const json_t *blocks = json_get_arr(doc, "blocks");
	json_t *block;
	size_t i;

	if (!doc_blocks_say(blocks))
		plain_line(&d, "", json_get_str(doc, "text"));
	json_array_foreach(blocks, i, block) {
		const struct block_type *type = block_type(block);

		if (type)
			type->plain(&d, block);
	}
}

void doc_data(json_t *doc, json_t *data_take)
{
	json_object_set_new(doc, "data", data_take);
}

json_t *form_new(const char *title, const char *op, int64_t incident, const char *submit)
{
	json_t *form = json_object();

	json_object_set_new(form, "title", doc_string(title));
	json_object_set_new(form, "op", doc_string(op));
	if (incident)
		json_object_set_new(form, "incident", json_integer(incident));
	json_object_set_new(form, "submit", doc_string(submit));
	json_object_set_new(form, "fields", json_array());
	return form;
}

json_t *form_field(json_t *form, const char *arg, const char *label, const char *type,
	const char *value, const char *hint, bool optional, json_t *options_take)
{
	json_t *field = json_object();

	json_object_set_new(field, "arg", doc_string(arg));
	json_object_set_new(field, "label", doc_string(label));
	json_object_set_new(field, "type", doc_string(type));
	if (value)
		json_object_set_new(field, "value", doc_string(value));
	if (hint)
		json_object_set_new(field, "hint", doc_string(hint));
	if (optional)
		json_object_set_new(field, "optional", json_true());
	if (options_take)
		json_object_set_new(field, "options", options_take);
	json_array_append_new(json_get_arr(form, "fields"), field);
	return field;
}
