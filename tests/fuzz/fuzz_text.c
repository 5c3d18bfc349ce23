/* text_clean and its neighbours: valid, capped, without control characters; cleaning twice changes
 * nothing. */
#include "base/arena.h"
#include "base/str.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

static void check_clean(const char *p, size_t n, size_t max, bool keep)
{
	struct arena *a = arena_create(1u << 20);
	const char *once = text_clean(a, p, n, max, keep);
	size_t len = strlen(once);

	MUST(len <= max);
	MUST(text_valid(once, len));
	for (size_t i = 0; i < len; i++)
		MUST(((unsigned char)once[i] >= 0x20 && once[i] != 0x7F) ||
			(keep && once[i] == '\n'));
	MUST(strcmp(text_clean(a, once, len, max, keep), once) == 0);
	arena_destroy(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	size_t len = strlen(text), cut = text_cut(text, size / 2);
	STR_CLEANUP struct str slug;

	check_clean(text, size, size / 2, false);
	check_clean(text, size, 3 * size, true);
	MUST(cut <= size / 2 && cut <= len);
	if (text_valid(text, len))
		MUST(text_valid(text, cut) && text_chars(text) <= len);
	str_init(&slug, size);
	text_slug(&slug, text, 20);
	MUST(slug.len <= 20);
	MUST(strspn(slug.p, "abcdefghijklmnopqrstuvwxyz0123456789-") == slug.len);
	MUST(!strstr(slug.p, "--") && slug.p[0] != '-');
	MUST(slug.len == 0 || slug.p[slug.len - 1] != '-');
	MUST(text_distance(text, "update") == text_distance("update", text));
	free(text);
	return 0;
}
