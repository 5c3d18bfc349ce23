#ifndef COMMANDS_CALL_H
#define COMMANDS_CALL_H
/*
 * One run of one operation: what a verb sees. The target incident is loaded, rights are checked and
 * arguments are typed before run(). A verb changes c->incident in place and says call_touch(); the
 * dispatcher saves it, writes the audit and refreshes the card afterwards, once.
 */
#include "base/arena.h"
#include "base/error.h"
#include "commands/operation.h"
#include "config/config.h"
#include "incident/doc.h"
#include "incident/incident.h"
#include "incident/request.h"
#include "incident/role.h"
#include "incident/timeline.h"
#include "store/store.h"

/* A call changes the promises of its incident; merging, of two. */
#define CALL_REARM_MAX 4
#define CALL_ARGS_MAX 24

struct desk;

/* Who is shown which protected incident: audited at the end. */
#define CALL_LOOKS_MAX 64
struct call_look {
	int64_t incident;
	const char *person;
};

struct arg_value {
	bool given;
	const char *text;  /* as typed, cleaned; persons: key; roles and choices: canonical word */
	int64_t number;    /* severity level, duration ms, time ms, integer, flag 0/1 */
};

struct call {
	struct desk *desk;            /* whose call it is (commands/dispatch.h) */
	struct arena *arena;          /* the request's */
	struct store *store;
	const struct config *config;
	const struct request *request;
	const struct operation *op;
	struct reply *reply;
	struct error err;             /* why an internal step failed */
	int64_t now;                  /* ms; the same for the whole call */
	const char *actor;            /* person key */
	const char *actor_name;       /* as we know it ("bob"), NULL */
	const char *zone;             /* the actor's IANA zone, else the config's */

	bool has_incident;
	struct incident incident;
	struct role_set roles;        /* of the incident; reload with call_load_roles after a change */
	const char *understood;       /* how an ambiguous line was taken: said in the answer; NULL */

	struct arg_value value[CALL_ARGS_MAX]; /* by position in op->args */

	/* What run() asked for. */
	bool fresh;                   /* the incident was made by this call: nothing of it is in the record yet but what this call wrote */
	unsigned promised;            /* 1 << promise_kind: made by this call */
	int64_t wake_at;              /* fresh: next step of the promises made by this call; 0 = none */
	bool promise_ended;           /* one of them was ended or moved: wake_at does not tell any more */
	int64_t rearm[CALL_REARM_MAX]; /* incidents whose promises changed; 0 = none */
	bool touched;                 /* incident changed: save it and refresh what shows it */
	bool audited;                 /* an audit entry was written: the dispatcher need not */
	bool announce;                /* … the announcement too (state, severity, title, commander changed) */
	bool engage;                  /* what the rules of escalation look at changed: they are asked at the end */
	struct call_look look[CALL_LOOKS_MAX]; /* protected_looked() */
	size_t look_count;
	int64_t away_from, away_to;   /* timers after downtime: when the process was away; 0 */
};

/* ---- arguments: the name must be declared (asserted) ---- */
bool call_given(const struct call *c, const char *arg);
const char *call_text(const struct call *c, const char *arg); /* NULL when not given */
int64_t call_number(const struct call *c, const char *arg, int64_t otherwise);
bool call_flag(const struct call *c, const char *arg);

/* ---- ends of run() ---- */
struct done call_reply(struct call *c, json_t *doc_take);        /* to the asker alone */
struct done call_replyf(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct done call_form(struct call *c, json_t *form_take);
struct done call_nothing(struct call *c);                        /* received, nothing to say */
/* Refusal: what was not done, why, what to do. Rolls the call back. code as in struct reply. */
struct done call_refuse(struct call *c, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct done call_refuse_doc(struct call *c, const char *code, json_t *doc_take);
/* The same about one argument: shown at its field in a form. */
struct done call_refuse_arg(struct call *c, const char *arg, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* An internal step failed; c->err says why. Rolled back, logged, answered with "nothing was done". */
struct done call_fail(struct call *c);

/* ---- changing the record (commands/record.c) ---- */
void call_touch(struct call *c);
void call_touch_announce(struct call *c);
int call_load_roles(struct call *c);
/* Timeline entry by the actor, now, on c->incident; and an audit entry `action` with the same text as meta. 0 or -errno in c->err. */
int record_event(struct call *c, enum timeline_kind kind, const char *action, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
struct record_entry {
	enum timeline_kind kind;
	const char *action;   /* audit action; NULL: timeline only */
	const char *text;
	int64_t happened_at;  /* 0 = now */
	const char *author;   /* NULL = the actor */
	const char *source;   /* NULL */
	const char *meta;     /* JSON text; NULL */
	int64_t corrects;
};
int record_entry(struct call *c, const struct record_entry *e); /* -EEXIST: that source is there already */
int record_audit(struct call *c, const char *entity, int64_t id, const char *level, const char *action, const char *meta);

/* ---- saying things outside: effects of this transaction (commands/say.c) ---- */
/* A message in the incident's channel. slot: NULL, or the name to find it by later. 0 or -errno. */
int say_channel(struct call *c, json_t *doc_take, const char *slot);
int say_announce_thread(struct call *c, json_t *doc_take);  /* under the announcement */
int say_person(struct call *c, const char *person, json_t *doc_take); /* a direct message */
/* Into a protected incident's channel: with it they get access, audited. */
int say_people_invite(struct call *c, const char *const *people, size_t n);
int say_people_remove(struct call *c, const char *const *people, size_t n);
/* Opening an incident: channel, card (pinned), bookmark, topic, announcement; in order, each when the one before is there. */
int say_open(struct call *c);
/* The card, topic and announcement as they are now; coalesced with what still waits. Called by the dispatcher for touched calls. */
int say_refresh(struct call *c, bool announce);
int say_fetch_person(struct call *c, const char *person);

/* ---- promises (commands/promises.c) ---- */
/* Makes (or replaces) the open promise of the kind, due at due_at, and arms its timer. */
int promise_make(struct call *c, int kind, int64_t due_at);
int promise_keep(struct call *c, int kind);       /* kept now; the timer goes. Absent is fine. */
int promise_withdraw(struct call *c, int kind);   /* no longer owed */
int promise_withdraw_all(struct call *c);         /* resolved, cancelled */
int promise_quiet(struct call *c, int kind, int64_t until); /* snooze: reminders count from then */
/* Due time of the open promise, 0 when none; quiet_until likewise may be NULL. */
int64_t promise_due_at(struct call *c, int kind, int64_t *quiet_until);
int64_t call_cadence(const struct call *c);       /* ms: the incident's own, else the policy's */
/* All promises that a newly declared or reopened incident owes. first: the first-update time of the level counts. */
int promise_make_all(struct call *c, bool first);

/* One timer an incident wakes for the next step of any of its promises. Asked for by whatever changes
 * one; armed once, at the end of the call (dispatch.c). */
void promise_rearm_later(struct call *c);
int promise_timer_arm(struct call *c);
/* The open promises of an incident into out[PROMISE_KIND_COUNT], at most one of a kind. 0 or -errno in c->err. */
struct promise;
int promise_open_all(struct call *c, int64_t incident, struct promise *out, size_t *count);

/* ---- words for people (commands/words.c) ---- */
const char *words_name(struct call *c, const char *person);    /* "@bob" without notifying; markup: a person's name is plain text */
const char *words_mention(struct call *c, const char *person); /* markup that notifies */
const char *words_id(struct call *c, int64_t incident);        /* "INC-42" */
const char *words_time(struct call *c, int64_t ms);            /* markup: time in the reader's zone */
const char *words_for(struct call *c, int64_t ms);             /* duration: "12 min" */
const char *words_severity(struct call *c, int level);         /* "SEV2" */

/* ---- projections: what shows the record; made when the effect starts (commands/views.c) ---- */
json_t *view_card(struct call *c);          /* live card */
json_t *view_announcement(struct call *c);  /* one line */
char *view_topic(struct call *c);           /* ≤ 250 characters, plain */
json_t *view_home(struct call *c, const char *person); /* App Home */
/* A protocol-neutral short text of an update for channel and thread. */

#endif
