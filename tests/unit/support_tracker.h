#ifndef SUPPORT_TRACKER_H
#define SUPPORT_TRACKER_H
/*
 * A tracker and its adapter in one, as a model: issues with their changes and comments, a search
 * that lags behind, people who change things, hints that get lost, come late, twice and in any
 * order, and attempts that end in every way an attempt can end. It does what incident/request.h
 * says of EFFECT_ISSUE_*, and keeps count of it. Chance decides everything, by one dice.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "incident/issue.h"
#include "incident/request.h"
#include "support_dice.h"

#define TRACKER_ISSUES	 8
#define TRACKER_COMMENTS 128
#define TRACKER_HINTS	 512
#define TRACKER_LANDINGS 64
#define TRACKER_FLIGHTS	 16
#define TRACKER_VALUE	 320
#define TRACKER_LAG_MS                                                                             \
	(120 * INT64_C(1000)) /* the search may lag this much behind; as jira.yml says */

struct tracked_issue {
	int64_t id;
	char name[32];
	bool deleted, hidden;
	bool common; /* has the label of all ours */
	char label[80];
	char value[ISSUE_FIELD_COUNT][TRACKER_VALUE];
	char by[ISSUE_FIELD_COUNT][24]; /* account; "" = never changed since it was made */
	int64_t by_at[ISSUE_FIELD_COUNT];
	int64_t version[ISSUE_FIELD_COUNT];  /* how often people there have changed it */
	int64_t writes[ISSUE_FIELD_COUNT];   /* how often we have */
	int64_t asked_at[ISSUE_FIELD_COUNT]; /* when we asked for what stands there, by our clock;
						0: it is somebody else's */
	int64_t updated, change, found_from;
};

struct tracked_comment {
	int64_t id, issue;
	char op[40]; /* ours; "" */
	char text[700];
};

struct tracked_hint {
	int64_t due;
	int identifier;
	int64_t issue, updated, change, comment;
	bool deleted;
};

/* A write whose attempt was given up, and which happens all the same. */
struct tracked_landing {
	int64_t due, asked_at;
	int64_t issue; /* 0: a creation */
	bool field[ISSUE_FIELD_COUNT];
	char value[ISSUE_FIELD_COUNT][TRACKER_VALUE];
	char label[80];
};

/* An attempt whose answer is on its way. */
struct tracked_flight {
	struct effect *effect; /* owned */
	int64_t due;
	bool looking; /* a creation that is looked for */
	int64_t began;
	enum outcome outcome;
	json_t *result; /* owned; NULL */
	const char *error;
	int64_t retry_after;
	/* What was read. */
	bool has_read;
	char read[ISSUE_FIELD_COUNT][TRACKER_VALUE];
	int64_t version[ISSUE_FIELD_COUNT];
	int64_t asked_at[ISSUE_FIELD_COUNT]; /* as of the issue */
};

struct tracker {
	struct dice *dice;
	int64_t now, skew; /* ours; the tracker's clock goes otherwise */
	bool faults, outage;
	uint32_t trouble; /* per cent of attempts that go wrong while there are faults */
	bool no_priority; /* the field is not on the screen */
	struct tracked_issue issue[TRACKER_ISSUES];
	size_t issue_count;
	struct tracked_comment comment[TRACKER_COMMENTS];
	size_t comment_count;
	struct tracked_hint hint[TRACKER_HINTS];
	size_t hint_count;
	struct tracked_landing landing[TRACKER_LANDINGS];
	size_t landing_count;
	struct tracked_flight flight[TRACKER_FLIGHTS];
	size_t flight_count;
	int64_t last_change;
	int identifier;
	int landed; /* late writes */
	/* How often an attempt to write a field ended without our knowing, by its last value too.
	 */
	int64_t doubts[ISSUE_FIELD_COUNT];
	int64_t attempts;
	bool trace;
};

void tracker_init(struct tracker *t, struct dice *dice, int64_t now);
void tracker_finish(struct tracker *t);
/* The adapter's side: takes over; the answer is a flight. */
void tracker_perform(struct tracker *t, struct effect *take);
/* The bot is gone: what it had asked for is answered to nobody. */
void tracker_crash(struct tracker *t);
/* When something is to happen next; INT64_MAX. */
int64_t tracker_next(const struct tracker *t);
/* What lands by now, lands. */
void tracker_land(struct tracker *t);
/* A flight, resp. a hint, that has arrived by now; the caller owns what is in it. False: none. */
bool tracker_answer(struct tracker *t, struct tracked_flight *out);
bool tracker_hint(struct tracker *t, struct tracked_hint *out);

/* By id; NULL. */
struct tracked_issue *tracker_issue(struct tracker *t, int64_t id);
/* Somebody there. */
void tracker_set(struct tracker *t, struct tracked_issue *x, enum issue_field f, const char *value,
	const char *account);
void tracker_say(struct tracker *t, struct tracked_issue *x, const char *text);
void tracker_move(struct tracker *t, struct tracked_issue *x);
void tracker_delete(struct tracker *t, struct tracked_issue *x);
/* A new one by somebody there, without our label. */
struct tracked_issue *tracker_make(struct tracker *t, const char *title);

#endif
