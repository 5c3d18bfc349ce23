#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "incident/status_update.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define NOW INT64_C(1772375700000) /* 2026-03-01 14:35:00 UTC */
#define IN(minutes) (NOW + (minutes) * MINUTE_MS)

static const struct {
	const char *text;
	const char *known, *unknown, *impact, *doing, *next;
	int64_t next_at;
} cases[] = {
	/* plain */
	{ "rolling back v2.31, cause not known yet. in 20m",
		"rolling back v2.31, cause not known yet.", 0, 0, 0, 0, IN(20) },
	{ "rolling back v2.31", "rolling back v2.31", 0, 0, 0, 0, 0 },
	{ "rolling back. next update 14:50", "rolling back.", 0, 0, 0, 0, IN(15) },
	{ "rolling back. Next update in 20m.", "rolling back.", 0, 0, 0, 0, IN(20) },
	{ "rolling back; next in 20m", "rolling back", 0, 0, 0, 0, IN(20) },
	{ "rolling back next update at 2:50 pm", "rolling back", 0, 0, 0, 0, IN(15) },
	{ "rolling back, next update: 14:50!", "rolling back", 0, 0, 0, 0, IN(15) },
	{ "rolling back next update by 14:50 UTC", "rolling back", 0, 0, 0, 0, IN(15) },
	{ "rolling back (next update in 1h30)", "rolling back", 0, 0, 0, 0, IN(90) },
	{ "rolling back. next 14:50", "rolling back.", 0, 0, 0, 0, IN(15) },
	{ "rolling back. next update 20m", "rolling back.", 0, 0, 0, 0, IN(20) },
	{ "rolling back. next update tomorrow 9:00", "rolling back.", 0, 0, 0, 0,
		NOW + 18 * HOUR_MS + 25 * MINUTE_MS },
	{ "rolling back\nin half an hour", "rolling back", 0, 0, 0, 0, IN(30) },
	{ "in 20m", 0, 0, 0, 0, 0, IN(20) },
	{ "IN 20M", 0, 0, 0, 0, 0, IN(20) },
	{ "next update in 20m", 0, 0, 0, 0, 0, IN(20) },
	{ "rolling back - in 20", "rolling back", 0, 0, 0, 0, IN(20) },
	/* smart punctuation of phones */
	{ "rolling back — in 20m", "rolling back", 0, 0, 0, 0, IN(20) },
	{ "rolling back – next update — 14:50…", "rolling back", 0, 0, 0, 0, IN(15) },
	{ "cause isn’t “known” yet… in 20 min", "cause isn’t “known” yet…", 0, 0, 0, 0, IN(20) },
	{ "Impact — EU checkout; Next — verify", 0, 0, "EU checkout", 0, "verify", 0 },
	{ "“Known”: bad config", "bad config", 0, 0, 0, 0, 0 },
	{ "known: “bad” config", "“bad” config", 0, 0, 0, 0, 0 },
	{ "known：bad config；impact：EU", "bad config", 0, "EU", 0, 0, 0 },
	{ "*Known:* bad config\n*Impact:* EU\n_Next update:_ 14:50", "bad config", 0, "EU", 0, 0,
		IN(15) },
	{ "known: a *bold* word; impact: *EU*", "a *bold* word", 0, "*EU*", 0, 0, 0 },
	/* where it stands */
	{ "Next update in 20m. Rolling back.", "Rolling back.", 0, 0, 0, 0, IN(20) },
	{ "next update 14:50, rolling back", "rolling back", 0, 0, 0, 0, IN(15) },
	{ "next update: 14:50\nrolling back", "rolling back", 0, 0, 0, 0, IN(15) },
	{ "Next update in 20m\nRolling back", "Rolling back", 0, 0, 0, 0, IN(20) },
	{ "next update: 14:50 or later", 0, 0, 0, 0, "14:50 or later", 0 },
	{ "next up: EU, next update 14:50; impact: EU", "next up: EU", 0, "EU", 0, 0, IN(15) },
	{ "we wait. in 20m; impact: EU", "we wait. in 20m", 0, "EU", 0, 0, 0 },
	/* what only looks like a promise */
	{ "we are back. in 14:50", "we are back. in 14:50", 0, 0, 0, 0, 0 },
	{ "next update in 20m people will know", "next update in 20m people will know", 0, 0, 0, 0,
		0 },
	{ "impact— EU", "impact— EU", 0, 0, 0, 0, 0 },
	{ "rolled back in 20m", "rolled back in 20m", 0, 0, 0, 0, 0 },
	{ "failover happened at 14:50", "failover happened at 14:50", 0, 0, 0, 0, 0 },
	{ "fails since 20m", "fails since 20m", 0, 0, 0, 0, 0 },
	{ "checkout, in 20m batches", "checkout, in 20m batches", 0, 0, 0, 0, 0 },
	{ "who is next in line", "who is next in line", 0, 0, 0, 0, 0 },
	{ "working on next 2", "working on next 2", 0, 0, 0, 0, 0 },
	{ "back in. in 900 days", "back in. in 900 days", 0, 0, 0, 0, 0 },
	{ "captain 20m", "captain 20m", 0, 0, 0, 0, 0 },
	{ "plain in 20 people", "plain in 20 people", 0, 0, 0, 0, 0 },
	/* sections */
	{ "known: bad config; unknown: why canary passed; impact: EU checkout; doing: rollback; "
	  "next: verify; in 20m",
		"bad config", "why canary passed", "EU checkout", "rollback", "verify", IN(20) },
	{ "NEXT STEPS: verify; Mitigation : rollback; IMPACT: EU. Unknown: why, known: bad config",
		"bad config", "why", "EU.", "rollback", "verify", 0 },
	{ "next step: verify\naction: one\nactions: two\ndoing: three", 0, 0, 0, "one; two; three",
		"verify", 0 },
	{ "- known: a\n- impact: b\n• next: c", "a", 0, "b", 0, "c", 0 },
	{ "we are on it; impact: EU", "we are on it", 0, "EU", 0, 0, 0 },
	{ "we are on it; known: bad config", "we are on it; bad config", 0, 0, 0, 0, 0 },
	{ "impact: EU; impact: US", 0, 0, "EU; US", 0, 0, 0 },
	{ "impact:; known:", 0, 0, 0, 0, 0, 0 },
	{ "next: in 20m", 0, 0, 0, 0, 0, IN(20) },
	{ "next: 14:50", 0, 0, 0, 0, 0, IN(15) },
	{ "next update: 14:50; known: bad config", "bad config", 0, 0, 0, 0, IN(15) },
	{ "Next update in 20m. Known: bad config", "bad config", 0, 0, 0, 0, IN(20) },
	{ "known: x; next: verify, next update in 20m", "x", 0, 0, 0, "verify", IN(20) },
	{ "next update: once we know more", 0, 0, 0, 0, "once we know more", 0 },
	/* words that are no sections */
	{ "known issue with EU", "known issue with EU", 0, 0, 0, 0, 0 },
	{ "no customer impact: fine", "no customer impact: fine", 0, 0, 0, 0, 0 },
	{ "well-known: a thing", "well-known: a thing", 0, 0, 0, 0, 0 },
	{ "impacted: EU", "impacted: EU", 0, 0, 0, 0, 0 },
	{ "knowns: EU", "knowns: EU", 0, 0, 0, 0, 0 },
	{ "see http://example.com/known:x", "see http://example.com/known:x", 0, 0, 0, 0, 0 },
	/* nothing */
	{ "", 0, 0, 0, 0, 0, 0 },
	{ "   \n ", 0, 0, 0, 0, 0, 0 },
	{ ";;;", 0, 0, 0, 0, 0, 0 },
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
		struct status_update u;

		status_update_parse(a, cases[i].text, "UTC", NOW, &u);
		if (!same(u.known, cases[i].known) || !same(u.unknown, cases[i].unknown) ||
			!same(u.impact, cases[i].impact) || !same(u.doing, cases[i].doing) ||
			!same(u.next, cases[i].next) || u.next_at != cases[i].next_at) {
			print_error(
				"%s\n  known=%s unknown=%s impact=%s doing=%s next=%s in %lld ms\n",
				cases[i].text, u.known, u.unknown, u.impact, u.doing, u.next,
				(long long)(u.next_at ? u.next_at - NOW : 0));
			wrong++;
		}
		arena_destroy(a);
	}
	assert_int_equal(wrong, 0);
}

static void test_times_are_in_the_writers_zone(void **state)
{
	struct arena *a = arena_create(1u << 16);
	struct status_update u;

	(void)state;
	status_update_parse(a, "ok. next update 15:50", "Europe/Berlin", NOW, &u);
	assert_int_equal(u.next_at, IN(15));
	status_update_parse(a, "ok. next update 9:50", "America/New_York", NOW, &u);
	assert_int_equal(u.next_at, IN(15));
	arena_destroy(a);
}

static void test_long_and_hostile(void **state)
{
	static const char *const pieces[] = { "impact: x;", "next in ",
		"next update: ", "known:", "   ", "—", "*_*_", "\n", "in in in ", "(((",
		"next update in 20m. ", "\xE2\x80" };

	(void)state;
	for (size_t i = 0; i < COUNT(pieces); i++) {
		struct arena *a = arena_create(8u << 20); /* as a request has it */
		size_t n = strlen(pieces[i]), len = 0;
		char *text = malloc(40001);
		struct status_update u;

		assert_non_null(text);
		for (; len + n <= 40000; len += n)
			memcpy(text + len, pieces[i], n);
		text[len] = '\0';
		status_update_parse(a, text, "UTC", NOW, &u);
		free(text);
		arena_destroy(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_times_are_in_the_writers_zone),
		cmocka_unit_test(test_long_and_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
