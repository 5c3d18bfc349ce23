#include "commands/packet.h"

#include <string.h>

#include "commands/figures.h"
#include "commands/messages.h"
#include "commands/obligations.h"
#include "commands/upgrades.h"
#include "incident/promise.h"
#include "store/response.h"
#include "store/timelines.h"

#define LOOK_BACK      100 /* timeline entries */
#define IN_FLIGHT_MAX  5   /* actions that are listed */
#define LINE_BYTES_MAX 30000

/* ---- what was said ---- */

static void section_take(struct call *c, const char *arg, char **section)
{
	const char *text = call_text(c, arg);

	if (text && *text)
		*section = arena_strdup(c->arena, text);
}

struct checkpoint packet_from_args(struct call *c)
{
	struct checkpoint p = { 0 };

	if (call_given(c, "text"))
		checkpoint_parse(c->arena, call_text(c, "text"), c->zone, c->now, &p);
	section_take(c, "state", &p.situation);
	section_take(c, "hypothesis", &p.hypothesis);
	section_take(c, "impact", &p.impact);
	section_take(c, "in-flight", &p.in_flight);
	section_take(c, "decision", &p.decision);
	p.next_decision_at = call_number(c, "next-decision", p.next_decision_at);
	return p;
}

bool packet_said(const struct checkpoint *p)
{
	return p->situation || p->hypothesis || p->impact || p->in_flight || p->decision ||
		p->cadence || p->next_decision_at;
}

bool packet_refused(struct call *c, const struct checkpoint *p, struct done *out)
{
	if (!p->next_decision_at || p->next_decision_at > c->now)
		return false;
	*out = call_refuse_arg(c, call_given(c, "next-decision") ? "next-decision" : "text",
		"Nothing was kept: the next decision was said to be at %s, which is over. Name a "
		"time to come, or leave it out.",
		words_time(c, p->next_decision_at));
	return true;
}

/* ---- the record ---- */

int packet_latest(struct call *c, struct checkpoint *out)
{
	return checkpoint_latest(c->store, c->arena, c->incident.id, out, &c->err);
}

/* Actions that were noted after `since`, newest last: what is in flight unless somebody says it
 * better. NULL when there are none. */
static char *actions_since(struct call *c, int64_t since)
{
	struct timeline_entry *e;
	size_t n, first, found = 0;
	struct str s;

	if (timeline_list(c->store, c->arena, c->incident.id, 0, LOOK_BACK, &e, &n, &c->err) < 0)
		return NULL;
	for (first = n; first > 0 && found < IN_FLIGHT_MAX; first--)
		if (e[first - 1].kind == ENTRY_ACTION && e[first - 1].recorded_at > since)
			found++;
	str_init_arena(&s, c->arena, 4000);
	for (size_t i = first; i < n; i++)
		if (e[i].kind == ENTRY_ACTION && e[i].recorded_at > since)
			str_addf(&s, "%s%s", s.len ? "; " : "", message_short(c, e[i].text, 300));
	return s.len ? s.p : NULL;
}

/* "an update every 30 min, the next one by 14:51 UTC" */
static char *cadence_words(struct call *c)
{
	int64_t due = promise_due_at(c, PROMISE_UPDATE, NULL);

	return arena_printf(c->arena, "an update every %s%s%s", words_for(c, call_cadence(c)),
		due ? ", the next one by " : "", due ? message_plain_time(c, due) : "");
}

/* What the bot knows need not be typed. */
static void packet_complete(struct call *c, struct checkpoint *p)
{
	struct checkpoint last = { 0 };
	int64_t since = packet_latest(c, &last) == 0 ? last.at : 0;

	p->incident = c->incident.id;
	p->at = c->now;
	p->by = arena_strdup(c->arena, c->actor);
	if (!p->impact)
		p->impact = c->incident.impact;
	if (!p->in_flight)
		p->in_flight = actions_since(c, since);
	if (!p->cadence)
		p->cadence = cadence_words(c);
}

static const char *packet_flat(struct call *c, const struct checkpoint *p)
{
	const struct {
		const char *label, *text;
	} part[] = {
		{ "", p->situation },
		{ "hypothesis: ", p->hypothesis },
		{ "impact: ", p->impact },
		{ "in flight: ", p->in_flight },
		{ "decision: ", p->decision },
		{ "cadence: ", p->cadence },
		{ "next decision: ",
			p->next_decision_at ? message_plain_time(c, p->next_decision_at) : NULL },
	};
	struct str s;

	str_init_arena(&s, c->arena, LINE_BYTES_MAX);
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		if (part[i].text)
			str_addf(&s, "%s%s%s", s.len ? "; " : "", part[i].label, part[i].text);
	return s.p;
}

static int packet_record(struct call *c, const struct checkpoint *p)
{
	JSON_CLEANUP json_t *meta = json_pack("{s:I, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:I}",
		"checkpoint", (json_int_t)p->id, "state", p->situation, "hypothesis", p->hypothesis,
		"impact", p->impact, "in_flight", p->in_flight, "decision", p->decision, "cadence",
		p->cadence, "next_decision_at", (json_int_t)p->next_decision_at);

	return record_entry(c, &(struct record_entry){
				       .kind = ENTRY_COMMUNICATION,
				       .action = "incident.checkpoint",
				       .text = arena_printf(
					       c->arena, "checkpoint: %s", packet_flat(c, p)),
				       .meta = json_text(c->arena, meta),
			       });
}

int packet_keep(struct call *c, struct checkpoint *p)
{
	bool impact = p->impact != NULL;
	int rc;

	/* The card is always true: an impact that is newer here stands there too. */
	if (impact)
		figures_say(c, p->impact);
	packet_complete(c, p);
	rc = checkpoint_insert(c->store, p, &c->err);
	if (rc == 0)
		rc = packet_record(c, p);
	if (rc == 0)
		rc = obligation_checkpoint(c);
	return rc < 0 || !impact ? rc : upgrades_apply(c, NULL);
}

/* ---- showing it ---- */

static void line_add(struct call *c, struct str *s, const char *label, const char *text, size_t max)
{
	if (!text || !*text)
		return;
	if (s->len)
		str_addc(s, '\n');
	mark_bold(s, label);
	str_addf(s, " %s", message_short(c, text, max));
}

const char *packet_lines(struct call *c, const struct checkpoint *p, size_t max)
{
	struct str s;

	str_init_arena(&s, c->arena, LINE_BYTES_MAX);
	line_add(c, &s, "State:", p->situation, max);
	line_add(c, &s, "Hypothesis:", p->hypothesis, max);
	line_add(c, &s, "Impact:", p->impact, max);
	line_add(c, &s, "In flight:", p->in_flight, max);
	line_add(c, &s, "To decide:", p->decision, max);
	line_add(c, &s, "Next decision:",
		p->next_decision_at ? words_time(c, p->next_decision_at) : NULL, max);
	line_add(c, &s, "Cadence:", p->cadence, max);
	return s.p;
}

const char *packet_missing(struct call *c, const struct checkpoint *p)
{
	struct str s;

	str_init_arena(&s, c->arena, 400);
	checkpoint_missing(p, &s);
	return s.p;
}

/* ---- forms ---- */

void packet_prefill(struct call *c, const char *arg, char **value)
{
	const struct incident *inc = &c->incident;
	struct checkpoint last = { 0 };
	bool known = packet_latest(c, &last) == 0;
	int64_t since = known ? last.at : 0, next = known ? last.next_decision_at : 0;
	char *actions = actions_since(c, since);
	/* Whatever was said last says best where it stands. */
	const struct {
		const char *arg;
		char *text;
	} from[] = {
		{ "state", inc->updated_at > since ? inc->update_text : last.situation },
		{ "hypothesis", last.hypothesis },
		{ "impact", inc->impact ? inc->impact : last.impact },
		{ "in-flight", actions ? actions : last.in_flight },
		{ "decision", last.decision },
		{ "next-decision",
			next > c->now ? arena_printf(c->arena, "in %s", words_for(c, next - c->now))
				      : NULL },
	};

	for (size_t i = 0; !*value && i < sizeof(from) / sizeof(from[0]); i++)
		if (strcmp(arg, from[i].arg) == 0)
			*value = from[i].text;
}
