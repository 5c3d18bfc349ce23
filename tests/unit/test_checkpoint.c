#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "incident/checkpoint.h"

#define COUNT(a)    (sizeof(a) / sizeof(*(a)))
#define NOW	    INT64_C(1772375700000) /* 2026-03-01 14:35:00 UTC */
#define IN(minutes) (NOW + (minutes)*MINUTE_MS)

static const struct {
	const char *text;
	const char *situation, *hypothesis, *impact, *in_flight, *decision, *cadence;
	int64_t next;
} cases[] = {
	{ "state: rolling back; hypothesis: bad config; impact: EU checkout 25 %; "
	  "in flight: rollback by @bob; decision: fail over at 15:00?; next decision: 15:00",
		"rolling back", "bad config", "EU checkout 25 %", "rollback by @bob",
		"fail over at 15:00?", 0, IN(25) },
	{ "rolling back v2.31", "rolling back v2.31", 0, 0, 0, 0, 0, 0 },
	{ "rolling back. Hypothesis: bad config", "rolling back.", "bad config", 0, 0, 0, 0, 0 },
	/* any order, any case, the words people use */
	{ "NEXT DECISION: in 20m; Theory: DNS; Status: on it", "on it", "DNS", 0, 0, 0, 0, IN(20) },
	{ "Actions in flight: a, b; Customer impact: EU; Current hypothesis: c; Decision point: d",
		0, "c", "EU", "a, b", "d", 0, 0 },
	{ "doing: a; in-flight: b; actions: c", 0, 0, 0, "a; b; c", 0, 0, 0 },
	{ "comms cadence: 30 min; cadence: or less; comms: bob", 0, 0, 0, 0, 0,
		"30 min; or less; bob", 0 },
	{ "situation : x\nimpact： EU；hypothesis： y", "x", "y", "EU", 0, 0, 0, 0 },
	{ "*State:* x\n*Impact:* EU\n- Hypothesis: y\n• decision: z", "x", "y", "EU", 0, "z", 0,
		0 },
	{ "state:x;impact:EU", "x", 0, "EU", 0, 0, 0, 0 },
	/* the next decision */
	{ "next decision: at 3pm", 0, 0, 0, 0, 0, 0, IN(25) },
	{ "next decision point: 20m", 0, 0, 0, 0, 0, 0, IN(20) },
	{ "decide by: tomorrow 9:00", 0, 0, 0, 0, 0, 0, IN(18 * 60 + 25) },
	{ "next decision: 15:00 whether to fail over", 0, 0, 0, 0, "whether to fail over", 0,
		IN(25) },
	{ "decision: fail over; next decision: 15:00, or roll forward", 0, 0, 0, 0,
		"fail over; or roll forward", 0, IN(25) },
	{ "next decision: when the vendor answers", 0, 0, 0, 0, "when the vendor answers", 0, 0 },
	{ "decision: fail over at 15:00", 0, 0, 0, 0, "fail over at 15:00", 0, 0 },
	{ "next decision: in doubt", 0, 0, 0, 0, "in doubt", 0, 0 },
	/* words that are no sections */
	{ "the state: unknown", "the state: unknown", 0, 0, 0, 0, 0, 0 },
	{ "estate: x; understate: y", "estate: x; understate: y", 0, 0, 0, 0, 0, 0 },
	{ "solid-state: x", "solid-state: x", 0, 0, 0, 0, 0, 0 },
	{ "see http://example.com/state:x", "see http://example.com/state:x", 0, 0, 0, 0, 0, 0 },
	{ "impact is small; state of things", "impact is small; state of things", 0, 0, 0, 0, 0,
		0 },
	{ "a; b; impact: c", "a; b", 0, "c", 0, 0, 0, 0 },
	/* nothing */
	{ "", 0, 0, 0, 0, 0, 0, 0 },
	{ " \n;; - ", 0, 0, 0, 0, 0, 0, 0 },
	{ "state:; impact: ;", 0, 0, 0, 0, 0, 0, 0 },
	{ NULL, 0, 0, 0, 0, 0, 0, 0 },
};

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void test_texts(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena *a = arena_create(1u << 16);
		struct checkpoint c;

		checkpoint_parse(a, cases[i].text, "UTC", NOW, &c);
		if (!same(c.situation, cases[i].situation) ||
			!same(c.hypothesis, cases[i].hypothesis) ||
			!same(c.impact, cases[i].impact) ||
			!same(c.in_flight, cases[i].in_flight) ||
			!same(c.decision, cases[i].decision) ||
			!same(c.cadence, cases[i].cadence) || c.next_decision_at != cases[i].next) {
			print_error(
				"%s\n  state=%s hypothesis=%s impact=%s in flight=%s decision=%s "
				"cadence=%s in %lld ms\n",
				cases[i].text, c.situation, c.hypothesis, c.impact, c.in_flight,
				c.decision, c.cadence,
				(long long)(c.next_decision_at ? c.next_decision_at - NOW : 0));
			wrong++;
		}
		arena_destroy(a);
	}
	assert_int_equal(wrong, 0);
}

static void test_times_are_in_the_writers_zone(void **state)
{
	struct arena *a = arena_create(1u << 16);
	struct checkpoint c;

	(void)state;
	checkpoint_parse(a, "next decision: 16:00", "Europe/Berlin", NOW, &c);
	assert_int_equal(c.next_decision_at, IN(25));
	arena_destroy(a);
}

static void test_missing(void **state)
{
	static char x[] = "x", empty[] = "";
	struct checkpoint c = { 0 };
	STR_CLEANUP struct str s;

	(void)state;
	str_init(&s, 400);
	checkpoint_missing(&c, &s);
	assert_string_equal(s.p, "state, hypothesis, impact, in flight, decision, next decision");
	c = (struct checkpoint){
		.situation = x, .hypothesis = empty, .impact = x, .in_flight = x, .decision = x
	};
	str_reset(&s);
	checkpoint_missing(&c, &s);
	assert_string_equal(s.p, "hypothesis, next decision");
	c.hypothesis = x;
	c.next_decision_at = NOW;
	str_reset(&s);
	checkpoint_missing(&c, &s); /* the cadence is not asked for */
	assert_string_equal(s.p, "");
}

static void test_fresh(void **state)
{
	static const struct {
		int64_t at, now;
		bool fresh;
	} ages[] = {
		{ NOW, NOW, true }, { NOW, IN(10) - 1, true },
		{ NOW, IN(10), false },			       /* newer than ten minutes */
		{ NOW, IN(600), false }, { IN(5), NOW, true }, /* the clock was set back */
		{ 0, 1, false },			       /* never made */
	};

	(void)state;
	assert_false(checkpoint_fresh(NULL, NOW, 10 * MINUTE_MS));
	for (size_t i = 0; i < COUNT(ages); i++) {
		struct checkpoint c = { .at = ages[i].at };

		assert_int_equal(checkpoint_fresh(&c, ages[i].now, 10 * MINUTE_MS), ages[i].fresh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_times_are_in_the_writers_zone),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
