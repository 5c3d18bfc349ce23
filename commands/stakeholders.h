#ifndef COMMANDS_STAKEHOLDERS_H
#define COMMANDS_STAKEHOLDERS_H
/* People who follow an incident from outside (FEATURES E7). 0 or a negative errno in c->err. */
#include "commands/call.h"

#define TOPIC_ALL "all"

/* "incident/42", "service/checkout" as the store keys it; on the arena. */
const char *topic_incident(struct call *c, int64_t incident);
const char *topic_service(struct call *c, const char *service);
/* "INC-42", "service checkout", "every incident"; NULL for what is no topic. *incident: its number,
 * or 0. */
const char *topic_words(struct call *c, const char *topic, int64_t *incident);
/* "/inc unsubscribe --service checkout" */
const char *topic_end_usage(struct call *c, const char *topic);
void topic_end_button(struct call *c, json_t *doc, const char *label, const char *topic);

/* The document to everybody who follows c->incident and may see it, each once, but for the actor; with
 * a line how to stop. */
int stakeholders_tell(struct call *c, json_t *doc_take);
/* The level is another one now, was `old`. */
int stakeholders_tell_level(struct call *c, int old, const char *why);

#endif
