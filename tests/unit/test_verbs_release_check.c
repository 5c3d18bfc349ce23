/* The release gate as an operation (FEATURES K2, K3): what it looks at, who is told of what, and never a pass in doubt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "commands/gating.h"
#include "store/db.h"
#include "store/learning.h"
#include "store/references.h"
#include "support_core.h"

#define DAVE "slack:UDAVE"

static const json_t *data(struct talk *x)
{
	const json_t *d = json_get_obj(x->reply.doc, "data");

	assert_non_null(d);
	return d;
}

static void verdict_is(struct talk *x, const char *verdict, int status)
{
	assert_string_equal(json_get_str(data(x), "verdict"), verdict);
	assert_int_equal(json_get_int(data(x), "exit_status", -1), status);
}

static size_t reasons(struct talk *x)
{
	return json_array_size(json_get_arr(data(x), "reasons"));
}

static const json_t *reason(struct talk *x, size_t i)
{
	return json_array_get(json_get_arr(data(x), "reasons"), i);
}

/* A follow-up as the record keeps it, due `days` from now, made when it was due a week later than that. */
static int64_t owed(struct talk *x, int64_t incident, int64_t days, int64_t made_days)
{
	char title[] = "alert on retries", owner[] = BOB, by[] = ALICE;
	int64_t now = clock_now(&x->clock);
	struct followup f = { .incident = incident, .title = title, .owner = owner, .by = by, .priority = 1,
		.due_at = now + days * DAY_MS, .created_at = now + made_days * DAY_MS };

	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(followup_insert(x->store, &f, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	return f.id;
}

static void resolved(struct talk *x, int64_t id)
{
	char line[128];

	snprintf(line, sizeof(line), "#%lld resolve rolled back --signal works --health green", (long long)id);
	talk_say(x, line);
}

/* ---- open incidents ---- */

static void test_blocks_until_it_is_over(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev1 checkout is failing --service checkout");
	talk_say(x, "release-check Checkout");
	assert_answered(x, "BLOCKED: a release of checkout waits for 1 thing");
	assert_has(x->text, "blocks · INC-1 (SEV1, triage)");
	verdict_is(x, "blocked", 1);
	assert_int_equal(reasons(x), 1);
	assert_string_equal(json_get_str(reason(x, 0), "id"), "INC-1");
	assert_string_equal(json_get_str(reason(x, 0), "kind"), "open_incident");
	assert_true(json_get_bool(reason(x, 0), "blocks", false));
	assert_string_equal(talk_button(x, "show"), "INC-1");
	resolved(x, 1);
	talk_say(x, "gate checkout");
	assert_answered(x, "PASS: checkout may be released");
	verdict_is(x, "pass", 0);
	assert_int_equal(reasons(x), 0);
}

static void test_levels(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 a corner of checkout --service checkout,cart");
	talk_say(x, "release-check checkout");
	assert_answered(x, "PASS: checkout may be released; 1 more to know of");
	assert_has(x->text, "to know · INC-1");
	verdict_is(x, "pass", 0);
	talk_say(x, "declare sev2 cart is slow --service cart");
	talk_say(x, "release-check cart");
	verdict_is(x, "blocked", 1);
	assert_int_equal(reasons(x), 2);
	assert_string_equal(json_get_str(reason(x, 0), "id"), "INC-2");
	/* Nothing of another service. */
	talk_say(x, "release-check checkout");
	verdict_is(x, "pass", 0);
	x->config->gate.fail_on = 1u << 2;
	talk_say(x, "release-check checkout");
	verdict_is(x, "blocked", 1);
}

static void test_environments(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev1 staging is down --service checkout --env staging");
	talk_say(x, "release-check checkout --env production");
	verdict_is(x, "pass", 0);
	talk_say(x, "release-check checkout --env Staging");
	assert_has(x->text, "a release of checkout in staging waits");
	verdict_is(x, "blocked", 1);
	talk_say(x, "release-check checkout --env any");
	verdict_is(x, "blocked", 1);
	/* As the policy says. */
	x->config->gate.environment = "production";
	talk_say(x, "release-check checkout");
	verdict_is(x, "pass", 0);
	talk_say(x, "release-check checkout --env any");
	verdict_is(x, "blocked", 1);
	/* Nobody has said that it is not production. */
	talk_say(x, "declare sev1 all of it --service checkout");
	talk_say(x, "release-check checkout");
	verdict_is(x, "blocked", 1);
	assert_string_equal(json_get_str(reason(x, 0), "id"), "INC-2");
}

/* ---- follow-ups ---- */

static void test_overdue(void **state)
{
	struct talk *x = *state;
	const json_t *summary;

	talk_say(x, "declare sev3 checkout is slow --service checkout --env production");
	resolved(x, 1);
	owed(x, 1, 3, -1);
	talk_say(x, "release-check checkout");
	verdict_is(x, "pass", 0);
	assert_int_equal(owed(x, 1, -1, -8), 2);
	talk_say(x, "release-check checkout");
	assert_answered(x, "BLOCKED");
	assert_has(x->text, "F2 of INC-1 (P1, @bob) is overdue by 1 d: alert on retries");
	assert_string_equal(json_get_str(reason(x, 0), "kind"), "overdue_followup");
	assert_string_equal(json_get_str(reason(x, 0), "followup_id"), "F2");
	assert_string_equal(json_get_str(reason(x, 0), "incident_id"), "INC-1");
	assert_string_equal(talk_button(x, "followups"), "F2");
	summary = json_get_obj(data(x), "summary");
	assert_int_equal(json_get_int(json_get_obj(summary, "stats"), "total_open_followups", -1), 2);
	assert_int_equal(json_get_int(json_get_obj(summary, "stats"), "overdue", -1), 1);
	assert_int_equal(json_get_int(json_get_obj(summary, "stats"), "open_incidents", -1), 0);
	assert_string_equal(json_get_str(json_array_get(json_get_arr(summary, "overdue_followups"), 0), "due_date"),
		"2026-03-01T14:00:00Z");
	assert_string_equal(json_get_str(json_array_get(json_get_arr(summary, "overdue_followups"), 0), "owner"), "@bob");
	/* Of another environment than its incident's. */
	talk_say(x, "release-check checkout --env staging");
	verdict_is(x, "pass", 0);
	talk_say(x, "release-check checkout --env production");
	verdict_is(x, "blocked", 1);
	talk_say(x, "release-check checkout --mode warn");
	verdict_is(x, "pass", 0);
	assert_int_equal(reasons(x), 1);
	assert_false(json_get_bool(reason(x, 0), "blocks", true));
	assert_has(x->text, "the gate only warns");
	/* Done, as people do it. */
	talk_say(x, "followup F2 done the alert fired in 40 s --signal \"the alert fires\" --class detect");
	talk_say(x, "release-check checkout");
	verdict_is(x, "pass", 0);
}

static void test_window(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 checkout is slow --service checkout");
	resolved(x, 1);
	owed(x, 1, -31, -60);
	talk_say(x, "release-check checkout");
	verdict_is(x, "pass", 0);
	assert_int_equal(reasons(x), 1);
	assert_false(json_get_bool(reason(x, 0), "blocks", true));
	/* Noted today with a date of last year: somebody wants it to count. */
	owed(x, 1, -300, 0);
	talk_say(x, "release-check checkout");
	verdict_is(x, "blocked", 1);
	assert_string_equal(json_get_str(reason(x, 0), "followup_id"), "F2");
}

/* ---- never a pass in doubt ---- */

static void test_unknown(void **state)
{
	struct talk *x = *state;

	talk_say(x, "release-check checkuot");
	assert_answered(x, "UNKNOWN: whether checkuot may be released could not be told");
	verdict_is(x, "unknown", 2);
	talk_say(x, "declare sev4 a typo --service checkout");
	talk_say(x, "release-check checkuot");
	verdict_is(x, "unknown", 2);
	talk_say(x, "release-check check%");
	verdict_is(x, "unknown", 2);
	talk_say(x, "release-check checkout");
	verdict_is(x, "pass", 0);
	x->config->gate.services[x->config->gate.service_count++] = "Payments";
	talk_say(x, "release-check payments");
	verdict_is(x, "pass", 0);
	talk_say(x, "release-check checkout");
	verdict_is(x, "unknown", 2);
	talk_say(x, "release-check");
	assert_refused(x, "usage", "needs");
	talk_say(x, "release-check a,b");
	assert_refused(x, "usage", "one service at a time");
	talk_say(x, "release-check payments --mode lax");
	assert_refused(x, "usage", "none of: off, warn, strict");
}

static void test_off(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev1 checkout is failing --service checkout");
	talk_say(x, "release-check checkout --mode off");
	assert_answered(x, "PASS");
	assert_has(x->text, "nothing was looked at");
	x->config->gate.run = false;
	talk_say(x, "release-check checkout");
	verdict_is(x, "pass", 0);
}

static void test_more_than_is_looked_at(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev3 the first --service checkout");
	resolved(x, 1);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	for (int i = 0; i < 500; i++) {
		char title[] = "small", services[] = "checkout", source[] = "chat", by[] = ALICE;
		struct incident inc = { .title = title, .severity = 4, .services = services, .source = source,
			.reporter = by, .declared_at = TALK_START, .state_at = TALK_START };

		assert_int_equal(incident_insert(x->store, &inc, &x->err), 0);
	}
	assert_int_equal(store_commit(x->store, &x->err), 0);
	talk_say(x, "release-check checkout");
	verdict_is(x, "unknown", 2);
	assert_has(x->text, "more is open");
	assert_int_equal(reasons(x), 500);
	talk_say(x, "release-check checkout --mode warn");
	verdict_is(x, "pass", 0);
}

static void test_drills_do_not_count(void **state)
{
	struct talk *x = *state;
	struct incident inc;

	talk_say(x, "declare sev1 practice --service checkout");
	inc = talk_incident(x, 1);
	inc.drill = true;
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(incident_save(x->store, &inc, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	owed(x, 1, -1, -8);
	talk_say(x, "release-check checkout");
	verdict_is(x, "pass", 0);
	assert_int_equal(reasons(x), 0);
}

/* ---- protected ones ---- */

static bool viewed(struct talk *x, int64_t incident)
{
	struct stmt *st = db_prepare(store_db(x->store),
		"SELECT count(*) FROM audit WHERE action = 'incident.viewed' AND entity_id = $1", &x->err);
	int64_t n;

	assert_non_null(st);
	db_bind(st, "i", incident);
	assert_int_equal(db_step(st, &x->err), DB_ROW);
	n = db_int(st, 0);
	db_reset(st);
	return n > 0;
}

static void test_protected(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev4 a page --service checkout");
	talk_say(x, "declare sev1 a leak --service checkout");
	talk_say(x, "#2 protect it holds customer data");
	owed(x, 2, -1, -8);
	talk_say_as(x, DAVE, "release-check checkout");
	verdict_is(x, "pass", 0);
	assert_int_equal(reasons(x), 1);
	assert_has_not(x->text, "leak");
	talk_say(x, "release-check checkout");
	verdict_is(x, "blocked", 1);
	assert_int_equal(reasons(x), 3);
	assert_has(x->text, "a leak");
	assert_true(viewed(x, 2));
	assert_false(viewed(x, 1));
	/* A service that only it names does not exist for others. */
	talk_say(x, "declare sev1 another --service vault");
	talk_say(x, "#3 protect it as well");
	talk_say_as(x, DAVE, "release-check vault");
	verdict_is(x, "unknown", 2);
	talk_say(x, "release-check vault");
	verdict_is(x, "blocked", 1);
}

/* ---- by the API ---- */

static const char *ask_api(struct talk *x, const char *token, const char *operation, json_t *args_take)
{
	struct request *r = request_create(REQUEST_API);

	r->actor.person = arena_printf(r->arena, "token:%s", token);
	r->operation = operation;
	r->args = args_take;
	reply_finish(&x->reply);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(dispatch(&x->desk, r, &x->reply, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	x->reply.code = arena_strdup(x->arena, x->reply.code);
	x->text = arena_strdup(x->arena, json_get_str(x->reply.doc, "text"));
	request_destroy(r);
	return x->text;
}

/* With the rights of the token's role; what is the system's own is offered to no program but as a tool. */
static void test_tokens(void **state)
{
	struct talk *x = *state;
	struct access_policy *p = &x->config->access;

	p->token[p->token_count++] = (struct access_token){ .name = "ci", .role = "viewer" };
	p->token[p->token_count++] = (struct access_token){ .name = "root", .role = "admin" };
	talk_say(x, "declare sev1 checkout is failing --service checkout");
	ask_api(x, "ci", "release-check", json_pack("{s:s}", "service", "checkout"));
	verdict_is(x, "blocked", 1);
	ask_api(x, "nobody", "release-check", json_pack("{s:s}", "service", "checkout"));
	assert_refused(x, "forbidden", "incident.read");
	ask_api(x, "ci", "note", json_pack("{s:s}", "text", "x"));
	assert_refused(x, "forbidden", "incident.write");
	ask_api(x, "root", "housekeeping", json_object());
	assert_refused(x, "unknown", "");
	ask_api(x, "ci", "incident_followups_summary", json_object());
	assert_int_equal(x->reply.kind, REPLY_MESSAGE);
	talk_press(x, ALICE, "incident_followups_summary", 0, json_object());
	assert_refused(x, "unknown", "");
	ask_api(x, "root", "declare", json_pack("{s:s}", "title", "search is slow"));
	assert_string_equal(talk_incident(x, 2).source, "api");
	assert_string_equal(talk_incident(x, 2).reporter, "token:root");
}

static void test_the_link_is_the_channel(void **state)
{
	struct talk *x = *state;
	struct reference ref = { .incident = 1, .system = "slack", .slot = "channel", .key = "slack:C9",
		.url = "https://chat.example/C9", .state = "synced", .created_at = TALK_START };

	talk_say(x, "declare sev1 checkout is failing --service checkout");
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(reference_put(x->store, &ref, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	talk_say(x, "release-check checkout");
	assert_string_equal(json_get_str(reason(x, 0), "url"), "https://chat.example/C9");
	assert_has(x->text, "https://chat.example/C9");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, talk_setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_blocks_until_it_is_over),
		TEST(test_levels),
		TEST(test_environments),
		TEST(test_overdue),
		TEST(test_window),
		TEST(test_unknown),
		TEST(test_off),
		TEST(test_more_than_is_looked_at),
		TEST(test_drills_do_not_count),
		TEST(test_protected),
		TEST(test_tokens),
		TEST(test_the_link_is_the_channel),
	};

	return cmocka_run_group_tests_name("verbs: release-check", tests, NULL, NULL);
}
