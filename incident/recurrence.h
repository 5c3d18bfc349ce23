#ifndef INCIDENT_RECURRENCE_H
#define INCIDENT_RECURRENCE_H
/* Causes that come back (FEATURES I6): the same service and class of cause, or the same fingerprint. Pure. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "incident/followup.h"

enum cause_class {
	CAUSE_UNKNOWN, CAUSE_CHANGE, CAUSE_CONFIGURATION, CAUSE_CAPACITY, CAUSE_DEPENDENCY, CAUSE_DATA, CAUSE_NETWORK, CAUSE_CERTIFICATE,
	CAUSE_HARDWARE, CAUSE_SOFTWARE, CAUSE_SECURITY, CAUSE_PROCESS,
};
#define CAUSE_CLASS_COUNT 12
const char *cause_class_name(enum cause_class c);
bool cause_class_parse(const char *text, enum cause_class *out); /* synonyms: deploy, rollout, flag; config; load; dns … */
const char *cause_class_help(enum cause_class c);

struct cause {
	int64_t incident;
	enum cause_class class;
	const char *fingerprint; /* of the alert or failure; NULL */
	const char *services;    /* of the incident, comma-separated */
	int64_t at;              /* ms: when the incident was declared */
	int64_t again;           /* the earlier incident that it repeats; 0 */
};
enum recurrence { RECURRENCE_NONE, RECURRENCE_CAUSE, RECURRENCE_FINGERPRINT };
/* Why b is the same again as a. CAUSE_UNKNOWN matches nothing; a shared service is needed for the class, not for the fingerprint. */
enum recurrence recurrence_of(const struct cause *a, const struct cause *b);
/* Which standard a repeated cause of this class asks to look at. */
enum followup_standard recurrence_standard(enum cause_class c);
/* The follow-up that is proposed: "Agree an SLO for checkout and alert on its burn rate". */
void recurrence_proposal(enum followup_standard s, const char *service, char *out, size_t size);

#endif
