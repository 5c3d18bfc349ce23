/* The marks inside a document's text: the first half of doc.h. */
#include "incident/doc.h"

#include <string.h>

#include "base/duration.h"
#include "base/text.h"
#include "base/zone.h"

#define MARK_CONTENT_MAX 3000u

static const char mark_kinds[] = { MARK_PERSON, MARK_CHANNEL, MARK_TIME, MARK_DATE, MARK_BOLD,
	MARK_CODE, MARK_LINK, MARK_EVERYONE, '\0' };

/* Adds content without the marks' own characters, so that one mark cannot hold or end another. */
static void mark_add_content(struct str *s, const char *content)
{
	static const char own[] = { MARK_BEGIN, MARK_END, '\0' };

	for (const char *p = content; *p;) {
		size_t n = strcspn(p, own);

		str_addn(s, p, n);
		p += n + (p[n] != '\0');
	}
}

/* All of a mark or nothing: one cut in the middle would turn the text after it into its content. */
static void mark_add(struct str *s, enum mark kind, const char *content)
{
	char kept[MARK_CONTENT_MAX + 1];
	size_t n = text_cut(content, MARK_CONTENT_MAX);

	if (s->cut)
		return;
	if (n + 3 > s->max - s->len) {
		s->cut = true;
		return;
	}
	memcpy(kept, content, n);
	kept[n] = '\0';
	str_addc(s, MARK_BEGIN);
	str_addc(s, (char)kind);
	mark_add_content(s, kept);
	str_addc(s, MARK_END);
}

void mark_person(struct str *s, const char *person)
{
	if (person && *person)
		mark_add(s, MARK_PERSON, person);
}

void mark_channel(struct str *s, const char *channel)
{
	if (channel && *channel)
		mark_add(s, MARK_CHANNEL, channel);
}

static void mark_number(struct str *s, enum mark kind, int64_t ms)
{
	STR_CLEANUP struct str number;

	str_init(&number, 24);
	str_addf(&number, "%lld", (long long)ms);
	mark_add(s, kind, number.p);
}

void mark_time(struct str *s, int64_t ms)
{
	mark_number(s, MARK_TIME, ms);
}

void mark_date(struct str *s, int64_t ms)
{
	mark_number(s, MARK_DATE, ms);
}

void mark_bold(struct str *s, const char *text)
{
	if (text && *text)
		mark_add(s, MARK_BOLD, text);
}

void mark_code(struct str *s, const char *text)
{
	if (text && *text)
		mark_add(s, MARK_CODE, text);
}

void mark_link(struct str *s, const char *url, const char *label)
{
	STR_CLEANUP struct str content = { 0 };

	if (!url || !*url)
		return;
	str_init(&content, MARK_CONTENT_MAX);
	for (const char *p = url; *p; p++) {
		if (*p == '|') /* the first one ends the address */
			str_add(&content, "%7C");
		else
			str_addc(&content, *p);
	}
	if (content.cut) { /* half an address leads somewhere else */
		mark_add_content(s, label ? label : "");
		return;
	}
	str_addc(&content, '|');
	str_add(&content, label && *label ? label : url);
	mark_add(s, MARK_LINK, content.p);
}

void mark_everyone(struct str *s)
{
	mark_add(s, MARK_EVERYONE, "");
}

static void walk_text(const struct mark_visitor *v, const char *p, size_t n)
{
	if (n > 0 && v->text)
		v->text(v->ctx, p, n);
}

/* p is behind MARK_BEGIN. Returns where to go on: behind the mark, or at what turned out to be
 * text. */
static const char *walk_mark(const char *p, const struct mark_visitor *v)
{
	static const char own[] = { MARK_BEGIN, MARK_END, '\0' };
	char content[MARK_CONTENT_MAX + 1];

	if (!*p || !strchr(mark_kinds, *p))
		return p;

	size_t n = strcspn(p + 1, own);

	if (p[1 + n] != MARK_END)
		return p;

	size_t kept = n > MARK_CONTENT_MAX ? text_edge(p + 1, MARK_CONTENT_MAX) : n;

	memcpy(content, p + 1, kept);
	content[kept] = '\0';
	if (v->mark)
		v->mark(v->ctx, (enum mark)*p, content);
	return p + 1 + n + 1;
}

void markup_walk(const char *text, const struct mark_visitor *v)
{
	static const char own[] = { MARK_BEGIN, MARK_END, '\0' };

	for (const char *p = text; *p;) {
		size_t n = strcspn(p, own);

		walk_text(v, p, n);
		p += n;
		if (*p == MARK_BEGIN)
			p = walk_mark(p + 1, v);
		else if (*p == MARK_END)
			p++;
	}
}

struct plain {
	struct str *out;
	const char *zone;
	int64_t now_ms;
	const char *(*name)(void *ctx, const char *person);
	void *ctx;
};

static const char *key_id(const char *key)
{
	const char *colon = strchr(key, ':');

	return colon && colon[1] ? colon + 1 : key;
}

static void plain_text(void *ctx, const char *p, size_t n)
{
	struct plain *plain = ctx;

	str_addn(plain->out, p, n);
}

static bool plain_ms(const char *content, int64_t *ms)
{
	const char *p = content;
	bool minus = *p == '-';
	size_t n;

	p += minus;
	n = strspn(p, "0123456789");
	if (n == 0 || n > 16 || p[n])
		return false;
	*ms = 0;
	for (; *p; p++)
		*ms = *ms * 10 + (*p - '0');
	if (minus)
		*ms = -*ms;
	return true;
}

static void plain_time(struct plain *plain, const char *content, bool dated)
{
	struct civil c;
	int64_t ms;

	if (!plain_ms(content, &ms))
		return;
	if (!dated) {
		time_format(plain->out, ms, plain->now_ms, plain->zone, true);
		return;
	}
	zone_civil(plain->zone, ms, &c);
	str_addf(plain->out, "%04d-%02d-%02d ", c.year, c.month, c.day);
	time_format(plain->out, ms, ms, plain->zone, true);
}

static void plain_link(struct plain *plain, const char *content)
{
	const char *bar = strchr(content, '|');
	size_t n = bar ? (size_t)(bar - content) : strlen(content);

	if (!bar || !bar[1] || strcmp(bar + 1, content) == 0 ||
		(strlen(bar + 1) == n && strncmp(content, bar + 1, n) == 0)) {
		str_addn(plain->out, content, n);
		return;
	}
	str_addf(plain->out, "%s (", bar + 1);
	str_addn(plain->out, content, n);
	str_addc(plain->out, ')');
}

static void plain_person(struct plain *plain, const char *person)
{
	const char *name = plain->name ? plain->name(plain->ctx, person) : NULL;

	str_addf(plain->out, "@%s", name && *name ? name : key_id(person));
}

static void plain_mark(void *ctx, enum mark kind, const char *content)
{
	struct plain *plain = ctx;

	switch (kind) {
	case MARK_PERSON:
		plain_person(plain, content);
		break;
	case MARK_CHANNEL:
		str_addf(plain->out, "#%s", key_id(content) + (*key_id(content) == '#'));
		break;
	case MARK_TIME:
	case MARK_DATE:
		plain_time(plain, content, kind == MARK_DATE);
		break;
	case MARK_BOLD:
	case MARK_CODE:
		str_add(plain->out, content);
		break;
	case MARK_LINK:
		plain_link(plain, content);
		break;
	case MARK_EVERYONE:
		str_add(plain->out, "@channel");
		break;
	}
}

void markup_plain(struct str *out, const char *text, const char *zone, int64_t now_ms,
	const char *(*name)(void *ctx, const char *person), void *ctx)
{
	struct plain plain = { out, zone, now_ms, name, ctx };
	struct mark_visitor v = { .text = plain_text, .mark = plain_mark, .ctx = &plain };

	if (text)
		markup_walk(text, &v);
}
