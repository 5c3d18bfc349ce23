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
#include "base/json_write.h"
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
	struct render_pages pages;
	size_t at; /* the next one to bring */
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
	render_pages_finish(&c->pages);
	answer_destroy(c->answer);
	free(c);
}

static void courier_go(struct courier *c);

static void on_courier_timer(void *ctx)
{
	courier_go(ctx);
}

static struct courier *courier_create(struct slack *s, struct answer *take)
{
	struct courier *c = slack_alloc(sizeof(*c));

	c->s = s;
	c->answer = take;
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

static char *courier_body(struct courier *c)
{
	const struct slack_handle *h = handle_of(c->answer);
	const struct str *members = &c->pages.page[c->at].members;
	struct str body;

	str_init(&body, SIZE_MAX / 4);
	json_put_begin(&body, '{');
	str_addn(&body, members->p, members->len);
	if (h->thread_ts && c->route != ROUTE_DIRECT)
		json_put_member(&body, "thread_ts", h->thread_ts);
	switch (c->route) {
	case ROUTE_URL:
		json_put_member(&body, "response_type", "ephemeral");
		json_put_name(&body, "replace_original");
		json_put_bool(&body, false);
		break;
	case ROUTE_CHANNEL:
		json_put_member(&body, "channel", h->channel);
		json_put_member(&body, "user", h->user);
		break;
	case ROUTE_DIRECT:
		json_put_member(&body, "channel", h->user);
		break;
	case ROUTE_NONE:
		break;
	}
	json_put_end(&body, '}');
	return str_take(&body);
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

/* What one person sees may come twice, rather than not at all. */
static bool may_repeat(const struct web_answer *answer)
{
	return answer->class == WEB_RETRY || answer->class == WEB_UNKNOWN;
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
	} else if (may_repeat(answer)) {
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

	if (c->at >= c->pages.count) {
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
		.body = courier_body(c),
		.urgent = true,
		.on_done = on_brought,
		.ctx = c,
	};
	if (c->route == ROUTE_URL)
		c->call.url = h->response_url;
	else if (c->route == ROUTE_CHANNEL)
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

/* The messages from first on are left to bring; most often there is none. */
static void bring(struct slack *s, struct answer *take, struct render_pages *pages_take, size_t first)
{
	struct courier *c;

	if (first >= pages_take->count) {
		render_pages_finish(pages_take);
		answer_destroy(take);
		return;
	}
	if (s->courier_count >= COURIERS_MAX) {
		give_up(s);
		render_pages_finish(pages_take);
		answer_destroy(take);
		return;
	}
	c = courier_create(s, take);
	c->pages = *pages_take;
	c->at = first;
	courier_go(c);
}

static void bring_reply(struct slack *s, struct answer *take)
{
	struct render_pages pages = { 0 };

	if (take->reply.doc)
		render_messages(take->reply.doc, slack_now(s), &pages);
	bring(s, take, &pages, 0);
}

/* ---- forms ------------------------------------------------------------------------------- */

static json_t *form_view(struct slack *s, const struct answer *a)
{
	const struct slack_handle *h = handle_of(a);
	struct render_origin origin = { .channel = h->channel, .thread_ts = h->thread_ts };

	return render_form(a->reply.form, &origin, slack_now(s));
}

static void form_apology(const struct answer *a, const char *why, struct render_pages *out)
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
	render_say(text.p, out);
}

static void bring_apology(struct slack *s, struct answer *take, const char *why)
{
	struct render_pages pages;

	form_apology(take, why, &pages);
	bring(s, take, &pages, 0);
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
	form_apology(c->answer, *answer->error ? answer->error : answer->text, &c->pages);
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
		bring_apology(s, take, view ? "no trigger" : "it is too large");
		return;
	}
	c = courier_create(s, take);
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
	form_apology(take, err.text, &c->pages);
	courier_go(c);
}

/* ---- by how it was asked ----------------------------------------------------------------- */

/* The first message as a payload, its reach said with it. */
static int ack_with_page(struct slack *s, const struct answer *a, const struct render_page *page)
{
	const struct slack_handle *h = handle_of(a);
	struct str STR_CLEANUP payload = { 0 };

	str_init(&payload, SIZE_MAX / 4);
	str_expect(&payload, page->members.len + 64);
	json_put_begin(&payload, '{');
	str_addn(&payload, page->members.p, page->members.len);
	json_put_member(&payload, "response_type", "ephemeral");
	json_put_end(&payload, '}');
	return slack_ack(s, h->generation, h->envelope_id, &payload);
}

/* The first message rides on the ack when it fits and comes in time; the courier brings the rest.
 */
static void answer_command(struct slack *s, struct answer *take)
{
	const struct slack_handle *h = handle_of(take);
	int64_t now = slack_now(s);
	bool late = now - take->request->received_at > LATE_MS;
	struct render_pages pages = { 0 };
	int rc = -EMSGSIZE;

	if (take->reply.doc)
		render_messages(take->reply.doc, now, &pages);
	if (!late && pages.count)
		rc = ack_with_page(s, take, &pages.page[0]);
	if (rc == -EMSGSIZE)
		slack_ack(s, h->generation, h->envelope_id, NULL);
	bring(s, take, &pages, rc == 0);
}

static void answer_button(struct slack *s, struct answer *take)
{
	const struct slack_handle *h = handle_of(take);

	slack_ack(s, h->generation, h->envelope_id, NULL);
	bring_reply(s, take);
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
	if (refused)
		answer_destroy(take);
	else
		bring_reply(s, take);
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

static void put_errors(struct str *out, struct slack *s, const struct answer *a)
{
	JSON_CLEANUP json_t *errors = form_errors(s, a);

	json_put_member(out, "response_action", "errors");
	json_put_name(out, "errors");
	json_put_value(out, errors);
}

/* False: it is too large for Slack. */
static bool put_form(struct str *out, struct slack *s, const struct answer *a)
{
	JSON_CLEANUP json_t *view = form_view(s, a);

	json_put_member(out, "response_action", view ? "update" : "clear");
	if (!view)
		return false;
	json_put_name(out, "view");
	json_put_value(out, view);
	return true;
}

static void put_notice(struct str *out, struct slack *s, const struct answer *a)
{
	json_put_member(out, "response_action", "update");
	json_put_name(out, "view");
	render_notice(out, "Not done", a->reply.doc, slack_now(s));
}

/* False: it closes the dialog where the answer should have stood. */
static bool put_form_action(struct str *out, struct slack *s, const struct answer *a)
{
	bool fits = true;

	json_put_begin(out, '{');
	switch (a->reply.kind) {
	case REPLY_REFUSAL:
		if (handle_of(a)->field_count)
			put_errors(out, s, a);
		else
			put_notice(out, s, a);
		break;
	case REPLY_FORM:
		fits = put_form(out, s, a);
		break;
	case REPLY_NONE:
	case REPLY_MESSAGE:
		json_put_member(out, "response_action", "clear");
		break;
	}
	json_put_end(out, '}');
	return fits;
}

static int ack_form(struct slack *s, const struct answer *a)
{
	const struct slack_handle *h = handle_of(a);
	struct str STR_CLEANUP action = { 0 };
	bool fits;
	int rc;

	str_init(&action, SIZE_MAX / 4);
	fits = put_form_action(&action, s, a);
	rc = slack_ack(s, h->generation, h->envelope_id, &action);
	if (rc != -EMSGSIZE)
		return fits ? rc : -EMSGSIZE;
	str_reset(&action);
	str_add(&action, "{\"response_action\":\"clear\"}");
	slack_ack(s, h->generation, h->envelope_id, &action);
	return rc;
}

static void answer_form(struct slack *s, struct answer *take)
{
	bool shown = take->reply.kind == REPLY_REFUSAL || take->reply.kind == REPLY_FORM;
	int rc = ack_form(s, take);

	if (rc == 0 && shown)
		answer_destroy(take);
	else if (take->reply.kind == REPLY_FORM)
		bring_apology(s, take,
			rc == -EMSGSIZE ? "it is too large" : "the next form did not arrive");
	else
		bring_reply(s, take);
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
