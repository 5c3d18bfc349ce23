#ifndef COMMANDS_ISSUES_PARTS_H
#define COMMANDS_ISSUES_PARTS_H
/* What the rooms of the tracker share (commands/issues*.c). Nothing here is for verbs. */
#include "commands/issues.h"

#define ISSUE_TITLE_CHARS 255 /* of a summary, in characters; one line */

static inline const struct issue_policy *issue_rules(const struct call *c)
{
	return &c->config->issue;
}

struct issue {
	struct reference ref;
	struct issue_record rec;
};

/* Who changed theirs. */
struct issue_change {
	const char *account; /* NULL: not told */
	const char *name;    /* NULL */
	int64_t at;          /* ms, the tracker's clock; 0 */
};

/* The one of c->incident. -ENOENT */
int issue_load(struct call *c, struct issue *out);
/* Writes both back; the state is told by the record and ref.error. */
int issue_save(struct call *c, struct issue *i);
/* "PAY-123" is this incident's from now on. */
int issue_name_keep(struct call *c, const struct issue *i);
const char *issue_name_key(struct call *c, const char *name);
/* Our value in the tracker's terms; NULL: no opinion. */
const char *issue_ours(struct call *c, enum issue_field f);
/* The number in "jira:10001"; NULL while there is none. */
const char *issue_id(const struct issue *i);
/* An effect on the lane of c->incident; SYNC and MARK once however often asked. */
int issue_ask(struct call *c, enum effect_kind kind, const char *payload);
const char *issue_lane(struct call *c);
/* Forgets a reference of the tracker, if there is one. */
int issue_slot_drop(struct call *c, const char *slot);
/* What is not under way need not be sent any more. *started: something is. */
int issue_lane_drop(struct call *c, const char *why, bool *started);
/* Is a creation under way, or was one that nobody knows the end of? */
int issue_creating(struct call *c, bool *out);
/* What takes our marks away from one that is ours no more. */
int issue_unmark(struct call *c, const struct issue *i);
/* Does the policy let the tracker know of c->incident at all? */
bool issue_allowed(const struct call *c);

/* A line in the incident's channel, without a notification; slot NULL or where it is edited later. */
int issue_say(struct call *c, json_t *doc_take, const char *slot, bool quiet);
/* What the message in the slot says from now on. */
int issue_edit(struct call *c, json_t *doc_take, const char *slot);
/* "PAY-123" as a link, else "the issue". */
const char *issue_name(struct call *c, const struct issue *i);
/* A value as the tracker has it, for people. */
const char *issue_their_words(struct call *c, enum issue_field f, const char *value);
/* A document as plain text, for comments. */
const char *issue_plain(struct call *c, const json_t *doc);

/* ---- issues of follow-ups (commands/following_issue.c) ---- */

/* Is the effect about one? Then it is theirs; as issue_payload(), issue_delivered() … */
bool mirror_owns(const struct effect_row *row);
int mirror_payload(struct call *c, const struct effect_row *row, json_t **payload, const char **impossible);
int mirror_delivered(struct call *c, const struct effect_row *row, const json_t *result);
int mirror_refused(struct call *c, const struct effect_row *row, const char *error);
int mirror_waits(struct call *c, const struct effect_row *row, bool unknown);
/* It may have changed there: read again, once. */
int mirror_sync(struct call *c, const char *slot);
/* c->incident has become protected: their titles say nothing any more. */
int mirror_protect(struct call *c);

/* ---- what was read (commands/issues_merge.c) ---- */

/* Numbers stand as text or as numbers; 0, resp. NULL, when there is none. The text on the arena. */
int64_t issue_number(const json_t *obj, const char *key);
const char *issue_text(struct call *c, const json_t *obj, const char *key);

struct issue_merging {
	const struct effect_row *row;
	const json_t *read, *written, *trouble;
	struct issue *issue;
	bool again;          /* something of ours is to be sent still */
	const char *reason;  /* a new trouble; NULL */
	enum issue_field reason_of;
};
int issue_merge_all(struct call *c, struct issue_merging *m);
/* Nothing of this attempt can still appear. An earlier one that began in the same millisecond still can. */
void issue_attempt_over(const struct effect_row *row, struct issue *i);
/* The issue is there: whatever else was tried to create it can only have made another one. */
void issue_creation_over(const struct effect_row *row, struct issue *i);

/* ---- comments (commands/issues_comments.c) ---- */

/* Theirs, oldest first. What stood there before the issue was linked is not told again. *more: not all were taken. */
int issue_comments_take(struct call *c, struct issue *i, const json_t *result, bool linked, bool *more);
/* One of ours is there. */
int issue_comment_made(struct call *c, const json_t *result);

/* ---- following theirs (commands/issues_follow.c) ---- */

/* The key under which somebody of the tracker acts here: the mapped person, else "jira:…", known by name from then on. NULL in *person: nobody was named. */
int issue_person(struct call *c, const char *account, const char *name, const char **person);
/* "jira:…" of an account. */
const char *issue_person_key(struct call *c, const char *account);
struct issue_follower {
	const char *person, *name; /* who acts; the system itself when nobody was named */
	enum request_source source;
};
enum issue_followed {
	FOLLOWED_DONE, /* the record has it, or had it already; or it means nothing here, which the timeline says. The memory is settled. */
	FOLLOWED_REFUSED, /* a rule of ours is against it: *why; the memory is as it was */
};
/* Brings c->incident to their value by the operation that people use, so that every rule holds. c->incident is loaded anew. */
int issue_follow(struct call *c, struct issue *i, enum issue_field f, const char *theirs, const struct issue_follower *who,
	enum issue_followed *how, const char **why);

/* ---- conflicts (commands/issues_conflict.c) ---- */

/* Opens it, or brings what is shown up to date; nothing when that is what is shown already. */
int issue_conflict(struct call *c, struct issue *i, enum issue_field f, const char *ours, const char *theirs,
	const struct issue_change *by, const char *why);
/* It ended: the message says how. */
int issue_conflict_ended(struct call *c, struct issue *i, enum issue_field f, const char *how);

#endif
