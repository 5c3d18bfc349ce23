/* What the documents say about tests: `test_file.c::name` must be there, so that no promise leans on a test that has gone. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_MAX (1u << 20)

static char *file_text(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t n;

	if (!f)
		return NULL;
	text = calloc(1, FILE_MAX + 1);
	assert_non_null(text);
	n = fread(text, 1, FILE_MAX, f);
	assert_true(n < FILE_MAX);
	fclose(f);
	return text;
}

static bool part_of_name(int c)
{
	return isalnum(c) || c == '_';
}

/* As a word of its own with a bracket behind it: defined, or listed by a macro of the test. */
static bool has_test(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = text; (p = strstr(p, name)) != NULL; p += n)
		if ((p == text || !part_of_name((unsigned char)p[-1])) && (p[n] == '(' || p[n] == ')' || p[n] == ','))
			return true;
	return false;
}

static char *test_text(const char *file)
{
	static const char *const folders[] = { "unit", "scenario", "chaos" };
	char *text = NULL;

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders) && !text; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/tests/%s/%s", SITREP_SOURCE_DIR, folders[i], file);
		text = file_text(path);
	}
	return text;
}

/* "test_x.c::name" or "test_x.c" between backquotes; false: it is something else. */
static bool reference(const char *p, char file[128], char name[128])
{
	name[0] = '\0';
	if (sscanf(p, "`%127[a-z0-9_.]::%127[a-z0-9_]`", file, name) < 1)
		return false;
	return strncmp(file, "test_", 5) == 0;
}

/* How many it names. */
static int check(const char *document)
{
	char path[512], file[128], name[128];
	char *text, *found;
	int count = 0, missing = 0;

	snprintf(path, sizeof(path), "%s/%s", SITREP_SOURCE_DIR, document);
	text = file_text(path);
	assert_non_null(text);
	for (const char *p = text; (p = strchr(p, '`')) != NULL; p++) {
		if (!reference(p, file, name))
			continue;
		count++;
		found = test_text(file);
		if (!found || (*name && !has_test(found, name))) {
			print_error("%s names %s::%s, which is not there\n", document, file, name);
			missing++;
		}
		free(found);
	}
	free(text);
	assert_int_equal(missing, 0);
	return count;
}

static void test_every_test_that_is_named_exists(void **state)
{
	(void)state;
	assert_true(check("docs/reliability.md") >= 60);
	assert_true(check("SECURITY.md") >= 25);
}

static void test_what_is_not_there_is_seen(void **state)
{
	(void)state;
	assert_true(has_test("static void test_a(void **state)", "test_a"));
	assert_true(has_test("UNIT_TEST(a_b)", "a_b"));
	assert_false(has_test("static void test_ab(void **state)", "test_a"));
	assert_false(has_test("my_test_a(1)", "test_a"));
	assert_null(test_text("test_nobody_wrote.c"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_test_that_is_named_exists),
		cmocka_unit_test(test_what_is_not_there_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
