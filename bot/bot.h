#ifndef BOT_BOT_H
#define BOT_BOT_H
/* `sitrep run`: the two threads, the doors between them, the adapters, signals. */
#include "config/config.h"

struct bot_options {
	const char *config_dir;
	const struct config_override *set;
	size_t sets;
};

/* Runs until SIGTERM or SIGINT. Returns the exit status: 0, 1 (could not start: said on stderr). */
int bot_run(const struct bot_options *o);

#endif
