#include "incident/words.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"

/* A character that is not part of a word, by what it parts. */
static const struct {
	uint32_t from, to;
	enum word_edge edge;
} gaps[] = {
	{ '\n', '\n', EDGE_SENTENCE },
	{ '.', '.', EDGE_SENTENCE },
	{ ';', ';', EDGE_SENTENCE },
	{ '!', '!', EDGE_SENTENCE },
	{ '?', '?', EDGE_SENTENCE },
	{ 0x2022, 0x2022, EDGE_SENTENCE },
	{ 0x2026, 0x2026, EDGE_SENTENCE },
	{ 0x3002, 0x3002, EDGE_SENTENCE },
	{ 0xFF1B, 0xFF1B, EDGE_SENTENCE },
	{ 0xFF1F, 0xFF1F, EDGE_SENTENCE },
	{ ',', ',', EDGE_CLAUSE },
	{ '(', ')', EDGE_CLAUSE },
	{ '[', '[', EDGE_CLAUSE },
	{ ']', ']', EDGE_CLAUSE },
	{ 0xFF0C, 0xFF0C, EDGE_CLAUSE },
	{ ':', ':', EDGE_COLON },
	{ '=', '=', EDGE_COLON },
	{ 0x2012, 0x2015, EDGE_COLON },
	{ 0xFF1A, 0xFF1A, EDGE_COLON },
	{ 0x00, '#', EDGE_NONE },
	{ '$', '/', EDGE_NONE },
	{ '<', '@', EDGE_NONE },
	{ '\\', '`', EDGE_NONE },
	{ '{', 0xA9, EDGE_NONE },
	{ 0xAB, 0xB4, EDGE_NONE },
	{ 0xB6, 0xB9, EDGE_NONE },
	{ 0xBB, 0xBF, EDGE_NONE },
	{ 0x2000, 0x206F, EDGE_NONE },
	{ 0x3000, 0x303F, EDGE_NONE },
	{ 0xFE00, 0xFE0F, EDGE_NONE },
};

#define COUNT(a)   (sizeof(a) / sizeof(*(a)))
#define APOSTROPHE 0x2019

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The character at p: bytes, never 0 before the end. A broken one is taken as a blank. */
static size_t char_at(const char *p, uint32_t *c)
{
	size_t n = text_decode(p, strnlen(p, 4), c);

	if (n > 0)
		return n;
	*c = ' ';
	return 1;
}

static bool char_parts(uint32_t c, enum word_edge *edge)
{
	for (size_t i = 0; i < COUNT(gaps); i++) {
		if (c < gaps[i].from || c > gaps[i].to)
			continue;
		*edge = gaps[i].edge;
		return true;
	}
	return false;
}

static bool char_of_word(const char *p)
{
	enum word_edge ignored;
	uint32_t c;

	if (!*p)
		return false;
	char_at(p, &c);
	return !char_parts(c, &ignored);
}

/* Is the sign at p (behind start) inside of a word: "don't", "1,200", "14:02", "@a.b"? */
static bool sign_joins(const char *start, const char *p, uint32_t c, size_t n)
{
	if (p == start || !char_of_word(p + n))
		return false;
	if (c == '\'' || c == APOSTROPHE || c == '@')
		return true;
	if (*start == '@' && strchr(".-_", *p))
		return true;
	return (c == '.' || c == ',' || c == ':') && is_digit(p[-1]) && is_digit(p[n]);
}

static size_t word_length(const char *start)
{
	const char *p = start;

	if (*p == '%')
		return 1;
	if (*p == '@')
		p++;
	while (*p) {
		enum word_edge edge;
		uint32_t c;
		size_t n = char_at(p, &c);

		if (char_parts(c, &edge) && !sign_joins(start, p, c, n))
			break;
		p += n;
	}
	return (size_t)(p - start);
}

/* Over what is no word; the strongest edge in it, and whether a question was asked. */
static const char *gap_skip(const char *p, enum word_edge *edge, bool *asked)
{
	*edge = EDGE_NONE;
	*asked = false;
	while (*p) {
		enum word_edge found = EDGE_NONE;
		uint32_t c;
		size_t n = char_at(p, &c);

		if (!char_parts(c, &found) || c == '%' || (c == '@' && char_of_word(p + 1)))
			return p;
		if (found > *edge)
			*edge = found;
		*asked |= c == '?' || c == 0xFF1F;
		p += n;
	}
	*edge = EDGE_SENTENCE;
	return p;
}

size_t words_sentence(const char **p, struct word *w, size_t max)
{
	enum word_edge before;
	bool asked;
	size_t n = 0;

	*p = gap_skip(*p, &before, &asked);
	before = EDGE_SENTENCE;
	while (**p && n < max) {
		struct word *word = &w[n++];

		word->p = *p;
		word->len = word_length(*p);
		word->before = before;
		*p = gap_skip(*p + word->len, &word->after, &word->asked);
		before = word->after;
		if (word->after == EDGE_SENTENCE)
			break;
	}
	if (n > 0)
		w[n - 1].after = EDGE_SENTENCE;
	return n;
}

static char char_fold(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool word_equal(const struct word *w, const char *text, size_t len)
{
	size_t i = 0, k = 0;

	while (i < w->len && k < len) {
		if (text[k] == '\'' && w->len - i >= 3 && memcmp(w->p + i, "\xE2\x80\x99", 3) == 0)
			i += 3;
		else if (char_fold(w->p[i]) == text[k])
			i++;
		else
			return false;
		k++;
	}
	return i == w->len && k == len;
}

/* Alternatives end at a blank as well, so that a pattern can be read in place. */
bool word_is(const struct word *w, const char *alternatives)
{
	for (const char *p = alternatives;;) {
		size_t n = strcspn(p, "| ");

		if (word_equal(w, p, n))
			return true;
		if (p[n] != '|')
			return false;
		p += n + 1;
	}
}

bool word_is_mention(const struct word *w, bool possessive)
{
	static const char ends[][5] = { "'s", "\xE2\x80\x99s" };
	bool owns = false;

	if (*w->p != '@' || word_is(w, "@channel|@here|@everyone|@all"))
		return false;
	for (size_t i = 0; i < COUNT(ends); i++) {
		size_t n = strlen(ends[i]);

		owns |= w->len > n && memcmp(w->p + w->len - n, ends[i], n) == 0;
	}
	return owns == possessive;
}

size_t words_match(const struct word *w, size_t n, const char *pattern)
{
	size_t i = 0;

	for (const char *p = pattern; *p; i++) {
		if (i == n || (i > 0 && w[i].before != EDGE_NONE) || !word_is(&w[i], p))
			return 0;
		p += strcspn(p, " ");
		p += *p == ' ';
	}
	return i;
}

void words_clause(const struct word *w, size_t n, size_t i, size_t *from, size_t *to)
{
	*from = i;
	while (*from > 0 && w[*from].before < EDGE_CLAUSE && !word_is(&w[*from], "but"))
		--*from;
	*to = i + 1;
	while (*to < n && w[*to].before < EDGE_CLAUSE && !word_is(&w[*to], "but"))
		++*to;
}

bool words_have(const struct word *w, size_t from, size_t to, const char *alternatives)
{
	for (size_t i = from; i < to; i++)
		if (word_is(&w[i], alternatives))
			return true;
	return false;
}
