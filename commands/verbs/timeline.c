/* The timeline, newest page first shown, oldest line of it on top (FEATURES F1). */
#include <errno.h>
#include <string.h>

#include "commands/messages.h"
#include "commands/verbs.h"
#include "store/timelines.h"

#define PAGE	  15
#define SHORT_MAX 240 /* bytes of an entry in the list */

static const char *entry_line(struct call *c, const struct timeline_entry *e)
{
	const char *text = words_named(c, e->text);
	bool cut = strlen(text) > SHORT_MAX;
	struct str s;

	str_init_arena(&s, c->arena, 4000);
	mark_date(&s, e->happened_at);
	str_addc(&s, ' ');
	mark_bold(&s, timeline_kind_name(e->kind));
	str_addf(&s, " %s — %s · %lld", message_short(c, text, SHORT_MAX),
		words_name(c, e->author), (long long)e->id);
	if (e->corrects)
		str_addf(&s, ", corrects %lld", (long long)e->corrects);
	if (cut) {
		str_add(&s, " (the rest: ");
		str_add(&s, message_usage(c, "/inc timeline #%lld --entry %lld",
				    (long long)c->incident.id, (long long)e->id));
		str_addc(&s, ')');
	}
	return s.p;
}

/* One entry whole, with everything that is known of it. */
static json_t *entry_doc(struct call *c, const struct timeline_entry *e)
{
	json_t *doc = message_line(
		c, "Entry %lld of %s: %s", (long long)e->id, words_id(c, c->incident.id),
		words_named(c, e->text));
	struct str s;

	str_init_arena(&s, c->arena, 2000);
	str_addf(&s, "%s, happened ", timeline_kind_name(e->kind));
	mark_date(&s, e->happened_at);
	str_add(&s, ", recorded ");
	mark_date(&s, e->recorded_at);
	str_addf(&s, " by %s", words_name(c, e->author));
	if (e->corrects)
		str_addf(&s, ", corrects entry %lld", (long long)e->corrects);
	if (e->source)
		str_addf(&s, ", from %s", e->source);
	doc_context(doc, s.p);
	return doc;
}

static struct done timeline_show_one(struct call *c, int64_t id)
{
	struct timeline_entry e;
	int rc = timeline_load(c->store, c->arena, id, &e, &c->err);

	if (rc < 0 && rc != -ENOENT)
		return call_fail(c);
	/* Of another incident: for whoever asks, it is not there. */
	if (rc == -ENOENT || e.incident != c->incident.id)
		return call_refuse_arg(c, "entry", "%s has no entry %lld.",
			words_id(c, c->incident.id), (long long)id);
	return call_reply(c, entry_doc(c, &e));
}

#define LEGAL_MAX 100

/* The other section: what was concluded, apart from what happened. */
static struct done timeline_legal(struct call *c)
{
	struct timeline_entry *e;
	size_t n;
	json_t *doc;

	if (timeline_legal_list(
		    c->store, c->arena, c->incident.id, LEGAL_MAX, &e, &n, &c->err) < 0)
		return call_fail(c);
	doc = message_line(c, "Legal conclusions on %s: %zu%s", words_id(c, c->incident.id), n,
		n == LEGAL_MAX ? ", the newest" : "");
	for (size_t i = 0; i < n; i++)
		doc_list_item(doc, entry_line(c, &e[i]));
	doc_context(doc, "Facts stand on the timeline; these are left out of it and of exports.");
	return call_reply(c, doc);
}

static int add_legal(struct call *c, json_t *doc)
{
	struct timeline_entry *e;
	size_t n = 0;
	int rc = c->incident.is_private ? timeline_legal_list(c->store, c->arena, c->incident.id,
						  LEGAL_MAX, &e, &n, &c->err) :
					  0;

	if (rc == 0 && n)
		doc_context(doc, arena_printf(c->arena, "Legal conclusions are kept apart: %s",
					 message_usage(c, "/inc timeline #%lld --legal",
						 (long long)c->incident.id)));
	return rc;
}

static struct done timeline_run(struct call *c)
{
	struct timeline_entry *e;
	size_t n;
	int64_t all;
	json_t *doc;

	if (call_given(c, "entry"))
		return timeline_show_one(c, call_number(c, "entry", 0));
	if (call_flag(c, "legal"))
		return timeline_legal(c);
	if (timeline_list(c->store, c->arena, c->incident.id, call_number(c, "before", 0), PAGE + 1,
		    &e, &n, &c->err) < 0 ||
		timeline_count(c->store, c->incident.id, &all, &c->err) < 0)
		return call_fail(c);
	if (n == 0)
		return call_replyf(c, "The timeline of %s has nothing %s.",
			words_id(c, c->incident.id), call_given(c, "before") ? "older" : "yet");
	doc = message_line(c, "Timeline of %s, %s: %lld %s", words_id(c, c->incident.id),
		message_short(c, c->incident.title, 80), (long long)all,
		all == 1 ? "entry" : "entries");
	for (size_t i = n > PAGE ? n - PAGE : 0; i < n; i++)
		doc_list_item(doc, entry_line(c, &e[i]));
	if (n > PAGE)
		doc_button(doc, "Older", "timeline", c->incident.id,
			json_pack("{s:I}", "before", (json_int_t)e[n - PAGE].id), NULL);
	return add_legal(c, doc) < 0 ? call_fail(c) : call_reply(c, doc);
}

static const struct op_alias aliases[] = {
	{ "log", NULL, NULL },
	{ "history", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "before",
		.type = ARG_INTEGER,
		.flags = ARG_OPTION,
		.label = "entry",
		.help = "Older than this entry" },
	{ .name = "entry",
		.type = ARG_INTEGER,
		.flags = ARG_OPTION,
		.label = "entry",
		.help = "This entry alone, whole" },
	{ .name = "legal",
		.type = ARG_FLAG,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "legal",
		.help = "The legal conclusions, which are kept apart (protected incidents)" },
	{ .name = NULL },
};

const struct operation op_timeline = {
	.name = "timeline",
	.aliases = aliases,
	.summary = "What happened so far",
	.example = "/inc timeline",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_READS,
	.right = "incident.read",
	.run = timeline_run,
};
