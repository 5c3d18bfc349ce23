/* A public incident becomes a protected one (FEATURES G1). There is no way back by command: what
 * was said in confidence stays so. Of two that are merged the kept one comes first: it names the
 * other. */
#include <errno.h>

#include "commands/issues.h"
#include "commands/messages.h"
#include "commands/offer.h"
#include "commands/protected.h"
#include "commands/say.h"
#include "commands/verbs.h"
#include "store/incidents.h"
#include "store/relations.h"
#include "store/response.h"

/* Whoever is on it now, or is asked to take command, goes on seeing it. */
static int protect_admit(struct call *c)
{
	struct handover h;
	int offered = offer_current(c, &h);
	int rc = offered < 0 && offered != -ENOENT ? offered : protected_admit(c, c->actor, "protect");

	if (rc == 0 && c->incident.reporter)
		rc = protected_admit(c, c->incident.reporter, "reporter");
	if (rc == 0 && offered == 0)
		rc = protected_admit(c, h.to, "handover");
	for (size_t i = 0; rc == 0 && i < c->roles.count; i++)
		rc = protected_admit(c, c->roles.holder[i].person, c->roles.holder[i].role);
	return rc;
}

static int protect_record(struct call *c, const char *why)
{
	c->incident.is_private = true;
	call_touch(c);
	return record_event(c, ENTRY_DECISION, "incident.protected", "protected by %s: %s",
		words_name(c, c->actor), why);
}

/* First what others read goes, then the channel for those with access comes. */
static int protect_say(struct call *c, const char *why)
{
	int rc = protected_withdraw(c);

	if (rc == 0)
		rc = say_open(c);
	if (rc == 0)
		rc = say_channel(c,
			message_line(c,
				"%s is protected since %s, by %s: %s\nIt goes on here. Only people "
				"with access know of it: %s",
				words_id(c, c->incident.id), words_time(c, c->now),
				words_name(c, c->actor), why, message_usage(c, "/inc access")),
			NULL);
	return rc;
}

/* 1 when it is merged into one that everybody may see, 0, or a negative errno. */
static int kept_is_public(struct call *c)
{
	struct incident kept;
	int rc = c->incident.merged_into ?
		incident_load(c->store, c->arena, c->incident.merged_into, &kept, &c->err) : 0;

	return rc < 0 ? rc : c->incident.merged_into && !kept.is_private;
}

static struct done refuse_merged(struct call *c)
{
	const char *id = words_id(c, c->incident.id), *kept = words_id(c, c->incident.merged_into);

	return call_refuse(c, "policy",
		"%s was not protected: it is merged into %s, where everybody reads of it. Protect %s "
		"first: %s; or, if they are two, tell them apart: %s",
		id, kept, kept,
		message_usage(c, "/inc protect #%lld why", (long long)c->incident.merged_into),
		message_usage(c, "/inc unmerge #%lld why", (long long)c->incident.id));
}

/* What is merged into this one is not protected by it: " INC-43 is merged …", or "". */
static int merged_public(struct call *c, const char **words)
{
	struct incident_link *l;
	struct incident other;
	struct str s;
	size_t n = 0;
	int rc = link_list(c->store, c->arena, c->incident.id, &l, &n, &c->err);

	str_init_arena(&s, c->arena, 4000);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (l[i].kind != LINK_DUPLICATE || l[i].to != c->incident.id)
			continue;
		rc = incident_load(c->store, c->arena, l[i].from, &other, &c->err);
		if (rc == 0 && !other.is_private)
			str_addf(&s, " %s is merged into it and everybody still sees it: %s",
				words_id(c, other.id),
				message_usage(c, "/inc protect #%lld why", (long long)other.id));
	}
	*words = s.p;
	return rc;
}

static struct done protect_run(struct call *c)
{
	const char *id = words_id(c, c->incident.id), *merged = "", *issue = "";
	const char *why = call_text(c, "why");
	int public;

	if (c->incident.is_private)
		return call_refuse(
			c, "conflict", "%s is protected already; nothing was changed.", id);
	public = kept_is_public(c);
	if (public > 0)
		return refuse_merged(c);
	if (public < 0 || protect_record(c, why) < 0 || protect_admit(c) < 0 ||
		protect_say(c, why) < 0 || merged_public(c, &merged) < 0 ||
		issue_protect(c, &issue) < 0)
		return call_fail(c);
	return call_replyf(c,
		"%s is protected now. It goes on in a private channel, #%s; what I have posted "
		"about "
		"it elsewhere is withdrawn, what people have typed stays.%s Who has access: %s%s%s",
		id, say_channel_name(c), issue,
		message_usage(c, "/inc access #%lld", (long long)c->incident.id),
		*merged ? "." : "", merged);
}

static const struct arg_def args[] = {
	{ .name = "why",
		.type = ARG_REST,
		.flags = ARG_REQUIRED,
		.label = "why",
		.help = "Why not everybody may know of it; only people with access read this" },
	{ .name = NULL },
};

const struct operation op_protect = {
	.name = "protect",
	.summary = "Make an incident protected: only people with access know of it from now on",
	.example = "/inc protect #42 customer keys may have leaked",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_MERGED,
	.right = "incident.write",
	.run = protect_run,
};
