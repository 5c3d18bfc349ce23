/*
 * A checkpoint (FEATURES D4): what the next commander must know, in one line or by its form. Nothing
 * is refused for being incomplete: at 3 a.m. half a packet is better than none, and what is missing
 * is named.
 */
#include <errno.h>
#include <string.h>

#include "commands/messages.h"
#include "commands/packet.h"
#include "commands/verbs.h"
#include "incident/promise.h"

#define POSTED_BYTES 400  /* of a section in the channel; the whole is shown by /inc checkpoint */
#define SHOWN_BYTES  3000

static bool asks_for_new(const struct call *c)
{
	const char *what = call_text(c, "do");

	return what && strcmp(what, "new") == 0;
}

static json_t *new_args(void)
{
	return json_pack("{s:s}", "do", "new");
}

static const char *usage(struct call *c)
{
	return message_usage(c,
		"/inc checkpoint #%lld state: rolling back; hypothesis: bad config; in flight: "
		"rollback by @bob; decision: fail over?; next decision: in 20m",
		(long long)c->incident.id);
}

/* "not said: hypothesis, next decision" */
static void add_missing(struct call *c, json_t *doc, const struct checkpoint *p)
{
	const char *missing = packet_missing(c, p);

	if (*missing)
		doc_context(doc, arena_printf(c->arena, "Not said: %s", missing));
}

/* ---- showing the latest ---- */

static struct done checkpoint_none(struct call *c)
{
	json_t *doc;

	if (message_may_ask(c) && state_active(c->incident.state))
		return message_form(c, "There is no checkpoint of %s yet.",
			words_id(c, c->incident.id));
	doc = message_line(c, "There is no checkpoint of %s yet.%s%s", words_id(c, c->incident.id),
		state_active(c->incident.state) ? " Say where it stands, as in " : "",
		state_active(c->incident.state) ? usage(c) : "");
	return call_reply(c, doc);
}

static struct done checkpoint_show(struct call *c)
{
	struct checkpoint p = { 0 };
	int64_t due = promise_due_at(c, PROMISE_CHECKPOINT, NULL);
	json_t *doc;
	int rc = packet_latest(c, &p);

	if (rc == -ENOENT)
		return checkpoint_none(c);
	if (rc < 0)
		return call_fail(c);
	doc = message_line(c, "Checkpoint of %s by %s, %s, %s ago", words_id(c, c->incident.id),
		words_name(c, p.by), words_time(c, p.at), words_for(c, c->now - p.at));
	doc_text(doc, packet_lines(c, &p, SHOWN_BYTES));
	add_missing(c, doc, &p);
	if (due)
		doc_context(doc, arena_printf(c->arena, "%s %s",
					 due > c->now ? "The next one is due" : "A new one was due",
					 words_time(c, due)));
	if (state_active(c->incident.state)) {
		doc_button(doc, "New checkpoint", "checkpoint", c->incident.id, new_args(), NULL);
		doc_button(doc, "Hand over", "handover", c->incident.id, NULL, NULL);
	}
	return call_reply(c, doc);
}

/* ---- a new one ---- */

static struct done checkpoint_ask(struct call *c)
{
	if (message_may_ask(c))
		return message_form(c, "What must the next commander know?");
	return call_refuse_arg(c, c->request->from_form ? "state" : "text",
		"Nothing was kept: say at least where it stands, as in %s", usage(c));
}

/* Nobody is called by it. */
static int checkpoint_say(struct call *c, const struct checkpoint *p)
{
	json_t *doc = message_line(
		c, "Checkpoint of %s by %s", words_id(c, c->incident.id), words_name(c, c->actor));

	doc_text(doc, packet_lines(c, p, POSTED_BYTES));
	add_missing(c, doc, p);
	json_object_set_new(doc, "quiet", json_true());
	return say_channel(c, doc, NULL);
}

static struct done checkpoint_keep(struct call *c, struct checkpoint *p)
{
	const char *missing;
	struct done done;
	int64_t due;

	if (packet_refused(c, p, &done))
		return done;
	if (packet_keep(c, p) < 0 || checkpoint_say(c, p) < 0)
		return call_fail(c);
	missing = packet_missing(c, p);
	due = promise_due_at(c, PROMISE_CHECKPOINT, NULL);
	return call_replyf(c, "Kept as a checkpoint of %s%s%s%s%s", words_id(c, c->incident.id),
		*missing ? " · not said: " : "", missing, due ? " · the next one is due " : "",
		due ? words_time(c, due) : "");
}

static struct done checkpoint_run(struct call *c)
{
	struct checkpoint p = packet_from_args(c);
	bool open = state_active(c->incident.state);

	if (!packet_said(&p) && !(asks_for_new(c) || c->request->from_form))
		return checkpoint_show(c);
	if (!open)
		return call_refuse(c, "conflict",
			"%s is %s, so there is nothing to check on; nothing was kept. Put it on "
			"the timeline with %s, or reopen it: %s",
			words_id(c, c->incident.id), state_name(c->incident.state),
			message_usage(c, "/inc note #%lld …", (long long)c->incident.id),
			message_usage(c, "/inc reopen #%lld why", (long long)c->incident.id));
	if (!packet_said(&p))
		return checkpoint_ask(c);
	return checkpoint_keep(c, &p);
}

static const char *const deeds[] = { "show", "new", NULL };

static const struct op_alias aliases[] = {
	{ "packet", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	PACKET_ARGS,
	{ .name = "do",
		.type = ARG_CHOICE,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "what",
		.help = "Show the latest, or make a new one",
		.choices = deeds },
	{ .name = NULL },
};

const struct operation op_checkpoint = {
	.name = "checkpoint",
	.aliases = aliases,
	.summary = "Keep what the next commander must know, or see the latest",
	.example = "/inc checkpoint rolling back; hypothesis: bad config; decision: fail over?; "
		   "next decision: 15:00",
	.args = args,
	.need = NEED_INCIDENT,
	.right = "incident.write",
	.run = checkpoint_run,
	.prefill = packet_prefill,
};
