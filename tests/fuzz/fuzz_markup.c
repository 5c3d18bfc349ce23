/* markup_walk on any bytes, and that cleaned text holds no marks. */
#include "base/arena.h"
#include "base/text.h"
#include "incident/doc.h"
#include "tests/fuzz/fuzz.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
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
	return 0;
}
