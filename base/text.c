#include "base/text.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"

#define TEXT_REPLACEMENT "\xEF\xBF\xBD"

static bool text_is_tail(unsigned char c)
{
	return (c & 0xC0) == 0x80;
}

/* Table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing past U+10FFFF. */
size_t text_decode(const char *text, size_t n, uint32_t *cp)
{
	const unsigned char *p = (const unsigned char *)text;

	if (n == 0)
		return 0;
	if (p[0] < 0x80) {
		*cp = p[0];
		return 1;
	}
	if (p[0] < 0xC2 || p[0] > 0xF4)
		return 0;
	if (n < 2 || !text_is_tail(p[1]))
		return 0;
	if (p[0] < 0xE0) {
		*cp = (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
		return 2;
	}
	if (n < 3 || !text_is_tail(p[2]))
		return 0;
	if (p[0] < 0xF0) {
		uint32_t c = (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 |
			(p[2] & 0x3F);

		*cp = c;
		return c < 0x800 || (c >= 0xD800 && c <= 0xDFFF) ? 0 : 3;
	}
	if (n < 4 || !text_is_tail(p[3]))
		return 0;

	uint32_t c = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
		(uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);

	*cp = c;
	return c < 0x10000 || c > 0x10FFFF ? 0 : 4;
}

/* Eight bytes of ASCII without NUL: most of what is read is nothing else. */
static bool text_is_ascii(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return !((x | (x - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080));
}

bool text_valid(const char *p, size_t n)
{
	uint32_t cp = 0;

	for (size_t i = 0, len; i < n; i += len) {
		len = 8;
		if (n - i >= 8 && text_is_ascii(p + i))
			continue;
		len = text_decode(p + i, n - i, &cp);
		if (len == 0 || cp == 0)
			return false;
	}
	return true;
}

size_t text_chars(const char *s)
{
	size_t chars = 0;

	for (; *s; s++)
		chars += !text_is_tail((unsigned char)*s);
	return chars;
}

/* Bytes that a character with this first byte has. */
static size_t text_lead_length(unsigned char c)
{
	if (c < 0xC0)
		return 1;
	return c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

size_t text_edge(const char *p, size_t n)
{
	for (size_t back = 1; back <= 4 && back <= n; back++) {
		unsigned char c = (unsigned char)p[n - back];

		if (text_is_tail(c))
			continue;
		return text_lead_length(c) > back ? n - back : n;
	}
	return n; /* no UTF-8 at all: any place is as good */
}

size_t text_cut(const char *s, size_t max_bytes)
{
	size_t n = strnlen(s, max_bytes);

	return n < max_bytes || s[n] == '\0' ? n : text_edge(s, n);
}

/* What a reader would not see, or what would turn the text around it. */
static bool text_is_invisible(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} range[] = {
		{ 0x00, 0x1F },       { 0x7F, 0x9F },       { 0xAD, 0xAD },
		{ 0x34F, 0x34F },     { 0x61C, 0x61C },     { 0x180E, 0x180E },
		{ 0x200B, 0x200F },   { 0x202A, 0x202E },   { 0x2060, 0x206F },
		{ 0xFEFF, 0xFEFF },   { 0xFFF9, 0xFFFB },   { 0xE0000, 0xE007F },
	};

	for (size_t i = 0; i < sizeof(range) / sizeof(*range); i++)
		if (c >= range[i].from && c <= range[i].to)
			return true;
	return false;
}

static bool text_is_line_end(uint32_t c)
{
	return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

static bool text_is_blank(const char *p, size_t len)
{
	return (len == 1 && (*p == ' ' || *p == '\n')) ||
		(len == 2 && memcmp(p, "\xC2\xA0", 2) == 0) ||
		(len == 3 && memcmp(p, "\xE3\x80\x80", 3) == 0);
}

static size_t text_trim_end(const char *p, size_t n)
{
	for (;;) {
		if (n >= 1 && text_is_blank(p + n - 1, 1))
			n -= 1;
		else if (n >= 2 && text_is_blank(p + n - 2, 2))
			n -= 2;
		else if (n >= 3 && text_is_blank(p + n - 3, 3))
			n -= 3;
		else
			return n;
	}
}

char *text_clean(struct arena *a, const char *p, size_t n, size_t max_bytes, bool keep_newlines)
{
	struct str out;

	str_init_arena(&out, a, max_bytes);
	for (size_t i = 0, len; i < n && !out.cut; i += len) {
		uint32_t c = 0;
		const char *add = p + i;
		size_t add_len;

		len = text_decode(p + i, n - i, &c);
		add_len = len;
		if (len == 0) {
			len = 1;
			add = TEXT_REPLACEMENT;
			add_len = 3;
		} else if (text_is_line_end(c)) {
			if (c == '\r' && i + 1 < n && p[i + 1] == '\n')
				len = 2;
			add = keep_newlines ? "\n" : " ";
			add_len = 1;
		} else if (c == '\t') {
			add = " ";
		} else if (c >= 0x20 && c < 0x7F) {
			add = p + i;
		} else if (text_is_invisible(c)) {
			continue;
		}
		if (out.len == 0 && text_is_blank(add, add_len))
			continue;
		str_addn(&out, add, add_len);
	}
	if (out.cap == 0)
		return arena_strdup(a, "");
	out.p[text_trim_end(out.p, out.len)] = '\0';
	return out.p;
}

static unsigned char text_fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool text_equal_fold(const char *a, const char *b)
{
	while (*a && text_fold(*a) == text_fold(*b)) {
		a++;
		b++;
	}
	return *a == *b;
}

bool text_prefix_fold(const char *prefix, const char *s)
{
	for (; *prefix; prefix++, s++)
		if (text_fold(*prefix) != text_fold(*s))
			return false;
	return true;
}

bool text_index(const char *const *names, size_t count, const char *name, int *out)
{
	for (size_t i = 0; name && *name && i < count; i++) {
		if (!names[i] || !text_equal_fold(names[i], name))
			continue;
		*out = (int)i;
		return true;
	}
	return false;
}

char *text_lower(struct arena *a, const char *s)
{
	char *copy = arena_strdup(a, s);

	for (char *c = copy; c && *c; c++)
		*c = (char)text_fold(*c);
	return copy;
}

const char *text_find_fold(const char *haystack, const char *needle)
{
	for (const char *p = haystack;; p++) {
		if (text_prefix_fold(needle, p))
			return p;
		if (!*p)
			return NULL;
	}
}

#define DISTANCE_MAX 64

static unsigned unsigned_min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: three rows, since a swap looks two back. */
unsigned text_distance(const char *a, const char *b)
{
	unsigned rows[3][DISTANCE_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];
	size_t na = strnlen(a, DISTANCE_MAX), nb = strnlen(b, DISTANCE_MAX);

	memset(rows, 0, sizeof(rows));
	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *spare = before;

		before = last;
		last = row;
		row = spare;
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned char x = text_fold(a[i - 1]), y = text_fold(b[j - 1]);
			unsigned best = last[j - 1] + (x != y);

			best = unsigned_min(best, unsigned_min(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && x == text_fold(b[j - 2]) && text_fold(a[i - 2]) == y)
				best = unsigned_min(best, before[j - 2] + 1);
			row[j] = best;
		}
	}
	return row[nb];
}

/* U+00C0 to U+017F without their accents; '-' where there is no letter. */
static const char text_latin[] = "aaaaaaaceeeeiiiidnooooo-ouuuuyts"
				 "aaaaaaaceeeeiiiidnooooo-ouuuuyty"
				 "aaaaaaccccccccddddeeeeeeeeeegggg"
				 "gggghhhhiiiiiiiiiiiijjkkklllllll"
				 "lllnnnnnnnnnoooooooorrrrrrssssss"
				 "ssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

static char text_slug_char(uint32_t c)
{
	if (c < 0x80) {
		char f = (char)text_fold((char)c);

		return (f >= 'a' && f <= 'z') || (f >= '0' && f <= '9') ? f : '-';
	}
	if (c >= 0xC0 && c - 0xC0 < sizeof(text_latin) - 1)
		return text_latin[c - 0xC0];
	return '-';
}

void text_slug(struct str *out, const char *s, size_t max_bytes)
{
	size_t n = strlen(s), written = 0;
	bool dash = false;

	for (size_t i = 0, len; i < n && written < max_bytes; i += len) {
		uint32_t c = '-';

		len = text_decode(s + i, n - i, &c);
		if (len == 0)
			len = 1;
		if (c == '\'' || c == 0x2019) /* "can't" is one word */
			continue;

		char add = text_slug_char(c);

		if (add == '-') {
			dash = written > 0;
			continue;
		}
		if (dash && written + 2 > max_bytes)
			return;
		if (dash) {
			str_addc(out, '-');
			written++;
			dash = false;
		}
		str_addc(out, add);
		written++;
	}
}

/* ---- signs ---- */

size_t text_sign_at(const char *p, struct text_set set)
{
	for (size_t i = 0; i < set.count; i++) {
		size_t n = strlen(set.sign[i]);

		if (strncmp(p, set.sign[i], n) == 0)
			return n;
	}
	return 0;
}

size_t text_sign_before(const char *start, const char *p, struct text_set set)
{
	for (size_t i = 0; i < set.count; i++) {
		size_t n = strlen(set.sign[i]);

		if ((size_t)(p - start) >= n && memcmp(p - n, set.sign[i], n) == 0)
			return n;
	}
	return 0;
}

const char *text_skip(const char *p, struct text_set set)
{
	for (size_t n; (n = text_sign_at(p, set)) > 0;)
		p += n;
	return p;
}

const char *text_skip_back(const char *start, const char *p, struct text_set set)
{
	for (size_t n; (n = text_sign_before(start, p, set)) > 0;)
		p -= n;
	return p;
}

void text_html(struct str *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		switch (p[i]) {
		case '&':
			str_add(out, "&amp;");
			break;
		case '<':
			str_add(out, "&lt;");
			break;
		case '>':
			str_add(out, "&gt;");
			break;
		case '"':
			str_add(out, "&quot;");
			break;
		case '\'':
			str_add(out, "&#39;");
			break;
		default:
			str_addc(out, p[i]);
		}
}

/* What Markdown and HTML would take for more than text. */
void text_markdown(struct str *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		switch (*p) {
		case '<':
			str_add(out, "&lt;");
			break;
		case '>':
			str_add(out, "&gt;");
			break;
		case '&':
			str_add(out, "&amp;");
			break;
		case '\r':
		case '\n':
			str_addc(out, ' ');
			break;
		case '\\':
		case '`':
		case '*':
		case '_':
		case '[':
		case ']':
		case '|':
		case '~':
		case '#':
		case '$':
			str_addc(out, '\\');
			str_addc(out, *p);
			break;
		default:
			if ((unsigned char)*p >= ' ')
				str_addc(out, *p);
		}
	}
}
