/* Text at the door, and the marks in what we say ourselves. */
#include "base/arena.h"
#include "base/str.h"
#include "base/text.h"
#include "incident/doc.h"
#include "tests/fuzz/fuzz.h"

/* ---- clean ----------------------------------------------------------------------------------- */

/* text_clean and its neighbours: valid, capped, without control characters; cleaning twice changes nothing. */
static void check_clean(const char *p, size_t n, size_t max, bool keep)
{
	struct arena *a = arena_create(1u << 20);
	const char *once = text_clean(a, p, n, max, keep);
	size_t len = strlen(once);

	MUST(len <= max);
	MUST(text_valid(once, len));
	for (size_t i = 0; i < len; i++)
		MUST(((unsigned char)once[i] >= 0x20 && once[i] != 0x7F) ||
			(keep && once[i] == '\n'));
	MUST(strcmp(text_clean(a, once, len, max, keep), once) == 0);
	arena_destroy(a);
}

static void clean(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	size_t len = strlen(text), cut = text_cut(text, size / 2);
	STR_CLEANUP struct str slug;

	check_clean(text, size, size / 2, false);
	check_clean(text, size, 3 * size, true);
	MUST(cut <= size / 2 && cut <= len);
	if (text_valid(text, len))
		MUST(text_valid(text, cut) && text_chars(text) <= len);
	str_init(&slug, size);
	text_slug(&slug, text, 20);
	MUST(slug.len <= 20);
	MUST(strspn(slug.p, "abcdefghijklmnopqrstuvwxyz0123456789-") == slug.len);
	MUST(!strstr(slug.p, "--") && slug.p[0] != '-');
	MUST(slug.len == 0 || slug.p[slug.len - 1] != '-');
	MUST(text_distance(text, "update") == text_distance("update", text));
	free(text);
}

/* ---- markup ---------------------------------------------------------------------------------- */

/* markup_walk on any bytes, and that cleaned text holds no marks. */

struct seen {
	size_t text, marks;
};

static void on_text(void *ctx, const char *p, size_t n)
{
	struct seen *seen = ctx;

	MUST(n > 0 && !memchr(p, MARK_BEGIN, n) && !memchr(p, MARK_END, n));
	seen->text += n;
}

static void on_mark(void *ctx, enum mark kind, const char *content)
{
	struct seen *seen = ctx;

	MUST(strchr("@#tdbcl!", (int)kind));
	MUST(strlen(content) <= 3000);
	seen->marks++;
}

static struct seen walk(const char *text)
{
	struct seen seen = { 0 };
	struct mark_visitor v = { on_text, on_mark, &seen };

	markup_walk(text, &v);
	MUST(seen.text <= strlen(text));
	return seen;
}

static void markup(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	struct arena *a = arena_create(4u << 20);
	STR_CLEANUP struct str out, marked;

	walk(text);
	str_init(&out, 8 * size + 100);
	markup_plain(&out, text, "UTC", 0, NULL, NULL);
	MUST(walk(text_clean(a, text, size, 4 * size, true)).marks == 0);

	str_init(&marked, size + 100);
	mark_bold(&marked, text);
	MUST(walk(marked.p).marks <= 1);
	str_reset(&marked);
	mark_link(&marked, text, text);
	MUST(walk(marked.p).marks <= 1);

	JSON_CLEANUP json_t *doc = doc_new(text);

	doc_field(doc, text, text);
	str_reset(&out);
	doc_plain(&out, doc, "UTC", 0, NULL, NULL);
	arena_destroy(a);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static fuzz_part *const part[] = { clean, markup };

	fuzz_choose("tm", part, data, size);
	return 0;
}
