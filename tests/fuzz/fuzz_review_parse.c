/* review_parse: any file is refused with a reason, or read; and what was read comes back the same from the file made of it. */
#include "base/arena.h"
#include "base/text.h"
#include "incident/review.h"
#include "tests/fuzz/fuzz.h"

static char title[] = "checkout is failing";

static bool fits_again(const char *text)
{
	const char *p = text;

	/* What looks like a hint of ours, or like a heading, is not a text that people keep in a section. */
	if (!strncmp(p, "_Nothing yet", 12))
		return false;
	for (; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (!strncmp(p, "```", 3) || !strncmp(p, "~~~", 3) || !strncmp(p, "## ", 3))
			return false;
	return true;
}

static void check_round(struct arena *a, const struct review *r)
{
	struct incident inc = { .id = 1, .title = title };
	struct review_record rec = { .incident = &inc, .zone = "UTC", .severity = "SEV2" };
	struct review back = { 0 };
	struct error err = { 0 };
	unsigned ignored;
	struct str out;

	for (int s = 0; s < REVIEW_SECTION_COUNT; s++)
		if (r->section[s] && !fits_again(r->section[s]))
			return;
	str_init(&out, 4u << 20);
	review_markdown(&out, r, &rec, NULL);
	MUST(review_parse(a, out.p, out.len, &back, &ignored, &err) == 0);
	MUST(ignored == (1u << REVIEW_TIMELINE | 1u << REVIEW_ACTIONS));
	for (int s = 0; s < REVIEW_SECTION_COUNT; s++)
		if (review_section_written((enum review_section)s))
			MUST(!strcmp(back.section[s], r->section[s] ? r->section[s] : ""));
	str_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	struct arena *a = arena_create(16u << 20);
	struct review r = { 0 };
	struct review_factor factor[8];
	struct error err = { 0 };
	unsigned ignored;
	size_t len;
	bool lone;

	if (review_parse(a, text, size, &r, &ignored, &err) == 0)
		check_round(a, &r);
	else
		MUST(err.text[0] && text_valid(err.text, strlen(err.text)));
	if (text_valid(text, size)) {
		const char *at = review_template_unknown(text, &len);

		MUST(!at || (at >= text && at + len <= text + size && !strncmp(at, "{{", 2)));
		size_t n = review_factors(a, text, factor, 8, &lone);
		MUST(n <= 8 && (!lone || n == 1));
	}
	arena_destroy(a);
	free(text);
	return 0;
}
