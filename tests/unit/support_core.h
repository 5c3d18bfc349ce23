#ifndef SUPPORT_CORE_H
#define SUPPORT_CORE_H
/*
 * A desk with everything behind it: a database in a folder of its own, the shipped config, a clock that is turned by
 * hand, the real dispatcher. What is said to it is answered as plain text; what it wants to be seen outside can be
 * looked at, and delivered by a chat that is not there.
 */
#include "base/clock.h"
#include "commands/dispatch.h"
#include "incident/promise.h"
#include "incident/timeline.h"
#include "store/effects.h"
#include "store/incidents.h"

/* 2026-03-02 14:00 UTC, a Monday. */
#define CORE_START INT64_C(1772460000000)
#define ALICE "slack:UALICE"
#define BOB   "slack:UBOB"
#define CAROL "slack:UCAROL"

struct core {
	char folder[64];
	struct store *store;
	struct config *config;
	struct clock clock;
	struct desk desk;
	struct arena *arena;
	struct error err;
	struct reply reply;   /* of the last request */
	const char *text;     /* the same as plain text, UTC */
	const char *channel;  /* where the next thing is said; NULL: nowhere */
	bool forms;           /* the front end can show forms */
	int64_t delivered;    /* serial number for keys of messages */
};

int core_setup(void **state);
int core_teardown(void **state);

/* One typed line by alice, resp. by somebody else; the reply as plain text, "" when there is none. */
const char *core_say(struct core *x, const char *words);
const char *core_say_as(struct core *x, const char *person, const char *words);
/* A button or a filled form: an operation with arguments (taken over). */
const char *core_press(struct core *x, const char *person, const char *op, int64_t incident, json_t *args_take);
const char *core_submit(struct core *x, const char *person, const char *op, int64_t incident, json_t *args_take);
/* An event from outside. */
const char *core_event(struct core *x, const char *person, const char *op);

/* Turns the clock, running every timer at its time. */
void core_pass(struct core *x, int64_t ms);
/* Delivers all effects that may go now, and those that follow from them. Channels become slack:CINC<id>. */
void core_deliver(struct core *x);
/* Ends every effect that is waiting, so that what comes next stands alone. */
void core_forget(struct core *x);

struct incident core_incident(struct core *x, int64_t id);
/* The open promise; due_at 0 when there is none. */
struct promise core_promise(struct core *x, int64_t incident, enum promise_kind kind);
/* The last one of the kind, open or not; id 0 when there never was one. */
struct promise core_promise_last(struct core *x, int64_t incident, enum promise_kind kind);
/* How many timers are armed for the incident. */
size_t core_timers(struct core *x, int64_t incident);
/* The newest timeline entry, and the n-th from the end. */
struct timeline_entry core_entry(struct core *x, int64_t incident, size_t from_end);
size_t core_entries(struct core *x, int64_t incident);
const char *core_role(struct core *x, int64_t incident, const char *role);
/* Effects not yet ended of this kind and target (NULL: any), oldest first. */
size_t core_effects(struct core *x, enum effect_kind kind, const char *to, struct effect_row **out);
/* The document of the newest of them as plain text; fails when there is none. */
const char *core_said(struct core *x, enum effect_kind kind, const char *to);
/* The label of the button for this operation in the reply's document; NULL. */
const char *core_button(struct core *x, const char *op);

void assert_has(const char *text, const char *words);
void assert_has_not(const char *text, const char *words);
/* The reply was a refusal of this code that says these words. */
void assert_refused(struct core *x, const char *code, const char *words);
void assert_answered(struct core *x, const char *words);

#endif
