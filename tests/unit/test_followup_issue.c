/* Issues of follow-ups (FEATURES H2, K1), with a tracker that is not there: what goes out is
 * performed by hand on one issue. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "commands/issues.h"
#include "store/learning.h"
#include "support_core.h"

#define BASE "https://jira.example/"
#define SLOT "followup/1"

static struct {
	const char *title, *status;
	int created, wrote, read;
	int64_t change;
	bool gone;
	const char *refuse; /* why nothing can be written */
	bool silent;	    /* nothing is written, and no reason is given */
} there;

static int setup(void **state)
{
	int rc = talk_setup(state);
	struct talk *x = *state;

	if (rc)
		return rc;
	memset(&there, 0, sizeof(there));
	there.status = "To Do";
	there.change = 1;
	x->config->issue = (struct issue_policy){
		.url = BASE,
		.project = "PAY",
		.type = "Incident",
		.followups = ISSUE_FOLLOWUPS_ISSUE,
		.followup_type = "Task",
		.followup_open = "To Do",
		.followup_done = "Done",
		.assign = true,
		.people = { { BOB, "acc-bob" } },
		.people_count = 1,
	};
	talk_say(x, "declare sev2 checkout is failing");
	talk_deliver(x);
	talk_say(x, "#1 resolve rolled back --signal ok --health ok");
	talk_deliver(x);
	talk_forget(x);
	x->channel = "slack:CINC1";
	return 0;
}

static json_t *read_of(void)
{
	if (there.gone)
		return json_pack("{s:s, s:b}", "id", "10001", "gone", 1);
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:{s:s, s:s}}", "id", "10001", "name", "PAY-1",
		"url", BASE "browse/PAY-1", "updated_ms", (json_int_t)(1000 + there.change),
		"change", (json_int_t)there.change, "values", "title", there.title, "status",
		there.status);
}

static const char *put(struct talk *x, const char *old, const json_t *send, const json_t *theirs,
	const char *name, json_t *written, json_t *trouble)
{
	const char *value = json_get_str(send, name);

	if (!value || !strcmp(value, old) || strcmp(json_get_str(theirs, name), old) != 0 ||
		there.silent)
		return old;
	if (there.refuse) {
		json_object_set_new(trouble, name, json_string(there.refuse));
		return old;
	}
	json_object_set_new(written, name, json_string(value));
	there.wrote++;
	there.change++;
	return arena_strdup(x->arena, value);
}

static json_t *perform(struct talk *x, const struct effect *e)
{
	const json_t *send = json_get_obj(e->payload, "send"),
		     *theirs = json_get_obj(e->payload, "theirs");
	json_t *written = json_object(), *trouble = json_object();

	if (e->kind == EFFECT_ISSUE_CREATE) {
		there.created++;
		there.title = arena_strdup(
			x->arena, json_get_str(json_get_obj(e->payload, "values"), "title"));
	} else if (!there.gone) {
		there.read++;
		there.title = put(x, there.title, send, theirs, "title", written, trouble);
		there.status = put(x, there.status, send, theirs, "status", written, trouble);
	}
	return json_pack(
		"{s:o, s:o, s:o}", "read", read_of(), "written", written, "trouble", trouble);
}

static void outcome(
	struct talk *x, struct effect *e, enum outcome o, json_t *result_take, const char *error)
{
	struct request *r = outcome_request(e, o, result_take, error, 0);

	reply_finish(&x->reply);
	memset(&x->reply, 0, sizeof(x->reply));
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(dispatch(&x->desk, r, &x->reply, &x->err), 0);
	assert_int_not_equal(x->reply.kind, REPLY_REFUSAL);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	request_destroy(r);
	effect_destroy(e);
}

/* The next effect toward the tracker, started; NULL: none is due. */
static struct effect *next(struct talk *x)
{
	struct effect *out[1];
	size_t n;

	for (int idle = 0; idle < 4;) {
		for (int k = 0; k < EFFECT_KIND_COUNT; k++)
			x->desk.look_at[k] = 0;
		assert_int_equal(store_begin(x->store, &x->err), 0);
		assert_true(deliver_start(&x->desk, out, 1, &n, &x->err) >= 0);
		assert_int_equal(store_commit(x->store, &x->err), 0);
		if (!n) {
			idle++;
			continue;
		}
		if (!strcmp(out[0]->system, "jira"))
			return out[0];
		outcome(x, out[0], OUTCOME_DELIVERED, json_pack("{s:s}", "message", "slack:C1/1.1"),
			NULL);
	}
	return NULL;
}

static void settle(struct talk *x)
{
	struct effect *e;

	for (int i = 0; (e = next(x)) != NULL; i++) {
		assert_true(i < 10);
		outcome(x, e, OUTCOME_DELIVERED, perform(x, e), NULL);
	}
}

static void hint(struct talk *x)
{
	struct request *r = request_create(REQUEST_EVENT);

	r->actor.person = "jira:somebody";
	r->operation = "issue.hint";
	r->args = json_pack("{s:s, s:I}", "issue", "10001", "change", (json_int_t)there.change);
	reply_finish(&x->reply);
	memset(&x->reply, 0, sizeof(x->reply));
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(dispatch(&x->desk, r, &x->reply, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	request_destroy(r);
}

static struct reference ref(struct talk *x)
{
	struct reference r = { 0 };

	assert_int_equal(reference_get(x->store, x->arena, 1, "jira", SLOT, &r, &x->err), 0);
	return r;
}

static void made(struct talk *x)
{
	talk_say(x, "followup alert on retries @bob in 2 weeks --class detect --signal \"the alert "
		    "fires\"");
	assert_answered(x, "F1 of INC-1");
	settle(x);
	assert_int_equal(there.created, 1);
}

static size_t asked(struct talk *x)
{
	size_t n = 0;

	for (size_t i = 0; i < talk_entries(x, 1); i++)
		n += strstr(talk_entry(x, 1, i).text, "was closed in Jira") != NULL;
	return n;
}

static void test_created(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "followup alert on retries @bob in 2 weeks --signal \"the alert fires\"");
	e = next(x);
	assert_non_null(e);
	assert_int_equal(e->kind, EFFECT_ISSUE_CREATE);
	assert_string_equal(json_get_str(e->payload, "type"), "Task");
	assert_null(json_get_str(e->payload, "parent"));
	assert_string_equal(
		json_get_str(json_get_obj(e->payload, "values"), "assignee"), "acc-bob");
	assert_has(json_get_str(e->payload, "text"), "Done when: the alert fires");
	assert_has(json_get_str(e->payload, "text"), "Follow-up F1 of INC-1");
	/* What changes while nobody knows how it ended goes there afterwards. */
	talk_say(x, "followup F1 --title \"alert on all retries\"");
	outcome(x, e, OUTCOME_DELIVERED, perform(x, e), NULL);
	assert_string_equal(there.title, "alert on retries");
	settle(x);
	assert_string_equal(there.title, "alert on all retries");
	assert_int_equal(there.created, 1);
	assert_string_equal(ref(x).key, "jira:10001");
	assert_string_equal(ref(x).state, "synced");
	talk_say(x, "followup F1");
	assert_has(x->text, "PAY-1");
	/* What has no place there sends nothing. */
	int reads = there.read;
	talk_say(x, "followup F1 --owner @carol --due friday");
	settle(x);
	assert_int_equal(there.read, reads);
}

static void test_done_there_and_here(void **state)
{
	struct talk *x = *state;
	struct followup f;

	made(x);
	there.status = "Done";
	there.change++;
	hint(x);
	settle(x);
	assert_int_equal(asked(x), 1);
	hint(x);
	settle(x);
	assert_int_equal(asked(x), 1);
	/* Something else changes there: that it is closed is no news. */
	there.change++;
	hint(x);
	settle(x);
	assert_int_equal(asked(x), 1);
	assert_int_equal(followup_load(x->store, x->arena, 1, &f, &x->err), 0);
	assert_int_equal(f.state, FOLLOWUP_OPEN);
	talk_say(x, "followup F1 done it fired after 40 s");
	assert_answered(x, "F1 is done");
	settle(x);
	assert_int_equal(there.wrote, 0);
	talk_say(x, "followup F1 reopen it did not today");
	settle(x);
	assert_string_equal(there.status, "To Do");
	talk_say(x, "followup F1 cancel not needed");
	settle(x);
	assert_string_equal(there.status, "Done");
	assert_int_equal(there.wrote, 2);
	assert_int_equal(asked(x), 1);
}

/* Somebody moved it since we looked: ours goes all the same, at the second attempt. */
static void test_moved_meanwhile(void **state)
{
	struct talk *x = *state;

	made(x);
	there.status = "In Progress";
	there.change++;
	talk_say(x, "followup F1 done it fired after 40 s");
	settle(x);
	assert_string_equal(there.status, "Done");
	assert_int_equal(there.wrote, 1);
}

/* What stood there when we looked last is not where it is now. */
static void test_back_again_unseen(void **state)
{
	struct talk *x = *state;

	made(x);
	there.status = "Done";
	there.change++;
	hint(x);
	settle(x);
	there.status = "To Do";
	there.change++;
	talk_say(x, "followup F1 done it fired after 40 s");
	settle(x);
	assert_string_equal(there.status, "Done");
}

static void test_cannot_be_written(void **state)
{
	struct talk *x = *state;
	int reads;

	made(x);
	there.refuse = "no transition leads to Done";
	talk_say(x, "followup F1 done it fired after 40 s");
	settle(x);
	assert_string_equal(ref(x).state, "failed");
	assert_has(ref(x).error, "status: no transition leads to Done");
	reads = there.read;
	settle(x);
	assert_int_equal(there.read, reads);
	there.refuse = NULL;
	there.silent = true;
	talk_say(x, "followup F1 reopen it did not today");
	talk_say(x, "followup F1 --title another");
	settle(x);
	assert_has(ref(x).error, "no reason was given");
}

static void test_refused_and_gone(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "followup alert on retries in 2 weeks");
	e = next(x);
	outcome(x, e, OUTCOME_REFUSED, NULL, "the type Task is not in PAY");
	assert_string_equal(ref(x).state, "failed");
	assert_has(talk_entry(x, 1, 0).text,
		"Jira refused the issue of follow-up F1: the type Task is not in PAY");
	talk_say(x, "followup F1");
	assert_has(x->text, "the type Task is not in PAY");
	talk_say(x, "sync --retry");
	settle(x);
	assert_int_equal(there.created, 1);
	assert_string_equal(ref(x).state, "synced");
	there.gone = true;
	there.change++;
	hint(x);
	settle(x);
	assert_string_equal(ref(x).state, "failed");
	assert_has(talk_entry(x, 1, 0).text, "PAY-1, the issue of follow-up F1, is gone in Jira");
	talk_say(x, "followup F1 --title another");
	assert_answered(x, "is changed");
	settle(x);
	assert_int_equal(there.created, 1);
}

static void test_subtask_without_a_parent(void **state)
{
	struct talk *x = *state;

	x->config->issue.followups = ISSUE_FOLLOWUPS_SUBTASK;
	talk_say(x, "followup alert on retries in 2 weeks");
	assert_null(next(x));
	assert_has(ref(x).error, "the incident has no issue that it could be a sub-task of");
	assert_int_equal(there.created, 0);
}

static void test_protected_later(void **state)
{
	struct talk *x = *state;

	made(x);
	talk_say(x, "followup a second one in 2 weeks");
	talk_say(x, "protect it is a breach");
	settle(x);
	assert_string_equal(there.title, "Follow-up F1");
	assert_int_equal(there.created, 1);
	talk_say(x, "followup F1 --title \"rotate the keys\"");
	settle(x);
	assert_string_equal(there.title, "Follow-up F1");
}

static void test_off(void **state)
{
	struct talk *x = *state;

	x->config->issue.followups = ISSUE_FOLLOWUPS_NONE;
	talk_say(x, "followup alert on retries in 2 weeks");
	assert_null(next(x));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)
	static const struct CMUnitTest tests[] = { T(test_created), T(test_done_there_and_here),
		T(test_moved_meanwhile), T(test_back_again_unseen), T(test_cannot_be_written),
		T(test_refused_and_gone), T(test_subtask_without_a_parent), T(test_protected_later),
		T(test_off) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
