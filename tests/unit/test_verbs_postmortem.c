/* postmortem: begun, written, reviewed, final; and that one is owed (FEATURES I1, I2, I5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "commands/reviewing.h"
#include "store/learning.h"
#include "support_core.h"

#define END	"resolve rolled back --signal \"checkout 99.9 % for 15 min\" --health \"5xx at baseline\""
#define WITHIN	(5 * DAY_MS)

static int setup(void **state)
{
	int rc = talk_setup(state);
	struct talk *x = *state;

	if (rc < 0)
		return rc;
	x->config->escalation.count = 0;
	x->config->review.within_ms = WITHIN;
	talk_say(x, "declare sev2 checkout is failing");
	talk_deliver(x);
	x->channel = "slack:CINC1";
	talk_say(x, "role take commander");
	talk_say(x, "impact 1200 users could not pay");
	talk_say(x, "note 13:50 retries rise");
	return 0;
}

static void resolved(struct talk *x)
{
	talk_say(x, END);
	assert_answered(x, "INC-1 is resolved");
}

static struct review latest(struct talk *x)
{
	struct review r = { 0 };

	if (review_latest(x->store, x->arena, 1, &r, &x->err) < 0)
		return (struct review){ 0 };
	return r;
}

static const char *section(struct talk *x, enum review_section s)
{
	const char *text = latest(x).section[s];

	return text ? text : "";
}

/* Everything that the checks ask for. */
static void written(struct talk *x)
{
	static const char *const lines[] = {
		"postmortem edit summary Payments failed for 62 minutes after a rollout; rolling it back ended it.",
		"postmortem edit impact 1200 users could not pay between 13:50 and 14:52.",
		"postmortem factor change the rollout went to all regions at once",
		"postmortem factor [detection] no alert on retries",
		"postmortem factor technical: the client retries without a limit",
		"postmortem why Why did payments fail? Because the pool was used up.",
		"postmortem why Why was it used up? Because retries have no limit.",
		"postmortem edit detection A customer wrote at 13:55; no alert fired.",
		"postmortem edit defences The canary should have caught it, but it has no payments.",
		"postmortem edit well The rollback took 4 minutes.",
		"postmortem edit poorly It took 20 minutes to find the dashboard.",
		"postmortem edit lessons A limit on retries is part of every client.",
	};
	struct followup f = { .incident = 1, .title = arena_strdup(x->arena, "alert on retries above 5 per second"),
		.owner = arena_strdup(x->arena, BOB), .due_at = TALK_START + 14 * DAY_MS, .class = FOLLOWUP_DETECT, .priority = 1,
		.signal = arena_strdup(x->arena, "the alert fires in the game day"), .by = arena_strdup(x->arena, ALICE), .created_at = TALK_START };

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		talk_say(x, lines[i]);
		assert_answered(x, "kept as version");
	}
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(followup_insert(x->store, &f, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
}

/* The meta of the newest entry about a postmortem with this action; NULL. */
static const char *audit_meta(struct talk *x, const char *action)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	const char *meta = NULL;

	assert_int_equal(sqlite3_open_v2(arena_printf(x->arena, "%s/sitrep.db", x->folder), &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT meta FROM audit WHERE entity = 'postmortem' AND entity_id = 1 AND action = ?"
		" ORDER BY id DESC LIMIT 1", -1, &st, NULL), SQLITE_OK);
	sqlite3_bind_text(st, 1, action, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		meta = arena_strdup(x->arena, (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(db);
	return meta;
}

static json_t *field(struct talk *x, const char *arg)
{
	json_t *f;
	size_t i;

	assert_int_equal(x->reply.kind, REPLY_FORM);
	json_array_foreach(json_get_arr(x->reply.form, "fields"), i, f)
		if (!strcmp(json_get_str(f, "arg"), arg))
			return f;
	return NULL;
}

/* ---- begin ---- */

static void test_start(void **state)
{
	struct talk *x = *state;

	talk_say(x, "postmortem");
	assert_answered(x, "There is no postmortem of INC-1 yet");
	resolved(x);
	assert_has(x->text, "A postmortem is owed by @alice until");
	assert_non_null(talk_button(x, "postmortem"));
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "A postmortem is owed by @alice");
	talk_say(x, "postmortem");
	assert_has(x->text, "it is owed by @alice until");
	talk_press(x, ALICE, "postmortem", 1, json_pack("{s:s}", "do", "start"));
	assert_answered(x, "Postmortem of INC-1: draft, version 1 by @alice");
	assert_has(x->text, "Before it can be final:");
	assert_has(x->text, "Five whys: it is empty: /inc postmortem edit whys");
	assert_has(x->text, "… and 2 more");
	struct review r = latest(x);
	assert_int_equal(r.version, 1);
	assert_int_equal(r.state, REVIEW_DRAFT);
	assert_false(r.light);
	assert_string_equal(r.author, ALICE);
	assert_has(r.section[REVIEW_SUMMARY], "checkout is failing");
	assert_has(r.section[REVIEW_IMPACT], "1200 users");
	assert_has(talk_entry(x, 1, 0).text, "postmortem begun");
	assert_has(audit_meta(x, "postmortem.started"), "\"version\":1");
	talk_say(x, "postmortem start");
	assert_refused(x, "conflict", "was begun already");
}

static void test_cancelled(void **state)
{
	struct talk *x = *state;

	talk_say(x, "cancel a test");
	talk_say(x, "postmortem start");
	assert_refused(x, "conflict", "is cancelled");
	assert_int_equal(latest(x).version, 0);
}

/* Readers read, and change nothing. */
static void test_rights(void **state)
{
	static const char *const changes[] = { "postmortem edit lessons x", "postmortem factor x", "postmortem why x", "postmortem review @bob",
		"postmortem final --waive x", "postmortem draft x", "postmortem import", "postmortem start" };
	struct talk *x = *state;

	resolved(x);
	talk_say(x, "postmortem start");
	talk_say(x, "postmortem the cache was cold");
	assert_refused(x, "usage", "say what to do");
	x->config->access = (struct access_policy){
		.role = { { .name = "reader", .entitlement = { "incident.read" }, .count = 1 } },
		.role_count = 1,
		.binding = { { .role = "reader", .person = "slack:*" } },
		.binding_count = 1,
	};
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		talk_say_as(x, BOB, changes[i]);
		assert_refused(x, "forbidden", "needs the right incident.write");
	}
	assert_int_equal(latest(x).version, 1);
	talk_say_as(x, BOB, "postmortem");
	assert_answered(x, "draft, version 1");
	talk_say_as(x, BOB, "postmortem versions");
	assert_answered(x, "1 · draft");
	talk_say_as(x, BOB, "postmortem export");
	assert_answered(x, "is on its way");
}

/* ---- writing ---- */

static void test_lines(void **state)
{
	struct talk *x = *state;

	resolved(x);
	/* Writing begins it. */
	talk_say(x, "postmortem factor change the rollout went to all regions");
	assert_answered(x, "Contributing factors: kept as version 1");
	assert_string_equal(section(x, REVIEW_FACTORS), "- [change] the rollout went to all regions");
	assert_has(section(x, REVIEW_SUMMARY), "checkout is failing");
	talk_say(x, "postmortem factor Detection was late");
	assert_has(section(x, REVIEW_FACTORS), "\n- [detection] Detection was late");
	talk_say(x, "postmortem factor retries have no limit");
	assert_answered(x, "taken as technical");
	assert_has(section(x, REVIEW_FACTORS), "\n- [technical] retries have no limit");
	talk_say(x, "postmortem factor <@UBOB|bob> was alone on call");
	assert_has(section(x, REVIEW_FACTORS), "\n- [technical] @bob was alone on call");
	talk_say(x, "postmortem factor");
	assert_refused(x, "usage", "say what contributed");
	talk_say(x, "postmortem why Why? Because.");
	talk_say(x, "postmortem why Why that? Because of this.");
	assert_string_equal(section(x, REVIEW_WHYS), "1. Why? Because.\n2. Why that? Because of this.");
	talk_say(x, "postmortem why");
	assert_refused(x, "usage", "next why");
	talk_say(x, "postmortem edit contributing factors");
	assert_answered(x, "retries have no limit");
	talk_say(x, "postmortem edit lessons Retries are limited.");
	assert_string_equal(section(x, REVIEW_LESSONS), "Retries are limited.");
	talk_say(x, "postmortem edit lessons Retries are limited.");
	assert_answered(x, "Nothing differs from version");
	talk_say(x, "postmortem edit timeline at noon");
	assert_refused(x, "usage", "come from the record");
	talk_say(x, "postmortem edit nonsense at noon");
	assert_refused(x, "usage", "there is no section “nonsense at noon”");
	int64_t version = latest(x).version;
	talk_say(x, "postmortem versions");
	assert_answered(x, arena_printf(x->arena, "%lld · draft · @alice", (long long)version));
}

static void test_too_long(void **state)
{
	struct talk *x = *state;
	struct str s STR_CLEANUP;

	resolved(x);
	str_init(&s, 70000);
	str_add(&s, "postmortem edit lessons ");
	while (s.len < 45000)
		str_add(&s, "very long words ");
	talk_say(x, s.p);
	assert_refused(x, "usage", "at most 40000 fit");
	assert_int_equal(latest(x).version, 0);
}

static void test_form(void **state)
{
	struct talk *x = *state;

	resolved(x);
	talk_say(x, "postmortem start");
	x->forms = true;
	talk_say(x, "postmortem edit summary");
	assert_string_equal(json_get_str(field(x, "summary"), "value"), section(x, REVIEW_SUMMARY));
	assert_string_equal(json_get_str(json_get_obj(x->reply.form, "args"), "version"), "1");
	/* Without a name: those that need it. */
	talk_say(x, "postmortem edit");
	assert_non_null(field(x, "factors"));
	assert_null(field(x, "summary"));
	assert_true(json_array_size(json_get_arr(x->reply.form, "fields")) <= 4);

	talk_submit(x, ALICE, "postmortem", 1, json_pack("{s:s, s:s, s:s, s:s}", "do", "edit", "version", "1", "sections",
		"lessons,well", "lessons", "Limits.\nAlways."));
	assert_answered(x, "Lessons: kept as version 2");
	assert_string_equal(section(x, REVIEW_LESSONS), "Limits.\nAlways.");
	/* A field that comes back empty is emptied. */
	talk_submit(x, ALICE, "postmortem", 1, json_pack("{s:s, s:s, s:s}", "do", "edit", "version", "2", "sections", "lessons"));
	assert_answered(x, "kept as version 3");
	assert_string_equal(section(x, REVIEW_LESSONS), "");
}

/* Two people, one form each: what the other wrote stands, and the second hears of it. */
static void test_two_people(void **state)
{
	struct talk *x = *state;

	resolved(x);
	talk_say(x, "postmortem start");
	x->forms = true;
	talk_submit(x, BOB, "postmortem", 1, json_pack("{s:s, s:s, s:s, s:s}", "do", "edit", "version", "1", "sections", "lessons",
		"lessons", "Bob's words"));
	assert_answered(x, "version 2");
	/* Another section: both stand. */
	talk_submit(x, ALICE, "postmortem", 1, json_pack("{s:s, s:s, s:s, s:s}", "do", "edit", "version", "1", "sections",
		"well,lessons", "well", "The rollback"));
	assert_answered(x, "What went well: kept as version 3");
	assert_string_equal(section(x, REVIEW_LESSONS), "Bob's words");
	/* The same section. */
	talk_submit(x, ALICE, "postmortem", 1, json_pack("{s:s, s:s, s:s, s:s}", "do", "edit", "version", "1", "sections", "lessons",
		"lessons", "Alice's words"));
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	assert_has(json_get_str(x->reply.fields, "lessons"), "changed Lessons in version 3");
	assert_has(json_get_str(x->reply.fields, "lessons"), "“Bob's words”");
	assert_string_equal(section(x, REVIEW_LESSONS), "Bob's words");
	talk_submit(x, ALICE, "postmortem", 1, json_pack("{s:s, s:s, s:s, s:s}", "do", "edit", "version", "77", "sections", "lessons",
		"lessons", "Alice's words"));
	assert_refused(x, "conflict", "has no version 77");
}

static void test_large_section_is_edited_as_a_file(void **state)
{
	struct talk *x = *state;
	struct str s STR_CLEANUP;

	resolved(x);
	str_init(&s, 20000);
	str_add(&s, "postmortem edit lessons ");
	while (s.len < 5000)
		str_add(&s, "long words ");
	talk_say(x, s.p);
	assert_answered(x, "kept as version 1");
	x->forms = true;
	talk_say(x, "postmortem edit lessons");
	assert_refused(x, "conflict", "Edit it as a file");
}

/* ---- states ---- */

static void test_review_and_final(void **state)
{
	struct talk *x = *state;

	talk_say(x, "postmortem start");
	written(x);
	/* Never while it goes on. */
	talk_say(x, "postmortem final");
	assert_refused(x, "conflict", "cannot be final");
	talk_say(x, "postmortem final --waive \"no time\"");
	assert_refused(x, "conflict", "cannot be final");
	resolved(x);
	assert_int_not_equal(talk_promise(x, 1, PROMISE_REVIEW).due_at, 0);
	talk_say(x, "close");
	assert_refused(x, "policy", "needs a finished postmortem");
	talk_forget(x);
	talk_say(x, "postmortem review <@UBOB|bob>");
	assert_answered(x, "is in review; asked by direct message: @bob");
	assert_int_equal(latest(x).state, REVIEW_IN_REVIEW);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, BOB), "@alice asks you to review the postmortem of INC-1");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "ready for review by @bob");
	assert_has(talk_entry(x, 1, 0).text, "postmortem in review");
	talk_say(x, "postmortem review");
	assert_refused(x, "conflict", "in review already");
	talk_say(x, "postmortem review @nobody-we-know");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);

	talk_say(x, "postmortem");
	assert_answered(x, "Nothing is missing: it can be final.");
	int64_t version = latest(x).version;
	talk_forget(x);
	talk_say_as(x, BOB, "postmortem final");
	assert_answered(x, "The postmortem of INC-1 is final");
	assert_int_equal(latest(x).version, version + 1);
	assert_int_equal(latest(x).state, REVIEW_FINAL);
	assert_null(latest(x).waiver);
	assert_has(audit_meta(x, "postmortem.final"), "\"tag\":\"post-incident-review\"");
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "The postmortem of INC-1 is final — @bob");
	assert_int_equal(talk_promise(x, 1, PROMISE_REVIEW).due_at, 0);
	assert_int_equal(talk_promise_last(x, 1, PROMISE_REVIEW).state, PROMISE_KEPT);
	/* Final is final. */
	static const char *const refused[] = { "postmortem final", "postmortem edit summary x", "postmortem factor x", "postmortem why x",
		"postmortem review @bob" };
	for (size_t i = 0; i < 5; i++) {
		talk_say(x, refused[i]);
		assert_refused(x, "conflict", "is final since version");
	}
	talk_say(x, "close");
	assert_answered(x, "INC-1 is closed");
	assert_has_not(x->text, "without a review");
}

static void test_final_refused(void **state)
{
	struct talk *x = *state;

	talk_say(x, "postmortem final");
	assert_refused(x, "not_found", "There is no postmortem of INC-1 yet");
	talk_say(x, "postmortem draft why not");
	assert_refused(x, "not_found", "There is no postmortem of INC-1 yet");
	talk_say(x, "postmortem review");
	assert_refused(x, "not_found", "There is no postmortem of INC-1 yet");
	talk_say(x, "postmortem versions");
	assert_refused(x, "not_found", "There is no postmortem of INC-1 yet");
	talk_say(x, "postmortem export");
	assert_refused(x, "not_found", "There is no postmortem of INC-1 yet");
	resolved(x);
	talk_say(x, "postmortem start");
	talk_say(x, "postmortem edit summary It was human error.");
	talk_say(x, "postmortem final");
	assert_refused(x, "policy", "is not final");
	assert_has(x->text, "Summary, “");
	assert_has(x->text, "human error");
	assert_has(x->text, "Contributing factors: 0 of at least 3");
	assert_has(x->text, "--waive");
	assert_int_equal(latest(x).state, REVIEW_DRAFT);
	talk_say(x, "postmortem final no time");
	assert_refused(x, "usage", "--waive \"no time\"");
	talk_say(x, "postmortem final --waive \"reviewed with INC-40\"");
	assert_answered(x, "is final, version 3, without passing its checks");
	assert_string_equal(latest(x).waiver, "reviewed with INC-40");
	assert_has(audit_meta(x, "postmortem.final"), "reviewed with INC-40");
	assert_int_equal(talk_entry(x, 1, 0).kind, ENTRY_DECISION);
	talk_say(x, "postmortem");
	assert_answered(x, "without passing its checks, by @alice: reviewed with INC-40");
}

static void test_draft_again(void **state)
{
	struct talk *x = *state;

	resolved(x);
	talk_say(x, "postmortem start");
	talk_say(x, "postmortem draft why not");
	assert_refused(x, "conflict", "is a draft already");
	talk_say(x, "postmortem final --waive \"no time\"");
	talk_say(x, "postmortem draft");
	assert_refused(x, "usage", "say why");
	talk_say(x, "postmortem draft new figures");
	assert_answered(x, "draft, version 3");
	assert_null(latest(x).waiver);
	/* What is a draft is owed. */
	assert_int_not_equal(talk_promise(x, 1, PROMISE_REVIEW).due_at, 0);
}

static void test_reopened(void **state)
{
	struct talk *x = *state;

	resolved(x);
	talk_say(x, "postmortem start");
	talk_say(x, "postmortem final --waive \"no time\"");
	talk_say(x, "reopen it came back");
	assert_has(x->text, "its postmortem is a draft again");
	assert_answered(x, "is open again");
	assert_int_equal(latest(x).state, REVIEW_DRAFT);
	assert_int_equal(talk_promise(x, 1, PROMISE_REVIEW).due_at, 0);
	resolved(x);
	assert_int_not_equal(talk_promise(x, 1, PROMISE_REVIEW).due_at, 0);
}

/* ---- owed ---- */

static void test_owed(void **state)
{
	struct talk *x = *state;
	struct promise p;

	resolved(x);
	p = talk_promise(x, 1, PROMISE_REVIEW);
	assert_int_equal(p.due_at, TALK_START + WITHIN + (x->clock.manual_ms - TALK_START));
	assert_int_equal(talk_timers_named(x, 1, "promise"), 1);
	talk_forget(x);
	talk_pass(x, p.due_at - x->clock.manual_ms - DAY_MS);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, ALICE), "The postmortem of INC-1 is owed until");
	talk_forget(x);
	talk_pass(x, DAY_MS);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "The postmortem of INC-1 is due now");
	assert_has(talk_entry(x, 1, 0).text, "the postmortem was not final by");
	talk_forget(x);
	talk_pass(x, DAY_MS);
	assert_has(talk_said(x, EFFECT_MESSAGE_POST, "incident"), "INC-1 is 1 d overdue");
	talk_pass(x, 10 * DAY_MS);
	talk_forget(x);
	talk_pass(x, 30 * DAY_MS);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "incident", NULL), 0);
}

/* A level that asks for none: owed when somebody begins one. */
static void test_asked_for(void **state)
{
	struct talk *x = *state;

	talk_say(x, "severity sev3 smaller than thought");
	resolved(x);
	assert_has_not(x->text, "is owed");
	assert_int_equal(talk_promise(x, 1, PROMISE_REVIEW).due_at, 0);
	talk_say(x, "postmortem start");
	assert_answered(x, "the light form");
	assert_true(latest(x).light);
	assert_int_equal(talk_promise(x, 1, PROMISE_REVIEW).due_at, x->clock.manual_ms + WITHIN);
	talk_say(x, "postmortem factor technical the limit was too low");
	talk_say(x, "postmortem edit lessons Limits are tested.");
	talk_say(x, "postmortem final");
	assert_answered(x, "is final");
	talk_say(x, "close");
	assert_answered(x, "INC-1 is closed");
}

static void test_not_owed(void **state)
{
	struct talk *x = *state;

	x->config->review.within_ms = 0;
	resolved(x);
	assert_int_equal(talk_promise(x, 1, PROMISE_REVIEW).due_at, 0);
	assert_has_not(x->text, "is owed");
	/* Closed with a waiver: owed no more. */
	x->config->review.within_ms = WITHIN;
	talk_say(x, "reopen again");
	resolved(x);
	talk_say(x, "close --without-review \"same cause as INC-40\"");
	assert_answered(x, "is closed without a review");
	assert_int_equal(talk_promise(x, 1, PROMISE_REVIEW).due_at, 0);
	assert_int_equal(talk_promise_ended(x, 1, PROMISE_REVIEW).state, PROMISE_WITHDRAWN);
}

/* Begun after the incident was put away: nobody is reminded of it. */
static void test_after_the_close(void **state)
{
	struct talk *x = *state;

	resolved(x);
	talk_say(x, "close --without-review \"same cause as INC-40\"");
	talk_say(x, "postmortem start");
	assert_answered(x, "draft, version 1");
	assert_int_equal(talk_promise(x, 1, PROMISE_REVIEW).due_at, 0);
	talk_say(x, "postmortem final --waive \"figures are lost\"");
	assert_answered(x, "is final");
	assert_has_not(x->text, "can be closed");
	talk_say(x, "postmortem draft found them");
	assert_answered(x, "draft, version 3");
	assert_int_equal(talk_promise(x, 1, PROMISE_REVIEW).due_at, 0);
}

/* Merged after its end: the other one's postmortem is about both. */
static void test_merged(void **state)
{
	struct talk *x = *state;

	resolved(x);
	talk_say(x, "declare sev2 payments are failing");
	talk_say(x, "#1 merge #2");
	assert_answered(x, "INC-1 is merged into INC-2");
	assert_int_equal(talk_promise(x, 1, PROMISE_REVIEW).due_at, 0);
	talk_say(x, "#1 unmerge they are two");
	assert_answered(x, "INC-1");
	assert_int_not_equal(talk_promise(x, 1, PROMISE_REVIEW).due_at, 0);
}

/* ---- files ---- */

static const char *render(struct talk *x, enum review_format f)
{
	struct str s STR_CLEANUP = { 0 };

	str_init(&s, REVIEW_FILE_MAX);
	if (reviewing_export(x->store, x->config, 1, f, &s, &x->err) < 0)
		fail_msg("%s", x->err.text);
	return arena_strdup(x->arena, s.p);
}

static void test_files(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "postmortem start");
	written(x);
	resolved(x);
	talk_forget(x);
	talk_say(x, "postmortem export");
	assert_answered(x, "is on its way as inc-1-postmortem-2026");
	e = talk_file(x);
	assert_string_equal(e->channel, "slack:CINC1");
	assert_has(json_get_str(e->payload, "name"), ".md");
	assert_has(json_get_str(e->payload, "text"), "# Postmortem of INC-1: checkout is failing");
	assert_has(json_get_str(e->payload, "text"), "retries rise");
	/* The document is not about itself. */
	assert_has_not(json_get_str(e->payload, "text"), "postmortem begun");
	effect_destroy(e);
	talk_forget(x);
	talk_say(x, "postmortem export html --version 2");
	e = talk_file(x);
	assert_has(json_get_str(e->payload, "name"), ".html");
	assert_has(json_get_str(e->payload, "text"), "<h2>Contributing factors</h2>");
	assert_has(json_get_str(e->payload, "text"), "version 2");
	effect_destroy(e);
	talk_say(x, "postmortem export --version 99");
	assert_refused(x, "not_found", "has no version 99");
	talk_say(x, "postmortem export pdf");
	assert_refused(x, "usage", "none of md");
	x->config->review.template = "All of it: {{summary}}";
	assert_has(render(x, REVIEW_AS_TEMPLATE), "All of it: Payments failed");
	assert_has(render(x, REVIEW_AS_HTML), "<p>All of it: Payments failed");
	assert_has(render(x, REVIEW_AS_MD), "# Postmortem of INC-1");
}

static void import(struct talk *x, const char *text)
{
	talk_press(x, ALICE, "postmortem", 1, json_pack("{s:s, s:s}", "do", "import", "file", text));
}

static char *replaced(struct talk *x, const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);

	assert_non_null(at);
	return arena_printf(x->arena, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

static void test_import(void **state)
{
	struct talk *x = *state;
	const char *file;

	talk_say(x, "postmortem start");
	written(x);
	int64_t version = latest(x).version;
	file = render(x, REVIEW_AS_MD);
	import(x, file);
	assert_answered(x, "Nothing differs");
	assert_has_not(x->text, "not taken from the file");
	import(x, replaced(x, file, "The rollback took 4 minutes.", "The rollback took 5 minutes.\n\n```\n## not a heading\n```"));
	assert_answered(x, "What went well: kept as version");
	assert_has_not(x->text, "not taken from the file");
	assert_string_equal(section(x, REVIEW_WELL), "The rollback took 5 minutes.\n\n```\n## not a heading\n```");
	assert_int_equal(latest(x).version, version + 1);
	assert_has(audit_meta(x, "postmortem.imported"), "\"sections\":[\"well\"]");
	/* Made from an older version, in another section. */
	import(x, replaced(x, file, "20 minutes to find", "30 minutes to find"));
	assert_answered(x, "What went poorly: kept as version");
	assert_has(section(x, REVIEW_WELL), "5 minutes");
	/* … in the same one. */
	import(x, replaced(x, file, "took 4 minutes.", "took 6 minutes."));
	assert_refused(x, "conflict", "changed What went well in version");
	assert_has(section(x, REVIEW_WELL), "5 minutes");
	/* The record is not edited in a file. */
	import(x, replaced(x, render(x, REVIEW_AS_MD), "retries rise", "nothing happened"));
	assert_answered(x, "not taken from the file, since it always comes from the record: Timeline");
	import(x, replaced(x, file, "## Lessons", "## Lessens"));
	assert_refused(x, "usage", "line ");
	assert_has(x->text, "there is no section \"Lessens\"");
	import(x, replaced(x, file, "INC-1:", "INC-2:"));
	assert_refused(x, "conflict", "the file is the postmortem of INC-2");
	import(x, "no heading at all");
	assert_refused(x, "usage", "no section was found");
	talk_say(x, "postmortem import");
	assert_refused(x, "usage", "sitrep postmortem import 1 FILE");
}

static void test_publish(void **state)
{
	struct talk *x = *state;
	struct effect_row *row;

	x->config->review.publish[0] = REVIEW_TO_CHANNEL;
	x->config->review.publish[1] = REVIEW_TO_ISSUE; /* there is none: nothing happens */
	x->config->review.publish_count = 2;
	resolved(x);
	talk_say(x, "postmortem start");
	talk_forget(x);
	x->channel = "slack:CGENERAL";
	talk_say(x, "#1 postmortem final --waive \"no time\"");
	assert_answered(x, "is final");
	assert_int_equal(talk_effects(x, EFFECT_FILE_SHARE, "incident", &row), 1);
	assert_has(row[0].payload, "\"file\":\"postmortem\",\"args\":{\"format\":\"md\",\"version\":2}");
	assert_null(strstr(row[0].payload, "\"person\""));
}

/* ---- protected ---- */

static void test_protected(void **state)
{
	struct talk *x = *state;
	char words[100];
	long long id;

	x->channel = NULL;
	talk_say(x, "declare sev2 --security keys leaked");
	assert_int_equal(sscanf(x->text, "INC-%lld", &id), 1);
	snprintf(words, sizeof(words), "#%lld note --legal we must tell the regulator", id);
	talk_say(x, words);
	snprintf(words, sizeof(words), "#%lld postmortem start", id);
	talk_say(x, words);
	assert_answered(x, "draft, version 1");
	snprintf(words, sizeof(words), "#%lld postmortem", id);
	talk_say_as(x, BOB, words);
	assert_refused(x, "not_found", "There is no INC-");
	snprintf(words, sizeof(words), "#%lld postmortem review @bob", id);
	talk_say(x, words);
	assert_refused(x, "conflict", "@bob has no access");
	struct str s STR_CLEANUP = { 0 };
	str_init(&s, REVIEW_FILE_MAX);
	assert_int_equal(reviewing_export(x->store, x->config, id, REVIEW_AS_MD, &s, &x->err), 0);
	assert_has(s.p, "keys leaked");
	assert_null(strstr(s.p, "regulator"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_start), TEST(test_cancelled), TEST(test_rights), TEST(test_lines), TEST(test_too_long), TEST(test_form),
		TEST(test_two_people), TEST(test_large_section_is_edited_as_a_file), TEST(test_review_and_final), TEST(test_final_refused),
		TEST(test_draft_again), TEST(test_reopened), TEST(test_owed), TEST(test_asked_for), TEST(test_not_owed), TEST(test_merged), TEST(test_after_the_close),
		TEST(test_files), TEST(test_import), TEST(test_publish), TEST(test_protected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
