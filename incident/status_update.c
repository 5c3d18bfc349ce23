#include "incident/status_update.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/duration.h"
#include "base/str.h"
#include "base/text.h"

enum section {
	SECTION_KNOWN,
	SECTION_UNKNOWN,
	SECTION_IMPACT,
	SECTION_DOING,
	SECTION_NEXT,
	SECTION_PROMISE,
};

/* Longer words before those they begin with. */
static const struct {
	const char *word;
	enum section section;
} section_words[] = {
	{ "known", SECTION_KNOWN },       { "unknown", SECTION_UNKNOWN },
	{ "impact", SECTION_IMPACT },     { "doing", SECTION_DOING },
	{ "mitigation", SECTION_DOING },  { "actions", SECTION_DOING },
	{ "action", SECTION_DOING },      { "next update", SECTION_PROMISE },
	{ "next steps", SECTION_NEXT },   { "next step", SECTION_NEXT },
	{ "next", SECTION_NEXT },
};

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static const char *const blanks[] = { " ", "\t", "\n", "\xC2\xA0", "\xE2\x80\xAF" };
/* What stands between parts of a line, emphasis and bullets as people and phones make them too. */
static const char *const separators[] = { ";", ",", ".", "|", "*", "_", "-", "!", "?", ")", "(",
	"\"", "'", "…", "–", "—", "•", "·", "“", "”", "’", "‘", "；", "，", "。" };
static const char *const joiners[] = { "-", ".", "_", "'", "’", "·" };
static const char *const colons[] = { ":", "：", "–", "—" };
/* Emphasis and quotes around a section word: "*Known:* …", "“known”: …". */
static const char *const wraps[] = { "*", "_", "\"", "'", "“", "”", "‘", "’" };
static const char *const emphasis[] = { "*", "_" };
/* What is left over before a section or a promise that was taken out. */
static const char *const leftovers[] = { ";", ",", "(", "-", "|", "–", "—", "•", "·", "；", "，" };

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const char *skip_blanks(const char *p)
{
	return text_skip(p, TEXT_SET(blanks));
}

static const char *back_blanks(const char *start, const char *p)
{
	return text_skip_back(start, p, TEXT_SET(blanks));
}

/* The end of what stands before p, without blanks and leftovers. */
static const char *back_leftovers(const char *start, const char *p)
{
	for (;;) {
		const char *q = back_blanks(start, p);

		q = text_skip_back(start, q, TEXT_SET(leftovers));
		if (q == p)
			return p;
		p = q;
	}
}

/* Does a new part begin at p: the very start, behind a separator or on a new line? */
static bool part_begins(const char *start, const char *p)
{
	const char *q = back_blanks(start, p);

	if (q == start || memchr(q, '\n', (size_t)(p - q)))
		return true;

	size_t n = text_sign_before(start, q, TEXT_SET(separators));

	if (n == 0)
		return false;
	/* "well-known", "it's", "file.known": one word */
	return q != p || q - n == start || !is_word_byte(q[-(ptrdiff_t)n - 1]) ||
		text_sign_at(q - n, TEXT_SET(joiners)) == 0;
}

/* The colon at p, in the same line: its end, else NULL. A dash serves only behind a blank
 * ("impact — EU"), since "known—" is prose. */
static const char *colon_at(const char *p)
{
	const char *q = skip_blanks(p);
	size_t n = text_sign_at(q, TEXT_SET(colons));
	bool dash = n > 0 && *q != ':' && strncmp(q, "：", n) != 0;

	return n == 0 || (dash && q == p) || memchr(p, '\n', (size_t)(q - p)) ? NULL : q + n;
}

/* A section word with its colon at p: length of both, else 0. */
static size_t section_at(const char *p, enum section *out)
{
	for (size_t i = 0; i < COUNT(section_words); i++) {
		const char *q = p + strlen(section_words[i].word);

		if (!text_prefix_fold(section_words[i].word, p) || is_word_byte(*q))
			continue;
		q = colon_at(text_skip(q, TEXT_SET(wraps)));
		if (!q)
			continue;
		q = text_skip(q, TEXT_SET(emphasis)); /* it may end here; a quote would begin the text */
		*out = section_words[i].section;
		return (size_t)(q - p);
	}
	return 0;
}

/* ---- the promise ---- */

static bool take_word(const char **p, const char *word)
{
	const char *q = *p + strlen(word);

	if (!text_prefix_fold(word, *p) || is_word_byte(*q))
		return false;
	*p = skip_blanks(q);
	return true;
}

struct when {
	const char *zone;
	int64_t now_ms;
};

/* A duration or a time, and nothing behind it. said_in: "in" went before it, then it can only be a
 * duration. */
static int64_t when_whole(const char *text, const struct when *w, bool said_in)
{
	int64_t found = 0;

	if (duration_parse(text, &found))
		return w->now_ms + found;
	if (!said_in && time_parse(text, w->zone, w->now_ms, false, &found))
		return found;
	return 0;
}

/* "in 20m", "at 14:50", "14:50", "20m" as the whole of text. */
static int64_t promise_whole(const char *text, const struct when *w)
{
	const char *p = skip_blanks(text);
	bool said_in = take_word(&p, "in");

	if (!said_in && !take_word(&p, "at"))
		take_word(&p, "by");
	return when_whole(p, w, said_in);
}

/* A promise and nothing behind it. Without "next" it must say "in" and begin a part of its own:
 * "rolled back in 20m" tells what was, not what will be. begins: it does. */
static int64_t promise_tail(const char *text, const struct when *w, bool begins)
{
	const char *p = text;
	int64_t ignored;

	if (!take_word(&p, "next"))
		return begins && take_word(&p, "in") ? when_whole(p, w, true) : 0;

	bool said = take_word(&p, "update");
	const char *q = colon_at(p);

	if (q)
		p = skip_blanks(q);
	/* "next 14:50" and "next in 20m" are clear enough, "next 2" is not */
	if (!said && !q && !text_prefix_fold("in ", p) &&
		!time_parse(p, w->zone, w->now_ms, false, &ignored))
		return 0;
	return promise_whole(p, w);
}

#define PROMISE_LOOK 80 /* bytes from the end in which a promise may begin */

static size_t promise_end(const char *text)
{
	static const char *const closing[] = { ".", ";", ",", "!", ")", "*", "_", "…" };
	const char *end = text + strlen(text);

	for (;;) {
		const char *q = text_skip_back(text, back_blanks(text, end), TEXT_SET(closing));

		if (q == end)
			return (size_t)(end - text);
		end = q;
	}
}

/* Finds the promise at the end of text and cuts it off. last: of the whole update, where "in 20m"
 * alone is one too. */
static int64_t promise_cut(struct arena *a, char *text, const struct when *w, bool last)
{
	size_t len = promise_end(text);
	char *copy = arena_strndup(a, text, len);

	for (size_t i = len > PROMISE_LOOK ? len - PROMISE_LOOK : 0; i < len; i++) {
		if (!strchr("nNiI", copy[i]) || (i > 0 && is_word_byte(copy[i - 1])))
			continue;

		int64_t at = promise_tail(copy + i, w, last && part_begins(copy, copy + i));

		if (!at)
			continue;

		const char *front = text_skip_back(copy, copy + i, TEXT_SET(wraps));

		text[back_leftovers(copy, front) - copy] = '\0';
		return at;
	}
	return 0;
}

/* "Next update in 20m. Rolling back." Takes it off the front of text, which must go on in a part of
 * its own. named: the words before the time are gone already. */
static int64_t promise_cut_front(char *text, const struct when *w, bool named)
{
	const char *p = text, *end;
	int64_t at = 0;
	size_t n;

	if (!named && (!take_word(&p, "next") || !take_word(&p, "update")))
		return 0;
	if (!take_word(&p, "in"))
		take_word(&p, "at");
	n = duration_prefix(p, &at);
	if (n > 0)
		at += w->now_ms;
	else
		n = time_prefix(p, w->zone, w->now_ms, false, &at);
	if (n == 0)
		return 0;
	end = p + n;
	p = skip_blanks(end);
	n = text_sign_at(p, TEXT_SET(separators));
	if (n == 0 && !memchr(end, '\n', (size_t)(p - end)))
		return 0;
	p = skip_blanks(p + n);
	memmove(text, p, strlen(p) + 1);
	return at;
}

/* ---- the parts ---- */

struct part {
	enum section section;
	char *text; /* on the arena */
};

struct parts {
	struct part *part;
	size_t count, max;
};

static void parts_add(struct arena *a, struct parts *parts, enum section section, const char *from,
	const char *to)
{
	from = skip_blanks(from);
	if (from >= to)
		return;
	to = back_leftovers(from, to);
	if (to == from)
		return;
	if (parts->count == parts->max) {
		struct part *more;

		parts->max = parts->max ? parts->max * 2 : 8;
		more = arena_alloc(a, parts->max * sizeof(*more));
		if (parts->count)
			memcpy(more, parts->part, parts->count * sizeof(*more));
		parts->part = more;
	}
	parts->part[parts->count++] =
		(struct part){ section, arena_strndup(a, from, (size_t)(to - from)) };
}

static void parts_split(struct arena *a, const char *text, struct parts *parts)
{
	enum section section = SECTION_KNOWN, found = SECTION_KNOWN;
	const char *from = text, *p = text;

	while (*p) {
		bool word = is_word_byte(*p) && (p == text || !is_word_byte(p[-1]));
		size_t n = word && part_begins(text, p) ? section_at(p, &found) : 0;

		if (n == 0) {
			p++;
			continue;
		}
		parts_add(a, parts, section, from, text_skip_back(from, p, TEXT_SET(wraps)));
		section = found;
		from = p += n;
	}
	parts_add(a, parts, section, from, p);
}

/* Takes the promise out of a part that may hold one; an empty part is left when it was all. */
static int64_t part_promise(struct arena *a, struct part *part, bool last, const struct when *w)
{
	int64_t at;

	if (part->section == SECTION_PROMISE || part->section == SECTION_NEXT) {
		char *copy = arena_strndup(a, part->text, promise_end(part->text));

		at = promise_whole(copy, w);
		if (at) {
			part->text[0] = '\0';
			return at;
		}
	}
	at = promise_cut(a, part->text, w, last);
	if (at)
		return at;
	at = promise_cut_front(part->text, w, part->section == SECTION_PROMISE);
	if (at && part->section == SECTION_PROMISE)
		part->section = SECTION_KNOWN; /* what came behind it */
	return at;
}

static void part_join(struct str *to, const char *text)
{
	if (to->len > 0 && *text)
		str_add(to, "; ");
	str_add(to, text);
}

void status_update_parse(struct arena *a, const char *text, const char *zone, int64_t now_ms,
	struct status_update *out)
{
	char **const to[] = { &out->known, &out->unknown, &out->impact, &out->doing, &out->next };
	struct when w = { zone, now_ms };
	struct parts parts = { 0 };
	struct str joined[COUNT(to)];

	*out = (struct status_update){ 0 };
	parts_split(a, text, &parts);
	for (size_t i = parts.count; i-- > 0 && !out->next_at;)
		out->next_at = part_promise(a, &parts.part[i], i + 1 == parts.count, &w);
	for (size_t i = 0; i < COUNT(to); i++)
		str_init_arena(&joined[i], a, strlen(text) * 2);
	for (size_t i = 0; i < parts.count; i++) {
		enum section s = parts.part[i].section;

		part_join(&joined[s == SECTION_PROMISE ? SECTION_NEXT : s], parts.part[i].text);
	}
	for (size_t i = 0; i < COUNT(to); i++)
		*to[i] = joined[i].len > 0 ? joined[i].p : NULL;
}
