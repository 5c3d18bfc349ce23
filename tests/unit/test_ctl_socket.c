/* The file of the shell's socket: its mode, what it replaces, and what is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support_ctl.h"
#include "tests/unit/support_peer.h"

static void test_mode(void **state)
{
	(void)state;
	struct stat st;
	struct error err;
	mode_t before = umask(0);
	ctl_set_up();
	assert_int_equal(adapter_start(ctl_stage.ctl, &err), 0);
	assert_int_equal(stat(ctl_stage.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(umask(before), 0); /* as it was */
	ctl_tear_down();
}

static void start_expecting(int code, const char *text)
{
	struct error err = { 0 };
	assert_int_equal(adapter_start(ctl_stage.ctl, &err), code);
	if (text && !strstr(err.text, text))
		fail_msg("not what was expected: %s", err.text);
}

static void test_stale_socket_is_replaced(void **state)
{
	(void)state;
	ctl_set_up();
	int fd = ctl_squat();
	close(fd);
	start_expecting(0, NULL);
	ctl_tear_down();
}

static void test_live_socket_is_left_alone(void **state)
{
	(void)state;
	ctl_set_up();
	int fd = ctl_squat();
	start_expecting(-EADDRINUSE, "another sitrep");
	ctl_stop();
	assert_int_equal(access(ctl_stage.path, F_OK), 0);
	close(fd);
	unlink(ctl_stage.path);
	ctl_tear_down();
}

static void test_file_is_left_alone(void **state)
{
	(void)state;
	ctl_set_up();
	FILE *f = fopen(ctl_stage.path, "w");
	fputs("precious", f);
	fclose(f);
	start_expecting(-EADDRINUSE, "no socket");
	ctl_stop();
	assert_int_equal(access(ctl_stage.path, F_OK), 0);
	unlink(ctl_stage.path);
	ctl_tear_down();
}

static void test_bad_paths(void **state)
{
	(void)state;
	char longer[200];
	memset(longer, 'p', sizeof(longer));
	longer[199] = '\0';
	const struct {
		const char *path;
		int code;
	} bad[] = { { "", -ENAMETOOLONG }, { longer, -ENAMETOOLONG },
		{ "/nonexistent/dir/ctl.sock", -ENOENT } };
	ctl_set_up();
	for (size_t i = 0; i < 3; i++) {
		struct ctl_options options = { .path = bad[i].path };
		struct adapter *a = ctl_create(&ctl_stage.host, &options);
		struct error err = { 0 };
		assert_int_equal(adapter_start(a, &err), bad[i].code);
		assert_true(err.text[0]);
		a->destroy(a);
	}
	ctl_tear_down();
}

static void story_replaced(void)
{
	/* Somebody took our socket file away and made one of their own: it is theirs to remove. */
	unlink(ctl_stage.path);
	int fd = ctl_squat();
	io_wake_send(&ctl_stage.done);
	peer_sleep(200);
	need(access(ctl_stage.path, F_OK) == 0);
	close(fd);
	unlink(ctl_stage.path);
}

static void test_only_our_file_is_removed(void **state)
{
	(void)state;
	ctl_tell(story_replaced);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_stale_socket_is_replaced),
		cmocka_unit_test(test_live_socket_is_left_alone),
		cmocka_unit_test(test_file_is_left_alone),
		cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_only_our_file_is_removed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
