/*
 * Somebody who was called is on it (FEATURES L1). Whoever was called may say so whatever their rights
 * are otherwise; anybody else only as a responder.
 */
#include <errno.h>
#include <string.h>

#include "commands/escalation.h"
#include "commands/messages.h"
#include "commands/verbs.h"
#include "incident/access.h"

#define RIGHT_RESPOND "incident.write"

static bool was_asked(const struct call *c, const char *tier)
{
	int i = escalation_tier(c, tier);
	const struct tier *t = i < 0 ? NULL : &c->config->escalation.tier[i];

	for (size_t k = 0; t && k < t->count; k++)
		if (strcmp(t->people[k], c->actor) == 0)
			return true;
	return false;
}

static bool responds(const struct call *c)
{
	for (size_t i = 0; i < c->roles.count; i++)
		if (strcmp(c->roles.holder[i].person, c->actor) == 0)
			return true;
	return access_allows(&c->config->access, c->actor, RIGHT_RESPOND);
}

/* ---- which tier is meant ---- */

struct waiting {
	const char *tier[TIER_MAX + 1]; /* each once */
	size_t count;
	size_t mine;                    /* how many of them the actor is in: these come first */
};

static bool among(const struct waiting *w, const char *tier)
{
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->tier[i], tier) == 0)
			return true;
	return false;
}

static void waiting_of(const struct call *c, const struct escalation *e, struct waiting *w)
{
	*w = (struct waiting){ .count = 0 };
	for (int others = 0; others < 2; others++) {
		for (size_t i = 0; i < e->count; i++) {
			const struct engagement *g = &e->engagement[i];

			if (!g->acknowledged_by && !among(w, g->tier) && w->count < TIER_MAX &&
				(others || was_asked(c, g->tier)))
				w->tier[w->count++] = g->tier;
		}
		if (!others)
			w->mine = w->count;
	}
}

static struct done ask_which(struct call *c, const struct waiting *w)
{
	const char *id = words_id(c, c->incident.id);
	struct str s;
	json_t *doc;

	str_init_arena(&s, c->arena, 1000);
	for (size_t i = 0; i < w->count; i++)
		str_addf(&s, "%s%s", i ? ", " : "", w->tier[i]);
	doc = message_line(c, "Several tiers were called to %s, and nobody is on it yet: %s. For which "
			      "one? Nothing was changed.",
		id, s.p);
	for (size_t i = 0; i < w->count; i++)
		escalation_button(c, doc, arena_printf(c->arena, "On it: %s", w->tier[i]), w->tier[i]);
	return call_refuse_doc(c, "conflict", doc);
}

/* ---- taking it on ---- */

static const struct engagement *last_of(const struct escalation *e, const char *tier)
{
	const struct engagement *last = NULL;

	for (size_t i = 0; i < e->count; i++)
		if (strcmp(e->engagement[i].tier, tier) == 0)
			last = &e->engagement[i];
	return last;
}

static struct done refuse_stranger(struct call *c, const char *tier)
{
	return call_refuse(c, "forbidden",
		"%s of %s was not asked of you, and you are none of its responders; nothing was "
		"changed. Take a role first: %s",
		tier, words_id(c, c->incident.id),
		message_usage(c, "/inc take #%lld scribe", (long long)c->incident.id));
}

/* Whoever takes it on from outside sees the channel from now on. */
static int join(struct call *c)
{
	return say_people_invite(c, &c->actor, 1);
}

static struct done take_on(struct call *c, const struct escalation *e, const char *tier)
{
	const struct engagement *asked = last_of(e, tier);
	const char *id = words_id(c, c->incident.id);
	json_t *doc;
	int rc;

	if (!was_asked(c, tier) && !responds(c))
		return refuse_stranger(c, tier);
	rc = engagement_acknowledge(c->store, c->incident.id, tier, c->actor, c->now, &c->err);
	if (rc < 0)
		return call_fail(c);
	call_touch(c);
	doc = message_line(c, "%s is on it for %s (called %s)", words_name(c, c->actor), tier,
		words_time(c, asked->at));
	json_object_set_new(doc, "quiet", json_true());
	if (record_event(c, ENTRY_RESPONSIBILITY, "incident.escalation_acknowledged",
		    "%s is on it for %s, called at %s", words_name(c, c->actor), tier,
		    message_plain_time(c, asked->at)) < 0 ||
		join(c) < 0 || say_channel(c, doc, NULL) < 0)
		return call_fail(c);
	return call_replyf(c, "You are on %s for %s; everybody there is being told.", id, tier);
}

static struct done acknowledge_named(struct call *c, const struct escalation *e, const char *named)
{
	int known = escalation_tier(c, named);
	const char *tier = known < 0 ? named : c->config->escalation.tier[known].name;
	const struct engagement *g = last_of(e, tier);
	struct waiting w;

	waiting_of(c, e, &w);
	if (among(&w, tier))
		return take_on(c, e, tier);
	if (!g)
		return call_refuse(c, "conflict",
			"“%s” was not called to %s; nothing was changed. Who was: %s", named,
			words_id(c, c->incident.id),
			message_usage(c, "/inc escalate #%lld", (long long)c->incident.id));
	return call_replyf(c, "%s is on it for %s already, since %s; nothing was changed.",
		words_name(c, g->acknowledged_by), tier, words_time(c, g->acknowledged_at));
}

static struct done acknowledge_run(struct call *c)
{
	const char *named = call_text(c, "tier");
	struct escalation e;
	struct waiting w;

	if (escalation_load(c, &e) < 0)
		return call_fail(c);
	if (named && *named)
		return acknowledge_named(c, &e, named);
	waiting_of(c, &e, &w);
	if (!w.count)
		return call_refuse(c, "conflict",
			"Nobody who was called to %s is waited for; nothing was changed.",
			words_id(c, c->incident.id));
	if (w.count > 1 && w.mine != 1)
		return ask_which(c, &w);
	return take_on(c, &e, w.tier[0]);
}

static const struct op_alias aliases[] = {
	{ "ack", NULL, NULL },
	{ "on-it", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "tier",
		.type = ARG_WORD,
		.label = "tier",
		.help = "The tier that was called; left out: yours, or the only one",
		.max_bytes = 32 },
	{ .name = NULL },
};

const struct operation op_acknowledge = {
	.name = "acknowledge",
	.aliases = aliases,
	.summary = "You were called in and are on it",
	.example = "/inc on-it coordination",
	.args = args,
	.need = NEED_INCIDENT,
	.right = "incident.read",
	.run = acknowledge_run,
};
