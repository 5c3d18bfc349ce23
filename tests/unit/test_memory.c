/* What the start needed is let go of, and everything is still there when it is wanted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/memory.h"

static long status_kb(const char *name)
{
	char line[256];
	long kb = -1;
	FILE *f = fopen("/proc/self/status", "re");

	assert_non_null(f);
	while (kb < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			kb = strtol(line + strlen(name), NULL, 10);
	fclose(f);
	return kb;
}

static void test_pages_of_the_start_are_dropped(void **state)
{
	long before, after;
	char *old = strdup("what was written stays");

	(void)state;
	memory_configure();
	assert_int_equal(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	before = status_kb("RssFile:");
	memory_started();
	after = status_kb("RssFile:");
	assert_true(before > 0 && after > 0);
	assert_true(after < before / 2);
	assert_string_equal(old, "what was written stays");
	assert_non_null(curl_version());
	CURL *easy = curl_easy_init();
	assert_non_null(easy);
	curl_easy_cleanup(easy);
	curl_global_cleanup();
	free(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_pages_of_the_start_are_dropped) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
