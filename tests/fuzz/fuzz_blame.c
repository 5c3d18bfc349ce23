/* blame_find: any text is read to its end; what is found takes letters to say, and
 * stays found behind another sentence. */
#include "incident/checks.h"
#include "tests/fuzz/fuzz.h"

static const char before[] = "All is well.\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	size_t n = strlen(text);
	char *longer = malloc(n + sizeof(before));
	const char *found = blame_find(text);

	MUST(longer);
	memcpy(longer, before, sizeof(before) - 1);
	memcpy(longer + sizeof(before) - 1, text, n + 1);
	MUST(blame_find(longer) == found);
	MUST(!found || strpbrk(text, "aeiouAEIOU"));
	free(longer);
	free(text);
	return 0;
}
