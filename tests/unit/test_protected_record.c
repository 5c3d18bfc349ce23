/*
 * Protected incidents: their record. Who looked is in it, it is told to nobody else by way of a
 * delivery that comes again, legal conclusions are apart, and what was said is kept.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support_protected.h"

/* ---- looks ----------------------------------------------------------------------------------- */

static void test_every_look_is_on_record(void **state)
{
	struct talk *x = *state;
	int64_t id = protected_declare(x);
	static const char *const looks[] = { "show #%lld", "timeline #%lld", "list", "search vault",
		"sync #%lld", "access #%lld", "roles #%lld", "followups" };
	size_t before, n = sizeof(looks) / sizeof(looks[0]);

	talk_say(x, arena_printf(x->arena, "#%" PRId64 " followup rotate the keys in 2 weeks", id));
	protected_press(x, ALICE, "grant", id, BOB);
	assert_int_equal(protected_audited(x, id, "incident.viewed", NULL), 0);
	for (size_t i = 0; i < n; i++) {
		char line[80];

		/* The number in it is the incident's, where there is one. */
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(looks[i], "%"), looks[i]);
		talk_say_as(x, BOB,
			strchr(looks[i], '%') ? arena_printf(x->arena, "%s%" PRId64, line, id)
					      : looks[i]);
		assert_int_equal(protected_audited(x, id, "incident.viewed", BOB), i + 1);
	}
	/* A form that is filled from it, a refusal that speaks of it. */
	x->forms = true;
	talk_say_as(x, BOB, arena_printf(x->arena, "update #%" PRId64, id));
	assert_int_equal(x->reply.kind, REPLY_FORM);
	x->forms = false;
	assert_int_equal(protected_audited(x, id, "incident.viewed", BOB), n + 1);
	talk_say_as(x, BOB, arena_printf(x->arena, "take #%" PRId64, id));
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	assert_int_equal(protected_audited(x, id, "incident.viewed", BOB), n + 2);
	/* A change is on record as the change that it is. */
	talk_say_as(x, BOB, arena_printf(x->arena, "note #%" PRId64 " seen", id));
	assert_int_equal(protected_audited(x, id, "incident.viewed", BOB), n + 2);
	/* The home tab, for whoever has a part in it. */
	before = protected_audited(x, id, "incident.viewed", ALICE);
	talk_event(x, ALICE, "home.opened");
	assert_int_equal(protected_audited(x, id, "incident.viewed", ALICE), before + 1);
	talk_say(x, arena_printf(x->arena, "access #%" PRId64, id));
	assert_answered(x, "@bob, 10 times");
	/* Nobody looked at a public one, as far as the audit goes. */
	talk_say(x, "declare sev3 the search is slow");
	talk_say_as(x, BOB, "show #1");
	assert_int_equal(protected_audited(x, 1, "incident.viewed", NULL), 0);
}

static void test_admins_look_on_record(void **state)
{
	struct talk *x = *state;
	int64_t id = protected_declare(x);

	talk_say_as(x, "unix:0", arena_printf(x->arena, "show #%" PRId64, id));
	assert_answered(x, SECRET);
	assert_int_equal(protected_audited(x, id, "incident.viewed", "unix:0"), 1);
}

/* ---- replay ---------------------------------------------------------------------------------- */

static const char *delivered(struct talk *x, const char *person, const char *words)
{
	struct request *r = request_create(REQUEST_CHAT);
	struct reply reply = { 0 };
	const char *text;

	r->actor.person = arena_strdup(r->arena, person);
	r->words = arena_strdup(r->arena, words);
	request_add_key(r, "slack:envelope:", "the-same");
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(dispatch(&x->desk, r, &reply, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	text = protected_json(x, reply.doc);
	reply_finish(&reply);
	request_destroy(r);
	return text;
}

static void test_an_answer_is_replayed_to_its_asker_only(void **state)
{
	struct talk *x = *state;
	int64_t id = protected_declare(x);
	const char *show = arena_printf(x->arena, "show #%" PRId64, id);

	assert_has(delivered(x, ALICE, show), SECRET);
	assert_has(delivered(x, ALICE, show), SECRET);
	assert_int_equal(protected_audited(x, id, "incident.viewed", ALICE), 1);
	assert_has_not(delivered(x, MALLORY, show), SECRET);
}

/* ---- facts and law --------------------------------------------------------------------------- */

static void test_legal_conclusions_are_apart(void **state)
{
	struct talk *x = *state;
	int64_t id = protected_declare(x);
	const char *n = arena_printf(x->arena, "#%" PRId64, id);

	talk_say(x, arena_printf(x->arena, "note %s keys were copied at 14:05", n));
	talk_say(x, arena_printf(x->arena, "note %s --legal notice is owed within 72 h", n));
	assert_answered(x, "legal conclusion");
	talk_say(x, arena_printf(x->arena, "timeline %s", n));
	assert_answered(x, "keys were copied");
	assert_has_not(x->text, "72 h");
	assert_has(x->text, "--legal");
	talk_say(x, arena_printf(x->arena, "timeline %s --legal", n));
	assert_answered(x, "72 h");
	assert_has_not(x->text, "keys were copied");
	talk_say(x, "declare sev3 the search is slow");
	talk_say(x, "note #1 --legal nothing is owed");
	assert_refused(x, "conflict", "protected incidents only");
}

/* ---- evidence -------------------------------------------------------------------------------- */

static size_t effects_of(struct talk *x, int64_t id, size_t from, size_t to)
{
	struct effect_row row;
	size_t n = 0;

	for (size_t i = from; i < to; i++)
		if (effect_load(x->store, x->arena, (int64_t)i, &row, &x->err) == 0 &&
			row.incident == id)
			n++;
	return n;
}

static void test_what_was_said_is_kept(void **state)
{
	struct talk *x = *state;
	int64_t id = protected_declare(x), ms = clock_now(&x->clock) + 86400 * INT64_C(1000000);
	size_t of_it, of_other;
	bool left = true;

	talk_say(x, "declare sev3 the search is slow");
	talk_deliver(x);
	talk_say_as(x, "slack:UDAVE", "whoami"); /* the newest effect is about nothing of both */
	of_it = effects_of(x, id, 1, 200);
	of_other = effects_of(x, 1, 1, 200);
	assert_true(of_it > 3 && of_other > 3);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(effect_prune(x->store, ms, 500, &left, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	assert_false(left);
	assert_int_equal(effects_of(x, id, 1, 200), of_it);
	assert_int_equal(effects_of(x, 1, 1, 200), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, talk_setup, talk_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_every_look_is_on_record),
		TEST(test_admins_look_on_record),
		TEST(test_an_answer_is_replayed_to_its_asker_only),
		TEST(test_legal_conclusions_are_apart),
		TEST(test_what_was_said_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
