#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "adapters/jira/text.h"
#include "base/arena.h"
#include "base/text.h"
#include "incident/doc.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct arena *A;

static int begin(void **state)
{
	(void)state;
	A = arena_create(4u << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_destroy(A);
	return 0;
}

static void expect_wiki(const char *markup, const char *wiki)
{
	struct str STR_CLEANUP s = { 0 };

	str_init(&s, TEXT_WIKI_MAX);
	text_to_wiki(&s, markup);
	assert_string_equal(s.p, wiki);
}

static const struct {
	const char *typed, *wiki;
} escapes[] = {
	{ "", "" },
	{ "checkout fails, 3 of 4.", "checkout fails, 3 of 4." },
	{ "*bold* _it_ +ins+ ^sup^ ~sub~", "\\*bold\\* \\_it\\_ \\+ins\\+ \\^sup\\^ \\~sub\\~" },
	{ "[~alice] [x|http]", "\\[\\~alice\\] \\[x\\|http\\]" },
	{ "{code}rm{code} {{x}}", "\\{code\\}rm\\{code\\} \\{\\{x\\}\\}" },
	{ "!http://a.example/x.png!", "\\![http://a.example/x.png]\\!" },
	{ "|a|b|\n||h||", "\\|a\\|b\\|\n\\|\\|h\\|\\|" },
	{ "h1. big\nbq. said\nh7. no", "&#104;1. big\n&#98;q. said\nh7. no" },
	{ "see h1. big", "see h1. big" },
	{ "- one\n - two\n# three", "\\- one\n \\- two\n\\# three" },
	{ "a - b, re-read, 10-20", "a - b, re-read, 10-20" },
	{ "-gone- and ---- and --", "\\-gone- and \\-\\-\\-\\- and \\-\\-" },
	{ "C:\\temp \\\\ x \\*", "C:&#92;temp &#92;&#92; x &#92;\\*" },
	{ "&#42;x&#42; & y", "&#38;#42;x&#38;#42; & y" },
	{ "so :) (x) (on) :-) 3:4", "so &#58;) &#40;x) &#40;on) :\\-) 3:4" },
	{ "what? ??cited??", "what? \\?\\?cited\\?\\?" },
	{ "https://a.example/a_b?c=[d]*", "[https://a.example/a_b?c=%5Bd%5D%2A]" },
	{ "(see http://a.example/x).", "(see [http://a.example/x])." },
	{ "ftp://a.example/_x_", "ftp://a.example/\\_x\\_" },
	{ "größe 日本 ✓", "größe 日本 ✓" },
};

static void test_nothing_typed_becomes_wiki_markup(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(escapes); i++)
		expect_wiki(escapes[i].typed, escapes[i].wiki);
}

/* What we send and what comes back is the same for who reads it. */
static void test_wiki_there_and_back(void **state)
{
	static const size_t links[] = { 5, 16, 17 }; /* they come back with their escapes in the address */

	(void)state;
	for (size_t i = 0; i < COUNT(escapes); i++) {
		struct str STR_CLEANUP back = { 0 };
		bool link = false;

		for (size_t k = 0; k < COUNT(links); k++)
			link = link || links[k] == i;
		str_init(&back, 1000);
		text_from_wiki(&back, escapes[i].wiki);
		if (!link)
			assert_string_equal(back.p, escapes[i].typed);
	}
}

static void marks(struct str *s)
{
	str_init(s, 2000);
	mark_person(s, "slack:U1");
	str_add(s, " ");
	mark_bold(s, "big *deal*");
	str_add(s, " ");
	mark_code(s, "rm -rf {x}");
	str_add(s, " ");
	mark_link(s, "https://a.example/x?y|z", "our [page]");
	str_add(s, " ");
	mark_date(s, 1772375700000);
	str_add(s, " ");
	mark_everyone(s);
	str_add(s, " ");
	mark_link(s, "javascript:alert(1)", "click");
}

static void test_marks_as_wiki(void **state)
{
	struct str STR_CLEANUP s = { 0 };

	(void)state;
	marks(&s);
	expect_wiki(s.p,
		"@U1 {*}big \\*deal\\*{*} {{rm \\-rf \\{x\\}}} [our \\[page\\]|https://a.example/x?y%7Cz] "
		"2026-03-01 14:35 UTC everyone click");
}

static void test_marks_as_a_document(void **state)
{
	struct str STR_CLEANUP s = { 0 };
	json_t *doc, *inlines;

	(void)state;
	marks(&s);
	doc = text_to_adf(s.p);
	inlines = json_at(doc, "content.0.content");
	assert_string_equal(json_get_str(json_array_get(inlines, 0), "text"), "@U1");
	assert_string_equal(json_string_value(json_at(inlines, "2.text")), "big *deal*");
	assert_string_equal(json_string_value(json_at(inlines, "2.marks.0.type")), "strong");
	assert_string_equal(json_string_value(json_at(inlines, "4.marks.0.type")), "code");
	assert_string_equal(json_string_value(json_at(inlines, "6.marks.0.type")), "link");
	assert_string_equal(
		json_string_value(json_at(inlines, "6.marks.0.attrs.href")), "https://a.example/x?y%7Cz");
	assert_string_equal(json_string_value(json_at(inlines, "8.text")), "2026-03-01 14:35 UTC");
	assert_string_equal(json_string_value(json_at(inlines, "12.text")), "click");
	assert_null(json_at(inlines, "12.marks"));
	json_decref(doc);
}

static void test_paragraphs_of_a_document(void **state)
{
	json_t *doc = text_to_adf("one\ntwo\n\n\nthree [~x] *y*"), *empty = text_to_adf("");

	(void)state;
	assert_int_equal(json_array_size(json_at(doc, "content")), 2);
	assert_string_equal(json_string_value(json_at(doc, "content.0.content.1.type")), "hardBreak");
	assert_string_equal(json_string_value(json_at(doc, "content.1.content.0.text")), "three [~x] *y*");
	assert_int_equal(json_array_size(json_at(doc, "content.1.content")), 1);
	assert_string_equal(text_from_jira(A, doc), "one\ntwo\nthree [~x] *y*");
	assert_int_equal(json_array_size(json_at(empty, "content")), 1);
	json_decref(doc);
	json_decref(empty);
}

static void test_long_texts_are_cut_whole(void **state)
{
	struct str STR_CLEANUP in = { 0 };
	struct str STR_CLEANUP out = { 0 };
	json_t *doc;
	char *text;

	(void)state;
	str_init(&in, 100000);
	while (in.len < 60000)
		str_add(&in, "{ü}");
	str_init(&out, TEXT_WIKI_MAX);
	text_to_wiki(&out, in.p);
	assert_true(out.len <= TEXT_WIKI_MAX && out.len > TEXT_WIKI_MAX - 10);
	assert_true(text_valid(out.p, out.len));
	assert_string_equal(out.p + out.len - 3, "…");
	for (size_t i = 0; i + 3 < out.len; i++) {
		if (out.p[i] == '{' || out.p[i] == '}')
			assert_int_equal(out.p[i - 1], '\\');
	}
	assert_int_not_equal(out.p[out.len - 4], '\\');
	doc = text_to_adf(in.p);
	text = json_dumps(doc, JSON_COMPACT);
	assert_non_null(text);
	assert_true(strlen(text) < TEXT_DOC_MAX + 500);
	assert_non_null(strstr(text, "…"));
	free(text);
	json_decref(doc);
}

static void test_titles(void **state)
{
	struct str STR_CLEANUP s = { 0 };
	const char *title;

	(void)state;
	assert_string_equal(text_title(A, " two\nlines\t "), "two lines");
	assert_string_equal(text_title(A, ""), "(no title)");
	assert_string_equal(text_title(A, NULL), "(no title)");
	str_init(&s, 4000);
	for (int i = 0; i < TEXT_TITLE_MAX; i++)
		str_add(&s, "ü");
	assert_string_equal(text_title(A, s.p), s.p);
	str_add(&s, "x");
	title = text_title(A, s.p);
	assert_int_equal(text_chars(title), TEXT_TITLE_MAX);
	assert_string_equal(title + strlen(title) - 3, "…");
	/* It stands there as it was sent: cutting again changes nothing. */
	assert_string_equal(text_title(A, title), title);
}

static void expect_adf(const char *json, const char *text)
{
	json_t *doc = json_loads(json, JSON_DECODE_ANY, NULL);

	assert_non_null(doc);
	assert_string_equal(text_from_jira(A, doc), text);
	json_decref(doc);
}

static void test_documents_as_text(void **state)
{
	(void)state;
	expect_adf("null", "");
	expect_adf("7", "");
	expect_adf("{}", "");
	expect_adf("{\"type\":\"doc\"}", "");
	expect_adf("{\"type\":\"doc\",\"content\":7}", "");
	expect_adf("{\"type\":\"doc\",\"content\":[null,{\"type\":7},{\"type\":\"text\"},[]]}", "");
	expect_adf("{\"type\":\"doc\",\"content\":[{\"type\":\"paragraph\",\"content\":[{\"type\":\"mention\","
		   "\"attrs\":{\"id\":\"x\",\"text\":\"@Bob\"}},{\"type\":\"text\",\"text\":\" hi \"},{\"type\":"
		   "\"emoji\",\"attrs\":{\"shortName\":\":fire:\"}}]},{\"type\":\"bulletList\",\"content\":[{\"type\":"
		   "\"listItem\",\"content\":[{\"type\":\"paragraph\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]},"
		   "{\"type\":\"listItem\",\"content\":[{\"type\":\"paragraph\",\"content\":[{\"type\":\"text\",\"text\":"
		   "\"b\"}]}]}]},{\"type\":\"mediaSingle\",\"content\":[{\"type\":\"media\"}]}]}",
		"@Bob hi :fire:\n• a\n• b\n(attachment)");
	expect_adf("{\"type\":\"text\",\"text\":\"page\",\"marks\":[{\"type\":\"link\",\"attrs\":{\"href\":"
		   "\"http://a.example\"}}]}",
		"page (http://a.example)");
	expect_adf("{\"type\":\"inlineCard\",\"attrs\":{\"url\":\"http://a.example\"}}", "http://a.example");
	/* Marks of ours cannot come in from there. */
	expect_adf("{\"type\":\"text\",\"text\":\"a\\u0001!\\u0002b\"}", "a!b");
	expect_adf("\"a\\u0001!\\u0002b\"", "a!b");
}

static void test_deep_and_long_documents(void **state)
{
	json_t *doc = json_pack("{s:s, s:s}", "type", "text", "text", "deep");
	struct str STR_CLEANUP s = { 0 };
	const char *text;

	(void)state;
	for (int i = 0; i < 1000; i++)
		doc = json_pack("{s:s, s:[o]}", "type", "blockquote", "content", doc);
	assert_string_equal(text_from_jira(A, doc), "");
	while (json_get_arr(doc, "content")) { /* jansson lets go of deep ones recursively */
		json_t *inner = json_incref(json_array_get(json_get_arr(doc, "content"), 0));

		json_decref(doc);
		doc = inner;
	}
	json_decref(doc);
	str_init(&s, 200000);
	while (s.len < 100000)
		str_add(&s, "日本");
	doc = json_string(s.p);
	text = text_from_jira(A, doc);
	assert_true(strlen(text) <= TEXT_READ_MAX + 3 && text_valid(text, strlen(text)));
	assert_string_equal(text + strlen(text) - 3, "…");
	json_decref(doc);
}

static void test_wiki_as_text(void **state)
{
	static const struct {
		const char *wiki, *text;
	} cases[] = {
		{ "{code:java}x = 1;{code}", "x = 1;" },
		{ "{color:red}hot{color} {noformat}n{noformat} {quote}q{quote}", "hot n q" },
		{ "{unknown} {", "{unknown} {" },
		{ "[label|http://a.example] [http://b.example] [~bob] [open", "label (http://a.example) http://b.example @bob [open" },
		{ "h2. head\nbq. said", "head\nsaid" },
		{ "*bold* stays", "*bold* stays" },
		{ "a\\\\b \\[x\\] \\n &#42; &#7; &#x", "a\nb [x] \\n * &#7; &#x" },
		{ "{{mono}}", "mono" },
		{ "\\", "\\" },
		{ "[", "[" },
		{ "[]", "[]" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str STR_CLEANUP s = { 0 };

		str_init(&s, 1000);
		text_from_wiki(&s, cases[i].wiki);
		assert_string_equal(s.p, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_typed_becomes_wiki_markup),
		cmocka_unit_test(test_wiki_there_and_back),
		cmocka_unit_test(test_marks_as_wiki),
		cmocka_unit_test(test_marks_as_a_document),
		cmocka_unit_test_setup_teardown(test_paragraphs_of_a_document, begin, end),
		cmocka_unit_test(test_long_texts_are_cut_whole),
		cmocka_unit_test_setup_teardown(test_titles, begin, end),
		cmocka_unit_test_setup_teardown(test_documents_as_text, begin, end),
		cmocka_unit_test_setup_teardown(test_deep_and_long_documents, begin, end),
		cmocka_unit_test(test_wiki_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
