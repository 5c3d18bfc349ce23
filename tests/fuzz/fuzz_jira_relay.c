/* Any frame of a relay: read, or dropped; what comes out of it keeps its promises. */
#include "adapters/jira/relay_frame.h"
#include "tests/fuzz/fuzz.h"

static void check_event(const struct relay_frame *f)
{
	char *answer;
	json_t *back;
	struct error err;

	MUST(f->id && *f->id && strlen(f->id) <= RELAY_ID_MAX);
	MUST(f->refuse == 0 || f->refuse == 400 || f->refuse == 405);
	MUST(f->refuse || f->hook.body);
	/* Read in whole, so that the sanitizer sees where it ends. */
	if (!f->refuse) {
		char *copy = fuzz_string((const uint8_t *)f->hook.body, f->hook.len);

		free(copy);
	}
	answer = relay_frame_answer(f->id, 200);
	MUST(json_parse(answer, strlen(answer), RELAY_FRAME_MAX, &back, &err) == 0);
	MUST(strcmp(json_string_value(json_at(back, "data.id")), f->id) == 0);
	json_decref(back);
	free(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	struct relay_frame f;

	relay_frame_read(text, size, &f);
	if (f.kind == RELAY_EVENT)
		check_event(&f);
	else
		MUST(!f.id && !f.body);
	for (const char *p = f.why; *p; p++)
		MUST(*p >= ' ' && *p <= '~');
	MUST(strlen(f.why) < sizeof(f.why));
	relay_frame_finish(&f);
	free(text);
	return 0;
}
