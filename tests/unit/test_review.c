/* The postmortem document: factors, the file and back, the first draft. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "incident/review.h"

/* Monday 2026-03-02 14:00 UTC */
#define AT INT64_C(1772460000000)

static char title[] = "checkout <fails> | *often*", services[] = "shop", alice[] = "slack:U1", impact[] = "1200 users could not pay",
	    note[] = "rolled back", wrong[] = "at 14:07 it began", right[] = "at 14:05 it began", action[] = "alert on | retries",
	    signal_text[] = "the alert fires in the game day", shown[] = "fired in 40 s", source[] = "chat";

static const char *name_of(void *ctx, const char *person)
{
	(void)ctx;
	return strcmp(person, alice) == 0 ? "@alice" : NULL;
}

struct scene {
	struct arena *arena;
	struct incident incident;
	struct timeline_entry entry[3];
	struct followup followup[1];
	struct review_record rec;
	struct review review;
	struct str out;
	struct error err;
};

static int begin(void **state)
{
	static struct scene s;

	s = (struct scene){
		.arena = arena_create(1 << 20),
		.incident = { .id = 42, .title = title, .services = services, .severity = 2, .reporter = alice, .source = source,
			.impact = impact, .impact_at = AT - 10 * MINUTE_MS, .declared_at = AT, .acknowledged_at = AT + 2 * MINUTE_MS,
			.mitigated_at = AT + 20 * MINUTE_MS, .resolved_at = AT + 62 * MINUTE_MS, .update_text = note },
		.entry = { { .id = 1, .kind = ENTRY_FACT, .happened_at = AT, .text = wrong, .author = alice },
			{ .id = 2, .kind = ENTRY_MITIGATION, .happened_at = AT + 20 * MINUTE_MS, .text = note },
			{ .id = 3, .kind = ENTRY_FACT, .happened_at = AT + 30 * MINUTE_MS, .text = right, .corrects = 1 } },
		.followup = { { .id = 7, .title = action, .owner = alice, .priority = 1, .due_at = AT + 14 * DAY_MS,
			.class = FOLLOWUP_DETECT, .signal = signal_text } },
		.review = { .incident = 42, .version = 3 },
	};
	s.rec = (struct review_record){ .incident = &s.incident, .timeline = s.entry, .timeline_count = 3, .followup = s.followup,
		.followup_count = 1, .zone = "UTC", .severity = "SEV2", .name = name_of };
	str_init(&s.out, 100000);
	*state = &s;
	return 0;
}

static int end(void **state)
{
	struct scene *s = *state;

	arena_destroy(s->arena);
	str_finish(&s->out);
	return 0;
}

static void names(void **state)
{
	enum review_section s;
	enum review_layer l;
	enum review_state t;

	(void)state;
	for (int i = 0; i < REVIEW_SECTION_COUNT; i++) {
		assert_true(review_section_parse(review_section_name((enum review_section)i), &s) && (int)s == i);
		assert_true(review_section_parse(review_section_title((enum review_section)i), &s) && (int)s == i);
	}
	assert_true(review_section_parse("contrib", &s) && s == REVIEW_FACTORS);
	assert_true(review_section_parse("FIVE", &s) && s == REVIEW_WHYS);
	assert_false(review_section_parse("what went", &s)); /* well or poorly? */
	assert_false(review_section_parse("", &s));
	assert_false(review_section_parse("lessonss", &s));
	assert_false(review_section_written(REVIEW_TIMELINE));
	assert_false(review_section_written(REVIEW_ACTIONS));
	assert_true(review_section_written(REVIEW_LESSONS));
	assert_true(review_layer_parse("Rollout", &l) && l == LAYER_CHANGE);
	assert_true(review_layer_parse("on-call", &l) && l == LAYER_RESPONSIBILITY);
	assert_true(review_layer_parse("organizational", &l) && l == LAYER_ORGANISATIONAL);
	assert_false(review_layer_parse("tec", &l));
	for (int i = 0; i < REVIEW_LAYER_COUNT; i++)
		assert_true(review_layer_parse(review_layer_name((enum review_layer)i), &l) && (int)l == i);
	assert_true(review_state_parse("final", &t) && t == REVIEW_FINAL);
	assert_false(review_state_parse("done", &t));
}

static void factors(void **state)
{
	struct scene *s = *state;
	struct review_factor f[8];
	bool lone;

	assert_int_equal(review_factors(s->arena, "- [change] all at once\n\n* [monitoring] no alert\n1. retries\n  2) [Org]: nobody owned it\n",
		f, 8, &lone), 4);
	assert_false(lone);
	assert_int_equal(f[0].layer, LAYER_CHANGE);
	assert_string_equal(f[0].text, "all at once");
	assert_int_equal(f[1].layer, LAYER_DETECTION);
	assert_int_equal(f[2].layer, LAYER_TECHNICAL);
	assert_string_equal(f[2].text, "retries");
	assert_int_equal(f[3].layer, LAYER_ORGANISATIONAL);
	assert_string_equal(f[3].text, "nobody owned it");
	/* Not a layer: it stays text. */
	assert_int_equal(review_factors(s->arena, "- [JIRA-12] x", f, 8, &lone), 1);
	assert_string_equal(f[0].text, "[JIRA-12] x");
	/* A lone root cause is one technical trigger. */
	assert_int_equal(review_factors(s->arena, "Root cause: bad config", f, 8, &lone), 1);
	assert_true(lone);
	assert_int_equal(f[0].layer, LAYER_TECHNICAL);
	assert_string_equal(f[0].text, "bad config");
	assert_int_equal(review_factors(s->arena, "The root cause was a bad config\n- [detection] no alert", f, 8, &lone), 2);
	assert_false(lone);
	assert_string_equal(f[0].text, "a bad config");
	assert_int_equal(review_factors(s->arena, "a\nb\nc", f, 2, NULL), 2);
	assert_int_equal(review_factors(s->arena, NULL, f, 8, &lone), 0);
	assert_int_equal(review_factors(s->arena, "-\n \n- \n[change]\nroot cause:", f, 8, &lone), 2);
	assert_string_equal(f[0].text, "-");
}

static void file_and_back(void **state)
{
	struct scene *s = *state;
	struct review back = { 0 };
	unsigned ignored;

	s->review.section[REVIEW_SUMMARY] = arena_strdup(s->arena, "It failed.\n\n```\n## not a heading\n```\n\n### but this\n\nend");
	s->review.section[REVIEW_LESSONS] = arena_strdup(s->arena, "*Limit* retries.");
	review_markdown(&s->out, &s->review, &s->rec, NULL);
	assert_false(s->out.cut);
	/* The record is escaped, people's own Markdown is not. */
	assert_non_null(strstr(s->out.p, "# Postmortem of INC-42: checkout &lt;fails&gt; \\| \\*often\\*\n"));
	assert_non_null(strstr(s->out.p, "| Declared | 2026-03-02 14:00 UTC |"));
	assert_non_null(strstr(s->out.p, "| State | draft, version 3 |"));
	assert_non_null(strstr(s->out.p, "post-incident-review"));
	assert_non_null(strstr(s->out.p, "*Limit* retries."));
	assert_non_null(strstr(s->out.p, "| F7 | alert on \\| retries | @alice | P1 | 2026-03-16 14:00 UTC | detect | the alert fires in the "
					 "game day | open |"));
	assert_non_null(strstr(s->out.p, "**mitigation** rolled back\n"));
	/* What was corrected is replaced by its correction. */
	assert_null(strstr(s->out.p, wrong));
	assert_non_null(strstr(s->out.p, right));
	assert_int_equal(review_parse(s->arena, s->out.p, s->out.len, &back, &ignored, &s->err), 0);
	assert_string_equal(back.section[REVIEW_SUMMARY], s->review.section[REVIEW_SUMMARY]);
	assert_string_equal(back.section[REVIEW_LESSONS], "*Limit* retries.");
	assert_string_equal(back.section[REVIEW_WHYS], ""); /* a hint is nothing */
	assert_null(back.section[REVIEW_TIMELINE]);
	assert_int_equal(ignored, (1u << REVIEW_TIMELINE) | (1u << REVIEW_ACTIONS));
}

static void a_done_action_says_what_was_seen(void **state)
{
	struct scene *s = *state;

	s->followup[0].state = FOLLOWUP_DONE;
	s->followup[0].shown = shown;
	s->followup[0].owner = NULL;
	s->review.waiver = shown;
	s->review.state = REVIEW_FINAL;
	review_markdown(&s->out, &s->review, &s->rec, NULL);
	assert_non_null(strstr(s->out.p, "| — | P1 |"));
	assert_non_null(strstr(s->out.p, "| done: fired in 40 s |"));
	assert_non_null(strstr(s->out.p, "| Checks waived | fired in 40 s |"));
	s->rec.followup_count = s->rec.timeline_count = 0;
	str_reset(&s->out);
	review_markdown(&s->out, &s->review, &s->rec, NULL);
	assert_non_null(strstr(s->out.p, "## Timeline\n\n_Nothing yet._\n"));
}

static void a_template_of_their_own(void **state)
{
	struct scene *s = *state;

	s->review.section[REVIEW_SUMMARY] = arena_strdup(s->arena, "{{lessons}} stays");
	review_markdown(&s->out, &s->review, &s->rec, "{{id}} {{title}}\n## Summary\n{{summary}}\n{{nonsense}}v{{version}} {{state}} {{");
	assert_string_equal(s->out.p,
		"INC-42 checkout &lt;fails&gt; \\| \\*often\\*\n## Summary\n{{lessons}} stays\n\nv3 draft {{");
}

static void refuses(struct scene *s, const char *text, size_t len, const char *says)
{
	struct review back = { 0 };
	unsigned ignored;

	assert_int_equal(review_parse(s->arena, text, len, &back, &ignored, &s->err), -EINVAL);
	if (!strstr(s->err.text, says))
		fail_msg("\"%s\" does not say \"%s\"", s->err.text, says);
}

static void bad_files(void **state)
{
	struct scene *s = *state;
	static const char unknown[] = "# x\n\n## Summary\na\n## Sumary\nb\n", twice[] = "## Summary\na\n## summary ##\nb\n";

	refuses(s, unknown, strlen(unknown), "line 5: there is no section \"Sumary\"");
	refuses(s, unknown, strlen(unknown), "Contributing factors");
	refuses(s, twice, strlen(twice), "line 3: the section \"Summary\" stands there twice");
	refuses(s, "", 0, "no section was found");
	refuses(s, "no headings\n", 12, "no section was found");
	refuses(s, "## Summary\n\xff\n", 13, "not UTF-8");
	refuses(s, "## Summary\n\0x", 13, "not UTF-8");
}

static void read_as_written(void **state)
{
	struct scene *s = *state;
	static const char text[] = "before\r\n## what went well ##\r\nfast\r\n\r\n## Lessons";
	struct review back = { 0 };
	unsigned ignored;

	assert_int_equal(review_parse(s->arena, text, strlen(text), &back, &ignored, &s->err), 0);
	assert_string_equal(back.section[REVIEW_WELL], "fast");
	assert_string_equal(back.section[REVIEW_LESSONS], "");
	assert_null(back.section[REVIEW_SUMMARY]);
	assert_int_equal(ignored, 0);
}

static void first_draft(void **state)
{
	struct scene *s = *state;

	review_draft(s->arena, &s->rec, &s->review);
	assert_string_equal(s->review.section[REVIEW_SUMMARY],
		"checkout &lt;fails&gt; \\| \\*often\\* (SEV2, shop). Declared 2026-03-02 14:00 UTC, acknowledged after 2 min, mitigated after "
		"20 min, resolved after 1 h 02.\n\nHow it ended: rolled back");
	assert_string_equal(s->review.section[REVIEW_IMPACT],
		"1200 users could not pay\n\nIt began 2026-03-02 13:50 UTC and lasted 30 min.");
	assert_string_equal(s->review.section[REVIEW_DETECTION],
		"Declared by @alice, source: chat; detected after 10 min of impact.");
	assert_null(s->review.section[REVIEW_FACTORS]);
	s->incident = (struct incident){ .id = 42, .declared_at = AT, .customer_reported = true };
	review_draft(s->arena, &s->rec, &s->review);
	assert_string_equal(s->review.section[REVIEW_SUMMARY], " (SEV2). Declared 2026-03-02 14:00 UTC.");
	assert_null(s->review.section[REVIEW_IMPACT]);
	assert_string_equal(s->review.section[REVIEW_DETECTION],
		"Declared by somebody. A customer noticed before any alert did.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test_setup_teardown(factors, begin, end),
		cmocka_unit_test_setup_teardown(file_and_back, begin, end),
		cmocka_unit_test_setup_teardown(a_done_action_says_what_was_seen, begin, end),
		cmocka_unit_test_setup_teardown(a_template_of_their_own, begin, end),
		cmocka_unit_test_setup_teardown(bad_files, begin, end),
		cmocka_unit_test_setup_teardown(read_as_written, begin, end),
		cmocka_unit_test_setup_teardown(first_draft, begin, end),
	};

	return cmocka_run_group_tests_name("review", tests, NULL, NULL);
}
