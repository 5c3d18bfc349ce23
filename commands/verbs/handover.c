/*
 * Handover of the commander (FEATURES D5): offered with a packet that is fresh, done when the
 * incoming person accepts. Until then nothing changes.
 *
 * The happy path is: the commander names somebody → a packet younger than the policy asks is there,
 * or comes with the line or the form → posted in the channel and sent to them → they accept
 * (verbs/accept.c). Otherwise they decline, it is taken back, replaced by another offer, made
 * pointless by a change of commander or the end of the incident, or it expires.
 */
#include <errno.h>
#include <string.h>

#include "commands/messages.h"
#include "commands/offer.h"
#include "commands/packet.h"
#include "commands/verbs.h"
#include "incident/access.h"
#include "store/response.h"

#define RIGHT_ANY    "incident.admin" /* may offer what somebody else holds */
#define POSTED_BYTES 400              /* of a section; the whole is shown by /inc checkpoint */

static const char *commander_of(const struct call *c)
{
	return role_person(&c->roles, ROLE_COMMANDER);
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static bool may_offer(const struct call *c)
{
	return same(commander_of(c), c->actor) ||
		access_allows(&c->config->access, c->actor, RIGHT_ANY);
}

/* ---- who may offer to whom ---- */

static struct done refuse_no_commander(struct call *c)
{
	json_t *doc = message_line(c,
		"Nothing was offered: nobody is commander of %s, so there is nothing to hand over. "
		"Take command, or assign it: %s",
		words_id(c, c->incident.id),
		message_usage(c, "/inc ic #%lld @carol", (long long)c->incident.id));

	message_take_button(c, doc, ROLE_COMMANDER);
	return call_refuse_doc(c, "conflict", doc);
}

/* True: the refusal is set, in *out. */
static bool refuse_offer(struct call *c, const char *to, struct done *out)
{
	const char *id = words_id(c, c->incident.id);
	const char *commander = commander_of(c);

	if (!commander)
		*out = refuse_no_commander(c);
	else if (!may_offer(c))
		*out = call_refuse(c, "conflict",
			"Nothing was offered: only the commander hands over, and that is %s. If "
			"they cannot, command can be assigned: %s",
			words_name(c, commander),
			message_usage(c, "/inc ic #%lld @carol", (long long)c->incident.id));
	else if (!to)
		*out = call_refuse_arg(c, "person", "Nothing was offered: to whom? As in %s",
			message_usage(c, "/inc handover #%lld @carol", (long long)c->incident.id));
	else if (same(to, commander))
		*out = call_refuse_arg(c, "person",
			"Nothing was offered: %s %s commander of %s already.",
			same(to, c->actor) ? "you" : words_name(c, to),
			same(to, c->actor) ? "are" : "is", id);
	else if (same(to, c->actor))
		*out = call_refuse_arg(c, "person",
			"Nothing was offered: you cannot hand over to yourself. Take it instead: "
			"%s",
			message_usage(c, "/inc assign #%lld commander me",
				(long long)c->incident.id));
	else
		return false;
	return true;
}

/* ---- the packet ---- */

static struct done refuse_stale(struct call *c, const char *to, const struct checkpoint *last)
{
	const char *age = words_for(c, c->config->packet_max_age_ms);
	const char *found = last->at ? arena_printf(c->arena, "the last one is %s old",
					       words_for(c, c->now - last->at))
				     : "there is none yet";

	if (message_may_ask(c))
		return message_form(c,
			"A handover needs a checkpoint that is younger than %s; %s. Say where it "
			"stands, and it goes out with the offer.",
			age, found);
	if (c->request->from_form)
		return call_refuse_arg(c, "state",
			"A handover needs a checkpoint younger than %s; %s. Say where it stands.",
			age, found);
	return call_refuse(c, "policy",
		"Nothing was offered: a handover needs a checkpoint that is younger than %s; %s. "
		"Say both in one line: %s",
		age, found,
		message_usage(c,
			"/inc handover #%lld %s state: rolling back; hypothesis: bad config; next "
			"decision: in 20m",
			(long long)c->incident.id, words_name(c, to)));
}

/* ---- the offer ---- */

/* Said in the channel, where everybody sees who leads and who is asked to, and to them alone.
 * packet: whether it goes with it; the channel has read a checkpoint that was kept before. */
static json_t *offer_doc(struct call *c, const struct handover *h, const struct checkpoint *p,
	bool packet, const char *who, const char *before)
{
	json_t *doc = message_line(c, "%s%s%s offers you command of %s, %s (%s)", who,
		*who ? " " : "", words_name(c, h->from), words_id(c, h->incident),
		message_short(c, c->incident.title, 120), words_severity(c, c->incident.severity));
	const char *missing = packet ? packet_missing(c, p) : "";

	if (packet)
		doc_text(doc, packet_lines(c, p, POSTED_BYTES));
	else
		doc_text(doc, arena_printf(c->arena, "With the checkpoint of %s, above.",
				      words_time(c, p->at)));
	doc_context(doc, arena_printf(c->arena,
				 "%s%s%s stays commander until it is accepted · the offer stands "
				 "until %s%s%s",
				 before, *before ? " · " : "", words_name(c, h->from),
				 words_time(c, offer_expires_at(c, h)),
				 *missing ? " · not said: " : "", missing));
	offer_buttons(doc, h);
	return doc;
}

static int offer_tell(struct call *c, const struct handover *h, const struct checkpoint *p,
	bool fresh, const char *before)
{
	int rc = say_people_invite(c, (const char *const[]){ h->to }, 1);

	if (rc == 0)
		rc = say_channel(
			c, offer_doc(c, h, p, fresh, words_mention(c, h->to), before), NULL);
	return rc < 0 ? rc : say_person(c, h->to, offer_doc(c, h, p, true, "", ""));
}

/* The one before is off; its person is told. *before: what the channel reads about it. */
static int offer_replace(struct call *c, struct handover *old, const char *to, const char **before)
{
	const char *name = words_name(c, old->to);
	int rc = offer_end(c, old, HANDOVER_WITHDRAWN);

	*before = arena_printf(c->arena, "the offer to %s is off", name);
	if (rc == 0)
		rc = record_event(c, ENTRY_RESPONSIBILITY, "handover.withdrawn",
			"handover to %s is off, another offer was made", name);
	if (rc < 0 || same(old->to, to))
		return rc;
	return say_person(c, old->to,
		message_line(c, "You need not take command of %s any more: it was offered to %s.",
			words_id(c, c->incident.id), words_name(c, to)));
}

static int offer_record(struct call *c, const struct handover *h)
{
	return record_event(c, ENTRY_RESPONSIBILITY, "handover.offered",
		"handover offered: %s to %s, until %s%s%s", words_name(c, h->from),
		words_name(c, h->to), message_plain_time(c, offer_expires_at(c, h)),
		same(h->from, c->actor) ? "" : ", offered by ",
		same(h->from, c->actor) ? "" : words_name(c, c->actor));
}

static struct done offer_run(
	struct call *c, const char *to, struct checkpoint *p, struct handover *old)
{
	struct handover h = {
		.from = arena_strdup(c->arena, commander_of(c)),
		.to = arena_strdup(c->arena, to),
	};
	const char *before = "";
	bool fresh = packet_said(p) && !p->id;

	if (fresh && packet_keep(c, p) < 0)
		return call_fail(c);
	if (old && offer_replace(c, old, to, &before) < 0)
		return call_fail(c);
	h.checkpoint = p->id;
	if (offer_make(c, &h) < 0 || offer_record(c, &h) < 0 || offer_tell(c, &h, p, fresh, before) < 0)
		return call_fail(c);
	call_touch(c);
	return call_replyf(c, "%s is asked to take command of %s · %s until they accept%s%s",
		words_name(c, to), words_id(c, c->incident.id),
		same(h.from, c->actor) ? "you stay commander"
				       : arena_printf(c->arena, "%s stays commander",
						 words_name(c, h.from)),
		*before ? " · " : "", before);
}

static struct done handover_offer(struct call *c)
{
	const char *to = call_text(c, "person");
	struct checkpoint said = packet_from_args(c), last = { 0 };
	struct handover old;
	struct done done;
	int hanging, rc;

	if (refuse_offer(c, to, &done))
		return done;
	if (packet_refused(c, &said, &done))
		return done;
	hanging = offer_current(c, &old);
	if (hanging < 0 && hanging != -ENOENT)
		return call_fail(c);
	if (hanging == 0 && same(old.to, to) && !packet_said(&said))
		return call_replyf(c,
			"%s was asked at %s already and has not answered yet; nothing was changed.",
			words_name(c, to), words_time(c, old.offered_at));
	if (packet_said(&said))
		return offer_run(c, to, &said, hanging == 0 ? &old : NULL);
	rc = packet_latest(c, &last);
	if (rc < 0 && rc != -ENOENT)
		return call_fail(c);
	if (rc == -ENOENT || !checkpoint_fresh(&last, c->now, c->config->packet_max_age_ms))
		return refuse_stale(c, to, &last);
	return offer_run(c, to, &last, hanging == 0 ? &old : NULL);
}

/* ---- taking it back ---- */

static struct done handover_withdraw(struct call *c)
{
	const char *id = words_id(c, c->incident.id);
	struct handover h;
	int rc = offer_current(c, &h);

	if (rc == -ENOENT)
		return call_refuse(c, "conflict",
			"No handover of %s is open; nothing was changed.", id);
	if (rc < 0)
		return call_fail(c);
	if (!may_offer(c))
		return call_refuse(c, "conflict",
			"Nothing was changed: only %s, who offered it, can take it back.%s%s",
			words_name(c, h.from),
			same(h.to, c->actor) ? " You can decline: " : "",
			same(h.to, c->actor) ? message_usage(c, "/inc decline") : "");
	if (offer_end(c, &h, HANDOVER_WITHDRAWN) < 0 ||
		record_event(c, ENTRY_RESPONSIBILITY, "handover.withdrawn",
			"handover to %s taken back", words_name(c, h.to)) < 0 ||
		say_channel(c,
			message_line(c, "The handover of %s to %s is off; %s stays commander", id,
				words_name(c, h.to), words_name(c, h.from)),
			NULL) < 0 ||
		say_person(c, h.to,
			message_line(c,
				"You need not take command of %s any more: %s took the offer back.",
				id, words_name(c, c->actor))) < 0)
		return call_fail(c);
	call_touch(c);
	return call_replyf(c, "The handover to %s is off; %s stays commander of %s.",
		words_name(c, h.to), words_name(c, h.from), id);
}

static struct done handover_run(struct call *c)
{
	return call_flag(c, "withdraw") ? handover_withdraw(c) : handover_offer(c);
}

static const struct op_alias aliases[] = {
	{ "hand-over", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "person",
		.type = ARG_PERSON,
		.flags = ARG_ANYWHERE,
		.label = "to",
		.help = "Who is to take command" },
	PACKET_ARGS,
	{ .name = "withdraw",
		.type = ARG_FLAG,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "take it back",
		.help = "Take the open offer back",
		.synonyms = "cancel" },
	{ .name = NULL },
};

const struct operation op_handover = {
	.name = "handover",
	.aliases = aliases,
	.summary = "Offer command to somebody, with a checkpoint; done when they accept",
	.example = "/inc handover @carol",
	.args = args,
	.need = NEED_OPEN,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = handover_run,
	.prefill = packet_prefill,
};
