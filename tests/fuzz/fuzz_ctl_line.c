/* ctl_line_parse: any line becomes a request with an actor and words, or an error in words; and
 * whatever the core would say to it becomes one line of JSON. */
#include "adapters/ctl/ctl.h"
#include "adapters/ctl/line.h"
#include "base/json.h"
#include "base/text.h"
#include "incident/doc.h"
#include "tests/fuzz/fuzz.h"

static void answer(const struct request *r)
{
	struct str line STR_CLEANUP = { 0 };
	struct reply reply = { .kind = REPLY_MESSAGE, .doc = doc_new(r->words) };
	json_t *back = NULL;
	struct error err;

	doc_text(reply.doc, r->words);
	str_init(&line, CTL_ANSWER_MAX);
	ctl_line_answer(&line, &reply, r->handle, "UTC", 1700000000000);
	MUST(line.len && line.p[line.len - 1] == '\n' && !memchr(line.p, '\n', line.len - 1));
	MUST(json_parse(line.p, line.len, CTL_ANSWER_MAX, &back, &err) == 0);
	MUST(json_get_bool(back, "ok", false) && json_get_str(back, "text"));
	json_decref(back);
	reply_finish(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	struct request *r = ctl_line_parse((const char *)data, size, 1000, "alice", &err);

	if (!r) {
		MUST(err.code < 0 && err.text[0] && text_valid(err.text, strlen(err.text)));
		return 0;
	}
	MUST(size <= CTL_LINE_MAX && r->source == REQUEST_SHELL && r->words && r->handle);
	MUST(strcmp(r->actor.person, "unix:1000") == 0);
	MUST(r->key_count == (((const struct ctl_asker *)r->handle)->id != NULL));
	answer(r);
	request_destroy(r);
	return 0;
}
