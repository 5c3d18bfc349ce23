#include "adapters/slack/interaction.h"

#include <string.h>

#include "adapters/slack/unescape.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "base/text.h"

#define TITLE_BYTES_MAX 200
#define QUOTE_BYTES_MAX 900 /* a form carries 3000 characters in all, escapes included */
#define VALUE_MAX 16384 /* bytes of a button's value or a form's private_metadata */

static void interaction_facts(struct envelope_facts *f, json_t *payload, int64_t received_at)
{
	json_t *user = json_get_obj(payload, "user");
	json_t *urls = json_get_arr(payload, "response_urls");

	*f = (struct envelope_facts){
		.source = REQUEST_CHAT,
		.received_at = received_at,
		.user = json_get_str(user, "id"),
		.user_name = json_get_str(user, "username"),
		.channel = json_get_str(json_get_obj(payload, "channel"), "id"),
		.response_url = json_get_str(payload, "response_url"),
		.trigger_id = json_get_str(payload, "trigger_id"),
	};
	if (!f->user_name)
		f->user_name = json_get_str(user, "name");
	if (!f->response_url)
		f->response_url = json_get_str(json_array_get(urls, 0), "response_url");
}

/* {"op","incident"?,"args"?}, as the renderer wrote it into a button or a form. */
static json_t *carried_parse(const char *text)
{
	json_t *value = NULL;

	if (!text || json_parse(text, strlen(text), VALUE_MAX, &value, NULL) != 0)
		return NULL;
	const char *op = json_get_str(value, "op");

	if (op && *op && strlen(op) <= 64)
		return value;
	json_decref(value);
	return NULL;
}

static void carried_apply(struct request *r, json_t *carried)
{
	json_t *args = json_get_obj(carried, "args");

	r->operation = arena_strdup(r->arena, json_get_str(carried, "op"));
	r->incident = json_get_int(carried, "incident", 0);
	r->args = args ? json_incref(args) : NULL;
}

/* A button's value, or that of the option chosen in a menu. */
static const char *action_value(json_t *action)
{
	const char *value = json_get_str(action, "value");

	return value ? value : json_get_str(json_get_obj(action, "selected_option"), "value");
}

static void on_block_actions(struct envelope *e, json_t *payload, struct envelope_facts *f)
{
	json_t *container = json_get_obj(payload, "container");
	json_t *action = json_array_get(json_get_arr(payload, "actions"), 0);
	JSON_CLEANUP json_t *carried = carried_parse(action_value(action));

	f->shape = SHAPE_BUTTON;
	f->message_ts = json_get_str(container, "message_ts");
	f->thread_ts = json_get_str(container, "thread_ts");
	if (!f->thread_ts)
		f->thread_ts = json_get_str(json_get_obj(payload, "message"), "thread_ts");
	if (!f->channel)
		f->channel = json_get_str(container, "channel_id");
	if (!action) {
		envelope_say(e, ENVELOPE_BAD, "block_actions without an action");
	} else if (!carried) {
		/* Buttons that only open a link, or printed by another version of the program. */
		envelope_say(e, ENVELOPE_IGNORED, "a button that carries no operation");
	} else {
		carried_apply(envelope_request(e, f), carried);
	}
}

/* What a field of a form holds, as an argument; NULL when it was left empty. New reference. */
static json_t *field_value(json_t *state)
{
	static const char *const plain[] = { "value", "selected_date", "selected_time" };
	static const char *const people[] = { "selected_users", "selected_conversations" };
	json_t *option = json_get_obj(state, "selected_option");
	const char *user = json_get_str(state, "selected_user");
	json_t *options = json_get_arr(state, "selected_options");

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		const char *value = json_get_str(state, plain[i]);

		if (value)
			return *value ? json_string(value) : NULL;
	}
	if (option)
		return json_incref(json_object_get(option, "value"));
	if (slack_id_valid(user))
		return json_sprintf("slack:%s", user);
	for (size_t i = 0; i < sizeof(people) / sizeof(*people); i++) {
		json_t *list = json_get_arr(state, people[i]), *id, *out;
		size_t at;

		if (!json_array_size(list))
			continue;
		out = json_array();
		json_array_foreach(list, at, id)
		{
			struct str s;

			if (!slack_id_valid(json_string_value(id)))
				continue;
			str_init(&s, 64);
			str_addf(&s, "slack:%s", json_string_value(id));
			json_array_append_new(out, json_string(s.p));
			str_finish(&s);
		}
		return out;
	}
	/* A form's checkbox is a flag: its one option is there or not. */
	return options ? json_boolean(json_array_size(options) != 0) : NULL;
}

static void form_read(struct request *r, json_t *values)
{
	struct slack_handle *h = r->handle;
	size_t room = json_object_size(values), n = 0;
	const char *block;
	json_t *actions;

	if (room > ENVELOPE_ARGS_MAX)
		room = ENVELOPE_ARGS_MAX;
	char **fields = arena_alloc(r->arena, (room + 1) * sizeof(*fields));

	json_object_foreach(values, block, actions)
	{
		json_t *state = json_object_iter_value(json_object_iter(actions));
		json_t *value;

		if (n == room)
			break;
		fields[n++] = arena_strdup(r->arena, block);
		value = field_value(state);
		if (value)
			json_object_set_new(r->args, block, value);
	}
	h->fields = fields;
	h->field_count = n;
}

static void on_view_submission(struct envelope *e, json_t *payload, struct envelope_facts *f)
{
	json_t *view = json_get_obj(payload, "view");
	JSON_CLEANUP json_t *carried = carried_parse(json_get_str(view, "private_metadata"));
	json_t *values = json_get_obj(json_get_obj(view, "state"), "values");
	json_t *args;

	if (!carried) {
		envelope_say(e, ENVELOPE_BAD, "a form that carries no operation");
		return;
	}
	f->shape = SHAPE_FORM;
	f->channel = json_get_str(
		carried, "channel"); /* where it was asked for: submissions name none */
	f->thread_ts = json_get_str(carried, "thread");
	struct request *r = envelope_request(e, f);

	carried_apply(r, carried);
	args = r->args ? json_copy(r->args) : json_object();
	json_decref(r->args);
	r->args = args;
	r->from_form = true;
	form_read(r, values);
}

static void on_view_closed(struct envelope *e, json_t *payload, struct envelope_facts *f)
{
	(void)payload;
	(void)f;
	envelope_say(e, ENVELOPE_IGNORED, "a form was closed");
}

/* Shortcuts name their operation: "declare" has the callback_id "declare". */
static void on_shortcut(struct envelope *e, json_t *payload, struct envelope_facts *f)
{
	const char *op = json_get_str(payload, "callback_id");

	f->shape = SHAPE_SHORTCUT;
	if (!op || !*op || strlen(op) > 64) {
		envelope_say(e, ENVELOPE_BAD, "a shortcut without a callback_id");
		return;
	}
	struct request *r = envelope_request(e, f);

	r->operation = arena_strdup(r->arena, op);
}

/* Does what the pin does, and as an event: people cannot call that operation by name. */
static void shortcut_timeline(struct request *r, json_t *payload)
{
	(void)payload;
	envelope_reaction(r, PIN_REACTION);
}

/* Workspaces have names of letters, digits and hyphens; what is none becomes no part of a link. */
static bool domain_valid(const char *domain)
{
	size_t n = domain ? strlen(domain) : 0;

	return n > 0 && n <= 63 &&
		strspn(domain, "abcdefghijklmnopqrstuvwxyz0123456789-.") == n;
}

/* Where the message stands; the same link that chat.getPermalink gives. */
static void message_link(struct str *out, json_t *payload, const char *channel, const char *ts)
{
	const char *domain = json_get_str(json_get_obj(payload, "team"), "domain");
	const char *thread = json_get_str(json_get_obj(payload, "message"), "thread_ts");

	if (!domain_valid(domain))
		return;
	str_addf(out, "https://%s.slack.com/archives/%s/p", domain, channel);
	for (; *ts; ts++)
		if (*ts != '.')
			str_addc(out, *ts);
	if (slack_ts_valid(thread))
		str_addf(out, "?thread_ts=%s&cid=%s", thread, channel);
}

/* The first line as what is wrong, all of it as what was said; both are cut visibly: a form carries
 * little, and the link leads to the rest. */
static void shortcut_declare(struct request *r, json_t *payload)
{
	const char *text = json_get_str(json_get_obj(payload, "message"), "text");
	struct slack_handle *h = r->handle;
	struct str plain, link;
	size_t first, cut;

	r->operation = "declare";
	r->args = json_object();
	str_init_arena(&link, r->arena, 400);
	message_link(&link, payload, h->channel, strrchr(r->place.message, '/') + 1);
	if (link.len)
		json_object_set_new(r->args, "link", json_string(link.p));
	str_init_arena(&plain, r->arena, ENVELOPE_MAX);
	slack_unescape(&plain, text ? text : "");
	text = text_clean(r->arena, plain.p ? plain.p : "", plain.len, ENVELOPE_MAX, true);
	text += strspn(text, " \n\t");
	first = strcspn(text, "\n");
	cut = text_cut(text, first < TITLE_BYTES_MAX ? first : TITLE_BYTES_MAX);
	json_object_set_new(r->args, "quote",
		json_string(!*text			  ? "(a message without text)" :
				strlen(text) > QUOTE_BYTES_MAX ?
							    arena_printf(r->arena, "%.*s…",
								    (int)text_cut(text, QUOTE_BYTES_MAX), text) :
							    text));
	if (cut)
		json_object_set_new(r->args, "title",
			json_string(arena_printf(r->arena, "%.*s%s", (int)cut, text,
				cut < first ? "…" : "")));
}

static const struct message_shortcut {
	const char *callback_id;
	enum request_source source;
	void (*read)(struct request *r, json_t *payload);
} message_shortcuts[] = {
	{ "timeline_add", REQUEST_EVENT, shortcut_timeline },
	{ "declare_message", REQUEST_CHAT, shortcut_declare },
};

static const struct message_shortcut *message_shortcut_find(const char *id)
{
	for (size_t i = 0; id && i < sizeof(message_shortcuts) / sizeof(*message_shortcuts); i++)
		if (strcmp(message_shortcuts[i].callback_id, id) == 0)
			return &message_shortcuts[i];
	return NULL;
}

static void on_message_action(struct envelope *e, json_t *payload, struct envelope_facts *f)
{
	const struct message_shortcut *s = message_shortcut_find(json_get_str(payload, "callback_id"));

	f->shape = SHAPE_MESSAGE_SHORTCUT;
	f->message_ts = json_get_str(payload, "message_ts");
	if (!f->message_ts)
		f->message_ts = json_get_str(json_get_obj(payload, "message"), "ts");
	if (!slack_id_valid(f->channel) || !slack_ts_valid(f->message_ts)) {
		envelope_say(e, ENVELOPE_BAD, "a message shortcut without channel or message");
		return;
	}
	if (!s) {
		envelope_say(e, ENVELOPE_BAD, "a message shortcut that nobody knows");
		return;
	}
	f->source = s->source;
	s->read(envelope_request(e, f), payload);
}

static void on_block_suggestion(struct envelope *e, json_t *payload, struct envelope_facts *f)
{
	(void)payload;
	(void)f;
	envelope_say(e, ENVELOPE_OPTIONS, "no menu of ours asks for options");
}

static const struct interaction_type {
	const char *name;
	void (*read)(struct envelope *e, json_t *payload, struct envelope_facts *f);
} interaction_types[] = {
	{ "block_actions", on_block_actions },
	{ "view_submission", on_view_submission },
	{ "view_closed", on_view_closed },
	{ "shortcut", on_shortcut },
	{ "message_action", on_message_action },
	{ "block_suggestion", on_block_suggestion },
};

void on_interaction(struct envelope *e, json_t *payload, int64_t received_at)
{
	const char *type = json_get_str(payload, "type");
	struct envelope_facts facts;

	interaction_facts(&facts, payload, received_at);
	if (!slack_id_valid(facts.user)) {
		envelope_say(e, ENVELOPE_BAD, "an interaction without a user");
		return;
	}
	for (size_t i = 0; type && i < sizeof(interaction_types) / sizeof(*interaction_types);
		i++) {
		if (strcmp(type, interaction_types[i].name) != 0)
			continue;
		interaction_types[i].read(e, payload, &facts);
		return;
	}
	envelope_say(e, ENVELOPE_UNKNOWN, "an unknown kind of interaction");
}
