#include "commands/obligations.h"

#include "base/clock.h"
#include "commands/offer.h"
#include "incident/promise.h"

static const struct severity_policy *policy_of(const struct call *c)
{
	return &c->config->severity.level[c->incident.severity];
}

int obligation_acknowledge(struct call *c)
{
	if (!c->incident.acknowledged_at) {
		c->incident.acknowledged_at = c->now;
		call_touch(c);
	}
	return promise_keep(c, PROMISE_RESPOND);
}

/* The earlier of what is promised and `due`; nothing happens when the old promise stands. */
static int promise_tighten(struct call *c, enum promise_kind kind, int64_t due)
{
	int64_t old = promise_due_at(c, (int)kind, NULL);

	if (old && old <= due)
		return 0;
	return promise_make(c, (int)kind, due);
}

/*
 * A target of the level. Raised: counted from now, unless an earlier time was promised already.
 * Lowered: counted from the declaration, as if it had been this level all along; when that has
 * passed as well, the old promise stays as missed.
 */
static int promise_retarget(struct call *c, enum promise_kind kind, int64_t target, bool raised)
{
	int64_t due;

	if (!target)
		return promise_withdraw(c, (int)kind);
	if (raised)
		return promise_tighten(c, kind, c->now + target);
	due = c->incident.declared_at + target;
	if (due <= c->now && promise_due_at(c, (int)kind, NULL))
		return 0;
	return promise_make(c, (int)kind, due > c->now ? due : c->now + target);
}

/* Something that returns again and again: sooner where the new policy is stricter. */
static int promise_rearm(struct call *c, enum promise_kind kind, int64_t after)
{
	return after ? promise_tighten(c, kind, c->now + after) : promise_withdraw(c, (int)kind);
}

/* Nothing is identified yet, so the approach itself is in question. */
static int64_t strategy_after(const struct call *c)
{
	bool seeking = c->incident.state == STATE_TRIAGE ||
		       c->incident.state == STATE_INVESTIGATING;

	return seeking ? policy_of(c)->strategy_after_ms : 0;
}

static int64_t checkpoint_every(const struct call *c)
{
	return state_active(c->incident.state) ? policy_of(c)->checkpoint_every_ms : 0;
}

int obligation_begin(struct call *c)
{
	int rc = promise_rearm(c, PROMISE_CHECKPOINT, checkpoint_every(c));

	c->engage = true;
	if (rc == 0)
		rc = promise_rearm(c, PROMISE_STRATEGY, strategy_after(c));
	return rc < 0 ? rc : chair_watch(c);
}

int obligation_checkpoint(struct call *c)
{
	int64_t every = checkpoint_every(c);
	int rc = promise_keep(c, PROMISE_CHECKPOINT);

	if (rc == 0 && every)
		rc = promise_make(c, PROMISE_CHECKPOINT, c->now + every);
	return rc < 0 ? rc : obligation_strategy(c);
}

int obligation_strategy(struct call *c)
{
	int64_t after = strategy_after(c);
	int rc = promise_keep(c, PROMISE_STRATEGY);

	c->engage = true;
	return rc == 0 && after ? promise_make(c, PROMISE_STRATEGY, c->now + after) : rc;
}

int obligation_commander(struct call *c)
{
	int rc = offer_void(c);

	return rc < 0 ? rc : chair_watch(c);
}

int obligation_level(struct call *c, int old)
{
	const struct severity_policy *p = policy_of(c);
	bool raised = c->incident.severity < old;
	int64_t update = call_cadence(c);
	int rc;

	c->engage = true;
	if (!c->incident.updated_at && p->first_update_ms)
		update = p->first_update_ms;
	rc = promise_tighten(c, PROMISE_UPDATE, c->now + update);
	if (rc == 0 && !c->incident.acknowledged_at)
		rc = promise_retarget(c, PROMISE_RESPOND, p->respond_ms, raised);
	if (rc == 0)
		rc = promise_retarget(c, PROMISE_RESOLVE, p->resolve_ms, raised);
	if (rc == 0)
		rc = promise_rearm(c, PROMISE_CHECKPOINT, checkpoint_every(c));
	if (rc == 0)
		rc = promise_rearm(c, PROMISE_STRATEGY, strategy_after(c));
	if (rc == 0)
		rc = obligation_roles(c);
	return rc;
}

int obligation_cadence(struct call *c)
{
	return promise_tighten(c, PROMISE_UPDATE, c->now + call_cadence(c));
}

/* A role that the policy does not have cannot be asked for. */
static bool role_filled(const struct call *c, const char *role)
{
	return role_person(&c->roles, role) || !role_find(&c->config->roles, role);
}

int obligation_roles(struct call *c)
{
	const struct severity_policy *p = policy_of(c);

	if (!p->role_nag_ms || !state_active(c->incident.state))
		return promise_withdraw(c, PROMISE_ROLES);
	if (role_filled(c, ROLE_COMMANDER) && role_filled(c, ROLE_COMMS))
		return promise_keep(c, PROMISE_ROLES);
	if (promise_due_at(c, PROMISE_ROLES, NULL))
		return 0;
	return promise_make(c, PROMISE_ROLES, c->now + p->role_nag_ms);
}

int64_t obligation_update_limit(const struct call *c)
{
	static const int64_t limit[SEVERITY_COUNT + 1] = {
		[1] = 30 * MINUTE_MS,
		[2] = HOUR_MS,
		[3] = DAY_MS,
		[4] = DAY_MS,
	};
	int64_t cadence = call_cadence(c);
	int64_t most = limit[c->incident.severity];

	return most > cadence ? most : cadence;
}
