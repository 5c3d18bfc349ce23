#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/clock.h"
#include "incident/checks.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define NOW	 INT64_C(1772375700000)

/* ---- blame --------------------------------------------------------------------------------- */

static const char *const fine[] = {
	/* what people did is a fact */
	"restarted by @bob",
	"the failover was triggered by @bob at 14:20",
	"@bob rolled back v2.31",
	"@bob and @carol are on it",
	"thanks to @bob for the quick rollback",
	"@bob did not see errors in the canary",
	"@bob failed to reproduce it",
	"@bob found the cause: a bad config in v2.31",
	"@bob's deploy of v2.31 started",
	"an engineer restarted the pods",
	"we forgot to renew the certificate",
	"someone could have lost an order",
	"root cause is the cache",
	/* systems may be blamed */
	"caused by a bad config in v2.31",
	"caused by the package manager",
	"DNS is to blame",
	"a page fault in the kernel",
	"not in our fault domain",
	"due to a failed disk",
	"because of the load",
	"broken by the deploy of v2.31",
	"humans and errors",
	"the human. Error rates rose",
	"inhuman errors",
	"the human error page is shown to users",
	/* it was ruled out */
	"human error was ruled out",
	"we ruled out human error",
	"no human error",
	"no sign of human error so far",
	"not a human error",
	"this isn't human error",
	"this isn’t human error",
	"human error is not the cause",
	"human error: no",
	"human error is unlikely",
	"human error as a cause has been excluded",
	"it was not caused by @bob",
	"not caused by an engineer, the config was generated",
	"we do not blame @bob",
	"nobody should blame @bob",
	"this was never @bob's fault",
	"without negligence",
	"a missing check rather than human error",
	/* nothing at all */
	"",
	"@",
	"@channel caused a lot of noise",
	"careful rollout",
};

static const char *const blaming[] = {
	"human error",
	"Human Error!",
	"root cause: human-error",
	"it was “human error”",
	"a chain of human mistakes",
	"caused by @bob",
	"Caused by @bob, not by the deploy",
	"the outage was CAUSED BY an engineer",
	"caused by a junior on-call engineer",
	"caused by someone",
	"caused by @bob's config change",
	"the root cause was @bob",
	"broken by @bob",
	"@bob broke production",
	"@bob forgot to renew the certificate",
	"somebody forgot to renew the certificate",
	"the new developer messed up the config",
	"@bob made a mistake",
	"@bob accidentally deleted the table",
	"@bob should have tested it",
	"@bob failed to follow the runbook",
	"@bob didn’t bother to test",
	"@bob did not think",
	"this is @bob's fault",
	"this is @bob’s fault",
	"it was my fault",
	"the intern's mistake",
	"fault of @bob",
	"@bob is to blame",
	"we blame @bob",
	"blamed on @bob",
	"checkout is down because of @bob",
	"due to @bob",
	"due to carelessness",
	"plain incompetence",
	"a fat-fingered command",
	"they were not paying attention",
	"he should have known better",
	"only an idiot would do that",
	/* what sounds like a denial, and is none */
	"human error was not ruled out",
	"human error cannot be ruled out",
	"we cannot rule out human error",
	"not only caused by @bob",
	"no doubt human error",
	"we do not know why @bob broke it",
	"no rollback yet, @bob broke it",
	"not the deploy. Human error",
	"rolled back but @bob broke it",
	"all is well again; caused by @bob",
};

static void test_sentences(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(fine); i++) {
		if (!blame_find(fine[i]))
			continue;
		print_error("no blame: %s (%s)\n", fine[i], blame_find(fine[i]));
		wrong++;
	}
	for (size_t i = 0; i < COUNT(blaming); i++) {
		if (blame_find(blaming[i]))
			continue;
		print_error("blame: %s\n", blaming[i]);
		wrong++;
	}
	assert_null(blame_find(NULL));
	assert_int_equal(wrong, 0);
}

static void test_what_is_found_is_named(void **state)
{
	(void)state;
	assert_string_equal(blame_find("all well. Human\tErrors, again"), "human error");
	assert_string_equal(blame_find("it was caused by our new engineer"), "caused by <person>");
}

static void test_long_text(void **state)
{
	static char text[200000];
	size_t n = 0;

	(void)state;
	while (n < sizeof(text) - 100)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "no ");
	assert_null(blame_find(text));
	memcpy(text + n, ". human error", sizeof(". human error"));
	assert_non_null(blame_find(text));
}

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
		"\"caused by <person>\" in entry 2; say what made it possible: "
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
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_what_is_found_is_named),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_all_is_said),
		cmocka_unit_test(test_nothing_is_said),
		cmocka_unit_test(test_what_ended_needs_nothing),
		cmocka_unit_test(test_impact),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_timeline),
		cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_blameless),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
