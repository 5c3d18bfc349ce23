/*
 * Protected incidents: who gets access, who gives it, and what is left to whoever has lost it.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/relations.h"
#include "support_protected.h"

static void test_a_role_gives_access(void **state)
{
	struct talk *x = *state;
	int64_t id = protected_declare(x);
	bool has;

	talk_deliver(x);
	talk_say_as(x, BOB, arena_printf(x->arena, "show #%" PRId64, id));
	assert_refused(x, "not_found", "There is no INC-");
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " ic @bob", id));
	assert_int_equal(protected_audited(x, id, "incident.access_granted", ALICE), 2);
	talk_say_as(x, BOB, arena_printf(x->arena, "show #%" PRId64, id));
	assert_answered(x, SECRET);
	/* Need to know does not end with the role. */
	talk_say_as(x, BOB, arena_printf(x->arena, "drop #%" PRId64 " ic", id));
	assert_int_equal(access_has(x->store, id, BOB, &has, &x->err), 0);
	assert_true(has);
}

static void test_who_decides(void **state)
{
	struct talk *x = *state;
	int64_t id = protected_declare(x);
	const char *n = arena_printf(x->arena, "#%" PRId64, id);

	talk_deliver(x);
	talk_say(x, arena_printf(x->arena, "grant %s @bob knows the vault", n));
	assert_answered(x, "@bob has access");
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_INVITE, "incident", NULL), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, BOB), SECRET);
	talk_say(x, arena_printf(x->arena, "allow %s @bob", n));
	assert_answered(x, "already");
	/* Bob sees it, and does not decide; as commander he does. */
	talk_say_as(x, BOB, arena_printf(x->arena, "grant %s @carol", n));
	assert_refused(x, "forbidden", "Only the commander");
	talk_say_as(x, BOB, arena_printf(x->arena, "take %s ic", n));
	talk_say_as(x, BOB, arena_printf(x->arena, "grant %s @carol", n));
	assert_answered(x, "@carol has access");
	talk_say_as(x, CAROL, arena_printf(x->arena, "access %s", n));
	assert_answered(x, "3 people");
	assert_has(x->text, "@bob");
	/* A public one has no access to give. */
	talk_say(x, "declare sev3 the search is slow");
	talk_say(x, "grant #1 @bob");
	assert_refused(x, "conflict", "not protected");
	talk_say(x, "revoke #1 @bob");
	assert_refused(x, "conflict", "not protected");
	talk_say(x, "access #1");
	assert_refused(x, "conflict", "not protected");
}

static void test_revoked_is_absent(void **state)
{
	struct talk *x = *state;
	int64_t id;
	const char *n;
	struct effect_row *row;

	protected_meet(x);
	id = protected_declare(x);
	n = arena_printf(x->arena, "#%" PRId64, id);
	talk_deliver(x);
	talk_say(x, arena_printf(x->arena, "%s ic @mallory", n));
	talk_say(x, arena_printf(x->arena, "%s ops @mallory", n));
	talk_deliver(x);
	talk_say_as(x, MALLORY, arena_printf(x->arena, "show %s", n));
	if (x->reply.kind != REPLY_MESSAGE)
		talk_say(x, arena_printf(x->arena, "grant %s " MALLORY, n));
	protected_press(x, ALICE, "grant", id, MALLORY);
	protected_assign(x, ALICE, id, "commander", MALLORY);
	talk_deliver(x);
	talk_say_as(x, MALLORY, arena_printf(x->arena, "show %s", n));
	assert_answered(x, SECRET);
	/* A message is on its way to them. */
	protected_assign(x, ALICE, id, "scribe", MALLORY);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, MALLORY, NULL), 1);
	protected_press(x, ALICE, "revoke", id, MALLORY);
	assert_answered(x, "holds no role");
	assert_null(talk_role(x, id, "commander"));
	assert_null(talk_role(x, id, "scribe"));
	assert_int_equal(protected_audited(x, id, "incident.access_revoked", ALICE), 1);
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_REMOVE, "incident", &row), 1);
	assert_has(row[0].payload, MALLORY);
	/* What they were sent before is withdrawn, the Home tab made anew. */
	assert_true(protected_withdrawn(x) >= 1);
	assert_int_equal(talk_effects(x, EFFECT_HOME_SHOW, MALLORY, &row), 1);
	assert_has_not(row[0].payload, SECRET);
	talk_deliver(x);
	question_table(x, id, protected_absent(id));
	question_places(x, protected_channel(x, id), "slack:CELSEWHERE");
	/* Revoked again: it is said. */
	protected_press(x, ALICE, "revoke", id, MALLORY);
	assert_refused(x, "not_found", "has not been granted");
}

static void test_a_message_under_way_does_not_reach_the_revoked(void **state)
{
	struct talk *x = *state;
	struct effect *out[64];
	size_t n;
	int64_t id = protected_declare(x);

	talk_deliver(x);
	protected_press(x, ALICE, "grant", id, BOB);
	protected_press(x, ALICE, "revoke", id, BOB);
	x->clock.manual_ms += 5000;
	do {
		n = talk_begin(x, out);
		for (size_t i = 0; i < n; i++) {
			assert_int_not_equal(out[i]->kind, EFFECT_MESSAGE_PRIVATE);
			if (out[i]->kind == EFFECT_CHANNEL_INVITE)
				assert_has_not(protected_json(x, out[i]->payload), BOB);
			if (out[i]->kind == EFFECT_HOME_SHOW)
				assert_has_not(protected_json(x, out[i]->payload), SECRET);
			effect_destroy(out[i]);
		}
	} while (n);
}

/* Too late to stop it: it is made neutral as soon as it is known where it stands. */
static void test_a_message_that_reached_the_revoked_is_withdrawn(void **state)
{
	struct talk *x = *state;
	struct effect *out[64];
	size_t n, private = 0;
	int64_t id = protected_declare(x);

	talk_deliver(x);
	protected_press(x, ALICE, "grant", id, BOB);
	x->clock.manual_ms += 5000;
	n = talk_begin(x, out);
	protected_press(x, ALICE, "revoke", id, BOB);
	assert_int_equal(protected_withdrawn(x), 0);
	for (size_t i = 0; i < n; i++) {
		if (out[i]->kind == EFFECT_MESSAGE_PRIVATE)
			private++;
		talk_end(x, out[i], OUTCOME_DELIVERED, json_pack("{s:s}", "message", "slack:DBOB/9.9"), NULL);
	}
	assert_int_equal(private, 1);
	assert_int_equal(protected_withdrawn(x), 1);
}

static void test_whoever_declared_it_can_be_revoked(void **state)
{
	struct talk *x = *state;
	int64_t id = protected_declare(x);

	protected_assign(x, ALICE, id, "commander", BOB);
	protected_press(x, BOB, "revoke", id, ALICE);
	assert_answered(x, "@alice has no access");
	talk_say(x, arena_printf(x->arena, "show #%" PRId64, id));
	assert_refused(x, "not_found", "There is no INC-");
	talk_say(x, "mine");
	assert_has_not(x->text, SECRET);
}

#define PACKET "state: going on; next decision: in 20m"

static void test_an_offer_to_the_revoked_is_off(void **state)
{
	struct talk *x = *state;
	int64_t id = protected_declare(x);
	const char *n = arena_printf(x->arena, "#%" PRId64, id);

	talk_say(x, arena_printf(x->arena, "take %s ic", n));
	talk_say(x, arena_printf(x->arena, "%s handover @bob " PACKET, n));
	assert_int_equal(talk_timers_named(x, id, "handover"), 1);
	/* Somebody else's access is nothing to it. */
	talk_say(x, arena_printf(x->arena, "%s grant @carol", n));
	talk_say(x, arena_printf(x->arena, "%s revoke @carol", n));
	assert_int_equal(talk_timers_named(x, id, "handover"), 1);
	talk_say(x, arena_printf(x->arena, "%s revoke @bob", n));
	assert_answered(x, "@bob has no access");
	assert_int_equal(talk_timers_named(x, id, "handover"), 0);
	assert_int_equal(talk_promise(x, id, PROMISE_HANDOVER).due_at, 0);
	assert_string_equal(talk_role(x, id, "commander"), ALICE);
}

static void test_whoever_is_asked_to_take_command_goes_on_seeing_it(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 " TITLE);
	talk_say(x, "take #1 ic");
	talk_say(x, "#1 handover @bob " PACKET);
	talk_say(x, "#1 protect it is a breach");
	talk_say_as(x, CAROL, "#1 accept");
	assert_refused(x, "not_found", "There is no INC-1");
	talk_say_as(x, BOB, "#1 accept");
	assert_answered(x, "You are");
	assert_string_equal(talk_role(x, 1, "commander"), BOB);
}

/* Whoever declared one of two, and lost access to it, is not let in by way of the other. */
static void test_merging_gives_no_access_back(void **state)
{
	struct talk *x = *state;
	int64_t one = protected_declare(x), two;

	protected_assign(x, ALICE, one, "commander", BOB);
	protected_press(x, BOB, "revoke", one, ALICE);
	talk_say_as(x, BOB, "declare sev2 --security more of the same");
	two = protected_number(x->text);
	talk_press(x, BOB, "merge", one, json_pack("{s:I}", "into", (json_int_t)two));
	assert_answered(x, "is merged into");
	talk_say(x, arena_printf(x->arena, "show #%" PRId64, two));
	assert_refused(x, "not_found", "There is no INC-");
}

static void test_who_is_called_gets_access_on_record(void **state)
{
	struct talk *x = *state;
	int64_t id = protected_declare(x);
	struct effect_row *row;
	struct grant *grant;
	size_t n, grants;

	talk_deliver(x);
	talk_pass(x, 3 * 3600 * INT64_C(1000));
	assert_int_equal(access_list(x->store, x->arena, id, &grant, &grants, &x->err), 0);
	assert_int_equal(protected_audited(x, id, "incident.access_granted", NULL), grants);
	/* Every private message of it goes to somebody with access. */
	n = talk_effects(x, EFFECT_MESSAGE_PRIVATE, NULL, &row);
	for (size_t i = 0; i < n; i++) {
		bool has = false;

		for (size_t k = 0; k < grants; k++)
			has = has || !strcmp(grant[k].person, row[i].to);
		assert_true(has);
	}
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "announce", NULL), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, talk_setup, talk_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_role_gives_access),
		TEST(test_who_decides),
		TEST(test_revoked_is_absent),
		TEST(test_a_message_under_way_does_not_reach_the_revoked),
		TEST(test_a_message_that_reached_the_revoked_is_withdrawn),
		TEST(test_whoever_declared_it_can_be_revoked),
		TEST(test_an_offer_to_the_revoked_is_off),
		TEST(test_whoever_is_asked_to_take_command_goes_on_seeing_it),
		TEST(test_merging_gives_no_access_back),
		TEST(test_who_is_called_gets_access_on_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
