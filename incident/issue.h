#ifndef INCIDENT_ISSUE_H
#define INCIDENT_ISSUE_H
/*
 * An incident's issue in a tracker (FEATURES H1–H5, H9), pure: which of its fields are kept in step, what is
 * remembered of both sides, and the three-way merge that decides, field by field, who has to follow whom.
 *
 * Values are texts in the tracker's terms ("In Progress", "High"): ours are mapped by the policy before they are
 * compared, so that two of our states with one status differ in nothing. Titles compare exactly, names without case.
 *
 * Each side is compared with what *it* had when both were last in step, never with the other side's words. So a value that the
 * tracker spells otherwise, a status without a meaning here, and a change that could not be followed are no change when seen again:
 * nothing is sent back and forth.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum issue_field {
	ISSUE_TITLE,
	ISSUE_PRIORITY,
	ISSUE_STATUS,
	ISSUE_ASSIGNEE, /* "" = nobody */
};
#define ISSUE_FIELD_COUNT 4
const char *issue_field_name(enum issue_field f); /* "title" */
bool issue_field_parse(const char *name, enum issue_field *out);
bool issue_value_same(enum issue_field f, const char *a, const char *b); /* NULL is no value, the same as NULL only */

/* A value sent by us whose outcome is not known: it may still appear there. */
#define ISSUE_SENT_MAX     4
#define ISSUE_SENT_LIFE_MS (30 * INT64_C(60000)) /* after that it is somebody else's, unless nobody has looked since */
struct issue_sent {
	const char *value;
	int64_t at;  /* ms, ours */
	bool looked; /* theirs was read since: what had arrived by then was seen */
};

#define ISSUE_VALUE_MAX 2048 /* bytes of a value that are compared and remembered */

/* Both sides changed, and nobody has decided yet; nothing is sent or applied meanwhile. */
struct issue_conflict {
	bool open;
	const char *ours, *theirs; /* as shown to people */
	const char *by;            /* who changed theirs, a name; NULL */
	int64_t by_at;             /* ms, the tracker's clock: only to be shown; 0 */
	const char *why;           /* not followed for this reason (a rule of ours refused it); NULL: both changed */
};

struct issue_memory {              /* of one field */
	bool known;                /* false: never compared; the first meeting makes both sides known */
	const char *ours, *theirs; /* when both were last in step */
	struct issue_sent sent[ISSUE_SENT_MAX];
	size_t sent_count;
	struct issue_conflict conflict;
	const char *trouble;       /* why ours could not be written there (not on the screen, no path); NULL. Ends when either side changes. */
};

enum merge_verdict {
	MERGE_NOTHING,  /* neither side changed, or both to the same: in step now */
	MERGE_SEND,     /* only ours changed */
	MERGE_APPLY,    /* only theirs changed */
	MERGE_CONFLICT, /* both changed, differently */
};

/*
 * Decides one field and brings m up to date for MERGE_NOTHING. A value of ours that was sent without a known outcome and is seen there now counts as
 * arrived: both sides remember it. Not known yet: both are remembered as they are, MERGE_NOTHING.
 * Conflicts that have ended by either side are closed in m (conflict.open false); an open one is left as it is, and a new one is
 * only reported: issue_conflict_open() records it.
 * One whose why is set stays open, and is the verdict, until a side changes again: a rule that refused is not asked each time.
 * Trouble ends when a side has changed; so what could not be written is settled as it stands first, and the trouble noted after that.
 * ours or theirs NULL: this side has no opinion (no mapping, not readable): MERGE_NOTHING, m untouched.
 */
enum merge_verdict issue_merge(enum issue_field f, struct issue_memory *m, const char *ours, const char *theirs, int64_t now);

/* Both sides are in step as they stand: after ours was written (both the value written), or theirs applied (ours: what it became here), or could
 * not be followed and was let be. Closes a conflict; forgets trouble. Values are borrowed: they must live as long as m. */
void issue_settled(struct issue_memory *m, const char *ours, const char *theirs);
/* Records a conflict, or that the sides of an open one have moved on. Borrowed as above. */
void issue_conflict_open(struct issue_memory *m, const char *ours, const char *theirs, const char *by, int64_t by_at, const char *why);
/* Ours is being sent and the outcome is not known yet: once an attempt, so a value is in the list as often as it may still arrive. When
 * there are ISSUE_SENT_MAX, one goes that is in the list again, else the oldest. */
void issue_sending(enum issue_field f, struct issue_memory *m, const char *value, int64_t now);
/* The attempt certainly did not write it, or its end is known (written, and settled): takes back what issue_sending() noted for it. */
void issue_not_sent(enum issue_field f, struct issue_memory *m, const char *value);
/* Somebody chose: their value as shown is taken note of, so that ours counts as the only change; the conflict is closed, and nothing is done when none
 * is open. (To take theirs: apply, then issue_settled.) */
void issue_keep_ours(struct issue_memory *m);

/* What is remembered of an issue: reference.synced, as JSON text. */
struct issue_record {
	const char *name;    /* "PAY-123": changes when it is moved; the id (reference.key) does not */
	int64_t change;      /* newest changelog id that was read; 0 */
	int64_t updated_ms;  /* the tracker's clock: compared with its own times only; 0 */
	int64_t comment;     /* newest comment id that was read; 0 */
	bool gone;           /* deleted there, or not visible to us any more */
	bool twin;           /* a second issue with our label was seen: the lower id was kept */
	struct issue_memory field[ISSUE_FIELD_COUNT];
};

/* text NULL or "": all unknown. Unknown keys are ignored; what is broken is an error (-EINVAL, -EMSGSIZE). Everything on a. */
int issue_record_parse(struct arena *a, const char *text, struct issue_record *out, struct error *err);
const char *issue_record_text(struct arena *a, const struct issue_record *r);
/* Is any conflict open; any trouble? */
bool issue_record_conflict(const struct issue_record *r);
const char *issue_record_trouble(const struct issue_record *r); /* the first one; NULL */

#endif
