#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "adapters/slack/envelope.h"
#include "adapters/slack/render.h"
#include "incident/doc.h"
#include "tests/blockkit.h"
#include "tests/rendered.h"

#define NOW	 INT64_C(1772375700000) /* 2026-03-01 14:35:00 UTC */
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static char *repeated(const char *s, size_t times)
{
	struct str out;

	str_init(&out, 4u << 20);
	for (size_t i = 0; i < times; i++)
		str_add(&out, s);
	return str_take(&out);
}

static json_t *messages_of(json_t *doc_take)
{
	json_t *messages = rendered_messages(doc_take, NOW), *message;
	size_t at;

	json_array_foreach(messages, at, message)
	{
		const char *why = bk_message(message);

		if (why)
			fail_msg("message %zu: %s\n%s", at, why,
				json_dumps(message, JSON_INDENT(1)));
	}
	json_decref(doc_take);
	return messages;
}

/* All texts of one kind of block, joined. */
static char *texts_of(json_t *value, struct str *out)
{
	const char *key;
	json_t *item;
	size_t at;

	if (json_is_array(value)) {
		json_array_foreach(value, at, item) texts_of(item, out);
		return out->p;
	}
	json_object_foreach(value, key, item)
	{
		if (json_is_string(item) && strcmp(key, "text") == 0)
			str_addf(out, "%s\n", json_string_value(item));
		else
			texts_of(item, out);
	}
	return out->p;
}

static void assert_mrkdwn(const char *markup, const char *expected)
{
	struct str s;

	str_init(&s, 100000);
	render_mrkdwn(&s, markup, NOW);
	assert_string_equal(s.p, expected);
	str_finish(&s);
}

static void test_escaping(void **state)
{
	(void)state;
	assert_mrkdwn("a < b & c > d", "a &lt; b &amp; c &gt; d");
	assert_mrkdwn("<!channel> <@U1> &lt;", "&lt;!channel&gt; &lt;@U1&gt; &amp;lt;");
	assert_mrkdwn("hey @channel, @Here and @everyone",
		"hey @\xe2\x80\x8b"
		"channel, @\xe2\x80\x8bHere and @\xe2\x80\x8b"
		"everyone");
	assert_mrkdwn("a@example.com @bob", "a@example.com @bob");
	assert_mrkdwn("bell\a and\x1b[31m colour", "bell and[31m colour");
	assert_mrkdwn("", "");
}

static void test_marks(void **state)
{
	struct str m, s;

	(void)state;
	str_init(&m, 10000);
	str_init(&s, 10000);
	mark_person(&m, "slack:U0BOB");
	str_add(&m, " ");
	mark_person(&m, "unix:1000");
	str_add(&m, " ");
	mark_channel(&m, "slack:C0INC");
	str_add(&m, " ");
	mark_time(&m, NOW + 60000);
	str_add(&m, " ");
	mark_time(&m, NOW + 3 * 86400000LL);
	str_add(&m, " ");
	mark_date(&m, NOW);
	str_add(&m, " ");
	mark_bold(&m, "now * or\nnever <b>");
	str_add(&m, " ");
	mark_code(&m, "a`b");
	str_add(&m, " ");
	mark_link(&m, "https://a.example/?x=1&y=<2>|", "the <page> | here");
	str_add(&m, " ");
	mark_link(&m, "javascript:alert(1)", "bad");
	str_add(&m, " ");
	mark_everyone(&m);
	assert_mrkdwn(m.p,
		"<@U0BOB> unix:1000 <#C0INC> <!date^1772375760^{time}|14:36 UTC> "
		"<!date^1772634900^{date_short_pretty} {time}|2026-03-04 14:35 UTC> "
		"<!date^1772375700^{date_short_pretty} {time}|2026-03-01 14:35 UTC> "
		"*now ' or never &lt;b&gt;* `a'b` <https://a.example/?x=1&amp;y=%3C2%3E%7C|the "
		"&lt;page&gt; / here> bad <!channel>");
	render_plain(&s, m.p, 1000, NOW);
	assert_non_null(strstr(s.p, "@U0BOB"));
	assert_non_null(strstr(s.p, "14:36 UTC"));
	assert_null(strchr(s.p, MARK_BEGIN));
	str_finish(&m);
	str_finish(&s);
}

static void test_plain_is_cut_visibly(void **state)
{
	struct str s;
	char *smile = repeated("\xf0\x9f\x98\x80", 100); /* two UTF-16 units each */

	(void)state;
	str_init(&s, 1000);
	render_plain(&s, smile, 75, NOW);
	assert_int_equal(bk_units(s.p), 75);
	assert_string_equal(s.p + s.len - 3, "…");
	str_reset(&s);
	render_plain(&s, "exactly", 7, NOW);
	assert_string_equal(s.p, "exactly");
	str_finish(&s);
	free(smile);
}

static void test_a_short_document_is_one_message(void **state)
{
	json_t *doc = doc_new("INC-1 is open");
	json_t *messages;

	(void)state;
	messages = messages_of(doc);
	assert_int_equal(json_array_size(messages), 1);
	assert_string_equal(json_get_str(json_array_get(messages, 0), "text"), "INC-1 is open");
	assert_null(json_object_get(json_array_get(messages, 0), "blocks"));
	json_decref(messages);
}

/* Every word of a long text is somewhere in the messages, whatever its shape. */
static void check_nothing_lost(json_t *doc_take, const char *word, size_t times)
{
	json_t *messages = messages_of(doc_take), *message;
	struct str all;
	size_t at, found = 0;

	str_init(&all, 4u << 20);
	json_array_foreach(messages, at, message) texts_of(json_get_arr(message, "blocks"), &all);
	for (const char *p = all.p; (p = strstr(p, word)); p += strlen(word))
		found++;
	assert_int_equal(found, times);
	assert_true(json_array_size(messages) <= RENDER_MESSAGES_MAX);
	str_finish(&all);
	json_decref(messages);
}

static void test_long_texts_are_split_not_cut(void **state)
{
	static const struct {
		const char *piece, *word;
		size_t times;
	} texts[] = {
		{ "needle in the hay ", "needle", 3000 },
		{ "needle line\n", "needle", 4000 },
		{ "needle & < > ", "needle", 2000 },
		{ "wörter ", "wörter", 5000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		char *text = repeated(texts[i].piece, texts[i].times);
		json_t *doc = doc_new("short");

		doc_text(doc, text);
		check_nothing_lost(doc, texts[i].word, texts[i].times);
		doc = doc_new(text); /* a text alone, without blocks */
		check_nothing_lost(doc, texts[i].word, texts[i].times);
		doc = doc_new("short");
		doc_context(doc, text);
		check_nothing_lost(doc, texts[i].word, texts[i].times);
		doc = doc_new("short");
		doc_field(doc, "Name", text);
		check_nothing_lost(doc, texts[i].word, texts[i].times);
		free(text);
	}
}

static void test_a_text_without_any_edge_is_split_too(void **state)
{
	char *text = repeated("x", 10000);
	json_t *doc = doc_new("short");

	(void)state;
	doc_text(doc, text);
	json_decref(messages_of(doc));
	free(text);
}

static void test_a_mention_is_never_cut_in_two(void **state)
{
	struct str m;
	json_t *doc = doc_new("short");

	(void)state;
	str_init(&m, 1u << 20);
	for (int i = 0; i < 700; i++) {
		mark_person(&m, "slack:U0123456789");
		str_add(&m, "x");
	}
	doc_text(doc, m.p);
	check_nothing_lost(doc, "<@U0123456789>", 700);
	str_finish(&m);
}

static void test_many_fields_and_buttons_and_items(void **state)
{
	json_t *doc = doc_new("many"), *messages, *blocks, *block;
	size_t fields = 0, buttons = 0, at;

	(void)state;
	for (int i = 0; i < 35; i++)
		doc_field(doc, "Name", "needle");
	for (int i = 0; i < 60; i++)
		doc_button(doc, "needle", "update", 1, NULL, NULL);
	messages = messages_of(doc);
	blocks = json_get_arr(json_array_get(messages, 0), "blocks");
	json_array_foreach(blocks, at, block)
	{
		fields += json_array_size(json_get_arr(block, "fields"));
		buttons += json_array_size(json_get_arr(block, "elements"));
	}
	assert_int_equal(fields, 35);
	assert_int_equal(buttons, 60);
	json_decref(messages);

	/* Blocks of every size: together they may never be too long for one message. */
	for (size_t size = 100; size < 3000; size += 333) {
		char *text = repeated("x", size);

		doc = doc_new("long together");
		for (int i = 0; i < 40; i++)
			doc_text(doc, text);
		json_decref(messages_of(doc));
		free(text);
	}

	doc = doc_new("blocks");
	for (int i = 0; i < 130; i++) {
		doc_text(doc, "needle");
		doc_divider(doc);
	}
	check_nothing_lost(doc, "needle", 130);
}

static void test_continued_messages_say_so(void **state)
{
	char *text = repeated("needle in the hay ", 3000);
	json_t *doc = doc_new("Timeline of INC-1"), *messages;

	(void)state;
	doc_text(doc, text);
	messages = messages_of(doc);
	assert_true(json_array_size(messages) > 1);
	for (size_t i = 1; i < json_array_size(messages); i++) {
		struct str s;

		str_init(&s, 1u << 20);
		assert_non_null(strstr(texts_of(json_array_get(messages, i), &s), "continued"));
		str_finish(&s);
	}
	json_decref(messages);
	free(text);
}

static void test_beyond_all_messages_it_says_what_is_missing(void **state)
{
	char *text = repeated("a line of it\n", 60000);
	json_t *doc = doc_new("short"), *messages, *last;
	struct str s;

	(void)state;
	doc_text(doc, text);
	messages = messages_of(doc);
	assert_int_equal(json_array_size(messages), RENDER_MESSAGES_MAX);
	last = json_array_get(messages, RENDER_MESSAGES_MAX - 1);
	str_init(&s, 1u << 20);
	assert_non_null(strstr(texts_of(last, &s), "more lines"));
	str_finish(&s);
	json_decref(messages);
	free(text);
}

static void test_an_edit_is_one_message_with_its_buttons(void **state)
{
	char *text = repeated("needle in the hay\n", 3000);
	json_t *doc = doc_new("card"), *edit;
	struct str s;

	(void)state;
	doc_header(doc, "INC-1");
	doc_text(doc, text);
	doc_button(doc, "Resolve", "resolve", 1, NULL, NULL);
	edit = rendered_edit(doc, NOW);
	assert_null(bk_message(edit));
	str_init(&s, 1u << 20);
	texts_of(edit, &s);
	assert_non_null(strstr(s.p, "more lines"));
	assert_non_null(strstr(s.p, "Resolve"));
	assert_non_null(strstr(s.p, "INC-1"));
	str_finish(&s);
	json_decref(edit);
	json_decref(doc);
	free(text);

	/* Without blocks it still sends some, or the old ones would stay. */
	doc = doc_new("just words");
	edit = rendered_edit(doc, NOW);
	assert_non_null(json_get_arr(edit, "blocks"));
	json_decref(edit);
	json_decref(doc);
}

static void test_headers(void **state)
{
	char *text = repeated("long ", 50);
	json_t *doc = doc_new("x"), *messages, *blocks;
	struct str m;

	(void)state;
	str_init(&m, 1000);
	mark_person(&m, "slack:U0BOB");
	doc_header(doc, "a < b");
	doc_header(doc, text);
	doc_header(doc, m.p);
	doc_header(doc, "");
	messages = messages_of(doc);
	blocks = json_get_arr(json_array_get(messages, 0), "blocks");
	assert_int_equal(json_array_size(blocks), 3);
	assert_string_equal(json_get_str(json_array_get(blocks, 0), "type"), "header");
	assert_string_equal(json_string_value(json_at(blocks, "0.text.text")), "a < b");
	assert_string_equal(json_get_str(json_array_get(blocks, 1), "type"), "section");
	assert_string_equal(json_string_value(json_at(blocks, "2.text.text")), "<@U0BOB>");
	str_finish(&m);
	json_decref(messages);
	free(text);
}

static void test_buttons(void **state)
{
	char *label = repeated("very long label ", 10), *value = repeated("v", 2100);
	json_t *doc = doc_new("x"), *messages, *blocks;
	JSON_CLEANUP json_t *carried = NULL;
	struct str s;

	(void)state;
	doc_button(doc, label, "role", 42, json_pack("{s:s}", "do", "take"), "primary");
	doc_button(doc, "", "update", 0, NULL, "gaudy");
	doc_button(doc, "Too much", "update", 1, json_pack("{s:s}", "known", value), NULL);
	messages = messages_of(doc);
	blocks = json_get_arr(json_array_get(messages, 0), "blocks");
	assert_int_equal(json_parse(json_string_value(json_at(blocks, "1.elements.0.value")),
				 strlen(json_string_value(json_at(blocks, "1.elements.0.value"))),
				 4096, &carried, NULL),
		0);
	assert_string_equal(json_get_str(carried, "op"), "role");
	assert_int_equal(json_get_int(carried, "incident", 0), 42);
	assert_string_equal(json_string_value(json_at(blocks, "1.elements.0.style")), "primary");
	assert_string_equal(json_string_value(json_at(blocks, "1.elements.1.text.text")), "update");
	assert_null(json_at(blocks, "1.elements.1.style"));
	str_init(&s, 10000);
	assert_non_null(strstr(texts_of(messages, &s), "too long for a button"));
	str_finish(&s);
	json_decref(messages);
	free(label);
	free(value);
}

static void test_nothing_empty_is_sent(void **state)
{
	json_t *doc = doc_new(""), *messages;

	(void)state;
	doc_text(doc, "");
	doc_text(doc, " \n ");
	doc_context(doc, "");
	doc_field(doc, "Impact", "");
	doc_field(doc, "", "x");
	doc_list_item(doc, "");
	messages = messages_of(doc);
	assert_int_equal(json_array_size(messages), 1);
	json_decref(messages);
	/* Blocks that this version does not know are left out, not sent. */
	doc = json_pack("{s:s, s:[{s:s}, {}, n, i]}", "text", "x", "blocks", "t", "tomorrow", 7);
	json_decref(messages_of(doc));
	doc = json_pack("{s:s, s:s}", "text", "x", "blocks", "none");
	json_decref(messages_of(doc));
	json_decref(messages_of(json_object()));
}

static json_t *field_at(json_t *view, size_t at)
{
	return json_get_obj(json_array_get(json_get_arr(view, "blocks"), at), "element");
}

static void test_form(void **state)
{
	struct render_origin origin = { .channel = "C0INC", .thread_ts = "17.1" };
	json_t *form =
		form_new("A title that is much longer than Slack takes", "declare", 7, "Declare");
	JSON_CLEANUP json_t *carried = NULL;
	json_t *view;

	(void)state;
	json_object_set_new(form, "args", json_pack("{s:s}", "kept", "k"));
	json_object_set_new(
		form_field(form, "title", "What", "text", "is <down>", "One line", false, NULL),
		"multiline", json_true());
	form_field(form, "severity", "Severity", "choice", "sev2", NULL, true,
		json_pack("[[s,s],[s,s]]", "sev1", "SEV1", "sev2", "SEV2"));
	form_field(form, "who", "Who", "person", "slack:U0BOB", NULL, true, NULL);
	form_field(
		form, "all", "All", "people", "slack:U0BOB,unix:7,slack:U0CAROL", NULL, true, NULL);
	form_field(form, "flag", "A customer said so", "flag", "true", NULL, false, NULL);
	form_field(form, "in", "In", "duration", "20m", NULL, true, NULL);
	view = render_form(form, &origin, NOW);
	assert_non_null(view);
	assert_null(bk_view(view));
	/* The title in full comes first, for it does not fit above. */
	assert_string_equal(json_string_value(json_at(view, "blocks.0.text.text")),
		"A title that is much longer than Slack takes");
	assert_string_equal(json_string_value(json_at(view, "blocks.1.block_id")), "title");
	assert_string_equal(json_get_str(field_at(view, 1), "initial_value"), "is <down>");
	assert_true(json_get_bool(field_at(view, 1), "multiline", false));
	assert_string_equal(
		json_string_value(json_at(view, "blocks.2.element.initial_option.value")), "sev2");
	assert_string_equal(json_get_str(field_at(view, 3), "initial_user"), "U0BOB");
	assert_int_equal(json_array_size(json_get_arr(field_at(view, 4), "initial_users")), 2);
	assert_int_equal(json_array_size(json_get_arr(field_at(view, 5), "initial_options")), 1);
	assert_true(
		json_get_bool(json_array_get(json_get_arr(view, "blocks"), 5), "optional", false));
	assert_false(
		json_get_bool(json_array_get(json_get_arr(view, "blocks"), 1), "optional", true));
	assert_string_equal(json_get_str(field_at(view, 6), "type"), "plain_text_input");
	json_parse(json_get_str(view, "private_metadata"),
		strlen(json_get_str(view, "private_metadata")), 4096, &carried, NULL);
	assert_string_equal(json_get_str(carried, "op"), "declare");
	assert_int_equal(json_get_int(carried, "incident", 0), 7);
	assert_string_equal(json_get_str(carried, "channel"), "C0INC");
	assert_string_equal(json_get_str(json_get_obj(carried, "args"), "kept"), "k");
	json_decref(view);
	json_decref(form);
}

static void test_forms_at_their_limits(void **state)
{
	json_t *form = form_new("T", "op", 0, "Send"), *options = json_array(), *view;
	char *big = repeated("k", 4000);

	(void)state;
	for (int i = 0; i < 101; i++)
		json_array_append_new(options, json_pack("[s,s]", "v", "l"));
	form_field(form, "c", "C", "choice", NULL, NULL, true, options);
	form_field(form, "t", "T", "text", big, NULL, true, NULL);
	view = render_form(form, NULL, NOW);
	assert_null(bk_view(view));
	assert_string_equal(json_get_str(field_at(view, 0), "type"), "plain_text_input");
	json_decref(view);
	/* More to keep than a form can carry: no form, rather than one that forgets. */
	json_object_set_new(form, "args", json_pack("{s:s}", "kept", big));
	assert_null(render_form(form, NULL, NOW));
	json_decref(form);
	form = form_new("T", "op", 0, "Send");
	for (int i = 0; i < 101; i++)
		form_field(form, "t", "T", "text", NULL, NULL, true, NULL);
	assert_null(render_form(form, NULL, NOW));
	json_decref(form);
	form = form_new("T", "op", 0, "Send"); /* nothing to fill in */
	assert_null(render_form(form, NULL, NOW));
	json_decref(form);
	free(big);
}

static void test_home_and_notice(void **state)
{
	json_t *doc = doc_new("Nothing is open"), *view;

	(void)state;
	view = rendered_home(doc, NOW);
	assert_null(bk_view(view));
	json_decref(view);
	for (int i = 0; i < 300; i++)
		doc_text(doc, "needle");
	view = rendered_home(doc, NOW);
	assert_null(bk_view(view));
	json_decref(view);
	view = rendered_notice("Not done, and this title is long", doc, NOW);
	assert_null(bk_view(view));
	json_decref(view);
	json_decref(doc);
}

static void test_fit(void **state)
{
	char *text = repeated("word ", 100);
	struct str s;

	(void)state;
	str_init(&s, 1000);
	render_fit(&s, text, RENDER_TOPIC_MAX);
	assert_true(bk_units(s.p) <= RENDER_TOPIC_MAX && bk_units(s.p) > RENDER_TOPIC_MAX - 10);
	assert_string_equal(s.p + s.len - 3, "…");
	str_finish(&s);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escaping),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_plain_is_cut_visibly),
		cmocka_unit_test(test_a_short_document_is_one_message),
		cmocka_unit_test(test_long_texts_are_split_not_cut),
		cmocka_unit_test(test_a_text_without_any_edge_is_split_too),
		cmocka_unit_test(test_a_mention_is_never_cut_in_two),
		cmocka_unit_test(test_many_fields_and_buttons_and_items),
		cmocka_unit_test(test_continued_messages_say_so),
		cmocka_unit_test(test_beyond_all_messages_it_says_what_is_missing),
		cmocka_unit_test(test_an_edit_is_one_message_with_its_buttons),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_buttons),
		cmocka_unit_test(test_nothing_empty_is_sent),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_forms_at_their_limits),
		cmocka_unit_test(test_home_and_notice),
		cmocka_unit_test(test_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
