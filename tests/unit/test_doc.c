#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/arena.h"
#include "base/text.h"
#include "incident/doc.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define NOW INT64_C(1772375700000) /* 2026-03-01 14:35:00 UTC */

/* Writes down what the walker calls: text as it is, marks as <kind:content>. */
static void note_text(void *ctx, const char *p, size_t n)
{
	str_addn(ctx, p, n);
}

static void note_mark(void *ctx, enum mark kind, const char *content)
{
	str_addf(ctx, "<%c:%s>", (char)kind, content);
}

static void walk(struct str *out, const char *text)
{
	struct mark_visitor v = { note_text, note_mark, out };

	markup_walk(text, &v);
}

static void test_marks(void **state)
{
	STR_CLEANUP struct str s, seen;

	(void)state;
	str_init(&s, 1000);
	str_init(&seen, 1000);
	str_add(&s, "hi ");
	mark_person(&s, "slack:U1");
	mark_channel(&s, "slack:C1");
	mark_time(&s, NOW);
	mark_date(&s, -5);
	mark_bold(&s, "bold *x* <y>");
	mark_code(&s, "rm -rf");
	mark_link(&s, "https://example.com/?a|b", "a|label");
	mark_link(&s, "https://example.com", NULL);
	mark_everyone(&s);
	str_add(&s, " bye");
	walk(&seen, s.p);
	assert_string_equal(seen.p,
		"hi <@:slack:U1><#:slack:C1><t:1772375700000><d:-5><b:bold *x* <y>><c:rm -rf>"
		"<l:https://example.com/?a%7Cb|a|label><l:https://example.com|https://example.com>"
		"<!:> bye");
	str_reset(&s);
	mark_person(&s, NULL);
	mark_person(&s, "");
	mark_channel(&s, NULL);
	mark_bold(&s, NULL);
	mark_code(&s, "");
	mark_link(&s, NULL, "label");
	assert_string_equal(s.p, "");
}

static void test_broken_markup_is_text(void **state)
{
	static const struct {
		const char *text, *seen;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "\x01", "" },
		{ "\x02", "" },
		{ "a\x02" "b", "ab" },
		{ "\x01@slack:U1", "@slack:U1" },          /* never ended */
		{ "\x01zthing\x02", "zthing" },            /* no such kind */
		{ "\x01\x01!\x02\x02", "<!:>" },
		{ "\x01" "bone \x01@U\x02 two\x02", "bone <@:U> two" }, /* a mark in a mark */
		{ "\x01" "b\x02", "<b:>" },
		{ "\x01@", "@" },
		{ "é\x01" "bü\x02€", "é<b:ü>€" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		STR_CLEANUP struct str seen;

		str_init(&seen, 1000);
		walk(&seen, cases[i].text);
		assert_string_equal(seen.p, cases[i].seen);
	}
}

/* Whatever a user types, as text or inside of a mark, no mark comes of it. */
static void test_users_cannot_make_marks(void **state)
{
	static const char *const hostile[] = { "\x01!\x02", "\x01@slack:U1\x02", "a\x02\x01!\x02",
		"\x02\x01lhttps://evil|x\x02", "\xC0\x81!\xC0\x82", "\x01\x01!\x02\x02" };
	struct arena *a = arena_create(1u << 20);

	(void)state;
	for (size_t i = 0; i < COUNT(hostile); i++) {
		STR_CLEANUP struct str s, seen;

		str_init(&s, 1000);
		str_init(&seen, 1000);
		str_add(&s, text_clean(a, hostile[i], strlen(hostile[i]), 100, false));
		walk(&seen, s.p);
		assert_null(strchr(seen.p, '<'));

		str_reset(&s);
		str_reset(&seen);
		mark_bold(&s, hostile[i]); /* not even uncleaned */
		walk(&seen, s.p);
		assert_memory_equal(seen.p, "<b:", 3);
		assert_null(strchr(seen.p + 1, '<'));

		str_reset(&s);
		str_reset(&seen);
		mark_link(&s, hostile[i], hostile[i]);
		walk(&seen, s.p);
		assert_memory_equal(seen.p, "<l:", 3);
		assert_null(strchr(seen.p + 1, '<'));
	}
	arena_destroy(a);
}

static void test_marks_are_whole_or_absent(void **state)
{
	(void)state;
	for (size_t max = 0; max < 20; max++) {
		STR_CLEANUP struct str s, seen;

		str_init(&s, max);
		str_init(&seen, 100);
		mark_bold(&s, "0123456789");
		assert_int_equal(s.cut, max < 13);
		assert_int_equal(s.len, max < 13 ? 0 : 13);
		str_add(&s, "after");
		walk(&seen, s.p);
		if (max < 13)
			assert_string_equal(seen.p, "");
	}
}

static void test_long_content_is_cut_at_a_character(void **state)
{
	STR_CLEANUP struct str s, seen;
	char *text = malloc(9001), *mark = malloc(9010);

	(void)state;
	assert_non_null(text);
	assert_non_null(mark);
	text[0] = 'x'; /* so that byte 3000 lies inside of a character */
	for (size_t i = 1; i + 2 < 9000; i += 2)
		memcpy(text + i, "é", 3);
	str_init(&s, 20000);
	str_init(&seen, 20000);
	mark_bold(&s, text);
	walk(&seen, s.p);
	assert_int_equal(seen.len, 4 + 2999);
	assert_true(text_valid(seen.p, seen.len));

	str_reset(&seen); /* one that somebody else made longer */
	strcpy(mark, "\x01" "b");
	strcat(mark, text);
	strcat(mark, "\x02");
	walk(&seen, mark);
	assert_int_equal(seen.len, 4 + 2999);

	str_reset(&s);
	mark_link(&s, text, "label"); /* no half address */
	assert_string_equal(s.p, "label");
	str_reset(&s); /* and its label does not become marks then */
	mark_link(&s, text, "a \x01@slack:U1\x02 \x01!\x02");
	assert_string_equal(s.p, "a @slack:U1 !");
	str_reset(&s);
	mark_link(&s, text, NULL);
	assert_int_equal(s.len, 0);
	free(text);
	free(mark);
}

static const char *name_of(void *ctx, const char *person)
{
	(void)ctx;
	return strcmp(person, "slack:U1") == 0 ? "bob" : NULL;
}

static void test_plain(void **state)
{
	STR_CLEANUP struct str s, out;

	(void)state;
	str_init(&s, 1000);
	str_init(&out, 1000);
	mark_person(&s, "slack:U1");
	str_addc(&s, ' ');
	mark_person(&s, "slack:U2");
	str_addc(&s, ' ');
	mark_person(&s, "sitrep");
	str_addc(&s, ' ');
	mark_channel(&s, "slack:C1");
	str_addc(&s, ' ');
	mark_channel(&s, "#incidents");
	str_addc(&s, ' ');
	mark_bold(&s, "b");
	mark_code(&s, "c");
	str_addc(&s, ' ');
	mark_link(&s, "https://example.com", "site");
	str_addc(&s, ' ');
	mark_link(&s, "https://example.com", "");
	str_addc(&s, ' ');
	mark_everyone(&s);
	markup_plain(&out, s.p, "UTC", NOW, name_of, NULL);
	assert_string_equal(out.p, "@bob @U2 @sitrep #C1 #incidents bc site (https://example.com) "
				   "https://example.com @channel");
	str_reset(&s);
	str_reset(&out);
	mark_time(&s, NOW);
	str_addc(&s, ' ');
	mark_date(&s, NOW);
	str_add(&s, " \x01tjunk\x02\x01t\x02\x01t99999999999999999999\x02.");
	markup_plain(&out, s.p, "Europe/Berlin", NOW, NULL, NULL);
	assert_string_equal(out.p, "15:35 +01:00 2026-03-01 15:35 +01:00 .");
	str_reset(&out);
	markup_plain(&out, NULL, "UTC", NOW, NULL, NULL);
	assert_string_equal(out.p, "");
}

static void test_documents(void **state)
{
	struct arena *a = arena_create(1u << 20);
	JSON_CLEANUP json_t *doc = doc_new("fallback");

	(void)state;
	doc_header(doc, "INC-42");
	doc_text(doc, "text");
	doc_text(doc, NULL);
	doc_text(doc, "");
	doc_field(doc, "Impact", "25 %");
	doc_field(doc, "Commander", NULL);
	doc_list_item(doc, "one");
	doc_list_item(doc, "two");
	doc_divider(doc);
	doc_list_item(doc, "three");
	doc_button(
		doc, "Take", "role.claim", 42, json_pack("{s:s}", "role", "commander"), "primary");
	doc_button(doc, "List", "list", 0, NULL, NULL);
	doc_context(doc, "small");
	assert_string_equal(json_text(a, doc),
		"{\"text\":\"fallback\",\"blocks\":["
		"{\"t\":\"header\",\"text\":\"INC-42\"},{\"t\":\"text\",\"text\":\"text\"},"
		"{\"t\":\"fields\",\"items\":[[\"Impact\",\"25 %\"],[\"Commander\",\"\"]]},"
		"{\"t\":\"list\",\"items\":[\"one\",\"two\"]},{\"t\":\"divider\"},"
		"{\"t\":\"list\",\"items\":[\"three\"]},"
		"{\"t\":\"buttons\",\"items\":[{\"label\":\"Take\",\"op\":\"role.claim\","
		"\"incident\":42,"
		"\"args\":{\"role\":\"commander\"},\"style\":\"primary\"},{\"label\":\"List\","
		"\"op\":\"list\"}]},"
		"{\"t\":\"context\",\"text\":\"small\"}]}");
	arena_destroy(a);
}

static void test_text_that_is_no_utf8_is_still_said(void **state)
{
	JSON_CLEANUP json_t *doc = doc_new("bad \xFF\xC0\x80 é");

	(void)state;
	assert_string_equal(json_get_str(doc, "text"), "bad ??? é");
}

static void test_plain_documents(void **state)
{
	JSON_CLEANUP json_t *doc = doc_new("fallback");
	JSON_CLEANUP json_t *odd =
		json_loads("{\"text\":5,\"blocks\":[7,{\"t\":\"song\"},{\"t\":\"fields\","
			   "\"items\":[[],7,[\"a\"]]},{\"t\":\"list\"},{\"t\":5}]}",
			0, NULL);
	STR_CLEANUP struct str out;

	(void)state;
	str_init(&out, 1000);
	doc_plain(&out, doc, "UTC", NOW, NULL, NULL);
	assert_string_equal(out.p, "fallback\n");
	doc_button(doc, "Take", "x", 0, NULL, NULL);
	doc_button(doc, "Drop", "x", 0, NULL, NULL);
	str_reset(&out);
	doc_plain(&out, doc, "UTC", NOW, NULL, NULL);
	assert_string_equal(out.p, "fallback\n[Take] [Drop]\n");
	doc_text(doc, "by \x01@slack:U1\x02");
	doc_field(doc, "Impact", "25 %");
	doc_list_item(doc, "one");
	doc_divider(doc);
	doc_context(doc, "small");
	str_reset(&out);
	doc_plain(&out, doc, "UTC", NOW, name_of, NULL);
	assert_string_equal(out.p, "[Take] [Drop]\nby @bob\nImpact: 25 %\n- one\n---\nsmall\n");
	assert_non_null(odd);
	str_reset(&out);
	doc_plain(&out, odd, "UTC", NOW, NULL, NULL); /* a stored document of another version */
	assert_string_equal(out.p, ": \n: \na: \n");
}

static void test_forms(void **state)
{
	struct arena *a = arena_create(1u << 16);
	JSON_CLEANUP json_t *form = form_new("Declare", "declare", 0, "Open");
	json_t *field;

	(void)state;
	field = form_field(form, "severity", "Severity", "choice", "2", "how bad", true,
		json_pack("[[s,s]]", "2", "sev2"));
	json_object_set_new(field, "extra", json_true());
	form_field(form, "title", "Title", "text", NULL, NULL, false, NULL);
	assert_string_equal(json_text(a, form),
		"{\"title\":\"Declare\",\"op\":\"declare\",\"submit\":\"Open\",\"fields\":["
		"{\"arg\":\"severity\",\"label\":\"Severity\",\"type\":\"choice\",\"value\":\"2\","
		"\"hint\":\"how "
		"bad\",\"optional\":true,\"options\":[[\"2\",\"sev2\"]],\"extra\":true},"
		"{\"arg\":\"title\",\"label\":\"Title\",\"type\":\"text\"}]}");
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_broken_markup_is_text),
		cmocka_unit_test(test_users_cannot_make_marks),
		cmocka_unit_test(test_marks_are_whole_or_absent),
		cmocka_unit_test(test_long_content_is_cut_at_a_character),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_text_that_is_no_utf8_is_still_said),
		cmocka_unit_test(test_plain_documents),
		cmocka_unit_test(test_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
