#ifndef COMMANDS_MESSAGES_H
#define COMMANDS_MESSAGES_H
/*
 * Documents and phrases that several verbs share. Everything returned lives on the call's arena,
 * documents are new references. Text that goes on the timeline is plain: no marks, times with their
 * zone named.
 */
#include "commands/call.h"
#include "incident/status_update.h"
#include "incident/template.h"

/* One line, as fallback and as the message itself; buttons may be added. */
json_t *message_line(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A status update for channel and thread, worded by the policy (FEATURES E6). next_at 0: none is
 * promised any more. */
json_t *message_update(
	struct call *c, enum template_kind kind, const struct status_update *u, int64_t next_at);
/* How it ended: duration, impact, what was done, evidence. text may be NULL. */
json_t *message_resolution(struct call *c, const char *text);

/* In the incident's channel and under its announcement; once only where the incident has to live
 * under its announcement because the chat opens no channel. 0 or -errno. */
int message_publish(struct call *c, json_t *channel_take, json_t *thread_take);

/* The operation's form, with what is still needed said on top. */
struct done message_form(struct call *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A form can be shown, and this is not its answer. */
bool message_may_ask(const struct call *c);

/* Time for the timeline: "14:05 UTC", in the zone of the configuration. */
const char *message_plain_time(struct call *c, int64_t ms);
/* text, cut at a character's edge with "…" when it is longer than max bytes; line breaks become
 * blanks. */
const char *message_short(struct call *c, const char *text, size_t max);
/* "@bob @carol": the holders of these roles who are not the actor, each once, as mentions; "" when
 * none. */
const char *message_call_on(struct call *c, const char *const *roles, size_t n);
/* "#inc-42-checkout" as a mark when the channel exists already; NULL when it does not. */
const char *message_channel_mark(struct call *c);
/* "Incident commander" */
const char *message_role_title(struct call *c, const char *role);
/* "/inc reopen #42 why" as code. */
const char *message_usage(struct call *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "shop, payments"; "" when none. */
const char *message_services(struct call *c);
/* "Take command", "Take scribe": the button that claims the role on c->incident. */
void message_take_button(struct call *c, json_t *doc, const char *role);
/* The four ways to change the approach, as answers to `strategy` (verbs/strategy.c). */
void message_strategy_buttons(json_t *doc, int64_t incident);
/* ": reason" or "" */
const char *message_because(struct call *c, const char *why);

/* Text of the record, where people may stand by their account ("@U012AB3CD"): by the names that they
 * have now (commands/words.c). */
const char *words_named(struct call *c, const char *text);

#endif
