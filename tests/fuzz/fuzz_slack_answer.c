/* Any answer of the Web API: first byte: how it came; second: HTTP status; the rest is the body. */
#include "adapters/slack/unescape.h"
#include "adapters/slack/web.h"
#include "tests/fuzz/fuzz.h"

static const int statuses[] = { 200, 200, 200, 201, 302, 400, 404, 413, 429, 500, 503, 0 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum http_result results[] = { HTTP_ANSWERED, HTTP_ANSWERED, HTTP_UNKNOWN,
		HTTP_NOT_SENT };
	struct web_reading r;

	if (size < 2)
		return 0;
	char *text = fuzz_string(data + 2, size - 2);
	enum http_result result = results[data[0] % 4];
	bool reads = data[0] & 0x80;
	struct str STR_CLEANUP plain = { 0 };

	web_read(reads, result, statuses[data[1] % 12], "why", text, size - 2, &r);
	MUST((r.class == WEB_OK) <= (r.body != NULL));
	MUST(strlen(r.error) < sizeof(r.error) && strlen(r.text) < sizeof(r.text));
	MUST(r.class == WEB_OK || *r.text);
	/* Nothing that is lost may count as certainly not done, unless it can be done again. */
	if (result == HTTP_UNKNOWN)
		MUST(r.class == (reads ? WEB_RETRY : WEB_UNKNOWN));
	json_decref(r.body);
	str_init(&plain, 4 * size + 16);
	slack_unescape(&plain, text);
	free(text);
	return 0;
}
