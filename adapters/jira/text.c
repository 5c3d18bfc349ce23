/* Ours → Jira's: the outbound half of text.h. */
#include "adapters/jira/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/arena.h"
#include "base/text.h"
#include "incident/doc.h"

#define ELLIPSIS  "…"
#define LATEST_MS INT64_C(253402300799000) /* 9999 */
#define URL_MAX	  2000

static void add_utc(struct str *out, const char *content)
{
	char text[64], *end;
	long long ms;
	time_t seconds;
	struct tm tm;

	errno = 0;
	ms = strtoll(content, &end, 10);
	if (end == content || *end || errno || ms < 0 || ms > LATEST_MS) {
		str_add(out, content);
		return;
	}
	seconds = (time_t)(ms / 1000);
	gmtime_r(&seconds, &tm);
	if (strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm))
		str_add(out, text);
}

static const char *key_id(const char *key)
{
	const char *colon = strchr(key, ':');

	return colon && colon[1] ? colon + 1 : key;
}

static bool url_allowed(const char *url, size_t n)
{
	static const char *const schemes[] = { "https://", "http://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t len = strlen(schemes[i]);

		if (n > len && n <= URL_MAX && strncasecmp(url, schemes[i], len) == 0)
			return true;
	}
	return false;
}

/* A mark as words, where it is not to be more: all but links. */
static void add_mark_words(struct str *out, enum mark kind, const char *content)
{
	switch (kind) {
	case MARK_PERSON:
	case MARK_CHANNEL:
		str_addf(out, "%c%s", (char)kind, key_id(content));
		break;
	case MARK_TIME:
	case MARK_DATE:
		add_utc(out, content);
		break;
	case MARK_EVERYONE:
		str_add(out, "everyone");
		break;
	case MARK_BOLD:
	case MARK_CODE:
		str_add(out, content);
		break;
	case MARK_LINK:
		content = strchr(content, '|') ? strchr(content, '|') + 1 : content;
		str_add(out, content);
		break;
	}
}

/* ---- ADF --------------------------------------------------------------------------------- */

struct adf {
	json_t *blocks, *inlines; /* of the document; of its last paragraph, NULL: none is open */
	size_t bytes;		  /* of text so far */
	int newlines;		  /* seen, not yet written */
	bool full;
};

static void adf_paragraph(struct adf *d)
{
	json_t *p = json_pack("{s:s, s:[]}", "type", "paragraph", "content");

	d->inlines = json_object_get(p, "content");
	json_array_append_new(d->blocks, p);
}

/* Line breaks that wait: one is a break, two begin a paragraph. */
static void adf_lines(struct adf *d)
{
	if (!d->inlines || d->newlines > 1)
		adf_paragraph(d);
	else if (d->newlines)
		json_array_append_new(d->inlines, json_pack("{s:s}", "type", "hardBreak"));
	d->newlines = 0;
}

static void adf_text(struct adf *d, const char *p, size_t n, json_t *mark_take)
{
	json_t *node, *text;

	if (d->full || !n) {
		json_decref(mark_take);
		return;
	}
	if (d->bytes + n > TEXT_DOC_MAX) {
		n = text_edge(p, TEXT_DOC_MAX - d->bytes);
		d->full = true;
	}
	d->bytes += n;
	adf_lines(d);
	text = json_stringn(p, n); /* NULL for what is no UTF-8: then it is left out */
	if (text && n) {
		node = json_pack("{s:s, s:o}", "type", "text", "text", text);
		if (mark_take)
			json_object_set_new(node, "marks", json_pack("[O]", mark_take));
		json_array_append_new(d->inlines, node);
	}
	if (d->full)
		json_array_append_new(
			d->inlines, json_pack("{s:s, s:s}", "type", "text", "text", ELLIPSIS));
	json_decref(mark_take);
}

static void adf_on_text(void *ctx, const char *p, size_t n)
{
	struct adf *d = ctx;

	for (size_t i = 0; i < n;) {
		size_t line = 0;

		while (i + line < n && p[i + line] != '\n')
			line++;
		adf_text(d, p + i, line, NULL);
		i += line;
		if (i < n) {
			d->newlines++;
			i++;
		}
	}
}

static json_t *adf_mark(enum mark kind, const char *content)
{
	const char *bar = strchr(content, '|');
	size_t n = bar ? (size_t)(bar - content) : strlen(content);

	if (kind == MARK_BOLD)
		return json_pack("{s:s}", "type", "strong");
	if (kind == MARK_CODE)
		return json_pack("{s:s}", "type", "code");
	if (kind == MARK_LINK && url_allowed(content, n) && text_valid(content, n))
		return json_pack("{s:s, s:{s:s%}}", "type", "link", "attrs", "href", content, n);
	return NULL;
}

static void adf_on_mark(void *ctx, enum mark kind, const char *content)
{
	struct adf *d = ctx;
	struct str STR_CLEANUP words = { 0 };

	str_init(&words, 4096);
	add_mark_words(&words, kind, content);
	for (size_t i = 0; i < words.len; i++) {
		if (words.p[i] == '\n')
			words.p[i] = ' ';
	}
	adf_text(d, words.p, words.len, adf_mark(kind, content));
}

json_t *text_to_adf(const char *markup)
{
	struct adf d = { .blocks = json_array() };
	struct mark_visitor v = { .text = adf_on_text, .mark = adf_on_mark, .ctx = &d };

	markup_walk(markup ? markup : "", &v);
	if (!json_array_size(d.blocks))
		adf_paragraph(&d);
	return json_pack("{s:s, s:i, s:o}", "type", "doc", "version", 1, "content", d.blocks);
}

/* ---- wiki markup ------------------------------------------------------------------------- */

struct wiki {
	struct str *out;
	char before; /* the character before, '\n' at the start */
	bool full;
};

/* All of a piece or nothing: half an escape would be markup. */
static void wiki_add(struct wiki *w, const char *piece, size_t n)
{
	if (!w->full && w->out->len + n > w->out->max - strlen(ELLIPSIS)) {
		w->full = true;
		str_add(w->out, ELLIPSIS);
	}
	if (!w->full)
		str_addn(w->out, piece, n);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\0';
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (unsigned char)c >= 0x80;
}

/* "h1. ", "bq. " at the start of a line. */
static bool is_block_word(const char *p, size_t n)
{
	return (n >= 3 && p[0] == 'h' && p[1] >= '1' && p[1] <= '6' && p[2] == '.') ||
	       (n >= 3 && p[0] == 'b' && p[1] == 'q' && p[2] == '.');
}

/* What stands after ':' ';' '(' in one of Jira's pictures. */
static bool is_picture(const char *p, size_t n)
{
	static const char *const pictures[] = { ":)", ":(", ":P", ":D", ":p", ";)", "(y)", "(n)",
		"(i)", "(/)", "(x)", "(!)", "(+)", "(-)", "(?)", "(*", "(on)", "(off)", "(flag" };

	for (size_t i = 0; i < sizeof(pictures) / sizeof(*pictures); i++) {
		size_t len = strlen(pictures[i]);

		if (n >= len && memcmp(p, pictures[i], len) == 0)
			return true;
	}
	return false;
}

/* Characters that always, and such that in their place could mean something. */
static bool is_special(const struct wiki *w, const char *p, size_t n, bool line_start)
{
	char next = n > 1 ? p[1] : '\n';

	if (strchr("{}[]*_+^~!|", *p))
		return true;
	if (*p == '?')
		return next == '?' || w->before == '?';
	if (*p == '#')
		return line_start;
	if (*p == '-') /* a list, dashes and rulers, -deleted- */
		return line_start || next == '-' || w->before == '-' ||
		       (!is_blank(next) && !is_word(w->before));
	return false;
}

static void wiki_entity(struct wiki *w, char c)
{
	struct str STR_CLEANUP s = { 0 };

	str_init(&s, 16);
	str_addf(&s, "&#%d;", (unsigned char)c);
	wiki_add(w, s.p, s.len);
}

/* An address that somebody typed would be a link anyway; as one it needs no escapes within. */
static size_t bare_url(const char *p, size_t n)
{
	size_t len = 0;

	while (len < n && (unsigned char)p[len] > ' ' && !strchr("<>\"'()", p[len]))
		len++;
	while (len && strchr(".,;:!?", p[len - 1]))
		len--;
	return url_allowed(p, len) ? len : 0;
}

static void wiki_url(struct wiki *w, const char *p, size_t n)
{
	struct str STR_CLEANUP s = { 0 };

	str_init(&s, 3 * URL_MAX + 16);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c <= ' ' || c == 0x7f || strchr("[]{}|\\^!*<>\"", c))
			str_addf(&s, "%%%02X", c);
		else
			str_addc(&s, p[i]);
	}
	wiki_add(w, s.p, s.len);
}

static void wiki_escaped(struct wiki *w, const char *p, size_t n)
{
	bool line_start = w->before == '\n';

	for (size_t i = 0; i < n && !w->full;) {
		size_t left = n - i, step = 1;
		char c = p[i];

		if (c == '\\' || (c == '&' && left > 1 && p[i + 1] == '#') ||
			(strchr(":;(", c) && is_picture(p + i, left)) ||
			(line_start && is_block_word(p + i, left))) {
			wiki_entity(w, c);
		} else if (is_special(w, p + i, left, line_start)) {
			wiki_add(w, (char[]){ '\\', c }, 2);
		} else {
			step = text_decode(p + i, left, &(uint32_t){ 0 });
			step = step ? step : 1;
			wiki_add(w, p + i, step);
		}
		w->before = c;
		line_start = c == '\n' || (line_start && (c == ' ' || c == '\t'));
		i += step;
	}
}

static void wiki_on_text(void *ctx, const char *p, size_t n)
{
	struct wiki *w = ctx;
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		size_t len = p[i] == 'h' || p[i] == 'H' ? bare_url(p + i, n - i) : 0;

		if (!len)
			continue;
		wiki_escaped(w, p + from, i - from);
		wiki_add(w, "[", 1);
		wiki_url(w, p + i, len);
		wiki_add(w, "]", 1);
		w->before = ']';
		i += len - 1;
		from = i + 1;
	}
	wiki_escaped(w, p + from, n - from);
}

/* Words between two signs of ours; they hold on one line only. */
static void wiki_wrapped(struct wiki *w, const char *open, const char *words, const char *close)
{
	struct str STR_CLEANUP line = { 0 };
	struct str STR_CLEANUP inner = { 0 };
	struct str STR_CLEANUP whole = { 0 };
	struct wiki within = { .out = &inner, .before = 'x' };

	if (!words[strspn(words, " \n")])
		return;
	str_init(&line, 4096);
	for (; *words; words++)
		str_addc(&line, *words == '\n' ? ' ' : *words);
	str_init(&inner, 20000);
	wiki_escaped(&within, line.p, line.len);
	str_init(&whole, 24000);
	str_addf(&whole, "%s%s%s", open, inner.p, close);
	wiki_add(w, whole.p, whole.len);
	w->before = 'x';
}

static void wiki_link(struct wiki *w, const char *content)
{
	const char *bar = strchr(content, '|');
	size_t n = bar ? (size_t)(bar - content) : strlen(content);
	struct str STR_CLEANUP end = { 0 };
	struct wiki url = { .out = &end };

	if (!url_allowed(content, n)) {
		wiki_escaped(w, bar ? bar + 1 : content, strlen(bar ? bar + 1 : content));
		return;
	}
	str_init(&end, 3 * URL_MAX + 16);
	if (bar && bar[1])
		str_addc(&end, '|');
	wiki_url(&url, content, n);
	str_addc(&end, ']');
	if (bar && bar[1])
		wiki_wrapped(w, "[", bar + 1, end.p);
	else {
		wiki_add(w, "[", 1);
		wiki_add(w, end.p, end.len);
		w->before = ']';
	}
}

static void wiki_on_mark(void *ctx, enum mark kind, const char *content)
{
	struct wiki *w = ctx;
	struct str STR_CLEANUP words = { 0 };

	if (kind == MARK_LINK) {
		wiki_link(w, content);
	} else if (kind == MARK_BOLD) {
		wiki_wrapped(w, "{*}", content, "{*}");
	} else if (kind == MARK_CODE) {
		wiki_wrapped(w, "{{", content, "}}");
	} else {
		str_init(&words, 4096);
		add_mark_words(&words, kind, content);
		wiki_escaped(w, words.p, words.len);
	}
}

void text_to_wiki(struct str *out, const char *markup)
{
	struct wiki w = { .out = out, .before = '\n' };
	struct mark_visitor v = { .text = wiki_on_text, .mark = wiki_on_mark, .ctx = &w };

	markup_walk(markup ? markup : "", &v);
}

json_t *text_to_jira(const struct flavour *f, const char *markup)
{
	struct str STR_CLEANUP wiki = { 0 };

	if (f->adf)
		return text_to_adf(markup);
	str_init(&wiki, TEXT_WIKI_MAX);
	text_to_wiki(&wiki, markup);
	return text_valid(wiki.p, wiki.len) ? json_string(wiki.p) : json_string("");
}

/* ---- one line ---------------------------------------------------------------------------- */

static void title_on_text(void *ctx, const char *p, size_t n)
{
	str_addn(ctx, p, n);
}

static void title_on_mark(void *ctx, enum mark kind, const char *content)
{
	add_mark_words(ctx, kind, content);
}

const char *text_title(struct arena *a, const char *markup)
{
	struct str STR_CLEANUP s = { 0 };
	struct mark_visitor v = { .text = title_on_text, .mark = title_on_mark, .ctx = &s };
	char *line;
	size_t chars = 0, i = 0, cut = 0;

	str_init(&s, 8192);
	markup_walk(markup ? markup : "", &v);
	line = text_clean(a, s.p, s.len, 4096, false);
	for (; line[i]; chars++) {
		if (chars == TEXT_TITLE_MAX - 1)
			cut = i;
		i += text_decode(line + i, strlen(line + i), &(uint32_t){ 0 });
	}
	if (chars > TEXT_TITLE_MAX) {
		while (cut && line[cut - 1] == ' ')
			cut--;
		return arena_printf(a, "%.*s" ELLIPSIS, (int)cut, line);
	}
	return *line ? line : "(no title)";
}
