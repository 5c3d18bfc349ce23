#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "incident/severity.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct severity_table table = {
	.level = {
		[1] = { .level = 1, .names = { "sev1", "p0", "critical" } },
		[2] = { .level = 2, .names = { "sev2", "p1", "major" } },
		[3] = { .level = 3, .names = { "sev3", "p2", "moderate" } },
		[4] = { .level = 4, .names = { "sev4", "p3", "low", "a", "b", "c", "d", "eight" } },
	},
};

static void test_parse(void **state)
{
	static const struct {
		const char *word;
		int level, bare; /* what both ways of reading give */
	} cases[] = {
		{ "sev1", 1, 1 },
		{ "SEV-2", 2, 2 },
		{ "Sev_3", 3, 3 },
		{ "sev 4", 4, 4 },
		{ "sev–2", 2, 2 }, /* a phone's dash */
		{ "sev‑2", 2, 2 }, /* no-break hyphen */
		{ "sev−2", 2, 2 }, /* a minus sign */
		{ "p0", 1, 1 },
		{ "P3", 4, 4 },
		{ "major", 0, 2 },
		{ "Critical", 0, 1 },
		{ "low", 0, 4 },
		{ "eight", 0, 4 }, /* the last one of a full table */
		{ "1", 0, 1 },
		{ "4", 0, 4 },
		{ "0", 0, 0 },
		{ "5", 0, 0 },
		{ "22", 0, 0 },
		{ "sev", 0, 0 },
		{ "sev5", 0, 0 },
		{ "sev11", 0, 0 },
		{ "p9", 0, 0 },
		{ "", 0, 0 },
		{ "-", 0, 0 },
		{ "sév1", 0, 0 },
		{ "sev1\xFF", 0, 0 },
		{ "majority", 0, 0 },
		{ "sev2sev2sev2sev2sev2sev2sev2sev2sev2sev2sev2", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int level = severity_parse(&table, cases[i].word, false);
		int bare = severity_parse(&table, cases[i].word, true);

		if (level != cases[i].level || bare != cases[i].bare)
			fail_msg("%s: %d and %d", cases[i].word, level, bare);
	}
	assert_int_equal(severity_parse(&table, NULL, true), 0);
}

static void test_names(void **state)
{
	static const struct severity_table renamed = {
		.level = { [1] = { .names = { "a-very-long-name-of-a-level" } },
			[2] = { .names = { "größe" } } },
	};
	char label[16];

	(void)state;
	assert_string_equal(severity_name(&table, 2), "sev2");
	assert_string_equal(severity_name(&table, 0), "unknown");
	assert_string_equal(severity_name(&table, 5), "unknown");
	assert_string_equal(severity_name(&renamed, 3), "sev3"); /* nothing configured */
	severity_label(&table, 2, label);
	assert_string_equal(label, "SEV2");
	severity_label(&renamed, 1, label);
	assert_string_equal(label, "A-VERY-LONG-NAM");
	severity_label(&renamed, 2, label);
	assert_string_equal(label, "GRößE");
}

static void test_classify(void **state)
{
	int last = 0;

	(void)state;
	assert_int_equal(severity_classify(RADIUS_WIDESPREAD, URGENCY_HIGH, NULL), 1);
	assert_int_equal(severity_classify(RADIUS_NONE, URGENCY_LOW, NULL), 4);
	for (int radius = RADIUS_NONE; radius <= RADIUS_WIDESPREAD; radius++) {
		for (int urgency = URGENCY_LOW; urgency <= URGENCY_HIGH; urgency++) {
			const char *why = NULL;
			int level = severity_classify((enum severity_radius)radius,
				(enum severity_urgency)urgency, &why);

			assert_in_range(level, SEVERITY_WORST, SEVERITY_LEAST);
			assert_non_null(why);
			/* more urgent or wider is never less severe */
			if (urgency > URGENCY_LOW)
				assert_true(level <= last);
			if (radius > RADIUS_NONE)
				assert_true(level <=
					    severity_classify((enum severity_radius)(radius - 1),
						    (enum severity_urgency)urgency, NULL));
			last = level;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_classify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
