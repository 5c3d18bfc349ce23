#include "incident/severity.h"

#include <string.h>

#include "base/text.h"

#define SEVERITY_WORD_MAX 32

/* Lower case, without what people and phones put between the letters and the number. */
static bool severity_fold(const char *word, char out[SEVERITY_WORD_MAX])
{
	size_t len = strlen(word), n = 0;

	for (size_t i = 0, step; i < len; i += step) {
		uint32_t c = 0;

		step = text_decode(word + i, len - i, &c);
		if (step == 0 || n == SEVERITY_WORD_MAX - 1)
			return false;
		if (c == '-' || c == '_' || c == ' ' || (c >= 0x2010 && c <= 0x2015) || c == 0x2212)
			continue;
		if (c >= 0x80)
			return false;
		out[n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	out[n] = '\0';
	return n > 0;
}

static bool severity_is_number_name(const char *folded)
{
	return strpbrk(folded, "0123456789") != NULL && strlen(folded) > 1;
}

int severity_parse(const struct severity_table *t, const char *word, bool bare)
{
	char folded[SEVERITY_WORD_MAX], name[SEVERITY_WORD_MAX];

	if (!word || !severity_fold(word, folded))
		return 0;
	if (bare && folded[1] == '\0' && folded[0] >= '0' + SEVERITY_WORST &&
		folded[0] <= '0' + SEVERITY_LEAST)
		return folded[0] - '0';
	if (!bare && !severity_is_number_name(folded))
		return 0;
	for (int level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++) {
		const struct severity_policy *p = &t->level[level];

		for (size_t i = 0; i < SEVERITY_NAMES_MAX && p->names[i]; i++)
			if (severity_fold(p->names[i], name) && strcmp(name, folded) == 0)
				return level;
	}
	return 0;
}

const char *severity_name(const struct severity_table *t, int level)
{
	static const char *const otherwise[] = { "unknown", "sev1", "sev2", "sev3", "sev4" };

	if (level < SEVERITY_WORST || level > SEVERITY_LEAST)
		return otherwise[0];
	return t->level[level].names[0] ? t->level[level].names[0] : otherwise[level];
}

void severity_label(const struct severity_table *t, int level, char out[16])
{
	const char *name = severity_name(t, level);
	size_t n = text_cut(name, 15);

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A' : name[i]);
	out[n] = '\0';
}

int severity_classify(enum severity_radius radius, enum severity_urgency urgency, const char **why)
{
	static const struct {
		int level;
		const char *why;
	} matrix[4][3] = {
		[RADIUS_NONE] = {
			{ 4, "nobody is affected and it can wait" },
			{ 4, "nobody is affected" },
			{ 3, "nobody is affected yet, but it cannot wait" },
		},
		[RADIUS_LIMITED] = {
			{ 4, "few are affected and it can wait" },
			{ 3, "few are affected" },
			{ 3, "few are affected, and it cannot wait" },
		},
		[RADIUS_BOUNDED] = {
			{ 3, "a known group is affected, and it can wait" },
			{ 3, "a known group is affected" },
			{ 2, "a known group is affected, and it cannot wait" },
		},
		[RADIUS_WIDESPREAD] = {
			{ 2, "it is widespread, even though it can wait" },
			{ 2, "it is widespread" },
			{ 1, "it is widespread and cannot wait" },
		},
	};

	if (why)
		*why = matrix[radius][urgency].why;
	return matrix[radius][urgency].level;
}
