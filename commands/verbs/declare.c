/* Opens an incident: the record, what it owes from now on, and what shows it outside (FEATURES B3).
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "commands/diagnosing.h"
#include "commands/figures.h"
#include "commands/issues.h"
#include "commands/messages.h"
#include "commands/obligations.h"
#include "commands/protected.h"
#include "commands/reading.h"
#include "commands/say.h"
#include "commands/upgrades.h"
#include "commands/verbs.h"
#include "incident/promise.h"
#include "store/incidents.h"
#include "store/references.h"

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
	case REQUEST_API:
		return "api";
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

	if (rc < 0)
		return rc;
	return record_entry(c,
		&(struct record_entry){
			.kind = ENTRY_TRIAGE,
			.text = arena_printf(c->arena, "declared %s%s by %s",
				words_severity(c, inc->severity),
				call_given(c, "severity") ? "" : " (no severity was named)",
				words_name(c, c->actor)),
		});
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

/* A message that somebody made an incident of: its words, and where they stand. */
static int declare_message(struct call *c)
{
	const char *link = call_text(c, "link"), *quote = call_text(c, "quote");
	json_t *meta;
	int rc;

	if (!link && !quote)
		return 0;
	meta = json_pack("{s:s*}", "url", link);
	rc = record_entry(c,
		&(struct record_entry){
			.kind = ENTRY_DETECTION,
			.text = arena_printf(c->arena, "reported in%s%s%s%s", link ? " " : " a message",
				link ? link : "", quote ? ": " : "", quote ? quote : ""),
			.source = link,
			.meta = json_text(c->arena, meta),
		});
	json_decref(meta);
	return rc;
}

/* A tool's finding that somebody made an incident of. */
static int declare_diagnosis(struct call *c)
{
	const char *text = call_text(c, "diagnosis");
	struct diagnosis d;
	int rc;

	if (!text)
		return 0;
	rc = diagnosis_find(c, diagnosis_number(text), &d);
	return rc < 0 ? rc : diagnosis_attach_here(c, &d);
}

/* What people write in a protected channel is not for everybody: the form says so. */
static int message_protects(struct call *c)
{
	struct reference ref;
	struct incident inc;
	size_t index;
	int rc = -ENOENT;

	if (c->request->place.channel)
		rc = reference_by_key(
			c->store, c->arena, c->request->place.channel, &ref, &c->err);
	if (rc == 0)
		rc = incident_load(c->store, c->arena, ref.incident, &inc, &c->err);
	if (rc == -ENOENT || (rc == 0 && !inc.is_private))
		return 0;
	if (rc == 0 && arg_find(c->op, "security", strlen("security"), &index))
		rc = arg_take(c, index, "true");
	return rc;
}

/* Out of a message, the form is shown before anything is opened. */
static struct done declare_ask(struct call *c)
{
	return message_protects(c) < 0 ? call_fail(c) :
		message_form(c, "Out of the message %s",
			call_given(c, "link") ? call_text(c, "link") : "");
}

/* Why not, for people; NULL. */
static const char *declare_origin_wrong(struct call *c)
{
	const char *link = call_text(c, "link"), *text = call_text(c, "diagnosis");
	struct diagnosis d;
	int rc;

	if (link && !diagnosis_url_valid(link))
		return "a link begins with https:// or http:// and names a host";
	if (!text)
		return NULL;
	rc = diagnosis_find(c, diagnosis_number(text), &d);
	if (rc == 0 && d.incident)
		return arena_printf(c->arena, "%s is attached to %s already", text,
			words_id(c, d.incident));
	return rc < 0 ? arena_printf(c->arena, "there is no diagnosis %s", text) : NULL;
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
	const char *wrong = declare_origin_wrong(c);
	if (wrong)
		return call_refuse(c, "usage", "Nothing was declared: %s.", wrong);
	if (call_given(c, "quote") && c->request->operation && message_may_ask(c))
		return declare_ask(c);
	incident_from_args(c, title);
	if (declare_figures(c) < 0 || declare_insert(c) < 0)
		return call_fail(c);
	c->has_incident = true;
	c->fresh = true;
	c->roles = (struct role_set){ 0 };
	if (declare_record(c, told) < 0 || declare_message(c) < 0 || declare_diagnosis(c) < 0 ||
		promise_make_all(c, true) < 0 || say_open(c) < 0 ||
		upgrades_apply(c, &v) < 0 || issue_wanted(c) < 0)
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
	{ .name = "link",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "link",
		.help = "Where it was reported: https://…",
		.max_bytes = 1000 },
	{ .name = "quote",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_NO_FORM | ARG_LONG,
		.label = "quote",
		.help = "What was written there",
		.max_bytes = 2000 },
	{ .name = "diagnosis",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "diagnosis",
		.help = "The diagnosis that it comes from: D3",
		.max_bytes = 20 },
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
