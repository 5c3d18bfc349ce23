#ifndef INCIDENT_REQUEST_H
#define INCIDENT_REQUEST_H
/*
 * The vocabulary of the two doors: requests in, replies and effects out (docs/DESIGN.md §1).
 * Everything that wants something is a request; adapters make them, operations run them.
 *
 * People, channels and messages are named by keys with their system in front: "slack:U123",
 * "unix:1000", "sitrep" (ourselves); "slack:C123"; "slack:C123/1700000000.000100".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

struct arena;

#define PERSON_SELF "sitrep"
#define REQUEST_KEYS_MAX 4

enum request_source {
	REQUEST_CHAT,    /* a person in chat: words, button, form, reaction, shortcut */
	REQUEST_SHELL,   /* sitrep ctl */
	REQUEST_API,     /* a program, by the HTTP API; the actor is its token, "token:ci" */
	REQUEST_TIMER,   /* a timer came due */
	REQUEST_OUTCOME, /* how the delivery of an effect ended */
	REQUEST_EVENT,   /* something happened outside: a reaction, a Home tab opened, a connection state */
};

struct actor {
	const char *person; /* key; PERSON_SELF for timers and outcomes */
	const char *name;   /* as the front end knows it ("bob"); may be NULL */
};

struct place {
	const char *channel; /* key; NULL when there is none (ctl, modal) */
	const char *thread;  /* message key of the thread's root; NULL */
	const char *message; /* message key the request is about (button, reaction, shortcut); NULL */
};

struct request {
	struct arena *arena;       /* owns everything below; goes with the request */
	enum request_source source;
	struct actor actor;
	struct place place;
	/* Delivery keys, each a name of this delivery ("slack:envelope:…", "slack:trigger:…"): if any is in the inbox, it was seen. None: never deduplicated. */
	const char *keys[REQUEST_KEYS_MAX];
	size_t key_count;
	/* Either a typed line … */
	const char *words;
	/* … or an operation by name, with arguments as a JSON object of strings (or numbers, booleans, arrays of strings); a form's answer has asked_form set. */
	const char *operation;
	json_t *args;              /* owned, NULL when none */
	int64_t incident;          /* named by the button or form; 0 = by words or place */
	bool from_form;            /* field errors may be shown at their fields */
	bool can_open_form;        /* the front end can show a form as the reply */
	int64_t received_at;       /* ms, wall */
	int64_t due_at;            /* timers: when it was due */
	int64_t effect;            /* outcomes: row id of the effect */
	/* The adapter's own: which adapter takes the reply, and its handle (on the arena). */
	int adapter;
	void *handle;
};

/* The arena has REQUEST_ARENA_MAX; the request itself lives in it. */
#define REQUEST_ARENA_MAX (8u << 20)
struct request *request_create(enum request_source source);
void request_destroy(struct request *r); /* releases args and arena; accepts NULL */
void request_add_key(struct request *r, const char *prefix, const char *value); /* copied as one line; NULL or empty value adds nothing */

/* ---- replies ---------------------------------------------------------------------------- */

enum reply_kind {
	REPLY_NONE,    /* received; nothing to say */
	REPLY_MESSAGE, /* a document, for the asker alone */
	REPLY_FORM,    /* a form to be filled in */
	REPLY_REFUSAL, /* a document that says what was not done, why, and what to do; with field errors for a form */
};

struct reply {
	enum reply_kind kind;
	const char *code; /* refusal: "usage", "unknown", "forbidden", "not_found", "conflict", "policy", "internal" */
	json_t *doc;      /* message, refusal (owned) */
	json_t *form;     /* form (owned) */
	json_t *fields;   /* refusal: {argument: message} (owned), NULL when none */
};

void reply_finish(struct reply *r);
/* As stored in the inbox, and back. */
char *reply_text(struct arena *a, const struct reply *r);
int reply_parse(const char *text, struct reply *out, struct arena *a);

/* What the core hands to an adapter: the request comes home with its reply. It lives on the request's arena;
 * answer_destroy ends all three. A refusal with code "internal" means that nothing could be recorded: what
 * is delivered again by itself (events) must not be acknowledged then. */
struct answer {
	struct request *request;
	struct reply reply;
};
struct answer *answer_create(struct request *take);
void answer_destroy(struct answer *a); /* accepts NULL */

/* ---- effects ---------------------------------------------------------------------------- */

/*
 * What the outside must come to see. Neutral kinds; the adapter knows how.
 * `payload` and `result` are JSON objects with the fields named here; "doc" is a document (incident/doc.h).
 */
enum effect_kind {
	EFFECT_CHANNEL_OPEN,     /* {name, private, people[]} → {channel, name, url?}: idempotent by name */
	EFFECT_CHANNEL_INVITE,   /* {people[]} */
	EFFECT_CHANNEL_REMOVE,   /* {people[]}: from a private channel; who is not in it counts as removed */
	EFFECT_CHANNEL_TOPIC,    /* {text} */
	EFFECT_CHANNEL_BOOKMARK, /* {title, url} → {id} */
	EFFECT_MESSAGE_POST,     /* {doc} to channel, in thread if set → {message, url?} */
	EFFECT_MESSAGE_EDIT,     /* {doc} of message */
	EFFECT_MESSAGE_PIN,      /* message */
	EFFECT_MESSAGE_PRIVATE,  /* {person, doc}: a direct message → {message} */
	EFFECT_MESSAGE_FETCH,    /* message → {text, author, at, url}: reads, to put a pinned message on the timeline */
	EFFECT_PERSON_FETCH,     /* {person} → {name, zone, email?} */
	EFFECT_HOME_SHOW,        /* {person, doc}: the Home tab */
	EFFECT_CHANNEL_RENAME,   /* {name} */
	EFFECT_FILE_SHARE,       /* {name, title, text, person?}: to the channel, or to the person alone → {file} */
	/* The issue tracker. An issue is named by its id, which stays when it is moved; {issue} is that id as text, {field: value}
	 * are objects by issue_field_name() (incident/issue.h), "read" is what was read of an issue at the end of the attempt:
	 *   {id, name, url, updated_ms, change, values {field: value}, by {field: {name, at_ms}}, twin?}, or {id, gone: true}. */
	EFFECT_ISSUE_CREATE,  /* {project, type, parent?, values, text, labels[], label, property{}, fields{}} → {read}: found again by `label`, unique to it */
	EFFECT_ISSUE_SYNC,    /* {issue or name, send {field: value}, theirs {field: value}, comment_after}: reads; writes what of `send` is not there yet, if
	                       * theirs is still what it was; reads again if it wrote
	                       * → {read, written {field: value}, trouble {field: reason}, comments [{id, author, name, at_ms, text}], comments_left? {upto, newest}: very many; those after `upto` are for the next one} */
	EFFECT_ISSUE_COMMENT, /* {issue, text} → {comment}: found again by op_id in the comment's property */
	EFFECT_ISSUE_MARK,    /* {issue, on, label, common_label, property{}, links [{id, url, title}]}: upsert, or with on false takes ours away */
	EFFECT_ISSUE_POLL,    /* {elapsed_ms, label, projects[]} → {issues [{id, name, updated_ms}], complete}: what changed in the last elapsed_ms */
};
#define EFFECT_KIND_COUNT 19
const char *effect_kind_name(enum effect_kind k); /* "message.post" */

enum effect_state { EFFECT_WAITING, EFFECT_READY, EFFECT_STARTED, EFFECT_DELIVERED, EFFECT_FAILED, EFFECT_DROPPED };
#define EFFECT_STATE_COUNT 6
const char *effect_state_name(enum effect_state s);

/* An effect as the adapter gets it: all targets resolved by the core. On its own arena. */
struct effect {
	struct arena *arena;
	int64_t id;              /* row */
	const char *op_id;       /* ULID: travels with it (message metadata), found again by it */
	int64_t incident;        /* 0 = none */
	const char *system;      /* which adapter performs it: "slack", "jira" */
	enum effect_kind kind;
	int attempt;             /* 1 = first */
	bool verify;             /* an earlier attempt's outcome is unknown: look before doing it */
	int64_t created_at;      /* ms: how far back to look */
	const char *channel;     /* key or configured name ("#incidents"); NULL */
	const char *thread;      /* message key; NULL */
	const char *message;     /* message key; NULL */
	json_t *payload;         /* owned */
	void *adapter;           /* the adapter's own while it works on it */
};
void effect_destroy(struct effect *e);

enum outcome {
	OUTCOME_DELIVERED, /* done, or found done */
	OUTCOME_RETRY,     /* certainly not done; may work later */
	OUTCOME_UNKNOWN,   /* may have been done: verify before the next attempt */
	OUTCOME_REFUSED,   /* certainly not done and never will be */
};
const char *outcome_name(enum outcome o);
bool outcome_parse(const char *name, enum outcome *out);

/* A REQUEST_OUTCOME with operation "effect.outcome" and args
 * {outcome, result?, error?, retry_after_ms?}; keeps the reference to result. error: for people, no secrets.
 * retry_after_ms: what the other side asked for, else 0. */
struct request *outcome_request(const struct effect *e, enum outcome o, json_t *result_take,
	const char *error, int64_t retry_after_ms);

#endif
