#ifndef TESTS_BLOCKKIT_H
#define TESTS_BLOCKKIT_H
/*
 * Slack's rules about messages and views, written down a second time and apart from the renderer,
 * so that what it makes can be held against them. Each returns NULL, or what is wrong. Lengths are
 * UTF-16 units.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

static inline size_t bk_units(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80 ? ((unsigned char)*s >= 0xf0 ? 2 : 1) : 0;
	return n;
}

/* Every '<' begins a token of ours and every '&' an entity: else text of users got through as
 * markup. */
static inline const char *bk_mrkdwn(const char *s)
{
	static const char *const tokens[] = { "<@", "<#", "<!date^", "<!channel>", "<http://",
		"<https://", "<HTTP", "<Http" };
	static const char *const entities[] = { "&amp;", "&lt;", "&gt;" };

	for (; *s; s++) {
		bool fine = *s != '<' && *s != '&';

		for (size_t i = 0; *s == '<' && i < sizeof(tokens) / sizeof(*tokens); i++)
			fine = fine || strncasecmp(s, tokens[i], strlen(tokens[i])) == 0;
		for (size_t i = 0; *s == '&' && i < 3; i++)
			fine = fine || strncmp(s, entities[i], strlen(entities[i])) == 0;
		if (!fine)
			return "an unescaped < or &, or a cut entity";
		if (*s == '<') {
			const char *end = strpbrk(s + 1, "<>");

			if (!end || *end == '<')
				return "a token that does not end";
			s = end;
		}
		if ((unsigned char)*s < 0x20 && *s != '\n' && *s != '\t')
			return "a control character";
	}
	return NULL;
}

static inline const char *bk_text(json_t *object, const char *kind, size_t max)
{
	const char *type = json_get_str(object, "type"), *text = json_get_str(object, "text");

	if (!type || strcmp(type, kind) != 0)
		return "a text object of the wrong type";
	if (!text || !text[strspn(text, " \n\t")])
		return "an empty text";
	if (bk_units(text) > max)
		return "a text that is too long";
	return strcmp(kind, "mrkdwn") == 0 ? bk_mrkdwn(text) : NULL;
}

static inline const char *bk_each(json_t *list, size_t most, const char *(*check)(json_t *))
{
	json_t *item;
	size_t at;

	if (!json_array_size(list))
		return "an empty list";
	if (json_array_size(list) > most)
		return "too many in a list";
	json_array_foreach(list, at, item)
	{
		const char *why = check(item);

		if (why)
			return why;
	}
	return NULL;
}

static inline const char *bk_field(json_t *field)
{
	return bk_text(field, "mrkdwn", 2000);
}

static inline const char *bk_context_element(json_t *element)
{
	return bk_text(element, "mrkdwn", 2000);
}

static inline const char *bk_button(json_t *button)
{
	const char *value = json_get_str(button, "value"), *id = json_get_str(button, "action_id");

	if (!value || bk_units(value) > 2000)
		return "a button's value";
	if (!id || !*id || bk_units(id) > 255)
		return "an action_id";
	return bk_text(json_get_obj(button, "text"), "plain_text", 75);
}

static inline const char *bk_option(json_t *option)
{
	const char *value = json_get_str(option, "value");

	if (!value || !*value || bk_units(value) > 150)
		return "an option's value";
	return bk_text(json_get_obj(option, "text"), "plain_text", 75);
}

static inline const char *bk_input(json_t *block)
{
	json_t *element = json_get_obj(block, "element"),
	       *options = json_get_arr(element, "options");
	const char *initial = json_get_str(element, "initial_value");
	const char *id = json_get_str(block, "block_id");

	if (!id || !*id || bk_units(id) > 255)
		return "a block_id";
	if (options && bk_each(options, 100, bk_option))
		return bk_each(options, 100, bk_option);
	if (initial && bk_units(initial) > 3000)
		return "an initial value";
	return bk_text(json_get_obj(block, "label"), "plain_text", 2000);
}

static inline const char *bk_block(json_t *block)
{
	const char *type = json_get_str(block, "type");
	json_t *text = json_get_obj(block, "text");

	if (!type)
		return "a block without a type";
	if (strcmp(type, "section") == 0 && text)
		return bk_text(text, "mrkdwn", 3000);
	if (strcmp(type, "section") == 0)
		return bk_each(json_get_arr(block, "fields"), 10, bk_field);
	if (strcmp(type, "header") == 0)
		return bk_text(text, "plain_text", 150);
	if (strcmp(type, "context") == 0)
		return bk_each(json_get_arr(block, "elements"), 10, bk_context_element);
	if (strcmp(type, "actions") == 0)
		return bk_each(json_get_arr(block, "elements"), 25, bk_button);
	if (strcmp(type, "input") == 0)
		return bk_input(block);
	return strcmp(type, "divider") == 0 ? NULL : "a block of an unknown type";
}

static inline size_t bk_total(json_t *value)
{
	size_t n = 0, at;
	const char *key;
	json_t *item;

	if (json_is_array(value)) {
		json_array_foreach(value, at, item) n += bk_total(item);
		return n;
	}
	json_object_foreach(value, key, item) n += json_is_string(item) && strcmp(key, "text") == 0
							   ? bk_units(json_string_value(item))
							   : bk_total(item);
	return n;
}

static inline const char *bk_message(json_t *message)
{
	const char *text = json_get_str(message, "text"), *why;
	json_t *blocks = json_get_arr(message, "blocks");

	if (!text || !text[strspn(text, " \n\t")])
		return "no fallback text";
	if (bk_units(text) > 4000)
		return "a fallback text that is too long";
	why = bk_mrkdwn(text);
	if (why || !json_array_size(blocks))
		return why;
	if (bk_total(blocks) > 13000)
		return "blocks that are too long together";
	return bk_each(blocks, 50, bk_block);
}

static inline const char *bk_view(json_t *view)
{
	const char *type = json_get_str(view, "type"), *why;
	const char *metadata = json_get_str(view, "private_metadata");
	static const char *const titles[] = { "title", "submit", "close" };

	if (metadata && bk_units(metadata) > 3000)
		return "private_metadata";
	for (size_t i = 0; type && strcmp(type, "modal") == 0 && i < 3; i++) {
		json_t *title = json_get_obj(view, titles[i]);

		why = title ? bk_text(title, "plain_text", 24) : i ? NULL : "no title";
		if (why)
			return why;
	}
	return bk_each(json_get_arr(view, "blocks"), 100, bk_block);
}

#endif
