/* What a sentence says about the impact: impact_from_text of impact.h. What may mean something else
 * is left alone: nothing known is better than something invented. */
#include <string.h>

#include "base/text.h"
#include "base/arena.h"
#include "base/duration.h"
#include "incident/impact.h"
#include "incident/words.h"

#define COUNT(a)   (sizeof(a) / sizeof(*(a)))
#define COUNT_MAX  INT64_C(100000000000) /* more users than there are people */
#define MILLI	   1000
#define DIGITS_MAX 12

struct reading {
	struct impact_facts *f;
	const struct word *w; /* one sentence */
	size_t n;
	bool share, users, tickets, budget, began, ended; /* said in this text: the first counts */
	bool concern;
	const char *start; /* of the text */
	const char *zone;
	int64_t now;
};

/* ---- numbers ------------------------------------------------------------------------------- */

static size_t digits(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] >= '0' && p[i] <= '9')
		i++;
	return i;
}

static int64_t number_of(const char *p, size_t n)
{
	int64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value * 10 + (p[i] - '0');
	return value;
}

/* "25", "99.95", "25,5" in thousandths; -1 when it is none. *end: bytes that were read. */
static int64_t decimal_read(const struct word *w, size_t *end)
{
	size_t whole = digits(w->p, w->len), part = 0;
	int64_t value, unit = MILLI / 10;

	if (whole == 0 || whole > DIGITS_MAX)
		return -1;
	value = number_of(w->p, whole) * MILLI;
	*end = whole;
	if (whole + 1 < w->len && strchr(".,", w->p[whole]))
		part = digits(w->p + whole + 1, w->len - whole - 1);
	for (size_t i = 0; i < part; i++, unit /= 10)
		value += (w->p[whole + 1 + i] - '0') * unit;
	if (part > 0)
		*end += 1 + part;
	return value;
}

/* "1200", "1,200", "1.200.000", "1'200"; -1 when it is none. */
static int64_t grouped_read(const struct word *w)
{
	size_t i = digits(w->p, w->len);
	int64_t value;

	if (i == 0 || i > DIGITS_MAX || (i > 3 && i < w->len))
		return -1;
	value = number_of(w->p, i);
	while (i < w->len) {
		if (!strchr(",.'", w->p[i]) || w->p[i] != w->p[digits(w->p, w->len)] ||
			digits(w->p + i + 1, w->len - i - 1) != 3 || value > COUNT_MAX)
			return -1;
		value = value * 1000 + number_of(w->p + i + 1, 3);
		i += 4;
	}
	return value;
}

/* A count at word i, with "k" or "million" behind it; -1 when it is none. *next: the word after. */
static int64_t count_read(const struct reading *r, size_t i, size_t *next)
{
	static const struct {
		const char *attached, *apart;
		int64_t times;
	} scales[] = {
		{ "k|K", "k|thousand", 1000 },
		{ "m|M|mio", "million|mio|mn", 1000000 },
	};
	const struct word *w = &r->w[i];
	int64_t value = grouped_read(w), decimal;
	size_t end = 0;

	*next = i + 1;
	decimal = decimal_read(w, &end);
	if (decimal < 0)
		return -1;
	for (size_t s = 0; s < COUNT(scales); s++) {
		struct word rest = { .p = w->p + end, .len = w->len - end };
		bool apart = end == w->len && i + 1 < r->n && w->after == EDGE_NONE &&
			     word_is(&r->w[i + 1], scales[s].apart);

		if (!apart && !(rest.len > 0 && word_is(&rest, scales[s].attached)))
			continue;
		*next += apart;
		if (decimal > COUNT_MAX)
			return -1;
		value = decimal * (scales[s].times / MILLI);
		break;
	}
	return value <= COUNT_MAX ? value : -1;
}

/* ---- how many ------------------------------------------------------------------------------ */

#define NOT_WORDS      "not|isn't|aren't|wasn't|weren't|don't|doesn't|didn't|never|neither|nor"
#define AFFECTED_WORDS "affected|impacted|hit"
#define FAILURE_WORDS  "cannot|can't|unable|failing|fail|fails|failed|blocked|down|without|locked"
#define SOUND_WORDS                                                                                \
	"unaffected|recovered|restored|fine|healthy|again|work|working|works|notified|informed|"   \
	"contacted|emailed|refunded|ok|okay|succeed|succeeds|succeeded|successful|complete|"       \
	"completed"

static bool joined(const struct reading *r, size_t i)
{
	return i < r->n && r->w[i].before == EDGE_NONE;
}

static size_t skip_adjectives(const struct reading *r, size_t i, const char *adjectives)
{
	while (joined(r, i) && word_is(&r->w[i], adjectives))
		i++;
	return i;
}

static bool clause_says(const struct reading *r, size_t i, const char *words)
{
	size_t from, to;

	words_clause(r->w, r->n, i, &from, &to);
	return words_have(r->w, from, to, words);
}

/* "are fine again", "are not affected"; but "do not work", "fail to complete" are what we look for.
 */
static bool says_sound(const struct reading *r, size_t i)
{
	if (clause_says(r, i, NOT_WORDS))
		return clause_says(r, i, AFFECTED_WORDS);
	return clause_says(r, i, SOUND_WORDS) && !clause_says(r, i, FAILURE_WORDS);
}

/* "25% of our 1200 users" and "120 of 5000 users": the figure behind "of" is the whole. */
static bool behind_of(const struct reading *r, size_t i)
{
	while (i > 0 && joined(r, i) && word_is(&r->w[i - 1], "the|our|all|these|about|some"))
		i--;
	return i > 0 && joined(r, i) && word_is(&r->w[i - 1], "of");
}

/* "120 of 5000 users", "120 out of 5000": the word behind the second number, or `next`. */
static size_t skip_whole(const struct reading *r, size_t next)
{
	size_t i = skip_adjectives(r, next, "out"), after;

	if (!joined(r, i) || !word_is(&r->w[i], "of"))
		return next;
	i = skip_adjectives(r, i + 1, "the|our|all|about|some");
	return joined(r, i) && count_read(r, i, &after) >= 0 ? after : next;
}

static bool is_users(const struct reading *r, size_t i, int64_t count)
{
	static const char many[] = "users|customers|accounts|clients|subscribers|visitors|shoppers";
	static const char one[] = "user|customer|account|client|subscriber|visitor";

	if (!joined(r, i))
		return false;
	if (joined(r, i + 1) && word_is(&r->w[i + 1], "per|a|an|each|ticket|tickets"))
		return false; /* a rate, or something of theirs */
	if (word_is(&r->w[i], many) || (count == 1 && word_is(&r->w[i], one)))
		return count > 0 || clause_says(r, i, AFFECTED_WORDS);
	return count > 0 && word_is(&r->w[i], "people|persons|members") &&
	       clause_says(r, i, AFFECTED_WORDS "|" FAILURE_WORDS);
}

static void read_count(struct reading *r, size_t i)
{
	static const char kinds[] =
		"affected|impacted|paying|active|unique|enterprise|business|premium|free|trial|"
		"mobile|web|ios|android|eu|us|uk|apac|emea|german|european|american|different|"
		"distinct";
	size_t next;
	int64_t count = count_read(r, i, &next);

	if (count < 0 || behind_of(r, i) || (i > 0 && word_is(&r->w[i - 1], NOT_WORDS)))
		return;
	if (!r->tickets) {
		size_t noun =
			skip_adjectives(r, next, "support|customer|user|helpdesk|zendesk|new|open");

		if (joined(r, noun) && word_is(&r->w[noun], "tickets|ticket")) {
			r->f->tickets = count;
			r->tickets = true;
			return;
		}
	}
	next = skip_adjectives(r, skip_whole(r, next), kinds);
	if (r->users || !is_users(r, next, count) || says_sound(r, i))
		return;
	r->f->users = count;
	r->users = true;
}

/* "no users affected". "No users can log in" says the contrary, and no figure. */
static void read_nobody(struct reading *r, size_t i)
{
	static const char *const patterns[] = {
		"no|zero user|customer impact",
		"no|zero users|customers affected|impacted",
		"no|zero users|customers are|were affected|impacted",
		"nobody|none is|was affected|impacted",
	};

	for (size_t p = 0; p < COUNT(patterns) && !r->users; p++) {
		if (!words_match(&r->w[i], r->n - i, patterns[p]))
			continue;
		r->f->users = 0;
		r->users = true;
	}
}

/* ---- shares -------------------------------------------------------------------------------- */

/* Words by which a percentage is no share of what is affected. */
#define OTHER_SHARES                                                                               \
	"cpu|memory|mem|ram|disk|disks|load|utilisation|utilization|usage|capacity|battery|"       \
	"packet|"                                                                                  \
	"packets|success|available|availability|uptime|slo|"                                       \
	"sla|normal|baseline|rollout|rolled|canary|deployed|done|progress|"                        \
	"confident|confidence|certain|sure|increase|increased|increasing|decrease|decreased|drop|" \
	"dropped|grew|growth|rise|rose|slower|faster|latency|p50|p90|p95|p99|discount|shifted|"    \
	"routed|moved|sampling|sampled"

static size_t percent_at(const struct reading *r, size_t i)
{
	static const char *const patterns[] = { "%", "percent", "per cent", "pct" };

	for (size_t p = 0; p < COUNT(patterns) && joined(r, i); p++) {
		size_t n = words_match(&r->w[i], r->n - i, patterns[p]);

		if (n > 0)
			return n;
	}
	return 0;
}

/* "+40%" and "by 40%" tell a change, "from 1% to 40%" what was: no shares. "20-30%" is one. */
static bool is_change(const struct reading *r, size_t i, size_t behind)
{
	const char *p = r->w[i].p;
	char before = p > r->start ? p[-1] : ' ';

	if (i > 0 && joined(r, i) && word_is(&r->w[i - 1], "by|up|down|plus|minus|" NOT_WORDS))
		return true;
	if (before == '+' || (before == '-' && (p - 1 == r->start || p[-2] == ' ')))
		return true;
	return i > 0 && word_is(&r->w[i - 1], "from") && joined(r, behind) &&
	       word_is(&r->w[behind], "to");
}

static void read_share(struct reading *r, size_t i)
{
	static const char spent[] = "spent|used|burned|burnt|consumed|gone|exhausted";
	size_t end, behind = 0;
	int64_t milli = decimal_read(&r->w[i], &end);

	if (milli < 0 || end != r->w[i].len || milli > 100 * MILLI)
		return;
	behind = percent_at(r, i + 1);
	if (behind == 0)
		return;
	behind += i + 1;
	if (is_change(r, i, behind))
		return;
	if (clause_says(r, i, "budget")) {
		if (!r->budget && clause_says(r, i, spent) &&
			!clause_says(r, i, "left|remaining|" NOT_WORDS)) {
			r->f->budget_permille = (int)(milli / 100);
			r->budget = true;
		}
		return;
	}
	if (r->share || clause_says(r, i, OTHER_SHARES) || says_sound(r, i))
		return;
	r->f->share_permille = (int)(milli / 100);
	r->share = true;
}

/* ---- since and until ------------------------------------------------------------------------ */

/* The time that the words from i on begin with; 0 when none. The end of the impact must have come:
 * of a bare time of day the nearest is meant, and one to come is a plan. */
static int64_t time_at(const struct reading *r, size_t i, bool nearest)
{
	int64_t at = 0, later = 0;

	i = skip_adjectives(r, i, "about|around|roughly|approx|circa|ca|at");
	if (!joined(r, i) || !time_prefix(r->w[i].p, r->zone, r->now, true, &at) || at > r->now)
		return 0;
	if (nearest && time_prefix(r->w[i].p, r->zone, r->now, false, &later) && later > r->now &&
		r->now - at > later - r->now)
		return 0;
	return at;
}

static void read_times(struct reading *r, size_t i)
{
	int64_t at;

	if (i > 0 && word_is(&r->w[i - 1], NOT_WORDS))
		return;
	if (!r->began && word_is(&r->w[i], "since")) {
		at = time_at(r, i + 1, false);
		r->began = at != 0;
		if (at)
			r->f->began_at = at;
	} else if (!r->ended && word_is(&r->w[i], "until|till")) {
		at = time_at(r, i + 1, true);
		r->ended = at != 0;
		if (at)
			r->f->ended_at = at;
	}
}

/* ---- data ----------------------------------------------------------------------------------- */

enum data_word { DATA_LOST = 1, DATA_CORRUPTED = 2 };
enum data_said { SAID_NOTHING_SURE, SAID_NO, SAID_SUSPECTED, SAID_YES };

/* Longer ones before those they begin with. */
static const struct {
	const char *pattern;
	int what;
	bool denied; /* by the words themselves */
} data_patterns[] = {
	{ "data loss or|and|nor data corruption", DATA_LOST | DATA_CORRUPTED, false },
	{ "data loss or|and|nor corruption", DATA_LOST | DATA_CORRUPTED, false },
	{ "data loss corruption", DATA_LOST | DATA_CORRUPTED, false }, /* "loss/corruption" */
	{ "data corruption or|and|nor data loss", DATA_LOST | DATA_CORRUPTED, false },
	{ "data corruption or|and|nor loss", DATA_LOST | DATA_CORRUPTED, false },
	{ "loss or|and|nor corruption of data", DATA_LOST | DATA_CORRUPTED, false },
	{ "data loss|losses", DATA_LOST, false },
	{ "loss of customer|user data", DATA_LOST, false },
	{ "loss of data", DATA_LOST, false },
	{ "lost|losing|lose data", DATA_LOST, false },
	{ "lost|losing|lose any|some|customer|user|order data", DATA_LOST, false },
	{ "data lost", DATA_LOST, false },
	{ "data is|was|were|are|got lost", DATA_LOST, false },
	{ "data has|have been lost", DATA_LOST, false },
	{ "data may|might|could have been lost", DATA_LOST, false },
	{ "data may|might|could be lost", DATA_LOST, false },
	{ "data corruption", DATA_CORRUPTED, false },
	{ "corruption of data", DATA_CORRUPTED, false },
	{ "corrupt|corrupted|corrupting|corrupts data", DATA_CORRUPTED, false },
	{ "corrupt|corrupted|corrupting|corrupts any|some|customer|user|order data", DATA_CORRUPTED,
		false },
	{ "data corrupt|corrupted", DATA_CORRUPTED, false },
	{ "data is|was|were|are|got corrupt|corrupted", DATA_CORRUPTED, false },
	{ "data has|have been corrupted", DATA_CORRUPTED, false },
	{ "data may|might|could have been corrupted", DATA_CORRUPTED, false },
	{ "data may|might|could be corrupt|corrupted", DATA_CORRUPTED, false },
	{ "data is|was|were|are not lost", DATA_LOST, true },
	{ "data isn't|wasn't|weren't|aren't lost", DATA_LOST, true },
	{ "data is|was|were|are not corrupt|corrupted", DATA_CORRUPTED, true },
	{ "data isn't|wasn't|weren't|aren't corrupt|corrupted", DATA_CORRUPTED, true },
};

#define DENIALS "no|without|zero|" NOT_WORDS "|haven't|hasn't|cannot|can't|couldn't|won't"
#define SUSPICIONS                                                                                 \
	"possible|possibly|potential|potentially|suspected|suspect|likely|may|might|could|maybe|"  \
	"perhaps|risk|fear|feared"
#define OPEN_WORDS                                                                                 \
	"unknown|unclear|unlikely|checking|check|investigating|whether|if|verify|verifying|"       \
	"prevent|"                                                                                 \
	"prevents|prevented|avoid|avoids|avoided|against|test|unconfirmed|would"
#define RULINGS "ruled|rule|rules|ruling|exclude|excludes|excluded|excluding"

/* What stands in front of the words: "no sign of any", "not seeing", "we ruled out". */
static enum data_said said_before(const struct reading *r, size_t from, size_t i)
{
	static const char fillers[] =
		"evidence|sign|signs|indication|indications|hint|hints|trace|report|reports|of|any|"
		"known|further|customer|user|permanent|seen|seeing|see|saw|found|find|have|has|had|"
		"been|be|was|were|is|there|far|the|a|actual|detected|suffered|caused|causing|out|"
		"yet";
	bool ruled = false, denied;

	while (i > from && joined(r, i)) {
		const struct word *w = &r->w[i - 1];

		if (word_is(w, RULINGS))
			ruled = true;
		else if (!word_is(w, fillers))
			break;
		i--;
	}
	denied = i > from && joined(r, i) && word_is(&r->w[i - 1], DENIALS);
	if (ruled && denied)
		return SAID_SUSPECTED;
	return ruled || denied ? SAID_NO : SAID_NOTHING_SURE;
}

/* What stands behind them: ": none", "was ruled out", "not seen". */
static enum data_said said_behind(const struct reading *r, size_t i, size_t to)
{
	bool colon = i < to && r->w[i].before == EDGE_COLON, denied = false;

	if (i < to && word_is(&r->w[i], "no|none|nil") && (colon || i + 1 == to))
		return SAID_NO;
	for (; i < to; i++) {
		if (word_is(&r->w[i], RULINGS))
			return denied ? SAID_SUSPECTED : SAID_NO;
		if (denied && word_is(&r->w[i], "seen|observed|found|detected|happened|expected"))
			return SAID_NO;
		denied |= word_is(&r->w[i], NOT_WORDS "|cannot|can't|couldn't");
		if (!denied && !word_is(&r->w[i], "is|was|were|are|has|have|been|can|be|could"))
			break;
	}
	return SAID_NOTHING_SURE;
}

static enum data_said data_said(const struct reading *r, size_t i, size_t end)
{
	enum data_said said;
	size_t from, to;

	words_clause(r->w, r->n, i, &from, &to);
	said = said_before(r, from, i);
	if (said == SAID_NOTHING_SURE)
		said = said_behind(r, end, to);
	if (said != SAID_NOTHING_SURE)
		return said;
	if (words_have(r->w, from, i, DENIALS) || words_have(r->w, end, to, DENIALS) ||
		words_have(r->w, from, to, OPEN_WORDS))
		return SAID_NOTHING_SURE;
	if (r->w[to - 1].asked || words_have(r->w, from, to, SUSPICIONS))
		return SAID_SUSPECTED;
	return SAID_YES;
}

/* A doubt takes back a "no", but not a "yes". */
static void data_set(enum tri *tri, enum data_said said)
{
	if (said == SAID_YES)
		*tri = TRI_YES;
	else if (said == SAID_NO)
		*tri = TRI_NO;
	else if (*tri == TRI_NO)
		*tri = TRI_UNKNOWN;
}

/* Returns the words that were read; 0 when they are about something else. */
static size_t read_data(struct reading *r, size_t i)
{
	static const char things[] = /* "data loss prevention is down" is no loss */
		"prevention|protection|check|checks|detection|detector|test|tests|alert|alerts|"
		"monitor|monitoring|policy|runbook|job|scanner|scan|service|drill|alarm|alarms";

	for (size_t p = 0; p < COUNT(data_patterns); p++) {
		size_t n = words_match(&r->w[i], r->n - i, data_patterns[p].pattern);
		enum data_said said;

		if (n == 0)
			continue;
		if (joined(r, i + n) && word_is(&r->w[i + n], things))
			return n;
		said = data_patterns[p].denied ? SAID_NO : data_said(r, i, i + n);
		if (data_patterns[p].what & DATA_LOST)
			data_set(&r->f->data_loss, said);
		if (data_patterns[p].what & DATA_CORRUPTED)
			data_set(&r->f->data_corruption, said);
		r->concern |= said == SAID_YES || said == SAID_SUSPECTED;
		return n;
	}
	return 0;
}

/* ---- who told us ------------------------------------------------------------------------------
 */

static void read_reporter(struct reading *r, size_t i)
{
	static const char *const patterns[] = {
		"by paying customer|customers",
		"by a|an|one|our|the|some|several|two|many paying customer|customers",
		"paying customer|customers reported|report|reports|complained|complain",
		"paying customer|customers are|is|have|has complaining|complained|reported",
	};

	for (size_t p = 0; p < COUNT(patterns); p++)
		if (words_match(&r->w[i], r->n - i, patterns[p]) && !clause_says(r, i, DENIALS))
			r->f->paying_customer = true;
}

static void read_sentence(struct reading *r)
{
	for (size_t i = 0, data; i < r->n; i++) {
		read_share(r, i);
		read_count(r, i);
		read_nobody(r, i);
		read_times(r, i);
		read_reporter(r, i);
		data = read_data(r, i);
		i += data > 0 ? data - 1 : 0;
	}
}

static void read_text(struct reading *r, const char *text)
{
	struct word w[WORDS_SENTENCE_MAX];

	r->w = w;
	r->start = text;
	while ((r->n = words_sentence(&text, w, WORDS_SENTENCE_MAX)) > 0)
		read_sentence(r);
}

void impact_from_text(struct arena *a, const char *text, const char *zone, int64_t now_ms,
	struct impact_facts *inout)
{
	struct reading r = { .f = inout, .zone = zone, .now = now_ms };

	(void)a; /* nothing read so far is kept as text */
	if (!text)
		return;
	read_text(&r, text);
	/* An end before the beginning is the end of something else. */
	if (inout->ended_at && inout->ended_at < inout->began_at)
		inout->ended_at = 0;
}

bool impact_data_concern(const char *text)
{
	struct impact_facts f;
	struct reading r = { .f = &f, .zone = "UTC" };

	/* Every phrase of a concern has the word; most texts do not, and need not be read. */
	if (!text || !text_find_fold(text, "data"))
		return false;
	impact_init(&f);
	read_text(&r, text);
	return r.concern;
}
