#include "base/duration.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/text.h"

#define DURATION_MAX (366 * DAY_MS)

static const struct duration_unit {
	const char *name; /* lower case */
	int64_t ms;
} units[] = {
	{ "s", SECOND_MS },      { "sec", SECOND_MS },    { "secs", SECOND_MS },
	{ "second", SECOND_MS }, { "seconds", SECOND_MS }, { "m", MINUTE_MS },
	{ "min", MINUTE_MS },    { "mins", MINUTE_MS },   { "minute", MINUTE_MS },
	{ "minutes", MINUTE_MS }, { "h", HOUR_MS },       { "hr", HOUR_MS },
	{ "hrs", HOUR_MS },      { "hour", HOUR_MS },     { "hours", HOUR_MS },
	{ "d", DAY_MS },         { "day", DAY_MS },       { "days", DAY_MS },
	{ "w", 7 * DAY_MS },     { "wk", 7 * DAY_MS },    { "week", 7 * DAY_MS },
	{ "weeks", 7 * DAY_MS },
};

static const struct duration_word {
	const char *name;
	int64_t thousandths;
} words[] = {
	{ "half an", 500 }, { "half a", 500 }, { "an", 1000 },   { "a", 1000 },    { "one", 1000 },
	{ "two", 2000 },    { "three", 3000 }, { "four", 4000 }, { "five", 5000 }, { "ten", 10000 },
	{ "fifteen", 15000 }, { "twenty", 20000 }, { "thirty", 30000 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* Blanks as phones and word processors make them too: no-break and narrow no-break space. */
static const char *skip_blanks(const char *p)
{
	for (;;) {
		if (*p == ' ' || *p == '\t')
			p++;
		else if (strncmp(p, "\xC2\xA0", 2) == 0)
			p += 2;
		else if (strncmp(p, "\xE2\x80\xAF", 3) == 0)
			p += 3;
		else
			return p;
	}
}

static const struct duration_unit *unit_at(const char **p)
{
	size_t n = 0;

	while (n < 8 && is_letter((*p)[n]) && (unsigned char)(*p)[n] < 0x80)
		n++;
	if (is_letter((*p)[n]))
		return NULL;
	for (size_t i = 0; n > 0 && i < sizeof(units) / sizeof(*units); i++) {
		if (strlen(units[i].name) != n || !text_prefix_fold(units[i].name, *p))
			continue;
		*p += n;
		return &units[i];
	}
	return NULL;
}

/* A number in thousandths: "1", "1.5", "1,25"; whole ones have no fraction. */
struct duration_number {
	int64_t thousandths;
	size_t digits; /* of the whole part */
	bool fraction;
};

static bool number_at(const char **p, struct duration_number *out)
{
	const char *q = *p;
	int64_t whole = 0, part = 0, scale = 1000;

	*out = (struct duration_number){ 0 };
	for (; is_digit(*q); q++, out->digits++) {
		if (out->digits == 9)
			return false;
		whole = whole * 10 + (*q - '0');
	}
	if (out->digits == 0)
		return false;
	if ((*q == '.' || *q == ',') && is_digit(q[1])) {
		out->fraction = true;
		for (q++; is_digit(*q); q++) {
			if (scale == 1)
				return false;
			scale /= 10;
			part += (*q - '0') * scale;
		}
	}
	out->thousandths = whole * 1000 + part;
	*p = q;
	return true;
}

static bool word_number_at(const char **p, int64_t *thousandths)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t n = strlen(words[i].name);

		if (!text_prefix_fold(words[i].name, *p) || skip_blanks(*p + n) == *p + n)
			continue;
		*p = skip_blanks(*p + n);
		*thousandths = words[i].thousandths;
		return true;
	}
	return false;
}

/* The unit that a bare number after this one is meant in: "1h30" is 1 h 30 min. */
static int64_t unit_below(int64_t unit)
{
	return unit == 7 * DAY_MS ? DAY_MS :
		unit == DAY_MS    ? HOUR_MS :
		unit == HOUR_MS   ? MINUTE_MS :
		unit == MINUTE_MS ? SECOND_MS :
				    0;
}

static bool ends_a_phrase(const char *p)
{
	p = skip_blanks(p);
	return *p == '\0' || strchr(".,;:!?)\n", *p);
}

/* "30" of "1h30" and "05" of "1 h 05". Apart from the unit only with two digits and at the end of
 * the phrase: "after 1 h 30 people" is one hour. */
static const char *bare_rest(const char *p, int64_t unit, int64_t *sum)
{
	const char *q = skip_blanks(p);
	bool apart = q != p;
	struct duration_number n;
	int64_t below = unit_below(unit);

	if (!below || !number_at(&q, &n) || n.fraction || is_letter(*q))
		return p;
	if (n.thousandths / 1000 * below >= unit || (apart && (n.digits != 2 || !ends_a_phrase(q))))
		return p;
	*sum += n.thousandths / 1000 * below;
	return q;
}

static const char *skip_joint(const char *p)
{
	const char *q = skip_blanks(p);

	if (*q == ',' && is_digit(*skip_blanks(q + 1)))
		return skip_blanks(q + 1);
	if (q != p && text_prefix_fold("and", q) && skip_blanks(q + 3) != q + 3)
		return skip_blanks(q + 3);
	return q;
}

size_t duration_prefix(const char *text, int64_t *ms)
{
	const char *end = text;
	int64_t sum = 0, last_unit = INT64_MAX;

	for (const char *p = text;;) {
		struct duration_number n = { 0 };
		bool worded = end == text && word_number_at(&p, &n.thousandths);

		if (!worded && !number_at(&p, &n))
			break;
		p = skip_blanks(p);

		const struct duration_unit *u = unit_at(&p);

		if (!u || u->ms >= last_unit || n.thousandths / 1000 > DURATION_MAX / u->ms)
			break;
		sum += n.thousandths * (u->ms / 1000);
		last_unit = u->ms;
		end = p;
		if (worded || n.fraction)
			break;
		end = bare_rest(p, u->ms, &sum);
		if (end != p)
			break;
		p = skip_joint(p);
	}
	if (end == text || sum <= 0 || sum > DURATION_MAX || is_letter(*end) || is_digit(*end))
		return 0;
	*ms = sum;
	return (size_t)(end - text);
}

bool duration_parse(const char *text, int64_t *ms)
{
	const char *p = skip_blanks(text), *q = p;
	struct duration_number n;
	int64_t found = 0;

	if (number_at(&q, &n) && *skip_blanks(q) == '\0') {
		found = n.thousandths * (MINUTE_MS / 1000);
		if (found <= 0 || found > DURATION_MAX)
			return false;
		*ms = found;
		return true;
	}

	size_t len = duration_prefix(p, &found);

	if (len == 0 || *skip_blanks(p + len) != '\0')
		return false;
	*ms = found;
	return true;
}

void duration_format(struct str *out, int64_t ms)
{
	long long s = ms <= 0 ? 0 : (ms + 500) / 1000;
	long long min = (s + 30) / 60, h = (s + 1800) / 3600;

	if (s < 60)
		str_addf(out, "%lld s", s);
	else if (min < 60)
		str_addf(out, "%lld min", min);
	else if (min < 24 * 60 && min % 60 == 0)
		str_addf(out, "%lld h", min / 60);
	else if (min < 24 * 60)
		str_addf(out, "%lld h %02lld", min / 60, min % 60);
	else if (h % 24 == 0)
		str_addf(out, "%lld d", h / 24);
	else
		str_addf(out, "%lld d %lld h", h / 24, h % 24);
}
