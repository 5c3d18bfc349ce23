/*
 * Markdown as one HTML page. The page runs nothing and loads nothing: raw HTML is text, images become links, and links lead to http, https and
 * mailto only. Own renderer over md4c's events, so that what can come out is what is written here.
 */
#include <errno.h>
#include <md4c.h>
#include <string.h>

#include "base/text.h"
#include "commands/reviewing.h"

#define URL_MAX 2000 /* bytes of a link's target; longer ones are text */

static const char page_head[] =
	"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	"<meta name=\"referrer\" content=\"no-referrer\">\n<title>";
static const char page_style[] =
	"</title>\n<style>\n"
	"body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color: #222; background: #fff }\n"
	"h1, h2, h3 { line-height: 1.2 }\nh2 { margin-top: 2rem; border-bottom: 1px solid #ccc }\n"
	"table { border-collapse: collapse; display: block; overflow-x: auto }\n"
	"th, td { border: 1px solid #ccc; padding: .25rem .5rem; text-align: left; vertical-align: top }\n"
	"code, pre { background: #f3f3f3 }\npre { padding: .5rem; overflow-x: auto }\n"
	"blockquote { margin-left: 0; padding-left: 1rem; border-left: 3px solid #ccc }\n"
	"@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b } code, pre { background: #2a2a2a } a { color: #8ab4f8 } }\n"
	"</style>\n</head>\n<body>\n";
static const char page_foot[] = "</body>\n</html>\n";

/* A span that is open. The library may end one that it never began, or none that it did: what is written is balanced here. */
struct span {
	MD_SPANTYPE type;
	const char *tag; /* written; NULL: shown as its text alone */
};
#define SPANS_MAX 64

struct page {
	struct str *out;
	struct span span[SPANS_MAX];
	int spans;
	int deeper; /* beyond SPANS_MAX */
};

/* ---- links ---- */

/* The target as plain text; false when it cannot be told for sure what it is. */
static bool target_read(const MD_ATTRIBUTE *a, struct str *url)
{
	for (unsigned i = 0; a->substr_offsets && a->substr_offsets[i] < a->size; i++) {
		const char *p = a->text + a->substr_offsets[i];
		size_t n = a->substr_offsets[i + 1] - a->substr_offsets[i];

		if (a->substr_types[i] == MD_TEXT_NORMAL)
			str_addn(url, p, n);
		else if (a->substr_types[i] == MD_TEXT_ENTITY && n == 5 && !memcmp(p, "&amp;", 5))
			str_addc(url, '&');
		else
			return false;
	}
	return !url->cut && url->len > 0;
}

/* An allow-list: whatever else there is in a scheme, it is none of these. */
static bool target_allowed(const char *url)
{
	static const char *const schemes[] = { "http://", "https://", "mailto:" };

	for (const char *p = url; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '\\')
			return false;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (text_prefix_fold(schemes[i], url) && url[strlen(schemes[i])])
			return true;
	return false;
}

/* Links in links are no HTML. */
static bool in_link(const struct page *p)
{
	for (int i = 0; i < p->spans; i++)
		if (p->span[i].type == MD_SPAN_A || p->span[i].type == MD_SPAN_IMG)
			return true;
	return false;
}

/* The tag, or NULL when it is shown as text. */
static const char *link_open(struct page *p, const MD_ATTRIBUTE *target)
{
	struct str url STR_CLEANUP = { 0 };

	str_init(&url, URL_MAX);
	if (in_link(p) || !target_read(target, &url) || !target_allowed(url.p))
		return NULL;
	str_add(p->out, "<a rel=\"nofollow noopener noreferrer\" href=\"");
	text_html(p->out, url.p, url.len);
	str_add(p->out, "\">");
	return "a";
}

/* ---- spans ---- */

static const char *span_tag(MD_SPANTYPE type)
{
	switch (type) {
	case MD_SPAN_EM:
		return "em";
	case MD_SPAN_STRONG:
		return "strong";
	case MD_SPAN_CODE:
		return "code";
	case MD_SPAN_DEL:
		return "del";
	case MD_SPAN_A:
	case MD_SPAN_IMG:
	case MD_SPAN_LATEXMATH:
	case MD_SPAN_LATEXMATH_DISPLAY:
	case MD_SPAN_WIKILINK:
	case MD_SPAN_U:
		break;
	}
	return NULL;
}

/* Down to so many. */
static void spans_close(struct page *p, int keep)
{
	while (p->spans > keep) {
		const struct span *s = &p->span[--p->spans];

		if (s->tag)
			str_addf(p->out, "</%s>", s->tag);
	}
}

static int on_span(MD_SPANTYPE type, void *detail, void *ctx)
{
	struct page *p = ctx;
	const char *tag = span_tag(type);

	if (p->spans == SPANS_MAX) {
		p->deeper++;
		return 0;
	}
	if (type == MD_SPAN_A)
		tag = link_open(p, &((const MD_SPAN_A_DETAIL *)detail)->href);
	else if (type == MD_SPAN_IMG)
		tag = link_open(p, &((const MD_SPAN_IMG_DETAIL *)detail)->src);
	else if (tag)
		str_addf(p->out, "<%s>", tag);
	p->span[p->spans++] = (struct span){ type, tag };
	return 0;
}

static int on_span_end(MD_SPANTYPE type, void *detail, void *ctx)
{
	struct page *p = ctx;
	int i = p->spans - 1;

	(void)detail;
	if (p->deeper) {
		p->deeper--;
		return 0;
	}
	while (i >= 0 && p->span[i].type != type)
		i--;
	if (i >= 0)
		spans_close(p, i);
	return 0;
}

/* ---- blocks ---- */

static const char *const block_tags[] = {
	[MD_BLOCK_DOC] = NULL, [MD_BLOCK_QUOTE] = "blockquote", [MD_BLOCK_UL] = "ul", [MD_BLOCK_OL] = "ol", [MD_BLOCK_LI] = "li",
	[MD_BLOCK_HR] = NULL, [MD_BLOCK_H] = NULL, [MD_BLOCK_CODE] = NULL, [MD_BLOCK_HTML] = NULL, [MD_BLOCK_P] = "p",
	[MD_BLOCK_TABLE] = "table", [MD_BLOCK_THEAD] = "thead", [MD_BLOCK_TBODY] = "tbody", [MD_BLOCK_TR] = "tr", [MD_BLOCK_TH] = "th",
	[MD_BLOCK_TD] = "td",
};

static unsigned level_of(const void *detail)
{
	unsigned level = ((const MD_BLOCK_H_DETAIL *)detail)->level;

	return level < 1 ? 1 : level > 6 ? 6 : level;
}

static int on_block(MD_BLOCKTYPE type, void *detail, void *ctx)
{
	struct page *p = ctx;

	if (type == MD_BLOCK_HR)
		str_add(p->out, "<hr>\n");
	else if (type == MD_BLOCK_H)
		str_addf(p->out, "<h%u>", level_of(detail));
	else if (type == MD_BLOCK_CODE)
		str_add(p->out, "<pre><code>");
	else if (type == MD_BLOCK_OL && ((const MD_BLOCK_OL_DETAIL *)detail)->start != 1)
		str_addf(p->out, "<ol start=\"%u\">\n", ((const MD_BLOCK_OL_DETAIL *)detail)->start);
	else if (block_tags[type])
		str_addf(p->out, "<%s>%s", block_tags[type], type == MD_BLOCK_UL || type == MD_BLOCK_OL || type == MD_BLOCK_TABLE ? "\n" : "");
	return 0;
}

static int on_block_end(MD_BLOCKTYPE type, void *detail, void *ctx)
{
	struct page *p = ctx;

	spans_close(p, 0);
	p->deeper = 0;
	if (type == MD_BLOCK_H)
		str_addf(p->out, "</h%u>\n", level_of(detail));
	else if (type == MD_BLOCK_CODE)
		str_add(p->out, "</code></pre>\n");
	else if (block_tags[type])
		str_addf(p->out, "</%s>\n", block_tags[type]);
	return 0;
}

/* ---- text ---- */

/* "&amp;", "&#39;": letters, digits and # between & and ; are one character to any reader. */
static bool is_entity(const char *p, size_t n)
{
	if (n < 3 || p[0] != '&' || p[n - 1] != ';')
		return false;
	for (size_t i = 1; i + 1 < n; i++)
		if (!strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ#", p[i]))
			return false;
	return true;
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *ctx)
{
	struct page *p = ctx;

	switch (type) {
	case MD_TEXT_BR:
		str_add(p->out, "<br>\n");
		return 0;
	case MD_TEXT_SOFTBR:
		str_addc(p->out, '\n');
		return 0;
	case MD_TEXT_NULLCHAR:
		str_add(p->out, "\xef\xbf\xbd");
		return 0;
	case MD_TEXT_ENTITY:
		if (is_entity(text, size)) {
			str_addn(p->out, text, size);
			return 0;
		}
		break;
	case MD_TEXT_NORMAL:
	case MD_TEXT_CODE:
	case MD_TEXT_HTML:
	case MD_TEXT_LATEXMATH:
		break;
	}
	text_html(p->out, text, size);
	return 0;
}

int review_html(struct str *out, const char *title, const char *markdown, size_t len)
{
	static const MD_PARSER parser = {
		.flags = MD_FLAG_NOHTML | MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH,
		.enter_block = on_block,
		.leave_block = on_block_end,
		.enter_span = on_span,
		.leave_span = on_span_end,
		.text = on_text,
	};
	struct page p = { .out = out };

	if (len > REVIEW_FILE_MAX || !text_valid(markdown, len))
		return -EINVAL;
	str_add(out, page_head);
	text_html(out, title, strlen(title));
	str_add(out, page_style);
	if (md_parse(markdown, (MD_SIZE)len, &parser, &p) != 0)
		return -EINVAL;
	str_add(out, page_foot);
	return 0;
}
