/* Incidents by what people remember of them (FEATURES B6), one line each, readable on a phone. */
#include "commands/messages.h"
#include "commands/protected.h"
#include "commands/relate.h"
#include "commands/search.h"
#include "commands/verbs.h"

#define PAGE 10

static const char *list_line(struct call *c, const struct incident *inc)
{
	struct role_set roles = { 0 };
	const char *commander;
	struct str s;

	str_init_arena(&s, c->arena, 2000);
	mark_bold(&s, arena_printf(c->arena, "%s %s", words_id(c, inc->id),
			      words_severity(c, inc->severity)));
	str_addf(&s, " %s · %s since %s", message_short(c, inc->title, 100), relate_state(c, inc),
		words_time(c, inc->state_at));
	if (inc->services && *inc->services)
		str_addf(&s, " · %s", inc->services);
	if (state_active(inc->state) &&
		role_list(c->store, c->arena, inc->id, &roles, &c->err) == 0) {
		commander = role_person(&roles, ROLE_COMMANDER);
		str_addf(&s, " · %s", commander ? words_name(c, commander) : "no commander");
	}
	return s.p;
}

/* The same search, from there on. */
static json_t *next_page(struct call *c, int64_t page)
{
	static const char *const kept[] = { "text", "service", "env", "state", "since", "until",
		"source", "owner" };
	json_t *more = json_pack("{s:s}", "page", arena_printf(c->arena, "%lld", (long long)page));

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (call_given(c, kept[i]))
			json_object_set_new(more, kept[i], json_string(call_text(c, kept[i])));
	if (call_given(c, "severity"))
		json_object_set_new(more, "severity",
			json_string(severity_name(&c->config->severity,
				(int)call_number(c, "severity", SEVERITY_LEAST))));
	if (call_flag(c, "mine"))
		json_object_set_new(more, "mine", json_true());
	if (call_flag(c, "all"))
		json_object_set_new(more, "all", json_true());
	return more;
}

static struct done list_none(struct call *c, const struct search *s, bool filtered)
{
	json_t *doc = message_line(c, "%s%s%s.", s->all ? "No incident" : "No open incident",
		s->mine ? " of yours" : "",
		filtered ? " fits"
		: s->all ? " yet"
			 : "");

	if (!s->all)
		doc_button(doc, "Ended ones too", "list", 0, NULL, NULL);
	return call_reply(c, doc);
}

static struct done list_run(struct call *c)
{
	struct search s;
	struct incident *found;
	size_t n, from, to;
	int64_t page = call_number(c, "page", 0);
	json_t *doc;

	search_from_args(c, &s);
	protected_filter(c, c->actor, &s.filter);
	if (incident_find(c->store, c->arena, &s.filter, &found, &n, &c->err) < 0)
		return call_fail(c);
	from = page > 0 && page < SEARCH_MAX ? (size_t)page * PAGE : 0;
	if (n == 0 || from >= n)
		return list_none(c, &s,
			s.filter.text || s.filter.severity || s.filter.service ||
				s.filter.environment || s.filter.source || s.filter.state >= 0 ||
				s.filter.since || s.filter.until || call_given(c, "owner") ||
				from > 0);
	to = n - from > PAGE ? from + PAGE : n;
	doc = message_line(c, "%zu%s %s%s%s", n, n == SEARCH_MAX ? " or more" : "",
		s.all ? "" : "open ", n == 1 ? "incident" : "incidents", s.mine ? " of yours" : "");
	for (size_t i = from; i < to; i++) {
		protected_looked(c, &found[i], c->actor);
		doc_list_item(doc, list_line(c, &found[i]));
	}
	if (to < n)
		doc_button(doc, arena_printf(c->arena, "%zu more", n - to), "list", 0,
			next_page(c, (int64_t)(to / PAGE)), NULL);
	return call_reply(c, doc);
}

static const char *const states[] = {
	"triage",
	"investigating",
	"identified",
	"mitigating",
	"monitoring",
	"resolved",
	"closed",
	"cancelled",
	"auto_resolved",
	NULL,
};

static const struct op_alias aliases[] = {
	{ "ls", NULL, NULL },
	{ "incidents", NULL, NULL },
	{ "search", "all", "true" },
	{ "find", "all", "true" },
	{ "mine", "mine", "true" },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "text",
		.type = ARG_REST,
		.label = "words",
		.help = "Words of title, impact or service; also service:payments, env:prod, a "
			"state, mine, all" },
	{ .name = "severity",
		.type = ARG_SEVERITY,
		.flags = ARG_ANYWHERE,
		.label = "severity",
		.help = "Of this level only" },
	{ .name = "state",
		.type = ARG_CHOICE,
		.flags = ARG_OPTION,
		.label = "state",
		.help = "In this state only",
		.choices = states },
	{ .name = "service",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "service",
		.help = "About this service only" },
	{ .name = "env",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "environment",
		.help = "In this environment only",
		.synonyms = "environment" },
	{ .name = "since",
		.type = ARG_TIME,
		.flags = ARG_OPTION | ARG_PAST,
		.label = "since",
		.help = "Declared since then" },
	{ .name = "until",
		.type = ARG_TIME,
		.flags = ARG_OPTION | ARG_PAST,
		.label = "until",
		.help = "Declared until then" },
	{ .name = "source",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "source",
		.help = "How it was declared: chat, manual, api, webhook, alert" },
	{ .name = "owner",
		.type = ARG_PERSON,
		.flags = ARG_OPTION,
		.label = "owner",
		.help = "Where this person has a role, or which they declared",
		.synonyms = "person" },
	{ .name = "mine",
		.type = ARG_FLAG,
		.flags = ARG_OPTION,
		.label = "mine",
		.help = "Where I have a role, or which I declared" },
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

const struct operation op_list = {
	.name = "list",
	.aliases = aliases,
	.summary = "List open incidents, or find others",
	.example = "/inc list sev1 service:payments",
	.args = args,
	.need = NEED_NOTHING,
	.flags = OP_READS,
	.right = "incident.read",
	.run = list_run,
};
