#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "commands/call.h"
#include "commands/obligations.h"
#include "commands/offer.h"
#include "incident/promise.h"
#include "store/promises.h"
#include "store/timers.h"

#define TIMER_PROMISE "promise"

static const struct ladder *promise_ladder(const struct call *c, const struct promise *p)
{
	return &c->config->ladder[p->kind];
}

static const struct severity_policy *promise_policy(const struct call *c)
{
	return &c->config->severity.level[c->incident.severity];
}

void promise_rearm_later(struct call *c)
{
	for (size_t i = 0; i < CALL_REARM_MAX; i++) {
		if (c->rearm[i] == c->incident.id)
			return;
		if (!c->rearm[i]) {
			c->rearm[i] = c->incident.id;
			return;
		}
	}
	assert(false && "a call changed the promises of more incidents than it may");
}

/* Of a new incident only what this call has made can be there. */
static bool promise_possible(const struct call *c, int64_t incident, int kind)
{
	return !c->fresh || incident != c->incident.id || (c->promised & 1u << kind);
}

/* -ENOENT when there is none. */
static int promise_find(struct call *c, int64_t incident, int kind, struct promise *out)
{
	if (!promise_possible(c, incident, kind))
		return -ENOENT;
	return promise_open_of(c->store, incident, (enum promise_kind)kind, out, &c->err);
}

int promise_open_all(struct call *c, int64_t incident, struct promise *out, size_t *count)
{
	*count = 0;
	for (int kind = 0; kind < PROMISE_KIND_COUNT; kind++) {
		int rc = promise_find(c, incident, kind, &out[*count]);

		if (rc == 0)
			++*count;
		else if (rc != -ENOENT)
			return rc;
	}
	return 0;
}

static void earliest(const struct call *c, const struct promise *p, int64_t *at)
{
	int64_t next = ladder_first(promise_ladder(c, p), p, c->now);

	if (next && (!*at || next < *at))
		*at = next;
}

/* When the next step of any promise of the incident is due; 0 = never. */
static int next_step(struct call *c, int64_t incident, int64_t *at)
{
	struct promise open[PROMISE_KIND_COUNT];
	size_t n;
	int rc;

	*at = c->wake_at;
	if (c->fresh && incident == c->incident.id && !c->promise_ended)
		return 0;
	*at = 0;
	rc = promise_open_all(c, incident, open, &n);
	for (size_t i = 0; rc == 0 && i < n; i++)
		earliest(c, &open[i], at);
	return rc;
}

static int rearm(struct call *c, int64_t incident)
{
	struct timer t = {
		.name = TIMER_PROMISE,
		.incident = incident,
		.operation = "promise.due",
	};
	int rc = next_step(c, incident, &t.due_at);

	if (rc < 0)
		return rc;
	return t.due_at ? timer_arm(c->store, &t, &c->err) :
		timer_disarm(c->store, TIMER_PROMISE, incident, 0, &c->err);
}

int promise_timer_arm(struct call *c)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < CALL_REARM_MAX && c->rearm[i]; i++)
		rc = rearm(c, c->rearm[i]);
	return rc;
}

/* Ends the open promise of the kind. A promise whose time has passed is missed, whoever ends it. */
static int promise_end(struct call *c, int kind, enum promise_state state)
{
	struct promise p;
	int rc = promise_find(c, c->incident.id, kind, &p);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	promise_rearm_later(c);
	c->promise_ended = true;
	if (!p.missed_at && c->now > p.due_at)
		p.missed_at = p.due_at;
	p.state = state;
	if (state == PROMISE_KEPT)
		p.kept_at = c->now;
	return promise_save(c->store, &p, &c->err);
}

int promise_make(struct call *c, int kind, int64_t due_at)
{
	struct promise p = {
		.incident = c->incident.id,
		.kind = (enum promise_kind)kind,
		.state = PROMISE_OPEN,
		.made_at = c->now,
		.due_at = due_at,
	};
	int rc = promise_end(c, kind, PROMISE_WITHDRAWN);

	promise_rearm_later(c);
	c->promised |= 1u << kind;
	earliest(c, &p, &c->wake_at);
	return rc < 0 ? rc : promise_insert(c->store, &p, &c->err);
}

int promise_keep(struct call *c, int kind)
{
	return promise_end(c, kind, PROMISE_KEPT);
}

int promise_withdraw(struct call *c, int kind)
{
	return promise_end(c, kind, PROMISE_WITHDRAWN);
}

int promise_withdraw_all(struct call *c)
{
	int rc = 0;

	c->engage = true;
	for (int kind = 0; rc == 0 && kind < PROMISE_KIND_COUNT; kind++)
		rc = promise_withdraw(c, kind);
	/* What stands behind two of them ends as well: an offered handover, the time in the chair. */
	if (rc == 0)
		rc = offer_void(c);
	return rc < 0 ? rc : chair_watch(c);
}

int promise_quiet(struct call *c, int kind, int64_t until)
{
	struct promise p;
	int rc = promise_open_of(c->store, c->incident.id, (enum promise_kind)kind, &p, &c->err);

	if (rc < 0)
		return rc;
	c->promise_ended = true;
	p.quiet_until = until;
	p.said = ladder_rewind(promise_ladder(c, &p));
	promise_rearm_later(c);
	return promise_save(c->store, &p, &c->err);
}

int64_t promise_due_at(struct call *c, int kind, int64_t *quiet_until)
{
	struct promise p;
	bool open = promise_find(c, c->incident.id, kind, &p) == 0;

	if (quiet_until)
		*quiet_until = open ? p.quiet_until : 0;
	return open ? p.due_at : 0;
}

int64_t call_cadence(const struct call *c)
{
	return c->incident.cadence_ms ? c->incident.cadence_ms : promise_policy(c)->cadence_ms;
}

/* A target counts from declaration; one that is over already (reopened, severity raised late) would
 * be missed at once, and saying so helps nobody: it counts from now. */
static int promise_make_target(struct call *c, int kind, int64_t target_ms)
{
	int64_t due = c->incident.declared_at + target_ms;

	if (!target_ms)
		return promise_withdraw(c, kind);
	return promise_make(c, kind, due > c->now ? due : c->now + target_ms);
}

int promise_make_all(struct call *c, bool first)
{
	const struct severity_policy *policy = promise_policy(c);
	int64_t update = first && policy->first_update_ms && policy->first_update_ms < call_cadence(c) ?
		policy->first_update_ms : call_cadence(c);
	int rc = promise_make(c, PROMISE_UPDATE, c->now + update);

	if (rc == 0 && !c->incident.acknowledged_at)
		rc = promise_make_target(c, PROMISE_RESPOND, policy->respond_ms);
	if (rc == 0)
		rc = promise_make_target(c, PROMISE_RESOLVE, policy->resolve_ms);
	if (rc == 0 && policy->role_nag_ms)
		rc = promise_make(c, PROMISE_ROLES, c->now + policy->role_nag_ms);
	return rc < 0 ? rc : obligation_begin(c);
}
