/*
 * The timer of an incident's promises fired: the ladder of each says what is to be said now and when to look again
 * (FEATURES E2, E3, C4, D3). Every step is said once; of several that came due while the process was
 * away only the last.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "commands/escalation.h"
#include "commands/messages.h"
#include "commands/offer.h"
#include "commands/reviewing.h"
#include "commands/say.h"
#include "incident/promise.h"
#include "store/promises.h"
#include "store/timelines.h"

#define PEOPLE_MAX (ROLE_MAX + 2)

struct people {
	const char *person[PEOPLE_MAX];
	size_t count;
};

static void people_add(struct people *p, const char *person)
{
	if (!person || p->count == PEOPLE_MAX)
		return;
	for (size_t i = 0; i < p->count; i++)
		if (!strcmp(p->person[i], person))
			return;
	p->person[p->count++] = person;
}

/* Communications lead (what the team owes itself: commander), else commander, else whoever declared:
 * somebody always owns the promise. */
static const char *promise_owner(struct call *c, enum promise_kind kind)
{
	if (kind == PROMISE_REVIEW)
		return reviewing_owner(c);
	bool inside = kind == PROMISE_CHECKPOINT || kind == PROMISE_STRATEGY;
	const char *comms = inside ? NULL : role_person(&c->roles, ROLE_COMMS);
	const char *commander = role_person(&c->roles, ROLE_COMMANDER);

	return comms ? comms : commander ? commander : c->incident.reporter;
}

/* The offer that a handover's promise is about; false when none is open. */
static bool offer_of(struct call *c, const struct promise *p, struct handover *h)
{
	return p->kind == PROMISE_HANDOVER && offer_current(c, h) == 0;
}

/* Who is called first: of a handover both, else the one who owns it. */
static struct people promise_owners(struct call *c, const struct promise *p)
{
	struct people who = { .count = 0 };
	struct handover h;

	if (offer_of(c, p, &h)) {
		people_add(&who, h.to);
		people_add(&who, h.from);
	} else {
		people_add(&who, promise_owner(c, p->kind));
	}
	return who;
}

static const char *mentions(struct call *c, const struct people *p)
{
	struct str s;

	str_init_arena(&s, c->arena, 4000);
	for (size_t i = 0; i < p->count; i++)
		str_addf(&s, "%s%s", i ? " " : "", words_mention(c, p->person[i]));
	return s.p;
}

static const char *unclaimed(struct call *c)
{
	struct str s;

	str_init_arena(&s, c->arena, 1000);
	for (size_t i = 0; i < c->config->roles.count; i++) {
		const struct role_policy *r = &c->config->roles.role[i];

		if (!role_person(&c->roles, r->key))
			str_addf(&s, "%s%s", s.len ? ", " : "", r->key);
	}
	return s.len ? s.p : "none";
}

static const char *handover_words(struct call *c, const struct promise *p)
{
	const char *id = words_id(c, p->incident);
	struct handover h;

	if (!offer_of(c, p, &h))
		return arena_printf(c->arena, "The handover of %s is not answered yet.", id);
	return arena_printf(c->arena,
		"%s offered command of %s to %s at %s; it is not answered yet, and the offer ends at %s.",
		words_name(c, h.from), id, words_name(c, h.to), words_time(c, h.offered_at),
		words_time(c, offer_expires_at(c, &h)));
}

static const char *review_words(struct call *c, const struct promise *p)
{
	const char *id = words_id(c, p->incident), *by = words_time(c, p->due_at);
	int64_t late = c->now - p->due_at;

	if (late < 0)
		return arena_printf(c->arena, "The postmortem of %s is owed until %s, and is not final yet.", id, by);
	if (late < SECOND_MS)
		return arena_printf(c->arena, "The postmortem of %s is due now (owed until %s).", id, by);
	return arena_printf(c->arena, "The postmortem of %s is %s overdue (owed until %s).", id, words_for(c, late), by);
}

/* What there is to say of the promise, without the names in front. */
static const char *promise_words(struct call *c, const struct promise *p)
{
	const char *id = words_id(c, p->incident);
	int64_t late = c->now - p->due_at;
	const char *allowed = words_for(c, p->due_at - p->made_at);

	switch (p->kind) {
	case PROMISE_UPDATE:
		if (late < 0)
			return arena_printf(c->arena, "Update on %s is promised for %s.", id,
				words_time(c, p->due_at));
		if (late < SECOND_MS)
			return arena_printf(c->arena, "Update on %s is due now (promised %s).", id,
				words_time(c, p->due_at));
		return arena_printf(c->arena, "Update on %s is %s overdue (promised %s).", id,
			words_for(c, late), words_time(c, p->due_at));
	case PROMISE_RESPOND:
		return arena_printf(c->arena,
			"Target missed: nobody has responded to %s within %s. Take command, or post an update.",
			id, allowed);
	case PROMISE_RESOLVE:
		return arena_printf(c->arena, "Target missed: %s is not resolved, the target was %s.", id,
			words_time(c, p->due_at));
	case PROMISE_ROLES:
		return arena_printf(c->arena, "Nobody has these roles on %s yet: %s.", id, unclaimed(c));
	case PROMISE_CHECKPOINT:
		return arena_printf(c->arena, "A checkpoint of %s is due: where it stands, and what is to be decided next.", id);
	case PROMISE_STRATEGY:
		return arena_printf(c->arena, "Nothing is identified on %s, and the approach has not changed for %s. Change the strategy?",
			id, allowed);
	case PROMISE_HANDOVER:
		return handover_words(c, p);
	case PROMISE_REVIEW:
		return review_words(c, p);
	}
	return id;
}

/* "I was away from 14:40 to 15:38." when the step came due in a downtime. */
static const char *away_words(struct call *c, const struct promise *p)
{
	if (!c->away_to || p->due_at > c->away_to || c->request->due_at > c->away_to)
		return "";
	return arena_printf(c->arena, " I was away from %s to %s.", words_time(c, c->away_from),
		words_time(c, c->away_to));
}

/* person: who reads it alone; NULL in the channel. */
static void add_handover_buttons(
	json_t *doc, struct call *c, const struct promise *p, const char *person)
{
	struct handover h;

	if (!offer_of(c, p, &h))
		return;
	if (!person || !strcmp(person, h.to))
		offer_buttons(doc, &h);
	if (!person || !strcmp(person, h.from))
		offer_back_button(doc, &h);
}

static void add_buttons(json_t *doc, struct call *c, const struct promise *p, const char *person)
{
	int64_t id = p->incident;

	switch (p->kind) {
	case PROMISE_UPDATE:
		doc_button(doc, "Post update", "update", id, NULL, "primary");
		doc_button(doc, "Snooze 10 min", "snooze", id, json_pack("{s:s}", "for", "10m"), NULL);
		break;
	case PROMISE_RESPOND:
		doc_button(doc, "Take command", "role", id,
			json_pack("{s:s, s:s}", "do", "take", "role", ROLE_COMMANDER), "primary");
		doc_button(doc, "Post update", "update", id, NULL, NULL);
		break;
	case PROMISE_RESOLVE:
		doc_button(doc, "Post update", "update", id, NULL, NULL);
		break;
	case PROMISE_ROLES:
		for (size_t i = 0; i < c->config->roles.count; i++) {
			const char *role = c->config->roles.role[i].key;

			if (!role_person(&c->roles, role))
				message_take_button(c, doc, role);
		}
		break;
	case PROMISE_CHECKPOINT:
		doc_button(doc, "Checkpoint", "checkpoint", id, json_pack("{s:s}", "do", "new"),
			"primary");
		break;
	case PROMISE_STRATEGY:
		message_strategy_buttons(doc, id);
		break;
	case PROMISE_HANDOVER:
		add_handover_buttons(doc, c, p, person);
		break;
	case PROMISE_REVIEW:
		reviewing_buttons(c, doc);
		break;
	}
}

static json_t *reminder_for(
	struct call *c, const struct promise *p, const char *who, const char *person)
{
	const char *text = arena_printf(c->arena, "%s%s%s%s", who, *who ? " " : "", promise_words(c, p),
		away_words(c, p));
	json_t *doc = doc_new(text);

	doc_text(doc, text);
	add_buttons(doc, c, p, person);
	return doc;
}

/* who: the names in front; "". */
static json_t *reminder_doc(struct call *c, const struct promise *p, const char *who)
{
	return reminder_for(c, p, who, NULL);
}

/* For the timeline: plain text. */
static const char *const missed_words[PROMISE_KIND_COUNT] = {
	[PROMISE_UPDATE] = "the promised status update was not posted",
	[PROMISE_RESPOND] = "nobody had responded",
	[PROMISE_RESOLVE] = "the incident was not resolved",
	[PROMISE_ROLES] = "roles were still unclaimed",
	[PROMISE_CHECKPOINT] = "no checkpoint was made",
	[PROMISE_STRATEGY] = "nothing was identified and the approach had not changed",
	[PROMISE_HANDOVER] = "the handover was not answered",
	[PROMISE_REVIEW] = "the postmortem was not final",
};

/* The reminders were not enough: the tiers are called (commands/escalation.h). */
static int engage_tier(struct call *c, const struct promise *p)
{
	int rc = escalation_overdue(c,
		&(struct engage_cause){
			.reason = ENGAGE_UPDATE_OVERDUE,
			.why = arena_printf(c->arena, "%s by %s", missed_words[p->kind],
				message_plain_time(c, p->due_at)),
			.said = arena_printf(
				c->arena, "%s%s", promise_words(c, p), away_words(c, p)),
		});

	if (rc != 0)
		return rc < 0 ? rc : 0;
	/* Nobody is left to call by name: the announcement's readers are. */
	return say_announce_thread(c, reminder_doc(c, p, ""));
}

/* Was whoever owes it called at its time already? said: steps before this one. */
static bool owner_called(const struct ladder *l, int said)
{
	for (int i = 0; i < said; i++)
		if (l->step[i].offset_ms >= 0 && (l->step[i].audience == AUDIENCE_OWNER ||
						 l->step[i].audience == AUDIENCE_OWNER_OPEN))
			return true;
	return false;
}

static int say_owners(struct call *c, const struct promise *p, const struct people *owners)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < owners->count; i++)
		rc = say_person(c, owners->person[i],
			reminder_for(c, p, "", owners->person[i]));
	return rc;
}

/*
 * Everybody with a role. When that is nobody but the owner (one person does it all), they were called
 * as the owner a step before: calling them again under another name wakes nobody new, so this step
 * stays silent, and the next one, the channel, comes at its own time, not earlier. After a downtime
 * that swallowed the owner's step they are called here, once.
 */
static int say_responders(struct call *c, const struct promise *p, struct people who)
{
	size_t owners = who.count;

	for (size_t i = 0; i < c->roles.count; i++)
		people_add(&who, c->roles.holder[i].person);
	if (who.count == owners && owner_called(&c->config->ladder[p->kind], p->said))
		return 0;
	return say_channel(c, reminder_doc(c, p, mentions(c, &who)), NULL);
}

static int say_step(struct call *c, const struct promise *p, enum audience audience)
{
	struct people owners = promise_owners(c, p);
	struct str everyone;

	switch (audience) {
	case AUDIENCE_OWNER:
		return say_owners(c, p, &owners);
	case AUDIENCE_OWNER_OPEN:
		break;
	case AUDIENCE_RESPONDERS:
		return say_responders(c, p, owners);
	case AUDIENCE_CHANNEL:
		str_init_arena(&everyone, c->arena, 16);
		mark_everyone(&everyone);
		return say_channel(c, reminder_doc(c, p, everyone.p), NULL);
	case AUDIENCE_TIER:
		/* Tiers are called for what goes on, not for what is to be written. */
		if (p->kind == PROMISE_REVIEW)
			return say_announce_thread(c, reminder_doc(c, p, mentions(c, &owners)));
		return engage_tier(c, p);
	}
	return say_channel(c, reminder_doc(c, p, mentions(c, &owners)), NULL);
}

static int record_miss(struct call *c, struct promise *p)
{
	p->missed_at = p->due_at;
	return record_event(c, ENTRY_COMMUNICATION, "promise.missed", "%s by %s", missed_words[p->kind],
		message_plain_time(c, p->due_at));
}

/* What one promise has to say now, if anything. */
static int judge(struct call *c, struct promise *p)
{
	const struct ladder *ladder = &c->config->ladder[p->kind];
	struct ladder_verdict v = ladder_judge(ladder, p, c->now);
	bool changed = v.missed || v.said != p->said;
	int rc = v.missed ? record_miss(c, p) : 0;

	if (rc == 0 && v.say >= 0)
		rc = say_step(c, p, ladder->step[v.say].audience);
	p->said = v.said;
	return rc < 0 || !changed ? rc : promise_save(c->store, p, &c->err);
}

static struct done run(struct call *c)
{
	struct promise open[PROMISE_KIND_COUNT];
	size_t n;
	int rc = promise_open_all(c, c->incident.id, open, &n);

	promise_rearm_later(c);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = judge(c, &open[i]);
	return rc < 0 ? call_fail(c) : call_nothing(c);
}

const struct operation op_promise_due = {
	.name = "promise.due",
	.summary = "A promised time has come: remind whoever owes it",
	.need = NEED_INCIDENT,
	.flags = OP_INTERNAL,
	.run = run,
};
