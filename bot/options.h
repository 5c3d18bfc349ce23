#ifndef BOT_OPTIONS_H
#define BOT_OPTIONS_H
/* The command line of every subcommand: --config DIR, --set key=value (repeatable), then its own words. */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "config/config.h"

#define OPTIONS_SET_MAX 64

struct options {
	const char *config_dir;              /* default "config" */
	struct config_override set[OPTIONS_SET_MAX];
	size_t sets;
	const char *socket;                  /* --socket */
	const char *service, *environment, *mode; /* --service, --env, --mode: release-check's */
	bool json;                           /* --json */
	bool force;                          /* --force: backup's */
	bool help;
	int argc;                            /* what is left */
	char **argv;
};

/* argv after the subcommand. Options of ours end at the first other word when words_follow (ctl). Keys of --set are cut in place. */
int options_read(struct options *o, int argc, char **argv, bool words_follow, struct error *err);
/* The same for what stands behind a word of the subcommand's own: adds to those that stood in front of it. */
int options_read_more(struct options *o, int argc, char **argv, bool words_follow, struct error *err);

#endif
