/* /inc check: seven checks out of the record (FEATURES I4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "store/learning.h"
#include "support_core.h"

static int setup(void **state)
{
	int rc = talk_setup(state);
	struct talk *x = *state;

	if (rc == 0) {
		talk_say(x, "declare sev2 checkout is failing");
		talk_deliver(x);
		x->channel = "slack:CINC1";
		talk_pass(x, MINUTE_MS);
	}
	return rc;
}

/* The line of one check. */
static const char *line(struct talk *x, const char *name)
{
	const char *at = strstr(x->text, name), *end;

	if (!at)
		fail_msg("no check of %s in %s", name, x->text);
	end = strchr(at, '\n');
	return arena_strndup(x->arena, at, end ? (size_t)(end - at) : strlen(at));
}

static size_t buttons(struct talk *x)
{
	json_t *block;
	size_t i, n = 0;

	json_array_foreach(json_get_arr(x->reply.doc, "blocks"), i, block)
	{
		if (strcmp(json_get_str(block, "t"), "buttons") == 0)
			n += json_array_size(json_get_arr(block, "items"));
	}
	return n;
}

static void test_fresh(void **state)
{
	struct talk *x = *state;

	talk_say(x, "check");
	assert_has(line(x, "impact"), "not needed yet");
	talk_say(x, "investigating");
	talk_say(x, "check");
	assert_answered(x, "INC-1: ");
	assert_has(x->text, "of 7 checks passed");
	assert_has(line(x, "impact"), "missing");
	assert_has(line(x, "scope"), "missing");
	assert_has(line(x, "roles"), "missing");
	/* The two that help most: a commander, and the impact. */
	assert_int_equal(buttons(x), 2);
	assert_string_equal(talk_button(x, "role"), "Take command");
	assert_non_null(talk_button(x, "impact"));
}

static void test_fills(void **state)
{
	struct talk *x = *state;

	talk_say(x, "impact 25% of checkouts, 1200 users since 13:42, no data loss, no data corruption "
		    "--journeys checkout");
	talk_say(x, "scope group EU tenants");
	talk_say(x, "scope fault-domain eu-west-1");
	talk_say(x, "scope dependency payments-db --not");
	talk_say(x, "scope change deploy v2.31");
	talk_say(x, "check");
	assert_has(line(x, "impact"), "passed");
	assert_has(line(x, "scope"), "passed");
	assert_has(line(x, "roles"), "missing");
	assert_null(talk_button(x, "impact"));
	talk_say(x, "solo");
	talk_say(x, "check");
	assert_has(line(x, "roles"), "passed");
}

static void test_blame(void **state)
{
	struct talk *x = *state;

	talk_say(x, "note it was human error");
	talk_say(x, "check");
	assert_has(line(x, "blameless"), "missing");
	assert_has(line(x, "blameless"), "\"human error\"");
}

static void test_postmortem_blames(void **state)
{
	static char author[] = "slack:U1", blame[] = "Bob forgot to renew it.", fine[] = "Nothing renewed it.";
	struct talk *x = *state;
	struct review r = { .incident = 1, .author = author, .at = 1 };
	struct error err = { 0 };

	r.section[REVIEW_WHYS] = blame;
	assert_int_equal(review_insert(x->store, &r, &err), 0);
	talk_say(x, "check");
	assert_has(line(x, "blameless"), "missing");
	assert_has(line(x, "blameless"), "in the postmortem, Five whys");
	r.section[REVIEW_WHYS] = fine; /* the latest version counts */
	assert_int_equal(review_insert(x->store, &r, &err), 0);
	talk_say(x, "check");
	assert_has(line(x, "blameless"), "passed");
}

static void test_followups(void **state)
{
	static char title[] = "Alert on retries", author[] = "slack:U1",
		    signal[] = "the alert fires in the game day";
	struct talk *x = *state;
	struct followup f = { .incident = 1,
		.title = title,
		.by = author,
		.due_at = INT64_C(4000000000000),
		.class = FOLLOWUP_DETECT,
		.signal = signal,
		.created_at = 1 };
	struct error err = { 0 };

	assert_int_equal(followup_insert(x->store, &f, &err), 0);
	talk_say(x, "check");
	assert_has(line(x, "actions"), "missing: 1 follow-up, 1 open, 1 without owner: /inc followup F1 ");
	f.owner = author;
	assert_int_equal(followup_save(x->store, &f, &err), 0);
	talk_say(x, "check");
	assert_has(line(x, "actions"), "passed: 1 follow-up, 1 open");
	/* What is noted of one is no action of the response. */
	talk_say(x, "followup F1 --title \"Alert on all retries\"");
	talk_say(x, "check");
	assert_has(line(x, "actions"), "passed: 1 follow-up, 1 open");
}

static void test_reads_only(void **state)
{
	struct talk *x = *state;
	size_t before = talk_entries(x, 1);

	talk_say(x, "check");
	assert_int_equal(talk_entries(x, 1), before);
	x->channel = NULL;
	talk_say(x, "#99 check");
	assert_refused(x, "not_found", "INC-99");
	talk_say(x, "#1 cancel false alarm");
	talk_say(x, "#1 check");
	assert_answered(x, "of 7 checks");
	assert_int_equal(buttons(x), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fresh),
		TEST(test_fills),
		TEST(test_blame),
		TEST(test_postmortem_blames),
		TEST(test_followups),
		TEST(test_reads_only),
	};

	return cmocka_run_group_tests_name("verbs: check", tests, NULL, NULL);
}
