/* Can a completion signal be observed (FEATURES I3, K1)? It needs a figure, or a thing that can be
 * looked at and the state it is in. */
#include <string.h>

#include "incident/lint.h"
#include "incident/lint_room.h"

/* What can be looked at. */
static const char things[] =
	"alert|alerts|page|pages|runbook|runbooks|dashboard|dashboards|panel|graph|ci|pipeline|"
	"build|job|"
	"test|tests|drill|game|canary|gate|endpoint|flag|report|backup|backups|plan|checklist|"
	"template|lint|linter|policy|slo|slos|inventory|document|log|logs|synthetic|metric|metrics|"
	"queue|"
	"budget|probe|release|rollout|rollback|deploy|deployment|host|hosts|config|certificate|"
	"certificates|cert|ticket|pr|request|review|branch|wiki|script|cron|monitor|schema|"
	"migration|"
	"migrations|limit|timeout|retry|retries|replica|failover|restore|status|postmortem|code|"
	"check|checks|table|index|bucket|secondary|rota|terraform|approval|audit|scan|scanner|"
	"cache|"
	"service|cluster|region|regions|prompt|preview|warning|account|accounts|key|keys|readme|"
	"guide";
/* A state somebody can see it in, or what it is seen to do. */
static const char states[] =
	"fires|fire|fired|merged|published|shows|show|shown|green|red|passes|pass|passed|passing|"
	"fails|"
	"fail|failed|returns|return|rejects|rejected|removed|deleted|reaches|reached|signed|closed|"
	"listed|"
	"drains|drained|finished|finishes|restored|tested|linked|contains|runs|run|ran|defined|"
	"exists|stops|"
	"stopped|needs|asks|blocks|blocked|appears|expires|gone|refuses|refused|pages|sends|sent|"
	"live|"
	"deployed|enforced|enabled|disabled|rotated|archived|lists|names|prints|reports|created|"
	"completes|triggers|triggered|recorded|visible|empty|migrated|measured|approved|"
	"reviewed|attached|includes|covers|opens|rolls|succeeds|succeeded|rehearsed|warns|replaced|"
	"documented";
static const char measures[] =
	"%|ms|s|sec|seconds|min|mins|minutes|minute|h|hours|hour|days|day|weeks|week|months|"
	"quarter|quarters|"
	"times|failed|failures|pages|errors|alerts|incidents|percent|requests|under|over|below|"
	"above|within|least|most|"
	"than|per|of|in|for|every|each|consecutive|twice|releases|gb|mb|deploys";
static const char counts[] = "zero|no|none|one|two|three|four|five|ten|all|every|both|each";

/* "300", "p99", "5s", "2.5": not "Q3" or a year alone. */
static bool is_figure(const struct word *w)
{
	bool year = w->len == 4 && (memcmp(w->p, "20", 2) == 0 || memcmp(w->p, "19", 2) == 0);

	return w->p[0] >= '0' && w->p[0] <= '9' && !year;
}

static bool has_figure(const struct word *w, size_t n)
{
	bool glued = false;
	size_t figures = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_figure(&w[i]))
			continue;
		figures++;
		glued |= w[i].p[w[i].len - 1] > '9'; /* "5s" */
	}
	return figures > 0 && n > 1 &&
	       (glued || words_have(w, 0, n, measures) || words_have(w, 0, n, things));
}

static bool has_compare(const char *text)
{
	return strpbrk(text, "<>=") || strstr(text, "≤") || strstr(text, "≥");
}

/* "test_retry_backoff", "PAY-1234": a name of a machine's, and something said of it. */
static bool has_identifier(const struct word *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memchr(w[i].p, '_', w[i].len) && w[i].len > 3)
			return true;
	return false;
}

static bool sentence_observable(const struct word *w, size_t n)
{
	bool state = words_have(w, 0, n, states);

	if (words_have(
		    w, 0, n, "better|improved|improve|improves|more|fewer|less|confident|aware") &&
		!has_figure(w, n) && !state)
		return false;
	if (has_figure(w, n))
		return true;
	if (state && (words_have(w, 0, n, things) || has_identifier(w, n)) && n > 1)
		return true;
	return words_have(w, 0, n, counts) && words_have(w, 0, n, things) &&
	       words_have(w, 0, n, measures) && n > 2;
}

bool lint_signal_observable(const char *text)
{
	struct word w[WORDS_SENTENCE_MAX];
	const char *p = text;
	size_t n, figures = 0;

	while (p && (n = words_sentence(&p, w, WORDS_SENTENCE_MAX)) > 0) {
		struct lint_hit hit;

		if (lint_placeholder_in(w, n, &hit))
			return false;
		for (size_t i = 0; i < n; i++)
			figures += is_figure(&w[i]);
		if (sentence_observable(w, n) || (figures && has_compare(text)))
			return true;
	}
	return false;
}
