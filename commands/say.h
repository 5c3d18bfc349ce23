#ifndef COMMANDS_SAY_H
#define COMMANDS_SAY_H
/* What the rooms of commands/ share about effects beyond commands/call.h. */
#include "commands/call.h"
#include "store/effects.h"

#define CHAT_SYSTEM       "slack"
#define SLOT_CHANNEL      "channel"
#define SLOT_CARD         "card"
#define SLOT_ANNOUNCEMENT "announcement"
#define SLOT_POST         "post/" /* … and the effect's number: a message that is not edited any more */
#define SLOT_PRIVATE      "dm/"   /* … the effect's number, a slash and the person */
#define TO_INCIDENT       "incident" /* the incident's channel; until there is one, the announcement's thread */
#define TO_ANNOUNCE       "announce"

/* Completes the row (system unless it is set, incident, times) and inserts it. 0 or -errno in c->err. */
int say_effect(struct call *c, struct effect_row *row);
/* The channel is there: card, invitations, topic; the announcement need not wait any longer. */
int say_channel_opened(struct call *c);
int say_card(struct call *c);        /* posted and pinned */
int say_card_posted(struct call *c); /* bookmarked */
int say_fetch_message(struct call *c, const char *message, const char *thread); /* for the timeline */
/* A file of this kind (commands/files.h): to the person alone, or (NULL) to the channel of the
 * incident, where it was asked for. name: of the file; found again by it, so it says when. */
int say_file(struct call *c, const char *person, const char *name, const char *title,
	const char *kind, json_t *args_take);
/* The same to the incident's own channel, wherever it was caused. */
int say_file_incident(struct call *c, const char *name, const char *title, const char *kind, json_t *args_take);
/* Whoever asked is told that it does not come, and where else to get it. */
int say_file_refused(struct call *c, const struct effect_row *row, const char *error);
/* Was this said in the incident's own channel? */
bool say_is_own_channel(struct call *c);
int say_home(struct call *c, const char *person);
const char *say_channel_name(struct call *c); /* as it will be asked for: "inc-42-checkout-is-failing" */

#endif
