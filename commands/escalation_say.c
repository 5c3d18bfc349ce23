/*
 * What people are told when tiers are called in: each person once, whatever many tiers they are in;
 * the channel by name; and where a tier names nobody, those who read the announcement, so that one of
 * them can call who is meant.
 */
#include <string.h>

#include "commands/escalation.h"
#include "commands/messages.h"

#define PEOPLE_MAX (TIER_MAX * TIER_PEOPLE_MAX)

const char *escalation_why(struct call *c, const struct escalation_round *r, int tier, bool plain)
{
	struct str s;

	str_init_arena(&s, c->arena, 8000);
	for (int reason = 0; reason < ENGAGE_REASON_COUNT; reason++) {
		const struct engage_cause *k = r->cause;
		const char *words = NULL;

		if (!(r->reasons[tier] & 1u << reason))
			continue;
		if (k && (int)k->reason == reason)
			words = plain || !k->said ? k->why : k->said;
		if (s.len)
			str_add(&s, "; ");
		/* What reminders have to say, and what somebody asks for, says it all. */
		if (words && (reason == ENGAGE_UPDATE_OVERDUE || reason == ENGAGE_ASKED))
			str_add(&s, words);
		else
			str_addf(&s, "%s%s", engage_reason_words((enum engage_reason)reason),
				message_because(c, words));
	}
	return s.p;
}

void escalation_button(struct call *c, json_t *doc, const char *label, const char *tier)
{
	doc_button(doc, label, "acknowledge", c->incident.id, json_pack("{s:s}", "tier", tier),
		"primary");
}

static const struct tier *tier_at(const struct call *c, size_t i)
{
	return &c->config->escalation.tier[i];
}

static bool overdue(const struct escalation_round *r, size_t tier)
{
	return r->reasons[tier] & 1u << ENGAGE_UPDATE_OVERDUE;
}

static void update_button(struct call *c, json_t *doc)
{
	doc_button(doc, "Post update", "update", c->incident.id, NULL, NULL);
}

static bool in_tier(const struct tier *t, const char *person)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->people[i], person) == 0)
			return true;
	return false;
}

static bool calls(const struct call *c, const struct escalation_round *r, size_t tier)
{
	return tier < c->config->escalation.count && r->reasons[tier] && tier_at(c, tier)->count;
}

/* ---- to each person ---- */

static const char *subject(struct call *c)
{
	const char *channel = message_channel_mark(c);

	return arena_printf(c->arena, "%s %s %s%s%s", words_id(c, c->incident.id),
		words_severity(c, c->incident.severity), message_short(c, c->incident.title, 140),
		channel ? " · " : "", channel ? channel : "");
}

static json_t *person_doc(struct call *c, const struct escalation_round *r, const char *person)
{
	struct str names, why;
	json_t *doc;
	bool update = false;
	size_t n = 0;

	str_init_arena(&names, c->arena, 1000);
	str_init_arena(&why, c->arena, 20000);
	for (size_t i = 0; i < TIER_MAX; i++) {
		if (!calls(c, r, i) || !in_tier(tier_at(c, i), person))
			continue;
		const char *words = escalation_why(c, r, (int)i, false);

		str_addf(&names, "%s%s", n ? ", " : "", tier_at(c, i)->name);
		if (!n++)
			str_add(&why, words);
		else if (!strstr(why.p, words))
			str_addf(&why, "; %s", words);
		update = update || overdue(r, i);
	}
	doc = message_line(
		c, "You are called to %s as %s: %s", subject(c), names.p, why.p);
	for (size_t i = 0; i < TIER_MAX; i++)
		if (calls(c, r, i) && in_tier(tier_at(c, i), person))
			escalation_button(c, doc,
				n == 1 ? "On it"
				       : arena_printf(c->arena, "On it: %s", tier_at(c, i)->name),
				tier_at(c, i)->name);
	if (update)
		update_button(c, doc);
	if (r->cause && strcmp(c->actor, PERSON_SELF) != 0)
		doc_context(doc, arena_printf(c->arena, "Asked for by %s", words_name(c, c->actor)));
	return doc;
}

static size_t people_of(
	const struct call *c, const struct escalation_round *r, const char *people[PEOPLE_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < TIER_MAX; i++)
		for (size_t k = 0; calls(c, r, i) && k < tier_at(c, i)->count; k++) {
			bool known = false;

			for (size_t m = 0; m < n; m++)
				known = known || !strcmp(people[m], tier_at(c, i)->people[k]);
			if (!known)
				people[n++] = tier_at(c, i)->people[k];
		}
	return n;
}

static int tell_people(struct call *c, const struct escalation_round *r)
{
	const char *people[PEOPLE_MAX];
	size_t n = people_of(c, r, people);
	int rc = say_people_invite(c, people, n);

	for (size_t i = 0; rc == 0 && i < n; i++)
		if (strcmp(people[i], c->actor) != 0)
			rc = say_person(c, people[i], person_doc(c, r, people[i]));
	return rc;
}

/* ---- to the channel ---- */

static json_t *channel_doc(struct call *c, const struct escalation_round *r, size_t tier)
{
	const struct tier *t = tier_at(c, tier);
	struct str who;
	json_t *doc;

	str_init_arena(&who, c->arena, 4000);
	for (size_t i = 0; i < t->count; i++)
		str_addf(&who, "%s%s", i ? " " : "", words_mention(c, t->people[i]));
	doc = message_line(c, "Escalated to %s: %s — %s", t->name, who.p,
		escalation_why(c, r, (int)tier, false));
	escalation_button(c, doc, "On it", t->name);
	if (overdue(r, tier))
		update_button(c, doc);
	return doc;
}

/* ---- where nobody is named ---- */

/* Rules say it of a tier once; when somebody asks for it, or reminders come to it, it is said again. */
static bool calls_nobody(const struct call *c, const struct escalation_round *r, size_t tier)
{
	return tier < c->config->escalation.count && r->reasons[tier] && !tier_at(c, tier)->count &&
	       (r->cause || !r->before[tier]);
}

/* All of them in one line. */
static json_t *nobody_doc(struct call *c, const struct escalation_round *r)
{
	struct str s;
	size_t n = 0;
	json_t *doc;

	str_init_arena(&s, c->arena, 8000);
	for (size_t i = 0; i < TIER_MAX; i++)
		if (calls_nobody(c, r, i))
			str_addf(&s, "%s%s (%s)", n++ ? ", " : "", tier_at(c, i)->name,
				escalation_why(c, r, (int)i, false));
	if (!n)
		return NULL;
	doc = message_line(c,
		"%s needs %s. Nobody is named for %s, so whoever knows who is meant: please call "
		"them.",
		words_id(c, c->incident.id), s.p, n == 1 ? "it" : "these");
	for (size_t i = 0; i < TIER_MAX; i++)
		if (calls_nobody(c, r, i))
			escalation_button(c, doc,
				n == 1 ? "On it"
				       : arena_printf(c->arena, "On it: %s", tier_at(c, i)->name),
				tier_at(c, i)->name);
	return doc;
}

static int tell_nobody(struct call *c, const struct escalation_round *r)
{
	json_t *doc = nobody_doc(c, r);

	if (!doc)
		return 0;
	/* A protected incident has no announcement, and without a channel for them none has. */
	if (c->incident.is_private || !c->config->slack.announce_channel)
		return say_channel(c, doc, NULL);
	return say_announce_thread(c, doc);
}

int escalation_tell(struct call *c, const struct escalation_round *r)
{
	int rc = tell_people(c, r);

	for (size_t i = 0; rc == 0 && i < TIER_MAX; i++)
		if (calls(c, r, i))
			rc = say_channel(c, channel_doc(c, r, i), NULL);
	return rc < 0 ? rc : tell_nobody(c, r);
}
