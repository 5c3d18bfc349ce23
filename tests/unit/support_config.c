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
#include <unistd.h>

char config_dir[64];
struct str config_report;

void config_put_bytes(const char *name, const void *p, size_t n)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", config_dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

void config_put(const char *name, const char *text)
{
	config_put_bytes(name, text, strlen(text));
}

int config_setup(void **state)
{
	(void)state;
	snprintf(config_dir, sizeof(config_dir), "/tmp/sitrep-config-XXXXXX");
	assert_non_null(mkdtemp(config_dir));
	setenv("SLACK_APP_TOKEN", APP_TOKEN, 1);
	setenv("SLACK_BOT_TOKEN", BOT_TOKEN, 1);
	unsetenv("SLACK_API_URL");
	static const char *const tracker[] = {
		"JIRA_URL", "JIRA_USER", "JIRA_TOKEN", "JIRA_WEBHOOK_SECRET", "JIRA_RELAY_TOKEN",
	};
	for (size_t i = 0; i < COUNT(tracker); i++)
		unsetenv(tracker[i]);
	str_init(&config_report, 1u << 20);
	return 0;
}

int config_teardown(void **state)
{
	static const char *const names[] = {
		"sitrep.yml", "severity.yml", "roles.yml", "reminders.yml", "escalation.yml",
		"rbac.yml", "messages.yml", "jira.yml", "followups.yml", "reviews.yml", "template.md",
		"release_gate_policy.yml", "sevrity.yml", "notes.yml", "token", "empty", "large",
	};
	char path[256];

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", config_dir, names[i]);
		if (unlink(path) && errno == EISDIR)
			rmdir(path);
	}
	str_finish(&config_report);
	assert_int_equal(rmdir(config_dir), 0);
	return 0;
}

struct config *config_try_with(const struct config_override *set, size_t sets, bool check_only)
{
	struct config *c = NULL;

	str_reset(&config_report);
	int rc = config_load(&c, config_dir, set, sets, check_only, &config_report);
	assert_int_equal(rc, c ? 0 : -EINVAL);
	/* A failure without a reason, or a token in one, is never right. */
	assert_true(c || config_report.len);
	assert_null(strstr(config_report.p, "not-for-any-eye"));
	if (strstr(config_report.p, "hunter2"))
		fail_msg("%s", config_report.p);
	return c;
}

struct config *config_try(void)
{
	return config_try_with(NULL, 0, false);
}

void config_expect(const char *fragment)
{
	if (!strstr(config_report.p, fragment))
		fail_msg("\"%s\" is not in:\n%s", fragment, config_report.p);
}

void config_expect_not(const char *fragment)
{
	if (strstr(config_report.p, fragment))
		fail_msg("\"%s\" is in:\n%s", fragment, config_report.p);
}
