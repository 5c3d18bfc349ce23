#include "bot/subcommands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/ctl/client.h"
#include "adapters/slack/slack.h"
#include "bot/bot.h"
#include "commands/language.h"
#include "store/audit.h"
#include "store/store.h"

#define REPORT_MAX    (256u << 10)
#define CTL_WORDS_MAX (60u << 10)
#define REFERENCE_MAX (1u << 20)

const struct subcommand subcommands[] = {
	{ "run", "run [--config DIR] [--set key=value]…", "run the bot until SIGTERM", WORDS_NONE, subcommand_run },
	{ "check", "check [--config DIR] [--set key=value]…", "check the config folder; every error at once",
		WORDS_NONE, subcommand_check },
	{ "doctor", "doctor [--config DIR] [--set key=value]…",
		"check config, record, clock, disk, tokens, scopes, channels, Jira", WORDS_NONE, subcommand_doctor },
	{ "manifest", "manifest", "print the chat app's manifest", WORDS_NONE, subcommand_manifest },
	{ "ctl", "ctl [--json] [--socket PATH] OPERATION …", "run an operation from the shell, as in chat",
		WORDS_OWN, subcommand_ctl },
	{ "audit", "audit verify [--config DIR]", "verify the audit chain of the record", WORDS_OWN,
		subcommand_audit },
	{ "backup", "backup [--config DIR] [--force] FILE", "copy the record while the bot runs, and verify the copy", WORDS_LAST,
		subcommand_backup },
	{ "restore", "restore [--config DIR] FILE", "put a backup back while the bot is stopped; keeps what was there", WORDS_LAST,
		subcommand_restore },
	{ "postmortem", "postmortem export|import [--config DIR] 42 [FILE]",
		"a postmortem as a file (--html: one page), and an edited file back", WORDS_OWN,
		subcommand_postmortem },
	{ "release-check", "release-check [--config DIR] --service NAME [--env NAME] [--json]",
		"may a release go out? exit status 0 yes, 1 blocked, 2 could not tell", WORDS_LAST, subcommand_release_check },
	{ "reference", "reference commands|configuration", "print the reference as Markdown", WORDS_LAST,
		subcommand_reference },
	{ NULL, NULL, NULL, WORDS_NONE, NULL },
};

int subcommand_run(const struct options *o)
{
	struct bot_options b = { .config_dir = o->config_dir, .set = o->set, .sets = o->sets };

	return bot_run(&b);
}

struct config *subcommand_config(const struct options *o, bool warnings)
{
	struct config *config = NULL;
	struct str report;

	str_init(&report, REPORT_MAX);
	config_load(&config, o->config_dir, o->set, o->sets, true, &report);
	if (report.len && (warnings || !config))
		fprintf(stderr, "%s", report.p);
	str_finish(&report);
	return config;
}

int subcommand_check(const struct options *o)
{
	struct config *config = subcommand_config(o, true);

	if (!config)
		return 1;
	printf("%s: the configuration is sound\n", o->config_dir);
	config_release(config);
	return 0;
}

int subcommand_manifest(const struct options *o)
{
	struct str text;

	(void)o;
	str_init(&text, REFERENCE_MAX);
	slack_manifest(&text);
	printf("%s", text.p);
	str_finish(&text);
	return 0;
}

int subcommand_reference(const struct options *o)
{
	const char *what = o->argc == 1 ? o->argv[0] : "";
	struct str text;

	str_init(&text, REFERENCE_MAX);
	if (!strcmp(what, "commands"))
		help_reference(&text);
	else if (!strcmp(what, "configuration"))
		config_reference(&text);
	else
		fprintf(stderr, "sitrep: reference of what? commands or configuration\n");
	printf("%s", text.p);
	bool found = text.len != 0;
	str_finish(&text);
	return found ? 0 : 2;
}

/* --socket, else the config folder's, when there is one. */
static int ctl_ask(const char *path, const struct options *o)
{
	struct ctl_client_options client = { .path = path, .json = o->json };
	struct str words;
	int status;

	str_init(&words, CTL_WORDS_MAX);
	ctl_client_join(&words, o->argc, o->argv);
	if (words.cut) {
		fprintf(stderr, "sitrep: the line is longer than %u bytes\n", CTL_WORDS_MAX);
		status = CTL_REFUSED;
	} else {
		status = ctl_client_run(&client, words.p, stdout, stderr);
	}
	str_finish(&words);
	return status;
}

int subcommand_ctl(const struct options *o)
{
	struct config *config;
	int status = CTL_UNREACHABLE;

	if (o->socket)
		return ctl_ask(o->socket, o);
	config = subcommand_config(o, false);
	if (!config)
		return status;
	if (config->ctl.socket)
		status = ctl_ask(config->ctl.socket, o);
	else
		fprintf(stderr, "sitrep: ctl.socket is not set in %s; name the socket with --socket PATH\n",
			o->config_dir);
	config_release(config);
	return status;
}

static int audit_check(const struct config *config)
{
	struct store_options options = { .path = config->store.path, .read_only = true };
	struct error err = { 0 };
	struct store *store = NULL;
	int64_t entries = 0;
	int rc = store_open(&store, &options, &err);

	if (rc == 0)
		rc = audit_verify(store, &entries, &err);
	if (rc == 0)
		printf("%s: %lld audit entries, the chain is whole\n", config->store.path, (long long)entries);
	else
		fprintf(stderr, "sitrep: %s\n", err.text);
	store_close(store);
	return rc == 0 ? 0 : rc == -EBADMSG ? 1 : 2;
}

/* Options may stand in front of the verb and behind it: "audit verify --config DIR". */
int subcommand_audit(const struct options *o)
{
	struct options all = *o;
	struct error err = { 0 };
	struct config *config;
	int status;

	if (o->argc < 1 || strcmp(o->argv[0], "verify")) {
		fprintf(stderr, "sitrep: audit what? Try: sitrep audit verify --config DIR\n");
		return 2;
	}
	if (options_read_more(&all, o->argc - 1, o->argv + 1, false, &err) < 0) {
		fprintf(stderr, "sitrep: %s\n", err.text);
		return 2;
	}
	if (all.argc) {
		fprintf(stderr, "sitrep: audit verify takes no \"%s\"; another folder is --config DIR\n", all.argv[0]);
		return 2;
	}
	config = subcommand_config(&all, false);
	if (!config)
		return 2;
	status = audit_check(config);
	config_release(config);
	return status;
}
