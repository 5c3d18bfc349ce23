#include "adapters/slack/render.h"

#include <string.h>

#include "adapters/slack/render_text.h"
#include "base/text.h"

#define LABEL_MAX	150
#define PLACEHOLDER_MAX 150
#define HINT_MAX	300
#define ACTION_ID	"v"
#define PEOPLE_MAX	100

/* A plain_text object; NULL when empty. */
static json_t *plain_object(const char *markup, size_t max, int64_t now_ms)
{
	struct str STR_CLEANUP text = { 0 };

	str_init(&text, RENDER_STR_MAX);
	render_plain(&text, markup, max, now_ms);
	if (render_is_blank(text.p))
		return NULL;
	return json_pack("{s:s, s:s}", "type", "plain_text", "text", text.p);
}

/* One field: its element, made by its type. Returns NULL when it cannot be shown like that. */
typedef json_t *(*field_element)(const json_t *field, int64_t now_ms);

static json_t *input_text(const json_t *field, int64_t now_ms)
{
	const char *value = json_get_str(field, "value");
	json_t *out = json_pack("{s:s, s:s}", "type", "plain_text_input", "action_id", ACTION_ID);

	(void)now_ms;
	json_object_set_new(out, "max_length", json_integer(RENDER_INPUT_MAX));
	if (json_get_bool(field, "multiline", false))
		json_object_set_new(out, "multiline", json_true());
	if (value && *value) {
		struct str STR_CLEANUP cut = { 0 };

		str_init(&cut, RENDER_STR_MAX);
		render_plain(&cut, value, RENDER_INPUT_MAX, now_ms);
		json_object_set_new(out, "initial_value", json_string(cut.p));
	}
	return out;
}

static json_t *option_of(const json_t *pair, int64_t now_ms)
{
	const char *value = json_string_value(json_array_get(pair, 0));
	const char *label = json_string_value(json_array_get(pair, 1));
	json_t *text;

	if (!value || !*value || render_length(value, strlen(value)) > RENDER_OPTION_VALUE_MAX)
		return NULL;
	text = plain_object(label && *label ? label : value, RENDER_LABEL_MAX, now_ms);
	return text ? json_pack("{s:o, s:s}", "text", text, "value", value) : NULL;
}

static json_t *input_choice(const json_t *field, int64_t now_ms)
{
	json_t *pairs = json_get_arr(field, "options"), *pair;
	const char *value = json_get_str(field, "value");
	JSON_CLEANUP json_t *initial = NULL;
	json_t *options, *out;
	size_t at;

	if (!json_array_size(pairs) || json_array_size(pairs) > RENDER_OPTIONS_MAX)
		return NULL;
	options = json_array();
	json_array_foreach(pairs, at, pair)
	{
		json_t *option = option_of(pair, now_ms);

		if (!option) {
			json_decref(options);
			return NULL;
		}
		if (value && strcmp(value, json_get_str(option, "value")) == 0 && !initial)
			initial = json_incref(option);
		json_array_append_new(options, option);
	}
	out = json_pack("{s:s, s:s, s:o}", "type", "static_select", "action_id", ACTION_ID,
		"options", options);
	if (initial)
		json_object_set(out, "initial_option", initial);
	return out;
}

/* "slack:U1" → "U1"; NULL for people of other systems, whom a menu of Slack's cannot show. */
static const char *person_id(const char *key, size_t n, char *out, size_t size)
{
	static const char prefix[] = "slack:";
	size_t skip = sizeof(prefix) - 1;

	if (n <= skip + 1 || n - skip >= size || strncmp(key, prefix, skip) != 0)
		return NULL;
	memcpy(out, key + skip, n - skip);
	out[n - skip] = '\0';
	return strspn(out, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == n - skip ? out : NULL;
}

static json_t *input_person(const json_t *field, int64_t now_ms)
{
	const char *value = json_get_str(field, "value");
	char id[64];
	json_t *out = json_pack("{s:s, s:s}", "type", "users_select", "action_id", ACTION_ID);

	(void)now_ms;
	if (value && person_id(value, strlen(value), id, sizeof(id)))
		json_object_set_new(out, "initial_user", json_string(id));
	return out;
}

static json_t *input_people(const json_t *field, int64_t now_ms)
{
	const char *value = json_get_str(field, "value");
	json_t *ids = json_array();
	json_t *out = json_pack("{s:s, s:s}", "type", "multi_users_select", "action_id", ACTION_ID);

	(void)now_ms;
	while (value && *value) {
		size_t n = strcspn(value, ",");
		char id[64];

		if (person_id(value, n, id, sizeof(id)) && json_array_size(ids) < PEOPLE_MAX)
			json_array_append_new(ids, json_string(id));
		value += n + (value[n] == ',');
	}
	if (json_array_size(ids))
		json_object_set(out, "initial_users", ids);
	json_decref(ids);
	return out;
}

static bool flag_is_set(const json_t *field)
{
	const char *value = json_get_str(field, "value");

	return json_get_bool(field, "value", false) ||
	       (value && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0 ||
				 strcmp(value, "yes") == 0));
}

static json_t *input_flag(const json_t *field, int64_t now_ms)
{
	json_t *option = json_pack("{s:{s:s, s:s}, s:s}", "text", "type", "plain_text", "text",
		"Yes", "value", "true");
	json_t *out;

	(void)now_ms;
	out = json_pack("{s:s, s:s, s:[O]}", "type", "checkboxes", "action_id", ACTION_ID,
		"options", option);
	if (flag_is_set(field))
		json_object_set_new(out, "initial_options", json_pack("[O]", option));
	json_decref(option);
	return out;
}

static const struct {
	const char *type;
	field_element make;
	bool may_be_empty; /* an unticked box is an empty answer */
} field_types[] = {
	{ "text", input_text, false },
	{ "choice", input_choice, false },
	{ "person", input_person, false },
	{ "people", input_people, false },
	{ "flag", input_flag, true },
	{ "time", input_text, false },
	{ "duration", input_text, false },
};

static bool says_more(const char *hint, const char *label)
{
	return hint && (!label || !text_equal_fold(hint, label));
}

static json_t *field_block(const json_t *field, int64_t now_ms)
{
	const char *type = json_get_str(field, "type");
	const char *arg = json_get_str(field, "arg");
	const char *label = json_get_str(field, "label");
	bool optional = json_get_bool(field, "optional", false);
	json_t *element = NULL, *hint, *out;

	if (!arg || !*arg || strlen(arg) > 255)
		return NULL;
	for (size_t i = 0; type && i < sizeof(field_types) / sizeof(*field_types); i++) {
		if (strcmp(type, field_types[i].type) != 0)
			continue;
		element = field_types[i].make(field, now_ms);
		optional = optional || field_types[i].may_be_empty;
	}
	if (!element) /* it can still be typed */
		element = input_text(field, now_ms);
	out = json_pack("{s:s, s:s, s:o, s:o*, s:b}", "type", "input", "block_id", arg, "element",
		element, "label", plain_object(label, LABEL_MAX, now_ms), "optional",
		optional);
	if (!json_object_get(out, "label"))
		json_object_set_new(out, "label", plain_object(arg, LABEL_MAX, now_ms));
	hint = says_more(json_get_str(field, "hint"), label)
		       ? plain_object(json_get_str(field, "hint"), HINT_MAX, now_ms)
		       : NULL;
	if (hint)
		json_object_set_new(out, "hint", hint);
	return out;
}

static char *form_metadata(const json_t *form, const struct render_origin *origin)
{
	static const char *const kept[] = { "op", "incident", "args" };
	JSON_CLEANUP json_t *value = json_object();
	char *text;

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		json_t *part = json_object_get(form, kept[i]);

		if (part)
			json_object_set(value, kept[i], part);
	}
	if (origin && origin->channel)
		json_object_set_new(value, "channel", json_string(origin->channel));
	if (origin && origin->thread_ts)
		json_object_set_new(value, "thread", json_string(origin->thread_ts));
	text = json_text_new(value);
	if (render_length(text, strlen(text)) <= RENDER_METADATA_MAX)
		return text;
	free(text);
	return NULL;
}

static void add_section(json_t *blocks, const char *markup, int64_t now_ms)
{
	struct str STR_CLEANUP text = { 0 };

	str_init(&text, RENDER_STR_MAX);
	if (render_string(&text, markup, RENDER_SECTION_MAX, now_ms))
		json_array_append_new(blocks, json_pack("{s:s, s:{s:s, s:s}}", "type", "section",
						      "text", "type", "mrkdwn", "text", text.p));
}

static json_t *form_blocks(const json_t *form, int64_t now_ms)
{
	const char *title = json_get_str(form, "title");
	json_t *blocks = json_array(), *field;
	size_t at;

	if (title && render_length(title, strlen(title)) > RENDER_TITLE_MAX)
		add_section(blocks, title, now_ms);
	add_section(blocks, json_get_str(form, "intro"), now_ms);
	json_array_foreach(json_get_arr(form, "fields"), at, field)
	{
		json_t *block = field_block(field, now_ms);

		if (block)
			json_array_append_new(blocks, block);
	}
	return blocks;
}

static json_t *title_or(const char *text, const char *otherwise, int64_t now_ms)
{
	json_t *out = plain_object(text, RENDER_TITLE_MAX, now_ms);

	return out ? out : plain_object(otherwise, RENDER_TITLE_MAX, now_ms);
}

json_t *render_form(const json_t *form, const struct render_origin *origin, int64_t now_ms)
{
	char *metadata = form_metadata(form, origin);
	json_t *blocks = form_blocks(form, now_ms);
	const char *op = json_get_str(form, "op");
	size_t count = json_array_size(blocks);
	json_t *view = NULL;

	if (metadata && op && count && count <= RENDER_VIEW_BLOCKS_MAX)
		view = json_pack("{s:s, s:s#, s:s, s:o, s:o, s:{s:s, s:s}, s:O}", "type", "modal",
			"callback_id", op, (int)strnlen(op, 255), "private_metadata", metadata,
			"title", title_or(json_get_str(form, "title"), op, now_ms), "submit",
			title_or(json_get_str(form, "submit"), "Send", now_ms), "close", "type",
			"plain_text", "text", "Cancel", "blocks", blocks);
	json_decref(blocks);
	free(metadata);
	return view;
}
