/* The config folder: what is shipped, overrides, the reference. */
#include "support_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config/listen.h"

#define SHIPPED  SITREP_SOURCE_DIR "/config"

/* ---- what is shipped ----------------------------------------------------------------------- */

static void same_text(const char *a, const char *b)
{
	if (!a || !b)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void same_severity(const struct severity_policy *a, const struct severity_policy *b)
{
	assert_int_equal(a->level, b->level);
	for (size_t i = 0; i < SEVERITY_NAMES_MAX; i++)
		same_text(a->names[i], b->names[i]);
	same_text(a->criteria, b->criteria);
	same_text(a->escalate_to, b->escalate_to);
	assert_int_equal(a->respond_ms, b->respond_ms);
	assert_int_equal(a->resolve_ms, b->resolve_ms);
	assert_int_equal(a->cadence_ms, b->cadence_ms);
	assert_int_equal(a->first_update_ms, b->first_update_ms);
	assert_int_equal(a->role_nag_ms, b->role_nag_ms);
	assert_int_equal(a->reason_to_snooze, b->reason_to_snooze);
	assert_int_equal(a->review_required, b->review_required);
	assert_int_equal(a->checkpoint_every_ms, b->checkpoint_every_ms);
	assert_int_equal(a->strategy_after_ms, b->strategy_after_ms);
}

static void same_policies(const struct config *a, const struct config *b)
{
	for (int i = 1; i <= SEVERITY_LEAST; i++)
		same_severity(&a->severity.level[i], &b->severity.level[i]);
	assert_int_equal(a->roles.count, b->roles.count);
	for (size_t i = 0; i < a->roles.count; i++) {
		same_text(a->roles.role[i].key, b->roles.role[i].key);
		same_text(a->roles.role[i].title, b->roles.role[i].title);
		same_text(a->roles.role[i].purpose, b->roles.role[i].purpose);
		for (size_t k = 0; k < ROLE_NAMES_MAX; k++)
			same_text(a->roles.role[i].names[k], b->roles.role[i].names[k]);
	}
	assert_memory_equal(a->ladder, b->ladder, sizeof(a->ladder));
	assert_int_equal(a->escalation.count, b->escalation.count);
	for (size_t i = 0; i < a->escalation.count; i++) {
		same_text(a->escalation.tier[i].name, b->escalation.tier[i].name);
		assert_int_equal(a->escalation.tier[i].count, b->escalation.tier[i].count);
		assert_int_equal(a->escalation.tier[i].rule_count, b->escalation.tier[i].rule_count);
		assert_memory_equal(a->escalation.tier[i].rule, b->escalation.tier[i].rule,
			sizeof(a->escalation.tier[i].rule));
	}
	assert_int_equal(a->access.role_count, b->access.role_count);
	for (size_t i = 0; i < a->access.role_count; i++) {
		same_text(a->access.role[i].name, b->access.role[i].name);
		assert_int_equal(a->access.role[i].count, b->access.role[i].count);
		for (size_t k = 0; k < a->access.role[i].count; k++)
			same_text(a->access.role[i].entitlement[k],
				b->access.role[i].entitlement[k]);
	}
	assert_int_equal(a->access.binding_count, b->access.binding_count);
	for (size_t i = 0; i < a->access.binding_count; i++) {
		same_text(a->access.binding[i].role, b->access.binding[i].role);
		same_text(a->access.binding[i].person, b->access.binding[i].person);
	}
}

static void same_daemon(const struct config *a, const struct config *b)
{
	same_text(a->slack.api_url, b->slack.api_url);
	same_text(a->slack.app_token, b->slack.app_token);
	same_text(a->slack.bot_token, b->slack.bot_token);
	same_text(a->slack.announce_channel, b->slack.announce_channel);
	same_text(a->slack.customer_channel, b->slack.customer_channel);
	same_text(a->slack.channel_prefix, b->slack.channel_prefix);
	same_text(a->slack.ca_file, b->slack.ca_file);
	assert_int_equal(a->slack.connections, b->slack.connections);
	assert_int_equal(a->slack.pacing, b->slack.pacing);
	same_text(a->store.path, b->store.path);
	assert_int_equal(a->store.keep_inbox_ms, b->store.keep_inbox_ms);
	same_text(a->ctl.socket, b->ctl.socket);
	same_text(a->http.listen, b->http.listen);
	assert_int_equal(a->http.body_max, b->http.body_max);
	assert_int_equal(a->http.connections, b->http.connections);
	assert_int_equal(a->http.connections_per_ip, b->http.connections_per_ip);
	assert_int_equal(a->http.deadline_ms, b->http.deadline_ms);
	assert_int_equal(a->log.level, b->log.level);
	same_text(a->timezone, b->timezone);
	assert_int_equal(a->queue_max, b->queue_max);
	assert_int_equal(a->batch_max, b->batch_max);
	assert_int_equal(a->snooze_ms, b->snooze_ms);
	assert_int_equal(a->snooze_max_ms, b->snooze_max_ms);
	assert_int_equal(a->packet_max_age_ms, b->packet_max_age_ms);
	assert_int_equal(a->handover_expires_ms, b->handover_expires_ms);
	assert_int_equal(a->chair_max_ms, b->chair_max_ms);
	assert_int_equal(a->retry_count, b->retry_count);
	assert_memory_equal(a->retry_ms, b->retry_ms, sizeof(a->retry_ms));
	assert_int_equal(a->retry_max_ms, b->retry_max_ms);
}

static void test_shipped(void **state)
{
	struct config *c = NULL;

	(void)state;
	assert_int_equal(config_load(&c, SHIPPED, NULL, 0, false, &config_report), 0);
	assert_string_equal(config_report.p, "");

	static const int64_t minutes[SEVERITY_COUNT + 1][7] = {
		/* respond, resolve, cadence, first update, roles, checkpoint, strategy */
		[1] = { 5, 60, 15, 10, 5, 60, 30 },
		[2] = { 15, 240, 30, 0, 5, 60, 120 },
		[3] = { 60, 1440, 120, 0, 0, 0, 0 },
		[4] = { 1440, 0, 1440, 0, 0, 0, 0 },
	};
	for (int i = 1; i <= SEVERITY_LEAST; i++) {
		const struct severity_policy *p = &c->severity.level[i];
		assert_int_equal(p->level, i);
		assert_int_equal(p->respond_ms, minutes[i][0] * MINUTE_MS);
		assert_int_equal(p->resolve_ms, minutes[i][1] * MINUTE_MS);
		assert_int_equal(p->cadence_ms, minutes[i][2] * MINUTE_MS);
		assert_int_equal(p->first_update_ms, minutes[i][3] * MINUTE_MS);
		assert_int_equal(p->role_nag_ms, minutes[i][4] * MINUTE_MS);
		assert_int_equal(p->checkpoint_every_ms, minutes[i][5] * MINUTE_MS);
		assert_int_equal(p->strategy_after_ms, minutes[i][6] * MINUTE_MS);
		assert_int_equal(p->reason_to_snooze, i <= 2);
		assert_int_equal(p->review_required, i <= 2);
	}
	assert_string_equal(c->severity.level[2].names[1], "p1");
	assert_null(c->severity.level[2].names[3]);

	static const struct ladder_step update[] = {
		{ -5 * MINUTE_MS, AUDIENCE_OWNER }, { 0, AUDIENCE_OWNER_OPEN },
		{ 5 * MINUTE_MS, AUDIENCE_RESPONDERS }, { 10 * MINUTE_MS, AUDIENCE_CHANNEL },
		{ 15 * MINUTE_MS, AUDIENCE_TIER },
	};
	assert_int_equal(c->ladder[PROMISE_UPDATE].count, COUNT(update));
	for (size_t i = 0; i < COUNT(update); i++) {
		assert_int_equal(c->ladder[PROMISE_UPDATE].step[i].offset_ms, update[i].offset_ms);
		assert_int_equal(c->ladder[PROMISE_UPDATE].step[i].audience, update[i].audience);
	}
	static const struct {
		enum promise_kind kind;
		int64_t offset_ms;
	} owners[] = { { PROMISE_CHECKPOINT, 0 }, { PROMISE_STRATEGY, 0 },
		{ PROMISE_HANDOVER, 0 } };
	for (size_t i = 0; i < COUNT(owners); i++) {
		assert_int_equal(c->ladder[owners[i].kind].count, 1);
		assert_int_equal(c->ladder[owners[i].kind].step[0].offset_ms, owners[i].offset_ms);
		assert_int_equal(c->ladder[owners[i].kind].step[0].audience, AUDIENCE_OWNER_OPEN);
	}
	assert_int_equal(c->packet_max_age_ms, 10 * MINUTE_MS);
	assert_int_equal(c->handover_expires_ms, 15 * MINUTE_MS);
	assert_int_equal(c->chair_max_ms, 3 * HOUR_MS);
	assert_int_equal(c->snooze_ms, 10 * MINUTE_MS);
	assert_int_equal(c->retry_count, 3);
	assert_int_equal(c->retry_ms[0], 0);
	assert_int_equal(c->retry_ms[2], 25 * SECOND_MS);
	assert_int_equal(c->retry_max_ms, 10 * MINUTE_MS);
	assert_string_equal(c->roles.role[0].key, ROLE_COMMANDER);
	assert_string_equal(c->roles.role[1].names[0], "ops");
	assert_string_equal(c->escalation.tier[2].name, "executive");
	assert_string_equal(c->slack.api_url, "https://slack.com/api/");
	assert_string_equal(c->slack.bot_token, BOT_TOKEN);
	assert_string_equal(c->slack.announce_channel, "#incidents");
	assert_null(c->slack.customer_channel);
	assert_string_equal(c->store.path, "data/sitrep.db");
	assert_true(access_allows(&c->access, "slack:U1", "incident.write"));
	assert_false(access_allows(&c->access, "slack:U1", "incident.admin"));
	assert_true(access_allows(&c->access, "unix:0", "incident.admin"));
	config_release(c);
}

/* The tiers that the shipped rules bring in, in order, as "triage executive". */
static void engaged(const struct escalation_chain *e, struct engage_facts f, int64_t now, const char *want)
{
	char got[128] = "";

	f.active = true;
	for (int i = 0; i < 32; i++) {
		struct engage_verdict v = engage_judge(e, &f, now);
		if (v.tier < 0)
			break;
		f.engaged[v.tier] |= 1u << v.reason;
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s for %s",
			*got ? ", " : "", e->tier[v.tier].name, engage_reason_name(v.reason));
	}
	assert_string_equal(got, want);
}

static void test_shipped_tiers(void **state)
{
	static const unsigned all = ~0u;
	const int64_t t = 1000 * HOUR_MS;
	struct config *c = NULL;

	(void)state;
	assert_int_equal(config_load(&c, SHIPPED, NULL, 0, false, &config_report), 0);
	struct engage_facts f = { .severity = 1, .declared_at = t, .severity_at = t };
	engaged(&c->escalation, f, t,
		"triage for severity, coordination for severity, executive for severity");
	f.severity = 2;
	engaged(&c->escalation, f, t, "triage for severity");
	engaged(&c->escalation, f, t + 15 * MINUTE_MS,
		"triage for severity, coordination for severity");
	f.severity = 3;
	engaged(&c->escalation, f, t + 30 * DAY_MS, "");
	f.said = 1u << ENGAGE_CUSTOMER_DATA;
	engaged(&c->escalation, f, t, "executive for customer-data");
	f.said = 1u << ENGAGE_CROSS_TEAM | 1u << ENGAGE_COST;
	engaged(&c->escalation, f, t, "coordination for cross-team, executive for cost");
	f.said = 0;
	f.severity = 2;
	f.engaged[0] = all;
	f.engaged[1] = f.engaged[2] = 1u << ENGAGE_SEVERITY;
	engaged(&c->escalation, f, t + 2 * HOUR_MS - 1, "");
	engaged(&c->escalation, f, t + 2 * HOUR_MS,
		"coordination for not-identified, coordination for open-long");
	f.identified = true;
	engaged(&c->escalation, f, t + 4 * HOUR_MS,
		"coordination for open-long, executive for open-long");
	config_release(c);
}

/* The shipped files only say what is the default anyway. */
static void test_shipped_is_default(void **state)
{
	struct config *shipped = NULL, *c = config_try();

	(void)state;
	assert_non_null(c);
	assert_string_equal(config_report.p, "");
	assert_int_equal(config_load(&shipped, SHIPPED, NULL, 0, false, &config_report), 0);
	same_policies(shipped, c);
	same_daemon(shipped, c);
	config_release(shipped);
	config_release(c);
}

static void test_partial(void **state)
{
	(void)state;
	config_put("severity.yml", "levels:\n  1:\n    cadence: 10m\n");
	config_put("sitrep.yml", "slack:\n  announce_channel:\nctl:\n");
	config_put("roles.yml", "# nothing yet\n");
	struct config *c = config_try();
	assert_non_null(c);
	assert_int_equal(c->severity.level[1].cadence_ms, 10 * MINUTE_MS);
	assert_string_equal(c->severity.level[1].names[0], "sev1");
	assert_int_equal(c->severity.level[2].cadence_ms, 30 * MINUTE_MS);
	assert_null(c->slack.announce_channel);
	assert_string_equal(c->ctl.socket, "data/sitrep.sock");
	assert_int_equal(c->roles.count, 4);
	config_release(c);
}

static void test_aliases(void **state)
{
	(void)state;
	config_put("severity.yml", "levels:\n  1: &worst\n    criteria: bad\n    names: [one]\n"
			    "  2:\n    criteria: &c less bad\n  3: {criteria: *c}\n");
	struct config *c = config_try();
	assert_non_null(c);
	assert_string_equal(c->severity.level[3].criteria, "less bad");
	config_release(c);
}

/* ---- overrides ----------------------------------------------------------------------------- */

static void test_override(void **state)
{
	static const struct config_override set[] = {
		{ "store.path", "/var/lib/x: y # z.db" },
		{ "severity.levels.2.cadence", "2m" },
		{ "severity.levels.2.names", "[two, second]" },
		{ "slack.announce_channel", "" },
		{ "slack.connections", "2" },
		{ "slack.connections", "4" },
		{ "delivery.retry", "[1s, 2s]" },
		{ "timezone", "Europe/Berlin" },
		{ "reminders.ladders.update", "[{at: -10s, tell: owner}, {at: 0, tell: channel}]" },
		{ "slack.bot_token", "env:OTHER_TOKEN" },
		{ "slack.customer_channel", "#customers" },
		{ "severity.levels.3.checkpoint", "4h" },
		{ "severity.levels.1.strategy", "none" },
		{ "reminders.handover.expires", "30s" },
		{ "reminders.handover.chair_max", "none" },
		{ "escalation.tiers", "[{name: only, engage: [{when: cost}, {when: open-long, "
			"severity: 3, after: 90m}]}]" },
	};

	(void)state;
	setenv("OTHER_TOKEN", "xoxb-other-not-for-any-eye", 1);
	unsetenv("SLACK_BOT_TOKEN");
	config_put("sitrep.yml", "slack:\n  connections: 3\n  channel_prefix: case-\n");
	struct config *c = config_try_with(set, COUNT(set), false);
	if (!c)
		fail_msg("%s", config_report.p);
	assert_string_equal(c->store.path, "/var/lib/x: y # z.db");
	assert_int_equal(c->severity.level[2].cadence_ms, 2 * MINUTE_MS);
	assert_string_equal(c->severity.level[2].names[1], "second");
	assert_int_equal(c->severity.level[2].respond_ms, 15 * MINUTE_MS);
	assert_null(c->slack.announce_channel);
	assert_int_equal(c->slack.connections, 4);
	assert_string_equal(c->slack.channel_prefix, "case-");
	assert_int_equal(c->retry_count, 2);
	assert_string_equal(c->timezone, "Europe/Berlin");
	assert_string_equal(c->slack.customer_channel, "#customers");
	assert_int_equal(c->severity.level[3].checkpoint_every_ms, 4 * HOUR_MS);
	assert_int_equal(c->severity.level[1].strategy_after_ms, 0);
	assert_int_equal(c->handover_expires_ms, 30 * SECOND_MS);
	assert_int_equal(c->chair_max_ms, 0);
	assert_int_equal(c->escalation.count, 1);
	assert_int_equal(c->escalation.tier[0].rule_count, 2);
	assert_int_equal(c->escalation.tier[0].rule[0].reason, ENGAGE_COST);
	assert_int_equal(c->escalation.tier[0].rule[0].severity, 0);
	assert_int_equal(c->escalation.tier[0].rule[1].reason, ENGAGE_OPEN_LONG);
	assert_int_equal(c->escalation.tier[0].rule[1].severity, 3);
	assert_int_equal(c->escalation.tier[0].rule[1].after_ms, 90 * MINUTE_MS);
	assert_int_equal(c->ladder[PROMISE_UPDATE].step[0].offset_ms, -10 * SECOND_MS);
	assert_string_equal(c->slack.bot_token, "xoxb-other-not-for-any-eye");
	config_release(c);
}

static const struct {
	struct config_override set;
	const char *fragment;
} bad_set[] = {
	{ { "stroe.path", "x" }, "--set stroe.path=…: unknown key; did you mean \"store.path\"?\n" },
	{ { "store.paht", "x" }, "--set store.paht=…: unknown key; did you mean \"store.path\"?\n" },
	{ { "severity.levels.1.cadense", "x" }, "did you mean \"severity.levels.1.cadence\"?" },
	{ { "severity.levels.9.cadence", "x" }, "unknown key; levels knows 1, 2, 3, 4" },
	{ { "zzz", "x" }, "unknown key; the config knows slack, store" },
	{ { "", "x" }, "unknown key" },
	{ { ".", "x" }, "unknown key" },
	{ { "store.path.deeper", "x" }, "unknown key" },
	{ { "delivery.retry.1", "5s" }, "\"delivery.retry\" is a list and can only be set whole" },
	{ { "slack", "3" }, "slack needs a map of keys, not text" },
	{ { "slack.connections", "5" }, "--set slack.connections=…: slack.connections: \"5\" is out of range" },
	{ { "store.path", "" }, "store.path needs a value" },
	{ { "delivery.retry", "[1s" }, "did not find expected" },
	{ { "delivery.retry", "1s" }, "needs a list" },
	{ { "store.path", "\xff" }, "is not UTF-8 text" },
	{ { "store.\x1b[1mpath", "x" }, "--set store.?[1mpath=…: unknown key" },
	{ { "slack.bot_token", BOT_TOKEN }, "a secret is never written here" },
	{ { "slack.bot_token", "hunter2" }, "a secret is never written here" },
	{ { "slack.bot_tokne", BOT_TOKEN }, "did you mean \"slack.bot_token\"?" },
	{ { "slack", "{bot_token: hunter2, x: 1}" }, "a secret is never written here" },
	{ { "severity.levels.1.cadence", "2h" }, "--set severity.levels.1.cadence=…: " },
};

static void test_override_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_set); i++) {
		struct config *c = config_try_with(&bad_set[i].set, 1, false);
		if (c)
			fail_msg("accepted: %s=%s", bad_set[i].set.key, bad_set[i].set.value);
		config_expect(bad_set[i].fragment);
	}
}

static void test_hold(void **state)
{
	struct config *c = config_try();

	(void)state;
	assert_ptr_equal(config_hold(c), c);
	config_release(c);
	assert_string_equal(c->store.path, "data/sitrep.db"); /* still ours */
	config_release(c);
	config_release(NULL);
}

/* ---- the reference -------------------------------------------------------------------------- */

/* Written anew with SITREP_WRITE_REFERENCE=1 in the environment. */
static void test_reference(void **state)
{
	static const char path[] = SITREP_SOURCE_DIR "/docs/configuration.md";
	static char text[1u << 17];
	struct str made;

	(void)state;
	str_init(&made, sizeof(text));
	config_reference(&made);
	assert_false(made.cut);
	if (getenv("SITREP_WRITE_REFERENCE")) {
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fputs(made.p, f);
		fclose(f);
	}
	FILE *f = fopen(path, "r");
	if (!f)
		fail_msg("%s is missing", path);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	if (strcmp(text, made.p) != 0)
		fail_msg("docs/configuration.md is not what the table says; make it anew: "
			 "sitrep reference configuration > docs/configuration.md");
	str_finish(&made);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, config_setup, config_teardown)

/* ---- the address to listen on ------------------------------------------------------------- */

static void test_listen(void **state)
{
	static const struct {
		const char *text;
		bool loopback;
		int family, port;
	} good[] = {
		{ "127.0.0.1:8085", true, AF_INET, 8085 },
		{ "127.9.8.7:0", true, AF_INET, 0 },
		{ "[::1]:65535", true, AF_INET6, 65535 },
		{ "0.0.0.0:80", false, AF_INET, 80 },
		{ "10.0.0.127:80", false, AF_INET, 80 },
		{ "[::]:80", false, AF_INET6, 80 },
		{ "[::ffff:127.0.0.1]:80", false, AF_INET6, 80 },
	};
	struct listen_address a;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(listen_parse(good[i].text, &a));
		assert_int_equal(a.loopback, good[i].loopback);
		assert_int_equal(a.at.ss_family, good[i].family);
		/* Both kinds have it in the same place. */
		assert_int_equal(ntohs(((const struct sockaddr_in *)&a.at)->sin_port), good[i].port);
	}
}

static void test_listen_beyond_this_machine_is_noted(void **state)
{
	(void)state;
	config_put("sitrep.yml", "http:\n  listen: 127.0.0.1:8085\n");
	struct config *c = config_try();
	assert_non_null(c);
	assert_string_equal(c->http.listen, "127.0.0.1:8085");
	assert_int_equal(c->http.body_max, 1 << 20);
	assert_int_equal(c->http.connections, 128);
	assert_int_equal(c->http.connections_per_ip, 32);
	assert_int_equal(c->http.deadline_ms, 10 * SECOND_MS);
	config_expect_not("http.listen");
	config_release(c);
	config_put("sitrep.yml", "http:\n  listen: 0.0.0.0:8085\n");
	c = config_try();
	assert_non_null(c);
	config_expect("sitrep.yml:2:11: warning: http.listen: other machines reach it");
	config_release(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_shipped),
		IN_FOLDER(test_shipped_tiers),
		IN_FOLDER(test_shipped_is_default),
		IN_FOLDER(test_partial),
		IN_FOLDER(test_aliases),
		IN_FOLDER(test_override),
		IN_FOLDER(test_override_bad),
		IN_FOLDER(test_hold),
		IN_FOLDER(test_reference),
		cmocka_unit_test(test_listen),
		IN_FOLDER(test_listen_beyond_this_machine_is_noted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
