/* The client of the shell's socket: what it prints, how it ends, what it makes of strangers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/ctl/client.h"
#include "tests/unit/support_ctl.h"
#include "tests/unit/support_peer.h"

static char out_text[4096], err_text[4096];

static int ask(const char *words, bool json, int64_t timeout_ms)
{
	struct ctl_client_options options = {
		.path = ctl_stage.path, .json = json, .timeout_ms = timeout_ms
	};
	memset(out_text, 0, sizeof(out_text));
	memset(err_text, 0, sizeof(err_text));
	FILE *out = fmemopen(out_text, sizeof(out_text), "w"),
	     *err = fmemopen(err_text, sizeof(err_text), "w");
	int rc = ctl_client_run(&options, words, out, err);
	fclose(out);
	fclose(err);
	return rc;
}

static void story_client(void)
{
	need(ask("show #42", false, 5000) == CTL_DONE);
	need(strcmp(out_text, "did: show #42\n") == 0 && !err_text[0]);
	need(ask("refuse", false, 5000) == CTL_REFUSED);
	need(strcmp(err_text, "INC-42 is resolved\n") == 0 && !out_text[0]);
	need(ask("show #42", true, 5000) == CTL_DONE);
	need(out_text[0] == '{' && strstr(out_text, "\"doc\":{") &&
		out_text[strlen(out_text) - 1] == '\n');
	need(ask("refuse", true, 5000) == CTL_REFUSED);
	need(strstr(out_text, "\"code\":\"conflict\""));
	need(ask("vanish", false, 300) == CTL_UNREACHABLE);
	need(strstr(err_text, "may still be done"));
	need(ask("\xff", false, 5000) == CTL_REFUSED);
	need(strstr(err_text, "UTF-8"));
	static char large[CTL_LINE_MAX + 10];
	memset(large, 'x', sizeof(large) - 1);
	need(ask(large, false, 5000) == CTL_REFUSED);
	need(strstr(err_text, "longer"));
}

static void test_client(void **state)
{
	(void)state;
	ctl_tell(story_client);
	assert_int_equal(strlen(ctl_stage.key),
		26 + strlen(ctl_stage.person) - strlen("unix:") + strlen("ctl::"));
}

static void test_client_cannot_reach(void **state)
{
	(void)state;
	ctl_set_up();
	assert_int_equal(ask("list", false, 2000), CTL_UNREACHABLE);
	assert_non_null(strstr(err_text, "no socket"));
	assert_non_null(strstr(err_text, ctl_stage.path));
	int fd = ctl_squat();
	assert_int_equal(ask("list", false, 200), CTL_UNREACHABLE); /* accepts, and is silent */
	assert_non_null(strstr(err_text, "in time"));
	close(fd);
	assert_int_equal(ask("list", false, 2000), CTL_UNREACHABLE);
	assert_non_null(strstr(err_text, "nobody listens"));
	unlink(ctl_stage.path);
	ctl_tear_down();
}

/* Asks somebody else than sitrep, who serves at the socket's path. */
static int ask_another(void *(*serve)(void *listener), const char *words, int64_t timeout_ms)
{
	pthread_t thread;
	ctl_set_up();
	int listener = ctl_squat();
	assert_int_equal(pthread_create(&thread, NULL, serve, &listener), 0);
	int rc = ask(words, false, timeout_ms);
	shutdown(listener, SHUT_RD); /* nor does the server wait for what was not asked */
	pthread_join(thread, NULL);
	close(listener);
	unlink(ctl_stage.path);
	ctl_tear_down();
	return rc;
}

/* Takes two connections: drops the first in the middle, answers the second. The same line. */
static char first_line[1024], second_line[1024];
static void *flaky_main(void *arg)
{
	const int *listener = arg;
	int fd = accept(*listener, NULL, NULL);
	need(recv(fd, first_line, sizeof(first_line) - 1, 0) > 0);
	close(fd);
	fd = accept(*listener, NULL, NULL);
	need(recv(fd, second_line, sizeof(second_line) - 1, 0) > 0);
	ctl_say(fd, "{\"ok\":true,\"text\":\"done \\u001b[31monce\"}\n");
	close(fd);
	return NULL;
}

static void test_client_asks_again_when_cut_off(void **state)
{
	(void)state;
	assert_int_equal(ask_another(flaky_main, "declare x", 5000), CTL_DONE);
	assert_string_equal(out_text, "done [31monce\n"); /* no escape sequence on the terminal */
	assert_non_null(strstr(first_line, "\"id\":\""));
	assert_string_equal(first_line, second_line);
}

static void *nonsense_main(void *arg)
{
	const int *listener = arg;
	int fd = accept(*listener, NULL, NULL);
	ctl_say(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
	close(fd);
	return NULL;
}

static void test_client_and_a_stranger(void **state)
{
	(void)state;
	assert_int_equal(ask_another(nonsense_main, "list", 3000), CTL_UNREACHABLE);
	assert_non_null(strstr(err_text, "does not answer as sitrep"));
}

static void test_join(void **state)
{
	(void)state;
	static const struct {
		const char *argv[8];
		const char *line;
	} cases[] = {
		{ { "declare", "sev2", "checkout is failing" },
			"declare sev2 checkout is failing" },
		{ { "resolve", "rolled back", "--signal", "5xx at baseline", "now" },
			"resolve rolled back --signal \"5xx at baseline\" now" },
		{ { "resolve", "--signal=the \"5xx\" rate" },
			"resolve --signal=\"the '5xx' rate\"" },
		{ { "declare", "--customer", "x", "--env", "" },
			"declare --customer x --env \"\"" },
		{ { "note", "--", "a b" }, "note -- a b" },
		{ { NULL }, "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str line STR_CLEANUP = { 0 };
		char *argv[8];
		int argc = 0;
		while (cases[i].argv[argc]) {
			argv[argc] = (char *)(uintptr_t)cases[i].argv[argc];
			argc++;
		}
		str_init(&line, 1000);
		ctl_client_join(&line, argc, argv);
		assert_string_equal(line.p, cases[i].line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_client_cannot_reach),
		cmocka_unit_test(test_client_asks_again_when_cut_off),
		cmocka_unit_test(test_client_and_a_stranger),
		cmocka_unit_test(test_join),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
