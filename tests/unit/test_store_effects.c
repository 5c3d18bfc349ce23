#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/effects.h"
#include "support_store.h"

static int64_t add(struct scratch *x, const char *lane, enum effect_kind kind, int64_t due)
{
	struct effect_row e = { .system = "slack", .lane = lane, .kind = kind, .to = "announce",
		.due_at = due, .created_at = 100 };

	if (effect_insert(x->store, x->arena, &e, &x->err))
		fail_msg("%s", x->err.text);
	return e.id;
}

static struct effect_row load(struct scratch *x, int64_t id)
{
	struct effect_row e;

	if (effect_load(x->store, x->arena, id, &e, &x->err))
		fail_msg("%s", x->err.text);
	return e;
}

#define OK(call)                                                                                   \
	do {                                                                                       \
		if ((call) != 0)                                                                   \
			fail_msg("%s: %s", #call, x->err.text);                                    \
	} while (0)

static enum effect_state state_of(struct scratch *x, int64_t id)
{
	return load(x, id).state;
}

static size_t due(struct scratch *x, enum effect_kind kind, int64_t now, struct effect_row **rows)
{
	size_t count;

	OK(effect_due(x->store, x->arena, kind, now, 10, rows, &count, &x->err));
	return count;
}

static void every_field_comes_back(void **state)
{
	struct scratch *x = *state;
	int64_t incident = scratch_incident(x, "a");
	struct effect_row in = { .incident = incident,
		.system = "slack",
		.lane = "slack/1",
		.kind = EFFECT_MESSAGE_EDIT,
		.to = "incident",
		.slot = "card",
		.thread_slot = "root",
		.payload = "{\"doc\":{}}",
		.due_at = 5,
		.created_at = 4,
		.verify = true,
		.revision = 3 },
			  out;

	OK(effect_insert(x->store, x->arena, &in, &x->err));
	assert_int_equal(strlen(in.op_id), 26);
	out = load(x, in.id);
	assert_string_equal(out.op_id, in.op_id);
	assert_int_equal(out.incident, incident);
	assert_string_equal(out.system, "slack");
	assert_string_equal(out.lane, "slack/1");
	assert_int_equal(out.kind, EFFECT_MESSAGE_EDIT);
	assert_int_equal(out.state, EFFECT_READY);
	assert_string_equal(out.to, "incident");
	assert_string_equal(out.slot, "card");
	assert_string_equal(out.thread_slot, "root");
	assert_string_equal(out.payload, "{\"doc\":{}}");
	assert_int_equal(out.due_at, 5);
	assert_int_equal(out.created_at, 4);
	assert_int_equal(out.started_at, 0);
	assert_int_equal(out.ended_at, 0);
	assert_int_equal(out.attempts, 0);
	assert_true(out.verify);
	assert_null(out.error);
	assert_int_equal(out.revision, 3);
}

static void only_the_first_of_a_lane_is_ready(void **state)
{
	struct scratch *x = *state;
	int64_t a = add(x, "l1", EFFECT_CHANNEL_OPEN, 0), b = add(x, "l1", EFFECT_MESSAGE_POST, 0),
		c = add(x, "l1", EFFECT_MESSAGE_PIN, 0),
		other = add(x, "l2", EFFECT_MESSAGE_POST, 0);

	assert_int_equal(state_of(x, a), EFFECT_READY);
	assert_int_equal(state_of(x, b), EFFECT_WAITING);
	assert_int_equal(state_of(x, c), EFFECT_WAITING);
	assert_int_equal(state_of(x, other), EFFECT_READY);
	assert_int_equal(effect_start(x->store, b, 1, &x->err), -EINVAL); /* not its turn */
	OK(effect_start(x->store, a, 110, &x->err));
	assert_int_equal(effect_start(x->store, a, 110, &x->err), -EINVAL); /* once */
	assert_int_equal(state_of(x, b), EFFECT_WAITING);
	OK(effect_end(x->store, a, EFFECT_DELIVERED, NULL, 120, &x->err));
	assert_int_equal(state_of(x, a), EFFECT_DELIVERED);
	assert_int_equal(state_of(x, b), EFFECT_READY);
	assert_int_equal(state_of(x, c), EFFECT_WAITING);
	/* A refused one does not block what comes behind it. */
	OK(effect_start(x->store, b, 130, &x->err));
	OK(effect_end(x->store, b, EFFECT_FAILED, "channel is archived", 140, &x->err));
	assert_int_equal(state_of(x, c), EFFECT_READY);
	assert_string_equal(load(x, b).error, "channel is archived");
	assert_int_equal(load(x, b).ended_at, 140);
	/* The lane is free again. */
	OK(effect_end(x->store, c, EFFECT_DROPPED, NULL, 150, &x->err));
	assert_int_equal(state_of(x, add(x, "l1", EFFECT_MESSAGE_POST, 0)), EFFECT_READY);
}

static void a_retry_keeps_its_place(void **state)
{
	struct scratch *x = *state;
	int64_t a = add(x, "l", EFFECT_MESSAGE_POST, 0), b = add(x, "l", EFFECT_MESSAGE_POST, 0);
	struct effect_row *rows, e;

	for (int n = 1; n <= 3; n++) {
		OK(effect_start(x->store, a, 100 * n, &x->err));
		assert_int_equal(due(x, EFFECT_MESSAGE_POST, 10000, &rows), 0);
		OK(effect_retry(
			x->store, a, 100 * n + 50, n == 2, "rate limited", 100 * n + 1, &x->err));
		assert_int_equal(due(x, EFFECT_MESSAGE_POST, 100 * n + 49, &rows), 0);
		assert_int_equal(due(x, EFFECT_MESSAGE_POST, 100 * n + 50, &rows), 1);
		assert_int_equal(rows[0].id, a);
		assert_int_equal(rows[0].verify, n == 2);
		assert_int_equal(state_of(x, b), EFFECT_WAITING);
	}
	OK(effect_start(x->store, a, 400, &x->err));
	OK(effect_end(x->store, a, EFFECT_DELIVERED, NULL, 401, &x->err));
	e = load(x, a);
	assert_int_equal(e.attempts, 4);
	assert_null(e.error);
	assert_int_equal(state_of(x, b), EFFECT_READY);
	assert_int_equal(effect_retry(x->store, a, 9, false, NULL, 9, &x->err), -EINVAL);
	assert_int_equal(effect_end(x->store, a, EFFECT_FAILED, NULL, 9, &x->err), -EALREADY);
	/* The attempts stand as they were. */
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM attempt WHERE effect = 1"), 4);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM attempt WHERE n = 1 AND"
		" outcome = 'retry' AND started_at = 100 AND ended_at = 101"
		" AND error = 'rate limited'"), 1);
	assert_int_equal(scratch_ask(x, "SELECT n FROM attempt WHERE outcome = 'unknown'"), 2);
	assert_int_equal(scratch_ask(x, "SELECT n FROM attempt WHERE outcome = 'delivered'"), 4);
}

/* What waits in the middle may be dropped without anything else moving. */
static void dropping_one_that_waits(void **state)
{
	struct scratch *x = *state;
	int64_t a = add(x, "l", EFFECT_MESSAGE_POST, 0), b = add(x, "l", EFFECT_MESSAGE_POST, 0),
		c = add(x, "l", EFFECT_MESSAGE_POST, 0);

	OK(effect_start(x->store, a, 1, &x->err));
	OK(effect_end(x->store, b, EFFECT_DROPPED, "superseded", 2, &x->err));
	assert_int_equal(state_of(x, a), EFFECT_STARTED);
	assert_int_equal(state_of(x, c), EFFECT_WAITING);
	OK(effect_end(x->store, a, EFFECT_DELIVERED, NULL, 3, &x->err));
	assert_int_equal(state_of(x, c), EFFECT_READY);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM attempt WHERE effect = 2"), 0);
	assert_int_equal(effect_end(x->store, c, EFFECT_READY, NULL, 3, &x->err), -EINVAL);
	assert_int_equal(effect_end(x->store, 99, EFFECT_DROPPED, NULL, 3, &x->err), -ENOENT);
	assert_int_equal(effect_start(x->store, 99, 3, &x->err), -ENOENT);
	assert_int_equal(effect_retry(x->store, 99, 3, false, NULL, 3, &x->err), -ENOENT);
}

/* A failed one tried again comes before what waits, but never beside what is under way. */
static void reviving_a_failed_one(void **state)
{
	struct scratch *x = *state;
	int64_t a = add(x, "l", EFFECT_MESSAGE_POST, 0), b = add(x, "l", EFFECT_MESSAGE_POST, 0),
		c = add(x, "l", EFFECT_MESSAGE_POST, 0), d = add(x, "l", EFFECT_MESSAGE_POST, 0);

	OK(effect_start(x->store, a, 10, &x->err));
	assert_int_equal(effect_revive(x->store, a, 11, &x->err), -EINVAL);
	OK(effect_end(x->store, a, EFFECT_FAILED, "archived", 12, &x->err));
	OK(effect_start(x->store, b, 13, &x->err));
	OK(effect_revive(x->store, a, 14, &x->err));
	assert_int_equal(state_of(x, a), EFFECT_WAITING);
	assert_int_equal(load(x, a).ended_at, 0);
	OK(effect_end(x->store, d, EFFECT_DROPPED, NULL, 15, &x->err));
	assert_int_equal(state_of(x, a), EFFECT_WAITING); /* b is still under way */
	OK(effect_end(x->store, b, EFFECT_DELIVERED, NULL, 16, &x->err));
	assert_int_equal(state_of(x, a), EFFECT_READY);
	assert_int_equal(state_of(x, c), EFFECT_WAITING);
	OK(effect_start(x->store, a, 17, &x->err));
	OK(effect_end(x->store, a, EFFECT_DELIVERED, NULL, 18, &x->err));
	assert_int_equal(load(x, a).attempts, 2);
	OK(effect_end(x->store, c, EFFECT_FAILED, "no", 19, &x->err));
	OK(effect_revive(x->store, c, 20, &x->err)); /* of an idle lane */
	assert_int_equal(state_of(x, c), EFFECT_READY);
	assert_int_equal(effect_revive(x->store, 99, 21, &x->err), -ENOENT);
}

static void what_was_started_before_a_crash_is_verified(void **state)
{
	struct scratch *x = *state;
	struct effect_row e;
	int64_t count;

	assert_int_equal(store_begin(x->store, &x->err), 0);
	int64_t a = add(x, "l", EFFECT_MESSAGE_POST, 0), b = add(x, "l", EFFECT_MESSAGE_POST, 0),
		c = add(x, "m", EFFECT_MESSAGE_POST, 0);
	OK(effect_start(x->store, a, 110, &x->err));
	OK(store_commit(x->store, &x->err));
	scratch_reopen(x);
	STORED(x, effect_recover(x->store, 500, 600, &count, &x->err));
	assert_int_equal(count, 1);
	e = load(x, a);
	assert_int_equal(e.state, EFFECT_READY);
	assert_true(e.verify);
	assert_int_equal(e.due_at, 600);
	assert_int_equal(e.attempts, 1);
	assert_int_equal(state_of(x, b), EFFECT_WAITING);
	assert_false(load(x, c).verify);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM attempt WHERE outcome = 'unknown'"
		" AND started_at = 110 AND ended_at = 500 AND n = 1"), 1);
	/* And again: the next attempt has the next number. */
	STORED(x, effect_start(x->store, a, 510, &x->err));
	STORED(x, effect_recover(x->store, 520, 520, &count, &x->err));
	assert_int_equal(count, 1);
	STORED(x, effect_recover(x->store, 530, 530, &count, &x->err));
	assert_int_equal(count, 0);
}

static void due_by_kind_oldest_first(void **state)
{
	struct scratch *x = *state;
	struct effect_row *rows;
	int64_t next;

	add(x, "a", EFFECT_MESSAGE_POST, 300);
	add(x, "b", EFFECT_MESSAGE_POST, 200);
	add(x, "c", EFFECT_MESSAGE_PIN, 150);
	add(x, "d", EFFECT_MESSAGE_POST, 200);
	assert_int_equal(due(x, EFFECT_MESSAGE_POST, 199, &rows), 0);
	assert_int_equal(due(x, EFFECT_MESSAGE_POST, 300, &rows), 3);
	assert_int_equal(rows[0].id, 2);
	assert_int_equal(rows[1].id, 4);
	assert_int_equal(rows[2].id, 1);
	size_t count;
	OK(effect_due(x->store, x->arena, EFFECT_MESSAGE_POST, 300, 2, &rows, &count, &x->err));
	assert_int_equal(count, 2);
	OK(effect_next_due_of(x->store, EFFECT_MESSAGE_POST, &next, &x->err));
	assert_int_equal(next, 200);
	OK(effect_next_due_of(x->store, EFFECT_HOME_SHOW, &next, &x->err));
	assert_int_equal(next, 0);
}

static void hastening_a_lane(void **state)
{
	struct scratch *x = *state;

	add(x, "l", EFFECT_MESSAGE_POST, 9000);
	add(x, "l", EFFECT_MESSAGE_POST, 50);
	add(x, "m", EFFECT_MESSAGE_POST, 9000);
	OK(effect_hasten(x->store, "l", 100, 1100, &x->err));
	assert_int_equal(load(x, 1).due_at, 100);
	assert_int_equal(load(x, 2).due_at, 50); /* never later */
	assert_int_equal(load(x, 3).due_at, 9000);
}

/* A look for what is under way comes too soon, however much somebody is in a hurry. */
static void hastening_a_look(void **state)
{
	struct scratch *x = *state;
	int64_t count, far = add(x, "l", EFFECT_MESSAGE_POST, 0), near = add(x, "m", EFFECT_MESSAGE_POST, 0);

	STORED(x, effect_start(x->store, far, 100, &x->err));
	STORED(x, effect_start(x->store, near, 100, &x->err));
	STORED(x, effect_recover(x->store, 200, 9000, &count, &x->err));
	STORED(x, effect_hasten(x->store, "l", 200, 1200, &x->err));
	assert_int_equal(load(x, far).due_at, 1200);
	STORED(x, effect_hasten(x->store, "l", 700, 1700, &x->err));
	assert_int_equal(load(x, far).due_at, 1200);
	assert_int_equal(load(x, near).due_at, 9000);
}

static void pending_is_what_was_not_started(void **state)
{
	struct scratch *x = *state;
	int64_t incident = scratch_incident(x, "a"), id;
	struct effect_row e = { .incident = incident, .system = "slack", .lane = "l",
		.kind = EFFECT_MESSAGE_EDIT, .slot = "card", .created_at = 1 };

	OK(effect_pending(x->store, incident, EFFECT_MESSAGE_EDIT, "card", &id, &x->err));
	assert_int_equal(id, 0);
	OK(effect_insert(x->store, x->arena, &e, &x->err));
	OK(effect_pending(x->store, incident, EFFECT_MESSAGE_EDIT, "card", &id, &x->err));
	assert_int_equal(id, e.id);
	OK(effect_pending(x->store, incident, EFFECT_MESSAGE_EDIT, "announcement", &id, &x->err));
	assert_int_equal(id, 0);
	OK(effect_pending(x->store, incident, EFFECT_CHANNEL_TOPIC, "card", &id, &x->err));
	assert_int_equal(id, 0);
	OK(effect_pending(x->store, 0, EFFECT_MESSAGE_EDIT, "card", &id, &x->err));
	assert_int_equal(id, 0);
	OK(effect_start(x->store, e.id, 2, &x->err));
	OK(effect_pending(x->store, incident, EFFECT_MESSAGE_EDIT, "card", &id, &x->err));
	assert_int_equal(id, 0);
	int64_t home = add(x, "person", EFFECT_HOME_SHOW, 0);
	OK(effect_pending(x->store, 0, EFFECT_HOME_SHOW, NULL, &id, &x->err));
	assert_int_equal(id, home);
}

static void lists_and_counts(void **state)
{
	struct scratch *x = *state;
	int64_t incident = scratch_incident(x, "a"), n, oldest;
	struct effect_row e = { .incident = incident, .system = "slack", .lane = "l",
		.kind = EFFECT_MESSAGE_EDIT, .created_at = 50 }, *rows;
	size_t count;

	OK(effect_insert(x->store, x->arena, &e, &x->err));
	add(x, "m", EFFECT_MESSAGE_POST, 0);
	add(x, "n", EFFECT_MESSAGE_POST, 0);
	OK(effect_end(x->store, 3, EFFECT_FAILED, "no", 5, &x->err));
	OK(effect_open_count(x->store, 0, &n, &oldest, &x->err));
	assert_int_equal(n, 2);
	assert_int_equal(oldest, 50);
	OK(effect_open_count(x->store, incident, &n, &oldest, &x->err));
	assert_int_equal(n, 1);
	OK(effect_open_list(x->store, x->arena, 0, 10, &rows, &count, &x->err));
	assert_int_equal(count, 2);
	OK(effect_open_list(x->store, x->arena, incident, 10, &rows, &count, &x->err));
	assert_int_equal(count, 1);
	OK(effect_failed_list(x->store, x->arena, incident, 10, &rows, &count, &x->err));
	assert_int_equal(count, 0);
	OK(effect_failed_list(x->store, x->arena, 0, 10, &rows, &count, &x->err));
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].id, 3);
	OK(effect_end(x->store, e.id, EFFECT_FAILED, "no", 5, &x->err));
	OK(effect_failed_list(x->store, x->arena, incident, 10, &rows, &count, &x->err));
	assert_int_equal(count, 1);
	OK(effect_open_count(x->store, incident, &n, &oldest, &x->err));
	assert_int_equal(n, 0);
	assert_int_equal(oldest, 0);
}

static void pruning_is_bounded_and_spares_what_is_open(void **state)
{
	struct scratch *x = *state;
	bool left;

	for (int i = 0; i < 10; i++)
		add(x, "l", EFFECT_MESSAGE_POST, 0);
	for (int i = 1; i <= 7; i++) {
		OK(effect_start(x->store, i, 10, &x->err));
		OK(effect_end(x->store, i, EFFECT_DELIVERED, NULL, 100 * i, &x->err));
	}
	OK(effect_prune(x->store, 650, 4, &left, &x->err));
	assert_true(left);
	assert_int_equal(scratch_ask(x, "SELECT min(id) FROM effect"), 5);
	assert_int_equal(scratch_ask(x, "SELECT min(effect) FROM attempt"), 5);
	OK(effect_prune(x->store, 650, 4, &left, &x->err));
	assert_false(left);
	assert_int_equal(scratch_ask(x, "SELECT min(id) FROM effect"), 7);
	/* All of them old: the newest stays, so that its number is not given again. */
	for (int i = 8; i <= 10; i++)
		OK(effect_end(x->store, i, EFFECT_DROPPED, NULL, 800, &x->err));
	OK(effect_prune(x->store, 10000, 100, &left, &x->err));
	assert_false(left);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM effect"), 1);
	assert_int_equal(add(x, "l", EFFECT_MESSAGE_POST, 0), 11);
}

/* SQL written by hand, as a bug or a person might: the table itself keeps the states apart. */
static void the_table_refuses_what_cannot_be(void **state)
{
	struct scratch *x = *state;
	struct effect_row e = { .system = "slack", .lane = "", .kind = EFFECT_MESSAGE_POST,
		.created_at = 1 };

	assert_int_equal(effect_insert(x->store, x->arena, &e, &x->err), -EINVAL);
	e.lane = "l";
	e.incident = 77;
	assert_int_equal(effect_insert(x->store, x->arena, &e, &x->err), -ENOENT);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM effect"), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_field_comes_back),
		CASE(only_the_first_of_a_lane_is_ready),
		CASE(a_retry_keeps_its_place),
		CASE(dropping_one_that_waits),
		CASE(reviving_a_failed_one),
		CASE(what_was_started_before_a_crash_is_verified),
		CASE(due_by_kind_oldest_first),
		CASE(hastening_a_lane),
		CASE(hastening_a_look),
		CASE(pending_is_what_was_not_started),
		CASE(lists_and_counts),
		CASE(pruning_is_bounded_and_spares_what_is_open),
		CASE(the_table_refuses_what_cannot_be),
	};

	return cmocka_run_group_tests_name("store: effects", tests, NULL, NULL);
}
