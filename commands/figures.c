#include "commands/figures.h"

#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/log.h"
#include "commands/messages.h"

#define COUNT_MAX   INT64_C(100000000000)
#define TEXT_SHOWN  300 /* bytes of a text in a list of figures */
#define DIGITS_MAX  15

void figures_read(struct call *c, struct impact_facts *out)
{
	if (impact_read(c->arena, c->incident.facts, out) < 0) {
		log_line(LOG_ERROR, "commands", c->incident.id,
			"the impact in figures cannot be read; it counts as not known");
		impact_init(out);
	}
	out->began_at = c->incident.impact_at;
}

void figures_write(struct call *c, const struct impact_facts *f)
{
	JSON_CLEANUP json_t *obj = impact_json(f);

	json_object_del(obj, "began_at"); /* the incident has it */
	c->incident.facts = json_object_size(obj) > 0 ? json_text(c->arena, obj) : NULL;
}

void figures_take(struct call *c, const char *text, struct impact_facts *inout)
{
	impact_from_text(c->arena, text, c->zone, c->now, inout);
	if (inout->began_at > 0 && inout->began_at <= c->now)
		c->incident.impact_at = inout->began_at;
}

void figures_say(struct call *c, char *text)
{
	struct impact_facts f;

	/* A form brings back what it was filled with: figures that were said since are newer. */
	if (c->incident.impact && !strcmp(c->incident.impact, text))
		return;
	c->incident.impact = text;
	figures_read(c, &f);
	figures_take(c, text, &f);
	figures_write(c, &f);
	call_touch(c);
}

/* ---- in words ---- */

static const char *count_words(struct call *c, int64_t n)
{
	return n < 0 ? NULL : arena_printf(c->arena, "%lld", (long long)n);
}

static const char *share_words(struct call *c, int permille)
{
	if (permille < 0)
		return NULL;
	if (permille % 10)
		return arena_printf(c->arena, "%d.%d %%", permille / 10, permille % 10);
	return arena_printf(c->arena, "%d %%", permille / 10);
}

static const char *time_words(struct call *c, int64_t ms, bool plain)
{
	struct str s;

	if (ms <= 0)
		return NULL;
	if (!plain)
		return words_time(c, ms);
	str_init_arena(&s, c->arena, 64);
	time_format_iso(&s, ms);
	return s.p;
}

static const char *tri_words(enum tri t)
{
	return t == TRI_UNKNOWN ? NULL : tri_name(t);
}

static const char *text_words(struct call *c, const char *text, bool plain)
{
	if (!text || !*text)
		return NULL;
	return plain ? text : message_short(c, text, TEXT_SHOWN);
}

void figures_list(
	struct call *c, const struct impact_facts *f, bool plain, struct figure out[FIGURE_COUNT])
{
	const struct figure all[FIGURE_COUNT] = {
		{ "users", "Affected users", count_words(c, f->users) },
		{ "share", "Affected share", share_words(c, f->share_permille) },
		{ "journeys", "What they cannot do", text_words(c, f->journeys, plain) },
		{ "until", "Until", time_words(c, f->ended_at, plain) },
		{ "data-loss", "Data loss", tri_words(f->data_loss) },
		{ "corruption", "Data corruption", tri_words(f->data_corruption) },
		{ "critical", "Critical period", text_words(c, f->critical_period, plain) },
		{ "revenue", "Revenue", text_words(c, f->revenue, plain) },
		{ "budget", "Error budget spent", share_words(c, f->budget_permille) },
		{ "tickets", "Support tickets", count_words(c, f->tickets) },
		{ "paying", "Paying customer", f->paying_customer ? "yes" : NULL },
	};

	memcpy(out, all, sizeof(all));
}

static void part(struct str *s, const char *text)
{
	str_addf(s, "%s%s", s->len ? " · " : "", text);
}

static void data_part(struct str *s, enum tri t, const char *what)
{
	if (t == TRI_YES)
		part(s, what);
	else if (t == TRI_NO)
		str_addf(s, "%sno %s", s->len ? " · " : "", what);
}

const char *figures_short(struct call *c, const struct impact_facts *f)
{
	struct str s;

	str_init_arena(&s, c->arena, 1000);
	if (f->users >= 0)
		str_addf(&s, "%lld %s", (long long)f->users, f->users == 1 ? "user" : "users");
	if (f->share_permille >= 0)
		part(&s, share_words(c, f->share_permille));
	data_part(&s, f->data_loss, "data loss");
	data_part(&s, f->data_corruption, "data corruption");
	if (f->critical_period)
		part(&s, message_short(c, f->critical_period, 60));
	if (f->paying_customer)
		part(&s, "a paying customer reported it");
	if (f->ended_at)
		part(&s, arena_printf(c->arena, "until %s", words_time(c, f->ended_at)));
	return s.p;
}

/* ---- read ---- */

static bool digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

/* Digits, in groups of three or not. 0 when there are none. */
static size_t whole_read(const char *p, int64_t *out)
{
	size_t n = 0, digits = 0;

	*out = 0;
	for (; digits < DIGITS_MAX; n++) {
		bool group = digits > 0 && strchr(",.'", p[n]) && p[n] && digit(p[n + 1]) &&
			     digit(p[n + 2]) && digit(p[n + 3]) && !digit(p[n + 4]);

		if (group)
			continue;
		if (!digit(p[n]))
			break;
		*out = *out * 10 + (p[n] - '0');
		digits++;
	}
	return n;
}

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " ");
}

bool figures_count(const char *text, int64_t *out)
{
	static const struct {
		const char *unit;
		int64_t times;
	} units[] = { { "", 1 }, { "k", 1000 }, { "K", 1000 }, { "m", 1000000 }, { "M", 1000000 } };
	int64_t value;
	size_t n = whole_read(text, &value);
	int64_t tenths = 0;
	const char *unit;

	if (n == 0)
		return false;
	if ((text[n] == '.' || text[n] == ',') && digit(text[n + 1])) {
		tenths = text[n + 1] - '0';
		n += 2;
	}
	unit = skip_blanks(text + n);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].unit) != 0 || (tenths && units[i].times == 1) ||
			value > COUNT_MAX / units[i].times)
			continue;
		*out = value * units[i].times + tenths * units[i].times / 10;
		return true;
	}
	return false;
}

bool figures_permille(const char *text, int *out)
{
	size_t n = strspn(text, "0123456789");
	int value;

	if (n == 0 || n > 3)
		return false;
	value = (int)strtol(text, NULL, 10) * 10;
	if ((text[n] == '.' || text[n] == ',') && digit(text[n + 1])) {
		value += text[n + 1] - '0';
		n += 2;
		n += strspn(text + n, "0123456789"); /* finer than we keep */
	}
	text = skip_blanks(text + n);
	if (*text == '%')
		text++;
	if (*text || value > 1000)
		return false;
	*out = value;
	return true;
}
