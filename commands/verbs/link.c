/*
 * Related incidents name each other (FEATURES B5). Protected ones are named nowhere but within, so they
 * are not linked: whoever has access to one would learn of the other.
 *
 * What is named may be an issue of the tracker instead (FEATURES H10): commands/issues.c.
 */
#include <errno.h>
#include <string.h>

#include "commands/issues.h"
#include "commands/messages.h"
#include "commands/relate.h"
#include "commands/verbs.h"
#include "store/relations.h"

/* 1 when they are linked, as *out; 0 or a negative errno. */
static int link_between(struct call *c, int64_t other, struct incident_link *out)
{
	struct incident_link *l;
	size_t n;
	int rc = link_list(c->store, c->arena, c->incident.id, &l, &n, &c->err);

	for (size_t i = 0; rc == 0 && i < n; i++)
		if (l[i].from == other || l[i].to == other) {
			*out = l[i];
			return 1;
		}
	return rc;
}

struct linking {
	int64_t other;
	const char *action, *verb, *why;
};

static int link_record(struct call *c, void *ctx)
{
	const struct linking *l = ctx;

	call_touch(c);
	return record_event(c, ENTRY_FACT, l->action, "%s %s%s", l->verb, words_id(c, l->other),
		message_because(c, l->why));
}

/* Both timelines and both cards say it. */
static int link_record_both(struct call *c, struct beside *other, struct linking l)
{
	int rc = link_record(c, &l);

	l.other = c->incident.id;
	return rc < 0 ? rc : beside_run(c, other, link_record, &l);
}

static struct done refuse_merged(struct call *c, const struct incident_link *l)
{
	return call_refuse(c, "conflict",
		"%s is merged into %s, which is more than a link; nothing was changed. If they are "
		"two: %s",
		words_id(c, l->from), words_id(c, l->to),
		message_usage(c, "/inc unmerge #%lld why", (long long)l->from));
}

static struct done link_incident(struct call *c)
{
	int64_t other = call_number(c, "to", 0);
	const char *id = words_id(c, c->incident.id), *with = words_id(c, other);
	struct incident_link l = { 0 };
	struct beside b;
	int rc;

	if (other == c->incident.id)
		return call_refuse_arg(
			c, "to", "%s cannot be linked to itself; name another one as #12.", id);
	rc = beside_load(c, other, &b);
	if (rc == -ENOENT)
		return beside_absent(c, other);
	if (rc == 0 && (c->incident.is_private || b.incident.is_private))
		return call_refuse(c, "policy",
			"%s and %s were not linked: a protected incident is not named on another "
			"one, whose readers would learn of it.",
			id, with);
	if (rc == 0)
		rc = link_between(c, other, &l);
	if (rc < 0)
		return call_fail(c);
	if (rc > 0 && l.kind == LINK_DUPLICATE)
		return refuse_merged(c, &l);
	if (rc > 0)
		return call_replyf(
			c, "%s and %s are linked already; nothing was changed.", id, with);
	l = (struct incident_link){ c->incident.id, other, LINK_RELATED, c->actor, c->now };
	if (link_put(c->store, &l, &c->err) < 0 ||
		link_record_both(c, &b,
			(struct linking){ other, "incident.linked", "related to",
				call_text(c, "why") }) < 0)
		return call_fail(c);
	return call_replyf(c, "%s and %s name each other now: %s", id, with,
		message_short(c, b.incident.title, 120));
}

/* "INC-7" is an incident; a tracker's project of that name is reached by its URL. */
static const char *named_issue(struct call *c, const char *arg)
{
	const char *text = call_text(c, arg), *name;

	if (call_number(c, arg, 0))
		return NULL;
	return issue_named(c, text, &name) ? name : text;
}

static struct done link_run(struct call *c)
{
	const char *issue = named_issue(c, "to");

	if (issue && !strcmp(issue, LINK_HERE))
		return place_link(c);
	return issue ? issue_link(c, issue) : link_incident(c);
}

static const struct op_alias link_aliases[] = {
	{ "related", NULL, NULL },
	{ "relate", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def link_args[] = {
	{ .name = "to",
		.type = ARG_INCIDENT,
		.flags = ARG_REQUIRED | ARG_ISSUE,
		.label = "the other one",
		.help = "The related incident: #12; or an issue: PAY-123, its URL, or new; or here, this channel" },
	{ .name = "why",
		.type = ARG_REST,
		.label = "why",
		.help = "How they are related" },
	{ .name = NULL },
};

const struct operation op_link = {
	.name = "link",
	.aliases = link_aliases,
	.summary = "Related to another incident, to an issue of the tracker, or to this channel",
	.example = "/inc link #12 same database",
	.args = link_args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM | OP_MERGED,
	.right = "incident.write",
	.run = link_run,
};

/* ---- unlink ---- */

static struct done unlink_incident(struct call *c)
{
	int64_t other = call_number(c, "from", 0);
	struct incident_link l = { 0 };
	struct beside b;
	int rc = beside_load(c, other, &b);

	if (rc == -ENOENT)
		return beside_absent(c, other);
	if (rc == 0)
		rc = link_between(c, other, &l);
	if (rc < 0)
		return call_fail(c);
	if (rc == 0)
		return call_refuse(c, "conflict", "%s and %s are not linked; nothing was done.",
			words_id(c, c->incident.id), words_id(c, other));
	if (l.kind == LINK_DUPLICATE)
		return refuse_merged(c, &l);
	if (link_remove(c->store, c->incident.id, other, &c->err) < 0 ||
		link_record_both(c, &b,
			(struct linking){ other, "incident.unlinked", "not related to",
				call_text(c, "why") }) < 0)
		return call_fail(c);
	return call_replyf(c, "%s and %s name each other no more", words_id(c, c->incident.id),
		words_id(c, other));
}

static struct done unlink_run(struct call *c)
{
	const char *issue = named_issue(c, "from");

	if (issue && !strcmp(issue, LINK_HERE))
		return place_unlink(c);
	return issue ? issue_unlink(c, issue) : unlink_incident(c);
}

static const struct op_alias unlink_aliases[] = {
	{ "unrelated", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def unlink_args[] = {
	{ .name = "from",
		.type = ARG_INCIDENT,
		.flags = ARG_REQUIRED | ARG_ISSUE,
		.label = "the other one",
		.help = "The incident that is not related: #12; or its issue: PAY-123, or jira; or here, this channel" },
	{ .name = "why",
		.type = ARG_REST,
		.label = "why",
		.help = "Why they are not related" },
	{ .name = NULL },
};

const struct operation op_unlink = {
	.name = "unlink",
	.aliases = unlink_aliases,
	.summary = "Not related to the other incident, to the issue, or to this channel, after all",
	.example = "/inc unlink #12",
	.args = unlink_args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM | OP_MERGED,
	.right = "incident.write",
	.run = unlink_run,
};
