/* Actions and lessons that nobody could do or check (FEATURES I3). */
#include <string.h>

#include "incident/lint_room.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

#define IMPROVE                                                                                    \
	"improve|improved|improving|enhance|enhanced|strengthen|increase|increased|boost|better|"  \
	"more|additional|refine|optimise|optimize|revisit|tighten|extend|expand|stronger|invest|"  \
	"upgrade|rethink"
#define VAGUE                                                                                      \
	"monitoring|observability|alerting|alerts|tests|testing|coverage|documentation|docs|"      \
	"communication|communications|process|processes|quality|reliability|stability|resilience|" \
	"training|awareness|collaboration|review|reviews|robustness|visibility|onboarding|"        \
	"tooling|logging|procedures|runbooks|discipline|vigilance|care|attention|caution|culture"
#define PEOPLE                                                                                     \
	"team|teams|developers|developer|engineers|engineer|people|everyone|everybody|staff|"      \
	"operators|colleagues|rota|users|support|all"

static const char instead_care[] =
	"care cannot be checked; what would make it hard to get wrong? \"the deploy tool shows a "
	"preview and asks for the name of the cluster\"";
static const char instead_how[] =
	"what exactly, and how will anybody see it? \"page when the queue age is over 5 min\", \"a "
	"contract test for retries runs in CI\"";
static const char instead_train[] = "training alone fades; by which exercise or tool, by when? "
				    "\"each on-call restores the primary "
				    "in a game day by 30 June\"";
static const char instead_again[] =
	"that is the wish, not the step; what will be built or changed? \"deletes of a non-empty "
	"bucket need a second approval\"";

/* strict: only what is said behind it ("…: …", "by …") can make it concrete, since the sentence
 * around it names things without doing anything to them ("remember to check the dashboard"). */
static const struct {
	const char *pattern;
	bool strict;
	const char *instead;
} phrases[] = {
	{ "be|being|are|stay|get more|extra|very|most|especially|particularly "
	  "careful|cautious|vigilant|"
	  "diligent|attentive|proactive|mindful|aware|thorough|disciplined|alert|conscious",
		true, instead_care },
	{ "be|being careful|cautious|vigilant|diligent|attentive|proactive|mindful|aware", true,
		instead_care },
	{ "more careful|vigilant|attentive|diligent|caution", true, instead_care },
	{ "pay|paying|paid more|closer|better|special|extra|full attention", true, instead_care },
	{ "pay|paying attention", true, instead_care },
	{ "take|exercise|use|show|with more|extra|great|greater|special care|caution", true,
		instead_care },
	{ "take|exercise|use care|caution", true, instead_care },
	{ "remember|remembering to", true, instead_care },
	{ "don't|not|never|won't forget to|about|the", true, instead_care },
	{ "keep an eye|eyes on", true, instead_care },
	{ "keep|bear in mind", true, instead_care },
	{ "try|trying|work|working harder|better|more", true, instead_care },
	{ "do|doing better .", true, instead_care },
	{ "think|look twice", true, instead_care },
	{ "watch out", true, instead_care },
	{ "triple|double check", true, instead_care },
	{ "doublecheck|double-check|doublechecking", true, instead_care },
	{ "always check|verify|test", true, instead_care },
	{ "follow|adhere|stick * process|procedure|procedures|rules|guidelines|practices|runbook .",
		true, instead_care },
	{ "follow * runbook|process|procedure|procedures more|better", true, instead_care },
	{ "raise|raising|increase|create|build|spread awareness", true, instead_train },
	{ "make everyone|everybody|people|developers|engineers|sure * aware", true, instead_train },
	{ "remind|reminding " PEOPLE, true, instead_train },
	{ "train|educate|teach|coach|instruct|sensitise|retrain|brief * " PEOPLE, false,
		instead_train },
	{ "more|additional|further|better training", false, instead_train },
	{ "this|it|that|these never|not|doesn't|don't|won't|can't|cannot happen|occur|recur|repeat",
		true, instead_again },
	{ "this|it|that does|do|will|must|should|can not|never happen|occur|recur", true,
		instead_again },
	{ "avoid|prevent this|it|that|these|such|similar|repeats|recurrence|repetition", true,
		instead_again },
	{ "prevent|avoid|stop * happening|recurring|occurring|again|future", true, instead_again },
	{ "this|it|that never happens|recurs|occurs again", true, instead_again },
	{ "never|not let * again", true, instead_again },
	{ "never again", true, instead_again },
	{ "fix|solve|repair|address|resolve * properly|permanently|cleanly|correctly|thoroughly",
		true, instead_again },
	{ "proper|permanent|real|correct|better|clean fix|solution .", true, instead_again },
	{ "fix|resolve|solve|address the|this bug|issue|problem|incident .", true, instead_again },
	{ "look|looking into", true, instead_how },
	{ "investigate * further|more|deeper|issue|problem", true, instead_how },
	{ "investigate .", true, instead_how },
	{ "handle|manage|do * better .", true, instead_how },
	{ "best practices|practice", true, instead_how },
	{ "monitor|watch|observe * better|more|closely|closer|carefully", false, instead_how },
	{ "test|check|review|document|verify|plan|communicate|coordinate|prepare|track|align|"
	  "escalate|"
	  "collaborate|respond|react|share|work|log * "
	  "better|more|thoroughly|carefully|clearly|earlier|"
	  "closely|often|faster|quicker|properly|sooner",
		false, instead_how },
	{ "better|more|closer communicate|monitor|test|document", false, instead_how },
	{ IMPROVE " * " VAGUE, false, instead_how },
	{ VAGUE " needs|need|should|must|has|have|could * better|more|improved|improve|improving|"
		"improvement",
		false, instead_how },
};

/* What is done by a machine, or can be opened and looked at. */
static const char things[] =
	"alert|alerts|page|pages|paging|ci|pipeline|job|probe|gate|hook|lint|linter|dashboard|"
	"panel|"
	"drill|exercise|checklist|template|preview|confirmation|approval|approvals|limit|limits|"
	"timeout|timeouts|threshold|script|canary|policy|contract|nightly|replay|replays|trace|"
	"metric|"
	"slo|budget|automatic|automatically|automate|automated|automation|enforce|enforced|"
	"enforces|"
	"block|blocks|blocked|reject|rejects|refuse|refuses|require|requires|require|schema|"
	"validate|"
	"validates|validation|regression|fuzz|synthetic|webhook|flag|flags|quota|retry|retries|"
	"backup|"
	"staging|cron|bot|tool|button|dialog|prompt|prompts|prompting|fails|asks|queue|index|lock|"
	"workshop|rota|quiz|walkthrough|page's|runbook|runbook's|wiki|section|step|steps|list";

static bool has_number(const struct word *w, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (w[i].p[0] >= '0' && w[i].p[0] <= '9')
			return true;
	return false;
}

static bool says_how(const struct word *w, size_t from, size_t to)
{
	for (size_t i = from; i + 1 < to; i++)
		if (word_is(&w[i], "game") && word_is(&w[i + 1], "day|days"))
			return true;
	return has_number(w, from, to) || words_have(w, from, to, things);
}

#define HOW_MIN 2 /* words that can say how */

bool lint_concrete(const struct word *w, size_t n)
{
	struct lint_hit hit;

	return n > HOW_MIN && says_how(w, 0, n) && !lint_empty_in(w, n, &hit);
}

/* Where, behind the phrase, it is said how: after a colon, a comma, "by", "with", "so that". */
static size_t how_from(const struct word *w, size_t n, size_t i)
{
	while (i < n && w[i].before < EDGE_COLON &&
		!word_is(&w[i], "by|with|via|through|using|so|until|where"))
		i++;
	return i;
}

static bool is_made_concrete(const struct word *w, size_t n, size_t at, size_t end, bool strict)
{
	size_t how = how_from(w, n, end);

	if (n - how >= HOW_MIN && says_how(w, how, n))
		return true;
	return !strict && (says_how(w, 0, at) || says_how(w, end, n));
}

/* "Double-check is built into the tool", "no need to remember": not asked of anybody. */
static bool is_no_request(const struct word *w, size_t n, size_t at, size_t end)
{
	if (lint_joined(w, n, end) &&
		word_is(&w[end], "is|was|are|were|did|does|helped|cannot|isn't"))
		return true;
	for (size_t k = at, from = at > 3 ? at - 3 : 0; k-- > from;)
		if (word_is(&w[k], "had|has|nobody|cannot|can't|couldn't|without|instead|rather|"
				   "longer|need|"
				   "did|didn't|was|were|impossible|no"))
			return !word_is(&w[k], "need|no") ||
			       (k > 0 && word_is(&w[k - 1], "no|not")) ||
			       (word_is(&w[k], "no") && k + 1 < n &&
				       word_is(&w[k + 1], "longer|need"));
	return false;
}

bool lint_empty_in(const struct word *w, size_t n, struct lint_hit *out)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t p = 0; p < COUNT(phrases); p++) {
			size_t len = lint_match(w, n, i, phrases[p].pattern);

			if (!len || is_no_request(w, n, i, i + len) ||
				is_made_concrete(w, n, i, i + len, phrases[p].strict))
				continue;
			*out = (struct lint_hit){ i, len, phrases[p].instead };
			return true;
		}
	}
	return false;
}
