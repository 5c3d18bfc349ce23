/* Follow-ups by what people ask for: mine, overdue, of a service (FEATURES K1). By due date, one
 * line each. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "commands/following.h"
#include "commands/messages.h"
#include "commands/protected.h"
#include "commands/verbs.h"
#include "store/incidents.h"
#include "store/learning.h"

#define PAGE	 10
#define LOOK_MAX 500

struct wanted {
	struct followup_filter filter;
	bool mine, overdue, all, here; /* here: of c->incident alone */
};

/* What stands in the text is what could stand as an option. 0, or -EINVAL. */
static int take_words(struct call *c, struct wanted *w)
{
	char *text = arena_strdup(c->arena, call_text(c, "text")), *rest = NULL, *next;

	for (char *word = text ? strtok_r(text, " ,", &rest) : NULL; word;
		word = strtok_r(NULL, " ,", &rest)) {
		if (text_equal_fold(word, "mine") || text_equal_fold(word, "my"))
			w->mine = true;
		else if (text_equal_fold(word, "overdue") || text_equal_fold(word, "late"))
			w->overdue = true;
		else if (text_equal_fold(word, "all"))
			w->all = true;
		else if (text_equal_fold(word, "open"))
			w->all = false;
		else if (text_equal_fold(word, "service") && (next = strtok_r(NULL, " ,", &rest)))
			w->filter.service = text_lower(c->arena, next);
		else
			return -EINVAL;
	}
	return 0;
}

static int wanted_read(struct call *c, struct wanted *w)
{
	struct incident_filter seen;

	*w = (struct wanted){ 0 };
	incident_filter_init(&seen);
	protected_filter(c, c->actor, &seen);
	followup_filter_init(&w->filter);
	w->filter.viewer = seen.viewer;
	w->filter.sees_all = seen.sees_all;
	w->filter.limit = LOOK_MAX;
	w->mine = call_flag(c, "mine");
	w->overdue = call_flag(c, "overdue");
	w->all = call_flag(c, "all");
	w->filter.owner = call_text(c, "owner");
	if (call_given(c, "service"))
		w->filter.service = text_lower(c->arena, call_text(c, "service"));
	if (call_given(c, "env"))
		w->filter.environment = text_lower(c->arena, call_text(c, "env"));
	if (take_words(c, w) < 0)
		return -EINVAL;
	if (w->mine)
		w->filter.owner = c->actor;
	if (w->overdue)
		w->filter.due_before = c->now;
	else if (w->all)
		w->filter.state = -1;
	w->here = c->has_incident && !w->overdue && !w->filter.owner && !w->filter.service &&
		  !w->filter.environment;
	if (w->here)
		w->filter.incident = c->incident.id;
	return 0;
}

static const char *head(struct call *c, const struct wanted *w, const struct followup *f, size_t n)
{
	size_t late = 0;
	struct str s;

	for (size_t i = 0; i < n; i++)
		late += followup_overdue(&f[i], c->now);
	str_init_arena(&s, c->arena, 1000);
	str_addf(&s, "%s%s%s %s", n ? arena_printf(c->arena, "%zu", n) : "No",
		n == LOOK_MAX ? " or more" : "",
		w->all	     ? ""
		: w->overdue ? " overdue"
			     : " open",
		n == 1 ? "follow-up" : "follow-ups");
	if (w->mine)
		str_add(&s, " of yours");
	else if (w->filter.owner)
		str_addf(&s, " of %s", words_name(c, w->filter.owner));
	if (w->filter.service)
		str_addf(&s, " for %s", w->filter.service);
	if (w->filter.environment)
		str_addf(&s, " in %s", w->filter.environment);
	if (w->here)
		str_addf(&s, " of %s", words_id(c, c->incident.id));
	if (late && !w->overdue)
		str_addf(&s, ", %zu overdue", late);
	return s.p;
}

static json_t *next_page(struct call *c, const struct wanted *w, int64_t page)
{
	return json_pack("{s:s, s:b, s:b, s:b, s:s*, s:s*, s:s*}", "page",
		arena_printf(c->arena, "%lld", (long long)page), "mine", w->mine, "overdue",
		w->overdue, "all", w->all, "owner", w->mine ? NULL : w->filter.owner, "service",
		w->filter.service, "env", w->filter.environment);
}

static json_t *line_data(struct call *c, const struct followup *f)
{
	return json_pack("{s:I, s:s, s:I, s:s, s:s*, s:i, s:I, s:s, s:s, s:s*, s:b}", "id",
		(json_int_t)f->id, "incident", words_id(c, f->incident), "incident_id",
		(json_int_t)f->incident, "title", f->title, "owner", f->owner, "priority",
		f->priority, "due_at", (json_int_t)f->due_at, "state",
		followup_state_name(f->state), "class", followup_class_name(f->class), "signal",
		f->signal, "overdue", followup_overdue(f, c->now));
}

static struct done list(struct call *c, const struct wanted *w)
{
	int64_t page = call_number(c, "page", 0);
	size_t n, from, to;
	struct followup *f;
	json_t *doc, *data;

	if (followup_find(c->store, c->arena, &w->filter, &f, &n, &c->err) < 0)
		return call_fail(c);
	from = page > 0 && page < LOOK_MAX ? (size_t)page * PAGE : 0;
	from = from < n ? from : 0;
	to = n - from > PAGE ? from + PAGE : n;
	doc = message_line(c, "%s", head(c, w, f, n));
	data = json_array();
	/* In chat the page is seen, elsewhere the data. */
	if (c->request->source == REQUEST_CHAT)
		following_looked(c, f + from, to - from, c->actor);
	else
		following_looked(c, f, n, c->actor);
	for (size_t i = from; i < to; i++)
		doc_list_item(doc, following_line(c, &f[i], !w->here));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(data, line_data(c, &f[i]));
	json_object_set_new(doc, "data", json_pack("{s:o}", "followups", data));
	if (to < n)
		doc_button(doc, arena_printf(c->arena, "%zu more", n - to), "followups",
			w->here ? c->incident.id : 0, next_page(c, w, (int64_t)(to / PAGE)), NULL);
	if (w->here && !c->incident.merged_into)
		doc_button(doc, "Add one", "followup", c->incident.id, NULL, NULL);
	if (n == 0 && !w->all && !w->overdue)
		doc_context(doc, arena_printf(c->arena, "Ended ones too: %s",
					 message_usage(c, "/inc followups all")));
	return call_reply(c, doc);
}

static struct done run(struct call *c)
{
	struct wanted w;
	struct followup f;
	int rc;

	if (call_given(c, "id")) {
		rc = following_load(c, call_number(c, "id", 0), &f);
		if (rc == -ENOENT)
			return following_absent(c, call_number(c, "id", 0));
		return rc < 0 ? call_fail(c) : call_reply(c, following_doc(c, &f));
	}
	if (wanted_read(c, &w) < 0)
		return call_refuse_arg(c, "text",
			"Follow-ups are listed by %s; nothing else was understood.",
			message_usage(
				c, "/inc followups mine, overdue, all, @bob, service checkout"));
	return list(c, &w);
}

static const struct op_alias aliases[] = {
	{ "follow-ups", NULL, NULL },
	{ "action-items", NULL, NULL },
	{ "todos", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "id",
		.type = ARG_INTEGER,
		.flags = ARG_LEADING | ARG_FOLLOWUP | ARG_NO_FORM,
		.label = "F12",
		.help = "Show this one" },
	{ .name = "text",
		.type = ARG_REST,
		.label = "which",
		.help = "mine, overdue, all (ended ones too), service checkout" },
	{ .name = "owner",
		.type = ARG_PERSON,
		.flags = ARG_ANYWHERE,
		.label = "owner",
		.help = "Those of this person" },
	{ .name = "service",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "service",
		.help = "After incidents of this service" },
	{ .name = "env",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "environment",
		.help = "After incidents in this environment",
		.synonyms = "environment" },
	{ .name = "mine",
		.type = ARG_FLAG,
		.flags = ARG_OPTION,
		.label = "mine",
		.help = "Those that I own" },
	{ .name = "overdue",
		.type = ARG_FLAG,
		.flags = ARG_OPTION,
		.label = "overdue",
		.help = "Those whose day has passed" },
	{ .name = "all",
		.type = ARG_FLAG,
		.flags = ARG_OPTION,
		.label = "all",
		.help = "Ended ones too" },
	{ .name = "page",
		.type = ARG_INTEGER,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "page",
		.help = "Counted from 0" },
	{ .name = NULL },
};

const struct operation op_followups = {
	.name = "followups",
	.aliases = aliases,
	.summary = "List follow-ups by due date: of this incident, mine, overdue, of a service",
	.example = "/inc followups overdue service checkout",
	.args = args,
	.need = NEED_NOTHING,
	.flags = OP_READS,
	.right = "incident.read",
	.run = run,
};
