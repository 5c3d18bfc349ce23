#include "incident/handover.h"

#include <stddef.h>

#include "base/text.h"

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

bool handover_state_parse(const char *name, enum handover_state *out)
{
	for (int i = 0; name && i < HANDOVER_STATE_COUNT; i++) {
		if (!text_equal_fold(name, state_names[i]))
			continue;
		*out = (enum handover_state)i;
		return true;
	}
	return false;
}
