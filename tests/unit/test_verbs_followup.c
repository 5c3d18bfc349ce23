/* followup, followups, their chasing (FEATURES K1), and what tools ask of them (K2, K4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "store/audit.h"
#include "store/learning.h"
#include "store/timers.h"
#include "support_core.h"

static int setup(void **state)
{
	int rc = talk_setup(state);
	struct talk *x = *state;

	if (rc == 0) {
		talk_say(x, "declare sev2 checkout is failing --service shop");
		talk_deliver(x);
		talk_say(x, "#1 ic @bob");
		talk_say(x, "#1 resolve rolled back --signal ok --health ok");
		talk_deliver(x);
		talk_forget(x);
		x->clock.manual_ms = TALK_START + MINUTE_MS;
		x->channel = "slack:CINC1";
	}
	return rc;
}

static struct followup load(struct talk *x, int64_t id)
{
	struct followup f;

	assert_int_equal(followup_load(x->store, x->arena, id, &f, &x->err), 0);
	return f;
}

static const char *iso(struct talk *x, int64_t ms)
{
	struct str s;

	str_init_arena(&s, x->arena, 64);
	time_format_iso(&s, ms);
	return s.p;
}

static size_t armed(struct talk *x)
{
	struct timer *t;
	size_t n, count = 0;

	assert_int_equal(timer_list(x->store, x->arena, 0, &t, &n, &x->err), 0);
	for (size_t i = 0; i < n; i++)
		count += strcmp(t[i].name, "followup.due") == 0;
	return count;
}

/* ---- adding ---- */

static void test_added_by_shape(void **state)
{
	struct talk *x = *state;

	talk_say(x, "followup alert on retries @carol in 2 weeks p0");
	assert_answered(x,
		"F1 of INC-1 is noted: alert on retries · P0 · @carol · due Mon 16 Mar, in 14 d");
	struct followup f = load(x, 1);
	assert_string_equal(f.title, "alert on retries");
	assert_string_equal(f.owner, CAROL);
	assert_int_equal(f.priority, 0);
	assert_string_equal(iso(x, f.due_at), "2026-03-16T23:59:59Z");
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, CAROL),
		"@alice made you the owner of F1 of INC-1");
	assert_has(talk_entry(x, 1, 0).text,
		"follow-up F1 (P0, @carol, due Mon 16 Mar): alert on retries");
	assert_int_equal(talk_entry(x, 1, 0).kind, ENTRY_NOTE);
	assert_int_equal(armed(x), 1);
	/* Days of the calendar, however early it is. */
	x->clock.manual_ms -= 9 * HOUR_MS;
	talk_say(x, "followup F1");
	assert_has(x->text, "due Mon 16 Mar, in 14 d");
}

static void test_added_in_full(void **state)
{
	struct talk *x = *state;

	talk_say(x, "followup add \"alert on retries\" --owner @bob --due \"2 weeks\" --priority "
		    "p1 --class detect "
		    "--signal \"the alert fires in the game day\" --link "
		    "https://tracker.example.com/1 --url https://w.example.com/");
	assert_answered(x, "F1 of INC-1 is noted");
	struct followup f = load(x, 1);
	assert_string_equal(f.title, "alert on retries");
	assert_int_equal(f.class, FOLLOWUP_DETECT);
	assert_string_equal(f.signal, "the alert fires in the game day");
	assert_string_equal(f.links, "https://tracker.example.com/1 https://w.example.com/");
	/* Berlin's bob owns it; alice, who is in UTC, said the day. */
	assert_string_equal(iso(x, f.due_at), "2026-03-16T23:59:59Z");
}

static void test_defaults_and_zones(void **state)
{
	struct talk *x = *state;

	talk_say_as(x, BOB, "followup write a runbook");
	/* Level 2: P1; P1: 14 days; the end of that day in Berlin. */
	assert_answered(x, "P1 · no owner yet");
	assert_string_equal(iso(x, load(x, 1).due_at), "2026-03-16T22:59:59Z");
	talk_say(x, "followup look at the dashboards by friday");
	assert_string_equal(iso(x, load(x, 2).due_at), "2026-03-06T23:59:59Z");
	assert_string_equal(load(x, 2).title, "look at the dashboards");
	talk_say(x, "followup tell the team tomorrow");
	assert_string_equal(iso(x, load(x, 3).due_at), "2026-03-03T23:59:59Z");
	talk_say(x, "followup drop the old index --due 2026-04-01");
	assert_string_equal(iso(x, load(x, 4).due_at), "2026-04-01T23:59:59Z");
	talk_say(x, "followup restart it once more in 3h");
	assert_string_equal(iso(x, load(x, 5).due_at), "2026-03-02T17:01:00Z");
	/* What only looks like a day stays a title. */
	talk_say(x, "followup find out where the cat sat");
	assert_string_equal(load(x, 6).title, "find out where the cat sat");
	talk_say(x, "todo cancel the old contract");
	assert_string_equal(load(x, 7).title, "cancel the old contract");
	talk_say(x, "action item done lists for the on-call");
	assert_string_equal(load(x, 8).title, "done lists for the on-call");
}

static void test_add_refuses(void **state)
{
	struct talk *x = *state;
	char line[800];

	talk_say(x, "followup");
	assert_refused(x, "usage", "say what is to be done");
	talk_say(x, "followup x --due yesterday");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	talk_say(x, "followup x --due 2020-01-01");
	assert_refused(x, "usage", "Wed 1 Jan 2020 has passed already");
	talk_say(x, "followup x --due someday");
	assert_refused(x, "usage", "is no time");
	talk_say(x, "followup x --class fix");
	assert_refused(x, "usage", "none of: prevent, detect, mitigate, learn");
	talk_say(x, "followup x --priority p7");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	talk_say(x, "followup x --owner @nobody-here");
	assert_refused(x, "usage", "I know nobody called");
	talk_say(x, "followup x --link javascript:alert(1)");
	assert_refused(x, "usage", "a link begins with https://");
	snprintf(line, sizeof(line), "followup %0400d", 1);
	talk_say(x, line);
	assert_refused(x, "usage", "at most 300 bytes");
	x->channel = NULL;
	talk_say(x, "followup alert on retries");
	assert_refused(x, "usage", "Name it: /inc #42 followup");
	talk_say(x, "followups all");
	assert_has(x->text, "No follow-ups");
	talk_say(x, "#1 followup alert on retries");
	assert_answered(x, "F1 of INC-1 is noted");
}

static void test_merged(void **state)
{
	struct talk *x = *state;

	talk_say(x, "followup before @bob");
	x->channel = NULL;
	talk_say(x, "declare sev2 the same again");
	talk_deliver(x);
	talk_say(x, "merge #2 into #1");
	talk_say(x, "#2 followup add an alert");
	if (x->reply.kind == REPLY_REFUSAL)
		assert_has(x->text, "is merged into");
}

/* ---- changing and ending ---- */

static void test_changed(void **state)
{
	struct talk *x = *state;

	talk_say(x, "followup alert on retries @carol in 2 weeks");
	talk_forget(x);
	talk_say(x, "followup F1 --owner @bob --due 2026-03-05 --title \"alert on retries of "
		    "payments\" --priority p0");
	assert_answered(x, "F1 is changed: title alert on retries → alert on retries of payments; "
			   "owner @carol → @bob; "
			   "due Mon 16 Mar → Thu 5 Mar; priority P1 → P0");
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, BOB), "made you the owner of F1");
	struct followup f = load(x, 1);
	assert_string_equal(f.title, "alert on retries of payments");
	assert_string_equal(f.owner, BOB);
	assert_has(talk_entry(x, 1, 0).text, "follow-up F1 changed: title");
	talk_say(x, "followup F1 --owner @bob");
	assert_answered(x, "is so already; nothing was changed");
	talk_say(x, "followup F1 --due 2020-01-01");
	assert_refused(x, "usage", "has passed already");
	talk_say(x, "followup F1 whatever this is");
	assert_refused(x, "usage", "not clear what to do with F1");
	talk_say(x, "followup F9 --owner @bob");
	assert_refused(x, "not_found", "There is no follow-up F9");
	talk_say(x, "followup F1");
	assert_answered(x, "Done when");
	assert_has(x->text, "a completion signal is needed");
	talk_say(x, "followups F1");
	assert_answered(x, "alert on retries of payments");
}

static void test_done_needs_the_signal(void **state)
{
	struct talk *x = *state;
	static const char *const empty[] = { "done", "yes", "it works now", "ok", "all good now",
		"fixed it" };

	talk_say(x, "followup alert on retries @alice");
	talk_say(x, "followup F1 done the alert fired in 40 s");
	assert_refused(x, "usage", "it has no completion signal and no class");
	talk_say(x, "followup F1 --signal \"the alert fires in the game day\"");
	assert_answered(x, "signal none → the alert fires in the game day");
	talk_say(x, "followup F1 done the alert fired in 40 s");
	assert_refused(x, "usage", "it has no class");
	talk_say(x, "followup F1 --class detect");
	talk_say(x, "followup F1 done");
	assert_refused(x, "usage", "say what its signal (the alert fires in the game day) showed");
	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++) {
		talk_say(x, arena_printf(x->arena, "followup F1 done %s", empty[i]));
		assert_refused(x, "usage", "say what its signal");
	}
	assert_int_equal(load(x, 1).state, FOLLOWUP_OPEN);
	/* What is said behind it is text, whatever it looks like. */
	talk_say(x, "followup F1 done @carol saw p0 fire, noticed in 40 s");
	assert_answered(x, "F1 is done: @carol saw p0 fire, noticed in 40 s");
	struct followup f = load(x, 1);
	assert_int_equal(f.state, FOLLOWUP_DONE);
	assert_string_equal(f.owner, ALICE);
	assert_int_equal(f.priority, 1);
	assert_string_equal(f.shown, "@carol saw p0 fire, noticed in 40 s");
	assert_int_equal(f.ended_at, x->clock.manual_ms);
	assert_int_equal(armed(x), 0);
	assert_has(talk_entry(x, 1, 0).text, "follow-up F1 is done: @carol saw");
	talk_say(x, "followup F1 done again it fired in 40 s");
	assert_refused(x, "conflict", "F1 is done, so it was not closed again");
	talk_say(x, "followup F1 --due friday");
	assert_refused(x, "conflict", "Reopen it first");
	talk_say(x, "followup F1 reopen");
	assert_refused(x, "usage", "say why");
	talk_say_as(x, BOB, "#1 followup F1 reopen it did not fire today");
	assert_answered(x, "F1 is open again");
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, ALICE), "@bob reopened your F1 of INC-1");
	assert_int_equal(load(x, 1).state, FOLLOWUP_OPEN);
	assert_null(load(x, 1).shown);
	assert_int_equal(armed(x), 1);
	talk_say(x, "followup F1 done \"the alert fired in 40 s\" --class prevent");
	assert_answered(x, "F1 is done: the alert fired in 40 s");
	assert_int_equal(load(x, 1).class, FOLLOWUP_PREVENT);
}

static void test_cancelled(void **state)
{
	struct talk *x = *state;

	talk_say(x, "followup alert on retries @bob");
	talk_forget(x);
	talk_say(x, "followup F1 cancel");
	assert_refused(x, "usage", "say why");
	talk_say(x, "followup F1 cancel the service is being retired");
	assert_answered(x, "F1 is cancelled: the service is being retired");
	assert_int_equal(load(x, 1).state, FOLLOWUP_CANCELLED);
	assert_has(
		talk_said(x, EFFECT_MESSAGE_PRIVATE, BOB), "F1 of INC-1 was cancelled by @alice");
	talk_pass(x, 60 * DAY_MS);
	assert_int_equal(
		talk_effects(x, EFFECT_MESSAGE_PRIVATE, BOB, &(struct effect_row *){ NULL }), 1);
}

static size_t fields(struct talk *x)
{
	return json_array_size(json_get_arr(x->reply.form, "fields"));
}

static void test_forms(void **state)
{
	struct talk *x = *state;

	x->forms = true;
	talk_say(x, "followup");
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_int_equal(fields(x), 7);
	talk_submit(x, ALICE, "followup", 1,
		json_pack("{s:s, s:s, s:s, s:s}", "text", "alert on retries", "owner", BOB, "due",
			"2 weeks", "link", ""));
	assert_answered(x, "F1 of INC-1 is noted");
	talk_press(x, BOB, "followup", 0, json_pack("{s:s, s:s}", "id", "F1", "do", "done"));
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_int_equal(fields(x), 3);
	assert_has(json_get_str(x->reply.form, "intro"), "first what was to be seen");
	talk_submit(x, BOB, "followup", 0,
		json_pack("{s:s, s:s, s:s, s:s}", "id", "F1", "do", "done", "signal",
			"the alert fires", "class", "detect"));
	assert_refused(x, "usage", "say what its signal");
	assert_non_null(json_get_str(x->reply.fields, "text"));
	talk_press(x, BOB, "followup", 0, json_pack("{s:s, s:s}", "id", "F1", "do", "change"));
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_has(json_text(x->arena, x->reply.form), "\"alert on retries\"");
	assert_has(json_text(x->arena, x->reply.form), "2026-03-16T23:59:59Z");
	/* Sent as it was shown, it changes nothing; the owner of the form is bob's key. */
	talk_submit(x, BOB, "followup", 0,
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", "F1", "do", "change", "text",
			"alert on retries", "due", "2026-03-16T23:59:59Z", "owner", BOB));
	assert_answered(x, "is so already");
	talk_submit(x, BOB, "followup", 0,
		json_pack("{s:s, s:s, s:s}", "id", "F1", "do", "change", "text",
			"alert on all retries"));
	assert_answered(x, "title alert on retries → alert on all retries");
	talk_press(x, BOB, "followup", 0, json_pack("{s:s, s:s}", "id", "F1", "do", "cancel"));
	assert_int_equal(fields(x), 1);
	talk_submit(x, BOB, "followup", 0,
		json_pack("{s:s, s:s, s:s}", "id", "F1", "do", "cancel", "text", "not needed"));
	assert_answered(x, "F1 is cancelled: not needed");
}

/* ---- lists ---- */

static void test_lists(void **state)
{
	struct talk *x = *state;

	talk_say(x, "followup first @bob in 3h");
	talk_say(x, "followup second @alice in 2 weeks");
	x->channel = NULL;
	talk_say(x, "declare sev3 mail is slow --service mail");
	talk_deliver(x);
	talk_say(x, "#2 followup third @bob in 1 week");
	x->clock.manual_ms += 5 * HOUR_MS;
	talk_say(x, "followups");
	assert_answered(x, "3 open follow-ups, 1 overdue");
	const char *first = strstr(x->text, "F1 P1 OVERDUE by 2 h first · @bob · INC-1");
	const char *third = strstr(x->text, "F3 P2 third · @bob · due Mon 9 Mar");
	const char *second = strstr(x->text, "F2 P1 second · @alice");
	assert_true(first && third && second && first < third && third < second);
	talk_say(x, "followups mine");
	assert_answered(x, "1 open follow-up of yours");
	talk_say(x, "followups overdue");
	assert_answered(x, "1 overdue follow-up");
	talk_say(x, "followups service mail");
	assert_answered(x, "1 open follow-up for mail");
	talk_say(x, "followups service:shop @bob");
	assert_answered(x, "1 open follow-up of @bob for shop");
	talk_say(x, "followups nonsense");
	assert_refused(x, "usage", "nothing else was understood");
	x->channel = "slack:CINC1";
	talk_say(x, "followups");
	assert_answered(x, "2 open follow-ups of INC-1");
	talk_say(x, "followup F2 cancel not needed");
	talk_say(x, "followups");
	assert_answered(x, "1 open follow-up of INC-1");
	talk_say(x, "followups all");
	assert_answered(x, "2 follow-ups of INC-1");
	assert_has(x->text, "F2 P1 cancelled second");
	assert_int_equal(
		json_array_size(json_get_arr(json_get_obj(x->reply.doc, "data"), "followups")), 2);
	for (int i = 0; i < 12; i++)
		talk_say(x, arena_printf(x->arena, "followup number %d", i));
	talk_say(x, "followups");
	assert_string_equal(talk_button(x, "followups"), "3 more");
	talk_press(x, ALICE, "followups", 1, json_pack("{s:s}", "page", "1"));
	assert_has(x->text, "number 11");
	assert_has_not(x->text, "number 3 ");
}

/* ---- chasing ---- */

static size_t to(struct talk *x, const char *person, const char *words)
{
	struct effect_row *row;
	size_t n = talk_effects(x, EFFECT_MESSAGE_PRIVATE, person, &row), found = 0;

	for (size_t i = 0; i < n; i++)
		found += strstr(row[i].payload, words) != NULL;
	return found;
}

static size_t in_channel(struct talk *x, const char *words)
{
	struct effect_row *row;
	size_t n = talk_effects(x, EFFECT_MESSAGE_POST, "incident", &row), found = 0;

	for (size_t i = 0; i < n; i++)
		found += strstr(row[i].payload, words) != NULL;
	return found;
}

static void test_chased(void **state)
{
	struct talk *x = *state;

	talk_say(x, "followup alert on retries @carol in 2 weeks --signal \"the alert fires\"");
	talk_forget(x);
	/* Mon 2 Mar 14:00 → due Mon 16 Mar, 23:59:59. */
	talk_pass(x, 11 * DAY_MS + 9 * HOUR_MS);
	assert_int_equal(to(x, CAROL, "F1"), 0);
	talk_pass(x, HOUR_MS);
	assert_int_equal(to(x, CAROL,
				 "F1 of INC-1 is to be done: alert on retries (P1, due Mon 16 Mar, "
				 "in 3 d)."),
		1);
	assert_int_equal(to(x, CAROL, "It is done when this is seen: the alert fires"), 1);
	talk_pass(x, 2 * DAY_MS);
	assert_int_equal(to(x, CAROL, "F1"), 2);
	talk_pass(x, DAY_MS);
	assert_int_equal(to(x, CAROL, "F1"), 3);
	assert_int_equal(in_channel(x, "F1"), 0);
	talk_pass(x, DAY_MS);
	assert_int_equal(to(x, CAROL,
				 "F1 of INC-1 waits: alert on retries (P1, overdue by 1 d, due Mon "
				 "16 Mar)."),
		1);
	talk_pass(x, 2 * DAY_MS);
	assert_int_equal(to(x, CAROL, "F1"), 5);
	assert_int_equal(in_channel(x, "F1 of INC-1 waits"), 1);
	/* The tier of the shipped policy names nobody: the channel. */
	talk_pass(x, 4 * DAY_MS);
	assert_int_equal(to(x, CAROL, "F1"), 6);
	assert_int_equal(in_channel(x, "F1 of INC-1 waits"), 2);
	talk_pass(x, 7 * DAY_MS);
	assert_int_equal(to(x, CAROL, "F1"), 7);
	talk_pass(x, 21 * DAY_MS);
	assert_int_equal(to(x, CAROL, "F1"), 10);
	/* Each step once, also with the same clock looked at twice. */
	talk_pass(x, 0);
	assert_int_equal(to(x, CAROL, "F1"), 10);
	talk_say(x, "followup F1 done it fired within 40 s --class detect");
	assert_answered(x, "F1 is done");
	assert_has(talk_entry(x, 1, 0).text, "is done, after its due date");
	talk_forget(x);
	talk_pass(x, 60 * DAY_MS);
	assert_int_equal(to(x, CAROL, "F1"), 0);
}

/* Of several steps that a downtime has swallowed, only the last. */
static void test_after_downtime(void **state)
{
	struct talk *x = *state;

	talk_say(x, "followup alert on retries @carol in 2 weeks");
	talk_forget(x);
	x->clock.manual_ms += 16 * DAY_MS;
	x->desk.away_from = TALK_START + DAY_MS;
	x->desk.away_to = x->clock.manual_ms;
	talk_pass(x, 0);
	assert_int_equal(to(x, CAROL, "F1"), 1);
	assert_int_equal(to(x, CAROL, "I was away from"), 1);
	assert_int_equal(load(x, 1).said, 4);
	x->clock.manual_ms += 60 * DAY_MS;
	talk_pass(x, 0);
	assert_int_equal(to(x, CAROL, "F1"), 2);
}

static void test_moved_due_date(void **state)
{
	struct talk *x = *state;

	/* Closer than the first steps: those lie in the past and are not said. */
	talk_say(x, "followup alert on retries @carol --due tomorrow");
	talk_forget(x);
	talk_pass(x, HOUR_MS);
	assert_int_equal(to(x, CAROL, "F1"), 0);
	talk_pass(x, 9 * HOUR_MS);
	assert_int_equal(to(x, CAROL, "F1 of INC-1 is to be done"), 1);
	talk_pass(x, DAY_MS);
	assert_int_equal(to(x, CAROL, "F1"), 2);
	talk_say(x, "followup F1 --due \"2 weeks\"");
	talk_pass(x, 10 * DAY_MS);
	assert_int_equal(to(x, CAROL, "F1"), 2);
	talk_pass(x, 2 * DAY_MS);
	assert_int_equal(to(x, CAROL, "F1 of INC-1 is to be done"), 2);
}

static void test_nobody_owns_it(void **state)
{
	struct talk *x = *state;

	talk_say(x, "followup alert on retries in 2 weeks");
	talk_forget(x);
	talk_pass(x, 12 * DAY_MS);
	/* Bob has the command. */
	assert_int_equal(to(x, BOB, "It has no owner: who does it?"), 1);
	assert_int_equal(to(x, BOB, "Name an owner"), 1);
	talk_say(x, "#1 drop ic");
	talk_pass(x, 2 * DAY_MS);
	assert_int_equal(to(x, ALICE, "It has no owner"), 1);
}

static void test_tier(void **state)
{
	struct talk *x = *state;
	const char *people[] = { CAROL };

	for (size_t i = 0; i < x->config->escalation.count; i++)
		if (!strcmp(x->config->escalation.tier[i].name, "coordination")) {
			x->config->escalation.tier[i].people[0] = people[0];
			x->config->escalation.tier[i].count = 1;
		}
	talk_say(x, "followup alert on retries @bob in 2 weeks");
	talk_forget(x);
	talk_pass(x, 22 * DAY_MS);
	assert_int_equal(to(x, CAROL, "Its owner: @bob."), 1);
	assert_int_equal(in_channel(x, "F1"), 1);
}

static void test_home(void **state)
{
	struct talk *x = *state;

	for (int i = 0; i < 7; i++)
		talk_say(
			x, arena_printf(x->arena, "followup number %d @bob in %d days", i, 20 - i));
	talk_forget(x);
	talk_event(x, BOB, "home.opened");
	talk_deliver(x);
	talk_say_as(x, BOB, "followups mine");
	assert_answered(x, "7 open follow-ups of yours");
}

/* ---- protected ---- */

static void test_protected(void **state)
{
	struct talk *x = *state;
	const char *p;
	int64_t id;

	x->channel = NULL;
	talk_say(x, "declare sev1 a key leaked --security");
	p = strstr(x->text, "INC-");
	id = strtoll(p + 4, NULL, 10);
	talk_say(x,
		arena_printf(x->arena, "#%lld followup rotate the keys in 2 weeks", (long long)id));
	assert_answered(x, "F1000000000001 of INC-");
	talk_say_as(x, BOB, "followup F1000000000001");
	assert_refused(x, "not_found", "There is no follow-up F1000000000001");
	talk_say_as(x, BOB, "followup F1000000000001 cancel why not");
	assert_refused(x, "not_found", "There is no follow-up");
	talk_say_as(x, BOB, "followups all");
	assert_has(x->text, "No follow-ups");
	talk_say_as(x, BOB, "#1 followup another");
	assert_answered(x, "F1 of INC-1");
	/* Whoever is made its owner gets access, as by a role. */
	talk_say(x, "followup F1000000000001 --owner @carol");
	assert_answered(x, "owner none → @carol");
	talk_say_as(x, CAROL, "followups mine");
	assert_has(x->text, "rotate the keys");
	/* Who has lost it is told nothing any more. */
	talk_say(x, arena_printf(x->arena, "#%lld revoke @carol", (long long)id));
	talk_forget(x);
	talk_pass(x, 15 * DAY_MS);
	assert_int_equal(to(x, CAROL, "rotate"), 0);
}

/* ---- tools ---- */

static json_t *tool(struct talk *x, const char *op, const char *args)
{
	struct request *r = request_create(REQUEST_EVENT);

	r->actor.person = arena_strdup(r->arena, "unix:1000");
	r->operation = arena_strdup(r->arena, op);
	assert_int_equal(json_parse(args, strlen(args), 65536, &r->args, &x->err), 0);
	reply_finish(&x->reply);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(dispatch(&x->desk, r, &x->reply, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	x->reply.code = arena_strdup(x->arena, x->reply.code);
	x->text = arena_strdup(x->arena, json_get_str(x->reply.doc, "text"));
	request_destroy(r);
	return json_get_obj(x->reply.doc, "data");
}

static void test_tool_append(void **state)
{
	struct talk *x = *state;
	json_t *data = tool(x, "incident_append_event",
		"{\"incident_id\": \"INC-1\", \"type\": \"followup\", \"meta\": {\"title\": "
		"\"alert on retries\", \"owner\": "
		"\"@bob\", \"priority\": \"P0\", \"due_date\": \"2026-04-01\", \"class\": "
		"\"detect\", \"signal\": \"it fires\"}}");

	assert_string_equal(json_get_str(data, "followup_id"), "F1");
	assert_string_equal(json_get_str(data, "due_date"), "2026-04-01T23:59:59Z");
	struct followup f = load(x, 1);
	assert_string_equal(f.owner, BOB);
	assert_int_equal(f.class, FOLLOWUP_DETECT);
	data = tool(x, "incident_append_event",
		"{\"incident_id\": 1, \"type\": \"note\", \"text\": \"seen by the tool\"}");
	assert_string_equal(json_get_str(data, "type"), "note");
	assert_string_equal(talk_entry(x, 1, 0).text, "seen by the tool");
	static const char *const bad[] = { "{}", "{\"incident_id\": \"INC-9\", \"text\": \"x\"}",
		"{\"incident_id\": \"1x\"}", "{\"incident_id\": 1}",
		"{\"incident_id\": 1, \"type\": \"followup\"}",
		"{\"incident_id\": 1, \"type\": \"nonsense\", \"text\": \"x\"}",
		"{\"incident_id\": 1, \"type\": \"followup\", \"meta\": {\"title\": \"x\", "
		"\"priority\": \"P9\"}}",
		"{\"incident_id\": 1, \"type\": \"followup\", \"meta\": {\"title\": \"x\", "
		"\"due_date\": \"2020-01-01\"}}",
		"{\"incident_id\": 1, \"type\": \"followup\", \"meta\": {\"title\": \"x\", "
		"\"class\": \"fix\"}}",
		"{\"incident_id\": 1, \"type\": \"followup\", \"meta\": {\"title\": \"x\", "
		"\"owner\": \"@nobody-here\"}}",
		"{\"incident_id\": 1, \"type\": \"followup\", \"meta\": {\"title\": \"x\", "
		"\"link\": \"file:///etc\"}}",
		"{\"incident_id\": 1, \"type\": \"followup\", \"meta\": \"x\"}" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		tool(x, "incident_append_event", bad[i]);
		assert_int_equal(x->reply.kind, REPLY_REFUSAL);
		assert_has(x->text, "nothing was done");
	}
	/* Not from the chat, and not without the right. */
	talk_press(x, ALICE, "incident_append_event", 1, json_pack("{s:s}", "text", "x"));
	assert_refused(x, "unknown", "incident_append_event");
}

static void test_tool_summary(void **state)
{
	struct talk *x = *state;
	json_t *data, *stats;

	talk_say(x, "followup first @bob in 3h");
	talk_say(x, "followup second in 2 weeks");
	x->channel = NULL;
	talk_say(x, "declare sev1 carts are empty --service shop --env prod");
	talk_deliver(x);
	x->clock.manual_ms += DAY_MS;
	data = tool(x, "incident_followups_summary",
		"{\"service\": \"Shop\", \"environment\": \"any\", \"window_days\": 30}");
	assert_non_null(data);
	stats = json_get_obj(data, "stats");
	assert_int_equal(json_get_int(stats, "open_incidents", -1), 1);
	assert_int_equal(json_get_int(stats, "overdue", -1), 1);
	assert_int_equal(json_get_int(stats, "total_open_followups", -1), 2);
	assert_has(json_text(x->arena, data),
		"\"overdue_followups\":[{\"incident_id\":\"INC-1\",\"id\":\"F1\",\"title\":"
		"\"first\",\"due_date\":\"2026-03-02T17:01:00Z\",\"priority\":\"P1\",\"owner\":\"@"
		"bob\"}]");
	assert_has(json_text(x->arena, data), "\"id\":\"INC-2\",\"severity\":\"SEV1\",\"status\":");
	data = tool(x, "incident_followups_summary",
		"{\"service\": \"shop\", \"environment\": \"prod\"}");
	assert_int_equal(json_get_int(json_get_obj(data, "stats"), "total_open_followups", -1), 0);
	tool(x, "incident_followups_summary", "{\"window_days\": 0}");
	assert_refused(x, "usage", "window_days");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)
	static const struct CMUnitTest tests[] = {
		T(test_added_by_shape),
		T(test_added_in_full),
		T(test_defaults_and_zones),
		T(test_add_refuses),
		T(test_merged),
		T(test_changed),
		T(test_done_needs_the_signal),
		T(test_cancelled),
		T(test_forms),
		T(test_lists),
		T(test_chased),
		T(test_after_downtime),
		T(test_moved_due_date),
		T(test_nobody_owns_it),
		T(test_tier),
		T(test_home),
		T(test_protected),
		T(test_tool_append),
		T(test_tool_summary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
