/* messages.yml: what is shipped is the default, what is said replaces it, what is wrong is named
 * with its place (FEATURES E6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

struct folder {
	char dir[64], file[96];
	struct str report;
};

static int setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/sitrep-messages-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->file, sizeof(f->file), "%s/messages.yml", f->dir);
	str_init(&f->report, 1u << 20);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct folder *f = *state;

	unlink(f->file);
	rmdir(f->dir);
	str_finish(&f->report);
	free(f);
	return 0;
}

static int load(struct folder *f, const char *text, struct config **out)
{
	FILE *file = fopen(f->file, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	str_reset(&f->report);
	return config_load(out, f->dir, NULL, 0, true, &f->report);
}

static void test_shipped_is_the_default(void **state)
{
	struct folder *f = *state;
	struct config *shipped, *empty;

	assert_int_equal(
		config_load(&shipped, SITREP_SOURCE_DIR "/config", NULL, 0, true, &f->report), 0);
	assert_int_equal(load(f, "", &empty), 0);
	for (size_t i = 0; i < TEMPLATE_COUNT; i++) {
		const struct message_template *a = &shipped->message[i], *b = &empty->message[i];

		assert_string_equal(a->subject, b->subject);
		assert_true(a->count > 3);
		assert_int_equal(a->count, b->count);
		for (size_t k = 0; k < a->count; k++)
			assert_string_equal(a->line[k], b->line[k]);
	}
	config_release(shipped);
	config_release(empty);
}

static void test_said(void **state)
{
	struct folder *f = *state;
	struct config *c;

	assert_int_equal(load(f, "update: {body: ['We know: {{known}}']}\n", &c), 0);
	assert_int_equal(c->message[TEMPLATE_UPDATE].count, 1);
	assert_string_equal(c->message[TEMPLATE_UPDATE].line[0], "We know: {{known}}");
	/* What it does not say stays. */
	assert_string_equal(
		c->message[TEMPLATE_UPDATE].subject, "{{severity}} UPDATE · {{about}} · {{state}}");
	config_release(c);
}

static void refused(struct folder *f, const char *text, const char *where, const char *why)
{
	struct config *c;

	assert_true(load(f, text, &c) < 0);
	assert_null(c);
	if (!strstr(f->report.p, where) || !strstr(f->report.p, why))
		fail_msg("%s\nsays neither %s nor %s", f->report.p, where, why);
}

static void test_refused(void **state)
{
	struct folder *f = *state;

	refused(f, "update:\n  body:\n    - 'x'\n    - '{{knwon}}'\n", "messages.yml:4:7",
		"there is no variable {{knwon}}; did you mean {{known}}?");
	refused(f, "first: {subject: 'all {{zzzzzzzzz}}'}\n", "messages.yml:1:18", "lists all");
	refused(f, "first: {subject: 'all {{title'}\n", "messages.yml:1:18",
		"\"{{title\" does not end: }} is missing");
	refused(f, "resolution: {body: []}\n", "messages.yml:1:", "resolution.body");
	refused(f, "resolved: {subject: x}\n", "messages.yml:1:1", "resolution");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_shipped_is_the_default),
		TEST(test_said),
		TEST(test_refused),
	};

	return cmocka_run_group_tests_name("config: messages", tests, NULL, NULL);
}
