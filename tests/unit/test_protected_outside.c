/*
 * Protected incidents: what is to be seen of them outside, from the beginning and when one that
 * was public is protected later.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/references.h"
#include "support_protected.h"

struct seen {
	int kind[EFFECT_KIND_COUNT];
};

/* Its title and its words are said in its own channel and to people, nowhere else; in the topic not
 * even there. */
static void look_for_secrets(
	struct talk *x, int64_t id, const struct effect *e, struct seen *seen)
{
	bool own = e->channel && !strcmp(e->channel, protected_channel(x, id));

	seen->kind[e->kind]++;
	if (e->kind == EFFECT_MESSAGE_PRIVATE || e->kind == EFFECT_HOME_SHOW)
		return;
	if (own && e->kind != EFFECT_CHANNEL_TOPIC)
		return;
	assert_has_not(protected_json(x, e->payload), SECRET);
	assert_has_not(protected_json(x, e->payload), "keys are out");
	if (e->kind == EFFECT_CHANNEL_OPEN)
		assert_true(json_get_bool(e->payload, "private", false));
}

/* Everything on its way, looked at and performed. */
static void drain(struct talk *x, int64_t id, struct seen *seen)
{
	struct effect *out[64];

	x->clock.manual_ms += 5000;
	for (int round = 0; round < 40; round++) {
		size_t n = talk_begin(x, out);

		for (size_t i = 0; i < n; i++) {
			json_t *result = NULL;

			look_for_secrets(x, id, out[i], seen);
			if (out[i]->kind == EFFECT_CHANNEL_OPEN)
				result = json_pack("{s:s}", "channel", protected_channel(x, id));
			else if (out[i]->kind == EFFECT_MESSAGE_POST)
				result = json_pack("{s:o}", "message",
					json_sprintf("%s/%lld.1", protected_channel(x, id),
						(long long)out[i]->id));
			talk_end(x, out[i], OUTCOME_DELIVERED, result, NULL);
		}
	}
}

static void test_outside_it_is_private_and_neutral(void **state)
{
	struct talk *x = *state;
	struct seen seen = { { 0 } };
	int64_t id = protected_declare(x);

	assert_has(x->text, arena_printf(x->arena, "#inc-%" PRId64 " ", id));
	assert_has(x->text, "only you know of it");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "announce", NULL), 0);
	drain(x, id, &seen);
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " sev 1 worse", id));
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " update all known: the keys are out", id));
	drain(x, id, &seen);
	assert_int_equal(seen.kind[EFFECT_CHANNEL_OPEN], 1);
	assert_int_equal(seen.kind[EFFECT_CHANNEL_TOPIC], 2);
	assert_int_equal(seen.kind[EFFECT_MESSAGE_PIN], 1);
	assert_true(seen.kind[EFFECT_MESSAGE_POST] >= 3);
	assert_true(seen.kind[EFFECT_MESSAGE_EDIT] >= 1);
}

static void test_without_a_channel_it_is_silent(void **state)
{
	struct talk *x = *state;
	struct effect *out[64];
	struct effect_row *row;
	int64_t id = protected_declare(x);
	size_t n;

	/* The chat opens no private channel: nothing of it is said in public instead. */
	x->clock.manual_ms += 5000;
	n = talk_begin(x, out);
	assert_int_equal(n, 1);
	assert_int_equal(out[0]->kind, EFFECT_CHANNEL_OPEN);
	assert_true(json_get_bool(out[0]->payload, "private", false));
	assert_has_not(protected_json(x, out[0]->payload), SECRET);
	talk_end(x, out[0], OUTCOME_REFUSED, NULL, "restricted_action");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, ALICE, &row), 1);
	assert_has_not(row[0].payload, SECRET);
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " update known: the keys are out", id));
	x->clock.manual_ms += 5000;
	n = talk_begin(x, out);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(out[i]->kind, EFFECT_MESSAGE_PRIVATE);
		effect_destroy(out[i]);
	}
}

/* ---- protected later ------------------------------------------------------------------------ */

static void test_protected_later(void **state)
{
	struct talk *x = *state;
	struct reference ref;
	struct effect_row *row;
	size_t entries;

	protected_meet(x);
	talk_say(x, "declare sev2 " TITLE);
	talk_deliver(x);
	talk_say(x, "#1 ic @bob");
	/* One who was told privately, and has no part in it any more. */
	protected_assign(x, ALICE, 1, "scribe", MALLORY);
	talk_say(x, "#1 update all known: the keys are out; in 20m");
	talk_deliver(x);
	talk_say_as(x, MALLORY, "#1 drop scribe");
	talk_deliver(x);
	entries = talk_entries(x, 1);

	talk_say_as(x, MALLORY, "protect #1");
	assert_refused(x, "usage", "");
	talk_say_as(x, CAROL, "protect #1 customer keys may have leaked");
	assert_answered(x, "INC-1 is protected now");
	assert_true(talk_incident(x, 1).is_private);
	assert_int_equal(talk_entries(x, 1), entries + 1);
	assert_int_equal(protected_audited(x, 1, "incident.protected", CAROL), 1);
	/* Card, announcement, and what was posted in the channel, under the announcement and to
	 * those who have no access. */
	assert_true(protected_withdrawn(x) >= 4);
	size_t edits = talk_effects(x, EFFECT_MESSAGE_EDIT, NULL, &row), to_mallory = 0, to_bob = 0;
	for (size_t i = 0; i < edits; i++) {
		to_mallory +=
			strncmp(row[i].slot, "old/dm/", 7) == 0 && strstr(row[i].slot, MALLORY);
		to_bob += strncmp(row[i].slot, "old/dm/", 7) == 0 && strstr(row[i].slot, BOB);
	}
	assert_int_equal(to_mallory, 1);
	assert_int_equal(to_bob, 0);
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_TOPIC, "slack:CINC1", &row), 1);
	assert_has_not(row[0].payload, SECRET);
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_RENAME, "slack:CINC1", &row), 1);
	assert_has(row[0].payload, "\"inc-1-old\"");
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_OPEN, NULL, &row), 1);
	assert_has(row[0].payload, "\"inc-1\"");
	assert_has(row[0].payload, "true");
	assert_int_equal(
		reference_get(x->store, x->arena, 1, "slack", "channel", &ref, &x->err), -ENOENT);
	assert_int_equal(
		reference_get(x->store, x->arena, 1, "slack", "old/channel", &ref, &x->err), 0);

	/* From now on it is as if it were not there; who was on it goes on seeing it. */
	question_table(x, 1, 7);
	question_places(x, "slack:CINC1", "slack:CELSEWHERE");
	talk_say_as(x, BOB, "show #1");
	assert_answered(x, SECRET);
	talk_say_as(x, CAROL, "show #1");
	assert_answered(x, SECRET);
	talk_say_as(x, CAROL, "protect #1 again");
	assert_refused(x, "conflict", "already");
}

/* The public post had not gone out yet, or was under way: its title must not come after. */
static void test_protected_while_being_announced(void **state)
{
	struct talk *x = *state;
	struct effect *first[64];
	struct seen seen = { { 0 } };
	struct reference ref;
	size_t n_first;

	talk_say(x, "declare sev2 " TITLE);
	/* Its public channel is under way. */
	x->clock.manual_ms += 5000;
	n_first = talk_begin(x, first);
	assert_true(n_first >= 2); /* channel and announcement */
	talk_say(x, "#1 update all known: the keys are out");
	talk_say(x, "protect #1 not for everybody");
	/* They arrive all the same. */
	for (size_t i = 0; i < n_first; i++) {
		json_t *result = first[i]->kind == EFFECT_CHANNEL_OPEN
					 ? json_pack("{s:s, s:s}", "channel", "slack:COLD", "name",
						   "inc-1-old")
					 : json_pack("{s:s}", "message", "slack:CALL/7.7");

		talk_end(x, first[i], OUTCOME_DELIVERED, result, NULL);
	}
	drain(x, 1, &seen);
	assert_int_equal(seen.kind[EFFECT_CHANNEL_OPEN], 1);
	assert_int_equal(seen.kind[EFFECT_CHANNEL_RENAME], 1);
	assert_int_equal(
		reference_get(x->store, x->arena, 1, "slack", "channel", &ref, &x->err), 0);
	assert_string_equal(ref.key, "slack:CINC1");
	assert_int_equal(
		reference_get(x->store, x->arena, 1, "slack", "old/announcement", &ref, &x->err),
		0);
	assert_string_equal(ref.key, "slack:CALL/7.7");
}

/* What is on its way is kept out of the hands of drain. */
static struct effect *take_kind(struct effect **out, size_t *n, enum effect_kind kind)
{
	for (size_t i = 0; i < *n; i++) {
		struct effect *e = out[i];

		if (e->kind != kind)
			continue;
		out[i] = out[--*n];
		return e;
	}
	fail_msg("no %s is on its way", effect_kind_name(kind));
	return NULL;
}

/* The chat was busy when the public channel was asked for: asking again would open it with the title in
 * its name. */
static void test_the_public_channel_is_not_asked_for_again(void **state)
{
	struct talk *x = *state;
	struct effect *first[64], *open;
	struct seen seen = { { 0 } };
	size_t n;

	talk_say(x, "declare sev2 " TITLE);
	x->clock.manual_ms += 5000;
	n = talk_begin(x, first);
	open = take_kind(first, &n, EFFECT_CHANNEL_OPEN);
	while (n)
		talk_end(x, first[--n], OUTCOME_RETRY, NULL, "ratelimited");
	assert_false(json_get_bool(open->payload, "private", false));
	assert_has(protected_json(x, open->payload), SECRET);
	talk_say(x, "protect #1 not for everybody");
	talk_end(x, open, OUTCOME_RETRY, NULL, "ratelimited");
	x->clock.manual_ms += 10 * MINUTE_MS;
	drain(x, 1, &seen);
	assert_int_equal(seen.kind[EFFECT_CHANNEL_OPEN], 1); /* the one for those with access */
}

/* A key that goes on where that of its own channel ends is another channel. */
static void test_a_post_in_a_channel_with_a_like_name_is_withdrawn(void **state)
{
	struct talk *x = *state;
	struct effect *first[64], *post;
	struct seen seen = { { 0 } };
	struct reference ref;
	const char *message;
	size_t n;

	talk_say(x, "declare sev2 " TITLE);
	x->clock.manual_ms += 5000;
	n = talk_begin(x, first);
	post = take_kind(first, &n, EFFECT_MESSAGE_POST);
	while (n)
		talk_end(x, first[--n], OUTCOME_REFUSED, NULL, "restricted_action");
	talk_say(x, "protect #1 not for everybody");
	drain(x, 1, &seen);
	assert_int_equal(
		reference_get(x->store, x->arena, 1, "slack", "channel", &ref, &x->err), 0);
	message = arena_printf(x->arena, "%s2/7.7", ref.key);
	talk_end(x, post, OUTCOME_DELIVERED, json_pack("{s:s}", "message", message), NULL);
	assert_int_equal(
		reference_get(x->store, x->arena, 1, "slack", "old/announcement", &ref, &x->err),
		0);
	assert_string_equal(ref.key, message);
	assert_int_equal(
		reference_get(x->store, x->arena, 1, "slack", "announcement", &ref, &x->err),
		-ENOENT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, talk_setup, talk_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_outside_it_is_private_and_neutral),
		TEST(test_without_a_channel_it_is_silent),
		TEST(test_protected_later),
		TEST(test_protected_while_being_announced),
		TEST(test_the_public_channel_is_not_asked_for_again),
		TEST(test_a_post_in_a_channel_with_a_like_name_is_withdrawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
