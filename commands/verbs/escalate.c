/*
 * More people are needed (FEATURES L1): by a reason, which the rules of the tiers know; by a tier's
 * name; or by plain words: then it is the next tier. Without a word: who was called, why, who is on
 * it, and what will call the next.
 */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "commands/escalation.h"
#include "commands/messages.h"
#include "commands/verbs.h"

static const struct escalation_chain *chain_of(const struct call *c)
{
	return &c->config->escalation;
}

/* ---- looking ---- */

static bool gate(const struct tier_rule *r, const struct engage_facts *f)
{
	return !r->severity || f->severity <= r->severity;
}

/* " at SEV2 or worse": only while the level is not there. */
static const char *at_level(struct call *c, const struct tier_rule *r, const struct engage_facts *f)
{
	if (gate(r, f))
		return "";
	return arena_printf(c->arena, " at %s%s", words_severity(c, r->severity),
		r->severity == SEVERITY_WORST ? "" : " or worse");
}

static bool said_by_people(enum engage_reason r)
{
	return r >= ENGAGE_CROSS_TEAM && r <= ENGAGE_DECISION;
}

/* What time, level or reminders will bring; NULL when it has come, or cannot any more. */
static const char *rule_words(struct call *c, const struct tier_rule *r, const struct engage_facts *f)
{
	int64_t from = r->reason == ENGAGE_SEVERITY ? f->severity_at : f->declared_at;
	const char *level = at_level(c, r, f);
	const char *when = gate(r, f) ?
		arena_printf(c->arena, "at %s", words_time(c, from + r->after_ms)) :
		arena_printf(c->arena, "after %s%s", words_for(c, r->after_ms), level);

	if (r->reason == ENGAGE_SEVERITY)
		return gate(r, f) || r->after_ms ? when : level + 1;
	if (r->reason == ENGAGE_OPEN_LONG)
		return arena_printf(c->arena, "%s, if it is still open", when);
	if (r->reason == ENGAGE_NOT_IDENTIFIED && !f->identified)
		return arena_printf(c->arena, "%s, if nothing is identified", when);
	if (r->reason == ENGAGE_UPDATE_OVERDUE)
		return "when reminders of an update are not answered";
	return NULL;
}

/* Another rule of the tier says the same for the level as it is. */
static bool covered(const struct tier *t, size_t rule, const struct engage_facts *f)
{
	if (gate(&t->rule[rule], f))
		return false;
	for (size_t i = 0; i < t->rule_count; i++)
		if (t->rule[i].reason == t->rule[rule].reason && gate(&t->rule[i], f))
			return true;
	return false;
}

static void add_rules(struct call *c, struct str *s, const struct escalation *e, size_t tier)
{
	const struct tier *t = &chain_of(c)->tier[tier];
	const struct engage_facts *f = &e->facts;
	size_t n = 0, reasons = 0;

	for (size_t i = 0; i < t->rule_count; i++) {
		const struct tier_rule *r = &t->rule[i];
		const char *words = NULL;

		if (!(f->engaged[tier] & 1u << r->reason) && !covered(t, i, f))
			words = rule_words(c, r, f);
		if (words)
			str_addf(s, "%s%s", n++ ? "; " : " · will be called ", words);
	}
	for (size_t i = 0; i < t->rule_count; i++) {
		const struct tier_rule *r = &t->rule[i];

		if (!said_by_people(r->reason) || f->engaged[tier] & 1u << r->reason)
			continue;
		str_addf(s, "%s%s%s",
			reasons ? ", " :
			n	? "; when somebody says " :
				  " · will be called when somebody says ",
			engage_reason_name(r->reason), at_level(c, r, f));
		reasons++;
	}
	if (!n && !reasons && !f->engaged[tier])
		str_add(s, " · is called only by name, or by reminders");
}

static void add_engagements(struct call *c, struct str *s, const struct escalation *e, const char *tier)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct engagement *g = &e->engagement[i];

		if (strcmp(g->tier, tier) != 0)
			continue;
		str_addf(s, " · called %s: %s%s", words_time(c, g->at),
			engage_reason_words(g->reason), message_because(c, g->why));
		if (strcmp(g->by, PERSON_SELF) != 0)
			str_addf(s, " (by %s)", words_name(c, g->by));
		if (g->acknowledged_by)
			str_addf(s, ", on it: %s since %s", words_name(c, g->acknowledged_by),
				words_time(c, g->acknowledged_at));
		else
			str_add(s, ", nobody is on it yet");
	}
}

static const char *tier_words(struct call *c, const struct escalation *e, size_t tier)
{
	const struct tier *t = &chain_of(c)->tier[tier];
	struct str s;

	str_init_arena(&s, c->arena, 20000);
	mark_bold(&s, t->name);
	for (size_t i = 0; i < t->count; i++)
		str_addf(&s, " %s", words_name(c, t->people[i]));
	if (!t->count)
		str_add(&s, " (nobody is named)");
	add_engagements(c, &s, e, t->name);
	if (e->facts.active)
		add_rules(c, &s, e, tier);
	return s.p;
}

/* Tiers that the policy does not have any more stay on record. */
static void add_gone(struct call *c, json_t *doc, const struct escalation *e)
{
	for (size_t i = 0; i < e->count; i++) {
		struct str s;
		bool before = false;

		for (size_t k = 0; k < i; k++)
			before = before || !strcmp(e->engagement[k].tier, e->engagement[i].tier);
		if (before || escalation_tier(c, e->engagement[i].tier) >= 0)
			continue;
		str_init_arena(&s, c->arena, 20000);
		mark_bold(&s, e->engagement[i].tier);
		str_add(&s, " (no tier any more)");
		add_engagements(c, &s, e, e->engagement[i].tier);
		doc_list_item(doc, s.p);
	}
}

static struct done escalate_show(struct call *c, const struct escalation *e)
{
	json_t *doc = message_line(c, e->count ? "Who was called to %s, and what calls the next:" :
						 "Nobody was called to %s yet. What calls them:",
		words_id(c, c->incident.id));

	for (size_t i = 0; i < chain_of(c)->count; i++)
		doc_list_item(doc, tier_words(c, e, i));
	add_gone(c, doc, e);
	for (size_t i = 0; e->facts.active && i < chain_of(c)->count; i++)
		if (!e->facts.engaged[i])
			doc_button(doc,
				arena_printf(c->arena, "Call %s", chain_of(c)->tier[i].name),
				"escalate", c->incident.id,
				json_pack("{s:s}", "tier", chain_of(c)->tier[i].name), NULL);
	return call_reply(c, doc);
}

/* ---- asking ---- */

struct asked {
	bool has_reason;
	enum engage_reason reason;
	int tier;        /* -1: not named */
	const char *why; /* "": not said */
};

/* "coordination cost …": a tier, then a reason, may begin the words. */
static void read_words(const struct call *c, struct asked *a)
{
	for (;;) {
		size_t n = strcspn(a->why, " \t\n");
		size_t len = n && strchr(":,;", a->why[n - 1]) ? n - 1 : n;
		const char *word = arena_strndup(c->arena, a->why, len);
		enum engage_reason reason;
		int tier = escalation_tier(c, word);

		if (tier >= 0 && a->tier < 0) {
			a->tier = tier;
		} else if (!a->has_reason && engage_reason_parse(word, &reason) &&
			   said_by_people(reason)) {
			a->has_reason = true;
			a->reason = reason;
		} else {
			return;
		}
		a->why += n;
		a->why += strspn(a->why, " \t\n");
	}
}

static bool asked_read(struct call *c, struct asked *a)
{
	const char *tier = call_text(c, "tier");

	*a = (struct asked){ .tier = -1, .why = call_text(c, "why") };
	if (!a->why)
		a->why = "";
	if (call_given(c, "reason"))
		a->has_reason = engage_reason_parse(call_text(c, "reason"), &a->reason);
	if (tier && *tier) {
		a->tier = escalation_tier(c, tier);
		if (a->tier < 0)
			return false;
	}
	read_words(c, a);
	return true;
}

static const char *tier_names(struct call *c)
{
	struct str s;

	str_init_arena(&s, c->arena, 1000);
	for (size_t i = 0; i < chain_of(c)->count; i++)
		str_addf(&s, "%s%s", i ? ", " : "", chain_of(c)->tier[i].name);
	return s.p;
}

static const struct engagement *engagement_of(
	const struct escalation *e, const char *tier, enum engage_reason reason)
{
	for (size_t i = 0; i < e->count; i++)
		if (!strcmp(e->engagement[i].tier, tier) && e->engagement[i].reason == reason)
			return &e->engagement[i];
	return NULL;
}

/* Nothing is said twice; who is on it, or who could be called next, helps more. */
static struct done answer_again(struct call *c, const struct escalation *e, int tier,
	enum engage_reason reason)
{
	const char *name = chain_of(c)->tier[tier].name;
	const struct engagement *g = engagement_of(e, name, reason);
	int next = escalation_next(c, e, ENGAGE_ASKED, true);
	json_t *doc;

	assert(g); /* its being there is why nothing is said again */
	doc = message_line(c, "%s was called for this already, %s by %s; %s. Nobody was called again.",
		name, words_time(c, g->at), words_name(c, g->by),
		g->acknowledged_by ? arena_printf(c->arena, "%s is on it",
					     words_name(c, g->acknowledged_by))
				   : "nobody is on it yet");

	if (next >= 0 && next != tier)
		doc_button(doc, arena_printf(c->arena, "Call %s", chain_of(c)->tier[next].name),
			"escalate", c->incident.id,
			json_pack("{s:s}", "tier", chain_of(c)->tier[next].name), NULL);
	return call_reply(c, doc);
}

static const char *people_words(struct call *c, int tier)
{
	const struct tier *t = &chain_of(c)->tier[tier];
	struct str s;

	if (!t->count)
		return "nobody is named for it, so whoever knows who is meant was asked to call them";
	str_init_arena(&s, c->arena, 4000);
	for (size_t i = 0; i < t->count; i++)
		str_addf(&s, "%s%s", i ? ", " : "", words_name(c, t->people[i]));
	return s.p;
}

static struct done answer_called(struct call *c, unsigned tiers)
{
	struct str s;

	str_init_arena(&s, c->arena, 8000);
	for (size_t i = 0; i < chain_of(c)->count; i++)
		if (tiers & 1u << i)
			str_addf(&s, "%s%s was called to %s: %s", s.len ? "\n" : "",
				chain_of(c)->tier[i].name, words_id(c, c->incident.id),
				people_words(c, (int)i));
	return call_replyf(c, "%s", s.p);
}

/* The reason is on record, and no rule calls anybody for it now. */
static struct done answer_no_rule(struct call *c, const struct asked *a)
{
	json_t *doc = message_line(c,
		"Recorded that %s; no rule calls anybody for that %s. Call a tier by name: %s",
		engage_reason_words(a->reason), c->incident.severity > 1 ? "at this level" : "now",
		message_usage(c, "/inc escalate #%lld %s %s why", (long long)c->incident.id,
			chain_of(c)->tier[0].name, engage_reason_name(a->reason)));

	for (size_t i = 0; i < chain_of(c)->count; i++)
		doc_button(doc, arena_printf(c->arena, "Call %s", chain_of(c)->tier[i].name),
			"escalate", c->incident.id,
			json_pack("{s:s, s:s}", "tier", chain_of(c)->tier[i].name, "reason",
				engage_reason_name(a->reason)),
			NULL);
	return call_reply(c, doc);
}

/* A reason that people say: kept, and the rules are asked. */
static struct done escalate_reason(struct call *c, const struct asked *a, struct escalation *e)
{
	struct engage_cause cause = { .reason = a->reason, .why = *a->why ? a->why : NULL };
	bool known = e->facts.said & 1u << a->reason;
	unsigned called = 0;

	if (!known && record_event(c, ENTRY_RESPONSIBILITY, "incident.escalation_asked", "%s%s",
			      engage_reason_words(a->reason), message_because(c, a->why)) < 0)
		return call_fail(c);
	if (a->tier >= 0) {
		if (e->facts.engaged[a->tier] & 1u << a->reason)
			return answer_again(c, e, a->tier, a->reason);
		if (escalation_engage(c, a->tier, &cause) < 0)
			return call_fail(c);
	}
	if (escalation_reason(c, &cause, &called) < 0)
		return call_fail(c);
	if (a->tier >= 0)
		called |= 1u << a->tier;
	if (called)
		return answer_called(c, called);
	for (size_t i = 0; i < chain_of(c)->count; i++)
		if (e->facts.engaged[i] & 1u << a->reason)
			return answer_again(c, e, (int)i, a->reason);
	return answer_no_rule(c, a);
}

static struct done escalate_by_name(struct call *c, const struct asked *a, const struct escalation *e)
{
	int tier = a->tier;

	if (tier < 0)
		tier = escalation_next(c, e, ENGAGE_ASKED, false);
	if (tier < 0)
		tier = escalation_next(c, e, ENGAGE_ASKED, true);
	if (tier < 0)
		return call_refuse(c, "conflict",
			"Every tier was called to %s already; nobody was called again. Who is on it: "
			"%s",
			words_id(c, c->incident.id),
			message_usage(c, "/inc escalate #%lld", (long long)c->incident.id));
	if (e->facts.engaged[tier] & 1u << ENGAGE_ASKED)
		return answer_again(c, e, tier, ENGAGE_ASKED);
	if (escalation_engage(
		    c, tier, &(struct engage_cause){ .reason = ENGAGE_ASKED, .why = a->why }) < 0)
		return call_fail(c);
	return answer_called(c, 1u << tier);
}

static struct done refuse_why(struct call *c, int tier)
{
	if (message_may_ask(c))
		return message_form(c, "Say what they are needed for; it is what they read first.");
	return call_refuse_arg(c, "why", "%s was not called: say what they are needed for, as in %s",
		chain_of(c)->tier[tier].name,
		message_usage(c, "/inc escalate #%lld %s the vendor does not answer",
			(long long)c->incident.id, chain_of(c)->tier[tier].name));
}

static struct done refuse_ended(struct call *c)
{
	return call_refuse(c, "conflict", "%s is %s; nobody was called. Reopen it first: %s",
		words_id(c, c->incident.id), state_name(c->incident.state),
		message_usage(c, "/inc reopen #%lld why", (long long)c->incident.id));
}

static struct done escalate_run(struct call *c)
{
	struct escalation e;
	struct asked a;

	if (escalation_load(c, &e) < 0)
		return call_fail(c);
	if (!asked_read(c, &a))
		return call_refuse_arg(c, "tier", "There is no tier “%s”; nobody was called. There are: %s.",
			call_text(c, "tier"), tier_names(c));
	if (!a.has_reason && a.tier < 0 && !*a.why)
		return escalate_show(c, &e);
	if (!e.facts.active)
		return refuse_ended(c);
	if (!chain_of(c)->count)
		return call_refuse(c, "policy",
			"Nobody was called: the policy names no tier (escalation.yml).");
	if (a.has_reason)
		return escalate_reason(c, &a, &e);
	if (!*a.why)
		return refuse_why(c, a.tier);
	return escalate_by_name(c, &a, &e);
}

static const char *const reasons[] = {
	"cross-team",
	"needs-change",
	"customer-data",
	"cost",
	"decision",
	NULL,
};

static const struct op_alias aliases[] = {
	{ "escalation", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "reason",
		.type = ARG_CHOICE,
		.flags = ARG_LEADING,
		.label = "reason",
		.help = "The rules of the tiers say who is called for it",
		.choices = reasons },
	{ .name = "tier",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "tier",
		.help = "Whom to call; its name may also begin the words. Left out: by the rules, or "
			"the next tier",
		.max_bytes = 32 },
	{ .name = "why",
		.type = ARG_REST,
		.flags = ARG_LONG,
		.label = "why",
		.help = "What they are needed for" },
	{ .name = NULL },
};

const struct operation op_escalate = {
	.name = "escalate",
	.aliases = aliases,
	.summary = "Call in a tier, by a reason or by name; without words: who was called, and why",
	.example = "/inc escalate cross-team the payment gateway is theirs",
	.args = args,
	.need = NEED_INCIDENT,
	.right = "incident.write",
	.run = escalate_run,
};
