/*
 * Protected incidents, as an attacker would try them (FEATURES G1–G3): somebody with every right of
 * a responder, but without access, asks for everything there is in every way there is. What they
 * get must be what they would get if the incident were not there.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support_protected.h"

static void test_no_operation_tells_it_from_an_absent_one(void **state)
{
	struct talk *x = *state;
	int64_t id;

	protected_meet(x);
	id = protected_declare(x);
	assert_in_range(id, 1000000, 999999999);
	talk_deliver(x);
	talk_say(x, arena_printf(x->arena, "note #%" PRId64 " the keys are out", id));
	question_table(x, id, protected_absent(id));
	/* With something else open, what is meant may be guessed, and is asked for. */
	talk_say(x, "declare sev3 the search is slow");
	talk_deliver(x);
	question_table(x, id, protected_absent(id));
	talk_say(x, "declare sev3 the shop is slow");
	talk_deliver(x);
	question_table(x, id, protected_absent(id));
	talk_say(x, arena_printf(x->arena, "cancel #%" PRId64 " false alarm", id));
	question_table(x, id, protected_absent(id));
}

static void test_its_channel_is_a_channel_like_any(void **state)
{
	struct talk *x = *state;
	int64_t id;
	struct question react = { .person = MALLORY,
		.source = REQUEST_EVENT,
		.op = "reaction.added",
		.args = json_pack("{s:s}", "reaction", "pushpin") };
	struct question nowhere = react;

	protected_meet(x);
	id = protected_declare(x);
	talk_deliver(x);
	question_places(x, protected_channel(x, id), "slack:CELSEWHERE");
	talk_say(x, "declare sev3 the search is slow");
	talk_deliver(x);
	question_places(x, protected_channel(x, id), "slack:CELSEWHERE");
	react.channel = protected_channel(x, id);
	nowhere.channel = "slack:CELSEWHERE";
	question_same("reaction.added", 0, question_answer(x, &react, 0), question_answer(x, &nowhere, 0));
	/* Who may see it works on it there. */
	x->channel = protected_channel(x, id);
	talk_say(x, "show");
	assert_answered(x, SECRET);
	json_decref(react.args);
}

/* All that somebody without access can see of the world, taken down before and after. */
static const char *world(struct talk *x, const char *person)
{
	static const char *const lines[] = { "list", "list all", "mine", ("search " SECRET),
		"search breach", "list sev2 all", "list --owner alice all", "list --source chat",
		"metrics", "metrics --by service", "metrics year --by week", "whoami", "sync", "show",
		"timeline", "roles", "update all is well", "help",
		"declare sev2 something new", "note what now", "sev 1 worse", "show #1",
		"show #2", "followups", "followups all", "followups overdue",
		"followups @bob all", "followups service search", "#1 followup page earlier",
		"release-check search", "release-check vault", "release-check search --mode strict",
		"cause change an index was missing", "check", "postmortem" };
	struct str s;

	str_init_arena(&s, x->arena, 4u << 20);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		str_addf(&s, "\n== %s\n%s", lines[i],
			question_answer(x,
				&(struct question){ .person = person,
					.source = REQUEST_CHAT,
					.words = lines[i] },
				0));
	str_addf(&s, "\n== home\n%s",
		question_answer(x,
			&(struct question){
				.person = person, .source = REQUEST_EVENT, .op = "home.opened" },
			0));
	return s.p;
}

static void test_the_world_is_the_same_without_it(void **state)
{
	struct talk *x = *state;
	const char *before, *after;
	int64_t id;

	protected_meet(x);
	talk_say(x, "declare sev2 the search is slow --service search");
	talk_deliver(x);
	talk_forget(x);
	/* Two days later, so that what was due tomorrow is overdue, in both worlds. */
	x->clock.manual_ms = TALK_START + 2 * DAY_MS;
	before = world(x, MALLORY);
	assert_has(before, "INC-2 is open"); /* the next number, if they declared */
	assert_has(before, "F1 of INC-1 is noted");

	x->clock.manual_ms = TALK_START - 2 * DAY_MS;
	id = protected_number(talk_say(x, "declare --security sev1 " TITLE " --service search,vault"));
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " cause change the keys are out", id));
	assert_answered(x, "The cause of");
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " followup rotate the keys @bob tomorrow p0", id));
	assert_answered(x, "is noted");
	protected_declare(x);
	x->clock.manual_ms = TALK_START + 2 * DAY_MS;
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " ic @bob", id));
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " update known: the keys are out", id));
	after = world(x, MALLORY);
	assert_has_not(after, TITLE);
	question_same("the world", 0, after, before);
	/* With all of it outside, too. */
	talk_deliver(x);
	talk_say(x, arena_printf(x->arena, "cancel #%" PRId64 " false alarm", id));
	x->clock.manual_ms = TALK_START + 2 * DAY_MS;
	after = world(x, MALLORY);
	assert_has_not(after, TITLE);
}

/* The line with F12 where # stands. */
static const char *followup_line(struct talk *x, const char *line, int64_t f)
{
	size_t at = strcspn(line, "#");

	return arena_printf(x->arena, "%.*sF%" PRId64 "%s", (int)at, line, f, line + at + 1);
}

/* Its follow-ups have numbers of their own, and whoever guesses one learns nothing. */
static void test_a_followup_is_like_an_absent_one(void **state)
{
	static const char *const lines[] = { "followup #", "followups #", "followup # done",
		"followup # change", "followup # cancel why not", "followup # --title x",
		"followup # done the alert fired in 40 s" };
	static const char *const whats[] = { "done", "cancel", "reopen", "change" };
	struct talk *x = *state;
	struct question q = { .person = MALLORY, .source = REQUEST_CHAT };
	const char *is, *shall;
	int64_t id, f;

	protected_meet(x);
	id = protected_declare(x);
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " followup rotate the keys @bob --signal " SECRET,
			    id));
	f = strtoll(strchr(x->text, 'F') + 1, NULL, 10);
	assert_true(f > 1);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		for (int forms = 0; forms < 2; forms++) {
			q.forms = forms;
			q.words = followup_line(x, lines[i], f);
			is = question_answer(x, &q, f);
			q.words = followup_line(x, lines[i], protected_absent(f));
			question_same(lines[i], forms, is, question_answer(x, &q, protected_absent(f)));
		}
	}
	q.op = "followup";
	q.words = NULL;
	for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		for (int way = 0; way < 4; way++) {
			q.forms = way & 1;
			q.form = way & 2;
			q.args = json_pack("{s:I, s:s}", "id", (json_int_t)f, "do", whats[i]);
			is = question_answer(x, &q, f);
			json_decref(q.args);
			q.args = json_pack("{s:I, s:s}", "id", (json_int_t)protected_absent(f), "do", whats[i]);
			shall = question_answer(x, &q, protected_absent(f));
			json_decref(q.args);
			question_same(whats[i], way, is, shall);
			assert_has_not(is, SECRET);
		}
	}
}

static void test_what_waits_for_it_is_not_counted(void **state)
{
	struct talk *x = *state;

	protected_meet(x);
	protected_declare(x);
	talk_say_as(x, MALLORY, "sync");
	assert_answered(x, "nothing waits");
	talk_say_as(x, MALLORY, "sync --retry");
	assert_answered(x, "nothing to try again");
	talk_say(x, "sync");
	assert_has_not(x->text, "nothing waits");
}

static void test_numbers_leave_no_gap(void **state)
{
	struct talk *x = *state;
	int64_t first, id, entry;

	talk_say(x, "declare sev3 one");
	first = talk_entry(x, 1, 0).id;
	id = protected_declare(x);
	for (int i = 0; i < 3; i++)
		talk_say(x, arena_printf(x->arena, "note #%" PRId64 " step", id));
	entry = talk_entry(x, id, 0).id;
	talk_say(x, "note #1 again");
	assert_int_equal(talk_entry(x, 1, 0).id, first + 1);
	talk_say(x, "declare sev3 two");
	assert_answered(x, "INC-2 is open");
	/* The number of its entry is of no use elsewhere. */
	assert_true(entry > INT64_C(100000000000));
	question_same("timeline", 0,
		question_text(x,
			talk_say_as(x, MALLORY,
				arena_printf(x->arena, "timeline #1 --before %" PRId64, entry)),
			entry),
		question_text(x,
			talk_say_as(x, MALLORY,
				arena_printf(x->arena, "timeline #1 --before %" PRId64, entry + 9)),
			entry + 9));
	question_same("timeline", 1,
		question_text(x,
			talk_say_as(x, MALLORY,
				arena_printf(x->arena, "timeline #1 --entry %" PRId64, entry)),
			entry),
		question_text(x,
			talk_say_as(x, MALLORY,
				arena_printf(x->arena, "timeline #1 --entry %" PRId64, entry + 9)),
			entry + 9));
	question_same("note", 0,
		question_text(x,
			talk_say_as(x, MALLORY,
				arena_printf(x->arena, "note #1 no --correct %" PRId64, entry)),
			entry),
		question_text(x,
			talk_say_as(x, MALLORY,
				arena_printf(x->arena, "note #1 no --correct %" PRId64, entry + 9)),
			entry + 9));
}

/* Whoever has access to one is not told of another by it. */
static void test_two_of_them_do_not_tell_of_each_other(void **state)
{
	struct talk *x = *state;
	int64_t one = protected_declare(x), other = protected_declare(x), entry;

	entry = talk_entry(x, one, 0).id;
	talk_say(x, arena_printf(x->arena, "note #%" PRId64 " elsewhere", other));
	talk_say(x, arena_printf(x->arena, "note #%" PRId64 " here", one));
	assert_int_equal(talk_entry(x, one, 0).id, entry + 1);
	/* One that was public until now. */
	talk_say(x, "declare sev3 a");
	talk_say(x, "declare sev3 b");
	talk_say(x, "protect #1 why");
	talk_say(x, "note #1 first");
	entry = talk_entry(x, 1, 0).id;
	assert_true(entry > INT64_C(100000000000));
	talk_say(x, "protect #2 why");
	talk_say(x, "note #2 elsewhere");
	talk_say(x, "note #1 second");
	assert_int_equal(talk_entry(x, 1, 0).id, entry + 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, talk_setup, talk_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_no_operation_tells_it_from_an_absent_one),
		TEST(test_its_channel_is_a_channel_like_any),
		TEST(test_the_world_is_the_same_without_it),
		TEST(test_a_followup_is_like_an_absent_one),
		TEST(test_what_waits_for_it_is_not_counted),
		TEST(test_numbers_leave_no_gap),
		TEST(test_two_of_them_do_not_tell_of_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
