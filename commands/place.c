/*
 * A channel that is there already becomes the incident's, or is its no more, by hand (FEATURES H10): where work began before anybody declared,
 * where the chat let us open none, or where it moved to.
 */
#include <errno.h>
#include <string.h>

#include "commands/messages.h"
#include "commands/relate.h"
#include "commands/say.h"
#include "store/references.h"

/* "slack:C1": channels; a direct message is for two. */
static bool is_channel(const char *key)
{
	const char *id = key ? strchr(key, ':') : NULL;

	return id && (id[1] == 'C' || id[1] == 'G');
}

/* 1: the channel of another incident. */
static int taken(struct call *c, const char *key)
{
	struct reference ref;
	int rc = reference_by_key(c->store, c->arena, key, &ref, &c->err);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	return ref.incident != c->incident.id;
}

static int get(struct call *c, const char *slot, struct reference *ref)
{
	return reference_get(c->store, c->arena, c->incident.id, CHAT_SYSTEM, slot, ref, &c->err);
}

static int drop(struct call *c, const char *slot)
{
	struct reference ref;
	int rc = get(c, slot, &ref);

	if (rc == 0)
		rc = reference_delete(c->store, ref.id, &c->err);
	return rc == -ENOENT ? 0 : rc;
}

/* Whoever is still in the old one is told. */
static int say_moved(struct call *c, const char *old, const char *now)
{
	struct str mark;
	JSON_CLEANUP json_t *payload = NULL;

	str_init_arena(&mark, c->arena, 200);
	mark_channel(&mark, now);
	payload = json_pack("{s:o}", "doc",
		message_line(c, "%s goes on in %s — %s", words_id(c, c->incident.id), mark.p,
			words_name(c, c->actor)));
	return say_effect(c, &(struct effect_row){
				     .lane = arena_printf(c->arena, CHAT_SYSTEM "/%lld",
					     (long long)c->incident.id),
				     .kind = EFFECT_MESSAGE_POST,
				     .to = old,
				     .payload = json_text(c->arena, payload),
			     });
}

static int move_to(struct call *c, const char *key, const char *old)
{
	int rc = old ? say_moved(c, old, key) : 0;

	if (rc == 0)
		rc = drop(c, SLOT_CARD);
	if (rc == 0)
		rc = reference_put(c->store,
			&(struct reference){
				.incident = c->incident.id,
				.system = CHAT_SYSTEM,
				.slot = SLOT_CHANNEL,
				.key = key,
				.state = "synced",
				.created_at = c->now,
				.synced_at = c->now,
			},
			&c->err);
	return rc < 0 ? rc : say_channel_opened(c);
}

struct done place_link(struct call *c)
{
	const char *key = c->request->place.channel, *id = words_id(c, c->incident.id);
	struct reference old = { 0 };
	int rc;

	if (!is_channel(key))
		return call_refuse(c, "conflict",
			"This is no channel, so nothing was linked. Say it in the channel that is meant: %s",
			message_usage(c, "/inc #%lld link here", (long long)c->incident.id));
	if (c->incident.is_private)
		return call_refuse(c, "policy",
			"%s is protected: it stays in the private channel that was opened for it, where only "
			"people with access are. Nothing was done.", id);
	rc = get(c, SLOT_CHANNEL, &old);
	if (rc == 0 && !strcmp(old.key, key))
		return call_replyf(c, "This is the channel of %s already; nothing was changed.", id);
	if (rc == 0 || rc == -ENOENT)
		rc = taken(c, key);
	if (rc > 0)
		return call_refuse(c, "conflict",
			"This channel is that of another incident; nothing was done.");
	call_touch_announce(c);
	if (rc < 0 || move_to(c, key, old.key) < 0 ||
		record_event(c, ENTRY_NOTE, "incident.channel_linked", "goes on in a channel that was there already%s",
			old.key ? ", instead of its own" : "") < 0)
		return call_fail(c);
	return call_replyf(c, "This is the channel of %s now.", id);
}

struct done place_unlink(struct call *c)
{
	const char *key = c->request->place.channel, *id = words_id(c, c->incident.id);
	struct reference ref;
	int rc = get(c, SLOT_CHANNEL, &ref);

	if (rc == -ENOENT || (rc == 0 && (!key || strcmp(ref.key, key) != 0)))
		return call_refuse(c, "conflict",
			"This is not the channel of %s; nothing was done. Say it there.", id);
	if (rc == 0 && c->incident.is_private)
		return call_refuse(c, "policy",
			"%s is protected and stays in its private channel; nothing was done.", id);
	call_touch_announce(c);
	if (rc < 0 || drop(c, SLOT_CARD) < 0 || reference_delete(c->store, ref.id, &c->err) < 0 ||
		say_card(c) < 0 ||
		record_event(c, ENTRY_NOTE, "incident.channel_unlinked",
			"has no channel any more; it goes on under its announcement") < 0)
		return call_fail(c);
	return call_replyf(c, "This is not the channel of %s any more; it goes on under its announcement, until "
			      "another channel is linked: %s",
		id, message_usage(c, "/inc #%lld link here", (long long)c->incident.id));
}
