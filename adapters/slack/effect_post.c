/*
 * Posting, once. The happy path is: channel known → chat.postMessage with our op_id in its metadata
 * → the message's key is the result. When an earlier attempt's outcome is unknown, the channel's
 * history is read first: what carries our op_id is there already and is adopted; only what is
 * missing is posted. A document too long for one message is several parts; the key is that of the
 * first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/slack/job.h"
#include "base/json_write.h"
#include "base/log.h"

#define HISTORY_LIMIT 200

struct post {
	const char *ts[RENDER_MESSAGES_MAX]; /* by part; NULL: not posted yet */
	size_t part;
	const char *thread_ts;
	bool joined, plain, unthreaded; /* remedies that were tried */
};

static void post_next(struct job *j);

static struct post *post_of(struct job *j)
{
	return j->own;
}

static bool has_buttons(const json_t *doc)
{
	json_t *block;
	size_t at;

	json_array_foreach(json_get_arr(doc, "blocks"), at, block)
	{
		const char *kind = json_get_str(block, "t");

		if (kind && strcmp(kind, "buttons") == 0)
			return true;
	}
	return false;
}

static json_t *post_result(struct job *j)
{
	return json_pack("{s:o}", "message",
		json_sprintf(SLACK_PREFIX "%s/%s", j->channel, post_of(j)->ts[0]));
}

static void on_permalink(struct job *j, const struct web_answer *answer)
{
	const char *url = slack_job_ok(answer) ? json_get_str(answer->body, "permalink") : NULL;
	json_t *result = post_result(j);

	if (url)
		json_object_set_new(result, "url", json_string(url));
	slack_job_done(j, result);
}

/* A message people come back to (it has buttons) gets its address; without it everything works too.
 */
static void post_finish(struct job *j)
{
	struct post *p = post_of(j);

	if (p->thread_ts || !has_buttons(json_get_obj(j->e->payload, "doc"))) {
		slack_job_done(j, post_result(j));
		return;
	}
	slack_job_call(j, "chat.getPermalink",
		json_pack("{s:s, s:s}", "channel", j->channel, "message_ts", p->ts[0]),
		on_permalink);
}

static void on_joined(struct job *j, const struct web_answer *answer)
{
	if (slack_job_ok(answer)) {
		post_next(j);
		return;
	}
	slack_job_end(j, OUTCOME_REFUSED, NULL,
		"I am not in that channel and may not join it: invite me (/invite in that channel)",
		0);
}

static const char *const thread_errors[] = { "thread_not_found", "invalid_thread_ts",
	"cannot_reply_to_message", "message_not_found" };

static bool is_one_of(const char *error, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(error, list[i]) == 0)
			return true;
	}
	return false;
}

/* What can be done about a refusal, each once. */
static bool post_remedy(struct job *j, const struct web_answer *answer)
{
	struct post *p = post_of(j);

	if (strcmp(answer->error, "not_in_channel") == 0 && !p->joined) {
		p->joined = true;
		slack_job_call(j, "conversations.join", json_pack("{s:s}", "channel", j->channel),
			on_joined);
		return true;
	}
	if (slack_job_blocks_refused(answer) && !p->plain) {
		log_error(SLACK_AREA, "a message goes out as its text alone: %s", answer->text);
		p->plain = true;
		post_next(j);
		return true;
	}
	if (p->thread_ts && is_one_of(answer->error, thread_errors, 4) && !p->unthreaded) {
		p->unthreaded = true;
		p->thread_ts = NULL;
		post_next(j);
		return true;
	}
	return false;
}

/* Once a part stands, the whole is no longer "certainly not done". */
static void post_failed(struct job *j, const struct web_answer *answer)
{
	struct web_answer worse = *answer;

	/* A channel that was deleted and made anew has another id. */
	if (strcmp(answer->error, "channel_not_found") == 0 && channel_forget(j))
		worse.class = WEB_RETRY;
	if (post_of(j)->ts[0] && worse.class == WEB_RETRY)
		worse.class = WEB_UNKNOWN;
	if (!post_of(j)->ts[0] || worse.class == WEB_UNKNOWN || worse.class == WEB_TOKEN) {
		slack_job_failed(j, &worse);
		return;
	}
	log_error(SLACK_AREA, "the rest of a long message was refused: %s", answer->text);
	post_finish(j);
}

static void on_posted(struct job *j, const struct web_answer *answer)
{
	struct post *p = post_of(j);
	const char *ts = json_get_str(answer->body, "ts");
	struct web_answer nonsense = { .class = WEB_UNKNOWN,
		.error = "",
		.text = "Slack's answer does not name the message" };

	if (answer->class == WEB_OK && slack_ts_valid(ts)) {
		const char *id = json_get_str(answer->body, "channel");

		p->ts[p->part] = arena_strdup(j->e->arena, ts);
		if (id && !p->part)
			j->channel = arena_strdup(j->e->arena, id);
		post_next(j);
	} else if (answer->class == WEB_OK) {
		slack_job_failed(j, &nonsense);
	} else if (!post_remedy(j, answer)) {
		post_failed(j, answer);
	}
}

/* Readable by everybody in the workspace: nothing but what names this post. */
static void put_metadata(struct str *body, struct job *j, size_t part)
{
	json_put_name(body, "metadata");
	json_put_begin(body, '{');
	json_put_member(body, "event_type", EVENT_TYPE);
	json_put_name(body, "event_payload");
	json_put_begin(body, '{');
	json_put_member(body, "op_id", j->e->op_id ? j->e->op_id : "");
	json_put_name(body, "part");
	json_put_integer(body, (int64_t)part);
	json_put_end(body, '}');
	json_put_end(body, '}');
}

static void post_send(struct job *j)
{
	struct post *p = post_of(j);
	const struct render_page *page = &j->parts.page[p->part];
	struct str body;

	str_init(&body, SIZE_MAX / 4);
	json_put_begin(&body, '{');
	str_addn(&body, page->members.p, p->plain ? page->text_len : page->members.len);
	json_put_member(&body, "channel", j->channel);
	if (p->thread_ts)
		json_put_member(&body, "thread_ts", p->thread_ts);
	json_put_name(&body, "unfurl_links");
	json_put_bool(&body, false);
	json_put_name(&body, "unfurl_media");
	json_put_bool(&body, false);
	put_metadata(&body, j, p->part);
	json_put_end(&body, '}');
	slack_job_send(j, "chat.postMessage", &body, on_posted);
}

static void post_next(struct job *j)
{
	struct post *p = post_of(j);

	while (p->part < j->parts.count && p->ts[p->part])
		p->part++;
	if (p->part == j->parts.count)
		post_finish(j);
	else
		post_send(j);
}

/* ---- looking first ----------------------------------------------------------------------- */

static void look(struct job *j, const char *cursor);

static void look_at(struct job *j, json_t *message)
{
	struct post *p = post_of(j);
	json_t *metadata = json_get_obj(message, "metadata");
	json_t *payload = json_get_obj(metadata, "event_payload");
	const char *type = json_get_str(metadata, "event_type");
	const char *op_id = json_get_str(payload, "op_id");
	const char *ts = json_get_str(message, "ts");
	const char *user = json_get_str(message, "user");
	int64_t part = json_get_int(payload, "part", 0);
	const char *self = j->s->self.user_id;

	if (!type || strcmp(type, EVENT_TYPE) != 0 || !op_id || !j->e->op_id ||
		strcmp(op_id, j->e->op_id) != 0 || !slack_ts_valid(ts))
		return;
	/* Anybody's app can write metadata; only our own message is our message. */
	if (self && user && strcmp(self, user) != 0)
		return;
	if (part < 0 || part >= RENDER_MESSAGES_MAX || p->ts[part])
		return;
	p->ts[part] = arena_strdup(j->e->arena, ts);
	log_info(SLACK_AREA, "a message whose answer was lost is there: %s/%s", j->channel, ts);
}

static void on_history(struct job *j, const struct web_answer *answer)
{
	json_t *message;
	const char *cursor;
	size_t at;

	/* Without the right to read back, twice is better than not at all. */
	if (answer->class == WEB_LACKING || answer->class == WEB_REFUSED) {
		log_warn(SLACK_AREA, "whether a message was posted cannot be looked up: %s",
			answer->text);
		post_next(j);
		return;
	}
	if (!slack_job_ok(answer)) {
		slack_job_failed(j, answer);
		return;
	}
	json_array_foreach(json_get_arr(answer->body, "messages"), at, message) look_at(j, message);
	cursor = slack_job_next_cursor(j, answer);
	if (cursor)
		look(j, cursor);
	else
		post_next(j);
}

static void look(struct job *j, const char *cursor)
{
	struct post *p = post_of(j);
	json_t *args = json_pack("{s:s, s:b, s:i, s:o}", "channel", j->channel,
		"include_all_metadata", 1, "limit", HISTORY_LIMIT, "oldest",
		json_sprintf("%lld.000000", (long long)slack_job_since(j)));

	if (cursor)
		json_object_set_new(args, "cursor", json_string(cursor));
	if (p->thread_ts)
		json_object_set_new(args, "ts", json_string(p->thread_ts));
	slack_job_call(j, p->thread_ts ? "conversations.replies" : "conversations.history", args,
		on_history);
}

static void post_begin(struct job *j)
{
	j->pages = 0;
	if (j->e->verify)
		look(j, NULL);
	else
		post_next(j);
}

static bool post_prepare(struct job *j)
{
	json_t *doc = json_get_obj(j->e->payload, "doc");
	struct post *p = arena_alloc(j->e->arena, sizeof(*p));

	j->own = p;
	if (!doc) {
		slack_job_end(j, OUTCOME_REFUSED, NULL, "it says nothing", 0);
		return false;
	}
	render_messages(doc, slack_now(j->s), &j->parts);
	key_channel(j->e->arena, j->e->thread, &p->thread_ts);
	return true;
}

void effect_message_post(struct job *j)
{
	if (post_prepare(j))
		channel_find(j, post_begin);
}

/* ---- to one person ----------------------------------------------------------------------- */

static void on_direct(struct job *j, const struct web_answer *answer)
{
	const char *id = json_get_str(json_get_obj(answer->body, "channel"), "id");
	const char *person = key_person(json_get_str(j->e->payload, "person"));

	if (!slack_job_ok(answer) || !id) {
		slack_job_failed(j, answer);
		return;
	}
	slack_names_put(j->s->directs, person, id);
	j->channel = arena_strdup(j->e->arena, id);
	post_begin(j);
}

void effect_message_private(struct job *j)
{
	const char *person = key_person(json_get_str(j->e->payload, "person"));
	const char *known;

	if (!post_prepare(j))
		return;
	post_of(j)->thread_ts = NULL;
	if (!person) {
		slack_job_end(j, OUTCOME_REFUSED, NULL, "it names nobody in Slack", 0);
		return;
	}
	known = slack_names_get(j->s->directs, person);
	if (known) {
		j->channel = arena_strdup(j->e->arena, known);
		post_begin(j);
		return;
	}
	slack_job_call(j, "conversations.open", json_pack("{s:s}", "users", person), on_direct);
}
