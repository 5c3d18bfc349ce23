/*
 * The incident's channel. The happy path is: conversations.create → invite → done. Its name is made
 * from the incident, so when an earlier attempt's outcome is unknown, name_taken is the sign that
 * it may have succeeded: a channel of that name, made by us since then, is adopted. Otherwise the
 * name belongs to somebody else, and the next one is tried: name-2, name-3 …
 */
#include <errno.h>
#include <string.h>

#include "adapters/slack/job.h"
#include "adapters/slack/render.h"
#include "base/log.h"
#include "base/text.h"

#define NAME_MAX_BYTES 80
#define NAMES_MAX      9
#define LIST_LIMIT     500
#define INVITE_MAX     100

struct opening {
	int tries;
	const char *name; /* as asked for now */
	const char *made; /* as Slack calls it */
};

static void open_try(struct job *j);
static void open_look(struct job *j, const char *cursor);

static struct opening *opening_of(struct job *j)
{
	return j->own;
}

static void open_finish(struct job *j)
{
	struct opening *o = opening_of(j);
	json_t *result = json_pack("{s:o, s:s}", "channel",
		json_sprintf(SLACK_PREFIX "%s", j->channel), "name", o->made);

	if (j->s->self.team_url)
		json_object_set_new(result, "url",
			json_sprintf("%sarchives/%s", j->s->self.team_url, j->channel));
	slack_job_done(j, result);
}

/* ---- inviting: at most 100 at a time; who cannot come does not hold up the others -------- */

static json_t *invite_users(struct job *j, size_t from)
{
	json_t *people = json_get_arr(j->e->payload, "people"), *person, *out;
	struct str users;
	size_t at, n = 0;

	str_init(&users, 16384);
	json_array_foreach(people, at, person)
	{
		const char *id = key_person(json_string_value(person));

		if (at < from || at >= from + INVITE_MAX || !slack_id_valid(id))
			continue;
		str_addf(&users, "%s%s", n++ ? "," : "", id);
	}
	out = n ? json_string(users.p) : NULL;
	str_finish(&users);
	return out;
}

static json_t *invite_args(struct job *j, json_t *users_take)
{
	return json_pack("{s:s, s:o, s:b}", "channel", j->channel, "users", users_take, "force", 1);
}

/* Refused for some of them, each with a reason of their own, is as good as it gets. */
static bool invite_settled(const struct web_answer *answer)
{
	json_t *error;
	size_t at;

	if (slack_job_ok(answer))
		return true;
	if (answer->class != WEB_REFUSED || !json_get_arr(answer->body, "errors"))
		return false;
	json_array_foreach(json_get_arr(answer->body, "errors"), at, error)
	{
		const char *name = json_get_str(error, "error");

		if (name && web_error_class(name, false) == WEB_REFUSED)
			log_warn(SLACK_AREA, "%s could not be invited: %s",
				json_get_str(error, "user") ? json_get_str(error, "user") : "?",
				name);
	}
	return true;
}

static void on_invited_at_opening(struct job *j, const struct web_answer *answer)
{
	if (!invite_settled(answer))
		log_warn(SLACK_AREA, "nobody was invited to #%s: %s", opening_of(j)->made,
			answer->text);
	open_finish(j);
}

static void invite_next(struct job *j);

static void on_invited(struct job *j, const struct web_answer *answer)
{
	if (invite_settled(answer))
		invite_next(j);
	else
		slack_job_failed(j, answer);
}

static void invite_next(struct job *j)
{
	size_t count = json_array_size(json_get_arr(j->e->payload, "people"));
	json_t *users = NULL;

	/* `pages` counts the hundreds that were asked for. */
	while (!users && (size_t)j->pages * INVITE_MAX < count)
		users = invite_users(j, (size_t)j->pages++ * INVITE_MAX);
	if (users)
		slack_job_call(j, "conversations.invite", invite_args(j, users), on_invited);
	else
		slack_job_done(j, NULL);
}

void effect_channel_invite(struct job *j)
{
	channel_find(j, invite_next);
}

/* ---- opening ----------------------------------------------------------------------------- */

static void open_made(struct job *j, json_t *channel)
{
	struct opening *o = opening_of(j);
	const char *name = json_get_str(channel, "name");
	json_t *users;

	j->channel = arena_strdup(j->e->arena, json_get_str(channel, "id"));
	o->made = arena_strdup(j->e->arena, name ? name : o->name);
	users = invite_users(j, 0);
	if (users)
		slack_job_call(j, "conversations.invite", invite_args(j, users), on_invited_at_opening);
	else
		open_finish(j);
}

static void open_next_name(struct job *j)
{
	if (++opening_of(j)->tries < NAMES_MAX)
		open_try(j);
	else
		slack_job_end(j, OUTCOME_REFUSED, NULL, "channels of that name exist already", 0);
}

static bool made_by_us(struct job *j, json_t *channel)
{
	const char *creator = json_get_str(channel, "creator");
	const char *self = j->s->self.user_id;
	int64_t created = json_get_int(channel, "created", 0);

	return json_get_str(channel, "id") && created >= slack_job_since(j) &&
	       (!self || !creator || strcmp(self, creator) == 0);
}

static void on_look(struct job *j, const struct web_answer *answer)
{
	struct opening *o = opening_of(j);
	json_t *channel;
	const char *cursor;
	bool foreign = false;
	size_t at;

	if (!slack_job_ok(answer)) {
		slack_job_failed(j, answer);
		return;
	}
	json_array_foreach(json_get_arr(answer->body, "channels"), at, channel)
	{
		const char *name = json_get_str(channel, "name");

		if (!name || strcmp(name, o->name) != 0)
			continue;
		foreign = !made_by_us(j, channel);
		if (foreign)
			break;
		log_info(SLACK_AREA, "#%s is there: the answer to its making was lost", name);
		open_made(j, channel);
		return;
	}
	cursor = foreign ? NULL : slack_job_next_cursor(j, answer);
	if (cursor)
		open_look(j, cursor);
	else
		open_next_name(j);
}

static void open_look(struct job *j, const char *cursor)
{
	bool private = json_get_bool(j->e->payload, "private", false);
	json_t *args = json_pack("{s:i, s:b, s:s}", "limit", LIST_LIMIT, "exclude_archived", 1,
		"types", private ? "private_channel" : "public_channel");

	if (cursor)
		json_object_set_new(args, "cursor", json_string(cursor));
	else
		j->pages = 0;
	slack_job_call(j, "conversations.list", args, on_look);
}

static void on_created(struct job *j, const struct web_answer *answer)
{
	json_t *channel = json_get_obj(answer->body, "channel");

	if (answer->class == WEB_OK && slack_id_valid(json_get_str(channel, "id")))
		open_made(j, channel);
	else if (strcmp(answer->error, "name_taken") != 0)
		slack_job_failed(j, answer);
	else if (j->e->verify)
		open_look(j, NULL);
	else
		open_next_name(j);
}

static void open_try(struct job *j)
{
	struct opening *o = opening_of(j);
	const char *wanted = json_get_str(j->e->payload, "name");
	struct str name;

	str_init_arena(&name, j->e->arena, NAME_MAX_BYTES);
	str_addn(&name, wanted, text_cut(wanted, o->tries ? NAME_MAX_BYTES - 2 : NAME_MAX_BYTES));
	if (o->tries)
		str_addf(&name, "-%d", o->tries + 1);
	o->name = name.p;
	slack_job_call(j, "conversations.create",
		json_pack("{s:s, s:b}", "name", o->name, "is_private",
			json_get_bool(j->e->payload, "private", false)),
		on_created);
}

void effect_channel_open(struct job *j)
{
	const char *name = json_get_str(j->e->payload, "name");

	j->own = arena_alloc(j->e->arena, sizeof(struct opening));
	if (name && *name)
		open_try(j);
	else
		slack_job_end(j, OUTCOME_REFUSED, NULL, "the channel has no name", 0);
}

/* ---- topic ------------------------------------------------------------------------------- */

static void on_settled(struct job *j, const struct web_answer *answer)
{
	if (slack_job_ok(answer))
		slack_job_done(j, NULL);
	else
		slack_job_failed(j, answer);
}

static void topic_set(struct job *j)
{
	const char *text = json_get_str(j->e->payload, "text");
	struct str escaped, cut;

	str_init_arena(&escaped, j->e->arena, 16384);
	str_init_arena(&cut, j->e->arena, 16384);
	render_escape(&escaped, text ? text : "", text ? strlen(text) : 0);
	render_fit(&cut, escaped.p, RENDER_TOPIC_MAX);
	slack_job_call(j, "conversations.setTopic",
		json_pack("{s:s, s:s}", "channel", j->channel, "topic", cut.p), on_settled);
}

void effect_channel_topic(struct job *j)
{
	channel_find(j, topic_set);
}

/* ---- name ---------------------------------------------------------------------------------- */

static void rename_do(struct job *j)
{
	const char *name = json_get_str(j->e->payload, "name");

	slack_job_call(j, "conversations.rename",
		json_pack("{s:s, s:s}", "channel", j->channel, "name", name ? name : ""), on_settled);
}

void effect_channel_rename(struct job *j)
{
	channel_find(j, rename_do);
}

/* ---- bookmark ---------------------------------------------------------------------------- */

static void on_bookmarked(struct job *j, const struct web_answer *answer)
{
	const char *id = json_get_str(json_get_obj(answer->body, "bookmark"), "id");

	if (slack_job_ok(answer))
		slack_job_done(j, json_pack("{s:s*}", "id", id));
	else
		slack_job_failed(j, answer);
}

static void bookmark_add(struct job *j)
{
	const char *title = json_get_str(j->e->payload, "title");
	const char *url = json_get_str(j->e->payload, "url");

	if (!title || !*title || !url) {
		slack_job_end(j, OUTCOME_REFUSED, NULL, "the bookmark has no title or address", 0);
		return;
	}
	slack_job_call(j, "bookmarks.add",
		json_pack("{s:s, s:s%, s:s, s:s}", "channel_id", j->channel, "title", title,
			text_cut(title, 255), "type", "link", "link", url),
		on_bookmarked);
}

static void on_bookmarks(struct job *j, const struct web_answer *answer)
{
	const char *url = json_get_str(j->e->payload, "url");
	json_t *bookmark;
	size_t at;

	/* Without the right to look, twice is better than not at all; whoever may look looks again. */
	if (!slack_job_ok(answer) && answer->class != WEB_LACKING && answer->class != WEB_REFUSED) {
		slack_job_failed(j, answer);
		return;
	}
	json_array_foreach(json_get_arr(answer->body, "bookmarks"), at, bookmark)
	{
		const char *link = json_get_str(bookmark, "link");

		if (!url || !link || strcmp(link, url) != 0)
			continue;
		slack_job_done(j, json_pack("{s:s*}", "id", json_get_str(bookmark, "id")));
		return;
	}
	bookmark_add(j);
}

static void bookmark_begin(struct job *j)
{
	if (j->e->verify)
		slack_job_call(j, "bookmarks.list", json_pack("{s:s}", "channel_id", j->channel),
			on_bookmarks);
	else
		bookmark_add(j);
}

void effect_channel_bookmark(struct job *j)
{
	channel_find(j, bookmark_begin);
}
