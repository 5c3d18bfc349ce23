/* Where a diagnosis belongs (FEATURES B7): to an incident that is, or to a new one. */
#include <errno.h>
#include <string.h>

#include "commands/diagnosing.h"
#include "commands/ends.h"
#include "commands/messages.h"
#include "commands/reading.h"
#include "commands/relate.h"
#include "commands/verbs.h"

static struct done refuse_unknown(struct call *c, const char *text)
{
	return call_refuse(c, "not_found", "There is no diagnosis %s; nothing was done. All of them: %s",
		message_short(c, text, 40), message_usage(c, "/inc diagnoses"));
}

/* 1 and *out, 0 when there is none for the actor, or -errno. */
static int diagnosis_of(struct call *c, struct diagnosis *out)
{
	int64_t id = diagnosis_number(call_text(c, "diagnosis"));
	int rc = id ? diagnosis_find(c, id, out) : -ENOENT;

	return rc == -ENOENT ? 0 : rc < 0 ? rc : 1;
}

static struct done refuse_attached(struct call *c, const struct diagnosis *d)
{
	return call_refuse(c, "conflict", "D%lld is attached to %s already; nothing was done.",
		(long long)d->id, words_id(c, d->incident));
}

static struct done attach_run(struct call *c)
{
	struct diagnosis d;
	struct beside other;
	int64_t to = call_number(c, "to", 0);
	int rc;

	if (!call_given(c, "diagnosis"))
		return call_refuse_arg(c, "diagnosis", "Nothing was attached: name the diagnosis, as in %s",
			message_usage(c, "/inc attach D3 #42"));
	rc = diagnosis_of(c, &d);
	if (rc == 0)
		return refuse_unknown(c, call_text(c, "diagnosis"));
	if (rc > 0 && d.incident)
		return refuse_attached(c, &d);
	if (rc > 0 && !to && !c->has_incident)
		return message_may_ask(c) ?
			message_form(c, "%s", diagnosis_line(c, &d)) :
			call_refuse_arg(c, "to", "Nothing was attached: name the incident, as in %s",
				message_usage(c, "/inc attach D%lld #42", (long long)d.id));
	if (rc > 0 && to) {
		rc = beside_load(c, to, &other);
		if (rc == -ENOENT)
			return beside_absent(c, to);
		c->incident = other.incident;
		c->roles = other.roles;
		c->has_incident = true;
	}
	if (rc >= 0 && c->incident.merged_into)
		return call_refuse(c, "conflict", "%s is merged into %s; nothing was done. Attach it there: %s",
			words_id(c, c->incident.id), words_id(c, c->incident.merged_into),
			message_usage(c, "/inc attach D%lld #%lld", (long long)d.id,
				(long long)c->incident.merged_into));
	if (rc < 0 || diagnosis_attach_here(c, &d) < 0)
		return call_fail(c);
	return call_replyf(c, "D%lld is on the timeline of %s: %s %s", (long long)d.id,
		words_id(c, c->incident.id), d.kind, d.name);
}

static const struct arg_def attach_args[] = {
	{ .name = "diagnosis",
		.type = ARG_WORD,
		.label = "diagnosis",
		.help = "Its number: D3",
		.max_bytes = 20 },
	{ .name = "to",
		.type = ARG_INCIDENT,
		.flags = ARG_ANYWHERE,
		.label = "incident",
		.help = "Where it belongs: #42; in its channel that need not be said" },
	{ .name = NULL },
};

const struct operation op_attach = {
	.name = "attach",
	.summary = "A diagnosis belongs to this incident",
	.example = "/inc attach D3 #42",
	.args = attach_args,
	.need = NEED_NOTHING,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = attach_run,
};

/* ---- promote ---- */

static int take(struct call *c, const char *arg, const char *text)
{
	size_t index = 0;

	return text && arg_find(c->op, arg, strlen(arg), &index) ? arg_take(c, index, text) : 0;
}

/* A new incident is declared in the way all are, with the diagnosis as where it comes from. */
static struct done promote_run(struct call *c)
{
	const char *severity = call_text(c, "severity"), *title = call_text(c, "title");
	struct diagnosis d;
	int rc = diagnosis_of(c, &d);

	if (rc < 0)
		return call_fail(c);
	if (rc == 0)
		return refuse_unknown(c, call_text(c, "diagnosis"));
	if (d.incident)
		return refuse_attached(c, &d);
	c->op = &op_declare;
	memset(c->value, 0, sizeof(c->value));
	if (!title)
		title = message_short(c, arena_printf(c->arena, "%s: %s", d.name, d.summary), 200);
	if (take(c, "title", title) < 0 || take(c, "severity", severity) < 0 ||
		take(c, "service", d.name) < 0 ||
		take(c, "diagnosis", arena_printf(c->arena, "D%lld", (long long)d.id)) < 0)
		return call_refused(c);
	return op_declare.run(c);
}

static const struct arg_def promote_args[] = {
	{ .name = "diagnosis",
		.type = ARG_WORD,
		.flags = ARG_REQUIRED,
		.label = "diagnosis",
		.help = "Its number: D3",
		.max_bytes = 20 },
	{ .name = "severity",
		.type = ARG_SEVERITY,
		.flags = ARG_ANYWHERE,
		.label = "severity",
		.help = "sev1 to sev4, p0 to p3" },
	{ .name = "title",
		.type = ARG_REST,
		.label = "what is wrong",
		.help = "If it should say more than the diagnosis does" },
	{ .name = NULL },
};

const struct operation op_promote = {
	.name = "promote",
	.summary = "Declare a new incident out of a diagnosis",
	.example = "/inc promote D3 sev2 checkout is out of memory",
	.args = promote_args,
	.need = NEED_NOTHING,
	.right = "incident.write",
	.run = promote_run,
};
