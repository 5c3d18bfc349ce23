/* jira.yml: what is shipped, what it becomes, what is refused. */
#include "support_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config/schema.h"

#define SHIPPED SITREP_SOURCE_DIR "/config"
#define SECRET  "jira-not-for-any-eye"

static int setup(void **state)
{
	int rc = config_setup(state);

	setenv("JIRA_TOKEN", SECRET, 1);
	return rc;
}

static void same_text(const char *a, const char *b)
{
	assert_string_equal(a ? a : "(none)", b ? b : "(none)");
}

/* ---- what is shipped ----------------------------------------------------------------------- */

static void same_policy(const struct issue_policy *a, const struct issue_policy *b)
{
	same_text(a->url, b->url);
	assert_int_equal(a->flavour, b->flavour);
	same_text(a->user, b->user);
	same_text(a->token, b->token);
	same_text(a->webhook_secret, b->webhook_secret);
	same_text(a->relay_url, b->relay_url);
	same_text(a->relay_token, b->relay_token);
	same_text(a->ca_file, b->ca_file);
	assert_int_equal(a->poll_ms, b->poll_ms);
	assert_int_equal(a->search_lag_ms, b->search_lag_ms);
	assert_int_equal(a->pacing, b->pacing);
	assert_int_equal(a->create_level, b->create_level);
	same_text(a->project, b->project);
	same_text(a->type, b->type);
	assert_int_equal(a->project_count, b->project_count);
	assert_int_equal(a->extra_count, b->extra_count);
	assert_int_equal(a->comments, b->comments);
	assert_int_equal(a->protected, b->protected);
	for (size_t i = 1; i <= SEVERITY_COUNT; i++)
		same_text(a->priority[i], b->priority[i]);
	for (size_t i = 0; i < STATE_COUNT; i++)
		same_text(a->status[i], b->status[i]);
	assert_int_equal(a->status_count, b->status_count);
	assert_int_equal(a->assign, b->assign);
	assert_int_equal(a->people_count, b->people_count);
}

static void test_shipped(void **state)
{
	struct config *shipped = NULL, *c;

	(void)state;
	unsetenv("JIRA_TOKEN");
	c = config_try();
	assert_non_null(c);
	assert_string_equal(config_report.p, "");
	assert_int_equal(config_load(&shipped, SHIPPED, NULL, 0, false, &config_report), 0);
	assert_string_equal(config_report.p, "");
	same_policy(&shipped->issue, &c->issue);

	const struct issue_policy *p = &c->issue;
	assert_null(p->url);
	assert_null(p->user);
	assert_null(p->token);
	assert_null(p->webhook_secret);
	assert_int_equal(p->flavour, ISSUE_CLOUD);
	assert_int_equal(p->poll_ms, MINUTE_MS);
	assert_int_equal(p->search_lag_ms, 2 * MINUTE_MS);
	assert_true(p->pacing && p->comments && p->assign);
	assert_int_equal(p->create_level, 3);
	assert_string_equal(p->type, "Incident");
	assert_int_equal(p->protected, ISSUE_PROTECTED_NONE);
	assert_string_equal(p->priority[1], "Highest");
	assert_string_equal(p->priority[4], "Low");
	assert_string_equal(p->status[STATE_TRIAGE], "To Do");
	assert_string_equal(p->status[STATE_MONITORING], "In Progress");
	assert_string_equal(p->status[STATE_AUTO_RESOLVED], "Done");
	config_release(shipped);
	config_release(c);
}

/* The table of statuses names every state by its name: no more, no fewer. */
static void test_every_state_has_a_status(void **state)
{
	(void)state;
	for (int s = 0; s < STATE_COUNT; s++) {
		char key[64];
		snprintf(key, sizeof(key), "jira.status.%s", state_name((enum incident_state)s));
		const struct config_override set = { key, "Somewhere" };
		struct config *c = config_try_with(&set, 1, false);
		if (!c)
			fail_msg("%s", config_report.p);
		for (int other = 0; other < STATE_COUNT; other++)
			assert_int_equal(strcmp(c->issue.status[other], "Somewhere") == 0, other == s);
		config_release(c);
	}
}

/* ---- what is said -------------------------------------------------------------------------- */

static const char whole[] =
	"url: https://jira.example.com/jira\n"
	"flavour: datacenter\n"
	"webhook_secret: env:HOOK\n"
	"relay_url: wss://relay.example.com/v1?x=1\n"
	"poll: none\n"
	"create_level: none\n"
	"project: OPS\n"
	"projects: {payments: PAY, check out: SHOP_2}\n"
	"type: Problem Report\n"
	"fields:\n"
	"  customfield_10010: {value: Production, child: [1, 'two', true, ~]}\n"
	"  customfield_10011: plain words\n"
	"  customfield_10012: 5\n"
	"  customfield_10013: '5'\n"
	"  components: [{name: Backend}]\n"
	"protected: bare\n"
	"priority: {1: Blocker, 4: }\n"
	"status: {resolved: Gelöst, monitoring: In Review, cancelled: }\n"
	"statuses: {In Review: monitoring, \"Won't Do\": cancelled}\n"
	"assign: false\n"
	"people: {'slack:U1': alice, 'unix:1000': alice, 'slack:U2': '557058:0b-1'}\n";

static void test_whole(void **state)
{
	(void)state;
	setenv("HOOK", SECRET, 1);
	config_put("jira.yml", whole);
	struct config *c = config_try();
	if (!c)
		fail_msg("%s", config_report.p);
	assert_string_equal(config_report.p, "");
	const struct issue_policy *p = &c->issue;
	assert_string_equal(p->url, "https://jira.example.com/jira/");
	assert_int_equal(p->flavour, ISSUE_DATA_CENTER);
	assert_string_equal(p->token, SECRET);
	assert_string_equal(p->webhook_secret, SECRET);
	assert_string_equal(p->relay_url, "wss://relay.example.com/v1?x=1");
	assert_int_equal(p->poll_ms, 0);
	assert_int_equal(p->create_level, 0);
	assert_int_equal(p->project_count, 2);
	assert_string_equal(p->projects[1].service, "check out");
	assert_string_equal(p->projects[1].project, "SHOP_2");
	static const char *const value[] = {
		"{\"value\":\"Production\",\"child\":[1,\"two\",true,null]}", "\"plain words\"", "5",
		"\"5\"", "[{\"name\":\"Backend\"}]",
	};
	assert_int_equal(p->extra_count, COUNT(value));
	for (size_t i = 0; i < COUNT(value); i++)
		assert_string_equal(p->extra[i].value, value[i]);
	assert_string_equal(p->extra[4].field, "components");
	assert_int_equal(p->protected, ISSUE_PROTECTED_BARE);
	assert_string_equal(p->priority[1], "Blocker");
	assert_string_equal(p->priority[2], "High");
	assert_null(p->priority[4]);
	assert_string_equal(p->status[STATE_RESOLVED], "Gelöst");
	assert_null(p->status[STATE_CANCELLED]);
	assert_string_equal(p->status[STATE_CLOSED], "Done");
	assert_int_equal(p->status_count, 2);
	assert_int_equal(p->statuses[0].state, STATE_MONITORING);
	assert_string_equal(p->statuses[1].status, "Won't Do");
	assert_int_equal(p->statuses[1].state, STATE_CANCELLED);
	assert_false(p->assign);
	assert_int_equal(p->people_count, 3);
	assert_string_equal(p->people[2].account, "557058:0b-1");
	config_release(c);
}

static void test_from_environment(void **state)
{
	(void)state;
	setenv("JIRA_URL", "http://127.0.0.1:8080", 1);
	setenv("JIRA_USER", "alice@example.com", 1);
	setenv("JIRA_WEBHOOK_SECRET", SECRET, 1);
	config_put("jira.yml", "project: OPS\n");
	struct config *c = config_try();
	if (!c)
		fail_msg("%s", config_report.p);
	assert_string_equal(c->issue.url, "http://127.0.0.1:8080/");
	assert_string_equal(c->issue.user, "alice@example.com");
	assert_string_equal(c->issue.webhook_secret, SECRET);
	config_release(c);
	setenv("JIRA_URL", "jira", 1);
	assert_null(config_try());
	config_expect("jira.url: the value of JIRA_URL is not a URL");
}

static void test_override(void **state)
{
	static const struct config_override set[] = {
		{ "jira.url", "http://localhost:1/" },
		{ "jira.project", "OPS" },
		{ "jira.priority.2", "Urgent" },
		{ "jira.status.triage", "Selected for Development" },
		{ "jira.statuses", "{In Review: monitoring}" },
		{ "jira.projects", "{payments: PAY}" },
		{ "jira.create_level", "1" },
	};
	static const struct config_override none = { "jira.url", "" };

	(void)state;
	struct config *c = config_try_with(set, COUNT(set), false);
	if (!c)
		fail_msg("%s", config_report.p);
	assert_string_equal(c->issue.url, "http://localhost:1/");
	assert_string_equal(c->issue.priority[2], "Urgent");
	assert_string_equal(c->issue.status[STATE_TRIAGE], "Selected for Development");
	assert_string_equal(c->issue.statuses[0].status, "In Review");
	assert_string_equal(c->issue.projects[0].project, "PAY");
	assert_int_equal(c->issue.create_level, 1);
	config_release(c);
	setenv("JIRA_URL", "http://localhost:1/", 1);
	c = config_try_with(&none, 1, false);
	assert_non_null(c);
	assert_null(c->issue.url);
	config_release(c);
}

/* ---- what is refused ----------------------------------------------------------------------- */

#define URL "url: http://127.0.0.1:1/\n"

static const struct {
	const char *text;
	const char *fragment[3];
} bad[] = {
	{ "jira: {url: x}\n", { "jira.yml:1:1: unknown key \"jira\"" } },
	{ "uurl: x\n", { "jira.yml:1:1: unknown key \"uurl\"; did you mean \"url\"?" } },
	{ "url: jira.example.com\n", { "jira.yml:1:6: jira.url: \"jira.example.com\" is not a URL",
		"\n    url: jira.example.com\n         ^\n" } },
	{ "url: ftp://jira.example.com/\n", { "is not a URL" } },
	{ "url: https://alice@example.com/\n", { "is not a URL" } },
	{ "url: https:///x\n", { "is not a URL" } },
	{ "relay_url: https://relay.example.com/\n",
		{ "1:12: jira.relay_url: ", "is not the URL of a WebSocket" } },
	{ "relay_url: wss://\n", { "is not the URL of a WebSocket" } },
	{ "flavour: clowd\n", { "is not one of cloud, datacenter; did you mean \"cloud\"?" } },
	{ "create_level: 5\n", { "\"5\" is not one of none, 1, 2, 3, 4" } },
	{ "protected: noen\n", { "is not one of none, bare; did you mean \"none\"?" } },
	{ "priority: {5: High}\n", { "1:12: unknown key \"5\"; jira.priority knows 1, 2, 3, 4" } },
	{ "status: {investigatign: X}\n",
		{ "1:10: unknown key \"investigatign\"; did you mean \"investigating\"?" } },
	{ "statuses: {Done: resolvd}\n",
		{ "1:18: jira.statuses.Done: \"resolvd\" is not one of", "did you mean \"resolved\"?" } },
	{ "statuses: {Blocked: triage, BLOCKED: resolved}\n",
		{ "jira.statuses: \"BLOCKED\" is here twice" } },
	{ "statuses: {Done: resolved, Done: closed}\n", { "1:28: \"Done\" is here twice" } },
	{ "status: {monitoring: In Review}\nstatuses: {In Review: investigating}\n",
		{ "2:23: jira.statuses: \"In Review\" cannot mean investigating: jira.status sends "
			"monitoring there, and investigating to \"In Progress\"" } },
	{ "statuses: {in progress: resolved}\n",
		{ "\"in progress\" cannot mean resolved: jira.status sends investigating there, and "
			"resolved to \"Done\"" } },
	{ "statuses: [Done]\n", { "jira.statuses needs a map of names, not a list" } },
	{ "project: ops\n", { "1:10: jira.project: \"ops\" is no project key; did you mean \"OPS\"?" } },
	{ "project: Operations Team\n", { "is no project key; that is what stands before" } },
	{ "project: 4OPS\n", { "is no project key; that is" } },
	{ "projects: {payments: pay-1}\n", { "1:22: jira.projects.payments: \"pay-1\" is no project key" } },
	{ "projects: {payments: }\n", { "jira.projects.payments needs a value" } },
	{ "projects: {pay: A, PAY: B}\n", { "1:25: jira.projects: \"PAY\" is here twice" } },
	{ "projects: {'a, b': A}\n", { "\"a, b\" is not one service" } },
	{ "type: \n", { "jira.type needs a value" } },
	{ "fields: {summary: x}\n", { "1:19: jira.fields: \"summary\" is written by sitrep" } },
	{ "fields: {project: {key: X}}\n", { "jira.fields: \"project\" is said by jira.project" } },
	{ "fields: {'two words': x}\n", { "is not one word" } },
	{ "fields: {a: {[x]: y}}\n", { "a key must be text, not a list" } },
	{ "fields: {a: \"x\\0y\"}\n", { "jira.fields.a: a NUL character has no place in it" } },
	{ "fields: {a: {\"x\\0y\": 1}}\n", { "jira.fields.a: a NUL character has no place in it" } },
	{ "people: {bob: x}\n", { "\"bob\" names no person" } },
	{ "people: {'salck:U1': x}\n", { "did you mean \"slack:\"?" } },
	{ "people: {'slack:U1': a, 'slack:U2': a}\n",
		{ "1:37: jira.people: \"a\" is the account of slack:U1 already" } },
	{ "people: {'jira:alice': alice}\n", { "\"jira:alice\" is somebody of Jira" } },
	{ "poll: 60\n", { "\"60\" needs a unit" } },
	{ "search_lag: 2h\n", { "\"2h\" is out of range" } },
	{ "comments: maybe\n", { "is neither true nor false" } },
	{ URL "project: OPS\ntoken: env:NOT_SET\n",
		{ "jira.yml:3:8: jira.token: env:NOT_SET: this environment variable is not set" } },
	{ URL "project: OPS\ntoken:\n", { "there is a jira.url, but no token" } },
	{ URL "project: OPS\nwebhook_secret: env:NOT_SET\n", { "env:NOT_SET: this environment" } },
	{ URL, { "jira.project: there is a jira.url, but no project" } },
	{ URL "project: OPS\nrelay_url: ws://127.0.0.1/\n",
		{ "jira.webhook_secret: what the relay brings is checked by its signature" } },
	{ "url: https://x.atlassian.net\nproject: OPS\n",
		{ "jira.user: Jira Cloud takes an API token only with the e-mail" } },
};

static void test_bad(void **state)
{
	(void)state;
	unsetenv("NOT_SET");
	for (size_t i = 0; i < COUNT(bad); i++) {
		config_put("jira.yml", bad[i].text);
		struct config *c = config_try();
		if (c)
			fail_msg("accepted: %s", bad[i].text);
		for (size_t k = 0; k < COUNT(bad[i].fragment) && bad[i].fragment[k]; k++)
			config_expect(bad[i].fragment[k]);
	}
}

static void test_all_at_once(void **state)
{
	(void)state;
	config_put("jira.yml", URL "flavour: x\nproject: ops\nstatus: {solved: Done}\npoll: 5\n");
	assert_null(config_try());
	config_expect("jira.yml:2:10: ");
	config_expect("jira.yml:3:10: ");
	config_expect("jira.yml:4:10: ");
	config_expect("jira.yml:5:7: ");
}

/* config_expect's helper fails the test when a token is in the report. */
static void test_secret_literal(void **state)
{
	static const char *const key[] = { "token", "webhook_secret", "relay_token", "tokne", "webhook_secrte" };

	(void)state;
	for (size_t i = 0; i < COUNT(key); i++) {
		char text[100];
		snprintf(text, sizeof(text), "%s: hunter2\n", key[i]);
		config_put("jira.yml", text);
		assert_null(config_try());
	}
}

/* People choose the webhook's secret, and Jira takes any words; tokens are made by machines. */
static void test_secret_of_people(void **state)
{
	(void)state;
	setenv("JIRA_TOKEN", SECRET, 1);
	setenv("JIRA_WEBHOOK_SECRET", "It's a Secret to Everybody, Größe: 5 €", 1);
	config_put("jira.yml", URL "project: OPS\n");
	struct config *c = config_try();
	if (!c)
		fail_msg("%s", config_report.p);
	assert_string_equal(c->issue.webhook_secret, "It's a Secret to Everybody, Größe: 5 €");
	config_release(c);
	setenv("JIRA_WEBHOOK_SECRET", "two\nlines", 1);
	assert_null(config_try());
	config_expect("jira.webhook_secret: env:JIRA_WEBHOOK_SECRET: what is in it is not one line of text");
	setenv("JIRA_WEBHOOK_SECRET", "half a character: \xc3", 1);
	assert_null(config_try());
	setenv("JIRA_WEBHOOK_SECRET", SECRET, 1);
	setenv("JIRA_TOKEN", "two words", 1);
	assert_null(config_try());
	config_expect("what is in it is not a token");
}

static void test_token_missing(void **state)
{
	(void)state;
	unsetenv("JIRA_TOKEN");
	config_put("jira.yml", URL "project: OPS\n");
	assert_null(config_try());
	config_expect("jira.token: there is a jira.url, but no token; make one in Jira and set JIRA_TOKEN");
	/* A check may run where the secrets are not. */
	struct config *c = config_try_with(NULL, 0, true);
	assert_non_null(c);
	config_expect("JIRA_TOKEN is not set; a start needs it");
	config_release(c);
	/* Said once. */
	config_put("jira.yml", URL "project: OPS\ntoken: env:NOT_SET\n");
	assert_null(config_try());
	config_expect_not("there is a jira.url");
}

static void test_noted(void **state)
{
	(void)state;
	config_put("jira.yml", URL "project: OPS\npoll: none\n");
	struct config *c = config_try();
	assert_non_null(c);
	config_expect("changes made in Jira are never seen");
	config_release(c);
	config_put("jira.yml", "url: http://jira.example.com/\nproject: OPS\n");
	c = config_try();
	assert_non_null(c);
	config_expect("jira.url: http:// to another machine");
	config_release(c);
	config_put("jira.yml", "relay_url: ws://relay.example.com/\n");
	c = config_try();
	assert_non_null(c);
	config_expect("jira.relay_url: ws:// to another machine");
	config_release(c);
}

static void test_many_people(void **state)
{
	struct str text;

	(void)state;
	str_init(&text, 1u << 16);
	str_add(&text, "people:\n");
	for (int i = 0; i < ISSUE_PEOPLE_MAX; i++)
		str_addf(&text, "  'slack:U%d': account-%d\n", i, i);
	config_put("jira.yml", text.p);
	struct config *c = config_try();
	assert_non_null(c);
	assert_int_equal(c->issue.people_count, ISSUE_PEOPLE_MAX);
	assert_string_equal(issue_policy_account(&c->issue, "slack:U511"), "account-511");
	config_release(c);
	str_add(&text, "  'slack:MORE': more\n");
	config_put("jira.yml", text.p);
	assert_null(config_try());
	config_expect("jira.people has 513 entries; at most 512");
	str_finish(&text);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, setup, config_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_shipped),
		IN_FOLDER(test_every_state_has_a_status),
		IN_FOLDER(test_whole),
		IN_FOLDER(test_from_environment),
		IN_FOLDER(test_override),
		IN_FOLDER(test_bad),
		IN_FOLDER(test_all_at_once),
		IN_FOLDER(test_secret_literal),
		IN_FOLDER(test_secret_of_people),
		IN_FOLDER(test_token_missing),
		IN_FOLDER(test_noted),
		IN_FOLDER(test_many_people),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
