/* From "#incidents" to an id: looked up once and kept. conversations.list is slow and closely paced, so it
 * is called here and for lost channels only, never on the way of a command. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "adapters/slack/job.h"
#include "base/log.h"
#include "base/text.h"

#define LIST_LIMIT 500

static void find_page(struct job *j, const char *cursor);

/* Ids are C…, D… or G… with at least eight more capitals and digits; no channel name has capitals. */
static bool is_channel_id(const char *s)
{
	size_t n = strlen(s);

	return n > 8 && strchr("CDG", s[0]) &&
		strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == n;
}

static void find_missing(struct job *j)
{
	struct str text;

	str_init_arena(&text, j->e->arena, 400);
	str_addf(&text,
		"there is no channel #%s that I can see: create it and invite me to it (/invite in that channel), or change slack.announce_channel",
		j->wanted);
	log_error(SLACK_AREA, "%s", text.p);
	job_end(j, OUTCOME_REFUSED, NULL, text.p, 0);
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
	if (!job_ok(answer)) {
		job_failed(j, answer);
		return;
	}
	json_array_foreach(list, at, channel) {
		const char *name = json_get_str(channel, "name");
		const char *id = json_get_str(channel, "id");

		if (!name || !id || strcmp(name, j->wanted) != 0)
			continue;
		slack_names_put(j->s->channels, j->wanted, id);
		j->channel = arena_strdup(j->e->arena, id);
		j->found(j);
		return;
	}
	cursor = job_next_cursor(j, answer);
	if (cursor)
		find_page(j, cursor);
	else
		find_missing(j);
}

static void find_page(struct job *j, const char *cursor)
{
	json_t *args = json_pack("{s:i, s:b, s:s}", "limit", LIST_LIMIT, "exclude_archived", 1,
		"types", j->public_only ? "public_channel" : "public_channel,private_channel");

	if (cursor)
		json_object_set_new(args, "cursor", json_string(cursor));
	job_call(j, "conversations.list", args, on_list);
}

void channel_find(struct job *j, void (*found)(struct job *j))
{
	const char *name = j->e->channel ? j->e->channel : j->e->message;
	const char *known;

	j->found = found;
	j->channel = key_channel(j->e->arena, name, NULL);
	if (!j->channel && name && is_channel_id(name))
		j->channel = name;
	if (j->channel) {
		found(j);
		return;
	}
	name += name && *name == '#';
	if (!name || !*name) {
		job_end(j, OUTCOME_REFUSED, NULL, "it names no channel", 0);
		return;
	}
	j->wanted = text_lower(j->e->arena, name);
	known = slack_names_get(j->s->channels, j->wanted);
	if (known) {
		j->channel = arena_strdup(j->e->arena, known);
		found(j);
		return;
	}
	j->pages = 0;
	find_page(j, NULL);
}
