#ifndef COMMANDS_ISSUES_H
#define COMMANDS_ISSUES_H
/*
 * The incident's issue in the tracker: references, effects, and what comes back (FEATURES H1–H5, H8–H10). The record is the truth; both
 * sides are kept in step by the three-way merge of incident/issue.h.
 *
 * One effect does both directions: EFFECT_ISSUE_SYNC reads the issue, writes what only we have changed, and its outcome is merged here. A hint
 * (webhook, relay, poll) asks for one, a change of ours asks for one; one that still waits serves both. It is made from the record when it starts.
 *
 * All return 0 or a negative errno with the reason in c->err unless said otherwise, and do nothing when no tracker is configured.
 */
#include "commands/call.h"
#include "incident/issue.h"
#include "store/effects.h"
#include "store/references.h"

#define ISSUE_SYSTEM   "jira"
#define SLOT_ISSUE     "issue"
#define SLOT_NAME      "name"      /* its key is "jira:name:PAY-123": which incident has it */
#define SLOT_LABEL     "label"     /* the label by which a create is found again; its key is the label */
#define SLOT_UNWANTED  "unwanted"  /* somebody has unlinked the issue: none is made by itself any more */
#define SLOT_COMMENT   "comment/"  /* … and its id: a comment of ours */
#define SLOT_CONFLICT  "conflict/" /* … and the field: the message in the incident's channel */
#define SLOT_FOLLOWUP  "followup/" /* … and its number: the issue of a follow-up (commands/following_issue.c) */
#define SLOT_GONE      "gone"      /* the message that asks what to do without the issue */
#define CURSOR_POLL    "jira.poll" /* our time until which all changes there have been asked for */

/* ---- asking (commands/issues.c) ---- */

/* A new incident, or one whose level has become bad enough: an issue is asked for, if the policy wants one and there is none. */
int issue_wanted(struct call *c);
/* The same whatever the level, for somebody who asks for it (/inc link new). */
int issue_make(struct call *c);
/* The incident changed (the dispatcher, once a call): a sync, if a mapped value differs from what was last in step. */
int issue_refresh(struct call *c);
/* The issue may have changed: it is read again, once. */
int issue_sync(struct call *c);
/* What was said to everybody becomes a comment. */
int issue_comment(struct call *c, const json_t *doc);
/* The incident became protected: the issue says nothing any more, or goes, by the policy. *words: what to say of it, or "". */
int issue_protect(struct call *c, const char **words);
/* There is a place to link back to now: the channel, the card. */
int issue_mark(struct call *c);
/* What was given up or could not be written is tried once more (/inc sync --retry). *count grows by what there was. */
int issue_retry(struct call *c, size_t *count);
/* When the changes of the tracker are asked for next; armed at start and by itself from then on. */
int issue_poll_arm(struct store *s, const struct config *config, int64_t now, struct error *err);
/* A hint that an issue changed: {issue, name?, updated_ms?, change?, deleted?, comment?}. Nothing when it is certainly not newer than what was read,
 * or when no incident has the issue. */
int issue_hint(struct call *c, const json_t *hint);

/* By hand (link, unlink). name: "PAY-123", taken from a URL already; "new". */
struct done issue_link(struct call *c, const char *name);
struct done issue_unlink(struct call *c, const char *name); /* "jira": whichever it is */
/* Is this how an issue is named: "PAY-123", or a URL of the configured tracker? name on the arena. */
bool issue_named(struct call *c, const char *text, const char **name);

/* ---- effects made from the record at their start (deliver.c; commands/issues_payload.c) ---- */

/* The payload; *impossible says why it need not be sent. -EAGAIN: not now (no tracker is configured), with the reason in c->err. */
int issue_payload(struct call *c, const struct effect_row *row, json_t **payload, const char **impossible);

/* ---- how they ended (effect_outcome.c; commands/issues_apply.c) ---- */

/* c->incident is loaded when there is one. */
int issue_delivered(struct call *c, const struct effect_row *row, const json_t *result);
int issue_refused(struct call *c, const struct effect_row *row, const char *error);
/* It is tried again later. unknown: it may have been done. The first time it shows on the card. */
int issue_waits(struct call *c, const struct effect_row *row, const char *error, bool unknown);

/* Somebody settles a conflict (commands/issues_conflict.c). theirs: as it was shown to them; NULL when they did not say. */
struct done issue_settle(struct call *c, enum issue_field f, bool ours, const char *theirs);

/* ---- words (commands/issues_words.c) ---- */

/* For card and show: "Jira PAY-123 ✓" as markup; NULL when there is none. */
const char *issue_words(struct call *c);
/* For sync: everything that is known of the reference, a line each. */
void issue_explain(struct call *c, json_t *doc);
/* The reference and what is remembered; -ENOENT. */
int issue_get(struct call *c, struct reference *ref, struct issue_record *record);

#endif
