#ifndef COMMANDS_PROTECTED_H
#define COMMANDS_PROTECTED_H
/*
 * Protected incidents (FEATURES G1–G3): who may know that one exists is decided here, once, for
 * every front end. Need to know: by a role on it, or granted by name; whoever has incident.admin
 * sees all. All functions return 0 or a negative errno with the reason in c->err, unless said
 * otherwise.
 */
#include "commands/call.h"
#include "store/incidents.h"

/* May the person know of it? roles: of this incident. PERSON_SELF may. */
int protected_sees(struct call *c, const struct incident *inc, const struct role_set *roles,
	const char *person, bool *sees);
/* The incident as the actor may see it, with its roles; roles may be NULL. -ENOENT both when there
 * is none and when it is not for the actor; the same is looked up either way, so that it takes as
 * long. Every number that somebody outside has said goes through here. */
int protected_load(struct call *c, int64_t id, struct incident *out, struct role_set *roles);
/* Does the person see every protected one, named on it or not? */
bool protected_sees_all(const struct call *c, const char *person);
/* A search finds what the person may see. */
void protected_filter(struct call *c, const char *person, struct incident_filter *f);
/* incident_insert for one that is protected from the beginning: under a number that says nothing.
 */
int protected_insert(struct call *c, struct incident *inc);

/* Whoever is called into c->incident gets access to it, and the audit says so; nothing when it is
 * public, or they have it. how: for the audit, what it came by. */
int protected_admit(struct call *c, const char *person, const char *how);
/* Everybody with access by grant or role, each once. */
int protected_people(struct call *c, const char ***people, size_t *count);

/* The person is about to read this one: audited when the call has ended, whatever its end, if it is
 * protected. */
void protected_looked(struct call *c, const struct incident *inc, const char *person);
int protected_looks_record(struct call *c);

/* ---- what was public (commands/protected_withdraw.c) ---- */
#define SLOT_OLD "old/" /* … and the slot it had: what was posted where others read it */

/* c->incident has just become protected: what the bot has posted elsewhere is edited to a neutral
 * line. */
int protected_withdraw(struct call *c);
/* What one person was sent of c->incident privately. */
int protected_withdraw_from(struct call *c, const char *person);
/* One message, under the slot it had. */
int protected_withdraw_message(struct call *c, const char *slot, const char *key);
/* A channel for everybody that was opened meanwhile. */
int protected_leave_channel(struct call *c, const char *key);
json_t *protected_neutral_doc(void);

#endif
