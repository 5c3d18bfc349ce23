/* Opens an incident: the record, what it owes from now on, and what shows it outside (FEATURES B3).
 */
#include <string.h>

#include "base/text.h"
#include "commands/figures.h"
#include "commands/messages.h"
#include "commands/obligations.h"
#include "commands/protected.h"
#include "commands/say.h"
#include "commands/upgrades.h"
#include "commands/verbs.h"
#include "incident/promise.h"
#include "store/incidents.h"

/*
 * Without a word about severity: the middle of the scale. A level too low is seen at once (the
 * answer has the buttons to raise it), a level too high would call people at night for a question.
 * A customer's report is never below level 2 (FEATURES C3).
 */
#define SEVERITY_UNSAID		 3
#define SEVERITY_UNSAID_CUSTOMER 2

static int declared_severity(const struct call *c)
{
	int unsaid = call_flag(c, "customer") || call_flag(c, "paying") ? SEVERITY_UNSAID_CUSTOMER : SEVERITY_UNSAID;

	return (int)call_number(c, "severity", unsaid);
}

static const char *declared_source(const struct call *c)
{
	switch (c->request->source) {
	case REQUEST_CHAT:
		return "chat";
	case REQUEST_SHELL:
		return "manual";
	case REQUEST_TIMER:
	case REQUEST_OUTCOME:
	case REQUEST_EVENT:
		break;
	}
	return "alert";
}

static char *copy_lower(struct call *c, const char *arg)
{
	const char *text = call_text(c, arg);

	return text ? text_lower(c->arena, text) : NULL;
}

static void incident_from_args(struct call *c, const char *title)
{
	struct incident *inc = &c->incident;

	*inc = (struct incident){
		.title = arena_strdup(c->arena, title),
		.severity = declared_severity(c),
		.state = STATE_TRIAGE,
		.services = copy_lower(c, "service"),
		.environment = copy_lower(c, "env"),
		.source = arena_strdup(c->arena, declared_source(c)),
		.reporter = arena_strdup(c->arena, c->actor),
		.customer_reported = call_flag(c, "customer") || call_flag(c, "paying"),
		.impact = arena_strdup(c->arena, call_text(c, "impact")),
		.declared_at = c->now,
		.impact_at = call_number(c, "since", 0),
		.detected_at = c->now,
		.state_at = c->now,
	};
}

/* How large it is when the level is set: growth is counted from here (FEATURES C3). */
static int declare_figures(struct call *c)
{
	struct impact_facts f;

	figures_read(c, &f);
	if (c->incident.impact)
		figures_take(c, c->incident.impact, &f);
	f.paying_customer = call_flag(c, "paying");
	figures_write(c, &f);
	return upgrades_level_set(c);
}

/* Detection (back-dated when it is known since when), then the level it was given. */
static int declare_record(struct call *c, const char *told)
{
	const struct incident *inc = &c->incident;
	struct record_entry detection = {
		.kind = ENTRY_DETECTION,
		.action = "incident.declared",
		.text = arena_printf(c->arena, "%s%s", told,
			inc->customer_reported ? " (reported by a customer)" : ""),
		.happened_at = inc->impact_at,
	};
	int rc = record_entry(c, &detection);

	if (rc == 0)
		rc = record_event(c, ENTRY_TRIAGE, "incident.triage", "declared %s%s by %s",
			words_severity(c, inc->severity),
			call_given(c, "severity") ? "" : " (no severity was named)",
			words_name(c, c->actor));
	return rc;
}

static void add_level_buttons(struct call *c, json_t *doc)
{
	for (int level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++)
		if (level != c->incident.severity)
			doc_button(doc, words_severity(c, level), "severity", c->incident.id,
				json_pack("{s:s}", "level",
					severity_name(&c->config->severity, level)),
				NULL);
}

static struct done declare_answer(struct call *c, const struct upgrade_verdict *v)
{
	const struct incident *inc = &c->incident;
	const char *id = words_id(c, inc->id);
	const char *level = words_severity(c, inc->severity);
	json_t *doc = message_line(c,
		"%s is open, %s → #%s · first update promised for %s · nobody is commander yet", id,
		level, say_channel_name(c), words_time(c, promise_due_at(c, PROMISE_UPDATE, NULL)));

	if (inc->is_private)
		doc_text(doc, arena_printf(c->arena,
				      "It is protected: only you know of it until you let others "
				      "in, as with %s, or by giving them a role.",
				      message_usage(c, "/inc grant #%lld @bob", (long long)inc->id)));
	if (v->fires)
		doc_text(doc, arena_printf(c->arena, "It was raised to %s by rule: %s.", level,
				      v->why));
	else if (!call_given(c, "severity"))
		doc_text(doc,
			arena_printf(c->arena,
				"No severity was named, so it is %s%s. Change it here, or with %s.",
				level, inc->customer_reported ? ", as a customer reported it" : "",
				message_usage(
					c, "/inc sev #%lld <level> why", (long long)inc->id)));
	message_take_button(c, doc, ROLE_COMMANDER);
	if (!call_given(c, "severity"))
		add_level_buttons(c, doc);
	return call_reply(c, doc);
}

/* A protected one gets a number that says nothing, and whoever declared it gets access. */
static int declare_insert(struct call *c)
{
	int rc;

	if (!call_flag(c, "security"))
		return incident_insert(c->store, &c->incident, &c->err);
	rc = protected_insert(c, &c->incident);
	if (rc < 0)
		return rc;
	c->has_incident = true;
	return protected_admit(c, c->actor, "declare");
}

static struct done declare_run(struct call *c)
{
	const char *told = call_text(c, "title");
	struct upgrade_verdict v;
	const char *title = message_short(c, told, INCIDENT_TITLE_MAX - strlen("…"));

	if (!*title)
		return call_refuse_arg(c, "title",
			"Nothing was declared: say in a few words what is wrong, as in %s",
			message_usage(c, "/inc declare sev2 checkout is failing"));
	if (call_number(c, "since", 0) > c->now)
		return call_refuse_arg(c, "since",
			"Nothing was declared: %s has not come yet, so the impact cannot have "
			"begun then.",
			words_time(c, call_number(c, "since", 0)));
	incident_from_args(c, title);
	if (declare_figures(c) < 0 || declare_insert(c) < 0)
		return call_fail(c);
	c->has_incident = true;
	c->roles = (struct role_set){ 0 };
	if (declare_record(c, told) < 0 || promise_make_all(c, true) < 0 || say_open(c) < 0 ||
		upgrades_apply(c, &v) < 0)
		return call_fail(c);
	return declare_answer(c, &v);
}

static void declare_prefill(struct call *c, const char *arg, char **value)
{
	if (strcmp(arg, "severity") == 0 && !*value)
		*value = arena_strdup(
			c->arena, severity_name(&c->config->severity, SEVERITY_UNSAID));
}

static const struct op_alias aliases[] = {
	{ "new", NULL, NULL },
	{ "open", NULL, NULL },
	{ "start", NULL, NULL },
	{ "create", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "title",
		.type = ARG_REST,
		.flags = ARG_REQUIRED,
		.label = "what is wrong",
		.help = "In a few words, as you would tell a colleague" },
	{ .name = "severity",
		.type = ARG_SEVERITY,
		.flags = ARG_ANYWHERE,
		.label = "severity",
		.help = "sev1 to sev4, p0 to p3" },
	{ .name = "impact",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_LONG,
		.label = "impact",
		.help = "Who is affected, and how" },
	{ .name = "service",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_MANY,
		.label = "service",
		.help = "The service it is about; more than one with commas",
		.synonyms = "services",
		.max_bytes = 200 },
	{ .name = "env",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "environment",
		.help = "prod, staging …",
		.synonyms = "environment",
		.max_bytes = 60 },
	{ .name = "since",
		.type = ARG_TIME,
		.flags = ARG_OPTION | ARG_PAST,
		.label = "since",
		.help = "When the impact began: 14:05" },
	{ .name = "customer",
		.type = ARG_FLAG,
		.flags = ARG_OPTION,
		.label = "a customer reported it",
		.help = "A customer reported it" },
	{ .name = "paying",
		.type = ARG_FLAG,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "a paying customer reported it",
		.help = "A paying customer reported it: at least level 2" },
	{ .name = "security",
		.type = ARG_FLAG,
		.flags = ARG_OPTION,
		.label = "protected",
		.help = "Only people with access may know of it: a private channel, no announcement",
		.synonyms = "private protected" },
	{ .name = NULL },
};

const struct operation op_declare = {
	.name = "declare",
	.aliases = aliases,
	.summary = "Open an incident: record, channel, live card, announcement",
	.example = "/inc declare sev2 checkout is failing for EU customers",
	.args = args,
	.need = NEED_NOTHING,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = declare_run,
	.prefill = declare_prefill,
};
