#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/response.h"
#include "support_store.h"

#define T(literal) arena_strdup(x->arena, literal)

/* Two incidents, 1 and 2. */
static int with_incidents(void **state)
{
	if (scratch_setup(state))
		return -1;
	struct scratch *x = *state;
	STORED(x, scratch_incident(x, "a") == 1 && scratch_incident(x, "b") == 2 ? 0 : -1);
	return 0;
}

static void checkpoints(void **state)
{
	struct scratch *x = *state;
	struct checkpoint back, c = { .incident = 1, .at = 100, .by = T("slack:U1"),
		.situation = T("rolling back"), .hypothesis = T("bad config"), .impact = T("EU"),
		.in_flight = T("rollback by bob"), .decision = T("fail over?"),
		.cadence = T("15m"), .next_decision_at = 500 };
	struct checkpoint later = { .incident = 1, .at = 200 }, early = { .incident = 1, .at = 50 };

	assert_int_equal(checkpoint_latest(x->store, x->arena, 1, &back, &x->err), -ENOENT);
	assert_says(&x->err, "INC-1 has no checkpoint");
	STORED(x, checkpoint_insert(x->store, &c, &x->err));
	scratch_reopen(x);
	assert_int_equal(checkpoint_latest(x->store, x->arena, 1, &back, &x->err), 0);
	assert_int_equal(back.id, c.id);
	assert_int_equal(back.incident, 1);
	assert_int_equal(back.at, 100);
	assert_string_equal(back.by, "slack:U1");
	assert_string_equal(back.situation, "rolling back");
	assert_string_equal(back.hypothesis, "bad config");
	assert_string_equal(back.impact, "EU");
	assert_string_equal(back.in_flight, "rollback by bob");
	assert_string_equal(back.decision, "fail over?");
	assert_string_equal(back.cadence, "15m");
	assert_int_equal(back.next_decision_at, 500);
	STORED(x, checkpoint_insert(x->store, &later, &x->err));
	STORED(x, checkpoint_insert(x->store, &early, &x->err));
	assert_int_equal(checkpoint_latest(x->store, x->arena, 1, &back, &x->err), 0);
	assert_int_equal(back.id, later.id); /* by its time, not by its number */
	assert_null(back.hypothesis);
	assert_int_equal(back.next_decision_at, 0);
	assert_int_equal(checkpoint_latest(x->store, x->arena, 2, &back, &x->err), -ENOENT);
	c.incident = 9;
	assert_int_equal(checkpoint_insert(x->store, &c, &x->err), -ENOENT);
}

static void one_handover_at_a_time(void **state)
{
	struct scratch *x = *state;
	struct checkpoint c = { .incident = 1, .at = 1 };
	struct handover back, h = { .incident = 1, .from = T("slack:U1"), .to = T("slack:U2"),
		.offered_at = 10 }, other = h, missing = h, early = h;

	STORED(x, checkpoint_insert(x->store, &c, &x->err));
	h.checkpoint = c.id;
	assert_int_equal(handover_offered(x->store, x->arena, 1, &back, &x->err), -ENOENT);
	STORED(x, handover_insert(x->store, &h, &x->err));
	assert_int_equal(handover_insert(x->store, &other, &x->err), -EEXIST);
	assert_says(&x->err, "a handover of INC-1 is offered already");
	other.incident = 2;
	STORED(x, handover_insert(x->store, &other, &x->err));
	scratch_reopen(x);
	assert_int_equal(handover_offered(x->store, x->arena, 1, &back, &x->err), 0);
	assert_int_equal(back.id, h.id);
	assert_string_equal(back.from, "slack:U1");
	assert_string_equal(back.to, "slack:U2");
	assert_int_equal(back.state, HANDOVER_OFFERED);
	assert_int_equal(back.offered_at, 10);
	assert_int_equal(back.ended_at, 0);
	assert_int_equal(back.checkpoint, c.id);
	assert_int_equal(handover_end(x->store, h.id, HANDOVER_OFFERED, 20, &x->err), -EINVAL);
	STORED(x, handover_end(x->store, h.id, HANDOVER_DECLINED, 20, &x->err));
	assert_int_equal(handover_end(x->store, h.id, HANDOVER_ACCEPTED, 21, &x->err), -ENOENT);
	assert_int_equal(handover_end(x->store, 99, HANDOVER_ACCEPTED, 21, &x->err), -ENOENT);
	assert_int_equal(handover_load(x->store, x->arena, h.id, &back, &x->err), 0);
	assert_int_equal(back.state, HANDOVER_DECLINED);
	assert_int_equal(back.ended_at, 20);
	assert_int_equal(handover_offered(x->store, x->arena, 1, &back, &x->err), -ENOENT);
	assert_int_equal(handover_load(x->store, x->arena, 99, &back, &x->err), -ENOENT);
	STORED(x, handover_insert(x->store, &early, &x->err)); /* again, now that it has ended */
	missing.incident = 9;
	assert_int_equal(handover_insert(x->store, &missing, &x->err), -ENOENT);
	missing.incident = 2;
	missing.to = NULL;
	assert_int_equal(handover_insert(x->store, &missing, &x->err), -EINVAL);
}

static void scope_is_kept_by_value(void **state)
{
	struct scratch *x = *state;
	struct scope_entry *rows, e = { .incident = 1, .kind = SCOPE_GROUP, .affected = TRI_YES,
		.value = T("EU tenants"), .note = T("checkout only"), .by = T("slack:U1"),
		.at = 10 }, again = e, dependency = e, elsewhere = e;
	size_t count;

	STORED(x, scope_put(x->store, &e, &x->err));
	dependency.kind = SCOPE_DEPENDENCY;
	dependency.affected = TRI_UNKNOWN;
	STORED(x, scope_put(x->store, &dependency, &x->err));
	elsewhere.incident = 2;
	STORED(x, scope_put(x->store, &elsewhere, &x->err));
	assert_int_not_equal(dependency.id, e.id);
	again.value = T("eu TENANTS");
	again.affected = TRI_NO;
	again.note = NULL;
	again.by = T("slack:U2");
	again.at = 20;
	STORED(x, scope_put(x->store, &again, &x->err));
	assert_int_equal(again.id, e.id);
	assert_int_equal(scope_list(x->store, x->arena, 1, &rows, &count, &x->err), 0);
	assert_int_equal(count, 2);
	assert_int_equal(rows[0].id, e.id);
	assert_int_equal(rows[0].kind, SCOPE_GROUP);
	assert_int_equal(rows[0].affected, TRI_NO);
	assert_string_equal(rows[0].value, "eu TENANTS");
	assert_string_equal(rows[0].note, "checkout only");
	assert_string_equal(rows[0].by, "slack:U2");
	assert_int_equal(rows[0].at, 20);
	assert_int_equal(rows[1].kind, SCOPE_DEPENDENCY);
	assert_int_equal(rows[1].affected, TRI_UNKNOWN);
	again.note = T("all of it");
	STORED(x, scope_put(x->store, &again, &x->err));
	assert_int_equal(scope_list(x->store, x->arena, 1, &rows, &count, &x->err), 0);
	assert_string_equal(rows[0].note, "all of it");
	e.value = T("");
	assert_int_equal(scope_put(x->store, &e, &x->err), -EINVAL);
	e.value = NULL;
	assert_int_equal(scope_put(x->store, &e, &x->err), -EINVAL);
	again.incident = 9;
	assert_int_equal(scope_put(x->store, &again, &x->err), -ENOENT);
}

/* Every name the rules know has a place in the table. */
static void scope_knows_every_kind(void **state)
{
	struct scratch *x = *state;

	for (int kind = 0; kind < SCOPE_KIND_COUNT; kind++)
		for (int tri = TRI_UNKNOWN; tri <= TRI_YES; tri++) {
			struct scope_entry *rows, e = { .incident = 1, .value = T("unknown"),
				.kind = (enum scope_kind)kind, .affected = (enum tri)tri };
			size_t count;
			STORED(x, scope_put(x->store, &e, &x->err));
			assert_int_equal(scope_list(x->store, x->arena, 1, &rows, &count, &x->err), 0);
			assert_int_equal(count, kind + 1);
			assert_int_equal(rows[kind].kind, kind);
			assert_int_equal(rows[kind].affected, tri);
		}
	for (int i = HANDOVER_ACCEPTED; i < HANDOVER_STATE_COUNT; i++) {
		struct handover h = { .incident = 1, .from = T("a"), .to = T("b") };
		STORED(x, handover_insert(x->store, &h, &x->err));
		STORED(x, handover_end(x->store, h.id, (enum handover_state)i, 5, &x->err));
	}
}

static void a_tier_once_a_reason(void **state)
{
	struct scratch *x = *state;
	struct engagement *rows, e = { .incident = 1, .tier = "triage", .reason = ENGAGE_SEVERITY,
		.by = "sitrep", .at = 10 }, second = e, asked = e;
	size_t count;

	STORED(x, engagement_insert(x->store, &e, &x->err));
	assert_int_equal(engagement_insert(x->store, &second, &x->err), -EEXIST);
	assert_says(&x->err, "triage was engaged for INC-1 already: the level asks for it");
	asked.reason = ENGAGE_ASKED;
	asked.why = "we are stuck";
	asked.by = "slack:U1";
	STORED(x, engagement_insert(x->store, &asked, &x->err));
	second.tier = "executive";
	STORED(x, engagement_insert(x->store, &second, &x->err));
	STORED(x, engagement_acknowledge(x->store, 1, "triage", "slack:U3", 30, &x->err));
	assert_int_equal(engagement_acknowledge(x->store, 1, "triage", "slack:U4", 31, &x->err),
		-ENOENT);
	assert_int_equal(engagement_acknowledge(x->store, 2, "triage", "slack:U4", 31, &x->err),
		-ENOENT);
	assert_int_equal(engagement_list(x->store, x->arena, 1, &rows, &count, &x->err), 0);
	assert_int_equal(count, 3);
	assert_int_equal(rows[0].reason, ENGAGE_SEVERITY);
	assert_null(rows[0].why);
	assert_string_equal(rows[0].by, "sitrep");
	assert_int_equal(rows[0].at, 10);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(rows[i].tier, "triage");
		assert_string_equal(rows[i].acknowledged_by, "slack:U3"); /* the first one's stays */
		assert_int_equal(rows[i].acknowledged_at, 30);
	}
	assert_int_equal(rows[1].reason, ENGAGE_ASKED);
	assert_string_equal(rows[1].why, "we are stuck");
	assert_string_equal(rows[2].tier, "executive");
	assert_null(rows[2].acknowledged_by);
	assert_int_equal(rows[2].acknowledged_at, 0);
	e.incident = 9;
	assert_int_equal(engagement_insert(x->store, &e, &x->err), -ENOENT);
}

static void wording_is_decided_once(void **state)
{
	struct scratch *x = *state;
	struct customer_note back, n = { .incident = 1, .text = "Orders are slow.", .by = "slack:U1",
		.at = 10 }, other = n;

	STORED(x, customer_note_insert(x->store, &n, &x->err));
	STORED(x, customer_note_insert(x->store, &other, &x->err));
	assert_int_equal(customer_note_load(x->store, x->arena, n.id, &back, &x->err), 0);
	assert_string_equal(back.text, "Orders are slow.");
	assert_string_equal(back.by, "slack:U1");
	assert_int_equal(back.at, 10);
	assert_null(back.confirmed_by);
	assert_int_equal(back.confirmed_at, 0);
	assert_false(back.dropped);
	STORED(x, customer_note_end(x->store, n.id, "slack:U2", 20, &x->err));
	assert_int_equal(customer_note_end(x->store, n.id, "slack:U3", 21, &x->err), -ENOENT);
	assert_int_equal(customer_note_end(x->store, n.id, NULL, 21, &x->err), -ENOENT);
	assert_int_equal(customer_note_load(x->store, x->arena, n.id, &back, &x->err), 0);
	assert_string_equal(back.confirmed_by, "slack:U2");
	assert_int_equal(back.confirmed_at, 20);
	assert_false(back.dropped);
	STORED(x, customer_note_end(x->store, other.id, NULL, 30, &x->err));
	assert_int_equal(customer_note_end(x->store, other.id, "slack:U2", 31, &x->err), -ENOENT);
	assert_int_equal(customer_note_load(x->store, x->arena, other.id, &back, &x->err), 0);
	assert_true(back.dropped);
	assert_null(back.confirmed_by);
	assert_int_equal(back.confirmed_at, 0);
	assert_int_equal(customer_note_load(x->store, x->arena, 99, &back, &x->err), -ENOENT);
	n.text = "";
	assert_int_equal(customer_note_insert(x->store, &n, &x->err), -EINVAL);
}

/* What somebody with the shell wrote is said to be damage, not read as something else. */
static void damage_is_said(void **state)
{
	struct scratch *x = *state;
	struct engagement *rows, e = { .incident = 1, .tier = "triage", .at = 1 };
	size_t count;

	STORED(x, engagement_insert(x->store, &e, &x->err));
	scratch_sql(x, "UPDATE engagement SET reason = 'weather'");
	assert_int_equal(engagement_list(x->store, x->arena, 1, &rows, &count, &x->err), -EUCLEAN);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_incidents, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(checkpoints),
		CASE(one_handover_at_a_time),
		CASE(scope_is_kept_by_value),
		CASE(scope_knows_every_kind),
		CASE(a_tier_once_a_reason),
		CASE(wording_is_decided_once),
		CASE(damage_is_said),
	};

	return cmocka_run_group_tests_name("store: response", tests, NULL, NULL);
}
