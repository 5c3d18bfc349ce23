/* The issue by hand (FEATURES H10): linked, made, unlinked; what is on its way there is dropped. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "commands/issues_parts.h"
#include "commands/messages.h"

/* ---- its name ---- */

/* "PAY-123", any case: letters, digits and _ behind a letter, a dash, a number. On the arena. */
static const char *key_of(struct call *c, const char *text, size_t n)
{
	size_t k = 0;
	char *name;

	if (n < 3 || n > 60)
		return NULL;
	name = arena_strndup(c->arena, text, n);
	for (char *p = name; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	while ((name[k] >= 'A' && name[k] <= 'Z') || (k && ((name[k] >= '0' && name[k] <= '9') || name[k] == '_')))
		k++;
	if (k < 1 || name[k] != '-' || name[k + 1] == '0')
		return NULL;
	n = strspn(name + k + 1, "0123456789");
	return n > 0 && n < 16 && !name[k + 1 + n] ? name : NULL;
}

bool issue_named(struct call *c, const char *text, const char **name)
{
	const char *url = issue_rules(c)->url;
	size_t n = url ? strlen(url) : 0;

	*name = NULL;
	if (!text)
		return false;
	if (url && text_prefix_fold(url, text)) {
		text += n;
		if (!text_prefix_fold("browse/", text))
			return false;
		text += strlen("browse/");
		*name = key_of(c, text, strcspn(text, "/?#"));
	} else {
		*name = key_of(c, text, strlen(text));
	}
	return *name != NULL;
}

/* ---- linked ---- */

static struct done refuse_unconfigured(struct call *c)
{
	return call_refuse(c, "conflict",
		"No tracker is configured, so there is nothing to link to; nothing was done. Whoever "
		"keeps the configuration can set one up in jira.yml.");
}

static struct done refuse_protected(struct call *c)
{
	return call_refuse(c, "policy",
		"%s is protected, and by jira.yml nothing of a protected incident goes to the tracker; "
		"nothing was done.",
		words_id(c, c->incident.id));
}

/* Which incident has the issue of this name? -ENOENT: none. */
static int holder_of(struct call *c, const char *name, int64_t *incident)
{
	struct reference ref;
	int rc = reference_by_key(c->store, c->arena,
		issue_name_key(c, name), &ref, &c->err);

	*incident = rc == 0 ? ref.incident : 0;
	return rc == -ENOENT ? 0 : rc;
}

static int link_begin(struct call *c, const char *name)
{
	struct issue i = {
		.ref = {
			.incident = c->incident.id,
			.system = ISSUE_SYSTEM,
			.slot = SLOT_ISSUE,
			.created_at = c->now,
		},
		.rec = { .name = name },
	};
	int rc = issue_slot_drop(c, SLOT_UNWANTED);

	if (rc == 0)
		rc = issue_save(c, &i);
	if (rc == 0)
		rc = issue_name_keep(c, &i);
	return rc < 0 ? rc : issue_sync(c);
}

static struct done link_new(struct call *c)
{
	if (issue_slot_drop(c, SLOT_UNWANTED) < 0 || issue_make(c) < 0)
		return call_fail(c);
	call_touch(c);
	if (record_event(c, ENTRY_NOTE, "issue.asked", "an issue was asked for") < 0)
		return call_fail(c);
	return call_replyf(c, "An issue for %s is being created.", words_id(c, c->incident.id));
}

struct done issue_link(struct call *c, const char *name)
{
	const char *id = words_id(c, c->incident.id);
	bool new = text_equal_fold(name, "new");
	struct issue i;
	int64_t other = 0;
	int rc;

	if (!issue_rules(c)->url)
		return refuse_unconfigured(c);
	if (text_equal_fold(name, ISSUE_SYSTEM))
		return call_refuse_arg(c, "to", "Name the issue as PAY-123, or say “new”; nothing was done.");
	if (!issue_allowed(c))
		return refuse_protected(c);
	rc = issue_load(c, &i);
	/* What takes the place of one that is gone, or never came, begins from nothing. */
	if (rc == 0 && !i.rec.gone && (i.ref.key || !i.ref.error))
		return call_refuse(c, "conflict", "%s has %s already; nothing was done. Unlink it first: %s",
			id, i.rec.name ? issue_name(c, &i) : "an issue that is being created",
			message_usage(c, "/inc unlink #%lld %s", (long long)c->incident.id,
				i.rec.name ? i.rec.name : ISSUE_SYSTEM));
	if (rc == 0)
		rc = reference_delete(c->store, i.ref.id, &c->err);
	if ((rc < 0 && rc != -ENOENT) || issue_slot_drop(c, SLOT_NAME) < 0 || issue_slot_drop(c, SLOT_LABEL) < 0)
		return call_fail(c);
	if (new)
		return link_new(c);
	if (holder_of(c, name, &other) < 0)
		return call_fail(c);
	if (other)
		return call_refuse(c, "conflict",
			"%s belongs to another incident already; nothing was done.", name);
	call_touch(c);
	if (link_begin(c, name) < 0 ||
		record_event(c, ENTRY_NOTE, "issue.linked", "linked to %s", name) < 0)
		return call_fail(c);
	return call_replyf(c,
		"%s is being linked to %s: it is read now, then its status and priority follow %s.", id,
		name, id);
}

/* ---- unlinked ---- */

struct done issue_unlink(struct call *c, const char *name)
{
	const char *id = words_id(c, c->incident.id);
	struct issue i;
	bool under_way = false;
	int rc;

	if (!issue_rules(c)->url)
		return refuse_unconfigured(c);
	rc = issue_load(c, &i);
	if (rc == -ENOENT)
		return call_refuse(c, "conflict", "%s has no issue; nothing was done.", id);
	if (rc == 0 && !text_equal_fold(name, ISSUE_SYSTEM) &&
		!(i.rec.name && text_equal_fold(name, i.rec.name)))
		return call_refuse(c, "conflict", "%s is not linked to %s but to %s; nothing was done.", id,
			name, i.rec.name ? i.rec.name : "an issue that is not created yet");
	if (rc == 0)
		rc = issue_creating(c, &under_way);
	if (rc < 0)
		return call_fail(c);
	if (under_way)
		return call_refuse(c, "conflict",
			"The issue of %s is being created, and it is not known yet whether it is there; "
			"nothing was done. Try again in a moment: %s",
			id, message_usage(c, "/inc sync #%lld", (long long)c->incident.id));
	call_touch(c);
	if (issue_lane_drop(c, "the issue was unlinked", &under_way) < 0 ||
		(i.ref.key && !i.rec.gone && issue_unmark(c, &i) < 0) ||
		reference_delete(c->store, i.ref.id, &c->err) < 0 || issue_slot_drop(c, SLOT_LABEL) < 0 ||
		issue_slot_drop(c, SLOT_NAME) < 0 ||
		reference_put(c->store,
			&(struct reference){
				.incident = c->incident.id,
				.system = ISSUE_SYSTEM,
				.slot = SLOT_UNWANTED,
				.state = "synced",
				.created_at = c->now,
			},
			&c->err) < 0 ||
		record_event(c, ENTRY_NOTE, "issue.unlinked", "unlinked from %s",
			i.rec.name ? i.rec.name : "its issue, which was not created yet") < 0)
		return call_fail(c);
	return call_replyf(c, "%s and %s go their own ways from now on. A new one: %s", id,
		i.rec.name ? issue_name(c, &i) : "its issue",
		message_usage(c, "/inc link #%lld new", (long long)c->incident.id));
}
