/* The user's template of postmortems: read with the folder, and refused by name where it could not be meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support_config.h"

#define NAMED "review: {template: postmortem.md}\n"
#define LIMIT (64u << 10)

static struct config *with(const char *template)
{
	config_put("reviews.yml", NAMED);
	config_put("postmortem.md", template);
	return config_try();
}

static void refused(const char *template, const char *because)
{
	struct config *c = with(template);

	config_expect(because);
	assert_null(c);
}

static void test_none(void **state)
{
	struct config *c;

	(void)state;
	config_put("reviews.yml", "");
	c = config_try();
	assert_non_null(c);
	assert_null(c->review.template);
	config_release(c);
}

static void test_read(void **state)
{
	struct config *c = with("# {{title}}\n\n{{summary}}\n{{front}}{{state}}{{version}} } {\n");

	(void)state;
	assert_non_null(c);
	assert_string_equal(c->review.template, "# {{title}}\n\n{{summary}}\n{{front}}{{state}}{{version}} } {\n");
	config_release(c);
	c = with("");
	assert_non_null(c);
	assert_string_equal(c->review.template, "");
	config_release(c);
}

static void test_stands_for_nothing(void **state)
{
	(void)state;
	refused("# {{title}}\n\n  {{sumary}}\n", "postmortem.md:3:3");
	config_expect("{{sumary}}");
	config_expect("{{lessons}}");
	refused("{{title", "{{title stands for nothing");
	refused("{{title\n}}", "stands for nothing");
	refused("{{}}", "stands for nothing");
	refused("{{{{id}}}}", "stands for nothing");
}

static void test_not_to_be_read(void **state)
{
	static const char torn[] = "# \xE2\x82\n", cut[] = "{{id}}\0{{nothing}}";
	char path[128];
	char *large = malloc(LIMIT + 2);
	struct config *c;

	(void)state;
	config_put("reviews.yml", NAMED);
	assert_null(config_try());
	config_expect("cannot be read");
	config_expect("reviews.yml:1");

	config_put_bytes("postmortem.md", torn, sizeof(torn) - 1);
	assert_null(config_try());
	config_expect("is not UTF-8 text");
	config_put_bytes("postmortem.md", cut, sizeof(cut) - 1);
	assert_null(config_try());
	config_expect("is not UTF-8 text");

	assert_non_null(large);
	memset(large, 'x', LIMIT + 2);
	config_put_bytes("postmortem.md", large, LIMIT);
	c = config_try();
	assert_non_null(c);
	assert_int_equal(strlen(c->review.template), LIMIT);
	config_release(c);
	config_put_bytes("postmortem.md", large, LIMIT + 1);
	assert_null(config_try());
	config_expect("is larger than 64 KiB");
	free(large);

	/* Neither a folder, nor what would keep the one waiting who reads it. */
	snprintf(path, sizeof(path), "%s/postmortem.md", config_dir);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_null(config_try());
	config_expect("is not a file");
	rmdir(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(config_try());
	config_expect("is not a file");
	unlink(path);
}

static int teardown(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/postmortem.md", config_dir);
	unlink(path);
	return config_teardown(state);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, config_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_none),
		TEST(test_read),
		TEST(test_stands_for_nothing),
		TEST(test_not_to_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
