/* metrics (FEATURES P1): the example of docs/metrics.md, as people, files and programs get it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "commands/metrics.h"
#include "store/audit.h"
#include "store/db.h"
#include "support_core.h"

/* Of 2026, UTC. */
#define FEB(day, hour, minute)                                                                     \
	(TALK_START + ((day)-30) * DAY_MS + ((hour)-14) * HOUR_MS + (minute)*MINUTE_MS)
#define MAR(day, hour, minute) FEB((day) + 28, hour, minute)

static const struct example {
	int severity;
	enum incident_state state;
	const char *services;
	int64_t impact, detected, declared, acknowledged, mitigated, resolved;
	bool drill;
	int64_t merged_into;
} example[] = {
	{ 1, STATE_CLOSED, "checkout", FEB(3, 9, 50), FEB(3, 9, 56), FEB(3, 10, 0), FEB(3, 10, 4),
		FEB(3, 10, 40), FEB(3, 11, 30), false, 0 },
	{ 2, STATE_RESOLVED, "checkout", 0, 0, FEB(9, 8, 0), FEB(9, 8, 20), 0, FEB(9, 10, 0), false,
		0 },
	{ 2, STATE_CLOSED, "payments, checkout", FEB(10, 12, 0), 0, FEB(10, 12, 10),
		FEB(10, 12, 12), FEB(10, 12, 30), FEB(10, 18, 10), false, 0 },
	{ 3, STATE_AUTO_RESOLVED, "payments", 0, 0, FEB(15, 23, 30), 0, 0, FEB(16, 0, 10), false,
		0 },
	{ 3, STATE_INVESTIGATING, NULL, 0, 0, MAR(2, 13, 50), 0, 0, 0, false, 0 },
	{ 1, STATE_RESOLVED, "checkout", 0, 0, FEB(20, 9, 0), FEB(20, 9, 1), 0, FEB(20, 9, 2), true,
		0 },
	{ 2, STATE_CANCELLED, "checkout", 0, 0, FEB(21, 9, 0), FEB(21, 9, 1), 0, 0, false, 0 },
	{ 2, STATE_RESOLVED, "checkout", 0, 0, FEB(22, 9, 0), FEB(22, 9, 1), 0, FEB(22, 9, 2),
		false, 5 },
};

static void sql(struct talk *x, const char *text)
{
	assert_int_equal(store_begin(x->store, &x->err), 0);
	if (db_script(store_db(x->store), text, &x->err) < 0)
		fail_msg("%s", x->err.text);
	assert_int_equal(store_commit(x->store, &x->err), 0);
}

static int64_t add(struct talk *x, const struct example *e, bool is_private)
{
	struct incident inc = {
		.title = arena_strdup(x->arena, "it fails"),
		.severity = e->severity,
		.state = e->state,
		.services = arena_strdup(x->arena, e->services),
		.environment = arena_strdup(x->arena, "production"),
		.source = arena_strdup(x->arena, "chat"),
		.reporter = arena_strdup(x->arena, ALICE),
		.is_private = is_private,
		.drill = e->drill,
		.merged_into = e->merged_into,
		.impact_at = e->impact,
		.detected_at = e->detected,
		.declared_at = e->declared,
		.acknowledged_at = e->acknowledged,
		.mitigated_at = e->mitigated,
		.resolved_at = e->resolved,
		.state_at = e->declared,
	};

	assert_int_equal(store_begin(x->store, &x->err), 0);
	if (incident_insert(x->store, &inc, &x->err) < 0)
		fail_msg("%s", x->err.text);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	return inc.id;
}

static int setup(void **state)
{
	int rc = talk_setup(state);
	struct talk *x = *state;

	for (size_t i = 0; rc == 0 && i < sizeof(example) / sizeof(example[0]); i++)
		assert_int_equal(add(x, &example[i], false), (int64_t)i + 1);
	sql(x, "INSERT INTO cause (incident, class, again, at) VALUES (3, 'change', 1, 1);"
	       "INSERT INTO promise (incident, kind, n, state, made_at, due_at, said, kept_at, "
	       "missed_at) VALUES"
	       " (1, 'update', 1, 'kept', 1, 10, 0, 9, NULL), (1, 'update', 2, 'kept', 1, 10, 0, "
	       "9, NULL),"
	       " (1, 'update', 3, 'kept', 1, 10, 0, 12, 10), (1, 'update', 4, 'kept', 1, 10, 0, 9, "
	       "NULL),"
	       " (1, 'update', 5, 'withdrawn', 1, 10, 0, NULL, NULL),"
	       " (2, 'update', 1, 'kept', 1, 10, 0, 9, NULL), (2, 'update', 2, 'withdrawn', 1, 10, "
	       "0, NULL, 10);"
	       "INSERT INTO followup (incident, title, priority, due_at, state, class, standard, "
	       "created_at, ended_at,"
	       " said) VALUES (1, 'a', 1, 100, 'done', 'prevent', 'other', 1, 90, 0),"
	       " (1, 'b', 1, 100, 'done', 'prevent', 'other', 1, 101, 0),"
	       " (2, 'c', 1, 9000000000000, 'open', 'prevent', 'other', 1, NULL, 0)");
	x->channel = "slack:CGENERAL";
	return rc;
}

static void test_example_in_chat(void **state)
{
	struct talk *x = *state;

	talk_say(x, "metrics");
	assert_answered(
		x, "Incidents, last 30 days: 5 counted; left out (drills, cancelled, merged): 3.");
	assert_has(x->text, "Time to detect: 6 min · 10 min · 8 min (2)");
	assert_has(x->text, "Time to respond: 4 min · 20 min · 9 min (3)");
	assert_has(x->text, "Time to mitigate: 40 min · 2 h · 55 min (4)");
	assert_has(x->text, "Time to resolve: 1 h 30 · 6 h · 2 h 33 (4)");
	assert_has(x->text, "Resolved by itself: 25 % (1 of 4)");
	assert_has(x->text, "Repeats of an earlier one: 20 % (1 of 5)");
	assert_has(x->text, "Updates on time: 67 % (4 of 6)");
	assert_has(x->text, "Follow-ups on time: 50 % (1 of 2)");
	assert_has(x->text, "Target to respond missed: 25 % (1 of 4)");
	assert_has(x->text, "Target to resolve missed: 50 % (2 of 4)");
	/* From Saturday, 31 January: the weeks of 26 Jan to 2 Mar. */
	assert_has(x->text, "SEV1 ·█···· 1");
	assert_has(x->text, "SEV2 ··█··· 2");
	assert_has(x->text, "SEV3 ··█··█ 2");
	assert_has(x->text, "SEV4 ······ 0");
	assert_has(
		x->text, "2026-01-31 to 2026-03-02. Weeks begin on Monday, UTC; a bar is a week");
	assert_null(json_object_get(x->reply.doc, "data"));
	/* In Berlin INC-4 was declared on a Monday. */
	talk_say_as(x, BOB, "metrics");
	assert_has(x->text, "SEV3 ···█·█ 2");
	assert_has(x->text, "Weeks begin on Monday, Europe/Berlin");
}

static void test_by(void **state)
{
	struct talk *x = *state;

	talk_say(x, "metrics --by week");
	assert_has(x->text, "2026-02-09 3 · SEV2 2 · SEV3 1 · resolve 2 h");
	assert_has(x->text, "2026-02-16 0\n");
	talk_say_as(x, BOB, "metrics --by week");
	assert_has(x->text, "2026-02-09 2 · SEV2 2 · resolve 2 h");
	assert_has(x->text, "2026-02-16 1 · SEV3 1 · resolve 40 min");
	talk_say(x, "metrics --by service");
	assert_has(x->text, "checkout 3 · respond 4 min · resolve 2 h · 1 repeat · 2 over target");
	assert_has(
		x->text, "payments 2 · respond 2 min · resolve 40 min · 1 repeat · 1 over target");
	assert_has(x->text, "(no service) 1\n");
	assert_true(strstr(x->text, "checkout 3") < strstr(x->text, "payments 2"));
	talk_say(x, "metrics --by severity");
	assert_has(x->text, "SEV2 2 · respond 2 min · resolve 2 h · 1 repeat · 1 over target");
	assert_has(x->text, "SEV4 0\n");
}

static void test_filters(void **state)
{
	struct talk *x = *state;

	talk_say(x, "metrics --service payments");
	assert_answered(x, "Incidents, last 30 days · payments: 2 counted; left out (drills, "
			   "cancelled, merged): 0.");
	talk_say(x, "metrics sev1");
	assert_answered(
		x, "last 30 days · SEV1: 1 counted; left out (drills, cancelled, merged): 1.");
	assert_has_not(x->text, "SEV2");
	talk_say(x, "metrics --env staging");
	assert_answered(x, "last 30 days · staging: 0 counted");
	assert_has(x->text, "Nothing to tell.");
	assert_has_not(x->text, "0 min");
	talk_say(x, "metrics 7d");
	assert_answered(x, "last 7 days: 1 counted");
	assert_has(x->text, "Time to detect: nothing to tell");
	assert_has(x->text, "Updates on time: nothing to tell");
	talk_say(x, "metrics year");
	assert_answered(x, "last 365 days: 5 counted");
	assert_has(x->text, "a bar is two weeks");
	talk_say(x, "metrics 8d");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	talk_say(x, "metrics --by colour");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	talk_say(x, "metrics --chart --format csv");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	assert_has(x->text, "leave out --format");
}

/* Protected ones count for whoever sees all, and for nobody else, not even for those named on it.
 */
static void test_protected(void **state)
{
	struct talk *x = *state;
	struct metrics_query q;
	struct metrics_answer *a;
	struct call c = {
		.desk = &x->desk, .arena = x->arena, .store = x->store, .config = x->config
	};

	add(x, &(struct example){ 1, STATE_INVESTIGATING, "vault", .declared = MAR(1, 0, 0) },
		true);
	talk_say(x, "metrics");
	assert_answered(x, "5 counted; left out (drills, cancelled, merged): 3.");
	talk_say(x, "metrics --by service");
	assert_has_not(x->text, "vault");
	metrics_query_init(&q, WINDOW_30D, TALK_START, "UTC");
	assert_int_equal(metrics_answer(&c, &q, "unix:0", &a), 0);
	assert_int_equal(a->all.incidents, 6);
	assert_int_equal(metrics_answer(&c, &q, "", &a), 0);
	assert_int_equal(a->all.incidents, 5);
}

/* ---- files ---- */

static void test_chart(void **state)
{
	struct talk *x = *state;
	struct effect *e;
	const char *svg;

	talk_say(x, "metrics 90d --service checkout --chart");
	assert_answered(x, "The chart is on its way to you alone in a direct message: "
			   "metrics-90d-20260302T140000Z.svg");
	/* What is declared after it was asked for is not in it. */
	add(x, &(struct example){ 1, STATE_INVESTIGATING, "checkout", .declared = TALK_START },
		false);
	e = talk_file(x);
	assert_int_equal(e->incident, 0);
	assert_string_equal(e->channel, ALICE);
	assert_string_equal(json_get_str(e->payload, "person"), ALICE);
	assert_string_equal(
		json_get_str(e->payload, "title"), "Incidents, last 90 days · checkout");
	svg = json_get_str(e->payload, "text");
	assert_int_equal(strncmp(svg, "<svg ", 5), 0);
	assert_has(svg, "Incidents, last 90 days · checkout, until 2026-03-02");
	assert_has(svg, ">SEV1: 1</text>");
	assert_has(svg, ">SEV2: 2</text>");
	effect_destroy(e);
}

/* Asked for in an incident's channel, it is about no incident all the same. */
static void test_file_from_a_channel(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_say(x, "declare sev2 search is failing");
	talk_deliver(x);
	talk_forget(x);
	x->channel = "slack:CINC9";
	talk_say(x, "metrics --format csv");
	assert_answered(x, "The file is on its way to you alone");
	e = talk_file(x);
	assert_int_equal(e->incident, 0);
	assert_string_equal(json_get_str(e->payload, "person"), ALICE);
	assert_has(json_get_str(e->payload, "text"), "\"group\",\"row\",\"name\"");
	effect_destroy(e);
}

static const char *written(struct talk *x, enum metrics_by by, enum metrics_format f)
{
	struct call c = {
		.desk = &x->desk, .arena = x->arena, .store = x->store, .config = x->config
	};
	struct metrics_answer *a;
	struct metrics_query q;
	struct str s;

	metrics_query_init(&q, WINDOW_30D, TALK_START, "UTC");
	q.by = by;
	assert_int_equal(metrics_answer(&c, &q, ALICE, &a), 0);
	str_init_arena(&s, x->arena, 1u << 20);
	metrics_write(&c, a, f, &s);
	assert_false(s.cut);
	return s.p;
}

static void test_csv(void **state)
{
	struct talk *x = *state;
	const char *text = written(x, BY_SERVICE, METRICS_CSV);

	assert_has(text, "\"all\",\"clock\",\"time to respond\",\"\",3,,,,,4.0,20.0,8.7,,,\r\n");
	assert_has(text, "\"all\",\"rate\",\"cadence_kept\",\"\",,,,,,,,,4,6,67\r\n");
	assert_has(text,
		"\"all\",\"week\",\"time to resolve\",\"2026-02-09\",3,0,2,1,0,120.0,,,,,\r\n");
	assert_has(text, "\"all\",\"week\",\"time to resolve\",\"2026-02-16\",0,0,0,0,0,,,,,,\r\n");
	assert_has(text, "\"all\",\"count\",\"left out\",\"\",3,");
	assert_has(text,
		"\"checkout\",\"clock\",\"time to resolve\",\"\",3,,,,,120.0,360.0,190.0,,,\r\n");
	assert_has(text, "\"(no service)\",\"clock\",\"time to resolve\",\"\",0,,,,,,,,,,\r\n");
	for (const char *line = text, *end; *line; line = end + 2) {
		int commas = 0;

		end = strstr(line, "\r\n");
		assert_non_null(end);
		for (const char *p = line; p < end; p++)
			commas += *p == ',';
		assert_int_equal(commas, 14);
	}
	/* What would be a formula in a spreadsheet is text. */
	add(x, &(struct example){ 1, STATE_INVESTIGATING, "=cmd|x", .declared = MAR(1, 0, 0) },
		false);
	assert_has(written(x, BY_SERVICE, METRICS_CSV), "\"'=cmd|x\",\"count\"");
}

static void test_json(void **state)
{
	struct talk *x = *state;
	const char *text = written(x, BY_SEVERITY, METRICS_JSON);
	JSON_CLEANUP json_t *o = NULL;
	json_t *clock, *rate, *group;

	assert_int_equal(json_parse(text, strlen(text), 1u << 20, &o, &x->err), 0);
	assert_int_equal(json_get_int(o, "incidents", 0), 5);
	assert_int_equal(json_get_int(o, "excluded", 0), 3);
	assert_string_equal(json_get_str(o, "until"), "2026-03-02T14:00:00Z");
	clock = json_get_obj(json_get_obj(o, "clocks"), "time_to_respond");
	assert_int_equal(json_get_int(clock, "mean_ms", 0), 520000);
	rate = json_get_obj(json_get_obj(o, "rates"), "resolve_target_missed");
	assert_int_equal(json_get_int(rate, "percent", 0), 50);
	assert_int_equal(json_array_size(json_get_arr(o, "weeks")), 6);
	group = json_array_get(json_get_arr(o, "groups"), 3);
	assert_string_equal(json_get_str(group, "name"), "SEV4");
	assert_true(json_is_null(json_object_get(
		json_get_obj(json_get_obj(group, "clocks"), "time_to_detect"), "median_ms")));
	assert_true(json_is_null(
		json_object_get(json_get_obj(json_get_obj(group, "rates"), "repeat"), "percent")));
}

static void test_markdown(void **state)
{
	struct talk *x = *state;
	const char *text = written(x, BY_SERVICE, METRICS_MD);

	assert_has(text, "| time to resolve | 4 | 1 h 30 | 6 h | 2 h 33 |");
	assert_has(text, "| Target to resolve missed | 50 % | 2 | 4 |");
	assert_has(text, "| 2026-02-09 | 3 | 0 | 2 | 1 | 0 | 2 h |");
	assert_has(text, "| checkout | 3 | 4 min | 2 h | 1 |");
	assert_has(text, "| (no service) | 1 | – | – | 0 |");
}

/* Names in every shape; those that come twice on one incident count once. */
static void test_names(void **state)
{
	struct talk *x = *state;

	add(x,
		&(struct example){ 4, STATE_INVESTIGATING, "search,search,  search",
			.declared = MAR(1, 0, 0) },
		false);
	add(x, &(struct example){ 4, STATE_INVESTIGATING, ",", .declared = MAR(1, 0, 0) }, false);
	add(x, &(struct example){ 4, STATE_INVESTIGATING, "", .declared = MAR(1, 0, 0) }, false);
	talk_say(x, "metrics --by service");
	assert_has(x->text, "search 1\n");
	assert_has(x->text, "(no service) 3\n");
	for (int i = 0; i < 30; i++)
		add(x,
			&(struct example){ 4, STATE_INVESTIGATING,
				arena_printf(x->arena, "s%02d", i), .declared = MAR(1, 0, 0) },
			false);
	talk_say(x, "metrics --by service");
	assert_has(x->text, "And 19 more, with fewer incidents");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_example_in_chat),
		TEST(test_by),
		TEST(test_filters),
		TEST(test_protected),
		TEST(test_chart),
		TEST(test_file_from_a_channel),
		TEST(test_csv),
		TEST(test_json),
		TEST(test_markdown),
		TEST(test_names),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
