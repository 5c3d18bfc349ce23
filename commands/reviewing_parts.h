#ifndef COMMANDS_REVIEWING_PARTS_H
#define COMMANDS_REVIEWING_PARTS_H
/* What the files behind `postmortem` share (commands/verbs/postmortem.c, commands/reviewing_edit.c). Nothing here is for others. */
#include "commands/reviewing.h"

/* The newest version on the call's arena; -ENOENT. */
int reviewing_latest(struct call *c, struct review *out);
/* The same, or when there is none a first draft that is not kept yet; *fresh says so. */
int reviewing_begin(struct call *c, struct review *out, bool *fresh);
/* Kept as the next version, by the actor, now; and audited as "postmortem.<what>" with meta (taken over, may be NULL). */
int reviewing_keep(struct call *c, struct review *r, const char *what, json_t *meta_take);
/* On the timeline of the incident, as something about the document. */
int reviewing_note(struct call *c, const struct review *r, enum timeline_kind kind, const char *text);

/* Cannot be written to, or is not there: true, and *out refuses. */
bool reviewing_refused(struct call *c, const struct review *r, struct done *out);
struct done reviewing_refuse_none(struct call *c);
/* The findings as a list, at most max of them and how many more. */
void reviewing_findings(struct call *c, json_t *doc, const struct lint_finding *f, size_t n, size_t max);

struct done reviewing_edit(struct call *c);
struct done reviewing_factor(struct call *c);
struct done reviewing_why(struct call *c);
struct done reviewing_import(struct call *c);

#endif
