/* Markdown of people: postmortems read back, as HTML, and linted. */
#include <strings.h>

#include "base/arena.h"
#include "base/text.h"
#include "commands/reviewing.h"
#include "incident/lint.h"
#include "incident/review.h"
#include "tests/fuzz/fuzz.h"

/* ---- html ------------------------------------------------------------------------------------ */

/* review_html: any Markdown becomes a page whose tags are ours, with links to http, https and mailto only. */
#define LINK "<a rel=\"nofollow noopener noreferrer\" href=\""

static void check_tag(const char *p)
{
	static const char *const tags[] = { "blockquote>", "ul>", "ol>", "ol start=\"", "li>", "hr>", "h1>", "h2>", "h3>", "h4>", "h5>", "h6>",
		"pre>", "code>", "p>", "table>", "thead>", "tbody>", "tr>", "th>", "td>", "em>", "strong>", "del>", "br>", "/a>", "body>" };
	static const char *const schemes[] = { "http://", "https://", "mailto:" };
	bool known = false;

	if (!strncmp(p, LINK, strlen(LINK))) {
		p += strlen(LINK);
		for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
			known |= !strncasecmp(p, schemes[i], strlen(schemes[i]));
		MUST(known);
		MUST(p[strcspn(p, "\"<>'")] == '"' && p[strcspn(p, "\"<>'") + 1] == '>');
		return;
	}
	p++;
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		known |= !strncmp(p, tags[i], strlen(tags[i])) || (*p == '/' && !strncmp(p + 1, tags[i], strlen(tags[i])));
	MUST(known);
}

static void html(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	struct str out;
	int open = 0;

	str_init(&out, 8u << 20);
	if (review_html(&out, "t", text, size) == 0 && !out.cut) {
		const char *body = strstr(out.p, "<body>\n"), *end = strstr(body, "</body>\n</html>\n");

		MUST(text_valid(out.p, out.len));
		MUST(end && !end[strlen("</body>\n</html>\n")]);
		for (const char *p = strchr(body + 1, '<'); p && p < end; p = strchr(p + 1, '<')) {
			check_tag(p);
			open += !strncmp(p, "<a ", 3) ? 1 : !strncmp(p, "</a>", 4) ? -1 : 0;
			MUST(open >= 0 && open <= 1);
		}
		MUST(open == 0);
	}
	str_finish(&out);
	free(text);
}

/* ---- parse ----------------------------------------------------------------------------------- */

/* review_parse: any file is refused with a reason, or read; and what was read comes back the same from the file made of it. */
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

static void parse(const uint8_t *data, size_t size)
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
}

/* ---- lint ------------------------------------------------------------------------------------ */

/* The linter: any text is read to its end, findings move on, quote what stands there and say what to
 * write; blame stays found behind another sentence. */
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

static void lint(const uint8_t *data, size_t size)
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
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static fuzz_part *const part[] = { html, parse, lint };

	fuzz_choose("hpl", part, data, size);
	return 0;
}
