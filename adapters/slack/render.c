#include "adapters/slack/render.h"

#include <stdio.h>
#include <string.h>

#include "adapters/slack/sheet.h"

/* Room for "continued" and "more" in every message, whatever else is in it. */
#define PACK_BLOCKS	 (RENDER_BLOCKS_MAX - 2)
#define PACK_TOTAL	 (RENDER_TOTAL_MAX - 300)
#define PACK_ACTIONS_MAX 4
#define NO_TEXT		 "(no text)"

/* ---- packing ----------------------------------------------------------------------------- */

static void put_block(struct str *out, const struct sheet *s, const struct sheet_block *b)
{
	if (out->p[out->len - 1] != '[')
		str_addc(out, ',');
	str_addn(out, s->json.p + b->from, b->end - b->from);
}

static void put_note(struct str *out, const char *mrkdwn)
{
	json_put_begin(out, '{');
	json_put_member(out, "type", "context");
	json_put_name(out, "elements");
	json_put_begin(out, '[');
	json_put_begin(out, '{');
	json_put_member(out, "type", "mrkdwn");
	json_put_member(out, "text", mrkdwn);
	json_put_end(out, '}');
	json_put_end(out, ']');
	json_put_end(out, '}');
}

static void put_more_note(struct str *out, size_t lines)
{
	char note[120];

	snprintf(note, sizeof(note), "_(%zu more %s; /inc show and /inc timeline have all of it)_",
		lines, lines == 1 ? "line" : "lines");
	put_note(out, note);
}

static void put_blocks(struct str *out, const struct sheet *s, size_t from, size_t end)
{
	for (size_t i = from; i < end; i++)
		put_block(out, s, &s->blocks[i]);
}

/* As many of the blocks from there on as fit into one message, its buttons last and always, and a
 * note about the rest. */
static void put_what_fits(
	struct str *out, const struct sheet *s, size_t from, size_t blocks_max, size_t total_max)
{
	const struct sheet_block *actions[PACK_ACTIONS_MAX];
	size_t units = 0, left = 0, count = 0, action_count = 0;
	bool full = false;

	for (size_t i = from; i < s->count && action_count < PACK_ACTIONS_MAX; i++) {
		if (!s->blocks[i].actions)
			continue;
		actions[action_count++] = &s->blocks[i];
		units += s->blocks[i].units;
	}
	for (size_t i = from; i < s->count; i++) {
		const struct sheet_block *b = &s->blocks[i];

		if (b->actions)
			continue;
		full = full || units + b->units > total_max ||
		       count + action_count >= blocks_max;
		if (full) {
			left += b->lines;
			continue;
		}
		put_block(out, s, b);
		count++;
		units += b->units;
	}
	if (left)
		put_more_note(out, left);
	for (size_t i = 0; i < action_count; i++)
		put_block(out, s, actions[i]);
}

static bool fits_one(const struct sheet *s, size_t blocks_max, size_t total_max)
{
	size_t units = 0;

	for (size_t i = 0; i < s->count; i++)
		units += s->blocks[i].units;
	return s->count <= blocks_max && units <= total_max;
}

/* The blocks of each message: those before ends[i] that are not in an earlier one. How many
 * messages; when they do not suffice, what is left goes into a last one as far as it fits. */
static size_t pack_many(const struct sheet *s, size_t ends[RENDER_MESSAGES_MAX])
{
	size_t count = 0, first = 0, units = 0;

	for (size_t i = 0; i < s->count; i++) {
		size_t mine = s->blocks[i].units;

		if (i > first && (i - first >= PACK_BLOCKS || units + mine > PACK_TOTAL)) {
			ends[count++] = first = i;
			units = 0;
			if (count == RENDER_MESSAGES_MAX - 1)
				break;
		}
		units += mine;
	}
	ends[count++] = s->count;
	return count;
}

/* ---- messages ---------------------------------------------------------------------------- */

static const char *doc_text_of(const json_t *doc)
{
	return json_get_str(doc, "text");
}

/* "text":…, of at most max units. */
static void put_text(struct str *out, const json_t *doc, size_t max, int64_t now_ms)
{
	struct str STR_CLEANUP text = { 0 };

	str_init(&text, RENDER_STR_MAX);
	json_put_member(out, "text",
		render_string(&text, doc_text_of(doc), max, now_ms) ? text.p : NO_TEXT);
}

static void put_continued_text(
	struct str *out, const json_t *doc, size_t at, size_t count, int64_t now_ms)
{
	struct str STR_CLEANUP text = { 0 };

	str_init(&text, RENDER_STR_MAX);
	if (!render_string(&text, doc_text_of(doc), 200, now_ms)) {
		str_reset(&text);
		str_add(&text, NO_TEXT);
	}
	str_addf(&text, " (continued, %zu of %zu)", at + 1, count);
	json_put_member(out, "text", text.p);
}

/* Blocks, when there are any or the text is too long for a text alone: blocks can be split. */
static void sheet_fill(struct sheet *s, const json_t *doc)
{
	struct str STR_CLEANUP text = { 0 };
	const char *markup = doc_text_of(doc);

	sheet_add_blocks(s, doc);
	if (s->count)
		return;
	str_init(&text, RENDER_STR_MAX);
	if (render_string(&text, markup, RENDER_STR_MAX, s->now_ms) &&
		!render_fits(text.p, text.len, RENDER_TEXT_MAX))
		sheet_add_text(s, markup);
}

static struct render_page *page_add(struct render_pages *out, size_t expected)
{
	struct render_page *page = &out->page[out->count++];

	str_init(&page->members, SIZE_MAX / 4);
	str_expect(&page->members, expected);
	return page;
}

static void put_page(struct render_pages *out, const struct sheet *s, const json_t *doc, size_t at,
	const size_t *ends, size_t count)
{
	struct render_page *page = page_add(out, s->json.len + 256);
	struct str *m = &page->members;
	size_t from = at ? ends[at - 1] : 0;
	char note[64];

	if (at)
		put_continued_text(m, doc, at, count, s->now_ms);
	else
		put_text(m, doc, RENDER_TEXT_MAX, s->now_ms);
	page->text_len = m->len;
	json_put_name(m, "blocks");
	json_put_begin(m, '[');
	if (at) {
		snprintf(note, sizeof(note), "_… continued (%zu of %zu)_", at + 1, count);
		put_note(m, note);
	}
	if (at == RENDER_MESSAGES_MAX - 1)
		put_what_fits(m, s, from, PACK_BLOCKS, PACK_TOTAL);
	else
		put_blocks(m, s, from, ends[at]);
	json_put_end(m, ']');
}

void render_messages(const json_t *doc, int64_t now_ms, struct render_pages *out)
{
	size_t ends[RENDER_MESSAGES_MAX], count;
	struct sheet s;

	out->count = 0;
	sheet_init(&s, now_ms);
	sheet_fill(&s, doc);
	if (!s.count) {
		put_text(&page_add(out, 0)->members, doc, RENDER_TEXT_MAX, now_ms);
		out->page[0].text_len = out->page[0].members.len;
	} else {
		count = pack_many(&s, ends);
		for (size_t at = 0; at < count; at++)
			put_page(out, &s, doc, at, ends, count);
	}
	sheet_finish(&s);
}

void render_say(const char *mrkdwn, struct render_pages *out)
{
	struct render_page *page;

	out->count = 0;
	page = page_add(out, 0);
	json_put_member(&page->members, "text", mrkdwn);
	page->text_len = page->members.len;
}

void render_pages_finish(struct render_pages *pages)
{
	for (size_t i = 0; i < pages->count; i++)
		str_finish(&pages->page[i].members);
	pages->count = 0;
}

void render_edit(const json_t *doc, int64_t now_ms, struct render_page *out)
{
	struct str *m = &out->members;
	struct sheet s;

	sheet_init(&s, now_ms);
	sheet_fill(&s, doc);
	str_init(m, SIZE_MAX / 4);
	put_text(m, doc, RENDER_TEXT_MAX, now_ms);
	out->text_len = m->len;
	/* Always with blocks, be they none: an edit without them would keep the old ones. */
	json_put_name(m, "blocks");
	json_put_begin(m, '[');
	if (fits_one(&s, PACK_BLOCKS, PACK_TOTAL))
		put_blocks(m, &s, 0, s.count);
	else
		put_what_fits(m, &s, 0, PACK_BLOCKS, PACK_TOTAL);
	json_put_end(m, ']');
	sheet_finish(&s);
}

/* ---- views ------------------------------------------------------------------------------- */

static void put_view_blocks(struct str *out, const json_t *doc, int64_t now_ms)
{
	struct sheet s;

	sheet_init(&s, now_ms);
	sheet_add_blocks(&s, doc);
	if (!s.count)
		sheet_add_text(&s, doc_text_of(doc));
	json_put_name(out, "blocks");
	json_put_begin(out, '[');
	if (s.count <= RENDER_VIEW_BLOCKS_MAX - 2)
		put_blocks(out, &s, 0, s.count);
	else
		put_what_fits(out, &s, 0, RENDER_VIEW_BLOCKS_MAX - 2, SIZE_MAX);
	json_put_end(out, ']');
	sheet_finish(&s);
}

void render_home(struct str *out, const json_t *doc, int64_t now_ms)
{
	json_put_begin(out, '{');
	json_put_member(out, "type", "home");
	put_view_blocks(out, doc, now_ms);
	json_put_end(out, '}');
}

void render_notice(struct str *out, const char *title, const json_t *doc, int64_t now_ms)
{
	struct str STR_CLEANUP text = { 0 };

	str_init(&text, RENDER_STR_MAX);
	render_plain(&text, title, RENDER_TITLE_MAX, now_ms);
	json_put_begin(out, '{');
	json_put_member(out, "type", "modal");
	json_put_name(out, "title");
	render_put_plain(out, text.p);
	json_put_name(out, "close");
	render_put_plain(out, "Close");
	put_view_blocks(out, doc, now_ms);
	json_put_end(out, '}');
}
