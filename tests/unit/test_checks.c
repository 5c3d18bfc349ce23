#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "incident/checks.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define NOW	 INT64_C(1772375700000)

/* ---- the seven ----------------------------------------------------------------------------- */

static char word[] = "x";

static const struct role_table role_table = {
	.role = {
		{ .key = ROLE_COMMANDER, .title = "Incident commander" },
		{ .key = ROLE_OPERATIONS, .title = "Operations lead" },
		{ .key = ROLE_COMMS, .title = "Communications lead" },
		{ .key = ROLE_SCRIBE, .title = "Scribe" },
	},
	.count = 4,
};

/* A level 1 incident of which all is said. */
struct record {
	struct incident incident;
	struct impact_facts impact;
	struct scope_entry scope[4];
	struct role_holder holder[4];
	struct role_set roles;
	struct timeline_entry timeline[5];
	struct checkpoint checkpoint;
	struct check_facts facts;
	struct check check[CHECK_COUNT];
};

static void record_init(struct record *r)
{
	static const char *const keys[] = { ROLE_COMMANDER, ROLE_OPERATIONS, ROLE_COMMS,
		ROLE_SCRIBE };
	static const enum timeline_kind kinds[] = { ENTRY_DETECTION, ENTRY_HYPOTHESIS,
		ENTRY_COMMUNICATION, ENTRY_ACTION, ENTRY_NOTE };

	memset(r, 0, sizeof(*r));
	r->incident = (struct incident){ .id = 42,
		.title = word,
		.severity = 1,
		.state = STATE_MONITORING,
		.declared_at = NOW - 3 * HOUR_MS };
	impact_init(&r->impact);
	r->impact.users = 1200;
	r->impact.share_permille = 255;
	r->impact.began_at = NOW - 4 * HOUR_MS;
	r->impact.data_loss = TRI_NO;
	r->impact.data_corruption = TRI_NO;
	for (int k = 0; k < SCOPE_KIND_COUNT; k++)
		r->scope[k] = (struct scope_entry){ .kind = (enum scope_kind)k, .value = word };
	for (size_t i = 0; i < COUNT(keys); i++)
		r->holder[i] = (struct role_holder){ keys[i], "slack:U1", NOW };
	r->roles = (struct role_set){ r->holder, COUNT(keys) };
	for (size_t i = 0; i < COUNT(kinds); i++)
		r->timeline[i] = (struct timeline_entry){
			.id = (int64_t)i + 1, .kind = kinds[i], .text = word
		};
	r->checkpoint = (struct checkpoint){ .at = NOW - 10 * MINUTE_MS,
		.situation = word,
		.hypothesis = word,
		.impact = word,
		.in_flight = word,
		.decision = word,
		.next_decision_at = NOW };
	r->facts = (struct check_facts){ .incident = &r->incident,
		.impact = &r->impact,
		.scope = r->scope,
		.scope_count = COUNT(r->scope),
		.roles = &r->roles,
		.role_table = &role_table,
		.timeline = r->timeline,
		.timeline_count = COUNT(r->timeline),
		.checkpoint = &r->checkpoint,
		.checkpoint_every_ms = HOUR_MS,
		.now = NOW };
}

static void expect(
	struct record *r, enum check_kind kind, enum check_result result, const char *part)
{
	checks_run(&r->facts, r->check);
	if (r->check[kind].result == result && strstr(r->check[kind].text, part))
		return;
	fail_msg("%s is %s: %s\nexpected %s: %s", check_name(kind),
		check_result_name(r->check[kind].result), r->check[kind].text,
		check_result_name(result), part);
}

static void test_all_is_said(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	for (int k = 0; k < CHECK_COUNT; k++)
		expect(&r, (enum check_kind)k, CHECK_PASSED, "");
	expect(&r, CHECK_IMPACT, CHECK_PASSED, "25.5 %, 1200 users");
}

static void test_nothing_is_said(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	r.facts = (struct check_facts){
		.incident = &r.incident, .now = NOW, .checkpoint_every_ms = HOUR_MS
	};
	for (int k = 0; k < CHECK_COUNT; k++)
		expect(&r, (enum check_kind)k, k == CHECK_BLAMELESS ? CHECK_PASSED : CHECK_MISSING,
			"");
	/* the very beginning asks for nothing but the commander and the other roles */
	r.incident.state = STATE_TRIAGE;
	r.incident.declared_at = NOW;
	for (int k = 0; k < CHECK_COUNT; k++)
		if (k != CHECK_ROLES && k != CHECK_BLAMELESS)
			expect(&r, (enum check_kind)k, CHECK_NOT_YET, "");
	expect(&r, CHECK_ROLES, CHECK_MISSING, "Incident commander: /inc take commander");
}

static void test_what_ended_needs_nothing(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	r.facts = (struct check_facts){ .incident = &r.incident, .now = NOW };
	r.incident.state = STATE_CANCELLED;
	for (int k = 0; k < CHECK_COUNT; k++)
		expect(&r, (enum check_kind)k, CHECK_NOT_YET, "cancelled");
	r.incident.merged_into = 7;
	for (int k = 0; k < CHECK_COUNT; k++)
		expect(&r, (enum check_kind)k, CHECK_NOT_YET, "INC-7");
}

static void test_impact(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	r.impact.users = r.impact.share_permille = -1;
	r.incident.impact = word; /* words alone are not enough at levels 1 and 2 */
	expect(&r, CHECK_IMPACT, CHECK_MISSING, "how many are affected: /inc impact ");
	r.incident.severity = 3;
	expect(&r, CHECK_IMPACT, CHECK_PASSED, "");
	r.incident.impact = NULL;
	expect(&r, CHECK_IMPACT, CHECK_MISSING, "who is affected");
	record_init(&r);
	r.impact.users = 0; /* nobody is a figure too */
	r.impact.share_permille = -1;
	expect(&r, CHECK_IMPACT, CHECK_PASSED, "0 users");
	record_init(&r);
	r.impact.data_loss = TRI_UNKNOWN;
	expect(&r, CHECK_IMPACT, CHECK_MISSING, "whether data was lost: ");
	r.impact.data_corruption = TRI_UNKNOWN;
	r.incident.severity = 4;
	expect(&r, CHECK_IMPACT, CHECK_PASSED, "");
	record_init(&r);
	r.impact.began_at = 0;
	expect(&r, CHECK_IMPACT, CHECK_MISSING, "since when");
	r.incident.impact_at = NOW;
	expect(&r, CHECK_IMPACT, CHECK_PASSED, "");
	r.incident.state = STATE_RESOLVED;
	expect(&r, CHECK_IMPACT, CHECK_MISSING, "until when");
	r.incident.mitigated_at = NOW;
	expect(&r, CHECK_IMPACT, CHECK_PASSED, "");
}

static void test_scope(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	r.facts.scope_count = 2;
	expect(&r, CHECK_SCOPE, CHECK_MISSING,
		"dependency, recent change: /inc scope dependency payments-db");
	r.incident.severity = 3; /* one is enough */
	expect(&r, CHECK_SCOPE, CHECK_PASSED, "2 on the scope table");
	r.facts.scope_count = 0;
	expect(&r, CHECK_SCOPE, CHECK_MISSING, "/inc scope group EU tenants");
}

static void test_roles(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	r.roles.count = 2;
	expect(&r, CHECK_ROLES, CHECK_MISSING,
		"Communications lead, Scribe: /inc take communications");
	r.incident.severity = 3;
	expect(&r, CHECK_ROLES, CHECK_PASSED, "commander");
	r.roles.count = 0;
	expect(&r, CHECK_ROLES, CHECK_MISSING, "Incident commander: /inc take commander");
	r.incident.state = STATE_TRIAGE;
	expect(&r, CHECK_ROLES, CHECK_NOT_YET, "triage");
}

static void test_timeline(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	r.timeline[0].kind = ENTRY_NOTE;
	expect(&r, CHECK_TIMELINE, CHECK_MISSING, "how it was found: /inc note ");
	r.incident.detected_at = NOW;
	expect(&r, CHECK_TIMELINE, CHECK_PASSED, "5 entries");
	r.timeline[1].kind = ENTRY_NOTE;
	expect(&r, CHECK_TIMELINE, CHECK_MISSING, "a fact or hypothesis: /inc fact ");
	r.incident.state = STATE_INVESTIGATING;
	expect(&r, CHECK_TIMELINE, CHECK_PASSED, "");
	record_init(&r);
	r.timeline[3].kind = ENTRY_NOTE;
	expect(&r, CHECK_TIMELINE, CHECK_MISSING, "what was done about it: /inc action ");
	r.incident.state = STATE_MITIGATING;
	expect(&r, CHECK_TIMELINE, CHECK_PASSED, "");
	record_init(&r);
	r.timeline[4].corrects = 2; /* the hypothesis was none: a note took its place */
	expect(&r, CHECK_TIMELINE, CHECK_MISSING, "a fact or hypothesis");
}

static void test_checkpoint(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	r.checkpoint.at = NOW - HOUR_MS;
	expect(&r, CHECK_CHECKPOINT, CHECK_MISSING, "the last is 1 h old: /inc checkpoint ");
	r.checkpoint.at = NOW;
	r.checkpoint.hypothesis = NULL;
	expect(&r, CHECK_CHECKPOINT, CHECK_MISSING, "without hypothesis: /inc checkpoint ");
	r.facts.checkpoint = NULL;
	expect(&r, CHECK_CHECKPOINT, CHECK_MISSING, "there is none: /inc checkpoint ");
	r.incident.declared_at = NOW - 25 * MINUTE_MS;
	expect(&r, CHECK_CHECKPOINT, CHECK_NOT_YET, "due in 35 min");
	r.incident.declared_at = 0;
	r.facts.checkpoint_every_ms = 0;
	expect(&r, CHECK_CHECKPOINT, CHECK_NOT_YET, "not asked for at this level");
	r.facts.checkpoint_every_ms = HOUR_MS;
	r.incident.state = STATE_RESOLVED;
	expect(&r, CHECK_CHECKPOINT, CHECK_NOT_YET, "over");
}

static void test_blameless(void **state)
{
	static char blame[] = "caused by @bob", denial[] = "not caused by @bob";
	struct record r;

	(void)state;
	record_init(&r);
	r.timeline[1].text = denial;
	expect(&r, CHECK_BLAMELESS, CHECK_PASSED, "nobody");
	r.timeline[1].text = blame;
	expect(&r, CHECK_BLAMELESS, CHECK_MISSING,
		"\"caused by @bob\" in entry 2; say what made it possible: "
		"/inc note … --correct 2");
	r.timeline[4].corrects = 2;
	expect(&r, CHECK_BLAMELESS, CHECK_PASSED, "");
	r.checkpoint.hypothesis = blame;
	expect(&r, CHECK_BLAMELESS, CHECK_MISSING, "in the checkpoint");
	record_init(&r);
	r.incident.impact = blame;
	expect(&r, CHECK_BLAMELESS, CHECK_MISSING, "in the impact");
	record_init(&r);
	r.incident.update_text = blame;
	expect(&r, CHECK_BLAMELESS, CHECK_MISSING, "in the last update");
	record_init(&r);
	r.scope[3].note = blame;
	expect(&r, CHECK_BLAMELESS, CHECK_MISSING, "in the scope table");
}

static void test_blameless_postmortem(void **state)
{
	static char blame[] = "Bob forgot to renew it.", fine[] = "Nothing renewed it.";
	struct review review = { .incident = 42, .version = 2 };
	struct record r;

	(void)state;
	record_init(&r);
	r.facts.review = &review;
	review.section[REVIEW_WHYS] = fine;
	review.section[REVIEW_TIMELINE] = blame; /* from the record: checked there */
	expect(&r, CHECK_BLAMELESS, CHECK_PASSED, "");
	review.section[REVIEW_WHYS] = blame;
	expect(&r, CHECK_BLAMELESS, CHECK_MISSING,
		"\"Bob forgot to\" in the postmortem, Five whys; say what made it possible: "
		"/inc postmortem edit whys");
}

static void test_actions(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	r.facts.actions_open = 1;
	expect(&r, CHECK_ACTIONS, CHECK_PASSED, "1 on the timeline, 1 without a result");
	r.timeline[3].kind = ENTRY_MITIGATION;
	expect(&r, CHECK_ACTIONS, CHECK_PASSED, "1 on the timeline");
	r.timeline[3].kind = ENTRY_NOTE;
	expect(&r, CHECK_ACTIONS, CHECK_MISSING, "no action is on the timeline: /inc action ");
	r.incident.state = STATE_MITIGATING;
	expect(&r, CHECK_ACTIONS, CHECK_MISSING, "");
	r.incident.state = STATE_IDENTIFIED;
	expect(&r, CHECK_ACTIONS, CHECK_NOT_YET, "");
	r.incident.state = STATE_AUTO_RESOLVED;
	expect(&r, CHECK_ACTIONS, CHECK_MISSING, "");
}

static void test_followups(void **state)
{
	static char owner[] = "slack:U1", signal[] = "the alert fires in the game day", vague[] = "done";
	struct followup u[3];
	struct record r;

	(void)state;
	record_init(&r);
	for (size_t i = 0; i < COUNT(u); i++)
		u[i] = (struct followup){ .id = (int64_t)i + 7,
			.title = word,
			.owner = owner,
			.due_at = NOW + HOUR_MS,
			.class = FOLLOWUP_DETECT,
			.signal = signal };
	r.facts.followup = u;
	r.facts.followup_count = COUNT(u);
	u[0].state = FOLLOWUP_DONE;
	u[0].owner = NULL; /* what is done lacks nothing */
	expect(&r, CHECK_ACTIONS, CHECK_PASSED, "1 on the timeline; 3 follow-ups, 2 open");
	u[2].state = FOLLOWUP_CANCELLED;
	expect(&r, CHECK_ACTIONS, CHECK_PASSED, "2 follow-ups, 1 open");
	u[1].owner = NULL;
	expect(&r, CHECK_ACTIONS, CHECK_MISSING,
		"2 follow-ups, 1 open, 1 without owner: /inc followup F8 --owner @name");
	u[1].owner = owner;
	u[1].due_at = 0;
	expect(&r, CHECK_ACTIONS, CHECK_MISSING, "1 without due date: /inc followup F8 --due ");
	u[1].due_at = NOW - HOUR_MS;
	expect(&r, CHECK_ACTIONS, CHECK_MISSING, "1 overdue: /inc followup F8 --done ");
	u[1].due_at = NOW + HOUR_MS;
	u[1].signal = vague;
	expect(&r, CHECK_ACTIONS, CHECK_MISSING, "1 without observable signal: /inc followup F8 ");
	u[1].signal = signal;
	u[1].class = FOLLOWUP_NO_CLASS;
	expect(&r, CHECK_ACTIONS, CHECK_MISSING, "1 without class: /inc followup F8 --class ");
	u[1].class = FOLLOWUP_LEARN;
	u[2].state = FOLLOWUP_OPEN;
	u[2].class = FOLLOWUP_NO_CLASS;
	u[1].owner = NULL; /* the first of them is the one to mend */
	expect(&r, CHECK_ACTIONS, CHECK_MISSING,
		"3 follow-ups, 2 open, 1 without owner, 1 without class: /inc followup F8 --owner");
	r.timeline[3].kind = ENTRY_NOTE;
	expect(&r, CHECK_ACTIONS, CHECK_MISSING, "no action is on the timeline; 3 follow-ups");
	r.incident.state = STATE_INVESTIGATING;
	u[1].owner = owner;
	u[2].class = FOLLOWUP_LEARN;
	expect(&r, CHECK_ACTIONS, CHECK_PASSED, "3 follow-ups, 2 open");
	u[0].state = u[1].state = u[2].state = FOLLOWUP_CANCELLED;
	expect(&r, CHECK_ACTIONS, CHECK_NOT_YET, "nothing is being mitigated");
}

static void test_names(void **state)
{
	(void)state;
	for (int k = 0; k < CHECK_COUNT; k++)
		assert_string_not_equal(check_name((enum check_kind)k), "unknown");
	assert_string_equal(check_name((enum check_kind)7), "unknown");
	assert_string_equal(check_result_name(CHECK_NOT_YET), "not needed yet");
	assert_string_equal(check_result_name((enum check_result)3), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_said),
		cmocka_unit_test(test_nothing_is_said),
		cmocka_unit_test(test_what_ended_needs_nothing),
		cmocka_unit_test(test_impact),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_timeline),
		cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_blameless),
		cmocka_unit_test(test_blameless_postmortem),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_followups),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
