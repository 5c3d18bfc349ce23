/* The config folder: what is shipped, what is refused and in which words, overrides, secrets, the reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/config.h"
#include "config/node.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SHIPPED  SITREP_SOURCE_DIR "/config"
#define BOT_TOKEN "xoxb-1-not-for-any-eye"
#define APP_TOKEN "xapp-1-not-for-any-eye"

/* ---- a folder a test ---------------------------------------------------------------------- */

static char dir[64];
static struct str report;

static void put_bytes(const char *name, const void *p, size_t n)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/sitrep-config-XXXXXX");
	assert_non_null(mkdtemp(dir));
	setenv("SLACK_APP_TOKEN", APP_TOKEN, 1);
	setenv("SLACK_BOT_TOKEN", BOT_TOKEN, 1);
	unsetenv("SLACK_API_URL");
	str_init(&report, 1u << 20);
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {
		"sitrep.yml", "severity.yml", "roles.yml", "reminders.yml", "escalation.yml",
		"rbac.yml", "sevrity.yml", "notes.yml", "token", "empty", "large",
	};
	char path[256];

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (unlink(path) && errno == EISDIR)
			rmdir(path);
	}
	str_finish(&report);
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static struct config *load_with(const struct config_override *set, size_t sets, bool check_only)
{
	struct config *c = NULL;

	str_reset(&report);
	int rc = config_load(&c, dir, set, sets, check_only, &report);
	assert_int_equal(rc, c ? 0 : -EINVAL);
	/* A failure without a reason, or a token in one, is never right. */
	assert_true(c || report.len);
	assert_null(strstr(report.p, "not-for-any-eye"));
	if (strstr(report.p, "hunter2"))
		fail_msg("%s", report.p);
	return c;
}

static struct config *load(void)
{
	return load_with(NULL, 0, false);
}

static void expect(const char *fragment)
{
	if (!strstr(report.p, fragment))
		fail_msg("\"%s\" is not in:\n%s", fragment, report.p);
}

static void expect_not(const char *fragment)
{
	if (strstr(report.p, fragment))
		fail_msg("\"%s\" is in:\n%s", fragment, report.p);
}

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
	same_text(a->slack.channel_prefix, b->slack.channel_prefix);
	same_text(a->slack.ca_file, b->slack.ca_file);
	assert_int_equal(a->slack.connections, b->slack.connections);
	assert_int_equal(a->slack.pacing, b->slack.pacing);
	same_text(a->store.path, b->store.path);
	assert_int_equal(a->store.keep_inbox_ms, b->store.keep_inbox_ms);
	same_text(a->ctl.socket, b->ctl.socket);
	assert_int_equal(a->log.level, b->log.level);
	same_text(a->timezone, b->timezone);
	assert_int_equal(a->queue_max, b->queue_max);
	assert_int_equal(a->batch_max, b->batch_max);
	assert_int_equal(a->snooze_ms, b->snooze_ms);
	assert_int_equal(a->snooze_max_ms, b->snooze_max_ms);
	assert_int_equal(a->retry_count, b->retry_count);
	assert_memory_equal(a->retry_ms, b->retry_ms, sizeof(a->retry_ms));
	assert_int_equal(a->retry_max_ms, b->retry_max_ms);
}

static void test_shipped(void **state)
{
	struct config *c = NULL;

	(void)state;
	assert_int_equal(config_load(&c, SHIPPED, NULL, 0, false, &report), 0);
	assert_string_equal(report.p, "");

	static const int64_t minutes[SEVERITY_COUNT + 1][5] = {
		/* respond, resolve, cadence, first update, roles */
		[1] = { 5, 60, 15, 10, 5 },
		[2] = { 15, 240, 30, 0, 5 },
		[3] = { 60, 1440, 120, 0, 0 },
		[4] = { 1440, 0, 1440, 0, 0 },
	};
	for (int i = 1; i <= SEVERITY_LEAST; i++) {
		const struct severity_policy *p = &c->severity.level[i];
		assert_int_equal(p->level, i);
		assert_int_equal(p->respond_ms, minutes[i][0] * MINUTE_MS);
		assert_int_equal(p->resolve_ms, minutes[i][1] * MINUTE_MS);
		assert_int_equal(p->cadence_ms, minutes[i][2] * MINUTE_MS);
		assert_int_equal(p->first_update_ms, minutes[i][3] * MINUTE_MS);
		assert_int_equal(p->role_nag_ms, minutes[i][4] * MINUTE_MS);
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
	assert_string_equal(c->store.path, "data/sitrep.db");
	assert_true(access_allows(&c->access, "slack:U1", "incident.write"));
	assert_false(access_allows(&c->access, "slack:U1", "incident.admin"));
	assert_true(access_allows(&c->access, "unix:0", "incident.admin"));
	config_release(c);
}

/* The shipped files only say what is the default anyway. */
static void test_shipped_is_default(void **state)
{
	struct config *shipped = NULL, *c = load();

	(void)state;
	assert_non_null(c);
	assert_string_equal(report.p, "");
	assert_int_equal(config_load(&shipped, SHIPPED, NULL, 0, false, &report), 0);
	same_policies(shipped, c);
	same_daemon(shipped, c);
	config_release(shipped);
	config_release(c);
}

static void test_partial(void **state)
{
	(void)state;
	put("severity.yml", "levels:\n  1:\n    cadence: 10m\n");
	put("sitrep.yml", "slack:\n  announce_channel:\nctl:\n");
	put("roles.yml", "# nothing yet\n");
	struct config *c = load();
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
	put("severity.yml", "levels:\n  1: &worst\n    criteria: bad\n    names: [one]\n"
			    "  2:\n    criteria: &c less bad\n  3: {criteria: *c}\n");
	struct config *c = load();
	assert_non_null(c);
	assert_string_equal(c->severity.level[3].criteria, "less bad");
	config_release(c);
}

/* ---- what is refused ----------------------------------------------------------------------- */

static const struct {
	const char *file, *text;
	const char *fragment[4];
} bad[] = {
	/* keys */
	{ "severity.yml", "levels:\n  1:\n    cadense: 15m\n",
		{ "severity.yml:3:5: unknown key \"cadense\"; did you mean \"cadence\"?",
			"    cadense: 15m\n    ^\n" } },
	{ "severity.yml", "levels:\n  5:\n    cadence: 15m\n",
		{ "severity.yml:2:3: unknown key \"5\"", "knows 1, 2, 3, 4" } },
	{ "sitrep.yml", "stroe:\n  path: x\n",
		{ "sitrep.yml:1:1: unknown key \"stroe\"; did you mean \"store\"?" } },
	{ "sitrep.yml", "zzz: 1\n",
		{ "1:1: unknown key \"zzz\"; this file knows slack, store, ctl, log, limits, delivery, timezone\n" } },
	{ "sitrep.yml", "severity:\n  levels: {}\n",
		{ "sitrep.yml:1:1: \"severity\" is said in severity.yml" } },
	{ "sitrep.yml", "store:\n  path: a\n  path: b\n",
		{ "sitrep.yml:3:3: \"path\" is here twice; the first is in line 2" } },
	{ "sitrep.yml", "? [a, b]\n: 1\n", { "sitrep.yml:1:3: a key must be text, not a list" } },
	{ "sitrep.yml", "slack: 3\n", { "sitrep.yml:1:8: slack needs a map of keys, not text" } },
	{ "sitrep.yml", "- slack\n", { "sitrep.yml:1:1: a map of keys is needed here, not a list" } },
	{ "sitrep.yml", "<<: {store: {path: a}}\n", { "sitrep.yml:1:1: unknown key \"<<\"" } },
	/* types, units, ranges */
	{ "sitrep.yml", "slack:\n  connections: many\n",
		{ "sitrep.yml:2:16: slack.connections: \"many\" is not a whole number",
			"\n    connections: many\n                 ^\n" } },
	{ "sitrep.yml", "slack:\n  connections: 9\n",
		{ "2:16: slack.connections: \"9\" is out of range; 1 to 4" } },
	{ "sitrep.yml", "slack: {connections: 99999999999999999999}\n", { "is out of range" } },
	{ "sitrep.yml", "slack: {connections: 0x2}\n", { "is not a whole number" } },
	{ "sitrep.yml", "slack: {connections: [1]}\n", { "slack.connections needs number, not a list" } },
	{ "sitrep.yml", "slack: {connections: }\n", { "slack.connections needs a value" } },
	{ "sitrep.yml", "slack: {pacing: maybe}\n", { "\"maybe\" is neither true nor false" } },
	{ "sitrep.yml", "slack: {announce_channel: incidents}\n", { "neither a channel's name" } },
	{ "sitrep.yml", "slack: {api_url: slack.com/api}\n", { "1:18: slack.api_url", "is not a URL" } },
	{ "sitrep.yml", "slack: {api_url: 'https://'}\n", { "is not a URL" } },
	{ "sitrep.yml", "slack: {channel_prefix: 'two words'}\n", { "is not one word" } },
	{ "sitrep.yml", "store: {keep_inbox: 1h}\n", { "keep_inbox: \"1h\" is out of range; 1 d to 30 d" } },
	{ "sitrep.yml", "store: {path: }\n", { "store.path needs a value" } },
	{ "sitrep.yml", "store: {path: \"a\\0b\"}\n", { "store.path: a NUL character" } },
	{ "sitrep.yml", "store: {path: \"a\\nb\"}\n", { "has control characters" } },
	{ "sitrep.yml", "ctl: {socket: /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}\n",
		{ "is too long; at most 107 bytes" } },
	{ "sitrep.yml", "log: {level: wran}\n",
		{ "\"wran\" is not one of error, warn, info, debug; did you mean \"warn\"?" } },
	{ "sitrep.yml", "timezone: Mars/Olympus\n", { "1:11: timezone: \"Mars/Olympus\" is not a time zone" } },
	{ "sitrep.yml", "delivery: {retry: 5s}\n", { "delivery.retry needs a list, not text" } },
	{ "sitrep.yml", "delivery: {retry: [5s, [1s]]}\n", { "delivery.retry.2 needs duration, not a list" } },
	{ "sitrep.yml", "delivery: {retry: []}\n", { "delivery.retry needs at least 1" } },
	{ "sitrep.yml", "delivery: {retry: [1s,2s,3s,4s,5s,6s,7s,8s,9s]}\n", { "has 9 entries; at most 8" } },
	{ "sitrep.yml", "delivery: {retry: [25s, 5s]}\n", { "1:25: delivery.retry.2: shorter than" } },
	{ "sitrep.yml", "delivery: {retry_max: 10s}\n", { "longer than delivery.retry_max" } },
	{ "severity.yml", "levels: {3: {cadence: 15}}\n", { "\"15\" needs a unit: 15m, 15s, 15h" } },
	{ "severity.yml", "levels: {3: {cadence: 15 parsecs}}\n", { "is not a duration" } },
	{ "severity.yml", "levels: {3: {cadence: -5m}}\n", { "is not a duration" } },
	{ "severity.yml", "levels: {3: {cadence: 0}}\n", { "is out of range" } },
	{ "severity.yml", "levels: {3: {names: sev3}}\n", { "needs a list, not text" } },
	{ "severity.yml", "levels: {3: {names: [a, a]}}\n", { "\"a\" is here twice" } },
	/* rules over several keys */
	{ "severity.yml", "levels:\n  1: {cadence: 31m}\n",
		{ "severity.yml:2:16: severity.levels.1.cadence: level 1 is updated at least every 30 min" } },
	{ "severity.yml", "levels:\n  2: {cadence: 61m}\n", { "2:16: ", "level 2 is updated at least every 1 h" } },
	{ "severity.yml", "levels: {3: {respond: 2h, resolve: 1h}}\n", { "cannot be sooner than respond" } },
	{ "severity.yml", "levels: {3: {names: [three, P1]}}\n", { "1:29: \"P1\" already means level 2" } },
	{ "severity.yml", "levels: {1: {names: [p3]}}\n", { "1:22: \"p3\" already means level 4" } },
	{ "roles.yml", "roles: {scribe: {title: Scribe, purpose: writes}}\n",
		{ "1:8: roles.roles: the role \"commander\" must be there" } },
	{ "roles.yml", "roles: {commander: {title: C, purpose: p}, x: {title: X, purpose: p, names: [Commander]}}\n",
		{ "\"Commander\" already means the role commander" } },
	{ "roles.yml", "roles: {commander: {title: C}}\n", { "1:20: roles.roles.commander.purpose is missing" } },
	{ "roles.yml", "roles: {commander: {title: C, purpose: p}, commander: {title: D, purpose: p}}\n",
		{ "1:44: \"commander\" is here twice" } },
	{ "roles.yml", "roles: {}\n", { "roles.roles needs at least 1" } },
	{ "roles.yml", "roles: [commander]\n", { "roles.roles needs a map of names, not a list" } },
	{ "reminders.yml", "ladders:\n  update:\n    - {at: 5m, tell: owner}\n    - {at: 0, tell: channel}\n",
		{ "reminders.yml:4:12: reminders.ladders.update.2.at: not later than the step before it" } },
	{ "reminders.yml", "ladders: {update: [{at: 0, tell: chanel}]}\n",
		{ "\"chanel\" is not one of", "did you mean \"channel\"?" } },
	{ "reminders.yml", "ladders: {update: [{tell: channel}]}\n", { "update.1.at is missing" } },
	{ "reminders.yml", "ladders: {update: [5m]}\n", { "update.1 needs a map of keys, not text" } },
	{ "reminders.yml", "snooze: 5h\n", { "1:9: reminders.snooze: longer than reminders.snooze_max" } },
	{ "escalation.yml", "tiers: [{name: a}, {name: A}]\n", { "1:27: ", "\"A\" is tier 1 already" } },
	{ "escalation.yml", "tiers: [{name: a, people: [bob]}]\n", { "\"bob\" names no person" } },
	{ "escalation.yml", "tiers: [{name: a, people: ['slack:*']}]\n", { "no patterns" } },
	{ "escalation.yml", "tiers: [{name: a, people: ['salck:U1']}]\n", { "did you mean \"slack:\"?" } },
	{ "rbac.yml", "bindings: {'slack:*': respnder}\n",
		{ "rbac.yml:1:23: there is no role \"respnder\"; did you mean \"responder\"?" } },
	{ "rbac.yml", "roles: {a: [incident.wirte]}\nbindings: {'*': a}\n",
		{ "1:13: ", "\"incident.wirte\" is no entitlement; did you mean \"incident.write\"?" } },
	{ "rbac.yml", "bindings: {'slack:U*': admin}\n", { "is no person" } },
	/* not YAML, or too much of it */
	{ "sitrep.yml", "slack:\n\tapi_url: x\n", { "sitrep.yml:2:1: a tab: indent with spaces" } },
	{ "sitrep.yml", "slack: [1, 2\n", { "sitrep.yml:2:1: ", "did not find expected" } },
	{ "sitrep.yml", "slack: {}\nstore: \"open\n", { "found unexpected end of stream" } },
	{ "sitrep.yml", "a: *b\n", { "sitrep.yml:1:4: no anchor of this name" } },
	{ "sitrep.yml", "a: &a [*a]\n", { "no anchor of this name" } },
	{ "sitrep.yml", "store: {path: !!binary aGk=}\n", { "1:15: tags (!name) have no meaning" } },
	{ "sitrep.yml", "store: {}\n---\nstore: {}\n", { "sitrep.yml:2:1: a second document" } },
	{ "sitrep.yml", "timezone: \xff\n", { "sitrep.yml:1:11: not UTF-8 text" } },
	{ "sitrep.yml", "timezone: UTC # \xc3\xa4\n# \xc3\xa4\xc3\n", { "sitrep.yml:2:4: not UTF-8 text" } },
	{ "sitrep.yml", "timezone: \x1b[31m\n", { "sitrep.yml:1:11: control characters are not allowed" } },
	{ "sitrep.yml", "a: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", { "nested deeper than 16 levels" } },
	/* places behind characters of several bytes */
	{ "severity.yml", "levels: {3: {criteria: \"\xc3\xa4\xc3\xb6\", cadence: soon}}\n",
		{ "severity.yml:1:39: ", "\n                                          ^\n" } },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		put(bad[i].file, bad[i].text);
		struct config *c = load();
		if (c)
			fail_msg("accepted: %s", bad[i].text);
		for (size_t k = 0; k < COUNT(bad[i].fragment) && bad[i].fragment[k]; k++)
			expect(bad[i].fragment[k]);
		char path[256];
		snprintf(path, sizeof(path), "%s/%s", dir, bad[i].file);
		unlink(path);
	}
}

static void test_all_at_once(void **state)
{
	(void)state;
	put("sitrep.yml", "slack:\n  connections: 7\n  pacing: 3\nlgo: {}\n");
	put("severity.yml", "levels: [\n");
	put("reminders.yml", "snooze: 1\n");
	put("rbac.yml", "bindings: {'slack:*': nobody}\n");
	assert_null(load());
	/* In the order of files and lines. */
	static const char *const order[] = { "sitrep.yml:2:16: ", "sitrep.yml:3:11: ",
		"sitrep.yml:4:1: ", "severity.yml:2:1: ", "reminders.yml:1:9: ", "rbac.yml:1:23: " };
	const char *at = report.p;
	for (size_t i = 0; i < COUNT(order); i++) {
		const char *next = strstr(at, order[i]);
		if (!next)
			fail_msg("%s is missing or out of order:\n%s", order[i], report.p);
		at = next;
	}
}

static void test_very_many(void **state)
{
	struct str text;

	(void)state;
	str_init(&text, 1u << 20);
	for (int i = 0; i < 2000; i++)
		str_addf(&text, "key%d: 1\n", i);
	put("sitrep.yml", text.p);
	assert_null(load());
	expect("sitrep.yml:100:1: ");
	expect("… and 1900 more\n");
	str_finish(&text);
}

/* ---- files --------------------------------------------------------------------------------- */

static void test_size(void **state)
{
	char *text = malloc(NODE_BYTES_MAX + 1);

	(void)state;
	memset(text, '#', NODE_BYTES_MAX + 1);
	put_bytes("sitrep.yml", text, NODE_BYTES_MAX);
	struct config *c = load();
	assert_non_null(c);
	config_release(c);
	put_bytes("sitrep.yml", text, NODE_BYTES_MAX + 1);
	assert_null(load());
	expect("sitrep.yml: is larger than 256 KiB");
	free(text);
}

/* One line of the largest size: only a window of it is shown. */
static void test_long_line(void **state)
{
	char *text = malloc(NODE_BYTES_MAX);

	(void)state;
	memset(text, 'a', NODE_BYTES_MAX);
	memcpy(text, "timezone: ", 10);
	put_bytes("sitrep.yml", text, NODE_BYTES_MAX);
	assert_null(load());
	expect("sitrep.yml:1:11: ");
	assert_true(report.len < 500);
	free(text);
}

static void test_alias_bomb(void **state)
{
	struct str text;

	(void)state;
	str_init(&text, 1u << 16);
	str_add(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 14; i++) {
		str_addf(&text, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			str_addf(&text, "%s*a%d", k ? ", " : "", i - 1);
		str_add(&text, "]\n");
	}
	put("sitrep.yml", text.p);
	int64_t begin = clock_monotonic_ms();
	assert_null(load());
	assert_true(clock_monotonic_ms() - begin < 1000);
	expect("more than 20000 values in one file, its aliases (*name) expanded");
	str_finish(&text);
}

/* Aliases of aliases may not get deeper than what is written out may. */
static void test_alias_depth(void **state)
{
	struct str text;

	(void)state;
	str_init(&text, 1u << 16);
	str_add(&text, "a0: &a0 [x]\n");
	for (int i = 1; i < 20; i++)
		str_addf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
	put("sitrep.yml", text.p);
	assert_null(load());
	expect("nested deeper than 16 levels");
	str_finish(&text);
}

static void test_nul(void **state)
{
	static const char text[] = "store: {}\nlog:\0 {}\n";

	(void)state;
	put_bytes("sitrep.yml", text, sizeof(text) - 1);
	assert_null(load());
	expect("sitrep.yml:2:5: a NUL byte: not a text file");
	put_bytes("sitrep.yml", "\xff\xfes\0l\0", 6); /* UTF-16 */
	assert_null(load());
	expect("sitrep.yml:1:1: not UTF-8 text");
}

static void test_bom_and_crlf(void **state)
{
	(void)state;
	put("sitrep.yml", "\xef\xbb\xbfslack:\r\n  connections: 3\r\n");
	struct config *c = load();
	assert_non_null(c);
	assert_int_equal(c->slack.connections, 3);
	config_release(c);
	put("sitrep.yml", "\xef\xbb\xbfslack:\r\n  connections: x\r\n");
	assert_null(load());
	expect("sitrep.yml:2:16: ");
	expect("\n    connections: x\n");
}

static void test_empty_files(void **state)
{
	static const char *const texts[] = { "", "\n\n", "# only a comment\n", "---\n", "~\n" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		put("sitrep.yml", texts[i]);
		struct config *c = load();
		if (!c)
			fail_msg("\"%s\" is refused:\n%s", texts[i], report.p);
		config_release(c);
	}
}

static void test_no_file(void **state)
{
	char path[256];
	struct config *c;

	(void)state;
	snprintf(path, sizeof(path), "%s/severity.yml", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_null(load());
	expect("severity.yml: is not a file");
	assert_int_equal(rmdir(path), 0);

	assert_int_equal(mkfifo(path, 0600), 0); /* must not block */
	assert_null(load());
	expect("severity.yml: is not a file");
	assert_int_equal(unlink(path), 0);

	assert_int_equal(symlink("severity.yml", path), 0);
	assert_null(load());
	expect("severity.yml: cannot be read: ");
	assert_int_equal(unlink(path), 0);

	str_reset(&report);
	assert_int_equal(config_load(&c, "/nonexistent/folder", NULL, 0, false, &report), -ENOENT);
	assert_null(c);
	expect("/nonexistent/folder: the config folder cannot be opened: No such file");
	assert_int_equal(config_load(&c, SHIPPED "/sitrep.yml", NULL, 0, false, &report), -ENOTDIR);
}

static void test_unreadable(void **state)
{
	char path[256];

	(void)state;
	if (geteuid() == 0)
		skip(); /* root reads everything */
	put("severity.yml", "levels: {}\n");
	snprintf(path, sizeof(path), "%s/severity.yml", dir);
	chmod(path, 0);
	assert_null(load());
	expect("severity.yml: cannot be read: Permission denied");
}

static void test_misspelt_file(void **state)
{
	(void)state;
	put("notes.yml", "no policy, and none of ours\n");
	struct config *c = load();
	assert_non_null(c);
	config_release(c);
	put("sevrity.yml", "levels: {}\n");
	assert_null(load());
	expect("sevrity.yml: this file is not read; did you mean severity.yml?");
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
	};

	(void)state;
	setenv("OTHER_TOKEN", "xoxb-other-not-for-any-eye", 1);
	unsetenv("SLACK_BOT_TOKEN");
	put("sitrep.yml", "slack:\n  connections: 3\n  channel_prefix: case-\n");
	struct config *c = load_with(set, COUNT(set), false);
	if (!c)
		fail_msg("%s", report.p);
	assert_string_equal(c->store.path, "/var/lib/x: y # z.db");
	assert_int_equal(c->severity.level[2].cadence_ms, 2 * MINUTE_MS);
	assert_string_equal(c->severity.level[2].names[1], "second");
	assert_int_equal(c->severity.level[2].respond_ms, 15 * MINUTE_MS);
	assert_null(c->slack.announce_channel);
	assert_int_equal(c->slack.connections, 4);
	assert_string_equal(c->slack.channel_prefix, "case-");
	assert_int_equal(c->retry_count, 2);
	assert_string_equal(c->timezone, "Europe/Berlin");
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
		struct config *c = load_with(&bad_set[i].set, 1, false);
		if (c)
			fail_msg("accepted: %s=%s", bad_set[i].set.key, bad_set[i].set.value);
		expect(bad_set[i].fragment);
	}
}

/* ---- secrets and the environment ----------------------------------------------------------- */

/* load() looks for the values in the report each time. */
static void test_secret_literal(void **state)
{
	static const char *const texts[] = {
		"slack:\n  bot_token: " BOT_TOKEN "\n",
		"slack:\n  bot_token: hunter2\n",
		"slack:\n  bot_token: \"hunter2\"\n",
		"slack:\n  bot_token:\n    hunter2\n",
		"slack:\n  bot_token: >-\n    hunter2\n",
		"slack:\n  bot_token: &x hunter2\n",
		"slack:\n  bot_token: {hunter2: 1}\n",
		"slack:\n  bot_token: [hunter2]\n",
		"slack: {bot_token: hunter2, connections: 77}\n",
		"slack: {connections: 77, bot_token: hunter2}\n",
		"slack: {bot_tokne: hunter2, connections: 77}\n",
		"slack:\n  bot_tokne: hunter2\n",
		"slack:\n  bot_token: hunter2 foo: bar\n",
		"slack:\n  bot_token: 'hunter2\n",
		"slack:\n  bot_token: \"hunter2\\0\"\n",
		"slack:\n  password: hunter2\n",
		"slack:\n  bot_token: env:hunter2-\n",
		"slack:\n  api_url: " BOT_TOKEN "\n",
		"slack:\n  " BOT_TOKEN ": 1\n",
		"slack:\n  channel_prefix: 'a " APP_TOKEN "'\n",
		"slack: " BOT_TOKEN "\n",
		BOT_TOKEN "\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		put("sitrep.yml", texts[i]);
		if (load())
			fail_msg("accepted: %s", texts[i]);
	}
	put("sitrep.yml", texts[0]);
	assert_null(load());
	expect("sitrep.yml:2:14: slack.bot_token: a secret is never written here; say where it is: "
	       "env:NAME or file:PATH\n    bot_token: …\n               ^\n");
}

static void test_secret_env(void **state)
{
	(void)state;
	put("sitrep.yml", "slack:\n  bot_token: env:NOT_SET_ANYWHERE\n");
	assert_null(load());
	expect("sitrep.yml:2:14: slack.bot_token: env:NOT_SET_ANYWHERE: this environment variable is "
	       "not set\n    bot_token: env:NOT_SET_ANYWHERE\n");

	struct config *c = load_with(NULL, 0, true);
	assert_non_null(c);
	expect("sitrep.yml:2:14: warning: slack.bot_token: env:NOT_SET_ANYWHERE");
	assert_null(c->slack.bot_token);
	assert_string_equal(c->slack.app_token, APP_TOKEN);
	config_release(c);

	put("sitrep.yml", "");
	unsetenv("SLACK_APP_TOKEN");
	assert_null(load());
	expect("shipped default: slack.app_token: env:SLACK_APP_TOKEN: this environment variable is "
	       "not set\n");

	put("sitrep.yml", "slack:\n  app_token:\n  bot_token: \"\"\n");
	c = load();
	assert_non_null(c);
	assert_null(c->slack.app_token);
	assert_null(c->slack.bot_token);
	config_release(c);

	setenv("SLACK_APP_TOKEN", "xapp-1 not-for-any-eye", 1);
	put("sitrep.yml", "");
	assert_null(load());
	expect("what is in it is not a token");
}

static void test_secret_swapped(void **state)
{
	(void)state;
	setenv("SLACK_APP_TOKEN", BOT_TOKEN, 1);
	setenv("SLACK_BOT_TOKEN", APP_TOKEN, 1);
	assert_null(load());
	expect("slack.app_token: begins with \"xoxb-\"; the two tokens are swapped");
	expect("slack.bot_token: begins with \"xapp-\"; the two tokens are swapped");
}

static void test_secret_file(void **state)
{
	char path[128], text[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/token", dir);
	snprintf(text, sizeof(text), "slack:\n  bot_token: file:%s\n", path);
	put("sitrep.yml", text);
	assert_null(load());
	expect("No such file or directory");

	put("token", "\n " BOT_TOKEN "\r\n\n");
	chmod(path, 0600);
	struct config *c = load();
	assert_non_null(c);
	assert_string_equal(c->slack.bot_token, BOT_TOKEN);
	expect_not("warning");
	config_release(c);

	chmod(path, 0644);
	c = load();
	assert_non_null(c);
	expect("sitrep.yml:2:14: warning: slack.bot_token: everybody on this machine can read the file");
	config_release(c);

	chmod(path, 0600);
	put("token", " \n");
	assert_null(load());
	expect("there is nothing in it");
	put("token", "a\nb\n");
	assert_null(load());
	expect("what is in it is not a token");
	put_bytes("token", "", 0);
	assert_int_equal(truncate(path, 5000), 0);
	assert_null(load());
	expect("is too long for a secret");
	snprintf(text, sizeof(text), "slack:\n  bot_token: file:%s\n", dir);
	put("sitrep.yml", text);
	assert_null(load());
	expect("is not a file");
}

static void test_env_value(void **state)
{
	(void)state;
	put("sitrep.yml", "slack:\n  api_url: env:SLACK_API_URL\n  connections: env:SLACK_CONNECTIONS\n");
	setenv("SLACK_API_URL", "http://127.0.0.1:8080/api", 1);
	setenv("SLACK_CONNECTIONS", "3", 1);
	struct config *c = load();
	assert_non_null(c);
	assert_string_equal(c->slack.api_url, "http://127.0.0.1:8080/api/");
	assert_int_equal(c->slack.connections, 3);
	assert_string_equal(report.p, "");
	config_release(c);

	setenv("SLACK_API_URL", "", 1);
	unsetenv("SLACK_CONNECTIONS");
	c = load();
	assert_non_null(c);
	assert_string_equal(c->slack.api_url, "https://slack.com/api/");
	assert_int_equal(c->slack.connections, 1);
	config_release(c);

	setenv("SLACK_API_URL", "http://example.org/not-for-any-eye", 1);
	setenv("SLACK_CONNECTIONS", "hunter2", 1);
	assert_null(load());
	expect("slack.connections: the value of SLACK_CONNECTIONS is not a whole number");
	expect("warning: slack.api_url: http:// to another machine");
	unsetenv("SLACK_API_URL");
	unsetenv("SLACK_CONNECTIONS");

	put("sitrep.yml", "slack:\n  ca_file: env:NOT_SET_ANYWHERE\n  channel_prefix: env:a-b\n");
	assert_null(load());
	expect("sitrep.yml:2:12: slack.ca_file: \"env:NOT_SET_ANYWHERE\" is not set, and there is no default");
	expect("sitrep.yml:3:19: slack.channel_prefix: \"env:a-b\" needs the name of a variable");
}

static void test_nobody_is_admin(void **state)
{
	(void)state;
	put("rbac.yml", "bindings: {'slack:*': viewer}\n");
	struct config *c = load();
	assert_non_null(c);
	expect("rbac.yml:1:11: warning: rbac.bindings: nobody is bound to a role with incident.admin");
	config_release(c);
}

static void test_hold(void **state)
{
	struct config *c = load();

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

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_shipped),
		IN_FOLDER(test_shipped_is_default),
		IN_FOLDER(test_partial),
		IN_FOLDER(test_aliases),
		IN_FOLDER(test_bad),
		IN_FOLDER(test_all_at_once),
		IN_FOLDER(test_very_many),
		IN_FOLDER(test_size),
		IN_FOLDER(test_long_line),
		IN_FOLDER(test_alias_bomb),
		IN_FOLDER(test_alias_depth),
		IN_FOLDER(test_nul),
		IN_FOLDER(test_bom_and_crlf),
		IN_FOLDER(test_empty_files),
		IN_FOLDER(test_no_file),
		IN_FOLDER(test_unreadable),
		IN_FOLDER(test_misspelt_file),
		IN_FOLDER(test_override),
		IN_FOLDER(test_override_bad),
		IN_FOLDER(test_secret_literal),
		IN_FOLDER(test_secret_env),
		IN_FOLDER(test_secret_swapped),
		IN_FOLDER(test_secret_file),
		IN_FOLDER(test_env_value),
		IN_FOLDER(test_nobody_is_admin),
		IN_FOLDER(test_hold),
		IN_FOLDER(test_reference),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
