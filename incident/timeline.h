#ifndef INCIDENT_TIMELINE_H
#define INCIDENT_TIMELINE_H
/* Timeline entries (FEATURES F1, F2): append-only, a correction is a new entry. */
#include <stdbool.h>
#include <stdint.h>

enum timeline_kind {
	ENTRY_DETECTION, ENTRY_TRIAGE, ENTRY_FACT, ENTRY_HYPOTHESIS, ENTRY_DECISION, ENTRY_ACTION,
	ENTRY_MITIGATION, ENTRY_COMMUNICATION, ENTRY_RESPONSIBILITY, ENTRY_RESOLUTION,
	ENTRY_RECURRENCE, ENTRY_NOTE,
};
#define ENTRY_KIND_COUNT 12

struct timeline_entry {
	int64_t id;
	int64_t incident;
	int64_t happened_at; /* ms */
	int64_t recorded_at; /* ms */
	enum timeline_kind kind;
	char *author;        /* person */
	char *text;
	char *source;        /* reference to where it came from: a message's key, a URL; NULL */
	char *meta;          /* JSON text; NULL */
	int64_t corrects;    /* id of the entry this one corrects; 0 */
};

const char *timeline_kind_name(enum timeline_kind k);
bool timeline_kind_parse(const char *name, enum timeline_kind *out);

#endif
