#include "incident/checks.h"

#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "base/str.h"
#include "incident/lint.h"

#define SEVERE_LEVEL 2 /* this level and worse are asked for more */

static const char *const names[CHECK_COUNT] = {
	[CHECK_IMPACT] = "impact",
	[CHECK_SCOPE] = "scope",
	[CHECK_ROLES] = "roles",
	[CHECK_TIMELINE] = "timeline",
	[CHECK_CHECKPOINT] = "checkpoint",
	[CHECK_BLAMELESS] = "blameless",
	[CHECK_ACTIONS] = "actions",
};

static const char *const result_names[] = {
	[CHECK_PASSED] = "passed",
	[CHECK_MISSING] = "missing",
	[CHECK_NOT_YET] = "not needed yet",
};

const char *check_name(enum check_kind k)
{
	return (unsigned)k < CHECK_COUNT ? names[k] : "unknown";
}

const char *check_result_name(enum check_result r)
{
	return (unsigned)r < sizeof(result_names) / sizeof(*result_names) ? result_names[r]
									  : "unknown";
}

static bool is_said(const char *text)
{
	return text && *text;
}

static bool is_severe(const struct check_facts *f)
{
	return f->incident->severity <= SEVERE_LEVEL;
}

/* Has the incident come as far as this state? */
static bool has_come_to(const struct check_facts *f, enum incident_state s)
{
	return !state_active(f->incident->state) || f->incident->state >= s;
}

static void list_add(struct str *s, const char *what)
{
	if (s->len > 0)
		str_add(s, ", ");
	str_add(s, what);
}

/* What is missing, and the line that says it. */
static enum check_result missing(struct str *s, const char *command)
{
	str_addf(s, ": %s", command);
	return CHECK_MISSING;
}

/* ---- impact -------------------------------------------------------------------------------- */

static bool is_over(const struct check_facts *f)
{
	return f->incident->state == STATE_RESOLVED || f->incident->state == STATE_CLOSED ||
	       f->incident->state == STATE_AUTO_RESOLVED;
}

static void impact_missing(const struct check_facts *f, struct str *s)
{
	const struct impact_facts *i = f->impact;
	bool figure = i && (i->users >= 0 || i->share_permille >= 0);

	if (!figure && (is_severe(f) || !is_said(f->incident->impact)))
		list_add(s, is_severe(f) ? "how many are affected" : "who is affected");
	if (!f->incident->impact_at && !(i && i->began_at))
		list_add(s, "since when");
	if (is_severe(f) && !(i && i->data_loss != TRI_UNKNOWN))
		list_add(s, "whether data was lost");
	if (is_severe(f) && !(i && i->data_corruption != TRI_UNKNOWN))
		list_add(s, "whether data was corrupted");
	if (is_over(f) && !f->incident->mitigated_at && !(i && i->ended_at))
		list_add(s, "until when");
}

static void impact_shown(const struct check_facts *f, struct str *s)
{
	const struct impact_facts *i = f->impact;

	if (i && i->share_permille >= 0)
		str_addf(s, "%d.%d %%", i->share_permille / 10, i->share_permille % 10);
	if (i && i->users >= 0)
		str_addf(s, "%s%lld users", s->len > 0 ? ", " : "", (long long)i->users);
	list_add(s, s->len > 0 ? "since when is said" : "who and since when are said");
}

static enum check_result check_impact(const struct check_facts *f, struct str *s)
{
	impact_missing(f, s);
	if (s->len == 0) {
		impact_shown(f, s);
		return CHECK_PASSED;
	}
	if (!has_come_to(f, STATE_INVESTIGATING)) {
		str_reset(s);
		str_add(s, "triage comes first");
		return CHECK_NOT_YET;
	}
	return missing(s,
		is_over(f)
			? "/inc impact 25% of checkouts since 14:02 until 15:10, no data loss or "
			  "corruption"
			: "/inc impact 25% of checkouts since 14:02, no data loss or corruption");
}

/* ---- scope --------------------------------------------------------------------------------- */

static const struct {
	const char *what, *command;
} scope_asked[SCOPE_KIND_COUNT] = {
	[SCOPE_GROUP] = { "user group or tenant", "/inc scope group EU tenants" },
	[SCOPE_FAULT_DOMAIN] = { "fault domain", "/inc scope zone eu-west-1" },
	[SCOPE_DEPENDENCY] = { "dependency", "/inc scope dependency payments-db" },
	[SCOPE_CHANGE] = { "recent change", "/inc scope change v2.31" },
};

static unsigned scope_said(const struct check_facts *f)
{
	unsigned said = 0;

	for (size_t i = 0; i < f->scope_count; i++)
		if ((unsigned)f->scope[i].kind < SCOPE_KIND_COUNT && is_said(f->scope[i].value))
			said |= 1u << f->scope[i].kind;
	return said;
}

static enum check_result check_scope(const struct check_facts *f, struct str *s)
{
	unsigned said = scope_said(f);
	const char *command = NULL;

	for (int k = 0; k < SCOPE_KIND_COUNT; k++) {
		if (said & 1u << k)
			continue;
		list_add(s, scope_asked[k].what);
		command = command ? command : scope_asked[k].command;
	}
	if (!command || (said && !is_severe(f))) {
		str_reset(s);
		str_addf(s, "%zu on the scope table", f->scope_count);
		return CHECK_PASSED;
	}
	if (!has_come_to(f, STATE_INVESTIGATING)) {
		str_reset(s);
		str_add(s, "triage comes first");
		return CHECK_NOT_YET;
	}
	missing(s, command);
	str_add(s, " (\"unknown\" is an answer too)");
	return CHECK_MISSING;
}

/* ---- roles --------------------------------------------------------------------------------- */

static void role_missing(const struct check_facts *f, const char *key, const char *title,
	struct str *s, const char **first)
{
	if (role_person(f->roles, key))
		return;
	list_add(s, is_said(title) ? title : key);
	*first = *first ? *first : key;
}

static enum check_result check_roles(const struct check_facts *f, struct str *s)
{
	const char *first = NULL;

	role_missing(f, ROLE_COMMANDER, "Incident commander", s, &first);
	for (size_t i = 0; f->role_table && is_severe(f) && i < f->role_table->count; i++) {
		const struct role_policy *r = &f->role_table->role[i];

		if (r->key && strcmp(r->key, ROLE_COMMANDER) != 0)
			role_missing(f, r->key, r->title, s, &first);
	}
	if (!first) {
		str_add(s, is_severe(f) ? "every role is held" : "there is a commander");
		return CHECK_PASSED;
	}
	if (!is_severe(f) && !has_come_to(f, STATE_INVESTIGATING)) {
		str_reset(s);
		str_add(s, "triage comes first");
		return CHECK_NOT_YET;
	}
	str_addf(s, ": /inc take %s", first);
	return CHECK_MISSING;
}

/* ---- timeline ------------------------------------------------------------------------------ */

#define KIND(k) (1u << (k))

static const struct {
	unsigned kinds;		  /* one of them is enough */
	enum incident_state from; /* needed from this state on */
	const char *what, *command;
} timeline_asked[] = {
	{ KIND(ENTRY_DETECTION) | KIND(ENTRY_TRIAGE), STATE_INVESTIGATING, "how it was found",
		"/inc note 14:02 alert on checkout errors --kind detection" },
	{ KIND(ENTRY_FACT) | KIND(ENTRY_HYPOTHESIS) | KIND(ENTRY_DECISION), STATE_IDENTIFIED,
		"a fact or hypothesis", "/inc fact 14:12 bad config in v2.31" },
	{ KIND(ENTRY_COMMUNICATION), STATE_IDENTIFIED, "a status update",
		"/inc update rolling back v2.31. in 20m" },
	{ KIND(ENTRY_ACTION) | KIND(ENTRY_MITIGATION), STATE_MONITORING, "what was done about it",
		"/inc action 14:40 rolled back v2.31" },
};

/* What was corrected does not count: the correction does. */
static bool is_corrected(const struct check_facts *f, int64_t id)
{
	for (size_t i = 0; i < f->timeline_count; i++)
		if (id && f->timeline[i].corrects == id)
			return true;
	return false;
}

static unsigned timeline_kinds(const struct check_facts *f)
{
	unsigned kinds = f->incident->detected_at ? KIND(ENTRY_DETECTION) : 0;

	if (f->incident->updated_at)
		kinds |= KIND(ENTRY_COMMUNICATION);
	for (size_t i = 0; i < f->timeline_count; i++)
		if ((unsigned)f->timeline[i].kind < ENTRY_KIND_COUNT &&
			!is_corrected(f, f->timeline[i].id))
			kinds |= KIND(f->timeline[i].kind);
	return kinds;
}

static enum check_result check_timeline(const struct check_facts *f, struct str *s)
{
	unsigned kinds = timeline_kinds(f);
	const char *command = NULL;

	for (size_t i = 0; i < sizeof(timeline_asked) / sizeof(*timeline_asked); i++) {
		if ((kinds & timeline_asked[i].kinds) || !has_come_to(f, timeline_asked[i].from))
			continue;
		list_add(s, timeline_asked[i].what);
		command = command ? command : timeline_asked[i].command;
	}
	if (command)
		return missing(s, command);
	if (!has_come_to(f, STATE_INVESTIGATING)) {
		str_add(s, "triage comes first");
		return CHECK_NOT_YET;
	}
	str_addf(s, "%zu entr%s", f->timeline_count, f->timeline_count == 1 ? "y" : "ies");
	return CHECK_PASSED;
}

/* ---- checkpoint ---------------------------------------------------------------------------- */

static enum check_result checkpoint_none(const struct check_facts *f, struct str *s)
{
	int64_t due = f->incident->declared_at + f->checkpoint_every_ms;

	if (f->now < due) {
		str_add(s, "the first is due in ");
		duration_format(s, due - f->now);
		return CHECK_NOT_YET;
	}
	str_add(s, "there is none");
	return missing(s, "/inc checkpoint state: …; hypothesis: …; impact: …; in flight: …; "
			  "decision: …; next decision: 15:00");
}

static enum check_result check_checkpoint(const struct check_facts *f, struct str *s)
{
	STR_CLEANUP struct str empty = { 0 };

	if (!f->checkpoint_every_ms || !state_active(f->incident->state)) {
		str_add(s, f->checkpoint_every_ms ? "the response is over"
						  : "not asked for at this level");
		return CHECK_NOT_YET;
	}
	if (!f->checkpoint)
		return checkpoint_none(f, s);
	str_init(&empty, 200);
	checkpoint_missing(f->checkpoint, &empty);
	str_add(s, "the last is ");
	duration_format(s, f->now > f->checkpoint->at ? f->now - f->checkpoint->at : 0);
	str_add(s, " old");
	if (empty.len > 0)
		str_addf(s, ", without %s", empty.p);
	if (empty.len == 0 && checkpoint_fresh(f->checkpoint, f->now, f->checkpoint_every_ms))
		return CHECK_PASSED;
	return missing(s, "/inc checkpoint state: …; hypothesis: …; next decision: 15:00");
}

/* ---- blameless ----------------------------------------------------------------------------- */

static bool text_blames(struct str *s, const char *text, const char *where, const char *command)
{
	struct lint_finding f;

	if (!lint_blames(text, &f))
		return false;
	str_addf(s, "\"%s\" in %s; say what made it possible: %s", f.quote, where, command);
	return true;
}

static bool record_blames(const struct check_facts *f, struct str *s)
{
	const struct incident *i = f->incident;

	/* Not the title: nothing can change it. */
	return text_blames(s, i->impact, "the impact", "/inc impact …") ||
	       text_blames(s, i->update_text, "the last update", "/inc update …") ||
	       text_blames(s, i->signal, "the recovery evidence", "/inc resolve … --signal …") ||
	       text_blames(s, i->health, "the recovery evidence", "/inc resolve … --health …") ||
	       text_blames(s, i->not_verified, "the recovery evidence", "/inc resolve …");
}

static bool checkpoint_blames(const struct checkpoint *c, struct str *s)
{
	static const char where[] = "the checkpoint", command[] = "/inc checkpoint …";

	return c && (text_blames(s, c->situation, where, command) ||
			    text_blames(s, c->hypothesis, where, command) ||
			    text_blames(s, c->impact, where, command) ||
			    text_blames(s, c->in_flight, where, command) ||
			    text_blames(s, c->decision, where, command));
}

static bool entry_blames(const struct timeline_entry *e, struct str *s)
{
	struct lint_finding f;

	if (!lint_blames(e->text, &f))
		return false;
	str_addf(s, "\"%s\" in entry %lld; say what made it possible: /inc note … --correct %lld",
		f.quote, (long long)e->id, (long long)e->id);
	return true;
}

static bool lists_blame(const struct check_facts *f, struct str *s)
{
	for (size_t i = 0; i < f->scope_count; i++)
		if (text_blames(s, f->scope[i].value, "the scope table", "/inc scope …") ||
			text_blames(s, f->scope[i].note, "the scope table", "/inc scope …"))
			return true;
	for (size_t i = 0; i < f->timeline_count; i++)
		if (!is_corrected(f, f->timeline[i].id) && entry_blames(&f->timeline[i], s))
			return true;
	return false;
}

static bool review_blames(const struct review *r, struct str *s)
{
	for (int k = 0; r && k < REVIEW_SECTION_COUNT; k++) {
		enum review_section section = (enum review_section)k;
		char where[80], command[80];

		if (!review_section_written(section))
			continue;
		snprintf(where, sizeof(where), "the postmortem, %s", review_section_title(section));
		snprintf(command, sizeof(command), "/inc postmortem edit %s", review_section_name(section));
		if (text_blames(s, r->section[k], where, command))
			return true;
	}
	return false;
}

static enum check_result check_blameless(const struct check_facts *f, struct str *s)
{
	if (lists_blame(f, s) || record_blames(f, s) || checkpoint_blames(f->checkpoint, s) ||
		review_blames(f->review, s))
		return CHECK_MISSING;
	str_add(s, "nobody is named as the cause");
	return CHECK_PASSED;
}

/* ---- actions ------------------------------------------------------------------------------- */

/* What open follow-ups lack; [0] counts the open ones. */
enum { OPEN, OVERDUE, NO_OWNER, NO_DUE, NO_SIGNAL, NO_CLASS, LACK_COUNT };

static const struct {
	const char *what, *command; /* the command follows "/inc followup F3" */
} lacks[LACK_COUNT] = {
	[OPEN] = { "open", "" },
	[OVERDUE] = { "overdue", "--done \"what the signal shows\"" },
	[NO_OWNER] = { "without owner", "--owner @name" },
	[NO_DUE] = { "without due date", "--due \"2 weeks\"" },
	[NO_SIGNAL] = { "without observable signal", "--signal \"the alert fires in the game day\"" },
	[NO_CLASS] = { "without class", "--class prevent" },
};

static unsigned followup_lacks(const struct followup *u, int64_t now)
{
	bool observable = u->signal && lint_signal_observable(u->signal);

	return 1u << OPEN | (unsigned)followup_overdue(u, now) << OVERDUE |
	       (unsigned)!is_said(u->owner) << NO_OWNER | (unsigned)!u->due_at << NO_DUE |
	       (unsigned)!observable << NO_SIGNAL |
	       (unsigned)(u->class == FOLLOWUP_NO_CLASS) << NO_CLASS;
}

/* "3 follow-ups, 2 open, 1 without owner"; *first: the line that mends one. */
static bool followups_lack(const struct check_facts *f, struct str *s, struct str *first)
{
	size_t count[LACK_COUNT] = { 0 }, alive = 0;

	for (size_t i = 0; i < f->followup_count; i++) {
		const struct followup *u = &f->followup[i];
		unsigned lack = u->state == FOLLOWUP_OPEN ? followup_lacks(u, f->now) : 0;

		alive += u->state != FOLLOWUP_CANCELLED;
		for (int k = OPEN; k < LACK_COUNT; k++) {
			if (!(lack & 1u << k))
				continue;
			count[k]++;
			if (k != OPEN && first->len == 0)
				str_addf(first, "/inc followup F%lld %s", (long long)u->id,
					lacks[k].command);
		}
	}
	if (alive == 0)
		return false;
	str_addf(s, "%s%zu follow-up%s", s->len > 0 ? "; " : "", alive, alive == 1 ? "" : "s");
	for (int k = OPEN; k < LACK_COUNT; k++)
		if (count[k] > 0)
			str_addf(s, ", %zu %s", count[k], lacks[k].what);
	return first->len > 0;
}

static size_t actions_count(const struct check_facts *f)
{
	size_t count = 0;

	for (size_t i = 0; i < f->timeline_count; i++)
		count += (f->timeline[i].kind == ENTRY_ACTION ||
				 f->timeline[i].kind == ENTRY_MITIGATION) &&
			 !is_corrected(f, f->timeline[i].id);
	return count;
}

static enum check_result check_actions(const struct check_facts *f, struct str *s)
{
	STR_CLEANUP struct str first = { 0 };
	size_t count = actions_count(f);
	bool lack;

	if (count > 0)
		str_addf(s, "%zu on the timeline", count);
	else if (has_come_to(f, STATE_MITIGATING))
		str_add(s, "no action is on the timeline");
	if (count > 0 && f->actions_open > 0)
		str_addf(s, ", %lld without a result", (long long)f->actions_open);
	str_init(&first, 120);
	lack = followups_lack(f, s, &first);
	if (count == 0 && has_come_to(f, STATE_MITIGATING))
		return missing(s, "/inc action 14:40 rolled back v2.31");
	if (lack)
		return missing(s, first.p);
	if (s->len > 0)
		return CHECK_PASSED;
	str_add(s, "nothing is being mitigated");
	return CHECK_NOT_YET;
}

/* ---- all ----------------------------------------------------------------------------------- */

typedef enum check_result check_fn(const struct check_facts *f, struct str *s);

static check_fn *const checks[CHECK_COUNT] = {
	[CHECK_IMPACT] = check_impact,
	[CHECK_SCOPE] = check_scope,
	[CHECK_ROLES] = check_roles,
	[CHECK_TIMELINE] = check_timeline,
	[CHECK_CHECKPOINT] = check_checkpoint,
	[CHECK_BLAMELESS] = check_blameless,
	[CHECK_ACTIONS] = check_actions,
};

/* What will never be finished needs nothing. */
static bool is_void(const struct incident *i, struct str *s)
{
	if (i->merged_into)
		str_addf(s, "merged into INC-%lld: checked there", (long long)i->merged_into);
	else if (i->state == STATE_CANCELLED)
		str_add(s, "the incident was cancelled");
	return s->len > 0;
}

void checks_run(const struct check_facts *f, struct check out[CHECK_COUNT])
{
	for (int k = 0; k < CHECK_COUNT; k++) {
		STR_CLEANUP struct str s;

		str_init(&s, sizeof(out[k].text) - 1);
		out[k].result = is_void(f->incident, &s) ? CHECK_NOT_YET : checks[k](f, &s);
		memcpy(out[k].text, s.p, s.len + 1);
	}
}
