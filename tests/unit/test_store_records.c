#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/db.h"
#include "store/inbox.h"
#include "store/people.h"
#include "store/promises.h"
#include "store/references.h"
#include "store/timelines.h"
#include "store/timers.h"
#include "support_store.h"

#define OK(call)                                                                                   \
	do {                                                                                       \
		if ((call) != 0)                                                                   \
			fail_msg("%s: %s", #call, x->err.text);                                    \
	} while (0)

/* ---- timeline --------------------------------------------------------------------------- */

static int append(struct scratch *x, int64_t incident, int64_t happened_at, const char *text,
	const char *source, int64_t corrects)
{
	struct timeline_entry e = { .incident = incident, .happened_at = happened_at,
		.recorded_at = 5000, .kind = ENTRY_DECISION, .text = arena_strdup(x->arena, text),
		.author = arena_strdup(x->arena, "slack:U1"),
		.source = arena_strdup(x->arena, source), .corrects = corrects };

	return timeline_append(x->store, &e, &x->err);
}

static void timeline_goes_by_what_happened(void **state)
{
	struct scratch *x = *state;
	int64_t id = scratch_incident(x, "a"), n;
	struct timeline_entry *e;
	size_t count;

	OK(append(x, id, 300, "third", NULL, 0));
	OK(append(x, id, 100, "first", "slack:C1/1.0", 0));
	OK(append(x, id, 200, "second", NULL, 0));
	OK(append(x, id, 200, "second, corrected", NULL, 3));
	OK(timeline_list(x->store, x->arena, id, 0, 10, &e, &count, &x->err));
	assert_int_equal(count, 4);
	assert_string_equal(e[0].text, "first");
	assert_string_equal(e[1].text, "second");
	assert_string_equal(e[2].text, "second, corrected");
	assert_string_equal(e[3].text, "third");
	assert_int_equal(e[2].corrects, 3);
	assert_int_equal(e[0].kind, ENTRY_DECISION);
	assert_string_equal(e[0].source, "slack:C1/1.0");
	assert_string_equal(e[0].author, "slack:U1");
	assert_int_equal(e[0].recorded_at, 5000);
	/* The newest page, and the one before it. */
	OK(timeline_list(x->store, x->arena, id, 0, 2, &e, &count, &x->err));
	assert_int_equal(count, 2);
	assert_int_equal(e[0].id, 4);
	OK(timeline_list(x->store, x->arena, id, e[0].id, 2, &e, &count, &x->err));
	assert_int_equal(count, 2);
	assert_int_equal(e[0].id, 2);
	assert_int_equal(e[1].id, 3);
	OK(timeline_count(x->store, id, &n, &x->err));
	assert_int_equal(n, 4);
}

static void a_source_is_on_a_timeline_once(void **state)
{
	struct scratch *x = *state;
	int64_t a = scratch_incident(x, "a"), b = scratch_incident(x, "b"), n;

	OK(append(x, a, 1, "pinned", "slack:C1/1.0", 0));
	assert_int_equal(append(x, a, 2, "pinned again", "slack:C1/1.0", 0), -EEXIST);
	OK(append(x, b, 1, "pinned elsewhere", "slack:C1/1.0", 0));
	OK(append(x, a, 1, "no source", NULL, 0));
	OK(append(x, a, 1, "no source", NULL, 0));
	OK(timeline_count(x->store, a, &n, &x->err));
	assert_int_equal(n, 3);
	assert_int_equal(append(x, 99, 1, "of nothing", NULL, 0), -ENOENT);
	assert_int_equal(append(x, a, 1, "corrects nothing", NULL, 99), -ENOENT);
}

static void nothing_on_a_timeline_can_be_changed(void **state)
{
	struct scratch *x = *state;

	OK(append(x, scratch_incident(x, "a"), 1, "what happened", NULL, 0));
	assert_int_not_equal(
		db_script(store_db(x->store), "UPDATE timeline SET text = 'else'", &x->err), 0);
	assert_says(&x->err, "append-only");
	assert_int_not_equal(db_script(store_db(x->store), "DELETE FROM timeline", &x->err), 0);
	assert_says(&x->err, "append-only");
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM timeline"), 1);
}

/* ---- promises --------------------------------------------------------------------------- */

static void assert_same_promise(const struct promise *a, const struct promise *b)
{
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->incident, b->incident);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->made_at, b->made_at);
	assert_int_equal(a->due_at, b->due_at);
	assert_int_equal(a->quiet_until, b->quiet_until);
	assert_int_equal(a->said, b->said);
	assert_int_equal(a->kept_at, b->kept_at);
	assert_int_equal(a->missed_at, b->missed_at);
}

static void one_open_promise_of_a_kind(void **state)
{
	struct scratch *x = *state;
	int64_t id = scratch_incident(x, "a");
	struct promise p = { .incident = id, .kind = PROMISE_UPDATE, .made_at = 1, .due_at = 2,
		.quiet_until = 3, .said = 4, .missed_at = 5 }, out, *list;
	struct promise second = p, other = p;
	size_t count;

	other.kind = PROMISE_RESOLVE;
	OK(promise_insert(x->store, &p, &x->err));
	OK(promise_insert(x->store, &other, &x->err));
	assert_int_equal(promise_insert(x->store, &second, &x->err), -EEXIST);
	OK(promise_open_of(x->store, id, PROMISE_UPDATE, &out, &x->err));
	assert_same_promise(&out, &p);
	assert_int_equal(promise_open_of(x->store, id, PROMISE_ROLES, &out, &x->err), -ENOENT);
	p.state = PROMISE_KEPT;
	p.kept_at = 9;
	p.due_at = 8;
	OK(promise_save(x->store, &p, &x->err));
	assert_int_equal(promise_open_of(x->store, id, PROMISE_UPDATE, &out, &x->err), -ENOENT);
	OK(promise_list(x->store, x->arena, id, &list, &count, &x->err));
	assert_int_equal(count, 2);
	p.n = 1;
	assert_same_promise(&list[0], &p);
	OK(promise_save(x->store, &p, &x->err)); /* keeps its number */
	OK(promise_insert(x->store, &second, &x->err));
	p.state = PROMISE_OPEN; /* there is a new one meanwhile */
	assert_int_equal(promise_save(x->store, &p, &x->err), -EEXIST);
	second.state = PROMISE_WITHDRAWN;
	OK(promise_save(x->store, &second, &x->err));
	OK(promise_list(x->store, x->arena, id, &list, &count, &x->err));
	assert_int_equal(count, 3);
	assert_int_equal(list[0].n, 1);
	assert_int_equal(list[1].n, 2);
	assert_int_equal(list[1].state, PROMISE_WITHDRAWN);
	assert_same_promise(&list[2], &other);
	OK(promise_save(x->store, &p, &x->err)); /* open again */
	p.n = 0;
	OK(promise_open_of(x->store, id, PROMISE_UPDATE, &out, &x->err));
	assert_same_promise(&out, &p);
	p.n = 99;
	assert_int_equal(promise_save(x->store, &p, &x->err), -ENOENT);
	second.incident = 99;
	assert_int_equal(promise_insert(x->store, &second, &x->err), -ENOENT);
}

/* ---- timers ----------------------------------------------------------------------------- */

static void arm(struct scratch *x, const char *name, int64_t incident, int64_t subject, int64_t due)
{
	struct timer t = { .due_at = due, .name = name, .incident = incident, .subject = subject,
		.operation = "tick", .args = "{}" };

	OK(timer_arm(x->store, &t, &x->err));
}

static size_t due(struct scratch *x, int64_t now, int max, struct timer **t)
{
	size_t count;

	OK(timer_due(x->store, x->arena, now, max, t, &count, &x->err));
	return count;
}

static void arming_again_moves_a_timer(void **state)
{
	struct scratch *x = *state;
	int64_t next;
	struct timer *t;

	OK(timer_next(x->store, &next, &x->err));
	assert_int_equal(next, 0);
	arm(x, "promise", 1, 7, 100);
	arm(x, "promise", 1, 8, 300);
	arm(x, "housekeeping", 0, 0, 200);
	OK(timer_next(x->store, &next, &x->err));
	assert_int_equal(next, 100);
	arm(x, "promise", 1, 7, 250);
	arm(x, "housekeeping", 0, 0, 200);
	OK(timer_next(x->store, &next, &x->err));
	assert_int_equal(next, 200);
	assert_int_equal(due(x, 199, 10, &t), 0);
	assert_int_equal(due(x, 1000, 10, &t), 3);
	assert_string_equal(t[0].name, "housekeeping");
	assert_int_equal(t[0].incident, 0);
	assert_int_equal(t[1].subject, 7);
	assert_int_equal(t[1].due_at, 250);
	assert_string_equal(t[1].operation, "tick");
	assert_string_equal(t[1].args, "{}");
	assert_int_equal(t[2].subject, 8);
	assert_int_equal(due(x, 1000, 2, &t), 2);
}

static void disarming(void **state)
{
	struct scratch *x = *state;
	struct timer *t;
	size_t count;
	int64_t next;

	arm(x, "promise", 1, 7, 100);
	arm(x, "promise", 1, 8, 300);
	arm(x, "nag", 1, 0, 200);
	arm(x, "promise", 2, 9, 400);
	OK(timer_disarm(x->store, "promise", 1, 7, &x->err));
	OK(timer_disarm(x->store, "promise", 1, 7, &x->err)); /* absent is fine */
	OK(timer_list(x->store, x->arena, 1, &t, &count, &x->err));
	assert_int_equal(count, 2);
	assert_string_equal(t[0].name, "nag");
	OK(timer_disarm(x->store, t[0].name, 1, t[0].subject, &x->err));
	OK(timer_list(x->store, x->arena, 1, &t, &count, &x->err));
	assert_int_equal(count, 1);
	OK(timer_next(x->store, &next, &x->err));
	assert_int_equal(next, 300);
}

/* Its work belongs to the arming that counts, not to one before. */
static void arming_again_says_what_to_do_anew(void **state)
{
	struct scratch *x = *state;
	struct timer again = { .due_at = 50, .name = "ask", .incident = 1, .subject = 7,
		.operation = "tock", .args = "{\"round\":2}" }, *t;

	arm(x, "ask", 1, 7, 100);
	OK(timer_arm(x->store, &again, &x->err));
	assert_int_equal(due(x, 1000, 10, &t), 1);
	assert_int_equal(t[0].due_at, 50);
	assert_string_equal(t[0].operation, "tock");
	assert_string_equal(t[0].args, "{\"round\":2}");
}

/* A clock that was ahead is put right: the bot's own rounds follow it, what was promised to people
 * stays at the time that they were told. */
static void only_rounds_of_no_incident_are_set_back(void **state)
{
	struct scratch *x = *state;
	struct timer *t;

	arm(x, "housekeeping", 0, 0, 900);
	arm(x, "overdue", 0, 0, 500);
	arm(x, "promise", 1, 7, 900);
	OK(timer_set_back(x->store, 300, 500, &x->err));
	assert_int_equal(due(x, 1000, 10, &t), 3);
	assert_string_equal(t[0].name, "overdue"); /* due by the right clock too */
	assert_int_equal(t[0].due_at, 500);
	assert_string_equal(t[1].name, "housekeeping");
	assert_int_equal(t[1].due_at, 600);
	assert_string_equal(t[2].name, "promise");
	assert_int_equal(t[2].due_at, 900);
}

/* ---- inbox ------------------------------------------------------------------------------ */

static void any_key_finds_the_reply(void **state)
{
	struct scratch *x = *state;
	const char *one[] = { "envelope:1", "trigger:1", "envelope:1" };
	const char *two[] = { "new", "trigger:1" };
	const char *none[] = { "new", "newer" };
	const char *quiet[] = { "quiet" };
	char *reply = NULL;

	assert_int_equal(inbox_find(x->store, x->arena, one, 2, &reply, &x->err), -ENOENT);
	OK(inbox_add(x->store, one, 3, "{\"said\":1}", 100, &x->err));
	OK(inbox_find(x->store, x->arena, two, 2, &reply, &x->err));
	assert_string_equal(reply, "{\"said\":1}");
	assert_int_equal(inbox_find(x->store, x->arena, none, 2, &reply, &x->err), -ENOENT);
	assert_int_equal(inbox_find(x->store, x->arena, NULL, 0, &reply, &x->err), -ENOENT);
	OK(inbox_add(x->store, quiet, 1, NULL, 100, &x->err));
	OK(inbox_find(x->store, x->arena, quiet, 1, &reply, &x->err));
	assert_string_equal(reply, "");
	assert_int_equal(inbox_add(x->store, two, 2, "other", 100, &x->err), -EEXIST);
	OK(inbox_add(x->store, NULL, 0, "nobody asks again", 100, &x->err));
	assert_int_equal(
		scratch_ask(x, "SELECT count(*) FROM inbox WHERE reply LIKE '%said%'"), 1);
}

static bool seen(struct scratch *x, int n)
{
	char key[32], *reply;
	const char *keys[] = { key };

	snprintf(key, sizeof(key), "k%d", n);
	return inbox_find(x->store, x->arena, keys, 1, &reply, &x->err) == 0;
}

static void pruning_the_inbox_is_bounded(void **state)
{
	struct scratch *x = *state;
	bool left;

	for (int i = 0; i < 10; i++) {
		char a[32], b[32];
		const char *keys[] = { a, b };
		snprintf(a, sizeof(a), "k%d", i);
		snprintf(b, sizeof(b), "t%d", i);
		OK(inbox_add(x->store, keys, 2, "r", 100 * i, &x->err));
	}
	OK(inbox_prune(x->store, 600, 4, &left, &x->err));
	assert_true(left);
	assert_false(seen(x, 3));
	assert_true(seen(x, 4));
	OK(inbox_prune(x->store, 600, 4, &left, &x->err));
	assert_false(left);
	assert_false(seen(x, 5));
	assert_true(seen(x, 6)); /* not older than 600 */
	OK(inbox_prune(x->store, 600, 4, &left, &x->err));
	assert_false(left);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM inbox"), 4);
}

/* What is known in memory of the keys follows the record through everything that undoes. */
static void the_inbox_is_what_was_committed(void **state)
{
	struct scratch *x = *state;
	const char *one[] = { "k1" }, *two[] = { "k2" }, *lines[] = { "k1\nk2" }, *empty[] = { "" };
	bool left;

	assert_false(seen(x, 1));
	OK(store_begin(x->store, &x->err));
	OK(inbox_add(x->store, one, 1, "gone", 100, &x->err));
	assert_true(seen(x, 1));
	store_rollback(x->store);
	assert_false(seen(x, 1));
	OK(store_begin(x->store, &x->err));
	OK(store_savepoint(x->store, &x->err));
	OK(inbox_add(x->store, one, 1, "gone", 100, &x->err));
	store_undo(x->store);
	OK(inbox_add(x->store, two, 1, "stays", 100, &x->err)); /* in the place of the other */
	assert_false(seen(x, 1));
	OK(store_commit(x->store, &x->err));
	assert_true(seen(x, 2));
	OK(inbox_add(x->store, one, 1, "again", 200, &x->err));

	OK(store_begin(x->store, &x->err));
	OK(inbox_prune(x->store, 1000, 10, &left, &x->err));
	assert_false(left);
	assert_false(seen(x, 2));
	store_rollback(x->store);
	assert_true(seen(x, 2));
	OK(store_begin(x->store, &x->err));
	OK(inbox_prune(x->store, 1000, 10, &left, &x->err));
	OK(inbox_add(x->store, two, 1, "new", 300, &x->err));
	OK(store_commit(x->store, &x->err));
	assert_true(seen(x, 1)); /* it was the newest */
	assert_true(seen(x, 2));

	assert_int_equal(inbox_add(x->store, lines, 1, "r", 300, &x->err), -EINVAL);
	assert_int_equal(inbox_add(x->store, empty, 1, "r", 300, &x->err), -EINVAL);
	scratch_reopen(x);
	assert_true(seen(x, 1));
	assert_true(seen(x, 2));
	assert_false(seen(x, 3));
}

static void many_keys_are_found(void **state)
{
	struct scratch *x = *state;
	bool left;

	OK(store_begin(x->store, &x->err));
	for (int i = 0; i < 1000; i++) {
		char a[32];
		const char *keys[] = { a };
		snprintf(a, sizeof(a), "k%d", i);
		assert_false(seen(x, i));
		OK(inbox_add(x->store, keys, 1, NULL, i, &x->err));
	}
	OK(store_commit(x->store, &x->err));
	OK(store_begin(x->store, &x->err));
	OK(inbox_prune(x->store, 900, 1000, &left, &x->err));
	OK(store_commit(x->store, &x->err));
	for (int i = 0; i < 1000; i++)
		assert_int_equal(seen(x, i), i >= 900);
}

/* ---- references, people, cursors -------------------------------------------------------- */

static void references_are_unique_in_their_slot(void **state)
{
	struct scratch *x = *state;
	int64_t id = scratch_incident(x, "a");
	struct reference in = { .incident = id,
		.system = "slack",
		.slot = "card",
		.key = "slack:C1/1.0",
		.url = "https://chat.example/1",
		.state = "synced",
		.error = "none",
		.synced = "{}",
		.created_at = 5,
		.synced_at = 6 },
			 out, *list;
	size_t count;

	OK(reference_put(x->store, &in, &x->err));
	OK(reference_get(x->store, x->arena, id, "slack", "card", &out, &x->err));
	assert_string_equal(out.key, in.key);
	assert_string_equal(out.url, in.url);
	assert_string_equal(out.state, in.state);
	assert_string_equal(out.error, in.error);
	assert_string_equal(out.synced, in.synced);
	assert_int_equal(out.created_at, 5);
	assert_int_equal(out.synced_at, 6);
	in.key = "slack:C1/2.0";
	in.created_at = 50;
	in.error = NULL;
	OK(reference_put(x->store, &in, &x->err));
	OK(reference_by_key(x->store, x->arena, "slack:C1/2.0", &out, &x->err));
	assert_int_equal(out.created_at, 5);
	assert_null(out.error);
	assert_int_equal(
		reference_by_key(x->store, x->arena, "slack:C1/1.0", &out, &x->err), -ENOENT);
	in.slot = "announcement";
	OK(reference_put(x->store, &in, &x->err));
	OK(reference_list(x->store, x->arena, id, &list, &count, &x->err));
	assert_int_equal(count, 2);
	OK(reference_delete(x->store, list[0].id, &x->err));
	assert_int_equal(
		reference_get(x->store, x->arena, id, "slack", "announcement", &out, &x->err),
		-ENOENT);
	in.state = "no such state";
	assert_int_equal(reference_put(x->store, &in, &x->err), -EINVAL);
	in.state = "synced";
	in.incident = 99;
	assert_int_equal(reference_put(x->store, &in, &x->err), -ENOENT);
}

static void people_keep_what_is_not_said_anew(void **state)
{
	struct scratch *x = *state;
	struct person in = { .key = "slack:U1", .name = "Bob", .zone = "Europe/Berlin",
		.email = "bob@example.com", .seen_at = 5 }, out;

	assert_int_equal(person_get(x->store, x->arena, "slack:U1", &out, &x->err), -ENOENT);
	OK(person_put(x->store, &in, &x->err));
	in = (struct person){ .key = "slack:U1", .zone = "Europe/Vienna" };
	OK(person_put(x->store, &in, &x->err));
	OK(person_get(x->store, x->arena, "slack:U1", &out, &x->err));
	assert_string_equal(out.name, "Bob");
	assert_string_equal(out.zone, "Europe/Vienna");
	assert_string_equal(out.email, "bob@example.com");
	assert_int_equal(out.seen_at, 5);
	in = (struct person){ .key = "slack:U2", .name = "bob", .seen_at = 9 };
	OK(person_put(x->store, &in, &x->err));
	OK(person_by_name(x->store, x->arena, "BOB", &out, &x->err));
	assert_string_equal(out.key, "slack:U2"); /* seen last */
	assert_int_equal(person_by_name(x->store, x->arena, "carol", &out, &x->err), -ENOENT);
}

static void cursors(void **state)
{
	struct scratch *x = *state;
	char *value;

	assert_int_equal(cursor_get(x->store, x->arena, "alive", &value, &x->err), -ENOENT);
	OK(cursor_put(x->store, "alive", "1", &x->err));
	OK(cursor_put(x->store, "alive", "2", &x->err));
	OK(cursor_get(x->store, x->arena, "alive", &value, &x->err));
	assert_string_equal(value, "2");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(timeline_goes_by_what_happened),
		CASE(a_source_is_on_a_timeline_once),
		CASE(nothing_on_a_timeline_can_be_changed),
		CASE(one_open_promise_of_a_kind),
		CASE(arming_again_moves_a_timer),
		CASE(disarming),
		CASE(arming_again_says_what_to_do_anew),
		CASE(only_rounds_of_no_incident_are_set_back),
		CASE(any_key_finds_the_reply),
		CASE(pruning_the_inbox_is_bounded),
		CASE(the_inbox_is_what_was_committed),
		CASE(many_keys_are_found),
		CASE(references_are_unique_in_their_slot),
		CASE(people_keep_what_is_not_said_anew),
		CASE(cursors),
	};

	return cmocka_run_group_tests_name("store: records", tests, NULL, NULL);
}
