#include "incident/promise.h"


static const char *const kind_names[PROMISE_KIND_COUNT] = {
	[PROMISE_UPDATE] = "update",
	[PROMISE_RESPOND] = "respond",
	[PROMISE_RESOLVE] = "resolve",
	[PROMISE_ROLES] = "roles",
	[PROMISE_CHECKPOINT] = "checkpoint",
	[PROMISE_STRATEGY] = "strategy",
	[PROMISE_HANDOVER] = "handover",
	[PROMISE_REVIEW] = "review",
};

static const char *const state_names[] = {
	[PROMISE_OPEN] = "open",
	[PROMISE_KEPT] = "kept",
	[PROMISE_WITHDRAWN] = "withdrawn",
};

static const char *const audience_names[AUDIENCE_COUNT] = {
	[AUDIENCE_OWNER] = "owner",
	[AUDIENCE_OWNER_OPEN] = "owner_open",
	[AUDIENCE_RESPONDERS] = "responders",
	[AUDIENCE_CHANNEL] = "channel",
	[AUDIENCE_TIER] = "tier",
};

#define PROMISE_STATE_COUNT (sizeof(state_names) / sizeof(*state_names))

/* When a step is to be said. Quiet means quiet: nothing is said before quiet_until, and when that
 * is after the due time the whole ladder counts from it. */
static int64_t ladder_time(const struct ladder *l, const struct promise *p, size_t i)
{
	int64_t base = p->quiet_until > p->due_at ? p->quiet_until : p->due_at;
	int64_t at = base + l->step[i].offset_ms;

	return at < p->quiet_until ? p->quiet_until : at;
}

/* A heads-up makes no sense once the time has come, nor when the promise was made at its very time
 * or later ("in 3m" with a heads-up of 5 min). */
static bool ladder_pointless(const struct ladder *l, const struct promise *p, size_t i, int64_t now)
{
	int64_t at = ladder_time(l, p, i);

	return l->step[i].offset_ms < 0 &&
		(now >= p->due_at || at >= p->due_at || at <= p->made_at);
}

static size_t ladder_said(const struct ladder *l, const struct promise *p)
{
	size_t said = p->said < 0 ? 0 : (size_t)p->said;

	return said < l->count ? said : l->count;
}

static int64_t ladder_next(
	const struct ladder *l, const struct promise *p, size_t said, bool missed, int64_t now)
{
	int64_t next = missed ? 0 : p->due_at;

	while (said < l->count && ladder_pointless(l, p, said, now))
		said++;
	if (said < l->count) {
		int64_t at = ladder_time(l, p, said);

		if (!next || at < next)
			next = at;
	}
	return next;
}

struct ladder_verdict ladder_judge(const struct ladder *l, const struct promise *p, int64_t now)
{
	struct ladder_verdict v = { .say = -1, .said = p->said };
	size_t said = ladder_said(l, p);

	if (p->state != PROMISE_OPEN)
		return v;
	for (; said < l->count; said++) {
		if (ladder_pointless(l, p, said, now))
			continue;
		if (ladder_time(l, p, said) > now)
			break;
		v.say = (int)said;
	}
	v.said = (int)said;
	v.missed = !p->missed_at && now >= p->due_at;
	v.next_ms = ladder_next(l, p, said, v.missed || p->missed_at, now);
	return v;
}

int64_t ladder_first(const struct ladder *l, const struct promise *p, int64_t now)
{
	if (p->state != PROMISE_OPEN)
		return 0;
	return ladder_next(l, p, ladder_said(l, p), p->missed_at != 0, now);
}

int ladder_rewind(const struct ladder *l)
{
	int i = 0;

	while ((size_t)i < l->count && l->step[i].offset_ms < 0)
		i++;
	return i;
}

const char *promise_kind_name(enum promise_kind k)
{
	return (unsigned)k < PROMISE_KIND_COUNT ? kind_names[k] : "unknown";
}

const char *promise_state_name(enum promise_state s)
{
	return (unsigned)s < PROMISE_STATE_COUNT ? state_names[s] : "unknown";
}

const char *audience_name(enum audience a)
{
	return (unsigned)a < AUDIENCE_COUNT ? audience_names[a] : "unknown";
}
