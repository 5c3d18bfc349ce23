#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "incident/escalation.h"
#include "incident/handover.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define T0	 INT64_C(1772375700000)
#define AT(m)	 (T0 + (m)*MINUTE_MS)
#define SAID(r)	 (1u << (r))
#define NEVER	 0
#define NOBODY	 (-1)

/* As shipped, more or less: triage, coordination, executive. */
static const struct escalation_chain chain = {
	.tier = {
		{ .name = "triage", .people = { "slack:U1" }, .count = 1,
			.rule = { { ENGAGE_SEVERITY, 3, 0 }, { ENGAGE_DECISION, 0, 0 } },
			.rule_count = 2 },
		{ .name = "coordination", .people = { "slack:U2" }, .count = 1,
			.rule = { { ENGAGE_SEVERITY, 2, 15 * MINUTE_MS },
				{ ENGAGE_CROSS_TEAM, 0, 0 },
				{ ENGAGE_CUSTOMER_DATA, 2, 0 },
				{ ENGAGE_DECISION, 0, 0 },
				{ ENGAGE_NOT_IDENTIFIED, 2, 30 * MINUTE_MS } },
			.rule_count = 5 },
		{ .name = "executive", .people = { "slack:U3" }, .count = 1,
			.rule = { { ENGAGE_SEVERITY, 1, 0 },
				{ ENGAGE_OPEN_LONG, 2, 120 * MINUTE_MS },
				{ ENGAGE_OPEN_LONG, 1, 60 * MINUTE_MS },
				{ ENGAGE_COST, 0, 0 } },
			.rule_count = 4 },
	},
	.count = 3,
};

static const struct {
	const char *what;
	int64_t now;
	struct engage_facts facts;
	int tier;
	enum engage_reason reason;
	int64_t next;
} cases[] = {
	{ "level 4 asks for nobody", AT(600), { 4, false, true, T0, T0, 0, { 0 } }, NOBODY, 0,
		NEVER },
	{ "level 3 at once", AT(0), { 3, false, true, T0, T0, 0, { 0 } }, 0, ENGAGE_SEVERITY,
		NEVER },
	{ "level 3, engaged", AT(600), { 3, false, true, T0, T0, 0, { 1 } }, NOBODY, 0, NEVER },
	{ "level 2: the first first", AT(0), { 2, false, true, T0, T0, 0, { 0 } }, 0,
		ENGAGE_SEVERITY, AT(15) },
	{ "level 2: the second later", AT(0), { 2, false, true, T0, T0, 0, { 1 } }, NOBODY, 0,
		AT(15) },
	{ "a ms early", AT(15) - 1, { 2, false, true, T0, T0, 0, { 1 } }, NOBODY, 0, AT(15) },
	{ "in time", AT(15), { 2, false, true, T0, T0, 0, { 1 } }, 1, ENGAGE_SEVERITY, AT(30) },
	{ "the delay counts from the level", AT(15), { 2, false, true, T0, AT(10), 0, { 1 } },
		NOBODY, 0, AT(25) },
	{ "the same tier, another reason", AT(30), { 2, false, true, T0, T0, 0, { 1, 1 } }, 1,
		ENGAGE_NOT_IDENTIFIED, AT(120) },
	{ "identified in time", AT(30), { 2, true, true, T0, T0, 0, { 1, 1 } }, NOBODY, 0,
		AT(120) },
	{ "open for long", AT(120), { 2, true, true, T0, T0, 0, { 1, 1 } }, 2, ENGAGE_OPEN_LONG,
		NEVER },
	{ "open for long at level 3", AT(999), { 3, true, true, T0, T0, 0, { 1, 1 } }, NOBODY, 0,
		NEVER },
	{ "level 1 passes over what is engaged", AT(0), { 1, true, true, T0, T0, 0, { 1, 1 } }, 2,
		ENGAGE_SEVERITY, AT(60) },
	{ "two rules of one reason: the earlier", AT(60), { 1, true, true, T0, T0, 0, { 1, 1, 1 } },
		2, ENGAGE_OPEN_LONG, AT(120) },
	{ "and that was both", AT(999),
		{ 1, true, true, T0, T0, 0, { 1, 1, 1 | SAID(ENGAGE_OPEN_LONG) } }, NOBODY, 0,
		NEVER },
	/* what people say */
	{ "cross-team", AT(0), { 4, false, true, T0, T0, SAID(ENGAGE_CROSS_TEAM), { 0 } }, 1,
		ENGAGE_CROSS_TEAM, NEVER },
	{ "said before the clock was set back", AT(-600),
		{ 4, false, true, T0, T0, SAID(ENGAGE_CROSS_TEAM), { 0 } }, 1, ENGAGE_CROSS_TEAM,
		NEVER },
	{ "customer data at level 3", AT(0),
		{ 3, false, true, T0, T0, SAID(ENGAGE_CUSTOMER_DATA), { 1 } }, NOBODY, 0, NEVER },
	{ "customer data at level 2", AT(0),
		{ 2, false, true, T0, T0, SAID(ENGAGE_CUSTOMER_DATA), { 1 } }, 1,
		ENGAGE_CUSTOMER_DATA, AT(15) },
	{ "cost", AT(0), { 4, false, true, T0, T0, SAID(ENGAGE_COST), { 0 } }, 2, ENGAGE_COST,
		NEVER },
	{ "a decision: each tier that has the rule", AT(0),
		{ 4, false, true, T0, T0, SAID(ENGAGE_DECISION), { SAID(ENGAGE_DECISION) } }, 1,
		ENGAGE_DECISION, NEVER },
	{ "said, but no tier's rule", AT(0),
		{ 4, false, true, T0, T0, SAID(ENGAGE_NEEDS_CHANGE), { 0 } }, NOBODY, 0, NEVER },
	/* over */
	{ "not active", AT(999), { 1, false, false, T0, T0, ~0u, { 0 } }, NOBODY, 0, NEVER },
};

static void test_cases(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct engage_verdict v = engage_judge(&chain, &cases[i].facts, cases[i].now);

		if (v.tier == cases[i].tier && v.next_ms == cases[i].next &&
			(v.tier < 0 || v.reason == cases[i].reason))
			continue;
		print_error("%s: tier %d by %s, next at %+lld min\n", cases[i].what, v.tier,
			engage_reason_name(v.reason),
			v.next_ms ? (long long)((v.next_ms - T0) / MINUTE_MS) : -1);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void test_no_chain(void **state)
{
	struct escalation_chain none = { .count = 0 };
	struct engage_facts f = { 1, false, true, T0, T0, ~0u, { 0 } };

	(void)state;
	assert_int_equal(engage_judge(&none, &f, AT(999)).tier, NOBODY);
	assert_int_equal(engage_judge(&none, &f, AT(999)).next_ms, NEVER);
}

static void test_names(void **state)
{
	enum engage_reason r = ENGAGE_ASKED;

	(void)state;
	for (int i = 0; i < ENGAGE_REASON_COUNT; i++) {
		assert_true(engage_reason_parse(engage_reason_name((enum engage_reason)i), &r));
		assert_int_equal(r, i);
		assert_string_not_equal(engage_reason_words(r), "unknown");
	}
	assert_true(engage_reason_parse("Cross_Team", &r) && r == ENGAGE_CROSS_TEAM);
	assert_true(engage_reason_parse("needs change", &r) && r == ENGAGE_NEEDS_CHANGE);
	assert_false(engage_reason_parse("", &r));
	assert_false(engage_reason_parse(NULL, &r));
	assert_false(engage_reason_parse("cross", &r));
	assert_false(engage_reason_parse("cross-team-cross-team-cross-team-cross-team", &r));
	assert_string_equal(engage_reason_name((enum engage_reason)99), "unknown");
	assert_string_equal(engage_reason_words((enum engage_reason)99), "unknown");
}

static void test_handover_names(void **state)
{
	(void)state;
	for (int i = 0; i < HANDOVER_STATE_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(handover_state_name((enum handover_state)i),
				handover_state_name((enum handover_state)j));
	assert_string_equal(handover_state_name((enum handover_state)5), "unknown");
}

/* ---- the property: once a reason, in order, never too early, never while it is over --------- */

static uint32_t seed;

static unsigned random_below(unsigned n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static void random_chain(struct escalation_chain *c)
{
	memset(c, 0, sizeof(*c));
	c->count = 1 + random_below(TIER_MAX);
	for (size_t i = 0; i < c->count; i++) {
		struct tier *t = &c->tier[i];

		t->rule_count = random_below(TIER_RULE_MAX + 1);
		for (size_t k = 0; k < t->rule_count; k++)
			t->rule[k] = (struct tier_rule){
				.reason = (enum engage_reason)random_below(ENGAGE_REASON_COUNT),
				.severity = (int)random_below(5),
				.after_ms = random_below(3) * 30 * MINUTE_MS,
			};
	}
}

static void random_change(struct engage_facts *f, int64_t now)
{
	switch (random_below(5)) {
	case 0:
		f->severity = 1 + (int)random_below(4);
		f->severity_at = now;
		break;
	case 1:
		f->identified = random_below(2);
		break;
	case 2:
		f->active = random_below(8) > 0;
		break;
	default:
		f->said |= 1u << random_below(ENGAGE_REASON_COUNT);
		break;
	}
}

/* Does a rule of the tier give this reason for these facts now? Said in other words than the code.
 */
static bool is_justified(
	const struct tier *t, enum engage_reason reason, const struct engage_facts *f, int64_t now)
{
	for (size_t k = 0; k < t->rule_count; k++) {
		const struct tier_rule *r = &t->rule[k];
		bool timed = reason == ENGAGE_SEVERITY || reason == ENGAGE_OPEN_LONG ||
			     reason == ENGAGE_NOT_IDENTIFIED;
		int64_t from = reason == ENGAGE_SEVERITY ? f->severity_at : f->declared_at;

		if (r->reason != reason || (r->severity && r->severity < f->severity))
			continue;
		if (reason == ENGAGE_NOT_IDENTIFIED && f->identified)
			continue;
		if (timed ? now - from >= r->after_ms : (f->said >> reason & 1) != 0)
			return true;
	}
	return false;
}

static int engage_all(const struct escalation_chain *c, struct engage_facts *f, int64_t now)
{
	int last = -1, count = 0;

	for (;;) {
		struct engage_verdict v = engage_judge(c, f, now);

		assert_true(v.next_ms == NEVER || v.next_ms > now);
		if (v.tier < 0)
			return count;
		assert_true(f->active && (size_t)v.tier < c->count);
		assert_true(v.tier >= last); /* in the order of the chain */
		last = v.tier;
		assert_false(f->engaged[v.tier] & 1u << v.reason); /* once a reason */
		assert_true(is_justified(&c->tier[v.tier], v.reason, f, now));
		f->engaged[v.tier] |= 1u << v.reason;
		assert_true(++count <= TIER_MAX * ENGAGE_REASON_COUNT);
	}
}

static void test_once_in_order_and_in_time(void **state)
{
	int engaged = 0, waited = 0;

	(void)state;
	for (uint32_t run = 0; run < 300; run++) {
		struct escalation_chain c;
		struct engage_facts f = { 3, false, true, T0, T0, 0, { 0 } };
		int64_t now = T0;

		seed = run * 2654435761u + 7;
		random_chain(&c);
		for (int step = 0; step < 60; step++) {
			int64_t next;

			engaged += engage_all(&c, &f, now);
			next = engage_judge(&c, &f, now).next_ms;
			if (next && random_below(2)) {
				/* Time alone: not a millisecond early, and then for sure. */
				assert_int_equal(engage_judge(&c, &f, next - 1).tier, NOBODY);
				assert_true(engage_judge(&c, &f, next).tier >= 0);
				now = next;
				waited++;
			} else {
				random_change(&f, now);
				now += random_below(10) * MINUTE_MS;
			}
		}
	}
	assert_true(engaged > 300 && waited > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_no_chain),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_handover_names),
		cmocka_unit_test(test_once_in_order_and_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
