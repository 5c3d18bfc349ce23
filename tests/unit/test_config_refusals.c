/* What is refused in a config folder, and in which words; files that are none. */
#include "support_config.h"

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
#include "config/node.h"

#define SHIPPED  SITREP_SOURCE_DIR "/config"

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
		{ "1:1: unknown key \"zzz\"; this file knows slack, store, ctl, http, log, limits, delivery, timezone\n" } },
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
	{ "sitrep.yml", "http:\n  listen: localhost:8085\n",
		{ "sitrep.yml:2:11: http.listen: \"localhost:8085\" is not an address in numbers and a port" } },
	{ "sitrep.yml", "http: {listen: 127.0.0.1}\n", { "is not an address in numbers" } },
	{ "sitrep.yml", "http: {listen: '127.0.0.1:'}\n", { "is not an address in numbers" } },
	{ "sitrep.yml", "http: {listen: '127.0.0.1:65536'}\n", { "is not an address in numbers" } },
	{ "sitrep.yml", "http: {listen: '127.0.0.1:+80'}\n", { "is not an address in numbers" } },
	{ "sitrep.yml", "http: {listen: '::1:8085'}\n", { "is not an address in numbers" } },
	{ "sitrep.yml", "http: {listen: '[::1:8085'}\n", { "is not an address in numbers" } },
	{ "sitrep.yml", "http: {listen: '[]:8085'}\n", { "is not an address in numbers" } },
	{ "sitrep.yml", "http: {listen: ':8085'}\n", { "is not an address in numbers" } },
	{ "sitrep.yml", "http: {body_max: 1000}\n", { "is out of range; 1024 to 67108864" } },
	{ "sitrep.yml", "http: {connections: 0}\n", { "is out of range" } },
	{ "sitrep.yml", "http: {connections_per_ip: 0}\n", { "is out of range" } },
	{ "sitrep.yml", "http: {deadline: 10}\n", { "needs a unit" } },
	{ "sitrep.yml", "http: {deadline: 0}\n", { "is out of range" } },
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
	{ "reminders.yml", "ladders: {update: [{at: 5m, tell: owner}, {at: 300s, tell: channel}]}\n",
		{ "1:48: reminders.ladders.update.2.at: not later" } },
	{ "reminders.yml", "ladders: {update: [{at: 0, tell: chanel}]}\n",
		{ "\"chanel\" is not one of", "did you mean \"channel\"?" } },
	{ "reminders.yml", "ladders: {update: [{tell: channel}]}\n", { "update.1.at is missing" } },
	{ "reminders.yml", "ladders: {update: [5m]}\n", { "update.1 needs a map of keys, not text" } },
	{ "reminders.yml", "snooze: 5h\n", { "1:9: reminders.snooze: longer than reminders.snooze_max" } },
	{ "escalation.yml", "tiers: [{name: a}, {name: A}]\n", { "1:27: ", "\"A\" is tier 1 already" } },
	{ "escalation.yml", "tiers: [{name: a, engage: [{after: 2h}]}]\n", { "when is missing" } },
	{ "escalation.yml", "tiers: [{name: a, engage: [{when: cross-taem}]}]\n",
		{ "1:35: ", "did you mean \"cross-team\"?" } },
	{ "escalation.yml", "tiers: [{name: a, engage: [{when: asked}]}]\n", { "is not one of" } },
	{ "escalation.yml", "tiers: [{name: a, engage: [{when: severity, severity: 5}]}]\n",
		{ "\"5\" is not one of any, 1, 2, 3, 4" } },
	{ "escalation.yml", "tiers: [{name: a}, {name: b, engage: [{when: open-long}]}]\n",
		{ "escalation.tiers.2.engage.1: \"open-long\" needs after" } },
	{ "escalation.yml", "tiers: [{name: a, engage: [{when: cost, after: 5m}]}]\n",
		{ "1:48: ", "\"cost\" is said by somebody" } },
	{ "escalation.yml", "tiers: [{name: a, engage: [{when: severity, after: -5m}]}]\n",
		{ "is not a duration" } },
	{ "escalation.yml", "tiers: [{name: a, engage: [{when: cost}, {when: decision}, {when: cost}]}]\n",
		{ "engage.3: rule 1 has this reason and level already" } },
	{ "escalation.yml", "tiers: [{name: a, engage: {when: cost}}]\n", { "needs a list" } },
	{ "reminders.yml", "handover: {expires: 0}\n", { "\"0\" is out of range" } },
	{ "reminders.yml", "handover: {packet_max_age: 10}\n", { "needs a unit" } },
	{ "reminders.yml", "handover: {chair_max: 3 days}\n", { "\"3 days\" is out of range" } },
	{ "severity.yml", "levels: {1: {checkpoint: 8 days}}\n", { "is out of range" } },
	{ "sitrep.yml", "slack: {customer_channel: customers}\n", { "is neither a channel's name" } },
	{ "escalation.yml", "tiers: [{name: a, people: [bob]}]\n", { "\"bob\" names no person" } },
	{ "escalation.yml", "tiers: [{name: a, people: ['slack:*']}]\n", { "no patterns" } },
	{ "escalation.yml", "tiers: [{name: a, people: ['salck:U1']}]\n", { "did you mean \"slack:\"?" } },
	{ "rbac.yml", "bindings: {'slack:*': respnder}\n",
		{ "rbac.yml:1:23: rbac.bindings: there is no role \"respnder\"; did you mean \"responder\"?" } },
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
		config_put(bad[i].file, bad[i].text);
		struct config *c = config_try();
		if (c)
			fail_msg("accepted: %s", bad[i].text);
		for (size_t k = 0; k < COUNT(bad[i].fragment) && bad[i].fragment[k]; k++)
			config_expect(bad[i].fragment[k]);
		char path[256];
		snprintf(path, sizeof(path), "%s/%s", config_dir, bad[i].file);
		unlink(path);
	}
}

static void test_all_at_once(void **state)
{
	(void)state;
	config_put("sitrep.yml", "slack:\n  connections: 7\n  pacing: 3\nlgo: {}\n");
	config_put("severity.yml", "levels: [\n");
	config_put("reminders.yml", "snooze: 1\n");
	config_put("rbac.yml", "bindings: {'slack:*': nobody}\n");
	assert_null(config_try());
	/* In the order of files and lines. */
	static const char *const order[] = { "sitrep.yml:2:16: ", "sitrep.yml:3:11: ",
		"sitrep.yml:4:1: ", "severity.yml:2:1: ", "reminders.yml:1:9: ", "rbac.yml:1:23: " };
	const char *at = config_report.p;
	for (size_t i = 0; i < COUNT(order); i++) {
		const char *next = strstr(at, order[i]);
		if (!next)
			fail_msg("%s is missing or out of order:\n%s", order[i], config_report.p);
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
	config_put("sitrep.yml", text.p);
	assert_null(config_try());
	config_expect("sitrep.yml:100:1: ");
	config_expect("… and 1900 more\n");
	str_finish(&text);
}

/* ---- files --------------------------------------------------------------------------------- */

static void test_size(void **state)
{
	char *text = malloc(NODE_BYTES_MAX + 1);

	(void)state;
	memset(text, '#', NODE_BYTES_MAX + 1);
	config_put_bytes("sitrep.yml", text, NODE_BYTES_MAX);
	struct config *c = config_try();
	assert_non_null(c);
	config_release(c);
	config_put_bytes("sitrep.yml", text, NODE_BYTES_MAX + 1);
	assert_null(config_try());
	config_expect("sitrep.yml: is larger than 256 KiB");
	free(text);
}

/* One line of the largest size: only a window of it is shown. */
static void test_long_line(void **state)
{
	char *text = malloc(NODE_BYTES_MAX);

	(void)state;
	memset(text, 'a', NODE_BYTES_MAX);
	memcpy(text, "timezone: ", 10);
	config_put_bytes("sitrep.yml", text, NODE_BYTES_MAX);
	assert_null(config_try());
	config_expect("sitrep.yml:1:11: ");
	assert_true(config_report.len < 500);
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
	config_put("sitrep.yml", text.p);
	int64_t begin = clock_monotonic_ms();
	assert_null(config_try());
	assert_true(clock_monotonic_ms() - begin < 1000);
	config_expect("more than 20000 values in one file, its aliases (*name) expanded");
	str_finish(&text);
}

/* Each value counts once, however deep it is. */
static void test_many_values(void **state)
{
	struct str text;

	(void)state;
	str_init(&text, 1u << 18);
	str_add(&text, "zzz: [[[[");
	for (int i = 0; i < 19000; i++)
		str_add(&text, "x, ");
	str_add(&text, "]]]]\n");
	config_put("sitrep.yml", text.p);
	assert_null(config_try());
	config_expect("unknown key \"zzz\"");
	config_expect_not("more than 20000");
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
	config_put("sitrep.yml", text.p);
	assert_null(config_try());
	config_expect("nested deeper than 16 levels");
	str_finish(&text);
}

static void test_nul(void **state)
{
	static const char text[] = "store: {}\nlog:\0 {}\n";

	(void)state;
	config_put_bytes("sitrep.yml", text, sizeof(text) - 1);
	assert_null(config_try());
	config_expect("sitrep.yml:2:5: a NUL byte: not a text file");
	config_put_bytes("sitrep.yml", "\xff\xfes\0l\0", 6); /* UTF-16 */
	assert_null(config_try());
	config_expect("sitrep.yml:1:1: not UTF-8 text");
}

static void test_bom_and_crlf(void **state)
{
	(void)state;
	config_put("sitrep.yml", "\xef\xbb\xbfslack:\r\n  connections: 3\r\n");
	struct config *c = config_try();
	assert_non_null(c);
	assert_int_equal(c->slack.connections, 3);
	config_release(c);
	config_put("sitrep.yml", "\xef\xbb\xbfslack:\r\n  connections: x\r\n");
	assert_null(config_try());
	config_expect("sitrep.yml:2:16: ");
	config_expect("\n    connections: x\n");
	config_put("sitrep.yml", "\xef\xbb\xbfstroe: 1\n");
	assert_null(config_try());
	config_expect("sitrep.yml:1:1: ");
	config_expect("\n    stroe: 1\n    ^\n");
}

static void test_empty_files(void **state)
{
	static const char *const texts[] = { "", "\n\n", "# only a comment\n", "---\n", "~\n" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		config_put("sitrep.yml", texts[i]);
		struct config *c = config_try();
		if (!c)
			fail_msg("\"%s\" is refused:\n%s", texts[i], config_report.p);
		config_release(c);
	}
}

static void test_no_file(void **state)
{
	char path[256];
	struct config *c;

	(void)state;
	snprintf(path, sizeof(path), "%s/severity.yml", config_dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_null(config_try());
	config_expect("severity.yml: is not a file");
	assert_int_equal(rmdir(path), 0);

	assert_int_equal(mkfifo(path, 0600), 0); /* must not block */
	assert_null(config_try());
	config_expect("severity.yml: is not a file");
	assert_int_equal(unlink(path), 0);

	assert_int_equal(symlink("severity.yml", path), 0);
	assert_null(config_try());
	config_expect("severity.yml: cannot be read: ");
	assert_int_equal(unlink(path), 0);

	str_reset(&config_report);
	assert_int_equal(config_load(&c, "/nonexistent/folder", NULL, 0, false, &config_report), -ENOENT);
	assert_null(c);
	config_expect("/nonexistent/folder: the config folder cannot be opened: No such file");
	assert_int_equal(config_load(&c, SHIPPED "/sitrep.yml", NULL, 0, false, &config_report), -ENOTDIR);
}

static void test_unreadable(void **state)
{
	char path[256];

	(void)state;
	bool root = geteuid() == 0; /* who reads everything: look as somebody else */
	config_put("severity.yml", "levels: {}\n");
	snprintf(path, sizeof(path), "%s/severity.yml", config_dir);
	assert_int_equal(chmod(config_dir, 0755), 0);
	assert_int_equal(chmod(path, 0), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	struct config *c = config_try();
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_null(c);
	config_expect("severity.yml: cannot be read: Permission denied");
}

static void test_misspelt_file(void **state)
{
	(void)state;
	config_put("notes.yml", "no policy, and none of ours\n");
	struct config *c = config_try();
	assert_non_null(c);
	config_release(c);
	config_put("sevrity.yml", "levels: {}\n");
	assert_null(config_try());
	config_expect("sevrity.yml: this file is not read; did you mean severity.yml?");
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, config_setup, config_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_bad),
		IN_FOLDER(test_all_at_once),
		IN_FOLDER(test_very_many),
		IN_FOLDER(test_size),
		IN_FOLDER(test_long_line),
		IN_FOLDER(test_alias_bomb),
		IN_FOLDER(test_many_values),
		IN_FOLDER(test_alias_depth),
		IN_FOLDER(test_nul),
		IN_FOLDER(test_bom_and_crlf),
		IN_FOLDER(test_empty_files),
		IN_FOLDER(test_no_file),
		IN_FOLDER(test_unreadable),
		IN_FOLDER(test_misspelt_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
