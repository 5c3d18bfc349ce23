/* The words for sections, layers and states of a postmortem. */
#include <string.h>

#include "base/text.h"
#include "incident/review.h"

static const struct {
	const char *name, *title;
	bool written; /* by people */
} sections[REVIEW_SECTION_COUNT] = {
	[REVIEW_SUMMARY] = { "summary", "Summary", true },
	[REVIEW_IMPACT] = { "impact", "Impact", true },
	[REVIEW_TIMELINE] = { "timeline", "Timeline", false },
	[REVIEW_FACTORS] = { "factors", "Contributing factors", true },
	[REVIEW_WHYS] = { "whys", "Five whys", true },
	[REVIEW_DETECTION] = { "detection", "Detection", true },
	[REVIEW_DEFENCES] = { "defences", "Missed defences", true },
	[REVIEW_WELL] = { "well", "What went well", true },
	[REVIEW_POORLY] = { "poorly", "What went poorly", true },
	[REVIEW_ACTIONS] = { "actions", "Action items", false },
	[REVIEW_LESSONS] = { "lessons", "Lessons", true },
};

static const struct {
	const char *name, *words;
} layers[REVIEW_LAYER_COUNT] = {
	[LAYER_TECHNICAL] = { "technical", "tech|code|software|design|architecture" },
	[LAYER_OPERATIONAL] = { "operational", "ops|operations|capacity|operation" },
	[LAYER_DETECTION] = { "detection", "monitoring|alerting|observability|detect" },
	[LAYER_CHANGE] = { "change", "rollout|deploy|deployment|release|change or rollout" },
	[LAYER_RESPONSIBILITY] = { "responsibility", "runbook|ownership|owner|on-call|responsibility or runbook" },
	[LAYER_ORGANISATIONAL] = { "organisational", "organizational|org|organisation|organization|process|people" },
};

static const char *const states[] = { [REVIEW_DRAFT] = "draft", [REVIEW_IN_REVIEW] = "review", [REVIEW_FINAL] = "final" };

const char *review_section_name(enum review_section s)
{
	return (unsigned)s < REVIEW_SECTION_COUNT ? sections[s].name : "unknown";
}

const char *review_section_title(enum review_section s)
{
	return (unsigned)s < REVIEW_SECTION_COUNT ? sections[s].title : "Unknown";
}

bool review_section_written(enum review_section s)
{
	return (unsigned)s < REVIEW_SECTION_COUNT && sections[s].written;
}

/* Exactly a name or title, else the only one that begins so. */
bool review_section_parse(const char *text, enum review_section *out)
{
	int found = -1;

	if (!text || !*text)
		return false;
	for (int i = 0; i < REVIEW_SECTION_COUNT; i++) {
		if (text_equal_fold(text, sections[i].name) || text_equal_fold(text, sections[i].title)) {
			*out = (enum review_section)i;
			return true;
		}
		if (!text_prefix_fold(text, sections[i].name) && !text_prefix_fold(text, sections[i].title))
			continue;
		if (found >= 0)
			return false;
		found = i;
	}
	if (found >= 0)
		*out = (enum review_section)found;
	return found >= 0;
}

const char *review_layer_name(enum review_layer l)
{
	return (unsigned)l < REVIEW_LAYER_COUNT ? layers[l].name : "unknown";
}

static bool one_of(const char *list, const char *text)
{
	size_t len = strlen(text);

	while (*list) {
		size_t n = strcspn(list, "|");

		if (n == len && text_prefix_fold(text, list))
			return true;
		list += n + (list[n] == '|');
	}
	return false;
}

bool review_layer_parse(const char *text, enum review_layer *out)
{
	for (int i = 0; text && *text && i < REVIEW_LAYER_COUNT; i++) {
		if (!text_equal_fold(text, layers[i].name) && !one_of(layers[i].words, text))
			continue;
		*out = (enum review_layer)i;
		return true;
	}
	return false;
}

const char *review_state_name(enum review_state s)
{
	return (unsigned)s < sizeof(states) / sizeof(*states) ? states[s] : "unknown";
}

bool review_state_parse(const char *name, enum review_state *out)
{
	int i;

	if (!text_index(states, sizeof(states) / sizeof(*states), name, &i))
		return false;
	*out = (enum review_state)i;
	return true;
}
