#include "incident/timeline.h"

#include <stddef.h>

#include "base/text.h"

static const char *const kind_names[ENTRY_KIND_COUNT] = {
	[ENTRY_DETECTION] = "detection",
	[ENTRY_TRIAGE] = "triage",
	[ENTRY_FACT] = "fact",
	[ENTRY_HYPOTHESIS] = "hypothesis",
	[ENTRY_DECISION] = "decision",
	[ENTRY_ACTION] = "action",
	[ENTRY_MITIGATION] = "mitigation",
	[ENTRY_COMMUNICATION] = "communication",
	[ENTRY_RESPONSIBILITY] = "responsibility",
	[ENTRY_RESOLUTION] = "resolution",
	[ENTRY_RECURRENCE] = "recurrence",
	[ENTRY_NOTE] = "note",
};

const char *timeline_kind_name(enum timeline_kind k)
{
	return (unsigned)k < ENTRY_KIND_COUNT ? kind_names[k] : "unknown";
}

bool timeline_kind_parse(const char *name, enum timeline_kind *out)
{
	for (int i = 0; name && i < ENTRY_KIND_COUNT; i++) {
		if (!text_equal_fold(name, kind_names[i]))
			continue;
		*out = (enum timeline_kind)i;
		return true;
	}
	return false;
}
