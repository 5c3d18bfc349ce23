#ifndef SUPPORT_PROTECTED_H
#define SUPPORT_PROTECTED_H
/*
 * A protected incident, and somebody who asks for it: whatever can be asked is asked without leaving
 * a trace, and the whole of what comes of it is compared.
 */
#include "support_core.h"

#define MALLORY "slack:UMALLORY"
#define SECRET	"vault"
#define TITLE	"breach of the " SECRET

/* ---- the incident ------------------------------------------------------------------------- */

/* Alice declares one with TITLE; its number. */
int64_t protected_declare(struct talk *x);
/* The first number in an answer. */
int64_t protected_number(const char *text);
/* A number of as many digits that is not there. */
int64_t protected_absent(int64_t id);
/* Mallory, a second person of the workspace, has been seen before. */
void protected_meet(struct talk *x);
/* Its channel, once talk_deliver has made it. */
const char *protected_channel(struct talk *x, int64_t id);
/* Buttons: a role is given to the person; "grant" or "revoke" of the person's access. */
void protected_assign(
	struct talk *x, const char *by, int64_t id, const char *role, const char *person);
void protected_press(
	struct talk *x, const char *by, const char *op, int64_t id, const char *person);
/* How often the audit has the action for it; actor NULL: of anybody. */
size_t protected_audited(struct talk *x, int64_t id, const char *action, const char *actor);
/* How many messages are on their way to be made neutral. */
size_t protected_withdrawn(struct talk *x);
/* In the talk's arena; "-" for NULL. */
const char *protected_json(struct talk *x, const json_t *json);

/* ---- asking without leaving a trace ------------------------------------------------------- */

struct question {
	const char *person, *words, *op, *channel, *thread;
	int64_t incident;
	json_t *args; /* borrowed */
	bool form, forms;
	enum request_source source;
};

/* Everything that comes of it, as text; and then nothing has happened. id: see question_text. */
const char *question_answer(struct talk *x, const struct question *q, int64_t id);
/* The number that was asked for reads the same in every answer. id 0: numbers stay. */
const char *question_text(struct talk *x, const char *text, int64_t id);
/* Fails, saying what was asked in which way, when two answers can be told apart. */
void question_same(const char *what, int way, const char *is, const char *shall);

/* Every operation, in every way of naming an incident: of `there` and of `absent` the same. */
void question_table(struct talk *x, int64_t there, int64_t absent);
/* … of what is typed in one channel and in the other. */
void question_places(struct talk *x, const char *channel, const char *other);

#endif
