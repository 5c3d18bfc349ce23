/* One request from the inbox to the stored reply: what is kept, what is undone, who may, which
 * incident is meant. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "incident/doc.h"
#include "store/audit.h"
#include "store/db.h"
#include "store/people.h"
#include "store/relations.h"
#include "support_core.h"

#define MALLORY "slack:UMALLORY"

/* ---- requests with delivery keys ------------------------------------------------------- */

struct delivery {
	const char *person, *words, *op;
	const char *envelope, *trigger; /* keys; NULL: none */
	bool forms;
};

static int try_deliver(struct talk *x, const struct delivery *d)
{
	struct request *r = request_create(REQUEST_CHAT);
	struct str s;
	int rc;

	r->actor.person = arena_strdup(r->arena, d->person ? d->person : ALICE);
	r->actor.name = "front-end-name";
	r->words = arena_strdup(r->arena, d->words);
	r->operation = arena_strdup(r->arena, d->op);
	r->can_open_form = d->forms;
	request_add_key(r, "slack:envelope:", d->envelope);
	request_add_key(r, "slack:trigger:", d->trigger);
	reply_finish(&x->reply);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	rc = dispatch(&x->desk, r, &x->reply, &x->err);
	if (rc < 0)
		store_rollback(x->store);
	else
		assert_int_equal(store_commit(x->store, &x->err), 0);
	str_init_arena(&s, x->arena, 60000);
	if (x->reply.doc)
		doc_plain(&s, x->reply.doc, "UTC", TALK_START, NULL, NULL);
	x->text = s.p ? s.p : "";
	x->reply.code = arena_strdup(x->arena, x->reply.code);
	request_destroy(r);
	return rc;
}

static void deliver(struct talk *x, const struct delivery *d)
{
	if (try_deliver(x, d) < 0)
		fail_msg("%s", x->err.text);
}

static int64_t incidents(struct talk *x)
{
	struct incident_filter f;
	struct incident *out;
	size_t n;

	incident_filter_init(&f);
	f.sees_all = true;
	f.limit = 500;
	assert_int_equal(incident_find(x->store, x->arena, &f, &out, &n, &x->err), 0);
	return (int64_t)n;
}

static int64_t audited(struct talk *x)
{
	int64_t n = 0;

	assert_int_equal(audit_verify(x->store, &n, &x->err), 0);
	return n;
}

/* ---- the inbox ------------------------------------------------------------------------- */

static void test_repeated_delivery_gets_the_stored_reply(void **state)
{
	struct talk *x = *state;
	const char *first;

	deliver(x, &(struct delivery){
			   .words = "declare sev2 checkout", .envelope = "E1", .trigger = "T1" });
	assert_answered(x, "INC-1 is open");
	first = x->text;
	deliver(x, &(struct delivery){
			   .words = "declare sev2 checkout", .envelope = "E1", .trigger = "T1" });
	assert_string_equal(x->text, first);
	assert_int_equal(x->reply.kind, REPLY_MESSAGE);
	/* Under a new envelope the trigger still tells. */
	deliver(x, &(struct delivery){
			   .words = "declare sev2 checkout", .envelope = "E2", .trigger = "T1" });
	assert_string_equal(x->text, first);
	assert_int_equal(incidents(x), 1);
	/* The same words under new keys are a new wish. */
	deliver(x, &(struct delivery){
			   .words = "declare sev2 checkout", .envelope = "E3", .trigger = "T3" });
	assert_answered(x, "INC-2 is open");
	/* Without a key nothing is taken for a repetition. */
	deliver(x, &(struct delivery){ .words = "declare sev2 checkout" });
	deliver(x, &(struct delivery){ .words = "declare sev2 checkout" });
	assert_int_equal(incidents(x), 4);
}

static void test_refusal_is_remembered(void **state)
{
	struct talk *x = *state;

	deliver(x, &(struct delivery){ .words = "show #1", .envelope = "E1" });
	assert_refused(x, "not_found", "There is no INC-1");
	talk_say(x, "declare sev2 checkout");
	deliver(x, &(struct delivery){ .words = "show #1", .envelope = "E1" });
	assert_refused(x, "not_found", "There is no INC-1");
	deliver(x, &(struct delivery){ .words = "show #1", .envelope = "E2" });
	assert_answered(x, "checkout");
}

static void test_form_does_not_open_twice(void **state)
{
	struct talk *x = *state;
	struct delivery bare = {
		.words = "declare", .envelope = "E1", .trigger = "T1", .forms = true
	};

	deliver(x, &bare);
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_string_equal(json_get_str(x->reply.form, "op"), "declare");
	deliver(x, &bare);
	assert_int_equal(x->reply.kind, REPLY_NONE);
	assert_null(x->reply.form);
}

/* ---- failures -------------------------------------------------------------------------- */

static void sql(struct talk *x, const char *text)
{
	if (db_script(store_db(x->store), text, &x->err) < 0)
		fail_msg("%s", x->err.text);
}

static void test_internal_failure_is_undone_and_can_come_again(void **state)
{
	struct talk *x = *state;
	struct delivery d = { .words = "declare sev2 checkout", .envelope = "E1", .trigger = "T1" };
	int64_t before = audited(x);

	/* The incident is written before its first timeline entry, which now fails. */
	sql(x, "CREATE TEMP TRIGGER broken BEFORE INSERT ON main.timeline BEGIN SELECT "
	       "RAISE(ABORT, 'broken'); END");
	deliver(x, &d);
	assert_refused(x, "internal", "nothing was done. Try again");
	assert_has_not(x->text, "broken");
	assert_int_equal(incidents(x), 0);
	assert_int_equal(audited(x), before);
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_OPEN, NULL, NULL), 0);
	sql(x, "DROP TRIGGER broken");
	deliver(x, &d);
	assert_answered(x, "is open");
	assert_int_equal(incidents(x), 1);
}

/* One request that fails leaves the others of its batch as they are. */
static void test_failure_in_a_batch(void **state)
{
	struct talk *x = *state;
	const char *const lines[] = { "declare sev2 first", "declare sev2 explodes",
		"declare sev2 third" };

	sql(x, "CREATE TEMP TRIGGER broken BEFORE INSERT ON main.timeline WHEN NEW.text LIKE "
	       "'explodes%' "
	       "BEGIN SELECT RAISE(ABORT, 'broken'); END");
	assert_int_equal(store_begin(x->store, &x->err), 0);
	for (size_t i = 0; i < 3; i++) {
		struct request *r = request_create(REQUEST_CHAT);
		struct reply reply;

		r->actor.person = ALICE;
		r->words = lines[i];
		assert_int_equal(dispatch(&x->desk, r, &reply, &x->err), 0);
		assert_int_equal(reply.kind, i == 1 ? REPLY_REFUSAL : REPLY_MESSAGE);
		reply_finish(&reply);
		request_destroy(r);
	}
	assert_int_equal(store_commit(x->store, &x->err), 0);
	assert_int_equal(incidents(x), 2);
	sql(x, "DROP TRIGGER broken");
}

/* Without savepoints it cannot be undone alone: the caller is told, and the batch cannot be committed by mistake. */
static void test_failure_without_savepoints(void **state)
{
	struct talk *x = *state;
	const char *const lines[] = { "declare sev2 first", "declare sev2 explodes" };

	sql(x, "CREATE TEMP TRIGGER broken BEFORE INSERT ON main.timeline WHEN NEW.text LIKE "
	       "'explodes%' "
	       "BEGIN SELECT RAISE(ABORT, 'broken'); END");
	assert_int_equal(store_begin_together(x->store, &x->err), 0);
	for (size_t i = 0; i < 2; i++) {
		struct request *r = request_create(REQUEST_CHAT);
		struct reply reply;

		r->actor.person = ALICE;
		r->words = lines[i];
		assert_int_equal(
			dispatch(&x->desk, r, &reply, &x->err), i == 1 ? -ERESTART : 0);
		assert_int_equal(reply.kind, i == 1 ? REPLY_NONE : REPLY_MESSAGE);
		assert_int_equal(store_spoiled(x->store), i == 1);
		reply_finish(&reply);
		request_destroy(r);
	}
	assert_int_equal(store_commit(x->store, &x->err), -ERESTART);
	assert_int_equal(incidents(x), 0);
	sql(x, "DROP TRIGGER broken");
}

static void test_full_disk_takes_the_batch_back(void **state)
{
	struct talk *x = *state;
	int rc = 0;

	sql(x, "PRAGMA max_page_count = 1"); /* no page more than there are */
	for (int i = 0; i < 500 && rc == 0; i++)
		rc = try_deliver(x, &(struct delivery){ .words = "declare sev2 one more" });
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(x->reply.kind, REPLY_NONE);
	assert_null(x->reply.doc);
	sql(x, "PRAGMA max_page_count = 1000000");
	deliver(x, &(struct delivery){ .words = "declare sev2 one more" });
	assert_answered(x, "is open");
}

/* ---- people ---------------------------------------------------------------------------- */

static void test_first_sight(void **state)
{
	struct talk *x = *state;
	struct person p;

	/* Even a refused line is how we meet. */
	deliver(x, &(struct delivery){ .person = MALLORY, .words = "show #9" });
	assert_int_equal(person_get(x->store, x->arena, MALLORY, &p, &x->err), 0);
	assert_string_equal(p.name, "front-end-name");
	assert_int_equal(talk_effects(x, EFFECT_PERSON_FETCH, NULL, NULL), 1);
	deliver(x, &(struct delivery){ .person = MALLORY, .words = "list" });
	deliver(x, &(struct delivery){ .person = ALICE, .words = "list" });
	assert_int_equal(talk_effects(x, EFFECT_PERSON_FETCH, NULL, NULL), 1);
}

static void test_zone_of_the_actor(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout");
	/* 14:00 UTC is 15:00 in Berlin: 14:40 there was twenty minutes ago. */
	talk_say_as(x, BOB, "note 14:40 deploy");
	assert_int_equal(TALK_START - talk_entry(x, 1, 2).happened_at, 20 * MINUTE_MS);
}

/* ---- rights ---------------------------------------------------------------------------- */

static void test_rights(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 secret plans");
	x->config->access.binding_count = 0;
	talk_say_as(x, MALLORY, "declare sev1 havoc");
	assert_refused(x, "forbidden", "needs the right incident.write");
	/* Nothing about an incident is told before the right is checked. */
	talk_say_as(x, MALLORY, "show #1");
	assert_refused(x, "forbidden", "incident.read");
	assert_has_not(x->text, "secret");
	talk_say_as(x, MALLORY, "show #999");
	assert_refused(x, "forbidden", "incident.read");
	talk_press(x, MALLORY, "severity", 1, json_pack("{s:s}", "level", "sev1"));
	assert_refused(x, "forbidden", "incident.write");
	talk_submit(x, MALLORY, "update", 1, json_pack("{s:s}", "known", "all is lost"));
	assert_refused(x, "forbidden", "incident.write");
	/* Nor may an event from outside do what its person may not. */
	talk_event(x, MALLORY, "reaction.added");
	assert_refused(x, "forbidden", "incident.write");
	talk_say_as(x, MALLORY, "help");
	assert_answered(x, "declare");
	assert_int_equal(talk_incident(x, 1).severity, 2);
	assert_int_equal(incidents(x), 1);
}

static void test_people_cannot_run_internal_operations(void **state)
{
	struct talk *x = *state;
	static const char *const ops[] = {
		"promise.due",
		"effect.outcome",
		"reaction.added",
		"home.opened",
		"housekeeping",
		"",
		"x\x01y",
	};

	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		talk_press(x, ALICE, ops[i], 0, NULL);
		assert_refused(x, "unknown", "nothing was done");
		talk_say(x, *ops[i] ? ops[i] : "-");
		assert_refused(x, "unknown", "nothing was done");
	}
}

/* Rights come from who asks: whoever is nobody has none, and nobody outside is the system. */
static void test_nobody(void **state)
{
	struct talk *x = *state;
	static const char *const persons[] = { "sitrep", "nobody", "slack:", "slack:U1 U2", "" };

	for (size_t i = 0; i < sizeof(persons) / sizeof(*persons); i++) {
		talk_say_as(x, persons[i], "declare sev2 checkout");
		assert_refused(x, "forbidden", "who asks");
		talk_event(x, persons[i], "home.opened");
		assert_refused(x, "forbidden", "who asks");
	}
	talk_say_as(x, NULL, "declare sev2 checkout");
	assert_refused(x, "forbidden", "who asks");
	assert_int_equal(incidents(x), 0);
}

/* Whoever may not see a private incident cannot tell that it exists. */
static void test_private(void **state)
{
	struct talk *x = *state;
	struct incident inc;
	const char *absent;

	talk_say(x, "declare sev2 breach of the vault");
	inc = talk_incident(x, 1);
	inc.is_private = true;
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(incident_save(x->store, &inc, &x->err), 0);
	assert_int_equal(access_grant(x->store, 1, ALICE, ALICE, TALK_START, &x->err), 0);
	assert_int_equal(role_assign(x->store, 1, ROLE_SCRIBE, CAROL, TALK_START, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);

	absent = talk_say_as(x, BOB, "show #2");
	assert_refused(x, "not_found", "There is no INC-2");
	talk_say_as(x, BOB, "show #1");
	assert_refused(x, "not_found", "There is no INC-1");
	assert_int_equal(strlen(x->text), strlen(absent));
	talk_press(x, BOB, "severity", 1, json_pack("{s:s}", "level", "sev1"));
	assert_refused(x, "not_found", "There is no INC-1");
	talk_say_as(x, BOB, "show");
	assert_refused(x, "not_found", "No incident is open");
	talk_say_as(x, ALICE, "show");
	assert_answered(x, "vault");
	talk_say_as(x, CAROL, "show #1");
	assert_answered(x, "vault");
	/* Not among those that are offered either. */
	talk_say(x, "declare sev3 a");
	talk_say(x, "declare sev3 b");
	talk_say_as(x, BOB, "timeline");
	assert_refused(x, "conflict", "2 incidents are open");
	assert_has_not(x->text, "vault");
	talk_say_as(x, CAROL, "timeline");
	assert_refused(x, "conflict", "3 incidents are open");
}

/* ---- which incident -------------------------------------------------------------------- */

static void test_target_of_none(void **state)
{
	struct talk *x = *state;

	talk_say(x, "sev 1");
	assert_refused(x, "not_found", "No incident is open");
	assert_has(x->text, "/inc declare");
	talk_say(x, "note #7 anything");
	assert_refused(x, "not_found", "There is no INC-7");
}

static void test_target_of_one(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout");
	talk_say(x, "sev 1 worse");
	assert_answered(x, "taken for INC-1, the only open incident");
	assert_int_equal(talk_incident(x, 1).severity, 1);
	talk_say(x, "#1 show");
	assert_has_not(x->text, "the only open");
}

static void test_target_of_several(void **state)
{
	struct talk *x = *state;
	json_t *items, *button;

	talk_say(x, "declare sev3 search");
	talk_say(x, "declare sev1 checkout");
	talk_say(x, "note 13:40 deploy of v2 started --kind fact");
	assert_refused(x, "conflict", "2 incidents are open");
	assert_int_equal(talk_entries(x, 1) + talk_entries(x, 2), 4);
	items = json_at(x->reply.doc, "blocks.1.items");
	assert_int_equal(json_array_size(items), 2);
	/* The worst first; each button carries what was typed. */
	button = json_incref(json_array_get(items, 0));
	assert_string_equal(json_get_str(button, "op"), "note");
	assert_int_equal(json_get_int(button, "incident", 0), 2);
	talk_press(x, ALICE, "note", 2, json_incref(json_get_obj(button, "args")));
	json_decref(button);
	assert_int_equal(x->reply.kind, REPLY_MESSAGE);
	assert_string_equal(talk_entry(x, 2, 2).text, "deploy of v2 started");
	assert_int_equal(talk_entry(x, 2, 2).kind, ENTRY_FACT);
	assert_int_equal(talk_entry(x, 2, 2).happened_at, TALK_START - 20 * MINUTE_MS);
	/* What is wrong with the words is said before anybody has to choose. */
	talk_say(x, "sev enormous");
	assert_refused(x, "usage", "is no severity");
}

/* More text than a button carries: nothing of it may be lost, so there is no button. */
static void test_target_of_several_long(void **state)
{
	struct talk *x = *state;
	char line[2600] = "note ";

	memset(line + 5, 'x', 2500);
	talk_say(x, "declare sev3 search");
	talk_say(x, "declare sev1 checkout");
	talk_say(x, line);
	assert_refused(x, "conflict", "by putting its number first");
	assert_null(talk_button(x, "note"));
	assert_has(x->text, "INC-2");
}

static void test_target_by_channel(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 search");
	talk_say(x, "declare sev3 checkout");
	talk_deliver(x);
	x->channel = "slack:CINC1";
	talk_say(x, "sev 2 worse");
	assert_has(x->text, "INC-1 is SEV2");
	assert_has_not(x->text, "taken for");
	talk_say(x, "#2 sev 1 worse");
	assert_has(x->text, "INC-2 is SEV1");
	talk_say(x, "sev 4 --incident 2 fine again");
	assert_has(x->text, "INC-2 is SEV4");
	/* A new one may be declared where another one lives. */
	talk_say(x, "declare sev3 mail");
	assert_answered(x, "INC-3 is open");
	assert_string_equal(talk_incident(x, 1).title, "search");
	talk_say(x, "#999 declare sev3 print");
	assert_answered(x, "INC-4 is open");
	x->channel = "slack:CELSEWHERE";
	talk_say(x, "sev 2 worse");
	assert_refused(x, "conflict", "4 incidents are open");
}

static void test_target_closed(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 search");
	talk_say(x, "resolve fixed --not-verified nobody --incident 1");
	talk_say(x, "#1 sev 1");
	assert_refused(x, "conflict", "INC-1 is resolved");
	assert_has(x->text, "/inc reopen #1 why");
	assert_int_equal(talk_incident(x, 1).severity, 3);
	/* A closed one does not need telling that it is the only one. */
	talk_say(x, "sev 1");
	assert_refused(x, "not_found", "No incident is open");
}

/* ---- forms and buttons ----------------------------------------------------------------- */

static void test_forms(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 checkout");
	talk_say(x, "severity");
	assert_refused(
		x, "usage", "severity needs “level”; nothing was done. Usage: /inc severity");
	x->forms = true;
	talk_say(x, "severity");
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_int_equal(json_get_int(x->reply.form, "incident", 0), 1);
	assert_string_equal(json_get_str(json_at(x->reply.form, "fields.0"), "arg"), "level");
	assert_string_equal(json_get_str(json_at(x->reply.form, "fields.0"), "type"), "choice");
	assert_int_equal(json_array_size(json_at(x->reply.form, "fields.0.options")), 4);
	assert_string_equal(json_get_str(json_at(x->reply.form, "fields.0"), "value"), "sev2");
	/* A line with something in it is a line, and is told what it lacks. */
	talk_say(x, "sev because");
	assert_refused(x, "usage", "is no severity");
	/* A button that leaves something to be said opens the form, what it said already filled
	 * in. */
	talk_press(x, ALICE, "severity", 1, json_pack("{s:s}", "why", "doubled"));
	assert_int_equal(x->reply.kind, REPLY_FORM);
	assert_string_equal(json_get_str(json_at(x->reply.form, "fields.1"), "value"), "doubled");
	talk_press(x, ALICE, "update", 1, NULL);
	assert_int_equal(x->reply.kind, REPLY_FORM);
	/* The filled form is checked at its fields. */
	talk_submit(
		x, ALICE, "severity", 1, json_pack("{s:s, s:s}", "level", "", "why", "doubled"));
	assert_refused(x, "usage", "");
	assert_non_null(json_get_str(x->reply.fields, "level"));
	talk_submit(x, ALICE, "severity", 1, json_pack("{s:s}", "level", "enormous"));
	assert_has(json_get_str(x->reply.fields, "level"), "is no severity");
	talk_submit(x, ALICE, "severity", 1,
		json_pack("{s:s, s:s}", "level", "sev1", "why", "doubled"));
	assert_answered(x, "INC-1 is SEV1");
}

static void test_nothing_in_the_line(void **state)
{
	struct talk *x = *state;
	static const char *const lines[] = { "", "  ", "\x01\x02\x7f", "\xE2\x80\x8B\xE2\x80\xAE",
		"/inc", "/incident  " };

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		talk_say(x, lines[i]);
		assert_answered(x, "declare");
	}
	talk_say(x, "<@UBOB> <@UALICE>");
	assert_refused(x, "unknown", "nothing was done");
}

/* ---- audit ----------------------------------------------------------------------------- */

static void test_audit(void **state)
{
	struct talk *x = *state;
	int64_t n;

	talk_say(x, "declare sev2 checkout");
	n = audited(x);
	assert_true(n > 0);
	talk_say(x, "show");
	talk_say(x, "list");
	talk_say(x, "timeline");
	talk_say(x, "help");
	talk_say(x, "whoami");
	talk_say(x, "updte nothing");
	talk_say(x, "sev enormous");
	assert_int_equal(audited(x), n);
	talk_say(x, "sev 1 worse");
	assert_true(audited(x) > n);
}

/* What waited behind one that is dropped may go, of whatever kind it is: nothing else would make anybody look. */
static void test_what_waits_behind_a_dropped_one_goes(void **state)
{
	struct talk *x = *state;
	struct effect_row row[] = {
		{ .system = "slack", .lane = "slack/1", .kind = EFFECT_MESSAGE_EDIT, .to = "incident",
			.slot = "nowhere", .payload = "{}" },
		{ .system = "slack", .lane = "slack/1", .kind = EFFECT_MESSAGE_POST, .to = "slack:C1",
			.payload = "{\"text\":\"next\"}" },
	};
	struct effect *out[64];
	size_t n;

	talk_say(x, "declare sev3 reports are slow");
	talk_deliver(x);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	for (size_t i = 0; i < 2; i++) {
		row[i].incident = 1;
		row[i].created_at = clock_now(&x->clock);
		assert_int_equal(effect_insert(x->store, x->arena, &row[i], &x->err), 0);
	}
	deliver_expect(&x->desk, EFFECT_MESSAGE_EDIT, clock_now(&x->clock));
	assert_int_equal(deliver_start(&x->desk, out, 64, &n, &x->err), 0);
	assert_int_equal(n, 0);
	assert_in_range(deliver_next(&x->desk), 1, clock_now(&x->clock));
	assert_int_equal(deliver_start(&x->desk, out, 64, &n, &x->err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(out[0]->kind, EFFECT_MESSAGE_POST);
	effect_destroy(out[0]);
	assert_int_equal(store_commit(x->store, &x->err), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, talk_setup, talk_teardown)
		TEST(test_repeated_delivery_gets_the_stored_reply),
		TEST(test_refusal_is_remembered),
		TEST(test_what_waits_behind_a_dropped_one_goes),
		TEST(test_form_does_not_open_twice),
		TEST(test_internal_failure_is_undone_and_can_come_again),
		TEST(test_failure_in_a_batch),
		TEST(test_failure_without_savepoints),
		TEST(test_full_disk_takes_the_batch_back),
		TEST(test_first_sight),
		TEST(test_zone_of_the_actor),
		TEST(test_rights),
		TEST(test_people_cannot_run_internal_operations),
		TEST(test_nobody),
		TEST(test_private),
		TEST(test_target_of_none),
		TEST(test_target_of_one),
		TEST(test_target_of_several),
		TEST(test_target_of_several_long),
		TEST(test_target_by_channel),
		TEST(test_target_closed),
		TEST(test_forms),
		TEST(test_nothing_in_the_line),
		TEST(test_audit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
