#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "incident/request.h"

static const char *const kind_names[EFFECT_KIND_COUNT] = {
	[EFFECT_CHANNEL_OPEN] = "channel.open",
	[EFFECT_CHANNEL_INVITE] = "channel.invite",
	[EFFECT_CHANNEL_REMOVE] = "channel.remove",
	[EFFECT_CHANNEL_TOPIC] = "channel.topic",
	[EFFECT_CHANNEL_BOOKMARK] = "channel.bookmark",
	[EFFECT_MESSAGE_POST] = "message.post",
	[EFFECT_MESSAGE_EDIT] = "message.edit",
	[EFFECT_MESSAGE_PIN] = "message.pin",
	[EFFECT_MESSAGE_PRIVATE] = "message.private",
	[EFFECT_MESSAGE_FETCH] = "message.fetch",
	[EFFECT_PERSON_FETCH] = "person.fetch",
	[EFFECT_HOME_SHOW] = "home.show",
	[EFFECT_CHANNEL_RENAME] = "channel.rename",
	[EFFECT_FILE_SHARE] = "file.share",
	[EFFECT_ISSUE_CREATE] = "issue.create",
	[EFFECT_ISSUE_SYNC] = "issue.sync",
	[EFFECT_ISSUE_COMMENT] = "issue.comment",
	[EFFECT_ISSUE_MARK] = "issue.mark",
	[EFFECT_ISSUE_POLL] = "issue.poll",
};

static const char *const state_names[EFFECT_STATE_COUNT] = {
	[EFFECT_WAITING] = "waiting",     [EFFECT_READY] = "ready",   [EFFECT_STARTED] = "started",
	[EFFECT_DELIVERED] = "delivered", [EFFECT_FAILED] = "failed", [EFFECT_DROPPED] = "dropped",
};

static const char *const outcome_names[] = {
	[OUTCOME_DELIVERED] = "delivered",
	[OUTCOME_RETRY] = "retry",
	[OUTCOME_UNKNOWN] = "unknown",
	[OUTCOME_REFUSED] = "refused",
};

#define OUTCOME_COUNT (sizeof(outcome_names) / sizeof(*outcome_names))

const char *effect_kind_name(enum effect_kind k)
{
	return (unsigned)k < EFFECT_KIND_COUNT ? kind_names[k] : "unknown";
}

const char *effect_state_name(enum effect_state s)
{
	return (unsigned)s < EFFECT_STATE_COUNT ? state_names[s] : "unknown";
}

void effect_destroy(struct effect *e)
{
	if (!e)
		return;
	json_decref(e->payload);
	arena_destroy(e->arena); /* the effect itself lives in it */
}

const char *outcome_name(enum outcome o)
{
	return (unsigned)o < OUTCOME_COUNT ? outcome_names[o] : "unknown";
}

bool outcome_parse(const char *name, enum outcome *out)
{
	for (size_t i = 0; name && i < OUTCOME_COUNT; i++) {
		if (strcmp(name, outcome_names[i]) != 0)
			continue;
		*out = (enum outcome)i;
		return true;
	}
	return false;
}

struct request *outcome_request(const struct effect *e, enum outcome o, json_t *result_take,
	const char *error, int64_t retry_after_ms)
{
	struct request *r = request_create(REQUEST_OUTCOME);

	r->actor.person = PERSON_SELF;
	r->operation = "effect.outcome";
	r->incident = e->incident;
	r->effect = e->id;
	r->args = json_object();
	json_object_set_new(r->args, "outcome", json_string(outcome_name(o)));
	if (result_take)
		json_object_set_new(r->args, "result", result_take);
	if (error) /* what the other side said may be no UTF-8 */
		json_object_set_new(r->args, "error",
			json_string(text_clean(r->arena, error, strlen(error), 1000, false)));
	if (retry_after_ms > 0)
		json_object_set_new(r->args, "retry_after_ms", json_integer(retry_after_ms));
	return r;
}
