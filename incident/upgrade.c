#include "incident/upgrade.h"

#include <stddef.h>

#include "incident/severity.h"

/* Below this many groups a doubling says little: 1 → 2 is one more, 1 → 4 is growth. */
#define GROUPS_LEAST 2

static const struct {
	const char *name, *why;
} rules[UPGRADE_RULE_COUNT] = {
	[UPGRADE_SCOPE] = { "scope-doubled", "the scope has doubled since the level was set" },
	[UPGRADE_CUSTOMER] = { "paying-customer", "a paying customer reported it" },
	[UPGRADE_DATA] = { "data-integrity", "data may be lost or corrupted" },
};

const char *upgrade_rule_name(enum upgrade_rule r)
{
	return (unsigned)r < UPGRADE_RULE_COUNT ? rules[r].name : "unknown";
}

/* From nobody to somebody is a doubling too; from not known to known is knowledge, not growth. */
static bool measure_doubled(int64_t before, int64_t now)
{
	return before >= 0 && now > before && now - before >= before;
}

static bool groups_doubled(int before, int now)
{
	if (before <= 0)
		return false;
	return measure_doubled(before < GROUPS_LEAST ? GROUPS_LEAST : before, now);
}

static bool scope_doubled(const struct scope_size *before, const struct scope_size *now)
{
	return measure_doubled(before->users, now->users) ||
	       measure_doubled(before->share_permille, now->share_permille) ||
	       groups_doubled(before->groups, now->groups);
}

static bool rule_holds(const struct upgrade_facts *f, enum upgrade_rule r)
{
	switch (r) {
	case UPGRADE_SCOPE:
		return scope_doubled(&f->when_set, &f->now);
	case UPGRADE_CUSTOMER:
		return f->paying_customer;
	case UPGRADE_DATA:
		return f->data_integrity;
	}
	return false;
}

static int rule_level(enum upgrade_rule r, int severity)
{
	switch (r) {
	case UPGRADE_SCOPE:
		return severity - 1;
	case UPGRADE_CUSTOMER:
		return 2;
	case UPGRADE_DATA:
		return SEVERITY_WORST;
	}
	return severity;
}

/* What a person overruled stays quiet, but for the scope: there when_set remembers, and a doubling
 * since then is a new fact. */
static bool rule_overruled(const struct upgrade_facts *f, enum upgrade_rule r)
{
	return r != UPGRADE_SCOPE && (f->overruled & 1u << r);
}

struct upgrade_verdict upgrade_judge(const struct upgrade_facts *f)
{
	struct upgrade_verdict v = { .level = f->severity };

	if (f->severity <= SEVERITY_WORST || f->severity > SEVERITY_LEAST)
		return v;
	/* Of two that ask for the same level the later is named: a fact says more than a figure. */
	for (int i = 0; i < UPGRADE_RULE_COUNT; i++) {
		enum upgrade_rule r = (enum upgrade_rule)i;
		int level = rule_level(r, f->severity);

		if (!rule_holds(f, r) || rule_overruled(f, r) || level >= f->severity ||
			level > v.level)
			continue;
		v = (struct upgrade_verdict){ true, level, r, rules[r].why };
	}
	return v;
}

unsigned upgrade_facts_held(const struct upgrade_facts *f)
{
	unsigned held = 0;

	for (int i = 0; i < UPGRADE_RULE_COUNT; i++)
		if (rule_holds(f, (enum upgrade_rule)i))
			held |= 1u << i;
	return held;
}

void upgrade_baseline(struct scope_size *when_set, const struct scope_size *now)
{
	if (when_set->users < 0)
		when_set->users = now->users;
	if (when_set->share_permille < 0)
		when_set->share_permille = now->share_permille;
	if (when_set->groups <= 0)
		when_set->groups = now->groups;
}
