/* From "#incidents" to an id: looked up once and kept. conversations.list is slow and closely
 * paced, so it is called here and for lost channels only, never on the way of a command. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adapters/slack/job.h"
#include "base/log.h"
#include "base/text.h"

#define LIST_LIMIT 500
#define MISSING_MS (60 * SECOND_MS) /* a name that is not there is not looked up again so soon */

static void find_page(struct job *j, const char *cursor);

/* Ids are C…, D… or G… with at least eight more capitals and digits; no channel name has capitals.
 */
static bool is_channel_id(const char *s)
{
	size_t n = strlen(s);

	return n > 8 && strchr("CDG", s[0]) &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == n;
}

static struct job *find_waiter(struct job *j)
{
	for (struct job *o = j->s->jobs; o; o = o->next) {
		if (o != j && o->find == FIND_WAITS && strcmp(o->wanted, j->wanted) == 0)
			return o;
	}
	return NULL;
}

static void find_end(struct job *j, const char *id, const struct web_answer *why)
{
	struct str text;

	j->find = FIND_NOTHING;
	if (id) {
		j->channel = arena_strdup(j->e->arena, id);
		j->found(j);
		return;
	}
	if (why) {
		slack_job_failed(j, why);
		return;
	}
	str_init_arena(&text, j->e->arena, 400);
	str_addf(&text,
		"there is no channel #%s that I can see: create it and invite me to it (/invite in "
		"that channel), or change slack.announce_channel",
		j->wanted);
	slack_job_end(j, OUTCOME_REFUSED, NULL, text.p, 0);
}

/* One search answers everybody who waits for the same name. id NULL and why NULL: it is not there.
 */
static void find_conclude(struct job *j, const char *id, const struct web_answer *why)
{
	struct slack *s = j->s;
	struct job *waiter;

	if (id) {
		slack_names_put(s->channels, j->wanted, id);
	} else if (!why) {
		s->missing_until = io_now(s->adapter.host->io) + MISSING_MS;
		free(s->missing);
		s->missing = slack_strdup(j->wanted);
		log_error(SLACK_AREA,
			"there is no channel #%s that I can see; create it and invite me, or "
			"change slack.announce_channel",
			j->wanted);
	}
	while ((waiter = find_waiter(j)))
		find_end(waiter, id, why);
	find_end(j, id, why);
}

static void on_list(struct job *j, const struct web_answer *answer)
{
	json_t *channel, *list = json_get_arr(answer->body, "channels");
	const char *cursor;
	size_t at;

	/* Without groups:read the public ones can still be listed. */
	if (answer->class == WEB_LACKING && !j->public_only) {
		j->public_only = true;
		find_page(j, NULL);
		return;
	}
	if (!slack_job_ok(answer)) {
		find_conclude(j, NULL, answer);
		return;
	}
	json_array_foreach(list, at, channel)
	{
		const char *name = json_get_str(channel, "name");
		const char *id = json_get_str(channel, "id");

		if (!name || !slack_id_valid(id) || strcmp(name, j->wanted) != 0)
			continue;
		find_conclude(j, id, NULL);
		return;
	}
	cursor = slack_job_next_cursor(j, answer);
	if (cursor)
		find_page(j, cursor);
	else
		find_conclude(j, NULL, NULL);
}

static void find_page(struct job *j, const char *cursor)
{
	json_t *args = json_pack("{s:i, s:b, s:s}", "limit", LIST_LIMIT, "exclude_archived", 1,
		"types", j->public_only ? "public_channel" : "public_channel,private_channel");

	if (cursor)
		json_object_set_new(args, "cursor", json_string(cursor));
	slack_job_call(j, "conversations.list", args, on_list);
}

static bool find_under_way(struct job *j)
{
	for (struct job *o = j->s->jobs; o; o = o->next) {
		if (o != j && o->find == FIND_ASKS && strcmp(o->wanted, j->wanted) == 0)
			return true;
	}
	return false;
}

static void find_begin(struct job *j)
{
	struct slack *s = j->s;
	const char *known = slack_names_get(s->channels, j->wanted);

	if (known) {
		find_end(j, known, NULL);
	} else if (s->missing && strcmp(s->missing, j->wanted) == 0 &&
		   io_now(s->adapter.host->io) < s->missing_until) {
		find_end(j, NULL, NULL);
	} else if (find_under_way(j)) {
		j->find = FIND_WAITS;
	} else {
		j->find = FIND_ASKS;
		j->pages = 0;
		find_page(j, NULL);
	}
}

void channel_find(struct job *j, void (*found)(struct job *j))
{
	const char *name = j->e->channel ? j->e->channel : j->e->message;

	j->found = found;
	j->channel = key_channel(j->e->arena, name, NULL);
	if (!j->channel && name && is_channel_id(name))
		j->channel = name;
	if (j->channel) {
		found(j);
		return;
	}
	if (name && *name == '#')
		name++;
	if (!name || !*name) {
		slack_job_end(j, OUTCOME_REFUSED, NULL, "it names no channel", 0);
		return;
	}
	j->wanted = text_lower(j->e->arena, name);
	find_begin(j);
}

bool channel_forget(struct job *j)
{
	const char *person = key_person(json_get_str(j->e->payload, "person"));
	bool known = j->wanted && slack_names_drop(j->s->channels, j->wanted);

	if (person && slack_names_drop(j->s->directs, person))
		known = true;
	return known;
}
