#ifndef COMMANDS_FOLLOWING_H
#define COMMANDS_FOLLOWING_H
/*
 * Follow-ups (FEATURES K1): making, changing and chasing them, for verbs, timers and what proposes
 * some. A follow-up is seen by whoever may see its incident. Functions return 0 or a negative errno
 * with the reason in c->err, unless said otherwise.
 */
#include "commands/call.h"
#include "incident/followup.h"

#define FOLLOWUP_TIMER "followup.due" /* its subject is the follow-up */

/* F12 as the actor may see it; its incident becomes c->incident. -ENOENT both when there is none
 * and when it is not for them. */
int following_load(struct call *c, int64_t id, struct followup *f);
/* Shown to a person: a look at each of their incidents, which is on record for protected ones. */
void following_looked(struct call *c, const struct followup *f, size_t n, const char *person);
/* The refusal for that. */
struct done following_absent(struct call *c, int64_t id);

/* What nobody has said: priority by the level of c->incident, due date by the priority. priority <
 * 0, due_at < 0: not said. */
void following_defaults(struct call *c, struct followup *f);
/* A new one of c->incident: row, timeline, audit, reminders, mirror; an owner who is not the actor
 * is told. */
int following_make(struct call *c, struct followup *f);
/* It was changed in place. action: of the audit, "followup.done"; text: for the timeline, without
 * its number. owner_new, due_new: these changed; reopened: the owner hears that it is theirs again. */
struct following_change {
	const char *action, *text;
	bool owner_new, due_new, reopened;
};
int following_save(struct call *c, struct followup *f, const struct following_change *change);
/* The timer for its next reminder; none when there is nothing more to say. */
int following_arm(struct call *c, const struct followup *f);
/* The timer fired. */
int following_chase(struct call *c, struct followup *f);

/* ---- words ---- */
const char *following_name(struct call *c, const struct followup *f); /* "F12" */
/* "due Fri 20 Mar, in 12 d", "overdue by 3 d, due Tue 17 Mar", "no due date"; zone: of whoever
 * reads it. */
const char *following_due(struct call *c, const struct followup *f, const char *zone);
/* "Fri 20 Mar", for the record: in the zone of the configuration. */
const char *following_date(struct call *c, const struct followup *f);
/* One line, readable on a phone; incident: name it too. */
const char *following_line(struct call *c, const struct followup *f, bool incident);
json_t *following_doc(struct call *c, const struct followup *f); /* all of it, with buttons */
void following_buttons(json_t *doc, const struct followup *f);
/* "Your follow-ups" of the App Home; nothing when there is none. */
int following_home(struct call *c, json_t *doc, const char *person);
/* Is it worth to be called a sign that something is done? */
bool following_says_something(const char *text);

/* ---- the tracker (commands/following_issue.c): nothing unless jira.yml says so ---- */
/* A new one gets an issue of its own; a change of title, state or due date goes there. */
int following_mirror(struct call *c, const struct followup *f);
/* "Jira PAY-124" as markup; NULL. */
const char *following_issue_words(struct call *c, const struct followup *f);

#endif
