/* Does a sentence blame somebody (FEATURES I3)? What somebody did ("restarted by @bob") is a fact;
 * that they are the cause is blame. A name without an @ is not told from a system's, so "caused by
 * Bob" passes, as "caused by Kafka" must; what only people do ("Bob forgot to") is blame all the
 * same. */
#include <string.h>

#include "incident/lint_room.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

#define FAULT                                                                                      \
	"fault|mistake|mistakes|negligence|blunder|oversight|carelessness|sloppiness|laziness|"    \
	"incompetence|inattention|ignorance|stupidity|error|errors|slip|slip-up|failing|failings"
#define LAPSE                                                                                      \
	"careless|lazy|negligent|sloppy|incompetent|inattentive|reckless|asleep|clumsy|"           \
	"distracted|"                                                                              \
	"irresponsible|unprofessional|stupid|foolish|hasty|guilty|clueless"
#define TROUBLE                                                                                    \
	"outage|incident|failure|downtime|mess|problem|bug|loss|delay|damage|breakage|disaster|"   \
	"error|disruption|this"
#define DEEDS                                                                                      \
	"pushed|merged|deployed|changed|deleted|dropped|ran|skipped|overlooked|missed|applied|"    \
	"disabled|typed|misconfigured|ignored|clicked|pressed|did|didn't|broke|forgot|misread|"    \
	"failed|never|selected|chose|entered|killed|removed|overwrote|mistyped|misunderstood"

static const char instead_error[] =
	"\"human error\" ends the questions; what made it easy to slip, and hard to notice? \"the "
	"two "
	"clusters have the same prompt, and nothing asked for confirmation\"";
static const char instead_cause[] = "what made it possible, or easy? \"the deploy tool applied the "
				    "change without a preview\"; who "
				    "did what is a fact for the timeline";
static const char instead_should[] = "what could they see at that time, and what would have told "
				     "them? \"the dashboard showed the "
				     "old primary as healthy; no alert named the replica\"";
static const char instead_trait[] = "how somebody is explains nothing; which guard was missing, "
				    "what made it hard? \"the on-call had "
				    "two incidents at once, and no secondary was paged\"";

/* See lint_room.h for the tokens. */
static const struct {
	const char *pattern, *instead;
} phrases[] = {
	{ "human error|errors|mistake|mistakes|failure|failing|factor", instead_error },
	{ "operator|pilot|admin|engineer|developer error|errors|mistake|mistakes", instead_error },
	{ "user|driver mistake|mistakes", instead_error },
	{ "user error", instead_error },
	{ "pebkac|pebcak", instead_error },
	{ "fat finger|fingers|fingered|fingering", instead_error },
	{ "fatfingered|fat-fingered", instead_error },

	{ "caused|broken|botched|ruined|bungled by @", instead_cause },
	{ "caused|broken|triggered by @'s", instead_cause },
	{ "caused by ^'s " FAULT, instead_cause },
	{ "cause|reason|culprit is|was @", instead_cause },
	{ "cause|reason * is|was @", instead_cause },
	{ "cause|causes|culprit|reason : @ .", instead_cause },
	{ "responsible for * " TROUBLE " : @ .", instead_cause },
	{ "because of @", instead_cause },
	{ "because|since @ " DEEDS, instead_cause },
	{ "due|owing to @", instead_cause },
	{ "down to @ .", instead_cause },
	{ "down to @ not|forgetting|failing|making|being|ignoring|missing", instead_cause },
	{ "blame|blames|blamed|blaming @", instead_cause },
	{ "blame|blamed on @", instead_cause },
	{ "@ is|was|are|were to blame", instead_cause },
	{ "@ is|was|are|were at fault", instead_cause },
	{ "@ is|was|are|were the|a one|person|cause|reason|culprit|root|problem", instead_cause },
	{ "@ is|was|are|were guilty", instead_cause },
	{ "@ is|was|are|were responsible for the|this|our|that " TROUBLE, instead_cause },
	{ "@ is|was|are|were responsible for the|this|our|that * " TROUBLE " .", instead_cause },
	{ "blame|fault|responsibility lies|lie|rests|is with|on @", instead_cause },
	{ "fault|mistake|error|blunder|oversight|slip of|by @", instead_cause },
	{ "on the part of @", instead_cause },
	{ "@'s " FAULT, instead_cause },
	{ "^'s "
	  "fault|mistake|mistakes|negligence|blunder|oversight|carelessness|sloppiness|laziness|"
	  "incompetence|inattention",
		instead_cause },
	{ "his|her|my|your|their fault|mistake|mistakes|negligence|carelessness", instead_cause },
	{ "my bad", instead_cause },
	{ "thank @ for this|the " TROUBLE, instead_cause },
	{ "@ "
	  "broke|botched|messed|screwed|crashed|ruined|bungled|fumbled|blundered|mishandled|"
	  "wrecked",
		instead_cause },
	{ "@ caused", instead_cause },
	{ "@ cost us", instead_cause },
	{ "it is|was @ who "
	  "broke|caused|forgot|deleted|dropped|ran|pushed|merged|deployed|missed|ignored",
		instead_cause },
	{ "@ made|makes a|an|the|another|his|her|this|serious|silly mistake|error|blunder|slip",
		instead_cause },
	{ "@ made|makes a|an|the * mistake|error|blunder", instead_cause },
	{ "^ made a|another * mistake|blunder", instead_cause },
	{ "@ "
	  "accidentally|mistakenly|carelessly|wrongly|foolishly|recklessly|negligently|"
	  "inadvertently",
		instead_cause },
	{ "@ * by mistake|accident", instead_cause },

	{ "@ forgot|forgets", instead_should },
	{ "@ had|has forgotten", instead_should },
	{ "^ forgot|forgets to", instead_should },
	{ "^ had|has forgotten to", instead_should },
	{ "@ misread|misunderstood|misconfigured|misjudged|neglected|mistyped|overlooked",
		instead_should },
	{ "^ misread|misunderstood|misjudged the|a|his|her|an * "
	  "dashboard|runbook|graph|alert|ticket|"
	  "instructions|warning|page|docs|documentation|message|output|plan|chart|prompt",
		instead_should },
	{ "^ neglected to", instead_should },
	{ "@ ignored the|a|an|every|all|our|several|repeated|two|three|his|her", instead_should },
	{ "@ should|could have "
	  "known|noticed|checked|tested|read|seen|asked|realised|realized|caught|"
	  "thought|verified|looked|followed|spotted",
		instead_should },
	{ "@ should have +", instead_should },
	{ "@ should have been more|careful|aware|paying|watching", instead_should },
	{ "@ should not have", instead_should },
	{ "@ shouldn't have", instead_should },
	{ "@ ought to have", instead_should },
	{ "^|you|they|we should have known better", instead_should },
	{ "should have known better", instead_should },
	{ "if only|just @ had", instead_should },
	{ "if @ had +", instead_should },
	{ "if ^ had read|tested|checked|looked|asked|followed|known|noticed|paid|listened",
		instead_should },
	{ "had @ read|tested|checked|looked|asked|followed|known|noticed|paid", instead_should },
	{ "@ failed to "
	  "follow|notice|check|test|verify|read|renew|update|inform|tell|escalate|respond|"
	  "answer|ask|run|apply|understand|acknowledge|review|document|communicate|call|page|"
	  "monitor|"
	  "react|do|realise|realize|set|add|see|consider|ensure|recognise|recognize",
		instead_should },
	{ "@ didn't|never bother|bothered|think|pay|care|understand", instead_should },
	{ "@ did not bother|think|pay|care|understand", instead_should },
	{ "^ didn't bother|think|pay|care", instead_should },
	{ "^ did not bother|think|pay|care", instead_should },
	{ "^ never bothered", instead_should },
	{ "nobody|noone bothered to", instead_should },
	{ "not|didn't|failed|doing|do|to do his|her|their job|jobs|homework", instead_should },

	{ "not|weren't|wasn't|isn't|stopped paying * attention", instead_trait },
	{ "failed|failing|forgot to pay attention", instead_trait },
	{ "careless|carelessness|carelessly", instead_trait },
	{ "negligent|negligence", instead_trait },
	{ "incompetent|incompetence", instead_trait },
	{ "sloppy|sloppiness|sloppily", instead_trait },
	{ "stupidity|recklessness|laziness|inattention|inattentiveness|thoughtlessness",
		instead_trait },
	{ "stupid|silly|dumb|foolish|careless|rookie|beginner's "
	  "mistake|mistakes|error|errors|change",
		instead_trait },
	{ "idiot|idiots|moron|morons|idiotic|fool|fools|amateurs|clown|clowns", instead_trait },
	{ "lack of attention|care|discipline|diligence|competence|professionalism", instead_trait },
	{ "poor|bad judgement|judgment", instead_trait },
	{ "@ is|was|are|were " LAPSE, instead_trait },
	{ "@ is|was|are|were too|so|very|simply|just|being|obviously|clearly " LAPSE
	  "|inexperienced|"
	  "tired|slow|junior",
		instead_trait },
	{ "^ is|was careless|negligent|sloppy|incompetent|inattentive|reckless|asleep",
		instead_trait },
	{ "^ is|was too|so|very|simply careless|lazy|sloppy|inexperienced|tired|hasty",
		instead_trait },
	{ "they|he|she|you are|is|was|were too lazy|careless|slow|inexperienced|tired|hasty|busy",
		instead_trait },
	{ "@ was|is|were|are not careful|attentive|diligent|thorough", instead_trait },
	{ "@ wasn't|isn't|weren't careful|attentive|diligent|thorough", instead_trait },
	{ "not|wasn't|weren't careful enough", instead_trait },
};

/* "Was it caused by @bob?" asks; "why did @bob break it?" knows already. */
static bool is_question(const struct word *w, size_t n)
{
	return w[n - 1].asked && !word_is(&w[0], "why");
}

#define DENIALS                                                                                    \
	"no|not|never|nor|neither|without|nobody|isn't|wasn't|aren't|weren't|don't|doesn't|"       \
	"didn't|cannot|can't|couldn't|rather|instead"
#define RULINGS "rule|rules|ruled|ruling|exclude|excludes|excluded|excluding"
#define REACH	6 /* words over which a denial is understood to reach */

/* "no evidence of …", "not caused by …", "we ruled out …". A denial does not reach over "why" or
 * "and"; "not only" and "no doubt" are none; what is not ruled out is a suspicion. */
static bool denied_before(const struct word *w, size_t from, size_t i)
{
	static const char barriers[] = "why|how|what|when|where|because|since|and|so|which|while";
	static const char no_denial[] = "only|just|merely|doubt|question|surprise|wonder";
	bool denied = false, ruled = false;
	size_t k = i;

	while (k > from && i - k < REACH && !word_is(&w[k - 1], barriers)) {
		k--;
		ruled |= word_is(&w[k], RULINGS);
		denied |= word_is(&w[k], DENIALS) && !word_is(&w[k + 1], no_denial);
	}
	return denied != ruled;
}

/* "… was ruled out", "… is not the cause", "…: no". */
static bool denied_behind(const struct word *w, size_t i, size_t to)
{
	bool denied = false;

	/* What accuses may reach over the end of the clause that it began in. */
	if (i >= to)
		return false;
	if (word_is(&w[i], "isn't|wasn't|unlikely") ||
		(w[i].before == EDGE_COLON && word_is(&w[i], "no|none|excluded")))
		denied = true;
	else if (i + 1 < to && word_is(&w[i], "is|was|seems|looks"))
		denied = word_is(&w[i + 1], "not|unlikely");
	for (size_t k = i; k < to; k++)
		if (word_is(&w[k], RULINGS))
			return !words_have(w, i, k, "not|cannot|can't|couldn't|isn't|wasn't|never");
	return denied;
}

static bool is_fine(const struct word *w, size_t n, size_t i, size_t end)
{
	static const char things[] = "message|messages|page|template|handling|budget|"
				     "rate|rates|log|logs|report|reports|code|codes|count|counter|"
				     "metric|metrics|per|percentage|ratio|analysis|dashboard";
	size_t from, to;

	if (lint_joined(w, n, end) && end > 0 && word_is(&w[end], things))
		return true;
	words_clause(w, n, i, &from, &to);
	return denied_before(w, from, i) || denied_behind(w, end, to);
}

bool lint_blame_in(const struct word *w, size_t n, struct lint_hit *out)
{
	if (is_question(w, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		/* Most words name nobody, and most phrases begin with somebody. */
		bool person = lint_match(w, n, i, "@"), owner = lint_match(w, n, i, "@'s");

		for (size_t p = 0; p < COUNT(phrases); p++) {
			const char *pattern = phrases[p].pattern;
			size_t len;

			if (*pattern == '@' && !(pattern[1] == ' ' ? person : owner))
				continue;
			len = lint_match(w, n, i, pattern);
			if (len == 0 || is_fine(w, n, i, i + len))
				continue;
			*out = (struct lint_hit){ i, len, phrases[p].instead };
			return true;
		}
	}
	return false;
}
