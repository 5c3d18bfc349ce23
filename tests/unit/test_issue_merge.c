/*
 * Every combination of what both sides have, what is remembered of them, what was sent, and what is
 * being argued about, over a small alphabet: the laws of the three-way merge hold for each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "incident/issue.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define NOW	 INT64_C(1772359200000)
#define FRESH	 (NOW - ISSUE_SENT_LIFE_MS)
#define STALE	 (FRESH - 1)

static const char *const values[] = { NULL, "x", "a", "b", "A" };
static const char *const bases[] = { "x", "a", "b" };

static const struct {
	struct issue_sent sent[ISSUE_SENT_MAX];
	size_t count;
} sents[] = {
	{ { { NULL, 0, false } }, 0 },
	{ { { "a", FRESH, true } }, 1 },
	{ { { "b", FRESH, false } }, 1 },
	{ { { "a", FRESH, true }, { "a", NOW, false } }, 2 },
	{ { { "a", FRESH, false }, { "b", NOW, true } }, 2 },
	{ { { "a", STALE, true } }, 1 },
	{ { { "a", STALE, false } }, 1 },
	{ { { "b", NOW + ISSUE_SENT_LIFE_MS + 1, true }, { "a", STALE, true },
		  { "b", NOW, false } },
		3 },
	{ { { "b", NOW + ISSUE_SENT_LIFE_MS + 1, false }, { "a", STALE, true } }, 2 },
};

/* One combination, and what came of it. */
struct meeting {
	enum issue_field f;
	const char *ours, *theirs;
	struct issue_memory before, after;
	enum merge_verdict verdict;
};

static bool memory_same(const struct issue_memory *a, const struct issue_memory *b)
{
	if (a->known != b->known || !issue_value_same(ISSUE_TITLE, a->ours, b->ours) ||
		!issue_value_same(ISSUE_TITLE, a->theirs, b->theirs) ||
		a->sent_count != b->sent_count || a->conflict.open != b->conflict.open ||
		!issue_value_same(ISSUE_TITLE, a->trouble, b->trouble))
		return false;
	for (size_t i = 0; i < a->sent_count; i++)
		if (strcmp(a->sent[i].value, b->sent[i].value) != 0 ||
			a->sent[i].at != b->sent[i].at || a->sent[i].looked != b->sent[i].looked)
			return false;
	return !a->conflict.open ||
	       (issue_value_same(ISSUE_TITLE, a->conflict.ours, b->conflict.ours) &&
		       issue_value_same(ISSUE_TITLE, a->conflict.theirs, b->conflict.theirs) &&
		       issue_value_same(ISSUE_TITLE, a->conflict.by, b->conflict.by) &&
		       a->conflict.by_at == b->conflict.by_at &&
		       issue_value_same(ISSUE_TITLE, a->conflict.why, b->conflict.why));
}

static void broken(const struct meeting *x, const char *law)
{
	const struct issue_memory *m = &x->before;
	const char *sent = m->sent_count ? m->sent[0].value : "-";

	fail_msg("%s: %s known %d (%s, %s) ours %s theirs %s sent %zu %s conflict %d %s why %s -> "
		 "%d, now (%s, %s)",
		law, issue_field_name(x->f), m->known, m->ours, m->theirs, x->ours ? x->ours : "-",
		x->theirs ? x->theirs : "-", m->sent_count, sent, m->conflict.open,
		m->conflict.theirs ? m->conflict.theirs : "-",
		m->conflict.why ? m->conflict.why : "-", (int)x->verdict, x->after.ours,
		x->after.theirs);
}

#define LAW(x, holds)                                                                              \
	do {                                                                                       \
		if (!(holds))                                                                      \
			broken(x, #holds);                                                         \
	} while (0)

static bool same(const struct meeting *x, const char *a, const char *b)
{
	return issue_value_same(x->f, a, b);
}

/* Would theirs be something that we may have written ourselves? */
static bool sent_by_us(const struct meeting *x)
{
	const struct issue_memory *m = &x->before;

	if (m->known && same(x, m->theirs, x->theirs))
		return false;
	for (size_t i = 0; i < m->sent_count; i++)
		if (same(x, m->sent[i].value, x->theirs) &&
			(!m->sent[i].looked || (m->sent[i].at >= FRESH &&
						       m->sent[i].at <= NOW + ISSUE_SENT_LIFE_MS)))
			return true;
	return false;
}

/* What the verdict has to be, said in other words than the merge does. */
static void check_verdict(const struct meeting *x)
{
	const struct issue_memory *m = &x->before;
	bool echo = sent_by_us(x);
	bool we = echo ? !same(x, x->ours, x->theirs) : m->known && !same(x, x->ours, m->ours);
	bool they = !echo && m->known && !same(x, x->theirs, m->theirs);
	bool apart = !same(x, x->ours, x->theirs);
	bool refused =
		m->conflict.open && m->conflict.why && same(x, m->conflict.theirs, x->theirs);

	LAW(x, (x->verdict == MERGE_CONFLICT) == (apart && they && (we || refused)));
	LAW(x, (x->verdict == MERGE_SEND) == (apart && we && !they));
	LAW(x, (x->verdict == MERGE_APPLY) == (apart && they && !we && !refused));
	if (echo)
		LAW(x, x->verdict == (apart ? MERGE_SEND : MERGE_NOTHING));
	LAW(x, !x->after.conflict.open || (x->verdict == MERGE_CONFLICT && m->conflict.open));
	if (we || they)
		LAW(x, !x->after.trouble);
	else if (!echo)
		LAW(x, x->after.trouble == m->trouble);
}

static void check_memory(const struct meeting *x)
{
	const struct issue_memory *m = &x->after;

	LAW(x, m->known);
	if (x->verdict == MERGE_NOTHING)
		LAW(x, same(x, m->ours, x->ours) && same(x, m->theirs, x->theirs));
	if (x->verdict == MERGE_SEND)
		LAW(x, same(x, m->theirs, x->theirs) && !same(x, m->ours, x->ours));
	if (x->verdict == MERGE_APPLY)
		LAW(x, same(x, m->ours, x->ours) && !same(x, m->theirs, x->theirs));
	for (size_t i = 0; i < m->sent_count; i++)
		LAW(x, m->sent[i].at >= FRESH && m->sent[i].at <= NOW + ISSUE_SENT_LIFE_MS &&
				m->sent[i].looked);
}

static void check_again(const struct meeting *x)
{
	struct issue_memory m = x->after;

	LAW(x, issue_merge(x->f, &m, x->ours, x->theirs, NOW) == x->verdict);
	LAW(x, memory_same(&m, &x->after));
}

/* What follows the verdict brings both into step, and keeps them there. */
static void check_followed(const struct meeting *x)
{
	struct issue_memory m = x->after;

	issue_settled(&m, x->ours, x->theirs); /* let be */
	LAW(x, issue_merge(x->f, &m, x->ours, x->theirs, NOW) == MERGE_NOTHING);
	LAW(x, !m.conflict.open && !m.trouble);
	if (x->verdict == MERGE_SEND) { /* arrives without our hearing of it */
		m = x->after;
		issue_sending(x->f, &m, x->ours, NOW);
		LAW(x, issue_merge(x->f, &m, x->ours, x->ours, NOW) == MERGE_NOTHING);
		m = x->after;
		issue_sending(x->f, &m, x->ours, NOW);
		LAW(x, issue_merge(x->f, &m, "later", x->ours, NOW) == MERGE_SEND);
		m = x->after;
		issue_sending(x->f, &m, x->ours, NOW);
		issue_not_sent(x->f, &m, x->ours);
		LAW(x, m.sent_count == (x->after.sent_count < ISSUE_SENT_MAX ? x->after.sent_count
									     : ISSUE_SENT_MAX - 1));
	}
	if (x->verdict == MERGE_CONFLICT) {
		m = x->after;
		issue_conflict_open(&m, x->ours, x->theirs, "bob", NOW, x->before.conflict.why);
		LAW(x, issue_merge(x->f, &m, x->ours, x->theirs, NOW) == MERGE_CONFLICT &&
				m.conflict.open);
		issue_keep_ours(&m);
		LAW(x, !m.conflict.open);
		LAW(x, issue_merge(x->f, &m, x->ours, x->theirs, NOW) == MERGE_SEND);
	}
}

/* Nobody is first: with the sides swapped, so is the verdict. What was sent, and what a rule of
 * ours refused, has no counterpart over there. */
static void check_swapped(const struct meeting *x)
{
	static const enum merge_verdict other[] = {
		[MERGE_NOTHING] = MERGE_NOTHING,
		[MERGE_SEND] = MERGE_APPLY,
		[MERGE_APPLY] = MERGE_SEND,
		[MERGE_CONFLICT] = MERGE_CONFLICT,
	};
	struct issue_memory m = x->before;

	if (m.sent_count || m.conflict.why)
		return;
	m.ours = x->before.theirs;
	m.theirs = x->before.ours;
	m.conflict.ours = x->before.conflict.theirs;
	m.conflict.theirs = x->before.conflict.ours;
	LAW(x, issue_merge(x->f, &m, x->theirs, x->ours, NOW) == other[x->verdict]);
}

static void check_record(const struct meeting *x)
{
	struct arena *a = arena_create(1u << 20);
	struct issue_record r = { .name = "PAY-1", .change = 7, .comment = 9, .updated_ms = NOW },
			    back;
	struct error err;

	r.field[x->f] = x->after;
	assert_int_equal(issue_record_parse(a, issue_record_text(a, &r), &back, &err), 0);
	LAW(x, memory_same(&back.field[x->f], &x->after));
	arena_destroy(a);
}

static size_t met;

static void meet(struct meeting *x)
{
	x->after = x->before;
	x->verdict = issue_merge(x->f, &x->after, x->ours, x->theirs, NOW);
	met++;
	if (!x->ours || !x->theirs) {
		LAW(x, x->verdict == MERGE_NOTHING && memory_same(&x->before, &x->after));
		return;
	}
	check_verdict(x);
	check_memory(x);
	check_again(x);
	check_followed(x);
	check_swapped(x);
	if (met % 97 == 0)
		check_record(x);
}

static void meet_values(struct meeting *x)
{
	for (size_t o = 0; o < COUNT(values); o++)
		for (size_t t = 0; t < COUNT(values); t++) {
			x->ours = values[o];
			x->theirs = values[t];
			meet(x);
		}
}

static void meet_conflicts(struct meeting *x)
{
	static const char *const whys[] = { NULL, "a gate is open" };

	x->before.conflict = (struct issue_conflict){ .open = false };
	meet_values(x);
	for (size_t o = 0; x->before.known && o < COUNT(bases); o++)
		for (size_t t = 0; t < COUNT(bases); t++)
			for (size_t w = 0; w < COUNT(whys); w++) {
				issue_conflict_open(
					&x->before, bases[o], bases[t], "alice", NOW, whys[w]);
				meet_values(x);
			}
}

static void meet_memories(struct meeting *x)
{
	for (size_t s = 0; s < COUNT(sents); s++)
		for (int trouble = 0; trouble < 2; trouble++) {
			memcpy(x->before.sent, sents[s].sent, sizeof(x->before.sent));
			x->before.sent_count = sents[s].count;
			x->before.trouble = trouble ? "not on the screen" : NULL;
			meet_conflicts(x);
		}
}

static void every_combination_keeps_the_laws(void **state)
{
	static const enum issue_field fields[] = { ISSUE_TITLE, ISSUE_STATUS };

	(void)state;
	for (size_t f = 0; f < COUNT(fields); f++) {
		struct meeting x = { .f = fields[f] };

		meet_memories(&x); /* nothing known */
		for (size_t o = 0; o < COUNT(bases); o++)
			for (size_t t = 0; t < COUNT(bases); t++) {
				x.before = (struct issue_memory){
					.known = true, .ours = bases[o], .theirs = bases[t]
				};
				meet_memories(&x);
			}
	}
	assert_true(met > 100000);
}

/* ---- small stories ------------------------------------------------------------------------- */

static struct issue_memory in_step(const char *value)
{
	return (struct issue_memory){ .known = true, .ours = value, .theirs = value };
}

static void values_compare_as_their_field_does(void **state)
{
	(void)state;
	assert_true(issue_value_same(ISSUE_STATUS, "In Progress", "IN progress"));
	assert_false(issue_value_same(ISSUE_TITLE, "Checkout", "checkout"));
	assert_false(issue_value_same(ISSUE_PRIORITY, "High", "Highest"));
	assert_false(issue_value_same(ISSUE_ASSIGNEE, "", NULL));
	assert_true(issue_value_same(ISSUE_ASSIGNEE, NULL, NULL));
	assert_true(issue_value_same(ISSUE_ASSIGNEE, "", ""));
}

static void fields_have_names(void **state)
{
	enum issue_field f;

	(void)state;
	for (size_t i = 0; i < ISSUE_FIELD_COUNT; i++) {
		assert_true(issue_field_parse(issue_field_name((enum issue_field)i), &f));
		assert_int_equal(f, i);
	}
	assert_false(issue_field_parse("Title", &f));
	assert_false(issue_field_parse(NULL, &f));
}

static void what_could_not_be_written_waits_for_a_change(void **state)
{
	struct issue_memory m = in_step("Low");

	(void)state;
	assert_int_equal(issue_merge(ISSUE_PRIORITY, &m, "High", "Low", NOW), MERGE_SEND);
	issue_settled(&m, "High", "Low");
	m.trouble = "not on the screen";
	assert_int_equal(issue_merge(ISSUE_PRIORITY, &m, "High", "Low", NOW), MERGE_NOTHING);
	assert_string_equal(m.trouble, "not on the screen");
	assert_int_equal(issue_merge(ISSUE_PRIORITY, &m, "Highest", "Low", NOW), MERGE_SEND);
	assert_null(m.trouble);
}

static void one_value_may_arrive_as_often_as_it_was_sent(void **state)
{
	struct issue_memory m = in_step("x");

	(void)state;
	issue_sending(ISSUE_TITLE, &m, "a", NOW);
	issue_sending(ISSUE_TITLE, &m, "a", NOW);
	assert_int_equal(issue_merge(ISSUE_TITLE, &m, "a", "a", NOW), MERGE_NOTHING);
	issue_settled(&m, "b", "b");
	assert_int_equal(issue_merge(ISSUE_TITLE, &m, "b", "a", NOW), MERGE_SEND);
	issue_settled(&m, "b", "b");
	assert_int_equal(issue_merge(ISSUE_TITLE, &m, "b", "a", NOW), MERGE_APPLY);
}

static void the_oldest_that_was_sent_goes(void **state)
{
	static const char *const sent[] = { "1", "2", "3", "4", "5" };
	struct issue_memory m = in_step("x");

	(void)state;
	for (size_t i = 0; i < COUNT(sent); i++)
		issue_sending(ISSUE_TITLE, &m, sent[i], NOW);
	assert_int_equal(m.sent_count, ISSUE_SENT_MAX);
	assert_string_equal(m.sent[0].value, "2");
	assert_int_equal(issue_merge(ISSUE_TITLE, &m, "x", "1", NOW), MERGE_APPLY);
	assert_int_equal(issue_merge(ISSUE_TITLE, &m, "x", "2", NOW), MERGE_SEND);
}

static void many_attempts_of_one_value_leave_another_one(void **state)
{
	struct issue_memory m = in_step("x");

	(void)state;
	issue_sending(ISSUE_TITLE, &m, "a", NOW);
	for (int i = 0; i < 10; i++)
		issue_sending(ISSUE_TITLE, &m, "b", NOW + i);
	assert_int_equal(m.sent_count, ISSUE_SENT_MAX);
	assert_true(m.sent[ISSUE_SENT_MAX - 1].at == NOW + 9);
	assert_int_equal(issue_merge(ISSUE_TITLE, &m, "b", "a", NOW + DAY_MS), MERGE_SEND);
}

/* An outage of a day: what was written before it is seen only after it. */
static void the_first_look_counts_however_late(void **state)
{
	struct issue_memory m = in_step("x"), later;

	(void)state;
	issue_sending(ISSUE_TITLE, &m, "a", NOW);
	later = m;
	assert_int_equal(issue_merge(ISSUE_TITLE, &m, "b", "a", NOW + DAY_MS), MERGE_SEND);
	assert_int_equal(issue_merge(ISSUE_TITLE, &later, "x", "x", NOW + DAY_MS), MERGE_NOTHING);
	assert_int_equal(issue_merge(ISSUE_TITLE, &later, "x", "a", NOW + DAY_MS), MERGE_APPLY);
}

static void a_conflict_that_moved_on_is_kept_against_what_was_shown(void **state)
{
	struct issue_memory m = in_step("x");

	(void)state;
	assert_int_equal(issue_merge(ISSUE_TITLE, &m, "a", "b", NOW), MERGE_CONFLICT);
	issue_conflict_open(&m, "a", "b", "bob", NOW, NULL);
	assert_int_equal(issue_merge(ISSUE_TITLE, &m, "a", "c", NOW), MERGE_CONFLICT);
	assert_string_equal(m.conflict.theirs, "b");
	issue_keep_ours(&m);
	assert_int_equal(issue_merge(ISSUE_TITLE, &m, "a", "c", NOW),
		MERGE_CONFLICT); /* nobody has seen c */
}

/* ---- the record ---------------------------------------------------------------------------- */

static void records_are_read_and_written(void **state)
{
	struct arena *a = arena_create(1u << 20);
	struct issue_record r = { .name = "PAY-7",
		.change = 10003,
		.updated_ms = NOW,
		.comment = 4,
		.gone = true,
		.twin = true };
	struct issue_record back;
	struct error err;
	const char *text;

	(void)state;
	assert_false(issue_record_conflict(&r));
	assert_null(issue_record_trouble(&r));
	r.field[ISSUE_TITLE] = in_step("\"Checkout\" f\xc3\xa4llt\n");
	r.field[ISSUE_ASSIGNEE] = in_step("");
	issue_conflict_open(&r.field[ISSUE_STATUS], "Done", "To Do", "bob", NOW, "a rule");
	issue_sending(ISSUE_PRIORITY, &r.field[ISSUE_PRIORITY], "High", NOW);
	r.field[ISSUE_PRIORITY].trouble = "not on the screen";
	text = issue_record_text(a, &r);
	assert_int_equal(issue_record_parse(a, text, &back, &err), 0);
	assert_string_equal(back.name, "PAY-7");
	assert_true(back.change == 10003 && back.updated_ms == NOW && back.comment == 4 &&
		    back.gone && back.twin);
	for (size_t f = 0; f < ISSUE_FIELD_COUNT; f++)
		assert_true(memory_same(&r.field[f], &back.field[f]));
	assert_string_equal(issue_record_text(a, &back), text);
	assert_true(issue_record_conflict(&back));
	assert_string_equal(issue_record_trouble(&back), "not on the screen");
	arena_destroy(a);
}

#define FIVE_SENT                                                                                  \
	"{\"fields\":{\"title\":{\"sent\":[{\"value\":\"1\"},{\"value\":\"2\"},{\"value\":\"3\"}," \
	"{\"value\":\"4\"},{\"value\":\"5\"}]}}}"

static void records_that_are_broken_are_errors(void **state)
{
	static const char *const bad[] = { "{", "[]", "null", "7", "{\"name\":7}",
		"{\"change\":\"7\"}", "{\"gone\":1}", "{\"fields\":[]}",
		"{\"fields\":{\"title\":1}}", "{\"fields\":{\"title\":{\"ours\":1}}}",
		"{\"fields\":{\"title\":{\"sent\":{}}}}", "{\"fields\":{\"title\":{\"sent\":[1]}}}",
		"{\"fields\":{\"title\":{\"sent\":[{\"at\":1}]}}}",
		"{\"fields\":{\"title\":{\"conflict\":true}}}",
		"{\"fields\":{\"title\":{\"known\":\"yes\"}}}", "{\"name\":\"a\",\"name\":\"b\"}",
		FIVE_SENT };
	struct arena *a = arena_create(4u << 20);
	struct issue_record r;
	struct error err;
	struct str s;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		err.text[0] = '\0';
		if (issue_record_parse(a, bad[i], &r, &err) >= 0)
			fail_msg("taken: %s", bad[i]);
		assert_non_null(strstr(err.text, "the memory of an issue"));
	}
	assert_int_equal(issue_record_parse(a, NULL, &r, &err), 0);
	assert_false(r.field[ISSUE_TITLE].known);
	assert_int_equal(issue_record_parse(a, "", &r, &err), 0);
	assert_int_equal(issue_record_parse(a,
				 "{\"later\":[1],\"fields\":{\"colour\":7,\"title\":{\"size\":1}}}",
				 &r, &err),
		0);
	str_init_arena(&s, a, 2u << 20);
	str_add(&s, "{\"name\":\"");
	while (s.len < (1u << 20))
		str_add(&s, "0123456789abcdef");
	str_add(&s, "\"}");
	assert_true(issue_record_parse(a, s.p, &r, &err) < 0);
	arena_destroy(a);
}

/* The longest there can be is read again, and is the same as before for the merge. */
static void records_are_bounded(void **state)
{
	static char value[5000];
	struct arena *a = arena_create(8u << 20);
	struct issue_record r = { .name = value }, back;
	struct error err;

	(void)state;
	memset(value, 1, sizeof(value) - 1);
	for (size_t f = 0; f < ISSUE_FIELD_COUNT; f++) {
		struct issue_memory *m = &r.field[f];

		*m = in_step(value);
		for (int i = 0; i < ISSUE_SENT_MAX; i++)
			issue_sending((enum issue_field)f, m, value, NOW);
		issue_conflict_open(m, value, value, value, NOW, value);
		m->trouble = value;
	}
	assert_int_equal(issue_record_parse(a, issue_record_text(a, &r), &back, &err), 0);
	for (size_t f = 0; f < ISSUE_FIELD_COUNT; f++) {
		assert_int_equal(strlen(back.field[f].ours), ISSUE_VALUE_MAX);
		assert_int_equal(
			issue_merge((enum issue_field)f, &back.field[f], value, value, NOW),
			MERGE_NOTHING);
	}
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_keeps_the_laws),
		cmocka_unit_test(values_compare_as_their_field_does),
		cmocka_unit_test(fields_have_names),
		cmocka_unit_test(what_could_not_be_written_waits_for_a_change),
		cmocka_unit_test(one_value_may_arrive_as_often_as_it_was_sent),
		cmocka_unit_test(the_oldest_that_was_sent_goes),
		cmocka_unit_test(many_attempts_of_one_value_leave_another_one),
		cmocka_unit_test(the_first_look_counts_however_late),
		cmocka_unit_test(a_conflict_that_moved_on_is_kept_against_what_was_shown),
		cmocka_unit_test(records_are_read_and_written),
		cmocka_unit_test(records_that_are_broken_are_errors),
		cmocka_unit_test(records_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
