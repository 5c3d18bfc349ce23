/*
 * Wording for customers (FEATURES E7): whoever drafts it, it goes out only when the communications
 * lead confirms it, and never by itself. Where there is no communications lead the commander
 * confirms.
 */
#include <errno.h>
#include <string.h>

#include "commands/messages.h"
#include "commands/say.h"
#include "commands/verbs.h"
#include "incident/access.h"
#include "store/people.h"
#include "store/response.h"

#define RIGHT_ADMIN "incident.admin"

/* ---- who decides ---- */

static const char *confirmer(const struct call *c)
{
	const char *comms = role_person(&c->roles, ROLE_COMMS);

	return comms ? comms : role_person(&c->roles, ROLE_COMMANDER);
}

static bool may_confirm(const struct call *c)
{
	const char *person = confirmer(c);

	return (person && strcmp(person, c->actor) == 0) ||
	       access_allows(&c->config->access, c->actor, RIGHT_ADMIN);
}

/* ---- words ---- */

static const char *name_of(void *ctx, const char *person)
{
	struct call *c = ctx;
	struct person p;

	return person_get(c->store, c->arena, person, &p, NULL) == 0 ? p.name : NULL;
}

/* What customers read: nobody is called by it. */
static const char *plain_text(struct call *c, const char *text)
{
	struct str s;

	str_init_arena(&s, c->arena, 20000);
	markup_plain(&s, text, c->config->timezone, c->now, name_of, c);
	return s.p;
}

static void decide_buttons(struct call *c, json_t *doc, int64_t note)
{
	doc_button(doc, "Confirm and send", "customer", c->incident.id,
		json_pack("{s:I}", "confirm", (json_int_t)note), "primary");
	doc_button(doc, "Drop", "customer", c->incident.id,
		json_pack("{s:I}", "drop", (json_int_t)note), NULL);
}

static const char *where_to(const struct call *c)
{
	return c->config->slack.customer_channel ? "to the channel for customers" :
						   "under the announcement, marked “For customers”";
}

static json_t *draft_doc(struct call *c, const struct customer_note *n, const char *who)
{
	json_t *doc = message_line(c, "%s%sWording for customers of %s by %s waits for your word:", who,
		*who ? " " : "", words_id(c, c->incident.id), words_name(c, n->by));

	doc_text(doc, n->text);
	decide_buttons(c, doc, n->id);
	doc_context(doc, arena_printf(c->arena, "Confirmed, it goes %s as it stands here.", where_to(c)));
	return doc;
}

/* ---- drafting ---- */

/* Nobody could confirm it: the channel is asked for somebody who can. */
static int ask_for_lead(struct call *c, const struct customer_note *n)
{
	json_t *doc = message_line(c,
		"Wording for customers of %s by %s waits, but nobody is communications lead or "
		"commander. Take the role, then confirm it:",
		words_id(c, c->incident.id), words_name(c, n->by));

	doc_text(doc, n->text);
	message_take_button(c, doc, ROLE_COMMS);
	decide_buttons(c, doc, n->id);
	return say_channel(c, doc, NULL);
}

static int audit_draft(struct call *c, const struct customer_note *n)
{
	json_t *meta = json_pack("{s:I, s:s}", "note", (json_int_t)n->id, "text", n->text);
	int rc = record_audit(c, "incident", c->incident.id, "info", "customer.drafted",
		json_text(c->arena, meta));

	json_decref(meta);
	return rc;
}

static struct done draft(struct call *c)
{
	const char *lead = confirmer(c);
	struct customer_note n = {
		.incident = c->incident.id,
		.text = plain_text(c, call_text(c, "text")),
		.by = c->actor,
		.at = c->now,
	};
	int rc;

	if (customer_note_insert(c->store, &n, &c->err) < 0 || audit_draft(c, &n) < 0)
		return call_fail(c);
	if (lead && strcmp(lead, c->actor) == 0)
		return call_reply(c, draft_doc(c, &n, ""));
	rc = lead ? say_person(c, lead, draft_doc(c, &n, "")) : ask_for_lead(c, &n);
	if (rc < 0)
		return call_fail(c);
	return call_replyf(c, "Nothing was sent yet: %s confirms it first (or %s).",
		lead ? words_name(c, lead) : "whoever takes communications or command",
		message_usage(c, "/inc customer #%lld --confirm %lld", (long long)c->incident.id,
			(long long)n.id));
}

/* ---- deciding ---- */

static struct done refuse_decided(struct call *c, const struct customer_note *n)
{
	if (n->confirmed_by)
		return call_refuse(c, "conflict",
			"That wording was confirmed by %s at %s; nothing was sent again. What is still "
			"on its way: %s",
			words_name(c, n->confirmed_by), words_time(c, n->confirmed_at),
			message_usage(c, "/inc sync #%lld", (long long)c->incident.id));
	return call_refuse(c, "conflict",
		"That wording was dropped; nothing was sent. Draft it anew: %s",
		message_usage(c, "/inc customer #%lld …", (long long)c->incident.id));
}

static struct done refuse_not_lead(struct call *c)
{
	const char *lead = confirmer(c);

	if (!lead)
		return call_refuse(c, "forbidden",
			"Nothing was sent: nobody is communications lead yet, and only they confirm "
			"wording for customers. Take the role first: %s",
			message_usage(c, "/inc take #%lld comms", (long long)c->incident.id));
	return call_refuse(c, "forbidden",
		"Nothing was sent: wording for customers is confirmed by %s, who is %s of %s.",
		words_name(c, lead),
		role_person(&c->roles, ROLE_COMMS) ? "communications lead" : "commander",
		words_id(c, c->incident.id));
}

/* 0, or the refusal is made: the draft is one of this incident, undecided, and the actor may. */
static int decidable(struct call *c, int64_t id, struct customer_note *n, struct done *refusal)
{
	int rc = customer_note_load(c->store, c->arena, id, n, &c->err);

	if (rc == -ENOENT || (rc == 0 && n->incident != c->incident.id)) {
		*refusal = call_refuse(c, "not_found",
			"%s has no wording %lld that could be decided; nothing was done.",
			words_id(c, c->incident.id), (long long)id);
		return -ENOENT;
	}
	if (rc < 0) {
		*refusal = call_fail(c);
		return rc;
	}
	if (!may_confirm(c)) {
		*refusal = refuse_not_lead(c);
		return -EPERM;
	}
	if (n->confirmed_by || n->dropped) {
		*refusal = refuse_decided(c, n);
		return -EALREADY;
	}
	return 0;
}

/* Exactly what was confirmed, and nothing of ours with it. */
static int send_out(struct call *c, const char *text)
{
	const char *to = c->config->slack.customer_channel;
	json_t *doc = doc_new(text), *payload;
	int rc;

	if (!to) {
		doc_header(doc, "For customers");
		doc_text(doc, text);
		return say_announce_thread(c, doc);
	}
	doc_text(doc, text);
	payload = json_pack("{s:o}", "doc", doc);
	rc = say_effect(c, &(struct effect_row){
				   .lane = arena_printf(c->arena, "customers/%s", to),
				   .kind = EFFECT_MESSAGE_POST,
				   .to = to,
				   .payload = json_text(c->arena, payload),
			   });
	json_decref(payload);
	return rc;
}

static int tell_responders(struct call *c, const struct customer_note *n)
{
	json_t *doc = message_line(c, "Customers are told (confirmed by %s): %s",
		words_name(c, c->actor), n->text);

	json_object_set_new(doc, "quiet", json_true());
	return say_channel(c, doc, NULL);
}

static struct done confirm(struct call *c, int64_t id)
{
	struct customer_note n;
	struct done refusal;

	if (decidable(c, id, &n, &refusal) < 0)
		return refusal;
	if (customer_note_end(c->store, id, c->actor, c->now, &c->err) < 0)
		return call_fail(c);
	if (record_event(c, ENTRY_COMMUNICATION, "customer.confirmed",
		    "told to customers, drafted by %s, confirmed by %s: %s", words_name(c, n.by),
		    words_name(c, c->actor), n.text) < 0 ||
		send_out(c, n.text) < 0 || tell_responders(c, &n) < 0)
		return call_fail(c);
	return call_replyf(c, "Confirmed; it goes %s.", where_to(c));
}

static struct done drop(struct call *c, int64_t id)
{
	struct customer_note n;
	struct done refusal;

	if (decidable(c, id, &n, &refusal) < 0)
		return refusal;
	if (customer_note_end(c->store, id, NULL, c->now, &c->err) < 0 ||
		record_event(c, ENTRY_COMMUNICATION, "customer.dropped",
			"wording for customers by %s was dropped: %s", words_name(c, n.by), n.text) < 0)
		return call_fail(c);
	if (strcmp(n.by, c->actor) != 0 &&
		say_person(c, n.by,
			message_line(c, "%s dropped your wording for customers of %s: %s",
				words_name(c, c->actor), words_id(c, c->incident.id), n.text)) < 0)
		return call_fail(c);
	return call_replyf(c, "Dropped; nothing was sent.");
}

static struct done customer_run(struct call *c)
{
	const char *text = call_text(c, "text");

	if (c->incident.is_private)
		return call_refuse(c, "policy",
			"%s is protected, so nothing about it goes to customers from here; nothing was "
			"done.",
			words_id(c, c->incident.id));
	if (call_given(c, "confirm"))
		return confirm(c, call_number(c, "confirm", 0));
	if (call_given(c, "drop"))
		return drop(c, call_number(c, "drop", 0));
	if (!c->config->slack.customer_channel && !c->config->slack.announce_channel)
		return call_refuse(c, "policy",
			"There is no place where customers could read it: neither "
			"slack.customer_channel nor slack.announce_channel is set; nothing was done.");
	if (!text || !*text)
		return call_refuse_arg(c, "text",
			"Nothing was drafted: say what customers should read, as in %s",
			message_usage(c, "/inc customer Some payments fail at the moment. We are on it."));
	return draft(c);
}

static const struct op_alias aliases[] = {
	{ "customers", NULL, NULL },
	{ "statuspage", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "text",
		.type = ARG_REST,
		.flags = ARG_LONG,
		.label = "what customers read",
		.help = "Word for word; it is sent when the communications lead has confirmed it" },
	{ .name = "confirm",
		.type = ARG_INTEGER,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "number",
		.help = "Send this draft; for the communications lead, else the commander" },
	{ .name = "drop",
		.type = ARG_INTEGER,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "number",
		.help = "This draft is not sent" },
	{ .name = NULL },
};

const struct operation op_customer = {
	.name = "customer",
	.aliases = aliases,
	.summary = "Draft wording for customers; the communications lead confirms before it is sent",
	.example = "/inc customer Some payments fail at the moment. We are on it.",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = customer_run,
};
