/* The answer to an offered handover (FEATURES D5), by the one it was offered to. */
#include <errno.h>
#include <string.h>

#include "commands/assignment.h"
#include "commands/messages.h"
#include "commands/offer.h"
#include "commands/verbs.h"
#include "store/response.h"

/* What became of the offer that an old button belongs to. */
static struct done answer_late(struct call *c, int64_t offer)
{
	struct handover h;
	const char *id = words_id(c, c->incident.id);
	int rc = handover_load(c->store, c->arena, offer, &h, &c->err);

	if (rc < 0 && rc != -ENOENT)
		return call_fail(c);
	if (rc == -ENOENT || h.incident != c->incident.id)
		return call_refuse(
			c, "conflict", "There is no such offer on %s; nothing was changed.", id);
	if (h.state == HANDOVER_ACCEPTED)
		return call_replyf(c,
			"The handover of %s to %s was accepted at %s; nothing was changed.", id,
			words_name(c, h.to), words_time(c, h.ended_at));
	return call_refuse(c, "conflict",
		"The handover of %s to %s was %s at %s, so it cannot be answered any more; nothing "
		"was changed.",
		id, words_name(c, h.to), handover_state_name(h.state), words_time(c, h.ended_at));
}

static struct done answer_none(struct call *c)
{
	const char *commander = role_person(&c->roles, ROLE_COMMANDER);
	const char *id = words_id(c, c->incident.id);

	if (commander && strcmp(commander, c->actor) == 0)
		return call_replyf(
			c, "You are commander of %s, and no handover is open.", id);
	return call_refuse(c, "conflict", "No handover of %s is open; nothing was changed.", id);
}

/* Finds the offer that is answered. False: *out says why not. */
static bool answer_find(struct call *c, struct handover *h, struct done *out)
{
	int64_t offer = call_number(c, "offer", 0);
	int rc = offer_current(c, h);

	if (rc < 0 && rc != -ENOENT)
		*out = call_fail(c);
	else if (offer && (rc == -ENOENT || h->id != offer))
		*out = answer_late(c, offer);
	else if (rc == -ENOENT)
		*out = answer_none(c);
	else if (strcmp(h->to, c->actor) != 0)
		*out = call_refuse(c, "conflict",
			"%s offered command of %s to %s, not to you; nothing was changed.",
			words_name(c, h->from), words_id(c, c->incident.id), words_name(c, h->to));
	else
		return true;
	return false;
}

/* ---- accept ---- */

static struct done accept_run(struct call *c)
{
	const struct role_policy *p = role_find(&c->config->roles, ROLE_COMMANDER);
	const char *id = words_id(c, c->incident.id);
	struct handover h;
	struct done done;

	if (!answer_find(c, &h, &done))
		return done;
	/* The offer ends before the role moves: a change of commander would make it void. */
	if (offer_end(c, &h, HANDOVER_ACCEPTED) < 0 ||
		record_audit(c, "handover", h.id, "info", "handover.accepted", NULL) < 0 ||
		assignment_make(c, p, c->actor, h.from) < 0 ||
		say_person(c, h.from,
			message_line(c,
				"%s has accepted command of %s; you are relieved. Thank you.",
				words_name(c, c->actor), id)) < 0)
		return call_fail(c);
	return call_replyf(c, "You are %s of %s, from %s. %s", message_role_title(c, ROLE_COMMANDER),
		id, words_name(c, h.from), p->purpose ? p->purpose : "");
}

static const struct arg_def accept_args[] = {
	{ .name = "offer",
		.type = ARG_INTEGER,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "offer",
		.help = "Which offer: the buttons say it" },
	{ .name = NULL },
};

const struct operation op_accept = {
	.name = "accept",
	.summary = "Take command that was offered to you",
	.example = "/inc accept",
	.args = accept_args,
	.need = NEED_OPEN,
	.right = "incident.write",
	.run = accept_run,
};

/* ---- decline ---- */

static struct done decline_run(struct call *c)
{
	const char *id = words_id(c, c->incident.id);
	const char *why = message_because(c, call_text(c, "why"));
	struct handover h;
	struct done done;
	json_t *doc;

	if (!answer_find(c, &h, &done))
		return done;
	if (offer_end(c, &h, HANDOVER_DECLINED) < 0 ||
		record_event(c, ENTRY_RESPONSIBILITY, "handover.declined",
			"%s declined command%s; %s stays commander", words_name(c, c->actor), why,
			words_name(c, h.from)) < 0)
		return call_fail(c);
	doc = message_line(c, "%s %s declined command of %s%s. You stay commander.",
		words_mention(c, h.from), words_name(c, c->actor), id, why);
	doc_button(doc, "Hand over to somebody else", "handover", c->incident.id, NULL, NULL);
	call_touch(c);
	if (say_channel(c, doc, NULL) < 0)
		return call_fail(c);
	return call_replyf(c, "You declined; %s stays commander of %s and is being told.",
		words_name(c, h.from), id);
}

static const struct op_alias decline_aliases[] = {
	{ "not-me", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def decline_args[] = {
	{ .name = "why", .type = ARG_REST, .label = "why", .help = "What keeps you from it" },
	{ .name = "offer",
		.type = ARG_INTEGER,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "offer",
		.help = "Which offer: the buttons say it" },
	{ .name = NULL },
};

const struct operation op_decline = {
	.name = "decline",
	.aliases = decline_aliases,
	.summary = "Say that you cannot take command that was offered to you",
	.example = "/inc decline I am on a train",
	.args = decline_args,
	.need = NEED_OPEN,
	.right = "incident.write",
	.run = decline_run,
};
