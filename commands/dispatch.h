#ifndef COMMANDS_DISPATCH_H
#define COMMANDS_DISPATCH_H
/*
 * The one way in: a request runs one operation, in one savepoint, against the record. Inbox first, then the words, the target, the rights, the
 * arguments, run(), the audit, the stored reply. The core (bot/) calls nothing else.
 */
#include "base/clock.h"
#include "config/config.h"
#include "incident/request.h"
#include "store/store.h"

struct desk {                      /* what every call needs; the core's */
	struct store *store;
	const struct config *config;
	struct clock *clock;
	int64_t away_from, away_to;    /* the last downtime, ms; 0 when none */
	/* Effects: how many of each kind are with the adapters (the core counts), and when it is worth to
	 * look for more (a hint in memory, so that an idle kind costs no query; too early is harmless). */
	int in_flight[EFFECT_KIND_COUNT];
	int64_t look_at[EFFECT_KIND_COUNT];
};

/* Runs the request; always fills reply (REPLY_NONE at least). The caller has begun the transaction. 0: keep what was done (a refusal counts:
 * its changes are undone inside). Negative: the store itself failed, the whole batch must be rolled back; -ERESTART: something was to be undone
 * in a batch without savepoints (store_begin_together), which has to run again with them. */
int dispatch(struct desk *desk, struct request *r, struct reply *reply, struct error *err);

/* When an outcome is not known, it is looked for no sooner: the request may still be under way to where it is
 * carried out, also when who sent it is dead, and a history may lag behind what was posted. */
#define VERIFY_AFTER_MS SECOND_MS

/* ---- effects on their way out (commands/deliver.c) ---- */
/* Effects that may go now, within what may be in flight: marks them started in the current transaction and
 * gives them with targets and documents resolved, on arenas of their own. Hand them out after the commit,
 * and only then raise in_flight. */
int deliver_start(struct desk *desk, struct effect **out, size_t max, size_t *count, struct error *err);
/* An effect of the kind was made or moved: look for it at due_at. */
void deliver_expect(struct desk *desk, enum effect_kind kind, int64_t due_at);
/* An effect ended, so others of its lane may be ready: look at all kinds. */
void deliver_expect_any(struct desk *desk);
/* At start: what was started is of unknown outcome. */
int deliver_recover(struct desk *desk, struct error *err);
/* When the core must look again at the latest, ms wall; 0 = never. */
int64_t deliver_next(const struct desk *desk);

#endif
