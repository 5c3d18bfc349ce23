#ifndef COMMANDS_FIGURES_H
#define COMMANDS_FIGURES_H
/* Impact in figures as people read it (FEATURES F3): what is known, and what is not. */
#include "commands/call.h"
#include "incident/impact.h"

/* Of c->incident; a record that cannot be read is logged and counts as nothing known. When it began
 * stands in the incident itself. */
void figures_read(struct call *c, struct impact_facts *out);
/* What a sentence says about the impact, into the facts. A beginning that it names is the
 * incident's. */
void figures_take(struct call *c, const char *text, struct impact_facts *inout);
/* What was said about the impact becomes the incident's, words and figures, and is touched; nothing
 * happens when the words are the same. Whoever calls it asks the rules afterwards
 * (commands/upgrades.h). */
void figures_say(struct call *c, char *text);
/* Into c->incident.facts; NULL when nothing is known. The caller touches. */
void figures_write(struct call *c, const struct impact_facts *f);

struct figure {
	const char *key;   /* "data-loss": the option that says it */
	const char *label; /* "Data loss" */
	const char *value; /* NULL: not known */
};
#define FIGURE_COUNT 11
/* plain: times in ISO, for files; else as marks. */
void figures_list(
	struct call *c, const struct impact_facts *f, bool plain, struct figure out[FIGURE_COUNT]);
/* "1200 users · 25 % · data loss": what the card shows; "" when no figure is known. */
const char *figures_short(struct call *c, const struct impact_facts *f);

/* "1200", "1,200", "1.2k"; a share as "25", "25%", "12.5 %". False: neither that nor "unknown". */
bool figures_count(const char *text, int64_t *out);
bool figures_permille(const char *text, int *out);

#endif
