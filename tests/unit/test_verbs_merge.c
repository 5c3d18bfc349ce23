/* link, merge and their ways back (FEATURES B5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/relations.h"
#include "support_core.h"

/* INC-1 sev2 and INC-2 sev1, each with its channel. */
static int setup(void **state)
{
	int rc = talk_setup(state);
	struct talk *x = *state;

	if (rc)
		return rc;
	talk_say(x, "declare sev2 checkout is failing --service shop");
	talk_say_as(x, CAROL, "declare sev1 payments answer 5xx --service payments");
	talk_deliver(x);
	x->clock.manual_ms = TALK_START + MINUTE_MS;
	return 0;
}

static size_t entries_with(struct talk *x, int64_t incident, const char *words)
{
	size_t all = talk_entries(x, incident), n = 0;

	for (size_t i = 0; i < all; i++)
		n += strstr(talk_entry(x, incident, i).text, words) != NULL;
	return n;
}

/* ---- link ---- */

static void test_link(void **state)
{
	struct talk *x = *state;

	x->channel = "slack:CINC1";
	talk_say(x, "link #2 same database");
	assert_answered(x, "INC-1 and INC-2 name each other now: payments answer 5xx");
	assert_string_equal(talk_entry(x, 1, 0).text, "related to INC-2: same database");
	assert_string_equal(talk_entry(x, 2, 0).text, "related to INC-1: same database");
	talk_say(x, "show");
	assert_has(x->text, "Related: INC-2");
	talk_say(x, "show #2");
	assert_has(x->text, "Related: INC-1");

	talk_say(x, "#2 link 1");
	assert_answered(x, "linked already; nothing was changed");
	assert_int_equal(entries_with(x, 1, "related to"), 1);
	assert_int_equal(entries_with(x, 2, "related to"), 1);

	x->channel = NULL;
	talk_say(x, "#1 unlink #2");
	assert_answered(x, "name each other no more");
	talk_say(x, "show #1");
	assert_has_not(x->text, "Related");
	talk_say(x, "unlink #1 from #2");
	assert_refused(x, "conflict", "are not linked");
}

static void test_link_refuses(void **state)
{
	struct talk *x = *state;

	x->channel = "slack:CINC1";
	talk_say(x, "link PAY-123");
	assert_refused(x, "usage", "name one as #12");
	talk_say(x, "link");
	assert_refused(x, "usage", "/inc link");
	talk_say(x, "link #1");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	assert_has(x->text, "cannot be linked to itself");
	talk_say(x, "link #77");
	assert_refused(x, "not_found", "There is no INC-77; nothing was done");
	assert_int_equal(entries_with(x, 1, "related"), 0);
}

/* A channel that was there before becomes the incident's. */
static void test_link_here(void **state)
{
	struct talk *x = *state;
	struct effect_row *row;
	size_t n;

	talk_say(x, "declare sev3 something else");
	talk_deliver(x);
	x->channel = NULL;
	talk_say(x, "#1 link here");
	assert_refused(x, "conflict", "no channel");
	x->channel = "slack:D1";
	talk_say(x, "#1 link here");
	assert_refused(x, "conflict", "no channel");
	x->channel = "slack:CINC2";
	talk_say(x, "#1 link here");
	assert_refused(x, "conflict", "another incident");
	x->channel = "slack:CWAR";
	talk_say(x, "#1 link here");
	assert_answered(x, "channel of INC-1 now");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "slack:CINC1"), "INC-1 goes on in");
	talk_say(x, "#1 link here");
	assert_answered(x, "already");
	talk_deliver(x);
	talk_say(x, "note said in the new channel"); /* by its place */
	assert_answered(x, "INC-1");
	talk_say(x, "#1 mitigating");
	n = talk_effects(x, EFFECT_MESSAGE_EDIT, NULL, &row);
	assert_true(n > 0);
	talk_deliver(x);
	x->channel = "slack:CINC1";
	talk_say(x, "#1 unlink here");
	assert_refused(x, "conflict", "Say it there");
	x->channel = "slack:CWAR";
	talk_say(x, "#1 unlink here");
	assert_answered(x, "not the channel of INC-1 any more");
	talk_deliver(x);
}

static int64_t declare_protected(struct talk *x, const char *who)
{
	const char *p;

	talk_say_as(x, who, "declare sev1 a key leaked --security");
	p = strstr(x->text, "INC-");
	assert_non_null(p);
	return strtoll(p + 4, NULL, 10);
}

/* The kept one names the other, so it is the first to be protected. */
static void test_protect_merged(void **state)
{
	struct talk *x = *state;

	talk_say(x, "#1 merge #2 same");
	talk_say(x, "#1 protect it is a breach");
	assert_refused(x, "policy", "it is merged into INC-2, where everybody reads of it");
	assert_false(talk_incident(x, 1).is_private);
	talk_say(x, "#2 protect it is a breach");
	assert_answered(x, "INC-1 is merged into it and everybody still sees it: /inc protect #1 why");
	talk_say(x, "#1 protect it is a breach");
	assert_answered(x, "INC-1 is protected now");
	assert_true(talk_incident(x, 1).is_private);
}

/* Across the line of protection nothing is named; for strangers there is nothing. */
static void test_protected(void **state)
{
	struct talk *x = *state;
	int64_t key = declare_protected(x, ALICE), other;
	char words[100], absent[100];

	snprintf(words, sizeof(words), "#1 link #%lld", (long long)key);
	talk_say(x, words);
	assert_refused(x, "policy", "protected");
	snprintf(absent, sizeof(absent), "There is no INC-%lld; nothing was done", (long long)key);
	talk_say_as(x, BOB, words);
	assert_refused(x, "not_found", absent);
	snprintf(words, sizeof(words), "merge #1 into #%lld", (long long)key);
	talk_say_as(x, BOB, words);
	assert_refused(x, "not_found", absent);
	talk_say(x, words);
	assert_refused(x, "policy", "one of them is protected");
	assert_int_equal(talk_incident(x, 1).state, STATE_TRIAGE);

	/* Both protected: only when nobody learns of one through the other. */
	other = declare_protected(x, ALICE);
	snprintf(words, sizeof(words), "#%lld grant @bob", (long long)other);
	talk_say_as(x, BOB, "whoami");
	talk_press(x, ALICE, "grant", other, json_pack("{s:s}", "person", BOB));
	snprintf(words, sizeof(words), "merge #%lld into #%lld", (long long)other, (long long)key);
	talk_say(x, words);
	assert_refused(x, "policy", "has no access to");
	talk_press(x, ALICE, "grant", key, json_pack("{s:s}", "person", BOB));
	talk_say(x, words);
	assert_answered(x, "is merged into");
	assert_int_equal(talk_incident(x, other).merged_into, key);
}

/* ---- merge ---- */

static void test_merge(void **state)
{
	struct talk *x = *state;
	struct error err;
	struct effect_row *row;

	assert_int_equal(subscription_add(x->store, "slack:UDAVE", "incident/2", x->clock.manual_ms, &err), 0);
	talk_say(x, "#2 ops @bob");
	talk_press(x, CAROL, "role", 2, json_pack("{s:s, s:s}", "do", "take", "role", "commander"));
	talk_forget(x);
	assert_true(talk_timers(x, 2) > 0);
	talk_say(x, "merge #2 into #1 same gateway");
	assert_answered(x, "INC-2 is merged into INC-1");
	assert_has(x->text, "INC-1 is SEV1 now");
	assert_has(x->text, "/inc unmerge #2 why");

	struct incident merged = talk_incident(x, 2), kept = talk_incident(x, 1);
	assert_int_equal(merged.merged_into, 1);
	assert_int_equal(merged.state, STATE_CANCELLED);
	assert_int_equal(talk_timers(x, 2), 0);
	assert_int_equal(talk_promise_last(x, 2, PROMISE_UPDATE).state, PROMISE_WITHDRAWN);
	/* The worse level, as every raise is: recorded, and what is promised follows. */
	assert_int_equal(kept.severity, 1);
	assert_int_equal(kept.severity_at, x->clock.manual_ms);
	assert_int_equal(entries_with(x, 1, "severity SEV2 → SEV1: INC-2 is merged into it"), 1);
	assert_int_equal(talk_promise(x, 1, PROMISE_UPDATE).due_at, TALK_START + 11 * MINUTE_MS);
	assert_int_equal(entries_with(x, 1, "INC-2 (SEV1, payments answer 5xx) is merged into this: same gateway"), 1);
	assert_int_equal(entries_with(x, 2, "merged into INC-1, was triage: same gateway"), 1);

	/* Responders and followers hear of it, each once, and are called in. */
	size_t n = talk_effects(x, EFFECT_MESSAGE_PRIVATE, NULL, &row), dave = 0, carol = 0;
	for (size_t i = 0; i < n; i++) {
		dave += !strcmp(row[i].to, "slack:UDAVE") && row[i].incident == 2;
		carol += !strcmp(row[i].to, CAROL) && row[i].incident == 2;
	}
	assert_int_equal(dave, 1);
	assert_int_equal(carol, 1);
	n = talk_effects(x, EFFECT_CHANNEL_INVITE, NULL, &row);
	assert_int_equal(n, 1);
	assert_int_equal(row[0].incident, 1);
	assert_has(row[0].payload, CAROL);

	talk_say(x, "show #2");
	assert_has(x->text, "merged into INC-1");
	assert_has(x->text, "It goes on there: INC-1 SEV1 checkout is failing");
	assert_has_not(x->text, "cancelled");
	talk_say(x, "show #1");
	assert_has(x->text, "Merged here: INC-2");
	talk_say(x, "list all");
	assert_has(x->text, "merged into INC-1");
}

static void test_merge_words(void **state)
{
	struct talk *x = *state;

	x->channel = "slack:CINC2";
	talk_say(x, "duplicate of #1");
	assert_answered(x, "INC-2 is merged into INC-1");
	talk_say(x, "unmerge they are two");
	assert_answered(x, "INC-2 is told apart from INC-1");
	talk_say(x, "#2 merge #1");
	assert_answered(x, "INC-2 is merged into INC-1");
	talk_say(x, "unmerge two");
	talk_say(x, "merge 2 into 1");
	assert_answered(x, "INC-2 is merged into INC-1");
	talk_say(x, "unmerge two");
	talk_say(x, "merge #1 5 users said so");
	assert_answered(x, "INC-2 is merged into INC-1");
	assert_has(talk_entry(x, 2, 0).text, "5 users said so");
}

static void test_merge_refuses(void **state)
{
	struct talk *x = *state;

	talk_say(x, "merge #1 into #1");
	assert_refused(x, "conflict", "cannot be merged into itself");
	talk_say(x, "merge #1 into #9");
	assert_refused(x, "not_found", "There is no INC-9");
	talk_say(x, "merge #1 into #2");
	assert_answered(x, "INC-1 is merged into INC-2");
	talk_say(x, "merge #1 into #2");
	assert_refused(x, "conflict", "INC-1 is merged into INC-2 already");
	talk_say(x, "merge #2 into #1");
	assert_refused(x, "conflict", "the other way round");
	assert_int_equal(talk_incident(x, 2).merged_into, 0);
	talk_say(x, "declare sev3 a third one");
	talk_say(x, "#3 cancel the probe");
	talk_say(x, "merge #3 into #2");
	assert_refused(x, "conflict", "was a false alarm");
	talk_say(x, "merge #2 into #3");
	assert_refused(x, "conflict", "INC-3 is cancelled");
	talk_say(x, "link #1 with #2");
	assert_refused(x, "conflict", "merged into");
	talk_say(x, "unmerge #2 why");
	assert_refused(x, "conflict", "is not merged");
}

static void test_chain(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 a third one");
	talk_say(x, "declare sev3 a fourth one");
	talk_say(x, "merge #1 into #2");
	talk_say(x, "merge #2 into #3");
	talk_say(x, "merge #4 into #1");
	assert_answered(x, "INC-4 is merged into INC-3, where INC-1 went before");
	assert_int_equal(talk_incident(x, 4).merged_into, 3);
	talk_say(x, "merge #3 into #1");
	assert_refused(x, "conflict", "the other way round");
	talk_say(x, "show #1");
	assert_has(x->text, "merged into INC-2");
	assert_has(x->text, "It goes on there: INC-3");
}

static void test_in_the_merged_channel(void **state)
{
	struct talk *x = *state;

	talk_say(x, "merge #2 into #1");
	x->channel = "slack:CINC2";
	talk_say(x, "update known: bad config");
	assert_refused(x, "conflict", "INC-2 is merged into INC-1, so update was not done here");
	assert_has(x->text, "/inc #1 update");
	talk_say(x, "close");
	assert_refused(x, "conflict", "is merged into INC-1");
	talk_say(x, "ic me");
	assert_refused(x, "conflict", "is merged into INC-1");
	talk_say(x, "note the gateway was restarted");
	assert_answered(x, "On the timeline of INC-2");
}

static void test_apart(void **state)
{
	struct talk *x = *state;

	talk_say(x, "merge #2 into #1");
	talk_pass(x, MINUTE_MS);
	talk_forget(x);
	talk_say(x, "unmerge #2 another gateway");
	assert_answered(x, "INC-2 is told apart from INC-1, investigating. Next update promised for");
	assert_int_equal(talk_incident(x, 2).merged_into, 0);
	assert_int_equal(talk_incident(x, 2).state, STATE_INVESTIGATING);
	assert_true(talk_promise(x, 2, PROMISE_UPDATE).due_at > 0);
	assert_true(talk_timers(x, 2) > 0);
	assert_int_equal(talk_incident(x, 1).severity, 1);
	assert_int_equal(entries_with(x, 1, "INC-2 is told apart from this: another gateway"), 1);
	assert_int_equal(entries_with(x, 2, "told apart from INC-1"), 1);
	talk_say(x, "show #1");
	assert_has_not(x->text, "Merged here");

	talk_say(x, "merge #2 into #1");
	talk_say(x, "reopen #2 it is another one");
	assert_answered(x, "INC-2 is told apart from INC-1");
	assert_true(talk_promise(x, 2, PROMISE_UPDATE).due_at > 0);
}

/* An end that was real stays one. */
static void test_ended(void **state)
{
	struct talk *x = *state;

	talk_say(x, "#2 resolve --not-verified \"no traffic\"");
	talk_say(x, "merge #1 into #2");
	assert_refused(x, "conflict", "INC-2 is resolved, so INC-1 would be lost in it");
	talk_say(x, "merge #2 into #1");
	assert_answered(x, "INC-2 is merged into INC-1");
	assert_int_equal(talk_incident(x, 2).state, STATE_RESOLVED);
	assert_int_equal(talk_incident(x, 1).severity, 2);
	talk_say(x, "unmerge #2 two after all");
	assert_answered(x, "told apart from INC-1, resolved");
	assert_int_equal(talk_timers(x, 2), 0);
	talk_say(x, "merge #2 into #1");
	talk_say(x, "reopen #2 it is back");
	assert_int_equal(talk_incident(x, 2).state, STATE_INVESTIGATING);
	assert_int_equal(talk_incident(x, 2).resolved_at, 0);
}

static void test_form(void **state)
{
	struct talk *x = *state;

	x->forms = true;
	talk_press(x, ALICE, "merge", 2, NULL);
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_string_equal(json_get_str(json_at(x->reply.form, "fields.0"), "type"), "choice");
	assert_string_equal(
		json_string_value(json_at(x->reply.form, "fields.0.options.0.0")), "#1");
	talk_submit(x, ALICE, "merge", 2, json_pack("{s:s}", "into", "#1"));
	assert_answered(x, "INC-2 is merged into INC-1");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_link),
		TEST(test_link_refuses),
		TEST(test_link_here),
		TEST(test_protect_merged),
		TEST(test_protected),
		TEST(test_merge),
		TEST(test_merge_words),
		TEST(test_merge_refuses),
		TEST(test_chain),
		TEST(test_in_the_merged_channel),
		TEST(test_apart),
		TEST(test_ended),
		TEST(test_form),
	};

	return cmocka_run_group_tests_name("verbs: link, merge", tests, NULL, NULL);
}
