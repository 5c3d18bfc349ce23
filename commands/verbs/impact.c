/* Who is affected, how much, since when, in words and in figures (FEATURES F3). Shown on the card,
 * so it is not posted as well. Figures are taken out of the words; an option says one by itself, and
 * "unknown" takes it back. */
#include <ctype.h>
#include <string.h>

#include "base/duration.h"
#include "base/text.h"
#include "commands/figures.h"
#include "commands/messages.h"
#include "commands/upgrades.h"
#include "commands/reading.h"
#include "commands/verbs.h"

/* "25% checkout since 14:02, no data loss": takes the last "since <time>" out, where it ends a clause,
 * and gives the time; 0 when there is none. */
static int64_t since_cut(struct call *c, char *text)
{
	static const struct arg_def moment = { .name = "since", .type = ARG_TIME, .flags = ARG_PAST };
	struct arg_value at = { 0 };
	char *last = NULL, *rest;
	size_t n;

	for (char *p = text; *p; p++)
		if (text_prefix_fold("since ", p) && (p == text || isspace((unsigned char)p[-1])))
			last = p;
	if (!last)
		return 0;
	rest = last + strlen("since ");
	/* "20m ago" too: kept as words it would be wrong a minute later. */
	n = value_moment(c, &moment, rest, true, &at);
	rest += n;
	if (n == 0 || (*rest && !strchr(",;.", *rest)))
		return 0;
	while (last > text && strchr(" ,;", last[-1]))
		last--;
	if (last == text)
		rest += strspn(rest, " ,;.");
	memmove(last, rest, strlen(rest) + 1);
	return at.number;
}

/* ---- the options ---- */

static bool set_count(int64_t *to, const char *text)
{
	return figures_count(text, to);
}

static bool set_users(struct impact_facts *f, const char *text)
{
	return set_count(&f->users, text);
}

static bool set_tickets(struct impact_facts *f, const char *text)
{
	return set_count(&f->tickets, text);
}

static bool set_share(struct impact_facts *f, const char *text)
{
	return figures_permille(text, &f->share_permille);
}

static bool set_budget(struct impact_facts *f, const char *text)
{
	return figures_permille(text, &f->budget_permille);
}

static bool set_loss(struct impact_facts *f, const char *text)
{
	return tri_parse(text, &f->data_loss);
}

static bool set_corruption(struct impact_facts *f, const char *text)
{
	return tri_parse(text, &f->data_corruption);
}

static const struct {
	const char *arg;
	bool (*set)(struct impact_facts *f, const char *text);
	const char *like; /* what is understood */
} measures[] = {
	{ "users", set_users, "a number, as 1200 or 1.2k" },
	{ "share", set_share, "a share up to 100 %, as 25%" },
	{ "budget", set_budget, "a share up to 100 %, as 40%" },
	{ "tickets", set_tickets, "a number" },
	{ "data-loss", set_loss, "yes, no or unknown" },
	{ "corruption", set_corruption, "yes, no or unknown" },
};

static bool says_unknown(const char *text)
{
	enum tri t;

	return tri_parse(text, &t) && t == TRI_UNKNOWN;
}

/* Back to what nobody knows. */
static void measure_forget(struct impact_facts *f, const char *arg)
{
	struct impact_facts none;

	impact_init(&none);
	if (strcmp(arg, "users") == 0)
		f->users = none.users;
	else if (strcmp(arg, "share") == 0)
		f->share_permille = none.share_permille;
	else if (strcmp(arg, "budget") == 0)
		f->budget_permille = none.budget_permille;
	else
		f->tickets = none.tickets;
}

/* The first argument that makes no sense; NULL when all do. */
static const char *measures_take(struct call *c, struct impact_facts *f, const char **like)
{
	for (size_t i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
		const char *text = call_text(c, measures[i].arg);

		if (!text || measures[i].set(f, text))
			continue;
		*like = measures[i].like;
		if (!says_unknown(text))
			return measures[i].arg;
		measure_forget(f, measures[i].arg);
	}
	return NULL;
}

static void texts_take(struct call *c, struct impact_facts *f)
{
	const struct {
		const char *arg;
		char **to;
	} texts[] = {
		{ "journeys", &f->journeys },
		{ "critical", &f->critical_period },
		{ "revenue", &f->revenue },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *text = call_text(c, texts[i].arg);

		if (text)
			*texts[i].to = says_unknown(text) ? NULL : arena_strdup(c->arena, text);
	}
	if (call_given(c, "paying"))
		f->paying_customer = call_flag(c, "paying");
	if (call_given(c, "until"))
		f->ended_at = call_number(c, "until", 0);
}

/* ---- the answer ---- */

static void add_figures(struct call *c, json_t *doc, const struct impact_facts *f)
{
	struct figure figure[FIGURE_COUNT];
	struct str unknown;

	str_init_arena(&unknown, c->arena, 1000);
	figures_list(c, f, false, figure);
	for (size_t i = 0; i < FIGURE_COUNT; i++) {
		if (figure[i].value)
			doc_field(doc, figure[i].label, figure[i].value);
		else
			str_addf(&unknown, "%s%s", unknown.len ? ", " : "", figure[i].key);
	}
	if (unknown.len)
		doc_context(doc, arena_printf(c->arena, "Unknown: %s. Say one with %s", unknown.p,
					 message_usage(c, "/inc impact #%lld --users 1200",
						 (long long)c->incident.id)));
}

static struct done impact_tell(struct call *c, const struct upgrade_verdict *v)
{
	const struct incident *inc = &c->incident;
	struct impact_facts f;
	json_t *doc;

	if (!inc->impact && !inc->impact_at && !inc->facts)
		return call_replyf(c, "The impact of %s is not known yet. Say it: %s",
			words_id(c, inc->id),
			message_usage(c, "/inc impact #%lld 25%% of checkouts since 14:02",
				(long long)inc->id));
	figures_read(c, &f);
	doc = message_line(c, "Impact of %s: %s%s%s%s%s", words_id(c, inc->id),
		inc->impact ? inc->impact : "not described", inc->impact_at ? ", since " : "",
		inc->impact_at ? words_time(c, inc->impact_at) : "", v && v->fires ? "." : "",
		v ? upgrades_words(c, v) : "");
	add_figures(c, doc, &f);
	return call_reply(c, doc);
}

/* What the options said, for the timeline; the words speak for themselves. */
static const char *plain_figures(struct call *c, const struct impact_facts *f)
{
	struct figure figure[FIGURE_COUNT];
	struct str s;

	str_init_arena(&s, c->arena, 8000);
	figures_list(c, f, true, figure);
	for (size_t i = 0; i < FIGURE_COUNT; i++)
		if (call_given(c, figure[i].key))
			str_addf(&s, "; %s: %s", figure[i].key,
				figure[i].value ? figure[i].value : "unknown");
	return s.p;
}

/* A share that was said just now, not one that is known from before. */
static bool share_said(struct call *c)
{
	struct impact_facts said;

	impact_init(&said);
	if (call_given(c, "text"))
		impact_from_text(c->arena, call_text(c, "text"), c->zone, c->now, &said);
	return call_given(c, "share") || said.share_permille >= 0;
}

/* meta: the figures as they are from now on, and the share when it was said. */
static int impact_record(struct call *c, const struct impact_facts *f)
{
	const struct incident *inc = &c->incident;
	JSON_CLEANUP json_t *meta = impact_json(f);

	json_object_del(meta, "began_at");
	if (f->share_permille >= 0 && share_said(c))
		json_object_set_new(meta, "share_percent", json_real(f->share_permille / 10.0));
	if (inc->impact_at)
		json_object_set_new(meta, "since", json_integer(inc->impact_at));
	return record_entry(
		c, &(struct record_entry){
			   .kind = ENTRY_FACT,
			   .action = "incident.impact",
			   .text = arena_printf(c->arena, "impact: %s%s%s%s",
				   inc->impact ? inc->impact : "not described",
				   inc->impact_at ? ", since " : "",
				   inc->impact_at ? message_plain_time(c, inc->impact_at) : "",
				   plain_figures(c, f)),
			   .meta = json_text(c->arena, meta),
		   });
}

/* ---- run ---- */

static bool says_anything(const struct call *c)
{
	for (const struct arg_def *d = c->op->args; d->name; d++)
		if (call_given(c, d->name))
			return true;
	return false;
}

static struct done refuse_time(struct call *c, const char *arg, int64_t at)
{
	return call_refuse_arg(
		c, arg, "Nothing was changed: %s has not come yet.", words_time(c, at));
}

static struct done impact_run(struct call *c)
{
	char *text = arena_strdup(c->arena, call_text(c, "text"));
	int64_t since = call_number(c, "since", 0), until = call_number(c, "until", 0);
	struct upgrade_verdict v;
	struct impact_facts f;
	const char *wrong, *like = "";

	if (!says_anything(c))
		return impact_tell(c, NULL);
	figures_read(c, &f);
	if (text) /* before the time is cut off: "until" may stand behind it */
		figures_take(c, text, &f);
	if (text && !since)
		since = since_cut(c, text);
	if (since > c->now)
		return refuse_time(c, "since", since);
	if (until > c->now)
		return refuse_time(c, "until", until);
	wrong = measures_take(c, &f, &like);
	if (wrong)
		return call_refuse_arg(c, wrong,
			"Nothing was changed: “%s” is not understood as %s; it takes %s, or "
			"unknown.",
			message_short(c, call_text(c, wrong), 60), wrong, like);
	texts_take(c, &f);
	if (text && *text)
		c->incident.impact = text;
	if (since)
		c->incident.impact_at = since;
	if (f.ended_at && c->incident.impact_at && f.ended_at < c->incident.impact_at)
		return call_refuse_arg(c, call_given(c, "until") ? "until" : "text",
			"Nothing was changed: the impact cannot end (%s) before it began (%s).",
			words_time(c, f.ended_at), words_time(c, c->incident.impact_at));
	figures_write(c, &f);
	call_touch(c);
	if (impact_record(c, &f) < 0 || upgrades_apply(c, &v) < 0)
		return call_fail(c);
	return impact_tell(c, &v);
}

static void impact_prefill(struct call *c, const char *arg, char **value)
{
	struct figure figure[FIGURE_COUNT];
	struct impact_facts f;

	if (*value)
		return;
	if (strcmp(arg, "text") == 0)
		*value = c->incident.impact;
	figures_read(c, &f);
	figures_list(c, &f, true, figure);
	for (size_t i = 0; i < FIGURE_COUNT; i++)
		if (figure[i].value && strcmp(figure[i].key, arg) == 0)
			*value = arena_strdup(c->arena, figure[i].value);
}

static const char *const tri[] = { "yes", "no", "unknown", NULL };

static const struct arg_def args[] = {
	{ .name = "text",
		.type = ARG_REST,
		.flags = ARG_LONG,
		.label = "impact",
		.help = "Share, who, what they cannot do: 25 % of checkouts since 14:02" },
	{ .name = "since",
		.type = ARG_TIME,
		.flags = ARG_OPTION | ARG_PAST,
		.label = "since",
		.help = "When it began: 14:02" },
	{ .name = "users",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "affected users",
		.help = "How many: 1200, 1.2k; unknown takes it back",
		.max_bytes = 30 },
	{ .name = "share",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "affected share",
		.help = "Of the users or requests: 25%",
		.max_bytes = 30 },
	{ .name = "journeys",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "what they cannot do",
		.help = "The user journeys that fail: checkout, login",
		.synonyms = "journey",
		.max_bytes = 500 },
	{ .name = "data-loss",
		.type = ARG_CHOICE,
		.flags = ARG_OPTION,
		.label = "data loss",
		.help = "Is data lost: yes, no, unknown",
		.choices = tri },
	{ .name = "corruption",
		.type = ARG_CHOICE,
		.flags = ARG_OPTION,
		.label = "data corruption",
		.help = "Is data wrong or corrupt: yes, no, unknown",
		.choices = tri,
		.synonyms = "data-corruption" },
	{ .name = "until",
		.type = ARG_TIME,
		.flags = ARG_OPTION | ARG_PAST | ARG_NO_FORM,
		.label = "until",
		.help = "When the impact ended: 15:20" },
	{ .name = "critical",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "period",
		.help = "The business-critical period it falls into: month-end closing",
		.max_bytes = 300 },
	{ .name = "revenue",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "amount",
		.help = "Revenue lost, with its currency: \"EUR 12k\"",
		.max_bytes = 100 },
	{ .name = "budget",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "share",
		.help = "Error budget spent: 40%",
		.synonyms = "error-budget",
		.max_bytes = 30 },
	{ .name = "tickets",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "number",
		.help = "Support tickets about it",
		.max_bytes = 30 },
	{ .name = "paying",
		.type = ARG_FLAG,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "a paying customer reported it",
		.help = "A paying customer reported it" },
	{ .name = NULL },
};

const struct operation op_impact = {
	.name = "impact",
	.summary = "Say who is affected, how much, since when",
	.example = "/inc impact 25% of checkouts since 14:02",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = impact_run,
	.prefill = impact_prefill,
};
