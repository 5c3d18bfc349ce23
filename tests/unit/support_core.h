#ifndef SUPPORT_CORE_H
#define SUPPORT_CORE_H
/*
 * A desk with everything behind it: a database in a folder of its own, the shipped config, a clock
 * that is turned by hand, the real dispatcher. What is said to it is answered as plain text; what
 * it wants to be seen outside can be looked at, and delivered by a chat that is not there.
 */
#include "base/clock.h"
#include "commands/dispatch.h"
#include "incident/promise.h"
#include "incident/timeline.h"
#include "store/effects.h"
#include "store/incidents.h"

/* 2026-03-02 14:00 UTC, a Monday. */
#define TALK_START INT64_C(1772460000000)
#define ALICE	   "slack:UALICE"
#define BOB	   "slack:UBOB"
#define CAROL	   "slack:UCAROL"

struct talk {
	char folder[64];
	struct store *store;
	struct config *config;
	struct clock clock;
	struct desk desk;
	struct arena *arena;
	struct error err;
	struct reply reply;  /* of the last request */
	const char *text;    /* the same as plain text, UTC */
	const char *channel; /* where the next thing is said; NULL: nowhere */
	bool forms;	     /* the front end can show forms */
	int64_t delivered;   /* serial number for keys of messages */
	struct escalation_chain tiers; /* as shipped; talk_setup leaves the rules out, see talk_tiers */
};

int talk_setup(void **state);
int talk_teardown(void **state);
/* The tiers call by their rules from here on, as shipped. */
void talk_tiers(struct talk *x);

/* One typed line by alice, resp. by somebody else; the reply as plain text, "" when there is none.
 */
const char *talk_say(struct talk *x, const char *words);
const char *talk_say_as(struct talk *x, const char *person, const char *words);
/* A button or a filled form: an operation with arguments (taken over). */
const char *talk_press(
	struct talk *x, const char *person, const char *op, int64_t incident, json_t *args_take);
const char *talk_submit(
	struct talk *x, const char *person, const char *op, int64_t incident, json_t *args_take);
/* An event from outside. */
const char *talk_event(struct talk *x, const char *person, const char *op);

/* Turns the clock, running every timer at its time. */
void talk_pass(struct talk *x, int64_t ms);
/* Delivers all effects that may go now, and those that follow from them. Channels become
 * slack:CINC<id>. */
void talk_deliver(struct talk *x);
/* Begins what may go now, into out, the caller's; how many. Each is ended by what became of it: it is
 * destroyed, the result taken over, code is NULL unless it was refused. */
size_t talk_begin(struct talk *x, struct effect *out[64]);
void talk_end(struct talk *x, struct effect *take, enum outcome outcome, json_t *result_take,
	const char *code);
/* Ends every effect that is waiting, so that what comes next stands alone. */
void talk_forget(struct talk *x);

struct incident talk_incident(struct talk *x, int64_t id);
/* The open promise; due_at 0 when there is none. */
struct promise talk_promise(struct talk *x, int64_t incident, enum promise_kind kind);
/* The last one of the kind, open or not; id 0 when there never was one. */
struct promise talk_promise_last(struct talk *x, int64_t incident, enum promise_kind kind);
/* The one that ended last; zeroed. */
struct promise talk_promise_ended(struct talk *x, int64_t incident, enum promise_kind kind);
/* How many timers are armed for the incident. */
size_t talk_timers(struct talk *x, int64_t incident);
/* … of this name: "promise", "handover", "chair" … */
size_t talk_timers_named(struct talk *x, int64_t incident, const char *name);
/* The newest timeline entry, and the n-th from the end. */
struct timeline_entry talk_entry(struct talk *x, int64_t incident, size_t from_end);
size_t talk_entries(struct talk *x, int64_t incident);
const char *talk_role(struct talk *x, int64_t incident, const char *role);
/* Effects not yet ended of this kind and target (NULL: any), oldest first. */
size_t talk_effects(struct talk *x, enum effect_kind kind, const char *to, struct effect_row **out);
/* The document of the newest of them as plain text; fails when there is none. */
const char *talk_said(struct talk *x, enum effect_kind kind, const char *to);
/* All that waits is begun; the file of it, which is the caller's (effect_destroy). */
struct effect *talk_file(struct talk *x);
/* The label of the button for this operation in the reply's document; NULL. */
const char *talk_button(struct talk *x, const char *op);

void assert_has(const char *text, const char *words);
void assert_has_not(const char *text, const char *words);
/* The reply was a refusal of this code that says these words. */
void assert_refused(struct talk *x, const char *code, const char *words);
void assert_answered(struct talk *x, const char *words);

#endif
