/* What keeps a postmortem from being final: each rule fires, and is silenced by mending. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "incident/review.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define NOW	 INT64_C(1772375700000)
#define MAX	 50

static char summary[] = "Checkout failed for 40 minutes, since the pool was empty.";
static char impact[] = "4 % of checkouts from 14:02 to 14:42.";
static char factors[] = "- [technical] the pool had no limit\n"
			"- [detection] no alert on waiting clients\n"
			"- [change] the rollout went to all regions at once";
static char whys[] = "1. Why did checkout fail? Because the pool was empty.";
static char detection[] =
	"A customer told support at 14:10; an alert on waiting clients would have.";
static char defences[] = "The load test uses one tenant only.";
static char well[] = "The rollback took two minutes.";
static char poorly[] = "The dashboard of the pool was hard to find.";
static char lessons[] = "A pool without a limit moves the outage to the database.";
static char title[] = "Alert on waiting clients", owner[] = "slack:U1";
static char signal_[] = "the alert fires in the game day";
static char entry_text[] = "restarted by @bob", blame[] = "It was caused by @bob.",
	    vague[] = "done";
static char careful[] = "Be more careful.", todo[] = "TODO";

struct paper {
	struct review review;
	struct incident incident;
	struct timeline_entry timeline[4];
	struct followup followup[2];
	struct review_record record;
	struct lint_finding finding[MAX];
};

static void paper_init(struct paper *p)
{
	char *const sections[REVIEW_SECTION_COUNT] = {
		[REVIEW_SUMMARY] = summary,
		[REVIEW_IMPACT] = impact,
		[REVIEW_FACTORS] = factors,
		[REVIEW_WHYS] = whys,
		[REVIEW_DETECTION] = detection,
		[REVIEW_DEFENCES] = defences,
		[REVIEW_WELL] = well,
		[REVIEW_POORLY] = poorly,
		[REVIEW_LESSONS] = lessons,
	};

	memset(p, 0, sizeof(*p));
	memcpy(p->review.section, sections, sizeof(sections));
	p->incident.id = 42;
	for (size_t i = 0; i < COUNT(p->timeline); i++)
		p->timeline[i] = (struct timeline_entry){ .id = (int64_t)i + 1,
			.kind = ENTRY_NOTE,
			.text = entry_text,
			.happened_at = NOW + (int64_t)i * MINUTE_MS };
	for (size_t i = 0; i < COUNT(p->followup); i++)
		p->followup[i] = (struct followup){ .id = (int64_t)i + 7,
			.title = title,
			.owner = owner,
			.due_at = NOW,
			.class = FOLLOWUP_DETECT,
			.signal = signal_ };
	p->record = (struct review_record){ .incident = &p->incident,
		.timeline = p->timeline,
		.timeline_count = COUNT(p->timeline),
		.followup = p->followup,
		.followup_count = COUNT(p->followup),
		.zone = "Europe/Berlin",
		.severity = "SEV2" };
}

static size_t lint(struct paper *p)
{
	return review_lint(&p->review, &p->record, p->finding, MAX);
}

static void passes(struct paper *p)
{
	if (lint(p) > 0)
		fail_msg("rule %d in %s: %s (%s)", (int)p->finding[0].rule,
			p->finding[0].where, p->finding[0].quote, p->finding[0].instead);
}

/* Exactly this one finding. */
static void refuses(struct paper *p, enum lint_rule rule, const char *where, const char *quote)
{
	size_t n = lint(p);

	assert_int_equal(n, 1);
	assert_int_equal(p->finding[0].rule, rule);
	assert_non_null(strstr(p->finding[0].where, where));
	assert_non_null(strstr(p->finding[0].quote, quote));
	assert_true(*p->finding[0].instead);
}

static void test_passes(void **state)
{
	struct paper p;

	(void)state;
	paper_init(&p);
	passes(&p);
}

static void test_sentences(void **state)
{
	static const enum review_section written[] = { REVIEW_SUMMARY, REVIEW_IMPACT, REVIEW_WHYS,
		REVIEW_DETECTION, REVIEW_DEFENCES, REVIEW_WELL, REVIEW_POORLY, REVIEW_LESSONS };
	struct paper p;

	(void)state;
	for (size_t i = 0; i < COUNT(written); i++) {
		const char *where = review_section_title(written[i]);

		paper_init(&p);
		p.review.section[written[i]] = blame;
		refuses(&p, LINT_BLAME, where, "caused by @bob");
		p.review.section[written[i]] = todo;
		refuses(&p, LINT_PLACEHOLDER, where, "TODO");
		p.review.section[written[i]] = NULL;
		refuses(&p, LINT_MISSING, where, "");
		p.review.section[written[i]] = careful; /* emptiness counts in lessons */
		if (written[i] == REVIEW_LESSONS)
			refuses(&p, LINT_EMPTY, where, "Be more careful");
		else
			passes(&p);
	}
}

static void test_factors(void **state)
{
	static char two[] = "- [technical] the pool had no limit\n- [detection] no alert on it";
	static char one_layer[] = "- [technical] no limit\n- [technical] no jitter\n- no timeout";
	static char with_blame[] =
		"- [technical] no limit\n- [detection] no alert\n- [change] human error";
	static char lone[] = "Root cause: the pool had no limit";
	struct paper p;

	(void)state;
	paper_init(&p);
	p.review.section[REVIEW_FACTORS] = two;
	refuses(&p, LINT_FACTORS, "factors", "");
	p.review.section[REVIEW_FACTORS] = NULL;
	refuses(&p, LINT_FACTORS, "factors", "");
	p.review.section[REVIEW_FACTORS] = one_layer;
	refuses(&p, LINT_LAYERS, "factors", "");
	p.review.section[REVIEW_FACTORS] = with_blame;
	refuses(&p, LINT_BLAME, "factors", "human error");
	p.review.section[REVIEW_FACTORS] = lone;
	assert_int_equal(lint(&p), 2);
	assert_int_equal(p.finding[0].rule, LINT_ROOT_CAUSE);
	assert_int_equal(p.finding[1].rule, LINT_FACTORS);
}

static void test_light(void **state)
{
	static char one[] = "- [technical] the pool had no limit";
	static const enum review_section spared[] = { REVIEW_WHYS, REVIEW_DETECTION,
		REVIEW_DEFENCES, REVIEW_WELL, REVIEW_POORLY };
	struct paper p;

	(void)state;
	paper_init(&p);
	p.review.light = true;
	for (size_t i = 0; i < COUNT(spared); i++)
		p.review.section[spared[i]] = NULL;
	p.review.section[REVIEW_FACTORS] = one;
	p.record.followup_count = 0;
	passes(&p);
	p.review.section[REVIEW_FACTORS] = NULL;
	refuses(&p, LINT_FACTORS, "factors", "");
	p.review.section[REVIEW_FACTORS] = one;
	p.review.section[REVIEW_SUMMARY] = NULL;
	refuses(&p, LINT_MISSING, "Summary", "");
	p.review.section[REVIEW_SUMMARY] = summary;
	p.review.section[REVIEW_WELL] = blame; /* what is said is looked at */
	refuses(&p, LINT_BLAME, "", "caused by @bob");
}

static void test_timeline(void **state)
{
	struct paper p;

	(void)state;
	paper_init(&p);
	p.timeline[1].text = blame;
	refuses(&p, LINT_BLAME, "Timeline, ", "caused by @bob");
	p.timeline[3].corrects = 2;
	passes(&p);
	p.timeline[3].corrects = 1; /* another one */
	refuses(&p, LINT_BLAME, "Timeline, ", "caused by @bob");
	paper_init(&p);
	p.timeline[0].text = todo; /* a timeline is written in a hurry */
	p.timeline[1].text = NULL;
	passes(&p);
	p.record.timeline_count = 2;
	refuses(&p, LINT_TIME, "Timeline", "");
	p.record.timeline_count = 0;
	refuses(&p, LINT_TIME, "Timeline", "");
}

static void test_actions(void **state)
{
	struct paper p;

	(void)state;
	paper_init(&p);
	p.followup[1].owner = NULL;
	refuses(&p, LINT_OWNER, "Action F8", title);
	p.followup[1].owner = owner;
	p.followup[1].due_at = 0;
	refuses(&p, LINT_DUE, "Action F8", title);
	p.followup[1].due_at = NOW;
	p.followup[1].class = FOLLOWUP_NO_CLASS;
	refuses(&p, LINT_CLASS, "Action F8", title);
	p.followup[1].class = FOLLOWUP_LEARN;
	p.followup[1].signal = NULL;
	refuses(&p, LINT_SIGNAL, "Action F8", title);
	p.followup[1].signal = vague;
	refuses(&p, LINT_SIGNAL, "Action F8", "done");
	p.followup[1].signal = signal_;
	p.followup[1].title = careful;
	refuses(&p, LINT_EMPTY, "Action F8", "Be more careful");
	p.followup[1].state = FOLLOWUP_CANCELLED;
	passes(&p);
	p.followup[0].state = FOLLOWUP_CANCELLED;
	refuses(&p, LINT_MISSING, "Action", "");
}

static void test_max(void **state)
{
	struct paper p;
	size_t all;

	(void)state;
	paper_init(&p);
	memset(p.review.section, 0, sizeof(p.review.section));
	for (size_t i = 0; i < COUNT(p.followup); i++)
		p.followup[i] = (struct followup){ .id = 7, .title = title };
	p.record.timeline_count = 0;
	all = lint(&p);
	assert_true(all > 12);
	for (size_t max = 0; max < all; max++) {
		memset(p.finding, 0x5A, sizeof(p.finding));
		assert_int_equal(review_lint(&p.review, &p.record, p.finding, max), max);
		assert_int_equal(((unsigned char *)&p.finding[max])[0], 0x5A);
	}
}

/* What the bot itself writes must pass its own rules. */
static void test_our_own_draft(void **state)
{
	struct arena *a = arena_create(1 << 20);
	struct paper p;

	(void)state;
	paper_init(&p);
	p.incident.title = title;
	p.incident.declared_at = p.incident.impact_at = NOW;
	p.incident.resolved_at = NOW + HOUR_MS;
	review_draft(a, &p.record, &p.review);
	passes(&p);
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_factors),
		cmocka_unit_test(test_light),
		cmocka_unit_test(test_timeline),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_max),
		cmocka_unit_test(test_our_own_draft),
	};

	return cmocka_run_group_tests_name("review: lint", tests, NULL, NULL);
}
