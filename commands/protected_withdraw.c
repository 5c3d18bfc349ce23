/*
 * A public incident becomes protected: what the bot has said about it where others read is edited
 * to a neutral line. Nothing is deleted: the record keeps every word, and the messages stay where
 * they are. An edit goes by the lane of what it edits, so that no earlier edit comes after it.
 */
#include <string.h>

#include "commands/protected.h"
#include "commands/say.h"
#include "store/references.h"

json_t *protected_neutral_doc(void)
{
	json_t *doc = doc_new("This message was withdrawn.");

	doc_context(doc, "This message was withdrawn.");
	return doc;
}

static bool is_slot(const char *slot, const char *prefix)
{
	return strncmp(slot, prefix, strlen(prefix)) == 0;
}

static const char *lane_of(struct call *c, const char *slot)
{
	long long id = (long long)c->incident.id;

	if (!strcmp(slot, SLOT_ANNOUNCEMENT))
		return arena_printf(c->arena, "announce/%lld", id);
	if (is_slot(slot, SLOT_POST) || is_slot(slot, SLOT_PRIVATE))
		return arena_printf(c->arena, "withdraw/%lld", id); /* nobody else edits these */
	return arena_printf(c->arena, CHAT_SYSTEM "/%lld", id);
}

/* Whoever looks for the slot finds what comes next, in the new channel. */
static int keep_as_old(struct call *c, const struct reference *r, const char *old)
{
	struct reference kept = *r;
	int rc = r->id ? reference_delete(c->store, r->id, &c->err) : 0;

	kept.slot = old;
	return rc < 0 ? rc : reference_put(c->store, &kept, &c->err);
}

static const char *old_slot(struct call *c, const char *slot)
{
	return arena_printf(c->arena, SLOT_OLD "%s", slot);
}

static int edit_neutral(struct call *c, const char *slot, const char *old)
{
	JSON_CLEANUP json_t *payload = json_pack("{s:o}", "doc", protected_neutral_doc());

	return say_effect(c, &(struct effect_row){
				     .lane = lane_of(c, slot),
				     .kind = EFFECT_MESSAGE_EDIT,
				     .to = TO_INCIDENT,
				     .slot = old,
				     .payload = json_text(c->arena, payload),
			     });
}

static int withdraw(struct call *c, const struct reference *r)
{
	const char *old = old_slot(c, r->slot);
	int rc = keep_as_old(c, r, old);

	return rc < 0 ? rc : edit_neutral(c, r->slot, old);
}

/* The title stands in its topic and in its name. */
static int leave_channel(struct call *c, const struct reference *r)
{
	const char *old = old_slot(c, r->slot);
	JSON_CLEANUP json_t *name = json_pack("{s:o}", "name",
		json_sprintf(
			"%s%lld-old", c->config->slack.channel_prefix, (long long)c->incident.id));
	int rc = keep_as_old(c, r, old);

	if (rc == 0)
		rc = say_effect(c, &(struct effect_row){ .lane = lane_of(c, r->slot),
					   .kind = EFFECT_CHANNEL_TOPIC,
					   .to = r->key,
					   .slot = old,
					   .payload = "{\"text\":\"\"}" });
	if (rc == 0)
		rc = say_effect(c, &(struct effect_row){ .lane = lane_of(c, SLOT_POST),
					   .kind = EFFECT_CHANNEL_RENAME,
					   .to = r->key,
					   .slot = old,
					   .payload = json_text(c->arena, name) });
	return rc;
}

/* "dm/17/slack:U1" → whose it is; NULL for other slots. */
static const char *private_to(const char *slot)
{
	return is_slot(slot, SLOT_PRIVATE) ? strchr(slot + strlen(SLOT_PRIVATE), '/') + 1 : NULL;
}

static int withdraw_one(struct call *c, const struct reference *r)
{
	const char *person = private_to(r->slot);
	bool sees = false;
	int rc = 0;

	if (strcmp(r->system, CHAT_SYSTEM) || !r->key || is_slot(r->slot, SLOT_OLD))
		return 0;
	if (!strcmp(r->slot, SLOT_CHANNEL))
		return leave_channel(c, r);
	/* A further slot that is no message of ours is none we could edit. */
	if (!strchr(r->key, '/'))
		return 0;
	if (person)
		rc = protected_sees(c, &c->incident, &c->roles, person, &sees);
	return rc < 0 || sees ? rc : withdraw(c, r);
}

int protected_withdraw(struct call *c)
{
	struct reference *r;
	size_t n;
	int rc = reference_list(c->store, c->arena, c->incident.id, &r, &n, &c->err);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = withdraw_one(c, &r[i]);
	return rc;
}

int protected_withdraw_from(struct call *c, const char *person)
{
	struct reference *r;
	size_t n;
	int rc = reference_list(c->store, c->arena, c->incident.id, &r, &n, &c->err);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		const char *whose = private_to(r[i].slot);

		if (whose && r[i].key && !strcmp(whose, person))
			rc = withdraw(c, &r[i]);
	}
	return rc;
}

int protected_withdraw_message(struct call *c, const char *slot, const char *key)
{
	return withdraw(c, &(struct reference){
				   .incident = c->incident.id,
				   .system = CHAT_SYSTEM,
				   .slot = slot,
				   .key = key,
				   .state = "synced",
				   .created_at = c->now,
				   .synced_at = c->now,
			   });
}

int protected_leave_channel(struct call *c, const char *key)
{
	if (!key)
		return 0;
	return leave_channel(c, &(struct reference){
					.incident = c->incident.id,
					.system = CHAT_SYSTEM,
					.slot = SLOT_CHANNEL,
					.key = key,
					.state = "synced",
					.created_at = c->now,
					.synced_at = c->now,
				});
}
