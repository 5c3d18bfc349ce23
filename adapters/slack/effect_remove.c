/*
 * People leave a private channel: conversations.kick takes one at a time. The happy path is: kick
 * the first → the next → … → done. Who is not in it any more, or not in the workspace, need not be
 * removed; one who cannot be (an owner of the workspace) holds up nobody, but the effect is refused
 * in the end, so that it is seen.
 */
#include <string.h>

#include "adapters/slack/job.h"

struct removing {
	size_t at;	   /* in people */
	const char *error; /* of the first who could not be removed; NULL */
};

static void remove_next(struct job *j);

static bool is_gone(const struct web_answer *answer)
{
	static const char *const gone[] = { "not_in_channel", "user_not_found", "cant_kick_self" };

	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
		if (strcmp(answer->error, gone[i]) == 0)
			return true;
	return slack_job_ok(answer);
}

static void on_removed(struct job *j, const struct web_answer *answer)
{
	struct removing *r = j->own;

	if (is_gone(answer)) {
		remove_next(j);
	} else if (answer->class == WEB_REFUSED) {
		if (!r->error)
			r->error = arena_strdup(j->e->arena, answer->error);
		remove_next(j);
	} else {
		slack_job_failed(j, answer);
	}
}

static void remove_next(struct job *j)
{
	struct removing *r = j->own;
	const json_t *people = json_get_arr(j->e->payload, "people");
	const char *id = NULL;

	while (!id && r->at < json_array_size(people)) {
		id = key_person(json_string_value(json_array_get(people, r->at++)));
		if (!slack_id_valid(id))
			id = NULL;
	}
	if (id)
		slack_job_call(j, "conversations.kick",
			json_pack("{s:s, s:s}", "channel", j->channel, "user", id), on_removed);
	else if (r->error)
		slack_job_end(j, OUTCOME_REFUSED, NULL, r->error, 0);
	else
		slack_job_done(j, NULL);
}

void effect_channel_remove(struct job *j)
{
	j->own = arena_alloc(j->e->arena, sizeof(struct removing));
	channel_find(j, remove_next);
}
