/*
 * A file, once. The happy path is: channel (or the person's direct message) known →
 * files.getUploadURLExternal → the bytes to that address → files.completeUploadExternal, which shows
 * it. Until the last step nobody sees anything, so everything before it may simply be done again.
 * When its answer is lost, the history is read first: a message of ours with a file of this name is
 * the file; names carry the incident and the second they were asked for.
 */
#include <string.h>

#include "adapters/slack/job.h"
#include "base/log.h"

#define HISTORY_LIMIT 200

struct upload {
	const char *name, *title, *text;
	size_t size;
	const char *url, *id; /* from Slack */
};

static void upload_begin(struct job *j);

static void on_completed(struct job *j, const struct web_answer *answer)
{
	struct upload *u = j->own;

	if (slack_job_ok(answer))
		slack_job_done(j, json_pack("{s:s}", "file", u->id));
	else
		slack_job_failed(j, answer);
}

/* Refused or lost, nobody has seen it: a new address is asked for next time. */
static void on_uploaded(struct job *j, const struct web_answer *answer)
{
	struct upload *u = j->own;

	if (answer->class != WEB_OK) {
		slack_job_end(j, OUTCOME_RETRY, NULL,
			*answer->text ? answer->text : "the file could not be uploaded",
			answer->retry_after_ms);
		return;
	}
	slack_job_call(j, "files.completeUploadExternal",
		json_pack("{s:[{s:s, s:s}], s:s}", "files", "id", u->id, "title", u->title,
			"channel_id", j->channel),
		on_completed);
}

static void on_address(struct job *j, const struct web_answer *answer)
{
	struct upload *u = j->own;
	const char *url = json_get_str(answer->body, "upload_url");
	const char *id = json_get_str(answer->body, "file_id");

	if (!slack_job_ok(answer)) {
		slack_job_failed(j, answer);
		return;
	}
	if (!url || !slack_id_valid(id)) {
		slack_job_end(j, OUTCOME_RETRY, NULL, "Slack's answer names no address to upload to", 0);
		return;
	}
	u->url = arena_strdup(j->e->arena, url);
	u->id = arena_strdup(j->e->arena, id);
	slack_job_upload(j, u->url, u->text, u->size, on_uploaded);
}

static void upload_ask(struct job *j)
{
	const struct upload *u = j->own;

	slack_job_call(j, "files.getUploadURLExternal",
		json_pack("{s:s, s:I}", "filename", u->name, "length", (json_int_t)u->size),
		on_address);
}

/* ---- looking first ----------------------------------------------------------------------- */

static void look(struct job *j, const char *cursor);

/* The id of our file in this message; NULL. */
static const char *found_in(struct job *j, json_t *message)
{
	const struct upload *u = j->own;
	const char *user = json_get_str(message, "user"), *self = j->s->self.user_id;
	json_t *file;
	size_t i;

	if (self && user && strcmp(self, user) != 0)
		return NULL;
	json_array_foreach(json_get_arr(message, "files"), i, file)
	{
		const char *name = json_get_str(file, "name"), *id = json_get_str(file, "id");

		if (name && slack_id_valid(id) && strcmp(name, u->name) == 0)
			return id;
	}
	return NULL;
}

static void on_history(struct job *j, const struct web_answer *answer)
{
	const char *cursor, *id = NULL;
	json_t *message;
	size_t i;

	/* Without the right to read back, twice is better than not at all. */
	if (answer->class == WEB_LACKING || answer->class == WEB_REFUSED) {
		upload_ask(j);
		return;
	}
	if (!slack_job_ok(answer)) {
		slack_job_failed(j, answer);
		return;
	}
	json_array_foreach(json_get_arr(answer->body, "messages"), i, message)
	{
		id = found_in(j, message);
		if (id)
			break;
	}
	if (id) {
		log_info(SLACK_AREA, "a file whose answer was lost is there: %s", id);
		slack_job_done(j, json_pack("{s:s}", "file", id));
		return;
	}
	cursor = slack_job_next_cursor(j, answer);
	if (cursor)
		look(j, cursor);
	else
		upload_ask(j);
}

static void look(struct job *j, const char *cursor)
{
	json_t *args = json_pack("{s:s, s:i, s:o}", "channel", j->channel, "limit", HISTORY_LIMIT,
		"oldest", json_sprintf("%lld.000000", (long long)slack_job_since(j)));

	if (cursor)
		json_object_set_new(args, "cursor", json_string(cursor));
	slack_job_call(j, "conversations.history", args, on_history);
}

static void upload_begin(struct job *j)
{
	j->pages = 0;
	if (j->e->verify)
		look(j, NULL);
	else
		upload_ask(j);
}

/* ---- where to ---------------------------------------------------------------------------- */

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
	upload_begin(j);
}

static void to_person(struct job *j, const char *person)
{
	const char *known;

	if (!slack_id_valid(person)) {
		slack_job_end(j, OUTCOME_REFUSED, NULL, "it names nobody in Slack", 0);
		return;
	}
	known = slack_names_get(j->s->directs, person);
	if (!known) {
		slack_job_call(j, "conversations.open", json_pack("{s:s}", "users", person), on_direct);
		return;
	}
	j->channel = arena_strdup(j->e->arena, known);
	upload_begin(j);
}

void effect_file_share(struct job *j)
{
	struct upload *u = arena_alloc(j->e->arena, sizeof(*u));
	const char *person = json_get_str(j->e->payload, "person");

	j->own = u;
	u->name = json_get_str(j->e->payload, "name");
	u->title = json_get_str(j->e->payload, "title");
	u->text = json_get_str(j->e->payload, "text");
	u->size = u->text ? strlen(u->text) : 0;
	if (!u->name || !u->title || u->size == 0) {
		slack_job_end(j, OUTCOME_REFUSED, NULL, "there is nothing in the file", 0);
		return;
	}
	if (person)
		to_person(j, key_person(person));
	else
		channel_find(j, upload_begin);
}
