#ifndef COMMANDS_RELATE_H
#define COMMANDS_RELATE_H
/*
 * What belongs together (FEATURES B5): another incident beside c->incident, links, merging. Functions
 * return 0 or a negative errno with the reason in c->err, unless said otherwise.
 */
#include "commands/call.h"

/* Another incident of the same call. */
struct beside {
	struct incident incident;
	struct role_set roles;
};
/* As the actor may see it: protected_load(). */
int beside_load(struct call *c, int64_t id, struct beside *out);
/* Where it went on, at the end of a chain of merges; itself when it is not merged. -ENOENT also when
 * the actor may not see all of the chain. */
int beside_kept(struct call *c, int64_t id, struct beside *out);
/* Runs fn with the other one as c->incident; what it touched is saved and shown, as the dispatcher
 * does for c->incident. */
int beside_run(struct call *c, struct beside *other, int (*fn)(struct call *c, void *ctx), void *ctx);
/* The refusal for a number that leads nowhere, in the words of every other operation. */
struct done beside_absent(struct call *c, int64_t id);

/* "Related", "Merged here": others that everybody who reads the card may know of. */
void relate_fields(struct call *c, json_t *doc);
/* "mitigating", "merged into INC-42" */
const char *relate_state(struct call *c, const struct incident *inc);
/* Where people go for it: its channel as a mark, of a merged one the channel of the other; NULL. */
const char *relate_channel(struct call *c);
/* Buttons of a merged one: where it goes on, and telling it apart. */
void relate_merged_buttons(struct call *c, json_t *doc);

/* ---- the channel (commands/place.c) ---- */

#define LINK_HERE "here" /* "/inc #42 link here": the channel in which it is said */

/* This channel becomes that of c->incident: card, topic and people come, and what it had before says where it goes on. */
struct done place_link(struct call *c);
/* It is no channel of c->incident any more; people and words stay in it. */
struct done place_unlink(struct call *c);

/* ---- merging (commands/merging.c) ---- */

/*
 * c->incident becomes a part of another one. One that is open is cancelled by it (nothing is owed any
 * more, and merged_into tells it from a false alarm); one that has ended keeps its state, as its end
 * was real. Everybody on it is told once and called into the other's channel.
 */
struct done merging_into(struct call *c, int64_t id, const char *why);
/* They are two after all. What was open goes on as investigating and owes again; reopen: what had
 * ended, too. */
struct done merging_apart(struct call *c, const char *why, bool reopen);

#endif
