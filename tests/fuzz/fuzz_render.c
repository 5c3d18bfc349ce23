/* Any text in any place of a document: what comes out keeps all of Slack's rules, and lets nobody's
 * text become markup. */
#include "adapters/slack/render.h"
#include "incident/doc.h"
#include "tests/blockkit.h"
#include "tests/rendered.h"
#include "tests/fuzz/fuzz.h"

#define NOW INT64_C(1772375700000)

static void must_be_well(const char *why)
{
	if (why)
		fprintf(stderr, "%s\n", why);
	MUST(!why);
}

static json_t *document(const char *text, size_t size)
{
	json_t *doc = doc_new(text);
	struct str STR_CLEANUP marked = { 0 };
	size_t repeat = size ? (unsigned char)text[0] % (size < 500 ? 60u : 8u) : 0;

	str_init(&marked, 8 * size + 1000);
	mark_link(&marked, text, text);
	mark_bold(&marked, text);
	mark_person(&marked, text);
	doc_header(doc, text);
	doc_text(doc, marked.p);
	doc_context(doc, text);
	doc_divider(doc);
	for (size_t i = 0; i < repeat; i++) {
		doc_list_item(doc, text);
		doc_field(doc, text, marked.p);
		doc_button(doc, text, text, (int64_t)i, json_pack("{s:s}", "a", text), "danger");
		if (i % 7 == 0)
			doc_text(doc, text);
	}
	return doc;
}

static void check_form(const char *text)
{
	struct render_origin origin = { .channel = "C1" };
	JSON_CLEANUP json_t *form = form_new(text, text, 1, text);
	json_t *view;

	form_field(form, "a", text, "text", text, text, true, NULL);
	form_field(form, "b", text, "choice", text, text, false, json_pack("[[s,s]]", text, text));
	form_field(form, "c", text, "people", text, NULL, false, NULL);
	form_field(form, "d", text, "flag", text, NULL, false, NULL);
	view = render_form(form, &origin, NOW);
	if (view)
		must_be_well(bk_view(view));
	json_decref(view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	json_t *probe = json_string(text); /* documents are JSON: no other bytes get there */
	json_t *message;
	size_t at;

	json_decref(probe);
	if (!probe || size > 20000) {
		free(text);
		return 0;
	}
	JSON_CLEANUP json_t *doc = document(text, size);
	JSON_CLEANUP json_t *messages = rendered_messages(doc, NOW);
	JSON_CLEANUP json_t *edit = rendered_edit(doc, NOW);
	JSON_CLEANUP json_t *home = rendered_home(doc, NOW);

	MUST(json_array_size(messages) >= 1 && json_array_size(messages) <= RENDER_MESSAGES_MAX);
	json_array_foreach(messages, at, message) must_be_well(bk_message(message));
	must_be_well(bk_message(edit));
	must_be_well(bk_view(home));
	check_form(text);
	free(text);
	return 0;
}
