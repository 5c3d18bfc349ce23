/* Something for the timeline (FEATURES F1, F2): back-dated when it begins with a time, and a
 * correction points to what it corrects. */
#include <errno.h>

#include "commands/messages.h"
#include "commands/obligations.h"
#include "commands/verbs.h"
#include "store/timelines.h"

/* Is the entry on this incident's timeline? 1, 0 or -errno. */
static int entry_exists(struct call *c, int64_t id)
{
	struct timeline_entry e;
	int rc = timeline_load(c->store, c->arena, id, &e, &c->err);

	if (rc == -ENOENT)
		return 0;
	return rc < 0 ? rc : e.incident == c->incident.id;
}

/* Conclusions of lawyers are for those with access alone, and apart from the facts (FEATURES G3). */
static struct done refuse_legal(struct call *c)
{
	return call_refuse(c, "conflict",
		"Nothing was noted: legal conclusions are kept on protected incidents only, and %s is "
		"public. Protect it first: %s",
		words_id(c, c->incident.id),
		message_usage(c, "/inc protect #%lld why", (long long)c->incident.id));
}

/* A new hypothesis and a decision are a change of approach (FEATURES E8). */
static int note_settle(struct call *c, enum timeline_kind kind)
{
	return kind == ENTRY_HYPOTHESIS || kind == ENTRY_DECISION ? obligation_strategy(c) : 0;
}

static struct done note_run(struct call *c)
{
	struct record_entry entry = {
		.kind = ENTRY_NOTE,
		.action = "timeline.noted",
		.text = call_text(c, "text"),
		.happened_at = call_number(c, "at", 0),
		.corrects = call_number(c, "correct", 0),
	};
	int found = 1;

	if (call_given(c, "kind") && !timeline_kind_parse(call_text(c, "kind"), &entry.kind))
		return call_refuse_arg(
			c, "kind", "There is no kind of entry “%s”.", call_text(c, "kind"));
	if (entry.happened_at > c->now)
		return call_refuse_arg(c, "at", "Nothing was noted: %s has not come yet.",
			words_time(c, entry.happened_at));
	if (call_flag(c, "legal")) {
		if (!c->incident.is_private)
			return refuse_legal(c);
		entry.kind = ENTRY_NOTE;
		entry.action = "timeline.legal_noted";
		entry.meta = TIMELINE_LEGAL;
	}
	if (entry.corrects)
		found = entry_exists(c, entry.corrects);
	if (found == 0)
		return call_refuse_arg(c, "correct",
			"Nothing was noted: %s has no entry %lld. The numbers are in %s.",
			words_id(c, c->incident.id), (long long)entry.corrects,
			message_usage(c, "/inc timeline #%lld", (long long)c->incident.id));
	if (found < 0 || record_entry(c, &entry) < 0 || note_settle(c, entry.kind) < 0)
		return call_fail(c);
	return call_replyf(c, "On the timeline of %s as %s %s, %s%s", words_id(c, c->incident.id),
		entry.kind == ENTRY_ACTION ? "an" : "a",
		entry.meta ? "legal conclusion, apart from the facts" :
			     timeline_kind_name(entry.kind),
		words_time(c, entry.happened_at ? entry.happened_at : c->now),
		entry.corrects ? arena_printf(c->arena, ", correcting entry %lld",
					 (long long)entry.corrects)
			       : "");
}

static const char *const kinds[] = {
	"note",
	"fact",
	"hypothesis",
	"decision",
	"action",
	"mitigation",
	"detection",
	"triage",
	"communication",
	NULL,
};

static const struct op_alias aliases[] = {
	{ "fact", "kind", "fact" },
	{ "hypothesis", "kind", "hypothesis" },
	{ "decision", "kind", "decision" },
	{ "action", "kind", "action" },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "at",
		.type = ARG_TIME,
		.flags = ARG_LEADING | ARG_PAST,
		.label = "time",
		.help = "When it happened, if not just now: 14:12" },
	{ .name = "text",
		.type = ARG_REST,
		.flags = ARG_REQUIRED | ARG_LONG,
		.label = "what happened",
		.help = "One sentence is enough" },
	{ .name = "kind",
		.type = ARG_CHOICE,
		.flags = ARG_OPTION,
		.label = "kind",
		.help = "What it is: fact, hypothesis, decision …",
		.choices = kinds },
	{ .name = "correct",
		.type = ARG_INTEGER,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "entry",
		.help = "The number of the entry that this corrects",
		.synonyms = "corrects" },
	{ .name = "legal",
		.type = ARG_FLAG,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "legal",
		.help = "A legal conclusion: kept apart from the facts, on protected incidents only" },
	{ .name = NULL },
};

const struct operation op_note = {
	.name = "note",
	.aliases = aliases,
	.summary = "Put something on the timeline: note, fact, hypothesis, decision, action",
	.example = "/inc note 14:12 deploy of v2.31 started",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM | OP_MERGED,
	.right = "incident.write",
	.run = note_run,
};
