#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/relations.h"
#include "support_store.h"

/* Incidents 1, 2 and 3. */
static int with_incidents(void **state)
{
	if (scratch_setup(state))
		return -1;
	struct scratch *x = *state;
	STORED(x, scratch_incident(x, "a") == 1 && scratch_incident(x, "b") == 2 &&
			scratch_incident(x, "c") == 3 ? 0 : -1);
	return 0;
}

/* ---- access ----------------------------------------------------------------------------- */

static bool has(struct scratch *x, int64_t incident, const char *person)
{
	bool yes = false;

	assert_int_equal(access_has(x->store, incident, person, &yes, &x->err), 0);
	return yes;
}

static void access_by_name(void **state)
{
	struct scratch *x = *state;
	struct grant *rows;
	size_t count;

	STORED(x, access_grant(x->store, 1, "slack:U2", "slack:U1", 10, &x->err));
	STORED(x, access_grant(x->store, 1, "slack:U1", "slack:U1", 11, &x->err));
	assert_int_equal(access_grant(x->store, 1, "slack:U2", "slack:U3", 12, &x->err), -EEXIST);
	assert_says(&x->err, "slack:U2 has access to INC-1 already");
	scratch_reopen(x);
	assert_true(has(x, 1, "slack:U2"));
	assert_false(has(x, 2, "slack:U2"));
	assert_false(has(x, 1, "slack:U"));
	assert_false(has(x, 1, "SLACK:U2"));
	assert_false(has(x, 1, NULL));
	assert_int_equal(access_list(x->store, x->arena, 1, &rows, &count, &x->err), 0);
	assert_int_equal(count, 2);
	assert_string_equal(rows[0].person, "slack:U1");
	assert_string_equal(rows[1].person, "slack:U2");
	assert_string_equal(rows[1].by, "slack:U1");
	assert_int_equal(rows[1].at, 10);
	STORED(x, access_revoke(x->store, 1, "slack:U2", &x->err));
	assert_int_equal(access_revoke(x->store, 1, "slack:U2", &x->err), -ENOENT);
	assert_false(has(x, 1, "slack:U2"));
	assert_true(has(x, 1, "slack:U1"));
	assert_int_equal(access_grant(x->store, 9, "slack:U1", "slack:U1", 1, &x->err), -ENOENT);
	assert_int_equal(access_grant(x->store, 1, "", "slack:U1", 1, &x->err), -EINVAL);
	assert_int_equal(access_grant(x->store, 1, NULL, "slack:U1", 1, &x->err), -EINVAL);
}

/* ---- subscriptions ---------------------------------------------------------------------- */

static void follows(struct scratch *x, const char *person, const char *topic)
{
	STORED(x, subscription_add(x->store, person, topic, 5, &x->err));
}

static void followers(struct scratch *x, int64_t incident, const char *services, const char *want)
{
	const char **people;
	size_t count;
	char got[256] = "";

	if (subscription_people(x->store, x->arena, incident, services, &people, &count, &x->err))
		fail_msg("%s", x->err.text);
	for (size_t i = 0; i < count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "",
			people[i]);
	assert_string_equal(got, want);
}

static void subscriptions(void **state)
{
	struct scratch *x = *state;
	const char **topics;
	size_t count;

	followers(x, 1, "checkout", "");
	follows(x, "erin", "all");
	follows(x, "bob", "service/checkout");
	follows(x, "bob", "incident/1");
	follows(x, "alice", "incident/1");
	follows(x, "carol", "service/cart");
	follows(x, "dave", "service/check");
	assert_int_equal(subscription_add(x->store, "bob", "incident/1", 6, &x->err), -EEXIST);
	assert_says(&x->err, "bob follows incident/1 already");
	followers(x, 1, "checkout", "alice bob erin");
	followers(x, 1, "checkout, cart", "alice bob carol erin");
	followers(x, 1, " Cart ,search", "alice bob carol erin");
	followers(x, 1, NULL, "alice bob erin");
	followers(x, 1, "", "alice bob erin");
	followers(x, 2, "checkout,checkout", "bob erin");
	followers(x, 2, ",, ,", "erin");
	followers(x, 2, ", cart", "carol erin");
	followers(x, 99, "checkout", ""); /* of what is not there nobody hears */
	assert_int_equal(subscription_topics(x->store, x->arena, "bob", &topics, &count, &x->err),
		0);
	assert_int_equal(count, 2);
	assert_string_equal(topics[0], "incident/1");
	assert_string_equal(topics[1], "service/checkout");
	STORED(x, subscription_remove(x->store, "bob", "incident/1", &x->err));
	assert_int_equal(subscription_remove(x->store, "bob", "incident/1", &x->err), -ENOENT);
	followers(x, 1, NULL, "alice erin");
	assert_int_equal(subscription_add(x->store, "bob", "", 6, &x->err), -EINVAL);
	assert_int_equal(subscription_add(x->store, "", "all", 6, &x->err), -EINVAL);
}

static void of_a_private_one_only_those_who_may_see_it_hear(void **state)
{
	struct scratch *x = *state;
	struct incident inc;

	follows(x, "alice", "all");
	follows(x, "bob", "incident/1");
	follows(x, "carol", "service/checkout");
	follows(x, "dave", "all");
	assert_int_equal(incident_load(x->store, x->arena, 1, &inc, &x->err), 0);
	inc.is_private = true;
	STORED(x, incident_save(x->store, &inc, &x->err));
	followers(x, 1, "checkout", "");
	STORED(x, role_assign(x->store, 1, "scribe", "dave", 1, &x->err));
	STORED(x, access_grant(x->store, 1, "carol", "dave", 1, &x->err));
	followers(x, 1, "checkout", "carol dave");
	followers(x, 2, "checkout", "alice carol dave");
	STORED(x, access_revoke(x->store, 1, "carol", &x->err));
	followers(x, 1, "checkout", "dave");
}

/* ---- links ------------------------------------------------------------------------------ */

static void linked(struct scratch *x, int64_t incident, const char *want)
{
	struct incident_link *rows;
	size_t count;
	char got[256] = "";

	assert_int_equal(link_list(x->store, x->arena, incident, &rows, &count, &x->err), 0);
	for (size_t i = 0; i < count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%d%s%d by %s",
			i ? ", " : "", (int)rows[i].from,
			rows[i].kind == LINK_DUPLICATE ? "=>" : "--", (int)rows[i].to, rows[i].by);
	assert_string_equal(got, want);
}

static void links(void **state)
{
	struct scratch *x = *state;
	struct incident_link l = { .from = 1, .to = 2, .kind = LINK_RELATED, .by = "alice", .at = 5 };

	STORED(x, link_put(x->store, &l, &x->err));
	linked(x, 1, "1--2 by alice");
	linked(x, 2, "1--2 by alice");
	linked(x, 3, "");
	/* Merged the other way round: one pair, one link. */
	l = (struct incident_link){ .from = 2, .to = 1, .kind = LINK_DUPLICATE, .by = "bob", .at = 6 };
	STORED(x, link_put(x->store, &l, &x->err));
	linked(x, 1, "2=>1 by bob");
	linked(x, 2, "2=>1 by bob");
	l = (struct incident_link){ .from = 3, .to = 2, .kind = LINK_RELATED, .by = "bob", .at = 4 };
	STORED(x, link_put(x->store, &l, &x->err));
	linked(x, 2, "3--2 by bob, 2=>1 by bob"); /* oldest first */
	STORED(x, link_remove(x->store, 2, 1, &x->err)); /* either direction */
	assert_int_equal(link_remove(x->store, 1, 2, &x->err), -ENOENT);
	STORED(x, link_remove(x->store, 2, 3, &x->err));
	linked(x, 2, "");
	l.to = 3;
	assert_int_equal(link_put(x->store, &l, &x->err), -EINVAL);
	l.to = 9;
	assert_int_equal(link_put(x->store, &l, &x->err), -ENOENT);
}

/* ---- diagnoses -------------------------------------------------------------------------- */

static void diagnoses(void **state)
{
	struct scratch *x = *state;
	struct diagnosis back, *rows, d = { .tool = "probe", .kind = "pod", .name = "cart-1",
		.summary = "restarts", .evidence = "exit code 137", .url = "https://example.org/1",
		.by = "alice", .at = 10 }, second = { .summary = "slow disk", .incident = 1, .at = 20 };
	size_t count;

	STORED(x, diagnosis_insert(x->store, &d, &x->err));
	STORED(x, diagnosis_insert(x->store, &second, &x->err));
	scratch_reopen(x);
	assert_int_equal(diagnosis_load(x->store, x->arena, d.id, &back, &x->err), 0);
	assert_int_equal(back.incident, 0);
	assert_string_equal(back.tool, "probe");
	assert_string_equal(back.kind, "pod");
	assert_string_equal(back.name, "cart-1");
	assert_string_equal(back.summary, "restarts");
	assert_string_equal(back.evidence, "exit code 137");
	assert_string_equal(back.url, "https://example.org/1");
	assert_string_equal(back.by, "alice");
	assert_int_equal(back.at, 10);
	assert_int_equal(diagnosis_list(x->store, x->arena, 0, 10, &rows, &count, &x->err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].id, d.id);
	STORED(x, diagnosis_attach(x->store, d.id, 1, &x->err));
	assert_int_equal(diagnosis_list(x->store, x->arena, 0, 10, &rows, &count, &x->err), 0);
	assert_int_equal(count, 0);
	assert_int_equal(diagnosis_list(x->store, x->arena, 1, 10, &rows, &count, &x->err), 0);
	assert_int_equal(count, 2);
	assert_int_equal(rows[0].id, second.id); /* newest first */
	assert_int_equal(diagnosis_list(x->store, x->arena, 1, 1, &rows, &count, &x->err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(diagnosis_attach(x->store, 99, 1, &x->err), -ENOENT);
	assert_says(&x->err, "there is no diagnosis 99");
	assert_int_equal(diagnosis_attach(x->store, d.id, 99, &x->err), -ENOENT);
	assert_int_equal(diagnosis_load(x->store, x->arena, 99, &back, &x->err), -ENOENT);
	assert_int_equal(diagnosis_list(x->store, x->arena, 1, 0, &rows, &count, &x->err), -EINVAL);
	assert_int_equal(diagnosis_list(x->store, x->arena, 1, 501, &rows, &count, &x->err),
		-EINVAL);
	d.summary = NULL;
	assert_int_equal(diagnosis_insert(x->store, &d, &x->err), -EINVAL);
	second.incident = 99;
	assert_int_equal(diagnosis_insert(x->store, &second, &x->err), -ENOENT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_incidents, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(access_by_name),
		CASE(subscriptions),
		CASE(of_a_private_one_only_those_who_may_see_it_hear),
		CASE(links),
		CASE(diagnoses),
	};

	return cmocka_run_group_tests_name("store: relations", tests, NULL, NULL);
}
