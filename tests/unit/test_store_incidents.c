#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "incident/lifecycle.h"
#include "store/incident_row.h"
#include "store/relations.h"
#include "support_store.h"

static char *text(const char *literal)
{
	static char pool[64][64];
	static size_t next;
	char *p = pool[next++ % 64];

	snprintf(p, sizeof(pool[0]), "%s", literal);
	return p;
}

static struct incident full_incident(void)
{
	return (struct incident){
		.title = text("checkout is failing"), .severity = 2, .state = STATE_IDENTIFIED,
		.services = text("checkout, cart"), .environment = text("production"),
		.source = text("chat"), .reporter = text("slack:U1"), .customer_reported = true,
		.is_private = true, .drill = true, .impact = text("EU customers"),
		.tags = text("a,b"), .signal = text("orders flow"), .health = text("green"),
		.not_verified = text("no probe"), .declared_at = 11, .impact_at = 12,
		.detected_at = 13, .acknowledged_at = 14, .mitigated_at = 15, .resolved_at = 16,
		.closed_at = 17, .state_at = 18, .cadence_ms = 19, .updated_at = 20,
		.updated_by = text("slack:U2"), .update_text = text("rolling back"),
		.facts = text("{\"users\":1200}"), .size_when_set = text("{\"users\":600}"),
		.severity_at = 21, .overruled = 22, .engage_said = 23,
	};
}

static void assert_same(const struct incident *a, const struct incident *b)
{
	assert_int_equal(a->id, b->id);
	assert_string_equal(a->title, b->title);
	assert_int_equal(a->severity, b->severity);
	assert_int_equal(a->state, b->state);
	assert_string_equal(a->services, b->services);
	assert_string_equal(a->environment, b->environment);
	assert_string_equal(a->source, b->source);
	assert_string_equal(a->reporter, b->reporter);
	assert_int_equal(a->customer_reported, b->customer_reported);
	assert_int_equal(a->is_private, b->is_private);
	assert_int_equal(a->drill, b->drill);
	assert_string_equal(a->impact, b->impact);
	assert_string_equal(a->tags, b->tags);
	assert_string_equal(a->signal, b->signal);
	assert_string_equal(a->health, b->health);
	assert_string_equal(a->not_verified, b->not_verified);
	assert_int_equal(a->declared_at, b->declared_at);
	assert_int_equal(a->impact_at, b->impact_at);
	assert_int_equal(a->detected_at, b->detected_at);
	assert_int_equal(a->acknowledged_at, b->acknowledged_at);
	assert_int_equal(a->mitigated_at, b->mitigated_at);
	assert_int_equal(a->resolved_at, b->resolved_at);
	assert_int_equal(a->closed_at, b->closed_at);
	assert_int_equal(a->state_at, b->state_at);
	assert_int_equal(a->cadence_ms, b->cadence_ms);
	assert_int_equal(a->updated_at, b->updated_at);
	assert_string_equal(a->updated_by, b->updated_by);
	assert_string_equal(a->update_text, b->update_text);
	assert_int_equal(a->merged_into, b->merged_into);
	assert_string_equal(a->facts, b->facts);
	assert_string_equal(a->size_when_set, b->size_when_set);
	assert_int_equal(a->severity_at, b->severity_at);
	assert_int_equal(a->overruled, b->overruled);
	assert_int_equal(a->engage_said, b->engage_said);
	assert_int_equal(a->revision, b->revision);
}

static void every_field_comes_back(void **state)
{
	struct scratch *x = *state;
	struct incident inc = full_incident(), back;

	STORED(x, incident_insert(x->store, &inc, &x->err));
	assert_int_equal(inc.id, 1);
	assert_int_equal(inc.revision, 1);
	scratch_reopen(x);
	assert_int_equal(incident_load(x->store, x->arena, 1, &back, &x->err), 0);
	assert_same(&inc, &back);
}

static void saving_changes_every_field_and_the_revision(void **state)
{
	struct scratch *x = *state;
	struct incident inc = { .title = text("?"), .severity = 4, .state = STATE_TRIAGE,
		.declared_at = 1 };
	struct incident other = inc, back;

	STORED(x, incident_insert(x->store, &other, &x->err));
	STORED(x, incident_insert(x->store, &inc, &x->err));
	int64_t id = inc.id;
	inc = full_incident();
	inc.id = id;
	inc.revision = 1;
	inc.merged_into = other.id;
	STORED(x, incident_save(x->store, &inc, &x->err));
	assert_int_equal(inc.revision, 2);
	assert_int_equal(incident_load(x->store, x->arena, id, &back, &x->err), 0);
	assert_same(&inc, &back);
}

static void unknown_is_null_not_empty(void **state)
{
	struct scratch *x = *state;
	struct incident back;

	STORED(x, scratch_incident(x, "a") > 0 ? 0 : -1);
	assert_int_equal(incident_load(x->store, x->arena, 1, &back, &x->err), 0);
	assert_null(back.impact);
	assert_int_equal(back.resolved_at, 0);
	assert_int_equal(scratch_ask(x, "SELECT resolved_at IS NULL FROM incident"), 1);
}

static void a_missing_one_is_said(void **state)
{
	struct scratch *x = *state;
	struct incident inc = full_incident();

	assert_int_equal(incident_load(x->store, x->arena, 7, &inc, &x->err), -ENOENT);
	assert_says(&x->err, "there is no INC-7");
	inc = full_incident();
	inc.id = 8;
	assert_int_equal(incident_save(x->store, &inc, &x->err), -ENOENT);
	assert_says(&x->err, "there is no INC-8");
}

/* Two copies of one incident in one request: the second must not undo the first. */
static void a_stale_copy_is_refused(void **state)
{
	struct scratch *x = *state;
	struct incident first = full_incident(), second;

	STORED(x, incident_insert(x->store, &first, &x->err));
	second = first;
	STORED(x, incident_save(x->store, &first, &x->err));
	second.severity = 4;
	assert_int_equal(incident_save(x->store, &second, &x->err), -ESTALE);
	assert_says(&x->err, "INC-1 was changed meanwhile");
	assert_int_equal(incident_load(x->store, x->arena, 1, &second, &x->err), 0);
	assert_int_equal(second.severity, 2);
}

static void what_is_not_allowed_is_not_stored(void **state)
{
	struct scratch *x = *state;
	struct incident inc = full_incident();

	inc.severity = 5;
	assert_int_equal(incident_insert(x->store, &inc, &x->err), -EINVAL);
	inc = full_incident();
	inc.title = text("");
	assert_int_equal(incident_insert(x->store, &inc, &x->err), -EINVAL);
	inc.title = NULL;
	assert_int_equal(incident_insert(x->store, &inc, &x->err), -EINVAL);
	inc = full_incident();
	inc.merged_into = 99;
	assert_int_equal(incident_insert(x->store, &inc, &x->err), -ENOENT);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM incident"), 0);
}

/* ---- numbers ---------------------------------------------------------------------------- */

static int insert_as(struct scratch *x, int64_t id, int64_t *got)
{
	struct incident inc = { .id = id, .title = text("a"), .severity = 1, .declared_at = 1,
		.is_private = id != 0 };
	int rc = incident_insert(x->store, &inc, &x->err);

	*got = inc.id;
	return rc;
}

/* However many protected ones there are, the others are counted without a gap. */
static void protected_numbers_leave_no_gaps(void **state)
{
	struct scratch *x = *state;
	int64_t id, ordinary = 0;

	assert_int_equal(store_begin(x->store, &x->err), 0);
	for (int i = 0; i < 100; i++) {
		int64_t drawn = INCIDENT_PROTECTED_FIRST + i * INT64_C(7919) % 1000;
		assert_int_equal(insert_as(x, drawn, &id), 0);
		assert_int_equal(id, drawn);
		if (i % 10)
			continue;
		assert_int_equal(insert_as(x, 0, &id), 0);
		assert_int_equal(id, ++ordinary);
	}
	assert_int_equal(insert_as(x, INCIDENT_PROTECTED_LAST, &id), 0);
	assert_int_equal(insert_as(x, 0, &id), 0);
	assert_int_equal(id, ordinary + 1);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM incident"), 112);
}

static void a_number_is_taken_once(void **state)
{
	struct scratch *x = *state;
	int64_t id;

	assert_int_equal(insert_as(x, 1234567, &id), 0);
	assert_int_equal(insert_as(x, 1234567, &id), -EEXIST);
	assert_int_equal(insert_as(x, -1, &id), -EINVAL);
	assert_int_equal(insert_as(x, INCIDENT_PROTECTED_LAST + INT64_C(1), &id), -EINVAL);
	assert_int_equal(scratch_ask(x, "SELECT count(*) FROM incident"), 1);
	/* The last ordinary one: what comes next would look like a protected one. */
	assert_int_equal(insert_as(x, INCIDENT_PROTECTED_FIRST - 1, &id), 0);
	assert_int_equal(insert_as(x, 0, &id), -ERANGE);
	assert_int_equal(id, 0);
}

static void roles_have_one_holder(void **state)
{
	struct scratch *x = *state;
	struct role_set set;

	STORED(x, scratch_incident(x, "a") > 0 ? 0 : -1);
	STORED(x, role_assign(x->store, 1, "scribe", "slack:U3", 5, &x->err));
	STORED(x, role_assign(x->store, 1, "commander", "slack:U1", 5, &x->err));
	STORED(x, role_assign(x->store, 1, "commander", "slack:U2", 6, &x->err));
	assert_int_equal(role_list(x->store, x->arena, 1, &set, &x->err), 0);
	assert_int_equal(set.count, 2);
	assert_string_equal(set.holder[0].role, "commander");
	assert_string_equal(set.holder[0].person, "slack:U2");
	assert_int_equal(set.holder[0].since, 6);
	STORED(x, role_release(x->store, 1, "commander", &x->err));
	assert_int_equal(role_release(x->store, 1, "commander", &x->err), -ENOENT);
	assert_int_equal(role_assign(x->store, 9, "commander", "slack:U1", 5, &x->err), -ENOENT);
	assert_int_equal(role_list(x->store, x->arena, 9, &set, &x->err), 0);
	assert_int_equal(set.count, 0);
}

/* ---- finding ---------------------------------------------------------------------------- */

static void found(struct scratch *x, struct incident_filter *f, const char *ids)
{
	struct incident *rows;
	size_t count;
	char list[256] = "";

	if (incident_find(x->store, x->arena, f, &rows, &count, &x->err))
		fail_msg("%s", x->err.text);
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(list);
		snprintf(list + n, sizeof(list) - n, "%s%lld", n ? " " : "", (long long)rows[i].id);
	}
	assert_string_equal(list, ids);
	incident_filter_init(f);
}

static void put(struct scratch *x, struct incident inc)
{
	inc.declared_at = inc.declared_at ? inc.declared_at : 1000;
	if (incident_insert(x->store, &inc, &x->err))
		fail_msg("%s", x->err.text);
}

static void fill(struct scratch *x)
{
	assert_int_equal(store_begin(x->store, &x->err), 0);
	put(x, (struct incident){ .title = text("Checkout is failing"), .severity = 2,
		.state = STATE_INVESTIGATING, .services = text("checkout,cart"), .declared_at = 100,
		.reporter = text("slack:U1"), .environment = text("production") });
	put(x, (struct incident){ .title = text("Search is slow"), .severity = 3,
		.state = STATE_CLOSED, .services = text("search"), .declared_at = 200,
		.source = text("alert"), .impact = text("50% of EU_west") });
	put(x, (struct incident){ .title = text("Payroll leak"), .severity = 1,
		.state = STATE_MITIGATING, .is_private = true, .declared_at = 300 });
	put(x, (struct incident){ .title = text("Checkout again"), .severity = 1,
		.state = STATE_MONITORING, .services = text("checkout-eu, search"),
		.declared_at = 400, .environment = text("staging") });
	assert_int_equal(role_assign(x->store, 2, "commander", "slack:U1", 5, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
}

static void filters(void **state)
{
	struct scratch *x = *state;
	struct incident_filter f;
	int64_t count;

	fill(x);
	incident_filter_init(&f);
	found(x, &f, "4 2 1");
	f.sees_all = true;
	found(x, &f, "4 3 2 1");
	f.open_only = f.sees_all = true;
	found(x, &f, "4 3 1"); /* by severity, then newest */
	f.open_only = true;
	found(x, &f, "4 1");
	f.severity = 3;
	found(x, &f, "2");
	f.state = STATE_CLOSED;
	found(x, &f, "2");
	f.state = STATE_CANCELLED;
	found(x, &f, "");
	f.open_only = true;
	f.state = STATE_MONITORING;
	found(x, &f, "4");
	f.since = 200;
	found(x, &f, "4 2");
	f.until = 200;
	found(x, &f, "2 1");
	f.since = 150;
	f.until = 250;
	found(x, &f, "2");
	f.service = "search";
	found(x, &f, "4 2");
	f.service = "checkout"; /* whole names, not parts of them */
	found(x, &f, "1");
	f.environment = "staging";
	found(x, &f, "4");
	f.source = "alert";
	found(x, &f, "2");
	f.person = "slack:U1"; /* reported 1, commands 2 */
	found(x, &f, "2 1");
	f.before_id = 2;
	found(x, &f, "1");
	f.limit = 1;
	found(x, &f, "4");
	assert_int_equal(incident_count_open(x->store, NULL, true, &count, &x->err), 0);
	assert_int_equal(count, 3);
}

/* ---- protected ones --------------------------------------------------------------------- */

static void sees(struct scratch *x, const char *viewer, const char *ids)
{
	struct incident_filter f;
	int64_t open = 0, listed = 0;

	incident_filter_init(&f);
	f.viewer = viewer;
	found(x, &f, ids);
	/* By every way that can lead. */
	for (int way = 0; way < 6; way++) {
		struct incident *rows;
		size_t count;
		bool want = strstr(ids, "3") != NULL, got = false;

		incident_filter_init(&f);
		f.viewer = viewer;
		f.open_only = way == 0;
		f.state = way == 1 ? STATE_MITIGATING : -1;
		f.since = way == 2 ? 1 : 0;
		f.severity = way == 3 ? 1 : 0;
		f.text = way == 4 ? "leak" : NULL;
		f.person = way == 5 ? "slack:U5" : NULL; /* who holds a role, while anybody sees it */
		assert_int_equal(incident_find(x->store, x->arena, &f, &rows, &count, &x->err), 0);
		for (size_t i = 0; i < count; i++)
			got |= rows[i].id == 3;
		if (got != want)
			fail_msg("%s, way %d: %d", viewer ? viewer : "nobody", way, got);
		if (way == 0)
			listed = (int64_t)count;
	}
	assert_int_equal(incident_count_open(x->store, viewer, false, &open, &x->err), 0);
	assert_int_equal(open, listed);
}

static void private_ones_are_for_those_who_are_named(void **state)
{
	struct scratch *x = *state;
	int64_t open;

	fill(x);
	sees(x, NULL, "4 2 1");
	sees(x, "slack:U5", "4 2 1");
	sees(x, "slack:U6", "4 2 1");
	STORED(x, role_assign(x->store, 3, "scribe", "slack:U5", 5, &x->err));
	STORED(x, access_grant(x->store, 3, "slack:U6", "slack:U5", 5, &x->err));
	sees(x, "slack:U5", "4 3 2 1");
	sees(x, "slack:U6", "4 3 2 1");
	sees(x, "slack:U7", "4 2 1");
	sees(x, "", "4 2 1");
	sees(x, NULL, "4 2 1");
	STORED(x, access_revoke(x->store, 3, "slack:U6", &x->err));
	STORED(x, role_release(x->store, 3, "scribe", &x->err));
	sees(x, "slack:U5", "4 2 1");
	sees(x, "slack:U6", "4 2 1");
	assert_int_equal(incident_count_open(x->store, "slack:U6", false, &open, &x->err), 0);
	assert_int_equal(open, 2);
	assert_int_equal(incident_count_open(x->store, "slack:U6", true, &open, &x->err), 0);
	assert_int_equal(open, 3);
	/* Access to one is not access to another, and an ended one is counted nowhere. */
	STORED(x, access_grant(x->store, 2, "slack:U6", "slack:U5", 5, &x->err));
	sees(x, "slack:U6", "4 2 1");
}

/* A page that begins behind a hidden one looks like one behind a number that was never given. */
static void hidden_ones_mark_no_page(void **state)
{
	struct scratch *x = *state;
	struct incident_filter f;

	fill(x);
	incident_filter_init(&f);
	for (int64_t marker = 3; marker < 100; marker += 96) {
		f.open_only = true;
		f.before_id = marker;
		found(x, &f, "");
		f.since = 1;
		f.before_id = marker;
		found(x, &f, "");
	}
	f.open_only = true;
	f.before_id = 3;
	f.sees_all = true;
	found(x, &f, "1");
	f.since = 1;
	f.before_id = 3;
	f.sees_all = true;
	found(x, &f, "2 1");
}

/* Page by page, one a page, each list comes out as it does at once. */
static void paging_follows_the_order(void **state)
{
	static const char *const orders[] = { "3 1 4 2", "4 3 1 2", "4 3 2 1", "4 3 1 2", "4 3 1" };
	struct scratch *x = *state;

	assert_int_equal(store_begin(x->store, &x->err), 0);
	put(x, (struct incident){ .title = text("a"), .severity = 1, .declared_at = 300 });
	put(x, (struct incident){ .title = text("b"), .severity = 3, .declared_at = 100 });
	put(x, (struct incident){ .title = text("c"), .severity = 1, .declared_at = 400 });
	put(x, (struct incident){ .title = text("d"), .severity = 2, .declared_at = 400 });
	assert_int_equal(store_commit(x->store, &x->err), 0);
	for (int i = 0; i < 5; i++) {
		char list[64] = "", *end = list;
		struct incident_filter f;
		struct incident *rows;
		size_t count;

		incident_filter_init(&f);
		f.limit = 1;
		f.open_only = i == 0;
		f.since = i == 1 ? 50 : i == 4 ? 200 : 0;
		f.state = i >= 3 ? STATE_TRIAGE : -1;
		for (;;) {
			assert_int_equal(
				incident_find(x->store, x->arena, &f, &rows, &count, &x->err), 0);
			if (count == 0)
				break;
			f.before_id = rows[0].id;
			end += sprintf(end, "%s%d", end == list ? "" : " ", (int)rows[0].id);
		}
		assert_string_equal(list, orders[i]);
	}
}

static void words_of_text(void **state)
{
	struct scratch *x = *state;
	struct incident_filter f;
	static const struct {
		const char *text, *ids;
	} cases[] = {
		{ "checkout", "4 1" },
		{ "FAILING checkOUT", "1" },
		{ "eu search", "4 2" },
		{ "50%", "2" },
		{ "%", "2" },           /* a character like others, not "anything" */
		{ "eu_west", "2" },
		{ "eu-west", "" },
		{ "'; DROP TABLE incident; --", "" },
		{ "   ", "4 2 1" },
		{ "payroll", "" },      /* private */
		{ "again, checkout", "4" },
	};

	fill(x);
	incident_filter_init(&f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f.text = cases[i].text;
		found(x, &f, cases[i].ids);
	}
}

static void a_list_is_bounded(void **state)
{
	struct scratch *x = *state;
	struct incident_filter f;
	struct incident *rows;
	size_t count;

	incident_filter_init(&f);
	f.limit = 501;
	assert_int_equal(incident_find(x->store, x->arena, &f, &rows, &count, &x->err), -EINVAL);
	f.limit = 0;
	assert_int_equal(incident_find(x->store, x->arena, &f, &rows, &count, &x->err), -EINVAL);
}

static void a_full_arena_is_an_error(void **state)
{
	struct scratch *x = *state;
	struct arena *tiny = arena_create(512);
	struct incident_filter f;
	struct incident *rows;
	size_t count;

	fill(x);
	incident_filter_init(&f);
	assert_int_equal(incident_find(x->store, tiny, &f, &rows, &count, &x->err), -E2BIG);
	found(x, &f, "4 2 1"); /* and the statement is usable again */
	arena_destroy(tiny);
	/* Room for the rows, but not for what is in them. */
	struct incident inc = full_incident();
	inc.impact = arena_alloc(x->arena, 20001);
	memset(inc.impact, 'x', 20000);
	STORED(x, incident_insert(x->store, &inc, &x->err));
	tiny = arena_create(16384);
	f.sees_all = true;
	assert_int_equal(incident_find(x->store, tiny, &f, &rows, &count, &x->err), -E2BIG);
	assert_int_equal(incident_load(x->store, tiny, inc.id, &inc, &x->err), -E2BIG);
	arena_destroy(tiny);
}

/* The SQL names the active states once more; the rules decide which they are. */
static void active_states_are_those_of_the_rules(void **state)
{
	(void)state;
	for (int i = 0; i < STATE_COUNT; i++) {
		char quoted[64];
		snprintf(quoted, sizeof(quoted), "'%s'", state_name((enum incident_state)i));
		assert_int_equal(strstr(INCIDENT_ACTIVE, quoted) != NULL,
			state_active((enum incident_state)i));
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_field_comes_back),
		CASE(saving_changes_every_field_and_the_revision),
		CASE(unknown_is_null_not_empty),
		CASE(a_missing_one_is_said),
		CASE(a_stale_copy_is_refused),
		CASE(what_is_not_allowed_is_not_stored),
		CASE(protected_numbers_leave_no_gaps),
		CASE(a_number_is_taken_once),
		CASE(roles_have_one_holder),
		CASE(filters),
		CASE(private_ones_are_for_those_who_are_named),
		CASE(hidden_ones_mark_no_page),
		CASE(paging_follows_the_order),
		CASE(words_of_text),
		CASE(a_list_is_bounded),
		CASE(a_full_arena_is_an_error),
		cmocka_unit_test(active_states_are_those_of_the_rules),
	};

	return cmocka_run_group_tests_name("store: incidents", tests, NULL, NULL);
}
