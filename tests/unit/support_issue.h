#ifndef SUPPORT_ISSUE_H
#define SUPPORT_ISSUE_H
/*
 * A desk (support_core.h) and a tracker that is not there: one issue, a few fields. What goes out
 * is performed by hand, at once or when the test says so; what comes back is what such a tracker
 * would tell. (support_tracker.h is another: by chance, with many issues, behind the whole core.)
 */
#include <stdbool.h>
#include <stdint.h>

#include "commands/issues.h"
#include "support_core.h"

#define BASE "https://jira.example/"

struct there {
	int64_t id;
	const char *name;
	const char *value[ISSUE_FIELD_COUNT];
	const char *by[ISSUE_FIELD_COUNT]; /* who changed it last; NULL: nobody since it was made */
	const char *name_of_stranger;	   /* of them all; NULL: as their account */
	int64_t change, updated;
	bool gone, twin;
	json_t *comments; /* [{id, author, name, at_ms, text}] */
	int created, wrote, commented, marked, polled;
	const char *text;		       /* of the last comment or creation */
	const char *refuse[ISSUE_FIELD_COUNT]; /* why a field cannot be written */
};

extern struct there there;

int there_setup(void **state);
int there_teardown(void **state);
#define TEST(f) cmocka_unit_test_setup_teardown(f, there_setup, there_teardown)

/* ---- there ---------------------------------------------------------------------------------- */

/* Somebody else changes a field, resp. says something; we hear of it when we are told or look. */
void there_change(enum issue_field f, const char *value, const char *who);
void there_comment(int id, const char *who, const char *text);
/* What reading the issue gives. */
json_t *there_read(void);
/* Does what is asked; the result. Of a creation and a sync, resp. of anything. */
json_t *there_create(struct talk *x, const struct effect *e);
json_t *there_sync(struct talk *x, const struct effect *e);
json_t *there_perform(struct talk *x, const struct effect *e);

/* ---- between -------------------------------------------------------------------------------- */

/* The next effect toward the tracker, started; NULL: none is due. What is for the chat is delivered
 * meanwhile. It ends by an outcome, which takes it over. */
struct effect *outbox_next(struct talk *x);
void outbox_end(struct talk *x, struct effect *e_take, enum outcome o, json_t *result_take,
	const char *error);
/* All that may go, goes; how many effects the tracker saw. */
int outbox_settle(struct talk *x);
/* The tracker tells that something has changed: what now stands there, resp. in these words. */
void there_hint(struct talk *x);
void there_hint_of(struct talk *x, json_t *args_take);
/* Time goes by, and no timer runs. */
void outbox_wait(struct talk *x, int64_t ms);
/* INC-1, SEV2, "checkout is failing", and its issue is made. */
void declared_with_issue(struct talk *x);

/* ---- here ----------------------------------------------------------------------------------- */

struct reference ref_of(struct talk *x, int64_t incident);
bool has_ref(struct talk *x, int64_t incident);
struct issue_record record_of(struct talk *x, int64_t incident);
/* Does any message say these words, edits included? */
bool was_said(struct talk *x, const char *words);
void assert_said(struct talk *x, const char *words);

#endif
