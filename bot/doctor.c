/* `sitrep doctor`: everything that can be checked before the first incident, each finding on a line. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "adapters/jira/jira.h"
#include "adapters/slack/slack.h"
#include "bot/subcommands.h"
#include "store/audit.h"
#include "store/store.h"

#define REPORT_MAX    (256u << 10)
#define DISK_LOW      (200u << 20) /* bytes */
#define YEAR_SECONDS  (365 * 24 * 3600)
#define CLOCK_SANE    ((time_t)(2026 - 1970) * YEAR_SECONDS)

static void say(void *ctx, enum verdict verdict, const char *text)
{
	static const char *const mark[] = { [VERDICT_GOOD] = "ok  ", [VERDICT_NOTE] = "note", [VERDICT_BAD] = "BAD " };

	(void)ctx;
	printf("%s  %s\n", mark[verdict], text);
}

/* What the first start would make the record in: its folder, or the nearest above it that is there. */
static int examine_place(const char *path, struct str *line)
{
	char folder[4096];
	size_t n = strnlen(path, sizeof folder - 1);

	memcpy(folder, path, n);
	folder[n] = '\0';
	do {
		char *slash = strrchr(folder, '/');

		if (slash)
			slash[slash == folder] = '\0';
		else
			strcpy(folder, ".");
	} while (access(folder, F_OK) < 0 && strcmp(folder, "/") != 0 && strcmp(folder, ".") != 0);
	if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0) {
		str_addf(line, "record: %s does not exist yet; the first start makes it", path);
		say(NULL, VERDICT_NOTE, line->p);
		return 0;
	}
	str_addf(line, "record: %s cannot be made: this user may not write into %s", path, folder);
	say(NULL, VERDICT_BAD, line->p);
	return 1;
}

static int examine_store(const struct config *config)
{
	struct store_options options = { .path = config->store.path, .read_only = true };
	struct error err = { 0 };
	struct store *store = NULL;
	struct str line;
	int64_t entries = 0;
	int rc = store_open(&store, &options, &err);

	str_init(&line, 2000);
	if (rc == -ENOENT) {
		rc = examine_place(config->store.path, &line);
		str_finish(&line);
		return rc;
	}
	if (rc == 0)
		rc = store_check(store, &err);
	if (rc == 0)
		rc = audit_verify(store, &entries, &err);
	if (rc == 0)
		str_addf(&line, "record: %s is sound, %lld audit entries", config->store.path, (long long)entries);
	else
		str_addf(&line, "record: %s", err.text);
	say(NULL, rc == 0 ? VERDICT_GOOD : VERDICT_BAD, line.p);
	str_finish(&line);
	store_close(store);
	return rc == 0 ? 0 : 1;
}

static int examine_disk(const struct config *config)
{
	char folder[4096] = ".";
	const char *slash = strrchr(config->store.path, '/');
	struct statvfs fs;
	struct str line;
	bool low;

	if (slash && (size_t)(slash - config->store.path) < sizeof folder && slash != config->store.path) {
		memcpy(folder, config->store.path, (size_t)(slash - config->store.path));
		folder[slash - config->store.path] = '\0';
	}
	if (statvfs(folder, &fs) < 0 && statvfs(".", &fs) < 0)
		return 0;
	low = (unsigned long long)fs.f_bavail * fs.f_frsize < DISK_LOW;
	str_init(&line, 500);
	str_addf(&line, "disk: %llu MB free for the record",
		(unsigned long long)fs.f_bavail * fs.f_frsize >> 20);
	say(NULL, low ? VERDICT_BAD : VERDICT_GOOD, line.p);
	str_finish(&line);
	return low;
}

/* Nobody to call is no error; but it is found out now, not at the first incident. */
static void examine_escalation(const struct config *config)
{
	struct str line;

	str_init(&line, 1000);
	for (size_t i = 0; i < config->escalation.count; i++)
		if (!config->escalation.tier[i].count)
			str_addf(&line, "%s%s", line.len ? ", " : "", config->escalation.tier[i].name);
	if (line.len) {
		struct str text;

		str_init(&text, 2000);
		str_addf(&text, "escalation.yml: nobody is named in %s, so no rule calls anybody there", line.p);
		say(NULL, VERDICT_NOTE, text.p);
		str_finish(&text);
	} else {
		say(NULL, VERDICT_GOOD, "escalation: every tier names somebody");
	}
	str_finish(&line);
}

int subcommand_doctor(const struct options *o)
{
	struct config *config = NULL;
	struct str report;
	int bad = 0;

	str_init(&report, REPORT_MAX);
	if (config_load(&config, o->config_dir, o->set, o->sets, true, &report) < 0) {
		say(NULL, VERDICT_BAD, "config: it has errors");
		bad++;
	} else {
		say(NULL, report.len ? VERDICT_NOTE : VERDICT_GOOD, report.len ? "config: sound, but" : "config: sound");
	}
	if (report.len)
		printf("%s", report.p);
	str_finish(&report);
	if (time(NULL) < CLOCK_SANE) {
		say(NULL, VERDICT_BAD, "clock: the system's clock is years behind");
		bad++;
	}
	if (config) {
		examine_escalation(config);
		bad += examine_store(config);
		bad += examine_disk(config);
		bad += slack_doctor(config, say, NULL);
		bad += jira_doctor(config, say, NULL);
	}
	if (bad)
		printf("%d to mend\n", bad);
	else
		printf("all well\n");
	config_release(config);
	return bad ? 1 : 0;
}
