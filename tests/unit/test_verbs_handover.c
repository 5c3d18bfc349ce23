/* handover, accept, decline: command goes over when the incoming person accepts (FEATURES D5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "commands/dispatch.h"
#include "store/response.h"
#include "store/timers.h"
#include "support_core.h"

#define PACKET_AGE (10 * MINUTE_MS)
#define EXPIRES	   (15 * MINUTE_MS)
#define CHAIR	   (3 * HOUR_MS)

/* Alice leads INC-1, and nothing but handovers is reminded of. */
static int setup(void **state)
{
	int rc = talk_setup(state);
	struct talk *x = *state;

	if (rc < 0)
		return rc;
	x->config->packet_max_age_ms = PACKET_AGE;
	x->config->handover_expires_ms = EXPIRES;
	x->config->chair_max_ms = CHAIR;
	x->config->escalation.count = 0;
	for (int level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++) {
		x->config->severity.level[level].checkpoint_every_ms = 0;
		x->config->severity.level[level].strategy_after_ms = 0;
	}
	for (int k = 0; k < PROMISE_KIND_COUNT; k++)
		x->config->ladder[k].count = 0;
	x->config->ladder[PROMISE_HANDOVER] =
		(struct ladder){ .step = { { 0, AUDIENCE_OWNER_OPEN } }, .count = 1 };
	talk_say(x, "declare sev2 checkout is failing");
	talk_deliver(x);
	x->channel = "slack:CINC1";
	x->clock.manual_ms = TALK_START + MINUTE_MS;
	talk_say(x, "take ic");
	talk_forget(x);
	return 0;
}

static void offered(struct talk *x)
{
	talk_say(x, "checkpoint rolling back; hypothesis: bad config; decision: fail over?");
	talk_say(x, "handover @carol");
	assert_answered(x, "@carol is asked to take command of INC-1");
}

static struct handover offer(struct talk *x, int64_t id)
{
	struct handover h = { 0 };

	if (handover_load(x->store, x->arena, id, &h, &x->err) < 0)
		fail_msg("there is no offer %lld", (long long)id);
	return h;
}

static bool hanging(struct talk *x)
{
	struct handover h;

	return handover_offered(x->store, x->arena, 1, &h, &x->err) == 0;
}

/* Timers of this name on INC-1; due_at of the last, when asked for. */
static size_t timers(struct talk *x, const char *name, int64_t *due_at)
{
	struct timer *t;
	size_t n, found = 0;

	assert_int_equal(timer_list(x->store, x->arena, 1, &t, &n, &x->err), 0);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(t[i].name, name) != 0)
			continue;
		found++;
		if (due_at)
			*due_at = t[i].due_at;
	}
	return found;
}

/* The invariant: an offer hangs, its promise is open and both timers are armed; or none of it. */
static void assert_settled(struct talk *x)
{
	struct promise p = talk_promise(x, 1, PROMISE_HANDOVER);

	assert_false(hanging(x));
	assert_int_equal(p.due_at, 0);
	assert_int_equal(timers(x, "handover", NULL), 0);
}

static size_t told(struct talk *x, const char *person)
{
	return talk_effects(x, EFFECT_MESSAGE_PRIVATE, person, NULL);
}

static const char *press(struct talk *x, const char *person, const char *op, int64_t id)
{
	return talk_press(x, person, op, 1, json_pack("{s:I}", "offer", (json_int_t)id));
}

/* ---- the happy path ---- */

static void test_offer(void **state)
{
	struct talk *x = *state;
	struct effect_row *row;
	int64_t expires = 0;

	talk_say(x, "checkpoint rolling back; hypothesis: bad config; decision: fail over?; next "
		    "decision: in 20m");
	talk_forget(x);
	talk_say(x, "handover @carol");
	assert_answered(x, "@carol is asked to take command of INC-1 · you stay commander until "
			   "they accept");
	/* Nothing changes until it is accepted. */
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), ALICE);
	struct handover h = offer(x, 1);
	assert_int_equal(h.state, HANDOVER_OFFERED);
	assert_string_equal(h.from, ALICE);
	assert_string_equal(h.to, CAROL);
	assert_int_equal(h.checkpoint, 1);
	assert_int_equal(timers(x, "handover", &expires), 1);
	assert_int_equal(expires, TALK_START + MINUTE_MS + EXPIRES);
	assert_int_equal(talk_promise(x, 1, PROMISE_HANDOVER).due_at,
		TALK_START + MINUTE_MS + EXPIRES / 3);

	const char *said = talk_said(x, EFFECT_MESSAGE_POST, "incident");
	assert_has(said, "@carol @alice offers you command of INC-1, checkout is failing (SEV2)");
	/* The channel has read the checkpoint already; whoever is asked gets it whole. */
	assert_has(said, "With the checkpoint of ");
	assert_has_not(said, "State: rolling back");
	assert_has(said, "@alice stays commander until it is accepted · the offer stands until "
			 "14:16");
	assert_has(said, "Accept command");
	assert_has(said, "Not me");
	said = talk_said(x, EFFECT_MESSAGE_PRIVATE, CAROL);
	assert_has(said, "@alice offers you command of INC-1");
	assert_has(said, "State: rolling back");
	assert_has(said, "Hypothesis: bad config");
	assert_has(said, "To decide: fail over?");
	assert_has(said, "Next decision: 14:21");
	assert_has(said, "Cadence: an update every 30 min");
	assert_has(said, "not said: impact, in flight");
	assert_has(said, "Accept command");
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_INVITE, NULL, &row), 1);
	assert_has(row[0].payload, CAROL);
	assert_string_equal(talk_entry(x, 1, 0).text,
		"handover offered: @alice to @carol, until 14:16 UTC");
	assert_int_equal(talk_entry(x, 1, 0).kind, ENTRY_RESPONSIBILITY);
	/* Hanging, it stands on the card. */
	talk_say(x, "show");
	assert_answered(x, "@alice, offered to @carol until ");
}

static void test_accept(void **state)
{
	struct talk *x = *state;
	int64_t chair = 0;

	offered(x);
	talk_forget(x);
	x->clock.manual_ms += 2 * MINUTE_MS;
	press(x, CAROL, "accept", 1);
	assert_answered(x, "You are Incident commander of INC-1, from @alice");
	assert_has(x->text, "You lead the response and decide");
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), CAROL);
	assert_int_equal(offer(x, 1).state, HANDOVER_ACCEPTED);
	assert_int_equal(offer(x, 1).ended_at, clock_now(&x->clock));
	assert_int_equal(talk_promise_last(x, 1, PROMISE_HANDOVER).state, PROMISE_KEPT);
	assert_settled(x);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"),
		"Incident commander of INC-1 is @carol now, from @alice");
	assert_int_equal(told(x, ALICE), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, ALICE),
		"@carol has accepted command of INC-1; you are relieved");
	assert_int_equal(told(x, CAROL), 0);
	assert_string_equal(
		talk_entry(x, 1, 0).text, "Incident commander: @carol, from @alice");
	/* Her time in the chair begins now. */
	assert_int_equal(timers(x, "chair", &chair), 1);
	assert_int_equal(chair, clock_now(&x->clock) + CHAIR);
	/* Nothing of the old offer comes back later. */
	talk_forget(x);
	talk_pass(x, 20 * MINUTE_MS);
	struct effect_row *row;
	size_t n = talk_effects(x, EFFECT_MESSAGE_POST, NULL, &row);
	for (size_t i = 0; i < n; i++)
		assert_has_not(row[i].payload, "handover");
	assert_int_equal(offer(x, 1).state, HANDOVER_ACCEPTED);
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), CAROL);
}

static void test_accept_by_line(void **state)
{
	struct talk *x = *state;

	offered(x);
	talk_say_as(x, CAROL, "accept");
	assert_answered(x, "You are Incident commander");
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), CAROL);
}

static void test_decline(void **state)
{
	struct talk *x = *state;

	offered(x);
	talk_forget(x);
	talk_say_as(x, CAROL, "decline I am on a train");
	assert_answered(x, "You declined; @alice stays commander of INC-1");
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), ALICE);
	assert_int_equal(offer(x, 1).state, HANDOVER_DECLINED);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_HANDOVER).state, PROMISE_KEPT);
	assert_settled(x);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"),
		"@alice @carol declined command of INC-1: I am on a train. You stay commander");
	assert_string_equal(talk_entry(x, 1, 0).text,
		"@carol declined command: I am on a train; @alice stays commander");
	/* Somebody else may be asked. */
	talk_say(x, "handover @bob");
	assert_answered(x, "@bob is asked");
	press(x, BOB, "not-me", 2);
	assert_answered(x, "You declined");
}

/* One line makes both: the packet and the offer. */
static void test_offer_with_packet(void **state)
{
	struct talk *x = *state;

	talk_say(x, "handover @carol state: rolling back by @bob; hypothesis: bad config");
	assert_answered(x, "@carol is asked");
	struct checkpoint p;
	assert_int_equal(checkpoint_latest(x->store, x->arena, 1, &p, &x->err), 0);
	assert_string_equal(p.situation, "rolling back by @bob");
	assert_int_equal(offer(x, 1).checkpoint, p.id);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "State: rolling back by @bob");
	/* The packet is not posted a second time by itself. */
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "incident", NULL), 1);
}

static const char *field_value(struct talk *x, const char *arg)
{
	json_t *field;
	size_t i;

	assert_int_equal(x->reply.kind, REPLY_FORM);
	json_array_foreach(json_get_arr(x->reply.form, "fields"), i,
		field) if (strcmp(json_get_str(field, "arg"), arg) == 0) return json_get_str(field,
		"value");
	fail_msg("no field %s", arg);
	return NULL;
}

static void test_form(void **state)
{
	struct talk *x = *state;

	talk_say(x, "checkpoint rolling back; hypothesis: bad config");
	x->forms = true;
	x->clock.manual_ms += PACKET_AGE;
	/* The packet is too old: the form that makes both, with the person in it. */
	talk_say(x, "handover @carol");
	assert_string_equal(field_value(x, "person"), CAROL);
	assert_string_equal(field_value(x, "state"), "rolling back");
	assert_string_equal(field_value(x, "hypothesis"), "bad config");
	assert_has(json_get_str(x->reply.form, "intro"), "younger than 10 min; the last one is 10 "
							 "min old");
	assert_false(hanging(x));
	/* Bare, and from a button. */
	talk_press(x, ALICE, "handover", 1, NULL);
	assert_null(field_value(x, "person"));
	assert_string_equal(field_value(x, "state"), "rolling back");

	talk_submit(x, ALICE, "handover", 1, json_pack("{s:s}", "state", "all quiet"));
	assert_refused(x, "usage", "to whom?");
	assert_non_null(json_get_str(x->reply.fields, "person"));
	talk_submit(x, ALICE, "handover", 1, json_pack("{s:s}", "person", CAROL));
	assert_refused(x, "usage", "Say where it stands");
	assert_non_null(json_get_str(x->reply.fields, "state"));
	talk_submit(x, ALICE, "handover", 1,
		json_pack("{s:s, s:s}", "person", CAROL, "state", "all quiet"));
	assert_answered(x, "@carol is asked");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "State: all quiet");
}

/* ---- refusals ---- */

static void test_packet_must_be_fresh(void **state)
{
	struct talk *x = *state;

	talk_say(x, "handover @carol");
	assert_refused(x, "policy", "younger than 10 min; there is none yet");
	assert_has(x->text, "/inc handover #1 @carol state: rolling back");
	talk_say(x, "checkpoint rolling back");
	x->clock.manual_ms += PACKET_AGE;
	talk_say(x, "handover @carol");
	assert_refused(x, "policy", "the last one is 10 min old");
	x->clock.manual_ms -= 1;
	talk_say(x, "handover @carol");
	assert_answered(x, "@carol is asked");
}

static void test_offer_refuses(void **state)
{
	struct talk *x = *state;
	size_t before;

	talk_say(x, "checkpoint rolling back");
	talk_forget(x);
	before = talk_entries(x, 1);
	talk_say_as(x, BOB, "handover @carol");
	assert_refused(x, "conflict", "only the commander hands over, and that is @alice");
	assert_has(x->text, "/inc ic #1 @carol");
	talk_say(x, "handover @alice");
	assert_refused(x, "usage", "you are commander of INC-1 already");
	talk_say(x, "handover me");
	assert_refused(x, "usage", "you are commander of INC-1 already");
	talk_say(x, "handover");
	assert_refused(x, "usage", "to whom?");
	talk_say(x, "handover @carol all well --next-decision \"2026-03-02 13:00\"");
	assert_refused(x, "usage", "which is over");
	talk_say(x, "handover --withdraw");
	assert_refused(x, "conflict", "No handover of INC-1 is open");
	talk_say_as(x, CAROL, "accept");
	assert_refused(x, "conflict", "No handover of INC-1 is open");
	talk_say_as(x, CAROL, "decline");
	assert_refused(x, "conflict", "No handover of INC-1 is open");
	talk_say(x, "accept");
	assert_answered(x, "You are commander of INC-1, and no handover is open");
	press(x, CAROL, "accept", 7);
	assert_refused(x, "conflict", "There is no such offer");
	talk_say(x, "drop ic");
	talk_say(x, "handover @carol");
	assert_refused(x, "conflict", "nobody is commander of INC-1");
	assert_string_equal(talk_button(x, "role"), "Take command");
	assert_int_equal(talk_entries(x, 1), before + 1);
	assert_settled(x);
	talk_say(x, "resolve --not-verified \"no traffic\"");
	talk_say(x, "handover @carol");
	assert_refused(x, "conflict", "INC-1 is resolved");
}

/* Who may administer may offer for a commander who cannot; the offer is the commander's. */
static void test_offer_by_right(void **state)
{
	struct talk *x = *state;

	talk_say(x, "checkpoint rolling back");
	talk_say_as(x, "unix:1000", "#1 handover @carol");
	assert_answered(x, "@carol is asked to take command of INC-1 · @alice stays commander");
	assert_string_equal(offer(x, 1).from, ALICE);
	assert_has(talk_entry(x, 1, 0).text, "offered by @1000");
	talk_say_as(x, "unix:1000", "#1 handover unix:1000");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
}

/* Nobody but the one it was offered to answers; nobody but its side takes it back. */
static void test_answer_refuses(void **state)
{
	struct talk *x = *state;

	offered(x);
	talk_say_as(x, BOB, "accept");
	assert_refused(x, "conflict", "@alice offered command of INC-1 to @carol, not to you");
	press(x, ALICE, "accept", 1);
	assert_refused(x, "conflict", "to @carol, not to you");
	press(x, BOB, "decline", 1);
	assert_refused(x, "conflict", "to @carol, not to you");
	talk_say_as(x, CAROL, "handover --withdraw");
	assert_refused(x, "conflict", "only @alice, who offered it, can take it back");
	assert_has(x->text, "/inc decline");
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), ALICE);
	assert_true(hanging(x));
}

/* ---- races ---- */

static void test_accept_after_withdraw(void **state)
{
	struct talk *x = *state;

	offered(x);
	talk_forget(x);
	talk_press(x, ALICE, "handover", 1, json_pack("{s:b}", "withdraw", 1));
	assert_answered(x, "The handover to @carol is off; @alice stays commander of INC-1");
	assert_settled(x);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_HANDOVER).state, PROMISE_WITHDRAWN);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, CAROL), "@alice took the offer back");
	press(x, CAROL, "accept", 1);
	assert_refused(x, "conflict", "to @carol was withdrawn at 14:01");
	press(x, CAROL, "decline", 1);
	assert_refused(x, "conflict", "to @carol was withdrawn at 14:01");
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), ALICE);
}

static void test_accept_twice(void **state)
{
	struct talk *x = *state;
	size_t entries;

	offered(x);
	press(x, CAROL, "accept", 1);
	entries = talk_entries(x, 1);
	talk_forget(x);
	press(x, CAROL, "accept", 1);
	assert_answered(x, "was accepted at 14:01 UTC; nothing was changed");
	talk_say_as(x, CAROL, "accept");
	assert_answered(x, "You are commander of INC-1, and no handover is open");
	press(x, CAROL, "decline", 1);
	assert_answered(x, "was accepted at 14:01 UTC; nothing was changed");
	/* The one before cannot take back what is done. */
	talk_say(x, "handover --withdraw");
	assert_refused(x, "conflict", "No handover of INC-1 is open");
	assert_int_equal(talk_entries(x, 1), entries);
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), CAROL);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, NULL, NULL), 0);
	assert_int_equal(told(x, ALICE), 0);
}

/* Both answer at once: who comes first wins, the other is told. */
static void test_both_press(void **state)
{
	struct talk *x = *state;

	offered(x);
	press(x, CAROL, "accept", 1);
	talk_press(x, ALICE, "handover", 1, json_pack("{s:b}", "withdraw", 1));
	assert_refused(x, "conflict", "No handover of INC-1 is open");
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), CAROL);
	assert_int_equal(offer(x, 1).state, HANDOVER_ACCEPTED);
	assert_settled(x);
}

static void test_second_offer(void **state)
{
	struct talk *x = *state;

	offered(x);
	talk_say(x, "handover @carol");
	assert_answered(x, "@carol was asked at 14:01 UTC already and has not answered yet");
	talk_forget(x);
	talk_say(x, "handover @bob");
	assert_answered(x, "@bob is asked to take command of INC-1 · you stay commander until they "
			   "accept · the offer to @carol is off");
	assert_int_equal(offer(x, 1).state, HANDOVER_WITHDRAWN);
	assert_int_equal(offer(x, 2).state, HANDOVER_OFFERED);
	assert_int_equal(timers(x, "handover", NULL), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "the offer to @carol is off");
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, CAROL),
		"You need not take command of INC-1 any more: it was offered to @bob");
	press(x, CAROL, "accept", 1);
	assert_refused(x, "conflict", "was withdrawn");
	talk_say_as(x, CAROL, "accept");
	assert_refused(x, "conflict", "to @bob, not to you");
	/* The same person again, with a newer packet: the button of the old offer is dead too. */
	talk_say(x, "handover @bob state: it is getting worse");
	assert_int_equal(offer(x, 3).state, HANDOVER_OFFERED);
	press(x, BOB, "accept", 2);
	assert_refused(x, "conflict", "was withdrawn");
	press(x, BOB, "accept", 3);
	assert_answered(x, "You are Incident commander");
	assert_settled(x);
}

/* ---- time ---- */

static void test_reminder_and_expiry(void **state)
{
	struct talk *x = *state;

	offered(x);
	talk_forget(x);
	talk_pass(x, EXPIRES / 3 - 1);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "incident", NULL), 0);
	talk_pass(x, 1);
	const char *said = talk_said(x, EFFECT_MESSAGE_POST, "incident");
	/* Both, once each. */
	assert_has(said, "@carol @alice @alice offered command of INC-1 to @carol at 14:01");
	assert_has(said, "the offer ends at 14:16");
	assert_has(said, "Accept command");
	assert_has(said, "Take it back");
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), ALICE);
	talk_forget(x);

	talk_pass(x, 10 * MINUTE_MS - 1);
	assert_true(hanging(x));
	talk_pass(x, 1);
	assert_int_equal(offer(x, 1).state, HANDOVER_EXPIRED);
	assert_settled(x);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_HANDOVER).state, PROMISE_WITHDRAWN);
	assert_int_not_equal(talk_promise_last(x, 1, PROMISE_HANDOVER).missed_at, 0);
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), ALICE);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"),
		"@alice The handover of INC-1 to @carol has expired, nobody answered for 15 min. "
		"You stay commander");
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, CAROL), "has expired; @alice stays");
	assert_has(talk_entry(x, 1, 0).text, "handover to @carol expired unanswered");
	press(x, CAROL, "accept", 1);
	assert_refused(x, "conflict", "was expired at 14:16");
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), ALICE);
}

/* Privately, each gets what they can do. */
static void test_reminder_alone(void **state)
{
	struct talk *x = *state;

	x->config->ladder[PROMISE_HANDOVER].step[0].audience = AUDIENCE_OWNER;
	offered(x);
	talk_forget(x);
	talk_pass(x, EXPIRES / 3);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, CAROL), "Accept command");
	assert_has_not(talk_said(x, EFFECT_MESSAGE_PRIVATE, CAROL), "Take it back");
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, ALICE), "Take it back");
	assert_has_not(talk_said(x, EFFECT_MESSAGE_PRIVATE, ALICE), "Accept command");
}

/* The process goes down and comes back: all of it is in the store. */
static void restart(struct talk *x)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/sitrep.db", x->folder);
	store_close(x->store);
	assert_int_equal(store_open(&x->store,
				 &(struct store_options){ .path = path, .create = false }, &x->err),
		0);
	x->desk.store = x->store;
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(deliver_recover(&x->desk, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
}

static void test_restart(void **state)
{
	struct talk *x = *state;

	offered(x);
	restart(x);
	assert_true(hanging(x));
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), ALICE);
	talk_pass(x, 5 * MINUTE_MS);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "it is not answered yet");
	restart(x);
	press(x, CAROL, "accept", 1);
	assert_answered(x, "You are Incident commander");
	assert_settled(x);
	restart(x);
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), CAROL);
}

/* It came due while nobody was there: once, late, and the reminder is not said after it. */
static void test_expiry_after_downtime(void **state)
{
	struct talk *x = *state;

	offered(x);
	talk_forget(x);
	x->clock.manual_ms += 2 * HOUR_MS;
	restart(x);
	talk_pass(x, 0);
	assert_int_equal(offer(x, 1).state, HANDOVER_EXPIRED);
	assert_settled(x);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "nobody answered for 2 h");
}

/* ---- what ends a hanging offer ---- */

static void test_void(void **state)
{
	static const struct {
		const char *words, *why;
		bool told;
	} end[] = {
		{ "assign ic @bob", "@bob is commander now", true },
		{ "drop ic", "the commander gave the role up", true },
		{ "resolve --not-verified \"no traffic\"", "it is resolved", true },
		{ "cancel a test", "it is cancelled", true },
		{ "assign ic @carol", "@carol is commander now", false },
	};

	for (size_t i = 0; i < sizeof(end) / sizeof(end[0]); i++) {
		if (i > 0) {
			talk_teardown(state);
			assert_int_equal(setup(state), 0);
		}
		struct talk *x = *state;
		offered(x);
		talk_forget(x);
		talk_say(x, end[i].words);
		assert_int_equal(x->reply.kind, REPLY_MESSAGE);
		assert_int_equal(offer(x, 1).state, HANDOVER_WITHDRAWN);
		assert_settled(x);
		/* Whoever became commander is told that, and not that they need not. */
		assert_int_equal(told(x, CAROL), 1);
		assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, CAROL),
			end[i].told ? arena_printf(x->arena,
					      "You need not take command of INC-1 any more: %s",
					      end[i].why)
				    : "You are Incident commander");
		press(x, CAROL, "accept", 1);
		assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	}
}

static void test_take_over(void **state)
{
	struct talk *x = *state;

	offered(x);
	talk_say_as(x, BOB, "assign ic me");
	assert_settled(x);
	assert_has(talk_entry(x, 1, 1).text, "handover to @carol is off: @bob is commander now");
}

/* Another role is another matter. */
static void test_other_roles_do_not_matter(void **state)
{
	struct talk *x = *state;

	offered(x);
	talk_say(x, "ops @bob");
	talk_say(x, "sev 1 doubled");
	talk_say(x, "identified bad config");
	talk_say(x, "update it is the config. in 20m");
	assert_true(hanging(x));
	press(x, CAROL, "accept", 1);
	assert_string_equal(talk_role(x, 1, ROLE_COMMANDER), CAROL);
	assert_string_equal(talk_role(x, 1, ROLE_OPERATIONS), BOB);
}

/* ---- the chair ---- */

static void test_chair(void **state)
{
	struct talk *x = *state;

	talk_pass(x, CHAIR - 1);
	assert_int_equal(told(x, ALICE), 0);
	talk_pass(x, 1);
	assert_int_equal(told(x, ALICE), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, ALICE),
		"You have been commander of INC-1 for 3 h");
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, ALICE), "Hand over");
	/* Once per chair. */
	talk_forget(x);
	talk_pass(x, 2 * CHAIR);
	assert_int_equal(told(x, ALICE), 0);
	talk_say(x, "ic @bob");
	talk_forget(x);
	talk_pass(x, CHAIR);
	assert_int_equal(told(x, ALICE), 0);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, BOB), "You have been commander");
}

static void test_chair_is_watched_while_somebody_sits(void **state)
{
	struct talk *x = *state;
	int64_t due = 0;

	assert_int_equal(timers(x, "chair", &due), 1);
	assert_int_equal(due, TALK_START + MINUTE_MS + CHAIR);
	talk_say(x, "drop ic");
	assert_int_equal(timers(x, "chair", NULL), 0);
	talk_say(x, "take ic");
	talk_say(x, "take ops");
	assert_int_equal(timers(x, "chair", NULL), 1);
	talk_say(x, "resolve --not-verified \"no traffic\"");
	assert_int_equal(timers(x, "chair", NULL), 0);
	x->clock.manual_ms += HOUR_MS;
	talk_say(x, "reopen it is back");
	assert_int_equal(timers(x, "chair", &due), 1);
	assert_int_equal(due, clock_now(&x->clock) + CHAIR);
	/* Never, by policy. */
	x->config->chair_max_ms = 0;
	talk_say(x, "ic @bob");
	assert_int_equal(timers(x, "chair", NULL), 0);
}

/* One is offered already: nothing is left to propose. */
static void test_chair_while_offered(void **state)
{
	struct talk *x = *state;

	talk_pass(x, CHAIR - 5 * MINUTE_MS);
	offered(x);
	talk_forget(x);
	talk_pass(x, 5 * MINUTE_MS);
	assert_int_equal(told(x, ALICE), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_offer),
		TEST(test_accept),
		TEST(test_accept_by_line),
		TEST(test_decline),
		TEST(test_offer_with_packet),
		TEST(test_form),
		TEST(test_packet_must_be_fresh),
		TEST(test_offer_refuses),
		TEST(test_offer_by_right),
		TEST(test_answer_refuses),
		TEST(test_accept_after_withdraw),
		TEST(test_accept_twice),
		TEST(test_both_press),
		TEST(test_second_offer),
		TEST(test_reminder_and_expiry),
		TEST(test_reminder_alone),
		TEST(test_restart),
		TEST(test_expiry_after_downtime),
		TEST(test_void),
		TEST(test_take_over),
		TEST(test_other_roles_do_not_matter),
		TEST(test_chair),
		TEST(test_chair_is_watched_while_somebody_sits),
		TEST(test_chair_while_offered),
	};

	return cmocka_run_group_tests_name("verbs: handover", tests, NULL, NULL);
}
