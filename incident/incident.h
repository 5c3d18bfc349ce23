#ifndef INCIDENT_INCIDENT_H
#define INCIDENT_INCIDENT_H
/* The incident record as rules and operations see it (FEATURES B1). Strings live in the arena of whoever loaded it; NULL = not known. */
#include <stdbool.h>
#include <stdint.h>

#include "incident/lifecycle.h"

#define INCIDENT_TITLE_MAX 300 /* bytes */

struct incident {
	int64_t id;          /* INC-<id> */
	char *title;
	int severity;        /* 1–4 */
	enum incident_state state;
	char *services;      /* comma-separated, lower case */
	char *environment;
	char *source;        /* manual, chat, api, webhook, alert */
	char *reporter;      /* person */
	bool customer_reported;
	bool is_private;
	bool drill;
	char *impact;        /* in words */
	char *tags;          /* comma-separated */
	char *signal;        /* recovery evidence: user-visible signal, or … */
	char *health;        /* internal health signal */
	char *not_verified;  /* … why it was not verified */
	/* Times, ms; 0 = not yet. */
	int64_t declared_at, impact_at, detected_at, acknowledged_at, mitigated_at, resolved_at, closed_at;
	int64_t state_at;    /* since when in this state */
	int64_t cadence_ms;  /* changed for this incident; 0 = the policy's */
	/* The last status update, for the card. */
	int64_t updated_at;
	char *updated_by;    /* person */
	char *update_text;
	int64_t merged_into; /* 0 = not merged */
	char *facts;         /* impact in figures, JSON of struct impact_facts; NULL = nothing known */
	char *size_when_set; /* JSON {users, share_permille, groups}: how large it was when the level was set; NULL = not known */
	int64_t severity_at; /* since when at this level */
	int64_t overruled;   /* 1 << upgrade_rule: facts that a reasoned downgrade has overruled */
	int64_t engage_said; /* 1 << engage_reason: what people have said that tiers are engaged for */
	int64_t revision;    /* grows with every change */
};

#endif
