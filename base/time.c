/* Times of day and dates as people write them: the second half of duration.h. */
#include "base/duration.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/text.h"
#include "base/zone.h"

static const char *const weekdays[] = {
	"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
};

/* What was read: a time of day and what was said about the day and the offset. */
struct time_words {
	enum { DAY_OPEN, DAY_RELATIVE, DAY_WEEKDAY, DAY_DATE } day;
	int relative; /* days from today */
	int weekday;
	struct civil at;
	int ms;
	bool has_offset;
	int offset; /* seconds east */
};

static bool time_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool time_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static const char *time_blanks(const char *p)
{
	for (;;) {
		if (*p == ' ' || *p == '\t')
			p++;
		else if (strncmp(p, "\xC2\xA0", 2) == 0)
			p += 2;
		else if (strncmp(p, "\xE2\x80\xAF", 3) == 0) /* what some systems put before "pm" */
			p += 3;
		else
			return p;
	}
}

/* From min to max digits, and no digit after them. */
static bool time_number(const char **p, int min, int max, int *out)
{
	const char *q = *p;
	int n = 0, value = 0;

	for (; n < max && time_is_digit(*q); n++)
		value = value * 10 + (*q++ - '0');
	if (n < min || time_is_digit(*q))
		return false;
	*p = q;
	*out = value;
	return true;
}

/* A word in any case, and no letter or digit after it. */
static bool time_word(const char **p, const char *word)
{
	const char *q = *p + strlen(word);

	if (!text_prefix_fold(word, *p) || time_is_letter(*q) || time_is_digit(*q))
		return false;
	*p = q;
	return true;
}

static bool time_weekday(const char **p, int *out)
{
	size_t n = 0;

	while ((*p)[n] && time_is_letter((*p)[n]))
		n++;
	for (int i = 0; n >= 3 && i < 7; i++) {
		const char *name = weekdays[i];
		bool usual = n == 3 || n == strlen(name) || (n == 4 && (i == 2 || i == 4)) ||
			(n == 5 && i == 4);

		if (n > strlen(name) || !usual || time_is_digit((*p)[n]))
			continue;

		char word[12] = { 0 };

		memcpy(word, *p, n);
		if (!text_prefix_fold(word, name))
			continue;
		*p += n;
		*out = i;
		return true;
	}
	return false;
}

static bool time_day_word(const char **p, struct time_words *t)
{
	static const struct {
		const char *word;
		int relative;
	} day[] = { { "today", 0 }, { "tomorrow", 1 }, { "yesterday", -1 } };

	for (size_t i = 0; i < sizeof(day) / sizeof(*day); i++) {
		if (!time_word(p, day[i].word))
			continue;
		t->day = DAY_RELATIVE;
		t->relative = day[i].relative;
		return true;
	}
	if (!time_weekday(p, &t->weekday))
		return false;
	t->day = DAY_WEEKDAY;
	return true;
}

static bool time_days_of(const struct civil *c)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;

	if (c->year < 1970 || c->year > 2999 || c->month < 1 || c->month > 12)
		return false;
	return c->day >= 1 && c->day <= days[c->month - 1] + (c->month == 2 && leap);
}

static bool time_date(const char **p, struct time_words *t)
{
	const char *q = *p;

	if (!time_number(&q, 4, 4, &t->at.year) || *q++ != '-' ||
		!time_number(&q, 2, 2, &t->at.month) || *q++ != '-' ||
		!time_number(&q, 2, 2, &t->at.day) || !time_days_of(&t->at))
		return false;
	t->day = DAY_DATE;
	*p = q;
	return true;
}

/* "am", "PM", "p.m."; makes the hour of twelve one of twenty-four. */
static bool time_half(const char **p, int *hour, bool *bad)
{
	static const struct {
		const char *word;
		int add;
	} half[] = { { "am", 0 }, { "a.m.", 0 }, { "a.m", 0 }, { "pm", 12 }, { "p.m.", 12 },
		{ "p.m", 12 } };
	const char *q = time_blanks(*p);

	for (size_t i = 0; i < sizeof(half) / sizeof(*half); i++) {
		if (!time_word(&q, half[i].word))
			continue;
		*bad = *hour < 1 || *hour > 12;
		*hour = *hour % 12 + half[i].add;
		*p = q;
		return true;
	}
	return false;
}

static void time_fraction(const char **p, int *ms)
{
	const char *q = *p;
	int scale = 100;

	if ((*q != '.' && *q != ',') || !time_is_digit(q[1]))
		return;
	for (q++, *ms = 0; time_is_digit(*q); q++, scale /= 10)
		*ms += (*q - '0') * scale;
	*p = q;
}

/* "17:00", "9.05", "14:05:09.123", "5pm", "noon". loose: also "9.05" with one digit, which in the
 * middle of prose is rather a number. */
static bool time_clock(const char **p, struct time_words *t, bool loose)
{
	const char *q = *p;
	bool bad = false, minutes = false;

	if (time_word(&q, "noon") || time_word(&q, "midday")) {
		t->at.hour = 12;
		*p = q;
		return true;
	}
	if (time_word(&q, "midnight")) {
		*p = q;
		return true;
	}
	if (!time_number(&q, 1, 2, &t->at.hour))
		return false;

	bool two = q - *p == 2;

	if (*q == ':' || (*q == '.' && (two || loose))) {
		char separator = *q++;

		if (!time_number(&q, 2, 2, &t->at.minute))
			return false;
		minutes = true;
		if (*q == separator && time_is_digit(q[1])) {
			q++;
			if (!time_number(&q, 2, 2, &t->at.second))
				return false;
			if (separator == ':') /* "10.20.30.40" is no time */
				time_fraction(&q, &t->ms);
		}
	}
	if (!time_half(&q, &t->at.hour, &bad) && !minutes)
		return false;
	if (bad || t->at.hour > 23 || t->at.minute > 59 || t->at.second > 59)
		return false;
	*p = q;
	return true;
}

/* "Z", " UTC", " GMT"; after a date also "+02:00", "-0330", "+02", since after a bare time
 * "14:05-14:20" is a span. */
static bool time_offset(const char **p, struct time_words *t)
{
	const char *q = time_blanks(*p);
	bool east = *q == '+';
	int h = 0, m = 0;

	if (time_word(&q, "z") || time_word(&q, "utc") || time_word(&q, "gmt")) {
		t->has_offset = true;
		*p = q;
		return true;
	}
	if (t->day != DAY_DATE || (*q != '+' && *q != '-'))
		return true;
	q++;

	const char *four = q;

	if (time_number(&four, 4, 4, &m)) {
		h = m / 100;
		m %= 100;
		q = four;
	} else if (!time_number(&q, 2, 2, &h)) {
		return false;
	} else if (*q == ':') {
		q++;
		if (!time_number(&q, 2, 2, &m))
			return false;
	}
	if (h > 14 || m > 59)
		return false;
	t->has_offset = true;
	t->offset = (h * 3600 + m * 60) * (east ? 1 : -1);
	*p = q;
	return true;
}

/* What may follow a time in a sentence: not "14:05:x", "10.20.30", "5pmish". */
static bool time_ends(const char *p)
{
	if (time_is_letter(*p) || time_is_digit(*p) || *p == '%')
		return (unsigned char)*p == 0xE2 ||
		       (unsigned char)*p == 0xC2; /* a dash or blank beyond ASCII */
	return !*p || !strchr(".,:/-+", *p) || !time_is_digit(p[1]);
}

/* The words of a time at p; returns its end, NULL when there is none. */
static const char *time_read(const char *p, struct time_words *t, bool whole)
{
	const char *q;

	if (time_date(&p, t)) {
		q = time_blanks(p);
		if (q == p && (*q == 'T' || *q == 't'))
			q++;
		else if (q == p)
			return NULL;
	} else {
		q = p;
		if (time_day_word(&q, t))
			q = time_blanks(q);
	}
	if (time_word(&q, "at"))
		q = time_blanks(q);
	if (!time_clock(&q, t, whole || t->day != DAY_OPEN) || !time_offset(&q, t))
		return NULL;

	/* "9:00 tomorrow"; a weekday behind it only when nothing else may follow */
	struct time_words after = *t;
	const char *r = time_blanks(q);

	if (t->day == DAY_OPEN && r != q && time_day_word(&r, &after) &&
		(whole || after.day == DAY_RELATIVE)) {
		*t = after;
		q = r;
	}
	return time_ends(q) ? q : NULL;
}

/* The same wall-clock time a second time, when clocks were set back between; else the first again.
 */
static int64_t time_again(const char *zone, int64_t first)
{
	int gained = zone_offset(zone, first) - zone_offset(zone, first + DAY_MS / 2);
	int64_t second = first + gained * SECOND_MS;
	struct civil a, b;

	if (gained <= 0)
		return first;
	zone_civil(zone, first, &a);
	zone_civil(zone, second, &b);
	return a.day == b.day && a.hour == b.hour && a.minute == b.minute ? second : first;
}

/* The wall-clock time `days` from today, in the words' own offset or in zone. */
static int64_t time_on(const struct time_words *t, const char *zone, int64_t now_ms, int days)
{
	const char *in = t->has_offset ? "UTC" : zone;
	struct civil c = t->at, today;

	if (t->day != DAY_DATE) {
		zone_civil(in, now_ms, &today);
		c.year = today.year;
		c.month = today.month;
		c.day = today.day + days;
	}
	return zone_ms(in, &c) - t->offset * SECOND_MS + t->ms;
}

/* The nearest one in the wanted direction, looking at every step-th day from `first` on. */
static int64_t time_nearest(const struct time_words *t, const char *zone, int64_t now_ms, bool past,
	int first, int step)
{
	int64_t best = 0;

	for (int round = -2; round <= 2; round++) {
		int64_t once = time_on(t, zone, now_ms, first + round * step);
		int64_t twice = t->has_offset ? once : time_again(zone, once);
		int64_t at =
			past ? (twice <= now_ms ? twice : once) : (once > now_ms ? once : twice);

		if (past ? at <= now_ms : at > now_ms) {
			if (!best || past)
				best = at;
		}
	}
	return best;
}

static int64_t time_resolve(const struct time_words *t, const char *zone, int64_t now_ms, bool past)
{
	struct civil today;

	switch (t->day) {
	case DAY_OPEN:
		return time_nearest(t, zone, now_ms, past, 0, 1);
	case DAY_WEEKDAY:
		zone_civil(t->has_offset ? "UTC" : zone, now_ms, &today);
		return time_nearest(t, zone, now_ms, past, t->weekday - today.weekday, 7);
	case DAY_RELATIVE:
		return time_on(t, zone, now_ms, t->relative);
	case DAY_DATE:
		return time_on(t, zone, now_ms, 0);
	}
	return 0;
}

static size_t time_scan(const char *text, const char *zone, int64_t now_ms, bool past, bool whole,
	int64_t *ms)
{
	struct time_words t = { 0 };
	const char *p = text;

	if (time_word(&p, "now") && time_ends(p)) {
		*ms = now_ms;
		return (size_t)(p - text);
	}
	p = time_read(text, &t, whole);
	if (!p)
		return 0;
	*ms = time_resolve(&t, zone, now_ms, past);
	return (size_t)(p - text);
}

size_t time_prefix(const char *text, const char *zone, int64_t now_ms, bool past, int64_t *ms)
{
	return time_scan(text, zone, now_ms, past, false, ms);
}

bool time_parse(const char *text, const char *zone, int64_t now_ms, bool past, int64_t *ms)
{
	const char *p = time_blanks(text);
	int64_t found = 0;
	size_t n = time_scan(p, zone, now_ms, past, true, &found);

	if (n == 0 || *time_blanks(p + n) != '\0')
		return false;
	*ms = found;
	return true;
}

bool time_stamp_parse(const char *text, int64_t *ms)
{
	struct time_words t = { 0 };
	const char *end = time_is_digit(*text) ? time_read(text, &t, true) : NULL;

	if (!end || *end || t.day != DAY_DATE || text[10] != 'T' || !t.has_offset)
		return false;
	*ms = time_resolve(&t, "UTC", 0, true);
	return true;
}

void time_format(struct str *out, int64_t ms, int64_t now_ms, const char *zone, bool with_zone)
{
	struct civil at, now, day;

	zone_civil(zone, ms, &at);
	zone_civil(zone, now_ms, &now);
	day = (struct civil){ .year = at.year, .month = at.month, .day = at.day };

	int64_t at_day = zone_ms("UTC", &day);

	day = (struct civil){ .year = now.year, .month = now.month, .day = now.day };

	int64_t apart = (at_day - zone_ms("UTC", &day)) / DAY_MS;

	if (apart < -6 || apart > 6)
		str_addf(out, "%04d-%02d-%02d ", at.year, at.month, at.day);
	else if (apart != 0)
		str_addf(out, "%c%.2s ", weekdays[at.weekday][0] - 'a' + 'A',
			weekdays[at.weekday] + 1);
	str_addf(out, "%02d:%02d", at.hour, at.minute);
	if (!with_zone)
		return;

	int offset = zone_offset(zone, ms);
	int minutes = (offset < 0 ? -offset : offset) / 60;

	if (offset == 0)
		str_add(out, " UTC");
	else
		str_addf(out, " %c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

void time_format_iso(struct str *out, int64_t ms)
{
	struct civil c;

	zone_civil("UTC", ms, &c);
	str_addf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day, c.hour, c.minute,
		c.second);
}
