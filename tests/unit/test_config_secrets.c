/* Secrets and the environment: found, refused, never shown. */
#include "support_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"


/* ---- secrets and the environment ----------------------------------------------------------- */

/* config_try() looks for the values in the report each time. */
static void test_secret_literal(void **state)
{
	static const char *const texts[] = {
		"slack:\n  bot_token: " BOT_TOKEN "\n",
		"slack:\n  bot_token: hunter2\n",
		"slack:\n  bot_token: \"hunter2\"\n",
		"slack:\n  bot_token:\n    hunter2\n",
		"slack:\n  bot_token: >-\n    hunter2\n",
		"slack:\n  bot_token:\n    hunter2: a: b\n",
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
	config_put("rbac.yml", "bindings: {'slack:*': a" BOT_TOKEN "}\n");
	assert_null(config_try());
	config_expect("rbac.yml:1:23: rbac.bindings: there is no role \"a[secret]\n");
	config_put("rbac.yml", "");
	for (size_t i = 0; i < COUNT(texts); i++) {
		config_put("sitrep.yml", texts[i]);
		if (config_try())
			fail_msg("accepted: %s", texts[i]);
	}
	config_put("sitrep.yml", texts[0]);
	assert_null(config_try());
	config_expect("sitrep.yml:2:14: slack.bot_token: a secret is never written here; say where it is: "
	       "env:NAME or file:PATH\n    bot_token: …\n               ^\n");
}

static void test_secret_env(void **state)
{
	(void)state;
	config_put("sitrep.yml", "slack:\n  bot_token: env:NOT_SET_ANYWHERE\n");
	assert_null(config_try());
	config_expect("sitrep.yml:2:14: slack.bot_token: env:NOT_SET_ANYWHERE: this environment variable is "
	       "not set\n    bot_token: env:NOT_SET_ANYWHERE\n");

	struct config *c = config_try_with(NULL, 0, true);
	assert_non_null(c);
	config_expect("sitrep.yml:2:14: warning: slack.bot_token: env:NOT_SET_ANYWHERE");
	assert_null(c->slack.bot_token);
	assert_string_equal(c->slack.app_token, APP_TOKEN);
	config_release(c);

	config_put("sitrep.yml", "");
	unsetenv("SLACK_APP_TOKEN");
	assert_null(config_try());
	config_expect("shipped default: slack.app_token: env:SLACK_APP_TOKEN: this environment variable is "
	       "not set\n");

	config_put("sitrep.yml", "slack:\n  app_token:\n  bot_token: \"\"\n");
	c = config_try();
	assert_non_null(c);
	assert_null(c->slack.app_token);
	assert_null(c->slack.bot_token);
	config_release(c);

	setenv("SLACK_APP_TOKEN", "xapp-1 not-for-any-eye", 1);
	config_put("sitrep.yml", "");
	assert_null(config_try());
	config_expect("what is in it is not a token");
}

/* Whatever logs one of them by mistake, only its place is seen. */
static void test_the_log_knows_the_secrets(void **state)
{
	char text[4096];
	FILE *f = tmpfile();
	struct config *c = config_try();
	int saved = dup(STDERR_FILENO);
	size_t n;

	(void)state;
	assert_non_null(f);
	assert_non_null(c);
	assert_string_equal(c->slack.bot_token, BOT_TOKEN);
	fflush(stderr);
	dup2(fileno(f), STDERR_FILENO);
	log_info("test", "%s", BOT_TOKEN);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	config_release(c);
	assert_non_null(strstr(text, "msg=\"[secret]\""));
}

static void test_secret_swapped(void **state)
{
	(void)state;
	setenv("SLACK_APP_TOKEN", BOT_TOKEN, 1);
	setenv("SLACK_BOT_TOKEN", APP_TOKEN, 1);
	assert_null(config_try());
	config_expect("slack.app_token: begins with \"xoxb-\"; the two tokens are swapped");
	config_expect("slack.bot_token: begins with \"xapp-\"; the two tokens are swapped");
}

static void test_secret_file(void **state)
{
	char path[128], text[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/token", config_dir);
	snprintf(text, sizeof(text), "slack:\n  bot_token: file:%s\n", path);
	config_put("sitrep.yml", text);
	assert_null(config_try());
	config_expect("No such file or directory");

	config_put("token", "\n " BOT_TOKEN "\r\n\n");
	chmod(path, 0600);
	struct config *c = config_try();
	assert_non_null(c);
	assert_string_equal(c->slack.bot_token, BOT_TOKEN);
	config_expect_not("warning");
	config_release(c);

	chmod(path, 0644);
	c = config_try();
	assert_non_null(c);
	config_expect("sitrep.yml:2:14: warning: slack.bot_token: everybody on this machine can read the file");
	config_release(c);

	chmod(path, 0600);
	config_put("token", " \n");
	assert_null(config_try());
	config_expect("there is nothing in it");
	config_put("token", "a\nb\n");
	assert_null(config_try());
	config_expect("what is in it is not a token");
	config_put_bytes("token", "", 0);
	assert_int_equal(truncate(path, 5000), 0);
	assert_null(config_try());
	config_expect("is too long for a secret");
	snprintf(text, sizeof(text), "slack:\n  bot_token: file:%s\n", config_dir);
	config_put("sitrep.yml", text);
	assert_null(config_try());
	config_expect("is not a file");
}

static void test_env_value(void **state)
{
	(void)state;
	config_put("sitrep.yml", "slack:\n  api_url: env:SLACK_API_URL\n  connections: env:SLACK_CONNECTIONS\n");
	setenv("SLACK_API_URL", "http://127.0.0.1:8080/api", 1);
	setenv("SLACK_CONNECTIONS", "3", 1);
	struct config *c = config_try();
	assert_non_null(c);
	assert_string_equal(c->slack.api_url, "http://127.0.0.1:8080/api/");
	assert_int_equal(c->slack.connections, 3);
	assert_string_equal(config_report.p, "");
	config_release(c);

	setenv("SLACK_API_URL", "", 1);
	unsetenv("SLACK_CONNECTIONS");
	c = config_try();
	assert_non_null(c);
	assert_string_equal(c->slack.api_url, "https://slack.com/api/");
	assert_int_equal(c->slack.connections, 1);
	config_release(c);

	setenv("SLACK_API_URL", "http://example.org/not-for-any-eye", 1);
	setenv("SLACK_CONNECTIONS", "hunter2", 1);
	assert_null(config_try());
	config_expect("slack.connections: the value of SLACK_CONNECTIONS is not a whole number");
	config_expect("warning: slack.api_url: http:// to another machine");
	unsetenv("SLACK_API_URL");
	unsetenv("SLACK_CONNECTIONS");

	config_put("sitrep.yml", "slack:\n  ca_file: env:NOT_SET_ANYWHERE\n  channel_prefix: env:a-b\n");
	assert_null(config_try());
	config_expect("sitrep.yml:2:12: slack.ca_file: \"env:NOT_SET_ANYWHERE\" is not set, and there is no default");
	config_expect("sitrep.yml:3:19: slack.channel_prefix: \"env:a-b\" needs the name of a variable");
}

static void test_nobody_is_admin(void **state)
{
	(void)state;
	config_put("rbac.yml", "bindings: {'slack:*': viewer}\n");
	struct config *c = config_try();
	assert_non_null(c);
	config_expect("rbac.yml:1:11: warning: rbac.bindings: nobody is bound to a role with incident.admin");
	config_release(c);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, config_setup, config_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_secret_literal),
		IN_FOLDER(test_secret_env),
		IN_FOLDER(test_the_log_knows_the_secrets),
		IN_FOLDER(test_secret_swapped),
		IN_FOLDER(test_secret_file),
		IN_FOLDER(test_env_value),
		IN_FOLDER(test_nobody_is_admin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
