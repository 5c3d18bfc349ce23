#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "incident/impact.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define NOW	 INT64_C(1772375700000) /* 2026-03-01 14:35:00 UTC */
#define AT(h, m) (NOW + ((h)*60 + (m)-14 * 60 - 35) * MINUTE_MS)

enum { U = TRI_UNKNOWN, N = TRI_NO, Y = TRI_YES };

static const struct {
	const char *text;
	int share; /* permille */
	int64_t users, tickets, began, ended;
	int loss, corruption;
	int budget;
	bool customer;
} cases[] = {
	{ "25% of checkouts, 1200 users since 14:02, no data loss", 250, 1200, -1, AT(14, 2), 0, N,
		U, -1, false },
	/* shares */
	{ "25% checkout since 14:02", 250, -1, -1, AT(14, 2), 0, U, U, -1, false },
	{ "EU checkout 25 %", 250, -1, -1, 0, 0, U, U, -1, false },
	{ "40 per cent of requests", 400, -1, -1, 0, 0, U, U, -1, false },
	{ "40 percent of requests", 400, -1, -1, 0, 0, U, U, -1, false },
	{ "about 12.5% of logins", 125, -1, -1, 0, 0, U, U, -1, false },
	{ "12,5 % of logins", 125, -1, -1, 0, 0, U, U, -1, false },
	{ "~0.04% of logins", 0, -1, -1, 0, 0, U, U, -1, false },
	{ "100% of EU", 1000, -1, -1, 0, 0, U, U, -1, false },
	{ "0% of EU", 0, -1, -1, 0, 0, U, U, -1, false },
	{ "20-30% of EU", 300, -1, -1, 0, 0, U, U, -1, false },
	{ "up to 25% of EU, up to 1200 users", 250, 1200, -1, 0, 0, U, U, -1, false },
	{ "25% of EU, 10% of US", 250, -1, -1, 0, 0, U, U, -1, false },
	{ "error rate went from 1% to 40%", 400, -1, -1, 0, 0, U, U, -1, false },
	{ "40% of payments do not succeed", 400, -1, -1, 0, 0, U, U, -1, false },
	{ "40% of payments fail to complete", 400, -1, -1, 0, 0, U, U, -1, false },
	{ "CPU at 60%, 25% of requests fail", 250, -1, -1, 0, 0, U, U, -1, false },
	/* percentages that are no share */
	{ "120% of the usual load", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "200% more errors", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "CPU at 95%", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "success rate 99.9%", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "errors up 40%", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "errors +40%", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "-40% conversions", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "conversions fell by 40%", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "the canary is at 10%", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "75% of users are fine", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "75% of users are not affected", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "v25% or 25.%", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "99999999999999999999999% of EU", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "error budget 60% spent", -1, -1, -1, 0, 0, U, U, 600, false },
	{ "60% of the error budget is gone", -1, -1, -1, 0, 0, U, U, 600, false },
	{ "60% of the error budget left", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "error budget 60%", -1, -1, -1, 0, 0, U, U, -1, false },
	/* users */
	{ "1200 users", -1, 1200, -1, 0, 0, U, U, -1, false },
	{ "1.2k users", -1, 1200, -1, 0, 0, U, U, -1, false },
	{ "1,2K users", -1, 1200, -1, 0, 0, U, U, -1, false },
	{ "3k customers", -1, 3000, -1, 0, 0, U, U, -1, false },
	{ "1.5 million users", -1, 1500000, -1, 0, 0, U, U, -1, false },
	{ "2M accounts", -1, 2000000, -1, 0, 0, U, U, -1, false },
	{ "2 thousand users", -1, 2000, -1, 0, 0, U, U, -1, false },
	{ "1,200 users", -1, 1200, -1, 0, 0, U, U, -1, false },
	{ "1.200.000 users", -1, 1200000, -1, 0, 0, U, U, -1, false },
	{ "1'200 users", -1, 1200, -1, 0, 0, U, U, -1, false },
	{ "some 1200 EU enterprise users", -1, 1200, -1, 0, 0, U, U, -1, false },
	{ "1 user cannot log in", -1, 1, -1, 0, 0, U, U, -1, false },
	{ "120 of 5000 users", -1, 120, -1, 0, 0, U, U, -1, false },
	{ "120 out of our 5,000 users", -1, 120, -1, 0, 0, U, U, -1, false },
	{ "25% of our 1200 users", 250, -1, -1, 0, 0, U, U, -1, false },
	{ "1200 people cannot log in", -1, 1200, -1, 0, 0, U, U, -1, false },
	{ "1200 users are not able to log in", -1, 1200, -1, 0, 0, U, U, -1, false },
	{ "no users affected", -1, 0, -1, 0, 0, U, U, -1, false },
	{ "no customer impact", -1, 0, -1, 0, 0, U, U, -1, false },
	{ "0 users affected", -1, 0, -1, 0, 0, U, U, -1, false },
	{ "nobody is affected", -1, 0, -1, 0, 0, U, U, -1, false },
	{ "900 users, 300 users in EU", -1, 900, -1, 0, 0, U, U, -1, false },
	/* figures that are no affected users */
	{ "no users can log in", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "0 users can log in", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "3 people are on it", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "1200 users notified", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "1200 users can log in again", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "1200 users are not affected", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "not 1200 users", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "1200 users per hour", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "12 user services", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "3 nodes, users complain", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "14:02 users complain", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "v1200 users", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "1,20 users", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "1.200,5 users", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "99999999999999999999 users", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "999999999999m users", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "users", -1, -1, -1, 0, 0, U, U, -1, false },
	/* tickets */
	{ "12 tickets", -1, -1, 12, 0, 0, U, U, -1, false },
	{ "12 support tickets from 9 customers", -1, 9, 12, 0, 0, U, U, -1, false },
	{ "12 customer tickets", -1, -1, 12, 0, 0, U, U, -1, false },
	{ "1 customer ticket", -1, -1, 1, 0, 0, U, U, -1, false },
	{ "12 more tickets", -1, -1, -1, 0, 0, U, U, -1, false },
	/* times */
	{ "since 14:02", -1, -1, -1, AT(14, 2), 0, U, U, -1, false },
	{ "since about 2:02 pm", -1, -1, -1, AT(14, 2), 0, U, U, -1, false },
	{ "since 14:02 until 14:20", -1, -1, -1, AT(14, 2), AT(14, 20), U, U, -1, false },
	{ "since 15:10", -1, -1, -1, AT(15, 10) - DAY_MS, 0, U, U, -1, false },
	{ "until 14:20", -1, -1, -1, 0, AT(14, 20), U, U, -1, false },
	{ "until 15:10", -1, -1, -1, 0, 0, U, U, -1, false }, /* has not come: a plan */
	{ "since 14:20 until 14:02", -1, -1, -1, AT(14, 20), 0, U, U, -1, false },
	{ "since the deploy", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "since 2030-01-01 10:00", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "not since 14:02", -1, -1, -1, 0, 0, U, U, -1, false },
	/* data */
	{ "data loss", -1, -1, -1, 0, 0, Y, U, -1, false },
	{ "some data was lost", -1, -1, -1, 0, 0, Y, U, -1, false },
	{ "we lost customer data", -1, -1, -1, 0, 0, Y, U, -1, false },
	{ "data loss confirmed", -1, -1, -1, 0, 0, Y, U, -1, false },
	{ "Data corruption", -1, -1, -1, 0, 0, U, Y, -1, false },
	{ "data is corrupted", -1, -1, -1, 0, 0, U, Y, -1, false },
	{ "no data loss, but data corruption", -1, -1, -1, 0, 0, N, Y, -1, false },
	{ "no data loss or corruption", -1, -1, -1, 0, 0, N, N, -1, false },
	{ "neither data loss nor data corruption", -1, -1, -1, 0, 0, N, N, -1, false },
	{ "data loss/corruption", -1, -1, -1, 0, 0, Y, Y, -1, false },
	{ "without loss of data", -1, -1, -1, 0, 0, N, U, -1, false },
	{ "no sign of any data loss so far", -1, -1, -1, 0, 0, N, U, -1, false },
	{ "we haven’t seen data corruption", -1, -1, -1, 0, 0, U, N, -1, false },
	{ "no data was lost", -1, -1, -1, 0, 0, N, U, -1, false },
	{ "data loss: none", -1, -1, -1, 0, 0, N, U, -1, false },
	{ "data loss: no", -1, -1, -1, 0, 0, N, U, -1, false },
	{ "data loss: yes", -1, -1, -1, 0, 0, Y, U, -1, false },
	{ "data loss was ruled out", -1, -1, -1, 0, 0, N, U, -1, false },
	{ "we ruled out data loss", -1, -1, -1, 0, 0, N, U, -1, false },
	{ "data was not lost", -1, -1, -1, 0, 0, N, U, -1, false },
	{ "data wasn’t corrupted", -1, -1, -1, 0, 0, U, N, -1, false },
	{ "data loss not observed", -1, -1, -1, 0, 0, N, U, -1, false },
	/* neither yes nor no */
	{ "data loss?", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "possible data loss", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "data loss is unknown", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "data loss not ruled out", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "we cannot rule out data loss", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "checking whether data was lost", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "no known cause of data loss", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "data loss prevention is down", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "the data corruption check failed", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "metadata loss", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "data lossless", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "the data. Loss of packets", -1, -1, -1, 0, 0, U, U, -1, false },
	/* who told us */
	{ "reported by a paying customer", -1, -1, -1, 0, 0, U, U, -1, true },
	{ "not reported by a paying customer", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "300 paying customers", -1, 300, -1, 0, 0, U, U, -1, false },
	/* all at once, as phones write it */
	{ "Impact – 25 % of “checkouts”…  1,200 EU users; 12 tickets;\nsince 14:02 – no data loss",
		250, 1200, 12, AT(14, 2), 0, N, U, -1, false },
	/* nothing */
	{ "checkout is slow", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "", -1, -1, -1, 0, 0, U, U, -1, false },
	{ "%%% @ ' , .", -1, -1, -1, 0, 0, U, U, -1, false },
	{ NULL, -1, -1, -1, 0, 0, U, U, -1, false },
};

static void test_texts(void **state)
{
	struct arena *a = arena_create(1u << 16);
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct impact_facts f;

		impact_init(&f);
		impact_from_text(a, cases[i].text, "UTC", NOW, &f);
		if (f.share_permille == cases[i].share && f.users == cases[i].users &&
			f.tickets == cases[i].tickets && f.began_at == cases[i].began &&
			f.ended_at == cases[i].ended && (int)f.data_loss == cases[i].loss &&
			(int)f.data_corruption == cases[i].corruption &&
			f.budget_permille == cases[i].budget &&
			f.paying_customer == cases[i].customer)
			continue;
		print_error("%s\n  share %d users %lld tickets %lld began %lld ended %lld loss %s "
			    "corruption %s budget %d customer %d\n",
			cases[i].text, f.share_permille, (long long)f.users, (long long)f.tickets,
			(long long)f.began_at, (long long)f.ended_at, tri_name(f.data_loss),
			tri_name(f.data_corruption), f.budget_permille, f.paying_customer);
		wrong++;
	}
	arena_destroy(a);
	assert_int_equal(wrong, 0);
}

static void test_what_is_not_said_stays(void **state)
{
	struct arena *a = arena_create(1u << 16);
	struct impact_facts f;

	(void)state;
	impact_init(&f);
	impact_from_text(
		a, "25% of checkouts, 1200 users since 14:02, no data loss", "UTC", NOW, &f);
	impact_from_text(a, "now 50 %", "UTC", NOW, &f);
	assert_int_equal(f.share_permille, 500);
	assert_int_equal(f.users, 1200);
	assert_int_equal(f.began_at, AT(14, 2));
	assert_int_equal(f.data_loss, TRI_NO);
	impact_from_text(a, "possible data loss", "UTC", NOW, &f);
	assert_int_equal(f.data_loss, TRI_UNKNOWN); /* a doubt takes back a "no" */
	impact_from_text(a, "data loss confirmed", "UTC", NOW, &f);
	impact_from_text(a, "possible data loss", "UTC", NOW, &f);
	assert_int_equal(f.data_loss, TRI_YES); /* but not a "yes" */
	arena_destroy(a);
}

static void test_times_are_in_the_writers_zone(void **state)
{
	struct arena *a = arena_create(1u << 16);
	struct impact_facts f;

	(void)state;
	impact_init(&f);
	impact_from_text(a, "since 15:02 until 15:20", "Europe/Berlin", NOW, &f);
	assert_int_equal(f.began_at, AT(14, 2));
	assert_int_equal(f.ended_at, AT(14, 20));
	arena_destroy(a);
}

static void test_concern(void **state)
{
	static const struct {
		const char *text;
		bool concern;
	} texts[] = {
		{ "data loss", true },
		{ "possible data corruption", true },
		{ "data loss?", true },
		{ "we cannot rule out data loss", true },
		{ "data corruption was not ruled out", true },
		{ "data may have been lost", true },
		{ "orders are gone", false }, /* not one of the phrases: nothing is guessed */
		{ "no data loss", false },
		{ "checking for data loss", false },
		{ "data loss prevention is down", false },
		{ "checkout is slow", false },
		{ "no possible data loss", false },
		{ NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (impact_data_concern(texts[i].text) != texts[i].concern)
			fail_msg("%s", texts[i].text);
}

static void test_json_and_back(void **state)
{
	static char journeys[] = "check out", period[] = "Black Friday", revenue[] = "12k EUR/h";
	struct impact_facts f = { 1200, 250, journeys, AT(14, 2), AT(14, 20), TRI_NO, TRI_YES,
		period, revenue, 600, 12, true },
			    back;
	struct arena *a = arena_create(1u << 16);
	json_t *obj = impact_json(&f);

	(void)state;
	assert_int_equal(impact_read(a, json_text(a, obj), &back), 0);
	json_decref(obj);
	assert_int_equal(back.users, 1200);
	assert_int_equal(back.share_permille, 250);
	assert_string_equal(back.journeys, journeys);
	assert_int_equal(back.began_at, AT(14, 2));
	assert_int_equal(back.ended_at, AT(14, 20));
	assert_int_equal(back.data_loss, TRI_NO);
	assert_int_equal(back.data_corruption, TRI_YES);
	assert_string_equal(back.critical_period, period);
	assert_string_equal(back.revenue, revenue);
	assert_int_equal(back.budget_permille, 600);
	assert_int_equal(back.tickets, 12);
	assert_true(back.paying_customer);

	/* nobody affected is known; nothing known has no keys */
	impact_init(&f);
	f.users = 0;
	obj = impact_json(&f);
	assert_int_equal(json_object_size(obj), 1);
	assert_int_equal(impact_read(a, json_text(a, obj), &back), 0);
	json_decref(obj);
	assert_int_equal(back.users, 0);
	assert_int_equal(back.share_permille, -1);
	arena_destroy(a);
}

static void test_json_that_is_none(void **state)
{
	static const struct {
		const char *text;
		bool refused;
	} texts[] = {
		{ NULL, false },
		{ "", false },
		{ "{}", false },
		{ "{\"users\":\"many\",\"share_permille\":1001,\"tickets\":-5,\"began_at\":-1,"
		  "\"data_loss\":\"perhaps\",\"journeys\":7,\"budget_permille\":1e9}",
			false },
		{ "[]", true },
		{ "{", true },
		{ "{\"users\":1,\"users\":2}", true },
	};
	struct arena *a = arena_create(1u << 16);

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct impact_facts f, nothing;

		memset(&f, 1, sizeof(f));
		impact_init(&nothing);
		assert_int_equal(impact_read(a, texts[i].text, &f) < 0, texts[i].refused);
		assert_int_equal(f.users, nothing.users);
		assert_int_equal(f.share_permille, nothing.share_permille);
		assert_int_equal(f.tickets, nothing.tickets);
		assert_int_equal(f.began_at, 0);
		assert_int_equal(f.data_loss, TRI_UNKNOWN);
		assert_int_equal(f.budget_permille, -1);
		assert_null(f.journeys);
		assert_false(f.paying_customer);
	}
	arena_destroy(a);
}

static void test_words(void **state)
{
	enum tri t = TRI_YES;
	enum scope_kind k = SCOPE_GROUP;

	(void)state;
	for (int i = 0; i <= TRI_YES; i++) {
		assert_true(tri_parse(tri_name((enum tri)i), &t));
		assert_int_equal(t, i);
	}
	assert_true(tri_parse("Y", &t) && t == TRI_YES);
	assert_true(tri_parse("confirmed", &t) && t == TRI_YES);
	assert_true(tri_parse("?", &t) && t == TRI_UNKNOWN);
	assert_false(tri_parse("perhaps", &t));
	assert_false(tri_parse("", &t));
	assert_false(tri_parse(NULL, &t));
	assert_string_equal(tri_name((enum tri)7), "unknown");
	for (int i = 0; i < SCOPE_KIND_COUNT; i++) {
		assert_true(scope_kind_parse(scope_kind_name((enum scope_kind)i), &k));
		assert_int_equal(k, i);
	}
	assert_true(scope_kind_parse("Tenant", &k) && k == SCOPE_GROUP);
	assert_true(scope_kind_parse("fault domain", &k) && k == SCOPE_FAULT_DOMAIN);
	assert_true(scope_kind_parse("region", &k) && k == SCOPE_FAULT_DOMAIN);
	assert_true(scope_kind_parse("dep", &k) && k == SCOPE_DEPENDENCY);
	assert_true(scope_kind_parse("flag", &k) && k == SCOPE_CHANGE);
	assert_false(scope_kind_parse("planet", &k));
	assert_false(scope_kind_parse("", &k));
	assert_false(scope_kind_parse(NULL, &k));
	assert_false(scope_kind_parse("region-region-region-region-region", &k));
	assert_string_equal(scope_kind_name((enum scope_kind)9), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_what_is_not_said_stays),
		cmocka_unit_test(test_times_are_in_the_writers_zone),
		cmocka_unit_test(test_concern),
		cmocka_unit_test(test_json_and_back),
		cmocka_unit_test(test_json_that_is_none),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
