#ifndef TESTS_RENDERED_H
#define TESTS_RENDERED_H
/* What the renderer wrote, read again: it must be JSON. New references. */
#include <stdlib.h>

#include "adapters/slack/render.h"

static inline json_t *rendered_value(const struct str *text)
{
	json_t *value = NULL;
	struct error err;

	if (json_parse(text->p, text->len, SIZE_MAX, &value, &err)) {
		fprintf(stderr, "%s\n%s\n", err.text, text->p);
		abort();
	}
	return value;
}

static inline json_t *rendered_page(const struct render_page *page)
{
	struct str STR_CLEANUP whole = { 0 };

	str_init(&whole, SIZE_MAX / 4);
	str_addc(&whole, '{');
	str_addn(&whole, page->members.p, page->members.len);
	str_addc(&whole, '}');
	return rendered_value(&whole);
}

static inline json_t *rendered_messages(const json_t *doc, int64_t now_ms)
{
	struct render_pages pages;
	json_t *out = json_array();

	render_messages(doc, now_ms, &pages);
	for (size_t i = 0; i < pages.count; i++)
		json_array_append_new(out, rendered_page(&pages.page[i]));
	render_pages_finish(&pages);
	return out;
}

static inline json_t *rendered_edit(const json_t *doc, int64_t now_ms)
{
	struct render_page page;
	json_t *out;

	render_edit(doc, now_ms, &page);
	out = rendered_page(&page);
	str_finish(&page.members);
	return out;
}

static inline json_t *rendered_home(const json_t *doc, int64_t now_ms)
{
	struct str STR_CLEANUP text = { 0 };

	str_init(&text, SIZE_MAX / 4);
	render_home(&text, doc, now_ms);
	return rendered_value(&text);
}

static inline json_t *rendered_notice(const char *title, const json_t *doc, int64_t now_ms)
{
	struct str STR_CLEANUP text = { 0 };

	str_init(&text, SIZE_MAX / 4);
	render_notice(&text, title, doc, now_ms);
	return rendered_value(&text);
}

#endif
