#ifndef COMMANDS_REVIEWING_H
#define COMMANDS_REVIEWING_H
/*
 * Postmortems between the record and people (FEATURES I1, I2, I5): what the document is made from, its files, and the promise that there will
 * be one. What can be said to it is commands/verbs/postmortem.c. 0 or a negative errno with the reason in c->err where an int is returned.
 *
 *   resolve ──► promised (PROMISE_REVIEW, owed by the commander) ──► final: kept
 *                  └─ reopen, cancel, merge, closed with a waiver ──► withdrawn
 */
#include "base/str.h"
#include "commands/call.h"
#include "incident/review.h"

#define REVIEW_FILE_MAX    (1u << 20) /* bytes of a file */
#define REVIEW_SECTION_MAX 40000      /* bytes that people may write into one section */
#define REVIEW_FINDINGS    200

/* The record behind a postmortem, and one version of it. */
struct reviewing {
	struct arena *arena;
	struct review review;
	struct review_record rec;
};
/* version 0: the newest. -ENOENT when there is none: then the record is there all the same. reviewing_finish frees, whatever came back. */
int reviewing_load(struct call *c, int64_t version, struct reviewing *out);
void reviewing_finish(struct reviewing *r); /* accepts a zeroed one */
/* What keeps it from being final, at most REVIEW_FINDINGS, on the call's arena. */
size_t reviewing_lint(struct call *c, const struct reviewing *r, struct lint_finding **out);

/* ---- files ---- */

enum review_format {
	REVIEW_AS_MD,       /* the form that is read back by import */
	REVIEW_AS_HTML,     /* one page; by the user's template, if there is one */
	REVIEW_AS_TEMPLATE, /* Markdown by the user's template */
};
#define REVIEW_FORMAT_COUNT 3
const char *review_format_name(enum review_format f); /* "md" */
bool review_format_parse(const char *name, enum review_format *out);
const char *review_format_ending(enum review_format f); /* of the file's name: "md", "html" */
/* As a kind of file (commands/files.h): what say_file takes as its arguments; version 0: the newest when it is sent. */
#define REVIEW_FILE "postmortem"
json_t *reviewing_file_args(enum review_format f, int64_t version);
int reviewing_file(struct call *c, json_t *args, const char *reader, struct str *out);
const char *reviewing_command(struct call *c, json_t *args);
/* -EMSGSIZE: larger than a file takes; -ENOENT: there is no such version. */
int reviewing_render(struct call *c, enum review_format f, int64_t version, struct str *out);
/* The same without a bot around it: `sitrep postmortem export` reads the store. */
int reviewing_export(
	struct store *s, const struct config *config, int64_t incident, enum review_format f, struct str *out, struct error *err);

/* ---- the promise ---- */

/* Is one owed by the level of c->incident? */
bool reviewing_required(const struct call *c);
/* Is the newest version final? */
int reviewing_is_final(struct call *c, bool *final);
/* Who owes it: the commander, else who resolved, else who declared. */
const char *reviewing_owner(struct call *c);
/* c->incident ended: one is promised if the level wants one or one was begun, unless it is final. */
int reviewing_ended(struct call *c);
/* The promise itself, counted from now; nothing when it stands already, nobody is to be reminded, or the incident goes on or is put away. */
int reviewing_promise(struct call *c);
/* c->incident is active again: nothing is owed, and what was final is a draft again: then 1. */
int reviewing_reopened(struct call *c);
/* What is said of it where the end is told: "A postmortem is owed by @bob until …", and the button. Nothing when none is owed. */
void reviewing_offer(struct call *c, json_t *doc);
void reviewing_buttons(struct call *c, json_t *doc);

/* Markdown → one HTML page that runs nothing and loads nothing (commands/review_html.c). -EINVAL: it cannot be read. */
int review_html(struct str *out, const char *title, const char *markdown, size_t len);

#endif
