#include "incident/handover.h"

#include <stddef.h>


static const char *const state_names[HANDOVER_STATE_COUNT] = {
	[HANDOVER_OFFERED] = "offered",
	[HANDOVER_ACCEPTED] = "accepted",
	[HANDOVER_DECLINED] = "declined",
	[HANDOVER_WITHDRAWN] = "withdrawn",
	[HANDOVER_EXPIRED] = "expired",
};

const char *handover_state_name(enum handover_state s)
{
	return (unsigned)s < HANDOVER_STATE_COUNT ? state_names[s] : "unknown";
}
