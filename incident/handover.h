#ifndef INCIDENT_HANDOVER_H
#define INCIDENT_HANDOVER_H
/*
 * Handover of the commander (FEATURES D5): accepted, not assigned. Until the incoming person accepts,
 * the outgoing one holds the role.
 *
 *   offered ──accept (by the one it was offered to)──► accepted
 *      ├── decline ──► declined     ├── taken back ──► withdrawn     └── nobody answers ──► expired
 */
#include <stdbool.h>
#include <stdint.h>

enum handover_state {
	HANDOVER_OFFERED, HANDOVER_ACCEPTED, HANDOVER_DECLINED, HANDOVER_WITHDRAWN, HANDOVER_EXPIRED,
};
#define HANDOVER_STATE_COUNT 5

struct handover {
	int64_t id, incident;
	char *from, *to;        /* persons */
	enum handover_state state;
	int64_t offered_at, ended_at; /* ms */
	int64_t checkpoint;     /* packet it was offered with */
};
const char *handover_state_name(enum handover_state s);

#endif
