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

#define ISSUE_SYSTEM "jira"
#define SLOT_ISSUE   "issue"

/* A new incident, or one whose level has become bad enough: an issue is asked for, if the policy wants one and there is none. */
int issue_wanted(struct call *c);
/* The incident changed (the dispatcher, once a call): a sync, if a mapped value differs from what was last in step. */
int issue_refresh(struct call *c);
/* What was said to everybody becomes a comment. text: markup. */
int issue_comment(struct call *c, const char *text);
/* The incident became protected: the issue says nothing any more, or goes, by the policy. */
int issue_protect(struct call *c);

/* By hand (link, unlink). name: "PAY-123", taken from a URL already. */
struct done issue_link(struct call *c, const char *name);
struct done issue_unlink(struct call *c);
/* Is this how an issue is named: "PAY-123", or a URL of the configured tracker? name on the arena. */
bool issue_named(struct call *c, const char *text, const char **name);

/* Effects made from the record at their start (deliver.c): the payload; *impossible says why it need not be sent. */
int issue_payload(struct call *c, const struct effect_row *row, json_t **payload, const char **impossible);
/* How they ended (effect_outcome.c). c->incident is loaded when there is one. */
int issue_delivered(struct call *c, const struct effect_row *row, const json_t *result);
int issue_refused(struct call *c, const struct effect_row *row, const char *error);
int issue_waits(struct call *c, const struct effect_row *row, const char *error); /* retry, unknown: the first time it shows on the card */

/* For card, show and sync: "Jira PAY-123 ✓" as markup; NULL when there is none. */
const char *issue_words(struct call *c);
/* The reference and what is remembered; -ENOENT. */
int issue_get(struct call *c, struct reference *ref, struct issue_record *record);

#endif
