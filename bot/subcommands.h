#ifndef BOT_SUBCOMMANDS_H
#define BOT_SUBCOMMANDS_H
/* `sitrep NAME …`, one table. Each returns an exit status. */
#include "bot/options.h"

enum subcommand_words {
	WORDS_NONE, /* options only */
	WORDS_LAST, /* behind its options */
	WORDS_OWN,  /* everything behind its options is its own, dashes too */
};

struct subcommand {
	const char *name;
	const char *usage;   /* after "sitrep " */
	const char *summary;
	enum subcommand_words words;
	int (*run)(const struct options *o);
};

extern const struct subcommand subcommands[]; /* ends with name NULL */

/* Loads the config for a look; what is wrong is on stderr, warnings too when asked for. NULL when it cannot be used; config_release. */
struct config *subcommand_config(const struct options *o, bool warnings);

int subcommand_run(const struct options *o);
int subcommand_check(const struct options *o);
int subcommand_doctor(const struct options *o);
int subcommand_manifest(const struct options *o);
int subcommand_ctl(const struct options *o);
int subcommand_audit(const struct options *o);
int subcommand_postmortem(const struct options *o); /* bot/postmortem.c */
int subcommand_release_check(const struct options *o); /* release_check.c */
int subcommand_backup(const struct options *o);  /* backup.c */
int subcommand_restore(const struct options *o);
int subcommand_reference(const struct options *o);

#endif
