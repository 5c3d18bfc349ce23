#include "incident/lifecycle.h"

#include <stddef.h>

#include "base/str.h"
#include "base/text.h"

#define TO(s) (1u << STATE_##s)
#define TO_ACTIVE                                                                                  \
	(TO(TRIAGE) | TO(INVESTIGATING) | TO(IDENTIFIED) | TO(MITIGATING) | TO(MONITORING))
/* Closing is not among them: it goes by way of resolved, which asks for the evidence. */
#define TO_FROM_ACTIVE (TO_ACTIVE | TO(RESOLVED) | TO(CANCELLED) | TO(AUTO_RESOLVED))

static const struct {
	const char *name;
	unsigned to; /* bits by enum incident_state; its own bit never counts */
} states[STATE_COUNT] = {
	[STATE_TRIAGE] = { "triage", TO_FROM_ACTIVE },
	[STATE_INVESTIGATING] = { "investigating", TO_FROM_ACTIVE },
	[STATE_IDENTIFIED] = { "identified", TO_FROM_ACTIVE },
	[STATE_MITIGATING] = { "mitigating", TO_FROM_ACTIVE },
	[STATE_MONITORING] = { "monitoring", TO_FROM_ACTIVE },
	[STATE_RESOLVED] = { "resolved", TO(CLOSED) | TO(INVESTIGATING) },
	[STATE_CLOSED] = { "closed", TO(INVESTIGATING) },
	[STATE_CANCELLED] = { "cancelled", TO(INVESTIGATING) },
	[STATE_AUTO_RESOLVED] = { "auto_resolved", TO(CLOSED) | TO(INVESTIGATING) },
};

static bool state_in_range(enum incident_state s)
{
	return (unsigned)s < STATE_COUNT;
}

const char *state_name(enum incident_state s)
{
	return state_in_range(s) ? states[s].name : "unknown";
}

bool state_parse(const char *name, enum incident_state *out)
{
	for (int i = 0; name && i < STATE_COUNT; i++) {
		if (!text_equal_fold(name, states[i].name))
			continue;
		*out = (enum incident_state)i;
		return true;
	}
	return false;
}

bool state_active(enum incident_state s)
{
	return state_in_range(s) && (TO_ACTIVE >> s & 1);
}

bool state_legal(enum incident_state from, enum incident_state to)
{
	return state_in_range(from) && state_in_range(to) && from != to &&
	       (states[from].to >> to & 1);
}

bool state_skips(enum incident_state from, enum incident_state to)
{
	/* Only the straight road triage … closed has states between; cancelling and reopening skip
	 * nothing. */
	return state_legal(from, to) && to <= STATE_CLOSED && to > from + 1;
}

void state_list_legal(enum incident_state from, struct str *out)
{
	const char *separator = "";

	for (int to = 0; to < STATE_COUNT; to++) {
		if (!state_legal(from, (enum incident_state)to))
			continue;
		str_addf(out, "%s%s", separator, states[to].name);
		separator = ", ";
	}
}
