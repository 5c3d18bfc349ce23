#include "commands/escalation.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "commands/messages.h"
#include "store/timelines.h"
#include "store/timers.h"

#define TIMER_ESCALATION "escalation"
#define OPENED_LOOK	 500 /* entries in which a reopening is looked for */

static const struct escalation_chain *chain_of(const struct call *c)
{
	return &c->config->escalation;
}

int escalation_tier(const struct call *c, const char *name)
{
	for (size_t i = 0; name && i < chain_of(c)->count; i++)
		if (text_equal_fold(chain_of(c)->tier[i].name, name))
			return (int)i;
	return -1;
}

/* ---- what is known ---- */

/* Since when it is open: what ran before it was opened again does not count. */
static int opened_at(struct call *c, int64_t *at)
{
	struct timeline_entry *e;
	size_t n;
	int rc;

	*at = c->incident.declared_at;
	if (*at == c->now)
		return 0;
	rc = timeline_list(c->store, c->arena, c->incident.id, 0, OPENED_LOOK, &e, &n, &c->err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (e[i].kind == ENTRY_RECURRENCE && e[i].recorded_at > *at)
			*at = e[i].recorded_at;
	return rc;
}

int escalation_load(struct call *c, struct escalation *out)
{
	const struct incident *inc = &c->incident;
	struct engage_facts *f = &out->facts;
	int rc;

	*out = (struct escalation){
		.facts = {
			.severity = inc->severity,
			.active = state_active(inc->state),
			.identified = inc->state >= STATE_IDENTIFIED,
			.severity_at = inc->severity_at ? inc->severity_at : inc->declared_at,
			.said = (unsigned)inc->engage_said,
		},
	};
	rc = opened_at(c, &f->declared_at);
	if (rc == 0 && !c->fresh)
		rc = engagement_list(c->store, c->arena, inc->id, &out->engagement, &out->count,
			&c->err);
	for (size_t i = 0; rc == 0 && i < out->count; i++) {
		int tier = escalation_tier(c, out->engagement[i].tier);

		if (tier >= 0)
			f->engaged[tier] |= 1u << out->engagement[i].reason;
	}
	return rc;
}

int escalation_next(
	const struct call *c, const struct escalation *e, enum engage_reason reason, bool empty)
{
	const struct escalation_chain *chain = chain_of(c);

	for (int again = 0; again < 2; again++) {
		unsigned not_for = again ? 1u << reason : ~0u;

		for (size_t i = 0; i < chain->count; i++)
			if ((chain->tier[i].count || empty) && !(e->facts.engaged[i] & not_for))
				return (int)i;
	}
	return -1;
}

/* ---- engaging ---- */

static int engage_record(struct call *c, const struct escalation_round *r, int tier)
{
	const char *name = chain_of(c)->tier[tier].name;
	int rc = 0;

	for (int reason = 0; rc == 0 && reason < ENGAGE_REASON_COUNT; reason++) {
		bool known = r->cause && (int)r->cause->reason == reason;

		if (!(r->reasons[tier] & 1u << reason))
			continue;
		rc = engagement_insert(c->store,
			&(struct engagement){
				.incident = c->incident.id,
				.tier = name,
				.reason = (enum engage_reason)reason,
				.why = known ? r->cause->why : NULL,
				.by = known ? c->actor : PERSON_SELF,
				.at = c->now,
			},
			&c->err);
	}
	if (rc < 0)
		return rc;
	call_touch(c);
	return record_event(c, ENTRY_RESPONSIBILITY, "incident.escalated", "escalated to %s%s: %s",
		name, chain_of(c)->tier[tier].count ? "" : " (nobody is named)",
		escalation_why(c, r, tier, true));
}

static int engage(struct call *c, const struct escalation_round *r)
{
	bool any = false;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < chain_of(c)->count; i++) {
		if (!r->reasons[i])
			continue;
		any = true;
		rc = engage_record(c, r, (int)i);
	}
	return rc < 0 || !any ? rc : escalation_tell(c, r);
}

static int arm(struct call *c, int64_t at)
{
	struct timer t = {
		.due_at = at,
		.name = TIMER_ESCALATION,
		.incident = c->incident.id,
		.operation = "escalation.look",
	};

	if (!at)
		return timer_disarm(c->store, TIMER_ESCALATION, c->incident.id, 0, &c->err);
	return timer_arm(c->store, &t, &c->err);
}

/* A rule of the policy passes over a tier that names nobody (doctor tells the operator); what a person
 * has asked for does not: somebody who reads it may know whom to call. */
static bool calls_somebody(
	const struct call *c, const struct escalation_round *r, const struct engage_verdict *v)
{
	return chain_of(c)->tier[v->tier].count || (r->cause && r->cause->reason == v->reason);
}

/* Adds to the round what the rules ask for; next_ms: when to look again. */
static int64_t judge(const struct call *c, struct escalation *e, struct escalation_round *r)
{
	struct engage_verdict v;

	for (size_t i = 0; i < TIER_MAX; i++)
		r->before[i] = e->facts.engaged[i] != 0;
	for (;;) {
		v = engage_judge(chain_of(c), &e->facts, c->now);
		if (v.tier < 0)
			return v.next_ms;
		e->facts.engaged[v.tier] |= 1u << v.reason;
		if (calls_somebody(c, r, &v))
			r->reasons[v.tier] |= 1u << v.reason;
	}
}

static int look(struct call *c, struct escalation_round *r)
{
	struct escalation e;
	int64_t next;
	int rc;

	c->engage = false;
	if (!state_active(c->incident.state))
		return arm(c, 0);
	rc = escalation_load(c, &e);
	if (rc < 0)
		return rc;
	next = judge(c, &e, r);
	rc = engage(c, r);
	return rc < 0 ? rc : arm(c, next);
}

int escalation_look(struct call *c)
{
	return look(c, &(struct escalation_round){ .cause = NULL });
}

int escalation_reason(struct call *c, const struct engage_cause *cause, unsigned *engaged)
{
	struct escalation_round r = { .cause = cause };
	int rc;

	if (!(c->incident.engage_said & 1 << cause->reason)) {
		c->incident.engage_said |= 1 << cause->reason;
		call_touch(c);
	}
	rc = look(c, &r);
	*engaged = 0;
	for (size_t i = 0; i < TIER_MAX; i++)
		if (r.reasons[i] & 1u << cause->reason)
			*engaged |= 1u << i;
	return rc;
}

int escalation_engage(struct call *c, int tier, const struct engage_cause *cause)
{
	struct escalation_round r = { .cause = cause };
	struct escalation e;
	int rc = escalation_load(c, &e);

	if (rc < 0 || e.facts.engaged[tier] & 1u << cause->reason)
		return rc;
	r.reasons[tier] = 1u << cause->reason;
	return engage(c, &r);
}

int escalation_overdue(struct call *c, const struct engage_cause *cause)
{
	struct escalation e;
	unsigned engaged;
	int tier;
	int rc = escalation_reason(c, cause, &engaged);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < chain_of(c)->count; i++)
		if (engaged & 1u << i && chain_of(c)->tier[i].count)
			return 1;
	rc = escalation_load(c, &e);
	if (rc < 0)
		return rc;
	tier = escalation_next(c, &e, cause->reason, false);
	if (tier < 0)
		return 0;
	rc = escalation_engage(c, tier, cause);
	return rc < 0 ? rc : 1;
}

/* ---- for the card ---- */

/* Has an earlier one of the list this tier? */
static bool listed(const struct engagement *list, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(list[k].tier, list[i].tier) == 0)
			return true;
	return false;
}

/* Who has taken it on last; NULL. */
static const char *on_it(const struct engagement *list, size_t n, const char *tier)
{
	const char *person = NULL;

	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].tier, tier) == 0 && list[i].acknowledged_by)
			person = list[i].acknowledged_by;
	return person;
}

/* One field: who is on it, and what still waits for somebody while there is something to do. */
const char *escalation_summary(struct call *c)
{
	struct engagement *list;
	struct str s, open;
	size_t n;

	if (engagement_list(c->store, c->arena, c->incident.id, &list, &n, &c->err) < 0 || !n)
		return NULL;
	str_init_arena(&s, c->arena, 4000);
	str_init_arena(&open, c->arena, 4000);
	for (size_t i = 0; i < n; i++) {
		const char *person = on_it(list, n, list[i].tier);

		if (listed(list, i))
			continue;
		if (person)
			str_addf(&s, "%s%s: %s", s.len ? "; " : "", list[i].tier,
				words_name(c, person));
		else
			str_addf(&open, "%s%s", open.len ? ", " : "", list[i].tier);
	}
	if (open.len && state_active(c->incident.state))
		str_addf(&s, "%sno answer yet: %s", s.len ? "\n" : "", open.p);
	return s.len ? s.p : NULL;
}
