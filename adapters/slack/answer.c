/*
 * Replies on their way back. First the ack, on the socket that brought the request: Slack waits
 * three seconds for it. What the ack cannot carry (too large, too late, that socket gone, a form) a
 * courier takes: by the response URL, else as an ephemeral message in the channel, else as a direct
 * message.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/slack/render.h"
#include "adapters/slack/room.h"
#include "base/log.h"

#define LATE_MS		    2500 /* later than that nobody reads what is in an ack */
#define RESPONSE_USES	    5
#define COURIER_TRIES	    3
#define COURIER_WAIT_MS	    1000
#define COURIER_WAIT_MAX_MS 60000
#define FIELD_TEXT_MAX	    300
/* Six calls at a time, fifteen seconds each: those behind would not be brought anyway. */
#define COURIERS_MAX 512

enum route { ROUTE_URL, ROUTE_CHANNEL, ROUTE_DIRECT, ROUTE_NONE };

struct courier {
	struct slack *s;
	struct answer *answer;
	json_t *messages; /* array of {"text", "blocks"?}; what is left to bring */
	size_t at;
	enum route route;
	int uses, tries;
	struct web_call call;
	struct io_timer *timer;
	struct courier *prev, *next; /* slack.couriers */
};

static const struct slack_handle *handle_of(const struct answer *a)
{
	return a->request->handle;
}

static void courier_end(struct courier *c)
{
	*(c->prev ? &c->prev->next : &c->s->couriers) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->s->courier_count--;
	io_timer_destroy(c->timer);
	web_call_finish(&c->call);
	json_decref(c->messages);
	answer_destroy(c->answer);
	free(c);
}

static void courier_go(struct courier *c);

static void on_courier_timer(void *ctx)
{
	courier_go(ctx);
}

static struct courier *courier_create(struct slack *s, struct answer *take, json_t *messages_take)
{
	struct courier *c = slack_alloc(sizeof(*c));

	c->s = s;
	c->answer = take;
	c->messages = messages_take;
	c->timer = io_timer_create(s->adapter.host->io, on_courier_timer, c);
	c->next = s->couriers;
	if (c->next)
		c->next->prev = c;
	s->couriers = c;
	s->courier_count++;
	return c;
}

void slack_answer_stop(struct slack *s)
{
	/* Those on a call are ended by it; the others here. */
	for (struct courier *c = s->couriers, *next; c; c = next) {
		next = c->next;
		if (!c->call.web)
			courier_end(c);
	}
}

static bool route_open(const struct courier *c)
{
	const struct slack_handle *h = handle_of(c->answer);

	switch (c->route) {
	case ROUTE_URL:
		return h->response_url && *h->response_url && c->uses < RESPONSE_USES &&
		       strncmp(h->response_url, "http", 4) == 0;
	case ROUTE_CHANNEL:
		return h->channel;
	case ROUTE_DIRECT:
		return h->user;
	case ROUTE_NONE:
		break;
	}
	return true;
}

static void courier_find_route(struct courier *c)
{
	while (!route_open(c))
		c->route++;
}

static json_t *courier_args(struct courier *c)
{
	const struct slack_handle *h = handle_of(c->answer);
	const struct reply *r = &c->answer->reply;
	json_t *args = json_copy(json_array_get(c->messages, c->at));

	if (h->thread_ts && c->route != ROUTE_DIRECT)
		json_object_set_new(args, "thread_ts", json_string(h->thread_ts));
	switch (c->route) {
	case ROUTE_URL:
		json_object_set_new(
			args, "response_type", json_string(r->open ? "in_channel" : "ephemeral"));
		json_object_set_new(args, "replace_original", json_boolean(r->replace && !c->at));
		break;
	case ROUTE_CHANNEL:
		json_object_set_new(args, "channel", json_string(h->channel));
		if (!r->open)
			json_object_set_new(args, "user", json_string(h->user));
		break;
	case ROUTE_DIRECT:
		json_object_set_new(args, "channel", json_string(h->user));
		break;
	case ROUTE_NONE:
		break;
	}
	return args;
}

static void courier_retry(struct courier *c, const struct web_answer *answer)
{
	int64_t wait = (int64_t)COURIER_WAIT_MS << c->tries;

	if (wait < answer->retry_after_ms)
		wait = answer->retry_after_ms;
	if (++c->tries >= COURIER_TRIES || wait > COURIER_WAIT_MAX_MS) {
		log_warn(SLACK_AREA, "an answer did not reach the one who asked: %s", answer->text);
		courier_end(c);
		return;
	}
	io_timer_start(c->timer, wait);
}

/* What everybody sees must not come twice; what one person sees may, rather than not at all. */
static bool may_repeat(const struct courier *c, const struct web_answer *answer)
{
	return answer->class == WEB_RETRY ||
	       (answer->class == WEB_UNKNOWN && !c->answer->reply.open);
}

static void on_brought(struct web_call *call, const struct web_answer *answer)
{
	struct courier *c = call->ctx;

	call->web = NULL;
	if (c->s->stopping) {
		courier_end(c);
	} else if (answer->class == WEB_OK || answer->class == WEB_ALREADY) {
		c->uses += c->route == ROUTE_URL;
		c->at++;
		c->tries = 0;
		courier_go(c);
	} else if (may_repeat(c, answer)) {
		courier_retry(c, answer);
	} else {
		log_info(SLACK_AREA, "an answer goes another way: %s", answer->text);
		c->route++;
		courier_go(c);
	}
}

static void courier_go(struct courier *c)
{
	const struct slack_handle *h = handle_of(c->answer);
	struct error err;

	if (c->at >= json_array_size(c->messages)) {
		courier_end(c);
		return;
	}
	courier_find_route(c);
	if (c->route == ROUTE_NONE) {
		log_warn(SLACK_AREA, "an answer did not reach the one who asked: no way is left");
		courier_end(c);
		return;
	}
	c->call = (struct web_call){
		.args = courier_args(c),
		.urgent = true,
		.on_done = on_brought,
		.ctx = c,
	};
	if (c->route == ROUTE_URL)
		c->call.url = h->response_url;
	else if (c->route == ROUTE_CHANNEL && !c->answer->reply.open)
		c->call.method = "chat.postEphemeral";
	else
		c->call.method = "chat.postMessage";
	if (web_start(c->s->web, &c->call, &err) == 0)
		return;
	c->call.web = NULL;
	log_warn(SLACK_AREA, "an answer did not reach the one who asked: %s", err.text);
	courier_end(c);
}

/* What was done stands; only its words are lost. */
static void give_up(struct slack *s)
{
	uint64_t n = ++s->given_up;

	if (!(n & (n - 1))) /* a log is no place for a flood */
		log_warn(SLACK_AREA,
			"an answer did not reach the one who asked: %d others are on their way (%llu so far)",
			COURIERS_MAX, (unsigned long long)n);
}

/* Messages that are left to bring; most often there is none. */
static void bring(struct slack *s, struct answer *take, json_t *messages_take)
{
	if (!json_array_size(messages_take)) {
		json_decref(messages_take);
		answer_destroy(take);
		return;
	}
	if (s->courier_count >= COURIERS_MAX) {
		give_up(s);
		json_decref(messages_take);
		answer_destroy(take);
		return;
	}
	courier_go(courier_create(s, take, messages_take));
}

/* ---- forms ------------------------------------------------------------------------------- */

static json_t *form_view(struct slack *s, const struct answer *a)
{
	const struct slack_handle *h = handle_of(a);
	struct render_origin origin = { .channel = h->channel, .thread_ts = h->thread_ts };

	return render_form(a->reply.form, &origin, slack_now(s));
}

static json_t *form_apology(const struct answer *a, const char *why)
{
	const char *op = json_get_str(a->reply.form, "op");
	struct str STR_CLEANUP text = { 0 };

	str_init(&text, 2000);
	str_add(&text, "The form could not be opened (");
	render_escape(&text, why, strlen(why));
	str_add(&text, "); nothing was done. One line does the same: `/inc ");
	render_escape(&text, op ? op : "help", strlen(op ? op : "help"));
	str_add(&text, " …`, and `/inc help ");
	render_escape(&text, op ? op : "", strlen(op ? op : ""));
	str_add(&text, "` shows how.");
	return json_pack("[{s:s}]", "text", text.p);
}

static void on_form(struct web_call *call, const struct web_answer *answer)
{
	struct courier *c = call->ctx;

	call->web = NULL;
	if (c->s->stopping || answer->class == WEB_OK) {
		courier_end(c);
		return;
	}
	log_info(SLACK_AREA, "a form could not be opened: %s", answer->text);
	c->messages = form_apology(c->answer, *answer->error ? answer->error : answer->text);
	courier_go(c);
}

/* After the ack, and before anything else: the trigger is good for three seconds. */
static void form_open(struct slack *s, struct answer *take)
{
	const struct slack_handle *h = handle_of(take);
	json_t *view = form_view(s, take);
	struct courier *c;
	struct error err;

	if (!view || !h->trigger_id) {
		json_decref(view);
		bring(s, take, form_apology(take, view ? "no trigger" : "it is too large"));
		return;
	}
	c = courier_create(s, take, NULL);
	c->call = (struct web_call){
		.method = "views.open",
		.args = json_pack("{s:s, s:o}", "trigger_id", h->trigger_id, "view", view),
		.urgent = true,
		.on_done = on_form,
		.ctx = c,
	};
	if (web_start(s->web, &c->call, &err) == 0)
		return;
	c->call.web = NULL;
	c->messages = form_apology(take, err.text);
	courier_go(c);
}

/* ---- by how it was asked ----------------------------------------------------------------- */

static json_t *reply_messages(struct slack *s, const struct answer *a)
{
	return a->reply.doc ? render_messages(a->reply.doc, slack_now(s)) : json_array();
}

/* The first message rides on the ack when it fits and comes in time; the courier brings the rest.
 */
static void answer_command(struct slack *s, struct answer *take)
{
	const struct slack_handle *h = handle_of(take);
	json_t *messages = reply_messages(s, take);
	bool late = slack_now(s) - take->request->received_at > LATE_MS;
	int rc = -EMSGSIZE;

	if (!late && json_array_size(messages)) {
		json_t *payload = json_copy(json_array_get(messages, 0));

		json_object_set_new(payload, "response_type",
			json_string(take->reply.open ? "in_channel" : "ephemeral"));
		rc = slack_ack(s, h->generation, h->envelope_id, payload);
		if (rc == 0)
			json_array_remove(messages, 0);
	}
	if (rc == -EMSGSIZE)
		slack_ack(s, h->generation, h->envelope_id, NULL);
	bring(s, take, messages);
}

static void answer_button(struct slack *s, struct answer *take)
{
	const struct slack_handle *h = handle_of(take);

	slack_ack(s, h->generation, h->envelope_id, NULL);
	bring(s, take, reply_messages(s, take));
}

/* Not acknowledging is how an event is kept: Slack brings it again. */
static void answer_event(struct slack *s, struct answer *take)
{
	const struct slack_handle *h = handle_of(take);
	const char *code = take->reply.code;
	bool refused = take->reply.kind == REPLY_REFUSAL;

	if (refused && code && strcmp(code, "internal") == 0) {
		answer_destroy(take);
		return;
	}
	slack_ack(s, h->generation, h->envelope_id, NULL);
	/* A pin in a channel that is none of ours is not an error to bother people with. */
	bring(s, take, refused ? json_array() : reply_messages(s, take));
}

static char *field_text(struct slack *s, const char *markup)
{
	struct str text;

	str_init(&text, RENDER_SECTION_MAX * 4);
	render_plain(&text, markup, FIELD_TEXT_MAX, slack_now(s));
	return str_take(&text);
}

static bool form_has(const struct slack_handle *h, const char *field)
{
	for (size_t i = 0; i < h->field_count; i++) {
		if (strcmp(h->fields[i], field) == 0)
			return true;
	}
	return false;
}

/* {block: words}; what belongs to no field of the form is said at its first. */
static json_t *form_errors(struct slack *s, const struct answer *a)
{
	const struct slack_handle *h = handle_of(a);
	json_t *errors = json_object(), *value;
	const char *key;

	json_object_foreach(a->reply.fields, key, value)
	{
		const char *at = form_has(h, key) ? key : h->fields[0];
		char *text = field_text(s, json_string_value(value));

		if (*text)
			json_object_set_new(errors, at, json_string(text));
		free(text);
	}
	if (!json_object_size(errors)) {
		char *text = field_text(s, json_get_str(a->reply.doc, "text"));

		json_object_set_new(
			errors, h->fields[0], json_string(*text ? text : "Nothing was done."));
		free(text);
	}
	return errors;
}

static json_t *form_action(struct slack *s, const struct answer *a)
{
	json_t *view = NULL;

	switch (a->reply.kind) {
	case REPLY_REFUSAL:
		if (handle_of(a)->field_count)
			return json_pack("{s:s, s:o}", "response_action", "errors", "errors",
				form_errors(s, a));
		view = render_notice("Not done", a->reply.doc, slack_now(s));
		break;
	case REPLY_FORM:
		view = form_view(s, a);
		break;
	case REPLY_NONE:
	case REPLY_MESSAGE:
		break;
	}
	if (view)
		return json_pack("{s:s, s:o}", "response_action", "update", "view", view);
	return json_pack("{s:s}", "response_action", "clear");
}

static void answer_form(struct slack *s, struct answer *take)
{
	const struct slack_handle *h = handle_of(take);
	bool shown = take->reply.kind == REPLY_REFUSAL || take->reply.kind == REPLY_FORM;
	int rc = slack_ack(s, h->generation, h->envelope_id, form_action(s, take));

	if (rc == -EMSGSIZE)
		slack_ack(s, h->generation, h->envelope_id,
			json_pack("{s:s}", "response_action", "clear"));
	if (rc == 0 && shown)
		bring(s, take, json_array());
	else if (take->reply.kind == REPLY_FORM)
		bring(s, take, form_apology(take, "the next form did not arrive"));
	else
		bring(s, take, reply_messages(s, take));
}

static void (*const by_shape[])(struct slack *s, struct answer *take) = {
	[SHAPE_COMMAND] = answer_command,
	[SHAPE_BUTTON] = answer_button,
	[SHAPE_FORM] = answer_form,
	[SHAPE_SHORTCUT] = answer_button,
	[SHAPE_MESSAGE_SHORTCUT] = answer_button,
	[SHAPE_EVENT] = answer_event,
};

void slack_answer(struct adapter *a, struct answer *take)
{
	struct slack *s = slack_of(a);
	const struct slack_handle *h = handle_of(take);
	int64_t generation;

	if (s->stopping || !h) {
		answer_destroy(take);
		return;
	}
	generation = h->generation;
	if (take->reply.kind == REPLY_FORM && h->shape != SHAPE_FORM) {
		slack_ack(s, generation, h->envelope_id, NULL);
		form_open(s, take);
	} else {
		by_shape[h->shape](s, take);
	}
	socket_mode_answered(s->sockets, generation);
}
