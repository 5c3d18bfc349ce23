#ifndef INCIDENT_TEMPLATE_H
#define INCIDENT_TEMPLATE_H
/*
 * Messages that people can word themselves (FEATURES E6): lines of text with {{variables}} and
 * *bold*. A line that has variables, all of them empty, is left out. What a variable stands for is
 * never read as template again, so nothing a user types can become one. Pure.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define TEMPLATE_LINES_MAX 16
#define TEMPLATE_NAME_MAX  32 /* bytes of the longest name that is looked at */

enum template_kind {
	TEMPLATE_FIRST,	     /* the first update of an incident: the first notification */
	TEMPLATE_UPDATE,     /* every further one */
	TEMPLATE_RESOLUTION, /* how it ended */
};
#define TEMPLATE_COUNT 3

struct message_template {
	const char *subject;
	const char *line[TEMPLATE_LINES_MAX];
	size_t count;
};

/* The variables there are. */
enum template_variable {
	VAR_ID,
	VAR_SEVERITY,
	VAR_TITLE,
	VAR_SERVICE,
	VAR_WHAT,
	VAR_ABOUT,
	VAR_ENVIRONMENT,
	VAR_STATE,
	VAR_COMMANDER,
	VAR_AUTHOR,
	VAR_IMPACT,
	VAR_KNOWN,
	VAR_UNKNOWN,
	VAR_DOING,
	VAR_NEXT,
	VAR_NEXT_UPDATE,
	VAR_SINCE,
	VAR_DURATION,
	VAR_DONE,
	VAR_SIGNAL,
	VAR_HEALTH,
	VAR_NOT_VERIFIED,
	VAR_FOLLOW_UP,
};
#define TEMPLATE_VARIABLE_COUNT 23
const char *template_variable_name(enum template_variable v);
const char *template_variable_help(enum template_variable v);

struct template_values {
	const char *value[TEMPLATE_VARIABLE_COUNT]; /* markup; NULL or "": empty */
};

/* Adds the line; false and nothing added when all its variables are empty. */
bool template_render(struct str *out, const char *line, const struct template_values *values);
/* The first {{name}} in text that is no variable, copied to name; false when there is none. Also
 * what is begun and never ended ("{{"). */
bool template_unknown(const char *text, char name[TEMPLATE_NAME_MAX + 1]);

#endif
