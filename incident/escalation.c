#include "incident/escalation.h"

#include <string.h>

#include "base/text.h"

#define REASON_NAME_MAX 32
#define AT_ONCE		1 /* a time that has always come, whatever the clock says */

static const struct {
	const char *name, *words;
} reasons[ENGAGE_REASON_COUNT] = {
	[ENGAGE_SEVERITY] = { "severity", "the level asks for it" },
	[ENGAGE_CROSS_TEAM] = { "cross-team", "it crosses teams" },
	[ENGAGE_NEEDS_CHANGE] = { "needs-change", "it needs a change" },
	[ENGAGE_CUSTOMER_DATA] = { "customer-data", "it concerns customer data" },
	[ENGAGE_COST] = { "cost", "it costs more than the limit" },
	[ENGAGE_DECISION] = { "decision", "a decision is needed" },
	[ENGAGE_OPEN_LONG] = { "open-long", "it has been open for long" },
	[ENGAGE_NOT_IDENTIFIED] = { "not-identified", "nothing was identified in time" },
	[ENGAGE_UPDATE_OVERDUE] = { "update-overdue", "a promised update is overdue" },
	[ENGAGE_ASKED] = { "asked", "somebody asked for it" },
};

const char *engage_reason_name(enum engage_reason r)
{
	return (unsigned)r < ENGAGE_REASON_COUNT ? reasons[r].name : "unknown";
}

bool engage_reason_parse(const char *name, enum engage_reason *out)
{
	char folded[REASON_NAME_MAX];
	size_t n = name ? strlen(name) : 0;

	if (n == 0 || n >= sizeof(folded))
		return false;
	for (size_t i = 0; i <= n;
		i++) /* "cross team" and cross_team are what people type as well */
		folded[i] = (char)(name[i] == '_' || name[i] == ' ' ? '-' : name[i]);
	for (int i = 0; i < ENGAGE_REASON_COUNT; i++) {
		if (!text_equal_fold(folded, reasons[i].name))
			continue;
		*out = (enum engage_reason)i;
		return true;
	}
	return false;
}

const char *engage_reason_words(enum engage_reason r)
{
	return (unsigned)r < ENGAGE_REASON_COUNT ? reasons[r].words : "unknown";
}

/* When the rule asks for its tier; 0 = never, as things stand. */
static int64_t rule_time(const struct tier_rule *r, const struct engage_facts *f)
{
	if (r->severity && f->severity > r->severity)
		return 0;
	switch (r->reason) {
	case ENGAGE_SEVERITY:
		return f->severity_at + r->after_ms;
	case ENGAGE_OPEN_LONG:
		return f->declared_at + r->after_ms;
	case ENGAGE_NOT_IDENTIFIED:
		return f->identified ? 0 : f->declared_at + r->after_ms;
	case ENGAGE_CROSS_TEAM:
	case ENGAGE_NEEDS_CHANGE:
	case ENGAGE_CUSTOMER_DATA:
	case ENGAGE_COST:
	case ENGAGE_DECISION:
	case ENGAGE_UPDATE_OVERDUE:
	case ENGAGE_ASKED:
		return f->said & 1u << r->reason ? AT_ONCE : 0;
	}
	return 0;
}

static void rule_judge(const struct tier_rule *r, size_t tier, const struct engage_facts *f,
	int64_t now, struct engage_verdict *v)
{
	if ((unsigned)r->reason >= ENGAGE_REASON_COUNT || f->engaged[tier] & 1u << r->reason)
		return;

	int64_t at = rule_time(r, f);

	if (!at)
		return;
	if (at > now) {
		if (!v->next_ms || at < v->next_ms)
			v->next_ms = at;
	} else if (v->tier < 0) {
		v->tier = (int)tier;
		v->reason = r->reason;
	}
}

struct engage_verdict engage_judge(
	const struct escalation_chain *chain, const struct engage_facts *f, int64_t now)
{
	struct engage_verdict v = { .tier = -1 };

	if (!f->active)
		return v;
	for (size_t i = 0; i < chain->count && i < TIER_MAX; i++) {
		const struct tier *t = &chain->tier[i];

		for (size_t k = 0; k < t->rule_count && k < TIER_RULE_MAX; k++)
			rule_judge(&t->rule[k], i, f, now, &v);
	}
	return v;
}
