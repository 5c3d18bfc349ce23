/* cause: classes, what comes back, and what is proposed then (FEATURES I6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/learning.h"
#include "store/relations.h"
#include "support_core.h"

/* INC-1 and INC-2 of checkout, 20 days apart, INC-3 of mail; each resolved. */
static int setup(void **state)
{
	int rc = talk_setup(state);
	struct talk *x = *state;
	static const char *const declared[] = {
		"declare sev2 checkout is failing --service checkout",
		"declare sev2 checkout fails again --service checkout,shop",
		"declare sev3 mail is slow --service mail"
	};

	for (int i = 0; rc == 0 && i < 3; i++) {
		talk_say(x, declared[i]);
		talk_deliver(x);
		talk_say(x, arena_printf(x->arena,
				    "#%d resolve rolled back --signal ok --health ok", i + 1));
		talk_forget(x);
		x->clock.manual_ms += 20 * DAY_MS;
	}
	return rc;
}

static struct cause cause(struct talk *x, int64_t incident)
{
	struct cause c;

	assert_int_equal(cause_get(x->store, x->arena, incident, &c, &x->err), 0);
	return c;
}

static size_t links(struct talk *x, int64_t incident)
{
	struct incident_link *link;
	size_t n;

	assert_int_equal(link_list(x->store, x->arena, incident, &link, &n, &x->err), 0);
	return n;
}

static void test_first_time(void **state)
{
	struct talk *x = *state;

	talk_say(x, "#1 cause deploy v2.31 dropped an index");
	assert_answered(x, "The cause of INC-1 is of the class “change”");
	assert_has_not(x->text, "second");
	assert_null(talk_button(x, "followups"));
	assert_int_equal(cause(x, 1).class, CAUSE_CHANGE);
	assert_int_equal(cause(x, 1).again, 0);
	assert_string_equal(talk_entry(x, 1, 0).text, "cause: change: v2.31 dropped an index");
	talk_say(x, "#1 cause change");
	assert_answered(x, "already; nothing was changed");
	talk_say(x, "#1 cause config");
	assert_answered(x, "class “configuration”");
	assert_int_equal(cause(x, 1).class, CAUSE_CONFIGURATION);
}

static void test_comes_back(void **state)
{
	struct talk *x = *state;
	struct incident_link *link;
	size_t n;

	talk_say(x, "#1 cause change v2.31");
	talk_say(x, "#3 cause change v9");
	assert_has_not(x->text, "It is the");
	x->channel = NULL;
	talk_say(x, "#2 cause rollout v2.32");
	assert_answered(x, "The cause of INC-2 is of the class “change”. It is the second in 20 "
			   "days whose cause is of the class "
			   "“change”, in checkout: INC-1");
	assert_has(x->text,
		"Proposed, so that it does not come again: Roll changes of checkout out in steps");
	assert_string_equal(talk_button(x, "followup"), "Create follow-up");
	assert_int_equal(cause(x, 2).again, 1);
	assert_int_equal(talk_entry(x, 2, 0).kind, ENTRY_RECURRENCE);
	assert_has(talk_entry(x, 2, 0).text, "this is the second in 20 days");
	assert_int_equal(link_list(x->store, x->arena, 2, &link, &n, &x->err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(link[0].kind, LINK_RELATED);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "Roll changes of checkout");
	/* Said better, it is no news. */
	size_t entries = talk_entries(x, 2);
	talk_say(x, "#2 cause change an index was missing");
	assert_answered(x, "It is the second in 20 days");
	assert_int_equal(talk_entries(x, 2), entries + 1);
	assert_int_equal(talk_entry(x, 2, 0).kind, ENTRY_FACT);

	/* The button, as it is. */
	json_t *block, *button = NULL;
	size_t i;
	json_array_foreach(json_get_arr(x->reply.doc, "blocks"), i,
		block) if (!strcmp(json_get_str(block, "t"), "buttons")) button =
		json_array_get(json_get_arr(block, "items"), 0);
	assert_non_null(button);
	talk_press(x, BOB, json_get_str(button, "op"), json_get_int(button, "incident", 0),
		json_deep_copy(json_get_obj(button, "args")));
	assert_answered(x, "F1 of INC-2 is noted: Roll changes of checkout out in steps");
	struct followup f;
	assert_int_equal(followup_load(x->store, x->arena, 1, &f, &x->err), 0);
	assert_int_equal(f.standard, STANDARD_SAFE_CHANGE);
	assert_int_equal(f.class, FOLLOWUP_PREVENT);

	/* A third time: it is asked for already. */
	x->clock.manual_ms += DAY_MS;
	talk_say(x, "declare sev1 checkout is down --service checkout");
	talk_deliver(x);
	talk_say(x, "#4 cause change");
	assert_answered(x, "It is the third in 61 days");
	assert_has(x->text, "INC-2, INC-1");
	assert_has(x->text, "Asked for already: F1");
	assert_null(talk_button(x, "followup"));
	assert_int_equal(cause(x, 4).again, 2);
	assert_int_equal(links(x, 4), 2);
}

static void test_fingerprint(void **state)
{
	struct talk *x = *state;

	talk_say(x, "#1 cause capacity --fingerprint cpu-high");
	talk_say(x, "#3 cause network --fingerprint cpu-high");
	assert_answered(x, "It is the second in 40 days with the fingerprint “cpu-high”: INC-1");
	assert_int_equal(cause(x, 3).again, 1);
	talk_say(x, "#2 cause unknown");
	assert_answered(x, "class “unknown”");
	assert_has_not(x->text, "It is the");
}

static void test_window_and_what_does_not_count(void **state)
{
	struct talk *x = *state;

	talk_say(x, "#1 cause change");
	x->clock.manual_ms += 60 * DAY_MS;
	/* 120 days after INC-1. */
	talk_say(x, "declare sev2 checkout is failing anew --service checkout");
	talk_deliver(x);
	talk_say(x, "#4 cause change");
	assert_has_not(x->text, "It is the");
	x->config->followups.repeat_ms = 200 * DAY_MS;
	talk_say(x, "#4 cause change once more");
	assert_has(x->text, "It is the second in 120 days");
	/* What people have linked stays as they linked it; a merged one does not count. */
	talk_say(x, "merge #2 into #1");
	talk_say(x, "#2 cause change");
	assert_refused(x, "conflict", "merged into INC-1");
	talk_say(x, "declare sev2 a drill --service checkout --drill");
	if (x->reply.kind == REPLY_MESSAGE) {
		talk_deliver(x);
		talk_say(x, "#5 cause change");
		assert_has_not(x->text, "It is the");
	}
}

static void test_protected(void **state)
{
	struct talk *x = *state;
	int64_t id;

	talk_say(x, "#1 cause change");
	talk_say(x, "declare sev1 keys leaked --security --service checkout");
	id = strtoll(strstr(x->text, "INC-") + 4, NULL, 10);
	talk_deliver(x);
	talk_say(x, arena_printf(x->arena, "#%lld cause change", (long long)id));
	assert_answered(x, "class “change”");
	assert_has_not(x->text, "It is the");
	assert_int_equal(links(x, id), 0);
	assert_int_equal(links(x, 1), 0);
	talk_say(x, "declare sev2 checkout fails --service checkout");
	talk_deliver(x);
	talk_say(x, "#4 cause change");
	assert_has(x->text, "INC-1");
	assert_has_not(x->text, "third");
}

static void test_refuses_and_form(void **state)
{
	struct talk *x = *state;

	talk_say(x, "#1 cause");
	assert_refused(x, "usage", "change (a deployment, a flag, a migration)");
	talk_say(x, "#1 cause gremlins in the rack");
	assert_refused(x, "usage", "There is no class of cause “gremlins”");
	talk_say(x, "#9 cause change");
	assert_refused(x, "not_found", "There is no INC-9");
	x->forms = true;
	talk_say(x, "#1 cause");
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_has(json_text(x->arena, x->reply.form),
		"[\"capacity\",\"capacity: more was asked for than there was\"]");
	talk_submit(x, BOB, "cause", 1,
		json_pack("{s:s, s:s}", "class", "capacity", "text", "the sale"));
	assert_answered(x, "class “capacity”");
	talk_press(x, BOB, "cause", 1, NULL);
	assert_has(json_text(x->arena, x->reply.form), "\"value\":\"capacity\"");
}

static void test_resolve_offers_it(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 search is down --service search");
	talk_deliver(x);
	talk_say(x, "#4 cause capacity the sale");
	talk_say(x, "#4 resolve more nodes --signal ok --health ok");
	assert_null(talk_button(x, "cause"));
	talk_say(x, "declare sev2 search is down again --service search");
	talk_deliver(x);
	talk_say(x, "#5 resolve more nodes --signal ok --health ok");
	assert_string_equal(talk_button(x, "cause"), "Cause");
	assert_string_equal(talk_button(x, "followup"), "Follow-up");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)
	static const struct CMUnitTest tests[] = {
		T(test_first_time),
		T(test_comes_back),
		T(test_fingerprint),
		T(test_window_and_what_does_not_count),
		T(test_protected),
		T(test_refuses_and_form),
		T(test_resolve_offers_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
