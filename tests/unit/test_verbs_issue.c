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
	const char *name_of_stranger;      /* of them all; NULL: as their account */
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
	json_t *values, *by, *read;

	if (there.gone)
		return json_pack("{s:o, s:b}", "id", json_sprintf("%lld", (long long)there.id), "gone", 1);
	values = json_object();
	by = json_object();
	for (int f = 0; f < ISSUE_FIELD_COUNT; f++) {
		const char *name = issue_field_name((enum issue_field)f);

		if (there.value[f])
			json_object_set_new(values, name, json_string(there.value[f]));
		if (there.by[f])
			json_object_set_new(by, name, json_pack("{s:s, s:s, s:I}", "account", there.by[f], "name",
				there.name_of_stranger ? there.name_of_stranger : there.by[f], "at_ms", (json_int_t)TALK_START));
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
	int idle = 0;

	/* What is dropped at its start makes room for the next, which a second look finds. */
	for (int turn = 0; turn < 200 && idle < 8; turn++) {
		deliver_expect_any(&x->desk);
		assert_int_equal(store_begin(x->store, &x->err), 0);
		if (deliver_start(&x->desk, out, 1, &n, &x->err) < 0)
			fail_msg("deliver: %s", x->err.text);
		assert_int_equal(store_commit(x->store, &x->err), 0);
		idle = n ? 0 : idle + 1;
		if (!n)
			continue;
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
	assert_int_equal(settle(x), 1); /* what is followed need not be told */
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
	int64_t count;
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
	assert_said(x, "\"label\":\"Resolve\"");
	there.change++; /* of something else */
	hint(x);
	settle(x);
	assert_string_equal(there.value[ISSUE_STATUS], "Done");
	assert_string_equal(ref_of(x, 1).state, "conflict");
	talk_say(x, "#1 settle status jira");
	assert_refused(x, "policy", "--signal");
	/* What was undone within left no mark in the chain of the audit. */
	assert_int_equal(audit_verify(x->store, &count, &x->err), 0);
	assert_true(count > 0);
	talk_say(x, "#1 resolve rolled back --signal ok --health ok");
	settle(x);
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_int_equal(there.wrote, wrote);
}

/* ---- attempts that fail ---- */

static void pass(struct talk *x, int64_t ms)
{
	x->clock.manual_ms += ms;
}

static void test_outage(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	talk_say(x, "#1 investigating");
	talk_say(x, "#1 update known: rolling back");
	talk_say(x, "#1 update known: rolled back");
	for (int n = 0; n < 6; n++) {
		while ((e = next(x)) != NULL)
			outcome(x, e, OUTCOME_RETRY, NULL, "HTTP 503");
		pass(x, 60000);
	}
	assert_int_equal(there.commented, 0);
	talk_say(x, "show #1");
	assert_has(x->text, "changes wait for Jira since 14:0");
	assert_has(x->text, "(HTTP 503); they will be sent in order");
	assert_has(x->text, "3 pending to Jira");
	talk_say(x, "#1 sev 1 worse"); /* serves with what waits */
	assert_int_equal(talk_effects(x, EFFECT_ISSUE_SYNC, NULL, NULL), 1);
	pass(x, 3600000);
	settle(x);
	assert_int_equal(there.commented, 2);
	assert_has(there.text, "rolled back");
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
	assert_string_equal(there.value[ISSUE_PRIORITY], "Highest");
	assert_int_equal(there.wrote, 2);
	talk_say(x, "show #1");
	assert_has(x->text, "✓");
	assert_has_not(x->text, "wait for Jira");
}

static void test_create_lost(void **state)
{
	struct talk *x = *state;
	struct effect *e;
	const char *label;

	talk_say(x, "declare sev2 checkout is failing");
	e = next(x);
	assert_int_equal(e->kind, EFFECT_ISSUE_CREATE);
	label = keep(x, json_get_str(e->payload, "label"));
	assert_int_equal(strncmp(label, "sitrep-", 7), 0);
	json_decref(create(x, e)); /* it was made, and nobody heard of it */
	outcome(x, e, OUTCOME_UNKNOWN, NULL, "the connection broke");
	talk_say(x, "#1 title card payments fail");
	pass(x, 60000);
	e = next(x);
	assert_int_equal(e->kind, EFFECT_ISSUE_CREATE);
	assert_true(e->verify);
	assert_string_equal(json_get_str(e->payload, "label"), label);
	outcome(x, e, OUTCOME_DELIVERED, json_pack("{s:o}", "read", read_of()), NULL);
	assert_string_equal(ref_of(x, 1).key, "jira:10001");
	assert_string_equal(talk_incident(x, 1).title, "card payments fail");
	settle(x);
	assert_string_equal(there.value[ISSUE_TITLE], "card payments fail"); /* ours has changed, not theirs */
	assert_int_equal(there.created, 1);
	assert_string_equal(ref_of(x, 1).state, "synced");
}

/* Between the making and our hearing of it somebody has changed it there. */
static void test_create_changed(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	e = next(x);
	json_decref(create(x, e));
	change(ISSUE_PRIORITY, "Highest", "dave");
	outcome(x, e, OUTCOME_DELIVERED, json_pack("{s:o}", "read", read_of()), NULL);
	settle(x);
	assert_int_equal(talk_incident(x, 1).severity, 1);
	assert_int_equal(there.wrote, 0);
}

/* The same, while ours moved on: neither has seen the other, so people are asked; what is resolved is not opened again by a word
 * from before. */
static void test_create_both_moved(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	e = next(x);
	json_decref(create(x, e));
	outcome(x, e, OUTCOME_UNKNOWN, NULL, "the connection broke");
	change(ISSUE_STATUS, "In Progress", "dave");
	talk_say(x, "#1 resolve rolled back --signal ok --health ok");
	assert_int_equal(talk_incident(x, 1).state, STATE_RESOLVED);
	pass(x, 60000);
	e = next(x);
	assert_true(e->verify);
	outcome(x, e, OUTCOME_DELIVERED, json_pack("{s:o}", "read", read_of()), NULL);
	settle(x);
	assert_int_equal(talk_incident(x, 1).state, STATE_RESOLVED);
	assert_true(record_of(x, 1).field[ISSUE_STATUS].conflict.open);
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
}

/* A crash, and the next attempt within the same millisecond: it certainly wrote nothing, the one before it may have. */
static void test_two_attempts_at_once(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	talk_say(x, "#1 title card payments fail");
	e = next(x);
	assert_int_equal(e->kind, EFFECT_ISSUE_SYNC);
	effect_destroy(e);
	assert_int_equal(deliver_recover(&x->desk, &x->err), 0);
	e = next(x);
	assert_true(e->verify);
	outcome(x, e, OUTCOME_RETRY, NULL, "HTTP 503");
	assert_int_equal(record_of(x, 1).field[ISSUE_TITLE].sent_count, 1);
}

/* What the tracker did not take at creation is sent again, and is nobody's change. */
static void test_create_partly(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	e = next(x);
	json_decref(create(x, e));
	there.value[ISSUE_PRIORITY] = "Medium";
	outcome(x, e, OUTCOME_DELIVERED, json_pack("{s:o}", "read", read_of()), NULL);
	settle(x);
	assert_int_equal(talk_incident(x, 1).severity, 2);
	assert_string_equal(there.value[ISSUE_PRIORITY], "High");
}

static void test_create_refused(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	e = next(x);
	outcome(x, e, OUTCOME_REFUSED, NULL, "the field “Team” is required");
	next(x); /* the chat hears of it */
	assert_string_equal(ref_of(x, 1).state, "failed");
	assert_said(x, "the field “Team” is required");
	assert_said(x, "jira.yml");
	assert_said(x, "Try again");
	talk_say(x, "show #1");
	assert_has(x->text, "not created: the field “Team” is required");
	talk_say(x, "#1 update known: nothing yet"); /* needs no comment: the creation tells where things stand */
	assert_int_equal(settle(x), 0);
	talk_press(x, ALICE, "sync", 1, json_pack("{s:b}", "retry", 1));
	settle(x);
	assert_int_equal(there.created, 1);
	assert_has(there.text, "nothing yet");
	assert_string_equal(ref_of(x, 1).state, "synced");
	talk_say(x, "#1 sync");
	assert_has(x->text, "PAY-123");
	assert_has(x->text, "priority: High");
}

/* The write happened, its answer is lost. */
static void test_sync_lost(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	talk_say(x, "#1 mitigating");
	e = next(x);
	json_decref(sync_issue(x, e));
	outcome(x, e, OUTCOME_UNKNOWN, NULL, "the connection broke");
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
	talk_say(x, "#1 cancel the probe was broken"); /* ours goes on meanwhile */
	pass(x, 60000);
	settle(x);
	assert_string_equal(ref_of(x, 1).state, "synced"); /* our own write is no change of theirs */
	assert_int_equal(talk_incident(x, 1).state, STATE_CANCELLED);
	assert_string_equal(there.value[ISSUE_STATUS], "Cancelled");
}

/* A value that was ours once, and arrived, is theirs when somebody there chooses it. */
static void test_arrived_is_over(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	talk_say(x, "#1 investigating");
	settle(x);
	talk_say(x, "#1 resolve done --signal ok --health ok");
	settle(x);
	assert_string_equal(there.value[ISSUE_STATUS], "Done");
	change(ISSUE_STATUS, "In Progress", "dave");
	hint(x);
	settle(x);
	assert_int_equal(talk_incident(x, 1).state, STATE_INVESTIGATING);
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
}

/* The answer comes when the issue is another one. */
static void test_late_answer(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	talk_say(x, "#1 investigating");
	e = next(x);
	assert_int_equal(e->kind, EFFECT_ISSUE_SYNC);
	talk_say(x, "#1 unlink jira");
	pass(x, 1000);
	talk_say(x, "#1 link PAY-200");
	outcome(x, e, OUTCOME_DELIVERED, json_pack("{s:o}", "read", read_of()), NULL);
	assert_null(ref_of(x, 1).key);
	there.id = 10200;
	there.name = "PAY-200";
	settle(x);
	assert_string_equal(ref_of(x, 1).key, "jira:10200");
}

static void test_trouble(void **state)
{
	struct talk *x = *state;
	size_t entries;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	there.refuse[ISSUE_PRIORITY] = "the field is not on the screen";
	talk_say(x, "#1 sev 1 worse");
	settle(x);
	assert_string_equal(there.value[ISSUE_PRIORITY], "High");
	assert_int_equal(talk_incident(x, 1).severity, 1);
	assert_said(x, "the field is not on the screen");
	talk_say(x, "show #1");
	assert_has(x->text, "the field is not on the screen");
	assert_has_not(x->text, "✓");
	/* Said once, and not tried again by itself. */
	entries = talk_entries(x, 1);
	there.change++;
	hint(x);
	settle(x);
	assert_int_equal(talk_entries(x, 1), entries);
	talk_say(x, "#1 sync");
	assert_has(x->text, "priority could not be written there");
	there.refuse[ISSUE_PRIORITY] = NULL;
	talk_say(x, "#1 sync --retry");
	assert_answered(x, "Trying again");
	settle(x);
	assert_string_equal(there.value[ISSUE_PRIORITY], "Highest");
	talk_say(x, "show #1");
	assert_has(x->text, "✓");
}

/* An adapter that writes nothing and says nothing must not be asked for ever. */
static void test_silent_adapter(void **state)
{
	struct talk *x = *state;
	struct effect *e;
	int n = 0;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	talk_say(x, "#1 sev 1 worse");
	while ((e = next(x)) != NULL && ++n < 20)
		outcome(x, e, OUTCOME_DELIVERED, json_pack("{s:o}", "read", read_of()), NULL);
	assert_true(n < 4);
	assert_non_null(issue_record_trouble(&(struct issue_record){ .field[0] = record_of(x, 1).field[ISSUE_PRIORITY] }));
}

/* ---- comments ---- */

static void comment(int id, const char *who, const char *text)
{
	json_array_append_new(there.comments, json_pack("{s:o, s:s, s:s, s:I, s:s}", "id",
		json_sprintf("%d", id), "author", who, "name", who, "at_ms", (json_int_t)TALK_START, "text", text));
	there.updated += 10;
	there.change++;
}

static void test_comments(void **state)
{
	struct talk *x = *state;
	size_t entries;

	talk_say(x, "declare sev2 checkout is failing");
	talk_say(x, "#1 update known: rolling back"); /* waits for the creation */
	settle(x);
	assert_int_equal(there.commented, 1);
	assert_has(there.text, "rolling back");
	entries = talk_entries(x, 1);
	comment(501, "sitrep", "rolling back"); /* ours, as it comes back */
	comment(777, "dave", "the vendor is \x07 on it");
	comment(778, "dave", "");
	hint(x);
	settle(x);
	assert_int_equal(talk_entries(x, 1), entries + 1);
	assert_string_equal(talk_entry(x, 1, 0).text, "in PAY-123: the vendor is  on it");
	assert_string_equal(talk_entry(x, 1, 0).author, "jira:dave");
	assert_said(x, "@dave in ");
	/* Read again, they are not told again. */
	there.change++;
	hint(x);
	settle(x);
	assert_int_equal(talk_entries(x, 1), entries + 1);
	assert_int_equal(there.commented, 1);
	talk_say(x, "#1 resolve done --signal ok --health ok");
	settle(x);
	assert_int_equal(there.commented, 2);
	assert_string_equal(there.value[ISSUE_STATUS], "Done");
	/* Reopened there: the comment would be an echo. */
	change(ISSUE_STATUS, "In Progress", "dave");
	hint(x);
	settle(x);
	assert_int_equal(talk_incident(x, 1).state, STATE_INVESTIGATING);
	assert_int_equal(there.commented, 2);
}

/* ---- gone, moved, twice ---- */

static void test_gone(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	there.gone = true;
	hint(x);
	change(ISSUE_STATUS, "To Do", NULL);
	hint(x);
	settle(x);
	assert_string_equal(ref_of(x, 1).state, "failed");
	assert_said(x, "PAY-123 is gone");
	assert_said(x, "Create a new one");
	talk_say(x, "#1 investigating");
	talk_say(x, "#1 update known: it goes on");
	assert_int_equal(settle(x), 0); /* nothing is sent until somebody decides */
	talk_say(x, "show #1");
	assert_has(x->text, "is gone there");
	there.gone = false;
	there.id = 10002;
	there.name = "PAY-124";
	there.value[ISSUE_STATUS] = "To Do";
	talk_press(x, ALICE, "link", 1, json_pack("{s:s}", "to", "new"));
	assert_answered(x, "is being created");
	settle(x);
	assert_int_equal(there.created, 2);
	assert_string_equal(ref_of(x, 1).key, "jira:10002");
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
}

static void test_moved_and_twin(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	there.name = "SHOP-9";
	there.twin = true;
	there.change++;
	hint(x);
	settle(x);
	assert_string_equal(record_of(x, 1).name, "SHOP-9");
	assert_string_equal(ref_of(x, 1).url, BASE "browse/SHOP-9");
	assert_string_equal(ref_of(x, 1).key, "jira:10001");
	assert_has(talk_entry(x, 1, 1).text, "PAY-123 was moved in Jira and is SHOP-9 now");
	assert_has(talk_entry(x, 1, 0).text, "a second issue");
	there.change++;
	hint(x);
	settle(x);
	assert_has(talk_entry(x, 1, 0).text, "a second issue"); /* once */
	assert_int_equal(talk_effects(x, EFFECT_ISSUE_SYNC, NULL, NULL), 0);
}

/* ---- by hand ---- */

static void test_link(void **state)
{
	struct talk *x = *state;

	there.value[ISSUE_TITLE] = "Payments are slow";
	there.value[ISSUE_PRIORITY] = "Low";
	there.value[ISSUE_STATUS] = "To Do";
	comment(900, "dave", "from before");
	talk_say(x, "declare sev3 checkout is failing");
	talk_say(x, "#1 investigating");
	assert_false(has_ref(x, 1));
	talk_say(x, "#1 link https://elsewhere.example/browse/PAY-123");
	assert_refused(x, "usage", "no issue of the tracker");
	talk_say(x, "#1 link PAY-");
	assert_refused(x, "usage", "PAY-123");
	talk_say(x, "#1 link " BASE "browse/pay-123?focusedId=1234567890123456789");
	assert_answered(x, "is being linked to PAY-123");
	talk_say(x, "#1 link PAY-5");
	assert_refused(x, "conflict", "already");
	settle(x);
	assert_string_equal(ref_of(x, 1).key, "jira:10001");
	/* Both titles stay; status and priority follow the record. */
	assert_string_equal(there.value[ISSUE_TITLE], "Payments are slow");
	assert_string_equal(talk_incident(x, 1).title, "checkout is failing");
	assert_string_equal(there.value[ISSUE_PRIORITY], "Medium");
	assert_string_equal(there.value[ISSUE_STATUS], "In Progress");
	assert_int_equal(there.created, 0);
	assert_true(there.marked > 0);
	assert_false(was_said(x, "from before"));
	talk_say(x, "declare sev3 something else");
	talk_say(x, "#2 link PAY-123");
	assert_refused(x, "conflict", "another incident");
	/* Under another name it is the same issue still. */
	talk_say(x, "#2 link OLD-1");
	settle(x);
	assert_string_equal(ref_of(x, 2).state, "failed");
	assert_null(ref_of(x, 2).key);
	assert_string_equal(ref_of(x, 1).key, "jira:10001");
	talk_say(x, "#2 unlink PAY-123");
	assert_refused(x, "conflict", "OLD-1");
	talk_say(x, "#2 unlink OLD-1");
	assert_answered(x, "go their own ways");
	/* Incidents are linked as ever. */
	talk_say(x, "#1 link #2 same cause");
	assert_answered(x, "name each other");
	talk_say(x, "#1 unlink #2");
	assert_answered(x, "name each other no more");
}

static void test_unlink(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	e = next(x);
	talk_say(x, "#1 unlink jira");
	assert_refused(x, "conflict", "is being created");
	outcome(x, e, OUTCOME_DELIVERED, create(x, e), NULL);
	settle(x);
	there.marked = 0;
	talk_say(x, "#1 update known: waits in the lane");
	talk_say(x, "#1 unlink pay-123");
	assert_answered(x, "go their own ways");
	assert_false(has_ref(x, 1));
	settle(x);
	assert_int_equal(there.marked, -1);
	assert_int_equal(there.commented, 0);
	talk_say(x, "#1 sev 1 worse"); /* nobody wants one */
	change(ISSUE_STATUS, "Cancelled", "dave");
	hint(x);
	assert_int_equal(settle(x), 0);
	assert_false(has_ref(x, 1));
	talk_say(x, "#1 unlink jira");
	assert_refused(x, "conflict", "has no issue");
	talk_say(x, "#1 link new");
	settle(x);
	assert_int_equal(there.created, 2);
}

/* ---- protected, merged ---- */

static void test_protected(void **state)
{
	struct talk *x = *state;
	int64_t id;

	talk_say(x, "declare sev2 keys of the bank leaked");
	settle(x);
	there.marked = 0;
	talk_say(x, "#1 update known: waits in the lane");
	talk_say(x, "#1 protect it is a breach");
	assert_answered(x, "cannot be taken back");
	talk_say(x, "#1 mitigating");
	talk_say(x, "#1 update known: the vault is closed");
	settle(x);
	assert_string_equal(there.value[ISSUE_TITLE], "Protected incident INC-1");
	assert_string_equal(there.value[ISSUE_STATUS], "To Do");
	assert_int_equal(there.commented, 0);
	assert_int_equal(there.marked, -1);
	/* Theirs is noted, not followed: it is run here only. */
	change(ISSUE_TITLE, "what happened to the keys?", "dave");
	hint(x);
	settle(x);
	assert_string_equal(talk_incident(x, 1).title, "keys of the bank leaked");
	assert_string_equal(ref_of(x, 1).state, "synced");
	assert_has(talk_entry(x, 1, 0).text, "run here only");
	talk_say(x, "declare sev1 --security somebody is in");
	id = strtoll(strstr(x->text, "INC-") + 4, NULL, 10);
	assert_false(has_ref(x, id));
	talk_say(x, arena_printf(x->arena, "#%lld link new", (long long)id));
	assert_refused(x, "policy", "protected");
}

static void test_protected_bare(void **state)
{
	struct talk *x = *state;

	x->config->issue.protected = ISSUE_PROTECTED_BARE;
	talk_say(x, "declare sev1 --security somebody is in --service vault");
	settle(x);
	assert_int_equal(there.created, 1);
	assert_has(there.value[ISSUE_TITLE], "Protected incident INC-");
	assert_has_not(there.text, "somebody");
	assert_has_not(there.text, "vault");
	assert_string_equal(there.value[ISSUE_PRIORITY], "Highest");
	assert_int_equal(there.marked, 0);
}

static void test_protected_before_creation(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 keys of the bank leaked");
	talk_say(x, "#1 protect it is a breach");
	settle(x);
	assert_int_equal(there.created, 0);
	assert_false(has_ref(x, 1));
}

static void test_merged(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	talk_say(x, "declare sev3 the shop is slow");
	talk_say(x, "#1 merge #2");
	settle(x);
	assert_int_equal(there.commented, 1);
	assert_has(there.text, "merged into INC-2");
	assert_string_equal(there.value[ISSUE_STATUS], "Cancelled");
	there.gone = false;
	change(ISSUE_STATUS, "In Progress", "dave");
	hint(x);
	settle(x);
	assert_int_equal(talk_incident(x, 1).state, STATE_CANCELLED);
	assert_has(talk_entry(x, 1, 0).text, "goes on as INC-2");
}

/* ---- polling, hints ---- */

static void test_poll(void **state)
{
	struct talk *x = *state;
	struct effect *e;
	char *cursor;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(issue_poll_arm(x->store, x->config, clock_now(&x->clock), &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	change(ISSUE_PRIORITY, "Highest", "dave");
	talk_pass(x, 31000);
	e = next(x);
	assert_int_equal(e->kind, EFFECT_ISSUE_POLL);
	assert_string_equal(json_string_value(json_at(e->payload, "projects.0")), "PAY");
	outcome(x, e, OUTCOME_RETRY, NULL, "HTTP 503");
	talk_pass(x, 120000); /* one question at a time */
	assert_int_equal(talk_effects(x, EFFECT_ISSUE_POLL, NULL, NULL), 1);
	settle(x);
	assert_int_equal(there.polled, 1);
	assert_int_equal(talk_incident(x, 1).severity, 1);
	assert_int_equal(cursor_get(x->store, x->arena, CURSOR_POLL, &cursor, &x->err), 0);
	talk_pass(x, 60000);
	e = next(x);
	assert_int_equal(json_get_int(e->payload, "elapsed_ms", 0),
		clock_now(&x->clock) - strtoll(cursor, NULL, 10) + 5 * 60000);
	/* One that was not answered whole is asked again from the same moment. */
	outcome(x, e, OUTCOME_DELIVERED, json_pack("{s:[], s:b}", "issues", "complete", 0), NULL);
	assert_string_equal(cursor, keep(x, cursor));
	talk_pass(x, 60000);
	e = next(x);
	assert_true(json_get_int(e->payload, "elapsed_ms", 0) >= 2 * 60000 + 5 * 60000);
	outcome(x, e, OUTCOME_REFUSED, NULL, "HTTP 400");
	/* What was read twice, with time between, is not read for the overlap's sake again. */
	talk_pass(x, 60000);
	settle(x);
	assert_int_equal(talk_effects(x, EFFECT_ISSUE_SYNC, NULL, NULL), 0);
	talk_pass(x, 60000);
	there.polled = 0;
	assert_int_equal(settle(x), 1); /* the question alone */
	assert_int_equal(there.polled, 1);
	x->config->issue.url = NULL; /* it ends with the tracker */
	talk_pass(x, 120000);
	assert_null(next(x));
}

/* A poll's hint, which knows a time only. */
static void polled_hint(struct talk *x)
{
	int64_t change = there.change;

	there.change = 0;
	hint(x);
	there.change = change;
}

/* The second read began with the first and was answered late: what came after both in the same moment is read all the same. */
static void test_same_moment(void **state)
{
	struct talk *x = *state;
	struct effect *e;
	json_t *result;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	change(ISSUE_PRIORITY, "Highest", "dave");
	hint(x);
	e = next(x);
	result = perform(x, e);
	outcome(x, e, OUTCOME_DELIVERED, result, NULL);
	polled_hint(x);
	e = next(x);
	assert_int_equal(e->kind, EFFECT_ISSUE_SYNC);
	result = perform(x, e);
	there.value[ISSUE_TITLE] = "card payments fail"; /* the same time there */
	there.by[ISSUE_TITLE] = "dave";
	pass(x, 10000);
	outcome(x, e, OUTCOME_DELIVERED, result, NULL);
	polled_hint(x);
	settle(x);
	assert_string_equal(talk_incident(x, 1).title, "card payments fail");
	pass(x, 10000); /* it was read with time between: the overlap of polls brings nothing new */
	polled_hint(x);
	settle(x);
	polled_hint(x);
	assert_null(next(x));
}

static void test_bad_hints(void **state)
{
	static const char *const hints[] = { "{}", "{\"issue\":\"\"}", "{\"issue\":\"99999\"}", "{\"issue\":17}",
		"{\"issue\":[1]}", "{\"issue\":\"10001\",\"change\":\"x\",\"updated_ms\":-1}",
		"{\"issue\":\"comment/501\"}", "{\"issue\":\"name:PAY-123\"}", "{\"name\":\"PAY-9\"}", "{\"name\":7}" };
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing");
	talk_say(x, "#1 update known: rolling back");
	settle(x);
	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
		struct request *r = request_create(REQUEST_EVENT);

		r->actor.person = "jira:webhook";
		r->operation = "issue.hint";
		assert_int_equal(json_parse(hints[i], strlen(hints[i]), 1000, &r->args, &x->err), 0);
		assert_int_equal(store_begin(x->store, &x->err), 0);
		reply_finish(&x->reply);
		assert_int_equal(dispatch(&x->desk, r, &x->reply, &x->err), 0);
		assert_int_equal(store_commit(x->store, &x->err), 0);
		assert_int_equal(x->reply.kind, REPLY_NONE);
		request_destroy(r);
	}
	/* Only the one that names ours, and could be new. */
	assert_int_equal(settle(x), 1);
	/* People cannot hint. */
	talk_press(x, ALICE, "issue.hint", 0, json_pack("{s:s}", "issue", "10001"));
	assert_refused(x, "unknown", "issue.hint");
}

/* Some deliveries name an issue by its key alone. */
static void test_hint_by_name(void **state)
{
	struct talk *x = *state;
	struct request *r = request_create(REQUEST_EVENT);

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	change(ISSUE_PRIORITY, "Highest", "dave");
	r->actor.person = "jira:webhook";
	r->operation = "issue.hint";
	r->args = json_pack("{s:s}", "name", "PAY-123");
	assert_int_equal(store_begin(x->store, &x->err), 0);
	reply_finish(&x->reply);
	assert_int_equal(dispatch(&x->desk, r, &x->reply, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	request_destroy(r);
	settle(x);
	assert_int_equal(talk_incident(x, 1).severity, 1);
}

static void test_bad_outcomes(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	for (int n = 0; n < 5; n++) {
		json_t *result = n == 0 ? NULL :
			n == 1 ? json_pack("{s:s}", "read", "nonsense") :
			n == 2 ? json_pack("{s:{s:s, s:s}}", "read", "id", "777", "name", "ALIEN-1") :
			n == 3 ? json_pack("{s:{s:s, s:n, s:[]}}", "read", "id", "10001", "values", "by") :
			json_pack("{s:{s:s, s:{s:i, s:s}}, s:{s:i}, s:[n, {}, {s:s}, {s:i, s:s}]}", "read", "id",
				"10001", "values", "status", 7, "title", "\x01", "written", "priority", 3,
				"comments", "id", "x", "id", -4, "text", "no");

		there.change++;
		hint(x);
		e = next(x);
		assert_non_null(e);
		outcome(x, e, OUTCOME_DELIVERED, result, NULL);
	}
	settle(x);
	assert_string_equal(ref_of(x, 1).key, "jira:10001");
	assert_string_equal(talk_incident(x, 1).title, "checkout is failing");
	assert_int_equal(talk_incident(x, 1).severity, 2);
}

/* ---- rights ---- */

static void test_no_right(void **state)
{
	struct talk *x = *state;

	for (size_t i = 0; i < x->config->access.binding_count; i++)
		if (!strcmp(x->config->access.binding[i].person, "jira:*"))
			x->config->access.binding[i].role = "viewer";
	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	change(ISSUE_PRIORITY, "Low", "dave");
	hint(x);
	settle(x);
	assert_int_equal(talk_incident(x, 1).severity, 2);
	assert_said(x, "needs the right incident.write");
	talk_say(x, "#1 settle priority jira");
	assert_answered(x, "SEV4");
	assert_int_equal(talk_incident(x, 1).severity, 4);
}

static void test_assignee(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	change(ISSUE_ASSIGNEE, "acc-stranger", "dave");
	hint(x);
	settle(x);
	assert_null(talk_role(x, 1, "commander"));
	assert_has(talk_entry(x, 1, 0).text, "not known here");
	change(ISSUE_TITLE, "an evening in the ditch", "acc-stranger"); /* known by name from now on */
	there.name_of_stranger = "Dana";
	hint(x);
	settle(x);
	talk_say(x, "sync #1");
	assert_has(x->text, "assignee: @Dana");
	assert_has(x->text, "title: “an evening in the ditch”");
	change(ISSUE_ASSIGNEE, "acc-bob", "dave");
	hint(x);
	settle(x);
	assert_string_equal(talk_role(x, 1, "commander"), BOB);
	change(ISSUE_ASSIGNEE, "", "dave");
	hint(x);
	settle(x);
	assert_string_equal(talk_role(x, 1, "commander"), BOB);
	assert_int_equal(there.wrote, 0);
	talk_say(x, "#1 ic @carol"); /* without an account: no opinion */
	settle(x);
	assert_string_equal(there.value[ISSUE_ASSIGNEE], "");
}

static void test_settle_refuses(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 a little thing");
	talk_say(x, "#1 settle status ours");
	assert_refused(x, "conflict", "has no issue");
	talk_say(x, "#1 settle colour ours");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	talk_say(x, "#1 settle status");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	x->config->issue.url = NULL;
	talk_say(x, "#1 settle status ours");
	assert_refused(x, "conflict", "has no issue");
	talk_say(x, "#1 link PAY-1");
	assert_refused(x, "usage", "name one as #12");
}

/* The tracker is taken out of the configuration, by mistake maybe: what waits goes on waiting. */
static void test_unconfigured(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout is failing");
	talk_say(x, "#1 update known: rolling back");
	x->config->issue.url = NULL;
	assert_null(next(x));
	pass(x, 600000);
	assert_null(next(x));
	talk_say(x, "show #1");
	assert_has(x->text, "2 changes wait for Jira");
	x->config->issue.url = BASE;
	pass(x, 600000);
	settle(x);
	assert_int_equal(there.created, 1);
	assert_int_equal(there.commented, 1);
	assert_string_equal(ref_of(x, 1).state, "synced");
}

/* A creation that was lost altogether, and memory that cannot be read. */
static void test_repaired(void **state)
{
	struct talk *x = *state;
	struct reference ref;

	talk_say(x, "declare sev2 checkout is failing");
	talk_forget(x);
	assert_int_equal(settle(x), 0);
	talk_say(x, "#1 sync --retry");
	assert_answered(x, "Trying again");
	settle(x);
	assert_int_equal(there.created, 1);
	talk_say(x, "#1 sync --retry");
	assert_answered(x, "nothing to try again");
	ref = ref_of(x, 1);
	ref.synced = "{\"field\":[";
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(reference_put(x->store, &ref, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	talk_say(x, "#1 sev 1 worse");
	assert_int_equal(talk_incident(x, 1).severity, 1);
	there.change++;
	hint(x);
	settle(x);
	assert_string_equal(there.value[ISSUE_PRIORITY], "Highest");
	assert_string_equal(ref_of(x, 1).state, "synced");
}

static void test_form(void **state)
{
	struct talk *x = *state;
	char *form;

	talk_say(x, "declare sev2 checkout is failing");
	settle(x);
	talk_say(x, "declare sev3 something else");
	x->forms = true;
	talk_say(x, "#2 link");
	assert_int_equal(x->reply.kind, REPLY_FORM);
	form = json_text(x->arena, x->reply.form);
	assert_has(form, "a new issue in Jira");
	talk_say(x, "#1 unlink");
	form = json_text(x->arena, x->reply.form);
	assert_has(form, "PAY-123");
	talk_submit(x, ALICE, "unlink", 1, json_pack("{s:s}", "from", "jira"));
	assert_answered(x, "go their own ways");
}

static void test_title(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 checkout is failing");
	talk_say(x, "#1 title checkout is failing");
	assert_answered(x, "already");
	talk_say(x, "#1 rename card payments of one bank fail");
	assert_answered(x, "card payments of one bank fail");
	assert_string_equal(talk_incident(x, 1).title, "card payments of one bank fail");
	assert_has(talk_entry(x, 1, 0).text, "checkout is failing");
	talk_say(x, "#1 title");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	talk_press(x, ALICE, "title", 1, json_pack("{s:s}", "title", " \n "));
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	assert_string_equal(talk_incident(x, 1).title, "card payments of one bank fail");
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
		TEST(test_outage),
		TEST(test_create_lost),
		TEST(test_create_changed),
		TEST(test_create_both_moved),
		TEST(test_two_attempts_at_once),
		TEST(test_create_partly),
		TEST(test_create_refused),
		TEST(test_sync_lost),
		TEST(test_arrived_is_over),
		TEST(test_late_answer),
		TEST(test_trouble),
		TEST(test_silent_adapter),
		TEST(test_comments),
		TEST(test_gone),
		TEST(test_moved_and_twin),
		TEST(test_link),
		TEST(test_unlink),
		TEST(test_protected),
		TEST(test_protected_bare),
		TEST(test_protected_before_creation),
		TEST(test_merged),
		TEST(test_poll),
		TEST(test_same_moment),
		TEST(test_bad_hints),
		TEST(test_hint_by_name),
		TEST(test_bad_outcomes),
		TEST(test_no_right),
		TEST(test_assignee),
		TEST(test_settle_refuses),
		TEST(test_unconfigured),
		TEST(test_repaired),
		TEST(test_form),
		TEST(test_title),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
