#ifndef BOT_SUBCOMMANDS_H
#define BOT_SUBCOMMANDS_H
/* `sitrep NAME …`, one table. Each returns an exit status. */
#include "bot/options.h"

struct subcommand {
	const char *name;
	const char *usage;   /* after "sitrep " */
	const char *summary;
	bool words_follow;   /* everything after its options is its own, dashes too */
	int (*run)(const struct options *o);
};

extern const struct subcommand subcommands[]; /* ends with name NULL */

int subcommand_run(const struct options *o);
int subcommand_check(const struct options *o);
int subcommand_doctor(const struct options *o);
int subcommand_manifest(const struct options *o);
int subcommand_ctl(const struct options *o);
int subcommand_audit(const struct options *o);
int subcommand_release_check(const struct options *o); /* release_check.c */
int subcommand_reference(const struct options *o);

#endif
