#ifndef ADAPTERS_CTL_CLIENT_H
#define ADAPTERS_CTL_CLIENT_H
/* The blocking client behind `sitrep ctl [--json] [--socket PATH] WORDS…`. Needs no loop and no
 * thread. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"

enum ctl_exit {
	CTL_DONE = 0,
	CTL_REFUSED = 1, /* the answer says why */
	/* Nobody there, not allowed, or no answer in time; err says what to check. */
	CTL_UNREACHABLE = 2,
};

struct ctl_client_options {
	const char *path;   /* of the socket */
	bool json;          /* print the answer as the JSON line it is */
	int64_t timeout_ms; /* for all of it; 0: 15 s */
	/* Instead of words: an operation by its name, with structured arguments. */
	const char *operation; /* NULL: the words are meant */
	int64_t incident;      /* 0: none */
	const json_t *args;    /* borrowed; NULL: none */
};

/* Joins argv to one line of the command language: words as they are, but the value of an option in
 * quotes where the shell had it as one word (--signal "5xx at baseline"). */
void ctl_client_join(struct str *out, int argc, char *const argv[]);

/* Asks, prints the answer to out (done) or err (refused, unreachable). Returns an enum ctl_exit. */
int ctl_client_run(
	const struct ctl_client_options *options, const char *words, FILE *out, FILE *err);

#endif
