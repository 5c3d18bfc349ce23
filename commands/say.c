/*
 * Effects of the transaction: what must be seen outside. The chat is one system today; its name
 * stands here and in deliver.c only, as the first part of lanes and references.
 */
#include "commands/say.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands/dispatch.h"
#include "commands/files.h"
#include "commands/protected.h"
#include "store/effects.h"
#include "base/text.h"
#include "store/references.h"

/* The announcement names the channel, so it waits a moment for it; a chat that opens no channel does
 * not hold it back longer. */
#define ANNOUNCE_PATIENCE_MS 1500

static bool is_chat_person(const char *person)
{
	return person && strncmp(person, CHAT_SYSTEM ":", strlen(CHAT_SYSTEM) + 1) == 0;
}

int say_effect(struct call *c, struct effect_row *row)
{
	int rc;

	if (!row->system)
		row->system = CHAT_SYSTEM;
	row->incident = c->has_incident ? c->incident.id : 0;
	row->created_at = c->now;
	row->revision = c->has_incident ? c->incident.revision : 0;
	if (!row->due_at)
		row->due_at = c->now;
	rc = effect_insert(c->store, c->arena, row, &c->err);
	if (rc == 0)
		deliver_expect(c->desk, row->kind, row->due_at);
	return rc;
}

static const char *lane_incident(struct call *c)
{
	return arena_printf(c->arena, CHAT_SYSTEM "/%lld", (long long)c->incident.id);
}

static const char *lane_announce(struct call *c)
{
	return arena_printf(c->arena, "announce/%lld", (long long)c->incident.id);
}

/* Takes payload over. */
static const char *payload_text(struct call *c, json_t *payload_take)
{
	const char *text = json_text(c->arena, payload_take);

	json_decref(payload_take);
	return text;
}

static const char *payload_doc(struct call *c, json_t *doc_take)
{
	return payload_text(c, json_pack("{s:o}", "doc", doc_take));
}

int say_channel(struct call *c, json_t *doc_take, const char *slot)
{
	return say_effect(c, &(struct effect_row){
		.lane = lane_incident(c),
		.kind = EFFECT_MESSAGE_POST,
		.to = TO_INCIDENT,
		.slot = slot,
		.payload = payload_doc(c, doc_take),
	});
}

int say_announce_thread(struct call *c, json_t *doc_take)
{
	if (c->incident.is_private) {
		json_decref(doc_take);
		return 0;
	}
	return say_effect(c, &(struct effect_row){
		.lane = lane_announce(c),
		.kind = EFFECT_MESSAGE_POST,
		.to = TO_ANNOUNCE,
		.thread_slot = SLOT_ANNOUNCEMENT,
		.payload = payload_doc(c, doc_take),
	});
}

int say_person(struct call *c, const char *person, json_t *doc_take)
{
	/* Somebody known by a shell account only cannot be reached in chat. */
	if (!is_chat_person(person)) {
		json_decref(doc_take);
		return 0;
	}
	return say_effect(c, &(struct effect_row){
		.lane = arena_printf(c->arena, "person/%s", person),
		.kind = EFFECT_MESSAGE_PRIVATE,
		.to = person,
		.payload = payload_text(c, json_pack("{s:s, s:o}", "person", person, "doc", doc_take)),
	});
}

static json_t *chat_people(const char *const *people, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		if (is_chat_person(people[i]))
			json_array_append_new(list, json_string(people[i]));
	return list;
}

static int say_people(struct call *c, enum effect_kind kind, const char *const *people, size_t n)
{
	json_t *list = chat_people(people, n);

	if (json_array_size(list) == 0) {
		json_decref(list);
		return 0;
	}
	return say_effect(c, &(struct effect_row){
		.lane = lane_incident(c),
		.kind = kind,
		.to = TO_INCIDENT,
		.payload = payload_text(c, json_pack("{s:o}", "people", list)),
	});
}

int say_people_invite(struct call *c, const char *const *people, size_t n)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = protected_admit(c, people[i], c->op ? c->op->name : "invitation");
	return rc < 0 ? rc : say_people(c, EFFECT_CHANNEL_INVITE, people, n);
}

int say_people_remove(struct call *c, const char *const *people, size_t n)
{
	return say_people(c, EFFECT_CHANNEL_REMOVE, people, n);
}

/* The name is made from id and title, so that the same incident always asks for the same channel. The
 * title of a protected one stands nowhere but within. */
const char *say_channel_name(struct call *c)
{
	struct str name;

	str_init_arena(&name, c->arena, 80);
	str_addf(&name, "%s%lld", c->config->slack.channel_prefix, (long long)c->incident.id);
	struct str slug;
	str_init_arena(&slug, c->arena, 80);
	if (!c->incident.is_private)
		text_slug(&slug, c->incident.title, 80 - name.len - 1);
	if (slug.len)
		str_addf(&name, "-%s", slug.p);
	return name.p;
}

int say_open(struct call *c)
{
	int rc = say_effect(c, &(struct effect_row){
		.lane = lane_incident(c),
		.kind = EFFECT_CHANNEL_OPEN,
		.slot = SLOT_CHANNEL,
		.payload = payload_text(c, json_pack("{s:s, s:b}", "name", say_channel_name(c), "private",
			c->incident.is_private)),
	});

	if (rc < 0 || !c->config->slack.announce_channel || c->incident.is_private)
		return rc;
	return say_effect(c, &(struct effect_row){
		.lane = lane_announce(c),
		.kind = EFFECT_MESSAGE_POST,
		.to = TO_ANNOUNCE,
		.slot = SLOT_ANNOUNCEMENT,
		.due_at = c->now + ANNOUNCE_PATIENCE_MS,
	});
}

static int say_bookmark(struct call *c)
{
	struct reference card = { 0 };

	if (reference_get(c->store, c->arena, c->incident.id, CHAT_SYSTEM, SLOT_CARD, &card, &c->err) < 0 ||
		!card.url)
		return 0;
	return say_effect(c, &(struct effect_row){
		.lane = lane_incident(c),
		.kind = EFFECT_CHANNEL_BOOKMARK,
		.to = TO_INCIDENT,
		.payload = payload_text(c, json_pack("{s:s, s:s}", "title", "Live card", "url", card.url)),
	});
}

/* Reporter and roles; of a protected incident exactly those who have access. */
static int channel_people(struct call *c, const char ***out, size_t *n)
{
	const char **people;

	if (c->incident.is_private)
		return protected_people(c, out, n);
	people = arena_alloc(c->arena, (c->roles.count + 1) * sizeof(*people));
	*n = 0;
	people[(*n)++] = c->incident.reporter;
	for (size_t i = 0; i < c->roles.count; i++)
		people[(*n)++] = c->roles.holder[i].person;
	*out = people;
	return 0;
}

int say_channel_opened(struct call *c)
{
	const char **people = NULL;
	size_t n = 0;
	int rc = channel_people(c, &people, &n);

	if (rc == 0)
		rc = say_card(c);
	if (rc == 0)
		rc = say_people(c, EFFECT_CHANNEL_INVITE, people, n);
	if (rc == 0)
		rc = say_effect(c, &(struct effect_row){
			.lane = lane_incident(c), .kind = EFFECT_CHANNEL_TOPIC, .to = TO_INCIDENT });
	if (rc == 0)
		rc = effect_hasten(c->store, lane_announce(c), c->now, c->now + VERIFY_AFTER_MS, &c->err);
	deliver_expect_any(c->desk);
	return rc;
}

int say_card(struct call *c)
{
	int rc = say_effect(c, &(struct effect_row){
		.lane = lane_incident(c),
		.kind = EFFECT_MESSAGE_POST,
		.to = TO_INCIDENT,
		.slot = SLOT_CARD,
	});

	if (rc == 0)
		rc = say_effect(c, &(struct effect_row){
			.lane = lane_incident(c),
			.kind = EFFECT_MESSAGE_PIN,
			.to = TO_INCIDENT,
			.slot = SLOT_CARD,
		});
	return rc;
}

int say_card_posted(struct call *c)
{
	return say_bookmark(c);
}

/* Will the message in slot be there without this change? It is, or it is being posted as it was. */
static int shows_without(struct call *c, const char *slot)
{
	struct reference ref;
	int64_t id = 0;
	int rc = reference_get(c->store, c->arena, c->incident.id, CHAT_SYSTEM, slot, &ref, &c->err);

	if (rc != -ENOENT)
		return rc < 0 ? rc : 1;
	rc = effect_under_way(c->store, c->incident.id, EFFECT_MESSAGE_POST, slot, &id, &c->err);
	return rc < 0 ? rc : id != 0;
}

/* An edit of the message in slot, unless one still waits (it is made from the record when it starts,
 * so it will say this change too), or the message is still to be posted (that will). */
static int say_edit(struct call *c, const char *slot, const char *to, const char *lane)
{
	int64_t waiting = 0;
	int rc = shows_without(c, slot);

	if (rc <= 0)
		return rc;
	rc = effect_pending(c->store, c->incident.id, EFFECT_MESSAGE_EDIT, slot, &waiting, &c->err);
	if (rc < 0 || waiting)
		return rc;
	return say_effect(c, &(struct effect_row){
		.lane = lane, .kind = EFFECT_MESSAGE_EDIT, .to = to, .slot = slot });
}

static int say_topic(struct call *c)
{
	struct reference channel;
	int64_t waiting = 0;
	int rc = reference_get(c->store, c->arena, c->incident.id, CHAT_SYSTEM, SLOT_CHANNEL, &channel, &c->err);

	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = effect_pending(c->store, c->incident.id, EFFECT_CHANNEL_TOPIC, NULL, &waiting, &c->err);
	if (rc < 0 || waiting)
		return rc;
	return say_effect(c, &(struct effect_row){
		.lane = lane_incident(c), .kind = EFFECT_CHANNEL_TOPIC, .to = TO_INCIDENT });
}

int say_refresh(struct call *c, bool announce)
{
	int rc = say_edit(c, SLOT_CARD, TO_INCIDENT, lane_incident(c));

	if (rc == 0 && announce)
		rc = say_edit(c, SLOT_ANNOUNCEMENT, TO_ANNOUNCE, lane_announce(c));
	if (rc == 0 && announce)
		rc = say_topic(c);
	return rc;
}

int say_fetch_person(struct call *c, const char *person)
{
	if (!is_chat_person(person))
		return 0;
	return say_effect(c, &(struct effect_row){
		.lane = arena_printf(c->arena, "fetch/%s", person),
		.kind = EFFECT_PERSON_FETCH,
		.to = person,
		.payload = payload_text(c, json_pack("{s:s}", "person", person)),
	});
}

int say_fetch_message(struct call *c, const char *message, const char *thread)
{
	return say_effect(c, &(struct effect_row){
		.lane = arena_printf(c->arena, "fetch/%s", message),
		.kind = EFFECT_MESSAGE_FETCH,
		.to = message,
		.payload = payload_text(c, json_pack("{s:s, s:s*, s:s}", "message", message, "thread", thread,
			"by", c->actor)),
	});
}

int say_home(struct call *c, const char *person)
{
	if (!is_chat_person(person))
		return 0;
	return say_effect(c, &(struct effect_row){
		.lane = arena_printf(c->arena, "home/%s", person),
		.kind = EFFECT_HOME_SHOW,
		.to = person,
		.payload = payload_text(c, json_pack("{s:s, s:o}", "person", person, "doc",
			view_home(c, person))),
	});
}

/* ---- files ---- */

bool say_is_own_channel(struct call *c)
{
	struct reference ref;

	return c->request->place.channel &&
	       reference_get(c->store, c->arena, c->incident.id, CHAT_SYSTEM, SLOT_CHANNEL, &ref,
		       &c->err) == 0 &&
	       ref.key && strcmp(ref.key, c->request->place.channel) == 0;
}

int say_file(struct call *c, const char *person, const char *name, const char *title,
	const char *kind, json_t *args_take)
{
	const bool here = c->has_incident;
	struct effect_row row = {
		.lane = person ? arena_printf(c->arena, "person/%s", person) : lane_incident(c),
		.kind = EFFECT_FILE_SHARE,
		.to = person ? person : c->request->place.channel,
		.payload = payload_text(c, json_pack("{s:s, s:s, s:s, s:o, s:s*}", "name", name,
			"title", title, "file", kind, "args", args_take, "person", person)),
	};
	int rc;

	/* What is about no incident is not held to one because it was asked for there. */
	c->has_incident = here && !file_kind_by_name(kind)->of_none;
	rc = say_effect(c, &row);
	c->has_incident = here;
	return rc;
}

int say_file_incident(struct call *c, const char *name, const char *title, const char *kind, json_t *args_take)
{
	return say_effect(c, &(struct effect_row){
		.lane = lane_incident(c),
		.kind = EFFECT_FILE_SHARE,
		.to = TO_INCIDENT,
		.payload = payload_text(c, json_pack("{s:s, s:s, s:s, s:o}", "name", name, "title", title, "file", kind, "args", args_take)),
	});
}

int say_file_refused(struct call *c, const struct effect_row *row, const char *error)
{
	json_t *payload JSON_CLEANUP = NULL, *args = NULL;
	const struct file_kind *kind = NULL;
	const char *title = NULL;
	json_t *doc;

	if (row->payload && json_parse(row->payload, strlen(row->payload), FILES_TEXT_MAX, &payload, NULL) == 0) {
		kind = file_kind_of(payload, &args);
		title = json_get_str(payload, "title");
	}
	doc = doc_new(arena_printf(c->arena, "%s could not be sent as a file (%s).%s%s%s",
		title ? title : "What you asked for", error,
		kind ? " The shell has it too: sitrep ctl \"" : "", kind ? kind->command(c, args) : "",
		kind ? "\"" : ""));
	if (is_chat_person(row->to) && strncmp(row->lane, "person/", 7) == 0)
		return say_person(c, row->to, doc);
	return say_channel(c, doc, NULL);
}
