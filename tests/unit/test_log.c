#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

/* stderr goes into a file while a test runs */
static char captured[1 << 20];
static FILE *file;
static int saved;

static void capture_begin(void)
{
	file = tmpfile();
	assert_non_null(file);
	fflush(stderr);
	saved = dup(STDERR_FILENO);
	dup2(fileno(file), STDERR_FILENO);
}

static const char *capture_end(void)
{
	size_t n;

	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	n = fread(captured, 1, sizeof(captured) - 1, file);
	captured[n] = '\0';
	fclose(file);
	return captured;
}

static void test_a_line(void **state)
{
	const char *line;
	int n = 0;

	(void)state;
	capture_begin();
	errno = ENOENT;
	log_line(LOG_INFO, "slack", 42, "connected to %s", "wss");
	assert_int_equal(errno, ENOENT); /* logging an error does not lose it */
	log_warn("core", "no incident");
	line = capture_end();
	assert_int_equal(
		sscanf(line, "time=%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ level=info%n", &n), 0);
	assert_int_equal(n, 40);
	assert_non_null(
		strstr(line, " level=info area=slack incident=42 msg=\"connected to wss\"\n"));
	assert_non_null(strstr(line, " level=warn area=core msg=\"no incident\"\n"));
}

static void test_levels(void **state)
{
	const char *lines;

	(void)state;
	capture_begin();
	log_set_level(LOG_WARN);
	log_info("a", "hidden");
	log_error("a", "shown");
	log_set_level(LOG_DEBUG);
	log_debug("a", "also shown");
	log_set_level(LOG_INFO);
	lines = capture_end();
	assert_null(strstr(lines, "hidden"));
	assert_non_null(strstr(lines, "\"shown\""));
	assert_non_null(strstr(lines, "also shown"));
}

static void test_nothing_can_forge_a_line(void **state)
{
	const char *line;

	(void)state;
	capture_begin();
	log_info("a", "%s", "one\nlevel=error \"two\" \\ \x1b[2J \xC2\x9B \xFF \xE2\x80\xAE é");
	line = capture_end();
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_non_null(strstr(line,
		"msg=\"one\\nlevel=error \\\"two\\\" \\\\ \\x1b[2J \\x9b \\xff \\u202e é\"\n"));
}

static void test_secrets(void **state)
{
	const char *lines;
	char filler[5000];

	(void)state;
	log_secret("xoxb-1234-secret");
	log_secret("xoxb-1234");       /* the start of another */
	log_secret("quote\"and\nline"); /* would be escaped */
	log_secret("short");           /* too short to tell from prose */
	log_secret(NULL);
	log_secret("");
	memset(filler, 'f', sizeof(filler));
	filler[4090] = '\0'; /* the secret lies across the cut */

	capture_begin();
	log_info("a", "token xoxb-1234-secret, again xoxb-1234-secret and xoxb-1234.");
	log_info("a", "a quote\"and\nline");
	log_info("a", "%sxoxb-1234-secret", filler);
	log_info("a", "short");
	lines = capture_end();
	assert_null(strstr(lines, "xoxb"));
	assert_null(strstr(lines, "1234"));
	assert_null(strstr(lines, "quote"));
	assert_non_null(strstr(lines, "token [secret], again [secret] and [secret]."));
	assert_non_null(strstr(lines, "fff[secret]"));
	assert_non_null(strstr(lines, "msg=\"short\""));
}

/* A service that runs for months has its tokens replaced, and says all of them again at each reload. */
static void test_secrets_are_replaced(void **state)
{
	char token[32];
	const char *lines;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		log_secret("never-replaced");
		snprintf(token, sizeof(token), "rotated-%d-token", i);
		log_secret(token);
	}
	capture_begin();
	log_info("a", "never-replaced, then rotated-999-token");
	lines = capture_end();
	assert_non_null(strstr(lines, "msg=\"[secret], then [secret]\""));
}

static void test_a_long_message_is_cut(void **state)
{
	char *text = malloc(100001);
	const char *line;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 100000);
	text[100000] = '\0';
	capture_begin();
	log_info("a", "%s", text);
	line = capture_end();
	assert_in_range(strlen(line), 4096, 4300);
	assert_int_equal(line[strlen(line) - 1], '\n');
	free(text);
}

static void *talker(void *name)
{
	for (int i = 0; i < 500; i++)
		log_info("thread", "%s%s%s%s", (char *)name, (char *)name, (char *)name,
			(char *)name);
	return NULL;
}

static void test_two_threads_do_not_mix_lines(void **state)
{
	char a[] = "aaaaaaaaaa", b[] = "bbbbbbbbbb";
	pthread_t one, two;
	char *lines, *rest = NULL;
	size_t count = 0;

	(void)state;
	capture_begin();
	assert_int_equal(pthread_create(&one, NULL, talker, a), 0);
	assert_int_equal(pthread_create(&two, NULL, talker, b), 0);
	pthread_join(one, NULL);
	pthread_join(two, NULL);
	capture_end();
	lines = captured;
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *msg = strstr(line, "msg=\"");

		assert_non_null(msg);
		assert_true(strspn(msg + 5, "a") == 40 || strspn(msg + 5, "b") == 40);
		assert_string_equal(msg + 45, "\"");
		count++;
	}
	assert_int_equal(count, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_nothing_can_forge_a_line),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_secrets_are_replaced),
		cmocka_unit_test(test_a_long_message_is_cut),
		cmocka_unit_test(test_two_threads_do_not_mix_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
