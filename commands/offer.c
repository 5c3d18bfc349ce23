#include "commands/offer.h"

#include <errno.h>
#include <string.h>

#include "commands/messages.h"
#include "incident/promise.h"
#include "store/response.h"
#include "store/timers.h"

#define TIMER_EXPIRE "handover"
#define TIMER_CHAIR  "chair"
/* An answer is owed after this part of the time until it expires: the ladder counts from then, so
 * that there is time left to answer. */
#define ANSWER_PART  3

int offer_current(struct call *c, struct handover *out)
{
	return handover_offered(c->store, c->arena, c->incident.id, out, &c->err);
}

int64_t offer_expires_at(const struct call *c, const struct handover *h)
{
	return h->offered_at + c->config->handover_expires_ms;
}

int offer_make(struct call *c, struct handover *h)
{
	int rc;

	h->incident = c->incident.id;
	h->state = HANDOVER_OFFERED;
	h->offered_at = c->now;
	rc = handover_insert(c->store, h, &c->err);
	if (rc == 0)
		rc = promise_make(c, PROMISE_HANDOVER,
			c->now + c->config->handover_expires_ms / ANSWER_PART);
	if (rc < 0)
		return rc;
	return timer_arm(c->store,
		&(struct timer){
			.due_at = offer_expires_at(c, h),
			.name = TIMER_EXPIRE,
			.incident = h->incident,
			.subject = h->id,
			.operation = "handover.expire",
			.args = arena_printf(c->arena, "{\"offer\":%lld}", (long long)h->id),
		},
		&c->err);
}

int offer_end(struct call *c, struct handover *h, enum handover_state how)
{
	bool answered = how == HANDOVER_ACCEPTED || how == HANDOVER_DECLINED;
	int rc = handover_end(c->store, h->id, how, c->now, &c->err);

	h->state = how;
	h->ended_at = c->now;
	if (rc == 0)
		rc = timer_disarm(c->store, TIMER_EXPIRE, h->incident, h->id, &c->err);
	if (rc < 0)
		return rc;
	return answered ? promise_keep(c, PROMISE_HANDOVER) : promise_withdraw(c, PROMISE_HANDOVER);
}

static bool is_commander(const struct call *c, const char *person)
{
	const char *commander = role_person(&c->roles, ROLE_COMMANDER);

	return commander && strcmp(commander, person) == 0;
}

static const char *void_reason(struct call *c)
{
	const char *commander = role_person(&c->roles, ROLE_COMMANDER);

	if (!state_active(c->incident.state))
		return arena_printf(c->arena, "it is %s", state_name(c->incident.state));
	if (commander)
		return arena_printf(
			c->arena, "%s is commander now", words_name(c, commander));
	return "the commander gave the role up";
}

int offer_void(struct call *c)
{
	struct handover h;
	const char *id = words_id(c, c->incident.id);
	const char *why = void_reason(c);
	int rc = offer_current(c, &h);

	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = offer_end(c, &h, HANDOVER_WITHDRAWN);
	if (rc == 0)
		rc = record_event(c, ENTRY_RESPONSIBILITY, "handover.withdrawn",
			"handover to %s is off: %s", words_name(c, h.to), why);
	/* Whoever ended it, or became commander by another way, knows. */
	if (rc < 0 || is_commander(c, h.to) || strcmp(c->actor, h.to) == 0)
		return rc;
	return say_person(c, h.to,
		message_line(c, "You need not take command of %s any more: %s.", id, why));
}

void offer_buttons(json_t *doc, const struct handover *h)
{
	doc_button(doc, "Accept command", "accept", h->incident,
		json_pack("{s:I}", "offer", (json_int_t)h->id), "primary");
	doc_button(doc, "Not me", "decline", h->incident,
		json_pack("{s:I}", "offer", (json_int_t)h->id), NULL);
}

void offer_back_button(json_t *doc, const struct handover *h)
{
	doc_button(doc, "Take it back", "handover", h->incident,
		json_pack("{s:b}", "withdraw", 1), NULL);
}

int chair_watch(struct call *c)
{
	int64_t id = c->incident.id;

	if (!c->config->chair_max_ms || !state_active(c->incident.state) ||
		!role_person(&c->roles, ROLE_COMMANDER))
		return timer_disarm(c->store, TIMER_CHAIR, id, 0, &c->err);
	return timer_arm(c->store,
		&(struct timer){
			.due_at = c->now + c->config->chair_max_ms,
			.name = TIMER_CHAIR,
			.incident = id,
			.operation = "chair.due",
			.args = arena_printf(c->arena, "{\"since\":%lld}", (long long)c->now),
		},
		&c->err);
}
