#include "base/json_lex.h"

#include <string.h>

#include "base/text.h"

void json_lex_init(struct json_lex *l, const char *p, size_t n)
{
	*l = (struct json_lex){ .start = p, .p = p, .end = p + n };
	str_init(&l->unescaped, SIZE_MAX / 4);
}

void json_lex_finish(struct json_lex *l)
{
	str_finish(&l->unescaped);
}

bool json_lex_fail(struct json_lex *l, const char *fault)
{
	l->fault = fault;
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

void json_lex_blanks(struct json_lex *l)
{
	while (l->p < l->end && is_blank(*l->p))
		l->p++;
}

bool json_lex_sign(struct json_lex *l, char sign)
{
	json_lex_blanks(l);
	if (l->p == l->end || *l->p != sign)
		return false;
	l->p++;
	return true;
}

bool json_lex_word(struct json_lex *l, const char *word, size_t n)
{
	if ((size_t)(l->end - l->p) < n || memcmp(l->p, word, n) != 0)
		return json_lex_fail(l, "no JSON value");
	l->p += n;
	return true;
}

/* ---- strings ----------------------------------------------------------------------------- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Of eight bytes: is there a quote, a backslash, a control character or one beyond ASCII among them? What borrows from
 * a neighbour can make one too many of them, never one too few. */
static bool any_special(const char *p)
{
	uint64_t x, quote, back;

	memcpy(&x, p, sizeof(x));
	quote = x ^ EACH('"');
	back = x ^ EACH('\\');
	return (x | (x - EACH(' ')) | (quote - EACH(1)) | (back - EACH(1))) & EACH(0x80);
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x80 && c != '"' && c != '\\';
}

/* The end of what stands in the string as it is: its quote, an escape, or where it breaks a rule. */
static const char *plain_end(const char *p, const char *end)
{
	for (;;) {
		uint32_t cp;
		size_t n;

		while (end - p >= 8 && !any_special(p))
			p += 8;
		while (p < end && is_plain((unsigned char)*p))
			p++;
		if (p == end || (unsigned char)*p < 0x80)
			return p;
		n = text_decode(p, (size_t)(end - p), &cp);
		if (!n)
			return p;
		p += n;
	}
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* \u and four digits at p. */
static bool read_unit(struct json_lex *l, uint32_t *unit)
{
	if (l->end - l->p < 6 || l->p[0] != '\\' || l->p[1] != 'u')
		return json_lex_fail(l, "half a character by its number");
	*unit = 0;
	for (int i = 2; i < 6; i++) {
		int digit = hex_value(l->p[i]);

		if (digit < 0)
			return json_lex_fail(l, "a character's number with something else in it");
		*unit = *unit << 4 | (uint32_t)digit;
	}
	l->p += 6;
	return true;
}

static void add_utf8(struct str *s, uint32_t c)
{
	char out[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0x00, 0xC0, 0xE0, 0xF0 };

	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3F));
	out[0] = (char)(lead[n] | c);
	str_addn(s, out, n);
}

static bool read_character(struct json_lex *l)
{
	uint32_t c, low;

	if (!read_unit(l, &c))
		return false;
	if (c == 0)
		return json_lex_fail(l, "a NUL character in a string");
	if (c >= 0xDC00 && c <= 0xDFFF)
		return json_lex_fail(l, "the second half of a character alone");
	if (c >= 0xD800 && c <= 0xDBFF) {
		if (!read_unit(l, &low))
			return false;
		if (low < 0xDC00 || low > 0xDFFF)
			return json_lex_fail(l, "the first half of a character alone");
		c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
	}
	add_utf8(&l->unescaped, c);
	return true;
}

/* p is on the backslash. */
static bool read_escape(struct json_lex *l)
{
	static const char meant[128] = { ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b',
		['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t' };
	unsigned char c = l->end - l->p > 1 ? (unsigned char)l->p[1] : 0;

	if (c == 'u')
		return read_character(l);
	if (c > 127 || !meant[c])
		return json_lex_fail(l, "an escape that JSON does not have");
	str_addc(&l->unescaped, meant[c]);
	l->p += 2;
	return true;
}

static bool fail_in_string(struct json_lex *l)
{
	if (l->p == l->end)
		return json_lex_fail(l, "a string without its end");
	return json_lex_fail(l, (unsigned char)*l->p < ' ' ? "a control character in a string"
							    : "invalid UTF-8");
}

static bool read_escaped(struct json_lex *l, struct json_lex_string *out)
{
	const char *from = out->p;

	str_reset(&l->unescaped);
	for (;;) {
		str_addn(&l->unescaped, from, (size_t)(l->p - from));
		if (l->p < l->end && *l->p == '"')
			break;
		if (l->p == l->end || *l->p != '\\')
			return fail_in_string(l);
		if (!read_escape(l))
			return false;
		from = l->p;
		l->p = plain_end(from, l->end);
	}
	l->p++;
	*out = (struct json_lex_string){ l->unescaped.p, l->unescaped.len, true };
	return true;
}

bool json_lex_string(struct json_lex *l, struct json_lex_string *out)
{
	if (l->p == l->end || *l->p != '"')
		return json_lex_fail(l, "a string is missing");
	out->p = ++l->p;
	l->p = plain_end(l->p, l->end);
	if (l->p < l->end && *l->p == '\\')
		return read_escaped(l, out);
	if (l->p == l->end || *l->p != '"')
		return fail_in_string(l);
	out->n = (size_t)(l->p++ - out->p);
	out->escaped = false;
	return true;
}

/* ---- numbers ----------------------------------------------------------------------------- */

static bool read_digits(struct json_lex *l)
{
	const char *from = l->p;

	while (l->p < l->end && is_digit(*l->p))
		l->p++;
	return l->p > from || json_lex_fail(l, "a digit is missing");
}

static bool to_integer(const char *p, const char *end, int64_t *out)
{
	bool negative = *p == '-';
	uint64_t most = (uint64_t)INT64_MAX + negative, value = 0;

	for (p += negative; p < end; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (value > (most - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = (int64_t)(negative ? 0 - value : value);
	return true;
}

bool json_lex_number(struct json_lex *l, struct json_lex_number *out)
{
	const char *from = l->p;

	*out = (struct json_lex_number){ .integer = true, .p = from };
	if (from == l->end || (*from != '-' && !is_digit(*from)))
		return json_lex_fail(l, "no JSON value");
	if (l->p < l->end && *l->p == '-')
		l->p++;
	if (l->end - l->p > 1 && l->p[0] == '0' && is_digit(l->p[1]))
		return json_lex_fail(l, "a number that begins with 0");
	if (!read_digits(l))
		return false;
	if (l->p < l->end && *l->p == '.') {
		out->integer = false;
		l->p++;
		if (!read_digits(l))
			return false;
	}
	if (l->p < l->end && (*l->p == 'e' || *l->p == 'E')) {
		out->integer = false;
		l->p++;
		if (l->p < l->end && (*l->p == '+' || *l->p == '-'))
			l->p++;
		if (!read_digits(l))
			return false;
	}
	out->n = (size_t)(l->p - from);
	if (out->integer && !to_integer(from, l->p, &out->value))
		return json_lex_fail(l, "an integer that is too large");
	return true;
}

void json_lex_place(const struct json_lex *l, int *line, int *column)
{
	*line = *column = 1;
	for (const char *p = l->start; p < l->p; p++) {
		if (*p == '\n') {
			*line += 1;
			*column = 1;
		} else {
			*column += ((unsigned char)*p & 0xC0) != 0x80;
		}
	}
}
