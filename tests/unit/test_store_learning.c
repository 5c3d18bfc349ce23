/* Postmortems, follow-ups and causes in the record. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/learning.h"
#include "store/metrics.h"
#include "store/relations.h"
#include "support_store.h"

#define T(literal) arena_strdup(x->arena, literal)

/* Incident 1 of shop and payments in production, 2 of shopping in staging, 3 private of shop. */
static int with_incidents(void **state)
{
	static const char *const services[] = { "shop, payments", "shopping", "shop" };

	if (scratch_setup(state))
		return -1;
	struct scratch *x = *state;
	for (int i = 0; i < 3; i++) {
		struct incident inc = { .title = T("a"), .severity = 2, .source = T("chat"), .reporter = T("slack:U1"),
			.services = T(services[i]), .environment = T(i == 1 ? "staging" : "production"),
			.is_private = i == 2, .declared_at = (i + 1) * DAY_MS };

		STORED(x, incident_insert(x->store, &inc, &x->err));
		assert_int_equal(inc.id, i + 1);
	}
	return 0;
}

static void versions(void **state)
{
	struct scratch *x = *state;
	struct review back, r = { .incident = 1, .state = REVIEW_DRAFT, .author = T("slack:U1"), .at = 100 };
	struct review_version *list;
	size_t n;

	assert_int_equal(review_latest(x->store, x->arena, 1, &back, &x->err), -ENOENT);
	assert_says(&x->err, "INC-1 has no postmortem");
	r.section[REVIEW_SUMMARY] = T("It \"failed\".\n\nTwice ☂.");
	r.section[REVIEW_LESSONS] = T("");
	STORED(x, review_insert(x->store, &r, &x->err));
	assert_int_equal(r.version, 1);
	r.state = REVIEW_FINAL;
	r.light = true;
	r.waiver = T("same as INC-7");
	r.section[REVIEW_FACTORS] = T("- [change] a");
	STORED(x, review_insert(x->store, &r, &x->err));
	assert_int_equal(r.version, 2);
	scratch_reopen(x);
	assert_int_equal(review_latest(x->store, x->arena, 1, &back, &x->err), 0);
	assert_int_equal(back.version, 2);
	assert_int_equal(back.state, REVIEW_FINAL);
	assert_true(back.light);
	assert_string_equal(back.waiver, "same as INC-7");
	assert_string_equal(back.author, "slack:U1");
	assert_int_equal(back.at, 100);
	assert_string_equal(back.section[REVIEW_SUMMARY], "It \"failed\".\n\nTwice ☂.");
	assert_string_equal(back.section[REVIEW_FACTORS], "- [change] a");
	assert_null(back.section[REVIEW_LESSONS]);
	assert_int_equal(review_load(x->store, x->arena, 1, 1, &back, &x->err), 0);
	assert_int_equal(back.state, REVIEW_DRAFT);
	assert_null(back.section[REVIEW_FACTORS]);
	assert_int_equal(review_load(x->store, x->arena, 1, 3, &back, &x->err), -ENOENT);
	assert_int_equal(review_versions(x->store, x->arena, 1, &list, &n, &x->err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(list[0].version, 2);
	assert_int_equal(list[1].state, REVIEW_DRAFT);
	r.incident = 2;
	STORED(x, review_insert(x->store, &r, &x->err));
	assert_int_equal(r.version, 1);
	r.incident = 9;
	assert_int_equal(review_insert(x->store, &r, &x->err), -ENOENT);
}

static struct followup add(struct scratch *x, int64_t incident, const char *owner, int priority, int64_t due)
{
	struct followup f = { .incident = incident, .title = T("alert on retries"), .owner = owner ? T(owner) : NULL,
		.priority = priority, .due_at = due, .class = FOLLOWUP_DETECT, .standard = STANDARD_SLO,
		.signal = T("the alert fires in the game day"), .links = T("https://a https://b"), .by = T("slack:U9"),
		.created_at = 5 * DAY_MS };

	STORED(x, followup_insert(x->store, &f, &x->err));
	return f;
}

static void one_followup(void **state)
{
	struct scratch *x = *state;
	struct followup back, f = add(x, 1, "slack:U1", 1, 10 * DAY_MS);

	scratch_reopen(x);
	assert_int_equal(followup_load(x->store, x->arena, f.id, &back, &x->err), 0);
	assert_int_equal(back.incident, 1);
	assert_string_equal(back.title, "alert on retries");
	assert_string_equal(back.owner, "slack:U1");
	assert_int_equal(back.priority, 1);
	assert_int_equal(back.due_at, 10 * DAY_MS);
	assert_int_equal(back.state, FOLLOWUP_OPEN);
	assert_int_equal(back.class, FOLLOWUP_DETECT);
	assert_int_equal(back.standard, STANDARD_SLO);
	assert_string_equal(back.signal, "the alert fires in the game day");
	assert_string_equal(back.links, "https://a https://b");
	assert_string_equal(back.by, "slack:U9");
	assert_int_equal(back.created_at, 5 * DAY_MS);
	assert_null(back.shown);
	back.state = FOLLOWUP_DONE;
	back.ended_at = 8 * DAY_MS;
	back.shown = T("it fired in 40 s");
	back.owner = NULL;
	back.due_at = 0;
	back.class = FOLLOWUP_NO_CLASS;
	back.standard = STANDARD_NONE;
	back.said = 3;
	STORED(x, followup_save(x->store, &back, &x->err));
	assert_int_equal(followup_load(x->store, x->arena, f.id, &back, &x->err), 0);
	assert_int_equal(back.state, FOLLOWUP_DONE);
	assert_int_equal(back.ended_at, 8 * DAY_MS);
	assert_string_equal(back.shown, "it fired in 40 s");
	assert_null(back.owner);
	assert_int_equal(back.due_at, 0);
	assert_int_equal(back.class, FOLLOWUP_NO_CLASS);
	assert_int_equal(back.standard, STANDARD_NONE);
	assert_int_equal(back.said, 3);
	assert_int_equal(followup_load(x->store, x->arena, 99, &back, &x->err), -ENOENT);
	assert_says(&x->err, "there is no follow-up F99");
	back.id = 99;
	assert_int_equal(followup_save(x->store, &back, &x->err), -ENOENT);
	/* What is done has a time, what is open has none. */
	back.id = f.id;
	back.ended_at = 0;
	assert_int_equal(followup_save(x->store, &back, &x->err), -EINVAL);
}

static size_t found(struct scratch *x, const struct followup_filter *f, int64_t *first)
{
	struct followup *list;
	int64_t counted;
	size_t n;

	if (followup_find(x->store, x->arena, f, &list, &n, &x->err))
		fail_msg("%s", x->err.text);
	if (followup_count(x->store, f, &counted, &x->err))
		fail_msg("%s", x->err.text);
	assert_int_equal(counted, (int64_t)n);
	if (first)
		*first = n ? list[0].id : 0;
	return n;
}

static void finding(void **state)
{
	struct scratch *x = *state;
	struct followup_filter f;
	struct followup late, none, staging, hidden;
	int64_t first;

	none = add(x, 1, NULL, 0, 0);
	late = add(x, 1, "slack:U1", 2, 10 * DAY_MS);
	staging = add(x, 2, "slack:U1", 0, 20 * DAY_MS);
	hidden = add(x, 3, "slack:U2", 0, 9 * DAY_MS);
	followup_filter_init(&f);
	/* By due date, without one last; private ones only for those who may. */
	assert_int_equal(found(x, &f, &first), 3);
	assert_int_equal(first, late.id);
	f.sees_all = true;
	assert_int_equal(found(x, &f, &first), 4);
	assert_int_equal(first, hidden.id);
	f.sees_all = false;
	f.viewer = "slack:U2";
	assert_int_equal(found(x, &f, NULL), 3);
	STORED(x, role_assign(x->store, 3, "scribe", "slack:U2", 1, &x->err));
	assert_int_equal(found(x, &f, NULL), 4);
	f.viewer = NULL;
	f.service = "Shop"; /* not shopping */
	assert_int_equal(found(x, &f, NULL), 2);
	f.service = "payments";
	assert_int_equal(found(x, &f, NULL), 2);
	f.service = "sho_";
	assert_int_equal(found(x, &f, NULL), 0);
	f.service = NULL;
	f.environment = "staging";
	assert_int_equal(found(x, &f, &first), 1);
	assert_int_equal(first, staging.id);
	f.environment = NULL;
	f.owner = "slack:U1";
	assert_int_equal(found(x, &f, NULL), 2);
	f.due_before = 15 * DAY_MS;
	assert_int_equal(found(x, &f, &first), 1);
	assert_int_equal(first, late.id);
	followup_filter_init(&f);
	f.incident = 1;
	assert_int_equal(found(x, &f, NULL), 2);
	f.since = 6 * DAY_MS;
	assert_int_equal(found(x, &f, NULL), 0);
	f.since = 0;
	none.state = FOLLOWUP_CANCELLED;
	none.ended_at = 7 * DAY_MS;
	STORED(x, followup_save(x->store, &none, &x->err));
	assert_int_equal(found(x, &f, NULL), 1);
	f.state = FOLLOWUP_CANCELLED;
	assert_int_equal(found(x, &f, NULL), 1);
	f.state = -1;
	assert_int_equal(found(x, &f, NULL), 2);
	f.limit = 0;
	struct followup *list;
	size_t n;
	assert_int_equal(followup_find(x->store, x->arena, &f, &list, &n, &x->err), -EINVAL);
}

static void causes(void **state)
{
	struct scratch *x = *state;
	struct cause back, *list, c = { .incident = 1, .class = CAUSE_CHANGE, .fingerprint = "f1" };
	size_t n;

	assert_int_equal(cause_get(x->store, x->arena, 1, &back, &x->err), -ENOENT);
	STORED(x, cause_put(x->store, &c, "slack:U1", &x->err));
	assert_int_equal(cause_get(x->store, x->arena, 1, &back, &x->err), 0);
	assert_int_equal(back.class, CAUSE_CHANGE);
	assert_string_equal(back.fingerprint, "f1");
	assert_string_equal(back.services, "shop, payments");
	assert_int_equal(back.at, DAY_MS);
	assert_int_equal(back.again, 0);
	c.class = CAUSE_DATA;
	c.fingerprint = "";
	STORED(x, cause_put(x->store, &c, "slack:U1", &x->err));
	assert_int_equal(cause_get(x->store, x->arena, 1, &back, &x->err), 0);
	assert_int_equal(back.class, CAUSE_DATA);
	assert_null(back.fingerprint);
	c.incident = 9;
	assert_int_equal(cause_put(x->store, &c, NULL, &x->err), -ENOENT);

	struct cause later = { .incident = 2, .class = CAUSE_DATA, .again = 1 };
	assert_int_equal(cause_alike(x->store, x->arena, &later, 0, 2 * DAY_MS, 10, &list, &n, &x->err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].incident, 1);
	/* Not before the window, not what is declared later, not by an unknown class. */
	assert_int_equal(cause_alike(x->store, x->arena, &later, DAY_MS + 1, 2 * DAY_MS, 10, &list, &n, &x->err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(cause_alike(x->store, x->arena, &later, 0, DAY_MS, 10, &list, &n, &x->err), 0);
	assert_int_equal(n, 0);
	later.class = CAUSE_UNKNOWN;
	assert_int_equal(cause_alike(x->store, x->arena, &later, 0, 2 * DAY_MS, 10, &list, &n, &x->err), 0);
	assert_int_equal(n, 0);
	/* The same fingerprint, whatever the class; never a private one. */
	c = (struct cause){ .incident = 1, .class = CAUSE_UNKNOWN, .fingerprint = "f2" };
	STORED(x, cause_put(x->store, &c, NULL, &x->err));
	c.incident = 3;
	STORED(x, cause_put(x->store, &c, NULL, &x->err));
	later.fingerprint = "f2";
	STORED(x, cause_put(x->store, &later, NULL, &x->err));
	assert_int_equal(cause_alike(x->store, x->arena, &later, 0, 9 * DAY_MS, 10, &list, &n, &x->err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].incident, 1);
	assert_int_equal(cause_get(x->store, x->arena, 2, &back, &x->err), 0);
	assert_int_equal(back.again, 1);
}

static void services(void **state)
{
	struct scratch *x = *state;
	bool known;

	assert_int_equal(service_known(x->store, "PAYMENTS", &known, &x->err), 0);
	assert_true(known);
	assert_int_equal(service_known(x->store, "pay", &known, &x->err), 0);
	assert_false(known);
	assert_int_equal(service_known(x->store, "%", &known, &x->err), 0);
	assert_false(known);
}

static size_t counted(struct scratch *x, struct metric_filter f, struct metric_row **rows)
{
	size_t n;

	if (metric_rows(x->store, x->arena, &f, rows, &n, &x->err))
		fail_msg("%s", x->err.text);
	return n;
}

static void rows_for_figures(void **state)
{
	struct scratch *x = *state;
	struct metric_filter f = { .since = 0, .until = 100 * DAY_MS, .now = 50 * DAY_MS };
	struct followup done = add(x, 1, NULL, 0, 10 * DAY_MS), late = add(x, 1, NULL, 0, 10 * DAY_MS),
			gone = add(x, 1, NULL, 0, 10 * DAY_MS);
	struct metric_row *rows;

	add(x, 1, NULL, 0, 0);            /* no date: promised for no time */
	add(x, 1, NULL, 0, 60 * DAY_MS);  /* not due yet */
	add(x, 1, NULL, 0, 49 * DAY_MS);  /* due, and open */
	done.state = late.state = FOLLOWUP_DONE;
	done.ended_at = 10 * DAY_MS;
	late.ended_at = 10 * DAY_MS + 1;
	gone.state = FOLLOWUP_CANCELLED;
	gone.ended_at = 9 * DAY_MS;
	STORED(x, followup_save(x->store, &done, &x->err));
	STORED(x, followup_save(x->store, &late, &x->err));
	STORED(x, followup_save(x->store, &gone, &x->err));
	STORED(x, cause_put(x->store, &(struct cause){ .incident = 2, .class = CAUSE_DATA, .again = 1 }, NULL, &x->err));
	scratch_sql(x,
		"INSERT INTO promise (incident, kind, n, state, made_at, due_at, said, kept_at, missed_at) VALUES"
		" (1, 'update', 1, 'kept', 1, 10, 0, 9, NULL), (1, 'update', 2, 'kept', 1, 10, 0, 12, 10),"
		" (1, 'update', 3, 'withdrawn', 1, 10, 0, NULL, 10), (1, 'update', 4, 'withdrawn', 1, 10, 0, NULL, NULL),"
		" (1, 'update', 0, 'open', 1, 10, 0, NULL, NULL), (1, 'respond', 1, 'kept', 1, 10, 0, 9, NULL)");
	assert_int_equal(counted(x, f, &rows), 2);
	assert_int_equal(rows[0].id, 1);
	assert_int_equal(rows[0].declared_at, DAY_MS);
	assert_int_equal(rows[0].severity, 2);
	assert_int_equal(rows[0].updates_due, 3);
	assert_int_equal(rows[0].updates_kept, 1);
	assert_int_equal(rows[0].followups_due, 3);
	assert_int_equal(rows[0].followups_on_time, 1);
	assert_false(rows[0].repeat);
	assert_true(rows[1].repeat);
	f.sees_all = true;
	assert_int_equal(counted(x, f, &rows), 3);
	f.service = "shop";
	assert_int_equal(counted(x, f, &rows), 2);
	f.service = NULL;
	f.environment = "staging";
	assert_int_equal(counted(x, f, &rows), 1);
	f.environment = NULL;
	f.severity = 1;
	assert_int_equal(counted(x, f, &rows), 0);
	f.severity = 2;
	f.since = 2 * DAY_MS;
	f.until = 3 * DAY_MS; /* the end is not part of it */
	assert_int_equal(counted(x, f, &rows), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(versions, with_incidents, scratch_teardown),
		cmocka_unit_test_setup_teardown(one_followup, with_incidents, scratch_teardown),
		cmocka_unit_test_setup_teardown(finding, with_incidents, scratch_teardown),
		cmocka_unit_test_setup_teardown(causes, with_incidents, scratch_teardown),
		cmocka_unit_test_setup_teardown(rows_for_figures, with_incidents, scratch_teardown),
		cmocka_unit_test_setup_teardown(services, with_incidents, scratch_teardown),
	};

	return cmocka_run_group_tests_name("store: learning", tests, NULL, NULL);
}
