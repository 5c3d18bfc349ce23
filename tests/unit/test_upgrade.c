#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "incident/upgrade.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define NONE                                                                                       \
	{                                                                                          \
		-1, -1, 0                                                                          \
	}
#define NO_FIRE -1

static const struct {
	const char *what;
	struct upgrade_facts facts;
	int level; /* NO_FIRE */
	enum upgrade_rule rule;
} cases[] = {
	{ "nothing known", { 3, NONE, NONE, false, false, 0 }, NO_FIRE, 0 },
	/* users */
	{ "twice", { 3, { 200, -1, 0 }, { 100, -1, 0 }, false, false, 0 }, 2, UPGRADE_SCOPE },
	{ "all but twice", { 3, { 199, -1, 0 }, { 100, -1, 0 }, false, false, 0 }, NO_FIRE, 0 },
	{ "ten times is one level too", { 4, { 1000, -1, 0 }, { 100, -1, 0 }, false, false, 0 }, 3,
		UPGRADE_SCOPE },
	{ "fewer", { 3, { 10, -1, 0 }, { 100, -1, 0 }, false, false, 0 }, NO_FIRE, 0 },
	{ "known only now", { 3, { 90000, -1, 0 }, NONE, false, false, 0 }, NO_FIRE, 0 },
	{ "not known any more", { 3, NONE, { 100, -1, 0 }, false, false, 0 }, NO_FIRE, 0 },
	{ "nobody to somebody", { 4, { 1, -1, 0 }, { 0, -1, 0 }, false, false, 0 }, 3,
		UPGRADE_SCOPE },
	{ "nobody still", { 4, { 0, -1, 0 }, { 0, -1, 0 }, false, false, 0 }, NO_FIRE, 0 },
	{ "as large as numbers get",
		{ 3, { INT64_MAX, -1, 0 }, { INT64_MAX / 2 + 1, -1, 0 }, false, false, 0 }, NO_FIRE,
		0 },
	{ "and twice that", { 3, { INT64_MAX, -1, 0 }, { INT64_MAX / 2, -1, 0 }, false, false, 0 },
		2, UPGRADE_SCOPE },
	/* share */
	{ "share doubled", { 2, { -1, 500, 0 }, { -1, 250, 0 }, false, false, 0 }, 1,
		UPGRADE_SCOPE },
	{ "share not doubled", { 2, { -1, 499, 0 }, { -1, 250, 0 }, false, false, 0 }, NO_FIRE, 0 },
	{ "one measure is enough", { 2, { 100, 500, 1 }, { 100, 250, 1 }, false, false, 0 }, 1,
		UPGRADE_SCOPE },
	/* groups, from 2 on */
	{ "1 → 2 groups", { 3, { -1, -1, 2 }, { -1, -1, 1 }, false, false, 0 }, NO_FIRE, 0 },
	{ "1 → 3 groups", { 3, { -1, -1, 3 }, { -1, -1, 1 }, false, false, 0 }, NO_FIRE, 0 },
	{ "1 → 4 groups", { 3, { -1, -1, 4 }, { -1, -1, 1 }, false, false, 0 }, 2, UPGRADE_SCOPE },
	{ "2 → 3 groups", { 3, { -1, -1, 3 }, { -1, -1, 2 }, false, false, 0 }, NO_FIRE, 0 },
	{ "2 → 4 groups", { 3, { -1, -1, 4 }, { -1, -1, 2 }, false, false, 0 }, 2, UPGRADE_SCOPE },
	{ "the table was empty", { 3, { -1, -1, 9 }, { -1, -1, 0 }, false, false, 0 }, NO_FIRE, 0 },
	/* the other facts */
	{ "customer at 4", { 4, NONE, NONE, true, false, 0 }, 2, UPGRADE_CUSTOMER },
	{ "customer at 3", { 3, NONE, NONE, true, false, 0 }, 2, UPGRADE_CUSTOMER },
	{ "customer at 2", { 2, NONE, NONE, true, false, 0 }, NO_FIRE, 0 },
	{ "customer at 1", { 1, NONE, NONE, true, false, 0 }, NO_FIRE, 0 },
	{ "data at 4", { 4, NONE, NONE, false, true, 0 }, 1, UPGRADE_DATA },
	{ "data at 2", { 2, NONE, NONE, false, true, 0 }, 1, UPGRADE_DATA },
	{ "data at 1", { 1, NONE, NONE, false, true, 0 }, NO_FIRE, 0 },
	/* together: the worst level asked for */
	{ "customer and data", { 4, NONE, NONE, true, true, 0 }, 1, UPGRADE_DATA },
	{ "scope asks for less", { 4, { 2, -1, 0 }, { 1, -1, 0 }, true, false, 0 }, 2,
		UPGRADE_CUSTOMER },
	{ "the same level: the fact is named", { 3, { 2, -1, 0 }, { 1, -1, 0 }, true, false, 0 }, 2,
		UPGRADE_CUSTOMER },
	{ "data before scope", { 2, { 2, -1, 0 }, { 1, -1, 0 }, true, true, 0 }, 1, UPGRADE_DATA },
	/* overruled */
	{ "customer overruled", { 3, NONE, NONE, true, false, 1u << UPGRADE_CUSTOMER }, NO_FIRE,
		0 },
	{ "data overruled", { 3, NONE, NONE, false, true, 1u << UPGRADE_DATA }, NO_FIRE, 0 },
	{ "the other is not", { 4, NONE, NONE, true, true, 1u << UPGRADE_DATA }, 2,
		UPGRADE_CUSTOMER },
	{ "a new doubling is a new fact", { 3, { 2, -1, 0 }, { 1, -1, 0 }, false, false, 7 }, 2,
		UPGRADE_SCOPE },
	/* no level at all */
	{ "level 0", { 0, { 2, -1, 0 }, { 1, -1, 0 }, true, true, 0 }, NO_FIRE, 0 },
	{ "level 5", { 5, { 2, -1, 0 }, { 1, -1, 0 }, true, true, 0 }, NO_FIRE, 0 },
};

static void test_cases(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct upgrade_verdict v = upgrade_judge(&cases[i].facts);
		bool fires = cases[i].level != NO_FIRE;

		if (v.fires == fires &&
			(!fires || (v.level == cases[i].level && v.rule == cases[i].rule && v.why)))
			continue;
		print_error("%s: %s level %d by %s\n", cases[i].what, v.fires ? "fires" : "quiet",
			v.level, upgrade_rule_name(v.rule));
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void test_facts_held(void **state)
{
	struct upgrade_facts f = { 1, { 2, -1, 0 }, { 1, -1, 0 }, true, true, 0 };

	(void)state;
	assert_int_equal(upgrade_facts_held(&f), 7); /* though none can fire at level 1 */
	f.data_integrity = false;
	assert_int_equal(upgrade_facts_held(&f), 1u << UPGRADE_SCOPE | 1u << UPGRADE_CUSTOMER);
}

static void test_baseline(void **state)
{
	struct upgrade_facts f = { 3, { 100, -1, 2 }, NONE, false, false, 0 };

	(void)state;
	upgrade_baseline(&f.when_set, &f.now);
	assert_int_equal(f.when_set.users, 100);
	assert_int_equal(f.when_set.share_permille, -1);
	assert_int_equal(f.when_set.groups, 2);
	assert_false(upgrade_judge(&f).fires);
	f.now = (struct scope_size){ 200, 10, 2 };
	upgrade_baseline(&f.when_set, &f.now);
	assert_int_equal(f.when_set.users, 100); /* known before: stays */
	assert_int_equal(f.when_set.share_permille, 10);
	assert_true(upgrade_judge(&f).fires);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < UPGRADE_RULE_COUNT; i++)
		assert_string_not_equal(upgrade_rule_name((enum upgrade_rule)i), "unknown");
	assert_string_equal(upgrade_rule_name((enum upgrade_rule)9), "unknown");
}

/* ---- the property: no level rises without a fact that is new since it was set -------------- */

static uint32_t seed;

static unsigned random_below(unsigned n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static const int64_t sizes[] = { -1, 0, 1, 2, 3, 5, 8, 100, 150, 200, 399, 400, 1000 };

/* One fact changes. Returns whether it may be news. */
static bool fact_change(struct upgrade_facts *f)
{
	struct upgrade_facts before = *f;

	switch (random_below(5)) {
	case 0:
		f->now.users = sizes[random_below(COUNT(sizes))];
		break;
	case 1:
		f->now.share_permille = (int)sizes[random_below(COUNT(sizes))];
		break;
	case 2:
		f->now.groups = (int)random_below(9);
		break;
	case 3:
		f->paying_customer = random_below(2);
		break;
	default:
		f->data_integrity = random_below(2);
		break;
	}
	upgrade_baseline(&f->when_set, &f->now);
	f->overruled &= upgrade_facts_held(f);
	return memcmp(&before.now, &f->now, sizeof(f->now)) != 0 ||
	       before.paying_customer != f->paying_customer ||
	       before.data_integrity != f->data_integrity;
}

static void apply(struct upgrade_facts *f, const struct upgrade_verdict *v)
{
	assert_true(v->level >= 1 && v->level < f->severity);
	f->severity = v->level;
	f->when_set = f->now;
	/* Applied, the same facts ask for nothing more. */
	assert_false(upgrade_judge(f).fires);
}

static void downgrade(struct upgrade_facts *f)
{
	if (f->severity == 4)
		return;
	f->severity += 1 + (int)random_below((unsigned)(4 - f->severity));
	f->overruled |= upgrade_facts_held(f);
	f->when_set = f->now;
	/* A person has spoken: the facts of this moment do not argue. */
	assert_false(upgrade_judge(f).fires);
}

static void test_never_oscillates(void **state)
{
	(void)state;
	for (uint32_t run = 0; run < 300; run++) {
		struct upgrade_facts f = { .severity = 4, .now = NONE, .when_set = NONE };
		bool news = true;
		int rises = 0;

		seed = run * 2654435761u + 1;
		for (int step = 0; step < 300; step++) {
			struct upgrade_verdict v;

			if (random_below(3) == 0)
				downgrade(&f);
			else if (random_below(2) == 0)
				news |= fact_change(&f);
			v = upgrade_judge(&f);
			if (!v.fires)
				continue;
			assert_true(news);
			apply(&f, &v);
			news = false;
			rises++;
		}
		assert_true(rises > 0); /* else nothing was shown */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_facts_held),
		cmocka_unit_test(test_baseline),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_never_oscillates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
