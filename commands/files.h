#ifndef COMMANDS_FILES_H
#define COMMANDS_FILES_H
/*
 * Files for people (EFFECT_FILE_SHARE). The effect's row says only which and with what arguments; the
 * text is made when it is sent, so that a row is small and a file never older than the record.
 */
#include "base/str.h"
#include "commands/call.h"

#define FILES_TEXT_MAX (1u << 20) /* bytes of a file */

struct file_kind {
	const char *name; /* "export" */
	bool of_none;     /* about no single incident, wherever it was asked for */
	/* The text into out (made with FILES_TEXT_MAX). c->incident is loaded unless of_none. args: what
	 * was said when it was asked for. reader: who alone gets it; NULL: the incident's channel.
	 * -EMSGSIZE: too large; any other error with its reason in c->err. */
	int (*make)(struct call *c, json_t *args, const char *reader, struct str *out);
	/* How the shell asks for the same: "#42 export". */
	const char *(*command)(struct call *c, json_t *args);
};

const struct file_kind *file_kind_by_name(const char *name); /* NULL */
/* What a row's payload asks for; *args is borrowed from it. */
const struct file_kind *file_kind_of(json_t *payload, json_t **args);

#endif
