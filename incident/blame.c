/* Does a sentence blame a person (FEATURES I3)? blame_find of checks.h. A name without an @ is not
 * told from a system's: "caused by Bob" passes, as "caused by Kafka" must. */
#include <string.h>

#include "incident/checks.h"
#include "incident/words.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* A person is "@bob", "an engineer", "someone". In a pattern @ stands for one, @'s for what is
 * theirs. What somebody did ("restarted by @bob") is a fact; that they are the cause is blame. */
static const struct {
	const char *pattern, *shown;
} phrases[] = {
	{ "human error|errors|mistake|mistakes|failure", "human error" },
	{ "fat finger|fingers|fingered|fingering", "fat finger" },
	{ "caused|broken|botched|ruined by @", "caused by <person>" },
	{ "caused|broken by @'s", "caused by <person>'s …" },
	{ "cause is|was @", "the cause is <person>" },
	{ "because of @", "because of <person>" },
	{ "due to @", "due to <person>" },
	{ "blame|blames|blamed|blaming @", "blame <person>" },
	{ "blame|blamed on @", "blame on <person>" },
	{ "@ is|was|are|were to blame", "<person> is to blame" },
	{ "fault|mistake of @", "fault of <person>" },
	{ "@'s fault|mistake|mistakes|negligence|blunder|oversight|carelessness",
		"<person>'s fault" },
	{ "his|her|my|your fault|mistake", "<person>'s fault" },
	{ "@ broke|botched|messed|screwed|crashed|ruined", "<person> broke" },
	{ "@ caused", "<person> caused" },
	{ "@ forgot", "<person> forgot" },
	{ "@ made a|an|the mistake|error", "<person> made a mistake" },
	{ "@ accidentally|mistakenly|carelessly|wrongly|foolishly", "<person> accidentally" },
	{ "@ should have", "<person> should have" },
	{ "@ failed to follow|notice|check|test|verify|read|renew|update", "<person> failed to" },
	{ "@ didn't bother|think|pay", "<person> did not bother" },
	{ "@ did not bother|think|pay", "<person> did not bother" },
	{ "was|were not paying attention", "not paying attention" },
	{ "wasn't|weren't paying attention", "not paying attention" },
	{ "should have known better", "should have known better" },
	{ "careless|carelessness|carelessly", "careless" },
	{ "negligent|negligence", "negligence" },
	{ "incompetent|incompetence", "incompetence" },
	{ "stupidity|sloppiness|recklessness", "stupidity" },
	{ "idiot|idiots|moron|morons", "idiot" },
};

static const char articles[] = "the|a|an|our|some|one|of|this|that|another";
static const char kinds[] =
	"junior|senior|new|night|duty|on|call|oncall|backend|frontend|platform|release|tired";
static const char nouns[] =
	"engineer|engineers|developer|developers|devs|admin|admins|"
	"administrator|administrators|intern|interns|contractor|contractors|"
	"employee|employees|colleague|colleagues|programmer|sre|dba|person|human|"
	"humans|somebody|someone|him|her|me|myself|himself|herself";
static const char owners[] = "engineer's|developer's|admin's|administrator's|intern's|contractor's|"
			     "employee's|colleague's|programmer's|person's|somebody's|someone's";

static bool joined(const struct word *w, size_t n, size_t i)
{
	return i < n && (i == 0 || w[i].before == EDGE_NONE);
}

/* The words that name a person from w on; 0 when they name none. */
static size_t person_at(const struct word *w, size_t n, bool possessive)
{
	size_t i = 0;

	if (n > 0 && word_is_mention(w, possessive))
		return 1;
	while (joined(w, n, i) && word_is(&w[i], articles))
		i++;
	while (joined(w, n, i) && word_is(&w[i], kinds))
		i++;
	return joined(w, n, i) && word_is(&w[i], possessive ? owners : nouns) ? i + 1 : 0;
}

/* As words_match, and @ for a person. */
static size_t phrase_match(const struct word *w, size_t n, const char *pattern)
{
	size_t i = 0;

	for (const char *p = pattern; *p;) {
		size_t len = strcspn(p, " "), step = 0;

		if (!joined(w, n, i))
			return 0;
		if (*p == '@')
			step = person_at(w + i, n - i, len > 1);
		else if (word_is(&w[i], p))
			step = 1;
		if (step == 0)
			return 0;
		i += step;
		p += len + (p[len] == ' ');
	}
	return i;
}

#define DENIALS                                                                                    \
	"no|not|never|nor|neither|without|nobody|isn't|wasn't|aren't|weren't|don't|doesn't|didn'"  \
	"t|"                                                                                       \
	"cannot|can't|couldn't|rather|instead"
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

	if (i == to)
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
	static const char things[] = "message|messages|page|template|handling|budget|rate|rates";
	size_t from, to;

	if (joined(w, n, end) && end > 0 && word_is(&w[end], things))
		return true;
	words_clause(w, n, i, &from, &to);
	return denied_before(w, from, i) || denied_behind(w, end, to);
}

static const char *sentence_blames(const struct word *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t p = 0; p < COUNT(phrases); p++) {
			size_t len = phrase_match(w + i, n - i, phrases[p].pattern);

			if (len > 0 && !is_fine(w, n, i, i + len))
				return phrases[p].shown;
		}
	}
	return NULL;
}

const char *blame_find(const char *text)
{
	struct word w[WORDS_SENTENCE_MAX];
	size_t n;

	while (text && (n = words_sentence(&text, w, WORDS_SENTENCE_MAX)) > 0) {
		const char *found = sentence_blames(w, n);

		if (found)
			return found;
	}
	return NULL;
}
