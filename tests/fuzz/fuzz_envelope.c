/* Any frame: read, or refused; what comes out of it keeps its promises. */
#include "adapters/slack/envelope.h"
#include "base/arena.h"
#include "tests/fuzz/fuzz.h"

static void check_request(const struct envelope *e)
{
	const struct request *r = e->request;
	const struct slack_handle *h = r->handle;

	MUST(h && h->envelope_id && strcmp(h->envelope_id, e->envelope_id) == 0);
	MUST(*e->envelope_id);
	MUST(r->words || r->operation);
	MUST(r->actor.person && strncmp(r->actor.person, "slack:", 6) == 0);
	MUST(slack_id_valid(r->actor.person + 6));
	MUST(!r->place.channel || slack_id_valid(r->place.channel + 6));
	MUST(!h->channel || slack_id_valid(h->channel));
	MUST(r->key_count >= 1 && r->key_count <= REQUEST_KEYS_MAX);
	MUST(!r->args || json_is_object(r->args));
	MUST(h->field_count <= ENVELOPE_ARGS_MAX);
	for (size_t i = 0; i < h->field_count; i++)
		MUST(h->fields[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	char id[ENVELOPE_ID_MAX + 1];
	struct envelope e;

	envelope_read(text, size, 1000, &e);
	MUST(strlen(e.envelope_id) <= ENVELOPE_ID_MAX && strlen(e.type) < sizeof(e.type));
	MUST((e.kind == ENVELOPE_REQUEST) == (e.request != NULL));
	if (e.request)
		check_request(&e);
	request_destroy(e.request);
	if (envelope_scan_id(text, size, id))
		MUST(*id && strlen(id) <= ENVELOPE_ID_MAX);
	free(text);
	return 0;
}
