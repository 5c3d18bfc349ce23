/* The linter: any text is read to its end, findings move on, quote what stands there and say what to
 * write; blame stays found behind another sentence. */
#include "base/text.h"
#include "incident/lint.h"
#include "tests/fuzz/fuzz.h"

static const char before[] = "All is well.\n";

static void findings_check(const char *text, bool action)
{
	struct lint_finding f;
	size_t from = 0, last = 0, n = strlen(text);

	while (lint_next(text, action, &from, &f)) {
		MUST(from > last && from <= n);
		MUST(f.rule == LINT_BLAME || f.rule == LINT_PLACEHOLDER || (action && f.rule == LINT_EMPTY));
		MUST(*f.quote && strstr(text, f.quote) && strlen(f.quote) < sizeof(f.quote));
		MUST(!text_valid(text, n) || text_valid(f.quote, strlen(f.quote)));
		MUST(*f.instead);
		last = from;
	}
	MUST(from <= n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	size_t n = strlen(text);
	char *longer = malloc(n + sizeof(before));
	struct lint_finding f, g;
	bool blames = lint_blames(text, &f);

	MUST(longer);
	memcpy(longer, before, sizeof(before) - 1);
	memcpy(longer + sizeof(before) - 1, text, n + 1);
	MUST(lint_blames(longer, &g) == blames);
	MUST(!blames || strcmp(f.quote, g.quote) == 0);
	findings_check(text, false);
	findings_check(text, true);
	(void)lint_signal_observable(text);
	free(longer);
	free(text);
	return 0;
}
