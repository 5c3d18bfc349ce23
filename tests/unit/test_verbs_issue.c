/*
 * The issue of an incident (FEATURES H1–H5, H8–H10), with a tracker that is not there: what goes out is performed by hand on a few fields,
 * and what comes back is what such a tracker would tell.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "commands/issues.h"
#include "store/audit.h"
#include "store/people.h"
#include "store/timers.h"
#include "support_core.h"

#define BASE "https://jira.example/"

/* ---- a tracker with one issue ---- */

struct tracker {
	int64_t id;
	const char *name;
	const char *value[ISSUE_FIELD_COUNT];
	const char *by[ISSUE_FIELD_COUNT]; /* who changed it last; NULL: nobody since it was made */
	int64_t change, updated;
	bool gone, twin;
	json_t *comments;      /* [{id, author, name, at_ms, text}] */
	int created, wrote, commented, marked, polled;
	const char *text;      /* of the last comment or creation */
	const char *refuse[ISSUE_FIELD_COUNT]; /* why a field cannot be written */
};

static struct tracker there;

static int tracker_setup(void **state)
{
	struct talk *x;
	int rc = talk_setup(state);

	if (rc)
		return rc;
	x = *state;
	there = (struct tracker){
		.id = 10001,
		.name = "PAY-123",
		.value = { "", "Medium", "To Do", "" },
		.change = 1,
		.updated = 1000,
		.comments = json_array(),
	};
	x->config->issue = (struct issue_policy){
		.url = BASE,
		.poll_ms = 30000,
		.create_level = 2,
		.project = "PAY",
		.type = "Incident",
		.comments = true,
		.protected = ISSUE_PROTECTED_NONE,
		.priority = { NULL, "Highest", "High", "Medium", "Low" },
		.status = { [STATE_TRIAGE] = "To Do", [STATE_INVESTIGATING] = "In Progress",
			[STATE_IDENTIFIED] = "In Progress", [STATE_MITIGATING] = "In Progress",
			[STATE_MONITORING] = "In Progress", [STATE_RESOLVED] = "Done",
			[STATE_CLOSED] = "Closed", [STATE_CANCELLED] = "Cancelled",
			[STATE_AUTO_RESOLVED] = "Done" },
		.assign = true,
		.people = { { BOB, "acc-bob" } },
		.people_count = 1,
	};
	return 0;
}

static int tracker_teardown(void **state)
{
	json_decref(there.comments);
	return talk_teardown(state);
}

/* Somebody else changes a field there. */
static void change(enum issue_field f, const char *value, const char *who)
{
	there.value[f] = value;
	there.by[f] = who;
	there.change++;
	there.updated += 10;
}

static json_t *read_of(void)
{
	json_t *values = json_object(), *by = json_object(), *read;

	if (there.gone)
		return json_pack("{s:o, s:b}", "id", json_sprintf("%lld", (long long)there.id), "gone", 1);
	for (int f = 0; f < ISSUE_FIELD_COUNT; f++) {
		const char *name = issue_field_name((enum issue_field)f);

		if (there.value[f])
			json_object_set_new(values, name, json_string(there.value[f]));
		if (there.by[f])
			json_object_set_new(by, name, json_pack("{s:s, s:s, s:I}", "account", there.by[f], "name",
				there.by[f], "at_ms", (json_int_t)TALK_START));
	}
	read = json_pack("{s:o, s:s, s:o, s:I, s:I, s:o, s:o}", "id",
		json_sprintf("%lld", (long long)there.id), "name", there.name, "url",
		json_sprintf(BASE "browse/%s", there.name), "updated_ms", (json_int_t)there.updated,
		"change", (json_int_t)there.change, "values", values, "by", by);
	if (there.twin)
		json_object_set_new(read, "twin", json_true());
	return read;
}

static const char *keep(struct talk *x, const char *text)
{
	return arena_strdup(x->arena, text);
}

static json_t *create(struct talk *x, const struct effect *e)
{
	const json_t *values = json_get_obj(e->payload, "values");

	there.created++;
	there.text = keep(x, json_get_str(e->payload, "text"));
	for (int f = 0; f < ISSUE_FIELD_COUNT; f++) {
		const char *v = json_get_str(values, issue_field_name((enum issue_field)f));

		if (v)
			there.value[f] = keep(x, v);
	}
	return json_pack("{s:o}", "read", read_of());
}

/* As the adapter does: only what is still as we knew it. */
static json_t *sync_issue(struct talk *x, const struct effect *e)
{
	const json_t *send = json_get_obj(e->payload, "send"), *theirs = json_get_obj(e->payload, "theirs");
	json_t *written = json_object(), *trouble = json_object();

	for (int f = 0; f < ISSUE_FIELD_COUNT && !there.gone; f++) {
		const char *name = issue_field_name((enum issue_field)f);
		const char *v = json_get_str(send, name);

		if (!v || strcmp(v, there.value[f]) == 0 ||
			strcmp(json_get_str(theirs, name), there.value[f]) != 0)
			continue;
		if (there.refuse[f]) {
			json_object_set_new(trouble, name, json_string(there.refuse[f]));
			continue;
		}
		there.value[f] = keep(x, v);
		there.by[f] = "sitrep";
		there.wrote++;
		there.change++;
		there.updated += 10;
		json_object_set_new(written, name, json_string(v));
	}
	return json_pack("{s:o, s:o, s:o, s:O}", "read", read_of(), "written", written, "trouble",
		trouble, "comments", there.comments);
}

static json_t *perform(struct talk *x, const struct effect *e)
{
	if (e->kind == EFFECT_ISSUE_CREATE)
		return create(x, e);
	if (e->kind == EFFECT_ISSUE_SYNC)
		return sync_issue(x, e);
	if (e->kind == EFFECT_ISSUE_COMMENT) {
		there.commented++;
		there.text = keep(x, json_get_str(e->payload, "text"));
		return json_pack("{s:o}", "comment", json_sprintf("%d", 500 + there.commented));
	}
	if (e->kind == EFFECT_ISSUE_MARK)
		there.marked += json_get_bool(e->payload, "on", false) ? 1 : -1;
	if (e->kind == EFFECT_ISSUE_POLL) {
		there.polled++;
		return json_pack("{s:[{s:o, s:s, s:I}], s:b}", "issues", "id",
			json_sprintf("%lld", (long long)there.id), "name", there.name, "updated_ms",
			(json_int_t)there.updated, "complete", 1);
	}
	return json_object();
}

/* ---- the outbox by hand ---- */

static const char *outcome(
	struct talk *x, struct effect *e, enum outcome o, json_t *result_take, const char *error)
{
	struct request *r = outcome_request(e, o, result_take, error, 0);

	reply_finish(&x->reply);
	memset(&x->reply, 0, sizeof x->reply);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	if (dispatch(&x->desk, r, &x->reply, &x->err) < 0)
		fail_msg("dispatch: %s", x->err.text);
	if (x->reply.kind == REPLY_REFUSAL)
		fail_msg("an outcome failed inside");
	assert_int_equal(store_commit(x->store, &x->err), 0);
	request_destroy(r);
	effect_destroy(e);
	return "";
}

/* The next effect toward the tracker, started; NULL: none is due. What is for the chat is delivered meanwhile. */
static struct effect *next(struct talk *x)
{
	struct effect *out[1], *found = NULL;
	size_t n;
	static int64_t message;

	for (int turn = 0; turn < 200 && !found; turn++) {
		deliver_expect_any(&x->desk);
		assert_int_equal(store_begin(x->store, &x->err), 0);
		if (deliver_start(&x->desk, out, 1, &n, &x->err) < 0)
			fail_msg("deliver: %s", x->err.text);
		assert_int_equal(store_commit(x->store, &x->err), 0);
		if (!n)
			break;
		if (strcmp(out[0]->system, "jira") == 0) {
			found = out[0];
			break;
		}
		if (out[0]->kind == EFFECT_CHANNEL_OPEN)
			outcome(x, out[0], OUTCOME_DELIVERED,
				json_pack("{s:o, s:s, s:s}", "channel",
					json_sprintf("slack:CINC%lld", (long long)out[0]->incident),
					"name", "inc", "url", "https://chat.example/c"),
				NULL);
		else if (out[0]->kind == EFFECT_MESSAGE_POST || out[0]->kind == EFFECT_MESSAGE_PRIVATE)
			outcome(x, out[0], OUTCOME_DELIVERED,
				json_pack("{s:o, s:s}", "message",
					json_sprintf("%s/%lld.0001", out[0]->channel ? out[0]->channel : "slack:C1",
						(long long)++message),
					"url", "https://chat.example/m"),
				NULL);
		else
			outcome(x, out[0], OUTCOME_DELIVERED, json_object(), NULL);
	}
	return found;
}

/* All that may go, goes; how many effects the tracker saw. */
static int settle(struct talk *x)
{
	struct effect *e;
	int n = 0;

	x->clock.manual_ms += 2000;
	while ((e = next(x)) != NULL) {
		json_t *result = perform(x, e);

		assert_true(++n < 50); /* or it goes round and round */
		outcome(x, e, OUTCOME_DELIVERED, result, NULL);
	}
	return n;
}

static void hint(struct talk *x)
{
	struct request *r = request_create(REQUEST_EVENT);

	r->actor.person = "jira:webhook";
	r->operation = "issue.hint";
	r->args = json_pack("{s:o, s:I, s:I}", "issue", json_sprintf("%lld", (long long)there.id), "change",
		(json_int_t)there.change, "updated_ms", (json_int_t)there.updated);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	reply_finish(&x->reply);
	assert_int_equal(dispatch(&x->desk, r, &x->reply, &x->err), 0);
	assert_int_equal(x->reply.kind, REPLY_NONE);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	request_destroy(r);
}

static struct reference ref_of(struct talk *x, int64_t incident)
{
	struct reference ref;

	if (reference_get(x->store, x->arena, incident, ISSUE_SYSTEM, SLOT_ISSUE, &ref, &x->err) < 0)
		fail_msg("%s", x->err.text);
	return ref;
}

static bool has_ref(struct talk *x, int64_t incident)
{
	struct reference ref;

	return reference_get(x->store, x->arena, incident, ISSUE_SYSTEM, SLOT_ISSUE, &ref, &x->err) == 0;
}

static struct issue_record record_of(struct talk *x, int64_t incident)
{
	struct reference ref = ref_of(x, incident);
	struct issue_record rec;

	assert_int_equal(issue_record_parse(x->arena, ref.synced, &rec, &x->err), 0);
	return rec;
}

/* The newest message in the channel of the incident that says these words, edits included. */
static bool was_said(struct talk *x, const char *words)
{
	struct effect_row row;

	for (int64_t id = 1; effect_load(x->store, x->arena, id, &row, &x->err) == 0; id++)
		if (row.payload && strstr(row.payload, words))
			return true;
	return false;
}

static void assert_said(struct talk *x, const char *words)
{
	if (!was_said(x, words))
		fail_msg("nobody said \"%s\"", words);
}

/* ---- out ---- */

static void test_created(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing --service shop");
	assert_string_equal(ref_of(x, 1).state, "pending");
	talk_say(x, "show #1");
	assert_has(x->text, "not created yet");
	settle(x);
	assert_int_equal(there.created, 1);
	assert_string_equal(there.value[ISSUE_TITLE], "checkout is failing");
	assert_string_equal(there.value[ISSUE_PRIORITY], "High");
	assert_string_equal(there.value[ISSUE_STATUS], "To Do");
	assert_has(there.text, "Service: shop");
	assert_string_equal(ref_of(x, 1).key, "jira:10001");
	assert_string_equal(ref_of(x, 1).url, BASE "browse/PAY-123");
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_int_equal(there.wrote, 0); /* all was in step with the creation */
	assert_int_equal(there.marked > 0, 1);
	talk_say(x, "show #1");
	assert_has(x->text, "PAY-123");
	assert_has(x->text, "✓");
}

static void test_not_wanted(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 a little thing");
	assert_false(has_ref(x, 1));
	talk_say(x, "#1 sev 2 it grows");
	assert_true(has_ref(x, 1));
	settle(x);
	assert_int_equal(there.created, 1);
	talk_say(x, "#1 sev 1 it grows");
	settle(x);
	assert_int_equal(there.created, 1);
	assert_string_equal(there.value[ISSUE_PRIORITY], "Highest");
	x->config->issue.url = NULL;
	talk_say(x, "declare sev1 all is down");
	assert_false(has_ref(x, 2));
}

static void test_ours_goes_out(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	talk_say(x, "#1 mitigating rolling back");
	talk_say(x, "#1 sev 1 worse");
	assert_int_equal(talk_effects(x, EFFECT_ISSUE_SYNC, NULL, NULL), 1); /* one serves both */
	settle(x);
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
	assert_string_equal(there.value[ISSUE_PRIORITY], "Highest");
	assert_int_equal(there.wrote, 2);
	/* Another of our states with the same status, and back: nothing to send. */
	talk_say(x, "#1 monitoring");
	talk_say(x, "#1 ic @bob");
	settle(x);
	assert_string_equal(there.value[ISSUE_ASSIGNEE], "acc-bob");
	assert_int_equal(there.wrote, 3);
	hint(x);
	settle(x);
	assert_int_equal(there.wrote, 3);
	talk_say(x, "#1 title card payments of one bank fail");
	assert_answered(x, "card payments");
	settle(x);
	assert_string_equal(there.value[ISSUE_TITLE], "card payments of one bank fail");
}

/* ---- in ---- */

static void test_theirs_comes_in(void **state)
{
	struct talk *x = *state;
	int wrote;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	wrote = there.wrote;
	change(ISSUE_PRIORITY, "Highest", "dave");
	change(ISSUE_STATUS, "In Progress", "dave");
	hint(x);
	settle(x);
	assert_int_equal(talk_incident(x, 1).severity, 1);
	assert_int_equal(talk_incident(x, 1).state, STATE_INVESTIGATING);
	assert_string_equal(talk_entry(x, 1, 0).author, "jira:dave");
	assert_int_equal(there.wrote, wrote); /* no echo */
	change(ISSUE_TITLE, "card payments fail", "acc-bob");
	hint(x);
	settle(x);
	assert_string_equal(talk_incident(x, 1).title, "card payments fail");
	assert_string_equal(talk_entry(x, 1, 0).author, BOB); /* the mapped person */
	assert_int_equal(there.wrote, wrote);
	assert_string_equal(ref_of(x, 1).state, "synced");
	/* What is not newer is not even read. */
	hint(x);
	assert_int_equal(talk_effects(x, EFFECT_ISSUE_SYNC, NULL, NULL), 0);
}

static void test_no_meaning(void **state)
{
	struct talk *x = *state;
	size_t entries;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	change(ISSUE_STATUS, "Waiting for vendor", "dave");
	hint(x);
	settle(x);
	assert_int_equal(talk_incident(x, 1).state, STATE_TRIAGE);
	assert_has(talk_entry(x, 1, 0).text, "Waiting for vendor");
	entries = talk_entries(x, 1);
	change(ISSUE_STATUS, "Waiting for vendor", "dave");
	hint(x);
	settle(x);
	assert_int_equal(talk_entries(x, 1), entries); /* once */
	assert_int_equal(there.wrote, 0);
	talk_say(x, "#1 investigating");
	settle(x);
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
}

/* ---- conflicts ---- */

static void make_conflict(struct talk *x)
{
	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	talk_say_as(x, BOB, "#1 mitigating");
	change(ISSUE_STATUS, "Cancelled", "dave");
	hint(x);
	settle(x);
}

static void test_conflict_keep(void **state)
{
	struct talk *x = *state;

	make_conflict(x);
	assert_string_equal(ref_of(x, 1).state, "conflict");
	assert_string_equal(there.value[ISSUE_STATUS], "Cancelled"); /* nothing is overwritten */
	assert_int_equal(talk_incident(x, 1).state, STATE_MITIGATING);
	assert_said(x, "Jira says Cancelled (by @dave");
	assert_said(x, "we say mitigating (by @bob");
	assert_true(record_of(x, 1).field[ISSUE_STATUS].conflict.open);
	talk_say(x, "show #1");
	assert_has(x->text, "conflict: status");
	/* It is said once. */
	talk_say(x, "#1 sev 1 worse");
	settle(x);
	assert_string_equal(there.value[ISSUE_STATUS], "Cancelled");
	assert_string_equal(there.value[ISSUE_PRIORITY], "Highest");
	talk_press(x, ALICE, "settle", 1,
		json_pack("{s:s, s:s, s:s}", "field", "status", "side", "ours", "theirs", "Cancelled"));
	assert_answered(x, "Ours is kept");
	settle(x);
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_said(x, "keeps ours");
	talk_say(x, "#1 settle status ours");
	assert_refused(x, "conflict", "no conflict");
}

static void test_conflict_take(void **state)
{
	struct talk *x = *state;
	int wrote;

	make_conflict(x);
	wrote = there.wrote;
	/* Jira has moved on since the button was made. */
	talk_press(x, ALICE, "settle", 1,
		json_pack("{s:s, s:s, s:s}", "field", "status", "side", "jira", "theirs", "Done"));
	assert_refused(x, "conflict", "moved on");
	talk_say(x, "#1 settle status jira");
	assert_answered(x, "cancelled");
	assert_int_equal(talk_incident(x, 1).state, STATE_CANCELLED);
	settle(x);
	assert_int_equal(there.wrote, wrote);
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_said(x, "takes Jira's");
}

static void test_conflict_ends_there(void **state)
{
	struct talk *x = *state;

	make_conflict(x);
	change(ISSUE_STATUS, "To Do", "dave"); /* as it was */
	hint(x);
	settle(x);
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_said(x, "Jira is back at To Do");
}

static void test_conflict_ends_here(void **state)
{
	struct talk *x = *state;

	make_conflict(x);
	talk_say(x, "#1 cancel it was the probe");
	settle(x);
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_said(x, "both say the same now");
}

/* Resolving needs evidence, whoever does it. */
static void test_rule_refuses(void **state)
{
	struct talk *x = *state;
	int wrote;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	wrote = there.wrote;
	change(ISSUE_STATUS, "Done", "dave");
	hint(x);
	settle(x);
	assert_int_equal(talk_incident(x, 1).state, STATE_TRIAGE);
	assert_string_equal(ref_of(x, 1).state, "conflict");
	assert_said(x, "It was not followed");
	hint(x);
	settle(x);
	talk_say(x, "#1 settle status jira");
	assert_refused(x, "policy", "--signal");
	talk_say(x, "#1 resolve rolled back --signal ok --health ok");
	settle(x);
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_int_equal(there.wrote, wrote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, tracker_setup, tracker_teardown)
		TEST(test_created),
		TEST(test_not_wanted),
		TEST(test_ours_goes_out),
		TEST(test_theirs_comes_in),
		TEST(test_no_meaning),
		TEST(test_conflict_keep),
		TEST(test_conflict_take),
		TEST(test_conflict_ends_there),
		TEST(test_conflict_ends_here),
		TEST(test_rule_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
