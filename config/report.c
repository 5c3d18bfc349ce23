#include "config/report.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/text.h"

#define TEXT_MAX   600 /* bytes of a message */
#define QUOTE_MAX  60  /* bytes of a quoted word */
#define WINDOW     96  /* bytes of a line that are shown */

struct issue {
	struct issue *next;
	const struct source *source;
	size_t line, column;
	bool warning, secret;
	size_t shown; /* of a secret's line: bytes from the column on */
	const char *text;
};

/* ---- tokens ------------------------------------------------------------------------------ */

struct span {
	const char *p;
	size_t n;
};

static bool starts_with(struct span s, const char *prefix)
{
	if (!s.n || tolower((unsigned char)*s.p) != *prefix)
		return false; /* nearly always: lines may be long */
	size_t n = strlen(prefix);
	return s.n >= n && strncasecmp(s.p, prefix, n) == 0;
}

/* The platform's tokens, whatever key they were put under. s.n when there is none. */
static size_t find_token(struct span s)
{
	static const char *const prefix[] = { "xox", "xapp", "xwfp" };

	for (size_t i = 0; i < s.n; i++)
		for (size_t k = 0; k < sizeof(prefix) / sizeof(prefix[0]); k++) {
			struct span rest = { s.p + i, s.n - i };
			size_t n = strlen(prefix[k]);
			if (!starts_with(rest, prefix[k]))
				continue;
			while (n < rest.n && (isalnum((unsigned char)rest.p[n]) || rest.p[n] == '-'))
				n++;
			if (n >= strlen(prefix[k]) + 4) /* "xoxb-" alone may be talked about */
				return i;
		}
	return s.n;
}

/* ---- collecting -------------------------------------------------------------------------- */

void report_init(struct report *r, struct arena *a)
{
	*r = (struct report){ .arena = a };
}

static bool issue_before(const struct issue *a, const struct issue *b)
{
	if (a->source->order != b->source->order)
		return a->source->order < b->source->order;
	if (a->line != b->line)
		return a->line < b->line;
	return a->column < b->column;
}

__attribute__((format(printf, 3, 0)))
static void report_vadd(struct report *r, struct issue i, const char *fmt, va_list ap)
{
	if (!i.warning)
		r->errors++;
	if (++r->count > REPORT_ISSUES_MAX)
		return;
	struct str text;
	str_init_arena(&text, r->arena, TEXT_MAX);
	str_vaddf(&text, fmt, ap);
	/* Whatever a message quotes: a token that stands in the wrong place is still one. */
	size_t open = find_token((struct span){ text.p, text.len });
	if (open < text.len) {
		text.len = open;
		text.p[open] = '\0';
		str_add(&text, "[secret]");
	}
	i.text = text.p;
	struct issue *copy = arena_alloc(r->arena, sizeof(*copy));
	struct issue **at = &r->first;
	while (*at && !issue_before(&i, *at))
		at = &(*at)->next;
	i.next = *at;
	*copy = i;
	*at = copy;
}

static struct issue issue_of(const struct node *n)
{
	return (struct issue){ .source = n->source, .line = n->line, .column = n->column };
}

void report_error(struct report *r, const struct node *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report_vadd(r, issue_of(at), fmt, ap);
	va_end(ap);
}

void report_secret(struct report *r, const struct node *at, size_t shown, const char *fmt, ...)
{
	struct issue i = issue_of(at);
	va_list ap;

	i.secret = true;
	i.shown = shown;
	va_start(ap, fmt);
	report_vadd(r, i, fmt, ap);
	va_end(ap);
}

void report_warn(struct report *r, const struct node *at, const char *fmt, ...)
{
	struct issue i = issue_of(at);
	va_list ap;

	i.warning = true;
	va_start(ap, fmt);
	report_vadd(r, i, fmt, ap);
	va_end(ap);
}

void report_at(struct report *r, const struct source *source, size_t line, size_t column,
	const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report_vadd(r, (struct issue){ .source = source, .line = line, .column = column }, fmt, ap);
	va_end(ap);
}

/* ---- lines ------------------------------------------------------------------------------ */

/* Length of the line break at p, 0 when there is none: the five that YAML 1.1 has. */
static size_t break_length(const char *p, const char *end)
{
	size_t left = (size_t)(end - p);

	if (left >= 2 && memcmp(p, "\r\n", 2) == 0)
		return 2;
	if (left && (*p == '\n' || *p == '\r'))
		return 1;
	if (left >= 2 && memcmp(p, "\xc2\x85", 2) == 0)
		return 2;
	if (left >= 3 && (memcmp(p, "\xe2\x80\xa8", 3) == 0 || memcmp(p, "\xe2\x80\xa9", 3) == 0))
		return 3;
	return 0;
}

static struct span line_find(const struct source *s, size_t line)
{
	const char *p = s->text, *end = s->text + s->len;

	while (--line && p < end) {
		while (p < end && !break_length(p, end))
			p++;
		if (p < end)
			p += break_length(p, end);
	}
	const char *q = p;
	while (q < end && !break_length(q, end))
		q++;
	return (struct span){ p, (size_t)(q - p) };
}

/* Bytes before the column (characters, from 1) of a line. */
static size_t column_bytes(struct span line, size_t column)
{
	size_t i = 0;

	while (--column && i < line.n) {
		i++;
		while (i < line.n && ((unsigned char)line.p[i] & 0xc0) == 0x80)
			i++;
	}
	return i;
}

char report_char(const struct source *source, size_t line, size_t column)
{
	if (!source->text || !line || !column)
		return 0;
	struct span s = line_find(source, line);
	size_t i = column_bytes(s, column);
	return i < s.n ? s.p[i] : 0;
}

void report_offset(struct report *r, const struct source *source, size_t offset, const char *fmt,
	...)
{
	const char *p = source->text, *end = source->text + source->len;
	const char *at = offset < source->len ? p + offset : end;
	size_t line = 1, column = 1;

	while (p < at) {
		size_t n = break_length(p, end);
		if (n) {
			line++;
			column = 1;
			p += n;
			continue;
		}
		if (((unsigned char)*p & 0xc0) != 0x80)
			column++;
		p++;
	}
	va_list ap;
	va_start(ap, fmt);
	report_vadd(r, (struct issue){ .source = source, .line = line, .column = column }, fmt, ap);
	va_end(ap);
}

/* ---- secrets in lines -------------------------------------------------------------------- */

/* Where the value begins behind a key that sounds like a secret's; 0 when there is none. */
static size_t find_secret_key(struct span s)
{
	static const char *const word[] = { "token", "secret", "passw" };

	for (size_t i = 0; i < s.n; i++)
		for (size_t k = 0; k < sizeof(word) / sizeof(word[0]); k++) {
			if (!starts_with((struct span){ s.p + i, s.n - i }, word[k]))
				continue;
			const char *colon = memchr(s.p + i, ':', s.n - i);
			return colon ? (size_t)(colon - s.p) + 1 : 0;
		}
	return 0;
}

static struct span skip_blanks(struct span s, const char *also)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t' || (*s.p && strchr(also, *s.p)))) {
		s.p++;
		s.n--;
	}
	return s;
}

/* Bytes of the issue's line that may be shown. */
static size_t line_open(const struct report *r, const struct issue *i, struct span line)
{
	size_t open = find_token(line);
	size_t key = find_secret_key(line);

	if (key) {
		struct span value = skip_blanks((struct span){ line.p + key, line.n - key }, "\"'");
		bool reference = starts_with(value, "env:") || starts_with(value, "file:");
		key = (size_t)(skip_blanks((struct span){ line.p + key, line.n - key }, "").p - line.p);
		if (!reference && key < open)
			open = key;
	}
	if (i->line > 1) {
		/* A value may stand on the line after its key. */
		struct span above = line_find(i->source, i->line - 1);
		size_t at = find_secret_key(above);
		if (at && skip_blanks((struct span){ above.p + at, above.n - at }, "|>-+\"'").n == 0)
			open = 0;
	}
	for (const struct issue *k = r->first; k; k = k->next) {
		if (!k->secret || k->source != i->source || k->line != i->line)
			continue;
		size_t at = column_bytes(line, k->column) + k->shown;
		if (at < open)
			open = at;
	}
	return open;
}

/* Adds bytes of a line with what a terminal could obey taken out. */
static void add_plain(struct str *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		bool c1 = c == 0xc2 && i + 1 < n && (unsigned char)p[i + 1] < 0xa0;
		if (c1) {
			str_addc(out, '?');
			i++;
		} else {
			str_addc(out, c == '\t' ? ' ' : c < 0x20 || c == 0x7f ? '?' : p[i]);
		}
	}
}

const char *report_quote(struct report *r, const char *text, size_t n)
{
	struct span s = { text, n };
	struct str out;
	char head[QUOTE_MAX + 1];

	if (find_token(s) < n)
		return "[secret]";
	size_t len = n < QUOTE_MAX ? n : QUOTE_MAX;
	memcpy(head, text, len);
	head[len] = 0;
	for (size_t i = 0; i < len; i++)
		if (!head[i])
			head[i] = '?';
	if (n > QUOTE_MAX)
		len = text_cut(head, QUOTE_MAX - 1);
	str_init_arena(&out, r->arena, QUOTE_MAX + 8);
	add_plain(&out, head, len);
	if (n > QUOTE_MAX)
		str_add(&out, "…");
	return out.p;
}

/* ---- writing ---------------------------------------------------------------------------- */

static bool continues(struct span line, size_t i)
{
	return i < line.n && ((unsigned char)line.p[i] & 0xc0) == 0x80;
}

static void line_write(const struct report *r, const struct issue *i, struct str *out)
{
	struct span line = line_find(i->source, i->line);
	size_t at = column_bytes(line, i->column);
	size_t open = line_open(r, i, line);
	size_t from = 0, to = open;

	if (!text_valid(line.p, line.n))
		return;
	while (from < open && from < at && (line.p[from] == ' ' || line.p[from] == '\t'))
		from++;
	if (at > from + WINDOW / 2 && line.n - from > WINDOW)
		from = at - WINDOW / 2;
	while (continues(line, from))
		from++;
	if (from > open)
		from = open;
	if (to > from + WINDOW)
		to = from + WINDOW;
	while (continues(line, to))
		to--;
	str_add(out, "    ");
	add_plain(out, line.p + from, to - from);
	str_add(out, to < line.n ? "…\n    " : "\n    ");
	for (size_t k = from; k < at && k < to; k++)
		if (!continues(line, k))
			str_addc(out, ' ');
	str_add(out, "^\n");
}

void report_write(const struct report *r, struct str *out)
{
	for (const struct issue *i = r->first; i; i = i->next) {
		str_add(out, i->source->name);
		if (i->line && !i->source->shipped)
			str_addf(out, ":%zu:%zu", i->line, i->column);
		str_addf(out, ": %s%s\n", i->warning ? "warning: " : "", i->text);
		if (i->line && i->source->text && !i->source->shipped)
			line_write(r, i, out);
	}
	if (r->count > REPORT_ISSUES_MAX)
		str_addf(out, "… and %zu more\n", r->count - REPORT_ISSUES_MAX);
}

/* ---- did you mean ----------------------------------------------------------------------- */

void nearest_init(struct nearest *n, const char *word)
{
	*n = (struct nearest){ .word = word };
	size_t len = strlen(word);
	/* Short words are near to everything. */
	n->distance = len < 3 ? 0 : len < 5 ? 1 : len < 8 ? 2 : 3;
	n->distance++;
}

void nearest_try(struct nearest *n, const char *candidate)
{
	if (strlen(n->word) > 64)
		return;
	unsigned d = text_distance(n->word, candidate);
	if (d < n->distance) {
		n->best = candidate;
		n->distance = d;
	}
}
