/* What is not yet outside as the record has it (FEATURES H1, H8): what waits, since when and why,
 * and what was refused. */
#include <errno.h>
#include <string.h>

#include "commands/dispatch.h"
#include "commands/issues.h"
#include "commands/messages.h"
#include "commands/protected.h"
#include "commands/verbs.h"
#include "store/effects.h"

#define LOOK_MAX   500
#define FAILED_MAX 10

static const char *kind_words(enum effect_kind kind)
{
	switch (kind) {
	case EFFECT_CHANNEL_OPEN:
		return "open the channel";
	case EFFECT_CHANNEL_INVITE:
		return "invite people";
	case EFFECT_CHANNEL_RENAME:
		return "rename the channel";
	case EFFECT_CHANNEL_REMOVE:
		return "remove people";
	case EFFECT_CHANNEL_TOPIC:
		return "set the topic";
	case EFFECT_CHANNEL_BOOKMARK:
		return "add a bookmark";
	case EFFECT_MESSAGE_POST:
		return "post a message";
	case EFFECT_MESSAGE_EDIT:
		return "edit a message";
	case EFFECT_MESSAGE_PIN:
		return "pin the card";
	case EFFECT_MESSAGE_PRIVATE:
		return "send a direct message";
	case EFFECT_MESSAGE_FETCH:
		return "read a message";
	case EFFECT_PERSON_FETCH:
		return "look up a person";
	case EFFECT_HOME_SHOW:
		return "show the Home tab";
	case EFFECT_FILE_SHARE:
		return "send a file";
	case EFFECT_ISSUE_CREATE:
		return "create the issue";
	case EFFECT_ISSUE_SYNC:
		return "bring the issue into step";
	case EFFECT_ISSUE_COMMENT:
		return "add a comment";
	case EFFECT_ISSUE_MARK:
		return "link the issue back";
	case EFFECT_ISSUE_POLL:
		return "ask what has changed";
	}
	return "?";
}

/* "slack" → "Slack" */
static const char *system_words(struct call *c, const char *system)
{
	char *name = arena_strdup(c->arena, system);

	if (*name >= 'a' && *name <= 'z')
		*name = (char)(*name - 'a' + 'A');
	return name;
}

static bool seen_before(const struct effect_row *row, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(row[k].system, row[i].system) == 0)
			return true;
	return false;
}

/* One line a system: how many, since when, the last error. */
static void add_system(
	struct call *c, json_t *doc, const struct effect_row *row, size_t n, size_t first)
{
	int64_t oldest = row[first].created_at;
	const char *error = NULL;
	size_t count = 0;
	struct str s;

	for (size_t i = first; i < n; i++) {
		if (strcmp(row[i].system, row[first].system) != 0)
			continue;
		count++;
		if (row[i].created_at < oldest)
			oldest = row[i].created_at;
		if (!error)
			error = row[i].error;
	}
	str_init_arena(&s, c->arena, 1000);
	mark_bold(&s, system_words(c, row[first].system));
	str_addf(&s, " %zu%s %s since %s; first: %s", count, n == LOOK_MAX ? " or more" : "",
		count == 1 ? "change waits" : "changes wait", words_time(c, oldest),
		kind_words(row[first].kind));
	if (error)
		str_addf(&s, " (%s)", message_short(c, error, 200));
	doc_list_item(doc, s.p);
}

static void add_failed(struct call *c, json_t *doc, const struct effect_row *row)
{
	doc_list_item(
		doc, arena_printf(c->arena, "Not done: %s%s%s, %s: %s", kind_words(row->kind),
			     row->incident && !c->has_incident ? " of " : "",
			     row->incident && !c->has_incident ? words_id(c, row->incident) : "",
			     words_time(c, row->ended_at),
			     row->error ? message_short(c, row->error, 200) : "refused"));
}

/* Keeps what is about incidents that the actor may see, in order, at most max. */
static int keep_seen(struct call *c, struct effect_row *row, size_t *n, size_t max)
{
	struct incident inc;
	int64_t last = 0;
	size_t kept = 0;
	int rc = 0;

	for (size_t i = 0; i < *n && kept < max; i++) {
		if (row[i].incident && row[i].incident != last)
			rc = protected_load(c, row[i].incident, &inc, NULL);
		if (rc < 0 && rc != -ENOENT)
			return rc;
		last = row[i].incident;
		if (!last || rc == 0)
			row[kept++] = row[i];
	}
	*n = kept;
	return 0;
}

/* What was refused is tried once more, and what waits for its next attempt goes now. */
static struct done sync_retry(struct call *c, const struct effect_row *wait, size_t waits,
	const struct effect_row *fail, size_t fails)
{
	size_t issues = 0;
	int rc = issue_retry(c, &issues);

	for (size_t i = 0; rc == 0 && i < fails; i++)
		rc = effect_revive(c->store, fail[i].id, c->now, &c->err);
	for (size_t i = 0; rc == 0 && i < waits; i++)
		if (wait[i].due_at > c->now)
			rc = effect_hasten(c->store, wait[i].lane, c->now, c->now + VERIFY_AFTER_MS, &c->err);
	if (rc < 0)
		return call_fail(c);
	fails += issues;
	if (!fails && !waits)
		return call_replyf(c, "There is nothing to try again.");
	if (record_audit(c, c->has_incident ? "incident" : "effect",
		    c->has_incident ? c->incident.id : 0, "info", "effect.retried", NULL) < 0)
		return call_fail(c);
	deliver_expect_any(c->desk);
	return call_replyf(
		c, "Trying again now: %zu that were refused, %zu that wait.", fails, waits);
}

static struct done sync_run(struct call *c)
{
	int64_t incident = c->has_incident ? c->incident.id : 0;
	const char *where = incident ? words_id(c, incident) : "everything";
	struct effect_row *wait, *fail;
	size_t waits, fails;
	json_t *doc;

	if (effect_open_list(c->store, c->arena, incident, LOOK_MAX, &wait, &waits, &c->err) < 0 ||
		effect_failed_list(
			c->store, c->arena, incident, LOOK_MAX, &fail, &fails, &c->err) < 0 ||
		keep_seen(c, wait, &waits, LOOK_MAX) < 0 ||
		keep_seen(c, fail, &fails, FAILED_MAX) < 0)
		return call_fail(c);
	if (call_flag(c, "retry"))
		return sync_retry(c, wait, waits, fail, fails);
	if (!waits && !fails) {
		/* Says nothing of what is in conflict or gone: issue_explain does. */
		doc = message_line(c, "Of %s nothing waits to be sent, and nothing was refused.", where);
		issue_explain(c, doc);
		return call_reply(c, doc);
	}
	doc = message_line(c, "Outside, %s: %zu %s, %zu %s", where, waits,
		waits == 1 ? "waits" : "wait", fails, fails == 1 ? "was refused" : "were refused");
	for (size_t i = 0; i < waits; i++)
		if (!seen_before(wait, i))
			add_system(c, doc, wait, waits, i);
	for (size_t i = 0; i < fails; i++)
		add_failed(c, doc, &fail[i]);
	issue_explain(c, doc);
	if (waits)
		doc_context(doc, "What waits is sent in order as soon as the other side takes it.");
	doc_button(doc, fails ? "Retry" : "Try now", "sync", incident,
		json_pack("{s:b}", "retry", 1), NULL);
	return call_reply(c, doc);
}

static const struct arg_def args[] = {
	{ .name = "retry",
		.type = ARG_FLAG,
		.flags = ARG_OPTION,
		.label = "try again",
		.help = "What was refused once more, and what waits now" },
	{ .name = NULL },
};

static const struct op_alias aliases[] = {
	{ "pending", NULL, NULL },
	{ NULL, NULL, NULL },
};

const struct operation op_sync = {
	.name = "sync",
	.aliases = aliases,
	.summary = "What is not outside yet, and why",
	.example = "/inc sync",
	.args = args,
	.need = NEED_NOTHING,
	.flags = OP_READS, /* the record stays as it is; a retry is audited here */
	.right = "incident.write",
	.run = sync_run,
};
