/* review_html: any Markdown becomes a page whose tags are ours, with links to http, https and mailto only. */
#include <strings.h>

#include "base/text.h"
#include "commands/reviewing.h"
#include "tests/fuzz/fuzz.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
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
	return 0;
}
