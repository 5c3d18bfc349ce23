#ifndef INCIDENT_UPGRADE_H
#define INCIDENT_UPGRADE_H
/*
 * Upgrades by rule (FEATURES C3): a pure function of the record. Only ever toward level 1, so it cannot oscillate. A
 * downgrade that a person gave a reason for overrules the facts known at that moment: the same fact
 * does not fire again, a new one does.
 */
#include <stdbool.h>
#include <stdint.h>

enum upgrade_rule { UPGRADE_SCOPE, UPGRADE_CUSTOMER, UPGRADE_DATA };
#define UPGRADE_RULE_COUNT 3
const char *upgrade_rule_name(enum upgrade_rule r); /* "scope-doubled", "paying-customer", "data-integrity" */

/* How large it is, in every measure that is known; -1 unknown. */
struct scope_size {
	int64_t users;
	int share_permille;
	int groups;          /* affected groups in the scope table; 0 = not known, from 2 on */
};

struct upgrade_facts {
	int severity;                 /* now */
	struct scope_size now;
	struct scope_size when_set;   /* when the level was set (declared, changed or overruled) */
	bool paying_customer;
	bool data_integrity;          /* loss or corruption confirmed or suspected */
	unsigned overruled;           /* 1 << rule: facts that a person has overruled */
};

struct upgrade_verdict {
	bool fires;
	int level;
	enum upgrade_rule rule;
	const char *why;              /* static: what the rule says, for people */
};
/* The rule that asks for the worst level; nothing when the level is there already. */
struct upgrade_verdict upgrade_judge(const struct upgrade_facts *f);

/*
 * Keeping the record (all pure):
 * - a level was set, by a person or a rule: when_set = now
 * - a downgrade with a reason, besides:     overruled |= upgrade_facts_held()
 * - a fact is withdrawn ("no data loss"): overruled &= upgrade_facts_held(), new when it returns
 * - a measure becomes known:              upgrade_baseline(), else growth from there is never seen
 */
unsigned upgrade_facts_held(const struct upgrade_facts *f); /* 1 << rule, whether or not it fires */
/* Measures that when_set does not know are taken from now; the others stay. */
void upgrade_baseline(struct scope_size *when_set, const struct scope_size *now);

#endif
