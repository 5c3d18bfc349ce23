/* Editing, pinning and reading messages; people; the Home tab. All of them can be done again
 * without harm. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/slack/job.h"
#include "adapters/slack/unescape.h"
#include "base/json_write.h"
#include "base/log.h"

#define TEXT_MAX (64u << 10)

static void on_settled(struct job *j, const struct web_answer *answer)
{
	if (slack_job_ok(answer))
		slack_job_done(j, NULL);
	else
		slack_job_failed(j, answer);
}

/* The message that the effect is about; false: the job was ended. */
static bool message_of(struct job *j, const char **ts)
{
	j->channel = key_channel(j->e->arena, j->e->message, ts);
	if (j->channel && slack_ts_valid(*ts))
		return true;
	slack_job_end(j, OUTCOME_REFUSED, NULL, "it names no message of Slack", 0);
	return false;
}

static void edit(struct job *j, const char *ts, bool plain);

static void on_edited(struct job *j, const struct web_answer *answer)
{
	const char *ts;

	if (slack_job_blocks_refused(answer) && !j->own) {
		log_error(SLACK_AREA, "a message is edited to its text alone: %s", answer->text);
		j->own = j; /* once */
		key_channel(j->e->arena, j->e->message, &ts);
		edit(j, ts, true);
		return;
	}
	on_settled(j, answer);
}

static void edit(struct job *j, const char *ts, bool plain)
{
	struct render_page page;
	struct str body;

	render_edit(json_get_obj(j->e->payload, "doc"), slack_now(j->s), &page);
	str_init(&body, SIZE_MAX / 4);
	json_put_begin(&body, '{');
	str_addn(&body, page.members.p, plain ? page.text_len : page.members.len);
	if (plain) {
		json_put_name(&body, "blocks");
		str_add(&body, "[]");
	}
	json_put_member(&body, "channel", j->channel);
	json_put_member(&body, "ts", ts);
	json_put_end(&body, '}');
	str_finish(&page.members);
	slack_job_send(j, "chat.update", &body, on_edited);
}

void effect_message_edit(struct job *j)
{
	const char *ts;

	if (!message_of(j, &ts))
		return;
	if (json_get_obj(j->e->payload, "doc"))
		edit(j, ts, false);
	else
		slack_job_end(j, OUTCOME_REFUSED, NULL, "it says nothing", 0);
}

void effect_message_pin(struct job *j)
{
	const char *ts;

	if (message_of(j, &ts))
		slack_job_call(j, "pins.add",
			json_pack("{s:s, s:s}", "channel", j->channel, "timestamp", ts),
			on_settled);
}

/* ---- reading a message ------------------------------------------------------------------- */

struct fetched {
	const char *ts;
	json_t *result; /* the job's: it may die before it can be told */
};

static void on_link(struct job *j, const struct web_answer *answer)
{
	struct fetched *f = j->own;
	const char *url = slack_job_ok(answer) ? json_get_str(answer->body, "permalink") : NULL;

	if (url)
		json_object_set_new(f->result, "url", json_string(url));
	slack_job_done(j, json_incref(f->result));
}

static int64_t ts_ms(const char *ts)
{
	char *end;
	int64_t ms = strtoll(ts, &end, 10) * 1000;

	return *end == '.' ? ms + strtoll(end + 1, NULL, 10) / 1000 : ms;
}

static json_t *message_in(json_t *list, const char *ts)
{
	json_t *message;
	size_t at;

	json_array_foreach(list, at, message)
	{
		const char *theirs = json_get_str(message, "ts");

		if (theirs && strcmp(theirs, ts) == 0)
			return message;
	}
	return NULL;
}

static void fetch_take(struct job *j, json_t *message)
{
	struct fetched *f = j->own;
	const char *text = json_get_str(message, "text");
	const char *user = json_get_str(message, "user");
	struct str plain;

	str_init_arena(&plain, j->e->arena, TEXT_MAX);
	slack_unescape(&plain, text ? text : "");
	f->result = j->read = json_pack("{s:s, s:I}", "text",
		plain.len ? plain.p : "(a message without text)", "at", (json_int_t)ts_ms(f->ts));
	if (slack_id_valid(user))
		json_object_set_new(f->result, "author", json_sprintf(SLACK_PREFIX "%s", user));
	slack_job_call(j, "chat.getPermalink",
		json_pack("{s:s, s:s}", "channel", j->channel, "message_ts", f->ts), on_link);
}

static json_t *fetch_args(struct job *j)
{
	struct fetched *f = j->own;

	return json_pack("{s:s, s:s, s:s, s:b, s:i}", "channel", j->channel, "oldest", f->ts,
		"latest", f->ts, "inclusive", 1, "limit", 5);
}

static void on_replies(struct job *j, const struct web_answer *answer)
{
	struct fetched *f = j->own;
	json_t *message = message_in(json_get_arr(answer->body, "messages"), f->ts);

	if (message)
		fetch_take(j, message);
	else if (slack_job_ok(answer))
		slack_job_end(j, OUTCOME_REFUSED, NULL, JOB_ERROR_GONE, 0);
	else
		slack_job_failed(j, answer);
}

/* The history of a channel leaves out replies in threads. */
static void on_history(struct job *j, const struct web_answer *answer)
{
	struct fetched *f = j->own;
	json_t *message = message_in(json_get_arr(answer->body, "messages"), f->ts), *args;

	if (message) {
		fetch_take(j, message);
	} else if (slack_job_ok(answer)) {
		args = fetch_args(j);
		json_object_set_new(args, "ts", json_string(f->ts));
		slack_job_call(j, "conversations.replies", args, on_replies);
	} else {
		slack_job_failed(j, answer);
	}
}

void effect_message_fetch(struct job *j)
{
	struct fetched *f = arena_alloc(j->e->arena, sizeof(*f));

	j->own = f;
	if (message_of(j, &f->ts))
		slack_job_call(j, "conversations.history", fetch_args(j), on_history);
}

/* ---- people ------------------------------------------------------------------------------ */

static void on_user(struct job *j, const struct web_answer *answer)
{
	static const char *const names[] = { "profile.display_name", "profile.real_name",
		"real_name", "name" };
	json_t *user = json_get_obj(answer->body, "user");
	json_t *result;

	if (!slack_job_ok(answer) || !user) {
		slack_job_failed(j, answer);
		return;
	}
	result = json_pack("{s:s*, s:s*}", "zone", json_get_str(user, "tz"), "email",
		json_get_str(json_get_obj(user, "profile"), "email"));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *name = json_string_value(json_at(user, names[i]));

		if (!name || !*name)
			continue;
		json_object_set_new(result, "name", json_string(name));
		break;
	}
	slack_job_done(j, result);
}

void effect_person_fetch(struct job *j)
{
	const char *id = key_person(json_get_str(j->e->payload, "person"));

	if (slack_id_valid(id))
		slack_job_call(j, "users.info", json_pack("{s:s}", "user", id), on_user);
	else
		slack_job_end(j, OUTCOME_REFUSED, NULL, "it names nobody in Slack", 0);
}

void effect_home_show(struct job *j)
{
	const char *id = key_person(json_get_str(j->e->payload, "person"));
	json_t *doc = json_get_obj(j->e->payload, "doc");

	struct str body;

	if (!slack_id_valid(id) || !doc) {
		slack_job_end(j, OUTCOME_REFUSED, NULL, "it names nobody in Slack, or says nothing", 0);
		return;
	}
	str_init(&body, SIZE_MAX / 4);
	json_put_begin(&body, '{');
	json_put_member(&body, "user_id", id);
	json_put_name(&body, "view");
	render_home(&body, doc, slack_now(j->s));
	json_put_end(&body, '}');
	slack_job_send(j, "views.publish", &body, on_settled);
}
