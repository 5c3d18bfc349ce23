/*
 * `sitrep backup FILE` while the bot runs, `sitrep restore FILE` while it does not. Exit status: 0 done; 1 refused or failed,
 * and nothing was changed; 2 the words or the config are wrong; 3 what was read is damaged, and nothing was changed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "bot/subcommands.h"
#include "store/backup.h"

enum { DONE, REFUSED, WRONG, DAMAGED };

static int failed(const char *what, const struct error *err)
{
	fprintf(stderr, "sitrep %s: %s\n", what, err->text);
	return err->code == -EUCLEAN || err->code == -EBADMSG ? DAMAGED : REFUSED;
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static void print_sizes(const struct backup_report *r)
{
	printf("%lld bytes, %lld incident%s, %lld audit entr%s, schema %lld", (long long)r->bytes,
		(long long)r->incidents, plural(r->incidents), (long long)r->entries,
		r->entries == 1 ? "y" : "ies", (long long)r->schema);
}

static int backup(const char *store, const char *file, bool force)
{
	struct backup_report r;
	struct error err = { 0 };

	if (backup_write(store, file, force, &r, &err) < 0)
		return failed("backup", &err);
	printf("%s: ", file);
	print_sizes(&r);
	printf("; integrity and audit chain verified\n");
	return DONE;
}

static void print_moment(const struct backup_report *r)
{
	struct str at STR_CLEANUP = { 0 };

	str_init(&at, 64);
	if (r->last_at)
		time_format_iso(&at, r->last_at);
	printf("  the last thing in it happened at %s\n", r->last_at ? at.p : "no time: it is empty");
}

static int restore(const char *store, const char *file)
{
	struct backup_report r;
	struct error err = { 0 };
	struct clock clock;

	clock_init_system(&clock);
	if (backup_restore(store, file, clock_now(&clock), &r, &err) < 0)
		return failed("restore", &err);
	printf("%s is now what %s was: ", store, file);
	print_sizes(&r);
	printf("\n");
	print_moment(&r);
	if (*r.aside)
		printf("  the record that was there is kept as %s\n", r.aside);
	printf("What it does not know is what came after:\n"
		"  - %lld deliver%s unfinished in it: each is looked for in the chat or tracker before it is sent again\n"
		"  - reminders, updates and deadlines that fell due since are due again, and may be said a second time\n"
		"  - incidents declared since are not in it: their channels and issues stay, their numbers will be given again\n"
		"Next: start sitrep, then `sitrep doctor`, and tell the open incidents' channels what is missing.\n",
		(long long)r.unfinished, r.unfinished == 1 ? "y is" : "ies are");
	return DONE;
}

static int wants_file(const char *what)
{
	fprintf(stderr, "sitrep %s: name one file: sitrep %s --config DIR %sFILE\n", what, what,
		strcmp(what, "backup") ? "" : "[--force] ");
	return WRONG;
}

int subcommand_backup(const struct options *o)
{
	struct config *config;
	int status;

	if (o->argc != 1)
		return wants_file("backup");
	config = subcommand_config(o, false);
	if (!config)
		return WRONG;
	status = backup(config->store.path, o->argv[0], o->force);
	config_release(config);
	return status;
}

int subcommand_restore(const struct options *o)
{
	struct config *config;
	int status;

	if (o->argc != 1)
		return wants_file("restore");
	config = subcommand_config(o, false);
	if (!config)
		return WRONG;
	status = restore(config->store.path, o->argv[0]);
	config_release(config);
	return status;
}
