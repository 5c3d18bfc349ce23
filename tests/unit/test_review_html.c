/* A postmortem as a page: what it shows, and that nothing in it runs, loads or leads elsewhere. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "commands/reviewing.h"
#include "support_core.h"

static struct str out;

static int begin(void **state)
{
	(void)state;
	str_init(&out, 1u << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	str_finish(&out);
	return 0;
}

/* What stands between <body> and </body>. */
static const char *body(const char *markdown)
{
	static char kept[20000];
	const char *from, *to;

	str_reset(&out);
	assert_int_equal(review_html(&out, "Postmortem of INC-1", markdown, strlen(markdown)), 0);
	from = strstr(out.p, "<body>\n");
	assert_non_null(from);
	from += strlen("<body>\n");
	to = strstr(from, "</body>");
	assert_non_null(to);
	snprintf(kept, sizeof kept, "%.*s", (int)(to - from), from);
	return kept;
}

static void test_page(void **state)
{
	(void)state;
	body("# Title\n\nSome *text*, **bold** and `a < b`.\n");
	assert_has(out.p, "<!doctype html>");
	assert_has(out.p, "<title>Postmortem of INC-1</title>");
	assert_has(out.p, "default-src 'none'");
	assert_has(out.p, "<h1>Title</h1>\n<p>Some <em>text</em>, <strong>bold</strong> and <code>a &lt; b</code>.</p>");
	assert_true(strstr(out.p, "</html>\n") + strlen("</html>\n") == out.p + out.len);
	assert_string_equal(body("- one\n- two\n"), "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n");
	assert_string_equal(body("3. one\n"), "<ol start=\"3\">\n<li>one</li>\n</ol>\n");
	assert_string_equal(body("1. one\n"), "<ol>\n<li>one</li>\n</ol>\n");
	assert_has(body("| A | B |\n|---|---|\n| 1 \\| 2 | 3 |\n"), "<td>1 | 2</td>");
	assert_has(body("```\n<b> & \"\n```\n"), "<pre><code>&lt;b&gt; &amp; &quot;\n</code></pre>");
	assert_has(body("> said\n"), "<blockquote>");
	assert_string_equal(body("a &amp; b &lt; c &copy; & d\n"), "<p>a &amp; b &lt; c &copy; &amp; d</p>\n");
}

static void test_title_is_escaped(void **state)
{
	(void)state;
	assert_int_equal(review_html(&out, "</title><script>alert(1)</script>", "x", 1), 0);
	assert_null(strstr(out.p, "<script"));
	assert_has(out.p, "&lt;/title&gt;&lt;script&gt;");
}

static void test_raw_html_is_text(void **state)
{
	static const char *const raw[] = {
		"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "text <b onmouseover=alert(1)>b</b>", "<!-- c -->", "<?php ?>",
		"<![CDATA[x]]>", "<iframe src=//evil></iframe>", "<style>*{}</style>", "<a href=\"javascript:alert(1)\">x</a>",
		"<svg/onload=alert(1)>", "| <script>x</script> |\n|---|\n| <b>y |", "> <script>", "- <script>", "# <script>", "    <script>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(raw) / sizeof(*raw); i++) {
		const char *b = body(raw[i]);

		for (const char *p = strchr(b, '<'); p; p = strchr(p + 1, '<'))
			if (!strncmp(p, "<script", 7) || !strncmp(p, "<img", 4) || (!strncmp(p, "<b", 2) && strncmp(p, "<blockquote", 11) != 0) ||
				!strncmp(p, "<!", 2) || !strncmp(p, "<?", 2) || !strncmp(p, "<iframe", 7) || !strncmp(p, "<style", 6) ||
				!strncmp(p, "<a", 2) || !strncmp(p, "<svg", 4))
				fail_msg("%s became %s", raw[i], b);
		assert_has(b, "&lt;");
	}
}

static void test_links(void **state)
{
	static const char *const hostile[] = {
		"[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](&#106;avascript:alert(1))", "[x](javascript&colon;alert(1))",
		"[x](java&#10;script:alert(1))", "[x](<java\tscript:alert(1)>)", "[x](data:text/html;base64,PHNjcmlwdD4=)", "[x](vbscript:x)",
		"[x](file:///etc/passwd)", "[x](//evil.example/)", "[x](/relative)", "[x](relative)", "[x](#fragment)", "[x]()",
		"[x](http:)", "[x](https://)", "[x](mailto:)", "[x]( javascript:alert(1) )", "[x](http&#58;//evil)", "[x](\\javascript:alert(1))",
		"![x](javascript:alert(1))", "![x](data:image/svg+xml,<svg/onload=alert(1)>)", "[x]: javascript:alert(1)\n\n[x]", "<javascript:alert(1)>",
		"[x](http:\\\\evil)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++)
		if (strstr(body(hostile[i]), "href"))
			fail_msg("%s became %s", hostile[i], body(hostile[i]));
	assert_string_equal(body("[a *b*](https://example.com/?a=1&b=2 \"title\")"),
		"<p><a rel=\"nofollow noopener noreferrer\" href=\"https://example.com/?a=1&amp;b=2\">a <em>b</em></a></p>\n");
	assert_has(body("[x](HTTPS://EXAMPLE.COM)"), "href=\"HTTPS://EXAMPLE.COM\"");
	assert_has(body("<https://example.com/>"), "href=\"https://example.com/\"");
	assert_has(body("[x](mailto:bob@example.com)"), "href=\"mailto:bob@example.com\"");
	assert_has(body("[x](https://example.com/?a=1&amp;b=2)"), "href=\"https://example.com/?a=1&amp;b=2\"");
	/* Nothing ends the attribute. */
	assert_has(body("[x](https://example.com/\"onmouseover=\"alert(1))"), "href=\"https://example.com/&quot;onmouseover=&quot;alert(1)\"");
	/* A picture is a link; a link in a link is text. */
	assert_string_equal(body("![the *graph*](https://example.com/g.png)"),
		"<p><a rel=\"nofollow noopener noreferrer\" href=\"https://example.com/g.png\">the <em>graph</em></a></p>\n");
	assert_string_equal(body("[a ![g](https://example.com/g.png) b](https://example.com/)"),
		"<p><a rel=\"nofollow noopener noreferrer\" href=\"https://example.com/\">a g b</a></p>\n");
	assert_string_equal(body("[a ![g](https://example.com/g.png) b](javascript:x) [c](https://example.com/c)"),
		"<p>a g b <a rel=\"nofollow noopener noreferrer\" href=\"https://example.com/c\">c</a></p>\n");
	/* What the library ends without having begun it. */
	assert_string_equal(body("[a ![b](http://[) d](http*//e) [c](https://example.com/c)"),
		"<p>[a <a rel=\"nofollow noopener noreferrer\" href=\"http://[\">b</a> d "
		"<a rel=\"nofollow noopener noreferrer\" href=\"https://example.com/c\">c</a></p>\n");
	/* Nobody meant a link. */
	assert_null(strstr(body("see https://example.com/ and www.example.com"), "href"));
}

static void test_bad_input(void **state)
{
	static char large[REVIEW_FILE_MAX + 1];

	(void)state;
	memset(large, 'a', sizeof large);
	assert_int_equal(review_html(&out, "t", large, sizeof large), -EINVAL);
	assert_int_equal(review_html(&out, "t", "\xff\xfe", 2), -EINVAL);
	assert_int_equal(review_html(&out, "t", "a\0b", 3), -EINVAL);
	/* What does not fit is told by the builder. */
	str_finish(&out);
	str_init(&out, 100);
	assert_int_equal(review_html(&out, "t", "x", 1), 0);
	assert_true(out.cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
		TEST(test_page), TEST(test_title_is_escaped), TEST(test_raw_html_is_text), TEST(test_links), TEST(test_bad_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
