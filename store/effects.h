#ifndef STORE_EFFECTS_H
#define STORE_EFFECTS_H
/*
 * Effects: what the outside must come to see, rows of the transaction that decided it.
 *
 *   waiting (not first of its lane) → ready → started → delivered
 *        ready ◄── retry, unknown ───────┘ └──► failed (refused) / dropped (superseded, given up)
 *
 * A lane keeps order: only its first unfinished effect is ready. When it ends, the next becomes ready.
 */
#include "incident/request.h"
#include "store/store.h"

struct effect_row {
	int64_t id;
	const char *op_id;       /* ULID; NULL on insert: made */
	int64_t incident;        /* 0 = none */
	const char *system;      /* "slack" */
	const char *lane;        /* e.g. "slack/42", "slack/person/slack:U1" */
	enum effect_kind kind;
	enum effect_state state;
	const char *to;          /* where: "incident" (its channel), "announce", a channel key, or a person's key; resolved when it is started */
	const char *slot;        /* name under which the result is kept as a reference ("card", "announcement"), or which message to edit, pin, thread under; NULL */
	const char *thread_slot; /* post as a reply under this slot's message; NULL */
	const char *payload;     /* JSON object text; NULL: made from the record when it is started (card, announcement, topic, home) */
	int64_t due_at, created_at, started_at, ended_at; /* ms */
	int attempts;
	bool verify;             /* outcome of an attempt unknown: look first */
	const char *error;       /* last one, for people; NULL */
	int64_t revision;        /* of the incident when it was made */
};

/* Sets row->id and op_id (on the arena). Ready at once when it is first of its lane. due_at 0 = now. */
int effect_insert(struct store *s, struct arena *a, struct effect_row *row, struct error *err);
/* Is an effect of this kind and slot for the incident still waiting or ready (not started)? Then a further edit would say the same: coalesce. 0 = none, else its id in *id. */
int effect_pending(struct store *s, int64_t incident, enum effect_kind kind, const char *slot, int64_t *id, struct error *err);
/* The same for one that is with the adapter now: what it says was made before this moment. */
int effect_under_way(struct store *s, int64_t incident, enum effect_kind kind, const char *slot, int64_t *id, struct error *err);
/* Ready and due, of one kind, oldest first, at most max. */
int effect_due(struct store *s, struct arena *a, enum effect_kind kind, int64_t now, int max,
	struct effect_row **out, size_t *count, struct error *err);
int effect_load(struct store *s, struct arena *a, int64_t id, struct effect_row *out, struct error *err);
int effect_start(struct store *s, int64_t id, int64_t now, struct error *err);   /* attempts + 1 */
/* Records the attempt (if it was started) and moves the row; ending it promotes the next of the lane.
 * -EALREADY when it has ended, -EINVAL when a retry is asked for what is not started. */
int effect_end(struct store *s, int64_t id, enum effect_state state, const char *error, int64_t now, struct error *err);
int effect_retry(struct store *s, int64_t id, int64_t due_at, bool verify, const char *error, int64_t now, struct error *err);
/* One that failed is tried once more, in its lane: after what is under way, before what waits. -EINVAL when it has not failed. */
int effect_revive(struct store *s, int64_t id, int64_t now, struct error *err);
/* What is not started is due now; what is to be looked for first, at verify_at. Nothing is put off. */
int effect_hasten(struct store *s, const char *lane, int64_t now, int64_t verify_at, struct error *err);
/* The clock was set back: what waits for a while still waits for so long, not until the old clock's time comes again. */
int effect_set_back(struct store *s, int64_t by_ms, int64_t now, struct error *err);
/* At start: everything found started is of unknown outcome: ready again at due_at, with verify. */
int effect_recover(struct store *s, int64_t now, int64_t due_at, int64_t *count, struct error *err);
/* Earliest due_at of the ready ones of a kind (one index seek); 0 = none. */
int effect_next_due_of(struct store *s, enum effect_kind kind, int64_t *due_at, struct error *err);
/* Not ended effects: of one incident (0 = all). */
int effect_open_list(struct store *s, struct arena *a, int64_t incident, int limit, struct effect_row **out, size_t *count, struct error *err);
/* oldest_ms: created_at of the oldest, 0 when there is none. */
int effect_open_count(struct store *s, int64_t incident, int64_t *count, int64_t *oldest_ms, struct error *err);
int effect_failed_list(struct store *s, struct arena *a, int64_t incident, int limit, struct effect_row **out, size_t *count, struct error *err);
/* Ended ones before `before` are forgotten together with their attempts, at most max. The newest effect stays, so that no id is given twice, and those of protected incidents. */
int effect_prune(struct store *s, int64_t before, int max, bool *left, struct error *err);

#endif
