#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "incident/gate.h"
#include "incident/recurrence.h"

#define NOW (1000 * DAY_MS)

static char checkout[] = "checkout is failing", retries[] = "alert on retries", somebody[] = "slack:U1";

static struct gate_policy policy(enum gate_mode mode)
{
	return (struct gate_policy){
		.mode = (int)mode, .run = true, .environment = "any", .fail_on = 0x3, .fail_on_overdue = true };
}

static struct incident open_incident(int64_t id, int severity)
{
	return (struct incident){ .id = id, .severity = severity, .state = STATE_MITIGATING, .title = checkout,
		.declared_at = NOW - 3 * HOUR_MS };
}

static struct followup due(int64_t id, int64_t at)
{
	return (struct followup){ .id = id, .incident = 42, .title = retries, .owner = somebody, .due_at = at };
}

struct scene {
	struct incident incident[3];
	struct followup followup[3];
	struct gate_incident i[3];
	struct gate_followup f[3];
	struct gate_facts facts;
	struct gate_reason out[8];
	size_t count;
	char why[200];
};

static void scene_init(struct scene *s, size_t incidents, size_t followups)
{
	*s = (struct scene){ .facts = { .service = "shop", .service_known = true, .incident = s->i, .incident_count = incidents,
		.followup = s->f, .followup_count = followups, .now = NOW } };
	for (size_t k = 0; k < 3; k++) {
		s->incident[k] = open_incident((int64_t)k + 1, (int)k + 1);
		s->followup[k] = due((int64_t)k + 1, NOW - DAY_MS);
		s->i[k] = (struct gate_incident){ &s->incident[k], "https://chat.example/1" };
		s->f[k] = (struct gate_followup){ &s->followup[k], NULL };
	}
}

static enum gate_verdict judge(struct scene *s, struct gate_policy p)
{
	return gate_judge(&p, &s->facts, s->out, 8, &s->count, s->why);
}

static void test_modes(void **state)
{
	struct scene s;
	struct gate_policy off = policy(GATE_STRICT);

	(void)state;
	scene_init(&s, 1, 1);
	assert_int_equal(judge(&s, policy(GATE_STRICT)), GATE_BLOCK);
	assert_int_equal(s.count, 2);
	assert_true(s.out[0].blocks && s.out[1].blocks);
	assert_non_null(strstr(s.out[0].text, "INC-1 (SEV1, mitigating) is open for 3 h"));
	assert_string_equal(s.out[0].url, "https://chat.example/1");
	assert_non_null(strstr(s.out[1].text, "F1 of INC-42 (P0, slack:U1) is overdue by 1 d"));
	assert_int_equal(judge(&s, policy(GATE_WARN)), GATE_PASS);
	assert_int_equal(s.count, 2);
	assert_false(s.out[0].blocks || s.out[1].blocks);
	assert_int_equal(judge(&s, policy(GATE_OFF)), GATE_PASS);
	assert_int_equal(s.count, 0);
	off.run = false;
	assert_int_equal(judge(&s, off), GATE_PASS);
	assert_non_null(strstr(s.why, "off"));
}

static void test_severity(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, 3, 0);
	s.i[0].incident = &s.incident[2];
	s.i[2].incident = &s.incident[0];
	/* Level 3 is shown, and blocks nothing; what blocks comes first. */
	assert_int_equal(judge(&s, policy(GATE_STRICT)), GATE_BLOCK);
	assert_int_equal(s.count, 3);
	assert_true(s.out[0].blocks && s.out[1].blocks && !s.out[2].blocks);
	assert_int_equal(s.out[2].incident, 3);
	s.facts.incident_count = 1;
	assert_int_equal(judge(&s, policy(GATE_STRICT)), GATE_PASS);
	assert_int_equal(s.count, 1);
}

static void test_what_counts(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, 3, 3);
	s.incident[0].drill = true;
	s.incident[1].merged_into = 9;
	s.incident[2].state = STATE_RESOLVED;
	s.followup[0].due_at = NOW;       /* due this moment: not over it */
	s.followup[1].due_at = 0;         /* no date */
	s.followup[2].state = FOLLOWUP_DONE;
	assert_int_equal(judge(&s, policy(GATE_STRICT)), GATE_PASS);
	assert_int_equal(s.count, 0);
	s.followup[0].due_at = NOW - 1;
	assert_int_equal(judge(&s, policy(GATE_STRICT)), GATE_BLOCK);
}

static void test_unknown_service(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, 0, 0);
	s.facts.service_known = false;
	assert_int_equal(judge(&s, policy(GATE_STRICT)), GATE_UNKNOWN);
	assert_int_equal(judge(&s, policy(GATE_WARN)), GATE_UNKNOWN);
	assert_non_null(strstr(s.why, "\"shop\""));
	/* A long one is cut at a character's edge. */
	s.facts.service = "aääääääääääääääääääääääääääääääääääääääääääääääääääääääääää";
	assert_int_equal(judge(&s, policy(GATE_WARN)), GATE_UNKNOWN);
	assert_true(text_valid(s.why, strlen(s.why)));
}

/* More reasons than there is room for: still blocked. */
static void test_no_room(void **state)
{
	struct scene s;
	struct gate_policy p = policy(GATE_STRICT);

	(void)state;
	scene_init(&s, 3, 3);
	assert_int_equal(gate_judge(&p, &s.facts, s.out, 0, &s.count, s.why), GATE_BLOCK);
	assert_int_equal(s.count, 0);
}

static void test_recurrence(void **state)
{
	struct cause a = { .class = CAUSE_CHANGE, .services = "shop,payments" };
	struct cause b = { .class = CAUSE_CHANGE, .services = "payments" };
	enum cause_class c;
	char text[200];

	(void)state;
	assert_int_equal(recurrence_of(&a, &b), RECURRENCE_CAUSE);
	b.services = "pay";
	assert_int_equal(recurrence_of(&a, &b), RECURRENCE_NONE);
	b.services = NULL;
	assert_int_equal(recurrence_of(&a, &b), RECURRENCE_NONE);
	b.services = "shop";
	b.class = CAUSE_DATA;
	assert_int_equal(recurrence_of(&a, &b), RECURRENCE_NONE);
	a.class = b.class = CAUSE_UNKNOWN;
	assert_int_equal(recurrence_of(&a, &b), RECURRENCE_NONE);
	a.fingerprint = b.fingerprint = "f1";
	b.services = "other";
	assert_int_equal(recurrence_of(&a, &b), RECURRENCE_FINGERPRINT);
	a.fingerprint = b.fingerprint = "";
	assert_int_equal(recurrence_of(&a, &b), RECURRENCE_NONE);
	assert_true(cause_class_parse("Deploy", &c) && c == CAUSE_CHANGE);
	assert_true(cause_class_parse("dns", &c) && c == CAUSE_NETWORK);
	assert_false(cause_class_parse("dep", &c));
	assert_false(cause_class_parse("", &c));
	assert_false(cause_class_parse("deploy release", &c));
	for (int i = 0; i < CAUSE_CLASS_COUNT; i++) {
		assert_true(cause_class_parse(cause_class_name((enum cause_class)i), &c) && (int)c == i);
		assert_true(*cause_class_help((enum cause_class)i));
	}
	recurrence_proposal(recurrence_standard(CAUSE_CHANGE), "shop", text, sizeof text);
	assert_string_equal(text, "Roll changes of shop out in steps, with a check and an automatic rollback");
	recurrence_proposal(STANDARD_NONE, "shop", text, sizeof text);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_severity),
		cmocka_unit_test(test_what_counts),
		cmocka_unit_test(test_unknown_service),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_recurrence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
